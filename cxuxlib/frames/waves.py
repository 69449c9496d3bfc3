"""Units that were asked again: rows by unit and wave become one row per unit, with its answers wave by wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError, listed
from cxuxlib.frames.reading import answer_of, check_numeric, check_units, open_frame, rows, wide_frames
from cxuxlib.frames.tally import counts

__all__ = ["Panel", "panel"]

MOST = 24  # waves; a column of more values is a time, not a wave


class Panel(NamedTuple):
    """Units with their answers wave by wave.

    Args:
        table: distinct rows, NaN where an answer is missing, and in ``n`` how many units each stands for; the columns
            are named by variable and number of the wave, from 1, such as "x1".
        waves: what the waves are called, in order.
    """

    table: pd.DataFrame
    waves: tuple[float, ...]


@wide_frames()
def panel(frame: Any, variables: Mapping[str, Sequence[str]], *, unit: str, wave: str, most: int = MOST) -> Panel:
    """Reduce a frame with one row per unit and wave to the distinct rows of its units.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark.
        variables: name of each variable to its columns; several become their mean where all of them were answered.
        unit: column that says whose the row is.
        wave: column of the number of the wave.
        most: most waves there may be.

    >>> rows = pd.DataFrame({"who": [1, 1, 2, 2], "wave": [1, 2, 1, 2], "ease": [5.0, 4.0, 5.0, None]})
    >>> panel(rows, {"x": ["ease"]}, unit="who", wave="wave").table
        x1   x2  n
    0  5.0  4.0  1
    1  5.0  NaN  1
    """
    for what, name in (("unit", unit), ("wave", wave)):
        if not isinstance(name, str):
            raise ArgumentError(f"{what} names one column; got {name!r:.40}.")
    used = list(dict.fromkeys(column for each in variables.values() for column in each))
    lazy = open_frame(frame, [*used, unit, wave])
    check_numeric(lazy, used)
    check_units(lazy, unit, [], "")
    waves = _waves(lazy, wave, most)
    at = nw.col(wave).cast(nw.Float64)
    plan, sums = [], []
    for t, value in enumerate(waves, start=1):
        here = (at == nw.lit(value)).cast(nw.Float64)
        plan.append(here.alias(f"r{t}"))
        for v, columns in enumerate(variables.values()):
            parts = [answer_of(name) for name in columns]
            there = here
            for _, missing in parts:
                there = there * (1.0 - missing.cast(nw.Float64))
            whole = parts[0][0]
            for each, _ in parts[1:]:
                whole = whole + each
            mean = nw.when(there > 0).then(whole / float(len(columns))).otherwise(0.0)
            plan += [mean.alias(f"s{v}_{t}"), there.alias(f"c{v}_{t}")]
            sums += [f"s{v}_{t}", f"c{v}_{t}"]
    repeats = [f"r{t}" for t in range(1, len(waves) + 1)]
    long = lazy.select(nw.col(unit).alias("unit"), *plan)
    wide = long.group_by("unit").agg(*(nw.col(name).sum() for name in [*repeats, *sums]))
    found = rows(wide.select(*(nw.col(name).max() for name in repeats)))
    for t, name in enumerate(repeats):
        if found[name].iloc[0] > 1:
            raise UnitError(_twice(wide.filter(nw.col(name) > 1), unit, waves[t]))
    names = {(v, t): f"{name}{t}" for t in range(1, len(waves) + 1) for v, name in enumerate(variables)}
    wide = wide.select(
        *(nw.when(nw.col(f"c{v}_{t}") > 0).then(nw.col(f"s{v}_{t}")).alias(name) for (v, t), name in names.items())
    )
    table = counts(wide.to_native(), list(names.values()), unit=None)
    if np.isinf(table.to_numpy(float)).any():
        raise AnswerError(f"There are infinite values in {listed(used)}.")
    return Panel(table, waves)


def _waves(lazy: nw.LazyFrame[Any], wave: str, most: int) -> tuple[float, ...]:
    """The numbers of the waves, in order."""
    dtype = lazy.collect_schema()[wave]
    if not dtype.is_numeric():
        raise ColumnError(f"Column {wave!r} holds {dtype}; waves are numbers, which tell their order. Number them.")
    value, missing = answer_of(wave)
    seen = lazy.select(value.alias("wave"), missing.cast(nw.Float64).alias("gone"))
    found = rows(seen.group_by("wave").agg(nw.col("gone").sum(), nw.len().alias("rows")))
    if found.empty:
        raise SampleError("The frame has no rows.")
    if lost := int(found["gone"].sum()):
        raise AnswerError(f"{lost:,} rows have no {wave!r}; drop them or find out when they were asked.")
    waves = tuple(sorted(map(float, found["wave"])))
    if len(waves) > most:
        raise ArgumentError(
            f"{wave!r} has {len(waves):,} different values, such as {listed(waves[:3])}; there may be {most} waves. Is "
            "it a time? Number the waves."
        )
    return waves


def _twice(wide: nw.LazyFrame[Any], unit: str, wave: float) -> str:
    """What is wrong with units that have several rows in one wave."""
    found = rows(wide.select(nw.col("unit").min(), nw.len().alias("units")))
    return (
        f"{int(found['units'].iloc[0]):,} units have several rows in wave {wave:g}, such as {unit} "
        f"{found['unit'].iloc[0]}; there is one row per unit and wave: average them, or find out which one holds."
    )
