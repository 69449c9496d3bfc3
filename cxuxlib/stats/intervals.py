"""Confidence intervals from sufficient statistics: every function returns (low, high)."""

from __future__ import annotations

from math import exp, inf, log, sqrt

from scipy.special import ndtri, stdtrit

from cxuxlib.errors import ArgumentError, SampleError

__all__ = [
    "adjusted_wald",
    "check_level",
    "log_t",
    "normal_quantile",
    "nps_adjusted_wald",
    "ratio_variance",
    "student",
    "wilson",
]


def check_level(level: float) -> float:
    """Return a confidence level, refused unless it lies between 0 and 1."""
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise ArgumentError(f"level is a probability between 0 and 1, such as 0.95; got {level!r}.")
    return level


def normal_quantile(level: float) -> float:
    """Half-width, in standard errors, of a two-sided normal interval: 1.96 for 0.95."""
    return float(ndtri((1 + check_level(level)) / 2))


def _check_count(successes: float, n: float) -> None:
    if n <= 0:
        raise SampleError("An interval needs at least one answer.")
    if not 0 <= successes <= n:
        raise ArgumentError(f"{successes} successes of {n} is not possible.")


def adjusted_wald(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a proportion that adds z²/2 successes and z²/2 failures.

    p̃ = (x + z²/2) / (n + z²),  p̃ ± z √(p̃(1 - p̃)/(n + z²)), cut to 0..1.

    Args:
        successes: 0 to n.
        n: number of independent trials, 1 or more.
        level: confidence level, 0 to 1.

    Source: Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550.
    Checked against: Sauro & Lewis (7 of 10, 3 of 10), Tullis (4 of 5), statsmodels.

    >>> [round(end, 3) for end in adjusted_wald(4, 5)]
    [0.36, 0.98]
    """
    _check_count(successes, n)
    z = normal_quantile(level)
    center = (successes + z * z / 2) / (n + z * z)
    half = z * sqrt(center * (1 - center) / (n + z * z))
    return max(0.0, center - half), min(1.0, center + half)


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion.

    (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n).

    Args:
        successes: 0 to n.
        n: number of independent trials, 1 or more.
        level: confidence level, 0 to 1.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953. Checked against: statsmodels.

    >>> [round(end, 3) for end in wilson(9, 10)]
    [0.596, 0.982]
    """
    _check_count(successes, n)
    z = normal_quantile(level)
    p = successes / n
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((p + z * z / (2 * n) + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return (0.0 if successes == 0 else low), (1.0 if successes == n else high)


def nps_adjusted_wald(promoters: float, passives: float, detractors: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a Net Promoter Score, in points, that adds 3 answers: ¾ promoter, 1½ passive, ¾ detractor.

    With shares P and D of the n + 3 answers: 100 (P - D ± z √((P + D - (P - D)²)/(n + 3))), cut to -100..100.

    Args:
        promoters, passives, detractors: numbers of answers, 0 or more, not all 0.
        level: confidence level, 0 to 1.

    Source: Rocks 2016, doi:10.1080/00031305.2016.1158124.
    Checked against: a multinomial simulation of coverage; the figures for (7, 4, 6) of 17.

    >>> [round(end, 1) for end in nps_adjusted_wald(6, 4, 7)]
    [-42.3, 32.3]
    """
    n = promoters + passives + detractors
    if min(promoters, passives, detractors) < 0 or n <= 0:
        raise SampleError("A Net Promoter Score needs at least one answer, and no negative counts.")
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = normal_quantile(level) * sqrt((p + d - (p - d) ** 2) / (n + 3))
    found = 100 * (promoters - detractors) / n  # the 3 added answers can pull the interval past it
    return max(-100.0, min(found, 100 * (p - d - half))), min(100.0, max(found, 100 * (p - d + half)))


def student(value: float, variance: float, df: float, level: float = 0.95) -> tuple[float, float]:
    """Student's t interval: value ± t(df) √variance, where variance is that of the value itself.

    Args:
        value: the estimate.
        variance: its squared standard error, 0 or more.
        df: degrees of freedom, more than 0 (n - 1 for a mean).
        level: confidence level, 0 to 1.

    Source: Student 1908, doi:10.1093/biomet/6.1.1. Checked against: scipy.

    >>> [round(end, 3) for end in student(4.0, 0.25, 9)]
    [2.869, 5.131]
    """
    if df <= 0:
        raise SampleError("A t interval needs at least 2 units.")
    half = float(stdtrit(df, (1 + check_level(level)) / 2)) * sqrt(max(0.0, variance))
    return value - half, value + half


def log_t(times: list[float], level: float = 0.95) -> tuple[float, float]:
    """Interval of a geometric mean: Student's t on the logarithms, exp(mean ln t ± t √(s²/n)).

    Args:
        times: two or more values above 0 (times on task in seconds, say).
        level: confidence level, 0 to 1.

    Source: Sauro & Lewis 2010, doi:10.1145/1753326.1753679. Checked against: their example.

    >>> [round(end) for end in log_t([55, 65, 75, 62, 45, 135])]
    [46, 101]
    """
    if len(times) < 2:
        raise SampleError(f"A geometric mean's interval needs at least 2 times; got {len(times)}.")
    if not all(0 < each < inf for each in times):
        raise ArgumentError("Times must be finite and above 0; a time of 0 has no logarithm.")
    logs = [log(each) for each in times]
    n = len(logs)
    mean = sum(logs) / n
    low, high = student(mean, sum((each - mean) ** 2 for each in logs) / (n - 1) / n, n - 1, level)
    return exp(low), exp(high)


def ratio_variance(n: float, y: float, x: float, yy: float, xy: float, xx: float) -> float:
    """Variance of a ratio of sums over n independent units by the delta method.

    With R = Σy/Σx and residuals y - Rx: Var(R) ≈ n/(n - 1) · Σ(y - Rx)² / (Σx)².

    Args:
        n: number of units, 2 or more.
        y, x: sums of numerators and denominators, x above 0.
        yy, xy, xx: sums of their squares and products.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919; Cochran 1977, Sampling Techniques, ch. 6.
    Checked against: the variance of the linearised residuals, and coverage by simulation.

    >>> round(ratio_variance(3, 6.0, 3.0, 14.0, 6.0, 3.0), 6)
    0.333333
    """
    if n < 2:
        raise SampleError("A ratio's variance needs at least 2 units.")
    ratio = y / x
    return max(0.0, yy - 2 * ratio * xy + ratio * ratio * xx) * n / (n - 1) / (x * x)
