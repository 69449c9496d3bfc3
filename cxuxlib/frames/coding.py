"""Columns as small whole numbers, and rows as one: how answers that repeat are counted without sorting them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError

__all__ = ["Coded", "Packed", "coded", "pack"]

Array = np.ndarray

_BLOCK = 1 << 16  # rows whose codes stay in the cache together
_CHUNK = 1 << 18  # rows that are counted together
_SHORT = 1 << 20  # widest range of whole numbers that is coded by its distance from the least
_PROBE = 10_000  # rows that tell whether numbers repeat
_DIRECT = 1 << 16  # combinations up to which all are counted, however few the rows
_WIDEST = 1 << 62


class Coded(NamedTuple):
    """A column as whole numbers: ``codes - low`` is a position among ``levels``.

    Args:
        codes: one whole number per row.
        low: the least of them.
        levels: what the codes stand for, in order; the first place is empty where ``missing``.
        missing: whether ``low`` stands for a missing answer, which has no level.
        continuous: whether the numbers hardly repeat; then ``codes`` are the values themselves, NaN where missing.
        ordered: whether the levels are categories with an order.
    """

    codes: Array
    low: int
    levels: Any
    missing: bool
    continuous: bool = False
    ordered: bool = False

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.levels) + self.missing


class Packed(NamedTuple):
    """Rows counted by the combination of their codes.

    Args:
        places: of each occurring combination, its position in each column, shape (columns, m).
        totals: of each combination the sums that were asked for, shape (sums, m).
        rows: of each row its combination, shape (n,); None unless asked for.
    """

    places: tuple[Array, ...]
    totals: list[Array]
    rows: Array | None


def coded(series: pd.Series, name: str, short: int = _SHORT) -> Coded:
    """Code a column of numbers, true/false, texts or categories.

    Args:
        series: the column.
        name: what to call it in an error.
        short: widest range of whole numbers that is coded by the distance from the least of them.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Coded(np.asarray(series.cat.codes), -1, dtype.categories, True, ordered=bool(dtype.ordered))
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _objects(series, name)
    if isinstance(dtype, pd.StringDtype) or pd.api.types.is_string_dtype(dtype):
        return _texts(series)
    if pd.api.types.is_bool_dtype(dtype):
        if isinstance(dtype, np.dtype):
            return Coded(series.to_numpy().view(np.uint8), 0, np.array([False, True]), False)
        codes = series.to_numpy(dtype=float, na_value=np.nan)
        return Coded(np.where(np.isnan(codes), -1, codes).astype(np.int8), -1, np.array([False, True]), True)
    if pd.api.types.is_numeric_dtype(dtype) and getattr(dtype, "kind", "f") in "iuf":
        plain = isinstance(dtype, np.dtype)
        return _numbers(series.to_numpy() if plain else series.to_numpy(dtype=float, na_value=np.nan), name, short)
    raise _wrong(name, str(dtype), series)


def _wrong(name: str, kind: str, series: pd.Series) -> AnswerError:
    example = next((f"{each!s:.40}" for each in series if not _none(each)), "nothing")
    return AnswerError(
        f"Column {name!r} holds {kind}, for example {example!r}; a model reads numbers, true/false or texts."
    )


def _none(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _objects(series: pd.Series, name: str) -> Coded:
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "string":
        return _texts(series)
    if kind == "boolean":
        return coded(series.astype("boolean"), name)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        return _numbers(
            np.array([np.nan if _none(each) else float(each) for each in series], dtype=float), name, _SHORT
        )
    raise _wrong(name, f"a mix ({kind})", series)


def _texts(series: pd.Series) -> Coded:
    codes, levels = pd.factorize(series, sort=True)
    return Coded(codes.astype(np.int32), -1, pd.Index(levels), True)


def _numbers(values: Array, name: str, short: int) -> Coded:
    if not len(values):
        return Coded(np.zeros(0, dtype=np.int8), 0, np.zeros(0, dtype=np.int64), False)
    if values.dtype.kind in "iu":
        least, most = int(values.min()), int(values.max())
        if most - least < short:
            signed = values.astype(np.int64) if values.dtype == np.uint64 else values
            return Coded(signed, least, np.arange(least, most + 1), False)
        codes, levels = pd.factorize(values, sort=True)
        return Coded(codes, 0, levels, False)
    gone = np.isnan(values)
    some = bool(gone.any())
    there = values[~gone] if some else values
    if np.isinf(there).any():
        raise AnswerError(f"There are infinite values in {name!r}.")
    if not len(there):
        return Coded(np.full(len(values), -1, dtype=np.int8), -1, np.zeros(0), True)
    low, high = float(there.min()), float(there.max())
    if high - low < short and abs(low) < _WIDEST and (np.rint(there) == there).all():
        codes = (np.where(gone, low - 1, values) if some else values) - low
        return Coded(codes.astype(np.int32), -1 if some else 0, np.arange(int(low), int(high) + 1), some)
    probe = there[:_PROBE]
    if len(pd.unique(probe)) > len(probe) / 2 and len(there) > 1:
        return Coded(values.astype(float), 0, np.zeros(0), some, continuous=True)
    codes, levels = pd.factorize(values.astype(float), sort=True)
    return Coded(codes, -1, levels, True)


def pack(columns: Sequence[Coded], sums: Sequence[Array | None], *, rows: bool) -> Packed:
    """Count rows by their combination of codes.

    Args:
        columns: at least one, of codes.
        sums: arrays over rows that are added up by combination; None counts the rows.
        rows: whether to say which combination each row is.
    """
    n, sizes = len(columns[0].codes), [each.size for each in columns]
    size = prod(sizes)
    if size <= max(_DIRECT, 4 * n) and size < 1 << 31:
        return _counted(columns, sums, sizes, rows)
    labels = _labelled(columns)
    m = int(labels.max()) + 1 if n else 0
    first = np.zeros(m, dtype=np.intp)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)
    places = tuple(each.codes[first].astype(np.intp) - each.low for each in columns)
    totals = [np.bincount(labels, weights=each, minlength=m).astype(float) for each in sums]
    return Packed(places, totals, labels.astype(np.int32) if rows else None)


def _counted(columns: Sequence[Coded], sums: Sequence[Array | None], sizes: Sequence[int], rows: bool) -> Packed:
    """One count for every combination there could be."""
    n, size = len(columns[0].codes), prod(sizes)
    offset = 0
    for each, width in zip(columns, sizes, strict=True):
        offset = offset * width + each.low
    offset = (offset + (1 << 31)) % (1 << 32) - (1 << 31)  # sums may run over on the way; what is left does not
    chunk = max(_CHUNK, 4 * size)
    totals = [np.zeros(size) for _ in sums]
    codes = np.empty(n if rows else min(chunk, n), dtype=np.int32)
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        code = codes[start:stop] if rows else codes[: stop - start]
        for first in range(start, stop, _BLOCK):
            last = min(first + _BLOCK, stop)
            part = code[first - start : last - start]
            part[:] = columns[0].codes[first:last]
            for each, width in zip(columns[1:], sizes[1:], strict=True):
                part *= width
                part += each.codes[first:last]
            part -= offset
        for total, weights in zip(totals, sums, strict=True):
            total += np.bincount(code, weights=None if weights is None else weights[start:stop], minlength=size)
    occurs = totals[0] > 0
    for total in totals[1:]:
        occurs |= total > 0
    at = np.flatnonzero(occurs)
    kept = None
    if rows:
        kept = codes
        if len(at) < size:
            place = np.full(size, -1, dtype=np.int32)
            place[at] = np.arange(len(at), dtype=np.int32)
            for first in range(0, n, _BLOCK):
                kept[first : first + _BLOCK] = place.take(codes[first : first + _BLOCK])
    return Packed(np.unravel_index(at, sizes), [total[at] for total in totals], kept)


def _labelled(columns: Sequence[Coded]) -> Array:
    """Labels 0, 1, ... of the combinations that occur, in order, where there could be too many to count them all."""
    label, width = np.zeros(len(columns[0].codes), dtype=np.int64), 1
    for each in columns:
        if width * each.size >= _WIDEST:
            label, unique = pd.factorize(label, sort=True)
            width = len(unique)
        label = label * each.size + (each.codes.astype(np.int64) - each.low)
        width *= each.size
    labels: Array = pd.factorize(label, sort=True)[0]
    return labels
