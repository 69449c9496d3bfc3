"""Customer-experience metrics: attitudes towards the brand as a whole."""

from collections.abc import Sequence
from typing import Literal

from cxuxlib.errors import ArgumentError
from cxuxlib.study import Answer, Metric

__all__ = [
    "acsi",
    "ces_1",
    "ces_2",
    "csat",
    "csat_mean",
    "likelihood_to_continue",
    "nps",
    "top_box",
]

# Top boxes by length of the scale: the answers that count as satisfied.
_TOP_BOXES = {3: 1, 4: 2, 5: 2, 6: 2, 7: 2, 10: 3}


def nps(column: str = "recommend", *, interval: Literal["adjusted", "score", "wald"] = "adjusted") -> Metric:
    """Net Promoter Score: share of promoters (9-10) minus share of detractors (0-6), times 100.

    NPS = 100 (P - D), from -100 to 100 points, higher is better.

    Args:
        column: answers to "how likely are you to recommend us", whole numbers 0 to 10. Answers on another
            scale have no promoters, passives or detractors: those out of range are refused, and so are 30 or more
            answers none of which is above 6, which come from 5 or 6 points.
        interval: "adjusted" Wald, which adds 3 answers; "score", the scores that a score test does not reject, for
            unweighted answers of different people only; "wald", for large samples only (five promoters: 100 to 100).

    Returns:
        A `Metric` for `measure`, `estimate` and `benchmark`.

    Raises:
        ArgumentError: there is no such interval.

    Source: Reichheld 2003, Harvard Business Review 81(12); intervals: Rocks 2016, doi:10.1080/00031305.2016.1158124,
    May & Johnson 1997, Statistics in Medicine 16(18). Checked against: R package NPS, PostHog, npspy.

    >>> from cxuxlib import estimate
    >>> estimate([0, 7, 7, 9, 9, 9], nps()).value
    33.333333333333336
    >>> estimate([10] * 6 + [8] * 4 + [3] * 7, nps(interval="score"))
    NPS = -6, 95% CI [-43, 34], n = 17 (score)
    """
    return Metric(
        "NPS", (("x", Answer(column, 0, 10)),), "100 * (x >= 9) - 100 * (x <= 6)", "nps", -100, 100,
        unit="points", interval=interval, construct="loyalty", source="Reichheld 2003",
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
        f"CSAT (top {_TOP_BOXES[scale]} of {scale})", (("x", Answer(column, 1, scale)),), f"x > {cut}", "proportion",
        0, 1, construct="CX", source="survey practice",
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
    answers = (("x", Answer(column, 1, scale, whole=False)),)
    return Metric(
        f"CSAT (mean of 1 to {scale})", answers, "x", "mean", 1, scale, unit="points", construct="CX",
        source="survey practice",
    )  # fmt: skip


def ces_1(column: str = "effort") -> Metric:
    """Customer Effort Score in its first form: mean answer to "how much effort", from 1 to 5, LOW is good.

    Args:
        column: answers from 1 (very low effort) to 5 (very high effort).

    Returns:
        A `Metric` for `measure` and `estimate`; Student's t.

    Source: Dixon, Freeman & Toman 2010, Harvard Business Review 88(7). Checked against: hand means. `ces_2` is turned.

    >>> from cxuxlib import estimate
    >>> estimate([1, 2, 3], ces_1()).value, ces_1().higher_is_better
    (2.0, False)
    """
    return Metric(
        "CES 1.0", (("x", Answer(column, 1, 5)),), "x", "mean", 1, 5, unit="points", higher_is_better=False,
        construct="CX", source="Dixon, Freeman & Toman 2010",
    )  # fmt: skip


def ces_2(column: str = "ease") -> Metric:
    """Customer Effort Score in its second form: share who agree (5 to 7 of 7) that it was easy, HIGH is good.

    Args:
        column: answers from 1 (strongly disagree) to 7 (strongly agree) to "the company made it easy".

    Returns:
        A `Metric` for `measure` and `estimate`; adjusted Wald.

    Source: CEB (Gartner) 2013. Checked against: hand counts. `ces_1` is turned.

    >>> from cxuxlib import estimate
    >>> estimate([7, 5, 4, 1], ces_2()).value, ces_2().higher_is_better
    (0.5, True)
    """
    return Metric(
        "CES 2.0", (("x", Answer(column, 1, 7)),), "x >= 5", "proportion", 0, 1, construct="CX", source="CEB 2013"
    )


def acsi(
    satisfaction: str = "satisfaction",
    expectations: str = "expectations",
    ideal: str = "ideal",
    *,
    weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
) -> Metric:
    """Customer satisfaction index after the ACSI: weighted mean of three ratings, from 0 to 100, higher is better.

    100 Σ w_k (x_k - 1) / 9. The index's own weights come from a model of its data and are not public: equal weights
    give an index of your own that is not the official one.

    Args:
        satisfaction, expectations, ideal: overall satisfaction, fulfilment of expectations and closeness to the
            ideal, each from 1 to 10.
        weights: of the three, 0 or more, adding up to 1.

    Returns:
        A `Metric` for `measure`; Student's t.

    Raises:
        ArgumentError: the weights are negative or do not add up to 1.

    Source: Fornell et al. 1996, doi:10.1177/002224299606000403. Checked against: means 8, 7, 7 give 70.37.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"satisfaction": [8, 8], "expectations": [6, 8], "ideal": [7, 7]})
    >>> round(measure(frame, acsi())["value"].item(), 2)
    70.37
    """
    if len(weights) != 3 or min(weights) < 0 or abs(sum(weights) - 1) > 1e-9:
        raise ArgumentError(f"weights are three numbers, 0 or more, that add up to 1; got {weights}.")
    columns = (satisfaction, expectations, ideal)
    answers = tuple((f"x{i}", Answer(column, 1, 10, whole=False)) for i, column in enumerate(columns))
    score = " + ".join(f"{100 * w / 9!r} * (x{i} - 1)" for i, w in enumerate(weights))
    return Metric("ACSI (own weights)", answers, score, "mean", 0, 100, construct="CX", source="Fornell et al. 1996")


def likelihood_to_continue(column: str = "continue", *, scale: int = 5) -> Metric:
    """Share who are likely to stay: the top two answers of a likelihood scale, from 0 to 1, higher is better.

    Args:
        column: whole numbers from 1 (very unlikely) to ``scale`` (very likely).
        scale: number of points, 4 to 7.

    Returns:
        A `Metric` for `measure` and `estimate`; adjusted Wald.

    Raises:
        ArgumentError: the scale has another length.

    Source: survey practice. Checked against: hand counts.

    >>> from cxuxlib import estimate
    >>> estimate([5, 4, 3, 1], likelihood_to_continue()).value
    0.5
    """
    if scale not in (4, 5, 6, 7):
        raise ArgumentError(f"scale is the number of points, 4 to 7; got {scale!r}.")
    return Metric(
        "likely to continue", (("x", Answer(column, 1, scale)),), f"x > {scale - 2}", "proportion", 0, 1,
        construct="loyalty", source="survey practice",
    )  # fmt: skip


def top_box(columns: Sequence[str], *, scale: int = 4) -> Metric:
    """Composite of top-box shares after CAHPS: the mean of the items' shares of the best answer, from 0 to 1.

    (1/k) Σ share(x_k = scale), over respondents who answered all k items. The published scores are adjusted for the
    mix of patients; this one is not. Higher is better.

    Args:
        columns: the items, whole numbers from 1 to ``scale``.
        scale: number of points, 2 or more.

    Returns:
        A `Metric` for `measure`; Student's t.

    Raises:
        ArgumentError: no items, or a scale of fewer than 2 points.

    Source: HCAHPS, Centers for Medicare & Medicaid Services. Checked against: hand counts.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"a": [4, 3], "b": [4, 4]})
    >>> measure(frame, top_box(["a", "b"]))["value"].item()
    0.75
    """
    if isinstance(columns, str) or not columns or not isinstance(scale, int) or scale < 2:
        raise ArgumentError(
            f"top_box takes a list of items and a scale of 2 points or more; got {columns!r}, {scale!r}."
        )
    answers = tuple((f"x{i}", Answer(column, 1, scale)) for i, column in enumerate(columns))
    score = "(" + " + ".join(f"(x{i} == {scale})" for i in range(len(answers))) + f") / {len(answers)}"
    return Metric(f"top box of {len(answers)}", answers, score, "mean", 0, 1, construct="CX", source="HCAHPS")
