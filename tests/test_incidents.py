"""Failures put right or not, against differences in differences, against what was planted, and what is refused."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import RolloutOptions, difference_in_differences, incidents
from cxuxlib.results import Fit

STATES = ["none", "not recovered", "recovered"]
BOTH: dict[str, str | None] = {"after": "before", "stayed": None}


def made(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mild failures and loyal customers are put right more often; who is unhappy before has failures more often.

    Put right, a failure leaves satisfaction .2 higher than none (paradox), and yet more customers leave.
    """
    loyal = rng.normal(size=n)
    failed = rng.random(n) < 1 / (1 + np.exp(1 + 0.7 * loyal))
    bad = rng.normal(size=n)
    right = rng.random(n) < 1 / (1 + np.exp(bad - 0.7 * loyal))
    state = np.where(failed, np.where(right, "recovered", "not recovered"), "none")
    before = loyal + rng.normal(size=n)
    step = np.where(failed, np.where(right, 0.2, -0.8) - 0.5 * bad, 0)
    after = loyal + 0.3 + step + 0.4 * loyal + rng.normal(size=n)  # the loyal grow fonder anyway
    stay = 0.75 + 0.04 * loyal.clip(-3, 3) + np.where(failed, np.where(right, -0.05, -0.25) - 0.03 * bad.clip(-2, 2), 0)
    return pd.DataFrame({
        "state": state, "severity": np.where(failed, bad, nan), "loyal": loyal, "before": before, "after": after,
        "stayed": (rng.random(n) < stay).astype(float),
    })  # fmt: skip


FRAME = made(900, np.random.default_rng(1))


def fitted(data: Any = FRAME, outcomes: Any = None, **how: Any) -> Fit:
    given: dict[str, Any] = {"severity": ["severity"], "baseline": ["loyal"]} | how
    return incidents(data, BOTH if outcomes is None else outcomes, "state", **given)


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


@pytest.mark.parametrize(
    ("kind", "one", "other", "adjust"),
    [
        ("recovery", "recovered", "not recovered", ["severity", "loyal"]),
        ("paradox", "recovered", "none", ["loyal"]),
        ("failure", "not recovered", "none", ["loyal"]),
    ],
)
def test_a_roll_out_of_recovery_says_the_same(kind: str, one: str, other: str, adjust: list[str]) -> None:
    own = FRAME[FRAME["state"].isin([one, other])].assign(who=range(FRAME["state"].isin([one, other]).sum()))
    start = np.where(own["state"] == one, 1.0, nan)
    long = pd.concat([own.assign(y=own[name], time=t, start=start) for t, name in enumerate(["before", "after"])])
    rolled = difference_in_differences(
        long, "y", unit="who", time="time", treated_from="start", adjust=adjust, options=RolloutOptions("never")
    ).terms.iloc[0]
    found = row(fitted(), "after", kind)
    assert found["value"] == pytest.approx(rolled["value"], rel=1e-10)
    assert found["std_error"] == pytest.approx(rolled["std_error"], rel=1e-10)


def test_every_engine(frame: Callable[..., Any]) -> None:
    pd.testing.assert_frame_equal(fitted(frame(FRAME)).terms, fitted().terms)


def test_without_covariates_it_is_welch() -> None:
    """Of what has no before, against the textbook."""
    found = row(fitted(severity=[], baseline=[]), "stayed", "recovery")
    sides = [FRAME.loc[FRAME["state"] == each, "stayed"] for each in ("recovered", "not recovered")]
    parts = [side.var() / len(side) for side in sides]
    df = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    assert found["value"] == pytest.approx(sides[0].mean() - sides[1].mean(), rel=1e-10)
    assert found["std_error"] == pytest.approx(np.sqrt(sum(parts)), rel=1e-10)
    assert fitted(severity=[], baseline=[]).raw.contrasts["stayed", "recovery"].df == pytest.approx(df, rel=1e-10)
    assert row(fitted(severity=[], baseline=[]), "stayed", "unadjusted recovery")["low"] == found["low"]


def test_satisfaction_and_behaviour_part_where_planted() -> None:
    """Happier than without a failure, and gone more often; means exaggerate what putting right does."""
    data = made(12_000, np.random.default_rng(2))
    right = data["state"] == "recovered"
    fit = fitted(data)
    mild = -0.5 * data.loc[right, "severity"].mean()
    for kind, truth in (("recovery", 1.0), ("paradox", 0.2 + mild)):
        found = row(fit, "after", kind)
        assert found["low"] < truth < found["high"]
    assert row(fit, "after", "unadjusted recovery")["low"] > 1.5
    assert row(fit, "stayed", "unadjusted recovery")["low"] > 0.2
    assert row(fitted(data, severity=[]), "after", "recovery")["low"] > 1.2  # mild failures pass for good recoveries
    assert row(fit, "after", "paradox")["low"] > 0.2
    assert row(fit, "stayed", "recovery")["low"] < 0.2 < row(fit, "stayed", "recovery")["high"]
    assert row(fit, "stayed", "paradox")["high"] < 0


def test_standard_deviations_are_those_of_customers_without_incident() -> None:
    sd = FRAME.loc[FRAME["state"] == "none", "after"].std()
    found, scaled = row(fitted(), "after", "paradox"), row(fitted(), "after", "paradox sd")
    assert scaled["value"] == pytest.approx(found["value"] / sd, rel=1e-12)
    assert scaled["std_error"] == pytest.approx(found["std_error"] / sd, rel=0.05)


def test_several_incidents_of_a_customer_belong_together() -> None:
    twice = pd.concat([FRAME, FRAME]).assign(customer_id=[*range(len(FRAME))] * 2)
    with pytest.raises(UnitError, match="customer_id"):
        fitted(twice)
    one, two, apart = fitted(), fitted(twice, unit="customer_id"), fitted(twice, unit=None)
    assert two.quality["n"] == len(FRAME)
    error = row(one, "after", "recovery")["std_error"]
    assert row(two, "after", "recovery")["std_error"] == pytest.approx(error, rel=0.02)
    assert row(apart, "after", "recovery")["std_error"] == pytest.approx(error / np.sqrt(2), rel=0.02)


def test_unlike_severity_is_told() -> None:
    shifted = FRAME.assign(severity=FRAME["severity"] - 2.0 * (FRAME["state"] == "recovered"))
    fit = fitted(shifted)
    assert fit.quality["after_recovery_beyond"] > 0.1
    assert "IMPROPER" in repr(fit)
    assert "IMPROPER" not in repr(fitted())
    assert "severity is not known" in fitted(severity=[]).method


def test_missing_is_counted_where_it_is() -> None:
    data = FRAME.copy()
    some = data.index[data["state"] == "recovered"]
    data.loc[some[:3], "severity"] = nan
    data.loc[some[3:5], ["after", "stayed"]] = nan
    fit = fitted(data)
    assert fit.quality["n_missing"] == 2
    assert fit.quality["after_recovery_n"] == fitted().quality["after_recovery_n"] - 5
    assert fit.quality["after_paradox_n"] == fitted().quality["after_paradox_n"] - 2


def test_outcome_before_may_be_a_covariate() -> None:
    """Outcomes at equal outcomes before: whether the outcome is a change or not does not matter then."""
    found = row(fitted(baseline=["loyal", "before"]), "after", "recovery")
    other = row(fitted(outcomes={"after": None}, baseline=["loyal", "before"]), "after", "recovery")
    columns = ["value", "std_error", "low", "high", "p"]
    assert found[columns].to_numpy(float) == pytest.approx(other[columns].to_numpy(float), rel=1e-9)


def test_incidents_before_any_baseline_are_said() -> None:
    data = FRAME.copy()
    early = data.index[data["state"] != "none"][:7]
    data.loc[early, "before"] = nan
    fit = fitted(data)
    assert (fit.quality["after_no_before"], fit.quality["stayed_no_before"]) == (7, 0)
    assert "7 incidents lack 'before', came before any baseline" in fit.method


def test_other_names_of_states() -> None:
    named = FRAME.assign(state=FRAME["state"].map({"none": 0, "not recovered": 1, "recovered": 2}))
    found = fitted(named, states=[0, 1, 2])
    pd.testing.assert_frame_equal(found.terms, fitted().terms)


@pytest.mark.slow
def test_intervals_cover() -> None:
    rng = np.random.default_rng(3)
    runs, cover = 600, np.zeros(2)
    for _ in range(runs):
        fit = fitted(made(250, rng))
        for i, (term, truth) in enumerate((("after", 1.0), ("stayed", 0.2))):
            found = row(fit, term, "recovery")
            cover[i] += found["low"] <= truth <= found["high"]
    assert (cover / runs >= 0.935).all()
    assert (cover / runs <= 0.965).all()


@pytest.mark.parametrize(
    ("data", "how", "error", "words"),
    [
        (FRAME[FRAME["state"] == "none"], {}, SampleError, "Nobody has an incident"),
        (FRAME[FRAME["state"] != "recovered"], {}, SampleError, "0 and"),
        (FRAME.assign(before=nan), {}, SampleError, "lack the outcome before"),
        (
            FRAME[(FRAME["state"] != "recovered") | FRAME["state"].eq("recovered").cumsum().eq(1)],
            {},
            SampleError,
            "1 and",
        ),
        (FRAME[FRAME["state"] != "none"], {}, SampleError, "are 'none'"),
        (FRAME.assign(state=FRAME["state"].where(FRAME.index > 0)), {}, AnswerError, "customers without an incident"),
        (FRAME.assign(state=FRAME["state"].where(FRAME.index > 0, "odd")), {}, AnswerError, "'odd'"),
        (FRAME.assign(severity=nan), {}, SampleError, "lack 'severity'"),
        (FRAME.assign(severity=3), {}, ModelError, "same value"),
        (FRAME.assign(severity=inf), {}, AnswerError, "infinite"),
        (FRAME.assign(loyal=2 * FRAME["severity"]), {}, ModelError, "determine each other"),
        (FRAME.assign(after=3), {}, ModelError, "standard deviation"),
        (FRAME, {"states": ["no", "yes"]}, ArgumentError, "three"),
        (FRAME, {"severity": "severity"}, ArgumentError, "severity is a list"),
        (FRAME, {"outcomes": ["after"]}, ArgumentError, "outcomes map"),
        (FRAME, {"outcomes": {"after": "after"}}, ArgumentError, "another"),
    ],
)
def test_refusals(data: pd.DataFrame, how: dict[str, Any], error: type[CxuxError], words: str) -> None:
    with pytest.raises(error, match=words):
        fitted(data, **how)
