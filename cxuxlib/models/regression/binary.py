"""Yes or no: logistic regression."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np
from scipy.special import expit

from cxuxlib.errors import ArgumentError
from cxuxlib.models.regression import cumulative, fitted, outcomes, samples
from cxuxlib.models.regression.cumulative import Problem
from cxuxlib.models.regression.designs import plan
from cxuxlib.models.regression.fitted import Errors
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["logit"]


def logit(
    formula: str,
    data: Any,
    *,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    errors: Errors | None = None,
    level: float = 0.95,
) -> Fit:
    """Explain a yes or no by logistic regression, from rows or counts.

    P(Y = 1) = 1/(1 + exp(-x'β)), by maximum likelihood on the distinct rows.

    Args:
        formula: such as "churned ~ ease + C(segment)"; the outcome is 0 or 1, true or false, or a comparison,
            "I(recommend >= 9) ~ ease".
        data: one row per unit (any engine), or counts (with ``frequency``).
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        weight: column of sampling weights; errors are robust then.
        frequency: column that says how many units a row stands for.
        errors: "observed" (information), "robust" (sandwich), None: robust with weights, else observed.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`: terms of kind intercept, slope and odds ratio; quality as that of `ordered_logit`, with the mean
        squared error of the fitted chances (Brier). Robust and cluster covariances are corrected as those of `linear`
        (HC1, CR1); by cluster with t on G - 1 df.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the formula or the data.
        ModelError: a constant or collinear covariate, one answer only, or a term that separates the answers.

    Source: Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x; White 1982, doi:10.2307/1912526; Albert & Anderson 1984,
    doi:10.1093/biomet/71.1.1 (separation). Checked against: R's glm and sandwich, statsmodels.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"eased": [0, 0, 1, 1], "stayed": [0, 1, 0, 1], "n": [30, 10, 20, 40]})
    >>> logit("stayed ~ eased", frame, frequency="n").estimate("eased", "odds ratio")
    eased (odds ratio) = 6.0, 95% CI [2.5, 14.7], n = 100 (maximum likelihood, errors from the observed information; z)
    """
    intervals.check_level(level)
    made = plan(formula)
    sample = samples.read(made, data, unit=unit, weight=weight, frequency=frequency)
    y = outcomes.yes_or_no(made, sample.answers)
    x, names = sample.design.columns, sample.design.names
    if not names:
        raise ArgumentError(f"{formula!r} has neither an intercept nor a term.")
    problem = Problem(made, sample, x, np.zeros((len(x), 0)), y, (0, 1), names, ())
    how = fitted.which_errors(errors, sample, "observed")
    found = cumulative.fit(problem, "logit", how)
    raw, at, error = found.raw, found.raw.parameters, np.sqrt(np.diag(found.raw.covariance))
    kinds = ["intercept" if name == "Intercept" else "slope" for name in names]
    every = fitted.block(names, kinds, at, error, intervals.half_width(level, raw.df), raw.df)
    terms = fitted.table(every, fitted.ratios(every))
    line = x @ at
    quality = fitted.sizes(sample) | fitted.likelihoods(sample, found.likelihood, found.null, len(at))
    quality["R2_McKelveyZavoina"] = fitted.latent_r2(line, sample.row_weights(), "logit")
    quality["Brier"] = float(np.average((y - expit(line)[sample.row]) ** 2, weights=sample.w))
    told = fitted.told(sample, "maximum likelihood", how, raw.df)
    return Fit("logit", formula, terms, quality, raw, level, told)
