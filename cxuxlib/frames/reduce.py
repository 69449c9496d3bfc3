"""Frames in, sums per segment out: what every metric is made of, in one pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from cxuxlib import formulas
from cxuxlib.errors import AnswerError, ArgumentError, SampleError
from cxuxlib.frames.reading import Unit, absent, answer_of, check_numeric, check_units, open_frame, rows
from cxuxlib.study import Answer, Metric

__all__ = ["pairs", "sums"]

# Sums over rows, by metric: weighted scores, weights, squared scores, squared weights, valid, missing.
_ROW_SUMS = ("y", "x", "q", "ww", "r", "m")


def _number(truth: nw.Expr) -> nw.Expr:
    return truth.cast(nw.Float64)


def _bad(spec: Answer) -> nw.Expr:
    """Whether a row holds an answer that is out of range."""
    value, missing = answer_of(spec.column, _stand_in(spec))
    return ~missing & ~_valid(spec, value)


def _valid(spec: Answer, value: nw.Expr) -> nw.Expr:
    valid = (value >= spec.low) & (value <= spec.high) & (value < float("inf"))
    return valid & (value == value.round(0)) if spec.whole else valid


def _stand_in(spec: Answer) -> float:
    """Any valid number: formulas must not fail on rows that are left out."""
    return min(max(1.0, spec.low), spec.high)


def _scored(lazy: nw.LazyFrame[Any], metrics: Sequence[Metric], keep: Sequence[str]) -> nw.LazyFrame[Any]:
    """Rows as numbers, in stages so that no engine computes an expression twice.

    Adds for metric i: s (score), p (per), r (1 where the row counts), m (1 where it is missing), and b for each of its
    answers k (1 where it is out of range); rows that do not count have 0 for s and p.
    """
    kept = [nw.col(name) for name in keep]
    every = [(i, k, name, spec) for i, metric in enumerate(metrics) for k, (name, spec) in enumerate(metric.answers)]
    first = []
    for i, k, _, spec in every:
        value, missing = answer_of(spec.column, _stand_in(spec))
        first += [value.alias(f"v{i}_{k}"), missing.alias(f"g{i}_{k}")]
    lazy = lazy.select(*kept, *first)
    second = [nw.col(f"g{i}_{k}") for i, k, _, _ in every]
    for i, k, _, spec in every:
        value, valid = nw.col(f"v{i}_{k}"), _valid(spec, nw.col(f"v{i}_{k}"))
        second += [
            nw.when(valid).then(value).otherwise(_stand_in(spec)).alias(f"v{i}_{k}"),
            (~valid).alias(f"b{i}_{k}"),
        ]
    lazy = lazy.select(*kept, *second)
    third = [nw.col(f"b{i}_{k}").cast(nw.Float64) for i, k, _, _ in every]
    for i, metric in enumerate(metrics):
        values = {name: nw.col(f"v{i}_{k}") for k, (name, _) in enumerate(metric.answers)}
        gone, unclear = nw.lit(False), nw.lit(False)
        fine = nw.lit(True)
        for k, (name, _) in enumerate(metric.answers):
            gone, fine = gone | nw.col(f"g{i}_{k}"), fine & ~nw.col(f"g{i}_{k}") & ~nw.col(f"b{i}_{k}")
            if re.search(rf"\b{name}\b", metric.where):
                unclear = unclear | nw.col(f"g{i}_{k}")
        if metric.where:  # a row left out by definition is not missing
            counts_here = formulas.build(metric.where, values, _number) > 0
            fine, gone = fine & counts_here, gone & (counts_here | unclear)
        third += [
            formulas.build(metric.score, values, _number).alias(f"s{i}"),
            formulas.build(metric.per, values, _number).alias(f"p{i}"),
            fine.cast(nw.Float64).alias(f"r{i}"),
            gone.cast(nw.Float64).alias(f"m{i}"),
        ]
    lazy = lazy.select(*kept, *third)
    fourth = [nw.col(f"b{i}_{k}") for i, k, _, _ in every]
    for i in range(len(metrics)):
        counts = nw.col(f"r{i}") > 0
        fourth += [nw.when(counts).then(nw.col(f"{part}{i}")).otherwise(0.0).alias(f"{part}{i}") for part in "sp"]
        fourth += [nw.col(f"r{i}"), nw.col(f"m{i}")]
    return lazy.select(*kept, *fourth)


def _refuse(lazy: nw.LazyFrame[Any], metric: Metric, spec: Answer, bad: nw.Expr, many: float) -> None:
    examples = rows(lazy.filter(bad).select(spec.column).unique().head(5))[spec.column]
    shown = ", ".join(f"{float(each):g}" for each in sorted(examples.astype(float)))
    whole = "whole numbers" if spec.whole else "numbers"
    found = "1 answer in column" if many == 1 else f"{int(many):,} answers in column"
    raise AnswerError(
        f"{found} {spec.column!r} outside the range of {metric.name} "
        f"({whole} {spec.low:g} to {spec.high:g}): {shown}. Recode them, or set them to missing."
    )


def sums(
    frame: Any,
    metrics: Sequence[Metric],
    *,
    by: str | None = None,
    unit: Unit = ...,
    weight: str | None = None,
    given: str | None = None,
) -> pd.DataFrame:
    """Reduce a frame to the sums that every estimate needs, in one pass.

    Each metric is a ratio of sums over units, y / x, with y the sum of weight times score and x the sum of
    weight times ``per`` over valid answers. Where ``unit`` is named, rows are first added up within it.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB.
        metrics: what to score.
        by: column of segments.
        unit: column that says which rows belong to the same independent unit; None says rows are units.
        weight: column of sampling weights, 0 or more.
        given: column that rows must have a value in; the others are left out.

    Returns:
        One row per segment and metric: segment, metric (position), n (units with a valid answer of positive
        weight), answers, n_missing (rows), most (answers of the busiest unit), y, x, yy, xy, xx (sums over units),
        q (sum of weight times squared score over rows), ww (sum of squared weights over rows).

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.
    """
    extra = [name for name in (by, unit, weight, given) if name is not None and name is not ...]
    columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
    lazy = open_frame(frame, [*columns, *extra])
    check_numeric(lazy, columns + ([weight] if weight else []))
    schema = lazy.collect_schema()
    for metric in metrics:
        for _, spec in metric.answers:
            if schema[spec.column] == nw.Boolean and spec.high > 1:
                raise AnswerError(
                    f"Column {spec.column!r} holds true/false; {metric.name} wants {spec.low:g} to {spec.high:g}."
                )
        if metric.once and (weight or not isinstance(unit, str)):
            raise ArgumentError(f"{metric.name} counts each unit once: name the unit, and no weight.")
    check_units(lazy, unit, [*columns, *extra], "Say unit={name!r}, or unit=None if each row is a unit.")
    lazy = lazy.select(*dict.fromkeys([*columns, *extra]))
    if given:
        lazy = lazy.filter(~absent(lazy, given))

    scored = _scored(lazy, metrics, list(dict.fromkeys(name for name in (by, unit, weight) if isinstance(name, str))))
    w, no_weight = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    bad_weight = no_weight | (w < 0) | (w == float("inf"))
    plan = []
    for i in range(len(metrics)):
        score, per = nw.col(f"s{i}"), nw.col(f"p{i}")
        plan += [
            (w * score).alias(f"y{i}"),
            (w * per).alias(f"x{i}"),
            (w * score * score).alias(f"q{i}"),
            (w * w * per).alias(f"ww{i}"),
            nw.col(f"r{i}"),
            nw.col(f"m{i}"),
        ]
    wrong = [(i, k) for i, metric in enumerate(metrics) for k in range(len(metric.answers))]
    plan += [nw.col(f"b{i}_{k}") for i, k in wrong]
    segment = nw.col(by).alias("segment") if by else nw.lit("all").alias("segment")
    keys = [segment, *([nw.col(unit).alias("unit")] if isinstance(unit, str) else [])]
    table = scored.select(*keys, *plan, bad_weight.cast(nw.Float64).alias("bw"))

    each = range(len(metrics))
    errors = [*(f"b{i}_{k}" for i, k in wrong), "bw"]
    if isinstance(unit, str):
        kept = [f"{letter}{i}" for i in each for letter in _ROW_SUMS] + errors
        table = table.group_by("segment", "unit").agg(*(nw.col(name).sum() for name in kept))
        once = [f"{letter}{i}" for i in each if metrics[i].once for letter in _ROW_SUMS if letter != "m"]
        if once:
            table = table.with_columns(*((nw.col(name) > 0).cast(nw.Float64).alias(name) for name in once))
    table = table.with_columns(
        *((nw.col(f"{a}{i}") * nw.col(f"{b}{i}")).alias(f"{a}{b}{i}") for i in each for a, b in ("yy", "xy", "xx")),
        *((nw.col(f"x{i}") > 0).cast(nw.Float64).alias(f"n{i}") for i in each),
        *(nw.col(f"r{i}").alias(f"t{i}") for i in each),
    )
    added = [f"{part}{i}" for i in each for part in (*_ROW_SUMS, "yy", "xy", "xx", "n")]
    aggregates = [nw.col(name).sum() for name in [*added, *errors]] + [nw.col(f"t{i}").max() for i in each]
    found = rows(table.group_by("segment").agg(*aggregates))

    if found.empty:
        raise SampleError("The frame has no rows; there is nothing to measure.")
    if found["bw"].sum():
        raise AnswerError(
            f"{int(found['bw'].sum()):,} rows have a weight in {weight!r} that is missing, negative or infinite."
        )
    for i, k in wrong:
        if many := found[f"b{i}_{k}"].sum():
            spec = metrics[i].answers[k][1]
            _refuse(lazy, metrics[i], spec, _bad(spec), many)
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


def pairs(frame: Any, metrics: Sequence[Metric], *, between: str, unit: str, a: Any, b: Any) -> pd.DataFrame:
    """Reduce a frame to the sums of differences between two conditions within each unit.

    With r = y / x of a unit in a condition (its logarithm for a geometric mean is a mean of logarithms already):
    d = r_a - r_b over the units that have both.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB.
        metrics: what to score.
        between: column of conditions.
        unit: column that says which rows belong to the same unit.
        a, b: two values of ``between``.

    Returns:
        One row per metric: n (units with both), alone (units with one), d, dd (sums of differences and of their
        squares), ra (sum of a's ratios), rb, rab (sum of products).
    """
    columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
    lazy = open_frame(frame, [*columns, between, unit])
    check_numeric(lazy, columns)
    check_units(lazy, unit, [], "")
    plan = []
    scored = _scored(lazy, metrics, [between, unit])
    for i in range(len(metrics)):
        score, per = nw.col(f"s{i}"), nw.col(f"p{i}")
        for side, value in (("a", a), ("b", b)):
            here = (nw.col(between) == nw.lit(value)).cast(nw.Float64).fill_null(0.0)
            plan += [(here * score).alias(f"y{side}{i}"), (here * per).alias(f"x{side}{i}")]
    names = [f"{part}{side}{i}" for i in range(len(metrics)) for side in "ab" for part in "yx"]
    table = (
        scored.select(nw.col(unit).alias("unit"), *plan).group_by("unit").agg(*(nw.col(name).sum() for name in names))
    )
    flags, ratios = [], []
    for i in range(len(metrics)):
        has = {side: nw.col(f"x{side}{i}") > 0 for side in "ab"}
        flags += [
            (has["a"] & has["b"]).cast(nw.Float64).alias(f"n{i}"),
            (has["a"] ^ has["b"]).cast(nw.Float64).alias(f"alone{i}"),
        ]
        for side in "ab":
            under = nw.when(has[side]).then(nw.col(f"x{side}{i}")).otherwise(1.0)
            over = nw.col(f"y{side}{i}") if not metrics[i].once else (nw.col(f"y{side}{i}") > 0).cast(nw.Float64)
            ratios.append((over / (1.0 if metrics[i].once else under)).alias(f"r{side}{i}"))
    table = table.with_columns(*flags, *ratios)
    sums_of = []
    for i in range(len(metrics)):
        both, ra, rb = nw.col(f"n{i}"), nw.col(f"ra{i}"), nw.col(f"rb{i}")
        parts = {"n": both, "alone": nw.col(f"alone{i}"), "d": both * (ra - rb), "dd": both * (ra - rb) * (ra - rb)}
        parts |= {"ra": both * ra, "rb": both * rb, "rab": both * ra * rb}
        sums_of += [part.alias(f"{name}_{i}") for name, part in parts.items()]
    found = rows(table.select(*sums_of).select(nw.all().sum())).iloc[0]
    keys = ("n", "alone", "d", "dd", "ra", "rb", "rab")
    return pd.DataFrame([{name: float(found[f"{name}_{i}"] or 0.0) for name in keys} for i in range(len(metrics))])


def _order(segments: pd.Series) -> pd.Series:
    """Sort segments of one type by value and mixed ones as texts; the missing segment goes last by default."""
    known = segments.dropna()
    return segments if known.map(type).nunique() <= 1 else segments.map(str, na_action="ignore")
