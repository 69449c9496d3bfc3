"""How long customers last, and whether what was foretold of them comes true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxuxlib import text
from cxuxlib.errors import ArgumentError
from cxuxlib.models.churn.foretelling import Performance
from cxuxlib.plots.charts import _GREY, _SEGMENTS, _TITLE, _words
from cxuxlib.plots.picture import Picture
from cxuxlib.results import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["reliability", "survival_curves"]


def survival_curves(fit: Fit, *, title: str = "", unit: str = "") -> Picture:
    """Draw the share of customers that are still there over time, by group, with the interval as a band.

    Args:
        fit: result of `models.survival`.
        title: the finding in a sentence; a neutral title where it is empty.
        unit: of time, such as "months".

    Returns:
        A `Picture`: one step curve a group; its sentence tells the last share of each.

    Raises:
        ArgumentError: this is no result of `models.survival`, or it has more than four groups.

    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452. Checked against: the table of the fit.

    >>> import pandas as pd
    >>> from cxuxlib import models
    >>> rows = pd.DataFrame({"days": [20, 50, 90, 90], "left": [1, 1, 0, 0]})
    >>> survival_curves(models.survival(rows, duration="days", event="left"), unit="days")
    Customers who are still there. Share at 90 days (bands: 95% intervals): all 0.50 [0.06, 0.84].
    """
    if not isinstance(fit, Fit) or fit.model != "survival":
        raise ArgumentError(
            f"survival_curves draws results of models.survival; got {getattr(fit, 'model', fit)!r:.60}."
        )
    groups = list(dict.fromkeys(fit.raw["group"]))
    if len(groups) > len(_SEGMENTS):
        raise ArgumentError(f"The picture shows up to {len(_SEGMENTS)} groups; there are {len(groups)}.")
    axes = _square(title or "Customers who are still there")
    until = fit.quality["until"]
    shown = fit.raw[fit.raw["time"] <= until]
    for name, (color, _) in zip(groups, _SEGMENTS, strict=False):
        rows = shown[shown["group"] == name]
        first = min(0.0, rows["time"].min())
        time = np.r_[first, rows["time"].to_numpy(dtype=float), until]
        ends = {each: rows[each].to_numpy(dtype=float) for each in ("value", "low", "high")}
        value, low, high = (np.r_[1.0, each, each[-1]] for each in ends.values())
        axes.fill_between(time, low, high, step="post", color=color, alpha=0.15, linewidth=0)
        axes.step(time, value, where="post", color=color, linewidth=2, label=str(name), gid="estimate")
    label = f"{until:g} {unit}".strip()
    axes.set(xlabel=unit.capitalize() or "Time", ylabel="Share that is still there", ylim=(0, 1.02), xlim=(0, None))
    if len(groups) > 1:
        axes.legend(frameon=False, loc="lower left")
    last = shown.drop_duplicates("group", keep="last").set_index("group").loc[groups]
    said = [f"{row.Index} {text.number(row.value, 2)} {text.interval(row.low, row.high)}" for row in last.itertuples()]
    level = f"{100 * fit.level:g}%"
    return _said(axes, f"Share at {label} (bands: {level} intervals): {'; '.join(said)}.")


def reliability(found: Fit, *, title: str = "") -> Picture:
    """Draw how often customers left against the chance that was foretold, by bins of forecasts.

    Args:
        found: result of `models.churn_performance`.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`: one point a bin, with Wilson's interval; on the dashed line forecasts are right.

    Raises:
        ArgumentError: this is no result of `models.churn_performance`.

    Source: Murphy & Winkler 1977, doi:10.2307/2346866. Checked against: the table of the fit.

    >>> import pandas as pd
    >>> from cxuxlib import models
    >>> rows = pd.DataFrame({"ease": [1, 1, 5, 5], "churned": [1, 0, 1, 0], "n": [30, 20, 15, 35]})
    >>> found = models.churn_performance(models.churn_logit(rows, "churned ~ ease", frequency="n"))
    >>> reliability(found)
    Foretold and observed churn. Share that left where it was foretold (95% intervals; dashed: as foretold): 0.30: 0.30
    [0.19, 0.44]; 0.60: 0.60 [0.46, 0.72].
    """
    if not isinstance(found, Fit) or not isinstance(found.raw, Performance):
        raise ArgumentError(f"reliability draws results of models.churn_performance; got {found!r:.60}.")
    axes, said = _square(title or "Foretold and observed churn"), []
    table = found.raw.reliability
    for row in table.itertuples():
        axes.plot([row.foretold] * 2, [row.low, row.high], color=_SEGMENTS[0][0], linewidth=2.2, gid="interval")
        share = f"{text.number(row.observed, 2)} {text.interval(row.low, row.high)}"
        said.append(f"{text.number(row.foretold, 2)}: {share}")
    axes.plot(table["foretold"], table["observed"], "o", color=_SEGMENTS[0][0], markersize=7, gid="estimate")
    most = 1.08 * float(max(table["high"].max(), table["foretold"].max()))
    axes.plot([0, most], [0, most], color=_GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set(xlabel="Chance to leave that was foretold", ylabel="Share that left", xlim=(0, most), ylim=(0, most))
    level = f"{100 * found.level:g}%"
    return _said(
        axes, f"Share that left where it was foretold ({level} intervals; dashed: as foretold): {'; '.join(said)}."
    )


def _square(title: str) -> Axes:
    """An empty chart of two scales."""
    from textwrap import fill

    from matplotlib.figure import Figure

    axes = Figure(figsize=(7.0, 4.2), layout="constrained").subplots()
    axes.set_title(fill(title, _TITLE + 16), loc="left", fontsize=11, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _said(axes: Axes, what: str) -> Picture:
    return Picture(axes.figure, f"{_words(axes.get_title(loc='left'))}. {what}")
