"""How much each driver matters, and how well it is done."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, unknown
from cxuxlib.frames import answers
from cxuxlib.models.combining.spans import Columns, Span, given, named, spans
from cxuxlib.models.drivers import key_drivers
from cxuxlib.results import Moments
from cxuxlib.stats import intervals

__all__ = ["importance_performance"]

# By whether it matters, and whether it is done well (Martilla & James 1977).
_QUADRANTS = {
    (True, True): "keep up", (True, False): "concentrate here", (False, False): "low priority",
    (False, True): "possible overkill",
}  # fmt: skip


def importance_performance(
    data: Any,
    outcome: str,
    drivers: Columns,
    *,
    weight: str | None = None,
    frequency: str | None = None,
    cuts: tuple[float, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Set how much each driver matters for an outcome against how well it is rated, with the doubt about both.

    Importance is the driver's LMG share of the outcome's variance, by `key_drivers`; performance is its mean rating,
    100 (mean - lowest)/(highest - lowest). A driver is put into a quadrant only where both intervals lie on one side
    of the cuts; else it is undecided. Importance is association, and has no sign: it does not say that a better
    rating brings anything.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`, which need the ends of the
            scales.
        outcome: column that is explained.
        drivers: two or more columns of numbers; or column to the ends of its scale, {"ease": (1, 5)}.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        cuts: of importance (0 to 1) and of performance (0 to 100); the means over the drivers by default. They are
            taken as they are, without error.
        level: confidence level of each interval, 0 to 1.

    Returns:
        One row per driver: driver, importance, importance_low, importance_high, performance, performance_low,
        performance_high, quadrant, importance_cut, performance_cut, n, n_missing, method, level. quadrant: keep up,
        concentrate here, low priority, possible overkill, or undecided.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, ModelError: what is wrong with the data, as `key_drivers`.

    Source: Martilla & James 1977, doi:10.1177/002224297704100112. Checked against: key_drivers and means of the rows.

    >>> from cxuxlib import datasets
    >>> moments = datasets.aggregates("sfo").tables["moments/overall/2018"]
    >>> found = importance_performance(moments, "overall", {"wifi": (1, 5), "safe": (1, 5), "food": (1, 5)})
    >>> found[["driver", "importance", "performance", "quadrant"]].round(2)
      driver  importance  performance           quadrant
    0   wifi        0.14        73.38          undecided
    1   safe        0.05        84.37  possible overkill
    2   food        0.29        63.72   concentrate here
    """
    intervals.check_level(level)
    names = named(drivers, outcome, "drivers", least=2)
    if cuts is not None and not (
        isinstance(cuts, tuple | list)
        and len(cuts) == 2
        and all(isinstance(c, Real) and isfinite(c) for c in cuts)
        and 0 <= cuts[0] <= 1
        and 0 <= cuts[1] <= 100
    ):
        raise ArgumentError(f"cuts is two numbers, of importance (0 to 1) and performance (0 to 100); got {cuts!r}.")
    fit = key_drivers(data, outcome, names, weight=weight, frequency=frequency, level=level)
    shares = fit.terms[fit.terms["kind"] == "lmg"].set_index("term").loc[names]
    means, errors, scales, n, n_missing = _rated(data, [outcome, *names], drivers, weight, frequency)
    low, width = np.array([(span.low, span.high - span.low) for span in scales.values()]).T
    performance = 100 * (means - low) / width
    half = np.array([intervals.student(0.0, (100 * e) ** 2, n - 1, level)[1] for e in errors / width])
    table = pd.DataFrame({
        "driver": names,
        "importance": shares["value"].to_numpy(),
        "importance_low": shares["low"].to_numpy(),
        "importance_high": shares["high"].to_numpy(),
        "performance": performance,
        "performance_low": (performance - half).clip(0, 100),
        "performance_high": (performance + half).clip(0, 100),
    })  # fmt: skip
    cut = cuts if cuts is not None else (float(table["importance"].mean()), float(performance.mean()))
    table["quadrant"] = [_quadrant(row, cut) for row in table.to_dict("records")]
    ends = ", ".join(f"{name} {span}" for name, span in scales.items())
    how = f"importance: {fit.method}; performance: t, scales {ends}; cuts: {'as given' if cuts else 'means'}"
    return table.assign(
        importance_cut=float(cut[0]), performance_cut=float(cut[1]), n=n, n_missing=n_missing, method=how, level=level
    )


def _rated(
    data: Any, columns: list[str], drivers: Columns, weight: str | None, frequency: str | None
) -> tuple[np.ndarray, np.ndarray, dict[str, Span], int, int]:
    """Means of the drivers, their errors and scales; units, and those left out: complete answers, as of the shares."""
    names = columns[1:]
    if isinstance(data, Moments):
        scales = given(drivers, "drivers")
        if not scales:
            raise ArgumentError("Moments do not hold the ends of scales; give them: drivers={'ease': (1, 5), ...}.")
        for name in names:
            if name not in data.names:
                raise ColumnError(unknown("column", name, data.names))
        at = [data.names.index(name) for name in names]
        means, errors = data.means[at], np.sqrt(np.diag(data.covariance)[at] / data.effective_n)
        for name, mean in zip(names, means, strict=True):
            if not scales[name].low <= mean <= scales[name].high:
                raise AnswerError(f"{name!r} has the mean {mean:g}, outside its scale {scales[name]}.")
        return means, errors, scales, data.n, data.n_missing
    read = answers(data, columns, weight=weight, frequency=frequency)
    x, w, ww, n = read.x[:, 1:], read.n * read.w, read.n * read.w**2, round(float(read.n.sum()))
    means = np.average(x, axis=0, weights=w)
    errors = np.sqrt(ww @ (x - means) ** 2 * n / (n - 1)) / w.sum()
    return means, errors, spans(drivers, pd.DataFrame(x[w > 0], columns=names), "drivers"), n, read.n_missing


def _quadrant(row: dict[str, Any], cuts: tuple[float, float]) -> str:
    """Where both intervals lie."""
    sides = []
    for what, cut in zip(("importance", "performance"), cuts, strict=True):
        if row[f"{what}_low"] <= cut <= row[f"{what}_high"]:
            return "undecided"
        sides.append(row[f"{what}_low"] > cut)
    return _QUADRANTS[sides[0], sides[1]]
