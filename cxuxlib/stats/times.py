"""Typical times: medians, and times that were cut off before the end (who gave up needed longer than we saw).

Every function raises `SampleError` where there are too few times, and `ArgumentError` where a time is not finite and
above 0, the two lists differ in length, or the level is not a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, log_ndtr, stdtrit

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.stats.intervals import antilog, check_level

__all__ = [
    "Lognormal",
    "MedianInterval",
    "Times",
    "checked",
    "lognormal_censored",
    "median_by_order",
]

Numbers = Sequence[float] | NDArray[np.float64]
Ids = Sequence[object] | NDArray[Any]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Times(NamedTuple):
    """Times with what is known of each.

    Args:
        t: the times.
        seen: whether each is complete.
        weight: its weight.
        square: the sum of squared weights of the rows it stands for.
        unit: 0, 1, ... where units have several times; None where rows are units.
        robust: whether an error has to allow for weights or repeated units.
        n_effective: units, allowing for unequal weights: (Σw)² / Σ (Σw of a unit)².
    """

    t: Array
    seen: Mask
    weight: Array
    square: Array
    unit: NDArray[np.intp] | None
    robust: bool
    n_effective: float


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
        n, n_observed: times in all (their weight), and those that were not cut off.
    """

    mu: float
    sigma: float
    std_error: float
    median: float
    low: float
    high: float
    n: float
    n_observed: float


def checked(
    times: Numbers,
    observed: Sequence[bool] | Mask | None = None,
    *,
    weights: Numbers | None = None,
    squares: Numbers | None = None,
    units: Ids | None = None,
    zero: bool = False,
) -> Times:
    """Times checked; those of weight 0 left out.

    ``weights`` alone are counts: how often each time occurs. With ``squares`` or ``units`` they are sampling weights.

    Args:
        times: finite and above 0.
        observed: for each, true where it is complete and false where it was cut off; None where all are.
        weights: 0 or more; None for 1 each.
        squares: sum of the squared weights of the rows that an entry stands for.
        units: whose time it is; where each occurs once, rows are units.
        zero: whether a time may be 0.
    """
    try:
        t = np.asarray(times, dtype=float)
        seen = np.ones(t.shape) if observed is None else np.asarray(observed, dtype=float)
        weight = np.ones(t.shape) if weights is None else np.asarray(weights, dtype=float)
        square = weight if squares is None else np.asarray(squares, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError("Times are numbers, and observed is true or false for each.") from error
    shapes = {each.shape for each in (t, seen, weight, square, t if units is None else np.asarray(units))}
    if t.ndim != 1 or len(shapes) > 1:
        raise ArgumentError(f"Times come as one list, with one observed, weight and unit each; got {listed(shapes)}.")
    if not (np.isfinite(t) & ((t >= 0) if zero else (t > 0))).all():
        raise ArgumentError(f"Times must be finite and {'0 or more' if zero else 'above 0'}.")
    if not np.isin(seen, (0, 1)).all():
        raise ArgumentError("observed is true where a time is complete and false where it was cut off.")
    if not (np.isfinite(weight) & (weight >= 0) & np.isfinite(square) & (square >= 0)).all():
        raise ArgumentError("Weights must be finite and 0 or more.")
    code = None if units is None else np.unique(np.asarray(units), return_inverse=True)[1]
    some = weight > 0
    if not some.any():
        raise SampleError("There are no times.")
    if not (weight[some].min() > 1e-75 and weight.sum() < 1e75):
        raise ArgumentError("Weights are too large, or too close to 0, to be squared; give weights of mean 1.")
    t, seen, weight, square = t[some], seen[some], weight[some], square[some]
    if code is not None:
        code = code[some]
        repeated = len(np.unique(code)) < len(code)
        square = weight**2 if weights is not None or repeated else weight
        code = code if repeated else None
    robust = code is not None or (weights is not None and (units is not None or squares is not None))
    many = (square if code is None else np.bincount(code, weight) ** 2).sum()
    return Times(t, seen == 1, weight, square, code, robust, float(weight.sum() ** 2 / many))


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
    t = checked(times).t
    n = len(t)
    tail = 2 * bdtr(np.arange((n + 1) // 2), n, 0.5)  # of k = 1, 2, ...
    k = int((tail <= 1 - check_level(level)).sum())
    if k == 0:
        raise SampleError(
            f"{n} times cannot hold their median with a level of {level}; the widest has {1 - tail[0]:.3g}."
        )
    t = np.sort(t)
    return MedianInterval(float(np.median(t)), float(t[k - 1]), float(t[n - k]), float(1 - tail[k - 1]))


def lognormal_censored(
    times: Numbers,
    observed: Sequence[bool] | Mask,
    level: float = 0.95,
    *,
    weights: Numbers | None = None,
    squares: Numbers | None = None,
    units: Ids | None = None,
) -> Lognormal:
    """Geometric mean of times of which some were cut off, by maximum likelihood of a lognormal distribution.

    Complete times contribute ln φ((ln t - μ)/σ) - ln σ, cut-off ones ln Φ((μ - ln t)/σ). With d complete times the
    interval is exp(μ ± t(d - 1) SE √(d/(d - 1))), which is Student's of the logarithms where none was cut off. Where
    times are weighted or units have several, SE is the robust one, of the units' scores, and d = (Σw)²/Σ(Σw of a
    unit)² over complete times.

    Args:
        times: times on task, above 0; for who gave up, until then.
        observed: for each, true where the task was completed and false where the time was cut off.
        level: confidence level, 0 to 1.
        weights, squares, units: as of `checked`.

    Returns:
        The fit, with the geometric mean (the median of the distribution) and its interval.

    Source: Olsen 1978, doi:10.2307/1913082 (one maximum in 1/σ, μ/σ); Lawless 2003, doi:10.1002/9781118033005;
    Huber 1967 (robust error). Checked against: R's survreg (also with weights and clusters) and Python's lifelines,
    `log_t` where none was cut off, coverage by simulation.

    >>> quits = [True] * 5 + [False] * 3
    >>> found = lognormal_censored([40, 55, 62, 70, 85, 120, 120, 120], quits)
    >>> round(found.median, 1), round(found.sigma, 3)
    (89.9, 0.578)
    """
    check_level(level)
    data = checked(times, observed, weights=weights, squares=squares, units=units)
    seen, w = data.seen, data.weight
    if not seen.any() or np.ptp(data.t[seen]) == 0:
        raise SampleError("A lognormal distribution needs at least 2 different complete times.")
    kept = data.unit[seen] if data.unit is not None else None
    d = float(w[seen].sum() ** 2 / (data.square[seen] if kept is None else np.bincount(kept, w[seen]) ** 2).sum())
    if d < 1 + 1e-9:
        raise SampleError("A lognormal distribution needs complete times of at least 2 units.")
    logs = np.log(data.t)
    shift = np.average(logs[seen], weights=w[seen])
    scale = sqrt(np.average((logs[seen] - shift) ** 2, weights=w[seen]))
    y = (logs - shift) / scale  # so that the start is near and the steps are of order 1
    g, m, information, scores = _olsen(y, seen, w)
    gradient = np.array([-m / g**2, 1 / g])  # of μ = m/g
    influence = np.linalg.solve(information, gradient)
    moved = influence @ scores  # of μ, by each time
    if not data.robust:
        variance = gradient @ influence
    elif data.unit is None:
        variance = (data.square * moved**2).sum()
    else:
        variance = (np.bincount(data.unit, w * moved) ** 2).sum()
    error, mu = scale * sqrt(variance), float(shift + scale * m / g)
    half = float(stdtrit(d - 1, (1 + level) / 2)) * error * sqrt(d / (d - 1))
    median, low, high = map(antilog, (mu, mu - half, mu + half))
    return Lognormal(mu, float(scale / g), float(error), median, low, high, float(w.sum()), float(w[seen].sum()))


def _olsen(y: Array, seen: Mask, w: Array) -> tuple[float, float, Array, Array]:
    """1/σ, μ/σ of censored normal values, in which the likelihood is concave; information; scores of each value."""
    g, m = 1.0, 0.0
    done, cut, total = y[seen], y[~seen], w[seen].sum()

    def likelihood(g: float, m: float) -> float:
        if g <= 0:
            return -inf
        ended = total * np.log(g) - (w[seen] * (g * done - m) ** 2).sum() / 2
        return float(ended + (w[~seen] * log_ndtr(m - g * cut)).sum())

    now = likelihood(g, m)
    information, scores = np.eye(2), np.zeros((2, len(y)))
    for _ in range(200):
        r, u = g * done - m, m - g * cut
        mills = np.exp(-(u**2) / 2 - log_ndtr(u)) / sqrt(2 * np.pi)
        curve = np.where(seen, 1.0, 0.0)
        curve[~seen] = mills * (mills + u)
        scores[:, seen] = [1 / g - r * done, r]
        scores[:, ~seen] = [-mills * cut, mills]
        slope = scores @ w
        cross = -(w * curve * y).sum()
        information = np.array([[total / g**2 + (w * curve * y**2).sum(), cross], [cross, (w * curve).sum()]])
        step = np.linalg.solve(information, slope)
        if np.abs(step).max() < 1e-10 * (g + abs(m)):
            break
        while (then := likelihood(g + step[0], m + step[1])) < now - 1e-9 * abs(now):
            step /= 2
        g, m, now = g + step[0], m + step[1], then
    return g, m, information, scores
