"""Worlds with a name, each a small change of harbor, named for its mechanism and not for a claim."""

from __future__ import annotations

from types import MappingProxyType

from cxuxlib.worlds.parameters import FACETS, World, changed

__all__ = ["WORLDS", "names"]

HARBOR = World(
    "harbor",
    "UX is one facet of CX among five and drives it, now and a wave later, and nearly all it does for loyalty goes "
    "through CX.",
)
_ADDS_UP: dict[str, object] = {"experience.innovation_by_ux": 0.0}
_NO_WEIGHTS: dict[str, object] = {**{f"experience.{name}.weight": 0.0 for name in FACETS}, **_ADDS_UP}
_NO_INCIDENTS: dict[str, object] = {
    "experience.failure": 0.0, "experience.recovery": 0.0, "experience.turning": 0.0, "loyalty.log_hazard_turning": 0.0,
}  # fmt: skip
_NO_PAST: dict[str, object] = {"experience.carry": 0.0, "experience.lagged": 0.0}


def _like_harbor(name: str, says: str, changes: dict[str, object]) -> World:
    return changed(HARBOR, {"name": name, "says": says, **changes})


WORLDS = MappingProxyType({
    world.name: world
    for world in (
        HARBOR,
        _like_harbor(
            "one-and-the-same",
            "CX is UX under another name.",
            {**_NO_WEIGHTS, **_NO_INCIDENTS, **_NO_PAST, "experience.ux.weight": 1.0, "loyalty.ux": 0.0},
        ),
        _like_harbor(
            "side-by-side",
            "UX stands outside CX: it shares nothing with the other facets, and CX comes from those alone.",
            {
                **_NO_INCIDENTS, **_ADDS_UP, "experience.ux.weight": 0.0, "experience.ux.umbrella": 0.0,
                "experience.lagged": 0.0, "experience.service.weight": 0.28, "loyalty.ux": 0.0,
            },
        ),
        _like_harbor(
            "halo",
            "Nothing makes CX but chance, and a manner of answering colours every item.",
            {**_NO_WEIGHTS, **_NO_INCIDENTS, "experience.lagged": 0.0, "loyalty.ux": 0.0, "questionnaire.loading": 0.65,
             "questionnaire.halo": 0.5},
        ),
        _like_harbor(
            "ceiling",
            "As harbor with experiences that add up, and most answers are the best that the scale has.",
            {**_NO_INCIDENTS, **_ADDS_UP, "questionnaire.mean": 0.95, "questionnaire.spread": 0.25},
        ),
        _like_harbor(
            "weakest-link",
            "CX follows the lesser of UX and service.",
            {"experience.weakest": 0.60, "experience.ux.weight": 0.0, "experience.service.weight": 0.0,
             "experience.carry": 0.20, "experience.lagged": 0.05},
        ),
        _like_harbor(
            "compensating",
            "Good service makes up for poor UX: it weighs more, and most where UX is poor; and innovation counts "
            "whatever UX is.",
            {"experience.service.weight": 0.32, "experience.ux.weight": 0.15, "experience.interplay": -0.10,
             "experience.innovation.weight": 0.12, **_ADDS_UP},
        ),
        _like_harbor(
            "reverse",
            "CX colours the UX that is reported, at once and in the next wave, and UX does nothing for CX.",
            {"experience.ux.weight": 0.0, "experience.lagged": 0.0, "experience.reverse": 0.25,
             "experience.service.weight": 0.28, "questionnaire.colour": 0.30, "loyalty.ux": 0.0, **_NO_INCIDENTS,
             **_ADDS_UP},
        ),
        _like_harbor(
            "confounded",
            "A lasting disposition that nothing measures raises UX and CX, and UX does nothing for CX.",
            {**_NO_INCIDENTS, **_ADDS_UP, "experience.ux.weight": 0.0, "experience.lagged": 0.0,
             "experience.hidden_ux": 0.50, "experience.hidden_cx": 0.25, "loyalty.ux": 0.0},
        ),
        _like_harbor(
            "direct",
            "As harbor, and UX acts on loyalty and on leaving beside CX.",
            {"loyalty.cx": 0.45, "loyalty.ux": 0.35, "loyalty.log_hazard_ux": -0.25},
        ),
        _like_harbor(
            "null",
            "Nothing has to do with anything: no facet makes CX, CX makes no loyalty, and nobody leaves for it.",
            {**_NO_WEIGHTS, **_NO_INCIDENTS, **_NO_PAST, "loyalty.cx": 0.0, "loyalty.ux": 0.0,
             "loyalty.log_hazard_cx": 0.0,
             **{f"experience.{name}.umbrella": 0.0 for name in FACETS}},
        ),
        _like_harbor(
            "single-product",
            "One brand that is one app: UX weighs more in CX than all the rest.",
            {"market.products": (1,), "market.product_share": 0.0, "market.brand_share": 0.0,
             "experience.ux.weight": 0.42, "experience.service.weight": 0.08, "experience.delivery.weight": 0.03,
             "experience.value.weight": 0.05, "experience.brand.weight": 0.05},
        ),
        _like_harbor(
            "portfolio",
            "Brands with one to eight products of unequal UX: UX weighs less the more products there are, each further "
            "product that is used adds to CX, and the redesign is rolled out by product.",
            {"market.products": (1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8), "market.product_share": 0.35,
             "experience.scope": -0.16, "experience.per_product": 0.10, "redesign.by": "product"},
        ),
    )
})  # fmt: skip


def names() -> list[str]:
    """Names of the worlds there are.

    >>> names()[:4]
    ['harbor', 'one-and-the-same', 'side-by-side', 'halo']
    """
    return list(WORLDS)
