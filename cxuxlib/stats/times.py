"""Typical times: medians, and times that were cut off before the end (who gave up needed longer than we saw).

Every function raises `SampleError` where there are too few times, and `ArgumentError` where a time is not finite and
above 0, the two lists differ in length, or the level is not a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, log_ndtr, stdtrit

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import check_level, normal_quantile

__all__ = [
    "Lognormal",
    "MedianInterval",
    "Survival",
    "kaplan_meier",
    "lognormal_censored",
    "median_by_order",
    "median_survival",
    "survival_at",
]

Numbers = Sequence[float] | NDArray[np.float64]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class MedianInterval(NamedTuple):
    """A median and its interval.

    Args:
        median: the median; NaN where fewer than half have finished.
        low, high: ends of its interval; infinite where the times do not tell.
        level: the level the interval has at least.
    """

    median: float
    low: float
    high: float
    level: float


class Lognormal(NamedTuple):
    """A lognormal distribution fitted to times of which some were cut off.

    Args:
        mu, sigma: maximum likelihood estimates, mean and standard deviation of the natural logarithms.
        std_error: standard error of mu, from the observed information.
        median: exp(mu), which is also the geometric mean, in the unit of the times.
        low, high: ends of its confidence interval.
        n, n_observed: times in all, and those that were not cut off.
    """

    mu: float
    sigma: float
    std_error: float
    median: float
    low: float
    high: float
    n: int
    n_observed: int


class Survival(NamedTuple):
    """A Kaplan-Meier curve: one entry per time at which somebody finished, earliest first.

    Args:
        times: the times.
        at_risk: how many had neither finished nor been cut off just before.
        events: how many finished.
        survival: share that needs longer.
        std_error: Greenwood's standard error of it.
        low, high: ends of its log-log confidence interval; NaN where all have finished.
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


def _checked(times: Numbers, observed: Sequence[bool] | Mask | None = None) -> tuple[Array, Mask]:
    try:
        t = np.asarray(times, dtype=float)
        seen = np.ones(t.shape) if observed is None else np.asarray(observed, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError("Times are numbers, and observed is true or false for each.") from error
    if t.ndim != 1 or seen.shape != t.shape:
        raise ArgumentError(f"Times come as one list, with one observed each; got {t.shape} and {seen.shape}.")
    if not len(t):
        raise SampleError("There are no times.")
    if not (np.isfinite(t) & (t > 0)).all():
        raise ArgumentError("Times must be finite and above 0.")
    if not np.isin(seen, (0, 1)).all():
        raise ArgumentError("observed is true where a time is complete and false where it was cut off.")
    return t, seen == 1


def median_by_order(times: Numbers, level: float = 0.95) -> MedianInterval:
    """Median of complete times with an interval from their order, whatever their distribution.

    The k-th smallest and the k-th largest of n, with the largest k for which 2 P(X < k) ≤ 1 - level, X binomial(n, ½).

    Args:
        times: complete times, above 0; 6 or more for a level of 0.95.
        level: confidence level, 0 to 1.

    Returns:
        The median, its interval, and the level that the interval really has, 1 - 2 P(X < k).

    Source: David & Nagaraja 2003, doi:10.1002/0471722162, ch. 7. Checked against: scipy's quantile_test, simulation.

    >>> found = median_by_order([100, 101, 102, 103, 104, 200])
    >>> found.median, found.low, found.high, round(found.level, 3)
    (102.5, 100.0, 200.0, 0.969)
    """
    t, _ = _checked(times)
    n = len(t)
    tail = 2 * bdtr(np.arange((n + 1) // 2), n, 0.5)  # of k = 1, 2, ...
    k = int((tail <= 1 - check_level(level)).sum())
    if k == 0:
        raise SampleError(
            f"{n} times cannot hold their median with a level of {level}; the widest has {1 - tail[0]:.3g}."
        )
    t = np.sort(t)
    return MedianInterval(float(np.median(t)), float(t[k - 1]), float(t[n - k]), float(1 - tail[k - 1]))


def lognormal_censored(times: Numbers, observed: Sequence[bool] | Mask, level: float = 0.95) -> Lognormal:
    """Geometric mean of times of which some were cut off, by maximum likelihood of a lognormal distribution.

    Complete times contribute ln φ((ln t - μ)/σ) - ln σ, cut-off ones ln Φ((μ - ln t)/σ). With d complete times the
    interval is exp(μ ± t(d - 1) SE √(d/(d - 1))), which is Student's of the logarithms where none was cut off.

    Args:
        times: times on task, above 0; for who gave up, until then.
        observed: for each, true where the task was completed and false where the time was cut off.
        level: confidence level, 0 to 1.

    Returns:
        The fit, with the geometric mean (the median of the distribution) and its interval.

    Source: Olsen 1978, doi:10.2307/1913082 (one maximum in 1/σ, μ/σ); Lawless 2003, doi:10.1002/9781118033005.
    Checked against: R's survreg and Python's lifelines, `log_t` where none was cut off, coverage by simulation.

    >>> quits = [True] * 5 + [False] * 3
    >>> found = lognormal_censored([40, 55, 62, 70, 85, 120, 120, 120], quits)
    >>> round(found.median, 1), round(found.sigma, 3)
    (89.9, 0.578)
    """
    t, seen = _checked(times, observed)
    d = int(seen.sum())
    if d < 2 or np.ptp(t[seen]) == 0:
        raise SampleError("A lognormal distribution needs at least 2 different complete times.")
    check_level(level)
    logs = np.log(t)
    shift, scale = logs[seen].mean(), logs[seen].std()
    y = (logs - shift) / scale  # so that the start is near and the steps are of order 1
    g, m = 1.0, 0.0  # 1/σ, μ/σ: the likelihood is concave in them

    def likelihood(g: float, m: float) -> float:
        if g <= 0:
            return -inf
        return float(d * np.log(g) - ((g * y[seen] - m) ** 2).sum() / 2 + log_ndtr(m - g * y[~seen]).sum())

    now = likelihood(g, m)
    information = np.eye(2)
    for _ in range(200):
        r, u = g * y[seen] - m, m - g * y[~seen]
        mills = np.exp(-(u**2) / 2 - log_ndtr(u)) / sqrt(2 * np.pi)
        weight = mills * (mills + u)
        slope = np.array([d / g - (r * y[seen]).sum() - (mills * y[~seen]).sum(), r.sum() + mills.sum()])
        cross = -(y[seen].sum() + (weight * y[~seen]).sum())
        gg = d / g**2 + (y[seen] ** 2).sum() + (weight * y[~seen] ** 2).sum()
        information = np.array([[gg, cross], [cross, d + weight.sum()]])
        step = np.linalg.solve(information, slope)
        if np.abs(step).max() < 1e-10 * (g + abs(m)):
            break
        while (then := likelihood(g + step[0], m + step[1])) < now - 1e-9 * abs(now):
            step /= 2
        g, m, now = g + step[0], m + step[1], then
    gradient = np.array([-m / g**2, 1 / g])  # of μ = m/g
    error = float(scale * sqrt(gradient @ np.linalg.solve(information, gradient)))
    mu = float(shift + scale * m / g)
    half = float(stdtrit(d - 1, (1 + level) / 2)) * error * sqrt(d / (d - 1))
    median, low, high = (exp(each) if each < 709 else inf for each in (mu, mu - half, mu + half))
    return Lognormal(mu, float(scale / g), error, median, low, high, len(t), d)


def kaplan_meier(times: Numbers, observed: Sequence[bool] | Mask, level: float = 0.95) -> Survival:
    """Share that needs longer than t, from times of which some were cut off: the product limit.

    S(t) = Π (1 - d/r) over times up to t, d finished of r at risk; SE = S √(Σ d/(r (r - d))), and the interval is
    S^exp(± z SE/(S ln S)). A time cut off at the moment another finishes still counts as at risk.

    Args:
        times: times until the event or until cut off, above 0.
        observed: for each, true where the event was seen.
        level: confidence level, 0 to 1.

    Returns:
        The curve, empty where nothing was observed.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; Kalbfleisch & Prentice 2002,
    doi:10.1002/9781118032985 (log-log). Checked against: R's survival and Python's lifelines on Freireich's 6-MP data.

    >>> kaplan_meier([6, 6, 7, 9], [True, False, True, True]).survival.round(3).tolist()
    [0.75, 0.375, 0.0]
    """
    t, seen = _checked(times, observed)
    z = normal_quantile(level)
    at, events = np.unique(t[seen], return_counts=True)
    r, d = (len(t) - np.searchsorted(np.sort(t), at)).astype(float), events.astype(float)
    survival: Array = np.cumprod(1 - d / r)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.cumsum(d / (r * (r - d))))
        error: Array = np.where(survival > 0, survival * root, 0.0)
        spread = z * root / np.log(survival)  # below 0
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    gone = survival == 0
    low[gone] = high[gone] = nan
    return Survival(at, r, d, survival, error, low, high, float(t.max()))


def survival_at(curve: Survival, t: float) -> tuple[float, float, float]:
    """Share that needs longer than t, with its interval, read from a Kaplan-Meier curve.

    Args:
        curve: as of `kaplan_meier`.
        t: a time, 0 or more; beyond the longest time seen the share is not known unless it is 0.

    Returns:
        (survival, low, high); NaN where not known.

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
    return (1.0, 1.0, 1.0) if place < 0 else (left, float(curve.low[place]), float(curve.high[place]))


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


def median_survival(times: Numbers, observed: Sequence[bool] | Mask, level: float = 0.95) -> MedianInterval:
    """Median of times of which some were cut off: where the Kaplan-Meier curve, and its interval, cross one half.

    Where the curve lies on one half until the next time, the median is half-way, as it is for complete times.

    Args:
        times: times until the event or until cut off, above 0.
        observed: for each, true where the event was seen.
        level: confidence level, 0 to 1.

    Returns:
        The median (NaN where more than half were still at it) and its interval: infinite above where the times do not
        tell, and below the longest time where the curve and its interval stay above one half.

    Source: Brookmeyer & Crowley 1982, doi:10.2307/2530286, on the log-log scale. Checked against: R's survival.

    >>> median_survival([40, 55, 62, 70, 85, 90, 120, 120, 120], [True] * 6 + [False] * 3)[:3]
    (85.0, 40.0, inf)
    """
    curve = kaplan_meier(times, observed, level)
    median = _crossing(curve.times, curve.survival)
    low, high = _crossing(curve.times, curve.low), _crossing(curve.times, curve.high)
    if low == inf:  # more than half were surely still at it when the longest time ended; unless nothing was seen
        low = curve.last if len(curve.times) else 0.0
    return MedianInterval(median if median < inf else nan, low, high, level)
