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

_LONG = 1 << 20  # rows that are taken at a time, and from which two halves at once pay
_SLICE = 1 << 16  # clusters whose sums are held at a time
_DENSE = 4  # numbers per row up to which clusters by rows of the base are a plain table


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
    """Score of one unit of each of m distinct rows: ``factor[c] * base[row[c]]``.

    Args:
        base: shape (r, q).
        row: of each distinct row, its row of the base, shape (m,); None where they are the same.
        factor: shape (m,); None for 1.
    """

    base: Array
    row: Whole | None = None
    factor: Array | None = None

    def full(self) -> Array:
        """The scores, shape (m, q)."""
        rows = self.base if self.row is None else self.base[self.row]
        return rows if self.factor is None else rows * self.factor[:, None]


def influence(scores: Scores, bread: Array) -> Scores:
    """What each unit does to the estimates, to first order: its score times the inverse information."""
    return scores._replace(base=scores.base @ bread)


def meat(scores: Scores, ww: Array) -> Array:
    """Sum over units of the squares of their weighted scores, from the sum of squared weights of each distinct row.

    >>> meat(Scores(np.array([[1.0], [-2.0]])), np.array([3.0, 1.0]))
    array([[7.]])
    """
    row, factor = scores.row, scores.factor
    squares: Array = ww if factor is None else ww * factor**2
    if row is not None:
        squares = np.bincount(row, weights=squares, minlength=len(scores.base)).astype(float)
    total: Array = (scores.base * squares[:, None]).T @ scores.base
    return total


def cluster_meat(scores: Scores, clusters: Grouping) -> Array:
    """Sum over clusters of the squares of the sums of their weighted scores, exactly.

    Scores are added up by cluster and row of the base, in a table where clusters are few; else rows are put in the
    order of their clusters by counting. Either takes two small numbers a row, not a row of the design.

    Source: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13. Checked against: statsmodels, R's sandwich.

    >>> groups = Grouping(np.array([0, 1, 1]), np.array([0, 0, 1]), None, 2)
    >>> cluster_meat(Scores(np.array([[1.0], [-2.0]])), groups)
    array([[5.]])
    """
    n, rows = len(clusters.code), len(scores.base)
    size = int(clusters.code.max()) + 1 if n else 0
    if size * rows <= _DENSE * n:
        table = np.zeros(size * rows)
        for start in range(0, n, _LONG):
            part = slice(start, start + _LONG)
            row, factor = _taken(scores, clusters, part)
            np.add.at(table, clusters.code[part].astype(np.int64) * rows + row, factor)
        sums = table.reshape(size, rows) @ scores.base
        few: Array = sums.T @ sums
        return few
    half = n // 2 if n >= _LONG else n
    parts = [slice(0, half)] + ([slice(half, n)] if half < n else [])
    with ThreadPoolExecutor(len(parts)) as pool:
        sparse = list(pool.map(lambda part: _by_cluster(scores, clusters, part, size), parts))
        squares = pool.map(lambda start: _squares(sparse, scores.base, start), range(0, size, _SLICE))
        total: Array = sum(squares, np.zeros((scores.base.shape[1],) * 2))
    return total


def _taken(scores: Scores, clusters: Grouping, part: slice) -> tuple[Whole, Array]:
    """Of each row of a part, its row of the base, and what that is multiplied by."""
    cell = clusters.cell[part]
    row = cell.astype(np.int64) if scores.row is None else scores.row.take(cell)
    factor = np.ones(len(cell)) if scores.factor is None else scores.factor.take(cell)
    return row, factor if clusters.w is None else factor * clusters.w[part]


def _by_cluster(scores: Scores, clusters: Grouping, part: slice, size: int) -> csr_array:
    """Clusters by rows of the base: what each takes how often."""
    row, factor = _taken(scores, clusters, part)
    matrix = coo_array((factor, (clusters.code[part], row.astype(np.int32))), shape=(size, len(scores.base)))
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
