"""Metrics on data: one pass over any frame, then closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.frames import sums
from cxuxlib.results import Estimate
from cxuxlib.stats import intervals
from cxuxlib.study import Metric

__all__ = ["estimate", "measure"]

_SCORE_RANGE = {"nps": (-100.0, 100.0), "proportion": (0.0, 1.0)}


def measure(
    frame: Any,
    metrics: Metric | Sequence[Metric],
    *,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute metrics with confidence intervals, by segment, in one pass over the data.

    Every metric is a ratio of sums over units, Σy/Σx. Where each unit gave one unweighted answer, shares and NPS
    get an adjusted Wald interval; all else gets the delta method with Student's t on units minus one.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer.
        metrics: one or more definitions, such as ``cx.nps("recommend")``.
        by: column of segments; rows without a segment become "(missing)".
        unit: column that tells which rows belong to the same customer. There is no default: where an id-like
            column repeats, it must be given; ``unit=None`` says that each row is a unit.
        weight: column of sampling weights, 0 or more.
        level: confidence level, 0 to 1.

    Returns:
        One row per segment and metric: segment, metric, value, low, high, n (units), n_missing (rows), method,
        level. Where no interval exists, low and high are NaN and ``method`` says why.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong, where, what to do.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919 (ratio metrics). Checked against: the same
    numbers on five engines, published examples, coverage by simulation.

    >>> from cxuxlib import cx
    >>> answers = pd.DataFrame({"recommend": [10, 9, 7, 3, 8, None], "shop": list("aaabbb")})
    >>> measure(answers, [cx.nps("recommend")], by="shop")[["segment", "value", "n", "n_missing"]].round(1)
      segment  value  n  n_missing
    0       a   66.7  3          0
    1       b  -50.0  2          1
    """
    intervals.check_level(level)
    wanted = [metrics] if isinstance(metrics, Metric) else list(metrics)
    if not wanted or not all(isinstance(each, Metric) for each in wanted):
        raise ArgumentError("metrics is one or more definitions, such as [cx.nps('recommend'), ux.task_success('ok')].")
    found = sums(frame, wanted, by=by, unit=unit, weight=weight)
    rows = []
    for row in found.to_dict("records"):
        metric = wanted[int(row["metric"])]
        value, low, high, method = _interval(metric, row, weight is not None, level)
        rows.append((
            row["segment"], metric.name, value, low, high, int(row["n"]), int(row["n_missing"]), method, level,
        ))  # fmt: skip
    table = pd.DataFrame(
        rows, columns=["segment", "metric", "value", "low", "high", "n", "n_missing", "method", "level"]
    )
    if not table["n"].any():
        raise SampleError(f"No row has a valid answer in {sorted({each.column for each in wanted})}.")
    return table


def _interval(metric: Metric, row: dict[str, Any], weighted: bool, level: float) -> tuple[float, float, float, str]:
    """Value, low, high and method of one metric in one segment."""
    n, y, x = row["n"], row["y"], row["x"]
    if x == 0:
        return nan, nan, nan, "no valid answers" if n == 0 else "all weights are zero"
    bottom, top = _SCORE_RANGE.get(metric.kind, (metric.low, metric.high))
    value = min(max(y / x, bottom), top)  # rounding of weights may leave the range by a hair
    simple = row["most"] <= 1 and not weighted
    if simple and metric.kind == "proportion":
        return value, *intervals.adjusted_wald(y, n, level), "adjusted Wald"
    if simple and metric.kind == "nps":
        promoters, detractors = (row["yy"] / 100 + y) / 200, (row["yy"] / 100 - y) / 200
        low, high = intervals.nps_adjusted_wald(promoters, n - promoters - detractors, detractors, level)
        return value, low, high, "adjusted Wald"
    if n < 2:
        return value, nan, nan, "no interval: one unit"
    variance = intervals.ratio_variance(n, y, x, row["yy"], row["xy"], row["xx"])
    if variance <= 1e-12 * top * top and metric.kind != "mean":  # all alike: the delta method would claim certainty
        size = x * x / row["xx"]
        if metric.kind == "proportion":
            return value, *intervals.adjusted_wald(value * size, size, level), "adjusted Wald on effective n"
        promoters, detractors = size * max(value, 0) / 100, size * max(-value, 0) / 100
        low, high = intervals.nps_adjusted_wald(promoters, max(0.0, size - promoters - detractors), detractors, level)
        return value, low, high, "adjusted Wald on effective n"
    low, high = intervals.student(value, variance, n - 1, level)
    return value, max(low, bottom), min(high, top), "t" if simple else "delta method over units"


def estimate(values: Iterable[float | None], metric: Metric, *, level: float = 0.95) -> Estimate:
    """Compute one metric of a list of answers, each from another unit.

    Args:
        values: a list, array or column of answers; None and NaN are missing.
        metric: a definition, such as ``cx.nps()``.
        level: confidence level, 0 to 1.

    Returns:
        An `Estimate`.

    Raises:
        AnswerError, SampleError: an answer is out of range; there is none, or too few for an interval.

    Source and checks: see `measure`.

    >>> from cxuxlib import cx
    >>> estimate([10, 9, 7, 3], cx.nps())
    NPS = 25, 95% CI [-44, 73], n = 4 (adjusted Wald)
    """
    if isinstance(values, str | bytes | dict | pd.DataFrame) or not hasattr(values, "__iter__"):
        raise ArgumentError(f"values is a list or column of answers; got {values!r}. For a frame use measure().")
    frame = pd.DataFrame({metric.column: pd.Series(list(values)).reset_index(drop=True)})
    if frame.empty:
        raise SampleError("There are no answers to estimate from.")
    row = measure(frame, metric, unit=None, level=level).iloc[0]
    if row["low"] != row["low"]:
        raise SampleError(f"{metric.name} of {int(row['n'])} answers: {row['method']}; an interval needs at least 2.")
    return Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, metric.name, row["n_missing"]
    )
