"""Diagonally weighted least squares: lavaan's WLSMV estimates, errors and tests, and what cannot be fitted."""

from typing import Any

import numpy as np
import pytest

from cxuxlib.errors import ModelError, SampleError
from cxuxlib.stats.answer_tables import Coded
from cxuxlib.stats.weighted_fit import Statistics, WeightedFit, weighted_fit
from tests.polychoric_reference import CASES, LAVAAN, answers_of, begin, factor_model, statistics_of

FACTORS = {"holzinger": 3, "even": 3, "skewed": 3}


def fitted(data: Coded, factors: int, *, marker: bool = False) -> WeightedFit:
    sample = statistics_of(data)
    thresholds = len(sample.value) - len(data.codes) * (len(data.codes) - 1) // 2
    model = factor_model(len(data.codes), factors, thresholds, marker=marker)
    return weighted_fit([sample], model, begin(data, factors, marker=marker))


def agrees(fit: WeightedFit, theirs: dict[str, Any], *, marker: bool = False) -> None:
    """Estimates and errors in lavaan's order: loadings, thresholds, factor covariances (variances first)."""
    kinds = [" =~ ", " | ", " ~~ "]
    at = [[i for i, term in enumerate(theirs["term"]) if kind in term] for kind in kinds]
    if marker:  # lavaan lists a ~~ a, b ~~ b, c ~~ c, a ~~ b, a ~~ c, b ~~ c
        at[2] = [at[2][i] for i in (0, 3, 4, 1, 5, 2)]
    order = at[1] + at[0] + at[2]
    value, error = (np.array(theirs[name])[order] for name in ("value", "error"))
    first = len(at[1])
    sign = np.sign(fit.theta[first] * value[first]) if not at[2] else 1.0
    ours = fit.theta * np.where(np.isin(np.arange(len(order)), range(first, first + len(at[0]))), sign, 1.0)
    assert fit.adjusted is not None
    assert ours == pytest.approx(value, abs=1e-5)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(error, abs=1e-5)
    assert fit.df == theirs["df"]
    assert fit.chi2 == pytest.approx(theirs["chi2"], rel=1e-6)
    assert fit.adjusted.chi2 == pytest.approx(theirs["scaled"], rel=1e-6)
    assert fit.adjusted.scale == pytest.approx(theirs["scale"], abs=1e-6)
    assert fit.adjusted.shift == pytest.approx(theirs["shift"], abs=1e-5)
    assert fit.adjusted.p == pytest.approx(theirs["p"], abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_factor_models_are_lavaans(name: str) -> None:
    agrees(fitted(answers_of(LAVAAN[name]), FACTORS.get(name, 1)), LAVAAN[name]["fit"])


def test_a_marker_item_is_lavaans() -> None:
    agrees(fitted(answers_of(LAVAAN["holzinger"]), 3, marker=True), LAVAAN["holzinger"]["marker"], marker=True)


def test_a_model_that_does_not_fit_is_lavaans() -> None:
    agrees(fitted(answers_of(LAVAAN["holzinger"]), 1), LAVAAN["holzinger"]["unfit"])


def test_published_figures_of_holzingers_quartiles() -> None:
    data = answers_of(LAVAAN["holzinger"])
    fit, sample = fitted(data, 3), statistics_of(data)
    basis = np.eye(len(sample.value))[:, :27]
    baseline = weighted_fit([sample], lambda at: (basis @ at, basis), np.zeros(27))
    assert fit.adjusted is not None
    assert baseline.adjusted is not None
    assert fit.chi2 == pytest.approx(51.53679, abs=5e-6)
    assert fit.adjusted.chi2 == pytest.approx(74.15248, abs=1e-5)
    assert fit.theta[27] == pytest.approx(0.78346954, abs=1e-6)
    assert fit.theta[31] == pytest.approx(0.88632300, abs=1e-6)
    misfit, worst = fit.adjusted.chi2 - 24, baseline.adjusted.chi2 - 36
    assert 1 - misfit / worst == pytest.approx(0.96247810, abs=1e-7)
    assert np.sqrt(misfit / (24 * 300)) == pytest.approx(0.08346031, abs=2e-8)


def test_two_groups_are_lavaans() -> None:
    theirs = LAVAAN["groups"]
    data = [answers_of(theirs[name]) for name in ("first", "second")]
    models = [factor_model(4, 1, 16)] * 2
    starts = [begin(each, 1) for each in data]

    def both(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (one, a), (two, b) = (model(half) for model, half in zip(models, np.split(at, 2), strict=True))
        return np.concatenate([one, two]), np.block([[a, np.zeros_like(a)], [np.zeros_like(b), b]])

    fit = weighted_fit([statistics_of(each) for each in data], both, np.concatenate(starts))
    assert fit.adjusted is not None
    half = len(fit.theta) // 2
    terms, values, errors = (theirs["fit"][name] for name in ("term", "value", "error"))
    for group in (0, 1):
        at = [i + group * half for i, term in enumerate(terms[:half]) if "=~" in term]
        ours = slice(16 + group * half, half + group * half)
        assert fit.theta[ours] == pytest.approx(np.array(values)[at], abs=1e-5)
        assert np.sqrt(np.diag(fit.covariance))[ours] == pytest.approx(np.array(errors)[at], abs=1e-5)
    assert fit.chi2 == pytest.approx(theirs["fit"]["chi2"], abs=1e-5)
    assert fit.adjusted.chi2 == pytest.approx(theirs["fit"]["scaled"], abs=1e-5)
    assert fit.adjusted.shift == pytest.approx(theirs["fit"]["shift"], abs=1e-5)


def test_start_values_do_not_matter() -> None:
    data = answers_of(LAVAAN["even"])
    sample, model = statistics_of(data), factor_model(9, 3, 36)
    fits = [weighted_fit([sample], model, start) for start in (begin(data, 3), begin(data, 3) * 1.4 + 0.05)]
    assert fits[1].theta == pytest.approx(fits[0].theta, abs=1e-7)


def test_slopes_are_numerical_ones_where_the_model_fits() -> None:
    model = factor_model(4, 1, 0)
    value, _ = model(np.array([0.8, 0.7, 0.6, 0.5]))
    gamma = np.diag([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    start, step = np.full(4, 0.6), 1e-5
    found = weighted_fit([Statistics(value, gamma, 100)], model, start).slopes
    for s in range(6):
        moved = step * (np.arange(6) == s)
        ends = [weighted_fit([Statistics(value + sign * moved, gamma, 100)], model, start).theta for sign in (1, -1)]
        assert found[:, s] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-6)


def test_what_is_minimised_is_what_is_tested() -> None:
    far = Statistics(THREE.value + 0.3, np.eye(3), 3)

    def model(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.repeat(at, 6), np.ones((6, 1))

    fit = weighted_fit([THREE, far], model, np.zeros(1))
    assert fit.theta[0] == pytest.approx((99 * 0.4 + 2 * 0.7) / 101, abs=1e-12)  # n - 1 of each group


def test_as_many_parameters_as_statistics_leave_nothing_to_test() -> None:
    model = factor_model(3, 1, 0)
    value, _ = model(np.array([0.8, 0.7, 0.6]))
    fit = weighted_fit([Statistics(value, np.eye(3), 100)], model, np.full(3, 0.5))
    assert (fit.df, fit.adjusted) == (0, None)
    assert fit.chi2 == pytest.approx(0, abs=1e-12)


THREE = Statistics(np.array([0.3, 0.4, 0.5]), np.eye(3), 100)


def test_more_parameters_than_statistics_are_refused() -> None:
    with pytest.raises(ModelError, match="4 parameters cannot be told from 3 statistics"):
        weighted_fit([THREE], lambda at: (at[:3], np.eye(3, 4)), np.zeros(4))


def test_a_parameter_without_a_statistic_is_named() -> None:
    with pytest.raises(ModelError, match="No statistic depends on 'ghost'"):
        weighted_fit(
            [THREE], lambda at: (np.repeat(at[0], 3), np.eye(3, 2) * 0 + [1, 0]), np.zeros(2), names=["a", "ghost"]
        )


def test_parameters_that_stand_for_each_other_are_named() -> None:
    line = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(ModelError, match="do not tell 'a', 'b' apart"):
        weighted_fit([THREE], lambda at: (line @ at, line), np.zeros(3), names=["a", "b", "c"])


def test_two_items_of_one_factor_alone_are_not_enough() -> None:
    value, gamma = np.array([0.5, 0.1, 0.1]), np.eye(3)

    def model(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([at[0] * at[1], 0.1, 0.1]), np.array([[at[1], at[0]], [0, 0], [0, 0]])

    with pytest.raises(ModelError, match="'λ1', 'λ2' apart"):
        weighted_fit([Statistics(value, gamma, 50)], model, np.full(2, 0.6), names=["λ1", "λ2"])


@pytest.mark.parametrize("spoiled", [0.0, -1.0, np.nan, np.inf])
def test_a_statistic_without_a_variance_is_refused(spoiled: float) -> None:
    gamma = np.diag([1.0, spoiled, 1.0])
    with pytest.raises(SampleError, match="Statistic 2 of 3"):
        weighted_fit([Statistics(THREE.value, gamma, 100)], lambda at: (np.repeat(at, 3), np.ones((3, 1))), np.zeros(1))


def test_a_start_outside_the_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no finite statistics"):
        weighted_fit([THREE], lambda at: (np.full(3, np.nan), np.ones((3, 1))), np.zeros(1))


def test_a_loading_that_runs_away_is_named() -> None:
    # the others correlate with the first item only: the misfit falls as its loading grows and theirs vanish
    star = Statistics(np.array([0.5, 0.3, 0.2, -0.2, -0.2, -0.2]), np.eye(6), 100)
    with pytest.raises(ModelError, match=r"no minimum; 'λ1' had gone to [0-9]{2}"):
        weighted_fit([star], factor_model(4, 1, 0), np.full(4, 0.5), names=["λ1", "λ2", "λ3", "λ4"])


def test_a_parameter_that_runs_away_is_reported() -> None:
    def model(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bent = np.exp(-np.abs(at[0]))
        return np.full(3, -bent), np.full((3, 1), bent * np.sign(at[0]))

    with pytest.raises(ModelError, match="No statistic depends on 'parameter 1'"):
        weighted_fit([THREE], model, np.ones(1))
