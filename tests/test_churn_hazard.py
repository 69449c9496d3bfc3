"""Hazards: R's figures for ties, late entries, changing covariates, weights and clusters; published examples."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import HazardOptions, churn_hazard, logit, proportional_hazards
from cxuxlib.results import Fit
from cxuxlib.stats import cox_checks

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "churn.json").read_text(encoding="utf-8"))
ROWS, CHANGING = (pd.DataFrame(REFERENCE[name]) for name in ("rows", "changing"))
PERIODS = pd.DataFrame(REFERENCE["period_rows"])
ONE: dict[str, Any] = {"duration": "days", "event": "left", "unit": None}
LATE: dict[str, Any] = {**ONE, "entry": "entry"}
MANY: dict[str, Any] = {"duration": "stop", "event": "left", "entry": "start"}
PLAIN, STRATA = "ease + service + plan", "ease + service"


@cache
def of_r(expression: str) -> pd.DataFrame:
    """A table that comes with R; tests that need it are left out where there is no R."""
    if shutil.which("Rscript") is None:
        pytest.skip("this data set comes with R, which is absent")
    code = f"suppressMessages(library(survival)); write.csv({expression}, row.names = FALSE)"
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"this data set comes with R's packages carData and survival, which are absent: {run.stderr:.80}")
    return pd.read_csv(io.StringIO(run.stdout))


def slopes(fit: Fit) -> pd.DataFrame:
    return fit.terms[fit.terms["kind"].isin(["slope", "baseline"])].set_index("term")


def agrees(fit: Fit, expected: dict[str, Any], scale: float = 1.0) -> None:
    found = slopes(fit)
    names = [
        name.replace("planp", "plan[T.p") + ("]" if name.startswith("planp") else "") for name in expected["names"]
    ]
    assert list(found.index) == names
    assert found["value"].to_numpy() == pytest.approx(expected["value"], rel=1e-7, abs=1e-9)
    assert found["std_error"].to_numpy() == pytest.approx(expected["error"], rel=1e-7)
    assert fit.quality["logLik"] == pytest.approx(expected["logLik"], rel=1e-10)
    assert fit.quality["logLik_null"] == pytest.approx(expected["null"], rel=1e-10)
    assert fit.quality["concordance"] == pytest.approx(expected["C"], rel=1e-10)
    for how in ("km", "identity", "log", "rank"):
        tested = proportional_hazards(fit, transform=how)  # type: ignore[arg-type]
        assert list(tested["term"]) == expected["terms"]
        assert tested["chi2"].to_numpy() == pytest.approx(scale * np.array(expected["zph"][how]), rel=1e-6, abs=1e-9), (
            how
        )
        assert list(tested["df"]) == expected["df"]


CASES: dict[str, tuple[pd.DataFrame, str, dict[str, Any], dict[str, Any]]] = {
    "plain": (ROWS, PLAIN, ONE, {}),
    "late": (ROWS, PLAIN, LATE, {}),
    "robust": (ROWS, PLAIN, ONE, {"errors": "robust"}),
    "cluster": (ROWS, PLAIN, {**LATE, "unit": "shop"}, {}),
    "weights": (ROWS, PLAIN, ONE, {"weight": "w"}),
    "weights_cluster": (ROWS, PLAIN, {**LATE, "unit": "shop"}, {"weight": "w"}),
    "frequency": (ROWS, PLAIN, LATE, {"frequency": "f"}),
    "strata": (ROWS, STRATA, LATE, {"strata": ["plan"]}),
    "strata_cluster": (ROWS, STRATA, {**LATE, "unit": "shop"}, {"strata": ["plan"]}),
    "changing": (CHANGING, STRATA, {**MANY, "unit": "id"}, {"errors": "observed"}),
    "changing_cluster": (CHANGING, STRATA, {**MANY, "unit": "id"}, {}),
    "changing_shop": (CHANGING, STRATA, {**MANY, "unit": "shop"}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_cox_of_coxph_and_cox_zph(case: str) -> None:
    data, formula, times, options = CASES[case]
    scale = (
        len(ROWS) / ROWS["w"].sum() if "weight" in options else 1.0
    )  # of weights R takes the sum for a sample's size
    fit = churn_hazard(data, formula, **times, options=HazardOptions(**options))
    agrees(fit, REFERENCE["cox"][case], scale)


def test_cox_on_every_engine(frame: Native) -> None:
    fit = churn_hazard(frame(ROWS), PLAIN, **{**LATE, "unit": "shop"}, options=HazardOptions(weight="w"))
    agrees(fit, REFERENCE["cox"]["weights_cluster"], len(ROWS) / ROWS["w"].sum())


# --- published examples ---------------------------------------------------------------------------


def test_the_recidivists_of_rossi() -> None:
    rows = of_r("carData::Rossi[, 1:10]")
    rows = rows.assign(
        fin=rows["fin"] == "yes", race=rows["race"] == "black", wexp=rows["wexp"] == "yes",
        mar=rows["mar"] == "married", paro=rows["paro"] == "yes",
    )  # fmt: skip
    fit = churn_hazard(rows, "fin + age + race + wexp + mar + paro + prio", duration="week", event="arrest")
    found = slopes(fit)["value"].rename(lambda name: name.removesuffix("[T.True]"))
    expected = {
        "fin": -0.379422166, "age": -0.057437743, "race": 0.313899788, "wexp": -0.149795698, "mar": -0.433703878,
        "paro": -0.084871083, "prio": 0.091497081,
    }  # fmt: skip
    # These are what R prints by its default eps of 1e-9; with 1e-13 it has our 12 digits, as -0.379422166871 for fin.
    assert found.to_dict() == pytest.approx(expected, abs=5e-9)
    assert found["fin"] == pytest.approx(-0.3794221668712, abs=1e-12)
    assert fit.quality["logLik"] == pytest.approx(-658.7476594, abs=5e-8)
    assert fit.quality["concordance"] == pytest.approx(0.6403292471, abs=5e-11)


def test_the_heart_transplants_of_stanford() -> None:
    rows = of_r("heart")
    formula = "age + year + surgery + transplant"
    fit = churn_hazard(rows, formula, duration="stop", event="event", entry="start", unit="id")
    expected = {"age": 0.0271666410, "year": -0.1463463457, "surgery": -0.6372098900, "transplant": -0.0102507724}
    assert slopes(fit)["value"].to_dict() == pytest.approx(expected, abs=5e-11)
    assert fit.quality["n"] == 103
    assert fit.quality["n_rows"] == 172


# --- the likelihood written out, and what must not matter ------------------------------------------


def written_out(data: pd.DataFrame, b: np.ndarray) -> float:
    """Efron's log partial likelihood, event by event, tie by tie."""
    line = data[["ease", "service"]].to_numpy(float) @ b
    total = 0.0
    for t in data.loc[data["left"] == 1, "days"].unique():
        risk = np.exp(line[(data["entry"] < t) & (data["days"] >= t)]).sum()
        dying = line[((data["days"] == t) & (data["left"] == 1)).to_numpy()]
        total += dying.sum() - sum(np.log(risk - i / len(dying) * np.exp(dying).sum()) for i in range(len(dying)))
    return float(total)


def test_the_likelihood_is_highest_where_cox_says() -> None:
    fit = churn_hazard(ROWS, STRATA, **LATE)
    at = slopes(fit)["value"].to_numpy()
    top = written_out(ROWS, at)
    assert fit.quality["logLik"] == pytest.approx(top, rel=1e-12)
    for step in np.array([[1, 0], [0, 1], [1, -1], [1, 1]]) * 1e-3:
        assert max(written_out(ROWS, at + step), written_out(ROWS, at - step)) < top


@pytest.mark.parametrize(("table", "each"), [(0, 10**9), (0, 0), (4_000_000, 0)])
def test_concordance_counts_pairs(table: int, each: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cox_checks, "_TABLE", table)
    monkeypatch.setattr(cox_checks, "_EACH", each)
    fit = churn_hazard(ROWS, STRATA, **LATE)
    line = ROWS[["ease", "service"]].to_numpy(float) @ slopes(fit)["value"].to_numpy()
    end, start, left = ROWS["days"].to_numpy(), ROWS["entry"].to_numpy(), ROWS["left"].to_numpy() == 1
    right = pairs = 0.0
    for i in np.flatnonzero(left):
        other = (start < end[i]) & ((end > end[i]) | ((end == end[i]) & ~left))
        other[i] = False
        pairs += other.sum()
        right += (line[i] > line[other] + 1e-12).sum() + 0.5 * (abs(line[i] - line[other]) <= 1e-12).sum()
    assert fit.quality["concordance"] == pytest.approx(right / pairs, rel=1e-12)


def test_units_of_time_of_predictors_and_the_order_of_rows_do_not_matter() -> None:
    expected = slopes(churn_hazard(ROWS, STRATA, **LATE))
    other = ROWS.sample(frac=1, random_state=3).assign(
        days=ROWS["days"] / 365.25, entry=ROWS["entry"] / 365.25, ease=1000 + 1e-2 * ROWS["ease"]
    )
    found = slopes(churn_hazard(other, STRATA, **LATE))
    assert found["value"].to_numpy() * [1e-2, 1] == pytest.approx(expected["value"].to_numpy(), rel=1e-6)
    assert found["p"].to_numpy() == pytest.approx(expected["p"].to_numpy(), rel=1e-6)


def test_rows_cut_in_two_say_the_same() -> None:
    whole = ROWS.assign(id=range(len(ROWS)))
    early = whole[whole["days"] > 20].assign(days=20, left=0)
    cut = pd.concat([whole.assign(start=np.where(whole["days"] > 20, 20, 0)), early.assign(start=0)])
    a = churn_hazard(whole, PLAIN, **ONE)
    b = churn_hazard(cut, PLAIN, duration="days", event="left", entry="start", unit="id")
    assert slopes(b)["value"].to_numpy() == pytest.approx(slopes(a)["value"].to_numpy(), rel=1e-9)
    robust = churn_hazard(whole, PLAIN, **ONE, options=HazardOptions(errors="robust"))
    assert slopes(b)["std_error"].to_numpy() == pytest.approx(slopes(robust)["std_error"].to_numpy(), rel=1e-9)


# --- discrete time ----------------------------------------------------------------------------------

SPELLS: dict[str, Any] = {"duration": "month", "event": "left", "entry": "came"}
ROWS_OF_PERIODS = HazardOptions(rows="periods")


def agrees_by_period(fit: Fit, expected: dict[str, Any], error: str) -> None:
    found = slopes(fit).rename(lambda name: name.replace("period ", "factor(at)").replace("log(factor(at))", "log(at)"))
    found = found.rename({"Intercept": "(Intercept)", "log(period)": "log(at)"})
    for name, value, spread in zip(expected["names"], expected["value"], expected[error], strict=True):
        assert found.loc[name, "value"] == pytest.approx(value, rel=1e-7, abs=1e-9), name
        assert found.loc[name, "std_error"] == pytest.approx(spread, rel=1e-6), name
    assert fit.quality["logLik"] == pytest.approx(expected["logLik"], rel=1e-10)


@pytest.mark.parametrize("kind", ["logit", "cloglog"])
def test_hazard_by_period_of_glm(kind: Any) -> None:
    expected = REFERENCE["period"][kind]
    agrees_by_period(churn_hazard(ROWS, STRATA, **SPELLS, unit=None, kind=kind), expected, "error")
    agrees_by_period(churn_hazard(ROWS, STRATA, **SPELLS, unit="shop", kind=kind), expected, "cluster")
    of_periods: dict[str, Any] = {"duration": "at", "event": "now", "kind": kind, "options": ROWS_OF_PERIODS}
    agrees_by_period(churn_hazard(PERIODS, STRATA, **of_periods, unit=None), expected, "error")
    agrees_by_period(churn_hazard(PERIODS, STRATA, **of_periods, unit="shop"), expected, "cluster")


def test_logit_errors_are_those_of_glm_and_sandwich_where_the_link_is_canonical() -> None:
    expected = REFERENCE["period"]["logit"]
    assert expected["error"] == pytest.approx(expected["expected"], rel=1e-6)
    assert expected["cluster"] == pytest.approx(expected["vcovCL"], rel=1e-6)


def test_a_baseline_that_is_a_line() -> None:
    options = HazardOptions(rows="periods", baseline="log")
    fit = churn_hazard(PERIODS, STRATA, duration="at", event="now", unit=None, kind="cloglog", options=options)
    agrees_by_period(fit, REFERENCE["period"]["log"], "error")


def test_hazard_from_counts_on_every_engine(frame: Native) -> None:
    counts = PERIODS.groupby(["at", "now", "ease", "service"], as_index=False).size()
    options = HazardOptions(rows="periods", frequency="size")
    fit = churn_hazard(frame(counts), STRATA, duration="at", event="now", kind="cloglog", options=options)
    agrees_by_period(fit, REFERENCE["period"]["cloglog"], "error")
    assert fit.quality["n"] == len(PERIODS)
    assert fit.quality["n_events"] == PERIODS["now"].sum()


def test_by_hand_the_logit_of_periods_is_a_logit_of_rows() -> None:
    rows = PERIODS.rename(columns={"at": "month_", "left": "gone"})
    expected = logit("now ~ 0 + C(month_) + ease + service", rows, unit="shop").terms.set_index(["term", "kind"])
    fit = churn_hazard(PERIODS, STRATA, duration="at", event="now", unit="shop", kind="logit", options=ROWS_OF_PERIODS)
    found = fit.terms.set_index(["term", "kind"])
    for term, kind in (("ease", "slope"), ("service", "slope"), ("ease", "odds ratio")):
        assert found.loc[(term, kind)].to_numpy(float) == pytest.approx(
            expected.loc[(term, kind)].to_numpy(float), rel=1e-6
        )


def test_weights_by_period_are_those_of_a_logit() -> None:
    rows = PERIODS.rename(columns={"at": "month_", "left": "gone"})
    expected = logit("now ~ 0 + C(month_) + ease + service", rows, unit="shop", weight="w").terms.set_index(
        ["term", "kind"]
    )
    options = HazardOptions(rows="periods", weight="w")
    fit = churn_hazard(PERIODS, STRATA, duration="at", event="now", unit="shop", kind="logit", options=options)
    found = fit.terms.set_index(["term", "kind"])
    for key in (("ease", "slope"), ("service", "odds ratio")):
        assert found.loc[key].to_numpy(float) == pytest.approx(expected.loc[key].to_numpy(float), rel=1e-6)


@pytest.mark.parametrize("kind", ["logit", "cloglog"])
def test_robust_errors_of_spells_take_the_periods_of_a_customer_together(kind: Any) -> None:
    spells = churn_hazard(ROWS, STRATA, **SPELLS, unit=None, kind=kind, options=HazardOptions(errors="robust"))
    by_customer = churn_hazard(
        PERIODS, STRATA, duration="at", event="now", unit="id", kind=kind, options=ROWS_OF_PERIODS
    )
    assert by_customer.quality["n"] == spells.quality["n"]
    expected = slopes(by_customer)["std_error"].to_numpy()
    assert slopes(spells)["std_error"].to_numpy() == pytest.approx(expected, rel=1e-9)


def test_periods_in_which_nobody_leaves_change_nothing_and_are_told() -> None:
    # Nobody of the many left in the second period: an intercept of minus infinity, of which nothing else depends.
    rows = pd.DataFrame(
        {"month": [1, 1, 1, 3, 3, 3, 4, 4], "left": [1, 1, 0, 1, 1, 0, 0, 0], "ease": [1, 2, 3, 1, 3, 2, 3, 1]}
    )
    fit = churn_hazard(rows, "ease", duration="month", event="left", kind="logit")
    assert "2 periods in which nobody or everybody left tell nothing" in fit.method
    shifted = rows.assign(month=rows["month"].replace({3: 2, 4: 3}))
    again = churn_hazard(shifted, "ease", duration="month", event="left", kind="logit")
    assert slopes(fit)["value"].to_numpy() == pytest.approx(slopes(again)["value"].to_numpy(), rel=1e-9)
