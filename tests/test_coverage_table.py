"""The published table of coverage: made by its script, found again by other draws, inside the band or named here."""

import csv
from collections.abc import Iterator
from functools import cache
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from benchmarks import coverage
from cxuxlib import measure, ux
from cxuxlib.study import Metric

pytestmark = pytest.mark.slow

Key = tuple[str, str, int]


@cache
def table() -> dict[Key, dict[str, str]]:
    with (coverage.Path(coverage.__file__).with_name("coverage.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(each["metric"], each["case"], int(each["n"])): each for each in rows}


@cache
def exact_rows() -> dict[Key, list[str]]:
    return {(str(each[0]), str(each[1]), int(str(each[2]))): list(map(str, each)) for each in coverage.exact()}


def numbered() -> Iterator[tuple[int, coverage.Cell]]:
    return enumerate(coverage.cells())


# Every row of the table that lies outside 93.5 to 96.5 %; `why` of the table gives the reason.
OUTSIDE = {
    ("task success", "p = 0.5"): {10: "conservative"},
    ("task success", "p = 0.6"): {5: "conservative", 10: "conservative"},
    ("task success", "p = 0.7"): {5: "conservative", 20: "conservative"},
    ("task success", "p = 0.8"): {10: "conservative"},
    ("task success", "p = 0.9"): {5: "short", 10: "short"} | dict.fromkeys((30, 50, 100), "conservative"),
    ("task success", "p = 0.95"): dict.fromkeys((5, 10, 20, 30, 100, 200), "conservative"),
    ("task success", "p = 0.98"): {5: "short"} | dict.fromkeys((10, 20, 30, 50, 100, 200), "conservative"),
    ("task success, repeated", "p = 0.5, 1 to 5 attempts, icc 0.2"): dict.fromkeys((5, 10), "conservative"),
    ("task success, repeated", "p = 0.5, 1 to 20 attempts, icc 0.2"): dict.fromkeys((5, 10), "conservative"),
    ("task success, repeated", "p = 0.5, 1 to 20 attempts, icc 0.0"): dict.fromkeys((5, 10), "conservative"),
    ("task success, repeated", "p = 0.5, 1 to 20 attempts, icc 0.5"): dict.fromkeys((5, 10), "conservative"),
    ("task success, repeated", "p = 0.8, 1 to 5 attempts, icc 0.2"): dict.fromkeys((5, 10, 30), "conservative"),
    ("task success, repeated", "p = 0.8, 1 to 20 attempts, icc 0.2"): dict.fromkeys((5, 10, 30), "conservative"),
    ("task success, repeated", "p = 0.8, 1 to 20 attempts, icc 0.0"): dict.fromkeys((5, 10), "conservative"),
    ("task success, repeated", "p = 0.8, 1 to 20 attempts, icc 0.5"): dict.fromkeys((5, 10, 30), "conservative"),
    ("task success, repeated", "p = 0.95, 1 to 5 attempts, icc 0.2"): dict.fromkeys((5, 10, 30, 100), "conservative"),
    ("task success, repeated", "p = 0.95, 1 to 20 attempts, icc 0.2"): dict.fromkeys((5, 10, 30, 100), "conservative"),
    ("task success, repeated", "p = 0.95, 1 to 20 attempts, icc 0.0"): dict.fromkeys((5, 10, 30), "conservative"),
    ("task success, repeated", "p = 0.95, 1 to 20 attempts, icc 0.5"): dict.fromkeys((5, 10, 30, 100), "conservative"),
    ("error rate, repeated", "gamma, 1 to 20 attempts"): dict.fromkeys((5, 10, 30), "short"),
    ("NPS, weighted", "50/30/20, weights .25, 1, 3"): {10: "conservative"},
    ("NPS, weighted", "34/33/33, weights .25, 1, 3"): {10: "conservative"},
    ("NPS, weighted", "20/30/50, weights .25, 1, 3"): {10: "conservative"},
    ("NPS, weighted", "85/10/5, weights .25, 1, 3"): dict.fromkeys((10, 30, 100), "conservative"),
    ("NPS, weighted", "85/10/5, skew weights"): dict.fromkeys((10, 30, 100), "conservative"),
    ("CSAT mean, weighted", "weights .25, 1, 3"): {10: "short", 30: "short"},
}
# What a user must be able to rely on whatever the case.
LOWEST = {"task success": 0.90, "NPS": 0.935, "time on task": 0.935, "task success, repeated": 0.935}


def test_coverage_lies_within_the_band_but_for_the_rows_named_here() -> None:
    named = {(metric, case, n): how for (metric, case), ns in OUTSIDE.items() for n, how in ns.items()}
    assert {key: each["within"] for key, each in table().items() if each["within"] != "yes"} == named
    for each in table().values():
        assert each["within"] == coverage.verdict(float(each["coverage"]))


def test_a_row_outside_the_band_says_why() -> None:
    for each in table().values():
        assert (len(each["why"]) > 20) == (each["within"] != "yes")


@pytest.mark.parametrize("metric", LOWEST)
def test_no_row_falls_below_what_can_be_relied_on(metric: str) -> None:
    assert min(float(each["coverage"]) for key, each in table().items() if key[0] == metric) >= LOWEST[metric]


def test_where_success_falls_short_no_interval_could_hold_its_level() -> None:
    short = [each for key, each in table().items() if key[0] == "task success" and each["within"] == "short"]
    assert len(short) == 3
    assert all("no interval of" in each["why"] for each in short)


def test_the_table_has_the_cells_that_were_promised() -> None:
    sizes: dict[str, set[int]] = {}
    for metric, _, n in table():
        sizes.setdefault(metric, set()).add(n)
    assert {min(sizes["task success"]), max(sizes["task success"])} == {5, 1000}
    assert {min(sizes["NPS"]), max(sizes["NPS"])} == {min(sizes["NPS, weighted"]), max(sizes["NPS, weighted"])}
    assert {min(sizes["time on task"]), max(sizes["time on task"])} == {5, 500}
    assert len({case for metric, case, _ in table() if metric == "NPS"}) == 5
    assert list(table()) == [*exact_rows(), *((each.metric, each.case, each.n) for _, each in numbered())]


def test_exact_rows_are_what_the_script_writes() -> None:
    assert [list(table()[key].values()) for key in exact_rows()] == list(exact_rows().values())


def test_simulated_rows_are_what_the_script_writes() -> None:
    some = {cell.metric: (number, cell) for number, cell in numbered() if cell.n <= 10}
    assert len(some) == 6
    for number, cell in some.values():
        published = table()[cell.metric, cell.case, cell.n]
        replications = int(published["replications"])
        found = coverage.simulate(cell, replications, [coverage.SEED, number])
        assert [f"{each:.4f}" for each in found] == [published[name] for name in coverage.COLUMNS[3:7]]


def test_simulated_rows_are_found_again_by_other_draws() -> None:
    deviations = []
    for number, cell in numbered():
        published = table()[cell.metric, cell.case, cell.n]
        found = coverage.simulate(cell, 2000, [coverage.SEED + 1, number])[0]
        error = coverage.simulation_error(float(published["coverage"]), 2000)
        deviations.append(
            (found - float(published["coverage"])) / sqrt(error**2 + float(published["simulation_error"]) ** 2)
        )
    assert np.abs(deviations).max() < 3
    assert abs(np.mean(deviations)) < 3 / sqrt(len(deviations))  # nor do all of them lie to one side


# --- the script's sums are those that measure makes -----------------------------------------------------------------


def attempts() -> pd.DataFrame:
    rng = np.random.default_rng(31)
    users = np.repeat(np.arange(25), rng.integers(1, 21, 25))
    n = len(users)
    return pd.DataFrame({
        "u": users, "w": rng.choice([0.25, 1, 3], n), "success": rng.random(n) < 0.8,
        "recommend": rng.integers(0, 11, n), "duration_s": np.exp(4 + rng.normal(size=n)),
        "n_errors": rng.poisson(0.5, n), "n_opportunities": 5,
    })  # fmt: skip


def scores(data: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    ones = pd.Series(1.0, index=data.index)
    nps = 100.0 * (data["recommend"] >= 9) - 100.0 * (data["recommend"] <= 6)
    return {
        "task success": (data["success"].astype(float), ones), "NPS": (nps, ones),
        "time on task (all)": (np.log(data["duration_s"]), ones),
        "error rate": (data["n_errors"].astype(float), data["n_opportunities"].astype(float)),
    }  # fmt: skip


@pytest.mark.parametrize(
    "metric", [coverage.SUCCESS, coverage.NPS, coverage.TIME, ux.error_rate()], ids=lambda each: each.name
)
@pytest.mark.parametrize(("unit", "weight"), [(None, None), ("u", None), (None, "w")])
def test_intervals_of_the_script_are_those_of_measure(metric: Metric, unit: str | None, weight: str | None) -> None:
    data = attempts()
    s, per = scores(data)[metric.name]
    w = data[weight] if weight else pd.Series(1.0, index=data.index)
    y, x = ((w * each).groupby(data[unit] if unit else data.index).sum() for each in (s, per))
    sums = np.array([[len(y), y.sum(), x.sum(), y @ y, y @ x, x @ x, (w * s * s).sum(), (w * w * per).sum()]])
    row = measure(data, metric, unit=unit, weight=weight).iloc[0]
    found = coverage.intervals(metric, sums, weight is not None, unit is not None)[0]
    assert found == pytest.approx((row["low"], row["high"]), rel=1e-9)
