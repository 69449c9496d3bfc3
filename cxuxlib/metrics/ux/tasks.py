"""Metrics of tasks: success, errors, time, steps and efficiency of attempts."""

from math import inf, sqrt
from typing import Literal

from cxuxlib.errors import ArgumentError
from cxuxlib.study import Answer, Metric

__all__ = [
    "abandonment",
    "any_error",
    "core_efficiency",
    "error_rate",
    "errors_per_attempt",
    "excess_steps",
    "lostness",
    "overall_relative_efficiency",
    "steps",
    "task_success",
    "time_based_efficiency",
    "time_on_task",
]

_POSITIVE = 5e-324  # the smallest number above 0: a time of 0 has no logarithm and no rate


def _yes(column: str) -> Answer:
    return Answer(column, 0, 1)


def _count(column: str) -> Answer:
    return Answer(column, 0, inf)


def _time(column: str) -> Answer:
    return Answer(column, _POSITIVE, inf, whole=False)


def task_success(
    column: str = "success",
    *,
    partial: bool = False,
    interval: Literal["adjusted", "wilson", "exact", "wald"] = "adjusted",
) -> Metric:
    """Task success (completion) rate: successful attempts over all attempts.

    p = x / n, from 0 to 1, higher is better. With partial credit the mean of credits from 0 to 1 is no proportion,
    and gets Student's t.

    Args:
        column: true/false or 1/0, one row per attempt; with ``partial`` a credit from 0 to 1.
        partial: whether an attempt may be a part of a success.
        interval: "adjusted" Wald; "wilson" (score) or "exact" (covers at least as often as it says), for unweighted
            attempts of different users only; "wald", for large samples only (five of five: 1 to 1).

    Returns:
        A `Metric` for `measure`, `estimate` and `benchmark`.

    Raises:
        ArgumentError: there is no such interval, or one is chosen for partial credit.

    Source: ISO 9241-11:2018 (effectiveness); Sauro & Lewis 2005. Checked against: Sauro & Lewis (7 of 10).

    >>> from cxuxlib import estimate
    >>> estimate([1, 1, 0, 1, 1], task_success())
    task success = 0.80, 95% CI [0.36, 0.98], n = 5 (adjusted Wald)
    >>> estimate([1, 1, 0, 1, 1], task_success(interval="exact"))
    task success = 0.80, 95% CI [0.28, 0.99], n = 5 (exact)
    """
    if partial:
        answers = (("x", Answer(column, 0, 1, whole=False)),)
        return Metric(
            "task success (partial credit)", answers, "x", "mean", 0, 1, construct="UX", source="Tullis & Albert",
            interval="" if interval == "adjusted" else interval,
        )  # fmt: skip
    return Metric(
        "task success", (("x", _yes(column)),), "x", "proportion", 0, 1, interval=interval, construct="UX",
        source="ISO 9241-11:2018",
    )  # fmt: skip


def abandonment(column: str = "completed", *, abandoned: str | None = None) -> Metric:
    """Abandonment rate: attempts started and not completed over attempts started.

    1 - completed / started, from 0 to 1, lower is better; with ``abandoned`` given up / started, which leaves out those
    that failed and were not given up. Default interval: adjusted Wald. Per attempt, or per user
    where each row is a user: say which.

    Args:
        column: true/false or 1/0: the attempt was completed.
        abandoned: a column that says the opposite, true or 1 where the attempt was given up, read instead.

    Returns:
        A `Metric` for `measure` and `estimate`.

    Raises:
        ArgumentError: ``column`` is named as one that says the opposite.

    Source: practice; Tullis & Albert 2013. Checked against: `task_success` of the same column.

    >>> from cxuxlib import estimate
    >>> estimate([1, 1, 0, 1], abandonment()).value
    0.25
    """
    if abandoned is None and column.lower().startswith("abandon"):
        raise ArgumentError(
            f"abandonment({column!r}) would read who gave up as who completed; say abandonment(abandoned={column!r})."
        )
    return Metric(
        "abandonment", (("x", _yes(abandoned or column)),), "x" if abandoned else "1 - x", "proportion", 0, 1,
        higher_is_better=False, construct="UX", source="practice",
    )  # fmt: skip


def any_error(column: str = "n_errors") -> Metric:
    """Share of attempts with at least one error, from 0 to 1, lower is better.

    Args:
        column: number of errors of each attempt, 0 or more.

    Returns:
        A `Metric` for `measure` and `estimate`; adjusted Wald.

    Source: Sauro & Lewis 2016, Quantifying the User Experience. Checked against: hand counts.

    >>> from cxuxlib import estimate
    >>> estimate([0, 2, 1, 0], any_error()).value
    0.5
    """
    return Metric(
        "any error", (("x", _count(column)),), "x > 0", "proportion", 0, 1, higher_is_better=False, construct="UX",
        source="Sauro & Lewis 2016",
    )  # fmt: skip


def errors_per_attempt(column: str = "n_errors") -> Metric:
    """Mean number of errors per attempt, 0 or more, lower is better.

    Args:
        column: number of errors of each attempt, 0 or more.

    Returns:
        A `Metric` for `measure` and `estimate`; Student's t.

    Source: ISO/IEC 25062:2006. Checked against: scipy's t interval.

    >>> from cxuxlib import estimate
    >>> estimate([0, 2, 1, 0], errors_per_attempt()).value
    0.75
    """
    return Metric(
        "errors per attempt", (("x", _count(column)),), "x", "mean", 0, inf, unit="errors", higher_is_better=False,
        construct="UX", source="ISO/IEC 25062:2006",
    )  # fmt: skip


def error_rate(errors: str = "n_errors", opportunities: str = "n_opportunities") -> Metric:
    """Errors over opportunities for error, lower is better: Σ errors / Σ opportunities.

    From 0 to 1 where an opportunity can hold one error; nothing forbids more. Delta method over units; below 10 errors
    it would cover .82 to .92, so exact Poisson limits replace it there, if there is less than one error to 5 units.

    Args:
        errors: number of errors of each attempt, 0 or more.
        opportunities: number of steps at which one could err, above 0.

    Returns:
        A `Metric` for `measure`.

    Source: Sauro & Lewis 2016, Quantifying the User Experience. Checked against: the linearised residuals by hand.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"n_errors": [1, 0, 2], "n_opportunities": [5, 5, 10]})
    >>> measure(frame, error_rate())["value"].item()
    0.15
    """
    return Metric(
        "error rate", (("errors", _count(errors)), ("chances", Answer(opportunities, 1, inf))), "errors", "mean", 0,
        inf, per="chances", higher_is_better=False, construct="UX", source="Sauro & Lewis 2016",
    )  # fmt: skip


def time_on_task(
    column: str = "duration_s",
    *,
    success: str | None = "success",
    which: Literal["completed", "failed", "all"] = "completed",
) -> Metric:
    """Typical time on task in seconds: the geometric mean, exp(mean ln t), lower is better.

    Three times that must not be mixed: until success (``completed``), until failure or giving up (``failed``), and the
    time spent in all. Time until success knows nothing of those who quit; `behaviour.median_time` does.

    Args:
        column: seconds, above 0.
        success: true/false column that says which attempts succeeded; None only with ``which="all"``.
        which: "completed", "failed" or "all".

    Returns:
        A `Metric` for `measure` and (with "all") `estimate`; Student's t on the logarithms.

    Raises:
        ArgumentError: no such kind of time, or no column that tells success from failure.

    Source: Sauro & Lewis 2010, doi:10.1145/1753326.1753679. Checked against: their example (68 s, 46 to 101).

    >>> from cxuxlib import estimate
    >>> estimate([55, 65, 75, 62, 45, 135], time_on_task(success=None, which="all"))
    time on task (all) = 68, 95% CI [46, 101], n = 6 (log-t)
    """
    wheres = {"completed": "success == 1", "failed": "success == 0", "all": ""}
    if which not in wheres:
        raise ArgumentError(f"which is one of {sorted(wheres)}; got {which!r}.")
    if success is None and which != "all":
        raise ArgumentError(f"Times of {which} attempts need the column that tells success: success='...'.")
    answers: tuple[tuple[str, Answer], ...] = (("t", _time(column)),)
    if which != "all" and success is not None:
        answers += (("success", _yes(success)),)
    return Metric(
        f"time on task ({which})", answers, "log(t)", "mean", 0, inf, where=wheres[which], link="exp", unit="s",
        higher_is_better=False, construct="UX", source="Sauro & Lewis 2010",
    )  # fmt: skip


def steps(column: str = "n_clicks") -> Metric:
    """Mean number of clicks or steps to completion, lower is better.

    Args:
        column: clicks, pages or steps of each attempt, 0 or more.

    Returns:
        A `Metric` for `measure` and `estimate`; Student's t.

    Source: practice; Tullis & Albert 2013. Checked against: scipy's t interval.

    >>> from cxuxlib import estimate
    >>> estimate([4, 6, 5, 5], steps()).value
    5.0
    """
    return Metric(
        "steps", (("x", _count(column)),), "x", "mean", 0, inf, unit="steps", higher_is_better=False, construct="UX",
        source="practice",
    )  # fmt: skip


def excess_steps(column: str = "n_steps", optimal: str = "n_optimal") -> Metric:
    """How many times the shortest path was walked: the geometric mean of steps over optimal steps, 1 at best.

    Args:
        column: steps of each attempt, above 0.
        optimal: fewest steps that the task needs, above 0.

    Returns:
        A `Metric` for `measure`; Student's t on the logarithms.

    Source: practice; Tullis & Albert 2013. Checked against: hand computation.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"n_steps": [4, 16], "n_optimal": [4, 4]})
    >>> measure(frame, excess_steps())["value"].item()
    2.0
    """
    answers = (("steps", Answer(column, 1, inf)), ("optimal", Answer(optimal, 1, inf)))
    return Metric(
        "steps over optimal", answers, "log(steps / optimal)", "mean", 0, inf, link="exp", higher_is_better=False,
        construct="UX", source="practice",
    )  # fmt: skip


def lostness(unique: str = "n_unique", total: str = "n_pages", optimal: str = "n_optimal") -> Metric:
    """Lostness: L = √((N/S - 1)² + (R/N - 1)²), from 0 to below √2, lower is better.

    N different pages, S pages in all, R pages at least needed. Undefined where a user stopped before R different
    pages; such attempts are left out, by definition.

    Args:
        unique: different pages visited (N), above 0.
        total: pages visited (S), above 0.
        optimal: pages that the task needs from where it starts (R), above 0.

    Returns:
        A `Metric` for `measure`; Student's t.

    Source: Smith 1996, doi:10.1016/0953-5438(96)87694-3. Checked against: Tullis & Albert (.60);
    (20, 100, 2) gives 1.204.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"n_unique": [6, 20], "n_pages": [9, 100], "n_optimal": [3, 2]})
    >>> round(measure(frame.head(1), lostness())["value"].item(), 2)
    0.6
    """
    answers = tuple((name, Answer(column, 1, inf)) for name, column in (("n", unique), ("s", total), ("r", optimal)))
    return Metric(
        "lostness", answers, "sqrt((n / s - 1) ** 2 + (r / n - 1) ** 2)", "mean", 0, sqrt(2), where="r <= n",
        higher_is_better=False, construct="UX", source="Smith 1996",
    )  # fmt: skip


def time_based_efficiency(success: str = "success", time: str = "duration_s") -> Metric:
    """Time-based efficiency: the mean of success over time, in goals per second, higher is better.

    (1/n) Σ success / t.

    Args:
        success: true/false or 1/0 for each attempt.
        time: seconds, above 0; of a failed attempt until the user gave up.

    Returns:
        A `Metric` for `measure`; Student's t.

    Source: DIDO wiki 4.3.6.2 (Object Management Group). Checked against: the definition by hand.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"success": [1, 1, 1, 0], "duration_s": [1, 2, 3, 6]})
    >>> round(measure(frame, time_based_efficiency())["value"].item(), 2)
    0.46
    """
    return Metric(
        "time-based efficiency", (("success", _yes(success)), ("t", _time(time))), "success / t", "mean", 0, inf,
        unit="goals per s", construct="UX", source="DIDO wiki 4.3.6.2",
    )  # fmt: skip


def overall_relative_efficiency(success: str = "success", time: str = "duration_s") -> Metric:
    """Overall relative efficiency: time spent on successful attempts over all time spent, from 0 to 1.

    Σ success · t / Σ t, higher is better. Delta method over units.

    Args:
        success: true/false or 1/0 for each attempt.
        time: seconds, above 0; of a failed attempt until the user gave up.

    Returns:
        A `Metric` for `measure`.

    Source: DIDO wiki 4.3.6.2 (Object Management Group). Checked against: the definition by hand.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"success": [1, 1, 1, 0], "duration_s": [1, 2, 3, 6]})
    >>> measure(frame, overall_relative_efficiency())["value"].item()
    0.5
    """
    return Metric(
        "overall relative efficiency", (("success", _yes(success)), ("t", _time(time))), "success * t", "mean", 0, 1,
        per="t", construct="UX", source="DIDO wiki 4.3.6.2",
    )  # fmt: skip


def core_efficiency(success: str = "success", time: str = "duration_s") -> Metric:
    """Efficiency after ISO/IEC 25062: completion rate per minute of mean task time, 0 or more; it may exceed 1.

    (Σ success / n) / (Σ t / n / 60), which is 60 Σ success / Σ t. Higher is better. Delta method over units.

    Args:
        success: true/false or 1/0 for each attempt.
        time: seconds, above 0.

    Returns:
        A `Metric` for `measure`.

    Source: ISO/IEC 25062:2006. Checked against: Tullis & Albert, Table 4.3.

    >>> import pandas as pd
    >>> from cxuxlib import measure
    >>> frame = pd.DataFrame({"success": [1, 1, 0, 1], "duration_s": [60, 120, 180, 60]})
    >>> round(measure(frame, core_efficiency())["value"].item(), 3)
    0.429
    """
    return Metric(
        "efficiency (ISO/IEC 25062)", (("success", _yes(success)), ("t", _time(time))), "success", "mean", 0, inf,
        per="t / 60", unit="completions per minute", construct="UX", source="ISO/IEC 25062:2006",
    )  # fmt: skip
