"""Purchases, spend and contracts: standard errors, the same numbers by integration, recovery, what is refused.

Published fits are rows of the table of oracles.
"""

from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad, trapezoid
from scipy.special import betaln, expit, log_expit
from scipy.stats import beta, gamma

from cxuxlib.errors import ArgumentError, ModelError, SampleError
from cxuxlib.stats.contracts import ShiftedBetaGeometric, sbg_fit, sbg_survival
from cxuxlib.stats.likelihood import maximum
from cxuxlib.stats.purchases import (
    BgNbd,
    bgnbd_fit,
    bgnbd_log_likelihood,
    expected_purchases,
    expected_repeats,
    p_alive,
)
from cxuxlib.stats.spend import GammaGamma, expected_spend, gamma_gamma_fit

PAPER = BgNbd(0.243, 4.414, 0.793, 2.426)
SKEWED = [PAPER, BgNbd(1.7, 0.4, 1.0, 0.6), BgNbd(0.5, 20, 0.4, 0.6), BgNbd(3, 2, 2.5, 0.2), BgNbd(9, 50, 0.05, 8)]


# --- published figures -----------------------------------------------------------------------------


def test_standard_errors_of_lifetimes(cdnow: Path) -> None:
    # lifetimes 0.11.3 on the same summary, BetaGeoFitter.summary and GammaGammaFitter.summary.
    data = pd.read_csv(cdnow / "cdnow_customers_summary.csv")
    found = bgnbd_fit(data["frequency"], data["recency"], data["T"])
    assert found.std_errors == pytest.approx((0.012557, 0.378221, 0.185719, 0.705346), abs=6e-7)
    data = pd.read_csv(cdnow / "cdnow_customers_summary_with_transactions.csv").query("x > 0")
    spend = gamma_gamma_fit(data["x"], data["zbar"])
    assert spend[:3] == pytest.approx((6.248802, 3.744588, 15.447748), abs=6e-7)
    assert spend.std_errors == pytest.approx((1.189687, 0.290166, 4.159994), abs=6e-7)


def test_the_published_78_weeks_are_a_series_that_was_cut_off() -> None:
    # G3 prints 1.8576; the hypergeometric series gives that after 150 of its terms, and 1.8580 in the end.
    r, alpha, a, b = 0.242593, 4.413532, 0.792886, 2.425753  # lifetimes 0.11.3
    z, term, total = 78 / (alpha + 78), 1.0, 1.0
    for j in range(150):
        term *= (r + j) * (b + j) / ((a + b - 1 + j) * (j + 1)) * z
        total += term
    cut = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + 78)) ** r * total)
    assert round(cut, 4) == 1.8576
    assert round(float(expected_purchases(BgNbd(r, alpha, a, b), 78)), 4) == 1.8580
    assert round(by_integration(BgNbd(r, alpha, a, b), 78), 4) == 1.8580


# --- the same by integration -----------------------------------------------------------------------


def by_integration(model: BgNbd, t: float) -> float:
    """E[X(t)] as the mean over the chance p to leave of (1 - E[exp(-λpt)]) / p, on the logits of p."""
    logit = np.linspace(-35 / model.a, 35 / model.b, 400_001)
    p = expit(logit)
    inside = -np.expm1(-model.r * np.log1p(p * t / model.alpha)) / p
    density = np.exp(model.a * log_expit(logit) + model.b * log_expit(-logit) - betaln(model.a, model.b))
    return float(trapezoid(inside * density, logit))


@pytest.mark.parametrize("model", SKEWED, ids=lambda each: f"{each.a:g}, {each.b:g}")
@pytest.mark.parametrize("t", [0.01, 1.0, 78.0, 5000.0])
def test_expected_purchases_are_the_integral_over_customers(model: BgNbd, t: float) -> None:
    # Among them a = 1 and a + b = 1, where the formula is 0/0.
    assert float(expected_purchases(model, t)) == pytest.approx(by_integration(model, t), rel=1e-9)


def nodes(high: float, n: int) -> tuple[Any, Any]:
    """Gauss-Legendre nodes and weights from 0 to high."""
    at, weight = np.polynomial.legendre.leggauss(n)
    return high * (at + 1) / 2, high * weight / 2


def mixed(model: BgNbd, x: int, last: float, age: float, alive_only: bool = False) -> float:
    """Density of a history, integrated over rates (as squares) and chances to leave."""
    (p, p_weight), (root, weight) = nodes(1, 40), nodes(6, 120)
    p, rate = p[:, None], (root**2)[None, :]
    density = (1 - p) ** x * rate**x * np.exp(-rate * age)
    if x and not alive_only:
        density = density + p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * last)
    density = density * beta.pdf(p, model.a, model.b) * gamma.pdf(rate, model.r, scale=1 / model.alpha) * 2 * root
    return float(p_weight @ density @ weight)


@pytest.mark.parametrize(("x", "last", "age"), [(0, 0.0, 3.0), (1, 0.5, 3.0), (4, 2.5, 3.0)])
def test_likelihood_and_p_alive_are_bayes_rule(x: int, last: float, age: float) -> None:
    model = BgNbd(2.5, 1.5, 2.0, 3.0)
    whole = mixed(model, x, last, age)
    assert bgnbd_log_likelihood(model, x, last, age) == pytest.approx(np.log(whole), abs=1e-9)
    assert float(p_alive(model, x, last, age)) == pytest.approx(mixed(model, x, last, age, True) / whole, abs=1e-9)


def test_spend_density_is_one_and_its_mean_as_expected() -> None:
    model, x = GammaGamma(6.25, 3.74, 15.44), 3

    def joint(scale: float, spend: float) -> float:
        return float(
            gamma.pdf(spend, model.p * x, scale=1 / (scale * x)) * gamma.pdf(scale, model.q, scale=1 / model.v)
        )

    whole = quad(joint, 0, 3, args=(20.0,))[0]
    mean = quad(lambda scale: joint(scale, 20.0) * model.p / scale, 0, 3)[0] / whole
    assert float(expected_spend(model, x, 20.0)) == pytest.approx(mean, rel=1e-7)


def test_sbg_survival_is_the_product_of_its_retention_rates() -> None:
    model, t = ShiftedBetaGeometric(0.668, 3.806), np.arange(1, 30)
    rates = (model.beta + t - 1) / (model.alpha + model.beta + t - 1)
    assert sbg_survival(model, t) == pytest.approx(np.cumprod(rates))
    assert float(sbg_survival(model, 0)) == 1


def test_large_histories_neither_overflow_nor_cancel() -> None:
    x, last = [0, 900, 900, 5000], [0, 51.9, 1, 52]
    found, alive = expected_repeats(PAPER, 52, x, last, 52.0), p_alive(PAPER, x, last, 52.0)
    then = [by_integration(BgNbd(PAPER.r + n, PAPER.alpha + 52, PAPER.a, PAPER.b + n), 52) for n in x]
    assert found == pytest.approx(alive * then, rel=1e-9)
    assert alive[2] == pytest.approx(0)


# --- recovery and laws -----------------------------------------------------------------------------


def simulated(model: BgNbd, n: int, seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    rate, leave = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n)
    age, now = rng.uniform(20, 40, n), np.zeros(n)
    x, last, here = np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while here.any():
        now = now + rng.exponential(1 / rate)
        here &= now <= age
        x, last = x + here, np.where(here, now, last)
        here &= rng.random(n) > leave
    return x, last, age


def test_simulated_customers_are_recovered() -> None:
    model = BgNbd(1.2, 6.0, 0.8, 2.5)
    found = bgnbd_fit(*simulated(model, 8000, 5))
    far = (np.array(found[:4]) - model[:4]) / found.std_errors
    assert np.abs(far).max() < 2.5
    assert np.array(found.std_errors) / model[:4] == pytest.approx(0.06, abs=0.05)


def test_simulated_spend_is_recovered() -> None:
    rng = np.random.default_rng(6)
    x, scale = rng.integers(1, 12, 4000), rng.gamma(4.0, 1 / 15.0, 4000)
    found = gamma_gamma_fit(x, rng.gamma(6.0 * x, 1 / (scale * x)))
    assert np.abs((np.array(found[:3]) - (6, 4, 15)) / found.std_errors).max() < 2.5
    assert abs(found.correlation) < 0.05


def test_counts_are_customers_and_not_weights_of_another_kind() -> None:
    x, last, age = simulated(PAPER, 600, 2)
    rows = np.repeat(np.arange(600), 3)
    one, three = bgnbd_fit(x, last, age, np.full(600, 3)), bgnbd_fit(x[rows], last[rows], age[rows])
    assert one[:4] == pytest.approx(three[:4], rel=1e-6)
    assert one.std_errors == pytest.approx(three.std_errors, rel=1e-5)
    assert (one.n, one.log_likelihood) == (1800, pytest.approx(three.log_likelihood))
    rng = np.random.default_rng(4)
    many, x = rng.integers(1, 5, 300), rng.integers(1, 8, 300)
    money = rng.gamma(6.0 * x, 1 / (rng.gamma(4.0, 1 / 15.0, 300) * x))
    rows = np.repeat(np.arange(300), many)
    spend, alone = gamma_gamma_fit(x, money, many), gamma_gamma_fit(x[rows], money[rows])
    assert spend[:3] == pytest.approx(alone[:3], rel=1e-6)
    assert spend.correlation == pytest.approx(alone.correlation)


def test_units_of_time_and_money_only_scale() -> None:
    x, last, age = simulated(BgNbd(1.2, 6.0, 0.8, 2.5), 3000, 3)
    weeks, days = bgnbd_fit(x, last, age), bgnbd_fit(x, 7 * last, 7 * age)
    assert days[:4] == pytest.approx((weeks.r, 7 * weeks.alpha, weeks.a, weeks.b), rel=1e-6)


def test_survivors_in_percent_or_in_heads() -> None:
    heads = sbg_fit(np.array([1000, 869, 743, 653, 593, 551, 517, 491]))
    percent = sbg_fit(np.array([100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]))
    assert heads[:2] == pytest.approx(percent[:2], rel=1e-6)
    assert heads.std_errors == pytest.approx(np.array(percent.std_errors) / np.sqrt(10), rel=1e-5)


def test_who_bought_once_is_alive_by_construction() -> None:
    # Trap 30; lifetimes #44, #165, #212, #239.
    assert p_alive(PAPER, [0, 0], [0, 0], [1, 1000]).tolist() == [1.0, 1.0]
    assert "1 for who bought once" in (p_alive.__doc__ or "")


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "last", "age", "text"),
    [
        ([-1], [0], [5], "0 or more"), ([1.5], [1], [5], "whole numbers"), ([1], [6], [5], "0 to T"),
        ([1], [1], [0], "above 0"), ([0], [3], [5], "no time since the last"), ([1, nan], [1, 1], [5, 5], "missing"),
        ([1, 2], [1, 2, 3], [5], "as many of each"), (["a"], [1], [5], "numbers"),
    ],
)  # fmt: skip
def test_histories_that_cannot_be(x: Any, last: Any, age: Any, text: str) -> None:
    for ask in (bgnbd_fit, lambda *history: p_alive(PAPER, *history)):
        with pytest.raises(ArgumentError, match=text):
            ask(x, last, age)


def test_spend_refuses_who_bought_once() -> None:
    with pytest.raises(ArgumentError, match="who bought once: 2"):
        gamma_gamma_fit([0, 1, 3, 0], [0.0, 10, 20, 0])
    with pytest.raises(ArgumentError, match="above 0"):
        gamma_gamma_fit([1, 3], [0.0, 20])
    with pytest.raises(SampleError, match="spend differently"):
        gamma_gamma_fit([1, 3], [20.0, 20])
    with pytest.raises(ModelError, match="no mean"):
        expected_spend(GammaGamma(6, 1, 15), 1, 10)
    with pytest.raises(ArgumentError, match="monetary"):
        expected_spend(GammaGamma(6, 4, 15), [1], [0.0])


@pytest.mark.parametrize("survivors", [[100, 110, 90], [100, 90, -1], [0, 0, 0]])
def test_survivors_that_cannot_be(survivors: list[float]) -> None:
    with pytest.raises(ArgumentError, match="survivors"):
        sbg_fit(survivors)


def test_too_few_to_fit() -> None:
    with pytest.raises(SampleError, match="no customers"):
        bgnbd_fit([], [], [])
    with pytest.raises(SampleError, match="two periods"):
        sbg_fit([100, 90])
    with pytest.raises(ArgumentError, match="counts"):
        bgnbd_fit([1, 2], [1, 2], [5, 5], [1, -1])


def test_data_that_do_not_tell_the_parameters() -> None:
    with pytest.raises(ModelError, match="BG/NBD"):
        bgnbd_fit([0] * 50, [0] * 50, np.linspace(5, 10, 50))
    with pytest.raises(ModelError, match="sBG"):
        sbg_fit([100, 90, 81, 72.9, 65.61])  # every customer leaves with the same chance
    with pytest.raises(ModelError, match="a line"):
        maximum(lambda at: (float(at[0]), np.ones(1)), [1.0], "a line")


def test_models_that_cannot_be() -> None:
    with pytest.raises(ArgumentError, match="alpha is a number above 0"):
        expected_purchases(BgNbd(1, -1, 1, 1), 1)
    with pytest.raises(ArgumentError, match="BgNbd"):
        p_alive(GammaGamma(1, 2, 3), 0, 0, 1)  # type: ignore[arg-type]
    for ask in (lambda: expected_purchases(PAPER, -1), lambda: expected_repeats(PAPER, -1, 0, 0, 1),
                lambda: sbg_survival(ShiftedBetaGeometric(1, 1), -1)):  # fmt: skip
        with pytest.raises(ArgumentError, match="t is 0 or more"):
            ask()
