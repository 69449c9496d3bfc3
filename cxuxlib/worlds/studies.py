"""From a world to a study: tables with their dictionary, and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.study import Study, first_sheets
from cxuxlib.worlds.answers import Respondents, answer
from cxuxlib.worlds.customers import draw, quality
from cxuxlib.worlds.items import COLUMNS, TABLES
from cxuxlib.worlds.living import Wave, live
from cxuxlib.worlds.named import WORLDS
from cxuxlib.worlds.parameters import World
from cxuxlib.worlds.touchpoints import WAVE_D, attempt_details, contact_details, order_details
from cxuxlib.worlds.truths import truth

__all__ = ["make"]

CHUNK = 50_000  # customers made at a time, so that their numbers stay in the cache
Columns = dict[str, np.ndarray]
Rng = int | np.random.Generator


def make(world: str | World, *, n: int = 2000, waves: int = 4, rng: Rng) -> Study:
    """Simulate a study whose truth is known.

    Args:
        world: a name of `names`, or a `World` of one's own.
        n: number of customers at the first wave, 1 or more.
        waves: number of waves, 1 or more.
        rng: seed or generator; the same seed gives the same tables on every version of Python.

    Returns:
        A study with the tables ``customers``, ``products``, ``attempts``, ``orders``, ``contacts``, ``surveys`` (one
        row per customer and wave until the customer leaves; who did not respond has no answers, and who never met a
        facet has none for it), ``churn``, and ``answers`` (the surveys of the first wave, one row per customer); and
        ``truth``, by the names of `TRUTHS`.

    Raises:
        ArgumentError: there is no such world, its parameters contradict each other, or n or waves is no whole number.

    Source: made for cxuxlib; the parameters name theirs. Checked against: its truth.

    >>> study = make("harbor", n=500, waves=2, rng=1)
    >>> {name: len(table) for name, table in study.tables.items() if name in ("customers", "products", "answers")}
    {'customers': 500, 'products': 30, 'answers': 500}
    >>> round(study.truth["itt_cx"], 2)
    0.13
    """
    if not isinstance(world, World):
        if world not in WORLDS:
            raise ArgumentError(unknown("world", world, WORLDS))
        world = WORLDS[world]
    for name, value in (("n", n), ("waves", waves)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ArgumentError(f"{name} is a whole number, 1 or more; got {value!r}.")
    known = truth(world, waves=int(waves))
    firsts = range(0, int(n), CHUNK)
    generators = np.random.default_rng(rng).spawn(len(firsts))
    chunks = [
        _chunk(world, first, min(CHUNK, int(n) - first), int(waves), generator)
        for first, generator in zip(firsts, generators, strict=True)
    ]
    tables = {name: _table(name, [chunk[name] for chunk in chunks]) for name in chunks[0]}
    tables["attempts"].insert(0, "session_id", np.arange(1, len(tables["attempts"]) + 1, dtype=np.int32))
    tables["contacts"]["cause"] = pd.Categorical.from_codes(tables["contacts"]["cause"], ["product", "delivery"])
    tables["products"] = _products(world)
    tables = {name: tables[name] for name in TABLES}
    tables["answers"] = first_sheets(tables["surveys"])
    return Study(world.name, tables, COLUMNS, f"simulated with cxuxlib: {world.says}", known)


def _chunk(world: World, first: int, many: int, waves: int, rng: np.random.Generator) -> dict[str, Columns]:
    """The tables of ``many`` customers, the first of whom has the number ``first``, counted from 0."""
    lots, lives, habits, details = rng.spawn(4)
    who = draw(world, many, waves, lots)
    respondents = Respondents(world, who, habits)
    stays, last_wave = np.ones(many, dtype=bool), np.full(many, waves, dtype=np.int16)
    parts: dict[str, list[Columns]] = {"surveys": [], "attempts": [], "orders": [], "contacts": []}
    for number, wave in enumerate(live(world, who, lives), start=1):
        respondents.meet(wave)
        active = np.flatnonzero(stays)
        sheets = answer(world, wave, respondents, active, habits)
        parts["surveys"].append({"customer": active, "wave": np.full(len(active), number), **sheets})
        for name, events in _events(world, wave, who.product, details).items():
            here = stays[events["customer"]]
            events = {"wave": np.full(len(here), number), **events, "day": events["day"] + WAVE_D * (number - 1)}
            parts[name].append({key: values[here] for key, values in events.items()})
        leaving = stays & wave.leaves
        last_wave[leaving] = number
        stays &= ~leaving
    tables = {name: _by_customer(pieces, first) for name, pieces in parts.items()}
    ids = np.arange(first + 1, first + many + 1, dtype=np.int32)
    tables["customers"] = {
        "customer_id": ids,
        "brand_id": (who.brand + 1).astype(np.int16),
        "product_id": (who.product + 1).astype(np.int16),
        "products_used": (who.extra + 1).astype(np.int16),
        "redesign": who.treated,
    }
    tables["churn"] = {"customer_id": ids, "last_wave": last_wave, "churned": ~stays}
    return tables


def _events(world: World, wave: Wave, product: np.ndarray, rng: np.random.Generator) -> dict[str, Columns]:
    met, point = wave.met, world.touchpoints
    attempts = attempt_details(point, met, wave.usable, rng)
    orders = order_details(met, wave.facets["value"], rng)
    days = np.concatenate([attempts["day"], orders["day"]])
    contacts = contact_details(point, met, wave.facets["service"], days, rng)
    products = (product[met.attempt_of] + 1).astype(np.int16)
    return {
        "attempts": {"customer": met.attempt_of, "product_id": products, **attempts},
        "orders": {"customer": met.order_of, **orders},
        "contacts": {"customer": met.contact_of, **contacts},
    }


def _by_customer(waves: list[Columns], first: int) -> Columns:
    """The rows of all waves, in order of customer and wave."""
    whole = {name: np.concatenate([wave[name] for wave in waves]) for name in waves[0]}
    order = np.argsort(whole["customer"], kind="stable")
    found = {name: values[order] for name, values in whole.items()}
    ids = (found.pop("customer") + first + 1).astype(np.int32)
    return {"customer_id": ids, **found, "wave": found["wave"].astype(np.int16)}


def _table(name: str, chunks: list[Columns]) -> pd.DataFrame:
    data: dict[str, Any] = {}
    for column in [each.name for each in TABLES[name] if each.name in chunks[0]]:
        data[column] = np.concatenate([chunk[column] for chunk in chunks])
    return pd.DataFrame(data, copy=False)


def _products(world: World) -> pd.DataFrame:
    brand_of = quality(world.market).brand_of
    sizes = np.array(world.market.products)
    return pd.DataFrame({
        "product_id": np.arange(1, len(brand_of) + 1, dtype=np.int16),
        "brand_id": (brand_of + 1).astype(np.int16),
        "products_of_brand": sizes[brand_of].astype(np.int16),
    })  # fmt: skip
