"""The interval as part of a metric's definition: what each gives on frames, where it holds, what is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from cxuxlib import compare, cx, estimate, measure, ux
from cxuxlib.errors import AnswerError, ArgumentError, UnitError
from cxuxlib.stats import interval_options, intervals
from cxuxlib.study import Answer, Metric

Native = Callable[..., Any]
NUMBERS = ["value", "low", "high", "n", "n_missing"]
Shares = Literal["adjusted", "wilson", "exact", "wald"]
Scores = Literal["adjusted", "score", "wald"]


def recommend(promoters: int, passives: int, detractors: int) -> list[int]:
    return [10] * promoters + [7] * passives + [0] * detractors


# --- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "low", "high"), [("adjusted", -42.3, 32.3), ("score", -43.5, 33.6), ("wald", -47.4, 35.6)]
)
def test_nps_of_the_regression_values(interval: Scores, low: float, high: float) -> None:
    # (7, 4, 6), computed once by another implementation (metrics.md section 3).
    found = estimate(recommend(6, 4, 7), cx.nps(interval=interval))
    assert (round(found.low, 1), round(found.high, 1)) == (low, high)
    assert found.method == {"adjusted": "adjusted Wald", "score": "score", "wald": "Wald"}[interval]


@pytest.mark.parametrize(("interval", "low"), [("adjusted", 17.5), ("score", 13.1), ("wald", 100)])
def test_five_promoters(interval: Scores, low: float) -> None:
    # Trap 3: Wald has no width at the boundary.
    found = estimate(recommend(5, 0, 0), cx.nps(interval=interval))
    assert (round(found.low, 1), found.high) == (low, 100)


def test_wald_is_cut_to_the_range() -> None:
    # Trap 3: 9 promoters and 2 detractors, 109.2 before it is cut.
    found = estimate(recommend(9, 0, 2), cx.nps(interval="wald"))
    assert (round(found.low, 1), found.high) == (18.1, 100)


@pytest.mark.parametrize(
    ("interval", "low", "high", "method"),
    [
        ("adjusted", 0.574, 1, "adjusted Wald"), ("wilson", 0.596, 0.982, "Wilson"),
        ("exact", 0.555, 0.997, "exact"), ("wald", 0.714, 1, "Wald"),
    ],
)  # fmt: skip
def test_nine_of_ten(interval: Shares, low: float, high: float, method: str) -> None:
    found = estimate([1] * 9 + [0], ux.task_success(interval=interval))
    assert (round(found.low, 3), round(found.high, 3), found.method) == (low, high, method)


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_level_reaches_every_interval(level: float) -> None:
    for interval, of in (("wilson", intervals.wilson), ("exact", interval_options.exact)):
        found = estimate([1, 1, 0, 1], replace(ux.task_success(), interval=interval), level=level)
        assert (found.low, found.high) == pytest.approx(of(3, 4, level))
    found = estimate(recommend(6, 4, 7), cx.nps(interval="score"), level=level)
    assert (found.low, found.high) == pytest.approx(interval_options.nps_score(6, 4, 7, level))


def test_any_share_may_have_its_interval_replaced() -> None:
    found = estimate([5, 4, 3, 1], replace(cx.csat(), interval="wilson"))
    assert (found.low, found.high) == pytest.approx(intervals.wilson(2, 4))


def test_segments_have_their_own_interval() -> None:
    data = pd.DataFrame({"recommend": recommend(6, 4, 7) + recommend(18, 11, 2), "shop": ["a"] * 17 + ["b"] * 31})
    found = measure(data, cx.nps(interval="score"), by="shop", unit=None)
    assert found[["low", "high"]].round(1).to_numpy().tolist() == [[-43.5, 33.6], [26.1, 69.9]]


def test_a_segment_without_answers_is_said() -> None:
    data = pd.DataFrame({"recommend": [np.nan, 9], "shop": ["a", "b"]})
    row = measure(data, cx.nps(interval="score"), by="shop").iloc[0]
    assert (np.isnan(row["low"]), row["method"]) == (True, "no valid answers")


def attempts() -> pd.DataFrame:
    rng = np.random.default_rng(51)
    data = pd.DataFrame({"recommend": rng.integers(0, 11, 200), "success": rng.random(200) < 0.7}).astype(float)
    data = data.mask(rng.random(data.shape) < 0.05)
    return data.assign(user_id=rng.integers(0, 40, 200), w=rng.gamma(2, size=200))


CHOSEN = [
    *(cx.nps(interval=each) for each in ("adjusted", "score", "wald")),
    *(ux.task_success(interval=each) for each in ("adjusted", "wilson", "exact", "wald")),
]


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_engines_agree(frame: Native, missing: Literal["null", "nan"]) -> None:
    found, expected = (measure(each, CHOSEN, unit=None) for each in (frame(attempts(), missing=missing), attempts()))
    assert found["method"].tolist() == expected["method"].tolist()
    np.testing.assert_allclose(found[NUMBERS].astype(float), expected[NUMBERS].astype(float), rtol=1e-9)
    assert (expected["low"] < expected["value"]).all()
    assert len(set(expected["low"].round(6))) == len(CHOSEN)


# --- units and weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, "w"])
def test_wald_over_units_is_the_linearisation(weight: str | None) -> None:
    data = attempts().dropna()
    data["w"] = data["w"] if weight else 1.0
    rows = pd.DataFrame({"y": data["w"] * data["success"], "x": data["w"], "u": data["user_id"]}).groupby("u").sum()
    y, x, n = rows["y"].to_numpy(), rows["x"].to_numpy(), len(rows)
    value = y.sum() / x.sum()
    k = x.sum() ** 2 / (x**2).sum()
    half = student_t.ppf(0.975, k - 1) * np.sqrt((y - value * x).var() * k / (k - 1) / n) / x.mean()
    row = measure(data, ux.task_success(interval="wald"), unit="user_id", weight=weight).iloc[0]
    assert (row["low"], row["value"], row["high"]) == pytest.approx((value - half, value, value + half))
    assert row["method"] == "Wald over units"


def test_wald_over_one_unit_has_no_interval_and_over_like_ones_no_width() -> None:
    data = pd.DataFrame({"success": [1, 0, 1, 0], "user_id": [1, 1, 2, 2]})
    one, both = (measure(each, ux.task_success(interval="wald"), unit="user_id").iloc[0] for each in (data[:2], data))
    assert (np.isnan(one["low"]), one["method"]) == (True, "no interval: one unit")
    assert (both["low"], both["high"]) == (0.5, 0.5)


@pytest.mark.parametrize("metric", [each for each in CHOSEN if each.interval in ("score", "wilson", "exact")])
def test_an_interval_of_single_answers_refuses_weights_and_repeated_units(frame: Native, metric: Metric) -> None:
    other = "Take interval='adjusted', or 'wald', which linearises|take interval='adjusted', or 'wald'"
    with pytest.raises(ArgumentError, match=f"holds for unweighted answers.*({other})"):
        measure(frame(attempts()), metric, unit=None, weight="w")
    with pytest.raises(UnitError, match=rf"units of 'user_id' gave \d+ answers: the '{metric.interval}'.*({other})"):
        measure(frame(attempts()), metric, unit="user_id")


def test_units_that_answer_once_may_be_named() -> None:
    data = attempts().drop_duplicates("user_id")
    metric = ux.task_success(interval="exact")
    found, plain = (measure(data, metric, unit=each)[NUMBERS] for each in ("user_id", None))
    pd.testing.assert_frame_equal(found, plain)


def test_a_visitor_counted_once_is_a_single_answer() -> None:
    data = pd.DataFrame({"converted": [1, 0, 0, 1, 0], "user_id": [1, 1, 2, 3, 3]})
    row = measure(data, replace(ux.conversion(per="visitor"), interval="exact"), unit="user_id").iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(interval_options.exact(2, 3))


def test_a_comparison_does_not_depend_on_the_interval() -> None:
    data = attempts().assign(half=lambda each: np.where(each["user_id"] % 2, "a", "b"))
    tables = [
        compare(data, ux.task_success(interval=each), between="half", unit="user_id")
        for each in ("adjusted", "exact", "wald")
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


# --- refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", ["wilson", "exact", "Score", "bootstrap", None, 1, ["score"]])
def test_nps_has_no_other_interval(interval: Any) -> None:
    with pytest.raises(ArgumentError, match=r"NPS: There is no interval .*there is 'adjusted', 'score', 'wald'"):
        cx.nps(interval=interval)


@pytest.mark.parametrize("interval", ["score", "clopper", None])
def test_success_has_no_other_interval(interval: Any) -> None:
    with pytest.raises(ArgumentError, match=r"there is 'adjusted', 'wilson', 'exact', 'wald'"):
        ux.task_success(interval=interval)


def test_partial_credit_is_a_mean_without_a_choice() -> None:
    with pytest.raises(ArgumentError, match="is a mean: it gets Student's t, so leave out interval='exact'"):
        ux.task_success(partial=True, interval="exact")
    assert estimate([1, 0.5, 0], ux.task_success(partial=True)).method == "t"


def test_an_interval_of_counts_is_not_of_sums() -> None:
    answers = (("x", Answer("x", 0, 1)), ("n", Answer("n", 1, 9)))
    with pytest.raises(ArgumentError, match="answers that count 1, not of sums per 'n'"):
        Metric("share", answers, "x", "proportion", 0, 1, per="n", interval="exact")


@pytest.mark.parametrize("n", [30, 200])
def test_answers_on_five_points_are_no_net_promoter_score(n: int) -> None:
    answers = pd.DataFrame({"recommend": [1, 2, 3, 4, 5] * (n // 5), "shop": ["a", "b"] * (n // 2)})
    with pytest.raises(AnswerError, match=r"is above 6\. A Net Promoter Score needs the scale from 0 to 10"):
        measure(answers, cx.nps("recommend"), by="shop")
    few = measure(answers.head(29), cx.nps("recommend"))
    assert few["value"].item() == -100
    answers.loc[0, "recommend"] = 7
    assert measure(answers, cx.nps("recommend"))["value"].item() > -100
