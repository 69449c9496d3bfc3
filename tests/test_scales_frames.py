"""Questionnaires in any frame: the same scores on every engine, order and index kept, nothing changed."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from cxuxlib import scales
from cxuxlib.scales import Scale

SUS10 = [f"q{i}" for i in range(1, 11)]


def test_every_engine_gives_the_same_scores(frame: Callable[..., Any]) -> None:
    data = pd.DataFrame([[5, 1] * 5, [4, 2] * 5, [3] * 9 + [None], [1, 5] * 5], columns=SUS10).assign(id=range(4))
    here = scales.score(data, scales.SUS, items=SUS10)
    there = scales.score(frame(data), scales.SUS, items=SUS10)
    pd.testing.assert_frame_equal(here, there.reset_index(drop=True))


def test_order_index_and_data_are_kept() -> None:
    data = pd.DataFrame([[5, 1] * 5, [1, 5] * 5], columns=SUS10, index=["b", "a"])
    before = data.copy(deep=True)
    found = scales.score(data, scales.SUS, items=SUS10)
    assert found["SUS"].to_dict() == {"b": 100, "a": 0}
    pd.testing.assert_frame_equal(data, before)


def test_one_respondent_and_none() -> None:
    assert len(scales.score(pd.DataFrame([[3] * 10], columns=SUS10), scales.SUS, items=SUS10)) == 1
    assert scales.score(pd.DataFrame(columns=SUS10), scales.SUS, items=SUS10).empty


@pytest.mark.parametrize("kind", ["Int64", "Float32", "category", object])
def test_types_of_columns_that_hold_numbers(kind: Any) -> None:
    data = pd.DataFrame({"a": [1, 5, None], "b": [2, 3, 4]}).astype(kind)
    assert scales.score(data, Scale("own", 2), items=["a", "b"])["own"].tolist() == [1.5, 4, 4]


def test_reliability_of_every_engine(frame: Callable[..., Any]) -> None:
    data = pd.DataFrame([[5, 4, None], [4, 4, 3], [2, 1, 2], [3, 3, 4], [1, 2, 2]], columns=list("abc"))
    here = scales.alpha(data, Scale("own", 3), items=list("abc"))
    pd.testing.assert_frame_equal(here, scales.alpha(frame(data), Scale("own", 3), items=list("abc")))


PUBLIC = [name for name in scales.__all__ if inspect.isfunction(getattr(scales, name))]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_have_all_their_parts(name: str) -> None:
    text = inspect.getdoc(getattr(scales, name)) or ""
    parts = ("Args:", "Returns:", "Raises:", "Source", ">>>")
    assert [part for part in parts if part not in text] == []
    assert "Checked against" in text or "Source and checks: see" in text


def test_the_scale_describes_all_its_fields() -> None:
    text = (inspect.getdoc(Scale) or "").split("Args:", 1)[1]
    assert [each for each in Scale.__dataclass_fields__ if not re.search(rf"\b{each}\b", text)] == []


def test_a_questionnaire_of_ones_own_takes_a_line() -> None:
    own = Scale("own", items=3)
    answers = pd.DataFrame([[1, 2, 3], [5, None, 5], [None, None, 1]], columns=list("abc"))
    assert scales.score(answers, own, items=list("abc"))["own"].fillna(-1).tolist() == [2, 5, -1]
