"""Survival curves and median times of frames: the textbook, R by segment, weights, units, missing, five engines."""

import json
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour, measure, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError
from cxuxlib.stats.survival import kaplan_meier
from cxuxlib.stats.times import lognormal_censored

Native = Callable[..., Any]
How = Literal["kaplan-meier", "lognormal"]
HOWS: list[How] = ["kaplan-meier", "lognormal"]
CALLS: list[Callable[..., Any]] = [behaviour.survival, behaviour.median_time]

REFERENCE = json.loads((Path(__file__).parent / "reference" / "survival.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(REFERENCE["rows"])

# Freireich et al. 1963, the 6-MP arm: weeks in remission.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
FREIREICH = pd.DataFrame({"weeks": WEEKS, "relapse": [1] * 9 + [0] * 12})
TASK = pd.DataFrame({"s": [40.0, 55, 62, 70, 85, 120, 120, 120], "done": [1] * 5 + [0] * 3})


def survival(native: Any, **more: Any) -> pd.DataFrame:
    return behaviour.survival(native, "time", "event", **more)


# --- the textbook, R -------------------------------------------------------------------------------


def test_curve_of_freireich(frame: Native) -> None:
    found = behaviour.survival(frame(FREIREICH), "weeks", "relapse")  # K1
    assert found["time"].tolist() == [6, 7, 10, 13, 16, 22, 23, 35]
    assert found["value"].round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448, 0.448]
    assert found["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6, 1]
    assert found["events"].tolist() == [3, 1, 1, 1, 1, 1, 1, 0]
    assert set(found["method"]) == {"Kaplan-Meier, log-log"}
    assert (set(found["n"]), set(found["n_missing"]), set(found["segment"])) == ({21}, {0}, {"all"})
    assert found["low"].round(4).tolist()[:2] == [0.6197, 0.5631]


def test_curve_at_chosen_times(frame: Native) -> None:
    found = behaviour.survival(frame(FREIREICH), "weeks", "relapse", at=[10, 3, 21.5, 36])
    assert found["time"].tolist() == [3, 10, 21.5, 36]
    assert found["value"].round(3).tolist()[:3] == [1, 0.753, 0.627]
    assert found["at_risk"].tolist() == [21, 15, 7, 0]
    assert found["events"].tolist() == [0, 5, 2, 2]  # since the row before
    assert found["method"].tolist() == [
        "no interval: no event so far", "Kaplan-Meier, log-log", "Kaplan-Meier, log-log",
        "not known: the longest time seen is 35",
    ]  # fmt: skip
    assert found[["low", "high"]].isna().any(axis=1).tolist() == [True, False, False, True]


@pytest.mark.parametrize("case", ["plain", "weights", "units", "both"])
def test_curve_agrees_with_r(frame: Native, case: str) -> None:
    more = {
        "unit": "unit" if case in ("units", "both") else None,
        "weight": "w" if case in ("weights", "both") else None,
    }
    expected = REFERENCE["curves"][case]
    found = survival(frame(ROWS), **more)
    found = found[found["events"] > 0]
    for name in ("time", "at_risk", "events", "value", "low", "high"):
        assert found[name].to_numpy() == pytest.approx(np.array(expected[name], dtype=float), abs=1e-9), name
    assert set(found["method"]) == {"Kaplan-Meier, log-log" + ("" if case == "plain" else " over units")}
    assert found["n"].iloc[0] == (24 if more["unit"] else 60)


def test_segments_are_curves_of_their_own(frame: Native) -> None:
    found = survival(frame(ROWS), by="segment", unit="unit", weight="w")
    expected = REFERENCE["curves"]["segment"]
    b = found[(found["segment"] == "b") & (found["events"] > 0)]
    assert b["value"].to_numpy() == pytest.approx(np.array(expected["value"]), abs=1e-9)
    assert b["low"].to_numpy() == pytest.approx(np.array(expected["low"]), abs=1e-9)
    a = ROWS[ROWS["segment"] == "a"]
    alone = survival(a, unit="unit", weight="w").drop(columns="segment")
    pd.testing.assert_frame_equal(alone, found[found["segment"] == "a"].drop(columns="segment").reset_index(drop=True))


@pytest.mark.parametrize("case", ["plain", "weights", "units", "both"])
def test_median_agrees_with_r(frame: Native, case: str) -> None:
    more = {
        "unit": "unit" if case in ("units", "both") else None,
        "weight": "w" if case in ("weights", "both") else None,
    }
    row = behaviour.median_time(frame(ROWS), "time", "event", **more).iloc[0]  # type: ignore[arg-type]
    assert row[["value", "low", "high"]].tolist() == REFERENCE["curves"][case]["median"]
    fit = REFERENCE["fits"][case]
    row = behaviour.median_time(frame(ROWS), "time", "event", method="lognormal", **more).iloc[0]  # type: ignore[arg-type]
    assert row["value"] == pytest.approx(np.exp(fit["mu"]), rel=1e-9)
    assert row["low"] < row["value"] - fit["error"] < row["value"] < row["high"]


# --- quits and time-outs (trap 25) -----------------------------------------------------------------


def test_who_gives_up_is_neither_dropped_nor_taken_for_done(frame: Native) -> None:
    # Five done, three quits at 120 s. R's survfit has 77.5 where the curve lies on one half, lifelines 85.
    native = frame(TASK)
    naive = measure(native, [ux.time_on_task("s", success="done"), ux.time_on_task("s", success="done", which="all")])
    assert naive["value"].round(1).tolist() == [60.5, 78.2]
    found = pd.concat([behaviour.median_time(native, "s", "done", method=how) for how in HOWS])
    assert found["value"].round(1).tolist() == [77.5, 89.9]
    assert found["metric"].tolist() == ["median time (Kaplan-Meier)", "median time (lognormal)"]
    assert found["method"].tolist() == ["Kaplan-Meier, log-log", "censored lognormal"]
    assert found["high"].tolist()[0] == inf


def test_median_has_the_columns_of_measure() -> None:
    columns = behaviour.median_time(TASK, "s", "done").columns
    assert columns.tolist() == measure(TASK, ux.steps("s")).columns[: len(columns)].tolist()


@pytest.mark.parametrize("how", HOWS)
def test_median_is_that_of_the_list(frame: Native, how: How) -> None:
    row = behaviour.median_time(frame(ROWS), "time", "event", unit=None, method=how, level=0.8).iloc[0]
    fit = lognormal_censored(ROWS["time"].tolist(), ROWS["event"].tolist(), 0.8)
    if how == "lognormal":
        assert row[["value", "low", "high"]].tolist() == pytest.approx([fit.median, fit.low, fit.high])
    assert (row["n"], row["level"]) == (60, 0.8)


def test_median_that_was_not_reached(frame: Native) -> None:
    data = pd.DataFrame({"days": range(1, 101), "lost": [1] * 5 + [0] * 95})
    row = behaviour.median_time(frame(data), "days", "lost").iloc[0]
    assert np.isnan(row["value"])
    assert (row["low"], row["high"], row["method"]) == (100, inf, "not known: fewer than half had the event")


def test_lognormal_of_too_few_says_why(frame: Native) -> None:
    data = pd.DataFrame({"s": [3.0, 4, 9, 5], "done": [1, 1, 1, 0], "task": list("aabb")})
    found = behaviour.median_time(frame(data), "s", "done", by="task", method="lognormal")
    assert found["method"].tolist() == [
        "censored lognormal", "not known: A lognormal distribution needs at least 2 different complete times."
    ]  # fmt: skip
    assert found["value"].isna().tolist() == [False, True]


# --- missing, left over, nobody --------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_missing_is_counted_by_segment(frame: Native, missing: str) -> None:
    data = pd.DataFrame({
        "time": [1.0, 2, nan, 3, 4], "event": [1.0, nan, 1, 0, 1], "segment": ["a", "a", "b", "b", None],
    })  # fmt: skip
    found = survival(frame(data, missing=missing), by="segment")
    assert found[["segment", "n", "n_missing"]].drop_duplicates().values.tolist() == [
        ["a", 1, 1], ["b", 1, 1], ["(missing)", 1, 0],
    ]  # fmt: skip


def test_a_segment_without_events_is_kept(frame: Native) -> None:
    data = pd.DataFrame({"time": [3.0, 5, 2, 4], "event": [0, 0, 1, 0], "segment": list("aabb")})
    found = survival(frame(data), by="segment")
    first = found.iloc[0]
    assert (first["segment"], first["time"], first["value"], first["events"]) == ("a", 5, 1, 0)
    assert first["method"] == "no interval: no event so far"
    assert behaviour.median_time(frame(data), "time", "event", by="segment")["low"].tolist()[0] == 0


@pytest.mark.parametrize(("column", "said"), [("time", "no valid answers"), ("w", "all weights are zero")])
def test_a_segment_without_answers_says_so(frame: Native, column: str, said: str) -> None:
    data = pd.DataFrame({"time": [3.0, 5, 2], "event": 1, "segment": list("abb"), "w": 1.0})
    data.loc[0, column] = nan if column == "time" else 0
    for row in (
        survival(frame(data), by="segment", weight="w").iloc[0],
        survival(frame(data), by="segment", weight="w", at=[1]).iloc[0],
        *(
            behaviour.median_time(frame(data), "time", "event", by="segment", weight="w", method=how).iloc[0]
            for how in HOWS
        ),
    ):
        assert (row["segment"], row["n"], row["method"]) == ("a", 0, said)
        assert np.isnan(row["value"])


def test_all_lost_and_one_unit_have_no_interval(frame: Native) -> None:
    found = survival(frame(pd.DataFrame({"time": [1.0, 2], "event": 1})))
    assert found["method"].tolist() == ["Kaplan-Meier, log-log", "no interval: nobody is left"]
    one = pd.DataFrame({"time": [1.0, 2, 3], "event": [1, 1, 0], "user_id": 7})
    found = survival(frame(one), unit="user_id")
    assert set(found["method"]) == {"no interval: one unit"}
    assert found["low"].isna().all()


def test_named_units_that_do_not_repeat_are_rows(frame: Native) -> None:
    data = ROWS.assign(user_id=range(60))
    pd.testing.assert_frame_equal(survival(frame(data), unit="user_id"), survival(frame(ROWS), unit=None))


def test_counts_are_enough(frame: Native) -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"time": rng.integers(0, 12, 2000), "event": rng.integers(0, 2, 2000)})
    found, curve = survival(frame(data)), kaplan_meier(data["time"].to_numpy(float), data["event"].to_numpy())
    assert found["low"].to_numpy()[:11] == pytest.approx(curve.low[:11], abs=1e-12)
    assert found["n"].iloc[0] == 2000


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("column", "wrong"), [("time", -1), ("time", inf), ("event", 2), ("event", 0.5)])
def test_what_is_no_time_or_no_event_is_refused(frame: Native, call: Any, column: str, wrong: float) -> None:
    data = pd.DataFrame({"time": [1.0, 2, 3], "event": [1.0, 0, 1]})
    data.loc[1, column] = wrong
    with pytest.raises(AnswerError, match=f"1 answer in column {column!r} outside the range of (survival|median time)"):
        call(frame(data), "time", "event")


def test_a_time_of_0_has_no_logarithm(frame: Native) -> None:
    data = pd.DataFrame({"time": [0.0, 2, 3], "event": [1, 1, 1]})
    assert behaviour.median_time(frame(data), "time", "event")["value"].item() == 2
    with pytest.raises(AnswerError, match="'time' outside the range of median time"):
        behaviour.median_time(frame(data), "time", "event", method="lognormal")


@pytest.mark.parametrize("call", CALLS)
def test_repeated_units_must_be_named(frame: Native, call: Any) -> None:
    with pytest.raises(UnitError, match="Rows repeat 'user_id'"):
        call(frame(ROWS.rename(columns={"unit": "user_id"})), "time", "event")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("weight", [-1.0, nan, inf])
def test_a_weight_is_0_or_more(frame: Native, call: Any, weight: float) -> None:
    with pytest.raises(AnswerError, match="1 rows have a weight in 'w'"):
        call(frame(ROWS.assign(w=[weight, *[1.0] * 59])), "time", "event", unit=None, weight="w")


@pytest.mark.parametrize("call", CALLS)
def test_no_rows_and_no_answers_are_errors(frame: Native, call: Any) -> None:
    with pytest.raises(SampleError, match="no rows"):
        call(frame(ROWS.head(0)), "time", "event", unit=None)
    with pytest.raises(SampleError, match="No row has a valid answer"):
        call(frame(ROWS.head(3).assign(time=nan)), "time", "event", unit=None)
    with pytest.raises(ColumnError, match="There is no column 'lost'"):
        call(frame(ROWS), "time", "lost")


@pytest.mark.parametrize("at", [[], [-1], [inf], [nan], ["x"]])
def test_times_to_read_are_0_or_more(at: Any) -> None:
    with pytest.raises(ArgumentError, match="at lists times"):
        survival(ROWS, unit=None, at=at)


def test_no_such_method() -> None:
    with pytest.raises(ArgumentError, match="no method 'weibull'; there is 'kaplan-meier', 'lognormal'"):
        behaviour.median_time(TASK, "s", "done", method="weibull")  # type: ignore[arg-type]


@pytest.mark.parametrize("call", CALLS)
def test_level_is_a_probability(call: Any) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        call(TASK, "s", "done", level=95)
