"""What a regression predicts: chances, means and Net Promoter Scores at chosen values of the covariates."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ColumnError, unknown
from cxuxlib.models.regression import averages, fitted
from cxuxlib.models.regression.averages import Of, Over
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["predicted"]

_OWN = ("outcome", "value", "std_error", "low", "high", "n", "method", "level")


def predicted(
    fit: Fit,
    at: Mapping[str, Any] | pd.DataFrame | None = None,
    *,
    of: Of | None = None,
    over: Over = "population",
    level: float | None = None,
) -> pd.DataFrame:
    """Predict chances, the mean or the NPS at chosen values of some covariates, averaged over the answers' other ones.

    (1/n) Σ_i E[f(Y) | x_i with the chosen values put in], by the delta method.

    Args:
        fit: result of `ordered_logit`, `partial_odds`, `logit` or `linear`.
        at: column to a value or a list of values, of which all combinations are taken; or a table, each row of which
            is one setting; None for the data as they are.
        of: "probability" of each answer (of 1 for a logit), "nps" of answers 0 to 10, "mean"; None: mean of a linear
            regression, else probability.
        over: "population": covariates that are averaged over are a sample too; "sample": they are taken as they are.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        One row per setting and answer: the chosen columns, outcome, value, std_error, low, high, n, method, level.
        Intervals of chances and of NPS stay in range.

    Raises:
        ArgumentError, ColumnError: no such column or category, or answers that have no NPS or mean.

    Source: Agresti 2010, Analysis of Ordinal Categorical Data, doi:10.1002/9780470594001, ch. 3.
    Checked against: R's predict of clm and glm, brute force over rows, statsmodels.

    >>> from cxuxlib.models import logit
    >>> frame = pd.DataFrame({"eased": [0, 0, 1, 1], "stayed": [0, 1, 0, 1], "n": [30, 10, 20, 40]})
    >>> fit = logit("stayed ~ eased", frame, frequency="n")
    >>> predicted(fit, {"eased": [0, 1]})[["eased", "value", "low", "high"]].round(2)
       eased  value   low  high
    0      0   0.25  0.14  0.41
    1      1   0.67  0.54  0.77
    """
    raw = fitted.regression_of(fit, "predicted")
    sample = averages.sample_of(raw, "predicted")
    w = sample.row_weights()
    level = intervals.check_level(fit.level if level is None else level)
    what = averages.wanted(raw, of, raw.plan.outcome)
    quantile, rows = intervals.half_width(level, raw.df), []
    for setting in _settings(at):
        table = sample.table.copy()
        for name, value in setting.items():
            table[name] = _filled(sample.table, name, value)
        if set(setting) >= set(sample.table.columns):
            table = table.iloc[:1]
            found = averages.level_of(raw, table, what, np.ones(1))
            effect = averages.Effect(found.rows[0], found.gradient, np.zeros((len(w), len(what.names))))
        else:
            effect = averages.averaged(averages.level_of(raw, table, what, w), w)
        error = averages.standard_errors(raw, effect, over)
        low, high = averages.bounded(what.of, effect.value, error, quantile)
        rows.append(pd.DataFrame({
            **setting, "outcome": list(what.names), "value": effect.value, "std_error": error, "low": low, "high": high,
            "n": sample.n_units, "method": f"{fit.method}; delta method over the {over}", "level": level,
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _settings(at: Mapping[str, Any] | pd.DataFrame | None) -> list[dict[str, Any]]:
    """Every setting as a dictionary."""
    if at is None:
        return [{}]
    if isinstance(at, pd.DataFrame):
        named = list(at.columns)
        found: list[dict[str, Any]] = at.to_dict("records")
    elif isinstance(at, Mapping):
        lists = [each if isinstance(each, list | tuple | range | np.ndarray) else [each] for each in at.values()]
        named = list(at)
        found = [dict(zip(at, each, strict=True)) for each in product(*lists)]
    else:
        raise ArgumentError(f"at is a dict such as {{'ease': [1, 5]}} or a table; got {at!r}.")
    clash = [name for name in named if name in _OWN]
    if clash:
        raise ArgumentError(f"A column of the result is called {clash[0]!r} too; rename the covariate.")
    if not found:
        raise ArgumentError("at names no value.")
    return found


def _filled(table: pd.DataFrame, name: str, value: Any) -> Any:
    """A column that holds one value, of the type that the covariate has."""
    if name not in table.columns:
        raise ColumnError(unknown("covariate", name, table.columns))
    dtype = table[name].dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if value not in dtype.categories:
            raise ArgumentError(unknown(f"category of {name!r}", value, dtype.categories))
        return pd.Categorical([value] * len(table), dtype=dtype)
    if not isinstance(value, Real | np.bool_) or not np.isfinite(float(value)):
        raise ArgumentError(f"{name!r} holds numbers; got {value!r}.")
    if pd.api.types.is_bool_dtype(dtype) and value not in (0, 1):
        raise ArgumentError(f"{name!r} holds true and false; got {value!r}.")
    return np.full(len(table), value)
