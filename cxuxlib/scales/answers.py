"""Answers of a questionnaire: item columns of any frame in, checked numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import inf
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, listed
from cxuxlib.frames import columns
from cxuxlib.scales.scale import Scale, answer_range, label

__all__ = ["read"]


def read(frame: Any, scale: Scale, items: Sequence[str]) -> pd.DataFrame:
    """Read the answers of a questionnaire as floats, NaN where missing, refusing what cannot be an answer.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: the questionnaire.
        items: the columns of its questions, in its order.

    Returns:
        One column of floats per question.

    Raises:
        ArgumentError, ColumnError: the columns are not those of the questionnaire.
        AnswerError: an answer is a text, true/false or outside its range.
    """
    if not isinstance(scale, Scale):
        raise ArgumentError(f"scale is a questionnaire, such as scales.SUS; got {type(scale).__name__}.")
    if isinstance(items, str) or not isinstance(items, Sequence) or not all(isinstance(each, str) for each in items):
        raise ArgumentError(f"items is a list of column names, in the order of the questionnaire; got {items!r}.")
    if len(items) != scale.items:
        raise ArgumentError(f"{scale.name} has {scale.items} items, and items names {len(items)}: {listed(items)}.")
    if len(set(items)) < len(items):
        twice = dict.fromkeys(each for each in items if items.count(each) > 1)
        raise ArgumentError(f"{listed(twice)} stands for more than one item of {scale.name}.")
    table = columns(frame, list(items))
    answers = {
        name: _numbers(table[name], f"Item {position} of {scale.name} (column {name!r})", answer_range(scale, position))
        for position, name in enumerate(items, 1)
    }
    problems = []
    for position, name in enumerate(items, 1):
        low, high, _ = answer_range(scale, position)
        x = answers[name]
        with np.errstate(invalid="ignore"):
            valid = (x >= low) & (x <= high) & ((x == np.round(x)) | (not scale.whole))
        bad = x[~np.isnan(x) & ~valid]
        if len(bad):
            shown = ", ".join(f"{each:g}" for each in np.unique(bad)[:5])
            count = "1 answer" if len(bad) == 1 else f"{len(bad):,} answers"
            whole = "whole numbers " if scale.whole else ""
            problems.append(
                f"Item {position} ({label(scale, position)}, column {name!r}): {count} outside "
                f"{whole}{low:g} to {high:g}: {shown}"
            )
    if problems:
        more = f"; and {len(problems) - 3} more items" if len(problems) > 3 else ""
        raise AnswerError(f"{scale.name}. {'; '.join(problems[:3])}{more}. Recode them, or set them to missing.")
    return pd.DataFrame(answers, index=table.index)


def _numbers(column: pd.Series, where: str, allowed: tuple[float, float, float]) -> np.ndarray:
    """A column as floats; texts, true/false and dates are refused with examples and their number."""
    if pd.api.types.is_any_real_numeric_dtype(column.dtype):
        fast: np.ndarray = column.to_numpy(dtype=float, na_value=np.nan)
        return fast
    given = column.astype(object)
    known = given[given.notna().to_numpy(dtype=bool)]
    wrong = [each for each in known if not isinstance(each, Real | Decimal) or isinstance(each, bool | np.bool_)]
    if wrong:
        examples = listed(list(dict.fromkeys(map(str, wrong)))[:3])
        count = "1 answer is no number" if len(wrong) == 1 else f"{len(wrong):,} answers are no numbers"
        raise AnswerError(
            f"{where}: {count}, for example {examples}; numbers from {allowed[0]:g} to {allowed[1]:g} are wanted. "
            "Turn texts and true/false into numbers first, with missing answers as null."
        )
    numbers = np.full(len(given), np.nan)
    numbers[given.notna().to_numpy(dtype=bool)] = [_float(each) for each in known]
    return numbers


def _float(number: Any) -> float:
    """A number as a float; one too large for that as infinite, which no range allows."""
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf
