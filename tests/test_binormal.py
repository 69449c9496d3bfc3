"""The bivariate normal distribution: scipy's, numerical integration, closed forms, and numerical derivatives."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from cxuxlib.stats.binormal import THIN, binormal_cdf, cells, density, threshold_slopes

A, B = np.array([[-1.3, -0.2, 0.9]]), np.array([[-0.8, 0.4]])
RHOS = [-0.999, -0.98, -0.6, 0.0, 0.3, 0.95, 0.999]


def by_integration(h: float, k: float, rho: float) -> float:
    """∫ φ(x) Φ((k - ρx)/r) dx up to h, in pieces around the place where the integrand turns."""
    r = np.sqrt(1 - rho * rho)
    turn = k / rho if rho else 0.0
    ends = sorted({float(np.clip(turn + step * r, -9, h)) for step in (-9, -3, -1, 0, 1, 3, 9)} | {-9.0, h})
    pieces = [
        quad(lambda x: np.exp(-x * x / 2) * ndtr((k - rho * x) / r), low, high, epsabs=1e-15, epsrel=1e-13)[0]
        for low, high in pairwise(ends)
    ]
    return float(sum(pieces) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize(("h", "k"), [(0.3, -1.1), (-2.5, -2.4), (1.7, 1.7), (0.0, 0.6), (-0.4, 0.0), (3.0, -3.0)])
def test_probabilities_are_integrals(h: float, k: float, rho: float) -> None:
    assert float(binormal_cdf(np.array(h), np.array(k), np.array(rho))) == pytest.approx(
        by_integration(h, k, rho), abs=1e-13
    )


def test_probabilities_are_scipys() -> None:
    rng = np.random.default_rng(1)
    points, rho = rng.normal(scale=1.5, size=(200, 2)), rng.uniform(-0.99, 0.99, 200)
    theirs = [multivariate_normal.cdf(p, cov=[[1, r], [r, 1]]) for p, r in zip(points, rho, strict=True)]
    assert binormal_cdf(points[:, 0], points[:, 1], rho) == pytest.approx(np.array(theirs), abs=1e-12)


def test_a_quadrant_has_a_closed_form() -> None:
    rho = np.array(RHOS)
    zero = np.zeros(len(rho))
    assert binormal_cdf(zero, zero, rho) == pytest.approx(0.25 + np.arcsin(rho) / (2 * np.pi), abs=1e-15)


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-0.999, 0.999))
def test_laws_of_the_distribution(h: float, k: float, rho: float) -> None:
    at = tuple(np.array(each) for each in (h, k, rho))
    found = float(binormal_cdf(*at))
    assert found == pytest.approx(float(binormal_cdf(at[1], at[0], at[2])), abs=1e-14)
    assert found + float(binormal_cdf(at[0], -at[1], -at[2])) == pytest.approx(float(ndtr(h)), abs=1e-14)
    assert max(0.0, ndtr(h) + ndtr(k) - 1) - 1e-14 <= found <= min(ndtr(h), ndtr(k)) + 1e-14


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.97])
def test_derivatives_are_numerical_ones(rho: float) -> None:
    at, step = np.array([rho]), 1e-5
    found, above, below = cells(A, B, at), cells(A, B, at + step), cells(A, B, at - step)
    change = (np.log(above.share) - np.log(below.share)) / (2 * step)
    fat = found.share > 1e-6  # a numerical derivative of less is rounding
    assert found.share.sum() == pytest.approx(1, abs=1e-14)
    assert found.slope[fat] == pytest.approx(change[fat], rel=1e-5, abs=1e-6)
    assert found.bend[fat] == pytest.approx(((above.slope - below.slope) / (2 * step))[fat], rel=1e-5, abs=1e-5)


def test_the_density_is_what_the_correlation_changes() -> None:
    h, k, rho, step = np.array(0.4), np.array(-0.7), np.array(0.6), 1e-5
    change = (binormal_cdf(h, k, rho + step) - binormal_cdf(h, k, rho - step)) / (2 * step)
    assert float(density(h, k, rho)) == pytest.approx(float(change), abs=1e-9)
    assert float(density(h, k, rho)) == pytest.approx(multivariate_normal.pdf([0.4, -0.7], cov=[[1, 0.6], [0.6, 1]]))


def test_slopes_by_thresholds_are_numerical_ones() -> None:
    rho, step = np.array([0.6]), 1e-5
    found = threshold_slopes(A, B, rho)
    for t in range(3):
        moved = np.zeros_like(A)
        moved[0, t] = step
        change = (cells(A + moved, B, rho).share - cells(A - moved, B, rho).share) / (2 * step)
        assert found[0, t] == pytest.approx(change[0, t], abs=1e-9)
        assert -found[0, t] == pytest.approx(change[0, t + 1], abs=1e-9)


def test_a_cell_too_thin_to_be_computed_still_pulls_the_right_way() -> None:
    wide = np.array([[-2.0, 2.0]])
    for rho in (0.9, 0.99, 0.999):
        found = cells(wide, wide, np.array([rho]))
        assert found.share[0, 0, 2] < THIN
        assert found.slope[0, 0, 2] < -100
        assert np.isfinite(found.slope).all()
    assert cells(wide, wide, np.array([-0.99])).slope[0, 0, 0] > 100


def test_a_thin_slope_is_near_the_true_one() -> None:
    h, k, rho, step = 2.5, -2.5, 0.75, 1e-4
    thin = cells(np.array([[h]]), np.array([[k]]), np.array([rho]))
    assert thin.share[0, 1, 0] < THIN

    def tail(r: float) -> float:
        """∫ φ(x) Φ((k - rx)/√(1 - r²)) dx from h, of relative precision."""
        return float(quad(lambda x: np.exp(-x * x / 2) * ndtr((k - r * x) / np.sqrt(1 - r * r)), h, 9, epsabs=0)[0])

    true = (np.log(tail(rho + step)) - np.log(tail(rho - step))) / (2 * step)
    assert thin.slope[0, 1, 0] == pytest.approx(true, rel=0.1)


def test_thresholds_that_are_not_there_change_nothing() -> None:
    rho = np.array([0.5])
    padded = cells(np.hstack([A, [[40.0, 40.0]]]), B, rho)
    assert padded.share[:, :4] == pytest.approx(cells(A, B, rho).share, abs=1e-15)
    assert np.abs(padded.share[:, 4:]).max() < 1e-15
