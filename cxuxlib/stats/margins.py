"""Sample sizes for a margin of error: answers that an interval needs to be as narrow as wanted.

Sizes are the smallest whole number that is enough. Every function raises `ArgumentError` where a number lies outside
its range, and `SampleError` where no sample up to a billion is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf, isfinite, log, sqrt

from scipy.special import stdtrit

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import check_level, normal_quantile

__all__ = ["n_for_geometric_mean", "n_for_mean", "n_for_nps", "n_for_proportion"]

MOST = 10**9


def check_positive(**numbers: float) -> None:
    """Refuse numbers that are not above 0."""
    for name, each in numbers.items():
        if not (isfinite(each) and each > 0):
            raise ArgumentError(f"{name} is a number above 0; got {each}.")


def smallest(enough: Callable[[int], bool], start: int) -> int:
    """The smallest n from start on that is enough, where every larger n is enough too."""
    low, high = start - 1, start
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST:
            raise SampleError("Not even a billion answers would be enough.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def check_nps_sds(*sds: float) -> None:
    """Refuse standard deviations that no answer to a Net Promoter question has."""
    if not all(0 < sd <= 100 for sd in sds):
        raise ArgumentError(f"A Net Promoter Score's sd is in points, above 0 and 100 at most; got {sds}.")


def n_for_proportion(margin: float, p: float = 0.5, level: float = 0.95) -> int:
    """Answers that a proportion's adjusted Wald interval needs for a half-width of at most margin.

    z √(p̃(1 - p̃)/(n + z²)) ≤ margin with p̃ = (np + z²/2)/(n + z²); at p = ½, n = z²/(4 margin²) - z².

    Args:
        margin: half-width, above 0 (0.05 for ±5 percentage points).
        p: the proportion to expect, 0 to 1; ½ is the most demanding.
        level: confidence level, 0 to 1.

    Source: Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550. Checked against: `adjusted_wald` at n and n - 1.

    >>> n_for_proportion(0.05), n_for_proportion(0.2)
    (381, 21)
    """
    check_positive(margin=margin)
    if not 0 <= p <= 1:
        raise ArgumentError(f"p lies between 0 and 1; got {p}.")
    zz = normal_quantile(level) ** 2

    def enough(n: int) -> bool:
        center = (n * p + zz / 2) / (n + zz)
        return zz * center * (1 - center) / (n + zz) <= margin * margin  # which may be infinite; ** would raise

    return smallest(enough, 1)


def n_for_mean(margin: float, sd: float, level: float = 0.95) -> int:
    """Answers that a mean's t interval needs for a half-width of at most margin: t(n - 1) sd/√n ≤ margin.

    Args:
        margin: half-width, above 0, in units of the answers.
        sd: standard deviation to expect, above 0, in the same units.
        level: confidence level, 0 to 1.

    Source: Student 1908, doi:10.1093/biomet/6.1.1. Checked against: `student` at n and n - 1.

    >>> n_for_mean(margin=5, sd=20)
    64
    """
    check_positive(margin=margin, sd=sd)
    q = (1 + check_level(level)) / 2
    return smallest(lambda n: float(stdtrit(n - 1, q)) * sd <= margin * sqrt(n), 2)


def n_for_geometric_mean(factor: float, log_sd: float, level: float = 0.95) -> int:
    """Times that a geometric mean's interval needs to end at most a factor away: t(n - 1) s/√n ≤ ln factor.

    Args:
        factor: above 1; 1.2 for an interval from value/1.2 to value·1.2.
        log_sd: s, standard deviation of the natural logarithms to expect, above 0.
        level: confidence level, 0 to 1.

    Source: Sauro & Lewis 2010, doi:10.1145/1753326.1753679. Checked against: `log_t` of as many times.

    >>> n_for_geometric_mean(1.2, log_sd=0.5)
    32
    """
    if not 1 < factor < inf:
        raise ArgumentError(f"factor is above 1, such as 1.2 for 20% more; got {factor}.")
    check_positive(log_sd=log_sd)
    return n_for_mean(log(factor), log_sd, level)


def n_for_nps(margin: float, sd: float, level: float = 0.95) -> int:
    """Answers that a Net Promoter Score needs for a half-width of at most margin: n = z² sd²/margin² - 3.

    Args:
        margin: half-width in points, above 0.
        sd: standard deviation of an answer in points, above 0 and 100 at most, as of `power.nps_sd`.
        level: confidence level, 0 to 1.

    Source: Rocks 2016, doi:10.1080/00031305.2016.1158124, solved for n. Checked against: `nps_adjusted_wald`.

    >>> n_for_nps(10, sd=78.1)
    232
    """
    check_positive(margin=margin, sd=sd)
    check_nps_sds(sd)
    root = normal_quantile(level) * sd / margin
    if root * root > MOST:
        raise SampleError("Not even a billion answers would be enough.")
    return max(1, ceil(root * root - 3))
