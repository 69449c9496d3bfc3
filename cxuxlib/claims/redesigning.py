"""The test behind the claim on cause: what does a redesign that makes UX better do to CX?"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import UNEVEN, refuse
from cxuxlib.claims.repeating import ARM, careful, drift, held
from cxuxlib.claims.ruling import Evidence, Region, Rung, Verdict
from cxuxlib.claims.scope import BRAND, STEADY, alpha
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.frames import columns
from cxuxlib.models import ExperimentOptions, experiment
from cxuxlib.results import Estimate, Fit
from cxuxlib.study import names

PRODUCT = "product_id"
_MOVED = 0.05  # standard deviations by which UX must have moved for CX to have had something to follow
_UNLIKE = 0.001  # p below which the groups were not alike before
_OLD, _NEW = "old", "new"


class Given(NamedTuple):
    """Who was given what.

    Args:
        units: one row per unit: "unit", "arm" and "cluster".
        by: "brand" or "product" where whole ones were given it, else nothing.
    """

    units: pd.DataFrame
    by: str


def lifts(case: Case, level: float) -> Evidence:
    """B3: intention-to-treat effect of the redesign on CX in the last wave, in SD of the first."""
    refuse(case)
    ux, cx = case.facets.get("UX", []), overall_items(case)
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux) if ux else 'none'}.")
    given = _given(case)
    table, unit, wave, notes = careful(case, [*ux, *cx])
    first, last = table[wave].min(), table[wave].max()
    before, after = (table[table[wave] == each].set_index(unit) for each in (first, last))
    rows, scale = given.units.copy(), {}
    for name, items in (("ux", ux), ("cx", cx)):
        whole = before[items].dropna().to_numpy(dtype=float)
        reliability = alpha(whole) if len(whole) > 1 else 0.0
        if reliability < STEADY:
            raise NotAnswerable(
                f"In the first wave the items of {name.upper()} must go together; the reliability of their mean is "
                f"{text.number(reliability, 2)}, below {STEADY}."
            )
        scale[name] = float(whole.mean(axis=1).std(ddof=1)) * sqrt(reliability)
        for when, sheet in (("before", before), ("after", after)):
            rows[f"{name}_{when}"] = rows["unit"].map(sheet[items].mean(axis=1, skipna=False))
    moved, found = (_effect(rows, given, name, scale[name], level) for name in ("ux", "cx"))
    told = f"UX moved by {_told(moved[0])} SD"
    if not moved[0].low > _MOVED:
        raise NotAnswerable(
            f"{told}, which is not shown to be more than {_MOVED}: where the redesign hardly makes UX better, it "
            "cannot tell what better UX does to CX."
        )
    arms = rows["arm"].value_counts()
    said = [
        f"Intention to treat of {ARM!r} ({arms[_NEW]:,} units given it, {arms[_OLD]:,} not) in wave {last:g}, adjusted "
        f"by UX and CX of wave {first:g}, in error-free SD of that wave",
        told,
        "who had left or did not answer in the last wave is not in it",
        *notes,
    ]
    cannot: tuple[Verdict, ...] = ()
    for name in ("ux", "cx"):
        start = _start(rows, given, name, level)
        if start < _UNLIKE:
            cannot = ("supported", "refuted")
            said.append(
                f"the groups differed in {name.upper()} in wave {first:g} ({text.p_value(start)}), as no lot makes "
                "them do: either there was none, or the redesign was there already"
            )
    rung: Rung | None = None
    also: tuple[tuple[Estimate, Region], ...] = ()
    if given.by:
        rung, change = "quasi-experiment", _changes(rows, given, scale["cx"], level)
        also = ((change, Region(holds=(0.0, inf), fails=(-inf, 0.0), level=level)),)
        said.append(
            f"it was rolled out by {given.by}, errors by {rows['cluster'].nunique()} {given.by}s; nobody knows whether "
            f"these drew lots, so the difference in differences, {_told(change)}, must be above 0 too"
        )
    else:
        said.append("that it was given by lot is what the study says, and nothing here proves it")
    said += found[1].raw.cautions
    if names(case.study, role="weight"):
        said.append("unweighted")
    apart = drift(table, wave, ux, cx)
    if apart:
        said.append(apart)
        cannot = ("supported", "refuted") if apart.startswith(UNEVEN) else cannot
    return Evidence(found[0], "; ".join(said) + ".", cannot, also, rung)


def _told(found: Estimate) -> str:
    return f"{text.number(found.value, 2)} {text.interval(found.low, found.high, 2)}"


def _given(case: Case) -> Given:
    """Who was given the redesign, and whether whole brands or products were."""
    units = names(case.study, role="unit")
    for table in case.study.tables.values():
        there = held(table)
        unit = next((name for name in units if name in there), None)
        if unit and ARM in there:
            wholes = [each for each in (BRAND, PRODUCT) if each in there]
            found = columns(table, [unit, ARM, *wholes])
            break
    else:
        raise NotAnswerable(f"This needs a redesign that some were given and others not (column {ARM!r}).")
    if found[unit].duplicated().any():
        raise NotAnswerable(f"Some units have several rows beside {ARM!r}; this needs one per {unit!r}.")
    if not found[ARM].isin((0, 1)).all() or found[ARM].nunique() < 2:
        raise NotAnswerable(
            f"{ARM!r} must be true for some units and false for others; it holds "
            f"{listed(found[ARM].drop_duplicates().tolist()[:3])}."
        )
    new = found[ARM].astype(bool).to_numpy()
    rows = pd.DataFrame({"unit": found[unit], "arm": np.where(new, _NEW, _OLD)})
    whole = next((each for each in wholes if _constant(found[each], new)), "")
    return Given(rows.assign(cluster=found[whole] if whole else np.arange(len(rows))), whole.removesuffix("_id"))


def _constant(group: pd.Series, new: np.ndarray) -> bool:
    """Whether all of a group were given the same, and there are fewer groups than units."""
    shares = pd.Series(new, group.index).groupby(group).mean()
    return len(shares) < len(group) and bool(shares.isin((0, 1)).all())


def _effect(rows: pd.DataFrame, given: Given, name: str, scale: float, level: float) -> tuple[Estimate, Fit]:
    """The effect on the score of the last wave, in error-free standard deviations of the first."""
    fit = _experiment(rows, given, f"{name}_after", ["ux_before", "cx_before"], level)
    n = int(rows[f"{name}_after"].notna().sum())
    return _scaled(fit, scale, n, len(rows) - n, f"effect of the redesign on {name.upper()}, in SD"), fit


def _changes(rows: pd.DataFrame, given: Given, scale: float, level: float) -> Estimate:
    """Difference in differences: how much more CX changed where the redesign was."""
    rows = rows.assign(change=rows["cx_after"] - rows["cx_before"])
    n = int(rows["change"].notna().sum())
    fit = _experiment(rows, given, "change", [], level)
    return _scaled(fit, scale, n, len(rows) - n, "difference in differences of CX, in SD")


def _scaled(fit: Fit, scale: float, n: int, missing: int, what: str) -> Estimate:
    own = fit.estimate(_NEW, "effect")
    method = fit.method.partition("; IMPROPER")[0]
    return Estimate(own.value / scale, own.low / scale, own.high / scale, n, method, fit.level, what, missing)


def _start(rows: pd.DataFrame, given: Given, name: str, level: float) -> float:
    """The p of the difference before the redesign."""
    fit = _experiment(rows, given, f"{name}_before", [], level)
    return float(fit.terms.loc[fit.terms["kind"] == "effect", "p"].iloc[0])


def _experiment(rows: pd.DataFrame, given: Given, outcome: str, adjust: Sequence[str], level: float) -> Fit:
    own: Any = "cluster" if given.by else None
    drawn = rows.drop_duplicates("cluster")["arm"].value_counts()  # what shares were planned, nobody knows
    options = ExperimentOptions(shares={arm: int(n) for arm, n in drawn.items()})
    return experiment(rows, outcome, "arm", control=_OLD, unit=own, adjust=adjust, level=level, options=options)
