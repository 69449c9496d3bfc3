"""Ordered answers that cannot be used say why: what is wrong, where, and what to do."""

import numpy as np
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError
from cxuxlib.stats.answer_tables import coded
from cxuxlib.stats.ordered_factors import ordered_factor_correlation
from cxuxlib.stats.polychoric import polychoric

ROWS = np.array([[1, 1], [2, 3], [3, 2], [1, 2]])


@pytest.mark.parametrize("answers", [[1, 2], [[1.5, 2]], [["a", "b"]], [[np.nan, 1]], [[np.inf, 1]], [[True, False]]])
def test_answers_are_whole_numbers(answers: object) -> None:
    with pytest.raises(ArgumentError, match="whole numbers"):
        coded(answers)


@pytest.mark.parametrize("n", [[1, 2], [1, 2, 3, -1], [1, 2, 3, np.nan], [[1, 2, 3, 4]]])
def test_counts_belong_to_rows(n: list[float]) -> None:
    with pytest.raises(ArgumentError, match="each of 4 rows"):
        coded(ROWS, n)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_names_belong_to_items(names: list[str]) -> None:
    with pytest.raises(ArgumentError, match="each of 2 items"):
        coded(ROWS, names=names)


def test_an_item_nobody_answered_is_named() -> None:
    with pytest.raises(SampleError, match="'trust' in app has no answers"):
        coded([[1, -1], [2, -1]], names=["ease", "trust"], where="app")
    with pytest.raises(SampleError, match="'item 1' has no answers"):
        coded(ROWS, np.zeros(4))


def test_an_item_with_one_answer_is_named() -> None:
    with pytest.raises(SampleError, match="'item 2' has one answer only, 4"):
        coded([[1, 4], [2, 4]])


def test_a_group_without_a_category_is_named() -> None:
    with pytest.raises(SampleError, match="Nobody answered 4 to 'ease' in app"):
        coded(ROWS, levels=[[1, 2, 3, 4], [1, 2, 3]], names=["ease", "trust"], where="app")


def test_an_answer_outside_its_levels_is_named() -> None:
    with pytest.raises(AnswerError, match="'item 2' holds 3; its answers are 1, 2"):
        coded(ROWS, levels=[[1, 2, 3], [1, 2]])


@pytest.mark.parametrize("levels", [[3, 2, 1], [1, 1, 2, 3], []])
def test_levels_rise(levels: list[int]) -> None:
    with pytest.raises(ArgumentError, match="rise"):
        coded(ROWS, levels=[levels, [1, 2, 3]])


@pytest.mark.parametrize("column", [np.arange(500), np.array([1, 10**9] * 250)])
def test_a_measurement_is_no_ordered_item(column: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="different answers"):
        coded(np.column_stack([column, np.tile([1, 2], 250)]))


def test_items_that_nobody_answered_together_are_named() -> None:
    data = coded([[1, -1, 1], [2, -1, 2], [-1, 1, 1], [-1, 2, 2]], names=["a", "b", "c"])
    with pytest.raises(ModelError, match="both 'a' and 'b'"):
        polychoric(data)


def test_another_number_may_stand_for_missing() -> None:
    data = coded([[1, 99], [2, 1], [1, 2], [99, 2]], missing=99)
    assert data.codes.tolist() == [[0, 1, 0, -1], [-1, 0, 1, 1]]


@pytest.mark.parametrize(("a", "b"), [([0], [1, 2]), ([0, 1], [1, 2]), ([0, 1, 2], [])])
def test_factors_have_items_of_their_own(a: list[int], b: list[int]) -> None:
    with pytest.raises(ArgumentError, match="two items or more"):
        ordered_factor_correlation(coded(np.hstack([ROWS, ROWS[::-1]])), a, b)


def test_items_answered_alike_are_named() -> None:
    x = np.random.default_rng(1).integers(1, 4, size=(200, 3))
    data = coded(np.column_stack([x, x[:, 0]]), names=["a", "b", "c", "copy"])
    with pytest.raises(ModelError, match="'a' and 'copy' fit a polychoric correlation of ±1"):
        ordered_factor_correlation(data, [0, 3], [1, 2])
