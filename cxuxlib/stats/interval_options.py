"""Intervals of a share and of a Net Promoter Score other than the adjusted Wald: (low, high) from counts of answers."""

from __future__ import annotations

from math import sqrt

from scipy.special import betaincinv

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.intervals import check_level, check_mix, check_trials, normal_quantile

__all__ = ["exact", "nps_null_variance", "nps_score", "nps_wald", "wald"]


def wald(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a proportion by the textbook, p ± z √(p(1 - p)/n), cut to 0..1; for large samples only.

    Of none or all it has no width at all, and it covers too rarely near 0 and 1: prefer `adjusted_wald`.

    Args:
        successes: 0 to n.
        n: number of independent trials, 1 or more.
        level: confidence level, 0 to 1.

    Source: Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550. Checked against: statsmodels.

    >>> [round(end, 3) for end in wald(9, 10)], wald(5, 5)
    ([0.714, 1.0], (1.0, 1.0))
    """
    check_trials(successes, n)
    p = successes / n
    half = normal_quantile(level) * sqrt(p * (1 - p) / n)
    return max(0.0, p - half), min(1.0, p + half)


def exact(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a proportion that covers at least as often as it says, at any rate (Clopper-Pearson).

    From the beta quantiles B(α/2; x, n - x + 1) to B(1 - α/2; x + 1, n - x); wider than need be in small samples.

    Args:
        successes: 0 to n.
        n: number of independent trials, 1 or more.
        level: confidence level, 0 to 1.

    Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404. Checked against: statsmodels, the binomial tails.

    >>> [round(end, 3) for end in exact(9, 10)]
    [0.555, 0.997]
    """
    check_trials(successes, n)
    tail = (1 - check_level(level)) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high


def nps_wald(promoters: float, passives: float, detractors: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a Net Promoter Score by the textbook, in points: for large samples only.

    100 (P - D ± z √((P + D - (P - D)²)/n)), cut to -100..100. Answers of one kind only give no width at all.

    Args:
        promoters, passives, detractors: numbers of answers, 0 or more, not all 0.
        level: confidence level, 0 to 1.

    Source: Rocks 2016, doi:10.1080/00031305.2016.1158124. Checked against: the standard error in the tests of R's NPS.

    >>> [round(end, 1) for end in nps_wald(6, 4, 7)], nps_wald(5, 0, 0)
    ([-47.4, 35.6], (100.0, 100.0))
    """
    n = check_mix(promoters, passives, detractors)
    p, d = promoters / n, detractors / n
    half = normal_quantile(level) * sqrt(max(0.0, p + d - (p - d) ** 2) / n)
    return max(-100.0, 100 * (p - d - half)), min(100.0, 100 * (p - d + half))


def nps_null_variance(promoters: float, detractors: float, n: float, difference: float) -> float:
    """Variance of one answer, coded -1, 0, 1, by the most likely shares with P - D = difference.

    With Δ the difference: D solves 2n D² + ((2n - P̂n + D̂n) Δ - P̂n - D̂n) D - D̂n Δ (1 - Δ) = 0, the larger root, and
    the variance is P + D - (P - D)² = 2D + Δ - Δ².

    Args:
        promoters, detractors: numbers of answers, 0 or more; they need not be whole.
        n: number of answers, passives with them.
        difference: Δ, -1 to 1.

    Source: Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B. Checked against: the
    likelihood maximised numerically.

    >>> round(nps_null_variance(6, 7, 17, difference=-1 / 17), 6)
    0.761246
    """
    if not -1 <= difference <= 1:
        raise ArgumentError(f"A difference of two shares lies between -1 and 1; got {difference}.")
    linear = (2 * n - promoters + detractors) * difference - promoters - detractors
    constant = -detractors * difference * (1 - difference)
    root = sqrt(max(0.0, linear**2 - 8 * n * constant))
    share = max(0.0, (root - linear) / (4 * n), -difference)
    return max(0.0, 2 * share + difference - difference**2)


def nps_score(promoters: float, passives: float, detractors: float, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a Net Promoter Score, in points: every score that a score test does not reject.

    The Δ with (P̂ - D̂ - Δ)² ≤ z² v(Δ)/n, where v(Δ) is the variance of an answer under Δ (`nps_null_variance`), found
    by halving. Never empty, within -100..100, and not symmetric around the estimate.

    Args:
        promoters, passives, detractors: numbers of answers, 0 or more, not all 0.
        level: confidence level, 0 to 1.

    Source: Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B; May & Johnson 1997,
    Statistics in Medicine 16(18), 2127-2136.
    Checked against: R's contingencytables (6 and 16 of 161), Pearson's chi-square of the constrained maximum of the
    likelihood, inverted on a grid.

    >>> [round(end, 1) for end in nps_score(6, 4, 7)], [round(end, 1) for end in nps_score(5, 0, 0)]
    ([-43.5, 33.6], [13.1, 100.0])
    """
    n = check_mix(promoters, passives, detractors)
    z, found = normal_quantile(level), (promoters - detractors) / n

    def end(limit: float) -> float:
        inside, outside = found, limit
        while abs(outside - inside) > 1e-13:
            middle = (inside + outside) / 2
            if (found - middle) ** 2 * n <= z * z * nps_null_variance(promoters, detractors, n, middle):
                inside = middle
            else:
                outside = middle
        return 100 * outside

    return end(-1.0), end(1.0)
