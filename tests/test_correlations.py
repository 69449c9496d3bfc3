"""Functions of a correlation matrix: brute force, and gradients by finite differences."""

import numpy as np
import pytest

from cxuxlib.stats.correlations import (
    correlation,
    htmt,
    normal_covariance,
    pair_covariance,
    robust_covariance,
)
from cxuxlib.stats.factors import two_factor_correlation
from cxuxlib.stats.shares import Division, share_forms, to_gradients

BLOCKS = ([0, 1, 2], [3, 4, 5])


def random_correlations(seed: int, p: int) -> np.ndarray:
    """A correlation matrix of positive correlations that is far from singular."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.4, 0.8, (p, 1))
    extra = 0.2 * rng.normal(size=(p, p))
    return correlation(load @ load.T + extra @ extra.T + np.diag(rng.uniform(0.3, 0.6, p)))


def numeric_gradient(function, corr: np.ndarray, step: float = 1e-5) -> np.ndarray:  # type: ignore[no-untyped-def]
    gradient = np.zeros_like(corr)
    for a in range(len(corr)):
        for b in range(a):
            up, down = corr.copy(), corr.copy()
            up[a, b] = up[b, a] = corr[a, b] + step
            down[a, b] = down[b, a] = corr[a, b] - step
            gradient[a, b] = gradient[b, a] = (function(up) - function(down)) / (2 * step)
    return gradient


def test_correlation_of_a_covariance() -> None:
    x = np.random.default_rng(1).normal(size=(50, 3)) * [1, 10, 0.1]
    assert correlation(np.cov(x.T)) == pytest.approx(np.corrcoef(x.T), abs=1e-12)


@pytest.mark.parametrize("geometric", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_htmt_gradient(geometric: bool, signed: bool) -> None:
    corr = random_correlations(4, 6)
    if not (geometric and signed):
        corr[0, 3] = corr[3, 0] = -0.1
    _, gradient = htmt(corr, *BLOCKS, geometric=geometric, signed=signed)
    numeric = numeric_gradient(lambda each: htmt(each, *BLOCKS, geometric=geometric, signed=signed)[0], corr)
    assert gradient == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_two_factor_gradient() -> None:
    corr = random_correlations(7, 6)
    value, gradient = two_factor_correlation(corr, *BLOCKS)
    numeric = numeric_gradient(lambda each: two_factor_correlation(each, *BLOCKS)[0], corr)
    assert 0 < value < 2
    assert gradient == pytest.approx(numeric, rel=1e-3, abs=1e-4)


def test_two_factor_correlation_is_found_again() -> None:
    load, r = np.array([0.9, 0.7, 0.5, 0.8, 0.6, 0.4]), 0.7
    corr = np.outer(load, load) * np.where(np.equal.outer(np.arange(6) < 3, np.arange(6) < 3), 1, r)
    np.fill_diagonal(corr, 1)
    assert two_factor_correlation(corr, *BLOCKS)[0] == pytest.approx(r, abs=1e-6)


def test_htmt_of_one_factor_is_one() -> None:
    load = np.array([0.8, 0.8, 0.8, 0.6, 0.6, 0.6])
    corr = np.outer(load, load)
    np.fill_diagonal(corr, 1)
    assert htmt(corr, *BLOCKS, geometric=False, signed=True)[0] == pytest.approx(1)


def test_htmt2_needs_no_equal_loadings() -> None:
    load, r = np.array([0.9, 0.7, 0.5, 0.8, 0.6, 0.4]), 0.7
    corr = np.outer(load, load) * np.where(np.equal.outer(np.arange(6) < 3, np.arange(6) < 3), 1, r)
    np.fill_diagonal(corr, 1)
    assert htmt(corr, *BLOCKS, geometric=True, signed=True)[0] == pytest.approx(r, abs=1e-12)
    assert abs(htmt(corr, *BLOCKS, geometric=False, signed=True)[0] - r) > 0.005


def test_undefined_htmt_is_nan() -> None:
    corr = random_correlations(5, 6)
    corr[0, 3] = corr[3, 0] = -0.1
    assert np.isnan(htmt(corr, *BLOCKS, geometric=True, signed=True)[0])


def test_variance_of_a_correlation_under_normality() -> None:
    # (1 - r²)² / n, the textbook formula.
    corr = np.array([[1, 0.6], [0.6, 1]])
    gradient = np.array([[[0, 1.0], [1, 0]]])
    assert normal_covariance(corr, gradient, 200)[0, 0] == pytest.approx((1 - 0.36) ** 2 / 200)


def test_robust_and_normal_covariance_agree_on_normal_answers() -> None:
    corr = random_correlations(6, 4)
    x = np.random.default_rng(6).multivariate_normal(np.zeros(4), corr, 200_000)
    corr = np.corrcoef(x.T)
    gradients = to_gradients(share_forms("lmg", corr, Division([[1], [2], [3]], [], [])))
    ones = np.ones(len(x))
    robust = robust_covariance(gradients, pair_covariance(corr, x, ones, ones), len(x))
    assert robust == pytest.approx(normal_covariance(corr, gradients, len(x)), rel=0.05, abs=1e-8)
