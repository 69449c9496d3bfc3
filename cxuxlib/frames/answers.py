"""Frames in, the answers a model runs on out: distinct rows with how many units gave them, by weight and cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, SampleError, listed
from cxuxlib.frames.coding import Coded, coded, pack
from cxuxlib.frames.handing import in_engine
from cxuxlib.frames.reading import answer_of, check_numeric, check_roles, check_units, is_plain, open_frame, rows

__all__ = ["Answers", "answers", "answers_by"]

_Read = tuple[np.ndarray, np.ndarray | None, pd.Series | None]
ADVICE = "A model wants one row per unit: average within {name!r} first, or drop that column if rows are units."
_FEW = 100_000  # rows in memory up to which counting the distinct ones costs more than it saves


class Answers(NamedTuple):
    """Answers of units, equal ones together.

    Args:
        x: answers, NaN where missing, shape (m, p).
        n: units that gave them, shape (m,).
        w: weight of each of these units, shape (m,).
        cluster: number of the cluster these units belong to, shape (m,); None where units are independent.
        n_missing: units left out.
    """

    x: np.ndarray
    n: np.ndarray
    w: np.ndarray
    cluster: np.ndarray | None
    n_missing: int


def answers(
    frame: Any,
    columns: Sequence[str],
    *,
    weight: str | None = None,
    frequency: str | None = None,
    cluster: str | None = None,
    least: int | None = None,
    advice: str = ADVICE,
) -> Answers:
    """Read the answers of units in one pass, and count equal ones together where that makes them few.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark with one row per unit.
        columns: numeric columns.
        weight: column of sampling weights, 0 or more.
        frequency: column that says how many units a row stands for.
        cluster: column that says which units belong together.
        advice: what to do about repeated ids.
        least: answers a unit must have given in ``columns``; by default all, so that rows are complete.

    Returns:
        `Answers`, without the units that gave fewer.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.
    """
    found, own = _answers(
        frame, columns, weight, frequency, cluster, least, clustered=cluster is not None, advice=advice
    )
    return found._replace(cluster=None if own is None else pd.factorize(own)[0])


def answers_by(
    frame: Any, columns: Sequence[str], group: str, *, frequency: str | None = None, least: int | None = None
) -> tuple[dict[Any, Answers], int]:
    """Read the answers of units group by group.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark with one row per unit.
        columns: numeric columns.
        group: column that says which group a unit is of.
        frequency: column that says how many units a row stands for.
        least: answers a unit must have given in ``columns``; by default all, so that rows are complete.

    Returns:
        `Answers` by group, in the order of their names, and the number of units that name no group.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError: what is wrong with the frame.

    >>> found, n_none = answers_by(pd.DataFrame({"ease": [5, 4, 2], "shop": ["b", "a", "b"]}), ["ease"], "shop")
    >>> {name: each.x.ravel().tolist() for name, each in found.items()}, n_none
    ({'a': [4.0], 'b': [5.0, 2.0]}, 0)
    """
    if group in columns:
        raise ArgumentError(f"{group!r} is the group and one of the answers.")
    whole, own = _answers(frame, columns, None, frequency, group, 0, clustered=False)
    code, labels = pd.factorize(own, sort=True)
    enough = (~np.isnan(whole.x)).sum(axis=1) >= (len(columns) if least is None else least)
    found = {}
    for place, label in enumerate(labels):
        of = code == place
        keep = of & enough
        x, n, w = (each[keep] for each in (whole.x, whole.n, whole.w))
        found[label] = Answers(x, n, w, None, int(whole.n[of & ~enough].sum()))
    return found, int(whole.n[code < 0].sum())


def _answers(
    frame: Any, columns: Sequence[str], weight: str | None, frequency: str | None, cluster: str | None,
    least: int | None, *, clustered: bool, advice: str = ADVICE,
) -> tuple[Answers, pd.Series | None]:  # fmt: skip
    """Answers, and of each distinct row what stands in ``cluster``; ``clustered`` says that units may repeat."""
    check_roles(frame, weight, frequency, cluster)
    if len(set(columns)) < len(columns):
        raise ArgumentError(f"A column is named twice in {listed(columns)}.")
    sizes = [name for name in (weight, frequency) if name]
    used = {f"c{i}": name for i, name in enumerate(columns)}
    used |= {key: name for key, name in (("n", frequency), ("w", weight)) if name}
    if not cluster and is_plain(frame, list(used.values())):
        values, many, own = _of_numbers(frame, list(used.values()), None)
    else:
        lazy = open_frame(frame, [*columns, *sizes, *([cluster] if cluster else [])])
        check_numeric(lazy, [*columns, *sizes])
        if cluster and clustered:
            check_units(lazy, cluster, [], "")
        elif not frequency:
            check_units(lazy, ..., [*columns, *sizes, *([cluster] if cluster else [])], advice)
        if is_plain(frame, list(used.values()), ids=True):
            values, many, own = _of_numbers(frame, list(used.values()), frame[cluster] if cluster else None)
        else:
            values, many, own = (_rows_of if _is_short(frame) else _counted)(lazy, used, cluster)
    if not len(values):
        raise SampleError("The frame has no rows.")
    at = {key: i for i, key in enumerate(used)}
    one = np.ones(len(values))
    n, w = (values[:, at[key]] if name else one for key, name in (("n", frequency), ("w", weight)))
    if sizes:
        fine = (n >= 0) & (n == np.round(n)) & (w >= 0) & np.isfinite(n) & np.isfinite(w)  # False where one is NaN
        if not fine.all():
            lost = int((one if many is None else many)[~fine].sum())
            raise AnswerError(f"{lost:,} rows have a missing, negative or infinite value in {listed(sizes)}.")
    n = n if many is None else n * many
    x = values[:, : len(columns)]
    keep, n_missing = n > 0, 0
    if not np.isfinite(x).all():
        enough = (~np.isnan(x)).sum(axis=1) >= (len(columns) if least is None else least)
        keep, n_missing = keep & enough, int(n[~enough].sum())
        if np.isinf(x[keep]).any():
            wrong = [name for name, each in zip(columns, np.isinf(x[keep]).any(axis=0), strict=True) if each]
            raise AnswerError(f"There are infinite values in {listed(wrong)}.")
    if not keep.all():
        x, n, w, own = x[keep], n[keep], w[keep], own[keep] if own is not None else None
    return Answers(x, n, w, None, n_missing), own


def _is_short(frame: Any) -> bool:
    """Whether this is a frame in memory of so few rows that they are taken as they are."""
    length = (
        len(frame) if isinstance(frame, pd.DataFrame) else getattr(frame, "height", getattr(frame, "num_rows", None))
    )
    return isinstance(length, int) and length <= _FEW


def _of_numbers(frame: pd.DataFrame, names: list[str], cluster: pd.Series | None) -> _Read:
    """The rows of a pandas frame of plain numbers, the distinct ones of a long frame where numbers repeat."""
    if len(frame) > _FEW:
        codes = [coded(frame[name], name) for name in names]
        if not any(each.continuous for each in codes):
            groups = [] if cluster is None else [_grouped(cluster)]
            packed = pack([*codes, *groups], [None], rows=False)
            values = np.column_stack([
                np.append(np.nan, each.levels).take(place + 1 - each.missing)
                for each, place in zip(codes, packed.places, strict=False)
            ])  # fmt: skip
            own = pd.Series(groups[0].levels.take(packed.places[-1])) if groups else None
            return values, packed.totals[0], own
    if names == list(frame.columns):
        return frame.to_numpy(dtype=float), None, cluster
    if len(set(frame.dtypes)) == 1:  # one table, of which all columns are had sooner than one by one
        at = {name: place for place, name in enumerate(frame.columns)}
        values = frame.to_numpy().T[[at[name] for name in names]].T
        return values.astype(float, copy=False), None, cluster
    values = np.array([frame[name].to_numpy(dtype=float) for name in names]).T
    return values, None, cluster


def _grouped(cluster: pd.Series) -> Coded:
    """Clusters as codes."""
    codes, levels = pd.factorize(cluster, sort=True, use_na_sentinel=False)
    return Coded(codes, 0, pd.Index(levels), False)


def _rows_of(lazy: nw.LazyFrame[Any], used: Mapping[str, str], cluster: str | None) -> _Read:
    """Every row, as floats, NaN where missing."""
    eager = lazy.select(
        *(nw.col(name).cast(nw.Float64).alias(key) for key, name in used.items()),
        *([nw.col(cluster).alias("cluster")] if cluster else []),
    ).collect()
    values = np.asarray(eager.select(*used).to_numpy(), dtype=float)
    return values, None, pd.Series(eager["cluster"].to_list()) if cluster else None


def _counted(lazy: nw.LazyFrame[Any], used: Mapping[str, str], cluster: str | None) -> _Read:
    """Distinct rows, and how many rows they are."""
    plan: dict[str, nw.Expr] = {}
    for key, name in used.items():
        value, gone = answer_of(name)
        plan |= {key: value, f"gone_{key}": gone.cast(nw.Float64)}
    if cluster:
        plan["cluster"] = nw.col(cluster)
    lazy = in_engine(lazy.select(*dict.fromkeys([*used.values(), *([cluster] if cluster else [])])))
    table = lazy.select(*(expression.alias(key) for key, expression in plan.items()))
    found = rows(table.group_by(*plan).agg(nw.len().alias("rows")))
    found = found.sort_values(list(plan), ignore_index=True)  # engines group in any order
    values = found[list(used)].to_numpy(dtype=float, copy=True)
    values[found[[f"gone_{key}" for key in used]].to_numpy(dtype=float) > 0] = np.nan
    return values, found["rows"].to_numpy(dtype=float), found["cluster"] if cluster else None
