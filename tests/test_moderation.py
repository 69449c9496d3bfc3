"""Moderation against lavaan, against what was planted, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError
from cxuxlib.frames import counts
from cxuxlib.models import ModerationOptions, group_moderation, moderation
from cxuxlib.results import Fit, Moments

STORED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "moderation.json").read_text(encoding="utf-8")
)
CASES: dict[str, Any] = STORED["cases"]
TERMS = {
    "a": ("cause", "raw"), "b": ("moderator", "raw"), "c": ("interaction", "raw"), "d": ("cause_squared", "raw"),
    "e": ("moderator_squared", "raw"), "interaction": ("interaction", "std"), "cause": ("cause", "std"),
    "moderator": ("moderator", "std"), "cause_squared": ("cause_squared", "std"),
    "moderator_squared": ("moderator_squared", "std"), "raw_low": ("slope at -1", "raw"), "low": ("slope at -1", "std"),
    "raw_high": ("slope at 1.5", "raw"), "high": ("slope at 1.5", "std"), "raw_soured": ("outcome at (-1, 1)", "raw"),
    "soured": ("outcome at (-1, 1)", "std"), "raw_both": ("outcome at (1, 2)", "raw"),
    "both": ("outcome at (1, 2)", "std"),
}  # fmt: skip
FIGURES = {
    "chisq": "chi2", "df": "df", "pvalue": "p", "chisq.scaled": "chi2_scaled", "pvalue.scaled": "p_scaled",
    "cfi": "cfi", "cfi.robust": "cfi_robust", "rmsea": "rmsea", "srmr": "srmr",
}  # fmt: skip
X, Z, Y = (["x1", "x2", "x3"], ["z1", "z2", "z3"], ["y1", "y2", "y3"])


def frame_of(stored: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: np.array(values, dtype=float) / 1000 for name, values in stored["rows"].items()})


def of(fit: Fit, term: str, kind: str = "std") -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


@pytest.mark.parametrize("name", CASES)
def test_products_agree_with_lavaan(name: str) -> None:
    case = CASES[name]
    options = ModerationOptions(at=(-1, 1.5), points=((-1, 1), (1, 2)), quadratic=case["quadratic"])
    fit = moderation(frame_of(case), Y, X, Z[: case["kz"]], estimator=case["estimator"].lower(), options=options)
    seen = set()
    for term, value, error in zip(case["terms"], case["est"], case["se"], strict=True):
        if term == "vY":
            continue
        found = of(fit, *TERMS[term])
        assert found["value"] == pytest.approx(value, abs=1e-5), term
        assert found["std_error"] == pytest.approx(error, rel=1e-4), term
        seen.add(TERMS[term])
    assert seen == set(zip(fit.terms["term"], fit.terms["kind"], strict=True))
    for figure, value in case["fit"].items():
        assert fit.quality[FIGURES[figure]] == pytest.approx(value, rel=1e-5, abs=1e-5), figure


def test_groups_agree_with_lavaan() -> None:
    stored = STORED["groups"]
    fit = group_moderation(frame_of(stored).assign(shop=stored["shop"]), Y, X, "shop", estimator="mlr")
    names = {each: f"slope [{each}]" for each in "abc"}
    names |= {b + a: f"slope [{b}] - slope [{a}]" for b, a in ("ba", "ca", "cb")}
    for term, value, error in zip(stored["terms"], stored["est"], stored["se"], strict=True):
        found = of(fit, names[term], "raw")
        assert found["value"] == pytest.approx(value, abs=1e-5), term
        assert found["std_error"] == pytest.approx(error, rel=1e-4), term
    for each, value, error in zip("abc", stored["std"], stored["std_se"], strict=True):
        assert of(fit, names[each])["value"] == pytest.approx(value, abs=1e-5)
        assert of(fit, names[each])["std_error"] == pytest.approx(error, rel=1e-4)
    for test in ("metric", "slopes"):
        for each, value in stored[test].items():
            assert fit.quality[f"{test}_{each}"] == pytest.approx(value, rel=1e-4), (test, each)
    for figure, value in stored["fit"].items():
        assert fit.quality[FIGURES[figure]] == pytest.approx(value, rel=1e-5, abs=1e-5), figure
    assert fit.estimate("slope [b] - slope [a]").high < 0


def people(n: int, bend: float, *, squared: float = 0.0, seed: int = 1) -> pd.DataFrame:
    """Items of standard normal cause and moderator (r = .5) and of an outcome of variance 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    z = 0.5 * x + np.sqrt(0.75) * rng.normal(size=n)
    y = 0.3 * x + 0.3 * z + bend * (x * z - 0.5) + squared * (x * x - 1)
    y = y + np.sqrt(1 - 0.27 - 1.25 * bend**2 - 2 * squared**2 - 2 * bend * squared) * rng.normal(size=n)
    return pd.DataFrame({
        f"{name}{k}": 0.8 * state + 0.6 * rng.normal(size=n)
        for name, state in (("x", x), ("z", z), ("y", y))
        for k in (1, 2, 3)
    })  # fmt: skip


def test_a_planted_interaction_comes_back_with_its_slopes_and_points() -> None:
    fit = moderation(people(8000, -0.2), Y, X, Z)
    planted = {
        "interaction": -0.2, "cause": 0.3, "moderator": 0.3, "slope at -1": 0.5, "slope at 0": 0.3, "slope at 1": 0.1,
        "outcome at (-1, 1)": -0.2 * (-1 - 0.5),
    }  # fmt: skip
    for term, value in planted.items():
        found = of(fit, term)
        assert abs(found["value"] - value) < 3 * found["std_error"] < 0.15, term
    assert fit.estimate("interaction").high < -0.1
    assert len(fit.terms) == 2 * len(planted)


def test_squares_keep_a_bend_of_the_cause_from_passing_as_an_interaction() -> None:
    data = people(5000, 0.0, squared=0.2)
    wrong = of(moderation(data, Y, X, Z), "interaction")
    right = moderation(data, Y, X, Z, options=ModerationOptions(quadratic=True))
    assert wrong["low"] > 0.05
    assert of(right, "interaction")["low"] < 0 < of(right, "interaction")["high"]
    assert abs(of(right, "cause_squared")["value"] - 0.2) < 3 * of(right, "cause_squared")["std_error"]


def test_rows_of_any_engine_and_counts_are_one(frame: Callable[..., Any]) -> None:
    data = people(400, -0.2).round(0)
    data.loc[3, "x1"] = np.nan
    fit = moderation(data, Y, X, Z)
    assert (fit.quality["n"], fit.quality["n_missing"]) == (399, 1)
    pd.testing.assert_frame_equal(moderation(frame(data), Y, X, Z).terms, fit.terms, rtol=1e-6, atol=1e-7)
    counted = moderation(counts(data, [*X, *Z, *Y]), Y, X, Z, frequency="n")
    pd.testing.assert_frame_equal(counted.terms, fit.terms, rtol=1e-6, atol=1e-7)


def test_the_scale_and_the_middle_of_items_do_not_matter() -> None:
    data = people(500, -0.2)
    fit, moved = moderation(data, Y, X, Z), moderation(10 * data + 50, Y, X, Z)
    kept = fit.terms["kind"] == "std"
    pd.testing.assert_frame_equal(moved.terms[kept], fit.terms[kept], rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_the_interval_covers_as_often_as_it_says() -> None:
    """Table of 600 samples of 500: a planted interaction and none; a point of the surface with it."""
    for bend in (0.2, 0.0):
        held = np.zeros(2)
        for seed in range(600):
            fit = moderation(people(500, bend, seed=1000 + seed), Y, X, Z)
            for k, (term, value) in enumerate({"interaction": bend, "outcome at (-1, 1)": -1.5 * bend}.items()):
                found = of(fit, term)
                held[k] += found["low"] <= value <= found["high"]
        assert (held / 600 > 0.93).all(), (bend, held / 600)
        assert (held / 600 < 0.97).all(), (bend, held / 600)


@pytest.mark.slow
def test_a_ceiling_of_all_items_is_no_interaction_but_one_of_the_outcome_alone_is() -> None:
    cuts, wrong = [-1.7, -1.2, -0.6, 0.2], np.zeros(2)
    for seed in range(80):
        smooth = people(1000, 0.0, seed=seed)
        piled = pd.DataFrame(np.searchsorted(cuts, smooth) + 1.0, columns=smooth.columns)
        for k, data in enumerate((piled, smooth.assign(**piled[Y]))):
            wrong[k] += of(moderation(data, Y, X, Z), "interaction")["p"] < 0.05
    assert wrong[0] / 80 < 0.125
    assert wrong[1] / 80 > 0.25


def test_groups_of_equal_slopes_and_of_unequal_loadings() -> None:
    def shop(slope: float, loading: float = 0.8, n: int = 500) -> Moments:
        states = np.array([[1.0, slope], [slope, 1.0]])
        loads = np.zeros((6, 2))
        loads[:3, 0], loads[3:, 1] = (0.8, loading, 0.8), 0.8
        return Moments(n, (*X, *Y), np.zeros(6), loads @ states @ loads.T + 0.36 * np.eye(6))

    same = group_moderation({"a": shop(0.5), "b": shop(0.5)}, Y, X)
    assert same.quality["slopes_chi2"] == pytest.approx(0, abs=1e-6)
    assert of(same, "slope [b] - slope [a]", "raw")["value"] == pytest.approx(0, abs=1e-6)
    assert "LOADINGS" not in same.method
    apart = group_moderation({"a": shop(0.5), "b": shop(0.1)}, Y, X)
    assert of(apart, "slope [b] - slope [a]")["value"] == pytest.approx(-0.4, abs=1e-5)
    assert apart.quality["slopes_p"] < 1e-4
    assert apart.quality["metric_p"] > 0.99
    unlike = group_moderation({"a": shop(0.5), "b": shop(0.5, 0.3)}, Y, X)
    assert unlike.quality["metric_p"] < 0.001
    assert "LOADINGS DIFFER" in unlike.method


def test_refuses_what_has_no_products() -> None:
    data = people(60, 0.0)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("cause is a list of 2 or more", lambda: moderation(data, Y, ["x1"], Z)),
        ("moderator is a list of 2 or more", lambda: moderation(data, Y, X, "z1")),
        ("outcome is a list of 1 or more", lambda: moderation(data, [], X, Z)),
        ("'x1' stands in more than one place", lambda: moderation(data, [*Y, "x1"], X, Z)),
        ("names something else", lambda: moderation(data.rename(columns={"y1": "product"}), ["product"], X, Z)),
        ("Moments know no products", lambda: moderation(Moments(9, ("x1",), np.zeros(1), np.eye(1)), Y, X, Z)),
        ("'mlr' or 'ml'", lambda: moderation(data, Y, X, Z, estimator="wlsmv")),  # type: ignore[arg-type]
        ("is a ModerationOptions", lambda: moderation(data, Y, X, Z, options=(-1, 1))),  # type: ignore[arg-type]
        ("list of standard deviations", lambda: ModerationOptions(at="low")),  # type: ignore[arg-type]
        ("list of standard deviations", lambda: ModerationOptions(at=[np.nan])),
        ("pairs of numbers", lambda: ModerationOptions(points=[(1, 2, 3)])),  # type: ignore[list-item]
        ("True or False", lambda: ModerationOptions(quadratic=1)),  # type: ignore[arg-type]
        ("name their column", lambda: group_moderation(data, Y, X)),
        ("outcome is a list of 2 or more", lambda: group_moderation(data, ["y1"], X, "z1")),
        ("'x1' stands in more than one place", lambda: group_moderation(data, ["y1", "x1"], X, "z1")),
        ("'x1' stands in more than one place", lambda: group_moderation(data, Y, X, "x1")),
        ("not compared yet", lambda: group_moderation(data, Y, X, "z1", estimator="wlsmv")),
    ]
    for says, call in cases:
        with pytest.raises(ArgumentError, match=says):
            call()
    with pytest.raises(ColumnError, match="'y9'"):
        moderation(data, ["y9"], X, Z)
    with pytest.raises(AnswerError, match="infinite"):
        moderation(data.assign(x1=[np.inf, *data["x1"][1:]]), Y, X, Z)
