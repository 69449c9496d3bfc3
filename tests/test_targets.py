"""Benchmarks on frames: published figures, scipy, directions, what cannot be tested, what is refused, five engines."""

from collections.abc import Callable
from math import inf
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib import benchmark, cx, measure, ux
from cxuxlib.errors import ArgumentError, SampleError, UnitError
from cxuxlib.study import Answer, Metric

Native = Callable[..., Any]
TIME = ux.time_on_task(success=None, which="all")
TIMES = [55.0, 65, 75, 62, 45, 135]
COLUMNS = [
    "segment", "metric", "value", "low", "high", "benchmark", "p", "p_exact", "n", "n_missing", "method", "level",
]  # fmt: skip


def one(data: Any, metric: Metric, against: float, **more: Any) -> Any:
    found = benchmark(data, metric, against, **more)
    assert len(found) == 1
    return found.iloc[0]


def runs(successes: int, failures: int, column: str = "success") -> pd.DataFrame:
    return pd.DataFrame({column: [1] * successes + [0] * failures})


# --- published values ------------------------------------------------------------------------------


def test_nine_of_eleven_against_eighty_percent(frame: Native) -> None:
    # metrics.md 1.2: exact .617, mid-p .470; R's uxr prints .383 as "probability that this rate exceeds" it.
    row = one(frame(runs(9, 2)), ux.task_success(), 0.8)
    assert (round(row["p_exact"], 3), round(row["p"], 3)) == (0.617, 0.470)
    assert row["value"] > row["benchmark"]
    assert row["method"] == "adjusted Wald; binomial mid-p"


@pytest.mark.parametrize(
    ("x", "n", "p0", "below"),
    [(4, 7, 0.8, 0.033344), (6, 14, 0.3, 0.7805158), (9, 11, 0.8, 0.3825985), (10, 12, 0.8, 0.4416543)],
)
def test_exact_p_of_uxr(x: int, n: int, p0: float, below: float) -> None:
    # A6, README and vignette of R's uxr, which print P(X < x).
    assert one(runs(x, n - x), ux.task_success(), p0)["p_exact"] == pytest.approx(1 - below, abs=5e-7)


def test_no_probability_that_the_rate_exceeds_is_promised() -> None:
    # Trap 12: that would need a prior. 180 of 220 lie above 80% as 9 of 11 do, and are still no surprise.
    few, many = (one(runs(9 * k, 2 * k), ux.task_success(), 0.8) for k in (1, 20))
    assert few["value"] == pytest.approx(many["value"])
    assert 0.2 < many["p"] < few["p"] < 0.5
    assert "Neither p nor 1 - p is the probability" in (benchmark.__doc__ or "")


# --- by kind ---------------------------------------------------------------------------------------


def test_lower_is_better_turns_the_tail() -> None:
    # 2 of 11 abandoned is as good as 9 of 11 completed.
    left = one(runs(9, 2, "completed"), ux.abandonment(), 0.2)
    done = one(runs(9, 2), ux.task_success(), 0.8)
    assert (left["p"], left["p_exact"]) == pytest.approx((done["p"], done["p_exact"]))


def test_a_mean_is_a_one_sided_t() -> None:
    data = pd.DataFrame({"satisfaction": [4, 2, 5, 3, 5, 2, 5]})
    row = one(data, cx.csat_mean(), 3.0)
    assert row["p"] == pytest.approx(stats.ttest_1samp(data["satisfaction"], 3, alternative="greater").pvalue)
    assert row["method"] == "t; one-sided t"
    assert np.isnan(row["p_exact"])


def test_times_are_better_when_short(frame: Native) -> None:
    row = one(frame(pd.DataFrame({"duration_s": TIMES})), TIME, 100)
    expected = stats.ttest_1samp(np.log(TIMES), np.log(100), alternative="less")
    assert row["p"] == pytest.approx(expected.pvalue)
    assert (round(row["value"]), round(row["low"]), round(row["high"])) == (68, 46, 101)
    assert row["method"] == "log-t; one-sided t on logarithms"


def test_nps_is_a_score_test() -> None:
    answers = pd.DataFrame({"recommend": [10] * 40 + [3] * 20})
    z = (40 / 60 - 0.55) / np.sqrt(0.55 * 0.45 / 60)  # without passives that of the promoters' share
    row = one(answers, cx.nps(), 10)
    assert row["p"] == pytest.approx(stats.norm.sf(z))
    assert row["method"] == "adjusted Wald; score z"


def test_p_and_interval_agree_where_they_are_of_one_kind() -> None:
    data = pd.DataFrame({"recommend": [10] * 18 + [7] * 11 + [2] * 2, "satisfaction": ([4, 2, 5, 3, 5] * 7)[:31]})
    for metric in (cx.nps(interval="score"), cx.csat_mean()):
        low = measure(data, metric, level=0.9)["low"].item()
        assert one(data, metric, low)["p"] == pytest.approx(0.05, abs=1e-9)


def test_a_ratio_of_sums_is_tested_by_the_delta_method() -> None:
    data = pd.DataFrame({"success": [1, 0, 1, 1, 1], "duration_s": [20.0, 60, 30, 50, 40]})
    y, x = (data["success"] * data["duration_s"]).to_numpy(), data["duration_s"].to_numpy()
    ratio = y.sum() / x.sum()
    k = x.sum() ** 2 / (x @ x)  # units of one size
    error = np.sqrt(((y - ratio * x) ** 2).sum() * k / (k - 1)) / x.sum()
    row = one(data, ux.overall_relative_efficiency(), 0.4)
    assert row["p"] == pytest.approx(stats.t.sf((ratio - 0.4) / error, k - 1))
    assert row["method"] == "t; one-sided t"


# --- units and weights -----------------------------------------------------------------------------


def test_repeated_attempts_are_no_more_than_their_users() -> None:
    once = runs(17, 3).assign(user_id=range(20))
    found = one(pd.concat([once] * 5), ux.task_success(), 0.7, unit="user_id")
    assert found["p"] == pytest.approx(stats.t.sf((0.85 - 0.7) / np.sqrt(0.7 * 0.3 / 20), 19))
    assert found["method"] == "adjusted Wald over units; score t of the effective answers"
    assert np.isnan(found["p_exact"])
    assert one(runs(85, 15), ux.task_success(), 0.7)["p"] < found["p"] / 100


def test_weights_count_as_kish_says() -> None:
    data = runs(30, 10).assign(w=np.tile([1.0, 3], 20))
    row = one(data, ux.task_success(), 0.6, weight="w")
    size = data["w"].sum() ** 2 / (data["w"] ** 2).sum()
    assert row["p"] == pytest.approx(stats.t.sf((0.75 - 0.6) / np.sqrt(0.6 * 0.4 / size), 39), rel=0.15)


def test_the_interval_is_that_of_measure() -> None:
    data = mixed()
    metrics = [cx.nps(), ux.task_success(), cx.csat_mean(), TIME]
    for more in ({"unit": None}, {"unit": "user_id", "by": "shop"}, {"unit": "user_id", "weight": "w"}):
        found, expected = benchmark(data, metrics, [10, 0.5, 3, 60], **more), measure(data, metrics, **more)
        same = ["segment", "metric", "value", "low", "high", "n", "n_missing", "level"]
        pd.testing.assert_frame_equal(found[same], expected[same])
        assert [each.split("; ")[0] for each in found["method"]] == expected["method"].tolist()
        assert list(found.columns) == COLUMNS


def mixed() -> pd.DataFrame:
    rng = np.random.default_rng(31)
    user = rng.integers(0, 60, 300)
    data = pd.DataFrame({
        "recommend": rng.integers(0, 11, 300), "success": rng.random(300) < 0.6,
        "satisfaction": rng.integers(1, 6, 300), "duration_s": rng.lognormal(4, 0.5, 300),
    }).astype(float)  # fmt: skip
    data = data.mask(rng.random(data.shape) < 0.04)
    return data.assign(user_id=user, w=rng.gamma(2, size=300), shop=np.where(user % 2, "a", "b"))


@pytest.mark.parametrize("missing", ["null", "nan"])
@pytest.mark.parametrize("more", [{"unit": None}, {"unit": "user_id", "weight": "w", "by": "shop"}])
def test_engines_agree(frame: Native, more: dict[str, Any], missing: Literal["null", "nan"]) -> None:
    metrics, against = [cx.nps(), ux.task_success(), cx.csat_mean(), TIME], [10, 0.5, 3, 60]
    found = benchmark(frame(mixed(), missing=missing), metrics, against, **more)
    expected = benchmark(mixed(), metrics, against, **more)
    assert found["method"].tolist() == expected["method"].tolist()
    numbers = COLUMNS[2:10]
    np.testing.assert_allclose(found[numbers].astype(float), expected[numbers].astype(float), rtol=1e-9)


# --- what cannot be tested, and what is refused ----------------------------------------------------


def test_where_nothing_can_be_tested_it_is_said() -> None:
    data = pd.DataFrame({"satisfaction": [4.0, 4, 4, 2, np.nan], "shop": ["a", "a", "a", "b", "c"]})
    found = benchmark(data, cx.csat_mean(), 3, by="shop")
    assert found["p"].isna().all()
    assert found["method"].tolist() == [
        "no interval: every unit answers the same; no test: every unit answers the same.",
        "no interval: one unit; no test: one unit has no spread.",
        "no valid answers; no test: there is nothing to test.",
    ]


def test_without_any_answer_nothing_is_tested() -> None:
    with pytest.raises(SampleError):
        benchmark(pd.DataFrame({"success": [np.nan]}), ux.task_success(), 0.5)


def test_a_metric_without_direction_is_refused() -> None:
    plain = Metric("pages", (("x", Answer("n", 0, inf)),), "x", "mean", 0, inf, higher_is_better=None)
    with pytest.raises(ArgumentError, match=r"pages has no direction.*set higher_is_better"):
        benchmark(pd.DataFrame({"n": [1, 2]}), plain, 3)


@pytest.mark.parametrize(
    ("metric", "against"),
    [
        (ux.task_success(), 80), (ux.task_success(), 1), (ux.task_success(), 0), (ux.task_success(), True),
        (cx.nps("success"), 100), (cx.nps("success"), -101), (cx.csat_mean("success"), 0.5), (TIME, 0),
        (TIME, inf), (ux.task_success(), float("nan")),
    ],
)  # fmt: skip
def test_a_benchmark_lies_in_the_range_of_its_metric(metric: Metric, against: float) -> None:
    with pytest.raises(ArgumentError, match="lies between"):
        benchmark(runs(3, 2), metric, against)


@pytest.mark.parametrize("against", ["0.8", [0.8, 0.9], [], None, ["0.8"], {"task success": 0.8}])
def test_benchmarks_are_one_or_one_per_metric(against: Any) -> None:
    with pytest.raises(ArgumentError, match="one per metric"):
        benchmark(runs(3, 2), ux.task_success(), against)


def test_a_mean_may_be_held_against_the_end_of_its_scale() -> None:
    assert one(pd.DataFrame({"satisfaction": [4, 3, 5]}), cx.csat_mean(), 5)["p"] > 0.8


def test_repeated_ids_need_a_unit() -> None:
    with pytest.raises(UnitError, match="Say unit='user_id'"):
        benchmark(runs(3, 2).assign(user_id=1), ux.task_success(), 0.5)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        benchmark(runs(3, 2), ux.task_success(), 0.5, level=level)
