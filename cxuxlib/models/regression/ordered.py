"""Ordered outcomes: proportional odds, and partial proportional odds."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, listed, unknown
from cxuxlib.models.regression import cumulative, fitted, outcomes, samples
from cxuxlib.models.regression.cumulative import Problem
from cxuxlib.models.regression.designs import plan
from cxuxlib.models.regression.fitted import Errors
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.ordinal import LINK_VARIANCE, Link

__all__ = ["ordered_logit", "partial_odds"]


def ordered_logit(
    formula: str,
    data: Any,
    *,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    link: Link = "logit",
    errors: Errors | None = None,
    level: float = 0.95,
) -> Fit:
    """Explain an ordered answer, such as 0 to 10, by the proportional odds model, from rows or counts.

    P(Y ≤ j) = F(θ_j - x'β), F logistic or normal: a positive slope goes with higher answers, and exp(β) is the odds
    ratio of an answer above any threshold. Fitted by maximum likelihood on the distinct rows, so that ten million
    answers cost little more than counting them; slopes and errors are those of the rows.

    Args:
        formula: such as "recommend ~ ease + C(segment) + ease:help"; the outcome holds numbers or an ordered
            categorical, or its order is given, C(answer, levels=["no", "maybe", "yes"]) ~ ...
        data: one row per unit (any engine), or counts (with ``frequency``).
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        weight: column of sampling weights; errors are robust then.
        frequency: column that says how many units a row stands for.
        link: "logit", or "probit" for a normal error of the latent answer.
        errors: "observed" (information), "robust" (sandwich), None: robust with weights, else observed.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`: terms of kind slope, odds ratio (logit) and threshold; quality with n, n_missing, n_distinct, logLik,
        McFadden's and McKelvey and Zavoina's R², n_empty (answers that nobody chose, which have no threshold), and,
        but with weights, AIC and BIC. Robust and cluster covariances are corrected as those of `linear` (HC1, CR1);
        by cluster with t on G - 1 df.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the formula or the data.
        ModelError: a constant or collinear covariate, one category only, or a term that separates the answers.

    Source: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; McKelvey & Zavoina 1975,
    doi:10.1080/0022250X.1975.9989847.
    Checked against: R's polr, clm and sandwich, statsmodels.

    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"ease": rng.integers(1, 6, 2000)})
    >>> frame["recommend"] = np.clip(np.round(frame["ease"] + 3 + rng.logistic(size=2000)), 0, 10)
    >>> ordered_logit("recommend ~ ease", frame).estimate("ease", "odds ratio").n
    2000
    """
    intervals.check_level(level)
    _check_link(link)
    made = plan(formula)
    if not made.intercept:
        raise ArgumentError(f"{formula!r} has no intercept; the thresholds of an ordered model are its intercepts.")
    sample = samples.read(made, data, unit=unit, weight=weight, frequency=frequency)
    slopes = [i for i, name in enumerate(sample.design.names) if name != "Intercept"]
    names = tuple(sample.design.names[i] for i in slopes)
    x, z = sample.design.columns[:, slopes], np.ones((len(sample.table), 1))
    found = outcomes.ordered(made, sample.answers)
    problem = Problem(made, sample, x, z, found.y, found.labels, names, ())
    return _tidy(problem, found.empty, link, fitted.which_errors(errors, sample, "observed"), level)


def partial_odds(fit: Fit, nominal: Sequence[str]) -> Fit:
    """Fit an ordered model again, some terms with slopes of their own at every threshold (partial proportional odds).

    P(Y ≤ j) = F(θ_j - x'β - z'γ_j), where z are the columns of the terms in ``nominal``.

    Args:
        fit: result of `ordered_logit`; its data are not read again.
        nominal: terms of its formula.

    Returns:
        A `Fit` as that of `ordered_logit`; kind "slope at 6|7" is a slope at one threshold. R² of McKelvey and Zavoina
        is left out, for there is no one latent answer. Twice the gain in logLik tests proportional odds of these
        terms.

    Raises:
        ArgumentError: no such term, or a fit of another model.
        ModelError: a threshold at which a term separates the answers, or cumulative shares that cross.

    Source: Peterson & Harrell 1990, doi:10.2307/2347760. Checked against: R's clm with nominal effects.

    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"ease": rng.integers(1, 6, 500)})
    >>> frame["rating"] = np.clip(np.round(frame["ease"] + rng.logistic(size=500)), 1, 3)
    >>> partial_odds(ordered_logit("rating ~ ease", frame), ["ease"]).terms["kind"].tolist()[:2]
    ['slope at 1|2', 'slope at 2|3']
    """
    raw = fitted.regression_of(fit, "partial_odds")
    if raw.sample is None or len(raw.labels) < 2 or not raw.z.shape[1]:
        raise ArgumentError(f"partial_odds needs a fit of ordered_logit; got {fit.model!r}.")
    design = raw.sample.design
    terms = {term: places for term, places in design.terms.items() if term != "1"}
    if isinstance(nominal, str) or not nominal:
        raise ArgumentError(f"nominal is a list of terms; there is {', '.join(map(repr, terms))}.")
    free: list[int] = []
    for each in dict.fromkeys(nominal):
        if each not in terms:
            raise ArgumentError(unknown("term", each, terms))
        free += terms[each]
    fixed = [i for places in terms.values() for i in places if i not in free]
    x, z = design.columns[:, fixed], np.column_stack([np.ones(len(raw.sample.table)), design.columns[:, free]])
    names, nominal = (tuple(design.names[i] for i in places) for places in (fixed, free))
    problem = Problem(raw.plan, raw.sample, x, z, raw.y, raw.labels, names, nominal)
    empty = outcomes.ordered(raw.plan, raw.sample.answers).empty
    return _tidy(problem, empty, "probit" if raw.link == "probit" else "logit", raw.errors, fit.level)


def _tidy(problem: Problem, empty: Sequence[Any], link: Link, errors: str, level: float) -> Fit:
    """Fit, and put into words and tables."""
    found = cumulative.fit(problem, link, errors)
    raw, sample = found.raw, problem.sample
    s, steps = problem.z.shape[1], problem.steps
    quantile = intervals.half_width(level, raw.df)
    at, error = raw.parameters, np.sqrt(np.diag(raw.covariance))
    tail = len(steps) * s
    slopes = [fitted.block(problem.names, "slope", at[tail:], error[tail:], quantile, raw.df)]
    for k, name in enumerate(problem.nominal, start=1):
        own = slice(k, tail, s)  # a threshold falls where its slope rises
        kinds = [f"slope at {step}" for step in steps]
        slopes.append(fitted.block([name] * len(steps), kinds, -at[own], error[own], quantile, raw.df))
    odds = [fitted.ratios(each) for each in slopes] if link == "logit" else []
    terms = fitted.table(
        *slopes, *odds, fitted.block(steps, "threshold", at[:tail:s], error[:tail:s], quantile, raw.df)
    )
    quality = fitted.sizes(sample) | {"n_categories": len(problem.labels), "n_empty": len(empty)}
    quality |= fitted.likelihoods(sample, found.likelihood, found.null, len(at))
    if s == 1:
        quality["R2_McKelveyZavoina"] = fitted.latent_r2(problem.x @ at[tail:], sample.row_weights(), link)
    notes = [f"nobody answered {listed(empty)}"] if empty else []
    name = f"{'partial ' if s > 1 else ''}ordered {link}"
    how = fitted.told(sample, "maximum likelihood", errors, raw.df, notes)
    return Fit(name, problem.plan.formula, terms, quality, raw, level, how)


def _check_link(link: Link) -> None:
    if link not in LINK_VARIANCE:
        raise ArgumentError(unknown("link", link, LINK_VARIANCE))
