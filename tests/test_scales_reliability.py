"""Reliability of questionnaires: by hand, against R, by simulation; keying, straight lines, contradictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import scales
from cxuxlib.errors import AnswerError, ArgumentError, SampleError
from cxuxlib.scales import Scale
from cxuxlib.stats import correlations, reliability

HERE = Path(__file__).resolve().parent / "reference"
R = json.loads((HERE / "scales_reliability.json").read_text(encoding="utf-8"))
SHEETS = pd.read_csv(HERE / "scales_answers.csv")
Q = list(SHEETS.columns)
THREE = pd.DataFrame({"a": [1, 2, 4, 5], "b": [2, 2, 5, 4], "c": [1, 3, 4, 4]})


def row(table: pd.DataFrame, score: str, kind: str = "omega") -> Any:
    return table[(table["score"] == score) & (table["kind"] == kind)].iloc[0]


# --- alpha and omega -----------------------------------------------------------------------------------


def test_alpha_by_hand() -> None:
    # Variances 10/3, 9/4 and 2; sums 4, 7, 13, 13 with variance 81/4.
    found = scales.alpha(THREE, Scale("three", 3), items=list("abc"))
    assert row(found, "three", "raw")["value"] == pytest.approx(3 / 2 * (1 - (10 / 3 + 9 / 4 + 2) / (81 / 4)))
    r = np.corrcoef(THREE.T)[np.triu_indices(3, 1)].mean()
    assert row(found, "three", "standardised")["value"] == pytest.approx(3 * r / (1 + 2 * r))


@pytest.mark.parametrize("score", ["SUS", "usable"])
def test_alpha_omega_and_feldt_of_r(score: str) -> None:
    expected = R[score]
    found = scales.alpha(SHEETS, scales.SUS, items=Q)
    raw, standardised = row(found, score, "raw"), row(found, score, "standardised")
    assert raw["value"] == pytest.approx(expected["raw"], abs=1e-10)
    assert [raw["low"], raw["high"]] == pytest.approx(expected["feldt"], abs=1e-10)
    assert standardised["value"] == pytest.approx(expected["standardised"], abs=1e-10)
    assert (raw["n"], raw["n"] + raw["n_missing"]) == (expected["n"], len(SHEETS))
    omega = row(scales.omega(SHEETS, scales.SUS, items=Q), score)
    assert omega["value"] == pytest.approx(expected["omega"], abs=1e-6)


def test_standard_error_of_omega_is_the_robust_one_of_lavaan() -> None:
    answers = SHEETS.dropna().to_numpy()
    answers = np.where(np.arange(10) % 2, 6 - answers, answers)
    value, error, proper = reliability.omega(answers)
    assert (value, error) == pytest.approx((R["SUS"]["omega"], R["SUS"]["omega_se"]), abs=1e-7)
    assert proper


def test_error_of_standardised_alpha_is_that_of_all_pairs() -> None:
    answers = SHEETS.dropna().to_numpy()
    corr = correlations.correlation(np.cov(answers.T))
    ones = np.ones(len(answers))
    _, gradient = reliability.standardised_alpha(corr)
    fourth = correlations.pair_covariance(corr, answers, ones, ones)
    expected = correlations.robust_covariance(gradient[None], fourth, len(ones))[0, 0] ** 0.5
    assert reliability.correlation_error(answers, corr, gradient) == pytest.approx(expected, rel=1e-10)


def test_item_statistics_of_r() -> None:
    found = scales.item_statistics(SHEETS, scales.SUS, items=Q)
    assert found["item_rest"].tolist() == pytest.approx(R["SUS"]["item_rest"], abs=1e-10)
    assert found["alpha_without"].tolist() == pytest.approx(R["SUS"]["alpha_without"], abs=1e-10)


def test_means_of_all_ten_items_and_the_sample_standard_deviation() -> None:
    # Trap: a loop that stops one item early; a standard deviation that divides by n.
    found = scales.item_statistics(SHEETS, scales.SUS, items=Q)
    assert found["mean"].tolist() == pytest.approx(SHEETS.mean().tolist())
    assert found["sd"].tolist() == pytest.approx(SHEETS.std(ddof=1).tolist())
    assert found["n"].tolist() == SHEETS.count().tolist()
    assert found["floor"].iloc[9] == pytest.approx((SHEETS["q10"].dropna() == 1).mean())
    assert found["ceiling"].iloc[0] == pytest.approx((SHEETS["q1"].dropna() == 5).mean())


def test_item_statistics_by_subscale_where_there_is_no_total() -> None:
    names = [f"u{i}" for i in range(1, 27)]
    data = pd.DataFrame(np.random.default_rng(2).integers(1, 8, (30, 26)), columns=names)
    found = scales.item_statistics(data, scales.UEQ, items=names)
    assert found["score"].value_counts().to_dict() == {name: len(at) for name, at in scales.UEQ.subscales.items()}


def test_omega_equals_alpha_where_items_are_alike() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 5))
    assert reliability.omega(x)[0] == pytest.approx(reliability.alpha(np.cov(x.T)), abs=0.002)
    assert reliability.omega(x)[0] == pytest.approx(25 / 30, abs=0.02)


def test_one_factor_recovers_exact_loadings() -> None:
    loadings, errors = np.array([2.0, 1.0, 0.5, 1.5]), np.array([1.0, 0.5, 2.0, 0.3])
    found = reliability.one_factor(np.outer(loadings, loadings) + np.diag(errors))
    assert found == pytest.approx(np.concatenate([loadings, errors]), abs=1e-6)


@pytest.mark.slow
def test_intervals_cover_what_they_should() -> None:
    rng, true = np.random.default_rng(8), np.array([0.9, 0.8, 0.6, 0.5])
    noise = np.sqrt(1 - true**2)
    omega = true.sum() ** 2 / (true.sum() ** 2 + (noise**2).sum())
    corr = np.outer(true, true) + np.diag(noise**2)
    alpha, hits = reliability.standardised_alpha(corr)[0], np.zeros(2)
    for _ in range(500):
        x = rng.normal(size=(200, 1)) * true + rng.normal(size=(200, 4)) * noise
        data, items = pd.DataFrame(x, columns=list("abcd")), Scale("four", 4, -9, 9, whole=False)
        one = row(scales.omega(data, items, items=list("abcd")), "four")
        two = row(scales.alpha(data, items, items=list("abcd")), "four", "standardised")
        hits += [one["low"] <= omega <= one["high"], two["low"] <= alpha <= two["high"]]
    assert (np.abs(hits / 500 - 0.95) < 0.025).all()


def test_reliability_that_does_not_exist_says_why() -> None:
    items = list("abc")
    constant = THREE.assign(b=3)
    assert row(scales.omega(constant, Scale("x", 3), items=items), "x")["method"] == "no omega: constant b"
    table = scales.alpha(constant, Scale("x", 3), items=items)
    assert row(table, "x", "standardised")["method"] == "no alpha: constant b"
    assert row(table, "x", "raw")["value"] == pytest.approx(reliability.alpha(np.cov(constant.T)))
    all_same = pd.DataFrame({name: [3, 3, 3] for name in items})
    assert row(scales.alpha(all_same, Scale("x", 3), items=items), "x", "raw")["method"].endswith("sum is constant")
    assert scales.item_statistics(all_same, Scale("x", 3), items=items)["item_rest"].isna().all()
    assert row(scales.omega(THREE.head(3), Scale("x", 3), items=items), "x")["method"].endswith("for 3 items")
    one = scales.alpha(THREE[["a"]], scales.CSAT, items=["a"])
    assert set(one["method"]) == {"no alpha: one item"}
    assert "needs three" in scales.omega(THREE[["a", "b"]], Scale("x", 2), items=["a", "b"])["method"].iloc[0]
    twin = pd.DataFrame({"a": [1, 2, 3, 4, 5, 3], "b": [1, 2, 3, 4, 5, 3], "c": [2, 1, 3, 5, 4, 2]})
    assert "exactly" in scales.omega(twin, Scale("x", 3), items=items)["method"].iloc[0]


@pytest.mark.parametrize("function", [scales.alpha, scales.omega, scales.item_statistics, scales.check_keying])
def test_too_few_sheets(function: Any) -> None:
    with pytest.raises(SampleError, match="1 of 2 sheets"):
        function(pd.DataFrame({"a": [1, 2], "b": [3, None]}), Scale("two", 2), items=["a", "b"])
    with pytest.raises(SampleError):
        function(pd.DataFrame({"a": [None], "b": [None]}), Scale("two", 2), items=["a", "b"])
    with pytest.raises(AnswerError):
        function(pd.DataFrame({"a": [1, 9], "b": [3, 2]}), Scale("two", 2), items=["a", "b"])


def test_level_is_checked_and_widens() -> None:
    for function in (scales.alpha, scales.omega):
        with pytest.raises(ArgumentError):
            function(SHEETS, scales.SUS, items=Q, level=95)
        wide, narrow = (function(SHEETS, scales.SUS, items=Q, level=level).iloc[0] for level in (0.99, 0.9))
        assert wide["low"] < narrow["low"] < narrow["value"] < narrow["high"] < wide["high"]


# --- keying ----------------------------------------------------------------------------------------------


def test_well_keyed_sheets_are_let_pass() -> None:
    assert scales.check_keying(SHEETS, scales.SUS, items=Q).empty


def test_sheets_that_a_survey_tool_has_reversed_already() -> None:
    twice = SHEETS.copy()
    twice[Q[1::2]] = 6 - twice[Q[1::2]]
    found = scales.check_keying(twice, scales.SUS, items=Q)
    assert found["item"].tolist() == Q[1::2]
    assert found["advice"].str.contains("reversed already").all()
    assert row(scales.alpha(twice, scales.SUS, items=Q), "SUS", "raw")["value"] < 0.2
    assert scales.check_keying(twice, replace(scales.SUS, reversed=()), items=Q).empty


def test_one_item_the_wrong_way_round() -> None:
    wrong = SHEETS.assign(q3=6 - SHEETS["q3"])
    found = scales.check_keying(wrong, scales.SUS, items=Q)
    assert found["item"].tolist() == ["q3"]
    assert found["item_rest"].iloc[0] < 0
    assert "order of the columns" in found["advice"].iloc[0]


def test_keying_of_constant_and_single_items() -> None:
    assert scales.check_keying(THREE.assign(b=3), Scale("x", 3), items=list("abc")).empty
    assert scales.check_keying(THREE, scales.CSAT, items=["a"]).empty


# --- careless sheets -------------------------------------------------------------------------------------


def test_straight_lines_are_flagged_and_counted() -> None:
    rows: list[list[float | None]] = [[5] * 10, [3] * 10, [5, 1] * 5, [4] * 6 + [None] * 4, [2] + [None] * 9]
    data = pd.DataFrame(rows, columns=Q, index=list("vwxyz"))
    flags = scales.straight_lines(data, scales.SUS, items=Q)
    assert flags["straight"].to_dict() == {"v": True, "w": True, "x": False, "y": True, "z": False}
    assert flags["at_centre"].tolist() == [False, True, False, False, False]
    share = scales.straight_line_share(data, scales.SUS, items=Q)
    assert (share.value, share.n, share.n_missing) == (0.75, 4, 1)
    with pytest.raises(SampleError):
        scales.straight_line_share(data.loc[["z"]], scales.SUS, items=Q)


def test_equal_answers_are_no_contradiction_without_reversed_items() -> None:
    with pytest.raises(ArgumentError, match="no reversed items"):
        scales.straight_lines(pd.DataFrame({"a": [7], "b": [7]}), scales.UMUX_LITE, items=["a", "b"])


U = [f"u{i}" for i in range(1, 27)]


def ueq_sheet(ticks: dict[int, int]) -> pd.DataFrame:
    """A sheet that is neutral in different ways, except for some ticks."""
    return pd.DataFrame([[ticks.get(i, 4 + i % 2) for i in range(1, 27)]], columns=U)


def test_the_handbooks_example_of_a_contradiction() -> None:
    # D9: perspicuity ticked 6, 7, 5, 6; its second and fourth item are reversed: 6, 1, 5, 2, range 5.
    assert [i in scales.UEQ.reversed for i in scales.UEQ.subscales["perspicuity"]] == [False, True, False, True]
    ticks = {2: 6, 4: 7, 13: 5, 21: 6}
    flags = scales.inconsistent(ueq_sheet(ticks), scales.UEQ, items=U)
    assert (flags["n_inconsistent"].iloc[0], bool(flags["suspicious"].iloc[0])) == (1, False)
    assert scales.inconsistent(ueq_sheet(ticks), scales.UEQ, items=U, at_least=1)["suspicious"].iloc[0]
    two = ueq_sheet({**ticks, 9: 7, 20: 7})
    assert scales.inconsistent(two, scales.UEQ, items=U)["suspicious"].iloc[0]
    assert not scales.inconsistent(two, scales.UEQ, items=U, at_least=3)["suspicious"].iloc[0]


def test_a_range_of_three_is_no_contradiction() -> None:
    assert (
        scales.inconsistent(ueq_sheet({2: 7, 4: 4, 13: 4, 21: 4}), scales.UEQ, items=U)["n_inconsistent"].iloc[0] == 0
    )


def test_more_than_fifteen_equal_answers() -> None:
    for many, suspicious in [(15, False), (16, True)]:
        data = pd.DataFrame([[4] * many + ([3, 5] * 6)[: 26 - many]], columns=U)
        flags = scales.inconsistent(data, scales.UEQ, items=U)
        assert (flags["most_same"].iloc[0], bool(flags["suspicious"].iloc[0])) == (many, suspicious)
    assert not scales.inconsistent(data, scales.UEQ, items=U, same=None)["suspicious"].iloc[0]


@pytest.mark.parametrize("limits", [{"spread": -1}, {"at_least": 0}, {"at_least": 7}, {"same": 0}])
def test_limits_that_cannot_be(limits: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        scales.inconsistent(ueq_sheet({}), scales.UEQ, items=U, **limits)
    with pytest.raises(ArgumentError, match="no subscales"):
        scales.inconsistent(pd.DataFrame({"a": [1], "b": [1]}), scales.UX_LITE, items=["a", "b"])
