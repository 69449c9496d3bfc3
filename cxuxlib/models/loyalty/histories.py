"""Histories of purchases, one per customer: how often, how recently, since when, for how much."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError, UnitError, listed
from cxuxlib.frames import counts

_ADVICE = "One row per customer, such as behaviour.rfm makes."


class Histories(NamedTuple):
    """Complete histories, and how many are not.

    Args:
        table: repeats, recency, age, spend (NaN without a repeat purchase, or where no spend was asked for), n and,
            where it was named, the unit; one row per distinct history.
        n: customers; n_once: of them without a repeat purchase; n_missing: left out.
    """

    table: pd.DataFrame
    n: float
    n_once: float
    n_missing: int


def histories_of(
    data: Any, columns: dict[str, str], unit: str | EllipsisType | None, frequency: str | None
) -> Histories:
    """Read rows or counts, and refuse histories that cannot be."""
    names = list(columns.values())
    if not all(isinstance(each, str) for each in names) or len(set(names)) < len(names):
        raise ArgumentError(f"repeats, recency, age and spend name one column each; got {listed(names)}.")
    found = counts(data, names, unit=unit, frequency=frequency)
    for name in names:
        if not pd.api.types.is_numeric_dtype(found[name]):
            raise ColumnError(f"Column {name!r} holds texts; see behaviour.rfm, which makes numbers of purchases.")
    if isinstance(unit, str) and (found[unit].duplicated().any() or (found["n"] > 1).any()):
        raise UnitError(f"Some {unit!r} have several rows. {_ADVICE}")
    table = pd.DataFrame({role: found[name].astype(float) for role, name in columns.items()})
    table["n"] = found["n"].astype(float)
    if isinstance(unit, str):
        table[unit] = found[unit]
    if "spend" not in table:
        table["spend"] = np.nan
    gone = table[["repeats", "recency", "age"]].isna().any(axis=1)
    if "spend" in columns:
        gone |= table["spend"].isna() & (table["repeats"] > 0)
    n_missing = round(table.loc[gone, "n"].sum())
    table = table[~gone].reset_index(drop=True)
    if table.empty:
        raise SampleError(f"There is no complete history in {listed(names)} ({n_missing:,} are incomplete).")
    _check(table, columns)
    once = table["repeats"] == 0
    n, n_once = float(table["n"].sum()), float(table.loc[once, "n"].sum())
    if n_once == n:
        raise ModelError(
            f"Nobody of {n:,.0f} has bought again: {columns['repeats']!r} is 0 throughout, which tells neither how "
            "often customers buy nor whether they have left."
        )
    table.loc[once, "spend"] = np.nan
    return Histories(table, n, n_once, n_missing)


def _check(table: pd.DataFrame, columns: dict[str, str]) -> None:
    x, last, age = (table[role] for role in ("repeats", "recency", "age"))
    repeats, recency, ages = (repr(columns[role]) for role in ("repeats", "recency", "age"))
    wrong = (
        (~np.isfinite(table[["repeats", "recency", "age"]]).all(axis=1), "hold something infinite"),
        (
            (x < 0) | (x != x.round()),
            f"have a {repeats} that is no whole number of 0 or more: it counts purchases after the first",
        ),
        (age <= 0, f"have an {ages} of 0 or less: it is the time since the first purchase"),
        (last < 0, f"have a {recency} below 0"),
        (
            last > age,
            f"have a {recency} above {ages}: recency is the time from the first purchase to the last, within {ages}",
        ),
        (
            (x == 0) & (last > 0),
            f"have no repeat purchase, and a {recency} above 0: recency is no time since the last purchase",
        ),
        (
            (x > 0) & (last == 0),
            f"have repeat purchases at the time of the first: {repeats} counts purchases after the first, in periods "
            "after it",
        ),
    )
    for bad, said in wrong:
        if bad.any():
            raise AnswerError(f"{table.loc[bad, 'n'].sum():,.0f} customers {said}.")
    if "spend" in columns:
        bad = (x > 0) & ((table["spend"] <= 0) | np.isinf(table["spend"]))
        if bad.any():
            worst = table.loc[bad, "spend"].iloc[0]
            raise AnswerError(
                f"{table.loc[bad, 'n'].sum():,.0f} customers who bought again have a mean {columns['spend']!r} that is "
                f"not above 0, such as {worst:g}: take refunds off before the mean is taken, or leave them out."
            )
