"""Sessions, attempts, funnels, lifetimes and journeys of any log, on every engine, against a slow reference."""

from collections.abc import Callable
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from cxuxlib import events
from cxuxlib.errors import ColumnError, SampleError
from tests import events_reference as slow
from tests.events_logs import (
    BUY,
    EVENTS,
    NIGHTS,
    STEPS,
    TASK,
    Night,
    agree,
    check_all,
    fixed,
    lines,
    nights,
    plain,
    table,
)  # fmt: skip
from tests.events_reference import Row

Native = Callable[[pd.DataFrame], Any]
Logged = tuple[Night, list[Row]]

few = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
many = settings(max_examples=40)


# Generated logs need not hold every event of a task.
pytestmark = pytest.mark.filterwarnings("ignore:Task .* counts no :UserWarning")


def in_polars(frame: pd.DataFrame) -> Any:
    return pl.from_pandas(frame)


def check_sessions(native: Native, logged: Logged) -> None:
    night, rows = logged
    log, (counted, lost) = events.read(native(table(rows, night.zone))), slow.counted(rows)
    there = sorted({row["event"] for row in counted})[:2]
    counts = {"n_some": there, "any_first": there[:1]} if there else {}
    keep = ["device", "paid"]
    found = events.sessions(log, gap_s=1800, counts=counts, keep=keep)
    agree(found, slow.sessions(counted, 1800, None, counts, keep), "user_id", "session")
    found = events.sessions(log, key="visit", counts=counts)
    agree(found, slow.sessions(counted, 0, "visit", counts), "user_id", "visit")
    left = {rule: int(n) for rule, n in events.left_out(log, key="visit").itertuples(index=False)}
    unkeyed = sum(row["visit"] is None for row in counted)
    assert left == lost | {"no visit": unkeyed, "counted": len(counted) - unkeyed}
    if counted:
        found = events.sessions(log, gap_s=7200, midnight=night.zone)
        agree(found, slow.sessions(counted, 7200, midnight=night.zone), "user_id", "session")


@many
@given(nights())
def test_sessions(logged: Logged) -> None:
    check_sessions(in_polars, logged)


@few
@given(nights())
def test_sessions_on_each_engine(frame: Native, logged: Logged) -> None:
    check_sessions(frame, logged)


def check_attempts(native: Native, logged: Logged) -> None:
    night, rows = logged
    log, (counted, _) = events.read(native(table(rows))), slow.counted(rows)
    if not any(row["event"] == "cart" for row in counted):
        with pytest.raises(ColumnError if counted else SampleError):
            events.attempts(log, BUY)
        return
    by = ["device"]
    until = night.begin + 3 * 3600 * slow.SECOND if len(rows) % 2 else None
    stamp = None if until is None else pd.Timestamp(until, unit="us")
    if not any(row["event"] == "cart" and row["at"] <= (until or row["at"]) for row in counted):
        return
    expected, lost = slow.attempts(counted, TASK, by, until)
    agree(events.attempts(log, BUY, by=by, until=stamp), expected, "user_id", "device", "attempt")
    left = events.unplaced(log, BUY, by=by, until=stamp)
    assert dict(zip(left["reason"], left["n"], strict=True)) == lost
    mine = sum(row["event"] != "other" and row["at"] <= (until or row["at"]) for row in counted)
    assert sum(lost.values()) + sum(row["n_events"] for row in expected) == mine  # no event is lost
    expected, lost = slow.keyed_attempts(counted, TASK, "visit", by, until)
    agree(events.attempts(log, BUY, key="visit", by=by, until=stamp), expected, "user_id", "device", "visit")
    left = events.unplaced(log, BUY, key="visit", by=by, until=stamp)
    assert dict(zip(left["reason"], left["n"], strict=True)) == lost


@many
@given(nights())
def test_attempts(logged: Logged) -> None:
    check_attempts(in_polars, logged)


@few
@given(nights())
def test_attempts_on_each_engine(frame: Native, logged: Logged) -> None:
    check_attempts(frame, logged)


def check_funnel(native: Native, logged: Logged) -> None:
    _, rows = logged
    log, (counted, _) = events.read(native(table(rows))), slow.counted(rows)
    there = {row["event"] for row in counted}
    steps = [step for step in STEPS if there & set(step)]
    if len(steps) < 2:
        return
    last = max(row["at"] for row in counted)
    for key, by, until in ((None, None, last), ("visit", "device", last + 6000 * slow.SECOND), ("visit", "paid", last)):
        expected = slow.funnel(counted, steps, 5400, key, by, until)
        stamp = pd.Timestamp(until, unit="us").isoformat()
        if not expected:
            with pytest.raises(SampleError):
                events.funnel(log, steps, window_s=5400, key=key, by=by, until=stamp)
            continue
        found = events.funnel(log, steps, window_s=5400, key=key, by=by, until=stamp)
        texts = [row | {"segment": str(row["segment"])} for row in expected]
        agree(found.assign(segment=found["segment"].astype(str)), texts, "segment", "step")
        assert found["value"].between(found["low"], found["high"]).all()
        assert found.groupby("segment", sort=False)["value"].is_monotonic_decreasing.all()


@many
@given(nights())
def test_funnel(logged: Logged) -> None:
    check_funnel(in_polars, logged)


@few
@given(nights())
def test_funnel_on_each_engine(frame: Native, logged: Logged) -> None:
    check_funnel(frame, logged)


def check_customers(native: Native, logged: Logged) -> None:
    night, rows = logged
    counted, _ = slow.counted(rows)
    if not counted:
        return
    first, last = (choose(row["at"] for row in counted) for choose in (min, max))
    whole = native(table(counted, night.zone))  # one for all: relations of several connections cannot be joined
    log, patience = events.read(native(table(rows, night.zone))), 1 / 24
    ways: list[dict[str, Any]] = [{}, {"pauses": "forgiven", "from_start": True}]
    for way in ways if len(rows) % 2 else [{"from_start": True}, {"pauses": "forgiven"}]:
        if last - first > patience * slow.DAY * (1 if "from_start" in way else 2):
            found = events.lifetimes(log, inactive_d=patience, **way)
            agree(found, slow.lifetimes(counted, patience, **way), "user_id")
        else:
            with pytest.raises(SampleError, match="nobody can be seen"):
                events.lifetimes(log, inactive_d=patience, **way)
    for period in ("day", "week", "month"):
        sources = {"bought": [row for row in counted if row["event"] in EVENTS[:3]], "did": counted}
        some = nw.from_native(whole).filter(nw.col("event").is_in(EVENTS[:3])).to_native()
        frames = {"bought": some, "did": whole}
        given_ = {
            name: events.Source(frames[name], "at", *({k + name[0]: "paid"} for k in ("mean_", "sum_")))
            for name, each in sources.items()
            if each
        }
        sources = {name: each for name, each in sources.items() if each}
        means, totals = ({name: {k + name[0]: "paid"} for name in sources} for k in ("mean_", "sum_"))
        until = None if period == "day" else last + 1
        expected = slow.journey(sources, means, totals, night.zone, period, until)
        stamp = None if until is None else pd.Timestamp(until, unit="us", tz="UTC")
        arguments = {"period": period, "zone": night.zone, "until": stamp}
        if not expected:
            with pytest.raises(SampleError, match="no source has anything"):
                events.journey(given_, **arguments)
        else:
            agree(events.journey(given_, **arguments), expected, "user_id", "period")


@many
@given(nights())
def test_lifetimes_and_journeys(logged: Logged) -> None:
    check_customers(in_polars, logged)


@few
@given(nights())
def test_lifetimes_and_journeys_on_each_engine(frame: Native, logged: Logged) -> None:
    check_customers(frame, logged)


@pytest.mark.parametrize("kind", ["text", "category", "float", "Int64", "date"])
def test_users_of_any_type(frame: Native, kind: str) -> None:
    users = {
        "text": ("u1", "", "ü 3"),
        "category": ("b", "a", "c"),
        "date": (pd.Timestamp("2026-01-01"), pd.Timestamp(0)),
    }
    rows = fixed(users.get(kind, (1, 2, 3)))
    data = table(rows)
    data = data.astype({"user_id": {"text": "str", "category": "category", "date": "datetime64[us]"}.get(kind, kind)})
    if kind == "category":
        data = data.astype({"event": "category", "device": "category", "visit": "category"})
    if kind == "date":
        rows = [row | {"user_id": plain(row["user_id"])} for row in rows]
    check_all(events.read(frame(data, missing="nan") if kind == "float" else frame(data)), rows, NIGHTS[1].zone)


@pytest.mark.parametrize("kind", ["s", "ms", "us", "float", "zone", "nanoseconds", "objects"])
def test_times_of_any_kind(frame: Native, kind: str) -> None:
    rows, zone = fixed(zone=3), NIGHTS[3].zone
    data = table(rows, zone if kind == "zone" else None)
    stamps, unit = data["at"], None
    numbers = pd.Series(pd.array([row["at"] for row in rows], dtype="Int64"))
    if kind in ("s", "ms", "us"):
        data["at"], unit = numbers // {"s": 1_000_000, "ms": 1000, "us": 1}[kind], kind
    elif kind == "float":
        data["at"], unit = (numbers / 1e6).astype(float), "s"
    elif kind == "nanoseconds":
        data["at"] = stamps.astype("datetime64[ns]")
    elif kind == "objects":
        data["at"] = stamps.astype(object)
    check_all(events.read(frame(data), at_unit=unit), rows, zone)  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", [None, "UTC", "America/Sao_Paulo"])
def test_times_come_back_on_their_own_clock(frame: Native, zone: str | None) -> None:
    data = table(fixed()).dropna()
    data["at"] = data["at"].dt.tz_localize(zone)
    found = events.sessions(events.read(frame(data)))
    if isinstance(found, pd.DataFrame):
        assert found["start_at"].dtype == data["at"].dtype
        return
    dtype: Any = nw.from_native(found).collect_schema()["start_at"]
    if nw.from_native(found).implementation.is_duckdb():
        assert (dtype.time_zone is None) == (zone is None)  # a relation has instants, shown in the connection's zone
    else:
        assert dtype == nw.Datetime("us", zone)


@pytest.mark.parametrize("arrow", [False, True])
def test_a_clock_may_be_a_fixed_offset(arrow: bool) -> None:  # which Polars does not know
    rows = fixed()
    data = table(rows)
    data["at"] = data["at"].dt.tz_localize("UTC").dt.tz_convert("+05:45")
    log = events.read(pa.Table.from_pandas(data) if arrow else data)
    check_all(log, rows, NIGHTS[1].zone)
    found = events.lifetimes(log, inactive_d=0.1)
    assert str(found.schema.field("first_at").type if arrow else found["first_at"].dtype).endswith("+05:45]")


def test_dates_are_days_at_midnight(frame: Native) -> None:
    days = [date(2026, 1, 1), date(2026, 1, 3), None]
    data = pd.DataFrame({"user_id": [1, 1, 1], "event": ["a", "b", "a"], "at": pd.Series(days, dtype=object)})
    found = lines(events.sessions(events.read(frame(data)), gap_s=3 * 86_400))
    assert [(row["duration_s"], row["n_events"]) for row in found] == [(2 * 86_400.0, 2)]


@few
@given(nights())
def test_duplicates_count_once_if_asked(frame: Native, logged: Logged) -> None:
    night, rows = logged
    counted, lost = slow.counted(rows, "drop")
    log = events.read(frame(table(rows, night.zone)), duplicates="drop")
    assert events.left_out(log)["events"].tolist() == [*lost.values(), len(counted)]
    agree(events.sessions(log), slow.sessions(counted), "user_id", "session")


def test_bots_are_left_out_as_users(frame: Native) -> None:
    data = pd.DataFrame({"user_id": [1] * 5 + [2] * 3 + [3], "event": "a", "agent": [None] * 8 + ["GoogleBot/2"]})
    data["at"] = pd.to_datetime("2026-01-01 10:00:50") + pd.to_timedelta([0, 1, 2, 3, 4, 0, 9, 20, 0], unit="s")
    busy = events.read(frame(data), bots=events.Bots(per_minute=4))
    assert events.left_out(busy).to_dict("list") == {
        "rule": ["no user", "no event", "no time", "bots", "counted"], "events": [0, 0, 0, 5, 4],
    }  # fmt: skip
    assert [row["user_id"] for row in lines(events.sessions(busy))] in ([2, 3], [3, 2])
    named = events.read(frame(data), bots=events.Bots(column="agent"))
    assert {row["user_id"] for row in lines(events.sessions(named))} == {1, 2}


def test_several_tasks_at_once(frame: Native) -> None:
    rows, _ = slow.counted(fixed())
    other = {"name": "look", "start": ("view",), "success": ("other",), "timeout_s": 60.0}
    log = events.read(frame(table(rows)))
    found = events.attempts(log, [events.Task(**TASK, optimal=4), events.Task(**other)])
    expected = [row | {"n_optimal": 4} for row in slow.attempts(rows, TASK)[0]]
    expected += [row | {"n_optimal": None} for row in slow.attempts(rows, other)[0]]
    agree(found, expected, "user_id", "task", "attempt")
    left = events.unplaced(log, [BUY, events.Task(**other)])
    assert left["n"].tolist() == [*slow.attempts(rows, TASK)[1].values(), *slow.attempts(rows, other)[1].values()]
