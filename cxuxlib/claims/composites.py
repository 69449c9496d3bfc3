"""What several rulings say together: is UX a proper subset of CX, and how high on the ladder does "drives" get?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from cxuxlib.claims.ruling import Ruling, Rung, Verdict

_WRONG = 0.05  # chance of a wrong verdict, one-sided
_UNKNOWN: tuple[Verdict, ...] = ("not answerable", "undecided")


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
    """The ladder of evidence on "UX drives": the highest rung whose claim is supported.

    Association is the lowest. It never supports a cause, and its absence beside other facets does not refute one.
    """
    sentence = "UX drives what customers feel and do"
    associated = _of(rulings, "B1")
    if associated.verdict == "supported":
        return Conclusion(
            "driver", sentence, "undecided", "association",
            "UX goes with loyalty beside the other facets (B1). That is the lowest rung: who answers both questions on "
            "one sheet may do so for reasons of his own, and nothing was changed.",
        )  # fmt: skip
    verdict: Verdict = "not answerable" if associated.verdict == "not answerable" else "undecided"
    return Conclusion("driver", sentence, verdict, None, f"B1 is {associated.verdict}, so no rung is reached.")


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
