"""Key drivers of ordered and yes-or-no outcomes: R by brute force, other derivations, recovery, coverage."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from math import factorial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxuxlib.models import DriverOptions, driver_ranks, key_drivers, ordered_logit, share_difference, share_differences
from cxuxlib.models.drivers import categories
from cxuxlib.results import Fit

Native = Callable[..., Any]
As = Literal["latent", "deviance"]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "drivers_outcomes.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(REFERENCE["rows"])
NAMES = ["ease", "help", "price", "speed"]
GROUPS = {"UX": ["ease", "help"], "rest": ["price", "speed"]}
MEASURES = {"latent": "R2_McKelveyZavoina", "deviance": "R2_McFadden"}
BOTH = pytest.mark.parametrize("how", ["latent", "deviance"])


def divided(data: Any, outcome: str = "rating", drivers: Any = None, how: As = "latent", **more: Any) -> Fit:
    """Key drivers, with what are options put where they belong."""
    own = {each: more.pop(each) for each in set(more) - {"groups", "weight", "frequency", "level"}}
    named = {} if "groups" in more else {"drivers": drivers or NAMES}
    return key_drivers(data, outcome, **named, method=DriverOptions(outcome_as=how, **own), **more)


def values(fit: Fit) -> np.ndarray:
    found: np.ndarray = fit.terms["value"].to_numpy()
    return found


def assert_reference(fit: Fit, expected: dict[str, Any], how: str) -> None:
    """Every share, R² and that of the controls are those of R."""
    assert fit.terms["term"].tolist()[: len(expected["players"])] == expected["players"]
    shares = [*expected["lmg"], *expected["alone"], *expected["unique"]]
    assert values(fit) == pytest.approx(np.array(shares), abs=1e-8)
    assert fit.quality[MEASURES[how]] == pytest.approx(expected["R2"], abs=1e-8)
    assert fit.quality.get(f"{MEASURES[how]}_controls", 0) == pytest.approx(expected["R2_controls"], abs=1e-8)
    assert fit.raw.measure == MEASURES[how]


# --- R --------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("logit", {}),
        ("probit", {"link": "probit"}),
        ("weighted", {"weight": "w"}),
        ("binary", {"outcome": "yes"}),
        ("groups", {"groups": GROUPS}),
        ("controls", {"drivers": NAMES[:3], "controls": ["speed"]}),
    ],
)
def test_shares_are_those_of_r_fitted_to_every_subset(name: str, more: dict[str, Any], how: As) -> None:
    fit = divided(ROWS, how=how, **more)
    assert_reference(fit, REFERENCE[how][name], how)
    model = "logit" if name == "binary" else f"ordered {more.get('link', 'logit')}"
    assert fit.model == f"key drivers (LMG, {how}, {model})"


@BOTH
def test_owen_shares_are_those_of_r_over_orders_in_which_groups_stay_together(how: As) -> None:
    fit = divided(ROWS, how=how, groups=GROUPS, method="owen")
    assert dict(zip(NAMES, values(fit)[:4], strict=True)) == pytest.approx(REFERENCE[how]["owen"], abs=1e-8)


@BOTH
def test_housing_as_counts_is_polr(how: As) -> None:
    players = {"infl": ["infl"], "type": ["apartment", "atrium", "terrace"], "cont": ["cont"]}
    counts = pd.DataFrame(REFERENCE["housing"]["counts"])
    fit = divided(counts, "sat", how=how, groups=players, frequency="Freq")
    assert_reference(fit, REFERENCE["housing"][how], how)
    assert fit.quality["n"] == 1681


@BOTH
def test_birth_weights_as_counts_are_glm(how: As) -> None:
    players = {"smoke": ["smoke"], "race": ["black", "other"], "ht": ["ht"], "ui": ["ui"], "early": ["early"]}
    fit = divided(pd.DataFrame(REFERENCE["births"]["counts"]), "low", how=how, groups=players, frequency="n")
    assert_reference(fit, REFERENCE["births"][how], how)
    assert fit.quality["n"] == 189


# --- other derivations ----------------------------------------------------------------------------------------------


def test_deviance_shares_are_mean_gains_over_all_orders_of_statsmodels() -> None:
    def mcfadden(columns: tuple[str, ...]) -> float:
        design = sm.add_constant(ROWS[list(columns)]) if columns else np.ones(len(ROWS))
        return float(sm.Logit(ROWS["yes"], design).fit(disp=0, tol=1e-12).prsquared)

    shares = dict.fromkeys(NAMES, 0.0)
    for order in permutations(NAMES):
        for i, name in enumerate(order):
            shares[name] += (mcfadden(order[: i + 1]) - mcfadden(order[:i])) / factorial(4)
    assert values(divided(ROWS, "yes", how="deviance"))[:4] == pytest.approx(list(shares.values()), abs=1e-8)


def test_latent_shares_are_linear_ones_of_the_regressions_own_line() -> None:
    regression = ordered_logit("rating ~ ease + help + price + speed", ROWS)
    slopes = regression.terms.set_index(["kind", "term"])["value"]["slope"][NAMES]
    # With noise of the model's variance that is exactly uncorrelated with the drivers, this is a latent answer.
    noise = np.random.default_rng(1).normal(size=len(ROWS))
    design = sm.add_constant(ROWS[NAMES])
    noise = sm.OLS(noise, design).fit().resid
    noise *= np.sqrt(np.pi**2 / 3 / noise.var(ddof=0))
    latent = ROWS.assign(latent=ROWS[NAMES] @ slopes + noise)
    for method in ("all", "owen"):
        more: dict[str, Any] = {"groups": GROUPS} if method == "owen" else {"drivers": NAMES}
        expected = key_drivers(latent, "latent", method=DriverOptions(method=method), **more)  # type: ignore[arg-type]
        assert values(divided(ROWS, method=method, **more)) == pytest.approx(values(expected), abs=1e-9)
    fit = divided(ROWS)
    for name in ("R2_McKelveyZavoina", "n"):
        assert fit.quality[name] == pytest.approx(regression.quality[name], abs=1e-12)
    assert divided(ROWS, how="deviance").quality["R2_McFadden"] == pytest.approx(regression.quality["R2_McFadden"])


def jackknifed(how: As, together: pd.Series, **more: Any) -> np.ndarray:
    """Standard errors by what a little more weight of each unit (or cluster) does to the shares, by differences."""
    data = ROWS.head(70)
    together = together.head(70)
    step, parts = 1e-4, []
    for each in together.unique():
        heavier, lighter = (np.where(together == each, 1 + sign * step, 1) for sign in (1, -1))
        up, down = (
            values(divided(data.assign(w=data["w"] * times), how=how, weight="w", interval="none", **more))
            for times in (heavier, lighter)
        )
        parts.append((up - down) / (2 * step))
    errors: np.ndarray = np.sqrt((np.array(parts) ** 2).sum(axis=0))
    return errors


@BOTH
@pytest.mark.parametrize("clustered", [False, True], ids=["units", "clusters"])
def test_errors_are_those_of_the_infinitesimal_jackknife(how: As, clustered: bool) -> None:
    more: dict[str, Any] = {"drivers": NAMES[:2], "controls": ["price"]}
    groups = ROWS["shop"] % 20 if clustered else pd.Series(range(len(ROWS)))
    expected = jackknifed(how, groups, **more) * np.sqrt(20 / 19 if clustered else 1)
    cluster = {"cluster": "g"} if clustered else {}
    fit = divided(ROWS.head(70).assign(g=groups), how=how, weight="w", **more, **cluster)
    assert fit.terms["std_error"].to_numpy() == pytest.approx(expected, rel=1e-5)
    assert (", 20 clusters" in fit.method) == clustered


@pytest.mark.parametrize("method", ["all", "owen"])
def test_errors_of_every_kind_of_latent_share_are_those_of_the_jackknife(method: Any) -> None:
    more: dict[str, Any] = {"groups": GROUPS} if method == "owen" else {"drivers": NAMES}
    expected = jackknifed("latent", pd.Series(range(len(ROWS))), method=method, link="probit", **more)
    fit = divided(ROWS.head(70), weight="w", method=method, link="probit", **more)
    assert fit.terms["std_error"].to_numpy() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("more", [{}, {"weight": "w"}, {"cluster": "shop"}], ids=str)
def test_latent_errors_are_those_of_the_bootstrap(more: dict[str, Any]) -> None:
    delta, drawn = (divided(ROWS, interval=each, replications=500, **more) for each in (None, "bootstrap"))
    assert values(drawn) == pytest.approx(values(delta), abs=1e-12)
    large = values(delta) > 0.02  # the smaller ones are no nearer to normal than their squares
    ratio = (drawn.terms["std_error"] / delta.terms["std_error"]).to_numpy()[large]
    assert ratio == pytest.approx(np.ones(large.sum()), abs=0.15)
    what = "clusters" if "cluster" in more else "units"
    assert drawn.method.startswith(f"bootstrap of 500 resamples of {what}")
    assert share_difference(drawn, "ease", "help").low < share_difference(delta, "ease", "help").value


def test_a_resample_is_fitted_as_data_of_these_counts_are() -> None:
    two = ROWS[["ease", "price", "rating", "shop"]].assign(w=ROWS["shop"] % 2 + 0.5)
    columns = ["rating", "ease", "price"]
    options = DriverOptions(outcome_as="latent", interval="bootstrap")
    own = categories.read(two, columns, options, "w", None)
    n = own.sample.n
    assert n.max() > 1
    cells = own.sample.table.iloc[own.sample.row].assign(rating=own.sample.answers["rating"].to_numpy())
    drawn = cells.assign(w=own.sample.w / n, n=np.random.default_rng(3).multinomial(400, n / n.sum()))
    expected = categories.read(drawn, columns, options, "w", "n").corr
    assert next(own.resampled(1, np.random.default_rng(3)))[0] == pytest.approx(expected, abs=1e-7)
    clustered = replace(options, cluster="shop")
    own = categories.read(two, columns, clustered, "w", None)
    times = np.bincount(np.random.default_rng(3).choice(np.arange(1, 81), 80), minlength=81)[two["shop"]]
    expected = categories.read(two.assign(w=two["w"] * times), columns, clustered, "w", None).corr
    assert next(own.resampled(1, np.random.default_rng(3)))[0] == pytest.approx(expected, abs=1e-7)


def test_units_that_answer_alike_are_drawn_with_the_weight_of_each() -> None:
    yes = (ROWS[["ease", "price", "rating"]] > 2.5).astype(int).assign(w=np.where(ROWS.index % 7 < 2, 5.0, 0.2))
    delta, drawn = (
        divided(yes, drivers=["ease", "price"], weight="w", interval=each, replications=500).terms["std_error"][0]
        for each in (None, "bootstrap")
    )
    assert drawn == pytest.approx(delta, rel=0.15)


def test_resamples_without_a_category_are_fitted_to_the_others() -> None:
    few = ROWS.head(60).assign(rating=lambda table: table["rating"].mask(table.index == 7, 9))
    drawn = divided(few, drivers=["ease", "help"], interval="bootstrap", replications=200)
    assert drawn.method.startswith("bootstrap of 200 resamples of units")
    assert np.isfinite(drawn.raw.draws).all()


# --- data -----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("cluster", [None, "shop"])
def test_rows_are_counts(how: As, cluster: str | None) -> None:
    keys = [*NAMES[:3], "rating", *([cluster] if cluster else [])]
    counts = ROWS.groupby(keys).size().reset_index(name="n")
    own, together = (
        divided(data, drivers=NAMES[:3], how=how, frequency=n, cluster=cluster)
        for data, n in ((ROWS.drop(columns="shop" if not cluster else "w"), None), (counts, "n"))
    )
    figures = ["value", "std_error", "low", "high"]
    assert own.terms[figures].to_numpy() == pytest.approx(together.terms[figures].to_numpy(), abs=1e-9)
    assert own.quality["n"] == together.quality["n"] == 400


@BOTH
def test_every_engine_gives_the_same_numbers(frame: Native, how: As) -> None:
    gone = ROWS.astype(float)
    gone.loc[:3, "help"] = np.nan
    own = divided(gone, how=how, drivers=NAMES[:3], weight="w", cluster="shop")
    fit = divided(frame(gone), how=how, drivers=NAMES[:3], weight="w", cluster="shop")
    assert fit.terms.iloc[:, 2:6].to_numpy() == pytest.approx(own.terms.iloc[:, 2:6].to_numpy(), abs=1e-9)
    assert (fit.quality["n"], fit.quality["n_missing"], fit.quality["n_clusters"]) == (396, 4, 80)


@BOTH
def test_an_ordered_categorical_is_an_outcome_and_its_spacing_says_nothing(how: As) -> None:
    words = ROWS.assign(rating=pd.Categorical.from_codes(ROWS["rating"] - 1, list("edcba"), ordered=True))
    far = ROWS.assign(rating=ROWS["rating"] ** 3)
    for other in (words, far):
        assert values(divided(other, how=how)) == pytest.approx(values(divided(ROWS, how=how)), abs=1e-12)


@BOTH
def test_ranks_and_differences_follow(how: As) -> None:
    fit = divided(ROWS, how=how)
    ranks = driver_ranks(fit)
    assert ranks["term"].iloc[0] == "ease"
    assert (ranks["rank_low"].iloc[0], ranks["rank_high"].iloc[0]) == (1, 1)
    assert ranks.set_index("term")["sign"].to_dict() == {"ease": 1, "help": 1, "price": -1, "speed": -1}
    assert ranks["part"].sum() == pytest.approx(1)
    assert (share_differences(fit)["p_adjusted"].head(3) < 0.01).all()


# --- recovery and coverage ------------------------------------------------------------------------------------------


def cut(rng: np.random.Generator, n: int, shares: list[float]) -> pd.DataFrame:
    """Answers 1 to 5 to four questions, a latent rating and its categories with these shares."""
    x = np.clip(np.round(3 + 0.7 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 4))), 1, 5)
    latent = x @ [0.9, 0.6, 0.3, 0.0] + rng.logistic(size=n)
    table = pd.DataFrame(x, columns=NAMES).assign(latent=latent)
    return table.assign(rating=np.searchsorted(np.quantile(latent, np.cumsum(shares)[:-1]), latent))


def test_shares_of_the_uncut_outcome_come_back_from_its_categories() -> None:
    many = cut(np.random.default_rng(5), 40_000, [1 / 11] * 11)
    truth = values(key_drivers(many, "latent", NAMES))
    assert values(divided(many)) == pytest.approx(truth, abs=0.006)
    # Three categories, most answers in the last: the latent shares come back all the same, the linear ones lose half.
    few = cut(np.random.default_rng(5), 40_000, [0.02, 0.08, 0.9])
    truth, linear = (values(key_drivers(few, each, NAMES)) for each in ("latent", "rating"))
    assert values(divided(few)) == pytest.approx(truth, abs=0.012)
    assert (linear[:3] < 0.6 * truth[:3]).all()
    deviance = values(divided(few, how="deviance"))[:4]
    assert deviance / deviance.sum() == pytest.approx(truth[:4] / truth[:4].sum(), abs=0.03)


@pytest.mark.slow
@BOTH
def test_intervals_hold_the_truth_as_often_as_they_say(how: As) -> None:
    shares = [0.1, 0.2, 0.3, 0.25, 0.15]
    large = cut(np.random.default_rng(0), 2_000_000, shares)
    ends = np.quantile(large["latent"], np.cumsum(shares)[:-1])
    truth = values(divided(large, drivers=NAMES[:3], how=how, interval="none"))
    rng, held = np.random.default_rng(1), np.zeros(9)
    for _ in range(400):
        some = cut(rng, 500, shares)
        some["rating"] = np.searchsorted(ends, some["latent"])
        terms = divided(some, drivers=NAMES[:3], how=how).terms
        held += ((terms["low"] <= truth) & (truth <= terms["high"])).to_numpy()
    assert held / 400 == pytest.approx(np.full(9, 0.95), abs=0.03)
