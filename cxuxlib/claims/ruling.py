"""What a claim is, and what may be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from math import inf
from typing import Literal

import pandas as pd

from cxuxlib.errors import ArgumentError, NotAnswerable
from cxuxlib.results import Estimate
from cxuxlib.study import Study

Verdict = Literal["supported", "refuted", "undecided", "not answerable"]
Rung = Literal["association", "temporal", "quasi-experiment", "experiment"]


@dataclass(frozen=True, slots=True)
class Region:
    """Where an estimate must lie for a claim to be supported, and where for it to be refuted.

    Args:
        holds: (low, high); the claim is supported where the whole interval lies inside.
        fails: (low, high); the claim is refuted where the whole interval lies inside.
        level: of the interval. At 0.90 each end is a one-sided 95% bound, so either verdict is meant
            to err in 5% of samples where the truth lies on the border (3 to 8% in the simulations so far).

    >>> Region(holds=(-inf, 0.9), fails=(0.9, inf)).verdict(Estimate(0.7, 0.6, 0.8, 300, "t", level=0.9))
    'supported'
    """

    holds: tuple[float, float]
    fails: tuple[float, float]
    level: float = 0.90

    def verdict(self, estimate: Estimate) -> Verdict:
        """Say which region the interval lies in: supported, refuted, or undecided where it lies in neither."""
        if not abs(estimate.level - self.level) < 1e-12:
            raise ArgumentError(f"The region wants an interval of level {self.level}; this one has {estimate.level}.")
        for (low, high), verdict in ((self.holds, "supported"), (self.fails, "refuted")):
            if low < estimate.low and estimate.high < high:
                return verdict  # type: ignore[return-value]
        return "undecided"

    def __str__(self) -> str:
        return f"holds {_range(self.holds)}, fails {_range(self.fails)}"


def _range(ends: tuple[float, float]) -> str:
    low, high = ends
    if low == -inf:
        return f"below {high:g}"
    return f"above {low:g}" if high == inf else f"within {low:g} to {high:g}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the test of a claim found: an estimate, what a reader must know of it, and whether it may decide."""

    estimate: Estimate
    reason: str
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that data can prove wrong, with the rule written before the data.

    Args:
        id: short name.
        sentence: the claim in words.
        source: who claims it.
        estimand: the quantity that decides.
        region: the decision rule.
        test: computes the evidence from a study, or raises `NotAnswerable` with the reason.
        rung: the strongest rung of evidence that the test can reach.
        true_where, false_where: a world in which the claim holds, and one in which it fails.
        gates: claims that must be supported first.
    """

    id: str
    sentence: str
    source: str
    estimand: str
    region: Region
    test: Callable[[Study, float], Evidence] = field(repr=False)
    rung: Rung
    true_where: str
    false_where: str
    gates: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict on one claim in one study.

    >>> claim = Claim("X", "more is better", "test", "slope", Region((0, inf), (-inf, 0)), None, "association", "", "")
    >>> Ruling(claim, "undecided", Estimate(0.1, -0.1, 0.3, 50, "t", 0.9, "slope"), claim.region, "association", "why")
    X undecided: slope = 0.10, 90% CI [-0.10, 0.30], n = 50 (t); holds above 0, fails below 0; association. why
    """

    claim: Claim
    verdict: Verdict
    estimate: Estimate | None
    region: Region
    rung: Rung | None
    reason: str

    def __repr__(self) -> str:
        found = f": {self.estimate!r}; {self.region}; {self.rung}." if self.estimate else ":"
        return f"{self.claim.id} {self.verdict}{found} {self.reason}"

    def _repr_html_(self) -> str:
        found = f"<br>{escape(repr(self.estimate))}; {escape(str(self.region))}; {self.rung}." if self.estimate else ""
        return (
            f"<p><strong>{escape(self.claim.id)} {escape(self.verdict)}</strong>: {escape(self.claim.sentence)}."
            f"{found}<br>{escape(self.reason)}</p>"
        )


@dataclass(frozen=True, slots=True)
class Rulings:
    """The rulings of one study, in the order of the claims."""

    study: str
    rulings: tuple[Ruling, ...]
    source: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """One row per claim: claim, sentence, verdict, value, low, high, level, n, holds, fails, rung, reason."""
        rows = []
        for each in self.rulings:
            e = each.estimate
            found = (e.value, e.low, e.high, e.level, e.n) if e else (float("nan"),) * 3 + (each.region.level, 0)
            rows.append((
                each.claim.id, each.claim.sentence, each.verdict, *found,
                _range(each.region.holds), _range(each.region.fails), each.rung or "–", each.reason,
            ))  # fmt: skip
        return pd.DataFrame(rows, columns=[
            "claim", "sentence", "verdict", "value", "low", "high", "level", "n", "holds", "fails", "rung", "reason",
        ])  # fmt: skip

    def __repr__(self) -> str:
        return f"Rulings on {self.study}:\n" + "\n".join(f"  {each!r}" for each in self.rulings)

    def _repr_html_(self) -> str:
        return f"<p>Rulings on {escape(self.study)}</p>" + "".join(each._repr_html_() for each in self.rulings)


def judge(claim: Claim, study: Study) -> Ruling:
    """Put one claim to the test in one study.

    The gates of a claim are judged first; where one is not supported, the claim is not answerable.

    Args:
        claim: one of `claims.ALL`, or one's own.
        study: from `datasets`, or one's own.

    Returns:
        A `Ruling`: supported, refuted, undecided, or not answerable with the reason.

    Raises:
        ArgumentError: these are not a claim and a study. CxuxError: the study's data are at fault.

    Source: decision by an interval against a declared region, Lakens, Scheel & Isager 2018,
    doi:10.1177/2515245918770963. Checked against: worlds where each claim is true, false and on the border.

    >>> from cxuxlib import claims, datasets
    >>> claims.judge(claims.UX_IS_DISTINCT, datasets.aggregates("mobi")).verdict
    'refuted'
    """
    if not isinstance(claim, Claim) or not isinstance(study, Study):
        given = f"{type(claim).__name__} and {type(study).__name__}"
        raise ArgumentError(f"judge takes a claim (see claims.ALL) and a study (see datasets); got {given}.")
    for gate in claim.gates:
        ruling = judge(gate, study)
        if ruling.verdict != "supported":
            why = f"{gate.id} ({gate.sentence}) must be supported first, and is {ruling.verdict}. {ruling.reason}"
            return Ruling(claim, "not answerable", None, claim.region, None, why)
    try:
        found = claim.test(study, claim.region.level)
    except NotAnswerable as reason:
        return Ruling(claim, "not answerable", None, claim.region, None, str(reason))
    verdict = claim.region.verdict(found.estimate) if found.decides else "undecided"
    return Ruling(claim, verdict, found.estimate, claim.region, claim.rung, found.reason)
