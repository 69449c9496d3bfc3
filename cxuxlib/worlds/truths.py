"""What is true of a world, in the units of the claims."""

from __future__ import annotations

from functools import lru_cache
from math import erf, exp, log2, pi, sqrt
from types import MappingProxyType

import numpy as np

from cxuxlib.stats.shares import Division, share_values
from cxuxlib.worlds.customers import Customers, exact
from cxuxlib.worlds.linear import linear
from cxuxlib.worlds.living import Wave, live
from cxuxlib.worlds.parameters import FACETS, World

__all__ = ["TRUTHS", "truth"]

DRAWS = 2**17
SEED = 20_260_101
_SAME = 0.9999  # a correlation above which two states are one, and no effect of one beside the other exists

TRUTHS = MappingProxyType({
    "r_ux_cx": "A0: correlation of UX (as it is reported) and CX",
    "loading_ux": "A1: correlation of UX with what all facets have in common",
    "path_ux": "A2: standardised slope of UX in CX on all facets",
    "r2_beyond_ux": "A3: increment in R² of CX by the other facets, beyond UX",
    "r2_facets": "A4: R² of CX on all facets",
    "direct_ux_loyalty": "A5: standardised slope of UX in loyalty on UX and CX; absent where UX and CX are one",
    "r2_beyond_facets": "increment in R² of CX by UX, beyond the other facets",
    "r2_loyalty_ux": "B1: increment in R² of loyalty by UX, beyond the other facets",
    "nps_per_sd_ux": "B1: NPS points per standard deviation of UX beside the other facets, at average answers",
    "cross_lag_ux_cx": "B2: standardised slope of UX at t in CX at t+1, within a customer, of the linear part",
    "cross_lag_cx_ux": "B2: the same of CX at t in UX at t+1",
    "effect_ux": "B3: what a lasting rise of UX by one standard deviation adds to CX in the same wave, in SD of CX",
    "itt_ux": "B3: intention-to-treat effect of the redesign on UX in the last wave, in SD; absent without a redesign",
    "itt_cx": "B3: intention-to-treat effect of the redesign on CX in the last wave, in SD",
    **{f"share_{name}": f"B4: share of {name} in R² of CX (Shapley, LMG); absent where R² is 0" for name in FACETS},
    "share_service_minus_ux": "B4: share of service minus that of UX",
    "hr_cx": "B5: hazard ratio of leaving per SD of CX, at equal UX",
    "hr_ux": "B6: hazard ratio of leaving per SD of UX, at equal CX",
    "hr_ux_total": "B6: hazard ratio of leaving per SD of UX, whatever CX is",
    "r2_not_additive": "C1: increment in R² of CX by minimum, product and hinges of UX and service, beyond all facets",
    "cx_ux_low_service_high": "C2: CX at UX -1 SD and service +1 SD, minus average CX, in SD",
    "weight_weakest": "C3: slope of min(UX, service) in CX beside all facets, in SD of CX",
    "promoters_ux_high_service_low": "C4: share of promoters at UX +1 SD and service -1 SD, minus that of all",
    "loyalty_by_innovation_low_ux": "C7: standardised slope of innovation in loyalty at UX -1 SD, beside all facets",
    "recovered_minus_not": "C5: CX after an incident made good minus after one left unsolved, in SD",
    "recovered_minus_none": "C5: CX after an incident made good minus without one, in SD",
    "hr_third_failure": "C6: hazard ratio of leaving from the third unsolved incident on",
    "r_per_doubling": "D1: slope of the correlation of UX and CX within a brand on log2 of its number of products",
    "product_share_ux_minus_cx": "D2: share of variance between products of one brand, of UX minus that of CX",
    "cx_per_product": "D3: CX per further product used, at equal UX, in SD",
    "retest_ux": "E1: correlation of UX over one wave",
    "retest_cx": "E1: correlation of CX over one wave",
    "score_retest_ux_minus_cx": "E1: correlation over one wave of the mean of three items, of UX minus that of CX",
    "half_ux": "E2: waves until half of the lasting effect of a redesign on UX is there",
    "half_cx": "E2: waves until half of the lasting effect of a redesign on CX is there; absent where there is none",
})  # fmt: skip


def truth(world: World, *, waves: int = 4) -> dict[str, float]:
    """Compute what is true of a world in the units of the claims.

    The world runs with 2^17 customers whose normal numbers have exactly mean 0, variance 1 and correlation 0, once
    without the redesign and once with it for everybody. Where all is linear the truth is exact; else the simulation
    error is about .003, and .006 for C1 to C4. What holds of one wave is taken from the first, before any redesign. All
    correlations are of states, without measurement error; what has "SD" is divided by the standard deviation in the
    first wave.

    Args:
        world: the parameters.
        waves: number of waves of the study, 1 or more; the effects of the redesign are those in the last one.

    Returns:
        Numbers by the names of `TRUTHS`, which says what they are; what does not exist in a world is absent.

    Raises:
        ArgumentError: the parameters contradict each other.

    Source: made for cxuxlib. Checked against: path algebra of the linear worlds, and a plain draw.

    >>> from cxuxlib import worlds
    >>> known = truth(worlds.WORLDS["one-and-the-same"])
    >>> known["r_ux_cx"], known["r2_beyond_ux"], known["itt_cx"]
    (1.0, 0.0, 0.5)
    """
    return dict(_truth(world, waves))


@lru_cache(maxsize=64)
def _truth(world: World, waves: int) -> dict[str, float]:
    seed = np.random.SeedSequence(SEED)
    who = exact(world, max(DRAWS, 2000 * len(world.market.products)), max(waves, 2), np.random.default_rng(seed))
    plain = list(live(world, who._replace(treated=np.zeros(len(who.brand), dtype=bool)), _rng(seed)))
    first, sd = plain[0], float(plain[0].cx.std())
    found = {
        **_one_wave(world, first), **_shape(world, first), **_hazards(world, first, sd), **_panel(world),
        **_scope(world, who, first),
        "recovered_minus_not": (world.experience.recovery + world.experience.failure) / sd,
        "recovered_minus_none": world.experience.recovery / sd,
        "cx_per_product": linear(world).lasting[1, 1] * world.experience.per_product / sd,
        "retest_ux": _r(first.reported, plain[1].reported),
        "retest_cx": _r(first.cx, plain[1].cx),
        "score_retest_ux_minus_cx": (
            _retest(world, first.reported, plain[1].reported) - _retest(world, first.cx, plain[1].cx)
        ),
    }  # fmt: skip
    if world.redesign.by and waves >= world.redesign.wave:
        *_, last = live(world, who._replace(treated=np.ones(len(who.brand), dtype=bool)), _rng(seed))
        then = plain[waves - 1]
        found["itt_ux"] = (last.facets["ux"] - then.facets["ux"]).mean() / first.facets["ux"].std()
        found["itt_cx"] = (last.cx - then.cx).mean() / sd
    return {name: round(float(found[name]), 6) + 0.0 for name in TRUTHS if name in found}


def _rng(seed: np.random.SeedSequence) -> np.random.Generator:
    """The same generator at every call, so that two runs differ by the redesign alone."""
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(1,)))


def _r(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _retest(world: World, before: np.ndarray, after: np.ndarray) -> float:
    """Correlation over two waves of the mean of three items, before it is rounded."""
    q = world.questionnaire
    common = q.loading**2 * _r(before, after) + q.halo**2
    return common / (q.loading**2 + q.halo**2 + (1 - q.loading**2 - q.halo**2) / 3)


def _slopes(y: np.ndarray, columns: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Slopes of y on some columns, and R²."""
    covariance = np.cov(np.array([y, *columns]))
    slopes = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    return slopes, float(slopes @ covariance[1:, 0] / covariance[0, 0])


def _states(wave: Wave) -> list[np.ndarray]:
    """The facets as they are reported, standardised, UX first."""
    states = [wave.reported, *(wave.facets[name] for name in FACETS[1:])]
    return [(each - each.mean()) / each.std() for each in states]


def _one_wave(world: World, wave: Wave) -> dict[str, float]:
    """Claims A0 to A5, B1 and B4, of states in one wave."""
    states, cx = _states(wave), (wave.cx - wave.cx.mean()) / wave.cx.std()
    ux, others = states[0], states[1:]
    slopes, r2 = _slopes(cx, states)
    loyalty = (wave.loyalty - wave.loyalty.mean()) / wave.loyalty.std()
    found = {
        "r_ux_cx": _r(ux, cx),
        "loading_ux": _r(ux, wave.umbrella),
        "path_ux": slopes[0],
        "r2_beyond_ux": r2 - _slopes(cx, [ux])[1],
        "r2_facets": r2,
        "r2_beyond_facets": r2 - _slopes(cx, others)[1],
        "r2_loyalty_ux": _slopes(loyalty, states)[1] - _slopes(loyalty, others)[1],
        "effect_ux": linear(world).weights["ux"] * wave.facets["ux"].std() / wave.cx.std(),
    }
    if abs(found["r_ux_cx"]) < _SAME:
        found["direct_ux_loyalty"] = _slopes(loyalty, [ux, cx])[0][0]
    division = Division([[k] for k in range(1, len(states) + 1)], [], [])
    shares = share_values("lmg", np.corrcoef(np.array([cx, *states]))[None], division)[0]
    if r2 > 1 - _SAME:
        found |= {f"share_{name}": share / r2 for name, share in zip(FACETS, shares, strict=True)}
        found["share_service_minus_ux"] = found["share_service"] - found["share_ux"]
    return found


def _shape(world: World, wave: Wave) -> dict[str, float]:
    """Claims C1 to C4, C7 and the points of B1: CX and loyalty on facets, with minima, products and hinges."""
    states, cx = _states(wave), (wave.cx - wave.cx.mean()) / wave.cx.std()
    ux, service = states[:2]

    def bent(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [np.minimum(a, b), a * b, np.minimum(a, 0), np.minimum(b, 0)]

    bends = bent(ux, service)
    slopes, r2 = _slopes(cx, [*states, *bends])

    def at(a: float, b: float, betas: np.ndarray) -> float:
        point = np.array([a, b, *[0] * (len(states) - 2), *(float(each) for each in bent(np.array(a), np.array(b)))])
        return float(betas @ (point - np.array([each.mean() for each in (*states, *bends)])))

    hinged = [*states, ux * states[FACETS.index("innovation")]]
    by_innovation = _slopes(wave.loyalty / wave.loyalty.std(), hinged)[0]
    l_slopes, l_r2 = _slopes(wave.loyalty, [*states, *bends])
    mean, sd = float(wave.loyalty.mean()), float(wave.loyalty.std())
    conditional = _over(world, 8.5, mean + at(1, -1, l_slopes), sd * sqrt(max(1 - l_r2, 0)))[0]
    high, low = (_over(world, cut, mean, sd) for cut in (8.5, 6.5))
    return {
        "nps_per_sd_ux": 100 * _slopes(wave.loyalty, states)[0][0] * (high[1] + low[1]),
        "r2_not_additive": r2 - _slopes(cx, states)[1],
        "cx_ux_low_service_high": at(-1, 1, slopes),
        "weight_weakest": _slopes(cx, [*states, bends[0]])[0][-1],
        "promoters_ux_high_service_low": conditional - high[0],
        "loyalty_by_innovation_low_ux": by_innovation[FACETS.index("innovation")] - by_innovation[-1],
    }


def _over(world: World, cut: float, mean: float, sd: float) -> tuple[float, float]:
    """Share of answers on 0 to 10 above a cut, where loyalty is normal, and its derivative by the mean of loyalty."""
    q = world.questionnaire
    spread = sqrt(q.loading**2 * sd**2 + 1 - q.loading**2)
    z = ((cut / 10 - q.mean) / q.spread - q.loading * mean) / spread
    return 0.5 - 0.5 * erf(z / sqrt(2)), q.loading / spread * exp(-z * z / 2) / sqrt(2 * pi)


def _hazards(world: World, wave: Wave, sd: float) -> dict[str, float]:
    """Claims B5, B6 and C6."""
    loyalty, ux = world.loyalty, wave.facets["ux"]
    z = (ux - ux.mean()) / ux.std()
    # For a normal z the slope of the log hazard on z is the mean of z among those at risk, weighted by hazard.
    return {
        "hr_cx": exp(loyalty.log_hazard_cx * sd),
        "hr_ux": exp(loyalty.log_hazard_ux * ux.std() / sqrt(linear(world).whole[0, 0])),
        "hr_ux_total": exp((wave.hazard * z).mean() / wave.hazard.mean()) if wave.hazard.any() else 1.0,
        "hr_third_failure": exp(loyalty.log_hazard_turning),
    }


def _panel(world: World) -> dict[str, float]:
    """Claims B2 and E2, from the linear part."""
    line = linear(world)
    seen = np.array([[1.0, world.questionnaire.colour], [0.0, 1.0]])
    step = seen @ line.step @ np.linalg.inv(seen)
    within = np.sqrt(np.diag(seen @ line.passing @ seen.T))
    found = {
        "cross_lag_ux_cx": step[1, 0] * within[0] / within[1],
        "cross_lag_cx_ux": step[0, 1] * within[1] / within[0],
    }
    state, states = np.zeros(2), []
    for _ in range(200):
        state = line.step @ state + line.enters[:, 0]
        states.append(state)
    for place, name in enumerate(("ux", "cx")):
        path = np.array(states)[:, place]
        if abs(path[-1]) > 1e-9:
            found[f"half_{name}"] = int(np.argmax(path / path[-1] >= 0.5))
    return found


def _scope(world: World, who: Customers, wave: Wave) -> dict[str, float]:
    """Claims D1 and D2."""
    sizes, found = np.array(world.market.products), {}
    if len(set(world.market.products)) > 1:
        inside = [who.brand == brand for brand in range(len(sizes))]
        r = np.array([_r(wave.reported[each], wave.cx[each]) for each in inside])
        found["r_per_doubling"] = np.polyfit(np.array([log2(each) for each in sizes]), r, 1)[0]
    if sum(sizes) > len(sizes):
        shares = [_between_products(who, state) for state in (wave.reported, wave.cx)]
        found["product_share_ux_minus_cx"] = shares[0] - shares[1]
    return found


def _between_products(who: Customers, state: np.ndarray) -> float:
    """Share of the variance of a state that lies between products of one brand."""
    by_product, by_brand = (
        (np.bincount(group, state) / np.maximum(np.bincount(group), 1))[group] for group in (who.product, who.brand)
    )
    return float(((by_product - by_brand) ** 2).mean() / state.var())
