"""Two conditions within each unit: sums of the differences between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from cxuxlib.frames.reading import check_numeric, check_units, open_frame, rows, wide_frames
from cxuxlib.frames.scoring import scored_rows
from cxuxlib.study import Metric

__all__ = ["pairs"]


@wide_frames()
def pairs(frame: Any, metrics: Sequence[Metric], *, between: str, unit: str, a: Any, b: Any) -> pd.DataFrame:
    """Reduce a frame to the sums of differences between two conditions within each unit.

    With r = y / x of a unit in a condition (its logarithm for a geometric mean is a mean of logarithms already):
    d = r_a - r_b over the units that have both.

    Args:
        frame: a frame of pandas, Polars, Arrow or DuckDB.
        metrics: what to score.
        between: column of conditions.
        unit: column that says which rows belong to the same unit.
        a, b: two values of ``between``.

    Returns:
        One row per metric: n (units with both), alone (units with one), d, dd (sums of differences and of their
        squares), ra (sum of a's ratios), rb, rab (sum of products).
    """
    columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
    lazy = open_frame(frame, [*columns, between, unit])
    check_numeric(lazy, columns)
    check_units(lazy, unit, [], "")
    plan = []
    scored = scored_rows(lazy, metrics, {"between": nw.col(between), "unit": nw.col(unit)})
    for i in range(len(metrics)):
        score, per = nw.col(f"s{i}"), nw.col(f"r{i}" if metrics[i].per == "1" else f"p{i}")
        for side, value in (("a", a), ("b", b)):
            here = (nw.col("between") == nw.lit(value)).cast(nw.Float64).fill_null(0.0)
            plan += [(here * score).alias(f"y{side}{i}"), (here * per).alias(f"x{side}{i}")]
    names = [f"{part}{side}{i}" for i in range(len(metrics)) for side in "ab" for part in "yx"]
    table = scored.select("unit", *plan).group_by("unit").agg(*(nw.col(name).sum() for name in names))
    flags, ratios = [], []
    for i in range(len(metrics)):
        has = {side: nw.col(f"x{side}{i}") > 0 for side in "ab"}
        flags += [
            (has["a"] & has["b"]).cast(nw.Float64).alias(f"n{i}"),
            (has["a"] ^ has["b"]).cast(nw.Float64).alias(f"alone{i}"),
        ]
        for side in "ab":
            under = nw.when(has[side]).then(nw.col(f"x{side}{i}")).otherwise(1.0)
            over = nw.col(f"y{side}{i}") if not metrics[i].once else (nw.col(f"y{side}{i}") > 0).cast(nw.Float64)
            ratios.append((over / (1.0 if metrics[i].once else under)).alias(f"r{side}{i}"))
    table = table.with_columns(*flags, *ratios)
    sums_of = []
    for i in range(len(metrics)):
        both, ra, rb = nw.col(f"n{i}"), nw.col(f"ra{i}"), nw.col(f"rb{i}")
        parts = {"n": both, "alone": nw.col(f"alone{i}"), "d": both * (ra - rb), "dd": both * (ra - rb) * (ra - rb)}
        parts |= {"ra": both * ra, "rb": both * rb, "rab": both * ra * rb}
        sums_of += [part.alias(f"{name}_{i}") for name, part in parts.items()]
    found = rows(table.select(*sums_of).select(nw.all().sum())).iloc[0]
    keys = ("n", "alone", "d", "dd", "ra", "rb", "rab")
    return pd.DataFrame([{name: float(found[f"{name}_{i}"] or 0.0) for name in keys} for i in range(len(metrics))])
