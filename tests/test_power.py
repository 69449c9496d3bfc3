"""Sample sizes and power: agreement with other packages and with simulation, and what is refused."""

from collections.abc import Callable
from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestIndPower

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.comparisons import two_nps, two_proportions
from cxuxlib.stats.margins import n_for_geometric_mean, n_for_mean, n_for_nps, n_for_proportion
from cxuxlib.stats.paired import paired_proportions
from cxuxlib.stats.power import (
    Sides,
    discovery_rate,
    n_paired_proportions,
    n_to_discover,
    n_two_means,
    n_two_nps,
    n_two_proportions,
    nps_sd,
    power_paired_proportions,
    power_two_means,
    power_two_nps,
    power_two_proportions,
)

levels = st.floats(0.5, 0.99)
SD = 100 * sqrt(0.67)


def test_nps_sd_is_that_of_the_answers() -> None:
    # E1 of metrics.md: 1 detractor, 2 passives, 3 promoters have variance 5/9.
    assert nps_sd(3 / 6, 1 / 6) == pytest.approx(100 * np.std([-1, 0, 0, 1, 1, 1]))
    assert nps_sd(0.5, 0.5) == 100
    # The same NPS of 50 with three mixes: standard errors 5.0, 6.7 and 8.1 for 100 answers (metrics.md 5.2).
    assert [round(nps_sd(p, d) / 10, 1) for p, d in ((0.5, 0), (0.6, 0.1), (0.7, 0.2))] == [5.0, 6.7, 8.1]


# Two means


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8, 1.5])
def test_two_means_agree_with_statsmodels(effect: float, sides: Sides) -> None:
    theirs, alternative = TTestIndPower(), {1: "larger", 2: "two-sided"}[sides]
    for n in (3, 10, 64, 500):
        expected = theirs.power(effect, n, 0.05, alternative=alternative)
        if np.isnan(expected):  # scipy's noncentral t, far out in its tail
            expected = 1.0
        assert power_two_means(10 * effect, 10, n, sides=sides) == pytest.approx(expected, abs=1e-7)
    expected = theirs.solve_power(effect, power=0.9, alpha=0.1, alternative=alternative)
    assert n_two_means(effect, 1, 0.9, 0.9, sides) == np.ceil(expected)


def test_two_means_of_r() -> None:
    # R: power.t.test(delta = .5, power = .8) has n = 63.77.
    assert n_two_means(0.5, 1) == n_two_means(-5, 10) == 64


def test_power_without_a_difference_is_the_error_rate() -> None:
    assert power_two_means(0, 1, 20) == pytest.approx(0.05)
    assert power_two_nps(0, 80, 70, 200) == pytest.approx(0.05)
    assert power_two_proportions(0.3, 0.3, 100, sides=1) == pytest.approx(0.05, abs=0.001)
    assert power_paired_proportions(0.2, 0.2, 100) == pytest.approx(0.05)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("n", [2, 3, 10, 100, 10_000, 10**8])
def test_power_of_means_exists_and_grows_with_any_difference(n: int, sides: Sides) -> None:
    found = [power_two_means(d, 1, n, sides=sides) for d in np.linspace(0, 50, 201)]
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-9).all()
    assert found[-1] > 0.999


# Two proportions


def test_two_proportions_of_r() -> None:
    # R: power.prop.test(p1 = .5, p2 = .75, power = .8) has n = 57.67 per group; N - 1 asks for ½ more.
    assert n_two_proportions(0.5, 0.75) == 59
    # statsmodels and R agree without N - 1 on large samples: power.prop.test(p1 = .1, p2 = .11) has n = 14750.79.
    assert n_two_proportions(0.10, 0.11) in (14751, 14752)


@pytest.mark.parametrize(("p1", "p2"), [(0.5, 0.75), (0.9, 0.6), (0.2, 0.45)])
def test_power_of_two_proportions_is_that_of_the_test(p1: float, p2: float) -> None:
    n = n_two_proportions(p1, p2)
    x, y = (each.ravel() for each in np.mgrid[: n + 1, : n + 1])
    weight = scipy_stats.binom.pmf(x, n, p1) * scipy_stats.binom.pmf(y, n, p2)
    likely = weight > 1e-9
    rejected = [two_proportions(a, n, b, n).p < 0.05 for a, b in zip(x[likely], y[likely], strict=True)]
    assert weight[likely][rejected].sum() == pytest.approx(0.8, abs=0.03)


# Two Net Promoter Scores


def rounded(z: float, variance: float, points: float) -> float:
    return variance * z**2 / (points / 100) ** 2 - 3


def test_the_quoted_sizes_of_two_nps() -> None:
    # n = s² Z²/d² - 3 with s² = .67, one-sided 5%, power 80%, 10 points: 412 (metrics.md, "NPS planning"). Here s² is
    # the sum of the variances of both samples.
    assert n_two_nps(10, SD / sqrt(2), SD / sqrt(2), 0.8, 0.95, sides=1) == 412
    # The quoted 1,655 for 5 points is the same formula with Z rounded to 1.645 + 0.842; unrounded it is 1,654.
    assert n_two_nps(5, SD / sqrt(2), SD / sqrt(2), 0.8, 0.95, sides=1) == 1654
    assert [np.ceil(rounded(2.487, 0.67, points)) for points in (10, 5)] == [412, 1655]


def test_where_each_answer_has_that_variance_twice_as_many_are_needed() -> None:
    # With .67 for one answer, 412 per sample have a power of 55%, not 80%: the variances of both samples add up.
    assert power_two_nps(10, SD, SD, 412, sides=1) == pytest.approx(0.546, abs=0.001)
    assert n_two_nps(10, SD, SD, sides=1) == 826


@pytest.mark.slow
def test_power_of_two_nps_is_that_of_the_test() -> None:
    rng = np.random.default_rng(12)
    mixes = (0.5, 0.28, 0.22), (0.42, 0.34, 0.24)  # NPS 28 and 18
    sds = [nps_sd(mix[0], mix[2]) for mix in mixes]
    for n, expected in ((n_two_nps(10, *sds), 0.8), (412, power_two_nps(10, *sds, n=412))):
        a, b = (rng.multinomial(n, mix, 8000) for mix in mixes)
        p = [two_nps(tuple(x), tuple(y)).p for x, y in zip(a, b, strict=True)]
        assert np.mean(np.array(p) < 0.05) == pytest.approx(expected, abs=0.015)


# Paired proportions


def test_paired_proportions_of_a_public_calculator() -> None:
    # powerandsamplesize.com, after Connor 1987: .45 and .05 discordant need 23, one-sided with a power of 90% and
    # two-sided with 80%.
    assert n_paired_proportions(0.45, 0.05, 0.9, sides=1) == 23
    assert n_paired_proportions(0.05, 0.45) == 23


@pytest.mark.parametrize(("a", "b"), [(0.25, 0.10), (0.4, 0.2)])
def test_power_of_paired_proportions_is_that_of_the_test(a: float, b: float) -> None:
    n = n_paired_proportions(a, b)
    cells = np.array([(x, y) for x in range(n + 1) for y in range(n + 1 - x)])
    weight = scipy_stats.multinomial.pmf(np.column_stack([cells, n - cells.sum(axis=1)]), n, [a, b, 1 - a - b])
    likely = weight > 1e-9
    rejected = [paired_proportions(0, x, y, n - x - y).p < 0.05 for x, y in cells[likely]]
    assert weight[likely][rejected].sum() == pytest.approx(0.8, abs=0.03)


def test_where_all_who_differ_differ_one_way() -> None:
    assert power_paired_proportions(1, 0, 10) == pytest.approx(1)
    assert n_paired_proportions(0.3, 0) == n_paired_proportions(0, 0.3) < n_paired_proportions(0.35, 0.05)


# What all sizes share


SIZES: dict[str, tuple[Callable[..., int], Callable[..., float], tuple[float, ...]]] = {
    "proportions": (n_two_proportions, power_two_proportions, (0.5, 0.6)),
    "means": (n_two_means, power_two_means, (4, 10)),
    "nps": (n_two_nps, power_two_nps, (12, 80, 70)),
    "paired": (n_paired_proportions, power_paired_proportions, (0.2, 0.1)),
}


@pytest.mark.parametrize("name", SIZES)
@given(power=st.floats(0.3, 0.99), level=levels, sides=st.sampled_from([1, 2]))
def test_a_size_reaches_its_power_and_one_less_does_not(name: str, power: float, level: float, sides: Sides) -> None:
    size, reached, effect = SIZES[name]
    n = size(*effect, power, level, sides)
    assert reached(*effect, n, level, sides) >= power
    assert n == 2 or reached(*effect, n - 1, level, sides) < power


@pytest.mark.parametrize("name", SIZES)
def test_more_power_a_higher_level_or_two_sides_need_more(name: str) -> None:
    size, _, effect = SIZES[name]
    assert size(*effect, 0.8) < size(*effect, 0.9)
    assert size(*effect, 0.8, 0.9) < size(*effect, 0.8, 0.95)
    assert size(*effect, 0.8, 0.95, 1) < size(*effect, 0.8, 0.95, 2)


# Finding problems


def test_five_users_find_85_percent_of_problems_that_31_percent_meet() -> None:
    # Nielsen & Landauer 1993: with p = .31, five users find about 85%; 1 - .69⁵ = .844.
    assert discovery_rate(0.31, 5) == pytest.approx(1 - 0.69**5)
    assert n_to_discover(0.31, 0.84) == 5
    assert n_to_discover(0.31, 0.85) == 6
    assert n_to_discover(0.1, 0.85) == 19


@given(p=st.floats(0.001, 0.99), goal=st.floats(0.01, 0.999))
def test_sessions_reach_their_goal_and_one_less_does_not(p: float, goal: float) -> None:
    n = n_to_discover(p, goal)
    assert discovery_rate(p, n) >= goal - 1e-9
    assert discovery_rate(p, n - 1) < goal


def test_discovery_is_the_binomial_chance_of_any() -> None:
    assert discovery_rate(0.07, 13) == pytest.approx(scipy_stats.binom.sf(0, 13, 0.07))
    assert discovery_rate(1e-12, 3) == pytest.approx(3e-12, rel=1e-9)
    assert discovery_rate(0.5, 0) == 0
    assert n_to_discover(0.5, 0.75) == 2


# What is refused


@pytest.mark.parametrize("level", [95, 0, 1, nan, None])
@pytest.mark.parametrize(
    "call",
    [
        lambda level: n_for_proportion(0.1, level=level),
        lambda level: n_for_mean(1, 1, level),
        lambda level: n_for_nps(10, 80, level),
        lambda level: power_two_proportions(0.5, 0.6, 100, level),
        lambda level: n_two_means(1, 1, level=level),
        lambda level: n_two_nps(10, 80, 80, level=level),
        lambda level: n_paired_proportions(0.2, 0.1, level=level),
    ],
)
def test_level_must_be_a_probability(call: Callable[[object], object], level: object) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        call(level)


@pytest.mark.parametrize(
    "call",
    [
        lambda: n_for_proportion(0),
        lambda: n_for_proportion(nan),
        lambda: n_for_proportion(0.1, 1.2),
        lambda: n_for_mean(1, 0),
        lambda: n_for_mean(-1, 1),
        lambda: n_for_mean(inf, 1),
        lambda: n_for_geometric_mean(1, 0.5),
        lambda: n_for_geometric_mean(1.2, 0),
        lambda: nps_sd(0.6, 0.5),
        lambda: nps_sd(-0.1, 0.5),
        lambda: n_for_nps(10, 0),
        lambda: n_for_nps(10, 101),
        lambda: n_for_nps(0, 80),
        lambda: power_two_proportions(0, 0.5, 10),
        lambda: n_two_proportions(0.5, 0.6, 80),
        lambda: n_two_proportions(0.5, 0.6, sides=3),  # type: ignore[arg-type]
        lambda: power_two_means(1, 0, 10),
        lambda: power_two_means(1, -1, 10),
        lambda: n_two_means(1, 1, 1),
        lambda: power_two_nps(10, 80, 0, 100),
        lambda: n_two_nps(10, 80, 80, power=0),
        lambda: power_paired_proportions(0.6, 0.6, 10),
        lambda: power_paired_proportions(0, 0, 10),
        lambda: power_paired_proportions(-0.1, 0.2, 10),
        lambda: discovery_rate(0, 5),
        lambda: discovery_rate(31, 5),
        lambda: discovery_rate(0.3, -1),
        lambda: discovery_rate(0.3, nan),
        lambda: n_to_discover(0.3, 1),
        lambda: n_to_discover(1, 0.5),
    ],
)
def test_what_lies_outside_its_range_is_an_argument_error(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: power_two_proportions(0.5, 0.6, 0),
        lambda: power_two_means(1, 1, 1),
        lambda: power_two_nps(10, 80, 80, -5),
        lambda: power_paired_proportions(0.2, 0.1, nan),
        lambda: n_two_proportions(0.5, 0.5),
        lambda: n_two_means(0, 1),
        lambda: n_two_nps(0, 80, 80),
        lambda: n_paired_proportions(0.2, 0.2),
        lambda: n_for_mean(1e-9, 1),
    ],
)
def test_no_sample_that_is_enough_is_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()
