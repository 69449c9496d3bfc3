"""Doubting an observed driver: how strong what was not measured would have to be to explain it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from numbers import Real

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, listed, unknown
from cxuxlib.models.causes.reading import names
from cxuxlib.models.regression.fitted import Regression, block, table
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.hidden import Bound, Measure, bound, e_value, risk_ratio, robustness_value

__all__ = ["sensitivity"]

_RATIOS: Mapping[str, Measure] = {"risk ratio": "risk", "odds ratio": "odds", "hazard ratio": "hazard"}


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """The numbers behind a sensitivity analysis.

    Args:
        bounds: of each benchmark, such as "2x tenure", its `Bound`; none for ratios.
        strengths: of each benchmark its partial R² with the driver and with the outcome.
    """

    bounds: dict[str, Bound]
    strengths: dict[str, tuple[float, float]]


def sensitivity(
    fit: Fit,
    driver: str,
    *,
    benchmarks: Sequence[str] = (),
    times: Sequence[float] = (1, 2, 3),
    share: float = 1.0,
    rare: bool = False,
    change: float = 1.0,
) -> Fit:
    """How strong would a hidden common cause have to be to explain an observed driver away?

    For a linear regression: the robustness value, the share that it must explain of what is left of driver and outcome
    alike, and what would be left of the effect at worst if it were as strong, or several times as strong, as a
    covariate that was measured. For odds, risk and hazard ratios: the E-value, the risk ratio it must have with both.

    Args:
        fit: of models.linear (any errors; rows, counts or moments), or a fit with odds, risk or hazard ratios.
        driver: the term in question.
        benchmarks: covariates of a linear fit, by term (a category with all its columns as "C(wave)").
        times: how many times as strong as a benchmark the hidden cause is taken to be.
        share: share of the effect that is to be explained away, above 0.
        rare: whether the outcome is rare, below about 15%, so that odds and hazard ratios are nearly risk ratios.
        change: change of the driver that a ratio is told for, such as 2 scale points; not 0.

    Returns:
        A `Fit`. Of a linear regression the terms are the driver (kind observed, errors by equal variances) and a row
        per benchmark such as "2x tenure" (kind bound: what is left at worst); quality has n, robustness_value,
        robustness_value_interval (until the interval reaches what is left), partial_r2 (of the driver: a cause that
        explains all that is left of the outcome must explain as much of the driver), t and df. Of ratios the terms are
        the driver as observed and as a risk ratio; quality has n, e_value and e_value_interval.

    Raises:
        ArgumentError: the fit has nothing to doubt, the driver or a benchmark is not in it, or a strength is
            impossible.

    Source: Cinelli & Hazlett 2020, doi:10.1111/rssb.12348; VanderWeele & Ding 2017, doi:10.7326/M16-2607.
    Checked against: sensemakr (darfur), R's lm, EValue 4.1.4.

    >>> from cxuxlib.models import linear
    >>> rng = np.random.default_rng(1)
    >>> tenure = rng.normal(size=500)
    >>> ux = 0.3 * tenure + rng.normal(size=500)
    >>> frame = pd.DataFrame({"tenure": tenure, "ux": ux, "cx": 0.4 * ux + 0.3 * tenure + rng.normal(size=500)})
    >>> found = sensitivity(linear("cx ~ ux + tenure", frame), "ux", benchmarks=["tenure"], times=[1, 3])
    >>> found.terms[["term", "kind", "value", "low", "high"]].round(2)
            term      kind  value   low  high
    0         ux  observed   0.49  0.40  0.57
    1  1x tenure     bound   0.41  0.33  0.50
    2  3x tenure     bound   0.24  0.16  0.33
    """
    if not isinstance(fit, Fit):
        raise ArgumentError(f"sensitivity doubts a Fit; got {type(fit).__name__}.")
    for what, value in (("share", share), ("change", change)):
        if not (isinstance(value, Real) and 0 < abs(value) < inf) or (what == "share" and value < 0):
            raise ArgumentError(f"{what} is a number other than 0, share above it; got {value!r:.40}.")
    of = names("benchmarks", benchmarks)
    raw = fit.raw
    if isinstance(raw, Regression) and raw.link == "identity":
        if change != 1:
            raise ArgumentError("change is for ratios; a linear effect is as robust whatever the unit.")
        if isinstance(times, str) or not all(isinstance(each, Real) and 0 < each < inf for each in times):
            raise ArgumentError(f"times is a list of numbers above 0, such as (1, 2, 3); got {times!r:.60}.")
        return _linear(fit, raw, driver, of, times, share)
    if of:
        raise ArgumentError("Benchmarks go with a fit of models.linear; ratios have an E-value alone.")
    return _ratio(fit, driver, rare, change)


def _classical(raw: Regression) -> np.ndarray:
    """The covariance by equal variances, whatever the fit's own errors."""
    if raw.errors == "observed" or raw.sample is None:
        return raw.covariance
    x, row, w = raw.x, raw.sample.row, raw.sample.w
    n = raw.sample.n_units
    w = w * n / w.sum()
    residual = raw.y - (x @ raw.parameters)[row]
    per_row = np.bincount(row, weights=w, minlength=len(x))
    scale = np.sqrt(per_row @ x**2)
    scatter = (x * per_row[:, None]).T @ x / np.outer(scale, scale)
    variance = float(w @ residual**2) / (n - x.shape[1])
    covariance: np.ndarray = variance * np.linalg.inv(scatter) / np.outer(scale, scale)
    return covariance


def _places(raw: Regression, term: str) -> list[int]:
    """Where the columns of a term stand among the parameters."""
    spread = raw.sample.design.terms if raw.sample is not None else {}
    if term in raw.names:
        return [raw.names.index(term)]
    if term in spread:
        return list(spread[term])
    own = [name for name in dict.fromkeys([*raw.names, *spread]) if name not in ("Intercept", "1")]
    raise ArgumentError(unknown("term", term, own))


def _linear(
    fit: Fit, raw: Regression, driver: str, of: Sequence[str], times: Sequence[float], share: float
) -> Fit:  # fmt: skip
    at = _places(raw, driver)
    if len(at) > 1 or driver == "Intercept":
        raise ArgumentError(f"{driver!r} is no single column; one driver is doubted at a time.")
    n = float(fit.quality["n"])
    df = n - len(raw.names) if raw.sample is not None else raw.df
    if df <= 1:
        raise ModelError(f"{df:g} degrees of freedom are left; a robustness value needs more than 1.")
    v = _classical(raw)
    place = at[0]
    value, error = float(raw.parameters[place]), sqrt(float(v[place, place]))
    t = value / error
    bounds, strengths = {}, {}
    for name in of:
        group = _places(raw, name)
        if place in group or name == "Intercept":
            raise ArgumentError(f"{name!r} cannot be a benchmark for {driver!r}; name another covariate.")
        inverse = np.linalg.inv(v[np.ix_(group, group)])
        with_driver = float(v[place, group] @ inverse @ v[group, place]) / error**2
        wald = float(raw.parameters[group] @ inverse @ raw.parameters[group])
        strengths[name] = (with_driver, wald / (wald + df))
        for many in times:
            bounds[f"{many:g}x {name}"] = bound(value, error, df, strengths[name], float(many))
    parts = [block([driver], "observed", np.array([value]), np.array([error]), intervals.half_width(fit.level, df), df)]
    for label, each in bounds.items():
        half = intervals.half_width(fit.level, each.df)
        parts.append(block([label], "bound", np.array([each.value]), np.array([each.std_error]), half, each.df))
    quality = {
        "n": n, "n_missing": float(fit.quality.get("n_missing", 0)),
        "robustness_value": robustness_value(t, df, share=share),
        "robustness_value_interval": robustness_value(t, df, share=share, level=fit.level),
        "partial_r2": t**2 / (t**2 + df), "t": t, "df": df,
    }  # fmt: skip
    told = "omitted-variable bias with partial R², errors by equal variances"
    if raw.errors != "observed":
        told += f", though the fit has errors {raw.errors}: with these the interval may reach 0 sooner"
    if share != 1:
        told += f"; {100 * share:g}% of the effect explained away"
    if of:
        told += f"; a hidden cause as strong as {listed(of)} or several times so, at worst"
    raw_out = Doubt(bounds, strengths)
    return Fit("sensitivity", fit.formula, table(*parts), quality, raw_out, fit.level, told)


def _ratio(fit: Fit, driver: str, rare: bool, change: float) -> Fit:
    """E-values of a ratio."""
    kinds = [kind for kind in _RATIOS if (fit.terms["kind"] == kind).any()]
    if not kinds:
        raise ArgumentError(
            f"{fit.model!r} has neither a linear effect nor odds, risk or hazard ratios; fit models.linear or "
            "models.logit with the same drivers and doubt that."
        )
    kind = kinds[0]
    rows = fit.terms[fit.terms["kind"] == kind]
    found = rows[rows["term"] == driver]
    if found.empty:
        raise ArgumentError(unknown("term", driver, rows["term"]))
    row, measure = found.iloc[0], _RATIOS[kind]
    ends = sorted(float(row[name]) ** change for name in ("low", "high"))
    value = float(row["value"]) ** change
    of_value, of_near = e_value(value, ends[0], ends[1], measure=measure, rare=rare)
    risk = [risk_ratio(each, measure, rare=rare) for each in (value, *ends)]
    step = 1e-6
    slope = (
        risk_ratio(value * (1 + step), measure, rare=rare) - risk_ratio(value * (1 - step), measure, rare=rare)
    ) / (2 * step * value)
    error = float(row["std_error"]) / float(row["value"]) * abs(change) * value
    shared = {"term": driver, "p": float(row["p"])}
    terms = pd.DataFrame([
        shared | {"kind": kind, "value": value, "std_error": error, "low": ends[0], "high": ends[1]},
        shared | {"kind": "as risk ratio", "value": risk[0], "std_error": slope * error, "low": risk[1],
                  "high": risk[2]},
    ])[["term", "kind", "value", "std_error", "low", "high", "p"]]  # fmt: skip
    quality = {
        "n": float(fit.quality["n"]), "n_missing": float(fit.quality.get("n_missing", 0)),
        "e_value": of_value, "e_value_interval": of_near,
    }  # fmt: skip
    how = "as it is" if measure == "risk" else "the outcome rare" if rare else "the outcome common"
    told = f"E-value of the {kind} for a change of {change:g}, {how}; of the interval's end next to 1"
    return Fit("sensitivity", fit.formula, terms, quality, Doubt({}, {}), fit.level, told)
