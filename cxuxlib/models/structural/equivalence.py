"""Is an effect, an increment of explained variance or a misfit small enough to be as good as none?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import inf, nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import ncx2

from cxuxlib.errors import ArgumentError, ModelError, listed, unknown
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.sem.paths import Cells, implied

__all__ = ["equivalence", "increment"]

_STEP = 1e-5  # of a standard error, for derivatives by differences


def equivalence(
    fit: Fit, term: str, *, low: float = -inf, high: float = inf, kind: str = "std_all", level: float = 0.95
) -> pd.DataFrame:
    """Test whether an estimate of a model lies within bounds set beforehand: two one-sided tests.

    p is the larger of Φ((low - θ)/se) and Φ((θ - high)/se) turned to the side of the bound; the verdict is "inside"
    where the interval of level 1 - 2α lies inside, "outside" where it lies wholly outside, else "undecided". For
    ``term`` "rmsea" the bound is ``high`` and p the chance of so small a χ² if the RMSEA were just that.

    Standardised errors take observed causes as they are, and are too small for large effects of causes that were drawn
    as the rest is: "x ~~ x" in the model has their moments estimated.

    Args:
        fit: a fit of `latent`.
        term: a term of ``fit.terms``, such as "L ~ UX" or a defined parameter; or "rmsea".
        low, high: bounds of what is as good as none; one of them may be left out.
        kind: which of the term's rows: "std_all", "std_lv", "path", "covariance", "defined", ...
        level: 1 - α, of each one-sided test.

    Returns:
        One row: term, kind, value, std_error, low, high (level 1 - 2α), bound_low, bound_high, p, verdict, n.

    Raises:
        ArgumentError: no such term, or bounds that are none. ModelError: an improper solution, or a term without error.

    Source: Schuirmann 1987, doi:10.1007/BF01068419; for the RMSEA: MacCallum, Browne & Sugawara 1996,
    doi:10.1037/1082-989X.1.2.130; Yuan, Chan, Marcoulides & Bentler 2016, doi:10.1080/10705511.2015.1065414.
    Checked against: the interval of each estimate, and the noncentral chi-square distribution.

    >>> from cxuxlib.models.structural.estimating import latent
    >>> from cxuxlib.results import Moments
    >>> r = np.array([[1, 0.5, 0.3], [0.5, 1, 0.6], [0.3, 0.6, 1]])
    >>> fit = latent("m ~ x; y ~ m + x", Moments(2000, ("x", "m", "y"), np.zeros(3), r))
    >>> equivalence(fit, "y ~ x", low=-0.1, high=0.1)["verdict"].tolist()
    ['inside']
    """
    found, level = _proper(fit), intervals.check_level(level)
    if not low < high or (low, high) == (-inf, inf):
        raise ArgumentError(f"low and high are bounds, the first below the second; got {low!r} and {high!r}.")
    z, n = float(ndtri(level)), found.n
    bounds = {"bound_low": low, "bound_high": high}
    if term == "rmsea":
        if high == inf or low > 0:
            raise ArgumentError("The RMSEA has one bound, high: a misfit that is as good as none, such as 0.05.")
        return _misfit(fit, found, high, level, bounds)
    rows = fit.terms[fit.terms["term"] == term]
    if not len(rows):
        raise ArgumentError(unknown("term", term, dict.fromkeys(fit.terms["term"])))
    row = rows[rows["kind"] == kind]
    if not len(row):
        raise ArgumentError(f"{term!r}: {unknown('kind', kind, dict.fromkeys(rows['kind']))}")
    value, error = float(row["value"].iloc[0]), float(row["std_error"].iloc[0])
    if not error > 0:
        raise ModelError(f"{term!r} ({kind}) has no standard error, so nothing can be tested of it.")
    p = max(float(ndtr((low - value) / error)), float(ndtr((value - high) / error)))
    ends = value - z * error, value + z * error
    shown = {"term": term, "kind": kind, "value": value, "std_error": error, "low": ends[0], "high": ends[1]}
    return pd.DataFrame([shown | bounds | {"p": p, "verdict": _verdict(ends, low, high), "n": n}])


def increment(
    fit: Fit,
    outcome: str,
    causes: Sequence[str],
    *,
    beyond: Sequence[str] = (),
    bound: float = inf,
    level: float = 0.95,
) -> pd.DataFrame:
    """What some variables add to the explained variance of an outcome, beyond others, by the model's covariances.

    ΔR² = R²(causes and beyond) - R²(beyond), each s'S⁻¹s/s_yy of implied covariances of observed or latent variables.
    The error is by the delta method, with observed causes drawn as the rest is. Of a single cause the interval is that
    of its semipartial correlation, squared; of several it is on ΔR² itself, which near 0 errs upwards by about their
    number over n: bound it, or resample.

    Args:
        fit: a fit of `latent`.
        outcome: an observed or latent variable.
        causes: variables that are added.
        beyond: variables that are there before.
        bound: an increment that is as good as none; the verdict is for it.
        level: 1 - α, of each end.

    Returns:
        One row by group: outcome, causes, beyond, (group), r2, value, std_error, low, high (level 1 - 2α), bound,
        verdict ("inside": below the bound; empty without one), n.

    Raises:
        ArgumentError: no such variable, or one that stands twice. ModelError: an improper solution.

    Source: Cohen, Cohen, West & Aiken 2003 (increments); Campbell & Lakens 2021, doi:10.1111/bmsp.12201 (bounds on
    them). Checked against: least squares on observed variables, and the bootstrap.

    >>> from cxuxlib.models.structural.estimating import latent
    >>> from cxuxlib.results import Moments
    >>> r = np.array([[1, 0.5, 0.3], [0.5, 1, 0.6], [0.3, 0.6, 1]])
    >>> fit = latent("y ~ x + m", Moments(2000, ("x", "m", "y"), np.zeros(3), r))
    >>> increment(fit, "y", ["m"], beyond=["x"])[["r2", "value"]].round(3).values.tolist()
    [[0.36, 0.27]]
    """
    found, level = _proper(fit), intervals.check_level(level)
    names = (*found.table.observed, *found.table.latent)
    if any(isinstance(each, str) or not isinstance(each, Iterable) for each in (causes, beyond)) or not causes:
        raise ArgumentError("causes and beyond are lists of variables, the first not empty.")
    asked = [outcome, *causes, *beyond]
    for each in asked:
        if each not in names:
            raise ArgumentError(unknown("variable", each, names))
        if asked.count(each) > 1:
            raise ArgumentError(f"{each!r} stands twice among outcome, causes and beyond.")
    (y,), x, before = ([names.index(each) for each in some] for some in ([outcome], causes, beyond))
    rows = []
    for g, group in enumerate(found.groups):

        def of(cells: Cells, theta: np.ndarray) -> np.ndarray:
            state = implied(cells, theta)
            assert state is not None
            return _added(state.z[:, len(state.eta) :], y, x, before)

        errors = np.sqrt(_variances(found, g, of))
        here = of(found.bound.groups[g], found.theta)
        rows.append(_row(here, errors, len(x) == 1, level, bound) | {"group": group.label, "n": group.n})
    shown: dict[str, object] = {
        "outcome": outcome,
        "causes": listed(causes),
        "beyond": listed(beyond) if beyond else "",
    }
    table = pd.DataFrame([shown | row for row in rows])
    order = ["outcome", "causes", "beyond", "group", "r2", "value", "std_error", "low", "high", "bound", "verdict", "n"]
    return table[order] if len(rows) > 1 else table[order].drop(columns="group")


def _proper(fit: Fit) -> Latent:
    found = raw_of(fit)
    if found.cautions:
        raise ModelError(f"Nothing can be tested of this solution. {' '.join(found.cautions)}")
    return found


def _variances(found: Latent, g: int, of: Callable[[Cells, np.ndarray], np.ndarray]) -> np.ndarray:
    """Variances of quantities of a group, of its estimates and of the moments of its causes, which are drawn as well.

    Given the causes the estimates tell nothing of how these vary, so that the two add up.
    """
    cells, theta, group = found.bound.groups[g], found.theta, found.groups[g]
    error = np.sqrt(np.clip(np.diag(found.covariance), 0, None))
    step = _STEP * np.where(error > 0, error, 1.0)
    slopes = np.array([
        (of(cells, theta + move) - of(cells, theta - move)) / (2 * size)
        for move, size in zip(np.diag(step), step, strict=True)
    ])  # fmt: skip
    total: np.ndarray = np.einsum("ka,kl,la->a", slopes, found.covariance, slopes)
    if not found.causes:
        return total
    spread = cells.covariances[np.ix_(found.causes, found.causes)]
    forms = np.zeros((slopes.shape[1], *spread.shape))
    for a, b in zip(*np.tril_indices(len(spread)), strict=True):
        size = _STEP * sqrt(spread[a, a] * spread[b, b])
        move = np.zeros_like(cells.covariances)
        move[found.causes[a], found.causes[b]] = move[found.causes[b], found.causes[a]] = size
        up, down = (replace(cells, covariances=cells.covariances + sign * move) for sign in (1, -1))
        forms[:, a, b] = forms[:, b, a] = (of(up, theta) - of(down, theta)) / (2 * size) / (1 if a == b else 2)
    if found.estimator == "ml":
        turned = forms @ spread
        total += 2 * np.einsum("aij,aji->a", turned, turned) / group.n
        return total
    x, many = group.x, group.many
    assert x is not None
    assert many is not None
    centered = x[:, found.causes] - many @ x[:, found.causes] / group.n
    pulls = np.einsum("ni,aij,nj->an", centered, forms, centered)
    total += (many * (pulls - (pulls @ many / group.n)[:, None]) ** 2).sum(axis=1) / group.n**2
    return total


def _verdict(ends: tuple[float, float], bound_low: float, bound_high: float) -> str:
    low, high = ends
    if bound_low < low and high < bound_high:
        return "inside"
    return "outside" if high < bound_low or low > bound_high else "undecided"


def _misfit(fit: Fit, found: Latent, bound: float, level: float, bounds: dict[str, float]) -> pd.DataFrame:
    """The test of not-close fit, and its interval."""
    scaled = "rmsea_robust" in fit.quality
    if found.estimator != "ml" and not scaled:
        raise ModelError("The RMSEA of scaled tests takes complete answers.")
    chi2, df, n, groups = fit.quality["chi2_scaled" if scaled else "chi2"], found.df, found.n, len(found.groups)
    if not df:
        raise ModelError("The model has no degrees of freedom, so its fit cannot be tested.")
    c = fit.quality["scaling"] if scaled else 1.0
    value = fit.quality["rmsea_robust" if scaled else "rmsea"]

    def tail(rmsea: float) -> float:
        return float(ncx2.cdf(chi2, df, n * df * rmsea**2 / groups / c))

    ends = []
    for chance in (level, 1 - level):
        low, high = 0.0, 10.0
        if tail(0.0) <= chance:
            high = 0.0
        while high - low > 1e-12:
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle) > chance else (low, middle)
        ends.append(high)
    shown = {"term": "rmsea", "kind": "fit", "value": value, "std_error": nan, "low": ends[0], "high": ends[1]}
    verdict = _verdict((ends[0], ends[1]), -inf, bound)
    return pd.DataFrame([shown | bounds | {"bound_low": 0.0, "p": tail(bound), "verdict": verdict, "n": n}])


def _added(s: np.ndarray, y: int, x: Sequence[int], before: Sequence[int]) -> np.ndarray:
    """R² of all, the increment, and of a single cause its semipartial correlation with its sign."""

    def explained(to: int, of: Sequence[int]) -> float:
        return float(s[to, of] @ np.linalg.solve(s[np.ix_(of, of)], s[of, to]) / s[to, to]) if len(of) else 0.0

    every = [*x, *before]
    whole = explained(y, every)
    slope = np.linalg.solve(s[np.ix_(every, every)], s[every, y])[0]
    left = s[x[0], x[0]] * (1 - explained(x[0], before))
    return np.array([whole, whole - explained(y, before), slope * sqrt(left / s[y, y])])


def _row(here: np.ndarray, errors: np.ndarray, single: bool, level: float, bound: float) -> dict[str, object]:
    z = float(ndtri(level))
    if single:
        low, high = (each * abs(each) for each in (here[2] - z * errors[2], here[2] + z * errors[2]))
    else:
        low, high = here[1] - z * errors[1], here[1] + z * errors[1]
    shown = {
        "r2": here[0],
        "value": here[1],
        "std_error": errors[1],
        "low": max(low, 0.0),
        "high": high,
        "bound": bound,
    }
    verdict = _verdict((low, high), -inf, bound) if bound < inf else ""
    return shown | {"verdict": verdict}
