"""Metrics on data: one pass over any frame, then closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.frames import sums
from cxuxlib.metrics.from_sums import definitions, refuse_weights, table
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

    Every metric is a ratio of sums over units, Σy/Σx, with the delta method's variance. Shares and NPS get the
    interval that their definition names, an adjusted Wald by default, over units where they repeat or are weighted;
    means get Student's t. Each segment's interval stands for itself: where the same units occur in several segments,
    two intervals do not tell whether the segments differ.

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
        level; where no interval exists, low and high are NaN and ``method`` says why. Behind them what weights and
        repeated units cost: design_effect (variance of the estimate over that of a simple random sample of as many
        answers), n_effective (answers / design_effect) and n_kish, (Σw)²/Σw², which knows the weights only. For
        single unweighted answers they are 1, n and n. Missing is the design effect of one unit, of answers that are
        all alike, and of a ratio of sums other than a mean over answers; n_effective also where units do not differ.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong, where, what to do; an interval
            of single answers (score, Wilson, exact) of units that repeat or are weighted.

    Source: Deng, Knoblich & Lu 2018, doi:10.1145/3219819.3219919 (ratio metrics); Kish 1965, Survey Sampling.
    Checked against: the same numbers on five engines, published examples, coverage by simulation.

    >>> from cxuxlib import cx
    >>> answers = pd.DataFrame({"recommend": [10, 9, 7, 3, 8, None], "shop": list("aaabbb")})
    >>> measure(answers, [cx.nps("recommend")], by="shop")[["segment", "value", "n", "n_missing"]].round(1)
      segment  value  n  n_missing
    0       a   66.7  3          0
    1       b  -50.0  2          1
    """
    intervals.check_level(level)
    wanted = definitions(metrics)
    refuse_weights(wanted, weight)
    found = sums(frame, wanted, by=by, unit=unit, weight=weight)
    return table(found, wanted, unit=unit, weight=weight, level=level)


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
        raise SampleError("values is empty: there are no answers to estimate from.")
    row = measure(frame, metric, unit=None, level=level).iloc[0]
    if row["low"] != row["low"]:
        raise SampleError(f"{metric.name} of {int(row['n'])} answers: {row['method']}; an interval needs at least 2.")
    return Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, metric.name, row["n_missing"]
    )
