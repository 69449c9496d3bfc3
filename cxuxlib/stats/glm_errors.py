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
_SLICE = 1 << 16  # clusters whose sums are held at a time


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

    Rows are put in the order of their clusters by counting, and their scores added up from the distinct ones; that
    takes two small numbers a row, not a row of the design.

    Source: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13. Checked against: statsmodels, R's sandwich.

    >>> groups = Grouping(np.array([0, 1, 1]), np.array([0, 0, 1]), None, 2)
    >>> cluster_meat(Scores(np.array([[1.0], [-2.0]])), groups)
    array([[5.]])
    """
    n = len(clusters.code)
    size = int(clusters.code.max()) + 1 if n else 0
    half = n // 2 if n >= _LONG else n
    parts = [slice(0, half)] + ([slice(half, n)] if half < n else [])
    with ThreadPoolExecutor(len(parts)) as pool:
        sparse = list(pool.map(lambda part: _by_cluster(scores, clusters, part, size), parts))
    total = np.zeros((scores.base.shape[1],) * 2)
    for start in range(0, size, _SLICE):
        sums = sum(each[start : start + _SLICE] @ scores.base for each in sparse)
        total += sums.T @ sums
    return total


def _by_cluster(scores: Scores, clusters: Grouping, part: slice, size: int) -> csr_array:
    """Clusters by rows of the base: what each takes how often."""
    cell = clusters.cell[part]
    row = cell if scores.row is None else scores.row.astype(np.int32).take(cell)
    factor = np.ones(len(cell)) if scores.factor is None else scores.factor.take(cell)
    if clusters.w is not None:
        factor = factor * clusters.w[part]
    matrix = coo_array((factor, (clusters.code[part], row)), shape=(size, len(scores.base)))
    matrix.has_canonical_format = True  # rows that repeat may stay apart: they are only added up
    return matrix.tocsr()
