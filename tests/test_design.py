"""Design effects and effective sizes: hand formulas, resampling, and what has none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import cx, measure, ux
from cxuxlib.errors import SampleError
from cxuxlib.stats.design import design_effect, effective_size, kish_size
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.study import Answer, Metric

Native = Callable[..., Any]
SIZES = ["design_effect", "n_effective", "n_kish"]


def sums_of(score: np.ndarray, weight: np.ndarray, unit: np.ndarray) -> RatioSums:
    rows = pd.DataFrame({"y": score * weight, "x": weight, "unit": unit}).groupby("unit").sum()
    y, x = rows["y"].to_numpy(), rows["x"].to_numpy()
    return RatioSums(len(rows), y.sum(), x.sum(), y @ y, x @ y, x @ x, weight @ score**2, weight @ weight)


def answers() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    user = rng.integers(0, 60, 400)
    taste = rng.integers(3, 11, 60)
    return pd.DataFrame({
        "recommend": np.clip(taste[user] + rng.integers(-3, 3, 400), 0, 10), "satisfaction": rng.integers(1, 6, 400),
        "user_id": user, "w": rng.gamma(2, size=400), "shop": np.where(user % 2, "a", "b"),
    })  # fmt: skip


def by_hand(score: np.ndarray, w: np.ndarray, unit: np.ndarray) -> float:
    """Linearised variance over units, over that of as many answers drawn alone, each from its own definition."""
    m, value = len(score), np.average(score, weights=w)
    parts = pd.Series(w * (score - value) / w.sum()).groupby(unit).sum()
    linearised = len(parts) / (len(parts) - 1) * (parts**2).sum()
    alone = np.average((score - value) ** 2, weights=w) * m / (m - 1) / m
    return float(linearised / alone)


@pytest.mark.parametrize("unit", [None, "user_id"])
@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("metric", [cx.nps(), cx.csat(), cx.csat_mean()])
def test_design_effect_is_the_hand_formula(metric: Metric, weight: str | None, unit: str | None) -> None:
    data = answers()
    if metric.kind == "nps":
        score = np.select([data["recommend"] >= 9, data["recommend"] >= 7], [100.0, 0.0], -100.0)
    else:
        score = data["satisfaction"].to_numpy(float)
        score = (score > 3).astype(float) if metric.kind == "proportion" else score
    w = data[weight].to_numpy() if weight else np.ones(400)
    expected = by_hand(score, w, data[unit].to_numpy() if unit else np.arange(400))
    row = measure(data, metric, unit=unit, weight=weight).iloc[0]
    assert row["design_effect"] == pytest.approx(expected, rel=1e-9)
    assert row["n_effective"] == pytest.approx(400 / expected, rel=1e-9)
    assert row["n_kish"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-9)


def test_kish_of_turas() -> None:
    # Kish's n = (Σw)²/Σw², whatever was answered: two of weight 1 and two of weight 3 are 3.2 answers.
    data = pd.DataFrame({"recommend": [10, 3, 8, 9], "w": [1.0, 1, 3, 3]})
    assert measure(data, cx.nps(), weight="w")["n_kish"].item() == pytest.approx(3.2)


def test_plain_answers_have_no_design_effect(frame: Native) -> None:
    found = measure(frame(answers()), [cx.nps(), cx.csat(), cx.csat_mean()], by="shop", unit=None)
    assert (found["design_effect"] == 1).all()
    assert (found["n_effective"] == found["n"]).all()
    assert (found["n_kish"] == found["n"]).all()
    assert [str(found[name].dtype) for name in SIZES] == ["float64"] * 3


def test_equal_weights_have_no_design_effect() -> None:
    found = measure(answers().assign(w=2.5), [cx.nps(), cx.csat_mean()], unit=None, weight="w")
    assert found[SIZES].to_numpy() == pytest.approx(np.array([[1, 400, 400]] * 2))


def test_answers_repeated_k_times_have_a_design_effect_of_about_k() -> None:
    once = answers().drop(columns="user_id").assign(user_id=range(400))
    found = measure(pd.concat([once] * 5), cx.nps(), unit="user_id").iloc[0]
    assert found["design_effect"] == pytest.approx(5, rel=0.01)
    assert found["n_effective"] == pytest.approx(400, rel=0.01)
    assert found["n_kish"] == 2000  # knows the weights only


def test_the_size_columns_stand_behind_the_others() -> None:
    found = measure(answers(), cx.nps(), unit="user_id")
    contract = ["segment", "metric", "value", "low", "high", "n", "n_missing", "method", "level"]
    assert list(found.columns) == contract + SIZES


def test_weights_are_no_counts() -> None:
    # Trap 7: Σw taken for n makes any interval as narrow as one likes.
    small, large = (
        measure(answers().assign(w=lambda each, by=by: each["w"] * by), cx.nps(), unit=None, weight="w").iloc[0]
        for by in (1, 1000)
    )
    for name in ("low", "high", *SIZES):
        assert small[name] == pytest.approx(large[name], rel=1e-9)
    assert small["n_effective"] < 400


def test_where_there_is_no_design_effect_it_is_missing() -> None:
    data = pd.DataFrame({"recommend": [10, 10, 9], "u": [1, 1, 2], "w": [1.0, 2, 3]})
    alike = measure(data, cx.nps(), unit="u", weight="w")[SIZES].to_numpy()
    np.testing.assert_allclose(alike, [[np.nan, np.nan, 36 / 14]])
    one = measure(data.assign(recommend=[10, 1, 5]).head(2), cx.nps(), unit="u")[SIZES].to_numpy()
    np.testing.assert_array_equal(one, [[np.nan, np.nan, 2]])
    none = measure(data.assign(recommend=[np.nan, np.nan, 5]), cx.nps(), by="u", unit="u")[SIZES].to_numpy()
    np.testing.assert_array_equal(none, [[np.nan] * 3, [1, 1, 1]])


def test_units_that_do_not_differ_have_no_effective_size() -> None:
    data = pd.DataFrame({"success": [1, 0] * 3, "user_id": [1, 1, 2, 2, 3, 3]})
    found = measure(data, ux.task_success(), unit="user_id")[SIZES].to_numpy()
    np.testing.assert_array_equal(found, [[0, np.nan, 6]])


def test_a_ratio_of_sums_has_no_design_effect() -> None:
    answers_of = (("a", Answer("a", 0, 9)), ("b", Answer("b", 1, 9)))
    ratio = Metric("a per b", answers_of, "a", "mean", 0, 9, per="b")
    data = pd.DataFrame({"a": [1, 2, 3, 1], "b": [2, 3, 4, 5], "u": [1, 1, 2, 3], "w": [1.0, 2, 1, 2]})
    np.testing.assert_array_equal(measure(data, ratio, unit="u")[SIZES], [[np.nan, np.nan, 4]])
    np.testing.assert_array_equal(measure(data, ratio, unit=None, weight="w")[SIZES], [[np.nan] * 3])


@pytest.mark.slow
def test_design_effect_is_the_ratio_of_variances_of_repeated_samples() -> None:
    rng = np.random.default_rng(13)
    means, effects, spread = [], [], []
    for _ in range(3000):
        many = rng.integers(1, 8, 150)
        unit = np.repeat(np.arange(150), many)
        score = (rng.random(len(unit)) < rng.beta(1.4, 0.6, 150)[unit]).astype(float)
        weight = rng.choice([0.5, 1, 3], 150)[unit]
        sums = sums_of(score, weight, unit)
        means.append(sums.y / sums.x)
        effects.append(design_effect(sums, len(unit)) / len(unit))
        spread.append(sums.y / sums.x * (1 - sums.y / sums.x))
    assert np.var(means) / np.mean(spread) == pytest.approx(np.mean(effects), rel=0.07)


def test_effective_size_is_never_more_than_kishs() -> None:
    rng = np.random.default_rng(14)
    for _ in range(200):
        unit, weight = rng.integers(0, 12, 40), rng.gamma(2, size=40)
        sums = sums_of((rng.random(40) < 0.7).astype(float), weight, unit)
        assert 0 < effective_size(sums) <= kish_size(sums) * (1 + 1e-12)


def test_effective_size_of_single_answers_is_their_number() -> None:
    sums = sums_of(np.array([1.0, 0, 1, 1, 0]), np.ones(5), np.arange(5))
    assert effective_size(sums) == pytest.approx(5)


def test_where_all_answers_are_alike_a_unit_counts_as_one() -> None:
    sums = sums_of(np.ones(9), np.ones(9), np.repeat(np.arange(3), 3))
    assert effective_size(sums) == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: design_effect(sums_of(np.ones(4), np.ones(4), np.arange(4)), 4),
        lambda: design_effect(sums_of(np.array([1.0, 0]), np.ones(2), np.zeros(2)), 2),
        lambda: design_effect(sums_of(np.ones(1), np.ones(1), np.zeros(1)), 1),
        lambda: kish_size(RatioSums(0, 0, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_too_few_answers_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()
