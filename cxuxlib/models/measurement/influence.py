"""How estimates move with the moments of the data: what puts errors on quantities of several fits of the same data.

Estimates θ minimise F(θ, m) for the moments m (means, where modelled, and covariances), so that dθ/dm = A⁻¹Δ'V, with A
half the Hessian of F, Δ the derivative of the expected moments and V their normal-theory weight: exact, whether or not
the model fits. A quantity then moves by g'dx̄ + tr(G dS), and a unit's share in its error is g'z + z'Gz - tr(GS).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxuxlib.models.structural.fitting import Latent, Normal
from cxuxlib.stats.sem.moments import inverted
from cxuxlib.stats.sem.paths import delta, lower


class Pull(NamedTuple):
    """Derivative of quantities in the moments of one group.

    Args:
        mean: g of each, shape (quantities, p).
        covariance: G of each, symmetric, shape (quantities, p, p).
    """

    mean: np.ndarray
    covariance: np.ndarray


def pulled(fit: Normal, slopes: np.ndarray) -> list[Pull]:
    """What quantities of the parameters become as quantities of the moments of each group.

    Args:
        fit: a model fitted to complete answers.
        slopes: derivative of each quantity in the parameters, shape (quantities, parameters).
    """
    steps = inverted(fit.observed) @ slopes.T
    found = []
    for cells, state, group in zip(fit.cells, fit.states, fit.groups, strict=True):
        p = cells.p
        inverse, share = np.linalg.inv(state.sigma), group.n / fit.n
        row, col = lower(p)
        moved = (share * delta(cells, state, len(steps)) @ steps).T
        means, rest = (moved[:, :p], moved[:, p:]) if cells.means else (np.zeros((len(moved), p)), moved)
        change = np.zeros((len(moved), p, p))
        change[:, row, col] = change[:, col, row] = rest
        found.append(Pull(means @ inverse, inverse @ change @ inverse / 2))
    return found


def covariance_of(found: Latent, pulls: Sequence[Pull]) -> np.ndarray:
    """Covariance of quantities of the moments: under normality by "ml", else whatever the distribution.

    Args:
        found: a model of the data, complete answers, whose estimator and causes count; not its parameters.
        pulls: derivative of the quantities in the moments, by group.
    """
    fit = found.fit
    total = np.zeros((len(pulls[0].mean),) * 2)
    for g, (group, pull) in enumerate(zip(fit.groups, pulls, strict=True)):
        s = group.covariance
        assert s is not None
        own = _by_chance(pull, s, fit.causes)
        if found.estimator == "ml":
            turned = own.covariance @ s
            part = 2 * np.einsum("aij,bji->ab", turned, turned) + own.mean @ s @ own.mean.T
        else:
            products = fit.rows[g].products
            assert products is not None
            row, col = lower(len(s))
            crossed = own.covariance[:, row, col] + own.covariance[:, col, row]
            crossed[:, row == col] /= 2
            level = np.einsum("aij,ij->a", own.covariance, s)
            turn = np.hstack([-level[:, None], own.mean, crossed])
            part = turn @ products @ turn.T
        total += part / group.n
    return total


def _by_chance(pull: Pull, s: np.ndarray, causes: Sequence[int]) -> Pull:
    """Leave out what variables that are taken as they are predict, which is no chance."""
    if not causes:
        return pull
    of = list(causes)
    hat = s[:, of] @ np.linalg.solve(s[np.ix_(of, of)], np.eye(len(s))[of])
    return Pull(pull.mean - pull.mean @ hat, pull.covariance - hat.T @ pull.covariance @ hat)
