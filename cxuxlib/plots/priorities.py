"""What to work on: importance against performance, and what a bad experience costs against what a good one brings."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, listed, unknown
from cxuxlib.plots.charts import _BLUE, _GREEN, _GREY, _ORANGE, _axes, _label_rows, _words
from cxuxlib.plots.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["importance_performance", "penalty_reward"]

_MAP = (
    "driver", "importance", "importance_low", "importance_high", "performance", "performance_low", "performance_high",
    "quadrant", "importance_cut", "performance_cut", "level",
)  # fmt: skip
_EFFECTS = ("scale", "driver", "effect", "per", "value", "low", "high", "kind", "level")
_QUADRANTS = {
    "keep up": (_GREEN, "o", (1, 1)),
    "concentrate here": (_ORANGE, "X", (0, 1)),
    "low priority": (_GREY, "s", (0, 0)),
    "possible overkill": (_BLUE, "^", (1, 0)),
}
_UNDECIDED = (_GREY, "D")
_NAME = 24  # letters of a name in one line
_SIDES = {"penalty": (_ORANGE, -0.19), "reward": (_BLUE, 0.19)}


def _need(table: object, columns: Sequence[str], maker: str) -> None:
    absent = [name for name in columns if name not in getattr(table, "columns", ())]
    if absent:
        raise ArgumentError(f"Give the table of models.{maker}(); it has no {listed(absent)}.")


def importance_performance(table: pd.DataFrame, *, title: str = "") -> Picture:
    """Draw the map of importance and performance with intervals both ways, and the cuts between the quadrants.

    Args:
        table: result of `models.importance_performance`.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`; drivers whose quadrant is undecided are grey diamonds.

    Raises:
        ArgumentError: the table is not of `models.importance_performance`.

    Source: Martilla & James 1977, doi:10.1177/002224297704100112. Checked against: the sentence equals the table.

    >>> from cxuxlib import datasets, models
    >>> moments = datasets.aggregates("sfo").tables["moments/overall/2018"]
    >>> table = models.importance_performance(moments, "overall", {"food": (1, 5), "safe": (1, 5)})
    >>> importance_performance(table, title="Work on the food")
    Work on the food. Importance (share of variance, 95% interval) against Performance (0 to 100, 95% interval), \
cuts at performance 74.0 and importance 0.205: food importance 0.348 [0.300, 0.403], performance 63.7 [62.0, 65.4]: \
concentrate here; safe importance 0.061 [0.037, 0.095], performance 84.4 [83.1, 85.7]: possible overkill.
    """
    from matplotlib.figure import Figure

    _need(table, _MAP, "importance_performance")
    axes = Figure(figsize=(7.0, 5.2), layout="constrained").subplots()
    axes.set_title(title or "Importance and performance", loc="left", fontsize=11, fontweight="bold")
    level = text.percent(table["level"].iloc[0])
    axes.set_xlabel(f"Performance (0 to 100, {level} interval)")
    axes.set_ylabel(f"Importance (share of variance, {level} interval)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.12)
    cuts = table[["performance_cut", "importance_cut"]].iloc[0]
    axes.axvline(cuts.iloc[0], color="#333333", linewidth=1, linestyle="--", gid="cut")
    axes.axhline(cuts.iloc[1], color="#333333", linewidth=1, linestyle="--", gid="cut")
    for row in table.to_dict("records"):
        color, marker = _QUADRANTS.get(row["quadrant"], _UNDECIDED)[:2]
        x, y = row["performance"], row["importance"]
        axes.plot([row["performance_low"], row["performance_high"]], [y, y], color=color, linewidth=1.8, gid="across")
        axes.plot([x, x], [row["importance_low"], row["importance_high"]], color=color, linewidth=1.8, gid="up")
        axes.plot([x], [y], marker=marker, color=color, markersize=7, linestyle="none", gid="estimate",
                  label=row["quadrant"])  # fmt: skip
        inner = x > table["performance"].median()  # names stand towards the middle, so that none leaves the axes
        axes.annotate(fill(str(row["driver"]), _NAME), (x, y), (-6 if inner else 6, 5), textcoords="offset points",
                      fontsize=9, ha="right" if inner else "left", gid="name")  # fmt: skip
    for name, (color, _, (right, top)) in _QUADRANTS.items():
        axes.text(0.99 if right else 0.01, 0.99 if top else 0.01, name, transform=axes.transAxes, color=color,
                  fontsize=9, ha="right" if right else "left", va="top" if top else "bottom")  # fmt: skip
    if not set(table["quadrant"]) <= set(_QUADRANTS):
        axes.figure.supxlabel("Diamond: undecided, an interval lies across a cut", x=0.99, ha="right", fontsize=9,
                              color=_GREY)  # fmt: skip
    return Picture(axes.figure, _map_said(axes))


def _map_said(axes: Axes) -> str:
    """The sentence of a map, read from its artists."""
    drawn = {gid: [line for line in axes.lines if line.get_gid() == gid] for gid in ("estimate", "across", "up", "cut")}
    names = [_words(each.get_text()) for each in axes.texts if each.get_gid() == "name"]
    said = []
    for name, point, across, up in zip(names, drawn["estimate"], drawn["across"], drawn["up"], strict=True):
        x, y = (float(np.asarray(each)[0]) for each in (point.get_xdata(), point.get_ydata()))
        spans = [np.asarray(each, dtype=float) for each in (up.get_ydata(), across.get_xdata())]
        importance, performance = (
            f"{text.number(at, text.decimals(low, high))} {text.interval(low, high)}"
            for at, (low, high) in zip((y, x), spans, strict=True)
        )
        said.append(f"{name} importance {importance}, performance {performance}: {point.get_label()}")
    cuts = [float(np.asarray(each)[0]) for each in (drawn["cut"][0].get_xdata(), drawn["cut"][1].get_ydata())]
    where = f"cuts at performance {text.number(cuts[0], 1)} and importance {text.number(cuts[1])}"
    heading = f"{axes.get_title(loc='left')}. {axes.get_ylabel()} against {axes.get_xlabel()}"
    return f"{heading}, {where}: {'; '.join(said)}."


def penalty_reward(
    table: pd.DataFrame, *, scale: Literal["latent", "naive linear"] = "latent", title: str = ""
) -> Picture:
    """Draw what each driver costs below its middle and brings above it: bars with intervals.

    Args:
        table: result of `models.penalty_reward`.
        scale: "latent", or "naive linear" to show what a ceiling does.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the table is not of `models.penalty_reward`, or has no such scale.

    Source: as `models.penalty_reward`. Checked against: the sentence equals the table.

    >>> from cxuxlib import models
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"works": rng.integers(1, 6, 4000)})
    >>> frame["rating"] = np.clip(np.round(1.5 * np.minimum(frame["works"], 3) + rng.logistic(size=4000)), 1, 5)
    >>> penalty_reward(models.penalty_reward(frame, "rating", ["works"]), title="It must work")
    It must work. Effect of a point below and above the middle (log odds, 95% interval): works (must-be) penalty \
-1.497 [-1.594, -1.401], reward -0.025 [-0.111, 0.061].
    """
    _need(table, _EFFECTS, "penalty_reward")
    scales = list(dict.fromkeys(table["scale"]))
    if scale not in scales:
        raise ArgumentError(unknown("scale", scale, scales))
    shown = table[(table["scale"] == scale) & table["effect"].isin(_SIDES)]
    labels = {str(row["driver"]): f"{row['driver']}\n({row['kind']})" for row in shown.to_dict("records")}
    unit = "log odds" if scale == "latent" else "points of the outcome"
    per, level = shown["per"].iloc[0], text.percent(shown["level"].iloc[0])
    xlabel = f"Effect of a {per} below and above the middle ({unit}, {level} interval)"
    axes = _axes(2 * len(labels), title or "What it costs and what it brings", xlabel)
    for y, driver in enumerate(labels):
        for row in shown[shown["driver"] == driver].to_dict("records"):
            _bar(axes, y, row)
    axes.axvline(0, color="#333333", linewidth=1)
    _label_rows(axes, list(labels.values()))
    bars = {str(each.get_label()): each for each in axes.patches}
    axes.figure.legend(bars.values(), bars, loc="outside lower center", ncols=2, frameon=False)
    said = []
    spans = [line for line in axes.lines if line.get_gid() == "interval"]
    for each, line in zip(axes.patches, spans, strict=True):
        low, high = (float(end) for end in np.asarray(line.get_xdata()))
        effect, value = str(each.get_label()), float(each.get_width())  # type: ignore[attr-defined]
        named = list(labels.values())[round(float(np.asarray(line.get_ydata())[0]))].replace("\n", " ")
        shape = f"{effect} {text.number(value, text.decimals(low, high))} {text.interval(low, high)}"
        said.append(f"{named} {shape}" if effect == "penalty" else shape)
    pairs = "; ".join(", ".join(said[i : i + 2]) for i in range(0, len(said), 2))
    return Picture(axes.figure, f"{_words(axes.get_title(loc='left'))}. {_words(axes.get_xlabel())}: {pairs}.")


def _bar(axes: Axes, y: float, row: dict[str, Any]) -> None:
    """One effect with its interval."""
    color, shift = _SIDES[row["effect"]]
    axes.barh(y + shift, row["value"], height=0.34, color=color)
    axes.patches[-1].set_label(row["effect"])
    axes.plot([row["low"], row["high"]], [y + shift] * 2, color="#222222", linewidth=1.8, gid="interval")
