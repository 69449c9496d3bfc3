"""How often tests of a true latent model reject, and its 95% intervals hold: written to benchmarks/latent_coverage.csv.

    .venv/bin/python benchmarks/latent_coverage.py [replications]

A cause, a mediator and an outcome with three items each (loadings .8, a = .5, b = .4, direct .2, items of variance 1),
in three populations: normal, skew (factors and errors are chi-squares of 4 degrees of freedom, skewness 1.41), and
five-point (normal, cut at -1.5, -0.7, 0.2 and 1). The gate: two factors of three items each correlate .90, and the
one-sided 95% bound of their correlation (models.factor_correlation, items as numbers or as ordered) lies below. Each
row: estimator, population, n, what was judged, its true value, the rate of rejections at 5% (of the test, scaled where
the estimator scales it) or of intervals that hold the truth, the shares of intervals above and below it, replications
that converged, the simulation's standard error, whether the rate lies within 4 to 6% or 93.5 to 96.5%, and why not.
Seeds are fixed; the same call gives the same table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.models import factor_correlation, latent
from cxuxlib.models.structural.options import Estimator

SYNTAX = """
    X =~ x1 + x2 + x3
    M =~ m1 + m2 + m3
    Y =~ y1 + y2 + y3
    M ~ a*X
    Y ~ b*M + c*X
    indirect := a*b
"""
ITEMS = [f"{letter}{k}" for letter in "xmy" for k in (1, 2, 3)]
TRUTH = {
    ("X =~ x2", "loading"): 1.0,
    ("X =~ x2", "std_all"): 0.8,
    ("M ~ X", "path"): 0.5,
    ("Y ~ M", "std_all"): 0.4,
    ("Y ~ X", "std_all"): 0.2,
    ("indirect", "defined"): 0.2,
    ("indirect", "std_all"): 0.2,
    ("Y", "r2"): 0.4**2 + 0.2**2 + 2 * 0.4 * 0.2 * 0.5,
}
COLUMNS = (
    "estimator", "population", "n", "what", "truth", "rate", "above", "below", "replications", "simulation_error",
    "within", "why",
)  # fmt: skip
SEED = 20261123
TEST_BAND, INTERVAL_BAND, GATE_BAND = (0.04, 0.06), (0.935, 0.965), (0.0, 0.06)
CUTS = [-1.5, -0.7, 0.2, 1.0]
GATES = [(population, n) for population in ("normal", "five-point") for n in (200, 500, 1000)]


class Cell(NamedTuple):
    """An estimator, a population, and a sample size."""

    estimator: Estimator | Literal["gate"]
    population: str
    n: int


def cells() -> Iterator[Cell]:
    """What is simulated."""
    for estimator, population in (
        ("ml", "normal"),
        ("mlr", "normal"),
        ("ml", "skew"),
        ("mlr", "skew"),
        ("mlm", "skew"),
        ("wlsmv", "five-point"),
    ):
        for n in (300, 1000):
            yield Cell(estimator, population, n)  # type: ignore[arg-type]


def draw(rng: np.random.Generator, population: str, n: int) -> pd.DataFrame:
    """Answers of n units."""

    def parts(k: int) -> np.ndarray:
        return rng.normal(size=(n, k)) if population != "skew" else (rng.chisquare(4, size=(n, k)) - 4) / sqrt(8)

    cause, own, rest = parts(1), parts(1), parts(1)
    mediator = 0.5 * cause + sqrt(0.75) * own
    outcome = 0.4 * mediator + 0.2 * cause + sqrt(1 - TRUTH["Y", "r2"]) * rest
    factors = np.hstack([cause, mediator, outcome])
    answers = 0.8 * np.repeat(factors, 3, axis=1) + 0.6 * parts(9)
    return pd.DataFrame(np.digitize(answers, CUTS) + 1 if population == "five-point" else answers, columns=ITEMS)


def gate(population: str, n: int, replications: int) -> dict[str, object]:
    """How often two factors that correlate .90 pass for two that correlate less."""
    cell = Cell("gate", population, n)
    rng = np.random.default_rng([SEED, *map(ord, "".join(map(str, cell)))])
    items, passed = "ordered" if population == "five-point" else "numbers", 0
    blocks, names = {"UX": ITEMS[:3], "CX": ITEMS[3:6]}, ITEMS[:6]
    for _ in range(replications):
        factors = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=n)
        answers = 0.8 * np.repeat(factors, 3, axis=1) + 0.6 * rng.normal(size=(n, 6))
        rows = pd.DataFrame(np.digitize(answers, CUTS) + 1 if items == "ordered" else answers, columns=names)
        kind = {"items": "ordered"} if items == "ordered" else {}
        passed += bool(factor_correlation(rows, blocks, level=0.90, **kind)["high"].iloc[0] < 0.90)  # type: ignore[arg-type]
    return row(cell, "gate at .90", 0.05, passed / replications, ("", ""), replications, GATE_BAND)


def rows(cell: Cell, replications: int) -> Iterator[dict[str, object]]:
    """The rows of one cell."""
    rng = np.random.default_rng([SEED, *map(ord, "".join(map(str, cell)))])
    rejected, held = [], {key: np.zeros(3) for key in TRUTH}
    for _ in range(replications):
        fit = latent(SYNTAX, draw(rng, cell.population, cell.n), estimator=cell.estimator)  # type: ignore[arg-type]
        if any(each.startswith("No convergence") for each in fit.raw.cautions):
            continue
        rejected.append(fit.quality.get("p_scaled", fit.quality["p"]) < 0.05)
        found = fit.terms.set_index(["term", "kind"])[["low", "high"]]
        for key, truth in TRUTH.items():
            low, high = found.loc[key]
            held[key] += (low <= truth <= high, low > truth, high < truth)
    n = len(rejected)
    rate = float(np.mean(rejected))
    yield row(cell, "test", 0.05, rate, ("", ""), n, TEST_BAND)
    for key, counts in held.items():
        share, above, below = counts / n
        yield row(cell, " ".join(key), TRUTH[key], share, (f"{above:.4f}", f"{below:.4f}"), n, INTERVAL_BAND)


def row(
    cell: Cell, what: str, truth: float, rate: float, sides: tuple[str, str], n: int, band: tuple[float, float]
) -> dict[str, object]:
    """One row of the table."""
    inside = band[0] <= rate <= band[1]
    why = "" if inside else _why(cell, what, rate, n, band)
    return dict(zip(COLUMNS, (
        *cell, what, f"{truth:.4f}", f"{rate:.4f}", *sides, n, f"{sqrt(rate * (1 - rate) / n):.4f}",
        "yes" if inside else "no", why,
    ), strict=True))  # fmt: skip


def _why(cell: Cell, what: str, rate: float, n: int, band: tuple[float, float]) -> str:
    """Why a rate lies outside its band."""
    if (cell.estimator, cell.population) == ("ml", "skew"):
        return "normal theory on skew answers"
    if any(abs(rate - end) <= 2 * sqrt(rate * (1 - rate) / n) for end in band):
        return "within two simulation errors of the band"
    if what.startswith("indirect"):
        return "a product of two estimates is skew"
    return "chi-square and the sandwich are right for large samples"


def main(replications: int = 2000) -> None:
    """Write the table."""
    with Path(__file__).with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for cell in cells():
            writer.writerows(rows(cell, replications))
            file.flush()
        writer.writerows(gate(*each, replications) for each in GATES)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
