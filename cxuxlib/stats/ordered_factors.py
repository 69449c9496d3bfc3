"""Two correlated factors of ordered answers, by diagonally weighted least squares on polychoric correlations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.answer_tables import Coded
from cxuxlib.stats.correlations import Influence, influence_covariance
from cxuxlib.stats.polychoric import Polychoric, polychoric, polychoric_influence
from cxuxlib.stats.weighted_fit import Model, Statistics, WeightedFit, weighted_fit

__all__ = ["OrderedFactors", "ordered_factor_correlation"]

Array = NDArray[np.float64]
Whole = NDArray[np.intp]


class OrderedFactors(NamedTuple):
    """Two correlated factors behind ordered answers.

    Args:
        value: correlation of the factors; it may exceed 1, which is reported as it is.
        std_error: its standard error by the sandwich formula, first order in the misfit as lavaan's: it rests on no
            distribution of the statistics, but on normal variables behind the answers.
        influence: what each unit contributes to its error, a function from a slice of the rows to shape (rows, 1).
        fit: loadings (items of the first factor, then of the second) and the correlation, with the test of the model.
        answers: thresholds and polychoric correlations of these items.
    """

    value: float
    std_error: float
    influence: Influence
    fit: WeightedFit
    answers: Polychoric


def ordered_factor_correlation(data: Coded, a: list[int], b: list[int], *, empty: float = 0.0) -> OrderedFactors:
    """Correlation of two factors, each measured by ordered answers of its own, freed of error and of their skew.

    The polychoric correlations are ρ_ij = λ_i λ_j within a factor and λ_i λ_j φ between, fitted by diagonally weighted
    least squares; the thresholds are free and so leave no misfit. Pearson correlations of answers that pile up at
    opposite ends are too small whatever lies behind them; these are not.

    Args:
        data: the answers, of which only those of these items are used.
        a, b: positions of the items of each factor, two or more each, coded in one direction.
        empty: units added to empty cells, as of `polychoric`.

    Returns:
        The correlation, its standard error and influence, and the whole fit.

    Raises:
        ArgumentError: a factor with one item, or an item in both.
        ModelError: two items with a polychoric correlation of ±1, or the answers do not tell the correlation.

    Source: Muthén 1984, doi:10.1007/BF02294210; Flora & Curran 2004, doi:10.1037/1082-989X.9.4.466. Checked against:
    lavaan's WLSMV (R), simulation.

    >>> from cxuxlib.stats.answer_tables import coded
    >>> rng = np.random.default_rng(1)
    >>> factors = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=4000)
    >>> answers = np.digitize(factors[:, [0, 0, 1, 1]] + rng.normal(size=(4000, 4)), [-1, 0.5])
    >>> found = ordered_factor_correlation(coded(answers), [0, 1], [2, 3])
    >>> abs(found.value - 0.6) < 0.1, found.fit.df
    (True, 1)
    """
    at = [*a, *b]
    if min(len(a), len(b)) < 2 or len(set(at)) < len(at):
        raise ArgumentError(f"Each factor needs two items or more, none of them in both; got {a} and {b}.")
    some = Coded(data.codes[at], data.n, tuple(data.levels[i] for i in at), tuple(data.names[i] for i in at))
    answers = polychoric(some, empty=empty)
    rows, columns = np.triu_indices(len(at), 1)
    r, t = answers.corr[rows, columns], len(answers.thresholds)
    whole = polychoric_influence(some, answers)
    gamma = influence_covariance(lambda part: whole(part)[:, t:], some.n)
    factor = np.array([0] * len(a) + [1] * len(b))
    names = [*(f"the loading of {name!r}" for name in some.names), "the correlation of the factors"]
    fit = weighted_fit(
        [Statistics(r, gamma, answers.n)], _two_factors(factor), _start(answers.corr, factor), names=names
    )
    pull = fit.slopes[-1]
    return OrderedFactors(
        float(fit.theta[-1]),
        float(np.sqrt(fit.covariance[-1, -1])),
        lambda part: whole(part)[:, t:] @ pull[:, None],
        fit,
        answers,
    )


def _two_factors(factor: Whole) -> Model:
    """ρ_ij = λ_i λ_j, times φ between factors."""
    rows, columns = np.triu_indices(len(factor), 1)
    between = factor[rows] != factor[columns]
    each = np.arange(len(rows))

    def model(at: Array) -> tuple[Array, Array]:
        loadings, shrink = at[:-1], np.where(between, at[-1], 1.0)
        jacobian = np.zeros((len(rows), len(at)))
        jacobian[each, rows] = loadings[columns] * shrink
        jacobian[each, columns] = loadings[rows] * shrink
        product = loadings[rows] * loadings[columns]
        jacobian[:, -1] = product * between
        return product * shrink, jacobian

    return model


def _start(corr: Array, factor: Whole) -> Array:
    """Loadings from the mean correlation of each item with its own factor's items."""
    own = (factor[:, None] == factor) & ~np.eye(len(corr), dtype=bool)
    mean = (corr * own).sum(axis=1) / own.sum(axis=1)
    within = np.array([mean[factor == f].mean() for f in (0, 1)])
    loadings = np.clip(mean / np.sqrt(np.clip(within, 0.05, None))[factor], 0.2, 0.95)
    return np.append(loadings, 0.5)
