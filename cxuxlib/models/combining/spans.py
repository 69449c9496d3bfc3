"""Where the answers to an experience begin and end, and where their middle is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import NamedTuple

import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, listed

Columns = Sequence[str] | Mapping[str, Sequence[float]]
_EXAMPLE = "{'ease': (1, 5), 'help': (0, 10)}"


class Span(NamedTuple):
    """A scale.

    Args:
        low, high: its ends.
        middle: what is neither bad nor good.
    """

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def named(columns: Columns, outcome: str, what: str, least: int = 1) -> list[str]:
    """The columns that are named, refused where they are no list or mapping of columns."""
    if not isinstance(outcome, str):
        raise ArgumentError(f"outcome is one column; got {outcome!r}.")
    proper = isinstance(columns, Mapping | Sequence) and not isinstance(columns, str)
    if not proper or not all(isinstance(each, str) for each in columns):
        raise ArgumentError(f"{what} is a list of columns, or columns with the ends of their scales, {_EXAMPLE}.")
    names = list(columns)
    if len(names) < least:
        raise ArgumentError(f"{what} names {len(names)} columns; at least {least} are needed.")
    everything = [*names, outcome]
    twice = sorted({name for name in everything if everything.count(name) > 1})
    if twice:
        raise ArgumentError(f"{listed(twice)} is named more than once among outcome and {what}.")
    odd = [name for name in everything if "`" in name or name.strip().replace(".", "", 1).isdecimal()]
    if odd:
        raise ArgumentError(f"{listed(odd)} is a number or has a backtick, which formulas misread; rename the column.")
    return names


def given(columns: Columns, what: str) -> dict[str, Span]:
    """The scales that a mapping gives: ends, or ends with the middle between them."""
    if not isinstance(columns, Mapping):
        return {}
    found = {}
    for name, ends in columns.items():
        numbers = isinstance(ends, tuple | list) and all(isinstance(each, Real) and isfinite(each) for each in ends)
        if not numbers or len(ends) not in (2, 3) or sorted(set(ends)) != list(ends):
            raise ArgumentError(
                f"{what}[{name!r}] is the scale's lowest and highest answer, such as (1, 5), or these with the middle "
                f"between them, (0, 7, 10); got {ends!r}."
            )
        middle = ends[1] if len(ends) == 3 else (ends[0] + ends[1]) / 2
        found[name] = Span(float(ends[0]), float(middle), float(ends[-1]))
    return found


def spans(columns: Columns, table: pd.DataFrame, what: str) -> dict[str, Span]:
    """The scales of columns: as given, else as answered, where all were answered from the same end to the same end.

    Args:
        columns: names, or names with ends.
        table: answers.
        what: the name of the argument.
    """
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(table[name])]
    if texts:
        raise AnswerError(f"{listed(texts)} holds texts; an experience is rated in numbers.")
    seen = {name: (float(table[name].min()), float(table[name].max())) for name in columns}
    scales = given(columns, what)
    for name, span in scales.items():
        if seen[name][0] < span.low or seen[name][1] > span.high:
            raise AnswerError(f"{name!r} has answers {seen[name][0]:g} to {seen[name][1]:g}, outside its scale {span}.")
    if scales:
        return scales
    if len(set(seen.values())) > 1:
        said = ", ".join(f"{low:g} to {high:g} in {name!r}" for name, (low, high) in seen.items())
        raise ArgumentError(
            f"The answers run from {said}, so the ends of the scales are not known. Give them: {what}={_EXAMPLE}."
        )
    return {name: Span(low, (low + high) / 2, high) for name, (low, high) in seen.items()}
