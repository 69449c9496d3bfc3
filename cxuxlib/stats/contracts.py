"""How long customers under contract stay: the shifted beta-geometric model.

Every function raises `ArgumentError` where a number is not possible and `SampleError` where there are too few
customers; the fit raises `ModelError` where the data do not tell the parameters.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, psi

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.likelihood import Array, Numbers, Table, arrays, check_model, maximum

__all__ = ["ShiftedBetaGeometric", "sbg_fit", "sbg_survival"]


class ShiftedBetaGeometric(NamedTuple):
    """An sBG model: in every period a customer ends the contract with a chance of his own, and chances are beta.

    Args:
        alpha, beta: of the beta distribution of the chance to leave in a period.
        std_errors: standard errors of the two, in this order; NaN where the model was not fitted.
        log_likelihood: at these values.
        n: customers at the start.
        covariance: of the two, row by row; empty where the model was not fitted.
    """

    alpha: float
    beta: float
    std_errors: tuple[float, ...] = (nan,) * 2
    log_likelihood: float = nan
    n: float = 0
    covariance: Table = ()


def sbg_fit(survivors: Numbers) -> ShiftedBetaGeometric:
    """Fit an sBG model to how many customers are left after each period, by maximum likelihood.

    Σ lost_t ln(B(α + 1, β + t - 1)/B(α, β)) + left ln(B(α, β + T)/B(α, β)).

    Args:
        survivors: customers at the start and after each of two or more periods, never more than before; percentages
            of the start give the same α and β, and standard errors as of 100 customers.

    Source: Fader & Hardie 2007, doi:10.1002/dir.20074. Checked against: their example (.668, 3.806).

    >>> found = sbg_fit([100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1])
    >>> round(found.alpha, 3), round(found.beta, 3)
    (0.668, 3.806)
    """
    (n,) = arrays({"survivors": survivors})
    if n.ndim != 1 or len(n) < 3:
        raise SampleError("sBG needs customers at the start and after two periods or more.")
    if (n < 0).any() or (np.diff(n) > 0).any() or not n[0] > 0:
        raise ArgumentError("survivors are customers who are left of those at the start: 0 or more, never more again.")
    lost, t = -np.diff(n), np.arange(1, len(n))

    def likelihood(at: Array) -> tuple[float, Array]:
        a, b = at
        left_now, still = betaln(a + 1, b + t - 1), betaln(a, b + t[-1])
        value = (lost * left_now).sum() + n[-1] * still - n[0] * betaln(a, b)
        both, start = psi(a + b + t), n[0] * (psi(a) - psi(a + b))
        slope_a = (lost * (psi(a + 1) - both)).sum() + n[-1] * (psi(a) - both[-1]) - start
        slope_b = (lost * (psi(b + t - 1) - both)).sum() + n[-1] * (psi(b + t[-1]) - both[-1])
        return float(value), np.array([slope_a, slope_b - n[0] * (psi(b) - psi(a + b))])

    found = maximum(likelihood, (1.0, 1.0), "sBG")
    alpha, beta = found.at
    return ShiftedBetaGeometric(alpha, beta, found.std_errors, found.value, float(n[0]), found.covariance)


def sbg_survival(model: ShiftedBetaGeometric, t: Numbers) -> Array:
    """Share of customers who are left after t periods: B(α, β + t)/B(α, β).

    Args:
        model: an sBG model.
        t: periods, 0 or more.

    Source: Fader & Hardie 2007, doi:10.1002/dir.20074. Checked against: the product of their retention rates.

    >>> sbg_survival(ShiftedBetaGeometric(0.668, 3.806), [1, 7]).round(3).tolist()
    [0.851, 0.489]
    """
    check_model(model, ShiftedBetaGeometric, 2)
    (t,) = arrays({"t": t})
    if (t < 0).any():
        raise ArgumentError("t is 0 or more.")
    left: Array = np.exp(betaln(model.alpha, model.beta + t) - betaln(model.alpha, model.beta))
    return left
