"""Repeated failures: steps of the hazard against the same model in other columns, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError, ModelError, SampleError
from cxuxlib.models import HazardOptions, churn_hazard, logit, turning_point
from cxuxlib.results import Fit


def made(n: int, rng: np.random.Generator, ratios: tuple[float, ...] = (1, 1.2, 1.5, 4, 5)) -> pd.DataFrame:
    """Each customer's failures come one by one; the hazard is that of their number."""
    count = rng.integers(0, len(ratios), n)
    ease = rng.normal(size=n)
    days = np.ceil(rng.exponential(8 / (np.array(ratios)[count] * np.exp(-0.3 * ease))))
    return pd.DataFrame({"calls": count, "ease": ease, "months": days.clip(max=12), "left": days <= 12})


FRAME = made(1500, np.random.default_rng(1)).assign(shop=np.arange(1500) % 40)
WAYS: list[tuple[Any, Any]] = [("cox", None), ("cox", "shop"), ("cloglog", "shop"), ("logit", None)]


def hazard(data: Any = FRAME, formula: str = "C(calls) + ease", kind: Any = "cox", unit: Any = None) -> Fit:
    return churn_hazard(data, formula, duration="months", event="left", kind=kind, unit=unit)


def of(fit: Fit, kind: str) -> pd.DataFrame:
    return fit.terms[fit.terms["kind"] == kind].set_index("term")


@pytest.mark.parametrize(("kind", "unit"), WAYS)
def test_the_same_model_in_columns_that_are_steps(kind: Any, unit: Any) -> None:
    """Columns whose slopes are the steps, and columns of which one slope is the convexity."""
    steps = FRAME.assign(**{f"d{k}": 1.0 * (FRAME["calls"] >= k) for k in range(1, 5)})
    own = turning_point(hazard(kind=kind, unit=unit), "calls")
    other = of(hazard(steps, "d1 + d2 + d3 + d4 + ease", kind, unit), "slope").loc[["d1", "d2", "d3"]]
    bent = steps.assign(first=steps["d1"] + steps["d3"])
    turn = of(hazard(bent, "first + d2 + d3 + d4 + ease", kind, unit), "slope").loc["d3"]
    word = "odds" if kind == "logit" else "hazard"
    columns = ["value", "std_error", "low", "high", "p"]
    assert of(own, "step")[columns].to_numpy() == pytest.approx(other[columns].to_numpy(float), rel=1e-5, abs=1e-9)
    found = of(own, f"log {word}").loc["convexity"]
    assert found[columns].to_numpy(float) == pytest.approx(turn[columns].to_numpy(float), rel=1e-5, abs=1e-9)
    ratios = of(hazard(kind=kind, unit=unit), f"{word} ratio").iloc[:3]
    assert of(own, f"{word} ratio")[columns].to_numpy() == pytest.approx(ratios[columns].to_numpy(float), rel=1e-9)


def test_convexity_of_hazards_by_numerical_derivatives() -> None:
    fit = hazard()
    b, v = fit.raw.parameters[:3], fit.raw.covariance[:3, :3]

    def excess(at: np.ndarray) -> float:
        return float(np.exp(at[2]) - np.exp(at[1]) - (np.exp(at[0]) - 1))

    slope = np.array([(excess(b + h) - excess(b - h)) / 2e-5 for h in 1e-5 * np.eye(3)])
    found = of(turning_point(fit, "calls"), "hazard").loc["convexity"]
    assert found["value"] == pytest.approx(excess(b), rel=1e-12)
    assert found["std_error"] == pytest.approx(np.sqrt(slope @ v @ slope), rel=1e-7)


def test_planted_turn_and_none() -> None:
    turned = turning_point(hazard(made(12_000, np.random.default_rng(2))), "calls")
    truth = np.log(4 / 1.5) - np.log(1.2)
    found = of(turned, "log hazard").loc["convexity"]
    assert found["low"] > 0
    assert found["low"] < truth < found["high"]
    assert turned.quality["turning_point"] == 3
    even = turning_point(hazard(made(12_000, np.random.default_rng(3), (1, 1.5, 2.25, 3.375))), "calls")
    flat = of(even, "log hazard").loc["convexity"]
    assert flat["low"] < 0 < flat["high"]
    assert of(even, "hazard").loc["convexity", "low"] > 0  # even factors already bend the hazard itself


def test_a_slope_alone_cannot_see_a_turn() -> None:
    """The naive analysis: one slope of the count, the same for each failure, hides where it breaks."""
    data = made(12_000, np.random.default_rng(4), (1, 1, 1, 3))
    slope = of(hazard(data, "calls + ease"), "slope").loc["calls"]
    first = of(turning_point(hazard(data), "calls"), "step").loc["1"]
    assert slope["low"] > 0.2
    assert first["low"] < 0 < first["high"]


def by_month(n: int, rng: np.random.Generator, ratios: tuple[float, ...]) -> pd.DataFrame:
    """A row per customer and month, with failures so far, which befall all alike; who stays longer gathers more."""
    count, there, rows = np.zeros(n, dtype=int), np.ones(n, dtype=bool), []
    for month in range(1, 13):
        left = there & (rng.random(n) < 1 - np.exp(-0.05 * np.array(ratios)[count]))
        own = {"who": np.flatnonzero(there), "start": month - 1, "months": month, "calls": count[there]}
        rows.append(pd.DataFrame(own).assign(left=left[there]))
        there &= ~left
        count = np.minimum(count + (rng.random(n) < 0.25), len(ratios) - 1)
    return pd.concat(rows, ignore_index=True)


def test_failures_counted_at_the_end_protect_and_turn_where_none_does() -> None:
    """The naive analysis: each customer's last count, which those who stayed had the time to gather."""
    rows = by_month(6000, np.random.default_rng(5), (1, 1.3, 1.69, 2.197))
    fit = churn_hazard(rows, "C(calls)", duration="months", entry="start", event="left", unit="who", kind="cloglog")
    own = turning_point(fit, "calls")
    for k, truth in (("1", 1.3), ("2", 1.69), ("3", 2.197)):
        assert of(own, "hazard ratio").loc[k, "low"] < truth < of(own, "hazard ratio").loc[k, "high"]
    assert of(own, "log hazard").loc["convexity", "low"] < 0 < of(own, "log hazard").loc["convexity", "high"]
    naive = turning_point(hazard(rows.groupby("who", as_index=False).max(), "C(calls)", "cloglog"), "calls")
    assert of(naive, "hazard ratio").loc["1", "high"] < 1
    assert of(naive, "log hazard").loc["convexity", "low"] > 0.3


@pytest.mark.slow
def test_intervals_cover() -> None:
    rng = np.random.default_rng(6)
    runs, cover = 500, np.zeros(2)
    for _ in range(runs):
        own = turning_point(hazard(made(800, rng), kind="cloglog"), "calls")
        for i, (kind, truth) in enumerate((("log hazard", np.log(4 / 1.5 / 1.2)), ("hazard", 4 - 1.5 - 1.2 + 1))):
            found = of(own, kind).loc["convexity"]
            cover[i] += found["low"] <= truth <= found["high"]
    assert (cover / runs >= 0.935).all()
    assert (cover / runs <= 0.965).all()


def test_until_and_level() -> None:
    fit = hazard()
    four = turning_point(fit, "calls", until=4, level=0.9)
    assert list(of(four, "step").index) == ["1", "2", "3", "4"]
    narrow, wide = (of(each, "step").loc["1"] for each in (four, turning_point(fit, "calls")))
    assert narrow["high"] - narrow["low"] < wide["high"] - wide["low"]
    assert turning_point(fit, "calls", until=2).quality["n_events"] == fit.quality["n_events"]


def test_texts_and_counts_of_rows() -> None:
    texts = hazard(FRAME.assign(calls=FRAME["calls"].astype(str)), "C(calls) + ease")
    counts = FRAME.groupby(["calls", "months", "left"], as_index=False).size()
    some = churn_hazard(
        counts, "C(calls)", duration="months", event="left", kind="cloglog", options=HazardOptions(frequency="size")
    )
    pd.testing.assert_frame_equal(turning_point(texts, "calls").terms, turning_point(hazard(), "calls").terms)
    rows = turning_point(hazard(formula="C(calls)", kind="cloglog"), "calls").terms
    pd.testing.assert_frame_equal(turning_point(some, "calls").terms, rows)


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="churn_hazard"):
        turning_point(logit("left ~ ease", FRAME, unit=None), "ease")
    with pytest.raises(ArgumentError, match="stands not in"):
        turning_point(hazard(), "visits")
    with pytest.raises(ArgumentError, match=r"C\(calls\)"):
        turning_point(hazard(formula="calls + ease"), "calls")
    with pytest.raises(ArgumentError, match=r"C\(calls\)"):
        turning_point(hazard(formula="C(calls) * ease"), "calls")
    with pytest.raises(ArgumentError, match="counts failures"):
        turning_point(hazard(FRAME.assign(calls=FRAME["calls"].map("no {}".format))), "calls")
    with pytest.raises(SampleError, match="needs '2' as well"):
        turning_point(hazard(FRAME[FRAME["calls"] != 2]), "calls")
    with pytest.raises(SampleError, match="needs '0' as well"):
        turning_point(hazard(FRAME[FRAME["calls"] > 0]), "calls")
    with pytest.raises(ModelError, match="infinite"):
        hazard(FRAME.assign(left=FRAME["left"] & (FRAME["calls"] != 3)))  # nobody leaves after the third
    with pytest.raises(ArgumentError, match="2 or more"):
        turning_point(hazard(), "calls", until=1)
