"""What events.* must give: slow and obvious, over lists of dicts, written from the docstrings alone.

A log is a list of dicts with user_id, event, at (microseconds since 1970 UTC) and other columns; None is missing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
SECOND, DAY = 1_000_000, 86_400 * 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def counted(log: Sequence[Row], duplicates: str = "keep") -> tuple[list[Row], dict[str, int]]:
    """The events that count, and how many each rule leaves out."""
    lost = {"no user": 0, "no event": 0, "no time": 0}
    kept: list[Row] = []
    for row in log:
        for rule, name in zip(lost, ("user_id", "event", "at"), strict=True):
            if row[name] is None:
                lost[rule] += 1
                break
        else:
            kept.append(row)
    if duplicates == "drop":
        once = [row for i, row in enumerate(kept) if row not in kept[:i]]
        lost["alike in every column"] = len(kept) - len(once)
        kept = once
    return kept, lost


def wall(at: int, zone: str) -> datetime:
    """What the clock on the wall says."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


def sessions(
    log: Sequence[Row],
    gap_s: float = 1800.0,
    key: str | None = None,
    counts: Mapping[str, Sequence[str]] | None = None,
    keep: Sequence[str] = (),
    midnight: str | None = None,
) -> list[Row]:
    visits: list[tuple[Any, Any, list[Row]]] = []
    if key:
        known = [row for row in log if row[key] is not None]
        visits = [(user, value, rows) for (user, value), rows in grouped(known, "user_id", key).items()]
    else:
        for (user,), rows in grouped(log, "user_id").items():
            before, number = None, 0
            for row in sorted(rows, key=lambda each: each["at"]):
                new = before is None or row["at"] - before > gap_s * SECOND
                if (
                    midnight
                    and before is not None
                    and wall(before, midnight).date() != wall(row["at"], midnight).date()
                ):
                    new = True
                if new:
                    number += 1
                    visits.append((user, number, []))
                visits[-1][2].append(row)
                before = row["at"]
    found = []
    for user, value, rows in visits:
        first, last = min(row["at"] for row in rows), max(row["at"] for row in rows)
        line = {"user_id": user, key or "session": value, "start_at": first, "end_at": last}
        line |= {"duration_s": (last - first) / SECOND, "n_events": len(rows)}
        for name, events in (counts or {}).items():
            many = sum(row["event"] in events for row in rows)
            line[name] = min(many, 1) if name.startswith("any_") else many
        for name in keep:
            values = {row[name] for row in rows} - {None}
            line[name] = values.pop() if len(values) == 1 else None
        found.append(line)
    return found


KINDS = ("start", "step", "error", "failure", "success")


def kind_of(event: str, task: Mapping[str, Sequence[str]]) -> str | None:
    return next((kind for kind in KINDS if event in task.get(kind, ())), None)


def attempts(
    log: Sequence[Row], task: Mapping[str, Any], by: Sequence[str] = (), until: int | None = None
) -> tuple[list[Row], dict[str, int]]:
    """The attempts that each start opens, and the events of none of them."""
    end = max(row["at"] for row in log) if until is None else until
    timeout = task["timeout_s"] * SECOND
    found, lost = [], {"events before any start": 0, "events after the end or the time-out": 0}
    for own, rows in grouped([row for row in log if row["at"] <= end], "user_id", *by).items():
        mine = [(row["at"], KINDS.index(kind)) for row in rows if (kind := kind_of(row["event"], task))]
        tries: list[Row] = []
        for at, place in sorted(mine):
            kind = KINDS[place]
            if kind == "start":
                tries.append({"start": at, "events": [], "end": None, "outcome": None})
            elif not tries:
                lost["events before any start"] += 1
                continue
            this = tries[-1]
            if at > this["start"] + timeout or this["end"] is not None:
                lost["events after the end or the time-out"] += 1
                continue
            this["events"].append((at, kind))
            if kind in ("failure", "success"):
                this["end"], this["outcome"] = at, kind
        for number, this in enumerate(tries, start=1):
            last = max(at for at, _ in this["events"])
            if this["outcome"]:
                outcome, stop = this["outcome"], this["end"]
            elif number == len(tries) and this["start"] + timeout > end:
                outcome, stop = "censored", end
            else:
                outcome, stop = "abandoned", last
            kinds = [kind for _, kind in this["events"]]
            line = dict(zip(("user_id", *by, "attempt"), (*own, number), strict=True))
            found.append(attempt(line, task, outcome, (this["start"], stop), kinds, end))
    return found, lost


def keyed_attempts(
    log: Sequence[Row], task: Mapping[str, Any], key: str, by: Sequence[str] = (), until: int | None = None
) -> tuple[list[Row], dict[str, int]]:
    """One attempt for each key that has a start and no end before it."""
    end = max(row["at"] for row in log) if until is None else until
    timeout = task["timeout_s"] * SECOND
    seen = [row for row in log if row["at"] <= end]
    lost = {"keys without a start": 0, "keys that end before they start": 0}
    lost["events without a key"] = sum(row[key] is None for row in seen)
    found = []
    for own, rows in grouped([row for row in seen if row[key] is not None], "user_id", *by, key).items():
        times = {kind: [row["at"] for row in rows if kind_of(row["event"], task) == kind] for kind in KINDS}
        if not times["start"]:
            lost["keys without a start"] += 1
            continue
        start = min(times["start"])
        ends = sorted((min(times[kind]), kind) for kind in ("failure", "success") if times[kind])
        if ends and ends[0][0] < start:
            lost["keys that end before they start"] += 1
            continue
        if ends and ends[0][0] <= start + timeout:
            stop, outcome = ends[0]
        elif start + timeout > end:
            stop, outcome = end, "censored"
        else:
            stop, outcome = min(max(row["at"] for row in rows), start + round(timeout)), "abandoned"
        kinds = [kind_of(row["event"], task) or "other" for row in rows]
        line = dict(zip(("user_id", *by, key), own, strict=True))
        found.append(attempt(line, task, outcome, (start, stop), kinds, end))
    return found, lost


def attempt(
    own: Row, task: Mapping[str, Any], outcome: str, span: tuple[int, int], kinds: Sequence[str], end: int
) -> Row:
    known = span[0] + task["timeout_s"] * SECOND <= end
    return own | {
        "task": task["name"],
        "outcome": outcome,
        "success": float(outcome == "success") if known else None,
        "abandoned": float(outcome == "abandoned") if known else None,
        "start_at": span[0],
        "duration_s": (span[1] - span[0]) / SECOND,
        "n_clicks": kinds.count("step") if known else None,
        "n_errors": kinds.count("error") if known else None,
        "n_events": len(kinds),
    }


def funnel(
    log: Sequence[Row],
    steps: Sequence[Sequence[str]],
    window_s: float,
    key: str | None = None,
    by: str | None = None,
    until: int | None = None,
) -> list[Row]:
    """How many entries, and users who enter, reach each step; the intervals are tested where they are made."""
    own = ("user_id", key) if key else ("user_id",)
    end = max(row["at"] for row in log) if until is None else until
    log = [row for row in log if row["at"] <= end]
    entries: list[tuple[Any, Any, int]] = []  # segment, user, steps reached
    early: list[Any] = []  # segments of entries whose window was not over
    for names, rows in grouped([row for row in log if key is None or row[key] is not None], *own).items():
        first = sorted(row["at"] for row in rows if row["event"] in steps[0])
        if not first:
            continue
        times = [first[0]]
        for step in steps[1:]:
            shared = [at for at, other in zip(times, steps, strict=False) if set(other) & set(step)]
            later = [
                row["at"]
                for row in rows
                if row["event"] in step
                and times[-1] <= row["at"] <= times[0] + window_s * SECOND
                and all(row["at"] > at for at in shared)
            ]
            if not later:
                break
            times.append(min(later))
        values = [row[by] for row in rows if row["event"] in steps[0] and row["at"] == times[0]] if by else ["all"]
        known = [value for value in values if value is not None]
        segment = min(known) if known else "(missing)"
        if times[0] + window_s * SECOND > end:
            early.append(segment)
        else:
            entries.append((segment, names[0], len(times)))
    found = []
    for segment in {segment for segment, _, _ in entries}:
        here = [(user, many) for where, user, many in entries if where == segment]
        for i, step in enumerate(steps, start=1):
            reached = sum(many >= i for _, many in here)
            before = sum(many >= i - 1 for _, many in here)
            line = {"segment": segment, "step": i, "event": " or ".join(step), "entries": len(here), "reached": reached}
            line |= {"value": reached / len(here), "n": len({user for user, _ in here})}
            line["n_immature"] = early.count(segment)
            found.append(line | {"from_previous": reached / before if i > 1 and before else None})
    return found


def lifetimes(
    log: Sequence[Row], inactive_d: float, until: int | None = None, pauses: str = "final", from_start: bool = False
) -> list[Row]:
    end = max(row["at"] for row in log) if until is None else until
    begin = min(row["at"] for row in log)
    found = []
    for (user,), rows in grouped([row for row in log if row["at"] <= end], "user_id").items():
        times = sorted(row["at"] for row in rows)
        first, last = min(times), max(times)
        left = [at for at, then in zip(times, [*times[1:], end], strict=True) if then - at > inactive_d * DAY]
        if pauses == "forgiven":
            left = [at for at in left if at == last]
        churned = bool(left)
        line = {"user_id": user, "first_at": first, "last_at": last, "n_events": len(times)}
        told = end - first > inactive_d * DAY and (from_start or first - begin > inactive_d * DAY)
        tenure = (left[0] - first if churned else end - inactive_d * DAY - first) / DAY
        line |= {"idle_d": (end - last) / DAY, "observed_d": (end - first) / DAY}
        line |= {"tenure_d": tenure if told else None, "churned": int(churned) if told else None}
        found.append(line | {"censored": int(not churned) if told else None})
    return found


def period_of(at: int, zone: str, period: str) -> date:
    """The first day of the period in which a time falls."""
    day = wall(at, zone).date()
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if period == "week" else day


def following(first: date, period: str) -> date:
    if period == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period == "week" else 1)


def journey(
    sources: Mapping[str, Sequence[Row]], means: Mapping[str, Mapping[str, str]],
    totals: Mapping[str, Mapping[str, str]], zone: str, period: str, until: int | None = None,
) -> list[Row]:  # fmt: skip
    """One row per customer and period; None where some period has nothing at all, which is refused."""
    times = [row["at"] for rows in sources.values() for row in rows]
    end = max(times) if until is None else until
    every = {name: [row for row in rows if row["at"] <= end] for name, rows in sources.items()}
    there = {period_of(row["at"], zone, period) for rows in every.values() for row in rows}
    last = max(*there, period_of(end - 1, zone, period))
    periods = [min(there)]
    while periods[-1] < last:
        periods.append(following(periods[-1], period))
    if set(periods) != there:
        return []
    found = []
    for user in {row["user_id"] for rows in every.values() for row in rows}:
        mine = {name: [row for row in rows if row["user_id"] == user] for name, rows in every.items()}
        first = min(period_of(row["at"], zone, period) for rows in mine.values() for row in rows)
        for nth, start in enumerate(each for each in periods if each >= first):
            label = start.year * 100 + start.month if period == "month" else int(start.strftime("%Y%m%d"))
            over = following(start, period) <= wall(end, zone).date()
            line: Row = {"user_id": user, "period": label, "nth": nth, "complete": int(over)}
            for name, rows in mine.items():
                here = [row for row in rows if period_of(row["at"], zone, period) == start]
                line[f"n_{name}"] = len(here)
                for new, old in means.get(name, {}).items():
                    values = [row[old] for row in here if row[old] is not None]
                    line[new] = sum(values) / len(values) if values else None
                for new, old in totals.get(name, {}).items():
                    values = [row[old] for row in here if row[old] is not None]
                    line[new] = sum(values) if values else None
            found.append(line)
    return found
