"""The claims on surveys in worlds whose truth is known, and the traps that a naive analysis falls into."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, norm
from statsmodels.api import OLS, add_constant

from benchmarks import calibration
from cxuxlib import claims, datasets, models, worlds
from cxuxlib.claims import Claim, Rulings, judge, judge_all
from cxuxlib.models import factor_correlation
from cxuxlib.study import Column, Study, names

# World, seed and the verdicts that its truth asks for at n = 3,000.
N = 3000
TRUTH_OF = calibration.TRUTH_OF
ON_PARTS = claims.ALL[:8]  # the others, on how experiences combine and on scope, have tests of their own


@lru_cache(maxsize=16)
def rulings(world: str, n: int = N, seed: int = 1) -> Rulings:
    return judge_all(worlds.make(world, n=n, waves=1, rng=seed))


def verdicts(found: Rulings) -> dict[str, str]:
    return {each.claim.id.split()[0]: each.verdict for each in found.rulings}


def concluded(found: Rulings) -> dict[str, str]:
    return {each.id: each.verdict for each in found.conclusions}


@pytest.mark.parametrize("claim", ON_PARTS, ids=lambda claim: claim.id)
def test_supported_where_it_is_true_and_refuted_where_it_is_false(claim: Claim) -> None:
    key = claim.id.split()[0]
    assert verdicts(rulings(claim.true_where))[key] == "supported"
    assert verdicts(rulings(claim.false_where))[key] == "refuted"


@pytest.mark.parametrize("claim", ON_PARTS, ids=lambda claim: claim.id)
def test_the_truth_of_the_named_worlds_lies_where_the_region_says(claim: Claim) -> None:
    for world, (low, high) in ((claim.true_where, claim.region.holds), (claim.false_where, claim.region.fails)):
        value = worlds.truth(worlds.WORLDS[world], waves=1)[TRUTH_OF[claim.id.split()[0]]]
        assert low < value < high if low < high else not high <= value <= low


def test_intervals_hold_the_truth() -> None:
    found, truth = rulings("harbor"), worlds.truth(worlds.WORLDS["harbor"], waves=1)
    for each in found.rulings[:8]:
        assert each.estimate is not None
        spread = each.estimate.high - each.estimate.low
        assert each.estimate.value == pytest.approx(truth[TRUTH_OF[each.claim.id.split()[0]]], abs=1.2 * spread)


def test_harbor_is_a_proper_subset() -> None:
    assert concluded(rulings("harbor")) | {"strong subset": ""} == {
        "proper subset": "supported", "strong subset": "", "driver": "undecided",
    }  # fmt: skip


def test_where_they_are_one_nothing_is_more() -> None:
    found = rulings("one-and-the-same")
    shown = {key: each for key, each in verdicts(found).items() if key[0] in "AB"}
    assert shown | {"A2": "", "A4": "", "A1": ""} == {
        "A0": "refuted", "A1": "", "A2": "", "A3": "not answerable", "A4": "", "A5": "not answerable",
        "B1": "supported", "B4": "refuted", "B2": "not answerable", "B3": "not answerable", "B5": "undecided",
        "B6": "supported",
    }  # fmt: skip
    assert concluded(found)["proper subset"] == "refuted"
    reasons = {each.claim.id: each.reason for each in found.rulings}
    assert reasons["A3 proper"].startswith("A0 distinct (UX and CX are often confused, and are not the same) must")


def test_where_nothing_is_related_nothing_is_supported_but_that_they_are_two() -> None:
    found = verdicts(rulings("null"))
    assert found["A0"] == "supported"
    assert {found[key] for key in ("A1", "A2", "A3", "A4", "B1")} == {"refuted"}
    reason = rulings("null").rulings[1].reason
    assert reason.startswith("The facets have nothing in common")


def test_a_ceiling_moves_nothing() -> None:
    found, truth = rulings("ceiling"), worlds.truth(worlds.WORLDS["ceiling"], waves=1)
    for each in found.rulings[:7]:
        assert each.estimate is not None
        assert each.estimate.low - 0.02 < truth[TRUTH_OF[each.claim.id.split()[0]]] < each.estimate.high + 0.02


def test_points_of_nps_are_said_beside_b1() -> None:
    reason = rulings("harbor").rulings[6].reason
    said = float(reason.split("UX goes with ")[1].split(" points of NPS ('recommend')")[0])
    assert said == pytest.approx(worlds.truth(worlds.WORLDS["harbor"], waves=1)["nps_per_sd_ux"], abs=3)


def test_a_driver_is_never_supported_by_association() -> None:
    for world in ("harbor", "direct", "one-and-the-same"):
        driver = rulings(world).conclusions[-1]
        assert (driver.verdict, driver.rung) == ("undecided", "association")
        assert "lowest rung" in driver.reason
    assert rulings("side-by-side").conclusions[-1].rung is None


# --- traps, by their number ---------------------------------------------------------------------------


def scores(study: Study) -> pd.DataFrame:
    """Composites of a simulated study, which is what is commonly analysed."""
    answers = study.tables["answers"]
    groups = {"ux": names(study, role="item", construct="UX"), "cx": names(study, role="cx")}
    groups |= {"service": names(study, role="item", construct="service"), "loyalty": names(study, role="loyalty")}
    return pd.DataFrame({name: answers[items].mean(axis=1, skipna=False) for name, items in groups.items()}).dropna()


def test_trap_1_composites_make_a_second_scale_significant_where_ux_and_cx_are_one() -> None:
    study = worlds.make("one-and-the-same", n=N, waves=1, rng=1)
    table = scores(study)
    naive = OLS(table["cx"], add_constant(table[["ux", "service"]])).fit()
    assert naive.pvalues["service"] < 1e-6
    assert verdicts(rulings("one-and-the-same"))["A3"] == "not answerable"


def items(trait: np.ndarray, rng: np.random.Generator, many: int = 3) -> np.ndarray:
    """Answers from 1 to 7 to some questions on one trait, with loading .8."""
    y = 0.8 * trait[:, None] + 0.6 * rng.normal(size=(len(trait), many))
    return np.clip(np.rint(4 + 1.2 * y), 1, 7)


TWO = tuple(Column(f"u{i}", "", "item", "UX", "UX", 1, 7) for i in range(3))
TWO += tuple(Column(f"c{i}", "", "cx", "CX", "", 1, 7) for i in range(3))


def test_trap_2_composites_make_a_direct_effect_where_there_is_none() -> None:
    rng = np.random.default_rng(2)
    ux = rng.normal(size=4000)
    cx = 0.7 * ux + np.sqrt(0.51) * rng.normal(size=4000)
    loyalty = np.rint(5 + 1.5 * (0.6 * cx + 0.8 * rng.normal(size=4000))).clip(0, 10)
    table = pd.DataFrame(np.column_stack([items(ux, rng), items(cx, rng)]), columns=[each.name for each in TWO])
    table["stay"] = loyalty
    mean = pd.DataFrame({"ux": table[["u0", "u1", "u2"]].mean(axis=1), "cx": table[["c0", "c1", "c2"]].mean(axis=1)})
    naive = OLS(loyalty, add_constant(mean)).fit()
    assert naive.pvalues["ux"] < 1e-6
    columns = (*TWO, Column("stay", "", "loyalty", "loyalty", "", 0, 10))
    ruling = judge(claims.UX_WORKS_THROUGH_CX, Study("mediated", {"answers": table}, columns, ""))
    assert ruling.verdict == "supported"
    assert ruling.estimate is not None
    assert abs(ruling.estimate.value) < 0.05


def test_trap_3_the_gate_comes_first() -> None:
    found = verdicts(judge_all(datasets.aggregates("mobi")))
    assert (found["A0"], found["A3"], found["A5"]) == ("refuted", "not answerable", "not answerable")


def test_trap_4_three_facets_are_refused() -> None:
    study = worlds.make("harbor", n=1000, waves=1, rng=1)
    kept = tuple(each for each in study.columns if each.facet in ("", "UX", "service", "brand"))
    ruling = judge(claims.UX_IS_A_FACET, Study("three", study.tables, kept, ""))
    assert ruling.verdict == "not answerable"
    assert "at least 4 facets" in ruling.reason
    assert "Three facets cannot tell" in ruling.reason


def test_trap_6_a_halo_is_no_subset() -> None:
    study = worlds.make("halo", n=N, waves=1, rng=1)
    table = scores(study)
    assert linregress(table["ux"], table["loyalty"]).pvalue < 1e-6  # "a driver"
    found = rulings("halo")
    assert concluded(found)["proper subset"] == "undecided"
    assert verdicts(found)["A2"] != "supported"
    assert verdicts(found)["A3"] == "undecided"
    proper = found.rulings[3]
    assert proper.region.verdict(proper.estimate) == "supported"  # type: ignore[arg-type]
    assert "halo alone would do this" in proper.reason
    assert "first eigenvalue of the 18 items" in proper.reason


def test_trap_8_a_question_that_stands_on_both_sides_is_refused() -> None:
    study = worlds.make("harbor", n=600, waves=1, rng=1)
    table = study.tables["answers"]
    own = next(each for each in study.columns if each.role == "item" and each.construct == "UX")
    outcome = next(each for each in study.columns if each.role == "loyalty")
    shared = replace(study, tables={**study.tables, "answers": table.assign(**{own.name: table[outcome.name]})})
    answers = shared.tables["answers"][[own.name, outcome.name]].dropna()
    assert OLS(answers[outcome.name], add_constant(answers[own.name])).fit().rsquared == pytest.approx(1.0)
    ruling = judge(claims.UX_GOES_WITH_LOYALTY, shared)
    assert ruling.verdict == "not answerable"
    assert own.name in ruling.reason


def test_trap_9_promoters_alone_waste_what_was_answered() -> None:
    rng, n, repeats = np.random.default_rng(9), 200, 250
    cuts = norm.ppf(np.cumsum([0.03, 0.02, 0.03, 0.03, 0.04, 0.10, 0.08, 0.14, 0.19, 0.15]))
    seen = {"answer": 0, "promoter": 0}
    for _ in range(repeats):
        ux = rng.standard_normal(n)
        answer = np.searchsorted(cuts, 0.18 * ux + np.sqrt(1 - 0.18**2) * rng.standard_normal(n))
        rows = pd.DataFrame({"ux": ux, "answer": answer, "promoter": (answer >= 9).astype(int)})
        for name, model in (("answer", models.ordered_logit), ("promoter", models.logit)):
            slope = model(f"{name} ~ ux", rows).terms.query("term == 'ux' and kind == 'slope'")
            seen[name] += float(slope["p"].iloc[0]) < 0.05
    assert seen["answer"] / repeats == pytest.approx(0.69, abs=0.09)
    assert seen["promoter"] / repeats == pytest.approx(0.53, abs=0.09)
    assert seen["answer"] > seen["promoter"] + 0.08 * repeats


def piled(n: int, seed: int) -> pd.DataFrame:
    """One factor behind all; to UX items most answers are the best, to CX items the worst."""
    rng = np.random.default_rng(seed)
    y = 0.8 * rng.normal(size=n)[:, None] + 0.6 * rng.normal(size=(n, 6))
    cuts = [[-2.2, -1.7, -1.2, -0.6]] * 3 + [[0.6, 1.2, 1.7, 2.2]] * 3
    answers = [1.0 + np.digitize(each, cut) for each, cut in zip(y.T, cuts, strict=True)]
    return pd.DataFrame(np.column_stack(answers), columns=[each.name for each in TWO])


def test_answers_piled_at_opposite_ends_make_no_second_construct() -> None:
    table = piled(1000, 1)
    naive = factor_correlation(table, {"UX": ["u0", "u1", "u2"], "CX": ["c0", "c1", "c2"]}, level=0.9).iloc[0]
    assert naive["high"] < 0.9  # "distinct"
    ruling = judge(claims.UX_IS_DISTINCT, Study("one", {"answers": table}, TWO, ""))
    assert ruling.verdict in ("refuted", "undecided")
    assert ruling.estimate is not None
    assert ruling.estimate.value == pytest.approx(1, abs=0.06)


def test_few_piled_answers_are_not_taken_as_numbers() -> None:
    found = [judge(claims.UX_IS_DISTINCT, Study("one", {"answers": piled(200, seed)}, TWO, "")) for seed in range(12)]
    assert not [each for each in found if each.verdict == "supported"]
    silent = [each for each in found if each.verdict == "not answerable"]
    assert silent
    assert all("polychoric correlation of ±1" in each.reason for each in silent)


# --- error rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", calibration.BORDERS)
def test_on_the_border_the_truth_is_the_bound(key: str) -> None:
    (claim,) = (each for each in claims.ALL if each.id.startswith(key))
    waves = calibration.WAVES if claim in claims.OVER_TIME else 1
    truth = worlds.truth(calibration.world_of(calibration.BORDER + key), waves=waves)[TRUTH_OF[key]]
    bounds = [end for end in claim.region.holds if np.isfinite(end)]
    assert min(abs(truth - end) for end in bounds) < 5e-4


@pytest.mark.slow
@pytest.mark.parametrize("key", ["A2", "A3", "A5", "B1"])
def test_on_the_border_each_verdict_errs_in_about_one_of_twenty(key: str) -> None:
    world = calibration.world_of(calibration.BORDER + key)
    (claim,) = (each for each in claims.ALL if each.id.startswith(key))
    rng, repeats = np.random.default_rng(1), 150
    found = [judge(claim, worlds.make(world, n=1000, waves=1, rng=rng)).verdict for _ in range(repeats)]
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)
    assert found.count("supported") / repeats < limit
    assert found.count("refuted") / repeats < limit
    assert found.count("undecided") < repeats  # a test that never errs says nothing


@pytest.mark.slow
def test_a_halo_is_hardly_ever_taken_for_a_subset() -> None:
    rng, repeats = np.random.default_rng(2), 100
    found = [judge_all(worlds.make("halo", n=1000, waves=1, rng=rng)) for _ in range(repeats)]
    assert sum(concluded(each)["proper subset"] == "supported" for each in found) / repeats <= 0.05
    for key in ("A2", "A3", "B1"):
        assert sum(verdicts(each)[key] == "supported" for each in found) / repeats <= 0.05
