"""How long customers under contract stay, from any counts: beta-discrete-Weibull, of which sBG is a case.

Every function raises `ArgumentError` where a number is not possible; the fit raises `ModelError` where the data do not
tell the parameters.
"""

from __future__ import annotations

from math import ceil, inf, log, nan
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, gammaln, psi

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.stats.likelihood import Array, Table, check_model, maximum

__all__ = ["BetaWeibull", "Stayed", "constant_rate", "discounted", "log_survival", "misfit", "tenure_fit"]

_FAR = 1e3  # from which on differences of gamma functions come from their series
_SMALL = 1e-16  # share of a discounted sum that is left out at its end
_LEAST = 1e-4  # discount a period with which a sum for ever is taken
_STARTS = ((1.0, 1.0, 1.0), (0.5, 2.0, 1.5), (5.0, 20.0, 1.0))


class Stayed(NamedTuple):
    """Who stayed from when to when: one row per distinct history.

    Args:
        entry: whole periods after which somebody came under observation; 0 from the start.
        exit: the period in which they left, or whole periods they had stayed when observation ended.
        left: whether they left.
        n: customers.
    """

    entry: Array
    exit: Array
    left: np.ndarray
    n: Array


class BetaWeibull(NamedTuple):
    """A BdW model: after t periods q^(t^c) of a kind of customers are left, and chances 1 - q are beta.

    Args:
        alpha, beta: of the beta distribution of the chance to leave in the first period.
        c: above 1 each customer's own chance to leave grows with tenure, below 1 it falls; 1 is sBG.
        std_errors: standard errors of the three, in this order; of c 0 where it was held at 1.
        log_likelihood: at these values.
        n: customers.
        covariance: of the three, row by row; empty where the model was not fitted.
    """

    alpha: float
    beta: float
    c: float = 1.0
    std_errors: tuple[float, ...] = (nan,) * 3
    log_likelihood: float = nan
    n: float = 0
    covariance: Table = ()


def _rise(x: Array, a: float) -> Array:
    """ψ(x + a) - ψ(x), without cancelling where x is large."""
    with np.errstate(divide="ignore", invalid="ignore"):
        end = x + a
        far = np.log1p(a / x) + a / (2 * x * end) + a * (x + end) / (12 * x**2 * end**2)
    return np.where(x > _FAR, far, psi(end) - psi(x))


def _log_beta(a: float, x: Array) -> Array:
    """The logarithm of B(a, x), whose terms cancel where x is large: by the difference of Stirling's series there."""
    with np.errstate(divide="ignore", invalid="ignore"):
        end = x + a
        rise = (x - 0.5) * np.log1p(a / x) + a * np.log(end) - a
        rise = rise - a / (12 * x * end) + (1 / x**3 - 1 / end**3) / 360
    found: Array = np.where(x > _FAR, gammaln(a) - rise, betaln(a, x))
    return found


def log_survival(model: BetaWeibull, t: Array) -> tuple[Array, Array]:
    """The logarithm of survival, ln S(t) = ln B(α, β + t^c) - ln B(α, β), and its slopes in α, β and c, shape (..., 3).

    Source: Fader, Hardie, Liu, Davin & Steenburgh 2018, doi:10.1016/j.intmar.2018.01.002. Checked against: mixtures
    integrated numerically, R.

    >>> found, _ = log_survival(BetaWeibull(0.668, 3.806), np.array([0.0, 7.0]))
    >>> np.exp(found).round(3).tolist()
    [1.0, 0.489]
    """
    a, b, c = model[:3]
    t = np.asarray(t, dtype=float)
    u = t**c
    at = np.full(u.shape, float(b))
    value = _log_beta(a, b + u) - _log_beta(a, at)
    high, start = _rise(b + u, a), _rise(at, a)
    grown = np.where(t > 0, u * np.log(np.where(t > 0, t, 1.0)), 0.0)
    slope_a = psi(a + b) - psi(a + b + u)
    return value, np.stack([slope_a, start - high, -high * grown], axis=-1)


def _leave(model: BetaWeibull, t: Array) -> tuple[Array, Array]:
    """Logarithm of the chance to leave in period t of who stayed until then, and its slopes."""
    (now, slopes), (before, earlier) = log_survival(model, t), log_survival(model, t - 1)
    stay = np.minimum(now - before, -1e-300)
    h = -np.expm1(stay)
    return np.log(h), -(np.exp(stay) / h)[..., None] * (slopes - earlier)


def tenure_fit(stayed: Stayed, *, weibull: bool = False) -> BetaWeibull:
    """Fit sBG, or BdW, to who stayed how long, by maximum likelihood.

    Σ n [left ln(S(t - 1) - S(t)) + (1 - left) ln S(t) - ln S(entry)].

    Args:
        stayed: histories.
        weibull: whether c is free.

    Raises:
        ModelError: these data do not tell the parameters: nobody leaves, everybody leaves at once, or all customers
            leave with about the same chance.

    Source: Fader & Hardie 2007, doi:10.1002/dir.20074; Fader et al. 2018, doi:10.1016/j.intmar.2018.01.002. Checked
    against: their example (.668, 3.806), R's optim.

    >>> left = np.array([131, 126, 90, 60, 42, 34, 26])
    >>> end, gone = np.r_[1:8, 7], np.array([True] * 7 + [False])
    >>> found = tenure_fit(Stayed(np.zeros(8), end, gone, np.r_[left, 491]))
    >>> round(found.alpha, 3), round(found.beta, 3)
    (0.668, 3.806)
    """
    entry, end, left, n = (np.asarray(each) for each in stayed)
    late = entry > 0

    def likelihood(at: Array) -> tuple[float, Array]:
        model = BetaWeibull(*at)
        stay, slopes = log_survival(model, np.where(left, end - 1, end))
        gone, steeper = _leave(model, end[left])
        value, slope = n @ stay + n[left] @ gone, n @ slopes + n[left] @ steeper
        if late.any():
            before, earlier = log_survival(model, entry[late])
            value, slope = value - n[late] @ before, slope - n[late] @ earlier
        return float(value), slope[: len(at)]

    size = 3 if weibull else 2
    for start in _STARTS:
        try:
            found = maximum(likelihood, start[:size], "BdW" if weibull else "sBG")
            break
        except ModelError as error:
            why = error
    else:
        raise why
    wide = np.zeros((3, 3))
    wide[:size, :size] = found.covariance
    rows = tuple(tuple(map(float, row)) for row in wide)
    c = found.at[2] if weibull else 1.0
    errors = (*found.std_errors, 0.0)[:3]
    return BetaWeibull(found.at[0], found.at[1], c, errors, found.value, float(n.sum()), rows)


def constant_rate(stayed: Stayed) -> tuple[float, float, float]:
    """The chance to leave where everybody has the same in every period, its standard error, and the log likelihood.

    >>> rate, error, _ = constant_rate(Stayed(np.zeros(2), np.ones(2), np.array([True, False]), np.array([20, 80])))
    >>> rate, round(error, 3)
    (0.2, 0.04)
    """
    entry, end, left, n = stayed
    lost, risk = float(n[left].sum()), float(n @ (end - entry))
    rate = lost / risk
    stay = (risk - lost) * log(1 - rate) if rate < 1 else 0.0
    return rate, (rate * (1 - rate) / risk) ** 0.5, lost * log(rate) + stay


def misfit(model: BetaWeibull, at_risk: Array, lost: Array) -> float:
    """Pearson's χ² of who left in periods 1, 2, ... of those at risk: Σ (d - rh)²/(r h (1 - h)).

    >>> at_risk, lost = np.array([1000.0, 869, 743]), np.array([131.0, 126, 90])
    >>> round(misfit(BetaWeibull(0.668, 3.806), at_risk, lost), 2)
    9.5
    """
    h = np.exp(_leave(model, np.arange(1.0, len(at_risk) + 1))[0])
    some = at_risk > 0
    return float((((lost - at_risk * h) ** 2)[some] / (at_risk * h * (1 - h))[some]).sum())


def discounted(model: BetaWeibull, *, after: int = 0, periods: float, discount: float) -> tuple[float, Array]:
    """Periods that somebody who stayed ``after`` periods is expected to stay and pay, discounted; and its slopes.

    Σ_{j < periods} S(after + j)/S(after)/(1 + d)^j; the first is paid now.

    Args:
        model: a BdW model.
        after: periods stayed already.
        periods: how many are counted; infinite for ever, with a discount.
        discount: d, per period, 0 or more.

    Source: Fader & Hardie 2010, doi:10.1287/mksc.1080.0482, whose residual lifetime of who decides on staying now is
    this, times the chance to stay. Checked against: their ₂F₁, sums over simulated customers.

    >>> round(discounted(BetaWeibull(0.668, 3.806), periods=np.inf, discount=0.1)[0], 3)
    5.923
    """
    check_model(model, BetaWeibull, 3)
    if periods == inf and discount < _LEAST:
        raise ArgumentError(f"A sum for ever needs a discount of {_LEAST:g} a period or more; got {discount:g}.")
    rate = log(1 + discount)
    last = ceil(-log(_SMALL * discount) / rate) if periods == inf else int(periods)
    j = np.arange(float(last))
    (here, at), (now, start) = log_survival(model, after + j), log_survival(model, np.array(float(after)))
    each = np.exp(here - now - rate * j)
    return float(each.sum()), each @ (at - start)
