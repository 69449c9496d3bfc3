"""Instruments against R's ivreg and sandwich, against what was planted, and what they refuse."""

import json
from collections.abc import Callable
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import instrument
from cxuxlib.results import Fit
from cxuxlib.stats.instruments import anderson_rubin

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "causes.json").read_text(encoding="utf-8"))[
    "instrument"
]
FRAME = pd.DataFrame({name: STORED[name] for name in ("shop", "z1", "z2", "w", "d", "y")})


def row(fit: Fit, kind: str) -> pd.Series:
    return fit.terms[fit.terms["kind"] == kind].iloc[0]


def made(n: int, rng: np.random.Generator, strength: float) -> pd.DataFrame:
    """A common cause of both, and an instrument of chance."""
    hidden, z = rng.normal(size=n), rng.integers(0, 2, n)
    ux = strength * z + hidden + rng.normal(size=n)
    return pd.DataFrame({"z": z, "ux": ux, "cx": 0.3 * ux + hidden + rng.normal(size=n)})


@pytest.mark.parametrize("case", STORED["cases"], ids=lambda each: f"{each['instruments']}-{each['cluster']}")
def test_agrees_with_ivreg_and_sandwich(case: dict[str, Any], frame: Callable[..., Any]) -> None:
    data = frame(FRAME)
    unit = "shop" if case["cluster"] else None
    fit = instrument(data, "y", "d", case["instruments"], controls=["w"], unit=unit)
    for kind, stored in (("effect", case["effect"]), ("ols", case["ols"])):
        assert row(fit, kind)["value"] == pytest.approx(stored["value"], rel=1e-9), kind
        assert row(fit, kind)["std_error"] == pytest.approx(stored["std_error"], rel=1e-9), kind
    assert fit.quality["F"] == pytest.approx(case["F"], rel=1e-9)
    assert fit.quality["F_effective"] == pytest.approx(case["effective"], rel=1e-9)
    assert row(fit, "anderson_rubin")["low"] == pytest.approx(case["low"], rel=1e-7)
    assert row(fit, "anderson_rubin")["high"] == pytest.approx(case["high"], rel=1e-7)


def test_one_instrument_is_a_ratio() -> None:
    fit = instrument(FRAME, "y", "d", "z1", controls=["w"])
    ratio = row(fit, "reduced form")["value"] / row(fit, "first stage")["value"]
    assert row(fit, "effect")["value"] == pytest.approx(ratio, rel=1e-10)
    assert fit.quality["F_effective"] == pytest.approx(fit.quality["F"], rel=1e-10)
    first = row(fit, "first stage")
    assert fit.quality["F"] == pytest.approx((first["value"] / first["std_error"]) ** 2)
    assert "exclusion" in fit.method


def test_regions_of_all_shapes() -> None:
    assert anderson_rubin(np.array([[1.0, 0.1]]), np.eye(2), inf) == ((-inf, inf),)
    two = anderson_rubin(np.array([[3.0, 0.5]]), np.eye(2), inf)
    assert two[0][0] == -inf
    assert two[-1][1] == inf
    assert len(two) == 2
    assert two[0][1] < 0 < two[1][0]
    contradiction = anderson_rubin(np.array([[5.0, 5.0], [-5.0, 5.0]]), 0.01 * np.eye(4), inf)
    assert contradiction == ()


def test_scale_does_not_matter() -> None:
    fit = instrument(FRAME, "y", "d", ["z1", "z2"], controls=["w"])
    far = FRAME.assign(y=1e6 * FRAME["y"] + 1e7, d=1e-5 * FRAME["d"] + 3, z1=1000 + 1e-3 * FRAME["z1"])
    other = instrument(far, "y", "d", ["z1", "z2"], controls=["w"])
    for kind in ("effect", "anderson_rubin"):
        assert row(other, kind)["low"] == pytest.approx(1e11 * row(fit, kind)["low"], rel=1e-6)
        assert row(other, kind)["high"] == pytest.approx(1e11 * row(fit, kind)["high"], rel=1e-6)


def test_instruments_that_contradict_leave_nothing() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(4000, 2))
    d = z.sum(axis=1) + rng.normal(size=4000)
    frame = pd.DataFrame({"a": z[:, 0], "b": z[:, 1], "d": d, "y": d + 2 * z[:, 0] + rng.normal(size=4000)})
    fit = instrument(frame, "y", "d", ["a", "b"])
    assert fit.raw.region == ()
    assert isnan(row(fit, "anderson_rubin")["low"])
    assert "empty" in fit.method


def test_an_instrument_that_moves_nothing_is_said() -> None:
    data = made(500, np.random.default_rng(2), 0.0)
    fit = instrument(data, "cx", "ux", "z")
    assert fit.quality["F_effective"] < 10
    assert "IMPROPER" in repr(fit)
    assert "unbounded" in fit.method
    with pytest.raises(ModelError, match="same value in 'z'"):
        instrument(data.assign(z=1), "cx", "ux", "z")
    exact = pd.DataFrame({"z": [0, 0, 1, 1] * 5, "ux": [1, 2, 1, 2] * 5, "cx": np.arange(20.0)})
    with pytest.raises(ModelError, match="not at all"):
        instrument(exact, "cx", "ux", "z")


def test_full_compliance_is_the_experiment() -> None:
    data = FRAME.assign(given=2.0 * FRAME["z1"])
    fit = instrument(data, "y", "given", "z1")
    assert fit.quality["F_effective"] == inf
    assert "exactly" in fit.method
    for kind in ("effect", "ols", "anderson_rubin"):
        assert row(fit, kind)["low"] == pytest.approx(row(fit, "reduced form")["low"] / 2)
    with pytest.raises(ModelError, match="is it made of it"):
        instrument(data.assign(y=2 * data["d"]), "y", "d", "z1")


def test_what_is_missing_is_counted() -> None:
    data = FRAME.assign(w=FRAME["w"].where(FRAME.index > 4))
    fit = instrument(data, "y", "d", "z1", controls=["w"])
    assert (fit.quality["n"], fit.quality["n_missing"]) == (295, 5)


@pytest.mark.slow
def test_intervals_cover_where_least_squares_does_not() -> None:
    rng = np.random.default_rng(5)
    runs, naive, strong, weak, kept = 750, 0, 0, 0, 0
    for _ in range(runs):
        fit = instrument(made(400, rng, 1.0), "cx", "ux", "z")
        naive += row(fit, "ols")["low"] <= 0.3 <= row(fit, "ols")["high"]
        strong += row(fit, "effect")["low"] <= 0.3 <= row(fit, "effect")["high"]
        kept += any(low <= 0.3 <= high for low, high in fit.raw.region)
        fit = instrument(made(400, rng, 0.1), "cx", "ux", "z")
        weak += row(fit, "effect")["low"] <= 0.3 <= row(fit, "effect")["high"]
        kept += any(low <= 0.3 <= high for low, high in fit.raw.region)
    assert naive == 0
    assert 0.935 <= strong / runs <= 0.965
    assert 0.935 <= kept / (2 * runs) <= 0.965  # of the true effect the test does not know the instrument's strength
    assert not 0.935 <= weak / runs <= 0.965


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"instruments": []}, ArgumentError, "at least one"),
        ({"instruments": "d"}, ArgumentError, "two places"),
        ({"controls": "w"}, ArgumentError, "list of columns"),
        ({"controls": ["w", "w2"], "data": FRAME.assign(w2=3 * FRAME["w"])}, ModelError, "determine each other"),
        ({"data": FRAME[:4], "controls": ["w"]}, SampleError, "4 complete rows"),
        ({"data": FRAME.assign(shop=1), "unit": "shop"}, SampleError, "1 clusters"),
        ({"data": FRAME.assign(y=nan)}, SampleError, "0 complete rows"),
        ({"data": FRAME.assign(customer_id=1)}, UnitError, "customer_id"),
        ({"level": 0}, ArgumentError, "level"),
    ],
)
def test_refusals(change: dict[str, Any], error: type[CxuxError], words: str) -> None:
    given: dict[str, Any] = {"data": FRAME, "instruments": "z1"} | change
    data, instruments = given.pop("data"), given.pop("instruments")
    with pytest.raises(error, match=words):
        instrument(data, "y", "d", instruments, **given)
