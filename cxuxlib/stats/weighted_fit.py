"""A model of thresholds and correlations fitted by diagonally weighted least squares, with errors and a test that hold.

The weights use only the diagonal of the statistics' covariance Γ, which is known well in small samples; the whole of Γ
then gives standard errors and a mean-and-variance adjusted test ("WLSMV", Muthén, du Toit & Spisic 1997; Asparouhov &
Muthén 2010, "Simple second order chi-square correction", statmodel.com).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv
from scipy.special import chdtrc

from cxuxlib.errors import ModelError, SampleError, listed

__all__ = ["Adjusted", "Model", "Statistics", "WeightedFit", "weighted_fit"]

Array = NDArray[np.float64]
Model = Callable[[Array], tuple[Array, Array]]

_STEPS, _HALVINGS = 300, 40
_CLOSE = 1e-16  # of a step in the metric of the weights, squared: 1e-8 of √n standard errors
_SINGULAR = 1e-6  # of what a parameter tells, the share's root that the others do not tell already


class Statistics(NamedTuple):
    """Statistics of one group.

    Args:
        value: such as thresholds and polychoric correlations, shape (s,).
        gamma: n times their covariance, shape (s, s).
        n: number of units.
    """

    value: Array
    gamma: Array
    n: float


class Adjusted(NamedTuple):
    """Chi-square with the mean and variance of its distribution: chi2 / scale + shift.

    Args:
        chi2: the adjusted statistic.
        scale: what the plain statistic was divided by.
        shift: what was added then.
        p: chance of more, were the model true.
        traces: trace of UΓ and of (UΓ)², which a test of nested models needs.
    """

    chi2: float
    scale: float
    shift: float
    p: float
    traces: tuple[float, float]


class WeightedFit(NamedTuple):
    """A model fitted by diagonally weighted least squares.

    Args:
        theta: parameters, shape (k,).
        covariance: of the parameters, by the sandwich formula, shape (k, k).
        chi2: misfit Σ (n_g - 1) (s - σ)'V(s - σ), whose distribution is not a chi-square's.
        df: statistics less parameters.
        adjusted: the test; None without degrees of freedom.
        implied: σ(θ), shape (s,), one group after the other.
        jacobian: ∂σ/∂θ, shape (s, k).
        weight: 1/diag Γ of each statistic times its group's share of the units, shape (s,).
        slopes: ∂θ/∂s in first order, (Δ'VΔ)⁻¹Δ'V, shape (k, s).
        steps: Gauss-Newton steps taken.
    """

    theta: Array
    covariance: Array
    chi2: float
    df: int
    adjusted: Adjusted | None
    implied: Array
    jacobian: Array
    weight: Array
    slopes: Array
    steps: int


def weighted_fit(
    samples: Sequence[Statistics], model: Model, start: Array, *, names: Sequence[str] | None = None
) -> WeightedFit:
    """Minimise Σ_g (n_g - 1) d_g' diag(Γ_g)⁻¹ d_g with d_g = s_g - σ_g(θ), by Gauss-Newton steps.

    Steps are halved until they lead down. With V the weights diag(Γ_g)⁻¹ n_g/n, Δ = ∂σ/∂θ and E = Δ'VΔ, the covariance
    of θ is E⁻¹Δ'VΓVΔE⁻¹/(n - G) for G groups; with U = V - VΔE⁻¹Δ'V the test is aχ² + df - a tr(UΓ), a² = df/tr((UΓ)²).
    What is minimised is the χ² that is tested; it counts n - 1 in each group, as lavaan's.

    Args:
        samples: statistics of each group.
        model: from θ to σ(θ), all groups one after the other, and its Jacobian.
        start: where to begin.
        names: of the parameters, for messages.

    Returns:
        Estimates, errors and tests; no verdict on whether they are proper, such as a negative variance.

    Raises:
        SampleError: a statistic without a finite, positive variance.
        ModelError: more parameters than statistics, a parameter that the statistics do not tell, or no minimum found.

    Source: Muthén 1984, doi:10.1007/BF02294210; Savalei & Rhemtulla 2013, doi:10.1111/j.2044-8317.2012.02049.x (the
    shifted statistic). Checked against: lavaan's WLSMV (R).

    >>> three = Statistics(np.array([0.30, 0.35, 0.40]), np.eye(3), 100)
    >>> fit = weighted_fit([three], lambda at: (np.repeat(at, 3), np.ones((3, 1))), np.zeros(1))
    >>> fit.theta.round(6).tolist(), round(float(fit.covariance[0, 0]), 6), fit.df, round(fit.chi2, 6)
    ([0.35], 0.003367, 2, 0.495)
    """
    called = list(names) if names is not None else [f"parameter {i + 1}" for i in range(len(start))]
    value, n = np.concatenate([each.value for each in samples]), sum(each.n for each in samples)
    own = [_weights(each) for each in samples]
    weight, tested = (
        np.concatenate([part * (each.n - less) / n for part, each in zip(own, samples, strict=True)]) for less in (0, 1)
    )
    df = len(value) - len(start)
    if df < 0:
        raise ModelError(f"{len(start)} parameters cannot be told from {len(value)} statistics: fix some of them.")
    theta, implied, jacobian, steps = _descent(value, tested, model, np.asarray(start, dtype=float), called)
    pulled = weight[:, None] * jacobian
    slopes = _solve(jacobian.T @ pulled, pulled.T, called)
    ends = np.cumsum([0, *(len(each.value) for each in samples)])
    misfit = weight * (value - implied) ** 2
    chi2 = sum(
        (each.n - 1) / each.n * n * misfit[begin:end].sum()
        for each, begin, end in zip(samples, ends[:-1], ends[1:], strict=True)
    )
    gamma = _stacked(samples, ends, n)
    covariance = slopes @ gamma @ slopes.T / (n - len(samples))
    adjusted = _adjusted(float(chi2), df, gamma, np.diag(weight) - pulled @ slopes)
    return WeightedFit(
        theta, (covariance + covariance.T) / 2, float(chi2), df, adjusted, implied, jacobian, weight, slopes, steps
    )


def _weights(sample: Statistics) -> Array:
    variance = np.diag(sample.gamma)
    if not (np.isfinite(sample.gamma).all() and (variance > 0).all()):
        worst = int(np.flatnonzero(~(variance > 0) | ~np.isfinite(sample.gamma).all(axis=0))[0])
        raise SampleError(
            f"Statistic {worst + 1} of {len(variance)} has no finite, positive variance: it cannot be weighed."
        )
    weights: Array = 1 / variance
    return weights


def _stacked(samples: Sequence[Statistics], ends: Array, n: float) -> Array:
    """Γ of all groups, n times the covariance of their statistics."""
    gamma = np.zeros((ends[-1], ends[-1]))
    for each, begin, end in zip(samples, ends[:-1], ends[1:], strict=True):
        gamma[begin:end, begin:end] = each.gamma * (n / each.n)
    return gamma


def _descent(
    value: Array, weight: Array, model: Model, theta: Array, called: list[str]
) -> tuple[Array, Array, Array, int]:
    implied, jacobian = model(theta)
    misfit = _misfit(value, weight, implied)
    if not np.isfinite(misfit):
        raise ModelError("The model gives no finite statistics where the search begins.")
    for taken in range(_STEPS):
        pulled = weight[:, None] * jacobian
        slope = pulled.T @ (value - implied)
        step = _solve(jacobian.T @ pulled, slope, called)
        if step @ slope < _CLOSE:
            return theta, implied, jacobian, taken
        for _ in range(_HALVINGS):
            new = model(theta + step)
            after = _misfit(value, weight, new[0])
            if after <= misfit * (1 + 1e-14):
                break
            step = step / 2
        else:
            break
        theta, misfit, (implied, jacobian) = theta + step, after, new
    far = int(np.abs(theta).argmax())
    raise ModelError(
        f"The search found no minimum; {called[far]!r} had gone to {theta[far]:.4g} where it was given up. If it runs "
        "away, the model asks for more than these statistics tell: fix or equate parameters, or start elsewhere."
    )


def _misfit(value: Array, weight: Array, implied: Array) -> float:
    found = float(weight @ (value - implied) ** 2)
    return found if np.isfinite(found) else np.inf


def _solve(information: Array, right: Array, called: list[str]) -> Array:
    """Solve with the information, or name the parameters that it does not tell."""
    size = np.sqrt(np.diag(information))
    if not size.all():
        at = np.flatnonzero(size == 0)
        raise ModelError(f"No statistic depends on {listed(called[i] for i in at)}: fix it or leave it out.")
    scaled = information / np.outer(size, size)
    root, solved, failed = dposv(scaled, (right.T / size).T, lower=1)
    if failed or np.diag(root).min() < _SINGULAR:
        loose = np.linalg.eigh(scaled)[1][:, 0]
        at = np.flatnonzero(np.abs(loose) > 0.1 * np.abs(loose).max())
        raise ModelError(
            f"The statistics do not tell {listed(called[i] for i in at)} apart: fix or equate some of them."
        )
    found: Array = (solved.T / size).T
    return found


def _adjusted(chi2: float, df: int, gamma: Array, residual: Array) -> Adjusted | None:
    """The shifted statistic, with U = V - VΔE⁻¹Δ'V as ``residual``."""
    if df == 0:
        return None
    spread = residual @ gamma
    first, second = float(np.trace(spread)), float((spread * spread.T).sum())
    rate = float(np.sqrt(df / second))
    shift = df - rate * first
    statistic = chi2 * rate + shift
    return Adjusted(statistic, 1 / rate, shift, float(chdtrc(df, max(statistic, 0.0))), (first, second))
