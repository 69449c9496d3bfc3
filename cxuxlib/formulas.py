"""Formulas of metrics: text to expressions, by whatever the names stand for."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cxuxlib.errors import ArgumentError, CxuxError, unknown

__all__ = ["build"]

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def build(formula: str, values: Mapping[str, Any], number: Callable[[Any], Any]) -> Any:
    """Turn a formula into an expression over whatever its names stand for; a comparison gives 1 or 0.

    Args:
        formula: numbers, names, + - * / **, one comparison at a time in brackets, sqrt(...) and log(...).
        values: what the names stand for: floats, or anything with these operators and the methods ``sqrt``, ``log``.
        number: turns a comparison's answer into a number.

    Raises:
        ArgumentError: the formula is no text, is not of this form, uses a name that stands for nothing, or is a number
            alone with no names to make a column of.

    >>> build("100 * (x >= 9) - 100 * (x <= 6)", {"x": 10}, float)
    100.0
    """
    if not isinstance(formula, str):
        raise ArgumentError(f"A formula is a text, such as '100 * (x >= 9)'; got {formula!r}.")
    try:
        found = _node(ast.parse(formula, mode="eval").body, formula, values, number)
    except SyntaxError as error:
        raise ArgumentError(f"{formula!r} is no formula: {error.msg} at character {error.offset}.") from error
    except CxuxError:
        raise
    except RecursionError as error:
        raise ArgumentError(f"{formula[:40]!r}... is nested too deeply to be a formula.") from error
    except (ArithmeticError, ValueError) as error:  # such as 1 / 0 among the constants
        raise ArgumentError(f"{formula!r} cannot be computed: {error}.") from error
    if isinstance(found, int | float):  # a number alone becomes a column of it
        if not values:
            raise ArgumentError(f"{formula!r} is a number alone, and there is no name to make a column of it.")
        return next(iter(values.values())) * 0.0 + found
    return found


def _node(node: ast.expr, formula: str, values: Mapping[str, Any], number: Callable[[Any], Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as constant) if not isinstance(constant, bool):
            return float(constant)
        case ast.Name(id=name):
            if name not in values:
                raise ArgumentError(f"In {formula!r}: {unknown('name', name, values)}")
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_node(left, formula, values, number), _node(right, formula, values, number))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -1.0 * _node(inner, formula, values, number)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            truth = _COMPARE[type(op)](_node(left, formula, values, number), _node(right, formula, values, number))
            return float(truth) if isinstance(truth, bool) else number(truth)
        case ast.Call(func=ast.Name(id="sqrt" | "log" as name), args=[inner], keywords=[]):
            of = _node(inner, formula, values, number)
            return getattr(math, name)(of) if isinstance(of, int | float) else getattr(of, name)()
    raise ArgumentError(
        f"{formula!r} uses {ast.unparse(node)!r}; a formula has names, + - * / **, comparisons, sqrt, log."
    )
