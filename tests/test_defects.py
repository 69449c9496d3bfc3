"""Defects found in other packages, by package and number: none of them is ours."""

import re
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from cxuxlib import benchmark, compare, cx, estimate, measure, scales, text, ux
from cxuxlib.errors import AnswerError
from cxuxlib.metrics import behaviour


def answers(promoters: int, passives: int, detractors: int) -> list[int]:
    return [10] * promoters + [8] * passives + [3] * detractors


def two(a: list[int], b: list[int], column: str = "recommend") -> pd.DataFrame:
    return pd.DataFrame({column: a + b, "group": ["a"] * len(a) + ["b"] * len(b)})


@pytest.mark.parametrize(
    ("x", "n", "level", "correct", "of_uxr"),
    [(5, 7, 0.95, (0.3524, 0.9244), (0.3534, 0.9233)), (4, 5, 0.90, (0.4218, 0.9676), (0.4316, 0.9578))],
)
def test_01_uxr_adds_twice_z_where_z_squared_belongs(
    x: int, n: int, level: float, correct: tuple[float, float], of_uxr: tuple[float, float]
) -> None:
    # test_wald_adj and get_confidence_intervals_event; hidden at 95% because 2 · 1.96 is nearly 1.96².
    found = estimate([1] * x + [0] * (n - x), ux.task_success(), level=level)
    ends = round(found.low, 4), round(found.high, 4)
    assert ends == correct
    assert ends != of_uxr


def test_02_uxr_calls_p_below_the_chance_to_exceed_the_benchmark() -> None:
    row = benchmark(pd.DataFrame({"success": [1] * 9 + [0] * 2}), ux.task_success(), 0.8).iloc[0]
    assert row["value"] > row["benchmark"]
    assert (round(row["p_exact"], 3), round(row["p"], 3)) == (0.617, 0.470)
    assert round(1 - row["p_exact"], 3) == 0.383  # what uxr reports as that chance
    assert "Neither p nor 1 - p is the probability" in (benchmark.__doc__ or "")


def test_03_uxr_bends_the_interval_of_a_score_to_end_at_the_benchmark() -> None:
    data = pd.DataFrame({"satisfaction": [4, 5, 3, 4, 5, 4, 2, 5]})
    alone = measure(data, cx.csat_mean()).iloc[0]
    for target in (1.5, 3.0, 4.5):
        row = benchmark(data, cx.csat_mean(), target).iloc[0]
        assert (row["low"], row["high"], row["level"]) == (alone["low"], alone["high"], 0.95)
        assert target not in (row["low"], row["high"])
    assert (text.percent(0.99999), text.p_value(1e-9)) == ("99.999%", "p < 0.001")  # and never 100%


def test_04_uxr_rounds_bounds_up_and_fixes_names_and_degrees_of_freedom() -> None:
    found = estimate([4, 2, 5, 3, 5, 2, 5], cx.csat_mean())
    assert found.low % 1
    assert found.high % 1
    runs = two([1] * 10 + [0] * 2, [1] * 4 + [0] * 9, "success").rename(columns={"group": "no column called design"})
    row = compare(runs, ux.task_success(), between="no column called design").iloc[0]
    z = norm.isf(row["p"] / 2)
    assert row["p"] == pytest.approx(chi2.sf(z**2, df=1))
    assert z == pytest.approx(2.592, abs=5e-4)


def test_05_r_nps_scales_the_variance_by_100_drops_the_sign_and_does_not_clip() -> None:
    of_points, of_shares = estimate(answers(60, 30, 10), cx.nps(interval="wald")), sqrt((0.7 - 0.5**2) / 100)
    assert (of_points.high - of_points.low) / 2 == pytest.approx(100 * 1.959964 * of_shares, rel=1e-6)
    data = two(answers(20, 30, 50), answers(40, 30, 30))
    row = compare(data, cx.nps(), between="group").iloc[0]
    turned = compare(data.replace({"group": {"a": "b", "b": "a"}}), cx.nps(), between="group").iloc[0]
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((-40, -turned["high"], -turned["low"]))
    assert row["high"] < 0  # a significant fall is seen as one
    assert estimate(answers(10, 30, 60), cx.nps()).high < 0  # and so is a significantly negative score
    assert estimate(answers(9, 0, 2), cx.nps()).high <= 100
    assert estimate(answers(9, 0, 2), cx.nps(interval="wald")).high == 100


def test_06_sus_toolkit_forgets_item_10_and_passes_100() -> None:
    items = [f"q{i}" for i in range(1, 11)]
    sheets = pd.DataFrame(np.random.default_rng(3).integers(1, 6, (12, 10)), columns=items)
    found = scales.item_statistics(sheets, scales.SUS, items=items)
    assert found["mean"].tolist() == pytest.approx(sheets.mean().tolist())  # range(0, 9) left item 10 a sum
    assert scales.sus_percentile(100) == 100  # its curve gives 100.07
    bands = [scales.sus_grade(mean / 10) for mean in range(1001)]
    assert (bands.index("A+"), bands.index("A"), bands.index("A-")) == (841, 808, 789)  # one table, no second text


def test_07_uxscores_hides_grades_behind_one_branch_and_turns_scales_wrongly() -> None:
    grades = {scales.sus_grade(mean / 10) for mean in range(1001)}
    adjectives = {scales.sus_adjective(mean / 10) for mean in range(1001)}
    levels = {scales.ueq_benchmark("novelty", mean / 100) for mean in range(-300, 301)}
    assert (len(grades), len(adjectives), len(levels)) == (11, 6, 5)  # every one can be reached
    sheet = pd.DataFrame([[7, 1, 7, 1]], columns=list("abcd"))
    assert scales.score(sheet, scales.UMUX, items=list("abcd"))["UMUX"].item() == 100  # 7 - r; 5 - r would pass 24
    assert not scales.CSUQ_3.higher_is_better
    assert not scales.PSSUQ_3.higher_is_better


def test_08_uxer_maps_texts_by_half() -> None:
    texts = pd.DataFrame({"a": ["SA", "A", "SA"], "b": [1, 2, 3]})
    with pytest.raises(AnswerError, match=r"3 answers are no numbers, for example 'SA', 'A'"):
        scales.score(texts, scales.Scale("own", 2), items=["a", "b"])


def test_09_nps_stats_takes_the_wrong_n_and_a_one_sided_z() -> None:
    a, b = answers(50, 30, 20), answers(100, 200, 100)  # unlike sizes: passives of b over n of a would be 2.0
    row = compare(two(a, b), cx.nps(), between="group").iloc[0]
    variances = []
    for promoters, n, detractors in ((50.75, 103, 20.75), (100.75, 403, 100.75)):
        p, d = promoters / n, detractors / n
        variances.append((p + d - (p - d) ** 2) / n)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(100 * 1.959964 * sqrt(sum(variances)), rel=1e-6)  # not 1.645


def test_10_posthog_and_mozilla_lose_zeros() -> None:
    assert estimate([0, 0, 10], cx.nps()).value == pytest.approx(-100 / 3)  # 0 is a detractor, by value and not place
    visits = pd.DataFrame({
        "user_id": [1, 1, 2, 3, 4, 5, 6, 7, 8], "age_d": [0, 1.5, 0, 0, 0, 0, 0, 0, 0], "observed_d": 9,
        "cohort": ["january"] * 5 + ["february"] * 4,
    })  # fmt: skip
    by_cohort = measure(visits, behaviour.retention(1), by="cohort", unit="user_id").set_index("segment")["value"]
    assert by_cohort.to_dict() == {"january": 0.25, "february": 0.0}
    assert measure(visits, behaviour.retention(1), unit="user_id")["value"].item() == 0.125


def test_11_lifetimes_quickstart_counts_the_first_purchase_as_money() -> None:
    log = pd.DataFrame({"id": [1, 1], "at": pd.to_datetime(["2015-01-01", "2015-02-06"]), "spent": [1.0, 2.0]})
    found = behaviour.rfm(log, unit="id", at="at", value="spent", until=pd.Timestamp("2015-02-07"))
    assert (found["frequency"].item(), found["monetary"].item()) == (1, 2.0)


def test_12_okrify_describes_another_supr_q() -> None:
    assert "Sauro 2015" in scales.SUPR_Q.source
    assert (scales.SUPR_Q.items, scales.SUPR_Q.own_ranges[5]) == (8, (0, 10, 0.5))
    assert scales.score_range(scales.SUPR_Q) == (7 / 8, 5)
    assert "licensed" in scales.SUPR_Q.licence
    assert not [name for name in scales.__all__ if "supr" in name.lower() and name != "SUPR_Q"]  # no norms


def test_all_twelve_have_a_test() -> None:
    numbers = {int(found[1]) for name in globals() if (found := re.match(r"test_(\d+)_", name))}
    assert numbers == set(range(1, 13))
