"""Average marginal effects: what a point, a standard deviation or a category more of a covariate goes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ColumnError, listed, unknown
from cxuxlib.models.regression import averages, fitted
from cxuxlib.models.regression.averages import Effect, Of, Over, Wanted
from cxuxlib.models.regression.fitted import Regression
from cxuxlib.models.regression.samples import Sample
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["margins"]

_STEP = 1e-3  # of a standard deviation, for the derivative of a design; exact for polynomials up to the fourth degree
_NEAR = 1e-2  # of the number itself, at most: a step must not leave what a logarithm or a root is of


def margins(
    fit: Fit,
    columns: Sequence[str] | None = None,
    *,
    of: Of | None = None,
    over: Over = "population",
    level: float | None = None,
) -> pd.DataFrame:
    """Average marginal effects of covariates: in NPS points, in chances, or in the outcome's mean.

    Of a number per point: (1/n) Σ_i ∂E[f(Y) | x_i]/∂x, and per SD: that times the standard deviation of the covariate
    in the data, whose own error counts. Of a category: the average of f with everybody in it, minus that with
    everybody in the first. For NPS f is 100 for answers 9 and 10 and -100 for 0 to 6.

    Args:
        fit: result of `ordered_logit`, `partial_odds`, `logit` or `linear`.
        columns: covariates; all by default.
        of: "nps" of answers 0 to 10, "probability" of each answer (of 1 for a logit), "mean"; None: mean of a linear
            regression, else probability.
        over: "population": the covariates are a sample too; "sample": they, and their SD, are taken as they are, as
            most programs do.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        One row per covariate, kind (per point, per SD, or "b vs a") and answer: term, kind, outcome, value, std_error,
        low, high, p, n, method, level.

    Raises:
        ArgumentError, ColumnError: no such column, one that stands in a comparison, or answers without an NPS or mean.

    Source: Agresti 2010, Analysis of Ordinal Categorical Data, doi:10.1002/9780470594001, ch. 3; Bartus 2005,
    doi:10.1177/1536867X0500500303 (average marginal effects). Checked against: statsmodels, brute-force derivatives,
    and the bootstrap.

    >>> from cxuxlib.models import ordered_logit
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"ease": rng.integers(1, 6, 2000)})
    >>> frame["recommend"] = np.clip(np.round(frame["ease"] + 4 + 2 * rng.logistic(size=2000)), 0, 10)
    >>> margins(ordered_logit("recommend ~ ease", frame), of="nps")[["term", "kind", "value", "low", "high"]].round(1)
       term       kind  value   low  high
    0  ease  per point   20.4  18.4  22.3
    1  ease     per SD   29.2  26.4  32.0
    """
    raw = fitted.regression_of(fit, "margins")
    sample = averages.sample_of(raw, "margins")
    level = intervals.check_level(fit.level if level is None else level)
    what = averages.wanted(raw, of, raw.plan.outcome)
    names = list(sample.table.columns) if columns is None else list(columns)
    if isinstance(columns, str) or not names:
        raise ArgumentError(
            f"columns is a list of covariates; there is {listed(sample.table.columns)} in {raw.plan.formula!r}."
        )
    rows, quantile = [], intervals.half_width(level, raw.df)
    for name in names:
        if name not in sample.table.columns:
            raise ColumnError(unknown("covariate", name, sample.table.columns))
        for kind, effect in _effects(raw, sample, name, what, over):
            error = averages.standard_errors(raw, effect, over)
            own = fitted.block([name] * len(what.names), kind, effect.value, error, quantile, raw.df)
            found = fitted.table(own)
            found.insert(2, "outcome", list(what.names))
            rows.append(found)
    method = f"{fit.method}; delta method over the {over}"
    return pd.concat(rows, ignore_index=True).assign(n=sample.n_units, method=method, level=level)


def _effects(raw: Regression, sample: Sample, name: str, what: Wanted, over: Over) -> list[tuple[str, Effect]]:
    """The effects of one covariate, by kind."""
    table, w = sample.table, sample.row_weights()
    values = table[name]
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool or name in raw.plan.nominal:
        return _contrasts(raw, table, name, what, w)
    if name in raw.plan.stepped:
        raise ArgumentError(
            f"{name!r} stands in a comparison or is rounded in {raw.plan.formula!r}, so a small change of it does "
            "nothing. Make the comparison a column of true and false, or put the number into C(...)."
        )
    x = values.to_numpy(dtype=float)
    mean = float(np.average(x, weights=w))
    sd = float(np.sqrt(np.average((x - mean) ** 2, weights=w) * sample.n_units / (sample.n_units - 1)))
    point = averages.averaged(averages.change_of(raw, table, _moved(raw, table, name, x, sd), what, w), w)
    own = point.own * sd
    if over == "population":  # the SD is an estimate as well: ((x - mean)² - sd²) / 2 sd is its influence function
        own = own + np.outer((x - mean) ** 2 - sd**2, point.value) / (2 * sd * w.sum())
    return [("per point", point), ("per SD", Effect(point.value * sd, point.gradient * sd, own))]


def _moved(raw: Regression, table: pd.DataFrame, name: str, x: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the designs by a covariate: five-point differences."""
    step = np.where(x == 0, _STEP * sd, np.minimum(_STEP * sd, _NEAR * abs(x)))
    moved = pd.concat([table.assign(**{name: x + far * step}) for far in (1, -1, 2, -2)], ignore_index=True)
    slopes = []
    for made in averages.designs(raw, moved):
        up, down, far_up, far_down = made.reshape(4, len(table), -1)
        slopes.append((8 * (up - down) - (far_up - far_down)) / (12 * step[:, None]))
    return slopes[0], slopes[1]


def _contrasts(
    raw: Regression, table: pd.DataFrame, name: str, what: Wanted, w: np.ndarray
) -> list[tuple[str, Effect]]:
    """Everybody in one category, compared with everybody in the first."""
    values = table[name]
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    found: list[Any] = list(values.cat.categories) if categorical else sorted(values.unique().tolist())
    everybody = []
    for each in found:
        same = pd.Categorical([each] * len(table), dtype=values.dtype) if categorical else np.full(len(table), each)
        everybody.append(averages.averaged(averages.level_of(raw, table.assign(**{name: same}), what, w), w))
    first = everybody[0]
    return [
        (f"{each} vs {found[0]}", Effect(*(a - b for a, b in zip(one, first, strict=True))))
        for each, one in zip(found[1:], everybody[1:], strict=True)
    ]
