"""What a ruling means for somebody who decides, in one sentence, and what it does not show."""

from __future__ import annotations

from types import MappingProxyType

from cxuxlib.claims import Conclusion, Ruling

_MEANS = MappingProxyType({
    "A0": ("UX and CX are two things here: measure both.",
           "These questions on UX and on CX measure the same thing: two figures of it are one figure."),
    "A1": ("UX belongs with the other touchpoints under one experience: a programme for all of them makes sense.",
           "UX does not move with the other touchpoints: treat it as a matter of its own."),
    "A2": ("Where UX is rated higher, the whole is too, the other touchpoints being equal.",
           "Beside the other touchpoints, UX tells hardly anything about the whole."),
    "A3": ("UX alone is not the whole: the other touchpoints add to what UX tells.",
           "Once UX is known, the other touchpoints add next to nothing."),
    "A4": ("The touchpoints that were asked about explain most of the whole.",
           "Most of the whole lies outside the touchpoints that were asked about: something is missing."),
    "A5": ("UX goes with loyalty by way of the whole experience: watching CX is enough to see it.",
           "UX goes with loyalty past the whole experience: watching CX alone would miss it."),
    "B1": ("Customers who rate UX higher intend to stay and recommend more, the other touchpoints being equal.",
           "Beside the other touchpoints, UX tells hardly anything about loyalty."),
    "B2": ("Where a customer's UX changes, CX follows a wave later, more than the other way round.",
           "What UX changes in CX a wave later is next to nothing, or less than what CX changes in UX."),
    "B3": ("Making UX better made CX better.",
           "UX was made better, and CX stayed where it was."),
    "B4": ("Service tells more about the whole than UX does.",
           "UX tells more about the whole than service does."),
    "B5": ("Customers with better CX leave less often.",
           "Customers with better CX leave about as often as the others."),
    "B6": ("Customers with worse UX leave more often.",
           "Customers with worse UX leave about as often as the others."),
    "C1": ("Experiences add up: a bad one costs what it costs, whatever the others are.",
           "Experiences do not simply add up: how much one counts hangs on the others."),
    "C2": ("Customers with poor UX and good service are about as well off as the average one, or better.",
           "Customers with poor UX are worse off than the average one, even with good service."),
    "C3": ("The worse of UX and service counts for more: mend the weaker one first.",
           "The worse of UX and service does not count for more."),
    "C4": ("Where service is poor there are fewer promoters than on average, even if UX is good.",
           "Where UX is good there are more promoters than on average, even if service is poor."),
    "C7": ("Where UX is poor, customers who see more innovation are no more loyal.",
           "Even where UX is poor, customers who see more innovation are more loyal."),
    "D1": ("UX weighs more for the brand that is one product.", "UX weighs as much for brands of many products."),
    "E1": ("Answers on UX are steadier from wave to wave than answers on CX.",
           "Answers on CX are steadier from wave to wave than answers on UX."),
    "driver": ("Making UX better makes the customer experience better.",
               "Making UX better does not make the customer experience better."),
    "proper subset": ("UX is a part of the customer experience, and not all of it.",
                      "UX is not a part of a larger customer experience here."),
    "strong subset": ("UX is a part of the customer experience and works through it.",
                      "UX is not a part that works through the customer experience here."),
})  # fmt: skip
_UNDECIDED = "The answers leave this open: a decision should not rest on it."
_UNKNOWN = "This study cannot tell; the reason says what it lacks."
_NOT_SHOWN = MappingProxyType(
    {
        "association": "That one thing causes the other: a manner of answering, or a third thing, may move both.",
        "temporal": "That the earlier thing causes the later one: something else may have moved both.",
        "quasi-experiment": "That the groups were alike in all that was not measured.",
        "experiment": "That it holds for other customers, products or times.",
    }
)


def means(ruling: Ruling | Conclusion) -> str:
    """One sentence for somebody who decides.

    >>> from cxuxlib import claims, datasets
    >>> means(claims.judge(claims.UX_IS_DISTINCT, datasets.aggregates("mobi")))
    'These questions on UX and on CX measure the same thing: two figures of it are one figure.'
    """
    name = ruling.id if isinstance(ruling, Conclusion) else ruling.claim.id.split()[0]
    if name == "driver" and ruling.verdict in ("undecided", "not answerable"):
        return "Whether better UX would bring better figures takes an experiment, or at least measurements over time."
    if ruling.verdict in ("undecided", "not answerable"):
        return _UNDECIDED if ruling.verdict == "undecided" else _UNKNOWN
    said = _MEANS.get(name)
    if said is None:
        return f"The claim is {ruling.verdict}."
    return said[0] if ruling.verdict == "supported" else said[1]


def does_not_show(ruling: Ruling | Conclusion) -> str:
    """What its rung of evidence leaves open; empty where there is none."""
    return _NOT_SHOWN[ruling.rung] if ruling.rung else ""
