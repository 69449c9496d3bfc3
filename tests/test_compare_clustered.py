"""Shares and NPS of repeated or weighted units compared: on effective answers, and never sure without events."""

from collections.abc import Callable
from math import inf

import numpy as np
import pandas as pd
import pytest

from cxuxlib import cx, ux
from cxuxlib.errors import SampleError
from cxuxlib.metrics import compare
from cxuxlib.stats.comparisons import (
    two_nps,
    two_nps_over_units,
    two_proportions,
    two_ratios,
    two_shares_over_units,
)
from cxuxlib.stats.design import effective_size, kish_size, paired_sizes
from cxuxlib.stats.intervals import RatioSums

Draw = Callable[[np.random.Generator], RatioSums]


def sums_of(score: np.ndarray, weight: np.ndarray | None = None, unit: np.ndarray | None = None) -> RatioSums:
    weight = np.ones(len(score)) if weight is None else weight
    unit = np.arange(len(score)) if unit is None else unit
    y, x = np.bincount(unit, weight * score), np.bincount(unit, weight)
    n = float(len(np.unique(unit)))
    return RatioSums(n, y.sum(), x.sum(), y @ y, x @ y, x @ x, weight @ score**2, weight @ weight)


def share(successes: int, failures: int, times: int = 1) -> RatioSums:
    """Users who all answer alike each time."""
    score = np.repeat([1.0, 0], [successes, failures])
    return sums_of(np.tile(score, times), unit=np.tile(np.arange(len(score)), times))


def users(n: int, p: float, rho: float, more: float) -> Draw:
    """Users with 1 + Poisson answers, of a correlation rho."""

    def draw(rng: np.random.Generator) -> RatioSums:
        size, k = 1 + rng.poisson(more, n), (1 - rho) / rho
        unit = np.repeat(np.arange(n), size)
        own = rng.beta(p * k, (1 - p) * k, n)
        return sums_of((rng.random(len(unit)) < own[unit]).astype(float), unit=unit)

    return draw


def rejected(test: Callable[[RatioSums, RatioSums], float], a: Draw, b: Draw, times: int = 2000) -> float:
    """Share of pairs of samples alike in truth that a test at 5% calls different; what cannot be tested is not."""
    rng, found = np.random.default_rng(41), 0
    for _ in range(times):
        try:
            found += test(a(rng), b(rng)) < 0.05
        except SampleError:
            continue
    return found / times


# --- agreement -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [((10, 2), (4, 9)), ((10, 0), (9, 1)), ((0, 7), (0, 9)), ((30, 20), (25, 25))])
def test_single_answers_are_two_proportions(a: tuple[int, int], b: tuple[int, int]) -> None:
    expected = two_proportions(a[0], sum(a), b[0], sum(b))
    found = two_shares_over_units(share(*a), share(*b))
    assert found[:4] == pytest.approx(expected[:4], rel=1e-9)
    assert found.df == inf


@pytest.mark.parametrize("times", [2, 5])
def test_answers_repeated_alike_are_no_more_than_their_users(times: int) -> None:
    once, again = (two_shares_over_units(share(17, 3, each), share(10, 10, each)) for each in (1, times))
    assert again.statistic == pytest.approx(once.statistic)
    assert again.df == pytest.approx(1 / sum((each / sum((1 / 20, 1 / 20))) ** 2 / 19 for each in (1 / 20, 1 / 20)))
    assert again.p > once.p


def test_single_answers_are_two_nps() -> None:
    a, b = (sums_of(np.repeat([100.0, 0, -100], mix)) for mix in ((6, 3, 1), (4, 3, 5)))
    assert two_nps_over_units(a, b)[:4] == pytest.approx(two_nps((6, 3, 1), (4, 3, 5))[:4], rel=1e-9)


@pytest.mark.parametrize("metric", [ux.task_success("x"), cx.nps("x")])
def test_equal_weights_are_none(metric: object) -> None:
    rng = np.random.default_rng(42)
    data = pd.DataFrame({"x": rng.integers(0, 2, 60), "g": ["a"] * 25 + ["b"] * 35, "w": 2.5})
    plain, weighted = (
        compare(data, metric, between="g", unit=None, weight=each).iloc[0]  # type: ignore[arg-type]
        for each in (None, "w")
    )
    columns = ["difference", "low", "high", "p"]
    assert weighted[columns].tolist() == pytest.approx(plain[columns].tolist(), rel=1e-9)
    assert "on effective answers" in weighted["method"]


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_the_scale_of_weights_in_a_group_does_not_matter(scale: float) -> None:
    rng = np.random.default_rng(43)
    score, weight = (rng.random((2, 40)) < 0.6).astype(float), rng.gamma(2, size=(2, 40))
    unit = rng.integers(0, 20, 40)
    b = sums_of(score[1], weight[1], unit)
    found = two_shares_over_units(sums_of(score[0], scale * weight[0], unit), b)
    assert found[:4] == pytest.approx(two_shares_over_units(sums_of(score[0], weight[0], unit), b)[:4])


def test_swapping_turns_the_sign() -> None:
    rng = np.random.default_rng(44)
    a, b = users(30, 0.7, 0.3, 2)(rng), users(20, 0.4, 0.3, 2)(rng)
    found, turned = two_shares_over_units(a, b), two_shares_over_units(b, a)
    assert found[:4] == pytest.approx((-turned.difference, -turned.high, -turned.low, turned.p))


# --- groups without events -------------------------------------------------------------------------


def test_a_weighted_group_without_events_is_not_certain() -> None:
    data = pd.DataFrame({"x": [1] * 10 + [1] * 45 + [0] * 5, "g": ["a"] * 10 + ["b"] * 50, "u": range(60)})
    data["w"] = np.random.default_rng(45).uniform(0.5, 2, 60)
    plain = compare(data, ux.task_success("x"), between="g", unit="u").iloc[0]
    row = compare(data, ux.task_success("x"), between="g", unit="u", weight="w").iloc[0]
    assert row["p"] > 0.3
    assert row["p"] == pytest.approx(plain["p"], abs=0.2)
    assert row["method"] == "Fisher mid-p on effective answers, adjusted Wald"
    assert row["low"] < 0 < row["high"]


def test_a_group_of_like_answers_takes_the_design_effect_of_the_other() -> None:
    none, other = share(0, 30, 2), users(200, 0.3, 0.2, 1)(np.random.default_rng(46))
    size, _ = paired_sizes(none, other)
    effect = kish_size(other) / effective_size(other)
    assert size == pytest.approx(60 / effect)
    assert 30 < size < 60


def test_one_unit_that_repeats_cannot_be_tested() -> None:
    with pytest.raises(SampleError, match="one unit"):
        two_shares_over_units(sums_of(np.array([1.0, 0]), unit=np.zeros(2, int)), share(3, 4))
    data = pd.DataFrame({"x": [1, 0, 1, 1, 0], "g": list("aabbb"), "u": [1, 1, 2, 3, 4]})
    row = compare(data, ux.task_success("x"), between="g", unit="u").iloc[0]
    assert np.isnan(row["p"])
    assert row["method"] == "no test: one unit has no spread."


# --- error rates -----------------------------------------------------------------------------------


def shares(a: RatioSums, b: RatioSums) -> float:
    return two_shares_over_units(a, b).p


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.03, 0.97])
def test_error_rates_of_rare_and_frequent_shares_over_users(p: float) -> None:
    few, many = users(20, p, 0.1, 0.5), users(200, p, 0.1, 0.5)
    assert rejected(shares, few, many) < 0.05
    assert rejected(lambda a, b: two_ratios(a, b).p, few, many) > 0.15  # why not by the delta method


@pytest.mark.slow
@pytest.mark.parametrize(("n", "p", "rho", "more"), [((30, 300), 0.9, 0.4, 4.0), ((10, 100), 0.3, 0.4, 4.0)])
def test_error_rates_of_shares_over_correlated_users(n: tuple[int, int], p: float, rho: float, more: float) -> None:
    assert rejected(shares, *(users(each, p, rho, more) for each in n)) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("mix", [(0.9, 0.08, 0.02), (0.4, 0.3, 0.3)])
def test_error_rates_of_nps_over_users(mix: tuple[float, float, float]) -> None:
    def group(n: int) -> Draw:
        def draw(rng: np.random.Generator) -> RatioSums:
            unit = np.repeat(np.arange(n), 1 + rng.poisson(1, n))
            own = rng.dirichlet(4 * np.array(mix), n).cumsum(axis=1)[unit]
            at = (rng.random((len(unit), 1)) > own).sum(axis=1)
            return sums_of(np.array([100.0, 0, -100])[np.minimum(at, 2)], unit=unit)

        return draw

    assert rejected(lambda a, b: two_nps_over_units(a, b).p, group(20), group(200)) < 0.06


@pytest.mark.slow
def test_error_rates_of_means_of_unequal_weights() -> None:
    def draw(rng: np.random.Generator) -> RatioSums:
        return sums_of(rng.normal(size=20), rng.lognormal(0, 1.2, 20))

    # Found: .063, with about seven effective units in each sample; three simulation errors above .05 are .065.
    assert rejected(lambda a, b: two_ratios(a, b).p, draw, draw) < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5
