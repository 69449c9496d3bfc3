"""Penalties and rewards: a ceiling fakes no must-be, and the figures are those of statsmodels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, UnitError
from cxuxlib.models import linear, ordered_logit, penalty_reward

Native = Callable[..., Any]
XS = ["a", "b", "c"]
ENDS = dict.fromkeys(XS, (1, 5))
SLOPES = {"a": 0.6, "b": 0.4, "c": 0.2}
FIGURES = ["value", "std_error", "low", "high", "p"]
AT_THE_TOP = (1.0, 2.0, 2.8, 3.4)
Cuts = tuple[float, ...]
SKEWED: Cuts = (-1.8, -1.1, -0.3, 0.7)


def linear_world(n: int, rng: np.random.Generator, drivers: Cuts = SKEWED, steps: Cuts = AT_THE_TOP) -> pd.DataFrame:
    """Drivers that add up on the latent scale, and an outcome of 1 to 5 that piles up at the top."""
    z = np.sqrt(0.4) * rng.normal(size=(n, 1)) + np.sqrt(0.6) * rng.normal(size=(n, 3))
    frame = pd.DataFrame(1 + np.digitize(z, drivers), columns=XS)
    return frame.assign(y=1 + np.digitize(frame @ np.array(list(SLOPES.values())) + rng.logistic(size=n), steps))


def of(table: pd.DataFrame, scale: str, effect: str) -> pd.DataFrame:
    return table[(table["scale"] == scale) & (table["effect"] == effect)].set_index("driver")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = linear_world(900, rng)
    return frame.assign(w=rng.choice([0.5, 1.0, 2.0], 900), shop=rng.integers(0, 80, 900))


# --- the ceiling ----------------------------------------------------------------------------------


def test_a_ceiling_makes_every_driver_a_must_be_in_a_linear_regression_and_none_in_ours() -> None:
    data = linear_world(20_000, np.random.default_rng(1))
    assert (data["y"] == 5).mean() > 0.6
    found = penalty_reward(data, "y", ENDS)
    naive, ours = of(found, "naive linear", "asymmetry"), of(found, "latent", "asymmetry")
    assert (naive["high"] < 0).all()
    assert set(naive["kind"]) == {"must-be"}
    assert (ours["low"] < 0).all()
    assert (ours["high"] > 0).all()
    assert ours.loc["a", "kind"] == "performance"
    for name, slope in SLOPES.items():
        for effect, true in (("penalty", -slope), ("reward", slope)):
            row = of(found, "latent", effect).loc[name]
            assert abs(row["value"] - true) < 3.5 * row["std_error"] < 0.2


def test_kinds_that_are_there_are_found_and_what_is_not_decided_is_left_open() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.integers(1, 6, (4000, 4)), columns=["works", "fun", "fast", "logo"])
    latent = 1.2 * np.minimum(frame["works"], 3) + 1.2 * np.maximum(frame["fun"], 3) + 0.8 * frame["fast"]
    frame["y"] = np.digitize(latent + rng.logistic(size=4000), [6, 7.5, 9, 10])
    found = penalty_reward(frame, "y", ["works", "fun", "fast", "logo"])
    kinds = {"works": "must-be", "fun": "attractive", "fast": "performance", "logo": "undecided"}
    assert of(found, "latent", "penalty")["kind"].to_dict() == kinds
    few = penalty_reward(frame.head(60), "y", ["fast", "logo"])
    assert set(few.query("scale == 'latent'")["kind"]) == {"undecided"}


def test_steps_differ_where_answers_lie_unequally_far_from_the_middle_and_points_do_not() -> None:
    data = linear_world(60_000, np.random.default_rng(3), (-2.2, -1.4, -0.6, 0.0), (2.0, 3.2, 4.2, 5.2))
    points, steps = (of(penalty_reward(data, "y", ENDS, per=per), "latent", "asymmetry") for per in ("point", "step"))
    assert (points["p"] > 0.01).all()
    assert (steps["low"] > 0).all()


@pytest.mark.slow
def test_the_test_of_asymmetry_errs_as_often_as_it_says_and_intervals_cover() -> None:
    wrong, naive, covered = [], [], []
    for seed in range(250):
        found = penalty_reward(linear_world(1200, np.random.default_rng([7, seed])), "y", ENDS)
        wrong.append(of(found, "latent", "asymmetry")["p"] < 0.05)
        naive.append(of(found, "naive linear", "asymmetry")["p"] < 0.05)
        for effect, sign in (("penalty", -1), ("reward", 1)):
            rows, true = of(found, "latent", effect), sign * pd.Series(SLOPES)
            covered.append((rows["low"] <= true) & (true <= rows["high"]))
    assert 0.03 < np.mean(wrong) < 0.07  # 750 tests, simulation error .008
    assert 0.935 < np.mean(covered) < 0.965  # 1,500 intervals, simulation error .006
    assert np.mean(naive, axis=0)[0] > 0.5


# --- second derivations ---------------------------------------------------------------------------


@pytest.mark.parametrize("per", ["point", "step"])
def test_figures_are_those_of_statsmodels(data: pd.DataFrame, per: str) -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    few = data.head(400)
    columns = []
    for name in XS:
        away = few[name].to_numpy() - 3.0
        columns += [away.clip(max=0), away.clip(min=0)] if per == "point" else [away < 0, away > 0]
    x = np.column_stack(columns).astype(float)
    model = OrderedModel(few["y"].to_numpy(), x, distr="logit")
    fit = model.fit(method="bfgs", disp=0, gtol=1e-8, maxiter=500)
    spread = np.linalg.inv(-model.hessian(fit.params))
    found = penalty_reward(few[["y", *XS]], "y", ENDS, per=per)
    sign = -1 if per == "point" else 1
    for i, name in enumerate(XS):
        below, above = fit.params[2 * i], fit.params[2 * i + 1]
        part = spread[2 * i : 2 * i + 2, 2 * i : 2 * i + 2]
        both = part[0, 0] + part[1, 1] + 2 * sign * part[0, 1]
        expected = {
            "penalty": (sign * below, part[0, 0]), "reward": (above, part[1, 1]),
            "asymmetry": (sign * below + above, both),
        }  # fmt: skip
        for effect, (value, variance) in expected.items():
            row = of(found, "latent", effect).loc[name]
            assert row["value"] == pytest.approx(value, abs=1e-5)
            assert row["std_error"] == pytest.approx(np.sqrt(variance), abs=1e-5)


@pytest.mark.parametrize("unit", [None, "shop"])
@pytest.mark.parametrize("weight", [None, "w"])
def test_both_scales_are_the_regressions_on_hinges(data: pd.DataFrame, unit: str | None, weight: str | None) -> None:
    found = penalty_reward(data, "y", ENDS, unit=unit, weight=weight)
    formula = "y ~ " + " + ".join(f"np.minimum({x} - 3, 0) + np.maximum({x} - 3, 0)" for x in XS)
    for scale, fit in (
        ("latent", ordered_logit(formula, data, unit=unit, weight=weight)),
        ("naive linear", linear(formula, data, unit=unit, weight=weight)),
    ):
        slopes = fit.terms[fit.terms["kind"] == "slope"].set_index("term")
        for name in XS:
            reward, below = slopes.loc[f"np.maximum({name} - 3, 0)"], slopes.loc[f"np.minimum({name} - 3, 0)"]
            own = of(found, scale, "reward").loc[name, FIGURES]
            assert own.to_numpy(float) == pytest.approx(reward[FIGURES].to_numpy(float), rel=1e-9)
            penalty = of(found, scale, "penalty").loc[name]
            assert penalty["value"] == pytest.approx(-below["value"], rel=1e-9)
            assert [penalty["low"], penalty["high"]] == pytest.approx([-below["high"], -below["low"]], rel=1e-9)


# --- one answer from rows, counts and every engine ------------------------------------------------


def test_engines_agree(data: pd.DataFrame, frame: Native) -> None:
    expected, found = (penalty_reward(each, "y", ENDS, weight="w", unit="shop") for each in (data, frame(data)))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_counts_give_the_figures_of_rows(data: pd.DataFrame) -> None:
    counted = data.groupby(["y", *XS]).size().rename("n").reset_index()
    found = penalty_reward(counted, "y", ENDS, frequency="n")
    pd.testing.assert_frame_equal(found, penalty_reward(data[["y", *XS]], "y", ENDS), rtol=1e-9)


def test_names_may_hold_anything_but_a_backtick_or_be_a_number(data: pd.DataFrame) -> None:
    odd = data.rename(columns={"a": "wait, in min (1–5)", "b": "2nd", "y": "C(y) ~ z"})
    found = penalty_reward(odd, "C(y) ~ z", ["wait, in min (1–5)", "2nd"])
    plain = penalty_reward(data, "y", ["a", "b"])
    assert found["value"].to_numpy() == pytest.approx(plain["value"].to_numpy())
    for name in ("a`", "1", "2.5"):
        with pytest.raises(ArgumentError, match="is a number or has a backtick"):
            penalty_reward(data.rename(columns={"a": name}), "y", [name])


def test_a_scale_of_an_even_number_has_two_answers_in_its_middle(data: pd.DataFrame) -> None:
    ten = data.assign(a=np.random.default_rng(1).integers(1, 11, len(data)))
    found = of(penalty_reward(ten, "y", ["a"], per="step"), "latent", "penalty").loc["a"]
    assert found["middle"] == 5.5
    assert found["n_below"] == (ten["a"] < 5).sum()
    assert found["n_above"] == (ten["a"] > 6).sum()


def test_the_middle_may_be_elsewhere(data: pd.DataFrame) -> None:
    found = penalty_reward(data, "y", {"a": (1, 4, 5)})
    assert set(found["middle"]) == {4}
    assert set(found["n_above"]) == {(data["a"] == 5).sum()}


def test_an_outcome_of_texts_is_a_rank_to_the_naive(data: pd.DataFrame) -> None:
    order = ["never", "no", "so so", "yes", "gladly"]
    texts = data.assign(y=pd.Categorical.from_codes(data["y"] - 1, categories=order, ordered=True))
    found, plain = penalty_reward(texts, "y", ENDS), penalty_reward(data, "y", ENDS)
    assert found[FIGURES].to_numpy() == pytest.approx(plain[FIGURES].to_numpy())
    assert found["method"].str.contains("as a rank").tolist() == [False] * 9 + [True] * 9


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("drivers", "error", "said"), [
    ("a", ArgumentError, "drivers is a list"),
    ([], ArgumentError, "at least 1"),
    (["a", "y"], ArgumentError, "'y' is named more than once"),
    (["a", "z"], ColumnError, "'z'"),
    ({"a": (1, 2, 3, 4)}, ArgumentError, r"drivers\['a'\]"),
    ({"a": (2, 5)}, AnswerError, "outside its scale 2 to 5"),
    ({"a": (-1, 5)}, None, ""),
    ({"a": (-9, 5)}, ModelError, r"Nobody answers 'a' below its middle, -2.*drivers=\{'a': \(-9, middle, 5\)"),
    ({"a": (1, 5), "twin": (1, 5)}, ModelError, "determine each other"),
])  # fmt: skip
def test_bad_drivers_are_named(data: pd.DataFrame, drivers: object, error: type[CxuxError] | None, said: str) -> None:
    table = data.assign(twin=data["a"])
    if error is None:
        assert set(penalty_reward(table, "y", drivers)["middle"]) == {2}
        return
    with pytest.raises(error, match=said):
        penalty_reward(table, "y", drivers)


def test_other_bad_input_is_named(data: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="There is no per 'slope'"):
        penalty_reward(data, "y", ENDS, per="slope")
    with pytest.raises(ModelError, match="Nobody answers 'a' at its middle, 3; take per='point'"):
        penalty_reward(data[data["a"] != 3], "y", {"a": (1, 5)}, per="step")
    with pytest.raises(ModelError, match="separates the answers"):
        penalty_reward(data.assign(y=data["a"]), "y", {"a": (1, 5)})
    with pytest.raises(UnitError, match="user_id"):
        penalty_reward(data.assign(user_id=1), "y", ENDS)
    with pytest.raises(ArgumentError, match="level"):
        penalty_reward(data, "y", ENDS, level=0)


def test_missing_answers_are_left_out_and_counted(data: pd.DataFrame) -> None:
    holes = data.assign(b=data["b"].mask(np.arange(len(data)) < 30))
    found = penalty_reward(holes, "y", ENDS)
    assert set(found["n_missing"]) == {30}
    assert set(found["n"]) == {870}
    assert found["value"].to_numpy() == pytest.approx(penalty_reward(data.iloc[30:], "y", ENDS)["value"].to_numpy())
