"""How many are left, what they left for, and how long they last: curves by group, with late entries."""

from __future__ import annotations

from itertools import combinations
from math import inf, isfinite, nan
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, UnitError, listed
from cxuxlib.frames import cells
from cxuxlib.models.churn.options import SurvivalOptions
from cxuxlib.models.churn.spells import successive, times_of
from cxuxlib.models.regression.fitted import p_values
from cxuxlib.results import Fit
from cxuxlib.stats import incidence as shares
from cxuxlib.stats.incidence import RiskTable
from cxuxlib.stats.intervals import normal_quantile

__all__ = ["cumulative_incidence", "survival"]

_PLAIN = SurvivalOptions()
_ALL = "all"
_ADVICE = "Say unit={name!r} where a customer's rows follow each other, or unit=None if each row is a unit."


class _Group(NamedTuple):
    """A group, who was at risk in it when, and how many units it has."""

    name: str
    table: RiskTable
    n: int


class _Read(NamedTuple):
    """The groups, the causes, units in all and rows left out."""

    groups: list[_Group]
    causes: tuple[Any, ...]
    n: int
    n_missing: int


def survival(
    data: Any,
    *,
    duration: str,
    event: str,
    entry: str | None = None,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    options: SurvivalOptions = _PLAIN,
) -> Fit:
    """How long do customers last? Kaplan-Meier by group with late entries, and restricted means with their differences.

    S(t) = Π (1 - d/r) with Greenwood's error and the interval on the scale of ln(-ln S); the restricted mean is
    ∫₀^τ S, the time that is spent as a customer out of the first τ: unlike a hazard ratio it needs no hazards that stay
    in proportion.

    Args:
        data: one row per customer (any engine), rows that follow each other, or counts.
        duration: column of times until the event or until cut off.
        event: 1 or true where the row ends with the event, else 0.
        entry: column of times at which a row comes under observation; None: always there.
        by: column of groups.
        unit: column that says which rows belong together: rows of a unit follow each other, and one ends with the
            event (else see `metrics.behaviour.survival`, whose errors are robust); None: rows are units.
        options: `SurvivalOptions`: frequency, at, until, level.

    Returns:
        A `Fit`: per group the "restricted mean" and "survival at t", and "difference" of restricted means per pair of
        groups, with p. ``raw`` is the table of the curves: group, time, value, std_error, low, high, at_risk, events.
        Intervals are NaN where nobody has left yet, or everybody has.

    Raises:
        AnswerError: negative times, an event before entry, events that are not 0 or 1.
        UnitError: rows of a unit that overlap, or several events of one.
        SampleError: nobody has the event. ArgumentError: a limit beyond what was observed.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; Royston & Parmar 2013,
    doi:10.1186/1471-2288-13-152. Checked against: R's survfit (left truncation, rmean).

    >>> rows = pd.DataFrame({"days": [6, 6, 7, 9, 4, 9], "left": [1, 0, 1, 0, 1, 1], "plan": list("aaabbb")})
    >>> survival(rows, duration="days", event="left", by="plan").terms[["term", "kind", "value"]].round(2)
         term             kind  value
    0       a  restricted mean   6.67
    1       b  restricted mean   6.00
    2  b vs a       difference  -0.67
    """
    _check(options, by, duration, event, entry)
    found = _read(data, duration, event, entry, by, unit=unit, options=options, causes=None)
    until = _limit(found.groups, options.until)
    z, curves, means = normal_quantile(options.level), [], []
    terms: list[tuple[Any, ...]] = []
    for name, table, _ in found.groups:
        value, error = shares.product_limit(table)
        low, high = shares.log_log(value, error, z)
        curves.append(pd.DataFrame({
            "group": name, "time": table.time, "value": value, "std_error": error, "low": low, "high": high,
            "at_risk": table.at_risk, "events": table.events.sum(axis=1),
        }))  # fmt: skip
        mean, spread = shares.restricted_mean(table, until)
        means.append((mean, spread))
        terms.append((name, "restricted mean", mean, spread, mean - z * spread, mean + z * spread, nan))
        for t in options.at:
            _within(t, table, name, left=shares.read_at(table.time, value, inf, 1.0))
            s, e = (shares.read_at(table.time, each, t, start) for each, start in ((value, 1.0), (error, 0.0)))
            ends = (float(each[0]) for each in shares.log_log(np.array([s]), np.array([e]), z))
            terms.append((name, f"survival at {t:g}", s, e, *ends, nan))
    terms += _differences([each.name for each in found.groups], means, z)
    how = "Kaplan-Meier, Greenwood's errors; intervals of shares by log-log, of means by z"
    return _fit("survival", f"{event} at {duration}", found, terms, pd.concat(curves, ignore_index=True), until, how,
                options.level)  # fmt: skip


def cumulative_incidence(
    data: Any,
    *,
    duration: str,
    event: str,
    entry: str | None = None,
    by: str | None = None,
    unit: str | EllipsisType | None = ...,
    censored: Any = 0,
    options: SurvivalOptions = _PLAIN,
) -> Fit:
    """What do customers leave for, and how many by when? Aalen-Johansen's cumulative incidence of competing causes.

    F_k(t) = Σ_{s ≤ t} S(s-) d_k(s)/r(s): the share that has left for cause k by t. One minus Kaplan-Meier of one cause,
    with the others taken as cut off, is more than that: it is the share in a world without the other causes.

    Args:
        data: one row per customer (any engine), rows that follow each other, or counts.
        duration: column of times until the event or until cut off.
        event: column of causes: numbers or texts.
        entry, by, unit: as of `survival`.
        censored: the value of ``event`` where the time was cut off.
        options: `SurvivalOptions`: frequency, at (by default the longest time seen in every group), until, level.

    Returns:
        A `Fit`: per cause (and group, "cause in group") the "incidence at t", and per pair of groups the "difference at
        t", with p. ``raw`` is the table of the curves: group, cause, time, value, std_error, low, high, at_risk,
        events. Intervals are NaN where nobody has left for the cause yet.

    Raises:
        AnswerError, UnitError, SampleError, ArgumentError: as `survival`.

    Source: Aalen & Johansen 1978, https://www.jstor.org/stable/4615704. Checked against: R's survfit (left truncation);
    Kaplan-Meier where there is one cause.

    >>> rows = pd.DataFrame({"days": [6, 6, 7, 9, 4, 8], "why": ["price", "ease", "price", "-", "ease", "-"]})
    >>> fit = cumulative_incidence(rows, duration="days", event="why", censored="-")
    >>> fit.terms[["term", "kind", "value", "low", "high"]].round(2)
        term            kind  value   low  high
    0   ease  incidence at 9   0.33  0.05  0.68
    1  price  incidence at 9   0.33  0.05  0.68
    """
    _check(options, by, duration, event, entry)
    found = _read(data, duration, event, entry, by, unit=unit, options=options, causes=censored)
    until = _limit(found.groups, options.until)
    z, curves = normal_quantile(options.level), []
    terms: list[tuple[Any, ...]] = []
    read: dict[tuple[Any, float], list[tuple[float, float]]] = {}
    for name, table, _ in found.groups:
        value, error = shares.incidences(table)
        low, high = shares.log_log(value, error, z)
        for k, cause in enumerate(found.causes):
            curves.append(pd.DataFrame({
                "group": name, "cause": cause, "time": table.time, "value": value[:, k], "std_error": error[:, k],
                "low": low[:, k], "high": high[:, k], "at_risk": table.at_risk, "events": table.events[:, k],
            }))  # fmt: skip
            for t in options.at or (until,):
                _within(t, table, name, left=1 - float(value[-1].sum()) if len(value) else 1.0)
                f, e = (shares.read_at(table.time, each[:, k], t, 0.0) for each in (value, error))
                ends = (float(each[0]) for each in shares.log_log(np.array([f]), np.array([e]), z))
                term = f"{cause}" if by is None else f"{cause} in {name}"
                terms.append((term, f"incidence at {t:g}", f, e, *ends, nan))
                read.setdefault((cause, t), []).append((f, e))
    for (cause, t), each in read.items():
        rows = _differences([one.name for one in found.groups], each, z)
        terms += [(f"{cause}: {row[0]}", f"difference at {t:g}", *row[2:]) for row in rows]
    how = "Aalen-Johansen; intervals of shares by log-log, of differences by z"
    return _fit("cumulative incidence", f"{event} at {duration}", found, terms, pd.concat(curves, ignore_index=True),
                until, how, options.level)  # fmt: skip


def _check(options: SurvivalOptions, by: str | None, duration: str, event: str, entry: str | None) -> None:
    if not isinstance(options, SurvivalOptions):
        raise ArgumentError(f"options is a SurvivalOptions; got {options!r:.80}.")
    names = [duration, event, *(each for each in (entry, by) if each is not None)]
    if not all(isinstance(each, str) for each in names) or len(set(names)) < len(names):
        raise ArgumentError(f"duration, event, entry and by name one column each; got {listed(names)}.")


def _read(
    data: Any, duration: str, event: str, entry: str | None, by: str | None,
    *, unit: str | EllipsisType | None, options: SurvivalOptions, causes: Any,
) -> _Read:  # fmt: skip
    """Groups of rows, counted; ``causes`` is None for one event, else the value that is none."""
    names = [duration, event, *([entry] if entry else []), *([by] if by else [])]
    found = cells(data, names, unit=unit, frequency=options.frequency, advice=_ADVICE)
    if not len(found.table):
        raise SampleError(f"There is no complete row in {listed(names)} ({found.n_missing:,} are incomplete).")
    table = found.table
    labels: tuple[Any, ...] = (event,)
    cause = None
    if causes is not None:
        values = table[event].astype(object) if isinstance(table[event].dtype, pd.CategoricalDtype) else table[event]
        if not (values == causes).any() and not isinstance(causes, int | float):
            raise AnswerError(
                f"{event!r} is never {causes!r} (censored); it holds {listed(list(dict.fromkeys(values)))}."
            )
        labels = tuple(sorted(set(values) - {causes}, key=lambda each: (isinstance(each, str), each)))
        cause = pd.Index([causes, *labels]).get_indexer(pd.Index(values))
        table = table.assign(**{event: (cause > 0).astype(int)})
    times = times_of(table, found.n, duration, event, entry)
    if not times.seen.any():
        raise SampleError(f"Nobody of {round(found.n.sum()):,} has the event in {event!r}; there is no curve.")
    cause = times.seen.astype(int) if cause is None else cause
    code = None
    if found.clusters is not None:
        if not successive(found.clusters, times):
            raise UnitError(
                f"Some {unit!r} have rows that overlap, or several events; metrics.behaviour.survival has errors that "
                "hold for them."
            )
        code = pd.DataFrame({"cell": found.clusters.cell, "unit": found.clusters.code})
    group = table[by].astype(str) if by else pd.Series(_ALL, index=table.index)
    order = list(dict.fromkeys(str(each) for each in sorted(table[by].unique().tolist()))) if by else [_ALL]
    groups = []
    for name in order:
        here = (group == name).to_numpy()
        n = round(found.n[here].sum()) if code is None else code.loc[here[code["cell"]], "unit"].nunique()
        entries, ends, _ = (each[here] for each in times)
        groups.append(_Group(name, shares.risk_table(entries, ends, cause[here], found.n[here], len(labels)), n))
    n = round(found.n.sum()) if found.clusters is None else found.clusters.n
    return _Read(groups, labels, n, found.n_missing)


def _limit(groups: list[_Group], until: float | None) -> float:
    """The end of restricted means, which must have been observed in each group."""
    for each in groups:
        if not len(each.table.time):
            raise SampleError(f"Nobody has the event in {each.name!r}; leave the group out, or join it with another.")
    if until is None:
        return min(each.table.last for each in groups)
    for each in groups:
        _within(until, each.table, each.name, left=float(shares.product_limit(each.table)[0][-1]))
    return float(until)


def _within(t: float, table: RiskTable, name: str, *, left: float) -> None:
    if t > table.last and left > 1e-12:
        raise ArgumentError(
            f"{t:g} lies beyond the longest time seen in {name!r}, {table.last:g}; take an earlier one."
        )


def _differences(names: list[str], found: list[tuple[float, float]], z: float) -> list[tuple[Any, ...]]:
    """Differences of what independent groups have, with p."""
    rows: list[tuple[Any, ...]] = []
    for (a, one), (b, two) in combinations(zip(names, found, strict=True), 2):
        gap, error = two[0] - one[0], float(np.hypot(one[1], two[1]))
        p = float(p_values(np.array([gap / error]), inf)[0]) if error > 0 else nan
        rows.append((f"{b} vs {a}", "difference", gap, error, gap - z * error, gap + z * error, p))
    return rows


def _fit(
    model: str, formula: str, found: _Read, terms: list[tuple[Any, ...]], curves: pd.DataFrame, until: float, how: str,
    level: float,
) -> Fit:  # fmt: skip
    table = pd.DataFrame(terms, columns=["term", "kind", "value", "std_error", "low", "high", "p"])
    events = sum(float(each.table.events.sum()) for each in found.groups)
    quality = {"n": float(found.n), "n_missing": float(found.n_missing), "n_events": events, "until": until}
    for each in found.groups:
        begin, r, d = each.table.begin, each.table.at_risk, each.table.events.sum(axis=1)
        if isfinite(begin) and begin > 0:
            how += f"; {each.name}: of those still there at {begin:g}, when the first came under observation"
        empty = np.flatnonzero(r <= d)
        if len(empty) and each.table.last > each.table.time[empty[0]]:
            last = each.table.time[empty[0]]
            how += f"; {each.name}: 0 from {last:g} on, where all at risk left, and others came later"
    return Fit(model, formula, table, quality, curves, level, how)
