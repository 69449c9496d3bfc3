"""What holds for any ordered answers: order, direction and form change nothing else, and the truth is found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.stats.answer_tables import coded
from cxuxlib.stats.polychoric import LARGEST, polychoric, polychoric_covariance
from tests.polychoric_reference import EVEN, HIGH, drawn, one_factor

ANSWERS = st.integers(0, 2**32 - 1).map(
    lambda seed: drawn(np.random.default_rng(seed), 150, one_factor([0.8, -0.6, 0.7]), [EVEN, (-0.3, 0.8), (0.1,)])
).filter(lambda rows: [len(np.unique(each)) for each in rows.T] == [5, 3, 2])  # fmt: skip


@settings(max_examples=25)
@given(ANSWERS)
def test_items_may_change_places(rows: np.ndarray) -> None:
    one, other = polychoric(coded(rows)), polychoric(coded(rows[:, ::-1]))
    assert other.corr[::-1, ::-1] == pytest.approx(one.corr, abs=1e-9)


@settings(max_examples=25)
@given(ANSWERS)
def test_a_reversed_item_turns_signs(rows: np.ndarray) -> None:
    turned = rows.copy()
    turned[:, 0] = 6 - turned[:, 0]
    one, other = polychoric(coded(rows)), polychoric(coded(turned))
    sign = np.array([-1, 1, 1])
    assert other.corr == pytest.approx(one.corr * np.outer(sign, sign), abs=1e-9)
    assert other.thresholds[:4] == pytest.approx(-one.thresholds[3::-1], abs=1e-12)
    gammas = [polychoric_covariance(coded(each), found) for each, found in ((rows, one), (turned, other))]
    assert np.diag(gammas[1])[-3:] == pytest.approx(np.diag(gammas[0])[-3:], rel=1e-6)


@settings(max_examples=25)
@given(ANSWERS)
def test_counts_are_rows(rows: np.ndarray) -> None:
    answers, n = np.unique(rows, axis=0, return_counts=True)
    by_row, by_count = coded(rows), coded(answers, n)
    one, other = polychoric(by_row), polychoric(by_count)
    assert other.statistics == pytest.approx(one.statistics, abs=1e-12)
    assert polychoric_covariance(by_count, other) == pytest.approx(polychoric_covariance(by_row, one), abs=1e-9)


@settings(max_examples=25)
@given(ANSWERS)
def test_labels_do_not_matter(rows: np.ndarray) -> None:
    assert (polychoric(coded(rows * 3 + 7)).statistics == polychoric(coded(rows)).statistics).all()


@settings(max_examples=25)
@given(ANSWERS)
def test_covariance_is_one(rows: np.ndarray) -> None:
    data = coded(rows)
    gamma = polychoric_covariance(data, polychoric(data))
    assert gamma == pytest.approx(gamma.T)
    assert np.linalg.eigvalsh(gamma)[0] > -1e-9


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(-0.98, 0.98), st.integers(30, 1_000))
def test_strong_correlations_and_small_samples_are_no_trouble(seed: int, rho: float, n: int) -> None:
    corr = np.array([[1, rho, 0.0], [rho, 1, 0.0], [0.0, 0.0, 1]])
    rows = drawn(np.random.default_rng(seed), n, corr, [(-0.5, 0.5), (-1.0, 0.0, 0.8), (0.0,)])
    data = coded(rows)
    found = polychoric(data)
    assert np.abs(found.corr[np.triu_indices(3, 1)]).max() <= LARGEST
    if not found.bound:
        assert np.isfinite(polychoric_covariance(data, found)).all()
        error = np.sqrt(polychoric_covariance(data, found)[-3, -3] / n)
        assert abs(found.corr[0, 1] - rho) < 6 * error + 12 / n


@pytest.mark.parametrize("rho", [-0.98, -0.5, 0.0, 0.3, 0.9, 0.98])
@pytest.mark.parametrize("cuts", [[EVEN, HIGH], [(0.0,), (0.2,)], [EVEN, tuple(-cut for cut in HIGH[::-1])]])
def test_the_truth_is_found_again(rho: float, cuts: list[tuple[float, ...]]) -> None:
    rows = drawn(np.random.default_rng(8), 50_000, np.array([[1, rho], [rho, 1]]), cuts)
    answers, n = np.unique(rows, axis=0, return_counts=True)
    data = coded(answers, n)
    found = polychoric(data)
    error = np.sqrt(polychoric_covariance(data, found)[-1, -1] / 50_000)
    assert error < 0.02
    assert abs(found.corr[0, 1] - rho) < 4 * error
