"""Maximum likelihood by Newton's method: exact Hessian where it is positive definite, Fisher's scoring where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from cxuxlib.stats.sem.normal import Curve

__all__ = ["Solution", "minimise"]

Array = np.ndarray

_STEPS = 100
_RIDGE = 1e-10
_FLAT = 0.01  # least bend that a step may count on, where the expected one is 1


class Solution(NamedTuple):
    """Where the search ended.

    Args:
        theta: the parameters.
        curve: discrepancy, gradient and informations there.
        converged: whether the gradient vanishes there.
        steps: steps it took.
    """

    theta: Array
    curve: Curve
    converged: bool
    steps: int


def minimise(
    look: Callable[[Array], Curve | None], height: Callable[[Array], float], start: Array, tolerance: float = 1e-13
) -> Solution | None:
    """Minimise a discrepancy from ``start``; None where it does not exist there.

    Args:
        look: discrepancy with its gradient and informations.
        height: discrepancy alone, infinite where it does not exist.
        start: parameters to begin with.
        tolerance: what a further step may take off twice the discrepancy; that step is still taken.
    """
    theta, here = start, look(start)
    if here is None:
        return None
    small, size = 0, 1.0
    for step in range(_STEPS):
        direction = _direction(here, careful=size < 0.25)
        gain = float(here.slope @ direction)
        size = 1.0
        moved = theta - direction
        there = look(moved)
        if gain < tolerance:  # the step doubles the number of right digits, and is the last
            return Solution(moved, there, True, step + 1) if there else Solution(theta, here, True, step)
        for _ in range(40):
            if there is not None and there.value <= here.value - 1e-4 * size * gain + 1e-14 * abs(here.value):
                break
            there, size = None, size / 2
            moved = theta - size * direction
            if height(moved) < here.value:
                there = look(moved)
        if there is None:
            return Solution(theta, here, bool(gain < 1e-10), step)
        small = small + 1 if here.value - there.value < 1e-15 * max(1.0, abs(here.value)) else 0
        theta, here = moved, there
        if small >= 3:
            return Solution(theta, here, bool(gain < 1e-10), step)
    return Solution(theta, here, False, _STEPS)


def _direction(here: Curve, *, careful: bool) -> Array:
    """Newton's step where the Hessian is positive definite; else the scoring step, or one with the bends turned."""
    assert here.observed is not None
    step = _solved(here.observed, here.slope / 2)
    if step is None:
        step = _turned(here) if careful else _solved(here.expected, here.slope / 2)
    if step is not None:
        return step
    scale = np.diag(here.expected).mean() + _RIDGE
    for ridge in 10.0 ** np.arange(-8, 9):
        step = _solved(here.expected + ridge * scale * np.eye(len(here.slope)), here.slope / 2)
        if step is not None:
            return step
    return here.slope


def _turned(here: Curve) -> Array:
    """Newton's step with the eigenvalues of the Hessian, on the scale of the expected information, made positive."""
    assert here.observed is not None
    diagonal = here.expected.diagonal()
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(here.observed * (scale[:, None] * scale))
    bends = np.maximum(np.abs(values), _FLAT)
    found: Array = scale * (vectors @ ((vectors.T @ (scale * here.slope / 2)) / bends))
    return found


def _solved(information: Array, slope: Array) -> Array | None:
    """Solve with a positive definite matrix, scaled to a unit diagonal; None where it is not."""
    diagonal = information.diagonal()
    if not (diagonal > 0).all():
        return None
    scale = 1 / np.sqrt(diagonal)
    factor, bad = dpotrf(information * (scale[:, None] * scale), lower=1, clean=0)
    if bad or not factor.diagonal().min() > 1e-7:
        return None
    found: Array = scale * dpotrs(factor, scale * slope, lower=1)[0]
    return found
