"""The tests behind the claims on how experiences combine: do they add up, make up for each other, or spoil each other?

UX and the other facets are states of mind that are known by their items only, and CX and loyalty stand behind ordered
answers. All claims take one model: an ordered answer as a function of the facets, with the facets integrated out given
their own answers. So measurement error does not hide a bend, and a ceiling does not make one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cxuxlib.claims.bends import Slopes, shape, slopes
from cxuxlib.claims.case import Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import careless, common, halo, never, refuse, remarks
from cxuxlib.claims.ruling import Evidence, Verdict
from cxuxlib.claims.states import Item, States, drawn, item
from cxuxlib.errors import ModelError, NotAnswerable, SampleError, listed
from cxuxlib.results import Estimate

Array = NDArray[np.float64]

_FACETS = 4  # UX, service and two others
_APART = 0.05  # smallest eigenvalue of the facets' correlations below which bends are not told apart
_PROMOTER = 9
_GOES = 0.2  # smallest loading of an outcome's item that error is taken off by
_UNITS = 200  # with fewer a bend is not told from chance, and its error is not known
COMPENSATION, WEAKEST = "C2 compensation", "C3 weakest link"
MADE_UP, WEIGHS = -0.10, 0.05  # their bounds, unless the study sets others


class Effect(NamedTuple):
    """Standardised slopes of an outcome on functions of the facets.

    Args:
        value: of standard deviations of the outcome, shape (q,).
        covariance: of the slopes, shape (q, q).
        mean, spread: means and covariance of the functions.
        n, n_missing: units with and without what it takes.
    """

    value: Array
    covariance: Array
    mean: Array
    spread: Array
    n: int
    n_missing: int


def _least(x: Array) -> Array:
    return np.concatenate([x, np.minimum(x[..., :1], x[..., 1:2])], axis=-1)


def _bent(x: Array) -> Array:
    """The facets, of which UX and service are the first two, and their minimum, product and hinges."""
    ux, service = x[..., 0], x[..., 1]
    found = np.empty((*x.shape[:-1], x.shape[-1] + 4))
    found[..., :-4] = x
    for place, bend in enumerate((np.minimum(ux, service), ux * service, np.minimum(ux, 0), np.minimum(service, 0))):
        found[..., place - 4] = bend
    return found


def additive(case: Case, level: float) -> Evidence:
    """C1: what minimum, product and hinges of UX and service add to R² of CX beyond all facets."""
    overall_items(case)
    facets = _facets(case)
    own = _effect(case, case.cx, "bent", _bent)
    k = len(facets)
    straight, across = own.spread[:k, :k], own.spread[:k, k:]
    left = own.spread[k:, k:] - across.T @ np.linalg.solve(straight, across)
    bends, error = own.value[k:], own.covariance[k:, k:]
    noise = error @ left
    bias = float(np.trace(noise))
    spread = 4 * bends @ left @ error @ left @ bends + 2 * np.trace(noise @ noise)
    value = float(bends @ left @ bends) - bias
    found = _estimate(own, value, sqrt(spread), level, "R² of CX by bends of UX and service, beyond all facets")
    said = (
        "Minimum, product and hinges of UX and service beside all facets, in an ordered model with the error of items "
        f"taken off; {bias:.3f} that chance adds is taken off, as out of sample"
    )
    return _evidence(case, found, [said])


def compensation(case: Case, level: float) -> Evidence:
    """C2: CX at UX -1 SD and service +1 SD, minus average CX."""
    return _rivals(case, level)[0]


def weakest_link(case: Case, level: float) -> Evidence:
    """C3: weight of the lesser of UX and service beside all facets."""
    return _rivals(case, level)[1]


def soured(case: Case, level: float) -> Evidence:
    """C4: chance of a promoter at UX +1 SD and service -1 SD, minus the average."""
    facets = _facets(case)
    named, answer = _recommend(case)
    own, fit = _fitted(case, [named], "bent", _bent)[0]
    cut = sorted(case.measured.thresholds[named]).index(_PROMOTER)
    at = _bent(np.array([1.0, -1.0, *[0.0] * (len(facets) - 2)]))
    edge = fit.cuts[cut] - at @ fit.value
    density = float(np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi))
    jacobian = np.zeros(fit.influence.shape[1])
    jacobian[: len(at)], jacobian[len(at) + cut] = density * at, -density
    there = answer.codes >= 0
    n = _draws(case).n
    average = float(n @ (answer.codes > cut)) / fit.n
    gap = fit.influence @ jacobian - there * ((answer.codes > cut) - average) / fit.n
    found = _estimate(own, float(ndtr(-edge)) - average, sqrt(float(n @ gap**2)), level, "change of share of promoters")
    said = (
        f"Ordered model of {named!r} on all facets and bends of UX and service; on average {100 * average:.0f}% are "
        f"promoters, with good UX and bad service (others average) {100 * float(ndtr(-edge)):.0f}%"
    )
    return _evidence(case, found, *_beside_halo(case, said, "supported"))


def no_rescue(case: Case, level: float) -> Evidence:
    """C7: standardised slope of loyalty on innovation where UX is one SD below its mean."""
    facets = _facets(case)
    at = next((place for place, name in enumerate(facets) if "innovat" in name.casefold()), None)
    if at is None:
        raise NotAnswerable(
            f"The study has no facet on innovation of two items or more; it has {listed(facets)}. A facet is one on "
            "innovation where its name says so."
        )
    if not case.loyalty:
        raise NotAnswerable("The study has no question on loyalty, such as whether a customer will recommend.")

    def moderated(x: Array) -> Array:
        return np.concatenate([x, x[..., :1] * x[..., at : at + 1]], axis=-1)

    own = _effect(case, case.loyalty, "moderated", moderated)
    line = np.zeros(len(own.value))
    line[at], line[-1] = 1.0, -1.0
    found = _estimate(own, *_along(own, line), level, "slope of loyalty on innovation at UX -1 SD")
    alone = f", which is {listed(case.loyalty)} as it is, with its error" if len(case.loyalty) == 1 else ""
    said = f"Ordered model of {listed(case.loyalty)} on all facets and UX times innovation{alone}"
    return _evidence(case, found, *_beside_halo(case, said, "refuted"))


def _beside_halo(case: Case, said: str, verdict: Verdict) -> tuple[list[str], tuple[Verdict, ...]]:
    """What halo forbids where it is not ruled out, and why: with it loyalty goes with every facet."""
    if "CX" in case.blocks and halo(case).out[1]:
        return [said], ()
    return [said, f"halo alone would do this, so it cannot be {verdict}"], (verdict,)


def _rivals(case: Case, level: float) -> tuple[Evidence, Evidence]:
    """Compensation and the weakest link, of which one data set supports one at most."""
    return case.once(f"rivals {level}", lambda: _both(case, level))


def _both(case: Case, level: float) -> tuple[Evidence, Evidence]:
    overall_items(case)
    facets = _facets(case)
    bent, least = _effect(case, case.cx, "bent", _bent), _effect(case, case.cx, "least", _least)
    line = _bent(np.array([-1.0, 1.0, *[0.0] * (len(facets) - 2)])) - bent.mean
    point = _estimate(bent, *_along(bent, line), level, "CX at UX -1 SD and service +1 SD, minus average")
    last = np.eye(len(least.value))[-1]
    weight = _estimate(least, *_along(least, last), level, "weight of the lesser of UX and service")
    said = (
        "Ordered model of the overall items on all facets with minimum, product and hinges of UX and service, with the "
        "error of items taken off",
        "Ordered model of the overall items on all facets and the lesser of UX and service, with the error of items "
        "taken off",
    )
    bounds = [
        float(case.study.claims.get(name, {}).get("bound", bound))
        for name, bound in ((COMPENSATION, MADE_UP), (WEAKEST, WEIGHS))
    ]
    clash = point.low > bounds[0] and weight.low > bounds[1]
    cannot: tuple[Verdict, ...] = ("supported",) if clash else ()
    why = [
        "service makes up for poor UX and the lesser of both weighs more: these claims are rivals, and one study "
        "supports neither where it speaks for both"
    ] * clash
    first, second = (
        _evidence(case, found, [words, *why], cannot) for found, words in zip((point, weight), said, strict=True)
    )
    return first, second


def _along(own: Effect, line: Array) -> tuple[float, float]:
    """Value and standard error of a contrast of slopes."""
    return float(line @ own.value), sqrt(float(line @ own.covariance @ line))


def _effect(case: Case, outcomes: Sequence[str], name: str, columns: Callable[[Array], Array]) -> Effect:
    """The mean of the standardised slopes behind all items of an outcome, each freed of its own error."""
    found = [each for each, _ in _fitted(case, outcomes, name, columns)]
    fits = [fit for _, fit in _fitted(case, outcomes, name, columns)]
    value = np.mean([each.value for each in found], axis=0)
    spread = found[0].spread
    influence = np.zeros((len(fits[0].influence), len(value)))
    for fit, one in zip(fits, outcomes, strict=True):
        size = sqrt(1 + float(fit.value @ spread @ fit.value))
        turn = np.eye(len(value)) / size - np.outer(fit.value, spread @ fit.value) / size**3
        own = fit.influence[:, : len(value)] @ turn.T
        influence += own / (len(fits) * case.measured.loadings[one])
    n = _draws(case).n
    covariance = (influence * n[:, None]).T @ influence
    assert case.sheets is not None
    known = float(n[(influence != 0).any(axis=1)].sum())
    missing = round(float(case.sheets.n.sum()) - known) + case.sheets.n_missing
    return Effect(value, covariance, found[0].mean, spread, round(known), missing)


def _fitted(
    case: Case, outcomes: Sequence[str], name: str, columns: Callable[[Array], Array]
) -> list[tuple[Effect, Slopes]]:
    """Standardised slopes, and those behind each answer."""

    def fit(one: str) -> tuple[Effect, Slopes]:
        states = _draws(case)
        mean, spread = case.once(f"shape {name}", lambda: shape(states, columns))
        try:
            own = slopes(states, columns, _item(case, one))
        except ModelError as error:
            raise NotAnswerable(f"The ordered model of {one!r} cannot be estimated. {error}") from error
        size = sqrt(1 + float(own.value @ spread @ own.value)) * case.measured.loadings[one]
        if abs(case.measured.loadings[one]) < _GOES:
            raise NotAnswerable(
                f"{one!r} hardly goes with the other items of its construct (loading "
                f"{case.measured.loadings[one]:.2f}), so what stands behind it cannot be told."
            )
        assert case.sheets is not None
        rest = float(case.sheets.n.sum()) - own.n + case.sheets.n_missing
        return Effect(own.value / size, spread, mean, spread, round(own.n), round(rest)), own

    return [case.once(f"slopes {name} {one}", lambda one=one: fit(one)) for one in outcomes]  # type: ignore[misc]


def _facets(case: Case) -> list[str]:
    """The facets, UX and service first, where they are measured well enough."""
    refuse(case)
    if case.sheets is None:
        raise NotAnswerable("How experiences combine is seen in answers only, and the study has moments.")
    there = [name for name in case.blocks if name not in ("CX", "loyalty")]
    lacking = [name for name in ("UX", "service") if name not in there]
    alone = [name for name, items in case.facets.items() if len(items) == 1]
    if lacking or alone or len(there) < _FACETS:
        also = f"; {listed(alone)} has a single item, whose error nobody knows" if alone else ""
        raise NotAnswerable(
            f"This needs UX, service and at least {_FACETS - 2} other facets, of two items or more each; the study has "
            f"{listed(there) if there else 'none'}{also}."
        )
    try:
        case.measured  # noqa: B018
    except (ModelError, SampleError) as error:
        raise NotAnswerable(f"The measurement model cannot be estimated. {error}") from error
    if case.measured.n < _UNITS:
        raise NotAnswerable(f"{case.measured.n} answer sheets are too few for bends; this needs {_UNITS}.")
    facets = ["UX", "service", *(name for name in there if name not in ("UX", "service"))]
    least = float(np.linalg.eigvalsh(case.measured.among(facets)[0])[0])
    if least < _APART:
        raise NotAnswerable(
            f"Freed of error, {listed(facets)} cannot be told apart (smallest eigenvalue of their correlations "
            f"{least:.3f}), so neither can how they combine."
        )
    return facets


def _draws(case: Case) -> States:
    """Draws of the facets of each answer sheet; those that rate nothing of UX or of service count for no unit."""

    def draw() -> States:
        facets = _facets(case)
        assert case.sheets is not None
        items = [[_item(case, one) for one in case.facets[name]] for name in facets]
        rated = np.all([np.max([each.codes >= 0 for each in own], axis=0) for own in items[:2]], axis=0)
        return drawn(items, case.measured.among(facets)[0], case.sheets.n * rated)

    return case.once("draws", draw)


def _item(case: Case, name: str) -> Item:
    assert case.sheets is not None
    column = case.table([name]).x[:, 0]
    return item(column, case.sheets.n, case.measured.loadings[name], case.measured.thresholds.get(name))


def _recommend(case: Case) -> tuple[str, Item]:
    """The answer from 0 to 10 to whether a customer will recommend."""
    ranges = {column.name: (column.low, column.high) for column in case.study.columns}
    named = next((name for name in case.loyalty if ranges[name] == (0, 10)), None)
    if named is None:
        raise NotAnswerable("The study has no question on loyalty from 0 to 10, of which 9 and 10 are promoters.")
    if _PROMOTER not in case.measured.thresholds.get(named, {}):
        raise NotAnswerable(f"Too few, or nearly all, answer {_PROMOTER} or 10 to {named!r}, or it is not ordered.")
    return named, _item(case, named)


def _evidence(case: Case, found: Estimate, said: Sequence[str], cannot: tuple[Verdict, ...] = ()) -> Evidence:
    notes = [*common(case), *never(case), *careless(case), *remarks(case, found)]
    return Evidence(found, "; ".join([*said, *notes]) + ".", cannot)


def _estimate(own: Effect, value: float, error: float, level: float, name: str) -> Estimate:
    half = float(ndtri(0.5 + level / 2)) * error
    how = "ordered model with states integrated out, errors by the delta method"
    return Estimate(value, value - half, value + half, own.n, how, level, name, own.n_missing)
