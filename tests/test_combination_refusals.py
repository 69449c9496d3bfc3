"""What rules of combination refuse, and what they say instead of a number."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import Folds, combination
from cxuxlib.results import Moments

rng = np.random.default_rng(1)
DATA = pd.DataFrame(rng.integers(1, 6, (300, 2)), columns=["a", "b"])
DATA["y"] = np.clip(np.round(DATA["a"] / 2 + DATA["b"] / 2 + rng.logistic(size=300)), 1, 5)
DATA["flat"], DATA["twin"], DATA["text"], DATA["wide"] = 3, 6 - DATA["a"], "x", rng.integers(0, 11, 300)
DATA["w"] = 1.0


@pytest.mark.parametrize(("outcome", "experiences", "error", "said"), [
    ("y", "a", ArgumentError, "experiences is a list of columns"),
    ("y", ["a"], ArgumentError, "at least 2"),
    (["y"], ["a", "b"], ArgumentError, "outcome is one column"),
    ("y", ["a", "a"], ArgumentError, "'a' is named more than once"),
    ("y", ["a", "y"], ArgumentError, "'y' is named more than once"),
    ("y", ["a", "aa"], ColumnError, "'aa'"),
    ("z", ["a", "b"], ColumnError, "'z'"),
    ("y", ["a", "text"], AnswerError, "'text' holds texts"),
    ("y", ["a", "wide"], ArgumentError, r"1 to 5 in 'a', 0 to 10 in 'wide'.*experiences=\{'ease': \(1, 5\)"),
    ("y", {"a": (1, 4), "b": (1, 5)}, AnswerError, "'a' has answers 1 to 5, outside its scale 1 to 4"),
    ("y", {"a": (5, 1), "b": (1, 5)}, ArgumentError, "lowest and highest"),
    ("y", {"a": 5, "b": (1, 5)}, ArgumentError, "lowest and highest"),
    ("y", {"a": (1, 5), "flat": (1, 5)}, ModelError, "'flat' has the same value"),
    ("y", {"a": (1, 5), "twin": (1, 5)}, ModelError, "'a', 'twin' determine each other"),
    ("text", ["a", "b"], AnswerError, "order is not known"),
    ("flat", ["a", "b"], ModelError, "nothing to explain"),
])  # fmt: skip
def test_bad_columns_are_named(outcome: object, experiences: object, error: type[CxuxError], said: str) -> None:
    with pytest.raises(error, match=said):
        combination(DATA, outcome, experiences, folds=3)


@pytest.mark.parametrize("folds", [1, 0, 2.5, True, "five", None])
def test_folds_are_two_or_more(folds: object) -> None:
    with pytest.raises(ArgumentError, match="number of folds"):
        combination(DATA, "y", ["a", "b"], folds=folds)


def test_a_seed_is_a_number_or_a_generator() -> None:
    with pytest.raises(ArgumentError, match="rng"):
        Folds(3, rng="now")


def test_a_level_is_a_probability() -> None:
    with pytest.raises(ArgumentError, match="level"):
        combination(DATA, "y", ["a", "b"], level=95)


def test_moments_have_no_answers_to_foretell() -> None:
    with pytest.raises(CxuxError):
        combination(Moments(9, ("y", "a", "b"), np.zeros(3), np.eye(3)), "y", {"a": (1, 5), "b": (1, 5)})


@pytest.mark.parametrize("what", ["unit", "weight", "frequency"])
def test_a_column_has_one_part(what: str) -> None:
    with pytest.raises(ArgumentError, match=f"'a' is the {what}"):
        combination(DATA, "y", ["a", "b"], **{what: "a"})


def test_repeated_ids_are_refused_unless_it_is_said_what_is_independent() -> None:
    repeated = DATA.assign(user_id=np.arange(300) // 2)
    with pytest.raises(UnitError, match="user_id"):
        combination(repeated, "y", ["a", "b"], folds=3)
    assert "of whole 'user_id'" in combination(repeated, "y", ["a", "b"], folds=3, unit="user_id").method


def test_there_is_a_unit_for_each_fold() -> None:
    with pytest.raises(SampleError, match="8 complete rows in 'y', 'a', 'b' for 10 folds"):
        combination(DATA.head(8), "y", {"a": (1, 5), "b": (1, 5)})
    with pytest.raises(SampleError, match="4 different 'g' for 5 folds"):
        combination(DATA.assign(g=np.arange(300) % 4), "y", ["a", "b"], unit="g", folds=5)


def test_negative_weights_are_refused() -> None:
    with pytest.raises(AnswerError, match="'w'"):
        combination(DATA.assign(w=-1.0), "y", ["a", "b"], weight="w")


def test_answers_that_are_separated_are_refused() -> None:
    with pytest.raises(ModelError, match=r"additive rule for 'more' cannot be fitted.*separates the answers"):
        combination(DATA.assign(more=DATA["a"] > 3), "more", ["a", "b"], folds=3)


def test_missing_answers_are_left_out_and_counted() -> None:
    holes = DATA.assign(a=DATA["a"].mask(np.arange(300) < 12))
    found = combination(holes, "y", ["a", "b"], folds=3)
    assert (found.n, found.n_missing) == (288, 12)
    assert "n = 288, 12 missing" in repr(found)
    whole = combination(DATA.iloc[12:], "y", ["a", "b"], folds=3)
    assert found.table["score"].to_numpy() == pytest.approx(whole.table["score"].to_numpy(), rel=1e-12)


def test_a_rule_that_cannot_be_fitted_says_why_and_the_others_go_on() -> None:
    yes = DATA.assign(a=DATA["a"] > 2, b=DATA["b"] > 2)  # below and above the middle of 0 and 1 are one and the same
    table = combination(yes, "y", ["a", "b"], folds=3).table.set_index("rule")
    assert table.loc["hinge", "note"] == "cannot be fitted without some fold: its columns determine each other"
    assert np.isnan(table.loc["hinge", ["score", "difference", "low", "share"]].astype(float)).all()
    assert table.loc[["additive", "weakest only", "boosted trees"], "score"].notna().all()


def test_an_answer_that_one_alone_gave_is_joined_with_its_neighbour_and_said() -> None:
    lone = DATA.assign(y=DATA["y"].mask(np.arange(300) == 5, 9))
    found = combination(lone, "y", ["a", "b"], folds=3)
    assert "answers 5 and 9 taken as one" in found.method
    below = combination(DATA.assign(y=DATA["y"].mask(np.arange(300) == 5, -2)), "y", ["a", "b"], folds=3)
    assert "answers -2 and 1 taken as one" in below.method
    with pytest.raises(ModelError, match="take fewer folds"):
        combination(DATA.assign(y=(np.arange(300) == 5).astype(int)), "y", ["a", "b"], folds=3)


def test_the_display_escapes_names_and_shows_no_nan() -> None:
    named = DATA.rename(columns={"a": "<b>ease</b>"})
    found = combination(named, "y", ["<b>ease</b>", "b"], folds=3)
    html = found._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;ease" in html
    assert "NaN" not in html
    assert repr(found).startswith("How <b>ease</b>, b combine for y: ")
    assert "3 folds" in repr(found)
    assert "95% CI" in repr(found)


def test_the_scale_may_be_given_with_its_middle() -> None:
    data = DATA.assign(wide=DATA["wide"])
    found = combination(data, "y", {"a": (1, 5), "wide": (0, 7, 10)}, folds=3)
    assert "scales given: a 1 to 5, wide 0 to 10" in found.method
    halfway = combination(data, "y", {"a": (1, 5), "wide": (0, 10)}, folds=3)
    scores = [each.table.set_index("rule")["score"] for each in (found, halfway)]
    assert scores[0]["hinge"] != scores[1]["hinge"]
    assert scores[0]["additive"] == scores[1]["additive"]
    assert scores[0]["pairwise"] == pytest.approx(scores[1]["pairwise"], abs=1e-9)
