"""Frames of any engine, opened lazily and checked before anything is computed."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from types import EllipsisType
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import NarwhalsError

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, CxuxError, DataError, UnitError, listed, unknown

__all__ = [
    "absent",
    "answer_of",
    "check_keys",
    "check_numeric",
    "check_roles",
    "check_units",
    "open_frame",
    "rows",
    "wide_frames",
]

Unit = str | EllipsisType | None

# A column so named numbers people (or rows of a log by person); where it repeats, rows are not units. A heuristic:
# names are compared in lower case and without separators.
_PEOPLE = (
    "user|customer|cust|client|respondent|resp|participant|visitor|subject|subj|member|account|person|people|passenger"
    "|patient|panelist|panel|guest|student|employee|household|subscriber|buyer|shopper|unit|case|session|device|cookie"
)
_ID_LIKE = re.compile(
    rf"^(u?u?id|pid|guid|(user)?e?mail|login|username|msisdn|phone|id({_PEOPLE})"
    rf"|({_PEOPLE})s?((uu|gu)?ids?|no|nr|num|number|key|code|ref|hash|email)?)$"
)


@lru_cache(maxsize=1024)
def _is_id(name: str) -> bool:
    return bool(_ID_LIKE.match(re.sub(r"[^a-z0-9]", "", name.lower())))


_ENGINES = "pandas, Polars, Arrow, DuckDB (a relation) or PySpark"


COUNTS = "cxuxlib counts"  # name of the attribute by which a table of counts is known


def check_roles(frame: Any, weight: object, frequency: object, unit: object = None) -> None:
    """Refuse a weight, a frequency or a unit that is no name of a column, and counts that are taken for rows."""
    for what, name in {"weight": weight, "frequency": frequency, "unit": unit}.items():
        if not (name is None or name is ... or isinstance(name, str)):
            raise ArgumentError(f"{what} names one column, or is None; got {name!r:.40}.")
    if frequency is None and getattr(frame, "attrs", {}).get(COUNTS) and "n" in frame:
        raise ArgumentError(
            "Each row of this table stands for as many units as its column 'n' says (frames.counts): say "
            "frequency='n', or make rows of it with frames.expand."
        )


@contextmanager
def wide_frames() -> Iterator[None]:
    """Let frames be wide, and sums overflow, without a word: both are meant, and `sums` refuses what overflowed."""
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        yield


def open_frame(frame: Any, columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Read a frame lazily, checked to hold each of these columns once."""
    if isinstance(frame, pd.DataFrame):
        existing = list(frame.columns)
    elif hasattr(frame, "collect_schema"):
        existing = list(frame.collect_schema().names())
    else:
        existing = list(getattr(frame, "column_names", getattr(frame, "columns", ())))
    for name in columns:
        if not isinstance(name, str):
            raise ArgumentError(f"A column is named by a text; got {name!r}.")
        if existing.count(name) > 1:
            raise ColumnError(f"The frame has {existing.count(name)} columns named {name!r}; rename or drop one.")
    if isinstance(frame, pd.DataFrame):
        missing = [name for name in columns if name not in existing]
        if not missing:
            keep = [name for name in existing if isinstance(name, str) and existing.count(name) == 1]
            frame = frame[keep] if len(keep) < len(existing) else frame
            if any(isinstance(dtype, np.dtype) and dtype.kind == "O" for dtype in frame.dtypes):
                frame = frame.infer_objects()
                for name in columns:
                    if frame[name].dtype == object:  # pd.NA among objects is no null to narwhals
                        frame[name] = frame[name].where(frame[name].notna(), None)
    try:
        lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    except (TypeError, NarwhalsError) as error:
        raise ArgumentError(f"Cannot read a {type(frame).__name__}; give a frame of {_ENGINES}.") from error
    for name in columns:
        if name not in existing:
            raise ColumnError(unknown("column", name, existing))
    return lazy


def rows(lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Bring a small result to pandas; from Spark by way of Arrow, for Spark warns of pandas 3."""
    with engine_errors():
        eager = lazy.collect("pandas") if lazy.implementation.is_duckdb() else lazy.collect()
    return pd.DataFrame(eager.to_dict(as_series=False))


@contextmanager
def engine_errors(where: str = "", kind: type[CxuxError] = DataError) -> Iterator[None]:
    """Say in our words what DuckDB, which reads files for us, finds wrong with them."""
    try:
        yield
    except Exception as error:
        if type(error) is RuntimeError and str(error) == "Query interrupted":  # how DuckDB takes Ctrl-C
            raise KeyboardInterrupt from None
        duckdb = sys.modules.get("duckdb")
        if duckdb is None or not isinstance(error, duckdb.Error) or isinstance(error, duckdb.InterruptException):
            raise
        raise kind(f"{where}{str(error).splitlines()[0]}") from error


def _plain(lazy: nw.LazyFrame[Any], columns: Sequence[str], of: str = "biuf") -> bool:
    """Whether these are NumPy numbers or true/false in a pandas frame, which narwhals takes longer to find out."""
    if not lazy.implementation.is_pandas():
        return False
    native = lazy.to_native()
    kinds = dict(zip(native.columns, native.dtypes, strict=True))  # look-ups in a series take far longer
    return all(isinstance(kinds[name], np.dtype) and kinds[name].kind in of for name in columns)


def is_plain(frame: Any, columns: Sequence[str], *, ids: bool = False) -> bool:
    """Whether these columns of a pandas frame are NumPy numbers, and no other one looks like an id if that matters."""
    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique:
        return False
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    for name in columns:
        kind = kinds.get(name) if isinstance(name, str) else None
        if not isinstance(kind, np.dtype) or kind.kind not in "biuf":
            return False
    return ids or not any(_is_id(str(name)) for name in kinds if name not in columns)


def check_numeric(lazy: nw.LazyFrame[Any], columns: Sequence[str]) -> None:
    """Refuse columns that hold anything but numbers or true/false."""
    if _plain(lazy, columns):
        return
    schema = lazy.collect_schema()
    for name in columns:
        dtype = schema[name]
        if dtype.is_numeric() or dtype == nw.Boolean:
            if lazy.implementation.is_pyarrow() and dtype in (nw.Int64, nw.UInt64):
                _check_whole(lazy, name)
            continue
        mixed = dtype == nw.Object or dtype == nw.Unknown
        seen = lazy.select(name).filter(~nw.col(name).is_null())
        values = rows(seen if mixed else seen.head(1000))[name].dropna()
        if mixed:
            values = values[[not _is_float(each) for each in values]]
        unlike = dtype.is_temporal() or dtype.is_nested() or (dtype == nw.Unknown and lazy.implementation.is_pandas())
        if values.empty and not unlike:
            continue
        examples = listed(list(dict.fromkeys(f"{each!s:.40}" for each in values))[:3])
        advice = "Turn texts that have an order into numbers, and others into a column of 0 and 1 for each text"
        if dtype.is_temporal():
            advice = "Make a number of the time, such as days since a date"
        raise AnswerError(
            f"Column {name!r} holds {dtype}, {'all missing' if values.empty else f'for example {examples}'}; "
            f"answers must be numbers. {advice}, with missing answers as null."
        )


def _check_whole(lazy: nw.LazyFrame[Any], name: str) -> None:
    """Refuse whole numbers that Arrow will not turn into floats."""
    ends = rows(lazy.select(nw.col(name).min().alias("low"), nw.col(name).max().alias("high"))).iloc[0].dropna()
    if (ends.abs() > 2**53).any():
        raise AnswerError(f"Column {name!r} holds whole numbers beyond 2**53, such as {ends.iloc[-1]}; recode them.")


def _is_float(value: object) -> bool:
    """Whether something is a number that a float can hold."""
    try:
        float(value)  # type: ignore[arg-type]
    except (OverflowError, ValueError, TypeError):
        return False
    return isinstance(value, Real | Decimal)


def answer_of(column: str, stand_in: float = 0.0) -> tuple[nw.Expr, nw.Expr]:
    """The answer as a float that is never missing, and whether it was missing."""
    value = nw.col(column).cast(nw.Float64)
    missing = value.is_nan().fill_null(True)
    return nw.when(~missing).then(value).otherwise(stand_in), missing


def absent(lazy: nw.LazyFrame[Any], column: str) -> nw.Expr:
    """Whether a column holds nothing, null or NaN."""
    return answer_of(column)[1] if lazy.collect_schema()[column].is_float() else nw.col(column).is_null()


def check_keys(lazy: nw.LazyFrame[Any], columns: Sequence[str]) -> None:
    """Refuse to group by lists, by values of several kinds, and by what else not every engine can tell apart."""
    if _plain(lazy, columns):
        return
    schema = lazy.collect_schema()
    for name in columns:
        dtype = schema[name]
        if dtype == nw.Object or dtype == nw.Unknown:
            wrong = _no_keys(rows(lazy.select(name))[name].dropna())
        else:
            wrong = str(dtype) if dtype.is_nested() or dtype == nw.Binary else ""
        if wrong:
            raise ColumnError(
                f"Column {name!r} holds {wrong:.60}, which can name no group and no unit; turn it into texts or "
                "numbers first."
            )


def _no_keys(values: pd.Series) -> str:
    """What among objects tells no groups apart."""
    kinds = {
        str if isinstance(each, str) else Real if isinstance(each, Real | Decimal) else type(each) for each in values
    }
    if len(kinds) > 1 and kinds != {str, Real}:
        return f"a mixture of {listed(sorted(kind.__name__ for kind in kinds))}"
    for each in values:
        try:
            hash(each)
        except TypeError:
            return str(each)
        if isinstance(each, tuple | frozenset):
            return str(each)
    return ""


def check_units(lazy: nw.LazyFrame[Any], unit: Unit, used: Sequence[str], advice: str) -> None:
    """Without a unit, refuse rows that repeat an id; with one, refuse rows that lack it."""
    check_keys(lazy, [*used, *([unit] if isinstance(unit, str) else [])])
    if isinstance(unit, str):
        if _plain(lazy, [unit], "biu"):
            return  # whole numbers of NumPy are all there
        lost = int(rows(lazy.select(absent(lazy, unit).cast(nw.Int64).sum().alias(unit)))[unit].iloc[0] or 0)
        if lost:
            raise UnitError(f"{lost:,} rows have no {unit!r}; drop them or find out whose they are.")
    elif unit is ...:
        existing = lazy.to_native().columns if lazy.implementation.is_pandas() else lazy.collect_schema().names()
        names = [name for name in existing if name not in used and _is_id(name)]
        if not names:
            return
        plan = [nw.len().alias("rows"), *(nw.col(name).n_unique().alias(name) for name in names)]
        found = rows(lazy.select(*plan)).iloc[0]
        for name in names:
            if (found[name] or 0) < found["rows"]:  # DuckDB answers null where there are no rows
                raise UnitError(
                    f"Rows repeat {name!r} ({int(found['rows']):,} rows, {int(found[name]):,} different): intervals "
                    f"from repeated rows are too narrow. {advice.format(name=name)}"
                )
