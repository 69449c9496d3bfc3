"""Traps that naive implementations fall into, by number, with the figures that show them."""

import json
import re
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm, t

from cxuxlib import benchmark, compare, cx, estimate, measure, planning, scales, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, UnitError
from cxuxlib.metrics import behaviour
from cxuxlib.stats import purchases, spend
from cxuxlib.study import Answer, Metric

TEN = [f"q{i}" for i in range(1, 11)]
Mix = tuple[int, int, int]


def answers(mix: Mix) -> list[int]:
    """Promoters, passives, detractors."""
    return [10] * mix[0] + [8] * mix[1] + [3] * mix[2]


def textbook_error(mix: Mix) -> float:
    """Standard error of a Net Promoter Score in points, from the Wald interval."""
    found = estimate(answers(mix), cx.nps(interval="wald"))
    return (found.high - found.low) / 2 / 1.959963985


def sus(*row: float | None, scale: scales.Scale = scales.SUS) -> float:
    return float(scales.score(pd.DataFrame([row], columns=TEN), scale, items=TEN)["SUS"].item())


# --- 1 to 12: scores and shares --------------------------------------------------------------------


def test_trap_01_promoters_and_detractors_are_not_independent() -> None:
    assert round(textbook_error((250, 675, 75)), 3) == 1.716
    naive = 100 * sqrt((0.25 * 0.75 + 0.075 * 0.925) / 1000)
    assert round(naive, 3) == 1.603  # without their covariance


def test_trap_02_the_error_depends_on_the_mix_and_not_on_the_score_alone() -> None:
    mixes: list[Mix] = [(50, 50, 0), (60, 30, 10), (70, 10, 20)]
    assert [estimate(answers(mix), cx.nps()).value for mix in mixes] == [50, 50, 50]
    assert [round(textbook_error(mix), 1) for mix in mixes] == [5.0, 6.7, 8.1]


def test_trap_03_at_the_boundary_the_textbook_interval_fails() -> None:
    five, eleven = (estimate(answers(mix), cx.nps()) for mix in ((5, 0, 0), (9, 0, 2)))
    assert (round(five.low, 1), five.high) == (17.5, 100)
    assert (round(eleven.low, 1), round(eleven.high, 1)) == (8.0, 92.0)
    unclipped = 100 * (7 / 11 + 1.959964 * sqrt((1 - (7 / 11) ** 2) / 11))
    assert round(unclipped, 1) == 109.2


def test_trap_04_overlapping_intervals_may_differ_and_the_sign_counts() -> None:
    groups = {"a": answers((55, 30, 15)), "b": answers((40, 35, 25))}
    data = pd.DataFrame([(name, x) for name, each in groups.items() for x in each], columns=["group", "recommend"])
    alone = measure(data, cx.nps(), by="group").set_index("segment")
    row = compare(data, cx.nps(), between="group").iloc[0]
    assert alone.loc["a", "low"] < alone.loc["b", "high"]  # the intervals overlap,
    assert row["p"] < 0.05  # and the scores differ
    assert row["difference"] == pytest.approx(25)
    turned = compare(data.replace({"group": {"a": "z"}}), cx.nps(), between="group").iloc[0]
    assert turned["difference"] == pytest.approx(-25)


def test_trap_05_no_promoters_on_other_scales() -> None:
    assert [estimate([each], cx.nps()).value for each in (0, 6, 7, 8, 9, 10)] == [-100, -100, 0, 0, 100, 100]
    for wrong in ([11], [-1], [100]):
        with pytest.raises(AnswerError, match="whole numbers 0 to 10"):
            estimate([5, *wrong], cx.nps())
    assert cx.csat(scale=5).kind == "proportion"  # what a 5-point scale has instead


def test_trap_06_nothing_is_binned_silently() -> None:
    for wrong in (8.5, float("inf")):
        with pytest.raises(AnswerError):
            estimate([9, wrong], cx.nps())
    found = estimate([10, None, float("nan"), 0], cx.nps())
    assert (found.value, found.n, found.n_missing) == (0, 2, 2)


def test_trap_07_weights_are_no_counts() -> None:
    data = pd.DataFrame({"recommend": answers((60, 30, 10)), "w": np.tile([1.0, 3.0], 50)})
    small, large = (measure(data.assign(w=data["w"] * times), cx.nps(), weight="w").iloc[0] for times in (1, 1000))
    assert (small["low"], small["high"], small["n"]) == pytest.approx((large["low"], large["high"], 100))
    assert small["n_kish"] == pytest.approx(200**2 / 500)  # (Σw)²/Σw² = 80, and Σw = 200 is no n


def test_trap_08_a_score_times_100_has_a_variance_times_10000() -> None:
    assert planning.nps_sd(0.5, 1 / 6) ** 2 == pytest.approx(1e4 * (2 / 3 - (1 / 3) ** 2))


def test_trap_09_an_interval_has_two_sides() -> None:
    found = estimate([1] * 500 + [0] * 500, ux.task_success())
    width = (found.high - found.low) / 2 / sqrt(0.25 / (1000 + 1.96**2))
    assert round(width, 3) == 1.960  # 1.645 covers 90%


def test_trap_10_adjusted_wald_adds_z_squared_and_is_cut() -> None:
    assert estimate([1] * 9 + [0], ux.task_success()).high == 1  # 1.004 as typed
    found = estimate([1] * 4 + [0], ux.task_success(), level=0.9)
    assert (round(found.low, 4), round(found.high, 4)) == (0.4218, 0.9676)


def test_trap_11_few_discordant_pairs_want_the_mid_p() -> None:
    both, only_a, only_b, neither = 3, 6, 1, 2
    a = [1] * (both + only_a) + [0] * (only_b + neither)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    data = pd.DataFrame({"user": [*range(12)] * 2, "design": ["a"] * 12 + ["b"] * 12, "success": a + b})
    row = compare(data, ux.task_success(), between="design", unit="user", paired=True).iloc[0]
    assert round(row["p"], 3) == 0.070
    assert round(binomtest(1, 7).pvalue, 3) == 0.125  # the exact test


def test_trap_12_a_p_value_is_no_probability_to_exceed_the_benchmark() -> None:
    row = benchmark(pd.DataFrame({"success": [1] * 9 + [0] * 2}), ux.task_success(), 0.8).iloc[0]
    assert row["value"] > 0.8
    assert row["p"] > 0.4  # no sign that it is not: neither .470 nor .530 says how likely it is
    assert not {"probability", "chance", "confidence"} & set(row.index)


# --- 13 to 23: questionnaires ----------------------------------------------------------------------


def test_trap_13_sus_is_no_percentage_and_its_percentiles_are_not_normal() -> None:
    assert [int(scales.sus_percentile(mean)) for mean in (80.3, 52, 68)] == [88, 15, 50]
    assert [round(100 * norm.cdf(mean, 68, 12.5)) for mean in (80.3, 52)] == [84, 10]


def test_trap_14_a_missing_answer_of_sus_is_not_0() -> None:
    full, without = [4, 2] * 5, [None, 2, *[4, 2] * 4]
    assert sus(*full) == 75
    assert np.isnan(sus(*without))
    assert sus(*without, scale=replace(scales.SUS, missing="centre")) == 72.5
    assert sus(*without, scale=replace(scales.SUS, missing="mean")) == 75
    with pytest.raises(AnswerError, match="1 to 5: 0"):
        sus(0, *full[1:])  # -1 for the item, 65 in all


def test_trap_15_keyed_twice_and_straight_lines() -> None:
    assert [sus(*[answer] * 10) for answer in (1, 3, 5)] == [50, 50, 50]
    rng = np.random.default_rng(1)
    good = np.clip(np.round(rng.normal(4, 0.8, (60, 1)) + rng.normal(0, 0.6, (60, 10))), 1, 5)
    sheets = pd.DataFrame(good, columns=TEN)  # every item with 5 as the best: the tool has reversed them already
    found = scales.check_keying(sheets, scales.SUS, items=TEN)
    assert found["item"].tolist() == TEN[1::2]
    assert (
        scales.straight_line_share(pd.DataFrame([[5] * 10, [5, 1] * 5], columns=TEN), scales.SUS, items=TEN).value
        == 0.5
    )


def test_trap_16_norms_are_of_studies() -> None:
    for norm_of in (scales.sus_grade, scales.sus_percentile, scales.sus_adjective):
        with pytest.raises(ArgumentError, match="study level"):
            norm_of(pd.Series([70.0, 80.0]))  # type: ignore[arg-type]


def test_trap_17_the_standard_deviation_of_a_sample() -> None:
    x = [1, 2, 3, 4, 5, 4, 4, 3, 5, 2]
    found = scales.item_statistics(pd.DataFrame({"x": x}), scales.CSAT, items=["x"])["sd"].item()
    assert found == pytest.approx(np.std(x, ddof=1))
    interval = estimate(x, cx.csat_mean())
    assert (interval.high - interval.low) / 2 == pytest.approx(t.ppf(0.975, 9) * np.std(x, ddof=1) / sqrt(10))


def test_trap_18_seven_points_are_not_five() -> None:
    four, two = list("abcd"), list("ab")
    assert scales.score(pd.DataFrame([[1, 7, 1, 7]], columns=four), scales.UMUX, items=four)["UMUX"].item() == 0
    ends = scales.score(pd.DataFrame([[1, 1], [7, 7]], columns=two), scales.UMUX_LITE, items=two)
    assert scales.umux_lite_as_sus(ends).tolist() == [22.9, 87.9]
    with pytest.raises(ColumnError, match="does not hold for others"):
        scales.umux_lite_as_sus(scales.score(pd.DataFrame([[5, 5]], columns=two), scales.UX_LITE, items=two))


def test_trap_19_pssuq_is_better_low_and_not_applicable_is_missing() -> None:
    three = list("abc")
    assert scales.score(pd.DataFrame([[1, 1, None]], columns=three), scales.ASQ, items=three)["ASQ"].item() == 1
    with pytest.raises(AnswerError):
        scales.score(pd.DataFrame([[1, 1, 0]], columns=three), scales.ASQ, items=three)  # .667
    assert not scales.PSSUQ_3.higher_is_better
    assert scales.PSSUQ_3.subscales["interface quality"] == (13, 14, 15)  # 16 is in the total only
    assert scales.PSSUQ_2.subscales["interface quality"] == (16, 17, 18)


def test_trap_20_keys_and_benchmarks_of_ueq() -> None:
    assert (len(scales.UEQ.reversed), scales.UEQ_S.reversed) == (13, ())
    assert scales.ueq_benchmark("attractiveness", 1.80, edition="v11") == "good"  # above 1.75, excellent before


def test_trap_21_tlx_performance_is_load_and_weights_add_up_to_15() -> None:
    six, w = list("abcdef"), list("uvwxyz")
    bad = pd.DataFrame([[0, 0, 0, 100, 0, 0]], columns=six)
    assert scales.score(bad, scales.NASA_TLX, items=six)["NASA-TLX"].item() == pytest.approx(100 / 6)
    ticks = pd.DataFrame([[11] * 6], columns=six)
    assert scales.score(ticks, scales.NASA_TLX_TICKS, items=six).iloc[0, 0] == 50  # (tick - 1) · 5, and not 11
    with pytest.raises(AnswerError, match="add up to 6"):
        scales.tlx_weighted(pd.DataFrame([[50] * 6 + [1] * 6], columns=six + w), items=six, weights=w)


def test_trap_22_effort_scores_run_both_ways() -> None:
    assert (cx.ces_1().higher_is_better, cx.ces_1().high) == (False, 5)
    assert (cx.ces_2().higher_is_better, cx.ces_2().kind) == (True, "proportion")


def test_trap_23_three_numbers_called_csat() -> None:
    rated = [5] * 43 + [3] * 28 + [1] * 29  # good, neutral, bad
    share, mean = estimate([*rated, None, None], cx.csat()), estimate(rated, cx.csat_mean())
    assert (share.value, share.n, share.n_missing) == (0.43, 100, 2)
    assert mean.value / 5 == pytest.approx(0.656)  # "65.6%", of the data of which good minus bad is 14%
    assert pytest.approx(0.656) == 0.6 + 0.4 * (0.43 - 0.29)
    assert len({cx.csat().name, cx.csat(scale=7).name, cx.csat_mean().name}) == 3


# --- 24 to 35: times, ratios, customers ------------------------------------------------------------


def test_trap_24_times_are_not_symmetric() -> None:
    times = [55, 65, 75, 62, 45, 135]
    found = estimate(times, ux.time_on_task(success=None, which="all"))
    assert (round(found.value), round(found.low), round(found.high)) == (68, 46, 101)
    assert round(np.mean(times), 1) == 72.8
    with pytest.raises(AnswerError):
        estimate([0, *times], ux.time_on_task(success=None, which="all"))


def test_trap_25_who_gave_up_needed_longer() -> None:
    data = pd.DataFrame({"duration_s": [40.0, 55, 62, 70, 85, 120, 120, 120], "success": [1] * 5 + [0] * 3})
    kinds = [ux.time_on_task(), ux.time_on_task(which="all")]
    assert measure(data, kinds)["value"].round(1).tolist() == [60.5, 78.2]
    lognormal = behaviour.median_time(data, "duration_s", "success", method="lognormal")["value"].item()
    assert round(lognormal, 1) == 89.9
    # The curve lies on one half from 70 to 85: half-way is 77.5, as in R; "85" is where it falls below.
    assert behaviour.median_time(data, "duration_s", "success")["value"].item() == 77.5
    curve = behaviour.survival(data, "duration_s", "success", at=[70, 84, 85])["value"]
    assert curve.tolist() == pytest.approx([0.5, 0.5, 0.375])


def test_trap_26_ratios_over_users() -> None:
    table = pd.read_csv(Path(__file__).resolve().parent / "reference" / "metrics_oracles.csv").set_index("id")
    (rows,) = json.loads(table.loc["I1", "input"]).values()
    users = pd.DataFrame(rows, columns=["variant", "sessions", "orders", "n"]).query("variant == 0")
    users = users.loc[users.index.repeat(users["n"])].reset_index(drop=True)
    answered = (("orders", Answer("orders", 0, 99)), ("sessions", Answer("sessions", 1, 99)))
    row = measure(users, Metric("rate", answered, "orders", "mean", 0, 99, per="sessions"), unit=None).iloc[0]
    assert round((row["high"] - row["low"]) / 2 / 1.96, 5) == pytest.approx(0.00920, abs=1e-5)
    naive = sqrt(row["value"] * (1 - row["value"]) / users["sessions"].sum())
    assert round(naive, 5) == 0.00695  # 24% too small
    two = pd.DataFrame({"orders": [1, 1], "sessions": [1, 6]})
    ratio = measure(two, Metric("rate", answered, "orders", "mean", 0, 99, per="sessions"), unit=None)["value"].item()
    assert ratio == pytest.approx(2 / 7)  # the mean of the ratios is 7/12


def test_trap_27_attempts_of_a_user_are_not_independent() -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"user_id": np.repeat(np.arange(40), 5), "success": np.repeat(rng.random(40) < 0.6, 5)})
    with pytest.raises(UnitError, match="Rows repeat 'user_id'"):
        measure(data, ux.task_success())
    rows, users = (measure(data, ux.task_success(), unit=unit).iloc[0] for unit in (None, "user_id"))
    assert rows["value"] == users["value"]
    assert (users["high"] - users["low"]) / (rows["high"] - rows["low"]) == pytest.approx(sqrt(5), rel=0.1)


def test_trap_28_churn_has_a_base() -> None:
    start, new = [(1, 0)] * 950 + [(1, 1)] * 50, [(0, 0)] * 470 + [(0, 1)] * 30
    data = pd.DataFrame(start + new, columns=["at_start", "lost"])
    data["at_end"] = 1 - data["lost"]
    found = measure(data, [behaviour.churn_rate(), behaviour.churn_rate(per="average")])["value"]
    assert (100 * found).round(1).tolist() == [5.0, 6.6]  # all 80 over 1,000 would be 8.0, of which 30 were not there
    assert round(100 * behaviour.annual_churn(0.05)) == 46  # not 60


def test_trap_29_cohorts_of_zero_count() -> None:
    visits = pd.DataFrame({"user": [1, 1, 2, 3, 4, 5, 6, 7, 8], "age_d": [0, 1.5] + [0] * 7, "observed_d": 9})
    assert measure(visits, behaviour.retention(1), unit="user")["value"].item() == 0.125  # of 25% and 0%
    young = pd.concat([visits, pd.DataFrame({"user": range(9, 99), "age_d": 0, "observed_d": 1.0})])
    assert measure(young, behaviour.retention(1), unit="user")["n"].item() == 8  # who had no chance yet does not count


def test_trap_30_who_bought_once() -> None:
    model = purchases.BgNbd(0.243, 4.414, 0.793, 2.426)
    assert purchases.p_alive(model, 0, 0, 1000) == 1
    log_of = pd.DataFrame({"id": [1, 1, 2], "at": pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-02"])})
    found = behaviour.rfm(log_of, unit="id", at="at", until=pd.Timestamp("2024-01-31"))
    assert found["frequency"].tolist() == [1, 0]  # repeats, not purchases
    with pytest.raises(ArgumentError, match="who bought once: 1"):
        spend.gamma_gamma_fit([1, 0], [10.0, 0.0])
    rng = np.random.default_rng(3)
    x = rng.integers(1, 9, 400)
    fitted = spend.gamma_gamma_fit(x, rng.gamma(6.0 * x, 1 / (x * rng.gamma(4.0, 1 / x))))
    assert fitted.correlation > 0.5  # spend that goes with frequency is reported


def test_trap_31_a_mean_of_ordered_answers_is_not_alone() -> None:
    data = pd.DataFrame({"satisfaction": [5] * 70 + [4] * 10 + [1] * 20})
    found = scales.item_statistics(data, scales.CSAT, items=["satisfaction"]).iloc[0]
    assert (found["floor"], found["ceiling"]) == (0.2, 0.7)
    both = measure(data, [cx.csat_mean(), cx.csat()])
    assert both["value"].tolist() == pytest.approx([4.1, 0.8])
    assert both["method"].tolist() == ["t", "adjusted Wald"]


def test_trap_32_lostness_may_exceed_1() -> None:
    data = pd.DataFrame({"n_unique": [20], "n_pages": [100], "n_optimal": [2]})
    assert round(measure(data, ux.lostness())["value"].item(), 3) == 1.204
    chained = pd.DataFrame({"n_unique": [6, 2], "n_pages": [9, 2], "n_optimal": [3, 5]})  # 5 from the home page
    assert measure(chained, ux.lostness())["n"].item() == 1


def test_trap_33_two_bounce_rates_and_two_conversions() -> None:
    data = pd.DataFrame(
        {"n_pages": [1, 1, 2], "duration_s": [3.0, 30, 3], "converted": [0, 1, 0], "user_id": [1, 1, 1]}
    )
    rates = [ux.bounce(), ux.engaged_bounce(), ux.conversion(), ux.conversion(per="visitor")]
    found = measure(data, rates, unit="user_id")["value"]
    assert found.tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3, 1])


def test_trap_34_an_index_of_ones_own_weights() -> None:
    data = pd.DataFrame({"satisfaction": [8], "expectations": [7], "ideal": [7]})
    found = [measure(data, cx.acsi(weights=w))["value"].item() for w in ((1 / 3,) * 3, (0.3885, 0.3190, 0.2925))]
    assert [round(each, 2) for each in found] == [70.37, 70.98]
    assert "own weights" in cx.acsi().name


@pytest.mark.parametrize(("ux_scale", "cx_scale"), [(scales.SUPR_Q, scales.LTR), (scales.UMUX_LITE, scales.ACSI)])
def test_trap_35_scores_that_share_a_question(ux_scale: Any, cx_scale: Any) -> None:
    assert len(scales.overlap(ux_scale, cx_scale)) == 1
    assert scales.overlap(scales.SUS, scales.LTR).empty


def test_all_thirty_five_have_a_test() -> None:
    numbers = {int(found[1]) for name in globals() if (found := re.match(r"test_trap_(\d+)_", name))}
    assert numbers == set(range(1, 36))
