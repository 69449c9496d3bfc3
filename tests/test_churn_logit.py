"""Churn in a window: the logit of models, R's area under the curve, and how good foretold chances are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.special import logit as log_odds

from cxuxlib.errors import AnswerError, ArgumentError, LeakageError, ModelError, SampleError
from cxuxlib.models import Window, churn_logit, churn_performance, linear, logit, margins
from cxuxlib.stats import forecasts

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "churn.json").read_text(encoding="utf-8"))
ROWS = pd.DataFrame(REFERENCE["rows"])
FORMULA = "left ~ ease + service + plan"


def drawn(n: int, seed: int, slope: float = 0.8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"ease": rng.integers(1, 6, n), "help": rng.normal(size=n).round(1)})
    line = 1.5 - slope * rows["ease"] + 0.5 * rows["help"]
    return rows.assign(left=(rng.random(n) < expit(line)).astype(int), n=1)


def figure(fit: Any, term: str, kind: str = "performance") -> pd.Series:
    return fit.terms.query("term == @term and kind == @kind").iloc[0]


def test_terms_are_those_of_the_logit_and_its_margins(frame: Native) -> None:
    fit = churn_logit(frame(ROWS), FORMULA, unit="shop")
    plain = logit(FORMULA, ROWS, unit="shop")
    pd.testing.assert_frame_equal(fit.terms.iloc[: len(plain.terms)], plain.terms)
    effects = margins(plain)
    found = fit.terms.iloc[len(plain.terms) :]
    assert list(found["kind"]) == [f"effect {kind}" for kind in effects["kind"]]
    assert found["value"].to_numpy() == pytest.approx(effects["value"].to_numpy(), rel=1e-12)
    assert {name: fit.quality[name] for name in plain.quality} == dict(plain.quality)


def test_area_of_proc() -> None:
    expected = REFERENCE["auc"]
    found = forecasts.area_under_curve(np.array(expected["p"]), ROWS["left"].to_numpy(), np.ones(len(ROWS)))
    assert found.value == pytest.approx(expected["value"], rel=1e-9)
    assert found.std_error == pytest.approx(expected["error"], rel=1e-9)
    fit = churn_performance(churn_logit(ROWS, FORMULA, unit=None))
    assert figure(fit, "AUC")["value"] == pytest.approx(expected["value"], rel=1e-9)
    assert figure(fit, "AUC")["std_error"] == pytest.approx(expected["error"], rel=1e-6)


def test_area_counts_pairs_and_counts_are_rows() -> None:
    rng = np.random.default_rng(3)
    p, y, n = rng.integers(1, 6, 40) / 6, rng.integers(0, 2, 40), rng.integers(1, 4, 40)
    long = np.repeat(np.arange(40), n)
    ones, zeros = p[long][y[long] == 1], p[long][y[long] == 0]
    pairs = (ones[:, None] > zeros).mean() + (ones[:, None] == zeros).mean() / 2
    found = forecasts.area_under_curve(p, y, n.astype(float))
    rows = forecasts.area_under_curve(p[long], y[long], np.ones(len(long)))
    assert found.value == pytest.approx(pairs, rel=1e-12)
    assert found.std_error == pytest.approx(rows.std_error, rel=1e-12)
    assert np.sqrt(n @ found.influence**2) == pytest.approx(found.std_error, rel=0.05)  # without divisors of n - 1


def test_parts_of_the_brier_score_add_up_and_are_exact_where_bins_are_the_forecasts() -> None:
    fit = churn_logit(drawn(2000, 1).groupby(["ease", "left"], as_index=False)["n"].sum(), "left ~ ease", frequency="n")
    found = churn_performance(fit, bins=50)
    parts = found.terms[found.terms["kind"] == "performance"].set_index("term")["value"]
    sum_of = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within bins"]
    assert sum_of == pytest.approx(parts["Brier"], abs=1e-15)
    assert parts["within bins"] == pytest.approx(0, abs=1e-12)
    assert parts["Brier"] == pytest.approx(fit.quality["Brier"], rel=1e-12)
    curve = found.raw.reliability
    assert len(curve) == 5
    assert curve["n"].sum() == pytest.approx(2000)
    assert (curve["low"] < curve["observed"]).all()
    assert (curve["observed"] < curve["high"]).all()


def test_net_benefit_by_hand() -> None:
    rows = drawn(500, 2)
    fit = churn_logit(rows, "left ~ ease + help", unit=None)
    found = churn_performance(fit, thresholds=[0.1, 0.4])
    p = expit(fit.raw.x @ fit.raw.parameters)[fit.raw.sample.row]
    y, n = fit.raw.y, fit.raw.sample.n
    for t in (0.1, 0.4):
        true, false = n @ ((p >= t) & (y == 1)), n @ ((p >= t) & (y == 0))
        assert figure(found, "net benefit", f"at {t}")["value"] == pytest.approx((true - false * t / (1 - t)) / 500)
    table = found.raw.net_benefit
    share = rows["left"].mean()
    assert table["all"].to_numpy() == pytest.approx([share - (1 - share) * t / (1 - t) for t in (0.1, 0.4)])


def test_on_its_own_customers_a_fit_is_calibrated_by_construction() -> None:
    found = churn_performance(churn_logit(drawn(800, 4), "left ~ ease + help", unit=None))
    assert found.method.startswith("apparent: on the customers of the fit")
    assert figure(found, "calibration intercept")["value"] == pytest.approx(0, abs=1e-7)
    assert figure(found, "calibration slope")["value"] == pytest.approx(1, abs=1e-7)


def test_on_other_customers_a_drift_is_found(frame: Native) -> None:
    fit = churn_logit(drawn(3000, 5), "left ~ ease + help", unit=None)
    alike = churn_performance(fit, frame(drawn(3000, 6)), unit=None)
    assert figure(alike, "calibration slope")["p"] > 0.01
    assert abs(figure(alike, "calibration slope")["value"] - 1) < 0.2
    other = churn_performance(fit, frame(drawn(3000, 7, slope=0.4)), unit=None)
    assert figure(other, "calibration slope")["p"] < 1e-6
    assert figure(other, "reliability")["value"] > 10 * figure(alike, "reliability")["value"]
    assert figure(other, "AUC")["value"] < figure(alike, "AUC")["value"]


def test_calibration_of_glm_is_the_logit_of_the_line() -> None:
    fit = churn_logit(drawn(500, 8), "left ~ ease + help", unit=None)
    new = drawn(700, 9, slope=0.5)
    line = fit.terms.query("kind in ('intercept', 'slope')").set_index("term")["value"]
    foretold = new.assign(line=line["Intercept"] + line["ease"] * new["ease"] + line["help"] * new["help"])
    expected = logit("left ~ line", foretold, unit=None, errors="robust").terms.set_index(["term", "kind"])
    found = churn_performance(fit, new, unit=None)
    for name, term, kind in (("intercept", "Intercept", "intercept"), ("slope", "line", "slope")):
        row = figure(found, f"calibration {name}")
        assert row["value"] == pytest.approx(expected.loc[(term, kind), "value"], rel=1e-6)
        assert row["std_error"] == pytest.approx(expected.loc[(term, kind), "std_error"], rel=2e-3)  # n - 1 for n - 2


def test_repeated_customers_make_the_area_less_sure() -> None:
    rows = pd.concat([drawn(300, 10).assign(who=range(300))] * 4)
    fit = churn_logit(rows, "left ~ ease + help", unit="who")
    once = churn_logit(rows[:300], "left ~ ease + help", unit=None)
    by_unit, alone = (figure(churn_performance(each), "AUC")["std_error"] for each in (fit, once))
    assert by_unit == pytest.approx(alone, rel=0.02)
    assert "by cluster" in churn_performance(fit).method


def test_the_interval_of_an_area_stays_in_range() -> None:
    rows = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10], "left": [0, 0, 0, 0, 1, 0, 1, 1, 1, 1]})
    row = figure(churn_performance(churn_logit(rows, "left ~ x")), "AUC")
    assert 0.5 < row["low"] < row["value"] == 0.96 < row["high"] < 1
    assert log_odds(row["high"]) + log_odds(row["low"]) == pytest.approx(2 * log_odds(0.96))


# --- refusals ---------------------------------------------------------------------------------------


def test_nobody_or_everybody_churns() -> None:
    for value in (0, 1):
        with pytest.raises(ModelError, match=f"All answers in 'left' are {value}; there is nothing to explain"):
            churn_logit(ROWS.assign(left=value), FORMULA, unit=None)
    with pytest.raises(SampleError, match="2 complete rows for 2 parameters"):
        churn_logit(pd.DataFrame({"left": [1, 0], "ease": [1, 2]}), "left ~ ease")
    with pytest.raises(ModelError, match="Every complete row has the same value in 'ease'"):
        churn_logit(pd.DataFrame({"left": [1], "ease": [1]}), "left ~ ease")
    fit = churn_logit(ROWS, FORMULA, unit=None)
    with pytest.raises(ModelError, match="All answers in 'left' are 0"):
        churn_performance(fit, ROWS[ROWS["left"] == 0], unit=None)


def test_a_predictor_measured_after_the_window_began_is_refused(frame: Native) -> None:
    rows = ROWS.assign(asked_on=10.0, start_on=10.0)
    window = Window(measured_at=["asked_on"], starts="start_on")
    assert churn_logit(frame(rows), FORMULA, unit=None, window=window).quality["n"] == len(ROWS)
    late = rows.assign(asked_on=np.where(rows["ease"] == 5, 11.0, 10.0))
    many = int((rows["ease"] == 5).sum())
    with pytest.raises(LeakageError, match=rf"In {many} rows a predictor was measured \('asked_on'\) after the window"):
        churn_logit(frame(late), FORMULA, unit=None, window=window)
    with pytest.raises(LeakageError, match="1 rows do not say 'asked_on'"):
        churn_logit(frame(rows.assign(asked_on=[np.nan, *rows["asked_on"][1:]])), FORMULA, unit=None, window=window)


def test_an_immature_cohort_is_refused() -> None:
    day = pd.Timestamp("2025-06-30")
    rows = ROWS.assign(ends=day, seen_to=[day] * 200 + [day - pd.Timedelta(days=5)] * 40)
    window = Window(ends="ends", observed_until="seen_to")
    with pytest.raises(LeakageError, match="An immature cohort: 40 of 240 customers were watched"):
        churn_logit(rows, FORMULA, unit=None, window=window)
    assert churn_logit(rows[:200], FORMULA, unit=None, window=window).quality["n"] == 200
    with pytest.raises(ArgumentError, match="'ends', 'seen_to' are not on one clock"):
        churn_logit(rows.assign(seen_to=5), FORMULA, unit=None, window=window)


@pytest.mark.parametrize(
    ("given", "match"),
    [({"measured_at": ["a"]}, "measured_at needs starts"), ({"ends": "a"}, "ends and observed_until go together"),
     ({"measured_at": "a", "starts": "b"}, "measured_at is a list of columns")],
)  # fmt: skip
def test_windows(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Window(**given)


def test_what_performance_refuses() -> None:
    fit = churn_logit(ROWS, FORMULA, unit=None)
    with pytest.raises(ArgumentError, match="thresholds are chances"):
        churn_performance(fit, thresholds=[0, 0.5])
    with pytest.raises(ArgumentError, match="bins is a whole number"):
        churn_performance(fit, bins=1)
    with pytest.raises(ArgumentError, match="needs a fit of churn_logit or logit; got 'linear'"):
        churn_performance(linear("days ~ ease", ROWS, unit=None))
    with pytest.raises(ArgumentError, match="go with data"):
        churn_performance(fit, weight="w")
    with pytest.raises(ModelError, match="'plan' holds 'gold', of which the fit knows nothing"):
        churn_performance(fit, ROWS.assign(plan=["gold", *ROWS["plan"][1:]]), unit=None)
    with pytest.raises(AnswerError, match="0 or 1"):
        churn_performance(fit, ROWS.assign(left=ROWS["left"] * 2), unit=None)
    with pytest.raises(ArgumentError, match="window is a Window"):
        churn_logit(ROWS, FORMULA, unit=None, window="ends")  # type: ignore[arg-type]
