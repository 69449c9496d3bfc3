"""Logs with everything that goes wrong in logs, and results of any engine as lists of dicts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import strategies as st

from cxuxlib import events
from tests import events_reference as slow
from tests.events_reference import SECOND, Row

TASK = {
    "name": "buy", "start": ("cart",), "step": ("view", "ship"), "error": ("error",), "failure": ("refused",),
    "success": ("paid", "invoiced"), "timeout_s": 3600.0,
}  # fmt: skip
EVENTS = ("cart", "cart", "view", "ship", "error", "refused", "paid", "invoiced", "other")
BUY = events.Task(**TASK)
STEPS = (("cart",), ("view", "ship"), ("ship", "paid"), ("cart", "invoiced"))


def micros(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("us").to_datetime64().astype("int64"))


class Night(NamedTuple):
    """When a log begins, and whose clock it is told by."""

    zone: str
    begin: int


NIGHTS = (
    Night("UTC", micros("2026-01-31 20:00")),
    Night("Europe/Berlin", micros("2024-03-30 21:00")),  # clocks go forward
    Night("Europe/Berlin", micros("2024-10-26 20:00")),  # and back: an hour comes twice
    Night("America/Sao_Paulo", micros("2018-11-03 23:00")),  # midnight does not exist
    Night("America/Sao_Paulo", micros("2019-02-16 23:00")),  # midnight comes twice
    Night("Asia/Kathmandu", micros("1969-12-31 15:00")),
)


def some(*values: Any, missing: int = 1) -> st.SearchStrategy[Any]:
    """One of these, now and then None."""
    return st.sampled_from([*values * 5, *[None] * missing])


@st.composite
def nights(draw: st.DrawFn, most: int = 30, whole: bool = False) -> tuple[Night, list[Row]]:
    """A log out of order, with ties, duplicates, lone events and, unless ``whole``, missing users, events and times."""
    night = draw(st.sampled_from(NIGHTS))
    tick = draw(st.sampled_from((1, SECOND, 1200 * SECOND, 1800 * SECOND, 7200 * SECOND)))
    at = some(*range(16), missing=0 if whole else 2).map(lambda k: None if k is None else night.begin + k * tick)
    row = st.fixed_dictionaries({
        "user_id": some(1, 2, 3, 40, missing=0 if whole else 1),
        "event": some(*EVENTS, missing=0 if whole else 1),
        "at": at,
        "visit": some("v1", "v2", "v3"),
        "device": some("app", "web"),
        "paid": some(1.0, 2.5, -4.0),
    })  # fmt: skip
    rows = draw(st.lists(row, min_size=1, max_size=most))
    again = draw(st.lists(st.sampled_from(rows), max_size=4))
    return night, rows + [dict(each) for each in again]


def table(rows: Sequence[Row], zone: str | None = None) -> pd.DataFrame:
    """A log as pandas has it: users as floats where one is missing, times of a zone or of none."""
    frame = pd.DataFrame(list(rows))
    at = pd.Series(pd.array([row["at"] for row in rows], dtype="Int64"))
    stamps = pd.to_datetime(at, unit="us").astype("datetime64[us]")
    frame["at"] = stamps.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else stamps
    return frame.astype({name: "str" for name in ("event", "visit", "device") if name in frame})


def lines(result: Any) -> list[Row]:
    """A result of any engine as dicts of Python's own values, times as microseconds, nothing as None."""
    if isinstance(result, pd.DataFrame):
        found = result.to_dict("records")
    elif hasattr(result, "to_pylist"):
        found = result.to_pylist()
    elif hasattr(result, "to_arrow_table"):
        found = result.to_arrow_table().to_pylist()
    elif hasattr(result, "toArrow"):
        found = result.toArrow().to_pylist()
    else:
        found = (result.collect() if hasattr(result, "collect") else result).to_dicts()
    return [{str(name): plain(value) for name, value in line.items()} for line in found]


def plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, datetime):
        stamp = pd.Timestamp(value)
        return micros(str((stamp if stamp.tzinfo else stamp.tz_localize("UTC")).tz_convert(UTC).tz_localize(None)))
    assert not isinstance(value, date)
    return value.item() if hasattr(value, "item") else value


def agree(result: Any, expected: Sequence[Row], *keys: str) -> None:
    """The same rows, in whatever order, to 1e-9."""
    found = [lines(result), list(expected)]
    for rows in found:
        rows.sort(key=lambda row: [(row[name] is None, row[name] if row[name] is not None else 0) for name in keys])
    names = list(expected[0]) if expected else []
    assert [[row.get(name, "?") for name in keys] for row in found[0]] == [
        [row[name] for name in keys] for row in found[1]
    ]
    for got, want in zip(*found, strict=True):
        assert {name: got[name] for name in names} == {
            name: pytest.approx(each, rel=1e-9, abs=1e-9) if isinstance(each, float) else each
            for name, each in want.items()
        }


def fixed(users: Sequence[Any] = (1, 2, 3), zone: int = 1) -> list[Row]:
    """One log with ties, disorder, duplicates and missing values."""
    rows = []
    for i in range(60):
        at = NIGHTS[zone].begin + (i * 7919 % 41) * 900 * slow.SECOND
        row = {"user_id": users[i * i % len(users)], "event": EVENTS[i * 5 % 9], "at": at, "visit": f"v{i % 4}"}
        rows.append(row | {"device": ("app", "web")[i % 2], "paid": i / 4 if i % 3 else None})
    return [*rows, rows[3], rows[0] | {"user_id": None}, rows[1] | {"at": None}, rows[2] | {"event": None}]


def check_all(log: events.Log, rows: Sequence[Row], zone: str) -> None:
    counted, lost = slow.counted(rows)
    assert events.left_out(log)["events"].tolist() == [*lost.values(), len(counted)]
    found = events.sessions(log, gap_s=900, keep=["visit", "device", "paid"], midnight=zone)
    expected = slow.sessions(counted, 900, keep=["visit", "device", "paid"], midnight=zone)
    agree(found, expected, "user_id", "session")
    expected, _ = slow.attempts(counted, TASK, ["device"])
    agree(events.attempts(log, BUY, by="device"), expected, "user_id", "device", "attempt")
    expected, _ = slow.keyed_attempts(counted, TASK, "visit")
    agree(events.attempts(log, BUY, key="visit"), expected, "user_id", "visit")
    found = events.funnel(log, STEPS[:3], window_s=7200, key="visit", by="device")
    agree(found, slow.funnel(counted, STEPS[:3], 7200, "visit", "device"), "segment", "step")
    agree(events.lifetimes(log, inactive_d=0.1), slow.lifetimes(counted, 0.1), "user_id")
