"""Correlations of what lies behind ordered answers: thresholds, polychoric correlations, and their joint covariance.

Behind each answer stands a normal variable cut at thresholds, and behind two answers a bivariate normal one. The
thresholds come from the margins and each correlation from the table of its pair, by maximum likelihood given the
thresholds (Olsson 1979, doi:10.1007/BF02296207, two steps). What one unit adds to the error of each figure is a
function of its answers to one or two items, so that all is computed from tables and distinct rows (Muthén 1984,
doi:10.1007/BF02294210).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cxuxlib.errors import ModelError
from cxuxlib.stats.answer_tables import MISSING, Coded, Tables, crossed
from cxuxlib.stats.binormal import THIN, cells, threshold_slopes
from cxuxlib.stats.correlations import Influence, influence_covariance

__all__ = ["LARGEST", "Polychoric", "polychoric", "polychoric_covariance", "polychoric_influence"]

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

LARGEST = 0.999  # size of a correlation, as in lavaan
_FILL = 40.0  # a threshold beyond all answers
_NEWTON, _STEPS = 30, 60  # steps; the later ones halve a bracket, should Newton's ever not settle
_CLOSE = 1e-6  # of a Newton step; what it leaves is its square
_FLAT = 1e-2  # information of all units below which a standard error is above 10: the likelihood is flat up to ±1


class Polychoric(NamedTuple):
    """Thresholds and polychoric correlations.

    Args:
        thresholds: of all items, one item after the other, shape (t,).
        item: the item of each threshold, shape (t,).
        corr: polychoric correlations, shape (p, p).
        n: number of units.
        empty: pairs of items with a cell that nobody is in.
        bound: pairs of items whose tables fit ±1 best, with no cell that speaks against it; theirs is put to ±.999, and
            it has no standard error.
        tables: the counts behind.
    """

    thresholds: Array
    item: Whole
    corr: Array
    n: float
    empty: tuple[tuple[int, int], ...]
    bound: tuple[tuple[int, int], ...]
    tables: Tables

    @property
    def statistics(self) -> Array:
        """Thresholds, then correlations a < b in row order."""
        return np.concatenate([self.thresholds, self.corr[np.triu_indices(len(self.corr), 1)]])


def polychoric(data: Coded, tables: Tables | None = None, *, empty: float = 0.0) -> Polychoric:
    """Thresholds and polychoric correlations of ordered answers.

    τ_k = Φ⁻¹(share of answers up to k), and ρ_ij the root of Σ n_ab ∂ log π_ab / ∂ρ of the pair's table, by Newton
    steps kept within brackets, all pairs at once. An empty cell of a 2 × 2 table gets half a unit, with the margins
    kept; those of larger tables get what ``empty`` says, by default nothing: both as in lavaan.

    Args:
        data: answers, with at least one of each category; where some are missing, each table takes the units that
            answered its items.
        tables: their counts, if they are there already.
        empty: units added to each empty cell of a table larger than 2 × 2, such as .5, which moves correlations that
            would be ±1 inside.

    Returns:
        The figures; `polychoric_covariance` gives their covariance.

    Raises:
        ModelError: two items were never answered by the same unit.

    Source: Olsson 1979, doi:10.1007/BF02296207. Checked against: lavaan and psych (R), and scipy's bivariate normal.

    >>> from cxuxlib.stats.answer_tables import coded
    >>> found = polychoric(coded([[0, 0], [0, 1], [1, 0], [1, 1]], [2, 1, 1, 2]))
    >>> round(float(found.corr[0, 1]), 6), found.thresholds.tolist()
    (0.5, [0.0, 0.0])
    """
    tables = crossed(data) if tables is None else tables
    p, sizes = len(data.codes), data.sizes
    rows, columns = np.triu_indices(p, 1)
    lonely = np.flatnonzero(tables.pairs.sum(axis=(1, 2)) == 0)
    if len(lonely):
        i, j = rows[lonely[0]], columns[lonely[0]]
        raise ModelError(f"No unit answered both {data.names[i]!r} and {data.names[j]!r}: leave one of them out.")
    grid = _grid(tables.margins, sizes)
    inside = np.arange(tables.margins.shape[1])
    real = (inside < sizes[rows, None])[:, :, None] & (inside < sizes[columns, None])[:, None, :]
    holes = (tables.pairs == 0) & real
    counts = _filled(tables.pairs, holes, (sizes[rows] == 2) & (sizes[columns] == 2), empty)
    rho, at_bound = _roots(counts, grid[rows], grid[columns])
    corr = np.eye(p)
    corr[rows, columns] = corr[columns, rows] = rho
    holed = holes.any(axis=(1, 2))
    used = np.arange(grid.shape[1]) < sizes[:, None] - 1
    return Polychoric(
        grid[used],
        np.repeat(np.arange(p), sizes - 1),
        corr,
        float(data.n.sum()),
        tuple((int(i), int(j)) for i, j in zip(rows[holed], columns[holed], strict=True)),
        tuple((int(i), int(j)) for i, j in zip(rows[at_bound], columns[at_bound], strict=True)),
        tables,
    )


def _grid(margins: Array, sizes: Whole) -> Array:
    """Thresholds by item, shape (p, K - 1), filled up."""
    below = np.cumsum(margins, axis=1)[:, :-1] / margins.sum(axis=1, keepdims=True)
    beyond = np.arange(below.shape[1]) >= sizes[:, None] - 1
    return np.where(beyond, _FILL, ndtri(np.where(beyond, 0.5, below)))


def _filled(pairs: Array, holes: NDArray[np.bool_], fourfold: NDArray[np.bool_], empty: float) -> Array:
    """Half a unit in the one empty cell of a 2 × 2 table, with its margins kept; elsewhere what is asked for."""
    wanting = np.flatnonzero(fourfold & (holes.sum(axis=(1, 2)) == 1))
    counts = np.where(holes & ~fourfold[:, None, None], empty, pairs)
    diagonal = holes[wanting, 0, 0] | holes[wanting, 1, 1]
    half = np.where(diagonal, 0.5, -0.5)[:, None, None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    counts[wanting, :2, :2] += half
    return counts


def _roots(counts: Array, a: Array, b: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The correlation of greatest likelihood of each table, and whether it is ±1."""
    rho = _start(counts, a, b)
    low, high = np.full(len(rho), -LARGEST), np.full(len(rho), LARGEST)
    known, open_ = np.zeros(len(rho)), np.arange(len(rho))
    for step in range(_STEPS):
        if not len(open_):
            break
        here, n = rho[open_], counts[open_]
        found = cells(a[open_], b[open_], here)
        slope, bend = (n * found.slope).sum(axis=(1, 2)), (n * found.bend).sum(axis=(1, 2))
        low[open_] = np.where(slope >= 0, here, low[open_])
        high[open_] = np.where(slope <= 0, here, high[open_])
        known[open_] = (n * found.slope**2).sum(axis=(1, 2))
        bend = np.where(bend < 0, bend, -known[open_])
        new = here - slope / np.where(bend < 0, bend, -1.0)
        outside = (new <= low[open_]) | (new >= high[open_]) | (step >= _NEWTON)
        new = np.where(outside, (low[open_] + high[open_]) / 2, new)
        rho[open_] = new
        open_ = open_[np.abs(new - here) > _CLOSE]
    bound = (np.abs(rho) > LARGEST - 1e-5) | (known < _FLAT)
    return np.where(bound, np.sign(rho) * LARGEST, rho), bound


def _start(counts: Array, a: Array, b: Array) -> Array:
    """Covariance of the category numbers over Σφ(a) Σφ(b), its slope by ρ at 0."""
    x = np.arange(counts.shape[1])
    n = counts.sum(axis=(1, 2))
    rows, columns = counts.sum(axis=2) @ x / n, counts.sum(axis=1) @ x / n
    product = (counts @ x) @ x / n - rows * columns
    heights = [np.exp(-0.5 * each**2).sum(axis=1) / np.sqrt(2 * np.pi) for each in (a, b)]
    start: Array = np.clip(product / (heights[0] * heights[1]), -0.9, 0.9)
    return start


def polychoric_influence(data: Coded, fit: Polychoric) -> Influence:
    """What each unit contributes to the error of each threshold and each correlation.

    Of a threshold (1(y ≤ k) - P_k)/φ(τ_k); of a correlation [s(y_i, y_j) - Σ_k c_k ψ(τ_k)]/A with s the slope of the
    log probability of its cell, A the mean of s² and c the mean of s times the slopes by the thresholds of both items.

    Args:
        data: the answers.
        fit: their thresholds and correlations.

    Returns:
        A function from a slice of the rows to their influences, shape (rows, t + q), in the order of
        `Polychoric.statistics`; 0 where an answer is missing.

    Raises:
        ModelError: a correlation of ±1, which has no error.

    Source: Muthén 1984, doi:10.1007/BF02294210. Checked against: lavaan (R), counts shifted a little.

    >>> from cxuxlib.stats.answer_tables import coded
    >>> answers = coded([[0, 0], [0, 1], [1, 0], [1, 1]], [2, 1, 1, 2])
    >>> polychoric_influence(answers, polychoric(answers))(slice(0, 2)).round(4).tolist()
    [[1.2533, 1.2533, 0.9069], [1.2533, -1.2533, -1.8138]]
    """
    if fit.bound:
        i, j = (data.names[each] for each in fit.bound[0])
        raise ModelError(
            f"The answers to {i!r} and {j!r} fit a polychoric correlation of ±1 best, which has no error. Join rare "
            "categories, or leave one of the items out."
        )
    rows, columns = np.triu_indices(len(data.codes), 1)
    by_item = _threshold_influences(fit, data.sizes)
    by_pair = _correlation_influences(fit, data.sizes, by_item, rows, columns)
    codes = np.where(data.codes == MISSING, by_item.shape[1] - 1, data.codes)
    t, step, pairs = len(fit.thresholds), by_item.shape[1], list(zip(rows, columns, strict=True))
    by_pair = by_pair.reshape(len(rows), step * step)

    def influence(part: slice) -> Array:
        some = codes[:, part]
        found = np.empty((t + len(rows), some.shape[1]))
        for i in range(len(some)):
            own = fit.item == i
            found[:t][own] = by_item[i, :, : own.sum()].T[:, some[i]]
        for place, (first, second) in enumerate(pairs):
            np.take(by_pair[place], some[first] * step + some[second], out=found[t + place], mode="clip")
        return found.T

    return influence


def polychoric_covariance(data: Coded, fit: Polychoric) -> Array:
    """Asymptotic covariance (times n) of thresholds and polychoric correlations, whatever lies behind the answers.

    Args:
        data: the answers.
        fit: their thresholds and correlations.

    Returns:
        Shape (t + q, t + q), in the order of `Polychoric.statistics`; the inverse of its diagonal weighs the
        residuals in a diagonally weighted fit.

    Raises:
        ModelError: a correlation of ±1, which has no error.

    Source: Muthén 1984, doi:10.1007/BF02294210. Checked against: lavaan's `lavInspect(fit, "gamma")` (R).

    >>> from cxuxlib.stats.answer_tables import coded
    >>> answers = coded([[0, 0], [0, 1], [1, 0], [1, 1]], [2, 1, 1, 2])
    >>> polychoric_covariance(answers, polychoric(answers)).diagonal().round(4).tolist()
    [1.5708, 1.5708, 1.6449]
    """
    return influence_covariance(polychoric_influence(data, fit), data.n)


def _threshold_influences(fit: Polychoric, sizes: Whole) -> Array:
    """By item, answer (the last is missing) and threshold, shape (p, K + 1, K - 1)."""
    margins = fit.tables.margins
    own = margins.sum(axis=1, keepdims=True)
    p, K = margins.shape
    grid = _grid(margins, sizes)
    height = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
    each = np.where(grid < _FILL, fit.n / (own * np.where(height > 0, height, 1.0)), 0.0)
    below = np.cumsum(margins, axis=1)[:, :-1] / own
    found = np.zeros((p, K + 1, K - 1))
    found[:, :K] = (np.tri(K, K - 1, -1) == 0) - below[:, None, :]
    found *= each[:, None, :]
    return found


def _correlation_influences(fit: Polychoric, sizes: Whole, by_item: Array, rows: Whole, columns: Whole) -> Array:
    """By pair and both answers (the last is missing), shape (q, K + 1, K + 1)."""
    n, grid = fit.tables.pairs, _grid(fit.tables.margins, sizes)
    a, b, rho = grid[rows], grid[columns], fit.corr[rows, columns]
    of = cells(a, b, rho)
    K = n.shape[1]
    known = of.share >= THIN  # what a thinner cell says about thresholds is left out
    each = np.where(known, n * of.slope / np.where(known, of.share, 1.0), 0.0)
    first = -(np.diff(each, axis=1) * threshold_slopes(a, b, rho)).sum(axis=2)
    second = -(np.diff(each, axis=2) * threshold_slopes(b, a, rho).transpose(0, 2, 1)).sum(axis=1)
    found = np.zeros((len(rho), K + 1, K + 1))
    found[:, :K, :K] = fit.n * of.slope
    found -= np.einsum("qat,qt->qa", by_item[rows], first)[:, :, None]
    found -= np.einsum("qat,qt->qa", by_item[columns], second)[:, None, :]
    found /= (n * of.slope**2).sum(axis=(1, 2))[:, None, None]
    return found
