"""Ordered answers as codes, and the tables of every pair of items, from distinct rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, listed

__all__ = ["MISSING", "Coded", "Tables", "coded", "crossed"]

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

MISSING = -1  # an answer that is not there
_CATEGORIES, _SPAN = 100, 10_000  # what has more is not an item with ordered answers


class Coded(NamedTuple):
    """Ordered answers of distinct rows.

    Args:
        codes: category of each item and row, 0 to K_i - 1, and `MISSING`; shape (p, m).
        n: how many units each row stands for, shape (m,).
        levels: the answers behind the categories of each item.
        names: of the items, for messages.
    """

    codes: Whole
    n: Array
    levels: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]

    @property
    def sizes(self) -> Whole:
        """Number of categories of each item."""
        return np.array([len(each) for each in self.levels], dtype=np.intp)


class Tables(NamedTuple):
    """Counts of the answers.

    Args:
        margins: units by item and category, 0 beyond an item's last category, shape (p, K).
        pairs: units by pair of items and their categories, pairs a < b in row order, shape (q, K, K).
    """

    margins: Array
    pairs: Array


def coded(
    answers: Any,
    n: Any = None,
    levels: Sequence[Sequence[int]] | None = None,
    *,
    names: Sequence[str] | None = None,
    missing: int = MISSING,
    where: str = "",
) -> Coded:
    """Codes of ordered answers, checked.

    Args:
        answers: distinct rows (or any rows) of whole numbers, shape (m, p).
        n: how many units each row stands for, shape (m,); one each when None.
        levels: the answers that each item allows, in order; when None, those that were given.
        names: of the items, for messages; item 1, item 2, ... when None.
        missing: the whole number that stands for no answer.
        where: what the answers belong to, such as a group, for messages.

    Raises:
        ArgumentError: the shapes do not fit, or there are numbers that are not whole, or counts below 0.
        AnswerError: an answer is not among the levels.
        SampleError: nobody chose a level; an item has no answers or one answer only.

    >>> found = coded([[1, 5], [2, 4], [1, 4]], [10, 20, 30])
    >>> found.codes.tolist(), found.levels
    ([[0, 1, 0], [1, 0, 0]], ((1, 2), (4, 5)))
    """
    rows = np.asarray(answers)
    whole = rows.dtype.kind in "iu" or (
        rows.dtype.kind == "f" and np.isfinite(rows).all() and (rows == np.rint(rows)).all()
    )
    if rows.ndim != 2 or not whole:
        raise ArgumentError(
            "Ordered answers are whole numbers, a row for each unit and a column for each item; got "
            f"{rows.dtype} of shape {rows.shape}. A missing answer is {missing}."
        )
    m, p = rows.shape
    counts = np.ones(m) if n is None else np.asarray(n, dtype=float)
    if counts.shape != (m,) or not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ArgumentError(f"n counts the units of each of {m} rows: finite, 0 or more; got shape {counts.shape}.")
    called = tuple(names) if names is not None else tuple(f"item {i + 1}" for i in range(p))
    if len(called) != p or (levels is not None and len(levels) != p):
        raise ArgumentError(f"names and levels have an entry for each of {p} items; got {len(called)} names.")
    there = counts > 0
    columns = np.ascontiguousarray(rows[there].T).astype(np.intp)
    codes, found = np.empty_like(columns), []
    for i, (column, name) in enumerate(zip(columns, called, strict=True)):
        place = f"{name!r}{f' in {where}' if where else ''}"
        given = column != missing
        seen = _seen(column if given.all() else column[given], place)
        own = seen if levels is None else _checked(seen, levels[i], place)
        if len(own) < 2:
            raise SampleError(f"{place} has one answer only, {own[0]}: it does not vary and cannot be in the model.")
        place_of = np.full(own[-1] - own[0] + 1, MISSING)
        place_of[np.array(own) - own[0]] = np.arange(len(own))
        codes[i] = np.where(given, place_of[np.where(given, column, own[0]) - own[0]], MISSING)
        found.append(own)
    return Coded(codes, counts[there], tuple(found), called)


def _seen(column: Whole, place: str) -> tuple[int, ...]:
    """The answers that occur, rising."""
    if not len(column):
        raise SampleError(f"{place} has no answers: it cannot be in the model.")
    low, span = int(column.min()), int(column.max() - column.min()) + 1
    seen = np.flatnonzero(np.bincount(column - low)) + low if span <= _SPAN else np.unique(column)
    if len(seen) > _CATEGORIES or span > _SPAN:
        raise ArgumentError(
            f"{place} has {len(seen)} different answers from {low} to {low + span - 1}; an ordered item has at most "
            f"{_CATEGORIES}, with numbers less than {_SPAN:,} apart."
        )
    return tuple(int(each) for each in seen)


def _checked(seen: tuple[int, ...], levels: Sequence[int], place: str) -> tuple[int, ...]:
    """The levels of an item, each of which occurs."""
    allowed = tuple(int(each) for each in levels)
    if not allowed or sorted(set(allowed)) != list(allowed):
        raise ArgumentError(f"The levels of {place} are whole numbers that rise; got {list(levels)}.")
    if strange := [each for each in seen if each not in allowed]:
        raise AnswerError(f"{place} holds {listed(strange)}; its answers are {listed(allowed)}.")
    if unused := [each for each in allowed if each not in seen]:
        raise SampleError(
            f"Nobody answered {listed(unused)} to {place}, so its threshold is unknown. Join it with the answer beside "
            "it, in every group alike."
        )
    return allowed


def crossed(data: Coded) -> Tables:
    """Count the answers of each item and of each pair of items; a unit without an answer is in no table of that item.

    >>> crossed(coded([[1, 5], [2, 4], [1, 4]], [10, 20, 30])).pairs[0].tolist()
    [[30.0, 10.0], [20.0, 0.0]]
    """
    codes, p, K = data.codes, len(data.codes), int(data.sizes.max())
    step = K + 1  # the last row and column take up what is missing
    at = np.where(codes == MISSING, K, codes)
    margins = np.array([np.bincount(each, data.n, step)[:K] for each in at])
    pairs = np.empty((p * (p - 1) // 2, step, step))
    for place, (i, j) in enumerate(zip(*np.triu_indices(p, 1), strict=True)):
        pairs[place] = np.bincount(at[i] * step + at[j], data.n, step * step).reshape(step, step)
    return Tables(margins, pairs[:, :K, :K])
