"""What can be asked of a moderation beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real

from cxuxlib.errors import ArgumentError

__all__ = ["ModerationOptions"]


@dataclass(frozen=True, slots=True)
class ModerationOptions:
    """Where a moderation is looked at, and what it may bend by.

    Args:
        at: values of the moderator, in standard deviations from its mean, at which the slope of the cause is told.
        points: values of (cause, moderator), in standard deviations from their means, at which the outcome is told.
        quadratic: whether the cause and the moderator may also bend by their own squares, which an interaction is
            easily taken for where the two correlate.

    >>> ModerationOptions(points=[(-1, 1), (1, -1)]).at
    (-1.0, 0.0, 1.0)
    """

    at: Sequence[float] = (-1.0, 0.0, 1.0)
    points: Sequence[tuple[float, float]] = ((-1.0, 1.0),)
    quadratic: bool = False

    def __post_init__(self) -> None:
        if not _numbers(self.at):
            raise ArgumentError(f"at is a list of standard deviations, such as (-1, 0, 1); got {self.at!r:.60}.")
        if isinstance(self.points, str) or not all(_numbers(each) and len(each) == 2 for each in self.points):
            raise ArgumentError(f"points is a list of pairs of numbers, such as [(-1, 1)]; got {self.points!r:.60}.")
        if not isinstance(self.quadratic, bool):
            raise ArgumentError(f"quadratic is True or False; got {self.quadratic!r}.")


def _numbers(given: object) -> bool:
    """Whether this is a list of finite numbers."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        return False
    return all(isinstance(each, Real) and isfinite(each) for each in given)
