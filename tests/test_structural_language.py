"""The model language: what is read, what is refused and where, and what the defaults add."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.errors import ArgumentError
from cxuxlib.models import facet_syntax
from cxuxlib.models.structural.language import parse
from cxuxlib.models.structural.table import table


def test_operators_labels_values_and_lines() -> None:
    read = parse("""
        # a comment
        visual =~ x1 + a*x2 +
            0.5*x3   ! another
        f + g =~ start(.3)*lab*y1 + c(a, b)*y2 + c(NA, 1)*y3
            + NA*y4; y1 ~~ -1e-1*y2
        x1 ~ 1; y3 ~ 0*1
        `the sum` ~ visual
        ind := a * b^2 + (a - b) / 2
    """)
    found = {(each.op, each.lhs, each.rhs): each for each in read.terms}
    assert found["=~", "visual", "x2"].label == ("a",)
    assert found["=~", "visual", "x3"].fixed == (0.5,)
    assert found["=~", "g", "y1"].start == (0.3,)
    assert found["=~", "f", "y2"].label == ("a", "b")
    assert [math.isnan(each) for each in found["=~", "f", "y3"].fixed or ()] == [True, False]
    assert found["~~", "y1", "y2"].fixed == (-0.1,)
    assert found["~1", "y3", ""].fixed == (0.0,)
    assert ("~", "the sum", "visual") in found
    assert read.text.startswith("visual =~ x1 + a*x2 + 0.5*x3; f + g =~ start(.3)*lab*y1")
    assert read.text.endswith("`the sum` ~ visual; ind := a * b^2 + (a - b) / 2")
    assert read.defined[0].formula == "a * b ** 2 + ( a - b ) / 2"


def test_two_mentions_of_a_term_say_two_things_of_it() -> None:
    (term,) = parse("f =~ a*x; f =~ start(2)*x").terms
    assert (term.label, term.start) == (("a",), (2.0,))


@pytest.mark.parametrize(
    ("text", "line", "character", "what"),
    [
        ("f =~ x1 + + x2", 1, 11, "expected a variable"),
        ("f =~ x1 x2", 1, 9, "expected '\\+'"),
        ("f = x", 1, 3, "expected an operator"),
        ("a =~ b\nf =~ d(1)*x", 2, 6, "no function"),
        ("f =~ x $ y", 1, 8, "means nothing"),
        ("f =~ x1 + x1", 1, 11, "second time"),
        ("f =~ 2x", 1, 6, "means nothing"),
        ("x1 | t1", 1, 4, "expected an operator"),
        ("f =~ c(1, a)*x", 1, 6, "numbers and labels"),
        ("f =~ c(1, 2*x", 1, 12, "expected ','"),
        ("f ~ f", 1, 5, "both sides"),
        ("f =~ x\n\n  a b", 3, 5, "expected an operator"),
        ("f =~ x; i := ", 1, 13, "expected a formula"),
        ("f =~ x; a + b := 2", 1, 13, "one name"),
        ("f =~ x; i := a; i := b", 1, 17, "defined twice"),
        ("f =~ - y", 1, 8, "expected a number"),
        ("f =~ a*x; f =~ b*x", 1, 18, "given before"),
        ("f =~", 1, 5, "expected a variable"),
    ],
)
def test_a_parse_error_points_at_its_place(text: str, line: int, character: int, what: str) -> None:
    with pytest.raises(ArgumentError, match=what) as caught:
        parse(text)
    said = str(caught.value)
    assert f"line {line}, character {character}:" in said
    assert said.splitlines()[-1] == "    " + " " * (character - 1) + "^"


@pytest.mark.parametrize("text", ["", "  # nothing", 3, None])
def test_what_is_no_model_is_refused(text: object) -> None:
    with pytest.raises(ArgumentError):
        parse(text)  # type: ignore[arg-type]


def rows(text: str, n_groups: int = 1, **options: object) -> dict[tuple[str, int], tuple[bool, float]]:
    made = table(parse(text), n_groups, **options)  # type: ignore[arg-type]
    return {(row.term, row.group): (row.free, row.value) for row in made.rows}


def test_defaults_are_those_of_the_field() -> None:
    found = rows("f =~ x1 + x2 + x3; g =~ y1 + y2; h =~ y3; g ~ f + w; z ~ g; z2 ~ g", means=True)
    assert found["f =~ x1", 0] == (False, 1.0)
    assert found["f =~ x2", 0][0]
    assert found["y3 ~~ y3", 0] == (False, 0.0)  # the only item of its factor
    assert found["x1 ~~ x1", 0][0]
    assert found["f ~~ h", 0][0]  # latent causes covary
    assert found["z ~~ z2", 0][0]  # and so do what is explained and explains nothing
    assert ("f ~~ g", 0) not in found
    assert not found["w ~~ w", 0][0]  # an observed cause is as it is
    assert found["x1 ~ 1", 0][0]
    assert found["f ~ 1", 0] == (False, 0.0)


def test_a_cause_whose_moments_are_spoken_of_is_estimated() -> None:
    found = rows("y ~ w + v; w ~~ w")
    assert found["w ~~ w", 0][0]
    assert found["w ~~ v", 0][0]


def test_scaling_by_variances_and_equalities_over_groups() -> None:
    found = rows("f =~ x1 + x2 + x3", std_lv=True)
    assert found["f =~ x1", 0][0]
    assert found["f ~~ f", 0] == (False, 1.0)
    found = rows("f =~ x1 + x2 + x3", 2, means=True, std_lv=True, equal=("loadings", "intercepts"))
    assert found["f ~~ f", 0] == (False, 1.0)
    assert found["f ~~ f", 1][0]
    assert found["f ~ 1", 1][0]
    assert not found["f ~ 1", 0][0]


def test_in_a_second_order_model_the_means_of_the_first_order_are_compared() -> None:
    text = "f =~ x1 + x2; g =~ x3 + x4; h =~ x5 + x6; k =~ x7 + x8; top =~ f + g + h + k"
    found = rows(text, 2, means=True, equal=("loadings", "intercepts"))
    assert found["f ~ 1", 1][0]
    assert not found["top ~ 1", 1][0]


def test_values_by_group_must_be_as_many_as_groups() -> None:
    with pytest.raises(ArgumentError, match=r"line 1, character 21: c\(\.\.\.\) has 3 values for 2 groups"):
        rows("f =~ x + c(a, b, c)*y", 2)


def test_a_label_at_a_fixed_value_fixes_all_that_carry_it() -> None:
    found = rows("f =~ x1 + a*x2 + a*0.7*x3 + x4")
    assert found["f =~ x2", 0] == (False, 0.7)


FACETS = {
    "UX": ["u1", "u2", "u3"],
    "help": ["h1", "h2", "h3"],
    "price": ["p1", "p2", "p3"],
    "brand": ["b1", "b2", "b3"],
}


@pytest.mark.parametrize(
    ("shape", "df"),
    [("one-factor", 54), ("correlated", 48), ("second-order", 50), ("bifactor", 42), ("orthogonal", 54)],
)
def test_shapes_have_their_degrees_of_freedom(shape: str, df: int) -> None:
    made = table(parse(facet_syntax(FACETS, shape)))  # type: ignore[arg-type]
    assert 12 * 13 // 2 - sum(row.free for row in made.rows) == df


@pytest.mark.parametrize(
    ("facets", "shape", "what"),
    [
        (FACETS, "star", "no shape"),
        ({"UX": ["u1", "u2"]}, "correlated", "2 or more"),
        ({"UX": "u1", "b": ["x"]}, "correlated", "list of items"),
        ({"UX": ["u1", "u2"], "b": ["u1", "x"]}, "correlated", "must not share"),
        ({"UX": ["u1", "u2"], "b": ["w", "x"]}, "bifactor", "needs three"),
        ({"UX": ["u1", "u2"], "general": ["w", "x"]}, "second-order", "something else"),
        ({"UX": ["u`1", "u2"], "b": ["w", "x"]}, "correlated", "backquotes"),
    ],
)
def test_facets_that_make_no_model_are_refused(facets: dict[str, list[str]], shape: str, what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        facet_syntax(facets, shape)  # type: ignore[arg-type]


def test_names_with_blanks_come_back() -> None:
    text = facet_syntax({"user experience": ["is easy", "is fast"], "help": ["kind", "quick"]})
    assert {each.rhs for each in parse(text).terms} == {"is easy", "is fast", "kind", "quick"}


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from([*"abc+*~=():;,^.-1\n #`", "=~", "~~", ":=", " NA", "c(", "start(", "0.5", "x1"]), max_size=14
    )
)
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        made = table(parse(text), means=True)
    except ArgumentError:
        return
    assert len(made.rows) > 0
    assert set(made.observed).isdisjoint(made.latent)
