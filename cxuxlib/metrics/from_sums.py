"""From the sums of a segment to a value, its interval and its size: shared by all that measures or compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from types import EllipsisType
from typing import Any

import pandas as pd

from cxuxlib import frames
from cxuxlib.errors import AnswerError, ArgumentError, SampleError, UnitError, listed
from cxuxlib.stats import design, interval_options, intervals
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.study import SINGLE_ANSWERS, Metric

COLUMNS = ["segment", "metric", "value", "low", "high", "n", "n_missing", "method", "level"]
SIZES = ["design_effect", "n_effective", "n_kish"]
FEW = 10  # events below which the delta method covers .82 to .92 where it says .95

MANY = 30  # answers, none of them above 6, that no customers on a scale from 0 to 10 would give

Unit = str | EllipsisType | None
Interval = tuple[float, float, float, str]

_COUNTED: dict[tuple[str, str], tuple[str, Callable[..., tuple[float, float]]]] = {
    ("proportion", "wald"): ("Wald", interval_options.wald),
    ("proportion", "wilson"): ("Wilson", intervals.wilson),
    ("proportion", "exact"): ("exact", interval_options.exact),
    ("nps", "wald"): ("Wald", interval_options.nps_wald),
    ("nps", "score"): ("score", interval_options.nps_score),
}


def definitions(metrics: Metric | Sequence[Metric]) -> list[Metric]:
    """The metrics as a list, refused where they are none."""
    wanted = list(metrics) if isinstance(metrics, Sequence) else [metrics]
    if not wanted or not all(isinstance(each, Metric) for each in wanted):
        raise ArgumentError("metrics is one or more definitions, such as [cx.nps('recommend'), ux.task_success('ok')].")
    return wanted


def refuse_weights(wanted: Sequence[Metric], weight: str | None) -> None:
    """Refuse intervals of single answers where answers are weighted."""
    for metric in wanted:
        if weight is not None and metric.interval in SINGLE_ANSWERS:
            raise ArgumentError(
                f"The {metric.interval!r} interval of {metric.name} holds for unweighted answers. With "
                f"weight={weight!r} take interval='adjusted', or 'wald', which linearises."
            )


def refuse_short_scales(found: pd.DataFrame, wanted: Sequence[Metric]) -> None:
    """Refuse a Net Promoter Score of many answers none of which is above 6: they come from a shorter scale."""
    for i, metric in enumerate(wanted):
        part = found[found["metric"] == i]
        if metric.kind == "nps" and part["answers"].sum() >= MANY and (part["y"] + 100 * part["x"]).sum() == 0:
            raise AnswerError(
                f"None of {int(part['answers'].sum()):,} answers in {listed(metric.columns)} is above 6. A Net "
                "Promoter Score needs the scale from 0 to 10; on 5 or 6 points nobody is a promoter: see cx.csat."
            )


def ratio_sums(row: Mapping[Any, Any] | pd.Series) -> RatioSums:
    """The sums of a row of `frames.sums`."""
    return RatioSums(*(float(row[name]) for name in RatioSums._fields))


def mix(sums: RatioSums) -> tuple[int, int, int]:
    """Promoters, passives and detractors from the sums of scores and of their squares."""
    promoters = round((sums.yy / 100 + sums.y) / 200)
    detractors = round((sums.yy / 100 - sums.y) / 200)
    return promoters, round(sums.n) - promoters - detractors, detractors


def differs(sums_of: RatioSums) -> bool:
    """Whether units differ by more than rounding."""
    return intervals.ratio_variance(sums_of) * sums_of.x**2 > 1e-14 * sums_of.yy


def shared(frame: Any, wanted: list[Metric], found: pd.DataFrame, between: str, unit: str, weight: str | None) -> bool:
    """Whether units answered in more than one group or wave."""
    alone = frames.sums(frame, wanted, unit=unit, weight=weight, given=between)["n"].sum()
    return bool(found.loc[found["segment"] != "(missing)", "n"].sum() > alone)


def pseudo_answers(metric: Metric, z: float) -> list[tuple[float, float]]:
    """What the adjusted Wald interval of a share or an NPS adds: (score, count)."""
    if metric.kind == "proportion":
        return [(1.0, z * z / 2), (0.0, z * z / 2)]
    return [(100.0, 0.75), (0.0, 1.5), (-100.0, 0.75)]


def table(
    found: pd.DataFrame, wanted: Sequence[Metric], *, unit: Unit, weight: str | None, level: float
) -> pd.DataFrame:
    """The result of `measure` from the sums of `frames.sums`."""
    refuse_short_scales(found, wanted)
    rows = []
    for row in found.to_dict("records"):
        metric = wanted[int(row["metric"])]
        if row["most"] > 1 and metric.interval in SINGLE_ANSWERS:
            raise UnitError(
                f"Some units of {unit!r} gave {int(row['most'])} answers: the {metric.interval!r} interval of "
                f"{metric.name} holds for one answer each. Take interval='adjusted', or 'wald', which linearises."
            )
        value, low, high, method = _interval(metric, row, weight is not None, level)
        n = int(row["n"])
        sizes = _sizes(metric, row, weight is not None, row["answers"] if isinstance(unit, str) else row["n"])
        rows.append((
            row["segment"], metric.name, value, low, high, n, int(row["n_missing"]), method, level, *sizes,
        ))  # fmt: skip
    out = pd.DataFrame(rows, columns=COLUMNS + SIZES)
    if not out["n"].any():
        columns = dict.fromkeys(column for each in wanted for column in each.columns)
        where = " or ".join(dict.fromkeys(each.where for each in wanted if each.where))
        raise SampleError(
            f"No row has a valid answer of positive weight in {listed(columns)}{f' where {where}' if where else ''}."
        )
    return out


def _interval(metric: Metric, row: Mapping[Any, Any], weighted: bool, level: float) -> Interval:
    """Value, low, high and method of one metric in one segment."""
    sums = ratio_sums(row)
    if sums.x == 0:
        nobody = "no valid answers" + (f" where {metric.where}" if metric.where else "")
        return nan, nan, nan, nobody if row["most"] == 0 else "all weights are zero"
    back = intervals.antilog if metric.link == "exp" else float
    value = min(max(back(sums.y / sums.x), metric.low), metric.high)  # rounding may leave the range by a hair
    plain = row["most"] <= 1 and not weighted
    over = "" if plain else " over units"
    if metric.kind != "mean" and metric.interval in ("", "adjusted"):
        low, high = intervals.adjusted_ratio(sums, pseudo_answers(metric, intervals.normal_quantile(level)), level)
        return value, min(value, max(low, metric.low)), max(value, min(high, metric.high)), "adjusted Wald" + over
    if metric.kind != "mean" and plain and metric.per == "1":
        how, ends = _COUNTED[metric.kind, metric.interval]
        counts = mix(sums) if metric.kind == "nps" else (round(sums.y), round(sums.n))
        return value, *ends(*counts, level), how
    if sums.n < 2:
        return value, nan, nan, "no interval: one unit"
    if _rare(metric, sums):
        seen = "exact Poisson, few events" if sums.y > 0 else "exact Poisson, no event seen"
        return value, *intervals.few_events(sums, level), seen + over
    units = intervals.effective_units(sums)
    if units <= 1 + 1e-9:
        return value, nan, nan, "no interval: one unit has all the weight"
    variance = intervals.ratio_variance(sums, units) if differs(sums) else 0.0
    if variance == 0 and metric.kind == "mean":
        return value, nan, nan, "no interval: every unit answers the same"
    low, high = map(back, intervals.student(sums.y / sums.x, variance, units - 1, level))
    how = "Wald" if metric.kind != "mean" else "log-t" if metric.link == "exp" else "t"
    return value, min(value, max(low, metric.low)), max(value, min(high, metric.high)), how + over


def _rare(metric: Metric, sums: RatioSums) -> bool:
    """Whether a metric counts events, and they are few: below 10, and less than one in 5 units."""
    counted = dict(metric.answers).get(metric.score)
    if metric.kind != "mean" or metric.low != 0 or counted is None or not counted.whole:
        return False
    if metric.per == "1" and (counted.low, counted.high) != (0, inf):  # no count but points on a scale
        return False
    return sums.y * sums.x < FEW * sums.ww and sums.y * sums.x <= sums.n / 5 * sums.ww


def _sizes(metric: Metric, row: Mapping[Any, Any], weighted: bool, answers: float) -> tuple[float, float, float]:
    """Design effect, effective number of answers, and Kish's; missing where there is none."""
    sums = ratio_sums(row)
    if sums.x == 0:
        return nan, nan, nan
    if row["most"] <= 1 and not weighted:
        return 1.0, sums.n, sums.n
    if metric.per != "1":  # answers of a ratio have no common size
        return nan, nan, nan if weighted else float(answers)
    kish = design.kish_size(sums)
    try:
        effect = design.design_effect(sums, answers)
    except SampleError:
        return nan, nan, kish
    return effect, answers / effect if effect > 1e-12 else nan, kish  # 0: every unit's answers have the same mean
