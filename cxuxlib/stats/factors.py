"""Two correlated factors by maximum likelihood, as a function of the correlations of their items."""

from __future__ import annotations

import numpy as np

__all__ = ["two_factor_correlation"]

_STEPS = 500
_TOLERANCE = 1e-8


def two_factor_correlation(corr: np.ndarray, a: list[int], b: list[int]) -> tuple[float, np.ndarray]:
    """Correlation of two factors, each measured by its own items, and its gradient.

    Minimises F(θ) = ln|Σ| + tr(RΣ⁻¹) with Σ = ΛΦΛ' + Ψ over loadings, error variances and the correlation φ. The
    gradient in R follows from the implicit function theorem: with H the Hessian of F, v = H⁻¹e_φ and Σ_v the
    derivative of Σ along v, ∂φ/∂r_ij = 2 [Σ⁻¹ Σ_v Σ⁻¹]_ij.

    Args:
        corr: correlations, shape (p, p).
        a, b: positions of the items of each factor, two or more each, three or more in one of them.

    Returns:
        φ (NaN where the fit does not converge; it may exceed 1, which is reported as it is) and its gradient over
        pairs, shape (p, p).
    """
    at = [*a, *b]
    r, p = corr[np.ix_(at, at)], len(at)
    factor = np.array([0] * len(a) + [1] * len(b))
    theta = np.concatenate([_start(r, factor), [0.5]])
    theta = np.concatenate([theta[:p], 1 - theta[:p] ** 2, theta[p:]])
    for _ in range(_STEPS):
        slope = _slope(theta, r, factor)
        if np.abs(slope).max() < _TOLERANCE:
            break
        step = np.linalg.solve(_information(theta, factor), slope)
        theta = _improved(theta, step, r, factor)
    else:
        return np.nan, np.zeros_like(corr)
    hessian = np.column_stack([
        (_slope(theta + h, r, factor) - _slope(theta - h, r, factor)) / 2e-5 for h in 1e-5 * np.eye(len(theta))
    ])  # fmt: skip
    v = np.linalg.solve((hessian + hessian.T) / 2, np.eye(len(theta))[-1])
    inverse = np.linalg.inv(_implied(theta, factor))
    inner = 2.0 * inverse @ np.tensordot(v, _derivatives(theta, factor), axes=1) @ inverse
    np.fill_diagonal(inner, 0.0)
    gradient = np.zeros_like(corr)
    gradient[np.ix_(at, at)] = inner
    return float(theta[-1]), gradient


def _start(r: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Loadings from the mean correlation of each item with its own scale."""
    own = (factor[:, None] == factor) & ~np.eye(len(r), dtype=bool)
    mean = (r * own).sum(axis=1) / own.sum(axis=1)
    within = np.array([mean[factor == f].mean() for f in (0, 1)])
    start: np.ndarray = np.clip(mean / np.sqrt(np.clip(within, 0.05, None))[factor], 0.2, 0.95)
    return start


def _parts(theta: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p = len(factor)
    loadings = np.zeros((p, 2))
    loadings[np.arange(p), factor] = theta[:p]
    return loadings, np.array([[1.0, theta[-1]], [theta[-1], 1.0]])


def _implied(theta: np.ndarray, factor: np.ndarray) -> np.ndarray:
    loadings, phi = _parts(theta, factor)
    sigma: np.ndarray = loadings @ phi @ loadings.T + np.diag(theta[len(factor) : -1])
    return sigma


def _derivatives(theta: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """∂Σ/∂θ for every parameter, shape (parameters, p, p)."""
    p = len(factor)
    loadings, phi = _parts(theta, factor)
    found = np.zeros((len(theta), p, p))
    pull = loadings @ phi
    for i in range(p):
        found[i, i, :] += pull[:, factor[i]]
        found[i, :, i] += pull[:, factor[i]]
        found[p + i, i, i] = 1.0
    cross = np.outer(loadings[:, 0], loadings[:, 1])
    found[-1] = cross + cross.T
    return found


def _slope(theta: np.ndarray, r: np.ndarray, factor: np.ndarray) -> np.ndarray:
    sigma = _implied(theta, factor)
    inverse = np.linalg.inv(sigma)
    residual = inverse @ (sigma - r) @ inverse
    slope: np.ndarray = np.einsum("ij,kji->k", residual, _derivatives(theta, factor))
    return slope


def _information(theta: np.ndarray, factor: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(_implied(theta, factor))
    spread = inverse @ _derivatives(theta, factor)
    information: np.ndarray = np.einsum("kij,lji->kl", spread, spread)
    return information


def _improved(theta: np.ndarray, step: np.ndarray, r: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """A Fisher scoring step, halved until F falls."""
    now = _misfit(theta, r, factor)
    for _ in range(30):
        if _misfit(theta - step, r, factor) <= now + 1e-12:
            break
        step = step / 2
    found: np.ndarray = theta - step
    return found


def _misfit(theta: np.ndarray, r: np.ndarray, factor: np.ndarray) -> float:
    sigma = _implied(theta, factor)
    sign, size = np.linalg.slogdet(sigma)
    return float(size + np.trace(np.linalg.solve(sigma, r))) if sign > 0 else np.inf
