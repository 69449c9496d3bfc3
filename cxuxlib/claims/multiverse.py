"""Does a ruling hang on choices that might have been made otherwise? And how large must a study be to be ruled on?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import product
from math import nan, sqrt

import numpy as np
import pandas as pd

from cxuxlib.claims.case import GLOBAL_ITEMS, Case, Way
from cxuxlib.claims.judging import ruled
from cxuxlib.claims.ruling import Claim, Ruling, Verdict
from cxuxlib.errors import ArgumentError
from cxuxlib.study import Study
from cxuxlib.worlds import World, make

__all__ = ["Robustness", "power", "robustness"]

_LEAST = 2  # items that a facet keeps
_REPLICATIONS = 20
_VERDICTS: tuple[Verdict, ...] = ("supported", "refuted", "undecided", "not answerable")
_WAYS = tuple(
    Way(answers, sheets, straight)  # type: ignore[arg-type]
    for answers, sheets, straight in product(("ordered", "numbers"), ("all", "complete"), ("left out", "kept"))
)


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """The rulings on one claim in one study, under choices that might have been made otherwise.

    Args:
        claim: the claim.
        study: name of the study.
        ruling: the ruling, as `judge` gives it.
        table: one row per specification, the ruling's own first: without (the item that is left out, or ""), answers,
            sheets, straight, verdict, value, low, high, n.
    """

    claim: Claim
    study: str
    ruling: Ruling
    table: pd.DataFrame

    @property
    def share(self) -> float:
        """Share of the specifications with the ruling's verdict."""
        return float((self.table["verdict"] == self.ruling.verdict).mean())

    def __repr__(self) -> str:
        counts = Counter(self.table["verdict"])
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS if counts[verdict])
        values = self.table["value"].dropna()
        between = f"; estimates from {values.min():.3f} to {values.max():.3f}" if len(values) else ""
        head = f"{self.claim.id} in {self.study}: {self.ruling.verdict}"
        return f"{head}; of {len(self.table)} specifications {told}{between}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def robustness(claim: Claim, study: Study) -> Robustness:
    """Judge a claim again under every combination of choices that might have been made otherwise.

    Answers as ordered or as numbers (but for claims that go by order alone), all sheets or complete ones, sheets of one
    and the same answer left out or kept, and all items or all but one of a facet (which keeps two, CX three). The
    specifications share their data, so that their number says nothing: the share with the same verdict describes, and
    tests nothing.

    Args:
        claim: one of `claims.ALL`, or one's own.
        study: from `datasets` or `worlds`, or one's own; of moments only the items can be chosen.

    Returns:
        `Robustness`: the ruling, the table of specifications, and the share that has the same verdict.

    Raises:
        ArgumentError: these are not a claim and a study. CxuxError: the study's data or bounds are at fault.

    Source: Steegen, Tuerlinckx, Gelman & Vanpaemel 2016, doi:10.1177/1745691616658637; Simonsohn, Simmons & Nelson
    2020, doi:10.1038/s41562-020-0912-z. Checked against: `judge` on the changed study.

    >>> from cxuxlib import claims, datasets
    >>> robustness(claims.UX_IS_DISTINCT, datasets.aggregates("mobi"))
    A0 distinct in mobi: refuted; of 13 specifications 10 refuted, 3 undecided; estimates from 0.930 to 0.979
    """
    if not isinstance(claim, Claim) or not isinstance(study, Study):
        raise ArgumentError(
            f"robustness takes a claim (see claims.ALL) and a study; got {type(claim).__name__} and "
            f"{type(study).__name__}."
        )
    ways = _WAYS if "answers" in study.tables else _WAYS[:1]
    ways = tuple(way for way in ways if way.answers == "ordered" or not claim.ordinal)
    rows, first = [], None
    for without, way in product(("", *_droppable(Case(study))), ways):
        part = replace(study, columns=tuple(each for each in study.columns if each.name != without))
        ruling = ruled(claim, Case(part, way))
        first = ruling if first is None else first
        e = ruling.estimate
        found = (e.value, e.low, e.high, e.n) if e else (nan, nan, nan, 0)
        rows.append((without, *way, ruling.verdict, *found))
    assert first is not None
    names = ["without", "answers", "sheets", "straight", "verdict", "value", "low", "high", "n"]
    return Robustness(claim, study.name, first, pd.DataFrame(rows, columns=names))


def _droppable(case: Case) -> Iterator[str]:
    """Items that a facet, or CX, can be measured without."""
    for items in case.facets.values():
        if len(items) > _LEAST:
            yield from items
    if len(case.cx) > GLOBAL_ITEMS:
        yield from case.cx


def power(
    claim: Claim,
    world: str | World,
    *,
    n: Sequence[int],
    replications: int = 200,
    waves: int = 1,
    rng: int | np.random.Generator,
) -> pd.DataFrame:
    """Simulate how often a claim is decided in a world, by the number of customers.

    Args:
        claim: one of `claims.ALL`, or one's own.
        world: a name of `worlds.names`, or a world of one's own (`worlds.changed`).
        n: numbers of customers.
        replications: simulated studies of each size, 20 or more.
        waves: of a study; "E1 precision" takes two.
        rng: seed or generator.

    Returns:
        One row per size: n, supported, refuted, undecided, not_answerable (shares), decided (the first two),
        simulation_error (of decided), replications.

    Raises:
        ArgumentError: no claim, no such world, no sizes, or too few replications.

    Source: made for cxuxlib; Riesthuis 2024, doi:10.1177/25152459241240722 (power for interval hypotheses by
    simulation). Checked against: `judge` on the same draws.

    >>> from cxuxlib import claims
    >>> found = power(claims.UX_IS_DISTINCT, "harbor", n=[150, 600], replications=20, rng=1)
    >>> found[["n", "decided"]].values.tolist()
    [[150.0, 1.0], [600.0, 1.0]]
    """
    if not isinstance(claim, Claim):
        raise ArgumentError(f"power takes a claim (see claims.ALL); got {type(claim).__name__}.")
    if isinstance(n, str) or not isinstance(n, Sequence) or not n:
        raise ArgumentError(f"n lists numbers of customers, such as [300, 1000]; got {n!r:.40}.")
    if not isinstance(replications, int) or replications < _REPLICATIONS:
        raise ArgumentError(f"replications is a whole number, {_REPLICATIONS} or more; got {replications!r}.")
    rows = []
    for size, own in zip(n, np.random.default_rng(rng).spawn(len(n)), strict=True):
        counts = Counter(
            ruled(claim, Case(make(world, n=size, waves=waves, rng=own))).verdict for _ in range(replications)
        )
        shares = {verdict.replace(" ", "_"): counts[verdict] / replications for verdict in _VERDICTS}
        decided = shares["supported"] + shares["refuted"]
        error = sqrt(decided * (1 - decided) / replications)
        rows.append({"n": size} | shares | {"decided": decided, "simulation_error": error})
    return pd.DataFrame(rows).assign(replications=replications)
