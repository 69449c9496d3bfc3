"""The claims on how experiences combine: worlds where each holds and fails, the ceiling, rivals, and refusals."""

from dataclasses import replace
from functools import lru_cache
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from statsmodels.api import OLS, add_constant
from statsmodels.miscmodels.ordinal_model import OrderedModel

from cxuxlib import claims, worlds
from cxuxlib.claims import Claim, Ruling, judge
from cxuxlib.claims.bends import shape, slopes
from cxuxlib.claims.case import Case
from cxuxlib.claims.judging import ruled
from cxuxlib.claims.states import Item, States, drawn, item
from cxuxlib.study import Column, Study, names

C1, C2, C3 = claims.EXPERIENCES_ADD_UP, claims.SERVICE_MAKES_UP_FOR_UX, claims.THE_WEAKEST_LINK_COUNTS
C4, C7 = claims.SERVICE_SOURS_GOOD_UX, claims.INNOVATION_DOES_NOT_RESCUE
TRUTH_OF = {
    "C1": "r2_not_additive", "C2": "cx_ux_low_service_high", "C3": "weight_weakest",
    "C4": "promoters_ux_high_service_low", "C7": "loyalty_by_innovation_low_ux",
}  # fmt: skip
PRECISE = {"questionnaire.loading": 0.97, "questionnaire.careless": 0.0}  # so that n = 3,000 is enough to decide


@lru_cache(maxsize=16)
def world(name: str, precise: bool = False) -> worlds.World:
    return worlds.changed(worlds.WORLDS[name], PRECISE if precise else {})


@lru_cache(maxsize=16)
def case(name: str, n: int = 3000, seed: int = 1, precise: bool = False) -> Case:
    return Case(worlds.make(world(name, precise), n=n, waves=1, rng=seed))


def ruling(claim: Claim, name: str, n: int = 3000, seed: int = 1, precise: bool = False) -> Ruling:
    return ruled(claim, case(name, n, seed, precise))


@pytest.mark.parametrize(
    ("claim", "name", "verdict"),
    [
        (C1, "harbor", "supported"),
        (C2, "compensating", "supported"),
        (C2, "weakest-link", "refuted"),
        (C3, "weakest-link", "supported"),
        (C4, "side-by-side", "supported"),
        (C4, "one-and-the-same", "refuted"),
        (C7, "compensating", "refuted"),
    ],
    ids=lambda each: each.id if isinstance(each, Claim) else None,
)
def test_supported_where_it_is_true_and_refuted_where_it_is_false(claim: Claim, name: str, verdict: str) -> None:
    found, truth = ruling(claim, name), worlds.truth(world(name), waves=1)[TRUTH_OF[claim.id.split()[0]]]
    assert found.verdict == verdict
    low, high = claim.region.holds if verdict == "supported" else claim.region.fails
    assert low < truth < high
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(truth, abs=0.8 * (found.estimate.high - found.estimate.low))


def test_a_weight_or_slope_of_0_is_shown_where_little_else_makes_the_outcome() -> None:
    """At the loadings of the named worlds this takes some 20,000 customers."""
    plain = worlds.changed(worlds.WORLDS["one-and-the-same"], {**PRECISE, "loyalty.cx": 0.95})
    own = Case(worlds.make(plain, n=3000, waves=1, rng=2))
    assert ruled(C3, own).verdict == "refuted"
    assert ruled(C7, own).verdict == "supported"
    for claim in (C3, C7):
        assert ruling(claim, "harbor").verdict == "undecided"


@pytest.mark.parametrize("name", ["harbor", "ceiling", "weakest-link", "compensating", "side-by-side"])
def test_no_verdict_goes_against_the_truth(name: str) -> None:
    truth = worlds.truth(world(name), waves=1)
    for claim in (C1, C2, C3, C4, C7):
        value, found = truth[TRUTH_OF[claim.id.split()[0]]], ruling(claim, name)
        if found.decided:
            low, high = claim.region.holds if found.verdict == "supported" else claim.region.fails
            assert low < value < high, (claim.id, found)


def test_composites_miss_what_the_model_finds() -> None:
    """Means of three items with ceiling and error: the weight of the lesser one is a third too small."""
    answers = worlds.make("weakest-link", n=20_000, waves=1, rng=3)
    table, study = answers.tables["answers"], answers
    groups = {
        "ux": names(study, role="item", construct="UX"),
        "service": names(study, role="item", construct="service"),
    }
    groups |= {"cx": names(study, role="cx")}
    groups |= {
        facet: [each.name for each in study.columns if each.role == "item" and each.facet == facet]
        for facet in ("delivery", "price/value", "brand", "innovation")
    }
    z = pd.DataFrame({key: table[items].mean(axis=1, skipna=False) for key, items in groups.items()}).dropna()
    z = (z - z.mean()) / z.std()
    z["least"] = z[["ux", "service"]].min(axis=1)
    naive = OLS(z["cx"], add_constant(z.drop(columns="cx"))).fit().params["least"]
    truth = worlds.truth(world("weakest-link"), waves=1)["weight_weakest"]
    found = ruling(C3, "weakest-link").estimate
    assert found is not None
    assert naive < 0.7 * truth
    assert found.low < truth < found.high


# --- trap 5 -------------------------------------------------------------------------------------------


def test_trap_5_a_ceiling_makes_no_bend() -> None:
    study = case("ceiling", precise=True).study
    table = study.tables["answers"]
    groups = {
        "ux": names(study, role="item", construct="UX"),
        "service": names(study, role="item", construct="service"),
    }
    mean = pd.DataFrame({key: table[items].mean(axis=1, skipna=False) for key, items in groups.items()})
    mean["cx"] = table[names(study, role="cx")].mean(axis=1)
    mean = mean.dropna()
    mean -= mean.mean()
    mean["both"] = mean["ux"] * mean["service"]
    naive = OLS(mean["cx"], add_constant(mean[["ux", "service", "both"]])).fit()
    assert naive.pvalues["both"] < 0.05  # "they interact"
    c1, c3 = ruling(C1, "ceiling", precise=True), ruling(C3, "ceiling", precise=True)
    assert c1.verdict == "supported"
    assert c3.verdict != "supported"


# --- rivals -------------------------------------------------------------------------------------------


def both_true() -> worlds.World:
    """A world in which service makes up for UX, and the lesser of both weighs more too."""
    changes: dict[str, object] = {
        "experience.weakest": 0.45, "experience.ux.weight": 0.0, "experience.service.weight": 0.50,
        "experience.ux.umbrella": 0.3, "experience.carry": 0.1, "experience.lagged": 0.0,
        "experience.value.weight": 0.0, "experience.brand.weight": 0.0, "experience.delivery.weight": 0.0, **PRECISE,
    }  # fmt: skip
    return worlds.changed(worlds.WORLDS["weakest-link"], changes)


def test_one_study_supports_one_rival_at_most() -> None:
    for name in ("weakest-link", "compensating", "harbor"):
        assert {ruling(claim, name).verdict for claim in (C2, C3)} != {"supported"}


def test_where_both_would_be_supported_neither_is() -> None:
    truth = worlds.truth(both_true(), waves=1)
    assert truth["cx_ux_low_service_high"] > -0.10
    assert truth["weight_weakest"] > 0.05
    own = Case(worlds.make(both_true(), n=4000, waves=1, rng=1))
    found = [ruled(claim, own) for claim in (C2, C3)]
    assert [each.region.verdict(each.estimate) for each in found if each.estimate] == ["supported", "supported"]
    assert [each.verdict for each in found] == ["undecided", "undecided"]
    assert all("these claims are rivals" in each.reason for each in found)


# --- not answerable -----------------------------------------------------------------------------------


def without(*facets: str) -> Study:
    study = worlds.make("harbor", n=400, waves=1, rng=1)
    return replace(study, columns=tuple(each for each in study.columns if each.facet not in facets))


@pytest.mark.parametrize(
    ("study", "claim", "said"),
    [
        (without("service"), C2, "needs UX, service and at least 2 other facets"),
        (without("UX"), C3, "needs UX, service and at least 2 other facets"),
        (without("brand", "delivery", "price/value"), C4, "at least 2 other facets"),
        (without("innovation"), C7, "no facet on innovation"),
        (replace(without(), columns=tuple(each for each in without().columns if each.role != "cx")), C2, "3 overall"),
        (replace(without(), columns=tuple(c for c in without().columns if c.role != "loyalty")), C4, "from 0 to 10"),
        (replace(without(), columns=tuple(c for c in without().columns if c.role != "loyalty")), C7, "on loyalty"),
        (worlds.make("harbor", n=150, waves=1, rng=1), C3, "too few for bends"),
    ],
    ids=lambda each: each.id if isinstance(each, Claim) else None,
)
def test_what_cannot_be_answered_says_why(study: Study, claim: Claim, said: str) -> None:
    found = judge(claim, study)
    assert found.verdict == "not answerable"
    assert said in found.reason


def test_additive_asks_first_whether_they_are_two() -> None:
    found = ruling(C1, "one-and-the-same")
    assert found.verdict == "not answerable"
    assert found.reason.startswith("A0 distinct")


def test_who_rated_nothing_of_service_is_left_out() -> None:
    own = case("harbor", 1000)
    service = names(own.study, role="item", construct="service")
    found = ruled(C4, own).estimate
    assert found is not None
    assert own.sheets is not None
    assert found.n + found.n_missing == 1000 - own.sheets.straight
    assert found.n <= own.study.tables["answers"][service].notna().any(axis=1).sum()


def test_answers_with_many_values_are_cut() -> None:
    rng = np.random.default_rng(1)
    facets = sqrt(0.6) * rng.normal(size=(2000, 4)) + sqrt(0.4) * rng.normal(size=(2000, 1))
    cx = facets @ [0.2, 0.5, 0, 0] + 0.7 * rng.normal(size=2000)
    traits = np.column_stack([facets, cx / cx.std()])
    x = 0.8 * np.repeat(traits, 3, axis=1) + 0.6 * rng.normal(size=(2000, 15))
    homes = [("item", "UX", ""), ("item", "service", ""), ("item", "other facet", "a"), ("item", "other facet", "b")]
    columns = [
        Column(f"i{3 * place + k}", "", *home)  # type: ignore[arg-type]
        for place, home in enumerate([*homes, ("cx", "CX", "")])
        for k in range(3)
    ]
    table = pd.DataFrame(x, columns=[each.name for each in columns])
    found = judge(C2, Study("numbers", {"answers": table}, tuple(columns), ""))
    assert found.verdict == "supported"
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.3 / cx.std(), abs=0.1)


# --- the parts ----------------------------------------------------------------------------------------


def test_draws_match_numerical_integration() -> None:
    cuts, loading = np.array([-0.5, 0.4, 1.2]), 0.7
    answers = [Item(np.array([code]), cuts, loading) for code in (3, 2, 3)]

    def density(x: float) -> float:
        edges = [-np.inf, *cuts, np.inf]
        left = sqrt(1 - loading**2)
        found = norm.pdf(x)
        for code in (3, 2, 3):
            found *= np.diff(norm.cdf((np.array(edges[code : code + 2]) - loading * x) / left))[0]
        return float(found)

    whole = quad(density, -8, 8)[0]
    states = drawn([answers], np.eye(1), np.ones(1), 20_000)
    for power in (1, 2, 3):
        exact = quad(lambda x, p=power: x**p * density(x) / whole, -8, 8)[0]  # type: ignore[misc]
        assert states.w[0] @ states.x[0, :, 0] ** power == pytest.approx(exact, abs=0.02)


def test_slopes_are_those_of_an_ordered_probit_where_states_are_known() -> None:
    rng = np.random.default_rng(2)
    n = 1500
    x = rng.normal(size=(n, 2))
    y = np.digitize(x @ [0.6, -0.3] + rng.normal(size=n), [-0.8, 0.1, 0.9])
    known = States(x[:, None], np.ones((n, 1)), np.ones(n), np.eye(2))
    fit = slopes(known, lambda each: each, item(y.astype(float), np.ones(n), 0.8, {1: 0.0, 2: 0.0, 3: 0.0}))
    model = OrderedModel(y, x, distr="probit").fit(method="bfgs", disp=False)
    assert fit.value == pytest.approx(model.params[:2], abs=1e-3)
    errors = np.sqrt(np.diag(fit.influence.T @ fit.influence))[:2]
    assert errors == pytest.approx(model.bse[:2], rel=0.05)
    mean, spread = shape(known, lambda each: each)
    assert mean == pytest.approx(x.mean(axis=0))
    assert spread == pytest.approx(np.cov(x.T, ddof=0))
