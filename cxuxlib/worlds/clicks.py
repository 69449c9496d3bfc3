"""A made event log whose truth is known: users try tasks, click, err, succeed or give up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxuxlib.errors import ArgumentError
from cxuxlib.frames.chunks import write_chunks

__all__ = ["event_log", "event_log_truth", "write_event_log"]

Rng = int | np.random.Generator

TASKS = tuple(f"task {number:02d}" for number in range(1, 21))
EVENTS = ("start", "click", "error", "success")
SPREAD = 0.6  # standard deviation of a user's skill, in probits
CLICKS, LOG_SPREAD = 10.5, 0.5
BEGIN = np.datetime64("2026-01-01", "us").astype(np.int64)
YEAR = 365 * 86_400_000_000
CHUNK = 400_000  # attempts made at a time, so that memory does not grow with the log


def event_log_truth() -> pd.DataFrame:
    """What is true of a log of `event_log`, by task: success rate, geometric mean time to success, errors per attempt.

    P(success) = Φ(a) over users whose skill is normal with standard deviation 0.6 probits; ln seconds is normal with
    standard deviation 0.5; errors are Poisson.

    Returns:
        One row per task: task, success (0 to 1), seconds, errors.

    Source: made for cxuxlib. Checked against: a large draw.

    >>> event_log_truth().round(2).head(2).values.tolist()
    [['task 01', 0.5, 20.0, 0.2], ['task 02', 0.52, 23.69, 0.24]]
    """
    place = np.linspace(0, 1, len(TASKS))
    return pd.DataFrame(
        {"task": TASKS, "success": 0.5 + 0.45 * place, "seconds": 20 * 25 ** (place), "errors": 0.2 + 0.8 * place}
    )


def event_log(n_attempts: int, *, rng: Rng) -> pd.DataFrame:
    """Make a log of attempts in order of time: about 12.8 events each, about 5 attempts a user.

    Args:
        n_attempts: number of attempts, 1 or more.
        rng: seed or generator.

    Returns:
        One row per event: user_id, session_id (one per attempt), task, event ("start", "click", "error" or "success";
        who gives up leaves no event), at (UTC).

    Source: made for cxuxlib; `event_log_truth` is what it should show. Checked against: that truth.

    >>> event_log(1000, rng=1)["event"].value_counts().index.tolist()
    ['click', 'start', 'success', 'error']
    """
    _check(n_attempts)
    generator = np.random.default_rng(rng)
    return _chunk(generator, 0, n_attempts, n_attempts)


def write_event_log(path: str | Path, n_attempts: int, *, rng: Rng) -> Path:
    """Write a log of `event_log` to a Parquet file, in chunks of 400,000 attempts.

    Args:
        path: the file.
        n_attempts: number of attempts; about 12.8 events each.
        rng: seed or generator.

    Returns:
        The path.

    Source: as `event_log`. Checked against: `event_log`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(pd.read_parquet(write_event_log(Path(folder) / "log.parquet", 100, rng=1)))
    1266
    """
    _check(n_attempts)
    generator = np.random.default_rng(rng)
    firsts = range(0, n_attempts, CHUNK)
    return write_chunks(
        Path(path), (_chunk(generator, first, min(CHUNK, n_attempts - first), n_attempts) for first in firsts)
    )


def _check(n_attempts: int) -> None:
    if not isinstance(n_attempts, int) or n_attempts < 1:
        raise ArgumentError(f"n_attempts is a whole number, 1 or more; got {n_attempts!r}.")


def _chunk(rng: np.random.Generator, first: int, many: int, of: int) -> pd.DataFrame:
    """The attempts from ``first`` on, of a log of ``of``; they fill their share of the year."""
    truth = event_log_truth()
    users = max(1, of // 5)
    user = rng.integers(users, size=many)
    task = rng.integers(len(TASKS), size=many)
    skill = ndtri((_scramble(user) + 0.5) / 2**32)  # a user's own, the same in every chunk
    aim = ndtri(truth["success"].to_numpy()) * np.sqrt(1 + SPREAD**2)
    won = rng.random(many) < ndtr(aim[task] + SPREAD * skill)
    clicks, errors = rng.poisson(CLICKS, many), rng.poisson(truth["errors"].to_numpy()[task])
    seconds = truth["seconds"].to_numpy()[task] * np.exp(LOG_SPREAD * rng.standard_normal(many))
    begin = BEGIN + YEAR * first // of + (rng.random(many) * (YEAR * many // of)).astype(np.int64)
    length = np.maximum(1, (seconds * 1e6).astype(np.int64))

    counts = (np.ones(many, int), clicks, errors, won.astype(int))
    attempt = np.concatenate([np.repeat(np.arange(many), count) for count in counts])
    kind = np.repeat(np.arange(4, dtype=np.int8), [count.sum() for count in counts])
    share = rng.random(len(attempt))
    share[kind == 0], share[kind == 3] = 0.0, 1.0
    at = begin[attempt] + (share * length[attempt]).astype(np.int64)
    order = np.argsort(at, kind="stable")
    attempt, kind, at = attempt[order], kind[order], at[order]
    return pd.DataFrame(
        {
            "user_id": user[attempt].astype(np.int32),
            "session_id": first + attempt,
            "task": pd.Categorical.from_codes(task[attempt], TASKS),
            "event": pd.Categorical.from_codes(kind, EVENTS),
            "at": at.view("datetime64[us]"),
        }
    )


def _scramble(user: np.ndarray) -> np.ndarray:
    """Whole numbers below 2**32 that look random, one for each user."""
    x = user.astype(np.uint64)
    for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        x = (x + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(factor)
        x ^= x >> np.uint64(29)
    return (x >> np.uint64(32)).astype(np.float64)
