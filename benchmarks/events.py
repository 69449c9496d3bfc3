"""From an event log in Parquet to a table of UX metrics by task: cxuxlib beside the ways an analyst has today.

    .venv/bin/python benchmarks/events.py [rounds] [events ...]      writes benchmarks/events.csv

Every peer runs in a process of its own, in turn, ``rounds`` times (3); seconds are the least wall time without imports,
memory is the process's peak. Sizes are 1e6, 1e7 and 5e7 events by default; "nps" in their place makes the rows on NPS
again and keeps the others. retentioneering is run (to 1e7) where it can be imported, by the Python that CXUXLIB_PEERS
names or this one. All peers that give the table must give the same.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
EVENTS_PER_ATTEMPT = 12.8
TIMEOUT = 1800
Table = pd.DataFrame | None

# One row per attempt, then per task; with intervals over users, the sums by user between the two.
ATTEMPTS = """
    SELECT user_id, task, session_id, min("at") FILTER (event = 'start') AS began,
           min("at") FILTER (event = 'success') AS won, count(*) FILTER (event = 'click') AS clicks,
           count(*) FILTER (event = 'error') AS errors
    FROM read_parquet('{file}') GROUP BY ALL
"""
SCORED = """
    SELECT user_id, task, clicks, errors, coalesce(epoch_us(won) - epoch_us(began) <= 1800e6, false) AS success,
           (epoch_us(won) - epoch_us(began)) / 1e6 AS seconds
    FROM attempts WHERE began IS NOT NULL
"""
PLAIN = f"""
WITH attempts AS ({ATTEMPTS}), scored AS ({SCORED})
SELECT task, avg(success::INT) AS success, 1 - avg(success::INT) AS abandonment, avg(errors) AS errors,
       avg((errors > 0)::INT) AS any_error, exp(avg(ln(seconds)) FILTER (success)) AS seconds, avg(clicks) AS clicks
FROM scored GROUP BY task ORDER BY task
"""
CLUSTERED = f"""
WITH attempts AS ({ATTEMPTS}), scored AS ({SCORED}), users AS (
    SELECT task, user_id, count(*)::DOUBLE AS n, sum(success::INT)::DOUBLE AS s, sum(errors)::DOUBLE AS e,
           sum((errors > 0)::INT)::DOUBLE AS a, sum(ln(seconds)) FILTER (success) AS l, sum(clicks)::DOUBLE AS c
    FROM scored GROUP BY task, user_id)
SELECT task, sum(s) / sum(n) AS success, 1 - sum(s) / sum(n) AS abandonment, sum(e) / sum(n) AS errors,
       sum(a) / sum(n) AS any_error, exp(sum(l) / sum(s)) AS seconds, sum(c) / sum(n) AS clicks,
       sum(s * s), sum(s * n), sum(n * n), sum(e * e), sum(e * n), sum(a * a), sum(a * n), sum(l * l), sum(l * s),
       sum(c * c), sum(c * n)
FROM users GROUP BY task ORDER BY task
"""
NAMES = ["success", "abandonment", "errors", "any_error", "seconds", "clicks"]


def duckdb_sql(query: str) -> Callable[[str], Table]:
    """SQL by hand, from the file to the table."""

    def run(file: str) -> Table:
        import duckdb

        connection = duckdb.connect()
        connection.execute("SET preserve_insertion_order = false")
        return connection.sql(query.format(file=file)).df().set_index("task")[NAMES]

    return run


def bare_scan(file: str) -> Table:
    """Every value decoded and next to nothing made of it: no way to the table can be faster."""
    import duckdb

    read = 'sum(user_id), sum(session_id), sum(epoch_us("at") % 7), sum(length(task)), sum(length(event))'
    duckdb.sql(f"SELECT {read} FROM read_parquet('{file}')").fetchall()
    return None


def ours(unit: str | None) -> Callable[[str], Table]:
    """This library, from the file to the table."""

    def run(file: str) -> Table:
        from cxuxlib import events

        return metrics_of(events.read(file), unit)

    return run


def metrics_of(log: Any, unit: str | None) -> pd.DataFrame:
    """The table by `events.attempts` and `measure`."""
    from cxuxlib import events, measure, ux

    task = events.Task("task", "start", "success", step="click", error="error", timeout_s=TIMEOUT)
    attempts = events.attempts(log, task, key="session_id", by="task", until="2027-02-01")  # all had their time
    metrics = [
        ux.task_success(), ux.abandonment("success"), ux.errors_per_attempt(), ux.any_error(), ux.time_on_task(),
        ux.steps(),
    ]  # fmt: skip
    found = measure(attempts, metrics, by="task", unit=unit)
    return found.pivot(index="segment", columns="metric", values="value")[[metric.name for metric in metrics]]


def polars_streaming(file: str) -> Table:
    """A lazy plan by hand on the streaming engine."""
    import polars as pl

    is_ = {name: pl.col("event").cast(pl.String) == name for name in ("start", "success", "click", "error")}
    attempts = pl.scan_parquet(file).group_by("user_id", "task", "session_id").agg(
        pl.col("at").filter(is_["start"]).min().alias("began"), pl.col("at").filter(is_["success"]).min().alias("won"),
        is_["click"].sum().alias("clicks"), is_["error"].sum().alias("errors"),
    )  # fmt: skip
    seconds = (pl.col("won") - pl.col("began")).dt.total_microseconds() / 1e6
    scored = attempts.filter(pl.col("began").is_not_null()).with_columns(
        (seconds <= TIMEOUT).fill_null(False).alias("ok"), seconds.alias("t")
    )
    table = scored.group_by("task").agg(
        pl.col("ok").mean().alias("success"), (1 - pl.col("ok").mean()).alias("abandonment"), pl.col("errors").mean(),
        (pl.col("errors") > 0).mean().alias("any_error"),
        pl.col("t").filter(pl.col("ok")).log().mean().exp().alias("seconds"), pl.col("clicks").mean(),
    )  # fmt: skip
    return table.collect(engine="streaming").to_pandas().sort_values("task").set_index("task")[NAMES]


def pandas_on(log: pd.DataFrame) -> pd.DataFrame:
    """A good hand-written group-by: named aggregations on plain columns, unsorted, observed."""
    log = log.assign(
        began=log["at"].where(log["event"] == "start"), won=log["at"].where(log["event"] == "success"),
        clicks=log["event"] == "click", errors=log["event"] == "error",
    )  # fmt: skip
    keys = ["user_id", "task", "session_id"]
    a = log.groupby(keys, sort=False, observed=True).agg(
        began=("began", "min"), won=("won", "min"), clicks=("clicks", "sum"), errors=("errors", "sum")
    )
    a = a[a["began"].notna()]
    seconds = (a["won"] - a["began"]).dt.total_seconds()
    a = a.assign(success=seconds <= TIMEOUT, any_error=a["errors"] > 0, l=np.log(seconds.where(seconds <= TIMEOUT)))
    table = a.groupby("task", observed=True)[["success", "errors", "any_error", "l", "clicks"]].mean()
    return table.assign(abandonment=1 - table["success"], seconds=np.exp(table["l"]))[NAMES]


def pandas_good(file: str) -> Table:
    """The file loaded, then the group-by."""
    return pandas_on(pd.read_parquet(file))


def retentioneering(file: str) -> Table:
    """Four of its metrics by task; it has no others that compare."""
    os.environ["RETENTIONEERING_NO_TRACK"] = "1"
    import retentioneering as rete

    log = pd.read_parquet(file).rename(columns={"at": "timestamp"})
    log["event"], log["task"] = log["event"].astype(str), log["task"].astype(str)
    stream = rete.Eventstream(log, {"path_cols": ["user_id", "session_id"], "segment_cols": ["task"]})
    counts = [{"metric": "event_count", "metric_args": {"event": event}} for event in ("click", "error", "success")]
    stream.segment_overview_data("task", [each | {"agg": "mean"} for each in [{"metric": "length"}, *counts]])
    return None


PEERS: dict[str, Callable[[str], Table]] = {
    "bare scan": bare_scan,
    "DuckDB SQL, no intervals": duckdb_sql(PLAIN),
    "DuckDB SQL, sums by user": duckdb_sql(CLUSTERED),
    "cxuxlib, no unit": ours(None),
    "cxuxlib, by user": ours("user_id"),
    "Polars streaming, no intervals": polars_streaming,
    "pandas, no intervals": pandas_good,
    "retentioneering, 4 metrics": retentioneering,
}


def in_memory(kind: str) -> Callable[[str], tuple[float, Table]]:
    """The log is a pandas frame already."""

    def run(file: str) -> tuple[float, Table]:
        from cxuxlib import events

        log = pd.read_parquet(file)
        began = time.perf_counter()
        unit = "user_id" if kind == "user" else None
        table = pandas_on(log) if kind == "hand" else metrics_of(events.read(log), unit)
        return time.perf_counter() - began, table

    return run


def nps(peer: str) -> Callable[[str], tuple[float, Table]]:
    """NPS by 120 segments of 1e7 answers in memory, by the engine's own group-by or by ours."""

    def run(file: str) -> tuple[float, Table]:
        import duckdb
        import polars as pl
        import pyarrow as pa

        from cxuxlib import cx, measure

        rng = np.random.default_rng(1)
        n = 10_000_000
        frame = pd.DataFrame({"segment": rng.integers(120, size=n).astype(np.int16),
                              "recommend": rng.integers(11, size=n).astype(np.int8)})  # fmt: skip
        engine, _, mine = peer.partition("/")

        def held(rows: pd.DataFrame) -> Any:
            if engine == "polars":
                return pl.from_pandas(rows)
            if engine == "duckdb":
                return duckdb.connect().from_arrow(pa.Table.from_pandas(rows, preserve_index=False))
            return rows

        def scored(table: Any) -> pd.DataFrame:
            if mine:
                return measure(table, cx.nps("recommend"), by="segment", unit=None).set_index("segment")[["value"]]
            if engine == "pandas":
                x = table["recommend"]
                marks = pd.DataFrame({"segment": table["segment"], "p": x >= 9, "d": x <= 6})
                sums = marks.groupby("segment").agg(n=("p", "size"), p=("p", "sum"), d=("d", "sum"))
            elif engine == "polars":
                x = pl.col("recommend")
                counts = pl.len().alias("n"), (x >= 9).sum().alias("p"), (x <= 6).sum().alias("d")
                sums = table.lazy().group_by("segment").agg(*counts)
                sums = sums.collect().to_pandas().set_index("segment").sort_index()
            else:
                filters = "count(*) FILTER (recommend >= 9) AS p, count(*) FILTER (recommend <= 6) AS d"
                sums = table.aggregate(f"segment, count(*) AS n, {filters}", "segment").df()
                sums = sums.set_index("segment").sort_index()
            return pd.DataFrame({"value": 100 * (sums["p"].astype(float) - sums["d"]) / sums["n"]})

        scored(held(frame.head(1000)))  # what either loads when it is first called is an import, and not measured
        table = held(frame)
        began = time.perf_counter()
        found = scored(table)
        return time.perf_counter() - began, found

    return run


HELD: dict[str, Callable[[str], tuple[float, Table]]] = {
    "pandas in memory, hand-written": in_memory("hand"),
    "pandas in memory, cxuxlib, no unit": in_memory("plain"),
    "pandas in memory, cxuxlib by user": in_memory("user"),
}
NPS = {f"{engine}{end}": nps(f"{engine}{end}") for engine in ("pandas", "polars", "duckdb") for end in ("", "/cxuxlib")}


def peak_mb() -> float:
    """Peak memory of this process ; on Linux from its status, for ru_maxrss knows the parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(peer: str, file: str) -> None:
    """Run one peer here and print what it took."""
    import duckdb
    import polars

    if not peer.startswith("reten"):
        from cxuxlib import cx, events, measure, ux  # noqa: F401  imports are not what is measured

    del duckdb, polars
    if peer in PEERS:
        began = time.perf_counter()
        table = PEERS[peer](file)
        seconds = time.perf_counter() - began
    else:
        seconds, table = (HELD | NPS)[peer](file)
    peak = peak_mb()
    check = None if table is None else float(np.asarray(table, float).sum())
    print(json.dumps({"seconds": seconds, "mb": peak, "check": check}))


def run(peer: str, file: str) -> dict[str, float]:
    """Run one peer in a process of its own."""
    python = os.environ.get("CXUXLIB_PEERS", sys.executable) if peer.startswith("reten") else sys.executable
    done = subprocess.run([python, __file__, "--one", peer, file], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def side_by_side(what: str, peers: list[str], file: str, events: int, rounds: int) -> list[dict[str, Any]]:
    """All peers in turn, several times; the least seconds of each."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for peer in list(peers):
            try:
                found = run(peer, file)
            except RuntimeError as reason:
                print(f"left out: {reason}", file=sys.stderr)
                peers.remove(peer)
                continue
            if peer not in best or found["seconds"] < best[peer]["seconds"]:
                best[peer] = found
    checks = [found["check"] for found in best.values() if found["check"] is not None]
    assert np.allclose(checks, checks[0], rtol=1e-9), dict(zip(best, checks, strict=False))
    mine = next(best[peer]["seconds"] for peer in best if peer.endswith(("cxuxlib", "by user")) and "SQL" not in peer)
    rows = []
    for peer, found in best.items():
        numbers = {"seconds": round(found["seconds"], 3), "peak_mb": round(found["mb"])}
        ratio = round(found["seconds"] / mine, 2)
        rows.append({"what": what, "events": events, "peer": peer} | numbers | {"ratio_to_cxuxlib": ratio})
        print(rows[-1], flush=True)
    return rows


def main(rounds: int, sizes: list[int]) -> None:
    """Make the logs, run all peers on each, and write the table."""
    from cxuxlib import worlds

    rows: list[dict[str, Any]] = []
    if not sizes:
        with (HERE / "events.csv").open(newline="", encoding="utf-8") as before:
            rows = [row for row in csv.DictReader(before) if not row["what"].startswith("NPS")]
    with tempfile.TemporaryDirectory() as folder:
        for events in sizes:
            n_attempts = round(events / EVENTS_PER_ATTEMPT)
            file = str(worlds.write_event_log(Path(folder) / f"{events}.parquet", n_attempts, rng=1))
            peers = [peer for peer in PEERS if events <= 10_000_000 or not peer.startswith("reten")]
            peers = [peer for peer in peers if events <= 50_000_000 or not peer.startswith("pandas")]
            rows += side_by_side("log to metrics, from Parquet", peers, file, events, rounds)
            if events <= 10_000_000:
                rows += side_by_side("log to metrics, pandas in memory", list(HELD), file, events, rounds)
            Path(file).unlink()
        for engine in ("pandas", "polars", "duckdb"):
            rows += side_by_side(
                "NPS of 120 segments, in memory", [engine, f"{engine}/cxuxlib"], "", 10_000_000, rounds
            )
    with (HERE / "events.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:4])
    else:
        asked = sys.argv[2:] or ["1e6", "1e7", "5e7"]
        main(int((sys.argv[1:] or ["3"])[0]), [int(float(each)) for each in asked if each != "nps"])
