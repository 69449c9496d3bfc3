"""Comparisons of the same units on frames: published figures, scipy, what is said and refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib import cx, ux
from cxuxlib.errors import AnswerError, UnitError
from cxuxlib.metrics import compare
from cxuxlib.stats import paired as same_units
from cxuxlib.study import Metric

Native = Callable[..., Any]
NUMBERS = ["difference", "low", "high", "p", "n_a", "n_b"]
TIME = ux.time_on_task(success=None, which="all")
SEVEN = cx.csat_mean("score", scale=7)


def groups(column: str, a: Any, b: Any) -> pd.DataFrame:
    return pd.DataFrame({column: [*a, *b], "design": ["a"] * len(a) + ["b"] * len(b)})


def pairs_of(column: str, a: Any, b: Any) -> pd.DataFrame:
    return groups(column, a, b).assign(user_id=[*range(len(a)), *range(len(b))])


def one(data: Any, metric: Metric, **more: Any) -> Any:
    found = compare(data, metric, between="design", **more)
    assert len(found) == 1
    return found.iloc[0]


def paired(data: Any, metric: Metric) -> Any:
    return one(data, metric, unit="user_id", paired=True)


def test_paired_success_is_mcnemars_mid_p(frame: Native) -> None:
    # Trap 11: 6 against 1 discordant pairs, .070 and not the exact .125.
    a, b = [1] * 3 + [1] * 6 + [0] + [0] * 2, [1] * 3 + [0] * 6 + [1] + [0] * 2
    row = paired(frame(pairs_of("success", a, b)), ux.task_success())
    exact = stats.binomtest(1, 7).pvalue
    assert row["p"] == pytest.approx(exact - stats.binom.pmf(1, 7, 0.5))
    assert round(row["p"], 3) == 0.070
    assert row["difference"] == pytest.approx(5 / 12)


def test_paired_nps_is_that_of_the_differences() -> None:
    a, b = [10, 9, 9, 8, 3, 7, 10, 0], [2, 7, 9, 9, 7, 7, 6, 1]
    # Differences of -1, 0, 1: 2, 1, 0, -1, -1, 0, 2, 0.
    row = paired(pairs_of("recommend", a, b), cx.nps())
    assert row[NUMBERS[:4]].tolist() == pytest.approx(list(same_units.paired_nps(8, 3, 11)[:4]))
    assert row["difference"] == pytest.approx(100 * 3 / 8)


def test_paired_means_of_uxr() -> None:
    # A8: mean -6.571, t -5.18, p .002, CI -9.68 to -3.46; differences with these moments (sum -46, squares 370).
    differences = np.array([-12, -9, -8, -5, -5, -5, -2])
    extra = 370 - (differences**2).sum()
    assert (differences.sum(), extra) == (-46, 2)
    differences = differences + np.sqrt(1 + extra / ((differences + 46 / 7) ** 2).sum()) * 0
    spread = np.sqrt((370 - 46**2 / 7) / ((differences + 46 / 7) ** 2).sum())
    row = paired(
        pairs_of("score", 50 + spread * (differences + 46 / 7) - 46 / 7, [50.0] * 7), cx.csat_mean("score", scale=99)
    )
    found = [round(row["difference"], 3), round(row["low"], 2), round(row["high"], 2), round(row["p"], 3)]
    assert found == [-6.571, -9.68, -3.46, 0.002]


def test_paired_means_are_a_paired_t() -> None:
    a, b = [4, 2, 5, 3, 6, 2, 5], [5, 2, 1, 2, 1, 3, 2]
    expected = stats.ttest_rel(a, b)
    row = paired(pairs_of("score", a, b), SEVEN)
    ends = expected.confidence_interval(0.95)
    assert row[["low", "high", "p"]].tolist() == pytest.approx([*ends, expected.pvalue])


def test_paired_times_are_a_paired_t_on_logarithms() -> None:
    a, b = np.array([40.0, 22, 75, 31]), np.array([35.0, 25, 50, 28])
    expected = stats.ttest_rel(np.log(a), np.log(b))
    row = paired(pairs_of("duration_s", a, b), TIME)
    assert row["difference"] == pytest.approx(stats.gmean(a / b))
    assert row[["low", "high", "p"]].tolist() == pytest.approx(
        [*np.exp(expected.confidence_interval()), expected.pvalue]
    )


def test_several_tasks_are_averaged_within_each_user() -> None:
    # Shares that are no 0 or 1 have no discordant pairs: a paired t of each user's share.
    data = pd.DataFrame({
        "success": [1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0], "design": ["a"] * 6 + ["b"] * 6,
        "user_id": [1, 1, 2, 2, 3, 3] * 2,
    })  # fmt: skip
    row = paired(data, ux.task_success())
    assert row["p"] == pytest.approx(stats.ttest_rel([0.5, 1, 0], [0.5, 0, 0.5]).pvalue)
    assert row["method"] == "paired t"


def test_units_without_a_pair_are_left_out_and_said() -> None:
    data = pairs_of("score", [4, 2, 5, 3], [5, 2, 1, 2])
    more = pd.DataFrame({"score": [7.0, np.nan, 6], "design": ["a", "b", "a"], "user_id": [77, 78, 78]})
    row = paired(pd.concat([data, more]), SEVEN)
    assert row["p"] == pytest.approx(stats.ttest_rel([4, 2, 5, 3], [5, 2, 1, 2]).pvalue)
    assert (row["n_a"], row["n_b"], row["method"]) == (4, 4, "paired t; 2 units without a pair")


@pytest.mark.parametrize(
    "names", [(1, 2), (False, True), (1.5, 2.5), (pd.Timestamp(2020, 1, 1), pd.Timestamp(2021, 1, 1))]
)
def test_groups_may_be_named_by_anything(frame: Native, names: tuple[Any, Any]) -> None:
    data = pairs_of("success", [1, 0, 1, 1], [1, 0, 0, 0])
    data["design"] = data["design"].map({"a": names[0], "b": names[1]})
    row = paired(frame(data), ux.task_success())
    assert (row["a"], row["b"], row["difference"], row["n_a"]) == (*names, 0.5, 4)


@pytest.mark.parametrize("more", [{}, {"unit": None}, {"unit": "u", "weight": "w"}])
def test_paired_needs_a_unit_and_no_weight(more: dict[str, Any]) -> None:
    data = pairs_of("success", [1, 0, 1], [1, 0, 0]).rename(columns={"user_id": "u"}).assign(w=1.0)
    with pytest.raises(UnitError, match="A paired comparison needs unit="):
        one(data, ux.task_success(), paired=True, **more)


def test_an_answer_out_of_range_is_refused_though_paired() -> None:
    with pytest.raises(AnswerError, match="'score'"):
        paired(pairs_of("score", [4, 2, 9], [5, 2, 1]), SEVEN)


def test_pairs_without_spread_are_not_certain() -> None:
    times = np.array([0.7, 0.9, 1.3, 0.2, 2.1, 1 / 3])
    row = paired(pairs_of("duration_s", 3 * times, times), TIME)
    assert row["difference"] == pytest.approx(3)
    assert row[["low", "high", "p"]].isna().all()


def test_no_pairs_is_said() -> None:
    row = paired(groups("score", [4, 2], [5, 2]).assign(user_id=range(4)), SEVEN)
    assert (np.isnan(row["p"]), row["method"]) == (True, "no test: no unit has both.; 4 units without a pair")
