"""What can be asked of a model of causes beyond the plain question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any, Literal

from cxuxlib.errors import ArgumentError

__all__ = ["EventOptions", "ExperimentOptions", "RolloutOptions"]


@dataclass(frozen=True, slots=True)
class ExperimentOptions:
    """What was laid down about an experiment before its data were seen.

    Args:
        denominator: column below the outcome of a ratio metric (sessions below orders): Σ outcome / Σ denominator.
        segments: columns of the segments in which the effect is told as well, declared beforehand.
        shares: arm to the share of units it was to have; equal shares where left out.
        planned: units of the whole experiment, for intervals that hold at every look before and after.

    >>> ExperimentOptions(planned=20_000).segments
    ()
    """

    denominator: str | None = None
    segments: Sequence[str] = ()
    shares: Mapping[Any, float] | None = None
    planned: int | None = None

    def __post_init__(self) -> None:
        if not (self.denominator is None or isinstance(self.denominator, str)):
            raise ArgumentError(f"denominator names one column; got {self.denominator!r:.40}.")
        if self.shares is not None and not (
            isinstance(self.shares, Mapping) and all(_positive(each) for each in self.shares.values())
        ):
            raise ArgumentError(f"shares maps each arm to a number above 0; got {self.shares!r:.60}.")
        if self.planned is not None and not (_positive(self.planned) and self.planned >= 2):
            raise ArgumentError(f"planned is a number of units, 2 or more; got {self.planned!r:.40}.")


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """Whom a staggered roll-out is compared with.

    Args:
        controls: "not yet" takes all who have not been treated by then, "never" those alone who never are.

    >>> RolloutOptions().controls
    'not yet'
    """

    controls: Literal["not yet", "never"] = "not yet"

    def __post_init__(self) -> None:
        if self.controls not in ("not yet", "never"):
            raise ArgumentError(f"controls is 'not yet' or 'never'; got {self.controls!r:.40}.")


@dataclass(frozen=True, slots=True)
class EventOptions:
    """How an effect is followed over waves.

    Args:
        controls: "not yet" takes all who have not been treated by then, "never" those alone who never are.
        lasting: how many of the last effects make the lasting one.
        horizon: waves after the first treated one up to which effects go; groups that are not seen so far are left out
            and counted. None: as far as all groups are seen.
        draws: of the effects, for intervals of times.
        rng: seed or generator of the draws.

    >>> EventOptions(lasting=3).horizon is None
    True
    """

    controls: Literal["not yet", "never"] = "not yet"
    lasting: int = 2
    horizon: int | None = None
    draws: int = 4000
    rng: Any = 1

    def __post_init__(self) -> None:
        RolloutOptions(controls=self.controls)
        for name, least in (("lasting", 1), ("horizon", 1), ("draws", 200)):
            given = getattr(self, name)
            if given is None and name == "horizon":
                continue
            if isinstance(given, bool) or not isinstance(given, int) or given < least:
                raise ArgumentError(f"{name} is a whole number of {least} or more; got {given!r:.40}.")


def _positive(given: object) -> bool:
    """Whether this is a finite number above 0."""
    return isinstance(given, Real) and not isinstance(given, bool) and 0 < float(given) < inf
