"""Ordered regression: R's figures, and one answer from rows, counts and every engine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import ordered_logit, partial_odds
from cxuxlib.results import Fit
from cxuxlib.stats import ordinal

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "ordered.json").read_text(encoding="utf-8"))
WINE, HOUSING, DRAWN = (REFERENCE[name] for name in ("wine", "housing", "drawn"))
SAT = "C(Sat, levels=['Low', 'Medium', 'High'])"
FIGURES = ["value", "std_error", "low", "high", "p"]
SIX = {"rel": 1e-6, "abs": 1e-8}


def wine() -> pd.DataFrame:
    return pd.DataFrame(WINE["counts"]).astype({"rating": int})


def housing() -> pd.DataFrame:
    table = pd.DataFrame(HOUSING["counts"])
    orders = {
        "Infl": ["Low", "Medium", "High"],
        "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
        "Cont": ["Low", "High"],
    }
    return table.assign(**{name: pd.Categorical(table[name], order) for name, order in orders.items()})


def drawn() -> pd.DataFrame:
    return pd.DataFrame(DRAWN["rows"])


def r_name(name: str) -> tuple[str, str]:
    """Term and kind of one of R's coefficients."""
    step, _, term = name.partition(".")
    if term == "(Intercept)":
        return step, "threshold"
    if term and "|" in step:
        return ours(term), f"slope at {step}"
    return (name, "threshold") if "|" in name else (ours(name), "slope")


def ours(name: str) -> str:
    for factor in ("Infl", "Type", "Cont", "temp", "contact", "segment"):
        level = name.rpartition(":")[2].removeprefix(factor)
        if name.rpartition(":")[2] != level:
            return (name.rpartition(":")[0] + ":" if ":" in name else "").replace(
                "tempwarm", "temp[T.warm]"
            ) + f"{factor}[T.{level}]"
    return name.replace("^", " ** ")


def agrees(fit: Fit, expected: dict[str, Any], *, likelihood: bool = True) -> None:
    found = fit.terms.set_index(["term", "kind"])
    for name, value, error in zip(expected["names"], expected["value"], expected["error"], strict=True):
        term, kind = r_name(name)
        sign = -1 if kind.startswith("slope at") else 1  # clm's nominal effects add to the threshold
        assert found.loc[(term, kind), "value"] == pytest.approx(sign * value, **SIX), name
        assert found.loc[(term, kind), "std_error"] == pytest.approx(error, **SIX), name
    assert fit.quality["logLik"] == pytest.approx(expected["logLik"], rel=1e-10)
    if likelihood:
        assert fit.quality["AIC"] == pytest.approx(expected["AIC"], rel=1e-10)
        assert fit.quality["BIC"] == pytest.approx(expected["BIC"], rel=1e-10)


# --- R's figures ----------------------------------------------------------------------------------


def test_housing_of_polr_from_its_counts() -> None:
    fit = ordered_logit(f"{SAT} ~ Infl + Type + Cont", housing(), frequency="Freq")
    agrees(fit, HOUSING["logit"])
    assert fit.quality["logLik"] == pytest.approx(-1739.57465, abs=5e-6)
    assert fit.estimate("Infl[T.High]").value == pytest.approx(1.28881911, abs=1e-8)
    assert fit.estimate("Medium|High").value == pytest.approx(0.690708259, abs=1e-9)
    assert (fit.quality["n"], fit.quality["n_distinct"]) == (1681, 72)


def test_likelihood_ratio_of_influence() -> None:
    fits = [
        ordered_logit(f"{SAT} ~ {right}", housing(), frequency="Freq")
        for right in ("Infl + Type + Cont", "Type + Cont", "1")
    ]
    a, b, null = (fit.quality["logLik"] for fit in fits)
    assert 2 * (a - b) == pytest.approx(108.2392, abs=5e-5)
    assert 2 * (a - null) == pytest.approx(169.72832, abs=5e-6)
    assert fits[2].quality["R2_McFadden"] == pytest.approx(0, abs=1e-12)


def test_wine_of_clm() -> None:
    agrees(ordered_logit("rating ~ temp + contact", wine(), frequency="Freq"), WINE["logit"])
    agrees(ordered_logit("rating ~ temp * contact", wine(), frequency="Freq", link="probit"), WINE["probit"])


def test_nominal_effects_of_clm() -> None:
    agrees(
        partial_odds(ordered_logit("rating ~ temp + contact", wine(), frequency="Freq"), ["contact"]), WINE["nominal"]
    )
    fit = ordered_logit(f"{SAT} ~ Infl + Type + Cont", housing(), frequency="Freq")
    agrees(partial_odds(fit, ["Cont"]), HOUSING["nominal"])
    four = drawn().assign(y4=np.digitize(drawn()["recommend"], [4, 7, 9]) + 1)
    agrees(
        partial_odds(ordered_logit("y4 ~ ease + help + segment", four, unit=None), ["ease", "segment"]),
        DRAWN["nominal"],
    )


FORMULA = "recommend ~ ease + help + segment"


def test_drawn_answers_of_clm() -> None:
    fit = ordered_logit(FORMULA, drawn(), unit=None)
    agrees(fit, DRAWN["logit"])
    assert fit.quality["R2_McFadden"] == pytest.approx(DRAWN["McFadden"], rel=1e-9)
    assert fit.quality["R2_McKelveyZavoina"] == pytest.approx(DRAWN["McKelveyZavoina"], rel=1e-8)
    agrees(
        ordered_logit("recommend ~ ease * segment + I(help ** 2)", drawn(), unit=None, link="probit"), DRAWN["probit"]
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("robust", {"unit": None, "errors": "robust"}), ("cluster", {"unit": "unit"}),
        ("weighted", {"unit": None, "weight": "w"}), ("weighted_cluster", {"unit": "unit", "weight": "w"}),
    ],
)  # fmt: skip
def test_robust_and_cluster_errors_of_sandwich(name: str, options: dict[str, Any]) -> None:
    agrees(ordered_logit(FORMULA, drawn(), **options), DRAWN[name], likelihood=False)


def test_an_answer_that_nobody_gave_has_no_threshold_and_is_named() -> None:
    fit = ordered_logit(FORMULA, drawn(), unit=None)
    steps = fit.terms[fit.terms["kind"] == "threshold"]
    assert steps["term"].tolist()[2:4] == ["2|3", "3|5"]
    assert steps["value"].is_monotonic_increasing
    assert (fit.quality["n_categories"], fit.quality["n_empty"]) == (10, 1)
    assert fit.method == "maximum likelihood, errors from the observed information; z; nobody answered 4"


def test_categories_that_nobody_chose_are_left_out_of_any_kind_of_order() -> None:
    words = ["none", "bad", "fair", "good", "best"]
    table = wine().assign(
        answer=lambda t: pd.Categorical([words[i] for i in t["rating"] - 1], ["never", *words], ordered=True)
    )
    plain = ordered_logit("rating ~ temp", wine(), frequency="Freq")
    for formula in ("answer ~ temp", f"C(answer, levels={['never', *words]}) ~ temp"):
        fit = ordered_logit(formula, table, frequency="Freq")
        assert fit.terms[FIGURES].to_numpy() == pytest.approx(plain.terms[FIGURES].to_numpy())
        assert fit.quality["n_empty"] == 1
        assert "'never'" in fit.method
        assert fit.estimate("fair|good").value == plain.estimate("3|4").value


# --- rows, counts, engines, weights ---------------------------------------------------------------


def survey(n: int = 700) -> pd.DataFrame:
    """Answers 0 to 10 with two drivers, a segment, weights, units, and some missing answers."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({
        "ease": rng.integers(1, 6, n).astype(float), "help": rng.integers(1, 6, n).astype(float),
        "segment": rng.choice(["app", "web", "shop"], n).astype(object), "shop_id": rng.integers(0, 40, n),
        "w": rng.choice([0.5, 1.0, 2.25], n), "loyal": rng.random(n) < 0.4,
    })  # fmt: skip
    latent = 0.7 * table["ease"] + 0.3 * table["help"] + 0.5 * (table["segment"] == "web") + rng.logistic(size=n)
    table["recommend"] = np.clip(np.round(2 * latent - 1), 0, 10)
    for name, share in (("ease", 0.04), ("segment", 0.03), ("recommend", 0.02)):
        table.loc[rng.random(n) < share, name] = None
    return table


SURVEY = "recommend ~ ease * segment + help + loyal"
OPTIONS: list[dict[str, Any]] = [
    {"unit": None}, {"unit": None, "errors": "robust"}, {"unit": "shop_id"}, {"unit": None, "weight": "w"},
    {"unit": "shop_id", "weight": "w"},
]  # fmt: skip


def by_rows(options: dict[str, Any]) -> Fit:
    """The same model where no two rows are alike, for a covariate differs in its twelfth decimal."""
    table = survey()
    table["ease"] = table["ease"] + np.arange(len(table)) * 2e-15
    return ordered_logit(SURVEY, table, **options)


@pytest.mark.parametrize("options", OPTIONS)
def test_distinct_rows_give_the_numbers_of_rows(options: dict[str, Any]) -> None:
    counted, rows = ordered_logit(SURVEY, survey(), **options), by_rows(options)
    assert counted.quality["n_distinct"] < 500 < rows.quality["n_distinct"] == rows.quality["n"]
    assert counted.terms[FIGURES].to_numpy() == pytest.approx(rows.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
def test_every_engine_gives_the_same(frame: Native, options: dict[str, Any]) -> None:
    here, there = ordered_logit(SURVEY, survey(), **options), ordered_logit(SURVEY, frame(survey()), **options)
    assert there.terms[["term", "kind"]].equals(here.terms[["term", "kind"]])
    assert there.terms[FIGURES].to_numpy() == pytest.approx(here.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-12)
    assert dict(there.quality) == pytest.approx(dict(here.quality))
    complete = survey().dropna()
    assert (here.quality["n"], here.quality["n_missing"]) == (len(complete), 700 - len(complete))


def test_missing_as_nan_is_missing_too(frame: Native) -> None:
    here, there = (ordered_logit(SURVEY, data, unit=None) for data in (survey(), frame(survey(), missing="nan")))
    assert there.quality["n_missing"] == here.quality["n_missing"] > 0
    assert there.terms["value"].to_numpy() == pytest.approx(here.terms["value"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("options", [OPTIONS[i] for i in (0, 1, 2)])
def test_counts_give_the_numbers_of_rows(frame: Native, options: dict[str, Any]) -> None:
    keys = ["recommend", "ease", "segment", "help", "loyal", "shop_id"]
    counts = survey().groupby(keys, dropna=False).size().rename("many").reset_index()
    here = ordered_logit(SURVEY, survey(), **options)
    there = ordered_logit(SURVEY, frame(counts), frequency="many", **options)
    assert there.terms[FIGURES].to_numpy() == pytest.approx(here.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-12)
    assert dict(there.quality) == pytest.approx(dict(here.quality))


def test_the_unit_of_weights_does_not_matter() -> None:
    one = ordered_logit(SURVEY, survey(), unit=None, weight="w")
    tiny = ordered_logit(SURVEY, survey().assign(w=lambda t: 1e-9 * t["w"]), unit=None, weight="w")
    assert tiny.terms[FIGURES].to_numpy() == pytest.approx(one.terms[FIGURES].to_numpy(), rel=1e-8, abs=1e-9)
    assert "AIC" not in one.quality


def test_units_of_weight_zero_are_left_out_and_counted() -> None:
    some = survey().assign(w=lambda t: np.where(np.arange(len(t)) % 5, t["w"], 0.0))
    kept = some[some["w"] > 0]
    for unit in (None, "shop_id"):
        there, here = (ordered_logit(SURVEY, table, unit=unit, weight="w") for table in (some, kept))
        assert there.terms[FIGURES].to_numpy() == pytest.approx(here.terms[FIGURES].to_numpy(), rel=1e-9)
        assert there.quality["n_weightless"] == (survey().notna().all(axis=1) & (some["w"] == 0)).sum() > 0
        assert there.quality["n"] == here.quality["n"]


# --- the likelihood -------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("free", [0, 2])
def test_slopes_and_curvatures_are_those_of_the_likelihood(link: Any, free: int) -> None:
    rng = np.random.default_rng(5)
    m, K = 60, 5
    x, z = rng.normal(size=(m, 3)), np.column_stack([np.ones(m), 0.1 * rng.normal(size=(m, free))])
    y = np.concatenate([np.arange(K), rng.integers(0, K, m - K)])
    data = ordinal.answers(x, z, np.arange(m), y, rng.gamma(2, size=m), K)
    at = np.concatenate(
        [np.column_stack([np.linspace(-5, 5, K - 1), rng.normal(size=(K - 1, free)) / 9]).ravel(), [2, -1, 0.5]]
    )
    found = ordinal.height(data, at, link)
    steps = 1e-5 * np.eye(len(at))
    slope = [
        (ordinal.height(data, at + e, link).value - ordinal.height(data, at - e, link).value) / 2e-5 for e in steps
    ]
    bend = [(ordinal.height(data, at + e, link).slope - ordinal.height(data, at - e, link).slope) / 2e-5 for e in steps]
    assert found.slope == pytest.approx(np.array(slope), rel=1e-7, abs=1e-7)
    assert -found.information == pytest.approx(np.array(bend), rel=1e-6, abs=1e-6)
    weights = np.empty(m)
    weights[data.order] = data.w
    assert ordinal.scores(data, at, link).full().T @ weights == pytest.approx(found.slope)


def test_impossible_thresholds_have_no_likelihood() -> None:
    data = ordinal.answers(np.zeros((3, 0)), np.ones((3, 1)), np.arange(3), np.arange(3), np.ones(3), 3)
    assert ordinal.height(data, np.array([1.0, -1.0]), "logit").value == -np.inf


def test_statsmodels_finds_the_same() -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    table = survey().dropna()
    for link, name in (("logit", "logit"), ("probit", "probit")):
        fit = ordered_logit("recommend ~ ease + help", table, unit=None, link=link)
        theirs = OrderedModel(table["recommend"], table[["ease", "help"]], distr=name).fit(
            method="bfgs", disp=False, gtol=1e-6
        )
        slopes = fit.terms[fit.terms["kind"] == "slope"]
        assert slopes["value"].to_numpy() == pytest.approx(
            theirs.params[:2].to_numpy(), rel=1e-5
        )  # theirs stops early:
        assert fit.quality["logLik"] > theirs.llf
        assert slopes["std_error"].to_numpy() == pytest.approx(
            theirs.bse[:2].to_numpy(), rel=1e-4
        )  # their Hessian is numerical
        assert fit.quality["logLik"] == pytest.approx(theirs.llf, rel=1e-10)
