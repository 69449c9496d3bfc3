"""Work on time inside the engine: ages of activities, histories of customers, times that were cut off."""

from __future__ import annotations

import datetime as dt
from math import inf
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, unknown
from cxuxlib.frames.reading import Unit, answer_of, check_numeric, check_units, open_frame, rows
from cxuxlib.frames.reduce import in_order
from cxuxlib.frames.scoring import refuse, scored_rows
from cxuxlib.study import Answer, Metric

__all__ = ["Durations", "Period", "Until", "ages", "durations", "histories"]

Until = dt.date | None  # a datetime is a date, too
Period = Literal["D", "W", "M"]

_DAY = 86_400_000_000  # microseconds: whole numbers, so that engines agree to the last digit
_LONG_AGO = 700_000  # whole weeks of days before 1970
_NEW = ("age_d", "observed_d", "nth", "cohort")
_AT, _US, _ONE, _ROW = "cx_at", "cx_us", "cx_one", "cx_row"  # names that no frame has


class _Clock(NamedTuple):
    """Whether time stamps are dates, their zone, and the end of observation in microseconds since 1970."""

    dated: bool
    zone: str | None
    end: int


def _micros(lazy: nw.LazyFrame[Any], value: nw.Expr, dtype: Any) -> nw.Expr:
    """Whole microseconds since 1970 UTC; since 1970 on the same clock where there is no zone."""
    if dtype == nw.Date:
        value = value.cast(nw.Datetime("us"))
    if not lazy.implementation.is_duckdb():
        return value.dt.timestamp("us")
    zone = None if dtype == nw.Date else dtype.time_zone
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC if zone else None)
    return (value - nw.lit(epoch)).dt.total_microseconds()


def _timed(frame: Any, columns: list[str], at: str, until: Until) -> tuple[nw.LazyFrame[Any], _Clock]:
    """Open a log, its times in the column `_AT`, checked to be there in each row and none after the end."""
    dated, pandas = False, isinstance(frame, pd.DataFrame) and list(frame.columns).count(at) == 1
    if pandas:  # which has no type for dates
        dated = frame[at].dtype == object and {type(each) for each in frame[at].dropna()} == {dt.date}
        frame = frame.assign(**{_AT: pd.to_datetime(frame[at]) if dated else frame[at]})
    lazy = open_frame(frame, [*columns, at])
    lazy = lazy if pandas else lazy.with_columns(nw.col(at).alias(_AT))
    dtype: Any = lazy.collect_schema()[_AT]
    if not (dtype == nw.Date or dtype == nw.Datetime):
        raise ColumnError(
            f"Column {at!r} holds {dtype}; times are dates or date-times. Turn texts into them first, such as with "
            "pandas.to_datetime."
        )
    check_units(lazy, columns[0], [], "")
    dated = dated or dtype == nw.Date
    zone = None if dtype == nw.Date else dtype.time_zone
    end, whole = _end(until, dated, zone, at)
    lazy = lazy.with_columns(_micros(lazy, nw.col(_AT), dtype).alias(_US))
    gone, us = nw.col(_AT).is_null(), nw.col(_US)
    counts = [nw.len().alias("rows"), us.max().alias("last"), gone.cast(nw.Int64).sum().alias("gone")]
    if end is not None:
        late = ~gone & (us >= end if whole else us > end)
        counts.append(late.cast(nw.Int64).sum().alias("late"))
    found = rows(lazy.select(*counts)).iloc[0]
    if not found["rows"]:
        raise SampleError("The frame has no rows.")
    if found["gone"]:
        raise AnswerError(f"{int(found['gone']):,} rows have no {at!r}; drop them or find out when they were.")
    if found.get("late"):
        raise AnswerError(f"{int(found['late']):,} rows are after until={until}: leave them out, or let it end later.")
    return lazy, _Clock(dated, zone, int(found["last"]) + (_DAY if dated else 0) if end is None else end)


def _end(until: Until, dated: bool, zone: str | None, at: str) -> tuple[int | None, bool]:
    """The end of observation in microseconds since 1970, and whether it is the end of a whole day."""
    if until is None:
        return None, dated
    if not isinstance(until, dt.date) or pd.isna(until):
        raise ArgumentError(f"until is a date, whose whole day was observed, or a date-time; got {until!r}.")
    whole = not isinstance(until, dt.datetime)
    if dated and not whole:
        raise ArgumentError(f"Column {at!r} holds dates; let until be a date, whose whole day was observed.")
    if isinstance(until, dt.datetime):
        moment = until
        if (until.tzinfo is None) != (zone is None):
            raise ArgumentError(
                f"Column {at!r} has {f'the time zone {zone}' if zone else 'no time zone'}; so must until."
            )
    else:
        moment = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), _zone(zone, at) if zone else None)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC if zone else None)
    return (moment - epoch) // dt.timedelta(microseconds=1), whole


def _zone(name: str, at: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ArgumentError(f"Column {at!r} has the time zone {name}, which has no name; convert it to UTC.") from error


def _with_least(lazy: nw.LazyFrame[Any], unit: str, columns: dict[str, str]) -> nw.LazyFrame[Any]:
    """Add the least value within the unit of some columns, under new names; on Arrow rows lose their order."""
    if not lazy.implementation.is_pyarrow():
        return lazy.with_columns(*(nw.col(old).min().over(unit).alias(new) for old, new in columns.items()))
    # There narwhals gives the values of a window to the wrong rows where there are more than 32,768.
    least = lazy.group_by(unit).agg(*(nw.col(old).min().alias(new) for old, new in columns.items()))
    return lazy.join(least, on=unit, how="left")


def ages(frame: Any, *, unit: str, at: str, until: Until = None) -> Any:
    """Add to each activity its age, its number and its unit's cohort; see `metrics.behaviour.ages`."""
    lazy, clock = _timed(frame, [unit], at, until)
    there = [name for name in _NEW if name in lazy.collect_schema().names()]
    if there:
        raise ColumnError(f"The frame has a column {there[0]!r} already; rename it.")
    arrow = lazy.implementation.is_pyarrow()
    if arrow:  # which has no running sums within units, and does not keep the order of rows
        lazy = nw.from_native(lazy.to_native()).with_row_index(_ROW).lazy().with_row_index(_ONE, order_by=[unit, _US])
        lazy = _with_least(lazy, unit, {_US: "cx_first", _AT: "cx_start", _ONE: "cx_least"}).sort(_ROW)
        nth = nw.col(_ONE) - nw.col("cx_least") + 1
    else:
        lazy = _with_least(lazy.with_columns(nw.lit(1).alias(_ONE)), unit, {_US: "cx_first", _AT: "cx_start"})
        nth = nw.col(_ONE).cum_sum().over(unit, order_by=_US)
    us, first = nw.col(_US), nw.col("cx_first")
    day = us * 0 + _DAY  # a column: by a number Polars divides otherwise than the rest, in the last digit
    lazy = lazy.with_columns(
        ((us - first) / day).alias("age_d"),
        ((clock.end - first) / day).alias("observed_d"),
        nth.cast(nw.Int64).alias("nth"),
        nw.col("cx_start").dt.to_string("%Y-%m").alias("cohort"),
    ).drop(_AT, _US, _ONE, "cx_first", "cx_start", *([_ROW, "cx_least"] if arrow else []))
    lazily = isinstance(nw.from_native(frame), nw.LazyFrame)
    return lazy.to_native() if lazily else lazy.collect().to_native()


def _long(lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Bring a result to pandas that may have a row per unit: by arrays, where `rows` goes by lists."""
    eager = lazy.collect("pandas") if lazy.implementation.is_duckdb() else lazy.collect()
    return pd.DataFrame({name: eager[name].to_numpy() for name in eager.columns})


def _period(lazy: nw.LazyFrame[Any], clock: _Clock, period: Period) -> nw.Expr:
    """The number of the calendar period, on the clocks of the column's own zone."""
    local = nw.col(_AT).dt.replace_time_zone(None) if clock.zone else nw.col(_AT)
    if period == "M":
        return local.dt.year().cast(nw.Int64) * 12 + local.dt.month().cast(nw.Int64)
    us = _micros(lazy, local, nw.Datetime("us")) if clock.zone else nw.col(_US)
    days = (us + _LONG_AGO * _DAY) // _DAY - _LONG_AGO  # above 0, where every engine divides alike
    return days if period == "D" else (days + 3 + _LONG_AGO) // 7  # weeks begin on Monday; 1970 did on a Thursday


def _number(day: dt.date, period: Period) -> int:
    if period == "M":
        return day.year * 12 + day.month
    days = day.toordinal() - dt.date(1970, 1, 1).toordinal()
    return days if period == "D" else (days + 3 + _LONG_AGO) // 7


def histories(frame: Any, *, unit: str, at: str, value: str | None, until: Until, period: Period) -> pd.DataFrame:
    """Reduce a log of purchases to one row per customer; see `metrics.behaviour.rfm`."""
    if period not in ("D", "W", "M"):
        raise ArgumentError(unknown("period", period, ("D", "W", "M")))
    lazy, clock = _timed(frame, [unit, *([value] if value else [])], at, until)
    paid, broken = nw.lit(0.0), nw.lit(0.0)
    if value:
        check_numeric(lazy, [value])
        paid, gone = answer_of(value)
        broken = (gone | (paid == inf) | (paid == -inf)).cast(nw.Float64)
    table = lazy.select(
        nw.col(unit).alias("unit"), _period(lazy, clock, period).alias("p"), paid.alias("paid"), broken.alias("broken")
    )
    table = table.group_by("unit", "p").agg(nw.col("paid").sum(), nw.col("broken").sum())
    table = _with_least(table, "unit", {"p": "first"})
    again = (nw.col("p") > nw.col("first")).cast(nw.Float64)
    table = table.with_columns(again.alias("again"), (again * nw.col("paid")).alias("repaid"))
    totals = (nw.col(name).sum() for name in ("again", "repaid", "broken"))
    table = table.group_by("unit").agg(nw.col("first").min(), nw.col("p").max().alias("last"), *totals)
    found = _long(table).sort_values("unit", key=in_order, ignore_index=True)
    if many := int(found["broken"].sum()):
        raise AnswerError(f"{many:,} rows have a missing or infinite value in {value!r}; drop or correct them.")
    if until is None:
        end = found["last"].max()
    else:
        if isinstance(until, dt.datetime) and clock.zone:
            until = until.astimezone(_zone(clock.zone, at))
        end = _number(until, period)
    table = pd.DataFrame({
        unit: found["unit"],
        "frequency": found["again"],
        "recency": found["last"] - found["first"],
        "T": end - found["first"],
    })  # fmt: skip
    table = table.astype(dict.fromkeys(("frequency", "recency", "T"), "int64"))
    if value:
        table["monetary"] = found["repaid"] / found["again"].where(found["again"] > 0)
    return table


class Durations(NamedTuple):
    """Times until an event or until cut off, of one segment: one entry per distinct (unit,) time and event.

    Args:
        segment: the segment.
        time, seen: when each ended, and whether by the event.
        weight, square: sums of the weights and of their squares.
        unit: whose time it is; None where no unit has several.
        n, n_missing: units with a valid time of positive weight, and rows without one.
        answers: rows with a valid time.
    """

    segment: Any
    time: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    square: np.ndarray
    unit: np.ndarray | None
    n: int
    n_missing: int
    answers: int


def durations(
    frame: Any,
    time: str,
    event: str,
    *,
    name: str,
    by: str | None = None,
    unit: Unit = ...,
    weight: str | None = None,
    zero: bool = True,
) -> list[Durations]:
    """Reduce a frame to its distinct times and events by segment, in one pass.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB.
        time: column of times until the event or until cut off.
        event: true/false or 1/0: the event was seen.
        name: what is computed, for messages.
        by, unit, weight: as of `sums`.
        zero: whether a time may be 0.
    """
    least = 0.0 if zero else 5e-324
    specs = (("t", Answer(time, least, inf, whole=False)), ("event", Answer(event, 0, 1)))
    metric = Metric(name, specs, "t", "mean", 0, inf, per="event")
    extra = [each for each in (by, unit, weight) if each is not None and each is not ...]
    lazy = open_frame(frame, [time, event, *extra])
    check_numeric(lazy, [time, event, *([weight] if weight else [])])
    check_units(lazy, unit, [time, event, *extra], "Say unit={name!r}, or unit=None if each row is a unit.")
    keys = ["segment", "t", "e", "valid"]
    if isinstance(unit, str):
        found = rows(lazy.select(nw.len().alias("rows"), nw.col(unit).n_unique().alias("units"))).iloc[0]
        keys += ["unit"] if (found["units"] or 0) < found["rows"] else []
    w, lost = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    bad_weight = (lost | (w < 0) | (w == inf)).cast(nw.Float64)
    keep = {"segment": nw.col(by) if by else nw.lit("all"), "w": w, "bw": bad_weight}
    keep |= {"unit": nw.col(unit)} if isinstance(unit, str) else {}
    scored = scored_rows(lazy, [metric], keep)
    w, valid = nw.col("w"), nw.col("r0")
    table = scored.select(
        "segment", *(["unit"] if "unit" in keys else []),
        nw.col("s0").alias("t"), nw.col("p0").alias("e"), valid.alias("valid"), valid.alias("answers"),
        ((w > 0).cast(nw.Float64) * valid).alias("n"), (w * valid).alias("w"), (w * w * valid).alias("ww"),
        nw.col("m0").alias("gone"), nw.col("b0").alias("bad"), "bw",
    )  # fmt: skip
    sums_of = ("answers", "n", "w", "ww", "gone", "bad", "bw")
    cells = _long(table.group_by(*keys).agg(*(nw.col(each).sum() for each in sums_of)))
    if cells.empty:
        raise SampleError("The frame has no rows; there is nothing to measure.")
    if many := cells["bw"].sum():
        raise AnswerError(f"{int(many):,} rows have a weight in {weight!r} that is missing, negative or infinite.")
    if cells["bad"].sum():
        refuse(lazy, metric)
    cells = cells.sort_values("segment", key=in_order, ignore_index=True, kind="stable")
    cells["segment"] = cells["segment"].astype(object).where(cells["segment"].notna(), "(missing)")
    return [_segment(segment, part) for segment, part in cells.groupby("segment", sort=False)]


def _segment(segment: Any, part: pd.DataFrame) -> Durations:
    some = part[part["w"] > 0]
    unit = pd.factorize(some["unit"])[0] if "unit" in some else None
    n = int(some["n"].sum()) if unit is None else len(set(unit))
    time, event, w, ww = (some[each].to_numpy(float) for each in ("t", "e", "w", "ww"))
    return Durations(segment, time, event == 1, w, ww, unit, n, int(part["gone"].sum()), int(part["answers"].sum()))
