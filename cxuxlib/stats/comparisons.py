"""Comparisons of two samples, and of one with a benchmark, from sufficient statistics; a minus b, never absolute.

Every function raises `SampleError` where there are too few answers or no spread, and `ArgumentError` where a number
is not possible (more successes than trials, a negative variance, a level that is not a probability).
"""

from __future__ import annotations

from math import exp, inf, isfinite, log, nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import bdtr, bdtrc, gammaln, ndtr, stdtr

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import RatioSums, normal_quantile, ratio_variance, student

__all__ = [
    "Benchmark",
    "Comparison",
    "benchmark_geometric_mean",
    "benchmark_proportion",
    "paired_mean",
    "paired_nps",
    "paired_proportions",
    "ratio_of_geometric_means",
    "two_nps",
    "two_proportions",
    "two_ratios",
    "welch",
]


class Comparison(NamedTuple):
    """How far a lies above b, how sure that is, and how it was found.

    Args:
        difference: a - b as observed; for geometric means the ratio a / b.
        low, high: ends of its confidence interval.
        p: two-sided p-value of no difference (of a ratio of 1).
        method: test and interval in words.
        statistic: z or t, signed as the difference; NaN for an exact test.
        df: degrees of freedom of t; infinite for z.
    """

    difference: float
    low: float
    high: float
    p: float
    method: str
    statistic: float = nan
    df: float = inf


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


def _counts(*counts: float) -> None:
    if not all(isfinite(each) and each >= 0 and each == int(each) for each in counts):
        raise ArgumentError(f"Counts are whole numbers, 0 or more; got {', '.join(map(str, counts))}.")


def _trials(x: float, n: float) -> None:
    _counts(x, n)
    if n == 0:
        raise SampleError("A proportion needs at least one trial.")
    if x > n:
        raise ArgumentError(f"{x} successes of {n} is not possible.")


def _moments(mean: float, variance: float, n: float) -> None:
    if not (isfinite(mean) and isfinite(variance) and variance >= 0):
        raise ArgumentError(f"A mean is finite and a variance 0 or more; got {mean} and {variance}.")
    if not n >= 2:
        raise SampleError(f"A t test needs at least 2 units in each sample; got {n}.")


def _z(found: float, center: float, variance: float, bound: float, level: float, method: str) -> Comparison:
    """Wald around an adjusted difference, cut at ±bound, and widened to hold what was found."""
    error = sqrt(max(variance, 1e-300))
    half, z = normal_quantile(level) * error, center / error
    low, high = max(-bound, min(found, center - half)), min(bound, max(found, center + half))
    return Comparison(float(found), float(low), float(high), 2 * float(ndtr(-abs(z))), method, float(z))


def _t(difference: float, variance: float, df: float, level: float, method: str) -> Comparison:
    low, high = student(difference, variance, df, level)
    if variance <= 0:
        raise SampleError("All values are the same: without spread there is no t test.")
    t = difference / sqrt(variance)
    p = 2 * float(stdtr(df, -abs(t)))
    return Comparison(float(difference), float(low), float(high), p, method, float(t), float(df))


def _exp(logs: Comparison, method: str) -> Comparison:
    ratio, low, high = (exp(each) if each < 709 else inf for each in logs[:3])
    return logs._replace(difference=ratio, low=low, high=high, method=method)


def _fisher_mid(x1: float, n1: float, x2: float, n2: float) -> float:
    successes = x1 + x2
    k = np.arange(max(0, successes - n2), min(n1, successes) + 1)
    ways = -sum(gammaln(each + 1) for each in (k, n1 - k, successes - k, n2 - successes + k))
    table = np.exp(ways - ways.max())
    table /= table.sum()
    half = table[k == x1].sum() / 2
    return float(min(1.0, 2 * min(table[k < x1].sum() + half, table[k > x1].sum() + half)))


def _paired(n: float, total: float, squares: float, unit: float, level: float, method: str) -> Comparison:
    if not n >= 1:
        raise SampleError("A paired comparison needs at least one pair.")
    center = total / (n + 2)
    variance = ((squares + 2) / (n + 2) - center**2) / (n + 2)
    return _z(unit * total / n, unit * center, unit**2 * variance, 2 * unit if unit > 1 else 1, level, method)


def _satterthwaite(d: float, a: tuple[float, float], b: tuple[float, float], level: float, method: str) -> Comparison:
    total = a[0] + b[0]  # each sample: the variance of its estimate, and its units
    shares = [(each[0] / total) ** 2 / (each[1] - 1) for each in (a, b)] if total > 0 else [1.0]
    return _t(d, total, 1 / sum(shares), level, method)


def two_proportions(x1: float, n1: float, x2: float, n2: float, level: float = 0.95) -> Comparison:
    """Compare two independent proportions: N - 1 z test, adjusted Wald interval of the difference.

    z = (p1 - p2) √((N - 1)/N) / √(P(1 - P)(1/n1 + 1/n2)) with P of both samples together; where an expected count is
    below 1, twice the smaller one-sided mid-p of Fisher. The interval adds z²/4 successes and failures to each sample.

    Args:
        x1, x2: successes, 0 to n.
        n1, n2: independent trials, 1 or more.
        level: confidence level, 0 to 1.

    Source: Campbell 2007, doi:10.1002/sim.2832; Agresti & Caffo 2000, doi:10.1080/00031305.2000.10474560.
    Checked against: the README of R's uxr (10 of 12, 4 of 13), scipy's chi-square and hypergeometric distribution.

    >>> found = two_proportions(10, 12, 4, 13)
    >>> [round(each, 3) for each in (found.difference, found.low, found.high, found.statistic)]
    [0.526, 0.133, 0.776, 2.592]
    """
    _trials(x1, n1)
    _trials(x2, n2)
    z, n, p = normal_quantile(level), n1 + n2, (x1 + x2) / (n1 + n2)
    a, b = ((x + z * z / 4) / (m + z * z / 2) for x, m in ((x1, n1), (x2, n2)))
    variance = a * (1 - a) / (n1 + z * z / 2) + b * (1 - b) / (n2 + z * z / 2)
    found = _z(x1 / n1 - x2 / n2, a - b, variance, 1, level, "N-1 two-proportion z, adjusted Wald")
    if min(p, 1 - p) * min(n1, n2) < 1:
        return found._replace(p=_fisher_mid(x1, n1, x2, n2), statistic=nan, method="Fisher mid-p, adjusted Wald")
    statistic = found.difference * sqrt((n - 1) / n / (p * (1 - p) * (1 / n1 + 1 / n2)))
    return found._replace(p=2 * float(ndtr(-abs(statistic))), statistic=statistic)


def paired_proportions(both: float, only_a: float, only_b: float, neither: float, level: float = 0.95) -> Comparison:
    """Compare two proportions of the same units: McNemar's mid-p, adjusted Wald interval of the paired difference.

    p = 2 (P(X < k) + ½ P(X = k)), X binomial with the discordant pairs and ½, k the rarer kind. The interval adds a
    pair of each discordant kind: with shares a and b of n + 2, a - b ± z √((a + b - (a - b)²)/(n + 2)).

    Args:
        both, only_a, only_b, neither: units that succeed with both, with one of them, with none; not all 0.
        level: confidence level, 0 to 1.

    Source: Fagerland, Lydersen & Laake 2013, doi:10.1186/1471-2288-13-91; Bonett & Price 2012,
    doi:10.3102/1076998611411915.
    Checked against: statsmodels' exact test less half a point, R's statpsych and vcmeta, exact coverage.

    >>> found = paired_proportions(3, 6, 1, 2)
    >>> round(found.p, 3), round(found.low, 3), round(found.high, 3)
    (0.07, -0.019, 0.733)
    """
    _counts(both, only_a, only_b, neither)
    n, least = both + only_a + only_b + neither, min(only_a, only_b)
    method = "McNemar mid-p, adjusted Wald"
    found = _paired(n, only_a - only_b, only_a + only_b, 1, level, method)._replace(statistic=nan)
    m = only_a + only_b
    return found._replace(p=min(1.0, float(bdtr(least, m, 0.5) + (bdtr(least - 1, m, 0.5) if least else 0.0))))


def welch(
    mean1: float, var1: float, n1: float, mean2: float, var2: float, n2: float, level: float = 0.95
) -> Comparison:
    """Compare two means of independent samples without equal variances: Welch's t, Satterthwaite's df.

    t = (m1 - m2)/√(v1/n1 + v2/n2),  df = (v1/n1 + v2/n2)² / ((v1/n1)²/(n1 - 1) + (v2/n2)²/(n2 - 1)).

    Args:
        mean1, mean2: means.
        var1, var2: sample variances (n - 1 below), 0 or more, not both 0.
        n1, n2: units, 2 or more.
        level: confidence level, 0 to 1.

    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28. Checked against: scipy, the README of R's uxr.

    >>> found = welch(51.6, 4.07**2, 11, 49.6, 4.63**2, 12)
    >>> round(found.statistic, 2), round(found.p, 3)
    (1.1, 0.283)
    """
    _moments(mean1, var1, n1)
    _moments(mean2, var2, n2)
    return _satterthwaite(mean1 - mean2, (var1 / n1, n1), (var2 / n2, n2), level, "Welch t")


def ratio_of_geometric_means(
    mean1: float, var1: float, n1: float, mean2: float, var2: float, n2: float, level: float = 0.95
) -> Comparison:
    """Compare two geometric means (times on task, say) as the ratio a / b: Welch's t on the logarithms, exponentiated.

    Args:
        mean1, mean2: means of the natural logarithms.
        var1, var2: sample variances of the logarithms, 0 or more, not both 0.
        n1, n2: units, 2 or more.
        level: confidence level, 0 to 1.

    Source: Sauro & Lewis 2010, doi:10.1145/1753326.1753679; Welch 1947, doi:10.1093/biomet/34.1-2.28.
    Checked against: scipy on the logarithms.

    >>> found = ratio_of_geometric_means(log(60), 0.25, 20, log(40), 0.25, 20)
    >>> [round(each, 2) for each in (found.difference, found.low, found.high)]
    [1.5, 1.09, 2.07]
    """
    return _exp(welch(mean1, var1, n1, mean2, var2, n2, level), "Welch t on logarithms, ratio a / b")


def paired_mean(mean_diff: float, var_diff: float, n: float, level: float = 0.95) -> Comparison:
    """Compare two means of the same units: Student's t on the differences, t = m/√(v/n) with n - 1 df.

    Args:
        mean_diff: mean of a - b over units; of ln a - ln b, and exponentiated by the caller, for times.
        var_diff: sample variance of the differences, above 0.
        n: pairs, 2 or more.
        level: confidence level, 0 to 1.

    Source: Student 1908, doi:10.1093/biomet/6.1.1. Checked against: scipy, the README of R's uxr.

    >>> found = paired_mean(-46 / 7, (370 - 46**2 / 7) / 6, 7)
    >>> [round(each, 2) for each in (found.low, found.high, found.statistic)]
    [-9.68, -3.46, -5.18]
    """
    _moments(mean_diff, var_diff, n)
    return _t(mean_diff, var_diff / n, n - 1, level, "paired t")


def two_nps(
    counts1: tuple[float, float, float], counts2: tuple[float, float, float], level: float = 0.95
) -> Comparison:
    """Compare the Net Promoter Scores of two independent samples, in points, after adding 3 answers to each.

    With P, D of n + 3 answers (¾ promoter, 1½ passive, ¾ detractor more) and v = P + D - (P - D)²:
    100 ((P1 - D1) - (P2 - D2) ± z √(v1/(n1 + 3) + v2/(n2 + 3))), cut to -200..200; p from the same z.

    Args:
        counts1, counts2: numbers of promoters, passives and detractors, not all 0.
        level: confidence level, 0 to 1.

    Source: Rocks 2016, doi:10.1080/00031305.2016.1158124; Lewis & Sauro 2021, How to statistically compare two Net
    Promoter Scores, MeasuringU. Checked against: the formula by arrays of answers, coverage by simulation.

    >>> found = two_nps((60, 30, 10), (40, 30, 30))
    >>> round(found.difference), round(found.low, 1), round(found.high, 1), round(found.p, 4)
    (40, 18.2, 59.5, 0.0002)
    """
    nps, center, variance = [], [], []
    for counts in (counts1, counts2):
        _counts(*counts)
        promoters, passives, detractors = counts
        n = promoters + passives + detractors
        if n == 0:
            raise SampleError("A Net Promoter Score needs at least one answer.")
        p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
        nps.append(100 * (promoters - detractors) / n)
        center.append(100 * (p - d))
        variance.append(1e4 * (p + d - (p - d) ** 2) / (n + 3))
    return _z(nps[0] - nps[1], center[0] - center[1], sum(variance), 200, level, "adjusted Wald z")


def paired_nps(n: float, total: float, squares: float, level: float = 0.95) -> Comparison:
    """Compare two Net Promoter Scores of the same respondents, in points, after adding a difference of +1 and of -1.

    With d = a's score - b's, each -1 (detractor), 0 or 1 (promoter): m = Σd/(n + 2),
    100 (m ± z √(((Σd² + 2)/(n + 2) - m²)/(n + 2))), cut to -200..200; p from the same z.

    Args:
        n: respondents who gave both answers, 1 or more.
        total: Σd, between -2n and 2n.
        squares: Σd², between |Σd| and 4n.
        level: confidence level, 0 to 1.

    Source: Bonett & Price 2012, doi:10.3102/1076998611411915, carried from differences of -1, 0, 1 to -2..2.
    Checked against: `paired_proportions` where both differ by 1 at most, coverage by simulation.

    >>> found = paired_nps(n=50, total=10, squares=30)
    >>> round(found.difference), round(found.low, 1), round(found.high, 1), round(found.p, 3)
    (20, -1.4, 39.9, 0.068)
    """
    _counts(n, abs(total), squares)
    if not abs(total) <= squares <= 4 * n or squares < total**2 / max(n, 1):
        raise ArgumentError(f"{n} differences of -2 to 2 cannot have sum {total} and sum of squares {squares}.")
    return _paired(n, total, squares, 100, level, "paired adjusted Wald z")


def two_ratios(a: RatioSums, b: RatioSums, level: float = 0.95) -> Comparison:
    """Compare two ratios of sums over independent units that repeat or are weighted: delta method, Satterthwaite's df.

    t = (Ra - Rb)/√(Var Ra + Var Rb), R = Σy/Σx, with the variances of `ratio_variance` and n - 1 df in each sample.

    Args:
        a, b: sums over 2 or more units each, of x above 0.
        level: confidence level, 0 to 1.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919; Welch 1947, doi:10.1093/biomet/34.1-2.28.
    Checked against: `welch` with one answer per unit, coverage by simulation of clustered answers.

    >>> sums = RatioSums(n=3, y=6.0, x=3.0, yy=14.0, xy=6.0, xx=3.0, q=14.0, ww=3.0)
    >>> round(two_ratios(sums, sums._replace(y=9.0, yy=29.0, xy=9.0)).difference, 3)
    -1.0
    """
    for sums in (a, b):
        if sums.n < 2 or not sums.x > 0:
            raise SampleError("A ratio needs at least 2 units in each sample, and a positive denominator.")
    found = [(ratio_variance(sums), sums) for sums in (a, b)]
    spreads = [(v if v > 1e-14 * sums.yy / sums.x**2 else 0.0, sums.n) for v, sums in found]  # less is rounding
    return _satterthwaite(a.y / a.x - b.y / b.x, spreads[0], spreads[1], level, "delta method, Welch t")


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
    _trials(x, n)
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
    _moments(mean, variance, n)
    if not 0 < benchmark < inf:
        raise ArgumentError(f"A benchmark of times is above 0; got {benchmark}.")
    return _exp(_t(mean - log(benchmark), variance / n, n - 1, level, ""), "t on logarithms, ratio to the benchmark")
