"""The truth of a world: closed forms of the linear worlds, plain draws of the others, and what their sentences say."""

from collections.abc import Mapping
from itertools import permutations
from math import exp, pi, sqrt

import numpy as np
import pytest

from cxuxlib import worlds
from cxuxlib.worlds import World
from cxuxlib.worlds.customers import PASSING, draw
from cxuxlib.worlds.linear import linear
from cxuxlib.worlds.living import live

FACETS = ("ux", "service", "delivery", "value", "brand", "innovation")
HARBOR = worlds.WORLDS["harbor"]
CALM: dict[str, object] = {
    "experience.failure": 0.0,
    "experience.recovery": 0.0,
    "experience.turning": 0.0,
    "loyalty.log_hazard_turning": 0.0,
    "experience.innovation_by_ux": 0.0,
}
STRAIGHT = ("one-and-the-same", "side-by-side", "halo", "ceiling", "confounded", "null")
LINEAR = {
    **{name: worlds.WORLDS[name] for name in STRAIGHT},
    **{f"calm {name}": worlds.changed(worlds.WORLDS[name], CALM) for name in ("harbor", "direct", "single-product")},
}


def known(name: str) -> Mapping[str, float]:
    return worlds.truth(worlds.WORLDS[name])


# --- closed forms: CX as a sum over the past --------------------------------------------------------


def path_algebra(world: World) -> dict[str, float]:
    """Truth of a linear world, from CX(t) = Σ over k of b(k)'F(t-k), where F lasts in part, and from path algebra."""
    x, loyalty = world.experience, world.loyalty
    facets = [getattr(x, name) for name in FACETS]
    umbrella = np.array([each.umbrella for each in facets])
    hidden = np.array([x.hidden_ux, 0, 0, 0, 0, 0])
    own = np.diag(1 - umbrella**2 - hidden**2)
    stable = np.diag([each.stable for each in facets])
    lasts = x.umbrella_stable * np.outer(umbrella, umbrella) + own @ stable
    passes = (1 - x.umbrella_stable) * np.outer(umbrella, umbrella) + own @ (np.eye(6) - stable)
    # the hidden disposition is a seventh lasting variable, with a weight of its own
    lasts = np.block([[lasts + np.outer(hidden, hidden), hidden[:, None]], [hidden[None, :], np.ones((1, 1))]])
    passes = np.pad(passes, (0, 1))
    weights = np.array([*(each.weight for each in facets), x.hidden_cx])
    late = np.array([x.lagged, 0, 0, 0, 0, 0, 0])
    b = np.array([x.carry**k * weights + (x.carry ** (k - 1) * late if k else 0) for k in range(300)])
    total = b.sum(axis=0)
    explained = total @ lasts @ total + np.einsum("ki,ij,kj->", b, passes, b)
    noise = 1 - explained  # variance of CX's own, summed over the past
    with_cx = (lasts @ total + passes @ b[0])[:6]
    r = lasts[:6, :6] + passes[:6, :6]
    slopes = np.linalg.solve(r, with_cx)

    every, others = list(range(6)), list(range(1, 6))

    def r2(which: list[int], target: np.ndarray) -> float:
        return float(target[which] @ np.linalg.solve(r[np.ix_(which, which)], target[which])) if which else 0.0

    shares = np.zeros(6)
    for order in permutations(range(6)):
        for place, player in enumerate(order):
            shares[player] += r2(list(order[: place + 1]), with_cx) - r2(list(order[:place]), with_cx)
    shares /= 720 * max(r2(every, with_cx), 1e-12)
    with_loyalty = loyalty.cx * with_cx + loyalty.ux * r[:, 0]
    next_cx = total @ lasts @ total + np.einsum("ki,ij,kj->", b[1:], passes, b[:-1]) + x.carry * noise
    lift = np.cumsum(b[:, 0])[: 5 - world.redesign.wave][-1] * world.redesign.lift
    passing_cx = np.einsum("ki,ij,kj->", b, passes, b) + noise
    return {
        "r_ux_cx": with_cx[0],
        "loading_ux": umbrella[0],
        "path_ux": slopes[0],
        "r2_facets": r2(every, with_cx),
        "r2_beyond_ux": r2(every, with_cx) - r2([0], with_cx),
        "r2_beyond_facets": r2(every, with_cx) - r2(others, with_cx),
        "r2_loyalty_ux": r2(every, with_loyalty) - r2(others, with_loyalty),
        "direct_ux_loyalty": loyalty.ux,
        **{f"share_{name}": share for name, share in zip(FACETS, shares, strict=True)},
        "share_service_minus_ux": shares[1] - shares[0],
        "effect_ux": x.ux.weight,
        "itt_ux": world.redesign.lift,
        "itt_cx": lift,
        "hr_cx": exp(loyalty.log_hazard_cx),
        "hr_ux": exp(loyalty.log_hazard_ux),
        "cross_lag_ux_cx": x.lagged * sqrt(passes[0, 0] / passing_cx),
        "retest_ux": lasts[0, 0],
        "retest_cx": next_cx,
    }


@pytest.mark.parametrize("name", LINEAR)
def test_linear_worlds_have_the_truth_of_path_algebra(name: str) -> None:
    found, expected = worlds.truth(LINEAR[name]), path_algebra(LINEAR[name])
    if found["r2_facets"] == 0:
        expected = {key: value for key, value in expected.items() if not key.startswith("share_")}
        assert not any(key.startswith("share_") for key in found)
    if found["r_ux_cx"] == 1:
        assert "direct_ux_loyalty" not in found
        del expected["direct_ux_loyalty"]
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", LINEAR)
def test_hazard_of_ux_follows_what_cx_hands_on(name: str) -> None:
    loyalty, found = LINEAR[name].loyalty, worlds.truth(LINEAR[name])
    expected = exp(loyalty.log_hazard_cx * found["r_ux_cx"] + loyalty.log_hazard_ux)  # of lognormal hazards
    assert found["hr_ux_total"] == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("name", LINEAR)
def test_linear_worlds_are_additive(name: str) -> None:
    found = worlds.truth(LINEAR[name])
    assert found["r2_not_additive"] == pytest.approx(0, abs=5e-4)
    assert found["weight_weakest"] == pytest.approx(0, abs=0.008)
    world = LINEAR[name]
    if not world.experience.hidden_ux:
        slopes = np.linalg.solve(*_normal_equations(world))
        assert found["cx_ux_low_service_high"] == pytest.approx(slopes[1] - slopes[0], abs=0.008)
        expected = world.loyalty.cx * slopes[-1]
        assert found["loyalty_by_innovation_low_ux"] == pytest.approx(expected, abs=0.008)


def _normal_equations(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of the facets, and with CX, from a plain draw."""
    states = next(iter(live(world, draw(world, 400_000, 1, np.random.default_rng(4)), np.random.default_rng(5))))
    r = np.corrcoef(np.array([*states.facets.values(), states.cx]))
    return r[:6, :6], r[:6, 6]


# --- bends, in closed form where nothing is carried over ----------------------------------------------


@pytest.mark.parametrize(
    ("changes", "gain"),
    [
        ({"experience.weakest": 0.5}, 0.25 * (1 - 0.39) / 2 * (1 - 2 / pi)),
        ({"experience.asymmetry": 0.5}, 0.25 / 4 * (1 - 2 / pi)),
        ({"experience.interplay": 0.2}, 0.04 * (1 + 0.39**2)),
    ],
)
def test_what_bends_adds_its_variance(changes: dict[str, object], gain: float) -> None:
    still = {**CALM, "experience.carry": 0.0, "experience.lagged": 0.0}
    world = worlds.changed(HARBOR, {**still, **changes})
    wave = next(iter(live(world, draw(world, 400_000, 1, np.random.default_rng(1)), np.random.default_rng(2))))
    assert wave.cx.var() == pytest.approx(1, abs=0.01)
    assert wave.cx.mean() == pytest.approx(0, abs=0.01)
    assert worlds.truth(world)["r2_not_additive"] == pytest.approx(gain, abs=0.0015)


def test_the_weight_of_the_weakest_link_is_the_parameter() -> None:
    world = worlds.changed(worlds.WORLDS["weakest-link"], CALM)
    assert worlds.truth(world)["weight_weakest"] == pytest.approx(world.experience.weakest, abs=0.02)


# --- a plain draw, of every world --------------------------------------------------------------------


@pytest.mark.parametrize("name", worlds.names())
def test_a_plain_draw_finds_the_truth(name: str) -> None:
    world, n = worlds.changed(worlds.WORLDS[name], {"redesign.by": ""}), 100_000
    waves = list(live(world, draw(world, n, 3, np.random.default_rng(11)), np.random.default_rng(12)))
    first, truth = waves[0], known(name)
    columns = np.column_stack([np.ones(n), first.reported, *(first.facets[each] for each in FACETS[1:])])
    slopes, rest, *_ = np.linalg.lstsq(columns, first.cx, rcond=None)
    error = 4 / sqrt(n)
    assert np.corrcoef(first.reported, first.cx)[0, 1] == pytest.approx(truth["r_ux_cx"], abs=error)
    assert slopes[1] / first.cx.std() == pytest.approx(truth["path_ux"], abs=1.5 * error)
    unexplained = rest[0] if len(rest) else 0.0
    assert 1 - unexplained / n / first.cx.var() == pytest.approx(truth["r2_facets"], abs=error)
    assert np.corrcoef(first.cx, waves[1].cx)[0, 1] == pytest.approx(truth["retest_cx"], abs=error)
    for wave in waves:  # nothing drifts or bursts
        assert (wave.cx.std(), wave.reported.std()) == pytest.approx((1, 1), abs=0.06)
        assert -0.12 < wave.cx.mean() < 0.03


@pytest.mark.parametrize("name", ["harbor", "reverse"])
def test_cross_lags_are_slopes_where_nothing_lasts(name: str) -> None:
    nothing: dict[str, object] = {f"experience.{facet}.stable": 0.0 for facet in FACETS}
    shares: dict[str, object] = {
        "experience.umbrella_stable": 0.0,
        "market.product_share": 0.0,
        "market.brand_share": 0.0,
    }
    world = worlds.changed(worlds.WORLDS[name], {**nothing, **shares, **CALM, "redesign.by": ""})
    before, after = live(world, draw(world, 200_000, 2, np.random.default_rng(1)), np.random.default_rng(2))
    x = np.column_stack([before.reported, before.cx])
    found = np.linalg.lstsq(x - x.mean(axis=0), np.column_stack([after.reported, after.cx]), rcond=None)[0]
    truth = worlds.truth(world)
    sd = before.reported.std() / before.cx.std()
    assert found[0, 1] * sd == pytest.approx(truth["cross_lag_ux_cx"], abs=0.012)
    assert found[1, 0] / sd == pytest.approx(truth["cross_lag_cx_ux"], abs=0.012)
    assert "itt_cx" not in truth


def test_customers_of_the_truth_are_exact() -> None:
    from cxuxlib.worlds.customers import exact

    who = exact(worlds.WORLDS["portfolio"], 50_000, 2, np.random.default_rng(1))
    numbers = np.concatenate([who.lasting, *who.passing])
    for brand in range(12):
        inside = numbers[:, who.brand == brand]
        assert np.abs(inside @ inside.T / inside.shape[1] - np.eye(len(numbers))).max() < 1e-9
    assert len(set(np.bincount(who.brand))) == 1
    for product in range(int(who.product.max()) + 1):
        assert np.abs(numbers[:, who.product == product].mean(axis=1)).max() < 1e-9
    assert who.passing.shape[1] == len(PASSING)


# --- what the sentences say --------------------------------------------------------------------------


def test_in_one_and_the_same_cx_is_ux() -> None:
    truth = known("one-and-the-same")
    assert (truth["r_ux_cx"], truth["path_ux"], truth["r2_beyond_ux"], truth["itt_cx"]) == (1, 1, 0, 0.5)
    assert "direct_ux_loyalty" not in truth


@pytest.mark.parametrize("name", ["side-by-side", "halo", "null"])
def test_ux_outside_cx_adds_nothing(name: str) -> None:
    truth = known(name)
    for key in ("r_ux_cx", "path_ux", "r2_beyond_facets", "r2_loyalty_ux", "effect_ux", "itt_cx", "cross_lag_ux_cx"):
        assert truth[key] == pytest.approx(0, abs=1e-6)
    assert truth["itt_ux"] == 0.5
    assert (truth["r2_facets"] > 0.3) == (name == "side-by-side")
    assert "half_cx" not in truth


def test_in_null_nothing_has_to_do_with_anything() -> None:
    truth = known("null")
    assert truth["r2_facets"] == truth["loading_ux"] == truth["direct_ux_loyalty"] == 0
    assert [truth[key] for key in ("hr_cx", "hr_ux", "hr_ux_total", "hr_third_failure")] == [1, 1, 1, 1]


def test_harbor_holds_what_the_claims_of_the_sources_say() -> None:
    truth = known("harbor")
    assert truth["r_ux_cx"] < 0.8
    assert truth["loading_ux"] > 0.55
    assert truth["path_ux"] > 0.3
    assert truth["r2_beyond_ux"] > 0.1
    assert truth["r2_facets"] > 0.55
    assert 0 < truth["direct_ux_loyalty"] < 0.07
    assert truth["cross_lag_ux_cx"] > 0.08
    assert truth["itt_cx"] > 0.2
    assert truth["hr_cx"] < 0.75
    assert (truth["half_ux"], truth["half_cx"]) == (0, 1)


def test_what_cx_screens_off_has_no_direct_effect() -> None:
    for name in ("side-by-side", "halo", "reverse", "confounded", "null"):
        assert known(name)["direct_ux_loyalty"] == pytest.approx(0, abs=1e-6)
    assert known("direct")["direct_ux_loyalty"] > 0.3
    assert known("direct")["hr_ux"] < 0.8
    assert known("harbor")["hr_ux"] == 1


@pytest.mark.parametrize("name", ["reverse", "confounded"])
def test_ux_that_does_nothing_for_cx_can_be_associated_with_it(name: str) -> None:
    truth = known(name)
    assert truth["path_ux"] > 0.2
    assert truth["r2_beyond_facets"] > 0.04
    assert truth["effect_ux"] == truth["itt_cx"] == truth["cross_lag_ux_cx"] == 0
    assert (truth["cross_lag_cx_ux"] > 0.3) == (name == "reverse")


def test_weakest_link_and_compensation_are_rivals() -> None:
    weakest, makes_up = known("weakest-link"), known("compensating")
    assert weakest["weight_weakest"] > 0.5 > 0.05 > makes_up["weight_weakest"]
    assert weakest["cx_ux_low_service_high"] < -0.3 < 0.2 < makes_up["cx_ux_low_service_high"]
    assert weakest["r2_not_additive"] > 0.03
    assert makes_up["share_service_minus_ux"] > 0.1
    assert weakest["promoters_ux_high_service_low"] < -0.03


def test_innovation_does_not_save_poor_ux_in_harbor_and_does_where_things_compensate() -> None:
    assert abs(known("harbor")["loyalty_by_innovation_low_ux"]) < 0.02
    assert known("compensating")["loyalty_by_innovation_low_ux"] > 0.1


def test_scope() -> None:
    assert known("single-product")["share_ux"] > 0.5
    assert "r_per_doubling" not in known("single-product")
    portfolio = known("portfolio")
    assert portfolio["r_per_doubling"] < -0.05 < known("harbor")["r_per_doubling"]
    assert portfolio["cx_per_product"] > 0.1
    assert portfolio["product_share_ux_minus_cx"] > 0.1


def test_the_effect_of_a_redesign_needs_a_wave_with_it() -> None:
    assert "itt_cx" not in worlds.truth(HARBOR, waves=1)
    slow = [worlds.truth(HARBOR, waves=waves)["itt_cx"] for waves in (2, 3, 4)]
    assert slow[0] < slow[1] < slow[2]


def test_the_start_is_where_the_world_stays() -> None:
    line = linear(LINEAR["calm harbor"])
    again = line.step @ line.passing @ line.step.T
    own = np.diag([0.0, line.own**2])
    x = HARBOR.experience
    facets = [getattr(x, name) for name in FACETS]
    new = np.diag([(1 - each.umbrella**2) * (1 - each.stable) for each in facets])
    loads = np.array([each.umbrella for each in facets])
    new = new + (1 - x.umbrella_stable) * np.outer(loads, loads)
    rows = np.array([np.eye(1, 6)[0], [each.weight for each in facets]])
    assert np.allclose(again + rows @ new @ rows.T + own, line.passing)
    assert line.whole[1, 1] == pytest.approx(1)
