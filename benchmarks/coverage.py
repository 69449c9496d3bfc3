"""How often 95% intervals hold the truth: a table by simulation, written to benchmarks/coverage.csv.

    .venv/bin/python benchmarks/coverage.py [replications]

Each row: metric, case, n (units), coverage, the share of intervals that lie above and below the truth, mean width, and
the simulation's standard error. Seeds are fixed; the same call gives the same table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from math import exp, sqrt
from pathlib import Path

import numpy as np

from cxuxlib.stats.intervals import RatioSums, adjusted_ratio, log_t, normal_quantile

Draw = Callable[[np.random.Generator, int], tuple[float, float]]
Z = normal_quantile(0.95)
SHARE = [(1.0, Z * Z / 2), (0.0, Z * Z / 2)]
NPS = [(100.0, 0.75), (0.0, 1.5), (-100.0, 0.75)]
MIXES = [(0.5, 0.3, 0.2), (0.6, 0.3, 0.1), (0.34, 0.33, 0.33), (0.2, 0.3, 0.5), (0.85, 0.1, 0.05)]


def interval(
    y: np.ndarray, x: np.ndarray, q: float, ww: float, pseudo: list[tuple[float, float]]
) -> tuple[float, float]:
    """Adjusted interval, cut to the range of the metric and made to hold the estimate, as `measure` does."""
    sums = RatioSums(len(x), y.sum(), x.sum(), y @ y, y @ x, x @ x, q, ww)
    low, high = adjusted_ratio(sums, pseudo)
    value, bottom, top = sums.y / sums.x, min(s for s, _ in pseudo), max(s for s, _ in pseudo)
    return min(value, max(low, bottom)), max(value, min(high, top))


def success(p: float) -> Draw:
    """One attempt per user."""

    def draw(rng: np.random.Generator, n: int) -> tuple[float, float]:
        x = (rng.random(n) < p).astype(float)
        return interval(x, np.ones(n), x.sum(), n, SHARE)

    return draw


def repeated(p: float, most: int, spread: float) -> Draw:
    """One to ``most`` attempts per user, whose own rate varies (intraclass correlation ``spread``)."""

    def draw(rng: np.random.Generator, n: int) -> tuple[float, float]:
        many = rng.integers(1, most + 1, size=n).astype(float)
        own = rng.beta(p * (1 - spread) / spread, (1 - p) * (1 - spread) / spread, size=n)
        hits = rng.binomial(many.astype(int), own).astype(float)
        return interval(hits, many, hits.sum(), many.sum(), SHARE)

    return draw


def nps(mix: tuple[float, float, float], weighted: bool) -> Draw:
    """One answer per respondent; weights of .25, 1 and 3 where asked for."""

    def draw(rng: np.random.Generator, n: int) -> tuple[float, float]:
        score = rng.choice([100.0, 0.0, -100.0], p=mix, size=n)
        w = rng.choice([0.25, 1.0, 3.0], size=n) if weighted else np.ones(n)
        return interval(w * score, w, w @ score**2, w @ w, NPS)

    return draw


def times(rng: np.random.Generator, n: int) -> tuple[float, float]:
    """Lognormal times with a median of 60 seconds."""
    return log_t(list(np.exp(np.log(60) + 0.7 * rng.normal(size=n))))


def cases() -> Iterator[tuple[str, str, int, float, Draw]]:
    """Metric, case, n, truth and how to draw."""
    for p in (0.5, 0.8, 0.9, 0.98):
        for n in (5, 20, 100, 1000):
            yield "task success", f"p = {p}", n, p, success(p)
    for mix in MIXES:
        for n in (10, 50, 200, 1000):
            yield "NPS", "/".join(f"{100 * share:.0f}" for share in mix), n, 100 * (mix[0] - mix[2]), nps(mix, False)
    for n in (5, 20, 100, 500):
        yield "time on task", "lognormal, sd of logs .7", n, exp(np.log(60)), times
    for p in (0.5, 0.8, 0.95):
        for most in (5, 20):
            for n in (10, 30, 100, 500):
                yield "task success, repeated", f"p = {p}, 1 to {most} attempts", n, p, repeated(p, most, 0.2)
    for mix in MIXES:
        for n in (30, 100, 1000):
            yield "NPS, weighted", "/".join(f"{100 * s:.0f}" for s in mix), n, 100 * (mix[0] - mix[2]), nps(mix, True)


def main(replications: int = 2000) -> None:
    """Write the table and print it."""
    rows = [("metric", "case", "n", "coverage", "above", "below", "width", "simulation_error")]
    for number, (metric, case, n, truth, draw) in enumerate(cases()):
        rng = np.random.default_rng([20261122, number])
        ends = np.array([draw(rng, n) for _ in range(replications)])
        above, below = (ends[:, 0] > truth + 1e-9).mean(), (ends[:, 1] < truth - 1e-9).mean()
        held = 1 - above - below
        error = sqrt(max(held * (1 - held), 1 / replications) / replications)
        figures = (held, above, below, (ends[:, 1] - ends[:, 0]).mean(), error)
        rows.append((metric, case, n, *(f"{figure:.4f}" for figure in figures)))
        print(f"{metric:24} {case:26} n = {n:5}  coverage {held:.3f}", flush=True)
    with (Path(__file__).with_name("coverage.csv")).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
