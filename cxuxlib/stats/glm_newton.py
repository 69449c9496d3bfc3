"""Newton's climb to the maximum of a log likelihood, and whether there is one."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib.errors import ModelError

__all__ = ["Climb", "Height", "climb", "runaway"]

Array = NDArray[np.float64]

_GAIN = 1e-10  # of log likelihood that one more step would bring: the step after it is exact to rounding
_STEPS = 100
_HALVINGS = 40
_FLAT = 1e-4  # of one answer's information left along a direction: no answer contradicts going on in it


class Height(NamedTuple):
    """A log likelihood at some parameters.

    Args:
        value: the log likelihood; -inf where the parameters are impossible.
        slope: its gradient, shape (q,).
        information: its Hessian with the sign turned (observed information), shape (q, q).
    """

    value: float
    slope: Array
    information: Array


class Climb(NamedTuple):
    """Where a climb ended.

    Args:
        at: parameters, shape (q,).
        value: log likelihood there.
        information: observed information there, shape (q, q).
        flat: direction in which the likelihood rises without end, shape (q,); None where there is a maximum.
    """

    at: Array
    value: float
    information: Array
    flat: Array | None


def climb(height: Callable[[Array], Height], start: Array, n: float) -> Climb:
    """Climb a concave log likelihood by Newton's steps, halved where they overshoot.

    Args:
        height: the log likelihood with its derivatives.
        start: where to begin; possible.
        n: weight of all answers, which says how little information is none.

    Raises:
        ModelError: the climb does not end.

    Source: Nocedal & Wright 2006, doi:10.1007/978-0-387-40065-5. Checked against: closed forms, R's glm and clm.

    >>> def poisson(at: Array) -> Height:
    ...     return Height(float(2 * at[0] - np.exp(at[0])), 2 - np.exp(at), np.exp(at)[None])
    >>> round(float(np.exp(climb(poisson, np.zeros(1), 1).at[0])), 9)
    2.0
    """
    at, here = start, height(start)
    first = here.information
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(here.information, here.slope)
        except np.linalg.LinAlgError:
            break
        gain = float(here.slope @ step)
        if not np.isfinite(gain):
            break
        lowest = here.value - 1e-12 * abs(here.value)
        for _ in range(_HALVINGS):
            there = height(at + step)
            if there.value >= lowest and there.value > -inf:
                break
            step = step / 2
        else:
            break
        at, here = at + step, there
        if gain < _GAIN:
            return Climb(at, here.value, here.information, runaway(first, here.information, n))
    flat = runaway(first, here.information, n)
    if flat is None:
        raise ModelError("The likelihood has no maximum that can be found: these data do not tell the parameters.")
    return Climb(at, here.value, here.information, flat)


def runaway(first: Array, last: Array, n: float) -> Array | None:
    """The direction in which no information is left, compared with where the climb began; None where there is some.

    Answers that a direction separates keep the likelihood rising along it for ever while they cease to inform; at a
    true maximum some answer contradicts every direction, and informs.
    """
    try:
        root = np.linalg.inv(np.linalg.cholesky(first))
        values, vectors = np.linalg.eigh(root @ last @ root.T)
    except np.linalg.LinAlgError:
        return None
    if values[0] * n > _FLAT:
        return None
    direction: Array = root.T @ vectors[:, 0]
    return direction
