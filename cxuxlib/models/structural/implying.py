"""What a fitted latent model implies, as numbers that carry their derivatives in its parameters."""

from __future__ import annotations

from math import nan

import numpy as np
from scipy.special import ndtr

from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.fitting import Latent
from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, INTERCEPT


def _position(found: Latent, name: str) -> int:
    return (*found.table.observed, *found.table.latent).index(name)


def cell(found: Latent, kind: int, i: int, j: int, group: int) -> Dual:
    """A cell of the matrices of a group, free or fixed."""
    cells, state = found.bound.groups[group], found.states[group]
    filled = (state.effects, state.covariances)[kind][i, j] if kind != INTERCEPT else cells.intercepts[i]
    slope = np.zeros(len(found.theta))
    there = (cells.kind == kind) & (cells.i == i)
    there &= (cells.j == j) if kind == EFFECT else True
    if kind == COVARIANCE:
        there = (cells.kind == kind) & (((cells.i == i) & (cells.j == j)) | ((cells.i == j) & (cells.j == i)))
    for place in np.flatnonzero(there):
        slope[cells.at[place]] = 1.0
        filled = found.theta[cells.at[place]]
    return Dual(float(filled), slope)


def path(found: Latent, effect: str, cause: str, group: int = 0) -> Dual:
    """The path from a cause to its effect; an item is the effect of what it measures."""
    return cell(found, EFFECT, _position(found, effect), _position(found, cause), group)


def intercept(found: Latent, name: str, group: int = 0) -> Dual:
    """The intercept of a variable."""
    at = _position(found, name)
    return cell(found, INTERCEPT, at, at, group)


def covariance(found: Latent, a: str, b: str, group: int = 0) -> Dual:
    """The whole covariance of two variables, observed or latent; of one with itself its variance."""
    cells, state = found.bound.groups[group], found.states[group]
    i, j, z = _position(found, a), _position(found, b), state.z
    slope = np.zeros(len(found.theta))
    moved = state.s * (z[i, state.u] * z[j, state.v] + z[i, state.v] * z[j, state.u])
    np.add.at(slope, cells.at, moved)
    return Dual(float(z[i, len(state.eta) + j]), slope)


def root(variance: Dual) -> Dual:
    """A standard deviation; NaN where the variance is not above 0."""
    return variance.sqrt() if variance.value > 0 else Dual(nan, variance.slope * nan)


def correlation(found: Latent, a: str, b: str, group: int = 0) -> Dual:
    """The correlation of two variables; NaN where one has no variance."""
    own = root(covariance(found, a, a, group)) * root(covariance(found, b, b, group))
    return covariance(found, a, b, group) / own


def mean(parts: list[Dual]) -> Dual:
    """The mean of several numbers."""
    whole = parts[0]
    for each in parts[1:]:
        whole = whole + each
    return whole / float(len(parts))


def figures(found: Dual, spread: np.ndarray, z: float) -> dict[str, float]:
    """A value with its error by the delta method, its interval and the p-value of 0; NaN where there is no error."""
    value, variance = found.value, float(found.slope @ spread @ found.slope)
    error = variance**0.5 if variance >= 0 else nan
    p = float(2 * ndtr(-abs(value / error))) if error > 0 else nan
    return {"value": value, "std_error": error, "low": value - z * error, "high": value + z * error, "p": p}
