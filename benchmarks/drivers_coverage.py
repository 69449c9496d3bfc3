"""How often 95% intervals of driver shares hold the truth: a table, written to benchmarks/drivers_coverage.csv.

    .venv/bin/python benchmarks/drivers_coverage.py [replications]

Four drivers that correlate .3 to .5 and whose shares are planted, in three populations: normal answers, answers with
heavier tails (kurtosis 3.75), and answers in whole numbers (drivers 1 to 5, outcome 0 to 10, piled up at the top),
whose true correlations come from integrals of the normal distribution. Each row: kind of share and interval,
population, n (units), driver, true share, coverage, the share of intervals that lie above and below the truth, their
mean width, replications, the simulation's standard error, whether coverage lies within 93.5 to 96.5%, and why not.
Seeds are fixed; the same call gives the same table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from functools import cache
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import multivariate_normal, norm

from cxuxlib.models import DriverOptions, key_drivers
from cxuxlib.stats.shares import Division, share_values

BAND = (0.935, 0.965)
NAMES = ("rating", "ease", "help", "price", "looks")
COLUMNS = (
    "kind", "interval", "population", "n", "driver", "truth", "coverage", "above", "below", "width", "replications",
    "simulation_error", "within", "why",
)  # fmt: skip
SEED = 20261122
BOOTSTRAPS = 0.2  # of the replications, for each of them is a thousand resamples
KINDS = ("lmg", "johnson")
FEW = 300
NEAR = 0.02  # true share near which zero, that no share can fall below, makes its distribution skew

_BETWEEN = np.array([[1, 0.5, 0.4, 0.3], [0.5, 1, 0.4, 0.3], [0.4, 0.4, 1, 0.3], [0.3, 0.3, 0.3, 1]])
_WITH = np.array([0.55, 0.48, 0.40, 0.22])
CORR = np.block([[np.ones((1, 1)), _WITH[None]], [_WITH[:, None], _BETWEEN]])
CUTS = (
    norm.ppf(np.cumsum([0.03, 0.02, 0.02, 0.03, 0.04, 0.08, 0.08, 0.14, 0.2, 0.14])),
    *(norm.ppf(np.cumsum(shares)) for shares in ([0.05, 0.1, 0.2, 0.35], [0.1, 0.15, 0.25, 0.3],
                                                 [0.15, 0.2, 0.3, 0.25], [0.05, 0.05, 0.15, 0.35])),
)  # fmt: skip
Draw = Callable[[np.random.Generator, int], np.ndarray]


class Cell(NamedTuple):
    """A way to say how sure shares are, a simulated population, and a sample size."""

    interval: str
    population: str
    n: int


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Answers of a normal population."""
    return rng.normal(size=(n, len(CORR))) @ np.linalg.cholesky(CORR).T


def heavy(rng: np.random.Generator, n: int) -> np.ndarray:
    """The same correlations with kurtosis 3.75 (a scale mixture)."""
    return normal(rng, n) * np.sqrt(rng.gamma(1, 1, (n, 1)) * 0.5 + 0.5)


def whole(rng: np.random.Generator, n: int) -> np.ndarray:
    """Normal answers cut into those of a questionnaire."""
    return np.column_stack([np.searchsorted(cuts, x) for cuts, x in zip(CUTS, normal(rng, n).T, strict=True)]) + 0.0


POPULATIONS: dict[str, Draw] = {"normal": normal, "heavy tails": heavy, "whole numbers": whole}


@cache
def correlations_of(population: str) -> tuple[tuple[float, ...], ...]:
    """True correlations of the answers."""
    if population != "whole numbers":
        return tuple(map(tuple, CORR.tolist()))
    ends = [np.concatenate([[-8.0], cuts, [8.0]]) for cuts in CUTS]
    chances = [np.diff(norm.cdf(each)) for each in ends]
    values = [np.arange(len(each)) for each in chances]
    means = [float(c @ v) for c, v in zip(chances, values, strict=True)]
    spreads = [sqrt(float(c @ (v - m) ** 2)) for c, v, m in zip(chances, values, means, strict=True)]
    found = np.eye(len(CORR))
    for a in range(len(CORR)):
        for b in range(a):
            grid = np.stack(np.meshgrid(ends[a], ends[b], indexing="ij"), axis=-1)
            below = multivariate_normal([0, 0], [[1, CORR[a, b]], [CORR[a, b], 1]]).cdf(grid)
            cells = np.diff(np.diff(below, axis=0), axis=1)
            product = float((values[a] - means[a]) @ cells @ (values[b] - means[b]))
            found[a, b] = found[b, a] = product / (spreads[a] * spreads[b])
    return tuple(map(tuple, found.tolist()))


def truth(kind: str, population: str) -> np.ndarray:
    """The planted shares."""
    return share_values(kind, np.array([correlations_of(population)]), Division([[1], [2], [3], [4]], [], []))[0]


def cells() -> Iterator[Cell]:
    """All simulations; each gives rows for every kind and driver."""
    for population in POPULATIONS:
        for n in (300, 1000, 10_000):
            yield Cell("delta", population, n)
    for n in (300, 1000):
        yield Cell("bootstrap", "whole numbers", n)


def simulate(cell: Cell, replications: int, seed: list[int]) -> np.ndarray:
    """Coverage, shares of intervals above and below, mean width; shape (kinds, drivers, 4)."""
    rng = np.random.default_rng(seed)
    true = np.concatenate([truth(kind, cell.population) for kind in KINDS])
    options = DriverOptions("all", interval="bootstrap" if cell.interval == "bootstrap" else "robust", rng=rng)
    ends = np.empty((replications, 2, len(true)))
    for i in range(replications):
        frame = pd.DataFrame(POPULATIONS[cell.population](rng, cell.n), columns=list(NAMES))
        terms = key_drivers(frame, NAMES[0], NAMES[1:], method=options).terms
        ends[i] = terms.loc[terms["kind"].isin(KINDS), ["low", "high"]].to_numpy().T
    low, high = ends[:, 0], ends[:, 1]
    inside = (low <= true) & (true <= high)
    figures = np.stack([each.mean(axis=0) for each in (inside, low > true, high < true, high - low)], axis=1)
    return figures.reshape(len(KINDS), -1, 4)


def replications_of(cell: Cell, replications: int) -> int:
    """How often a cell is simulated."""
    return round(replications * BOOTSTRAPS) if cell.interval == "bootstrap" else replications


def verdict(coverage: float) -> str:
    """Whether coverage lies within the band."""
    return "yes" if BAND[0] <= coverage <= BAND[1] else "short" if coverage < BAND[0] else "conservative"


def reason(coverage: float, error: float, true: float, cell: Cell) -> str:
    """Why coverage lies outside the band."""
    if verdict(coverage) == "yes":
        return ""
    if true < NEAR:
        return "a share near zero cannot fall below it, so its estimate is skew"
    if cell.population == "heavy tails" and cell.n <= FEW:
        return "few answers seldom hold the rare large ones that fourth moments live on"
    near = min(abs(coverage - end) for end in BAND)
    return f"{near / error:.1f} simulation errors from the band"


def main(replications: int = 2000) -> None:
    """Simulate all cells and write the table."""
    rows = []
    for number, cell in enumerate(cells()):
        times = replications_of(cell, replications)
        found = simulate(cell, times, [SEED, number])
        for kind, of_kind in zip(KINDS, found, strict=True):
            for driver, true, figures in zip(NAMES[1:], truth(kind, cell.population), of_kind, strict=True):
                error = sqrt(figures[0] * (1 - figures[0]) / times)
                rows.append([
                    kind, *cell, driver, f"{true:.4f}", *(f"{each:.4f}" for each in figures), times, f"{error:.4f}",
                    verdict(figures[0]), reason(figures[0], error, true, cell),
                ])  # fmt: skip
        print(*cell, found[:, :, 0].round(4).tolist(), flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
