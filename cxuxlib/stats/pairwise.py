"""Correlations of answers of which some are missing, each pair from the units that gave both.

They estimate the correlations of all units where answers are missing completely at random. Pairs rest on different
units, so the matrix need not be one of correlations; who uses it looks at its eigenvalues.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cxuxlib.stats.correlations import Influence

__all__ = ["PairSums", "pair_correlation", "pair_features", "pair_sums", "pairwise_influence"]


class PairSums(NamedTuple):
    """Of each pair (a, b), over the units that answered both: with weights w, Σw, Σw a, Σw a², Σw a b.

    Args:
        w, a, aa, ab: shape (..., p, p); w and ab are symmetric.
    """

    w: np.ndarray
    a: np.ndarray
    aa: np.ndarray
    ab: np.ndarray


def pair_features(x: np.ndarray) -> np.ndarray:
    """What each row adds to `PairSums`, side by side; shape (m, 4 p²). Answers should be centred."""
    there = (~np.isnan(x)).astype(float)
    filled = np.where(np.isnan(x), 0.0, x)
    parts = ((there, there), (filled, there), (filled**2, there), (filled, filled))
    found: np.ndarray = np.concatenate(
        [(one[:, :, None] * other[:, None, :]).reshape(len(x), -1) for one, other in parts], axis=1
    )
    return found


def pair_sums(features: np.ndarray, p: int) -> PairSums:
    """Weighted sums of features, shape (..., 4 p²), by what they are."""
    return PairSums(*(features[..., i * p * p : (i + 1) * p * p].reshape(*features.shape[:-1], p, p) for i in range(4)))


def pair_correlation(sums: PairSums) -> np.ndarray:
    """Correlations of each pair; NaN where no unit answered both or one of them is constant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums.a / sums.w
        variance = sums.aa / sums.w - mean**2
        other = np.swapaxes(mean, -1, -2), np.swapaxes(variance, -1, -2)
        corr: np.ndarray = (sums.ab / sums.w - mean * other[0]) / np.sqrt(variance * other[1])
    at = np.arange(corr.shape[-1])
    corr[..., at, at] = 1.0
    return corr


def pairwise_influence(x: np.ndarray, sums: PairSums, corr: np.ndarray, total: float) -> Influence:
    """What each unit contributes to the error of each correlation, a < b in row order.

    Args:
        x: answers, centred as those of ``sums``, NaN where missing, shape (m, p).
        sums: over all units.
        corr: their correlations.
        total: sum of the weights of all units.

    Returns:
        A function from a slice of the rows to their influences, 0 where a unit did not answer both.
    """
    rows, cols = np.triu_indices(len(corr), 1)
    mean = sums.a / sums.w
    deviation = np.sqrt(sums.aa / sums.w - mean**2)

    def influence(part: slice) -> np.ndarray:
        a = (x[part][:, rows] - mean[rows, cols]) / deviation[rows, cols]
        b = (x[part][:, cols] - mean[cols, rows]) / deviation[cols, rows]
        found = (a * b - 0.5 * corr[rows, cols] * (a**2 + b**2)) * (total / sums.w[rows, cols])
        return np.where(np.isnan(found), 0.0, found)

    return influence
