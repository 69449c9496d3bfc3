"""Rows of any engine for models of causes: numbers as floats, keys as they are, nothing dropped here."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, listed
from cxuxlib.frames import columns
from cxuxlib.frames.reading import check_keys, check_numeric, check_roles, check_units, open_frame

_ADVICE = "Say unit={name!r} for errors that know it, or unit=None if each row is a unit."


def names(what: str, given: object) -> tuple[str, ...]:
    """A list of columns, as a tuple."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(each, str) for each in given):
        raise ArgumentError(f"{what} is a list of columns, such as ['before']; got {given!r:.60}.")
    return tuple(given)


def read(
    data: Any, numbers: Sequence[str], keys: Sequence[str], *, unit: str | EllipsisType | None, advice: str = _ADVICE
) -> pd.DataFrame:
    """Bring columns here, checked: numbers as floats with NaN where missing, keys with None or NaN where missing."""
    check_roles(data, None, None, unit)
    own = [unit] if isinstance(unit, str) else []
    used = [*numbers, *keys]
    twice = [name for name in dict.fromkeys([*used, *own]) if [*used, *own].count(name) > 1]
    if twice:
        raise ArgumentError(f"{listed(twice)} stands in two places of the model; a column has one.")
    lazy = open_frame(data, [*used, *own])
    check_numeric(lazy, numbers)
    check_keys(lazy, keys)
    check_units(lazy, unit, used, advice)
    table = columns(data, [*used, *own]).reset_index(drop=True)
    if table.empty:
        raise SampleError("The frame has no rows.")
    for name in numbers:
        values = table[name].to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values).any():
            raise AnswerError(f"There are infinite values in {name!r}.")
        table[name] = values
    return table


def refuse_missing(table: pd.DataFrame, name: str, what: str) -> None:
    """Refuse rows without a key that every row must have."""
    lost = int(table[name].isna().sum())
    if lost:
        raise AnswerError(f"{lost:,} rows have no {name!r}; {what}")
