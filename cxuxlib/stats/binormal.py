"""The bivariate normal distribution: its probabilities over a grid of rectangles, and how they change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, owens_t

__all__ = ["THIN", "Cells", "binormal_cdf", "cells", "density", "threshold_slopes"]

Array = NDArray[np.float64]

_TINY = 1e-300  # stands for 0 in a ratio whose limit is meant
THIN = 1e-12  # a probability below is a difference of numbers whose rounding begins to show


class Cells(NamedTuple):
    """Of each cell of each pair's table: its probability, and what ρ does to it.

    Args:
        share: probability π, shape (q, A + 1, B + 1).
        slope: ∂ log π / ∂ρ, same shape; of a cell too thin to be computed, that of the density at its nearest corner.
        bend: ∂² log π / ∂ρ², same shape; 0 of a cell too thin.
    """

    share: Array
    slope: Array
    bend: Array


def binormal_cdf(h: Array, k: Array, rho: Array) -> Array:
    """P(X ≤ h, Y ≤ k) of two standard normal variables with correlation ρ.

    Φ₂ = ½ [Φ(h) + Φ(k)] - T(h, (k - ρh)/(hr)) - T(k, (h - ρk)/(kr)) - ½ [h and k of unlike sign], r = √(1 - ρ²), with
    Owen's function T.

    Args:
        h, k: any finite numbers, of shapes that broadcast.
        rho: correlation, -1 < ρ < 1.

    Returns:
        Shape of the three together; error below 1e-14 while |ρ| ≤ .999.

    Source: Owen 1956, doi:10.1214/aoms/1177728074. Checked against: scipy's multivariate normal distribution, numerical
    integration, and ¼ + asin(ρ)/2π at the origin.

    >>> round(float(binormal_cdf(np.array(0.0), np.array(0.0), np.array(0.5))), 12)
    0.333333333333
    """
    r = np.sqrt((1 - rho) * (1 + rho))
    h, k = (np.where(np.abs(each) < _TINY, _TINY, each) for each in (h, k))
    unlike = (h < 0) != (k < 0)
    with np.errstate(over="ignore"):
        tails = owens_t(h, (k - rho * h) / (h * r)) + owens_t(k, (h - rho * k) / (k * r))
    found: Array = 0.5 * (ndtr(h) + ndtr(k)) - tails - 0.5 * unlike
    return found


def density(h: Array, k: Array, rho: Array) -> Array:
    """Bivariate standard normal density φ₂(h, k; ρ), which is ∂Φ₂/∂ρ (Plackett 1954, doi:10.1093/biomet/41.3-4.351)."""
    rest = (1 - rho) * (1 + rho)
    found: Array = np.exp(-0.5 * ((h - rho * k) ** 2 / rest + k * k)) / (2 * np.pi * np.sqrt(rest))
    return found


def _log_density_slope(h: Array, k: Array, rho: Array) -> Array:
    """∂ log φ₂ / ∂ρ."""
    rest = (1 - rho) * (1 + rho)
    found: Array = (rho + (h - rho * k) * (k - rho * h) / rest) / rest
    return found


def _differences(corners: Array) -> Array:
    """Cells from their corners, which are 0 beyond the grid."""
    q, A, B = corners.shape
    padded = np.zeros((q, A + 2, B + 2))
    padded[:, 1:-1, 1:-1] = corners
    return _cut(padded)


def _cut(edges: Array) -> Array:
    """Differences along both axes."""
    rows = edges[:, 1:] - edges[:, :-1]
    found: Array = rows[:, :, 1:] - rows[:, :, :-1]
    return found


def cells(a: Array, b: Array, rho: Array) -> Cells:
    """Probabilities of the cells that two rows of thresholds cut, and their derivatives by ρ.

    π_ij = Φ₂(a_i, b_j) - Φ₂(a_i-1, b_j) - Φ₂(a_i, b_j-1) + Φ₂(a_i-1, b_j-1), of all pairs at once.

    Args:
        a: thresholds of the first item of each pair, rising, shape (q, A); fewer are filled up with 40.
        b: of the second, shape (q, B).
        rho: correlations, shape (q,), -1 < ρ < 1.

    Returns:
        Probabilities, and the first and second derivatives of their logarithms.

    Source: Olsson 1979, doi:10.1007/BF02296207. Checked against: numerical derivatives, integration of the density.

    >>> quarters = cells(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0.5]))
    >>> quarters.share.round(6).tolist()
    [[[0.333333, 0.166667], [0.166667, 0.333333]]]
    """
    h, k, r = a[:, :, None], b[:, None, :], rho[:, None, None]
    q, A, B = len(rho), a.shape[1], b.shape[1]
    below = np.zeros((q, A + 2, B + 2))
    below[:, 1:-1, 1:-1] = binormal_cdf(h, k, r)
    below[:, 1:-1, -1] = ndtr(a)
    below[:, -1, 1:-1] = ndtr(b)
    below[:, -1, -1] = 1.0
    share = _cut(below)
    at_corner = density(h, k, r)
    change = _differences(at_corner)
    turn = _differences(at_corner * _log_density_slope(h, k, r))
    thin = share < THIN
    safe = np.where(thin, 1.0, share)
    slope = change / safe
    bend = turn / safe - slope**2
    if thin.any():
        slope[thin] = _thin_slopes(a, b, rho, thin)
        bend[thin] = 0.0
    return Cells(share, slope, bend)


def _thin_slopes(a: Array, b: Array, rho: Array, thin: NDArray[np.bool_]) -> Array:
    """∂ log φ₂ / ∂ρ at the corner of each thin cell where the density is highest."""
    pair, row, column = np.nonzero(thin)
    far = np.full((len(rho), 1), 40.0)
    rows, columns = np.hstack([-far, a, far]), np.hstack([-far, b, far])
    h = np.stack([rows[pair, row + i] for i in (0, 0, 1, 1)])
    k = np.stack([columns[pair, column + j] for j in (0, 1, 0, 1)])
    r = rho[pair]
    nearest = np.argmin((h - r * k) ** 2 / (1 - r * r) + k * k, axis=0)
    each = np.arange(len(pair))
    return _log_density_slope(h[nearest, each], k[nearest, each], r)


def threshold_slopes(a: Array, b: Array, rho: Array) -> Array:
    """∂ Σ_i≤t π_ij / ∂a_t of each threshold a_t and each category j of the other item.

    φ(a_t) [Φ((b_j - ρa_t)/r) - Φ((b_j-1 - ρa_t)/r)]: what category t gains and category t + 1 loses.

    Args:
        a, b, rho: as of `cells`.

    Returns:
        Shape (q, A, B + 1).

    Source: Olsson 1979, doi:10.1007/BF02296207. Checked against: numerical derivatives.

    >>> threshold_slopes(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0.0])).round(6).tolist()
    [[[0.199471, 0.199471]]]
    """
    r = np.sqrt((1 - rho) * (1 + rho))[:, None, None]
    edges = np.zeros((len(rho), a.shape[1], b.shape[1] + 2))
    edges[:, :, 1:-1] = ndtr((b[:, None, :] - rho[:, None, None] * a[:, :, None]) / r)
    edges[:, :, -1] = 1.0
    found: Array = np.diff(edges, axis=2) * (np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi))[:, :, None]
    return found
