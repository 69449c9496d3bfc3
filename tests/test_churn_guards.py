"""What hazards and landmarks refuse, so that no later answer foretells the past and nobody is immortal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import (
    AnswerError,
    ArgumentError,
    ColumnError,
    CxuxError,
    LeakageError,
    ModelError,
    SampleError,
    UnitError,
)
from cxuxlib.models import HazardOptions, Landmarks, churn_hazard, landmark, linear, proportional_hazards

Native = Callable[..., Any]
N = 60
RNG = np.random.default_rng(8)
ROWS = pd.DataFrame({
    "customer": range(N), "days": RNG.integers(10, 90, N), "left": RNG.integers(0, 2, N), "ease": RNG.integers(1, 6, N),
    "came": 0, "asked": 0, "team": RNG.integers(0, 6, N), "w": RNG.uniform(0.5, 2, N), "month": RNG.integers(1, 5, N),
})  # fmt: skip
TIMES: dict[str, Any] = {"duration": "days", "event": "left"}


def hazard(rows: Any, formula: str = "ease", **more: Any) -> Any:
    return churn_hazard(rows, formula, **{**TIMES, "unit": None, **more})


# --- leakage ------------------------------------------------------------------------------------------


def test_a_predictor_of_the_beginning_passes(frame: Native) -> None:
    assert hazard(frame(ROWS), options=HazardOptions(measured_at=["asked"])).quality["n"] == N


def test_a_predictor_measured_after_the_outcome_is_refused(frame: Native) -> None:
    late = ROWS.assign(asked=np.where(ROWS["customer"] < 7, ROWS["days"] + 3, 0))
    with pytest.raises(LeakageError, match=r"In 7 rows a predictor was measured \('asked'\) at or after the end"):
        hazard(frame(late), options=HazardOptions(measured_at=["asked"]))


def test_immortal_time_is_refused_and_rows_that_begin_at_the_measurement_pass() -> None:
    during = ROWS.assign(asked=np.where(ROWS["customer"] < 9, 5, 0))
    options = HazardOptions(measured_at=["asked"])
    with pytest.raises(LeakageError, match=r"In 9 rows .* after the row had begun: .*\(immortal time\)"):
        hazard(during, options=options)
    assert hazard(during, entry="asked", options=options).quality["n"] == N


def test_of_a_period_the_predictors_are_known_when_it_begins() -> None:
    options = HazardOptions(rows="periods", measured_at=["asked"])
    more: dict[str, Any] = {"duration": "month", "kind": "cloglog", "options": options}
    assert hazard(ROWS.assign(asked=ROWS["month"] - 1), **more).quality["n"] == N
    with pytest.raises(LeakageError, match=r"In 60 rows .* after the row had begun"):
        hazard(ROWS.assign(asked=ROWS["month"] - 0.5), **more)


def test_a_predictor_without_a_time_is_refused() -> None:
    with pytest.raises(LeakageError, match="1 rows do not say in 'asked'"):
        hazard(ROWS.assign(asked=[np.nan, *ROWS["asked"][1:]]), options=HazardOptions(measured_at=["asked"]))
    with pytest.raises(AnswerError, match="'asked' holds no numbers"):
        hazard(ROWS.assign(asked="monday"), options=HazardOptions(measured_at=["asked"]))


# --- times and events ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cox", "logit", "cloglog"])
def test_nobody_leaves(kind: str) -> None:
    with pytest.raises(ModelError, match="Nobody of 60 has the event in 'left'"):
        hazard(ROWS.assign(left=0), kind=kind)


def test_everybody_leaves() -> None:
    assert hazard(ROWS.assign(left=1)).quality["n_events"] == N
    by_month = hazard(ROWS.assign(left=True), duration="month", kind="logit")
    assert by_month.quality["n_events"] == N
    assert "1 periods in which nobody or everybody left" in by_month.method  # the last month, in which all do
    with pytest.raises(ModelError, match="In every period nobody leaves, or everybody"):
        hazard(ROWS.assign(left=1, month=1), duration="month", kind="logit")


@pytest.mark.parametrize(
    ("more", "times", "match"),
    [
        ({"days": -5}, {}, "60 times in 'days' are negative, such as -5"),
        ({"came": -1}, {"entry": "came"}, "60 times in 'came' are negative"),
        ({"came": 95}, {"entry": "came"}, "60 rows end at or before they begin, such as 'came' 95"),
        ({"came": ROWS["days"]}, {"entry": "came"}, "60 rows end at or before they begin"),
        ({"left": 2}, {}, "'left' is 1 .or true. where the row ends with the event, else 0; it holds 2"),
        ({"left": "yes"}, {}, "it holds 'yes'"),
        ({"days": "long"}, {}, "Column 'days' holds texts; a time is a number"),
        ({"days": np.inf}, {}, "infinite values in 'days'"),
        ({"month": 1.5}, {"duration": "month", "kind": "logit"}, "Discrete time counts periods"),
        ({"month": 0}, {"duration": "month", "kind": "logit"}, "Discrete time counts periods"),
    ],
)
def test_times_and_events_that_cannot_be(more: dict[str, Any], times: dict[str, Any], match: str) -> None:
    with pytest.raises(AnswerError, match=match):
        hazard(ROWS.assign(**more), **times)


def test_one_row_and_too_few_rows() -> None:
    with pytest.raises(ModelError, match="Every complete row has the same value in 'ease'"):
        hazard(ROWS.assign(left=1)[:1])
    with pytest.raises(SampleError, match="2 complete rows for 2 parameters"):
        hazard(ROWS.assign(left=1, ease=range(N))[:2], "ease + I(ease ** 2)")


def test_missing_values_are_counted() -> None:
    rows = ROWS.assign(ease=ROWS["ease"].where(ROWS["customer"] > 4), days=ROWS["days"].where(ROWS["customer"] != 9))
    fit = hazard(rows)
    assert (fit.quality["n"], fit.quality["n_missing"]) == (N - 6, 6)


def test_a_predictor_that_orders_all_events_is_named() -> None:
    rows = ROWS.assign(left=1, days=range(1, N + 1), order=[-each for each in range(N)])
    with pytest.raises(ModelError, match="'order' orders all events by itself"):
        hazard(rows, "order")
    nobody = ROWS.assign(vip=ROWS["customer"] < 10, left=ROWS["left"].where(ROWS["customer"] >= 10, 0))
    for kind, duration in (("cox", "days"), ("logit", "month"), ("cloglog", "month")):
        with pytest.raises(ModelError, match=r"vip.*orders all events"):
            hazard(nobody, "ease + vip", kind=kind, duration=duration)


# --- formulas, units, options -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("left ~ ease", "Leave out the left side"), ("0 + ease", "The baseline stands in for the intercept"),
        ("1", "names no predictor; a curve alone is models.survival"), ("ease + days", "'days' stands in the formula"),
        ("left + ease", "stands on both sides"), (5, "formula is a text"),
    ],
)  # fmt: skip
def test_formulas(formula: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        hazard(ROWS, formula)


def test_repeated_customers_need_a_unit() -> None:
    twice = pd.concat([ROWS, ROWS])
    with pytest.raises(UnitError, match="Rows repeat 'customer'"):
        churn_hazard(twice, "ease", **TIMES)
    assert churn_hazard(twice, "ease", **TIMES, unit="customer").quality["n"] == N
    with pytest.raises(ArgumentError, match="several events, or rows that overlap"):
        churn_hazard(twice, "ease", **TIMES, unit="customer", options=HazardOptions(errors="observed"))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"kind": "weibull"}, "There is no kind 'weibull'"),
        ({"options": HazardOptions(rows="periods")}, "rows='periods' and baseline go with discrete time"),
        ({"options": HazardOptions(baseline="log")}, "go with discrete time"),
        ({"options": HazardOptions(strata=["team"]), "kind": "logit", "duration": "month"}, "strata go with kind="),
        ({"options": HazardOptions(rows="periods"), "kind": "logit", "entry": "came"}, "has no entry"),
        ({"options": HazardOptions(weight="w", errors="observed")}, "Sampling weights are no numbers of units"),
        ({"options": "cox"}, "options is a HazardOptions"), ({"duration": 5}, "duration names one column"),
        ({"options": HazardOptions(strata=["left"])}, "'left' is the event"),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other(more: dict[str, Any], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        hazard(ROWS, **more)


@pytest.mark.parametrize(
    "given", [{"errors": "hc3"}, {"rows": "wide"}, {"baseline": "spline"}, {"strata": "team"}, {"level": 2},
              {"measured_at": "asked"}],
)  # fmt: skip
def test_options_of_hazards(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        HazardOptions(**given)


def test_proportional_hazards_needs_a_cox_regression() -> None:
    with pytest.raises(ArgumentError, match=r"needs a fit of churn_hazard\(kind='cox'\); got 'hazard by period"):
        proportional_hazards(hazard(ROWS, duration="month", kind="logit"))
    with pytest.raises(ArgumentError, match="got 'linear'"):
        proportional_hazards(linear("days ~ ease", ROWS, unit=None))
    with pytest.raises(ArgumentError, match="event at time 0, which has no logarithm"):
        proportional_hazards(hazard(ROWS.assign(left=1, days=[0, *ROWS["days"][1:]])), transform="log")


# --- landmarks ----------------------------------------------------------------------------------------

CUSTOMERS = ROWS[["customer", "days", "left"]].assign(came=RNG.integers(0, 9, N))
ASKED = pd.DataFrame({
    "customer": RNG.integers(0, N, 300), "day": RNG.integers(0, 90, 300), "ease": RNG.integers(1, 6, 300).astype(float),
    "help": RNG.normal(size=300).round(2),
}).sort_values(["day", "customer"], ignore_index=True).drop_duplicates(["customer", "day"])  # fmt: skip
ASKED.loc[ASKED.index % 5 == 0, "ease"] = np.nan
ARGS: dict[str, Any] = {**TIMES, "unit": "customer", "measured_at": "day"}


def test_landmarks_are_made_as_one_by_one(frame: Native) -> None:
    marks = Landmarks(at=[20, 40], horizon=25, oldest=30, entry="came")
    found = landmark(frame(CUSTOMERS), frame(ASKED), ["ease", "help"], **ARGS, landmarks=marks)
    expected = []
    for s in (20, 40):
        for _, row in CUSTOMERS.iterrows():
            if not row["came"] <= s < row["days"]:
                continue
            mine = ASKED[(ASKED["customer"] == row["customer"]) & (ASKED["day"] <= s) & (ASKED["day"] >= s - 30)]
            values = [each.iloc[-1] if len(each := mine[name].dropna()) else np.nan for name in ("ease", "help", "day")]
            left = row["left"] == 1 and row["days"] <= s + 25
            expected.append(
                [row["customer"], s, *values, min(row["days"], s + 25), left, left or row["days"] >= s + 25]
            )
    assert list(found.columns) == ["customer", "landmark", "ease", "help", "day", "days", "left", "known"]
    assert found.to_numpy(dtype=float) == pytest.approx(np.array(expected, dtype=float), nan_ok=True)
    assert (found["day"].isna() | (found["day"] <= found["landmark"])).all()


def test_a_table_of_landmarks_passes_the_guard_and_is_fitted() -> None:
    marks = Landmarks(at=[15, 30, 45], horizon=30)
    table = landmark(CUSTOMERS, ASKED, ["ease", "help"], **ARGS, landmarks=marks).dropna()
    options = HazardOptions(strata=["landmark"], measured_at=["day"])
    fit = churn_hazard(table, "ease + help", **TIMES, entry="landmark", unit="customer", options=options)
    assert fit.quality["n"] == table["customer"].nunique()
    assert fit.quality["n_events"] == table["left"].sum()


@pytest.mark.parametrize(
    ("customers", "asked", "error", "match"),
    [
        (pd.concat([CUSTOMERS, CUSTOMERS]), ASKED, UnitError, "one row per 'customer'; 0 stands there more than once"),
        (CUSTOMERS, ASKED.assign(day=np.nan), LeakageError, "300 answers|answers do not say in 'day'"),
        (CUSTOMERS, ASKED.assign(day="monday"), AnswerError, "'day' holds no numbers"),
        (CUSTOMERS, ASKED.assign(customer=np.nan), UnitError, "answers have no 'customer'"),
        (CUSTOMERS, ASKED.assign(customer="x"), ColumnError, "No answer is of a customer in data"),
        (CUSTOMERS.assign(days=np.nan), ASKED, AnswerError, "60 customers lack one of"),
        (CUSTOMERS.assign(days=5), ASKED, SampleError, "Nobody is there at 20"),
        (CUSTOMERS.assign(days=-5), ASKED, AnswerError, "are negative"),
        (CUSTOMERS[:0], ASKED, SampleError, "no customers, or no answers"),
    ],
)
def test_what_landmarks_refuse(
    customers: pd.DataFrame, asked: pd.DataFrame, error: type[CxuxError], match: str
) -> None:
    with pytest.raises(error, match=match):
        landmark(customers, asked, ["ease"], **ARGS, landmarks=Landmarks(at=[20], horizon=30))


@pytest.mark.parametrize(
    "given", [{"at": []}, {"at": 5}, {"at": [-1]}, {"at": [1, 1]}, {"horizon": 0}, {"horizon": np.inf}, {"oldest": -1}],
)  # fmt: skip
def test_where_landmarks_can_stand(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Landmarks(**{"at": [10], "horizon": 10, **given})
    with pytest.raises(ColumnError, match="'days' stands for two things"):
        landmark(CUSTOMERS, ASKED, ["days"], **ARGS, landmarks=Landmarks(at=[10], horizon=10))


def test_an_answer_of_another_day_is_too_old_where_no_age_is_allowed() -> None:
    customers = pd.DataFrame({"customer": [1, 2], "days": [5, 5], "left": [1, 0]})
    asked = pd.DataFrame({"customer": [1, 2], "day": [2, 1], "ease": [4, 3]})
    found = landmark(
        customers, asked, ["ease"], unit="customer", duration="days", event="left", measured_at="day",
        landmarks=Landmarks(at=[2], horizon=3, oldest=0),
    )  # fmt: skip
    assert found["ease"].isna().tolist() == [False, True]
