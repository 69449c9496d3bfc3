"""What is asked of the correlations of constructs, with its error: slopes, R², increments."""

from __future__ import annotations

from collections.abc import Callable
from math import atanh, inf, sqrt, tanh
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cxuxlib.claims.factors import pairs

Array = NDArray[np.float64]
Functional = Callable[[Array], Array]  # of stacked matrices, shape (m, k, k), to (m,)

_STEP = 0.05  # of a standard error


class Known(NamedTuple):
    """A functional of estimated correlations.

    Args:
        value: at the estimates.
        error: standard error in first order, by the delta method.
        bias: what the functional's bend adds on average, in second order: ½ tr(HV).
        bend: standard deviation of what the bend adds, √(½ tr(HVHV)).
    """

    value: float
    error: float
    bias: float
    bend: float

    def plain(self, level: float) -> tuple[float, float, float]:
        """Value and ends, value ± z · error."""
        half = _z(level) * self.error
        return self.value, self.value - half, self.value + half

    def turned(self, level: float) -> tuple[float, float, float]:
        """Value and ends by Fisher's z, for what lies between -1 and 1."""
        half, middle = _z(level) * self.error / (1 - self.value**2), atanh(self.value)
        return self.value, tanh(middle - half), tanh(middle + half)

    def corrected(self, level: float) -> tuple[float, float, float]:
        """Value and ends with the bias taken off and both errors, for what is a sum of squares."""
        half, value = _z(level) * sqrt(self.error**2 + self.bend**2), self.value - self.bias
        return value, value - half, value + half

    def squared(self, level: float) -> tuple[float, float, float]:
        """The square of value and ends, with their signs kept."""
        value, low, high = (each * abs(each) for each in self.plain(level))
        return value, low, high


def _z(level: float) -> float:
    return float(ndtri(0.5 + level / 2))


def known(of: Functional, corr: Array, covariance: Array) -> Known:
    """Value, error and second-order terms of a functional, by differences along the axes of the covariance.

    >>> known(lambda r: r[:, 0, 1] ** 2, np.array([[1, 0.5], [0.5, 1]]), np.array([[0.01]])).error.__round__(3)
    0.1
    """
    sizes, axes = np.linalg.eigh(covariance)
    keep = sizes > 1e-14 * max(sizes.max(initial=0.0), 1e-300)
    root = (axes[:, keep] * np.sqrt(sizes[keep])).T * _STEP
    k = len(root)
    if not k:
        return Known(float(of(corr[None])[0]), 0.0, 0.0, 0.0)
    first, second = pairs(k)
    steps = np.vstack([np.zeros((1, root.shape[1])), root, -root, root[first] + root[second]])
    rows, columns = pairs(len(corr))
    stacked = np.repeat(corr[None], len(steps), axis=0)
    stacked[:, rows, columns] += steps
    stacked[:, columns, rows] = stacked[:, rows, columns]
    value = of(stacked)
    here, up, down, both = value[0], value[1 : k + 1], value[k + 1 : 2 * k + 1], value[2 * k + 1 :]
    bends = np.diag((up - 2 * here + down) / _STEP**2)
    bends[first, second] = bends[second, first] = (both - up[first] - up[second] + here) / _STEP**2
    slopes = (up - down) / (2 * _STEP)
    error, bend = float(np.sqrt(slopes @ slopes)), float(np.sqrt((bends**2).sum() / 2))
    if not np.isfinite([error, bend]).all():
        return Known(float(here), inf, 0.0, inf)
    return Known(float(here), error, float(np.trace(bends)) / 2, bend)


def _solved(r: Array, y: int, x: list[int]) -> Array:
    """Slopes of y on x, shape (m, x)."""
    found = np.linalg.solve(r[:, x][:, :, x], r[:, x, y][:, :, None])[:, :, 0]
    return np.asarray(found, dtype=np.float64)


def slope(y: int, x: list[int], of: int) -> Functional:
    """Standardised slope of one of x in y on all x."""
    return lambda r: _solved(r, y, x)[:, x.index(of)]


def explained(y: int, x: list[int]) -> Functional:
    """R² of y on x."""
    return lambda r: (_solved(r, y, x) * r[:, x, y]).sum(axis=1)


def increment(y: int, x: list[int], beyond: list[int]) -> Functional:
    """What x adds to R² of y on ``beyond``."""
    whole, part = explained(y, [*beyond, *x]), explained(y, beyond)
    return lambda r: whole(r) - part(r)


def semipartial(y: int, x: int, beyond: list[int]) -> Functional:
    """Correlation of y with what is left of x given ``beyond``; its square is the increment of R²."""

    def of(r: Array) -> Array:
        slopes = _solved(r, x, beyond)
        left = 1 - (slopes * r[:, beyond, x]).sum(axis=1)
        found: Array = (r[:, x, y] - (slopes * r[:, beyond, y]).sum(axis=1)) / np.sqrt(left)
        return found

    return of


def contrast(y: int, x: list[int], among: list[int]) -> Functional:
    """Mean correlation of y with x, less the mean correlation of x with the others of ``among``."""
    inside = np.array([(a, b) for a in x for b in among if a != b])

    def of(r: Array) -> Array:
        found: Array = r[:, x, y].mean(axis=1) - r[:, inside[:, 0], inside[:, 1]].mean(axis=1)
        return found

    return of
