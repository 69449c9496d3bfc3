"""Laws of logs: users do not meddle with each other, rows have no order, the clock has no zero."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cxuxlib import events
from tests.events_logs import BUY, STEPS, Night, nights, table
from tests.events_reference import DAY, SECOND, Row

Logged = tuple[Night, list[Row]]
Verb = Callable[[events.Log, str], pd.DataFrame]

few = settings(max_examples=12)

# Generated logs need not hold every event of a task.
pytestmark = pytest.mark.filterwarnings("ignore:Task .* counts no :UserWarning")

FIRST = {"user_id": 1, "event": "cart", "visit": "v1", "device": "app", "paid": 1.0}

VERBS: dict[str, Verb] = {
    "sessions": lambda log, _: events.sessions(log, gap_s=900, keep=["device"]).to_pandas(),
    "attempts": lambda log, end: events.attempts(log, BUY, until=end).to_pandas(),
    "keyed attempts": lambda log, end: events.attempts(log, BUY, key="visit", until=end).to_pandas(),
    "lifetimes": lambda log, end: events.lifetimes(log, inactive_d=1 / 86_400, until=end, from_start=True).to_pandas(),
}


def opened(rows: list[Row]) -> events.Log:
    return events.read(pl.from_pandas(table(rows)))


def end_of(*logs: Logged) -> str:
    """A day after the last event of all."""
    times = [row["at"] for night, rows in logs for row in rows if row["at"] is not None]
    return str(pd.Timestamp(max([*times, *(night.begin for night, _ in logs)]) + DAY, unit="us"))


def started(logged: Logged, user: int) -> list[Row]:
    """A log with at least one attempt, of users of its own."""
    night, rows = logged
    own = [row | {"user_id": row["user_id"] and row["user_id"] + user} for row in rows]
    return [*own, FIRST | {"user_id": 1 + user, "at": night.begin}]


@pytest.mark.parametrize("verb", sorted(VERBS))
@few
@given(nights(), nights())
def test_logs_of_different_users_can_be_worked_on_apart(verb: str, one: Logged, other: Logged) -> None:
    parts, end = (started(one, 0), started(other, 100)), end_of(one, other)
    whole = VERBS[verb](opened([*parts[0], *parts[1]]), end)
    apart = pd.concat([VERBS[verb](opened(part), end) for part in parts], ignore_index=True)
    order = [name for name in ("user_id", "start_at", "session", "attempt", "visit") if name in whole]
    whole, apart = (found.sort_values(order, ignore_index=True) for found in (whole, apart))
    pd.testing.assert_frame_equal(whole, apart)


@pytest.mark.parametrize("verb", sorted(VERBS))
@few
@given(nights(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(verb: str, logged: Logged, random: Any) -> None:
    rows, end = started(logged, 0), end_of(logged)
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(VERBS[verb](opened(rows), end), VERBS[verb](opened(shuffled), end))


@pytest.mark.parametrize("verb", sorted(VERBS))
@few
@given(nights(), st.integers(-400 * DAY, 400 * DAY))
def test_only_the_times_change_with_the_clock(verb: str, logged: Logged, shift: int) -> None:
    rows = started(logged, 0)
    moved = [row | {"at": row["at"] and row["at"] + shift} for row in rows]
    found = VERBS[verb](opened(rows), end_of(logged))
    later = VERBS[verb](opened(moved), end_of((Night("UTC", logged[0].begin + shift), moved)))
    times = [name for name in found if name.endswith("_at")]
    later = later.assign(**{name: later[name] - pd.Timedelta(shift, unit="us") for name in times})
    pd.testing.assert_frame_equal(found, later)


@few
@given(nights())
def test_a_log_read_twice_is_one_log_without_duplicates(logged: Logged) -> None:
    _, rows = logged
    once, twice = (events.read(pl.from_pandas(table(each)), duplicates="drop") for each in (rows, rows + rows))
    pd.testing.assert_frame_equal(events.sessions(once).to_pandas(), events.sessions(twice).to_pandas())


@few
@given(nights(), st.floats(1, 50_000), st.floats(1, 50_000))
def test_funnels_narrow_with_every_step_and_widen_with_the_window(logged: Logged, one: float, other: float) -> None:
    log, end = opened(started(logged, 0)), end_of(logged)
    there = {row["event"] for row in logged[1] if row["at"] is not None and row["user_id"] is not None}
    steps = [step for step in STEPS[1:] if there & set(step)]
    assume(steps)
    narrow, wide = (
        events.funnel(log, [STEPS[0], *steps], window_s=seconds, key="visit", until=end)
        for seconds in sorted((one, other))
    )
    assert narrow["entries"].eq(narrow["reached"].iloc[0]).all()
    for found in (narrow, wide):
        assert found["value"].is_monotonic_decreasing
        assert found["value"].between(found["low"], found["high"]).all()
        assert found[["low", "high"]].apply(lambda ends: ends.between(0, 1)).all(axis=None)
    assert (wide["reached"] >= narrow["reached"]).all()


@few
@given(nights())
def test_a_longer_gap_never_makes_more_sessions(logged: Logged) -> None:
    log = opened(started(logged, 0))
    many = [len(events.sessions(log, gap_s=seconds)) for seconds in (1e-6, 1, 900, 1800, 7200, 1e9)]
    assert many == sorted(many, reverse=True)
    assert many[-1] == events.sessions(log)["user_id"].n_unique()
    assert sum(events.sessions(log, gap_s=1)["n_events"]) == events.left_out(log)["events"].iloc[-1]


def test_a_gap_is_more_than_its_seconds() -> None:
    rows = [FIRST | {"at": at} for at in (0, 1800 * SECOND, 3600 * SECOND + 1)]
    assert events.sessions(opened(rows))["n_events"].to_list() == [2, 1]
