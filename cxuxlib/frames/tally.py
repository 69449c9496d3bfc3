"""Frames in, distinct rows and how often they occur out; and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import narwhals as nw
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, unknown
from cxuxlib.frames.handing import in_engine
from cxuxlib.frames.reading import (
    COUNTS,
    Unit,
    absent,
    answer_of,
    check_keys,
    check_numeric,
    check_roles,
    check_units,
    open_frame,
    rows,
)
from cxuxlib.frames.reduce import in_order

__all__ = ["columns", "counts", "expand"]

_ADVICE = "Say unit={name!r} to keep it, or unit=None if each row is a unit."


def counts(
    frame: Any,
    columns: Sequence[str],
    *,
    unit: Unit = ...,
    weight: str | None = None,
    frequency: str | None = None,
) -> pd.DataFrame:
    """Reduce a frame to its distinct rows and how many units each stands for, losing nothing that a model asks for.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark with one row per unit.
        columns: columns of numbers, true/false or texts; missing answers stay, as such.
        unit: column that says which rows belong together, kept as a column; None says rows are units; left out,
            repeated ids are refused.
        weight: column of sampling weights, kept as a column.
        frequency: column that says how many units a row stands for already.

    Returns:
        One row for each distinct row: the columns, ``weight`` and ``unit`` where they are given, and ``n``. Give it to
        a model as rows are given, with ``frequency="n"``: the numbers are the same.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong with the frame.

    Source: practice. Checked against: models on the rows, on six engines.

    >>> counts(pd.DataFrame({"ease": [5, 5, 2, None], "wave": ["a", "a", "a", "b"]}), ["ease", "wave"])
       ease wave  n
    0   2.0    a  1
    1   5.0    a  2
    2   NaN    b  1
    """
    if isinstance(columns, str):
        raise ArgumentError(f"columns is a list of names; got the text {columns!r}.")
    check_roles(frame, weight, frequency, unit)
    keys = list(dict.fromkeys([*columns, *([weight] if weight else []), *([unit] if isinstance(unit, str) else [])]))
    if "n" in keys:
        raise ArgumentError("A column is named 'n', as the counts are; rename it.")
    lazy = open_frame(frame, [*keys, *([frequency] if frequency else [])])
    check_numeric(lazy, [each for each in (weight, frequency) if each])
    check_keys(lazy, keys)
    if not (frequency and unit is ...):
        check_units(lazy, unit, [*keys, *([frequency] if frequency else [])], _ADVICE)
    schema, plan = lazy.collect_schema(), {}
    for i, name in enumerate(keys):
        plan[f"k{i}"] = nw.when(~absent(lazy, name)).then(nw.col(name)) if schema[name].is_float() else nw.col(name)
    many, lost = answer_of(frequency) if frequency else (nw.lit(1.0), nw.lit(False))
    wrong = lost | (many < 0) | (many != many.round(0)) | (many == inf)
    plan |= {"n": many, "wrong": wrong.cast(nw.Float64)}
    table = in_engine(lazy.select(*dict.fromkeys([*keys, *([frequency] if frequency else [])])))
    table = table.select(*(part.alias(name) for name, part in plan.items()))
    own = [f"k{i}" for i in range(len(keys))]
    found = rows(table.group_by(*own).agg(nw.col("n").sum(), nw.col("wrong").sum()))
    if broken := int(found["wrong"].sum()):
        raise AnswerError(f"{broken:,} rows have a missing, negative, broken or infinite count in {frequency!r}.")
    if found.empty:
        raise SampleError("The frame has no rows.")
    found = found[found["n"] > 0].sort_values(own, key=in_order, ignore_index=True)
    table = found.drop(columns="wrong").set_axis([*keys, "n"], axis=1).astype({"n": "int64"})
    table.attrs[COUNTS] = True
    return table


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
    found = table.loc[table.index.repeat(many)].drop(columns=frequency).reset_index(drop=True)
    found.attrs.pop(COUNTS, None)
    return found


def columns(frame: Any, names: Sequence[str]) -> pd.DataFrame:
    """Bring some columns of any frame to pandas, in the frame's order; a pandas frame keeps its index.

    >>> columns(pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["x", "y"]), ["b"])["b"].to_dict()
    {'x': 3, 'y': 4}
    """
    lazy = open_frame(frame, names)  # names what is missing or doubled
    return frame[list(names)].copy() if isinstance(frame, pd.DataFrame) else rows(lazy.select(*names))
