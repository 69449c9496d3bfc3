"""Answers themselves, and what a model makes of them: stacked bars around the middle, predictions with their bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, listed, unknown
from cxuxlib.plots.charts import _BLUE, _GREY, _ORANGE, _axes, _label_rows, _words
from cxuxlib.plots.picture import Picture

__all__ = ["answers", "predicted"]

_OWN = ("outcome", "value", "std_error", "low", "high", "n", "method", "level")


def answers(
    table: pd.DataFrame,
    *,
    item: str = "item",
    answer: str = "answer",
    n: str = "n",
    middle: float | None = None,
    title: str = "",
) -> Picture:
    """Draw the answers to several questions as bars that diverge from the middle of the scale.

    Each bar holds all answers to a question: those below the middle to the left of 0, those above to the right, those
    in the middle half on either side.

    Args:
        table: one row per question and answer, with how many gave it (counts of several years are added up).
        item: column of questions; drawn in order of their first row.
        answer: column of answers, numbers.
        n: column of counts, 0 or more.
        middle: middle of the scale; halfway between the least and the largest answer by default.
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ColumnError: no such column. AnswerError: answers or counts that are no numbers, or a question without answers.

    Source: Robbins & Heiberger 2011, Plotting Likert and other rating scales. Checked against: the sentence equals
    the table.

    >>> table = pd.DataFrame({"item": ["ease"] * 3 + ["help"] * 3, "answer": [1, 2, 3] * 2, "n": [1, 1, 2, 6, 2, 2]})
    >>> answers(table, title="Easy, but nobody helps")
    Easy, but nobody helps. Share of answers below and above 2 (%): ease 25 below, 25 in the middle, 50 above (n = 4); \
help 60 below, 20 in the middle, 20 above (n = 10).
    """
    for name in (item, answer, n):
        if name not in table.columns:
            raise ColumnError(unknown("column", name, table.columns))
    shares, sizes = _shares(table, item, answer, n)
    scale = [float(each) for each in shares.columns]
    centre = (scale[0] + scale[-1]) / 2 if middle is None else float(middle)
    xlabel = f"Share of answers below and above {centre:g} (%)"
    axes = _axes(len(shares), title or "What was answered", xlabel)
    below, above = [each for each in scale if each < centre], [each for each in scale if each > centre]
    half = shares[centre].to_numpy() / 2 if centre in scale else np.zeros(len(shares))
    rows = range(len(shares))
    if half.any():
        axes.barh(rows, 2 * half, left=-half, height=0.7, color="#BBBBBB", label=f"{centre:g}")
    for side, color, sign in ((below[::-1], _ORANGE, -1), (above, _BLUE, 1)):
        start = half.copy()
        for place, each in enumerate(side, start=1):
            width = shares[each].to_numpy()
            deep = 0.35 + 0.6 * place / len(side)
            axes.barh(rows, sign * width, left=sign * start, height=0.7, color=color, alpha=deep, label=f"{each:g}")
            start += width
    axes.axvline(0, color="#333333", linewidth=1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{abs(share):g}")
    _label_rows(axes, [str(name) for name in shares.index])
    bars: list[Any] = sorted(axes.containers, key=lambda bar: float(str(bar.get_label())))
    named = [str(bar.get_label()) for bar in bars]
    axes.figure.legend(bars, named, loc="outside lower center", ncols=min(11, len(bars)), frameon=False)
    said = [_row_said(str(name), axes, i, centre, int(sizes[name])) for i, name in enumerate(shares.index)]
    return Picture(axes.figure, f"{_words(axes.get_title(loc='left'))}. {xlabel}: {'; '.join(said)}.")


def _shares(table: pd.DataFrame, item: str, answer: str, n: str) -> tuple[pd.DataFrame, pd.Series]:
    """Shares in percent, questions by answers, and the number of answers to each question."""
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in (answer, n)}
    for name, values in numbers.items():
        if not (np.isfinite(values.to_numpy(dtype=float)).all() and ((values >= 0) | (name != n)).all()):
            raise AnswerError(
                f"Column {name!r} holds what is no number{' of answers' if name == n else ''}; clean it first."
            )
    known = pd.DataFrame(
        {"item": table[item].to_numpy(), "answer": numbers[answer].to_numpy(), "n": numbers[n].to_numpy()}
    )
    counts = known.pivot_table(index="item", columns="answer", values="n", aggfunc="sum", fill_value=0, sort=True)
    counts = counts.loc[list(dict.fromkeys(known["item"]))]
    sizes = counts.sum(axis=1)
    empty = sizes.index[sizes == 0].tolist()
    if empty or counts.empty:
        raise AnswerError(f"There are no answers to {listed(empty) if empty else 'anything'}; leave that out.")
    return 100 * counts.div(sizes, axis=0), sizes


def _row_said(name: str, axes: Any, row: int, centre: float, size: int) -> str:
    """One bar in words, read from its parts."""
    parts = {"below": 0.0, "in the middle": 0.0, "above": 0.0}
    for bar in axes.containers:
        at = float(bar.get_label())
        parts["below" if at < centre else "above" if at > centre else "in the middle"] += abs(bar[row].get_width())
    shown = ", ".join(f"{text.number(share, 0)} {where}" for where, share in parts.items())
    return f"{name} {shown} (n = {size:,})"


def predicted(table: pd.DataFrame, *, title: str = "") -> Picture:
    """Draw what a model predicts along one covariate, such as the NPS by ease, with its interval at each value.

    Args:
        table: result of `models.predicted` along one column of numbers; of="nps" or "mean".
        title: the finding in a sentence; a neutral title where it is empty.

    Returns:
        A `Picture`.

    Raises:
        ArgumentError: the table is not of `models.predicted`, or has several columns or outcomes.

    Source: as `models.predicted`. Checked against: the sentence equals the table.

    >>> from cxuxlib import models
    >>> frame = pd.DataFrame({"eased": [0, 0, 1, 1], "stayed": [0, 1, 0, 1], "n": [30, 10, 20, 40]})
    >>> fit = models.logit("stayed ~ eased", frame, frequency="n")
    >>> predicted(models.predicted(fit, {"eased": [0, 1]}), title="Ease keeps people")
    Ease keeps people. Predicted probability of 1 (95% interval) by eased: 0 0.25 [0.14, 0.41]; 1 0.67 [0.54, 0.77].
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    absent = [name for name in _OWN if name not in getattr(table, "columns", ())]
    if absent:
        raise ArgumentError(f"Give the table of models.predicted(); it has no {listed(absent)}.")
    along = [name for name in table.columns if name not in _OWN]
    outcomes = list(dict.fromkeys(table["outcome"]))
    if len(along) != 1 or len(outcomes) != 1 or not pd.api.types.is_numeric_dtype(table[along[0]]):
        raise ArgumentError(
            f"A curve is drawn along one column of numbers, for one outcome; the table has {listed(along)} and "
            f"outcomes {listed(outcomes)}. Give models.predicted one column, and of='nps' or 'mean'."
        )
    shown = table.sort_values(along[0])
    axes = Figure(figsize=(7.0, 4.0), layout="constrained").subplots()
    axes.set_title(title or f"What is predicted by {along[0]}", loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(along[0])
    what = {"NPS": "NPS", "mean": "mean"}.get(str(outcomes[0]), f"probability of {outcomes[0]}")
    axes.set_ylabel(f"Predicted {what} ({text.percent(table['level'].iloc[0])} interval)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    if (shown[along[0]] % 1 == 0).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.plot(shown[along[0]], shown["value"], color=_GREY, linewidth=1)
    for row in shown.to_dict("records"):
        at = row[along[0]]
        axes.plot([at, at], [row["low"], row["high"]], color=_BLUE, linewidth=2.2, gid="interval")
        axes.plot([at], [row["value"]], marker="o", color=_BLUE, markersize=7, linestyle="none", gid="estimate")
    drawn = {gid: [line for line in axes.lines if line.get_gid() == gid] for gid in ("estimate", "interval")}
    said = []
    for point, span in zip(drawn["estimate"], drawn["interval"], strict=True):
        x, y = (float(np.asarray(each)[0]) for each in (point.get_xdata(), point.get_ydata()))
        low, high = (float(each) for each in np.asarray(span.get_ydata()))
        said.append(f"{x:g} {text.number(y, text.decimals(low, high))} {text.interval(low, high)}")
    sentence = f"{axes.get_title(loc='left')}. {axes.get_ylabel()} by {along[0]}: {'; '.join(said)}."
    return Picture(axes.figure, sentence)
