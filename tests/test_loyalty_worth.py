"""What an SD of a driver is worth: R's figures, margins, brute force, the bootstrap, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from cxuxlib.errors import ArgumentError, ColumnError, CxuxError, SampleError
from cxuxlib.models import HazardOptions, churn_hazard, churn_logit, logit, margins, worth
from cxuxlib.results import Fit

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "loyalty.json").read_text(encoding="utf-8"))["worth"]
ROWS = pd.DataFrame(REFERENCE["rows"])
MONEY: dict[str, Any] = {"margin": 100, "horizon": 12, "discount": 0.01}
MONTHS: dict[str, Any] = {"duration": "months", "event": "left", "kind": "cloglog"}
WHAT = ("staying", "tenure", "value")


def window(rows: Any = ROWS, **more: Any) -> Fit:
    return churn_logit(rows, "churned ~ ease + help + plan", **{"unit": None, **more})


def figures(found: Fit, term: str, kind: str, column: str = "value") -> np.ndarray:
    table = found.terms.set_index(["term", "kind"])[column]
    return np.array([table[term, f"{what} {kind}".strip()] for what in WHAT])


# --- R ----------------------------------------------------------------------------------------------------


def test_a_window_of_r() -> None:
    found, expected = worth(window(), **MONEY), REFERENCE["logit"]
    assert figures(found, "ease", "per point") == pytest.approx(expected["point"], rel=1e-6)
    assert figures(found, "ease", "per SD") == pytest.approx(expected["sd"], rel=1e-6)
    assert figures(found, "ease", "per point", "std_error") == pytest.approx(expected["point_error"], rel=1e-5)
    assert figures(found, "ease", "per SD", "std_error") == pytest.approx(expected["sd_error"], rel=1e-5)
    assert figures(found, "plan", "b vs a") == pytest.approx(expected["plan_b"], rel=1e-6)


def test_hazards_by_month_of_r() -> None:
    fit = churn_hazard(ROWS, "ease + help", **MONTHS)
    found, expected = worth(fit, **MONEY | {"horizon": 9}), REFERENCE["cloglog"]
    assert figures(found, "all", "") == pytest.approx(expected["all"], rel=1e-6)
    assert figures(found, "ease", "per point") == pytest.approx(expected["point"], rel=1e-6)
    assert figures(found, "ease", "per SD") == pytest.approx(expected["sd"], rel=1e-6)
    assert figures(found, "ease", "per point", "std_error") == pytest.approx(expected["point_error"], rel=1e-5)
    assert figures(found, "ease", "per SD", "std_error") == pytest.approx(expected["sd_error"], rel=1e-5)


# --- the same in other ways -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ways", [{}, {"unit": "shop"}, {"weight": "w"}, {"errors": "robust"}])
def test_staying_in_one_window_is_the_marginal_effect(ways: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    rows = ROWS.assign(shop=rng.integers(0, 60, len(ROWS)), w=rng.gamma(2, 1, len(ROWS)))
    fit = window(rows, **ways)
    found, expected = worth(fit, margin=5, horizon=1), margins(fit)
    for _, row in expected.iterrows():
        own = found.terms.query("term == @row.term and kind == 'staying ' + @row.kind").iloc[0]
        assert own["value"] == pytest.approx(-row["value"], rel=1e-7)
        assert own["std_error"] == pytest.approx(row["std_error"], rel=1e-6)
        assert (own["low"], own["high"]) == pytest.approx((-row["high"], -row["low"]), rel=1e-5)
    assert figures(found, "all", "")[1:] == pytest.approx([1, 5])  # the first margin comes at once, whoever leaves


def test_value_is_the_sum_over_customers_by_brute_force() -> None:
    fit = window(ROWS)
    b = fit.terms.query("kind in ('intercept', 'slope')").set_index("term")["value"]
    plan_b, plan_c = (b[name] * (ROWS["plan"] == name[-2]) for name in ("plan[T.b]", "plan[T.c]"))

    def mean(ease: Any) -> float:
        stay = 1 - expit(b["Intercept"] + b["ease"] * ease + b["help"] * ROWS["help"] + plan_b + plan_c)
        return float(sum(100 * (stay / 1.01) ** t for t in range(12)).mean())

    found = worth(fit, **MONEY)
    assert figures(found, "all", "")[2] == pytest.approx(mean(ROWS["ease"]))
    step = (mean(ROWS["ease"] + 1e-4) - mean(ROWS["ease"] - 1e-4)) / 2e-4
    assert figures(found, "ease", "per point")[2] == pytest.approx(step, rel=1e-6)
    assert figures(found, "ease", "per SD")[2] == pytest.approx(step * ROWS["ease"].std(), rel=1e-6)


def test_value_at_the_average_customer_is_too_low() -> None:
    # The naive way: one average retention rate, one lifetime. Who stays longest is worth most.
    rows = ROWS.assign(churned=(np.random.default_rng(2).random(len(ROWS)) < expit(2.2 - 1.4 * ROWS["ease"])) * 1)
    fit = churn_logit(rows, "churned ~ ease", unit=None)
    found = worth(fit, margin=100, horizon=36).terms.query("term == 'all' and kind == 'value'").iloc[0]
    stay = 1 - rows["churned"].mean()
    naive = 100 * sum(stay**t for t in range(36))
    assert naive < found["low"]


def test_rows_counts_and_engines_agree(frame: Native) -> None:
    rows = ROWS.assign(help=ROWS["help"].round())
    counts = rows.groupby(["ease", "help", "plan", "churned"], as_index=False).size()
    one = worth(window(frame(rows)), **MONEY)
    other = worth(window(frame(counts), unit=..., frequency="size"), **MONEY)
    pd.testing.assert_frame_equal(one.terms, other.terms, rtol=1e-6)
    assert one.quality == pytest.approx(other.quality)


def test_a_hazard_is_averaged_over_those_watched_from_the_start() -> None:
    long = ROWS.loc[ROWS.index.repeat(ROWS["months"])].assign(at=lambda each: each.groupby(level=0).cumcount() + 1)
    long = long.assign(left=(long["left"] == 1) & (long["at"] == long["months"]), who=long.index)
    options = HazardOptions(rows="periods", errors="observed")
    spells = worth(churn_hazard(ROWS, "ease + help", **MONTHS), **MONEY | {"horizon": 9})
    by_month = worth(
        churn_hazard(long, "ease + help", **MONTHS | {"duration": "at"}, unit="who", options=options),
        **MONEY | {"horizon": 9},
    )
    assert by_month.quality["n_averaged"] == len(ROWS)
    for kind in ("per point", "per SD"):
        assert figures(by_month, "ease", kind) == pytest.approx(figures(spells, "ease", kind), rel=1e-6)
        one, other = (figures(each, "ease", kind, "std_error") for each in (by_month, spells))
        assert one == pytest.approx(other, rel=1e-6)


def test_a_baseline_that_goes_with_time_reaches_beyond_what_was_seen() -> None:
    fit = churn_hazard(ROWS, "ease", **MONTHS, options=HazardOptions(baseline="log"))
    far, near = (worth(fit, margin=100, horizon=h) for h in (24, 9))
    assert figures(far, "all", "")[2] > figures(near, "all", "")[2]
    b = fit.raw.parameters
    line = b[0] + b[1] * np.log(np.arange(1, 25)) + b[2] * ROWS["ease"].to_numpy()[:, None]
    stay = np.exp(-np.exp(line)).cumprod(axis=1)
    assert figures(far, "all", "")[:2] == pytest.approx([stay[:, -1].mean(), 1 + stay[:, :-1].sum(axis=1).mean()])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["window", "months"])
def test_errors_are_those_of_the_bootstrap(kind: str) -> None:
    def fit(rows: pd.DataFrame) -> Fit:
        if kind == "window":
            return worth(churn_logit(rows, "churned ~ ease + help", unit=None), **MONEY)
        return worth(churn_hazard(rows, "ease + help", **MONTHS), **MONEY | {"horizon": 8})

    rng, drawn = np.random.default_rng(12), []
    for _ in range(300):
        again = fit(ROWS.iloc[rng.integers(0, len(ROWS), len(ROWS))].reset_index(drop=True))
        drawn.append(np.r_[figures(again, "ease", "per SD"), figures(again, "all", "")])
    own = fit(ROWS)
    error = np.r_[figures(own, "ease", "per SD", "std_error"), figures(own, "all", "", "std_error")]
    assert error == pytest.approx(np.std(drawn, axis=0), rel=0.15)  # the bootstrap's own error is 4 %


# --- refusals ---------------------------------------------------------------------------------------------------


def test_it_says_that_it_is_no_cause() -> None:
    assert "as associated, not as caused" in worth(window(), **MONEY).method
    assert "holds in each up to the horizon" in worth(window(), **MONEY).method


def test_what_cannot_be_asked() -> None:
    months = churn_hazard(ROWS, "ease", **MONTHS)
    late = churn_hazard(ROWS.assign(came=1).query("months > 1"), "ease", **MONTHS, entry="came")
    cox = churn_hazard(ROWS, "ease", duration="months", event="left")
    steps = churn_hazard(ROWS, "I(ease > 3)", **MONTHS)
    calls: list[tuple[Callable[[], object], type[CxuxError], str]] = [
        (lambda: worth(cox, **MONEY), ArgumentError, "Cox leaves the baseline"),
        (lambda: worth(logit("churned ~ ease", ROWS, unit=None), **MONEY), ArgumentError, "churn_logit"),
        (lambda: worth(ROWS, **MONEY), ArgumentError, "worth needs a fit"),  # type: ignore[arg-type]
        (lambda: worth(months, **MONEY), ArgumentError, "Period 10 has no hazard of its own"),
        (lambda: worth(late, **MONEY | {"horizon": 3}), SampleError, "Nobody was watched from the start"),
        (lambda: worth(steps, **MONEY | {"horizon": 3}), ArgumentError, "stands in a comparison"),
        (lambda: worth(window(), **MONEY, columns=["speed"]), ColumnError, "no covariate 'speed'"),
        (lambda: worth(window(), **MONEY, columns="ease"), ArgumentError, "list of covariates"),
        (lambda: worth(window(), **MONEY | {"margin": -1}), ArgumentError, "margin is a number above 0"),
        (lambda: worth(window(), **MONEY | {"horizon": 0}), ArgumentError, "horizon is a whole number of 1"),
        (lambda: worth(window(), **MONEY | {"horizon": 20_000}), ArgumentError, "at most 10,000"),
        (lambda: worth(window(), **MONEY | {"discount": -0.1}), ArgumentError, "discount"),
        (lambda: worth(window(), **MONEY, level=95), ArgumentError, "level"),
    ]
    for call, error, text in calls:
        with pytest.raises(error, match=text):
            call()
