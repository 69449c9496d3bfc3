"""Experiments against R, against what was planted, and what they refuse."""

import json
from collections.abc import Callable
from math import nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import ExperimentOptions, experiment
from cxuxlib.results import Fit
from cxuxlib.stats.anytime import anytime_half_width, anytime_p
from cxuxlib.stats.arms import sample_ratio

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "causes.json").read_text(encoding="utf-8"))
CASE = STORED["experiment"]
FRAME = pd.DataFrame({name: CASE[name] for name in ("arm", "x1", "x2", "y")})
DESIGNED = ExperimentOptions(shares={"new": 100, "old": 140})


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


def made(n: int, rng: np.random.Generator, effect: float = 0.3) -> pd.DataFrame:
    """Units whose effect grows with what was known before."""
    before = rng.normal(size=n)
    arm = rng.permutation(np.arange(n) % 2)
    y = 2 + before + arm * (effect + 0.5 * before) + rng.normal(scale=0.5, size=n)
    return pd.DataFrame({"arm": np.where(arm == 1, "new", "old"), "before": before, "y": y})


def test_agrees_with_lm_and_sandwich(frame: Callable[..., Any]) -> None:
    fit = experiment(frame(FRAME), "y", "arm", control="old", adjust=["x1", "x2"], options=DESIGNED)
    effect, plain = row(fit, "new", "effect"), row(fit, "new", "unadjusted")
    assert effect["value"] == pytest.approx(CASE["effect"], rel=1e-9)
    assert effect["std_error"] == pytest.approx(CASE["std_error"], rel=1e-9)
    assert plain["value"] == pytest.approx(CASE["unadjusted"], rel=1e-9)
    assert plain["std_error"] == pytest.approx(CASE["unadjusted_error"], rel=1e-9)
    assert fit.raw.contrasts["new",].df != pytest.approx(CASE["welch"], rel=1e-3)
    assert row(fit, "new", "sd")["value"] == pytest.approx(CASE["sd_effect"], rel=1e-9)
    assert fit.quality["variance_left"] == pytest.approx((CASE["std_error"] / CASE["unadjusted_error"]) ** 2)


def test_without_covariates_it_is_welch() -> None:
    fit = experiment(FRAME, "y", "arm", control="old", options=DESIGNED)
    assert fit.raw.contrasts["new",].df == pytest.approx(CASE["welch"], rel=1e-9)


def test_ratios_agree_with_the_delta_method_in_r() -> None:
    case = STORED["ratio"]
    users = pd.DataFrame({name: case[name] for name in ("arm", "sessions", "orders")})
    options = ExperimentOptions(denominator="sessions")
    fit = experiment(users, "orders", "arm", control="old", options=options)
    effect = row(fit, "new", "effect")
    assert effect["value"] == pytest.approx(case["effect"], rel=1e-9)
    assert effect["std_error"] == pytest.approx(case["std_error"], rel=1e-9)
    # the same from a row per session
    rows = users.loc[users.index.repeat(users["sessions"])].assign(user=lambda each: each.index)
    rows["order"] = (rows.groupby("user").cumcount() < rows["orders"]).astype(int)
    again = experiment(rows.reset_index(drop=True), "order", "arm", control="old", unit="user")
    assert row(again, "new", "effect")["std_error"] == pytest.approx(case["std_error"], rel=1e-9)
    assert again.quality["n"] == len(users)
    assert again.quality["n_rows"] == len(rows)
    with pytest.raises(UnitError):
        experiment(rows.rename(columns={"user": "user_id"}), "order", "arm", control="old")


def test_the_error_in_standard_deviations_agrees_with_the_jackknife() -> None:
    fit = experiment(FRAME, "y", "arm", control="old", adjust=["x1"], options=DESIGNED)
    left = []
    for i in range(len(FRAME)):
        without = FRAME.drop(index=i)
        found = experiment(without, "y", "arm", control="old", adjust=["x1"], options=DESIGNED)
        left.append(row(found, "new", "sd")["value"])
    jackknife = sqrt((len(left) - 1) * np.var(left))
    assert row(fit, "new", "sd")["std_error"] == pytest.approx(jackknife, rel=0.03)


def test_sample_ratio_is_the_published_one() -> None:
    """Kohavi, Tang & Xu 2020, p. 45 and 220: 821,588 against 815,482 users, p = 1.8e-6."""
    chi2, p = sample_ratio(np.array([821_588.0, 815_482.0]), np.array([0.5, 0.5]))
    assert p == pytest.approx(1.8e-6, abs=0.05e-6)
    assert chi2 == pytest.approx(22.77, abs=0.01)


def test_a_mismatch_is_a_caution_that_shows() -> None:
    data = made(2000, np.random.default_rng(0))
    lost = data.drop(index=data.index[(data["arm"] == "new") & (data["y"] < 1)])
    fit = experiment(lost, "y", "arm", control="old")
    assert fit.quality["sample_ratio_p"] < 0.001
    assert "IMPROPER" in repr(fit)
    assert "equal shares" in fit.method
    assert "IMPROPER" not in experiment(data, "y", "arm", control="old").method


def test_outcomes_missing_unalike_are_a_caution() -> None:
    data = made(2000, np.random.default_rng(0))
    low = (data["arm"] == "new") & (data["y"] < 1)
    fit = experiment(data.assign(y=data["y"].mask(low)), "y", "arm", control="old")
    assert fit.quality["n_missing"] == low.sum()
    assert fit.quality["missing_p"] < 0.01
    assert "no longer alike" in fit.method
    assert fit.quality["sample_ratio_p"] > 0.001  # all who were randomised


def test_those_who_used_it_would_mislead() -> None:
    """Who is happy takes the new design up; the effect is none."""
    rng = np.random.default_rng(1)
    data = made(4000, rng, 0.0)
    data["y"] = data["before"] + rng.normal(size=4000)
    used = (data["arm"] == "new") & (data["before"] + rng.normal(size=4000) > 0)
    fit = experiment(data, "y", "arm", control="old")
    naive = experiment(data.assign(used=used), "y", "used", control=False, options=ExperimentOptions(
        shares={True: 1, False: 3}))  # fmt: skip
    assert row(fit, "new", "effect")["low"] < 0 < row(fit, "new", "effect")["high"]
    assert row(naive, "True", "effect")["low"] > 0.3


def test_segments_by_holm() -> None:
    rng = np.random.default_rng(4)
    data = made(3000, rng, 0.0)
    data["phone"] = np.where(rng.random(3000) < 0.5, "ios", "android")
    data["y"] += 0.4 * ((data["phone"] == "ios") & (data["arm"] == "new"))
    data["plan"] = rng.integers(0, 3, 3000)
    data.loc[:9, "phone"] = None
    options = ExperimentOptions(segments=("phone", "plan"))
    fit = experiment(data, "y", "arm", control="old", adjust=["before"], options=options)
    assert fit.quality["n_without_phone"] == 10
    assert fit.quality["unlike_p_phone"] < 0.001 < 0.05 < fit.quality["unlike_p_plan"]
    inside = fit.terms[fit.terms["kind"] == "segment"].set_index("term")
    assert list(inside.index) == ["new | phone=android", "new | phone=ios", *(f"new | plan={k}" for k in range(3))]
    assert inside.loc["new | phone=ios", "low"] < 0.4 < inside.loc["new | phone=ios", "high"]
    own = experiment(data[data["phone"] == "ios"], "y", "arm", control="old", unit=None, adjust=["before"])
    assert inside.loc["new | phone=ios", "std_error"] == pytest.approx(row(own, "new", "effect")["std_error"])
    assert inside.loc["new | phone=ios", "p"] == pytest.approx(5 * row(own, "new", "effect")["p"])


def test_missing_covariates_take_the_mean_and_are_counted() -> None:
    data = made(200, np.random.default_rng(5))
    data.loc[:4, "before"] = nan
    fit = experiment(data, "y", "arm", control="old", adjust=["before"])
    assert fit.quality["n_filled"] == 5
    assert fit.quality["n"] == 200
    filled = data.fillna({"before": data["before"].mean()})
    other = experiment(filled, "y", "arm", control="old", adjust=["before"])
    assert row(fit, "new", "effect")["value"] == row(other, "new", "effect")["value"]


def test_three_arms() -> None:
    data = made(300, np.random.default_rng(6))
    data["arm"] = np.tile(["old", "a", "b"], 100)
    fit = experiment(data, "y", "arm", control="old", options=ExperimentOptions(planned=300))
    assert list(dict.fromkeys(fit.terms["term"])) == ["a", "b"]
    assert fit.estimate("a", "anytime").high > fit.estimate("a", "effect").high
    alone = experiment(data[data["arm"] != "b"], "y", "arm", control="old")
    assert row(fit, "a", "effect")["value"] == row(alone, "a", "effect")["value"]


@pytest.mark.slow
def test_intervals_cover_and_peeking_with_fixed_ones_does_not() -> None:
    rng = np.random.default_rng(7)
    looks, runs = np.arange(100, 2001, 100), 1000
    cover = adjusted = fixed = anytime = 0
    for _ in range(runs):
        data = made(150, rng)
        fit = experiment(data, "y", "arm", control="old", adjust=["before"])
        found, in_sd = row(fit, "new", "effect"), row(fit, "new", "sd")
        adjusted += found["low"] <= 0.3 <= found["high"]
        cover += in_sd["low"] <= 0.3 / sqrt(1.25) <= in_sd["high"]
        z = np.cumsum(rng.normal(size=2000))[looks - 1] / np.sqrt(looks)  # of no effect, with the error known
        fixed += (abs(z) > 1.96).any()
        half = np.array([anytime_half_width(n, 2000) for n in looks])
        anytime += (abs(z) > half).any()
    assert 0.935 <= adjusted / runs <= 0.965
    assert 0.935 <= cover / runs <= 0.965
    assert fixed / runs > 0.2
    assert anytime / runs <= 0.05


def test_anytime_p_and_interval_agree() -> None:
    for n in (20, 400, 5000):
        half = anytime_half_width(n, 1000, 0.9)
        assert anytime_p(half, n, 1000, 0.9) == pytest.approx(0.1)
    with pytest.raises(ArgumentError):
        anytime_half_width(100, 1)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"data": FRAME[FRAME["arm"] == "old"]}, SampleError, "at least two"),
        ({"control": "older"}, ArgumentError, "Did you mean 'old'"),
        ({"adjust": ["y"]}, ArgumentError, "two places"),
        ({"adjust": "x1"}, ArgumentError, "list of columns"),
        ({"adjust": ["x1", "x1b"], "data": FRAME.assign(x1b=2 * FRAME["x1"])}, ModelError, "determine each other"),
        ({"outcome": "z"}, ColumnError, "'z'"),
        ({"data": FRAME.assign(arm=FRAME["arm"].where(FRAME.index > 2))}, AnswerError, "3 rows have no 'arm'"),
        ({"data": FRAME.assign(y=1.0)}, SampleError, "same"),
        ({"data": FRAME.assign(y=np.inf)}, AnswerError, "infinite"),
        ({"data": FRAME.assign(x1=nan), "adjust": ["x1"]}, SampleError, "all units"),
        ({"data": pd.concat([FRAME[FRAME["arm"] == "old"], FRAME[FRAME["arm"] == "new"][:1]])}, SampleError, "1 units"),
        ({"data": FRAME.assign(who=1), "unit": "who"}, UnitError, "several values of 'arm'"),
        ({"options": ExperimentOptions(shares={"new": 1})}, ArgumentError, "the arms are"),
        ({"options": ExperimentOptions(denominator="x1")}, AnswerError, "negative"),
        ({"options": ExperimentOptions(segments=["g"]), "data": FRAME.assign(g="a")}, SampleError, "two or more"),
        ({"options": {}}, ArgumentError, "ExperimentOptions"),
        ({"level": 95}, ArgumentError, "level"),
    ],
)
def test_refusals(change: dict[str, Any], error: type[CxuxError], words: str) -> None:
    given: dict[str, Any] = {"data": FRAME, "outcome": "y", "arm": "arm", "control": "old"} | change
    data, outcome, arm = (given.pop(name) for name in ("data", "outcome", "arm"))
    with pytest.raises(error, match=words):
        experiment(data, outcome, arm, **given)


@pytest.mark.parametrize("wrong", [{"planned": 1}, {"shares": {"a": 0}}, {"denominator": 3}])
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        ExperimentOptions(**wrong)
