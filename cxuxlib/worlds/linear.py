"""What is known of a world in closed form, as if all in it were linear: where it starts, and what CX has of its own."""

from __future__ import annotations

from functools import lru_cache
from math import log2, pi, sqrt
from typing import NamedTuple

import numpy as np

from cxuxlib.errors import ArgumentError
from cxuxlib.worlds.parameters import FACETS, World

__all__ = ["Linear", "doublings", "linear"]


class Linear(NamedTuple):
    """The stationary world before a redesign; the two states are UX and CX, in this order.

    Args:
        weights: slopes of CX on the facets of the same wave, with what minimum and hinge add to them on average.
        own: standard deviation of what is CX's own in a wave.
        step: states at t from the states at t-1, shape (2, 2).
        enters: states at t from what is new of UX and of CX, shape (2, 2).
        lasting: states in the long run from what is lasting in UX and in CX, shape (2, 2).
        passing: covariance of the states around what is lasting, shape (2, 2).
        whole: covariance of the states over customers, shape (2, 2).
        rest: standard deviation of what is loyalty's own.
    """

    weights: dict[str, float]
    own: float
    step: np.ndarray
    enters: np.ndarray
    lasting: np.ndarray
    passing: np.ndarray
    whole: np.ndarray
    rest: float


def doublings(world: World) -> np.ndarray:
    """Doublings of the number of products of each brand, less their mean."""
    sizes = np.array([log2(each) for each in world.market.products])
    centred: np.ndarray = sizes - sizes.mean()
    return centred


def _bent(world: World) -> tuple[dict[str, float], float]:
    """Slopes of CX on the facets, and the variance of what bends, which no straight line describes."""
    x = world.experience
    weights = {name: getattr(x, name).weight for name in FACETS}
    weights["ux"] += (x.weakest + x.asymmetry) / 2
    weights["service"] += x.weakest / 2
    r = x.ux.umbrella * x.service.umbrella
    # min(a, b) = (a + b)/2 - |a - b|/2 and min(a, 0) = a/2 - |a|/2, and |z| has the variance 1 - 2/π.
    rest = x.weakest**2 * (1 - r) / 2 + x.asymmetry**2 / 4
    products = x.interplay**2 * (1 + r**2) + x.innovation_by_ux**2 * (1 + (x.ux.umbrella * x.innovation.umbrella) ** 2)
    return weights, rest * (1 - 2 / pi) + products + x.scope**2 * float(doublings(world).var())


def _inputs(world: World, slopes: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Covariances of what enters UX, and CX beside UX: the lasting part, and the passing part without CX's own."""
    x = world.experience
    facets = [getattr(x, name) for name in FACETS]
    weights = np.array([0.0, *(slopes[name] for name in FACETS[1:])])
    umbrella = np.array([each.umbrella for each in facets])
    own = np.array([1 - each.umbrella**2 for each in facets])
    own[0] -= x.hidden_ux**2
    stable = np.array([each.stable for each in facets])
    rows = np.array([np.eye(1, len(facets))[0], weights])  # UX, and what CX takes from the others
    lasting = x.umbrella_stable * np.outer(umbrella, umbrella) + np.diag(own * stable)
    passing = (1 - x.umbrella_stable) * np.outer(umbrella, umbrella) + np.diag(own * (1 - stable))
    hidden = np.array([x.hidden_ux, x.hidden_cx])
    more = np.array([n - 1 for n in world.market.products])
    rate = world.market.extra
    extra = (more * rate * (1 - rate)).mean() + (more * rate).var()
    between = rows @ lasting @ rows.T + np.outer(hidden, hidden) + np.diag([0.0, x.per_product**2 * extra])
    return between, rows @ passing @ rows.T


@lru_cache(maxsize=64)
def linear(world: World) -> Linear:
    """Solve the linear part of a world: y(t) = step · y(t-1) + enters · (lasting + passing(t)).

    The covariance around what is lasting solves P = step · P · step' + Q; CX's own variance is what makes that of CX 1.

    Args:
        world: the parameters.

    Returns:
        `Linear`.

    Raises:
        ArgumentError: the weights explain more than all of CX, or of loyalty, or the past grows without bound.

    Source: Hamilton 1994, Time Series Analysis, section 10.2. Checked against: large draws.

    >>> from cxuxlib import worlds
    >>> linear(worlds.WORLDS["one-and-the-same"]).whole.round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    x, loyalty = world.experience, world.loyalty
    weights, bends = _bent(world)
    between, within = _inputs(world, weights)
    step = np.array([[0.0, x.reverse], [x.lagged, x.carry + weights["ux"] * x.reverse]])
    if np.abs(np.linalg.eigvals(step)).max() >= 1:
        raise ArgumentError(f"World {world.name!r}: carry, lagged and reverse are so large that states grow forever.")
    enters = np.array([[1.0, 0.0], [weights["ux"], 1.0]])
    lasting = np.linalg.solve(np.eye(2) - step, enters)
    around = np.linalg.inv(np.eye(4) - np.kron(step, step))

    def passing(q: np.ndarray) -> np.ndarray:
        solved: np.ndarray = (around @ (enters @ q @ enters.T).ravel()).reshape(2, 2)
        return solved

    of_lasting = lasting @ between @ lasting.T
    unit = passing(np.diag([0.0, 1.0]))
    free = (1 - of_lasting[1, 1] - passing(within)[1, 1]) / unit[1, 1]
    own = free - bends
    if own < -1e-9:
        raise ArgumentError(
            f"World {world.name!r}: the weights explain {100 * (1 - own * unit[1, 1]):.0f}% of CX; make some smaller."
        )
    own = 0.0 if own < 1e-12 else own
    around_lasting = passing(within) + free * unit
    whole = of_lasting + around_lasting
    r = whole[0, 1] / sqrt(whole[0, 0] * whole[1, 1])
    rest = 1 - loyalty.cx**2 - loyalty.ux**2 - 2 * loyalty.cx * loyalty.ux * r
    if rest < -1e-9:
        raise ArgumentError(f"World {world.name!r}: CX and UX explain more than all of loyalty; make loyalty.cx less.")
    return Linear(weights, sqrt(own), step, enters, lasting, around_lasting, whole, sqrt(max(rest, 0.0)))
