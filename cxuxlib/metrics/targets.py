"""Metrics held against a target: is it met, and how surely?"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log, nan
from numbers import Real
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.frames import sums
from cxuxlib.metrics.from_sums import definitions, ratio_sums, refuse_weights, table
from cxuxlib.stats import benchmarks, intervals
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.study import Metric

__all__ = ["benchmark"]

_COLUMNS = [
    "segment", "metric", "value", "low", "high", "benchmark", "p", "p_exact", "n", "n_missing", "method", "level",
]  # fmt: skip


def benchmark(
    frame: Any,
    metrics: Metric | Sequence[Metric],
    against: float | Sequence[float],
    *,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Hold metrics against benchmarks: were the truth the benchmark, how often would a sample be at least this good?

    A small p says that the metric is better than the benchmark; good is high or low as the metric's definition says.
    Shares of single answers are tested by the binomial distribution, NPS by a score test, means by Student's t,
    geometric means by t on logarithms; over units that repeat or are weighted, shares and NPS by a score test of the
    effective number of answers, means and ratios by the delta method.

    Neither p nor 1 - p is the probability that the metric beats the benchmark: that would need a prior. 9 of 11
    against 80% lie above it, and p = .47 says that with a true rate of 80% such a sample is no surprise.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer.
        metrics: one or more definitions with a direction.
        against: the benchmark in the units of the metric (0.8 for 80%, NPS in points, seconds), or one per metric.
        by: column of segments; rows without a segment become "(missing)".
        unit: column that tells which rows belong to the same customer; see `measure`.
        weight: column of sampling weights, 0 or more.
        level: confidence level of the interval, 0 to 1; p is one-sided and does not depend on it.

    Returns:
        One row per segment and metric: segment, metric, value, low, high (the interval of `measure`), benchmark, p
        (of shares the mid-p), p_exact (P(at least as good), conservative; of shares of single answers only, else
        missing), n (units), n_missing (rows), method (interval; test), level. Where nothing can be tested, p is NaN
        and ``method`` says why.

    Raises:
        ArgumentError: a metric has no direction, or a benchmark lies outside its range. Others as `measure`.

    Source: see the functions of `stats.benchmarks`. Checked against: R's uxr (9 of 11), scipy, error rates by
    simulation.

    >>> from cxuxlib import ux
    >>> runs = pd.DataFrame({"success": [1] * 9 + [0] * 2})
    >>> benchmark(runs, ux.task_success(), 0.8)[["value", "benchmark", "p", "p_exact"]].round(3).values.tolist()
    [[0.818, 0.8, 0.47, 0.617]]
    """
    intervals.check_level(level)
    wanted = definitions(metrics)
    targets = _targets(wanted, against)
    refuse_weights(wanted, weight)
    found = sums(frame, wanted, by=by, unit=unit, weight=weight)
    out = table(found, wanted, unit=unit, weight=weight, level=level)
    tests = []
    for row in found.to_dict("records"):
        i = int(row["metric"])
        plain = row["most"] <= 1 and weight is None
        try:
            tests.append((targets[i], *_test(wanted[i], ratio_sums(row), targets[i], plain)))
        except SampleError as reason:
            tests.append((targets[i], nan, nan, f"no test: {reason}"))
    out["benchmark"], out["p"], out["p_exact"], how = zip(*tests, strict=True)
    out["method"] = [f"{interval}; {test}" for interval, test in zip(out["method"], how, strict=True)]
    return out[_COLUMNS]


def _targets(wanted: Sequence[Metric], against: float | Sequence[float]) -> list[float]:
    """One benchmark per metric, each within the range of its metric."""
    if isinstance(against, Real):
        many = [float(against)] * len(wanted)
    elif isinstance(against, list | tuple) and all(isinstance(each, Real) for each in against):
        many = [float(each) for each in against]
    else:
        raise ArgumentError(f"against is a number, or a list of one per metric; got {against!r}.")
    if len(many) != len(wanted):
        raise ArgumentError(f"There are {len(wanted)} metrics and {len(many)} benchmarks; give one, or one per metric.")
    for metric, target in zip(wanted, many, strict=True):
        if metric.higher_is_better is None:
            raise ArgumentError(f"{metric.name} has no direction, so that nothing is better: set higher_is_better.")
        inside = metric.low < target < metric.high
        edge = metric.kind == "mean" and metric.link == "identity" and target in (metric.low, metric.high)
        if not isfinite(target) or not (inside or edge):
            raise ArgumentError(
                f"A benchmark of {metric.name} lies between {metric.low:g} and {metric.high:g}; got {target!r}."
            )
    return many


def _test(metric: Metric, row: RatioSums, target: float, plain: bool) -> tuple[float, float, str]:
    """One-sided p, exact p and the name of the test."""
    if row.x <= 0:
        raise SampleError("there is nothing to test.")
    higher = bool(metric.higher_is_better)
    counted = metric.per == "1"
    if metric.kind == "proportion" and counted and plain:
        x, n = round(row.y), round(row.n)
        good = (x, n, target) if higher else (n - x, n, 1 - target)
        exact = benchmarks.benchmark_proportion(*good)
        return exact.p_mid, exact.p_exact, "binomial mid-p"
    if metric.kind == "proportion" and counted:
        result = benchmarks.benchmark_share(row, target, higher)
    elif metric.kind == "nps" and counted:
        result = benchmarks.benchmark_nps(row, target, higher)
    else:
        result = benchmarks.benchmark_mean(row, log(target) if metric.link == "exp" else target, higher)
        how = "t on logarithms" if metric.link == "exp" else "t"
        return result.p, nan, f"one-sided {how}" + ("" if plain else " over units")
    return result.p, nan, result.method
