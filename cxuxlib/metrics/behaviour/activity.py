"""Activity since the first: who came back, and who bought again."""

from math import inf
from typing import Any

from cxuxlib import frames
from cxuxlib.errors import ArgumentError
from cxuxlib.frames import Until
from cxuxlib.study import Answer, Metric

__all__ = ["ages", "repeat_purchase", "retention"]


def _days(column: str) -> Answer:
    return Answer(column, 0, inf, whole=False)


def ages(frame: Any, *, unit: str, at: str, until: Until = None) -> Any:
    """Add to each activity its age since the first of its unit, which `retention` and `repeat_purchase` read.

    Four columns are added: ``age_d``, days since the unit's first activity; ``observed_d``, days from then to the end
    of observation; ``nth``, 1 for the unit's first activity, 2 for the next; ``cohort``, the month of the first one as
    text, such as "2024-03". Days are spans of 24 hours, and calendar days where the column holds dates. Months are
    those of the column's own time zone (in DuckDB, of the connection). What happened before the frame begins is not
    known: a unit seen first then counts as new.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per activity.
        unit: column that tells whose activity it was; none may be missing.
        at: column of dates or date-times; none may be missing.
        until: end of observation: a date, whose whole day was observed, or a date-time. By default the last time
            stamp in the frame; of dates, the end of the last one.

    Returns:
        The frame with the columns added, of the same engine, and lazy where it was.

    Raises:
        ColumnError: no such column, one of the four is there already, or ``at`` holds no times.
        UnitError, AnswerError: rows without a unit or a time, or after ``until``.
        SampleError: there are no rows.

    Source: practice. Checked against: the same numbers on five engines, hand counts.

    >>> import pandas as pd
    >>> log = pd.DataFrame({"customer_id": [1, 2, 1], "at": pd.to_datetime(["2024-03-30", "2024-04-01", "2024-04-02"])})
    >>> ages(log, unit="customer_id", at="at")[["age_d", "observed_d", "nth", "cohort"]]
       age_d  observed_d  nth   cohort
    0    0.0         3.0    1  2024-03
    1    0.0         1.0    1  2024-04
    2    3.0         3.0    2  2024-03
    """
    return frames.ages(frame, unit=unit, at=at, until=until)


def retention(day: float, *, until: float | None = None, age: str = "age_d", observed: str = "observed_d") -> Metric:
    """Retention: units active in [day, until) days after their first activity, over units observed until then.

    With the default ``until`` of day + 1, N-day retention; with a later one, a bracket, or "on or after" with the same
    horizon for all. Only mature units count, those observed for ``until`` days or more: the others have not had their
    chance, and are left out whether they came back or not. A cohort of whom nobody came back has 0, one without a
    mature unit has no value and says so.

    Args:
        day: days since the first activity, above 0 (on day 0 everybody is active by definition).
        until: end of the window, above ``day``.
        age: days since the unit's first activity, one row per activity, the first included; see `ages`.
        observed: days from the unit's first activity to the end of observation.

    Returns:
        A `Metric` for `measure`, which needs the ``unit``; ``by="cohort"`` gives the table of cohorts. Adjusted Wald.

    Raises:
        ArgumentError: the window is empty or begins with the first activity.

    Source: practice. Checked against: hand counts; cohorts of 0% and 25% of equal size make 12.5%.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> visits = pd.DataFrame({"customer_id": [1, 1, 2, 3], "age_d": [0, 1.5, 0, 0], "observed_d": [9, 9, 9, 1.5]})
    >>> measure(visits, retention(1), unit="customer_id")[["value", "n"]].values.tolist()
    [[0.5, 2.0]]
    """
    end = day + 1 if until is None else until
    if not 0 < day < end < inf:
        raise ArgumentError(f"A window begins after day 0 and ends later; got {day!r} until {end!r}.")
    name = f"retention on day {day:g}" if until is None else f"retention, days {day:g} to {end:g}"
    return Metric(
        name, (("age_d", _days(age)), ("observed_d", _days(observed))), f"(age_d >= {day:.15g}) * (age_d < {end:.15g})",
        "proportion", 0, 1, where=f"observed_d >= {end:.15g}", once=True, construct="CX", source="practice",
    )  # fmt: skip


def repeat_purchase(window_d: float, *, nth: str = "nth", age: str = "age_d", observed: str = "observed_d") -> Metric:
    """Repeat purchase rate: customers with 2 purchases or more in their first days, over customers with 1 or more.

    The window is equal for all: it begins with the first purchase, a second one counts if it comes before
    ``window_d`` days have passed, on the same day too, and only customers observed for the whole window count.

    Args:
        window_d: length of the window in days, above 0.
        nth: 1 for a customer's first purchase, 2 for the second; one row per purchase; see `ages`.
        age: days since the customer's first purchase.
        observed: days from the customer's first purchase to the end of observation.

    Returns:
        A `Metric` for `measure`, which needs the ``unit``. Adjusted Wald.

    Raises:
        ArgumentError: the window is no number of days above 0.

    Source: practice. Checked against: hand counts.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2], "at": pd.to_datetime(["2024-03-01", "2024-03-09", "2024-03-02"])})
    >>> orders = ages(log, unit="customer_id", at="at", until=pd.Timestamp("2024-06-01"))
    >>> measure(orders, [repeat_purchase(7), repeat_purchase(30)], unit="customer_id")["value"].tolist()
    [0.0, 0.5]
    """
    if not 0 < window_d < inf:
        raise ArgumentError(f"A window is a number of days above 0; got {window_d!r}.")
    answers = (("nth", Answer(nth, 1, inf)), ("age_d", _days(age)), ("observed_d", _days(observed)))
    return Metric(
        f"repeat purchase within {window_d:g} days", answers, f"(nth >= 2) * (age_d < {window_d:.15g})", "proportion",
        0, 1, where=f"observed_d >= {window_d:.15g}", once=True, construct="CX", source="practice",
    )  # fmt: skip
