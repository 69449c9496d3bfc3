"""The published table of latent models' error rates: made by its script, inside the bands or named here."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import latent_coverage as script

Key = tuple[str, ...]


@cache
def table() -> dict[Key, dict[str, str]]:
    with Path(script.__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {tuple(list(each.values())[:4]): each for each in csv.DictReader(file)}


def test_the_table_has_the_cells_that_were_promised() -> None:
    whats = ["test", *(" ".join(key) for key in script.TRUTH)]
    gates = [("gate", *map(str, each), "gate at .90") for each in script.GATES]
    assert list(table()) == [(*map(str, cell), what) for cell in script.cells() for what in whats] + gates
    assert all(int(each["replications"]) >= 1990 for each in table().values())


def test_rates_are_judged_as_said() -> None:
    for (*_, what), each in table().items():
        bands = {"test": script.TEST_BAND, "gate at .90": script.GATE_BAND}
        low, high = bands.get(what, script.INTERVAL_BAND)
        assert (each["within"] == "yes") == (low <= float(each["rate"]) <= high)
        assert (len(each["why"]) > 10) == (each["within"] == "no")


@pytest.mark.parametrize(
    "fitting", [("ml", "normal"), ("mlr", "normal"), ("mlr", "skew"), ("mlm", "skew"), ("wlsmv", "five-point")]
)
def test_the_right_estimator_errs_as_often_as_it_says(fitting: tuple[str, str]) -> None:
    for (estimator, population, n, what), each in table().items():
        if (estimator, population) != fitting:
            continue
        rate = float(each["rate"])
        if what == "test":
            assert 0.038 <= rate <= (0.075 if n == "300" else 0.065)
        else:
            assert 0.92 <= rate <= 0.965, (n, what)


def test_the_gate_errs_rarely_at_its_border() -> None:
    for population, n in script.GATES:
        assert float(table()["gate", population, str(n), "gate at .90"]["rate"]) <= 0.06 + 2 * 0.005


def test_normal_theory_falls_short_on_skew_answers() -> None:
    assert float(table()["ml", "skew", "1000", "X =~ x2 std_all"]["rate"]) < 0.92
    assert float(table()["mlr", "skew", "1000", "X =~ x2 std_all"]["rate"]) > 0.93


@pytest.mark.slow
def test_the_script_makes_the_table() -> None:
    cell = next(script.cells())
    for made in script.rows(cell, 2000):
        stored = table()[*map(str, cell), str(made["what"])]
        assert {name: str(value) for name, value in made.items()} == stored


def test_the_population_is_what_the_truth_says() -> None:
    for population in ("normal", "skew"):
        frame = script.draw(np.random.default_rng(1), population, 400_000)
        corr = np.corrcoef(frame.to_numpy().T)
        assert corr[0, 1] == pytest.approx(0.64, abs=0.01)
        assert corr[0, 3] == pytest.approx(0.64 * 0.5, abs=0.01)
        assert corr[3, 6] == pytest.approx(0.64 * (0.4 + 0.2 * 0.5), abs=0.01)
