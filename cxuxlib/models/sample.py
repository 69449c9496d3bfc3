"""The one door of the models: rows, counts or moments become a correlation matrix that knows its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Literal

import numpy as np

from cxuxlib.errors import ArgumentError, ColumnError, ModelError, SampleError, listed, unknown
from cxuxlib.frames import Answers, answers
from cxuxlib.frames.answers import ADVICE
from cxuxlib.results import Moments
from cxuxlib.stats import correlations, pairwise
from cxuxlib.stats.resampling import resampled_correlations

Interval = Literal["robust", "normal"]

SINGULAR = 1e-9  # eigenvalue of the correlations below which columns determine each other


@dataclass(frozen=True, eq=False)
class Sample:
    """Correlations of answers, with the distinct rows where they are known.

    Args:
        names: columns, in the order of the arrays.
        corr: correlations, shape (p, p).
        n: units.
        effective_n: (Σw)²/Σw², equal to n without weights.
        n_missing: units left out as incomplete.
        known: asymptotic covariance of the correlations, where it came with moments.
        rows: distinct rows; None where only means and covariances are known.
        pairs: units that answered both of a pair of columns, shape (p, p); None where rows are complete.
    """

    names: tuple[str, ...]
    corr: np.ndarray
    n: int
    effective_n: float
    n_missing: int
    known: np.ndarray | None = None
    rows: Answers | None = None
    pairs: np.ndarray | None = None

    def positions(self, names: Sequence[str]) -> list[int]:
        """Where these columns stand in the arrays."""
        return [self.names.index(name) for name in names]

    @cached_property
    def fourth(self) -> np.ndarray | None:
        """Asymptotic covariance (times effective n) of the correlations; None where nothing tells it."""
        if self.rows is None:
            return self.known
        x, n, w, cluster, _ = self.rows
        if self.pairs is None:
            influence = correlations.pair_influence(self.corr, x, n * w)
        else:
            x = x - np.nanmean(x, axis=0)
            sums = pairwise.pair_sums((n * w) @ pairwise.pair_features(x), x.shape[1])
            influence = pairwise.pairwise_influence(x, sums, self.corr, float((n * w).sum()))
        if cluster is None:
            return correlations.influence_covariance(influence, n * w**2)
        return correlations.clustered_covariance(influence, n * w, n * w**2, cluster)

    def covariance(self, gradients: np.ndarray, interval: Interval | None) -> tuple[np.ndarray, str]:
        """Covariance of functionals of the correlations, and the method's name."""
        if interval not in (None, "robust", "normal"):
            raise ArgumentError(f"interval is 'robust', 'normal' or None; got {interval!r}.")
        if interval == "normal":
            if self.pairs is not None or (self.rows is not None and self.rows.cluster is not None):
                raise ArgumentError("Normal theory knows complete, independent units only; leave interval out.")
            return correlations.normal_covariance(self.corr, gradients, self.effective_n), "delta method, normal theory"
        if self.fourth is None:
            if self.pairs is not None:
                raise ArgumentError(
                    "Pairwise moments tell no errors: give rows or counts, or, to key_drivers, "
                    "DriverOptions(interval='none')."
                )
            if interval == "robust":
                raise ArgumentError("These moments have no fourth moments, so they allow interval='normal' only.")
            return correlations.normal_covariance(self.corr, gradients, self.effective_n), "delta method, normal theory"
        covariance = correlations.robust_covariance(gradients, self.fourth, self.effective_n)
        return covariance, f"delta method, distribution-free{self.said}"

    @property
    def measure(self) -> str:
        """Which R² these correlations give."""
        return "R2"

    def resampled(self, replications: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Correlations of resamples of units or clusters, a few hundred at a time; NaN where a column is constant."""
        if self.rows is None:
            raise ArgumentError("Moments cannot be resampled; give rows or counts, or leave interval out.")
        x, n, w, cluster, _ = self.rows
        return resampled_correlations(x, n, w, cluster, replications, rng)

    @property
    def resamples(self) -> str:
        """What is drawn."""
        return "units" if self.rows is None or self.rows.cluster is None else "clusters"

    @property
    def df(self) -> float:
        """Degrees of freedom of intervals: clusters - 1, infinite where units are independent."""
        return inf if self.rows is None or self.rows.cluster is None else float(self.rows.cluster.max())

    @property
    def by_chance(self) -> float:
        """What a column that has nothing to do with the first is expected to explain of it by chance: (1 - R²)/n."""
        left = 1 / np.linalg.inv(self.corr)[0, 0]
        return float(left / max(self.effective_n - len(self.corr), 1.0))

    @property
    def said(self) -> str:
        """What an interval's method adds: by clusters, pairwise."""
        parts = []
        if self.rows is not None and self.rows.cluster is not None:
            parts.append(f", {int(self.rows.cluster.max()) + 1:,} clusters")
        if self.pairs is not None:
            of_pairs = self.pairs[np.triu_indices(len(self.pairs), 1)]
            parts.append(f", pairwise complete: {of_pairs.min():,.0f} to {of_pairs.max():,.0f} units a pair")
        return "".join(parts)


def sample(
    data: Any,
    names: Sequence[str],
    *,
    weight: str | None = None,
    frequency: str | None = None,
    cluster: str | None = None,
    pairs: bool = False,
    advice: str = ADVICE,
) -> Sample:
    """Read rows, counts or `Moments` into a `Sample`, refusing what no correlation can be made of."""
    if len(names) < 2:
        raise ArgumentError(f"A correlation needs at least two columns; got {listed(names)}.")
    if isinstance(data, Moments):
        if weight or frequency:
            raise ArgumentError("Moments have their weights in them; weight and frequency go with rows.")
        if cluster or pairs:
            raise ArgumentError("Moments are of complete and independent units; cluster and pairwise go with rows.")
        for name in names:
            if name not in data.names:
                raise ColumnError(unknown("column", name, data.names))
        at = [data.names.index(name) for name in names]
        covariance = data.covariance[np.ix_(at, at)]
        corr = _accepted(names, covariance, data.n)
        known = None if data.fourth is None else _among(data.fourth, len(data.names), at)
        among = None if data.pairs is None else data.pairs[np.ix_(at, at)]
        return Sample(tuple(names), corr, data.n, data.effective_n, data.n_missing, known, pairs=among)
    rows = answers(
        data, names, weight=weight, frequency=frequency, cluster=cluster, least=2 if pairs else None, advice=advice
    )
    x, nw, size = rows.x, rows.n * rows.w, round(float(rows.n.sum()))
    total = float(nw.sum())
    if size >= 2 and total <= 0:
        raise SampleError(f"All weights in {weight!r} are 0, so that no row counts.")
    if size < 2:
        raise SampleError(
            f"Only {size} complete rows of {size + rows.n_missing:,} in {listed(names)}; "
            "a correlation needs at least 2."
        )
    if rows.cluster is not None and rows.cluster.max() < 1:
        raise SampleError(f"All rows are of one cluster of {cluster!r}; intervals need several.")
    effective_n = float(total**2 / (nw @ rows.w))
    if pairs and np.isnan(x).any():
        corr, both = _pairwise(names, rows, size)
        return Sample(tuple(names), corr, size, effective_n, rows.n_missing, rows=rows, pairs=both)
    centered = x - nw @ x / total
    weighted = centered if (nw == 1).all() else centered * nw[:, None]
    covariance = weighted.T @ centered / total
    corr = _accepted(names, covariance, size)
    return Sample(tuple(names), corr, size, effective_n, rows.n_missing, rows=rows)


def _pairwise(names: Sequence[str], rows: Answers, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of each pair of columns, and how many units answered both."""
    there = (~np.isnan(rows.x)).astype(float)
    both = (there * rows.n[:, None]).T @ there
    if both.min() < 3:
        a, b = (names[int(each)] for each in np.unravel_index(both.argmin(), both.shape))
        raise SampleError(f"Only {both.min():.0f} units answered both {a!r} and {b!r}; a correlation needs more.")
    x = rows.x - np.nanmean(rows.x, axis=0)
    sums = pairwise.pair_sums((rows.n * rows.w) @ pairwise.pair_features(x), len(names))
    _not_constant(names, np.diag(sums.aa) / np.diag(sums.w))
    corr = pairwise.pair_correlation(sums)
    if np.isnan(corr).any():
        a, b = (names[int(each)] for each in np.argwhere(np.isnan(corr))[0])
        raise ModelError(f"Among units that answered both {a!r} and {b!r} one of them is constant.")
    smallest = float(np.linalg.eigvalsh(corr)[0])
    if smallest < SINGULAR:
        raise ModelError(
            f"The correlations of {listed(names)}, each of other units, contradict each other (smallest eigenvalue "
            f"{smallest:.3g}); use complete cases, or leave out the column with the most missing answers."
        )
    if n <= len(names):
        raise SampleError(f"{n} rows for {len(names)} columns; more rows than columns are needed.")
    return corr, both


def _among(fourth: np.ndarray, p: int, at: list[int]) -> np.ndarray:
    """The covariance of the correlations among some columns, out of that of all p."""
    number = np.zeros((p, p), dtype=int)
    number[np.triu_indices(p, 1)] = np.arange(len(fourth))
    number += number.T
    i, j = np.triu_indices(len(at), 1)
    pairs = number[np.array(at)[i], np.array(at)[j]]
    part: np.ndarray = fourth[np.ix_(pairs, pairs)]
    return part


def _not_constant(names: Sequence[str], variances: np.ndarray) -> None:
    constant = [name for name, v in zip(names, variances, strict=True) if not v > 1e-14]
    if constant:
        raise ModelError(f"Every answer is the same in {listed(constant)}; a constant column correlates with nothing.")


def _accepted(names: Sequence[str], covariance: np.ndarray, n: int) -> np.ndarray:
    """The correlations; refused are a constant column, and one that the others determine."""
    _not_constant(names, np.diag(covariance))
    if n <= len(names):
        raise SampleError(f"{n} complete rows for {len(names)} columns; more rows than columns are needed.")
    corr = correlations.correlation(covariance)
    if np.linalg.eigvalsh(corr)[0] < SINGULAR:
        vectors = np.linalg.eigh(corr)[1]
        tied = [name for name, share in zip(names, abs(vectors[:, 0]), strict=True) if share > 1e-4]
        raise ModelError(f"The columns {listed(tied)} determine each other exactly; leave at least one out.")
    return corr
