"""Numbers: linear regression by least squares."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.regression import fitted, samples
from cxuxlib.models.regression.designs import Plan, outcome_numbers, plan
from cxuxlib.models.regression.fitted import Errors, Regression
from cxuxlib.models.regression.from_moments import explained, from_moments
from cxuxlib.results import Fit, Moments
from cxuxlib.stats import intervals
from cxuxlib.stats.glm import least_squares
from cxuxlib.stats.glm_errors import Scores

__all__ = ["linear"]

_EXACT = 1e-24  # of the outcome's sum of squares that is left by rounding


def linear(
    formula: str,
    data: Any,
    *,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    errors: Errors | None = None,
    level: float = 0.95,
) -> Fit:
    """Explain a number by linear regression, from rows, counts or moments.

    β = (X'WX)⁻¹X'Wy on the distinct rows. Robust covariance is HC1, n/(n - k) times the sandwich; by cluster it is CR1,
    G/(G - 1) · (n - 1)/(n - k) times the sandwich of the clusters' summed scores, exact.

    Args:
        formula: such as "rating ~ ease + C(segment) + ease:help" or "log(spend) ~ ease".
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments` of plain columns.
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        errors: "robust" (HC1), "observed" (equal variances; all that moments allow), None: robust where it can be had.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`: terms of kind intercept and slope, with t on n - k df, by cluster on G - 1; quality with n, n_missing,
        n_distinct, R2, R2_adjusted and residual_sd.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the formula or the data.
        ModelError: a constant or collinear covariate, an outcome that never varies, or one that the covariates
            determine exactly.

    Source: White 1980, doi:10.2307/1912934; Liang & Zeger 1986, doi:10.1093/biomet/73.1.13; Wong et al. 2021,
    arXiv 2102.11297 (from counts). Checked against: statsmodels, R's lm and sandwich.

    >>> frame = pd.DataFrame({"ease": [1, 2, 3, 4], "rating": [2, 3, 5, 6]})
    >>> linear("rating ~ ease", frame, errors="observed").estimate("ease")
    ease (slope) = 1.40, 95% CI [0.79, 2.01], n = 4 (least squares, errors from equal variances; t with 2 df)
    """
    intervals.check_level(level)
    made = plan(formula)
    if isinstance(data, Moments):
        if weight or frequency or isinstance(unit, str):
            raise ArgumentError(
                "Moments have their weights in them and know no units; weight, frequency and unit go with rows."
            )
        raw, quality = from_moments(made, data, errors)
        told = f"least squares, errors from equal variances; t with {raw.df:,.0f} df"
        return Fit("linear", formula, _terms(raw, level), quality, raw, level, told)
    sample = samples.read(made, data, unit=unit, weight=weight, frequency=frequency)
    y = _numbers(made, sample.answers)
    names, x = sample.design.names, sample.design.columns
    if not names:
        raise ArgumentError(f"{formula!r} has neither an intercept nor a term.")
    n, k, groups = sample.n_units, len(names), sample.clusters
    samples.enough(n, k)
    intercept = "Intercept" in names
    scaled = samples.scaled_design(names, x, sample.row_weights(), center=intercept)
    found = least_squares(scaled.columns, sample.row, y, sample.w, intercept)
    if not found.tss > 0:
        raise ModelError(f"All answers in {made.outcome!r} are the same; there is nothing to explain.")
    if found.rss <= _EXACT * found.tss:
        raise ModelError(
            f"The covariates determine {made.outcome!r} exactly, so there is no error to measure: is it made of them?"
        )
    back = _back(names, scaled.mean, scaled.scale)
    how = fitted.which_errors(errors, sample, "robust")
    correction = fitted.correction(sample, k)
    own = None
    if how == "observed":
        covariance = found.rss / (n - k) * (back @ found.bread @ back.T)
    else:
        own = Scores(scaled.columns, sample.row, found.residual, found.bread @ back.T)
        covariance = fitted.spread(own, sample, how, correction)
    df = groups.n - 1 if groups else n - k
    raw = Regression(
        made, sample, x, np.zeros((len(x), 0)), y, (), back @ found.at, covariance, own, names, (), "identity", how,
        correction, df,
    )  # fmt: skip
    r2 = 1 - found.rss / found.tss
    variance = found.rss / float(sample.w.sum()) * n / (n - k)
    quality = fitted.sizes(sample) | explained(r2, n, k, intercept, variance)
    told = fitted.told(sample, "least squares", how, df).replace("the observed information", "equal variances")
    return Fit("linear", formula, _terms(raw, level), quality, raw, level, told)


def _numbers(made: Plan, answers: pd.DataFrame) -> np.ndarray:
    values = answers[made.name] if made.name and not made.levels else None
    if values is not None and isinstance(values.dtype, pd.CategoricalDtype):
        raise ArgumentError(
            f"{made.name!r} holds texts; a linear regression explains numbers. See models.ordered_logit."
        )
    found = outcome_numbers(made.outcome, answers) if values is None else values.to_numpy()
    return found.astype(float)


def _back(names: tuple[str, ...], mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """From coefficients of the scaled design to those of the design itself."""
    back = np.diag(1 / scale)
    if "Intercept" in names:
        back[names.index("Intercept")] -= mean / scale
    return back


def _terms(raw: Regression, level: float) -> pd.DataFrame:
    kinds = ["intercept" if name == "Intercept" else "slope" for name in raw.names]
    error = np.sqrt(np.diag(raw.covariance))
    quantile = intervals.half_width(level, raw.df)
    return fitted.table(fitted.block(raw.names, kinds, raw.parameters, error, quantile, raw.df))
