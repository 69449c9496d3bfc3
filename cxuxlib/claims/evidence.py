"""The tests behind the claims on UX and CX themselves: are they two, and does service weigh at least as much?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.claims.case import GLOBAL_ITEMS, UNITS, Case
from cxuxlib.claims.guards import careless, refuse, remarks
from cxuxlib.claims.ruling import Evidence, Verdict
from cxuxlib.errors import ModelError, NotAnswerable, listed
from cxuxlib.models import factor_correlation, htmt, key_drivers, latent_drivers, share_difference
from cxuxlib.results import Estimate

_COMMON = 0.4  # share of the first eigenvalue above which a ruling mentions that all ratings move together


def overall_items(case: Case) -> list[str]:
    """The items of CX, of which there must be enough."""
    if len(case.cx) < GLOBAL_ITEMS:
        also = f", and {listed(case.loyalty)} for loyalty, which is an outcome of its own" if case.loyalty else ""
        raise NotAnswerable(
            f"CX needs at least {GLOBAL_ITEMS} overall items of its own; the study has {listed(case.cx)}{also}. "
            "With fewer, what is CX cannot be told from the error of a single question."
        )
    return case.cx


def distinct(case: Case, level: float) -> Evidence:
    """A0: correlation of UX and CX in a two-factor model, with HTMT2 as a check."""
    ux = case.facets.get("UX", [])
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux)}.")
    constructs = {"UX": ux, "CX": overall_items(case)}
    refuse(case)
    items = [*ux, *case.cx]
    data, frequency = case.rows(items), None if case.sheets is None else UNITS
    row = _two_factors(case, data, constructs, level)
    check = htmt(data, constructs, frequency=frequency, level=level).iloc[1]
    if np.isnan(row["value"]):
        raise NotAnswerable("The two-factor model of UX and CX does not converge on these data.")
    missing = row["n_missing"] + (case.sheets.n_missing if case.sheets is not None else 0)
    found = Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, "r(UX, CX), error-free", missing
    )
    parts = [f"Two-factor model of {len(ux)} UX and {len(case.cx)} overall items"]
    parts.append(f"HTMT2 as a check is {text.number(check['value'])} {text.interval(check['low'], check['high'], 3)}")
    if row["n_negative"]:
        parts.append(f"{row['n_negative']} correlations are negative: are all items keyed the same way?")
    return Evidence(found, "; ".join([*parts, *careless(case), *remarks(case, found)]) + ".")


def _two_factors(case: Case, data: Any, constructs: dict[str, list[str]], level: float) -> Any:
    """The correlation of the factors, of ordered answers where they are such."""
    if case.sheets is None:
        return factor_correlation(data, constructs, level=level).iloc[0]
    items = [item for each in constructs.values() for item in each]
    table = case.table(items)
    if table.ordered:
        few = pd.DataFrame(table.joined.x, columns=items).assign(**{UNITS: table.n})
        try:
            return factor_correlation(few, constructs, items="ordered", frequency=UNITS, level=level).iloc[0]
        except ModelError:  # two items with a polychoric correlation of ±1, which has no error; as numbers below 1
            if table.piled:
                raise
    return factor_correlation(data, constructs, frequency=UNITS, level=level).iloc[0]


def service_minus_ux(case: Case, level: float) -> Evidence:
    """B4: Shapley share of service minus that of UX in the overall rating, both freed of measurement error."""
    blocks = {name: case.facets.get(name, []) for name in ("UX", "service")}
    for name, items in blocks.items():
        if not items:
            raise NotAnswerable(f"The study has no {name} items.")
    if not case.cx:
        raise NotAnswerable("The study has no overall rating of the experience.")
    refuse(case)
    blocks |= {f"facet {name}": items for name, items in case.facets.items() if name not in blocks}
    every = [item for items in blocks.values() for item in items]
    data = case.study.tables.get("answers")
    data = case.moments([*case.cx, *every]) if data is None else data
    seen = key_drivers(data, case.cx[0], groups=blocks, level=level)
    observed = share_difference(seen, "service", "UX", level=level)
    said = f"{text.number(observed.value)} {text.interval(observed.low, observed.high, 3)}"
    alone = [name for name in ("UX", "service") if len(blocks[name]) < 2]
    try:
        if alone:
            raise ModelError(f"{listed(alone)} has a single item, whose error nobody knows.")
        freed = share_difference(latent_drivers(data, case.cx, blocks, level=level), "service", "UX", level=level)
        parts = [f"Association with {listed(case.cx)}; of the answers as they are, the difference is {said}"]
    except ModelError as reason:
        freed = None
        parts = [
            f"The answers as they are differ by {said}, but that compares how well the two were measured as much as "
            f"what they matter. {str(reason).rstrip('.')}"
        ]
    first = seen.quality["first_eigenvalue"]
    if first > _COMMON * len(every):
        parts.append(
            f"the first eigenvalue of the {len(every)} items is {first:.2f}: all ratings "
            "move together, by halo or by agreement, which one questionnaire cannot tell"
        )
    cannot: tuple[Verdict, ...] = () if freed is not None else ("supported", "refuted")
    return Evidence(freed or observed, "; ".join([*parts, *remarks(case, observed)]) + ".", cannot)
