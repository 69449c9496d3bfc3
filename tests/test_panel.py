"""Effects of units and waves against R, against what was planted, and what they refuse."""

import json
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import linear, panel
from cxuxlib.results import Fit

CASE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "panels.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(CASE["rows"])
FORMULA = "y ~ x + s + plan"


def fitted(data: Any = ROWS, formula: str = FORMULA, effects: Any = "unit and wave") -> Fit:
    return panel(formula, data, unit="who", wave="wave", effects=effects)


def of(fit: Fit, kind: str) -> pd.DataFrame:
    return fit.terms[fit.terms["kind"] == kind].set_index("term")


def agrees(found: pd.DataFrame, expected: dict[str, Any], at: slice = slice(None)) -> None:
    assert len(found)
    assert found["value"].to_numpy() == pytest.approx(np.array(expected["value"][at]), rel=1e-9)
    assert found["std_error"].to_numpy() == pytest.approx(np.array(expected["std_error"][at]), rel=1e-9)


@pytest.mark.parametrize("effects", ["unit and wave", "unit", "wave"])
def test_dummies_in_r(effects: str) -> None:
    fit = fitted(effects=effects)
    agrees(of(fit, "slope"), CASE["both" if effects == "unit and wave" else effects])
    assert list(of(fit, "slope").index) == ["x", "s", "plan[T.b]", "plan[T.c]"]
    if effects == "unit and wave":
        agrees(of(fit, "pooled"), CASE["pooled"])
    assert fit.quality["n_single"] == (0 if effects == "wave" else 2)


def test_every_engine(frame: Callable[..., Any]) -> None:
    for effects in ("unit and wave", "mundlak"):
        pd.testing.assert_frame_equal(fitted(frame(ROWS), effects=effects).terms, fitted(effects=effects).terms)


def test_plm_has_the_same_values_and_arellanos_errors() -> None:
    """plm corrects nothing for the size of the sample."""
    fit, expected = fitted(), CASE["plm_twoways"]
    found = of(fit, "slope")
    assert found["value"].to_numpy() == pytest.approx(np.array(expected["value"]), rel=1e-9)
    g, n, k = fit.quality["n"], fit.quality["n_rows"], 4 + 5
    by = np.sqrt(g / (g - 1) * (n - 1) / (n - k))
    assert found["std_error"].to_numpy() == pytest.approx(by * np.array(expected["std_error"]), rel=1e-9)


def test_means_of_units_in_r() -> None:
    fit = fitted(formula=FORMULA + " + z", effects="mundlak")
    agrees(of(fit, "slope"), CASE["mundlak"], slice(0, 4))
    agrees(of(fit, "mean"), CASE["mundlak"], slice(4, 8))
    agrees(of(fit, "constant"), CASE["mundlak"], slice(8, 9))
    assert fit.quality["mundlak_F"] == pytest.approx(CASE["mundlak"]["F"], rel=1e-9)


def test_means_of_units_leave_the_slopes_of_effects() -> None:
    """An identity, whatever is missing: what changes in a unit is told alike."""
    own, other = of(fitted(effects="mundlak"), "slope"), of(fitted(), "slope")
    assert own["value"].to_numpy() == pytest.approx(other["value"].to_numpy(), rel=1e-10)


def test_grunfelds_investments() -> None:
    from statsmodels.datasets import grunfeld

    data = grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"]
    fit = panel("invest ~ value + capital", data, unit="firm", wave="year", effects="unit")
    assert of(fit, "slope")["value"].to_numpy() == pytest.approx([0.110123804, 0.310065341], abs=5e-10)
    assert of(fit, "slope")["value"].to_numpy() == pytest.approx(np.array(CASE["grunfeld"]["value"]), rel=1e-9)


def test_two_waves_are_differences() -> None:
    both = ROWS[ROWS["wave"].isin([1, 2])]
    both = both[both.groupby("who")["wave"].transform("size") == 2]
    wide = both.pivot(index="who", columns="wave", values=["y", "x"])
    change = pd.DataFrame({name: wide[name][2] - wide[name][1] for name in ("y", "x")})
    slope = linear("y ~ x", change).estimate("x").value
    assert of(fitted(both, "y ~ x"), "slope").loc["x", "value"] == pytest.approx(slope, rel=1e-10)


def made(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Those who are fond of the brand rate both high; a change of x moves y by 0.3; all grow; waves are missing."""
    waves = 6
    fond = rng.normal(size=(n, 1))
    x = fond + rng.normal(size=(n, waves)) + 0.5 * np.arange(waves)
    shock = rng.normal(size=(n, waves)).cumsum(axis=1) / 2  # errors that last
    y = 2 * fond + 0.3 * x + 0.8 * np.arange(waves) ** 1.5 + shock + rng.normal(size=(n, waves)) * (1 + x**2) / 2
    frame = pd.DataFrame({
        "who": np.repeat(np.arange(n), waves), "wave": np.tile(np.arange(waves), n), "x": x.ravel(), "y": y.ravel()
    })  # fmt: skip
    return frame[rng.random(len(frame)) > 0.2]


def test_planted_slope_where_pooling_and_trends_mislead() -> None:
    data = made(800, np.random.default_rng(1))
    found = fitted(data, "y ~ x").terms.set_index("kind")
    assert found.loc["slope", "low"] < 0.3 < found.loc["slope", "high"]
    assert found.loc["pooled", "low"] > 0.8
    trend = of(fitted(data, "y ~ x", "unit"), "slope").loc["x"]
    assert trend["low"] > 0.8
    apart = fitted(data, "y ~ x", "mundlak")
    assert apart.quality["mundlak_p"] < 1e-6
    assert "do not differ as those who change" in apart.method


def on_time(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """More hours a month with the service please, a longer task annoys; the pleased take on longer tasks."""
    months = 8
    pleased = rng.normal(size=(n, 1))
    hours = 5 + pleased + rng.normal(size=(n, months))
    task = 3 + 1.5 * pleased + rng.normal(size=(n, months))
    products = 2 + rng.binomial(1, 0.5, size=(n, months)) + (pleased > 0)
    satisfied = 2 * pleased + 0.2 * hours - 0.4 * task + 0.1 * np.arange(months) + rng.normal(size=(n, months))
    cx = pleased + 0.3 * satisfied + rng.normal(size=(n, months))  # another product does nothing by itself
    frame = pd.DataFrame({"who": np.repeat(np.arange(n), months), "wave": np.tile(np.arange(months), n)})
    made_of = {"hours": hours, "task": task, "products": products, "satisfied": satisfied, "cx": cx}
    return frame.assign(**{name: each.ravel() for name, each in made_of.items()})


def test_time_on_the_service_pleases_and_time_on_a_task_does_not() -> None:
    """Between customers both go with satisfaction."""
    terms = fitted(on_time(600, np.random.default_rng(3)), "satisfied ~ hours + task").terms.set_index(["kind", "term"])
    for name, truth in (("hours", 0.2), ("task", -0.4)):
        assert terms.loc[("slope", name), "low"] < truth < terms.loc[("slope", name), "high"]
    assert terms.loc[("slope", "task"), "high"] < 0 < terms.loc[("pooled", "task"), "low"]


def test_another_product_at_equal_ux_where_the_fond_buy_more() -> None:
    fit = fitted(on_time(2000, np.random.default_rng(4)), "cx ~ products + satisfied")
    sd = fit.quality["outcome_sd"]
    found, naive = (of(fit, kind).loc["products", ["low", "high"]].astype(float) / sd for kind in ("slope", "pooled"))
    assert -0.05 < found["low"] < 0 < found["high"] < 0.05
    assert naive["low"] > 0.05


@pytest.mark.slow
def test_intervals_cover_and_means_are_rejected_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    runs, cover, rejected = 600, 0, 0
    for _ in range(runs):
        data = made(120, rng)
        row = of(fitted(data, "y ~ x"), "slope").loc["x"]
        cover += row["low"] <= 0.3 <= row["high"]
        alike = data.assign(y=rng.normal(size=len(data)) + 0.3 * data["x"])
        rejected += fitted(alike, "y ~ x", "mundlak").quality["mundlak_p"] < 0.05
    assert 0.935 <= cover / runs <= 0.965
    assert 0.03 <= rejected / runs <= 0.07


def test_what_is_left_out_is_counted() -> None:
    data = ROWS.copy()
    data.loc[[5, 9], "x"] = nan
    data["plan"] = data["plan"].where(data.index != 20)
    fit = fitted(data)
    assert fit.quality["n_missing"] == 3
    assert fit.quality["n_rows"] + fit.quality["n_single"] == len(ROWS) - 3
    assert fit.estimate("x").n == fit.quality["n"]
    seen = data.dropna(subset=["x", "plan"])
    seen = seen[seen.groupby("who")["x"].transform("size") > 1]
    assert fit.quality["n_absent"] == seen["who"].nunique() * 5 - len(seen)
    assert fit.quality["outcome_sd"] == pytest.approx(seen["y"].std(), rel=1e-12)


def test_waves_may_be_texts_and_units_too() -> None:
    texts = ROWS.assign(wave=ROWS["wave"].map("wave {}".format), who=ROWS["who"].map("u{}".format))
    pd.testing.assert_frame_equal(fitted(texts).terms, fitted().terms)


@pytest.mark.parametrize("effects", ["unit and wave", "mundlak"])
def test_units_of_measurement_do_not_matter(effects: str) -> None:
    found, own = fitted(ROWS.assign(x=1e6 * ROWS["x"] + 1e9), effects=effects), fitted(effects=effects)
    assert 1e6 * of(found, "slope").loc["x", "value"] == pytest.approx(of(own, "slope").loc["x", "value"], rel=1e-6)
    assert found.terms["p"].to_numpy() == pytest.approx(own.terms["p"].to_numpy(), rel=1e-5)


@pytest.mark.parametrize(
    ("data", "formula", "error", "words"),
    [
        (ROWS[ROWS["wave"] == 2], "y ~ x", SampleError, "one wave"),
        (ROWS[ROWS["who"] == 1], "y ~ x", SampleError, "one unit"),
        (ROWS.assign(wave=range(len(ROWS))), "y ~ x", SampleError, "No unit has two"),
        (pd.concat([ROWS, ROWS[:2]]), "y ~ x", UnitError, "2 rows repeat"),
        (ROWS.assign(who=ROWS["who"].where(ROWS.index > 0)), "y ~ x", UnitError, "no 'who'"),
        (ROWS.assign(wave=ROWS["wave"].where(ROWS.index > 0)), "y ~ x", AnswerError, "no 'wave'"),
        (ROWS, "y ~ x + z", ModelError, "nothing is left of 'z'; effects='mundlak'"),
        (ROWS.assign(day=ROWS["wave"] * 7.0), "y ~ x + day", ModelError, "nothing is left of 'day'"),
        (ROWS.assign(months=ROWS["wave"] - ROWS["who"] % 7), "y ~ x + months", ModelError, "'months'; effects='unit'"),
        (ROWS.assign(b=2 * ROWS["x"] + ROWS["z"]), "y ~ x + b", ModelError, "determine each other"),
        (ROWS.assign(y=ROWS["x"] + ROWS["z"]), "y ~ x", ModelError, "made of them"),
        (ROWS.assign(y=3), "y ~ x", ModelError, "the same"),
        (ROWS.assign(x=3), "y ~ x", ModelError, "same value in 'x'"),
        (ROWS.assign(x=nan), "y ~ x", SampleError, "no complete row"),
        (ROWS.assign(x=inf), "y ~ x", AnswerError, "infinite"),
        (ROWS, "plan ~ x", AnswerError, "'plan' holds texts"),
        (ROWS, "y ~ x + wave", ArgumentError, "'wave'"),
        (ROWS, "y ~ 1", ArgumentError, "no predictor"),
        (ROWS, "y ~ 0 + x", ArgumentError, "leave out 0"),
    ],
)
def test_refusals(data: pd.DataFrame, formula: str, error: type[CxuxError], words: str) -> None:
    with pytest.raises(error, match=words):
        fitted(data, formula)


def test_more_refusals() -> None:
    with pytest.raises(ArgumentError, match="unit and wave"):
        fitted(effects="customer")
    with pytest.raises(ArgumentError, match="time stamp"):
        fitted(pd.DataFrame({"who": [1, 2] * 201, "wave": range(402), "y": range(402), "x": 1.0}), "y ~ x")
    with pytest.raises(ModelError, match="changes in any unit"):
        fitted(formula="y ~ z", effects="mundlak")
    with pytest.raises(ArgumentError, match="wave names one column"):
        panel("y ~ x", ROWS, unit="who", wave=None)  # type: ignore[arg-type]
