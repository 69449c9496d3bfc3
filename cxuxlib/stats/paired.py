"""Comparisons of the same units twice, from sufficient statistics; a minus b, never absolute.

Every function raises `SampleError` where there are too few answers or no spread, and `ArgumentError` where a number
is not possible (more successes than trials, a negative variance, a level that is not a probability).
"""

from __future__ import annotations

from math import nan

from scipy.special import bdtr

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.testing import Comparison, adjusted_z, check_counts, check_moments, t_test

__all__ = ["paired_mean", "paired_nps", "paired_proportions"]


def _paired(n: float, total: float, squares: float, unit: float, level: float, method: str) -> Comparison:
    if not n >= 1:
        raise SampleError("A paired comparison needs at least one pair.")
    center = total / (n + 2)
    variance = ((squares + 2) / (n + 2) - center**2) / (n + 2)
    return adjusted_z(unit * total / n, unit * center, unit**2 * variance, 2 * unit if unit > 1 else 1, level, method)


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
    check_counts(both, only_a, only_b, neither)
    n, least = both + only_a + only_b + neither, min(only_a, only_b)
    method = "McNemar mid-p, adjusted Wald"
    found = _paired(n, only_a - only_b, only_a + only_b, 1, level, method)._replace(statistic=nan)
    m = only_a + only_b
    return found._replace(p=min(1.0, float(bdtr(least, m, 0.5) + (bdtr(least - 1, m, 0.5) if least else 0.0))))


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
    check_moments(mean_diff, var_diff, n)
    return t_test(mean_diff, var_diff / n, n - 1, level, "paired t")


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
    check_counts(n, abs(total), squares)
    if not abs(total) <= squares <= 4 * n or squares < total**2 / max(n, 1):
        raise ArgumentError(f"{n} differences of -2 to 2 cannot have sum {total} and sum of squares {squares}.")
    return _paired(n, total, squares, 100, level, "paired adjusted Wald z")
