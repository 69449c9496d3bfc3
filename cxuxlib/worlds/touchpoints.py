"""What happens in a wave: attempts at tasks, orders, and the service contacts that both cause."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from cxuxlib.worlds.parameters import Touchpoints

__all__ = ["WAVE_D", "Meetings", "attempt_details", "contact_details", "meet", "order_details"]

WAVE_D = 91  # days of a wave
Columns = dict[str, np.ndarray]


class Meetings(NamedTuple):
    """The events of one wave.

    Args:
        attempt_of, order_of: position of the customer, in order.
        success: whether the attempt succeeded.
        late: whether the order came late.
        cause: the event behind each contact: an attempt, or after these, an order.
        solved: whether the contact solved the problem.
        made_good: whether there was also an apology or a discount.
    """

    attempt_of: np.ndarray
    success: np.ndarray
    order_of: np.ndarray
    late: np.ndarray
    cause: np.ndarray
    solved: np.ndarray
    made_good: np.ndarray

    @property
    def contact_of(self) -> np.ndarray:
        """Position of the customer of each contact."""
        found: np.ndarray = np.concatenate([self.attempt_of, self.order_of])[self.cause]
        return found


def meet(
    world: Touchpoints, ux: np.ndarray, service: np.ndarray, delivery: np.ndarray, rng: np.random.Generator
) -> Meetings:
    """Let customers meet the brand for one wave; the three arrays are their facets."""
    n, everyone = len(ux), np.arange(len(ux))
    attempt_of = np.repeat(everyone, rng.poisson(world.attempts, n))
    order_of = np.repeat(everyone, rng.poisson(world.orders, n))
    success = _happens(world.success, world.slope * ux[attempt_of], rng)
    late = _happens(world.late, -world.slope * delivery[order_of], rng)
    asks = ~success & (rng.random(len(success)) < world.asks)
    complains = late & (rng.random(len(late)) < world.complains)
    cause = np.flatnonzero(np.concatenate([asks, complains]))
    of = np.concatenate([attempt_of, order_of])[cause]
    solved = _happens(world.solved, world.slope * service[of], rng)
    made_good = solved & (rng.random(len(of)) < world.made_good)
    return Meetings(attempt_of, success, order_of, late, cause, solved, made_good)


def _happens(chance: float, shift: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Events of probability Φ(Φ⁻¹(chance) + shift)."""
    happened: np.ndarray = rng.standard_normal(len(shift)) < ndtri(chance) + shift
    return happened


def attempt_details(world: Touchpoints, met: Meetings, ux: np.ndarray, rng: np.random.Generator) -> Columns:
    """Day in the wave, time, clicks, errors, and whether a failed attempt was abandoned."""
    of, many = ux[met.attempt_of], len(met.attempt_of)
    seconds = world.time_s * np.exp(np.log(0.75) * of + 0.5 * rng.standard_normal(many))
    clicks = 1 + rng.poisson(max(world.clicks - 1, 0) * np.exp(np.log(0.85) * of))
    errors = rng.poisson(world.errors * np.exp(np.log(0.60) * of))
    return {
        "day": rng.integers(0, WAVE_D, many, dtype=np.int16),
        "success": met.success,
        "abandoned": ~met.success & (rng.random(many) < world.gives_up),
        "time_s": np.maximum(np.round(seconds, 1), 0.1),
        "clicks": clicks.astype(np.int16),
        "errors": errors.astype(np.int16),
    }


def order_details(met: Meetings, value: np.ndarray, rng: np.random.Generator) -> Columns:
    """Day in the wave, amount, and days late."""
    many = len(met.order_of)
    amount = 40 * np.exp(0.1 * value[met.order_of] + 0.6 * rng.standard_normal(many))
    return {
        "day": rng.integers(0, WAVE_D, many, dtype=np.int16),
        "amount": np.round(amount, 2),
        "late_d": np.where(met.late, 1 + rng.poisson(2.0, many), 0).astype(np.int16),
    }


def contact_details(
    world: Touchpoints, met: Meetings, service: np.ndarray, days: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Day, cause, wait, courtesy, and the outcome; ``days`` are those of the attempts and orders."""
    of, many = service[met.contact_of], len(met.cause)
    wait = world.wait_min * np.exp(np.log(0.70) * of + 0.6 * rng.standard_normal(many))
    courtesy = np.clip(np.rint(3.8 + 0.5 * of + 0.8 * rng.standard_normal(many)), 1, 5)
    return {
        "day": np.minimum(days[met.cause] + rng.integers(0, 4, many), WAVE_D - 1).astype(np.int16),
        "cause": (met.cause >= len(met.attempt_of)).astype(np.int8),
        "wait_min": np.maximum(np.round(wait, 1), 0.1),
        "courtesy": courtesy.astype(np.int8),
        "solved": met.solved,
        "made_good": met.made_good,
    }
