"""Error rates by simulation: intervals of correlations and loadings, and the adjusted test, at the sizes of surveys."""

import numpy as np
import pytest

from cxuxlib.stats.answer_tables import coded
from cxuxlib.stats.polychoric import polychoric, polychoric_covariance
from cxuxlib.stats.weighted_fit import weighted_fit
from tests.polychoric_reference import EVEN, HIGH, begin, drawn, factor_model, one_factor, statistics_of

REPEATS = 400
ERROR = 3 * np.sqrt(0.05 * 0.95 / REPEATS)  # of a rate of 5 %


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1_000])
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_intervals_of_thresholds_and_correlations_hold(n: int, rho: float) -> None:
    rng, corr = np.random.default_rng(9), np.array([[1, rho], [rho, 1]])
    true = np.array([*EVEN, *HIGH[1:], rho])
    inside = np.zeros(len(true))
    for _ in range(REPEATS):
        data = coded(drawn(rng, n, corr, [EVEN, HIGH[1:]]))
        found = polychoric(data)
        errors = np.sqrt(np.diag(polychoric_covariance(data, found)) / n)
        inside += np.abs(found.statistics - true) < 1.959964 * errors
    assert abs(inside[-1] / REPEATS - 0.95) < ERROR
    assert abs(inside[:-1].mean() / REPEATS - 0.95) < ERROR


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1_000])
def test_the_adjusted_test_and_loadings_hold(n: int) -> None:
    rng, true = np.random.default_rng(10), [0.8, 0.7, 0.6, 0.8, 0.7]
    model = factor_model(5, 1, 20)
    rejected, inside = 0.0, np.zeros(5)
    for _ in range(REPEATS):
        data = coded(drawn(rng, n, one_factor(true), [EVEN, EVEN, (-1.5, -1.0, -0.4, 0.6), EVEN, EVEN]))
        fit = weighted_fit([statistics_of(data)], model, begin(data, 1))
        assert fit.adjusted is not None
        rejected += fit.adjusted.p < 0.05
        inside += np.abs(fit.theta[20:] - true) < 1.959964 * np.sqrt(np.diag(fit.covariance))[20:]
    assert abs(rejected / REPEATS - 0.05) < ERROR
    assert np.abs(inside / REPEATS - 0.95).max() < ERROR
