"""What all comparisons share: their result, what they refuse, and the tests by z and by t."""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt
from typing import NamedTuple

from scipy.special import ndtr, stdtr, stdtrit

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import antilog, check_level, normal_quantile, student

__all__ = ["Comparison"]


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


def check_counts(*counts: float) -> None:
    """Refuse counts that are no whole numbers of 0 or more."""
    if not all(isfinite(each) and each >= 0 and each == int(each) for each in counts):
        raise ArgumentError(f"Counts are whole numbers, 0 or more; got {', '.join(map(str, counts))}.")


def check_successes(x: float, n: float) -> None:
    """Refuse successes that n trials cannot have, and no trials."""
    check_counts(x, n)
    if n == 0:
        raise SampleError("A proportion needs at least one trial.")
    if x > n:
        raise ArgumentError(f"{x} successes of {n} is not possible.")


def check_moments(mean: float, variance: float, n: float) -> None:
    """Refuse moments that no sample of two units or more has."""
    if not (isfinite(mean) and isfinite(variance) and variance >= 0):
        raise ArgumentError(f"A mean is finite and a variance 0 or more; got {mean} and {variance}.")
    if not n >= 2:
        raise SampleError(f"A t test needs at least 2 units in each sample; got {n}.")


def adjusted_z(
    found: float, center: float, variance: float, bound: float, level: float, method: str, df: float = inf
) -> Comparison:
    """Wald around an adjusted difference by z or t, cut at ±bound, and widened to hold what was found."""
    error = sqrt(max(variance, 1e-300))
    quantile = normal_quantile(level) if df == inf else float(stdtrit(df, (1 + check_level(level)) / 2))
    half, z = quantile * error, center / error
    low, high = max(-bound, min(found, center - half)), min(bound, max(found, center + half))
    return Comparison(float(found), float(low), float(high), two_sided(z, df), method, float(z), df)


def two_sided(statistic: float, df: float = inf) -> float:
    """Two-sided p of a z, or of a t with finite degrees of freedom."""
    return 2 * float(ndtr(-abs(statistic)) if df == inf else stdtr(df, -abs(statistic)))


def t_test(difference: float, variance: float, df: float, level: float, method: str) -> Comparison:
    """Test a difference by Student's t: its interval, statistic and two-sided p."""
    low, high = student(difference, variance, df, level)
    if variance <= 0:
        raise SampleError("All values are the same: without spread there is no t test.")
    t = difference / sqrt(variance)
    p = 2 * float(stdtr(df, -abs(t)))
    return Comparison(float(difference), float(low), float(high), p, method, float(t), float(df))


def as_ratio(logs: Comparison, method: str) -> Comparison:
    """Turn a difference of logarithms into a ratio."""
    ratio, low, high = map(antilog, logs[:3])
    return logs._replace(difference=ratio, low=low, high=high, method=method)
