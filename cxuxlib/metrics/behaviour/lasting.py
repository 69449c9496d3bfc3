"""How long it lasts: curves and medians of times of which some were cut off."""

from collections.abc import Sequence
from math import inf, isnan, nan
from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError, listed, unknown
from cxuxlib.frames import Durations, durations
from cxuxlib.stats.intervals import check_level
from cxuxlib.stats.survival import kaplan_meier, median_survival, survival_at
from cxuxlib.stats.times import lognormal_censored

__all__ = ["median_time", "survival"]


def survival(
    frame: Any,
    time: str,
    event: str,
    *,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    level: float = 0.95,
    at: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Survival curve: the share for whom it lasts longer than t, from times of which some were cut off.

    Kaplan-Meier with the log-log interval, from counts of distinct times and events, in one pass. Customers who are
    still there are cut off, not lost and not left out. Where times are weighted or a unit has several, the standard
    error is the robust one over units; the engine then gives back one row per time of a unit.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per time.
        time: column of times until the event or until cut off, 0 or more, in any unit.
        event: true/false or 1/0: the event was seen (lost, done); 0 where the time was cut off.
        by: column of segments.
        unit: column that tells which times belong to the same customer; see `measure`.
        weight: column of sampling weights, 0 or more.
        level: confidence level, 0 to 1.
        at: times at which to read the curve; by default every time of an event, and the longest time seen.

    Returns:
        One row per segment and time: segment, time, value, low, high, at_risk (just before), events (since the row
        before), n (units), n_missing (rows), method, level. Where there is no number, ``method`` says why.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong, where, what to do.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452. Checked against: R's survival (plain, weights,
    clusters), the textbook curve of Freireich's 6-MP arm.

    >>> customers = pd.DataFrame({"days": [6, 6, 7, 9], "lost": [1, 0, 1, 0]})
    >>> survival(customers, "days", "lost")[["time", "value", "at_risk", "events"]]
       time  value  at_risk  events
    0   6.0  0.750      4.0     1.0
    1   7.0  0.375      2.0     1.0
    2   9.0  0.375      1.0     0.0
    """
    check_level(level)
    wanted = None if at is None else _checked(at)
    found = durations(frame, time, event, name="survival", by=by, unit=unit, weight=weight)
    _some(found, time, event)
    rows: list[tuple[object, ...]] = []
    for each in found:
        curve = _curve(each, wanted, weight is not None, level)
        rows += [(each.segment, *row[:-1], each.n, each.n_missing, row[-1], level) for row in curve]
    return pd.DataFrame(
        rows,
        columns=[
            "segment", "time", "value", "low", "high", "at_risk", "events", "n", "n_missing", "method", "level",
        ],
    )  # fmt: skip


def median_time(
    frame: Any,
    time: str,
    event: str,
    *,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    level: float = 0.95,
    method: Literal["kaplan-meier", "lognormal"] = "kaplan-meier",
) -> pd.DataFrame:
    """Median time until an event, of times of which some were cut off: until a customer leaves, until a task is done.

    Who gave up after 120 s needed more than 120 s: such times are neither left out nor taken for complete. Either
    where the Kaplan-Meier curve and its log-log interval cross one half, whatever the distribution; or the geometric
    mean of a lognormal one by maximum likelihood, for which fewer than half of the times need to be complete.
    Both take it that who gave up would have gone on like the others; where people quit because they were lost, that is
    too short. For the time by which half of *all* succeed, give who quit the longest time that could be watched (of
    `events.attempts`, the time-out) with the event 0.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per time.
        time: column of times, 0 or more ("lognormal": above 0), in any unit.
        event: true/false or 1/0: the event was seen; 0 where the time was cut off.
        by, unit, weight, level: as of `survival`.
        method: "kaplan-meier" or "lognormal".

    Returns:
        The columns of `measure`: segment, metric, value, low, high, n, n_missing, method, level. ``high`` is infinite
        where the times do not tell; where there is no number, ``method`` says why.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong, where, what to do.

    Source: Brookmeyer & Crowley 1982, doi:10.2307/2530286; Lawless 2003, doi:10.1002/9781118033005. Checked against:
    R's survfit and survreg.

    >>> task = pd.DataFrame({"s": [40, 55, 62, 70, 85, 120, 120, 120], "done": [1] * 5 + [0] * 3})
    >>> [median_time(task, "s", "done", method=how)["value"].round(1).item() for how in ("kaplan-meier", "lognormal")]
    [77.5, 89.9]
    """
    check_level(level)
    if method not in ("kaplan-meier", "lognormal"):
        raise ArgumentError(unknown("method", method, ("kaplan-meier", "lognormal")))
    name = f"median time ({'Kaplan-Meier' if method == 'kaplan-meier' else method})"
    zero = method == "kaplan-meier"
    found = durations(frame, time, event, name=name, by=by, unit=unit, weight=weight, zero=zero)
    _some(found, time, event)
    rows = []
    for each in found:
        value = _by_curve(each, weight is not None, level) if zero else _by_lognormal(each, weight is not None, level)
        rows.append((each.segment, name, *value[:3], each.n, each.n_missing, value[3], level))
    return pd.DataFrame(
        rows, columns=["segment", "metric", "value", "low", "high", "n", "n_missing", "method", "level"]
    )


def _checked(at: Sequence[float]) -> list[float]:
    try:
        times = np.unique(np.asarray(at, dtype=float))
    except (TypeError, ValueError):
        times = np.array([nan])
    if not len(times) or not ((times >= 0) & (times < inf)).all():
        raise ArgumentError(f"at lists times of 0 or more, such as [30, 90]; got {at!r}.")
    return [float(each) for each in times]


def _some(found: list[Durations], time: str, event: str) -> None:
    if not any(each.n for each in found):
        raise SampleError(f"No row has a valid answer of positive weight in {listed([time, event])}.")


def _nothing(each: Durations) -> str:
    return "no valid answers" if each.answers == 0 else "all weights are zero"


def _sizes(each: Durations, weighted: bool) -> dict[str, Any]:
    """How the times of a segment are counted, in the words of `stats.times.checked`."""
    if each.unit is not None:
        return {"weights": each.weight, "units": each.unit}
    return {"weights": each.weight} | ({"squares": each.square} if weighted else {})


def _curve(each: Durations, wanted: list[float] | None, weighted: bool, level: float) -> list[tuple[Any, ...]]:
    """Time, value, low, high, at risk, events, method."""
    if each.n == 0:
        return [(t, nan, nan, nan, 0.0, 0.0, _nothing(each)) for t in wanted or [nan]]
    curve = kaplan_meier(each.time, each.seen, level, **_sizes(each, weighted))
    at = wanted or sorted({*curve.times.tolist(), curve.last})
    order = np.argsort(each.time)
    before = np.r_[0.0, np.cumsum(each.weight[order])][np.searchsorted(each.time[order], at, side="left")]
    events = np.r_[0.0, np.cumsum(curve.events)][np.searchsorted(curve.times, at, side="right")]
    rows = []
    for t, risk, many in zip(at, each.weight.sum() - before, np.diff(events, prepend=0.0), strict=True):
        value, low, high = survival_at(curve, t)
        how = "Kaplan-Meier, log-log" + (" over units" if weighted or each.unit is not None else "")
        if isnan(value):
            how = f"not known: the longest time seen is {curve.last:g}"
        elif isnan(low):
            how = f"no interval: {_why(value, each.n)}"
        rows.append((t, value, low, high, float(risk), float(many), how))
    return rows


def _why(value: float, n: int) -> str:
    if n < 2:
        return "one unit"
    if value in (0, 1):
        return "nobody is left" if value == 0 else "no event so far"
    return "units do not differ"


def _by_curve(each: Durations, weighted: bool, level: float) -> tuple[float, float, float, str]:
    if each.n == 0:
        return nan, nan, nan, _nothing(each)
    median, low, high, _ = median_survival(each.time, each.seen, level, **_sizes(each, weighted))
    how = "Kaplan-Meier, log-log" + (" over units" if weighted or each.unit is not None else "")
    if isnan(low):
        how = f"no interval: {_why(nan, each.n)}"
    if isnan(median):
        how = "not known: fewer than half had the event"
    return median, low, high, how


def _by_lognormal(each: Durations, weighted: bool, level: float) -> tuple[float, float, float, str]:
    if each.n == 0:
        return nan, nan, nan, _nothing(each)
    try:
        fit = lognormal_censored(each.time, each.seen, level, **_sizes(each, weighted))
    except SampleError as reason:
        return nan, nan, nan, f"not known: {reason}"
    how = "censored lognormal" + (" over units" if weighted or each.unit is not None else "")
    return fit.median, fit.low, fit.high, how
