"""From states of mind to answers: thresholds, manner of answering, careless answers, and what is missing."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import ndtri

from cxuxlib.worlds.customers import LASTING, Customers
from cxuxlib.worlds.items import ITEMS
from cxuxlib.worlds.living import Wave
from cxuxlib.worlds.parameters import FACETS, Questionnaire, World

__all__ = ["Respondents", "answer"]


class Respondents:
    """What lasts of how customers answer: who is careless, the manner, and which facets they have met so far."""

    def __init__(self, world: World, who: Customers, rng: np.random.Generator) -> None:
        n = len(who.brand)
        self.careless = rng.random(n) < world.questionnaire.careless
        self.manner = who.lasting[LASTING.index("manner")]
        self.met = {name: rng.random(n) < getattr(world.experience, name).met for name in FACETS}

    def meet(self, wave: Wave) -> None:
        """Who contacts service has met it, and so with orders and delivery."""
        self.met["service"][wave.met.contact_of] = True
        self.met["delivery"][wave.met.order_of] = True


def answer(
    world: World, wave: Wave, respondents: Respondents, active: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The answers of the customers at the positions ``active`` in one wave.

    Args:
        world: the parameters.
        wave: the states.
        respondents: what lasts of how they answer.
        active: positions of those who are still customers.
        rng: generator.

    Returns:
        ``responded``, and one array per item; what is missing is NaN.
    """
    q, n = world.questionnaire, len(active)
    responded = rng.standard_normal(n) < ndtri(q.response) + q.response_cx * wave.cx[active]
    careless = respondents.careless[active]
    one_answer = rng.standard_normal(n)
    manner = q.halo * respondents.manner[active]
    error = sqrt(1 - q.loading**2 - q.halo**2)
    ux, service = wave.reported, wave.facets["service"]
    r = world.experience.ux.umbrella * world.experience.service.umbrella
    states = {**wave.facets, "ux": ux, "cx": wave.cx, "satisfaction": wave.cx, "loyalty": wave.loyalty}
    states["effort"] = (ux + service) / sqrt(2 + 2 * r)
    states = {name: q.loading * state[active] + manner for name, state in states.items()}
    unmet = {name: ~met[active] for name, met in respondents.met.items()}
    found = {"responded": responded}
    for column, state, low, high in ITEMS:
        y = states[state] + error * rng.standard_normal(n)
        y[careless] = one_answer[careless]
        given = _nearest(q, y, low, high)
        given[~responded] = np.nan
        if state in unmet:
            given[unmet[state]] = np.nan
        found[column.name] = given
    return found


def _nearest(q: Questionnaire, y: np.ndarray, low: float, high: float) -> np.ndarray:
    """Answers on a scale from low to high."""
    y = np.rint(low + (high - low) * (q.mean + q.spread * y))
    found: np.ndarray = np.clip(y, low, high, out=y)
    return found
