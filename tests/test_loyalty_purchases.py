"""Purchases without a contract: CDNOW, R's figures, engines, the traps of one-time buyers, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import PurchaseOptions, purchases
from cxuxlib.results import Fit
from cxuxlib.stats.purchases import BgNbd, expected_purchases, repeat_chances

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "loyalty.json").read_text(encoding="utf-8"))["buyers"]
ROWS = pd.DataFrame(REFERENCE["rows"]).astype(float)  # x, last, T, m
NAMED: dict[str, Any] = {"repeats": "x", "recency": "last", "age": "T", "unit": None}
AHEAD = PurchaseOptions(horizon=26, parts=12, discount=0.01, margin=0.3)


def value(fit: Fit, term: str, kind: str | None = None) -> float:
    return fit.estimate(term, kind).value


def parameters(fit: Fit, kind: str) -> pd.DataFrame:
    return fit.terms[fit.terms["kind"] == kind]


# --- published and R ------------------------------------------------------------------------------------


def test_cdnow(cdnow: Path) -> None:
    data = pd.read_csv(cdnow / "cdnow_customers_summary_with_transactions.csv")
    fit = purchases(data, repeats="x", recency="t_x", age="T", spend="zbar", unit="ID",
                    options=PurchaseOptions(horizon=39))  # fmt: skip
    assert parameters(fit, "purchases")["value"].round(3).tolist() == [0.243, 4.414, 0.793, 2.426]  # G1
    assert fit.quality["logLik"] == pytest.approx(-9582.43, abs=0.005)
    assert parameters(fit, "spend")["value"].tolist() == pytest.approx([6.25, 3.74, 15.44], abs=0.01)  # G4
    assert (fit.quality["n"], fit.quality["n_once"], fit.quality["n_spend"]) == (2357, 1411, 946)
    assert fit.quality["spend_correlation"] == pytest.approx(0.114, abs=5e-4)
    customers = fit.raw.customers.set_index("ID")
    assert customers.loc[1, "expected"] == pytest.approx(1.226, abs=5e-4)  # G2: x = 2, t = 30.43, T = 38.86
    assert customers.loc[[1, 2, 3, 6], "expected_spend"].tolist() == pytest.approx(
        [24.65, 18.91, 35.17, 71.46], abs=0.05
    )
    check = fit.raw.check
    assert check["observed"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert abs(check["expected"] - check["observed"]).max() < 22
    assert check["expected"].sum() == pytest.approx(2357)


def test_fits_of_r() -> None:
    fit = purchases(ROWS, **NAMED, spend="m", options=AHEAD)
    for kind, expected in (("purchases", REFERENCE), ("spend", REFERENCE["spend"])):
        found = parameters(fit, kind)
        assert found["value"].to_numpy() == pytest.approx(expected["value"], rel=1e-6)
        assert found["std_error"].to_numpy() == pytest.approx(expected["error"], rel=1e-5)
    assert fit.quality["logLik"] == pytest.approx(REFERENCE["logLik"], abs=1e-6)
    told = [("purchase rate", "while customer"), ("chance to leave after a purchase", "mean"), ("P(alive)", "all"),
            ("P(alive)", "repeat buyers")]  # fmt: skip
    found = pd.concat([fit.terms.query("term == @t and kind == @k") for t, k in told])
    assert found["value"].to_numpy() == pytest.approx(REFERENCE["figures"], rel=1e-6)
    assert found["std_error"].to_numpy() == pytest.approx(REFERENCE["figures_error"], rel=1e-5)
    assert value(fit, "repeats within 26", "new customer") == pytest.approx(REFERENCE["new"], rel=1e-6)
    ones = REFERENCE["some"]
    customers = fit.raw.customers
    key = customers.set_index(["repeats", "recency", "age"])
    for i, ahead, money in zip(ones, REFERENCE["ten"], REFERENCE["money"], strict=True):
        own = key.loc[tuple(ROWS.loc[i, ["x", "last", "T"]])]
        own = own.iloc[0] if isinstance(own, pd.DataFrame) else own
        assert own["expected"] == pytest.approx(ahead, rel=1e-6)
        assert own["value"] == pytest.approx(money, rel=1e-6)
    mean = fit.terms.query("term == 'spend per purchase'").iloc[0]
    spend = REFERENCE["spend"]["mean"]
    assert (mean["value"], mean["std_error"]) == pytest.approx((spend["value"], spend["error"]), rel=1e-5)


def test_means_are_those_of_the_customers() -> None:
    fit = purchases(ROWS, **NAMED, spend="m", options=AHEAD)
    customers, w = fit.raw.customers, fit.raw.customers["n"]
    assert value(fit, "repeats within 26", "per customer") == pytest.approx(
        np.average(customers["expected"], weights=w)
    )
    assert value(fit, "value within 26") == pytest.approx(np.average(customers["value"], weights=w))
    plain = purchases(ROWS, **NAMED, spend="m", options=PurchaseOptions(horizon=26))
    each = plain.raw.customers
    assert each["value"].to_numpy() == pytest.approx((each["expected"] * each["expected_spend"]).to_numpy())


def test_the_error_of_value_is_that_of_all_seven_parameters() -> None:
    # Draws from the asymptotic normal of both models' parameters, on the log scale.
    fit, rng = purchases(ROWS, **NAMED, spend="m", options=PurchaseOptions(horizon=26)), np.random.default_rng(3)
    raw, customers, w = fit.raw, fit.raw.customers, fit.raw.customers["n"]
    from cxuxlib.stats.purchases import expected_repeats
    from cxuxlib.stats.spend import GammaGamma, expected_spend

    def draws(model: Any, k: int) -> np.ndarray:
        at = np.array(model[:k])
        spread = np.array(model.covariance) / np.outer(at, at)
        return np.exp(np.log(at) + rng.multivariate_normal(np.zeros(k), spread, 1500))

    history = [customers[each].to_numpy() for each in ("repeats", "recency", "age")]
    money = customers["spend"].fillna(0).to_numpy()
    found = [
        np.average(expected_repeats(BgNbd(*one), 26, *history) * expected_spend(GammaGamma(*two), history[0], money),
                   weights=w)
        for one, two in zip(draws(raw.model, 4), draws(raw.spend, 3), strict=True)
    ]  # fmt: skip
    row = fit.terms.query("term == 'value within 26'").iloc[0]
    assert row["std_error"] == pytest.approx(np.std(found), rel=0.08)


# --- engines and counts -----------------------------------------------------------------------------------


def test_rows_counts_and_engines_agree(frame: Native) -> None:
    rows = ROWS.round({"last": 0, "T": -1}).assign(last=lambda each: each["last"].clip(upper=each["T"]))
    rows.loc[rows["x"] > 0, "last"] = rows["last"].clip(lower=1)
    counts = rows.groupby(["x", "last", "T"], as_index=False).size()
    one = purchases(frame(rows), **NAMED)
    options = PurchaseOptions(frequency="size")
    other = purchases(frame(counts), **NAMED | {"unit": ...}, options=options)
    pd.testing.assert_frame_equal(one.terms, other.terms)
    assert one.quality == pytest.approx(other.quality)
    with_ids = purchases(frame(rows.assign(who=range(len(rows)))), **NAMED | {"unit": "who"})
    pd.testing.assert_frame_equal(one.terms, with_ids.terms, rtol=1e-6)
    assert set(with_ids.raw.customers["who"]) == set(range(len(rows)))


def test_missing_histories_and_missing_spend_are_counted(frame: Native) -> None:
    some = int(ROWS.index[ROWS["x"] > 0][0])
    lacking = ROWS.copy()
    lacking.loc[some, "m"] = np.nan
    lacking.loc[int(ROWS.index[ROWS["x"] == 0][0]), "T"] = np.nan
    fit = purchases(frame(lacking), **NAMED, spend="m")
    assert (fit.quality["n"], fit.quality["n_missing"]) == (len(ROWS) - 2, 2)
    zeros = ROWS.assign(m=ROWS["m"].fillna(0))  # lifetimes' way of who has no repeat purchase
    pd.testing.assert_frame_equal(purchases(zeros, **NAMED, spend="m").terms, purchases(ROWS, **NAMED, spend="m").terms)


def test_rfm_goes_in_as_it_comes_out() -> None:
    rng = np.random.default_rng(8)
    gaps = np.ceil(rng.exponential(20 / rng.gamma(1, 1, 400)[:, None], (400, 30)))
    days = np.concatenate([rng.integers(0, 50, (400, 1)), gaps], axis=1).cumsum(axis=1)
    stays = rng.random((400, 30)) > rng.beta(1, 3, 400)[:, None]
    there = np.concatenate([np.ones((400, 2)), stays[:, :-1].cumprod(axis=1)], axis=1)
    log = pd.DataFrame({"id": np.repeat(np.arange(400), 31), "day": days.ravel(), "spent": rng.gamma(6, 5, 12_400)})
    log = log[(log["day"] < 180) & (there.ravel() > 0)].assign(
        at=lambda each: pd.Timestamp("2024-01-01") + pd.to_timedelta(each["day"], "D")
    )
    table = behaviour.rfm(log, unit="id", at="at", value="spent", until=pd.Timestamp("2024-06-30"))
    fit = purchases(table, unit="id", options=PurchaseOptions(horizon=30))
    assert fit.quality["n"] == len(table)


# --- traps ----------------------------------------------------------------------------------------------------


def test_one_time_buyers_are_alive_by_construction_and_it_is_said() -> None:
    fit = purchases(ROWS, **NAMED)
    row = fit.terms.query("kind == 'one-time buyers'").iloc[0]
    assert (row["value"], np.isnan(row["low"])) == (1.0, True)
    once = int((ROWS["x"] == 0).sum())
    assert fit.quality["n_once"] == once
    assert f"P(alive) of the {once:,} who bought once is 1 by construction" in fit.method
    assert "no sign of life" in fit.method
    assert value(fit, "P(alive)", "repeat buyers") < value(fit, "P(alive)", "all")


def test_purchases_in_place_of_repeats_see_too_much_in_everybody() -> None:
    # Trap 30; the first purchase, counted as a repeat, sits at recency 0 for one-time buyers, which is refused.
    with pytest.raises(AnswerError, match="counts purchases after the first"):
        purchases(ROWS.assign(x=ROWS["x"] + 1), **NAMED)
    again = ROWS[ROWS["x"] > 0]  # and who has only those who came back, sees half as many again to come
    naive = purchases(again.assign(x=again["x"] + 1), **NAMED, options=PurchaseOptions(horizon=26))
    right = purchases(ROWS, **NAMED, options=PurchaseOptions(horizon=26))
    assert naive.estimate("repeats within 26").low > 1.3 * right.estimate("repeats within 26").high


def test_spend_that_goes_with_frequency_is_improper() -> None:
    proper = purchases(ROWS, **NAMED, spend="m")
    assert "IMPROPER" not in proper.method
    assert f"on the {int((ROWS['x'] > 0).sum()):,} who bought again" in proper.method
    tied = purchases(ROWS.assign(m=ROWS["m"] * (1 + ROWS["x"])), **NAMED, spend="m")
    assert tied.quality["spend_correlation"] > 0.2
    assert "IMPROPER: spend goes with repeats" in tied.method
    assert "IMPROPER" in repr(tied)


def test_chances_of_repeats_add_up_and_have_their_mean() -> None:
    model, t = BgNbd(0.8, 5.0, 0.9, 2.5), np.array([0.0, 3.0, 40.0])
    found = repeat_chances(model, t, 400)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert found @ np.arange(401) == pytest.approx(expected_purchases(model, t), rel=1e-6)
    assert found[0].tolist()[:2] == [1.0, 0.0]


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"x": 0, "last": 0}, ModelError, "Nobody of 900 has bought again"),
        ({"last": ROWS["T"].where(ROWS["x"] > 0, 0) + 1.0 * (ROWS["x"] > 0)}, AnswerError, "'last' above 'T'"),
        ({"x": ROWS["x"] - 1}, AnswerError, "no whole number of 0 or more"),
        ({"x": ROWS["x"] + 0.5}, AnswerError, "no whole number"),
        ({"T": 0}, AnswerError, "'T' of 0 or less"),
        ({"last": ROWS["last"].clip(lower=1)}, AnswerError, "recency is no time since the last purchase"),
        ({"last": 0}, AnswerError, "at the time of the first"),
        ({"last": -ROWS["last"]}, AnswerError, "below 0"),
        ({"T": np.inf}, AnswerError, "infinite"),
        ({"m": -ROWS["m"]}, AnswerError, "not above 0, such as -"),
        ({"m": 0 * ROWS["m"]}, AnswerError, "take refunds off"),
        ({"m": 5 + 0 * ROWS["m"]}, SampleError, "spend differently"),
        ({"x": "two"}, ColumnError, "holds texts"),
        ({"T": np.nan}, SampleError, "no complete history"),
        ({"last": ROWS["T"].where(ROWS["x"] > 0, 0)}, ModelError, "nobody seems to have left yet"),
    ],
)
def test_histories_that_cannot_be(change: dict[str, Any], error: type[CxuxError], text: str) -> None:
    with pytest.raises(error, match=text):
        purchases(ROWS.assign(**change), **NAMED, spend="m")


def test_arguments_that_cannot_be() -> None:
    twice = ROWS.assign(id=[0, *range(len(ROWS) - 1)])
    for call, error, text in (
        (lambda: purchases(ROWS, **NAMED | {"recency": "x"}), ArgumentError, "name one column each"),
        (lambda: purchases(ROWS), ColumnError, "'frequency'"),
        (lambda: purchases(twice, **NAMED | {"unit": "id"}), UnitError, "several rows"),
        (lambda: purchases(ROWS[ROWS["x"] > 0].head(7), **NAMED), ModelError, "7 customers bought again"),
        (lambda: PurchaseOptions(margin=1.2), ArgumentError, "share of spend"),
        (lambda: PurchaseOptions(horizon=0), ArgumentError, "above 0"),
        (lambda: PurchaseOptions(parts=0), ArgumentError, "parts is a whole number of 1 or more"),
        (lambda: PurchaseOptions(discount=-0.1), ArgumentError, "discount is a number of 0 or more"),
        (lambda: purchases(ROWS, **NAMED, options={"margin": 1}), ArgumentError, "PurchaseOptions"),
    ):  # fmt: skip
        with pytest.raises(error, match=text):
            call()
