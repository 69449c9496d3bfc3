"""Scores of questionnaires as metrics: measured, compared and followed over waves like any other."""

from __future__ import annotations

from cxuxlib.errors import ArgumentError
from cxuxlib.scales.scale import Scale, score_range
from cxuxlib.scales.scoring import widest
from cxuxlib.study import Answer, Metric

__all__ = ["scale_mean"]


def scale_mean(scale: Scale, *, score: str | None = None, column: str | None = None, gap: bool = False) -> Metric:
    """Mean score of a questionnaire, or of one of its subscales, over answer sheets.

    x̄ = Σ score / n, in the range and direction of the scale. Score the sheets first, and join the scores to what you
    know of each sheet. Sheets that the missing rule refused are missing, and counted.

    Args:
        scale: a questionnaire, such as ``scales.SUS``.
        score: one of its subscales; None is the total.
        column: the column of the scores; None: the name that `score` gives them.
        gap: the scores are perceptions minus expectations, as of `scales.gap`.

    Returns:
        A `Metric` for `measure`, `compare`, `trend` and `estimate`; Student's t, Welch's t between groups.

    Raises:
        ArgumentError: there is no such score.

    Source: that of the scale. Checked against: scipy's t interval and Welch test of the same scores.

    >>> import pandas as pd
    >>> from cxuxlib import compare, measure, scales, trend
    >>> items = [f"q{i}" for i in range(1, 11)]
    >>> sheets = pd.DataFrame([[4, 2] * 5, [5, 1] * 5, [3, 3] * 5, [4, 3] * 5], columns=items)
    >>> data = scales.score(sheets, scales.SUS, items=items).assign(design=list("aabb"), year=[2024, 2024, 2025, 2025])
    >>> sus = scale_mean(scales.SUS)
    >>> measure(data, [sus, scale_mean(scales.SUS, score="learnable")])["value"].tolist()
    [71.875, 68.75]
    >>> compare(data, sus, between="design")[["a", "b", "difference", "method"]].values.tolist()
    [['a', 'b', 31.25, 'Welch t']]
    >>> trend(data, sus, wave="year")["change"].round(2).item()
    -31.25
    """
    if not isinstance(scale, Scale):
        raise ArgumentError(f"scale is a questionnaire, such as scales.SUS; got {type(scale).__name__}.")
    name = scale.name if score is None else score
    low, high = score_range(scale, name)
    if scale.missing == "mean":  # a mean of some questions may lie beyond that of all
        low, high = widest(scale, name)
    if gap:
        low, high = low - high, high - low
    shown = " ".join([scale.name, *([] if score is None else [score]), *(["gap"] if gap else [])])
    return Metric(
        shown, (("x", Answer(column or name, low, high, whole=False)),), "x", "mean", low, high, unit="points",
        higher_is_better=scale.higher_is_better, construct=scale.construct, source=scale.source,
    )  # fmt: skip
