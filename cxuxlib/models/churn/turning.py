"""Does the third failure break what the first did not? Steps of the hazard by the number of failures."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.models.churn.continuous import Hazard
from cxuxlib.models.regression.fitted import Block, block, table
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["turning_point"]


def turning_point(fit: Fit, failures: str, *, until: int = 3, level: float | None = None) -> Fit:
    """Do repeated failures add up evenly, or break the relation at once? What the last adds over what the first adds.

    With β_k the log hazard ratio of k failures against none: step_k = β_k - β_(k-1), and convexity is
    (β_3 - β_2) - β_1 in log hazards, exp(β_3) - exp(β_2) - exp(β_1) + 1 in hazards without failures. Failures that
    multiply the hazard evenly are straight in log hazards and already convex in hazards.

    Args:
        fit: of `churn_hazard` with a term C(failures), counts as they stood when a row began; count those of many as
            the last, such as 4 for four and more.
        failures: the column of that term, whose values are 0, 1, 2, ....
        until: the last failure that is compared with the first.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        A `Fit`: terms "1", "2", ... of kind step (log hazard), then "1", ... of kind hazard ratio (to none), and
        convexity of kinds log hazard and hazard; with odds where the fit is a logit. Quality is that of the fit and
        turning_point: the failure with the largest step.

    Raises:
        ArgumentError: a fit or a column of another kind.
        SampleError: a number of failures up to ``until`` that nobody has.

    Source: Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x (hazard), the delta method. Checked against: the
    same contrasts by other categories, and coverage by simulation.

    >>> import pandas as pd
    >>> from cxuxlib.models import churn_hazard
    >>> rng = np.random.default_rng(1)
    >>> count = rng.integers(0, 4, 8000)
    >>> days = rng.exponential(1 / np.array([0.1, 0.12, 0.15, 0.6])[count])
    >>> rows = pd.DataFrame({"calls": count, "days": np.minimum(days, 5), "left": days < 5})
    >>> fit = churn_hazard(rows, "C(calls)", duration="days", event="left")
    >>> turning_point(fit, "calls").terms[["term", "kind", "value", "low", "high"]].round(2).tail(2)
            term        kind  value   low  high
    6  convexity  log hazard   1.18  1.06  1.30
    7  convexity      hazard   4.20  3.82  4.59
    """
    raw = getattr(fit, "raw", None)
    if not isinstance(raw, Hazard):
        raise ArgumentError(f"turning_point needs a fit of churn_hazard; got {getattr(fit, 'model', fit)!r:.60}.")
    if isinstance(until, bool) or not isinstance(until, int) or until < 2:
        raise ArgumentError(f"until is a number of failures, 2 or more; got {until!r:.40}.")
    level = intervals.check_level(fit.level if level is None else level)
    at = _places(raw, fit.formula, failures, until)
    beta, spread = raw.parameters[at], raw.covariance[np.ix_(at, at)]
    step = np.eye(until) - np.eye(until, k=-1)
    bend = step[-1] - step[0]
    ratio = np.exp(beta)
    slope = ratio * (np.eye(until)[-1] - np.eye(until)[-2] - np.eye(until)[0])
    word = "odds" if raw.kind == "logit" else "hazard"
    df = np.inf if raw.spells.sample.clusters is None or raw.kind == "cox" else raw.spells.sample.clusters.n - 1.0
    if raw.spells.errors == "observed":
        df = np.inf
    half = intervals.half_width(level, df)
    counts = [str(k) for k in range(1, until + 1)]

    def told(names: list[str], kind: str, value: np.ndarray, by: np.ndarray) -> Block:
        return block(names, kind, value, np.sqrt(np.einsum("ij,jk,ik->i", by, spread, by)), half, df)

    logs = told(counts, "log", beta, np.eye(until))
    ratios = logs._replace(
        kind=[f"{word} ratio"] * until, value=ratio, std_error=ratio * logs.std_error, low=np.exp(logs.low),
        high=np.exp(logs.high),
    )  # fmt: skip
    steps = told(counts, "step", step @ beta, step)
    excess = float(ratio[-1] - ratio[-2] - ratio[0] + 1)
    terms = table(
        steps,
        ratios,
        told(["convexity"], f"log {word}", bend[None] @ beta, bend[None]),
        told(["convexity"], word, np.array([excess]), slope[None]),
    )
    quality = dict(fit.quality) | {"turning_point": float(1 + int(np.argmax(step @ beta)))}
    method = f"{fit.method}; contrasts of {failures}, delta method"
    return Fit("turning_point", fit.formula, terms, quality, raw, level, method)


def _places(raw: Hazard, formula: str, failures: str, until: int) -> list[int]:
    """Where the log hazard ratios of 1, 2, ... failures stand among the parameters."""
    spells = raw.spells
    if failures not in spells.sample.table.columns:
        raise ArgumentError(f"{failures!r} stands not in {formula!r}, whose columns are {listed(spells.sample.table)}.")
    every = [term for term in spells.terms if re.search(rf"(?<!\w){re.escape(failures)}(?!\w)", term)]
    own = rf"C\(`?{re.escape(failures)}`?\)"
    if len(every) != 1 or not re.fullmatch(own, every[0]):
        raise ArgumentError(
            f"{formula!r} has {failures!r} in {listed(every)}; a hazard of its own for each number takes "
            f"C({failures}) and no other term of it."
        )
    found: dict[float, int] = {}
    values: Any = spells.sample.table[failures]
    try:
        levels = sorted(float(each) for each in values.unique())
        for name in (spells.names[i] for i in spells.terms[every[0]]):
            found[float(name.rpartition("[T.")[2].rstrip("]"))] = raw.names.index(name)
    except ValueError as error:
        raise ArgumentError(
            f"{failures!r} counts failures, 0, 1, 2, ...; it holds {listed(values.unique())}."
        ) from error
    lost = [k for k in range(until + 1) if k not in levels]
    if lost or levels[0] < 0:
        raise SampleError(
            f"{failures!r} holds {listed(f'{each:g}' for each in levels)}; the turn from 0 to {until} failures needs "
            f"{listed(f'{k:g}' for k in lost)} as well."
        )
    return [found[float(k)] for k in range(1, until + 1)]
