"""Latent models of ordered answers: lavaan's WLSMV, from rows and from counts, in groups and with answers missing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import LatentOptions, factor_correlation, latent
from cxuxlib.models.structural.graded import cut_of
from cxuxlib.results import Fit
from cxuxlib.stats.sem.thresholds import expected, residuals_left
from tests.wlsmv_reference import STORED, check, fitted, frame_of, options_of

TWO = "f =~ x1 + x2 + x3; g =~ x4 + x5 + x6"


def shops() -> pd.DataFrame:
    return frame_of(STORED["scalar"])


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(list(rows.columns), dropna=False).size().rename("units").reset_index()


def alike(a: Fit, b: Fit, tolerance: float) -> None:
    """The same terms and figures."""
    names = ["term", "kind", *(["group"] if "group" in a.terms else [])]
    one, two = (each.terms.set_index(names).sort_index() for each in (a, b))
    assert list(one.index) == list(two.index)
    np.testing.assert_allclose(two.to_numpy(float), one.to_numpy(float), rtol=tolerance, atol=tolerance)
    assert list(a.quality) == list(b.quality)
    assert list(a.quality.values()) == pytest.approx(list(b.quality.values()), rel=tolerance, nan_ok=True)


@pytest.mark.parametrize("name", STORED)
def test_a_model_is_lavaans(name: str) -> None:
    case = STORED[name]
    check(fitted(case), case, sorted(set(case["shop"])) if case.get("shop") else [])


def test_there_are_models_of_every_kind() -> None:
    assert sum(bool(case.get("shop")) for case in STORED.values()) >= 8
    assert {each for case in STORED.values() for each in case["equal"]} >= {"loadings", "thresholds", "means"}
    assert any(case["missing"] == "pairwise" for case in STORED.values())


def test_holzinger_in_quartiles_has_its_published_figures() -> None:
    fit = fitted(STORED["holzinger_scaled"])
    assert fit.quality["chi2"] == pytest.approx(51.53679, abs=5e-6)
    assert fit.quality["chi2_scaled"] == pytest.approx(74.15248, abs=1e-5)
    assert fit.quality["cfi_scaled"] == pytest.approx(0.96247810, abs=1e-7)
    assert fit.quality["rmsea_scaled"] == pytest.approx(0.08346031, abs=2e-8)
    assert fit.estimate("a =~ x1", "std_all").value == pytest.approx(0.78346954, abs=1e-6)
    assert fit.estimate("b =~ x5", "std_all").value == pytest.approx(0.88632300, abs=1e-6)


def test_residual_variances_have_the_errors_of_what_they_are_made_of() -> None:
    fit = fitted(STORED["chain"])
    for item in ("x1", "x5", "x9"):
        variance, explained = fit.estimate(f"{item} ~~ {item}", "variance"), fit.estimate(item, "r2")
        assert variance.value == pytest.approx(1 - explained.value, abs=1e-12)
        assert variance.high - variance.value == pytest.approx(explained.high - explained.value, abs=1e-12)


def test_derivatives_are_numerical_ones() -> None:
    raw, step = fitted(STORED["scalar"]).raw, 1e-6
    number = raw.bound.names.index("x1 ~~ x1 [b]")
    cuts = [cut_of(raw.table, raw.bound, g) for g in range(2)]
    free = raw.theta.copy()
    for cut in cuts:
        free[cut.residual] = 0.0
    _, jacobian = expected(cuts, free)
    _, turned = residuals_left(cuts, free)
    for k in range(len(free)):
        ends = [free + sign * step * (np.arange(len(free)) == k) for sign in (1, -1)]
        moved = (expected(cuts, ends[0])[0] - expected(cuts, ends[1])[0]) / (2 * step)
        assert jacobian[:, k] == pytest.approx(moved, abs=1e-8)
        if not any(k in cut.residual for cut in cuts):
            after = (residuals_left(cuts, ends[0])[0][number] - residuals_left(cuts, ends[1])[0][number]) / (2 * step)
            assert turned[number, k] == pytest.approx(after, abs=1e-8)


@pytest.mark.parametrize("name", ["chain", "gaps", "partial"])
def test_counts_are_rows(name: str) -> None:
    case = STORED[name]
    group = "shop" if case.get("shop") else None
    rows = pd.concat([frame_of(case), frame_of(case).iloc[::3]])
    counts = counted(rows).sample(frac=1, random_state=1)
    assert len(counts) < len(rows)
    fits = [
        latent(case["model"], data, estimator="wlsmv", group=group, frequency=frequency, options=options_of(case))
        for data, frequency in ((rows, None), (counts, "units"))
    ]
    alike(fits[0], fits[1], 1e-9)


def test_every_engine_gives_the_same(frame: Callable[..., Any]) -> None:
    case = STORED["gaps"]
    again = latent(case["model"], frame(frame_of(case)), estimator="wlsmv", options=options_of(case))
    alike(fitted(case), again, 1e-9)


def test_the_order_of_items_and_the_numbers_of_the_answers_change_nothing() -> None:
    rows, options = shops(), LatentOptions(std_lv=True, equal=["loadings", "thresholds"])
    fits = [
        latent(syntax, rows, estimator="wlsmv", group="shop", options=options)
        for syntax in (TWO, "f =~ x3 + x1 + x2; g =~ x6 + x5 + x4")
    ]
    alike(fits[0], fits[1], 1e-7)
    moved = rows.assign(**{f"x{k}": rows[f"x{k}"] ** 2 - 2 for k in range(1, 7)})  # from -1 on: only the order counts
    alike(fits[0], latent(TWO, moved, estimator="wlsmv", group="shop", options=options), 1e-12)


def test_the_order_of_groups_changes_nothing_without_equalities() -> None:
    rows = shops()
    fit = latent(TWO, rows, estimator="wlsmv", group="shop")
    for shop in ("a", "b"):
        alone = latent(TWO, rows[rows["shop"] == shop], estimator="wlsmv")
        own = fit.terms[fit.terms["group"] == shop]
        assert list(own["value"]) == pytest.approx(list(alone.terms["value"]), abs=1e-8)


def test_two_factors_are_those_of_the_factor_correlation() -> None:
    rows = shops().drop(columns="shop")
    pair = factor_correlation(rows, {"f": ["x1", "x2", "x3"], "g": ["x4", "x5", "x6"]}, items="ordered").iloc[0]
    fit = latent(TWO, rows, estimator="wlsmv", options=LatentOptions(std_lv=True))
    own = fit.terms.set_index(["term", "kind"]).loc[("f ~~ g", "covariance")]
    assert own["value"] == pytest.approx(pair["value"], abs=1e-8)
    assert own["std_error"] == pytest.approx(pair["std_error"], rel=2 / len(rows))  # n - 1 here, n there


def test_a_negative_variance_is_reported() -> None:
    fit = fitted(STORED["improper"])
    assert fit.raw.cautions[0].startswith("Negative variance: x1 ~~ x1 = -0.362")
    assert "IMPROPER: Negative variance" in fit.method
    assert fit.quality["n_cautions"] == 1
    assert "x1 ~~ x1" in repr(fit.raw)


def test_which_answers_are_missing_is_said() -> None:
    pairwise, complete = fitted(STORED["gaps"]), fitted(STORED["complete"])
    assert pairwise.method.endswith("answers missing pairwise")
    assert complete.method.endswith("complete answers")
    assert complete.quality["n"] + complete.quality["n_missing"] == pairwise.quality["n"]
    assert complete.quality["n_missing"] > 100
