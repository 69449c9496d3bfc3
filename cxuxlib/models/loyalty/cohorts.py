"""Who stayed how long, from a list of survivors, from counts or from rows."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, UnitError, listed
from cxuxlib.frames import cells
from cxuxlib.models.churn.spells import times_of
from cxuxlib.models.loyalty.options import RetentionOptions
from cxuxlib.stats.tenures import Stayed

_ADVICE = "A contract has one row; say unit=None if each row is one, or keep the last row of each {name!r}."


class Cohort(NamedTuple):
    """Histories, and how they are counted.

    Args:
        stayed: entry, exit, left and customers of each distinct history.
        at_risk, lost: in periods 1, 2, ..., as far as anybody was at risk.
        n: customers; n_missing: left out because a value is missing.
    """

    stayed: Stayed
    at_risk: np.ndarray
    lost: np.ndarray
    n: float
    n_missing: int


def cohort_of(
    data: Any, duration: str | None, event: str | None, entry: str | None, unit: str | EllipsisType | None,
    options: RetentionOptions,
) -> Cohort:  # fmt: skip
    """Read what was given, and refuse histories that cannot be."""
    if isinstance(data, list | tuple | np.ndarray | pd.Series):
        if duration or event or entry or options.frequency or unit is not ...:
            raise ArgumentError("A list of survivors has no columns; leave duration, event, entry and unit out.")
        found, n_missing = _survivors(data, options.customers), 0
    else:
        found, n_missing = _rows(data, duration, event, entry, unit, options)
    last = int(found.exit.max())
    at_risk, lost = np.zeros(last), np.zeros(last)
    for start, end, left, n in zip(*found, strict=True):
        at_risk[int(start) : int(end)] += n
        lost[int(end) - 1] += n * left
    n = float(found.n.sum())
    if not lost.any():
        raise ModelError(f"Nobody of {n:,.0f} leaves in {last:,} periods: there is no end to tell from.")
    silent = np.flatnonzero(at_risk == 0)
    if len(silent):
        raise SampleError(
            f"Nobody was at risk in period {silent[0] + 1}, so that it cannot be told how many stay beyond it."
        )
    return Cohort(found, at_risk, lost, n, n_missing)


def _survivors(data: Any, customers: float | None) -> Stayed:
    """A list of who is left at the start and after each period."""
    try:
        left = np.asarray(data, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"Survivors are numbers of customers; got {data!r:.80}.") from error
    if left.ndim != 1 or len(left) < 3:
        raise SampleError("Retention needs customers at the start and after two periods or more.")
    if not np.isfinite(left).all():
        where = int(np.flatnonzero(~np.isfinite(left))[0])
        raise AnswerError(f"It is not known how many are left after period {where}; end the list before it.")
    if (left < 0).any() or left[0] <= 0:
        raise AnswerError("Survivors are customers who are left: above 0 at the start, and never below 0.")
    up = np.flatnonzero(np.diff(left) > 0)
    if len(up):
        i = int(up[0])
        raise AnswerError(
            f"Survivors rise from {left[i]:g} to {left[i + 1]:g} in period {i + 1}: who came later, or came back, is "
            "no survivor of those at the start. Give each cohort its own rows (duration, event, frequency)."
        )
    if customers is not None:
        left = left / left[0] * customers
    elif (np.rint(left) != left).any():
        raise AnswerError(
            "Survivors are whole customers; where they are shares of those at the start, say how many these were: "
            "RetentionOptions(customers=1000)."
        )
    last = len(left) - 1
    lost, end = -np.diff(left), np.arange(1.0, last + 1)
    gone = np.r_[np.ones(last, dtype=bool), False]
    n = np.r_[lost, left[-1]]
    found = Stayed(np.zeros(last + 1), np.r_[end, last], gone, n)
    some = n > 0
    return Stayed(*(each[some] for each in found))


def _rows(
    data: Any, duration: str | None, event: str | None, entry: str | None, unit: str | EllipsisType | None,
    options: RetentionOptions,
) -> tuple[Stayed, int]:  # fmt: skip
    """Rows or counts of customers."""
    if options.customers is not None:
        raise ArgumentError("customers goes with a list of survivors; rows count themselves.")
    named = [duration, event, *([entry] if entry is not None else [])]
    if not all(isinstance(each, str) for each in named) or len(set(named)) < len(named):
        raise ArgumentError(f"duration, event and entry name one column each; got {listed(named)}.")
    names = [str(each) for each in named]
    found = cells(data, names, unit=unit, frequency=options.frequency, advice=_ADVICE)
    if not len(found.table):
        raise SampleError(f"There is no complete row in {listed(names)} ({found.n_missing:,} are incomplete).")
    if found.clusters is not None and found.clusters.n < found.n.sum():
        raise UnitError(f"Some {unit!r} have several rows; a contract has one, from entry to duration.")
    times = times_of(found.table, found.n, names[0], names[1], entry)
    start = np.where(np.isfinite(times.entry), times.entry, 0.0)
    broken = (np.rint(start) != start) | (np.rint(times.exit) != times.exit) | (times.exit < 1)
    if broken.any():
        i = int(np.flatnonzero(broken)[0])
        raise AnswerError(
            f"Retention counts whole periods, 1 for who left in the first; there is {times.exit[i]:g} (from "
            f"{start[i]:g}) for {found.n[broken].sum():,.0f} customers. Who has not completed a period yet tells "
            "nothing: leave them out; round the others up where they left (numpy.ceil), and down where they did not."
        )
    return Stayed(start, times.exit, times.seen, found.n), found.n_missing


def curve_of(cohort: Cohort) -> pd.DataFrame:
    """What was observed by period: at risk, lost, retention rate, and survival as the product of the rates."""
    rate = 1 - cohort.lost / cohort.at_risk
    return pd.DataFrame({
        "period": np.arange(1, len(rate) + 1), "at_risk": cohort.at_risk, "lost": cohort.lost, "rate_seen": rate,
        "survival_seen": np.cumprod(rate),
    })  # fmt: skip
