"""Event logs of any engine or file, opened lazily with their time as whole microseconds; and frames given back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import narwhals as nw
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, listed, unknown
from cxuxlib.frames.reading import absent, engine_errors, open_frame, rows

__all__ = ["TIME", "Home", "connect", "ends_of", "give_back", "open_log", "owner_of", "stacked", "stamped"]

TIME = "cxux_t"  # microseconds since 1970 UTC; a name that no log has
Plan = nw.LazyFrame[Any]

_PER_SECOND = {"s": 1_000_000, "ms": 1000, "us": 1}
_ENDINGS = {".parquet": "read_parquet", ".pq": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv"}
_LEAST, _MOST = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999


class Home(NamedTuple):
    """Where results belong.

    Args:
        kind: what the source was; "lazy" is a plan of Polars, DuckDB or Spark.
        zone: the time zone of its times; None where they have none and are taken as UTC.
    """

    kind: Literal["pandas", "arrow", "polars", "lazy"]
    zone: Any = None


def open_log(source: Any, columns: Sequence[str], at: str, unit: str | None = None) -> tuple[Plan, Home]:
    """Open a log lazily, with one more column `TIME`; a Polars or Spark log stays where it is, others go to DuckDB.

    Args:
        source: a frame of pandas, Polars, Arrow, DuckDB or PySpark; or files: a path, a pattern such as
            "logs/*.parquet", or a list of them (Parquet, CSV).
        columns: columns that must be there.
        at: column of time stamps, or of numbers.
        unit: unit of numbers since 1970, UTC: "s", "ms" or "us".

    Returns:
        The lazy frame, and where results belong: what the source was.

    Raises:
        ArgumentError, ColumnError, AnswerError, DataError: no such engine, column or file; times that are no times.
    """
    if unit is not None and unit not in _PER_SECOND:
        raise ArgumentError(unknown("unit of time", unit, _PER_SECOND))
    if isinstance(source, str | Path):
        source = _files([source])
    elif isinstance(source, list | tuple) and source and all(isinstance(each, str | Path) for each in source):
        source = _files(list(source))
    elif isinstance(source, pd.DataFrame):
        source = _of_one_kind(source, [*columns, at], at)
    lazy = open_frame(source, [*columns, at])
    if TIME in lazy.collect_schema().names():
        raise ColumnError(f"The log has a column {TIME!r} already; a plan made by events is no log.")
    kind: Literal["pandas", "arrow", "polars", "lazy"] = "lazy"
    zone = getattr(lazy.collect_schema()[at], "time_zone", None)
    if lazy.implementation.is_pandas():
        kind, zone = "pandas", getattr(source[at].dtype, "tz", None)
        lazy = _in_duckdb(lazy, "from_df")
    elif lazy.implementation.is_pyarrow():
        kind = "arrow"
        lazy = _in_duckdb(lazy, "from_arrow")
    elif lazy.implementation.is_polars() and not hasattr(source, "collect"):
        kind = "polars"
    _check_times(lazy, at, unit)
    return _with_micros(lazy, {TIME: at}, unit), Home(kind, zone)


def give_back(lazy: Plan, home: Home, sort: Sequence[str]) -> Any:
    """Give a result as what its source was: lazily (and in no order) where that was lazy, else sorted."""
    if home.kind == "lazy":
        return lazy.to_native()
    with engine_errors():
        lazy = lazy.sort(*sort)
        if home.kind == "polars":
            return lazy.collect().to_native()
        table = lazy.collect("pyarrow").to_native()
    stamps = [each.name for each in table.schema if getattr(each.type, "tz", None)]  # in DuckDB's zone, the machine's
    if home.kind == "arrow":
        here = [nw.col(name).dt.convert_time_zone(home.zone) for name in stamps]
        return nw.from_native(table).with_columns(*here).to_native()
    frame: pd.DataFrame = table.to_pandas()
    return frame.assign(**{name: frame[name].dt.tz_convert(home.zone) for name in stamps})


def stamped(lazy: Plan, names: Mapping[str, str], home: Home) -> Plan:
    """Add time stamps, {name: column of microseconds}, in the zone of the log's own times."""
    if lazy.implementation.is_polars():
        dtype = nw.Datetime("us", home.zone)
        return lazy.with_columns(*(nw.col(old).cast(dtype).alias(new) for new, old in names.items()))
    native: Any = lazy.to_native()
    if lazy.implementation.is_duckdb():
        made = "make_timestamptz" if home.zone is not None else "make_timestamp"
        return _lazy(native.project(", ".join(["*", *(f"{made}({old}) AS {new}" for new, old in names.items())])))
    made = "timestamp_micros({})"
    if home.zone is None:
        made = "timestampadd(MICROSECOND, {}, TIMESTAMP_NTZ '1970-01-01 00:00:00')"
    return _lazy(native.selectExpr("*", *(f"{made.format(old)} AS {new}" for new, old in names.items())))


def ends_of(lazy: Plan, at: str, unit: str | None) -> tuple[int, int] | None:
    """The first and the last time in microseconds; None where there is none. DuckDB reads them off Parquet's notes."""
    ends = lazy.select(nw.col(at).min().alias("a"), nw.col(at).max().alias("b"))
    ends = _with_micros(ends, {"first": "a", "last": "b"}, unit).select("first", "last")
    found = rows(ends).iloc[0]
    if found.isna().any():
        return None
    first, last = int(found["first"]), int(found["last"])
    if first < _LEAST or last > _MOST:
        raise AnswerError(f"Column {at!r} has times outside the years 1 to 9999.")
    return first, last


def stacked(plans: Sequence[Plan]) -> Plan:
    """One plan under the other, refused in our words where an engine cannot bring them together."""
    if len(plans) == 1:
        return plans[0]
    with engine_errors("These tables cannot be brought together; give relations of one connection. ", ArgumentError):
        return nw.concat(list(plans))


def _files(paths: list[str | Path]) -> Any:
    """A relation over files; a CSV file is read once to learn the types of its columns from every row."""
    texts = [str(path) for path in paths]
    endings = {Path(text.removesuffix(".gz")).suffix.lower() for text in texts}
    readers = {_ENDINGS.get(ending) for ending in endings}
    if len(readers) > 1 or None in readers:
        raise ArgumentError(
            f"Logs are read from files of one kind, {listed(sorted(_ENDINGS))} (CSV may end in .gz); "
            f"got {listed(texts)}."
        )
    with engine_errors(f"{listed(texts)}: "):
        if readers == {"read_parquet"}:
            return connect().read_parquet(texts, union_by_name=True)
        found = connect().read_csv(texts, union_by_name=True, sample_size=-1)
        days = [name for name, kind in zip(found.columns, found.types, strict=True) if str(kind) == "DATE"]
        if not days:
            return found
        kept = connect().read_csv(texts, union_by_name=True, sample_size=-1, dtype=dict.fromkeys(days, "VARCHAR"))
        names = ['"' + name.replace('"', '""') + '"' for name in days]
        clear = " AND ".join(f"coalesce(regexp_matches({name}, '^\\s*[0-9]{{4}}[-/]'), true)" for name in names)
        # 01/03/2025 is a day in March or in January: such texts stay texts, and are refused as times.
        return kept if kept.filter(f"NOT ({clear})").limit(1).fetchall() else found


def connect(memory: str | None = None) -> Any:
    """The process's connection of DuckDB, for all logs, so that they can be joined.

    It need not keep rows in order, and what does not fit in memory goes to the system's folder for such things.
    """
    connection = _connection(os.getpid())
    if memory is not None:
        with engine_errors(f"memory is a text such as '4GB'; got {memory!r}: ", ArgumentError):
            connection.execute("SET memory_limit = ?", [memory])
    return connection


def owner_of(relation: Any) -> Any:
    """The connection of a relation, if it is `connect`'s or DuckDB's default one; else None."""
    import duckdb

    for connection in (connect(), duckdb.default_connection()):
        try:
            relation.cross(connection.sql("SELECT 1 AS cxux_1"))  # refused across connections
        except duckdb.Error:
            continue
        return connection
    return None


@cache
def _connection(process: int) -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET temp_directory = ?", [str(Path(tempfile.gettempdir()) / f"cxuxlib-{process}")])
    connection.execute("SET preserve_insertion_order = false")
    with suppress(duckdb.InvalidInputException):  # in a notebook it wants ipywidgets; without, it tells no progress
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET enable_progress_bar = true")  # or there is no progress to ask for
    return connection


def _in_duckdb(lazy: Plan, method: Literal["from_df", "from_arrow"]) -> Plan:
    """A relation over a frame in memory, without a copy."""
    with engine_errors():
        return _lazy(getattr(connect(), method)(lazy.to_native()))


def _lazy(native: Any) -> Plan:
    lazy: Plan = nw.from_native(native).lazy()
    return lazy


def _of_one_kind(frame: pd.DataFrame, columns: Sequence[str], at: str) -> pd.DataFrame:
    """A pandas frame whose columns of objects hold one kind each, times as time stamps; refused where they mix."""
    objects = [name for name in columns if list(frame.columns).count(name) == 1 and frame[name].dtype == object]
    for name in objects:
        kinds = sorted({type(each).__name__ for each in frame[name].dropna()})
        if name == at and kinds in ([], ["date"]):  # pandas has no type for dates
            frame = frame.assign(**{at: pd.to_datetime(frame[at])})
        elif name == at and set(kinds) <= {"datetime", "Timestamp"} and frame[at].infer_objects().dtype == object:
            raise AnswerError(
                f"Column {at!r} mixes time zones; make it one, such as with pandas.to_datetime(log[{at!r}], utc=True)."
            )
        elif len(kinds) > 1 and pd.api.types.infer_dtype(frame[name], skipna=True).startswith("mixed"):
            raise AnswerError(f"Column {name!r} mixes {listed(kinds)}; make its values one kind of thing first.")
    return frame


def _check_times(lazy: Plan, at: str, unit: str | None) -> None:
    if not (lazy.implementation.is_polars() or lazy.implementation.is_duckdb() or _is_spark(lazy)):
        raise ArgumentError(
            f"Logs are read from pandas, Polars, Arrow, DuckDB or PySpark; {lazy.implementation} cannot say a time "
            "lazily. Give one of those, or files."
        )
    dtype = lazy.collect_schema()[at]
    if dtype.is_numeric():
        if unit is None:
            raise ArgumentError(f"Column {at!r} holds numbers; say at_unit='s', 'ms' or 'us' since 1970, UTC.")
        return
    if not (dtype == nw.Datetime or dtype == nw.Date):
        seen = rows(lazy.select(at).filter(~absent(lazy, at)).head(100_000))[at].map(str)
        readable = pd.to_datetime(seen, errors="coerce", format="mixed", utc=True).notna()
        seen = seen[readable.sort_values(kind="stable").index]  # what is no time at all comes first
        raise AnswerError(
            f"Column {at!r} holds {dtype}, for example {listed(list(dict.fromkeys(seen))[:3])}; times must be time "
            "stamps (or numbers with at_unit). Turn the texts into time stamps of one kind first, such as with "
            f"pandas.to_datetime(log[{at!r}], utc=True)."
        )
    if unit is not None:
        raise ArgumentError(f"Column {at!r} holds time stamps, which need no at_unit.")


def _is_spark(lazy: Plan) -> bool:
    return lazy.implementation.is_pyspark() or lazy.implementation.is_pyspark_connect()


def _with_micros(lazy: Plan, names: Mapping[str, str], unit: str | None) -> Plan:
    """Add microseconds, {name: column of times}; no engine but Polars can say them in narwhals' words."""
    schema = lazy.collect_schema()
    if unit is not None:
        return lazy.with_columns(*(_scaled(lazy, old, unit).alias(new) for new, old in names.items()))
    if lazy.implementation.is_polars():
        made = [
            nw.col(old) if schema[old] == nw.Datetime else nw.col(old).cast(nw.Datetime("us")) for old in names.values()
        ]
        return lazy.with_columns(*(each.dt.timestamp("us").alias(new) for new, each in zip(names, made, strict=True)))
    native: Any = lazy.to_native()
    if lazy.implementation.is_duckdb():
        quoted = {new: '"' + old.replace('"', '""') + '"' for new, old in names.items()}
        return _lazy(native.project(", ".join(["*", *(f"epoch_us({old}) AS {new}" for new, old in quoted.items())])))
    return _lazy(native.selectExpr("*", *(f"{_spark_micros(native, old)} AS {new}" for new, old in names.items())))


def _scaled(lazy: Plan, column: str, unit: str) -> nw.Expr:
    """Numbers in a unit as microseconds; missing outside the years 1 to 9999."""
    value, per = nw.col(column), _PER_SECOND[unit]
    value = value if lazy.collect_schema()[column].is_float() else value.cast(nw.Int64)
    there = (value >= _LEAST // per) & (value <= _MOST // per)
    micros = nw.when(there).then(value).otherwise(0) * per
    if lazy.collect_schema()[column].is_float():
        micros = micros.round(0).cast(nw.Int64)
    return nw.when(there).then(micros)


def _spark_micros(native: Any, at: str) -> str:
    name = "`" + at.replace("`", "``") + "`"
    kind = native.schema[at].dataType.typeName()
    if kind == "timestamp":
        return f"unix_micros({name})"
    return f"timestampdiff(MICROSECOND, TIMESTAMP_NTZ '1970-01-01 00:00:00', CAST({name} AS TIMESTAMP_NTZ))"
