"""What the models refuse, and how they say it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError, UnitError
from cxuxlib.models import DriverOptions, htmt, key_drivers, share_difference
from cxuxlib.results import Fit, Moments

Native = Callable[..., Any]
rng = np.random.default_rng(1)
TABLE = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("yabc"))
TABLE["y"] += TABLE["a"] + TABLE["b"]
TABLE["flat"], TABLE["text"], TABLE["both"] = 1.0, "x", TABLE["a"] + TABLE["b"]
MOMENTS = Moments(60, ("y", "a", "b"), np.zeros(3), TABLE[["y", "a", "b"]].cov().to_numpy())


@pytest.mark.parametrize("outcome", ["y", "flat"])
def test_constant_column(frame: Native, outcome: str) -> None:
    drivers = ["a", "flat"] if outcome == "y" else ["a", "b"]
    with pytest.raises(ModelError, match="Every answer is the same in 'flat'"):
        key_drivers(frame(TABLE), outcome, drivers)


def test_constant_item() -> None:
    with pytest.raises(ModelError, match="the same in 'flat'"):
        htmt(TABLE, {"UX": ["a", "b"], "CX": ["y", "flat"]})


def test_collinear_drivers_are_named_and_no_others(frame: Native) -> None:
    with pytest.raises(ModelError, match="The columns 'a', 'b', 'both' determine each other exactly"):
        key_drivers(frame(TABLE), "y", ["a", "b", "c", "both"])


def test_a_driver_twice_under_two_names() -> None:
    with pytest.raises(ModelError, match="'a', 'copy' determine each other"):
        key_drivers(TABLE.assign(copy=TABLE["a"]), "y", ["a", "b", "copy"])


@pytest.mark.parametrize(("rows", "said"), [(1, "Only 1 complete rows"), (3, "3 complete rows for 3 columns")])
def test_too_few_rows(frame: Native, rows: int, said: str) -> None:
    with pytest.raises(SampleError, match=said):
        key_drivers(frame(TABLE.head(rows)), "y", ["a", "b"])


def test_no_rows(frame: Native) -> None:
    with pytest.raises(SampleError, match="no rows"):
        key_drivers(frame(TABLE.head(0)), "y", ["a", "b"])


def test_no_complete_rows(frame: Native) -> None:
    with pytest.raises(SampleError, match="Only 0 complete rows of 60"):
        key_drivers(frame(TABLE.assign(a=np.nan)), "y", ["a", "b"])


def test_unknown_column(frame: Native) -> None:
    with pytest.raises(ColumnError, match=r"There is no column 'flatt'; there is 'y', 'a'.* mean 'flat'\?"):
        key_drivers(frame(TABLE), "y", ["a", "flatt"])


def test_text_column(frame: Native) -> None:
    with pytest.raises(AnswerError, match="Column 'text' holds String"):
        key_drivers(frame(TABLE), "y", ["a", "text"])


def test_infinite_answers(frame: Native) -> None:
    with pytest.raises(AnswerError, match="infinite"):
        key_drivers(frame(TABLE.assign(a=np.inf)), "y", ["a", "b"])


def test_rows_that_repeat_an_id(frame: Native) -> None:
    with pytest.raises(UnitError, match="Rows repeat 'user_id'"):
        key_drivers(frame(TABLE.assign(user_id=1)), "y", ["a", "b"])


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("argument", ["weight", "frequency"])
def test_impossible_weight(argument: str, value: float) -> None:
    with pytest.raises(AnswerError, match="60 rows have a missing, negative or infinite value in 'w'"):
        key_drivers(TABLE.assign(w=value), "y", ["a", "b"], **{argument: "w"})


def test_all_weights_zero() -> None:
    with pytest.raises(SampleError):
        key_drivers(TABLE.assign(w=0), "y", ["a", "b"], weight="w")


def test_driver_that_is_the_outcome() -> None:
    with pytest.raises(ArgumentError, match=r"'y'.* named more than once among outcome and drivers"):
        key_drivers(TABLE, "y", ["a", "y"])


def test_driver_in_two_groups() -> None:
    with pytest.raises(ArgumentError, match=r"'a'.* named more than once"):
        key_drivers(TABLE, "y", groups={"one": ["a", "b"], "two": ["a"]})


def test_drivers_and_groups_are_either_or() -> None:
    for more in ({}, {"drivers": ["a", "b"], "groups": {"one": ["a"], "two": ["b"]}}):
        with pytest.raises(ArgumentError, match=r"either drivers .* or groups"):
            key_drivers(TABLE, "y", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("groups", [{"one": "a", "two": "b"}, {"one": ["a"], "two": "both"}, [["a"], ["b"]]])
def test_groups_are_lists_by_name(groups: Any) -> None:
    # "ab" was once read as the columns a and b.
    with pytest.raises(ArgumentError, match="groups is a dict of name to list of columns"):
        key_drivers(TABLE, "y", groups=groups)


@pytest.mark.parametrize("drivers", [["a"], []])
def test_one_driver_has_nothing_to_share(drivers: list[str]) -> None:
    with pytest.raises(ArgumentError, match="at least two drivers"):
        key_drivers(TABLE, "y", drivers)


def test_empty_group() -> None:
    with pytest.raises(ArgumentError, match="at least one driver each"):
        key_drivers(TABLE, "y", groups={"one": ["a"], "two": []})


def test_a_text_is_no_list_of_drivers() -> None:
    with pytest.raises(ArgumentError, match=r"drivers is a list of columns; got .*'ab'"):
        key_drivers(TABLE, "y", "ab")


def test_more_than_thirty_players() -> None:
    with pytest.raises(ArgumentError, match=r"31 players.*Put drivers into groups"):
        key_drivers(TABLE, "y", [f"d{i}" for i in range(31)])


def test_moments_without_a_column() -> None:
    with pytest.raises(ColumnError, match="There is no column 'c'; there is 'y', 'a', 'b'"):
        key_drivers(MOMENTS, "y", ["a", "c"])


def test_moments_know_no_rows() -> None:
    with pytest.raises(ArgumentError, match="interval='normal' only"):
        key_drivers(MOMENTS, "y", ["a", "b"], method=DriverOptions(interval="robust"))


@pytest.mark.parametrize("argument", ["weight", "frequency"])
def test_moments_have_their_weights(argument: str) -> None:
    with pytest.raises(ArgumentError, match="Moments have their weights in them"):
        key_drivers(MOMENTS, "y", ["a", "b"], **{argument: "w"})


@pytest.mark.parametrize("call", [lambda **k: key_drivers(TABLE, "y", ["a", "b"], **k),
                                  lambda **k: htmt(TABLE, {"UX": ["y", "a"], "CX": ["b", "both"]}, **k)])  # fmt: skip
def test_interval_and_level(call: Callable[..., object]) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        call(level=95)


def test_unknown_interval() -> None:
    with pytest.raises(ArgumentError, match="interval is 'robust', 'normal' or None; got 'bootstrap'"):
        htmt(TABLE, {"UX": ["y", "a"], "CX": ["b", "c"]}, interval="bootstrap")  # type: ignore[arg-type]


def test_shared_items() -> None:
    with pytest.raises(ArgumentError, match="'a' stands in more than one place; constructs must not share items"):
        htmt(TABLE, {"UX": ["a", "b"], "CX": ["y", "a"]})


@pytest.mark.parametrize("items", [["y"], [], "ya"])
def test_a_construct_is_a_list_of_two_items(items: Any) -> None:
    with pytest.raises(ArgumentError, match="'CX' needs a list of at least two items"):
        htmt(TABLE, {"UX": ["a", "b"], "CX": items})


@pytest.mark.parametrize("constructs", [{}, {"UX": ["a", "b"]}, [["a", "b"], ["y", "c"]]])
def test_constructs_are_two_by_name(constructs: Any) -> None:
    with pytest.raises(ArgumentError, match=r"two or more.*, as a dict of name to list of items"):
        htmt(TABLE, constructs)


def test_reversed_items() -> None:
    data = TABLE.assign(d=0.5 * TABLE["c"] + rng.normal(size=60), e=-TABLE["a"] + rng.normal(size=60))
    with pytest.raises(ModelError, match="'UX' or 'CX' correlate negatively on average; reverse the items"):
        htmt(data, {"UX": ["a", "e"], "CX": ["c", "d"]}, signed=True)


@pytest.mark.parametrize(
    ("a", "b", "kind", "said"), [("a", "z", "lmg", "no player 'z'"), ("a", "b", "beta", "no kind")]
)
def test_share_difference_of_what_is_not_there(a: str, b: str, kind: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        share_difference(key_drivers(TABLE, "y", ["a", "b"]), a, b, kind=kind)


def test_share_difference_needs_key_drivers() -> None:
    with pytest.raises(ArgumentError, match="needs a fit of key_drivers; got 'logit'"):
        share_difference(Fit("logit", "y ~ a", pd.DataFrame(), {}), "a", "b")


def test_shares_of_nothing() -> None:
    nothing = Moments(60, ("y", "a", "b"), np.zeros(3), np.eye(3))
    with pytest.raises(ModelError, match="explain nothing"):
        share_difference(key_drivers(nothing, "y", ["a", "b"]), "a", "b")
