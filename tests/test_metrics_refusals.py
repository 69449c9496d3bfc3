"""What measure and estimate refuse: with an error of our own that says what, where, what exists, what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import cx, estimate, measure, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, SampleError, UnitError

Native = Callable[..., Any]
NPS = cx.nps("recommend")
TABLE = pd.DataFrame({"recommend": [10.0, 9, 3], "shop": list("aab"), "w": [1.0, 2, 3], "user_id": [1, 2, 3]})


def test_missing_column_says_what_exists_and_what_was_meant(frame: Native) -> None:
    with pytest.raises(ColumnError, match=r"no column 'recomend'; there is 'recommend', 'shop'.* mean 'recommend'\?"):
        measure(frame(TABLE), cx.nps("recomend"))


@pytest.mark.parametrize("argument", ["by", "unit", "weight"])
def test_every_named_column_must_exist(frame: Native, argument: str) -> None:
    with pytest.raises(ColumnError, match="There is no column 'sohp'"):
        measure(frame(TABLE), NPS, **{argument: "sohp"})


@pytest.mark.parametrize("argument", ["by", "unit", "weight"])
@pytest.mark.parametrize("name", [3, ["shop"]])
def test_a_column_is_named_by_a_text(argument: str, name: object) -> None:
    # unit=3 was once taken for "rows are units" without a word.
    with pytest.raises(
        ArgumentError, match="names one column, or is None" if argument != "by" else "A column is named by a text"
    ):
        measure(TABLE, NPS, **{argument: name})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "wrong", "shown"),
    [
        (NPS, 11, "11"), (NPS, -1, "-1"), (NPS, 7.5, "7.5"), (NPS, float("inf"), "inf"),
        (cx.csat("recommend"), 0, "0"), (cx.csat("recommend"), 6, "6"),
        (cx.csat_mean("recommend"), 5.5, "5.5"), (ux.task_success("recommend"), 2, "2"),
    ],
)  # fmt: skip
def test_an_answer_out_of_range_is_no_score(frame: Native, metric: Any, wrong: float, shown: str) -> None:
    with pytest.raises(AnswerError, match=r"1 answers? in column 'recommend' .*outside the range of") as error:
        measure(frame(pd.DataFrame({"recommend": [1, wrong, 1]})), metric)
    assert f" {shown}. " in str(error.value)
    assert "Recode them, or set them to missing" in str(error.value)


def test_bad_answers_are_counted(frame: Native) -> None:
    with pytest.raises(AnswerError, match="3 answers in column 'recommend'"):
        measure(frame(pd.DataFrame({"recommend": [99, 99, 98, 5]})), NPS)


def test_text_answers_are_refused(frame: Native) -> None:
    with pytest.raises(
        AnswerError, match=r"'recommend' holds String, for example '10', 'ten'.*Turn texts that have an order into"
    ):
        measure(frame(pd.DataFrame({"recommend": ["10", "ten"]})), NPS)


def test_text_among_numbers_is_refused() -> None:
    with pytest.raises(AnswerError, match="for example 'ten'; answers must be numbers"):
        measure(pd.DataFrame({"recommend": [10, "ten", None]}), NPS)


def test_lists_as_answers_are_refused(frame: Native) -> None:
    with pytest.raises(AnswerError, match="answers must be numbers"):
        measure(frame(pd.DataFrame({"recommend": [[1], [2]]})), NPS)


def test_dates_are_refused(frame: Native) -> None:
    with pytest.raises(AnswerError, match=r"holds Datetime.*for example '2026-01-01"):
        measure(frame(pd.DataFrame({"recommend": pd.to_datetime(["2026-01-01", None])})), NPS)


def test_empty_frame(frame: Native) -> None:
    with pytest.raises(SampleError, match="no rows"):
        measure(frame(TABLE.head(0)), NPS)


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_all_missing(frame: Native, nothing: float | None) -> None:
    with pytest.raises(SampleError, match=r"No row has a valid answer .*'recommend'"):
        measure(frame(pd.DataFrame({"recommend": [nothing, nothing]})), NPS)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_impossible_weight(frame: Native, weight: float) -> None:
    with pytest.raises(AnswerError, match="1 rows have a weight in 'w' that is missing, negative or infinite"):
        measure(frame(TABLE.assign(w=[1, 2, weight])), NPS, weight="w")


def test_text_weight(frame: Native) -> None:
    with pytest.raises(AnswerError, match="Column 'shop' holds String"):
        measure(frame(TABLE), NPS, weight="shop")


def test_doubled_column() -> None:
    data = pd.DataFrame([[1, 2], [3, 4]], columns=["recommend", "recommend"])
    with pytest.raises(ColumnError, match="has 2 columns named 'recommend'; rename or drop one"):
        measure(data, NPS)


def test_a_doubled_column_that_nobody_asks_for_does_no_harm() -> None:
    data = pd.DataFrame([[10, 2, 1], [9, 4, 1]], columns=["recommend", "x", "x"])
    assert measure(data, NPS)["value"].item() == 100


@pytest.mark.parametrize(
    "name", ["user_id", "id", "uuid", "userId", "customerID", "USER_ID", "Customer ID", "respondent", "member_no"]
)
def test_rows_that_repeat_an_id_need_a_unit(frame: Native, name: str) -> None:
    data = frame(pd.DataFrame({"recommend": [10, 9, 3], name: [1, 1, 2]}))
    with pytest.raises(UnitError, match=rf"Rows repeat '{name}' \(3 rows, 2 different\).*unit='{name}', or unit=None"):
        measure(data, NPS)


def test_without_a_unit_rows_that_repeat_no_id_are_units(frame: Native) -> None:
    assert measure(frame(TABLE), NPS)["n"].item() == 3


@pytest.mark.parametrize("name", ["paid", "valid", "bid", "period", "video", "unit_price"])
def test_words_that_look_like_ids_are_none(name: str) -> None:
    assert measure(pd.DataFrame({"recommend": [10, 9], name: [1, 1]}), NPS)["n"].item() == 2


def test_unit_none_says_rows_are_units(frame: Native) -> None:
    assert measure(frame(TABLE.assign(user_id=1)), NPS, unit=None)["n"].item() == 3


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_rows_without_unit_are_refused(frame: Native, missing: Any) -> None:
    data = frame(TABLE.assign(user_id=[1.0, np.nan, 2.0]), missing=missing)
    with pytest.raises(UnitError, match="1 rows have no 'user_id'; drop them or find out whose they are"):
        measure(data, NPS, unit="user_id")


@pytest.mark.parametrize("thing", [[10, 9], {"recommend": [10]}, None, np.ones((2, 2)), TABLE["recommend"], "a.csv"])
def test_unknown_engine(thing: object) -> None:
    with pytest.raises(ArgumentError, match=r"Cannot read a .*; give a frame of pandas, Polars, Arrow, DuckDB"):
        measure(thing, NPS)


@pytest.mark.parametrize("level", [0, 1, 95, "high"])
def test_level(level: Any) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        measure(TABLE, NPS, level=level)


@pytest.mark.parametrize("metrics", ["nps", [], ["nps"], [NPS, None]])
def test_metrics_are_definitions(metrics: Any) -> None:
    with pytest.raises(ArgumentError, match="metrics is one or more definitions, such as"):
        measure(TABLE, metrics)


@pytest.mark.parametrize("scale", [2, 8, 11])
def test_scale_without_conventional_top_box(scale: int) -> None:
    with pytest.raises(ArgumentError, match=r"scale is one of \[3, 4, 5, 6, 7, 10\]"):
        cx.csat(scale=scale)


def test_mean_of_a_scale_of_one_point() -> None:
    with pytest.raises(ArgumentError, match="2 or more"):
        cx.csat_mean(scale=1)


@pytest.mark.parametrize("values", [[], (), pd.Series([], dtype=float)])
def test_estimate_of_nothing(values: Any) -> None:
    with pytest.raises(SampleError, match="no answers"):
        estimate(values, NPS)


@pytest.mark.parametrize("values", ["10 9", None, 7, {"a": 1}, TABLE])
def test_estimate_wants_a_list(values: Any) -> None:
    with pytest.raises(ArgumentError, match="values is a list or column of answers"):
        estimate(values, NPS)


def test_estimate_of_one_mean_has_no_interval() -> None:
    with pytest.raises(SampleError, match="an interval needs at least 2"):
        estimate([5], cx.csat_mean())


def test_estimate_of_one_answer_says_how_little_it_knows() -> None:
    found = estimate([10], NPS)
    assert (found.value, found.n) == (100, 1)
    assert found.low < 0
    assert found.high == 100


@pytest.mark.parametrize("values", [[1, "ten"], [11], [7.5], [None], [[1, 2], [3, 4]]])
def test_estimate_refuses_with_our_own_error(values: Any) -> None:
    with pytest.raises(CxuxError):
        estimate(values, NPS)
