"""Curves of who is left and of what they left for, from counts, where some came under observation late.

The curve without late entries, but with weights and repeated units, is `stats.survival.kaplan_meier`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Incidence",
    "RiskTable",
    "incidences",
    "log_log",
    "product_limit",
    "read_at",
    "restricted_mean",
    "risk_table",
]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]


class RiskTable(NamedTuple):
    """Who was at risk at each time of an event, and what for they left.

    Args:
        time: distinct times of events, shape (J,).
        at_risk: under observation just before, shape (J,).
        events: by cause, shape (J, causes).
        begin, last: when the first came under observation, and when the last left or was cut off.
    """

    time: Array
    at_risk: Array
    events: Array
    begin: float
    last: float


class Incidence(NamedTuple):
    """Shares by time and cause, with their standard errors, each of shape (J, causes)."""

    value: Array
    std_error: Array


def risk_table(entry: Array, exit: Array, cause: Whole, n: Array, causes: int) -> RiskTable:
    """Count who is at risk, entry < time <= exit, and who leaves.

    Args:
        entry, exit: when each row begins (-inf: always) and ends.
        cause: 1, 2, ...; 0: cut off.
        n: how often each row occurs.
        causes: how many there are.

    >>> table = risk_table(np.array([0.0, 2.0]), np.array([3.0, 5.0]), np.array([1, 0]), np.ones(2), 1)
    >>> table.time.tolist(), table.at_risk.tolist()
    ([3.0], [2.0])
    """
    time, place = np.unique(exit[cause > 0], return_inverse=True)
    came, gone = np.argsort(entry, kind="stable"), np.argsort(exit, kind="stable")
    coming, going = (np.cumsum(np.r_[0.0, n[each]]) for each in (came, gone))
    at_risk = coming[np.searchsorted(entry[came], time)] - going[np.searchsorted(exit[gone], time)]
    events = np.zeros((len(time), causes))
    np.add.at(events, (place, cause[cause > 0] - 1), n[cause > 0])
    return RiskTable(time, at_risk, events, float(entry.min()), float(exit.max()))


def product_limit(table: RiskTable) -> tuple[Array, Array]:
    """Kaplan-Meier's curve Π (1 - d/r), and Greenwood's standard error S √(Σ d/(r (r - d))); 0 where nobody is left.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452. Checked against: R's survfit (left truncation).
    """
    d, r = table.events.sum(axis=1), table.at_risk
    survival = np.cumprod(1 - d / r)
    error = survival * np.sqrt(np.cumsum(_greenwood(table)))
    return survival, np.where(survival > 0, error, 0.0)


def _greenwood(table: RiskTable) -> Array:
    d, r = table.events.sum(axis=1), table.at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        each: Array = np.where(r > d, d / (r * (r - d)), 0.0)
    return each


def restricted_mean(table: RiskTable, until: float) -> tuple[float, float]:
    """Mean time up to a limit ∫₀^τ S, and its standard error √(Σ (∫_t^τ S)² d/(r (r - d))).

    Source: Irwin 1949, doi:10.1017/S0022172400014443; Royston & Parmar 2013, doi:10.1186/1471-2288-13-152. Checked
    against: R's survival (rmean); without cut-off times, the mean of min(time, τ).

    >>> end = np.array([1.0, 2.0, 6.0])
    >>> table = risk_table(np.zeros(3), end, np.ones(3, int), np.ones(3), 1)
    >>> round(restricted_mean(table, 4.0)[0], 9)
    2.333333333
    """
    some = table.time < until
    survival = product_limit(table)[0][some]
    area = np.diff(np.r_[0.0, table.time[some], until]) * np.r_[1.0, survival]
    left = np.cumsum(area[::-1])[::-1]
    return float(left[0]), float(np.sqrt(left[1:] ** 2 @ _greenwood(table)[some]))


def incidences(table: RiskTable) -> Incidence:
    """Aalen and Johansen's share that left for a cause by a time, F_k(t) = Σ_{s ≤ t} S(s-) d_k(s)/r(s), with its error.

    The variance sums over times s ≤ t the multinomial variance of what leaves, by the slopes ∂F_k(t)/∂h_j(s) =
    S(s-) [j = k] - (F_k(t) - F_k(s))/(1 - h(s)), with h_j = d_j/r and h their sum.

    Source: Aalen & Johansen 1978, https://www.jstor.org/stable/4615704; Gaynor et al. 1993,
    doi:10.1080/01621459.1993.10476289 (variance). Checked against: R's survfit (whose infinitesimal jackknife is the
    same without late entries), numerical derivatives; with one cause, Kaplan-Meier.

    >>> table = risk_table(np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 0, 1]), np.ones(4), 2)
    >>> incidences(table).value.tolist()
    [[0.25, 0.0], [0.25, 0.25], [0.75, 0.25]]
    """
    r = table.at_risk[:, None]
    hazards = table.events / r
    every = hazards.sum(axis=1, keepdims=True)
    before = np.cumprod(np.r_[1.0, 1 - every[:-1, 0]])[:, None]
    value = np.cumsum(before * hazards, axis=0)
    b = np.divide(1.0, 1 - every, out=np.zeros_like(every), where=every < 1)
    # The slope is S[j = k] + F_k(s) b - F_k(t) b, and a multinomial's variance Σ g² h - (Σ g h)², over r.
    own, rest = before, value * b
    first = own**2 * hazards + 2 * own * rest * hazards + rest**2 * every - (own * hazards + rest * every) ** 2
    mixed = b * (own * hazards + rest * every) - (own * hazards + rest * every) * b * every
    last = b**2 * every - (b * every) ** 2
    a, c, e = (np.cumsum(each / r, axis=0) for each in (first, mixed, last))
    variance = a - 2 * value * c + value**2 * e
    return Incidence(value, np.sqrt(np.maximum(variance, 0.0)))


def read_at(time: Array, values: Array, t: float, before: float) -> float:
    """What a curve of steps is at a time."""
    place = int(np.searchsorted(time, t, side="right")) - 1
    return before if place < 0 else float(values[place])


def log_log(value: Array, error: Array, z: float) -> tuple[Array, Array]:
    """Interval of a share on the scale of ln(-ln p): p^exp(± z SE/(p ln p)); NaN at 0 and 1, where there is none.

    >>> low, high = log_log(np.array([0.5]), np.array([0.1]), 1.96)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.295], [0.675])
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = (value > 0) & (value < 1) & (error > 0)
        reach = np.where(inside, z * error / (value * np.log(value)), np.nan)
        low, high = value ** np.exp(-reach), value ** np.exp(reach)
    return low, high
