"""Planted hazards are found again, intervals hold them as often as they say, and the obvious analyses do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import (
    HazardOptions,
    Landmarks,
    SurvivalOptions,
    churn_hazard,
    churn_logit,
    churn_performance,
    cumulative_incidence,
    landmark,
    proportional_hazards,
    survival,
)
from cxuxlib.results import Fit

pytestmark = pytest.mark.slow

Draw = Callable[[np.random.Generator], pd.DataFrame]
ROUNDS = 300
BAND = tuple(0.95 + sign * 3 * (0.05 * 0.95 / ROUNDS) ** 0.5 for sign in (-1, 1))  # three errors of the simulation
ONE: dict[str, Any] = {"duration": "days", "event": "left"}
EASE, HELP = -0.3, 0.4


def held(
    draw: Draw, fit: Callable[[pd.DataFrame], Fit], truth: float, rounds: int = ROUNDS, term: str = "ease"
) -> float:
    """How often the interval of a slope holds the truth."""
    inside = 0
    for seed in range(rounds):
        row = fit(draw(np.random.default_rng([1972, seed]))).terms.query("term == @term and kind == 'slope'").iloc[0]
        inside += row["low"] <= truth <= row["high"]
    return inside / rounds


def times(rng: np.random.Generator, line: np.ndarray, shape: float = 1.3) -> np.ndarray:
    """Whole days of a Weibull hazard in proportion to exp(line): ties."""
    return np.ceil(60 * (rng.exponential(size=len(line)) / np.exp(line)) ** (1 / shape))


def customers(rng: np.random.Generator, n: int = 250) -> pd.DataFrame:
    rows = pd.DataFrame({"ease": rng.integers(1, 6, n), "help": rng.normal(size=n).round(1)})
    full, cut = times(rng, EASE * rows["ease"] + HELP * rows["help"] + 1), rng.integers(30, 100, n)
    return rows.assign(days=np.minimum(full, cut), left=(full <= cut).astype(int))


def of_shops(rng: np.random.Generator) -> pd.DataFrame:
    """Several contracts of a customer, with what is common to them in ease and in how long they last."""
    size = 120
    rows = pd.DataFrame(
        {"customer": np.repeat(np.arange(size), 8), "ease": np.repeat(rng.normal(size=size).round(1), 8)}
    )
    frail = np.repeat(rng.normal(scale=0.8, size=size), 8)
    full, cut = times(rng, frail), rng.integers(30, 100, len(rows))
    return rows.assign(days=np.minimum(full, cut), left=(full <= cut).astype(int))


def test_intervals_of_cox_hold_the_truth() -> None:
    covered = held(customers, lambda rows: churn_hazard(rows, "ease + help", **ONE), EASE)
    assert BAND[0] <= covered <= BAND[1]
    robust = HazardOptions(errors="robust")
    covered = held(customers, lambda rows: churn_hazard(rows, "ease + help", **ONE, options=robust), EASE)
    assert BAND[0] <= covered <= BAND[1]


def test_intervals_by_month_hold_the_truth_of_days() -> None:
    def by_month(rows: pd.DataFrame) -> Fit:
        rows = rows.assign(days=np.ceil(rows["days"] / 30))  # who is cut off within a month is watched for a part of it
        return churn_hazard(rows, "ease + help", **ONE, kind="cloglog")

    def whole_months(rng: np.random.Generator) -> pd.DataFrame:
        rows = customers(rng, 300)
        over = rows["days"] > 90
        cut = (rows["left"] == 0) & ~over
        return rows.assign(
            left=rows["left"].where(~over, 0),
            days=np.where(over, 90, np.where(cut, rows["days"] // 30 * 30, rows["days"])),
        ).query("days > 0")

    covered = held(whole_months, by_month, EASE)
    assert BAND[0] <= covered <= BAND[1]


def test_contracts_of_one_customer_taken_as_independent_are_too_sure() -> None:
    by_customer = held(of_shops, lambda rows: churn_hazard(rows, "ease", **ONE, unit="customer"), 0.0)
    naive = held(of_shops, lambda rows: churn_hazard(rows, "ease", **ONE, unit=None), 0.0, 200)
    assert BAND[0] <= by_customer <= BAND[1]
    assert naive < 0.8


# --- immortal time ------------------------------------------------------------------------------------


def asked(rng: np.random.Generator, n: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers of whom those still there are asked at some day; the answer has nothing to do with leaving."""
    rows = pd.DataFrame({"customer": np.arange(n), "days": times(rng, np.zeros(n))})
    rows = rows.assign(left=(rows["days"] <= 120).astype(int), days=rows["days"].clip(upper=120))
    when = rng.integers(1, 80, n)
    answers = pd.DataFrame({"customer": rows["customer"], "day": when, "answered": 1})
    return rows, answers[answers["day"] < rows["days"]]


def test_who_answered_a_survey_seems_to_stay_where_immortal_time_is_not_seen() -> None:
    def naive(rng: np.random.Generator) -> pd.DataFrame:
        rows, answers = asked(rng)
        return rows.assign(ease=rows["customer"].isin(answers["customer"]).astype(int))

    def split(rng: np.random.Generator) -> pd.DataFrame:
        rows, answers = asked(rng)
        rows = rows.merge(answers[["customer", "day"]], how="left")
        before = rows.assign(start=0, ease=0, left=rows["left"].where(rows["day"].isna(), 0))
        before = before.assign(days=rows["day"].fillna(rows["days"]))
        after = rows[rows["day"].notna()].assign(start=rows["day"], ease=1)
        return pd.concat([before, after], ignore_index=True)

    right = held(split, lambda rows: churn_hazard(rows, "ease", **ONE, entry="start", unit="customer"), 0.0)
    wrong = held(naive, lambda rows: churn_hazard(rows, "ease", **ONE), 0.0, 200)
    assert BAND[0] <= right <= BAND[1]
    assert wrong < 0.01


def test_a_landmark_finds_no_effect_where_there_is_none() -> None:
    def at_forty(rng: np.random.Generator) -> pd.DataFrame:
        rows, answers = asked(rng)
        marks = Landmarks(at=[40], horizon=60)
        table = landmark(rows, answers, ["answered"], unit="customer", **ONE, measured_at="day", landmarks=marks)
        return table.assign(ease=table["answered"].fillna(0))

    covered = held(at_forty, lambda rows: churn_hazard(rows, "ease", **ONE, entry="landmark"), 0.0)
    assert BAND[0] <= covered <= BAND[1]


# --- planted truth ------------------------------------------------------------------------------------


def near(fit: Fit, term: str, truth: float, most: float) -> None:
    row = fit.terms.query("term == @term and kind == 'slope'").iloc[0]
    assert abs(row["value"] - truth) < 4 * row["std_error"] < most


def test_a_hazard_that_changes_with_ux_is_found_again() -> None:
    rng = np.random.default_rng(5)
    n, parts = 20_000, []
    there = np.ones(n, dtype=bool)
    for start in range(0, 360, 30):  # ease is asked anew each month; leaving depends on the month's own
        ease, trouble = rng.integers(1, 6, n), rng.random(n) < 0.2
        wait = rng.exponential(size=n) / (0.01 * np.exp(EASE * ease + HELP * trouble))
        left = wait < 30
        end = start + np.where(left, np.ceil(wait), 30)
        parts.append(
            pd.DataFrame(
                {"who": np.arange(n), "start": start, "days": end, "left": left, "ease": ease, "trouble": trouble}
            )[there]
        )
        there &= ~left
    rows = pd.concat(parts, ignore_index=True)
    fit = churn_hazard(rows, "ease + trouble", **ONE, entry="start", unit="who")
    near(fit, "ease", EASE, 0.1)
    near(fit, "trouble", HELP, 0.2)
    late = rows[rows["start"] >= 90]  # of those who came under observation late
    near(churn_hazard(late, "ease + trouble", **ONE, entry="start", unit="who"), "ease", EASE, 0.1)
    counts = (
        rows.assign(month=rows["start"] // 30 + 1).groupby(["month", "left", "ease", "trouble"], as_index=False).size()
    )
    options = HazardOptions(rows="periods", frequency="size")
    by_month = churn_hazard(counts, "ease + trouble", duration="month", event="left", kind="cloglog", options=options)
    near(by_month, "ease", EASE, 0.1)


def test_late_entry_ignored_makes_survivors_look_immortal() -> None:
    rng = np.random.default_rng(6)
    n = 40_000
    full, came = times(rng, np.zeros(n)), rng.integers(0, 60, n)
    rows = pd.DataFrame({"days": full, "came": came, "left": 1})[full > came]
    options = SurvivalOptions(until=150, at=[30])
    right, naive = (survival(rows, **ONE, entry=entry, options=options) for entry in ("came", None))
    truth = float((full > 30).mean())
    found = right.estimate("all", "survival at 30")
    assert found.low - 0.01 < truth < found.high + 0.01
    assert naive.estimate("all", "survival at 30").low > truth + 0.05


def test_hazards_that_cross_are_found_not_to_be_in_proportion() -> None:
    rng = np.random.default_rng(7)
    group = rng.random(3000) < 0.5
    rows = pd.DataFrame(
        {"app": group, "days": np.where(group, times(rng, np.zeros(3000), 0.8), times(rng, np.zeros(3000), 2))}
    )
    fit = churn_hazard(rows.assign(left=1), "app", **ONE)
    assert proportional_hazards(fit)["p"].max() < 1e-9
    steady = churn_hazard(customers(rng, 3000), "ease + help", **ONE)
    assert proportional_hazards(steady)["p"].min() > 0.001


def test_incidence_finds_the_shares_of_causes() -> None:
    rng = np.random.default_rng(8)
    n = 30_000
    price, ease, cut = (rng.exponential(scale, n) for scale in (100, 50, 80))
    days = np.minimum(np.minimum(price, ease), cut)
    cause = np.where(days == cut, 0, np.where(days == price, 1, 2))
    fit = cumulative_incidence(
        pd.DataFrame({"days": days, "why": cause}), duration="days", event="why", options=SurvivalOptions(at=[60])
    )
    everybody = 1 - np.exp(-60 * (1 / 100 + 1 / 50))
    for term, share in (("1", 1 / 3), ("2", 2 / 3)):
        found = fit.estimate(term)
        assert found.low - 0.005 < share * everybody < found.high + 0.005


def test_the_area_of_another_sample_is_held_and_that_of_the_fit_flatters() -> None:
    def rows(rng: np.random.Generator, n: int) -> pd.DataFrame:
        table = pd.DataFrame(rng.normal(size=(n, 8)), columns=[f"x{k}" for k in range(8)])
        return table.assign(left=(rng.random(n) < 1 / (1 + np.exp(-0.5 * table["x0"]))).astype(int))

    formula = "left ~ " + " + ".join(f"x{k}" for k in range(8))
    own, other, inside = [], [], 0
    for seed in range(200):
        rng = np.random.default_rng([9, seed])
        fit = churn_logit(rows(rng, 150), formula)
        large = churn_performance(fit, rows(rng, 5000)).terms.iloc[0]
        new = churn_performance(fit, rows(rng, 400)).terms.iloc[0]
        inside += new["low"] <= large["value"] <= new["high"]
        own.append(fit.quality["AUC"])
        other.append(large["value"])
    assert np.mean(own) > np.mean(other) + 0.05
    assert 0.91 <= inside / 200 <= 0.985  # three errors of 200 rounds around 0.95
