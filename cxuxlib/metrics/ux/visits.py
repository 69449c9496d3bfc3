"""Metrics of visits: conversion and bounce, each in its two meanings."""

from math import inf
from typing import Literal

from cxuxlib.errors import ArgumentError
from cxuxlib.study import Answer, Metric

__all__ = ["bounce", "conversion", "engaged_bounce"]


def conversion(column: str = "converted", *, per: Literal["session", "visitor"] = "session") -> Metric:
    """Conversion rate, by session or by visitor: two rates that answer two questions. From 0 to 1, higher is better.

    By session: sessions with a conversion over sessions, with the interval over visitors. By visitor: visitors with
    at least one converting session over visitors; ``measure`` then needs the visitor as ``unit``.

    Args:
        column: true/false or 1/0, one row per session.
        per: "session" or "visitor".

    Returns:
        A `Metric` for `measure`; adjusted Wald.

    Raises:
        ArgumentError: per is neither.

    Source: Deng et al. 2018, doi:10.1145/3219819.3219919. Checked against: 1 of 3
    sessions of one visitor: 33% and 100%.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"user_id": [1, 1, 1], "converted": [0, 1, 0]})
    >>> kinds = [conversion(), conversion(per="visitor")]
    >>> measure(frame, kinds, unit="user_id")["value"].round(2).tolist()
    [0.33, 1.0]
    """
    if per not in ("session", "visitor"):
        raise ArgumentError(f"per is 'session' or 'visitor'; got {per!r}.")
    return Metric(
        f"conversion by {per}", (("x", Answer(column, 0, 1)),), "x", "proportion", 0, 1, once=per == "visitor",
        construct="UX", source="practice",
    )  # fmt: skip


def bounce(pages: str = "n_pages") -> Metric:
    """Bounce rate in its old meaning: sessions of a single page over sessions, from 0 to 1, lower is better.

    Args:
        pages: pages seen in each session, 1 or more.

    Returns:
        A `Metric` for `measure` and `estimate`; adjusted Wald.

    Source: web analytics before 2020. Checked against: hand counts. See `engaged_bounce` for the other one.

    >>> from cxuxlib import estimate
    >>> estimate([1, 3, 1, 2], bounce()).value
    0.5
    """
    return Metric(
        "bounce (single page)", (("x", Answer(pages, 1, inf)),), "x == 1", "proportion", 0, 1, higher_is_better=False,
        construct="UX", source="web analytics",
    )  # fmt: skip


def engaged_bounce(pages: str = "n_pages", time: str = "duration_s", converted: str = "converted") -> Metric:
    """Bounce rate in its new meaning: sessions that were not engaged, from 0 to 1, lower is better.

    Engaged: at least 10 seconds, or 2 pages, or a conversion.

    Args:
        pages: pages seen in each session, 1 or more.
        time: seconds of each session, 0 or more.
        converted: true/false or 1/0.

    Returns:
        A `Metric` for `measure`; adjusted Wald.

    Source: Google Analytics 4. Checked against: hand counts. See `bounce` for the other one.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"n_pages": [1, 1, 2], "duration_s": [3, 30, 3], "converted": [0, 0, 0]})
    >>> round(measure(frame, engaged_bounce())["value"].item(), 2)
    0.33
    """
    answers = (
        ("pages", Answer(pages, 1, inf)),
        ("t", Answer(time, 0, inf, whole=False)),
        ("converted", Answer(converted, 0, 1)),
    )
    return Metric(
        "bounce (not engaged)", answers, "(pages < 2) * (t < 10) * (1 - converted)", "proportion", 0, 1,
        higher_is_better=False, construct="UX", source="Google Analytics 4",
    )  # fmt: skip
