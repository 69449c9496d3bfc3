"""Who leaves within a window: churn on UX and service, with the guards that a forecast needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, LeakageError, listed
from cxuxlib.frames import columns as fetched
from cxuxlib.models.churn.foretelling import churn_performance
from cxuxlib.models.churn.options import check_columns
from cxuxlib.models.regression.binary import logit
from cxuxlib.models.regression.effects import margins
from cxuxlib.models.regression.fitted import Errors
from cxuxlib.results import Fit

__all__ = ["Window", "churn_logit"]


@dataclass(frozen=True, slots=True)
class Window:
    """When predictors were measured and when churn was looked for: columns of numbers or of times, on one clock.

    Args:
        starts: when the window begins. measured_at: when predictors were measured, none later than that.
        ends: when the window ends. observed_until: how long the customer was watched, no shorter than that.

    >>> Window(measured_at=["asked_on"], starts="from_on").observed_until is None
    True
    """

    measured_at: Sequence[str] = ()
    starts: str | None = None
    ends: str | None = None
    observed_until: str | None = None

    def __post_init__(self) -> None:
        check_columns(self.measured_at, what="measured_at")
        if self.measured_at and self.starts is None:
            raise ArgumentError("measured_at needs starts, the column that says when the window begins.")
        if (self.ends is None) != (self.observed_until is None):
            raise ArgumentError("ends and observed_until go together: was the whole window observed?")


def churn_logit(
    data: Any,
    formula: str,
    *,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    errors: Errors | None = None,
    level: float = 0.95,
    window: Window | None = None,
) -> Fit:
    """Who leaves within a window, on UX metrics and on the quality of service touchpoints? From rows or counts.

    The logistic regression of `logit`, with average marginal effects (percentage points of churn, by `margins`) and
    with how good its chances are (`churn_performance` on the customers it was fitted on: look at the next window's
    customers as well, for a fit flatters itself).

    Args:
        data: one row per customer (any engine), or counts (with ``frequency``).
        formula: such as "churned ~ ease + success + C(resolved)".
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        errors: "observed", "robust", None: robust with weights, else observed.
        level: confidence level, 0 to 1.
        window: `Window`, the columns that say when things were measured; with them a predictor from within the window
            and customers who could not be watched to its end are refused.

    Returns:
        A `Fit`: terms of kind slope, odds ratio, and "effect per point", "effect per SD" and "effect b vs a" on the
        chance to churn; quality as of `logit`, with AUC and the parts of the Brier score. `margins`, `predicted` and
        `churn_performance` take it.

    Raises:
        LeakageError: a predictor measured after the window began, or an immature cohort.
        ModelError: nobody churns, everybody does, or a term that separates who does.
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what else is wrong.

    Source: Neslin et al. 2006, doi:10.1509/jmkr.43.2.204 (churn models); Bartus 2005, doi:10.1177/1536867X0500500303
    (average marginal effects). Checked against: `logit`, `margins`, R's glm and pROC.

    >>> rows = pd.DataFrame({"ease": [1, 1, 5, 5], "churned": [1, 0, 1, 0], "n": [30, 20, 15, 35]})
    >>> fit = churn_logit(rows, "churned ~ ease", frequency="n")
    >>> fit.terms[["term", "kind", "value"]].round(3)
            term              kind  value
    0  Intercept         intercept  0.719
    1       ease             slope -0.313
    2       ease        odds ratio  0.731
    3       ease  effect per point -0.070
    4       ease     effect per SD -0.142
    >>> round(fit.quality["AUC"], 3)
    0.652
    """
    if window is not None:
        _check(data, window)
    fit = logit(formula, data, unit=unit, weight=weight, frequency=frequency, errors=errors, level=level)
    effects = margins(fit).assign(kind=lambda each: "effect " + each["kind"]) if fit.raw.plan.covariates else None
    terms = fit.terms if effects is None else pd.concat([fit.terms, effects[list(fit.terms)]], ignore_index=True)
    found = churn_performance(fit)
    figures = found.terms[found.terms["kind"] == "performance"].set_index("term")["value"]
    quality = dict(fit.quality) | {"AUC": float(figures["AUC"])}
    quality |= {f"Brier_{name}": float(figures[name]) for name in ("reliability", "resolution", "uncertainty")}
    return Fit("churn logit", formula, terms, quality, fit.raw, level, fit.method)


def _check(data: Any, window: Window) -> None:
    """Refuse predictors of the window itself, and windows that were not watched to their end."""
    if not isinstance(window, Window):
        raise ArgumentError(f"window is a Window; got {window!r:.80}.")
    names = [*window.measured_at, *(each for each in (window.starts, window.ends, window.observed_until) if each)]
    if not names:
        return
    table = fetched(data, list(dict.fromkeys(names)))
    for name in table:
        gone = int(table[name].isna().sum())
        if gone:
            raise LeakageError(f"{gone:,} rows do not say {name!r}; leave them out, or find out.")
    for name in window.measured_at:
        late = int(_after(table, name, window.starts).sum())
        if late:
            raise LeakageError(
                f"In {late:,} rows a predictor was measured ({name!r}) after the window began ({window.starts!r}): it "
                "may know who has left. Take the last value measured before, or let the window begin later "
                "(models.landmark)."
            )
    if window.ends:
        short = int(_after(table, window.ends, window.observed_until).sum())
        if short:
            raise LeakageError(
                f"An immature cohort: {short:,} of {len(table):,} customers were watched ({window.observed_until!r}) "
                f"for less than the window ({window.ends!r}), so who has not left yet may still leave. Leave them out, "
                "those who left as well, or take models.churn_hazard, which knows of times that were cut off."
            )


def _after(table: pd.DataFrame, one: str, other: str | None) -> pd.Series:
    """Whether one time is later than another."""
    try:
        late: pd.Series = table[one] > table[other]
    except TypeError as error:
        raise ArgumentError(
            f"{listed([one, other])} are not on one clock: {table[one].dtype} and {table[other].dtype}."
        ) from error
    return late
