"""Curves of times that were cut off: the textbook, R with weights and clusters, a second derivation, coverage."""

import json
from collections.abc import Callable
from math import erf, inf, isnan, log, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.survival import Survival, kaplan_meier, median_survival, survival_at
from cxuxlib.stats.times import checked, lognormal_censored

REFERENCE = json.loads((Path(__file__).parent / "reference" / "survival.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(REFERENCE["rows"])
CASES = ["plain", "weights", "units", "both"]

# Freireich et al. 1963, the 6-MP arm: weeks in remission.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
ENDED = [True] * 9 + [False] * 12
# Five who finish a task, and three who give up after 120 s.
TASK = [40.0, 55, 62, 70, 85, 120, 120, 120]
DONE = [True] * 5 + [False] * 3

some_times = st.lists(st.floats(1, 1e4), min_size=2, max_size=25)
# (time, seen, weight, unit): few different times, so that there are ties
some_rows = st.lists(
    st.tuples(st.integers(1, 9), st.booleans(), st.integers(1, 4), st.integers(0, 5)), min_size=3, max_size=25
)


def sizes(case: str, rows: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if case in ("weights", "both", "segment"):
        found["weights"] = rows["w"].to_numpy()
    if case == "weights":
        found["squares"] = rows["w"].to_numpy() ** 2
    if case in ("units", "both", "segment"):
        found["units"] = rows["unit"].to_numpy()
    return found


# --- the textbook ----------------------------------------------------------------------------------


def test_kaplan_meier_of_freireich() -> None:
    # K1, the textbook curve; intervals and errors from R's survival, survfit(conf.type = "log-log").
    curve = kaplan_meier(WEEKS, ENDED)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.survival.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.std_error[[0, 6]] == pytest.approx([0.07636035483, 0.13459145676], abs=1e-10)
    assert curve.low == pytest.approx(
        [0.6197179553, 0.5631465646, 0.5031995108, 0.4316102225, 0.3675108560, 0.2677789368, 0.1880520060], abs=1e-9
    )
    assert curve.high == pytest.approx(
        [0.9515517476, 0.9228090192, 0.8893618352, 0.8490659633, 0.8049121895, 0.7467907176, 0.6801426285], abs=1e-9
    )


@pytest.mark.parametrize(("level", "low"), [(0.95, 13), (0.8, 16)])
def test_median_survival_of_freireich(level: float, low: float) -> None:
    # R's survfit: 23, from 13 (level 0.95) or 16 (0.8); no upper end.
    assert median_survival(WEEKS, ENDED, level) == (23, low, inf, level)


def test_a_curve_that_lies_on_one_half() -> None:
    # S = 0.5 from 70 s to 85 s. R's survfit and the ordinary median of 8 values have 77.5, half-way. Python's
    # lifelines has 85, because its S(70) is 0.5000000000000001.
    assert median_survival(TASK, DONE)[:3] == (77.5, 40, inf)
    assert np.median(TASK) == 77.5
    assert kaplan_meier(TASK, DONE).survival[3] == pytest.approx(0.5, abs=1e-12)


@given(times=some_times)
def test_without_cut_off_times_the_median_is_the_median(times: list[float]) -> None:
    assert median_survival(times, [True] * len(times)).median == pytest.approx(np.median(times), rel=1e-12)


@given(times=some_times)
def test_without_cut_off_times_the_curve_is_the_share_that_needs_longer(times: list[float]) -> None:
    curve = kaplan_meier(times, [True] * len(times))
    assert curve.survival == pytest.approx([np.mean(np.array(times) > t) for t in curve.times], abs=1e-12)
    inside = curve.survival > 0
    n = len(times)
    assert curve.std_error[inside] == pytest.approx(np.sqrt(curve.survival * (1 - curve.survival) / n)[inside])
    assert np.isnan(curve.low[~inside]).all()


@pytest.mark.parametrize(("t", "share"), [(6, 0.857), (6.9, 0.857), (10, 0.753), (22, 0.538), (23, 0.448), (35, 0.448)])
def test_survival_at_a_time(t: float, share: float) -> None:
    left, low, high = survival_at(kaplan_meier(WEEKS, ENDED), t)
    assert round(left, 3) == share
    assert low < left < high


@pytest.mark.parametrize("t", [0, 5.9])
def test_before_the_first_event_nobody_is_lost_and_nothing_is_certain(t: float) -> None:
    left, *ends = survival_at(kaplan_meier(WEEKS, ENDED), t)
    assert left == 1
    assert all(map(isnan, ends))


def test_the_curve_says_nothing_beyond_the_longest_time() -> None:
    assert all(map(isnan, survival_at(kaplan_meier(WEEKS, ENDED), 35.1)))
    assert survival_at(kaplan_meier([1, 2], [True, True]), 99)[0] == 0


def test_a_median_that_was_not_reached() -> None:
    times, observed = np.arange(1.0, 101), np.arange(100) < 5
    found = median_survival(times, observed)
    assert isnan(found.median)
    assert (found.low, found.high) == (100, inf)  # surely above the longest time
    assert median_survival([3, 4], [False, False])[1:3] == (0, inf)
    assert len(kaplan_meier([3, 4], [False, False]).times) == 0


def test_all_finished_at_one_time_have_no_interval() -> None:
    found = median_survival([5, 5, 5], [True] * 3)
    assert found.median == 5
    assert isnan(found.low)
    assert isnan(found.high)


def test_cut_off_at_the_moment_of_an_event_counts_as_at_risk() -> None:
    assert kaplan_meier([5, 5], [True, False]).survival.tolist() == [0.5]


def test_lost_at_once_is_lost() -> None:
    assert kaplan_meier([0, 0, 3], [True, False, True]).survival.tolist() == [pytest.approx(2 / 3), 0]


# --- R, with weights and clusters ------------------------------------------------------------------


@pytest.mark.parametrize("case", [*CASES, "segment"])
def test_curve_agrees_with_r(case: str) -> None:
    rows = ROWS[ROWS["segment"] == "b"] if case == "segment" else ROWS
    expected = REFERENCE["curves"][case]
    curve = kaplan_meier(rows["time"].to_numpy(), rows["event"].to_numpy(), **sizes(case, rows))
    ours = [curve.times, curve.at_risk, curve.events, curve.survival, curve.std_error, curve.low, curve.high]
    for name, found in zip(("time", "at_risk", "events", "value", "error", "low", "high"), ours, strict=True):
        assert found == pytest.approx(np.array(expected[name], dtype=float), abs=1e-10), name


@pytest.mark.parametrize("case", CASES)
def test_median_agrees_with_r(case: str) -> None:
    found = median_survival(ROWS["time"].to_numpy(), ROWS["event"].to_numpy(), **sizes(case, ROWS))
    assert found[:3] == tuple(REFERENCE["curves"][case]["median"])


def test_where_the_lower_end_crosses_one_half_twice_the_first_time_counts() -> None:
    # At 11.5 it falls to 0.482, at 12.1 it is 0.506 again. R interpolates over the two and has 11.9.
    rows = ROWS[ROWS["segment"] == "b"]
    expected = REFERENCE["curves"]["segment"]
    found = median_survival(rows["time"].to_numpy(), rows["event"].to_numpy(), **sizes("segment", rows))
    assert (found.median, found.high) == (expected["median"][0], expected["median"][2])
    assert found.low == next(t for t, low in zip(expected["time"], expected["low"], strict=True) if low < 0.5) == 11.5


@pytest.mark.parametrize("case", CASES)
def test_lognormal_agrees_with_r(case: str) -> None:
    expected = REFERENCE["fits"][case]
    found = lognormal_censored(ROWS["time"].to_numpy(), ROWS["event"].to_numpy(), **sizes(case, ROWS))
    assert (found.mu, found.sigma, found.std_error) == pytest.approx(tuple(expected.values()), abs=1e-10)


# --- a second derivation, and what must not matter -------------------------------------------------


def by_hand(t: np.ndarray, seen: np.ndarray, w: np.ndarray, at: np.ndarray) -> np.ndarray:
    ends = np.unique(t[seen])
    factors = [1 - w[(t == end) & seen].sum() / w[t >= end].sum() for end in ends]
    return np.array([np.prod([f for f, end in zip(factors, ends, strict=True) if end <= each]) for each in at])


@given(rows=some_rows)
def test_robust_error_is_the_size_of_what_each_unit_moves(rows: list[tuple[int, bool, int, int]]) -> None:
    # The curve with a unit's weights a little up and down, by numerical derivative.
    t, seen, w, unit = (np.array(each) for each in zip(*rows, strict=True))
    curve = kaplan_meier(t, seen, weights=w, units=unit)
    moved = np.zeros(len(curve.times))
    for each in np.unique(unit):
        up, down = (by_hand(t, seen, np.where(unit == each, w * (1 + e), w), curve.times) for e in (1e-5, -1e-5))
        moved += ((up - down) / 2e-5) ** 2
    some = curve.survival > 0
    if len(np.unique(unit)) == 1:
        assert np.isnan(curve.std_error[some]).all()
    else:
        assert curve.std_error[some] == pytest.approx(np.sqrt(moved)[some], abs=1e-6)


@given(rows=some_rows)
def test_counts_are_rows(rows: list[tuple[int, bool, int, int]]) -> None:
    t, seen, many, _ = (list(each) for each in zip(*rows, strict=True))
    short = kaplan_meier(t, seen, weights=many)
    long = kaplan_meier(np.repeat(t, many), np.repeat(seen, many))
    for a, b in zip(short, long, strict=True):
        assert a == pytest.approx(b, abs=1e-12, nan_ok=True)


@given(rows=some_rows)
def test_rows_as_units_have_greenwoods_error(rows: list[tuple[int, bool, int, int]]) -> None:
    t, seen, *_ = (np.array(each) for each in zip(*rows, strict=True))
    curve = kaplan_meier(t, seen)
    alone = kaplan_meier(t, seen, weights=np.ones(len(t)), units=np.arange(len(t)))
    some = curve.survival > 0
    d, r = curve.events[some], curve.at_risk[some]
    assert curve.std_error[some] == pytest.approx(curve.survival[some] * np.sqrt(np.cumsum(d / (r * (r - d)))))
    assert alone.std_error == pytest.approx(curve.std_error)


@given(rows=some_rows, factor=st.floats(0.01, 100))
def test_the_scale_of_weights_does_not_matter(rows: list[tuple[int, bool, int, int]], factor: float) -> None:
    t, seen, w, unit = (np.array(each) for each in zip(*rows, strict=True))
    here, there = (kaplan_meier(t, seen, weights=w * k, units=unit) for k in (1.0, factor))
    assert here.std_error == pytest.approx(there.std_error, abs=1e-9, nan_ok=True)
    assert here.low == pytest.approx(there.low, abs=1e-6, nan_ok=True)


def test_each_time_twice_by_the_same_unit_adds_nothing() -> None:
    once = kaplan_meier(WEEKS, ENDED, weights=np.ones(21), units=np.arange(21))
    twice = kaplan_meier(WEEKS * 2, ENDED * 2, units=[*range(21), *range(21)])
    assert twice.std_error == pytest.approx(once.std_error)
    assert kaplan_meier(WEEKS * 2, ENDED * 2).std_error == pytest.approx(once.std_error / sqrt(2))


def test_weight_0_is_not_there() -> None:
    found = kaplan_meier([*WEEKS, 99, 1], [*ENDED, True, True], weights=[1] * 21 + [0, 0])
    assert found.survival.tolist() == kaplan_meier(WEEKS, ENDED).survival.tolist()
    assert found.last == 35


# --- coverage --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_cover_where_units_repeat(weighted: bool) -> None:
    # 20 units of 1 to 7 times each; median 20. Intervals that take rows for units cover about 0.79 and 0.74.
    rng = np.random.default_rng(28)
    scale = sqrt(0.6**2 + 0.5**2)
    at_30 = 0.5 - erf(log(30 / 20) / scale / sqrt(2)) / 2
    inside: dict[str, list[bool]] = {"S(20)": [], "S(30)": [], "median": [], "lognormal": [], "naive": []}
    for _ in range(800):
        many = rng.integers(1, 8, 20)
        unit = np.repeat(np.arange(20), many)
        full = 20 * np.exp(np.repeat(rng.normal(0, 0.6, 20), many) + rng.normal(0, 0.5, len(unit)))
        cut = rng.uniform(10, 60, len(unit))
        t, seen = np.minimum(full, cut), full <= cut
        w = np.repeat(rng.gamma(2, 1, 20) + 0.1, many) if weighted else np.ones(len(unit))
        curve = kaplan_meier(t, seen, weights=w, units=unit)
        for name, at, truth in (("S(20)", 20, 0.5), ("S(30)", 30, at_30)):
            _, low, high = survival_at(curve, at)
            inside[name].append(low <= truth <= high)
        found = median_survival(t, seen, weights=w, units=unit)
        fit = lognormal_censored(t, seen, weights=w, units=unit)
        _, low, high = survival_at(kaplan_meier(t, seen), 20)
        inside["median"].append(found.low <= 20 <= found.high)
        inside["lognormal"].append(fit.low <= 20 <= fit.high)
        inside["naive"].append(low <= 0.5 <= high)
    covered = {name: float(np.mean(each)) for name, each in inside.items()}
    assert covered.pop("naive") < 0.85
    assert all(0.92 < each < 0.98 for each in covered.values()), covered


# --- what is refused -------------------------------------------------------------------------------

CALLS: list[Callable[..., object]] = [kaplan_meier, median_survival]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [-1, nan, inf, "long"])
def test_what_is_no_time_is_refused(call: Callable[..., object], wrong: object) -> None:
    with pytest.raises(ArgumentError, match="Times"):
        call([*range(10, 20), wrong], [True] * 11)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("level", [95, 0, 1, nan, None])
def test_level_must_be_a_probability(call: Callable[..., object], level: object) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        call(list(range(1, 11)), [True] * 10, level)


@pytest.mark.parametrize("call", [*CALLS, lognormal_censored])
def test_no_times_are_a_sample_error(call: Callable[..., object]) -> None:
    with pytest.raises(SampleError, match="no times"):
        call([], [])
    with pytest.raises(SampleError, match="no times"):
        call([1, 2], [True, True], weights=[0, 0])


@pytest.mark.parametrize("more", [{"weights": [1]}, {"weights": [1, 2], "squares": [1]}, {"units": ["a"]}])
def test_weights_and_units_go_with_each_time(more: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="weight and unit each"):
        checked([1, 2], [True, True], **more)


@pytest.mark.parametrize("weight", [-1, nan, inf])
def test_a_weight_is_0_or_more(weight: float) -> None:
    with pytest.raises(ArgumentError, match="Weights must be"):
        checked([1, 2], weights=[1, weight])


def test_one_unit_has_no_error() -> None:
    curve = kaplan_meier([3, 5, 8], [True, False, True], units=["a", "a", "a"])
    assert np.isnan(curve.low).all()
    with pytest.raises(SampleError, match="at least 2 units"):
        lognormal_censored([3, 5, 8], [True, False, True], units=["a", "a", "a"])


def test_units_that_do_not_differ_have_no_interval() -> None:
    curve = kaplan_meier([3, 5, 3, 5], [True, False, True, False], units=["a", "a", "b", "b"])
    assert curve.std_error.tolist() == [0]
    assert np.isnan(curve.low).all()


def test_a_negative_time_is_no_place_on_a_curve() -> None:
    curve: Survival = kaplan_meier(TASK, DONE)
    with pytest.raises(ArgumentError):
        survival_at(curve, -1)
