"""Reliability by a latent model: published figures, lavaan's errors, and the same from every form of the data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import datasets, scales
from cxuxlib.errors import ArgumentError
from cxuxlib.models import LatentOptions, facet_syntax, latent, reliability
from cxuxlib.results import Moments
from cxuxlib.scales.reliability import alpha
from tests.measurement_reference import ROWS, STORED, drawn
from tests.structural_reference import HOLZINGER, THREE

FACETS = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
LAVAAN = STORED["rows"]
SHARED = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
SIX = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), SHARED)


def by_kind(found: pd.DataFrame, factor: str) -> pd.DataFrame:
    return found[found["factor"] == factor].set_index("kind")


def test_holzinger_has_semtools_figures() -> None:
    found = reliability(HOLZINGER, FACETS).set_index(["factor", "kind"])["value"]
    published = {  # semTools: AVE, compRelSEM (which divides by the observed variance of the sum), psych's alpha
        "ave": [0.370558873, 0.721016283, 0.424488293], "omega_observed": [0.612005151, 0.885060773, 0.685841692],
        "alpha": [0.626117132, 0.882706913, 0.688455023],
    }  # fmt: skip
    for kind, values in published.items():
        assert [found[name, kind] for name in FACETS] == pytest.approx(values, abs=1e-6)
    # over the model's variance of the sum, omega is another number where the model leaves covariances unexplained
    assert found["visual", "omega"] == pytest.approx(0.625318, abs=1e-6)


def test_the_published_alpha_of_mobi_is_that_of_standardised_items() -> None:
    moments = datasets.aggregates("mobi").tables["moments/all"]
    quality = {"Quality": [f"PERQ{i}" for i in range(1, 8)]}
    found = by_kind(reliability(moments, quality, standardised=True), "Quality")
    assert found.loc["alpha", "value"] == pytest.approx(0.877010245, abs=1e-9)
    assert by_kind(reliability(moments, quality), "Quality").loc["alpha", "value"] == pytest.approx(0.872406, abs=1e-6)


@pytest.mark.parametrize("estimator", ["ML", "MLR", "MLM"])
def test_values_and_errors_are_lavaans(estimator: str) -> None:
    fit = latent(LAVAAN["model"], ROWS, estimator=estimator.lower())  # type: ignore[arg-type]
    found = reliability(fit).set_index(["kind", "factor"])
    standardised = reliability(fit, standardised=True).set_index(["kind", "factor"])
    compared = 0
    for part in ("defined", "alpha"):
        told = LAVAAN[estimator][part]
        for name, value, error in zip(told["names"], told["est"], told["se"], strict=True):
            kind, factor = name.removeprefix("std_").rsplit("_", 1) if "_" in name else ("", "")
            if kind in ("alpha", "omega", "ave"):
                row = (standardised if name.startswith("std_") else found).loc[(kind, factor)]
                assert row["value"] == pytest.approx(value, abs=1e-5)
                assert row["std_error"] == pytest.approx(error, rel=1e-4)
                compared += 1
    assert compared == 12
    assert found.loc[("omega", "f"), "k"] == 3
    assert found.loc[("omega", "g"), "k"] == 4  # the item that crosses over counts for both


def test_rows_counts_and_moments_say_the_same() -> None:
    rng = np.random.default_rng(1)
    continuous = drawn(np.kron(np.eye(2), [[0.8], [0.7], [0.6]]), np.array([[1, 0.5], [0.5, 1]]), 400, rng)
    answers = np.clip(np.round(continuous + 3), 1, 5)
    rows = pd.DataFrame(answers, columns=list("abcdef"))
    counts = rows.groupby(list("abcdef"), as_index=False).size().rename(columns={"size": "many"})
    moments = Moments(400, tuple("abcdef"), rows.mean().to_numpy(), rows.cov().to_numpy())
    facets = {"F": ["a", "b", "c"], "G": ["d", "e", "f"]}
    numbers = ["value", "std_error", "low", "high"]
    one = reliability(rows, facets)
    two = reliability(counts, facets, frequency="many")
    three = reliability(moments, facets)
    pd.testing.assert_frame_equal(one[numbers], two[numbers])
    pd.testing.assert_frame_equal(one[numbers], three[numbers])
    plain = alpha(rows[list("abc")], scales.Scale("three", items=3, low=1, high=5), items=list("abc"))
    assert one.loc[0, "value"] == pytest.approx(plain.loc[0, "value"], abs=1e-12)


def test_every_engine_says_the_same(frame: Callable[..., Any]) -> None:
    facets = {"f": ["x1", "x2"], "g": ["x4", "x5", "x6"]}
    here, there = (reliability(each, facets, estimator="mlr") for each in (ROWS, frame(ROWS)))
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.parametrize("standardised", [False, True])
def test_errors_are_of_numerical_derivatives(standardised: bool) -> None:
    """Normal theory is 2 tr(GSGS)/n with G the derivative in the moments, here by differences."""
    s, n = HOLZINGER.covariance[:6, :6], 301
    facets = {name: FACETS[name] for name in ("visual", "textual")}

    def values(covariance: np.ndarray) -> np.ndarray:
        return reliability(
            Moments(n, HOLZINGER.names[:6], np.zeros(6), covariance), facets, standardised=standardised
        )["value"].to_numpy()  # fmt: skip

    form, step = np.zeros((8, 6, 6)), 1e-5
    for i in range(6):
        for j in range(i, 6):
            change = np.zeros((6, 6))
            change[i, j] = change[j, i] = step
            form[:, i, j] = form[:, j, i] = (values(s + change) - values(s - change)) / (2 * step) / (1 + (i != j))
    turned = form @ s
    expected = np.sqrt(2 * np.einsum("aij,aji->a", turned, turned) / n)
    found = reliability(
        Moments(n, HOLZINGER.names[:6], np.zeros(6), s), facets, standardised=standardised
    )  # fmt: skip
    exact = found["kind"].isin(["alpha", "omega_observed"]).to_numpy()
    ours = found["std_error"].to_numpy()
    assert ours[exact] == pytest.approx(expected[exact], rel=1e-6)
    assert ours[~exact] == pytest.approx(expected[~exact], rel=0.1)  # these trust the model, as lavaan's do


def test_groups_have_rows_of_their_own() -> None:
    data = {"shop": SIX, "web": Moments(200, SIX.names, np.zeros(6), SHARED + 0.3 * np.eye(6))}
    found = reliability(latent("UX =~ u1 + u2 + u3; CX =~ c1 + c2 + c3", data)).set_index(["group", "factor", "kind"])
    assert found.loc[("shop", "UX", "omega"), "value"] == pytest.approx(
        by_kind(reliability(SIX, {"UX": SIX.names[:3], "CX": SIX.names[3:]}), "UX").loc["omega", "value"], abs=1e-7
    )
    assert found.loc[("web", "UX", "alpha"), "value"] < found.loc[("shop", "UX", "alpha"), "value"]
    assert found.loc[("web", "CX", "ave"), "n"] == 200


def test_missing_answers_go_into_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    gaps = ROWS.mask(rng.random(ROWS.shape) < 0.1)
    syntax = "f =~ x1 + x2; g =~ x4 + x5 + x6"
    plain, robust = (
        reliability(latent(syntax, gaps, estimator=each, options=LatentOptions(missing="fiml"))).set_index(
            ["factor", "kind"]
        )
        for each in ("ml", "mlr")
    )
    whole = reliability(latent(syntax, ROWS)).set_index(["factor", "kind"])
    assert (plain["value"] - whole["value"]).abs().max() < 0.05
    assert plain.loc[("g", "alpha"), "std_error"] == pytest.approx(whole.loc[("g", "alpha"), "std_error"], rel=0.3)
    assert robust.loc[("g", "alpha"), "std_error"] != plain.loc[("g", "alpha"), "std_error"]
    row = plain.loc[("g", "omega_observed")]
    assert np.isnan(row["low"])
    assert "answers are missing" in row["method"]


def test_what_does_not_exist_says_why() -> None:
    second = latent("UX =~ u1 + u2 + u3; CX =~ c1 + c2; L =~ c3; top =~ UX + CX + L", SIX)
    found = reliability(second).set_index(["factor", "kind"])
    assert found.loc["top", "value"].isna().all()
    assert "measured by factors" in found.loc[("top", "omega"), "method"]
    assert found.loc[("L", "alpha"), "method"] == "no alpha: one item"
    turned = SHARED.copy()
    turned[2] *= -1
    turned[:, 2] *= -1
    against = by_kind(
        reliability(Moments(300, SIX.names, np.zeros(6), turned), {"UX": SIX.names[:3], "CX": SIX.names[3:]}), "UX"
    )
    assert "'u3' runs against the others: reverse it" in against.loc["alpha", "method"]
    tight = np.array([[1, 0.9, 0.8], [0.9, 1, 0.5], [0.8, 0.5, 1]])
    heywood = by_kind(reliability(Moments(300, ("a", "b", "c"), np.zeros(3), tight), {"f": ["a", "b", "c"]}), "f")
    assert heywood.loc["omega", "method"] == "no interval: improper solution, the variance of 'a' is negative"
    assert np.isnan(heywood.loc["omega", "low"])
    assert np.isfinite(heywood.loc["alpha", "low"])  # alpha asks for no model


def test_of_a_bifactor_model_omega_is_hierarchical() -> None:
    general = np.array([0.7, 0.6, 0.5, 0.7, 0.6, 0.5, 0.7, 0.6, 0.5])
    own = np.kron(np.eye(3), [[0.5], [0.3], [0.6]])
    own[:3, 0] *= [1, 1, -1]  # the third item's own factor pulls it away from the others of its facet
    spread = np.outer(general, general) + own @ own.T
    np.fill_diagonal(spread, 1.0)
    names = [f"x{k}" for k in range(1, 10)]
    facets = {name: names[3 * k : 3 * k + 3] for k, name in enumerate("fgh")}
    text = facet_syntax(facets, "bifactor", general="all")
    fit = latent(text, Moments(100_000, tuple(names), np.zeros(9), spread), options=LatentOptions(std_lv=True))
    found = reliability(fit).set_index(["factor", "kind"])
    assert found.loc[("all", "omega"), "value"] == pytest.approx(general.sum() ** 2 / spread.sum(), abs=1e-6)
    ours = own[3:6, 1].sum() ** 2 / spread[3:6, 3:6].sum()
    assert found.loc[("g", "omega"), "value"] == pytest.approx(ours, abs=1e-6)
    told = found.loc[("f", "omega"), "method"]
    assert "'x3' runs against the others on this factor" in told
    assert "reverse" not in told  # which would turn its loading on the general factor


def test_it_takes_a_fit_or_facets() -> None:
    with pytest.raises(ArgumentError, match=r"Give a fit of models\.latent, or data with facets"):
        reliability(SIX)
    with pytest.raises(ArgumentError, match="leave these out"):
        reliability(latent(THREE, HOLZINGER), FACETS)
    with pytest.raises(ArgumentError, match="wlsmv"):
        reliability(ROWS, FACETS, estimator="wlsmv")
    with pytest.raises(ArgumentError, match="needs a list of items"):
        reliability(SIX, {"UX": "u1"})


@pytest.mark.slow
def test_intervals_hold_their_level() -> None:
    """Truth by the population: congeneric items of two factors, n = 200."""
    own = np.array([0.8, 0.7, 0.5])
    shared = np.outer(own, own)
    np.fill_diagonal(shared, 1.0)
    omega = own.sum() ** 2 / shared.sum()
    truth = {"alpha": 1.5 * (1 - 3 / shared.sum()), "omega": omega, "omega_observed": omega, "ave": (own**2).mean()}
    rng, repeats, inside = np.random.default_rng(11), 400, dict.fromkeys(truth, 0)
    for _ in range(repeats):
        x = drawn(np.kron(np.eye(2), own[:, None]), np.array([[1, 0.5], [0.5, 1]]), 200, rng)
        moments = Moments(200, tuple("abcdef"), x.mean(axis=0), np.cov(x.T))
        rows = by_kind(reliability(moments, {"F": list("abc"), "G": list("def")}), "F")
        for kind, value in truth.items():
            inside[kind] += rows.loc[kind, "low"] <= value <= rows.loc[kind, "high"]
    assert all(abs(each / repeats - 0.95) < 3 * np.sqrt(0.95 * 0.05 / repeats) for each in inside.values()), inside
