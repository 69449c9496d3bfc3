"""Ages of activities: dates, zones, the end of observation, what is refused, five engines."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib import behaviour, frames, measure
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError

Native = Callable[..., Any]
ADDED = ["age_d", "observed_d", "nth", "cohort"]


def log(*rows: tuple[object, str]) -> pd.DataFrame:
    stamps = pd.to_datetime([row[1] for row in rows], format="ISO8601")
    return pd.DataFrame({"id": [row[0] for row in rows], "at": stamps, "row": range(len(rows))})


def random_log(seed: int, n: int = 300, units: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = pd.Timestamp("2023-10-20 05:00") + pd.to_timedelta(rng.integers(0, 150 * 86_400_000, n), unit="ms")
    data = pd.DataFrame({"id": rng.integers(0, units, n), "at": at, "spent": rng.gamma(2, 10, n).round(2)})
    return data.assign(row=range(n))


def ages(native: Any, **more: Any) -> pd.DataFrame:
    aged = behaviour.ages(native, unit="id", at="at", **more)
    return frames.columns(aged, ["row", "id", *ADDED]).sort_values("row", ignore_index=True)


VISITS = log((1, "2024-01-30"), (2, "2024-02-28T12:00"), (1, "2024-02-01T06:00"), (1, "2024-01-30"), (3, "2024-03-01"))


# --- ages ------------------------------------------------------------------------------------------


def test_ages_of_a_log(frame: Native) -> None:
    found = ages(frame(VISITS))
    assert found["age_d"].tolist() == [0, 0, 2.25, 0, 0]
    assert found["observed_d"].tolist() == [31, 1.5, 31, 31, 0]
    assert found["cohort"].tolist() == ["2024-01", "2024-02", "2024-01", "2024-01", "2024-03"]
    assert sorted(found.loc[found["id"] == 1, "nth"]) == [1, 2, 3]  # two at the same moment are two
    assert found.loc[2, "nth"] == 3


def test_a_log_keeps_its_engine_and_its_columns(frame: Native) -> None:
    native = frame(VISITS.assign(page="home"))
    found = behaviour.ages(native, unit="id", at="at")
    assert type(found) is type(native)
    names = ["id", "at", "row", "page", *ADDED]
    assert frames.columns(found, names).columns.tolist() == names


def test_a_pandas_log_keeps_its_index_and_is_not_changed() -> None:
    data = VISITS.set_index(pd.Index(list("vwxyz")))
    before = data.copy()
    assert behaviour.ages(data, unit="id", at="at").index.tolist() == list("vwxyz")
    pd.testing.assert_frame_equal(data, before)


def test_whole_days_where_there_are_dates(frame: Native) -> None:
    data = log((1, "2024-01-30"), (1, "2024-02-06"), (2, "2024-02-01"))
    found = ages(frame(data.assign(at=data["at"].dt.date)))
    assert found["age_d"].tolist() == [0, 7, 0]
    assert found["observed_d"].tolist() == [8, 8, 6]  # the last day was observed to its end
    row = measure(found, behaviour.retention(7), unit="id").iloc[0]
    assert (row["value"], row["n"]) == (1, 1)


@pytest.mark.parametrize(
    ("until", "observed"),
    [
        (dt.datetime(2024, 3, 1, 12), 31.5), (pd.Timestamp("2024-03-01"), 31), (dt.date(2024, 3, 1), 32),
        (dt.datetime(2024, 3, 1, 0, 0, 0, 1), 31 + 1e-6 / 86400),
    ],
)  # fmt: skip
def test_observation_ends_when_told(frame: Native, until: dt.date, observed: float) -> None:
    assert ages(frame(VISITS), until=until)["observed_d"][0] == pytest.approx(observed, abs=1e-13)


@pytest.mark.parametrize("until", [dt.datetime(2024, 2, 29, 23, 59, 59), dt.date(2024, 2, 29)])
def test_what_comes_after_the_end_is_counted(frame: Native, until: dt.date) -> None:
    with pytest.raises(AnswerError, match="1 rows are after until=2024-02-29"):
        ages(frame(VISITS), until=until)


def test_the_last_moment_of_a_day_belongs_to_it(frame: Native) -> None:
    data = log((1, "2024-01-01T00:00"), (1, "2024-01-01T23:59:59.999999"))
    assert ages(frame(data), until=dt.date(2024, 1, 1))["observed_d"].tolist() == [1, 1]


def test_days_are_24_hours_and_months_are_those_of_the_zone() -> None:
    # Clocks in Berlin went forward on 31 March 2024; 22:30 UTC on that day is 00:30 of 1 April there.
    data = log((1, "2024-03-30T11:00"), (1, "2024-03-31T10:00"), (2, "2024-03-31T22:30"))
    data["at"] = data["at"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    for native in zoned(data, "Europe/Berlin"):
        found = ages(native)
        assert found["age_d"].tolist() == [0, 23 / 24, 0]
        assert found["cohort"].tolist() == ["2024-03", "2024-03", "2024-04"]
        by_day = behaviour.rfm(native, unit="id", at="at")
        assert by_day[["frequency", "recency", "T"]].values.tolist() == [[1, 1, 2], [0, 0, 0]]


def zoned(data: pd.DataFrame, zone: str) -> list[Any]:
    """The same log in each engine, a DuckDB connection in its zone among them."""
    import duckdb
    import polars as pl
    import pyarrow as pa

    table = pa.Table.from_pandas(data, preserve_index=False)
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    return [data, table, pl.from_arrow(table), pl.from_arrow(table).lazy(), connection.from_arrow(table)]


@pytest.mark.parametrize("until", [dt.datetime(2024, 4, 2, tzinfo=dt.UTC), dt.date(2024, 4, 1)])
def test_the_end_is_in_the_zone_too(until: dt.date) -> None:
    data = log((1, "2024-03-30T23:00"))
    data["at"] = data["at"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    expected = 2 + (1 / 24 if isinstance(until, dt.datetime) else -1 / 24)
    for native in zoned(data, "Europe/Berlin"):
        assert ages(native, until=until)["observed_d"].item() == pytest.approx(expected)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), shift=st.integers(-20_000, 20_000))
def test_ages_do_not_depend_on_the_order_or_the_year(seed: int, shift: int) -> None:
    data = random_log(seed, 40, 7)
    moved = data.assign(at=data["at"] + pd.Timedelta(days=shift)).sample(frac=1, random_state=seed)
    assert ages(moved)[["age_d", "observed_d", "nth"]].equals(ages(data)[["age_d", "observed_d", "nth"]])


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_ages_are_those_of_pandas(seed: int) -> None:
    data = random_log(seed, 60, 9)
    found, first = ages(data), data.groupby("id")["at"].transform("min")
    assert found["age_d"].to_numpy() == pytest.approx(((data["at"] - first).dt.total_seconds() / 86400).to_numpy())
    assert found["cohort"].tolist() == first.dt.strftime("%Y-%m").tolist()
    assert found["nth"].tolist() == data.groupby("id")["at"].rank("first").astype(int).tolist()


def test_five_engines_agree_on_cohorts(frame: Native) -> None:
    data = random_log(29)
    wanted = [*(behaviour.retention(d) for d in (1, 7, 30, 90)), behaviour.repeat_purchase(30)]
    tables = [
        measure(behaviour.ages(each, unit="id", at="at"), wanted, by="cohort", unit="id")
        for each in (data, frame(data))
    ]
    columns = ["value", "low", "high", "n"]
    assert tables[0][columns].to_numpy() == pytest.approx(tables[1][columns].to_numpy(), abs=1e-12, nan_ok=True)
    assert tables[0]["method"].str.startswith("no valid answers where observed_d >= 91").any()


def test_long_arrow_logs_keep_their_rows_together(request: pytest.FixtureRequest) -> None:
    # There narwhals 2.29 gives the values of a window to other rows, where there are more than 32,768 and two threads,
    # which this process does without otherwise.
    import pyarrow as pa

    threads = pa.cpu_count()
    pa.set_cpu_count(4)
    request.addfinalizer(lambda: pa.set_cpu_count(threads))
    data = random_log(31, 100_000, 90_000)
    first = data.groupby("id")["at"].transform("min")
    table = pa.Table.from_pandas(data)
    found = behaviour.ages(table, unit="id", at="at").to_pandas()
    assert found["id"].tolist() == data["id"].tolist()
    assert found["age_d"].to_numpy() == pytest.approx(((data["at"] - first).dt.total_seconds() / 86400).to_numpy())
    assert found["cohort"].tolist() == first.dt.strftime("%Y-%m").tolist()
    assert (found.groupby("id")["nth"].max() == data.groupby("id").size()).all()
    days = data.assign(day=data["at"].dt.normalize()).groupby("id")["day"].agg(["nunique", "min", "max"])
    rfm = behaviour.rfm(table, unit="id", at="at", value="spent").set_index("id")
    assert (rfm["frequency"] == days["nunique"] - 1).all()
    assert (rfm["recency"] == (days["max"] - days["min"]).dt.days).all()
    later = data[data["at"].dt.normalize() > data["id"].map(days["min"])].groupby("id")["spent"].sum()
    assert (rfm["monetary"] * rfm["frequency"]).sum() == pytest.approx(later.sum())


# --- what is refused -------------------------------------------------------------------------------

BOTH: list[Callable[..., Any]] = [behaviour.ages, behaviour.rfm]


@pytest.mark.parametrize("call", BOTH)
def test_rows_without_a_time_are_counted(frame: Native, call: Callable[..., Any]) -> None:
    data = VISITS.copy()
    data.loc[[1, 3], "at"] = pd.NaT
    with pytest.raises(AnswerError, match="2 rows have no 'at'"):
        call(frame(data), unit="id", at="at")
    with pytest.raises(AnswerError, match="2 rows have no 'at'"):
        call(frame(data.assign(at=data["at"].dt.date.where(data["at"].notna(), None))), unit="id", at="at")


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("missing", ["null", "nan"])
def test_rows_without_a_unit_are_counted(frame: Native, call: Callable[..., Any], missing: str) -> None:
    data = VISITS.astype({"id": float})
    data.loc[1, "id"] = np.nan
    with pytest.raises(UnitError, match="1 rows have no 'id'"):
        call(frame(data, missing=missing), unit="id", at="at")


@pytest.mark.parametrize("call", BOTH)
def test_texts_and_numbers_are_no_times(frame: Native, call: Callable[..., Any]) -> None:
    for wrong in (["2024-01-01"] * 5, [1, 2, 3, 4, 5]):
        with pytest.raises(ColumnError, match=r"'at' holds (String|Int64); times are dates or date-times"):
            call(frame(VISITS.assign(at=wrong)), unit="id", at="at")


@pytest.mark.parametrize("call", BOTH)
def test_an_empty_log_is_refused(frame: Native, call: Callable[..., Any]) -> None:
    with pytest.raises(SampleError, match="no rows"):
        call(frame(VISITS.head(0)), unit="id", at="at")


@pytest.mark.parametrize("call", BOTH)
def test_a_log_without_any_time_is_refused(frame: Native, call: Callable[..., Any]) -> None:
    with pytest.raises(AnswerError, match="5 rows have no 'at'"):
        call(frame(VISITS.assign(at=pd.Series([pd.NaT] * 5, dtype="datetime64[us]"))), unit="id", at="at")


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("name", ["unit", "at"])
def test_every_named_column_must_exist(frame: Native, call: Callable[..., Any], name: str) -> None:
    with pytest.raises(ColumnError, match="There is no column 'idd'"):
        call(frame(VISITS), **({"unit": "id", "at": "at"} | {name: "idd"}))


@pytest.mark.parametrize("name", ADDED)
def test_a_column_is_not_overwritten(frame: Native, name: str) -> None:
    with pytest.raises(ColumnError, match=f"has a column {name!r} already"):
        ages(frame(VISITS.assign(**{name: 1})))


@pytest.mark.parametrize("until", ["2024-03-01", 20240301, pd.NaT])
def test_the_end_is_a_date(until: Any) -> None:
    with pytest.raises(ArgumentError, match="until is a date"):
        ages(VISITS, until=until)


def test_the_end_has_a_zone_where_times_have_one() -> None:
    with pytest.raises(ArgumentError, match="'at' has no time zone; so must until"):
        ages(VISITS, until=dt.datetime(2024, 3, 1, tzinfo=dt.UTC))
    with pytest.raises(ArgumentError, match="'at' has the time zone UTC; so must until"):
        ages(VISITS.assign(at=VISITS["at"].dt.tz_localize("UTC")), until=dt.datetime(2024, 3, 1))


def test_a_zone_without_a_name_has_no_days() -> None:
    data = VISITS.assign(at=VISITS["at"].dt.tz_localize("+02:00"))
    assert ages(data)["observed_d"][0] == 31
    with pytest.raises(ArgumentError, match=r"time zone UTC\+02:00, which has no name; convert it to UTC"):
        ages(data, until=dt.date(2024, 3, 1))


def test_the_end_of_dates_is_a_date() -> None:
    with pytest.raises(ArgumentError, match="'at' holds dates; let until be a date"):
        ages(VISITS.assign(at=VISITS["at"].dt.date), until=dt.datetime(2024, 3, 1))
