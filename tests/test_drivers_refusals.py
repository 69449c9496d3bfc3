"""What key drivers refuse, beyond what test_models_refusals.py holds."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError
from cxuxlib.models import DriverOptions, driver_ranks, key_drivers, share_differences
from cxuxlib.results import Fit

rng = np.random.default_rng(1)
TABLE = pd.DataFrame(rng.normal(size=(60, 5)), columns=list("yabcd"))
TABLE["y"] += TABLE["a"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"method": "shapley"}, r"no method 'shapley'; there is 'lmg', 'johnson', 'owen', 'pratt', 'all'"),
        ({"method": ["lmg"]}, "There is no method"),
        ({"controls": "a"}, "controls is a list of columns; got 'a'"),
        ({"controls": [1]}, r"controls is a list of columns; got \[1\]"),
        ({"missing": "listwise"}, "missing is 'complete' or 'pairwise'; got 'listwise'"),
        ({"interval": "bca"}, "interval is 'robust', 'normal', 'bootstrap', 'none' or None; got 'bca'"),
        ({"replications": 10}, "replications is a whole number, 100 or more; got 10"),
        ({"replications": 1e3}, "replications is a whole number"),
    ],
)
def test_unknown_options(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        DriverOptions(**more)


def test_an_unknown_method() -> None:
    with pytest.raises(ArgumentError, match=r"no method 'pratts'.* Did you mean 'pratt'"):
        key_drivers(TABLE, "y", ["a", "b"], method="pratts")  # type: ignore[arg-type]


def test_owen_values_need_groups() -> None:
    with pytest.raises(ArgumentError, match="Owen values are of columns in groups; give groups"):
        key_drivers(TABLE, "y", ["a", "b"], method="owen")


@pytest.mark.parametrize("controls", [["a"], ["y"], ["c", "c"]])
def test_a_control_is_neither_outcome_nor_driver_and_stands_once(controls: list[str]) -> None:
    with pytest.raises(ArgumentError, match="is named more than once among outcome and drivers"):
        key_drivers(TABLE, "y", ["a", "b"], method=DriverOptions(controls=controls))


@pytest.mark.parametrize("more", [{"controls": ["age"]}, {"cluster": "shop"}])
def test_unknown_columns(more: dict[str, Any]) -> None:
    with pytest.raises(ColumnError, match="There is no column"):
        key_drivers(TABLE, "y", ["a", "b"], method=DriverOptions(**more))


def test_a_control_that_drivers_determine() -> None:
    table = TABLE.assign(age=TABLE["a"] - TABLE["b"])
    with pytest.raises(ModelError, match="'a', 'b', 'age' determine each other exactly"):
        key_drivers(table, "y", ["a", "b"], method=DriverOptions(controls=["age"]))


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_a_constant_driver(missing: Any) -> None:
    table = TABLE.assign(a=4.0, b=TABLE["b"].mask(TABLE.index < 5))
    with pytest.raises(ModelError, match="Every answer is the same in 'a'"):
        key_drivers(table, "y", ["a", "b"], method=DriverOptions(missing=missing))


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_more_drivers_than_rows(missing: Any) -> None:
    table = pd.DataFrame(rng.normal(size=(8, 12)), columns=[f"x{i}" for i in range(12)])
    table.loc[0, "x1"] = np.nan if missing == "pairwise" else 1.0
    with pytest.raises((SampleError, ModelError), match=r"rows for 12 columns|contradict each other"):
        key_drivers(table, "x0", list(table.columns[1:]), method=DriverOptions(missing=missing))


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_weights_of_zero(missing: Any) -> None:
    table = TABLE.assign(w=0.0, b=TABLE["b"].mask(TABLE.index < 5))
    with pytest.raises(SampleError, match="All weights in 'w' are 0"):
        key_drivers(table, "y", ["a", "b"], weight="w", method=DriverOptions(missing=missing))


def test_a_driver_that_nobody_answered() -> None:
    with pytest.raises(SampleError, match="Only 0 units answered both 'y' and 'a'"):
        key_drivers(TABLE.assign(a=np.nan), "y", ["a", "b"], method=DriverOptions(missing="pairwise"))


def test_infinite_answers_are_refused_pairwise_too() -> None:
    with pytest.raises(AnswerError, match="infinite"):
        key_drivers(TABLE.assign(a=np.inf), "y", ["a", "b"], method=DriverOptions(missing="pairwise"))


def test_too_few_units_to_resample() -> None:
    table = TABLE.head(5)[list("yab")]
    with pytest.raises(SampleError, match=r"of 1000 resamples are singular; there are too few units"):
        key_drivers(table, "y", ["a", "b"], method=DriverOptions(interval="bootstrap"))


@pytest.mark.parametrize("compare", [driver_ranks, share_differences])
def test_comparisons_need_key_drivers(compare: Any) -> None:
    with pytest.raises(ArgumentError, match="needs a fit of key_drivers; got 'logit'"):
        compare(Fit("logit", "y ~ a", pd.DataFrame(), {}))
    with pytest.raises(ArgumentError, match="no kind 'pratt'; there is 'lmg', 'alone', 'unique'"):
        compare(key_drivers(TABLE, "y", ["a", "b"]), kind="pratt")
