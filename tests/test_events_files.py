"""Logs in files, larger than memory too; results saved whole or not at all."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from cxuxlib import events
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, DataError
from cxuxlib.frames.logs import connect
from tests.events_logs import lines

ROOT = Path(__file__).resolve().parent.parent
TASK = events.Task("buy", "cart", "paid", error="error")


@pytest.fixture
def log() -> pd.DataFrame:
    names = ["cart", "error", "paid", "other"]
    data = pd.DataFrame(
        {"user_id": [f"u{i % 5:03}" for i in range(40)], "event": [names[i // 5 % 4] for i in range(40)]}
    )
    return data.assign(at=pd.to_datetime("2026-03-01") + pd.to_timedelta(range(40), unit="min"), price=1.5)


@pytest.fixture
def files(log: pd.DataFrame, tmp_path: Path) -> Path:
    """The log in two parts of every kind; the columns of the second part stand in another order."""
    for i, part in enumerate((log[:25], log[25:][["price", "at", "event", "user_id"]])):
        part.to_parquet(tmp_path / f"part{i}.parquet", index=False)
        part.to_csv(tmp_path / f"part{i}.csv", index=False)
        part.to_csv(tmp_path / f"part{i}.csv.gz", index=False)
        part.to_csv(tmp_path / f"part{i}.tsv", index=False, sep="\t")
    return tmp_path


def in_order(result: Any) -> list[dict[str, Any]]:
    return sorted(lines(result), key=lambda row: (row["user_id"], row["start_at"]))


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "tsv"])
@pytest.mark.parametrize("how", ["pattern", "list", "path"])
def test_files_of_every_kind_are_one_log(log: pd.DataFrame, files: Path, ending: str, how: str) -> None:
    both = [files / f"part{i}.{ending}" for i in (0, 1)]
    given = {"pattern": str(files / f"part*.{ending}"), "list": both, "path": both[0]}[how]
    found = events.attempts(events.read(given), TASK)
    assert isinstance(found, duckdb.DuckDBPyRelation)  # nothing is computed before it is asked for
    expected = events.attempts(events.read(log[:25] if how == "path" else log), TASK)
    assert in_order(found) == in_order(expected)
    assert len(expected) >= 10


def test_a_journey_joins_files_and_frames(log: pd.DataFrame, files: Path) -> None:
    attempts = events.attempts(events.read(files / "part0.parquet"), TASK)
    sources = {
        "attempts": events.Source(attempts, "start_at", mean={"success": "success"}),
        "events": events.Source(str(files / "*.csv"), "at", total={"spend": "price"}),
        "visits": events.Source(log, "at"),
    }
    found = lines(events.journey(sources))
    assert sum(row["n_events"] for row in found) == len(log) == sum(row["n_visits"] for row in found)
    assert sum(row["spend"] for row in found) == 1.5 * len(log)
    assert sum(row["n_attempts"] for row in found) == len(lines(attempts))


def test_what_is_no_log_is_refused_in_our_words(files: Path) -> None:
    cases: list[tuple[Any, type[CxuxError], str]] = [
        (files / "none.parquet", DataError, "No files found"),
        (str(files / "none*.csv"), DataError, "No files found"),
        (files / "log.json", ArgumentError, "files of one kind"),
        ([files / "part0.parquet", files / "part0.csv"], ArgumentError, "files of one kind"),
        ([], ArgumentError, "Cannot read a list"),
        ([files / "part0.csv", 3], ArgumentError, "Cannot read a list"),
        (files / "notes.parquet", DataError, "notes.parquet"),
        (files / "notes.csv", ColumnError, "no column 'user_id'"),
        (files / "empty.csv", CxuxError, "."),
        (files / "times.csv", AnswerError, r"soon.*must be time stamps"),
        (files / "mixed.csv", AnswerError, "must be time stamps"),
    ]
    (files / "notes.parquet").write_text("Call the bank.", encoding="utf-8")
    (files / "notes.csv").write_text("Call the bank.\nBuy milk; and bread", encoding="utf-8")
    (files / "empty.csv").write_text("", encoding="utf-8")
    (files / "times.csv").write_text("user_id,event,at\n1,cart,soon\n2,cart,2026-03-01", encoding="utf-8")
    lots = "".join(f"{i},cart,2026-03-01 10:00:00\n" for i in range(30_000))
    (files / "mixed.csv").write_text(f"user_id,event,at\n{lots}1,cart,never", encoding="utf-8")
    for source, error, text in cases:
        with pytest.raises(error, match=text):
            events.read(source)


def test_ragged_lines_are_refused(files: Path) -> None:
    lots = "".join(f"{i},cart,2026-03-01 10:00:00\n" for i in range(3000))
    (files / "ragged.csv").write_text(f"user_id,event,at\n{lots}1,cart\n7,cart,2026-03-01,x,y\n", encoding="utf-8")
    with pytest.raises(CxuxError):
        events.left_out(events.read(files / "ragged.csv"))


def test_memory_is_a_size() -> None:
    frame = pd.DataFrame({"user_id": [1], "event": "a", "at": pd.to_datetime(["2026-03-01"])})
    with pytest.raises(ArgumentError, match="'4GB'; got 'lots'"):
        events.read(frame, memory="lots")


@pytest.fixture
def small_memory() -> Iterator[str]:
    """A limit that a million events do not fit in, whatever the machine has."""
    connect().execute("SET threads = 2")
    yield "60MB"
    for setting in ("threads", "memory_limit", "max_temp_directory_size"):
        connect().execute(f"RESET {setting}")


def test_a_log_larger_than_memory(tmp_path: Path, small_memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    n = 1_000_000
    times = f'make_timestamp(1700000000000000 + (i * 104729 % {n}) * 1000000) AS "at"'
    made = f"SELECT (i * 7919) % {n // 20} AS user_id, 'e' || (i % 5) AS event, {times} FROM range({n}) t(i)"
    duckdb.sql(made).write_parquet("log.parquet")
    found = events.sessions(events.read("log.parquet", memory=small_memory))
    connect().execute("SET max_temp_directory_size = '0KB'")
    with pytest.raises(DataError, match=r"sessions.parquet: Out of Memory"):
        events.save(found, "sessions.parquet", progress=False)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.parquet"]
    connect().execute("RESET max_temp_directory_size")
    events.save(found, "sessions.parquet", progress=False)
    saved = pl.read_parquet("sessions.parquet")
    assert (saved["n_events"].sum(), saved["user_id"].n_unique()) == (n, n // 20)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "log.parquet",
        "sessions.parquet",
    ]  # and no folder of DuckDB's
    folder = connect().execute("SELECT current_setting('temp_directory')").fetchone()
    assert Path(folder[0]).parent == Path(tempfile.gettempdir())


def test_results_of_every_engine_can_be_saved(
    frame: Callable[..., Any], log: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = events.attempts(events.read(frame(log)), TASK)
    for _ in range(2):  # a file of that name is replaced
        path = events.save(result, tmp_path / "attempts.parquet")
        assert path == tmp_path / "attempts.parquet"
        assert in_order(pl.read_parquet(path)) == in_order(result)
    assert [each.name for each in tmp_path.iterdir()] == ["attempts.parquet"]
    told = capsys.readouterr()
    assert re.fullmatch(r"(attempts.parquet: started\nattempts.parquet: finished after \d+\.\d s\n){2}", told.err)
    assert told.out == ""
    events.save(result, path, progress=False)
    assert capsys.readouterr().err == ""


def test_where_nothing_can_be_saved(log: pd.DataFrame, tmp_path: Path) -> None:
    for path, text in [
        (tmp_path / "a.csv", "such as 'attempts.parquet'"),
        (3, "such as 'attempts.parquet'"),
        (tmp_path / "none" / "a.parquet", "There is no folder"),
        ("s3://bucket/a.parquet", "engine's own writer"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            events.save(log, path)  # type: ignore[arg-type]
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(ArgumentError, match="is there already"):
        events.save(log, tmp_path / "folder.parquet")
    with pytest.raises(ArgumentError, match="A list is no frame"):
        events.save([1], tmp_path / "a.parquet")


def test_what_fails_leaves_the_old_file(
    files: Path, log: pd.DataFrame, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = events.save(log, files / "old.parquet", progress=False)
    found = events.sessions(events.read(files / "part0.parquet"))
    (files / "part0.parquet").write_text("overwritten meanwhile", encoding="utf-8")
    before = sorted(files.iterdir())
    with pytest.raises(DataError, match=r"old.parquet: .*part0.parquet"):
        events.save(found, target)
    assert "stopped, nothing kept" in capsys.readouterr().err
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # in the last moment
        events.save(log, target, progress=False)
    assert sorted(files.iterdir()) == before
    assert len(pd.read_parquet(target)) == len(log)


ENDLESS = {
    "duckdb": "import duckdb; long = duckdb.sql('SELECT max(hash(i, i + 1)) AS m FROM range(100000000000) t(i)')",
    "polars": "import polars as pl; many = pl.LazyFrame({'i': range(1_000_000)}); "
    "long = many.join(many, how='cross').select(pl.all().hash().max())",
}


@pytest.mark.parametrize("engine", sorted(ENDLESS))
def test_an_interrupt_leaves_nothing_behind(engine: str, tmp_path: Path) -> None:
    (tmp_path / "old.parquet").write_text("the old one", encoding="utf-8")
    code = f"""{ENDLESS[engine]}
from cxuxlib import events
try: events.save(long, "old.parquet")
except KeyboardInterrupt: print("interrupted")"""
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert run.stderr
        assert run.stderr.readline() == "old.parquet: started\n"
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        out, told = run.communicate(timeout=60)
    finally:
        run.kill()
    assert out == "interrupted\n"
    assert re.fullmatch(r"old.parquet: stopped, nothing kept, after \d+\.\d s\n", told)
    assert [each.read_text(encoding="utf-8") for each in tmp_path.iterdir()] == ["the old one"]


def test_progress_is_told_at_most_once_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a relation on the connection of `read`; others have no progress to ask for."""
    hard = connect().sql("SELECT i % 10 AS k, max(hash(i, i + 1)) AS m FROM range(100000000) t(i) GROUP BY k")
    started = time.perf_counter()
    events.save(hard, tmp_path / "m.parquet")
    seconds = time.perf_counter() - started
    told = capsys.readouterr().err.splitlines()
    assert len(told) <= 2 + seconds
    assert all(re.fullmatch(r"m.parquet: \d+ % after \d+ s", each) for each in told[1:-1])
    if seconds > 2.5:
        assert len(told) >= 3
    assert nw.from_native(pl.read_parquet(tmp_path / "m.parquet")).shape == (10, 2)


@pytest.mark.parametrize(
    "texts", [("01/03/2026", "02/04/2026"), ("03-04-26", "04-05-26"), ("13/03/2026", "02/04/2026")]
)
def test_dates_that_can_be_read_in_two_ways_are_no_times(texts: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,event,at\n" + "".join(f"1,cart,{text}\n" for text in texts), encoding="utf-8")
    with pytest.raises(AnswerError, match=f"holds String, for example '{texts[0]}'"):
        events.read(path)
    path.write_text("user_id,event,at\n1,cart,2026-03-01\n1,cart,2026-03-02\n1,cart,\n", encoding="utf-8")
    assert events.left_out(events.read(path))["events"].tolist() == [0, 0, 1, 2]


def test_bots_are_found_in_upper_and_lower_case() -> None:
    log = pd.DataFrame({"user_id": [1, 2], "event": "a", "agent": ["Googlebot", "Mozilla"]})
    log["at"] = pd.Timestamp("2026-03-01")
    for pattern in ("Google", "google", r"^\Soog"):
        opened = events.read(log, bots=events.Bots(column="agent", pattern=pattern))
        assert events.left_out(opened)["events"].tolist() == [0, 0, 0, 1, 1]
