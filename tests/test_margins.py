"""Sample sizes for a margin: the interval at n has it, at n - 1 it has not."""

from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from cxuxlib.stats.intervals import adjusted_wald, log_t, nps_adjusted_wald, student
from cxuxlib.stats.margins import n_for_geometric_mean, n_for_mean, n_for_nps, n_for_proportion
from cxuxlib.stats.power import (
    nps_sd,
)

levels = st.floats(0.5, 0.99)
SD = 100 * sqrt(0.67)


@given(margin=st.floats(0.02, 0.3), p=st.floats(0.05, 0.95), level=levels)
def test_a_proportion_has_its_margin_and_one_answer_less_has_not(margin: float, p: float, level: float) -> None:
    n = n_for_proportion(margin, p, level)

    def half(n: int) -> float:
        low, high = adjusted_wald(n * p, n, level)
        z = scipy_stats.norm.ppf((1 + level) / 2)
        center = (n * p + z * z / 2) / (n + z * z)
        return max(center - low, high - center)  # an end may be cut at 0 or 1, never both

    assert half(n) <= margin + 1e-9
    assert n == 1 or half(n - 1) > margin - 1e-9


def test_a_proportion_at_one_half_in_closed_form() -> None:
    # n = z²/(4 d²) - z²: 381 for ±5 points, not the 385 of the plain Wald interval.
    assert [n_for_proportion(d) for d in (0.05, 0.1, 0.2)] == [381, 93, 21]
    assert n_for_proportion(0.05, 0.9) < n_for_proportion(0.05, 0.7) < 381


@given(margin=st.floats(0.05, 3), level=levels)
def test_a_mean_has_its_margin_and_one_answer_less_has_not(margin: float, level: float) -> None:
    n = n_for_mean(margin, 1.0, level)
    assert student(0, 1 / n, n - 1, level)[1] <= margin + 1e-12
    assert n == 2 or student(0, 1 / (n - 1), n - 2, level)[1] > margin


def test_a_geometric_mean_ends_within_its_factor() -> None:
    for factor, log_sd in [(1.2, 0.5), (1.5, 0.8), (1.1, 0.3)]:
        n = n_for_geometric_mean(factor, log_sd)
        logs = scipy_stats.norm.ppf((np.arange(n) + 0.5) / n)
        low, high = log_t((60 * np.exp(logs / logs.std(ddof=1) * log_sd)).tolist())
        assert high / 60 == pytest.approx(60 / low)
        assert high / 60 <= factor
    assert n_for_geometric_mean(exp(5), 20) == n_for_mean(5, 20)


def test_nps_has_its_margin() -> None:
    n = n_for_nps(10, nps_sd(0.5, 0.2))
    low, high = nps_adjusted_wald(0.5 * n, 0.3 * n, 0.2 * n)
    assert (high - low) / 2 == pytest.approx(10, abs=0.05)
    assert [n_for_nps(10, SD, level) for level in (0.9, 0.95)] == [179, 255]
