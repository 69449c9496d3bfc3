"""Two groups or two designs: differences of metrics with their tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from types import EllipsisType
from typing import Any, Literal

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError, UnitError, listed, unknown
from cxuxlib.frames import pairs, sums
from cxuxlib.metrics.from_sums import definitions, differs, mix, ratio_sums, shared
from cxuxlib.stats import comparisons, intervals, multiplicity
from cxuxlib.stats import paired as same_units
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.stats.testing import Comparison, as_ratio
from cxuxlib.study import Metric

__all__ = ["adjust", "compare"]

_COLUMNS = ["metric", "a", "b", "difference", "low", "high", "p", "n_a", "n_b", "n_missing", "method"]
_RELATIVE = ["relative", "relative_low", "relative_high"]


def compare(
    frame: Any,
    metrics: Metric | Sequence[Metric],
    *,
    between: str | tuple[str, Any],
    unit: str | EllipsisType | None = ...,
    paired: bool = False,
    relative: bool = False,
    weight: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare metrics between groups: difference a - b (ratio a / b of geometric means), interval and p.

    Independent units: two proportions by the N - 1 test, two NPS on adjusted counts, means by Welch's t, geometric
    means as a ratio; where units repeat or are weighted, shares and NPS as these on effective answers, and the delta
    method for means and ratios of sums. The same units in both groups (``paired``):
    McNemar's mid-p, paired NPS, paired t on each unit's difference; there every unit counts once, so that the
    difference is the mean of the units' own, not of all answers. ``relative`` adds the change a / b - 1 by the delta
    method on logarithms, for metrics with a natural zero.

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer.
        metrics: one or more definitions.
        between: column of groups; with more than two, every pair is compared (see `adjust`), in order of their names.
            A column and a group, such as ("design", "old"), compare every other group a with that one, b.
        unit: column that tells which rows belong to the same customer; see `measure`.
        paired: the same units answered in both groups; ``unit`` must be named.
        relative: also the relative change, for independent units; 0.088 is 8.8% more in a than in b.
        weight: column of sampling weights, for independent units.
        level: confidence level, 0 to 1.

    Returns:
        One row per metric and pair: metric, a, b, difference, low, high, p, n_a, n_b (units), n_missing (rows of the
        two groups without a valid answer), method, and with ``relative`` behind them relative, relative_low,
        relative_high; p is that of the difference. Where nothing can be tested, the interval and p are NaN and
        ``method`` says why.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.

    Source: see the functions of `stats.comparisons` and `stats.paired`. Checked against: the README of R's uxr, scipy,
    tea-tasting 1.14.0.

    >>> from cxuxlib import ux
    >>> runs = pd.DataFrame({"design": ["old"] * 13 + ["new"] * 12, "success": [1] * 4 + [0] * 9 + [1] * 10 + [0] * 2})
    >>> compare(runs, ux.task_success(), between="design")[["a", "b", "difference", "p"]].round(3).values.tolist()
    [['new', 'old', 0.526, 0.01]]
    """
    intervals.check_level(level)
    wanted = definitions(metrics)
    if relative:
        _refuse_relative(wanted, paired)
    column, baseline = _groups_of(between)
    found = sums(frame, wanted, by=column, unit=unit, weight=weight)
    groups = list(dict.fromkeys(found.loc[found["segment"] != "(missing)", "segment"]))
    if len(groups) < 2:
        raise SampleError(f"A comparison needs two groups in {column!r}; there is {listed(groups)}.")
    two_by_two = _pairs(groups, column, baseline)
    known = {(row["segment"], int(row["metric"])): row for row in found.to_dict("records")}
    if paired:
        if not isinstance(unit, str) or weight is not None:
            raise UnitError(
                "A paired comparison needs unit='...', the column of who is compared with whom, and no weight."
            )
        return _paired(frame, wanted, known, two_by_two, column, unit, level)
    if isinstance(unit, str) and shared(frame, wanted, found, column, unit, weight):
        raise UnitError(
            f"Some units of {unit!r} are in more than one group of {column!r}: compare them with paired=True, or "
            "give each unit one group."
        )
    rows = []
    for i, metric in enumerate(wanted):
        for a, b in two_by_two:
            two = known[a, i], known[b, i]
            first, second = (ratio_sums(each) for each in two)
            plain = max(each["most"] for each in two) <= 1 and weight is None and metric.per == "1"
            try:
                result = _independent(metric, first, second, plain, level)
            except SampleError as reason:
                result = _untested(metric, _value(first), _value(second), reason)
            change, note = _relative(metric, first, second, result, level) if relative else ((), "")
            note += _astray(known, i)
            n_missing = int(sum(each["n_missing"] for each in two))
            rows.append((
                metric.name, a, b, *result[:4], int(first.n), int(second.n), n_missing, result.method + note, *change,
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=_COLUMNS + (_RELATIVE if relative else []))


def _astray(known: Mapping[tuple[Any, int], Mapping[str, Any]], i: int) -> str:
    """What there is to say about rows that belong to no group."""
    row = known.get(("(missing)", i))
    return f"; {int(row['answers'] + row['n_missing']):,} rows without a group" if row else ""


def _groups_of(between: Any) -> tuple[str, list[Any]]:
    """The column of groups, and the baseline where there is one."""
    named = (between,) if isinstance(between, str) else between
    if not isinstance(named, tuple) or not 1 <= len(named) <= 2 or not isinstance(named[0], str):
        raise ArgumentError(f"between is a column of groups, or a column and a group of it; got {between!r}.")
    return named[0], list(named[1:])


def _pairs(groups: list[Any], between: str, baseline: list[Any]) -> list[tuple[Any, Any]]:
    """The groups to be compared, two by two; with a baseline, each of the others with it."""
    if not baseline:
        return list(combinations(groups, 2))
    if baseline[0] not in groups:
        raise ArgumentError(unknown(f"group of {between!r}", baseline[0], groups))
    return [(each, baseline[0]) for each in groups if each != baseline[0]]


def _refuse_relative(wanted: Sequence[Metric], paired: bool) -> None:
    if paired:
        raise ArgumentError("A relative change is of independent units; leave out relative=True, or paired=True.")
    for metric in wanted:
        if metric.low < 0:
            raise ArgumentError(
                f"{metric.name} runs from {metric.low:g} to {metric.high:g}: without a natural zero a relative change "
                "means nothing. Leave out relative=True, or that metric."
            )


def _relative(
    metric: Metric, a: RatioSums, b: RatioSums, found: Comparison, level: float
) -> tuple[tuple[float, float, float], str]:
    """Relative change with its interval, and what there is to say about it."""
    if metric.link == "exp":  # the difference is a ratio already
        return (found.difference - 1, found.low - 1, found.high - 1), ""
    try:
        return comparisons.relative_change(a, b, level)[:3], ""
    except SampleError as reason:
        value = _value(a) / _value(b) - 1 if b.y > 0 else nan
        return (value, nan, nan), f"; no relative interval: {reason}"


def _independent(metric: Metric, first: RatioSums, second: RatioSums, plain: bool, level: float) -> Comparison:
    if min(first.x, second.x) <= 0:
        raise SampleError("a group has no valid answers.")
    if plain and metric.kind == "proportion":
        return comparisons.two_proportions(round(first.y), round(first.n), round(second.y), round(second.n), level)
    if plain and metric.kind == "nps":
        return comparisons.two_nps(mix(first), mix(second), level)
    if metric.kind == "proportion" and metric.per == "1":
        return comparisons.two_shares_over_units(first, second, level)
    if metric.kind == "nps" and metric.per == "1":
        return comparisons.two_nps_over_units(first, second, level)
    if first.n >= 2 <= second.n and not any(map(differs, (first, second))):
        raise SampleError("in both groups, every unit answers the same.")
    result = comparisons.two_ratios(first, second, level)
    if metric.link == "exp":
        how = "Welch t on logarithms, ratio a / b" if plain else "delta method on logarithms, ratio a / b"
        return as_ratio(result, how)
    return result._replace(method="Welch t") if plain else result


def _value(sums_of: RatioSums) -> float:
    return sums_of.y / sums_of.x if sums_of.x > 0 else nan


def _untested(metric: Metric, a: float, b: float, reason: SampleError) -> Comparison:
    gap = intervals.antilog(a - b) if metric.link == "exp" else a - b
    return Comparison(float(gap), nan, nan, nan, f"no test: {reason}")


def _paired(
    frame: Any,
    wanted: list[Metric],
    known: Mapping[tuple[Any, int], Mapping[str, Any]],
    two_by_two: list[tuple[Any, Any]],
    between: str,
    unit: str,
    level: float,
) -> pd.DataFrame:
    rows = []
    for a, b in two_by_two:
        found = pairs(frame, wanted, between=between, unit=unit, a=a, b=b)
        for i, metric in enumerate(wanted):
            row = found.loc[i]
            try:
                result = _within(metric, row, level)
            except SampleError as reason:
                result = _untested(metric, row["d"] / row["n"] if row["n"] else nan, 0.0, reason)
            how = result.method + (f"; {int(row['alone']):,} units without a pair" if row["alone"] else "")
            how += _astray(known, i)
            n_missing = int(sum(known[each, i]["n_missing"] for each in (a, b)))
            rows.append((metric.name, a, b, *result[:4], int(row["n"]), int(row["n"]), n_missing, how))
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values("metric", kind="stable", ignore_index=True)


def _within(metric: Metric, row: pd.Series, level: float) -> Comparison:
    n, d, dd = row["n"], row["d"], row["dd"]
    if n < 1:
        raise SampleError("no unit has both.")
    only_a, only_b = (dd + d) / 2, (dd - d) / 2
    if metric.kind == "proportion" and _whole(row["ra"], row["rb"], row["rab"], only_a, only_b):
        both = round(row["rab"])
        neither = round(n - both - only_a - only_b)
        return same_units.paired_proportions(both, round(only_a), round(only_b), neither, level)
    if metric.kind == "nps" and _whole(d / 100, dd / 1e4):
        return same_units.paired_nps(round(n), round(d / 100), round(dd / 1e4), level)
    if n < 2:
        raise SampleError("a paired t test needs at least 2 units.")
    squares = dd - d * d / n
    result = same_units.paired_mean(d / n, squares / (n - 1) if squares > 1e-14 * dd else 0.0, n, level)
    if metric.link == "exp":
        how = "paired t on logarithms, ratio a / b"
        return as_ratio(result, how)
    return result


def _whole(*numbers: float) -> bool:
    return all(abs(each - round(each)) < 1e-9 for each in numbers)


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
