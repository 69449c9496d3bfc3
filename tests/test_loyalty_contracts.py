"""Retention under contract: published segments, R's figures, closed forms, engines, what is refused."""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import RetentionOptions, retention
from cxuxlib.results import Fit
from cxuxlib.stats.contracts import sbg_fit
from cxuxlib.stats.tenures import BetaWeibull, Stayed, discounted, log_survival, tenure_fit

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "loyalty.json").read_text(encoding="utf-8"))["contracts"]
HIGH = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]
REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]
COLUMNS: dict[str, Any] = {"duration": "end", "event": "left", "entry": "entry"}


def of(data: Any, kind: Any = "sbg", **options: Any) -> Fit:
    return retention(data, kind=kind, options=RetentionOptions(customers=1000, **options))


def value(fit: Fit, term: str, kind: str | None = None) -> float:
    return fit.estimate(term, kind).value


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms.query("term == @term and kind == @kind").iloc[0]


# --- published ----------------------------------------------------------------------------------------


def test_the_high_end_segment_of_fader_and_hardie() -> None:
    fit = of(HIGH, at=[7])
    assert (round(value(fit, "alpha"), 3), round(value(fit, "beta"), 3)) == (0.668, 3.806)  # G5
    assert value(fit, "churn chance") == pytest.approx(0.668 / 4.474, abs=1e-4)


@pytest.mark.parametrize(("margin", "rate", "d"), [(1.0, 0.8, 0.1), (25.0, 0.95, 0.01)])
def test_a_constant_rate_for_ever_is_the_textbook_value(margin: float, rate: float, d: float) -> None:
    # m(1 + d)/(1 + d - r), first margin now (metrics.md, CLV); here r is the share that stays in one period of many.
    stay = [100_000 * rate**t for t in range(4)]
    counts = pd.DataFrame({"end": [1, 2, 3, 3], "left": [1, 1, 1, 0], "n": [*(-np.diff(stay)), stay[-1]]})
    counts.loc[0, "n"] += 500  # not quite constant, or sBG would have no maximum
    counts.loc[2, "n"] -= 500
    counts["n"] = counts["n"].round()
    options = RetentionOptions(horizon=inf, discount=d, margin=margin, frequency="n")
    fit = retention(counts, duration="end", event="left", options=options)
    kept = 1 - fit.quality["constant_rate"]
    assert kept == pytest.approx(rate, abs=0.003)
    assert value(fit, "value", "constant rate") == pytest.approx(margin * (1 + d) / (1 + d - kept), rel=1e-12)


# --- R --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sbg", "bdw"])
@pytest.mark.parametrize("name", ["high", "regular", "mixed"])
def test_fits_of_r(name: str, kind: Any) -> None:
    expected, rows = REFERENCE[name][kind], pd.DataFrame(REFERENCE[name]["rows"])
    if name != "mixed":
        rows = rows.assign(n=rows["n"].round())
    ways = {"horizon": 12, "discount": 0.1, "at": [12], "stayed": [3]}
    fit = retention(rows, **COLUMNS, kind=kind, options=RetentionOptions(frequency="n", **ways))
    parameters = fit.terms[fit.terms["kind"] == "parameter"]
    assert parameters["value"].to_numpy() == pytest.approx(expected["value"], rel=1e-6)
    assert parameters["std_error"].to_numpy() == pytest.approx(expected["error"], rel=1e-5)
    assert fit.quality["logLik"] == pytest.approx(expected["logLik"], abs=1e-6)
    asked = [("survival", "at 12"), ("retention rate", "at 12"), ("value", "new customer"), ("value", "after 3")]
    found = pd.DataFrame([row(fit, *each) for each in asked])
    ever = RetentionOptions(frequency="n", horizon=inf, discount=0.1)
    last = row(retention(rows, **COLUMNS, kind=kind, options=ever), "value", "new customer")
    told, errors = expected["told"], expected["told_error"]
    assert found["value"].to_numpy() == pytest.approx(told[:4], rel=1e-6)
    assert found["std_error"].to_numpy() == pytest.approx(errors[:4], rel=1e-4)
    if kind == "sbg":  # the sum in R ends after 600 periods
        assert (last["value"], last["std_error"]) == pytest.approx((told[4], errors[4]), rel=1e-4)


# --- the same in other ways -----------------------------------------------------------------------------


def test_sbg_of_a_list_is_that_of_counts_and_of_rows(frame: Native) -> None:
    heads = [round(10 * each) for each in HIGH]
    counts = pd.DataFrame({"end": [*range(1, 8), 7], "left": [1] * 7 + [0], "n": [*(-np.diff(heads)), heads[-1]]})
    rows = counts.loc[counts.index.repeat(counts["n"])].drop(columns="n").reset_index(drop=True)
    ways = [
        retention(heads),
        retention(frame(counts), duration="end", event="left", options=RetentionOptions(frequency="n")),
        retention(frame(rows), duration="end", event="left", unit=None),
        retention(frame(rows.assign(id=range(len(rows)))), duration="end", event="left", unit="id"),
    ]
    for each in ways[1:]:
        pd.testing.assert_frame_equal(each.terms, ways[0].terms)
        assert each.quality == pytest.approx(ways[0].quality)
    plain = sbg_fit(heads)
    assert ways[0].terms["std_error"][:2].tolist() == pytest.approx(list(plain.std_errors), rel=1e-5)


def test_incomplete_rows_are_counted(frame: Native) -> None:
    rows = pd.DataFrame(REFERENCE["mixed"]["rows"]).astype({"left": float})
    more = pd.concat([rows, pd.DataFrame({"entry": [0], "end": [3], "left": [None], "n": [17]})], ignore_index=True)
    options = RetentionOptions(frequency="n")
    one, other = (retention(frame(each), **COLUMNS, options=options) for each in (rows, more))
    assert (one.quality["n_missing"], other.quality["n_missing"]) == (0, 17)
    pd.testing.assert_frame_equal(one.terms, other.terms)


@pytest.mark.parametrize("model", [BetaWeibull(0.668, 3.806), BetaWeibull(1.5, 4, 0.7), BetaWeibull(0.3, 0.9, 1.9)])
def test_survival_is_the_mixture_over_customers(model: BetaWeibull) -> None:
    for t in (1, 5, 40):
        power = t**model.c
        whole = quad(lambda p, power=power: (1 - p) ** power * beta.pdf(p, model.alpha, model.beta), 0, 1, limit=500)[0]
        assert np.exp(log_survival(model, np.array(float(t)))[0]) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("after", [0, 1, 7])
@pytest.mark.parametrize("d", [0.001, 0.1])
def test_the_discounted_sum_is_gauss_hypergeometric(after: int, d: float) -> None:
    a, b = 0.668, 3.806
    expected = float(hyp2f1(1, b + after, a + b + after, 1 / (1 + d)))  # Fader & Hardie 2010, of who has just renewed
    assert discounted(BetaWeibull(a, b), after=after, periods=inf, discount=d)[0] == pytest.approx(expected, rel=1e-9)


def test_slopes_of_survival_are_right_near_and_far() -> None:
    for model in (BetaWeibull(0.7, 3.8, 1.0), BetaWeibull(0.3, 1.2, 2.2)):
        for t in (1.0, 9.0, 300.0, 40_000.0):
            slopes = log_survival(model, np.array(t))[1]
            for i, name in enumerate(("alpha", "beta", "c")):
                step = 1e-5 * model[i]
                up, down = (
                    log_survival(model._replace(**{name: model[i] + sign * step}), np.array(t))[0] for sign in (1, -1)
                )
                assert slopes[i] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-9)


def test_a_sum_over_a_horizon_is_the_sum_of_the_curve() -> None:
    fit = of(HIGH, horizon=20)
    curve = fit.raw.curve.set_index("period")
    assert value(fit, "tenure", "new customer") == pytest.approx(1 + curve.loc[:19, "survival"].sum())
    assert curve.loc[7, "survival_seen"] == pytest.approx(0.491)
    assert curve["survival"].to_numpy() == pytest.approx(np.cumprod(curve["rate"]))
    assert curve.loc[8:, "at_risk"].isna().all()


# --- what the curve says ----------------------------------------------------------------------------------


def test_a_constant_rate_extrapolated_has_too_few_left() -> None:
    # After the seventh year the High-End segment went on to 39.4 % in the twelfth (Fader & Hardie 2007, recalled).
    fit = of(HIGH, horizon=12)
    curve = fit.raw.curve.set_index("period")
    assert curve.loc[12, "constant"] == pytest.approx(0.270, abs=0.005)
    assert curve.loc[12, "survival_low"] < 0.394 < curve.loc[12, "survival_high"]
    assert fit.quality["AIC_constant"] > fit.quality["AIC"] + 40
    worth = of(HIGH, horizon=inf, discount=0.1, stayed=[5])
    assert row(worth, "value", "after 5")["low"] > row(worth, "value", "constant rate")["high"]


def test_the_method_says_why_retention_rises() -> None:
    assert "because who is likely to leave leaves first, not because anybody grows more loyal" in of(HIGH).method
    assert "each customer's own chance to leave grows with tenure" in of(HIGH, "bdw").method
    assert "own chances may be steady" in of(REGULAR, "bdw").method
    assert of(HIGH, "bdw").terms.query("term == 'c'")["p"].item() < 0.01 < of(REGULAR, "bdw").quality["p"]


def test_shares_have_the_error_of_their_customers() -> None:
    few, many = (
        retention(HIGH, options=RetentionOptions(customers=n)).terms["std_error"].to_numpy() for n in (250, 1000)
    )
    assert few == pytest.approx(2 * many, rel=1e-5)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ([1000, 900, 910], AnswerError, "Survivors rise from 900 to 910 in period 2"),
        ([1000, 900, -1], AnswerError, "never below 0"),
        ([1000, 900, None], AnswerError, "not known how many are left after period 2"),
        ([0, 0, 0], AnswerError, "above 0 at the start"),
        ([100, 86.9, 74.3], AnswerError, r"RetentionOptions\(customers=1000\)"),
        ([1000, 900], SampleError, "two periods or more"),
        ([1000, 1000, 1000], ModelError, "Nobody of 1,000 leaves in 2 periods"),
        ([1000, 0, 0], ModelError, "Everybody leaves in the first period"),
        ([1000, 900, 810, 729, 656], ModelError, "do not seem to differ in their chance to leave"),
        ([1000, 950, 800, 500, 100], ModelError, "leave more readily the longer they stay. Take kind='bdw'"),
        ([1, 1, 0], ModelError, "no maximum"),
        (["a", "b", "c"], ArgumentError, "numbers of customers"),
    ],
)
def test_survivors_that_cannot_be(data: Any, error: type[CxuxError], text: str) -> None:
    with pytest.raises(error, match=text):
        retention(data)


ROWS = pd.DataFrame({"id": [1, 2, 3, 4, 5, 6], "end": [1, 2, 2, 3, 4, 4], "left": [1, 1, 1, 1, 1, 0], "entry": 0})


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"end": [0, 1, 2, 3, 4, 4]}, AnswerError, "end at or before they begin"),
        ({"end": [1.5, 1, 2, 3, 4, 4]}, AnswerError, "there is 1.5"),
        ({"left": [2, 1, 1, 1, 1, 0]}, AnswerError, "'left' is 1"),
        ({"entry": [0, 0, 3, 0, 0, 0]}, AnswerError, "end at or before they begin"),
        ({"entry": 1, "end": [2, 2, 2, 3, 4, 4]}, SampleError, "Nobody was at risk in period 1"),
        ({"id": [1, 1, 2, 3, 4, 5]}, UnitError, "several rows"),
    ],
)
def test_rows_that_cannot_be(change: dict[str, Any], error: type[CxuxError], text: str) -> None:
    with pytest.raises(error, match=text):
        retention(ROWS.assign(**change), **COLUMNS, unit="id")


def test_arguments_that_cannot_be() -> None:
    for call, text in (
        (lambda: retention(ROWS), "name one column each"),
        (lambda: retention([100, 90, 80], duration="end"), "no columns"),
        (lambda: retention(ROWS, **COLUMNS, unit=None, options=RetentionOptions(customers=5)), "rows count themselves"),
        (lambda: retention([100, 90, 80], kind="weibull"), "no kind 'weibull'"),  # type: ignore[arg-type]
        (lambda: of(HIGH, horizon=inf), "discount of 0.0001 a period or more"),
        (lambda: RetentionOptions(at=[0]), "Each of at is a whole number of 1 or more"),
        (lambda: RetentionOptions(horizon=2.5), "horizon is a whole number"),
        (lambda: RetentionOptions(margin=0), "margin is a number above 0"),
        (lambda: retention([100, 90, 80], options={"at": [1]}), "RetentionOptions"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=text):
            call()
    with pytest.raises(AnswerError, match=r"1 for who left in the first; there is 0 .* Who has not completed a period"):
        retention(ROWS.assign(end=[0, 1, 2, 3, 4, 4]), duration="end", event="left", unit=None)
    with pytest.raises(ColumnError, match="'months'"):
        retention(ROWS, duration="months", event="left", unit=None)
    with pytest.raises(UnitError, match="A contract has one row"):
        retention(ROWS.assign(id=[1, 1, 2, 3, 4, 5]), duration="end", event="left")


def test_the_climb_begins_elsewhere_where_it_ends_nowhere() -> None:
    t = np.arange(1.0, 9)
    lost = 4000 * -np.diff(np.exp(log_survival(BetaWeibull(0.2, 30, 2.5), np.arange(9.0))[0]))
    left = 4000 - lost.sum()
    gone = np.r_[np.ones(8, dtype=bool), False]
    found = tenure_fit(Stayed(np.zeros(9), np.r_[t, 8], gone, np.r_[lost, left]), weibull=True)
    assert found[:3] == pytest.approx((0.2, 30, 2.5), rel=1e-4)
