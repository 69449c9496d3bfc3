"""Shares by their definitions, over every order of the players: slow, short, and another way than the library's."""

import json
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np

from cxuxlib.results import Moments

REFERENCE = json.loads((Path(__file__).parent / "reference" / "models.json").read_text(encoding="utf-8"))
SWISS = tuple(REFERENCE["swiss_names"])


def swiss() -> Moments:
    return Moments(REFERENCE["swiss_n"], SWISS, np.zeros(6), np.array(REFERENCE["swiss_corr"]))


def random_correlations(seed: int, p: int) -> np.ndarray:
    """Correlations of both signs that are far from singular."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(p, p + 4)) + rng.normal(size=p + 4)
    return np.corrcoef(x)


def r2(corr: np.ndarray, columns: list[int]) -> float:
    r = corr[0, columns]
    return float(r @ np.linalg.inv(corr[np.ix_(columns, columns)]) @ r) if columns else 0.0


def gains(corr: np.ndarray, order: list[list[int]], controls: list[int]) -> list[float]:
    """What each block of columns adds to R² where they enter in this order, after the controls."""
    sums = [r2(corr, [*controls, *(each for block in order[:i] for each in block)]) for i in range(len(order) + 1)]
    return np.diff(sums).tolist()


def shapley_by_orders(corr: np.ndarray, players: list[list[int]], controls: list[int]) -> np.ndarray:
    shares = np.zeros(len(players))
    for order in permutations(range(len(players))):
        shares[list(order)] += gains(corr, [players[i] for i in order], controls)
    return shares / factorial(len(players))


def owen_by_orders(corr: np.ndarray, groups: list[list[int]], controls: list[int]) -> dict[int, float]:
    """Mean gain of each column over all orders in which groups stay together."""
    total = dict.fromkeys((each for group in groups for each in group), 0.0)
    count = 0
    for order in permutations(range(len(groups))):
        for inside in _products([list(permutations(groups[i])) for i in order]):
            columns = [each for group in inside for each in group]
            count += 1
            for column, gain in zip(columns, gains(corr, [[each] for each in columns], controls), strict=True):
                total[column] += gain
    return {column: value / count for column, value in total.items()}


def _products(lists: list[list[tuple[int, ...]]]) -> list[list[tuple[int, ...]]]:
    return [[first, *rest] for first in lists[0] for rest in _products(lists[1:])] if lists else [[]]


def johnson_from_answers(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Relative weights as Johnson made them: regress on the orthonormal columns nearest to the drivers."""
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    left, _, right = np.linalg.svd(x, full_matrices=False)
    z = left @ right * np.sqrt(len(x))
    return (z.T @ x / len(x)).T ** 2 @ (z.T @ y / len(x)) ** 2
