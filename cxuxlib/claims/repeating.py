"""The test behind the claim on precision: which is the steadier measure over one wave, UX or CX?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import UNEVEN, refuse, uneven
from cxuxlib.claims.ruling import Evidence, Verdict
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.frames import columns
from cxuxlib.results import Estimate
from cxuxlib.study import names

Array = NDArray[np.float64]

_ITEMS = 3  # of each scale, since a longer one is steadier whatever it measures
_UNITS = 50  # who answered twice; with fewer the error of a correlation is not known well
ARM = "redesign"  # column of a change that was made between waves
_COUNTS = {1: "one wave", 2: "two waves", 3: "three waves"}


class Steady(NamedTuple):
    """Correlations of scales with themselves a wave later.

    Args:
        value: by scale, the mean over pairs of waves that follow each other, shape (s,).
        covariance: of these, with units that answered more than twice counted as one, shape (s, s).
        units: who answered in two waves in a row, and in only one.
        pairs: number of pairs of waves.
    """

    value: Array
    covariance: Array
    units: tuple[int, int]
    pairs: int


def precision(case: Case, level: float) -> Evidence:
    """E1: test-retest correlation over one wave of the mean of three items, of UX minus that of CX."""
    refuse(case)
    ux, cx = case.facets.get("UX", [])[:_ITEMS], overall_items(case)[:_ITEMS]
    if len(ux) < _ITEMS:
        raise NotAnswerable(
            f"UX needs {_ITEMS} items, as many as CX, for a longer scale is steadier whatever it measures; the study "
            f"has {listed(ux) if ux else 'none'}."
        )
    table, unit, wave = by_wave(case, [*ux, *cx])
    scores = pd.DataFrame({
        "unit": table[unit], "wave": table[wave],
        "UX": table[ux].mean(axis=1, skipna=False), "CX": table[cx].mean(axis=1, skipna=False),
    })  # fmt: skip
    arm = arms_of(case, unit, scores["unit"])
    found = steady(scores, ["UX", "CX"], arm)
    gap, contrast = float(found.value[0] - found.value[1]), np.array([1.0, -1.0])
    half = float(ndtri(0.5 + level / 2)) * sqrt(float(contrast @ found.covariance @ contrast))
    how = "correlation over one wave, errors by units"
    estimate = Estimate(
        gap, gap - half, gap + half, found.units[0], how, level, "retest of UX minus CX", found.units[1]
    )
    said = [
        f"Means of {_ITEMS} items a wave apart correlate {text.number(found.value[0])} for UX and "
        f"{text.number(found.value[1])} for CX, over {found.pairs} pair{'s' if found.pairs > 1 else ''} of waves",
        "what really changes in a wave counts as lack of precision, for one answer a wave cannot tell it from error",
    ]
    if arm is not None:
        said.append(f"within the groups of {ARM!r}")
    if names(case.study, role="weight"):
        said.append("unweighted")
    apart = drift(table, wave, ux, cx)
    cannot: tuple[Verdict, ...] = ("supported", "refuted") if apart.startswith(UNEVEN) else ()
    return Evidence(estimate, "; ".join([*said, *([apart] if apart else [])]) + ".", cannot)


def drift(table: pd.DataFrame, wave: str, ux: Sequence[str], cx: Sequence[str]) -> str:
    """Whether the items mean the same in the first wave and in the last."""
    first, last = table[wave].min(), table[wave].max()
    groups = {
        f"in {each_of}": table.loc[table[wave] == each, [*ux, *cx]].dropna().to_numpy(dtype=float)
        for each_of, each in (("the first wave", first), ("the last", last))
    }
    return uneven(groups, (len(ux), len(cx)))


def steady(scores: pd.DataFrame, scales: Sequence[str], arm: pd.Series | None = None) -> Steady:
    """Correlate each scale with itself a wave later, within groups, with the errors of units.

    A unit adds (ab - r(a² + b²)/2)/n to the error of the correlation r of the standardised a and b.

    Args:
        scores: columns "unit" and "wave", one row per unit and wave, and the scales.
        scales: columns.
        arm: group of each row, whose means in each wave are taken off.

    Returns:
        `Steady`.

    Raises:
        NotAnswerable: too few units answered in two waves that follow each other, or a scale does not vary.

    Source: Pearson & Filon 1898 (error of correlations); Liang & Zeger 1986, doi:10.1093/biomet/73.1.13 (by units).
    Checked against: a bootstrap of units, and `numpy.corrcoef`.

    >>> scores = pd.DataFrame({"unit": [*range(60)] * 2, "wave": [1] * 60 + [2] * 60, "ease": [*range(60)] * 2})
    >>> steady(scores, ["ease"]).value.round(6).tolist()
    [1.0]
    """
    rows = scores.assign(arm=0 if arm is None else arm.to_numpy()).dropna()
    waves = sorted(scores["wave"].unique())
    parts, many = [], 0
    for before, after in pairwise(waves):
        pair = rows[rows["wave"] == before].merge(rows[rows["wave"] == after], on=["unit", "arm"])
        if len(pair) < _UNITS:
            continue
        z = {}
        for name in [f"{scale}_{end}" for scale in scales for end in "xy"]:
            centred = pair[name] - pair.groupby("arm")[name].transform("mean")
            if not centred.std(ddof=0) > 1e-9:
                raise NotAnswerable(f"{name.split('_')[0]} is the same for everybody in a wave.")
            z[name] = (centred / centred.std(ddof=0)).to_numpy()
        adds = []
        for scale in scales:
            a, b = z[f"{scale}_x"], z[f"{scale}_y"]
            r = float(np.mean(a * b))
            adds.append((r, a * b - r * (a**2 + b**2) / 2))
        parts.append((pair["unit"].to_numpy(), adds))
        many += len(pair)
    if not parts:
        raise NotAnswerable(
            f"Fewer than {_UNITS} units answered all of these items in two waves that follow each other."
        )
    value = sum(np.array([r for r, _ in adds]) * len(who) / many for who, adds in parts)
    error = pd.DataFrame(np.concatenate([np.column_stack([own for _, own in adds]) for _, adds in parts]) / many)
    error = error.groupby(np.concatenate([who for who, _ in parts])).sum()
    covariance = error.to_numpy().T @ error.to_numpy()
    units = len(error)
    return Steady(np.asarray(value), covariance, (units, int(scores["unit"].nunique()) - units), len(parts))


def held(table: Any) -> set[str]:
    """Names of the columns of a frame of any engine; none of what is no frame.

    >>> held(pd.DataFrame({"ease": [1]})), held(None)
    ({'ease'}, set())
    """
    if hasattr(table, "collect_schema"):
        return set(table.collect_schema().names())
    return set(getattr(table, "column_names", getattr(table, "columns", ())))


def by_wave(case: Case, items: Sequence[str], least: int = 2) -> tuple[pd.DataFrame, str, str]:
    """The answers of units by wave, of which there are this many at least, and the names of the columns of both."""
    units, waves = names(case.study, role="unit"), names(case.study, role="wave")
    wanted = f"This needs answers of the same units in {_COUNTS[least]}; the study has"
    for table in case.study.tables.values():
        there = held(table)
        unit = next((name for name in units if name in there), None)
        wave = next((name for name in waves if name in there), None)
        if unit and wave and set(items) <= there:
            found = columns(table, [unit, wave, *items])
            break
    else:
        raise NotAnswerable(f"{wanted} no table with both.")
    if found[wave].nunique() < least:
        raise NotAnswerable(f"{wanted} {_COUNTS.get(found[wave].nunique(), 'no wave')}.")
    if found.duplicated([unit, wave]).any():
        raise NotAnswerable(f"Some units have several rows in one wave; this needs one per {unit!r} and {wave!r}.")
    return found, unit, wave


def careful(case: Case, items: Sequence[str], least: int = 2) -> tuple[pd.DataFrame, str, str, list[str]]:
    """As `by_wave`, without sheets of one and the same answer where these are few, and what to say of them.

    Who gives one answer to everything moves UX and CX together in that wave alone: in 2% of the sheets it takes a fifth
    off a path of .09 from one wave to the next.
    """
    _, unit, wave = by_wave(case, items, least)
    every = [*(item for each in case.facets.values() for item in each), *case.cx, *case.loyalty]
    home = next(each for each in case.study.tables.values() if {unit, wave, *items} <= held(each))
    seen = tuple(item for item in dict.fromkeys(every) if item in held(home))
    whole = columns(home, [unit, wave, *seen])
    table = whole[[unit, wave, *items]].copy()
    x = whole[list(seen)].to_numpy(dtype=float, na_value=np.nan)
    there = ~np.isnan(x).all(axis=1)
    straight, left_out = case.straight(seen, x[there], np.ones(int(there.sum())))
    if not straight.any():
        return table, unit, wave, []
    what = "left out" if left_out else "kept, for so many may well mean it"
    if left_out:
        gone = np.zeros(len(table), dtype=bool)
        gone[there] = straight
        table[list(items)] = table[list(items)].astype(float).mask(pd.Series(gone, table.index), axis=0)
    return table, unit, wave, [f"{straight.sum():,} sheets give one answer to everything and are {what}"]


def arms_of(case: Case, unit: str, who: pd.Series) -> Any:
    """The group of each row, where something was changed for some units."""
    for table in case.study.tables.values():
        if {unit, ARM} <= held(table):
            known = columns(table, [unit, ARM]).drop_duplicates(unit).set_index(unit)[ARM]
            return who.map(known)
    return None
