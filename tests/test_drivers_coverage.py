"""The published table of coverage of driver shares: made by its script, inside the band or named here."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import drivers_coverage as script

pytestmark = pytest.mark.slow

Key = tuple[str, ...]
FIGURES = script.COLUMNS[6:10]
BY_CHANCE = {(kind, "delta", "whole numbers", "1000", "help") for kind in script.KINDS}  # .966, of 2,000 replications
BOOTSTRAP = ("bootstrap", "whole numbers")  # 400 replications, so that chance takes some rows out of the band


@cache
def table() -> dict[Key, dict[str, str]]:
    with Path(script.__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {tuple(list(each.values())[:5]): each for each in csv.DictReader(file)}


def test_shares_are_covered_as_often_as_said() -> None:
    for key, each in table().items():
        coverage = float(each["coverage"])
        assert each["within"] == script.verdict(coverage)
        assert (len(each["why"]) > 10) == (each["within"] != "yes")
        if (key[0], key[1]) == ("lmg", "delta") or (key[1] == "delta" and float(each["truth"]) > script.NEAR):
            assert 0.935 <= coverage <= 0.965 or key in BY_CHANCE, key


def test_johnson_near_zero_and_the_bootstrap_miss_by_little() -> None:
    short = [each for each in table().values() if each["within"] == "short"]
    assert {(each["kind"], each["interval"], each["n"], each["driver"]) for each in short} <= {
        ("johnson", "delta", "300", "looks")
    }
    assert min(float(each["coverage"]) for each in short) > 0.92
    drawn = [float(each["coverage"]) for key, each in table().items() if (key[1], key[2]) == BOOTSTRAP]
    assert 0.93 <= min(drawn) <= max(drawn) < 0.99


def test_the_table_has_the_cells_that_were_promised() -> None:
    promised = [
        (kind, *map(str, cell), driver)
        for cell in script.cells()
        for kind in script.KINDS
        for driver in script.NAMES[1:]
    ]
    assert list(table()) == promised
    assert {each[3] for each in table()} >= {"300", "10000"}


def test_the_truth_of_whole_numbers_is_that_of_very_many_answers() -> None:
    x = script.whole(np.random.default_rng(1), 2_000_000)
    assert np.corrcoef(x.T) == pytest.approx(np.array(script.correlations_of("whole numbers")), abs=0.003)


def test_a_cell_is_what_the_script_writes() -> None:
    number, cell = next((i, each) for i, each in enumerate(script.cells()) if each[1:] == ("whole numbers", 300))
    rows = [each for key, each in table().items() if key[1:4] == tuple(map(str, cell))]
    found = script.simulate(cell, int(rows[0]["replications"]), [script.SEED, number]).reshape(-1, 4)
    assert [[f"{each:.4f}" for each in row] for row in found] == [[row[name] for name in FIGURES] for row in rows]
