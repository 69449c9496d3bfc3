"""Functions of a correlation matrix and how sure we are of them.

A functional is given by its value and its gradient G, a symmetric matrix with zero diagonal that holds
∂f/∂r_ab for each pair (a, b). With z the standardised answers of a unit, its influence is
z'Az - E[z'Az] with A = ½ (G - diag((G∘R) 1)), whatever the distribution; under normality its
variance is 2 tr(ARAR). Both are exact first-order results (Steiger & Hakstian 1982,
doi:10.1111/j.2044-8317.1982.tb00653.x).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

__all__ = [
    "Influence",
    "clustered_covariance",
    "correlation",
    "htmt",
    "influence_covariance",
    "latent",
    "normal_covariance",
    "pair_covariance",
    "pair_influence",
    "robust_covariance",
]

Influence = Callable[[slice], np.ndarray]

_CHUNK = 1 << 13


def correlation(covariance: np.ndarray) -> np.ndarray:
    """Correlation matrix of a covariance matrix with positive variances; shape (p, p)."""
    scale = np.sqrt(np.diag(covariance))
    matrix = covariance / np.outer(scale, scale)
    np.fill_diagonal(matrix, 1.0)
    symmetric: np.ndarray = (matrix + matrix.T) / 2
    return symmetric


def _quadratic_forms(corr: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    pull = (gradients * corr).sum(axis=2)
    forms: np.ndarray = 0.5 * (gradients - pull[:, :, None] * np.eye(len(corr)))
    return forms


def normal_covariance(corr: np.ndarray, gradients: np.ndarray, n: float) -> np.ndarray:
    """Covariance of k functionals under multivariate normality.

    Args:
        corr: correlations, shape (p, p).
        gradients: shape (k, p, p).
        n: number of units (effective, where weighted).

    Returns:
        Shape (k, k).
    """
    spread = _quadratic_forms(corr, gradients) @ corr
    covariance: np.ndarray = 2.0 * np.einsum("kij,lji->kl", spread, spread) / n
    return covariance


def pair_influence(corr: np.ndarray, answers: np.ndarray, w: np.ndarray) -> Influence:
    """What each unit contributes to the error of each correlation: z_a z_b - r/2 (z_a² + z_b²), of mean zero.

    Args:
        corr: correlations, shape (p, p).
        answers: distinct rows, complete, shape (m, p).
        w: sum of weights of each distinct row, shape (m,).

    Returns:
        A function from a slice of the rows to their influences, pairs a < b in row order.
    """
    centered = answers - np.average(answers, axis=0, weights=w)
    z = centered / np.sqrt(np.average(centered**2, axis=0, weights=w))
    rows, cols = np.triu_indices(len(corr), 1)

    def influence(part: slice) -> np.ndarray:
        some = z[part]
        squares = some**2
        found: np.ndarray = some[:, rows] * some[:, cols]
        found -= 0.5 * corr[rows, cols] * (squares[:, rows] + squares[:, cols])
        return found

    return influence


def pair_covariance(corr: np.ndarray, answers: np.ndarray, w: np.ndarray, ww: np.ndarray) -> np.ndarray:
    """Asymptotic covariance (times n) of all correlations, whatever the distribution of the answers.

    Args:
        corr: correlations, shape (p, p).
        answers: distinct rows, shape (m, p).
        w: sum of weights of each distinct row, shape (m,).
        ww: sum of squared weights of each distinct row, shape (m,).

    Returns:
        Shape (q, q), pairs a < b in row order; with weights, n is the effective (Σw)²/Σw².
    """
    return influence_covariance(pair_influence(corr, answers, w), ww)


def influence_covariance(influence: Influence, ww: np.ndarray) -> np.ndarray:
    """Σ ww ψψ' / Σ ww of the influences ψ of distinct rows, with ww the sum of squared weights of each."""
    total: np.ndarray = np.zeros(())
    for start in range(0, len(ww), _CHUNK):
        part = influence(slice(start, start + _CHUNK))
        total = total + (part * ww[start : start + _CHUNK, None]).T @ part
    scaled: np.ndarray = total / ww.sum()
    return scaled


def clustered_covariance(influence: Influence, nw: np.ndarray, ww: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """The same where units of a cluster are alike: influences are first summed by cluster; times G/(G - 1).

    Args:
        influence: of each row, by `pair_influence`.
        nw: sum of weights of each row, shape (m,).
        ww: sum of squared weights of each row, shape (m,), which only sets the scale.
        cluster: whole numbers from 0, shape (m,).

    Returns:
        Shape (q, q).

    Source: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13.
    """
    groups = int(cluster.max()) + 1
    sums: np.ndarray = np.empty(0)
    for start in range(0, len(nw), _CHUNK):
        at = slice(start, start + _CHUNK)
        order = np.argsort(cluster[at], kind="stable")
        sorted_codes = cluster[at][order]
        starts = np.flatnonzero(np.r_[True, np.diff(sorted_codes) > 0])
        by_cluster = np.add.reduceat((influence(at) * nw[at, None])[order], starts, axis=0)
        if start == 0:
            sums = np.zeros((groups, by_cluster.shape[1]))
        sums[sorted_codes[starts]] += by_cluster
    scaled: np.ndarray = sums.T @ sums / ww.sum() * groups / (groups - 1)
    return scaled


def robust_covariance(gradients: np.ndarray, fourth: np.ndarray, n: float) -> np.ndarray:
    """Covariance of k functionals from the covariance of the correlations.

    Args:
        gradients: shape (k, p, p).
        fourth: result of `pair_covariance`, shape (q, q).
        n: number of units (effective, where weighted).

    Returns:
        Shape (k, k).
    """
    rows, cols = np.triu_indices(gradients.shape[1], 1)
    slopes = gradients[:, rows, cols]
    covariance: np.ndarray = slopes @ fourth @ slopes.T / n
    return covariance


def latent(corr: np.ndarray, blocks: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of constructs freed of measurement error, and their gradients.

    ρ_ab = mean(r between) / √(mean(r within a) · mean(r within b)), signs kept; a block of one item stands for itself.

    Args:
        corr: correlations, shape (p, p).
        blocks: positions of the items of each of k constructs.

    Returns:
        Shape (k, k), and the gradient of each of its entries, shape (k, k, p, p). NaN where the items of a
        construct do not correlate positively.
    """
    k, p = len(blocks), len(corr)
    values, gradients = np.eye(k), np.zeros((k, k, p, p))
    for a, b in combinations(range(k), 2):
        value, gradient = htmt(corr, blocks[a], blocks[b], geometric=False, signed=True)
        values[a, b] = values[b, a] = value
        gradients[a, b] = gradients[b, a] = gradient
    return values, gradients


def htmt(corr: np.ndarray, a: list[int], b: list[int], *, geometric: bool, signed: bool) -> tuple[float, np.ndarray]:
    """Heterotrait-monotrait ratio of two sets of items, and its gradient.

    mean(r_ab) / √(mean(r_aa) mean(r_bb)), with geometric means for HTMT2, of |r| unless signed.

    Args:
        corr: correlations, shape (p, p).
        a, b: positions of the items of each construct; an item alone counts as free of error.
        geometric: HTMT2 instead of HTMT.
        signed: keep the signs of the correlations.

    Returns:
        The value (NaN where undefined: a negative mean, or a negative correlation in a geometric mean) and the
        gradient, shape (p, p).
    """
    between, slope = _mean(corr, [(i, j) for i in a for j in b], geometric, signed)
    scale, pull = 1.0, np.zeros_like(corr)
    for pairs in (list(combinations(a, 2)), list(combinations(b, 2))):
        if pairs:
            within, change = _mean(corr, pairs, geometric, signed)
            if not within > 0:
                return np.nan, np.zeros_like(corr)
            scale, pull = scale / np.sqrt(within), pull - 0.5 * change / within
    return between * scale, (slope + between * pull) * scale


def _mean(corr: np.ndarray, pairs: list[tuple[int, int]], geometric: bool, signed: bool) -> tuple[float, np.ndarray]:
    """Mean of some correlations and its gradient; NaN for a geometric mean of a correlation that is not positive."""
    rows, cols = np.array(pairs).T
    r = corr[rows, cols]
    sign = np.ones_like(r) if signed else np.where(r < 0, -1.0, 1.0)
    gradient = np.zeros_like(corr)
    if geometric and (r * sign <= 0).any():
        return np.nan, gradient
    mean = float(np.exp(np.log(r * sign).mean()) if geometric else (r * sign).mean())
    gradient[rows, cols] = gradient[cols, rows] = (mean / r if geometric else sign) / len(r)
    return mean, gradient
