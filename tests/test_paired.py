"""The same units twice: published examples, agreement with other packages, coverage."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar

from cxuxlib.stats.paired import paired_mean, paired_nps, paired_proportions
from cxuxlib.stats.testing import Comparison

A, B = np.array([4.0, 2, 5, 3, 6, 2, 5]), np.array([5.0, 2, 1, 2, 1, 3, 2])
counts = st.integers(0, 40)
sizes = st.integers(1, 40)
levels = st.floats(0.05, 0.99)


def moments(x: np.ndarray) -> tuple[float, float, int]:
    return float(x.mean()), float(x.var(ddof=1)), len(x)


def check(ab: Comparison, ba: Comparison, bound: float) -> None:
    """What holds for every comparison: a - b is minus b - a, and the interval holds the difference."""
    assert (ba.difference, ba.low, ba.high) == pytest.approx((-ab.difference, -ab.high, -ab.low), abs=1e-9)
    assert ba.p == pytest.approx(ab.p, abs=1e-9)
    assert -bound <= ab.low <= ab.difference <= ab.high <= bound
    assert 0 <= ab.p <= 1
    assert all(type(each) is float for each in (ab.difference, ab.low, ab.high, ab.p))


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
