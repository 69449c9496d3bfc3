"""Curves of lasting and of competing causes: R's figures with late entries, and what must hold of any curve."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, UnitError
from cxuxlib.metrics import behaviour
from cxuxlib.models import SurvivalOptions, cumulative_incidence, survival

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "churn.json").read_text(encoding="utf-8"))
ROWS, CHANGING = (pd.DataFrame(REFERENCE[name]) for name in ("rows", "changing"))
LATER = ROWS[(ROWS["entry"] > 0) | (ROWS["days"] > 20)]
ONE: dict[str, Any] = {"duration": "days", "event": "left", "unit": None}

CURVES: dict[str, tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]] = {
    "plain": (ROWS, ONE, {"until": 60}),
    "late": (LATER, {**ONE, "entry": "entry"}, {"until": 50}),
    "frequency": (ROWS, ONE, {"until": 60, "frequency": "f"}),
    "changing": (CHANGING, {"duration": "stop", "event": "left", "entry": "start", "unit": "id"}, {"until": 40}),
}  # fmt: skip


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([np.nan if each in (None, "NaN", "NA") else each for each in values], dtype=float)


@pytest.mark.parametrize("case", CURVES)
def test_curves_and_restricted_means_of_survfit(case: str) -> None:
    data, times, options = CURVES[case]
    expected = REFERENCE["curve"][case]
    fit = survival(data, **times, options=SurvivalOptions(**options))
    for ours, theirs in {
        "time": "time", "at_risk": "at_risk", "value": "value", "std_error": "error", "low": "low", "high": "high",
    }.items():  # fmt: skip
        some = fit.raw["value"].to_numpy() > 0
        assert fit.raw[ours].to_numpy()[some] == pytest.approx(numbers(expected[theirs])[some], abs=1e-9), ours
    mean = fit.terms.query("kind == 'restricted mean'").iloc[0]
    assert mean["value"] == pytest.approx(expected["mean"], rel=1e-9)
    assert mean["std_error"] == pytest.approx(expected["mean_error"], rel=1e-9)


def test_curves_on_every_engine(frame: Native) -> None:
    options = SurvivalOptions(until=50)
    fit = survival(frame(LATER), **ONE, entry="entry", by="plan", options=options)
    expected = survival(LATER, **ONE, entry="entry", by="plan", options=options)
    pd.testing.assert_frame_equal(fit.terms, expected.terms)
    pd.testing.assert_frame_equal(fit.raw, expected.raw)
    assert list(fit.terms["term"]) == ["basic", "plus", "pro", "plus vs basic", "pro vs basic", "pro vs plus"]


def test_without_late_entries_the_curve_is_that_of_metrics() -> None:
    at = [10.0, 25.0, 60.0]
    expected = behaviour.survival(ROWS, "days", "left", unit=None, at=at)
    fit = survival(ROWS, **ONE, options=SurvivalOptions(at=at))
    found = fit.terms[fit.terms["kind"].str.startswith("survival")]
    for column in ("value", "low", "high"):
        assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(float), rel=1e-12)


def test_without_cut_off_times_the_restricted_mean_is_a_mean() -> None:
    rows = ROWS.assign(left=1)
    found = survival(rows, **ONE, options=SurvivalOptions(until=30)).estimate("all")
    cut = rows["days"].clip(upper=30)
    assert found.value == pytest.approx(cut.mean(), rel=1e-12)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(cut.std(ddof=0) / np.sqrt(len(cut)), rel=1e-6)


# --- competing causes -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["plain", "late"])
def test_incidence_of_survfit(case: str) -> None:
    data = LATER if case == "late" else ROWS
    expected = REFERENCE["causes"][case]
    fit = cumulative_incidence(
        data, duration="days", event="cause", unit=None, entry="entry" if case == "late" else None
    )
    for k, cause in enumerate((1, 2)):
        found = fit.raw[fit.raw["cause"] == cause]
        assert found["time"].to_numpy() == pytest.approx(expected["time"])
        assert found["value"].to_numpy() == pytest.approx(np.array(expected["value"])[:, k], abs=1e-9)
        if case == "late":  # R's infinitesimal jackknife is another estimator then; ours is checked below
            continue
        assert found["std_error"].to_numpy() == pytest.approx(np.array(expected["error"])[:, k], abs=1e-9)
        some = found["value"].to_numpy() > 0
        for end in ("low", "high"):
            wanted = numbers([row[k] for row in expected[end]])
            assert found[end].to_numpy()[some] == pytest.approx(wanted[some], abs=1e-9), end
            assert found[end][~some].isna().all()


@pytest.mark.parametrize("cause", [1, 2])
def test_errors_of_incidence_are_those_of_multinomial_hazards(cause: int) -> None:
    # Every hazard d/r moved a little: the delta method by numerical derivatives, with late entries.
    fit = cumulative_incidence(LATER, duration="days", event="cause", unit=None, entry="entry")
    table = fit.raw.pivot(index="time", columns="cause", values="events").to_numpy()
    r = fit.raw.query("cause == 1")["at_risk"].to_numpy()
    h = table / r[:, None]

    def last(h: np.ndarray) -> float:
        before = np.cumprod(np.r_[1, 1 - h.sum(axis=1)[:-1]])
        return float(before @ h[:, cause - 1])

    variance = 0.0
    for j in range(len(r)):
        slopes = np.zeros(2)
        for k in range(2):
            step = np.zeros_like(h)
            step[j, k] = 1e-6
            slopes[k] = (last(h + step) - last(h - step)) / 2e-6
        variance += slopes @ (np.diag(h[j]) - np.outer(h[j], h[j])) @ slopes / r[j]
    assert fit.raw[fit.raw["cause"] == cause]["std_error"].iloc[-1] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_one_cause_is_kaplan_meier_and_causes_add_up() -> None:
    curve = survival(ROWS, **ONE).raw
    alone = cumulative_incidence(ROWS, **ONE).raw
    assert alone["value"].to_numpy() == pytest.approx(1 - curve["value"].to_numpy(), abs=1e-12)
    assert alone["std_error"].to_numpy() == pytest.approx(curve["std_error"].to_numpy(), abs=1e-9)
    both = cumulative_incidence(ROWS, duration="days", event="cause", unit=None).raw
    total = both.groupby("time")["value"].sum().to_numpy()
    assert total == pytest.approx(1 - curve["value"].to_numpy(), abs=1e-12)


def test_taking_other_causes_as_cut_off_is_more_than_the_incidence() -> None:
    naive = 1 - survival(ROWS.assign(left=ROWS["cause"] == 1), **ONE).raw["value"].iloc[-1]
    right = cumulative_incidence(ROWS, duration="days", event="cause", unit=None).raw.query("cause == 1")["value"]
    assert naive > right.max() + 0.05


def test_causes_are_texts_or_numbers(frame: Native) -> None:
    words = ROWS.assign(why=ROWS["cause"].map({0: "stayed", 1: "price", 2: "ease"}))
    fit = cumulative_incidence(frame(words), duration="days", event="why", unit=None, by="plan", censored="stayed")
    same = cumulative_incidence(ROWS, duration="days", event="cause", unit=None, by="plan")
    a, b = (each.terms.set_index("term")["value"] for each in (fit, same))
    assert a["price in plus"] == b["1 in plus"]
    assert a["ease: pro vs basic"] == pytest.approx(b["2: pro vs basic"])
    with pytest.raises(AnswerError, match=r"'why' is never 'cut' \(censored\)"):
        cumulative_incidence(words, duration="days", event="why", unit=None, censored="cut")


# --- refusals ---------------------------------------------------------------------------------------


def test_limits_beyond_what_was_seen() -> None:
    with pytest.raises(ArgumentError, match="500 lies beyond the longest time seen in 'all', 89"):
        survival(ROWS, **ONE, options=SurvivalOptions(until=500))
    with pytest.raises(ArgumentError, match="500 lies beyond"):
        survival(ROWS, **ONE, options=SurvivalOptions(at=[500]))
    with pytest.raises(ArgumentError, match="500 lies beyond"):
        cumulative_incidence(ROWS, duration="days", event="cause", unit=None, options=SurvivalOptions(at=[500]))
    everybody = survival(ROWS.assign(left=1), **ONE, options=SurvivalOptions(at=[500])).terms
    assert everybody.query("kind == 'survival at 500'")["value"].item() == 0


def test_nobody_leaves_or_nobody_of_a_group() -> None:
    with pytest.raises(SampleError, match="Nobody of 240 has the event in 'left'"):
        survival(ROWS.assign(left=0), **ONE)
    with pytest.raises(SampleError, match="Nobody has the event in 'pro'"):
        survival(ROWS.assign(left=ROWS["left"].where(ROWS["plan"] != "pro", 0)), **ONE, by="plan")


def test_rows_of_a_unit_that_overlap() -> None:
    with pytest.raises(UnitError, match="rows that overlap, or several events; metrics"):
        survival(ROWS, duration="days", event="left", unit="shop")
    with pytest.raises(UnitError, match="Rows repeat 'id'"):
        survival(pd.concat([ROWS, ROWS]), duration="days", event="left")


def test_a_curve_that_ends_early_and_one_that_begins_late_say_so() -> None:
    rows = pd.DataFrame({"entry": [1, 5, 5, 6], "days": [3, 9, 8, 9], "left": [1, 1, 0, 0]})
    fit = survival(rows, duration="days", event="left", entry="entry")
    assert "of those still there at 1, when the first came under observation" in fit.method
    assert "0 from 3 on, where all at risk left, and others came later" in fit.method


@pytest.mark.parametrize(
    ("given", "match"),
    [({"at": "10"}, "at is a list of times"), ({"at": [-1]}, "Each of at is a time of 0 or more"),
     ({"until": 0}, "until is a time above 0"), ({"level": 1}, "level is a probability")],
)  # fmt: skip
def test_options_of_curves(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        SurvivalOptions(**given)
