"""What the regressions refuse, and how they say it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError, UnitError
from cxuxlib.models import linear, logit, margins, ordered_logit, partial_odds
from cxuxlib.results import Moments
from tests.regression_table import TABLE, N

Native = Callable[..., Any]
MODELS: list[tuple[Any, str]] = [(linear, "b ~ "), (logit, "yes ~ "), (ordered_logit, "y ~ ")]


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_a_constant_covariate_is_named(frame: Native, model: Any, left: str) -> None:
    with pytest.raises(ModelError, match="Every complete row has the same value in 'flat'"):
        model(left + "a + flat", frame(TABLE), unit=None)
    with pytest.raises(ModelError, match="the same value in 'text'"):
        model(left + "a + text", frame(TABLE), unit=None)


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_a_column_of_the_formula_that_is_constant_is_named(model: Any, left: str) -> None:
    with pytest.raises(ModelError, match=r"'I\(a > 9\)' has the same value"):
        model(left + "a + I(a > 9)", TABLE, unit=None)


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_collinear_columns_are_named_and_no_others(frame: Native, model: Any, left: str) -> None:
    with pytest.raises(ModelError, match="The columns 'a', 'copy' determine each other exactly"):
        model(left + "a + segment + copy", frame(TABLE), unit=None)
    with pytest.raises(ModelError, match=r"'C\(a\)\[T.2\]', 'C\(a\)\[T.3\]', 'C\(a\)\[T.4\]', 'C\(a\)\[T.5\]'"):
        model(left + "a + C(a)", TABLE, unit=None)


def test_moments_that_are_collinear_or_constant() -> None:
    names = ("y", "a", "copy", "flat")
    known = Moments(N, names, np.zeros(4), TABLE[list(names)].astype(float).cov().to_numpy())
    with pytest.raises(ModelError, match="'a', 'copy' determine"):
        linear("y ~ a + copy", known)
    with pytest.raises(ModelError, match="same value in 'flat'"):
        linear("y ~ a + flat", known)
    with pytest.raises(ModelError, match="All answers in 'flat'"):
        linear("flat ~ a", known)
    with pytest.raises(SampleError, match="3 complete rows for 3 parameters"):
        linear("y ~ a + copy", Moments(3, names, known.means, known.covariance))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"errors": "robust"}, "Robust errors need rows"), ({"weight": "w"}, "Moments have their weights"),
        ({"unit": "g"}, "know no units"),
    ],
)  # fmt: skip
def test_what_moments_do_not_tell(more: dict[str, Any], match: str) -> None:
    known = Moments(N, ("y", "a"), np.zeros(2), TABLE[["y", "a"]].cov().to_numpy())
    with pytest.raises(ArgumentError, match=match):
        linear("y ~ a", known, **more)
    for formula in ("y ~ a:b", "y ~ 0 + a", "log(y) ~ a", "y ~ I(a ** 2)"):
        with pytest.raises(ArgumentError, match="plain columns and an intercept"):
            linear(formula, known)
    with pytest.raises(ArgumentError, match="needs rows or counts"):
        ordered_logit("y ~ a", known)
    with pytest.raises(ColumnError, match="There is no column 'c'; there is 'y', 'a'"):
        linear("y ~ c", known)
    with pytest.raises(ArgumentError, match="which moments do not hold"):
        margins(linear("y ~ a", known))


@pytest.mark.parametrize(
    ("model", "left", "match"),
    [(linear, "flat ~ ", "All answers in 'flat' are the same"), (logit, "flat ~ ", "All answers in 'flat' are 1"),
     (ordered_logit, "flat ~ ", "All answers in 'flat' are 1")],
)  # fmt: skip
def test_one_answer_only(model: Any, left: str, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        model(left + "a", TABLE, unit=None)


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_more_parameters_than_rows(model: Any, left: str) -> None:
    few = TABLE.sort_values("y").iloc[:: N // 5].head(5)
    with pytest.raises(SampleError, match="complete rows for"):
        model(
            left + "b + a + I(b ** 2) + I(b ** 3)" if model is not linear else "y ~ b + I(b**2) + I(b**3) + I(b**4)",
            few,
            unit=None,
        )


# --- separation -----------------------------------------------------------------------------------


def test_separation_in_a_logit_is_named(frame: Native) -> None:
    table = TABLE.assign(yes=TABLE["b"] > 0)
    with pytest.raises(ModelError, match=r"^'b' separates the answers in 'yes'"):
        logit("yes ~ b + a", frame(table), unit=None)
    some = TABLE.assign(yes=TABLE["yes"] | (TABLE["segment"] == "web"))  # everybody on the web says yes
    with pytest.raises(ModelError, match=r"^'segment\[T.web\]' separates"):
        logit("yes ~ a + segment", frame(some), unit=None)
    with pytest.raises(ModelError, match=r"^'segment\[T.web\]' separates"):
        logit("yes ~ a + segment", some, unit="g", weight="w")


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_separation_in_an_ordered_model_is_named(link: Any) -> None:
    table = TABLE.assign(y=np.where(TABLE["segment"] == "web", 5, TABLE["y"].clip(upper=4)))
    with pytest.raises(ModelError, match=r"^'segment\[T.web\]' separates the answers in 'y'"):
        ordered_logit("y ~ a + segment", table, unit=None, link=link)


def test_a_strong_effect_is_no_separation() -> None:
    counts = pd.DataFrame({"x": [0, 0, 1, 1], "y": [0, 1, 0, 1], "n": [999_999, 1, 1, 999_999]})
    found = logit("y ~ x", counts, frequency="n")
    assert found.estimate("x").value == pytest.approx(2 * np.log(999_999))
    with pytest.raises(ModelError, match="'x' separates"):
        logit("y ~ x", counts.assign(n=[1_000_000, 0, 1, 999_999]), frequency="n")


def test_slopes_at_thresholds_that_separate_or_cross() -> None:
    table = TABLE.assign(y=np.where(TABLE["segment"] == "web", TABLE["y"].clip(lower=2), TABLE["y"]))
    fit = ordered_logit("y ~ a + segment", table, unit=None)
    with pytest.raises(ModelError, match=r"^'segment\[T.web\] at 1\|2' separates"):
        partial_odds(fit, ["segment"])


# --- weights, frequencies, units ------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("role", ["weight", "frequency"])
def test_bad_weights_and_frequencies(frame: Native, role: str, bad: float) -> None:
    table = TABLE.assign(w=np.where(np.arange(N) == 3, bad, 1.0))
    with pytest.raises(AnswerError, match="1 rows have a missing, negative or infinite value in 'w'"):
        linear("y ~ a", frame(table), unit=None, **{role: "w"})


def test_weights_that_are_all_zero(frame: Native) -> None:
    with pytest.raises(SampleError, match="no complete row of positive weight"):
        ordered_logit("y ~ a", frame(TABLE.assign(w=0.0)), unit=None, weight="w")
    with pytest.raises(SampleError, match="no complete row in"):
        logit("yes ~ a", frame(TABLE.assign(f=0)), unit=None, frequency="f")


def test_a_frequency_is_a_whole_number() -> None:
    with pytest.raises(AnswerError, match="in 'w'"):
        linear("y ~ a", TABLE.assign(w=0.5), unit=None, frequency="w")


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_errors_that_would_be_wrong(model: Any, left: str) -> None:
    with pytest.raises(ArgumentError, match="Rows of one unit depend on each other"):
        model(left + "a", TABLE, unit="g", errors="observed")
    with pytest.raises(ArgumentError, match="Sampling weights are no numbers of units"):
        model(left + "a", TABLE, unit=None, weight="w", errors="observed")
    with pytest.raises(ArgumentError, match="errors is 'observed', 'robust' or None; got 'HC3'"):
        model(left + "a", TABLE, unit=None, errors="HC3")
    with pytest.raises(ArgumentError, match="level is a probability"):
        model(left + "a", TABLE, unit=None, level=95)


def test_ids_that_repeat_ask_for_the_unit(frame: Native) -> None:
    with pytest.raises(UnitError, match=r"Rows repeat 'customer_id'.*unit='customer_id'"):
        linear("y ~ a", frame(TABLE.assign(customer_id=np.arange(N) // 2)))
    with pytest.raises(ArgumentError, match=r"unit names one column, or is None; got \['g'\]"):
        linear("y ~ a", frame(TABLE), unit=["g"])  # type: ignore[arg-type]
    with pytest.raises(UnitError, match="1 rows have no 'g'"):
        linear("y ~ a", frame(TABLE.assign(g=np.where(np.arange(N) == 5, np.nan, TABLE["g"]))), unit="g")
    with pytest.raises(SampleError, match="All rows belong to one 'flat'"):
        linear("y ~ a", frame(TABLE), unit="flat")
    with pytest.raises(ArgumentError, match="'a' is the unit and stands in the formula"):
        linear("y ~ a", TABLE, unit="a")


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_a_column_named_by_a_number_is_never_dropped(model: Any, left: str) -> None:
    with pytest.raises(ArgumentError, match="'1' is read as a number, not as a column; rename the column"):
        model(f"{left}a + `1`", TABLE.assign(**{"1": 2.0}))


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_powers_and_empty_sides_do_not_mean_what_they_seem_to(model: Any, left: str) -> None:
    for power in ("a^2", "a ** 2", "a:g + a^2"):
        with pytest.raises(ArgumentError, match=r"the power of 'a' is 'a' itself; its square is I\(a \*\* 2\)"):
            model(f"{left}{power}", TABLE)
    with pytest.raises(ArgumentError, match="has nothing on its right side; the mean alone is"):
        model(left, TABLE)


@pytest.mark.parametrize("role", ["weight", "frequency", "unit"])
def test_a_column_itself_is_no_name_of_one(role: str) -> None:
    with pytest.raises(ArgumentError, match=f"{role} names one column, or is None; got"):
        linear("y ~ a", TABLE, **{role: TABLE["a"]})  # type: ignore[arg-type]
