"""Frames in, sums per segment out: what every metric is made of, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import inf, nan, prod
from operator import or_
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, UnitError, listed
from cxuxlib.frames.handing import in_engine
from cxuxlib.frames.reading import (
    Unit,
    absent,
    answer_of,
    check_keys,
    check_numeric,
    check_roles,
    check_units,
    open_frame,
    rows,
    wide_frames,
)
from cxuxlib.frames.scoring import number_of, refuse, scored_rows
from cxuxlib.study import Metric

__all__ = ["in_order", "sums"]

Plan = nw.LazyFrame[Any]
Array = NDArray[np.float64]

MOST = 1e75  # of a sum: its square, and that of a ratio of two such sums, are still floats
MOST_CELLS = 20_000  # distinct rows up to which a frame is counted first, and its cells scored instead of its rows


@wide_frames()
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
    weight times ``per`` over valid answers. Where ``unit`` is named, rows are first added up within it. Where it is
    not and all answers are whole numbers on short scales, distinct rows are counted first and only they are scored.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark.
        metrics: what to score.
        by: column of segments.
        unit: column that says which rows belong to the same independent unit; None says rows are units.
        weight: column of sampling weights, 0 or more.
        given: column that rows must have a value in; the others are left out.

    Returns:
        One row per segment and metric: segment, metric (position), n (units with a valid answer of positive
        weight), answers (valid, of positive weight), n_missing (rows), most (answers of the busiest unit, whatever
        their weight), y, x, yy, xy, xx (sums over units), q (sum of weight times squared score over rows), ww (sum of
        squared weights over rows).

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.
    """
    check_roles(frame, weight, None, unit)
    extra = [name for name in (by, unit, weight, given) if name is not None and name is not ...]
    columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
    lazy = open_frame(frame, [*columns, *extra])
    _check(lazy, metrics, columns, unit, weight)
    if not isinstance(unit, str):
        check_units(lazy, unit, [*columns, *extra], "Say unit={name!r}, or unit=None if each row is a unit.")
    check_keys(lazy, extra)
    lazy = in_engine(lazy.select(*dict.fromkeys([*columns, *extra])))
    if given:
        lazy = lazy.filter(~absent(lazy, given))
    if isinstance(unit, str):
        found = _over_units(lazy, metrics, by, unit, weight)
    else:
        found = _over_rows(lazy, metrics, columns, by, weight)
    if found.empty or not found["rows"].sum():
        raise SampleError("The frame has no rows; there is nothing to measure.")
    if found["bw"].sum():
        raise AnswerError(
            f"{int(found['bw'].sum()):,} rows have a weight in {weight!r} that is missing, negative or infinite."
        )
    if "lost" in found and (many := found["lost"].sum()):
        raise UnitError(f"{int(many):,} rows have no {unit!r}; drop them or find out whose they are.")
    if "uw" in found and (many := found["uw"].sum()):
        raise AnswerError(
            f"{int(many):,} units of {unit!r} have rows of different weights in {weight!r}; a unit that counts once "
            "needs one weight. Give all its rows the same."
        )
    if found["b"].sum():
        for metric in metrics:
            refuse(lazy, metric)
    out = _tidy(found, metrics)
    _refuse_extremes(out, columns, weight)
    return out


def _refuse_extremes(out: pd.DataFrame, columns: list[str], weight: str | None) -> None:
    """Refuse sums whose squares and ratios no float can hold."""
    parts = out[["y", "x", "yy", "xy", "xx", "q", "ww"]].abs()
    if not (parts <= MOST).all(axis=None) or ((parts["x"] > 0) & (parts["x"] < 1 / MOST)).any():
        raise AnswerError(
            f"Values in {listed([*columns, *([weight] if weight else [])])} are too large, or too close to 0, to be "
            "added up. Recode them, or give weights of mean 1."
        )


def _check(lazy: Plan, metrics: Sequence[Metric], columns: list[str], unit: Unit, weight: str | None) -> None:
    check_numeric(lazy, columns + ([weight] if weight else []))
    schema = lazy.collect_schema()
    for metric in metrics:
        for _, spec in metric.answers:
            if schema[spec.column] == nw.Boolean and spec.high > 1:
                raise AnswerError(f"Column {spec.column!r} holds true/false; {metric.name} wants {spec.span}.")
        if metric.once and not isinstance(unit, str):
            raise ArgumentError(f"{metric.name} counts each unit once: name the unit, unit='...'.")


def _weights(weight: str | None) -> tuple[nw.Expr, nw.Expr]:
    """The weight of a row, and 1 where it is none."""
    w, lost = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    return w, number_of(lost | (w < 0) | (w == inf))


def _segment(by: str | None) -> nw.Expr:
    return nw.col(by) if by else nw.lit("all")


def _over_rows(
    lazy: Plan, metrics: Sequence[Metric], columns: list[str], by: str | None, weight: str | None
) -> pd.DataFrame:
    """Sums by segment where rows are units: f rows have the sum of weights w, of squares ww, and h of them a weight."""
    w, bad = _weights(weight)
    size = {"f": nw.lit(1.0), "h": number_of(w > 0), "w": w, "ww": w * w, "bw": bad}
    labels = None
    if _short(metrics, columns):
        segment = [_segment(by).alias("segment")] if by else []
        keys = [nw.col(name).alias(f"c{k}") for k, name in enumerate(columns)]
        named = [*(["segment"] if by else []), *(f"c{k}" for k in range(len(columns)))]
        wide = [expression.alias(name) for name, expression in size.items() if name != "f"] if weight else []
        counts = [nw.len().alias("f"), *(nw.col(name).sum() for name in ("h", "w", "ww", "bw") if weight)]
        cells = rows(lazy.select(*segment, *keys, *wide).group_by(*named).agg(*counts))
        if cells.empty:
            return cells
        if not weight:
            cells = cells.assign(**{name: cells["f"].astype(float) for name in ("h", "w", "ww")}, bw=0.0)
        codes, labels = pd.factorize(cells["segment"] if by else np.repeat("all", len(cells)), use_na_sentinel=False)
        renamed = dict(zip((f"c{k}" for k in range(len(columns))), columns, strict=True))
        own = {name: f"cx_{name}" for name in size}
        cells = cells[[*renamed, *own]].rename(columns=renamed | own)
        lazy = open_frame(_numbers(cells.assign(cx_segment=codes)), ["cx_segment", *own.values()])
        keep = {name: nw.col(f"cx_{name}") for name in ("segment", *size)}
    else:
        keep = {"segment": _segment(by)} | (size if weight else {})
    one = not weight and "f" not in keep
    scored = scored_rows(lazy, metrics, keep)
    f, h, w, ww = (nw.lit(1.0) if one else nw.col(name) for name in ("f", "h", "w", "ww"))
    plan: dict[str, nw.Expr] = {"rows": f, "bw": nw.lit(0.0) if one else nw.col("bw"), "b": f * _any_bad(metrics)}
    for i, metric in enumerate(metrics):
        s, r = nw.col(f"s{i}"), nw.col(f"r{i}")
        p = r if metric.per == "1" else nw.col(f"p{i}")
        there = number_of((p > 0) | (s != 0.0))
        parts = {
            "y": w * s,
            "q": w * s * s,
            "x": w * p,
            "ww": ww * p,
            "xx": ww * p * p,
            "yy": ww * s * s,
            "xy": ww * s * p,
        }
        parts |= {"n": h * there, "r": f * r, "a": h * r}
        if one:  # what is left out is filled in from the rest
            parts = {"y": s, "q": s * s, "r": r} | (
                {} if metric.per == "1" else {"x": p, "xx": p * p, "xy": s * p, "n": there}
            )
        if metric.where:
            parts["m"] = f * nw.col(f"m{i}")
        plan |= {f"{name}{i}": part for name, part in parts.items()}
    table = scored.select("segment", *(part.alias(name) for name, part in plan.items()))
    found = rows(table.group_by("segment").agg(*(nw.col(name).sum() for name in plan)))
    if labels is not None:
        found["segment"] = pd.Series(labels, dtype=object)[found["segment"].astype(int)].to_numpy()
    return found.assign(**{f"t{i}": (found[f"r{i}"] > 0).astype(float) for i in range(len(metrics))})


def _numbers(cells: pd.DataFrame) -> pa.Table:
    """Numbers as an Arrow table, which narwhals works on in a third of the time that it needs on pandas."""
    return pa.table({name: cells[name].where(cells[name].notna(), nan).to_numpy(dtype=float) for name in cells})


def _any_bad(metrics: Sequence[Metric]) -> nw.Expr:
    return number_of(reduce(or_, (nw.col(f"b{i}") > 0 for i in range(len(metrics)))))


def _filled(found: dict[str, Array], metrics: Sequence[Metric]) -> dict[str, Array]:
    """Sums that equal others are not asked of the engine; here they are put in."""
    for i, metric in enumerate(metrics):
        y, r = found[f"y{i}"], found[f"r{i}"]
        x = found.get(f"x{i}", r)
        equal = {"x": r, "xx": r, "xy": y, "n": r, "a": r, "ww": x, "q": y, "yy": found.get(f"q{i}", y)}
        if not metric.where:
            equal["m"] = found["rows"] - r
        found = {f"{name}{i}": value for name, value in equal.items()} | found
    return found


def _short(metrics: Sequence[Metric], columns: list[str]) -> bool:
    """Whether all answers are whole numbers on scales so short that few rows are distinct."""
    ranges = {spec.column: spec.high - spec.low + 2 for metric in metrics for _, spec in metric.answers if spec.whole}
    return len(ranges) == len(columns) and prod(ranges.values()) <= MOST_CELLS


def _over_units(lazy: Plan, metrics: Sequence[Metric], by: str | None, unit: str, weight: str | None) -> pd.DataFrame:
    """Sums by segment where rows are added up within units first."""
    w, bad = _weights(weight)
    keep = {"segment": _segment(by), "unit": nw.col(unit)} | ({"w": w, "bw": bad} if weight else {})
    scored = scored_rows(lazy, metrics, keep)
    plan: dict[str, nw.Expr] = {"b": _any_bad(metrics)} | ({"bw": nw.col("bw")} if weight else {})
    first = {(metric.answers, metric.where): i for i, metric in reversed(list(enumerate(metrics)))}
    count = [first[metric.answers, metric.where] for metric in metrics]  # who reads the same counts the same rows
    for i, metric in enumerate(metrics):
        s, r = nw.col(f"s{i}"), nw.col(f"r{i}")
        v = nw.col("w") if weight and not metric.once else nw.lit(1.0)  # a unit that counts once is weighted as one
        p = r if metric.per == "1" else nw.col(f"p{i}")
        parts = {"y": v * s} | ({"r": r} if count[i] == i else {}) | ({"m": nw.col(f"m{i}")} if metric.where else {})
        if weight:
            parts |= {"x": v * p, "q": v * s * s, "ww": v * v * p, "a": number_of(nw.col("w") > 0) * r}
        parts |= {} if metric.per == "1" else {"x": v * p}
        parts |= {} if metric.kind == "proportion" else {"q": v * s * s}
        plan |= {f"{name}{i}": part for name, part in parts.items()}
    flags = [name for name in plan if name[0] in "rm" or name == "b"]  # counts need half the memory of sums
    columns = [(nw.when(part > 0).then(1) if name in flags else part).alias(name) for name, part in plan.items()]
    table = scored.select("segment", "unit", *columns, *(["w"] if weight else []))
    own = [nw.col("w").max(), nw.col("w").min().alias("w_least")] if weight else []
    sums_of_unit = [nw.col(name).count() if name in flags else nw.col(name).sum() for name in plan]
    table = table.group_by("segment", "unit").agg(nw.len().alias("rows"), *sums_of_unit, *own)
    table = table.with_columns(nw.col("rows", *flags).cast(nw.Float64))
    nobody = absent(lazy.select(nw.col(unit).alias("unit")), "unit")
    total: dict[str, nw.Expr] = {name: nw.col(name) for name in ("rows", *plan) if name[0] != "r" or name == "rows"}
    total["lost"] = nw.when(nobody).then(nw.col("rows")).otherwise(0)
    if not weight:
        total["bw"] = nw.lit(0.0)
    most = {}
    for i, metric in enumerate(metrics):
        y, r = nw.col(f"y{i}"), nw.col(f"r{count[i]}")
        x = nw.col(f"x{i}") if f"x{i}" in plan else r
        if metric.once:
            total |= {} if metric.where else {f"m{i}": nw.col("rows") - r}  # of rows, where n is of units
            w = nw.col("w") if weight else nw.lit(1.0)
            r = number_of(x > 0)
            y, x = w * number_of(y > 0) * r, w * r
            total |= {f"q{i}": y, f"ww{i}": w * x}
            total["uw"] = number_of(nw.col("w") > nw.col("w_least") * (1 + 1e-9)) if weight else nw.lit(0.0)
        some = (x > 0) | (nw.col(f"q{i}") > 0) if f"q{i}" in plan and not metric.once else x > 0
        parts = {"y": y, "x": x, "r": r, "yy": y * y, "xy": y * x, "xx": x * x, "n": number_of(some)}
        parts |= {"a": number_of(x > 0)} if metric.once else {}
        total |= {f"{name}{i}": part for name, part in parts.items()}
        most[f"t{i}"] = r
    shown = [part.alias(name) for name, part in (total | most).items()]
    sums_of = [nw.col(name).sum() for name in total] + [nw.col(name).max() for name in most]
    return rows(table.select("segment", *shown).group_by("segment").agg(*sums_of))


def _tidy(found: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """One row per segment and metric, segments in order."""
    found = found.sort_values("segment", key=in_order, ignore_index=True)
    known = {name: column.to_numpy(dtype=float) for name, column in found.items() if name != "segment"}
    known = _filled(known, metrics)
    names = {"n": "n", "a": "answers", "m": "n_missing", "t": "most"} | {
        a: a for a in ("y", "x", "yy", "xy", "xx", "q", "ww")
    }
    many = range(len(metrics))
    table = {name: np.column_stack([known[f"{short}{i}"] for i in many]).ravel() for short, name in names.items()}
    segment = found["segment"].astype(object).where(found["segment"].notna(), "(missing)")
    segments = segment.repeat(len(metrics)).reset_index(drop=True)
    return pd.DataFrame(table | {"metric": np.tile(many, len(found)), "segment": segments})


def in_order(segments: pd.Series) -> pd.Series:
    """Sort segments of one type by value and mixed ones as texts; the missing segment goes last by default."""
    known = segments.dropna()
    return segments if known.map(type).nunique() <= 1 else segments.map(str, na_action="ignore")
