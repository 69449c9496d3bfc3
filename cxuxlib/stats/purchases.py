"""How often customers buy again: the BG/NBD model.

Every function raises `ArgumentError` where a number is not possible and `SampleError` where there are too few
customers; the fit raises `ModelError` where the data do not tell the parameters.
"""

from __future__ import annotations

from math import inf, nan
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, expit, gammaln, hyp2f1, psi, xlog1py, xlogy

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.likelihood import Array, Numbers, Table, arrays, check_model, counted, maximum

__all__ = [
    "BgNbd",
    "bgnbd_fit",
    "bgnbd_log_likelihood",
    "expected_purchases",
    "expected_repeats",
    "p_alive",
    "repeat_chances",
]


class BgNbd(NamedTuple):
    """A BG/NBD model: purchases come at a rate of the customer's own, and after each one he may leave for good.

    Args:
        r, alpha: shape and rate of the gamma distribution of purchase rates; alpha is in units of time.
        a, b: of the beta distribution of the chance to leave after a purchase.
        std_errors: standard errors of the four, in this order; NaN where the model was not fitted.
        log_likelihood: at these values.
        n: customers.
        covariance: of the four, row by row; empty where the model was not fitted.
    """

    r: float
    alpha: float
    a: float
    b: float
    std_errors: tuple[float, ...] = (nan,) * 4
    log_likelihood: float = nan
    n: float = 0
    covariance: Table = ()


def _histories(frequency: Numbers, recency: Numbers, T: Numbers) -> list[Array]:
    x, last, age = arrays({"frequency": frequency, "recency": recency, "T": T})
    if ((x < 0) | (x != np.round(x))).any():
        raise ArgumentError("frequency counts purchases after the first: whole numbers, 0 or more.")
    if ((last < 0) | (last > age) | (age <= 0)).any():
        raise ArgumentError("recency is the time from the first purchase to the last, 0 to T, and T is above 0.")
    if ((x == 0) & (last > 0)).any():
        raise ArgumentError("recency is 0 for customers who bought once: recency is no time since the last purchase.")
    return [x, last, age]


def _bgnbd(at: Array, x: Array, last: Array, age: Array, n: Array) -> tuple[float, Array]:
    """Log likelihood and its slopes in r, alpha, a, b."""
    r, alpha, a, b = at
    again = x > 0
    after = np.where(again, b + x - 1, 1.0)
    far, near = np.log(alpha + age), np.log(alpha + last)
    stayed = -(r + x) * far
    left = np.where(again, np.log(a / after), -inf) - (r + x) * near
    either = np.logaddexp(stayed, left)
    k, place = np.arange(x.max() + 1), x.astype(np.intp)  # numbers of purchases are few: what they alone make, once
    whole = gammaln(r + k) - gammaln(r) + r * np.log(alpha) + betaln(a, b + k) - betaln(a, b)
    both = (psi(a + b) - psi(a + b + k))[place]
    gone = np.exp(left - either)
    here = 1 - gone
    slopes = (
        (psi(r + k) - psi(r) + np.log(alpha))[place] - here * far - gone * near,
        r / alpha - (r + x) * (here / (alpha + age) + gone / (alpha + last)),
        both + gone / a,
        both + (psi(b + k) - psi(b))[place] - gone / after,
    )
    return float((n * (whole[place] + either)).sum()), np.array([(n * each).sum() for each in slopes])


def bgnbd_log_likelihood(
    model: BgNbd, frequency: Numbers, recency: Numbers, T: Numbers, counts: Numbers | None = None
) -> float:
    """Log likelihood of purchase histories under a BG/NBD model.

    Σ ln[B(a, b + x)/B(a, b) · Γ(r + x) α^r/Γ(r) · ((α + T)^-(r+x) + [x > 0] a/(b + x - 1) (α + t)^-(r+x))].

    Args:
        model: the parameters.
        frequency: x, purchases after the first, 0 or more.
        recency: t, time from the first purchase to the last; 0 for customers who bought once.
        T: time from the first purchase to the end of the observation, above 0.
        counts: how many customers each row stands for; None for 1.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098. Checked against: lifetimes' tests, the density
    integrated over its mixture.

    >>> round(bgnbd_log_likelihood(BgNbd(0.243, 4.414, 0.793, 2.426), [2, 0], [30.43, 0], [38.86, 38.86]), 4)
    -10.0133
    """
    check_model(model, BgNbd, 4)
    x, last, age = _histories(frequency, recency, T)
    return _bgnbd(np.array(model[:4], dtype=float), x, last, age, counted(counts, x))[0]


def bgnbd_fit(frequency: Numbers, recency: Numbers, T: Numbers, counts: Numbers | None = None) -> BgNbd:
    """Fit a BG/NBD model to purchase histories by maximum likelihood.

    Args:
        frequency, recency, T, counts: as of `bgnbd_log_likelihood`; frequency does not count the first purchase.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098. Checked against: lifetimes' tests (CDNOW, 2,357
    customers), recovery of simulated customers.

    >>> histories = [0, 1, 1, 2, 2, 6, 4], [0, 1, 8, 3, 9, 9, 2], [10] * 7
    >>> found = bgnbd_fit(*histories, counts=[50, 9, 6, 3, 5, 4, 2])
    >>> [round(each, 2) for each in found[:4]], found.n
    ([0.23, 1.49, 0.95, 2.24], 79.0)
    """
    x, last, age = _histories(frequency, recency, T)
    n = counted(counts, x)
    start = (1.0, float(np.average(age, weights=n)), 1.0, 2.0)
    found = maximum(lambda at: _bgnbd(at, x, last, age, n), start, "BG/NBD")
    r, alpha, a, b = found.at
    return BgNbd(r, alpha, a, b, found.std_errors, found.value, float(n.sum()), found.covariance)


def _purchases(r: Array, alpha: Array, a: float, b: Array, t: Array) -> Array:
    """Purchases to expect within t of somebody who is a customer now."""

    def formula(a: float) -> Array:
        found: Array = (a + b - 1) / (a - 1) * (1 - hyp2f1(r, a - 1, a + b - 1, -t / alpha))
        return found

    if min(abs(a - 1), np.abs(a + b - 1).min(initial=1)) > 1e-4:
        return formula(a)
    far2, far1, near1, near2 = (formula(a + step) for step in (-2e-3, 2e-3, -1e-3, 1e-3))  # 0/0 in between
    return (4 * (near1 + near2) - far1 - far2) / 6


def expected_purchases(model: BgNbd, t: Numbers) -> Array:
    """Purchases after the first to expect within t of a new customer's first purchase.

    E[X(t)] = (a + b - 1)/(a - 1) · (1 - ₂F₁(r, a - 1; a + b - 1; -t/α)).

    Args:
        model: a BG/NBD model.
        t: times, 0 or more.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098, after Pfaff's transformation, which neither overflows
    nor cancels. Checked against: lifetimes' tests but for their last figure, where the series that made it was cut off
    after 150 terms (1.8576 for 1.8580); the mixture integrated numerically.

    >>> expected_purchases(BgNbd(0.243, 4.414, 0.793, 2.426), [1, 78]).round(3).tolist()
    [0.053, 1.861]
    """
    check_model(model, BgNbd, 4)
    (t,) = arrays({"t": t})
    if (t < 0).any():
        raise ArgumentError("t is 0 or more.")
    r, alpha, b = (np.full(t.shape, each) for each in (model.r, model.alpha, model.b))
    return _purchases(r, alpha, model.a, b, t)


def repeat_chances(model: BgNbd, t: Numbers, most: int) -> Array:
    """Chances of 0, 1, ..., ``most`` purchases after the first within t of a new customer's first purchase.

    B(a, b + x)/B(a, b) N(x) + [x > 0] B(a + 1, b + x - 1)/B(a, b) (1 - Σ_{j < x} N(j)), where N is the negative
    binomial distribution of who never leaves, Γ(r + x)/(Γ(r) x!) (α/(α + t))^r (t/(α + t))^x.

    Args:
        model: a BG/NBD model.
        t: times, 0 or more.
        most: the last number whose chance is told.

    Returns:
        Shape (..., most + 1).

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098. Checked against: their sum and mean, simulated
    customers.

    >>> repeat_chances(BgNbd(0.243, 4.414, 0.793, 2.426), 39, 2).round(3).tolist()
    [0.574, 0.199, 0.085]
    """
    check_model(model, BgNbd, 4)
    (t,) = arrays({"t": t})
    if (t < 0).any():
        raise ArgumentError("t is 0 or more.")
    r, alpha, a, b = model[:4]
    x = np.arange(most + 1.0)
    share = (t / (alpha + t))[..., None]
    ways = gammaln(r + x) - gammaln(r) - gammaln(x + 1)
    steady: Array = np.exp(ways + xlog1py(r, -share) + xlogy(x, share))
    so_far = np.concatenate([np.zeros((*t.shape, 1)), np.cumsum(steady, axis=-1)[..., :-1]], axis=-1)
    left = np.where(x > 0, np.exp(betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b)), 0.0)
    found: Array = np.exp(betaln(a, b + x) - betaln(a, b)) * steady + left * (1 - so_far)
    return found


def p_alive(model: BgNbd, frequency: Numbers, recency: Numbers, T: Numbers) -> Array:
    """Chance that a customer has not left yet: 1/(1 + [x > 0] a/(b + x - 1) ((α + T)/(α + t))^(r+x)).

    It is 1 for who bought once, however long ago, because the model lets nobody leave before a repeat purchase: do not
    read it as a sign of life.

    Args:
        model: a BG/NBD model.
        frequency, recency, T: as of `bgnbd_log_likelihood`.

    Source: Fader, Hardie & Lee 2008, Computing P(alive) using the BG/NBD model. Checked against: Bayes' rule on the
    likelihood.

    >>> p_alive(BgNbd(0.243, 4.414, 0.793, 2.426), [2, 0], [30.43, 0], [38.86, 38.86]).round(3).tolist()
    [0.727, 1.0]
    """
    check_model(model, BgNbd, 4)
    x, last, age = _histories(frequency, recency, T)
    r, alpha, a, b = model[:4]
    after = np.where(x > 0, b + x - 1, 1.0)
    odds = np.log(after / a) + (r + x) * (np.log(alpha + last) - np.log(alpha + age))
    return np.where(x > 0, expit(odds), 1.0)


def expected_repeats(model: BgNbd, t: Numbers, frequency: Numbers, recency: Numbers, T: Numbers) -> Array:
    """Purchases to expect of customers within the next t, given their histories.

    E[Y(t)] = P(alive) · E[X(t)] with r + x, α + T, a and b + x in place of r, α, a and b.

    Args:
        model: a BG/NBD model.
        t: time from T on, 0 or more.
        frequency, recency, T: as of `bgnbd_log_likelihood`.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098. Checked against: lifetimes' tests.

    >>> round(float(expected_repeats(BgNbd(0.243, 4.414, 0.793, 2.426), 39, 2, 30.43, 38.86)), 3)
    1.226
    """
    alive = p_alive(model, frequency, recency, T)
    t, x, age = arrays({"t": t, "frequency": frequency, "T": T})
    if (t < 0).any():
        raise ArgumentError("t is 0 or more.")
    return alive * _purchases(model.r + x, model.alpha + age, model.a, model.b + x, t)
