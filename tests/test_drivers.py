"""Key drivers with options: methods, controls, signs, warnings, ranks, differences, the bootstrap."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models import DriverOptions, driver_ranks, key_drivers, share_difference, share_differences
from cxuxlib.results import Moments
from tests.drivers_reference import SWISS, owen_by_orders, r2, shapley_by_orders, swiss

NAMES = ["rating", "ease", "help", "price", "looks"]
DRIVERS = NAMES[1:]
CORR = np.array([[1, 0.55, 0.48, 0.40, 0.22], [0.55, 1, 0.5, 0.4, 0.3], [0.48, 0.5, 1, 0.4, 0.3],
                 [0.40, 0.4, 0.4, 1, 0.3], [0.22, 0.3, 0.3, 0.3, 1]])  # fmt: skip


def answers(n: int = 600, seed: int = 3) -> pd.DataFrame:
    x = np.random.default_rng(seed).multivariate_normal(np.zeros(5), CORR, n)
    return pd.DataFrame(np.clip(np.round(1.2 * x + 3), 1, 5), columns=NAMES)


def moments(corr: np.ndarray = CORR, n: int = 600) -> Moments:
    return Moments(n, tuple(NAMES[: len(corr)]), np.zeros(len(corr)), corr)


def shares(fit: Any, kind: str) -> np.ndarray:
    found: np.ndarray = fit.terms[fit.terms["kind"] == kind]["value"].to_numpy()
    return found


# --- methods --------------------------------------------------------------------------------------------------------


def test_all_methods_stand_side_by_side() -> None:
    fit = key_drivers(swiss(), "Fertility", SWISS[1:], method="all")
    assert list(dict.fromkeys(fit.terms["kind"])) == ["lmg", "johnson", "pratt", "alone", "unique"]
    assert fit.estimate("Education", "johnson").value == pytest.approx(0.27196410465, abs=1e-10)
    assert fit.estimate("Agriculture", "pratt").value == pytest.approx(-0.110485991, abs=1e-9)
    assert fit.estimate("Agriculture", "pratt").low < -0.110485991 < fit.estimate("Agriculture", "pratt").high
    for kind in ("lmg", "johnson", "pratt"):
        assert shares(fit, kind).sum() == pytest.approx(0.7067350016, abs=1e-10)


@pytest.mark.parametrize("method", ["lmg", "johnson", "pratt"])
def test_a_method_alone_gives_the_numbers_it_gives_beside_others(method: Any) -> None:
    one, many = (key_drivers(answers(), "rating", DRIVERS, method=each) for each in (method, "all"))
    expected = many.terms[many.terms["kind"].isin([method, "alone", "unique"])]
    numbers = ["value", "std_error", "low", "high"]
    assert one.terms[numbers].to_numpy() == pytest.approx(expected[numbers].to_numpy(), abs=1e-12)


def test_owen_values_share_what_lmg_gives_their_group() -> None:
    groups = {"SES": list(SWISS[1:4]), "rest": list(SWISS[4:])}
    owen = key_drivers(swiss(), "Fertility", groups=groups, method="owen")
    found = owen.terms[owen.terms["kind"] == "owen"].set_index("term")["value"]
    expected = owen_by_orders(swiss().covariance, [[1, 2, 3], [4, 5]], [])
    assert found.tolist() == pytest.approx(list(expected.values()), abs=1e-12)
    lmg = key_drivers(swiss(), "Fertility", groups=groups)
    assert found[groups["SES"]].sum() == pytest.approx(lmg.estimate("SES").value, abs=1e-12)
    assert owen.formula == "Fertility ~ SES + rest"


@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_controls_stay_in_and_are_not_divided(method: Any) -> None:
    fit = key_drivers(moments(), "rating", ["ease", "price"], method=DriverOptions(method, controls=["help", "looks"]))
    divided = r2(CORR, [1, 2, 3, 4]) - r2(CORR, [2, 4])
    assert fit.quality["R2"] == pytest.approx(r2(CORR, [1, 2, 3, 4]), abs=1e-12)
    assert fit.quality["R2_controls"] == pytest.approx(r2(CORR, [2, 4]), abs=1e-12)
    assert fit.raw.r2 == pytest.approx(divided, abs=1e-12)
    assert shares(fit, method).sum() == pytest.approx(divided, abs=1e-12)
    if method == "lmg":
        assert shares(fit, "lmg") == pytest.approx(shapley_by_orders(CORR, [[1], [3]], [2, 4]), abs=1e-12)
    assert fit.formula == "rating ~ ease + price | help + looks"


def test_planted_shares_are_recovered() -> None:
    x = pd.DataFrame(np.random.default_rng(8).multivariate_normal(np.zeros(5), CORR, 50_000), columns=NAMES)
    planted = shapley_by_orders(CORR, [[1], [2], [3], [4]], [])
    fit = key_drivers(x * [1, 5, 0.1, 1, 2] + 3, "rating", DRIVERS)
    assert shares(fit, "lmg") == pytest.approx(planted, abs=0.008)
    assert (abs(shares(fit, "lmg") - planted) < 4 * fit.terms["std_error"][:4]).all()


# --- signs and warnings ---------------------------------------------------------------------------------------------


def test_signs_are_those_of_the_coefficients() -> None:
    data = answers(5000).assign(price=lambda t: -t["price"])
    assert key_drivers(data, "rating", DRIVERS).raw.signs == (1, 1, -1, 1)
    grouped = key_drivers(data, "rating", groups={"service": ["help", "price"], "product": ["ease", "looks"]})
    assert grouped.raw.signs == (0, 1)


def test_plain_answers_raise_no_warning() -> None:
    plain = np.where(np.eye(5) > 0, 1.0, 0.35)
    assert key_drivers(moments(plain), "rating", DRIVERS).raw.warnings == ()


def warned(corr: list[list[float]], start: str) -> list[str]:
    found = key_drivers(moments(np.array(corr)), "rating", NAMES[1 : len(corr)]).raw.warnings
    return [each for each in found if each.startswith(start)]


def test_collinearity_is_named() -> None:
    (one, two) = warned([[1, 0.5, 0.5, 0.3], [0.5, 1, 0.9, 0.2], [0.5, 0.9, 1, 0.2], [0.3, 0.2, 0.2, 1]], "Collinear")
    assert "81% of 'ease' (VIF 5.3)" in one
    assert "'help'" in two


def test_shared_items_are_named() -> None:
    assert warned([[1, 0.5, 0.5], [0.5, 1, 0.95], [0.5, 0.95, 1]], "Shared items?") == [
        "Shared items? 'ease' and 'help' correlate 0.95: they may hold the same answers, or ask the same."
    ]
    assert "'rating' and 'ease'" in warned([[1, 0.95, 0.5], [0.95, 1, 0.4], [0.5, 0.4, 1]], "Shared items?")[0]


def test_a_halo_is_named() -> None:
    (said,) = warned(np.where(np.eye(5) > 0, 1.0, 0.6).tolist(), "Halo")
    assert "first eigenvalue is 70% of the drivers' variance" in said


def test_suppression_is_named() -> None:
    more = warned([[1, 0.5, 0.0], [0.5, 1, 0.5], [0.0, 0.5, 1]], "Suppression")
    assert "'ease' explains more beside the others (0.333) than alone (0.250)" in more[0]
    (turned,) = warned([[1, 0.6, 0.3], [0.6, 1, 0.6], [0.3, 0.6, 1]], "Suppression")
    assert "'help' changes its sign" in turned


# --- how sure -------------------------------------------------------------------------------------------------------


def test_ends_of_an_interval_are_where_the_share_is_told_apart() -> None:
    terms = key_drivers(answers(), "rating", DRIVERS).terms
    squares = terms[terms["kind"] != "lmg"]
    z = norm.ppf(0.975)
    up = np.sqrt(squares["high"]) - np.sqrt(squares["value"])
    assert up.to_numpy() == pytest.approx((z * squares["std_error"] / (2 * np.sqrt(squares["value"]))).to_numpy())
    terms = terms[terms["kind"] == "lmg"]
    v, s, low, high = (terms[name].to_numpy() for name in ("value", "std_error", "low", "high"))
    np.testing.assert_allclose(np.sqrt(v) - np.sqrt(low), np.minimum(z * s / (2 * np.sqrt(v)), np.sqrt(v)), rtol=1e-9)
    np.testing.assert_allclose((high - v) ** 2, z**2 * s**2 * high / v, rtol=1e-9)


def test_without_an_interval_there_is_none_and_the_method_says_so() -> None:
    fit = key_drivers(answers(), "rating", DRIVERS, method=DriverOptions(interval="none"))
    assert fit.method == "no interval was asked for"
    assert fit.terms[["std_error", "low", "high"]].isna().all(axis=None)
    assert shares(fit, "lmg") == pytest.approx(shares(key_drivers(answers(), "rating", DRIVERS), "lmg"), abs=1e-14)
    with pytest.raises(ArgumentError, match="made without intervals"):
        driver_ranks(fit)


def test_the_bootstrap_is_the_same_for_the_same_seed_and_near_the_delta_method() -> None:
    one, again, other = (
        key_drivers(answers(), "rating", DRIVERS, method=DriverOptions("all", interval="bootstrap", rng=rng))
        for rng in (1, 1, 2)
    )
    delta = key_drivers(answers(), "rating", DRIVERS, method="all")
    assert one.method == "bootstrap of 1,000 resamples of units"
    assert one.terms.equals(again.terms)
    assert not one.terms["low"].equals(other.terms["low"])
    large = (delta.terms["value"] > 0.03) & (delta.terms["std_error"] > 0.005)
    assert large.sum() >= 12
    ratio = one.terms["std_error"][large] / delta.terms["std_error"][large]
    assert ratio.to_numpy() == pytest.approx(np.ones(large.sum()), abs=0.12)


@pytest.mark.parametrize("kind", ["lmg", "johnson", "unique"])
def test_share_difference_of_a_bootstrapped_fit_are_percentiles_of_draws(kind: str) -> None:
    fit = key_drivers(answers(), "rating", DRIVERS, method=DriverOptions("all", interval="bootstrap", rng=1))
    found = share_difference(fit, "ease", "looks", kind=kind)
    at = fit.raw.kinds.index(kind) * 4
    drawn = (fit.raw.draws[:, at] - fit.raw.draws[:, at + 3]) / fit.raw.draws[:, -1]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert found.low < found.value < found.high


def test_a_difference_is_significant_where_its_interval_leaves_zero_out() -> None:
    table = share_differences(key_drivers(answers(200), "rating", DRIVERS))
    outside = (table["low"] > 0) | (table["high"] < 0)
    assert list(outside) == list(table["p"] < 0.05)
    assert 0 < outside.sum() < len(table) == 6
    assert (table["p_adjusted"] >= table["p"]).all()
    assert (table["difference"] >= 0).all()


def test_ranks_are_sure_with_many_answers_and_open_with_few() -> None:
    many = driver_ranks(key_drivers(moments(n=200_000), "rating", DRIVERS))
    assert many["term"].tolist() == DRIVERS
    assert (many["rank_low"].tolist(), many["rank_high"].tolist()) == ([1, 2, 3, 4], [1, 2, 3, 4])
    few = driver_ranks(key_drivers(moments(n=20), "rating", DRIVERS))
    assert (few["rank_low"].tolist(), few["rank_high"].tolist()) == ([1] * 4, [4] * 4)
    assert many["part"].sum() == pytest.approx(1)


def test_drivers_that_are_equal_share_their_ranks() -> None:
    equal = np.where(np.eye(5) > 0, 1.0, 0.3)
    found = driver_ranks(key_drivers(moments(equal, n=10**6), "rating", DRIVERS))
    assert (found["rank_low"] == 1).all()
    assert (found["rank_high"] == 4).all()


def test_ranks_and_differences_of_shares_of_nothing() -> None:
    nothing = key_drivers(moments(np.eye(5)), "rating", DRIVERS)
    for compare in (driver_ranks, share_differences):
        with pytest.raises(ModelError, match="explain nothing"):
            compare(nothing)


@pytest.mark.slow
def test_true_ranks_lie_within_their_intervals_and_equal_shares_are_seldom_told_apart() -> None:
    rng, hits, found = np.random.default_rng(7), [], []
    equal = np.where(np.eye(5) > 0, 1.0, 0.35)
    for _ in range(400):
        x = rng.multivariate_normal(np.zeros(5), CORR, 300)
        table = driver_ranks(key_drivers(pd.DataFrame(x, columns=NAMES), "rating", DRIVERS)).set_index("term")
        low, high = (table[name][DRIVERS].to_numpy() for name in ("rank_low", "rank_high"))
        hits.append((low <= [1, 2, 3, 4]) & (high >= [1, 2, 3, 4]))
        same = pd.DataFrame(rng.multivariate_normal(np.zeros(5), equal, 300), columns=NAMES)
        found.append(share_differences(key_drivers(same, "rating", DRIVERS))["p_adjusted"].min())
    assert np.mean(hits, axis=0).min() >= 0.95
    assert np.mean(np.array(found) < 0.05) < 0.08
