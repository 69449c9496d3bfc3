"""Event studies: effects as roll-outs tell them, half-times as planted, and what they refuse."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError
from cxuxlib.models import EventOptions, difference_in_differences, event_study
from cxuxlib.results import Fit
from cxuxlib.stats.halfway import crossing, halfway, quantiles

WAVES = 9
FAST, SLOW = np.array([1.0, 1, 1, 1, 1]), np.array([0.2, 0.4, 0.7, 1.0, 1.0])  # effects since the redesign
PLAIN = EventOptions()


def made(
    n: int, rng: np.random.Generator, *, starts: tuple[float, ...] = (3, 4, nan), noise: float = 1.0
) -> pd.DataFrame:
    """UX rises at once, CX by and by; both grow anyway, and go together in a customer."""
    start = rng.choice(np.array(starts), n)
    wave = np.arange(WAVES)
    since = np.nan_to_num(np.clip(wave - start[:, None] + 1, 0, 5)).astype(int)
    lasts = rng.normal(size=(n, 1))
    shock = rng.normal(size=(n, WAVES))
    frame = {"who": np.repeat(np.arange(n), WAVES), "wave": np.tile(wave, n), "start": np.repeat(start, WAVES)}
    for name, path in (("ux", FAST), ("cx", SLOW)):
        effect = np.concatenate([[0.0], path])[since]
        own = lasts + 0.4 * wave + effect + noise * (0.6 * shock + 0.8 * rng.normal(size=(n, WAVES)))
        frame[name] = own.ravel()
    return pd.DataFrame(frame)


FRAME = made(300, np.random.default_rng(1))
ONE = FRAME.loc[FRAME["start"].notna(), "who"].iloc[0]
HALF_SLOW, HALF_FAST = 2 + (0.5 - 0.4) / 0.3, 0.5


def fitted(data: Any = FRAME, outcomes: Any = ("cx", "ux"), *, options: EventOptions = PLAIN, adjust: Any = ()) -> Fit:
    return event_study(data, outcomes, unit="who", wave="wave", treated_from="start", options=options, adjust=adjust)


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


def test_paths_cross_half_where_straight_lines_do() -> None:
    """Against interpolation of the path's inverse, on paths that only rise."""
    rng = np.random.default_rng(2)
    paths = rng.exponential(size=(50, 6)).cumsum(axis=1)
    target = paths[:, -2:].mean(axis=1) / 2
    own = [np.interp(t, np.r_[0, path], np.arange(7)) for t, path in zip(target, paths, strict=True)]
    assert crossing(paths, target) == pytest.approx(np.array(own), rel=1e-12)
    assert [halfway(path, paths, 2).value for path in paths] == pytest.approx(own, rel=1e-12)
    assert [halfway(-path, -paths, 2).value for path in paths] == pytest.approx(own, rel=1e-12)


def test_first_crossing_counts_where_a_path_comes_back() -> None:
    assert crossing(np.array([[3.0, 1.0, 2.0, 2.0]]), np.array([1.5]))[0] == 0.5
    assert crossing(np.array([[0.0, -1.0, 1.0]]), np.array([3.0]))[0] == inf


def test_draws_without_a_lasting_effect_widen_the_interval() -> None:
    path = np.array([1.0, 2.0])
    found = halfway(path, np.vstack([np.tile(path, (90, 1)), np.tile(-path, (10, 1))]), 1)
    assert quantiles(found.early, found.late, 0.9) == (0.0, inf)
    assert quantiles(found.early, found.late, 0.5) == (1.0, 1.0)


def test_effects_are_those_of_the_roll_out(frame: Callable[..., Any]) -> None:
    fit = fitted(frame(FRAME))
    for name in ("cx", "ux"):
        other = difference_in_differences(FRAME, name, unit="who", time="wave", treated_from="start")
        told = other.terms[other.terms["kind"].isin(["lead", "event time"])]
        own = fit.terms[(fit.terms["term"] == name) & fit.terms["kind"].isin(told["term"])]
        assert own["value"].to_numpy() == pytest.approx(told["value"].to_numpy(), rel=1e-12)
        assert own["std_error"].to_numpy() == pytest.approx(told["std_error"].to_numpy(), rel=1e-12)
        assert fit.quality[f"{name}_lead_p"] == pytest.approx(other.quality["lead_p"], rel=1e-12)
        last = told.set_index("term").loc[["+3", "+4"], "value"].mean()
        assert row(fit, name, "lasting")["value"] == pytest.approx(last, rel=1e-12)
    assert fit.quality["horizon"] == 4


def test_planted_times() -> None:
    fit = fitted(made(3000, np.random.default_rng(3)))
    for term, truth in (("cx", HALF_SLOW), ("ux", HALF_FAST), ("cx - ux", HALF_SLOW - HALF_FAST)):
        found = row(fit, term, "half")
        assert found["low"] < truth < found["high"]
        assert found["high"] - found["low"] < 0.8
    assert row(fit, "cx - ux", "half")["p"] < 0.001


def test_without_controls_growth_passes_for_a_slow_effect() -> None:
    """The naive path, of the treated alone, of what rises at once."""
    data = made(3000, np.random.default_rng(4))
    own = data[data["start"] == 3].groupby("wave")["ux"].mean()
    path = (own - own[2])[3:8].to_numpy()
    naive = halfway(path, path[None], 2).value
    assert naive == pytest.approx(1.0, abs=0.1)  # 1.4 of a lasting 2.8, after one wave
    assert row(fitted(data), "ux", "half")["high"] < 0.7


def test_a_path_without_noise_is_read_off() -> None:
    fit = fitted(made(300, np.random.default_rng(5), noise=1e-6), "cx")
    assert row(fit, "cx", "half")["value"] == pytest.approx(HALF_SLOW, abs=1e-4)
    assert row(fit, "cx", "half")["high"] - row(fit, "cx", "half")["low"] < 1e-3
    assert set(fit.terms["term"]) == {"cx"}


def test_falling_and_rising_take_as_long() -> None:
    fallen = fitted(FRAME.assign(cx=-FRAME["cx"], ux=-FRAME["ux"]))
    for term in ("cx", "ux", "cx - ux"):
        assert row(fallen, term, "half")["value"] == pytest.approx(row(fitted(), term, "half")["value"], rel=1e-9)


def test_no_lasting_effect_has_no_half() -> None:
    flat = FRAME.assign(cx=np.random.default_rng(6).normal(size=len(FRAME)))
    fit = fitted(flat)
    assert np.isnan(row(fit, "cx", "half")["value"])
    assert np.isnan(row(fit, "cx - ux", "half")["value"])
    assert np.isfinite(row(fit, "ux", "half")["value"])
    assert "no lasting effect on cx" in fit.method


def test_an_end_that_was_not_seen_is_infinite_and_said() -> None:
    """An effect that is told from 0 by a hair, so that about a draw in forty has none."""
    own = row(fitted(outcomes="cx"), "cx", "lasting")
    shift = (1.962 * own["std_error"] - own["value"]) * (FRAME["wave"] >= FRAME["start"])
    fits = [
        fitted(FRAME.assign(cx=FRAME["cx"] + shift), "cx", options=EventOptions(draws=200, rng=k)) for k in range(9)
    ]
    endless = [bool(np.isinf(row(fit, "cx", "half")["high"])) for fit in fits]
    assert any(endless)
    assert endless == ["later than was seen" in fit.method for fit in fits]


def test_effects_that_still_grow_are_told() -> None:
    data = made(3000, np.random.default_rng(7), starts=(5, nan))
    fit = fitted(data)  # up to +3, where CX has grown from .7 to 1
    assert fit.quality["cx_still_p"] < 0.01 < fit.quality["ux_still_p"]
    assert "still changes from +2 to +3" in fit.method
    assert "IMPROPER" in repr(fit)


def test_groups_treated_late_are_left_out_and_counted() -> None:
    data = made(600, np.random.default_rng(8), starts=(3, 7, nan))
    with pytest.raises(SampleError, match=r"up to \+1.*horizon"):
        fitted(data)
    fit = fitted(data, options=EventOptions(horizon=4))
    assert fit.quality["n_late"] == (data.groupby("who")["start"].first() == 7).sum()
    assert fit.quality["horizon"] == 4


def test_units_are_those_with_both_outcomes() -> None:
    data = FRAME.copy()
    data.loc[0, "cx"], data.loc[WAVES, "ux"] = nan, nan
    assert fitted(data).quality["n_missing"] == 2
    assert fitted(data, "cx").quality["n_missing"] == 1


def test_draws_repeat() -> None:
    pd.testing.assert_frame_equal(fitted().terms, fitted().terms)
    other = fitted(options=EventOptions(rng=2))
    assert row(other, "cx", "half")["low"] != row(fitted(), "cx", "half")["low"]
    assert row(other, "cx", "half")["low"] == pytest.approx(row(fitted(), "cx", "half")["low"], abs=0.1)


@pytest.mark.parametrize(
    ("data", "outcomes", "options", "error", "words"),
    [
        (FRAME.assign(start=nan), "cx", PLAIN, SampleError, "No complete unit is treated"),
        (FRAME[FRAME["start"].notna()].assign(start=3), "cx", PLAIN, ModelError, "nobody to compare"),
        (FRAME[FRAME["wave"] == 5], "cx", PLAIN, SampleError, "one period"),
        (FRAME.assign(start=FRAME["start"] * 0), "cx", PLAIN, SampleError, "from the first period on"),
        (FRAME.assign(start=FRAME["start"].where(FRAME["who"] == ONE)), "cx", PLAIN, SampleError, "One unit alone"),
        (FRAME[FRAME["wave"] != 5], "cx", PLAIN, ArgumentError, "not equally far apart"),
        (FRAME, "cx", EventOptions(horizon=8), SampleError, "up to 8 waves"),
        (FRAME, "cx", EventOptions(lasting=5), SampleError, "up to"),
        (FRAME, [], PLAIN, ArgumentError, "at least one"),
        (FRAME, ["cx", "cx"], PLAIN, ArgumentError, "two places"),
        (FRAME, 3, PLAIN, ArgumentError, "outcomes is a list"),
        (FRAME.assign(cx="high"), "cx", PLAIN, AnswerError, "'cx'"),
    ],
)
def test_refusals(data: Any, outcomes: Any, options: EventOptions, error: type[CxuxError], words: str) -> None:
    with pytest.raises(error, match=words):
        fitted(data, outcomes, options=options)


def test_options_are_checked() -> None:
    for given in ({"lasting": 0}, {"horizon": 0}, {"draws": 10}, {"lasting": 1.5}):
        with pytest.raises(ArgumentError, match="whole number"):
            EventOptions(**given)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="not yet"):
        EventOptions(controls="all")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="EventOptions"):
        fitted(options=3)  # type: ignore[arg-type]


@pytest.mark.slow
def test_intervals_of_times_cover() -> None:
    rng = np.random.default_rng(9)
    runs, cover, truth = 400, np.zeros(3), (HALF_SLOW, HALF_FAST, HALF_SLOW - HALF_FAST)
    for _ in range(runs):
        fit = fitted(made(600, rng), options=EventOptions(draws=1000))
        for i, term in enumerate(("cx", "ux", "cx - ux")):
            found = row(fit, term, "half")
            cover[i] += found["low"] <= truth[i] <= found["high"]
    assert (cover / runs >= 0.935).all()
    assert (cover / runs <= 0.965).all()
