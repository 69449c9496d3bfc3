"""Two factors behind ordered answers: lavaan's figure, and the truth where Pearson's correlations lose it."""

import numpy as np
import pytest

from cxuxlib.stats.answer_tables import Coded, coded
from cxuxlib.stats.correlations import clustered_covariance
from cxuxlib.stats.factors import two_factor_correlation
from cxuxlib.stats.ordered_factors import ordered_factor_correlation
from tests.polychoric_reference import EVEN, LAVAAN, answers_of, drawn

TRUE, BLOCKS = 0.8, ([0, 1, 2], [3, 4, 5])
LEFT, RIGHT = (0.6, 1.1, 1.6, 2.0), (-2.0, -1.6, -1.1, -0.6)  # answers pile up at the low and at the high end


def answers(rng: np.random.Generator, n: int, a: tuple[float, ...], b: tuple[float, ...]) -> Coded:
    loadings = np.array([0.8, 0.7, 0.8, 0.7, 0.8, 0.7])
    corr = np.outer(loadings, loadings)
    corr[:3, 3:] *= TRUE
    corr[3:, :3] *= TRUE
    np.fill_diagonal(corr, 1.0)
    return coded(drawn(rng, n, corr, [a] * 3 + [b] * 3))


def pearson(data: Coded) -> float:
    return two_factor_correlation(np.corrcoef(np.repeat(data.codes, data.n.astype(int), axis=1)), *BLOCKS)[0]


@pytest.mark.parametrize(("a", "b", "name"), [([0, 1, 2], [3, 4, 5], "a ~~ b"), ([3, 4, 5], [6, 7, 8], "b ~~ c")])
def test_correlation_is_lavaans(a: list[int], b: list[int], name: str) -> None:
    theirs = LAVAAN["holzinger"]["pairs"][name]
    found = ordered_factor_correlation(answers_of(LAVAAN["holzinger"]), a, b)
    assert found.fit.adjusted is not None
    assert found.value == pytest.approx(theirs["value"], abs=1e-6)
    assert found.std_error == pytest.approx(theirs["error"], abs=1e-6)
    assert found.fit.adjusted.chi2 == pytest.approx(theirs["scaled"], rel=1e-6)


def test_influence_gives_the_error() -> None:
    data = answers(np.random.default_rng(1), 500, EVEN, EVEN)
    found, ones = ordered_factor_correlation(data, *BLOCKS), np.ones(500)
    whole = clustered_covariance(found.influence, ones, ones, np.arange(500))
    assert found.influence(slice(None)).sum() == pytest.approx(0, abs=1e-8)
    assert np.sqrt(whole[0, 0] / 500) == pytest.approx(found.std_error, rel=1e-9)


def test_units_twice_are_a_cluster() -> None:
    data = answers(np.random.default_rng(2), 400, EVEN, EVEN)
    twice = data._replace(codes=np.hstack([data.codes] * 2), n=np.ones(800))
    found, ones = ordered_factor_correlation(twice, *BLOCKS), np.ones(800)
    honest = clustered_covariance(found.influence, ones, ones, np.tile(np.arange(400), 2))[0, 0] / 800
    assert np.sqrt(honest) == pytest.approx(ordered_factor_correlation(data, *BLOCKS).std_error, rel=2e-3)


def test_answers_that_pile_up_at_opposite_ends_do_not_hide_a_correlation() -> None:
    data = answers(np.random.default_rng(3), 20_000, LEFT, RIGHT)
    found = ordered_factor_correlation(data, *BLOCKS)
    assert abs(found.value - TRUE) < 3 * found.std_error < 0.03
    assert pearson(data) < 0.5  # two facets that are nearly one would pass for distinct
    middle = answers(np.random.default_rng(3), 20_000, EVEN, EVEN)
    assert pearson(middle) == pytest.approx(TRUE, abs=0.03)  # Pearson's is right where answers are spread alike


def test_signs_follow_the_items() -> None:
    data = answers(np.random.default_rng(4), 2_000, EVEN, RIGHT)
    turned = data.codes.copy()
    turned[3:] = 4 - turned[3:]
    value = ordered_factor_correlation(data, *BLOCKS).value
    assert ordered_factor_correlation(data._replace(codes=turned), *BLOCKS).value == pytest.approx(-value, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), [(EVEN, EVEN), (LEFT, RIGHT)])
def test_intervals_hold_and_the_estimate_is_unbiased(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    rng, repeats = np.random.default_rng(5), 400
    found = [ordered_factor_correlation(answers(rng, 1_500, a, b), *BLOCKS) for _ in range(repeats)]
    values, errors = (np.array([getattr(each, name) for each in found]) for name in ("value", "std_error"))
    inside = (np.abs(values - TRUE) < 1.959964 * errors).mean()
    assert abs(values.mean() - TRUE) < 0.01  # Pearson's is off by .34 where answers pile up
    assert abs(inside - 0.95) < 3 * np.sqrt(0.05 * 0.95 / repeats)
    rejected = np.mean([each.fit.adjusted.p < 0.05 for each in found if each.fit.adjusted])
    assert abs(rejected - 0.05) < 3 * np.sqrt(0.05 * 0.95 / repeats)
