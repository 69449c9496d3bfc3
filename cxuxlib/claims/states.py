"""The states of mind behind answers to the facets' items: weighted draws of what each respondent may feel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

_SEED = 20_260_102
_REACH, _GRID = 6.0, 481  # of a state in standard deviations, and points over it
_LOUD = 0.99  # largest loading that leaves an item some error
_FEWEST, _MOST = 1e-6, 0.98  # share of the variance of a state that answers take away
_CUTS = 9  # of an item with more answers than can be ordered
_OUT = 40.0  # a threshold beyond all answers


class Item(NamedTuple):
    """Answers to one item as categories.

    Args:
        codes: category of each row, 0 to K - 1, and -1 where missing, shape (m,).
        cuts: thresholds between the categories on the scale of a standard normal, shape (K - 1,).
        loading: on its construct.
    """

    codes: Whole
    cuts: Array
    loading: float


class States(NamedTuple):
    """What the rows' facets may be, given the answers to the facets' items alone.

    Args:
        x: draws of the facets, shape (m, d, k).
        w: their weights, which add up to 1 in each row, shape (m, d).
        n: units that each row stands for, shape (m,).
        corr: correlations of the facets, shape (k, k).
    """

    x: Array
    w: Array
    n: Array
    corr: Array


def item(x: Array, n: Array, loading: float, cuts: Mapping[int, float] | None) -> Item:
    """Categories and thresholds of an item: at the answers of ``cuts``, or at quantiles where there are none.

    >>> item(np.array([1.0, 2.0, 2.0, np.nan]), np.ones(4), 0.8, {2: -0.43}).codes.tolist()
    [0, 1, 1, -1]
    """
    there = ~np.isnan(x)
    levels, of = np.unique(x[there], return_inverse=True)
    if cuts:
        starts = np.array(sorted(cuts), dtype=np.float64)
    else:
        below = np.cumsum(np.bincount(of, n[there])) / n[there].sum()
        at = np.searchsorted(below, np.arange(1, _CUTS + 1) / (_CUTS + 1))
        starts = levels[np.unique(np.clip(at + 1, 1, len(levels) - 1))]
    codes = np.full(len(x), -1, dtype=np.intp)
    codes[there] = np.searchsorted(starts, x[there], side="right")
    share = np.bincount(codes[there], n[there], minlength=len(starts) + 1) / n[there].sum()
    return Item(codes, ndtri(np.cumsum(share)[:-1]), float(np.clip(loading, -_LOUD, _LOUD)))


def drawn(facets: Sequence[Sequence[Item]], corr: Array, n: Array, draws: int = 32) -> States:
    """Draw the facets of each row from what its answers leave open, by importance sampling.

    p(x | answers) is proportional to N(x; 0, corr) · Π Φ(item's category given its facet). Draws come in mirrored pairs
    from the normal distribution that matches each facet's own posterior, and are weighted by the ratio of the two, so
    that means over draws are right for any function of the facets. An item that was not answered says nothing.

    Args:
        facets: the items of each facet.
        corr: correlations of the facets, shape (k, k).
        n: units by row, shape (m,).
        draws: per row, an even number.

    Returns:
        `States`.

    Source: Muraki & Engelhard 1985, doi:10.1177/014662168500900410 (posterior means of factors). Checked against:
    the closed form where items are nearly continuous, and numerical integration of one facet.

    >>> one = Item(np.array([0, 1]), np.array([0.0]), 0.8)
    >>> found = drawn([[one]], np.eye(1), np.ones(2), 4096)
    >>> (found.x[..., 0] * found.w).sum(axis=1).round(1).tolist()  # ∓ 0.8 · √(2/π)
    [-0.6, 0.6]
    """
    sheets, of = np.unique(
        np.column_stack([one.codes for items in facets for one in items]), axis=0, return_inverse=True
    )
    columns = iter(sheets.T)
    own = [[one._replace(codes=next(columns)) for one in items] for items in facets]
    x, w = _sampled(own, corr, len(sheets), draws)
    of = of.reshape(-1)
    return States(x[of], w[of], n, corr)


def _sampled(facets: Sequence[Sequence[Item]], corr: Array, m: int, draws: int) -> tuple[Array, Array]:
    """Draws and weights of sheets that all differ, in an order of their own, so that the order of rows is no matter."""
    k = len(facets)
    grid = np.linspace(-_REACH, _REACH, _GRID)
    density = np.exp(-(grid**2) / 2)
    taken, pulled, tables, rows = np.empty((m, k)), np.empty((m, k)), [], []
    for place, items in enumerate(facets):
        patterns, row = np.unique(np.column_stack([each.codes for each in items]), axis=0, return_inverse=True)
        log_like = np.sum([_log_chance(each, patterns[:, j], grid) for j, each in enumerate(items)], axis=0)
        own = density * np.exp(log_like - np.max(log_like, axis=1, keepdims=True))
        own /= own.sum(axis=1, keepdims=True)
        mean = own @ grid
        variance = np.clip(own @ grid**2 - mean**2, 1 - _MOST, 1 - _FEWEST)
        row = row.reshape(-1)
        taken[:, place], pulled[:, place] = (1 / variance - 1)[row], (mean / variance)[row]
        tables.append(log_like)
        rows.append(row)
    precision = np.linalg.inv(corr)[None] + taken[:, :, None] * np.eye(k)
    covariance = np.linalg.inv(precision)
    mean = (covariance @ pulled[:, :, None])[:, :, 0]
    root = np.linalg.cholesky(covariance)
    half = np.random.default_rng(_SEED).standard_normal((m, draws // 2, k))
    steps = np.einsum("mij,mdj->mdi", root, half)
    x = np.concatenate([mean[:, None] + steps, mean[:, None] - steps], axis=1)
    log_w = np.zeros((m, draws))
    for place in range(k):
        state = np.clip(x[..., place], -_REACH, _REACH)
        site = pulled[:, None, place] * state - taken[:, None, place] * state**2 / 2
        log_w += _between(tables[place], rows[place], state) - site
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    return x, w / w.sum(axis=1, keepdims=True)


def _log_chance(one: Item, codes: Whole, grid: Array) -> Array:
    """Log chance of these categories at each point of the grid, shape (patterns, grid); 0 where missing."""
    edges = np.concatenate([[-_OUT], one.cuts, [_OUT]])
    left = np.sqrt(1 - one.loading**2)
    below = ndtr((edges[:, None] - one.loading * grid) / left)
    above = ndtr((one.loading * grid - edges[:, None]) / left)
    chance = np.where(edges[:-1, None] > one.loading * grid, above[:-1] - above[1:], below[1:] - below[:-1])
    table = np.vstack([np.log(np.maximum(chance, 1e-300)), np.zeros((1, len(grid)))])
    found: Array = table[codes]
    return found


def _between(table: Array, row: Whole, x: Array) -> Array:
    """Straight lines between the points of the grid."""
    place = (x + _REACH) * ((_GRID - 1) / (2 * _REACH))
    low = np.minimum(place.astype(np.intp), _GRID - 2)
    part = place - low
    flat = table.ravel()
    start = row[:, None] * _GRID + low
    found: Array = flat[start] * (1 - part) + flat[start + 1] * part
    return found
