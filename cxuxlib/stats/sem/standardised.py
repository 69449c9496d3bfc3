"""The standardised solution and explained variances, with their derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, Cells, State

__all__ = ["Standard", "explained", "roots", "standardise"]

Array = np.ndarray


class Standard(NamedTuple):
    """Standardised values of cells of one group, and their derivatives.

    Args:
        value: shape (cells,).
        slope: derivative in the parameters, shape (cells, parameters).
    """

    value: Array
    slope: Array


def standardise(
    cells: Cells, state: State, kind: Array, i: Array, j: Array, at: Array, size: int, *, latent_only: bool = False
) -> Standard:
    """Cells as if all variables (or all latent ones) had variance 1.

    An effect is multiplied by sd(j) / sd(i), an intercept divided by sd(i), a variance divided by the whole variance,
    and a covariance of residuals becomes their correlation.

    Args:
        cells: the group's matrices.
        state: its moments.
        kind, i, j: cells that are asked for, free or fixed.
        at: of each its parameter, -1 where it is fixed.
        size: how many parameters there are; 0 leaves the derivatives out.
        latent_only: whether observed variables keep their scale.
    """
    t, p = len(state.eta), cells.p
    variance = np.diag(state.z[:, t:]).copy()
    moved = _variances(cells, state, size)
    residual = np.diag(state.covariances).copy()
    left = _residuals(cells, t, size)
    raw = np.where(kind == EFFECT, state.effects[i, j], np.where(kind == COVARIANCE, state.covariances[i, j], 0.0))
    whole = _Logs(variance, moved, p, latent_only)
    rest = _Logs(residual, left, p, latent_only)
    path, pair, one = kind == EFFECT, (kind == COVARIANCE) & (i != j), (kind == COVARIANCE) & (i == j)
    factor, bend = np.ones(len(i)), np.zeros((len(i), size))
    with np.errstate(divide="ignore", invalid="ignore"):
        for of, parts in (
            (path, ((whole, j, 1.0), (whole, i, -1.0))),
            (pair, ((rest, i, -1.0), (rest, j, -1.0))),
            (one, ((whole, i, -2.0),)),
            (~(path | pair | one), ((whole, i, -1.0),)),
        ):
            for logs, where, power in parts:
                factor[of] *= logs.root(where[of]) ** power
                if size:
                    bend[of] += power * logs.slope(where[of])
        intercept = ~(path | pair | one)
        raw[intercept] = _intercepts(cells, state, i[intercept])
        value = raw * factor
        slope = value[:, None] * bend
    free = np.flatnonzero((at >= 0) & (size > 0))
    slope[free, at[free]] += factor[free]
    negative = pair & ~((residual[i] > 0) & (residual[j] > 0)) & (raw == 0)
    value[negative], slope[negative] = 0.0, 0.0
    return Standard(value, slope)


class _Logs:
    """Roots of variances, and the derivative of their logarithm; 1 and 0 for what keeps its scale."""

    def __init__(self, variance: Array, moved: Array, p: int, latent_only: bool) -> None:
        self.variance, self.moved, self.keep = variance, moved, p if latent_only else 0

    def root(self, at: Array) -> Array:
        found: Array = np.where(at < self.keep, 1.0, np.sqrt(self.variance[at]))
        return found

    def slope(self, at: Array) -> Array:
        found: Array = np.where((at < self.keep)[:, None], 0.0, 0.5 * self.moved[at] / self.variance[at][:, None])
        return found


def _intercepts(cells: Cells, state: State, i: Array) -> Array:
    """Intercepts back from the means: m = (I - A) η."""
    found: Array = (state.eta - state.effects @ state.eta)[i]
    return found


def _residuals(cells: Cells, t: int, size: int) -> Array:
    """Derivative of the residual variance of every variable in the parameters, shape (t, parameters)."""
    found = np.zeros((t, size))
    if size:
        own = (cells.kind == COVARIANCE) & (cells.i == cells.j)
        np.add.at(found, (cells.i[own], cells.at[own]), 1.0)
    return found


def _variances(cells: Cells, state: State, size: int) -> Array:
    """Derivative of the variance of every variable in the parameters, shape (t, parameters)."""
    found = np.zeros((len(state.eta), size))
    if size:
        np.add.at(found.T, cells.at, (2 * state.s * state.z[:, state.u] * state.z[:, state.v]).T)
    return found


def roots(cells: Cells, state: State, i: Array, size: int) -> Standard:
    """Standard deviations of variables.

    Args:
        cells: the group's matrices.
        state: its moments.
        i: positions of the variables.
        size: how many parameters there are.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.sqrt(np.diag(state.z[:, len(state.eta) :])[i])
        return Standard(value, _variances(cells, state, size)[i] / (2 * value[:, None]))


def explained(cells: Cells, state: State, i: Array, size: int) -> Standard:
    """R² of explained variables: 1 - residual variance / variance.

    Args:
        cells: the group's matrices.
        state: its moments.
        i: positions of the variables.
        size: how many parameters there are.
    """
    t = len(state.eta)
    variance, residual = np.diag(state.z[:, t:])[i], np.diag(state.covariances)[i]
    left = _residuals(cells, t, size)
    moved = _variances(cells, state, size)[i]
    slope = (residual / variance**2)[:, None] * moved - left[i] / variance[:, None]
    return Standard(1 - residual / variance, slope)
