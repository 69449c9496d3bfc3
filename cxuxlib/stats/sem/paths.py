"""Implied moments of a path model, and how each parameter moves them.

With A the effects among all t variables (observed first), S their (residual) covariances and m their intercepts,
E = (I - A)⁻¹, P = ESE', η = Em, the p observed variables have covariance Σ = P[:p, :p] and means μ = η[:p]
(McArdle & McDonald 1984, doi:10.1111/j.2044-8317.1984.tb00802.x). Every first derivative is s (z_u z_v' + z_v z_u')
with z columns of Z = [E, P], so that gradients and informations are entries of a few small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["Cells", "Plan", "State", "delta", "implied"]

Array = np.ndarray

EFFECT, COVARIANCE, INTERCEPT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Cells:
    """One group's matrices: fixed values, and the cells that parameters fill.

    Args:
        effects: fixed part of A, shape (t, t).
        covariances: fixed part of S, shape (t, t).
        intercepts: fixed part of m, shape (t,).
        p: how many variables are observed; they come first.
        kind: of each free cell: 0 effect, 1 covariance, 2 intercept, shape (k,).
        i, j: its place; an effect is of j on i, an intercept of i.
        at: which parameter fills it.
        means: whether means are modelled.
    """

    effects: Array
    covariances: Array
    intercepts: Array
    p: int
    kind: Array
    i: Array
    j: Array
    at: Array
    means: bool

    @cached_property
    def plan(self) -> Plan:
        """Where parameters go, and which columns of z their derivatives are made of."""
        t = len(self.effects)
        of = [np.flatnonzero(self.kind == kind) for kind in (EFFECT, COVARIANCE, INTERCEPT)]
        a, s, m = of
        i, j, at = self.i, self.j, self.at
        v = j.copy()
        v[a] += t
        factor = np.ones(len(i))
        factor[s[i[s] == j[s]]] = 0.5
        factor[m] = 0.0
        moves = np.zeros(len(i))
        moves[m] = 1.0
        once = bool(len(np.unique(at)) == len(at))
        both = np.concatenate([i[s] * t + j[s], j[s] * t + i[s]])
        return Plan(
            a, i[a] * t + j[a], at[a], both, np.tile(at[s], 2), i[m], at[m], j[a], v, factor, moves, (at[:, None], at),
            once, np.eye(t),
        )  # fmt: skip


class Plan(NamedTuple):
    """Index arrays of `Cells`.

    Args:
        paths: which cells are effects.
        a, a_at: flat places of effects in A, and their parameters; s, s_at and m, m_at the same of S and m.
        sources: what the effects are of.
        v: second columns of z that derivatives are made of; the first are ``i``.
        factor, moves: factors of the derivatives of Σ and, but for effects, of μ.
        grid: places of the cells' informations among those of the parameters.
        once: whether no two cells are one parameter.
        eye: the identity.
    """

    paths: Array
    a: Array
    a_at: Array
    s: Array
    s_at: Array
    m: Array
    m_at: Array
    sources: Array
    v: Array
    factor: Array
    moves: Array
    grid: tuple[Array, Array]
    once: bool
    eye: Array


class State(NamedTuple):
    """One group's implied moments at some parameters.

    Args:
        z: [E, P], shape (t, 2t).
        sigma: implied covariances, shape (p, p).
        mu: implied means, shape (p,).
        eta: means of all variables, shape (t,).
        u, v: columns of z that a cell's derivative is made of; s: its factor, 0 for an intercept.
        c: factor of z[:, u] in the derivative of the means.
        effects, covariances: A and S, filled.
    """

    z: Array
    sigma: Array
    mu: Array
    eta: Array
    u: Array
    v: Array
    s: Array
    c: Array
    effects: Array
    covariances: Array


def implied(cells: Cells, theta: Array) -> State | None:
    """Implied moments at ``theta``; None where I - A cannot be inverted."""
    plan, p = cells.plan, cells.p
    a, s, m = cells.effects.copy(), cells.covariances.copy(), cells.intercepts
    a.ravel()[plan.a] = theta[plan.a_at]
    s.ravel()[plan.s] = theta[plan.s_at]
    if len(plan.m):
        m = m.copy()
        m[plan.m] = theta[plan.m_at]
    try:
        e = np.linalg.inv(plan.eye - a)
    except np.linalg.LinAlgError:
        return None
    everything = e @ s @ e.T
    everything = (everything + everything.T) / 2
    moves = plan.moves
    eta = e @ m
    if cells.means:
        moves = moves.copy()
        moves[plan.paths] = eta[plan.sources]
    z = np.concatenate([e, everything], axis=1)
    return State(z, everything[:p, :p], eta[:p], eta, cells.i, plan.v, plan.factor, moves, a, s)


def delta(cells: Cells, state: State, size: int) -> Array:
    """Derivative of the statistics (means where modelled, then covariances by lower triangle) in the parameters."""
    p, z = cells.p, state.z[: cells.p]
    row, col = lower(p)
    u, v = z[:, state.u], z[:, state.v]
    found = state.s * (u[row] * v[col] + v[row] * u[col])
    if cells.means:
        found = np.vstack([state.c * u, found])
    return gathered(found, cells.at, size)


def gathered(columns: Array, at: Array, size: int) -> Array:
    """Sum columns of cells into columns of parameters."""
    if len(at) == size and (at == np.arange(size)).all():
        return columns
    found = np.zeros((len(columns), size))
    np.add.at(found.T, at, columns.T)
    return found


def lower(p: int) -> tuple[Array, Array]:
    """Row and column of the lower triangle with the diagonal, column by column."""
    col, row = np.triu_indices(p)
    return row, col
