"""Formulas, outcomes, and functions of a fit that are refused, and how they say it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError
from cxuxlib.models import brant, htmt, key_drivers, linear, logit, margins, ordered_logit, partial_odds, predicted
from tests.regression_table import TABLE, N

Native = Callable[..., Any]
MODELS: list[tuple[Any, str]] = [(linear, "b ~ "), (logit, "yes ~ "), (ordered_logit, "y ~ ")]


# --- formulas and outcomes ------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "left"), MODELS)
def test_unknown_names_in_a_formula(frame: Native, model: Any, left: str) -> None:
    with pytest.raises(ColumnError, match=r"There is no column 'aa'; there is 'y', 'a', .* Did you mean 'a'\?"):
        model(left + "a:aa", frame(TABLE), unit=None)
    with pytest.raises(ColumnError, match="There is no column 'q'"):
        model(left + "np.log(q)", TABLE, unit=None)


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("a + b", "needs one outcome"), ("y + b ~ a", "needs one outcome"), ("y:b ~ a", "needs one outcome"),
        ("y ~ a | b", "several parts"), ("y ~ a +* b", "is no formula: Operator"), ("y ~ log(a", "is no formula"),
        ("y ~ a.mean()", r"'a.mean\(\)' is not"),
        ("y ~ scale(a)", r"'scale\(a\)' is not computed from one row"), ("y ~ bs(a, df=3)", "from one row alone"),
        ("y ~ I(a - np.mean(a))", r"'np.mean\(a\)' is not computed"),
        ("y ~ lag(a)", "from one row"), ("y ~ np.random.rand(3)", "from one row"),
        ("y ~ {__import__('os')}", "from one row"), ("y ~ {[x for x in a]}", "from one row"),
        ("y", "needs one outcome"), ("y ~ .", r"is no formula: The `\.` operator requires[^.]*$"),
        (3, "formula is a text"),
    ],
)  # fmt: skip
def test_formulas_that_are_none(formula: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        linear(formula, TABLE, unit=None)


def test_an_outcome_that_the_covariates_determine() -> None:
    for formula in ("y ~ a + y", "I(y > 2) ~ a:y"):
        with pytest.raises(ArgumentError, match="'y' stands on both sides"):
            linear(formula, TABLE, unit=None)
    for errors in ("observed", "robust"):
        with pytest.raises(ModelError, match="The covariates determine 'y' exactly"):
            linear("y ~ a + segment", TABLE.assign(y=0.3 * TABLE["a"] + 1e6), unit=None, errors=errors)


def test_what_is_no_number_in_some_rows() -> None:
    with pytest.raises(ModelError, match=r"'np.log\(b\)' is no finite number"):
        linear("y ~ np.log(b)", TABLE, unit=None)
    with pytest.raises(ArgumentError, match="The formula cannot be computed"):
        linear("y ~ C(segment, levels=['app'])", TABLE, unit=None)
    with pytest.raises(ArgumentError, match="The formula cannot be computed"):
        linear("y ~ I(segment ** 2)", TABLE, unit=None)


def test_an_ordered_model_has_its_intercepts() -> None:
    with pytest.raises(ArgumentError, match="thresholds of an ordered model are its intercepts"):
        ordered_logit("y ~ 0 + a", TABLE, unit=None)
    with pytest.raises(ArgumentError, match="neither an intercept nor a term"):
        linear("y ~ 0", TABLE, unit=None)
    with pytest.raises(ArgumentError, match="There is no link 'cloglog'"):
        ordered_logit("y ~ a", TABLE, unit=None, link="cloglog")  # type: ignore[arg-type]


def test_outcomes_of_the_wrong_kind(frame: Native) -> None:
    with pytest.raises(AnswerError, match="texts whose order is not known"):
        ordered_logit("segment ~ a", frame(TABLE), unit=None)
    with pytest.raises(AnswerError, match="There are answers 'web' in 'segment', which are not among 'app'"):
        ordered_logit("C(segment, levels=['app', 'other']) ~ a", frame(TABLE), unit=None)
    with pytest.raises(ModelError, match="240 different answers"):
        ordered_logit("b ~ a", frame(pd.concat([TABLE] * 2).assign(b=np.arange(2 * N) / 7)), unit=None)
    with pytest.raises(AnswerError, match="say which one is 1"):
        logit("segment ~ a", frame(TABLE), unit=None)
    with pytest.raises(AnswerError, match=r"The outcome of a logit is 0 or 1.*I\(y >= 5\)"):
        logit("y ~ a", frame(TABLE), unit=None)
    with pytest.raises(ArgumentError, match="'segment' holds texts; a linear regression"):
        linear("segment ~ a", frame(TABLE), unit=None)


def test_columns_that_no_model_reads() -> None:
    with pytest.raises(AnswerError, match="Column 'a' holds datetime"):
        linear("y ~ a", TABLE.assign(a=pd.Timestamp("2026-01-01")), unit=None)
    with pytest.raises(AnswerError, match="Column 'a' holds a mix"):
        linear("y ~ a", TABLE.assign(a=[1, "two"] * (N // 2)), unit=None)
    with pytest.raises(AnswerError, match="infinite values in 'a'"):
        linear("y ~ a", TABLE.assign(a=np.inf), unit=None)


# --- functions of a fit ---------------------------------------------------------------------------

FIT = ordered_logit("y ~ a + segment", TABLE, unit=None)


def test_fits_of_other_models() -> None:
    other = key_drivers(TABLE, "y", ["a", "b"])
    for function in (margins, predicted, brant, lambda fit: partial_odds(fit, ["a"])):
        with pytest.raises(ArgumentError, match="needs a fit of"):
            function(other)
    assert callable(htmt)
    with pytest.raises(ArgumentError, match="partial_odds needs a fit of ordered_logit; got 'linear'"):
        partial_odds(linear("y ~ a", TABLE, unit=None), ["a"])
    for fit in (
        logit("yes ~ a", TABLE, unit=None),
        partial_odds(FIT, ["a"]),
        ordered_logit("y ~ a", TABLE, unit=None, link="probit"),
    ):
        with pytest.raises(ArgumentError, match="The Brant test is of ordered_logit"):
            brant(fit)
    with pytest.raises(ArgumentError, match="no slopes to test"):
        brant(ordered_logit("y ~ 1", TABLE, unit=None))
    with pytest.raises(ModelError, match="two thresholds are needed"):
        brant(ordered_logit("y ~ a", TABLE.assign(y=TABLE["y"] > 2), unit=None))


def test_names_and_values_that_a_fit_does_not_have() -> None:
    with pytest.raises(ArgumentError, match="There is no term 'help'"):
        partial_odds(FIT, ["help"])
    with pytest.raises(ArgumentError, match="nominal is a list of terms"):
        partial_odds(FIT, "a")
    with pytest.raises(ColumnError, match="There is no covariate 'help'"):
        margins(FIT, ["help"])
    with pytest.raises(ColumnError, match="There is no covariate 'y'"):
        predicted(FIT, {"y": 3})
    with pytest.raises(ArgumentError, match="There is no category of 'segment' 'shop'"):
        predicted(FIT, {"segment": "shop"})
    with pytest.raises(ArgumentError, match="'a' holds numbers; got 'x'"):
        predicted(FIT, {"a": "x"})
    with pytest.raises(ArgumentError, match="'a' holds numbers; got None"):
        predicted(FIT, {"a": None})
    with pytest.raises(ArgumentError, match="'yes' holds true and false; got 2"):
        predicted(linear("b ~ yes", TABLE, unit=None), {"yes": 2})
    with pytest.raises(ArgumentError, match="at is a dict"):
        predicted(FIT, 5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at names no value"):
        predicted(FIT, {"a": []})
    stepped = ordered_logit("y ~ I(a > 2) + np.floor(b)", TABLE, unit=None)
    for name in ("a", "b"):
        with pytest.raises(ArgumentError, match=f"'{name}' stands in a comparison or is rounded"):
            margins(stepped, [name])
    with pytest.raises(ArgumentError, match="The formula cannot be computed: Data has categories outside"):
        predicted(ordered_logit("y ~ C(a)", TABLE, unit=None), {"a": 9})
    with pytest.raises(ArgumentError, match="columns is a list of covariates; there is 'a', 'segment' in"):
        margins(FIT, "a")
    with pytest.raises(ArgumentError, match="columns is a list of covariates; there is nothing in"):
        margins(ordered_logit("y ~ 1", TABLE, unit=None))


def test_functions_that_an_outcome_does_not_have() -> None:
    with pytest.raises(ArgumentError, match="answers 0 to 10; those in 'y' run from 1 to 5"):
        margins(FIT, of="nps")
    with pytest.raises(ArgumentError, match=r"those in .* are texts"):
        margins(ordered_logit("C(segment, levels=['app', 'web']) ~ a", TABLE, unit=None), of="mean")
    with pytest.raises(ArgumentError, match="predicts a mean"):
        predicted(linear("y ~ a", TABLE, unit=None), of="probability")
    with pytest.raises(ArgumentError, match="There is no of 'odds'"):
        predicted(FIT, of="odds")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="There is no over 'rows'"):
        margins(FIT, over="rows")  # type: ignore[arg-type]
