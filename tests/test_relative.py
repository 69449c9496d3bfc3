"""Relative changes and ratio metrics: agreement with tea-tasting, coverage, what has none and what is refused."""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import compare, cx, measure, ux
from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.frames import expand
from cxuxlib.stats.comparisons import relative_change
from cxuxlib.stats.intervals import RatioSums, ratio_variance
from cxuxlib.study import Answer, Metric

Native = Callable[..., Any]
FOLDER = Path(__file__).resolve().parent / "reference"
TEA = json.loads((FOLDER / "tea_tasting_users.json").read_text(encoding="utf-8"))
RELATIVE = ["relative", "relative_low", "relative_high"]
COUNT = Answer("orders", 0, inf)
PER_SESSION = Metric(
    "orders per session", (("orders", COUNT), ("sessions", Answer("sessions", 1, inf))), "orders", "mean", 0, inf,
    per="sessions",
)  # fmt: skip
METRICS = {
    "orders per session": PER_SESSION,
    "orders per user": Metric("orders per user", (("x", COUNT),), "x", "mean", 0, inf),
    "users who order": Metric("users who order", (("x", COUNT),), "x > 0", "proportion", 0, 1),
}


def users() -> pd.DataFrame:
    data = expand(pd.DataFrame(TEA["users"], columns=TEA["columns"]))
    return data.assign(variant=data["variant"].map({0: "z control", 1: "treatment"}))


def tea(metric: Metric, data: Any) -> Any:
    return compare(data, metric, between="variant", unit=None, relative=True).iloc[0]


def test_orders_per_session_of_the_readme(frame: Native) -> None:
    # I1, README of tea-tasting: .266 to .289, +8.8% [-.89%, 19%], p .0762.
    rates = measure(frame(users()), PER_SESSION, by="variant", unit=None)["value"]
    assert [round(each, 3) for each in rates] == [0.289, 0.266]
    row = tea(PER_SESSION, frame(users()))
    assert (row["a"], row["b"]) == ("treatment", "z control")
    assert [round(100 * row["relative"], 1), round(100 * row["relative_low"], 2)] == [8.8, -0.89]
    assert round(100 * row["relative_high"]) == 19
    assert round(row["p"], 4) == 0.0762


@pytest.mark.parametrize("name", METRICS)
def test_every_figure_is_that_of_tea_tasting(name: str) -> None:
    row, expected = tea(METRICS[name], users()), TEA["results"][name]
    assert row["difference"] == pytest.approx(expected["effect_size"], rel=1e-10)
    ends = [expected[f"rel_effect_size{each}"] for each in ("", "_ci_lower", "_ci_upper")]
    assert row[RELATIVE].tolist() == pytest.approx(ends, rel=1e-9)
    if name != "users who order":  # there ours is the N - 1 test, with an adjusted Wald interval
        ends = [expected["effect_size_ci_lower"], expected["effect_size_ci_upper"], expected["pvalue"]]
        assert row[["low", "high", "p"]].tolist() == pytest.approx(ends, rel=1e-9)
    assert row["p"] == pytest.approx(expected["pvalue"], rel=0.01)


def test_repeated_sessions_of_a_user_give_the_same() -> None:
    # One row per session and the user as unit, instead of one row per user with sums.
    short = users().assign(user_id=range(4000))
    sessions = short.loc[short.index.repeat(short["sessions"])].reset_index(drop=True)
    first = ~sessions.duplicated("user_id")
    sessions["orders"] = sessions["orders"].where(first, 0)  # on which session does not matter
    long = compare(
        sessions, METRICS["orders per user"], between="variant", unit="user_id", relative=True
    ).iloc[0]  # fmt: skip
    whole = tea(PER_SESSION, users())
    columns = ["difference", "low", "high", "p", *RELATIVE]
    assert long[columns].tolist() == pytest.approx(whole[columns].tolist(), rel=1e-9)


def test_delta_standard_error_is_not_that_of_independent_sessions() -> None:
    # Trap 26, tea-tasting's control: .00920 over users, .00695 with sessions taken for independent orders or none.
    data = users().query("variant == 'z control'")
    y, x = data["orders"].to_numpy(float), data["sessions"].to_numpy(float)
    sums = RatioSums(len(y), y.sum(), x.sum(), y @ y, x @ y, x @ x, 0, 0)
    rate = y.sum() / x.sum()
    naive = np.sqrt(rate * (1 - rate) / x.sum())
    assert round(float(np.sqrt(ratio_variance(sums))), 5) == 0.00920
    assert round(float(naive), 5) == 0.00695
    row = measure(data, PER_SESSION, unit=None).iloc[0]
    assert (row["high"] - row["low"]) / 2 / 1.961 == pytest.approx(0.00920, abs=5e-6)


# --- what it is ------------------------------------------------------------------------------------


def sums_of(y: np.ndarray, x: np.ndarray) -> RatioSums:
    return RatioSums(len(y), y.sum(), x.sum(), y @ y, x @ y, x @ x, 0, 0)


def test_swapping_turns_the_ratio() -> None:
    rng = np.random.default_rng(41)
    x = rng.integers(1, 9, (2, 20)).astype(float)
    a, b = (sums_of(rng.binomial(each.astype(int), 0.6).astype(float), each) for each in x)
    found, turned = relative_change(a, b), relative_change(b, a)
    assert [1 + each for each in found[:3]] == pytest.approx([1 / (1 + turned[i]) for i in (0, 2, 1)])
    assert found.p == pytest.approx(turned.p)
    assert -1 < found.low < found.difference < found.high


def test_a_relative_change_has_no_unit() -> None:
    data = pd.DataFrame({"n_errors": [3, 1, 4, 1, 5, 9, 2, 6], "design": list("aaaabbbb")})
    found, times = (
        compare(each, ux.errors_per_attempt(), between="design", unit=None, relative=True).iloc[0]
        for each in (data, data.assign(n_errors=data["n_errors"] * 60))
    )
    assert times[RELATIVE].tolist() == pytest.approx(found[RELATIVE].tolist())


def test_times_have_their_ratio_less_one() -> None:
    data = pd.DataFrame({"duration_s": [40.0, 22, 75, 31, 60, 35, 44, 80], "design": list("aaaabbbb")})
    row = compare(
        data, ux.time_on_task(success=None, which="all"), between="design", unit=None, relative=True
    ).iloc[0]  # fmt: skip
    assert row[RELATIVE].tolist() == pytest.approx((row[["difference", "low", "high"]] - 1).tolist())


def test_the_columns_stand_behind_the_others() -> None:
    plain, more = (compare(users(), PER_SESSION, between="variant", unit=None, relative=each) for each in (False, True))
    assert list(more.columns) == [*plain.columns, *RELATIVE]
    pd.testing.assert_frame_equal(more[plain.columns], plain)


def test_coverage_where_sessions_repeat_a_user() -> None:
    # 60 and 60 users, rates .45 and .3 of their own: the truth is +50%.
    rng = np.random.default_rng(42)

    def sample(mean: float) -> RatioSums:
        x = 1 + rng.poisson(3, 60)
        return sums_of(rng.binomial(x, rng.beta(3 * mean, 3 * (1 - mean), 60)).astype(float), x.astype(float))

    found = [relative_change(sample(0.45), sample(0.3)) for _ in range(4000)]
    assert np.mean([each.low <= 0.5 <= each.high for each in found]) == pytest.approx(0.95, abs=0.012)
    assert np.mean([each.high < 0.5 for each in found]) == pytest.approx(0.025, abs=0.01)


# --- what has none, and what is refused ------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "change"), [([0, 0, 0], [1, 0, 1], -1), ([1, 0, 1], [0, 0, 0], np.nan)])
def test_none_at_all_has_no_relative_interval(a: list[int], b: list[int], change: float) -> None:
    data = pd.DataFrame({"success": [*a, *b], "design": list("aaabbb")})
    row = compare(data, ux.task_success(), between="design", unit=None, relative=True).iloc[0]
    np.testing.assert_array_equal(row[RELATIVE].astype(float), [change, np.nan, np.nan])
    assert row["method"].endswith("; no relative interval: A relative change needs values above 0.")
    assert row["p"] < 1


def test_a_group_without_answers_has_no_relative_change() -> None:
    data = pd.DataFrame({"success": [1, 0, np.nan], "design": list("aab")})
    row = compare(data, ux.task_success(), between="design", unit=None, relative=True).iloc[0]
    assert row[RELATIVE].isna().all()
    assert row["method"].startswith("no test: a group has no valid answers.; no relative interval")


def test_nps_has_no_natural_zero() -> None:
    data = pd.DataFrame({"recommend": [10, 3], "design": list("ab")})
    with pytest.raises(ArgumentError, match=r"NPS runs from -100 to 100: without a natural zero"):
        compare(data, cx.nps(), between="design", unit=None, relative=True)


def test_a_paired_relative_change_is_refused() -> None:
    data = pd.DataFrame({"success": [1, 0], "design": list("ab"), "user_id": [1, 1]})
    with pytest.raises(ArgumentError, match="A relative change is of independent units"):
        compare(data, ux.task_success(), between="design", unit="user_id", paired=True, relative=True)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_units_are_a_sample_error(n: int) -> None:
    y = np.array([1.0, 2, 3])
    with pytest.raises(SampleError):
        relative_change(sums_of(y, y), sums_of(y[:n], y[:n]))
