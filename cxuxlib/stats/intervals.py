"""Confidence intervals from sufficient statistics: every function returns (low, high)."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, sqrt
from typing import NamedTuple

from scipy.special import gammaincinv, ndtri, stdtrit

from cxuxlib.errors import ArgumentError, SampleError

__all__ = [
    "RatioSums",
    "adjusted_ratio",
    "adjusted_wald",
    "antilog",
    "check_level",
    "check_mix",
    "check_trials",
    "effective_units",
    "few_events",
    "half_width",
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


def half_width(level: float, df: float) -> float:
    """Half-width, in standard errors, of a two-sided interval of Student's t, normal where df is infinite."""
    return normal_quantile(level) if df == inf else student(0.0, 1.0, df, level)[1]


class RatioSums(NamedTuple):
    """Sums that a ratio over units and its error need: with weights w, scores s, y = Σws and x = Σw of a unit.

    Args:
        n: units.
        y, x, yy, xy, xx: sums over units of y, x and their products.
        q: sum over rows of w s².
        ww: sum over rows of w².
    """

    n: float
    y: float
    x: float
    yy: float
    xy: float
    xx: float
    q: float
    ww: float


def check_trials(successes: float, n: float) -> None:
    """Refuse successes that n trials cannot have, and no trials."""
    if n <= 0:
        raise SampleError("An interval needs at least one answer.")
    if not 0 <= successes <= n:
        raise ArgumentError(f"{successes} successes of {n} is not possible.")


def check_mix(promoters: float, passives: float, detractors: float) -> float:
    """Return the number of answers of a Net Promoter Score, refused where there is none or a count is negative."""
    n = promoters + passives + detractors
    if not (min(promoters, passives, detractors) >= 0 and 0 < n < inf):
        raise SampleError("A Net Promoter Score needs at least one answer, and no negative counts.")
    return n


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
    check_trials(successes, n)
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
    check_trials(successes, n)
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
    n = check_mix(promoters, passives, detractors)
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = normal_quantile(level) * sqrt((p + d - (p - d) ** 2) / (n + 3))
    found = 100 * (promoters - detractors) / n  # the 3 added answers can pull the interval past it
    return max(-100.0, min(found, 100 * (p - d - half))), min(100.0, max(found, 100 * (p - d + half)))


def adjusted_ratio(sums: RatioSums, pseudo: Sequence[tuple[float, float]], level: float = 0.95) -> tuple[float, float]:
    """Interval of a share or a Net Promoter Score over units that repeat or are weighted: Wald after pseudo-units.

    Adds ``count`` units with every answer at ``score``, then takes the delta method's interval around the new ratio.
    A pseudo-unit is as large as the units count: Σx²/Σx where answers of a unit are all alike, the size of a single
    answer, Σw²/Σw, where they are independent, and in between by the design effect. With one unweighted answer per
    unit this is the adjusted Wald interval itself; otherwise Student's t replaces z.

    Args:
        sums: sums over units and rows.
        pseudo: (score, count) of what is added.
        level: confidence level, 0 to 1.

    Source: Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550, carried over to the linearised variance
    (Cochran 1977, ch. 6). Checked against: `adjusted_wald`, `nps_adjusted_wald`, and coverage by simulation.

    >>> simple = RatioSums(n=5, y=4, x=5, yy=4, xy=4, xx=5, q=4, ww=5)
    >>> z = normal_quantile(0.95)
    >>> [round(end, 3) for end in adjusted_ratio(simple, [(1, z * z / 2), (0, z * z / 2)])]
    [0.36, 0.98]
    """
    s = sums
    if s.x <= 0:
        raise SampleError("An interval needs at least one answer of positive weight.")
    k = sum(count for _, count in pseudo)
    first = sum(score * count for score, count in pseudo)
    second = sum(score * score * count for score, count in pseudo)

    def wald(size: float) -> tuple[float, float, float, float]:
        y, x = s.y + first * size, s.x + k * size
        yy, xy, xx = s.yy + second * size**2, s.xy + first * size**2, s.xx + k * size**2
        ratio = y / x
        return ratio, (yy - 2 * ratio * xy + ratio**2 * xx) / x**2, x, (s.q + second * size) / x - ratio**2

    largest, smallest = s.xx / s.x, s.ww / s.x
    _, variance, x, spread = wald(largest)
    center, variance, _, _ = wald(min(max(variance * x / spread, smallest), largest))
    simple = s.xx == s.x == s.ww
    quantile = normal_quantile(level) if simple else float(stdtrit(s.x**2 / s.xx + k - 1, (1 + level) / 2))
    half = quantile * sqrt(max(0.0, variance))
    return center - half, center + half


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
    return antilog(low), antilog(high)


def antilog(x: float) -> float:
    """The exponential of x, infinite where no float is as large."""
    try:
        return exp(x)
    except OverflowError:
        return inf


def effective_units(sums: RatioSums) -> float:
    """Units of one size that would tell as much about a ratio of sums: k = (Σx)²/Σx², n where all are of one size.

    Args:
        sums: sums over 1 or more units, x above 0.

    Source: Kish 1965, Survey Sampling, section 11.7. Checked against: the formula by arrays.

    >>> effective_units(RatioSums(n=2, y=0, x=4.0, yy=0, xy=0, xx=10.0, q=0, ww=10.0))
    1.6
    """
    if not sums.x > 0:
        raise SampleError("Effective units need at least one answer of positive weight.")
    return sums.x**2 / sums.xx


def few_events(sums: RatioSums, level: float = 0.95) -> tuple[float, float]:
    """Interval of a rate of rare events, Σy/Σx, from the gamma quantiles of its E effective events.

    R/E · (G(α/2; E), G(1 - α/2; E + 1)) with E = (Σy)²/Σy², which is the number of events where no unit has two;
    without an event 0 to -ln(α/2)/m, m = (Σx)²/Σw²p the exposure, Σx without weights. That none was seen does not
    tell whether events come in bunches, so it takes them as independent.

    Args:
        sums: sums over units and rows, y of events and x of exposure above 0.
        level: confidence level, 0 to 1.

    Source: Garwood 1936, doi:10.1093/biomet/28.3-4.437; with weights Fay & Feuer 1997,
    doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#.
    Checked against: Garwood's table (0: 3.689, 5: 1.623 and 11.668), and coverage by simulation.

    >>> [round(end, 3) for end in few_events(RatioSums(n=9, y=5, x=1.0, yy=5, xy=5, xx=1.0, q=5, ww=1.0))]
    [1.623, 11.668]
    """
    tail = (1 - check_level(level)) / 2
    if not sums.x > 0:
        raise SampleError("A rate's interval needs an exposure above 0.")
    if not sums.yy > 0:
        return 0.0, -log(tail) * sums.ww / sums.x**2
    events = sums.y**2 / sums.yy
    each = sums.y / sums.x / events
    return each * float(gammaincinv(events, tail)), each * float(gammaincinv(events + 1, 1 - tail))


def ratio_variance(sums: RatioSums, units: float | None = None) -> float:
    """Variance of a ratio of sums over n independent units by the delta method.

    With R = Σy/Σx and residuals y - Rx: Var(R) ≈ n/(n - 1) · Σ(y - Rx)² / (Σx)².

    Args:
        sums: sums over 2 or more units, x above 0.
        units: the n of the factor n/(n - 1), above 1, such as `effective_units`; the number of units if left out.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919; Cochran 1977, Sampling Techniques, ch. 6.
    Checked against: the variance of the linearised residuals, and coverage by simulation.

    >>> round(ratio_variance(RatioSums(n=3, y=6.0, x=3.0, yy=14.0, xy=6.0, xx=3.0, q=14.0, ww=3.0)), 6)
    0.333333
    """
    n = sums.n if units is None else units
    if sums.n < 2 or n <= 1:
        raise SampleError("A ratio's variance needs at least 2 units, and not all weight on one.")
    ratio = sums.y / sums.x
    squares = sums.yy - 2 * ratio * sums.xy + ratio * ratio * sums.xx
    return max(0.0, squares) * n / (n - 1) / (sums.x * sums.x)
