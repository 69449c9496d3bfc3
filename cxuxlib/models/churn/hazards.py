"""When do they leave: hazards on UX and service, in continuous or discrete time."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, Literal

from cxuxlib.errors import ArgumentError
from cxuxlib.models.churn.continuous import fit_continuous
from cxuxlib.models.churn.discrete import fit_discrete
from cxuxlib.models.churn.options import HazardOptions, check_choice
from cxuxlib.models.churn.spells import read
from cxuxlib.results import Fit

__all__ = ["churn_hazard"]

_PLAIN = HazardOptions()


def churn_hazard(
    data: Any,
    formula: str,
    *,
    duration: str,
    event: str,
    entry: str | None = None,
    unit: str | EllipsisType | None = ...,
    kind: Literal["cox", "cloglog", "logit"] = "cox",
    options: HazardOptions = _PLAIN,
) -> Fit:
    """When do customers leave, and what goes with leaving sooner? From rows, from rows that change, or from counts.

    "cox": h(t | x) = h₀(t) exp(x'β), by the partial likelihood with Efron's ties. "cloglog" and "logit": the chance to
    leave in period t of those still there, ln(-ln(1 - h)) or ln(h/(1 - h)) = a(t) + x'β; with "cloglog" β is that of
    proportional hazards again. In discrete time equal rows are counted together, so that it costs the same for any
    number of customers.

    A customer may have several rows, (entry, duration] each, with predictors that change from row to row (UX and
    service as they were). Who comes under observation later than their clock began, enters at ``entry``: customers who
    had left before are not in the data, and without it survivors look immortal.

    Args:
        data: rows (any engine), or counts (``HazardOptions(frequency=...)``).
        formula: the predictors, such as "ease + C(plan)".
        duration: column of times at the end of a row, on the customer's clock (such as days since the first order);
            in discrete time whole periods, 1 for who left in the first.
        event: 1 or true where the row ends with the event (left), 0 where it ends for another reason.
        entry: column of times at which a row comes under observation, before ``duration``; None: always there.
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        kind: "cox", "cloglog" or "logit".
        options: `HazardOptions`: frequency, weight, strata, errors, level, rows, baseline, measured_at.

    Returns:
        A `Fit`: terms of kind slope and hazard ratio ("logit": odds ratio), in discrete time also the baseline where
        all predictors are 0. Quality: n (units), n_events, n_missing, logLik; of "cox" the concordance. By cluster:
        of "cox" as R's, with z, which is too short for a few dozen clusters; in discrete time corrected as `logit`
        (CR1), with t.

    Raises:
        LeakageError: a predictor measured (``measured_at``) after its row began or ended.
        AnswerError: negative times, an event before entry, events that are not 0 or 1.
        ModelError: nobody leaves, or a predictor that orders all events, so that a slope would be infinite.
        ArgumentError, ColumnError, UnitError, SampleError: what else is wrong with the arguments or the data.

    Source: Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Lin & Wei 1989, doi:10.1080/01621459.1989.10478874
    (robust); Prentice & Gloeckler 1978, doi:10.2307/2529588. Checked against: R's coxph and glm; the recidivists of
    Rossi, Berk & Lenihan and Stanford's heart transplants.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"ease": [1, 2, 3, 4, 5, 2], "days": [20, 50, 40, 90, 90, 10], "left": [1, 1, 1, 0, 0, 1]})
    >>> churn_hazard(rows, "ease", duration="days", event="left").estimate("ease", "hazard ratio")
    ease (hazard ratio) = 0.36, 95% CI [0.11, 1.21], n = 6 (partial likelihood, Efron's ties, errors from the observed
    information; z)
    """
    check_choice("kind", kind, ("cox", "cloglog", "logit"))
    if not isinstance(options, HazardOptions):
        raise ArgumentError(f"options is a HazardOptions; got {options!r:.80}.")
    if kind == "cox" and (options.rows, options.baseline) != ("spells", "each"):
        raise ArgumentError("rows='periods' and baseline go with discrete time, kind='cloglog' or 'logit'.")
    if kind != "cox" and options.strata:
        raise ArgumentError("strata go with kind='cox'; in discrete time put C(...) into the formula.")
    spells = read(data, formula, duration=duration, event=event, entry=entry, unit=unit, options=options)
    end = f"({entry}, {duration}]" if entry else duration
    told = f"hazard of {event} at {end} ~ {formula.rpartition('~')[2].strip()}"
    if kind == "cox":
        return fit_continuous(spells, told, options.level)
    return fit_discrete(spells, told, kind, options)
