"""Churn: who left, over which base."""

from math import inf
from typing import Literal

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.study import Answer, Metric

__all__ = ["annual_churn", "churn_rate"]


def churn_rate(
    lost: str = "lost",
    *,
    per: Literal["start", "average", "exposure"] = "start",
    at_start: str = "at_start",
    at_end: str = "at_end",
    exposure: str = "exposure_d",
) -> Metric:
    """Churn rate of a period, from one row per customer: three rates that must not be mixed, lower is better.

    By "start": those lost among the customers at the start / customers at the start, a share. By "average": all lost /
    mean of the customers at start and at end. By "exposure": all lost / days as a customer, the hazard per
    customer-day, which growth does not disturb. All lost / customers at the start is no rate, since those who came
    later are not in its base, and is not offered.

    Args:
        lost: true/false or 1/0: the customer was lost within the period.
        per: "start", "average" or "exposure".
        at_start: true/false or 1/0: was a customer when the period began (for "start" and "average").
        at_end: true/false or 1/0: was a customer when it ended (for "average").
        exposure: days as a customer within the period, 0 or more (for "exposure").

    Returns:
        A `Metric` for `measure`: adjusted Wald by "start", the delta method by the two others, which would cover .82 to
        .92 below 10 events: there, if less than one customer in 5 is lost, exact Poisson limits replace it. With
        several periods of a customer in the frame, name the customer as ``unit``.

    Raises:
        ArgumentError: per is none of the three.

    Source: practice. Checked against: 1,000 at the start, 500 new, 50 and 30 of them lost: 5.0% and 6.6%, never 8.0%.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> month = pd.DataFrame({"at_start": [1, 1, 1, 1, 0, 0], "at_end": [1, 1, 1, 0, 1, 0], "lost": [0, 0, 0, 1, 0, 1]})
    >>> measure(month, [churn_rate(), churn_rate(per="average")])["value"].tolist()
    [0.25, 0.5]
    """
    gone = ("lost", Answer(lost, 0, 1))
    start, end = ("at_start", Answer(at_start, 0, 1)), ("at_end", Answer(at_end, 0, 1))
    days = ("days", Answer(exposure, 0, inf, whole=False))
    if per == "start":
        return Metric(
            "churn of those at the start", (gone, start), "lost", "proportion", 0, 1, where="at_start == 1",
            higher_is_better=False, construct="CX", source="practice",
        )  # fmt: skip
    if per == "average":
        return Metric(
            "churn over the average base", (gone, start, end), "lost", "mean", 0, inf, per="(at_start + at_end) / 2",
            higher_is_better=False, construct="CX", source="practice",
        )  # fmt: skip
    if per == "exposure":
        return Metric(
            "churn per customer-day", (gone, days), "lost", "mean", 0, inf, per="days", unit="1/day",
            higher_is_better=False, construct="CX", source="practice",
        )  # fmt: skip
    raise ArgumentError(unknown("base of a churn rate", per, ("start", "average", "exposure")))


def annual_churn(rate: float, periods: float = 12) -> float:
    """Churn of a year from that of a period, if the rate stays: 1 - (1 - c)^k, not k times c.

    Args:
        rate: share lost of those at the start of a period, 0 to 1.
        periods: periods in a year, above 0: 12 months, 52.18 weeks.

    Returns:
        The share of customers lost within a year; ends of an interval are turned the same way.

    Raises:
        ArgumentError: the rate is no share, or periods are not above 0.

    Source: practice. Checked against: 5% a month is 46% a year, not 60%.

    >>> round(annual_churn(0.05), 2)
    0.46
    """
    if not 0 <= rate <= 1:
        raise ArgumentError(f"A churn rate over those at the start is a share from 0 to 1; got {rate!r}.")
    if not 0 < periods < inf:
        raise ArgumentError(f"periods in a year are above 0; got {periods!r}.")
    return float(1 - (1 - rate) ** periods)
