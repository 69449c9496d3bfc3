"""The same model fitted to many sets of complete moments at once, as resamples are: `normal` with one axis more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxuxlib.stats.sem.paths import Cells, State

__all__ = ["Sets", "fit_many", "implied_many"]

Array = np.ndarray

_STEPS = 60
_HALVINGS = 25


class Sets(NamedTuple):
    """Many sets of moments of one group.

    Args:
        share: of the units that are of this group.
        mean: shape (sets, p).
        covariance: shape (sets, p, p).
        causes: positions of variables whose moments are taken as they are.
    """

    share: float
    mean: Array
    covariance: Array
    causes: Array

    def of(self, which: Array) -> Sets:
        """Some of the sets."""
        return self._replace(mean=self.mean[which], covariance=self.covariance[which])


def implied_many(cells: Cells, sets: Sets, theta: Array) -> State:
    """Implied moments of every set at its own parameters, shape (sets, parameters)."""
    plan, p, size = cells.plan, cells.p, len(theta)
    a, s, m = (np.repeat(each[None], size, axis=0) for each in (cells.effects, cells.covariances, cells.intercepts))
    x = sets.causes
    if len(x):
        s[:, x[:, None], x] = sets.covariance[:, x[:, None], x]
        if cells.means:
            m[:, x] = sets.mean[:, x]
    a.reshape(size, -1)[:, plan.a] = theta[:, plan.a_at]
    s.reshape(size, -1)[:, plan.s] = theta[:, plan.s_at]
    m[:, plan.m] = theta[:, plan.m_at]
    e = np.linalg.inv(plan.eye - a)
    everything = e @ s @ e.transpose(0, 2, 1)
    eta = (e @ m[:, :, None])[:, :, 0]
    moves = np.repeat(plan.moves[None], size, axis=0)
    if cells.means:
        moves[:, plan.paths] = eta[:, plan.sources]
    z = np.concatenate([e, everything], axis=2)
    return State(z, everything[:, :p, :p], eta[:, :p], eta, cells.i, plan.v, plan.factor, moves, a, s)


def fit_many(groups: Sequence[Cells], data: Sequence[Sets], start: Array, tolerance: float) -> tuple[Array, Array]:
    """Minimise the discrepancy of every set from one start by Newton's method.

    Args:
        groups: matrices by group.
        data: sets of moments by group, as many in each.
        start: parameters to begin with.
        tolerance: what a further step may take off twice the discrepancy; that step is still taken.

    Returns:
        Parameters, shape (sets, parameters), and which sets converged.
    """
    sets, k = len(data[0].mean), len(start)
    theta, done = np.repeat(start[None], sets, axis=0), np.zeros(sets, dtype=bool)
    step, height = np.zeros((sets, k)), np.full(sets, np.inf)
    size, halved = np.ones(sets), np.zeros(sets, dtype=int)
    active, first = np.arange(sets), True
    for _ in range(_STEPS):
        if not len(active):
            break
        there = theta[active] - size[active, None] * step[active]
        value, slope, bends = _curves(groups, [each.of(active) for each in data], there)
        worse = (value > height[active] + 1e-14 * np.abs(value)) | ~np.isfinite(value)
        lost = ~_positive(bends) & ~worse | worse & (halved[active] >= _HALVINGS)
        if first:
            lost |= worse
        if lost.any():
            active, there, slope, worse = active[~lost], there[~lost], slope[~lost], worse[~lost]
            value, bends = value[~lost], bends[~lost]
        first = False
        back = active[worse]
        size[back] /= 2
        halved[back] += 1
        on = ~worse
        to = active[on]
        direction = np.linalg.solve(bends[on], slope[on][:, :, None] / 2)[:, :, 0]
        gain = (slope[on] * direction).sum(axis=1)
        ended = gain < tolerance
        theta[to] = there[on] - np.where(ended[:, None], direction, 0.0)
        height[to], step[to], size[to], halved[to] = value[on], direction, 1.0, 0
        done[to[ended]] = True
        active = np.sort(np.concatenate([to[~ended], back]))
    return theta, done & np.isfinite(theta).all(axis=1)


def _positive(matrices: Array) -> Array:
    """Which symmetric matrices are positive definite."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        found: Array = np.isfinite(matrices).all(axis=(1, 2))
        found[found] = np.linalg.eigvalsh(matrices[found])[:, 0] > 0
        return found
    return np.ones(len(matrices), dtype=bool)


def _curves(groups: Sequence[Cells], data: Sequence[Sets], theta: Array) -> tuple[Array, Array, Array]:
    """Discrepancy, gradient and observed information of every set."""
    size, k = theta.shape
    value, slope, met = np.zeros(size), np.zeros((size, k)), np.zeros((size, k, k))
    for cells, sets in zip(groups, data, strict=True):
        state = implied_many(cells, sets, theta)
        sigma = state.sigma
        fine = _positive(sigma)
        if not fine.all():
            value[~fine] = np.inf
            sigma = np.where(fine[:, None, None], sigma, np.eye(cells.p))
        part = state.z[:, : cells.p]
        inverse = np.linalg.inv(sigma)
        towards = inverse @ part
        turned = towards.transpose(0, 2, 1)
        gap = sets.mean - state.mu if cells.means else np.zeros_like(state.mu)
        g = (turned @ gap[:, :, None])[:, :, 0]
        w, y = part.transpose(0, 2, 1) @ towards, turned @ sets.covariance @ towards + g[:, :, None] * g[:, None, :]
        at_gap = (gap * (inverse @ gap[:, :, None])[:, :, 0]).sum(axis=1)
        value += sets.share * (np.linalg.slogdet(sigma)[1] + (inverse * sets.covariance).sum(axis=(1, 2)) + at_gap)
        rise, bend = _bends(cells, state, w, y, g)
        if cells.plan.once and len(cells.at) == k and (cells.at == np.arange(k)).all():
            slope += sets.share * rise
            met += sets.share * bend
            continue
        into = np.zeros((len(cells.at), k))
        into[np.arange(len(cells.at)), cells.at] = 1.0
        slope += sets.share * rise @ into
        met += sets.share * (into.T @ bend @ into)
    return value, slope, met


def _bends(cells: Cells, state: State, w: Array, y: Array, g: Array) -> tuple[Array, Array]:
    """Gradient and observed information in the cells of a group, as in `normal`."""
    u, v, s, c = state.u, state.v, state.s, state.c
    size, t, k = len(w), w.shape[1], len(u)

    def taken(of: Array, row: Array, col: Array) -> Array:
        found: Array = of.reshape(size, -1).take((row[:, None] * t + col).ravel(), axis=1)
        return found.reshape(size, len(row), len(col))

    wuu, wuv, wvv = taken(w, u, u), taken(w, u, v), taken(w, v, v)
    wvu = wuv.transpose(0, 2, 1)
    yuv = taken(y, u, v)
    met = wvu * yuv
    met += wuv * (yuv.transpose(0, 2, 1) - wvu)
    met += wvv * taken(y, u, u)
    met += wuu * (taken(y, v, v) - wvv)
    met *= s[:, None] * s
    bent = w - y
    rise = 2 * s * bent[:, u, v]
    if cells.means:
        rise -= 2 * c * g[:, u]
        met += c[:, :, None] * c[:, None, :] * wuu
        cross = c[:, :, None] * s * (wuv * g[:, None, u] + wuu * g[:, None, v])
        met += cross + cross.transpose(0, 2, 1)
    paths = cells.plan.paths
    if len(paths):
        i, j = cells.i[paths], cells.plan.sources
        zu, zv = state.z.take(j, axis=1).take(u, axis=2), state.z.take(j, axis=1).take(v, axis=2)
        turn = s * (zu * taken(bent, i, v) + zv * taken(bent, i, u))
        if cells.means:
            turn -= c[:, None, :] * zu * g[:, i][:, :, None]
        met[:, paths] += turn
        met[:, :, paths] += turn.transpose(0, 2, 1)
        met[:, paths[:, None], paths] -= zv[:, :, paths] * taken(bent, i, i)
    assert met.shape == (size, k, k)
    return rise, met
