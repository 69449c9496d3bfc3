"""UX metrics: published figures, definitions by hand, what is missing and what is left out, five engines."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import inf, log, sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gmean
from scipy.stats import t as student_t

from cxuxlib import estimate, measure, ux
from cxuxlib.errors import AnswerError, ArgumentError
from cxuxlib.study import Metric

Native = Callable[..., Any]
NUMBERS = ["value", "low", "high", "n", "n_missing"]


def value(metric: Metric, **columns: object) -> float:
    return float(measure(pd.DataFrame(columns), metric)["value"].item())


# --- published figures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "minutes", "published"),
    [(65, 1.5, 43), (67, 1.4, 48), (40, 2.1, 19), (74, 1.7, 44), (85, 1.2, 71), (90, 1.4, 64),
     (49, 2.1, 23), (33, 1.3, 25)],
)  # fmt: skip
def test_core_efficiency_of_tullis_and_albert(percent: int, minutes: float, published: int) -> None:
    # C1, Table 4.3: percent of completion per minute of mean task time.
    spread = np.tile([-20.0, 20.0], 50)
    found = value(ux.core_efficiency(), success=[1] * percent + [0] * (100 - percent), duration_s=60 * minutes + spread)
    assert round(100 * found) == published


def test_core_efficiency_may_exceed_one() -> None:
    assert value(ux.core_efficiency(), success=[1, 1], duration_s=[15.0, 25]) == pytest.approx(3)


@pytest.mark.parametrize(
    ("unique", "total", "optimal", "published"),
    [(6, 9, 3, 0.60), (20, 100, 2, 1.204)],  # C2: Tullis & Albert; lostness is not bounded by 1
)
def test_lostness_of_published_examples(unique: int, total: int, optimal: int, published: float) -> None:
    found = value(ux.lostness(), n_unique=[unique], n_pages=[total], n_optimal=[optimal])
    assert found == pytest.approx(published, abs=0.005 if published < 1 else 0.0005)


def test_lostness_of_the_shortest_path_is_0() -> None:
    assert value(ux.lostness(), n_unique=[4], n_pages=[4], n_optimal=[4]) == 0


def test_lostness_is_below_the_root_of_2() -> None:
    found = value(ux.lostness(), n_unique=[10**6], n_pages=[10**12], n_optimal=[1])
    assert 1.4142 < found < sqrt(2)


def test_time_based_efficiency_of_usability_geek() -> None:
    # C3, figures as recalled: 1, 2, 3 s succeed and 6 s fail.
    assert round(value(ux.time_based_efficiency(), success=[1, 1, 1, 0], duration_s=[1, 2, 3, 6]), 2) == 0.46


def test_overall_relative_efficiency_of_usability_geek() -> None:
    assert value(ux.overall_relative_efficiency(), success=[1, 1, 1, 0], duration_s=[1, 2, 3, 6]) == 0.5  # C3


def test_geometric_mean_of_measuringusability() -> None:
    found = estimate([55, 65, 75, 62, 45, 135], ux.time_on_task(success=None, which="all"))  # B1
    assert (round(found.value), round(found.low), round(found.high)) == (68, 46, 101)


@pytest.mark.parametrize(("per", "published"), [("session", 33), ("visitor", 100)])
def test_conversion_of_databuddy(frame: Native, per: Literal["session", "visitor"], published: int) -> None:
    data = pd.DataFrame({"user_id": [7, 7, 7], "converted": [0, 1, 0]})  # G9, Databuddy #180
    found = measure(frame(data), ux.conversion(per=per), unit="user_id")
    assert round(100 * found["value"].item()) == published


# --- three times that must not be mixed ------------------------------------------------------------

QUITS = pd.DataFrame({"duration_s": [40.0, 55, 62, 70, 85, 120, 120, 120], "success": [1] * 5 + [0] * 3})  # trap 25


@pytest.mark.parametrize(("which", "first", "published"), [("completed", 5, 60.5), ("all", 8, 78.2)])
def test_times_with_quits(which: Literal["completed", "all"], first: int, published: float) -> None:
    row = measure(QUITS, ux.time_on_task(which=which)).iloc[0]
    assert row["value"] == pytest.approx(gmean(QUITS["duration_s"].head(first)), rel=1e-12)
    assert round(row["value"], 1) == published
    assert row["n"] == first


def test_time_to_failure_knows_only_failures() -> None:
    data = QUITS.assign(duration_s=[40.0, 55, 62, 70, 85, 100, 110, 120])
    row = measure(data, ux.time_on_task(which="failed")).iloc[0]
    assert (row["value"], row["n"]) == (pytest.approx(gmean([100, 110, 120])), 3)


def test_the_three_times_have_three_names() -> None:
    kinds: list[Literal["completed", "failed", "all"]] = ["completed", "failed", "all"]
    assert len({ux.time_on_task(which=kind).name for kind in kinds}) == 3


def test_time_until_success_is_the_default() -> None:
    assert ux.time_on_task() == ux.time_on_task(which="completed")


def test_no_such_kind_of_time() -> None:
    with pytest.raises(ArgumentError, match="which is one of"):
        ux.time_on_task(which="successful")  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["completed", "failed"])
def test_time_of_some_attempts_needs_to_know_which(which: Literal["completed", "failed"]) -> None:
    with pytest.raises(ArgumentError, match="need the column that tells success"):
        ux.time_on_task(success=None, which=which)


def test_all_times_do_not_read_success() -> None:
    assert ux.time_on_task(which="all").columns == ("duration_s",)


@pytest.mark.parametrize("metric", [ux.time_on_task(which="all"), ux.time_based_efficiency(), ux.core_efficiency()])
@pytest.mark.parametrize("wrong", [0.0, -1.0, inf])
def test_a_time_is_above_0_and_finite(metric: Metric, wrong: float) -> None:
    data = pd.DataFrame({"duration_s": [1.0, wrong, 2], "success": 1})
    with pytest.raises(AnswerError, match="1 answer in column 'duration_s'"):
        measure(data, metric)


def test_a_tiny_time_is_a_time(frame: Native) -> None:
    found = measure(frame(pd.DataFrame({"duration_s": [1e-9, 1e-7]})), ux.time_on_task(success=None, which="all"))
    assert found["value"].item() == pytest.approx(1e-8)


# --- definitions by hand ---------------------------------------------------------------------------


def test_abandonment_is_one_less_success() -> None:
    data = pd.DataFrame({"completed": [1, 1, 0, 1, 0, 1, 1]})
    left, done = measure(data, [ux.abandonment(), ux.task_success("completed")]).to_dict("records")
    assert left["value"] == pytest.approx(1 - done["value"])
    assert (left["low"], left["high"]) == pytest.approx((1 - done["high"], 1 - done["low"]))


def test_abandonment_is_read_from_who_gave_up_only_where_that_is_said() -> None:
    data = pd.DataFrame({"abandoned": [1, 0, 0, 0], "completed": [0, 1, 1, 0]})
    given_up, not_done = measure(data, [ux.abandonment(abandoned="abandoned"), ux.abandonment()])["value"]
    assert (given_up, not_done) == (0.25, 0.5)
    with pytest.raises(ArgumentError, match=r"say abandonment\(abandoned='abandoned'\)"):
        ux.abandonment("abandoned")


def test_partial_credit_is_a_mean_with_a_t_interval() -> None:
    credits = np.array([1, 0.5, 0.25, 0, 1, 0.75])
    found = estimate(credits, ux.task_success(partial=True))
    half = student_t.ppf(0.975, 5) * credits.std(ddof=1) / sqrt(6)
    assert (found.value, found.method) == (pytest.approx(credits.mean()), "t")
    assert found.low == pytest.approx(credits.mean() - half)


def test_without_partial_credit_half_a_success_is_refused() -> None:
    with pytest.raises(AnswerError, match=r"0\.5"):
        estimate([1, 0.5, 0], ux.task_success())


@pytest.mark.parametrize("wrong", [1.25, -0.25])
def test_partial_credit_lies_between_0_and_1(wrong: float) -> None:
    with pytest.raises(AnswerError, match="task success"):
        estimate([1, wrong, 0], ux.task_success(partial=True))


def test_any_error_counts_attempts() -> None:
    assert estimate([0, 5, 1, 0, 0], ux.any_error()).value == pytest.approx(0.4)


def test_errors_per_attempt_counts_errors() -> None:
    assert estimate([0, 5, 1, 0, 0], ux.errors_per_attempt()).value == pytest.approx(1.2)


def test_error_rate_is_per_opportunity() -> None:
    # Σ errors / Σ opportunities = 3 / 30; the mean of the ratios would be 0.35 / 3.
    assert value(ux.error_rate(), n_errors=[1, 0, 2], n_opportunities=[5, 5, 20]) == pytest.approx(3 / 30)


def test_error_rate_over_users_is_the_linearisation() -> None:
    data = pd.DataFrame({
        "n_errors": [1, 0, 2, 3, 0, 1], "n_opportunities": [5, 5, 20, 10, 8, 4], "user_id": [1, 1, 2, 2, 3, 4],
    })  # fmt: skip
    row = measure(data, ux.error_rate(), unit="user_id").iloc[0]
    users = data.groupby("user_id").sum()
    y, x = users["n_errors"].to_numpy(), users["n_opportunities"].to_numpy()
    k = x.sum() ** 2 / (x**2).sum()
    error = sqrt((y - y.sum() / x.sum() * x).var() * k / (k - 1) / 4) / x.mean()
    assert (row["value"], row["n"]) == (pytest.approx(7 / 52), 4)
    assert row["high"] - row["value"] == pytest.approx(student_t.ppf(0.975, k - 1) * error)


def test_an_attempt_without_opportunity_is_refused() -> None:
    with pytest.raises(AnswerError, match="'n_opportunities'"):
        value(ux.error_rate(), n_errors=[0, 1], n_opportunities=[0, 5])


def test_steps_is_the_mean() -> None:
    assert estimate([4, 6, 11], ux.steps()).value == pytest.approx(7)


def test_excess_steps_is_a_geometric_mean_of_ratios() -> None:
    found = value(ux.excess_steps(), n_steps=[4, 16, 6], n_optimal=[4, 4, 2])
    assert found == pytest.approx((1 * 4 * 3) ** (1 / 3))


def test_bounce_is_a_single_page() -> None:
    assert value(ux.bounce(), n_pages=[1, 2, 1, 9, 3]) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("pages", "seconds", "converted", "bounced"),
    [(1, 3, 0, 1), (1, 9.99, 0, 1), (1, 10, 0, 0), (2, 3, 0, 0), (1, 3, 1, 0), (2, 30, 1, 0), (1, 0, 0, 1)],
)
def test_engaged_is_ten_seconds_or_two_pages_or_a_conversion(
    pages: int, seconds: float, converted: int, bounced: int
) -> None:
    found = value(ux.engaged_bounce(), n_pages=[pages], duration_s=[float(seconds)], converted=[converted])
    assert found == bounced


def test_the_two_bounce_rates_differ() -> None:
    data = pd.DataFrame({"n_pages": [1, 1, 1, 2], "duration_s": [60.0, 3, 3, 2], "converted": [0, 0, 1, 0]})
    assert measure(data, [ux.bounce(), ux.engaged_bounce()])["value"].tolist() == [0.75, 0.25]


def test_efficiencies_weight_attempts_in_three_ways() -> None:
    data = pd.DataFrame({"success": [1, 0, 1], "duration_s": [30.0, 90, 60]})
    metrics = [ux.time_based_efficiency(), ux.overall_relative_efficiency(), ux.core_efficiency()]
    expected = [(1 / 30 + 1 / 60) / 3, 90 / 180, (2 / 3) / (60 / 60)]
    assert measure(data, metrics)["value"].to_numpy() == pytest.approx(np.array(expected))


# --- counted once ----------------------------------------------------------------------------------

SESSIONS = pd.DataFrame({"user_id": [1, 1, 1, 2, 2, 3], "converted": [1, 1, 0, 0, 0, 1]})


def test_a_visitor_counts_once() -> None:
    row = measure(SESSIONS, ux.conversion(per="visitor"), unit="user_id").iloc[0]
    assert (row["value"], row["n"], row["method"]) == (pytest.approx(2 / 3), 3, "adjusted Wald")


def test_a_visitors_interval_is_that_of_the_visitors() -> None:
    row = measure(SESSIONS, ux.conversion(per="visitor"), unit="user_id").iloc[0]
    plain = estimate([1, 0, 1], ux.task_success())
    assert (row["low"], row["high"]) == pytest.approx((plain.low, plain.high), abs=1e-12)


def test_sessions_count_each() -> None:
    assert measure(SESSIONS, ux.conversion(), unit="user_id")["value"].item() == pytest.approx(0.5)


@pytest.mark.parametrize("more", [{"unit": None}, {}])
def test_once_needs_the_unit(more: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="conversion by visitor counts each unit once"):
        measure(SESSIONS, ux.conversion(per="visitor"), **more)


def test_a_visitor_of_missing_sessions_only_is_none(frame: Native) -> None:
    data = pd.DataFrame({"user_id": [1, 1, 2, 2], "converted": [np.nan, 1, np.nan, np.nan]})
    row = measure(frame(data), ux.conversion(per="visitor"), unit="user_id").iloc[0]
    assert (row["value"], row["n"], row["n_missing"]) == (1, 1, 3)


def test_once_by_segment() -> None:
    data = SESSIONS.assign(source=["ad", "mail", "ad", "ad", "mail", "ad"])
    found = measure(data, ux.conversion(per="visitor"), by="source", unit="user_id")
    assert found[["segment", "value", "n"]].values.tolist() == [["ad", pytest.approx(2 / 3), 3], ["mail", 0.5, 2]]


def test_no_such_conversion() -> None:
    with pytest.raises(ArgumentError, match="per is 'session' or 'visitor'"):
        ux.conversion(per="user")  # type: ignore[arg-type]


# --- missing and left out --------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_missing_in_several_columns_is_one_missing_row(frame: Native, missing: Literal["null", "nan"]) -> None:
    data = pd.DataFrame({
        "n_pages": [1.0, np.nan, np.nan, 1, 2], "duration_s": [3.0, np.nan, 5, 30, np.nan],
        "converted": [0.0, np.nan, 0, 0, 0],
    })  # fmt: skip
    row = measure(frame(data, missing=missing), ux.engaged_bounce()).iloc[0]
    assert (row["value"], row["n"], row["n_missing"]) == (0.5, 2, 3)


def test_attempts_left_out_by_definition_are_not_missing(frame: Native) -> None:
    row = measure(frame(QUITS), ux.time_on_task()).iloc[0]
    assert (row["n"], row["n_missing"]) == (5, 0)


def test_a_failed_attempt_without_a_time_is_left_out_not_missing(frame: Native) -> None:
    data = pd.DataFrame({"duration_s": [40.0, 55, np.nan, np.nan], "success": [1.0, 1, 0, 1]})
    row = measure(frame(data), ux.time_on_task()).iloc[0]
    assert (row["n"], row["n_missing"]) == (2, 1)


@pytest.mark.parametrize("which", ["completed", "failed"])
def test_a_time_of_unknown_success_is_missing(frame: Native, which: Literal["completed", "failed"]) -> None:
    data = pd.DataFrame({"duration_s": [40.0, 55, 62, 70, 50], "success": [1.0, 1, 0, 0, np.nan]})
    row = measure(frame(data), ux.time_on_task(which=which)).iloc[0]
    assert (row["n"], row["n_missing"]) == (2, 1)


def test_a_user_who_stopped_early_has_no_lostness(frame: Native) -> None:
    data = pd.DataFrame({"n_unique": [6, 2], "n_pages": [9, 2], "n_optimal": [3, 3]})
    row = measure(frame(data), ux.lostness()).iloc[0]
    assert (round(row["value"], 2), row["n"], row["n_missing"]) == (0.60, 1, 0)


@pytest.mark.parametrize(
    ("metric", "column", "wrong"),
    [
        (ux.lostness(), "n_unique", 0), (ux.lostness(), "n_pages", 1.5), (ux.lostness(), "n_optimal", -1),
        (ux.error_rate(), "n_errors", -1), (ux.error_rate(), "n_opportunities", 0),
        (ux.engaged_bounce(), "n_pages", 0), (ux.engaged_bounce(), "duration_s", -1),
        (ux.engaged_bounce(), "converted", 2), (ux.time_on_task(), "success", 2),
        (ux.core_efficiency(), "success", -1), (ux.excess_steps(), "n_optimal", 0),
    ],
)  # fmt: skip
def test_a_range_error_names_the_column(frame: Native, metric: Metric, column: str, wrong: float) -> None:
    data = table().dropna().head(9).astype({column: float})
    data.loc[data.index[4], column] = wrong
    with pytest.raises(AnswerError, match=f"1 answer in column {column!r} outside the range of .*: {wrong}"):
        measure(frame(data), metric, unit=None)


def test_a_list_cannot_hold_two_columns() -> None:
    with pytest.raises(ArgumentError, match="reads 'n_unique', 'n_pages', 'n_optimal'"):
        estimate([1, 2], ux.lostness())


# --- directions ------------------------------------------------------------------------------------

HIGH_IS_GOOD = {
    "task_success", "time_based_efficiency", "overall_relative_efficiency", "core_efficiency", "conversion",
}  # fmt: skip


@pytest.mark.parametrize("name", ux.__all__)
def test_direction(name: str) -> None:
    assert getattr(ux, name)().higher_is_better is (name in HIGH_IS_GOOD)


@pytest.mark.parametrize("name", ux.__all__)
def test_a_metric_of_ux_says_so_and_who_defined_it(name: str) -> None:
    metric = getattr(ux, name)()
    assert metric.construct == "UX"
    assert metric.source


# --- engines ---------------------------------------------------------------------------------------


def table() -> pd.DataFrame:
    """1,000 attempts of 150 customers with every column that a UX metric reads, each with missing values."""
    rng = np.random.default_rng(11)
    n = 1000
    unique = rng.integers(1, 15, n)
    data = pd.DataFrame({
        "success": rng.random(n) < 0.7, "completed": rng.random(n) < 0.6, "converted": rng.random(n) < 0.2,
        "n_errors": rng.poisson(1, n), "n_opportunities": rng.integers(1, 12, n),
        "duration_s": rng.lognormal(2.5, 1, n), "n_clicks": rng.poisson(6, n),
        "n_steps": rng.integers(3, 30, n), "n_optimal": rng.integers(1, 6, n),
        "n_unique": unique, "n_pages": unique + rng.poisson(1, n) * (unique > 1),
    }).astype(float)  # fmt: skip
    data = data.mask(rng.random(data.shape) < 0.03)
    return data.assign(
        credit=np.round(rng.random(n), 2), shop=rng.choice(np.array(["a", "b", None], dtype=object), n),
        w=rng.gamma(2, size=n), customer_id=rng.integers(0, 150, n),
    )  # fmt: skip


METRICS = {name: getattr(ux, name)() for name in ux.__all__} | {
    "task_success_partial": ux.task_success("credit", partial=True),
    "time_failed": ux.time_on_task(which="failed"),
    "time_all": ux.time_on_task(which="all"),
    "conversion_visitor": ux.conversion(per="visitor"),
}


@cache
def on_pandas(name: str) -> pd.DataFrame:
    return measure(table(), METRICS[name], by="shop", unit="customer_id")


@pytest.mark.parametrize("name", METRICS)
def test_engines_agree(frame: Native, name: str) -> None:
    found, expected = measure(frame(table()), METRICS[name], by="shop", unit="customer_id"), on_pandas(name)
    assert found[["segment", "method"]].values.tolist() == expected[["segment", "method"]].values.tolist()
    np.testing.assert_allclose(found[NUMBERS].astype(float), expected[NUMBERS].astype(float), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_pandas_agrees_with_the_formula_in_plain_python(name: str) -> None:
    metric = METRICS[name]
    data = table()
    rows = data.dropna(subset=list(metric.columns))
    names = {short: rows[answer.column].to_numpy() for short, answer in metric.answers}
    functions = {"log": np.log, "sqrt": np.sqrt, "__builtins__": {}}
    score, per, where = (
        np.broadcast_to(np.asarray(eval(text or "1", functions, names), dtype=float), len(rows))
        for text in (metric.score, metric.per, metric.where)
    )
    if metric.once:
        score = pd.Series(score).groupby(rows["customer_id"].to_numpy()).max().to_numpy()
        per = where = np.ones(len(score))
    expected = score[where > 0].sum() / per[where > 0].sum()
    found = measure(data, metric, unit="customer_id")["value"].item()
    assert found == pytest.approx(np.exp(expected) if metric.link == "exp" else expected, rel=1e-12)


def test_log_is_the_natural_logarithm_on_every_engine(frame: Native) -> None:
    metric = replace(ux.time_on_task(success=None, which="all"), link="identity")
    assert measure(frame(pd.DataFrame({"duration_s": [10.0, 100]})), metric)["value"].item() == pytest.approx(
        1.5 * log(10)
    )
