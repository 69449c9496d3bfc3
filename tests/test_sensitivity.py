"""Robustness values, bounds and E-values against sensemakr, EValue and R, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from cxuxlib.errors import ArgumentError, CxuxError
from cxuxlib.frames import moments
from cxuxlib.models import linear, logit, ordered_logit, sensitivity
from cxuxlib.stats.hidden import bound, e_value, robustness_value

CASE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "causes.json").read_text(encoding="utf-8"))[
    "sensitivity"
]
FRAME = pd.DataFrame({name: CASE[name] for name in ("age", "wave", "ux", "cx")})
DARFUR = (0.09731582, 0.02325654, 783)
# sensemakr 0.1.4 on darfur: partial R² of "1x", "2x", "3x female", what is left, its error, low and high.
FEMALE = {
    1: (0.00916428667504862, 0.12464092303637, 0.0752202698486415, 0.0218733298036818, 0.0322829603180086,
        0.118157579379274),
    2: (0.0183285733500972, 0.249324064199975, 0.0529151689180575, 0.0203500639944344, 0.0129680276030601,
        0.092862310233055),
    3: (0.0274928600251459, 0.374050471038094, 0.0303960178770157, 0.0186700665753491, -0.00625329133645187,
        0.0670453270904833),
}  # fmt: skip


def test_darfur_robustness_values() -> None:
    t = DARFUR[0] / DARFUR[1]  # of seven digits, so that six are known of what is made of it
    assert robustness_value(t, 783) == pytest.approx(0.138776, abs=5e-7)
    assert robustness_value(t, 783, level=0.95) == pytest.approx(0.0762580, abs=5e-8)
    assert robustness_value(1.9, 783, level=0.95) == 0
    assert robustness_value(t, 783, share=0.5) < robustness_value(t, 783)


def test_darfur_bounds() -> None:
    """The strength of the benchmark comes from the first row of sensemakr; the other rows must follow."""
    d = FEMALE[1][0] / (1 + FEMALE[1][0])
    y = brentq(lambda each: bound(*DARFUR, (d, each), 1).r2_outcome - FEMALE[1][1], 0.01, 0.5, xtol=1e-15)
    for times, (r2_d, r2_y, value, error, low, high) in FEMALE.items():
        found = bound(*DARFUR, (d, y), times)
        assert found[:4] == pytest.approx((r2_d, r2_y, value, error), rel=1e-9)
        half = 1.96300 * error  # t with 782 df
        assert (found.value - half, found.value + half) == pytest.approx((low, high), abs=1e-6)
        turned = bound(-DARFUR[0], *DARFUR[1:], (d, y), times)
        assert turned.value == -found.value


def test_a_cause_as_strong_as_the_robustness_value_leaves_nothing() -> None:
    value, error, df = DARFUR
    rv = robustness_value(value / error, df)
    # times 1 of a benchmark that shares nothing with the driver beforehand: the bias of R² = RV with both
    assert error * np.sqrt(df) * np.sqrt(rv * rv / (1 - rv)) == pytest.approx(value, rel=1e-12)


def test_a_large_t_takes_the_other_branch() -> None:
    """Where df is small, f c > 1: the outcome's share cannot bind (Cinelli & Hazlett 2020, section 4.2)."""
    f, c = 100 / np.sqrt(3), 4.302652729696142 / np.sqrt(2)
    assert robustness_value(100, 3, level=0.95) == pytest.approx((f**2 - c**2) / (1 + f**2))


@pytest.mark.parametrize("errors", ["observed", "robust"])
def test_bounds_agree_with_nested_regressions_in_r(errors: Any) -> None:
    fit = linear("cx ~ ux + age + C(wave)", FRAME, errors=errors)
    found = sensitivity(fit, "ux", benchmarks=["age", "C(wave)"], times=[1, 2])
    assert found.quality["t"] == pytest.approx(CASE["t"], rel=1e-9)
    assert found.quality["partial_r2"] == pytest.approx(CASE["partial_r2"], rel=1e-9)
    for label, stored in (("2x age", CASE["age_bound"]), ("1x C(wave)", CASE["wave_bound"])):
        own, row = found.raw.bounds[label], found.terms.set_index("term").loc[label]
        assert (own.r2_treatment, own.r2_outcome) == pytest.approx((stored["r2_treatment"], stored["r2_outcome"]))
        for name in ("value", "std_error", "low", "high"):
            assert row[name] == pytest.approx(stored[name], rel=1e-9)


def test_rows_counts_and_moments_agree() -> None:
    frame = FRAME[["cx", "ux", "age"]].round(0)
    fit = sensitivity(linear("cx ~ ux + age", frame), "ux", benchmarks=["age"])
    counted = frame.value_counts().rename("many").reset_index()
    from_counts = sensitivity(linear("cx ~ ux + age", counted, frequency="many"), "ux", benchmarks=["age"])
    of_moments = moments(frame, ["cx", "ux", "age"])
    from_moments = sensitivity(linear("cx ~ ux + age", of_moments), "ux", benchmarks=["age"])
    for other in (from_counts, from_moments):
        assert other.quality["robustness_value"] == pytest.approx(fit.quality["robustness_value"], rel=1e-9)
        assert other.terms["value"].tolist() == pytest.approx(fit.terms["value"].tolist(), rel=1e-9)


@pytest.mark.parametrize(
    ("ratio", "measure", "rare", "stored"),
    [
        ((3.9, 1.8, 8.7), "risk", False, (7.263034344, 3.0)),
        ((0.80, 0.71, 0.91), "risk", False, (1.809016994, 1.428571429)),
        ((0.86, 0.75, 0.99), "odds", False, (1.3689528611, 1.0761939453)),
        ((0.56, 0.46, 0.69), "hazard", True, (2.970223139, 2.256197734)),
        ((1.2, 0.9, 1.6), "risk", False, (1.2 + np.sqrt(0.24), 1.0)),
    ],
)
def test_e_values_are_those_of_evalue(ratio: Any, measure: Any, rare: bool, stored: tuple[float, float]) -> None:
    assert e_value(*ratio, measure=measure, rare=rare) == pytest.approx(stored, abs=1e-9)


def test_e_values_of_fits() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"ux": rng.integers(1, 8, 600).astype(float)})
    frame["stays"] = (rng.random(600) < 1 / (1 + np.exp(2 - 0.5 * frame["ux"]))).astype(int)
    fit = logit("stays ~ ux", frame)
    row = fit.terms[fit.terms["kind"] == "odds ratio"].iloc[-1]
    found = sensitivity(fit, "ux")
    expected = e_value(row["value"], row["low"], row["high"], measure="odds")
    assert (found.quality["e_value"], found.quality["e_value_interval"]) == pytest.approx(expected)
    two = sensitivity(fit, "ux", change=2, rare=True).terms.set_index("kind")
    assert two.loc["as risk ratio", "value"] == pytest.approx(row["value"] ** 2)
    back = sensitivity(fit, "ux", change=-1)
    assert back.quality["e_value"] == pytest.approx(found.quality["e_value"])
    frame["rating"] = np.clip(frame["ux"].round() + rng.integers(-2, 3, 600), 1, 5)
    assert sensitivity(ordered_logit("rating ~ ux", frame), "ux").quality["e_value"] > 1


def test_a_hidden_cause_of_known_strength_is_bounded() -> None:
    """The effect is none, a hidden cause makes one: naive intervals miss 0, the bound by its like does not."""
    rng = np.random.default_rng(4)
    naive = bounded = 0
    for _ in range(200):
        hidden, seen = rng.normal(size=(2, 400))
        ux = 0.4 * hidden + 0.4 * seen + rng.normal(size=400)
        frame = pd.DataFrame({"ux": ux, "seen": seen, "cx": 0.4 * hidden + 0.4 * seen + rng.normal(size=400)})
        found = sensitivity(linear("cx ~ ux + seen", frame), "ux", benchmarks=["seen"], times=[1]).terms
        naive += found["low"][0] <= 0
        bounded += found["low"][1] <= 0
    assert naive / 200 < 0.5
    assert bounded / 200 > 0.9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"driver": "uy"}, "no term 'uy'; there is 'ux'"),
        ({"driver": "C(wave)"}, "single column"),
        ({"driver": "Intercept"}, "single column"),
        ({"benchmarks": ["ux"]}, "another covariate"),
        ({"benchmarks": ["agee"]}, "Did you mean 'age'"),
        ({"benchmarks": "age"}, "list of columns"),
        ({"benchmarks": ["age"], "times": [50]}, "at most"),
        ({"times": [0], "benchmarks": ["age"]}, "above 0"),
        ({"share": -1}, "share"),
        ({"change": 2}, "ratios"),
        ({"fit": 3}, "Fit"),
    ],
)
def test_refusals(change: dict[str, Any], words: str) -> None:
    given = {"fit": linear("cx ~ ux + age + C(wave)", FRAME), "driver": "ux"} | change
    fit, driver = given.pop("fit"), given.pop("driver")
    with pytest.raises(CxuxError, match=words):
        sensitivity(fit, driver, **given)


def test_ratios_take_no_benchmarks_and_other_fits_have_nothing_to_doubt() -> None:
    fit = logit("stays ~ age", FRAME.assign(stays=(FRAME["cx"] > 0).astype(int)))
    with pytest.raises(ArgumentError, match="linear"):
        sensitivity(fit, "age", benchmarks=["age"])
    found = sensitivity(linear("cx ~ ux", FRAME), "ux")
    with pytest.raises(ArgumentError, match="neither"):
        sensitivity(found, "ux")
    with pytest.raises(ArgumentError):
        e_value(1.5, 1.6, 2.0)
