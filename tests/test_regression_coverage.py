"""Planted slopes are found again, and intervals hold the truth as often as they say: the table and its script."""

import csv
from functools import cache
from math import hypot, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from benchmarks import regression_coverage as coverage
from cxuxlib.models import brant, linear, logit, margins, ordered_logit, partial_odds

pytestmark = pytest.mark.slow

Key = tuple[str, str, int]


@cache
def table() -> dict[Key, dict[str, str]]:
    with (
        coverage.Path(coverage.__file__).with_name("regression_coverage.csv").open(encoding="utf-8", newline="") as file
    ):
        rows = list(csv.DictReader(file))
    return {(each["what"], each["case"], int(each["n"])): each for each in rows}


# Every row of the table that lies outside 93.5 to 96.5 %; none by more than two errors of the simulation.
OUTSIDE: dict[Key, str] = {
    ("NPS points per point", "ordered, observed", 300): "short",
    ("NPS points per point", "ordered, weights", 1000): "short",
    ("slope 0.6", "linear, HC1", 1000): "short",
    ("slope 0.6", "linear, 60 clusters", 3000): "short",
}


def test_coverage_lies_within_the_band_but_for_the_rows_named_here() -> None:
    assert {key: each["within"] for key, each in table().items() if each["within"] != "yes"} == OUTSIDE
    for each in table().values():
        assert each["within"] == coverage.verdict(float(each["coverage"]))
        assert each["why"] == coverage.reason(float(each["coverage"]), int(each["replications"]))
        assert each["why"] in ("", "no further from the band than two simulation errors")


def test_the_table_has_the_rows_that_were_promised() -> None:
    assert list(table()) == [(what, cell.case, cell.n) for cell in coverage.cells() for what in cell.whats]
    assert {n for *_, n in table()} == {300, 1000, 3000, 10_000}
    for cell in coverage.cells():
        for what, truth in zip(cell.whats, cell.truths, strict=True):
            assert float(table()[what, cell.case, cell.n]["truth"]) == pytest.approx(truth, abs=5e-5)


def test_rows_are_found_again_by_other_draws() -> None:
    deviations = []
    for number, cell in enumerate(coverage.cells()):
        if cell.n != 1000:
            continue
        found = coverage.simulate(cell, 100, [coverage.SEED + 1, number])
        for what, (covered, *_) in zip(cell.whats, found, strict=True):
            row = table()[what, cell.case, cell.n]
            published, error = float(row["coverage"]), float(row["simulation_error"])
            deviations.append((covered - published) / hypot(error, coverage.simulation_error(published, 100)))
    assert np.abs(deviations).max() < 3.5
    assert abs(np.mean(deviations)) < 4 / sqrt(len(deviations))  # some rows share their draws


def test_the_truth_of_nps_points_is_that_of_a_large_sample() -> None:
    fit = ordered_logit(coverage.FORMULA, coverage.draw(20_000_000, np.random.default_rng(1)), frequency="n")
    found = margins(fit, of="nps").query("kind == 'per point'")
    off = (found["value"].to_numpy() - coverage.true_nps_points()) / found["std_error"].to_numpy()
    assert np.abs(off).max() < 4
    assert found["std_error"].max() < 0.03
    per_sd = margins(fit, ["ease"], of="nps")["value"][1]
    assert per_sd == pytest.approx(coverage.true_nps_points()[0] * coverage.standard_deviation(), abs=0.1)


# --- planted slopes -----------------------------------------------------------------------------


def planted(n: int = 400_000) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    found = pd.DataFrame({"ease": rng.integers(1, 6, n), "help": rng.integers(1, 6, n), "web": rng.random(n) < 0.4})
    found["line"] = 0.7 * found["ease"] - 0.2 * found["help"] + 0.5 * found["web"] + 0.15 * found["ease"] * found["web"]
    found["u"] = rng.random(n)
    return found


TRUE = {"ease": 0.7, "help": -0.2, "web": 0.5, "ease:web": 0.15}


def near(fit: object, true: dict[str, float], kind: str = "slope") -> None:
    for term, value in true.items():
        found = fit.terms.query("term == @term and kind == @kind").iloc[0]  # type: ignore[attr-defined]
        assert abs(found["value"] - value) < 4 * found["std_error"] < 0.2, term


def test_planted_slopes_and_thresholds_are_found_again() -> None:
    data = planted()
    steps = np.array([-0.5, 0.5, 1.5, 3.0])
    latent = data["line"] + np.log(data["u"] / (1 - data["u"]))
    fit = ordered_logit("y ~ ease * web + help", data.assign(y=np.digitize(latent, steps)), unit=None)
    near(fit, TRUE)
    near(fit, {f"{i}|{i + 1}": step for i, step in enumerate(steps)}, "threshold")
    near(logit("y ~ ease * web + help", data.assign(y=latent > 1), unit=None), TRUE)
    numbers = data["line"] + data["ease"] * (data["u"] - 0.5)
    near(linear("y ~ ease * web + help", data.assign(y=np.round(numbers, 2)), unit=None), TRUE)


def test_slopes_that_differ_by_threshold_are_found_and_refute_proportional_odds() -> None:
    data = planted(200_000)
    below = expit(
        np.array([-0.5, 1.0]) - np.outer(data["ease"], [0.3, 0.5]) - 0.25 * data["help"].to_numpy()[:, None] + 1
    )
    data["y"] = (data["u"].to_numpy()[:, None] > below).sum(axis=1)
    fit = ordered_logit("y ~ ease + help", data, unit=None)
    found = brant(fit).set_index("term")["p"]
    assert found["ease"] < 1e-9
    assert found["help"] > 0.001
    free = partial_odds(fit, ["ease"])
    near(free, {"help": 0.25})
    near(free, {"ease": 0.3}, "slope at 0|1")
    near(free, {"ease": 0.5}, "slope at 1|2")
    assert 2 * (free.quality["logLik"] - fit.quality["logLik"]) > 30
