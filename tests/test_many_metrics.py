"""Forty metrics at once: one pass over the data, without a word from pandas, and the numbers of each alone."""

import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import benchmark, compare, cx, measure, trend

METRICS = [cx.nps(f"q{i}") for i in range(40)]


def survey() -> pd.DataFrame:
    rng = np.random.default_rng(61)
    data = pd.DataFrame({f"q{i}": rng.integers(0, 11, 120).astype(float) for i in range(40)})
    user = rng.integers(0, 30, 120)
    more = {"user_id": user, "design": np.where(user % 2, "a", "b"), "year": user % 3, "w": rng.gamma(2, size=120)}
    return pd.concat([data, pd.DataFrame(more).assign(half=np.where(rng.random(120) < 0.5, "x", "y"))], axis=1)


CALLS = {
    "measure": partial(measure, unit=None),
    "measure by": partial(measure, by="design", unit=None),
    "measure over units": partial(measure, by="design", unit="user_id", weight="w"),
    "benchmark": partial(benchmark, against=10, unit=None),
    "compare": partial(compare, between="design", unit="user_id"),
    "compare paired": partial(compare, between="half", unit="user_id", paired=True),
    "trend": partial(trend, wave="year", unit="user_id"),
}


@pytest.mark.parametrize("name", CALLS)
def test_pandas_does_not_complain(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = CALLS[name](survey(), METRICS)
    assert len(found) >= 40


def test_the_numbers_are_those_of_each_alone() -> None:
    together = measure(survey(), METRICS, unit="user_id")
    alone = pd.concat([measure(survey(), each, unit="user_id") for each in METRICS[::13]], ignore_index=True)
    pd.testing.assert_frame_equal(together.iloc[::13].reset_index(drop=True), alone)


@pytest.mark.parametrize("name", ["measure", "measure by", "benchmark"])
@pytest.mark.parametrize("many", [1, 40])
def test_one_pass_over_the_data(name: str, many: int) -> None:
    pl = pytest.importorskip("polars")
    passes = []

    def seen(batch: Any) -> Any:
        passes.append(len(batch))
        return batch

    CALLS[name](pl.from_pandas(survey()).lazy().map_batches(seen), METRICS[:many])
    assert passes == [120]
