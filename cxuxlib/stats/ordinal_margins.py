"""Functions of the chances in a cumulative link model, how they change with a covariate, and their gradients.

A function gives each of K answers a value: 1 to one answer (its chance), the answers themselves (the mean), 100, 0 and
-100 (the Net Promoter Score). With values c and cumulative chances F_j it is c_K - Σ_j (c_j+1 - c_j) F_j.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib.stats.ordinal import Link, of_link

__all__ = ["Averages", "changes", "levels"]

Array = NDArray[np.float64]


class Averages(NamedTuple):
    """Functions on each row, and the gradients of their averages.

    Args:
        rows: shape (m, f).
        gradient: of the weighted averages by the parameters, shape (f, q).
    """

    rows: Array
    gradient: Array


def _lines(at: Array, x: Array, z: Array, thresholds: int) -> Array:
    """Cumulative logits z'θ_j - x'β, shape (m, K - 1)."""
    tail = thresholds * z.shape[1]
    lines: Array = z @ at[:tail].reshape(thresholds, z.shape[1]).T - (x @ at[tail:])[:, None]
    return lines


def _gathered(by_threshold: Array, by_slope: Array, steps: Array) -> Array:
    """Gradients of all functions from the sums of each threshold: shape (K - 1, s) and (K - 1, p)."""
    thresholds = -steps[:, :, None] * by_threshold[None]
    gathered: Array = np.column_stack([thresholds.reshape(len(steps), -1), steps @ by_slope])
    return gathered


def levels(at: Array, x: Array, z: Array, values: Array, link: Link, w: Array) -> Averages:
    """The functions themselves.

    Args:
        at: thresholds, then slopes.
        x, z: designs of slopes and of thresholds, shape (m, p) and (m, s).
        values: of each function for each of K answers, shape (f, K).
        link: logit or probit.
        w: weights of the rows, shape (m,).

    >>> two = levels(np.array([0.0]), np.zeros((1, 0)), np.ones((1, 1)), np.array([[0.0, 1.0]]), "logit", np.ones(1))
    >>> two.rows.tolist(), two.gradient.tolist()
    ([[0.5]], [[-0.25]])
    """
    steps = np.diff(values, axis=1)
    F, f, _ = of_link(link, _lines(at, x, z, steps.shape[1]))
    share = f * (w / w.sum())[:, None]
    return Averages(values[:, -1] - F @ steps.T, _gathered(share.T @ z, share.T @ x, steps))


def changes(
    at: Array, designs: tuple[Array, Array], slopes: tuple[Array, Array], values: Array, link: Link, w: Array
) -> Averages:
    """How the functions change with a covariate whose change moves the designs.

    Args:
        at: thresholds, then slopes.
        designs: of slopes and of thresholds, shape (m, p) and (m, s).
        slopes: how the designs change with the covariate, shapes as theirs.
        values: of each function for each of K answers, shape (f, K).
        link: logit or probit.
        w: weights of the rows, shape (m,).

    Checked against: central differences, statsmodels' marginal effects.
    """
    (x, z), (dx, dz) = designs, slopes
    steps = np.diff(values, axis=1)
    K = steps.shape[1]
    _, f, bend = of_link(link, _lines(at, x, z, K))
    moves = _lines(at, dx, dz, K)
    share = (w / w.sum())[:, None]
    own, through = share * bend * moves, share * f
    return Averages(
        -(f * moves) @ steps.T, _gathered(own.T @ z + through.T @ dz, own.T @ x + through.T @ dx, steps)
    )  # fmt: skip
