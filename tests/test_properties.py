"""Laws of the public functions for any answers; those of estimate and of single scales stand in their own tests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib import compare, cx, measure, scales, score, trend, ux
from cxuxlib.errors import CxuxError, SampleError
from cxuxlib.scales import Scale
from cxuxlib.scales.scale import answer_range, parts
from cxuxlib.study import Metric

ENGINES = ("polars", "polars-lazy", "arrow", "duckdb")
METRICS: tuple[Metric, ...] = (
    cx.nps(), cx.csat_mean(), ux.task_success(), ux.time_on_task(success=None, which="all"), ux.core_efficiency(),
)  # fmt: skip
SHARES = (cx.nps(), ux.task_success())
NUMBERS = ["value", "low", "high", "n", "n_missing"]
DIFFERENCE = ["difference", "low", "high", "p", "n_a", "n_b"]

quick = settings(max_examples=12)
heavy = settings(max_examples=6)
levels = st.floats(0.5, 0.999)


@st.composite
def surveys(draw: st.DrawFn, least: int = 2, most: int = 24) -> pd.DataFrame:
    """Answers with missing ones, units in one group each, groups, waves and weights."""
    row = st.tuples(
        st.none() | st.integers(0, 10),
        st.none() | st.integers(1, 5),
        st.none() | st.booleans(),
        st.none() | st.floats(0.1, 900),
        st.integers(0, 7),
        st.sampled_from([0.25, 1.0, 3.0]),
    )
    rows = draw(st.lists(row, min_size=least, max_size=most))
    data = pd.DataFrame(rows, columns=["recommend", "satisfaction", "success", "duration_s", "u", "w"])
    data = data.astype(dict.fromkeys(("recommend", "satisfaction", "success", "duration_s"), float))
    return data.assign(group=np.where(data["u"] % 2, "b", "a"), wave=2020 + data["u"] % 3)


over = st.sampled_from([{"unit": None}, {"unit": "u"}, {"unit": None, "weight": "w"}, {"unit": "u", "weight": "w"}])


def found(function: Any, frame: Any, *args: Any, **more: Any) -> pd.DataFrame | None:
    """The result; None where there are too few answers for one."""
    try:
        table: pd.DataFrame = function(frame, *args, **more)
    except SampleError:
        return None
    return table


def same(first: pd.DataFrame | None, second: pd.DataFrame | None, names: Sequence[str]) -> None:
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        a, b = (each[list(names)].to_numpy(float) for each in (first, second))
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


# --- order of rows, splitting and merging --------------------------------------------------------------------------


@pytest.mark.slow
@heavy
@given(surveys(), over, st.integers(0, 2**32))
def test_order_of_rows_changes_no_measure_comparison_or_trend(data: pd.DataFrame, given_: Any, seed: int) -> None:
    moved = data.sample(frac=1, random_state=seed % 2**31)
    same(*(found(measure, each, METRICS, by="group", **given_) for each in (data, moved)), NUMBERS)
    same(*(found(compare, each, SHARES, between="group", **given_) for each in (data, moved)), DIFFERENCE)
    same(
        *(found(trend, each, SHARES, wave="group_n", **given_) for each in map(numbered, (data, moved))),
        ["change", "p"],
    )


def numbered(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(group_n=data["u"] % 2)


@pytest.mark.slow
@heavy
@given(surveys(), over)
def test_a_segment_is_the_frame_of_its_rows(data: pd.DataFrame, given_: Any) -> None:
    whole = found(measure, data, METRICS, by="group", **given_)
    for name, part in data.groupby("group"):
        alone = found(measure, part, METRICS, **given_)
        if alone is not None:
            assert whole is not None
            same(whole[whole["segment"] == name], alone, NUMBERS)


@quick
@given(surveys(), st.sampled_from([None, "w"]))
def test_segments_merge_to_the_whole(data: pd.DataFrame, weight: str | None) -> None:
    whole, pieces = (found(measure, data, list(SHARES), by=by, unit="u", weight=weight) for by in (None, "group"))
    if whole is None or pieces is None:
        return
    w = data["w"] if weight else pd.Series(1.0, index=data.index)
    for metric, (_, row) in zip(SHARES, whole.iterrows(), strict=True):
        parts_of = pieces[pieces["metric"] == metric.name].set_index("segment")
        size = w.where(data[metric.columns[0]].notna(), 0.0).groupby(data["group"]).sum()
        assert row["n"] == parts_of["n"].sum()  # a unit has one group
        assert row["n_missing"] == parts_of["n_missing"].sum()
        if row["n"]:
            merged = (parts_of["value"] * size)[parts_of["n"] > 0].sum() / size.sum()
            assert row["value"] == pytest.approx(merged, abs=1e-9)


@quick
@given(surveys(least=1), st.integers(2, 4))
def test_a_frame_written_several_times_has_the_value_of_one(data: pd.DataFrame, times: int) -> None:
    once, often = (found(measure, each, METRICS, unit=None) for each in (data, pd.concat([data] * times)))
    assert (once is None) == (often is None)
    if once is not None and often is not None:
        np.testing.assert_allclose(often["value"], once["value"], rtol=1e-9)
        assert (often["n"] == times * once["n"]).all()
        assert (often["n_missing"] == times * once["n_missing"]).all()


# --- engines -------------------------------------------------------------------------------------------------------


def native(data: pd.DataFrame, engine: str) -> Any:
    import duckdb
    import polars as pl
    import pyarrow as pa

    table = pa.Table.from_pandas(data, preserve_index=False)
    if engine == "arrow":
        return table
    if engine == "duckdb":
        return duckdb.from_arrow(table)
    whole: Any = pl.from_arrow(table)
    return whole.lazy() if engine == "polars-lazy" else whole


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@heavy
@given(surveys(), over)
def test_engines_agree(engine: str, data: pd.DataFrame, given_: Any) -> None:
    there = native(data, engine)
    same(*(found(measure, each, METRICS, by="group", **given_) for each in (data, there)), NUMBERS)
    same(*(found(compare, each, SHARES, between="group", **given_) for each in (data, there)), DIFFERENCE)
    same(*(found(trend, each, SHARES, wave="wave", **given_) for each in (data, there)), ["change", "low", "high", "p"])


# --- levels, ranges, intervals -------------------------------------------------------------------------------------


@pytest.mark.slow
@heavy
@given(surveys(), over, levels, levels)
def test_more_confidence_is_a_wider_interval_of_the_same_value(
    data: pd.DataFrame, given_: Any, a: float, b: float
) -> None:
    for function, wanted, more in (
        (measure, METRICS, {}), (compare, METRICS, {"between": "group"}), (trend, SHARES, {"wave": "wave"}),
    ):  # fmt: skip
        narrow, wide = (found(function, data, wanted, level=each, **given_, **more) for each in sorted((a, b)))
        if narrow is None or wide is None:
            assert narrow is wide is None
            continue
        known = narrow["low"].notna()
        assert (known == wide["low"].notna()).all()
        assert (wide["low"] <= narrow["low"] + 1e-9)[known].all()
        assert (narrow["high"] <= wide["high"] + 1e-9)[known].all()
        same(narrow, wide, [name for name in ("value", "difference", "p", "n") if name in narrow])


@quick
@given(surveys(), over, levels)
def test_values_lie_in_their_range_and_interval(data: pd.DataFrame, given_: Any, level: float) -> None:
    table = found(measure, data, METRICS, by="group", level=level, **given_)
    ranges = {metric.name: (metric.low, metric.high) for metric in METRICS}
    for row in [] if table is None else table.to_dict("records"):
        low, high = ranges[row["metric"]]
        ends = [row["low"], row["value"], row["high"]]
        assert all(np.isnan(each) or low <= each <= high for each in ends)
        if not np.isnan(ends).any():
            assert ends == sorted(ends)
        else:
            assert row["method"].startswith("no ")


@pytest.mark.slow
@heavy
@given(surveys(), over, levels)
def test_differences_lie_in_their_interval_and_turn_with_the_groups(
    data: pd.DataFrame, given_: Any, level: float
) -> None:
    swapped = data.assign(group=data["group"].map({"a": "b", "b": "a"}))
    here, there = (found(compare, each, METRICS, between="group", level=level, **given_) for each in (data, swapped))
    assert (here is None) == (there is None)
    if here is None or there is None:
        return
    ratio = np.array([metric.link == "exp" for metric in METRICS])
    with np.errstate(divide="ignore"):
        back = np.where(ratio[:, None], 1 / there[["difference", "high", "low"]], -there[["difference", "high", "low"]])
    np.testing.assert_allclose(here[["difference", "low", "high"]], back, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(here["p"], there["p"], rtol=1e-7)
    known = here["p"].notna()
    assert here["p"][known].between(0, 1).all()
    assert ((here["low"] <= here["difference"] + 1e-9) & (here["difference"] <= here["high"] + 1e-9))[known].all()
    assert here["method"][~known].str.startswith("no test").all()


@pytest.mark.slow
@heavy
@given(surveys(), over)
def test_swapping_promoters_and_detractors_turns_every_sign(data: pd.DataFrame, given_: Any) -> None:
    turned = data.assign(
        recommend=data["recommend"].map(lambda x: x if 7 <= x <= 8 else 0 if x >= 9 else 10, na_action="ignore")
    )
    here, there = (found(measure, each, cx.nps(), by="group", **given_) for each in (data, turned))
    if here is not None and there is not None:
        np.testing.assert_allclose(here[["value", "low", "high"]], -there[["value", "high", "low"]], atol=1e-9)
    for function, more, name in ((compare, {"between": "group"}, "difference"), (trend, {"wave": "wave"}, "change")):
        here, there = (found(function, each, cx.nps(), **more, **given_) for each in (data, turned))
        assert (here is None) == (there is None)
        if here is not None and there is not None:
            np.testing.assert_allclose(here[[name, "low", "high"]], -there[[name, "high", "low"]], atol=1e-7)
            np.testing.assert_allclose(here["p"], there["p"], rtol=1e-6, atol=1e-12)


# --- questionnaires --------------------------------------------------------------------------------------------------


@st.composite
def sheets(draw: st.DrawFn, scale: Scale, missing: bool = True, least: int = 1) -> pd.DataFrame:
    """Answer sheets of a scale."""
    ends = [answer_range(scale, position)[:2] for position in range(1, scale.items + 1)]
    answers = [st.integers(int(low), int(high)) for low, high in ends]
    row = st.tuples(*([st.none() | each for each in answers] if missing else answers))
    names = [f"i{position}" for position in range(1, scale.items + 1)]
    return pd.DataFrame(draw(st.lists(row, min_size=least, max_size=8)), columns=names, dtype=float)


catalogue = st.sampled_from([each for each in scales.ALL if each.items <= 10])


def scored(data: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    table: pd.DataFrame = score(data, scale, items=list(data.columns))[list(parts(scale))]
    return table


@quick
@given(st.data(), catalogue, st.integers(0, 2**31 - 1))
def test_scores_of_sheets_do_not_know_each_other(data: st.DataObject, scale: Scale, seed: int) -> None:
    one, two = data.draw(sheets(scale)), data.draw(sheets(scale))
    both = pd.concat([one, two])
    pd.testing.assert_frame_equal(scored(both, scale), pd.concat([scored(one, scale), scored(two, scale)]))
    moved = both.reset_index(drop=True).sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(scored(moved, scale).sort_index(), scored(both.reset_index(drop=True), scale))


def reversed_answers(data: pd.DataFrame, scale: Scale, positions: Sequence[int]) -> pd.DataFrame:
    turned = data.copy()
    for position in positions:
        low, high, _ = answer_range(scale, position)
        turned[f"i{position}"] = low + high - turned[f"i{position}"]
    return turned


@quick
@given(st.data(), catalogue)
def test_a_question_asked_the_other_way_round_and_keyed_so_has_the_same_score(
    data: st.DataObject, scale: Scale
) -> None:
    answers = data.draw(sheets(scale))
    turned = data.draw(st.lists(st.integers(1, scale.items), unique=True))
    other = replace(scale, reversed=tuple(sorted(set(scale.reversed) ^ set(turned))))
    asked = reversed_answers(answers, scale, turned)
    pd.testing.assert_frame_equal(scored(asked, other), scored(answers, scale), rtol=1e-12)


@quick
@given(st.data(), catalogue)
def test_turning_every_answer_mirrors_every_score(data: st.DataObject, scale: Scale) -> None:
    answers = data.draw(sheets(scale, missing=False))
    here = scored(answers, scale)
    there = scored(reversed_answers(answers, scale, range(1, scale.items + 1)), scale)
    for name in here:
        np.testing.assert_allclose(there[name], sum(scales.score_range(scale, str(name))) - here[name], atol=1e-9)


@quick
@given(st.data(), catalogue)
def test_permuting_items_of_one_key_keeps_the_total_and_of_two_keys_does_not(data: st.DataObject, scale: Scale) -> None:
    answers = data.draw(sheets(scale, missing=False))
    kinds: dict[Any, list[str]] = {}
    for position in range(1, scale.items + 1):
        key = (position in scale.reversed, answer_range(scale, position))
        kinds.setdefault(key, []).append(f"i{position}")
    moved = {
        name: to for names in kinds.values() for name, to in zip(names, data.draw(st.permutations(names)), strict=True)
    }
    items = [moved[name] for name in answers]
    if scale.total:
        total = score(answers, scale, items=items)[scale.name]
        np.testing.assert_allclose(total, scored(answers, scale)[scale.name], atol=1e-9)
    straight, turned = (kinds.get((key, (scale.low, scale.high, 1.0)), []) for key in (False, True))
    if scale.total and straight and turned:
        a, b = data.draw(st.sampled_from(straight)), data.draw(st.sampled_from(turned))
        items = [{a: b, b: a}.get(name, name) for name in answers]
        changed = score(answers, scale, items=items)[scale.name] != scored(answers, scale)[scale.name]
        assert changed.equals(answers[a] != answers[b])


@quick
@given(st.data())
def test_alpha_does_not_know_rows_order_nor_which_way_an_item_is_asked(data: st.DataObject) -> None:
    scale = Scale("four", 4)
    answers = data.draw(sheets(scale, least=3))
    other = replace(scale, reversed=(2, 3))
    names = ["value", "low", "high", "n", "n_missing"]
    here = found(scales.alpha, answers, scale, items=list(answers))
    same(here, found(scales.alpha, reversed_answers(answers, scale, (2, 3)), other, items=list(answers)), names)
    same(here, found(scales.alpha, answers[::-1], scale, items=list(answers[::-1])[::-1]), names)


@quick
@given(
    surveys(), st.sampled_from(["recommend", "satisfaction"]), st.sampled_from([99, -1, 98, 10.5, np.inf]), st.data()
)
def test_one_code_for_missing_is_refused_whatever_else_is_there(
    data: pd.DataFrame, column: str, code: float, where: st.DataObject
) -> None:
    at = where.draw(st.integers(0, len(data) - 1))
    metric = cx.nps() if column == "recommend" else cx.csat()
    with pytest.raises(CxuxError, match=f"1 answer in column '{column}' outside the range"):
        measure(data.assign(**{column: data[column].where(np.arange(len(data)) != at, code)}), metric, unit=None)
