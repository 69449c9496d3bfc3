"""How often 95% intervals of regressions hold the truth: a table, written to benchmarks/regression_coverage.csv.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/regression_coverage.py [replications]

Answers 0 to 10 follow a proportional odds model of four correlated drivers on 1 to 5; the truth of NPS points is the
exact average over all 625 combinations of drivers. Each row: what, case, n (answers), truth, coverage, the share of
intervals above and below the truth, their mean width, replications, the simulation's standard error, whether coverage
lies within 93.5 to 96.5%, and why not. Seeds are fixed; the same call gives the same table, on any number of cores.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product, repeat
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cxuxlib.models import linear, logit, margins, ordered_logit

BAND = (0.935, 0.965)
COLUMNS = (
    "what", "case", "n", "truth", "coverage", "above", "below", "width", "replications", "simulation_error", "within",
    "why",
)  # fmt: skip
SEED = 20261123
SIZES = (300, 1000, 3000, 10_000)
DRIVERS = ("ease", "help", "speed", "price")
SLOPES = np.array([0.6, 0.3, 0.15, 0.0])
THRESHOLDS = np.array([-0.9, -0.4, 0.0, 0.35, 0.7, 1.4, 1.9, 2.7, 3.9, 4.9])
HALOS = ((0.5, (0.05, 0.1, 0.2, 0.35, 0.3)), (0.35, (0.15, 0.25, 0.3, 0.2, 0.1)), (0.15, (0.4, 0.3, 0.15, 0.1, 0.05)))
CLUSTERS = 60
FORMULA = f"recommend ~ {' + '.join(DRIVERS)}"


class Cell(NamedTuple):
    """A simulated design, with what it estimates and the truth of each."""

    case: str
    n: int
    whats: tuple[str, ...]
    truths: tuple[float, ...]


@cache
def world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All combinations of drivers, their chances, and the chances of each answer."""
    levels = np.array(list(product(range(1, 6), repeat=len(DRIVERS))))
    chance = sum(share * np.prod(np.array(mix)[levels - 1], axis=1) for share, mix in HALOS)
    below = expit(THRESHOLDS - (levels @ SLOPES)[:, None])
    answers = np.diff(np.column_stack([np.zeros(len(levels)), below, np.ones(len(levels))]), axis=1)
    return levels, np.asarray(chance), answers


def true_nps_points() -> np.ndarray:
    """NPS points per point of each driver: the average over the drivers of the derivative."""
    levels, chance, _ = world()
    line = levels @ SLOPES
    density = [(lambda F: F * (1 - F))(expit(THRESHOLDS[j] - line)) for j in (6, 8)]  # at 6|7 and at 8|9
    return 100 * float(chance @ (density[0] + density[1])) * SLOPES


def standard_deviation() -> float:
    """The SD of the first driver."""
    levels, chance, _ = world()
    x = levels[:, 0]
    return float(np.sqrt(chance @ (x - chance @ x) ** 2))


def cells() -> Iterator[Cell]:
    """Every row of the table, by the fit it comes from."""
    points = true_nps_points()
    for n in SIZES:
        ratios = tuple(np.exp(SLOPES[[0, 3]]))
        nps = (points[0], points[3], points[0] * standard_deviation())
        yield Cell("ordered, observed", n, (
            "odds ratio 1.82", "odds ratio 1", "NPS points per point", "NPS points per point, none",
            "NPS points per SD",
        ), (*ratios, *nps))  # fmt: skip
        yield Cell("ordered, weights", n, ("odds ratio 1.82", "NPS points per point", "NPS points per SD"),
                   (ratios[0], nps[0], nps[2]))  # fmt: skip
        yield Cell("logit", n, ("odds ratio 1.82",), (ratios[0],))
        yield Cell("linear, HC1", n, ("slope 0.6",), (0.6,))
        yield Cell(f"linear, {CLUSTERS} clusters", n, ("slope 0.6",), (0.6,))


def draw(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Counts of n answers."""
    levels, chance, answers = world()
    by_driver = rng.multinomial(n, chance)
    some = by_driver > 0
    many = rng.multinomial(by_driver[some], answers[some])
    row, answer = np.nonzero(many)
    table = pd.DataFrame(levels[some][row], columns=list(DRIVERS))
    return table.assign(recommend=answer, n=many[row, answer])


def intervals(case: str, n: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """The intervals of one replication, in the order of the cell."""
    counts = draw(n, rng)
    if case.startswith("ordered"):
        if case.endswith("weights"):
            rows = counts.loc[counts.index.repeat(counts["n"])].assign(w=rng.choice([0.5, 1, 3], n))
            fit = ordered_logit(FORMULA, rows.drop(columns="n"), unit=None, weight="w")
            names = ["ease"]
        else:
            fit = ordered_logit(FORMULA, counts, frequency="n")
            names = ["ease", "price"]
        ratios = [fit.estimate(name, "odds ratio") for name in names]
        points = margins(fit, names, of="nps").set_index(["term", "kind"])[["low", "high"]]
        nps = [tuple(points.loc[(name, "per point")]) for name in names] + [tuple(points.loc[("ease", "per SD")])]
        return [(each.low, each.high) for each in ratios] + nps
    if case == "logit":
        found = logit(f"I(recommend >= 9) ~ {' + '.join(DRIVERS)}", counts, frequency="n").estimate(
            "ease", "odds ratio"
        )
        return [(found.low, found.high)]
    rows = counts.loc[counts.index.repeat(counts["n"])].reset_index(drop=True)
    unit = rng.integers(0, CLUSTERS, n)
    shared = 1.5 * rng.normal(size=CLUSTERS)[unit] if "clusters" in case else 0.0
    rows["rating"] = np.round(
        0.6 * rows["ease"] + 0.3 * rows["help"] + shared + rng.normal(size=n) * rows["ease"] / 2, 1
    )
    if "clusters" in case:  # drivers go together within a cluster too
        lift = rng.integers(0, 3, CLUSTERS)[unit]
        rows["rating"] += 0.6 * lift
        rows["ease"] += lift
    fit = linear("rating ~ ease + help", rows.assign(branch=unit), unit="branch" if "clusters" in case else None)
    return [(fit.estimate("ease").low, fit.estimate("ease").high)]


def simulate(cell: Cell, replications: int, seed: list[int]) -> np.ndarray:
    """Coverage, share above and below, and mean width of each interval; shape (whats, 4)."""
    rng = np.random.default_rng(seed)
    found = np.array([intervals(cell.case, cell.n, rng) for _ in range(replications)])
    truth = np.array(cell.truths)
    above, below = (found[:, :, 0] > truth).mean(axis=0), (found[:, :, 1] < truth).mean(axis=0)
    return np.column_stack([1 - above - below, above, below, (found[:, :, 1] - found[:, :, 0]).mean(axis=0)])


def simulation_error(coverage: float, replications: int) -> float:
    """Standard error of a simulated coverage."""
    return sqrt(coverage * (1 - coverage) / replications)


def verdict(coverage: float) -> str:
    """Whether a coverage lies in the band."""
    return "yes" if BAND[0] <= coverage <= BAND[1] else "conservative" if coverage > BAND[1] else "short"


def reason(coverage: float, replications: int) -> str:
    """Why a coverage lies outside the band: the simulation's own error, or the method."""
    if verdict(coverage) == "yes":
        return ""
    if min(abs(coverage - end) for end in BAND) < 2 * simulation_error(coverage, replications):
        return "no further from the band than two simulation errors"
    return "the normal distribution of the estimate is an approximation at this size"


def main(replications: int = 1000) -> None:
    """Simulate every row and write the table."""
    rows: list[tuple[object, ...]] = []
    jobs = list(cells())
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(simulate, jobs, repeat(replications), ([SEED, number] for number in range(len(jobs)))))
    for cell, found in zip(jobs, results, strict=True):
        for what, truth, (coverage, above, below, width) in zip(cell.whats, cell.truths, found, strict=True):
            within = verdict(coverage)
            why = reason(coverage, replications)
            error = f"{simulation_error(coverage, replications):.4f}"
            figures = [f"{each:.4f}" for each in (truth, coverage, above, below, width)]
            rows.append((what, cell.case, cell.n, *figures, replications, error, within, why))
            print(f"{what:28} {cell.case:24} n = {cell.n:6}  {figures[1]}  {within}", flush=True)
    with Path(__file__).with_name("regression_coverage.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
