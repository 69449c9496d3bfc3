"""What the odd inputs found, one by one: each was once another library's exception, a warning, or a silent NaN."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour, compare, cx, estimate, measure, scales, trend, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError
from tests.odd_inputs import wrongly_counted

Native = Callable[..., Any]
TIMES = ux.time_on_task(success=None, which="all")


@pytest.mark.parametrize("argument", ["by", "unit"])
def test_lists_name_no_group_and_no_unit(frame: Native, argument: str) -> None:
    data = frame(pd.DataFrame({"recommend": [10, 9], "g": [[1], [2]]}))
    with pytest.raises(ColumnError, match=r"Column 'g' holds .* can name no group and no unit; turn it into texts"):
        measure(data, cx.nps(), **{"unit": None, argument: "g"})  # type: ignore[arg-type]


@pytest.mark.parametrize("thing", [[1], {}, bytearray(b"a"), (1, 2), ({},)])
def test_a_list_among_the_groups_is_found(thing: Any) -> None:
    data = pd.DataFrame({"recommend": [10, 9, 3], "g": ["a", thing, "b"]})
    for call in (lambda: compare(data, cx.nps(), between="g"), lambda: trend(data, cx.nps(), wave="g")):
        with pytest.raises(ColumnError, match="Column 'g' holds"):
            call()


@pytest.mark.parametrize("weights", [[1e308, 1e308], [1e200, 1e200], [5e-324, 5e-324], [1e-170, 1e-170]])
def test_weights_whose_squares_no_float_holds_are_refused(frame: Native, weights: list[float]) -> None:
    data = frame(pd.DataFrame({"recommend": [10, 3], "w": weights}))
    with pytest.raises(AnswerError, match="'recommend', 'w' are too large, or too close to 0, to be added up"):
        measure(data, cx.nps(), weight="w")


@pytest.mark.parametrize("metric", [ux.errors_per_attempt("x"), ux.steps("x")])
def test_answers_whose_sum_no_float_holds_are_refused(frame: Native, metric: Any) -> None:
    with pytest.raises(AnswerError, match="'x' are too large"):
        measure(frame(pd.DataFrame({"x": [1e308, 1e308, 1e300]})), metric)


def test_times_of_any_size_have_a_typical_time(frame: Native) -> None:
    row = measure(frame(pd.DataFrame({"duration_s": [1e-300, 1e300, 1.0]})), TIMES).iloc[0]
    assert row["value"] == pytest.approx(1)
    assert (row["low"], row["high"]) == (0, np.inf)  # exp of 1,700 is no float


def test_a_ratio_to_nobody_is_no_number(frame: Native) -> None:
    data = frame(pd.DataFrame({"duration_s": [5.0, 6, np.nan], "design": ["a", "a", "b"]}))
    row = compare(data, TIMES, between="design").iloc[0]
    assert np.isnan(row["difference"])
    assert row["method"] == "no test: a group has no valid answers."


def test_a_column_of_no_dates_holds_no_answers_but_a_missing_group(frame: Native) -> None:
    data = frame(pd.DataFrame({"recommend": [10.0, 9, 3], "satisfaction": pd.to_datetime([None] * 3), "u": [1, 2, 3]}))
    assert measure(data, cx.nps(), by="satisfaction", unit="u")["segment"].tolist() == ["(missing)"]
    with pytest.raises(AnswerError, match=r"'satisfaction' holds Datetime.*, all missing; answers must be numbers"):
        measure(data, cx.csat(), unit="u")


@pytest.mark.parametrize("number", [Decimal(3), Fraction(3), np.float32(3), np.int8(3)])
def test_numbers_of_every_kind_are_answers(number: Any) -> None:
    assert estimate([number, 5, number], cx.csat_mean()).value == pytest.approx(11 / 3)


@pytest.mark.parametrize("number", [10**400, -(10**400), 2**63])
def test_numbers_beyond_all_scales_are_refused(number: int) -> None:
    with pytest.raises(AnswerError, match="'recommend'"):
        measure(pd.DataFrame({"recommend": [number, 9]}), cx.nps())
    with pytest.raises(AnswerError, match=r"1 answer outside whole numbers 1 to 7: -?(inf|9.22)"):
        scales.score(pd.DataFrame({"ease": [number, 7]}), scales.SEQ, items=["ease"])


def test_large_whole_numbers_are_answers_or_refused(frame: Native) -> None:
    data = frame(pd.DataFrame({"n_errors": [2**62 + 1, 1]}))
    if type(data).__module__.startswith("pyarrow"):  # casts no such number
        with pytest.raises(AnswerError, match=r"'n_errors' holds whole numbers beyond 2\*\*53, such as 46"):
            measure(data, ux.errors_per_attempt())
    else:
        assert measure(data, ux.errors_per_attempt())["value"].item() == pytest.approx(2**61)


@pytest.mark.parametrize("year", [10**400, np.inf, 1e308, 1 + 1e-300, "later"])
def test_waves_beyond_all_numbers_are_refused(year: Any) -> None:
    data = pd.DataFrame({"recommend": [10, 9, 3, 4], "year": [year, year, -1e308, -1e308]})
    with pytest.raises(ArgumentError, match="Waves in 'year' are"):
        trend(data, cx.nps(), wave="year")


@pytest.mark.parametrize("weights", [[5e-324] * 3, [1e308] * 3, [1.0, 1e-90, 1.0]])
def test_times_of_extreme_weights_have_no_curve(frame: Native, weights: list[float]) -> None:
    data = frame(pd.DataFrame({"days": [3.0, 4, 5], "lost": [1, 0, 1], "w": weights}))
    with pytest.raises(ArgumentError, match=r"Weights (are too large, or too close to 0|must be finite)"):
        behaviour.survival(data, "days", "lost", weight="w")


def test_a_long_example_is_cut() -> None:
    with pytest.raises(AnswerError) as caught:
        measure(pd.DataFrame({"recommend": ["x" * 1000, "y"]}), cx.nps())
    assert len(str(caught.value)) < 250


def test_rows_of_a_unit_that_counts_once_are_not_missing(frame: Native) -> None:
    data = frame(pd.DataFrame({"u": [1, 1, 2, 2], "converted": [1.0, 0, 0, np.nan]}))
    row = measure(data, ux.conversion(per="visitor"), unit="u").iloc[0]
    assert (row["value"], row["n"], row["n_missing"]) == (0.5, 2, 1)


def test_the_fuzz_knows_a_wrong_answer() -> None:
    # Were 99 ever counted as a promoter, the check of ten thousand inputs must see it.
    data = pd.DataFrame({"recommend": [10, 99, -1, 7.5, "9", None, np.nan, True]})
    assert wrongly_counted(data, cx.nps()) == [99, -1, 7.5, "9"]
