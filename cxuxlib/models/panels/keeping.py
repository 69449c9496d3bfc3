"""Rows of a panel for regressions: outcome, columns, and whose and when they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, UnitError
from cxuxlib.models.causes.reading import read, refuse_missing
from cxuxlib.models.regression.designs import Plan, design, outcome_numbers, plan

_MOST = 200  # waves; a column of more values is a time stamp


class Rows(NamedTuple):
    """Complete rows of a panel.

    Args:
        plan: the formula, taken apart.
        y: outcome, shape (n,).
        x: columns of the right side without the intercept, shape (n, p); names: of them.
        unit, wave: codes of each row.
        n_missing: rows left out because a value is missing.
    """

    plan: Plan
    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    unit: np.ndarray
    wave: np.ndarray
    n_missing: int

    def take(self, keep: np.ndarray) -> Rows:
        """Some of the rows, units and waves numbered anew."""
        unit, wave = (np.unique(each[keep], return_inverse=True)[1] for each in (self.unit, self.wave))
        return self._replace(y=self.y[keep], x=self.x[keep], unit=unit, wave=wave)


def panel_rows(formula: str, data: Any, unit: str, wave: str) -> Rows:
    """Read the columns of a formula, one row per unit and wave."""
    for what, name in {"unit": unit, "wave": wave}.items():
        if not isinstance(name, str):
            raise ArgumentError(f"{what} names one column; got {name!r:.40}.")
    made = plan(formula)
    if not made.covariates:
        raise ArgumentError(f"{formula!r} names no predictor.")
    if not made.intercept:
        raise ArgumentError(f"Effects of units and waves stand in for the intercept of {formula!r}; leave out 0 or -1.")
    used = [*made.answers, *made.covariates]
    table = read(data, [], [*used, wave], unit=unit)
    refuse_missing(table, wave, "drop them or find out when they were.")
    table = table.assign(**{name: _column(table[name], name) for name in used})
    keep = table[used].notna().all(axis=1).to_numpy()
    rows = table[keep].reset_index(drop=True)
    if rows.empty:
        raise SampleError(f"There is no complete row ({len(table):,} are incomplete).")
    if n := int(rows.duplicated([unit, wave]).sum()):
        who = rows.loc[rows.duplicated([unit, wave]), unit].iloc[0]
        raise UnitError(f"{n:,} rows repeat a unit and wave, such as {unit} {who}; one row each.")
    waves = rows[wave].nunique()
    if waves > _MOST:
        raise ArgumentError(f"{wave!r} has {waves:,} different values; is it a time stamp? Number the waves.")
    found = design(made.right, rows[list(made.covariates)])
    own = [i for i, name in enumerate(found.names) if name != "Intercept"]
    y = _numbers(made, rows)
    code, when = (pd.factorize(rows[name], sort=name == wave)[0] for name in (unit, wave))
    names = tuple(found.names[i] for i in own)
    return Rows(made, y, found.columns[:, own], names, code, when, int((~keep).sum()))


def _column(values: pd.Series, name: str) -> pd.Series:
    """Numbers as floats, true and false and categories as they are, texts as categories."""
    if isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(values):
        return values
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("category")
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        raise AnswerError(f"There are infinite values in {name!r}.")
    return pd.Series(numbers, index=values.index)


def _numbers(made: Plan, rows: pd.DataFrame) -> np.ndarray:
    """The outcome."""
    if made.name is None:
        return outcome_numbers(made.outcome, rows)
    if isinstance(rows[made.name].dtype, pd.CategoricalDtype):
        raise AnswerError(f"{made.name!r} holds texts; the outcome of a panel is a number.")
    found: np.ndarray = rows[made.name].to_numpy(dtype=float)
    return found
