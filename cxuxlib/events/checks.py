"""Refusals that several ways of reading a log share."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import narwhals as nw

from cxuxlib.errors import ArgumentError, ColumnError, listed, unknown
from cxuxlib.frames.logs import TIME
from cxuxlib.frames.reading import rows

Plan = nw.LazyFrame[Any]

_LOOK = 10_000


def columns(plan: Plan, names: Sequence[str]) -> None:
    """Refuse columns that the log does not have."""
    there = [name for name in plan.collect_schema().names() if name != TIME]
    for name in names:
        if name not in there:
            raise ColumnError(unknown("column", name, there))


def apart(names: Sequence[str]) -> None:
    """Refuse two columns of a result that have one name."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ColumnError(f"Two columns of the result would be named {listed(twice)}; rename one in the log first.")


def seconds(name: str, value: float, what: str = "seconds") -> None:
    """Refuse a length of time that is not above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        raise ArgumentError(f"{name} is {what}, above 0; got {value!r}.")


def common(plan: Plan, column: str) -> frozenset[str]:
    """Names of events among the first rows: of most that are asked for, one look tells that they occur."""
    return frozenset(rows(plan.select(column).head(_LOOK).unique())[column])


def occurs(plan: Plan, column: str, names: Sequence[str], what: str, known: Collection[str]) -> None:
    """Refuse names of events of which a log has none; cheap where it has one, for the first is enough."""
    if not any(name in known for name in names) and not _holds(plan, column, names):
        raise ColumnError(f"{what}: {_none_of(plan, column, names)}")


def warn_of_absent(plan: Plan, column: str, names: Sequence[str], what: str, known: Collection[str]) -> None:
    """Warn of names of events that a log does not hold: nobody did it, or the name is spelt in another way."""
    for name in names:
        if name not in known and not _holds(plan, column, [name]):
            warnings.warn(f"{what}: {_none_of(plan, column, [name])}", UserWarning, stacklevel=4)


def _holds(plan: Plan, column: str, names: Sequence[str]) -> bool:
    return not rows(plan.select(column).filter(nw.col(column).is_in(list(names))).head(1)).empty


def _none_of(plan: Plan, column: str, names: Sequence[str]) -> str:
    there = sorted(rows(plan.select(column).unique())[column].astype(str))
    return f"no event {listed(list(names))} in column {column!r}. {unknown('event', names[0], there)}"
