"""The test behind the claim on direction: does UX go before CX, or CX before UX?"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import UNEVEN, refuse
from cxuxlib.claims.repeating import ARM, arms_of, careful, drift
from cxuxlib.claims.ruling import Evidence, Region, Verdict
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.models import PanelOptions, cross_lagged
from cxuxlib.results import Estimate, Fit
from cxuxlib.study import names

_WAVES = 3  # with fewer, what lasts in a unit cannot be told from what changes in it
_MOST = 4  # waves that are looked at; more tell more, but missing answers in many waves take minutes
_UNITS = 100  # who answered in so many waves
_CLOSE = 0.08  # RMSEA above which the model is no description of the panel


def goes_before(case: Case, level: float) -> Evidence:
    """B2: path of UX on CX a wave later within units, and its excess over the reverse path."""
    refuse(case)
    ux, cx = case.facets.get("UX", []), overall_items(case)
    if len(ux) < 2:
        raise NotAnswerable(
            f"UX needs at least 2 items, for the error of a single one passes for a path that is not there; the study "
            f"has {listed(ux) if ux else 'none'}."
        )
    table, unit, wave, notes = careful(case, [*ux, *cx], _WAVES)
    every = np.sort(table[wave].unique())
    table = table[table[wave].isin(every[:_MOST])]
    _enough(table, unit, [*ux, *cx])
    apart = drift(table, wave, ux, cx)
    arm = arms_of(case, unit, table[unit])
    fit = _fitted(table if arm is None else _within(table, wave, [*ux, *cx], arm), ux, cx, (unit, wave), level)
    forward, reverse, excess = (fit.estimate(term, "std") for term in ("x_to_y", "y_to_x", "difference"))
    found = Estimate(
        forward.value, forward.low, forward.high, forward.n, fit.method, level, "path of UX on CX a wave later",
        forward.n_missing,
    )  # fmt: skip
    said = [
        f"Random-intercept cross-lagged panel of {fit.quality['n_waves']:.0f} waves on latent UX and CX, within units",
        f"the reverse path is {_told(reverse)}, and the excess of UX on CX over it {_told(excess)}, which must be "
        "above 0 too",
        *notes,
    ]
    if len(every) > _MOST:
        said.append(f"of {len(every)} waves the first {_MOST}, in which most units are still there")
    if arm is not None:
        said.append(f"within the groups of {ARM!r}")
    if names(case.study, role="weight"):
        said.append("unweighted")
    cannot: tuple[Verdict, ...] = ()
    if fit.quality["n_cautions"]:
        cannot, said = ("supported",), [*said, *fit.raw.cautions]
    if fit.quality["rmsea_low"] > _CLOSE:
        cannot = ("supported", "refuted")
        said.append(f"the model does not describe the panel (RMSEA {text.number(fit.quality['rmsea'])})")
    if apart:
        said.append(apart)
        cannot = ("supported", "refuted") if apart.startswith(UNEVEN) else cannot
    both = ((excess, Region(holds=(0.0, inf), fails=(-inf, 0.0), level=level)),)
    return Evidence(found, "; ".join(each.rstrip(".") for each in said) + ".", cannot, both)


def _told(found: Estimate) -> str:
    return f"{text.number(found.value)} {text.interval(found.low, found.high, 3)}"


def _enough(table: pd.DataFrame, unit: str, items: Sequence[str]) -> None:
    """Refuse panels in which few answered often enough."""
    whole = table.loc[table[list(items)].notna().all(axis=1), unit].value_counts()
    many = int((whole >= _WAVES).sum())
    if many < _UNITS:
        raise NotAnswerable(
            f"Only {many:,} units answered all items of UX and CX in {_WAVES} waves or more; this needs {_UNITS}."
        )


def _within(table: pd.DataFrame, wave: str, items: Sequence[str], arm: pd.Series) -> pd.DataFrame:
    """Answers less the means of their group and wave: a redesign moves UX and CX of all who got it."""
    groups = [arm.astype(object).fillna("unknown"), table[wave]]
    return table.assign(**{item: table[item] - table[item].groupby(groups).transform("mean") for item in items})


def _fitted(table: pd.DataFrame, ux: Sequence[str], cx: Sequence[str], roles: tuple[str, str], level: float) -> Fit:
    unit, wave = roles
    gaps = np.diff(np.sort(table[wave].unique()).astype(float))
    options = PanelOptions(equal_lags=bool(np.allclose(gaps, gaps[0])), items="latent")
    return cross_lagged(table, ux, cx, unit=unit, wave=wave, estimator="ml", level=level, options=options)
