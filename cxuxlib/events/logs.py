"""A log of events: what its columns mean, and which of its rows count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, listed
from cxuxlib.events import checks
from cxuxlib.frames import logs
from cxuxlib.frames.logs import TIME, Home
from cxuxlib.frames.reading import absent, rows

__all__ = ["Bots", "Log", "left_out", "read"]

Plan = nw.LazyFrame[Any]
Time = datetime | date | str
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Bots:
    """Who is no person: an explicit rule, applied to whole users.

    Args:
        per_minute: users with more events than this in any minute of the clock are bots.
        column: a text column, such as "user_agent"; users with an event in which it matches are bots.
        pattern: regular expression for that column, upper and lower case alike.
    """

    per_minute: int | None = None
    column: str | None = None
    pattern: str = "bot|crawl|spider|headless"


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """A log opened by `read`: a lazy plan, nothing is computed yet.

    Args:
        rows: the plan: events that count, with their time in microseconds.
        raw: the plan before any rule.
        user, event, at: names of the columns.
        at_unit: unit of times that are numbers.
        home: what the source was, and what results will be.
        rules: rules that leave out more than events without a user, a name or a time, and the plan after each.
    """

    rows: Plan
    raw: Plan
    user: str
    event: str
    at: str
    at_unit: str | None
    home: Home
    rules: tuple[tuple[str, Plan], ...] = ()

    def __repr__(self) -> str:
        rules = "; ".join(["no user", "no event", "no time", *(rule for rule, _ in self.rules)])
        return (
            f"Log of {self.event!r} by {self.user!r} at {self.at!r}, {self.rows.implementation.name.lower()}; "
            f"left out: {rules} (events.left_out counts them)"
        )


def read(
    source: Any,
    *,
    user: str = "user_id",
    event: str = "event",
    at: str = "at",
    at_unit: Literal["s", "ms", "us"] | None = None,
    duplicates: Literal["keep", "drop"] = "keep",
    bots: Bots | None = None,
    memory: str | None = None,
) -> Log:
    """Open a log of events: one row per event, with who, what and when. Nothing is computed until it is asked for.

    Events without a user, a name or a time can belong to no one and are left out; `left_out` counts them, and what
    other rules leave out. Times without a zone are taken as UTC, and count to the microsecond.

    Polars and Spark compute on their own logs. Files, pandas and Arrow are computed by DuckDB, which reads frames
    without a copy, and puts what does not fit in memory into the system's folder for temporary files; a CSV file is
    read once beforehand to learn the types of its columns. For other settings, give a relation of your own connection.

    Args:
        source: a frame of pandas, Polars (eager or lazy), Arrow, DuckDB or PySpark; or files: a path, a pattern such as
            "logs/*.parquet", or a list of them (Parquet, CSV).
        user: column that says who.
        event: column of names of events.
        at: column of time stamps; or of numbers, with ``at_unit``.
        at_unit: unit of numbers since 1970 UTC: "s", "ms" or "us"; those outside the years 1 to 9999 are no times.
        duplicates: "drop" keeps one of several rows that are alike in every column. Events sent twice are common, and
            each doubled start is an attempt given up: look before you keep them.
        bots: a rule that leaves out whole users.
        memory: most that DuckDB may use in this process, such as "4GB", from now on; at first 80 % of the machine.

    Returns:
        A `Log`.

    Raises:
        ArgumentError, ColumnError, AnswerError, DataError: no such column, engine or file; times that are no times.

    Source: practice. Checked against: the same numbers on six engines, a slow reference in the tests.

    >>> log = read(pd.DataFrame({"user_id": [1, 1], "event": ["a", "b"], "at": pd.to_datetime(["2026-01-01"] * 2)}))
    >>> log
    Log of 'event' by 'user_id' at 'at', duckdb; left out: no user; no event; no time (events.left_out counts them)
    """
    if duplicates not in ("keep", "drop"):
        raise ArgumentError(f"duplicates is 'keep' or 'drop'; got {duplicates!r}.")
    if len({user, event, at}) < 3:
        raise ArgumentError(f"user, event and at are three columns; got {listed([user, event, at])}.")
    if bots is not None:
        _check_bots(bots)
    if memory is not None:
        logs.connect(memory)
    raw, home = logs.open_log(source, [user, event, *([bots.column] if bots and bots.column else [])], at, at_unit)
    _check_names(raw, event)
    log = Log(raw, raw, user, event, at, at_unit, home)
    log = replace(log, rows=raw.filter(*(~flag for flag in _nothing(log).values())))
    if duplicates == "drop":
        names = raw.collect_schema().names()
        alike = log.rows.group_by(*names).agg(nw.len().alias("cxux_n")).select(*names)
        log = replace(log, rows=alike, rules=(*log.rules, ("alike in every column", alike)))
    if bots is not None:
        people = _people(log, bots)
        log = replace(log, rows=people, rules=(*log.rules, ("bots", people)))
    return log


def opened(log: Log) -> Log:
    """Refuse what is no log."""
    if not isinstance(log, Log):
        raise ArgumentError(f"log is what events.read(...) gives; got a {type(log).__name__}. Open it first.")
    return log


def _nothing(log: Log) -> dict[str, nw.Expr]:
    """Whether an event lacks what it must have. Of stamps, not of microseconds, for engines know where those lack."""
    time = TIME if log.at_unit else log.at
    named = (("no user", log.user), ("no event", log.event), ("no time", time))
    return {rule: absent(log.raw, name) for rule, name in named}


def _check_names(lazy: Plan, event: str) -> None:
    dtype = lazy.collect_schema()[event]
    if not (dtype == nw.String or dtype == nw.Categorical or dtype == nw.Enum):
        raise AnswerError(f"Column {event!r} holds {dtype}; events are named by texts.")


def _check_bots(bots: Bots) -> None:
    if not isinstance(bots, Bots) or (bots.per_minute is None) == (bots.column is None):
        raise ArgumentError("bots is events.Bots(per_minute=...) or events.Bots(column=...), one of the two.")
    if bots.per_minute is not None and (not isinstance(bots.per_minute, int) or bots.per_minute < 1):
        raise ArgumentError(f"per_minute is a number of events, 1 or more; got {bots.per_minute!r}.")
    try:
        re.compile(bots.pattern)
    except (re.error, TypeError) as error:
        raise ArgumentError(f"pattern is a regular expression; {bots.pattern!r}: {error}.") from error


def _people(log: Log, bots: Bots) -> Plan:
    if bots.per_minute is not None:
        busy = log.rows.select(log.user, (nw.col(TIME) // (60 * MICRO)).alias("cxux_minute"))
        many = busy.group_by(log.user, "cxux_minute").agg(nw.len().alias("cxux_n"))
        found = many.filter(nw.col("cxux_n") > bots.per_minute)
    else:
        column = nw.col(str(bots.column)).cast(nw.String)
        found = log.rows.filter(column.str.contains(f"(?i){bots.pattern}").fill_null(False))
    found = found.group_by(log.user).agg(nw.len().alias("cxux_n")).select(log.user)
    return log.rows.join(found, on=log.user, how="anti")


def left_out(log: Log, *, key: str | None = None) -> pd.DataFrame:
    """Count the events that each rule of a log leaves out: one row per rule, in the order in which they apply.

    Args:
        log: of `read`.
        key: column of sessions, as given to `sessions`, `attempts` or `funnel`: events without one are left out there.

    Returns:
        A table: rule, events (left out by it), and at the end "counted", the events that remain.

    Raises:
        ColumnError: there is no such column.

    Source: practice. Checked against: a slow reference in the tests.

    >>> frame = pd.DataFrame({"user_id": [1, None], "event": ["a", "b"], "at": pd.to_datetime(["2026-01-01"] * 2)})
    >>> left_out(read(frame))
           rule  events
    0   no user       1
    1  no event       0
    2   no time       0
    3   counted       1
    """
    opened(log)
    checks.columns(log.rows, [key] if key else [])
    flags, before = [], nw.lit(False)
    for i, flag in enumerate(_nothing(log).values()):
        flags.append((flag & ~before).cast(nw.Int64).alias(f"lost{i}"))
        before = before | flag
    lost = rows(log.raw.select(nw.lit(1).alias("all"), *flags).select(nw.all().sum())).iloc[0].fillna(0)
    found = {rule: int(lost[f"lost{i}"]) for i, rule in enumerate(_nothing(log))}
    remain = int(lost["all"]) - sum(found.values())
    for rule, plan in log.rules:
        after = _many(plan)
        found[rule], remain = remain - after, after
    if key:
        after = _many(log.rows.filter(~absent(log.rows, key)))
        found[f"no {key}"], remain = remain - after, after
    found["counted"] = remain
    return pd.DataFrame({"rule": list(found), "events": list(found.values())})


def _many(plan: Plan) -> int:
    return int(rows(plan.select(nw.len().alias("n")))["n"].iloc[0])


def events_of(names: str | Sequence[str], what: str) -> tuple[str, ...]:
    """Names of events as a tuple, refused where they are none."""
    if isinstance(names, str):
        return (names,)
    if not isinstance(names, Sequence) or not all(isinstance(each, str) for each in names):
        raise ArgumentError(f"{what} is a name of an event or several; got {names!r}.")
    return tuple(names)


def is_in(log: Log, names: Sequence[str]) -> nw.Expr:
    """Whether an event is one of these."""
    if len(names) == 1:
        return nw.col(log.event) == nw.lit(names[0])
    return nw.col(log.event).is_in(list(names)) if names else nw.lit(False)


def known(log: Log, name: str) -> nw.Expr:
    """A column whose missing values are null on every engine."""
    if log.rows.collect_schema()[name].is_float():
        return nw.when(~absent(log.rows, name)).then(nw.col(name))
    return nw.col(name)


def ends_of(log: Log) -> tuple[int, int]:
    """The first and the last time of a log, in microseconds."""
    found = logs.ends_of(log.rows, log.at, log.at_unit)
    if found is None:
        raise SampleError("The log has no events that count; events.left_out(log) says why.")
    return found


def log_end(log: Log, until: Time | None) -> tuple[int, int, Log]:
    """The first time and the end of a log in microseconds, and the log without the events after its end."""
    first, last = ends_of(opened(log))
    if until is None:
        return first, last, log
    end = micros(until)
    if end < first:
        raise SampleError(f"until, {until}, is before the log's first event, {pd.Timestamp(first, unit='us')} UTC.")
    return first, end, log if end >= last else replace(log, rows=log.rows.filter(nw.col(TIME) <= end))


def micros(at: Time, zone: str = "UTC") -> int:
    """A time as microseconds since 1970 UTC; of a date the end of its day, of a text that names a day its beginning."""
    if isinstance(at, date) and not isinstance(at, datetime):
        return micros(datetime(at.year, at.month, at.day) + timedelta(days=1), zone)
    try:
        stamp = pd.Timestamp(at) if isinstance(at, datetime | str) else pd.NaT
    except ValueError:
        stamp = pd.NaT
    if stamp is pd.NaT:
        raise ArgumentError(f"until is a time stamp, such as '2026-03-01 18:00', or a date; got {at!r}.")
    here = stamp.tz_localize(zone, ambiguous=False, nonexistent="shift_forward") if stamp.tzinfo is None else stamp
    return int(here.tz_convert("UTC").tz_localize(None).as_unit("us").to_datetime64().astype("int64"))
