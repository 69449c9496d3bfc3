"""Scores of single units, what they spread, and tests that hold where answers are not normal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxuxlib.stats.sem.normal import precision
from cxuxlib.stats.sem.paths import COVARIANCE, INTERCEPT, Cells, gathered, implied, lower

__all__ = ["Answered", "gamma", "meat", "products", "saturated", "scores"]

Array = np.ndarray


def scores(cells: Cells, theta: Array, x: Array, center: Array | None) -> Array:
    """Derivative of the log-likelihood of each row of answers in the cells of its group, shape (m, k).

    Args:
        cells: the group's matrices.
        theta: parameters.
        x: answers, NaN where missing, shape (m, p).
        center: means that are taken as they are, where means are not modelled.
    """
    state = implied(cells, theta)
    if state is None:
        raise ValueError("The moments do not exist at these parameters.")
    mu = state.mu if center is None else center
    found = np.zeros((len(x), len(cells.at)))
    gone = np.isnan(x)
    patterns, of = (
        np.unique(gone, axis=0, return_inverse=True) if gone.any() else (gone[:1], np.zeros(len(x), dtype=int))
    )
    for place, pattern in enumerate(patterns):
        rows, at = np.flatnonzero(of.ravel() == place), np.flatnonzero(~pattern)
        inverted = precision(state.sigma[np.ix_(at, at)])
        if inverted is None:
            raise ValueError("The implied covariances are not positive definite.")
        z = state.z[at]
        towards = inverted[0] @ z
        w = np.einsum("ij,ij->j", z[:, state.u], towards[:, state.v])
        h = (x[np.ix_(rows, at)] - mu[at]) @ towards
        hu = h[:, state.u]
        found[rows] = state.s * (hu * h[:, state.v] - w) + state.c * hu
    return found


def meat(groups: Sequence[Cells], theta: Array, answers: Sequence[Answered], centers: Sequence[Array | None]) -> Array:
    """Mean outer product of the scores of one unit, over all groups.

    A score of complete answers is linear in the deviations d of a unit and in their products dd', so that the mean
    products of these, once made, serve every model of the data.

    Args:
        groups: matrices by group.
        theta: parameters.
        answers: what was answered, by group.
        centers: means that are taken as they are, by group.
    """
    size, total = len(theta), sum(float(each.many.sum()) for each in answers)
    found = np.zeros((size, size))
    for cells, each, center in zip(groups, answers, centers, strict=True):
        if each.products is not None and each.mean is not None:
            turn = gathered(_turn(cells, theta, each.mean, center), cells.at, size)
            found += each.many.sum() / total * (turn.T @ each.products @ turn)
            continue
        own = gathered(scores(cells, theta, each.x, center), cells.at, size)
        found += (own * each.many[:, None]).T @ own / total
    return found


class Answered(NamedTuple):
    """Distinct rows of a group.

    Args:
        x: answers, NaN where missing, shape (m, p).
        many: units that gave each row.
        mean: of complete answers; None where some are missing.
        products: `products` of complete answers; None where some are missing.
    """

    x: Array
    many: Array
    mean: Array | None = None
    products: Array | None = None


def products(x: Array, many: Array, mean: Array) -> Array:
    """Mean outer product of 1, the deviations of a unit, and their products (lower triangle).

    >>> (products(np.array([[0.0], [2.0]]), np.ones(2), np.ones(1)).round(9) + 0.0).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    d = (x - mean).T
    p = len(d)
    parts = np.empty((1 + p + p * (p + 1) // 2, len(x)))
    parts[0], parts[1 : p + 1] = 1.0, d
    at = p + 1
    for k in range(p):
        np.multiply(d[k:], d[k], out=parts[at : at + p - k])
        at += p - k
    parts *= np.sqrt(many / many.sum())
    found: Array = parts @ parts.T
    return found


def _turn(cells: Cells, theta: Array, mean: Array, center: Array | None) -> Array:
    """What each score in the cells is made of: 1, deviations from the mean, and their products; shape (1+p+p*, k)."""
    state = implied(cells, theta)
    inverted = None if state is None else precision(state.sigma)
    if state is None or inverted is None:
        raise ValueError("The moments do not exist at these parameters.")
    off = mean - (state.mu if center is None else center)
    z = state.z[: cells.p]
    towards = inverted[0] @ z
    w = np.einsum("ij,ij->j", z[:, state.u], towards[:, state.v])
    u, v = towards[:, state.u], towards[:, state.v]
    eu, ev = off @ u, off @ v
    row, col = lower(cells.p)
    crossed = u[row] * v[col] + u[col] * v[row]
    crossed[row == col] /= 2
    found: Array = np.vstack([
        state.s * (eu * ev - w) + state.c * eu, state.s * (u * ev + v * eu) + state.c * u, state.s * crossed
    ])  # fmt: skip
    return found


def saturated(mean: Array, covariance: Array, fixed: Sequence[int], means: bool) -> tuple[Cells, Array]:
    """The model that every mean and covariance is a parameter of, and its parameters at these moments.

    Args:
        mean, covariance: moments; those among ``fixed`` variables are no parameters.
        fixed: positions of variables whose moments are taken as they are.
        means: whether means are modelled.
    """
    p = len(mean)
    row, col = lower(p)
    given = np.isin(np.arange(p), list(fixed))
    first, pairs = np.flatnonzero(~given & means), ~(given[row] & given[col])
    kind = np.concatenate([np.full(len(first), INTERCEPT), np.full(int(pairs.sum()), COVARIANCE)])
    i, j = np.concatenate([first, row[pairs]]), np.concatenate([first, col[pairs]])
    base = mean if means else np.zeros(p)
    cells = Cells(np.zeros((p, p)), covariance.copy(), base.copy(), p, kind, i, j, np.arange(len(kind)), means)
    return cells, np.concatenate([mean[first], covariance[row, col][pairs]])


def moments_vector(mean: Array, covariance: Array, means: bool) -> Array:
    """Means, where they are modelled, and covariances in the order of `paths.delta`."""
    row, col = lower(len(mean))
    own = covariance[row, col]
    return np.concatenate([mean, own]) if means else own


def gamma(x: Array, n: Array, means: bool, causes: Sequence[int] = ()) -> Array:
    """Asymptotic covariance (times N) of means and covariances without assuming a distribution.

    What variables that are taken as they are predict is no chance: their part is left out of each contribution.

    Args:
        x: complete answers, shape (m, p).
        n: units that gave them.
        means: whether means are among the statistics.
        causes: positions of variables that are taken as they are.
    """
    centered = x - n @ x / n.sum()
    row, col = lower(x.shape[1])
    parts = centered[:, row] * centered[:, col]
    if means:
        parts = np.hstack([centered, parts])
    if causes:
        of = centered[:, list(causes)]
        hat = of @ np.linalg.solve((of * n[:, None]).T @ of, (of * n[:, None]).T @ centered)
        told = hat[:, row] * hat[:, col]
        parts = parts - (np.hstack([hat, told]) if means else told)
    parts = parts - n @ parts / n.sum()
    found: Array = (parts * n[:, None]).T @ parts / n.sum()
    return found
