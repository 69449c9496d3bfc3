"""How good foretold chances are: do they rank, are they right on average, and is acting on them worth it?

Everything is on distinct forecasts and answers with weights; errors come from what each unit moves (its influence).
"""

from __future__ import annotations

from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cxuxlib.stats.glm_newton import Height, climb

__all__ = ["Area", "Bins", "area_under_curve", "binned", "brier", "net_benefit", "recalibrated"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]


class Area(NamedTuple):
    """Area under the ROC curve.

    Args:
        value: the area.
        influence: what a unit of each distinct answer moves it by, shape (m,).
        std_error: DeLong's, for independent units that count alike.
    """

    value: float
    influence: Array
    std_error: float


class Bins(NamedTuple):
    """Foretold and observed shares by bins of forecasts.

    Args:
        bin: of each distinct answer, its bin, shape (m,).
        w: weight of each bin, shape (b,).
        foretold, observed: mean forecast, and share of answers that are 1.
        low, high: ends of the bin's forecasts.
    """

    bin: Whole
    w: Array | Whole
    foretold: Array
    observed: Array
    low: Array
    high: Array


def area_under_curve(p: Array, y: Whole, w: Array) -> Area:
    """Chance that of a 1 and a 0 the 1 had the higher forecast, ties counting half, with DeLong's error.

    With placements V(1) = share of zeros below (ties half) and V(0) = share of ones above: A = mean V(1),
    SE² = var V(1)/m + var V(0)/n.

    Args:
        p: forecasts; y: 0 or 1; w: weight of each distinct answer.

    Source: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595. Checked against: R's pROC, all pairs.

    >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.ones(4)).value
    0.75
    """
    distinct, place = np.unique(p, return_inverse=True)
    ones, zeros = (np.bincount(place, w * (y == each), len(distinct)) for each in (1, 0))
    m, n = ones.sum(), zeros.sum()
    below = (np.cumsum(zeros) - zeros / 2)[place] / n
    above = 1 - (np.cumsum(ones) - ones / 2)[place] / m
    area = float((w * (y == 1)) @ below / m)
    spread = 0.0
    for each, size, mine in ((below, m, y == 1), (above, n, y == 0)):
        spread += float((w * mine) @ (each - area) ** 2 / (size - 1) / size) if size > 1 else inf
    influence = np.where(y == 1, (below - area) / m, (above - area) / n)
    return Area(area, influence, sqrt(spread))


def binned(p: Array, y: Whole, w: Array, bins: int) -> Bins:
    """Bins of forecasts of about equal weight; equal forecasts are never parted.

    >>> found = binned(np.array([0.1, 0.1, 0.6, 0.6]), np.array([0, 0, 0, 1]), np.ones(4), 2)
    >>> found.foretold.tolist(), found.observed.tolist()
    ([0.1, 0.6], [0.0, 0.5])
    """
    distinct, place = np.unique(p, return_inverse=True)
    size = np.bincount(place, w, len(distinct))
    middle = (np.cumsum(size) - size / 2) / size.sum()
    bin = np.unique(np.minimum((middle * bins).astype(int), bins - 1), return_inverse=True)[1]
    own = bin[place]
    total = np.bincount(own, w)
    foretold, observed = (np.bincount(own, w * each) / total for each in (p, y))
    first = np.flatnonzero(np.r_[True, bin[1:] != bin[:-1]])
    return Bins(own, total, foretold, observed, distinct[first], distinct[np.r_[first[1:] - 1, len(distinct) - 1]])


def brier(p: Array, y: Whole, w: Array, bins: Bins) -> dict[str, float]:
    """Mean squared error of forecasts, and its parts: reliability - resolution + uncertainty + within bins.

    Reliability is how far the foretold share is off in bins (0 is best), resolution how much the observed share differs
    between them (more is better), uncertainty that of the answers themselves; the rest is what bins hide.

    Source: Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Murphy 1973,
    doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; Stephenson, Coelho & Jolliffe 2008,
    doi:10.1175/2007WAF2006116.1 (within bins). Checked against: the sum, which is exact.
    """
    share = float(w @ y / w.sum())
    weight = bins.w / bins.w.sum()
    score = float(w @ (p - y) ** 2 / w.sum())
    reliability = float(weight @ (bins.foretold - bins.observed) ** 2)
    resolution, uncertainty = float(weight @ (bins.observed - share) ** 2), share * (1 - share)
    return {
        "Brier": score, "reliability": reliability, "resolution": resolution, "uncertainty": uncertainty,
        "within bins": score - reliability + resolution - uncertainty,
    }  # fmt: skip


def net_benefit(p: Array, y: Whole, w: Array, threshold: float) -> tuple[float, float, Array]:
    """Net benefit of acting where p >= threshold, and where nobody is asked: (TP - FP t/(1 - t))/n.

    Returns:
        The net benefit, that of acting on everybody, and what a unit of each distinct answer moves the first by.

    Source: Vickers & Elkin 2006, doi:10.1177/0272989X06295361. Checked against: counts by hand.

    >>> net_benefit(np.array([0.2, 0.6]), np.array([0, 1]), np.ones(2), 0.5)[:2]
    (0.5, 0.0)
    """
    odds = threshold / (1 - threshold)
    gain = y - (1 - y) * odds
    acted = np.where(p >= threshold, gain, 0.0)
    value = float(w @ acted / w.sum())
    return value, float(w @ gain / w.sum()), (acted - value) / w.sum()


def recalibrated(line: Array, y: Whole, w: Array) -> tuple[Array, Array]:
    """Intercept and slope of answers on the logit of their forecasts: 0 and 1 where forecasts are right.

    Returns:
        The two, and what a unit of each distinct answer moves them by, shape (m, 2).

    Raises:
        ModelError: the forecasts part the answers, so that the slope would be infinite.

    Source: Cox 1958, doi:10.1093/biomet/45.3-4.562. Checked against: R's glm.
    """
    x = np.column_stack([np.ones(len(line)), line])

    def height(at: Array) -> Height:
        eta = x @ at
        h = expit(eta)
        value = float(w @ (y * eta - np.logaddexp(0, eta)))
        return Height(value, x.T @ (w * (y - h)), (x * (w * h * (1 - h))[:, None]).T @ x)

    found = climb(height, np.array([0.0, 1.0]), float(w.sum()))
    if found.flat is not None:
        return np.array([np.nan, np.nan]), np.zeros((len(line), 2))
    moved: Array = x * (y - expit(x @ found.at))[:, None] @ np.linalg.inv(found.information)
    return found.at, moved
