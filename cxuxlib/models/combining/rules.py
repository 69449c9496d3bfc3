"""Rules by which experiences may combine, as columns of an ordered model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ADDITIVE = "additive"


def _weakest(x: Array) -> Array:
    low: Array = x.min(axis=1, keepdims=True)
    return low


def _products(x: Array, middle: Array) -> Array:
    pairs = [(x[:, i] - middle[i]) * (x[:, j] - middle[j]) for i, j in combinations(range(x.shape[1]), 2)]
    return np.column_stack([x, *pairs])


def _hinges(x: Array, middle: Array) -> Array:
    return np.column_stack([np.minimum(x - middle, 0.0), np.maximum(x - middle, 0.0)])


# Each makes columns of answers, shape (m, p), brought to 0 to 1, and of their scales' middles.
RULES: dict[str, Callable[[Array, Array], Array]] = {
    ADDITIVE: lambda x, middle: x,
    "weakest link": lambda x, middle: np.column_stack([x, _weakest(x)]),
    "weakest only": lambda x, middle: _weakest(x),
    "pairwise": _products,
    "hinge": _hinges,
    "ordered-weighted": lambda x, middle: np.sort(x, axis=1),
}
