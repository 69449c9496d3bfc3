"""Rows of time at risk: from when to when somebody was watched, and whether they left at the end."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, LeakageError, ModelError, listed
from cxuxlib.frames import columns as fetched
from cxuxlib.frames.distinct import Clusters
from cxuxlib.models.churn.options import HazardOptions
from cxuxlib.models.regression import samples
from cxuxlib.models.regression.designs import Plan, plan
from cxuxlib.models.regression.samples import Sample
from cxuxlib.stats.glm import Scaled

ADVICE = (
    "Say unit={name!r} for errors that know it; unit=None says that rows are independent, or, where they follow each "
    "other and one ends with the event, errors='observed'."
)


class Times(NamedTuple):
    """When each distinct answer came under observation, when it ended, and whether with the event."""

    entry: np.ndarray
    exit: np.ndarray
    seen: np.ndarray


class Spells(NamedTuple):
    """What a hazard is fitted on.

    Args:
        sample: distinct answers on distinct covariates.
        times: of each distinct answer.
        stratum: of each distinct answer, 0, 1, ...; n_strata: how many.
        made: the design without its intercept, scaled.
        names: of its columns.
        terms: of each term, the places of its columns.
        errors: observed, robust or cluster.
    """

    sample: Sample
    times: Times
    stratum: np.ndarray
    n_strata: int
    made: Scaled
    names: tuple[str, ...]
    terms: dict[str, list[int]]
    errors: str

    @property
    def n_events(self) -> float:
        """How many events there are."""
        return float(self.sample.n[self.times.seen].sum())

    @property
    def n(self) -> int:
        """Units, where they are named; else rows."""
        return self.sample.n_units if self.sample.clusters is None else self.sample.clusters.n


def times_of(table: pd.DataFrame, n: np.ndarray, duration: str, event: str, entry: str | None) -> Times:
    """Times checked: numbers of 0 or more, ends after beginnings, events of 0 and 1; each row stands for n."""
    for name in [duration, *([entry] if entry else [])]:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise AnswerError(f"Column {name!r} holds texts; a time is a number, such as days since the first order.")
    end, seen = table[duration].to_numpy(dtype=float), table[event]
    if isinstance(seen.dtype, pd.CategoricalDtype) or not seen.isin((0, 1)).all():
        found = listed(seen.drop_duplicates().tolist()[:3])
        raise AnswerError(f"{event!r} is 1 (or true) where the row ends with the event, else 0; it holds {found}.")
    start = table[entry].to_numpy(dtype=float) if entry else np.full(len(end), -np.inf)
    for column, bad in ((duration, end < 0), (entry, np.isfinite(start) & (start < 0))):
        if bad.any():
            worst = table.loc[bad, column].iloc[0]
            raise AnswerError(f"{n[bad].sum():,.0f} times in {column!r} are negative, such as {worst:g}.")
    late = end <= start
    if late.any():
        i = int(np.flatnonzero(late)[0])
        raise AnswerError(
            f"{n[late].sum():,.0f} rows end at or before they begin, such as {entry!r} {start[i]:g} and {duration!r} "
            f"{end[i]:g}: nobody is at risk before being observed. Leave out who had left before."
        )
    return Times(start, end, seen.to_numpy() == 1)


def check_measured(data: Any, measured_at: list[str], duration: str, entry: str | None, *, periods: bool) -> None:
    """Refuse predictors that were measured after the row began, or after it ended."""
    if not measured_at:
        return
    table = fetched(data, list(dict.fromkeys([*measured_at, duration, *([entry] if entry else [])])))
    for name in table:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise AnswerError(f"Column {name!r} holds no numbers; times stand on one clock, such as days since start.")
    end = table[duration].to_numpy(dtype=float, na_value=np.nan)
    start = table[entry].to_numpy(dtype=float, na_value=np.nan) if entry else end - 1 if periods else np.zeros(len(end))
    for name in measured_at:
        when = table[name].to_numpy(dtype=float, na_value=np.nan)
        if np.isnan(when).any():
            raise LeakageError(
                f"{int(np.isnan(when).sum()):,} rows do not say in {name!r} when a predictor was measured; leave them "
                "out, or find out."
            )
        after, during = when >= end, when > start
        if after.any():
            raise LeakageError(
                f"In {int(after.sum()):,} rows a predictor was measured ({name!r}) at or after the end ({duration!r}): "
                "it may know the outcome. Take the last value measured before."
            )
        if during.any():
            raise LeakageError(
                f"In {int(during.sum()):,} rows a predictor was measured ({name!r}) after the row had begun: who has "
                "it was sure to survive until then (immortal time). Begin rows at the measurement (entry), with rows "
                "of their own for the time before, or take models.landmark."
            )


def _plan(formula: str, event: str, others: list[str]) -> Plan:
    """The right side taken apart."""
    if not isinstance(formula, str):
        raise ArgumentError(f"formula is a text such as 'ease + C(plan)'; got {formula!r:.80}.")
    left, tilde, right = formula.rpartition("~")
    if tilde and left.strip():
        raise ArgumentError(f"Leave out the left side of {formula!r}: duration and event say what is explained.")
    made = plan(f"`{event}` ~ {right}")
    if not made.intercept:
        raise ArgumentError(f"The baseline stands in for the intercept of {formula!r}; leave out the 0 or -1.")
    if not made.covariates:
        raise ArgumentError(f"{formula!r} names no predictor; a curve alone is models.survival.")
    inside = [name for name in others if name in made.covariates]
    if inside:
        raise ArgumentError(f"{listed(inside)} stands in the formula and is a time, a unit or a stratum.")
    return made._replace(formula=right.strip(), answers=(event, *others))


def read(
    data: Any,
    formula: str,
    *,
    duration: str,
    event: str,
    entry: str | None,
    unit: str | EllipsisType | None,
    options: HazardOptions,
) -> Spells:
    """Read rows or counts, and refuse what no hazard can be fitted on."""
    for what, name in {"duration": duration, "event": event, "entry": entry}.items():
        if not (isinstance(name, str) or (name is None and what == "entry")):
            raise ArgumentError(f"{what} names one column; got {name!r:.40}.")
    if options.rows == "periods" and entry:
        raise ArgumentError("A row that is one period has no entry; leave it out, or say rows='spells'.")
    check_measured(data, list(options.measured_at), duration, entry, periods=options.rows == "periods")
    others = list(dict.fromkeys([duration, *([entry] if entry else []), *options.strata]))
    if event in others:
        raise ArgumentError(f"{event!r} is the event and cannot be a time or a stratum, too.")
    made = _plan(formula, event, others)
    sample = samples.read(
        made, data, unit=unit, weight=options.weight, frequency=options.frequency, advice=ADVICE
    )  # fmt: skip
    times = times_of(sample.answers, sample.n, duration, event, entry)
    if options.rows == "periods":
        times = times._replace(entry=times.exit - 1)
    n_events = float(sample.n[times.seen].sum())
    if not n_events:
        raise ModelError(f"Nobody of {sample.n_units:,} has the event in {event!r}; there is no hazard to explain.")
    keep = [i for i, name in enumerate(sample.design.names) if name != "Intercept"]
    names = tuple(sample.design.names[i] for i in keep)
    samples.enough(sample.n_units, len(names))
    scaled = samples.scaled_design(names, sample.design.columns[:, keep], sample.row_weights(), center=True)
    place = {old: new for new, old in enumerate(keep)}
    terms = {name: [place[i] for i in at] for name, at in sample.design.terms.items() if all(i in place for i in at)}
    stratum, n_strata = _strata(sample.answers, list(options.strata))
    return Spells(
        sample, times, stratum, n_strata, scaled, names, terms, _errors(sample, times, options.errors)
    )  # fmt: skip


def _strata(answers: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, int]:
    """The stratum of each distinct answer."""
    if not names:
        return np.zeros(len(answers), dtype=np.intp), 1
    code = answers.groupby(names, sort=True, observed=True).ngroup().to_numpy()
    return code, int(code.max()) + 1


def _errors(sample: Sample, times: Times, errors: str | None) -> str:
    """Observed, robust or by cluster."""
    if errors == "observed" and sample.weighted:
        raise ArgumentError(
            "Sampling weights are no numbers of units, so errors='observed' would be wrong; leave errors out."
        )
    if errors == "observed" and sample.clusters is not None and not successive(sample.clusters, times):
        raise ArgumentError(
            "Some units have several events, or rows that overlap: they depend on each other, so errors='observed' "
            "would be wrong; leave errors out."
        )
    if sample.clusters is not None:
        return errors if errors == "observed" else "cluster"
    return "robust" if sample.weighted else errors or "observed"


def successive(clusters: Clusters | Any, times: Times) -> bool:
    """Whether the rows of each unit follow each other, and at most one ends with the event."""
    start, end, seen = (each[clusters.cell] for each in times)
    if np.bincount(clusters.code, seen).max() > 1:
        return False
    order = np.lexsort((start, clusters.code))
    code, start, end = clusters.code[order], start[order], end[order]
    return not ((code[1:] == code[:-1]) & (start[1:] < end[:-1])).any()
