"""How well a model fits: chi-square, its p-value, and the indices made of it."""

from __future__ import annotations

from math import inf, nan, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chndtr

__all__ = ["cfi", "chi2_p", "information_criteria", "rmsea", "rmsea_bounds", "rmsea_close", "srmr", "tli"]

Array = np.ndarray


def chi2_p(statistic: float, df: float) -> float:
    """Upper tail of the chi-square distribution; NaN without degrees of freedom.

    >>> round(chi2_p(3.841459, 1), 6)
    0.05
    """
    return float(chdtrc(df, max(statistic, 0.0))) if df > 0 else nan


def cfi(statistic: float, df: float, baseline: float, baseline_df: float) -> float:
    """Comparative fit index: 1 - max(χ² - df, 0) / max(χ² - df, χ²_b - df_b, 0) (Bentler 1990).

    Args:
        statistic, df: of the model.
        baseline, baseline_df: of the model without relations.

    >>> round(cfi(85.30552, 24, 918.85159, 36), 6)
    0.93056
    """
    over, most = max(statistic - df, 0.0), max(statistic - df, baseline - baseline_df, 0.0)
    return 1.0 if over == 0 else 1 - over / most


def tli(statistic: float, df: float, baseline: float, baseline_df: float) -> float:
    """Tucker-Lewis index: (χ²_b/df_b - χ²/df) / (χ²_b/df_b - 1); 1 without degrees of freedom.

    Args:
        statistic, df: of the model.
        baseline, baseline_df: of the model without relations.

    >>> round(tli(85.30552, 24, 918.85159, 36), 5)
    0.89584
    """
    if not (df > 0 and baseline_df > 0):
        return 1.0
    rest = baseline / baseline_df - 1
    return (baseline / baseline_df - statistic / df) / rest if rest else nan


def rmsea(statistic: float, df: float, n: float, groups: int = 1, scale: float = 1.0) -> float:
    """Root mean square error of approximation, √(max(0, χ²/df - scale) · groups / n); 0 without degrees of freedom.

    >>> round(rmsea(85.30552, 24, 301), 6)
    0.092121
    """
    return sqrt(max(0.0, statistic / df - scale) * groups / n) if df > 0 else 0.0


def rmsea_bounds(
    statistic: float, df: float, n: float, groups: int = 1, scale: float = 1.0, level: float = 0.90
) -> tuple[float, float]:
    """Interval of the RMSEA from the noncentral chi-square distribution (Steiger & Lind 1980).

    Args:
        statistic: chi-square; one that was scaled stays so.
        df: its degrees of freedom.
        n: units.
        groups: how many groups they are of.
        scale: what the noncentrality is multiplied by, where the statistic was scaled.
        level: of confidence.

    >>> [round(each, 6) for each in rmsea_bounds(85.30552, 24, 301)]
    [0.071418, 0.113678]
    """
    if not df > 0:
        return 0.0, 0.0
    found = []
    for tail in ((1 + level) / 2, (1 - level) / 2):
        beyond = _noncentrality(statistic, df, tail)
        found.append(sqrt(scale * beyond * groups / (n * df)))
    return found[0], found[1]


def _noncentrality(statistic: float, df: float, tail: float) -> float:
    """The noncentrality under which a smaller chi-square has probability ``tail``; 0 where none is small enough."""
    if chndtr(statistic, df, 0.0) < tail:
        return 0.0
    high = max(statistic, 1.0)
    while chndtr(statistic, df, high) > tail:
        high *= 2
    return float(brentq(lambda beyond: chndtr(statistic, df, beyond) - tail, 0.0, high, xtol=1e-11, rtol=1e-13))


def rmsea_close(
    statistic: float, df: float, n: float, groups: int = 1, scale: float = 1.0, bound: float = 0.05
) -> float:
    """P-value of an RMSEA of at most ``bound`` (Browne & Cudeck 1993); NaN without degrees of freedom.

    >>> round(rmsea_close(85.30552, 24, 301), 7)
    0.0006612
    """
    return 1 - float(chndtr(statistic, df, n * df * bound**2 / groups / scale)) if df > 0 else nan


def srmr(observed: Array, expected: Array, means: tuple[Array, Array] | None) -> float:
    """Standardised root mean square residual of one group: over covariances, and means where they are modelled.

    Args:
        observed, expected: covariances of the answers, and those that the model implies.
        means: means of the answers, and those that the model implies.
    """
    p, scale = len(observed), 1 / np.sqrt(np.diag(observed))
    gap = ((observed - expected) * (scale[:, None] * scale)) ** 2
    total, count = (gap.sum() + gap.trace()) / 2, p * (p + 1) / 2  # the lower triangle with its diagonal
    if means is not None:
        total, count = total + (((means[0] - means[1]) * scale) ** 2).sum(), count + p
    return float(np.sqrt(total / count))


def information_criteria(log_likelihood: float, parameters: int, n: float) -> tuple[float, float]:
    """AIC and BIC: -2 log L + 2k and -2 log L + k ln n.

    >>> [round(each, 3) for each in information_criteria(-3737.744927, 21, 301)]
    [7517.49, 7595.339]
    """
    if n == inf:
        return nan, nan
    return -2 * log_likelihood + 2 * parameters, -2 * log_likelihood + parameters * float(np.log(n))
