"""Dataframes of any engine in, small pandas tables of sums and counts out.

This is the only module that knows dataframe engines. It reads pandas, Polars (eager and lazy), Arrow
and DuckDB through narwhals, builds one lazy plan, and brings back a few numbers per segment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import NarwhalsError

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError, listed, unknown
from cxuxlib.study import Metric

__all__ = ["counts", "expand", "sums"]

Unit = str | EllipsisType | None

# A column so named numbers people (or rows of a log by person); where it repeats, rows are not units. A heuristic:
# names are compared in lower case and without separators.
_PEOPLE = (
    "user|customer|cust|client|respondent|resp|participant|visitor|subject|subj|member|account|person|people|passenger"
    "|patient|panelist|panel|guest|student|employee|household|subscriber|buyer|shopper|unit|case|session|device|cookie"
)
_ID_LIKE = re.compile(
    rf"^(u?u?id|pid|guid|(user)?e?mail|login|username|msisdn|phone|id({_PEOPLE})"
    rf"|({_PEOPLE})s?((uu|gu)?ids?|no|nr|num|number|key|code|ref|hash|email)?)$"
)


def _is_id(name: str) -> bool:
    return bool(_ID_LIKE.match(re.sub(r"[^a-z0-9]", "", name.lower())))


# Sums over rows, by metric: weighted scores, weights, squared scores, squared weights, valid, missing, out of range.
_ROW_SUMS = ("y", "x", "q", "ww", "r", "m", "b")
_ENGINES = "pandas, Polars, Arrow, or a DuckDB relation"


def _open(frame: Any, columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Read a frame lazily, checked to hold each of these columns once."""
    if hasattr(frame, "collect_schema"):
        existing = list(frame.collect_schema().names())
    else:
        existing = list(getattr(frame, "column_names", getattr(frame, "columns", ())))
    for name in columns:
        if not isinstance(name, str):
            raise ArgumentError(f"A column is named by a text; got {name!r}.")
        if existing.count(name) > 1:
            raise ColumnError(f"The frame has {existing.count(name)} columns named {name!r}; rename or drop one.")
    if isinstance(frame, pd.DataFrame):
        missing = [name for name in columns if name not in existing]
        if not missing:
            keep = [name for name in existing if isinstance(name, str) and existing.count(name) == 1]
            frame = frame[keep].infer_objects()
            for name in columns:
                if frame[name].dtype == object:  # pd.NA among objects is no null to narwhals
                    frame[name] = frame[name].where(frame[name].notna(), None)
    try:
        lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    except (TypeError, NarwhalsError) as error:
        raise ArgumentError(f"Cannot read a {type(frame).__name__}; give a frame of {_ENGINES}.") from error
    for name in columns:
        if name not in existing:
            raise ColumnError(unknown("column", name, existing))
    return lazy


def _rows(lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Bring a small result to pandas."""
    eager = lazy.collect("pandas") if lazy.implementation.is_duckdb() else lazy.collect()
    return pd.DataFrame(eager.to_dict(as_series=False))


def _numeric(lazy: nw.LazyFrame[Any], columns: Sequence[str]) -> None:
    """Refuse columns that hold anything but numbers or true/false."""
    schema = lazy.collect_schema()
    for name in columns:
        dtype = schema[name]
        if dtype.is_numeric() or dtype == nw.Boolean:
            continue
        mixed = dtype == nw.Object or dtype == nw.Unknown
        seen = lazy.select(name).filter(~nw.col(name).is_null())
        values = _rows(seen if mixed else seen.head(1000))[name].dropna()
        if mixed:
            values = values[[not isinstance(each, int | float) for each in values]]
        if values.empty:
            continue
        raise AnswerError(
            f"Column {name!r} holds {dtype}, for example {listed(list(dict.fromkeys(map(str, values)))[:3])}; "
            "answers must be numbers. "
            "Turn the texts into numbers first, with missing answers as null."
        )


def _answer(column: str) -> tuple[nw.Expr, nw.Expr]:
    """The answer as a float that is never missing (0 stands in), and whether it was missing."""
    value = nw.col(column).cast(nw.Float64)
    missing = value.is_null() | value.is_nan().fill_null(True)
    return nw.when(~missing).then(value).otherwise(0.0), missing


def _score(metric: Metric, answer: nw.Expr) -> nw.Expr:
    if not metric.scores:
        return answer
    parts = [answer.is_between(low, high).cast(nw.Float64) * score for low, high, score in metric.scores]
    return sum(parts[1:], parts[0])


def _check_units(lazy: nw.LazyFrame[Any], unit: Unit, used: Sequence[str], advice: str) -> None:
    """Without a unit, refuse rows that repeat an id; with one, refuse rows that lack it."""
    if isinstance(unit, str):
        absent = _answer(unit)[1] if lazy.collect_schema()[unit].is_float() else nw.col(unit).is_null()
        lost = int(_rows(lazy.select(absent.cast(nw.Int64).sum().alias(unit)))[unit].iloc[0] or 0)
        if lost:
            raise UnitError(f"{lost:,} rows have no {unit!r}; drop them or find out whose they are.")
    elif unit is ...:
        names = [name for name in lazy.collect_schema().names() if name not in used and _is_id(name)]
        if not names:
            return
        plan = [nw.len().alias("rows"), *(nw.col(name).n_unique().alias(name) for name in names)]
        found = _rows(lazy.select(*plan)).iloc[0]
        for name in names:
            if (found[name] or 0) < found["rows"]:  # DuckDB answers null where there are no rows
                raise UnitError(
                    f"Rows repeat {name!r} ({int(found['rows']):,} rows, {int(found[name]):,} different): intervals "
                    f"from repeated rows are too narrow. {advice.format(name=name)}"
                )


def _refuse(lazy: nw.LazyFrame[Any], metric: Metric, bad: nw.Expr, many: float) -> None:
    examples = _rows(lazy.filter(bad).select(metric.column).unique().head(5))[metric.column]
    shown = ", ".join(f"{float(each):g}" for each in sorted(examples.astype(float)))
    whole = "whole numbers" if metric.scores else "numbers"
    found = "1 answer in column" if many == 1 else f"{int(many):,} answers in column"
    raise AnswerError(
        f"{found} {metric.column!r} outside the range of {metric.name} "
        f"({whole} {metric.low:g} to {metric.high:g}): {shown}. Recode them, or set them to missing."
    )


def sums(
    frame: Any, metrics: Sequence[Metric], *, by: str | None = None, unit: Unit = ..., weight: str | None = None
) -> pd.DataFrame:
    """Reduce a frame to the sums that every estimate needs, in one pass.

    Each metric is a ratio of sums over units, y / x, with y the sum of weight times score and x the sum of
    weights of valid answers. Where ``unit`` is named, rows are first added up within it.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB.
        metrics: what to score.
        by: column of segments.
        unit: column that says which rows belong to the same independent unit; None says rows are units.
        weight: column of sampling weights, 0 or more.

    Returns:
        One row per segment and metric: segment, metric (position), n (units with a valid answer of positive
        weight), answers, n_missing (rows), most (answers of the busiest unit), y, x, yy, xy, xx (sums over units),
        q (sum of weight times squared score over rows), ww (sum of squared weights over rows).

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.
    """
    extra = [name for name in (by, unit, weight) if name is not None and name is not ...]
    columns = list(dict.fromkeys(metric.column for metric in metrics))
    lazy = _open(frame, [*columns, *extra])
    _numeric(lazy, columns + ([weight] if weight else []))
    schema = lazy.collect_schema()
    for metric in metrics:
        if schema[metric.column] == nw.Boolean and metric.high > 1:
            raise AnswerError(
                f"Column {metric.column!r} holds true/false; {metric.name} wants {metric.low:g} to {metric.high:g}."
            )
    _check_units(lazy, unit, [*columns, *extra], "Say unit={name!r}, or unit=None if each row is a unit.")
    lazy = lazy.select(*dict.fromkeys([*columns, *extra]))

    w, no_weight = _answer(weight) if weight else (nw.lit(1.0), nw.lit(False))
    bad_weight = no_weight | (w < 0) | (w == float("inf"))
    plan, bad = [], []
    for i, metric in enumerate(metrics):
        answer, missing = _answer(metric.column)
        valid = (answer >= metric.low) & (answer <= metric.high)
        if metric.scores:
            valid = valid & (answer == answer.round(0))
        bad.append(~missing & ~valid)
        fine = (~missing & valid).cast(nw.Float64)
        plan += [
            (fine * w * _score(metric, answer)).alias(f"y{i}"),
            (fine * w).alias(f"x{i}"),
            (fine * w * _score(metric, answer) * _score(metric, answer)).alias(f"q{i}"),
            (fine * w * w).alias(f"ww{i}"),
            fine.alias(f"r{i}"),
            missing.cast(nw.Float64).alias(f"m{i}"),
            bad[-1].cast(nw.Float64).alias(f"b{i}"),
        ]
    segment = nw.col(by).alias("segment") if by else nw.lit("all").alias("segment")
    keys = [segment, *([nw.col(unit).alias("unit")] if isinstance(unit, str) else [])]
    table = lazy.select(*keys, *plan, bad_weight.cast(nw.Float64).alias("bw"))

    each = range(len(metrics))
    if isinstance(unit, str):
        kept = [f"{letter}{i}" for i in each for letter in _ROW_SUMS] + ["bw"]
        table = table.group_by("segment", "unit").agg(*(nw.col(name).sum() for name in kept))
    table = table.with_columns(
        *((nw.col(f"{a}{i}") * nw.col(f"{b}{i}")).alias(f"{a}{b}{i}") for i in each for a, b in ("yy", "xy", "xx")),
        *((nw.col(f"x{i}") > 0).cast(nw.Float64).alias(f"n{i}") for i in each),
        *(nw.col(f"r{i}").alias(f"t{i}") for i in each),
    )
    added = [f"{part}{i}" for i in each for part in (*_ROW_SUMS, "yy", "xy", "xx", "n")]
    aggregates = [nw.col(name).sum() for name in [*added, "bw"]] + [nw.col(f"t{i}").max() for i in each]
    found = _rows(table.group_by("segment").agg(*aggregates))

    if found.empty:
        raise SampleError("The frame has no rows; there is nothing to measure.")
    if found["bw"].sum():
        raise AnswerError(
            f"{int(found['bw'].sum()):,} rows have a weight in {weight!r} that is missing, negative or infinite."
        )
    for i, metric in enumerate(metrics):
        if found[f"b{i}"].sum():
            _refuse(lazy, metric, bad[i], found[f"b{i}"].sum())
    columns_of = {"n": "n", "r": "answers", "m": "n_missing", "t": "most"} | {
        a: a for a in ("y", "x", "yy", "xy", "xx", "q", "ww")
    }
    found = found.sort_values("segment", key=_order, ignore_index=True)
    parts = [
        pd.DataFrame({name: found[f"{short}{i}"].astype(float) for short, name in columns_of.items()}).assign(metric=i)
        for i in each
    ]
    segment = found["segment"].astype(object).where(found["segment"].notna(), "(missing)")
    out = pd.concat([part.assign(segment=segment) for part in parts])
    return out.rename_axis("row").sort_values(["row", "metric"]).reset_index(drop=True)


def _order(segments: pd.Series) -> pd.Series:
    """Sort segments of one type by value and mixed ones as texts; the missing segment goes last by default."""
    known = segments.dropna()
    return segments if known.map(type).nunique() <= 1 else segments.map(str, na_action="ignore")


def counts(
    frame: Any, columns: Sequence[str], *, weight: str | None = None, frequency: str | None = None
) -> tuple[pd.DataFrame, int]:
    """Reduce a frame to its distinct complete rows, how often each occurs, and their weights.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB with one row per unit.
        columns: numeric columns; a row with a missing value in one of them is left out and counted.
        weight: column of sampling weights, 0 or more.
        frequency: column that says how many units a row stands for.

    Returns:
        The table (c0, c1, ... the columns in their order; n; w = sum of weights; ww = sum of squared weights),
        and the number of units left out.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.
    """
    if len(set(columns)) < len(columns):
        raise ArgumentError(f"A column is named twice in {listed(columns)}.")
    extra = [name for name in (weight, frequency) if name]
    lazy = _open(frame, [*columns, *extra])
    _numeric(lazy, [*columns, *extra])
    if not frequency:
        advice = "A model wants one row per unit: average within {name!r} first, or drop that column if rows are units."
        _check_units(lazy, ..., [*columns, *extra], advice)
    values, gone = zip(*(_answer(name) for name in columns), strict=True)
    incomplete = nw.any_horizontal(*gone, ignore_nulls=False)
    n, lost_n = _answer(frequency) if frequency else (nw.lit(1.0), nw.lit(False))
    w, lost_w = _answer(weight) if weight else (nw.lit(1.0), nw.lit(False))
    broken = lost_n | lost_w | (n < 0) | (n != n.round(0)) | (w < 0) | (n == float("inf")) | (w == float("inf"))
    keys = [f"c{i}" for i in range(len(columns))]  # own names: nothing in the frame can clash with them
    table = lazy.select(
        *(value.alias(key) for value, key in zip(values, keys, strict=True)),
        n.alias("n"), (n * w).alias("w"), (n * w * w).alias("ww"),
        incomplete.cast(nw.Float64).alias("gone"), broken.cast(nw.Float64).alias("broken"),
    )  # fmt: skip
    found = _rows(table.group_by(*keys, "gone").agg(*(nw.col(name).sum() for name in ("n", "w", "ww", "broken"))))
    if found.empty:
        raise SampleError("The frame has no rows.")
    if found["broken"].sum():
        raise AnswerError(
            f"{int(found['broken'].sum()):,} rows have a missing, negative or infinite value in {listed(extra)}."
        )
    n_missing = int(found.loc[found["gone"] > 0, "n"].sum())
    complete = found[(found["gone"] == 0) & (found["n"] > 0)].drop(columns=["gone", "broken"]).astype(float)
    if np.isinf(complete[keys].to_numpy()).any():
        raise AnswerError(f"There are infinite values in {listed(columns)}.")
    return complete.sort_values(keys, ignore_index=True), n_missing


def expand(table: pd.DataFrame, frequency: str = "n") -> pd.DataFrame:
    """Turn a table of counts back into one row per unit.

    >>> expand(pd.DataFrame({"recommend": [10, 3], "n": [2, 1]}))["recommend"].tolist()
    [10, 10, 3]
    """
    if frequency not in table.columns:
        raise ColumnError(unknown("column", frequency, table.columns))
    many = table[frequency]
    if not (many.ge(0) & (many % 1).eq(0)).all():
        raise AnswerError(f"Column {frequency!r} counts units: whole numbers, 0 or more.")
    return table.loc[table.index.repeat(many)].drop(columns=frequency).reset_index(drop=True)
