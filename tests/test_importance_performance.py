"""Importance against performance: both are what they are elsewhere, and doubt is not put into a quadrant."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib import plots, text
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError
from cxuxlib.models import importance_performance, key_drivers, penalty_reward
from cxuxlib.results import Moments

Native = Callable[..., Any]
XS = ["food", "staff", "art", "queue"]
ENDS = dict.fromkeys(XS, (1, 5))


def made(n: int, seed: int = 1) -> pd.DataFrame:
    """Food matters and is bad, staff matters and is good, the queue matters little and is bad, the art is good."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 4)) + np.array([-0.7, 0.7, 0.7, -0.7])
    frame = pd.DataFrame(np.clip(np.round(3 + z), 1, 5), columns=XS)
    return frame.assign(y=frame["food"] + frame["staff"] + 0.1 * frame["queue"] + rng.normal(size=n))


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return made(3000).round({"y": 1}).assign(w=np.random.default_rng(2).choice([0.5, 2.0], 3000))


def test_planted_quadrants_are_found_and_few_answers_leave_them_undecided(data: pd.DataFrame) -> None:
    found = importance_performance(data, "y", ENDS).set_index("driver")["quadrant"]
    assert found.to_dict() == {
        "food": "concentrate here", "staff": "keep up", "art": "possible overkill", "queue": "low priority",
    }  # fmt: skip
    few = importance_performance(made(12), "y", ENDS)
    assert (few["quadrant"] == "undecided").sum() >= 2


def test_a_quadrant_is_given_only_where_both_intervals_lie_on_one_side(data: pd.DataFrame) -> None:
    plain = importance_performance(data, "y", ENDS).set_index("driver")
    edge = (0.15, float(plain.loc["food", "performance_high"]))
    assert importance_performance(data, "y", ENDS, cuts=edge).set_index("driver").loc["food", "quadrant"] == "undecided"
    over = (0.15, edge[1] + 1e-9)
    assert (
        importance_performance(data, "y", ENDS, cuts=over).set_index("driver").loc["food", "quadrant"]
        == "concentrate here"
    )
    assert "cuts: as given" in importance_performance(data, "y", ENDS, cuts=over)["method"].iloc[0]


def test_importance_is_that_of_key_drivers_and_performance_the_mean(data: pd.DataFrame) -> None:
    found = importance_performance(data, "y", ENDS, level=0.9)
    shares = key_drivers(data, "y", XS, level=0.9).terms.query("kind == 'lmg'")
    assert found[["importance", "importance_low", "importance_high"]].to_numpy() == pytest.approx(
        shares[["value", "low", "high"]].to_numpy()
    )
    assert found["importance_cut"].iloc[0] == pytest.approx(shares["value"].mean())
    for row in found.to_dict("records"):
        rated = 25 * (data[row["driver"]] - 1)
        low, high = stats.t.interval(0.9, len(rated) - 1, rated.mean(), stats.sem(rated))
        assert [row["performance"], row["performance_low"], row["performance_high"]] == pytest.approx(
            [rated.mean(), low, high], rel=1e-9
        )
    assert found["performance_cut"].iloc[0] == pytest.approx(found["performance"].mean())


def test_weights_are_those_of_a_weighted_mean(data: pd.DataFrame) -> None:
    found = importance_performance(data, "y", ENDS, weight="w").set_index("driver")
    rated, w = 25 * (data["food"] - 1), data["w"]
    mean = np.average(rated, weights=w)
    error = np.sqrt((w**2 * (rated - mean) ** 2).sum() * 3000 / 2999) / w.sum()
    assert found.loc["food", "performance"] == pytest.approx(mean)
    half = found.loc["food", "performance_high"] - mean
    assert half == pytest.approx(stats.t.ppf(0.975, 2999) * error)


@pytest.mark.slow
def test_intervals_of_performance_cover() -> None:
    truth = 25 * (made(2_000_000, 99)[XS].mean() - 1)
    covered = []
    for seed in range(300):
        found = importance_performance(made(200, seed + 100), "y", ENDS).set_index("driver")
        covered.append((found["performance_low"] <= truth) & (truth <= found["performance_high"]))
    assert 0.93 < np.mean(covered) < 0.97  # 1,200 intervals, simulation error .006


def test_engines_agree(data: pd.DataFrame, frame: Native) -> None:
    expected, found = (importance_performance(each, "y", ENDS, weight="w") for each in (data, frame(data)))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_counts_and_moments_give_the_figures_of_rows(data: pd.DataFrame) -> None:
    plain = importance_performance(data, "y", ENDS)
    counted = data.groupby(["y", *XS]).size().rename("n").reset_index()
    pd.testing.assert_frame_equal(importance_performance(counted, "y", ENDS, frequency="n"), plain, rtol=1e-9)
    columns = ("y", *XS)
    moments = Moments(3000, columns, data[list(columns)].mean().to_numpy(), data[list(columns)].cov().to_numpy())
    found = importance_performance(moments, "y", ENDS)
    same = ["importance", "performance", "performance_low", "performance_high"]
    assert found[same].to_numpy() == pytest.approx(plain[same].to_numpy())


def test_scales_that_differ_must_be_said_and_each_goes_from_0_to_100(data: pd.DataFrame) -> None:
    wide = data.assign(food=2 * data["food"] - 2)
    with pytest.raises(ArgumentError, match="0 to 8 in 'food'"):
        importance_performance(wide, "y", XS)
    found, plain = (importance_performance(*each) for each in ((wide, "y", ENDS | {"food": (0, 8)}), (data, "y", XS)))
    assert found["performance"].to_numpy() == pytest.approx(plain["performance"].to_numpy())


@pytest.mark.parametrize(("drivers", "error", "said"), [
    (["food"], ArgumentError, "at least 2"),
    (["food", "y"], ArgumentError, "'y' is named more than once"),
    (["food", "shops"], ColumnError, "'shops'"),
    (ENDS | {"food": (2, 5)}, AnswerError, "'food' has answers 1 to 5, outside its scale 2 to 5"),
    (ENDS | {"twin": (1, 5)}, ModelError, "determine each other"),
    (ENDS | {"flat": (1, 5)}, ModelError, "same in 'flat'"),
])  # fmt: skip
def test_bad_drivers_are_named(data: pd.DataFrame, drivers: object, error: type[CxuxError], said: str) -> None:
    with pytest.raises(error, match=said):
        importance_performance(data.assign(twin=data["food"], flat=3), "y", drivers)


def test_other_bad_input_is_named(data: pd.DataFrame) -> None:
    for cuts in (0.5, (0.1,), (0.1, "high"), (0.1, float("nan"))):
        with pytest.raises(ArgumentError, match="cuts is two numbers"):
            importance_performance(data, "y", ENDS, cuts=cuts)
    with pytest.raises(SampleError, match="0 complete rows of 3,000"):
        importance_performance(data.assign(art=np.nan), "y", ENDS)
    moments = Moments(90, ("y", *XS), np.full(5, 3.0), np.eye(5))
    with pytest.raises(ArgumentError, match="do not hold the ends"):
        importance_performance(moments, "y", XS)
    with pytest.raises(AnswerError, match="mean 3, outside its scale 4 to 5"):
        importance_performance(moments, "y", ENDS | {"art": (4, 5)})


def test_missing_answers_are_left_out_and_counted(data: pd.DataFrame) -> None:
    holes = data.assign(art=data["art"].mask(np.arange(3000) < 40))
    found = importance_performance(holes, "y", ENDS)
    assert set(found["n_missing"]) == {40}
    assert set(found["n"]) == {2960}
    same = importance_performance(data.iloc[40:], "y", ENDS)
    assert found["performance"].to_numpy() == pytest.approx(same["performance"].to_numpy())


# --- pictures -------------------------------------------------------------------------------------


def shown(value: float, low: float, high: float) -> str:
    return f"{text.number(value, text.decimals(low, high))} {text.interval(low, high)}"


def test_the_map_says_what_it_shows_and_follows_its_artists(data: pd.DataFrame) -> None:
    table = importance_performance(data, "y", ENDS)
    sentence = repr(plots.importance_performance(table, title="Mind the food"))
    for row in table.to_dict("records"):
        importance = shown(*(row[f"importance{end}"] for end in ("", "_low", "_high")))
        performance = shown(*(row[f"performance{end}"] for end in ("", "_low", "_high")))
        assert f"{row['driver']} importance {importance}, performance {performance}: {row['quadrant']}" in sentence
    assert sentence.startswith("Mind the food. Importance (share of variance, 95% interval) against Performance")
    assert repr(plots.importance_performance(table.assign(importance=0.1))) != repr(plots.importance_performance(table))
    picture = plots.importance_performance(table)
    assert picture._repr_png_()[1] == {"alt": repr(picture)}
    assert not picture.figure.get_supxlabel()
    doubt = plots.importance_performance(table.assign(quadrant="undecided"))
    assert doubt.figure.get_supxlabel().startswith("Diamond: undecided")


def test_bars_say_what_they_show_on_either_scale(data: pd.DataFrame) -> None:
    table = penalty_reward(data.assign(y=data["y"].round().clip(3, 6)), "y", ENDS)
    for scale, unit in (("latent", "log odds"), ("naive linear", "points of the outcome")):
        sentence = repr(plots.penalty_reward(table, scale=scale, title="What counts"))
        assert sentence.startswith(f"What counts. Effect of a point below and above the middle ({unit}, 95% interval)")
        rows = table[table["scale"] == scale].set_index(["driver", "effect"])
        for name in XS:
            penalty, reward = (rows.loc[(name, effect)] for effect in ("penalty", "reward"))
            said = ", ".join(
                f"{effect} {shown(row['value'], row['low'], row['high'])}"
                for effect, row in (("penalty", penalty), ("reward", reward))
            )
            assert f"{name} ({penalty['kind']}) {said}" in sentence
    assert repr(plots.penalty_reward(table.assign(value=0.5))) != repr(plots.penalty_reward(table))
    assert len(plots.penalty_reward(table).figure.legends) == 1


def test_pictures_refuse_what_they_cannot_draw(data: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"models\.importance_performance\(\); it has no 'driver', 'importance', "):
        plots.importance_performance(data)
    with pytest.raises(ArgumentError, match=r"models\.penalty_reward\(\); it has no 'scale', 'driver', "):
        plots.penalty_reward(data)
    with pytest.raises(ArgumentError, match="There is no scale 'linear'"):
        plots.penalty_reward(penalty_reward(data.assign(y=data["y"].round()), "y", ENDS), scale="linear")
