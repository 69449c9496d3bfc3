"""Latent models do not hang on units of measurement, starting points or the kind of cause."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError
from cxuxlib.models import LatentOptions, latent, mediation, nested, residuals
from cxuxlib.models.structural import fitting
from cxuxlib.results import Moments
from cxuxlib.stats.sem import indices

CAUSE = "f =~ a + b + c; z ~ f + w"


def rows(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    f = 0.5 * w + rng.normal(size=n)
    items = f[:, None] + 0.7 * rng.normal(size=(n, 3))
    z = 0.4 * f + 0.3 * w + rng.normal(size=n)
    return pd.DataFrame(np.column_stack([items, w, z]), columns=["a", "b", "c", "w", "z"])


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e6])
def test_units_of_measurement_change_nothing(unit: float) -> None:
    one, other = latent(CAUSE, rows()), latent(CAUSE, rows() * unit)
    assert other.raw.cautions == ()
    assert other.quality["chi2"] == pytest.approx(one.quality["chi2"], rel=1e-9)
    assert other.terms["p"].to_numpy() == pytest.approx(one.terms["p"].to_numpy(), rel=1e-6, nan_ok=True)
    same = one.terms["kind"].isin(["std_all", "r2"])
    found = other.terms.loc[same, "std_error"].to_numpy()
    assert found == pytest.approx(one.terms.loc[same, "std_error"].to_numpy(), rel=1e-6)
    assert residuals(other)["z"].to_numpy() == pytest.approx(residuals(one)["z"].to_numpy(), rel=1e-6, nan_ok=True)


def test_residuals_beside_an_observed_cause_vary_as_they_say() -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(150):
        w = rng.normal(size=400)
        f = 0.7 * w + 0.7 * rng.normal(size=400)
        y = f[:, None] * [1, 0.8, 0.9, 0.8] + 0.6 * rng.normal(size=(400, 4))
        data = pd.DataFrame(np.column_stack([y, w]), columns=["y1", "y2", "y3", "y4", "w"])
        left = residuals(latent("f =~ y1 + y2 + y3 + y4; f ~ w", data))
        found.append(left["z"].to_numpy())
    spread = np.std(found, axis=0)
    known = np.isfinite(spread)
    assert known.sum() == 10
    assert spread[known] == pytest.approx(1, abs=0.3)
    assert spread[known].mean() == pytest.approx(1, abs=0.1)
    assert left.loc[(left["a"] == "w") & (left["b"] == "w"), "std_error"].isna().all()


def test_residuals_of_missing_answers_vary_as_they_say() -> None:
    rng, found = np.random.default_rng(5), []
    for _ in range(60):
        f = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 500)
        x = np.repeat(f, 3, axis=1) + 0.8 * rng.normal(size=(500, 6))
        gone = rng.random(x.shape) < 0.3
        gone[:, [0, 3]] = False
        data = pd.DataFrame(x, columns=list("abcdeh")).mask(gone)
        left = residuals(latent("f =~ a + b + c; g =~ d + e + h", data, options=LatentOptions(missing="fiml")))
        found.append(left.loc[(left["b"] != "") & (left["a"] != left["b"]), "z"].to_numpy())
    assert np.std(found, axis=0).mean() == pytest.approx(1, abs=0.1)


def test_a_first_item_of_nearly_no_loading_leads_to_the_same_fit() -> None:
    rng = np.random.default_rng(1)
    f = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 300)
    x = np.hstack([f[:, [0]] * [0.05, 0.8, 0.7, 0.9], f[:, [1]] * [0.05, 0.8, 0.7, 0.9]]) + 0.6 * rng.normal(
        size=(300, 8)
    )
    data = pd.DataFrame(x, columns=[f"x{k}" for k in range(1, 9)])
    good = latent("f =~ x2 + x1 + x3 + x4; g =~ x6 + x5 + x7 + x8", data)
    bad = latent("f =~ x1 + x2 + x3 + x4; g =~ x5 + x6 + x7 + x8", data)
    assert bad.raw.fit.solution.converged
    assert bad.quality["chi2"] == pytest.approx(good.quality["chi2"], abs=1e-6)


@pytest.mark.slow
def test_composite_errors_hold_where_the_cause_is_drawn() -> None:
    rng, inside = np.random.default_rng(3), []
    a, b, c, size = 0.85, 0.5, 0.1, 500
    r = np.array([[1, a, b * a + c], [a, 1, b + c * a], [b * a + c, b + c * a, 1]])
    names = [f"{block}{k}" for block in "uml" for k in range(3)]
    rho = 1 / (1 + 0.16 / 3)
    for _ in range(150):
        f = rng.multivariate_normal(np.zeros(3), r, size)
        data = pd.DataFrame(np.repeat(f, 3, axis=1) + 0.4 * rng.normal(size=(size, 9)), columns=names)
        found = mediation(data, names[:3], names[3:6], names[6:]).query("kind == 'std_all' and term == 'a'")
        row = found[found["measurement"] == "composite"].iloc[0]
        inside.append(row["low"] < a * rho < row["high"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.04)


def test_what_no_population_could_have_is_said() -> None:
    data = rows()
    fixed = latent("f =~ a + b + c; a ~~ -0.1*a", data)
    assert any(each.startswith("Negative variance: a ~~ a = -0.1") for each in fixed.raw.cautions)
    r = np.array([[1, 0.3, 0.3, 0.6], [0.3, 1, 0.3, 0.6], [0.3, 0.3, 1, 0.6], [0.6, 0.6, 0.6, 1]])
    for syntax in ("f =~ a + b + c; f ~~ w", "f =~ a + b + c; f ~ w"):
        beyond = latent(syntax, Moments(300, ("a", "b", "c", "w"), np.zeros(4), r))
        assert any(each.startswith("Correlation beyond 1: f with w = 1.095") for each in beyond.raw.cautions), syntax


def test_the_misfit_of_a_difference_is_freed_of_its_scaling() -> None:
    data = np.sign(rows()) * rows() ** 2
    big = latent("f =~ a + b + c + z", data, estimator="mlr")
    small = latent("f =~ a + 0.2*b + c + z", data, estimator="mlr")
    found = nested(small, big).iloc[0]
    expected = indices.rmsea(found["chi2"] * found["scaling"], 1, 400, 1, found["scaling"])
    assert found["rmsea"] == pytest.approx(expected)
    assert found["rmsea"] == pytest.approx(np.sqrt(found["scaling"] * (found["chi2"] - 1) / 400))
    assert found["rmsea_low"] <= found["rmsea"] <= found["rmsea_high"]


def test_labels_with_dots_are_themselves_and_stand_alone() -> None:
    found = latent("f =~ a + l.1*b + l_1_*c; gap := l.1 - l_1_", rows()).terms.set_index(["term", "kind"])["value"]
    gap = found["f =~ b", "loading"] - found["f =~ c", "loading"]
    assert found["gap", "defined"] == pytest.approx(gap, rel=1e-12)
    for said in ("l*m*b", "0.5*0.6*b", "start(1)*start(2)*b"):
        with pytest.raises(ArgumentError, match="for a term; products of them"):
            latent(f"f =~ a + {said} + c", rows())


def test_a_model_without_freedom_may_still_misfit() -> None:
    r = np.array([[1.0, 0.4, 0.4], [0.4, 1.0, -0.2], [0.4, -0.2, 1.0]])  # no factor makes an odd number of minus signs
    found = latent("f =~ a + b + c", Moments(200, ("a", "b", "c"), np.zeros(3), r), options=LatentOptions(std_lv=True))
    assert found.quality["df"] == 0
    assert found.quality["chi2"] > 1
    free = latent("f =~ a + b + c", Moments(200, ("a", "b", "c"), np.zeros(3), np.abs(r)))
    assert (free.quality["df"], free.quality["chi2"]) == (0, 0)


def test_a_long_search_is_checked_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"x{k}" for k in range(1, 10)]
    syntax = """
        f =~ p*x1 + p*x2 + q*x3 + q*x4
        g =~ p*x4 + q*x5 + p*x6
        h =~ x7 + p*x8 + x9 + q*x1
        x1 ~~ v*x1
        x4 ~~ v*x4
        x2 ~~ v*x5
    """
    for seed, gain, proper in ((0, 15.6, True), (9, 117.5, False)):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(200, 3)) @ rng.normal(0, 0.6, (9, 3)).T
        data = pd.DataFrame(x + rng.normal(size=(200, 9)) * rng.uniform(0.4, 1, 9), columns=names)
        found = latent(syntax, data, options=LatentOptions(std_lv=True))
        monkeypatch.setattr(fitting, "_EASY", 10**6)  # as if the first end were believed
        first = latent(syntax, data, options=LatentOptions(std_lv=True))
        monkeypatch.undo()
        assert first.raw.fit.solution.converged
        assert first.quality["chi2"] - found.quality["chi2"] == pytest.approx(gain, abs=0.1)
        assert (found.raw.cautions == ()) == proper
