"""How a world runs: facets, meetings, CX, loyalty and leaving, wave by wave."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from cxuxlib.worlds.customers import LASTING, PASSING, Customers, quality
from cxuxlib.worlds.linear import doublings, linear
from cxuxlib.worlds.parameters import FACETS, World
from cxuxlib.worlds.touchpoints import Meetings, meet

__all__ = ["Wave", "live"]


class Wave(NamedTuple):
    """The states of all customers in one wave, those who have left included, as if they had stayed.

    Args:
        umbrella: what the facets have in common.
        usable: UX as the product and the user's skill make it; attempts follow it.
        facets: the evaluation of each facet; for UX, what is usable with what earlier CX adds.
        reported: UX as it is reported, coloured by CX; standard deviation about 1.
        cx, loyalty: states of mind.
        met: what happened.
        failed: an incident was left unsolved in this wave.
        made_good: an incident was solved and made good in this wave, and none left unsolved.
        broken: three incidents or more were left unsolved up to this wave.
        hazard: cumulative hazard of the wave; the chance to leave at its end is 1 - exp(-hazard).
        leaves: whether the customer leaves at the end of this wave, if not before.
    """

    umbrella: np.ndarray
    usable: np.ndarray
    facets: dict[str, np.ndarray]
    reported: np.ndarray
    cx: np.ndarray
    loyalty: np.ndarray
    met: Meetings
    failed: np.ndarray
    made_good: np.ndarray
    broken: np.ndarray
    hazard: np.ndarray
    leaves: np.ndarray


def live(world: World, who: Customers, rng: np.random.Generator) -> Iterator[Wave]:
    """Run a world for as many waves as the customers have passing numbers."""
    x, line = world.experience, linear(world)
    lasting = _lasting(world, who)
    own = dict(zip(LASTING, who.lasting, strict=True))
    others = sum(getattr(x, name).weight * lasting[name] for name in FACETS[1:])
    more = np.array(world.market.products) - 1
    entering = others + x.hidden_cx * own["hidden"] + x.per_product * (who.extra - world.market.extra * more.mean())
    weight = x.ux.weight + x.scope * doublings(world)[who.brand]
    ux_sd = sqrt(line.whole[0, 0])
    mix = np.array([1.0, world.questionnaire.colour])
    reported_sd = sqrt(mix @ line.whole @ mix)
    chance = _root(line.passing) @ np.array([own["start_ux"], own["start_cx"]])
    ux, cx = line.lasting @ np.array([lasting["ux"], entering]) + chance
    unsolved = np.zeros(len(who.brand), dtype=np.int64)
    for number, normals in enumerate(who.passing, start=1):
        meetings, luck = rng.spawn(2)
        new = dict(zip(PASSING, normals, strict=True))
        facets = {name: lasting[name] + part for name, part in _passing(world, new).items()}
        lift = world.redesign.lift * who.treated if number >= world.redesign.wave else 0.0
        usable = facets["ux"] + lift
        met = meet(world.touchpoints, usable, facets["service"], facets["delivery"], meetings)
        failures = np.bincount(met.contact_of[~met.solved], minlength=len(unsolved))
        failed = failures > 0
        made_good = (np.bincount(met.contact_of[met.made_good], minlength=len(unsolved)) > 0) & ~failed
        unsolved += failures
        broken = unsolved >= 3

        facets["ux"] = felt = usable + x.reverse * cx
        passing = sum(getattr(x, name).weight * (facets[name] - lasting[name]) for name in FACETS[1:])
        cx = x.carry * cx + x.lagged * ux + weight * felt + entering + passing + line.own * new["cx"]
        cx = cx + _shapes(world, facets)
        cx = cx - x.failure * failed - x.turning * (failed & broken) + x.recovery * made_good
        ux = felt
        mood = sqrt(0.5) * (own["loyalty"] + new["loyalty"])
        loyalty = world.loyalty.cx * cx + world.loyalty.ux * felt / ux_sd + line.rest * mood
        hazard = -np.log1p(-world.loyalty.churn) * np.exp(
            world.loyalty.log_hazard_cx * cx
            + world.loyalty.log_hazard_ux * felt / ux_sd
            + world.loyalty.log_hazard_turning * broken
        )
        reported = (felt + world.questionnaire.colour * cx) / reported_sd
        leaves = luck.random(len(cx)) < -np.expm1(-hazard)
        umbrella = sqrt(x.umbrella_stable) * own["umbrella"] + sqrt(1 - x.umbrella_stable) * new["umbrella"]
        yield Wave(umbrella, usable, facets, reported, cx, loyalty, met, failed, made_good, broken, hazard, leaves)


def _lasting(world: World, who: Customers) -> dict[str, np.ndarray]:
    """What lasts of every facet."""
    x, market, own = world.experience, world.market, dict(zip(LASTING, who.lasting, strict=True))
    places = quality(market)
    product, standing = places.products[who.product], places.brands[who.brand]
    skill = sqrt(market.product_share) * product + sqrt(x.ux.stable - market.product_share) * own["skill"]
    brand = sqrt(market.brand_share) * standing + sqrt(x.brand.stable - market.brand_share) * own["brand"]
    parts = {"ux": skill, "brand": brand}
    parts |= {
        name: sqrt(getattr(x, name).stable) * own[name] for name in ("service", "delivery", "value", "innovation")
    }
    found = {}
    for name in FACETS:
        umbrella = getattr(x, name).umbrella
        hidden = x.hidden_ux if name == "ux" else 0.0
        common = umbrella * sqrt(x.umbrella_stable) * own["umbrella"] + hidden * own["hidden"]
        found[name] = common + sqrt(1 - umbrella**2 - hidden**2) * parts[name]
    return found


def _passing(world: World, new: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What passes of every facet."""
    x, found = world.experience, {}
    for name in FACETS:
        facet = getattr(x, name)
        hidden = x.hidden_ux if name == "ux" else 0.0
        own = sqrt(1 - facet.umbrella**2 - hidden**2) * sqrt(1 - facet.stable)
        found[name] = facet.umbrella * sqrt(1 - x.umbrella_stable) * new["umbrella"] + own * new[name]
    return found


def _shapes(world: World, facets: dict[str, np.ndarray]) -> np.ndarray | float:
    """What is not additive, with mean 0 where all is normal."""
    x, ux, service = world.experience, facets["ux"], facets["service"]
    r = x.ux.umbrella * x.service.umbrella
    found: np.ndarray | float = 0.0
    if x.weakest:
        found = found + x.weakest * (np.minimum(ux, service) + sqrt((1 - r) / pi))
    if x.interplay:
        found = found + x.interplay * (ux * service - r)
    if x.innovation_by_ux:
        found = found + x.innovation_by_ux * (ux * facets["innovation"] - x.ux.umbrella * x.innovation.umbrella)
    if x.asymmetry:
        found = found + x.asymmetry * (np.minimum(ux, 0) + 1 / sqrt(2 * pi))
    return found


def _root(covariance: np.ndarray) -> np.ndarray:
    """A matrix whose product with its transpose is this covariance, which may have no inverse."""
    values, vectors = np.linalg.eigh(covariance)
    found: np.ndarray = vectors * np.sqrt(np.maximum(values, 0))
    return found
