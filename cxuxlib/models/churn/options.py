"""What can be asked of models of churn beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any, Literal

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.stats.intervals import check_level

__all__ = ["HazardOptions", "SurvivalOptions"]

_CHOICES = {
    "errors": (None, "observed", "robust"),
    "rows": ("spells", "periods"),
    "baseline": ("each", "log", "linear"),
}


def check_choice(name: str, given: Any, choices: Sequence[Any]) -> None:
    """Refuse what is none of the choices."""
    if given not in choices:
        raise ArgumentError(unknown(name, given, choices))


def check_columns(given: object, *, what: str) -> None:
    """Refuse what is no list of columns."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(each, str) for each in given):
        raise ArgumentError(f"{what} is a list of columns; got {given!r:.60}.")


def check_time(given: object, *, what: str) -> float:
    """A finite time of 0 or more."""
    if isinstance(given, bool) or not isinstance(given, Real) or not (isfinite(given) and float(given) >= 0):
        raise ArgumentError(f"{what} is a time of 0 or more; got {given!r:.40}.")
    return float(given)


@dataclass(frozen=True, slots=True)
class HazardOptions:
    """How a hazard is read and fitted.

    Args:
        frequency: column that says how many rows a row stands for.
        weight: column of sampling weights; errors are robust then.
        strata: columns whose groups have a baseline of their own ("cox" only).
        errors: "observed" (information), "robust" (sandwich), None: by unit where one is given, robust with weights,
            else observed. With a unit, "observed" holds where its rows follow each other and at most one ends with the
            event.
        level: confidence level, 0 to 1.
        rows: "spells": a row runs from ``entry`` (0 without one) to ``duration``; "periods": a row is one period at
            risk, whose number is in ``duration``.
        baseline: of discrete time: "each" period has its own hazard, or its logit (or log-log) goes with the "log" of
            the period, or is "linear" in it.
        measured_at: columns that say when predictors were measured, on the clock of ``duration``: later than the start
            of a row (of period 3, later than 2) is refused.

    >>> HazardOptions(baseline="log").rows
    'spells'
    """

    frequency: str | None = None
    weight: str | None = None
    strata: Sequence[str] = ()
    errors: Literal["observed", "robust"] | None = None
    level: float = 0.95
    rows: Literal["spells", "periods"] = "spells"
    baseline: Literal["each", "log", "linear"] = "each"
    measured_at: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_level(self.level)
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        check_columns(self.strata, what="strata")
        check_columns(self.measured_at, what="measured_at")


@dataclass(frozen=True, slots=True)
class SurvivalOptions:
    """How curves are read.

    Args:
        frequency: column that says how many units a row stands for.
        at: times at which the curves are told.
        until: the end of restricted means; None: the longest time that is seen in every group.
        level: confidence level, 0 to 1.

    >>> SurvivalOptions(at=[30, 90]).level
    0.95
    """

    frequency: str | None = None
    at: Sequence[float] = ()
    until: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        if isinstance(self.at, str) or not isinstance(self.at, Sequence):
            raise ArgumentError(f"at is a list of times; got {self.at!r:.60}.")
        for each in self.at:
            check_time(each, what="Each of at")
        if self.until is not None and check_time(self.until, what="until") == 0:
            raise ArgumentError("until is a time above 0.")
