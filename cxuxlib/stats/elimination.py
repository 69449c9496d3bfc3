"""Weighted sums of R² over every subset of players, by a tree of eliminations.

A node of the tree has decided of some players whether they are in the subset. It holds what the others and the outcome
still covary given those that are in (a Schur complement), so its two children cost one rank-one update, or nothing.
Each of the 2^k leaves holds 1 - R²(S). Nodes of one level are computed together, in blocks that fit the cache: about
12 multiplications a subset and no 2^k storage.

With c(S) and g(S) weights that depend on a subset's code alone, a functional is
f_j = Σ_S c(S) R²(S) + Σ_{S with j} g(S) R²(S), where the weights of each f_j add up to zero.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np

__all__ = ["Plan", "owen_plan", "plan_forms", "plan_values", "shapley_plan"]

_BLOCK = 1 << 14  # floats of a block of nodes: a few of them stay in the cache of a core


class Plan(NamedTuple):
    """Which players there are and how subsets of them are weighted.

    Args:
        players: positions of the columns of each player.
        steps: what a player adds to the code of a subset it joins.
        rests: c by code.
        gains: g by code.
    """

    players: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...]
    rests: np.ndarray
    gains: np.ndarray

    @property
    def columns(self) -> list[int]:
        """Positions of all players' columns, in order."""
        return [each for player in self.players for each in player]


def _marginal(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapley's weights of R²(S) by the size of S: where the player is not in it, and where it is."""
    left = np.array([*(-1 / (k * comb(k - 1, s)) for s in range(k)), 0.0])
    joined = np.array([0.0, *(1 / (k * comb(k - 1, s - 1)) for s in range(1, k + 1))])
    return left, joined


def shapley_plan(players: list[list[int]]) -> Plan:
    """LMG, or Shapley, weights: f_j is the mean gain in R² by player j over all orders of the players."""
    left, joined = _marginal(len(players))
    return Plan(tuple(map(tuple, players)), (1,) * len(players), left, joined - left)


def owen_plan(groups: list[list[int]], which: int) -> Plan:
    """Owen weights of the members of one group: other groups come whole, in all orders, and members in all orders.

    Args:
        groups: positions of the columns of each group.
        which: the group whose members are the last players.

    Returns:
        A `Plan`; the functionals of its last players are the members' Owen values.
    """
    others = [tuple(group) for i, group in enumerate(groups) if i != which]
    members = [(each,) for each in groups[which]]
    m = len(groups)
    outer = np.array([1 / (m * comb(m - 1, t)) for t in range(m)])
    left, joined = _marginal(len(members))
    steps = (1,) * len(others) + (m,) * len(members)
    return Plan(
        (*others, *members), steps, np.outer(left, outer).ravel(), np.outer(joined - left, outer).ravel()
    )  # fmt: skip


def plan_values(matrices: np.ndarray, plan: Plan, outcome: int = 0) -> np.ndarray:
    """The functionals of a plan.

    Args:
        matrices: covariances with an outcome of variance 1 (or what is left of it), shape (n, p, p).
        plan: players and weights.
        outcome: position of the outcome.

    Returns:
        Shape (n, players).
    """
    at = [*plan.columns, outcome]
    node = np.ascontiguousarray(np.moveaxis(matrices[:, at][:, :, at], 0, -1))[:, :, None]
    totals, single = _sums(node, np.zeros(1, dtype=np.intp), plan, 0)
    values: np.ndarray = (totals[0, 0] + single).T
    return values


def plan_forms(matrix: np.ndarray, plan: Plan, outcome: int = 0) -> np.ndarray:
    """What the functionals of a plan change by: df = tr(F dV) with a symmetric F for each.

    With b = (1, -β_S) the residual of the outcome, d(1 - R²(S)) = b' dV b.

    Args:
        matrix: covariances as in `plan_values`, shape (p, p).
        plan: players and weights.
        outcome: position of the outcome.

    Returns:
        Shape (players, p, p).
    """
    at = [*plan.columns, outcome]
    node = np.ascontiguousarray(matrix[np.ix_(at, at)][:, :, None])
    found = _forms(node, np.zeros(1, dtype=np.intp), plan, 0)[..., 0]
    forms = np.zeros((len(plan.players), *matrix.shape))
    forms[np.ix_(range(len(plan.players)), at, at)] = -(found[0] + found[2:])
    return forms


def _children(node: np.ndarray, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """The nodes without and with the first player, side by side, and the slopes on each of its columns."""
    r, n = len(node) - size, node.shape[2]
    both = np.empty((r, r, 2 * n, *node.shape[3:]))
    slopes = []
    for step in range(size, 0, -1):
        given = both[:, :, n:] if step == 1 else np.empty((r + step - 1, r + step - 1, *node.shape[2:]))
        slopes.append(node[0, 1:] / node[0, 0])
        np.multiply(slopes[-1][:, None], node[0, 1:], out=given)
        np.subtract(node[1:, 1:], given, out=given)
        if step == size:
            both[:, :, :n] = node[size:, size:]
        node = given
    return both, slopes


def _sums(node: np.ndarray, code: np.ndarray, plan: Plan, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of -(1 - R²) over the subsets below each node, weighted.

    Args:
        node: shape (r, r, s, n), outcome last: s subsets so far of n matrices.
        code: of the subsets so far, shape (s,).
        plan: players and weights.
        depth: how many players are decided.

    Returns:
        Σ c and Σ g by node, shape (2, s, n), and Σ g over all nodes with each player still open, shape (open, n).
    """
    s, n = node.shape[2:]
    if depth == len(plan.steps):
        weights = np.stack([plan.rests[code], plan.gains[code]])
        return weights[:, :, None] * -node[0, 0], np.empty((0, n))
    if node.size > _BLOCK and s * n > 1:
        half = (s if s > 1 else n) // 2
        if s > 1:
            parts = [_sums(node[:, :, cut], code[cut], plan, depth) for cut in (slice(half), slice(half, s))]
            return np.concatenate([part[0] for part in parts], axis=1), parts[0][1] + parts[1][1]
        parts = [_sums(node[..., cut], code, plan, depth) for cut in (slice(half), slice(half, n))]
        return np.concatenate([part[0] for part in parts], axis=2), np.concatenate([part[1] for part in parts], axis=1)
    both, _ = _children(node, len(plan.players[depth]))
    below, single = _sums(both, np.concatenate([code, code + plan.steps[depth]]), plan, depth + 1)
    with_it = below[1, s:].sum(axis=0)
    return below[:, :s] + below[:, s:], np.concatenate([with_it[None], single])


def _forms(node: np.ndarray, code: np.ndarray, plan: Plan, depth: int) -> np.ndarray:
    """Sums of b b' as `_sums` makes them of -(1 - R²); shape (2 + open players, r, r, n)."""
    n = node.shape[2]
    if depth == len(plan.steps):
        return np.stack([plan.rests[code], plan.gains[code]])[:, None, None, :]
    if node.size > _BLOCK and n > 1:
        half = n // 2
        parts = [_forms(node[..., cut], code[cut], plan, depth) for cut in (slice(half), slice(half, n))]
        return np.concatenate(parts, axis=3)
    size = len(plan.players[depth])
    both, slopes = _children(node, size)
    below = _forms(both, np.concatenate([code, code + plan.steps[depth]]), plan, depth + 1)
    joined = below[..., n:]
    for slope in slopes[:0:-1]:
        joined = _lifted(joined, slope)
    edge, corner = _edges(joined, slopes[0])
    out = np.empty((len(below) + 1, *node.shape))
    for into, of in ((slice(2), slice(2)), (slice(2, 3), slice(1, 2)), (slice(3, None), slice(2, None))):
        out[into, 1:, 1:] = joined[of]
        out[into, 0, 1:] = out[into, 1:, 0] = edge[of]
        out[into, 0, 0] = corner[of]
    out[:2, size:, size:] += below[:2, ..., :n]
    out[3:, size:, size:] += below[2:, ..., :n]
    return out


def _edges(forms: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A residual b of columns given another has -b'slope on that one: the products of this with b, and with itself."""
    edge = -(forms * slope[:, None]).sum(axis=1)
    return edge, -(edge * slope).sum(axis=1)


def _lifted(forms: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Σ b b' of residuals given a column, as that of residuals and the column; (k, r, r, n) to (k, r + 1, r + 1, n)."""
    k, r, _, n = forms.shape
    out = np.empty((k, r + 1, r + 1, n))
    out[:, 1:, 1:] = forms
    edge, out[:, 0, 0] = _edges(forms, slope)
    out[:, 0, 1:] = out[:, 1:, 0] = edge
    return out
