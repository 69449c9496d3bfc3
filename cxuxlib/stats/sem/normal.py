"""Normal likelihood of a path model: -2 log L / N, its gradient, and its expected and observed information, exact.

With Q = Σ⁻¹, d = ȳ - μ and S* = S + dd' a block of units that answered the same variables has F = ln|Σ| + tr(S*Q). In
the coordinates of `paths` all derivatives are entries of W = Z'QZ, Y = Z'QS*QZ and g = Z'Qd; missing answers are
blocks that see some rows of Z only (full information maximum likelihood).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from cxuxlib.stats.sem.paths import Cells, State, implied

__all__ = ["Block", "Curve", "curve", "discrepancy"]

Array = np.ndarray


class Block(NamedTuple):
    """Units of one group that answered the same variables.

    Args:
        at: positions of these variables; None where all were answered.
        n: units.
        mean: means of what they answered; zeros where means are not modelled.
        covariance: covariances of what they answered, divisor n.
    """

    at: Array | None
    n: float
    mean: Array
    covariance: Array


class Curve(NamedTuple):
    """The discrepancy F = -2 log L / N without its constant, at some parameters.

    Args:
        value: F.
        slope: gradient of F.
        expected: expected information of one unit, half the expected Hessian of F.
        observed: observed information of one unit, half the Hessian of F; None unless asked for.
    """

    value: float
    slope: Array
    expected: Array
    observed: Array | None


def precision(sigma: Array) -> tuple[Array, float] | None:
    """Inverse and log determinant of a covariance matrix; None where it is not positive definite."""
    factor, bad = dpotrf(sigma, lower=1, clean=1)
    if bad:
        return None
    inverse, bad = dpotri(factor, lower=1)
    if bad:
        return None
    diagonal = inverse.diagonal().copy()
    inverse = inverse + inverse.T
    np.fill_diagonal(inverse, diagonal)
    return inverse, 2 * float(np.log(factor.diagonal()).sum())


def seen(state: State, block: Block) -> tuple[Array, Array, Array]:
    """Rows of z, implied covariances and means of what a block answered."""
    p = len(state.sigma)
    if block.at is None:
        return state.z[:p], state.sigma, state.mu
    return state.z[block.at], state.sigma[np.ix_(block.at, block.at)], state.mu[block.at]


def discrepancy(groups: Sequence[Cells], blocks: Sequence[Sequence[Block]], theta: Array) -> float:
    """F at ``theta``, infinite where it does not exist."""
    total, found = sum(each.n for group in blocks for each in group), 0.0
    for cells, group in zip(groups, blocks, strict=True):
        state = implied(cells, theta)
        if state is None:
            return np.inf
        for block in group:
            _, sigma, mu = seen(state, block)
            inverted = precision(sigma)
            if inverted is None:
                return np.inf
            gap = block.mean - mu
            fit = float((inverted[0] * block.covariance).sum() + gap @ inverted[0] @ gap)
            found += block.n / total * (inverted[1] + fit)
    return found if np.isfinite(found) else np.inf


def curve(
    groups: Sequence[Cells], blocks: Sequence[Sequence[Block]], theta: Array, *, observed: bool = True
) -> Curve | None:
    """F, its gradient and its informations at ``theta``; None where F does not exist."""
    total, size = sum(each.n for group in blocks for each in group), len(theta)
    found, slope, hoped, met = 0.0, np.zeros(size), np.zeros((size, size)), np.zeros((size, size))
    for cells, group in zip(groups, blocks, strict=True):
        state = implied(cells, theta)
        if state is None:
            return None
        z, k = state.z, len(cells.at)
        bent, pull = np.zeros((z.shape[1], z.shape[1])), np.zeros(z.shape[1])
        expected, bend = np.zeros((k, k)), np.zeros((k, k))
        for block in group:
            part, sigma, mu = seen(state, block)
            inverted = precision(sigma)
            if inverted is None:
                return None
            inverse, logdet = inverted
            gap, share = block.mean - mu, block.n / total
            towards = inverse @ part  # QZ
            w = part.T @ towards
            g = towards.T @ gap
            y = towards.T @ block.covariance @ towards + np.outer(g, g)
            found += share * (logdet + float((inverse * block.covariance).sum() + gap @ inverse @ gap))
            bent += share * (w - y)
            pull += share * g
            straight, curved = _informations(state, w, y, g, observed)
            expected += share * straight
            if observed:
                bend += share * curved
        rise = 2 * state.s * bent[state.u, state.v] - 2 * state.c * pull[state.u]
        _gather(slope, hoped, cells, rise, expected)
        if observed:
            _gather(slope, met, cells, None, bend + _second(cells, state, bent, pull))
    if not np.isfinite(found):
        return None
    return Curve(float(found), slope, hoped, met if observed else None)


def _gather(slope: Array, information: Array, cells: Cells, rise: Array | None, own: Array) -> None:
    """Add what the cells of a group say to what their parameters say."""
    if cells.plan.once:
        if rise is not None:
            slope[cells.at] += rise
        information[cells.plan.grid] += own
        return
    if rise is not None:
        np.add.at(slope, cells.at, rise)
    np.add.at(information, cells.plan.grid, own)


def _informations(state: State, w: Array, y: Array, g: Array, observed: bool) -> tuple[Array, Array]:
    """A block's expected information, and its part of the observed one that first derivatives make."""
    u, v, s, c = state.u, state.v, state.s, state.c
    wu, wv = w.take(u, axis=0), w.take(v, axis=0)
    uu, uv, vv = wu.take(u, axis=1), wu.take(v, axis=1), wv.take(v, axis=1)
    ss = s[:, None] * s
    of_covariances = ss * (uv * uv.T + uu * vv)
    moving = bool(c.any())
    means = (c[:, None] * c) * uu if moving else 0.0
    expected: Array = of_covariances + means
    if not observed:
        return expected, expected
    yu, yv = y.take(u, axis=0), y.take(v, axis=0)
    yuv = yu.take(v, axis=1)
    both = uv.T * yuv
    met: Array = ss * (both + both.T + vv * yu.take(u, axis=1) + uu * yv.take(v, axis=1)) - of_covariances
    if moving:
        cross = (c[:, None] * s) * (uv * g[u] + uu * g[v])
        met = met + means + cross + cross.T
    return expected, met


def _second(cells: Cells, state: State, bent: Array, pull: Array) -> Array:
    """The part of the observed information that second derivatives of Σ and μ make; effects alone have any."""
    paths, k = cells.plan.paths, len(cells.at)
    found = np.zeros((k, k))
    if not len(paths):
        return found
    i, j, u, v = cells.i[paths], cells.plan.sources, state.u, state.v
    z, turned = state.z.take(j, axis=0), bent.take(i, axis=0)
    zu, zv = z.take(u, axis=1), z.take(v, axis=1)
    turn = state.s * (zu * turned.take(v, axis=1) + zv * turned.take(u, axis=1))
    if cells.means:
        turn -= state.c * zu * pull[i][:, None]
    twice = zv.take(paths, axis=1) * turned.take(i, axis=1)
    found[paths] += turn
    found[:, paths] += turn.T
    found[np.ix_(paths, paths)] -= twice
    return found
