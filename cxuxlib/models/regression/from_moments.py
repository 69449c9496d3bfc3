"""Least squares from means and covariances."""

from __future__ import annotations

import numpy as np

from cxuxlib.errors import ArgumentError, ColumnError, ModelError, listed, unknown
from cxuxlib.models.regression import samples
from cxuxlib.models.regression.designs import Plan
from cxuxlib.models.regression.fitted import Errors, Regression
from cxuxlib.results import Moments
from cxuxlib.stats.glm import TIED


def explained(r2: float, n: int, k: int, intercept: bool, variance: float) -> dict[str, float]:
    """R², R² for as many parameters, and the standard deviation of the residuals."""
    adjusted = 1 - (1 - r2) * (n - intercept) / (n - k)
    return {"R2": r2, "R2_adjusted": adjusted, "residual_sd": float(np.sqrt(variance))}


def from_moments(made: Plan, data: Moments, errors: Errors | None) -> tuple[Regression, dict[str, float]]:
    """Least squares of plain columns, with errors from equal variances, and its quality."""
    if errors not in (None, "observed"):
        raise ArgumentError(
            "Moments say nothing of unequal variances: errors is 'observed'. Robust errors need rows or counts."
        )
    if data.sizes is not None or data.pairs is not None:
        raise ArgumentError(
            "Least squares from moments wants complete rows without sampling weights: with weights, errors from equal "
            "variances would be wrong. Give rows or counts."
        )
    terms = [str(term) for term in made.right if str(term) != "1"]
    if made.name is None or made.levels or not made.intercept or sorted(terms) != sorted(made.covariates):
        raise ArgumentError(
            f"From moments a formula has plain columns and an intercept, 'y ~ a + b'; got {made.formula!r}."
        )
    for name in (made.name, *terms):
        if name not in data.names:
            raise ColumnError(unknown("column", name, data.names))
    n, k, own, at = data.n, len(terms) + 1, data.names.index(made.name), [data.names.index(name) for name in terms]
    samples.enough(n, k)
    total, across = float(data.covariance[own, own]), data.covariance[at, own]
    if not total > 0:
        raise ModelError(f"All answers in {made.outcome!r} are the same; there is nothing to explain.")
    inverse = _inverse(data.covariance[np.ix_(at, at)], terms)
    slope, mean = inverse @ across, data.means[at]
    left = (total - float(across @ slope)) * (n - 1) / (n - k)
    covariance = np.zeros((k, k))
    covariance[1:, 1:] = left * inverse / (n - 1)
    covariance[0, 1:] = covariance[1:, 0] = -covariance[1:, 1:] @ mean
    covariance[0, 0] = left / n + mean @ covariance[1:, 1:] @ mean
    parameters = np.concatenate([[data.means[own] - slope @ mean], slope])
    raw = Regression(
        made, None, np.zeros((0, k)), np.zeros((0, 0)), np.zeros(0), (), parameters, covariance, None,
        ("Intercept", *terms), (), "identity", "observed", n / (n - k), n - k,
    )  # fmt: skip
    r2 = float(across @ slope) / total
    return raw, {"n": n, "n_missing": data.n_missing} | explained(r2, n, k, True, left)


def _inverse(covariance: np.ndarray, names: list[str]) -> np.ndarray:
    """Inverse of the covariates' covariance, refused where one is constant or others determine it."""
    sd = np.sqrt(np.diag(covariance))
    constant = [name for name, each in zip(names, sd, strict=True) if not each > 0]
    if constant:
        raise ModelError(f"Every complete row has the same value in {listed(constant)}; its effect cannot be told.")
    corr = covariance / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(corr) if names else (np.ones(1), np.zeros((0, 1)))
    if values[0] < TIED:
        among = [name for name, each in zip(names, abs(vectors[:, 0]), strict=True) if each > 1e-4]
        raise ModelError(f"The columns {listed(among)} determine each other exactly; leave at least one out.")
    inverse: np.ndarray = np.linalg.inv(corr) / np.outer(sd, sd)
    return inverse
