"""Comparisons on frames: published figures, other packages, signs, what is refused, five engines."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cxuxlib import cx, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError
from cxuxlib.metrics import adjust, compare, trend
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


def paired(data: Any, metric: Metric) -> Any:
    return one(data, metric, unit="user_id", paired=True)


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


def linearised(y: np.ndarray, x: np.ndarray) -> tuple[float, float, int]:
    ratio, n = y.sum() / x.sum(), len(y)
    return ratio, (y - ratio * x).var(ddof=1) / n / x.mean() ** 2, n


def satterthwaite(a: tuple[float, float, int], b: tuple[float, float, int]) -> list[float]:
    gap, variance = a[0] - b[0], a[1] + b[1]
    df = variance**2 / sum(each[1] ** 2 / (each[2] - 1) for each in (a, b))
    half = stats.t.ppf(0.975, df) * np.sqrt(variance)
    return [gap, gap - half, gap + half, 2 * stats.t.sf(abs(gap) / np.sqrt(variance), df)]


def test_repeated_attempts_get_the_delta_method() -> None:
    data = mixed()
    sums = data.dropna(subset="success").groupby(["design", "user_id"])["success"].agg(["sum", "count"]).astype(float)
    parts = [linearised(sums.loc[each, "sum"].to_numpy(), sums.loc[each, "count"].to_numpy()) for each in ("a", "b")]
    row = one(data, ux.task_success(), unit="user_id")
    assert row["method"] == "delta method, Welch t"
    assert row[NUMBERS[:4]].tolist() == pytest.approx(satterthwaite(*parts), rel=1e-9)
    assert (row["n_a"], row["n_b"]) == (parts[0][2], parts[1][2])


def test_weights_get_the_delta_method() -> None:
    data = mixed().dropna(subset="success")
    two = [data[data["design"] == each] for each in ("a", "b")]
    parts = [linearised((each["w"] * each["success"]).to_numpy(), each["w"].to_numpy()) for each in two]
    row = one(data, ux.task_success(), unit=None, weight="w")
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


# --- the same units twice --------------------------------------------------------------------------


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
    assert row[NUMBERS[:4]].tolist() == pytest.approx(list(comparisons.paired_nps(8, 3, 11)[:4]))
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


@pytest.mark.parametrize("more", [{}, {"unit": None}, {"unit": "u", "weight": "w"}])
def test_paired_needs_a_unit_and_no_weight(more: dict[str, Any]) -> None:
    data = pairs_of("success", [1, 0, 1], [1, 0, 0]).rename(columns={"user_id": "u"}).assign(w=1.0)
    with pytest.raises(UnitError, match="A paired comparison needs unit="):
        one(data, ux.task_success(), paired=True, **more)


@pytest.mark.parametrize("other", ["a", None])
def test_one_group_is_no_comparison(other: str | None) -> None:
    data = pd.DataFrame({"success": [1, 0, 1], "design": ["a", "a", other]})
    with pytest.raises(SampleError, match="needs two groups in 'design'; there is 'a'"):
        one(data, ux.task_success())


def test_an_answer_out_of_range_is_refused_though_paired() -> None:
    with pytest.raises(AnswerError, match="'score'"):
        paired(pairs_of("score", [4, 2, 9], [5, 2, 1]), SEVEN)


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


def test_pairs_without_spread_are_not_certain() -> None:
    times = np.array([0.7, 0.9, 1.3, 0.2, 2.1, 1 / 3])
    row = paired(pairs_of("duration_s", 3 * times, times), TIME)
    assert row["difference"] == pytest.approx(3)
    assert row[["low", "high", "p"]].isna().all()


def test_a_group_without_answers_is_said() -> None:
    row = one(groups("score", [4.0, 2, 5], [np.nan, np.nan]), SEVEN)
    assert np.isnan(row["p"])
    assert (row["method"], row["n_b"]) == ("no test: a group has no valid answers.", 0)


def test_no_pairs_is_said() -> None:
    row = paired(groups("score", [4, 2], [5, 2]).assign(user_id=range(4)), SEVEN)
    assert (np.isnan(row["p"]), row["method"]) == (True, "no test: no unit has both.; 4 units without a pair")


# --- several groups --------------------------------------------------------------------------------


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
    pd.testing.assert_frame_equal(found, alone)


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


def test_engines_agree_on_the_trend(frame: Native) -> None:
    found, expected = (trend(each, METRICS, wave="year", unit="user_id") for each in (frame(mixed()), mixed()))
    columns = ["change", "low", "high", "p", "waves", "n"]
    np.testing.assert_allclose(found[columns].astype(float), expected[columns].astype(float), rtol=1e-9, atol=1e-12)


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


# --- trend -----------------------------------------------------------------------------------------


def waves() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    year = np.repeat([2015, 2016, 2018, 2019], [40, 60, 50, 80])
    return pd.DataFrame(
        {"year": year, "satisfaction": rng.integers(1, 6, 230), "duration_s": rng.lognormal(4 + (year - 2015) / 9, 0.4)}
    )


@pytest.mark.parametrize("metric", [cx.csat_mean(), TIME])
def test_trend_is_the_weighted_regression_of_statsmodels(metric: Metric) -> None:
    data = waves()
    if metric is TIME:
        data["duration_s"] = np.log(data["duration_s"])
    parts = data.groupby("year")[metric.columns[0]]
    design = sm.add_constant(parts.mean().index.to_numpy(float) - 2015)
    fit = sm.WLS(parts.mean().to_numpy(), design, weights=(parts.count() / parts.var()).to_numpy()).fit(
        cov_type="fixed scale", use_t=False
    )
    expected = np.array([fit.params[1], *fit.conf_int()[1]])
    row = trend(waves(), metric, wave="year").iloc[0]
    found = row[["change", "low", "high"]].to_numpy(float)
    assert found == pytest.approx(np.exp(expected) if metric is TIME else expected, rel=1e-9)
    assert row["p"] == pytest.approx(fit.pvalues[1], rel=1e-6)
    assert (row["waves"], row["n"]) == (4, 230)


def test_the_trend_of_two_waves_is_their_difference() -> None:
    data = waves()[lambda each: each["year"].isin([2015, 2019])]
    means = data.groupby("year")["satisfaction"].mean()
    assert trend(data, cx.csat_mean(), wave="year")["change"].item() == pytest.approx((means[2019] - means[2015]) / 4)


def test_a_trend_turns_with_time() -> None:
    found, turned = (
        trend(each, cx.csat_mean(), wave="year").iloc[0] for each in (waves(), waves().assign(year=-waves()["year"]))
    )
    assert (found["change"], found["p"]) == pytest.approx((-turned["change"], turned["p"]))


def test_weights_that_are_all_alike_change_no_trend() -> None:
    plain, weighted = (
        trend(waves().assign(w=2.5), cx.csat_mean(), wave="year", weight=each).iloc[0] for each in (None, "w")
    )
    assert weighted["change":"p"].tolist() == pytest.approx(plain["change":"p"].tolist())


def test_weights_change_the_trend_as_rows_would() -> None:
    data = waves().iloc[::20].assign(w=1)
    data["w"] = 1 + np.arange(len(data)) % 2
    data = data[data["year"].isin([2015, 2019])]
    means = data.groupby("year").apply(
        lambda each: np.average(each["satisfaction"], weights=each["w"]), include_groups=False
    )
    found = trend(data, cx.csat_mean(), wave="year", weight="w")["change"].item()
    assert found == pytest.approx((means[2019] - means[2015]) / 4)


def test_a_certain_wave_does_not_decide_a_trend_of_shares() -> None:
    data = pd.DataFrame({"year": np.repeat([1, 2, 3], 10), "success": [1] * 10 + [1, 0] * 5 + [0] * 10})
    row = trend(data, ux.task_success(), wave="year").iloc[0]
    assert row["low"] < -0.5 < row["high"] < 0
    assert row["p"] > 1e-12


@pytest.mark.parametrize("value", [3, 3.3])
def test_a_wave_without_spread_has_no_trend(value: float) -> None:
    data = pd.DataFrame({"year": np.repeat([1, 2], 7), "satisfaction": [value] * 7 + [1, 2, 3, 4, 5, 5, 5]})
    row = trend(data, cx.csat_mean(), wave="year").iloc[0]
    assert (np.isnan(row["p"]), row["method"]) == (True, "no trend: a wave has no variance")


def test_waves_are_numbers() -> None:
    with pytest.raises(ArgumentError, match="Waves in 'wave' are numbers, such as years; got 'first', 'last'"):
        trend(
            pd.DataFrame({"success": [1, 0, 1, 1], "wave": ["first"] * 2 + ["last"] * 2}),
            ux.task_success(),
            wave="wave",
        )


def test_one_wave_has_no_trend() -> None:
    with pytest.raises(SampleError, match="two waves or more"):
        trend(pd.DataFrame({"success": [1, 0], "year": 2020}), ux.task_success(), wave="year")


def test_a_wave_of_one_unit_has_no_variance() -> None:
    with pytest.raises(SampleError, match="Wave 2 has 1 units"):
        trend(pd.DataFrame({"success": [1, 0, 1], "year": [1, 1, 2]}), ux.task_success(), wave="year")


def test_rows_without_a_wave_are_left_out() -> None:
    more = pd.DataFrame({"year": [np.nan] * 3, "satisfaction": [1] * 3})
    found, alone = (trend(each, cx.csat_mean(), wave="year") for each in (pd.concat([waves(), more]), waves()))
    pd.testing.assert_frame_equal(found, alone)


def test_the_same_units_in_several_waves_are_refused() -> None:
    data = pd.DataFrame({"satisfaction": [4, 2, 5, 3, 2, 5], "year": [1] * 3 + [2] * 3, "user_id": [1, 2, 3] * 2})
    with pytest.raises(UnitError, match="in more than one wave of 'year'"):
        trend(data, cx.csat_mean(), wave="year", unit="user_id")
