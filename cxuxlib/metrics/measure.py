"""Metrics on data: one pass over any frame, then closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, nan
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.frames import sums
from cxuxlib.results import Estimate
from cxuxlib.stats import intervals
from cxuxlib.study import Metric

__all__ = ["estimate", "measure"]


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

    Every metric is a ratio of sums over units, Σy/Σx, with the delta method's variance. Shares and NPS get an
    adjusted Wald interval, over units where they repeat or are weighted; means get Student's t. Each segment's
    interval stands for itself: where the same units occur in several segments, two intervals do not tell whether
    the segments differ.

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
    wanted = definitions(metrics)
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
        columns = dict.fromkeys(column for each in wanted for column in each.columns)
        raise SampleError(f"No row has a valid answer of positive weight in {listed(columns)}.")
    return table


def definitions(metrics: Metric | Sequence[Metric]) -> list[Metric]:
    """The metrics as a list, refused where they are none."""
    wanted = list(metrics) if isinstance(metrics, Sequence) else [metrics]
    if not wanted or not all(isinstance(each, Metric) for each in wanted):
        raise ArgumentError("metrics is one or more definitions, such as [cx.nps('recommend'), ux.task_success('ok')].")
    return wanted


def pseudo_answers(metric: Metric, z: float) -> list[tuple[float, float]]:
    """What the adjusted Wald interval of a share or an NPS adds: (score, count)."""
    if metric.kind == "proportion":
        return [(1.0, z * z / 2), (0.0, z * z / 2)]
    return [(100.0, 0.75), (0.0, 1.5), (-100.0, 0.75)]


def _interval(metric: Metric, row: dict[str, Any], weighted: bool, level: float) -> tuple[float, float, float, str]:
    """Value, low, high and method of one metric in one segment."""
    sums = intervals.RatioSums(*(row[name] for name in intervals.RatioSums._fields))
    if sums.x == 0:
        return nan, nan, nan, "no valid answers" if row["answers"] == 0 else "all weights are zero"
    back = exp if metric.link == "exp" else float
    value = min(max(back(sums.y / sums.x), metric.low), metric.high)  # rounding may leave the range by a hair
    plain = row["most"] <= 1 and not weighted
    over = "" if plain else " over units"
    if metric.kind != "mean":
        low, high = intervals.adjusted_ratio(sums, pseudo_answers(metric, intervals.normal_quantile(level)), level)
        return value, min(value, max(low, metric.low)), max(value, min(high, metric.high)), "adjusted Wald" + over
    if sums.n < 2:
        return value, nan, nan, "no interval: one unit"
    variance = intervals.ratio_variance(sums)
    if variance * sums.x**2 <= 1e-14 * sums.yy:  # no more than rounding
        return value, nan, nan, "no interval: every unit answers the same"
    low, high = map(back, intervals.student(sums.y / sums.x, variance, sums.n - 1, level))
    return value, max(low, metric.low), min(high, metric.high), ("log-t" if metric.link == "exp" else "t") + over


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
    if not isinstance(metric, Metric):
        raise ArgumentError(f"metric is a definition, such as cx.nps(); got {type(metric).__name__}.")
    if isinstance(values, str | bytes | dict | pd.DataFrame) or not hasattr(values, "__iter__"):
        raise ArgumentError(
            f"values is a list or column of answers; got a {type(values).__name__}. For a frame use measure()."
        )
    if len(metric.columns) != 1:
        raise ArgumentError(
            f"{metric.name} reads {listed(metric.columns)}; a list holds one answer each. Use measure()."
        )
    frame = pd.DataFrame({metric.columns[0]: pd.Series(list(values)).reset_index(drop=True)})
    if frame.empty:
        raise SampleError("There are no answers to estimate from.")
    row = measure(frame, metric, unit=None, level=level).iloc[0]
    if row["low"] != row["low"]:
        raise SampleError(f"{metric.name} of {int(row['n'])} answers: {row['method']}; an interval needs at least 2.")
    return Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, metric.name, row["n_missing"]
    )
