"""How fast a redesign works: its effect wave by wave, and waves until half of what lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.models.causes.options import EventOptions, RolloutOptions
from cxuxlib.models.causes.reading import names, read
from cxuxlib.models.causes.rolling import Rollout, difference_in_differences
from cxuxlib.models.regression.fitted import p_values
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.halfway import Halfway, halfway, quantiles
from cxuxlib.stats.rollouts import averaged

__all__ = ["event_study"]

_PLAIN = EventOptions()
_STILL = 0.05  # p below which the waves that are to be lasting are not alike


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """The numbers behind an event study.

    Args:
        rollouts: of each outcome, the fit of `difference_in_differences`.
        paths: of each outcome, effects in the first treated wave and later, of the same groups throughout.
        influence: of each unit on these, shape (n, outcomes × waves).
        halves: of each outcome with a lasting effect, when half of it is reached.
    """

    rollouts: dict[str, Fit]
    paths: dict[str, np.ndarray]
    influence: np.ndarray
    halves: dict[str, Halfway]


def event_study(
    data: Any,
    outcomes: str | Sequence[str],
    *,
    unit: str,
    wave: str,
    treated_from: str,
    adjust: Sequence[str] = (),
    level: float = 0.95,
    options: EventOptions = _PLAIN,
) -> Fit:
    """How fast does a redesign work? Its effect wave by wave, and waves until half of the lasting effect.

    Effects are those of `difference_in_differences`, by waves since the first treated one. The lasting effect is the
    mean of the last ones that all groups are seen in; from 0 in the last wave before, half of it is reached where
    straight lines between waves cross it: at once in the first treated wave is 0.5, for nobody saw when in between.
    Intervals are quantiles of draws of all effects together (each unit's influence times a normal number), so that the
    times of two outcomes of the same customers are compared as they go together.

    Args:
        data: one row per unit and wave (any engine); units that lack a wave of any outcome are left out and counted.
        outcomes: a column of numbers, or several, such as ["cx", "ux"].
        unit: column that says whose the row is.
        wave: column of the number of the wave, equally far apart.
        treated_from: column of the first treated wave of the unit; missing (not 0): never.
        adjust: columns that trends may depend on, as they are in the first wave.
        level: confidence level, 0 to 1.
        options: `EventOptions`: controls, how many waves are lasting, how far, draws.

    Returns:
        A `Fit`. Terms are the outcomes, each of kinds "-2", "-3", ... (before, from the last wave before), "+0", "+1",
        ..., lasting (all in units of the outcome), and half: waves until half of it (without p). Two outcomes make a
        term such as "cx - ux" of kind half. Where the interval of the lasting effect holds 0 there is no half of it,
        which is NaN, and ``method`` says so; an end of an interval that was not seen is infinite.
        Quality has n, n_missing, n_always, n_controls, n_periods, horizon (waves since the first treated one), n_late
        (units treated too late to be seen so far), and by outcome lead_p and still_p: whether the effect still changes
        among the waves that are to be lasting, so that half of it comes later than said.

    Raises:
        SampleError: fewer than two waves with an effect, or too few for the lasting ones, and those of
            `difference_in_differences`.
        ModelError, UnitError, ArgumentError, ColumnError, AnswerError: as there.

    Source: Callaway & Sant'Anna 2021, doi:10.1016/j.jeconom.2020.12.001 (effects and draws); Sun & Abraham 2021,
    doi:10.1016/j.jeconom.2020.09.006 (event time). Checked against: `difference_in_differences` and so R; coverage by
    simulation.

    >>> rng = np.random.default_rng(2)
    >>> who, when = np.repeat(np.arange(800), 8), np.tile(np.arange(8), 800)
    >>> start = np.repeat(rng.choice([2.0, np.nan], 800), 8)
    >>> since = np.nan_to_num(np.clip(when - start + 1, 0, None))
    >>> frame = pd.DataFrame({"who": who, "wave": when, "start": start})
    >>> frame["ux"] = np.minimum(since, 1) + rng.normal(scale=0.5, size=6400)
    >>> frame["cx"] = 1 - 0.5**since + rng.normal(scale=0.5, size=6400)
    >>> fit = event_study(frame, ["cx", "ux"], unit="who", wave="wave", treated_from="start")
    >>> fit.terms.loc[fit.terms["kind"] == "half", ["term", "value", "low", "high"]].round(1)
           term  value  low  high
    8        cx    1.2  1.0   1.4
    17       ux    0.5  0.5   0.5
    18  cx - ux    0.7  0.5   0.9
    """
    intervals.check_level(level)
    if not isinstance(options, EventOptions):
        raise ArgumentError(f"options are EventOptions; got {type(options).__name__}.")
    told = (outcomes,) if isinstance(outcomes, str) else names("outcomes", outcomes)
    if not told:
        raise ArgumentError("outcomes names at least one column.")
    beside = names("adjust", adjust)
    if not isinstance(unit, str):
        raise ArgumentError(f"unit names one column; got {unit!r:.40}.")
    rows = read(data, [*told, wave, treated_from, *beside], [], unit=unit)
    rows.loc[rows[list(told)].isna().any(axis=1), list(told)] = nan
    how = RolloutOptions(controls=options.controls)
    rollouts = {
        each: difference_in_differences(
            rows, each, unit=unit, time=wave, treated_from=treated_from, adjust=beside, level=level, options=how
        )
        for each in told
    }
    _equal(rollouts[told[0]].raw, wave)
    horizon, groups, late = _horizon(rollouts[told[0]].raw, options)
    paths, parts = {}, []
    for each in told:
        raw: Rollout = rollouts[each].raw
        made = [
            averaged([c for c in raw.cells if c.group in groups and c.time - c.group == e], raw.first)
            for e in range(horizon + 1)
        ]
        paths[each] = np.array([value for value, _ in made])
        parts += [influence for _, influence in made]
    influence = np.column_stack(parts)
    at = np.concatenate(list(paths.values()))
    draws = (at + _deviations(influence, options)).reshape(options.draws, len(told), horizon + 1)
    terms: list[dict[str, Any]] = []
    halves: dict[str, Halfway] = {}
    first = rollouts[told[0]]
    keep = ("n", "n_missing", "n_always", "n_controls", "n_periods")
    quality = {name: first.quality[name] for name in keep} | {"horizon": float(horizon), "n_late": float(late)}
    said = [
        f"effects against units {options.controls} treated, errors by unit, z",
        f"lasting: mean of +{horizon - options.lasting + 1} to +{horizon}",
        f"half: quantiles of {options.draws:,} draws of the units' influence",
    ]
    if beside:
        said.append(f"trends adjusted by {listed(beside)} of the first wave")
    for i, each in enumerate(told):
        own = influence[:, i * (horizon + 1) : (i + 1) * (horizon + 1)]
        by_event = rollouts[each].terms[rollouts[each].terms["kind"].isin(["lead", "event time"])]
        terms += by_event.assign(kind=by_event["term"], term=each).to_dict("records")
        lasting, still = _lasting(paths[each], own, options.lasting)
        terms.append(_row(each, "lasting", *lasting, level))
        made_of = {name: rollouts[each].quality.get(name, nan) for name in ("lead_p",)}
        quality |= {f"{each}_{name}": value for name, value in (made_of | {"still_p": still}).items() if value == value}
        if made_of["lead_p"] < _STILL:
            said.append(f"IMPROPER: trends of {each} differed before ({text.p_value(made_of['lead_p'])})")
        if still < _STILL:
            said.append(
                f"IMPROPER: the effect on {each} still changes from +{horizon - options.lasting + 1} to +{horizon} "
                f"({text.p_value(still)}), so that what lasts, and half of it, may lie further on"
            )
        if terms[-1]["low"] <= 0 <= terms[-1]["high"]:
            said.append(f"no lasting effect on {each} can be told from 0, so there is no half of it")
            terms.append(_nothing(each))
            continue
        halves[each] = found = halfway(paths[each], draws[:, i], options.lasting)
        terms.append(_half(each, found.value, found.early, found.late, level))
    for a, b in combinations(told, 2):
        if a in halves and b in halves:
            one, other = halves[a], halves[b]
            early, late_ = one.early - other.late, one.late - other.early
            terms.append(_half(f"{a} - {b}", one.value - other.value, early, late_, level, against=0.0))
        else:
            terms.append(_nothing(f"{a} - {b}"))
    endless = [row["term"] for row in terms if row["kind"] == "half" and np.isinf([row["low"], row["high"]]).any()]
    if endless:
        said.append(f"half of {listed(endless)} may be reached later than was seen: an end of the interval is infinite")
    formula = f"{' + '.join(told)} ~ {treated_from} | {unit} + {wave}" + "".join(f" + {name}" for name in beside)
    raw_all = Events(rollouts, paths, influence, halves)
    return Fit("event_study", formula, pd.DataFrame(terms), quality, raw_all, level, "; ".join(said))


def _equal(raw: Rollout, wave: str) -> None:
    """Refuse waves that are not equally far apart: a path over them has no straight lines."""
    steps = np.diff(raw.times)
    if not np.allclose(steps, steps[0]):
        raise ArgumentError(
            f"The waves in {wave!r} ({listed(f'{each:g}' for each in raw.times)}) are not equally far apart; number "
            "them by their order if they are."
        )


def _horizon(raw: Rollout, options: EventOptions) -> tuple[int, list[int], int]:
    """How far after the first treated wave effects go in all groups, these groups, and units of the others."""
    there = {(c.group, c.time - c.group) for c in raw.cells if c.time >= c.group}
    every = sorted({g for g, _ in there})
    reach = {g: next(e for e in range(len(raw.times) + 1) if (g, e) not in there) - 1 for g in every}
    horizon = min(reach.values()) if options.horizon is None else options.horizon
    groups = [g for g in every if reach[g] >= horizon]
    if not groups:
        raise SampleError(
            f"No group has effects told up to {horizon} waves after its first treated one; the longest is "
            f"{max(reach.values())}."
        )
    if horizon < options.lasting:
        raise SampleError(
            f"Effects of all groups are told up to +{horizon}, which leaves nothing before the {options.lasting} "
            f"lasting waves; say EventOptions(horizon=...) up to {max(reach.values())} to leave out groups treated "
            "later, or a shorter lasting."
        )
    late = int(sum((raw.first == g).sum() for g in range(1, len(raw.times)) if g not in groups))
    return horizon, groups, late


def _deviations(influence: np.ndarray, options: EventOptions) -> np.ndarray:
    """Normal deviations with the covariance of the effects, which is what normal weights of units make of them."""
    values, vectors = np.linalg.eigh(influence.T @ influence)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = np.random.default_rng(options.rng).standard_normal((options.draws, len(values)))
    found: np.ndarray = normal @ root.T
    return found


def _lasting(path: np.ndarray, influence: np.ndarray, lasting: int) -> tuple[tuple[float, float], float]:
    """Mean of the last effects with its error, and p that the first and the last of them are the same."""
    error = float(np.sqrt((influence[:, -lasting:].mean(axis=1) ** 2).sum()))
    if lasting == 1:
        return (float(path[-1]), error), nan
    gap = float(np.sqrt(((influence[:, -1] - influence[:, -lasting]) ** 2).sum()))
    still = float(p_values(np.array([(path[-1] - path[-lasting]) / gap]), np.inf)[0]) if gap > 0 else nan
    return (float(path[-lasting:].mean()), error), still


def _row(term: str, kind: str, value: float, error: float, level: float) -> dict[str, Any]:
    half = intervals.normal_quantile(level) * error
    p = float(p_values(np.array([value / error]), np.inf)[0])
    ends = {"low": value - half, "high": value + half, "p": p}
    return {"term": term, "kind": kind, "value": value, "std_error": error} | ends


def _half(
    term: str, value: float, early: np.ndarray, late: np.ndarray, level: float, *, against: float | None = None
) -> dict[str, Any]:
    """A time, or a difference of times, with the interval of its draws."""
    low, high = quantiles(early, late, level)
    error = float(np.std(early)) if np.isfinite(early).all() and np.isfinite(late).all() else nan
    p = nan
    if against is not None:
        under, over = (np.sum(each) for each in (early <= against, late >= against))
        p = float(min(1.0, 2 * (1 + min(under, over)) / (1 + len(early))))
    return {"term": term, "kind": "half", "value": value, "std_error": error, "low": low, "high": high, "p": p}


def _nothing(term: str) -> dict[str, Any]:
    return {"term": term, "kind": "half"} | dict.fromkeys(("value", "std_error", "low", "high", "p"), nan)
