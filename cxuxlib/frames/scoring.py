"""Rows as numbers: which answers are missing, which are out of range, what each row scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from math import inf
from operator import or_
from typing import Any

import narwhals as nw

from cxuxlib import formulas
from cxuxlib.errors import AnswerError
from cxuxlib.frames.reading import rows
from cxuxlib.study import Answer, Metric

__all__ = ["number_of", "refuse", "scored_rows"]


def number_of(truth: nw.Expr) -> nw.Expr:
    """1 or 0."""
    return truth.cast(nw.Float64)


def _valid(spec: Answer, value: nw.Expr, counted: bool) -> nw.Expr:
    """Whether an answer is in range; numbers of a column that holds whole ones only need not be asked for more."""
    valid = (value >= spec.low) & ((value <= spec.high) if spec.high < inf else (value < inf))
    return valid & (value == value.round(0)) if spec.whole and not counted else valid


def _stand_in(spec: Answer) -> float:
    """Any valid number: formulas must not fail on rows that are left out."""
    return min(max(1.0, spec.low), spec.high)


def scored_rows(lazy: nw.LazyFrame[Any], metrics: Sequence[Metric], keep: Mapping[str, nw.Expr]) -> nw.LazyFrame[Any]:
    """Rows as numbers, in stages so that no engine computes an expression twice.

    Holds what is kept, under new names, and for metric i: s (score), p (per, where it is not 1), r (1 where the row
    counts), m (1 where it is missing), and b (1 where an answer that counts is out of range). Rows that do not count
    have 0 for s and p. An answer is not asked for its range where ``where`` leaves its row out.
    """
    kept = [nw.col(name) for name in keep]  # names of ours, so that no column of the frame can clash
    answers = [(i, k, spec) for i, metric in enumerate(metrics) for k, (_, spec) in enumerate(metric.answers)]
    read: dict[Answer, str] = {}  # metrics that share an answer read it once
    name_of = {(i, k): read.setdefault(spec, f"{len(read)}") for i, k, spec in answers}
    schema, first, second = lazy.collect_schema(), [], []
    for spec, name in read.items():
        value = nw.col(spec.column).cast(nw.Float64)
        counted = schema[spec.column].is_integer() or schema[spec.column] == nw.Boolean
        missing = nw.col(spec.column).is_null() if counted else value.is_nan().fill_null(True)
        first += [value.alias(f"v{name}"), missing.alias(f"g{name}")]
        there, valid = ~nw.col(f"g{name}"), _valid(spec, nw.col(f"v{name}"), counted).fill_null(False)
        second += [nw.col(f"g{name}"), (there & ~valid).alias(f"b{name}")]
        second.append(nw.when(there & valid).then(nw.col(f"v{name}")).otherwise(_stand_in(spec)).alias(f"v{name}"))
    lazy = lazy.select(*(expression.alias(name) for name, expression in keep.items()), *first).select(*kept, *second)
    third: list[nw.Expr] = []
    for i, metric in enumerate(metrics):
        third += _score(i, metric, [name_of[i, k] for k in range(len(metric.answers))])
    lazy = lazy.select(*kept, *third)
    fourth: list[nw.Expr] = []
    for i, metric in enumerate(metrics):
        counts = nw.col(f"r{i}") > 0
        parts = "sp" if metric.per != "1" else "s"
        fourth += [nw.when(counts).then(nw.col(f"{part}{i}")).otherwise(0.0).alias(f"{part}{i}") for part in parts]
        fourth += [nw.col(f"{part}{i}") for part in "rmb"]
    return lazy.select(*kept, *fourth)


def _score(i: int, metric: Metric, names: Sequence[str]) -> list[nw.Expr]:
    """Score, per, and whether the row counts, is missing, or is out of range."""
    values = {name: nw.col(f"v{key}") for (name, _), key in zip(metric.answers, names, strict=True)}
    gone, bad = _any(nw.col(f"g{key}") for key in names), _any(nw.col(f"b{key}") for key in names)
    fine = ~gone & ~bad
    if metric.where:  # a row left out by definition is not missing, nor are its other answers out of range
        asked = [
            key for (name, _), key in zip(metric.answers, names, strict=True) if re.search(rf"\b{name}\b", metric.where)
        ]
        here = formulas.build(metric.where, values, number_of) > 0
        unclear = _any(nw.col(f"g{key}") for key in asked)
        wrong = _any(nw.col(f"b{key}") for key in asked)
        fine, gone, bad = fine & here, gone & (here | unclear), (bad & here) | wrong
    found = [
        formulas.build(metric.score, values, number_of).alias(f"s{i}"), number_of(fine).alias(f"r{i}"),
        number_of(gone).alias(f"m{i}"), number_of(bad).alias(f"b{i}"),
    ]  # fmt: skip
    return found if metric.per == "1" else [*found, formulas.build(metric.per, values, number_of).alias(f"p{i}")]


def _any(flags: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(or_, flags)


def refuse(lazy: nw.LazyFrame[Any], metric: Metric) -> None:
    """Say which answers of a metric are out of range."""
    keep = {f"k{k}": nw.col(spec.column).cast(nw.Float64) for k, (_, spec) in enumerate(metric.answers)}
    wrong = rows(scored_rows(lazy, [metric], keep).filter(nw.col("b0") > 0).group_by(*keep).agg(nw.len().alias("n")))
    for k, (_, spec) in enumerate(metric.answers):
        value = wrong[f"k{k}"].astype(float)
        fine = value.isna() | (
            value.between(spec.low, spec.high) & (value < inf) & ((value % 1 == 0) | (not spec.whole))
        )
        if fine.all():
            continue
        many = int(wrong.loc[~fine, "n"].sum())
        shown = ", ".join(f"{each:g}" for each in sorted(set(value[~fine]))[:5])
        found = "1 answer in column" if many == 1 else f"{many:,} answers in column"
        raise AnswerError(
            f"{found} {spec.column!r} outside the range of {metric.name} "
            f"({spec.span}): {shown}. Recode them, or set them to missing."
        )
