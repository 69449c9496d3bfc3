"""The claims on direction, cause and leaving: where they hold, where they fail, and what is refused."""

from dataclasses import replace
from functools import lru_cache
from math import inf

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, models, worlds
from cxuxlib.claims import Claim, Region, Ruling, judge
from cxuxlib.claims.case import Case
from cxuxlib.claims.repeating import careful
from cxuxlib.claims.ruling import together
from cxuxlib.results import Estimate
from cxuxlib.study import Study, names

B2, B3, B5, B6 = claims.OVER_TIME
TRUTH_OF = {"B2": "cross_lag_ux_cx", "B3": "itt_cx", "B5": "hr_cx", "B6": "hr_ux_total"}
STRONG = worlds.changed(  # all but straight, so that its cross-lag is what the formula says
    worlds.WORLDS["harbor"],
    {"name": "strong", "experience.lagged": 0.25, "experience.innovation_by_ux": 0.0}
    | {f"experience.{name}": 0.0 for name in ("failure", "recovery", "turning")},
)


@lru_cache(maxsize=16)
def made(name: str, n: int = 3000, waves: int = 4, seed: int = 1) -> Study:
    return worlds.make(STRONG if name == "strong" else name, n=n, waves=waves, rng=seed)


@lru_cache(maxsize=32)
def judged(claim: Claim, name: str, n: int = 3000, waves: int = 4, seed: int = 1) -> Ruling:
    return judge(claim, made(name, n, waves, seed))


def estimate(found: Ruling) -> Estimate:
    assert found.estimate is not None, found
    return found.estimate


def test_they_stand_apart_from_what_one_survey_answers() -> None:
    assert [each.id.split()[0] for each in claims.OVER_TIME] == ["B2", "B3", "B5", "B6"]
    assert (*claims.SURVEY, *claims.OVER_TIME) == claims.ALL
    assert all(each.rung != "association" for each in claims.OVER_TIME)


@pytest.mark.parametrize("claim", claims.OVER_TIME, ids=lambda claim: claim.id)
def test_the_truth_of_the_named_worlds_lies_where_the_region_says(claim: Claim) -> None:
    for world, (low, high) in ((claim.true_where, claim.region.holds), (claim.false_where, claim.region.fails)):
        assert low < worlds.truth(worlds.WORLDS[world])[TRUTH_OF[claim.id.split()[0]]] < high


@pytest.mark.parametrize(
    ("claim", "world", "n", "verdict"),
    [
        (B2, "strong", 3000, "supported"),
        (B2, "reverse", 3000, "refuted"),
        (B3, "harbor", 3000, "supported"),
        (B3, "side-by-side", 30_000, "refuted"),  # at 3,000 the error is .05: no effect at all is undecided
        (B5, "harbor", 3000, "supported"),
        (B5, "null", 30_000, "refuted"),  # of 3,000 who all leave the ratio has an error of .02 at least
        (B6, "harbor", 3000, "supported"),
        (B6, "side-by-side", 30_000, "refuted"),
    ],
)
def test_supported_where_it_is_true_and_refuted_where_it_is_false(
    claim: Claim, world: str, n: int, verdict: str
) -> None:
    found, own = judged(claim, world, n), made(world, n).truth
    assert found.verdict == verdict
    assert own is not None
    seen, truth = estimate(found), own[TRUTH_OF[claim.id.split()[0]]]
    assert seen.value == pytest.approx(truth, abs=1.2 * (seen.high - seen.low))
    assert found.rung == claim.rung


@pytest.mark.parametrize(
    ("claim", "world"),
    [(B3, "side-by-side"), (B5, "null"), (B6, "side-by-side")],
    ids=lambda each: each if isinstance(each, str) else each.id,
)
def test_a_study_too_small_to_refute_says_so(claim: Claim, world: str) -> None:
    found = judged(claim, world)
    assert found.verdict == "undecided"
    assert "The sample is too small: with errors of this size" in found.reason


# --- two conditions -----------------------------------------------------------------------------------


FORWARD, EXCESS = B2.region, Region(holds=(0.0, inf), fails=(-inf, 0.0))


def seen(value: float, half: float = 0.03) -> Estimate:
    return Estimate(value, value - half, value + half, 300, "t", 0.9)


@pytest.mark.parametrize(
    ("forward", "excess", "verdict"),
    [
        (0.20, 0.10, "supported"),
        (0.20, 0.01, "undecided"),
        (0.20, -0.10, "refuted"),
        (0.06, 0.10, "undecided"),
        (0.00, 0.10, "refuted"),
        (0.20, -0.035, "undecided"),  # refuted alone, not at half the level
    ],
)
def test_both_conditions_must_hold_and_either_may_refute(forward: float, excess: float, verdict: str) -> None:
    found, (supported, refuted) = together([(seen(forward), FORWARD), (seen(excess), EXCESS)])
    assert found == verdict
    assert (supported < 0.05) == (verdict == "supported")
    assert (refuted < 0.05) == (verdict == "refuted")


@pytest.mark.parametrize("value", [-0.2, 0.0, 0.04, 0.1])
def test_one_condition_is_what_it_was(value: float) -> None:
    assert together([(seen(value), FORWARD)]) == (FORWARD.verdict(seen(value)), FORWARD.p_values(seen(value)))


def test_on_both_borders_either_verdict_errs_in_one_of_twenty() -> None:
    rng, repeats, se = np.random.default_rng(1), 4000, 0.01
    drawn = rng.multivariate_normal([0.05, 0.0], se**2 * np.array([[1.0, 0.5], [0.5, 1.0]]), repeats)
    half = 1.6448536 * se
    found = [together([(seen(a, half), FORWARD), (seen(b, half), EXCESS)])[0] for a, b in drawn]
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)
    assert 0.005 < found.count("supported") / repeats < limit
    assert 0.03 < found.count("refuted") / repeats < limit


# --- B2 -----------------------------------------------------------------------------------------------


def test_the_reverse_path_refutes_what_the_forward_path_leaves_open() -> None:
    found = judged(B2, "reverse")
    assert found.region.verdict(estimate(found)) == "undecided"
    assert "which must be above 0 too" in found.reason
    assert found.p < 1e-6


def test_a_lasting_disposition_is_no_direction_though_the_classic_model_says_so() -> None:
    study = made("confounded")
    ux, cx = names(study, role="item", construct="UX"), names(study, role="cx")
    fit = models.cross_lagged(study.tables["surveys"], ux, cx, unit="customer_id", wave="wave", level=0.9)
    assert fit.estimate("x_to_y", "classic_std").low > 0.05
    found = judged(B2, "confounded")
    assert found.verdict != "supported"
    assert estimate(found).low < 0 < estimate(found).high


def test_two_waves_or_few_units_cannot_tell_a_direction() -> None:
    for waves, said in ((1, "the study has one wave."), (2, "in three waves; the study has two waves.")):
        found = judge(B2, made("harbor", 600, waves))
        assert (found.verdict, found.reason.endswith(said)) == ("not answerable", True)
    found = judge(B2, made("harbor", 200, 3))
    assert found.verdict == "not answerable"
    assert "units answered all items of UX and CX in 3 waves or more; this needs 100" in found.reason


def test_of_many_waves_the_first_are_looked_at() -> None:
    study = made("harbor", 400, 6)
    some = study.tables["surveys"][study.tables["surveys"]["wave"] <= 4]
    short = replace(study, tables={**study.tables, "surveys": some})
    found, want = judge(B2, study), judge(B2, short)
    assert "of 6 waves the first 4, in which most units are still there" in found.reason
    assert estimate(found).value == pytest.approx(estimate(want).value, abs=0.05)  # sheets of one answer may differ


def test_direction_waits_for_the_gate() -> None:
    found = judge(B2, made("one-and-the-same", 1000, 3))
    assert found.verdict == "not answerable"
    assert found.reason.startswith("A0 distinct")


# --- B3 -----------------------------------------------------------------------------------------------


def test_a_survey_says_driver_where_the_redesign_does_nothing() -> None:
    study = made("confounded")
    answers = study.tables["answers"]
    ux, cx = (answers[names(study, **of)].mean(axis=1) for of in ({"role": "item", "construct": "UX"}, {"role": "cx"}))
    naive = models.linear("cx ~ ux", pd.DataFrame({"ux": ux, "cx": cx}).dropna(), unit=None)
    assert naive.estimate("ux").low > 0.1
    found = estimate(judged(B3, "confounded"))
    assert found.low < 0 < found.high


def test_a_roll_out_by_product_is_no_lot() -> None:
    found = judged(B3, "portfolio")
    assert found.rung == "quasi-experiment"
    assert "errors by 45 products" in found.reason
    assert "the difference in differences, 0.1" in found.reason
    truth = made("portfolio").truth
    assert truth is not None
    assert estimate(found).low < truth["itt_cx"] < estimate(found).high
    table = made("portfolio").tables["customers"].drop(columns="product_id")
    blind = replace(made("portfolio"), tables={**made("portfolio").tables, "customers": table})
    alone = estimate(judge(B3, blind))
    assert alone.high - alone.low < 0.9 * (estimate(found).high - estimate(found).low)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redesign.by": ""}, "'redesign' must be true for some units and false for others; it holds False."),
        ({"redesign.lift": 0.0}, "where the redesign hardly makes UX better"),
    ],
)
def test_without_a_change_of_ux_there_is_no_cause(changes: dict[str, object], said: str) -> None:
    found = judge(B3, worlds.make(worlds.changed(worlds.WORLDS["harbor"], changes), n=1500, waves=3, rng=1))
    assert found.verdict == "not answerable"
    assert said in found.reason


def test_one_wave_no_arms_or_groups_that_differed_before_tell_no_cause() -> None:
    assert judge(B3, made("harbor", 600, 1)).reason.endswith("the study has one wave.")
    study = made("harbor")
    without = replace(study, tables={key: each for key, each in study.tables.items() if key != "customers"})
    assert "(column 'redesign')" in judge(B3, without).reason
    first = study.tables["answers"].set_index("customer_id")[names(study, role="cx")].mean(axis=1)
    customers = study.tables["customers"]
    mine = customers["redesign"] | (customers["customer_id"].map(first) > 6)
    chosen = replace(study, tables={**study.tables, "customers": customers.assign(redesign=mine)})
    found = judge(B3, chosen)
    assert found.verdict in ("undecided", "not answerable")
    assert "the groups differed in CX in wave 1 (p < 0.001), as no lot makes them do" in found.reason


def test_a_first_wave_with_the_redesign_is_no_baseline() -> None:
    study = made("harbor")
    late = study.tables["surveys"][study.tables["surveys"]["wave"] > 1]
    found = judge(B3, replace(study, tables={**study.tables, "surveys": late}))
    assert found.verdict != "supported"
    study = made("one-and-the-same")
    late = study.tables["surveys"][study.tables["surveys"]["wave"].isin((2, 4))]
    moved = late.assign(**{  # after all a further step, so that the gate lets it through
        each: (late[each] + ((late["wave"] == 4) & late["customer_id"].map(_arms(study)))).clip(upper=7)
        for each in [*names(study, role="item", construct="UX"), *names(study, role="cx")]
    })  # fmt: skip
    found = judge(B3, replace(study, tables={**study.tables, "surveys": moved}))
    assert found.verdict == "undecided"
    assert "or the redesign was there already" in found.reason


def _arms(study: Study) -> pd.Series:
    return study.tables["customers"].set_index("customer_id")["redesign"]


def test_a_roll_out_by_brand_is_one_by_brand() -> None:
    study = made("portfolio")
    given = study.tables["customers"].assign(redesign=study.tables["customers"]["brand_id"] % 2 == 1)
    said = judge(B3, replace(study, tables={**study.tables, "customers": given})).reason
    assert "UX moved by" in said  # not by much: nothing was there to move it
    items = [*names(study, role="item", construct="UX"), *names(study, role="cx")]
    more = study.tables["surveys"]
    now = (more["wave"] == 4) & more["customer_id"].map(given.set_index("customer_id")["redesign"])
    more = more.assign(**{each: (more[each] + now).clip(upper=7) for each in items})
    found = judge(B3, replace(study, tables={**study.tables, "customers": given, "surveys": more}))
    assert (found.verdict, found.rung) == ("supported", "quasi-experiment")
    assert "rolled out by brand, errors by 12 brands" in found.reason


# --- sheets of one answer -----------------------------------------------------------------------------


def test_sheets_of_one_answer_are_left_out_of_every_wave_where_they_are_few() -> None:
    study = made("harbor")
    items = [*names(study, role="item", construct="UX"), *names(study, role="cx")]
    table, unit, wave, said = careful(Case(study), items)
    surveys = study.tables["surveys"]
    every = [*names(study, role="item"), *names(study, role="cx"), "continue_using"]
    same = (surveys[every].nunique(axis=1) == 1) & (surveys[every].notna().sum(axis=1) >= 10)
    lost = surveys[items[0]].notna() & table[items[0]].isna()
    assert (unit, wave) == ("customer_id", "wave")
    assert 0 < lost.sum() <= same.sum() < 0.05 * len(surveys)
    assert said == [f"{lost.sum()} sheets give one answer to everything and are left out"]
    assert surveys[items[0]].notna().sum() > table[items[0]].notna().sum()
