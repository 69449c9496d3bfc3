"""How long an effect takes: waves until half of what lasts, with draws of what the path could have been."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Halfway", "crossing", "halfway", "quantiles"]

Array = NDArray[np.float64]


class Halfway(NamedTuple):
    """When half of a lasting effect is reached.

    Args:
        value: waves since the last one before the redesign.
        early, late: of each draw, the same; where a draw has no lasting effect of that direction, no time at all (0)
            and longer than was seen (infinity), so that intervals from them are wide rather than wrong.
    """

    value: float
    early: Array
    late: Array


def crossing(path: Array, target: Array) -> Array:
    """When paths that start at 0 first reach a target above 0, along straight lines; infinite where they never do.

    Args:
        path: shape (m, waves), at 1, 2, ... waves since the last one before.
        target: shape (m,).

    >>> crossing(np.array([[1.0, 3.0], [4.0, 4.0]]), np.array([2.0, 2.0])).tolist()
    [1.5, 0.5]
    """
    whole = np.column_stack([np.zeros(len(path)), path])
    there = whole[:, 1:] >= target[:, None]
    place = there.argmax(axis=1)
    row = np.arange(len(path))
    before, after = whole[row, place], whole[row, place + 1]
    rise = np.where(after > before, after - before, 1.0)
    found: Array = np.where(there.any(axis=1), place + (target - before) / rise, np.inf)
    return found


def halfway(path: Array, draws: Array, lasting: int) -> Halfway:
    """Waves until half of the lasting effect, which is the mean of the last ones.

    Args:
        path: effects at 1, 2, ... waves since the last one before, shape (waves,).
        draws: what they could have been, shape (m, waves).
        lasting: how many of the last effects make the lasting one.

    >>> halfway(np.array([1.0, 2.0, 4.0, 4.0]), np.zeros((0, 4)), 2).value
    2.0
    """
    sign = 1.0 if path[-lasting:].mean() > 0 else -1.0
    every = sign * np.vstack([path[None], draws])
    level = every[:, -lasting:].mean(axis=1)
    found = crossing(every, np.where(level > 0, level / 2, 1.0))
    late = np.where(level > 0, found, np.inf)
    return Halfway(float(found[0]), np.where(level > 0, found, 0.0)[1:], late[1:])


def quantiles(early: Array, late: Array, level: float) -> tuple[float, float]:
    """Ends of an interval from draws, an infinite one where too many draws have none.

    >>> quantiles(np.arange(101.0), np.arange(101.0), 0.9)
    (5.0, 95.0)
    """
    tail = (1 - level) / 2
    low, high = (np.quantile(each, q, method="inverted_cdf") for each, q in ((early, tail), (late, 1 - tail)))
    return float(low), float(high)
