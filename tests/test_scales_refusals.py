"""Questionnaires: answers, columns and definitions that cannot be, and what the message says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import scales
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError
from cxuxlib.scales import Scale

OWN = Scale("own", 3, 1, 5, labels=("fun", "speed", "look"))
ITEMS = ["a", "b", "c"]


def with_answers(*answers: Any, dtype: Any = object) -> pd.DataFrame:
    good = [3] * len(answers)
    return pd.DataFrame({"a": good, "b": pd.Series(list(answers), dtype=dtype), "c": good})


@pytest.mark.parametrize("bad", [0, 99, -1, 6, 2.5, float("inf")])
def test_an_answer_out_of_range_is_named(bad: float) -> None:
    with pytest.raises(AnswerError) as caught:
        scales.score(with_answers(3, bad, bad, None), OWN, items=ITEMS)
    text = str(caught.value)
    assert "Item 2 (speed, column 'b'): 2 answers outside whole numbers 1 to 5" in text
    assert f"{bad:g}" in text


@pytest.mark.parametrize("bad", ["5", "SA", "Strongly agree", True, np.True_, pd.Timestamp("2026-01-01"), 1 + 2j, (3,)])
def test_what_is_no_number_is_named(bad: Any) -> None:
    with pytest.raises(AnswerError, match=r"Item 2 of own \(column 'b'\): 1 answer is no number"):
        scales.score(with_answers(3, bad), OWN, items=ITEMS)


def test_whole_columns_of_texts_and_booleans_are_refused() -> None:
    with pytest.raises(AnswerError, match="2 answers are no numbers, for example 'SA', 'SD'"):
        scales.score(with_answers("SA", "SD", dtype=str), OWN, items=ITEMS)
    with pytest.raises(AnswerError, match="no numbers"):
        scales.score(with_answers(True, False, dtype=bool), Scale("yes", 3, 0, 1), items=ITEMS)


def test_many_bad_items_are_counted() -> None:
    data = pd.DataFrame([[0] * 10], columns=list("abcdefghij"))
    with pytest.raises(AnswerError, match="and 7 more items"):
        scales.score(data, scales.SUS, items=list("abcdefghij"))


def test_an_item_with_a_range_of_its_own_is_held_to_it() -> None:
    columns = list("abcdefgh")
    scales.score(pd.DataFrame([[5] * 4 + [10] + [5] * 3], columns=columns), scales.SUPR_Q, items=columns)
    with pytest.raises(AnswerError, match=r"Item 5 \(recommend.*0 to 10: 11"):
        scales.score(pd.DataFrame([[5] * 4 + [11] + [5] * 3], columns=columns), scales.SUPR_Q, items=columns)


def test_slider_answers_need_not_be_whole() -> None:
    assert scales.score(pd.DataFrame({"e": [37.5]}), scales.SMEQ, items=["e"])["SMEQ"].iloc[0] == 37.5


@pytest.mark.parametrize("items", ["abc", ["a", "b"], ["a", "b", "c", "a"], ["a", "b", "b"], ["a", "b", 3], None])
def test_items_that_do_not_fit(items: Any) -> None:
    with pytest.raises(ArgumentError):
        scales.score(with_answers(3), OWN, items=items)


def test_columns_that_are_not_there_or_twice() -> None:
    with pytest.raises(ColumnError, match="'Speed'"):
        scales.score(with_answers(3).rename(columns={"b": "speed"}), OWN, items=["a", "Speed", "c"])
    with pytest.raises(ColumnError):
        scales.score(with_answers(3).set_axis(["a", "b", "b"], axis=1), OWN, items=["a", "b", "c"])
    with pytest.raises(ArgumentError):
        scales.score([[1, 2, 3]], OWN, items=ITEMS)
    with pytest.raises(ArgumentError, match="scale is a questionnaire"):
        scales.score(with_answers(3), "SUS", items=ITEMS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"items": 0}, {"items": True}, {"items": 2.5}, {"low": 5}, {"high": float("inf")}, {"to": (100, 0)},
        {"reversed": (0,)}, {"reversed": (4,)}, {"reversed": (1, 1)}, {"reversed": (True,)}, {"name": ""},
        {"name": "n_valid"}, {"subscales": {"x": ()}}, {"subscales": {"x": (1, 9)}}, {"subscales": {"own": (1,)}},
        {"subscales": {"missing_rule": (1,)}}, {"total": False}, {"weights": (1, 1)}, {"weights": (1, 1, 0)},
        {"labels": ("a",)}, {"missing": "zero"}, {"min_valid": 0}, {"min_valid": 4},
        {"missing": "refuse", "min_valid": 2}, {"own_ranges": {7: (0, 10, 1)}}, {"own_ranges": {1: (10, 0, 1)}},
        {"own_ranges": {1: (0, 10, 0)}}, {"concepts": {5: "ease"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_scale_that_contradicts_itself(fields: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="Scale "):
        Scale(**{"name": "own", "items": 3, **fields})


def test_lists_are_welcome_and_nothing_outside_can_change_a_scale() -> None:
    subscales: dict[str, Any] = {"x": [1, 2]}
    scale = Scale("own", 3, reversed=[2], subscales=subscales)  # type: ignore[arg-type]
    subscales["y"] = (3,)
    assert (scale.reversed, scale.subscales) == ((2,), {"x": (1, 2)})
    assert hash(scale) == hash(Scale("own", 3, reversed=(2,), subscales={"x": (1, 2)}))


def test_a_score_that_is_not_there() -> None:
    with pytest.raises(ArgumentError, match="usable"):
        scales.score_range(scales.SUS, "useable")


@pytest.mark.parametrize(
    ("a", "b", "concepts"),
    [
        (scales.SUPR_Q, scales.LTR, ["recommend 0-10"]),
        (scales.UMUX_LITE, scales.ACSI, ["meets needs or expectations"]),
        (scales.SUS, scales.UMUX_LITE, ["ease of use"]),
        (scales.SUS, scales.LTR, []),
        (scales.CSAT, scales.ACSI, ["overall satisfaction"]),
    ],
    ids=["SUPR-Q and NPS", "UMUX-LITE and ACSI", "SUS and UMUX-LITE", "SUS and NPS", "CSAT and ACSI"],
)
def test_shared_questions(a: Scale, b: Scale, concepts: list[str]) -> None:
    assert scales.overlap(a, b)["concept"].tolist() == concepts
    assert scales.overlap(b, a)["concept"].tolist() == concepts


def test_all_of_ueq_s_is_in_ueq() -> None:
    shared = scales.overlap(scales.UEQ_S, scales.UEQ)
    assert dict(zip(shared["a_position"], shared["b_position"], strict=True)) == dict(
        enumerate((11, 13, 20, 21, 6, 7, 10, 15), 1)
    )


def test_overlap_wants_scales() -> None:
    with pytest.raises(ArgumentError):
        scales.overlap(scales.SUS, "NPS")  # type: ignore[arg-type]
