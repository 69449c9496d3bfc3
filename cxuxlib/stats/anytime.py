"""Intervals that hold at every look: a running experiment may be read at any time and stopped for what it shows."""

from __future__ import annotations

from math import exp, inf, log, sqrt

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.intervals import check_level

__all__ = ["anytime_half_width", "anytime_p", "mixing"]


def mixing(planned: float, level: float = 0.95) -> float:
    """ρ² of the normal mixture whose intervals are narrowest, next to z, when ``planned`` units have come.

    ρ² = (−2 ln α + ln(1 − 2 ln α)) / planned. It must be fixed before the data: an interval whose ρ follows the number
    of units at each look does not hold over looks.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, doi:10.1214/24-AOS2408.

    >>> round(mixing(1000), 6)
    0.007936
    """
    if not 2 <= planned < inf:
        raise ArgumentError(f"planned is a number of units, 2 or more; got {planned!r}.")
    twice = -2 * log(1 - check_level(level))
    return (twice + log(1 + twice)) / planned


def anytime_half_width(n: float, planned: float, level: float = 0.95) -> float:
    """Half-width, in standard errors, of an interval after n units that holds at all n at once.

    √((nρ² + 1)/(nρ²) · 2 ln(√(nρ² + 1)/α)), Robbins' normal mixture with the standard error estimated.

    Args:
        n: units so far, above 0.
        planned: units at which it is to be narrowest, fixed before the data.
        level: confidence level over all looks, 0 to 1.

    Source: Robbins 1970, doi:10.1214/aoms/1177696786; Waudby-Smith et al. 2024, doi:10.1214/24-AOS2408.
    Checked against: errors over all looks by simulation.

    >>> round(anytime_half_width(1000, 1000), 2), round(anytime_half_width(100, 1000), 2)
    (3.04, 3.86)
    """
    v = n * mixing(planned, level)
    return sqrt((v + 1) / v * 2 * log(sqrt(v + 1) / (1 - level)))


def anytime_p(z: float, n: float, planned: float, level: float = 0.95) -> float:
    """The p-value of z after n units that holds at all n at once: 1 over the normal mixture's evidence, at most 1.

    √(nρ² + 1) exp(−z²/2 · nρ²/(nρ² + 1)), below α where the interval of `anytime_half_width` leaves 0 out.

    >>> half = anytime_half_width(400, 1000)
    >>> round(anytime_p(half, 400, 1000), 6), anytime_p(0.0, 400, 1000)
    (0.05, 1.0)
    """
    v = n * mixing(planned, level)
    return min(1.0, sqrt(v + 1) * exp(-z * z / 2 * v / (v + 1)))
