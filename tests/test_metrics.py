"""Metrics: published values, one answer on every engine, and laws that hold for any answers."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from cxuxlib import cx, estimate, measure, ux
from cxuxlib.errors import SampleError
from cxuxlib.stats.intervals import nps_adjusted_wald
from cxuxlib.study import Metric

Native = Callable[..., Any]
NUMBERS = ["value", "low", "high", "n", "n_missing"]


def first(frame: Any, metric: Metric | None = None, **more: Any) -> Any:
    return measure(frame, metric or cx.nps("recommend"), **more).iloc[0]


# --- published values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "points"),
    [
        ([0, 7, 7, 9, 9, 9], 100 / 3),  # R package NPS, E1
        ([3] * 7 + [7] * 4 + [10] * 6, -100 / 17),  # PostHog utils.test.ts, E3: -5.9
        ([0, 7, 9], 0), ([7, 9], 50), ([0, 7], -50), ([10], 100), ([7], 0),  # npspy README, R package NPS, E5
    ],
)  # fmt: skip
def test_nps_of_published_examples(answers: list[float], points: float) -> None:
    assert estimate(answers, cx.nps()).value == pytest.approx(points, abs=1e-12)


@pytest.mark.parametrize("answer", range(11))
def test_every_answer_has_its_nps_class(answer: int) -> None:
    assert estimate([answer], cx.nps()).value == (100 if answer >= 9 else 0 if answer >= 7 else -100)


def test_nps_interval_is_the_adjusted_wald_of_its_counts() -> None:
    found = estimate([3] * 2 + [8] * 11 + [9] * 18, cx.nps())
    assert (found.low, found.high) == pytest.approx(nps_adjusted_wald(18, 11, 2), abs=1e-9)


@pytest.mark.parametrize(("scale", "top"), [(3, 1), (4, 2), (5, 2), (6, 2), (7, 2), (10, 3)])
def test_csat_takes_the_top_boxes_of_its_scale(scale: int, top: int) -> None:
    # formbricks #7128: every answer once, so the share is the number of top boxes.
    assert estimate(range(1, scale + 1), cx.csat(scale=scale)).value == pytest.approx(top / scale)


def test_task_success_of_sauro_and_lewis() -> None:
    found = estimate([True] * 7 + [False] * 3, ux.task_success())  # UX Magazine 850
    assert (found.value, round(found.low, 2), round(found.high, 2)) == (0.7, 0.39, 0.90)


def test_mean_is_a_t_interval() -> None:
    x = np.array([4, 2, 5, 3, 5, 2, 5])
    half = student_t.ppf(0.975, 6) * x.std(ddof=1) / np.sqrt(7)
    found = estimate(x, cx.csat_mean())
    assert (found.value, found.low, found.high) == pytest.approx((x.mean(), x.mean() - half, x.mean() + half))


# --- missing answers -------------------------------------------------------------------------------


def survey_with_missing() -> pd.DataFrame:
    """980 answers with NPS -42.65 and 20 missing: as detractors they would give -43.8, left out of n only -39.8."""
    answers = np.r_[np.full(182, 9.0), np.full(198, 8.0), np.full(600, 4.0), np.full(20, np.nan)]
    return pd.DataFrame({"recommend": np.random.default_rng(1).permutation(answers)})


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_a_missing_answer_is_never_a_detractor(frame: Native, missing: Literal["null", "nan"]) -> None:
    row = first(frame(survey_with_missing(), missing=missing))
    assert row["value"] == pytest.approx(100 * (182 - 600) / 980, abs=1e-9)
    assert round(row["value"], 2) == -42.65
    assert (row["n"], row["n_missing"]) == (980, 20)


@pytest.mark.parametrize("nothing", [None, np.nan, float("nan"), pd.NA])
def test_a_list_may_hold_any_kind_of_missing(nothing: object) -> None:
    found = estimate([10, nothing, 0, nothing, 9], cx.nps())  # type: ignore[list-item]
    assert (found.value, found.n, found.n_missing) == (pytest.approx(100 / 3), 3, 2)


def test_unit_with_missing_answers_only_is_no_unit(frame: Native) -> None:
    data = pd.DataFrame({"recommend": [10, 9, np.nan], "customer_id": [1, 2, 3]})
    row = first(frame(data), unit="customer_id")
    assert (row["n"], row["n_missing"]) == (2, 1)


# --- engines ---------------------------------------------------------------------------------------


def attempts() -> pd.DataFrame:
    """1,500 attempts of 300 customers with everything that can go missing."""
    rng = np.random.default_rng(7)
    n = 1500
    return pd.DataFrame({
        "recommend": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 11, n)),
        "satisfaction": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 6, n)),
        "success": rng.random(n) < 0.7,
        "customer_id": rng.integers(0, 300, n),
        "shop": rng.choice(np.array(["a", "b", None], dtype=object), n),
        "w": rng.gamma(2, size=n),
    })  # fmt: skip


METRICS = [cx.nps("recommend"), cx.csat(), cx.csat_mean(), ux.task_success()]


@cache
def on_pandas(by: str | None, unit: str | None, weight: str | None) -> pd.DataFrame:
    return measure(attempts(), METRICS, by=by, unit=unit, weight=weight)


@pytest.mark.parametrize("missing", ["null", "nan"])
@pytest.mark.parametrize(
    ("by", "unit", "weight"),
    [
        (None, None, None),
        ("shop", None, None),
        (None, "customer_id", None),
        (None, None, "w"),
        ("shop", "customer_id", "w"),
    ],
)
def test_engines_agree(
    frame: Native, missing: Literal["null", "nan"], by: str | None, unit: str | None, weight: str | None
) -> None:
    found = measure(frame(attempts(), missing=missing), METRICS, by=by, unit=unit, weight=weight)
    expected = on_pandas(by, unit, weight)
    text = ["segment", "metric", "method"]
    assert found[text].values.tolist() == expected[text].values.tolist()
    np.testing.assert_allclose(found[NUMBERS].astype(float), expected[NUMBERS].astype(float), rtol=1e-9, atol=1e-9)


def test_segments_are_sorted_and_missing_ones_named_last(frame: Native) -> None:
    data = pd.DataFrame({"recommend": [10, 9, 3, 0], "shop": ["b", None, "a", None]})
    found = measure(frame(data), cx.nps("recommend"), by="shop")
    assert found[["segment", "value", "n"]].values.tolist() == [["a", -100, 1], ["b", 100, 1], ["(missing)", 0, 2]]


def test_segment_numbers_are_those_of_the_segment_alone(frame: Native) -> None:
    data = attempts()
    found = measure(frame(data), cx.nps("recommend"), by="shop", unit="customer_id", weight="w").iloc[0]
    alone = first(frame(data[data["shop"] == "a"]), unit="customer_id", weight="w")
    assert found[NUMBERS].astype(float).to_numpy() == pytest.approx(alone[NUMBERS].astype(float).to_numpy(), abs=1e-9)


def test_results_are_plain_numbers(frame: Native) -> None:
    found = measure(frame(attempts()), METRICS, by="shop", unit="customer_id")
    contract = ["segment", "metric", "value", "low", "high", "n", "n_missing", "method", "level"]
    assert list(found.columns)[: len(contract)] == contract
    assert [str(found[name].dtype) for name in NUMBERS] == ["float64", "float64", "float64", "int64", "int64"]


def test_the_frame_is_left_as_it_was() -> None:
    data = attempts()
    before = data.copy(deep=True)
    measure(data, METRICS, by="shop", unit="customer_id", weight="w")
    pd.testing.assert_frame_equal(data, before)


# --- weights and units by hand ---------------------------------------------------------------------


def test_weighted_mean_is_the_hand_formula() -> None:
    data = attempts().dropna(subset="satisfaction")
    w, x = data["w"].to_numpy(), data["satisfaction"].to_numpy()
    value, k = (w * x).sum() / w.sum(), w.sum() ** 2 / (w**2).sum()
    error = np.sqrt((w**2 * (x - value) ** 2).sum() * k / (k - 1)) / w.sum()
    row = first(data, cx.csat_mean(), weight="w", unit=None)
    assert row["value"] == pytest.approx(value, abs=1e-12)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student_t.ppf(0.975, k - 1) * error, rel=1e-9)


def test_mean_over_units_is_the_cluster_linearisation() -> None:
    data = attempts()
    users = data.groupby("customer_id")["satisfaction"].agg(["sum", "count"]).astype(float).query("count > 0")
    y, x, n = users["sum"].to_numpy(), users["count"].to_numpy(), len(users)
    value = y.sum() / x.sum()
    k = x.sum() ** 2 / (x**2).sum()
    error = np.sqrt((y - value * x).var() * k / (k - 1) / n) / x.mean()
    row = first(data, cx.csat_mean(), unit="customer_id")
    assert (row["value"], row["n"]) == (pytest.approx(value, abs=1e-12), n)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student_t.ppf(0.975, k - 1) * error, rel=1e-9)


def test_weighted_nps_is_the_hand_formula() -> None:
    # Many answers, so that the answers the interval adds hardly count.
    data = attempts().dropna(subset="recommend")
    score = np.select([data["recommend"] >= 9, data["recommend"] >= 7], [100.0, 0.0], -100.0)
    w = data["w"].to_numpy()
    value, n = (w * score).sum() / w.sum(), len(w)
    error = np.sqrt((w**2 * (score - value) ** 2).sum() * n / (n - 1)) / w.sum()
    row = first(data, weight="w", unit=None)
    assert row["value"] == pytest.approx(value, abs=1e-9)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student_t.ppf(0.975, n - 1) * error, rel=0.01)


def test_ratio_over_units_is_the_cluster_linearisation() -> None:
    data = attempts()
    users = data.groupby("customer_id")["success"].agg(["sum", "count"]).astype(float)
    y, x, n = users["sum"].to_numpy(), users["count"].to_numpy(), len(users)
    value = y.sum() / x.sum()
    error = np.sqrt((y - value * x).var(ddof=1) / n) / x.mean()
    row = first(data, ux.task_success(), unit="customer_id")
    assert (row["value"], row["n"]) == (pytest.approx(value, abs=1e-12), n)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student_t.ppf(0.975, n - 1) * error, rel=0.01)


def test_ratio_of_sums_is_not_the_mean_of_ratios() -> None:
    data = pd.DataFrame({"success": [1, 0, 0, 0, 1], "user_id": [1, 2, 2, 2, 2]})
    assert first(data, ux.task_success(), unit="user_id")["value"] == pytest.approx(2 / 5)


def test_weights_that_are_all_alike_change_no_value() -> None:
    data = attempts().assign(w=2.5)
    plain = measure(data, METRICS, unit="customer_id")
    weighted = measure(data, METRICS, unit="customer_id", weight="w")
    np.testing.assert_allclose(weighted[NUMBERS].astype(float), plain[NUMBERS].astype(float), rtol=1e-9)


@pytest.mark.parametrize("answer", [10, 8, 2])
def test_weighted_answers_that_are_all_alike_are_not_certain(answer: int) -> None:
    # Once a SampleError or a width of 0, depending on how the weights round.
    for seed in range(12):
        weight = np.random.default_rng(seed).gamma(0.5, size=7)
        row = first(pd.DataFrame({"recommend": answer, "w": weight}, index=range(7)), weight="w")
        assert row["method"] == "adjusted Wald over units"
        assert row["value"] == pytest.approx({10: 100, 8: 0, 2: -100}[answer])
        assert row["high"] - row["low"] > 10


def test_units_that_are_all_alike_are_not_certain() -> None:
    data = pd.DataFrame({"recommend": [10, 8] * 3, "success": [1, 0] * 3, "user_id": [1, 1, 2, 2, 3, 3]})
    points, share = measure(data, [cx.nps("recommend"), ux.task_success()], unit="user_id").to_dict("records")
    assert (points["value"], share["value"]) == (50, 0.5)
    assert points["high"] - points["low"] > 60
    assert share["high"] - share["low"] > 0.3


def test_means_that_are_all_alike_have_no_interval() -> None:
    row = first(pd.DataFrame({"satisfaction": [4, 4, 4]}), cx.csat_mean())
    assert row["value"] == 4
    assert np.isnan(row["low"])
    assert row["method"] == "no interval: every unit answers the same"


def test_units_of_weight_zero_are_not_counted() -> None:
    rows = pd.DataFrame({"recommend": [10, 3, 9, 8], "satisfaction": [5, 2, 4, 4], "w": [1.0, 2, 3, 1]})
    more = pd.concat([rows, pd.DataFrame({"recommend": 0, "satisfaction": 1, "w": 0.0}, index=range(500))])
    plain, padded = (measure(each, [cx.nps("recommend"), cx.csat_mean()], weight="w") for each in (rows, more))
    assert padded["n"].tolist() == [4, 4]
    assert padded[NUMBERS].to_numpy(float) == pytest.approx(plain[NUMBERS].to_numpy(float), abs=1e-9)


def test_all_weights_zero_is_said() -> None:
    data = pd.DataFrame({"recommend": [10, 3, 9], "shop": ["a", "a", "b"], "w": [0.0, 0.0, 1.0]})
    row = measure(data, cx.nps("recommend"), by="shop", weight="w").iloc[0]
    assert np.isnan(row["value"])
    assert row["method"] == "all weights are zero"
    with pytest.raises(SampleError):
        measure(data.head(2), cx.nps("recommend"), weight="w")


def test_segment_without_answers_is_said() -> None:
    data = pd.DataFrame({"recommend": [np.nan, 9], "shop": ["a", "b"]})
    row = measure(data, cx.nps("recommend"), by="shop").iloc[0]
    assert np.isnan(row["value"])
    assert (row["n"], row["n_missing"], row["method"]) == (0, 1, "no valid answers")


def test_the_mean_of_one_unit_has_no_interval() -> None:
    row = first(pd.DataFrame({"satisfaction": [1, 4], "user_id": [4, 4]}), cx.csat_mean(), unit="user_id")
    assert row["value"] == 2.5
    assert np.isnan(row["low"])
    assert row["method"] == "no interval: one unit"


# --- laws ------------------------------------------------------------------------------------------

answers = st.lists(st.integers(0, 10), min_size=2, max_size=40)
levels = st.floats(0.3, 0.999)
quick = settings(max_examples=15)


@quick
@given(answers, levels, st.integers(0, 5))
def test_value_lies_in_its_interval_and_range(given_answers: list[int], level: float, n_users: int) -> None:
    data = pd.DataFrame({"recommend": given_answers})
    data["u"] = np.arange(len(data)) % (n_users + 2)
    for unit in (None, "u"):
        row = first(data, unit=unit, level=level)
        assert -100 <= row["low"] <= row["value"] + 1e-9
        assert row["value"] - 1e-9 <= row["high"] <= 100


@quick
@given(answers, st.randoms())
def test_order_of_rows_changes_nothing(given_answers: list[int], random: Any) -> None:
    shuffled = random.sample(given_answers, len(given_answers))
    assert estimate(shuffled, cx.nps()) == estimate(given_answers, cx.nps())


@quick
@given(answers, st.data())
def test_how_a_units_rows_are_placed_changes_nothing(given_answers: list[int], data: Any) -> None:
    users = data.draw(st.lists(st.integers(0, 4), min_size=len(given_answers), max_size=len(given_answers)))
    table = pd.DataFrame({"recommend": given_answers, "u": users})
    placed = table.sort_values("u", kind="stable").assign(u=lambda each: each["u"] * 7 + 3)
    found = [first(each, unit="u")[NUMBERS].astype(float).to_numpy() for each in (table, placed)]
    assert found[0] == pytest.approx(found[1], abs=1e-9, nan_ok=True)


@quick
@given(answers, levels, levels)
def test_more_confidence_is_a_wider_interval(given_answers: list[int], a: float, b: float) -> None:
    narrow, wide = (estimate(given_answers, cx.nps(), level=each) for each in sorted((a, b)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@quick
@given(answers)
def test_swapping_promoters_and_detractors_turns_the_sign(given_answers: list[int]) -> None:
    swapped = [{True: 0, False: each}[each >= 9] if each >= 7 else 10 for each in given_answers]
    found, other = estimate(given_answers, cx.nps()), estimate(swapped, cx.nps())
    assert (other.value, other.low, other.high) == pytest.approx((-found.value, -found.high, -found.low), abs=1e-9)


@quick
@given(answers, st.data(), st.floats(1e-3, 1e3))
def test_the_scale_of_the_weights_changes_nothing(given_answers: list[int], data: Any, factor: float) -> None:
    weights = data.draw(st.lists(st.floats(0.01, 100), min_size=len(given_answers), max_size=len(given_answers)))
    table = pd.DataFrame({"recommend": given_answers, "w": weights})
    found, scaled = first(table, weight="w"), first(table.assign(w=table["w"] * factor), weight="w")
    numbers = [each[NUMBERS].astype(float).to_numpy() for each in (found, scaled)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-6, abs=1e-6)


@quick
@given(answers, st.data())
def test_a_weight_of_two_has_the_value_of_two_rows(given_answers: list[int], data: Any) -> None:
    times = data.draw(st.lists(st.integers(1, 4), min_size=len(given_answers), max_size=len(given_answers)))
    weighted = first(pd.DataFrame({"recommend": given_answers, "w": times}), weight="w")
    assert weighted["value"] == pytest.approx(estimate(np.repeat(given_answers, times), cx.nps()).value, abs=1e-9)
