"""Staggered roll-outs against R, against what was planted, and what they refuse."""

import json
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import RolloutOptions, difference_in_differences
from cxuxlib.results import Fit

CASE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "causes.json").read_text(encoding="utf-8"))[
    "rollout"
]
NEVER = RolloutOptions(controls="never")


def stored() -> pd.DataFrame:
    y = np.array(CASE["y"])
    n, periods = y.shape
    start = np.array([nan if each is None else each for each in CASE["start"]], dtype=float)
    return pd.DataFrame({
        "who": np.repeat(np.arange(n), periods), "month": np.tile(np.arange(1, periods + 1), n), "y": y.ravel(),
        "start": np.repeat(start, periods), "x": np.repeat(np.array(CASE["covariate"]), periods),
    })  # fmt: skip


FRAME = stored()


def fitted(data: Any = FRAME, *, adjust: tuple[str, ...] = (), options: RolloutOptions = NEVER) -> Fit:
    return difference_in_differences(
        data, "y", unit="who", time="month", treated_from="start", adjust=adjust, options=options
    )


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


def made(n: int, rng: np.random.Generator, *, never: bool = True, trend: float = 0.0) -> pd.DataFrame:
    """Effects that grow by the period, 1, 2, 3, ..., and are larger in the group treated first."""
    start = rng.choice([2.0, 5.0, nan] if never else [2.0, 5.0, 7.0], n)
    month = np.arange(8)
    grown = np.where(month >= start[:, None], month - start[:, None] + 1, 0)
    effect = np.nan_to_num(grown) * np.where(start == 2, 1.0, 0.5)[:, None]
    y = rng.normal(size=(n, 1)) + 0.3 * month + effect + rng.normal(size=(n, 8))
    y += trend * month * (start == 5)[:, None]
    return pd.DataFrame({
        "who": np.repeat(np.arange(n), 8), "month": np.tile(month, n), "start": np.repeat(start, 8), "y": y.ravel(),
    })  # fmt: skip


TRUE = (np.mean([1, 2, 3, 4, 5, 6]) + 0.5 * np.mean([1, 2, 3])) / 2


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("never", [False, True])
def test_cells_agree_with_regressions_in_r(adjusted: bool, never: bool) -> None:
    fit = fitted(adjust=("x",) if adjusted else (), options=RolloutOptions("never" if never else "not yet"))
    cells = [each for each in CASE["cells"] if each["never"] == never and each["adjusted"] == adjusted]
    own = {(each.group + 1, each.time + 1): each for each in fit.raw.cells}
    assert len(cells) == len(own)
    for each in cells:
        found = own[each["group"], each["time"]]
        assert found.value == pytest.approx(each["value"], rel=1e-9)
        assert np.sqrt((found.influence**2).sum()) == pytest.approx(each["std_error"], rel=1e-9)


def test_averages_agree_with_means_and_covariances_in_r(frame: Callable[..., Any]) -> None:
    fit = fitted(frame(FRAME))
    events = {**CASE["events"], "overall": CASE["overall"]}
    for term, each in events.items():
        kind = "effect" if term == "overall" else "lead" if term.startswith("-") else "event time"
        assert row(fit, term, kind)["value"] == pytest.approx(each["value"], rel=1e-9)
        assert row(fit, term, kind)["std_error"] == pytest.approx(each["std_error"], rel=1e-9)
    two = row(fit, "overall", "two_way")
    assert two["value"] == pytest.approx(CASE["two_way"]["value"], rel=1e-9)
    assert two["std_error"] == pytest.approx(CASE["two_way"]["std_error"], rel=1e-9)


def test_one_group_and_two_periods_are_the_difference_in_differences() -> None:
    short = FRAME[FRAME["month"].isin([2, 3]) & (FRAME["start"] != 4)]
    fit = fitted(short)
    wide = short.pivot(index="who", columns="month", values="y")
    change = wide[3] - wide[2]
    treated = short.groupby("who")["start"].first().notna()
    naive = change[treated].mean() - change[~treated].mean()
    for kind in ("effect", "two_way"):
        assert row(fit, "overall", kind)["value"] == pytest.approx(naive, rel=1e-12)
    assert "lead_p" not in fit.quality
    assert "cannot be seen" in fit.method
    assert fit.quality["two_way_negative"] == 0


def test_two_way_effects_mislead_where_effects_grow() -> None:
    """All are treated in the end, the effect is above 0 in every unit and period, and yet."""
    fit = fitted(made(600, np.random.default_rng(2), never=False), options=RolloutOptions())
    overall, naive = row(fit, "overall", "effect"), row(fit, "overall", "two_way")
    assert naive["high"] < overall["low"]
    assert fit.quality["two_way_negative"] > 0.1
    assert (overall["value"] - naive["value"]) / overall["value"] > 0.2
    for event, truth in ((0, 0.75), (1, 1.5), (2, 3.0)):  # two periods after, nobody is left beside the first group
        there = row(fit, f"+{event}", "event time")
        assert abs(there["value"] - truth) < 3.3 * there["std_error"]


def test_other_trends_before_are_shown() -> None:
    rng = np.random.default_rng(3)
    assert fitted(made(600, rng)).quality["lead_p"] > 0.05
    other = fitted(made(600, rng, trend=0.3))
    assert other.quality["lead_p"] < 0.001
    assert "IMPROPER" in repr(other)


def test_adjusting_takes_out_trends_of_who_was_chosen() -> None:
    """Large customers get the redesign, and grow anyway."""
    rng = np.random.default_rng(4)
    n = 800
    size = rng.normal(size=n)
    start = np.where(size + rng.normal(size=n) > 0, 2.0, nan)
    month = np.arange(4)
    y = size[:, None] * 0.5 * month + rng.normal(size=(n, 4)) + 0.4 * (month >= start[:, None])
    data = pd.DataFrame({
        "who": np.repeat(np.arange(n), 4), "month": np.tile(month, n), "start": np.repeat(start, 4), "y": y.ravel(),
        "x": np.repeat(size, 4),
    })  # fmt: skip
    assert row(fitted(data), "overall", "effect")["low"] > 0.5
    own = row(fitted(data, adjust=("x",)), "overall", "effect")
    assert own["low"] < 0.4 < own["high"]


def test_what_is_left_out_is_counted() -> None:
    data = FRAME.copy()
    data.loc[0, "y"] = nan  # one outcome
    data = data.drop(index=[7])  # one period
    data.loc[data["who"] == 2, "start"] = 1  # treated all the time
    fit = fitted(data)
    assert (fit.quality["n_missing"], fit.quality["n_always"], fit.quality["n"]) == (2, 1, 77)
    assert fit.quality["n_controls"] == 35


def test_periods_between_which_a_roll_out_fell() -> None:
    data = FRAME.assign(start=FRAME["start"] - 0.5)
    assert row(fitted(data), "overall", "effect")["value"] == row(fitted(), "overall", "effect")["value"]


@pytest.mark.slow
def test_intervals_cover_where_two_way_effects_do_not() -> None:
    rng = np.random.default_rng(5)
    runs, cover, naive, leads, event = 700, 0, 0, 0, 0
    for _ in range(runs):
        fit = fitted(made(150, rng), options=RolloutOptions())
        found, two = row(fit, "overall", "effect"), row(fit, "overall", "two_way")
        cover += found["low"] <= TRUE <= found["high"]
        event += row(fit, "+1", "event time")["low"] <= 1.5 <= row(fit, "+1", "event time")["high"]
        naive += two["low"] <= TRUE <= two["high"]
        leads += fit.quality["lead_p"] < 0.05
    assert 0.935 <= cover / runs <= 0.965
    assert 0.935 <= event / runs <= 0.965
    assert naive / runs < 0.2
    assert 0.03 <= leads / runs <= 0.09


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (FRAME[FRAME["month"] == 3], SampleError, "one period"),
        (FRAME.assign(start=nan), SampleError, "No complete unit is treated"),
        (FRAME.assign(start=1), SampleError, "tells nothing"),
        (FRAME.assign(start=3), ModelError, "never treated|not yet"),
        (FRAME[FRAME["start"].notna()], ModelError, "not yet"),
        (FRAME[(FRAME["start"] != 4) | (FRAME["who"] == 25)], SampleError, "One unit alone is treated from 4"),
        (pd.concat([FRAME, FRAME[:2]]), UnitError, "2 units and periods"),
        (FRAME.assign(start=FRAME["start"].where(FRAME.index > 0, 4)), UnitError, "several values of 'start'"),
        (FRAME.assign(month=FRAME["month"].where(FRAME.index > 0)), AnswerError, "no 'month'"),
        (FRAME.assign(month=np.arange(len(FRAME))), ArgumentError, "time stamp"),
        (FRAME.assign(y="high"), AnswerError, "'y'"),
    ],
)
def test_refusals(data: pd.DataFrame, error: type[CxuxError], words: str) -> None:
    with pytest.raises(error, match=words):
        fitted(data)


def test_more_refusals() -> None:
    with pytest.raises(ModelError, match="same value"):
        fitted(FRAME.assign(x=1), adjust=("x",))
    with pytest.raises(ModelError, match="change alike"):
        fitted(FRAME.assign(y=FRAME["month"] + FRAME["who"]))
    with pytest.raises(ModelError, match="nobody to compare"):
        fitted(FRAME.assign(start=3), options=RolloutOptions())
    with pytest.raises(ArgumentError, match="not yet"):
        RolloutOptions(controls="all")  # type: ignore[arg-type]
