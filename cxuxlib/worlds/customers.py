"""Who the customers are: their brand and product, and the chance events of their lives, as standard normal numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from cxuxlib.worlds.parameters import Market, World

__all__ = ["LASTING", "PASSING", "Customers", "Quality", "draw", "exact", "quality"]

LASTING = (
    "umbrella", "hidden", "skill", "service", "delivery", "value", "brand", "innovation", "start_ux", "start_cx",
    "loyalty", "manner",
)  # fmt: skip
PASSING = ("umbrella", "ux", "service", "delivery", "value", "brand", "innovation", "cx", "loyalty")


class Customers(NamedTuple):
    """Customers as arrays of length n.

    Args:
        brand, product: their numbers, from 0.
        extra: number of further products used.
        treated: whether the redesign is theirs, once it is there.
        lasting: standard normal numbers by the names of `LASTING`, shape (12, n).
        passing: the same of every wave, by the names of `PASSING`, shape (waves, 9, n).
    """

    brand: np.ndarray
    product: np.ndarray
    extra: np.ndarray
    treated: np.ndarray
    lasting: np.ndarray
    passing: np.ndarray


class Quality(NamedTuple):
    """Brands and products as such.

    Args:
        brand_of: brand of every product.
        products: quality of every product; over customers its mean is 0 and its variance 1.
        brands: standing of every brand, the same; without correlation to the quality of the products.
    """

    brand_of: np.ndarray
    products: np.ndarray
    brands: np.ndarray


def quality(market: Market) -> Quality:
    """Quality of products and standing of brands: normal scores in an order that looks random, and never changes."""
    sizes = np.array(market.products)
    brand_of = np.repeat(np.arange(len(sizes)), sizes)
    share = 1 / (len(sizes) * sizes[brand_of])
    standing = _scores(len(sizes), 0.7548776662)
    brands = _standard(standing, np.full(len(sizes), 1 / len(sizes)))
    products = _scores(len(brand_of), 0.6180339887)
    centred = products - share @ products
    along = brands[brand_of] * (share @ (centred * brands[brand_of]))
    return Quality(brand_of, _standard(centred - along, share), brands)


def _scores(many: int, turn: float) -> np.ndarray:
    """Normal scores, ordered as the fractions of multiples of ``turn``."""
    order = np.argsort(np.argsort(np.arange(1, many + 1) * turn % 1))
    found: np.ndarray = ndtri((order + 0.5) / many)
    return found


def _standard(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    centred = x - share @ x
    sd = np.sqrt(share @ centred**2)
    scaled: np.ndarray = centred / sd if sd > 1e-9 else np.zeros_like(centred)
    return scaled


def draw(world: World, n: int, waves: int, rng: np.random.Generator) -> Customers:
    """Draw customers at random."""
    sizes = np.array(world.market.products)
    brand = rng.integers(len(sizes), size=n)
    place = (rng.random(n) * sizes[brand]).astype(np.int64)
    return _customers(world, brand, place, waves, rng)


def exact(world: World, at_least: int, waves: int, rng: np.random.Generator) -> Customers:
    """Customers that stand for infinitely many, in equal numbers by brand, and by product of a brand.

    In every product the second half mirrors the first, so that means and third moments of the normal numbers are 0, and
    in every brand their variances are 1 and their correlations 0.
    """
    sizes, brand_of = np.array(world.market.products), quality(world.market).brand_of
    even = 2 * int(np.lcm.reduce(sizes))
    each = -(-at_least // (len(sizes) * even)) * even
    many = each // sizes[brand_of]
    product = np.repeat(np.arange(len(brand_of)), many)
    brand = brand_of[product]
    found = _customers(world, brand, product - (np.cumsum(sizes) - sizes)[brand], waves, rng)
    numbers = np.concatenate([found.lasting, *found.passing])
    for end, half in zip(np.cumsum(many), many // 2, strict=True):
        numbers[:, end - half : end] = -numbers[:, end - 2 * half : end - half]
    for start in range(0, len(brand), each):
        part = numbers[:, start : start + each]
        part[:] = np.linalg.solve(np.linalg.cholesky(part @ part.T / each), part)
    first = len(LASTING)
    return found._replace(lasting=numbers[:first], passing=numbers[first:].reshape(found.passing.shape))


def _customers(world: World, brand: np.ndarray, place: np.ndarray, waves: int, rng: np.random.Generator) -> Customers:
    sizes, n = np.array(world.market.products), len(brand)
    product = np.cumsum(sizes)[brand] - sizes[brand] + place
    extra = rng.binomial(sizes[brand] - 1, world.market.extra)
    lot = rng.random(n) < world.redesign.share
    redesign = {"customer": lot, "product": product % 2 == 1, "": np.zeros(n, dtype=bool)}[world.redesign.by]
    lasting = rng.standard_normal((len(LASTING), n))
    passing = rng.standard_normal((waves, len(PASSING), n))
    return Customers(brand, product, extra, redesign, lasting, passing)
