"""Covariances of the variables of a latent model, with derivatives: what reliabilities and correlations are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.fitting import Latent, Normal
from cxuxlib.models.structural.table import Row
from cxuxlib.stats.sem.paths import EFFECT, gathered, lower


class Moving:
    """What the model says of one group: covariances and effects as numbers that carry derivatives.

    Args:
        fit: the model with its data.
        group: number of the group.
    """

    def __init__(self, fit: Normal, group: int = 0) -> None:
        self.cells, self.state, self.size = fit.cells[group], fit.states[group], len(fit.solution.theta)
        self.whole = self.state.z[:, len(self.state.eta) :]

    def covariance(self, i: int, j: int) -> Dual:
        """Covariance of two variables by their places, observed ones first."""
        z, state = self.state.z, self.state
        own = state.s * (z[i, state.u] * z[j, state.v] + z[i, state.v] * z[j, state.u])
        return Dual(float(self.whole[i, j]), gathered(own[None], self.cells.at, self.size)[0])

    def effect(self, i: int, j: int) -> Dual:
        """Effect of variable j on variable i."""
        slope = np.zeros(self.size)
        of = (self.cells.kind == EFFECT) & (self.cells.i == i) & (self.cells.j == j)
        slope[self.cells.at[of]] = 1.0
        return Dual(float(self.state.effects[i, j]), slope)

    def correlation(self, i: int, j: int) -> Dual:
        """Correlation of two variables; NaN where one has no variance."""
        if not (self.whole[i, i] > 0 and self.whole[j, j] > 0):
            return Dual(np.nan, np.zeros(self.size))
        return self.covariance(i, j) / (self.covariance(i, i) * self.covariance(j, j)).sqrt()


class Seen:
    """What was observed of some items: covariances that carry derivatives in these, behind those of parameters.

    Args:
        covariance: of all items, shape (p, p).
        items: places of the items that are asked for.
        size: parameters, which do not move what was observed.
    """

    def __init__(self, covariance: np.ndarray, items: Sequence[int], size: int) -> None:
        self.whole, self.items, self.size = covariance, list(items), size
        row, col = lower(len(items))
        self.place = {(items[i], items[j]): at for at, (i, j) in enumerate(zip(row, col, strict=True))}

    def covariance(self, i: int, j: int) -> Dual:
        """Covariance of two items by their places."""
        slope = np.zeros(self.size + len(self.place))
        slope[self.size + (self.place[i, j] if (i, j) in self.place else self.place[j, i])] = 1.0
        return Dual(float(self.whole[i, j]), slope)

    def wider(self, other: Dual) -> Dual:
        """A number of the parameters among numbers of what was observed."""
        return Dual(other.value, np.concatenate([other.slope, np.zeros(len(self.place))]))

    def form(self, number: Dual) -> np.ndarray:
        """The matrix G with which a number moves by tr(G dS), shape (p, p)."""
        found = np.zeros_like(self.whole)
        for (i, j), at in self.place.items():
            found[i, j] += number.slope[self.size + at] / 2
            found[j, i] += number.slope[self.size + at] / 2
        return found


def variance_of_sum(covariance: Callable[[int, int], Dual], items: Sequence[int], weights: Sequence[Dual]) -> Dual:
    """Variance of a weighted sum of variables."""
    total = weights[0] * 0.0
    for a, (i, v) in enumerate(zip(items, weights, strict=True)):
        total = total + v * v * covariance(i, i)
        for j, w in zip(items[:a], weights[:a], strict=True):
            total = total + 2.0 * (v * w * covariance(i, j))
    return total


def indicators(found: Latent, factor: str, group: int = 0) -> list[Row]:
    """The rows that measure a factor."""
    return [
        row for row in found.table.rows
        if row.op == "=~" and row.lhs == factor and row.group == group and (row.free or row.value)
    ]  # fmt: skip
