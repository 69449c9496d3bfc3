"""One row per customer, and one row per customer and period: the tables that models want."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from cxuxlib.errors import ArgumentError, ColumnError, SampleError, UnitError, listed, unknown
from cxuxlib.events import checks
from cxuxlib.events.logs import Log, Time, log_end, micros
from cxuxlib.events.periods import (
    DAY,
    Period,
    check_period,
    local_time,
    name_of,
    number_of,
    offsets,
    on_the_wall,
    with_label,
    with_period,
)
from cxuxlib.frames.logs import TIME, Home, give_back, open_log, stacked, stamped
from cxuxlib.frames.reading import absent, answer_of, check_numeric, rows

__all__ = ["Source", "journey", "lifetimes"]

Plan = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One of the tables that a journey joins: attempts, service contacts, orders, answers.

    Args:
        frame: one row per attempt, contact, order or answer: a frame of any engine, or files.
        at: column that says when.
        mean: name in the journey, and the numeric column whose mean over the period it is; missing values do not count.
        total: name in the journey, and the numeric column whose sum over the period it is.
        at_unit: unit of times that are numbers since 1970 UTC: "s", "ms" or "us".
    """

    frame: Any
    at: str
    mean: Mapping[str, str] = field(default_factory=dict)
    total: Mapping[str, str] = field(default_factory=dict)
    at_unit: Literal["s", "ms", "us"] | None = None


def lifetimes(
    log: Log,
    *,
    inactive_d: float,
    pauses: Literal["final", "forgiven"] = "final",
    from_start: bool = False,
    until: Time | None = None,
) -> Any:
    """Give each customer's time with us: one row per customer, as a frame of the kind the log came from.

    A customer has churned who does nothing for more than ``inactive_d`` days; the time of churn is that of the event
    before. Nobody can be seen to leave in the last ``inactive_d`` days, so the others are censored when these begin,
    and of customers first seen in them nothing can be said; nor of those first seen in the first ``inactive_d`` days,
    who may have been customers before.

    Args:
        log: of `read`.
        inactive_d: days without an event after which a customer counts as gone, above 0. There is no default.
        pauses: "final": the first such pause is churn, whatever comes later. "forgiven": who came back never left, so
            that only the last pause counts; early pauses have had more time to end than late ones, and the share who
            stay depends on the length of the log.
        from_start: the log holds the first event of every customer, so that nobody was one before.
        until: end of the log, included: a time (UTC where it names no zone) or a date, whose whole day was observed;
            by default the time of its last event.

    Returns:
        One row per customer: the user, ``first_at``, ``last_at``, ``n_events``, ``idle_d`` (days from the last event to
        the end), ``tenure_d`` (days from the first event to churn, or to ``inactive_d`` days before the end),
        ``observed_d`` (days from the first event to the end), ``churned`` (1 or 0), ``censored`` (1 or 0).
        ``tenure_d``, ``churned`` and ``censored`` are missing for those of whom nothing can be said. A day has 24
        hours.

    Raises:
        ArgumentError: an argument is not what it should be. SampleError: the log has no events that count, or is so
            short that nothing can be said of anybody.

    Source: practice; Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452 for censoring. Checked against: a slow
    reference in the tests, on six engines; a made log whose survival is known, at several lengths.

    >>> from cxuxlib.events import read
    >>> log = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "event": "visit"})
    >>> log["at"] = pd.to_datetime(["2026-01-01", "2026-01-11", "2026-01-10", "2026-02-05", "2026-03-01"])
    >>> lifetimes(read(log), inactive_d=30, from_start=True)[["user_id", "tenure_d", "churned"]]
       user_id  tenure_d  churned
    0        1      10.0      1.0
    1        2      20.0      0.0
    2        3       NaN      NaN
    """
    checks.seconds("inactive_d", inactive_d, "days")
    if pauses not in ("final", "forgiven"):
        raise ArgumentError(unknown("kind of pauses", pauses, ("final", "forgiven")))
    first, end, log = log_end(log, until)
    patience = round(inactive_d * DAY)
    begin = first if from_start else first + patience
    if end - begin <= patience:
        early = "" if from_start else ", and who came in the first such time may have been a customer before"
        raise SampleError(
            f"The log covers {(end - first) / DAY:.3g} days; nobody can be seen to do nothing for more than "
            f"{inactive_d:g}{early}. Take a longer log, or a shorter inactive_d."
        )
    plan = log.rows.select(nw.col(log.user).alias("u"), nw.col(TIME).alias("t"))
    if pauses == "final":
        after = nw.col("t").shift(-1).over("u", order_by="t")
        plan = plan.with_columns(
            nw.when((after - nw.col("t") > patience).fill_null(False)).then(nw.col("t")).alias("p")
        )
    found = plan.group_by("u").agg(
        nw.col("t").min().alias("t0"), nw.col("t").max().alias("t1"), nw.len().alias("n"),
        *([nw.col("p").min().alias("tp")] if pauses == "final" else []),
    )  # fmt: skip
    found = stamped(found, {"s0": "t0", "s1": "t1"}, log.home)
    gone, idle, seen = nw.col("gone"), nw.lit(end) - nw.col("t1"), nw.lit(end) - nw.col("t0")
    left = nw.col("t1")
    found = found.with_columns((idle > patience).alias("gone"))
    if pauses == "final":
        left = nw.when(nw.col("tp").is_null()).then(nw.col("t1")).otherwise(nw.col("tp"))
        found = found.with_columns((gone | ~nw.col("tp").is_null()).alias("gone"))
    new = (nw.col("t0") >= begin) if from_start else (nw.col("t0") > begin)
    found = found.with_columns(((seen > patience) & new).alias("told"))
    kept = nw.when(gone).then(left - nw.col("t0")).otherwise(seen - patience)
    told = {"tenure_d": _days(kept), "churned": gone.cast(nw.Int64), "censored": (~gone).cast(nw.Int64)}
    tenure, churned, censored = (nw.when(nw.col("told")).then(value).alias(name) for name, value in told.items())
    found = found.select(
        nw.col("u").alias(log.user), nw.col("s0").alias("first_at"), nw.col("s1").alias("last_at"),
        nw.col("n").cast(nw.Int64).alias("n_events"), _days(idle).alias("idle_d"), tenure,
        _days(seen).alias("observed_d"), churned, censored,
    )  # fmt: skip
    return give_back(found, log.home, sort=[log.user])


def _days(micros: nw.Expr) -> nw.Expr:
    return micros.cast(nw.Float64) / DAY


def journey(
    sources: Mapping[str, Source],
    *,
    user: str = "user_id",
    period: Period = "month",
    zone: str = "UTC",
    until: Time | None = None,
) -> Any:
    """Join what customers did and said into one row per customer and period.

    A customer's rows begin with the first period in which any source knows them and go on to the last period of all,
    with or without anything in it. Where nothing happened a count is 0; a mean is missing, and so is a total.

    Args:
        sources: name and `Source`, such as {"attempts": Source(...), "contacts": Source(...)}; all on one engine
            (pandas, Arrow and files are on one: DuckDB).
        user: column that says who, in every source.
        period: "day", "week" (from Monday) or "month".
        zone: time zone whose calendar counts.
        until: end of observation, a time (in ``zone`` where it names none) or a date, whose whole day was observed:
            what comes later is left out, and the last period of all is the one before it; by default the latest time of
            any source.

    Returns:
        A frame of the kind the sources are (a relation of DuckDB where they are of several): the user, ``period`` (such
        as 202603, or 20260302), ``nth`` (0 in the customer's first), ``complete`` (1 where the period was over by
        ``until``; whether the first of all was seen from its beginning is not known), ``n_NAME`` for each source, and
        the means and totals.

    Raises:
        ArgumentError, ColumnError, UnitError, SampleError: sources of several engines, columns that are not there or
            named twice, rows without a user or a time, a period in which no source has anything.

    Source: practice. Checked against: a slow reference in the tests, on six engines.

    >>> orders = pd.DataFrame({"user_id": [1, 1], "at": pd.to_datetime(["2026-01-05", "2026-03-01"]), "paid": [10, 30]})
    >>> visits = pd.DataFrame({"user_id": [1, 1], "at": pd.to_datetime(["2026-01-04", "2026-02-01"])})
    >>> table = journey({"orders": Source(orders, "at", total={"spend": "paid"}), "visits": Source(visits, "at")})
    >>> table[["period", "n_orders", "spend", "n_visits"]]
       period  n_orders  spend  n_visits
    0  202601         1   10.0         1
    1  202602         0    NaN         1
    2  202603         1   30.0         0
    """
    check_period(period)
    plans, home, first, latest = _opened(sources, user)
    end = latest if until is None else micros(until, zone)
    if end < first:
        raise SampleError(f"until, {until}, is before the first time of any source.")
    clock = offsets(zone, first, end)
    local = local_time(nw.col("t"), clock)
    plans = {name: with_period(plan.filter(nw.col("t") <= end), local, period) for name, plan in plans.items()}
    keys = stacked([plan.select("u", "p") for plan in plans.values()])
    periods = keys.group_by("p").agg(nw.len().alias("n")).select("p")
    _check_holes(rows(periods), number_of(on_the_wall(end - 1, clock), period), period)
    grid = keys.group_by("u").agg(nw.col("p").min().alias("first"))
    grid = grid.join(periods, how="cross").filter(nw.col("p") >= nw.col("first"))
    shown = []
    for i, (name, plan) in enumerate(plans.items()):
        source = sources[name]
        grid = grid.join(_summed(plan, i, len(source.mean), len(source.total)), on=["u", "p"], how="left")
        shown.append(nw.col(f"n{i}").fill_null(0).cast(nw.Int64).alias(f"n_{name}"))
        shown += [nw.col(f"y{i}_{j}").alias(new) for j, new in enumerate((*source.mean, *source.total))]
    done = nw.col("p") < number_of(on_the_wall(end, clock), period)
    grid = with_label(grid, period).select(
        nw.col("u").alias(user), nw.col("label").alias("period"),
        (nw.col("p") - nw.col("first")).cast(nw.Int64).alias("nth"), done.cast(nw.Int64).alias("complete"), *shown,
    )  # fmt: skip
    return give_back(grid, home, sort=[user, "period"])


def _opened(sources: Mapping[str, Source], user: str) -> tuple[dict[str, Plan], Home, int, int]:
    """The sources as plans of u, t, v0, v1, ... on one engine, where results belong, the first and the last time."""
    if not sources or not all(isinstance(each, Source) for each in sources.values()):
        raise ArgumentError("sources is a dict of events.Source, such as {'orders': events.Source(orders, at='at')}.")
    named = [f"n_{name}" for name in sources] + [new for each in sources.values() for new in (*each.mean, *each.total)]
    checks.apart([user, "period", "nth", "complete", *named])
    plans, homes, ends = {}, {}, []
    for name, source in sources.items():
        columns = [*source.mean.values(), *source.total.values()]
        plan, homes[name] = open_log(source.frame, [user, *columns], source.at, source.at_unit)
        check_numeric(plan, columns)
        ends += _whole(plan, name, user, source.at)
        values = [nw.col(each).alias(f"v{i}") for i, each in enumerate(columns)]
        plans[name] = plan.select(nw.col(user).alias("u"), nw.col(TIME).alias("t"), *values)
    kinds = {name: plan.implementation.name.lower() for name, plan in plans.items()}
    if len(set(kinds.values())) > 1:
        raise ArgumentError(
            f"The sources of a journey are on one engine; got {kinds}. Bring the smaller ones to the larger one's."
        )
    if not ends:
        raise SampleError("The sources have no rows; there is no journey to make.")
    same = len({home.kind for home in homes.values()}) == 1
    return _alike(plans, user), next(iter(homes.values())) if same else Home("lazy"), min(ends), max(ends)


def _whole(plan: Plan, name: str, user: str, at: str) -> list[int]:
    """The first and the last time of a source, each of whose rows must say who and when."""
    lost = [absent(plan, column).cast(nw.Int64).alias(short) for short, column in (("u", user), ("w", TIME))]
    found = plan.select(*lost, nw.col(TIME).alias("t"))
    found = found.select(nw.col("u", "w").sum(), nw.col("t").min().alias("a"), nw.col("t").max().alias("b"))
    line = rows(found).iloc[0]
    for short, column in (("u", user), ("w", at)):
        if not pd.isna(line[short]) and line[short]:
            raise UnitError(
                f"{int(line[short]):,} rows of {name!r} have no {column!r}; drop them or find out whose they are."
            )
    return [] if pd.isna(line["a"]) else [int(line["a"]), int(line["b"])]


def _alike(plans: dict[str, Plan], user: str) -> dict[str, Plan]:
    """The plans with users of one type, whole numbers or texts."""
    types = {name: plan.collect_schema()["u"] for name, plan in plans.items()}
    texts = {name: each == nw.String or each == nw.Categorical or each == nw.Enum for name, each in types.items()}
    if len(set(texts.values())) > 1:
        shown = {name: str(each) for name, each in types.items()}
        raise ColumnError(f"Column {user!r} is of different types in the sources: {shown}; make them one.")
    if all(texts.values()):
        wanted: Any = nw.String
    elif all(each.is_numeric() for each in types.values()):
        wanted = nw.Float64 if any(each.is_float() for each in types.values()) else nw.Int64
        if wanted == nw.Float64:
            _check_size(plans, user)
    else:
        return plans
    return {name: plan.with_columns(nw.col("u").cast(wanted)) for name, plan in plans.items()}


def _check_size(plans: dict[str, Plan], user: str) -> None:
    """Refuse ids of which floats would make several one."""
    for name, plan in plans.items():
        most = rows(plan.select(nw.col("u").cast(nw.Float64).abs().max().alias("most")))["most"].iloc[0]
        if most is not None and most >= 2**53:
            raise ColumnError(
                f"Column {user!r} of {name!r} has ids of 2^53 or more, and in some source ids are floats, which "
                "cannot tell those apart; make them whole numbers or texts everywhere."
            )


def _check_holes(found: pd.DataFrame, last: int, period: Period) -> None:
    """Refuse periods in which no source has anything, from the first of all to the last."""
    there = {int(each) for each in found["p"]}
    every = range(min(there), max(last, *there) + 1)
    if len(there) < len(every):
        empty = [name_of(each, period) for each in every if each not in there]
        raise SampleError(
            f"In {len(empty)} of {len(every)} periods ({listed(empty)}) no source has anything: a hole in the data, a "
            f"period ({period!r}) that is too short, or an end (until) that is too late."
        )


def _summed(plan: Plan, i: int, means: int, totals: int) -> Plan:
    """One row per customer and period of source i: u, p, n, y0, y1, ..., the means and then the totals."""
    columns, shown = [], []
    for j in range(means + totals):
        value, missing = answer_of(f"v{j}")
        columns += [value.alias(f"v{j}"), (~missing).cast(nw.Int64).alias(f"k{j}")]
        total, many = nw.col(f"v{j}"), nw.col(f"k{j}")
        shown.append(nw.when(many > 0).then(total / many if j < means else total).alias(f"y{i}_{j}"))
    plan = plan.select("u", "p", *columns).group_by("u", "p").agg(
        nw.len().alias(f"n{i}"), *(nw.col(f"{part}{j}").sum() for j in range(means + totals) for part in "vk")
    )  # fmt: skip
    return plan.select("u", "p", f"n{i}", *shown)
