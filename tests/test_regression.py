"""Linear and logistic regression: R's figures, and one answer from rows, counts, moments and every engine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.models import linear, logit
from cxuxlib.results import Fit, Moments

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "regression.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(REFERENCE["rows"])
FIGURES = ["value", "std_error", "low", "high", "p"]
LINEAR, LOGIT = "rating ~ ease * segment + help", "stayed ~ ease + segment + help"


def ours(name: str) -> str:
    """R's names of coefficients in ours."""
    name = (
        name.replace("(Intercept)", "Intercept")
        .replace("factor(race)", "C(race)")
        .replace("C(factor(help))", "C(help)")
    )
    for factor in ("segment", "C(race)", "C(help)"):
        before, found, level = name.partition(factor)
        if found:
            return f"{before}{factor}[T.{level}]"
    return name


def agrees(fit: Fit, expected: dict[str, Any], names: Callable[[str], str] = ours) -> None:
    found = fit.terms[fit.terms["kind"] != "odds ratio"].set_index("term")
    assert set(map(names, expected["names"])) == set(found.index)
    for name, value, error in zip(expected["names"], expected["value"], expected["error"], strict=True):
        assert found.loc[names(name), "value"] == pytest.approx(value, rel=1e-6, abs=1e-9), name
        assert found.loc[names(name), "std_error"] == pytest.approx(error, rel=1e-6), name


PLAIN: dict[str, dict[str, Any]] = {
    "observed": {"unit": None, "errors": "observed"}, "robust": {"unit": None, "errors": "robust"},
    "cluster": {"unit": "unit"}, "weighted": {"unit": None, "weight": "w"},
    "weighted_cluster": {"unit": "unit", "weight": "w"},
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_linear_of_lm_and_sandwich(name: str) -> None:
    agrees(linear(LINEAR, ROWS, **PLAIN[name]), REFERENCE["linear"][name])


@pytest.mark.parametrize("name", PLAIN)
def test_logit_of_glm_and_sandwich(name: str) -> None:
    agrees(logit(LOGIT, ROWS, **PLAIN[name]), REFERENCE["logit"][name])


def test_frequencies_of_lm_and_glm_on_as_many_rows() -> None:
    formula = "rating ~ ease + log(help)"
    agrees(linear(formula, ROWS, unit=None, frequency="f"), REFERENCE["linear"]["frequency"])
    agrees(linear(formula, ROWS, unit="unit", frequency="f"), REFERENCE["linear"]["frequency_cluster"])
    agrees(logit("stayed ~ ease + C(help)", ROWS, frequency="f"), REFERENCE["logit"]["frequency"])


def test_without_an_intercept() -> None:
    def cells(name: str) -> str:
        return f"segment[{name.removeprefix('segment')}]" if name.startswith("segment") else name

    fit = linear("rating ~ 0 + segment + ease", ROWS, unit=None, errors="observed")
    agrees(fit, REFERENCE["linear"]["none"], cells)
    assert fit.quality["R2"] == pytest.approx(REFERENCE["linear"]["none_r2"], rel=1e-9)
    agrees(logit("stayed ~ 0 + ease + help", ROWS, unit=None), REFERENCE["logit"]["none"], str)


def test_quality_of_r() -> None:
    expected = REFERENCE["linear"]
    fit = linear(LINEAR, ROWS, unit=None)
    found = [fit.quality[name] for name in ("R2", "R2_adjusted", "residual_sd")]
    assert found == pytest.approx([expected["r2"], expected["adjusted"], expected["sigma"]], rel=1e-9)
    assert linear(LINEAR, ROWS, unit=None, weight="w").quality["R2"] == pytest.approx(expected["weighted_r2"], rel=1e-9)
    binary = logit(LOGIT, ROWS, unit=None)
    assert binary.quality["R2_McKelveyZavoina"] == pytest.approx(REFERENCE["logit"]["McKelveyZavoina"], rel=1e-8)
    for name in ("logLik", "AIC", "BIC"):
        assert binary.quality[name] == pytest.approx(REFERENCE["logit"][name], rel=1e-10)


def test_birthwt_of_glm_from_counts() -> None:
    expected = REFERENCE["birthwt"]
    fit = logit("low ~ age + lwt + C(race) + smoke", pd.DataFrame(expected["counts"]), frequency="n")
    agrees(fit, expected)
    assert fit.estimate("lwt").value == pytest.approx(-0.0125256640, abs=1e-10)
    assert fit.estimate("smoke").value == pytest.approx(1.0544386478, abs=1e-10)
    assert fit.quality["logLik"] == pytest.approx(-107.2886173, abs=5e-8)
    assert fit.quality["Brier"] == pytest.approx(0.1952453136, abs=5e-11)


# --- statsmodels ----------------------------------------------------------------------------------


def test_statsmodels_least_squares() -> None:
    model = smf.ols(LINEAR, ROWS)
    for options, how in (
        ({"unit": None}, {"cov_type": "HC1"}),
        ({"unit": "unit"}, {"cov_type": "cluster", "cov_kwds": {"groups": ROWS["unit"]}}),
    ):
        found, theirs = linear(LINEAR, ROWS, **options).terms.set_index("term"), model.fit(use_t=True, **how)
        table = pd.DataFrame({"value": theirs.params, "std_error": theirs.bse, "p": theirs.pvalues}).loc[found.index]
        assert found[["value", "std_error", "p"]].to_numpy() == pytest.approx(table.to_numpy(), rel=1e-8, abs=1e-14)
        ends = theirs.conf_int().loc[found.index].to_numpy()
        assert found[["low", "high"]].to_numpy() == pytest.approx(ends, rel=1e-8)


def test_statsmodels_logit() -> None:
    for options, how in (
        ({"unit": None}, {}),
        ({"unit": "unit"}, {"cov_type": "cluster", "cov_kwds": {"groups": ROWS["unit"]}, "use_t": True}),
    ):
        theirs = smf.logit(LOGIT, ROWS).fit(disp=False, tol=1e-12, **how)
        found = logit(LOGIT, ROWS, **options).terms.query("kind != 'odds ratio'").set_index("term")
        assert found["value"].to_numpy() == pytest.approx(theirs.params[found.index].to_numpy(), rel=1e-8)
        assert found["std_error"].to_numpy() == pytest.approx(theirs.bse[found.index].to_numpy(), rel=1e-8)
        if "cov_type" not in how:
            assert found["p"].to_numpy() == pytest.approx(theirs.pvalues[found.index].to_numpy(), rel=1e-7)


def test_odds_ratios_are_exp_of_the_slopes_and_of_their_intervals() -> None:
    terms = logit(LOGIT, ROWS, unit=None).terms.set_index(["kind", "term"])
    slope, ratio = terms.loc["slope"], terms.loc["odds ratio"]
    assert "Intercept" not in ratio.index
    for figure in ("value", "low", "high"):
        assert ratio[figure].to_numpy() == pytest.approx(np.exp(slope[figure].to_numpy()))
    assert ratio["std_error"].to_numpy() == pytest.approx((ratio["value"] * slope["std_error"]).to_numpy())


# --- rows, counts, moments, engines ---------------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(("model", "formula"), [(linear, LINEAR), (logit, LOGIT)])
def test_every_engine_gives_the_same(frame: Native, model: Any, formula: str, name: str) -> None:
    some = ROWS.astype({"ease": float}).mask(lambda t: (t["ease"] == 2) & (t["help"] == 3))
    some[["unit", "w"]] = ROWS[["unit", "w"]]
    here, there = model(formula, some, **PLAIN[name]), model(formula, frame(some), **PLAIN[name])
    assert there.terms["term"].tolist() == here.terms["term"].tolist()
    assert there.terms[FIGURES].to_numpy() == pytest.approx(here.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-12)
    assert dict(there.quality) == pytest.approx(dict(here.quality))
    assert here.quality["n_missing"] == 400 - len(some.dropna()) > 0


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(("model", "formula"), [(linear, LINEAR), (logit, LOGIT)])
def test_rows_that_are_all_different_give_the_same(model: Any, formula: str, name: str) -> None:
    apart = ROWS.assign(help=ROWS["help"] + np.arange(400) * 2e-15)
    here, there = model(formula, ROWS, **PLAIN[name]), model(formula, apart, **PLAIN[name])
    assert there.quality["n_distinct"] == 400 > here.quality["n_distinct"]
    assert there.terms[FIGURES].to_numpy() == pytest.approx(here.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-12)


def test_answers_that_hardly_repeat_are_fitted_on_rows_and_it_is_said(frame: Native) -> None:
    rng = np.random.default_rng(9)
    table = pd.DataFrame({"seconds": rng.exponential(size=2000), "unit": rng.integers(0, 90, 2000)})
    table["rating"] = table["seconds"] + rng.normal(size=2000)
    found = linear("rating ~ seconds", frame(table), unit="unit")
    assert found.quality["n_distinct"] == 2000
    assert found.method.endswith("; fitted on rows, which hardly repeat")
    theirs = smf.ols("rating ~ seconds", table).fit(cov_type="cluster", cov_kwds={"groups": table["unit"]})
    assert found.terms["std_error"].to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-9)
    assert "hardly" not in linear("rating ~ C(ease)", ROWS, unit=None).method
    few = logit("slow ~ seconds", frame(table.assign(slow=table["rating"] > 1).head(200)), unit=None)
    assert few.method.endswith("; fitted on rows, which hardly repeat")


def moments() -> Moments:
    names = ["rating", "ease", "help"]
    return Moments(400, tuple(names), ROWS[names].mean().to_numpy(), ROWS[names].cov().to_numpy(), 7)


def test_moments_give_the_numbers_of_rows() -> None:
    rows, known = (
        linear("rating ~ ease + help", ROWS, unit=None, errors="observed"),
        linear("rating ~ ease + help", moments()),
    )
    assert known.terms[FIGURES].to_numpy() == pytest.approx(rows.terms[FIGURES].to_numpy(), rel=1e-9, abs=1e-14)
    assert known.quality["n_missing"] == 7
    for name in ("n", "R2", "R2_adjusted", "residual_sd"):
        assert known.quality[name] == pytest.approx(rows.quality[name], rel=1e-9)
    assert known.method == rows.method
    assert linear("rating ~ 1", moments()).terms["value"].tolist() == pytest.approx([ROWS["rating"].mean()])


def test_an_outcome_may_be_an_expression() -> None:
    good = logit("I(rating >= 5) ~ ease", ROWS, unit=None)
    same = logit("good ~ ease", ROWS.assign(good=ROWS["rating"] >= 5), unit=None)
    web = logit("I(segment == 'web') ~ ease", ROWS, unit=None)
    assert good.terms["value"].tolist() == pytest.approx(same.terms["value"].tolist())
    assert web.quality["n"] == 400
    logs = linear("np.log1p(rating) ~ ease", ROWS, unit=None)
    assert logs.terms["value"][1] == pytest.approx(np.polyfit(ROWS["ease"], np.log1p(ROWS["rating"]), 1)[0])


def test_contrasts_change_the_slopes_and_not_the_fit() -> None:
    plain = linear("rating ~ C(help)", ROWS, unit=None)
    for contrast in ("contr.sum", "contr.poly()", "contr.treatment(base=3)"):
        found = linear(f"rating ~ C(help, {contrast})", ROWS, unit=None)
        assert found.quality["R2"] == pytest.approx(plain.quality["R2"], rel=1e-12)
    sums = linear("rating ~ C(help, contr.sum)", ROWS, unit=None)
    means = ROWS.groupby("help")["rating"].mean()
    assert sums.terms["value"][0] == pytest.approx(means.mean())
    assert sums.terms["value"][1] == pytest.approx(means[1] - means.mean())


def test_names_of_columns_may_be_anything() -> None:
    table = ROWS.drop(columns="w").rename(columns={"ease": "ease of use", "rating": "n", "help": "w"})
    found = linear("n ~ `ease of use` + {`ease of use` ** 2} + w", table, unit=None)
    same = linear("rating ~ ease + I(ease ** 2) + help", ROWS, unit=None)
    assert found.terms["value"].to_numpy() == pytest.approx(same.terms["value"].to_numpy())
    assert found.terms["term"][1] == "ease of use"


def test_numbers_far_from_zero_lose_no_digits() -> None:
    here = linear("rating ~ ease + help", ROWS, unit=None).terms.set_index("term")
    there = linear("rating ~ ease + help", ROWS.assign(ease=ROWS["ease"] + 2_000_000), unit=None).terms.set_index(
        "term"
    )
    assert there.loc[["ease", "help"], FIGURES].to_numpy() == pytest.approx(
        here.loc[["ease", "help"], FIGURES].to_numpy(), rel=1e-8
    )


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100))
def test_scales_of_covariates_and_weights_change_nothing_but_the_slope(seed: int, factor: float) -> None:
    table = ROWS.sample(200, random_state=seed)
    here = logit("stayed ~ ease", table, unit="unit", weight="w").terms
    moved = table.assign(ease=factor * table["ease"], w=factor * table["w"])
    there = logit("stayed ~ ease", moved, unit="unit", weight="w").terms
    assert there["value"][1] * factor == pytest.approx(here["value"][1], rel=1e-7)
    assert there["p"].to_numpy() == pytest.approx(here["p"].to_numpy(), rel=1e-6, abs=1e-12)
