"""Attempts at tasks, found in a log: who began, who got there, how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from cxuxlib.errors import ArgumentError, listed
from cxuxlib.events import checks
from cxuxlib.events.logs import MICRO, Log, Time, events_of, is_in, known, log_end, opened
from cxuxlib.frames.logs import TIME, give_back, stacked, stamped
from cxuxlib.frames.reading import absent, rows

__all__ = ["Task", "attempts", "unplaced"]

Plan = nw.LazyFrame[Any]

_KINDS = ("start", "step", "error", "failure", "success")  # the order in which ties in time are read
_OWN = ("task", "outcome", "success", "abandoned", "start_at", "duration_s", "n_clicks", "n_errors", "n_events")
_LONG_AGO = -(2**62)


@dataclass(frozen=True, slots=True)
class Task:
    """What counts as an attempt at a task, in names of events.

    Args:
        name: shown in results.
        start: events that begin an attempt; a new start gives up the attempt before.
        success, failure: events that end it.
        error, step: events that are counted in it, as ``n_errors`` and ``n_clicks``.
        timeout_s: seconds after which an attempt without an end is abandoned, above 0.
        optimal: fewest steps that the task needs.
    """

    name: str
    start: str | Sequence[str]
    success: str | Sequence[str]
    failure: str | Sequence[str] = ()
    error: str | Sequence[str] = ()
    step: str | Sequence[str] = ()
    timeout_s: float = 1800.0
    optimal: int | None = None


def attempts(
    log: Log,
    tasks: Task | Sequence[Task],
    *,
    key: str | None = None,
    by: str | Sequence[str] = (),
    until: Time | None = None,
) -> Any:
    """Find the attempts at tasks in a log: one row per attempt, as a frame of the kind the log came from.

    Without ``key`` a user's events of a task are read in order of time (where times tie: starts, steps, errors,
    failures, successes; in a log to the second a start takes the success of the same second), and every start opens an
    attempt. It holds the events up to the next start, but none after
    its end, which is the first failure or success, or later than its time-out.
    An attempt without an end is abandoned, but censored where neither the next start nor the time-out came before the
    end of the log.

    With ``key`` all events that share a user, ``by`` and a key are one attempt, from its first start to its first
    failure or success if that comes by the time-out; all of them count in ``n_clicks``, ``n_errors`` and ``n_events``.
    There is no sorting, which is several times as fast. Keys without a start, and keys that end before they start,
    are no attempts. `unplaced` counts what belongs to no attempt.

    Args:
        log: of `read`.
        tasks: one or more.
        key: column that tells attempts apart, such as a session of one task.
        by: columns whose values separate attempts and are kept, such as "platform"; "task", where one task is given,
            stands in the place of its name. A value that is missing separates too: fill it in, or an attempt falls
            into two.
        until: end of the log, included: a time (UTC where it names no zone) or a date, whose whole day was observed;
            by default the time of its last event.

    Returns:
        One row per attempt: the user, ``by``, ``key`` (or ``attempt``, a number from 1), ``task``, ``outcome``
        ("success", "failure", "abandoned", "censored"), ``success`` and ``abandoned`` (1 or 0; missing where the log
        ends before the time-out, whatever the outcome: success comes early and giving up late, so that counting what
        is known by then would flatter), ``start_at``, ``duration_s`` (to the end; to the last event where abandoned, at
        most the time-out; to the end of the log where censored), ``n_clicks`` and ``n_errors`` (missing like
        ``success``, for more may come), ``n_events``, and ``n_optimal`` where a task says so.

    Raises:
        ArgumentError: a task is not clear. ColumnError: a task's start never occurs, or a column is not there.
        SampleError: the log has no events that count.

    Warns:
        UserWarning: another event of a task never occurs, which may be the truth or a misspelt name.

    Source: practice; ISO 9241-11:2018 for what is measured. Checked against: a slow reference in the tests, on six
    engines.

    >>> from cxuxlib.events import read
    >>> log = pd.DataFrame({"user_id": 1, "event": ["cart", "error", "paid", "cart", "other"]})
    >>> log["at"] = pd.to_datetime(["2026-01-01"] * 5) + pd.to_timedelta([0, 10, 30, 100, 9000], unit="s")
    >>> attempts(read(log), Task("buy", "cart", "paid", error="error"))[["outcome", "duration_s", "n_errors"]]
         outcome  duration_s  n_errors
    0    success        30.0         1
    1  abandoned         0.0         0
    """
    wanted, groups, end, log = _opened(log, tasks, key, by, until)
    optimal = any(task.optimal is not None for task in wanted)
    found = stamped(stacked([_one(log, task, key, groups, end) for task in wanted]), {"s0": "t0"}, log.home)
    own = [log.user, *groups, key or "attempt"]
    names = [name for name in _OWN if name not in groups] + (["n_optimal"] if optimal else [])
    shown = {"start_at": "s0"}
    found = found.select(
        *(nw.col(short).alias(name) for short, name in zip(_short(groups), own, strict=True)),
        *(nw.col(shown.get(name, name)).alias(name) for name in names),
    )
    return give_back(found, log.home, sort=[log.user, *groups, "start_at", own[-1], "task"])


def unplaced(
    log: Log,
    tasks: Task | Sequence[Task],
    *,
    key: str | None = None,
    by: str | Sequence[str] = (),
    until: Time | None = None,
) -> pd.DataFrame:
    """Count what `attempts` leaves out: events of a task that belong to no attempt, and keys that hold none.

    Args:
        log, tasks, key, by, until: as given to `attempts`.

    Returns:
        One row per task and reason: task, reason, n. Reasons: "events before any start", "events after the end or the
        time-out"; with a key "keys without a start", "keys that end before they start", "events without a key".

    Raises:
        ArgumentError, ColumnError, SampleError: as of `attempts`.

    Source: practice. Checked against: a slow reference in the tests.

    >>> from cxuxlib.events import read
    >>> log = pd.DataFrame({"user_id": 1, "event": ["paid", "cart"], "at": pd.to_datetime(["2026-01-01"] * 2)})
    >>> unplaced(read(log.assign(at=log["at"] + pd.to_timedelta([0, 9], unit="s"))), Task("buy", "cart", "paid"))
      task                                reason  n
    0  buy               events before any start  1
    1  buy  events after the end or the time-out  0
    """
    wanted, groups, _, log = _opened(log, tasks, key, by, until)
    found = []
    for task in wanted:
        counts = _unkeyed(log, task, groups) if key is None else _out_of_order(log, task, key, groups)
        found += [(task.name, reason, n) for reason, n in counts.items()]
    return pd.DataFrame(found, columns=["task", "reason", "n"])


def _unkeyed(log: Log, task: Task, by: tuple[str, ...]) -> dict[str, int]:
    early = nw.col("k") == 0
    late = nw.col("n_all").cast(nw.Int64) - nw.col("n_events")
    before, after = nw.when(early).then(nw.col("n_all").cast(nw.Int64)), nw.when(~early).then(late)
    many = _totals(_sequence(log, task, by), before, after)
    return {"events before any start": many[0], "events after the end or the time-out": many[1]}


def _out_of_order(log: Log, task: Task, key: str, by: tuple[str, ...]) -> dict[str, int]:
    begun = ~nw.col("t0").is_null()
    many = _totals(_keyed(log, task, key, by), (~begun).cast(nw.Int64), (begun & ~_in_order()).cast(nw.Int64))
    lost = _totals(log.rows, absent(log.rows, key).cast(nw.Int64))
    names = ("keys without a start", "keys that end before they start", "events without a key")
    return dict(zip(names, many + lost, strict=True))


def _totals(plan: Plan, *values: nw.Expr) -> list[int]:
    names = [f"n{i}" for i in range(len(values))]
    found = plan.select(*(value.alias(name) for name, value in zip(names, values, strict=True))).select(nw.all().sum())
    return [int(each) for each in rows(found).iloc[0].fillna(0)]


def _opened(
    log: Log, tasks: Task | Sequence[Task], key: str | None, by: str | Sequence[str], until: Time | None
) -> tuple[list[Task], tuple[str, ...], int, Log]:
    """The tasks, the groups, the end of the log and the log up to it, all of them checked."""
    wanted = [tasks] if isinstance(tasks, Task) else list(tasks)
    groups = (by,) if isinstance(by, str) else tuple(by)
    if not wanted or not all(isinstance(each, Task) for each in wanted):
        raise ArgumentError("tasks is one or more events.Task(name, start=..., success=...).")
    names = [task.name for task in wanted]
    if len(set(names)) < len(names):
        raise ArgumentError(f"Two tasks have one name: {listed(names)}.")
    taken = [name for name in (*_OWN, "n_optimal") if not (name == "task" in groups and len(wanted) == 1)]
    checks.apart([opened(log).user, *groups, key or "attempt", *taken])
    checks.columns(log.rows, [*groups, *([key] if key else [])])
    for task in wanted:
        _check(task)
    _, end, log = log_end(log, until)
    known = checks.common(log.rows, log.event)
    for task in wanted:
        checks.occurs(log.rows, log.event, events_of(task.start, "start"), f"Task {task.name!r} never starts", known)
        for kind in _KINDS[1:]:
            wanted_events = events_of(getattr(task, kind), kind)
            checks.warn_of_absent(log.rows, log.event, wanted_events, f"Task {task.name!r} counts no {kind}", known)
    return wanted, groups, end, log


def _check(task: Task) -> None:
    kinds = {kind: events_of(getattr(task, kind), f"{kind} of task {task.name!r}") for kind in _KINDS}
    if not isinstance(task.name, str) or not kinds["start"] or not kinds["success"]:
        raise ArgumentError(f"Task {task.name!r} needs a name, a start and a success.")
    every = [name for names in kinds.values() for name in names]
    twice = [name for name in dict.fromkeys(every) if every.count(name) > 1]
    if twice:
        raise ArgumentError(f"Task {task.name!r} gives {listed(twice)} two meanings; an event has one in a task.")
    checks.seconds(f"Task {task.name!r}: timeout_s", task.timeout_s)
    if task.optimal is not None and (not isinstance(task.optimal, int) or task.optimal < 1):
        raise ArgumentError(f"Task {task.name!r}: optimal is a number of steps, 1 or more; got {task.optimal!r}.")


def _is(log: Log, task: Task, kind: str) -> nw.Expr:
    return is_in(log, events_of(getattr(task, kind), kind))


def _timeout(task: Task) -> int:
    return round(task.timeout_s * MICRO)


def _short(by: Sequence[str]) -> list[str]:
    """The keys of an attempt as the plans call them, so that no column of the log can clash."""
    return ["u", *(f"g{i}" for i in range(len(by))), "k"]


def _keys(log: Log, by: Sequence[str], key: str | None) -> list[nw.Expr]:
    names = [log.user, *by, *([key] if key else [])]
    return [known(log, name).alias(short) for short, name in zip(_short(by), names, strict=False)]


def _sequence(log: Log, task: Task, by: tuple[str, ...]) -> Plan:
    """One row per attempt, as `_keyed` has them; n_all counts the task's events up to the next start.

    Number k is 0 for what comes before any start. The one sort of all events gives each its attempt and how many ends
    (e) came up to it; an attempt's first e is that of its start, and only events of that e precede its end.
    """
    rank = nw.lit(len(_KINDS))
    for place, kind in enumerate(_KINDS):
        if getattr(task, kind):
            rank = nw.when(_is(log, task, kind)).then(nw.lit(place)).otherwise(rank)
    own, short = _short(by)[:-1], _short(by)
    plan = log.rows.select(*_keys(log, by, None), nw.col(TIME).alias("t"), rank.alias("rank"))
    plan = plan.filter(nw.col("rank") < len(_KINDS))
    starts, ends = nw.col("rank") == 0, (nw.col("rank") >= 3).cast(nw.Int64)
    order = ["t", "rank"]
    plan = plan.with_columns(
        starts.cast(nw.Int64).cum_sum().over(*own, order_by=order).cast(nw.Int64).alias("k"),
        nw.when(starts).then(nw.col("t")).otherwise(_LONG_AGO).cum_max().over(*own, order_by=order).alias("t0"),
        ends.cum_sum().over(*own, order_by=order).cast(nw.Int64).alias("e"),
    )
    in_time = nw.col("t") <= nw.col("t0") + _timeout(task)
    of = {kind: nw.when((nw.col("rank") == place) & in_time).then(nw.col("t")) for place, kind in enumerate(_KINDS)}
    plan = plan.select(
        *short, "e", "t0", nw.when(in_time).then(nw.col("t")).alias("t2"), of["success"].alias("ts"),
        of["failure"].alias("tf"), of["step"].alias("n_clicks"), of["error"].alias("n_errors"),
    )  # fmt: skip
    counts = ["n_clicks", "n_errors", "n_events"]
    plan = plan.group_by(*short, "e").agg(
        nw.col("t0").min(), nw.col("ts").min(), nw.col("tf").min(), nw.col("t2").max().alias("t2"),
        nw.col("t2").count().alias("n_events"), nw.col("n_clicks").count(), nw.col("n_errors").count(),
        nw.len().alias("n_all"),
    )  # fmt: skip
    plan = plan.with_columns((nw.col("e") == nw.col("e").min().over(*short)).alias("open"))
    plan = plan.with_columns(*(nw.when(nw.col("open")).then(nw.col(name)).alias(name) for name in ("t2", *counts)))
    found = plan.group_by(*short).agg(
        nw.col("t0", "ts", "tf").min(), nw.col("t2").max(), nw.col(*counts, "n_all").sum()
    )  # fmt: skip
    end = (~(nw.col("ts").is_null() & nw.col("tf").is_null())).cast(nw.Int64)
    return found.with_columns(
        (nw.col("n_events").cast(nw.Int64) + end).alias("n_events"),
        (nw.col("k") == nw.col("k").max().over(*own)).alias("final"),
    )


def _keyed(log: Log, task: Task, key: str, by: tuple[str, ...]) -> Plan:
    """One row per key: u, g0..., k; t0 start, ts success, tf failure, t2 last event, and counts."""
    time = nw.col(TIME)
    names = {"t0": "start", "ts": "success", "tf": "failure", "n_clicks": "step", "n_errors": "error"}
    wanted = {name: kind for name, kind in names.items() if getattr(task, kind)}
    times = [nw.when(_is(log, task, kind)).then(time).alias(name) for name, kind in wanted.items()]
    plan = log.rows.filter(~absent(log.rows, key)).select(*_keys(log, by, key), time.alias("t"), *times)
    found = plan.group_by(*_short(by)).agg(
        nw.col("t").max().alias("t2"), nw.len().alias("n_events"),
        *(nw.col(name).count() if name.startswith("n_") else nw.col(name).min() for name in wanted),
    )  # fmt: skip
    none = {name: 0 if name.startswith("n_") else None for name in names if name not in wanted}
    return found.with_columns(
        nw.lit(True).alias("final"), *(nw.lit(value, nw.Int64).alias(name) for name, value in none.items())
    )


def _in_order() -> nw.Expr:
    return (nw.col("ts").is_null() | (nw.col("ts") >= nw.col("t0"))) & (
        nw.col("tf").is_null() | (nw.col("tf") >= nw.col("t0"))
    )


def _one(log: Log, task: Task, key: str | None, by: tuple[str, ...], end: int) -> Plan:
    """The attempts at one task, with t0 for their start."""
    if key is None:
        found = _sequence(log, task, by).filter(nw.col("k") > 0)
    else:
        found = _keyed(log, task, key, by).filter(~nw.col("t0").is_null() & _in_order())
    t0, ts, tf, t2 = (nw.col(name) for name in ("t0", "ts", "tf", "t2"))
    limit = t0 + _timeout(task)
    won = ~ts.is_null() & (ts <= limit) & (tf.is_null() | (ts < tf))
    lost = ~tf.is_null() & (tf <= limit) & (ts.is_null() | (tf <= ts))
    found = found.with_columns(won.fill_null(False).alias("won"), lost.fill_null(False).alias("lost"))
    won, lost = nw.col("won"), nw.col("lost")
    open_ = ~won & ~lost & nw.col("final") & (limit > end)
    outcome = nw.when(won).then(nw.lit("success")).otherwise(
        nw.when(lost).then(nw.lit("failure")).otherwise(
            nw.when(open_).then(nw.lit("censored")).otherwise(nw.lit("abandoned"))))  # fmt: skip
    stop = nw.when(won).then(ts).otherwise(
        nw.when(lost).then(tf).otherwise(
            nw.when(open_).then(nw.lit(end)).otherwise(
                nw.when(t2 < limit).then(t2).otherwise(limit))))  # fmt: skip
    return found.select(
        *_short(by), "t0",
        *([] if "task" in by else [nw.lit(task.name).alias("task")]),
        outcome.alias("outcome"),
        nw.when(limit <= end).then(won.cast(nw.Float64)).alias("success"),
        nw.when(limit <= end).then((~won & ~lost).cast(nw.Float64)).alias("abandoned"),
        ((stop - t0).cast(nw.Float64) / MICRO).alias("duration_s"),
        *(nw.when(limit <= end).then(nw.col(name).cast(nw.Int64)).alias(name) for name in ("n_clicks", "n_errors")),
        nw.col("n_events").cast(nw.Int64),
        nw.lit(task.optimal, nw.Int64).alias("n_optimal"),
    )  # fmt: skip
