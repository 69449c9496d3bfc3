"""Two constructs from ordered answers: freed of error, and of answers that pile up at opposite ends."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, SampleError
from cxuxlib.frames import counts, moments
from cxuxlib.models import factor_correlation

UX, CX = ["u1", "u2", "u3"], ["c1", "c2", "c3"]
CONSTRUCTS = {"UX": UX, "CX": CX}
TRUE = 0.8


def sheet(n: int = 3000, seed: int = 1, first: float = 1.0) -> pd.DataFrame:
    """Two factors that correlate .8; UX is answered near the top of its scale, CX near the bottom."""
    rng = np.random.default_rng(seed)
    factors = rng.multivariate_normal([0, 0], [[1, TRUE], [TRUE, 1]], size=n)
    items = 0.8 * factors[:, [0, 0, 0, 1, 1, 1]] + 0.6 * rng.normal(size=(n, 6))
    cuts = first + np.array([0.0, 0.4, 0.8, 1.2])
    answers = np.column_stack([np.digitize(items[:, :3], -cuts[::-1]), np.digitize(items[:, 3:], cuts)]) + 1
    return pd.DataFrame(answers, columns=[*UX, *CX]).astype(float)


def found(data: Any, **more: Any) -> pd.Series:
    return factor_correlation(data, CONSTRUCTS, items="ordered", **more).iloc[0]


def test_answers_at_opposite_ends_are_no_difference_between_constructs() -> None:
    data = sheet()
    ordered, numbers = found(data), factor_correlation(data, CONSTRUCTS).iloc[0]
    assert numbers["high"] < TRUE - 0.2
    assert ordered["low"] < TRUE < ordered["high"]
    assert abs(ordered["value"] - TRUE) < 3 * ordered["std_error"]
    assert ordered["kind"] == "cfa, ordered"
    assert ordered["method"] == "delta method on polychoric correlations, robust"


def test_even_answers_give_much_the_same_either_way() -> None:
    rng = np.random.default_rng(2)
    factors = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=4000)
    items = 0.8 * factors[:, [0, 0, 0, 1, 1, 1]] + 0.6 * rng.normal(size=(4000, 6))
    data = pd.DataFrame(np.digitize(items, np.linspace(-1.5, 1.5, 8)), columns=[*UX, *CX])
    ordered, numbers = found(data), factor_correlation(data, CONSTRUCTS).iloc[0]
    assert ordered["value"] == pytest.approx(numbers["value"], abs=0.01)
    assert ordered["std_error"] == pytest.approx(numbers["std_error"], rel=0.05)


def test_rows_counts_weights_and_engines_agree(frame: Callable[[pd.DataFrame], Any]) -> None:
    data = sheet(1500).mask(np.random.default_rng(3).random((1500, 6)) < 0.02)
    expected = found(data)
    assert expected["n"] + expected["n_missing"] == 1500
    same = [found(frame(data)), found(counts(data, list(data)), frequency="n"),
            found(data.assign(w=7.0), weight="w"), found(data.iloc[::-1] * 10)]  # fmt: skip
    for each in same:
        assert (each["n"], each["n_missing"]) == (expected["n"], expected["n_missing"])
        for name in ("value", "std_error", "low", "high"):
            assert each[name] == pytest.approx(expected[name], rel=1e-6)


def test_weights_are_those_of_units() -> None:
    data = sheet(1500)
    twice = pd.concat([data, data[:500]], ignore_index=True)
    weighted = found(data.assign(w=np.where(np.arange(1500) < 500, 2.0, 1.0)), weight="w")
    assert weighted["value"] == pytest.approx(found(twice)["value"], rel=1e-9)
    assert weighted["std_error"] > found(twice)["std_error"]  # weights are no units
    ignored = sheet(300, seed=9).assign(w=0.0)
    both = pd.concat([data.assign(w=1.0), ignored], ignore_index=True)
    assert found(both, weight="w")["value"] == pytest.approx(found(data)["value"], rel=1e-9)


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    held = []
    for seed in range(300):
        each = found(sheet(1000, seed, first=0.4))
        held.append(each["low"] <= TRUE <= each["high"])
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)


def test_what_has_no_order_is_refused() -> None:
    data = sheet(300)
    with pytest.raises(ArgumentError, match="items is 'numbers' or 'ordered'; got 'ordinal'"):
        factor_correlation(data, CONSTRUCTS, items="ordinal")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Ordered answers need rows or counts"):
        found(moments(data, list(data)))
    with pytest.raises(ArgumentError, match="Ordered answers need rows or counts"):
        found(data, interval="normal")
    with pytest.raises(AnswerError, match="'u1' holds numbers that are not whole"):
        found(data.assign(u1=data["u1"] + 0.5))
    with pytest.raises(SampleError, match="'u1'"):
        found(data.assign(u1=3))
    with pytest.raises(SampleError, match="No complete rows of positive weight"):
        found(data.assign(w=0.0), weight="w")
