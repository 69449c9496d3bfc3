"""Errors and tests of estimates that were made from moments, whatever the moments are and however they were weighed.

Statistics s (means and covariances, or thresholds and polychoric correlations) with asymptotic covariance Γ (times n)
are fitted by their expectation, with derivative Δ in the parameters, under weights V: the normal-theory ones for
maximum likelihood, a diagonal for diagonally weighted least squares. Both then share the sandwich and the scaled test
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Part", "bread", "inverted", "meat_of_moments", "scaled_trace"]

Array = np.ndarray


class Part(NamedTuple):
    """What one group knows.

    Args:
        share: of all units.
        delta: derivative of the expected statistics in the parameters, shape (statistics, parameters).
        weight: V, shape (statistics, statistics).
        gamma: Γ, shape (statistics, statistics).
    """

    share: float
    delta: Array
    weight: Array
    gamma: Array


def bread(parts: Sequence[Part]) -> Array:
    """Δ'VΔ, over groups by their shares: the information of one unit, if V were the inverse of Γ."""
    found: Array = np.sum([each.share * each.delta.T @ each.weight @ each.delta for each in parts], axis=0)
    return found


def inverted(information: Array) -> Array:
    """Inverse of an information; where parameters cannot be told apart, that of the part which can."""
    scale = 1 / np.sqrt(np.where(np.diag(information) > 0, np.diag(information), 1.0))
    whole = information * np.outer(scale, scale)
    values, vectors = np.linalg.eigh((whole + whole.T) / 2)
    there = np.abs(values) > 1e-10
    found: Array = np.outer(scale, scale) * ((vectors[:, there] / values[there]) @ vectors[:, there].T)
    return found


def meat_of_moments(parts: Sequence[Part]) -> Array:
    """Δ'VΓVΔ, over groups by their shares; the covariance of the estimates is bread⁻¹ meat bread⁻¹ / n.

    >>> part = Part(1.0, np.array([[1.0], [1.0]]), np.eye(2), np.diag([2.0, 4.0]))
    >>> float(meat_of_moments([part])[0, 0] / bread([part])[0, 0] ** 2)
    1.5
    """
    found: Array = np.sum(
        [each.share * (led := each.weight @ each.delta).T @ each.gamma @ led for each in parts], axis=0
    )
    return found


def scaled_trace(parts: Sequence[Part], inverse: Array) -> float:
    """tr(UΓ) with U = V - VΔ(Δ'VΔ)⁻¹Δ'V: the mean that n times the discrepancy has under the model.

    Args:
        parts: what the groups know.
        inverse: (Δ'VΔ)⁻¹.

    Source: Satorra & Bentler 1994. Checked against: lavaan (MLM).

    >>> part = Part(1.0, np.array([[1.0], [1.0]]), np.eye(2), np.diag([2.0, 4.0]))
    >>> scaled_trace([part], np.linalg.inv(bread([part])))
    3.0
    """
    total = 0.0
    for each in parts:
        led = each.weight @ each.delta
        whole = float((each.weight * each.gamma.T).sum())
        total += whole - each.share * float(((led.T @ each.gamma @ led) * inverse.T).sum())
    return total
