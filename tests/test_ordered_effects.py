"""Predictions, marginal effects and the Brant test: R's figures, brute force, and the bootstrap."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, ndtr

from cxuxlib.errors import ModelError
from cxuxlib.models import brant, linear, logit, margins, ordered_logit, partial_odds, predicted
from cxuxlib.results import Fit

REFERENCE = json.loads((Path(__file__).parent / "reference" / "ordered.json").read_text(encoding="utf-8"))
NPS = 100.0 * (np.arange(11) >= 9) - 100.0 * (np.arange(11) <= 6)


def survey(n: int = 600, seed: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "ease": rng.integers(1, 6, n), "help": rng.integers(1, 8, n), "segment": rng.choice(["app", "shop", "web"], n),
        "new": rng.random(n) < 0.3, "shop_id": rng.integers(0, 50, n), "w": rng.choice([0.5, 1.0, 2.0], n),
    })  # fmt: skip
    latent = 0.5 * table["ease"] + 0.25 * table["help"] + 0.5 * (table["segment"] == "web") - 0.4 * table["new"]
    latent += 0.5 * rng.normal(size=50)[table["shop_id"]]
    table["recommend"] = np.clip(np.round(2.2 * (latent + rng.logistic(size=n)) - 0.5), 0, 10).astype(int)
    table["stayed"] = rng.random(n) < expit(latent - 2)
    return table


FORMULA = "recommend ~ ease * help + I(ease ** 2) + segment + new"


def shares(fit: Fit, at: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """P(0), ..., P(10) of each row, by hand from the parameters."""
    raw = fit.raw
    t = table.assign(web=table["segment"] == "web", shop=table["segment"] == "shop")
    columns = {
        "ease": t["ease"], "help": t["help"], "ease:help": t["ease"] * t["help"], "I(ease ** 2)": t["ease"] ** 2,
        "segment[T.web]": t["web"], "segment[T.shop]": t["shop"], "new": t["new"],
    }  # fmt: skip
    x = np.column_stack([np.asarray(columns[name], dtype=float) for name in raw.names])
    below = expit(at[:10] - (x @ at[10:])[:, None])
    return np.diff(np.column_stack([np.zeros(len(x)), below, np.ones(len(x))]), axis=1)


def numeric(function: Callable[[np.ndarray], Any], at: np.ndarray) -> np.ndarray:
    return np.array([(function(at + e) - function(at - e)) / 2e-5 for e in 1e-5 * np.eye(len(at))])


def test_nps_points_are_the_brute_force_derivative_and_their_error_the_delta_method() -> None:
    table, step = survey(), 1e-4
    fit = ordered_logit(FORMULA, table, unit=None)

    def effect(at: np.ndarray) -> float:
        up, down = (shares(fit, at, table.assign(ease=table["ease"] + sign * step)) @ NPS for sign in (1, -1))
        return float((up - down).mean() / (2 * step))

    at = fit.raw.parameters
    slope = numeric(effect, at)
    found = margins(fit, ["ease"], of="nps", over="sample").set_index("kind")
    assert found.loc["per point", "value"] == pytest.approx(effect(at), rel=1e-6)
    assert found.loc["per point", "std_error"] == pytest.approx(np.sqrt(slope @ fit.raw.covariance @ slope), rel=1e-6)
    for figure in ("value", "std_error"):
        assert found.loc["per SD", figure] == pytest.approx(found.loc["per point", figure] * table["ease"].std())


def test_effect_of_a_category_and_of_true_is_a_difference_of_averages() -> None:
    table = survey()
    fit = ordered_logit(FORMULA, table, unit=None)
    found = margins(fit, ["segment", "new"], of="mean", over="sample").set_index("kind")

    def contrast(at: np.ndarray, name: str, a: Any, b: Any) -> float:
        one, other = (shares(fit, at, table.assign(**{name: each})) @ np.arange(11) for each in (a, b))
        return float((one - other).mean())

    for kind, which in {"web vs app": ("segment", "web", "app"), "True vs False": ("new", True, False)}.items():
        slope = numeric(lambda at, which=which: contrast(at, *which), fit.raw.parameters)
        assert found.loc[kind, "value"] == pytest.approx(contrast(fit.raw.parameters, *which))
        assert found.loc[kind, "std_error"] == pytest.approx(np.sqrt(slope @ fit.raw.covariance @ slope), rel=1e-6)


def test_a_number_in_c_is_a_category() -> None:
    found = margins(ordered_logit("recommend ~ C(ease)", survey(), unit=None), of="nps")
    assert found["kind"].tolist() == ["2 vs 1", "3 vs 1", "4 vs 1", "5 vs 1"]


def test_effects_on_all_chances_add_up_to_nothing_and_make_the_nps() -> None:
    fit = ordered_logit(FORMULA, survey(), unit=None)
    points = margins(fit, ["help"]).query("kind == 'per point'")
    assert points["outcome"].tolist() == list(range(11))
    assert points["value"].sum() == pytest.approx(0, abs=1e-12)
    assert points["value"] @ NPS == pytest.approx(margins(fit, ["help"], of="nps")["value"][0])


@pytest.mark.parametrize(("link", "of_line"), [("logit", expit), ("probit", ndtr)])
@pytest.mark.parametrize("column", ["ease", "help"])
def test_effects_of_partial_odds_are_brute_force_derivatives_too(link: Any, of_line: Any, column: str) -> None:
    table = survey().assign(rating=lambda t: np.digitize(t["recommend"], [4, 7, 9]))
    fit = partial_odds(ordered_logit("rating ~ ease + help", table, unit=None, link=link), ["ease"])

    def mean(at: np.ndarray, data: pd.DataFrame) -> float:
        thresholds = at[:6].reshape(3, 2)  # intercept and slope of ease at each
        lines = thresholds[:, 0] + np.outer(data["ease"], thresholds[:, 1]) - at[6] * data["help"].to_numpy()[:, None]
        return float((3 - of_line(lines).sum(axis=1)).mean())

    def effect(at: np.ndarray) -> float:
        return (
            mean(at, table.assign(**{column: table[column] + 1e-4}))
            - mean(at, table.assign(**{column: table[column] - 1e-4}))
        ) / 2e-4

    slope = numeric(effect, fit.raw.parameters)
    found = margins(fit, [column], of="mean", over="sample").iloc[0]
    assert found["value"] == pytest.approx(effect(fit.raw.parameters), rel=1e-6)
    assert found["std_error"] == pytest.approx(np.sqrt(slope @ fit.raw.covariance @ slope), rel=1e-5)
    assert predicted(fit, of="mean")["value"][0] == pytest.approx(mean(fit.raw.parameters, table))


def test_predictions_of_clm() -> None:
    wine = pd.DataFrame(REFERENCE["wine"]["counts"])
    fit = ordered_logit("rating ~ temp + contact", wine.astype({"rating": int}), frequency="Freq")
    found, expected = predicted(fit, {"temp": "warm", "contact": "no"}), REFERENCE["wine"]["predicted"]
    for ours, theirs in {"value": "fit", "std_error": "se.fit", "low": "lwr", "high": "upr"}.items():
        assert found[ours].to_numpy() == pytest.approx(expected[theirs], rel=1e-6), ours


def test_predicted_nps_is_that_of_the_rows_with_the_value_put_in() -> None:
    table = survey()
    fit = ordered_logit(FORMULA, table, unit=None)
    found = predicted(fit, {"ease": [1, 5], "segment": ["web", "app"]}, of="nps")
    assert found[["ease", "segment"]].to_numpy().tolist() == [[1, "web"], [1, "app"], [5, "web"], [5, "app"]]
    for row in found.itertuples():
        expected = shares(fit, fit.raw.parameters, table.assign(ease=row.ease, segment=row.segment)) @ NPS
        assert row.value == pytest.approx(expected.mean())
        assert -100 <= row.low < row.value < row.high <= 100
    table_of = predicted(fit, pd.DataFrame({"ease": [1], "segment": ["app"]}), of="nps")
    assert table_of["value"][0] == pytest.approx(found["value"][1])


def test_without_settings_the_prediction_is_of_the_data() -> None:
    table = survey()
    fit = logit("stayed ~ ease + segment", table, unit=None)
    found = predicted(fit)
    assert found["outcome"].tolist() == [1]
    assert found["value"][0] == pytest.approx(table["stayed"].mean())  # logits fit the mean exactly
    plain = np.sqrt(table["stayed"].mean() * (1 - table["stayed"].mean()) / len(table))
    assert found["std_error"][0] == pytest.approx(
        plain, rel=2e-3
    )  # over the population nothing is won by the covariates
    assert predicted(fit, over="sample")["std_error"][0] < plain


def test_effects_of_logarithms_and_roots_do_not_leave_their_range() -> None:
    rng = np.random.default_rng(9)
    table = pd.DataFrame({"seconds": np.append(rng.exponential(20, 300), [1e-6, 1e-3, 4000.0])})
    table["rating"] = np.log(table["seconds"]) + rng.normal(size=len(table))
    for formula, slope in (("log(seconds)", 1 / table["seconds"]), ("np.sqrt(seconds)", table["seconds"] ** -0.5 / 2)):
        fit = linear(f"rating ~ {formula}", table, unit=None)
        expected = fit.estimate(formula).value * slope.mean()
        assert margins(fit)["value"][0] == pytest.approx(expected, rel=1e-7)


def test_partial_odds_predict_no_chances_below_zero() -> None:
    table = survey().assign(rating=lambda t: np.digitize(t["recommend"], [4, 7, 9]))
    fit = partial_odds(ordered_logit("rating ~ ease + help", table, unit=None), ["ease", "ease"])
    assert predicted(fit, {"ease": [1, 5]})["low"].min() > 0
    with pytest.raises(ModelError, match="The cumulative shares cross where 'ease' is far from the answers"):
        predicted(fit, {"ease": [-100, 100]})


def test_statsmodels_marginal_effects_of_a_logit() -> None:
    import statsmodels.formula.api as smf

    table = survey().assign(stayed=lambda t: t["stayed"].astype(int))
    theirs = smf.logit("stayed ~ ease + help", table).fit(disp=False, tol=1e-12, method="newton").get_margeff()
    found = margins(logit("stayed ~ ease + help", table, unit=None), over="sample").query("kind == 'per point'")
    assert found["value"].to_numpy() == pytest.approx(theirs.margeff, rel=1e-8)
    assert found["std_error"].to_numpy() == pytest.approx(theirs.margeff_se, rel=1e-6)


def test_effects_and_predictions_of_a_linear_regression() -> None:
    table = survey()
    fit = linear("recommend ~ ease + help", table, unit=None)
    found = margins(fit).set_index(["term", "kind"])
    assert found.loc[("ease", "per point"), "value"] == pytest.approx(fit.estimate("ease").value)
    assert found.loc[("ease", "per point"), "std_error"] == pytest.approx(fit.terms["std_error"][1])
    assert predicted(fit)["value"][0] == pytest.approx(table["recommend"].mean())
    sem = table["recommend"].std() / np.sqrt(len(table))
    assert predicted(fit)["std_error"][0] == pytest.approx(sem, rel=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"unit": None}, {"unit": None, "weight": "w"}, {"unit": "shop_id"}])
def test_errors_over_the_population_are_those_of_the_bootstrap(options: dict[str, Any]) -> None:
    table, rng = survey(500), np.random.default_rng(7)
    formula = "recommend ~ ease + help"

    def figures(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        fit = ordered_logit(formula, data, unit=None, weight=options.get("weight"))
        found = margins(fit, ["ease"], of="nps")
        assert found["kind"].tolist() == ["per point", "per SD"]
        return found["value"].to_numpy(), predicted(fit, {"ease": [4]}, of="nps")["value"].to_numpy()

    fit = ordered_logit(formula, table, **options)
    groups = [table[table["shop_id"] == each] for each in sorted(table["shop_id"].unique())]
    draws = []
    for _ in range(150):
        if options["unit"]:
            data = pd.concat([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        else:
            data = table.iloc[rng.integers(0, len(table), len(table))]
        draws.append(np.concatenate(figures(data)))
    expected = np.std(draws, axis=0, ddof=1)
    ours = np.concatenate(
        [margins(fit, ["ease"], of="nps")["std_error"], predicted(fit, {"ease": [4]}, of="nps")["std_error"]]
    )
    assert ours == pytest.approx(expected, rel=4 / np.sqrt(2 * 150))


# --- Brant ----------------------------------------------------------------------------------------


def test_brant_by_hand_in_r() -> None:
    table = pd.DataFrame(REFERENCE["drawn"]["rows"]).assign(y4=lambda t: np.digitize(t["recommend"], [4, 7, 9]))
    found = brant(ordered_logit("y4 ~ ease + help + segment", table, unit=None)).set_index("term")
    for term, expected in REFERENCE["drawn"]["brant"].items():
        assert found.loc[term, ["statistic", "df", "p"]].tolist() == pytest.approx(expected, rel=1e-6), term


def test_brant_of_housing_from_counts() -> None:
    counts = pd.DataFrame(REFERENCE["housing"]["counts"])
    fit = ordered_logit("C(Sat, levels=['Low', 'Medium', 'High']) ~ Infl + Type + Cont", counts, frequency="Freq")
    found = brant(fit).set_index("term")
    for term, expected in REFERENCE["housing"]["brant"].items():
        assert found.loc[term, ["statistic", "df", "p"]].tolist() == pytest.approx(expected, rel=1e-6), term


def test_brant_with_robust_errors_is_near_the_plain_one_where_the_model_holds() -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"ease": rng.integers(1, 6, 20_000)})
    table["rating"] = np.digitize(table["ease"] + rng.logistic(size=len(table)), [2, 3, 4])
    plain, robust = (
        brant(ordered_logit("rating ~ ease", table, unit=None, errors=each)) for each in ("observed", "robust")
    )
    assert robust["statistic"].to_numpy() == pytest.approx(plain["statistic"].to_numpy(), rel=0.1)
    assert robust["method"][0] == "Brant test, robust covariance"


def test_brant_leaves_out_separated_thresholds_and_names_them() -> None:
    table = survey().assign(rating=lambda t: np.digitize(t["recommend"], [4, 7, 9]), low=lambda t: t["ease"])
    table.loc[table["new"], "rating"] = table["rating"].clip(lower=1)  # nobody new answers 0
    found = brant(ordered_logit("rating ~ ease + new", table, unit=None))
    assert found["df"].tolist() == [2, 1, 1]
    assert "without the thresholds '0|1'" in found["method"][0]
