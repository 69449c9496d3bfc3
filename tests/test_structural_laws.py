"""Latent models: what must hold whatever the data, and the same numbers from every form of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.models import LatentOptions, facet_syntax, latent, mediation, nested
from cxuxlib.models.structural.binding import bind, starts
from cxuxlib.models.structural.language import parse
from cxuxlib.models.structural.reading import read
from cxuxlib.models.structural.table import table
from cxuxlib.results import Moments
from cxuxlib.stats.sem.normal import Block, curve, discrepancy
from cxuxlib.stats.sem.paths import delta, implied, lower
from tests.structural_reference import CASES, HOLZINGER, SCHOOLS, THREE, fitted, frame_of

EVERYTHING = """
    visual =~ x1 + x2 + x3; textual =~ x4 + x5 + x6; speed =~ x7 + x8 + x9
    speed ~ visual + textual; visual ~ NA*1; x1 ~ 0*1
    x4 ~ a*x7; x5 ~~ x2; x8 ~ a*x1
"""


def slopes(of: Callable[[np.ndarray], Any], at: np.ndarray, step: float) -> np.ndarray:
    """Central differences, a column a parameter."""
    return np.array([(of(at + h) - of(at - h)) / (2 * step) for h in step * np.eye(len(at))]).T


def test_derivatives_are_the_numerical_ones_with_means_paths_equalities_and_missing_answers() -> None:
    rng = np.random.default_rng(0)
    made = table(parse(EVERYTHING), 2, means=True)
    groups = read(SCHOOLS, made.observed, (), group=None, frequency=None, fiml=False)
    bound = bind(made, groups)
    theta = starts(made, bound) + 0.1 * rng.normal(size=len(bound.names))
    some = np.array([0, 2, 3, 5, 6, 8])
    whole = HOLZINGER.covariance
    blocks = [
        [Block(some, 70, rng.normal(size=6), whole[np.ix_(some, some)]), Block(None, 90, rng.normal(size=9), whole)],
        [Block(None, 100, rng.normal(size=9), whole)],
    ]
    found = curve(bound.groups, blocks, theta)
    assert found is not None
    assert found.observed is not None
    assert found.value == pytest.approx(discrepancy(bound.groups, blocks, theta))
    assert found.slope == pytest.approx(slopes(lambda at: discrepancy(bound.groups, blocks, at), theta, 1e-6), abs=1e-6)

    def slope(at: np.ndarray) -> np.ndarray:
        here = curve(bound.groups, blocks, at)
        assert here is not None
        return here.slope

    assert 2 * found.observed == pytest.approx(slopes(slope, theta, 1e-5), abs=1e-6)

    def moments(at: np.ndarray) -> np.ndarray:
        state, (row, col) = implied(bound.groups[0], at), lower(9)
        assert state is not None
        return np.concatenate([state.mu, state.sigma[row, col]])

    state = implied(bound.groups[0], theta)
    assert state is not None
    assert delta(bound.groups[0], state, len(theta)) == pytest.approx(slopes(moments, theta, 1e-6), abs=1e-6)


def test_the_expected_information_is_that_of_the_moments() -> None:
    fit = latent(EVERYTHING.replace("a*", ""), HOLZINGER).raw.fit
    (cells,), (state,) = fit.cells, fit.states
    own, inverse = delta(cells, state, len(fit.solution.theta)), np.linalg.inv(state.sigma)
    row, col = lower(9)
    pick = np.zeros((81, 45))
    pick[row * 9 + col, np.arange(45)] = pick[col * 9 + row, np.arange(45)] = 1.0
    weight = 0.5 * pick.T @ np.kron(inverse, inverse) @ pick
    expected = own[9:].T @ weight @ own[9:] + own[:9].T @ inverse @ own[:9]
    assert fit.solution.curve.expected == pytest.approx(expected, abs=1e-10)


@settings(max_examples=15)
@given(st.lists(st.floats(0.05, 30), min_size=9, max_size=9), st.permutations(range(9)))
def test_fit_does_not_depend_on_units_nor_on_the_order_of_columns(scales: list[float], order: list[int]) -> None:
    scale = np.array(scales)
    covariance = HOLZINGER.covariance * np.outer(scale, scale)
    moved = Moments(301, tuple(HOLZINGER.names[k] for k in order), np.zeros(9), covariance[np.ix_(order, order)])
    before, after = latent(THREE, HOLZINGER), latent(THREE, moved)
    for name in ("chi2", "cfi", "rmsea", "srmr"):
        assert after.quality[name] == pytest.approx(before.quality[name], rel=1e-7)
    for kind in ("std_all", "r2"):
        ours, theirs = (fit.terms.loc[fit.terms["kind"] == kind, ["value", "std_error"]] for fit in (before, after))
        assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-7)


@settings(max_examples=15)
@given(st.permutations(["x1", "x2", "x3"]), st.booleans())
def test_fit_does_not_depend_on_how_factors_are_scaled(items: list[str], std_lv: bool) -> None:
    syntax = THREE.replace("x1 + x2 + x3", " + ".join(items))
    fit = latent(syntax, HOLZINGER, options=LatentOptions(std_lv=std_lv))
    assert fit.quality["chi2"] == pytest.approx(85.30552177, abs=1e-7)
    assert fit.estimate("visual ~~ textual", "std_all").value == pytest.approx(0.45850930, abs=1e-7)


def test_latent_variances_of_one_give_the_standardised_loadings_and_their_errors() -> None:
    marked, scaled = latent(THREE, HOLZINGER), latent(THREE, HOLZINGER, options=LatentOptions(std_lv=True))
    ours = marked.terms[marked.terms["kind"] == "std_lv"].set_index("term")
    theirs = scaled.terms[scaled.terms["kind"].isin(["loading", "covariance"])].set_index("term")
    both = ["value", "std_error"]
    assert ours.loc[theirs.index, both].to_numpy() == pytest.approx(theirs[both].to_numpy(), abs=1e-8)


@pytest.mark.parametrize("name", ["two_mlr", "two_mlm", "two_robust", "two_scalar", "causes_fiml"])
def test_every_engine_gives_the_same(name: str, frame: Callable[..., Any]) -> None:
    case = CASES[name]
    options = LatentOptions(missing="fiml" if case["missing"] else "listwise", equal=tuple(case["equal"]))
    group = "shop" if case.get("shop") else None
    there = latent(case["model"], frame(frame_of(case)), estimator=case["estimator"], group=group, options=options)
    pd.testing.assert_frame_equal(there.terms, fitted(case).terms, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("estimator", ["ml", "mlr", "mlm"])
def test_rows_counts_and_moments_give_the_same(estimator: Any) -> None:
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(500, 1))
    answers = pd.DataFrame(np.clip(np.round(3 + factor + 0.8 * rng.normal(size=(500, 4))), 1, 5), columns=list("abcd"))
    answers.loc[:9, "a"] = np.nan
    counts = answers.value_counts(dropna=False).rename("n").reset_index()
    syntax = "f =~ a + b + c + d"
    rows = latent(syntax, answers, estimator=estimator)
    pd.testing.assert_frame_equal(
        rows.terms, latent(syntax, counts, estimator=estimator, frequency="n").terms, rtol=1e-9, atol=1e-9
    )
    assert rows.quality["n_missing"] == 10
    if estimator == "ml":
        whole = answers.dropna()
        moments = Moments(490, tuple("abcd"), whole.mean().to_numpy(), whole.cov().to_numpy())
        pd.testing.assert_frame_equal(rows.terms, latent(syntax, moments).terms, rtol=1e-9, atol=1e-9)


def test_complete_answers_are_the_same_to_fiml() -> None:
    case = CASES["two_means"]
    frame = frame_of(case)
    plain = latent(case["model"], frame, options=LatentOptions(meanstructure=True, information="observed"))
    fiml = latent(case["model"], frame, options=LatentOptions(missing="fiml"))
    pd.testing.assert_frame_equal(plain.terms, fiml.terms)
    assert fiml.quality == pytest.approx(plain.quality, rel=1e-9)


def test_shapes_nest_as_they_should() -> None:
    rng = np.random.default_rng(5)
    cause = rng.normal(size=(2000, 1))
    own = 0.75 * cause + 0.6 * rng.normal(size=(2000, 4))
    items = np.repeat(own, 3, axis=1) + 0.7 * rng.normal(size=(2000, 12))
    facets = {f"f{k}": [f"i{3 * k + j}" for j in range(3)] for k in range(4)}
    frame = pd.DataFrame(items, columns=[f"i{k}" for k in range(12)])
    fits = {
        shape: latent(facet_syntax(facets, shape), frame)  # type: ignore[arg-type]
        for shape in ("one-factor", "correlated", "second-order", "bifactor", "orthogonal")
    }
    assert nested(fits["second-order"], fits["correlated"])["p"][0] > 0.05
    assert nested(fits["second-order"], fits["bifactor"])["p"][0] > 0.05
    assert nested(fits["one-factor"], fits["correlated"])["p"][0] < 1e-6
    assert nested(fits["orthogonal"], fits["correlated"])["p"][0] < 1e-6
    assert fits["second-order"].estimate("general =~ f2", "std_all").value == pytest.approx(0.75 / 0.96, abs=0.04)


def test_screening_off_is_found_where_composites_see_a_direct_effect() -> None:
    """Trap 2: with a = .7 and b = .6, items of loading .8 leave .086 to the means of three."""
    path = np.array([[1.0, 0.7, 0.42], [0.7, 1.0, 0.6], [0.42, 0.6, 1.0]])
    shared = np.kron(0.64 * path, np.ones((3, 3))) + 0.36 * np.eye(9)
    names = tuple(f"{letter}{k}" for letter in "uml" for k in range(3))
    found = mediation(Moments(4000, names, np.zeros(9), shared), names[:3], names[3:6], names[6:])
    direct = found[(found["term"] == "direct") & (found["kind"] == "std_all")].set_index("measurement")
    rho = 0.64 * 3 / (1 + 0.64 * 2)
    a, b, c = 0.7 * rho, 0.6 * rho, 0.42 * rho
    assert direct.loc["composite", "value"] == pytest.approx((c - a * b) / (1 - a**2), abs=1e-9)
    assert direct.loc["composite", "verdict"] == "undecided"
    assert direct.loc["composite", "value"] == pytest.approx(0.0856, abs=1e-4)
    assert direct.loc["composite", "p_equivalence"] > 0.05
    assert direct.loc["latent", "value"] == pytest.approx(0, abs=1e-6)
    assert direct.loc["latent", "verdict"] == "inside"
    assert direct.loc["latent", "p_equivalence"] < 0.05
