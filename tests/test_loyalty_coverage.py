"""Planted loyalty is found again, intervals hold it as often as they say, and the obvious analyses do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from cxuxlib.models import (
    HazardOptions,
    PurchaseOptions,
    RetentionOptions,
    churn_hazard,
    churn_logit,
    purchases,
    retention,
    worth,
)
from cxuxlib.results import Fit
from cxuxlib.stats.purchases import BgNbd, expected_purchases
from cxuxlib.stats.tenures import BetaWeibull, discounted, log_survival

pytestmark = pytest.mark.slow

Draw = Callable[[np.random.Generator], Any]
ROUNDS = 300
BAND = tuple(0.95 + sign * 3 * (0.05 * 0.95 / ROUNDS) ** 0.5 for sign in (-1, 1))  # three errors of the simulation
PERIODS = 6


def held(draw: Draw, fit: Callable[[Any], Fit], truths: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """How often the intervals of some terms hold the truth."""
    inside = dict.fromkeys(truths, 0)
    for seed in range(ROUNDS):
        terms = fit(draw(np.random.default_rng([2007, seed]))).terms.set_index(["term", "kind"])
        for key, truth in truths.items():
            inside[key] += bool(terms.loc[key, "low"] <= truth <= terms.loc[key, "high"])
    return {key: each / ROUNDS for key, each in inside.items()}


# --- contracts ------------------------------------------------------------------------------------------


def cohort(model: BetaWeibull, n: int) -> Draw:
    """Survivors of n customers, each with a chance of their own."""

    def draw(rng: np.random.Generator) -> list[int]:
        stay = 1 - rng.beta(model.alpha, model.beta, n)
        life = np.ceil((np.log(rng.random(n)) / np.log(stay)) ** (1 / model.c))
        return [int((life > t).sum()) for t in range(PERIODS + 1)]

    return draw


@pytest.mark.parametrize(("model", "kind"), [(BetaWeibull(0.8, 2.4), "sbg"), (BetaWeibull(0.5, 1.5, 1.5), "bdw")])
def test_intervals_of_retention_hold_the_truth_and_those_of_a_constant_rate_do_not(
    model: BetaWeibull, kind: Any
) -> None:
    horizon = 2 * PERIODS
    options = RetentionOptions(horizon=horizon, discount=0.1, margin=50, at=[horizon], stayed=[3])
    truth, later = (50 * discounted(model, after=k, periods=horizon, discount=0.1)[0] for k in (0, 3))
    left = np.exp(log_survival(model, np.array([horizon - 1.0, horizon]))[0])
    truths = {
        ("value", "new customer"): truth, ("value", "after 3"): later, ("value", "constant rate"): later,
        ("survival", f"at {horizon}"): left[1], ("retention rate", f"at {horizon}"): left[1] / left[0],
        ("churn chance", "new customer"): 1 - float(np.exp(log_survival(model, np.array(1.0))[0])),
    }  # fmt: skip
    found = held(cohort(model, 2000), lambda left: retention(left, kind=kind, options=options), truths)
    assert found.pop(("value", "constant rate")) < 0.05  # who has stayed is worth as much as who is new
    assert all(BAND[0] <= each <= BAND[1] for each in found.values()), found


def test_planted_contracts_are_recovered_and_own_chances_told_from_sorting() -> None:
    for model in (BetaWeibull(0.5, 1.5, 1.5), BetaWeibull(0.9, 3.0, 0.7)):
        fit = retention(cohort(model, 200_000)(np.random.default_rng(6)), kind="bdw")
        terms = fit.terms.set_index("term")
        for name in ("alpha", "beta", "c"):
            assert abs(terms.loc[name, "value"] - getattr(model, name)) < 3.5 * terms.loc[name, "std_error"]
        assert terms.loc["c", "p"] < 0.01


def test_contracts_that_ended_before_the_log_began_make_the_rest_look_immortal() -> None:
    model, rng, n = BetaWeibull(0.9, 3.0), np.random.default_rng(5), 60_000
    life = np.ceil(np.log(rng.random(n)) / np.log1p(-rng.beta(model.alpha, model.beta, n)))
    came = rng.integers(0, 8, n)  # periods under contract when the log begins
    rows = pd.DataFrame({"came": came, "end": np.minimum(life, came + 6), "left": (life <= came + 6).astype(int)})
    rows = rows[life > came]
    ways: dict[str, Any] = {"duration": "end", "event": "left", "unit": None, "options": RetentionOptions(at=[8])}
    right = retention(rows, entry="came", **ways).estimate("survival", "at 8")
    naive = retention(rows, kind="bdw", **ways).estimate("survival", "at 8")  # sBG finds no customers that differ
    truth = float(np.exp(log_survival(model, np.array(8.0))[0]))
    assert right.low < truth < right.high
    assert naive.low > truth + 0.1


# --- purchases --------------------------------------------------------------------------------------------


BUYERS = BgNbd(0.7, 5.0, 0.8, 2.5)


def buyers(rng: np.random.Generator, n: int = 800) -> pd.DataFrame:
    rate, leave = rng.gamma(BUYERS.r, 1 / BUYERS.alpha, n), rng.beta(BUYERS.a, BUYERS.b, n)
    age, now = rng.uniform(20, 40, n).round(1), np.zeros(n)
    x, last, here = np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while here.any():
        now = now + rng.exponential(1 / rate)
        here &= now <= age
        x, last = x + here, np.where(here, now, last)
        here &= rng.random(n) > leave
    rows = pd.DataFrame({"frequency": x, "recency": last, "T": age})
    return rows.assign(spent=rng.gamma(6.0 * np.maximum(x, 1), 1 / (np.maximum(x, 1) * rng.gamma(4.0, 1 / 15, n))))


def test_intervals_of_purchases_hold_the_truth() -> None:
    truths = {
        ("purchase rate", "while customer"): BUYERS.r / BUYERS.alpha,
        ("chance to leave after a purchase", "mean"): BUYERS.a / (BUYERS.a + BUYERS.b),
        ("repeats within 26", "new customer"): float(expected_purchases(BUYERS, 26)),
        ("spend per purchase", "mean"): 6.0 * 15 / 3,
    }
    options = PurchaseOptions(horizon=26)
    found = held(buyers, lambda rows: purchases(rows, spend="spent", unit=None, options=options), truths)
    assert all(BAND[0] <= each <= BAND[1] for each in found.values()), found


def test_what_customers_go_on_to_buy_is_foretold_and_the_past_rate_goes_too_far() -> None:
    rng = np.random.default_rng(9)
    n, horizon = 60_000, 26.0
    rate, leave = rng.gamma(BUYERS.r, 1 / BUYERS.alpha, n), rng.beta(BUYERS.a, BUYERS.b, n)
    now, here = np.zeros(n), np.ones(n, dtype=bool)
    x, last, more = np.zeros(n), np.zeros(n), np.zeros(n)
    while here.any():
        now = now + rng.exponential(1 / rate)
        here &= now <= 30 + horizon
        seen = here & (now <= 30)
        x, more, last = x + seen, more + (here & ~seen), np.where(seen, now, last)
        here &= rng.random(n) > leave
    rows = pd.DataFrame({"frequency": x, "recency": last, "T": 30.0})
    fit = purchases(rows, unit=None, options=PurchaseOptions(horizon=horizon))
    told = fit.estimate("repeats within 26", "per customer").value
    assert told == pytest.approx(more.mean(), rel=0.03)
    assert x.mean() / 30 * horizon > 1.5 * more.mean()  # the naive way: they buy on as they did
    table = fit.raw.customers.set_index(["repeats", "recency"])
    key = pd.MultiIndex.from_arrays([x, last])
    alive = table.loc[key, "p_alive"].to_numpy() if table.index.is_unique else None
    assert alive is not None
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 0.99)):
        some = (alive >= low) & (alive < high) & (x > 0)
        assert alive[some].mean() == pytest.approx(here_after(rng, x, last, rate, leave, some), abs=0.02)


def here_after(
    rng: np.random.Generator, x: np.ndarray, last: np.ndarray, rate: np.ndarray, leave: np.ndarray, some: np.ndarray
) -> float:
    """Share still there at 30, given each one's own rate and chance to leave."""
    silent = (1 - leave) * np.exp(-rate * (30 - last))
    own = silent / (silent + leave)
    return float((rng.random(len(x)) < own)[some].mean())


# --- worth --------------------------------------------------------------------------------------------------


EASE = -0.5
HORIZON, MARGIN = 12, 100.0


def answers(rng: np.random.Generator, n: int) -> pd.DataFrame:
    rows = pd.DataFrame({"ease": rng.integers(1, 6, n), "help": rng.normal(size=n).round(1)})
    return rows.assign(line=0.2 + EASE * rows["ease"] + 0.3 * rows["help"])


def truth_of(stay: Callable[[Any], np.ndarray], rows: pd.DataFrame) -> float:
    """What an SD of ease is worth in a large population."""

    def value(shift: float) -> float:
        before = np.column_stack([np.ones(len(rows)), stay(rows["line"] + EASE * shift)[:, : HORIZON - 1]])
        return float(MARGIN * (before @ 1.01 ** -np.arange(HORIZON)).mean())

    return (value(1e-3) - value(-1e-3)) / 2e-3 * float(rows["ease"].std())


def test_intervals_of_worth_hold_the_truth() -> None:
    large = answers(np.random.default_rng(1), 400_000)

    def stay(line: Any) -> np.ndarray:
        return np.cumprod(np.repeat(1 - expit(np.asarray(line))[:, None], HORIZON, axis=1), axis=1)

    def draw(rng: np.random.Generator) -> pd.DataFrame:
        rows = answers(rng, 600)
        return rows.assign(churned=(rng.random(600) < expit(rows["line"])).astype(int))

    def fit(rows: pd.DataFrame) -> Fit:
        found = churn_logit(rows, "churned ~ ease + help", unit=None)
        return worth(found, margin=MARGIN, horizon=HORIZON, discount=0.01)

    found = held(draw, fit, {("ease", "value per SD"): truth_of(stay, large)})
    assert BAND[0] <= found["ease", "value per SD"] <= BAND[1]


def test_intervals_of_worth_by_month_hold_the_truth() -> None:
    large = answers(np.random.default_rng(1), 200_000)
    grow = 0.3 * np.log(np.arange(1, HORIZON + 1)) - 1.5

    def stay(line: Any) -> np.ndarray:
        return np.exp(-np.exp(np.asarray(line)[:, None] + grow)).cumprod(axis=1)

    def draw(rng: np.random.Generator) -> pd.DataFrame:
        rows = answers(rng, 800)
        months = (rng.random((800, 1)) < stay(rows["line"])).sum(axis=1) + 1
        cut = np.minimum(rng.integers(6, HORIZON + 1, 800), HORIZON)
        return rows.assign(months=np.minimum(months, cut), left=(months <= cut).astype(int))

    def fit(rows: pd.DataFrame) -> Fit:
        options = HazardOptions(baseline="log")
        found = churn_hazard(rows, "ease + help", duration="months", event="left", kind="cloglog", options=options)
        return worth(found, margin=MARGIN, horizon=HORIZON, discount=0.01)

    found = held(draw, fit, {("ease", "value per SD"): truth_of(stay, large)})
    assert BAND[0] <= found["ease", "value per SD"] <= BAND[1]
