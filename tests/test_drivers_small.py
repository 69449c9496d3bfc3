"""Shares where little is known: players of several columns, few clusters, few answers; and frames that are long."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import models
from cxuxlib.models import DriverOptions

BLOCK = [f"a{i}" for i in range(8)]


def blocks(rng: np.random.Generator, n: int, slope: float) -> pd.DataFrame:
    """Eight columns that explain slope² together, and one that explains .25, beside noise of variance 1."""
    data = pd.DataFrame(rng.normal(size=(n, 9)), columns=[*BLOCK, "b"])
    data["y"] = slope * data[BLOCK].sum(axis=1) / np.sqrt(8) + 0.5 * data["b"] + rng.normal(size=n)
    return data


def fitted(data: pd.DataFrame, **options: Any) -> Any:
    return models.key_drivers(data, "y", groups={"A": BLOCK, "B": ["b"]}, method=DriverOptions(**options))


def share(fit: Any, player: str) -> pd.Series:
    return fit.terms[(fit.terms["kind"] == "lmg") & (fit.terms["term"] == player)].iloc[0]


@pytest.mark.slow
def test_columns_that_explain_nothing_may_explain_nothing() -> None:
    rng = np.random.default_rng(7)
    lows = [share(fitted(blocks(rng, 300, 0.0)), "A")["low"] for _ in range(200)]
    assert np.mean(np.array(lows) <= 0) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"outcome_as": "latent"}])
def test_many_columns_are_not_more_important_for_being_many(options: dict[str, Any]) -> None:
    rng, found = np.random.default_rng(7), []
    for _ in range(200):
        data = blocks(rng, 300, 0.5)
        if options:
            data["y"] = np.digitize(data["y"], [-1, 0, 1])
        found.append(models.share_differences(fitted(data, **options))["p"].iloc[0] < 0.05)
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_what_columns_explain_by_chance_is_taken_off_the_lower_end_alone() -> None:
    data = blocks(np.random.default_rng(1), 300, 0.5)
    fit = fitted(data)
    terms, chance = share(fit, "A"), fit.raw.by_chance
    r2 = fit.quality["R2"]
    assert chance == pytest.approx([7 * (1 - r2) / (300 - 10), 0.0])
    assert terms["low"] <= terms["value"] - chance[0]
    single = models.key_drivers(data, "y", [*BLOCK, "b"])
    assert (single.raw.by_chance == 0).all()


def test_few_answers_and_few_clusters_are_said() -> None:
    data = blocks(np.random.default_rng(1), 90, 0.5).assign(store=np.arange(90) % 6)
    said = " ".join(fitted(data, cluster="store").raw.warnings)
    assert "Few clusters: with 6 of them" in said
    assert "Few answers: by chance alone 9 columns explain about 0.0" in said
    assert fitted(data, cluster="store").quality["n_clusters"] == 6
    plenty = fitted(blocks(np.random.default_rng(1), 3000, 0.5))
    assert not any("Few" in each for each in plenty.raw.warnings)
    rare = data.assign(y=(data["y"] > data["y"].quantile(0.9)).astype(int))
    by_chance = {
        way: float(" ".join(fitted(rare, outcome_as=way).raw.warnings).split("explain about ")[1].split(",")[0])
        for way in ("latent", "deviance")
    }
    assert by_chance["latent"] > 0.3  # nine say yes, to nine columns
    assert by_chance["deviance"] == pytest.approx(9 / (2 * 90 * 0.325), abs=0.01)  # entropy of 9 in 90


@pytest.mark.slow
@pytest.mark.parametrize("groups", [6, 15])
def test_few_clusters_are_covered_by_students_t(groups: int) -> None:
    rng, slopes, held = np.random.default_rng(3), np.array([0.5, 0.3, 0.2]), []

    def draw(many: int, size: int) -> pd.DataFrame:
        own = 0.5 * rng.normal(size=(many, 4))
        x = rng.normal(size=(many, size, 3)) + own[:, None, :3] + 0.5 * rng.normal(size=(many, size, 1))
        y = x @ slopes + rng.normal(size=(many, size)) + 0.6 * own[:, None, 3]
        data = pd.DataFrame(x.reshape(-1, 3), columns=["a", "b", "c"])
        return data.assign(y=y.ravel(), store=np.repeat(np.arange(many), size))

    true = models.key_drivers(draw(8000, 10), "y", ["a", "b", "c"], method=DriverOptions(interval="none"))
    for _ in range(150):
        found = models.key_drivers(draw(groups, 60), "y", ["a", "b", "c"], method=DriverOptions(cluster="store"))
        held.append((found.terms["low"] <= true.terms["value"]) & (true.terms["value"] <= found.terms["high"]))
    assert np.mean(held) > 0.88


@pytest.mark.slow
def test_brant_between_clusters_errs_as_often_as_said() -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(120):
        store, x = np.repeat(np.arange(20), 50), rng.integers(1, 6, 1000)
        y = 0.5 * x + 0.4 * rng.normal(size=20)[store] + rng.logistic(size=1000)
        data = pd.DataFrame({"x": x, "store": store, "y": np.digitize(y, np.quantile(y, np.arange(1, 5) / 5))})
        found.append(models.brant(models.ordered_logit("y ~ x", data, unit="store"))["p"].iloc[0] < 0.05)
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


def test_brant_of_too_few_clusters_is_no_test() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.integers(1, 6, 400), "store": np.arange(400) % 5})
    data["y"] = np.clip(data["x"] + rng.integers(0, 7, 400), 1, 9)
    found = models.brant(models.ordered_logit("y ~ x", data, unit="store"))
    assert found[["statistic", "p"]].isna().all(axis=None)
    assert "NaN where clusters are no more than degrees of freedom" in found["method"].iloc[0]
    assert "of 5 clusters, p by Hotelling's T²" in found["method"].iloc[0]


def test_levels_of_a_fit_are_those_of_its_ranks_and_differences() -> None:
    data = blocks(np.random.default_rng(1), 500, 0.5)
    fit = models.key_drivers(data, "y", groups={"A": BLOCK, "B": ["b"]}, level=0.8)
    assert set(models.driver_ranks(fit)["level"]) == {0.8}
    assert models.share_difference(fit, "A", "B").level == 0.8
    assert set(models.share_differences(fit, level=0.9)["level"]) == {0.9}


@pytest.mark.parametrize("cluster", [None, "store"])
def test_long_frames_are_counted_where_they_are(frame: Callable[[pd.DataFrame], Any], cluster: str | None) -> None:
    rng = np.random.default_rng(5)
    short = pd.DataFrame(rng.integers(1, 6, (3000, 3)), columns=["y", "a", "b"]).astype(float)
    short = short.mask(rng.random((3000, 3)) < 0.03).assign(store=rng.integers(0, 30, 3000))
    short["y"] = short["y"] + short["a"]
    long = pd.concat([short] * 40, ignore_index=True)
    options = DriverOptions(cluster=cluster)
    kept = list(long) if cluster else ["y", "a", "b"]
    found = models.key_drivers(frame(long[kept]), "y", ["a", "b"], method=options)
    expected = models.key_drivers(short.assign(n=40), "y", ["a", "b"], frequency="n", method=options)
    pd.testing.assert_frame_equal(found.terms, expected.terms, rtol=1e-9, check_exact=False)
    continuous = long.assign(a=long["a"] + rng.normal(size=len(long)))[["y", "a", "b"]]
    assert models.key_drivers(continuous, "y", ["a", "b"]).quality["n"] == long[["y", "a", "b"]].dropna().shape[0]
