"""Staggered roll-outs of a redesign: what it did to those who got it, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, ModelError, SampleError, UnitError, listed
from cxuxlib.models.causes.options import RolloutOptions
from cxuxlib.models.causes.reading import names, read, refuse_missing
from cxuxlib.models.regression.fitted import block, table
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.rollouts import Cell, averaged, group_time, joint, two_way

__all__ = ["difference_in_differences"]

_PLAIN = RolloutOptions()
_MOST = 200  # periods; a column of more values is a time stamp
_EXACT = 1e-10  # of the outcome's standard deviation that is left by rounding
_TREND = 0.05  # p of the leads below which parallel trends are doubted


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """The numbers behind a staggered roll-out.

    Args:
        cells: effects by group and time, with the influence of each unit.
        times: the periods, in order; ``Cell.group`` and ``Cell.time`` are places among them.
        first: place of each unit's first treated period, the number of periods for none.
    """

    cells: tuple[Cell, ...]
    times: tuple[float, ...]
    first: np.ndarray


class _Panel:
    """Complete units: outcomes by period, first treated period, covariates, and what was left out."""

    def __init__(self, rows: pd.DataFrame, names_of: tuple[str, str, str, str], adjust: Sequence[str]) -> None:
        outcome, unit, time, treated_from = names_of
        self.times = np.unique(rows[time].to_numpy())
        code, units = pd.factorize(rows[unit])
        at = np.searchsorted(self.times, rows[time].to_numpy())
        n, periods = len(units), len(self.times)
        repeated = np.bincount(code * periods + at, minlength=n * periods) > 1
        if repeated.any():
            who = units[int(np.flatnonzero(repeated)[0]) // periods]
            raise UnitError(f"{repeated.sum():,} units and periods have several rows, such as {unit} {who}; one each.")
        start = rows[treated_from].fillna(inf).groupby(code)
        if (start.min() < start.max()).any():
            raise UnitError(
                f"{int((start.min() < start.max()).sum()):,} units have several values of {treated_from!r}."
            )
        y = np.full((n, periods), np.nan)
        y[code, at] = rows[outcome].to_numpy()
        x = np.full((n, len(adjust)), np.nan)
        early = at == 0
        x[code[early]] = rows.loc[early, list(adjust)].to_numpy()
        first = np.searchsorted(self.times, start.min().to_numpy())
        complete = ~np.isnan(y).any(axis=1) & ~np.isnan(x).any(axis=1)
        self.n_missing, self.n_always = int((~complete).sum()), int((complete & (first == 0)).sum())
        keep = complete & (first > 0)
        self.y, self.x, self.first = y[keep], x[keep], first[keep]


def difference_in_differences(
    data: Any,
    outcome: str,
    *,
    unit: str,
    time: str,
    treated_from: str,
    adjust: Sequence[str] = (),
    level: float = 0.95,
    options: RolloutOptions = _PLAIN,
) -> Fit:
    """What did a staggered roll-out do to those who got it? Effects by group and time, averaged; trends before shown.

    Each group of units treated from the same period on is compared, since the period before, with units that are not
    treated by then, never with units treated earlier, as two-way fixed effects do. The overall effect is the mean over
    the treated periods of each group, weighted by the groups' sizes.

    Args:
        data: one row per unit and period (any engine); units that lack a period are left out and counted.
        outcome: column of numbers.
        unit: column that says whose the row is; errors are by unit.
        time: column of the number of the period.
        treated_from: column of the first treated period of the unit; missing (not 0): never. Units treated from the
            first period on tell nothing and are left out and counted.
        adjust: columns that trends may depend on, as they are in the first period.
        level: confidence level, 0 to 1.
        options: `RolloutOptions`: controls are those not yet treated, or those never treated.

    Returns:
        A `Fit`. Terms: overall of kind effect; "+0", "+1", ... of kind event time, periods since the first treated
        one, and "-2", "-3", ... of kind lead, before it, from the period -1; the first treated period of kind group;
        and overall of kind two_way: what a regression with effects of unit and time would have said. Quality has n,
        n_missing, n_always, n_controls (never treated within the periods), n_periods, n_untold (groups and times
        without controls), lead_chi2, lead_df, lead_p (that all leads are 0; absent where there is none), and
        two_way_negative, the share of that regression's weights that are negative.

    Raises:
        SampleError: one period, nobody treated, or a group of one unit.
        ModelError: no unit is untreated while others are treated, or all units of a group change alike.
        UnitError: a unit has several rows in a period, or several first treated periods.
        ArgumentError, ColumnError, AnswerError: what is wrong with the arguments and the columns.

    Source: Callaway & Sant'Anna 2021, doi:10.1016/j.jeconom.2020.12.001; Goodman-Bacon 2021,
    doi:10.1016/j.jeconom.2021.03.014; Roth 2022, doi:10.1257/aeri.20210236 (leads). Checked against: regressions in R
    (lm, sandwich), coverage by simulation of effects that grow and differ.

    >>> rng = np.random.default_rng(1)
    >>> who, period = np.repeat(np.arange(600), 5), np.tile(np.arange(5), 600)
    >>> start = np.repeat(rng.choice([2.0, 3.0, np.nan], 600), 5)
    >>> y = np.repeat(rng.normal(size=600), 5) + 0.1 * period + rng.normal(scale=0.5, size=3000)
    >>> frame = pd.DataFrame({"who": who, "month": period, "start": start, "cx": y + 0.5 * (period >= start)})
    >>> fit = difference_in_differences(frame, "cx", unit="who", time="month", treated_from="start")
    >>> fit.terms[["term", "kind", "value", "low", "high"]].round(2).head(3)
          term    kind  value   low  high
    0  overall  effect   0.50  0.42  0.58
    1       -3    lead  -0.08 -0.22  0.05
    2       -2    lead   0.05 -0.04  0.15
    """
    intervals.check_level(level)
    if not isinstance(options, RolloutOptions):
        raise ArgumentError(f"options are RolloutOptions; got {type(options).__name__}.")
    beside = names("adjust", adjust)
    if not isinstance(unit, str):
        raise ArgumentError(f"unit names one column; got {unit!r:.40}.")
    rows = read(data, [outcome, time, treated_from, *beside], [], unit=unit)
    refuse_missing(rows, time, "drop them or find out when they were.")
    panel = _Panel(rows, (outcome, unit, time, treated_from), beside)
    _enough(panel, time, treated_from, options)
    y, first, times = panel.y, panel.first, panel.times
    scale = panel.x.std(axis=0)
    if (scale == 0).any():
        constant = [name for name, each in zip(beside, scale, strict=True) if each == 0]
        raise ModelError(f"{listed(constant)} has the same value in all units; trends cannot depend on it.")
    x = (panel.x - panel.x.mean(axis=0)) / scale
    cells, without = group_time(y, first, x, never=options.controls == "never")
    after = [each for each in cells if each.time >= each.group]
    if not after:
        raise ModelError(
            f"There are no units to compare with in any treated period, or {listed(beside)} determine each other among "
            "them; controls='not yet' takes those treated later."
        )
    half = intervals.normal_quantile(level)
    found: list[tuple[str, str, float, float]] = []

    def tell(term: str, kind: str, chosen: Sequence[Cell]) -> tuple[float, np.ndarray]:
        value, influence = averaged(chosen, first)
        found.append((term, kind, value, float(np.sqrt((influence**2).sum()))))
        return value, influence

    tell("overall", "effect", after)
    if not found[0][3] > _EXACT * float(y.std()):
        raise ModelError(f"All units of a group change alike in {outcome!r}, so that there is no error to measure.")
    leads = []
    for event in sorted({each.time - each.group for each in cells}):
        chosen = [each for each in cells if each.time - each.group == event]
        made = tell(f"{event:+d}", "lead" if event < 0 else "event time", chosen)
        leads += [made] if event < 0 else []
    for g in sorted({each.group for each in after}):
        tell(f"{times[g]:g}", "group", [each for each in after if each.group == g])
    naive = two_way(y, first)
    found.append(("overall", "two_way", naive.value, naive.std_error))
    terms = table(*(block([term], kind, np.array([v]), np.array([e]), half, inf) for term, kind, v, e in found))
    quality = {
        "n": float(len(y)), "n_missing": float(panel.n_missing), "n_always": float(panel.n_always),
        "n_controls": float((first == len(times)).sum()), "n_periods": float(len(times)), "n_untold": float(without),
    }  # fmt: skip
    said = [f"group-time effects against units {options.controls} treated", "errors by unit, z"]
    if beside:
        said.append(f"trends adjusted by {listed(beside)} of the first period")
    if leads:
        chi2, df, p = joint(np.array([each[0] for each in leads]), np.column_stack([each[1] for each in leads]))
        quality |= {"lead_chi2": chi2, "lead_df": float(df), "lead_p": p}
        if p < _TREND:
            said.append(f"IMPROPER: trends differed before the roll-out ({text.p_value(p)}), so that they may after")
        else:
            said.append(f"no sign of other trends before ({text.p_value(p)}), which is no proof of like trends after")
    else:
        said.append("trends before cannot be seen: all groups were treated from the second period on")
    quality["two_way_negative"] = naive.negative
    raw = Rollout(tuple(cells), tuple(float(each) for each in times), first)
    formula = f"{outcome} ~ {treated_from} | {unit} + {time}" + "".join(f" + {name}" for name in beside)
    return Fit("difference_in_differences", formula, terms, quality, raw, level, "; ".join(said))


def _enough(panel: _Panel, time: str, treated_from: str, options: RolloutOptions) -> None:
    """Refuse one period or too many, nobody treated or all at once, and groups of one."""
    periods, first = len(panel.times), panel.first
    if periods < 2:
        raise SampleError(f"{time!r} has one period; before and after take at least two.")
    if periods > _MOST:
        raise ArgumentError(f"{time!r} has {periods:,} different values; is it a time stamp? Number the periods.")
    if not (first < periods).any():
        why = f" ({panel.n_always:,} are from the first period on, which tells nothing)" if panel.n_always else ""
        raise SampleError(f"No complete unit is treated from a later period on, by {treated_from!r}{why}.")
    groups = np.bincount(first, minlength=periods + 1)
    alone = [f"{panel.times[g]:g}" for g in range(1, periods) if groups[g] == 1]
    if alone:
        raise SampleError(
            f"One unit alone is treated from {', '.join(alone)} on; an effect needs two or more: merge it with a "
            "neighbouring group, or leave it out."
        )
    if not groups[periods] and options.controls == "never":
        raise ModelError("All units are treated in the end; controls='not yet' takes those treated later.")
    if not groups[periods] and (groups[1:periods] > 0).sum() == 1:
        raise ModelError("All units are treated from the same period on; there is nobody to compare with.")
