"""User-experience metrics: behaviour in the interaction with a product, website or app."""

from cxuxlib.study import Metric

__all__ = ["task_success"]


def task_success(column: str = "success") -> Metric:
    """Task success (completion) rate: successful attempts over all attempts.

    p = x / n, from 0 to 1, higher is better. Default interval: adjusted Wald where each unit has one attempt,
    delta method over units where they have several.

    Args:
        column: true/false or 1/0, one row per attempt.

    Returns:
        A `Metric` for `measure` and `estimate`.

    Source: ISO 9241-11:2018 (effectiveness); Sauro & Lewis 2005. Checked against: Sauro & Lewis (7 of 10).

    >>> from cxuxlib import estimate
    >>> estimate([1, 1, 0, 1, 1], task_success())
    task success = 0.80, 95% CI [0.36, 0.98], n = 5 (adjusted Wald)
    """
    return Metric(
        "task success", column, "proportion", 0, 1, ((0, 0, 0), (1, 1, 1)),
        construct="UX", source="ISO 9241-11:2018",
    )  # fmt: skip
