"""From claims and a study to rulings: gates, bounds that the study set, and the correction for several claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from math import nan

import pandas as pd

from cxuxlib.claims.case import Case
from cxuxlib.claims.composites import Conclusion
from cxuxlib.claims.rates import missed_goal
from cxuxlib.claims.ruling import Claim, Evidence, Region, Ruling, range_of, together
from cxuxlib.errors import ArgumentError, DataError, ModelError, NotAnswerable, SampleError, unknown
from cxuxlib.stats.multiplicity import holm
from cxuxlib.study import Study

_WRONG = 0.05  # chance of a wrong verdict that is accepted, among all claims of a kind together
_COLUMNS = [
    "claim", "sentence", "verdict", "value", "low", "high", "level", "n", "holds", "fails", "rung", "reason",
    "p", "corrected", "bound",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rulings:
    """The rulings of one study, in the order of the claims, and what follows from them together."""

    study: str
    rulings: tuple[Ruling, ...]
    source: str = ""
    conclusions: tuple[Conclusion, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per claim.

        Columns: claim, sentence, verdict, value, low, high, level, n, holds, fails, rung, reason, p, corrected (the
        verdict that stays when the claims of its kind are judged together, by Holm), bound ("default" or "set by the
        study").
        """
        rows = []
        for each in self.rulings:
            e = each.estimate
            found = (e.value, e.low, e.high, e.level, e.n) if e else (nan,) * 3 + (each.region.level, 0)
            rows.append((
                each.claim.id, each.claim.sentence, each.verdict, *found,
                range_of(each.region.holds), range_of(each.region.fails), each.rung or "–", each.reason,
                each.p, each.corrected or each.verdict, "set by the study" if each.bound_set else "default",
            ))  # fmt: skip
        return pd.DataFrame(rows, columns=_COLUMNS)

    def __repr__(self) -> str:
        lines = [f"  {each!r}" for each in self.rulings] + [f"  {each!r}" for each in self.conclusions]
        return "\n".join([f"Rulings on {self.study}:", *lines])

    def _repr_html_(self) -> str:
        shown = "".join(each._repr_html_() for each in self.rulings)
        shown += "".join(each._repr_html_() for each in self.conclusions)
        return f"<p>Rulings on {escape(self.study)}</p>{shown}"


def judge(claim: Claim, study: Study) -> Ruling:
    """Put one claim to the test in one study.

    The gates of a claim are judged first; where one is not supported, the claim is not answerable. Bounds that the
    study has set (``study.claims``) take the place of the claim's.

    Args:
        claim: one of `claims.ALL`, or one's own.
        study: from `datasets`, or one's own.

    Returns:
        A `Ruling`: supported, refuted, undecided, or not answerable with the reason.

    Raises:
        ArgumentError: these are not a claim and a study. CxuxError: the study's data or bounds are at fault.

    Source: decision by an interval against a declared region, Lakens, Scheel & Isager 2018,
    doi:10.1177/2515245918770963. Checked against: worlds where each claim is true, false and on the border.

    >>> from cxuxlib import claims, datasets
    >>> claims.judge(claims.UX_IS_DISTINCT, datasets.aggregates("mobi")).verdict
    'refuted'
    """
    if not isinstance(claim, Claim) or not isinstance(study, Study):
        given = f"{type(claim).__name__} and {type(study).__name__}"
        raise ArgumentError(f"judge takes a claim (see claims.ALL) and a study (see datasets); got {given}.")
    return ruled(claim, Case(study))


def ruled(claim: Claim, case: Case) -> Ruling:
    """The ruling on a claim, which is judged once in a case."""
    return case.once(f"ruling {claim.id} {id(claim)}", lambda: _ruled(claim, case))


def _ruled(claim: Claim, case: Case) -> Ruling:
    bound_set = claim.id in case.study.claims
    region = claim.region_with(case.study.claims[claim.id]) if bound_set else claim.region
    for gate in claim.gates:
        ruling = ruled(gate, case)
        if ruling.verdict != "supported":
            why = f"{gate.id} ({gate.sentence}) must be supported first, and is {ruling.verdict}. {ruling.reason}"
            return Ruling(claim, "not answerable", None, region, None, why, bound_set=bound_set)
    try:
        found = claim.test(case, region.level)
    except (NotAnswerable, ModelError, SampleError) as why_not:
        return Ruling(claim, "not answerable", None, region, None, str(why_not), bound_set=bound_set)
    seen, both = together([(found.estimate, region), *found.also])
    verdict = "undecided" if seen in found.cannot else seen
    reason = found.reason + (_small(found, region) if seen == "undecided" else "")
    reason += missed_goal(claim.id, verdict, found.estimate.n)
    p = min(
        (p for p, kind in zip(both, ("supported", "refuted"), strict=True) if kind not in found.cannot), default=nan
    )
    return Ruling(claim, verdict, found.estimate, region, found.rung or claim.rung, reason, p, bound_set=bound_set)


def _small(found: Evidence, region: Region) -> str:
    """What to say where even no effect at all would be undecided."""
    e, none = found.estimate, 1 if found.ratio else 0
    ends = (e.low / e.value, e.high / e.value) if found.ratio else (e.low - e.value, e.high - e.value)
    without = replace(e, value=float(none), low=ends[0], high=ends[1])
    if none in (*region.holds, *region.fails) or region.verdict(without) != "undecided":
        return ""
    what = "a ratio of 1" if found.ratio else "an effect of 0"
    return f" The sample is too small: with errors of this size even {what} would be undecided."


def ruled_together(families: Sequence[Sequence[Claim]], case: Case) -> tuple[Ruling, ...]:
    """The rulings on all claims of a study, each with the verdict that stays after Holm's correction in its family."""
    known = {claim.id for family in families for claim in family}
    for name in case.study.claims:
        if name not in known:
            raise DataError(f"The study sets a bound: {unknown('claim', name, sorted(known))}")
    found: list[Ruling] = []
    for family in families:
        rulings = [ruled(claim, case) for claim in family]
        found += [
            replace(each, corrected="undecided" if each.decided and p >= _WRONG else each.verdict)
            for each, p in zip(rulings, holm([each.p for each in rulings]), strict=True)
        ]
    return tuple(found)
