"""Whether slopes are the same at every threshold: binary regressions side by side, and a Wald test."""

from __future__ import annotations

from math import inf, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, fdtrc

from cxuxlib.stats.glm_errors import Scores, influence
from cxuxlib.stats.ordinal import answers, fit_ordinal, scores

__all__ = ["Splits", "equality", "splits"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]


class Splits(NamedTuple):
    """Binary logits of lying above each of J thresholds.

    Args:
        slopes: intercept first, shape (J, p + 1).
        expected: their joint covariance from the fitted chances (Brant), shape (J (p + 1), J (p + 1)).
        influence: of one unit of each distinct answer on all slopes.
        used: thresholds at which the answers are not separated.
    """

    slopes: Array
    expected: Array
    influence: Scores
    used: list[int]


def splits(x: Array, row: Whole, y: Whole, w: Array, n: float) -> Splits:
    """Fit the binary logits of y > j.

    Args:
        x: design with a column of ones first, scaled, shape (r, p + 1).
        row: of each distinct answer, its row of the design; y: place of its category; w: weight of mean 1.
        n: weight of all answers.
    """
    fits, used, parts = [], [], []
    for j in range(int(y.max())):
        data = answers(x, np.zeros((len(x), 0)), row, (y > j).astype(np.int64), w, 2)
        found = fit_ordinal(data, "logit", n)
        if found.flat is None:
            bread = np.linalg.inv(found.information).astype(float)
            fits.append((found.at, bread))
            parts.append(influence(scores(data, found.at, "logit"), bread).base)
            used.append(j)
    k, weights = x.shape[1], np.bincount(row, weights=w, minlength=len(x))
    chances = [expit(x @ at) for at, _ in fits]
    expected = np.zeros((len(fits) * k, len(fits) * k))
    for a, (_, bread) in enumerate(fits):
        for b, (_, other) in enumerate(fits[: a + 1]):
            both = weights * chances[a] * (1 - chances[b])  # above the higher threshold a is above b as well
            block = bread @ ((x * both[:, None]).T @ x) @ other
            expected[a * k : (a + 1) * k, b * k : (b + 1) * k] = block
            expected[b * k : (b + 1) * k, a * k : (a + 1) * k] = block.T
    slopes = np.array([at for at, _ in fits]).reshape(len(fits), k)
    return Splits(slopes, expected, Scores(np.hstack(parts) if parts else np.zeros((len(w), 0))), used)


def equality(slopes: Array, covariance: Array, which: list[int], groups: float = inf) -> tuple[float, int, float]:
    """Wald test that some columns have the same slope at every threshold: χ², df, p.

    A covariance that rests on few clusters is too small in some direction, and the test takes the worst: χ² is held
    against Hotelling's T² of as many clusters, F = χ² (G - q) / (q (G - 1)) on q and G - q degrees of freedom. Where
    there are no more clusters than contrasts there is no test, and χ² and p are NaN.

    Args:
        slopes: shape (J, k).
        covariance: of the flattened slopes, shape (J k, J k).
        which: columns that are tested together.
        groups: clusters that the covariance rests on; infinite where units are independent.

    Source: Brant 1990, doi:10.2307/2532457; Hotelling 1931, doi:10.1214/aoms/1177732979. Checked against: R, by hand
    from separate logits; simulated size.

    >>> equality(np.array([[1.0], [3.0]]), np.eye(2), [0])[:2]
    (2.0, 1)
    """
    J, k = slopes.shape
    contrasts = np.zeros(((J - 1) * len(which), J * k))
    for j in range(1, J):
        for i, column in enumerate(which):
            contrasts[(j - 1) * len(which) + i, column] = 1.0
            contrasts[(j - 1) * len(which) + i, j * k + column] = -1.0
    gap = contrasts @ slopes.ravel()
    q = len(gap)
    if groups <= q:
        return nan, q, nan
    statistic = float(gap @ np.linalg.solve(contrasts @ covariance @ contrasts.T, gap))
    if groups == inf:
        return statistic, q, float(chdtrc(q, statistic))
    return statistic, q, float(fdtrc(q, groups - q, statistic * (groups - q) / (q * (groups - 1))))
