"""Units of unequal size and rare events: intervals by other derivations, and how often they cover."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib import behaviour, cx, measure, ux
from cxuxlib.errors import SampleError
from cxuxlib.stats.intervals import RatioSums, effective_units, few_events, ratio_variance, student
from cxuxlib.study import Metric

Native = Callable[..., Any]
HAZARD = behaviour.churn_rate(per="exposure")


def sums_of(y: np.ndarray, x: np.ndarray) -> RatioSums:
    return RatioSums(len(y), y.sum(), x.sum(), y @ y, x @ y, x @ x, y @ y, x.sum())


def test_effective_units_are_the_units_where_all_are_as_large() -> None:
    assert effective_units(sums_of(np.arange(7.0), np.full(7, 3.0))) == pytest.approx(7)
    assert effective_units(sums_of(np.arange(3.0), np.array([1.0, 0, 0]))) == 1
    with pytest.raises(SampleError, match="positive weight"):
        effective_units(sums_of(np.zeros(2), np.zeros(2)))


def test_a_variance_of_one_effective_unit_is_refused() -> None:
    with pytest.raises(SampleError, match="not all weight on one"):
        ratio_variance(sums_of(np.array([1.0, 2]), np.array([1.0, 0])), 1.0)


def test_one_answer_each_gives_student_as_ever(frame: Native) -> None:
    x = np.random.default_rng(3).integers(1, 6, 30)
    row = measure(frame(pd.DataFrame({"satisfaction": x})), cx.csat_mean()).iloc[0]
    expected = stats.t.interval(0.95, 29, x.mean(), stats.sem(x))
    assert (row["low"], row["high"], row["method"]) == (pytest.approx(expected[0]), pytest.approx(expected[1]), "t")


@pytest.mark.parametrize("metric", [cx.csat_mean(), ux.task_success(interval="wald")])
def test_weighted_answers_have_the_interval_of_effective_units(frame: Native, metric: Metric) -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"satisfaction": rng.integers(1, 6, 25), "w": rng.lognormal(0, 1, 25)})
    data["success"] = (data["satisfaction"] > 3).astype(int)
    score = data[metric.columns[0]].to_numpy(float)
    share = data["w"].to_numpy() / data["w"].sum()
    k, value = 1 / (share**2).sum(), share @ score
    half = stats.t.ppf(0.975, k - 1) * np.sqrt(k / (k - 1) * (share**2 * (score - value) ** 2).sum())
    row = measure(frame(data), metric, unit=None, weight="w").iloc[0]
    found = row[["low", "high"]].to_numpy(float)
    assert found == pytest.approx([value - half, value + half], rel=1e-9)


def test_one_unit_with_all_the_weight_has_no_interval() -> None:
    data = pd.DataFrame({"lost": [1, 1, 0], "exposure_d": [0.0, 0, 5]})
    row = measure(data, HAZARD).iloc[0]
    assert (np.isnan(row["low"]), row["method"]) == (True, "no interval: one unit has all the weight")


def test_no_event_has_the_exact_limit(frame: Native) -> None:
    data = pd.DataFrame({"lost": [0] * 40, "exposure_d": [10.0] * 40, "w": [2.5] * 40})
    for weight in (None, "w"):
        row = measure(frame(data), HAZARD, unit=None, weight=weight).iloc[0]
        assert (row["value"], row["low"]) == (0, 0)
        assert row["high"] == pytest.approx(stats.chi2.ppf(0.975, 2) / 2 / 400)
        assert row["method"].startswith("exact Poisson, no event seen")


def test_few_events_have_garwoods_limits(frame: Native) -> None:
    data = pd.DataFrame({"n_errors": [1] * 5 + [0] * 45, "n_opportunities": [10, 20] * 25})
    row = measure(frame(data), ux.error_rate()).iloc[0]
    assert row[["low", "high"]].to_numpy(float) * 750 == pytest.approx([1.6235, 11.6683], abs=1e-4)  # Garwood's table
    assert row["method"] == "exact Poisson, few events"


def test_few_errors_per_attempt_have_them_too() -> None:
    data = pd.DataFrame({"n_errors": [1] * 5 + [0] * 45, "score": [1] * 5 + [0] * 45})
    row = measure(data, ux.errors_per_attempt()).iloc[0]
    assert row[["low", "high"]].to_numpy(float) * 50 == pytest.approx([1.6235, 11.6683], abs=1e-4)
    assert measure(data.assign(n_errors=0), ux.errors_per_attempt())["high"].item() == pytest.approx(
        3.6889 / 50, abs=1e-5
    )
    assert measure(data.assign(score=data["score"] + 1), cx.csat_mean("score"))["method"].item() == "t"


def test_errors_that_come_in_bunches_count_as_fewer_events() -> None:
    alone, bunched = (
        few_events(sums_of(np.array(y, float), np.ones(60))) for y in ([1] * 6 + [0] * 54, [3] * 2 + [0] * 58)
    )
    assert bunched[0] < alone[0] < alone[1] < bunched[1]


@pytest.mark.parametrize("data", [
    {"n_errors": [1] * 10 + [0] * 90, "n_opportunities": [5] * 100},
    {"n_errors": [1, 0, 2], "n_opportunities": [5, 5, 10]},
])  # fmt: skip
def test_ten_events_or_frequent_ones_keep_the_delta_method(data: dict[str, list[int]]) -> None:
    assert measure(pd.DataFrame(data), ux.error_rate())["method"].item() == "t"


def test_times_are_no_events() -> None:
    data = pd.DataFrame({"success": [0] * 5, "duration_s": [3.0, 4, 5, 6, 7]})
    row = measure(data, ux.overall_relative_efficiency()).iloc[0]
    assert row["method"] == "no interval: every unit answers the same"


@pytest.mark.parametrize("unit", ["u", None])
@pytest.mark.parametrize("metric", [ux.task_success(), cx.nps("success")])
def test_answers_of_weight_0_do_not_make_a_sample_larger(frame: Native, unit: str | None, metric: Metric) -> None:
    data = pd.DataFrame({"u": range(8), "success": [1, 0, 1, 1, 0, 1, 1, 0], "w": [1.0] * 4 + [0.0] * 4})
    data = data if unit else data.drop(columns="u")
    if metric.kind == "nps":
        data["success"] = 10 * data["success"]
    columns = ["n", "n_missing", "low", "high", "design_effect", "n_effective", "n_kish"]
    row, alone = (measure(frame(each), metric, unit=unit, weight="w").iloc[0] for each in (data, data[:4]))
    assert row[columns].to_numpy(float) == pytest.approx(alone[columns].to_numpy(float), rel=1e-12)
    assert (row["n_missing"], row["design_effect"]) == (0, pytest.approx(1))


def test_answers_without_any_weight_are_told_from_none() -> None:
    data = pd.DataFrame({"u": [1, 2], "success": [1, 0], "w": [0.0, 0]})
    both = pd.concat([data.assign(g="a"), data.assign(g="b", w=1.0, u=[3, 4])])
    found = measure(both, ux.task_success(), by="g", unit="u", weight="w")
    assert found["method"].tolist() == ["all weights are zero", "adjusted Wald over units"]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "spread"), [(20, 1.0), (50, 1.5), (200, 1.5)])
def test_means_of_unequal_weights_are_covered(n: int, spread: float) -> None:
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(3000):
        w = rng.lognormal(0, spread, n)
        sums = sums_of(w * rng.normal(size=n), w)
        k = effective_units(sums)
        low, high = student(sums.y / sums.x, ratio_variance(sums, k), k - 1)
        covered.append(low <= 0 <= high)
    assert 0.92 < np.mean(covered) < 0.975  # n - 1 degrees of freedom: .79 to .92


@pytest.mark.slow
@pytest.mark.parametrize("events", [1, 3, 5, 8])
def test_rare_events_are_covered(events: int) -> None:
    rng = np.random.default_rng(7)
    covered = []
    for _ in range(400):
        days = rng.uniform(5, 30, 300)
        rate = events / 300 / 17.5
        row = measure(pd.DataFrame({"lost": rng.random(300) < 1 - np.exp(-rate * days), "exposure_d": days}), HAZARD)
        covered.append(row["low"].item() <= rate <= row["high"].item())
    assert np.mean(covered) > 0.93
