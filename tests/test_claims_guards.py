"""What spoils a survey is refused or said: shared and computed columns, careless sheets, who never answered, halo."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, worlds
from cxuxlib.claims import judge, judge_all
from cxuxlib.claims.case import Case
from cxuxlib.claims.guards import halo
from cxuxlib.errors import CxuxError
from cxuxlib.frames import moments
from cxuxlib.study import Column, Study, names

EVERY = [
    claims.UX_IS_DISTINCT, claims.UX_IS_A_FACET, claims.UX_IS_A_PART, claims.CX_IS_MORE_THAN_UX,
    claims.FACETS_EXPLAIN_CX, claims.UX_WORKS_THROUGH_CX, claims.UX_GOES_WITH_LOYALTY, claims.SERVICE_MATTERS_TOO,
]  # fmt: skip


@lru_cache(maxsize=4)
def harbor(n: int = 1000) -> Study:
    return worlds.make("harbor", n=n, waves=1, rng=1)


def with_answers(**columns: Any) -> Study:
    """Harbor with other answers in some columns."""
    table = harbor().tables["answers"]
    return replace(harbor(), tables={"answers": table.assign(**columns)})


def without(study: Study, *gone: str) -> Study:
    return replace(study, columns=tuple(each for each in study.columns if each.name not in gone))


def test_all_claims_are_here() -> None:
    assert set(EVERY) == set(claims.ALL[:8])  # the others have refusals of their own


@pytest.mark.parametrize("claim", EVERY, ids=lambda claim: claim.id)
def test_the_same_answers_under_two_names_are_refused(claim: claims.Claim) -> None:
    table = harbor().tables["answers"]
    ruling = judge(claim, with_answers(cx_ideal=table["umux_ease"]))
    assert ruling.verdict == "not answerable"
    assert "hold the same answers" in ruling.reason
    assert "'umux_ease' (UX) and 'cx_ideal' (CX)" in ruling.reason


def test_a_question_that_stands_for_two_constructs_is_refused() -> None:
    study = harbor()
    (asked,) = (each.description for each in study.columns if each.name == "recommend")
    columns = tuple(
        replace(each, description=asked.upper() + " ") if each.name == "seq" else each for each in study.columns
    )
    ruling = judge(claims.UX_GOES_WITH_LOYALTY, replace(study, columns=columns))
    assert ruling.verdict == "not answerable"
    assert "'recommend' stands for two constructs ('seq' asks the same)" in ruling.reason


@pytest.mark.parametrize("how", ["rounded mean", "weighted sum", "mean"])
def test_an_overall_rating_that_is_computed_is_refused(how: str) -> None:
    study = harbor()
    items = [each.name for each in study.columns if each.role == "item"]
    mean = study.tables["answers"][items].mean(axis=1, skipna=False)
    weights = np.linspace(0.5, 1.5, len(items))
    made = {
        "rounded mean": mean.round(),
        "weighted sum": (study.tables["answers"][items] * weights).sum(axis=1, skipna=False).round() / 10,
        "mean": mean,
    }[how]
    ruling = judge(claims.FACETS_EXPLAIN_CX, with_answers(cx_overall=made))
    assert ruling.verdict == "not answerable"
    assert "'cx_overall' is computed from the items of the facets" in ruling.reason


def test_an_honest_rating_is_not_taken_for_a_computed_one() -> None:
    assert judge(claims.FACETS_EXPLAIN_CX, harbor()).verdict == "supported"


def test_sheets_with_one_answer_are_left_out_and_counted() -> None:
    table = harbor().tables["answers"].copy()
    items = [each.name for each in harbor().columns if each.role in ("item", "cx") or each.name == "continue_using"]
    answered = table.index[table["cx_overall"].notna()][:10]
    before = Case(harbor()).sheets
    table.loc[answered, items] = 4.0
    after = Case(replace(harbor(), tables={"answers": table})).sheets
    assert before is not None
    assert after is not None
    assert before.straight + 9 <= after.straight <= before.straight + 10
    assert before.n.sum() - after.n.sum() == after.straight - before.straight
    ruling = judge(claims.UX_IS_A_PART, replace(harbor(), tables={"answers": table}))
    assert f"{after.straight} answer sheets give one answer to everything and are left out" in ruling.reason


def test_sheets_at_the_end_of_a_scale_stay() -> None:
    table = harbor().tables["answers"].copy()
    items = [each.name for each in harbor().columns if each.role in ("item", "cx") or each.name == "continue_using"]
    table.loc[table.index[table["cx_overall"].notna()][:10], items] = 7.0
    found = Case(replace(harbor(), tables={"answers": table})).sheets
    assert found is not None
    before = Case(harbor()).sheets
    assert before is not None
    assert found.straight <= before.straight


def test_few_sheets_at_the_end_are_as_careless_as_those_between() -> None:
    table = harbor().tables["answers"].copy()
    items = [each.name for each in harbor().columns if each.role in ("item", "cx") or each.name == "continue_using"]
    answered = table.index[table["cx_overall"].notna()]
    table.loc[answered[:10], items] = 5.0
    between = Case(replace(harbor(), tables={"answers": table})).sheets
    table.loc[answered[10:13], items] = 7.0
    few = Case(replace(harbor(), tables={"answers": table})).sheets
    table.loc[answered[13:40], items] = 7.0
    many = Case(replace(harbor(), tables={"answers": table})).sheets
    assert between is not None
    assert few is not None
    assert many is not None
    assert between.straight + 2 <= few.straight <= between.straight + 3
    assert many.straight <= between.straight


def test_many_such_sheets_are_kept_and_said() -> None:
    table = harbor().tables["answers"].copy()
    items = [each.name for each in harbor().columns if each.role in ("item", "cx") or each.name == "continue_using"]
    table.loc[table.index[table["cx_overall"].notna()][:80], items] = 5.0
    ruling = judge(claims.UX_IS_A_PART, replace(harbor(), tables={"answers": table}))
    assert "give one answer to everything and are kept, for so many may well mean it" in ruling.reason


def test_who_never_met_a_facet_is_said_with_the_difference_in_cx() -> None:
    table = harbor().tables["answers"].copy()
    service = names(harbor(), role="item", construct="service")
    low = table["cx_overall"] <= 3
    table.loc[low, service] = np.nan
    ruling = judge(claims.UX_IS_A_PART, replace(harbor(), tables={"answers": table}))
    part = ruling.reason.split(" rate nothing of service (their CX differs by ")
    assert int(part[0].rsplit(" ", 1)[1].rstrip("%")) > 15
    assert float(part[1].split(" SD")[0]) < -0.5


def test_halo_is_ruled_out_in_harbor_and_not_where_it_is_all_there_is() -> None:
    there = halo(Case(harbor()))
    assert there.out == (True, True)
    assert there.ux[0] == pytest.approx(0.31, abs=0.06)
    none = halo(Case(worlds.make("halo", n=1000, waves=1, rng=1)))
    assert none.out == (False, False)
    assert none.ux[0] < 0


def test_a_facet_with_one_item_is_refused_beside_ux() -> None:
    study = without(harbor(), "brand_trust", "brand_values")
    for claim in (claims.UX_IS_A_PART, claims.UX_GOES_WITH_LOYALTY, claims.CX_IS_MORE_THAN_UX):
        ruling = judge(claim, study)
        assert ruling.verdict == "not answerable"
        assert "'brand' is measured by a single item" in ruling.reason
    assert judge(claims.UX_WORKS_THROUGH_CX, study).verdict != "not answerable"


@pytest.mark.parametrize(
    ("gone", "claim", "said"),
    [
        ("CX", claims.UX_IS_A_PART, "CX needs at least 3 overall items"),
        ("CX", claims.FACETS_EXPLAIN_CX, "CX needs at least 3 overall items"),
        ("loyalty", claims.UX_GOES_WITH_LOYALTY, "no question on loyalty"),
        ("loyalty", claims.UX_WORKS_THROUGH_CX, "no question on loyalty"),
        ("UX", claims.UX_IS_A_FACET, "UX needs at least 2 items"),
        ("other facet", claims.UX_IS_A_PART, "at least 4 facets with two items or more, UX and 3 others"),
    ],
)
def test_what_is_not_measured_is_not_answerable(gone: str, claim: claims.Claim, said: str) -> None:
    columns = tuple(each for each in harbor().columns if each.construct != gone or each.role == "rating")
    ruling = judge(claim, replace(harbor(), columns=columns))
    assert ruling.verdict == "not answerable"
    assert said in ruling.reason


def test_a_facet_may_be_called_like_a_construct() -> None:
    columns = tuple(replace(each, facet="loyalty") if each.facet == "brand" else each for each in harbor().columns)
    plain, renamed = (
        judge(claims.UX_GOES_WITH_LOYALTY, each) for each in (harbor(), replace(harbor(), columns=columns))
    )
    assert plain.estimate is not None
    assert renamed.estimate is not None
    assert renamed.estimate.value == pytest.approx(plain.estimate.value, abs=1e-9)
    assert "'facet loyalty'" in renamed.reason


def test_b1_needs_no_cx() -> None:
    columns = tuple(each for each in harbor().columns if each.role != "cx")
    with_cx, alone = (
        judge(claims.UX_GOES_WITH_LOYALTY, each) for each in (harbor(), replace(harbor(), columns=columns))
    )
    assert with_cx.estimate is not None
    assert alone.estimate is not None
    assert alone.estimate.value == pytest.approx(with_cx.estimate.value, abs=0.02)


def test_facets_that_are_one_are_an_improper_solution() -> None:
    rng = np.random.default_rng(1)
    table = harbor().tables["answers"]
    brand, value = names(harbor(), role="item"), ["value_price", "value_worth", "value_terms"]
    copies = {
        name: np.clip(table[other] + rng.integers(-1, 2, len(table)), 1, 7)
        for name, other in zip(value, [each for each in brand if each.startswith("brand")], strict=True)
    }
    ruling = judge(claims.UX_IS_A_PART, with_answers(**copies))
    assert ruling.verdict == "not answerable"
    assert "cannot be told apart" in ruling.reason


def test_too_few_sheets_are_said_and_not_raised() -> None:
    study = replace(harbor(), tables={"answers": harbor().tables["answers"].head(30)})
    ruling = judge(claims.UX_IS_A_PART, study)
    assert ruling.verdict == "not answerable"
    assert "more sheets than items are needed" in ruling.reason


def test_a_small_sample_is_said() -> None:
    ruling = judge(claims.UX_WORKS_THROUGH_CX, harbor())
    assert ruling.verdict == "undecided"
    assert "The sample is too small: with errors of this size even an effect of 0 would be undecided." in ruling.reason
    assert "too small" not in judge(claims.UX_WORKS_THROUGH_CX, worlds.make("harbor", n=5000, waves=1, rng=1)).reason


def test_rows_of_every_engine_give_one_table(frame: Any) -> None:
    table = harbor().tables["answers"]
    items = [each.name for each in harbor().columns if each.role in ("item", "cx", "loyalty")]
    want = judge_all(replace(harbor(), tables={"answers": table[items]})).table
    got = judge_all(replace(harbor(), tables={"answers": frame(table[items])})).table
    assert got["verdict"].tolist() == want["verdict"].tolist()
    assert got["value"].to_numpy() == pytest.approx(want["value"].to_numpy(), abs=1e-9, nan_ok=True)


def test_moments_are_enough_for_claims_on_what_goes_with_what() -> None:
    study = harbor(3000)
    items = [each.name for each in study.columns if each.role in ("item", "cx", "loyalty")]
    whole = moments(study.tables["answers"], items)
    found = judge_all(replace(study, tables={"moments/all": whole})).table.set_index("claim").iloc[: len(EVERY)]
    rows = judge_all(study).table.set_index("claim").iloc[: len(EVERY)]
    assert found["value"].to_numpy() == pytest.approx(rows["value"].to_numpy(), abs=0.06)
    assert found["reason"].str.contains("only moments are here").all()


def test_columns_that_are_described_but_absent_are_an_error_that_names_them() -> None:
    study = replace(harbor(), columns=(*harbor().columns, Column("extra", "", "item", "UX", "UX")))
    with pytest.raises(CxuxError, match="extra"):
        judge_all(study)


def test_a_constant_item_is_said() -> None:
    ruling = judge(claims.UX_IS_A_PART, with_answers(seq=pd.Series(4.0, index=harbor().tables["answers"].index)))
    assert ruling.verdict == "not answerable"
    assert "'seq'" in ruling.reason
