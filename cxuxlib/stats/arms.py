"""Arms of an experiment against each other: adjusted by what was known before, in units and in standard deviations."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cxuxlib.errors import ModelError, SampleError

__all__ = ["Arm", "Contrast", "against", "arm", "homogeneous", "sample_ratio"]

Array = NDArray[np.float64]

_RANK = 1e-9  # of the largest singular value of the standardised columns, below which they determine each other


class Arm(NamedTuple):
    """One arm at the covariates of both.

    Args:
        value: ratio of sums (the mean where denominators are 1), at the mean covariates of both arms.
        plain: the same without covariates.
        influence: of each unit on ``value``, scaled as HC2, shape (n,).
        slopes: of the covariates, shape (p,).
        centered: of each unit, its linearised outcome less the arm's own, shape (n,).
        df: n less the parameters.
    """

    value: float
    plain: float
    influence: Array
    slopes: Array
    centered: Array
    df: int


class Contrast(NamedTuple):
    """An arm less the control.

    Args:
        effect, std_error, df: the difference, its error and degrees of freedom.
        sd: standard deviation over the units of the control.
        sd_effect, sd_error: the difference in such standard deviations, and its error.
    """

    effect: float
    std_error: float
    df: float
    sd: float
    sd_effect: float
    sd_error: float


def arm(y: Array, d: Array, x: Array) -> Arm:
    """An arm's Σy/Σd, adjusted to covariates of 0: least squares of the linearised outcome, with HC2 influence.

    z = (y - R d) / mean d with R = Σy/Σd, regressed on 1 and x; value = R + intercept; the influence of a unit is
    (X'X)⁻¹ x e / √(1 - h), whose squares add up to the HC2 variance. Without covariates: R, by the delta method.

    Args:
        y, d: sums of a unit, shape (n,); d is 1 for a plain mean.
        x: covariates less their mean in both arms, shape (n, p).

    >>> found = arm(np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4), np.zeros((4, 0)))
    >>> found.value, round(float((found.influence**2).sum()), 6)
    (3.0, 0.833333)
    """
    n, k = len(y), x.shape[1] + 1
    if n <= k:
        raise SampleError(f"an arm has {n} units for {k} parameters")
    ratio = float(y.sum() / d.sum())
    z = (y - ratio * d) / d.mean()
    q, r = np.linalg.qr(np.column_stack([np.ones(n), x]))
    if (abs(np.diag(r)) <= _RANK * np.maximum(np.sqrt((x**2).sum(axis=0)).max(initial=0.0), 1e-300)).any():
        raise ModelError("the columns it is adjusted by determine each other in an arm, or do not vary there")
    beta = np.linalg.solve(r, q.T @ z)
    left = np.maximum(1 - (q**2).sum(axis=1), 1e-12)
    influence = q @ np.linalg.solve(r.T, np.eye(k)[0]) * (z - q @ (q.T @ z)) / np.sqrt(left)
    return Arm(ratio + float(beta[0]), ratio, influence, beta[1:], z, n - k)


def against(a: Arm, b: Arm, xa: Array, xb: Array) -> Contrast:
    """An arm less the control, for the population that the units are drawn from.

    Var = Σ squares of influence + (βa - βb)' S (βa - βb)/n with S the covariance of the covariates of both: effects
    that differ with the covariates would differ in other units. Satterthwaite's df. In SDs of the control the error of
    that SD is counted too, by the delta method.

    Source: Lin 2013, doi:10.1214/12-AOAS583; Deng, Xu, Kohavi & Walker 2013, doi:10.1145/2433396.2433413;
    MacKinnon & White 1985, doi:10.1016/0304-4076(85)90158-7. Checked against: R's lm and sandwich (HC2).

    >>> none = np.zeros((4, 0))
    >>> old = arm(np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4), none)
    >>> new = arm(np.array([3.0, 4.0, 6.0, 7.0]), np.ones(4), none)
    >>> found = against(new, old, none, none)
    >>> found.effect, round(found.std_error, 4), found.df
    (2.0, 1.291, 6.0)
    """
    va, vb = (float((each.influence**2).sum()) for each in (a, b))
    if not va + vb > 0:
        raise SampleError("all outcomes of an arm are the same, so there is no error to measure")
    gap = a.slopes - b.slopes
    n = len(xa) + len(xb)
    shift = np.concatenate([xa @ gap, xb @ gap]) / n
    variance = va + vb + float((shift**2).sum()) * n / (n - 1)
    df = (va + vb) ** 2 / (va**2 / a.df + vb**2 / b.df)
    effect = a.value - b.value
    squares, m = b.centered**2, len(b.centered)
    sd = sqrt(float(squares.sum()) / (m - 1))
    if not sd > 0:
        raise SampleError("all outcomes of the control are the same, so it has no standard deviation")
    of_sd = (squares - squares.mean()) / (2 * sd * m)
    together = float(((shift[len(xa) :] - b.influence) * of_sd).sum())
    relative = effect / sd
    sd_variance = (variance - 2 * relative * together + relative**2 * float((of_sd**2).sum())) / sd**2
    return Contrast(effect, sqrt(variance), df, sd, relative, sqrt(sd_variance))


def sample_ratio(counts: Array, shares: Array) -> tuple[float, float]:
    """Chi-square of the numbers of units against the shares the arms were to have, and its p.

    >>> [round(each, 4) for each in sample_ratio(np.array([821588.0, 815482.0]), np.array([0.5, 0.5]))]
    [22.7744, 0.0]
    """
    expected = counts.sum() * shares / shares.sum()
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    return chi2, float(chdtrc(len(counts) - 1, chi2))


def homogeneous(effects: Array, errors: Array) -> tuple[float, float]:
    """Cochran's Q of effects in disjoint groups, Σ (effect - weighted mean)²/error², and its p by chi-square.

    >>> [round(each, 4) for each in homogeneous(np.array([1.0, 3.0]), np.array([0.6, 0.8]))]
    [4.0, 0.0455]
    """
    w = errors**-2
    chi2 = float((w * (effects - w @ effects / w.sum()) ** 2).sum())
    return chi2, float(chdtrc(len(effects) - 1, chi2))
