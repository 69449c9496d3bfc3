"""What a world is made of: every number that a simulated study depends on, with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from math import inf
from typing import Any, Literal

from cxuxlib.errors import ArgumentError, unknown

__all__ = ["Experience", "Facet", "Loyalty", "Market", "Questionnaire", "Redesign", "Touchpoints", "World", "changed"]

FACETS = ("ux", "service", "delivery", "value", "brand", "innovation")


@dataclass(frozen=True, slots=True)
class Market:
    """Brands, their products, and who uses them.

    Args:
        products: number of products of each brand; brands have equal shares of the customers, and so have the products
            of a brand.
        product_share: share of what is UX's own that is the product's quality and the same for all its users, 0 to 1.
        brand_share: share of what is the brand facet's own that is the same for all customers of a brand, 0 to 1.
        extra: probability that a customer also uses another given product of the brand, 0 to 1.
    """

    products: tuple[int, ...] = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4)
    product_share: float = 0.20
    brand_share: float = 0.20
    extra: float = 0.20


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of touchpoints, as the customer evaluates it; its standard deviation is 1.

    Args:
        weight: what one standard deviation adds to the CX of the same wave, in standard deviations of CX.
        umbrella: loading on what all facets have in common, -1 to 1.
        stable: share of what is the facet's own that lasts (for UX: the product's quality and the user's skill), 0 to
            1; the rest is new in every wave.
        met: probability that a customer had met the facet before the first wave, 0 to 1.
    """

    weight: float
    umbrella: float
    stable: float = 0.6
    met: float = 1.0


@dataclass(frozen=True, slots=True)
class Experience:
    """How facets, incidents and the past make the CX of a customer at a wave.

    CX(t) = carry · CX(t-1) + lagged · UX(t-1) + Σ weight · facet(t) + what follows + what is CX's own, whose standard
    deviation is what CX lacks to 1 where all is linear.

    Args:
        ux, service, delivery, value, brand, innovation: the facets.
        umbrella_stable: share of the facets' common part that lasts, 0 to 1.
        carry: what is left of the CX of the wave before.
        lagged: what one standard deviation of UX adds to CX a wave later.
        reverse: what one standard deviation of CX adds to UX a wave later.
        weakest: weight of the lesser of UX and service.
        interplay: weight of UX times service.
        asymmetry: extra weight of UX where it is below its mean.
        innovation_by_ux: what one standard deviation of UX adds to the weight of innovation.
        hidden_ux, hidden_cx: loadings of UX and of CX on a lasting disposition that nothing measures.
        scope: change of the weight of UX per doubling of the brand's number of products.
        per_product: what each further product used adds to CX, at equal UX.
        failure: loss of CX in a wave with an incident left unsolved.
        recovery: gain in a wave with an incident solved and made good; above 0 it is the recovery paradox.
        turning: further loss in a wave with an incident left unsolved, from the customer's third on.

    Source: the service recovery paradox is small, de Matos, Henrique & Rossi 2007, doi:10.1177/1094670507303012; lows
    weigh more than highs, Anderson & Mittal 2000, doi:10.1177/109467050032001. The figures are ours.
    """

    ux: Facet = Facet(0.25, 0.60, 0.60)
    service: Facet = Facet(0.18, 0.65, 0.50, met=0.85)
    delivery: Facet = Facet(0.08, 0.55, 0.50, met=0.90)
    value: Facet = Facet(0.10, 0.60, 0.60)
    brand: Facet = Facet(0.10, 0.65, 0.70)
    innovation: Facet = Facet(0.04, 0.50, 0.70)
    umbrella_stable: float = 0.60
    carry: float = 0.35
    lagged: float = 0.10
    reverse: float = 0.0
    weakest: float = 0.0
    interplay: float = 0.0
    asymmetry: float = 0.0
    innovation_by_ux: float = 0.06
    hidden_ux: float = 0.0
    hidden_cx: float = 0.0
    scope: float = 0.0
    per_product: float = 0.0
    failure: float = 0.30
    recovery: float = 0.05
    turning: float = 0.30


@dataclass(frozen=True, slots=True)
class Touchpoints:
    """What happens where customer and brand meet, in counts per customer and wave, which are Poisson.

    A probability that names a facet is that of a customer whose facet is average, Φ(Φ⁻¹(p) + slope · facet).

    Args:
        attempts: mean number of attempts at a task.
        success: probability that an attempt succeeds (UX).
        gives_up: probability that a failed attempt was abandoned; the others ended in a wrong result.
        time_s: median seconds of an attempt; each standard deviation of UX takes off 25%.
        clicks: mean number of clicks; each standard deviation of UX takes off 15%.
        errors: mean number of errors; each standard deviation of UX takes off 40%.
        orders: mean number of orders.
        late: probability that an order is late (delivery; the better, the rarer).
        asks: probability that a failed attempt leads to a service contact.
        complains: probability that a late order leads to a service contact.
        wait_min: median minutes until somebody answers; each standard deviation of service takes off 30%.
        solved: probability that a contact solves the problem (service).
        made_good: probability that a solved problem is also made good (an apology, a discount).
        slope: probits per standard deviation.

    Source: 78% of attempts succeed on average, Sauro 2011, MeasuringU; times are lognormal, Sauro & Lewis 2010,
    doi:10.1145/1753326.1753679. The other figures are ours.
    """

    attempts: float = 3.0
    success: float = 0.80
    gives_up: float = 0.7
    time_s: float = 60.0
    clicks: float = 9.0
    errors: float = 0.6
    orders: float = 1.0
    late: float = 0.15
    asks: float = 0.30
    complains: float = 0.50
    wait_min: float = 6.0
    solved: float = 0.65
    made_good: float = 0.40
    slope: float = 0.6


@dataclass(frozen=True, slots=True)
class Loyalty:
    """What CX and UX do to the intention to stay, and to leaving.

    Args:
        cx, ux: standardised effects on loyalty; that of UX is beside CX, 0 where CX screens it off.
        churn: probability to leave in a wave, of a customer whose CX and UX are average.
        log_hazard_cx, log_hazard_ux: change of the log hazard per standard deviation; that of UX is beside CX.
        log_hazard_turning: change of the log hazard from the third unsolved incident on.
    """

    cx: float = 0.65
    ux: float = 0.05
    churn: float = 0.05
    log_hazard_cx: float = -0.40
    log_hazard_ux: float = 0.0
    log_hazard_turning: float = 0.60


@dataclass(frozen=True, slots=True)
class Redesign:
    """A change of the product that makes it better to use.

    Args:
        by: "customer" (randomised), "product" (every other product gets it) or "" (nobody).
        share: share of customers who are given it where it is randomised, 0 to 1.
        wave: the first wave with it; the waves before are the baseline.
        lift: what it adds to UX, in standard deviations.
    """

    by: Literal["customer", "product", ""] = "customer"
    share: float = 0.5
    wave: int = 2
    lift: float = 0.5


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """How a state of mind becomes an answer.

    The answer is the whole number nearest to low + (high - low) · (mean + spread · y), kept in range, where y = loading
    · state + halo · manner + error has variance 1: thresholds are equidistant.

    Args:
        loading: of every item, 0 to 1.
        halo: loading of every item on the respondent's manner of answering, 0 to 1.
        colour: standard deviations that one of CX adds to the UX that is reported.
        mean, spread: of the answers, as shares of their range; a mean near 1 is a ceiling.
        careless: share of customers who give one answer to all items.
        response: probability to answer in a wave where CX is average.
        response_cx: change in probits per standard deviation of CX.

    Source: method variance, Podsakoff et al. 2003, doi:10.1037/0021-9010.88.5.879; careless answers, Meade & Craig
    2012, doi:10.1037/a0028085. The figures are ours.
    """

    loading: float = 0.80
    halo: float = 0.0
    colour: float = 0.0
    mean: float = 0.62
    spread: float = 0.20
    careless: float = 0.02
    response: float = 0.75
    response_cx: float = 0.10


@dataclass(frozen=True, slots=True)
class World:
    """A simulated world: a name, a sentence, and the parameters.

    Args:
        name: short name.
        says: what this world does, in a sentence.
        market, experience, touchpoints, loyalty, redesign, questionnaire: the parameters.

    >>> from cxuxlib import worlds
    >>> worlds.WORLDS["halo"].says
    'Nothing makes CX but chance, and a manner of answering colours every item.'
    """

    name: str
    says: str
    market: Market = field(default_factory=Market)
    experience: Experience = field(default_factory=Experience)
    touchpoints: Touchpoints = field(default_factory=Touchpoints)
    loyalty: Loyalty = field(default_factory=Loyalty)
    redesign: Redesign = field(default_factory=Redesign)
    questionnaire: Questionnaire = field(default_factory=Questionnaire)

    def __post_init__(self) -> None:
        products, x, q = self.market.products, self.experience, self.questionnaire
        if not products or any(not isinstance(each, int) or each < 1 for each in products):
            raise ArgumentError(f"World {self.name!r}: products has a whole number, 1 or more, of each brand.")
        for wrong, what in (
            (sum(products) == 1 and self.market.product_share > 0, "a single product has no product_share; make it 0"),
            (len(products) == 1 and self.market.brand_share > 0, "a single brand has no brand_share; make it 0"),
            (self.market.product_share > x.ux.stable, "product_share is a part of experience.ux.stable, so not more"),
            (self.market.brand_share > x.brand.stable, "brand_share is a part of experience.brand.stable, so not more"),
            (x.ux.umbrella**2 + x.hidden_ux**2 > 1, "ux.umbrella² + hidden_ux² is at most 1"),
            (q.loading**2 + q.halo**2 > 1, "loading² + halo² is at most 1"),
            (self.redesign.by not in ("customer", "product", ""), 'redesign.by is "customer", "product" or ""'),
            (self.redesign.by == "product" and sum(products) < 2, "a rollout by product needs 2 products or more"),
            (max(abs(getattr(x, name).umbrella) for name in FACETS) > 1, "an umbrella loading is between -1 and 1"),
            (self.loyalty.churn >= 1, "loyalty.churn is below 1"),
            (self.redesign.wave < 2, "redesign.wave is 2 or more: the first wave is the baseline"),
        ):
            if wrong:
                raise ArgumentError(f"World {self.name!r}: {what}.")
        for paths, high, said in ((_SHARES, 1.0, "between 0 and 1"), (_AMOUNTS, inf, "0 or more")):
            for path in paths:
                value = _at(self, path)
                if not 0 <= value <= high:
                    raise ArgumentError(f"World {self.name!r}: {path} is {said}; got {value!r}.")


_SHARES = (
    "market.product_share", "market.brand_share", "market.extra", "experience.umbrella_stable",
    *(f"experience.{name}.{part}" for name in FACETS for part in ("stable", "met")),
    *(f"touchpoints.{part}" for part in ("success", "gives_up", "late", "asks", "complains", "solved", "made_good")),
    "loyalty.churn", "redesign.share",
    *(f"questionnaire.{part}" for part in ("loading", "halo", "careless", "response")),
)  # fmt: skip


_AMOUNTS = (
    *(f"touchpoints.{part}" for part in ("attempts", "time_s", "clicks", "errors", "orders", "wait_min")),
    "questionnaire.spread",
)


def _at(parameters: Any, path: str) -> Any:
    for part in path.split("."):
        parameters = getattr(parameters, part)
    return parameters


def changed(world: World, changes: Mapping[str, object]) -> World:
    """The same world with other parameters in some places.

    Args:
        world: a world.
        changes: new values by where they stand, such as ``"experience.ux.weight"``.

    Returns:
        The new world.

    Raises:
        ArgumentError: there is no such parameter, or the parameters contradict each other.

    >>> from cxuxlib import worlds
    >>> changed(worlds.WORLDS["harbor"], {"name": "my-own", "redesign.lift": 0.2}).redesign
    Redesign(by='customer', share=0.5, wave=2, lift=0.2)
    """
    found: World = _replaced(world, changes)
    return found


def _replaced(parameters: Any, changes: Mapping[str, object]) -> Any:
    inner: dict[str, dict[str, object]] = {}
    there = [each.name for each in fields(parameters)]
    for path, value in changes.items():
        first, _, rest = path.partition(".")
        if first not in there or (rest and not is_dataclass(getattr(parameters, first))):
            raise ArgumentError(unknown("parameter", path, there))
        inner.setdefault(first, {})[rest] = value
    whole = {name: part[""] for name, part in inner.items() if "" in part}
    parts = {name: _replaced(getattr(parameters, name), part) for name, part in inner.items() if name not in whole}
    return replace(parameters, **whole, **parts)
