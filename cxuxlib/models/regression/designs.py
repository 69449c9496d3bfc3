"""Formulas: what they name, and the columns they make of distinct rows."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, listed

# What makes a number of one row alone. Anything else (a mean, a spline's knots) needs all rows, and would see distinct
# ones.
_FUNCTIONS = frozenset({"I", "C", "log", "log10", "exp"})
_NUMPY = frozenset(
    {"abs", "ceil", "cos", "exp", "floor", "log", "log10", "log1p", "log2", "maximum", "minimum", "sign", "sin", "sqrt"}
)
_ROUNDED = frozenset({"ceil", "floor", "sign"})
_CONTRASTS = frozenset({"treatment", "sum", "helmert", "diff", "poly", "SAS", "base"})
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Constant, ast.List, ast.Tuple, ast.keyword,
    ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context,
)  # fmt: skip


class Plan(NamedTuple):
    """A formula, taken apart.

    Args:
        formula: as it was given.
        outcome: left side, as text.
        name: the outcome's column where the left side is one, or one with ``levels``; else None.
        levels: order of the outcome's answers where the left side gives it.
        answers: columns of the left side.
        covariates: columns of the right side.
        nominal: those of them that stand inside C(...).
        stepped: those that stand in a comparison or are rounded, so that a small change of them does nothing.
        intercept: whether there is one.
        right: the right side, for formulaic; None where the covariates are the columns of the design.
    """

    formula: str
    outcome: str
    name: str | None
    levels: tuple[Any, ...] | None
    answers: tuple[str, ...]
    covariates: tuple[str, ...]
    nominal: frozenset[str]
    stepped: frozenset[str]
    intercept: bool
    right: Any


class Design(NamedTuple):
    """Columns that a formula makes.

    Args:
        columns: shape (m, k).
        names: of the columns.
        spec: how to make them of other rows.
        terms: of each term, the places of its columns.
    """

    columns: np.ndarray
    names: tuple[str, ...]
    spec: Any
    terms: dict[str, list[int]]


def plan(formula: str) -> Plan:
    """Take a formula apart, and refuse what cannot be computed from distinct rows."""
    if not isinstance(formula, str):
        raise ArgumentError(f"formula is a text such as 'recommend ~ ease + C(segment)'; got {formula!r:.80}.")
    numbers = re.findall(r"`\s*([\d.]+)\s*`", formula)
    if numbers:
        raise ArgumentError(
            f"In {formula!r} {listed(numbers)} is read as a number, not as a column; rename the column."
        )
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        parsed = Formula(formula)
    except FormulaicError as error:
        why = str(error).splitlines()[0].split(". ")[0]
        raise ArgumentError(f"{formula!r} is no formula: {why}") from error
    left, right = getattr(parsed, "lhs", None), getattr(parsed, "rhs", None)
    if left is None or len(left) != 1 or len(next(iter(left)).factors) != 1:
        raise ArgumentError(f"{formula!r} needs one outcome before the ~, such as 'recommend ~ ease'.")
    if isinstance(right, tuple) or right is None:
        raise ArgumentError(f"{formula!r} has several parts; a regression has one right side.")
    factor = next(iter(next(iter(left)).factors))
    answers = _names(factor, formula).columns
    name, levels = _outcome(factor)
    covariates: dict[str, None] = {}
    nominal: set[str] = set()
    stepped: set[str] = set()
    for term in right:
        for each in term.factors:
            found = _names(each, formula)
            covariates |= dict.fromkeys(found.columns)
            nominal |= found.nominal
            stepped |= found.stepped
    both = [name for name in answers if name in covariates]
    if both:
        raise ArgumentError(f"{listed(both)} stands on both sides of {formula!r}; nothing explains itself.")
    if formula.rsplit("~", 1)[-1].strip() == "":
        raise ArgumentError(f"{formula!r} has nothing on its right side; the mean alone is '{factor.expr} ~ 1'.")
    powers = re.findall(r"([\w` ]+?)\s*(?:\^|\*\*)\s*\d", re.sub(r"\b\w+\([^()]*\)|{[^}]*}", "", formula))
    if powers:
        name = powers[0].strip()
        raise ArgumentError(f"In {formula!r} the power of {name!r} is {name!r} itself; its square is I({name} ** 2).")
    intercept = any(str(term) == "1" for term in right)
    return Plan(
        formula, factor.expr, name, levels, answers, tuple(covariates), frozenset(nominal), frozenset(stepped),
        intercept, right,
    )  # fmt: skip


def of_columns(outcome: str, covariates: Sequence[str]) -> Plan:
    """The plan of an outcome on columns of numbers as they are, whatever their names."""
    if "Intercept" in covariates:
        raise ColumnError("A driver is named 'Intercept', which here means the constant; rename the column.")
    formula = f"{outcome} ~ " + " + ".join(covariates)
    empty: frozenset[str] = frozenset()
    return Plan(formula, outcome, outcome, None, (outcome,), tuple(covariates), empty, empty, True, None)


class _Names(NamedTuple):
    """Columns that a factor reads, and those of them inside C(...) and inside a comparison."""

    columns: tuple[str, ...]
    nominal: set[str]
    stepped: set[str]


def _names(factor: Any, formula: str) -> _Names:
    kind = factor.eval_method.value
    if kind != "python":
        return _Names((factor.expr,) if kind == "lookup" else (), set(), set())
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1], f"_column_{len(quoted)}_")

    tree = ast.parse(re.sub(r"`([^`]*)`", stand_in, factor.expr), mode="eval")
    back = {value: key for key, value in quoted.items()}
    found: dict[str, None] = {}
    nominal: set[str] = set()
    stepped: set[str] = set()

    def walk(node: ast.AST, inside: bool, steps: bool) -> None:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
                inside = inside or name == "C"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)) if name in _NUMPY:
                steps = steps or name in _ROUNDED
            case ast.Call(func=ast.Attribute(value=ast.Name(id="contr"), attr=name)) if name in _CONTRASTS and inside:
                pass
            case ast.Attribute(value=ast.Name(id="contr"), attr=name) if name in _CONTRASTS and inside:
                return
            case ast.Name(id=name):
                name = back.get(name, name)
                found[name] = None
                nominal.update({name} if inside else ())
                stepped.update({name} if steps else ())
                return
            case _ if isinstance(node, _NODES):
                steps = steps or isinstance(node, ast.Compare | ast.BoolOp)
            case _:
                raise ArgumentError(
                    f"In {formula!r}: {ast.unparse(node)!r} is not computed from one row alone, or not known. A "
                    "formula has columns, arithmetic, comparisons within I(...), C(...), log, exp and "
                    f"np.{{{', '.join(sorted(_NUMPY))}}}; compute anything else as a column first."
                )
        children = [*node.args, *node.keywords] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            walk(child, inside, steps)

    walk(tree, False, False)
    return _Names(tuple(found), nominal, stepped)


def _outcome(factor: Any) -> tuple[str | None, tuple[Any, ...] | None]:
    """The outcome's column, and the order of its answers in C(column, levels=[...])."""
    if factor.eval_method.value == "lookup":
        return factor.expr, None
    match ast.parse(factor.expr.replace("`", ""), mode="eval").body:
        case ast.Call(
            func=ast.Name(id="C"), args=[ast.Name(id=name)], keywords=[ast.keyword(arg="levels", value=value)]
        ):
            return name, tuple(ast.literal_eval(value))
    return None, None


def design(right: Any, table: pd.DataFrame) -> Design:
    """The columns of a formula's right side, or of the spec that one left behind; of the table itself without one."""
    if right is None:
        for name in table.columns:
            if not pd.api.types.is_numeric_dtype(table[name]):
                raise AnswerError(f"Column {name!r} holds texts; answers must be numbers. Turn the texts into numbers.")
        own = tuple(table.columns)
        return Design(table.to_numpy(dtype=float), own, None, {name: [i] for i, name in enumerate(own)})
    from formulaic import ModelSpec
    from formulaic.errors import DataMismatchWarning, FormulaicError

    if not isinstance(right, ModelSpec) and all(_is_number(term, table) for term in right):
        own = tuple("Intercept" if str(term) == "1" else str(term) for term in right)
        made = [np.ones(len(table)) if str(term) == "1" else table[str(term)].to_numpy(dtype=float) for term in right]
        columns = np.column_stack([np.zeros((len(table), 0)), *made])
        return Design(columns, own, right, {str(term): [i] for i, term in enumerate(right)})
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            made = right.get_model_matrix(table, output="numpy", na_action="ignore")
        except (FormulaicError, DataMismatchWarning, TypeError, ValueError) as error:
            raise ArgumentError(f"The formula cannot be computed: {str(error).splitlines()[0]}") from error
    spec = made.model_spec
    names = tuple(str(name) for name in spec.column_names)
    columns = np.asarray(made, dtype=float).reshape(len(table), len(names))
    terms = {str(term): list(places) for term, places in spec.term_indices.items()}
    wrong = ~np.isfinite(columns).all(axis=0)
    if wrong.any():
        bad = listed([name for name, each in zip(names, wrong, strict=True) if each])
        raise ModelError(f"{bad} is no finite number in some complete rows, such as the logarithm of 0.")
    return Design(columns, names, spec, terms)


def _is_number(term: Any, table: pd.DataFrame) -> bool:
    """Whether a term is the intercept, or a column of numbers as it stands."""
    factor = next(iter(term.factors))
    if len(term.factors) > 1 or factor.eval_method.value == "python":
        return False
    if factor.eval_method.value == "literal":
        return str(term) == "1"
    dtype = table[factor.expr].dtype
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def outcome_numbers(expression: str, table: pd.DataFrame) -> np.ndarray:
    """The left side of a formula as numbers."""
    from formulaic import Formula

    made = design(Formula(f"0 + {expression}"), table)
    if made.columns.shape[1] != 1:
        raise ArgumentError(f"The outcome {expression!r} is no number; compare it, such as I({expression} == 'yes').")
    return made.columns[:, 0]
