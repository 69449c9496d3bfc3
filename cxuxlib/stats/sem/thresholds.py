"""What a path model expects of ordered answers: thresholds and polychoric correlations, with their derivatives.

Behind the answers to item i stands y* with mean μ_i and covariances Σ; it is observed on the scale δ_i, 1 unless it is
a parameter, as thresholds δ_i (τ_k - μ_i) and correlations δ_i δ_j Σ_ij. The variance δ_i² Σ_ii is 1 ("delta"
parametrisation, Muthén & Asparouhov 2002), so that residual variances are no parameters of the fit: they are what the
factors leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxuxlib.stats.sem.paths import Cells, delta, implied, lower

__all__ = ["Cut", "expected", "residuals_left"]

Array = np.ndarray


class Cut(NamedTuple):
    """One group's model of ordered answers.

    Args:
        cells: matrices, with means; residual variances of the items are cells of their own, each a parameter.
        item: the item of each threshold, shape (t,).
        tau: the parameter of each threshold, shape (t,).
        scale: the parameter of each item's scale, -1 where it is 1, shape (p,).
        residual: the parameter of each item's residual variance, shape (p,).
    """

    cells: Cells
    item: Array
    tau: Array
    scale: Array
    residual: Array


def expected(cuts: Sequence[Cut], theta: Array) -> tuple[Array, Array]:
    """Thresholds and correlations (pairs a < b in row order) of all groups, one after the other, and their Jacobian.

    Args:
        cuts: the groups.
        theta: all parameters; residual variances among them do not matter.

    Returns:
        Shapes (s,) and (s, parameters); not finite where the effects lead round in a circle that has no end.

    >>> one = Cells(np.zeros((3, 3)), np.diag([0.0, 0, 1]), np.zeros(3), 2, np.array([0, 0, 1, 1]),
    ...     np.array([0, 1, 0, 1]), np.array([2, 2, 0, 1]), np.arange(4), True)
    >>> cut = Cut(one, np.array([0, 1]), np.array([4, 5]), np.array([-1, -1]), np.array([2, 3]))
    >>> expected([cut], np.array([0.8, 0.5, 0, 0, -1, 1]))[0].tolist()
    [-1.0, 1.0, 0.4]
    """
    size, values, slopes = len(theta), [], []
    for cut in cuts:
        state = implied(cut.cells, theta)
        p, t = cut.cells.p, len(cut.tau)
        row, col = lower(p)
        off = row != col
        a, b = col[off], row[off]
        if state is None:
            values.append(np.full(t + len(a), np.nan))
            slopes.append(np.zeros((t + len(a), size)))
            continue
        moved = delta(cut.cells, state, size)
        scale, stretched = _scales(cut, theta)
        gap, shifted = theta[cut.tau] - state.mu[cut.item], -moved[:p][cut.item]
        shifted[np.arange(t), cut.tau] += 1.0
        shared, size_of = state.sigma[a, b], scale[a] * scale[b]
        values += [scale[cut.item] * gap, size_of * shared]
        slopes.append(scale[cut.item][:, None] * shifted + gap[:, None] * stretched[cut.item])
        bent = scale[b][:, None] * stretched[a] + scale[a][:, None] * stretched[b]
        slopes.append(size_of[:, None] * moved[p:][off] + shared[:, None] * bent)
    return np.concatenate(values), np.vstack(slopes)


def residuals_left(cuts: Sequence[Cut], theta: Array) -> tuple[Array, Array]:
    """Put residual variances to what makes each variance 1 on its scale: ψ_i = 1/δ_i² - what the factors explain.

    Args:
        cuts: the groups.
        theta: all parameters, with residual variances of 0.

    Returns:
        All parameters, and their derivative in those of the fit, shape (parameters, parameters); the columns of
        residual variances are 0.
    """
    whole, turned = theta.copy(), np.eye(len(theta))
    for cut in cuts:
        turned[cut.residual] = 0.0
        turned[:, cut.residual] = 0.0
    for cut in cuts:
        state = implied(cut.cells, theta)
        assert state is not None
        p = cut.cells.p
        row, col = lower(p)
        moved = delta(cut.cells, state, len(theta))[p:][row == col]
        scale, stretched = _scales(cut, theta)
        whole[cut.residual] = 1 / scale**2 - np.diag(state.sigma)
        slope = -2 * stretched / scale[:, None] ** 3 - moved
        slope[:, cut.residual] = 0.0
        turned[cut.residual] = slope
    return whole, turned


def _scales(cut: Cut, theta: Array) -> tuple[Array, Array]:
    """Scale of each item, and its derivative."""
    free = np.flatnonzero(cut.scale >= 0)
    scale, slope = np.ones(len(cut.scale)), np.zeros((len(cut.scale), len(theta)))
    scale[free] = theta[cut.scale[free]]
    slope[free, cut.scale[free]] = 1.0
    return scale, slope
