"""Customer-experience metrics: attitudes towards the brand as a whole."""

from cxuxlib.errors import ArgumentError
from cxuxlib.study import Metric

__all__ = ["csat", "csat_mean", "nps"]

# Top boxes by length of the scale: the answers that count as satisfied.
_TOP_BOXES = {3: 1, 4: 2, 5: 2, 6: 2, 7: 2, 10: 3}


def nps(column: str = "recommend") -> Metric:
    """Net Promoter Score: share of promoters (9-10) minus share of detractors (0-6), times 100.

    NPS = 100 (P - D), from -100 to 100 points, higher is better. Default interval: adjusted Wald.

    Args:
        column: answers to "how likely are you to recommend us", whole numbers 0 to 10. Answers on another
            scale have no promoters, passives or detractors and are refused.

    Returns:
        A `Metric` for `measure` and `estimate`.

    Source: Reichheld 2003, Harvard Business Review 81(12). Checked against: R package NPS, PostHog, npspy.

    >>> from cxuxlib import estimate
    >>> estimate([0, 7, 7, 9, 9, 9], nps()).value
    33.333333333333336
    """
    return Metric(
        "NPS", column, "nps", 0, 10, ((0, 6, -100), (7, 8, 0), (9, 10, 100)),
        construct="loyalty", source="Reichheld 2003",
    )  # fmt: skip


def csat(column: str = "satisfaction", *, scale: int = 5) -> Metric:
    """Customer satisfaction as top-box share: answers in the top boxes over all valid answers.

    Top box of 3 points: the highest; of 4 to 7: the highest two; of 10: the highest three. 0 to 1, higher is better.

    Args:
        column: whole numbers from 1 (very dissatisfied) to ``scale`` (very satisfied).
        scale: number of points: 3, 4, 5, 6, 7 or 10.

    Returns:
        A `Metric` for `measure` and `estimate`.

    Raises:
        ArgumentError: the scale has no conventional top box.

    Source: top boxes by scale as in survey practice (formbricks #7128). Checked against: hand counts.

    >>> from cxuxlib import estimate
    >>> estimate([5, 4, 3, 1], csat()).value
    0.5
    """
    if not isinstance(scale, int) or scale not in _TOP_BOXES:
        raise ArgumentError(f"scale is one of {sorted(_TOP_BOXES)}, the number of points; got {scale!r}.")
    cut = scale - _TOP_BOXES[scale]
    return Metric(
        f"CSAT (top {_TOP_BOXES[scale]} of {scale})", column, "proportion", 1, scale,
        ((1, cut, 0), (cut + 1, scale, 1)), construct="CX", source="survey practice",
    )  # fmt: skip


def csat_mean(column: str = "satisfaction", *, scale: int = 5) -> Metric:
    """Customer satisfaction as the mean answer, in points of the scale.

    x̄ = Σx / n, from 1 to ``scale``, higher is better. Default interval: Student's t.

    Args:
        column: answers from 1 (very dissatisfied) to ``scale`` (very satisfied).
        scale: number of points, 2 or more.

    Returns:
        A `Metric` for `measure` and `estimate`.

    Raises:
        ArgumentError: the scale has fewer than 2 points.

    Source: survey practice. Checked against: scipy.stats.ttest_1samp.

    >>> from cxuxlib import estimate
    >>> estimate([5, 4, 3, 4], csat_mean())
    CSAT (mean of 1 to 5) = 4.0, 95% CI [2.7, 5.0], n = 4 (t)
    """
    if not isinstance(scale, int) or scale < 2:
        raise ArgumentError(f"scale is the number of points, 2 or more; got {scale!r}.")
    return Metric(f"CSAT (mean of 1 to {scale})", column, "mean", 1, scale, construct="CX", source="survey practice")
