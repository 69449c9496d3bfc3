"""Two groups, two designs, several waves: differences of metrics with their tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import exp, nan
from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxuxlib.errors import ArgumentError, SampleError, UnitError, listed, unknown
from cxuxlib.frames import pairs, sums
from cxuxlib.metrics.measure import definitions, pseudo_answers
from cxuxlib.stats import comparisons, intervals, multiplicity
from cxuxlib.stats.comparisons import Comparison
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.study import Metric

__all__ = ["adjust", "compare", "trend"]

_COLUMNS = ["metric", "a", "b", "difference", "low", "high", "p", "n_a", "n_b", "method"]


def compare(
    frame: Any,
    metrics: Metric | Sequence[Metric],
    *,
    between: str,
    unit: str | EllipsisType | None = ...,
    paired: bool = False,
    weight: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare metrics between groups: difference a - b (ratio a / b of geometric means), interval and p.

    Independent units: two proportions by the N - 1 test, two NPS on adjusted counts, means by Welch's t, geometric
    means as a ratio; where units repeat or are weighted, the delta method. The same units in both groups (``paired``):
    McNemar's mid-p, paired NPS, paired t on each unit's difference.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer.
        metrics: one or more definitions.
        between: column of groups; with more than two, every pair is compared (see `adjust`).
        unit: column that tells which rows belong to the same customer; see `measure`.
        paired: the same units answered in both groups; ``unit`` must be named.
        weight: column of sampling weights, for independent units.
        level: confidence level, 0 to 1.

    Returns:
        One row per metric and pair: metric, a, b, difference, low, high, p, n_a, n_b (units), method. Where nothing
        can be tested, the interval and p are NaN and ``method`` says why.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.

    Source: see the functions of `stats.comparisons`. Checked against: the README of R's uxr, scipy.

    >>> from cxuxlib import ux
    >>> runs = pd.DataFrame({"design": ["old"] * 13 + ["new"] * 12, "success": [1] * 4 + [0] * 9 + [1] * 10 + [0] * 2})
    >>> compare(runs, ux.task_success(), between="design")[["a", "b", "difference", "p"]].round(3).values.tolist()
    [['new', 'old', 0.526, 0.01]]
    """
    intervals.check_level(level)
    wanted = definitions(metrics)
    found = sums(frame, wanted, by=between, unit=unit, weight=weight)
    groups = list(dict.fromkeys(found.loc[found["segment"] != "(missing)", "segment"]))
    if len(groups) < 2:
        raise SampleError(f"A comparison needs two groups in {between!r}; there is {listed(groups)}.")
    if paired:
        if not isinstance(unit, str) or weight is not None:
            raise UnitError(
                "A paired comparison needs unit='...', the column of who is compared with whom, and no weight."
            )
        return _paired(frame, wanted, groups, between, unit, level)
    if isinstance(unit, str) and _shared(frame, wanted, found, between, unit, weight):
        raise UnitError(
            f"Some units of {unit!r} are in more than one group of {between!r}: compare them with paired=True, or "
            "give each unit one group."
        )
    rows = []
    for i, metric in enumerate(wanted):
        for a, b in combinations(groups, 2):
            two = [found[(found["segment"] == each) & (found["metric"] == i)].iloc[0] for each in (a, b)]
            try:
                result = _independent(metric, two[0], two[1], weight is not None, level)
            except SampleError as reason:
                first, second = (each["y"] / each["x"] if each["x"] > 0 else nan for each in two)
                result = _untested(metric, first, second, reason)
            rows.append((metric.name, a, b, *result[:4], int(two[0]["n"]), int(two[1]["n"]), result.method))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _shared(frame: Any, wanted: list[Metric], found: pd.DataFrame, between: str, unit: str, weight: str | None) -> bool:
    """Whether units answered in more than one group."""
    alone = sums(frame, wanted, unit=unit, weight=weight, given=between)["n"].sum()
    return bool(found.loc[found["segment"] != "(missing)", "n"].sum() > alone)


def _independent(metric: Metric, a: pd.Series, b: pd.Series, weighted: bool, level: float) -> Comparison:
    first, second = (RatioSums(*(float(each[name]) for name in RatioSums._fields)) for each in (a, b))
    plain = max(a["most"], b["most"]) <= 1 and not weighted and metric.per == "1"
    if min(first.x, second.x) <= 0:
        raise SampleError("a group has no valid answers.")
    if plain and metric.kind == "proportion":
        return comparisons.two_proportions(round(first.y), round(first.n), round(second.y), round(second.n), level)
    if plain and metric.kind == "nps":
        return comparisons.two_nps(_mix(first), _mix(second), level)
    if first.n >= 2 <= second.n and not any(map(_spread, (first, second))):
        raise SampleError("in both groups, every unit answers the same.")
    result = comparisons.two_ratios(first, second, level)
    if metric.link == "exp":
        how = "Welch t on logarithms, ratio a / b" if plain else "delta method on logarithms, ratio a / b"
        return Comparison(exp(result.difference), exp(result.low), exp(result.high), result.p, how)
    return result._replace(method="Welch t") if plain else result


def _untested(metric: Metric, a: float, b: float, reason: SampleError) -> Comparison:
    gap = exp(a - b) if metric.link == "exp" else a - b
    return Comparison(float(gap), nan, nan, nan, f"no test: {reason}")


def _spread(sums_of: RatioSums) -> bool:
    """Whether units differ by more than rounding."""
    return intervals.ratio_variance(sums_of) * sums_of.x**2 > 1e-14 * sums_of.yy


def _mix(sums_of: RatioSums) -> tuple[int, int, int]:
    """Promoters, passives and detractors from the sums of scores and of their squares."""
    promoters = round((sums_of.yy / 100 + sums_of.y) / 200)
    detractors = round((sums_of.yy / 100 - sums_of.y) / 200)
    return promoters, round(sums_of.n) - promoters - detractors, detractors


def _paired(frame: Any, wanted: list[Metric], groups: list[Any], between: str, unit: str, level: float) -> pd.DataFrame:
    rows = []
    for a, b in combinations(groups, 2):
        found = pairs(frame, wanted, between=between, unit=unit, a=a, b=b)
        for i, metric in enumerate(wanted):
            row = found.loc[i]
            try:
                result = _within(metric, row, level)
            except SampleError as reason:
                result = _untested(metric, row["d"] / row["n"] if row["n"] else nan, 0.0, reason)
            how = result.method + (f"; {int(row['alone']):,} units without a pair" if row["alone"] else "")
            rows.append((metric.name, a, b, *result[:4], int(row["n"]), int(row["n"]), how))
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values("metric", kind="stable", ignore_index=True)


def _within(metric: Metric, row: pd.Series, level: float) -> Comparison:
    n, d, dd = row["n"], row["d"], row["dd"]
    if n < 1:
        raise SampleError("no unit has both.")
    only_a, only_b = (dd + d) / 2, (dd - d) / 2
    if metric.kind == "proportion" and _whole(row["ra"], row["rb"], row["rab"], only_a, only_b):
        both = round(row["rab"])
        neither = round(n - both - only_a - only_b)
        return comparisons.paired_proportions(both, round(only_a), round(only_b), neither, level)
    if metric.kind == "nps" and _whole(d / 100, dd / 1e4):
        return comparisons.paired_nps(round(n), round(d / 100), round(dd / 1e4), level)
    if n < 2:
        raise SampleError("a paired t test needs at least 2 units.")
    squares = dd - d * d / n
    result = comparisons.paired_mean(d / n, squares / (n - 1) if squares > 1e-14 * dd else 0.0, n, level)
    if metric.link == "exp":
        how = "paired t on logarithms, ratio a / b"
        return Comparison(exp(result.difference), exp(result.low), exp(result.high), result.p, how)
    return result


def _whole(*numbers: float) -> bool:
    return all(abs(each - round(each)) < 1e-9 for each in numbers)


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

    Weighted least squares of the waves' values on the wave, weights 1 / variance; of a geometric mean the factor per
    unit of wave. The variances are those of the adjusted counts for shares and NPS. A trend says nothing of its cause.

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

    Source: Cochran 1954, doi:10.2307/3001616 and Armitage 1955, doi:10.2307/3001775 (the p of
    shares and NPS of single answers takes the variance of no trend). Checked against: statsmodels WLS.

    >>> from cxuxlib import cx
    >>> answers = pd.DataFrame({"year": [2017] * 40 + [2018] * 40})
    >>> answers["recommend"] = [10, 9, 8, 5] * 10 + [10, 7, 6, 5] * 10
    >>> trend(answers, cx.nps(), wave="year")[["change", "p"]].round(3).values.tolist()
    [[-50.0, 0.01]]
    """
    z = intervals.normal_quantile(level)
    wanted = definitions(metrics)
    found = sums(frame, wanted, by=wave, unit=unit, weight=weight)
    found = found[found["segment"] != "(missing)"]
    try:
        times = found["segment"].astype(float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"Waves in {wave!r} are numbers, such as years; got {listed(found['segment'].unique())}."
        ) from error
    if isinstance(unit, str) and _shared(frame, wanted, found, wave, unit, weight):
        raise UnitError(
            f"Some units of {unit!r} are in more than one wave of {wave!r}: a trend needs other units in each."
        )
    rows: list[tuple[object, ...]] = []
    for i, metric in enumerate(wanted):
        part, at = found[found["metric"] == i], times[found["metric"] == i].to_numpy()
        if len(part) < 2:
            raise SampleError(f"A trend needs two waves or more in {wave!r}; there is {listed(at)}.")
        values, variances = np.array([_estimate(metric, row, z) for _, row in part.iterrows()]).T
        if not (variances > 0).all():
            rows.append(
                (metric.name, nan, nan, nan, nan, len(at), int(part["n"].sum()), "no trend: a wave has no variance")
            )
            continue
        slope, std_error = _line(at, values, variances)
        ends = (slope, slope - z * std_error, slope + z * std_error)
        change = [exp(end) for end in ends] if metric.link == "exp" else list(ends)
        null = (
            _without_trend(part) if metric.kind != "mean" and part["most"].max() <= 1 and weight is None else variances
        )
        flat, flat_error = _line(at, values, null)
        p = 2 * float(ndtr(-abs(flat / flat_error)))
        how = "weighted least squares over waves" + (", factor per wave" if metric.link == "exp" else "")
        rows.append((metric.name, *change, p, len(at), int(part["n"].sum()), how))
    return pd.DataFrame(rows, columns=["metric", "change", "low", "high", "p", "waves", "n", "method"])


def _line(at: np.ndarray, values: np.ndarray, variances: np.ndarray) -> tuple[float, float]:
    """Slope of weighted least squares and its standard error."""
    weights = 1 / variances
    centered = at - np.average(at, weights=weights)
    size = float((weights * centered**2).sum())
    return float((weights * centered * values).sum() / size), size**-0.5


def _without_trend(part: pd.DataFrame) -> np.ndarray:
    """Variances of the waves if all answers came from one population, as in the test of Cochran and Armitage."""
    spread = part["q"].sum() / part["x"].sum() - (part["y"].sum() / part["x"].sum()) ** 2
    variances: np.ndarray = (max(spread, 1e-12) / part["x"]).to_numpy()
    return variances


def _estimate(metric: Metric, row: pd.Series, z: float) -> tuple[float, float]:
    """Value of one wave and its variance; shares and NPS after adjustment, so that no wave is certain."""
    if row["x"] <= 0 or row["n"] < 2:
        raise SampleError(
            f"Wave {row['segment']} has {int(row['n'])} units with a valid answer of {metric.name}; two are needed."
        )
    each = RatioSums(*(float(row[name]) for name in RatioSums._fields))
    variance = intervals.ratio_variance(each) if _spread(each) else 0.0
    if metric.kind != "mean" and metric.per == "1":
        low, high = intervals.adjusted_ratio(each, pseudo_answers(metric, z), 2 * float(ndtr(z)) - 1)
        variance = ((high - low) / (2 * z)) ** 2
    return each.y / each.x, variance


def adjust(table: pd.DataFrame, *, method: Literal["holm", "benjamini-hochberg"] = "holm") -> pd.DataFrame:
    """Adjust the p-values of many comparisons for their number: a copy of the table with a column p_adjusted.

    Holm keeps the chance of any false finding at the level, Benjamini-Hochberg the expected share of false findings
    among those found. Missing p-values stay missing and are not counted.

    Args:
        table: result of `compare` or `trend`, or any table with a column p.
        method: "holm" or "benjamini-hochberg".

    Returns:
        The table with p_adjusted behind p.

    Raises:
        ArgumentError: there is no column p, or no such method.

    Source: Holm 1979; Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x. Checked against: statsmodels.

    >>> adjust(pd.DataFrame({"p": [0.01, 0.04, 0.03]}))["p_adjusted"].round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    ways = {"holm": multiplicity.holm, "benjamini-hochberg": multiplicity.benjamini_hochberg}
    if method not in ways:
        raise ArgumentError(unknown("method", method, ways))
    if "p" not in getattr(table, "columns", ()):
        raise ArgumentError("adjust wants a table with a column 'p', such as that of compare().")
    adjusted = table.copy()
    adjusted.insert(list(table.columns).index("p") + 1, "p_adjusted", ways[method](table["p"].to_numpy(dtype=float)))
    return adjusted
