"""The one door of the models: rows, counts or moments become a correlation matrix that knows its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cxuxlib.errors import ArgumentError, ColumnError, ModelError, SampleError, listed, unknown
from cxuxlib.frames import counts
from cxuxlib.results import Moments
from cxuxlib.stats import correlations

Interval = Literal["robust", "normal"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Correlations of complete answers, with the distinct rows where they are known.

    Args:
        names: columns, in the order of the arrays.
        corr: correlations, shape (p, p).
        n: units.
        effective_n: (Σw)²/Σw², equal to n without weights.
        n_missing: units left out as incomplete.
        fourth: asymptotic covariance of the correlations; None where only means and covariances are known.
    """

    names: tuple[str, ...]
    corr: np.ndarray
    n: int
    effective_n: float
    n_missing: int
    fourth: np.ndarray | None = None

    def positions(self, names: Sequence[str]) -> list[int]:
        """Where these columns stand in the arrays."""
        return [self.names.index(name) for name in names]

    def covariance(self, gradients: np.ndarray, interval: Interval | None) -> tuple[np.ndarray, str]:
        """Covariance of functionals of the correlations, and the method's name."""
        if interval not in (None, "robust", "normal"):
            raise ArgumentError(f"interval is 'robust', 'normal' or None; got {interval!r}.")
        if self.fourth is None and interval == "robust":
            raise ArgumentError("These moments have no fourth moments, so they allow interval='normal' only.")
        if self.fourth is None or interval == "normal":
            return correlations.normal_covariance(self.corr, gradients, self.effective_n), "delta method, normal theory"
        covariance = correlations.robust_covariance(gradients, self.fourth, self.effective_n)
        return covariance, "delta method, distribution-free"


def sample(data: Any, names: Sequence[str], *, weight: str | None = None, frequency: str | None = None) -> Sample:
    """Read rows, counts or `Moments` into a `Sample`, refusing what no correlation can be made of."""
    if len(names) < 2:
        raise ArgumentError(f"A correlation needs at least two columns; got {listed(names)}.")
    if isinstance(data, Moments):
        if weight or frequency:
            raise ArgumentError("Moments have their weights in them; weight and frequency go with rows.")
        for name in names:
            if name not in data.names:
                raise ColumnError(unknown("column", name, data.names))
        at = [data.names.index(name) for name in names]
        covariance = data.covariance[np.ix_(at, at)]
        _refuse(names, covariance, data.n)
        fourth = None if data.fourth is None else _among(data.fourth, len(data.names), at)
        return Sample(tuple(names), correlations.correlation(covariance), data.n, data.n, data.n_missing, fourth)
    table, n_missing = counts(data, names, weight=weight, frequency=frequency)
    answers, n, w, ww = (table[[f"c{i}" for i in range(len(names))]], table["n"], table["w"], table["ww"])
    x, size, weights = answers.to_numpy(), round(float(n.sum())), w.to_numpy()
    if size < 2 or weights.sum() <= 0:
        raise SampleError(
            f"Only {size} complete rows of {size + n_missing:,} in {listed(names)}; a correlation needs at least 2."
        )
    centered = x - np.average(x, axis=0, weights=weights)
    covariance = (centered * weights[:, None]).T @ centered / weights.sum()
    _refuse(names, covariance, size)
    corr = correlations.correlation(covariance)
    fourth = correlations.pair_covariance(corr, x, weights, ww.to_numpy())
    effective_n = float(weights.sum() ** 2 / ww.sum())
    return Sample(tuple(names), corr, size, effective_n, n_missing, fourth)


def _among(fourth: np.ndarray, p: int, at: list[int]) -> np.ndarray:
    """The covariance of the correlations among some columns, out of that of all p."""
    number = np.zeros((p, p), dtype=int)
    number[np.triu_indices(p, 1)] = np.arange(len(fourth))
    number += number.T
    i, j = np.triu_indices(len(at), 1)
    pairs = number[np.array(at)[i], np.array(at)[j]]
    part: np.ndarray = fourth[np.ix_(pairs, pairs)]
    return part


def _refuse(names: Sequence[str], covariance: np.ndarray, n: int) -> None:
    """Name a constant column, or one that the others determine."""
    variance = np.diag(covariance)
    constant = [name for name, v in zip(names, variance, strict=True) if not v > 1e-14]
    if constant:
        raise ModelError(f"Every answer is the same in {listed(constant)}; a constant column correlates with nothing.")
    if n <= len(names):
        raise SampleError(f"{n} complete rows for {len(names)} columns; more rows than columns are needed.")
    eigenvalues, vectors = np.linalg.eigh(correlations.correlation(covariance))
    if eigenvalues[0] < 1e-9:
        tied = [name for name, share in zip(names, abs(vectors[:, 0]), strict=True) if share > 1e-4]
        raise ModelError(f"The columns {listed(tied)} determine each other exactly; leave at least one out.")
