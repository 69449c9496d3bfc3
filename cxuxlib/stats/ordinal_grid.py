"""Cumulative link models on a table of distinct covariates by answers: each cumulative chance is computed once.

Where most answers occur on most distinct rows of the design, sums over rows by answer are sums over the columns of
small tables. The likelihood and its derivatives are those of `ordinal.height`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cxuxlib.stats.glm_newton import Climb, Height, climb
from cxuxlib.stats.ordinal import Link, thresholds_alone

__all__ = ["Grid", "fit_grid", "gridded", "height"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]

_SMALL = 1 << 12  # numbers of a table that cost nothing, however empty it is
_FAR = 700.0  # a cumulative logit whose odds are still a number
_EXPLAINED = 0.9  # share of the latent variance beyond which least squares are no place to start from
_FULL = 3  # numbers of a table for each distinct answer, up to which it pays


class Grid(NamedTuple):
    """Answers by distinct rows of the design.

    Args:
        x: design, shape (r, p).
        z: design of the thresholds, one column or none, shape (r, s).
        w: sum of weights of each answer on each row, shape (K, r).
    """

    x: Array
    z: Array
    w: Array


def gridded(x: Array, z: Array, row: Whole, y: Whole, w: Array, categories: int) -> Grid | None:
    """The table of distinct answers, given as `ordinal.answers` takes them; None where it would be mostly empty.

    >>> gridded(np.zeros((2, 1)), np.ones((2, 1)), np.array([0, 1, 1]), np.array([1, 0, 1]), np.arange(3.0), 2).w
    array([[0., 1.],
           [0., 2.]])
    """
    size = len(x) * categories
    if z.shape[1] > 1 or size > max(_SMALL, _FULL * len(w)):
        return None
    table = np.bincount(y * len(x) + row, weights=w, minlength=size).astype(float)
    return Grid(x, z, table.reshape(categories, len(x)))


def _both_tails(link: Link, a: Array) -> tuple[Array, Array, Array, Array]:
    """Distribution, what is left above, density and its slope, each exact in either tail."""
    if link == "probit":
        density = np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi)
        return ndtr(a), ndtr(-a), density, -a * density
    odds = np.exp(np.minimum(a, _FAR))
    above = 1 / (1 + odds)
    below = odds * above
    density = below * above
    return below, above, density, density * (above - below)


def height(grid: Grid, at: Array, link: Link) -> Height:
    """Log likelihood, gradient and observed information at thresholds and slopes.

    Checked against: `ordinal.height`.

    >>> grid = Grid(np.zeros((1, 0)), np.ones((1, 1)), np.array([[1.0], [1.0]]))
    >>> height(grid, np.array([0.0]), "logit").information
    array([[0.5]])
    """
    (x, z, w), q = grid, len(at)
    first = (len(w) - 1) * z.shape[1]
    slope, hessian = np.zeros(q), np.zeros((q, q))
    lines = (at[:first, None] * z[:, 0] if first else 0.0) - (x @ at[first:])[None]
    below, above, f, bend = _both_tails(link, lines)
    chance = np.empty_like(w)
    chance[0], chance[-1] = below[0], above[-1]
    upper_tail = lines[1:] + lines[:-1] > 0  # there differences of what is left above are exact
    chance[1:-1] = np.where(upper_tail, above[:-1] - above[1:], below[1:] - below[:-1])
    chance[w == 0] = 1.0
    if not chance.min() > 0:
        return Height(-np.inf, slope, hessian)
    each = 1 / chance
    pull = w * each
    up, low = f * each[:-1], f * each[1:]  # slopes of the log chances below and above each threshold
    of_up, of_low = w[:-1] * up, w[1:] * low
    g = of_up - of_low
    own = bend * (pull[:-1] - pull[1:]) - of_up * up - of_low * low
    cross = of_up[1:] * low[:-1]
    along = own.copy()  # what one threshold's slope changes by where all cumulative logits move together
    along[1:] += cross
    along[:-1] += cross
    slope[first:] = -g.sum(axis=0) @ x
    hessian[first:, first:] = (x * along.sum(axis=0)[:, None]).T @ x
    if first:
        k = np.arange(first)
        slope[:first] = g @ z[:, 0]
        hessian[k, k] = own @ z[:, 0] ** 2
        hessian[k[1:], k[:-1]] = hessian[k[:-1], k[1:]] = cross @ z[:, 0] ** 2
        hessian[:first, first:] = -along @ (x * z)
        hessian[first:, :first] = hessian[:first, first:].T
    return Height(float((w * np.log(chance)).sum()), slope, -hessian)


def fit_grid(grid: Grid, link: Link, n: float) -> Climb:
    """Fit a cumulative link model by maximum likelihood, as `ordinal.fit_ordinal` does.

    >>> float(fit_grid(Grid(np.zeros((1, 0)), np.ones((1, 1)), np.array([[1.0], [3.0]])), "logit", 4).at[0].round(6))
    -1.098612
    """
    return climb(lambda at: height(grid, at, link), _start(grid, link), n)


def _start(grid: Grid, link: Link) -> Array:
    """Thresholds alone, with slopes by least squares of the mean latent answer of each category where there are any."""
    (x, z, w), total = grid, grid.w.sum(axis=1)
    start = thresholds_alone(total, z.shape[1], x.shape[1], link)
    first, share = len(start) - x.shape[1], w.sum(axis=0) / total.sum()
    if not (first and x.shape[1] and (z == 1).all() and (total > 0).all()):
        return start
    cuts = start[:first]
    if link == "probit":
        ends, variance = -np.exp(-0.5 * cuts * cuts) / np.sqrt(2 * np.pi), 1.0
    else:  # of the integral of a times the logistic density up to each threshold
        ends, variance = cuts / (1 + np.exp(-cuts)) - np.logaddexp(0, cuts), np.pi**2 / 3
    score = np.diff(ends, prepend=0.0, append=0.0) / (total / total.sum())
    centred = x - share @ x
    spread = (centred * share[:, None]).T @ centred
    try:
        slope = np.linalg.solve(spread, (score @ w / total.sum()) @ centred)
    except np.linalg.LinAlgError:
        return start
    explained = float(slope @ spread @ slope) / variance
    if not 0 <= explained < _EXPLAINED:  # also where it is no number
        return start
    grown = 1 / np.sqrt(1 - explained)
    return np.concatenate([(cuts + share @ x @ slope) * grown, slope * grown])
