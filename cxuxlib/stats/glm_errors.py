"""Covariances of estimates from the scores of distinct rows: observed, robust, and of clusters, all exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

__all__ = ["Grouping", "Scores", "cluster_meat", "influence", "meat"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]

_LONG = 1 << 20  # rows from which two halves at once pay
_BLOCK = 1 << 16  # rows that are taken at a time, which stay in the cache
_SLICE = 1 << 16  # clusters whose sums are held at a time
_DENSE = 4  # numbers per row up to which clusters by rows of the base are a plain table
_NEAR = 1 << 19  # numbers of a table that is quick wherever it is added to
_PARTS = 4  # such tables that are quicker than one large one, or none
_OFTEN = 8  # rows for each row of the base from which looking for such tables pays


class Grouping(NamedTuple):
    """Which cluster each row belongs to.

    Args:
        cell: of each row, its distinct row.
        code: of each row, its cluster, 0 or more.
        w: of each row, its weight; None where all have 1.
        n: clusters that have a row.
    """

    cell: Whole
    code: Whole
    w: Array | None
    n: int


class Scores(NamedTuple):
    """Score of one unit of each of m distinct rows: ``factor[c] * base[row[c]] @ turn``.

    Args:
        base: shape (r, k).
        row: of each distinct row, its row of the base, shape (m,); None where they are the same.
        factor: shape (m,); None for 1.
        turn: shape (k, q); None where the base is as it should be.
    """

    base: Array
    row: Whole | None = None
    factor: Array | None = None
    turn: Array | None = None

    def turned(self) -> Array:
        """The base as it should be, shape (r, q)."""
        return self.base if self.turn is None else self.base @ self.turn

    def full(self) -> Array:
        """The scores, shape (m, q)."""
        rows = self.turned() if self.row is None else self.turned()[self.row]
        return rows if self.factor is None else rows * self.factor[:, None]


def influence(scores: Scores, bread: Array) -> Scores:
    """What each unit does to the estimates, to first order: its score times the inverse information."""
    return scores._replace(base=scores.turned() @ bread, turn=None)


def _turned(scores: Scores, total: Array) -> Array:
    """What a sum of squares of the base is one of scores."""
    turned: Array = total if scores.turn is None else scores.turn.T @ total @ scores.turn
    return turned


def meat(scores: Scores, ww: Array) -> Array:
    """Sum over units of the squares of their weighted scores, from the sum of squared weights of each distinct row.

    >>> meat(Scores(np.array([[1.0], [-2.0]])), np.array([3.0, 1.0]))
    array([[7.]])
    """
    row, factor = scores.row, scores.factor
    squares: Array = ww if factor is None else ww * factor**2
    if row is not None:
        squares = np.bincount(row, weights=squares, minlength=len(scores.base)).astype(float)
    return _turned(scores, (scores.base * squares[:, None]).T @ scores.base)


def cluster_meat(scores: Scores, clusters: Grouping) -> Array:
    """Sum over clusters of the squares of the sums of their weighted scores, exactly.

    Scores are added up by cluster in small tables of few columns of the base, where these have few distinct rows, or in
    one of all its rows, where clusters are few; else rows are put in the order of their clusters by counting. Each
    takes two small numbers a row, not a row of the design.

    Source: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13. Checked against: statsmodels, R's sandwich.

    >>> groups = Grouping(np.array([0, 1, 1]), np.array([0, 0, 1]), None, 2)
    >>> cluster_meat(Scores(np.array([[1.0], [-2.0]])), groups)
    array([[5.]])
    """
    n, rows = len(clusters.code), len(scores.base)
    size = int(clusters.code.max()) + 1 if n else 0
    parts = _parts(scores.base, size) if size * rows > _NEAR and _OFTEN * rows <= n else None
    if parts or size * rows <= _DENSE * n:
        sums = _by_tables(scores, clusters, parts or [_Part(slice(None), np.arange(rows), scores.base)], size)
        return _turned(scores, sums.T @ sums)
    half = n // 2 if n >= _LONG else n
    halves = [slice(0, half)] + ([slice(half, n)] if half < n else [])
    with ThreadPoolExecutor(len(halves)) as pool:
        sparse = list(pool.map(lambda part: _by_cluster(scores, clusters, part, size), halves))
        squares = pool.map(lambda start: _squares(sparse, scores.base, start), range(0, size, _SLICE))
        return _turned(scores, sum(squares, np.zeros((scores.base.shape[1],) * 2)))


class _Part(NamedTuple):
    """Some columns of a base: which, of each of its rows its place among their distinct rows, and these."""

    columns: slice
    place: Whole
    base: Array


def _parts(base: Array, size: int) -> list[_Part] | None:
    """Neighbouring columns of few distinct rows, of which a table by clusters is small; None where one has many."""
    most, parts, first = _NEAR // size, [], 0
    place, width = np.zeros(len(base), dtype=np.intp), 1
    for j, column in enumerate(base.T):
        levels, own = np.unique(column, return_inverse=True)
        if len(levels) * width > most:
            parts.append(_part(base, slice(first, j), place, width))
            place, width, first = np.zeros(len(base), dtype=np.intp), 1, j
        if len(levels) > most or len(parts) == _PARTS:
            return None
        place, width = place * len(levels) + own, width * len(levels)
    return [*parts, _part(base, slice(first, base.shape[1]), place, width)]


def _part(base: Array, columns: slice, place: Whole, width: int) -> _Part:
    distinct = np.zeros((width, columns.stop - columns.start))
    distinct[place] = base[:, columns]
    return _Part(columns, place, distinct)


def _by_tables(scores: Scores, clusters: Grouping, parts: list[_Part], size: int) -> Array:
    """Sums of the weighted base by cluster, shape (size, k)."""
    places = [part.place.astype(np.int32) for part in parts]
    if scores.row is not None:
        places = [place.take(scores.row) for place in places]
    tables = [np.zeros(size * len(part.base)) for part in parts]
    for start in range(0, len(clusters.code), _BLOCK):
        some = slice(start, start + _BLOCK)
        cell, code = clusters.cell[some].astype(np.intp), clusters.code[some].astype(np.intp)
        factor = _factor(scores, clusters, cell, some)
        for part, place, table in zip(parts, places, tables, strict=True):
            np.add.at(table, code * len(part.base) + place.take(cell), factor)
    sums: Array = np.empty((size, scores.base.shape[1]))
    for part, table in zip(parts, tables, strict=True):
        sums[:, part.columns] = table.reshape(size, len(part.base)) @ part.base
    return sums


def _factor(scores: Scores, clusters: Grouping, cell: Whole, part: slice) -> Array:
    """What the base of each row of a part is multiplied by."""
    factor = np.ones(len(cell)) if scores.factor is None else scores.factor.take(cell)
    return factor if clusters.w is None else factor * clusters.w[part]


def _by_cluster(scores: Scores, clusters: Grouping, part: slice, size: int) -> csr_array:
    """Clusters by rows of the base: what each takes how often."""
    cell = clusters.cell[part]
    row = cell if scores.row is None else scores.row.astype(np.int32).take(cell)
    factor = _factor(scores, clusters, cell, part)
    matrix = coo_array((factor, (clusters.code[part], row)), shape=(size, len(scores.base)))
    matrix.has_canonical_format = True  # rows that repeat may stay apart: they are only added up
    return matrix.tocsr()


def _squares(sparse: list[csr_array], base: Array, start: int) -> Array:
    """Sum of the squares of some clusters' sums; slices of a sparse array would copy it."""
    sums: Array = np.zeros((0, 0))
    for i, each in enumerate(sparse):
        ends = each.indptr[start : start + _SLICE + 1]
        own = slice(ends[0], ends[-1])
        some = csr_array((each.data[own], each.indices[own], ends - ends[0]), shape=(len(ends) - 1, len(base)))
        sums = sums + some @ base if i else some @ base
    squares: Array = sums.T @ sums
    return squares
