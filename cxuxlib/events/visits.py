"""Sessions: the visits that a log's events fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from cxuxlib.errors import ArgumentError
from cxuxlib.events import checks
from cxuxlib.events.logs import MICRO, Log, ends_of, events_of, is_in, known, opened
from cxuxlib.events.periods import DAY, local_time, offsets
from cxuxlib.frames.logs import TIME, give_back, stamped
from cxuxlib.frames.reading import absent

__all__ = ["sessions"]

Plan = nw.LazyFrame[Any]


def sessions(
    log: Log,
    *,
    gap_s: float = 1800.0,
    key: str | None = None,
    counts: Mapping[str, str | Sequence[str]] | None = None,
    keep: str | Sequence[str] = (),
    midnight: str | None = None,
) -> Any:
    """Cut a log into sessions: one row per session, as a frame of the kind the log came from.

    In order of time, an event of a user begins a new session where more than ``gap_s`` seconds have passed since the
    one before.

    Args:
        log: of `read`.
        gap_s: seconds of inactivity that end a session, above 0; 30 minutes by custom.
        key: column that tells a user's sessions apart already; then there is no gap, and events without one belong to
            no session (`left_out` with this key counts them).
        counts: name of a column in the result, and the events that it counts, such as {"n_pages": ["home", "search"]};
            a name that begins with "any_" is 1 where there is such an event and else 0.
        keep: columns to keep: the one value that a session's events have, missing ones aside; none (missing) where
            they have several.
        midnight: time zone in which a session also ends at midnight, as in some web analytics; None for no such end.

    Returns:
        One row per session: the user, ``session`` (a number from 1, or ``key``), ``start_at``, ``end_at``,
        ``duration_s``, ``n_events``, ``counts`` and ``keep``. Those that end less than ``gap_s`` before the log does
        may go on after it.

    Raises:
        ArgumentError, ColumnError: an argument is not clear; a column or an event is not there.

    Source: practice (30 minutes: web analytics). Checked against: a slow reference in the tests, on six engines.

    >>> import pandas as pd
    >>> from cxuxlib.events import read
    >>> log = pd.DataFrame({"user_id": 1, "event": ["a", "b", "a"]})
    >>> log["at"] = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 10:20", "2026-01-01 11:00"])
    >>> sessions(read(log), counts={"n_a": "a"})[["session", "duration_s", "n_events", "n_a"]]
       session  duration_s  n_events  n_a
    0        1      1200.0         2    1
    1        2         0.0         1    1
    """
    if not isinstance(counts or {}, Mapping):
        raise ArgumentError(f"counts is a dict of a name and its events, such as {{'n_paid': 'paid'}}; got {counts!r}.")
    opened(log)
    named = {name: events_of(events, f"counts[{name!r}]") for name, events in (counts or {}).items()}
    kept = (keep,) if isinstance(keep, str) else tuple(keep)
    own = key or "session"
    _check(log, gap_s, key, named, kept, midnight)
    flags = [nw.when(is_in(log, events)).then(nw.lit(1)).alias(f"c{i}") for i, events in enumerate(named.values())]
    values = [known(log, name).alias(f"v{i}") for i, name in enumerate(kept)]
    plan = log.rows if key is None else log.rows.filter(~absent(log.rows, key))
    keys = [nw.col(log.user).alias("u"), *([nw.col(key).alias("k")] if key else [])]
    plan = plan.select(*keys, nw.col(TIME).alias("t"), *flags, *values)
    if key is None:
        plan = _numbered(plan, round(gap_s * MICRO), _day(log, midnight) if midnight else None)
    found = plan.group_by("u", "k").agg(
        nw.col("t").min().alias("t0"), nw.col("t").max().alias("t1"), nw.len().alias("n"),
        *(nw.col(f"c{i}").count() for i in range(len(named))),
        *(nw.col(f"v{i}").min().alias(f"v{i}") for i in range(len(kept))),
        *(nw.col(f"v{i}").max().alias(f"w{i}") for i in range(len(kept))),
    )  # fmt: skip
    found = stamped(found, {"s0": "t0", "s1": "t1"}, log.home)
    many = [nw.col(f"c{i}") for i in range(len(named))]
    many = [(n > 0) if name.startswith("any_") else n for name, n in zip(named, many, strict=True)]
    found = found.select(
        nw.col("u").alias(log.user), nw.col("k").alias(own), nw.col("s0").alias("start_at"),
        nw.col("s1").alias("end_at"), ((nw.col("t1") - nw.col("t0")).cast(nw.Float64) / MICRO).alias("duration_s"),
        nw.col("n").cast(nw.Int64).alias("n_events"),
        *(n.cast(nw.Int64).alias(name) for name, n in zip(named, many, strict=True)),
        *(nw.when(nw.col(f"v{i}") == nw.col(f"w{i}")).then(nw.col(f"v{i}")).alias(name) for i, name in enumerate(kept)),
    )  # fmt: skip
    return give_back(found, log.home, sort=[log.user, "start_at", own])


def _check(
    log: Log,
    gap_s: float,
    key: str | None,
    counts: Mapping[str, tuple[str, ...]],
    keep: tuple[str, ...],
    midnight: str | None,
) -> None:
    checks.seconds("gap_s", gap_s)
    if key is not None and midnight is not None:
        raise ArgumentError("With a key, sessions are told apart already: there is no midnight to end them.")
    checks.columns(log.rows, [*keep, *([key] if key else [])])
    checks.apart([log.user, key or "session", "start_at", "end_at", "duration_s", "n_events", *counts, *keep])
    known = checks.common(log.rows, log.event) if counts else ()
    for name, events in counts.items():
        checks.occurs(log.rows, log.event, events, f"counts[{name!r}]", known)


def _day(log: Log, zone: str) -> nw.Expr:
    return local_time(nw.col("t"), offsets(zone, *ends_of(log))) // DAY


def _numbered(plan: Plan, gap: int, day: nw.Expr | None) -> Plan:
    """Add the number of the session; the first event of a user has none before it, which is no gap but a beginning."""
    if day is not None:
        plan = plan.with_columns(day.alias("d"))
    names = ("t",) if day is None else ("t", "d")
    plan = plan.with_columns(*(nw.col(name).shift(1).over("u", order_by="t").alias(f"{name}b") for name in names))
    begins = nw.col("tb").is_null() | (nw.col("t") - nw.col("tb") > gap).fill_null(True)
    if day is not None:
        begins = begins | (nw.col("d") != nw.col("db")).fill_null(True)
    # Where times tie, the row that begins must be counted first in the second pass as well.
    plan = plan.with_columns(begins.cast(nw.Int64).alias("new"), (~begins).cast(nw.Int64).alias("old"))
    return plan.with_columns(nw.col("new").cum_sum().over("u", order_by=["t", "old"]).cast(nw.Int64).alias("k"))
