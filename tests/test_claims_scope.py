"""The claims on precision and on scope: waves, units, brands, and what is refused."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, datasets, worlds
from cxuxlib.claims import Ruling, judge
from cxuxlib.claims.repeating import steady
from cxuxlib.claims.scope import meta_regression
from cxuxlib.errors import NotAnswerable
from cxuxlib.study import Study

D1, E1 = claims.UX_COUNTS_MORE_IN_ONE_PRODUCT, claims.UX_IS_STEADIER_THAN_CX


@lru_cache(maxsize=16)
def made(name: str, waves: int = 2, n: int = 3000) -> Study:
    return worlds.make(name, n=n, waves=waves, rng=1)


def judged(claim: claims.Claim, study: Study) -> Ruling:
    found = judge(claim, study)
    assert found.estimate is not None, found
    return found


# --- E1 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "verdict"), [("halo", "supported"), ("null", "supported"), ("harbor", "refuted")])
def test_precision_is_supported_where_it_is_true_and_refuted_where_it_is_false(name: str, verdict: str) -> None:
    found = judged(E1, made(name))
    assert found.verdict == verdict
    truth = worlds.truth(worlds.WORLDS[name], waves=2)["score_retest_ux_minus_cx"]
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(truth, abs=found.estimate.high - found.estimate.low)


def test_more_waves_make_it_more_precise() -> None:
    two, four = (judged(E1, made("harbor", waves)).estimate for waves in (2, 4))
    assert two is not None
    assert four is not None
    assert 0.5 < (four.high - four.low) / (two.high - two.low) < 0.9


def test_a_redesign_between_waves_is_taken_off() -> None:
    lifted = worlds.changed(worlds.WORLDS["harbor"], {"redesign.lift": 3.0})
    study = worlds.make(lifted, n=3000, waves=2, rng=1)
    found = judged(E1, study)
    blind = replace(study, tables={key: each for key, each in study.tables.items() if key != "customers"})
    assert "within the groups of 'redesign'" in found.reason
    assert found.estimate is not None
    assert judged(E1, blind).estimate.value < found.estimate.value - 0.05  # type: ignore[union-attr]


def test_errors_are_those_of_a_bootstrap_of_units() -> None:
    rng = np.random.default_rng(1)
    n = 400
    trait = rng.normal(size=(n, 2))
    x = trait[:, None] + rng.normal(size=(n, 3, 2)) * [0.6, 1.2]
    table = pd.DataFrame(x.reshape(-1, 2), columns=["a", "b"])
    table["unit"], table["wave"] = np.repeat(np.arange(n), 3), np.tile([1, 2, 3], n)
    found = steady(table, ["a", "b"])
    assert found.pairs == 2
    assert found.value[0] == pytest.approx(
        np.mean([np.corrcoef(x[:, k, 0], x[:, k + 1, 0])[0, 1] for k in (0, 1)]), abs=1e-12
    )
    again = []
    for _ in range(600):
        y = x[rng.integers(n, size=n)]
        again.append([np.mean([np.corrcoef(y[:, k, j], y[:, k + 1, j])[0, 1] for k in (0, 1)]) for j in (0, 1)])
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(np.std(again, axis=0), rel=0.1)


def test_one_wave_or_other_units_cannot_answer() -> None:
    found = judge(E1, made("harbor", 1, 300))
    assert found.verdict == "not answerable"
    assert found.reason.endswith("; the study has one wave.")
    study = made("harbor", 2, 300)
    surveys = study.tables["surveys"].copy()
    surveys["customer_id"] = np.arange(len(surveys))
    found = judge(E1, replace(study, tables={**study.tables, "surveys": surveys}))
    assert "Fewer than 50 units" in found.reason
    doubled = replace(study, tables={**study.tables, "surveys": pd.concat([study.tables["surveys"]] * 2)})
    assert "several rows in one wave" in judge(E1, doubled).reason
    fewer = replace(study, columns=tuple(each for each in study.columns if each.name != "seq"))
    assert "UX needs 3 items" in judge(E1, fewer).reason
    assert judge(E1, datasets.aggregates("mobi")).verdict == "not answerable"


def test_a_scale_that_does_not_vary_is_named() -> None:
    table = pd.DataFrame({"unit": [*range(60)] * 2, "wave": [1] * 60 + [2] * 60, "ease": 3.0})
    with pytest.raises(NotAnswerable, match="ease is the same for everybody"):
        steady(table, ["ease"])


# --- D1 -----------------------------------------------------------------------------------------------


def flat() -> Study:
    """Brands as those of portfolio, and UX weighs the same in all."""
    changes: dict[str, object] = {"experience.scope": 0.0, "questionnaire.loading": 0.95}
    return worlds.make(worlds.changed(worlds.WORLDS["portfolio"], changes), n=3000, waves=1, rng=2)


def test_scope_is_supported_where_it_is_true_and_refuted_where_it_is_false() -> None:
    found, truth = judged(D1, made("portfolio", 1)), worlds.truth(worlds.WORLDS["portfolio"], waves=1)
    assert found.verdict == "supported"
    assert found.estimate is not None
    assert found.estimate.low < truth["r_per_doubling"] < found.estimate.high
    study = flat()
    assert study.truth is not None
    assert abs(study.truth["r_per_doubling"]) < 0.02
    assert judged(D1, study).verdict == "refuted"


def test_too_few_brands_cannot_answer() -> None:
    assert "at least 10 brands" in judge(D1, made("single-product", 1, 500)).reason
    few = worlds.changed(worlds.WORLDS["portfolio"], {"market.products": (1, 1, 2, 2, 4, 4, 8, 8, 8)})
    found = judge(D1, worlds.make(few, n=1000, waves=1, rng=1))
    assert (found.verdict, "the study has 9 of 9" in found.reason) == ("not answerable", True)


def test_without_brands_or_with_brands_alike_it_cannot_be_answered() -> None:
    study = made("portfolio", 1)
    bare = replace(study, tables={key: each for key, each in study.tables.items() if key != "products"})
    assert "no table has 'brand_id', 'products_of_brand'" in judge(D1, bare).reason
    alike = study.tables["products"].assign(products_of_brand=2)
    assert "same number of products" in judge(D1, replace(study, tables={**study.tables, "products": alike})).reason
    assert judge(D1, datasets.aggregates("mobi")).verdict == "not answerable"


def test_meta_regression_is_weighted_least_squares_where_studies_agree() -> None:
    x, variance = np.arange(6.0), np.array([0.01, 0.02, 0.01, 0.03, 0.02, 0.01])
    y = 0.3 - 0.05 * x
    found = meta_regression(y, variance, x)
    slope, intercept = np.polyfit(x, y, 1, w=1 / np.sqrt(variance))
    assert found.value == pytest.approx([intercept, slope])
    assert found.tau2 == 0
    design = np.column_stack([np.ones(6), x])
    inverse = np.linalg.inv(design.T @ (design / variance[:, None]))
    assert found.error == pytest.approx(np.sqrt(np.diag(inverse)))


def test_meta_regression_finds_the_variance_between_studies() -> None:
    rng = np.random.default_rng(1)
    x = np.tile([0.0, 1.0, 2.0, 3.0], 3)
    found = [
        meta_regression(0.5 - 0.1 * x + 0.1 * rng.normal(size=12) + 0.05 * rng.normal(size=12), np.full(12, 0.0025), x)
        for _ in range(500)
    ]
    assert np.mean([each.tau2 for each in found]) == pytest.approx(0.01, abs=0.001)
    t = [(each.value[1] + 0.1) / each.error[1] for each in found]
    assert np.mean(np.abs(t) < 1.812) == pytest.approx(0.90, abs=0.04)
