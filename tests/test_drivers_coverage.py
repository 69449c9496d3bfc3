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
BOOTSTRAP = ("bootstrap", "whole numbers")  # 400 replications, so that chance takes some rows out of the band


@cache
def table() -> dict[Key, dict[str, str]]:
    with Path(script.__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {tuple(list(each.values())[:5]): each for each in csv.DictReader(file)}


def test_shares_that_are_not_near_zero_are_covered_as_often_as_said() -> None:
    for key, each in table().items():
        assert each["within"] == script.verdict(float(each["coverage"]))
        assert (len(each["why"]) > 10) == (each["within"] != "yes")
        if float(each["truth"]) > script.NEAR and (key[1], key[2]) not in {("delta", "heavy tails"), BOOTSTRAP}:
            assert 0.935 <= float(each["coverage"]) <= 0.965, key


def test_shares_near_zero_and_few_answers_with_heavy_tails_fall_short_by_little() -> None:
    outside = [each for key, each in table().items() if each["within"] != "yes" and (key[1], key[2]) != BOOTSTRAP]
    assert all(float(each["truth"]) < script.NEAR or each["population"] == "heavy tails" for each in outside)
    assert min(float(each["coverage"]) for each in table().values()) > 0.89
    drawn = [float(each["coverage"]) for key, each in table().items() if (key[1], key[2]) == BOOTSTRAP]
    assert 0.93 <= min(drawn) <= max(drawn) < 0.99
    large = [each for each in table().values() if int(each["n"]) == 10_000]
    assert min(float(each["coverage"]) for each in large) > 0.93


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
