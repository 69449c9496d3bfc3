"""Least squares on distinct rows, and the scaling that keeps every regression well conditioned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["TIED", "Scaled", "Squares", "least_squares", "scaled", "tied"]

Array = NDArray[np.float64]

_CONSTANT = 1e-13  # of the mean square that is left as variance
TIED = 1e-10  # smallest eigenvalue of the columns' correlations


class Scaled(NamedTuple):
    """A design whose columns have mean 0 (with an intercept) and mean square 1.

    Args:
        columns: shape (m, k).
        mean: what was subtracted, shape (k,); 0 for the intercept.
        scale: what they were divided by, shape (k,).
    """

    columns: Array
    mean: Array
    scale: Array


class Squares(NamedTuple):
    """A fit by least squares.

    Args:
        at: coefficients, shape (k,).
        bread: inverse of X'WX, shape (k, k).
        residual: of each distinct row, shape (m,).
        rss: weighted sum of squared residuals.
        tss: weighted sum of squares of the outcome, around its mean where there is an intercept.
    """

    at: Array
    bread: Array
    residual: Array
    rss: float
    tss: float


def scaled(columns: Array, w: Array, intercept: int | None, center: bool = True) -> Scaled:
    """Columns brought to mean 0 and mean square 1; 0 as a scale says that a column is constant.

    Args:
        columns: shape (m, k).
        w: weights, shape (m,).
        intercept: position of the column of ones, which is left as it is; None where there is none.
        center: whether to subtract the means, which only an intercept or thresholds can take up.
    """
    mean = np.average(columns, axis=0, weights=w) if center else np.zeros(columns.shape[1])
    if intercept is not None:
        mean[intercept] = 0.0
    moved = columns - mean
    variance = np.average(moved**2, axis=0, weights=w)
    scale = np.sqrt(np.where(variance > _CONSTANT * (variance + mean**2), variance, 0.0))
    return Scaled(moved / np.where(scale > 0, scale, 1.0), mean, scale)


def tied(columns: Array, w: Array) -> Array | None:
    """A direction in which scaled columns do not vary, shape (k,); None where they determine each other nowhere."""
    if not columns.shape[1]:
        return None
    values, vectors = np.linalg.eigh((columns * w[:, None]).T @ columns / w.sum())
    direction: Array = vectors[:, 0]
    return direction if values[0] < TIED else None


def least_squares(columns: Array, row: Array, y: Array, w: Array, centered: bool) -> Squares:
    """Weighted least squares of an outcome on the rows of a scaled design.

    Args:
        columns: distinct rows of the design, shape (r, k).
        row: of each distinct answer, its row of the design, shape (m,).
        y: outcome, shape (m,).
        w: sum of weights, shape (m,).
        centered: whether the outcome's variance is around its mean.

    Source: Wong et al. 2021, arXiv 2102.11297 (compression without loss). Checked against: statsmodels, R's lm.

    >>> design = np.array([[1.0, -1.0], [1.0, 1.0]])
    >>> fit = least_squares(design, np.array([0, 1]), np.array([1.0, 5.0]), np.ones(2), True)
    >>> fit.at.tolist(), fit.rss
    ([3.0, 2.0], 0.0)
    """
    weight = np.bincount(row, weights=w, minlength=len(columns))
    total = np.bincount(row, weights=w * y, minlength=len(columns))
    bread = np.linalg.inv((columns * weight[:, None]).T @ columns).astype(float)
    at = bread @ (columns.T @ total)
    residual = y - (columns @ at)[row]
    middle = np.average(y, weights=w) if centered else 0.0
    return Squares(at, bread, residual, float(w @ residual**2), float(w @ (y - middle) ** 2))
