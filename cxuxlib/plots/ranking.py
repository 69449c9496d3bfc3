"""How sure the order of drivers is."""

from __future__ import annotations

import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, listed
from cxuxlib.plots.charts import _BLUE, _KINDS, _ORANGE, _axes, _drawn, _label_rows, _point, _words
from cxuxlib.plots.picture import Picture

__all__ = ["driver_ranks"]

_NEEDED = ("term", "kind", "sign", "rank", "rank_low", "rank_high", "level")
_SIGNS = {1: ("", _BLUE, "o"), -1: (" (negative)", _ORANGE, "X"), 0: (" (signs differ)", _BLUE, "s")}


def driver_ranks(table: pd.DataFrame, *, title: str = "") -> Picture:
    """Draw the rank of each driver with the ranks that it may have; a driver with a negative coefficient says so.

    Args:
        table: result of `models.driver_ranks`.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the table is not of `models.driver_ranks`.

    Source: Al Mohamad, Goeman & van Zwet 2022, Simultaneous confidence intervals for ranks, Biometrics 78.
    Checked against: the sentence equals the table.

    >>> from cxuxlib import datasets, models
    >>> moments = datasets.aggregates("sfo").tables["moments/overall/2018"]
    >>> fit = models.key_drivers(moments, "overall", ["wifi", "safe", "food"])
    >>> driver_ranks(models.driver_ranks(fit), title="Food first, then Wi-Fi")
    Food first, then Wi-Fi. Rank of the share (LMG, 95% interval): food 1 [1 to 1]; wifi 2 [2 to 2]; safe 3 [3 to 3].
    """
    absent = [name for name in _NEEDED if name not in getattr(table, "columns", ())]
    if absent:
        raise ArgumentError(f"Give the table of models.driver_ranks(); it has no {listed(absent)}.")
    kind, level = table["kind"].iloc[0], text.percent(table["level"].iloc[0])
    xlabel = f"Rank of the share ({_KINDS.get(kind, kind)}, {level} interval)"
    axes = _axes(len(table), title or "Which driver matters most", xlabel)
    shown = table[list(_NEEDED)].rename(columns={"rank": "value", "rank_low": "low", "rank_high": "high"})
    labels = []
    for y, row in enumerate(shown.itertuples()):
        mark, color, marker = _SIGNS[int(str(row.sign))]
        _point(axes, y, row, color, marker)
        labels.append(f"{row.term}{mark}")
    _label_rows(axes, labels)
    axes.set_xticks(range(1, len(table) + 1))
    axes.set_xlim(0.5, len(table) + 0.5)
    spans = {at: ends for ends, at in (_drawn(line) for line in axes.lines if line.get_gid() == "interval")}
    said = []
    for line in axes.lines:
        if line.get_gid() == "estimate":
            (rank,), at = _drawn(line)
            low, high = spans[at]
            said.append(f"{_words(axes.get_yticklabels()[round(at)].get_text())} {rank:.0f} [{low:.0f} to {high:.0f}]")
    heading, xlabel = _words(axes.get_title(loc="left")), _words(axes.get_xlabel())
    return Picture(axes.figure, f"{heading}. {xlabel}: {'; '.join(said)}.")
