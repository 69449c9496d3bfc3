"""Contracts that are renewed: what the retention curve says, how it goes on, and what staying is worth."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, nan
from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.churn.options import check_choice
from cxuxlib.models.loyalty.cohorts import Cohort, cohort_of, curve_of
from cxuxlib.models.loyalty.figures import Rows, chance, errors, logged
from cxuxlib.models.loyalty.options import RetentionOptions
from cxuxlib.results import Fit
from cxuxlib.stats import tenures
from cxuxlib.stats.incidence import log_log
from cxuxlib.stats.intervals import normal_quantile
from cxuxlib.stats.tenures import BetaWeibull

__all__ = ["Retained", "retention"]

_PLAIN = RetentionOptions()
_NAMES = ("alpha", "beta", "c")
_MOST = 1000  # periods of a curve


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Retained:
    """The numbers behind retention.

    Args:
        model: the fitted model.
        curve: by period at risk, lost, what was seen, and survival and retention rate of the model with their
            intervals, as far as the horizon; "constant" is the survival where all leave with the same chance.
        rate: that chance.
    """

    model: BetaWeibull
    curve: pd.DataFrame
    rate: float


def retention(
    data: Any,
    *,
    duration: str | None = None,
    event: str | None = None,
    entry: str | None = None,
    unit: str | EllipsisType | None = ...,
    kind: Literal["sbg", "bdw"] = "sbg",
    options: RetentionOptions = _PLAIN,
) -> Fit:
    """How many will stay, how long, and what is that worth? Contractual retention by sBG or BdW.

    S(t) = B(α, β + t^c)/B(α, β): each customer has a chance of their own to leave, and chances are beta; with "sbg"
    c = 1, and it stays the same while they stay, with "bdw" it grows (c > 1) or falls (c < 1) with tenure. Retention
    rates rise from period to period under both because those who are likely to leave leave first: no customer need
    have become more loyal, and a constant rate, extrapolated, has too few left.

    Value is margin · Σ_{t < horizon} S(t)/(1 + d)^t, the first margin at once; that of who has stayed k periods has
    S(k + t)/S(k) in place of S(t). At a constant rate for ever it is the textbook's margin (1 + d)/(1 + d - r).

    Args:
        data: survivors, [1000, 869, 743, ...], at the start and after each period; or rows, one per customer (any
            engine), or counts (``RetentionOptions(frequency=...)``), of cohorts of any age.
        duration: column of whole periods: in which somebody left (1 for the first), or that they had completed.
        event: 1 or true who left, 0 who was still there.
        entry: column of whole periods after which somebody came under observation: who had left before that is not in
            the data. None: from the start.
        unit: column of customers, each with one row; None: rows are customers; left out, repeated ids are refused.
        kind: "sbg" or "bdw".
        options: `RetentionOptions`: frequency, customers, at, horizon, margin, discount, stayed, level.

    Returns:
        A `Fit`: alpha, beta (and c, whose p is that of c = 1); the churn chance of a new customer (mean) and the
        polarization of chances, 1/(α + β + 1) (0: all have the same; 1: some always stay, and others leave at once);
        retention rates and survival "at t", tenure and value over the horizon, of a "new customer" and "after k", and
        at a "constant rate". Quality: n, n_events, logLik, AIC, those of a constant rate, and χ² of who left by
        period. ``raw`` is a `Retained`, with the curve.

    Raises:
        AnswerError: survivors that rise, periods that are not whole, events that are not 0 or 1.
        ModelError: nobody leaves, all do at once, or chances that hardly differ, so that α and β have no maximum.
        SampleError, UnitError, ColumnError, ArgumentError: what else is wrong.

    Source: Fader & Hardie 2007, doi:10.1002/dir.20074 (sBG); Fader, Hardie, Liu, Davin & Steenburgh 2018,
    doi:10.1016/j.intmar.2018.01.002 (BdW); Fader & Hardie 2010, doi:10.1287/mksc.1080.0482 (residual value).
    Checked against: their High-End segment (.668, 3.806), R's optim on the likelihood written anew, simulated cohorts.

    >>> fit = retention([1000, 869, 743, 653, 593, 551, 517, 491], options=RetentionOptions(at=[12]))
    >>> fit.terms.loc[:5, ["term", "kind", "value", "low", "high"]].round(3)
                 term          kind  value    low   high
    0           alpha     parameter  0.668  0.493  0.906
    1            beta     parameter  3.806  2.540  5.704
    2    churn chance  new customer  0.149  0.132  0.169
    3    polarization  of customers  0.183  0.132  0.248
    4  retention rate         at 12  0.957  0.947  0.965
    5        survival         at 12  0.378  0.340  0.416
    """
    if not isinstance(options, RetentionOptions):
        raise ArgumentError(f"options is a RetentionOptions; got {options!r:.80}.")
    check_choice("kind", kind, ("sbg", "bdw"))
    cohort = cohort_of(data, duration, event, entry, unit, options)
    _enough(cohort, kind)
    try:
        model = tenures.tenure_fit(cohort.stayed, weibull=kind == "bdw")
    except ModelError as error:
        raise ModelError(_reason(cohort, kind)) from error
    last = len(cohort.at_risk)
    horizon = 2.0 * last if options.horizon is None else float(options.horizon)
    rate, spread, plain = tenures.constant_rate(cohort.stayed)
    z = normal_quantile(options.level)
    curve = _curve(cohort, model, horizon, options.at, rate, z)
    rows = _parameters(model, kind, z) + _told(model, options.at or (last, 2 * last), z)
    rows += _values(model, options, horizon, (rate, spread), z)
    terms = pd.DataFrame(rows, columns=["term", "kind", "value", "std_error", "low", "high", "p"])
    free = 3 if kind == "bdw" else 2
    quality = {
        "n": cohort.n, "n_missing": float(cohort.n_missing), "n_events": float(cohort.lost.sum()),
        "n_periods": float(last), "logLik": model.log_likelihood, "AIC": 2 * free - 2 * model.log_likelihood,
        "constant_rate": rate, "logLik_constant": plain, "AIC_constant": 2 - 2 * plain,
    }  # fmt: skip
    if last > free:
        found = tenures.misfit(model, cohort.at_risk, cohort.lost)
        quality |= {"chi2": found, "df": float(last - free), "p": float(chdtrc(last - free, found))}
    name = "sBG" if kind == "sbg" else "BdW"
    formula = "survivors by period" if duration is None else f"{event} in {duration}"
    method = "maximum likelihood, delta method; beyond the last period seen it holds if the model does"
    return Fit(
        f"retention ({name})", formula, terms, quality, Retained(model, curve, rate), options.level,
        f"{method}; {_reading(model, kind, curve['rate'].iloc[[0, last - 1]])}",
    )  # fmt: skip


def _enough(cohort: Cohort, kind: str) -> None:
    """Refuse what has no maximum, or many."""
    if cohort.lost[0] == cohort.at_risk[0]:
        raise ModelError("Everybody leaves in the first period; there is no curve.")
    periods = len(cohort.at_risk)
    if periods < (3 if kind == "bdw" else 2):
        raise ModelError(f"{periods:,} periods cannot tell the parameters of {kind!r}; wait for more.")


def _reason(cohort: Cohort, kind: str) -> str:
    """Why there is no maximum."""
    rate = 1 - cohort.lost / cohort.at_risk
    name = "sBG" if kind == "sbg" else "BdW"
    seen = f"retention goes from {rate[0]:.3g} in the first period to {rate[-1]:.3g} in the last"
    if kind == "sbg":
        return (
            f"The likelihood of {name} has no maximum here: {seen}, so customers do not seem to differ in their chance "
            "to leave, or leave more readily the longer they stay. Take kind='bdw', or a constant rate "
            "(behaviour.churn_rate)."
        )
    return f"The likelihood of {name} has no maximum here: {seen}. Take kind='sbg', or wait for more periods."


def _reading(model: BetaWeibull, kind: str, rates: pd.Series) -> str:
    """What the curve says of the periods that were seen, in a sentence."""
    rise = f"retention goes from {rates.iloc[0]:.3g} to {rates.iloc[-1]:.3g} a period"
    if kind == "sbg":
        return f"{rise} because who is likely to leave leaves first, not because anybody grows more loyal"
    error = model.std_errors[2] / model.c
    sure = abs(log(model.c)) > normal_quantile(0.95) * error
    grow = "grows" if model.c > 1 else "falls"
    said = f"each customer's own chance to leave {grow} with tenure" if sure else "own chances may be steady (c = 1)"
    return f"{rise}: likely leavers leave first, and {said}"


def _parameters(model: BetaWeibull, kind: str, z: float) -> Rows:
    """Parameters, and what they say of a new customer."""
    rows: Rows = []
    for name, value, error in zip(_NAMES[: 3 if kind == "bdw" else 2], model[:3], model.std_errors, strict=False):
        p = float(2 * ndtr(-abs(log(value)) * value / error)) if name == "c" else nan
        rows.append(logged(name, "parameter", value, error, z, p))
    a, b = model.alpha, model.beta
    leave, alike = a / (a + b), 1 / (a + b + 1)
    by = np.array([np.array([b, -a, 0.0]) / (a + b) ** 2, np.array([-1.0, -1.0, 0.0]) * alike**2])
    first, second = errors(by, model.covariance)
    rows.append(chance("churn chance", "new customer", leave, float(first), z))
    rows.append(chance("polarization", "of customers", alike, float(second), z))
    return rows


def _shares(model: BetaWeibull, t: np.ndarray, z: float) -> dict[str, np.ndarray]:
    """Survival and retention rates at some periods, with errors and intervals that stay in range."""
    (now, slopes), (before, earlier) = tenures.log_survival(model, t), tenures.log_survival(model, t - 1)
    found: dict[str, np.ndarray] = {}
    for name, ln, by in (("survival", now, slopes), ("rate", now - before, slopes - earlier)):
        value = np.exp(ln)
        error = value * errors(by, model.covariance)
        low, high = log_log(value, error, z)
        found |= {name: value, f"{name}_error": error, f"{name}_low": low, f"{name}_high": high}
    return found


def _curve(
    cohort: Cohort, model: BetaWeibull, horizon: float, at: Any, rate: float, z: float
) -> pd.DataFrame:  # fmt: skip
    """What was seen and what the model has, by period."""
    far = max(len(cohort.at_risk), min(horizon, _MOST), *at, 1)
    t = np.arange(1.0, far + 1)
    seen = curve_of(cohort)
    made = pd.DataFrame({"period": t.astype(int)} | _shares(model, t, z) | {"constant": (1 - rate) ** t})
    return made.merge(seen, on="period", how="left")


def _told(model: BetaWeibull, at: Any, z: float) -> Rows:
    t = np.array(sorted(set(at)), dtype=float)
    found = _shares(model, t, z)
    return [
        (name, f"at {each:g}", *(found[f"{key}{part}"][i] for part in ("", "_error", "_low", "_high")), nan)
        for name, key in (("retention rate", "rate"), ("survival", "survival"))
        for i, each in enumerate(t)
    ]


def _values(
    model: BetaWeibull, options: RetentionOptions, horizon: float, constant: tuple[float, float], z: float
) -> Rows:
    """Tenure and value over the horizon, of who is new and of who has stayed, and at a constant rate."""
    rows: Rows = []
    asked = [("value", after, options.discount, options.margin) for after in (0, *map(int, options.stayed))]
    if horizon < inf:
        asked.insert(0, ("tenure", 0, 0.0, 1.0))
    for term, after, discount, money in asked:
        value, by = tenures.discounted(model, after=after, periods=horizon, discount=discount)
        error = float(errors(by[None], model.covariance)[0])
        rows.append(logged(term, f"after {after}" if after else "new customer", money * value, money * error, z))
    rate, spread = constant
    for term, discount, money in (("tenure", 0.0, 1.0), ("value", options.discount, options.margin)):
        if term == "value" or horizon < inf:
            value, slope = _constant(rate, horizon, discount)
            rows.append(logged(term, "constant rate", money * value, money * abs(slope) * spread, z))
    return rows


def _constant(rate: float, horizon: float, discount: float) -> tuple[float, float]:
    """Σ_{t < horizon} (1 - rate)^t/(1 + d)^t, and its slope in the rate."""
    z = (1 - rate) / (1 + discount)
    if horizon == inf:
        return 1 / (1 - z), -1 / (1 - z) ** 2 / (1 + discount)
    t = np.arange(horizon)
    return float((z**t).sum()), float(-(t[1:] * z ** (t[1:] - 1)).sum() / (1 + discount))
