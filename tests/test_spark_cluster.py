"""One run on a cluster: a master and two workers of this machine, started and stopped here."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest

from cxuxlib import events, measure, ux
from tests import events_reference as slow
from tests.events_logs import BUY, fixed, table

pytestmark = pytest.mark.slow
HOST = "127.0.0.1"
DAEMON = {
    "SPARK_LOCAL_IP": HOST, "SPARK_DAEMON_MEMORY": "256m",
    "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}  # fmt: skip
ROOT = Path(__file__).resolve().parent.parent

DRIVER = """
import json, sys, time
from pyspark.sql import SparkSession
from cxuxlib import events, measure, ux
from tests.events_logs import BUY

master, path = sys.argv[1:]
conf = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
builder = SparkSession.builder.master(master).appName("cluster")
for name, value in conf.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
try:
    executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus
    until = time.monotonic() + 90
    while executors().size() < 3 and time.monotonic() < until:  # two, and the driver
        time.sleep(0.2)
    attempts = events.attempts(events.read(spark.read.parquet(path)), BUY)
    found = measure(attempts, [ux.task_success(), ux.abandonment("success")], unit="user_id")
    outcomes = {row["outcome"]: row["count"] for row in attempts.groupBy("outcome").count().collect()}
    events.save(attempts, path.replace("log", "attempts"), progress=False)
    print(json.dumps({"executors": executors().size() - 1, "outcomes": outcomes, "measured": found.to_dict("list")}))
finally:
    spark.stop()
"""


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which is stopped with all that it started, whatever happens."""
    with (folder / f"{len(list(folder.iterdir()))}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder,
            env=os.environ | DAEMON,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((HOST, port)) == 0


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while not answers(port):
        assert time.monotonic() < until, "the master does not answer"
        time.sleep(0.1)


def spark_class() -> str:
    """The launcher that pyspark carries; the tests are skipped, with the reason, where it or Java is absent."""
    pyspark = pytest.importorskip("pyspark", reason="pyspark is absent: it comes with the extra spark")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is absent: Spark needs 17 or later, such as openjdk-17-jre-headless")
    return str(Path(pyspark.__file__).parent / "bin" / "spark-class")


def master_of(launcher: str, port: int) -> list[str]:
    name = "org.apache.spark.deploy.master.Master"
    return [launcher, name, "--host", HOST, "--port", str(port), "--webui-port", "0"]


def gone(group: int) -> bool:
    """Whether a group of processes has ended; the dead that wait for their parent to notice do not count."""
    living = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
            living += [state] if int(its_group) == group and state != "Z" else []
    return not living


def fail_in(command: Sequence[str], port: int, folder: Path, seen: list[int]) -> None:
    with running(command, folder) as process:
        seen.append(process.pid)
        wait_for(port)
        raise ZeroDivisionError


def test_attempts_are_found_and_measured_on_a_cluster(tmp_path: Path) -> None:
    launcher, port, folder = spark_class(), free_port(), tmp_path / "spark"
    folder.mkdir()
    rows, _ = slow.counted(fixed())
    table(rows, "UTC").to_parquet(tmp_path / "log.parquet", index=False)
    master = f"spark://{HOST}:{port}"
    worker = [launcher, "org.apache.spark.deploy.worker.Worker", "--host", HOST, "--port", "0", "--webui-port", "0"]
    with ExitStack() as stack:
        processes = [stack.enter_context(running(master_of(launcher, port), folder))]
        wait_for(port)
        for _ in range(2):
            command = [*worker, "--cores", "1", "--memory", "512m", "--work-dir", str(folder), master]
            processes.append(stack.enter_context(running(command, folder)))
        run = subprocess.run(
            [sys.executable, "-c", DRIVER, master, str(tmp_path / "log.parquet")], cwd=ROOT, timeout=240,
            env=os.environ | {"SPARK_LOCAL_IP": HOST}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["executors"] == 2
    attempts = events.attempts(events.read(table(rows, "UTC")), BUY)
    assert found["outcomes"] == attempts["outcome"].value_counts().to_dict()
    expected = measure(attempts, [ux.task_success(), ux.abandonment("success")], unit="user_id")
    for name in ("value", "low", "high", "n", "n_missing"):
        assert found["measured"][name] == pytest.approx(expected[name].tolist(), rel=1e-9)
    assert len(pd.read_parquet(tmp_path / "attempts.parquet")) == len(attempts)
    assert all(gone(process.pid) for process in processes)
    assert not answers(port)


def test_a_cluster_is_stopped_after_a_failure(tmp_path: Path) -> None:
    launcher, port = spark_class(), free_port()
    seen: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fail_in(master_of(launcher, port), port, tmp_path, seen)
    assert gone(seen[0])
    assert not answers(port)
