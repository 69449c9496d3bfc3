"""A reduced run of the calibration: the goals hold within what so few replications can tell."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binom

from benchmarks import calibration


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "ROOT", tmp_path)
    monkeypatch.setattr(calibration, "BLOCKS", tmp_path / "blocks")
    monkeypatch.setattr(calibration, "TABLE", tmp_path / "rulings.csv")


def few(share: float, replications: int) -> float:
    """The largest share that 1 in 2,000 runs would exceed, if the chance were ``share``."""
    return float(binom.ppf(1 - 0.0005, replications, share)) / replications


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="workers know the folders of this test only where they are forks")
def test_rulings_are_right_as_often_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(calibration.OVER_TIME, "B2", ())  # its model alone would take as long as all the others
    monkeypatch.delitem(calibration.BORDERS, "B2")
    calibration.main(25, [1000])
    table = pd.read_csv(calibration.TABLE, keep_default_na=False, na_values=[""])
    assert (table["replications"] == 25).all()
    assert {"harbor", "halo", "ceiling", "one-and-the-same", "null", "border of A0"} <= set(table["world"])
    wrong = table.dropna(subset="wrong")
    assert set(wrong["there"]) == {"holds", "fails", "on the border"}
    assert len(wrong) > 80
    assert wrong["wrong"].max() <= few(0.07, 25)
    at = table.set_index(["world", "claim"])["supported"]
    assert at["one-and-the-same", "A3 proper"] == at["one-and-the-same", "A5 screening-off"] == 0
    assert at["halo", "proper subset"] <= few(0.05, 25)
    assert at["halo", "driver"] == at["harbor", "driver"] == 0  # a survey reaches association at most
    for claim in ("A0 distinct", "A2 part", "A3 proper", "A4 complete"):
        assert at["harbor", claim] >= 0.8
    assert at["harbor", "proper subset"] >= 0.8


def test_what_has_been_run_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "WHOLE", ())
    monkeypatch.setattr(calibration, "BORDERS", {"A2": calibration.BORDERS["A2"]})
    asked = ("border of A2", False)
    monkeypatch.setattr(calibration, "judged", lambda world, late: [1] if (world, late) == asked else [])
    calibration.BLOCKS.mkdir(parents=True)
    calibration.Cell("border of A2", 300, 0).file.write_text('{"A2 part|undecided": 24, "A2 part|supported": 1}')
    monkeypatch.setattr(calibration, "ProcessPoolExecutor", Idle)
    calibration.main(25, [300])
    row = pd.read_csv(calibration.TABLE).iloc[0]
    assert (row["claim"], row["there"], row["wrong"]) == ("A2 part", "on the border", 0.04)


class Idle:
    """Workers that must not be asked."""

    def __init__(self, _: object) -> None:
        pass

    def __enter__(self) -> Idle:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, *_: object) -> None:
        pytest.fail("this was run before")
