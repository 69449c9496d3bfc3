"""Frames in, distinct rows and how often they occur out; and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxuxlib.errors import AnswerError, ColumnError, unknown
from cxuxlib.frames.distinct import cells
from cxuxlib.frames.reading import check_numeric, open_frame, rows

__all__ = ["columns", "counts", "expand"]

_ADVICE = "A model wants one row per unit: average within {name!r} first, or drop that column if rows are units."


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
    lazy = open_frame(frame, columns)
    check_numeric(lazy, columns)
    found = cells(frame, columns, weight=weight, frequency=frequency, advice=_ADVICE)
    keys = [f"c{i}" for i in range(len(columns))]
    table = found.table.set_axis(keys, axis=1).astype(float).assign(n=found.n, w=found.w, ww=found.ww)
    return table.sort_values(keys, ignore_index=True), found.n_missing


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
