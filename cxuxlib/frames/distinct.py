"""Frames in, distinct rows out: what models of answers that repeat are fitted on, with the clusters of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, listed
from cxuxlib.frames.coding import Coded, coded, pack
from cxuxlib.frames.reading import Unit, answer_of, check_numeric, check_roles, check_units, engine_errors, open_frame

__all__ = ["Cells", "Clusters", "cells"]

Array = np.ndarray
_Columns = dict[str, pd.Series]

ADVICE = "Say unit={name!r} for errors that know it, or unit=None if each row is a unit."
_BLOCK = 1 << 20  # rows whose clusters are looked at, until all have been seen
_FETCHED = 100_000_000  # numbers that are brought here from an engine to be counted
_SUMS = ("n", "w", "ww", "none", "broken")


class Clusters(NamedTuple):
    """Which rows belong together.

    Args:
        cell: of each row, its place among the distinct rows.
        code: of each row, its cluster, 0 or more.
        w: weight of each row; None where all have 1.
        n: how many clusters there are.
    """

    cell: Array
    code: Array
    w: Array | None
    n: int


class Cells(NamedTuple):
    """Distinct complete rows, or the rows themselves where they do not repeat.

    Args:
        columns: arrays by the names of the columns; whole numbers are int64, texts are pandas' categories.
        n: units of each distinct row.
        w: sum of their weights.
        ww: sum of the squares of their weights.
        n_missing: units left out because a value is missing.
        n_weightless: complete units whose weight is 0.
        clusters: which rows of positive weight belong together; None without a unit.
        counted: whether these are distinct rows; False where a column hardly repeats, so that they are all rows.
    """

    columns: dict[str, Any]
    n: Array
    w: Array
    ww: Array
    n_missing: int
    n_weightless: int
    clusters: Clusters | None
    counted: bool = True

    @property
    def table(self) -> pd.DataFrame:
        """The columns as a table."""
        return pd.DataFrame(self.columns)


def cells(
    frame: Any,
    columns: Sequence[str],
    *,
    unit: Unit = ...,
    weight: str | None = None,
    frequency: str | None = None,
    advice: str = ADVICE,
) -> Cells:
    """Reduce a frame to its distinct complete rows, in one pass.

    Frames in memory are counted by codes of their columns; others are grouped by their engine first. Columns of
    numbers that hardly repeat stay rows.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark.
        columns: columns of numbers, true/false, texts or categories; a row with a missing value is left out and
            counted.
        unit: column that says which rows belong together; None says rows are units; left out, repeated ids are refused.
        weight: column of sampling weights, 0 or more.
        frequency: column that says how many units a row stands for.
        advice: what to do about repeated ids.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.

    >>> found = cells(pd.DataFrame({"ease": [5, 5, 2, None]}), ["ease"])
    >>> found.table["ease"].tolist(), found.n.tolist(), found.n_missing
    ([2, 5], [1.0, 2.0], 1)
    """
    check_roles(frame, weight, frequency, unit)
    twice = sorted({name for name in columns if list(columns).count(name) > 1})
    if twice:
        raise ArgumentError(f"{listed(twice)} is named twice.")
    clustered = isinstance(unit, str)
    extra = [name for name in (weight, frequency) if name]
    used = [*columns, *extra, *([unit] if isinstance(unit, str) else [])]
    lazy = open_frame(frame, used)
    if extra:
        check_numeric(lazy, extra)
    if not (frequency and unit is ...):
        check_units(lazy, unit, [*columns, *extra], advice)
    used = list(dict.fromkeys(used))
    if lazy.implementation.is_pandas():
        whole = lazy.to_native()
        table = {name: whole[name] for name in used}  # as they lie, for a table of some columns is a copy of them
        sizes = _row_sizes(table, weight, frequency)
    elif _better_grouped(frame, lazy, used, clustered):
        keys = list(dict.fromkeys([*columns, *([unit] if isinstance(unit, str) else [])]))
        found = _fetched(_counted(lazy, keys, weight, frequency))
        table = {key: found.iloc[:, i] for i, key in enumerate(keys)}
        sizes = _engine_sizes(found, [weight, frequency])
    else:
        table = dict(_fetched(lazy.select(*used)).items())
        sizes = _row_sizes(table, weight, frequency)
    if not _length(table):
        raise SampleError("The frame has no rows.")
    schema = {} if lazy.implementation.is_pandas() else lazy.collect_schema()
    for name in columns:
        if isinstance(dtype := schema.get(name), nw.Enum) and not getattr(table[name].dtype, "ordered", False):
            ordered = pd.Categorical(table[name].astype(object), categories=tuple(dtype.categories), ordered=True)
            table[name] = pd.Series(ordered)
    return _cells(table, columns, unit if isinstance(unit, str) else None, sizes)


def _better_grouped(frame: Any, lazy: nw.LazyFrame[Any], used: list[str], clustered: bool) -> bool:
    """Whether the engine groups the rows first: they are far away, too many to bring here, or have texts to tell apart.

    Numbers are counted here by their codes in a fraction of the time of a group-by. With clusters every row is needed.
    """
    if not isinstance(nw.from_native(frame), nw.LazyFrame):
        return False
    if lazy.implementation.is_spark_like() or clustered:
        return bool(lazy.implementation.is_spark_like())
    schema = lazy.collect_schema()
    if not all(schema[name].is_numeric() or schema[name] == nw.Boolean for name in used):
        return True
    with engine_errors():
        n = int(_fetched(lazy.select(nw.len().alias("n")))["n"].iloc[0])
    return n * len(used) > _FETCHED


def _fetched(lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
    """A table in pandas; dictionaries of Arrow go by the whole table, for one alone loses its nulls there."""
    with engine_errors():
        eager = lazy.collect("pyarrow") if lazy.implementation.is_duckdb() else lazy.collect()
    found: pd.DataFrame = eager.to_pandas()
    return found


def _counted(lazy: nw.LazyFrame[Any], keys: list[str], weight: str | None, frequency: str | None) -> nw.LazyFrame[Any]:
    """Distinct rows of an engine and the sums of `_Sizes`, under names of our own: nothing in the frame can clash."""
    n, lost_n = answer_of(frequency) if frequency else (nw.lit(1.0), nw.lit(False))
    w, lost_w = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    broken = lost_n | lost_w | (n < 0) | (n != n.round(0)) | (w < 0) | (n == inf) | (w == inf)
    none = (w == 0).cast(nw.Float64)
    sums = dict(zip(_SUMS, (n, n * w, n * w * w, n * none, broken.cast(nw.Float64)), strict=True))
    own = [f"k{i}" for i in range(len(keys))]
    plan = lazy.select(
        *(nw.col(key).alias(name) for key, name in zip(keys, own, strict=True)),
        *(part.alias(name) for name, part in sums.items()),
    )
    return plan.group_by(*own).agg(*(nw.col(name).sum() for name in _SUMS))


class _Sizes(NamedTuple):
    """Of each row its units, sums of weights and of their squares, units of weight 0; None: each row is one unit."""

    n: Array | None = None
    w: Array | None = None
    ww: Array | None = None
    none: Array | None = None


def _engine_sizes(table: pd.DataFrame, names: Sequence[str | None]) -> _Sizes:
    n, w, ww, none, broken = (table[name].to_numpy(dtype=float) for name in _SUMS)
    _refuse(int(broken.sum()), names)
    return _Sizes(n, w, ww, none)


def _length(table: _Columns) -> int:
    return len(next(iter(table.values())))


def _row_sizes(table: _Columns, weight: str | None, frequency: str | None) -> _Sizes:
    if not (weight or frequency):
        return _Sizes()
    n, w = (
        table[name].to_numpy(dtype=float, na_value=np.nan) if name else np.ones(_length(table))
        for name in (frequency, weight)
    )
    with np.errstate(invalid="ignore"):
        fine = (n >= 0) & (n < inf) & (np.rint(n) == n) & (w >= 0) & (w < inf)
    _refuse(int((~fine).sum()), [weight, frequency])
    return _Sizes(n, n * w, n * w * w, n * (w == 0))


def _refuse(broken: int, names: Sequence[str | None]) -> None:
    if broken:
        where = listed([name for name in names if name])
        raise AnswerError(f"{broken:,} rows have a missing, negative or infinite value in {where}.")


def _cells(table: _Columns, columns: Sequence[str], unit: str | None, sizes: _Sizes) -> Cells:
    codes = [coded(table[name], name) for name in columns]
    if any(each.continuous for each in codes):
        return _as_rows(table, columns, codes, unit, sizes)
    packed = pack(codes, [None] if sizes.n is None else list(sizes), rows=unit is not None)
    n = packed.totals[0]
    w, ww, none = packed.totals[1:] or (n, n, np.zeros(len(n)))
    gone = np.zeros(len(n), dtype=bool)
    for place, each in zip(packed.places, codes, strict=True):
        if each.missing:
            gone |= place == 0
    kept = ~gone & (n > 0)
    whole = {name: _values(each, place[kept]) for name, each, place in zip(columns, codes, packed.places, strict=True)}
    clusters = None
    if unit is not None and packed.rows is not None:
        cell = packed.rows
        if not kept.all():
            cell = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32).take(cell)
        clusters = _clusters(cell, table[unit], sizes.w, unit)
    return Cells(whole, n[kept], w[kept], ww[kept], round(n[gone].sum()), round(none[~gone].sum()), clusters)


def _as_rows(table: _Columns, columns: Sequence[str], codes: list[Coded], unit: str | None, sizes: _Sizes) -> Cells:
    """The complete rows themselves, where they do not repeat."""
    n, w, ww = (np.ones(_length(table)) if each is None else each for each in sizes[:3])
    gone = np.zeros(_length(table), dtype=bool)
    for each in codes:
        if each.missing:
            gone |= np.isnan(each.codes) if each.continuous else each.codes == each.low
    kept = ~gone & (n > 0)
    whole = {
        name: each.codes[kept] if each.continuous else _values(each, each.codes[kept].astype(np.intp) - each.low)
        for name, each in zip(columns, codes, strict=True)
    }  # fmt: skip
    clusters = None
    if unit is not None:
        cell = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        clusters = _clusters(cell, table[unit], sizes.w, unit)
    weightless = 0 if sizes.none is None else round(sizes.none[~gone].sum())
    return Cells(whole, n[kept], w[kept], ww[kept], round(n[gone].sum()), weightless, clusters, counted=False)


def _values(column: Coded, place: Array) -> Any:
    """The levels at some places."""
    levels = column.levels
    if isinstance(levels, pd.Index):
        return pd.Categorical.from_codes(place - 1, categories=levels, ordered=column.ordered)
    return levels.take(place - column.missing)


def _clusters(cell: Array, unit: pd.Series, w: Array | None, name: str) -> Clusters:
    """The rows of positive weight that are among the cells, -1 being none of them."""
    whole = isinstance(unit.dtype, np.dtype) and unit.dtype.kind in "iu"
    if whole:
        column = coded(unit, name, short=4 * len(unit))
        code = column.codes if column.low == 0 else column.codes.astype(np.int64) - column.low
        code = code.astype(np.int32, copy=False)
    else:
        code = pd.factorize(unit)[0].astype(np.int32)
    if w is not None or (len(cell) and cell.min() < 0):
        there = cell >= 0 if w is None else (cell >= 0) & (w > 0)
        cell, code, w = cell[there], code[there], None if w is None else w[there]
    seen = np.zeros(int(code.max()) + 1 if len(code) else 0, dtype=bool)
    for start in range(0, len(code), _BLOCK):
        if seen.all():
            break
        seen[code[start : start + _BLOCK]] = True
    return Clusters(cell, code, w, int(seen.sum()))
