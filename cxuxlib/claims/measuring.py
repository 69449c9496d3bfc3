"""The measurement model: correlations of constructs, freed of the error of their items, from answers or moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib.claims.factors import Factors, correlated_factors, pairs
from cxuxlib.errors import ModelError, SampleError, listed
from cxuxlib.models.sample import Sample, sample
from cxuxlib.results import Moments
from cxuxlib.stats.answer_tables import coded
from cxuxlib.stats.correlations import influence_covariance, normal_covariance
from cxuxlib.stats.pairwise import pair_correlation, pair_features, pair_sums, pairwise_influence
from cxuxlib.stats.polychoric import polychoric, polychoric_influence

Array = NDArray[np.float64]

_FEW, _MANY = 7, 11  # answers of an item that is always taken as ordered, and of one that may be
_PILE = 0.30  # share of answers at one end of a scale, from which on longer scales are taken as ordered too
_RARE = 5  # answers fewer than these join the answer beside them


class Table(NamedTuple):
    """Distinct answer sheets: columns, answers (NaN where missing), how many units gave them, always as numbers."""

    items: tuple[str, ...]
    x: Array
    n: Array
    numbers: bool = False

    @property
    def ordered(self) -> bool:
        """Whether only the order of answers counts.

        So with up to seven different answers to most items and eleven to any; and with eight to eleven where answers
        pile up at an end, for numbers would then tell too small a correlation of what piles up at opposite ends.
        """
        if self.numbers:
            return False
        sizes = []
        for column in self.x.T:
            levels = np.unique(column[~np.isnan(column)])
            if not len(levels) or (levels != np.rint(levels)).any():
                return False
            sizes.append(len(levels))
        return max(sizes) <= _MANY and (self.piled or float(np.median(sizes)) <= _FEW)

    @property
    def piled(self) -> bool:
        """Whether the answers to some item pile up at an end of its scale."""
        for column in self.x.T:
            there = ~np.isnan(column)
            _, of = np.unique(column[there], return_inverse=True)
            many = np.bincount(of, self.n[there])
            if len(many) and max(many[0], many[-1]) > _PILE * many.sum():
                return True
        return False

    @property
    def joined(self) -> Table:
        """The same with answers that hardly anybody gave joined to the answer beside them."""
        return self._replace(x=np.column_stack([_joined(each, self.n) for each in self.x.T]))


@dataclass(frozen=True, eq=False)
class Measured:
    """Correlated factors behind the items of each construct.

    Args:
        constructs: names, in the order of the matrices.
        items: of each construct.
        corr: correlations of the constructs, shape (k, k).
        covariance: of those above the diagonal, in row order, shape (q, q).
        loadings: of the items.
        between: correlations of the items, shape (p, p).
        srmr: root mean square of what the model leaves of them.
        n: units; n_missing: units left out.
        method: how it was made.
        thresholds: of each item by its answers, where they are ordered: the answer above each, and the threshold.
    """

    constructs: tuple[str, ...]
    items: Mapping[str, Sequence[str]]
    corr: Array
    covariance: Array
    loadings: Mapping[str, float]
    between: Array
    srmr: float
    n: int
    n_missing: int
    method: str
    thresholds: Mapping[str, Mapping[int, float]]

    def among(self, names: Sequence[str]) -> tuple[Array, Array]:
        """Correlations of some constructs, and the covariance of those above the diagonal."""
        at = [self.constructs.index(name) for name in names]
        k = len(self.constructs)
        number = np.zeros((k, k), dtype=np.intp)
        rows, columns = pairs(k)
        number[rows, columns] = number[columns, rows] = np.arange(len(rows))
        some = number[np.ix_(at, at)][pairs(len(at))]
        return self.corr[np.ix_(at, at)], self.covariance[np.ix_(some, some)]


def measured(table: Table, blocks: Mapping[str, Sequence[str]]) -> Measured:
    """Fit the model to answer sheets; of incomplete ones each pair of items takes what is there."""
    there = ~np.isnan(table.x)
    enough = there.sum(axis=1) > 1
    x, n = table.x[enough], table.n[enough]
    n_missing = round(float(table.n[~enough].sum()))
    if not len(x) or n.sum() <= len(table.items):
        raise SampleError(
            f"{n.sum():.0f} answer sheets with two answers or more, of {table.n.sum():.0f}, for {len(table.items)} "
            "items: more sheets than items are needed."
        )
    constant = [name for name, each in zip(table.items, x.T, strict=True) if not np.nanmax(each) > np.nanmin(each)]
    if constant:
        raise ModelError(f"Every answer is the same in {listed(constant)}; what does not vary varies with nothing.")
    if table.ordered:
        try:
            return _of_ordered(table._replace(x=x, n=n).joined, blocks, n_missing)
        except (
            ModelError
        ):  # two items with a polychoric correlation of ±1, which has no error; as numbers it is below 1
            if table.piled:
                raise
    centred = x - np.nanmean(x, axis=0)
    sums = pair_sums(n @ pair_features(centred), x.shape[1])
    corr = pair_correlation(sums)
    gamma = influence_covariance(pairwise_influence(centred, sums, corr, float(n.sum())), n)
    how = "correlated factors of answers as numbers, distribution-free errors"
    return _fitted(table.items, blocks, corr, gamma, float(n.sum()), n_missing, how, {})


def measured_moments(data: Moments, blocks: Mapping[str, Sequence[str]]) -> Measured:
    """Fit the model to moments."""
    items = [item for block in blocks.values() for item in block]
    read: Sample = sample(data, items)
    gamma, how = read.fourth, "distribution-free errors"
    if gamma is None:
        rows, columns = pairs(len(items))
        units = np.zeros((len(rows), len(items), len(items)))
        every = np.arange(len(rows))
        units[every, rows, columns] = units[every, columns, rows] = 1.0
        gamma, how = normal_covariance(read.corr, units, 1.0), "normal theory"
    how = f"correlated factors of answers as numbers, {how}"
    return _fitted(tuple(items), blocks, read.corr, gamma, read.effective_n, read.n_missing, how, {})


def _of_ordered(table: Table, blocks: Mapping[str, Sequence[str]], n_missing: int) -> Measured:
    gap = int(np.nanmin(table.x)) - 1
    codes = coded(np.where(np.isnan(table.x), gap, table.x), table.n, names=table.items, missing=gap)
    fit = polychoric(codes)
    influence, t = polychoric_influence(codes, fit), len(fit.thresholds)
    gamma = influence_covariance(lambda part: influence(part)[:, t:], codes.n)
    cuts = {
        name: dict(zip(levels[1:], fit.thresholds[fit.item == place].tolist(), strict=True))
        for place, (name, levels) in enumerate(zip(table.items, codes.levels, strict=True))
    }
    how = "correlated factors of ordered answers, robust errors"
    return _fitted(table.items, blocks, fit.corr, gamma, fit.n, n_missing, how, cuts)


def _joined(column: Array, n: Array) -> Array:
    """Answers that hardly anybody gave join the answer beside them that fewer gave; two are left at least."""
    there = ~np.isnan(column)
    levels, of = np.unique(column[there], return_inverse=True)
    many = [float(each) for each in np.bincount(of, n[there])]
    lowest = [float(each) for each in levels]
    while len(many) > 2 and min(many) < _RARE:
        k = int(np.argmin(many))
        beside = [each for each in (k - 1, k + 1) if 0 <= each < len(many)]
        to = min(beside, key=many.__getitem__)
        first, second = min(k, to), max(k, to)
        many[first] += many.pop(second)
        del lowest[second]
    found = column.copy()
    found[there] = np.array(lowest)[np.searchsorted(lowest, column[there], side="right") - 1]
    return found


def _fitted(
    items: tuple[str, ...], blocks: Mapping[str, Sequence[str]], corr: Array, gamma: Array, n: float, n_missing: int,
    method: str, thresholds: Mapping[str, Mapping[int, float]],
) -> Measured:  # fmt: skip
    places = [[items.index(item) for item in block] for block in blocks.values()]
    fit: Factors = correlated_factors(corr, gamma, n, places)
    small = n / (n - len(items))  # sandwich errors are too small by about so much: simulated at n = 230 and 750
    return Measured(
        tuple(blocks), blocks, fit.corr, fit.covariance * small, dict(zip(items, fit.loadings.tolist(), strict=True)),
        corr, fit.srmr, round(n), n_missing, method, thresholds,
    )  # fmt: skip
