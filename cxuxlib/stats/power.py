"""Power and sample sizes, for a difference and for finding problems; `margins` has those of a margin of error.

Sizes are the smallest whole number that is enough, per sample. Every function raises `ArgumentError` where a number
lies outside its range, and `SampleError` where no sample up to a billion is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, expm1, isfinite, isnan, log1p, sqrt
from typing import Literal

from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import check_level
from cxuxlib.stats.margins import check_nps_sds, check_positive, smallest

__all__ = [
    "discovery_rate",
    "n_paired_proportions",
    "n_to_discover",
    "n_two_means",
    "n_two_nps",
    "n_two_proportions",
    "nps_sd",
    "power_paired_proportions",
    "power_two_means",
    "power_two_nps",
    "power_two_proportions",
]

Sides = Literal[1, 2]


def _share(**numbers: float) -> None:
    for name, each in numbers.items():
        if not 0 < each < 1:
            raise ArgumentError(f"{name} lies between 0 and 1; got {each}.")


def _critical(level: float, sides: Sides) -> float:
    """The probability below the critical value: 1 - α/2, or 1 - α with one side."""
    if sides not in (1, 2):
        raise ArgumentError(f"sides is 1 or 2; got {sides!r}.")
    return 1 - (1 - check_level(level)) / sides


def _reached(power: float, of: Callable[[int], float], start: int = 2) -> int:
    _share(power=power)
    return smallest(lambda n: of(n) >= power, start)


def _normal_power(difference: float, reject_at: float, error: float, sides: Sides) -> float:
    """Chance that an estimate around a difference, with this standard error, lies beyond what is rejected."""
    far = float(ndtr(-(difference + reject_at) / error)) if sides == 2 else 0.0
    return float(ndtr((difference - reject_at) / error)) + far


def _at_least_two(n: float) -> None:
    if not (isfinite(n) and n >= 2):
        raise SampleError(f"A comparison needs at least 2 units in each sample; got {n}.")


def nps_sd(promoters: float, detractors: float) -> float:
    """Standard deviation of one answer's contribution to a Net Promoter Score, in points: 100 √(P + D - (P - D)²).

    Args:
        promoters, detractors: shares, 0 to 1, together 1 at most.

    Source: Rocks 2016, doi:10.1080/00031305.2016.1158124. Checked against: numpy's of the answers.

    >>> round(nps_sd(0.5, 0.2), 1)
    78.1
    """
    if not (promoters >= 0 and detractors >= 0 and promoters + detractors <= 1):
        raise ArgumentError(f"Shares are 0 or more and together 1 at most; got {promoters} and {detractors}.")
    return 100 * sqrt(promoters + detractors - (promoters - detractors) ** 2)


def power_two_proportions(p1: float, p2: float, n: float, level: float = 0.95, sides: Sides = 2) -> float:
    """Power of the N - 1 two-proportion z test with n units in each sample, by the normal distribution.

    Rejected beyond z √(4 P(1 - P)/(2n - 1)); the difference varies by √((p1(1 - p1) + p2(1 - p2))/n).

    Args:
        p1, p2: true proportions, between 0 and 1.
        n: units per sample, 2 or more.
        level: confidence level, 0 to 1.
        sides: 2, or 1 where only the true direction counts.

    Source: Fleiss, Levin & Paik 2003, doi:10.1002/0471445428, with the test of Campbell 2007, doi:10.1002/sim.2832.
    Checked against: R's power.prop.test in large samples, and simulation of the test.

    >>> round(power_two_proportions(0.5, 0.75, 59), 3)
    0.807
    """
    _share(p1=p1, p2=p2)
    _at_least_two(n)
    p = (p1 + p2) / 2
    reject_at = float(ndtri(_critical(level, sides))) * sqrt(4 * p * (1 - p) / (2 * n - 1))
    return _normal_power(abs(p1 - p2), reject_at, sqrt((p1 * (1 - p1) + p2 * (1 - p2)) / n), sides)


def n_two_proportions(p1: float, p2: float, power: float = 0.8, level: float = 0.95, sides: Sides = 2) -> int:
    """Units per sample with which `power_two_proportions` reaches a power.

    Args:
        p1, p2, level, sides: as of `power_two_proportions`; the true difference is not 0.
        power: to be reached, between 0 and 1.

    >>> n_two_proportions(0.5, 0.75)
    59
    """
    return _reached(power, lambda n: power_two_proportions(p1, p2, n, level, sides))


def power_two_means(difference: float, sd: float, n: float, level: float = 0.95, sides: Sides = 2) -> float:
    """Power of the t test of two means with n units in each sample, by the noncentral t distribution.

    df = 2n - 2, noncentrality |difference|/(sd √(2/n)). For times, the difference is the logarithm of the ratio.

    Args:
        difference: true difference of the means.
        sd: standard deviation within a sample, above 0.
        n: units per sample, 2 or more.
        level: confidence level, 0 to 1.
        sides: 2, or 1 where only the true direction counts.

    Source: Cohen 1988, doi:10.4324/9780203771587. Checked against: statsmodels, R's power.t.test.

    >>> round(power_two_means(difference=5, sd=10, n=64), 3)
    0.801
    """
    check_positive(sd=sd)
    _at_least_two(n)
    df, shift = 2 * n - 2, abs(difference) / sd * sqrt(n / 2)
    t = float(stdtrit(df, _critical(level, sides)))
    below, far = (float(nctdtr(df, shift, each)) for each in (t, -t))
    below, far = (0.0 if isnan(each) else each for each in (below, far))  # scipy: NaN where it is below 1e-18
    return 1 - below + (far if sides == 2 else 0.0)


def n_two_means(difference: float, sd: float, power: float = 0.8, level: float = 0.95, sides: Sides = 2) -> int:
    """Units per sample with which `power_two_means` reaches a power.

    Args:
        difference, sd, level, sides: as of `power_two_means`; the true difference is not 0.
        power: to be reached, between 0 and 1.

    >>> n_two_means(difference=5, sd=10)
    64
    """
    return _reached(power, lambda n: power_two_means(difference, sd, n, level, sides))


def power_two_nps(difference: float, sd1: float, sd2: float, n: float, level: float = 0.95, sides: Sides = 2) -> float:
    """Power of the adjusted Wald test of two Net Promoter Scores with n answers in each sample.

    The difference varies by √((sd1² + sd2²)/(n + 3)): the variances of both samples add up.

    Args:
        difference: true difference in points.
        sd1, sd2: standard deviations of an answer in points, above 0 and 100 at most, as of `nps_sd`.
        n: answers per sample, 2 or more.
        level: confidence level, 0 to 1.
        sides: 2, or 1 where only the true direction counts.

    Source: Lewis & Sauro 2021, Sample sizes for comparing Net Promoter Scores, MeasuringU; Rocks 2016,
    doi:10.1080/00031305.2016.1158124. Checked against: simulation of `two_nps`.

    >>> round(power_two_nps(10, 80, 80, n=1000), 2)
    0.8
    """
    check_nps_sds(sd1, sd2)
    _at_least_two(n)
    error = sqrt((sd1**2 + sd2**2) / (n + 3))
    return _normal_power(abs(difference), float(ndtri(_critical(level, sides))) * error, error, sides)


def n_two_nps(
    difference: float, sd1: float, sd2: float, power: float = 0.8, level: float = 0.95, sides: Sides = 2
) -> int:
    """Answers per sample with which `power_two_nps` reaches a power: n = (sd1² + sd2²) (z(α) + z(β))²/difference² - 3.

    Args:
        difference, sd1, sd2, level, sides: as of `power_two_nps`; the true difference is not 0.
        power: to be reached, between 0 and 1.

    >>> n_two_nps(10, 80, 80)
    1002
    """
    return _reached(power, lambda n: power_two_nps(difference, sd1, sd2, n, level, sides))


def power_paired_proportions(only_a: float, only_b: float, n: float, level: float = 0.95, sides: Sides = 2) -> float:
    """Power of McNemar's test with n pairs, by the normal distribution.

    With ψ = a + b and δ = |a - b| of the discordant shares: Φ((δ √n - z √ψ)/√(ψ - δ²)).

    Args:
        only_a, only_b: true shares of units that succeed with one only, together above 0 and 1 at most.
        n: pairs, 2 or more.
        level: confidence level, 0 to 1.
        sides: 2, or 1 where only the true direction counts.

    Source: Connor 1987, doi:10.2307/2531961. Checked against: the example of powerandsamplesize.com, simulation of
    `paired_proportions`.

    >>> round(power_paired_proportions(0.25, 0.10, n=120), 3)
    0.801
    """
    if not (only_a >= 0 and only_b >= 0 and 0 < only_a + only_b <= 1):
        raise ArgumentError(f"Discordant shares are 0 or more, together above 0 and 1 at most; got {only_a}, {only_b}.")
    _at_least_two(n)
    share, difference = only_a + only_b, abs(only_a - only_b)
    error = sqrt(max(share - difference**2, 1e-12) / n)
    return _normal_power(difference, float(ndtri(_critical(level, sides))) * sqrt(share / n), error, sides)


def n_paired_proportions(
    only_a: float, only_b: float, power: float = 0.8, level: float = 0.95, sides: Sides = 2
) -> int:
    """Pairs with which `power_paired_proportions` reaches a power: n = (z(α) √ψ + z(β) √(ψ - δ²))²/δ².

    Args:
        only_a, only_b, level, sides: as of `power_paired_proportions`; the true difference is not 0.
        power: to be reached, between 0 and 1.

    >>> n_paired_proportions(0.25, 0.10)
    120
    """
    return _reached(power, lambda n: power_paired_proportions(only_a, only_b, n, level, sides))


def discovery_rate(p: float, n: float) -> float:
    """Chance that a problem is seen at least once in n sessions: 1 - (1 - p)^n.

    Args:
        p: share of sessions in which the problem shows, between 0 and 1; the same for all, or the rate is too high.
        n: independent sessions, 0 or more.

    Source: Virzi 1992, doi:10.1177/001872089203400407; Nielsen & Landauer 1993, doi:10.1145/169059.169166.
    Checked against: the binomial distribution.

    >>> round(discovery_rate(0.31, 5), 2)
    0.84
    """
    _share(p=p)
    if not n >= 0:
        raise ArgumentError(f"n is 0 or more; got {n}.")
    return -expm1(n * log1p(-p))


def n_to_discover(p: float, goal: float) -> int:
    """Sessions with which a problem is seen at least once with a chance of at least goal: ⌈ln(1 - goal)/ln(1 - p)⌉.

    Args:
        p: share of sessions in which the problem shows, between 0 and 1.
        goal: the chance, between 0 and 1.

    Source: Virzi 1992, doi:10.1177/001872089203400407. Checked against: `discovery_rate` at n and n - 1.

    >>> n_to_discover(0.31, 0.85)
    6
    """
    _share(p=p, goal=goal)
    return ceil(log1p(-goal) / log1p(-p) - 1e-9)
