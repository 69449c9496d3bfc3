"""What was known then, and who left afterwards: customers at landmarks, so that no later answer foretells the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, LeakageError, SampleError, UnitError, listed
from cxuxlib.frames import columns as fetched
from cxuxlib.models.churn.options import check_columns, check_time
from cxuxlib.models.churn.spells import times_of

__all__ = ["Landmarks", "landmark"]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Where one stands and how far one looks.

    Args:
        at: times of the landmarks, on the customers' clock.
        horizon: how long after a landmark one looks for who leaves; later ends are cut off there.
        oldest: the greatest age of an answer that still counts; None: any.
        entry: column of the customers' table that says when each came under observation; None: always there.

    >>> Landmarks(at=[90, 180], horizon=90).oldest is None
    True
    """

    at: Sequence[float]
    horizon: float
    oldest: float | None = None
    entry: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.at, str) or not isinstance(self.at, Sequence) or not self.at:
            raise ArgumentError(f"at is a list of times, such as [90, 180]; got {self.at!r:.60}.")
        for each in self.at:
            check_time(each, what="Each of at")
        if len(set(self.at)) < len(self.at):
            raise ArgumentError(f"A landmark is named twice in {list(self.at)!r:.60}.")
        if not isinstance(self.horizon, Real) or not (isfinite(self.horizon) and self.horizon > 0):
            raise ArgumentError(f"horizon is a time above 0; got {self.horizon!r:.40}.")
        if self.oldest is not None:
            check_time(self.oldest, what="oldest")


def landmark(
    data: Any,
    answers: Any,
    predictors: Sequence[str],
    *,
    unit: str,
    duration: str,
    event: str,
    measured_at: str,
    landmarks: Landmarks,
) -> pd.DataFrame:
    """Make the table of who was there at a landmark, what was known of them by then, and whether they left soon after.

    At a landmark s: customers with entry <= s < duration; of each predictor the last value measured at or before s; and
    the time after it up to s + horizon, where it is cut off. Tables of several landmarks stand one below the other.

    Args:
        data: one row per customer (any engine): unit, duration, event, and entry where it is named.
        answers: one row per answer or measurement: unit, measured_at and the predictors; those of customers who are not
            in ``data`` are not looked at.
        predictors: columns of ``answers``.
        unit: column of both that names the customer.
        duration, event: as of `churn_hazard`.
        measured_at: column of times of measurement, on the clock of ``duration``.
        landmarks: `Landmarks`: at, horizon, oldest, entry.

    Returns:
        One row per landmark and customer there: unit, "landmark", the predictors (missing where nothing was known yet),
        measured_at (of the latest value that is used), duration and event (cut off at the horizon), "known" (whether
        the horizon, or the event, was seen). For ``churn_hazard(..., entry="landmark", unit=unit)``, with several
        landmarks strata=["landmark"]; columns of customers can be merged by unit.

    Raises:
        UnitError: customers that repeat. LeakageError: answers without a time.
        SampleError: nobody is there at a landmark. AnswerError, ColumnError, ArgumentError: what else is wrong.

    Source: Anderson, Cain & Gelber 1983, doi:10.1200/JCO.1983.1.11.710; van Houwelingen 2007,
    doi:10.1111/j.1467-9469.2006.00529.x. Checked against: rows made one by one, and a planted hazard ratio.

    >>> customers = pd.DataFrame({"customer": [1, 2, 3], "days": [200, 120, 80], "left": [0, 1, 1]})
    >>> asked = pd.DataFrame({"customer": [1, 1, 2, 3], "day": [60, 150, 90, 10], "ease": [2, 5, 4, 3]})
    >>> landmark(customers, asked, ["ease"], unit="customer", duration="days", event="left", measured_at="day",
    ...          landmarks=Landmarks(at=[100], horizon=60))
       customer  landmark  ease   day  days  left  known
    0         1     100.0     2  60.0   160     0   True
    1         2     100.0     4  90.0   120     1   True
    """
    check_columns(predictors, what="predictors")
    if not isinstance(landmarks, Landmarks):
        raise ArgumentError(f"landmarks is a Landmarks; got {landmarks!r:.80}.")
    own = [unit, duration, event, *([landmarks.entry] if landmarks.entry else [])]
    names = [*own, *predictors, measured_at, "landmark", "known"]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice or not predictors:
        raise ColumnError(f"{listed(twice)} stands for two things." if twice else "predictors names no column.")
    customers, asked = fetched(data, own), fetched(answers, [unit, measured_at, *predictors])
    customers, when = _checked(customers, asked, own, measured_at)
    times = times_of(customers, np.ones(len(customers)), duration, event, landmarks.entry)
    asked = asked.assign(**{measured_at: when}).sort_values(measured_at, kind="stable")
    asked = asked[asked[predictors].notna().any(axis=1)]
    found, oldest = [], np.inf if landmarks.oldest is None else landmarks.oldest
    for s in sorted(landmarks.at):
        there = (times.entry <= s) & (times.exit > s)
        if not there.any():
            raise SampleError(f"Nobody is there at {s:g}: all have left, or came later. Take another landmark.")
        known = asked[(asked[measured_at] <= s) & (asked[measured_at] >= s - oldest)]
        last = known.groupby(unit, sort=False)[[*predictors, measured_at]].last()  # of each, the last that is there
        end = s + landmarks.horizon
        table = (
            customers.loc[there, [unit]]
            .assign(landmark=float(s))
            .merge(last, left_on=unit, right_index=True, how="left")
        )
        exit, seen = times.exit[there], times.seen[there] & (times.exit[there] <= end)
        stop = np.minimum(exit, end)
        if pd.api.types.is_integer_dtype(customers[duration]) and (np.rint(stop) == stop).all():
            stop = stop.astype(np.int64)
        found.append(table.assign(**{duration: stop, event: seen.astype(np.int64), "known": seen | (exit >= end)}))
    return pd.concat(found, ignore_index=True)


def _checked(
    customers: pd.DataFrame, asked: pd.DataFrame, own: list[str], measured_at: str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers that are complete and stand there once, and times of measurement."""
    unit = own[0]
    if customers[own].isna().any(axis=None):
        gone = int(customers[own].isna().any(axis=1).sum())
        raise AnswerError(f"{gone:,} customers lack one of {listed(own)}; leave them out, or find out.")
    if customers[unit].duplicated().any():
        first = customers.loc[customers[unit].duplicated(), unit].tolist()[0]
        raise UnitError(f"data has one row per {unit!r}; {first!r} stands there more than once.")
    if customers.empty or asked.empty:
        raise SampleError("There are no customers, or no answers.")
    if asked[unit].isna().any():
        raise UnitError(
            f"{int(asked[unit].isna().sum()):,} answers have no {unit!r}; drop them or find out whose they are."
        )
    if not pd.api.types.is_numeric_dtype(asked[measured_at]):
        raise AnswerError(f"Column {measured_at!r} holds no numbers; count from the customer's start, such as in days.")
    when = asked[measured_at].to_numpy(dtype=float, na_value=np.nan)
    if np.isnan(when).any():
        raise LeakageError(
            f"{int(np.isnan(when).sum()):,} answers do not say in {measured_at!r} when they were given, so they may be "
            "later than what they are to foretell; leave them out, or find out."
        )
    if not asked[unit].isin(customers[unit]).any():
        one, other = customers[unit].tolist()[0], asked[unit].tolist()[0]
        raise ColumnError(f"No answer is of a customer in data: {unit!r} is {one!r} in one and {other!r} in the other.")
    return customers.reset_index(drop=True), when
