"""The made event log holds what its truth says, whatever the way it is written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxuxlib import events, measure, ux, worlds
from cxuxlib.errors import ArgumentError
from cxuxlib.frames.chunks import write_chunks


def test_our_metrics_find_the_truth_of_the_log() -> None:
    truth = worlds.event_log_truth().set_index("task")
    task = events.Task("task", "start", "success", step="click", error="error", timeout_s=86_400)
    log = worlds.event_log(60_000, rng=3)
    attempts = events.attempts(events.read(log), task, key="session_id", by="task")
    metrics = {"success": ux.task_success(), "errors": ux.errors_per_attempt(), "seconds": ux.time_on_task()}
    found = measure(attempts, list(metrics.values()), by="task", unit="user_id", level=0.999)
    for name, metric in metrics.items():
        part = found[found["metric"] == metric.name].set_index("segment")
        assert ((part["low"] <= truth[name]) & (truth[name] <= part["high"])).all(), name
        assert np.abs(part["value"] / truth[name] - 1).max() < 0.15


def test_a_file_holds_the_same_log(tmp_path: Path) -> None:
    path = worlds.write_event_log(tmp_path / "log.parquet", 2000, rng=5)
    pd.testing.assert_frame_equal(pd.read_parquet(path), worlds.event_log(2000, rng=5))
    assert [each.name for each in tmp_path.iterdir()] == ["log.parquet"]


def test_the_same_seed_gives_the_same_log() -> None:
    first, second = (worlds.event_log(500, rng=np.random.default_rng(9)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert first["at"].is_monotonic_increasing
    assert not first.equals(worlds.event_log(500, rng=10))


def test_an_interrupted_file_leaves_nothing(tmp_path: Path) -> None:
    def chunks():  # type: ignore[no-untyped-def]
        yield pd.DataFrame({"a": [1]})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_chunks(tmp_path / "log.parquet", chunks())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n", [0, -1, 2.5, "many"])
def test_a_log_needs_attempts(n: object) -> None:
    with pytest.raises(ArgumentError, match="n_attempts is a whole number"):
        worlds.event_log(n, rng=1)  # type: ignore[arg-type]
