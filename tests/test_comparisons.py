"""Comparisons: published examples, agreement with other packages, coverage, and what is refused."""

from itertools import product
from math import inf, isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from cxuxlib.errors import SampleError
from cxuxlib.stats.comparisons import ratio_of_geometric_means, two_nps, two_proportions, two_ratios, welch
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.stats.paired import paired_nps
from cxuxlib.stats.testing import Comparison

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


def test_the_ends_are_not_rounded_up() -> None:
    # R's uxr rounds both ends of a mean's interval up to whole numbers (metrics.md 1.4).
    found = welch(*moments(A), *moments(B))
    assert (found.low, found.high) != (round(found.low), round(found.high))
