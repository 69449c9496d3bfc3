"""Cross-lagged panels against lavaan, against what was planted, and what they refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import worlds
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import PanelOptions, cross_lagged
from cxuxlib.results import Fit
from cxuxlib.stats.boundary import no_covariance, weights

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "cross_lagged.json").read_text(encoding="utf-8")
)["cases"]
FIGURES = {
    "chisq": "chi2", "df": "df", "pvalue": "p", "chisq.scaled": "chi2_scaled", "pvalue.scaled": "p_scaled",
    "cfi": "cfi", "rmsea": "rmsea", "rmsea.ci.lower": "rmsea_low", "rmsea.ci.upper": "rmsea_high", "srmr": "srmr",
}  # fmt: skip
UX, CX = ["seq", "umux_needs", "umux_ease"], ["cx_overall", "cx_expected", "cx_ideal"]


def long_of(case: dict[str, Any]) -> pd.DataFrame:
    """Rows by unit and wave of a stored case; who has no answer in a wave has no row there."""
    waves, parts = case["waves"], []
    names = [name[: -len("1")] for name in case["names"] if name.endswith("1") and not name.endswith("_1")]
    names = names if case["many"] == 1 else [f"{name}{k}_" for name in "xy" for k in (1, 2, 3)]
    for t in range(1, waves + 1):
        columns = {name: np.array(case["rows"][f"{name}{t}"], dtype=float) / 1000 for name in names}
        parts.append(pd.DataFrame(columns).assign(wave=t, who=np.arange(case["n"])))
    long = pd.concat(parts, ignore_index=True)
    return long[long[names].notna().any(axis=1)]


def fitted(case: dict[str, Any], data: Any = None) -> Fit:
    x, y = ("x", "y") if case["many"] == 1 else ([f"{name}{k}_" for k in (1, 2, 3)] for name in "xy")
    options = PanelOptions(equal_lags=case["equal"], items="mean" if case["many"] == 1 else "latent")
    long = long_of(case) if data is None else data
    return cross_lagged(long, x, y, unit="who", wave="wave", estimator=case["estimator"].lower(), options=options)


def values(fit: Fit, kind: str = "std") -> pd.DataFrame:
    return fit.terms[fit.terms["kind"] == kind].set_index("term")


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_lavaan(name: str) -> None:
    case = CASES[name]
    fit = fitted(case)
    for model, prefix in (("random", ""), ("classic", "classic_")):
        for kind in ("std", "raw"):
            own = values(fit, f"{prefix}{kind}")
            assert set(own.index) == set(case[model]["terms"][kind]), (model, kind)
            for term, stored in case[model]["terms"][kind].items():
                at = (model, kind, term)
                assert own.loc[term, "value"] == pytest.approx(stored["value"], abs=1e-5), at
                assert own.loc[term, "std_error"] == pytest.approx(stored["se"], rel=1e-4), at
        for figure, value in case[model]["fit"].items():
            assert fit.quality[f"{prefix}{FIGURES[figure]}"] == pytest.approx(value, rel=1e-5, abs=1e-5), figure
    for each, value in case["equal_lags"].items():
        assert fit.quality[f"equal_lags_{each}"] == pytest.approx(value, rel=1e-5), each
    assert fit.quality["ri_chi2"] == pytest.approx(case["no_traits"]["chi2"], rel=1e-5)
    assert fit.quality["ri_p"] < case["no_traits"]["p"]  # the mixture has more power than χ² with 3
    assert fit.quality["n"] + fit.quality["n_missing"] == case["n"]


def test_rows_of_any_engine_in_any_order(frame: Callable[..., Any]) -> None:
    case = CASES["free"]
    long, whole = long_of(case), fitted(case)
    shuffled = frame(long.sample(frac=1, random_state=1).reset_index(drop=True))
    found = fitted(case, shuffled)
    pd.testing.assert_frame_equal(found.terms, whole.terms, rtol=1e-6, atol=1e-8)
    assert found.quality["chi2"] == pytest.approx(whole.quality["chi2"], rel=1e-7)


def panel_of(
    n: int, lags: np.ndarray, *, traits: np.ndarray | None = None, waves: int = 4, seed: int = 1
) -> pd.DataFrame:
    """A stationary panel: lags [[x_to_x, y_to_x], [x_to_y, y_to_y]], shocks that correlate .3, and lasting traits."""
    rng = np.random.default_rng(seed)
    shock = np.linalg.cholesky(np.array([[1.0, 0.3], [0.3, 1.0]]))
    state, parts = np.zeros((n, 2)), []
    lasting = rng.normal(size=(n, 2)) @ (np.zeros((2, 2)) if traits is None else np.linalg.cholesky(traits).T)
    for t in range(-20, waves + 1):
        state = state @ lags.T + rng.normal(size=(n, 2)) @ shock.T
        if t > 0:
            parts.append(pd.DataFrame(state + lasting, columns=["x", "y"]).assign(wave=t, who=np.arange(n)))
    return pd.concat(parts, ignore_index=True)


TRAITS = np.array([[1.2, 0.9], [0.9, 1.2]])


def test_traits_alone_look_like_a_cross_lag_to_the_classic_model() -> None:
    data = panel_of(1500, np.diag([0.2, 0.2]), traits=TRAITS)
    fit = cross_lagged(data, "x", "y", unit="who", wave="wave")
    own, old = values(fit), values(fit, "classic_std")
    for term in ("x_to_y", "y_to_x"):
        assert old.loc[term, "low"] > 0.05
        assert own.loc[term, "low"] < 0 < own.loc[term, "high"]
        assert abs(own.loc[term, "value"]) < 0.05
    assert fit.quality["ri_p"] < 1e-6
    assert fit.quality["p"] > 0.01 > fit.quality["classic_p"]


def test_planted_lags_come_back() -> None:
    lags = np.array([[0.3, 0.05], [0.25, 0.2]])
    within = np.eye(2)
    for _ in range(200):
        within = lags @ within @ lags.T + np.array([[1.0, 0.3], [0.3, 1.0]])
    sd = np.sqrt(np.diag(within))
    fit = cross_lagged(panel_of(6000, lags, traits=TRAITS, seed=2), "x", "y", unit="who", wave="wave")
    own, raw = values(fit), values(fit, "raw")
    planted = {
        "x_to_x": lags[0, 0], "y_to_y": lags[1, 1], "x_to_y": lags[1, 0] * sd[0] / sd[1],
        "y_to_x": lags[0, 1] * sd[1] / sd[0], "within_correlation": within[0, 1] / sd.prod(), "ri_correlation": 0.75,
        "ri_x": 1.2 / (1.2 + sd[0] ** 2), "ri_y": 1.2 / (1.2 + sd[1] ** 2),
    }  # fmt: skip
    planted["difference"] = planted["x_to_y"] - planted["y_to_x"]
    for term, value in planted.items():
        assert abs(own.loc[term, "value"] - value) < 3.3 * own.loc[term, "std_error"] < 0.15, term
    assert abs(raw.loc["x_to_y", "value"] - 0.25) < 3 * raw.loc["x_to_y", "std_error"]
    assert fit.quality["equal_lags_p"] > 0.01
    assert fit.estimate("difference").value == own.loc["difference", "value"]
    changed = panel_of(3000, lags, traits=TRAITS, seed=3)
    later = changed["wave"] == 4
    changed.loc[later, "y"] += 0.5 * changed.loc[changed["wave"] == 3, "x"].to_numpy()
    assert cross_lagged(changed, "x", "y", unit="who", wave="wave").quality["equal_lags_p"] < 1e-6


def test_negative_variances_of_traits_are_reported() -> None:
    said = []
    for seed, traits in ((0, None), (1, None), (2, None), (3, TRAITS)):
        data = panel_of(200, np.diag([0.3, 0.3]), traits=traits, waves=3, seed=seed)
        fit = cross_lagged(data, "x", "y", unit="who", wave="wave")
        raw = values(fit, "raw")
        negative = bool((raw.loc[["ri_x", "ri_y"], "value"] < 0).any())
        assert negative == any(each.startswith("Negative variance: trait_") for each in fit.raw.cautions)
        assert not negative or "IMPROPER" in fit.method
        assert (fit.quality["n_cautions"] > 0) == bool(fit.raw.cautions)
        assert 0 <= fit.quality["ri_p"] <= 1
        said.append(negative)
    assert any(said[:3])
    assert not said[3]


@pytest.mark.slow
def test_the_test_of_traits_errs_as_often_as_it_says() -> None:
    found = [
        cross_lagged(panel_of(1000, np.diag([0.4, 0.3]), seed=seed), "x", "y", unit="who", wave="wave").quality["ri_p"]
        for seed in range(150)
    ]
    assert 0.01 < (np.array(found) < 0.05).mean() < 0.09
    assert 0.4 < (np.array(found) < 0.5).mean() < 0.65


def test_weights_are_those_of_projected_draws() -> None:
    rng = np.random.default_rng(1)
    root = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.3, 0.4, 1.3]])
    spread = root @ root.T
    found = weights(spread)
    assert sum(found) == pytest.approx(1, abs=1e-12)
    assert weights(1e-4 * spread) == pytest.approx(found, abs=1e-6)
    draws = rng.normal(size=(40000, 3)) @ root.T
    inside = (draws[:, 0] > 0) & (draws[:, 2] > 0) & (draws[:, 0] * draws[:, 2] > draws[:, 1] ** 2)
    assert inside.mean() == pytest.approx(found[3], abs=0.006)
    nothing = [no_covariance(float(each @ np.linalg.solve(spread, each)), each, spread).p == 1 for each in draws[:1500]]
    assert np.mean(nothing) == pytest.approx(found[0], abs=0.03)


def test_an_admissible_estimate_keeps_its_statistic_and_another_loses() -> None:
    spread = np.diag([0.02, 0.01, 0.02])
    inside, outside = (no_covariance(9.0, np.array([v, 0.05, 0.3]), spread) for v in (0.3, -0.2))
    assert inside.statistic == 9.0
    assert 6.5 < outside.statistic < 7.5  # 9 - .2²/.02, and a little for the covariance
    assert no_covariance(0.5, np.array([-0.2, 0.0, -0.2]), spread).p == 1.0


@pytest.mark.parametrize(("world", "sign"), [("harbor", 1), ("reverse", -1)])
def test_worlds_show_their_direction(world: str, sign: int) -> None:
    study = worlds.make(world, n=20000 if sign > 0 else 4000, waves=4, rng=5)
    known = {"x_to_y": study.truth["cross_lag_ux_cx"], "y_to_x": study.truth["cross_lag_cx_ux"]}
    fit = cross_lagged(
        study.tables["surveys"], UX, CX, unit="customer_id", wave="wave", options=PanelOptions(items="latent")
    )
    own = values(fit)
    gap = sign * own.loc["difference"]
    assert min(gap["low"], gap["high"]) > 0
    for term, value in known.items():  # careless answers and a redesign take some of a path, error of measurement more
        assert abs(own.loc[term, "value"] - value) < 0.12, term
    if world == "reverse":
        means = values(cross_lagged(study.tables["surveys"], UX, CX, unit="customer_id", wave="wave"))
        assert means.loc["y_to_x", "value"] < 0.7 * known["y_to_x"]
        assert own.loc["y_to_x", "value"] > 0.8 * known["y_to_x"]


def test_units_without_answers_are_counted_and_means_take_all_items() -> None:
    data = panel_of(300, np.diag([0.3, 0.3]), traits=TRAITS).assign(x2=lambda d: d["x"] + 1)
    data.loc[data["who"] < 7, ["x", "y", "x2"]] = np.nan
    fit = cross_lagged(data, ["x", "x2"], "y", unit="who", wave="wave")
    assert (fit.quality["n"], fit.quality["n_missing"]) == (293, 7)
    same = cross_lagged(data.assign(m=data["x"] + 0.5), "m", "y", unit="who", wave="wave")
    pd.testing.assert_frame_equal(fit.terms, same.terms, rtol=1e-5, atol=1e-8)
    data.loc[data["who"] == 20, "x2"] = np.nan
    half = cross_lagged(data, ["x", "x2"], "y", unit="who", wave="wave")
    hidden = cross_lagged(
        data.assign(m=data[["x", "x2"]].mean(axis=1, skipna=False)), "m", "y", unit="who", wave="wave"
    )
    pd.testing.assert_frame_equal(half.terms, hidden.terms, rtol=1e-5, atol=1e-8)


def refused() -> list[tuple[str, type[CxuxError], str, Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any]]]:
    def same(d: pd.DataFrame) -> pd.DataFrame:
        return d

    mirror = {"unit": "who", "wave": "wave"}
    return [
        ("two waves", SampleError, "2 different values", lambda d: d[d["wave"] < 3], mirror),
        ("twice", UnitError, "such as who 0", lambda d: pd.concat([d, d.head(1)]), mirror),
        ("constant", ModelError, "'x' in wave 2", lambda d: d.assign(x=d["x"].where(d["wave"] != 2, 1.0)), mirror),
        ("nobody", SampleError, "Nobody answered 'y' in wave 3", lambda d: d.assign(y=d["y"].where(d["wave"] != 3)),
         mirror),
        ("apart", SampleError, "asks the same units", lambda d: d.assign(who=np.arange(len(d))), mirror),
        ("gap", ArgumentError, "not equally far apart", lambda d: d.replace({"wave": {4: 6}}), mirror),
        ("texts", ColumnError, "waves are numbers", lambda d: d.assign(wave=d["wave"].map(lambda w: f"w{w}")), mirror),
        ("no wave", AnswerError, "1 rows have no 'wave'", lambda d: d.assign(wave=[np.nan, *d["wave"][1:]]), mirror),
        ("no unit", UnitError, "1 rows have no 'who'", lambda d: d.assign(who=[np.nan, *d["who"][1:]]), mirror),
        ("times", ArgumentError, "Is it a time", lambda d: d.assign(wave=np.arange(len(d))), mirror),
        ("infinite", AnswerError, "infinite", lambda d: d.assign(x=[np.inf, *d["x"][1:]]), mirror),
        ("shared", ArgumentError, "'wave' stands in more than one place", same, {"unit": "wave", "wave": "wave"}),
        ("estimator", ArgumentError, "got 'mlm'", same, mirror | {"estimator": "mlm"}),
        ("items", ArgumentError, "several items", same, mirror | {"options": PanelOptions(items="latent")}),
        ("options", ArgumentError, "PanelOptions", same, mirror | {"options": {"equal_lags": False}}),
        ("column", ArgumentError, "unit names one column", same, {"unit": None, "wave": "wave"}),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "error", "says", "spoil", "how"), refused(), ids=[each[0] for each in refused()])
def test_refuses(
    name: str, error: type[CxuxError], says: str, spoil: Callable[[pd.DataFrame], pd.DataFrame], how: dict[str, Any]
) -> None:
    data = panel_of(60, np.diag([0.3, 0.3]), traits=TRAITS)
    with pytest.raises(error, match=says):
        cross_lagged(spoil(data), "x", "y", **how)
    if name == "gap":
        fit = cross_lagged(spoil(data), "x", "y", **how, options=PanelOptions(equal_lags=False))
        assert fit.quality["n_waves"] == 4


def test_names_of_columns_and_options_are_checked() -> None:
    with pytest.raises(ArgumentError, match="x is a column or a list"):
        cross_lagged(pd.DataFrame(), 3, "y", unit="who", wave="wave")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="'mean' or 'latent'"):
        PanelOptions(items="sum")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="True or False"):
        PanelOptions(equal_lags=1)  # type: ignore[arg-type]
