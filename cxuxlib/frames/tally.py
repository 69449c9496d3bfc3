"""Frames in, distinct rows and how often they occur out; and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, listed, unknown
from cxuxlib.frames.reading import answer_of, check_numeric, check_units, open_frame, rows

__all__ = ["columns", "counts", "expand"]


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
    lazy = open_frame(frame, [*columns, *extra])
    check_numeric(lazy, [*columns, *extra])
    if not frequency:
        advice = "A model wants one row per unit: average within {name!r} first, or drop that column if rows are units."
        check_units(lazy, ..., [*columns, *extra], advice)
    values, gone = zip(*(answer_of(name) for name in columns), strict=True)
    incomplete = nw.any_horizontal(*gone, ignore_nulls=False)
    n, lost_n = answer_of(frequency) if frequency else (nw.lit(1.0), nw.lit(False))
    w, lost_w = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    broken = lost_n | lost_w | (n < 0) | (n != n.round(0)) | (w < 0) | (n == float("inf")) | (w == float("inf"))
    keys = [f"c{i}" for i in range(len(columns))]  # own names: nothing in the frame can clash with them
    table = lazy.select(
        *(value.alias(key) for value, key in zip(values, keys, strict=True)),
        n.alias("n"), (n * w).alias("w"), (n * w * w).alias("ww"),
        incomplete.cast(nw.Float64).alias("gone"), broken.cast(nw.Float64).alias("broken"),
    )  # fmt: skip
    found = rows(table.group_by(*keys, "gone").agg(*(nw.col(name).sum() for name in ("n", "w", "ww", "broken"))))
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


def columns(frame: Any, names: Sequence[str]) -> pd.DataFrame:
    """Bring some columns of any frame to pandas, in the frame's order; a pandas frame keeps its index.

    >>> columns(pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["x", "y"]), ["b"])["b"].to_dict()
    {'x': 3, 'y': 4}
    """
    lazy = open_frame(frame, names)  # names what is missing or doubled
    return frame[list(names)].copy() if isinstance(frame, pd.DataFrame) else rows(lazy.select(*names))
