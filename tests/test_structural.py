"""Latent models: lavaan's numbers, for simulated data of every kind and for published ones."""

from typing import Any

import numpy as np
import pytest

from cxuxlib import datasets
from cxuxlib.models import LatentOptions, invariance, latent, mediation, modification, nested, residuals
from cxuxlib.stats.sem.paths import lower
from tests.structural_reference import CASES, DEMOCRACY, HOLZINGER, PUBLIC, SCHOOLS, THREE, check, fitted, frame_of, key

DEMOCRATIC = """
    ind60 =~ x1 + x2 + x3
    dem60 =~ y1 + a*y2 + b*y3 + c*y4
    dem65 =~ y5 + a*y6 + b*y7 + c*y8
    dem60 ~ ind60
    dem65 ~ ind60 + dem60
    y1 ~~ y5; y2 ~~ y4 + y6; y3 ~~ y7; y4 ~~ y8; y6 ~~ y8
"""
ONE = "g =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9"


@pytest.mark.parametrize("name", CASES)
def test_a_simulated_model_is_lavaans(name: str) -> None:
    case = CASES[name]
    fit = fitted(case)
    assert fit.raw.fit.solution.converged
    check(fit, case, ["a", "b"] if case.get("shop") else [])


def test_there_are_models_of_every_kind() -> None:
    assert len(CASES) >= 50
    assert {case["estimator"] for case in CASES.values()} == {"ml", "mlm", "mlr"}
    assert sum(bool(case.get("shop")) for case in CASES.values()) >= 10
    assert sum(case["missing"] for case in CASES.values()) >= 12


@pytest.mark.parametrize(
    ("syntax", "name"),
    [(THREE, "three"), (ONE, "one"), (f"{THREE}\nability =~ visual + textual + speed", "second")],
    ids=["three", "one", "second"],
)
def test_holzinger_is_lavaans(syntax: str, name: str) -> None:
    check(latent(syntax, HOLZINGER), PUBLIC[name], [])


def test_holzinger_has_its_published_figures() -> None:
    quality = latent(THREE, HOLZINGER).quality
    assert quality["chi2"] == pytest.approx(85.30552177, abs=1e-7)
    assert quality["chi2_n_minus_1"] == pytest.approx(85.02211472, abs=1e-7)
    assert quality["cfi"] == pytest.approx(0.9305596518, abs=1e-9)
    assert quality["rmsea"] == pytest.approx(0.09212148451, abs=1e-9)
    assert quality["rmsea_low"] == pytest.approx(0.07141849, abs=1e-7)
    assert quality["srmr"] == pytest.approx(0.06520505718, abs=1e-7)
    assert quality["log_likelihood"] == pytest.approx(-3737.744927, abs=1e-6)
    assert quality["bic"] == pytest.approx(7595.339169, abs=1e-6)
    assert latent(ONE, HOLZINGER).quality["chi2"] == pytest.approx(312.2641593765, abs=1e-7)


def test_political_democracy_is_lavaans() -> None:
    check(latent(DEMOCRATIC, DEMOCRACY), PUBLIC["democracy_fit"], [])


@pytest.mark.parametrize(("step", "equal"), [
    ("configural", []), ("metric", ["loadings"]), ("scalar", ["loadings", "intercepts"]),
    ("strict", ["loadings", "intercepts", "residuals"]),
])  # fmt: skip
def test_equalities_over_schools_are_lavaans(step: str, equal: list[str]) -> None:
    fit = latent(THREE, SCHOOLS, options=LatentOptions(equal=equal))
    check(fit, PUBLIC["invariance"][step], list(SCHOOLS))


@pytest.mark.parametrize("stored", PUBLIC["variants"], ids=lambda stored: str(stored["equal"]))
def test_other_equalities_and_scales_over_schools_are_lavaans(stored: dict[str, Any]) -> None:
    named = [stored["equal"]] if isinstance(stored["equal"], str) else stored["equal"]
    ours = [each.replace("lv.", "latent_").replace(".", "_") for each in named if each != "none"]
    options = LatentOptions(std_lv=stored["scaled"], equal=ours)
    check(latent(THREE + (stored.get("add") or ""), SCHOOLS, options=options), stored, list(SCHOOLS))


def test_partial_equality_is_lavaans() -> None:
    options = LatentOptions(equal=["loadings", "intercepts"], partial=["x3 ~ 1", "x7~1"])
    check(latent(THREE, SCHOOLS, options=options), PUBLIC["partial"], list(SCHOOLS))


def test_the_steps_of_invariance_are_tested_as_lavaan_does() -> None:
    found, stored = invariance(THREE, SCHOOLS), PUBLIC["invariance_tests"]
    assert found["step"].tolist() == ["configural", "metric", "scalar", "strict"]
    assert found["df"].tolist() == stored["Df"]
    for name, theirs in (
        ("difference_chi2", "Chisq diff"),
        ("difference_p", "Pr(>Chisq)"),
        ("rmsea_difference", "RMSEA"),
    ):
        assert found[name][1:].to_numpy() == pytest.approx(stored[theirs][1:], rel=1e-5)
    assert found["difference_chi2"].isna().tolist() == [True, False, False, False]
    assert found["delta_cfi"][2] == pytest.approx(found["cfi"][2] - found["cfi"][1])


@pytest.mark.parametrize("estimator", ["ml", "mlm", "mlr"])
def test_nested_models_are_compared_as_lavaan_does(estimator: str) -> None:
    stored = PUBLIC["nested"]
    frame = frame_of(stored["data"])
    small, big = (latent(stored[name], frame, estimator=estimator) for name in ("small", "big"))  # type: ignore[arg-type]
    row = nested(small, big).iloc[0]
    assert row["df"] == stored[estimator]["df"]
    assert row["chi2"] == pytest.approx(stored[estimator]["chi2"], rel=1e-5)
    assert row["p"] == pytest.approx(stored[estimator]["p"], rel=1e-4)
    if estimator != "ml":
        row = nested(small, big, method="satorra 2000").iloc[0]
        assert row["chi2"] == pytest.approx(stored[f"{estimator}_2000"]["chi2"], rel=1e-5)


def test_modification_indices_are_lavaans() -> None:
    stored = PUBLIC["modification"]
    found = modification(latent(THREE, HOLZINGER))
    found.index = [key(term) for term in found["term"]]
    assert len(found) == len(stored["terms"])
    for term, mi, change, standard in zip(stored["terms"], stored["mi"], stored["epc"], stored["sepc"], strict=True):
        assert found.loc[key(term), ["mi", "change", "change_std"]].tolist() == pytest.approx(
            [mi, change, standard], abs=1e-5
        )
    assert found["mi"].is_monotonic_decreasing


def test_modification_indices_with_groups_are_lavaans() -> None:
    stored = PUBLIC["modification_groups"]
    found = modification(latent(THREE, SCHOOLS, options=LatentOptions(equal=["loadings"])))
    rows = {(key(row.term.split(" [")[0]), row.group): row for row in found.itertuples()}
    compared = 0
    for term, group, mi, change in zip(stored["terms"], stored["group"], stored["mi"], stored["epc"], strict=True):
        row = rows.get((key(term), list(SCHOOLS)[group - 1]))
        if row is not None:  # the fixed first loadings are lavaan's alone
            assert (row.mi, row.change) == pytest.approx((mi, change), abs=1e-5)
            compared += 1
    assert compared == len(found)


def test_residuals_are_lavaans() -> None:
    found, (row, col) = residuals(latent(THREE, HOLZINGER)), lower(9)
    for name, column in (("raw", "residual"), ("cor", "correlation"), ("standardized", "z")):
        theirs = np.array(PUBLIC["residuals"][name], dtype=float)[row, col]
        there = found[column].notna().to_numpy()
        assert there.sum() >= 36
        assert found[column].to_numpy()[there] == pytest.approx(theirs[there], abs=1e-5)


def test_residuals_with_groups_and_means_are_lavaans() -> None:
    options = LatentOptions(equal=["loadings", "intercepts"])
    found = residuals(latent(THREE, SCHOOLS, options=options))
    second, (row, col) = found[found["group"] == list(SCHOOLS)[1]], lower(9)
    means = second.loc[second["b"] == "", "z"]
    assert means.to_numpy() == pytest.approx(PUBLIC["residuals"]["group_standardized"], abs=1e-5)
    theirs = np.array(PUBLIC["residuals"]["group_cov"], dtype=float)[row, col]
    assert second.loc[second["b"] != "", "z"].to_numpy() == pytest.approx(theirs, abs=1e-5)


QUALITY, SATISFACTION, LOYALTY = [f"PERQ{i}" for i in range(1, 8)], ["CUSA1", "CUSA2", "CUSA3"], ["CUSL1", "CUSL3"]


def test_mobis_trap_is_lavaans_and_called_improper() -> None:
    moments = datasets.aggregates("mobi").tables["moments/all"]
    fit = latent(PUBLIC["mobi"]["model"], moments)
    check(fit, PUBLIC["mobi"], [])
    assert fit.quality["n_cautions"] == 1
    assert fit.raw.cautions[0].startswith("Negative variance: L ~~ L = -0.1")
    assert "IMPROPER: Negative variance" in fit.method
    assert "IMPROPER: Negative variance" in repr(fit)


def test_mobis_composites_look_like_screening_off_and_its_latent_model_does_not_answer() -> None:
    moments = datasets.aggregates("mobi").tables["moments/all"]
    found = mediation(moments, QUALITY, SATISFACTION, LOYALTY).set_index(["measurement", "term", "kind"])
    naive = found.loc[("composite", "direct", "std_all")]
    assert naive["value"] == pytest.approx(0.0733161455, abs=1e-9)
    raw = found.loc[("composite", "direct", "raw")]
    assert raw["std_error"] / raw["value"] * naive["value"] == pytest.approx(0.0807672040, abs=1e-9)  # lm, z-scores
    assert found.loc[("composite", "a", "std_all"), "value"] == pytest.approx(0.7878065476, abs=1e-9)
    assert found.loc[("composite", "b", "std_all"), "value"] == pytest.approx(0.5641010766, abs=1e-9)
    assert found.loc[("composite", "indirect", "std_all"), "value"] == pytest.approx(0.4444025217, abs=1e-9)
    true = found.loc[("latent", "direct", "std_all")]
    assert true["value"] == pytest.approx(-2.0791206, rel=1e-5)
    assert true["std_error"] == pytest.approx(1.40874, rel=1e-5)
    assert true["verdict"].startswith("not answerable: Negative variance")
    assert np.isnan(true["p_equivalence"])
