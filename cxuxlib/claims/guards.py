"""What spoils a survey before any claim is judged: shared or computed columns, careless answers, halo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.estimands import contrast, known
from cxuxlib.errors import CxuxError, ModelError, NotAnswerable, listed
from cxuxlib.models import LatentOptions, latent, nested
from cxuxlib.results import Estimate, Moments
from cxuxlib.study import names

Array = NDArray[np.float64]

_SAME = 0.999  # correlation from which two columns are one
_ROUNDING = 0.35  # steps of a scale: what rounding leaves of a sum has the standard deviation √(1/12) = .29
_UNITS = 30  # fewer complete sheets say nothing about either
_LEAST = 0.001  # share of the variance of an outcome, in steps or not, that arithmetic leaves
_NEVER = 0.05  # share without an answer to a facet that is mentioned
_COMMON = 0.4  # share of the first eigenvalue that is mentioned
_LEFT_OUT = 0.2  # share of incomplete sheets that is mentioned
_GROUP = 100  # sheets; with fewer loadings say little
_FALL, _CHANCE = 0.01, 0.01  # of CFI, and the p of the difference, from which loadings are not equal
UNEVEN = "items of UX and CX do not mean the same"
_LEVEL = 0.90  # so that each end is a one-sided 95% bound


class Halo(NamedTuple):
    """Whether CX goes with the facets more than they go with each other, which a manner of answering does not make.

    Args:
        ux: r(UX, CX) less the mean r(UX, other facets), with its 90% interval.
        every: mean r(CX, facets) less the mean r among the facets, with its 90% interval.
        out: whether halo alone is ruled out, for UX and for the facets together (of two tests, each at 2.5%).
    """

    ux: tuple[float, float, float]
    every: tuple[float, float, float]
    out: tuple[bool, bool]


def refuse(case: Case) -> None:
    """Raise `NotAnswerable` where constructs share a question, or one is computed from the others."""
    fault = case.once("fault", lambda: _shared(case) or _copies(case))
    if fault:
        raise NotAnswerable(fault)


def _shared(case: Case) -> str:
    """Columns or questions that stand for two constructs."""
    seen: dict[str, tuple[str, tuple[str, str]]] = {}
    for column in case.study.columns:
        if column.role not in ("item", "cx", "loyalty"):
            continue
        home = (column.role, column.facet if column.construct == "other facet" else column.construct)
        question = column.description.casefold().strip(" .?")
        for key in (f"column {column.name}", f"question {question}" if question else ""):
            other, there = seen.setdefault(key, (column.name, home)) if key else (column.name, home)
            if there != home:
                return (
                    f"{column.name!r} stands for two constructs ({other!r} asks the same): what they share would be "
                    "found again as their relation. Leave it out of one."
                )
    return ""


def _copies(case: Case) -> str:
    """Columns of two constructs with the same answers, or outcomes that are computed from the facets' items."""
    if case.sheets is None:
        return ""
    home = {item: name for name, items in case.facets.items() for item in items}
    home |= dict.fromkeys(case.cx, "CX") | dict.fromkeys(case.loyalty, "loyalty")
    items = list(case.sheets.items)
    whole = ~np.isnan(case.sheets.x).any(axis=1)
    x, n = case.sheets.x[whole], case.sheets.n[whole]
    if n.sum() < _UNITS + 3 * len(items):
        return ""
    centred = (x - n @ x / n.sum()) * np.sqrt(n)[:, None]
    moments = centred.T @ centred
    size = np.sqrt(np.maximum(np.diag(moments), 1e-12))
    corr = moments / np.outer(size, size)
    for a, b in np.argwhere(np.triu(corr, 1) > _SAME):
        if home[items[a]] != home[items[b]]:
            return (
                f"{items[a]!r} ({home[items[a]]}) and {items[b]!r} ({home[items[b]]}) hold the same answers: "
                "constructs that share a question go together whatever is true. Leave one out."
            )
    causes = [place for place, item in enumerate(items) if home[item] not in ("CX", "loyalty")]
    outcomes = [place for place, item in enumerate(items) if home[item] in ("CX", "loyalty")]
    if len(causes) < 2 or not outcomes:
        return ""
    slopes = np.linalg.lstsq(centred[:, causes], centred[:, outcomes], rcond=None)[0]
    left = ((centred[:, outcomes] - centred[:, causes] @ slopes) ** 2).sum(axis=0)
    for place, rest in zip(outcomes, left, strict=True):
        levels = np.unique(x[:, place])
        step = float(np.diff(levels).min()) if len(levels) > 2 else 0.0
        if np.sqrt(rest / (n.sum() - len(causes) - 1)) < _ROUNDING * step or rest < _LEAST * moments[place, place]:
            return (
                f"{items[place]!r} is computed from the items of the facets (nothing but rounding is left): that they "
                "explain it is arithmetic. Ask for it with a question of its own."
            )
    return ""


def uneven(groups: Mapping[str, Array], sizes: Sequence[int]) -> str:
    """What speaks against items that go with UX and with CX alike in two groups; nothing where nothing does.

    The loadings of the two-factor model are made equal. Where that costs more than .01 of CFI, and more than chance at
    1%, relations of scores do not compare between the groups.

    Args:
        groups: complete answers to the items of UX and then of CX, by the group's name.
        sizes: how many items are of UX and of CX, two at least.

    Source: Cheung & Rensvold 2002, doi:10.1207/S15328007SEM0902_5. Checked against: `models.invariance`.
    """
    if min(len(each) for each in groups.values()) < _GROUP:
        few = min(groups, key=lambda name: len(groups[name]))
        return f"too few sheets {few} ({len(groups[few])}) to tell whether items mean the same {listed(list(groups))}"
    items = tuple(f"x{place}" for place in range(sum(sizes)))
    model = f"UX =~ {' + '.join(items[: sizes[0]])}; CX =~ {' + '.join(items[sizes[0] :])}"
    moments = {name: Moments(len(x), items, x.mean(axis=0), np.cov(x.T)) for name, x in groups.items()}
    try:
        free, equal = (latent(model, moments, options=LatentOptions(equal=each)) for each in ((), ("loadings",)))
        test = nested(equal, free).iloc[0]
    except ModelError:
        return f"whether items mean the same {listed(list(groups))} cannot be told, for the model has no estimates"
    fall = free.quality["cfi"] - equal.quality["cfi"]
    if fall > _FALL and test["p"] < _CHANCE:
        return f"{UNEVEN} {listed(list(groups))}: with equal loadings CFI falls by {fall:.3f}"
    return ""


def halo(case: Case) -> Halo:
    """Compare what CX has in common with the facets with what they have in common with each other."""
    return case.once("halo", lambda: _halo(case))


def _halo(case: Case) -> Halo:
    facets = [name for name in case.measured.constructs if name not in ("CX", "loyalty")]
    corr, covariance = case.measured.among([*facets, "CX"])
    k = len(facets)
    found = [known(contrast(k, x, list(range(k))), corr, covariance) for x in ([0], list(range(k)))]
    ux, every = (each.plain(_LEVEL) for each in found)
    low = [each.plain(0.95)[1] for each in found]
    return Halo(ux, every, (ux[1] > 0, max(low) > 0))


def remarks(case: Case, found: Estimate) -> list[str]:
    """What a reader must know of any ruling: who was left out, what was not used, what the interval assumes."""
    notes = []
    left_out = found.n_missing / max(found.n + found.n_missing, 1)
    if left_out > _LEFT_OUT:
        notes.append(f"{100 * left_out:.0f}% of the answer sheets are incomplete and left out")
    if names(case.study, role="weight"):
        notes.append("unweighted")
    if "normal" in found.method:
        notes.append("only moments are here, so the interval is too narrow where answers pile up")
    return notes


def careless(case: Case) -> list[str]:
    """Sheets with one answer to everything, and what became of them."""
    sheets = case.sheets
    if sheets is None or not sheets.straight:
        return []
    what = "left out" if sheets.left_out else "kept, for so many may well mean it"
    return [f"{sheets.straight:,} answer sheets give one answer to everything and are {what}"]


def never(case: Case) -> list[str]:
    """Facets that some who rated the whole did not rate, and how these differ in CX."""
    sheets = case.sheets
    said: list[str] = []
    if sheets is None or not case.cx:
        return said
    at = [sheets.items.index(item) for item in case.cx]
    there = ~np.isnan(sheets.x[:, at]).any(axis=1)
    x, n = sheets.x[there], sheets.n[there]
    if not n.sum() > 1:
        return said
    cx = x[:, at].mean(axis=1)
    spread = float(np.sqrt(n @ (cx - n @ cx / n.sum()) ** 2 / n.sum()))
    for name, items in case.facets.items():
        gone = np.isnan(x[:, [sheets.items.index(item) for item in items]]).all(axis=1)
        share = float(n[gone].sum() / n.sum())
        if share > _NEVER and share < 1 and spread > 0:
            gap = float(np.average(cx[gone], weights=n[gone]) - np.average(cx[~gone], weights=n[~gone])) / spread
            said.append(f"{100 * share:.0f}% rate nothing of {name} (their CX differs by {text.number(gap, 2)} SD)")
    return said


def common(case: Case) -> list[str]:
    """The first eigenvalue of the items, where much of all answers is one thing."""
    items = [item for block in case.measured.items.values() for item in block]
    facets = {item for each in case.facets.values() for item in each}
    at = [place for place, item in enumerate(items) if item in facets]
    first = float(np.linalg.eigvalsh(case.measured.between[np.ix_(at, at)])[-1])
    if first <= _COMMON * len(at):
        return []
    return [
        f"the first eigenvalue of the {len(at)} items is {first:.2f}: all ratings move together, by halo or by "
        "agreement, which one questionnaire cannot tell"
    ]


def named(found: tuple[float, float, float]) -> str:
    """A contrast in words."""
    return f"{text.number(found[0])} {text.interval(found[1], found[2], 3)}"


def ruled_out(case: Case) -> bool:
    """Whether halo alone is ruled out for UX; not where no model of UX, other facets and CX can be had."""
    if not {"UX", "CX"} <= set(case.blocks) or len(case.blocks) < 4:
        return False
    try:
        return halo(case).out[0]
    except CxuxError:
        return False
