"""One sample held against a benchmark, from sufficient statistics: is it at least this good?

Every function raises `SampleError` where there are too few answers or no spread, and `ArgumentError` where a number
is not possible (more successes than trials, a negative variance, a level that is not a probability).
"""

from __future__ import annotations

from math import inf, log, nan, sqrt
from typing import NamedTuple

from scipy.special import bdtrc, ndtr, stdtr

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.design import effective_size, kish_size
from cxuxlib.stats.interval_options import nps_null_variance
from cxuxlib.stats.intervals import RatioSums, effective_units, ratio_variance
from cxuxlib.stats.testing import Comparison, as_ratio, check_moments, check_successes, t_test

__all__ = [
    "Benchmark",
    "OneSided",
    "benchmark_geometric_mean",
    "benchmark_mean",
    "benchmark_nps",
    "benchmark_proportion",
    "benchmark_share",
]


class Benchmark(NamedTuple):
    """One-sided p-values of a proportion against a benchmark: were the true rate p0, how often would as many succeed?

    None of them is a probability that the rate exceeds the benchmark; 1 - p is not one either.

    Args:
        value: successes / trials.
        p0: the benchmark.
        p_exact: P(X ≥ x), conservative.
        p_mid: P(X > x) + ½ P(X = x), the one to read in small samples.
        p_z: by the normal distribution; NaN unless 15 successes and 15 failures are expected.
    """

    value: float
    p0: float
    p_exact: float
    p_mid: float
    p_z: float


class OneSided(NamedTuple):
    """How often a sample is at least this good if the truth is the benchmark: no probability of the truth.

    Args:
        p: one-sided p-value.
        statistic: z or t, above 0 where the sample lies above the benchmark.
        df: degrees of freedom of t; infinite for z.
        method: the test in words.
    """

    p: float
    statistic: float
    df: float
    method: str


def _tail(distance: float, variance: float, df: float, higher: bool, method: str) -> OneSided:
    t = distance / sqrt(variance)
    better = t if higher else -t
    return OneSided(float(stdtr(df, -better) if df < inf else ndtr(-better)), float(t), float(df), method)


def _two_units(sums: RatioSums) -> None:
    if sums.n < 2 or not sums.x > 0:
        raise SampleError("one unit has no spread.")
    if effective_units(sums) <= 1 + 1e-9:
        raise SampleError("one unit has all the weight.")


def _size_under(sums: RatioSums, target: float) -> tuple[float, float]:
    """Effective answers under a benchmark, and the degrees of freedom of a test with them.

    The smaller of `effective_size` and Kish's size over the design effect around the benchmark instead of the mean,
    D0 = Σ(y - Tx)²/(Σw²/Σw · Σw(s - T)²), times (k - 1)/k over (n - 1)/n for k `effective_units`.
    """
    k, n = effective_units(sums), sums.n
    apart = sums.yy - 2 * target * sums.xy + target**2 * sums.xx
    single = sums.ww / sums.x * (sums.q - 2 * target * sums.y + target**2 * sums.x)
    size = min(effective_size(sums), kish_size(sums) * min(1.0, single / apart) if apart > 0 else inf)
    return size * (1 - 1 / k) / (1 - 1 / n), k - 1


def benchmark_proportion(x: float, n: float, p0: float) -> Benchmark:
    """Hold a proportion against a benchmark that it should exceed: exact, mid-p and, in large samples, z.

    Args:
        x: successes, 0 to n.
        n: independent trials, 1 or more.
        p0: the benchmark, between 0 and 1.

    Source: Lancaster 1961, doi:10.1080/01621459.1961.10482105 (mid-p); the binomial distribution.
    Checked against: scipy's binomial test and 1 less the P(X < x) printed by R's uxr (9 of 11 against 80%).

    >>> found = benchmark_proportion(9, 11, 0.8)
    >>> round(found.p_exact, 3), round(found.p_mid, 3), found.p_z
    (0.617, 0.47, nan)
    """
    check_successes(x, n)
    if not 0 < p0 < 1:
        raise ArgumentError(f"A benchmark of a proportion lies between 0 and 1, such as 0.8; got {p0}.")
    above = float(bdtrc(x, n, p0)) if x < n else 0.0
    exact = float(bdtrc(x - 1, n, p0)) if x > 0 else 1.0
    large = n * min(p0, 1 - p0) >= 15
    z = (x / n - p0) / sqrt(p0 * (1 - p0) / n)
    return Benchmark(x / n, p0, exact, (above + exact) / 2, float(ndtr(-z)) if large else nan)


def benchmark_geometric_mean(
    mean: float, variance: float, n: float, benchmark: float, level: float = 0.95
) -> Comparison:
    """Hold a geometric mean against a benchmark, as their ratio: t = (m - ln B)/√(v/n) with n - 1 df, two-sided.

    Args:
        mean: mean of the natural logarithms.
        variance: their sample variance, above 0.
        n: units, 2 or more.
        benchmark: B, above 0 and in the unit of the times.
        level: confidence level, 0 to 1.

    Source: Sauro & Lewis 2010, doi:10.1145/1753326.1753679. Checked against: scipy's t test of the logarithms.

    >>> found = benchmark_geometric_mean(log(68), 0.144, 6, benchmark=100)
    >>> [round(100 * each) for each in (found.difference, found.low, found.high)]
    [68, 46, 101]
    """
    check_moments(mean, variance, n)
    if not 0 < benchmark < inf:
        raise ArgumentError(f"A benchmark of times is above 0; got {benchmark}.")
    logs = t_test(mean - log(benchmark), variance / n, n - 1, level, "")
    return as_ratio(logs, "t on logarithms, ratio to the benchmark")


def benchmark_share(sums: RatioSums, p0: float, higher: bool = True) -> OneSided:
    """Hold a share over units that repeat or are weighted against a benchmark: score test of the effective answers.

    t = (R - p0)/√(p0 (1 - p0)/m) with m the smaller `effective_size` of that around R and around p0, and k - 1 df of
    `effective_units`. At 5%, 2% to 8% of samples were called better with units of like sizes, and 2% or less with very
    unlike ones (σ of the log sizes 1.5 to 2), where n - 1 df and the size around R alone gave up to 30%.

    Args:
        sums: sums over 2 or more units, of scores 0 and 1.
        p0: the benchmark, between 0 and 1.
        higher: whether more is better.

    Source: Rao & Scott 1981, doi:10.1080/01621459.1981.10477633 (tests of counts divided by their design effect).
    Checked against: the score test of single answers, error rates by simulation.

    >>> simple = RatioSums(n=20, y=18, x=20, yy=18, xy=18, xx=20, q=18, ww=20)
    >>> round(benchmark_share(simple, 0.8).statistic, 3)
    1.118
    """
    _two_units(sums)
    if not 0 < p0 < 1:
        raise ArgumentError(f"A benchmark of a share lies between 0 and 1, such as 0.8; got {p0}.")
    size, df = _size_under(sums, p0)
    return _tail(sums.y / sums.x - p0, p0 * (1 - p0) / size, df, higher, "score t of the effective answers")


def benchmark_nps(sums: RatioSums, target: float, higher: bool = True) -> OneSided:
    """Hold a Net Promoter Score against a benchmark in points: score test with the variance under the benchmark.

    z = (P - D - Δ)/√(v(Δ)/m), v by `nps_null_variance`; m answers; over units that repeat or are weighted, m and t
    as of `benchmark_share`. On adjusted counts, which pull a score towards 0, errors at 5% were 0% to 16%.

    Args:
        sums: sums over units, of scores 100, 0 and -100.
        target: the benchmark in points, between -100 and 100.
        higher: whether more is better.

    Source: Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B; Rao & Scott 1981,
    doi:10.1080/01621459.1981.10477633. Checked against: `nps_score` (a benchmark at its end has p = α/2), error rates
    by simulation.

    >>> simple = RatioSums(n=17, y=-100, x=17, yy=130000, xy=-100, xx=17, q=130000, ww=17)
    >>> round(benchmark_nps(simple, 0).p, 3)
    0.609
    """
    if not -100 < target < 100:
        raise ArgumentError(f"A benchmark of a Net Promoter Score lies between -100 and 100 points; got {target}.")
    simple = sums.n == sums.x == sums.xx == sums.ww
    if not simple:
        _two_units(sums)
    found, either = sums.y / sums.x / 100, sums.q / sums.x / 1e4
    size, df = (sums.n, inf) if simple else _size_under(sums, target)
    variance = nps_null_variance(size * (either + found) / 2, size * (either - found) / 2, size, target / 100)
    if variance <= 0:  # passives only, against 0
        raise SampleError("every answer is passive, which is the benchmark.")
    how = "score z" if simple else "score t of the effective answers"
    return _tail(found - target / 100, variance / size, df, higher, how)


def benchmark_mean(sums: RatioSums, target: float, higher: bool = True) -> OneSided:
    """Hold a mean or ratio of sums against a benchmark: t = (R - target)/√Var R by the delta method.

    With k `effective_units` in the variance, and k - 1 df: n where all units are of one size.

    Args:
        sums: sums over 2 or more units.
        target: the benchmark in the units of the ratio; for a geometric mean its logarithm.
        higher: whether more is better.

    Source: Student 1908, doi:10.1093/biomet/6.1.1; Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919.
    Checked against: scipy's one-sided t test.

    >>> round(benchmark_mean(RatioSums(n=3, y=6.0, x=3.0, yy=14.0, xy=6.0, xx=3.0, q=14.0, ww=3.0), 1).p, 3)
    0.113
    """
    _two_units(sums)
    units = effective_units(sums)
    variance = ratio_variance(sums, units)
    if variance * sums.x**2 <= 1e-14 * sums.yy:
        raise SampleError("every unit answers the same.")
    return _tail(sums.y / sums.x - target, variance, units - 1, higher, "t")
