"""How reliable the sums of items are, by the latent model that measures factors with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import listed
from cxuxlib.models.measurement.entry import fit_of
from cxuxlib.models.measurement.influence import Pull, covariance_of, pulled
from cxuxlib.models.measurement.moving import Moving, Seen, indicators, variance_of_sum
from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.models.structural.options import Estimator
from cxuxlib.stats import intervals
from cxuxlib.stats.reliability import log_interval

__all__ = ["reliability"]

KINDS = ("alpha", "omega", "omega_observed", "ave")


def reliability(
    data: Any,
    facets: Mapping[str, Sequence[str]] | None = None,
    *,
    standardised: bool = False,
    estimator: Estimator | None = None,
    frequency: str | None = None,
    level: float | None = None,
) -> pd.DataFrame:
    """Tell of each factor of a latent model how reliable the sum of its items is, and how much of them it explains.

    omega = (Σλ)²φ / 1'Σ1, the variance that the factor (variance φ) gives to the sum over all the variance that the
    model gives it, with what cross-loadings and correlated errors add (of the general factor of a bifactor model it is
    omega hierarchical, of a facet what its own factor adds); omega_observed takes the observed variance of
    the sum instead, and is below omega where items covary more than the model says. alpha = k/(k - 1)·(1 - Σs_ii/Σs_ij)
    of the observed covariances asks for no model, and is the reliability only where items load alike and errors are
    uncorrelated. ave = Σλ²φ/ΣΣ_ii is the share of the items' variance that the factor explains.

    Args:
        data: a fit of `latent`; or one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        facets: with data, name of each factor to its items; factors are free to correlate.
        standardised: of items divided by their standard deviation; by default of the items as they are.
        estimator: with data, "ml" (the default; errors by normal theory), "mlr" or "mlm" (whatever the distribution).
        frequency: with data, column that says how many units a row stands for.
        level: confidence level, 0 to 1; None: the fit's, or 0.95.

    Returns:
        One row per factor (in the order of the model, by group) and kind: factor, (group), kind (alpha, omega,
        omega_observed, ave), value, std_error, low, high, k (items), n, n_missing, method, level. Intervals are by the
        delta method on ln(1 - value). What does not exist is NaN and ``method`` says why: a factor of one item or of
        factors, an improper solution, missing answers ("fiml": omega_observed has no interval). Items that load
        against the others are named there too: reverse them first.

    Raises:
        ArgumentError: neither or both of a fit and facets; a fit by "wlsmv". Else what `latent` raises.

    Source: McDonald 1999, Test Theory (omega); Raykov 2001, doi:10.1348/000711001159582 (correlated errors); Fornell &
    Larcker 1981, doi:10.1177/002224378101800104 (ave); Cronbach 1951, doi:10.1007/BF02310555. Checked against: semTools
    (compRelSEM is omega_observed), lavaan's defined parameters (errors).

    >>> from cxuxlib.results import Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> moments = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> found = reliability(moments, {"UX": ["u1", "u2", "u3"], "CX": ["c1", "c2", "c3"]})
    >>> found[["factor", "kind", "value", "low", "high"]].round(3).head(4)
      factor            kind  value    low  high
    0     UX           alpha  0.842  0.808  0.87
    1     UX           omega  0.842  0.808  0.87
    2     UX  omega_observed  0.842  0.808  0.87
    3     UX             ave  0.640  0.582  0.69
    """
    fit = fit_of(data, facets, estimator, frequency, level)
    found = raw_of(fit)
    level = intervals.check_level(fit.level if level is None else level)
    rows = []
    for g, group in enumerate(found.groups):
        for factor in found.table.latent:
            items = indicators(found, factor, g)
            for kind, (value, error, method) in zip(KINDS, _told(found, factor, g, standardised), strict=True):
                low, high = log_interval(value, error, level)
                if np.isfinite(error) and np.isnan(low):
                    method = f"no interval: {kind} is 1 or has no error"
                rows.append({
                    "factor": factor, "group": group.label, "kind": kind, "value": value, "std_error": error,
                    "low": low, "high": high, "k": len(items), "n": group.n, "n_missing": group.n_missing,
                    "method": method, "level": level,
                })  # fmt: skip
    table = pd.DataFrame(rows)
    return table if len(found.labels) > 1 else table.drop(columns="group")


Told = tuple[float, float, str]


def _told(found: Latent, factor: str, g: int, standardised: bool) -> list[Told]:
    """Value, error and method of each kind."""
    rows = indicators(found, factor, g)
    if any(row.rhs in found.table.latent for row in rows):
        return [(nan, nan, f"no {kind}: {factor!r} is measured by factors; ask for the sums of their items")
                for kind in KINDS]  # fmt: skip
    if len(rows) < 2:
        return [(nan, nan, f"no {kind}: one item") for kind in KINDS]
    parts = _Parts.of(found, factor, g, standardised)
    ending = _ending(found, parts, standardised)
    wrong = _improper(found, parts, g)
    alpha, alpha_how = _alpha(found, parts, g, standardised)
    out: list[Told] = [(*alpha, f"{alpha_how}{ending}")]
    for number in (parts.omega, parts.ave):
        variance = float(number.slope @ found.covariance @ number.slope)
        if wrong or not variance >= 0:
            out.append((number.value, nan, f"no interval: {wrong or 'the estimates have no errors'}"))
        else:
            out.append((number.value, float(np.sqrt(variance)), f"delta method, {found.errors}{ending}"))
    seen = _observed(found, parts, g, standardised)
    if wrong and np.isfinite(seen[1]):
        seen = seen[0], nan, f"no interval: {wrong}"
    out.insert(2, (*seen[:2], f"{seen[2]}{ending if np.isfinite(seen[1]) else ''}"))
    return out


class _Parts(NamedTuple):
    """What the model says of a factor's items, by the parameters."""

    moving: Moving
    factor: int
    items: list[int]
    loadings: list[Dual]
    omega: Dual
    ave: Dual

    @classmethod
    def of(cls, found: Latent, factor: str, g: int, standardised: bool) -> _Parts:
        """The parts of one factor in one group."""
        moving, names = Moving(found.fit, g), found.table.observed
        at = len(names) + found.table.latent.index(factor)
        items = [names.index(row.rhs) for row in indicators(found, factor, g)]
        loadings = [moving.effect(i, at) for i in items]
        weights = _weights(moving.covariance, items, standardised)
        variance = moving.covariance(at, at)
        common = _total([w * own for w, own in zip(weights, loadings, strict=True)]) ** 2 * variance
        told = _total([(w * own) ** 2 * variance for w, own in zip(weights, loadings, strict=True)])
        whole = _total([w * w * moving.covariance(i, i) for w, i in zip(weights, items, strict=True)])
        omega = common / variance_of_sum(moving.covariance, items, weights)
        return cls(moving, at, items, loadings, omega, told / whole)


def _total(numbers: Sequence[Dual]) -> Dual:
    found = numbers[0]
    for each in numbers[1:]:
        found = found + each
    return found


def _weights(covariance: Any, items: Sequence[int], standardised: bool) -> list[Dual]:
    """1, or 1 over the standard deviation of each item."""
    own = [covariance(i, i) for i in items]
    return [each**-0.5 if standardised else Dual(1.0, 0.0 * each.slope) for each in own]


def _ending(found: Latent, parts: _Parts, standardised: bool) -> str:
    """What a method's name says besides."""
    signs = np.sign([each.value for each in parts.loadings])
    few = -1.0 if (signs > 0).sum() >= (signs < 0).sum() else 1.0
    against = [found.table.observed[i] for i, sign in zip(parts.items, signs, strict=True) if sign == few]
    said = ", of standardised items" if standardised else ""
    if not against or len(set(signs)) == 1:
        return said
    measured = [row.rhs for row in found.table.rows if row.op == "=~" and row.group == 0]
    alone = all(measured.count(each) == 1 for each in against)  # else reversing turns its other loadings
    return f"{said}; {listed(against)} runs against the others{': reverse it' if alone else ' on this factor'}"


def _improper(found: Latent, parts: _Parts, g: int) -> str:
    """Why a factor's figures have no interval; empty where they have."""
    state, names = found.states[g], (*found.table.observed, *found.table.latent)
    negative = [names[i] for i in [*parts.items, parts.factor] if state.covariances[i, i] < 0]
    if negative:
        return f"improper solution, the variance of {listed(negative)} is negative"
    return "" if found.fit.solution.converged else "the search did not converge"


def _alpha(found: Latent, parts: _Parts, g: int, standardised: bool) -> tuple[tuple[float, float], str]:
    """Alpha with its error, from covariances; with missing answers from those of the saturated model."""

    def of(covariance: Any) -> Dual:
        weights, k = _weights(covariance, parts.items, standardised), len(parts.items)
        own = _total([w * w * covariance(i, i) for w, i in zip(weights, parts.items, strict=True)])
        return k / (k - 1) * (1.0 - own / variance_of_sum(covariance, parts.items, weights))

    spread = found.groups[g].covariance
    if spread is None:
        best = found.best
        number, bread = of(Moving(best, g).covariance), np.linalg.inv(best.observed)
        both = bread @ best.meat @ bread if found.estimator == "mlr" else bread
        how = "delta method, full information maximum likelihood, saturated"
        return (number.value, float(np.sqrt(number.slope @ both @ number.slope / best.n))), how
    seen = Seen(spread, parts.items, 0)
    number = of(seen.covariance)
    error = covariance_of(found, list(_alone(found, g, seen.form(number))))[0, 0]
    how = "normal theory" if found.estimator == "ml" else "distribution-free"
    return (number.value, float(np.sqrt(error))), f"delta method, {how}"


def _alone(found: Latent, g: int, form: np.ndarray) -> Iterator[Pull]:
    """A number that only the moments of group g move."""
    for k in range(len(found.groups)):
        yield Pull(np.zeros((1, len(form))), form[None] * (k == g))


def _observed(found: Latent, parts: _Parts, g: int, standardised: bool) -> Told:
    """The variance that the factor gives, over the observed variance of the sum."""
    spread, size = found.groups[g].covariance, len(found.theta)
    missing = spread is None
    if spread is None:
        spread = found.best.states[g].sigma
    seen = Seen(spread, parts.items, size)
    weights = _weights(seen.covariance, parts.items, standardised)
    sums = _total([w * seen.wider(own) for w, own in zip(weights, parts.loadings, strict=True)])
    common = sums**2 * seen.wider(parts.moving.covariance(parts.factor, parts.factor))
    number = common / variance_of_sum(seen.covariance, parts.items, weights)
    if missing:
        return number.value, nan, "no interval: answers are missing, and the sum's variance is that of another model"
    through = pulled(found.fit, number.slope[None, :size])
    direct = _alone(found, g, seen.form(number))
    both = [Pull(a.mean + b.mean, a.covariance + b.covariance) for a, b in zip(through, direct, strict=True)]
    error = float(np.sqrt(covariance_of(found, both)[0, 0]))
    how = "normal theory" if found.estimator == "ml" else "distribution-free"
    return number.value, error, f"delta method, {how}"


def extracted(found: Latent, factor: str) -> Dual:
    """The average share of the variance of standardised items that a factor explains."""
    return _Parts.of(found, factor, 0, standardised=True).ave
