"""Formulas: what they compute on plain numbers, and everything they refuse to be."""

import builtins
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxuxlib import measure
from cxuxlib.errors import ArgumentError
from cxuxlib.formulas import build
from cxuxlib.study import Answer, Metric


def value(formula: str, **names: float) -> Any:
    return build(formula, names or {"x": 3.0}, float)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x", 3), ("7", 7), ("x + 2", 5), ("x - 5", -2), ("x * 4", 12), ("x / 2", 1.5), ("x ** 2", 9), ("-x", -3),
        ("2 + x * 4", 14), ("(2 + x) * 4", 20), ("-x ** 2", -9), ("2 ** x ** 2", 512), ("8 / 4 / x", 2 / 3),
        ("1.5e1 * x", 45), ("sqrt(x + 1)", 2), ("log(x)", math.log(3)), ("sqrt(4) * x", 6),
        ("x / log(2)", 3 / math.log(2)),
    ],
)  # fmt: skip
def test_arithmetic(formula: str, expected: float) -> None:
    assert value(formula) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x >= 3", 1), ("x >= 4", 0), ("x <= 3", 1), ("x <= 2", 0), ("x > 3", 0), ("x > 2", 1), ("x < 3", 0),
        ("x < 4", 1), ("x == 3", 1), ("x == 2", 0), ("x != 2", 1), ("x != 3", 0), ("(x > 1) * (x < 4)", 1),
        ("2 > 1", 1), ("10 * (x == 3) - 4 * (x > 2)", 6),
    ],
)  # fmt: skip
def test_a_comparison_is_1_or_0(formula: str, expected: float) -> None:
    found = value(formula)
    assert found == expected
    assert not isinstance(found, bool)


def test_several_names() -> None:
    assert value("sqrt((n / s - 1) ** 2 + (r / n - 1) ** 2)", n=20, s=100, r=2) == pytest.approx(1.2041594578792296)


def test_a_number_alone_becomes_a_column_of_it() -> None:
    found = build("2", {"x": pd.Series([5.0, 6.0])}, float)
    assert found.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "formula",
    [
        "x.real", "x.__class__", "().__class__.__bases__", "x.sqrt()",  # attributes
        "abs(x)", "exp(x)", "eval(x)", "open(x)", "__import__(x)", "x(1)", "(sqrt)(x)(x)",  # calls
        "sqrt()", "sqrt(x, x)", "log(x, 10)", "sqrt(x=x)", "sqrt(*x)", "log(**x)", "math.sqrt(x)",  # wrong calls
        "'x'", '"9" * x', "b'x'", "f'{x}'", "x == '3'",  # texts
        "1 < x < 5", "1 < x == 3",  # chains
        "y", "x + y", "sqrt", "log(z)", "__builtins__", "True1",  # names that stand for nothing
        "True", "None", "...", "2j * x",  # constants that are no numbers
        "x // 2", "x % 2", "x @ x", "x << 1", "x & 1", "x | 1", "x ^ 1", "~x", "not x", "+x",  # other operators
        "x and x", "x or x", "x is x", "x in x", "x not in x", "x is not x",
        "x if x else 0", "lambda: x", "[x]", "(x, x)", "{x}", "{1: x}", "x[0]", "x[0:1]", "[y for y in x]",
        "(y := x)", "*x", "(yield)", "x; x", "x = 3", "import os", "", " ", "x +", "(x", "x)", "x\nx", "\0",
    ],
)  # fmt: skip
def test_every_other_form_is_refused(formula: str) -> None:
    with pytest.raises(ArgumentError):
        value(formula)


@pytest.mark.parametrize("formula", [5, 2.0, None, True, b"x", ["x"], ("x",)])
def test_a_formula_is_a_text(formula: Any) -> None:
    with pytest.raises(ArgumentError, match=r"A formula is a text, such as '100 \* \(x >= 9\)'; got"):
        value(formula)


@pytest.mark.parametrize("formula", ["5", "2 > 1", "sqrt(4)", "-1"])
def test_a_number_alone_needs_a_name_to_make_a_column_of(formula: str) -> None:
    with pytest.raises(ArgumentError, match="is a number alone"):
        build(formula, {}, float)


@pytest.mark.parametrize("formula", ["-" * 5000 + "x", "x + " * 5000 + "x", "(" * 5000 + "x" + ")" * 5000])
def test_a_formula_of_any_depth_is_refused_not_crashed_on(formula: str) -> None:
    with pytest.raises(ArgumentError):
        value(formula)


def test_a_metric_that_reads_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="mine reads no column"):
        Metric("mine", (), "1", "mean", 0, 1)


@pytest.mark.parametrize("formula", ["x / 0", "1 / 0 + x", "log(0) * x", "sqrt(-1) + x", "10.0 ** 400 * x"])
def test_constants_that_cannot_be_computed_are_refused(formula: str) -> None:
    with pytest.raises(ArgumentError, match="cannot be computed"):
        value(formula)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("9 * skore", r"In '9 \* skore': There is no name 'skore'; there is 'score'\. Did you mean 'score'\?"),
        ("score.real", r"uses 'score\.real'; a formula has names"),
        ("2 * abs(score) + 1", r"uses 'abs\(score\)'"),
        ("score +", "'score \\+' is no formula: invalid syntax at character"),
    ],
)
def test_a_refusal_names_the_formula_and_the_part(formula: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        value(formula, score=1)


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('pathlib').Path({path!r}).touch()", "open({path!r}, 'w')", "sqrt(open({path!r}, 'w'))",
        "[open({path!r}, 'w') for i in x]", "(lambda: open({path!r}, 'w'))()", "f'{{open({path!r}, chr(119))}}'",
    ],
)  # fmt: skip
def test_no_code_runs(formula: str, tmp_path: Path) -> None:
    path = tmp_path / "touched"
    code = formula.format(path=str(path))
    with pytest.raises(ArgumentError):
        value(code)
    assert not path.exists()


def test_nothing_of_the_formula_is_compiled_to_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a formula ran")

    monkeypatch.setattr(builtins, "eval", never)
    monkeypatch.setattr(builtins, "exec", never)
    assert value("sqrt(x + 1) * (x > 2)") == 2


@pytest.mark.parametrize("where", ["score", "per", "where"])
def test_a_metric_of_a_bad_formula_is_refused_by_measure(where: str) -> None:
    formulas = {"score": "x", where: "x.real"}
    metric = Metric("mine", (("x", Answer("a", 0, 9)),), kind="mean", low=0, high=9, **formulas)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"uses 'x\.real'"):
        measure(pd.DataFrame({"a": [1, 2]}), metric)


def test_a_metric_of_your_own(frame: Any) -> None:
    data = pd.DataFrame({"a": [1.0, 4, 9, 16], "b": [1, 2, 2, 0]})
    answers = (("a", Answer("a", 0, 99)), ("b", Answer("b", 0, 9)))
    metric = Metric("mine", answers, "sqrt(a) / log(2)", "mean", 0, 99, per="b ** 2", where="(b > 0) * (a != 9)")
    assert measure(frame(data), metric)["value"].item() == pytest.approx(3 / math.log(2) / 5)


@pytest.mark.parametrize(("formula", "expected"), [("3", 3), ("2 > 1", 1), ("sqrt(4)", 2), ("-1", -1)])
def test_a_score_of_constants_only(frame: Any, formula: str, expected: float) -> None:
    metric = Metric("mine", (("x", Answer("a", 0, 9)),), formula, "mean", -9, 9)
    assert measure(frame(pd.DataFrame({"a": [1, 2]})), metric)["value"].item() == expected
