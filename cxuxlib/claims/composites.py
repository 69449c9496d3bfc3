"""What several rulings say together: is UX a proper subset of CX, and how high on the ladder does "drives" get?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from cxuxlib.claims.ruling import Ruling, Rung, Verdict

_WRONG = 0.05  # chance of a wrong verdict, one-sided
_RUNGS_OF = ("B1", "B2", "B3")
_REACHED: dict[Rung, str] = {
    "association": "UX goes with loyalty beside the other facets (B1). That is the lowest rung: who answers both "
    "questions on one sheet may do so for reasons of his own, and nothing was changed.",
    "temporal": "Where UX changes, CX changes a wave later, more than the reverse (B2). Nothing was changed on "
    "purpose, so something else may have moved both.",
    "quasi-experiment": "Where a redesign made UX better, CX rose (B3). Whether it was given by lot nobody knows, so "
    "those who got it may have differed in what was not measured.",
}
_BY_LOT: dict[Verdict, str] = {
    "supported": "A redesign that was given by lot made UX better, and CX rose (B3): the highest rung.",
    "refuted": "A redesign that was given by lot made UX better, and CX stayed where it was (B3).",
}
_LOT = "a redesign that is given by lot, with CX asked before and after (B3)"
_ASKED = {
    "B1": "UX, other facets and loyalty asked together (B1)",
    "B2": "three waves or more of the same customers (B2)",
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What follows from several rulings.

    Args:
        id: short name.
        sentence: what is concluded on, in words.
        verdict: as of a claim.
        rung: the highest rung of evidence that was reached; None where there is none.
        reason: the parts, and what stands against it.
    """

    id: str
    sentence: str
    verdict: Verdict
    rung: Rung | None
    reason: str

    def __repr__(self) -> str:
        return f"{self.id} {self.verdict}: {self.sentence}; {self.rung or 'no rung reached'}. {self.reason}"

    def _repr_html_(self) -> str:
        return (
            f"<p><strong>{escape(self.id)} {escape(self.verdict)}</strong>: {escape(self.sentence)}; "
            f"{self.rung or 'no rung reached'}.<br>{escape(self.reason)}</p>"
        )


def proper_subset(rulings: Mapping[str, Ruling], halo_out: bool) -> tuple[Conclusion, Conclusion]:
    """UX is a proper subset of CX: A0 and (A1 or A2) and A3; in the strong form also A5.

    All parts must be supported, each at its own level (an intersection-union test needs no correction); of A1 and A2
    one at half the level. One part that is refuted at its share of the level refutes the whole. Where CX does not go
    with UX more than the other facets do, a manner of answering makes the same picture, and nothing is supported.

    Args:
        rulings: by the claim's id.
        halo_out: whether halo alone is ruled out.
    """
    distinct, facet, part, proper, screened = (_of(rulings, key) for key in ("A0", "A1", "A2", "A3", "A5"))
    either = _either(facet, part)
    plain = {"A0": distinct.verdict, "A1 or A2": either, "A3": proper.verdict}
    worst = {"A0": distinct, "A3": proper}
    refuted_either = either == "refuted" and max(facet.p, part.p) < _WRONG / 3
    found = []
    for strong in (False, True):
        parts = {**plain, "A5": screened.verdict} if strong else plain
        own = {**worst, "A5": screened} if strong else worst
        refuted = [key for key, each in own.items() if each.verdict == "refuted" and each.p < _WRONG / len(parts)]
        verdict = _all(list(parts.values()), bool(refuted) or refuted_either)
        said = ", ".join(f"{key} {each}" for key, each in parts.items()) + "."
        if verdict != "refuted" and "refuted" in parts.values():
            said += f" A part that is refuted refutes the whole at 1/{len(parts)} of its level, and does not here."
        if verdict == "supported" and not halo_out:
            verdict = "undecided"
            said += " But CX does not go with UX more than the other facets do: halo alone would do this."
        name, more = ("strong subset", ", and works through it") if strong else ("proper subset", "")
        sentence = f"UX is a part of CX and not all of it{more}"
        rung: Rung | None = "association" if verdict in ("supported", "refuted") else None
        found.append(Conclusion(name, sentence, verdict, rung, said))
    return found[0], found[1]


def driver(rulings: Mapping[str, Ruling]) -> Conclusion:
    """The ladder of evidence on "UX drives": the highest rung whose claim is supported, and what would lift it.

    Association (B1) is the lowest, then what goes before in time (B2), then a redesign that was rolled out without a
    lot, then one by lot (both B3). That last one alone supports or refutes a cause; every lower rung leaves it
    undecided, and so does an association that is absent beside the other facets.

    Args:
        rulings: by the claim's id: B1, and A0, B2 and B3 where they were judged.
    """
    sentence = "UX drives what customers feel and do"
    by_key = {name.split()[0]: each for name, each in rulings.items()}
    there = {key: by_key[key] for key in _RUNGS_OF if key in by_key}
    said = ", ".join(f"{key} is {each.verdict}" for key, each in there.items())
    one = "A0" in by_key and by_key["A0"].verdict == "refuted"
    if one:
        said += "; A0 is refuted: UX and CX are one thing here, so that what moves both shows no drive"
        there = {key: each for key, each in there.items() if key == "B1"}
    tried = there.get("B3")
    if tried is not None and tried.rung == "experiment" and tried.decided:
        return Conclusion("driver", sentence, tried.verdict, "experiment", f"{_BY_LOT[tried.verdict]} {said}.")
    reached = [each.rung for each in there.values() if each.verdict == "supported" and each.rung]
    rung = max(reached, key=list(_REACHED).index, default=None)
    silent = all(each.verdict == "not answerable" for each in there.values())
    verdict: Verdict = "not answerable" if silent else "undecided"
    told = f"{said}, so no rung is reached." if rung is None else f"{_REACHED[rung]} {said}."
    against = " and ".join(key for key, each in there.items() if each.verdict == "refuted")
    if rung is not None and against:
        told += f" {against} is refuted, which stands against it."
    lift = "questions that tell UX and CX apart (A0)" if one else _lift(there, rung)
    return Conclusion("driver", sentence, verdict, rung, f"{told} What would lift it: {lift}.")


def _lift(there: Mapping[str, Ruling], rung: Rung | None) -> str:
    """What a study must have to get higher: what was not asked, more customers where it was, and best a lot."""
    above = {None: ("B1", "B2"), "association": ("B2",)}.get(rung, ())
    parts = []
    for key in above:
        known = there[key].verdict if key in there else "not answerable"
        if known != "refuted":
            parts.append(_ASKED[key] if known == "not answerable" else f"more customers, for {key} is undecided")
    tried = there.get("B3")
    open_lot = tried is not None and tried.rung == "experiment"
    return ", or ".join([*parts, "more customers, for B3 is undecided" if open_lot else _LOT])


def _of(rulings: Mapping[str, Ruling], key: str) -> Ruling:
    return next(each for name, each in rulings.items() if name.split()[0] == key)


def _either(a: Ruling, b: Ruling) -> Verdict:
    """One of two: supported where one is at half the level, refuted where both are."""
    if any(each.verdict == "supported" and each.p < _WRONG / 2 for each in (a, b)):
        return "supported"
    if a.verdict == b.verdict == "refuted":
        return "refuted"
    return "not answerable" if a.verdict == b.verdict == "not answerable" else "undecided"


def _all(parts: list[Verdict], refuted: bool) -> Verdict:
    if refuted:
        return "refuted"
    if all(each == "supported" for each in parts):
        return "supported"
    return "not answerable" if "not answerable" in parts else "undecided"
