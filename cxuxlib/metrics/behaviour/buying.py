"""Histories of purchases: how often, how recently, since when, and for how much."""

from typing import Any

import pandas as pd

from cxuxlib.frames import Period, Until, histories

__all__ = ["rfm"]


def rfm(
    frame: Any, *, unit: str, at: str, value: str | None = None, until: Until = None, period: Period = "D"
) -> pd.DataFrame:
    """Reduce purchases to RFM-T, one row per customer: repeats, time of the last one, age, and mean spend of repeats.

    Purchases of one calendar period count as one. frequency = periods with a purchase after the first period, so 0 for
    who bought once; recency = last - first, not the time since the last; T = end - first, all in periods; monetary =
    mean over the repeat periods of their totals, without the first one.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per purchase.
        unit: column of customers; none may be missing.
        at: column of dates or date-times; none may be missing.
        value: column of amounts spent.
        until: end of observation: a date, whose whole day was observed, or a date-time; by default the last time
            stamp in the frame.
        period: "D" days, "W" weeks from Monday, "M" months, of the column's own time zone.

    Returns:
        A pandas table with ``unit``, frequency, recency, T and, with ``value``, monetary: NaN for customers without a
        repeat purchase, who have no mean (lifetimes has 0 there).

    Raises:
        ColumnError, UnitError, AnswerError, SampleError, ArgumentError: what is wrong with the frame, as for `ages`.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098. Checked against: the tests of Python's lifetimes.

    >>> log = pd.DataFrame({"id": [1, 1, 2, 2, 2], "spent": [1.0, 2, 5, 5, 5]})
    >>> log["at"] = pd.to_datetime(["2015-01-01", "2015-02-06", "2015-01-01", "2015-01-01", "2015-01-01"])
    >>> rfm(log, unit="id", at="at", value="spent", until=pd.Timestamp("2015-02-07"))
       id  frequency  recency   T  monetary
    0   1          1       36  37       2.0
    1   2          0        0  37       NaN
    """
    return histories(frame, unit=unit, at=at, value=value, until=until, period=period)
