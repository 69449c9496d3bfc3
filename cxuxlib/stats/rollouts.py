"""Staggered roll-outs: effects by group and time with their influence, and what two-way fixed effects would say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

__all__ = ["Cell", "TwoWay", "averaged", "group_time", "joint", "two_way"]

Array = NDArray[np.float64]

_RANK = 1e-9


class Cell(NamedTuple):
    """The effect on a group at a time.

    Args:
        group, time: places of the first treated period and of this one.
        value: the effect, since the period before the first treated one.
        influence: of each unit, shape (n,); its squares add up to the variance.
    """

    group: int
    time: int
    value: float
    influence: Array


class TwoWay(NamedTuple):
    """A regression on treatment with effects of unit and time.

    Args:
        value, std_error: of the treatment, errors by unit.
        negative: share of the weights of treated cells that are negative.
    """

    value: float
    std_error: float
    negative: float


def group_time(y: Array, first: NDArray[np.intp], x: Array, *, never: bool) -> tuple[list[Cell], int]:
    """Effects by group and time against units that are not treated by then, and how many have no such units.

    ΔY since the period before the first treated one, less what a regression of ΔY on x among the controls says of the
    treated; without covariates, less the mean of the controls. Influence is scaled as HC2.

    Args:
        y: outcomes, shape (n, T).
        first: place of each unit's first treated period, 1 to T - 1; T for none, shape (n,).
        x: covariates, shape (n, p).
        never: whether controls are those alone who are never treated.

    Source: Callaway & Sant'Anna 2021, doi:10.1016/j.jeconom.2020.12.001. Checked against: regressions in R.

    >>> y = np.array([[0.0, 3.0], [1.0, 5.0], [2.0, 3.0], [0.0, 2.0]])
    >>> cells, _ = group_time(y, np.array([1, 1, 2, 2]), np.zeros((4, 0)), never=True)
    >>> [(each.group, each.time, *np.round([each.value, (each.influence**2).sum()], 6).tolist()) for each in cells]
    [(1, 1, 2.0, 0.5)]
    """
    n, periods = y.shape
    cells, without = [], 0
    for g in range(1, periods):
        treated = first == g
        m = int(treated.sum())
        for t in range(periods) if m else ():
            if t == g - 1:
                continue
            controls = first == periods if never else (first > max(t, g - 1)) & ~treated
            change = y[:, t] - y[:, g - 1]
            design = np.column_stack([np.ones(n), x - x[treated].mean(axis=0)])
            some = design[controls]
            if len(some) <= design.shape[1]:
                without += 1
                continue
            q, r = np.linalg.qr(some)
            if (abs(np.diag(r)) <= _RANK * np.sqrt((some**2).sum(axis=0))).any():
                without += 1
                continue
            beta = np.linalg.solve(r, q.T @ change[controls])
            left = change - design @ beta
            value = float(left[treated].mean())
            own = np.zeros(n)
            own[treated] = (left[treated] - value) / m * np.sqrt(m / (m - 1))
            leverage = np.maximum(1 - (q**2).sum(axis=1), 1e-12)
            own[controls] = -(q @ np.linalg.solve(r.T, np.eye(len(beta))[0])) * left[controls] / np.sqrt(leverage)
            cells.append(Cell(g, t, value, own))
    return cells, without


def averaged(cells: Sequence[Cell], first: NDArray[np.intp]) -> tuple[float, Array]:
    """Mean of effects of groups, weighted by the sizes of the groups, with the influence of these sizes.

    Several cells of a group are averaged first.

    >>> cells = [Cell(1, 1, 2.0, np.array([0.1, -0.1, 0.0])), Cell(2, 2, 5.0, np.array([0.0, 0.0, 0.2]))]
    >>> round(averaged(cells, np.array([1, 1, 2]))[0], 6)
    3.0
    """
    groups = sorted({each.group for each in cells})
    sizes = np.array([(first == g).sum() for g in groups], dtype=float)
    means, parts = [], []
    for g in groups:
        own = [each for each in cells if each.group == g]
        means.append(float(np.mean([each.value for each in own])))
        parts.append(np.mean([each.influence for each in own], axis=0))
    share = sizes / sizes.sum()
    value = float(share @ means)
    influence = np.asarray(share @ np.array(parts), dtype=float)
    for g, mean in zip(groups, means, strict=True):
        influence[first == g] += (mean - value) / sizes.sum()
    return value, influence


def joint(values: Array, influence: Array) -> tuple[float, int, float]:
    """Wald's chi-square that all are 0, its degrees of freedom and p.

    Args:
        values: shape (m,).
        influence: shape (n, m).

    >>> joint(np.array([2.0]), np.array([[0.6], [0.8]]))[:2]
    (4.0, 1)
    """
    covariance = influence.T @ influence
    df = int(np.linalg.matrix_rank(covariance, hermitian=True))
    chi2 = float(values @ np.linalg.pinv(covariance, hermitian=True) @ values)
    return chi2, df, float(chdtrc(df, chi2))


def two_way(y: Array, first: NDArray[np.intp]) -> TwoWay:
    """Least squares on treatment with effects of unit and time, on complete panels; errors by unit.

    Where effects grow or differ, treated units serve as controls for those treated later, and some effects enter with
    negative weights.

    Source: de Chaisemartin & D'Haultfœuille 2020, doi:10.1257/aer.20181169. Checked against: R's lm and sandwich.

    >>> y = np.array([[0.0, 3.0], [1.0, 5.0], [2.0, 3.0], [0.0, 2.0]])
    >>> two_way(y, np.array([1, 1, 2, 2])).value
    2.0
    """
    n, periods = y.shape
    d = (np.arange(periods) >= first[:, None]).astype(float)
    left = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0) + d.mean()
    total = float((left**2).sum())
    value = float((left * y).sum()) / total
    within = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
    scores = (left * (within - value * left)).sum(axis=1)
    size = n * periods
    correction = n / (n - 1) * (size - 1) / (size - periods - 1)
    weights = left[d > 0]
    negative = float(-weights[weights < 0].sum() / abs(weights).sum())
    return TwoWay(value, float(np.sqrt(correction * (scores**2).sum())) / total, negative)
