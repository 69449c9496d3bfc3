"""Ordered answers with lavaan's figures, factor models written out by hand, and answers drawn with a known truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from cxuxlib.stats.answer_tables import Coded, coded
from cxuxlib.stats.polychoric import polychoric, polychoric_covariance
from cxuxlib.stats.weighted_fit import Model, Statistics

LAVAAN = json.loads((Path(__file__).parent / "reference" / "polychoric.json").read_text(encoding="utf-8"))
CASES = ["holzinger", "even", "skewed", "large", "close", "mixed", "two_by_two", "missing"]
EVEN, HIGH = (-1.2, -0.4, 0.4, 1.2), (-2.0, -1.4, -0.8, 0.1)


def answers_of(case: dict[str, Any]) -> Coded:
    return coded(case["rows"], case["n"])


def statistics_of(data: Coded) -> Statistics:
    found = polychoric(data)
    return Statistics(found.statistics, polychoric_covariance(data, found), found.n)


def whole(lower: list[float]) -> np.ndarray:
    """A symmetric matrix from its lower triangle, column by column as R lists it."""
    size = int((np.sqrt(8 * len(lower) + 1) - 1) / 2)
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = lower
    return matrix + np.triu(matrix, 1).T


def factor_model(items: int, factors: int, thresholds: int, *, marker: bool = False) -> Model:
    """Thresholds, then λ_i λ_j φ: factors of variance 1, or of a free variance with a first loading of 1."""
    own = np.repeat(np.arange(factors), items // factors)
    firsts = np.searchsorted(own, np.arange(factors))
    free = np.setdiff1d(np.arange(items), firsts) if marker else np.arange(items)
    rows, columns = np.triu_indices(items, 1)
    phis = np.transpose(np.triu_indices(factors, 0 if marker else 1))

    def implied(at: np.ndarray) -> np.ndarray:
        loadings, phi = np.ones(items), np.eye(factors)
        loadings[free] = at[thresholds : thresholds + len(free)]
        for value, (f, g) in zip(at[thresholds + len(free) :], phis, strict=True):
            phi[f, g] = phi[g, f] = value
        between = loadings[rows] * loadings[columns] * phi[own[rows], own[columns]]
        return np.concatenate([at[:thresholds], between])

    def model(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # σ is linear in each parameter, so differences are exact up to rounding
        steps = np.eye(len(at))
        return implied(at), np.transpose([(implied(at + step) - implied(at - step)) / 2 for step in steps])

    return model


def begin(data: Coded, factors: int, *, marker: bool = False) -> np.ndarray:
    thresholds, items = polychoric(data).thresholds, len(data.codes)
    loadings = np.full(items - factors if marker else items, 1.0 if marker else 0.6)
    phis = np.eye(factors)[np.triu_indices(factors, 0 if marker else 1)] * 0.3 + 0.2
    return np.concatenate([thresholds, loadings, phis])


def drawn(rng: np.random.Generator, n: int, corr: np.ndarray, cuts: list[tuple[float, ...]]) -> np.ndarray:
    """Answers 1, 2, ... of n units from normal variables with these correlations, cut here."""
    normal = rng.multivariate_normal(np.zeros(len(corr)), corr, size=n, method="cholesky")
    return np.column_stack([np.digitize(normal[:, i], each) + 1 for i, each in enumerate(cuts)])


def one_factor(loadings: list[float]) -> np.ndarray:
    corr = np.outer(loadings, loadings)
    np.fill_diagonal(corr, 1.0)
    return corr
