"""Churn, retention and repeat purchase: published figures, cohorts, equal windows, weights, five engines."""

from collections.abc import Callable, Mapping
from math import inf, nan
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxuxlib import behaviour, measure, ux
from cxuxlib.errors import AnswerError, ArgumentError, SampleError
from cxuxlib.stats.intervals import RatioSums, adjusted_wald, ratio_variance

Native = Callable[..., Any]
Base = Literal["start", "average", "exposure"]
BASES: list[Base] = ["start", "average", "exposure"]


def month(stay: int, leave: int, come: int, come_and_leave: int) -> pd.DataFrame:
    """One row per customer of a month of 30 days; who comes does so on day 10, who leaves on day 15 or 20."""
    parts = [(stay, 1, 1, 0, 30.0), (leave, 1, 0, 1, 15.0), (come, 0, 1, 0, 20.0), (come_and_leave, 0, 0, 1, 10.0)]
    rows = [part[1:] for part in parts for _ in range(part[0])]
    return pd.DataFrame(rows, columns=["at_start", "at_end", "lost", "exposure_d"])


GROWTH = month(950, 50, 470, 30)  # trap 28: 1,000 at the start, 500 new, 50 and 30 of them lost


# --- churn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per", "percent"), [("start", 5.0), ("average", 6.6)])
def test_churn_of_a_growing_base(frame: Native, per: Base, percent: float) -> None:
    found = measure(frame(GROWTH), behaviour.churn_rate(per=per))["value"].item()
    assert round(100 * found, 1) == percent


def test_all_lost_over_those_at_the_start_cannot_be_had() -> None:
    found = measure(GROWTH, [behaviour.churn_rate(per=per) for per in BASES])["value"]
    assert not np.isclose(found, 0.080, atol=0.002).any()
    with pytest.raises(ArgumentError, match=r"no base of a churn rate 'all'; there is 'start', 'average', 'exposure'"):
        behaviour.churn_rate(per="all")  # type: ignore[arg-type]


def test_100_customers_of_whom_80_remain() -> None:
    row = measure(month(80, 20, 0, 0), behaviour.churn_rate()).iloc[0]  # G8, PostHog.com #4303
    assert (row["value"], row["n"], row["method"]) == (0.2, 100, "adjusted Wald")
    assert (row["low"], row["high"]) == pytest.approx(adjusted_wald(20, 100))


def test_hazard_is_lost_per_day() -> None:
    found = measure(GROWTH, behaviour.churn_rate(per="exposure"))["value"].item()
    assert found == pytest.approx(80 / (950 * 30 + 50 * 15 + 470 * 20 + 30 * 10))


@pytest.mark.parametrize("new", [0, 30_000])
def test_growth_moves_neither_the_churn_of_those_at_the_start_nor_the_hazard(new: int) -> None:
    # Everybody leaves at 1% a day; with growth, all lost over those at the start would be 0.67.
    rng = np.random.default_rng(28)
    come = np.r_[np.zeros(10_000), rng.uniform(0, 30, new)]
    gone = come + rng.exponential(100, 10_000 + new)
    data = pd.DataFrame({"at_start": come == 0, "lost": gone < 30, "exposure_d": np.minimum(gone, 30) - come})
    found = measure(data, [behaviour.churn_rate(), behaviour.churn_rate(per="exposure")])
    assert found["value"].to_numpy() == pytest.approx([1 - np.exp(-0.3), 0.01], rel=0.04)
    assert (found["low"] < [1 - np.exp(-0.3), 0.01]).all()
    assert (found["high"] > [1 - np.exp(-0.3), 0.01]).all()


def test_average_base_has_the_linearised_interval() -> None:
    row = measure(GROWTH, behaviour.churn_rate(per="average")).iloc[0]
    y, x = GROWTH["lost"], (GROWTH["at_start"] + GROWTH["at_end"]) / 2
    sums = RatioSums(1500, y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), 0, 0)
    units = x.sum() ** 2 / (x * x).sum()  # half a customer counts half
    half = stats.t.ppf(0.975, units - 1) * (ratio_variance(sums) * 1499 / 1500 * units / (units - 1)) ** 0.5
    assert (row["high"] - row["value"], row["value"] - row["low"]) == pytest.approx((half, half), rel=1e-4)
    assert row["n"] == 1500  # who came and left within the month is in no base, and yet was lost


def test_several_periods_of_a_customer_are_not_independent() -> None:
    data = pd.concat([GROWTH.assign(customer_id=range(1500))] * 2)
    once, twice = (measure(each, behaviour.churn_rate(), unit="customer_id").iloc[0] for each in (data[:1500], data))
    assert twice["value"] == once["value"]
    assert twice["high"] - twice["low"] == pytest.approx(once["high"] - once["low"], rel=0.02)


def test_unknown_loss_is_missing_not_staying(frame: Native) -> None:
    data = pd.DataFrame({"at_start": [1.0, 1, 1, 0, nan], "lost": [1.0, 0, nan, nan, 1]})
    row = measure(frame(data), behaviour.churn_rate()).iloc[0]
    assert (row["value"], row["n"], row["n_missing"]) == (0.5, 2, 2)


@pytest.mark.parametrize(("column", "wrong"), [("lost", 2), ("at_start", -1), ("exposure_d", -1), ("exposure_d", inf)])
def test_what_is_no_membership_is_refused(frame: Native, column: str, wrong: float) -> None:
    data = month(2, 1, 0, 0).astype(float)
    data.loc[0, column] = wrong
    with pytest.raises(AnswerError, match=f"1 answer in column {column!r}"):
        measure(frame(data), [behaviour.churn_rate(per=per) for per in BASES])


@pytest.mark.parametrize(("monthly", "yearly"), [(0.05, 0.46), (0.0, 0.0), (1.0, 1.0), (0.01, 0.11)])
def test_annual_churn_is_compound(monthly: float, yearly: float) -> None:
    assert behaviour.annual_churn(monthly) == pytest.approx(yearly, abs=0.005)  # 5% a month: 46%, not 60%


@given(rate=st.floats(0, 1), first=st.integers(1, 30), second=st.integers(1, 30))
def test_annual_churn_adds_up_over_periods(rate: float, first: int, second: int) -> None:
    left = [1 - behaviour.annual_churn(rate, each) for each in (first, second, first + second)]
    assert left[0] * left[1] == pytest.approx(left[2], abs=1e-12)


@pytest.mark.parametrize(("rate", "periods"), [(-0.1, 12), (1.1, 12), (5, 12), (nan, 12), (0.05, 0), (0.05, inf)])
def test_what_cannot_be_annualised_is_refused(rate: float, periods: float) -> None:
    with pytest.raises(ArgumentError):
        behaviour.annual_churn(rate, periods)


# --- retention -------------------------------------------------------------------------------------


def visits(days: Mapping[str, list[float]], observed: float | Mapping[str, float] = 100) -> pd.DataFrame:
    """Activities: by unit the ages in days; the first activity is added."""
    horizon = observed if isinstance(observed, Mapping) else dict.fromkeys(days, observed)
    rows = [(unit, each, float(horizon[unit])) for unit, ages in days.items() for each in (0.0, *ages)]
    return pd.DataFrame(rows, columns=["unit", "age_d", "observed_d"])


@pytest.mark.parametrize(
    ("day", "until", "value"),
    [(1, None, 0.25), (7, None, 0.5), (7, 14, 0.75), (1, 100, 0.75), (30, None, 0.0), (8, 9, 0.0), (0.5, 1, 0.25)],
)
def test_retention_windows_are_half_open(frame: Native, day: float, until: float | None, value: float) -> None:
    data = visits({"a": [1.0, 7.99], "b": [7.0], "c": [0.99, 13.9], "d": []})
    row = measure(frame(data), behaviour.retention(day, until=until), unit="unit").iloc[0]
    assert (row["value"], row["n"]) == (value, 4)


def test_only_mature_units_count(frame: Native) -> None:
    # b came back early and was not observed until day 8, c neither; only a and d had their chance.
    data = visits({"a": [7.5], "b": [7.1], "c": [], "d": [3.0]}, {"a": 8, "b": 7.9, "c": 2, "d": 60})
    row = measure(frame(data), behaviour.retention(7), unit="unit").iloc[0]
    assert (row["value"], row["n"], row["n_missing"]) == (0.5, 2, 0)


def test_cohorts_of_zero_are_kept_and_pooled_by_size(frame: Native) -> None:
    # Trap 29: {0, 25} of equal size is 12.5, not 25.
    data = visits({"a": [], "b": [], "c": [], "d": [], "e": [7.2], "f": [], "g": [], "h": []})
    data["cohort"] = data["unit"].map(lambda each: "2024-01" if each < "e" else "2024-02")
    found = measure(frame(data), behaviour.retention(7), by="cohort", unit="unit")
    assert found[["segment", "value", "n"]].values.tolist() == [["2024-01", 0.0, 4], ["2024-02", 0.25, 4]]
    assert found["high"].iloc[0] > 0.3  # nobody of 4 is not never
    assert measure(frame(data), behaviour.retention(7), unit="unit")["value"].item() == 0.125


def test_pooling_weights_cohorts_by_size() -> None:
    data = visits({"a": [7.0], "b": [], "c": [], "d": []}).assign(cohort=lambda x: np.where(x["unit"] == "a", "1", "2"))
    by_cohort = measure(data, behaviour.retention(7), by="cohort", unit="unit")
    pooled = measure(data, behaviour.retention(7), unit="unit")["value"].item()
    assert pooled == np.average(by_cohort["value"], weights=by_cohort["n"]) == 0.25


def test_an_immature_cohort_says_so(frame: Native) -> None:
    data = visits({"a": [7.0], "b": [7.0]}, {"a": 60, "b": 7.5}).assign(cohort=["old"] * 2 + ["new"] * 2)
    found = measure(frame(data), [behaviour.retention(d) for d in (1, 7)], by="cohort", unit="unit")
    row = found[(found["segment"] == "new") & (found["metric"] == "retention on day 7")].iloc[0]
    assert np.isnan(row["value"])
    assert (row["n"], row["n_missing"], row["method"]) == (0, 0, "no valid answers where observed_d >= 8")
    assert found.loc[found["metric"] == "retention on day 1", "n"].tolist() == [1, 1]


def test_no_mature_unit_at_all_is_an_error() -> None:
    with pytest.raises(SampleError, match="where observed_d >= 91"):
        measure(visits({"a": []}, 60), behaviour.retention(90), unit="unit")


@given(
    units=st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=5), st.integers(0, 60)), min_size=1, max_size=12),
    day=st.integers(1, 30), more=st.integers(1, 20),
)  # fmt: skip
def test_retention_is_a_share_of_mature_units(units: list[tuple[list[int], int]], day: int, more: int) -> None:
    days = {f"u{i:02d}": [float(age) for age in ages if age <= end] for i, (ages, end) in enumerate(units)}
    data = visits(days, {f"u{i:02d}": end for i, (_, end) in enumerate(units)})
    mature = [ages for ages, end in units if end >= day + more]
    if not mature:
        return
    row = measure(data, behaviour.retention(day, until=day + more), unit="unit").iloc[0]
    back = sum(any(day <= age < day + more for age in ages) for ages in mature)
    assert (row["value"], row["n"]) == (pytest.approx(back / len(mature)), len(mature))
    assert row["low"] <= row["value"] <= row["high"]


@pytest.mark.parametrize(("day", "until"), [(0, None), (-1, None), (7, 7), (7, 3), (nan, None), (7, inf), (7, nan)])
def test_an_empty_window_is_refused(day: float, until: float | None) -> None:
    with pytest.raises(ArgumentError, match="window begins after day 0"):
        behaviour.retention(day, until=until)


@pytest.mark.parametrize("column", ["age_d", "observed_d"])
def test_activity_before_the_first_is_refused(frame: Native, column: str) -> None:
    data = visits({"a": [1.0], "b": [2.0]})
    data.loc[1, column] = -0.5
    with pytest.raises(AnswerError, match=f"{column!r} outside the range of retention on day 1.*-0.5"):
        measure(frame(data), behaviour.retention(1), unit="unit")


def test_retention_needs_the_unit() -> None:
    with pytest.raises(ArgumentError, match="retention on day 1 counts each unit once: name the unit"):
        measure(visits({"a": [1.0]}).rename(columns={"unit": "x"}), behaviour.retention(1))


# --- repeat purchase -------------------------------------------------------------------------------


def orders(days: Mapping[str, list[float]], observed: float | Mapping[str, float] = 100) -> pd.DataFrame:
    data = visits(days, observed)
    return data.assign(nth=data.groupby("unit").cumcount() + 1)


def test_repeat_purchase_in_equal_windows(frame: Native) -> None:
    # a twice on one day, b within 30 days, c on day 30 (too late), d once, e not observed for long enough.
    observed = {"a": 90, "b": 90, "c": 90, "d": 90, "e": 29}
    data = orders({"a": [0.0], "b": [29.9], "c": [30.0], "d": [], "e": [1.0]}, observed)
    row = measure(frame(data), behaviour.repeat_purchase(30), unit="unit").iloc[0]
    assert (row["value"], row["n"]) == (0.5, 4)


def test_time_to_buy_again_is_the_same_for_all() -> None:
    # Early customers have had longer; without a window they look better. All buy again after 40 days.
    data = orders({"early": [40.0], "late": []}, {"early": 90, "late": 35})
    assert measure(data, behaviour.repeat_purchase(30), unit="unit")["value"].item() == 0
    assert measure(data, behaviour.repeat_purchase(60), unit="unit")[["value", "n"]].values.tolist() == [[1, 1]]


@pytest.mark.parametrize("window", [0, -7, nan, inf])
def test_a_window_is_a_number_of_days(window: float) -> None:
    with pytest.raises(ArgumentError, match="number of days above 0"):
        behaviour.repeat_purchase(window)


def test_numbers_of_orders_begin_with_1(frame: Native) -> None:
    data = orders({"a": [1.0]}).assign(nth=[0, 1])
    with pytest.raises(AnswerError, match="'nth'"):
        measure(frame(data), behaviour.repeat_purchase(30), unit="unit")


# --- units that count once, weighted ---------------------------------------------------------------


def test_weights_of_units_that_count_once(frame: Native) -> None:
    data = visits({"a": [7.0, 7.5, 20.0], "b": [], "c": [3.0], "d": [7.9]})
    data["w"] = data["unit"].map({"a": 1.0, "b": 2.0, "c": 4.0, "d": 0.0})
    row = measure(frame(data), behaviour.retention(7), unit="unit", weight="w").iloc[0]
    assert (row["value"], row["n"], row["method"]) == (pytest.approx(1 / 7), 3, "adjusted Wald over units")


def test_weighted_units_are_weighted_rows_of_one_row_each(frame: Native) -> None:
    rng = np.random.default_rng(7)
    data = visits({str(i): list(rng.uniform(0, 20, rng.integers(0, 5))) for i in range(40)})
    weight = {str(i): rng.gamma(2, 1) for i in range(40)}
    units = (
        data.assign(back=data["age_d"].between(7, 8, inclusive="left")).groupby("unit", as_index=False)["back"].max()
    )
    once = measure(frame(data.assign(w=data["unit"].map(weight))), behaviour.retention(7), unit="unit", weight="w")
    plain = measure(units.assign(w=units["unit"].map(weight)), ux.task_success("back"), unit="unit", weight="w")
    columns = ["value", "low", "high", "n"]
    assert once[columns].to_numpy() == pytest.approx(plain[columns].to_numpy(), abs=1e-12)


def test_rows_of_a_unit_must_agree_on_its_weight(frame: Native) -> None:
    data = visits({"a": [7.0], "b": [1.0]}).assign(w=[1.0, 2.0, 1.0, 1.0])
    with pytest.raises(AnswerError, match="1 units of 'unit' have rows of different weights in 'w'"):
        measure(frame(data), behaviour.retention(7), unit="unit", weight="w")
    rows = measure(frame(data), ux.errors_per_attempt("age_d"), unit="unit", weight="w")  # rows that count each may
    assert rows["n"].item() == 2
