"""Days, weeks and months of a time zone, from microseconds, on any engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals as nw

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.frames.logs import Home, stamped

Period = Literal["day", "week", "month"]
Plan = nw.LazyFrame[Any]
DAY = 86_400_000_000
_NO_ZONE = Home("lazy")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def offsets(zone: str, first: int, last: int) -> list[tuple[int, int]]:
    """Offsets of a time zone from UTC between two times: (from when on, offset), in microseconds.

    >>> offsets("Europe/Berlin", 1711800000_000000, 1711900000_000000)  # clocks go forward on 2024-03-31 01:00 UTC
    [(1711800000000000, 3600000000), (1711846800000000, 7200000000)]
    """
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ArgumentError(f"zone is a time zone such as 'UTC' or 'Europe/Berlin'; got {zone!r}.") from error

    def offset(second: int) -> int:
        shift = (EPOCH + timedelta(seconds=second)).astimezone(there).utcoffset()
        return round((shift or timedelta()) / timedelta(microseconds=1))

    low, end = first // 1_000_000, last // 1_000_000
    found = [(first, offset(low))]
    while low < end:
        high = min(low + 86_400, end)  # no zone changes twice a day and back
        if offset(high) != found[-1][1]:
            a, b = low, high
            while b - a > 1:
                middle = (a + b) // 2
                a, b = (a, middle) if offset(middle) != found[-1][1] else (middle, b)
            found.append((b * 1_000_000, offset(b)))
        low = high
    return found


def on_the_wall(at: int, clock: list[tuple[int, int]]) -> int:
    """One time by a clock of `offsets`."""
    return at + next((offset for since, offset in reversed(clock) if since <= at), clock[0][1])


def local_time(time: nw.Expr, clock: list[tuple[int, int]]) -> nw.Expr:
    """The time of a clock on the wall, in microseconds as if it were UTC; ``clock`` is of `offsets`."""
    (_, shift), *changes = clock
    expression: nw.Expr = nw.lit(shift)
    for since, offset in changes:
        expression = nw.when(time >= since).then(nw.lit(offset)).otherwise(expression)
    return time + expression


def with_period(plan: Plan, local: nw.Expr, period: Period) -> Plan:
    """Add p: whole periods since 1970 on a clock; weeks begin on Monday.

    Args:
        plan: the plan.
        local: of `local_time`.
        period: "day", "week" or "month".
    """
    if period == "month":
        plan = stamped(plan.with_columns(local.alias("local")), {"here": "local"}, _NO_ZONE)
        here = nw.col("here").dt
        return plan.with_columns((here.year().cast(nw.Int64) * 12 + here.month().cast(nw.Int64) - 1).alias("p"))
    days = local // DAY
    return plan.with_columns((days if period == "day" else (days + 3) // 7).cast(nw.Int64).alias("p"))


def with_label(plan: Plan, period: Period) -> Plan:
    """Add label, p as a number to read: 20260301 for a day, the Monday of a week, 202603 for a month."""
    p = nw.col("p")
    if period == "month":
        year = (p // 12).cast(nw.Int64)
        return plan.with_columns((year * 88 + p + 1).alias("label"))
    begins = (p if period == "day" else p * 7 - 3) * DAY
    here = nw.col("here").dt
    digits = [each.cast(nw.Int64) for each in (here.year(), here.month(), here.day())]
    plan = stamped(plan.with_columns(begins.alias("local")), {"here": "local"}, _NO_ZONE)
    return plan.with_columns((digits[0] * 10_000 + digits[1] * 100 + digits[2]).alias("label"))


def check_period(period: Period) -> None:
    """Refuse what is no period."""
    if period not in ("day", "week", "month"):
        raise ArgumentError(unknown("period", period, ("day", "week", "month")))


def name_of(number: int, period: Period) -> str:
    """A period to read: a day, the Monday of a week, a month."""
    if period == "month":
        return f"{number // 12}-{number % 12 + 1:02d}"
    return str((datetime(1970, 1, 1) + timedelta(days=number if period == "day" else number * 7 - 3)).date())


def number_of(local: int, period: Period) -> int:
    """The period of one time on the clock on the wall."""
    at = datetime(1970, 1, 1) + timedelta(microseconds=local)
    day = local // DAY
    return {"day": day, "week": (day + 3) // 7, "month": at.year * 12 + at.month - 1}[period]
