"""Scores of questionnaires measured, compared and followed like any metric; planning is at hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_ind

from cxuxlib import benchmark, compare, estimate, measure, planning, scale_mean, scales, trend
from cxuxlib.errors import AnswerError, ArgumentError, UnitError
from cxuxlib.scales import Scale
from cxuxlib.scales.scale import parts
from cxuxlib.stats import margins, power

Q = [f"q{i}" for i in range(1, 11)]
SUS = scale_mean(scales.SUS)


def sheets(n: int = 120) -> pd.DataFrame:
    """SUS sheets of two designs over three years, with their scores; a tenth lacks an answer."""
    rng = np.random.default_rng(12)
    ease = rng.normal(3.6, 0.7, (n, 1)) + rng.normal(0, 0.8, (n, 10))
    raw = np.clip(np.round(np.where(np.arange(10) % 2, 6 - ease, ease)), 1, 5)
    data = pd.DataFrame(raw, columns=Q)
    data.loc[::10, "q3"] = np.nan
    data = data.assign(
        user=np.arange(n) // 2, design=np.where(np.arange(n) // 2 % 2, "a", "b"), year=2020 + np.arange(n) // 40
    )
    scored = scales.score(data, scales.SUS, items=Q)
    return data.join(scored)


def test_sus_is_measured_by_segment() -> None:
    data = sheets()
    row = measure(data, SUS, by="design", unit=None).iloc[0]
    x = data.loc[data["design"] == "a", "SUS"].dropna()
    half = t.ppf(0.975, len(x) - 1) * x.std() / np.sqrt(len(x))
    assert (row["value"], row["low"], row["high"]) == pytest.approx((x.mean(), x.mean() - half, x.mean() + half))
    assert (row["n"], row["n_missing"]) == (len(x), (data["design"] == "a").sum() - len(x))


def test_sus_of_two_designs_is_a_welch_test() -> None:
    data = sheets()
    row = compare(data, SUS, between="design", unit=None).iloc[0]
    a, b = (data.loc[data["design"] == name, "SUS"].dropna() for name in "ab")
    assert row["p"] == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert row["difference"] == pytest.approx(a.mean() - b.mean())


def test_sus_over_units_weights_waves_and_against_a_benchmark() -> None:
    data = sheets().assign(w=1.0)
    with pytest.raises(UnitError):
        measure(data, SUS)
    over, alone = measure(data, SUS, unit="user").iloc[0], measure(data, SUS, unit=None).iloc[0]
    assert (over["value"], over["n"]) == (pytest.approx(alone["value"]), data.dropna()["user"].nunique())
    assert measure(data, SUS, unit=None, weight="w")["value"].item() == pytest.approx(alone["value"])
    assert trend(data, SUS, wave="year", unit=None)["waves"].item() == 3
    target = benchmark(data, SUS, 68, unit=None).iloc[0]
    assert (target["value"] > 68) == (target["p"] < 0.5)
    assert estimate([70, 80, None], SUS).n == 2


def test_engines_agree(frame: Callable[..., Any]) -> None:
    data = sheets()[["SUS", "usable", "learnable", "design"]]
    metrics = [scale_mean(scales.SUS, score=name) for name in (None, "usable", "learnable")]
    found, expected = (measure(each, metrics, by="design") for each in (frame(data), data))
    for name in ("value", "low", "high", "n", "n_missing"):
        np.testing.assert_allclose(found[name].astype(float), expected[name].astype(float), rtol=1e-9)


@pytest.mark.parametrize("scale", scales.ALL, ids=lambda each: each.name)
def test_every_score_of_the_catalogue_is_a_metric(scale: Scale) -> None:
    for name in parts(scale):
        metric = scale_mean(scale, score=None if name == scale.name else name)
        assert (metric.low, metric.high) == pytest.approx(scales.score_range(scale, name))
        assert metric.columns == (name,)
        assert metric.name == (scale.name if name == scale.name else f"{scale.name} {name}")
        assert (metric.higher_is_better, metric.construct) == (scale.higher_is_better, scale.construct)
        assert metric.source == scale.source


def test_a_score_out_of_range_is_refused() -> None:
    with pytest.raises(AnswerError, match="SUS"):
        estimate([70, 101], SUS)


def test_a_mean_of_some_questions_may_lie_beyond_that_of_all() -> None:
    partial = replace(scales.SUPR_Q, missing="mean")
    items = list("abcdefgh")
    table = pd.DataFrame([[None, None, None, None, 0, 1, 1, 1], [5] * 4 + [10] + [5] * 3], columns=items)
    scored = scales.score(table, partial, items=items)
    assert measure(scored, scale_mean(partial))["value"].item() == pytest.approx((0.75 + 5) / 2)


def test_gaps_run_from_minus_to_plus() -> None:
    two = Scale("service", items=2, low=1, high=7)
    data = pd.DataFrame({"p1": [1, 7, 4], "p2": [1, 7, 5], "e1": [7, 1, 6], "e2": [7, 1, 6]})
    gaps = scales.gap(data, two, items=["p1", "p2"], expected=["e1", "e2"])
    metric = scale_mean(two, gap=True)
    assert (metric.name, metric.low, metric.high) == ("service gap", -6, 6)
    assert measure(gaps, metric)["value"].item() == pytest.approx((-6 + 6 - 1.5) / 3)


def test_scores_under_another_name() -> None:
    six, w = list("abcdef"), list("uvwxyz")
    load = scales.tlx_weighted(pd.DataFrame([[50] * 6 + [5, 4, 3, 2, 1, 0]], columns=six + w), items=six, weights=w)
    metric = scale_mean(scales.NASA_TLX, column="NASA-TLX weighted")
    assert measure(load, metric)["value"].item() == 50
    assert metric.higher_is_better is False


def test_scores_that_are_not_there() -> None:
    with pytest.raises(ArgumentError, match="usable"):
        scale_mean(scales.SUS, score="useable")
    with pytest.raises(ArgumentError, match="attractiveness"):
        scale_mean(scales.UEQ)  # it has no total
    with pytest.raises(ArgumentError, match="scale is a questionnaire"):
        scale_mean("SUS")  # type: ignore[arg-type]


def test_planning_offers_every_size_and_power() -> None:
    assert set(planning.__all__) == {*power.__all__, *margins.__all__}
    assert all(getattr(planning, name).__doc__ for name in planning.__all__)
    assert (planning.n_to_discover(0.31, 0.85), round(planning.discovery_rate(0.31, 5), 2)) == (6, 0.84)
