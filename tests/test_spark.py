"""The same numbers on Spark: a real session of two threads, whose own clock is not the logs'."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cxuxlib import compare, cx, events, measure, models, trend, ux
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, UnitError
from cxuxlib.frames import counts, moments_by
from tests import events_reference as slow
from tests.events_logs import BUY, NIGHTS, STEPS, agree, check_all, fixed, lines, table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session of this machine; the tests are skipped, with the reason, where there is no Spark or no Java."""
    pytest.importorskip("pyspark", reason="pyspark is absent: it comes with the extra spark")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is absent: Spark needs 17 or later, such as openjdk-17-jre-headless")
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",  # for a few rows, compiling takes longest
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.sql.session.timeZone": "Asia/Kathmandu",
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def on(spark: Any, frame: pd.DataFrame) -> Any:
    """A pandas frame in Spark; times without a zone stay without one."""
    spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
    return spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(2)


@pytest.mark.parametrize("zone", [None, "America/Sao_Paulo"])
def test_logs_give_the_same_numbers(spark: Any, zone: str | None) -> None:
    rows = fixed(zone=3)
    given = on(spark, table(rows, zone))
    assert dict(given.dtypes)["at"] == ("timestamp" if zone else "timestamp_ntz")
    log = events.read(given)
    check_all(log, rows, NIGHTS[3].zone)
    times = dict(events.lifetimes(log, inactive_d=0.1).dtypes)
    assert times["first_at"] == times["last_at"] == dict(given.dtypes)["at"]


def test_numbers_as_times_and_doubles_as_users(spark: Any) -> None:
    rows = [row for row in fixed() if row["at"] is not None]
    data = table(rows).assign(at=[row["at"] // 1000 for row in rows])
    counted, lost = slow.counted(rows)
    log = events.read(on(spark, data), at_unit="ms", duplicates="drop", bots=events.Bots(per_minute=50))
    counted, lost = slow.counted(rows, "drop")
    assert events.left_out(log)["events"].tolist() == [*lost.values(), 0, len(counted)]
    agree(events.sessions(log, counts={"any_cart": "cart"}), slow.sessions(counted, counts={"any_cart": ["cart"]}),
          "user_id", "session")  # fmt: skip
    left = events.unplaced(log, BUY, key="visit")["n"].tolist()
    assert left == list(slow.keyed_attempts(counted, slow_task(), "visit")[1].values())


def slow_task() -> dict[str, Any]:
    return {name: getattr(BUY, name) for name in BUY.__dataclass_fields__}


@pytest.mark.parametrize("period", ["day", "month"])
def test_journeys_give_the_same_numbers(spark: Any, period: str) -> None:
    counted, _ = slow.counted(fixed(zone=4))
    bought = [row for row in counted if row["event"] == "paid"]
    sources = {
        "did": events.Source(on(spark, table(counted)), "at", mean={"mean": "paid"}),
        "paid": events.Source(on(spark, table(bought)), "at", total={"sum": "paid"}),
    }
    rows = {"did": counted, "paid": bought}
    zone, means, totals = NIGHTS[4].zone, {"did": {"mean": "paid"}}, {"paid": {"sum": "paid"}}
    expected = slow.journey(rows, means, totals, zone, period)
    assert len(expected) >= (3 if period == "day" else 2)
    agree(events.journey(sources, period=period, zone=zone), expected, "user_id", "period")  # type: ignore[arg-type]
    both = sources | {"here": events.Source(table(bought), "at")}
    with pytest.raises(ArgumentError, match=r"on one engine; got \{'did': 'pyspark'"):
        events.journey(both)


def answers() -> pd.DataFrame:
    rng = np.random.default_rng(20261122)
    n = 400
    data = pd.DataFrame({"customer_id": np.arange(n) // 2, "design": np.where(np.arange(n) % 4 < 2, "a", "b")})
    data["recommend"] = rng.integers(0, 11, n).astype(float)
    data["success"] = (rng.random(n) < 0.7).astype(float)
    data["duration_s"] = rng.lognormal(4, 1, n)
    data["ease"] = rng.integers(1, 8, n).astype(float)
    data["wave"] = 2020 + np.arange(n) // 2 % 5
    data["weight"] = rng.choice([0.5, 1.0, 2.0], n)
    return data.mask(rng.random(data.shape) < np.where(data.columns.isin(["recommend", "duration_s"]), 0.1, 0))


METRICS = [cx.nps("recommend"), ux.task_success("success"), ux.time_on_task("duration_s")]


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-12, check_dtype=False)


def test_measure_compare_and_trend_give_the_same_numbers(spark: Any) -> None:
    data = answers()
    given = on(spark, data)
    for more in ({"unit": "customer_id"}, {"unit": "customer_id", "by": "design", "weight": "weight"}):
        same(measure(given, METRICS, **more), measure(data, METRICS, **more))  # type: ignore[arg-type]
    same(compare(given, METRICS, between="design", unit="customer_id"),
         compare(data, METRICS, between="design", unit="customer_id"))  # fmt: skip
    same(trend(given, METRICS[:2], wave="wave", unit="customer_id"),
         trend(data, METRICS[:2], wave="wave", unit="customer_id"))  # fmt: skip
    with pytest.raises(UnitError, match="Rows repeat 'customer_id'"):
        measure(given, METRICS)
    with pytest.raises(AnswerError, match="outside the range of NPS"):
        measure(given, cx.nps("duration_s"), unit=None)
    with pytest.raises(ColumnError, match="no column 'recomend'"):
        measure(given, cx.nps("recomend"), unit=None)


def test_models_count_the_same(spark: Any) -> None:
    data = answers()[["recommend", "success", "ease"]]
    found, expected = (models.key_drivers(each, "recommend", ["success", "ease"]) for each in (on(spark, data), data))
    same(found.terms, expected.terms)
    data = answers().drop(columns="duration_s").assign(customer_id=np.arange(400) // 2)
    given, names = on(spark, data), ["recommend", "ease", "success"]
    same(counts(given, [*names, "design"], unit="customer_id", weight="weight"),
         counts(data, [*names, "design"], unit="customer_id", weight="weight"))  # fmt: skip
    for call in ("ordered_logit", "linear"):
        for more in ({"unit": "customer_id"}, {"unit": None, "weight": "weight"}):
            fits = (getattr(models, call)("recommend ~ ease + C(design)", each, **more) for each in (given, data))
            same(*(fit.terms for fit in fits))


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_moments_are_the_same(spark: Any, missing: Any) -> None:
    data = answers().drop(columns="customer_id")
    names = ["recommend", "ease", "success"]
    mine, theirs = (
        moments_by(each, names, "design", weight="weight", missing=missing) for each in (on(spark, data), data)
    )
    assert list(mine) == list(theirs)
    for design, expected in theirs.items():
        found = mine[design]
        assert (found.n, found.n_missing) == (expected.n, expected.n_missing)
        np.testing.assert_allclose(found.means, expected.means, rtol=1e-9)
        np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9)


def test_attempts_are_measured_where_they_are(spark: Any) -> None:
    rows, _ = slow.counted(fixed())
    mine, theirs = (events.attempts(events.read(log), BUY) for log in (on(spark, table(rows)), table(rows)))
    metrics = [ux.task_success(), ux.abandonment("success"), ux.any_error()]
    same(measure(mine, metrics, unit="user_id"), measure(theirs, metrics, unit="user_id"))


def test_results_are_saved_as_a_folder(spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = events.lifetimes(events.read(on(spark, table(fixed()))), inactive_d=0.1)
    path = events.save(result, tmp_path / "lifetimes.parquet")
    assert re.fullmatch(
        r"lifetimes.parquet: started\nlifetimes.parquet: finished after .* s\n", capsys.readouterr().err
    )
    assert [each.name for each in tmp_path.iterdir()] == ["lifetimes.parquet"]
    order = lambda row: row["user_id"]  # noqa: E731
    assert sorted(lines(spark.read.parquet(str(path))), key=order) == sorted(lines(result), key=order)
    with pytest.raises(ArgumentError, match="is there already"):
        events.save(result, path)


def test_a_failing_job_leaves_nothing(spark: Any, tmp_path: Path) -> None:
    from pyspark.errors import PySparkException

    bad = on(spark, pd.DataFrame({"x": [1, 0]})).selectExpr("1 / x AS y")
    with pytest.raises(PySparkException):
        events.save(bad, tmp_path / "y.parquet", progress=False)
    assert not list(tmp_path.iterdir())


def test_funnels_of_many_steps_stay_small_plans(spark: Any) -> None:
    """A plan that named the step before twice would double with every step."""
    rows, _ = slow.counted(fixed())
    steps = [*STEPS, ("other",), ("error",)]
    found = events.funnel(events.read(on(spark, table(rows))), steps, window_s=9000)
    agree(found, slow.funnel(rows, steps, 9000), "segment", "step")
