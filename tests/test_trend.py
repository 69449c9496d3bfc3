"""Trends over waves: agreement with statsmodels, weights, five engines, what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from cxuxlib import cx, ux
from cxuxlib.errors import ArgumentError, SampleError, UnitError
from cxuxlib.metrics import trend
from cxuxlib.study import Metric

Native = Callable[..., Any]
TIME = ux.time_on_task(success=None, which="all")


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


def test_engines_agree_on_the_trend(frame: Native) -> None:
    found, expected = (trend(each, METRICS, wave="year", unit="user_id") for each in (frame(mixed()), mixed()))
    columns = ["change", "low", "high", "p", "waves", "n"]
    np.testing.assert_allclose(found[columns].astype(float), expected[columns].astype(float), rtol=1e-9, atol=1e-12)


def waves() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    year = np.repeat([2015, 2016, 2018, 2019], [40, 60, 50, 80])
    return pd.DataFrame(
        {"year": year, "satisfaction": rng.integers(1, 6, 230), "duration_s": rng.lognormal(4 + (year - 2015) / 9, 0.4)}
    )


@pytest.mark.parametrize("metric", [cx.csat_mean(), TIME])
def test_trend_is_the_regression_of_statsmodels_weighted_by_answers(metric: Metric) -> None:
    data = waves()
    if metric is TIME:
        data["duration_s"] = np.log(data["duration_s"])
    parts = data.groupby("year")[metric.columns[0]]
    design = sm.add_constant(parts.mean().index.to_numpy(float) - 2015)
    fit = sm.WLS(parts.mean().to_numpy(), design, weights=parts.count().to_numpy()).fit()
    pieces = fit.model.pinv_wexog[1] ** 2 * parts.count() * parts.var() / parts.count()
    df = pieces.sum() ** 2 / (pieces**2 / (parts.count() - 1)).sum()
    error = pieces.sum() ** 0.5
    expected = fit.params[1] + stats.t.ppf([0.5, 0.025, 0.975], df) * error
    row = trend(waves(), metric, wave="year").iloc[0]
    found = row[["change", "low", "high"]].to_numpy(float)
    assert found == pytest.approx(np.exp(expected) if metric is TIME else expected, rel=1e-9)
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(fit.params[1]) / error, df), rel=1e-6)
    assert (row["waves"], row["n"]) == (4, 230)


def test_the_trend_of_two_waves_is_their_difference() -> None:
    data = waves()[lambda each: each["year"].isin([2015, 2019])]
    means = data.groupby("year")["satisfaction"].mean()
    row = trend(data, cx.csat_mean(), wave="year").iloc[0]
    assert row["change"] == pytest.approx((means[2019] - means[2015]) / 4)
    welch = stats.ttest_ind(*(each["satisfaction"] for _, each in data.groupby("year")), equal_var=False)
    ends = -np.array(welch.confidence_interval()) / 4
    assert row[["p", "high", "low"]].to_numpy(float) == pytest.approx([welch.pvalue, *ends], rel=1e-9)


def test_the_p_of_a_share_is_that_of_cochran_and_armitage() -> None:
    # R: prop.trend.test(c(83, 90, 129, 70), c(86, 93, 136, 82)), its help page's smokers: X² = 8.2249, p = 0.004132
    good, many = [83, 90, 129, 70], [86, 93, 136, 82]
    data = pd.DataFrame({
        "wave": np.repeat([1, 2, 3, 4], many),
        "success": np.concatenate([np.arange(n) < k for k, n in zip(good, many, strict=True)]),
    })  # fmt: skip
    assert trend(data, ux.task_success(), wave="wave")["p"].item() == pytest.approx(0.004132, abs=5e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("waves_of", "answers"), [(5, 3), (5, 10)])
def test_a_trend_of_few_answers_is_seldom_found_where_there_is_none(waves_of: int, answers: int) -> None:
    rng = np.random.default_rng(5)
    many = 600
    year = np.tile(np.repeat(np.arange(waves_of), answers), many)
    x = np.clip(rng.normal(3, 0.5, len(year)), 1, 5).reshape(many, -1)
    p = [
        trend(pd.DataFrame({"year": year[: x.shape[1]], "satisfaction": each}), cx.csat_mean(), wave="year")["p"].item()
        for each in x
    ]
    assert np.mean(np.array(p) < 0.05) < 0.075  # weights 1 / s² find one in .27 of 5 waves of 3


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
