"""Comparisons: published examples, agreement with other packages, coverage, and what is refused."""

from collections.abc import Callable
from itertools import pairwise, product
from math import inf, isnan, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.comparisons import (
    Benchmark,
    Comparison,
    benchmark_geometric_mean,
    benchmark_proportion,
    paired_mean,
    paired_nps,
    paired_proportions,
    ratio_of_geometric_means,
    two_nps,
    two_proportions,
    two_ratios,
    welch,
)
from cxuxlib.stats.intervals import RatioSums

A, B = np.array([4.0, 2, 5, 3, 6, 2, 5]), np.array([5.0, 2, 1, 2, 1, 3, 2])
TIMES = np.array([55.0, 65, 75, 62, 45, 135])

counts = st.integers(0, 40)
sizes = st.integers(1, 40)
triples = st.tuples(counts, counts, counts).filter(any)
levels = st.floats(0.05, 0.99)


def moments(x: np.ndarray) -> tuple[float, float, int]:
    return float(x.mean()), float(x.var(ddof=1)), len(x)


def sums_of(y: np.ndarray, x: np.ndarray) -> RatioSums:
    return RatioSums(len(y), y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), 0, 0)


# Two proportions


def test_two_proportions_of_uxr() -> None:
    # README of R's uxr: 10 of 12 against 4 of 13.
    found = two_proportions(10, 12, 4, 13)
    assert round(found.statistic, 2) == 2.59
    assert round(found.p, 5) == 0.00955
    assert (round(found.low, 3), round(found.high, 3)) == (0.133, 0.776)
    assert found.difference == pytest.approx(10 / 12 - 4 / 13)
    assert found.method == "N-1 two-proportion z, adjusted Wald"


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), [(10, 12, 4, 13), (7, 30, 11, 25), (300, 1000, 340, 1000)])
def test_z_squared_is_chi_square_less_a_share(x1: int, n1: int, x2: int, n2: int) -> None:
    chi_square = scipy_stats.chi2_contingency([[x1, n1 - x1], [x2, n2 - x2]], correction=False).statistic
    n = n1 + n2
    assert two_proportions(x1, n1, x2, n2).statistic ** 2 == pytest.approx(chi_square * (n - 1) / n)


def test_fishers_mid_p_where_an_expected_count_is_below_one() -> None:
    found = two_proportions(3, 4, 0, 30)
    above = scipy_stats.hypergeom.pmf(3, 34, 3, 4)
    assert found.p == pytest.approx(above)  # twice ½ P(X = 3), as more than 3 cannot be
    assert found.method == "Fisher mid-p, adjusted Wald"
    assert isnan(found.statistic)
    assert two_proportions(3, 10, 0, 10).method.startswith("N-1")  # 1.5 expected


@pytest.mark.parametrize("x", [0, 5])
def test_two_samples_without_any_difference_have_p_one(x: int) -> None:
    found = two_proportions(x, 5, x, 5)
    assert (found.difference, found.p) == (0, 1)
    assert found.low == pytest.approx(-found.high)
    assert found.high > 0.3  # no width 0 at the boundary


@given(x1=counts, n1=sizes, x2=counts, n2=sizes, level=levels)
def test_two_proportions_swap_and_hold_their_difference(x1: int, n1: int, x2: int, n2: int, level: float) -> None:
    assume(x1 <= n1 and x2 <= n2)
    check(two_proportions(x1, n1, x2, n2, level), two_proportions(x2, n2, x1, n1, level), 1)


def check(ab: Comparison, ba: Comparison, bound: float) -> None:
    """What holds for every comparison: a - b is minus b - a, and the interval holds the difference."""
    assert (ba.difference, ba.low, ba.high) == pytest.approx((-ab.difference, -ab.high, -ab.low), abs=1e-9)
    assert ba.p == pytest.approx(ab.p, abs=1e-9)
    assert -bound <= ab.low <= ab.difference <= ab.high <= bound
    assert 0 <= ab.p <= 1
    assert all(type(each) is float for each in (ab.difference, ab.low, ab.high, ab.p))


@pytest.mark.parametrize(("n1", "n2", "mean", "least"), [(10, 10, 0.95, 0.925), (8, 25, 0.945, 0.92)])
def test_coverage_of_two_proportions_is_exact(n1: int, n2: int, mean: float, least: float) -> None:
    tables = [(x, y, two_proportions(x, n1, y, n2)) for x, y in product(range(n1 + 1), range(n2 + 1))]
    low, high = (np.array([getattr(each, end) for _, _, each in tables]) for end in ("low", "high"))
    x, y = (np.array([each[i] for each in tables]) for i in (0, 1))
    covered = []
    for p1, p2 in product(np.arange(0.05, 1, 0.05), repeat=2):
        weight = scipy_stats.binom.pmf(x, n1, p1) * scipy_stats.binom.pmf(y, n2, p2)
        covered.append(weight[(low <= p1 - p2 + 1e-12) & (high >= p1 - p2 - 1e-12)].sum())
    assert np.mean(covered) >= mean
    assert min(covered) >= least


@pytest.mark.parametrize(("n1", "n2"), [(10, 10), (15, 30)])
def test_size_of_the_test_of_two_proportions(n1: int, n2: int) -> None:
    x, y = (each.ravel() for each in np.mgrid[: n1 + 1, : n2 + 1])
    rejected = np.array([two_proportions(a, n1, b, n2).p < 0.05 for a, b in zip(x, y, strict=True)])
    for p in np.arange(0.02, 1, 0.02):
        size = (scipy_stats.binom.pmf(x, n1, p) * scipy_stats.binom.pmf(y, n2, p))[rejected].sum()
        assert size < 0.065


# Paired proportions


def test_mid_p_is_less_conservative_than_exact() -> None:
    # 6 and 1 discordant: exact .125, mid-p .070 (metrics.md 5.11).
    assert mcnemar([[3, 6], [1, 2]], exact=True).pvalue == pytest.approx(0.125)
    assert round(paired_proportions(3, 6, 1, 2).p, 3) == 0.070


@pytest.mark.parametrize(("a", "b"), [(6, 1), (0, 4), (12, 5), (0, 1), (30, 31)])
def test_mid_p_is_exact_less_the_chance_of_what_was_seen(a: int, b: int) -> None:
    exact = mcnemar([[9, a], [b, 9]], exact=True).pvalue
    assert paired_proportions(9, a, b, 9).p == pytest.approx(exact - scipy_stats.binom.pmf(a, a + b, 0.5))


@pytest.mark.parametrize(("a", "b"), [(0, 0), (4, 4)])
def test_as_many_of_both_kinds_have_p_one(a: int, b: int) -> None:
    assert paired_proportions(5, a, b, 5).p == 1


def test_paired_interval_of_statpsych_and_vcmeta() -> None:
    # R's statpsych, ci.prop.ps(.05, 12, 4, 26, 6): 0.44, SE 0.09448809, 0.2548067 to 0.6251933.
    found = paired_proportions(both=6, only_a=26, only_b=4, neither=12)
    assert (found.low, found.high) == pytest.approx((0.2548067, 0.6251933), abs=5e-8)
    assert found.difference == pytest.approx(22 / 48)
    # R's vcmeta, se.prop.ps(16, 64, 5, 15): 0.5784314, SE 0.05953213.
    found = paired_proportions(15, 64, 5, 16)
    assert (found.low + found.high) / 2 == pytest.approx(0.5784314, abs=5e-8)
    assert (found.high - found.low) / 2 == pytest.approx(1.959963985 * 0.05953213, abs=5e-8)


@given(table=st.tuples(counts, counts, counts, counts).filter(any), level=levels)
def test_paired_proportions_swap_and_hold_their_difference(table: tuple[int, int, int, int], level: float) -> None:
    both, a, b, neither = table
    check(paired_proportions(both, a, b, neither, level), paired_proportions(both, b, a, neither, level), 1)


def test_coverage_of_paired_proportions_is_exact() -> None:
    n = 15
    cells = np.array([(a, b) for a in range(n + 1) for b in range(n + 1 - a)])
    found = [paired_proportions(0, a, b, n - a - b) for a, b in cells]
    low, high, p = (np.array([getattr(each, name) for each in found]) for name in ("low", "high", "p"))
    for a, b in [(0.1, 0.1), (0.3, 0.1), (0.05, 0.4), (0.25, 0.25), (0.6, 0.2)]:
        weight = scipy_stats.multinomial.pmf(np.column_stack([cells, n - cells.sum(axis=1)]), n, [a, b, 1 - a - b])
        assert weight[(low <= a - b) & (high >= a - b)].sum() > 0.935
        if a == b:
            assert weight[p < 0.05].sum() < 0.055


# Means


def test_welch_of_uxr() -> None:
    # README of R's uxr: t 1.99, df 11.8, p .0707, -.156 to 3.30.
    found = welch(*moments(A), *moments(B))
    assert (round(found.statistic, 2), round(found.df, 1), round(found.p, 4)) == (1.99, 11.8, 0.0707)
    assert (round(found.low, 3), round(found.high, 2)) == (-0.156, 3.30)
    # From summaries: 51.6, 4.07, 11 against 49.6, 4.63, 12 has t 1.10, p .283.
    found = welch(51.6, 4.07**2, 11, 49.6, 4.63**2, 12)
    assert (round(found.statistic, 2), round(found.p, 3)) == (1.10, 0.283)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_welch_is_scipys(level: float) -> None:
    expected = scipy_stats.ttest_ind(A, B, equal_var=False)
    found = welch(*moments(A), *moments(B), level)
    assert (found.statistic, found.p, found.df) == pytest.approx((expected.statistic, expected.pvalue, expected.df))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(level)))


def test_paired_mean_of_uxr() -> None:
    # README of R's uxr: 7 pairs, -6.571, t -5.18, p .002, -9.68 to -3.46.
    found = paired_mean(-46 / 7, (370 - 46**2 / 7) / 6, 7)
    assert (round(found.difference, 3), round(found.statistic, 2), round(found.p, 3)) == (-6.571, -5.18, 0.002)
    assert (round(found.low, 2), round(found.high, 2)) == (-9.68, -3.46)


def test_paired_mean_is_scipys() -> None:
    expected = scipy_stats.ttest_rel(A, B)
    found = paired_mean(*moments(A - B))
    assert (found.statistic, found.p, found.df) == pytest.approx((expected.statistic, expected.pvalue, 6))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_ratio_of_geometric_means_is_welch_on_logarithms() -> None:
    other = TIMES[::-1] * np.array([0.5, 0.9, 1.2, 0.7, 0.8, 0.6])
    expected = scipy_stats.ttest_ind(np.log(TIMES), np.log(other), equal_var=False)
    found = ratio_of_geometric_means(*moments(np.log(TIMES)), *moments(np.log(other)))
    assert found.difference == pytest.approx(scipy_stats.gmean(TIMES) / scipy_stats.gmean(other))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(expected.confidence_interval(0.95))))
    assert (found.p, found.statistic) == pytest.approx((expected.pvalue, expected.statistic))


means = st.tuples(st.floats(-50, 50), st.floats(0.01, 100), st.integers(2, 200))


@given(a=means, b=means, level=levels)
def test_welch_swaps_and_p_agrees_with_the_interval(
    a: tuple[float, float, int], b: tuple[float, float, int], level: float
) -> None:
    found = welch(*a, *b, level)
    check(found, welch(*b, *a, level), inf)
    assume(abs(found.p - (1 - level)) > 1e-6)
    assert (found.p < 1 - level) == (found.low > 0 or found.high < 0)


@given(a=means, b=means)
def test_ratio_of_geometric_means_swaps_to_its_inverse(
    a: tuple[float, float, int], b: tuple[float, float, int]
) -> None:
    a, b = (a[0] / 20, a[1] / 100, a[2]), (b[0] / 20, b[1] / 100, b[2])
    ab, ba = ratio_of_geometric_means(*a, *b), ratio_of_geometric_means(*b, *a)
    assert log(ab.difference) == pytest.approx(-log(ba.difference), abs=1e-9)
    assert ab.low == 0 or ab.low * ba.high == pytest.approx(1)
    assert ab.p == pytest.approx(ba.p)


# Net Promoter Scores


def test_two_nps_is_the_mean_of_the_answers_after_adding_three_to_each() -> None:
    def answers(promoters: float, passives: float, detractors: float) -> tuple[float, float]:
        weight = np.array([promoters + 0.75, passives + 1.5, detractors + 0.75])
        score = np.array([100.0, 0, -100])
        mean = np.average(score, weights=weight)
        return mean, np.average((score - mean) ** 2, weights=weight) / weight.sum()

    (m1, v1), (m2, v2) = answers(6, 4, 7), answers(18, 11, 2)
    found = two_nps((6, 4, 7), (18, 11, 2))
    assert found.difference == pytest.approx(100 * (-1 / 17 - 16 / 31))
    half = scipy_stats.norm.ppf(0.975) * sqrt(v1 + v2)
    assert (found.low, found.high) == pytest.approx((m1 - m2 - half, m1 - m2 + half))
    assert found.statistic == pytest.approx((m1 - m2) / sqrt(v1 + v2))
    assert found.p == pytest.approx(2 * scipy_stats.norm.sf(abs(found.statistic)))


def test_two_nps_keeps_its_direction() -> None:
    # R's NPS reports an absolute difference and flags only what is above 0 (metrics.md 1.5).
    down = two_nps((20, 30, 50), (50, 30, 20))
    assert down.difference == -60
    assert down.statistic < 0
    assert down.high < 0
    assert down.p < 0.001


def test_nps_variance_is_scaled_by_ten_thousand() -> None:
    # 1000 answers each, 25% promoters and 7.5% detractors: standard error 1.716 points each (metrics.md 5.1, 5.8).
    found = two_nps((250, 675, 75), (250, 675, 75))
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * sqrt(2) * 1.716, rel=0.005)


def test_each_sample_has_its_own_size() -> None:
    # A public script divides the passives of the second sample by the size of the first (metrics.md 1.9).
    small, large = (6, 3, 1), (600, 300, 100)
    alone = two_nps(small, (60_000_000, 30_000_000, 10_000_000))
    found = two_nps(small, large)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.01)


@given(a=triples, b=triples, level=levels)
def test_two_nps_swap_and_hold_their_difference(a: tuple[int, int, int], b: tuple[int, int, int], level: float) -> None:
    check(two_nps(a, b, level), two_nps(b, a, level), 200)


@given(n=sizes, up=counts, down=counts, level=levels)
def test_paired_nps_is_paired_proportions_where_differences_are_one_at_most(
    n: int, up: int, down: int, level: float
) -> None:
    assume(up + down <= n)
    found, shares = paired_nps(n, up - down, up + down, level), paired_proportions(0, up, down, n - up - down, level)
    bound = (max(-1, shares.low), min(1, shares.high))
    assert found.difference == pytest.approx(100 * shares.difference)
    if bound[0] > -1 and bound[1] < 1:
        assert (found.low, found.high) == pytest.approx((100 * shares.low, 100 * shares.high))
    check(found, paired_nps(n, down - up, up + down, level), 200)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 40])
def test_coverage_of_nps_comparisons(n: int) -> None:
    rng = np.random.default_rng(9)
    share, score = [0.5, 0.3, 0.2], np.array([1, 0, -1])
    first = rng.multinomial(n, share, 6000)
    second = rng.multinomial(2 * n, [0.3, 0.4, 0.3], 6000)
    two = [two_nps(tuple(a), tuple(b)) for a, b in zip(first, second, strict=True)]
    assert 0.935 < np.mean([each.low <= 30 <= each.high for each in two]) < 0.975
    before = rng.choice(score, (6000, n), p=share)
    after = np.where(rng.uniform(size=before.shape) < 0.6, before, rng.choice(score, before.shape, p=[0.3, 0.3, 0.4]))
    true = 100 * 0.4 * (0.3 - (-0.1))
    d = before - after
    paired = [paired_nps(n, row.sum(), (row**2).sum()) for row in d]
    assert 0.93 < np.mean([each.low <= true <= each.high for each in paired]) < 0.975
    same = [two_nps(tuple(a), tuple(b)).p for a, b in zip(first, rng.multinomial(n, share, 6000), strict=True)]
    assert 0.035 < np.mean(np.array(same) < 0.05) < 0.06


# Ratios over units


def test_two_ratios_with_one_answer_each_are_welch() -> None:
    found = two_ratios(sums_of(A, np.ones(7)), sums_of(B, np.ones(7)))
    expected = welch(*moments(A), *moments(B))
    assert found[:4] == pytest.approx(expected[:4])
    assert (found.statistic, found.df) == pytest.approx((expected.statistic, expected.df))


def test_two_ratios_swap() -> None:
    rng = np.random.default_rng(10)
    x = rng.integers(1, 9, (2, 20)).astype(float)
    a, b = (sums_of(rng.binomial(each.astype(int), 0.6).astype(float), each) for each in x)
    check(two_ratios(a, b), two_ratios(b, a), inf)


def test_ratios_that_are_the_same_for_all_units_have_no_spread() -> None:
    x = np.arange(1.0, 8)
    with pytest.raises(SampleError, match="spread"):  # rounding alone leaves a variance of 1e-18 here
        two_ratios(sums_of(0.3 * x, x), sums_of(0.1 * x * 7, x))


@pytest.mark.slow
def test_coverage_where_attempts_repeat_a_user() -> None:
    # 40 and 60 users with about five attempts each and a success rate of their own: 95%, where z on attempts has 80%.
    rng = np.random.default_rng(11)

    def users(n: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        x = 1 + rng.poisson(4, n)
        return rng.binomial(x, rng.beta(a, b, n)).astype(float), x.astype(float)

    clustered, naive = [], []
    for _ in range(4000):
        (y1, x1), (y2, x2) = users(40, 1.4, 0.6), users(60, 1.0, 1.0)
        found = two_ratios(sums_of(y1, x1), sums_of(y2, x2))
        clustered.append(found.low <= 0.2 <= found.high)
        rows = two_proportions(y1.sum(), x1.sum(), y2.sum(), x2.sum())
        naive.append(rows.low <= 0.2 <= rows.high)
    assert np.mean(clustered) == pytest.approx(0.95, abs=0.012)
    assert np.mean(naive) < 0.85


# Benchmarks


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


def test_the_ends_are_not_rounded_up() -> None:
    # R's uxr rounds both ends of a mean's interval up to whole numbers (metrics.md 1.4).
    found = welch(*moments(A), *moments(B))
    assert (found.low, found.high) != (round(found.low), round(found.high))


# What all share


EXAMPLES: dict[str, Callable[[float], Comparison]] = {
    "two_proportions": lambda level: two_proportions(10, 12, 4, 13, level),
    "paired_proportions": lambda level: paired_proportions(3, 6, 1, 2, level),
    "welch": lambda level: welch(5, 4, 9, 4, 9, 9, level),
    "ratio_of_geometric_means": lambda level: ratio_of_geometric_means(4, 0.3, 9, 3.7, 0.2, 9, level),
    "paired_mean": lambda level: paired_mean(1, 4, 9, level),
    "two_nps": lambda level: two_nps((6, 4, 7), (18, 11, 2), level),
    "paired_nps": lambda level: paired_nps(20, 4, 12, level),
    "two_ratios": lambda level: two_ratios(sums_of(A, B), sums_of(B, A), level),
    "benchmark_geometric_mean": lambda level: benchmark_geometric_mean(4.2, 0.3, 9, 80, level),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_interval_widens_with_the_level(name: str) -> None:
    ends = [(found.low, found.high) for found in map(EXAMPLES[name], (0.5, 0.8, 0.9, 0.95))]
    assert all(wide[0] < narrow[0] and narrow[1] < wide[1] for narrow, wide in pairwise(ends))


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_sides_at_95_percent(name: str) -> None:
    # Half-width 1.960 standard errors (or t's), never the one-sided 1.645 (metrics.md 1.9).
    found, at_half = EXAMPLES[name](0.95), EXAMPLES[name](0.5)
    width = [log(e.high / e.low) if "geometric" in name else e.high - e.low for e in (found, at_half)]
    ratio = scipy_stats.t.ppf(0.975, found.df) / scipy_stats.t.ppf(0.75, found.df)
    assert width[0] / width[1] == pytest.approx(ratio, rel=0.08 if name == "two_proportions" else 1e-6)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("level", [95, 0, 1, -0.1, nan, None])
def test_level_must_be_a_probability(name: str, level: float) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        EXAMPLES[name](level)


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_proportions(0, 0, 4, 13),
        lambda: two_proportions(4, 13, 0, 0),
        lambda: paired_proportions(0, 0, 0, 0),
        lambda: welch(1, 1, 1, 1, 1, 9),
        lambda: welch(1, 1, 9, 1, 1, 0),
        lambda: welch(5, 0, 9, 4, 0, 9),
        lambda: ratio_of_geometric_means(5, 0, 9, 4, 0, 9),
        lambda: paired_mean(1, 1, 1),
        lambda: paired_mean(1, 0, 9),
        lambda: two_nps((0, 0, 0), (1, 2, 3)),
        lambda: two_nps((1, 2, 3), (0, 0, 0)),
        lambda: paired_nps(0, 0, 0),
        lambda: two_ratios(sums_of(A, B), sums_of(A[:1], B[:1])),
        lambda: two_ratios(sums_of(A, B), sums_of(A, np.zeros(7))),
        lambda: two_ratios(sums_of(B, B), sums_of(A, A)),
        lambda: benchmark_proportion(0, 0, 0.5),
        lambda: benchmark_geometric_mean(4, 0.3, 1, 80),
    ],
)
def test_too_few_answers_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_proportions(14, 13, 4, 13),
        lambda: two_proportions(-1, 13, 4, 13),
        lambda: two_proportions(1.5, 13, 4, 13),
        lambda: two_proportions(nan, 13, 4, 13),
        lambda: two_proportions(1, inf, 4, 13),
        lambda: paired_proportions(1, -1, 1, 1),
        lambda: paired_proportions(1, 0.5, 1, 1),
        lambda: welch(1, -1, 9, 1, 1, 9),
        lambda: welch(nan, 1, 9, 1, 1, 9),
        lambda: welch(1, inf, 9, 1, 1, 9),
        lambda: paired_mean(1, -1, 9),
        lambda: two_nps((1, -1, 1), (1, 1, 1)),
        lambda: two_nps((1, nan, 1), (1, 1, 1)),
        lambda: paired_nps(5, 11, 20),
        lambda: paired_nps(5, 0, 21),
        lambda: paired_nps(5, 4, 3),
        lambda: benchmark_proportion(12, 11, 0.8),
        lambda: benchmark_proportion(9, 11, 80),
        lambda: benchmark_proportion(9, 11, 0),
        lambda: benchmark_geometric_mean(4, 0.3, 9, 0),
        lambda: benchmark_geometric_mean(4, -0.3, 9, 80),
    ],
)
def test_what_is_not_possible_is_an_argument_error(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError):
        call()
