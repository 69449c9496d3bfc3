"""Latent models as pictures: what is measured by what, what depends on what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.plots.charts import _BLUE, _GREY, _ORANGE, _TITLE
from cxuxlib.plots.picture import Picture
from cxuxlib.results import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["path_diagram"]

_TERM = re.compile(r"^(?P<left>.+?) (?P<how>=~|~~|~) (?P<right>.+)$")
_MOST = 40  # variables that can be read in one picture
_WIDE, _HIGH = 0.82, 0.46  # of an item's box
_ASPECT = 1.5  # a step up beside a step to the side
Place = tuple[float, float]


def path_diagram(fit: Fit, *, title: str = "") -> Picture:
    """Draw a latent model: ellipses for latent variables, boxes for items, standardised estimates at the arrows.

    Straight arrows are loadings and paths, bent ones with two heads are correlations; what the model fixed is grey,
    what is below zero orange. Residual variances are left out; correlations of residuals are drawn.

    Args:
        fit: result of `models.latent` in one group, of at most 40 variables.
        title: the finding in a sentence; the model's fit where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: a fit of another model, or of several groups. ModelError: nothing to draw, or too much.

    Source: Wright 1934, doi:10.1214/aoms/1177732676 (path diagrams). Checked against: the sentence equals the fit's
    standardised terms.

    >>> from cxuxlib import models
    >>> from cxuxlib.results import Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3)))
    >>> moments = Moments(300, tuple("abcdef"), np.zeros(6), shared + 0.36 * np.eye(6))
    >>> path_diagram(models.latent("UX =~ a + b + c; CX =~ d + e + f", moments), title="Two things")
    Two things. Standardised: UX is measured by a 0.80, b 0.80, c 0.80; CX is measured by d 0.80, e 0.80, f 0.80; \
UX and CX correlate 0.62.
    """
    from matplotlib.figure import Figure

    terms = _drawn_terms(fit)
    latent = list(dict.fromkeys(terms.loc[terms["how"] == "=~", "left"]))
    if not latent:
        raise ModelError("The model measures nothing (it has no '=~'), so there is no diagram to draw.")
    places = _places(terms, latent)
    if len(places) > _MOST:
        raise ModelError(f"{len(places)} variables are too many to be read in one picture; {_MOST} can be.")
    xs, ys = np.array(list(places.values())).T
    bows = [places[row["left"]][1] + _rise(row, places) for row in terms.to_dict("records")]
    left, right, low, high = xs.min() - 0.7, xs.max() + 0.7, ys.min() - 0.4, max(ys.max() + 0.4, *bows, 0.0) + 0.15
    inch = min(0.95, 14.0 / (right - left))  # of a step to the side
    size = (max(7.0, inch * (right - left)), 0.5 + inch * _ASPECT * (high - low))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect(_ASPECT)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.set_title(title or _fit_said(fit), loc="left", fontsize=11, fontweight="bold")
    nodes = {name: _node(axes, name, place, name in latent) for name, place in places.items()}
    for row in terms.to_dict("records"):
        _arrow(axes, row, places, nodes)
    return Picture(figure, f"{axes.get_title(loc='left')}. Standardised: {_said(axes)}.")


def _drawn_terms(fit: Fit) -> pd.DataFrame:
    """Standardised loadings, paths and correlations: left, how, right, value, fixed."""
    standardised = fit.terms[fit.terms["kind"] == "std_all"] if isinstance(fit, Fit) else pd.DataFrame()
    parts = standardised["term"].str.extract(_TERM) if len(standardised) else pd.DataFrame()
    if parts.empty or "left" not in parts:
        raise ArgumentError(f"path_diagram draws a fit of models.latent; got {getattr(fit, 'model', type(fit))!r}.")
    if "groups" in fit.quality or parts["right"].str.contains("[", regex=False).any():
        raise ArgumentError("path_diagram draws a model of one group; fit each group by itself.")
    raw = fit.terms[fit.terms["kind"].isin(["loading", "path", "covariance"])].set_index("term")["std_error"]
    terms = parts.assign(value=standardised["value"], fixed=standardised["term"].map(raw).eq(0).to_numpy())
    terms = terms[parts["left"].notna() & (parts["left"] != parts["right"]) & (parts["right"] != "1")]
    marker = (terms["how"] == "=~") & terms["fixed"]  # a loading of 1 gives the scale, and is no finding less
    zero = terms["fixed"] & (terms["value"].abs() < 1e-12)
    return terms.assign(fixed=terms["fixed"] & ~marker)[~zero]


def _places(terms: pd.DataFrame, latent: Sequence[str]) -> dict[str, Place]:
    """Items in a row, what they measure above them, and what measures all of them and more below."""
    measures = {name: terms.loc[(terms["how"] == "=~") & (terms["left"] == name), "right"].tolist() for name in latent}
    shared = {
        name for name, items in measures.items()
        if all(any(item in other for key, other in measures.items() if key != name) for item in items)
        and len(items) > max((len(other) for key, other in measures.items() if key != name), default=0)
    }  # fmt: skip
    order = [name for name in latent if name not in shared]
    measured = [each for name in [*order, *sorted(shared)] for each in measures[name]]
    items = [each for each in dict.fromkeys(measured) if each not in latent]
    seen = [each for each in pd.unique(terms[["left", "right"]].to_numpy().ravel()) if each not in latent]
    items += [each for each in seen if each not in items]
    x, places = 0.0, {}
    owner = {item: next((name for name in order if item in measures[name]), "") for item in items}
    for i, item in enumerate(items):
        x += 0.0 if i == 0 else (1.0 if owner[item] == owner[items[i - 1]] else 1.35)
        places[item] = (x, 0.0)
    level = dict.fromkeys(order, 1.0)
    for _ in latent:
        for name in order:
            above = [level[each] + 1 for each in measures[name] if each in level]
            level[name] = max([level[name], *above])
    for name in sorted(order, key=level.__getitem__):
        places[name] = (float(np.mean([places[each][0] for each in measures[name]])), level[name])
    for name in shared:
        places[name] = (float(np.mean([places[each][0] for each in measures[name]])), -1.0)
    return places


def _node(axes: Axes, name: str, place: Place, latent: bool) -> Any:
    from matplotlib.patches import Ellipse, Rectangle

    x, y = place
    shape: Any = Ellipse(place, 1.25, 0.56) if latent else Rectangle((x - _WIDE / 2, y - _HIGH / 2), _WIDE, _HIGH)
    shape.set(facecolor="white", edgecolor="#222222", linewidth=1.2, zorder=3)
    axes.add_patch(shape)
    shown = name if len(name) <= 12 else f"{name[:11]}…"
    axes.text(x, y, shown, ha="center", va="center", fontsize=9, zorder=4)
    return shape


def _rise(row: dict[str, Any], places: dict[str, Place]) -> float:
    """How high an arrow between neighbours bends above them; wider ones higher, so that they do not meet."""
    (x, y), (other, level) = places[row["left"]], places[row["right"]]
    if row["how"] == "=~" or (row["how"] == "~" and y != level):
        return 0.0
    return 0.34 + 0.06 * abs(other - x) + (0.14 if row["how"] == "~" else 0.0)


def _arrow(axes: Axes, row: dict[str, Any], places: dict[str, Place], nodes: dict[str, Any]) -> None:
    """One loading, path or correlation, with its number."""
    from matplotlib.patches import FancyArrowPatch

    first, last = (row["right"], row["left"]) if row["how"] == "~" else (row["left"], row["right"])
    start, end, rise = places[first], places[last], _rise(row, places)
    below = row["how"] == "=~" and start[1] < end[1]
    end = (end[0], end[1] - _HIGH / 2) if below else end
    color = _GREY if row["fixed"] else (_ORANGE if row["value"] < 0 else _BLUE)
    curve = 2 * _ASPECT * rise / (start[0] - end[0]) if rise else 0.0
    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="<|-|>" if row["how"] == "~~" else "-|>", mutation_scale=10, color=color,
        linewidth=1.3, linestyle="--" if row["fixed"] else "-", patchA=nodes[first],
        patchB=None if below else nodes[last],
        shrinkA=1, shrinkB=1, connectionstyle=f"arc3,rad={curve}", zorder=1,
    ))  # fmt: skip
    share = 0.5 if rise else 0.42
    at = (end[0] + (start[0] - end[0]) * share, end[1] + (start[1] - end[1]) * share + rise)
    said = axes.text(*at, text.number(row["value"], 2), ha="center", va="center", fontsize=8, color=color, zorder=2,
                     gid=row["how"], bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip
    said.set_label(f"{row['left']}\n{row['right']}")


def _fit_said(fit: Fit) -> str:
    """How well the model fits, in a line no longer than a title."""
    quality = fit.quality
    p = quality.get("p", float("nan"))
    found = f"χ² = {quality['chi2']:.1f} on {quality['df']:.0f} df"
    found += f", {text.p_value(p)}" if np.isfinite(p) else ""
    if "rmsea" in quality and np.isfinite(quality["rmsea"]):
        found += f", RMSEA {text.number(quality['rmsea'], 3)}, CFI {text.number(quality['cfi'], 3)}"
    return found[: 2 * _TITLE]


def _said(axes: Axes) -> str:
    """The sentence, read from the numbers at the arrows."""
    numbers = [(str(each.get_gid()), str(each.get_label()).split("\n"), each.get_text()) for each in axes.texts]
    found: dict[str, list[str]] = {}
    for how, names, value in numbers:
        if how == "=~":
            found.setdefault(f"{names[0]} is measured by", []).append(f"{names[1]} {value}")
        elif how == "~":
            found.setdefault(f"{names[0]} depends on", []).append(f"{names[1]} {value}")
        elif how == "~~":
            found[f"{names[0]} and {names[1]} correlate"] = [value]
    return "; ".join(f"{start} {', '.join(each)}" for start, each in found.items())
