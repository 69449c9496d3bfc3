"""One sample against a benchmark: published examples, agreement with scipy, error rates."""

from collections.abc import Callable
from math import inf, isnan, log, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.benchmarks import (
    Benchmark,
    benchmark_geometric_mean,
    benchmark_mean,
    benchmark_nps,
    benchmark_proportion,
    benchmark_share,
)
from cxuxlib.stats.interval_options import nps_score
from cxuxlib.stats.intervals import RatioSums, wilson

TIMES = np.array([55.0, 65, 75, 62, 45, 135])
counts = st.integers(0, 40)
sizes = st.integers(1, 40)


def moments(x: np.ndarray) -> tuple[float, float, int]:
    return float(x.mean()), float(x.var(ddof=1)), len(x)


def test_benchmark_is_not_read_as_a_probability_to_exceed_it() -> None:
    # 9 of 11 is 81.8%, above 80%. R's uxr prints P(X < 9) = .383 as "probability that this rate exceeds" it.
    found = benchmark_proportion(9, 11, 0.8)
    assert (round(found.p_exact, 3), round(found.p_mid, 3)) == (0.617, 0.470)
    assert isnan(found.p_z)
    assert found.value > found.p0
    assert Benchmark._fields == ("value", "p0", "p_exact", "p_mid", "p_z")


@pytest.mark.parametrize(
    ("x", "n", "p0", "below"),
    [(4, 7, 0.8, 0.033344), (6, 14, 0.3, 0.7805158), (9, 11, 0.8, 0.3825985), (10, 12, 0.8, 0.4416543)],
)
def test_exact_p_is_one_less_the_chance_of_fewer(x: int, n: int, p0: float, below: float) -> None:
    # README and vignette of R's uxr; what is printed there is P(X < x).
    found = benchmark_proportion(x, n, p0)
    assert found.p_exact == pytest.approx(1 - below, abs=5e-7)
    assert found.p_exact == pytest.approx(scipy_stats.binomtest(x, n, p0, alternative="greater").pvalue)
    assert found.p_mid == pytest.approx(found.p_exact - scipy_stats.binom.pmf(x, n, p0) / 2)


def test_z_of_a_benchmark_in_large_samples() -> None:
    found = benchmark_proportion(450, 600, 0.7)
    assert found.p_z == pytest.approx(scipy_stats.norm.sf((0.75 - 0.7) / sqrt(0.7 * 0.3 / 600)))
    assert found.p_z == pytest.approx(found.p_mid, abs=5e-4)


@pytest.mark.parametrize(("x", "p"), [(0, 1.0), (5, 0.8**5)])
def test_benchmark_with_none_or_all(x: int, p: float) -> None:
    assert benchmark_proportion(x, 5, 0.8).p_exact == pytest.approx(p)


@given(x=counts, n=sizes, p0=st.floats(0.01, 0.99))
def test_success_and_failure_are_mirrored(x: int, n: int, p0: float) -> None:
    assume(x <= n)
    assert benchmark_proportion(x, n, p0).p_mid == pytest.approx(1 - benchmark_proportion(n - x, n, 1 - p0).p_mid)


def test_benchmark_of_task_times() -> None:
    # measuringusability.com/time_intervals: geometric mean 68, 46 to 101; here against 100 s.
    found = benchmark_geometric_mean(*moments(np.log(TIMES)), benchmark=100)
    assert [round(100 * each) for each in (found.difference, found.low, found.high)] == [68, 46, 101]
    expected = scipy_stats.ttest_1samp(np.log(TIMES), log(100))
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_the_benchmark_is_no_end_of_the_interval() -> None:
    # R's uxr sets the margin to t·se, so that one end is the benchmark, always (metrics.md 1.3).
    for benchmark in (50.0, 80, 200):
        found = benchmark_geometric_mean(*moments(np.log(TIMES)), benchmark=benchmark)
        assert found.low * benchmark == pytest.approx(46.0, abs=0.05)
        assert found.high * benchmark == pytest.approx(101, abs=0.5)
        assert 1 not in (round(found.low, 3), round(found.high, 3))


def sums_of(score: np.ndarray, weight: np.ndarray | None = None, unit: np.ndarray | None = None) -> RatioSums:
    weight = np.ones(len(score)) if weight is None else weight
    unit = np.arange(len(score)) if unit is None else unit
    y, x = np.bincount(unit, weight * score), np.bincount(unit, weight)
    n = float(len(np.unique(unit)))
    return RatioSums(n, y.sum(), x.sum(), y @ y, x @ y, x @ x, weight @ score**2, weight @ weight)


def mix(promoters: int, passives: int, detractors: int) -> RatioSums:
    return sums_of(np.repeat([100.0, 0, -100], [promoters, passives, detractors]))


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("counts", [(6, 4, 7), (18, 11, 2), (9, 0, 2), (0, 9, 1), (0, 6, 0)])
def test_an_nps_at_the_end_of_its_score_interval_has_half_alpha(counts: tuple[int, int, int], end: int) -> None:
    target = nps_score(*counts, 0.9)[end]
    assert benchmark_nps(mix(*counts), target, higher=end == 0).p == pytest.approx(0.05, abs=1e-9)


def test_nps_without_passives_is_the_score_test_of_promoters() -> None:
    z = (40 / 60 - 0.55) / sqrt(0.55 * 0.45 / 60)
    found = benchmark_nps(mix(40, 0, 20), 10)
    assert (found.statistic, found.p) == pytest.approx((z, scipy_stats.norm.sf(z)))
    assert found.df == inf


@pytest.mark.parametrize(("x", "end"), [(14, 0), (14, 1), (2, 0), (20, 0)])
def test_a_share_at_the_end_of_wilsons_interval_has_half_alpha_by_z(x: int, end: int) -> None:
    found = benchmark_share(sums_of(np.repeat([1.0, 0], [x, 20 - x])), wilson(x, 20, 0.9)[end], higher=end == 0)
    assert scipy_stats.norm.sf(abs(found.statistic)) == pytest.approx(0.05)
    assert found.p == pytest.approx(scipy_stats.t.sf(abs(found.statistic), 19))


def test_a_mean_is_scipys_one_sided_t() -> None:
    for higher, alternative in ((True, "greater"), (False, "less")):
        found = benchmark_mean(sums_of(TIMES), 60, higher)
        expected = scipy_stats.ttest_1samp(TIMES, 60, alternative=alternative)
        assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize("test", [benchmark_share, benchmark_nps, benchmark_mean])
def test_the_other_direction_has_the_rest(test: Callable[..., Any]) -> None:
    rng = np.random.default_rng(15)
    scale = 100 if test is benchmark_nps else 1
    sums = sums_of(scale * (rng.random(40) < 0.6).astype(float), rng.gamma(2, size=40), rng.integers(0, 15, 40))
    up, down = (test(sums, 0.5 * scale, higher).p for higher in (True, False))
    assert up + down == pytest.approx(1)


def test_answers_repeated_alike_are_no_more_than_their_units() -> None:
    once = np.repeat([1.0, 0], [17, 3])
    single = benchmark_share(sums_of(once), 0.7)
    repeated = benchmark_share(sums_of(np.tile(once, 5), unit=np.tile(np.arange(20), 5)), 0.7)
    assert (repeated.statistic, repeated.p) == pytest.approx((single.statistic, single.p))
    nps, again = (benchmark_nps(sums_of(100 * x, unit=u), 40) for x, u in (
        (once, np.arange(20)), (np.tile(once, 5), np.tile(np.arange(20), 5)),
    ))  # fmt: skip
    assert again.statistic == pytest.approx(nps.statistic)


def rejected(test: Callable[..., Any], draw: Callable[[np.random.Generator], RatioSums], target: float) -> np.ndarray:
    """Share of samples called better, and called worse, at 5% where the truth is the benchmark."""
    rng = np.random.default_rng(16)
    found = []
    for _ in range(3000):
        try:
            p = test(draw(rng), target).p
        except SampleError:
            p = 0.5
        found.append((p <= 0.05, p >= 0.95))
    return np.mean(found, axis=0)


def attempts(rng: np.random.Generator, n: int, p: float) -> RatioSums:
    unit = np.repeat(np.arange(n), rng.integers(1, 6, n))
    own = rng.beta(p * 1.5, (1 - p) * 1.5, n)  # intraclass correlation .4
    return sums_of((rng.random(len(unit)) < own[unit]).astype(float), unit=unit)


@pytest.mark.parametrize(("n", "p", "most"), [(15, 0.5, 0.06), (30, 0.8, 0.07), (100, 0.95, 0.08)])
def test_error_rates_of_shares_over_users(n: int, p: float, most: float) -> None:
    assert rejected(benchmark_share, lambda rng: attempts(rng, n, p), p).max() < most


@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "rho"), [(2, 0.2), (1.5, 0.1), (2, 0.5)])
def test_error_rates_of_shares_over_users_of_very_unlike_sizes(sigma: float, rho: float) -> None:
    def draw(rng: np.random.Generator) -> RatioSums:
        size, k = 1 + np.floor(rng.lognormal(1, sigma, 30)).astype(int), (1 - rho) / rho
        unit = np.repeat(np.arange(30), size)
        return sums_of((rng.random(len(unit)) < rng.beta(0.9 * k, 0.1 * k, 30)[unit]).astype(float), unit=unit)

    assert rejected(benchmark_share, draw, 0.9).max() < 0.05  # with n - 1 df up to .30


def test_the_delta_method_of_a_share_calls_too_many_better() -> None:
    assert rejected(benchmark_mean, lambda rng: attempts(rng, 30, 0.95), 0.95)[0] > 0.13


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.2, 0.3, 0.5), (0.85, 0.1, 0.05)])
def test_error_rates_of_nps(shares: tuple[float, float, float], weighted: bool) -> None:
    def draw(rng: np.random.Generator) -> RatioSums:
        return sums_of(rng.choice([100.0, 0, -100], 30, p=shares), rng.gamma(2, size=30) if weighted else None)

    assert rejected(benchmark_nps, draw, 100 * (shares[0] - shares[2])).max() < 0.072


@pytest.mark.parametrize(
    "call",
    [
        lambda: benchmark_share(sums_of(np.ones(3), unit=np.zeros(3, int)), 0.5),
        lambda: benchmark_nps(sums_of(np.array([100.0, 0]), unit=np.zeros(2, int)), 10),
        lambda: benchmark_nps(mix(0, 7, 0), 0),
        lambda: benchmark_mean(sums_of(np.ones(1)), 0.5),
        lambda: benchmark_mean(sums_of(np.full(5, 3.3)), 0.5),
    ],
)
def test_what_cannot_be_tested_is_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()


@pytest.mark.parametrize("target", [0, 1, 80, nan])
def test_a_benchmark_of_a_share_lies_between_0_and_1(target: float) -> None:
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        benchmark_share(sums_of(np.array([1.0, 0])), target)


@pytest.mark.parametrize("target", [-100, 100, nan])
def test_a_benchmark_of_nps_lies_between_its_ends(target: float) -> None:
    with pytest.raises(ArgumentError, match="between -100 and 100"):
        benchmark_nps(mix(1, 2, 3), target)
