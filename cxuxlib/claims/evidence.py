"""The tests behind the claims: from a study to an estimate and what must be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cxuxlib import text
from cxuxlib.claims.ruling import Evidence
from cxuxlib.errors import ModelError, NotAnswerable, listed
from cxuxlib.models import factor_correlation, htmt, key_drivers, latent_drivers, share_difference
from cxuxlib.results import Estimate
from cxuxlib.study import Study, families, names, pooled

_GLOBAL_ITEMS = 3  # fewer overall items cannot tell what is CX from what is error in one item
_COMMON = 0.4  # share of the first eigenvalue above which a ruling mentions that all ratings move together
_LEFT_OUT = 0.2  # share of incomplete answer sheets that a ruling mentions


def complete(study: Study, columns: Sequence[str]) -> Any:
    """The study's rows, or where only moments are shipped, the pooled moments that hold these columns."""
    if "answers" in study.tables:
        return study.tables["answers"]
    holding = {
        family: len(tables[0].names)
        for family, tables in families(study).items()
        if set(columns) <= set(tables[0].names)
    }
    if not holding:
        raise NotAnswerable(f"The study has neither rows nor moments that hold all of {listed(columns)}.")
    return pooled(study, min(holding, key=holding.__getitem__))


def distinct(study: Study, level: float) -> Evidence:
    """A0: correlation of UX and CX in a two-factor model, with HTMT2 as a check."""
    ux, cx = names(study, role="item", construct="UX"), names(study, role="cx")
    loyalty = names(study, role="loyalty")
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux)}.")
    if len(cx) < _GLOBAL_ITEMS:
        also = f", and {listed(loyalty)} for loyalty, which is an outcome of its own" if loyalty else ""
        raise NotAnswerable(
            f"CX needs at least {_GLOBAL_ITEMS} overall items of its own; the study has {listed(cx)}{also}. "
            "With fewer, what is CX cannot be told from the error of a single question."
        )
    data, constructs = complete(study, [*ux, *cx]), {"UX": ux, "CX": cx}
    row = factor_correlation(data, constructs, level=level).iloc[0]
    check = htmt(data, constructs, level=level).iloc[1]
    if np.isnan(row["value"]):
        raise NotAnswerable("The two-factor model of UX and CX does not converge on these data.")
    found = Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, "r(UX, CX), error-free", row["n_missing"]
    )
    parts = [f"Two-factor model of {len(ux)} UX and {len(cx)} overall items"]
    parts.append(f"HTMT2 as a check is {text.number(check['value'])} {text.interval(check['low'], check['high'], 3)}")
    if row["n_negative"]:
        parts.append(f"{row['n_negative']} correlations are negative: are all items keyed the same way?")
    return Evidence(found, "; ".join([*parts, *_notes(study, found)]) + ".")


def service_minus_ux(study: Study, level: float) -> Evidence:
    """B4: Shapley share of service minus that of UX in the overall rating, both freed of measurement error."""
    blocks = {
        "UX": names(study, role="item", construct="UX"),
        "service": names(study, role="item", construct="service"),
    }
    outcome = names(study, role="cx")
    for name, items in blocks.items():
        if not items:
            raise NotAnswerable(f"The study has no {name} items.")
    if not outcome:
        raise NotAnswerable("The study has no overall rating of the experience.")
    for column in study.columns:
        if column.role == "item" and column.construct == "other facet":
            blocks.setdefault(f"facet {column.facet}", []).append(column.name)
    every = [item for items in blocks.values() for item in items]
    data = complete(study, [*outcome, *every])
    seen = key_drivers(data, outcome[0], groups=blocks, level=level)
    observed = share_difference(seen, "service", "UX", level=level)
    said = f"{text.number(observed.value)} {text.interval(observed.low, observed.high, 3)}"
    alone = [name for name in ("UX", "service") if len(blocks[name]) < 2]
    try:
        if alone:
            raise ModelError(f"{listed(alone)} has a single item, whose error nobody knows.")
        freed = share_difference(latent_drivers(data, outcome, blocks, level=level), "service", "UX", level=level)
        parts = [f"Association with {listed(outcome)}; of the answers as they are, the difference is {said}"]
    except ModelError as reason:
        freed = None
        parts = [
            f"The answers as they are differ by {said}, but that compares how well the two were measured as much as "
            f"what they matter. {str(reason).rstrip('.')}"
        ]
    common = seen.quality["first_eigenvalue"] / len(every)
    if common > _COMMON:
        parts.append(
            f"the first eigenvalue of the {len(every)} items is {seen.quality['first_eigenvalue']:.2f}: all ratings "
            "move together, by halo or by agreement, which one questionnaire cannot tell"
        )
    return Evidence(freed or observed, "; ".join([*parts, *_notes(study, observed)]) + ".", decides=freed is not None)


def _notes(study: Study, found: Estimate) -> list[str]:
    """What a reader must know of any ruling: who was left out, what was not used, what the interval assumes."""
    notes = []
    left_out = found.n_missing / (found.n + found.n_missing)
    if left_out > _LEFT_OUT:
        notes.append(f"{100 * left_out:.0f}% of the answer sheets are incomplete and left out")
    if names(study, role="weight"):
        notes.append("unweighted")
    if "normal" in found.method:
        notes.append("only moments are here, so the interval is too narrow where answers pile up")
    return notes
