"""Intervals side by side: drivers, metrics by segment, steps of a funnel, rulings against their regions."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.claims import Rulings
from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.models.drivers.shares import Shares
from cxuxlib.plots.picture import Picture
from cxuxlib.results import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["drivers", "estimates", "funnel", "verdicts"]

# Okabe & Ito's colours, told apart by all common kinds of colour blindness; shape says the same.
_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#595959"
_SEGMENTS = ((_BLUE, "o"), (_ORANGE, "X"), (_GREEN, "s"), (_GREY, "D"))
_VERDICTS = {"supported": (_GREEN, "o"), "refuted": (_ORANGE, "X"), "undecided": (_GREY, "D")}
_TITLE, _WIDE, _LABEL = 50, 80, 36  # letters that fit into a line of the title, under the axis, and beside a row
_DIVIDED = {"R2": "variance", "R2_McKelveyZavoina": "latent variance", "R2_McFadden": "deviance"}
_KINDS = {"lmg": "LMG", "johnson": "Johnson", "owen": "Owen", "pratt": "Pratt"}


def _axes(rows: int, title: str, xlabel: str) -> Axes:
    """An empty chart with room for this many rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.3 + 0.38 * rows + 0.2 * (len(title) // _TITLE)), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(fill(xlabel, _WIDE))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.05)
    return axes


def _point(axes: Axes, y: float, row: Any, color: str, marker: str) -> None:
    """One estimate with its interval."""
    if isfinite(row.low) and isfinite(row.high):
        axes.plot([row.low, row.high], [y, y], color=color, linewidth=2.2, solid_capstyle="butt", gid="interval")
    axes.plot([row.value], [y], marker=marker, color=color, markersize=7, linestyle="none", gid="estimate")


def _label_rows(axes: Axes, labels: Sequence[str]) -> None:
    shown = [fill(each, _LABEL) if len(each) > _LABEL else each for each in labels]
    axes.set_yticks(range(len(labels)), shown)
    widest = max(len(line) for each in [*shown, ""] for line in each.split("\n"))
    room = int((480 - 5.5 * widest) / 6.4)  # points of the figure beside the labels, by those of a bold letter
    axes.set_title(fill(_words(axes.get_title(loc="left")), room), loc="left", fontsize=11, fontweight="bold")
    axes.set_ylim(len(labels) - 0.4, -0.6)


def _drawn(line: Line2D) -> tuple[list[float], float]:
    """Where a drawn point or span lies: its x values, and the row it belongs to."""
    return [float(each) for each in np.asarray(line.get_xdata())], float(np.asarray(line.get_ydata())[0])


def _words(written: str) -> str:
    """A text of a chart in one line."""
    return written.replace("\n", " ")


def _picture(axes: Axes) -> Picture:
    """Read the estimates back from the artists and say them in a sentence."""
    labels = [_words(label.get_text()) for label in axes.get_yticklabels()]
    spans = {y: x for x, y in (_drawn(line) for line in axes.lines if line.get_gid() == "interval")}
    said: dict[str, list[str]] = {}
    for line in axes.lines:
        if line.get_gid() == "estimate":
            (x,), y = _drawn(line)
            low, high = spans.get(y, [float("nan")] * 2)
            known = f"{labels[round(y)]} {text.number(x, text.decimals(low, high))} {text.interval(low, high)}"
            said.setdefault(str(line.get_label()), []).append(known)
    several = [f"{segment}: {'; '.join(each)}" for segment, each in said.items() if not segment.startswith("_")]
    shown = ". ".join(several) if several else "; ".join(each for of_line in said.values() for each in of_line)
    return Picture(axes.figure, f"{_words(axes.get_title(loc='left'))}. {_words(axes.get_xlabel())}: {shown}.")


def drivers(fit: Fit, *, kind: str | None = None, title: str = "") -> Picture:
    """Draw the shares of a key-driver fit with their intervals, largest first.

    Args:
        fit: result of `models.key_drivers`.
        kind: lmg, alone, unique, or what else the fit's method gives: johnson, owen, pratt; the method's own by
            default.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the fit has no such kind, or no shares at all.

    Source: Cleveland & McGill 1984, doi:10.1080/01621459.1984.10478080 (position on a common scale).
    Checked against: the sentence equals the fit's terms.

    >>> from cxuxlib import datasets, models
    >>> moments = datasets.aggregates("sfo").tables["moments/overall/2018"]
    >>> drivers(models.key_drivers(moments, "overall", ["wifi", "safe"]), title="Wi-Fi leads")
    Wi-Fi leads. Share of the variance of overall (LMG, 95% interval): wifi 0.195 [0.151, 0.249]; \
safe 0.073 [0.045, 0.113].
    """
    shares = getattr(fit, "raw", None)
    if not isinstance(shares, Shares):
        raise ArgumentError(f"drivers draws a Fit of models.key_drivers; got {getattr(fit, 'model', type(fit))!r}.")
    kinds = list(dict.fromkeys(fit.terms["kind"]))
    kind = kind or kinds[0]
    if kind not in kinds:
        raise ArgumentError(unknown("kind of share", kind, kinds))
    rows = fit.terms[fit.terms["kind"] == kind].sort_values("value", ascending=False, kind="stable")
    outcome = fit.formula.split(" ~ ")[0]
    named = _KINDS.get(kind, kind)
    what = _DIVIDED[shares.measure]
    xlabel = f"Share of the {what} of {outcome} ({named}, {text.percent(fit.level)} interval)"
    axes = _axes(len(rows), title or f"What goes with {outcome}", xlabel)
    for y, row in enumerate(rows.itertuples()):
        _point(axes, y, row, _BLUE, "o")
    _label_rows(axes, list(rows["term"]))
    if (rows["low"].fillna(rows["value"]) < 0).any():
        axes.axvline(0.0, color="#333333", linewidth=1)
    else:
        axes.set_xlim(left=0)
    return _picture(axes)


def estimates(table: pd.DataFrame, *, title: str = "", unit: str = "") -> Picture:
    """Draw the rows of `measure` with their intervals: one line a segment, one metric at a time.

    Args:
        table: result of `measure`, filtered to one metric.
        title: the finding in a sentence.
        unit: unit of the value, for the axis.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the table is not of `measure`, or holds several metrics.

    Source: as `drivers`. Checked against: the sentence equals the table.

    >>> from cxuxlib import cx, measure
    >>> answers = pd.DataFrame({"recommend": [10, 9, 7, 3, 8, 9], "shop": list("aaabbb")})
    >>> estimates(measure(answers, cx.nps(), by="shop"), title="Too few to tell", unit="points")
    Too few to tell. NPS (points, 95% interval): a 67 [-22, 88]; b 0 [-61, 61].
    """
    needed = ("segment", "metric", "value", "low", "high", "level")
    absent = [name for name in needed if name not in getattr(table, "columns", ())]
    if absent or table["metric"].nunique() != 1:
        raise ArgumentError(f"Give the rows of one metric from measure(); columns {needed} are needed, {absent} lack.")
    metric = table["metric"].iloc[0]
    inside = ", ".join(part for part in (unit, f"{text.percent(table['level'].iloc[0])} interval") if part)
    axes = _axes(len(table), title or f"{metric} by segment", f"{metric} ({inside})")
    for y, row in enumerate(table.itertuples()):
        _point(axes, y, row, _BLUE, "o")
    _label_rows(axes, [str(each) for each in table["segment"]])
    return _picture(axes)


def funnel(table: pd.DataFrame, *, of: Literal["entries", "previous"] = "entries", title: str = "") -> Picture:
    """Draw how many reach each step of a funnel, with intervals, segments side by side.

    Args:
        table: result of `events.funnel`, with at most four segments.
        of: "entries" for shares of those who began; "previous" for shares of those who reached the step before, which
            shows where people are lost.
        title: the finding in a sentence.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the table is not of `events.funnel`, or has too many segments.

    Source: as `drivers`. Checked against: the sentence equals the table.

    >>> from cxuxlib import events
    >>> log = pd.DataFrame({"user_id": [1, 1, 2, 3, 4], "event": ["cart", "paid", "cart", "cart", "cart"]})
    >>> log["at"] = pd.to_datetime("2026-01-01")
    >>> table = events.funnel(events.read(log), ["cart", "paid"], window_s=60, until="2026-01-02")
    >>> funnel(table, of="previous", title="One in four pays")
    One in four pays. Share of those at the step before (95% interval): paid 0.25 [0.03, 0.71].
    """
    chosen = {"entries": ("value", "low", "high"), "previous": ("from_previous", "previous_low", "previous_high")}
    if of not in chosen:
        raise ArgumentError(unknown("kind of share", of, chosen))
    needed = ("segment", "step", "event", *chosen[of], "level")
    absent = [name for name in needed if name not in getattr(table, "columns", ())]
    if absent:
        raise ArgumentError(f"Give the rows of events.funnel(); columns {needed} are needed, {absent} lack.")
    segments = list(dict.fromkeys(table["segment"]))
    if len(segments) > len(_SEGMENTS):
        raise ArgumentError(f"{len(segments)} segments are too many for one picture; filter them to {len(_SEGMENTS)}.")
    shown = table[table["step"] > 1] if of == "previous" else table
    steps = shown.drop_duplicates("step").sort_values("step")
    level = text.percent(table["level"].iloc[0])
    whole = "who enter" if of == "entries" else "at the step before"
    axes = _axes(len(steps) * (1 + len(segments)) // 2, title or "Funnel", f"Share of those {whole} ({level} interval)")
    for place, (segment, (color, marker)) in enumerate(zip(segments, _SEGMENTS, strict=False)):
        shift = 0.22 * (place - (len(segments) - 1) / 2)
        part = shown[shown["segment"] == segment].rename(columns=dict(zip(chosen[of], chosen["entries"], strict=True)))
        for row in part.loc[:, ~part.columns.duplicated(keep="last")].itertuples():
            _point(axes, list(steps["step"]).index(row.step) + shift, row, color, marker)
            if len(segments) > 1:
                axes.lines[-1].set_label(str(segment))
    _label_rows(axes, list(steps["event"]))
    axes.set_xlim(0, 1.02)
    if len(segments) > 1:
        handles = {str(line.get_label()): line for line in axes.lines if line.get_gid() == "estimate"}
        axes.figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return _picture(axes)


def verdicts(rulings: Rulings, *, title: str = "") -> Picture:
    """Draw each ruling's interval against the region where the claim holds and where it fails.

    Args:
        rulings: result of `claims.judge_all`.
        title: the finding in a sentence.

    Returns:
        A `Picture`. Claims that are not answerable are named below.

    Source: Lakens, Scheel & Isager 2018, doi:10.1177/2515245918770963. Checked against: the rulings' table.

    >>> from cxuxlib import claims, datasets
    >>> print(verdicts(claims.judge_all(datasets.aggregates("mobi"))))
    Rulings on mobi. Estimate with 90% interval against the region where the claim holds (shaded): A0 distinct \
refuted 0.959 [0.905, 1.004]. Not answerable in this study: A1 facet, A2 part, A3 proper, A4 complete, A5 \
screening-off, B1 associated, B4 service too, C1 additive, C2 compensation, C3 weakest link, C4 soured, C7 no rescue, \
D1 one product, E1 precision, B2 direction, B3 cause, B5 retention, B6 breaking UX.
    """
    from matplotlib.figure import Figure

    if not isinstance(rulings, Rulings):
        raise ArgumentError(f"verdicts draws the Rulings of claims.judge_all; got a {type(rulings).__name__}.")
    shown = [each for each in rulings.rulings if each.estimate is not None]
    silent = ", ".join(each.claim.id for each in rulings.rulings if each.estimate is None)
    silence = fill(f"Not answerable in this study: {silent}.", 95) if silent else ""
    heading = title or f"Rulings on {rulings.study}"
    heights = [1.0] * len(shown) + [0.2 + 0.13 * (silence.count("\n") + 1)] * bool(silence)
    figure = Figure(figsize=(7.0, 0.6 + 1.35 * sum(heights)), layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=11, fontweight="bold")
    panels = figure.subplots(max(len(heights), 1), 1, squeeze=False, height_ratios=heights or [1.0])[:, 0]
    said = []
    if silence:
        panels[-1].axis("off")
        panels[-1].text(0.0, 0.5, silence, transform=panels[-1].transAxes, color=_GREY, va="center")
    for axes, ruling in zip(panels, shown, strict=False):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_yticks([])
        axes.set_title(f"{ruling.claim.id}: {ruling.verdict}", loc="left", fontsize=10)
        found = ruling.estimate
        assert found is not None
        border = [end for end in (*ruling.region.holds, *ruling.region.fails) if isfinite(end)]
        ends = [found.low, found.high, *border]
        pad = 0.15 * (max(ends) - min(ends))
        low, high = min(ends) - pad, max(ends) + pad
        axes.set_xlim(low, high)
        axes.axvspan(max(low, ruling.region.holds[0]), min(high, ruling.region.holds[1]), color="#CCE5F2", zorder=0)
        for end in sorted(set(border)):
            axes.axvline(end, color="#333333", linewidth=1, linestyle="--")
        color, marker = _VERDICTS[ruling.verdict]
        _point(axes, 0.0, found, color, marker)
        axes.set_ylim(-1, 1)
        seen = "" if ruling.region.verdict(found) == ruling.verdict else "; may not decide here, see the reason"
        axes.set_xlabel(
            f"{found.name}, {text.percent(found.level)} interval; shaded: the claim holds{seen}", fontsize=9
        )
        (middle,), _ = next(_drawn(line) for line in axes.lines if line.get_gid() == "estimate")
        (start, stop), _ = next(_drawn(line) for line in axes.lines if line.get_gid() == "interval")
        places = text.decimals(start, stop)
        said.append(
            f"{axes.get_title(loc='left').replace(':', '')} {text.number(middle, places)} "
            f"{text.interval(start, stop, places)}"
        )
    level = text.percent(shown[0].region.level) if shown else ""
    sentence = f"Estimate with {level} interval against the region where the claim holds (shaded): {'; '.join(said)}."
    whole = [
        heading.rstrip(".") + ".",
        *([sentence] if said else []),
        *([" ".join(silence.split())] if silence else []),
    ]
    return Picture(figure, " ".join(whole))
