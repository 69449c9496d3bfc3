"""The tests behind the claims: from a study to an estimate and what must be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice
from typing import Any

import numpy as np

from cxuxlib import text
from cxuxlib.claims.ruling import Evidence
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.models import htmt, key_drivers, share_difference
from cxuxlib.results import Estimate
from cxuxlib.study import Study, families, names, pooled

_GLOBAL_ITEMS = 3  # fewer overall items cannot tell what is CX from what is error in one item
_HALO = 0.4  # share of the first eigenvalue above which one common answer tendency is likely
_LEFT_OUT = 0.2  # share of incomplete answer sheets that a ruling mentions
_CHOICES = 60  # draws of equal numbers of items that are compared at most


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
    """A0: HTMT2 of the UX items and the study's own overall items."""
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
    table = htmt(complete(study, [*ux, *cx]), {"UX": ux, "CX": cx}, level=level)
    row, plain = table.iloc[1], table.iloc[0]
    if np.isnan(row["value"]):
        raise NotAnswerable("Some items correlate negatively; reverse the items that are keyed the other way round.")
    found = Estimate(
        row["value"], row["low"], row["high"], row["n"], row["method"], level, "HTMT2(UX, CX)", row["n_missing"]
    )
    normal = "" if "answers" in study.tables else (
        " Only moments are here, so the interval rests on normal theory: it is too narrow where answers pile up."
    )  # fmt: skip
    return Evidence(
        found,
        f"{len(ux)} UX items against {len(cx)} overall items; HTMT, the same with arithmetic means, is "
        f"{text.number(plain['value'])} {text.interval(plain['low'], plain['high'])}.{normal}",
    )


def service_minus_ux(study: Study, level: float) -> Evidence:
    """B4: Shapley share of the service block minus that of the UX block, in explaining the overall rating."""
    blocks = {
        "UX": names(study, role="item", construct="UX"),
        "service": names(study, role="item", construct="service"),
    }
    outcomes = names(study, role="cx")
    for name, items in blocks.items():
        if not items:
            raise NotAnswerable(f"The study has no {name} items.")
    if not outcomes:
        raise NotAnswerable("The study has no overall rating of the experience.")
    for column in study.columns:
        if column.role == "item" and column.construct == "other facet":
            blocks.setdefault(column.facet, []).append(column.name)
    outcome = outcomes[0]
    every = [item for items in blocks.values() for item in items]
    data = complete(study, [outcome, *every])
    fit = key_drivers(data, outcome, groups=blocks, level=level)
    whole = share_difference(fit, "service", "UX", level=level)

    parts = [f"Association with {outcome!r}; R² = {text.number(fit.quality['R2'])}"]
    sizes = {name: len(blocks[name]) for name in ("service", "UX")}
    estimate = whole
    if sizes["service"] != sizes["UX"]:
        equal = _on_equal_numbers(data, outcome, blocks, level)
        estimate = Estimate(
            whole.value, min(whole.low, equal[1]), max(whole.high, equal[2]), whole.n,
            f"{whole.method}, spanning blocks and equal numbers of items", level, whole.name, whole.n_missing,
        )  # fmt: skip
        parts.append(
            f"service has {sizes['service']} items and UX {sizes['UX']}, and more items take a larger share, so the "
            f"interval spans the difference of the blocks, {text.number(whole.value)} "
            f"{text.interval(whole.low, whole.high, 3)}, and the average over equal numbers of items, "
            f"{text.number(equal[0])} {text.interval(equal[1], equal[2], 3)}"
        )
    halo = fit.quality["first_eigenvalue"] / len(every)
    if halo > _HALO:
        parts.append(
            f"the first eigenvalue of the {len(every)} items is {fit.quality['first_eigenvalue']:.2f}: a halo, so "
            "single shares say less than they seem to"
        )
    left_out = whole.n_missing / (whole.n + whole.n_missing)
    if left_out > _LEFT_OUT:
        parts.append(f"{100 * left_out:.0f}% of the answer sheets are incomplete and left out")
    return Evidence(estimate, "; ".join(parts) + ".")


def _on_equal_numbers(
    data: Any, outcome: str, blocks: dict[str, list[str]], level: float
) -> tuple[float, float, float]:
    """Average difference over draws of equally many items from both facets, with its interval.

    The draws share their respondents; taking the average half-width treats them as perfectly correlated, which
    can only make the interval too wide.
    """
    size = min(len(blocks["UX"]), len(blocks["service"]))
    draws = (
        {**blocks, "UX": list(ux), "service": list(service)}
        for ux in combinations(blocks["UX"], size)
        for service in combinations(blocks["service"], size)
    )
    found = [
        share_difference(key_drivers(data, outcome, groups=draw, level=level), "service", "UX", level=level)
        for draw in islice(draws, _CHOICES)
    ]
    return (
        float(np.mean([each.value for each in found])),
        float(np.mean([each.low for each in found])),
        float(np.mean([each.high for each in found])),
    )
