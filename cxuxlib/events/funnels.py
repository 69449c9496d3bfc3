"""Funnels: who got how far along an ordered path, with intervals over users."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import narwhals as nw
import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.events import checks
from cxuxlib.events.logs import MICRO, Log, Time, events_of, is_in, known, log_end
from cxuxlib.frames.logs import TIME
from cxuxlib.frames.reading import absent, rows
from cxuxlib.frames.reduce import in_order
from cxuxlib.stats import intervals

__all__ = ["funnel"]

Plan = nw.LazyFrame[Any]


def funnel(
    log: Log,
    steps: Sequence[str | Sequence[str]],
    *,
    window_s: float,
    key: str | None = None,
    by: str | None = None,
    until: Time | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Count how many who enter a path reach each step of it, in order and in time, with intervals over users.

    An entry is a user, or a user's session where ``key`` says which. It begins with the first event of the first step;
    a step is reached by its first event at or after the time of the step before, and after the time of every earlier
    step that shares an event with it, no later than ``window_s`` seconds after the beginning. Other events may come
    between. Entries whose window was not over when the log ended are no entries yet: they are left out and counted.

    Args:
        log: of `read`.
        steps: two or more names of events, or groups of names any of which will do.
        window_s: seconds from the beginning within which a step must be reached, above 0.
        key: column of sessions; without it a user enters once. Events without one are left out, and counted by
            `left_out` with this key.
        by: column of segments, read at the beginning of the entry (the least where several come at once, missing ones
            aside); entries without one are "(missing)".
        until: end of the log, included: a time (UTC where it names no zone) or a date, whose whole day was observed;
            by default the time of its last event.
        level: confidence level, 0 to 1.

    Returns:
        One row per segment and step: segment, step (from 1), event, entries, reached, value (reached / entries; 1 at
        the first step, by definition), low, high, from_previous (reached / reached the step before), previous_low,
        previous_high, n (users), method, level, n_immature (entries left out, of the segment). A share of no entries is
        missing, and ``method`` says so.

    Raises:
        ArgumentError, ColumnError: fewer than two steps; an event or a column that is not there. SampleError: the log
            has no events that count, nobody enters, or no entry's window is over.

    Source: practice; the intervals are `stats.intervals.adjusted_ratio`, clustered by user. Checked against: a slow
    reference in the tests, on six engines; coverage by simulation.

    >>> from cxuxlib.events import read
    >>> log = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "event": ["cart", "paid", "paid", "cart", "cart"]})
    >>> log["at"] = pd.to_datetime(["2026-01-01"] * 5) + pd.to_timedelta([0, 60, 0, 60, 0], unit="s")
    >>> table = funnel(read(log), ["cart", "paid"], window_s=3600, until="2026-01-02")
    >>> table[["event", "entries", "reached", "value"]].round(2)
      event  entries  reached  value
    0  cart        3        3   1.00
    1  paid        3        1   0.33
    """
    intervals.check_level(level)
    names = [events_of(step, "a step") for step in ([] if isinstance(steps, str) else steps)]
    _, end, log = log_end(log, until)
    _check(log, names, window_s, key, by)
    window = round(window_s * MICRO)
    reached = _reached(log, names, key, by, window)
    table = _patterns(reached.with_columns((nw.col("t0") + window <= end).alias("over")), len(names))
    found, early = table[table["over"]], table[~table["over"]]
    if table.empty:
        raise SampleError(f"No event of the first step has a {key!r}; nobody enters the funnel.")
    if found.empty:
        raise SampleError(
            f"None of {_entries(early):,} entries had its {window_s:g} s when the log ended. Take a shorter "
            "window_s, or say until=..., the time up to which events would be in the log."
        )
    shares = _shares(found, names, level)
    return shares.assign(n_immature=[_entries(early[early["segment"] == each]) for each in shares["segment"]])


def _entries(table: pd.DataFrame) -> int:
    return int((table["c0"] * table["users"]).sum())


def _check(log: Log, names: Sequence[tuple[str, ...]], window_s: float, key: str | None, by: str | None) -> None:
    if len(names) < 2 or not all(names):
        raise ArgumentError("A funnel has two steps or more, such as ['cart', 'shipping', 'purchase'].")
    checks.seconds("window_s", window_s)
    extra = [name for name in (key, by) if name is not None]
    checks.columns(log.rows, extra)
    checks.apart([log.user, log.event, log.at, *extra])
    known = checks.common(log.rows, log.event)
    for number, step in enumerate(names, start=1):
        checks.occurs(log.rows, log.event, step, f"Step {number}", known)


def _reached(log: Log, names: Sequence[tuple[str, ...]], key: str | None, by: str | None, window: int) -> Plan:
    """One row per entry: u, k, segment, and the time t0, t1, ... of each step, missing where it was not reached."""
    own = ["u", "k"] if key else ["u"]
    plan = log.rows.filter(~absent(log.rows, key)) if key else log.rows
    columns = [nw.col(log.user).alias("u"), *([nw.col(key).alias("k")] if key else []), nw.col(TIME).alias("t")]
    begin = plan.filter(is_in(log, names[0])).select(*columns, *([known(log, by).alias("segment")] if by else []))
    if by:
        begin = begin.with_columns(nw.col("t").min().over(*own).alias("t0")).filter(nw.col("t") == nw.col("t0"))
    segment = [nw.col("segment").min()] if by else []
    reached = begin.group_by(*own).agg(nw.col("t").min().alias("t0"), *segment)
    carried = [*(["segment"] if by else []), "t0"]
    for i, step in enumerate(names[1:], start=1):
        events = plan.filter(is_in(log, step)).select(*columns)
        both = reached.join(events, on=own, how="left")  # grows from itself once: else plans double with every step
        in_time = (nw.col("t") >= nw.col(f"t{i - 1}")) & (nw.col("t") <= nw.col("t0") + window)
        for j in [j for j in range(i) if set(names[j]) & set(step)]:
            in_time = in_time & (nw.col("t") > nw.col(f"t{j}"))
        both = both.with_columns(nw.when(in_time).then(nw.col("t")).alias(f"t{i}"))
        carried.append(f"t{i}")
        reached = both.group_by(*own).agg(*(nw.col(name).min() for name in carried))
    return reached if by else reached.with_columns(nw.lit("all").alias("segment"))


def _patterns(reached: Plan, many: int) -> pd.DataFrame:
    """How many users of a segment share the same counts c0, c1, ... of entries that reached the steps."""
    names = [f"c{i}" for i in range(many)]
    counts = [nw.col(f"t{i}").count().cast(nw.Int64).alias(name) for i, name in enumerate(names)]
    users = reached.group_by("segment", "over", "u").agg(*counts)
    found = rows(users.group_by("segment", "over", *names).agg(nw.len().alias("users"))).sort_values(names)
    found = found.sort_values("segment", key=in_order, ignore_index=True, kind="stable")
    segment = found["segment"].astype(object).where(found["segment"].notna(), "(missing)")
    return found.assign(segment=segment, over=found["over"].astype(bool))


def _shares(found: pd.DataFrame, names: Sequence[tuple[str, ...]], level: float) -> pd.DataFrame:
    lines = []
    for segment in dict.fromkeys(found["segment"]):
        part = found[found["segment"] == segment]
        how = "adjusted Wald over users" if part["c0"].max() > 1 else "adjusted Wald"
        for i, step in enumerate(names):
            line = (segment, i + 1, " or ".join(step), _entries(part), int((part[f"c{i}"] * part["users"]).sum()))
            whole, onward, method = (1.0, 1.0, 1.0), (nan, nan, nan), "by definition"
            if i:
                whole, onward = (_share(part, f"c{i}", before, level) for before in ("c0", f"c{i - 1}"))
                method = how if part[f"c{i - 1}"].any() else f"{how}; nobody reached the step before"
            lines.append((*line, *whole, *onward, int(part["users"].sum()), method, level))
    columns = ["segment", "step", "event", "entries", "reached", "value", "low", "high"]
    more = ["from_previous", "previous_low", "previous_high", "n", "method", "level"]
    return pd.DataFrame(lines, columns=[*columns, *more])


def _share(part: pd.DataFrame, of: str, among: str, level: float) -> tuple[float, float, float]:
    """A share with its adjusted Wald interval over users."""
    users, y, x = (part[name].to_numpy(float) for name in ("users", of, among))
    if not (users * x).sum():
        return nan, nan, nan
    totals = [float((users * each).sum()) for each in (x > 0, y, x, y * y, x * y, x * x, y, x)]
    z = intervals.normal_quantile(level)
    low, high = intervals.adjusted_ratio(intervals.RatioSums(*totals), [(1.0, z * z / 2), (0.0, z * z / 2)], level)
    value = totals[1] / totals[2]
    return value, min(value, max(0.0, low)), max(value, min(1.0, high))
