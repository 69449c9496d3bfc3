"""Comparisons of two independent samples, from sufficient statistics; a minus b, never absolute.

Every function raises `SampleError` where there are too few answers or no spread, and `ArgumentError` where a number
is not possible (more successes than trials, a negative variance, a level that is not a probability).
"""

from __future__ import annotations

from math import inf, log, nan, sqrt

import numpy as np
from scipy.special import gammaln

from cxuxlib.errors import SampleError
from cxuxlib.stats.design import paired_sizes
from cxuxlib.stats.intervals import RatioSums, effective_units, normal_quantile, ratio_variance
from cxuxlib.stats.testing import (
    Comparison,
    adjusted_z,
    as_ratio,
    check_counts,
    check_moments,
    check_successes,
    t_test,
    two_sided,
)

__all__ = [
    "Comparison",
    "ratio_of_geometric_means",
    "relative_change",
    "two_nps",
    "two_nps_over_units",
    "two_proportions",
    "two_ratios",
    "two_shares_over_units",
    "welch",
]


_MANY = 100  # effective units from which n serves as well, and published figures have it


def _fisher_mid(x1: float, n1: float, x2: float, n2: float) -> float:
    successes = x1 + x2
    k = np.arange(max(0, successes - n2), min(n1, successes) + 1)
    ways = -sum(gammaln(each + 1) for each in (k, n1 - k, successes - k, n2 - successes + k))
    table = np.exp(ways - ways.max())
    table /= table.sum()
    half = table[k == x1].sum() / 2
    return float(min(1.0, 2 * min(table[k < x1].sum() + half, table[k > x1].sum() + half)))


def _spread(sums: RatioSums) -> tuple[float, float]:
    """Variance of a ratio of sums, with what is only rounding taken for none, and its effective units."""
    if sums.n < 2 or not sums.x > 0:
        raise SampleError("A ratio needs at least 2 units in each sample, and a positive denominator.")
    units = effective_units(sums)
    units = units if units < _MANY else sums.n
    if units <= 1 + 1e-9:
        raise SampleError("one unit has all the weight.")
    variance = ratio_variance(sums, units)
    return variance if variance > 1e-14 * sums.yy / sums.x**2 else 0.0, units


def _satterthwaite(d: float, a: tuple[float, float], b: tuple[float, float], level: float, method: str) -> Comparison:
    total = a[0] + b[0]  # each sample: the variance of its estimate, and its units
    return t_test(d, total, _df(a, b) if total > 0 else 1.0, level, method)


def _df(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Satterthwaite's degrees of freedom; infinite where both variances are known."""
    total = a[0] + b[0]
    shares = sum((each[0] / total) ** 2 / (each[1] - 1) for each in (a, b))
    return 1 / shares if shares > 0 else inf


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
    check_successes(x1, n1)
    check_successes(x2, n2)
    return _proportions((x1, n1), (x2, n2), level)


def _proportions(
    first: tuple[float, float], second: tuple[float, float], level: float, df: float = inf, of: str = ""
) -> Comparison:
    """`two_proportions` of any real counts, by t where the sizes are estimated."""
    (x1, n1), (x2, n2) = first, second
    z, n, p = normal_quantile(level), n1 + n2, (x1 + x2) / (n1 + n2)
    a, b = ((x + z * z / 4) / (m + z * z / 2) for x, m in ((x1, n1), (x2, n2)))
    variance = a * (1 - a) / (n1 + z * z / 2) + b * (1 - b) / (n2 + z * z / 2)
    found = adjusted_z(
        x1 / n1 - x2 / n2,
        a - b,
        variance,
        1,
        level,
        f"N-1 two-proportion {'z' if df == inf else 't'}{of}, adjusted Wald",
        df,
    )
    if min(p, 1 - p) * min(n1, n2) < 1:
        whole = (round(each) for each in (x1, max(n1, 1), x2, max(n2, 1)))
        return found._replace(p=_fisher_mid(*whole), statistic=nan, df=inf, method=f"Fisher mid-p{of}, adjusted Wald")
    statistic = found.difference * sqrt((n - 1) / n / (p * (1 - p) * (1 / n1 + 1 / n2)))
    return found._replace(p=two_sided(statistic, df), statistic=statistic)


def two_shares_over_units(a: RatioSums, b: RatioSums, level: float = 0.95) -> Comparison:
    """Compare two shares of answers that repeat over units or are weighted: `two_proportions` of effective answers.

    With m of `paired_sizes`, R m successes of m in each sample. Where units repeat, t replaces z, with Satterthwaite's
    df from k - 1 of each sample's `effective_units`. A sample without events keeps the uncertainty of its size: by the
    delta method's own variance, which is 0 there, two groups alike differed in 24% to 42% of samples at 5%.

    Args:
        a, b: sums over units, of scores 0 and 1.
        level: confidence level, 0 to 1.

    Source: Rao & Scott 1981, doi:10.1080/01621459.1981.10477633; Campbell 2007, doi:10.1002/sim.2832.
    Checked against: `two_proportions` with one unweighted answer per unit, error rates by simulation.

    >>> alike = RatioSums(n=20, y=30, x=40, yy=60, xy=60, xx=80, q=30, ww=40)  # 20 users with two like answers each
    >>> none = RatioSums(n=20, y=0, x=20, yy=0, xy=0, xx=20, q=0, ww=20)
    >>> [round(each, 2) for each in two_shares_over_units(alike, none)[:3]]
    [0.75, 0.48, 0.89]
    """
    sizes, df, how = _sizes(a, b)
    first, second = ((min(max(s.y / s.x, 0.0), 1.0) * m, m) for s, m in zip((a, b), sizes, strict=True))
    return _proportions(first, second, level, df, how)


def _sizes(a: RatioSums, b: RatioSums) -> tuple[tuple[float, float], float, str]:
    """Effective answers of two samples, the degrees of freedom of a test with them, and these in words."""
    sizes = paired_sizes(a, b)
    known = [abs(s.xx - s.ww) <= 1e-9 * s.xx for s in (a, b)]  # one answer per unit: weights alone need no estimate
    parts = [(1 / m, inf if sure else effective_units(s)) for m, s, sure in zip(sizes, (a, b), known, strict=True)]
    return sizes, _df(*parts), " on effective answers" + ("" if all(known) else " over units")


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
    check_moments(mean1, var1, n1)
    check_moments(mean2, var2, n2)
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
    return as_ratio(welch(mean1, var1, n1, mean2, var2, n2, level), "Welch t on logarithms, ratio a / b")


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
    for counts in (counts1, counts2):
        check_counts(*counts)
        if not any(counts):
            raise SampleError("A Net Promoter Score needs at least one answer.")
    return _nps(counts1, counts2, level)


def _nps(
    counts1: tuple[float, float, float],
    counts2: tuple[float, float, float],
    level: float,
    df: float = inf,
    of: str = "",
) -> Comparison:
    """`two_nps` of any real counts, by t where the sizes are estimated."""
    nps, center, variance = [], [], []
    for counts in (counts1, counts2):
        promoters, passives, detractors = counts
        n = promoters + passives + detractors
        p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
        nps.append(100 * (promoters - detractors) / n)
        center.append(100 * (p - d))
        variance.append(1e4 * (p + d - (p - d) ** 2) / (n + 3))
    how = f"adjusted Wald {'z' if df == inf else 't'}{of}"
    return adjusted_z(nps[0] - nps[1], center[0] - center[1], sum(variance), 200, level, how, df)


def two_nps_over_units(a: RatioSums, b: RatioSums, level: float = 0.95) -> Comparison:
    """Compare two NPS of answers that repeat over units or are weighted: `two_nps` of effective answers.

    With m of `paired_sizes`, m times the shares of promoters, passives and detractors; t and df as of
    `two_shares_over_units`.

    Args:
        a, b: sums over units, of scores 100, 0 and -100.
        level: confidence level, 0 to 1.

    Source: Rao & Scott 1981, doi:10.1080/01621459.1981.10477633; Rocks 2016, doi:10.1080/00031305.2016.1158124.
    Checked against: `two_nps` with one unweighted answer per unit, error rates by simulation.

    >>> alike = RatioSums(n=10, y=2000, x=20, yy=400000, xy=4000, xx=40, q=200000, ww=20)  # 10 twice promoting users
    >>> round(two_nps_over_units(alike, alike).high, 1)
    44.6
    """
    sizes, df, how = _sizes(a, b)
    first, second = (_mix(s, m) for s, m in zip((a, b), sizes, strict=True))
    return _nps(first, second, level, df, how)


def _mix(sums: RatioSums, size: float) -> tuple[float, float, float]:
    """Promoters, passives and detractors among so many answers."""
    found, either = sums.y / sums.x / 100, sums.q / sums.x / 1e4
    promoters, detractors = (max(0.0, size * (either + sign * found) / 2) for sign in (1, -1))
    return promoters, max(0.0, size - promoters - detractors), detractors


def two_ratios(a: RatioSums, b: RatioSums, level: float = 0.95) -> Comparison:
    """Compare two ratios of sums over independent units that repeat or are weighted: delta method, Satterthwaite's df.

    t = (Ra - Rb)/√(Var Ra + Var Rb), R = Σy/Σx, with the variances of `ratio_variance`. In its variance and
    with k - 1 df, a sample counts as k `effective_units`, n where all are of one size; from k = 100 on as its n units.

    Args:
        a, b: sums over 2 or more units each, of x above 0.
        level: confidence level, 0 to 1.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919; Welch 1947, doi:10.1093/biomet/34.1-2.28.
    Checked against: `welch` with one answer per unit, coverage by simulation of clustered answers.

    >>> sums = RatioSums(n=3, y=6.0, x=3.0, yy=14.0, xy=6.0, xx=3.0, q=14.0, ww=3.0)
    >>> round(two_ratios(sums, sums._replace(y=9.0, yy=29.0, xy=9.0)).difference, 3)
    -1.0
    """
    spreads = [_spread(sums) for sums in (a, b)]
    return _satterthwaite(a.y / a.x - b.y / b.x, spreads[0], spreads[1], level, "delta method, Welch t")


def relative_change(a: RatioSums, b: RatioSums, level: float = 0.95) -> Comparison:
    """Compare two means, shares or ratios of sums by their relative change, a / b - 1: delta method on logarithms.

    ln(Ra/Rb) ± t √(Var Ra/Ra² + Var Rb/Rb²), with the variances of `ratio_variance` and Satterthwaite's df, carried
    back; p is that of no change. On logarithms the interval cannot pass -1, and swapping a and b turns it exactly.

    Args:
        a, b: sums over 2 or more units each, of x and y above 0.
        level: confidence level, 0 to 1.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919; Katz et al. 1978, doi:10.2307/2530610 (shares).
    Checked against: tea-tasting 1.14.0, coverage by simulation of clustered answers.

    >>> sums = RatioSums(n=3, y=6.0, x=3.0, yy=14.0, xy=6.0, xx=3.0, q=14.0, ww=3.0)
    >>> found = relative_change(sums._replace(y=9.0, yy=29.0, xy=9.0), sums)
    >>> [round(each, 2) for each in found[:3]]
    [0.5, -0.46, 3.17]
    """
    logs = []
    for sums in (a, b):
        variance, n = _spread(sums)
        if not sums.y > 0:
            raise SampleError("A relative change needs values above 0.")
        logs.append((variance / (sums.y / sums.x) ** 2, n))
    gap = log(a.y / a.x) - log(b.y / b.x)
    found = as_ratio(_satterthwaite(gap, logs[0], logs[1], level, ""), "delta method on logarithms, Welch t")
    return found._replace(difference=found.difference - 1, low=found.low - 1, high=found.high - 1)
