"""Correlated factors behind correlations of items: what the constructs have to do with each other, freed of error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cxuxlib.stats.weighted_fit import Statistics, weighted_fit

_STEPS, _LOOSE = 200, 1e8  # of Gauss-Newton; condition number from which loadings are not told

Array = NDArray[np.float64]
Whole = NDArray[np.intp]


class Factors(NamedTuple):
    """Correlations of factors and how sure they are.

    Args:
        corr: correlations of the factors, shape (k, k); an entry may exceed 1, which is reported as it is.
        covariance: of the entries above the diagonal, in row order, shape (q, q).
        loadings: of the items, in their order.
        srmr: root mean square of the residual correlations.
    """

    corr: Array
    covariance: Array
    loadings: Array
    srmr: float


class Shared(NamedTuple):
    """One factor above others.

    Args:
        loadings: of the factors on it, shape (k,).
        covariance: of the loadings, shape (k, k).
        chi2, df, p: test that it accounts for all correlations.
    """

    loadings: Array
    covariance: Array
    chi2: float
    df: int
    p: float


def pairs(k: int) -> tuple[Whole, Whole]:
    """Rows and columns of the entries above the diagonal, in row order."""
    rows, columns = np.triu_indices(k, 1)
    return rows.astype(np.intp), columns.astype(np.intp)


def correlated_factors(corr: Array, gamma: Array, n: float, blocks: Sequence[Sequence[int]]) -> Factors:
    """Fit ρ_ij = λ_i λ_j φ_ab, items i of factor a and j of factor b, by diagonally weighted least squares.

    A factor with one item is that item. Errors are by the sandwich formula, so they hold whatever the distribution of
    the correlations is.

    Args:
        corr: correlations of the items, Pearson or polychoric, shape (p, p).
        gamma: n times the covariance of those above the diagonal, shape (p(p-1)/2, p(p-1)/2).
        n: number of units.
        blocks: positions of the items of each factor; every item is in one.

    Returns:
        `Factors`.

    Raises:
        ModelError: no minimum, or the correlations do not tell some parameter.

    Source: Muthén 1984, doi:10.1007/BF02294210. Checked against: `models.latent` with "wlsmv", and so lavaan.

    >>> from cxuxlib.claims.factors import correlated_factors
    >>> corr = np.kron([[1, 0.5], [0.5, 1]], np.full((2, 2), 0.64)) + 0.36 * np.eye(4)
    >>> correlated_factors(corr, np.eye(6), 100, [[0, 1], [2, 3]]).corr.round(3).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    p, k = len(corr), len(blocks)
    of = np.empty(p, dtype=np.intp)
    for place, block in enumerate(blocks):
        of[list(block)] = place
    alone = np.array([len(block) == 1 for block in blocks])[of]
    free = np.flatnonzero(~alone).astype(np.intp)
    number = np.full(p, -1)
    number[free] = np.arange(len(free))
    rows, columns = pairs(p)
    above, beside = pairs(k)
    place_of = np.zeros((k, k), dtype=np.intp)
    place_of[above, beside] = place_of[beside, above] = np.arange(len(above))
    between = np.flatnonzero(of[rows] != of[columns])
    phi_of = len(free) + place_of[of[rows[between]], of[columns[between]]]
    size, every = len(free) + len(above), np.arange(len(rows))

    def model(at: Array) -> tuple[Array, Array]:
        loadings = np.ones(p)
        loadings[free] = at[: len(free)]
        shrink = np.ones(len(rows))
        shrink[between] = at[phi_of]
        product = loadings[rows] * loadings[columns]
        jacobian = np.zeros((len(rows), size))
        for one, other in ((rows, columns), (columns, rows)):
            own = number[one] >= 0
            jacobian[every[own], number[one[own]]] = loadings[other[own]] * shrink[own]
        jacobian[between, phi_of] = product[between]
        return product * shrink, jacobian

    names = [f"loading {i + 1}" for i in free]
    names += [f"correlation of factors {a + 1} and {b + 1}" for a, b in zip(above, beside, strict=True)]
    r = corr[rows, columns]
    first = _start(corr, of, free, above, beside)
    fit = weighted_fit([Statistics(r, gamma, n)], model, first, names=names)
    phi = np.eye(k)
    phi[above, beside] = phi[beside, above] = fit.theta[len(free) :]
    loadings = np.ones(p)
    loadings[free] = fit.theta[: len(free)]
    misfit = float(np.sqrt(((r - fit.implied) ** 2).mean()))
    return Factors(phi, fit.covariance[len(free) :, len(free) :], loadings, misfit)


def _start(corr: Array, of: Whole, free: Whole, above: Whole, beside: Whole) -> Array:
    """Loadings from the mean correlation of each item with its own factor's items; correlations of the mean items."""
    own = (of[:, None] == of) & ~np.eye(len(corr), dtype=bool)
    mean = (corr * own).sum(axis=1) / np.maximum(own.sum(axis=1), 1)
    within = np.array([mean[of == each].mean() for each in range(of.max() + 1)])
    loadings = np.ones(len(corr))
    loadings[free] = np.clip(mean[free] / np.sqrt(np.clip(within, 0.05, None))[of[free]], 0.2, 0.95)
    free_of_error = corr / np.outer(loadings, loadings)
    phi = [free_of_error[np.ix_(of == a, of == b)].mean() for a, b in zip(above, beside, strict=True)]
    return np.concatenate([loadings[free], np.clip(phi, -0.95, 0.95)])


def shared_factor(corr: Array, covariance: Array) -> Shared | None:
    """One factor above others, φ_ab = γ_a γ_b, by least squares with sandwich errors.

    Weights from the covariance would pull loadings up in small samples: it is smallest where correlations came out
    largest. The test takes the covariance: e'[V⁻¹ - V⁻¹J(J'V⁻¹J)⁻¹J'V⁻¹]e of the residuals e.

    Args:
        corr: correlations of the factors, shape (k, k) with k of 4 or more.
        covariance: of those above the diagonal, shape (q, q).

    Returns:
        `Shared`; None where the correlations tell no such factor, as where they are all about 0.

    Source: Browne 1984, doi:10.1111/j.2044-8317.1984.tb00789.x (the test). Checked against: `models.latent` with a
    second-order factor, and planted loadings.

    >>> corr = np.outer([0.6, 0.7, 0.8, 0.5], [0.6, 0.7, 0.8, 0.5])
    >>> shared_factor(corr, np.eye(6)).loadings.round(3).tolist()
    [0.6, 0.7, 0.8, 0.5]
    """
    k = len(corr)
    rows, columns = pairs(k)
    r, every = corr[rows, columns], np.arange(len(rows))
    loadings = np.full(k, float(np.sqrt(max(r.mean(), 0.01))))
    for _ in range(_STEPS):
        jacobian = np.zeros((len(rows), k))
        jacobian[every, rows], jacobian[every, columns] = loadings[columns], loadings[rows]
        information = jacobian.T @ jacobian
        if not np.isfinite(information).all() or np.linalg.cond(information) > _LOOSE:
            return None
        slopes = np.linalg.solve(information, jacobian.T)
        gap = r - loadings[rows] * loadings[columns]
        step = slopes @ gap
        for _ in range(20):
            new = loadings + step
            after = r - new[rows] * new[columns]
            if after @ after <= gap @ gap * (1 + 1e-12):
                break
            step = step / 2
        loadings = new
        if np.abs(step).max() < 1e-9:
            df, inverse = len(rows) - k, np.linalg.inv(covariance)
            pulled = inverse @ jacobian
            rest = inverse - pulled @ np.linalg.solve(jacobian.T @ pulled, pulled.T)
            chi2 = float(after @ rest @ after)
            return Shared(loadings, slopes @ covariance @ slopes.T, chi2, df, float(chdtrc(df, chi2)))
    return None
