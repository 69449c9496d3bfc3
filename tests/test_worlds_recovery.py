"""What is true of a world can be found in its tables, by simple means."""

from functools import cache
from math import exp, log, log1p, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cxuxlib import measure, ux, worlds
from cxuxlib.models import factor_correlation, latent_drivers
from cxuxlib.models.drivers import share_difference
from cxuxlib.study import Study, names
from cxuxlib.worlds.answers import Respondents, answer
from cxuxlib.worlds.customers import draw, quality
from cxuxlib.worlds.living import live
from cxuxlib.worlds.parameters import FACETS

CX = ["cx_overall", "cx_expected", "cx_ideal"]
UX = ["seq", "umux_needs", "umux_ease"]
SERVICE = ["service_reach", "service_kind", "service_solves"]


@cache
def big(name: str, n: int = 20_000) -> Study:
    return worlds.make(name, n=n, waves=4, rng=2)


def share(events: pd.DataFrame, column: str) -> tuple[float, float]:
    found = measure(events, ux.task_success(column), unit="customer_id", level=0.9999).iloc[0]
    return found["low"], found["high"]


def marginal(chance: float, slope: float) -> float:
    """Probability over customers, where the probit of each shifts by slope · N(0, 1)."""
    return float(norm.cdf(norm.ppf(chance) / sqrt(1 + slope**2)))


# --- events --------------------------------------------------------------------------------------------


def test_attempts_and_deliveries_go_right_as_often_as_the_world_says() -> None:
    study, point = big("harbor"), worlds.WORLDS["harbor"].touchpoints
    attempts, orders = (study.tables[name].query("wave == 1") for name in ("attempts", "orders"))
    low, high = share(attempts.assign(success=attempts["success"].astype(int)), "success")
    assert low < marginal(point.success, point.slope) < high
    low, high = share(orders.assign(late=(orders["late_d"] > 0).astype(int)), "late")
    assert low < marginal(point.late, point.slope) < high
    assert len(attempts) / 20_000 == pytest.approx(point.attempts, abs=5 * sqrt(point.attempts / 20_000))


def test_better_products_and_the_redesign_make_attempts_go_better() -> None:
    study = big("harbor")
    attempts = study.tables["attempts"]
    by_product = attempts.groupby("product_id")[["success", "abandoned", "time_s", "clicks", "errors"]].mean()
    r = by_product.corrwith(pd.Series(quality(worlds.WORLDS["harbor"].market).products, index=range(1, 31)))
    assert r["success"] > 0.9
    assert (r.drop("success") < -0.8).all()
    new = attempts["customer_id"].map(study.tables["customers"].set_index("customer_id")["redesign"])
    before = attempts["wave"] == 1
    effect = attempts[~before].groupby(new)["success"].mean().diff().iloc[1]
    placebo = attempts[before].groupby(new)["success"].mean().diff().iloc[1]
    assert effect > 0.05
    assert abs(placebo) < 0.012


def test_poor_ux_leads_to_contacts_and_good_service_solves_them() -> None:
    study, world = big("side-by-side"), worlds.WORLDS["side-by-side"]
    contacts = study.tables["contacts"]
    attempts = study.tables["attempts"].assign(failed=lambda t: ~t["success"])
    rate = (contacts["cause"] == "product").sum() / attempts["failed"].sum()
    assert rate == pytest.approx(world.touchpoints.asks, abs=0.012)
    low, high = share(contacts.query("wave == 1").assign(solved=lambda t: t["solved"].astype(int)), "solved")
    assert low < marginal(world.touchpoints.solved, world.touchpoints.slope) < high
    said = study.tables["answers"].set_index("customer_id")[SERVICE].mean(axis=1)
    served = contacts.query("wave == 1").assign(said=lambda t: t["customer_id"].map(said)).dropna()
    found = served[["said", "wait_min", "courtesy", "solved"]].astype(float).corr(method="spearman")["said"]
    assert found["solved"] > 0.15
    assert found["courtesy"] > 0.25
    assert found["wait_min"] < -0.25


def test_late_orders_go_with_poor_delivery() -> None:
    study = big("harbor")
    said = study.tables["answers"].set_index("customer_id")["delivery_on_time"]
    late = study.tables["orders"].query("wave == 1").set_index("customer_id")["late_d"] > 0
    gap = said.reindex(late.index).groupby(late).mean().diff().iloc[1]
    assert gap < -0.5


# --- answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in worlds.names() if name not in ("halo", "one-and-the-same")])
def test_the_latent_correlation_is_found(name: str) -> None:
    study = worlds.make(name, n=3000, waves=1, rng=3)
    row = factor_correlation(study.tables["answers"], {"UX": UX, "CX": CX}, level=0.999).iloc[0]
    assert study.truth is not None
    assert row["low"] < study.truth["r_ux_cx"] < row["high"]


def test_one_and_the_same_is_found_to_be_one() -> None:
    answers = worlds.make("one-and-the-same", n=3000, waves=1, rng=3).tables["answers"]
    assert factor_correlation(answers, {"UX": UX, "CX": CX}).iloc[0]["value"] == pytest.approx(1, abs=0.02)


def test_a_halo_makes_a_correlation_that_is_not_there() -> None:
    study = worlds.make("halo", n=3000, waves=1, rng=3)
    q = worlds.WORLDS["halo"].questionnaire
    row = factor_correlation(study.tables["answers"], {"UX": UX, "CX": CX}, level=0.999).iloc[0]
    fake = q.halo**2 / (q.halo**2 + q.loading**2)  # of two uncorrelated states with a common manner
    assert row["low"] < fake < row["high"]
    assert study.truth is not None
    assert study.truth["r_ux_cx"] == 0


@pytest.mark.parametrize("name", ["harbor", "compensating", "single-product", "side-by-side"])
def test_the_share_of_service_is_found(name: str) -> None:
    study = worlds.make(name, n=3000, waves=1, rng=4)
    blocks: dict[str, list[str]] = {}
    for column in study.columns:
        if column.role == "item":
            blocks.setdefault(column.facet, []).append(column.name)
    fit = latent_drivers(study.tables["answers"], ["cx_overall"], blocks)
    found = share_difference(fit, "service", "UX", level=0.999)
    assert study.truth is not None
    assert found.low < study.truth["share_service_minus_ux"] < found.high


def test_most_answers_reach_the_ceiling_in_the_world_of_that_name() -> None:
    top = {
        name: (big(name, 3000).tables["answers"][CX].dropna() == 7).mean(axis=None) for name in ("ceiling", "harbor")
    }
    assert top["ceiling"] > 0.5 > 0.1 > top["harbor"]


def test_careless_customers_give_one_answer() -> None:
    world = worlds.changed(worlds.WORLDS["null"], {"questionnaire.careless": 0.25})
    study = worlds.make(world, n=4000, waves=1, rng=1)
    sheets = study.tables["answers"][names(study, role="item")].dropna()
    assert (sheets.nunique(axis=1) == 1).mean() == pytest.approx(0.25, abs=4 * sqrt(0.25 * 0.75 / len(sheets)))


def test_who_answers_depends_on_cx() -> None:
    for slope in (0.0, 0.5):
        world = worlds.changed(worlds.WORLDS["harbor"], {"questionnaire.response_cx": slope})
        study = worlds.make(world, n=10_000, waves=2, rng=6)
        surveys = study.tables["surveys"]
        later = surveys[surveys["wave"] == 2].set_index("customer_id")["responded"]
        first = surveys[surveys["wave"] == 1].set_index("customer_id")["cx_overall"]
        gap = first.groupby(later).mean().diff().iloc[1]
        assert (gap > 0.2) == (slope > 0)
        assert slope > 0 or abs(gap) < 0.1


def test_who_never_met_service_has_no_answers_on_it() -> None:
    study, met = big("harbor"), worlds.WORLDS["harbor"].experience.service.met
    first = study.tables["surveys"].query("wave == 1 and responded").set_index("customer_id")
    called = first.index.isin(study.tables["contacts"].query("wave == 1")["customer_id"])
    unmet = first["service_kind"].isna()
    assert not unmet[called].any()
    assert unmet[~called].mean() == pytest.approx(1 - met, abs=4 * sqrt(met * (1 - met) / (~called).sum()))


# --- what CX and UX do -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["harbor", "direct", "null"])
def test_leaving_follows_cx_as_the_hazard_ratio_says(name: str) -> None:
    import statsmodels.api as sm

    world = worlds.changed(worlds.WORLDS[name], {"loyalty.churn": 0.10})
    first = next(iter(live(world, draw(world, 60_000, 1, np.random.default_rng(1)), np.random.default_rng(2))))
    felt = first.facets["ux"]
    x = np.column_stack([np.ones(60_000), first.cx / first.cx.std(), felt / felt.std(), first.broken])
    fit = sm.GLM(first.leaves, x, family=sm.families.Binomial(sm.families.links.CLogLog())).fit()
    truth = worlds.truth(world)
    expected = [log(-log1p(-0.10)), *(log(truth[key]) for key in ("hr_cx", "hr_ux", "hr_third_failure"))]
    assert np.abs((fit.params - expected) / fit.bse).max() < 3.5
    assert fit.bse[1] < 0.03


def test_the_unhappy_leave() -> None:
    def ratio(name: str) -> float:
        tables: Any = big(name).tables
        ends = tables["churn"].set_index("customer_id")
        surveys = tables["surveys"].dropna(subset="cx_overall")
        left = surveys["customer_id"].map(ends["churned"]) & (
            surveys["wave"] == surveys["customer_id"].map(ends["last_wave"])
        )
        rates = left.groupby(surveys["cx_overall"] >= 5).mean()
        return float(rates[True] / rates[False])

    assert ratio("harbor") < 0.75
    assert ratio("null") == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", ["harbor", "one-and-the-same", "confounded", "null", "portfolio"])
def test_a_redesign_has_its_effect(name: str) -> None:
    study = big(name)
    assert study.truth is not None
    new = study.tables["customers"].set_index("customer_id")["redesign"]
    surveys = study.tables["surveys"]
    found = {}
    for key, columns in (("itt_ux", UX), ("itt_cx", CX)):
        scores = surveys.assign(score=surveys[columns].mean(axis=1)).pivot(
            index="customer_id", columns="wave", values="score"
        )
        covariance = surveys.loc[surveys["wave"] == 1, columns].cov().to_numpy()
        sd = sqrt(covariance[np.triu_indices(3, 1)].mean())  # of the true score: what the items share
        change = (scores[4] - scores[1]).dropna() / sd
        groups = change.groupby(new.loc[change.index])
        error = sqrt((groups.var() / groups.size()).sum())
        found[key] = (groups.mean()[True] - groups.mean()[False], error)
    for key, (value, error) in found.items():
        assert error < 0.035
        assert abs(value - study.truth[key]) < 3.5 * error


def test_recovery_helps_and_its_lack_hurts() -> None:
    world = worlds.changed(worlds.WORLDS["harbor"], {"experience.failure": 0.6, "experience.recovery": 0.3})
    study = worlds.make(world, n=20_000, waves=1, rng=8)
    outcome = study.tables["contacts"].groupby("customer_id").agg(solved=("solved", "all"), good=("made_good", "any"))
    cx = study.tables["answers"].set_index("customer_id")[[*CX, *UX, *SERVICE]].dropna()
    kept = cx.index
    served = outcome.reindex(kept)
    good, failed = (served["solved"].eq(True) & served["good"].eq(True)), served["solved"].eq(False)
    x = np.column_stack([np.ones(len(cx)), cx[UX].mean(axis=1), cx[SERVICE].mean(axis=1), good, failed]).astype(float)
    slopes = np.linalg.lstsq(x, cx[CX].mean(axis=1).to_numpy(), rcond=None)[0]
    assert slopes[3] > 0.1
    assert slopes[4] < -0.3
    truth = worlds.truth(world, waves=1)
    assert truth["recovered_minus_not"] > truth["recovered_minus_none"] > 0.25


def test_the_third_failure_breaks_the_relation() -> None:
    many = {"touchpoints.asks": 1.0, "touchpoints.solved": 0.2, "loyalty.log_hazard_cx": 0.0}
    study = worlds.make(worlds.changed(worlds.WORLDS["harbor"], many), n=30_000, waves=1, rng=9)
    failures = study.tables["contacts"].query("~solved").groupby("customer_id").size()
    churn = study.tables["churn"].set_index("customer_id")
    count = failures.reindex(churn.index).fillna(0)
    hazard = -np.log1p(-churn["churned"].groupby(np.minimum(count, 3)).mean())
    assert hazard[2] / hazard[0] == pytest.approx(1, abs=0.25)
    assert hazard[3] / hazard[0] == pytest.approx(exp(0.6), rel=0.25)


@pytest.mark.parametrize("name", ["harbor", "side-by-side", "ceiling", "weakest-link"])
def test_promoters_and_nps_points_are_those_of_the_answers(name: str) -> None:
    # The whole answer to "recommend", drawn anew; the truth takes loyalty to be normal and leaves out the careless.
    world, n = (
        worlds.changed(worlds.WORLDS[name], {"questionnaire.careless": 0.0, "questionnaire.response": 1.0}),
        150_000,
    )
    who = draw(world, n, 1, np.random.default_rng(5))
    wave = next(iter(live(world, who, np.random.default_rng(6))))
    sheets = answer(
        world, wave, Respondents(world, who, np.random.default_rng(7)), np.arange(n), np.random.default_rng(8)
    )
    recommend, truth = sheets["recommend"], worlds.truth(world)
    z = [(each - each.mean()) / each.std() for each in (wave.reported, wave.facets["service"])]
    near = (abs(z[0] - 1) < 0.3) & (abs(z[1] + 1) < 0.3)
    promoters = (recommend[near] >= 9).mean() - (recommend >= 9).mean()
    error = 4 * sqrt(0.25 / near.sum())
    assert promoters == pytest.approx(truth["promoters_ux_high_service_low"], abs=error)
    states = np.column_stack([np.ones(n), z[0], *(wave.facets[each] for each in FACETS[1:])])
    points = 100 * ((recommend >= 9) * 1.0 - (recommend <= 6))
    slopes = np.linalg.lstsq(states, points, rcond=None)[0]
    assert slopes[1] == pytest.approx(truth["nps_per_sd_ux"], abs=1.5)


def test_scores_are_as_repeatable_as_the_truth_says() -> None:
    for name in ("harbor", "null", "halo"):
        study = big(name)
        r = {}
        for key, columns in (("ux", UX), ("cx", CX)):
            scores = study.tables["surveys"].assign(score=lambda t, c=columns: t[c].mean(axis=1))
            wide = scores[scores["wave"] <= 2].pivot(index="customer_id", columns="wave", values="score")
            wide = wide[~study.tables["customers"].set_index("customer_id")["redesign"].loc[wide.index]].dropna()
            r[key] = wide.corr().iloc[0, 1]
        assert study.truth is not None
        assert r["ux"] - r["cx"] == pytest.approx(study.truth["score_retest_ux_minus_cx"], abs=0.05)
