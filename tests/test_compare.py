"""Comparisons on frames: published figures, other packages, signs, what is refused, five engines."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cxuxlib import cx, ux
from cxuxlib.errors import ArgumentError, ColumnError, SampleError, UnitError
from cxuxlib.metrics import adjust, compare
from cxuxlib.stats import comparisons
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


# --- independent groups ----------------------------------------------------------------------------


def test_success_of_uxr(frame: Native) -> None:
    # A5, README of R's uxr: 10 of 12 against 4 of 13.
    row = one(frame(groups("success", [1] * 10 + [0] * 2, [1] * 4 + [0] * 9)), ux.task_success())
    assert row["difference"] == pytest.approx(10 / 12 - 4 / 13)
    assert (round(row["p"], 5), round(row["low"], 3), round(row["high"], 3)) == (0.00955, 0.133, 0.776)
    assert (row["n_a"], row["n_b"]) == (12, 13)


def test_means_of_uxr(frame: Native) -> None:
    # A8, README of R's uxr.
    row = one(frame(groups("score", [4, 2, 5, 3, 6, 2, 5], [5, 2, 1, 2, 1, 3, 2])), SEVEN)
    assert row["method"] == "Welch t"
    assert round(row["p"], 4) == 0.0707
    assert (row["low"], row["high"]) == pytest.approx((-0.156, 3.30), abs=0.005)


def test_times_are_compared_as_a_ratio() -> None:
    a, b = np.random.default_rng(3).lognormal([[4.0]] * 12, 0.5).ravel(), np.array([40.0, 22, 75, 31, 28, 60, 35, 44])
    row = one(groups("duration_s", a, b), TIME)
    expected = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    ends = np.exp(expected.confidence_interval(0.95))
    assert row["difference"] == pytest.approx(stats.gmean(a) / stats.gmean(b))
    assert (row["low"], row["high"], row["p"]) == pytest.approx((*ends, expected.pvalue), rel=1e-9)


def test_two_nps_are_those_of_their_counts() -> None:
    row = one(groups("recommend", [9] * 6 + [7] * 3 + [2], [10] * 4 + [8] * 3 + [6] * 5), cx.nps())
    expected = comparisons.two_nps((6, 3, 1), (4, 3, 5))
    assert row[NUMBERS[:4]].tolist() == pytest.approx(list(expected[:4]), rel=1e-12)
    assert row["difference"] == pytest.approx(50 + 100 / 12)


def test_small_expected_counts_get_fishers_mid_p() -> None:
    row = one(groups("success", [1] * 10, [1] * 9 + [0]), ux.task_success())
    assert row["method"].startswith("Fisher mid-p")
    assert row["p"] == pytest.approx(0.5)  # both tables have the probability 1/2, of which the observed counts half


def test_the_level_is_that_of_the_interval() -> None:
    data = groups("score", [4, 2, 5, 3, 6, 2, 5], [5, 2, 1, 2, 1, 3, 2])
    ends = stats.ttest_ind(data["score"][:7], data["score"][7:], equal_var=False).confidence_interval(0.8)
    row = one(data, SEVEN, level=0.8)
    assert (row["low"], row["high"]) == pytest.approx(tuple(ends))


@pytest.mark.parametrize(
    "metric", [ux.task_success("x"), cx.nps("x"), cx.ces_1("x"), ux.time_on_task("x", success=None, which="all")]
)
def test_swapping_the_names_turns_the_sign(metric: Metric) -> None:
    low = 0 if metric.kind == "proportion" else 1
    high = 1 if metric.kind == "proportion" else 5 if metric.name == "CES 1.0" else 10
    a, b = np.random.default_rng(5).integers(low, high + 1, (2, 15))
    found, turned = one(groups("x", a, b), metric), one(groups("x", b, a), metric)
    turn = (lambda x: 1 / x) if metric.link == "exp" else (lambda x: -x)
    expected = [turn(turned["difference"]), turn(turned["high"]), turn(turned["low"]), turned["p"]]
    assert found[NUMBERS[:4]].tolist() == pytest.approx(expected, rel=1e-9)


def test_several_metrics_at_once_are_those_of_each_alone() -> None:
    data = mixed()
    metrics = [cx.nps(), ux.task_success(), TIME]
    together = compare(data, metrics, between="design", unit=None)
    alone = pd.concat([compare(data, each, between="design", unit=None) for each in metrics], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone)


# --- repeated and weighted units -------------------------------------------------------------------


def linearised(y: np.ndarray, x: np.ndarray) -> tuple[float, float, float]:
    ratio, k = y.sum() / x.sum(), x.sum() ** 2 / (x @ x)  # k units of one size; n where they are 100 or more
    k = k if k < 100 else float(len(x))
    return ratio, ((y - ratio * x) ** 2).sum() / x.sum() ** 2 * k / (k - 1), k


def satterthwaite(a: tuple[float, float, float], b: tuple[float, float, float]) -> list[float]:
    gap, variance = a[0] - b[0], a[1] + b[1]
    df = variance**2 / sum(each[1] ** 2 / (each[2] - 1) for each in (a, b))
    half = stats.t.ppf(0.975, df) * np.sqrt(variance)
    return [gap, gap - half, gap + half, 2 * stats.t.sf(abs(gap) / np.sqrt(variance), df)]


def test_repeated_attempts_get_the_delta_method() -> None:
    data = mixed()
    answers = data.dropna(subset="satisfaction").groupby(["design", "user_id"])["satisfaction"]
    sums = answers.agg(["sum", "count"]).astype(float)
    parts = [linearised(sums.loc[each, "sum"].to_numpy(), sums.loc[each, "count"].to_numpy()) for each in ("a", "b")]
    row = one(data, cx.csat_mean(), unit="user_id")
    assert row["method"] == "delta method, Welch t"
    assert row[NUMBERS[:4]].tolist() == pytest.approx(satterthwaite(*parts), rel=1e-9)
    assert (row["n_a"], row["n_b"]) == (len(sums.loc["a"]), len(sums.loc["b"]))


def test_weights_get_the_delta_method() -> None:
    data = mixed().dropna(subset="satisfaction").query("user_id < 60")
    two = [data[data["design"] == each] for each in ("a", "b")]
    parts = [linearised((each["w"] * each["satisfaction"]).to_numpy(), each["w"].to_numpy()) for each in two]
    row = one(data, cx.csat_mean(), unit=None, weight="w")
    assert row[NUMBERS[:4]].tolist() == pytest.approx(satterthwaite(*parts), rel=1e-9)


def test_a_ratio_metric_gets_the_delta_method_though_units_are_rows() -> None:
    data = mixed()
    parts = [
        linearised((each["success"] * each["duration_s"]).to_numpy(float), each["duration_s"].to_numpy())
        for each in (data[data["design"] == name].dropna() for name in ("a", "b"))
    ]
    row = one(data.dropna(), ux.overall_relative_efficiency(), unit=None)
    assert row["method"] == "delta method, Welch t"
    assert row[NUMBERS[:4]].tolist() == pytest.approx(satterthwaite(*parts), rel=1e-9)


def test_visitors_counted_once_are_two_proportions() -> None:
    data = groups("converted", [1, 1, 0, 0, 1], [0, 0, 0, 1]).assign(user_id=[1, 1, 2, 2, 3, 4, 4, 5, 6])
    row = one(data, ux.conversion(per="visitor"), unit="user_id")
    assert row[NUMBERS[:4]].tolist() == pytest.approx(list(comparisons.two_proportions(2, 3, 1, 3)[:4]))


# --- refused ---------------------------------------------------------------------------------------


def test_the_same_units_in_two_groups_are_refused() -> None:
    with pytest.raises(UnitError, match="in more than one group of 'design': compare them with paired=True"):
        one(pairs_of("success", [1, 0, 1], [1, 0, 0]), ux.task_success(), unit="user_id")


def test_units_of_no_group_do_not_hide_those_of_two(frame: Native) -> None:
    lost = pd.DataFrame({"success": [1] * 5, "design": [None] * 5, "user_id": range(50, 55)})
    data = pd.concat([pairs_of("success", [1, 0, 1], [1, 0, 0]), lost])
    with pytest.raises(UnitError, match="in more than one group"):
        one(frame(data), ux.task_success(), unit="user_id")


def test_a_unit_with_a_row_of_no_group_is_in_one_group() -> None:
    data = groups("success", [1, 0, 1, 1], [1, 0, 0]).assign(user_id=range(7))
    more = pd.DataFrame({"success": [1], "design": [None], "user_id": [0]})
    assert one(pd.concat([data, more]), ux.task_success(), unit="user_id")["n_a"] == 4


def test_repeated_ids_need_a_unit() -> None:
    with pytest.raises(UnitError, match="Say unit='user_id'"):
        one(pairs_of("success", [1, 0, 1], [1, 0, 0]), ux.task_success())


@pytest.mark.parametrize("other", ["a", None])
def test_one_group_is_no_comparison(other: str | None) -> None:
    data = pd.DataFrame({"success": [1, 0, 1], "design": ["a", "a", other]})
    with pytest.raises(SampleError, match="needs two groups in 'design'; there is 'a'"):
        one(data, ux.task_success())


def test_an_unknown_column_of_groups() -> None:
    with pytest.raises(ColumnError, match="no column 'desing'"):
        compare(groups("success", [1], [0]), ux.task_success(), between="desing")


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ArgumentError):
        one(groups("success", [1], [0]), ux.task_success(), level=level)


# --- what cannot be tested -------------------------------------------------------------------------


@pytest.mark.parametrize("times", [(0.7, 0.3), (8.0, 4.0), (1 / 3, 0.1)])
def test_groups_without_spread_are_not_certain(times: tuple[float, float]) -> None:
    # Once p = 0 and an interval of no width, from rounding.
    row = one(groups("duration_s", [times[0]] * 7, [times[1]] * 7), TIME)
    assert row["difference"] == pytest.approx(times[0] / times[1])
    assert row[["low", "high", "p"]].isna().all()
    assert row["method"].startswith("no test: ")


def test_a_group_without_answers_is_said() -> None:
    row = one(groups("score", [4.0, 2, 5], [np.nan, np.nan]), SEVEN)
    assert np.isnan(row["p"])
    assert (row["method"], row["n_b"]) == ("no test: a group has no valid answers.", 0)


def test_answers_that_are_missing_are_counted(frame: Native) -> None:
    row = one(frame(groups("score", [4.0, 2, 5, np.nan], [np.nan, 3, np.nan, 6])), SEVEN)
    assert (row["n_a"], row["n_b"], row["n_missing"]) == (3, 2, 3)
    row = one(pd.DataFrame({"design": ["a", "b", None, "a", "b"], "score": [4, 3, 5, 2, 6]}), SEVEN)
    assert row["method"] == "Welch t; 1 rows without a group"
    pairs = pd.DataFrame({"design": list("aaabbb"), "user_id": [1, 2, 3] * 2, "score": [4, 3, None, 5, None, 7]})
    row = one(pairs, SEVEN, unit="user_id", paired=True)
    assert (row["n_a"], row["n_missing"]) == (1, 2)


# --- several groups --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_paired", [False, True])
def test_a_baseline_is_what_every_other_group_is_compared_with(is_paired: bool) -> None:
    data = pd.DataFrame({"score": [4, 2, 5, 3, 6, 2, 5, 1, 1], "design": list("aaabbbccc"), "u": [1, 2, 3] * 3})
    more: dict[str, Any] = {"between": "design", "unit": "u" if is_paired else None, "paired": is_paired}
    every = compare(data, SEVEN, **more)
    found = compare(data, SEVEN, **more | {"between": ("design", "b")})
    assert found[["a", "b"]].values.tolist() == [["a", "b"], ["c", "b"]]
    assert found.iloc[0].equals(every.iloc[0])
    there = every.iloc[2]
    assert found.loc[1, "difference"] == pytest.approx(-there["difference"])
    assert found.loc[1, ["low", "high"]].tolist() == pytest.approx([-there["high"], -there["low"]])
    assert found.loc[1, "p"] == pytest.approx(there["p"])
    with pytest.raises(ArgumentError, match="no group of 'design' 'd'; there is 'a', 'b'"):
        compare(data, SEVEN, **more | {"between": ("design", "d")})
    with pytest.raises(ArgumentError, match="a column and a group of it; got \\('design', 'a', 'b'\\)"):
        compare(data, SEVEN, **more | {"between": ("design", "a", "b")})


def test_three_groups_are_three_pairs() -> None:
    data = pd.DataFrame({"success": [1, 0, 1, 1, 0, 0, 1, 1, 1], "design": list("cccaaabbb")})
    found = compare(data, ux.task_success(), between="design")
    assert found[["a", "b"]].values.tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found["difference"].to_numpy() == pytest.approx(np.array([-2 / 3, -1 / 3, 1 / 3]))


@pytest.mark.parametrize("is_paired", [False, True])
def test_a_pair_of_three_groups_is_that_of_the_two_alone(is_paired: bool) -> None:
    data = pd.DataFrame(
        {"score": [4, 2, 5, 3, 6, 2, 5, 1, 1, 2, 3, 3], "design": list("aaaabbbbcccc"), "u": [1, 2, 3, 4] * 3}
    )
    more: dict[str, Any] = {"unit": "u", "paired": True} if is_paired else {"unit": None}
    found = compare(data, SEVEN, between="design", **more)
    alone = compare(data[data["design"] != "b"], SEVEN, between="design", **more)
    assert found.iloc[1].tolist() == alone.iloc[0].tolist()


def test_rows_without_a_group_are_left_out(frame: Native) -> None:
    data = groups("success", [1] * 10 + [0] * 2, [1] * 4 + [0] * 9)
    more = pd.DataFrame({"success": [1] * 5, "design": [None] * 5})
    found, alone = (
        compare(frame(each), ux.task_success(), between="design") for each in (pd.concat([data, more]), data)
    )
    pd.testing.assert_frame_equal(found.drop(columns="method"), alone.drop(columns="method"))
    assert found["method"].tolist() == [f"{alone['method'][0]}; 5 rows without a group"]


# --- engines ---------------------------------------------------------------------------------------


def mixed() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    n = 400
    user = rng.integers(0, 80, n)
    data = pd.DataFrame({
        "recommend": rng.integers(0, 11, n), "success": rng.random(n) < 0.6, "duration_s": rng.lognormal(4, 0.5, n),
        "satisfaction": rng.integers(1, 6, n),
    }).astype(float)  # fmt: skip
    data = data.mask(rng.random(data.shape) < 0.04)
    return data.assign(
        user_id=user, design=np.where(user % 2, "a", "b"), half=np.where(rng.random(n) < 0.5, "x", "y"),
        year=2017 + user % 4, w=rng.gamma(2, size=n),
    )  # fmt: skip


METRICS = [cx.nps(), ux.task_success(), TIME, cx.csat_mean(), ux.core_efficiency()]


@pytest.mark.parametrize("missing", ["null", "nan"])
@pytest.mark.parametrize(
    "more",
    [
        {"between": "design", "unit": None}, {"between": "design", "unit": "user_id"},
        {"between": "design", "unit": "user_id", "weight": "w"}, {"between": "half", "unit": "user_id", "paired": True},
    ],
)  # fmt: skip
def test_engines_agree(frame: Native, more: dict[str, Any], missing: Literal["null", "nan"]) -> None:
    found, expected = compare(frame(mixed(), missing=missing), METRICS, **more), compare(mixed(), METRICS, **more)
    text = ["metric", "a", "b", "method"]
    assert found[text].values.tolist() == expected[text].values.tolist()
    np.testing.assert_allclose(found[NUMBERS].astype(float), expected[NUMBERS].astype(float), rtol=1e-9, atol=1e-12)
    assert expected["p"].notna().all()


# --- many comparisons ------------------------------------------------------------------------------

P = [0.04, 0.001, np.nan, 0.03, 0.2, 0.03, 0.011]


@pytest.mark.parametrize(("method", "theirs"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_adjusted_p_is_that_of_statsmodels(method: Literal["holm", "benjamini-hochberg"], theirs: str) -> None:
    found = adjust(pd.DataFrame({"p": P}), method=method)["p_adjusted"]
    known = ~np.isnan(P)
    assert found[known].to_numpy() == pytest.approx(multipletests(np.array(P)[known], method=theirs)[1])
    assert np.isnan(found[2])


def test_adjusting_leaves_the_table_as_it_was() -> None:
    table = compare(mixed(), METRICS, between="year", unit="user_id")
    before = table.copy()
    found = adjust(table)
    pd.testing.assert_frame_equal(table, before)
    assert list(found.columns)[6:8] == ["p", "p_adjusted"]
    assert (found["p_adjusted"] >= found["p"]).all()


def test_adjust_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ArgumentError, match="no method 'bonferroni'"):
        adjust(pd.DataFrame({"p": P}), method="bonferroni")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="a column 'p'"):
        adjust(pd.DataFrame({"q": P}))
