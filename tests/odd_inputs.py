"""Frames that nobody would send on purpose: odd values, odd types, odd names, in any engine."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.study import Metric

Rng = np.random.Generator

RANGES = {
    "recommend": (0, 10), "satisfaction": (1, 5), "success": (0, 1), "duration_s": (1, 300), "n_errors": (0, 4),
    "n_opportunities": (1, 9), "n_steps": (1, 20), "n_optimal": (1, 5), "ease": (1, 7), "age_d": (0, 3),
    "observed_d": (0, 6), "lost": (0, 1), "at_start": (0, 1), "at_end": (0, 1),
}  # fmt: skip
ITEMS, EXPECTED, TLX = ["q1", "q2", "q3"], ["e1", "e2", "e3"], [f"t{i}" for i in range(12)]
# What turns up among answers: kinds of missing, codes for missing, infinities, extremes, and what is no number at all.
ODD: tuple[Any, ...] = (
    None, np.nan, pd.NA, pd.NaT, np.inf, -np.inf, 99, -1, 98, 7.5, 6, 0, 1e308, -1e308, 1.7976931348623157e308, 5e-324,
    1e-200, 2**63, -(2**63), 10**400, "9", "ten", "", " 3", "99", True, False, np.True_, Decimal(3), Decimal("NaN"),
    Fraction(1, 2), 1 + 2j, [1], [], {}, {"a": 1}, (1,), frozenset({1}), b"3", bytearray(b"3"), date(2026, 1, 1),
    pd.Timestamp("2026-01-01"), pd.Timedelta("1 day"), pd.Period("2026"), pd.Interval(0, 1), np.float32(3), np.int8(3),
    np.datetime64("NaT", "ns"), np.array([1, 2]), len,
)  # fmt: skip
TYPES = (
    "str", "object", "category", "Int64", "Float64", "float32", "int8", "uint8", "float16", "boolean", "bool", "string",
    "datetime64[ns]", "timedelta64[ns]", "complex128", "Sparse[float64]", "int64[pyarrow]", "double[pyarrow]",
    "string[pyarrow]",
)  # fmt: skip
KEYS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "group": (
        *(("a", "b"), (1, 2), (1, 2, 3)) * 6, (2017.0, 2018.0), (0, 1, 2, "a"), ("a", None), ("a", np.nan, 3), (None,),
        ("only",), (True, False), (1.5, np.nan), (pd.Timestamp("2026-01-01"), pd.NaT), (date(2026, 1, 1), "x"),
        ([1], [2]), ((1,), "a"), (np.inf, 1.0), ("", " "), (Decimal(1), 1.5), ("all", "(missing)"), (b"a", b"b"),
        (10**400, 1), ("2017", "2018"), (10**400, 10**401), ({}, 1),
    ),
    "wave": (
        *((1, 2), (2024, 2025, 2026)) * 6, (2017.0, np.nan), ("2017", "2018"), (10**400, 1), (np.inf, 1.0),
        (1e308, -1e308), (1e-300, 2e-300), (True, False), (1, "x"), (None,),
        (pd.Timestamp("2026-01-01"), pd.Timestamp("2027-01-01")),
    ),
    "w": (
        *((1.0, 2.0, 0.5),) * 12, (0.0,), (0.0, 1.0), (-1.0, 1.0), (1.0, np.nan), (np.inf, 1.0), (1e308, 1.0),
        (1e-308, 1.0), (1e200, 1e200), (1, 2), ("1", "2"), (None, 1.0), (True, False), (5e-324,), (-0.0,),
        (Decimal(1),), (2**63, 1), ([1.0], 2.0), (1e-170,), (1e155, 1.0), (1e-9, 1e9),
    ),
    "u": (
        (1, 2, 3), (1, 2, 3, 4, 5), ("a", "b", "c"), (1, None), ("a", 1), ([1], 2), (1.0, np.nan), (1,), (2**63, 1),
        (pd.Timestamp("2026-01-01"), 1), (10**400, 1), ("", " "), (True, False), (1.5, 2.5), (np.inf, 1.0),
    ),
    "at": (
        *((pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-03 04:05")),) * 6, (date(2026, 1, 1), date(2026, 3, 1)),
        (pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-09", tz="UTC")), ("2026-01-01", "2026-01-02"),
        (1, 2), (pd.NaT,), (pd.Timestamp("2026-01-01"), None), (pd.Timestamp("1700-01-01"), pd.Timestamp("2261-01-01")),
        (pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01", tz="UTC")), (np.inf, 1.0), (True, False),
    ),
}  # fmt: skip


def pick(rng: Rng, among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def column(rng: Rng, n: int, low: int, high: int, wrong: float) -> pd.Series:
    """Answers: mostly valid, some missing; with chance ``wrong`` something odd among them or of an odd type."""
    good = pd.Series(rng.integers(low, high + 1, n), dtype=float)
    if rng.random() < 0.3:
        good[rng.random(n) < 0.3] = np.nan
    if rng.random() > wrong:
        return good
    if rng.random() < 0.35:
        try:
            return good.astype(pick(rng, TYPES))
        except (TypeError, ValueError, ArithmeticError):
            return good
    odd, each = good.astype(object), pick(rng, ODD)
    for position in np.flatnonzero(rng.random(n) < pick(rng, (0.2, 1.0))):
        odd.iat[position] = each
    return odd if rng.random() < 0.7 else odd.infer_objects()


def drawn(rng: Rng, n: int, values: tuple[Any, ...]) -> pd.Series:
    """Values of a group, a unit, a weight or a time."""
    chosen = pd.Series([pick(rng, values) for _ in range(n)], dtype=object)
    if rng.random() < 0.1:
        try:
            return chosen.astype("category")
        except (TypeError, ValueError):
            return chosen
    return chosen if rng.random() < 0.2 else chosen.infer_objects()


def table(rng: Rng, names: set[str]) -> pd.DataFrame:
    """A survey of 0 to 12 rows in pandas, with these columns."""
    n, wrong = int(pick(rng, (0, 1, 2, 3, 5, 8, 12, 12))), pick(rng, (0.0, 0.0, 0.05, 0.3))
    ends = RANGES | dict.fromkeys(ITEMS + EXPECTED, (1, 5)) | dict.fromkeys(TLX[:6], (0, 100))
    ends |= {name: (each, each) for name, each in zip(TLX[6:], rng.permutation(6).tolist(), strict=True)}
    data = {name: column(rng, n, *each, wrong) for name, each in ends.items() if name in names}
    for name in sorted(names & KEYS.keys()):
        unique = name == "u" and rng.random() < 0.4
        called = "user_id" if name == "u" and rng.random() < 0.05 else name
        data[called] = pd.Series(range(n)) if unique else drawn(rng, n, pick(rng, KEYS[name]))
    frame = pd.DataFrame(data)
    return deformed(rng, frame) if data and rng.random() < 0.1 else frame


def deformed(rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """Names and index as they come out of other tools."""
    names = list(frame.columns)
    match rng.integers(8):
        case 0:
            return pd.concat([frame, frame[[pick(rng, names)]]], axis=1)
        case 1:
            return frame.rename(columns={pick(rng, names): pick(rng, (3, None, ("a", "b"), 2.5, np.nan))})
        case 2:
            return frame.set_axis(pd.MultiIndex.from_product([["x"], names]), axis=1)
        case 3:
            return frame.set_axis([0] * len(frame), axis=0)
        case 4:
            return frame.set_axis(pd.MultiIndex.from_product([["x"], range(len(frame))]), axis=0)
        case 5:
            return frame.drop(columns=pick(rng, names))
        case 6:
            return frame.assign(segment=1, unit="x", n0=2, y0=None, metric=0)
        case _:
            return frame.set_index(pick(rng, names), drop=bool(rng.integers(2)))


def native(rng: Rng, frame: pd.DataFrame) -> Any:
    """The frame in an engine, where that engine can hold it."""
    engine = pick(rng, ("pandas",) * 5 + ("polars",) * 4 + ("polars-lazy", "arrow", "duckdb"))
    if engine == "pandas":
        return frame
    import duckdb
    import polars as pl
    import pyarrow as pa

    try:
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
        if engine == "arrow":
            return arrow
        whole: Any = duckdb.from_arrow(arrow) if engine == "duckdb" else pl.from_arrow(arrow)
    except Exception:  # noqa: BLE001 - what an engine cannot hold stays in pandas
        return frame
    return whole.lazy() if engine == "polars-lazy" else whole


def missing(value: Any) -> bool:
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def wrongly_counted(frame: pd.DataFrame, metric: Metric) -> list[Any]:
    """Values in the columns of a metric that are neither missing nor valid answers."""
    found = []
    for spec in (each for _, each in metric.answers if list(frame.columns).count(each.column) == 1):
        for value in frame[spec.column]:
            number = isinstance(value, Real | Decimal | np.number | np.bool_) and not isinstance(value, complex)
            if missing(value) or (number and spec.low <= value <= spec.high and (value % 1 == 0 or not spec.whole)):
                continue
            found.append(value)
    return found
