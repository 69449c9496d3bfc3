"""Logs and arguments that make no sense: an error that says so, or a count of what was left out."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from cxuxlib import events
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, SampleError, UnitError

Native = Callable[[pd.DataFrame], Any]
BUY = events.Task("buy", "cart", "paid")
NAMES = ["cart", "view", "error", "paid"]


def data(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"user_id": [1, 1, 2, 2], "event": NAMES, "visit": ["v", "v", "w", None], "price": 1.0})
    return frame.assign(at=pd.to_datetime("2026-03-01") + pd.to_timedelta(range(4), unit="D")).assign(**columns)


def log(**columns: Any) -> events.Log:
    return events.read(data(**columns))


def refused(error: type[CxuxError], text: str, function: Callable[..., Any], *args: Any, **more: Any) -> None:
    with pytest.raises(error, match=text):
        function(*args, **more)


def test_columns_that_are_not_there(frame: Native) -> None:
    given = frame(data())
    refused(ColumnError, "no column 'who'; there is 'user_id'", events.read, given, user="who")
    refused(ColumnError, "no column 'evnt'.*Did you mean 'event'", events.read, given, event="evnt")
    refused(ColumnError, "no column 'time'", events.read, given, at="time")
    refused(ColumnError, "no column 'agent'", events.read, given, bots=events.Bots(column="agent"))
    opened = events.read(given)
    refused(ColumnError, "no column 'visits'; there is 'user_id'.*mean 'visit'", events.sessions, opened, key="visits")
    refused(ColumnError, "no column 'page'", events.sessions, opened, keep="page")
    refused(ColumnError, "no column 'page'", events.attempts, opened, BUY, by="page")
    refused(ColumnError, "no column 'page'", events.funnel, opened, ["cart", "paid"], window_s=9, by="page")
    refused(ColumnError, "no column 'page'", events.left_out, opened, key="page")
    refused(ColumnError, "no column 'cxux_t'", events.left_out, opened, key="cxux_t")
    refused(ColumnError, "no column 'paid'", events.journey, {"x": events.Source(given, "at", total={"y": "paid"})})


def test_times_that_are_no_times(frame: Native) -> None:
    texts = frame(data(at=["2026-03-01", "2026-03-02", "soon", None]))
    refused(AnswerError, "holds String, for example 'soon', '2026-03-01'.*pandas.to_datetime", events.read, texts)
    refused(ArgumentError, "holds numbers; say at_unit='s'", events.read, frame(data(at=[1, 2, 3, 4])))
    refused(ArgumentError, "no unit of time 'h'", events.read, frame(data(at=[1, 2, 3, 4])), at_unit="h")
    refused(ArgumentError, "need no at_unit", events.read, frame(data()), at_unit="s")
    refused(AnswerError, "'at' holds Bool", events.read, frame(data(at=[True, False, True, False])))


@pytest.mark.parametrize(
    "mixed",
    [
        ["2026-03-01", pd.Timestamp("2026-03-02"), None, None],
        [pd.Timestamp("2026-03-01"), 5, None, None],
        [datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC), None, None],
        [pd.Timestamp("2026-03-01"), pd.Timestamp("2026-03-01", tz="Europe/Berlin"), None, None],
    ],
)
def test_mixed_times_are_refused(mixed: list[Any]) -> None:
    refused(AnswerError, "'at' mixes", log, at=pd.Series(mixed, dtype=object))


def test_mixed_users_are_refused() -> None:
    """Or 1 and '1' would become one user."""
    refused(AnswerError, "'user_id' mixes 'int', 'str'", log, user_id=pd.Series([1, "1", 2, None], dtype=object))
    refused(AnswerError, "'event' mixes 'int', 'str'", log, event=pd.Series([1, "1", 2, None], dtype=object))
    assert len(events.lifetimes(log(user_id=pd.Series([2, None, 2, 1], dtype=object)), inactive_d=0.5)) == 2
    nobody = events.left_out(log(user_id=pd.Series([None] * 4, dtype=object)))
    never = events.left_out(log(at=pd.Series([None] * 4, dtype=object)))
    assert (nobody["events"].tolist(), never["events"].tolist()) == ([4, 0, 0, 0], [0, 0, 4, 0])


def test_numbers_that_lie_outside_all_years_are_no_times(frame: Native) -> None:
    opened = events.read(frame(data(at=[1.7e9, 1.7e12, np.inf, np.nan])), at_unit="s")  # the second: milliseconds
    assert events.left_out(opened)["events"].tolist() == [0, 0, 3, 1]
    opened = events.read(frame(data(at=[1_700_000_000, 1_700_000_000_000, -(2**62), 2**62])), at_unit="s")
    assert events.left_out(opened)["events"].tolist() == [0, 0, 3, 1]


def test_a_log_says_who_what_and_when() -> None:
    refused(ArgumentError, "three columns", events.read, data(), user="event")
    refused(ArgumentError, "duplicates is 'keep' or 'drop'", events.read, data(), duplicates="no")
    refused(AnswerError, "events are named by texts", log, event=[1, 2, 3, 4])
    refused(ArgumentError, "Cannot read a dict", events.read, {"user_id": [1]})
    refused(ColumnError, "2 columns named 'at'", events.read, pd.concat([data(), data()[["at"]]], axis=1))
    refused(ColumnError, "a plan made by events is no log", events.read, log().rows.to_native())
    for bots in (events.Bots(), events.Bots(per_minute=3, column="visit"), events.Bots(per_minute=0), 5):
        refused(ArgumentError, "per_minute", events.read, data(), bots=bots)
    refused(ArgumentError, "regular expression", events.read, data(), bots=events.Bots(column="visit", pattern="("))


def test_a_frame_is_no_log() -> None:
    for verb in (events.sessions, events.left_out):
        refused(ArgumentError, r"what events.read\(...\) gives; got a DataFrame", verb, data())
    refused(ArgumentError, "got a DataFrame", events.lifetimes, data(), inactive_d=1)
    refused(ArgumentError, "got a DataFrame", events.attempts, data(), BUY)
    refused(ArgumentError, "got a DataFrame", events.unplaced, data(), BUY)
    refused(ArgumentError, "got a DataFrame", events.funnel, data(), ["cart", "paid"], window_s=9)
    refused(ArgumentError, "counts is a dict of a name and its events", events.sessions, log(), counts=["paid"])


def test_until_a_date_is_until_its_end() -> None:
    day = date(2026, 3, 2)
    task = events.Task("buy", "cart", "paid", timeout_s=60)
    with pytest.warns(UserWarning, match="no event 'paid'"):  # it comes later
        by_day = events.attempts(log(), task, until=day)
    with pytest.warns(UserWarning, match="no event 'paid'"):
        by_time = events.attempts(log(), task, until="2026-03-03")
    pd.testing.assert_frame_equal(by_day, by_time)
    refused(ArgumentError, "or a date; got 5", events.attempts, log(), task, until=5)


@pytest.mark.parametrize("seconds", [0, -1, np.nan, np.inf, "9", None, True])
def test_lengths_of_time_are_above_zero(seconds: Any) -> None:
    refused(ArgumentError, "gap_s is seconds, above 0", events.sessions, log(), gap_s=seconds)
    refused(ArgumentError, "window_s is seconds", events.funnel, log(), ["cart", "paid"], window_s=seconds)
    refused(ArgumentError, "inactive_d is days, above 0", events.lifetimes, log(), inactive_d=seconds)
    task = events.Task("buy", "cart", "paid", timeout_s=seconds)
    refused(ArgumentError, "Task 'buy': timeout_s is seconds, above 0", events.attempts, log(), task)


def test_names_of_events_that_never_occur_are_told(frame: Native) -> None:
    opened = events.read(frame(data()))
    task = events.Task("buy", "cart", "payed", error="eror")
    for verb in (events.attempts, events.unplaced):
        with pytest.warns(UserWarning, match="Task 'buy' counts no") as told:
            verb(opened, task)
        texts = [str(each.message) for each in told]
        assert [text.split(";")[0] for text in texts] == [
            "Task 'buy' counts no error: no event 'eror' in column 'event'. There is no event 'eror'",
            "Task 'buy' counts no success: no event 'payed' in column 'event'. There is no event 'payed'",
        ]
        assert all(each.filename == __file__ for each in told)
        assert texts[0].endswith("Did you mean 'error'?")


def test_tasks_must_be_clear(frame: Native) -> None:
    opened = events.read(frame(data()))
    for task, text in [
        (events.Task("buy", "basket", "paid"), "Task 'buy' never starts: no event 'basket'.*there is 'cart', 'error'"),
        (events.Task("buy", "cart", "paid", error=("view", "cart")), "gives 'cart' two meanings"),
        (events.Task("buy", ("cart", "cart"), "paid"), "gives 'cart' two meanings"),
        (events.Task("buy", (), "paid"), "needs a name, a start and a success"),
        (events.Task("buy", "cart", ()), "needs a name, a start and a success"),
        (events.Task("buy", 3, "paid"), "start of task 'buy' is a name of an event or several; got 3"),  # type: ignore[arg-type]
        (events.Task("buy", "cart", "paid", optimal=0), "optimal is a number of steps, 1 or more"),
        ("buy", "tasks is one or more events.Task"),
        ([], "tasks is one or more events.Task"),
        ([BUY, events.Task("buy", "view", "paid")], "Two tasks have one name"),
    ]:
        for function in (events.attempts, events.unplaced):
            refused(CxuxError, text, function, opened, task)


def test_columns_of_results_do_not_clash() -> None:
    opened = log(outcome="x", n_events=1, task="t")
    refused(ColumnError, "would be named 'outcome'", events.attempts, opened, BUY, by="outcome")
    refused(ColumnError, "would be named 'user_id'", events.attempts, opened, BUY, by="user_id")
    refused(ColumnError, "would be named 'visit'", events.attempts, opened, BUY, key="visit", by="visit")
    two = [BUY, events.Task("look", "view", "paid")]
    refused(ColumnError, "would be named 'task'", events.attempts, opened, two, by="task")
    assert events.attempts(opened, BUY, by="task")["task"].tolist() == ["t"]
    refused(ColumnError, "would be named 'n_events'", events.sessions, opened, keep="n_events")
    refused(ColumnError, "would be named 'n_views'", events.sessions, log(n_views=1), counts={"n_views": "view"},
            keep="n_views")  # fmt: skip
    refused(ColumnError, "would be named 'visit'", events.sessions, opened, key="visit", keep="visit")
    refused(ColumnError, "named 'event'", events.funnel, opened, ["cart", "paid"], window_s=9, by="event")
    taken = events.read(data(outcome=[1, 2, 1, 2]), user="outcome")
    refused(ColumnError, "would be named 'outcome'", events.attempts, taken, BUY)


def test_inner_names_clash_with_no_column() -> None:
    """Plans call their columns u, k, t, t0, rank ...; so may a log."""
    named = {"user_id": "t0", "event": "rank", "at": "t", "visit": "k", "price": "u"}
    opened = events.read(data().rename(columns=named), user="t0", event="rank", at="t")
    plain = log()
    for key in (None, "visit"):
        for function, rest in ((events.attempts, (BUY,)), (events.sessions, ())):
            found = function(opened, *rest, key=key and "k").rename(columns={"t0": "user_id", "k": "visit"})
            pd.testing.assert_frame_equal(found, function(plain, *rest, key=key))
    found = events.funnel(opened, ["cart", "view"], window_s=1e4, key="k", by="u")
    pd.testing.assert_frame_equal(found, events.funnel(plain, ["cart", "view"], window_s=1e4, key="visit", by="price"))


def test_sessions_must_be_clear() -> None:
    refused(ArgumentError, "no midnight to end them", events.sessions, log(), key="visit", midnight="UTC")
    refused(ArgumentError, "zone is a time zone such as", events.sessions, log(), midnight="Mars/Base")
    refused(ColumnError, r"counts\['n'\]: no event 'look'", events.sessions, log(), counts={"n": "look"})
    refused(ArgumentError, r"counts\['n'\] is a name of an event", events.sessions, log(), counts={"n": 4})


def test_funnels_must_be_clear() -> None:
    for steps in (["cart"], "cart", [], ["cart", ()]):
        refused(ArgumentError, "two steps or more", events.funnel, log(), steps, window_s=9)
    refused(ColumnError, "Step 2: no event 'payed'.*mean 'paid'", events.funnel, log(), ["cart", "payed"], window_s=9)
    refused(ArgumentError, "level", events.funnel, log(), ["cart", "paid"], window_s=9, level=2)
    refused(SampleError, "nobody enters", events.funnel, log(), ["paid", "cart"], window_s=9, key="visit")


def test_until_is_a_time_after_the_first_event(frame: Native) -> None:
    opened = events.read(frame(data()))
    for until in ("never", pd.NaT, 5, [1]):
        refused(ArgumentError, "until is a time stamp", events.attempts, opened, BUY, until=until)
        refused(ArgumentError, "until is a time stamp", events.lifetimes, opened, inactive_d=1, until=until)
    early = {"until": "2026-02-01"}
    refused(SampleError, "before the log's first event, 2026-03-01 00:00:00", events.attempts, opened, BUY, **early)
    refused(SampleError, "before the log's first event", events.unplaced, opened, BUY, **early)
    refused(SampleError, "before the log's first event", events.lifetimes, opened, inactive_d=1, **early)
    refused(SampleError, "covers 3 days", events.lifetimes, opened, inactive_d=3, from_start=True)
    refused(SampleError, "more than 1.5, and who came in the first such time", events.lifetimes, opened, inactive_d=1.5)
    refused(ArgumentError, "no kind of pauses 'all'", events.lifetimes, opened, inactive_d=1, pauses="all")
    task = events.Task("pay", "paid", "cart")
    refused(ColumnError, "never starts", events.attempts, opened, task, until="2026-03-02")


@pytest.mark.parametrize("lost", ["everything", "user_id", "event", "at"])
def test_logs_without_events(frame: Native, lost: str) -> None:
    whole = data()
    given = whole.head(0) if lost == "everything" else whole.assign(**{lost: whole[lost].where([False] * 4)})
    opened = events.read(frame(given))
    counts = events.left_out(opened).set_index("rule")["events"]
    assert counts["counted"] == 0
    assert counts.sum() == len(given)
    nobody = events.sessions(opened)
    assert (nobody.collect() if hasattr(nobody, "collect") else nobody).shape[0] == 0
    for function, args, more in [
        (events.attempts, (BUY,), {}), (events.attempts, (BUY,), {"key": "visit"}), (events.unplaced, (BUY,), {}),
        (events.funnel, (["cart", "paid"],), {"window_s": 9}), (events.lifetimes, (), {"inactive_d": 1}),
        (events.sessions, (), {"midnight": "UTC"}),
    ]:  # fmt: skip
        refused(SampleError, "no events that count; events.left_out", function, opened, *args, **more)


def test_journeys_must_be_clear() -> None:
    source = events.Source(data(), "at", mean={"price": "price"})
    for sources in ({}, {"x": data()}):
        refused(ArgumentError, "sources is a dict of events.Source", events.journey, sources)
    twice = {"x": source, "y": source}
    refused(ColumnError, "would be named 'price'", events.journey, twice)
    taken = {"x": events.Source(data(), "at", total={"period": "price"})}
    refused(ColumnError, "would be named 'period'", events.journey, taken)
    refused(ArgumentError, "no period 'year'", events.journey, {"x": source}, period="year")
    refused(ArgumentError, "zone is a time zone", events.journey, {"x": source}, zone="Mars/Base")
    texts = {"x": events.Source(data(), "at", mean={"m": "event"})}
    refused(AnswerError, "'event' holds String, for example 'cart'", events.journey, texts)
    for column, text in (("user_id", "1 rows of 'x' have no 'user_id'"), ("at", "1 rows of 'x' have no 'at'")):
        holed = data()
        holed.loc[2, column] = None
        refused(UnitError, text, events.journey, {"x": events.Source(holed, "at")})
    other = {"x": source, "y": events.Source(data(user_id=list("abcd")), "at")}
    refused(ColumnError, "of different types in the sources", events.journey, other)
    mixed = {"x": source, "y": events.Source(pl.from_pandas(data()), "at")}
    refused(ArgumentError, "on one engine; got {'x': 'duckdb', 'y': 'polars'}", events.journey, mixed)
    refused(SampleError, "no rows; there is no journey", events.journey, {"x": events.Source(data().head(0), "at")})
    refused(SampleError, "before the first time of any source", events.journey, {"x": source}, until="2026-02-01")
    late = {"until": "2026-05-02", "period": "month"}
    refused(
        SampleError,
        "In 2 of 3 periods .'2026-04', '2026-05'. no source has anything",
        events.journey,
        {"x": source},
        **late,
    )
    gap = {"x": events.Source(data().drop(index=1), "at")}
    refused(SampleError, "In 1 of 4 periods", events.journey, gap, period="day")
    both = [duckdb.connect().from_df(data()) for _ in range(2)]
    apart = {name: events.Source(each, "at") for name, each in zip("xy", both, strict=True)}
    refused(ArgumentError, "relations of one connection", events.journey, apart)


def test_a_period_that_is_over_is_complete() -> None:
    found = events.journey({"x": events.Source(data(), "at")}, until="2026-04-01")
    assert found[["period", "complete"]].drop_duplicates().values.tolist() == [[202603, 1]]
    assert events.journey({"x": events.Source(data(), "at")})["complete"].unique().tolist() == [0]
