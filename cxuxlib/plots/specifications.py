"""The curve of specifications: what a ruling would have been had other choices been made."""

from __future__ import annotations

from math import isfinite

import numpy as np

from cxuxlib import text
from cxuxlib.claims import Robustness
from cxuxlib.errors import ArgumentError
from cxuxlib.plots.charts import _GREY, _VERDICTS
from cxuxlib.plots.picture import Picture

__all__ = ["specification_curve"]

_CHOICES = ("answers", "sheets", "straight", "without")


def specification_curve(found: Robustness, *, title: str = "") -> Picture:
    """Draw the estimates of all specifications in order, and below each the choices that made it.

    Args:
        found: result of `claims.robustness`.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`; specifications that cannot be answered are left out and counted in the sentence.

    Raises:
        ArgumentError: this is no result of `claims.robustness`.

    Source: Simonsohn, Simmons & Nelson 2020, doi:10.1038/s41562-020-0912-z. Checked against: the table.

    >>> from cxuxlib import claims, datasets
    >>> print(specification_curve(claims.robustness(claims.UX_IS_DISTINCT, datasets.aggregates("mobi"))))
    A0 distinct in mobi, 13 specifications. Estimates with 90% intervals, in order, against the bound 0.9: 10 refuted \
0.959 to 0.979, 3 undecided 0.930 to 0.951.
    """
    from matplotlib.figure import Figure

    if not isinstance(found, Robustness):
        raise ArgumentError(f"specification_curve draws a result of claims.robustness; got a {type(found).__name__}.")
    heading = title or f"{found.claim.id} in {found.study}, {len(found.table)} specifications"
    table = found.table.dropna(subset="value").sort_values("value", kind="stable", ignore_index=True)
    options = [(c, value) for c in _CHOICES if table[c].nunique() > 1 for value in dict.fromkeys(table[c])]
    figure = Figure(figsize=(7.5, 3.0 + 0.2 * len(options)), layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=11, fontweight="bold")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[12, max(len(options), 1)])
    said = []
    for verdict, (color, marker) in _VERDICTS.items():
        at = np.flatnonzero(table["verdict"] == verdict)
        if not len(at):
            continue
        part = table.iloc[at]
        above.vlines(at, part["low"], part["high"], color=color, linewidth=1.2, alpha=0.6)
        above.plot(at, part["value"], marker, color=color, markersize=4, label=verdict)
        ends = [text.number(each, 3) for each in (part["value"].min(), part["value"].max())]
        said.append(f"{len(at)} {verdict} {ends[0]} to {ends[1]}")
    bounds = sorted({end for region in (found.ruling.region.holds, found.ruling.region.fails) for end in region})
    bounds = [end for end in bounds if isfinite(end)]
    for end in bounds:
        above.axhline(end, color="#333333", linewidth=1, linestyle="--")
    above.set_ylabel(found.claim.estimand if len(found.claim.estimand) < 40 else "estimate", fontsize=9)
    if said:
        above.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    above.spines[["top", "right"]].set_visible(False)
    for row, (choice, value) in enumerate(options):
        at = np.flatnonzero(table[choice] == value)
        below.plot(at, np.full(len(at), row), "|", color=_GREY, markersize=6)
    names = [f"{choice}: {value}" if value else "all items" for choice, value in options]
    below.set_yticks(range(len(options)), names, fontsize=7)
    below.set_ylim(max(len(options), 1) - 0.5, -0.5)
    below.set_xlabel("specifications, by their estimate", fontsize=9)
    below.set_xticks([])
    below.spines[["top", "right", "bottom"]].set_visible(False)
    lost = len(found.table) - len(table)
    level = text.percent(found.ruling.region.level)
    against = f"against the bound{'s' * (len(bounds) > 1)} {' and '.join(f'{end:g}' for end in bounds)}"
    silent = f" {lost} cannot be answered." if lost else ""
    sentence = f"Estimates with {level} intervals, in order, {against}: {', '.join(said)}." if said else ""
    return Picture(figure, f"{heading.rstrip('.')}. {sentence}{silent}".strip())
