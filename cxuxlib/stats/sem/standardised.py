"""The standardised solution and explained variances, with their derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, INTERCEPT, Cells, State, gathered

__all__ = ["Standard", "explained", "roots", "standard_values", "standardise"]

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
    cells: Cells, state: State, kind: Array, i: Array, j: Array, at: Array, size: int
) -> tuple[Standard, Standard]:
    """Cells as if all variables had variance 1, and as if only all latent ones had.

    An effect is multiplied by sd(j) / sd(i), an intercept divided by sd(i), a variance divided by the whole variance,
    and a covariance of residuals becomes their correlation.

    Args:
        cells: the group's matrices.
        state: its moments.
        kind, i, j: cells that are asked for, free or fixed.
        at: of each its parameter, -1 where it is fixed.
        size: how many parameters there are.
    """
    t, p = len(state.eta), cells.p
    free = np.flatnonzero((at >= 0) & (size > 0))
    parts, found = _parts(kind, i, j), []
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = 0.5 * _variances(cells, state, size) / np.diag(state.z[:, t:])[:, None]
        rest = 0.5 * _residuals(cells, t, size) / np.diag(state.covariances)[:, None]
        for latent_only in (False, True):
            if latent_only:
                whole[:p] = rest[:p] = 0.0  # they keep their scale
            value, factor = standard_values(state, p, kind, i, j, latent_only=latent_only)
            bend = np.zeros((len(i), size))
            for of, roots_of in parts:
                for residual, where, power in roots_of:
                    bend[of] += power * (rest if residual else whole)[where[of]]
            slope = value[:, None] * bend
            slope[free, at[free]] += factor[free]
            slope[(value == 0) & (factor == 0)] = 0.0
            found.append(Standard(value, slope))
    return found[0], found[1]


def standard_values(
    state: State, p: int, kind: Array, i: Array, j: Array, *, latent_only: bool = False
) -> tuple[Array, Array]:
    """Standardised values of cells, and what they were multiplied by; of one state or of many, which come first.

    A covariance of 0 between residuals of which one does not vary stays 0, and so does its factor.
    """
    t, keep = state.eta.shape[-1], p if latent_only else 0
    variance = np.diagonal(state.z[..., t:], axis1=-2, axis2=-1)
    residual = np.diagonal(state.covariances, axis1=-2, axis2=-1)
    means = state.eta - (state.effects @ state.eta[..., None])[..., 0]
    raw = np.where(kind == EFFECT, state.effects[..., i, j], state.covariances[..., i, j])
    raw = np.where(kind == INTERCEPT, means[..., i], raw)
    factor = np.ones_like(raw)
    with np.errstate(divide="ignore", invalid="ignore"):
        for of, parts in _parts(kind, i, j):
            for of_residual, where, power in parts:
                here = where[of]
                root = np.sqrt((residual if of_residual else variance)[..., here])
                factor[..., of] *= np.where(here < keep, 1.0, root) ** power
        value = raw * factor
    pair = (kind == COVARIANCE) & (i != j)
    still = pair & ~((residual[..., i] > 0) & (residual[..., j] > 0)) & (raw == 0)
    return np.where(still, 0.0, value), np.where(still, 0.0, factor)


def _parts(kind: Array, i: Array, j: Array) -> list[tuple[Array, list[tuple[bool, Array, float]]]]:
    """Of each kind of cell: the roots it is multiplied by (of residual or whole variances), whose, to which power."""
    path, pair, one = kind == EFFECT, (kind == COVARIANCE) & (i != j), (kind == COVARIANCE) & (i == j)
    found = [
        (path, [(False, j, 1.0), (False, i, -1.0)]),
        (pair, [(True, i, -1.0), (True, j, -1.0)]),
        (one, [(False, i, -2.0)]),
        (kind == INTERCEPT, [(False, i, -1.0)]),
    ]
    return [(np.flatnonzero(of), parts) for of, parts in found if of.any()]


def _residuals(cells: Cells, t: int, size: int) -> Array:
    """Derivative of the residual variance of every variable in the parameters, shape (t, parameters)."""
    found = np.zeros((t, size))
    if size:
        own = (cells.kind == COVARIANCE) & (cells.i == cells.j)
        np.add.at(found, (cells.i[own], cells.at[own]), 1.0)
    return found


def _variances(cells: Cells, state: State, size: int) -> Array:
    """Derivative of the variance of every variable in the parameters, shape (t, parameters)."""
    return gathered(2 * state.s * state.z[:, state.u] * state.z[:, state.v], cells.at, size)


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
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (residual / variance**2)[:, None] * moved - left[i] / variance[:, None]
        return Standard(1 - residual / variance, slope)
