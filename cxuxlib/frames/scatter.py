"""Frames in, means and covariances out: sums of products in one pass, on the engine that holds the rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, listed
from cxuxlib.frames.handing import LONG, in_engine
from cxuxlib.frames.reading import (
    answer_of,
    check_keys,
    check_numeric,
    check_roles,
    check_units,
    open_frame,
    rows,
    wide_frames,
)
from cxuxlib.frames.reduce import in_order
from cxuxlib.results import Moments

__all__ = ["moments", "moments_by"]

_LOOK = 1000  # rows whose means are taken off first, so that no digits are lost in the squares of large numbers


def moments(
    frame: Any,
    columns: Sequence[str],
    *,
    weight: str | None = None,
    frequency: str | None = None,
    missing: Literal["complete", "pairwise"] = "complete",
) -> Moments:
    """Reduce a frame to the means and covariances of some columns, in one pass over its rows.

    Args:
        frame: a frame of pandas, Polars, Arrow, DuckDB or PySpark with one row per unit, or counts.
        columns: numeric columns.
        weight: column of sampling weights, 0 or more.
        frequency: column that says how many units a row stands for.
        missing: "complete": units with a missing answer are left out and counted. "pairwise": means and variances are
            of all who answered, each correlation of those that answered both, and ``pairs`` says how many.

    Returns:
        `Moments`, which models take in the place of rows.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong with the frame.

    Source: sums about provisional means, Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115. Checked
    against: NumPy's means and covariances, on six engines.

    >>> moments(pd.DataFrame({"ease": [1.0, 2, 4, None], "speed": [2.0, 2, 5, 1]}), ["ease", "speed"])
    Moments of 2 columns, n = 3 (1 left out as incomplete)
    """
    found = _moments(frame, columns, None, weight, frequency, missing)
    return next(iter(found.values()))


def moments_by(
    frame: Any,
    columns: Sequence[str],
    by: str,
    *,
    weight: str | None = None,
    frequency: str | None = None,
    missing: Literal["complete", "pairwise"] = "complete",
) -> dict[Any, Moments]:
    """Reduce a frame to the means and covariances in each group, or each cluster.

    Args:
        frame, columns, weight, frequency, missing: as of `moments`.
        by: column of groups; rows without one make the group "(missing)".

    Returns:
        `Moments` by group, groups in order. Those of complete rows add up to the moments of all.

    Raises:
        ColumnError, AnswerError, UnitError, SampleError, ArgumentError: what is wrong with the frame; SampleError too
            where a group has fewer than two units.

    Source: as of `moments`. Checked against: NumPy, group by group, on six engines.

    >>> frame = pd.DataFrame({"wave": [1, 1, 2, 2], "ease": [1.0, 2, 4, 5]})
    >>> {wave: float(found.means[0]) for wave, found in moments_by(frame, ["ease"], "wave").items()}
    {1: 1.5, 2: 4.5}
    """
    return _moments(frame, columns, by, weight, frequency, missing)


@wide_frames()
def _moments(
    frame: Any, columns: Sequence[str], by: str | None, weight: str | None, frequency: str | None, missing: str
) -> dict[Any, Moments]:
    if missing not in ("complete", "pairwise"):
        raise ArgumentError(f"missing is 'complete' or 'pairwise'; got {missing!r}.")
    if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
        raise ArgumentError(f"columns is a list of different names; got {columns!r}.")
    check_roles(frame, weight, frequency)
    sizes = [name for name in (weight, frequency) if name]
    extra = [*sizes, *([by] if by else [])]
    lazy = open_frame(frame, [*columns, *extra])
    check_numeric(lazy, [*columns, *sizes])
    check_keys(lazy, [by] if by else [])
    if not frequency:
        advice = "Moments want one row per unit: average within {name!r} first, or drop that column if rows are units."
        check_units(lazy, ..., [*columns, *extra], advice)
    lazy = _where_it_is_quick(frame, lazy.select(*dict.fromkeys([*columns, *extra])))
    center = _provisional(lazy, columns)
    table, plan = _summands(lazy, columns, by, weight, frequency, center, missing == "pairwise")
    table = table.select("segment", *(part.alias(name) for name, part in plan.items()))
    found = rows(table.group_by("segment").agg(*(nw.col(name).sum() for name in plan)))
    if found.empty or not found["all"].sum():
        raise SampleError("The frame has no rows.")
    if broken := int(found["broken"].sum()):
        raise AnswerError(f"{broken:,} rows have a missing, negative or infinite value in {listed(sizes)}.")
    found = found.sort_values("segment", key=in_order, ignore_index=True)
    group = found["segment"].astype(object).where(found["segment"].notna(), "(missing)")
    made = _pairwise if missing == "pairwise" else _complete
    return {
        label: made(row, tuple(columns), center, weight, f" in group {label!r}" if by else "")
        for label, (_, row) in zip(group, found.drop(columns="segment").astype(float).iterrows(), strict=True)
    }


def _where_it_is_quick(frame: Any, lazy: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Long frames in memory as relations of DuckDB, which needs no copy of them and none of their products."""
    eager = nw.from_native(frame)
    if isinstance(eager, nw.DataFrame) and not eager.implementation.is_pandas() and len(eager) >= LONG:
        import duckdb

        names = lazy.collect_schema().names()
        return nw.from_native(duckdb.connect().from_arrow(eager.select(names).to_arrow())).lazy()
    return in_engine(lazy)


def _provisional(lazy: nw.LazyFrame[Any], columns: Sequence[str]) -> np.ndarray:
    """About the means, to be taken off before anything is squared."""
    look = rows(
        lazy.select(*(nw.col(name).cast(nw.Float64).alias(f"c{i}") for i, name in enumerate(columns))).head(_LOOK)
    )
    values = look.to_numpy(dtype=float)
    known = np.isfinite(values)
    many = np.maximum(known.sum(axis=0), 1)
    center: np.ndarray = np.where(known, values, 0.0).sum(axis=0) / many
    return center


def _summands(
    lazy: nw.LazyFrame[Any],
    columns: Sequence[str],
    by: str | None,
    weight: str | None,
    frequency: str | None,
    center: np.ndarray,
    pairwise: bool,
) -> tuple[nw.LazyFrame[Any], dict[str, nw.Expr]]:
    """Rows with weights, deviations from the center (z) and what is there (t), and what of them is added up."""
    f, no_f = answer_of(frequency) if frequency else (nw.lit(1.0), nw.lit(False))
    w, no_w = answer_of(weight) if weight else (nw.lit(1.0), nw.lit(False))
    broken = no_f | no_w | (f < 0) | (f != f.round(0)) | (w < 0) | (f == inf) | (w == inf)
    parts = {"segment": nw.col(by) if by else nw.lit("all"), "f": f, "w": w, "broken": broken.cast(nw.Float64)}
    for i, (name, middle) in enumerate(zip(columns, center.tolist(), strict=True)):
        value, gone = answer_of(name, middle)
        parts |= {f"z_{i}": value - middle, f"t_{i}": (~gone).cast(nw.Float64)}
    table = lazy.select(*(part.alias(name) for name, part in parts.items()))
    z, there = ([nw.col(f"{key}_{i}") for i in range(len(columns))] for key in "zt")
    use = nw.max_horizontal(*there) if pairwise else nw.min_horizontal(*there)
    table = table.with_columns((use * nw.col("f")).alias("n")).with_columns((nw.col("n") * nw.col("w")).alias("nw"))
    n, nw_, w = nw.col("n"), nw.col("nw"), nw.col("w")
    plan = {"all": nw.col("f"), "broken": nw.col("broken"), "n": n, "w": nw_, "ww": nw_ * w}
    pairs = [(i, j) for i in range(len(columns)) for j in range(i, len(columns))]
    for i, j in pairs if pairwise else ():
        both = there[i] * there[j]
        plan |= {f"n_{i}_{j}": n * both, f"w_{i}_{j}": nw_ * both, f"a_{i}_{j}": nw_ * both * z[i],
                 f"b_{i}_{j}": nw_ * both * z[j], f"aa_{i}_{j}": nw_ * both * z[i] * z[i],
                 f"bb_{i}_{j}": nw_ * both * z[j] * z[j]}  # fmt: skip
    if not pairwise:
        plan |= {f"a_{i}": nw_ * each for i, each in enumerate(z)}
    return table, plan | {f"s_{i}_{j}": nw_ * z[i] * z[j] for i, j in pairs}


def _sizes(row: pd.Series, names: tuple[str, ...], weight: str | None, where: str) -> tuple[int, tuple[float, float]]:
    n, (w, ww) = round(row["n"]), (row["w"], row["ww"])
    if n < 2:
        raise SampleError(f"Only {n} complete rows of {row['all']:,.0f}{where} in {listed(names)}; 2 are needed.")
    if not w > 0:
        raise SampleError(f"All weights in {weight!r} are 0{where}, so that no row counts.")
    return n, (w, ww)


def _finite(covariance: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    if not np.isfinite(covariance).all():
        wrong = [name for name, each in zip(names, np.isfinite(covariance).all(axis=0), strict=True) if not each]
        raise AnswerError(f"There are infinite values, or such as have no finite square, in {listed(wrong)}.")
    return covariance


def _complete(row: pd.Series, names: tuple[str, ...], center: np.ndarray, weight: str | None, where: str) -> Moments:
    n, sizes = _sizes(row, names, weight, where)
    p = len(names)
    shift = np.array([row[f"a_{i}"] for i in range(p)]) / sizes[0]
    covariance = np.empty((p, p))
    for i in range(p):
        for j in range(i, p):
            covariance[i, j] = covariance[j, i] = row[f"s_{i}_{j}"] / sizes[0] - shift[i] * shift[j]
    covariance = _finite(covariance * n / (n - 1), names)
    n_missing = round(row["all"]) - n
    return Moments(n, names, center + shift, covariance, n_missing, sizes=sizes if weight else None)


def _pairwise(row: pd.Series, names: tuple[str, ...], center: np.ndarray, weight: str | None, where: str) -> Moments:
    n, sizes = _sizes(row, names, weight, where)
    p = len(names)
    corr, pairs, mean, variance = np.eye(p), np.empty((p, p)), np.empty(p), np.empty(p)
    for i in range(p):
        for j in range(i, p):
            many, w, a, b, aa, bb, s = (row[f"{key}_{i}_{j}"] for key in ("n", "w", "a", "b", "aa", "bb", "s"))
            if many < 2 or not w > 0:
                raise SampleError(f"Only {many:.0f} units{where} answered both {names[i]!r} and {names[j]!r}.")
            pairs[i, j] = pairs[j, i] = many
            if i == j:
                mean[i], variance[i] = a / w, (s / w - (a / w) ** 2) * many / (many - 1)
            else:
                scale = np.sqrt((aa / w - (a / w) ** 2) * (bb / w - (b / w) ** 2))
                if not scale > 0:
                    raise ModelError(
                        f"Among units{where} that answered both {names[i]!r} and {names[j]!r} one of them is constant."
                    )
                corr[i, j] = corr[j, i] = (s / w - a / w * b / w) / scale
    covariance = corr * np.sqrt(np.outer(variance.clip(0), variance.clip(0)))
    covariance, n_missing = _finite(covariance, names), round(row["all"]) - n
    return Moments(n, names, center + mean, covariance, n_missing, sizes=sizes if weight else None, pairs=pairs)
