"""Questionnaires: published scores, the rules of missing answers, what is refused, and laws of scoring."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxuxlib import scales
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError
from cxuxlib.scales import Scale
from cxuxlib.scales.scale import parts
from cxuxlib.scales.scoring import keyed


def columns(scale: Scale) -> list[str]:
    return [f"i{position}" for position in range(1, scale.items + 1)]


def sheet(scale: Scale, *rows: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns(scale))


def scored(scale: Scale, *rows: list[float | None]) -> pd.DataFrame:
    return scales.score(sheet(scale, *rows), scale, items=columns(scale))


def one(scale: Scale, row: list[float | None], name: str | None = None) -> float:
    return float(scored(scale, row)[name or scale.name].iloc[0])


def best(scale: Scale) -> list[float | None]:
    """The sheet that reaches the upper end of the scores."""
    ends = [scale.own_ranges.get(at, (scale.low, scale.high, 1.0)) for at in range(1, scale.items + 1)]
    return [low if at in scale.reversed else high for at, (low, high, _) in enumerate(ends, 1)]


# --- published rules; published scores are in the table of oracles ---------------------------------


@pytest.mark.parametrize("answer", [1, 2, 3, 4, 5])
def test_a_straight_line_through_sus_is_always_50(answer: int) -> None:
    assert one(scales.SUS, [answer] * 10) == 50


@given(st.lists(st.integers(1, 5), min_size=10, max_size=10))
def test_sus_is_its_formula_and_the_sum_of_its_parts(row: list[Any]) -> None:
    table = scored(scales.SUS, row).iloc[0]
    formula = 2.5 * sum(r - 1 if at % 2 else 5 - r for at, r in enumerate(row, 1))
    assert table["SUS"] == pytest.approx(formula, abs=1e-12)
    assert table["learnable"] == pytest.approx(12.5 * ((5 - row[3]) + (5 - row[9])))
    assert table["SUS"] == pytest.approx(0.8 * table["usable"] + 0.2 * table["learnable"])


@given(st.lists(st.integers(1, 7), min_size=4, max_size=4))
def test_umux_turns_even_items_by_eight(row: list[Any]) -> None:
    # Trap: "5 - response" on a 7-point scale.
    formula = sum([row[0] - 1, 7 - row[1], row[2] - 1, 7 - row[3]]) / 24 * 100
    assert one(scales.UMUX, row) == pytest.approx(formula)


@given(st.integers(1, 7), st.integers(1, 7))
def test_umux_lite_and_its_sus_equivalent(a: int, b: int) -> None:
    table = scored(scales.UMUX_LITE, [a, b])
    assert table["UMUX-LITE"].iloc[0] == pytest.approx((a + b - 2) * 100 / 12)
    assert 22.9 <= scales.umux_lite_as_sus(table).iloc[0] <= 87.9


def test_the_sus_equivalent_is_for_the_seven_point_form_only() -> None:
    table = scored(scales.UX_LITE, [5, 4])
    assert table["UX-Lite"].iloc[0] == 12.5 * (4 + 3)
    with pytest.raises(ColumnError, match="7-point"):
        scales.umux_lite_as_sus(table)
    with pytest.raises(AnswerError, match="0 to 100"):
        scales.umux_lite_as_sus(pd.DataFrame({"UMUX-LITE": [101.0]}))
    with pytest.raises(SampleError):
        scales.umux_lite_as_sus(pd.DataFrame({"UMUX-LITE": []}))


def test_pssuq_not_applicable_is_missing_and_never_zero() -> None:
    # uxsharelab question: 1, 1 and not applicable give 1, not 0.667.
    assert one(scales.ASQ, [1, 1, None]) == 1
    with pytest.raises(AnswerError, match="1 to 7: 0"):
        scored(scales.ASQ, [1, 1, 0])
    assert one(scales.PSSUQ_3, [1.0] * 3 + [None] * 13) == 1


@pytest.mark.parametrize(("scale", "overall"), [(scales.PSSUQ_3, 16), (scales.CSUQ_3, 16), (scales.PSSUQ_2, 19)])
def test_the_last_item_of_pssuq_is_in_the_total_only(scale: Scale, overall: int) -> None:
    assert overall in parts(scale)[scale.name]
    assert all(overall not in at for at in scale.subscales.values())
    assert not scale.higher_is_better


def test_version_3_of_pssuq_is_version_2_without_items_3_5_and_13() -> None:
    kept = [position for position in range(1, 20) if position not in (3, 5, 13)]
    for name, at in scales.PSSUQ_2.subscales.items():
        assert scales.PSSUQ_3.subscales[name] == tuple(kept.index(i) + 1 for i in at if i in kept)


def test_ueq_keys_of_the_handbook() -> None:
    # gitc23/ueqr, clean_ueq.R, and Handbook v11: these thirteen have the positive term left.
    assert scales.UEQ.reversed == (3, 4, 5, 9, 10, 12, 17, 18, 19, 21, 23, 24, 25)
    assert sorted(i for at in scales.UEQ.subscales.values() for i in at) == list(range(1, 27))
    table = scored(scales.UEQ, best(scales.UEQ))
    assert (table[list(scales.UEQ.subscales)] == 3).all(axis=None)
    assert "UEQ" not in table


def test_ueq_s_has_no_reversed_items() -> None:
    assert scales.UEQ_S.reversed == ()
    row = scored(scales.UEQ_S, [7, 7, 7, 7, 1, 1, 1, 1]).iloc[0]
    assert (row["pragmatic"], row["hedonic"], row["UEQ-S"]) == (3, -3, 0)


RATINGS, WEIGHTS = list("abcdef"), list("uvwxyz")


def tlx(ratings: list[float | None], weights: list[float | None], scale: Scale = scales.NASA_TLX) -> pd.DataFrame:
    frame = pd.DataFrame([ratings + weights], columns=RATINGS + WEIGHTS)
    return scales.tlx_weighted(frame, items=RATINGS, weights=WEIGHTS, scale=scale)


def test_weights_of_tlx_run_from_0_to_5() -> None:
    assert tlx([50] * 6, [5, 4, 3, 2, 1, 0])["n_valid"].iloc[0] == 6
    assert one(scales.NASA_TLX, [50] * 6) == 50
    with pytest.raises(AnswerError, match="0 to 5: 6"):
        tlx([50] * 6, [6, 4, 3, 2, 0, 0])


def test_weighted_tlx_with_something_missing_is_missing() -> None:
    assert tlx([50] * 5 + [None], [5, 4, 3, 2, 1, 0])["NASA-TLX weighted"].isna().all()
    assert tlx([50] * 6, [5, 4, 3, 2, 1, None])["NASA-TLX weighted"].isna().all()
    with pytest.raises(ArgumentError):
        scales.tlx_weighted(pd.DataFrame({"a": [1]}), items=["a"], weights=["a"], scale=scales.SEQ)


def test_tlx_ticks_are_five_points_each() -> None:
    assert one(scales.NASA_TLX_TICKS, [1, 21, 11, 2, 3, 1]) == pytest.approx(np.mean([0, 100, 50, 5, 10, 0]))
    assert tlx([11] * 6, [5, 4, 3, 2, 1, 0], scales.NASA_TLX_TICKS)["NASA-TLX weighted"].iloc[0] == 50


def test_tlx_performance_counts_as_load_like_the_others() -> None:
    assert scales.NASA_TLX.reversed == ()
    assert one(scales.NASA_TLX, [0, 0, 0, 100, 0, 0]) == pytest.approx(100 / 6)
    assert not scales.NASA_TLX.higher_is_better


def test_supr_q_halves_the_recommend_item() -> None:
    row: list[float | None] = [5, 4, 3, 5, 9, 4, 2, 1]
    assert one(scales.SUPR_Q, row) == pytest.approx((5 + 4 + 3 + 5 + 4 + 2 + 1 + 9 / 2) / 8)
    assert one(scales.SUPR_Q, row, "loyalty") == (4.5 + 4) / 2
    assert scales.score_range(scales.SUPR_Q) == (7 / 8, 5)  # not the mean of eight 1 to 7 factors of a web page


def test_acsi_weights_are_the_users() -> None:
    assert one(scales.ACSI, [8, 7, 7]) == pytest.approx((8 + 7 + 7 - 3) / 27 * 100)  # 70.37
    ohio = replace(scales.ACSI, weights=(0.3885, 0.3190, 0.2925))
    assert one(ohio, [8, 7, 7]) == pytest.approx(70.98, abs=0.005)


def test_directions() -> None:
    assert (scales.CES_1.higher_is_better, scales.CES_1.high) == (False, 5)
    assert (scales.CES_2.higher_is_better, scales.CES_2.high) == (True, 7)
    assert [each.name for each in scales.ALL if not each.higher_is_better] == [
        "SMEQ", "ASQ", "PSSUQ v2", "PSSUQ v3", "CSUQ v2", "CSUQ v3", "NASA-TLX", "NASA-TLX (21 ticks)", "CES 1.0",
    ]  # fmt: skip


def test_servqual_is_the_gap_by_question_and_servperf_is_not() -> None:
    p, e = [f"p{i}" for i in range(1, 23)], [f"e{i}" for i in range(1, 23)]
    frame = pd.DataFrame([[5] * 22 + [7] * 22, [None, 6, *[4] * 20, *[7] * 22]], columns=p + e)
    table = scales.gap(frame, scales.SERVQUAL, items=p, expected=e)
    assert table["SERVQUAL"].tolist() == pytest.approx([-2, (-1 - 3 * 20) / 21])
    assert table["tangibles"].tolist() == pytest.approx([-2, (-1 - 3 - 3) / 3])
    assert table["n_valid"].tolist() == [22, 21]
    assert [len(at) for at in scales.SERVPERF.subscales.values()] == [4, 5, 4, 4, 5]
    assert scales.score(frame, scales.SERVPERF, items=p)["SERVPERF"].iloc[0] == 5
    for scale, expected in [(scales.SERVQUAL, p), (replace(scales.SERVQUAL, missing="centre"), e)]:
        with pytest.raises(ArgumentError):
            scales.gap(frame, scale, items=p, expected=expected)


def exq() -> Scale:
    return scales.exq(
        product_experience=[1, 2, 3, 4], outcome_focus=[5, 6, 7, 8], moments_of_truth=[9, 10, 11, 12, 13],
        peace_of_mind=[14, 15, 16, 17, 18, 19],
    )  # fmt: skip


def test_exq_has_19_questions_in_four_dimensions() -> None:
    row: list[float | None] = [7] * 4 + [1] * 4 + [4] * 5 + [5, 5, 5, 6, 6, None]
    table = scored(exq(), row).iloc[0]
    assert table[list(exq().subscales)].tolist() == pytest.approx([7, 1, 4, 5.4])
    assert (table["n_valid"], scales.score_range(exq())) == (18, (1, 7))
    assert table["EXQ"] == pytest.approx((28 + 4 + 20 + 27) / 18)


@pytest.mark.parametrize("last", [[14, 15, 16, 17, 18], [13, 14, 15, 16, 17, 18], [14, 15, 16, 17, 18, 20]])
def test_exq_positions_that_cannot_be(last: list[int]) -> None:
    with pytest.raises(ArgumentError, match="1 to 19"):
        scales.exq(product_experience=[1, 2, 3, 4], outcome_focus=[5, 6, 7, 8], moments_of_truth=[9, 10, 11, 12, 13],
                   peace_of_mind=last)  # fmt: skip


# --- missing answers -------------------------------------------------------------------------------


def test_a_missing_sus_answer_is_refused_or_the_centre_and_never_zero() -> None:
    row: list[float | None] = [5, 1, 5, 1, 5, 1, 5, 1, 5, None]
    refused = scored(scales.SUS, row)
    assert refused[["SUS", "learnable"]].isna().all(axis=None)
    assert refused["usable"].iloc[0] == 100  # every answer that it needs is there
    assert (refused["n_valid"].iloc[0], refused["missing_rule"].iloc[0]) == (9, "refuse")
    centre = scored(replace(scales.SUS, missing="centre"), row)
    assert centre["SUS"].iloc[0] == 95
    assert centre["missing_rule"].iloc[0] == "centre value, at least half"
    assert one(replace(scales.SUS, missing="mean"), row) == 100


@pytest.mark.parametrize("missing", ["refuse", "mean", "centre"])
def test_an_empty_sheet_has_no_score(missing: Any) -> None:
    table = scored(replace(scales.SUS, missing=missing), [None] * 10, [3] * 10)
    assert table["SUS"].isna().tolist() == [True, False]
    assert table["n_valid"].tolist() == [0, 10]
    assert scales.tally(table)[["n", "n_refused"]].to_numpy().tolist() == [[1, 1]] * 3


def test_the_minimum_of_answers_is_per_score() -> None:
    scale = Scale("own", 6, subscales={"first": (1, 2)}, min_valid=4)
    rows: list[list[float | None]] = [[1, None, 3, 4, 5, None], [1, 2, 3, None, None, None]]
    table = scored(scale, *rows)
    assert table["own"].iloc[0] == pytest.approx(13 / 4)
    assert np.isnan(table["own"].iloc[1])
    assert np.isnan(table["first"].iloc[0])  # both of its two
    assert table["first"].iloc[1] == 1.5


def test_weights_of_missing_answers_are_left_out() -> None:
    assert one(Scale("own", 3, weights=(2, 1, 1)), [5, None, 2]) == pytest.approx((2 * 5 + 2) / 3)


def test_tally_wants_scores() -> None:
    with pytest.raises(ArgumentError):
        scales.tally(pd.DataFrame({"SUS": [1]}))


# --- any scale of the catalogue ----------------------------------------------------------------------


@pytest.mark.parametrize("scale", scales.ALL, ids=lambda each: each.name)
def test_ends_of_every_scale(scale: Scale) -> None:
    top = best(scale)
    ends = [scale.own_ranges.get(at, (scale.low, scale.high, 1.0)) for at in range(1, scale.items + 1)]
    bottom = [low + high - x for x, (low, high, _) in zip(top, ends, strict=True)]
    table = scored(scale, top, bottom)
    for name in parts(scale):
        assert (table[name].iloc[1], table[name].iloc[0]) == pytest.approx(scales.score_range(scale, name))


@pytest.mark.parametrize("scale", scales.ALL, ids=lambda each: each.name)
def test_every_scale_says_where_it_comes_from(scale: Scale) -> None:
    assert scale.source
    assert scale.licence
    assert scale.construct
    assert repr(scale).startswith(scale.name + ": ")


def test_the_catalogue_is_complete_and_named_once() -> None:
    named = {id(value) for value in vars(scales).values() if isinstance(value, Scale)}
    assert {id(each) for each in scales.ALL} == named
    assert len({each.name for each in scales.ALL}) == len(scales.ALL)


@given(st.sampled_from(scales.ALL), st.randoms(use_true_random=False))
def test_scores_stay_in_their_range_and_keying_twice_changes_nothing(scale: Scale, random: Any) -> None:
    ends = [scale.own_ranges.get(at, (scale.low, scale.high, 1.0)) for at in range(1, scale.items + 1)]
    row = [random.randint(int(low), int(high)) for low, high, _ in ends]
    table = scored(scale, row)
    for name in parts(scale):
        low, high = scales.score_range(scale, name)
        assert low <= table[name].iloc[0] <= high
    answers = np.array([row], float)
    assert (keyed(scale, keyed(scale, answers)) == answers).all()


@given(st.permutations(range(10)))
def test_the_order_of_columns_matters_where_it_should(order: list[int]) -> None:
    row: list[float | None] = [5, 1] * 5
    moved = one(scales.SUS, [row[i] for i in order])
    at_home = sum(i % 2 == at % 2 for at, i in enumerate(order))
    assert moved == 10 * at_home
    same_kind = [0, 2, 4, 6, 8]
    assert one(scales.SUS, [row[same_kind[at // 2]] if at % 2 == 0 else row[at] for at in range(10)]) == 100
