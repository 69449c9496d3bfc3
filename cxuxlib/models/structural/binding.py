"""Tables of parameters become index arrays and starting values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxuxlib.models.structural.reading import Group
from cxuxlib.models.structural.table import Row, Table
from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, INTERCEPT, Cells

THRESHOLD, SCALE = 3, 4  # kinds of rows of ordered answers, which fill no matrix


class Bound(NamedTuple):
    """A model bound to the moments of its data.

    Args:
        groups: matrices of each group.
        at: of each row of the table its parameter; -1 where it is fixed.
        place: of each row its kind of cell and its place in the matrices, shape (rows, 3).
        names: of the parameters: their label, or the term with its group.
        moments: means and covariances of each group, which causes take theirs from.
    """

    groups: list[Cells]
    at: np.ndarray
    place: np.ndarray
    names: tuple[str, ...]
    moments: list[tuple[np.ndarray, np.ndarray]]


def named(row: Row, labels: Sequence[str]) -> str:
    """A row as a term that is one of its kind: with its group where there are several."""
    return f"{row.term} [{labels[row.group]}]" if len(labels) > 1 else row.term


def moments_of(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances; with missing answers those of the available ones, for a start and for complete causes."""
    if group.mean is not None and group.covariance is not None:
        return group.mean, group.covariance
    x, n = group.x, group.many
    assert x is not None
    assert n is not None
    there = ~np.isnan(x)
    both = (there * n[:, None]).T @ there.astype(float)
    filled = np.where(there, x, 0.0)
    mean = n @ filled / np.diag(both)
    spread = np.where(there, x - mean, 0.0)
    return mean, (spread * n[:, None]).T @ spread / both


def bind(table: Table, data: Sequence[Group]) -> Bound:
    """Number the free parameters and place every row in its group's matrices."""
    order = {name: at for at, name in enumerate((*table.observed, *table.latent))}
    labels = [each.label for each in data]
    moments = [moments_of(each) for each in data]
    numbers: dict[str, int] = {}
    at, places, names = np.full(len(table.rows), -1), np.zeros((len(table.rows), 3), dtype=int), []
    for k, row in enumerate(table.rows):
        places[k] = place(row, order)
        if row.free:
            key = row.label or f"{row.group}|{row.term}"
            if key not in numbers:
                numbers[key] = len(numbers)
                names.append(row.label if row.label and not row.label.startswith(".") else named(row, labels))
            at[k] = numbers[key]
    groups = []
    for g, (mean, covariance) in enumerate(moments):
        t = len(order)
        a, s, m = np.zeros((t, t)), np.zeros((t, t)), np.zeros(t)
        own = [k for k, row in enumerate(table.rows) if row.group == g]
        for k in own:
            row, (kind, i, j) = table.rows[k], places[k]
            if row.free:
                continue
            if kind == EFFECT:
                a[i, j] = row.value
            elif kind == COVARIANCE:
                s[i, j] = s[j, i] = covariance[i, j] if row.exogenous else row.value
            else:
                m[i] = mean[i] if row.exogenous else row.value
        free = [k for k in own if at[k] >= 0 and places[k, 0] <= INTERCEPT]
        kind, i, j = (places[free, column] for column in range(3))
        groups.append(Cells(a, s, m, len(table.observed), kind, i, j, at[free], table.means))
    return Bound(groups, at, places, tuple(names), moments)


def place(row: Row, order: dict[str, int]) -> tuple[int, int, int]:
    """Which matrix a row fills, and where; a threshold has its item and its number."""
    if row.op == "|":
        return THRESHOLD, order[row.lhs], int(row.rhs[1:])
    if row.op == "~*~":
        return SCALE, order[row.lhs], order[row.lhs]
    if row.op == "=~":
        return EFFECT, order[row.rhs], order[row.lhs]
    if row.op == "~":
        return EFFECT, order[row.lhs], order[row.rhs]
    if row.op == "~~":
        return COVARIANCE, order[row.lhs], order[row.rhs]
    return INTERCEPT, order[row.lhs], order[row.lhs]


def starts(table: Table, bound: Bound, spread: float | None = None) -> np.ndarray:
    """Where the search begins: loadings by regression on the first item, variances by the covariances of the items.

    Args:
        table: the parameters.
        bound: the same, numbered.
        spread: share of an item's variance that is taken for its factor's, instead; 0: loadings are those of the first
            principal factor of the items, which a first item of nearly no loading does not spoil.
    """
    found, times = np.zeros(len(bound.names)), np.zeros(len(bound.names))
    factors = [_factors(table, bound, g, spread) for g in range(table.n_groups)]
    for k, row in enumerate(table.rows):
        if bound.at[k] < 0:
            continue
        mean, covariance = bound.moments[row.group]
        kind, i, j = bound.place[k]
        loadings, variances = factors[row.group]
        if not np.isnan(row.start):
            value = row.start
        elif row.op == "=~":
            value = loadings.get((row.lhs, row.rhs), 1.0)
        elif kind == COVARIANCE and i == j:
            value = variances[row.lhs] if row.lhs in variances else _rest(row.lhs, covariance[i, i], factors[row.group])
        elif row.op == "~~" and row.lhs in variances and row.rhs in variances:
            value = _shared(table, row, covariance, loadings, variances)
        elif kind == INTERCEPT and i < len(mean):
            value = mean[i]
        else:
            value = 0.0
        found[bound.at[k]] += value
        times[bound.at[k]] += 1
    return found / times


def _factors(
    table: Table, bound: Bound, group: int, spread: float | None
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Starting loadings and variances of the factors of one group, on the scale that the model fixes."""
    _, covariance = bound.moments[group]
    order = {name: at for at, name in enumerate(table.observed)}
    rows = [row for row in table.rows if row.group == group]
    fixed = {row.lhs: row.value for row in rows if row.op == "~~" and row.lhs == row.rhs and not row.free}
    loadings: dict[tuple[str, str], float] = {}
    variances: dict[str, float] = {}
    for factor in table.latent:
        items = [row for row in rows if row.op == "=~" and row.lhs == factor]
        seen = [row for row in items if row.rhs in order]
        scale = next((row for row in seen if not row.free and row.value), seen[0] if seen else None)
        if scale is None:
            inner = [variances[row.rhs] for row in items if row.rhs in variances]
            own = (spread or 0.5) * float(np.mean(inner)) if inner else 1.0
            root = (fixed[factor] / own) ** 0.5 if fixed.get(factor, 0) > 0 else 1.0
            loadings |= {(factor, row.rhs): 1 / root for row in items}
            variances[factor] = own * root**2
            continue
        anchor = order[scale.rhs]
        unit = scale.value if not scale.free and scale.value else 1.0
        places = [order[row.rhs] for row in seen]
        if spread == 0:
            sizes, share = _principal(covariance[np.ix_(places, places)], places.index(anchor))
        else:
            sizes = np.ones(len(seen))
            for k, item in enumerate(places):
                if item != anchor:
                    sizes[k] = _slope(covariance, item, anchor, [each for each in places if each not in (anchor, item)])
            share = spread or _common(covariance, anchor, places, sizes)
        own = covariance[anchor, anchor] * share / unit**2
        root = (fixed[factor] / own) ** 0.5 if factor in fixed and fixed[factor] > 0 and scale.free else 1.0
        loadings |= {(factor, row.rhs): unit / root for row in items}
        loadings |= {(factor, row.rhs): unit * size / root for row, size in zip(seen, sizes, strict=True)}
        variances[factor] = own * root**2
    return loadings, variances


def _principal(covariance: np.ndarray, anchor: int) -> tuple[np.ndarray, float]:
    """Loadings on the first principal factor relative to the anchor's, and its share of the anchor's variance."""
    deviation = np.sqrt(np.diag(covariance))
    r = covariance / np.outer(deviation, deviation)
    shares = np.abs(r - np.eye(len(r))).max(axis=1, initial=0.0)
    for _ in range(20):
        reduced = r.copy()
        np.fill_diagonal(reduced, shares)
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, -1] * np.sqrt(max(values[-1], 1e-3))
        shares = np.minimum(loadings**2, 0.95)
    least = 1e-3 * float(np.abs(loadings).max())
    own = float(loadings[anchor]) if abs(loadings[anchor]) > least else least
    return loadings / own * deviation / deviation[anchor], own**2


def _common(covariance: np.ndarray, anchor: int, places: list[int], sizes: np.ndarray) -> float:
    """Share of the anchor's variance that is its factor's, from .1 to .9; half where it is the only item."""
    others = [k for k, item in enumerate(places) if item != anchor]
    if not others:
        return 0.5
    at = [places[k] for k in others]
    found = float(covariance[anchor, at] @ sizes[others] / (sizes[others] @ sizes[others]) / covariance[anchor, anchor])
    return min(max(found, 0.1), 0.9)


def _rest(name: str, whole: float, factors: tuple[dict[tuple[str, str], float], dict[str, float]]) -> float:
    """What the factors leave of an item's variance, a fifth at least; half for what is no item."""
    loadings, variances = factors
    parts = [size**2 * variances[factor] for (factor, item), size in loadings.items() if item == name]
    return max(whole - sum(parts), 0.2 * whole) if parts else 0.5 * whole


def _shared(
    table: Table, row: Row, covariance: np.ndarray, loadings: dict[tuple[str, str], float], variances: dict[str, float]
) -> float:
    """Starting covariance of two factors, by the covariances of their items; their correlation within ±.9."""
    order = {name: at for at, name in enumerate(table.observed)}
    ends = [
        [(order[item], size) for (factor, item), size in loadings.items() if factor == name and item in order]
        for name in (row.lhs, row.rhs)
    ]
    if not all(ends):
        return 0.0
    (i, a), (j, b) = (zip(*own, strict=True) for own in ends)
    x, y = np.array(a), np.array(b)
    found = float(x @ covariance[np.ix_(i, j)] @ y / ((x @ x) * (y @ y)))
    most = 0.9 * float(np.sqrt(abs(variances[row.lhs] * variances[row.rhs])))
    return min(max(found, -most), most)


def _slope(covariance: np.ndarray, item: int, anchor: int, others: list[int]) -> float:
    """Loading relative to the anchor's, by their covariances with the other items; by variances where it has none."""
    if others:
        on, of = covariance[anchor, others], covariance[item, others]
        if on @ on > 1e-12 * covariance[anchor, anchor] * covariance.diagonal()[others].sum():
            ratio = float(of @ on / (on @ on))
            if 0.05 < abs(ratio) < 20:
                return ratio
    sign = -1.0 if covariance[item, anchor] < 0 else 1.0
    return sign * float(np.sqrt(covariance[item, item] / covariance[anchor, anchor]))
