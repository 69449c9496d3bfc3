"""Distinct rows of frames: what is counted, in which order, and that no row gets lost."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.errors import ArgumentError
from cxuxlib.frames import cells
from cxuxlib.frames.coding import coded, pack
from cxuxlib.stats.glm_errors import Grouping, Scores, cluster_meat, meat

Native = Callable[..., Any]


def table(n: int = 400, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({
        "small": rng.integers(1, 4, n).astype(float), "half": rng.integers(0, 3, n) / 2,
        "text": rng.choice(["b", "a", "c"], n), "flag": rng.random(n) < 0.5, "w": rng.choice([0.5, 2.0], n),
        "f": rng.integers(0, 3, n), "unit": rng.integers(0, 30, n),
    })  # fmt: skip
    found["text"] = found["text"].astype(object)
    for name in ("small", "text"):
        found.loc[rng.random(n) < 0.05, name] = None
    return found


COLUMNS = ["small", "half", "text", "flag"]


def by_hand(data: pd.DataFrame) -> pd.DataFrame:
    data = data.assign(w=data["w"] * data["f"], ww=data["w"] ** 2 * data["f"])
    found = data.dropna(subset=COLUMNS).groupby(COLUMNS)[["f", "w", "ww"]].sum().reset_index()
    return found[found["f"] > 0].reset_index(drop=True)


def test_distinct_rows_are_those_of_a_group_by(frame: Native) -> None:
    data = table()
    found, expected = cells(frame(data), COLUMNS, unit=None, weight="w", frequency="f"), by_hand(data)
    assert found.table["small"].dtype == np.int64  # whole numbers are whole on every engine, with gaps or without
    assert [dtype.kind for dtype in found.table.dtypes[["half", "flag"]]] == ["f", "b"]
    for name in COLUMNS:
        assert found.table[name].astype(object).tolist() == expected[name].tolist()
    for own, name in ((found.n, "f"), (found.w, "w"), (found.ww, "ww")):
        assert own == pytest.approx(expected[name].to_numpy())
    assert found.n_missing == data.loc[data[COLUMNS].isna().any(axis=1), "f"].sum() > 0


def test_rows_know_their_cell_and_their_cluster(frame: Native) -> None:
    data = table()
    found = cells(frame(data), COLUMNS, unit="unit", weight="w", frequency="f")
    groups = found.clusters
    assert groups is not None
    assert np.bincount(groups.cell, weights=groups.w, minlength=len(found.table)) == pytest.approx(found.w)
    complete = data.dropna(subset=COLUMNS).query("f > 0")
    assert groups.n == complete["unit"].nunique()
    sums = complete.assign(w=complete["w"] * complete["f"]).groupby("unit")["w"].sum()
    assert sorted(np.bincount(groups.code, weights=groups.w)[np.bincount(groups.code) > 0]) == pytest.approx(
        sorted(sums)
    )


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_categories_keep_their_gaps_and_their_order(frame: Native, missing: Any) -> None:
    data = pd.DataFrame(
        {"a": pd.Categorical(["lo", "hi", None, "hi"], ["lo", "mid", "hi"], ordered=True), "b": [1.0, 2.0, 3.0, np.nan]}
    )
    found = cells(frame(data, missing=missing), ["a", "b"], unit=None)
    assert sorted(zip(found.table["a"], found.table["b"], strict=True)) == [("hi", 2), ("lo", 1)]
    assert found.n_missing == 2  # an Arrow dictionary read by itself would have made the null a "hi"


def test_enumerations_of_duckdb_and_polars_are_ordered() -> None:
    import duckdb
    import polars as pl

    connection = duckdb.connect()
    connection.sql("CREATE TYPE mood AS ENUM ('bad', 'fair', 'good')")
    values = "(VALUES ('good'), ('bad'), ('bad'), (NULL)) AS t(x)"
    for data in (
        connection.sql(f"SELECT x::mood AS x FROM {values}"),
        pl.DataFrame({"x": pl.Series(["good", "bad", "bad", None], dtype=pl.Enum(["bad", "fair", "good"]))}),
    ):
        found = cells(data, ["x"], unit=None)
        assert found.table["x"].cat.ordered
        assert found.table["x"].cat.categories.tolist() == ["bad", "fair", "good"]
        assert found.table["x"].tolist() == ["bad", "good"]
        assert (found.n.tolist(), found.n_missing) == ([2, 1], 1)


def test_ordered_categories_of_numbers_stay_what_they_are() -> None:
    data = pd.DataFrame({"x": pd.Categorical([3, 1, 1], [1, 2, 3], ordered=True)})
    assert cells(data, ["x"], unit=None).table["x"].tolist() == [1, 3]


@pytest.mark.parametrize(
    "values",
    [
        [2**40 + 3, 2**40, 2**40 + 3], [-5, 3, -5], [Decimal(1), Decimal("2.5"), None], [1e300, 2.0, 2.0],
        [True, None, False], [10**9 * 7, 5, 5],
    ],
)  # fmt: skip
def test_numbers_of_any_size(values: list[Any]) -> None:
    data = pd.DataFrame({"a": pd.Series(values, dtype=object), "b": [7, 2_000_000_000, 7]})
    found = cells(data, ["a", "b"], unit=None)
    expected = sorted({(float(a), float(b)) for a, b in zip(values, data["b"], strict=True) if a is not None})
    assert sorted({tuple(map(float, row)) for row in found.table.to_numpy()}) == expected


@settings(max_examples=60)
@given(st.data())
def test_packing_counts_what_a_group_by_counts(data: Any) -> None:
    n = data.draw(st.integers(1, 60))
    kinds = [
        st.integers(-3, 3),
        st.integers(10**12, 10**12 + 50),
        st.floats(-1, 1, width=16),
        st.sampled_from([None, "a", "b"]),
        st.integers(0, 2**62),
    ]
    columns = [
        data.draw(st.lists(data.draw(st.sampled_from(kinds)), min_size=n, max_size=n))
        for _ in range(data.draw(st.integers(1, 5)))
    ]
    codes = [coded(pd.Series(each), "x") for each in columns]
    if any(each.continuous for each in codes):
        return
    packed = pack(codes, [None], rows=True)
    keys = list(zip(*columns, strict=True))
    assert packed.totals[0].sum() == n
    assert len(packed.totals[0]) == len(set(keys))
    assert packed.rows is not None
    for i, key in enumerate(keys):
        assert packed.totals[0][packed.rows[i]] == keys.count(key)
        for column, each, place in zip(codes, key, packed.places, strict=True):
            at = place[packed.rows[i]] - column.missing
            assert (None if at < 0 else column.levels[at]) == each


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(ArgumentError, match="'small' is named twice"):
        cells(table(), ["small", "small"], unit=None)


# --- sums over clusters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "size"),
    [(500, 40), (1_200_000, 900), (500, 200), (1_200_000, 150_000)],  # tables; sparse; two halves and several slices
)
@pytest.mark.parametrize("weighted", [False, True])
def test_meat_of_clusters_is_that_of_the_rows_added_up(n: int, size: int, weighted: bool) -> None:
    rng = np.random.default_rng(n)
    base, row, factor = rng.normal(size=(50, 3)), rng.integers(0, 50, 200), rng.normal(size=200)
    cell, code = rng.integers(0, 200, n).astype(np.int32), rng.integers(0, size, n).astype(np.int32)
    w = rng.gamma(2, size=n) if weighted else None
    scores = Scores(base, row, factor)
    by_row = scores.full()[cell] * (1.0 if w is None else w[:, None])
    sums = np.column_stack([np.bincount(code, weights=column, minlength=size) for column in by_row.T])
    assert cluster_meat(scores, Grouping(cell, code, w, size)) == pytest.approx(sums.T @ sums, rel=1e-10)
    ww = np.bincount(cell, weights=np.ones(n) if w is None else w**2, minlength=200)
    assert meat(scores, ww) == pytest.approx(by_row.T @ by_row, rel=1e-10)


@pytest.mark.parametrize(("size", "many"), [(900, 5), (900, 4000), (40, 700)])  # small tables; sparse; one table
def test_meat_of_clusters_where_columns_have_few_values(size: int, many: int) -> None:
    rng = np.random.default_rng(size)
    n, rows = 40_000, 4000
    base = np.column_stack([np.ones(rows), rng.integers(0, many, (rows, 4)), rng.integers(0, 2, rows)]).astype(float)
    row, factor, turn = rng.integers(0, rows, 6000), rng.normal(size=6000), rng.normal(size=(6, 5))
    cell, code = rng.integers(0, 6000, n).astype(np.int32), rng.integers(0, size, n).astype(np.int32)
    scores = Scores(base, row, factor, turn)
    by_row = (base @ turn)[row][cell] * factor[cell][:, None]
    sums = np.column_stack([np.bincount(code, weights=column, minlength=size) for column in by_row.T])
    assert cluster_meat(scores, Grouping(cell, code, None, size)) == pytest.approx(sums.T @ sums, rel=1e-9)
    ww = np.bincount(cell, minlength=6000).astype(float)
    assert meat(scores, ww) == pytest.approx(by_row.T @ by_row, rel=1e-9)
