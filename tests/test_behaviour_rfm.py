"""Histories of purchases: published examples, pandas' own calendar, what is refused, five engines."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour
from cxuxlib.errors import AnswerError, ArgumentError

Native = Callable[..., Any]


def log(*rows: tuple[object, str]) -> pd.DataFrame:
    stamps = pd.to_datetime([row[1] for row in rows], format="ISO8601")
    return pd.DataFrame({"id": [row[0] for row in rows], "at": stamps, "row": range(len(rows))})


def random_log(seed: int, n: int = 300, units: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = pd.Timestamp("2023-10-20 05:00") + pd.to_timedelta(rng.integers(0, 150 * 86_400_000, n), unit="ms")
    data = pd.DataFrame({"id": rng.integers(0, units, n), "at": at, "spent": rng.gamma(2, 10, n).round(2)})
    return data.assign(row=range(n))


G7 = log(
    (1, "2015-02-01"), (1, "2015-02-06"), (2, "2015-01-01"), (3, "2015-01-01"), (3, "2015-01-02"), (3, "2015-01-05")
)


@pytest.mark.parametrize("until", [dt.date(2015, 2, 7), dt.datetime(2015, 2, 7, 15)])
def test_rfm_of_lifetimes(frame: Native, until: dt.date) -> None:
    found = behaviour.rfm(frame(G7.assign(spent=[1.0, 2, 2, 3, 4, 6])), unit="id", at="at", value="spent", until=until)
    assert found.columns.tolist() == ["id", "frequency", "recency", "T", "monetary"]
    assert found[["id", "frequency", "recency", "T"]].values.tolist() == [[1, 1, 5, 6], [2, 0, 0, 37], [3, 2, 4, 37]]
    assert found["monetary"].tolist() == [2, pytest.approx(np.nan, nan_ok=True), 5]  # of repeats: 1 then 2 is 2


def test_rfm_of_dates_without_an_end(frame: Native) -> None:
    found = behaviour.rfm(frame(G7.assign(at=G7["at"].dt.date)), unit="id", at="at")
    assert found.values.tolist() == [[1, 1, 5, 5], [2, 0, 0, 36], [3, 2, 4, 36]]


def test_purchases_of_one_day_are_one(frame: Native) -> None:
    data = log((1, "2024-01-01T08:00"), (1, "2024-01-01T20:00"), (1, "2024-01-03T01:00"), (1, "2024-01-03T23:00"))
    found = behaviour.rfm(frame(data.assign(spent=[5.0, 5, 3, 4])), unit="id", at="at", value="spent")
    assert found.values.tolist() == [[1, 1, 2, 2, 7]]


@pytest.mark.parametrize("period", ["D", "W", "M"])
@pytest.mark.parametrize("start", ["2023-10-20", "1969-11-20"])
def test_rfm_by_pandas_periods(frame: Native, period: Literal["D", "W", "M"], start: str) -> None:
    data = random_log(30)
    data["at"] += pd.Timestamp(start) - pd.Timestamp("2023-10-20")
    found = behaviour.rfm(frame(data), unit="id", at="at", value="spent", period=period)
    number = data["at"].dt.to_period(period).map(lambda each: each.ordinal)
    sums = data.groupby(["id", number.rename("p")])["spent"].sum().reset_index()
    for row in found.to_dict("records"):
        mine = sums[sums["id"] == row["id"]]
        expected = (len(mine) - 1, mine["p"].max() - mine["p"].min(), number.max() - mine["p"].min())
        assert (row["frequency"], row["recency"], row["T"]) == expected
        assert row["monetary"] == pytest.approx(mine["spent"].iloc[1:].mean() if len(mine) > 1 else np.nan, nan_ok=True)
    assert found["id"].tolist() == sorted(data["id"].unique())


@pytest.mark.parametrize(("period", "T"), [("D", 61), ("W", 8), ("M", 2)])
def test_rfm_counts_whole_periods(period: Literal["D", "W", "M"], T: int) -> None:
    data = log((1, "2024-01-01"), (1, "2024-02-05"))
    found = behaviour.rfm(data, unit="id", at="at", until=dt.date(2024, 3, 2), period=period)
    assert found["T"].item() == T


def test_who_bought_once_has_no_mean_of_repeats(frame: Native) -> None:
    # Trap 30: frequency counts repeats, not purchases.
    found = behaviour.rfm(frame(log((7, "2024-01-01")).assign(spent=9.0)), unit="id", at="at", value="spent")
    assert found[["frequency", "recency", "T"]].values.tolist() == [[0, 0, 0]]
    assert found["monetary"].isna().all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_an_amount_is_a_number(frame: Native, wrong: float) -> None:
    with pytest.raises(AnswerError, match="1 rows have a missing or infinite value in 'spent'"):
        behaviour.rfm(frame(G7.assign(spent=[1.0, wrong, 2, 3, 4, 5])), unit="id", at="at", value="spent")


def test_no_such_period() -> None:
    with pytest.raises(ArgumentError, match="no period 'Y'; there is 'D', 'W', 'M'"):
        behaviour.rfm(G7, unit="id", at="at", period="Y")  # type: ignore[arg-type]
