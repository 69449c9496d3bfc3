"""The tests behind the claims on what UX is of CX: a facet, a part, not all of it, and what it does for loyalty."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, pi, sqrt

import numpy as np

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.estimands import Functional, Known, explained, increment, known, semipartial, slope
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.factors import pairs, shared_factor
from cxuxlib.claims.guards import careless, common, halo, named, never, refuse, remarks
from cxuxlib.claims.ruling import Evidence, Verdict
from cxuxlib.errors import ModelError, NotAnswerable, SampleError, listed
from cxuxlib.results import Estimate
from cxuxlib.stats.sem.indices import rmsea_bounds

_OTHERS = 3  # facets beside UX, by the definition of CX
_FACETS = 4  # with three, one factor above them fits always
_APART = 0.02  # smallest eigenvalue of the facets' correlations below which they are not told apart
_CLOSE = 0.08  # RMSEA below which one factor above the facets is not worse than correlated ones
_NOTHING = 0.09  # mean correlation of facets below which nothing is common to them: loadings of .30, squared


def facet(case: Case, level: float) -> Evidence:
    """A1: loading of UX on one factor above the facets, against correlated and orthogonal ones."""
    facets = _facets(case, _FACETS, " Three facets cannot tell one factor above them from correlated ones.")
    corr, covariance = case.measured.among(facets)
    mean = known(lambda r: r[:, *pairs(len(facets))].mean(axis=1), corr, covariance)
    if mean.plain(level)[2] < _NOTHING:
        ends = [float(np.sqrt(max(each, 0.0))) for each in mean.plain(level)]
        found = _estimate(case, ends, level, "loading that all facets share")
        said = f"The facets have nothing in common: they correlate {named(mean.plain(level))} on average, so unrelated "
        return _evidence(case, found, [said + "facets win over one factor above them"])
    above = shared_factor(corr, covariance)
    if above is None:
        raise NotAnswerable(
            f"One factor above {len(facets)} facets cannot be found: they correlate {named(mean.plain(level))} on "
            "average, and no pattern is in it."
        )
    k = facets.index("UX")
    own = Known(float(above.loadings[k]), float(np.sqrt(above.covariance[k, k])), 0.0, 0.0)
    if not abs(own.value) < 1:
        raise NotAnswerable(f"The second-order loading of UX is {own.value:.2f}: an improper solution.")
    found = _estimate(case, own.turned(level), level, "loading of UX on what all facets share")
    worse = rmsea_bounds(above.chi2, above.df, case.measured.n)
    said = (
        f"Second-order factor of {len(facets)} facets; beside correlated facets its misfit is RMSEA "
        f"{text.interval(*worse)} (chi-square {above.chi2:.1f}, df {above.df})"
    )
    cannot: tuple[Verdict, ...] = ()
    if worse[1] >= _CLOSE:
        cannot = ("supported",)
        said += f", which is not shown to be below {_CLOSE}: correlated facets may be the better account"
    return _evidence(case, found, [said], cannot)


def part(case: Case, level: float) -> Evidence:
    """A2: standardised slope of UX in CX beside the other facets."""
    overall_items(case)
    facets = _facets(case, 1 + _OTHERS)
    y, x = len(facets), list(range(len(facets)))
    own = _known(case, facets, "CX", slope(y, x, 0))
    found = _estimate(case, own.plain(level), level, "path of UX on CX beside the other facets")
    seen = halo(case)
    said = [
        f"Latent regression of CX on UX and {listed(facets[1:])}",
        f"CX goes with UX more than the other facets do by {named(seen.ux)}",
    ]
    return _evidence(case, found, said, *_capped(seen.out[0]))


def proper(case: Case, level: float) -> Evidence:
    """A3: what the other facets add to R² of CX beyond UX."""
    overall_items(case)
    facets = _facets(case, 1 + _OTHERS)
    y, x = len(facets), list(range(1, len(facets)))
    own = _known(case, facets, "CX", increment(y, x, [0]))
    found = _estimate(case, own.corrected(level), level, "R² of CX by the other facets, beyond UX")
    seen = halo(case)
    said = [
        f"Latent regression of CX on {listed(facets[1:])} beside UX; {own.bias:.3f} that chance adds is taken off",
        f"CX goes with the facets more than these with each other by {named(seen.every)}",
    ]
    return _evidence(case, found, said, *_capped(any(seen.out)))


def complete(case: Case, level: float) -> Evidence:
    """A4: R² of CX on all facets."""
    overall_items(case)
    facets = _facets(case, 1 + _OTHERS)
    own = _known(case, facets, "CX", explained(len(facets), list(range(len(facets)))))
    found = _estimate(case, own.corrected(level), level, "R² of CX by all facets")
    if found.low > 1:
        raise NotAnswerable(f"R² is {own.value:.2f}, above 1 beyond chance: an improper solution.")
    said = f"Latent regression of CX on {listed(facets)}; {own.bias:.3f} that chance adds is taken off"
    return _evidence(case, found, [said])


def screened_off(case: Case, level: float) -> Evidence:
    """A5: standardised slope of UX in loyalty given CX."""
    overall_items(case)
    _facets(case, 1)
    _loyalty(case)
    own = _known(case, ["UX", "CX"], "loyalty", slope(2, [0, 1], 0))
    found = _estimate(case, own.plain(level), level, "direct effect of UX on loyalty, given CX")
    return _evidence(case, found, [f"Latent regression of loyalty on UX and CX{_single(case)}"])


def associated(case: Case, level: float) -> Evidence:
    """B1: what UX adds to R² of loyalty beyond the other facets, with the sign of its slope."""
    _loyalty(case)
    facets = _facets(case, 1 + _OTHERS)
    y, x = len(facets), list(range(len(facets)))
    own = _known(case, facets, "loyalty", semipartial(y, 0, x[1:]))
    found = _estimate(case, own.squared(level), level, "R² of loyalty by UX, beyond the other facets")
    said = [f"Latent regression of loyalty on UX and {listed(facets[1:])}{_single(case)}"]
    if own.value < 0:
        said.append("the slope of UX is negative, and so is the sign that the increment is given")
    return _evidence(case, found, [*said, *_points(case, facets, level)])


def _facets(case: Case, least: int, since: str = "") -> list[str]:
    """UX and the other facets that the model has, of which there must be enough."""
    refuse(case)
    ux = case.facets.get("UX", [])
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux)}.")
    alone = [name for name, items in case.facets.items() if len(items) == 1]
    there = [name for name, items in case.facets.items() if len(items) > 1]
    if len(there) < least:
        also = f"; {listed(alone)} has a single item, whose error nobody knows" if alone else ""
        raise NotAnswerable(
            f"This needs at least {least} facets with two items or more, UX and {least - 1} others; the study has "
            f"{listed(there)}{also}.{since}"
        )
    if alone and least > 1:
        raise NotAnswerable(
            f"{listed(alone)} is measured by a single item, whose error nobody knows: beside it UX would take what is "
            "its own. Ask two questions, or describe it as a 'rating', which is not modelled."
        )
    try:
        case.measured  # noqa: B018
    except (ModelError, SampleError) as error:
        raise NotAnswerable(f"The measurement model cannot be estimated. {error}") from error
    return there


def _loyalty(case: Case) -> None:
    if not case.loyalty:
        raise NotAnswerable("The study has no question on loyalty, such as whether a customer will recommend.")


def _known(case: Case, causes: Sequence[str], outcome: str, of: Functional) -> Known:
    """A functional of the correlations of causes and an outcome, where they can be told apart."""
    corr, covariance = case.measured.among([*causes, outcome])
    least = float(np.linalg.eigvalsh(corr[:-1, :-1])[0])
    if least < _APART:
        raise NotAnswerable(
            f"Freed of error, {listed(causes)} cannot be told apart (smallest eigenvalue of their correlations "
            f"{least:.3f}): an improper solution."
        )
    return known(of, corr, covariance)


def _estimate(case: Case, found: Sequence[float], level: float, name: str) -> Estimate:
    own, (value, low, high) = case.measured, found
    return Estimate(value, low, high, own.n, own.method, level, name, own.n_missing)


def _evidence(
    case: Case, found: Estimate, said: Sequence[str], cannot: tuple[Verdict, ...] = (), why: Sequence[str] = ()
) -> Evidence:
    notes = [*common(case), *never(case), *careless(case), *remarks(case, found)]
    return Evidence(found, "; ".join([*said, *why, *notes]) + ".", cannot)


def _capped(out: bool) -> tuple[tuple[Verdict, ...], list[str]]:
    """What halo forbids, and why."""
    return ((), []) if out else (("supported",), ["halo alone would do this, so it cannot be supported"])


def _single(case: Case) -> str:
    return "" if len(case.loyalty) > 1 else f", which is {listed(case.loyalty)} as it is, with its error"


def _points(case: Case, facets: Sequence[str], level: float) -> list[str]:
    """NPS points per standard deviation of UX beside the other facets, at average answers."""
    ranges = {column.name: (column.low, column.high) for column in case.study.columns}
    cuts = case.measured.thresholds
    item = next((name for name in case.loyalty if ranges[name] == (0, 10) and {7, 9} <= set(cuts.get(name, ()))), None)
    if item is None:
        return []
    y = len(facets)
    own = _known(case, facets, "loyalty", slope(y, list(range(y)), 0))
    density = sum(exp(-(cuts[item][cut] ** 2) / 2) / sqrt(2 * pi) for cut in (7, 9))
    value, low, high = (100 * case.measured.loadings[item] * density * each for each in own.plain(level))
    return [
        f"one standard deviation of UX goes with {text.number(value, 1)} points of NPS ({item!r}) beside the other "
        f"facets, {text.percent(level)} CI {text.interval(low, high, 1)}"
    ]
