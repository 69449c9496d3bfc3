"""How much customers spend per purchase: the Gamma-Gamma model.

Every function raises `ArgumentError` where a number is not possible and `SampleError` where there are too few
customers; the fit raises `ModelError` where the data do not tell the parameters.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, psi

from cxuxlib.errors import ArgumentError, ModelError, SampleError
from cxuxlib.stats.likelihood import Array, Numbers, Table, arrays, check_model, counted, maximum

__all__ = ["GammaGamma", "expected_spend", "gamma_gamma_fit"]


class GammaGamma(NamedTuple):
    """A Gamma-Gamma model: purchases vary around the mean spend of a customer, and means vary between customers.

    Args:
        p: shape of the purchases of one customer.
        q, v: shape and rate of the gamma distribution of their scales; v is in units of money.
        std_errors: standard errors of the three, in this order; NaN where the model was not fitted.
        log_likelihood: at these values.
        n: customers.
        correlation: of frequency and mean spend, which the model takes to be 0: far from 0, do not use it.
        covariance: of the three, row by row; empty where the model was not fitted.
    """

    p: float
    q: float
    v: float
    std_errors: tuple[float, ...] = (nan,) * 3
    log_likelihood: float = nan
    n: float = 0
    correlation: float = nan
    covariance: Table = ()


def _density(at: Array, x: Array, m: Array, n: Array) -> tuple[float, Array]:
    """Log likelihood and its slopes in p, q, v."""
    p, q, v = at
    all_spent = x * m
    value = (
        -betaln(p * x, q) + q * np.log(v) + p * x * np.log(all_spent) - np.log(m) - (p * x + q) * np.log(v + all_spent)
    )
    both = psi(p * x + q)
    slopes = (
        x * (both - psi(p * x) + np.log(all_spent) - np.log(v + all_spent)),
        both - psi(q) + np.log(v) - np.log(v + all_spent),
        q / v - (p * x + q) / (v + all_spent),
    )
    return float((n * value).sum()), np.array([(n * each).sum() for each in slopes])


def gamma_gamma_fit(frequency: Numbers, monetary: Numbers, counts: Numbers | None = None) -> GammaGamma:
    """Fit a Gamma-Gamma model to the mean spend of repeat buyers by maximum likelihood.

    Σ ln[1/B(px, q) · v^q (xm)^(px) / (m (v + xm)^(px+q))].

    Args:
        frequency: x, purchases after the first, 1 or more: who bought once has no repeat purchase to take a mean of.
        monetary: m, mean spend of these purchases (without the first), above 0.
        counts: how many customers each row stands for; None for 1.

    Source: Fader & Hardie 2013, The Gamma-Gamma model of monetary value. Checked against: lifetimes' tests (CDNOW, 946
    repeat buyers), recovery of simulated customers.

    >>> rng = np.random.default_rng(1)
    >>> x, mean = rng.integers(1, 9, 500), 15 / rng.gamma(4, size=500)
    >>> found = gamma_gamma_fit(x, rng.gamma(6 * x, mean / x))
    >>> found.n, abs(found.correlation) < 0.1
    (500.0, True)
    """
    x, m = arrays({"frequency": frequency, "monetary": monetary})
    n = counted(counts, x)
    if (x < 1).any() or (x != np.round(x)).any():
        once = int(n[x == 0].sum())
        raise ArgumentError(
            f"frequency is a whole number, 1 or more; customers who bought once: {once:,}. Leave them out, and keep in "
            "mind that the model says nothing of how their spend differs."
        )
    if (m <= 0).any():
        raise ArgumentError("monetary is the mean spend of repeat purchases, above 0.")
    if len(np.unique(m[n > 0])) < 2:
        raise SampleError("A model of spend needs customers who spend differently.")
    mean = float(np.average(m, weights=n))
    found = maximum(lambda at: _density(at, x, m, n), (2.0, 3.0, mean), "Gamma-Gamma")
    spread = np.cov(x, m, aweights=n)
    correlation = float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])) if spread[0, 0] > 0 else nan
    p, q, v = found.at
    return GammaGamma(p, q, v, found.std_errors, found.value, float(n.sum()), correlation, found.covariance)


def expected_spend(model: GammaGamma, frequency: Numbers, monetary: Numbers) -> Array:
    """Mean spend per purchase to expect of customers in future: p (v + xm)/(px + q - 1).

    A weighted mean of what the customer spent and what all customers spend, pv/(q - 1), which stands alone where there
    is no repeat purchase.

    Args:
        model: a Gamma-Gamma model; q is above 1, or spend has no mean.
        frequency: x, purchases after the first, 0 or more.
        monetary: m, mean spend of these purchases; it plays no part where x is 0.

    Source: Fader & Hardie 2013, The Gamma-Gamma model of monetary value. Checked against: lifetimes' tests.

    >>> expected_spend(GammaGamma(6.25, 3.74, 15.44), [2, 1], [22.345, 11.77]).round(1).tolist()
    [24.7, 18.9]
    """
    check_model(model, GammaGamma, 3)
    if model.q <= 1:
        raise ModelError(f"With q = {model.q:g}, 1 or less, the spend of customers has no mean.")
    x, m = arrays({"frequency": frequency, "monetary": monetary})
    if ((x < 0) | (x != np.round(x)) | ((x > 0) & (m <= 0))).any():
        raise ArgumentError("frequency is a whole number, 0 or more, and monetary above 0 where frequency is.")
    found: Array = model.p * (model.v + x * m) / (model.p * x + model.q - 1)
    return found
