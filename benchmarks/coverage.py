"""How often 95% intervals hold the truth: a table, written to benchmarks/coverage.csv.

    .venv/bin/python benchmarks/coverage.py [replications]

Single answers are not simulated: every sample of n answers is listed and weighted by its chance, so those rows are
exact. The others are simulated. Each row: metric, case, n (units), coverage, the share of intervals that lie above and
below the truth, their mean width, replications, the simulation's standard error, whether coverage lies within 93.5 to
96.5%, and why not. Seeds are fixed; the same call gives the same table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from math import log
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import binom

from cxuxlib import cx, ux
from cxuxlib.metrics.from_sums import table
from cxuxlib.stats.intervals import RatioSums, adjusted_wald, nps_adjusted_wald
from cxuxlib.study import Metric

BAND = (0.935, 0.965)
COLUMNS = (
    "metric", "case", "n", "coverage", "above", "below", "width", "replications", "simulation_error", "within", "why",
)  # fmt: skip
# Of each unit y and x; of each replication q (sum of weight times squared score) and ww (sum of squared weights).
Draw = Callable[[np.random.Generator, tuple[int, int]], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
Mix = tuple[float, float, float]

SUCCESS, NPS, TIME = ux.task_success(), cx.nps(), ux.time_on_task(success=None, which="all")
RATES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
MIXES: tuple[Mix, ...] = ((0.5, 0.3, 0.2), (0.6, 0.3, 0.1), (0.34, 0.33, 0.33), (0.2, 0.3, 0.5), (0.85, 0.1, 0.05))
SEED = 20261122


class Cell(NamedTuple):
    """A simulated row: what is drawn, its truth, and why coverage leaves the band where it does."""

    metric: str
    case: str
    n: int
    what: Metric
    truth: float
    draw: Draw
    why: str


def intervals(metric: Metric, sums: np.ndarray, weighted: bool, repeated: bool) -> np.ndarray:
    """The intervals that `measure` gives to units with these sums, in the order of `RatioSums`."""
    found = pd.DataFrame(sums, columns=RatioSums._fields)
    found = found.assign(segment="all", metric=0, answers=found["n"], n_missing=0, most=1 + repeated)
    measured = table(found, [metric], unit="u" if repeated else None, weight="w" if weighted else None, level=0.95)
    ends: np.ndarray = measured[["low", "high"]].to_numpy()
    return ends


# --- single answers: every sample --------------------------------------------------------------------------------


def all_shares(n: int) -> np.ndarray:
    """The interval of every number of successes of n."""
    return np.array([adjusted_wald(k, n) for k in range(n + 1)])


def all_nps(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Every number of promoters, passives and detractors of n, and its interval."""
    promoters = np.repeat(np.arange(n + 1), np.arange(n + 1, 0, -1))
    detractors = np.concatenate([np.arange(n + 1 - k) for k in range(n + 1)])
    counts = np.column_stack([promoters, n - promoters - detractors, detractors])
    return counts, np.array([nps_adjusted_wald(*each) for each in counts.tolist()])


def held(ends: np.ndarray, truth: float, chance: np.ndarray) -> list[float]:
    """Coverage, chance to lie above and below the truth, mean width."""
    low, high, hair = ends[:, 0], ends[:, 1], 1e-9
    inside = (low <= truth + hair) & (truth - hair <= high)  # where there is no interval, none of the three
    parts = [chance[where].sum() for where in (inside, low > truth + hair, high < truth - hair)]
    return [*parts, np.nansum((high - low) * chance) / chance[~np.isnan(low)].sum()]


def lattice(p: float, n: int, ends: np.ndarray) -> str:
    """Why coverage of a rate leaves the band: what it is at rates nearby, and whether any interval could be inside."""
    x = np.arange(n + 1)
    rates = np.linspace(p - 0.05, min(1.0, p + 0.05), 201)
    nearby = np.mean([held(ends, rate, binom.pmf(x, n, rate))[0] for rate in rates])
    up_to = np.concatenate([[0.0], binom.cdf(x, n, p)])
    possible = np.subtract.outer(up_to, up_to)[np.tril_indices(n + 2, -1)]  # of every run of neighbouring counts
    text = f"mean over rates within .05 is {nearby:.3f}"
    if p >= 0.9 and held(ends, p, binom.pmf(x, n, p))[0] > BAND[1]:
        text = f"near the edge, {n * (1 - p):.3g} failures expected; {text}"
    if not ((possible >= BAND[0]) & (possible <= BAND[1])).any():
        less, more = possible[possible < BAND[0]].max(), possible[possible > BAND[1]].min()
        text += f"; no interval of {n} can be inside, only {less:.3f} or less and {more:.3f} or more"
    return text


def exact() -> Iterator[tuple[object, ...]]:
    """Rows of task success and NPS with one answer per unit."""
    shares = {n: all_shares(n) for n in (5, 10, 20, 30, 50, 100, 200, 500, 1000)}
    for p in RATES:
        for n, ends in shares.items():
            found = held(ends, p, binom.pmf(np.arange(n + 1), n, p))
            why = lattice(p, n, ends) if verdict(found[0]) != "yes" else ""
            yield row("task success", f"p = {p}", n, found, "exact", 0.0, why)
    for n in (10, 20, 50, 100, 200, 500, 1000):
        counts, ends = all_nps(n)
        ways = gammaln(n + 1) - gammaln(counts + 1.0).sum(axis=1)
        for mix in MIXES:
            chance = np.exp(ways + counts @ np.log(mix))
            yield row("NPS", title(mix), n, held(ends, points(mix), chance), "exact", 0.0, "")


# --- repeated and weighted answers: simulation -------------------------------------------------------------------


def success(p: float, most: int, alike: float) -> Draw:
    """One to ``most`` attempts per user, whose own rate varies (intraclass correlation ``alike``)."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
        x = rng.integers(1, most + 1, size=shape)
        own = rng.beta(p * (1 - alike) / alike, (1 - p) * (1 - alike) / alike, size=shape) if alike else p
        y = rng.binomial(x, own).astype(float)
        return y, x.astype(float), y.sum(axis=1), x.sum(axis=1)

    return draw  # type: ignore[return-value]


def repeated_times(most: int) -> Draw:
    """One to ``most`` lognormal times per user, with a median of 60 s; half the variance of logs lies between users."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
        x = rng.integers(1, most + 1, size=shape).astype(float)
        y = x * (log(60) + 0.5 * rng.normal(size=shape)) + np.sqrt(x) * 0.5 * rng.normal(size=shape)
        return y, x, np.full(len(x), np.nan), x.sum(axis=1)  # a mean's interval does not read q

    return draw  # type: ignore[return-value]


def errors(most: int) -> Draw:
    """Errors at 5 opportunities in each of one to ``most`` attempts; users' rates are gamma, .1 on average."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
        x = 5.0 * rng.integers(1, most + 1, size=shape)
        y = rng.poisson(rng.gamma(2, 0.05, size=shape) * x).astype(float)
        return y, x, np.full(len(x), np.nan), x.sum(axis=1)

    return draw  # type: ignore[return-value]


def weighted(scores: tuple[float, ...], mix: tuple[float, ...], weights: Literal["strata", "skew"]) -> Draw:
    """One answer per respondent, weighted .25, 1 or 3; or lognormal, and the heavier the higher the score."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
        at = rng.choice(len(scores), p=mix, size=shape)
        s = np.array(scores)[at]
        if weights == "strata":
            w = rng.choice([0.25, 1.0, 3.0], size=shape)
        else:
            w = np.exp(0.7 * rng.normal(size=shape) - 0.5 * at)
        return w * s, w, (w * s * s).sum(axis=1), (w * w).sum(axis=1)

    return draw  # type: ignore[return-value]


def cells() -> Iterator[Cell]:
    """Every simulated row."""
    few = "few users or a rate near the edge: the added users, as large as the real ones, widen it"
    heavy = "satisfaction is skewed and few respondents carry the weight: their mean seldom sees the long tail"
    skewed = "error counts are skewed: the mean of few users seldom sees the long tail"
    for n in (5, 10, 20, 50, 100, 200, 500):
        yield Cell("time on task", "lognormal", n, TIME, 60.0, repeated_times(1), "")
    for p in (0.5, 0.8, 0.95):
        for most, alike in ((5, 0.2), (20, 0.2), (20, 0.0), (20, 0.5)):
            for n in (5, 10, 30, 100, 500):
                case = f"p = {p}, 1 to {most} attempts, icc {alike}"
                yield Cell("task success, repeated", case, n, SUCCESS, p, success(p, most, alike), few)
    for most in (5, 20):
        for n in (5, 10, 30, 100, 500):
            case = f"lognormal, 1 to {most} attempts"
            yield Cell("time on task, repeated", case, n, TIME, 60.0, repeated_times(most), "")
    for n in (5, 10, 30, 100, 500):
        yield Cell("error rate, repeated", "gamma, 1 to 20 attempts", n, ux.error_rate(), 0.1, errors(20), skewed)
    for mix in MIXES:
        for n in (10, 30, 100, 300, 1000):
            draw = weighted((100.0, 0.0, -100.0), mix, "strata")
            yield Cell("NPS, weighted", f"{title(mix)}, weights .25, 1, 3", n, NPS, points(mix), draw, few)
    for mix in (MIXES[0], MIXES[-1]):
        size = np.array(mix) * np.exp([0.0, -0.5, -1.0])
        truth = 100 * (size[0] - size[2]) / size.sum()
        for n in (10, 30, 100, 300, 1000):
            draw = weighted((100.0, 0.0, -100.0), mix, "skew")
            yield Cell("NPS, weighted", f"{title(mix)}, skew weights", n, NPS, truth, draw, few)
    csat = (0.05, 0.1, 0.2, 0.35, 0.3)
    for n in (10, 30, 100, 300, 1000):
        draw = weighted((1.0, 2.0, 3.0, 4.0, 5.0), csat, "strata")
        yield Cell("CSAT mean, weighted", "weights .25, 1, 3", n, cx.csat_mean(), 3.75, draw, heavy)


def simulate(cell: Cell, replications: int, seed: list[int]) -> list[float]:
    """Coverage, share above and below, mean width."""
    rng = np.random.default_rng(seed)
    ends: list[np.ndarray] = []
    done = 0
    while (left := replications - done) > 0:
        y, x, q, ww = cell.draw(rng, (min(left, 500_000 // cell.n), cell.n))
        n = np.full(len(y), cell.n)
        sums = np.column_stack([n, y.sum(1), x.sum(1), (y * y).sum(1), (y * x).sum(1), (x * x).sum(1), q, ww])
        ends.append(intervals(cell.what, sums, "weighted" in cell.metric, "repeated" in cell.metric))
        done += len(y)
    return held(np.concatenate(ends), cell.truth, np.full(replications, 1 / replications))


def simulation_error(coverage: float, replications: int) -> float:
    """Standard error of a simulated coverage; where every interval held, that of one that did not."""
    return float(np.sqrt(max(coverage * (1 - coverage), 1 / replications) / replications))


def simulated(replications: int) -> Iterator[tuple[object, ...]]:
    """Rows of repeated and weighted answers, and of times."""
    for number, cell in enumerate(cells()):
        found = simulate(cell, replications, [SEED, number])
        error = simulation_error(found[0], replications)
        yield row(cell.metric, cell.case, cell.n, found, replications, error, cell.why)


# --- the table ---------------------------------------------------------------------------------------------------


def points(mix: Mix) -> float:
    """The Net Promoter Score of a mix."""
    return 100 * (mix[0] - mix[2])


def title(mix: Mix) -> str:
    """A mix in percent: promoters/passives/detractors."""
    return "/".join(f"{100 * share:.0f}" for share in mix)


def verdict(coverage: float) -> str:
    """Whether coverage lies within the band."""
    return "short" if coverage < BAND[0] else "conservative" if coverage > BAND[1] else "yes"


def row(
    metric: str, case: str, n: int, found: list[float], replications: object, error: float, why: str
) -> tuple[object, ...]:
    """A row of the table, as text."""
    within = verdict(found[0])
    figures = (f"{each:.4f}" for each in found)
    return metric, case, str(n), *figures, str(replications), f"{error:.4f}", within, "" if within == "yes" else why


def main(replications: int = 20_000) -> None:
    """Write the table and print it."""
    rows = []
    for source in (exact(), simulated(replications)):
        for each in source:
            rows.append(each)
            print(f"{each[0]:24} {each[1]:38} n = {each[2]:5}  {each[3]}  {each[9]}", flush=True)
    with Path(__file__).with_name("coverage.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
