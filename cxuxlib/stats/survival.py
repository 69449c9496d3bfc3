"""Shares that last: the curve of times of which some were cut off before the end, and its median.

Every function raises `SampleError` where there are no times, and `ArgumentError` where a time is not finite or is
below 0, lists differ in length, or the level is not a probability. Times come as they are, as counts, or weighted and
with the units they belong to: see `stats.times.checked`.
"""

from __future__ import annotations

from math import inf, nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.intervals import normal_quantile
from cxuxlib.stats.times import Array, Ids, Mask, MedianInterval, Numbers, Times, checked

__all__ = ["Survival", "kaplan_meier", "median_survival", "survival_at"]


class Survival(NamedTuple):
    """A Kaplan-Meier curve: one entry per time at which somebody finished, earliest first.

    Args:
        times: the times.
        at_risk: how many (what weight) had neither finished nor been cut off just before.
        events: how many (what weight) finished.
        survival: share that needs longer.
        std_error: its standard error; NaN where there is one unit.
        low, high: ends of its log-log confidence interval; NaN where all have finished or there is no error.
        last: the longest time seen, cut off or not; the curve says nothing beyond.
    """

    times: Array
    at_risk: Array
    events: Array
    survival: Array
    std_error: Array
    low: Array
    high: Array
    last: float


def _steps(data: Times, place: np.ndarray, own: Array) -> tuple[np.ndarray, Array, Array, Array]:
    """What F², FW and W² of the units gain at each row, F and W being a unit's sums over rows that came and that wait.

    The rows' places come back with them, in the order of units.
    """
    if data.unit is None:
        return place, data.square * own**2, np.zeros(len(own)), -data.square
    order = np.lexsort((place, data.unit))
    unit, weight, flow = data.unit[order], data.weight[order], data.weight[order] * own[order]
    first = np.r_[True, unit[1:] != unit[:-1]]
    start, which = np.flatnonzero(first), np.cumsum(first) - 1

    def running(x: Array) -> Array:
        total = np.cumsum(x)
        within: Array = total - (total - x)[start][which]
        return within

    f, w = running(flow), np.add.reduceat(weight, start)[which] - running(weight)
    f0, w0 = f - flow, w + weight
    return place[order], f**2 - f0**2, f * w - f0 * w0, w**2 - w0**2


def _variance(data: Times, place: np.ndarray, after: Array, hazard: Array) -> Array:
    """Variance of ln S at each distinct time, by the infinitesimal jackknife.

    A row with its end at T moves -ln S(t) by [event] / (at risk after T) - H(T) once T has come and by -H(t) before,
    H being Greenwood's sum. Squared and added up over single rows of weight 1 this is Greenwood's sum again.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(data.seen, 1 / after[place], 0.0) - hazard[place]
    own = np.where(np.isfinite(own), own, 0.0)  # the last of all to finish: no logarithm from there on
    place, *gains = _steps(data, place, own)
    ff, fw, gone = (np.cumsum(np.bincount(place, gain, len(after))) for gain in gains)
    hazard = np.where(np.isfinite(hazard), hazard, nan)
    waiting = gone - gone[-1]
    variance: Array = ff - 2 * hazard * fw + hazard**2 * waiting
    return np.where(variance > 1e-13 * (ff + hazard**2 * waiting), variance, 0.0)  # below: rounding


def kaplan_meier(
    times: Numbers,
    observed: list[bool] | Mask,
    level: float = 0.95,
    *,
    weights: Numbers | None = None,
    squares: Numbers | None = None,
    units: Ids | None = None,
) -> Survival:
    """Share that needs longer than t, from times of which some were cut off: the product limit.

    S(t) = Π (1 - d/r) over times up to t, d finished of r at risk; SE = S √(Σ d/(r (r - d))), and the interval is
    S^exp(± z SE/(S ln S)). A time cut off at the moment another finishes still counts as at risk. Where times are
    weighted or units have several, SE is the robust one, of the infinitesimal jackknife over units, and z gives way to
    t(m - 1) √(m/(m - 1)) with m = (Σw)²/Σ(Σw of a unit)²: of 20 units with unequal weights, z covered 0.90 instead
    of 0.95, and t 0.94.

    Args:
        times: times until the event or until cut off, 0 or more.
        observed: for each, true where the event was seen.
        level: confidence level, 0 to 1.
        weights: how often each time occurs; with ``squares`` or ``units``, its sampling weight.
        squares: sum of the squared weights of the rows that an entry stands for.
        units: whose time it is.

    Returns:
        The curve, empty where nothing was observed.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; Kalbfleisch & Prentice 2002,
    doi:10.1002/9781118032985 (log-log); Therneau & Grambsch 2000, doi:10.1007/978-1-4757-3294-8 (robust error).
    Checked against: R's survival (Freireich's 6-MP data; weights; clusters) and Python's lifelines.

    >>> kaplan_meier([6, 6, 7, 9], [True, False, True, True]).survival.round(3).tolist()
    [0.75, 0.375, 0.0]
    """
    data = checked(times, observed, weights=weights, squares=squares, units=units, zero=True)
    z = normal_quantile(level)
    if data.robust and data.n_effective > 1:
        m = data.n_effective
        z = float(stdtrit(m - 1, (1 + level) / 2)) * sqrt(m / (m - 1))
    at, place = np.unique(data.t, return_inverse=True)
    ends, events = (np.bincount(place, data.weight * each, len(at)) for each in (~data.seen, data.seen))
    later = np.cumsum((ends + events)[::-1])[::-1]
    after = np.r_[later[1:], 0.0] + ends  # still at risk when those who finished have left; 0 without a residue
    r = after + events
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.cumsum(np.where(events > 0, events / (r * after), 0.0))
    root = np.sqrt(_variance(data, place, after, hazard)) if data.n_effective > 1 else np.full(len(at), nan)
    some = events > 0
    at, r, events, root = at[some], r[some], events[some], root[some]
    survival: Array = np.cumprod(after[some] / r)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spread = np.where((survival > 0) & (root > 0), z * root / np.log(survival), nan)  # below 0
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    error: Array = np.where(survival > 0, survival * root, 0.0)
    return Survival(at, r, events.astype(float), survival, error, low, high, float(data.t.max()))


def survival_at(curve: Survival, t: float) -> tuple[float, float, float]:
    """Share that needs longer than t, with its interval, read from a Kaplan-Meier curve.

    Args:
        curve: as of `kaplan_meier`.
        t: a time, 0 or more; beyond the longest time seen the share is not known unless it is 0.

    Returns:
        (survival, low, high); NaN where not known: beyond the end all three, before the first event the ends.

    Source: as `kaplan_meier`. Checked against: R's survival on Freireich's 6-MP data.

    >>> survival_at(kaplan_meier([6, 6, 7, 9], [True, False, True, True]), 8)[0]
    0.375
    """
    if not t >= 0:
        raise ArgumentError(f"A time is 0 or more; got {t}.")
    place = int(np.searchsorted(curve.times, t, side="right")) - 1
    left = 1.0 if place < 0 else float(curve.survival[place])
    if t > curve.last and left > 0:
        return nan, nan, nan
    return (1.0, nan, nan) if place < 0 else (left, float(curve.low[place]), float(curve.high[place]))


def _crossing(times: Array, share: Array) -> float:
    """Where a falling curve crosses one half; half-way where it lies on one half until the next time."""
    below = np.flatnonzero(share < 0.5 + 1e-9)
    if not len(below):
        return inf
    first = below[0]
    after = np.flatnonzero(share < 0.5 - 1e-9)
    if share[first] >= 0.5 - 1e-9 and len(after):
        return float((times[first] + times[after[0]]) / 2)
    return float(times[first])


def median_survival(
    times: Numbers,
    observed: list[bool] | Mask,
    level: float = 0.95,
    *,
    weights: Numbers | None = None,
    squares: Numbers | None = None,
    units: Ids | None = None,
) -> MedianInterval:
    """Median of times of which some were cut off: where the Kaplan-Meier curve, and its interval, cross one half.

    Where the curve lies on one half until the next time, the median is half-way, as it is for complete times.

    Args:
        times: times until the event or until cut off, 0 or more.
        observed: for each, true where the event was seen.
        level: confidence level, 0 to 1.
        weights, squares, units: as of `kaplan_meier`.

    Returns:
        The median (NaN where more than half were still at it) and its interval: infinite above where the times do not
        tell, and below the longest time where the curve and its interval stay above one half; NaN where the curve has
        no interval.

    Source: Brookmeyer & Crowley 1982, doi:10.2307/2530286, on the log-log scale. Checked against: R's survival.

    >>> median_survival([40, 55, 62, 70, 85, 90, 120, 120, 120], [True] * 6 + [False] * 3)[:3]
    (85.0, 40.0, inf)
    """
    curve = kaplan_meier(times, observed, level, weights=weights, squares=squares, units=units)
    median = _crossing(curve.times, curve.survival)
    low, high = _crossing(curve.times, curve.low), _crossing(curve.times, curve.high)
    if not len(curve.times):
        low = 0.0
    elif low == inf:  # more than half were surely still at it when the longest time ended; or there is no interval
        low, high = (curve.last, inf) if curve.low[-1] > 0.5 else (nan, nan)
    return MedianInterval(median if median < inf else nan, low, high, level)
