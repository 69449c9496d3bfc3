"""Several waves of independent units: the linear trend of metrics with its test."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr, stdtrit

from cxuxlib.errors import ArgumentError, SampleError, UnitError, listed
from cxuxlib.frames import sums
from cxuxlib.metrics.from_sums import definitions, differs, pseudo_answers, ratio_sums, shared
from cxuxlib.stats import intervals
from cxuxlib.study import Metric

__all__ = ["trend"]


def trend(
    frame: Any,
    metrics: Metric | Sequence[Metric],
    *,
    wave: str,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Linear trend of metrics over waves of independent units: change per unit of ``wave``, interval and p.

    Least squares of the waves' values on the wave, weighted by the waves' effective units: Σcv ± t √(Σc²s²), c the
    coefficients of the slope, s² the variance of a wave's value and t with Satterthwaite's degrees of freedom (weights
    1/s² would find a trend in 27% of five waves of three answers where there is none). Of a geometric mean it is the
    factor per unit of wave. The variances are those of the adjusted counts for shares and NPS, and of single answers z
    replaces t. A trend says nothing of its cause.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer.
        metrics: one or more definitions.
        wave: column of numbers, such as the year.
        unit: column that tells which rows belong to the same customer; see `measure`.
        weight: column of sampling weights.
        level: confidence level, 0 to 1.

    Returns:
        One row per metric: metric, change, low, high, p, waves, n, method.

    Raises:
        ArgumentError: the waves are no numbers.
        SampleError: there are fewer than two waves, or two units in one.
        UnitError: the same units answered in several waves. Others as `measure`.

    Source: Satterthwaite 1946, doi:10.2307/3002019; Cochran 1954, doi:10.2307/3001616 and Armitage 1955,
    doi:10.2307/3001775 (the p of shares and NPS of single answers takes the variance of no trend).
    Checked against: statsmodels WLS, Welch's test for two waves, R prop.trend.test, and error rates by simulation.

    >>> from cxuxlib import cx
    >>> answers = pd.DataFrame({"year": [2017] * 40 + [2018] * 40})
    >>> answers["recommend"] = [10, 9, 8, 5] * 10 + [10, 7, 6, 5] * 10
    >>> trend(answers, cx.nps(), wave="year")[["change", "p"]].round(3).values.tolist()
    [[-50.0, 0.01]]
    """
    intervals.check_level(level)
    wanted = definitions(metrics)
    found = sums(frame, wanted, by=wave, unit=unit, weight=weight)
    found = found[found["segment"] != "(missing)"]
    try:
        times = found["segment"].astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(
            f"Waves in {wave!r} are numbers, such as years; got {listed(found['segment'].unique())}."
        ) from error
    gaps = times.drop_duplicates().sort_values().diff().dropna()
    if not ((gaps > 1e-75) & (gaps < 1e75)).all():
        raise ArgumentError(f"Waves in {wave!r} are finite numbers; these are too far apart, or too close, to compute.")
    if isinstance(unit, str) and shared(frame, wanted, found, wave, unit, weight):
        raise UnitError(
            f"Some units of {unit!r} are in more than one wave of {wave!r}: a trend needs other units in each."
        )
    rows: list[tuple[object, ...]] = []
    for i, metric in enumerate(wanted):
        part, at = found[found["metric"] == i], times[found["metric"] == i].to_numpy()
        if len(part) < 2:
            raise SampleError(f"A trend needs two waves or more in {wave!r}; there is {listed(at)}.")
        values, variances, units, df = np.array([_estimate(metric, row, level) for _, row in part.iterrows()]).T
        if not (variances > 0).all():
            rows.append(
                (metric.name, nan, nan, nan, nan, len(at), int(part["n"].sum()), "no trend: a wave has no variance")
            )
            continue
        centered = at - np.average(at, weights=units)
        c = units * centered / (units * centered**2).sum()
        slope, parts = float(c @ values), c**2 * variances
        freedom = parts.sum() ** 2 / bound if (bound := (parts**2 / df).sum()) > 0 else inf
        ends = slope, *intervals.student(slope, parts.sum(), freedom, level)
        change = [intervals.antilog(end) for end in ends] if metric.link == "exp" else list(ends)
        if metric.kind != "mean" and part["most"].max() <= 1 and weight is None:
            p = 2 * float(ndtr(-abs(slope) / (c**2 @ _without_trend(part)) ** 0.5))
        else:
            p = 2 * float(stdtr(freedom, -abs(slope) / parts.sum() ** 0.5))
        how = "weighted least squares over waves" + (", factor per wave" if metric.link == "exp" else "")
        rows.append((metric.name, *change, p, len(at), int(part["n"].sum()), how))
    return pd.DataFrame(rows, columns=["metric", "change", "low", "high", "p", "waves", "n", "method"])


def _without_trend(part: pd.DataFrame) -> np.ndarray:
    """Variances of the waves if all answers came from one population, as in the test of Cochran and Armitage."""
    spread = part["q"].sum() / part["x"].sum() - (part["y"].sum() / part["x"].sum()) ** 2
    variances: np.ndarray = (max(spread, 1e-12) / part["x"]).to_numpy()
    return variances


def _estimate(metric: Metric, row: pd.Series, level: float) -> tuple[float, float, float, float]:
    """Value of one wave, its variance, effective units and degrees of freedom; shares and NPS are never certain."""
    if row["x"] <= 0 or row["n"] < 2:
        raise SampleError(
            f"Wave {row['segment']} has {int(row['n'])} units with a valid answer of {metric.name}; two are needed."
        )
    each = ratio_sums(row)
    units = intervals.effective_units(each)
    if metric.kind != "mean" and metric.per == "1":
        z = intervals.normal_quantile(level)
        pseudo = pseudo_answers(metric, z)
        low, high = intervals.adjusted_ratio(each, pseudo, level)
        simple = each.xx == each.x == each.ww
        df = inf if simple else units + sum(count for _, count in pseudo) - 1
        quantile = z if simple else float(stdtrit(df, (1 + level) / 2))
        return each.y / each.x, ((high - low) / (2 * quantile)) ** 2, units, df
    variance = intervals.ratio_variance(each, units) if units > 1 + 1e-9 and differs(each) else 0.0
    return each.y / each.x, variance, units, units - 1
