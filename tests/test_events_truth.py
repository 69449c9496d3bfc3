"""What logs say of customers whose truth is known: not more for a longer log, nor for one with older customers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour, events, measure, ux


def shoppers(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers come over two years, buy about every fifth day, and stop after 100 days on average: orders, lives."""
    came, stays = rng.uniform(0, 720, n), rng.exponential(100, n)
    gaps = rng.exponential(5, (n, 400)).cumsum(axis=1)
    at = np.column_stack([np.zeros(n), gaps])
    at = np.where(at <= stays[:, None], at, np.nan)
    who, which = np.nonzero(~np.isnan(at))
    days = came[who] + at[who, which]
    orders = pd.DataFrame({"user_id": who, "event": "order"})
    orders["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(days * 86_400, unit="s").round("us")
    return orders, np.nanmax(at, axis=1)


@pytest.mark.parametrize("length_d", [150, 270, 450])
def test_survival_does_not_depend_on_how_long_the_log_is(length_d: int) -> None:
    orders, lives = shoppers(3000, np.random.default_rng(length_d))
    truth = (lives > 60).mean()
    begin = pd.Timestamp("2024-01-01") + pd.Timedelta(days=200)  # customers from before are in the log
    end = begin + pd.Timedelta(days=length_d)
    log = events.read(orders[(orders["at"] >= begin) & (orders["at"] <= end)])
    lived = events.lifetimes(log, inactive_d=30, until=end)
    found = behaviour.survival(lived, "tenure_d", "churned", at=[60]).iloc[0]
    error = (found["high"] - found["low"]) / 3.92
    assert abs(found["value"] - truth) < 3 * error
    old = events.lifetimes(log, inactive_d=30, until=end, from_start=True)
    older = behaviour.survival(old, "tenure_d", "churned", at=[60]).iloc[0]
    assert older["n"] > found["n"]


def test_errors_of_attempts_that_may_go_on_are_not_counted() -> None:
    # A time-out of a quarter of the log: counting what is known of late attempts would flatter.
    rng = np.random.default_rng(5)
    rows: list[tuple[Any, ...]] = []
    truth = 0.5
    for user in range(3000):
        start = rng.uniform(0, 28)
        rows.append((user, "cart", start))
        rows += [(user, "error", start + rng.uniform(0, 7)) for _ in range(rng.poisson(truth))]
        rows.append((user, "paid", start + 7 - 1e-6))
    log = pd.DataFrame(rows, columns=["user_id", "event", "day"])
    log = log[log["day"] <= 28]
    log["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(log["day"] * 86_400, unit="s").dt.round("us")
    task = events.Task("buy", "cart", "paid", error="error", timeout_s=7 * 86_400)
    found = events.attempts(events.read(log), task, until="2026-01-29")
    counts = measure(found, [ux.errors_per_attempt(), ux.task_success()], unit="user_id")
    assert counts["low"][0] < truth < counts["high"][0]
    assert counts["value"][1] == 1
    assert counts["n_missing"].tolist() == [found["success"].isna().sum()] * 2
    assert counts["n_missing"][0] > 500
