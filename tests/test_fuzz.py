"""Ten thousand odd inputs: an error of our own that says what is wrong, or a result that hides nothing."""

import inspect
import re
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from cxuxlib import behaviour, benchmark, compare, cx, estimate, measure, planning, scale_mean, scales, score, trend, ux
from cxuxlib.errors import CxuxError
from cxuxlib.results import Estimate
from cxuxlib.scales import Scale
from cxuxlib.scales.scale import needed, parts
from cxuxlib.study import Metric
from tests.odd_inputs import EXPECTED, ITEMS, ODD, TLX, Rng, missing, native, pick, table, wrongly_counted

SEED = 20261123
LEVELS: tuple[Any, ...] = (*(0.95, 0.9) * 20, 0.5, 0.999999, 1e-9, 0, 1, 2, -0.1, "a", None, True, np.nan, [0.9])
SCALES = (
    Scale("own", 3), Scale("own", 3, reversed=(2,), to=(0, 100), missing="refuse"), Scale("own", 3, missing="centre"),
    Scale("own", 3, reversed=(1,), subscales={"one": (1,), "two": (2, 3)}, weights=(1, 2, 3), whole=False),
    Scale("own", 3, total=False, subscales={"pair": (1, 3)}, min_valid=1), scales.SUS,
)  # fmt: skip
METRICS: tuple[Metric, ...] = (
    cx.nps(), cx.nps(), cx.nps(interval="score"), cx.nps(interval="wald"), cx.csat(), cx.csat_mean(), cx.ces_2(),
    ux.task_success(), ux.task_success("n_errors"), ux.task_success(interval="exact"), ux.task_success(partial=True),
    ux.time_on_task(success=None, which="all"), ux.errors_per_attempt(), ux.any_error(), cx.nps("satisfaction"),
    scale_mean(SCALES[0], column="satisfaction"), ux.time_on_task(), ux.error_rate(), ux.time_based_efficiency(),
    ux.overall_relative_efficiency(), ux.core_efficiency(), ux.excess_steps(), ux.conversion("success", per="visitor"),
    cx.top_box(["q1", "q2"], scale=5), behaviour.retention(1), behaviour.churn_rate(),
    behaviour.churn_rate(per="average"), behaviour.churn_rate(per="exposure", exposure="observed_d"),
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (0.5, 0.1, 0.8, 1, 2, 5, 10, 0, -1, 1e308, 1e-308, np.inf, np.nan, 0.95, True)


class Input(NamedTuple):
    """A call: the columns it reads, what it does with a frame, what must hold of the result, what errors may name."""

    columns: list[str]
    call: Callable[[Any], Any]
    check: Callable[[Any, pd.DataFrame], str]
    about: list[object]


# --- calls ---------------------------------------------------------------------------------------------------------


def some_metrics(rng: Rng) -> tuple[list[Metric], list[str]]:
    wanted = [pick(rng, METRICS) for _ in range(int(pick(rng, (1, 1, 1, 2))))]
    return wanted, [column for each in wanted for column in each.columns]


def over_units(rng: Rng) -> dict[str, Any]:
    given: dict[str, Any] = {"unit": pick(rng, ("u", "u", "u", None, None, None, ..., "group", 3, "nobody"))}
    if rng.random() < 0.3:
        given["weight"] = pick(rng, ("w",) * 8 + ("group", "recommend", "wieght"))
    if rng.random() < 0.3:
        given["level"] = pick(rng, LEVELS)
    return given


def segments(rng: Rng, given: dict[str, Any]) -> dict[str, Any]:
    return given | ({"by": pick(rng, ("group",) * 6 + ("u", "w", "success"))} if rng.random() < 0.5 else {})


def texts(given: dict[str, Any]) -> list[str]:
    return [each for each in given.values() if isinstance(each, str)]


def measured(rng: Rng) -> Input:
    (wanted, columns), given = some_metrics(rng), segments(rng, over_units(rng))
    call = partial(measure, metrics=wanted[0] if len(wanted) == 1 else wanted, **given)
    return Input(columns + texts(given), call, partial(in_range, wanted=wanted), [*wanted, given, measure])


def targeted(rng: Rng) -> Input:
    (wanted, columns), given = some_metrics(rng), segments(rng, over_units(rng))
    middle = [(metric.low + metric.high) / 2 if metric.high < np.inf else 3.0 for metric in wanted]
    against = pick(rng, (middle, middle, middle, middle, 0.5, 1, -100, np.nan, np.inf, "x", [], None))
    call = partial(benchmark, metrics=wanted, against=against, **given)
    return Input(columns + texts(given), call, partial(in_range, wanted=wanted), [*wanted, given, benchmark])


def estimated(rng: Rng) -> Input:
    metric, level = pick(rng, METRICS[:19]), pick(rng, LEVELS)
    values: Any = [pick(rng, (*range(11), *(0, 1) * 5, pick(rng, ODD))) for _ in range(int(rng.integers(0, 6)))]
    if rng.random() < 0.1:
        values = pick(
            rng, ("10 9", 7, {"a": 1}, {3, 4}, np.ones((2, 2)), range(3), iter([1, 0]), pd.DataFrame({"a": [1]}))
        )
    from_frame = rng.random() < 0.5

    def call(frame: Any) -> Any:
        here = from_frame and isinstance(frame, pd.DataFrame) and metric.columns[0] in frame
        return estimate(frame[metric.columns[0]] if here else values, metric, level=level)

    def check(found: Estimate, frame: pd.DataFrame) -> str:
        row = {name: getattr(found, name) for name in ("value", "low", "high", "method", "n", "n_missing")}
        return in_range(pd.DataFrame([row]), frame.iloc[:0], [metric])

    return Input([*metric.columns], call, check, [metric, estimate])


def compared(rng: Rng) -> Input:
    (wanted, columns), given = some_metrics(rng), over_units(rng)
    given["between"] = pick(rng, ("group",) * 6 + ("u", "success"))
    if rng.random() < 0.3:
        given |= {"paired": True, "unit": "u"}
        given.pop("weight", None)
    elif rng.random() < 0.3:
        given["relative"] = True
    call = partial(compare, metrics=wanted, **given)
    return Input(columns + texts(given), call, partial(explained, wanted=wanted), [*wanted, given, compare])


def trended(rng: Rng) -> Input:
    (wanted, columns), given = some_metrics(rng), over_units(rng)
    given |= {"wave": pick(rng, ("wave",) * 8 + ("u", "group")), "unit": pick(rng, (None, None, None, "u", ...))}
    call = partial(trend, metrics=wanted, **given)
    return Input(columns + texts(given), call, partial(explained, wanted=wanted), [*wanted, given, trend])


def lasting(rng: Rng) -> Input:
    function, given = pick(rng, (behaviour.survival, behaviour.median_time)), segments(rng, over_units(rng))
    if function is behaviour.survival and rng.random() < 0.5:
        given["at"] = pick(rng, ([30, 90], [0], [], [-1], "x", [np.nan], [1e308]))
    if function is behaviour.median_time:
        given["method"] = pick(rng, ("kaplan-meier", "lognormal", "lognormal", "x"))
    call = partial(function, time="duration_s", event="success", **given)
    return Input(["duration_s", "success", *texts(given)], call, explained, ["duration_s", "success", given, function])


def logged(rng: Rng) -> Input:
    function = pick(rng, (behaviour.ages, behaviour.rfm))
    more = {"value": "duration_s"} if function is behaviour.rfm else {}
    call = partial(function, unit="u", at="at", until=pick(rng, (None, None, "x", pd.Timestamp("2026-06-01"))), **more)
    return Input(["u", "at", "duration_s"], call, lambda *_: "", ["u", "at", "duration_s", function])


def asked(rng: Rng, function: Callable[..., Any], check: Callable[..., str], levels: bool = False) -> Input:
    """A function of the scales on the items of one."""
    scale, columns = pick(rng, SCALES), [*ITEMS, *EXPECTED, "satisfaction", "n_errors", "n_optimal", "success"]
    items: Any = columns[: scale.items]
    if rng.random() < 0.05:
        items = pick(rng, (items[:2], "q1", [*items[:-1], items[0]], [*items[:-1], 3], [*items[:-1], "q9"], None))
    call = partial(function, scale=scale, items=items, **({"level": pick(rng, LEVELS)} if levels else {}))
    return Input(columns, call, lambda found, _: check(found, scale), [scale, items, function, [*scale.subscales]])


def scored(rng: Rng) -> Input:
    return asked(rng, score, by_the_rule)


def reliable(rng: Rng) -> Input:
    function = pick(rng, (*(scales.alpha,) * 4, scales.omega))
    return asked(rng, function, lambda found, _: explained(found, found), levels=True)


def looked_at(rng: Rng) -> Input:
    names = ("item_statistics", "check_keying", "straight_lines", "inconsistent")
    return asked(rng, getattr(scales, pick(rng, names)), lambda *_: "")


def lined(rng: Rng) -> Input:
    ends = lambda found, _: within([found.low, found.value, found.high], 0, 1)  # noqa: E731
    return asked(rng, scales.straight_line_share, ends, levels=True)


def gapped(rng: Rng) -> Input:
    scale = pick(rng, SCALES[:2])
    call = partial(scales.gap, scale=scale, items=ITEMS, expected=EXPECTED)
    return Input(
        ITEMS + EXPECTED, call, lambda found, _: by_the_rule(found, scale), [scale, ITEMS, EXPECTED, scales.gap]
    )


def loaded(rng: Rng) -> Input:
    call = partial(scales.tlx_weighted, items=TLX[:6], weights=TLX[6:])
    check = lambda found, _: within(found["NASA-TLX weighted"], 0, 100)  # noqa: E731
    return Input(TLX, call, check, [TLX, scales.tlx_weighted, "NASA-TLX"])


def planned(rng: Rng) -> Input:
    function = getattr(planning, pick(rng, planning.__all__))
    many = sum(each.default is inspect.Parameter.empty for each in inspect.signature(function).parameters.values())
    numbers = [pick(rng, NUMBERS[:7] if rng.random() < 0.8 else NUMBERS) for _ in range(many)]
    check = lambda found, _: within([found], 0, 1e300)  # noqa: E731
    return Input([], lambda _: function(*numbers), check, [function, "share", "sd", "answer", "unit"])


CALLS = (
    *(measured,) * 4, *(estimated,) * 2, *(compared,) * 2, targeted, trended, lasting, logged, *(scored,) * 5,
    *(reliable,) * 2, gapped, loaded, *(looked_at,) * 2, lined, *(planned,) * 3,
)  # fmt: skip


# --- what must hold ------------------------------------------------------------------------------------------------


def within(values: Any, low: float, high: float) -> str:
    outside = [each for each in values if not (np.isnan(each) or low <= each <= high)]
    return f"outside {low} to {high}: {outside}" if outside else ""


def explained(found: pd.DataFrame, frame: pd.DataFrame, wanted: list[Metric] | None = None) -> str:
    """Every missing number is explained, every other lies in its interval, and no odd value was counted."""
    for metric in wanted or []:
        if not metric.where and (odd := wrongly_counted(frame, metric)):
            return f"counted {odd} as answers to {metric.name}"
    for row in found.to_dict("records"):
        value = next(row[name] for name in ("value", "difference", "change") if name in row)
        low, high, p = row["low"], row["high"], row.get("p", 0.0)
        said = any(each in row["method"] for each in ("no ", "not known", "are zero"))
        beyond = np.isinf(value) and not any(each in row["method"] for each in ("ratio", "factor"))
        if beyond or (np.isnan([value, low, high, p]).any() and not said):
            return f"unexplained: {row}"
        slack = 1e-9 * (1 + abs(value))
        if row.get("level", 0.95) >= 0.5 and (low > value + slack or value > high + slack):
            return f"not in its interval: {row}"
        if p < 0 or p > 1:
            return f"no probability: {row}"
    return ""


def in_range(found: pd.DataFrame, frame: pd.DataFrame, wanted: list[Metric]) -> str:
    for at, row in enumerate(found.to_dict("records")):
        metric = wanted[at % len(wanted)]
        outside = within([row["value"], row["low"], row["high"]], metric.low, metric.high)
        if outside or row["n"] < 0 or row["n_missing"] < 0:
            return f"{metric.name} {outside}: {row}"
    metric = wanted[0]
    if len(frame) and not metric.where and all(list(frame.columns).count(each) == 1 for each in metric.columns):
        lost = sum(any(map(missing, row)) for row in frame[[*metric.columns]].to_numpy(object))
        if lost != found["n_missing"][:: len(wanted)].sum():
            return f"{lost} answers are missing and {found['n_missing'].tolist()} are said to be"
    return explained(found, frame, wanted)


def by_the_rule(found: pd.DataFrame, scale: Scale) -> str:
    for name, positions in parts(scale).items():
        if np.isinf(found[name]).any():
            return f"{name} is infinite"
        if name == scale.name and (found[name].isna() != (found["n_valid"] < needed(scale, len(positions)))).any():
            return f"{name} is missing where its rule has a score, or has one where its rule refuses"
    return ""


def words(about: list[object]) -> list[str]:
    """What an error may name: columns, arguments, metrics, scales."""
    found: list[str] = []
    for each in about:
        if isinstance(each, Metric):
            found += [each.name, *each.columns]
        elif isinstance(each, Scale):
            found.append(each.name)
        elif isinstance(each, dict | list):
            found += map(str, (*each, *(each.values() if isinstance(each, dict) else ())))
        else:
            found += inspect.signature(each).parameters if callable(each) else [str(each)]
    return found


def problem(number: int) -> str:
    """What is wrong with one input; "" where all is well."""
    rng = np.random.default_rng([SEED, number])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making odd frames may warn
        columns, call, check, about = pick(rng, CALLS)(rng)
        frame = table(rng, set(columns))
        there = native(rng, frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return check(call(there), frame)
        except CxuxError as error:
            text = str(error)
            if len(text) < 20 or not re.search(
                rf"(?<!\w)({'|'.join(map(re.escape, words(about)))})s?(?!\w)", text, re.I
            ):
                return f"says too little: {type(error).__name__}: {text}"
        except Exception as error:  # noqa: BLE001 - that there is none is the test
            places = [each for each in traceback.extract_tb(error.__traceback__) if "cxuxlib" in each.filename]
            where = f"{places[-1].name} ({places[-1].filename}:{places[-1].lineno})" if places else "the test itself"
            return f"foreign {type(error).__name__} in {where}: {str(error)[:200]}"
    return ""


def problems(numbers: range) -> list[str]:
    return [f"input {number}: {found}" for number in numbers if (found := problem(number))]


def test_five_hundred_odd_inputs() -> None:
    assert problems(range(500)) == []


@pytest.mark.slow
def test_ten_thousand_odd_inputs() -> None:
    assert problems(range(500, 10_000)) == []
