"""How often rulings err, by claim and size of the study, against what is accepted."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from cxuxlib.errors import ArgumentError
from cxuxlib.plots.charts import _SEGMENTS, _axes, _label_rows, _picture, _point
from cxuxlib.plots.picture import Picture
from cxuxlib.stats.intervals import wilson

__all__ = ["error_rates"]

_NEEDED = ("claim", "world", "n", "wrong", "replications")
_GOAL = 0.05


def error_rates(table: pd.DataFrame, *, title: str = "") -> Picture:
    """Draw how often each claim was ruled wrongly in simulated studies, with the 5% that is accepted as a line.

    Args:
        table: rows of `claims.error_rates`; of several worlds the one is drawn in which the claim erred most, and rows
            where nothing can be wrong are left out.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`: one line per claim, one point per number of customers, with Wilson's interval of the simulation.

    Raises:
        ArgumentError: this is no table of error rates, it is empty, or it has more than four sizes of study.

    Source: Morris, White & Crowther 2019, doi:10.1002/sim.8086. Checked against: the table.

    >>> from cxuxlib import claims
    >>> table = claims.error_rates().query("claim == 'A3 proper' and world == 'one-and-the-same' and n == 300")
    >>> error_rates(table).sentence[:56]
    'Wrong rulings. Share of simulated studies (95% interval '
    """
    absent = [name for name in _NEEDED if name not in getattr(table, "columns", ())]
    if absent:
        raise ArgumentError(f"Give rows of claims.error_rates(); columns {list(_NEEDED)} are needed, {absent} lack.")
    shown = (
        table.dropna(subset="wrong").sort_values("wrong", kind="stable").drop_duplicates(["claim", "n"], keep="last")
    )
    sizes = sorted(shown["n"].unique())
    if not 1 <= len(sizes) <= len(_SEGMENTS):
        raise ArgumentError(f"The picture shows 1 to {len(_SEGMENTS)} sizes of study; the table has {len(sizes)}.")
    rows = sorted(shown["claim"].unique())
    label = "Share of simulated studies (95% interval of the simulation; dashed: the 5% that is accepted)"
    axes = _axes(round(len(rows) * (0.5 + 0.25 * len(sizes))), title or "Wrong rulings", label)
    for place, (n, (color, marker)) in enumerate(zip(sizes, _SEGMENTS, strict=False)):
        for row in shown[shown["n"] == n].sort_values("claim").itertuples():
            low, high = wilson(round(row.wrong * row.replications), row.replications)
            y = rows.index(row.claim) + 0.22 * (place - (len(sizes) - 1) / 2)
            _point(axes, y, SimpleNamespace(value=row.wrong, low=low, high=high), color, marker)
            axes.lines[-1].set_label(f"n = {n:,}")
    axes.axvline(_GOAL, color="#333333", linewidth=1, linestyle="--")
    _label_rows(axes, rows)
    axes.set_xlim(left=-0.004)
    handles = {str(line.get_label()): line for line in axes.lines if line.get_gid() == "estimate"}
    axes.figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return _picture(axes)
