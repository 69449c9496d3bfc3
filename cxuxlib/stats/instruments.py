"""Two-stage least squares with one treatment: effect, strength of the instruments, and a region that weak ones keep."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from cxuxlib.errors import ModelError
from cxuxlib.stats.intervals import check_level

__all__ = ["Line", "Region", "TwoStage", "anderson_rubin", "effective_f", "least", "sandwich", "two_stage", "wald"]

Array = NDArray[np.float64]
Region = tuple[tuple[float, float], ...]

_RANK = 1e-9  # of a column's length that is left by the others, below which they determine it


class Line(NamedTuple):
    """Least squares on some columns.

    Args:
        at: coefficients, shape (k,) or (k, m) for m outcomes.
        bread: (X'X)⁻¹.
        residual: shape (n,) or (n, m).
    """

    at: Array
    bread: Array
    residual: Array


class TwoStage(NamedTuple):
    """Two-stage least squares.

    Args:
        at: coefficients, that of the treatment first.
        covariance: sandwich, with the residuals of the treatment itself.
    """

    at: Array
    covariance: Array


def least(x: Array, y: Array) -> Line:
    """Least squares, refused where columns determine each other.

    >>> least(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0, 3.0])).at.round(6).tolist()
    [1.0, 1.0]
    """
    q, r = np.linalg.qr(x)
    if (abs(np.diag(r)) <= _RANK * np.sqrt((x**2).sum(axis=0))).any():
        raise ModelError("columns determine each other exactly")
    inverse = np.linalg.inv(r)
    at = inverse @ (q.T @ y)
    return Line(at, inverse @ inverse.T, y - x @ at)


def sandwich(scores: Array, bread: Array, cluster: NDArray[np.intp] | None, correction: float) -> Array:
    """Sandwich of scores, bread · Σss' · bread, summed by cluster first where there are clusters.

    >>> sandwich(np.array([[1.0], [2.0]]), np.array([[0.5]]), np.array([0, 0]), 1.0)
    array([[2.25]])
    """
    if cluster is not None:
        sums = np.zeros((int(cluster.max()) + 1, scores.shape[1]))
        np.add.at(sums, cluster, scores)
        scores = sums
    found: Array = correction * bread @ (scores.T @ scores) @ bread.T
    return found


def two_stage(
    y: Array, d: Array, z: Array, x: Array, cluster: NDArray[np.intp] | None, correction: float
) -> TwoStage:  # fmt: skip
    """β = (X̂'X̂)⁻¹X̂'y with X̂ the projection of treatment and controls on instruments and controls.

    Args:
        y, d: outcome and treatment, shape (n,).
        z: instruments, shape (n, q).
        x: controls with the intercept, shape (n, k).
        cluster: code of each row's cluster; None: rows are independent.
        correction: what the sandwich is multiplied by.

    Source: Wooldridge 2010, Econometric Analysis, 5.2. Checked against: AER's ivreg with sandwich.

    >>> z = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> d, y = np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])
    >>> two_stage(y, d, z, np.ones((4, 1)), None, 1.0).at.round(6).tolist()
    [2.0, 0.5]
    """
    first = least(np.column_stack([z, x]), d)
    fitted = d - first.residual
    hat = np.column_stack([fitted, x])
    second = least(hat, y)
    residual = y - np.column_stack([d, x]) @ second.at
    return TwoStage(second.at, sandwich(hat * residual[:, None], second.bread, cluster, correction))


def wald(at: Array, covariance: Array) -> float:
    """Wald's F: b'V⁻¹b over the number of coefficients.

    >>> wald(np.array([2.0]), np.array([[0.5]]))
    8.0
    """
    return float(at @ np.linalg.solve(covariance, at)) / len(at)


def effective_f(pi: Array, covariance: Array, scatter: Array) -> float:
    """Effective F of the first stage, π'Qπ / tr(VQ), with Q the scatter of the instruments given the controls.

    With one instrument it is the robust F.

    Source: Montiel Olea & Pflueger 2013, doi:10.1080/00401706.2013.806694. Checked against: the formula in R.

    >>> effective_f(np.array([2.0]), np.array([[0.5]]), np.array([[7.0]]))
    8.0
    """
    return float(pi @ scatter @ pi / np.trace(covariance @ scatter))


def anderson_rubin(reduced: Array, covariance: Array, df: float, level: float = 0.95) -> Region:
    """Effects that the data do not reject, whatever the strength of the instruments: intervals, none, or all numbers.

    β is kept where g'V(β)⁻¹g/q ≤ F(q, df), with g = γ - βπ the coefficients of the instruments for y - βd, and V(β)
    its covariance. The ends are the roots of a polynomial of degree 2q.

    Args:
        reduced: coefficients of the instruments for the outcome and for the treatment, shape (q, 2).
        covariance: of these, outcome's first, shape (2q, 2q).
        df: of the denominator of F.
        level: confidence level, 0 to 1.

    Source: Anderson & Rubin 1949, doi:10.1214/aoms/1177730090; Andrews, Stock & Sun 2019,
    doi:10.1146/annurev-economics-080218-025643. Checked against: a search over regressions in R.

    >>> strong = anderson_rubin(np.array([[1.0, 2.0]]), np.diag([0.04, 0.01]), inf)
    >>> [[round(end, 3) for end in each] for each in strong]
    [[0.302, 0.708]]
    >>> anderson_rubin(np.array([[1.0, 0.1]]), np.diag([1.0, 1.0]), inf)
    ((-inf, inf),)
    """
    q = len(reduced)
    critical = float(fdtri(q, df if df < inf else 1e10, check_level(level))) * q
    gamma, pi = reduced[:, 0], reduced[:, 1]
    vyy, vyd, vdd = covariance[:q, :q], covariance[:q, q:], covariance[q:, q:]
    spreads = float(np.trace(vyy)), float(np.trace(vdd))
    unit = (
        float(np.sqrt(spreads[0] / spreads[1])) if spreads[1] > 1e-20 * spreads[0] else 1.0
    )  # roots of the order of 1

    def over(b: float) -> float:
        g = gamma - b * unit * pi
        v = vyy - b * unit * (vyd + vyd.T) + (b * unit) ** 2 * vdd
        return float(g @ np.linalg.solve(v, g)) - critical

    def scaled(b: float) -> float:
        v = vyy - b * unit * (vyd + vyd.T) + (b * unit) ** 2 * vdd
        return over(b) * float(np.linalg.det(v / np.trace(vyy)))

    points = np.cos(np.pi * (np.arange(2 * q + 1) + 0.5) / (2 * q + 1))
    made = np.polynomial.Chebyshev.fit(points, [scaled(float(each)) for each in points], 2 * q, domain=[-1, 1])
    roots = np.asarray(made.roots(), dtype=complex)
    real = np.unique(roots.real[abs(roots.imag) <= 1e-7 * np.maximum(1, abs(roots))])
    ends = [-inf, *(float(each) for each in real), inf]
    kept: list[tuple[float, float]] = []
    for low, high in pairwise(ends):
        if over(_between(low, high)) > 0:
            continue
        start, stop = low * unit, high * unit
        if kept and kept[-1][1] == start:
            start = kept.pop()[0]
        kept.append((start, stop))
    return tuple(kept)


def _between(low: float, high: float) -> float:
    """A number between two, either of which may be infinite."""
    if low == -inf and high == inf:
        return 0.0
    if low == -inf:
        return high - max(1.0, abs(high))
    return low + max(1.0, abs(low)) if high == inf else (low + high) / 2
