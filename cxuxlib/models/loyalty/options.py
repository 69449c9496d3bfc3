"""What can be asked of models of loyalty beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Real

from cxuxlib.errors import ArgumentError
from cxuxlib.models.churn.options import check_time
from cxuxlib.stats.intervals import check_level

__all__ = ["PurchaseOptions", "RetentionOptions"]


def check_money(given: object, *, what: str, above: bool = False) -> float:
    """A finite number of 0 or more, or above 0."""
    good = isinstance(given, Real) and not isinstance(given, bool) and isfinite(given) and float(given) >= 0
    if not good or (above and float(given) == 0):  # type: ignore[arg-type]
        raise ArgumentError(f"{what} is a number {'above 0' if above else 'of 0 or more'}; got {given!r:.40}.")
    return float(given)  # type: ignore[arg-type]


def check_whole(given: object, *, what: str, least: int = 0, ever: bool = False) -> float:
    """Whole periods, of which there may be infinitely many."""
    if ever and given == inf:
        return inf
    whole = isinstance(given, Real) and not isinstance(given, bool) and isfinite(given) and float(given).is_integer()
    if not whole or float(given) < least:  # type: ignore[arg-type]
        raise ArgumentError(f"{what} is a whole number of {least} or more; got {given!r:.40}.")
    return float(given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """How retention under contract is read and projected.

    Args:
        frequency: column that says how many customers a row stands for.
        customers: how many there were at the start, where survivors are given as shares or percentages of them.
        at: periods whose retention and survival are told; by default the last that was seen and twice as far.
        horizon: periods that are counted in tenure and value, math.inf for ever (with a discount); None: twice as far
            as was seen.
        margin: money a customer brings in a period, the first at once.
        discount: per period, 0 or more: 0.01 a month.
        stayed: periods somebody has stayed already, whose residual value is told.
        level: confidence level, 0 to 1.

    >>> RetentionOptions(horizon=24, discount=0.01).margin
    1.0
    """

    frequency: str | None = None
    customers: float | None = None
    at: Sequence[int] = ()
    horizon: float | None = None
    margin: float = 1.0
    discount: float = 0.0
    stayed: Sequence[int] = ()
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        check_money(self.margin, what="margin", above=True)
        check_money(self.discount, what="discount")
        if self.customers is not None:
            check_money(self.customers, what="customers", above=True)
        if self.horizon is not None:
            check_whole(self.horizon, what="horizon", least=1, ever=True)
        for name in ("at", "stayed"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Sequence):
                raise ArgumentError(f"{name} is a list of periods; got {given!r:.60}.")
            for each in given:
                check_whole(each, what=f"Each of {name}", least=1)


@dataclass(frozen=True, slots=True)
class PurchaseOptions:
    """How repeat purchases are read and projected.

    Args:
        frequency: column that says how many customers a row stands for.
        horizon: time ahead that is counted, in the unit of the ages; None: as long as the longest history.
        parts: of the horizon, at whose ends money is discounted.
        discount: per part of the horizon, 0 or more: 0.01 with 12 months in a horizon of 52 weeks.
        margin: share of spend that is earned, 0 to 1.
        level: confidence level, 0 to 1.

    >>> PurchaseOptions(horizon=52, parts=12, discount=0.01).margin
    1.0
    """

    frequency: str | None = None
    horizon: float | None = None
    parts: int = 12
    discount: float = 0.0
    margin: float = 1.0
    level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.level)
        check_money(self.discount, what="discount")
        check_whole(self.parts, what="parts", least=1)
        if self.horizon is not None and check_time(self.horizon, what="horizon") == 0:
            raise ArgumentError("horizon is a time above 0.")
        if check_money(self.margin, what="margin", above=True) > 1:
            raise ArgumentError(f"margin is the share of spend that is earned, 0 to 1; got {self.margin!r}.")
