"""Counts and moments of frames: the same on every engine, in parts and as a whole, and for models the same as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxuxlib import cx, measure, models
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, UnitError
from cxuxlib.frames import counts, expand, moments, moments_by
from cxuxlib.models import DriverOptions
from cxuxlib.results import Moments

Frame = Callable[[pd.DataFrame], Any]
NAMES = ["recommend", "ease", "speed"]


def table(n: int = 600, missing: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(20261122)
    common = rng.normal(size=n)
    data = pd.DataFrame({name: np.clip(np.round(3 + common + rng.normal(size=n)), 1, 5) for name in NAMES})
    data["recommend"] = np.clip(2 * data["recommend"] + rng.integers(-1, 2, n), 0, 10)
    data = data.mask(rng.random(data.shape) < missing)
    data["weight"], data["times"] = rng.choice([0.0, 0.5, 1.0, 2.5], n), rng.integers(0, 4, n)
    data["wave"], data["branch"] = rng.choice(["a", "b", "c"], n), rng.integers(0, 20, n)
    return data


def by_hand(data: pd.DataFrame, weight: str | None = None, frequency: str | None = None) -> tuple[Any, ...]:
    """Rows repeated and NumPy's own weighted covariance."""
    whole = data.dropna(subset=NAMES)
    whole = whole.loc[whole.index.repeat(whole[frequency])] if frequency else whole
    w = whole[weight].to_numpy() if weight else np.ones(len(whole))
    x, n = whole[NAMES].to_numpy(), len(whole)
    covariance = np.cov(x.T, aweights=w, ddof=0) * n / (n - 1)
    return n, np.average(x, axis=0, weights=w), covariance, w.sum() ** 2 / (w**2).sum()


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("frequency", [None, "times"])
def test_moments_are_those_of_the_rows(frame: Frame, weight: str | None, frequency: str | None) -> None:
    data = table()
    found = moments(frame(data), NAMES, weight=weight, frequency=frequency)
    n, means, covariance, effective = by_hand(data, weight, frequency)
    assert found.n == n
    assert found.n_missing == (data["times"].sum() if frequency else len(data)) - n
    np.testing.assert_allclose(found.means, means, rtol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-10)
    assert found.effective_n == pytest.approx(effective, rel=1e-12)


def test_pairwise_moments_are_those_of_each_pair(frame: Frame) -> None:
    data = table()
    found = moments(frame(data), NAMES, missing="pairwise")
    assert found.pairs is not None
    scale = np.sqrt(np.diag(found.covariance))
    np.testing.assert_allclose(scale, data[NAMES].std(), rtol=1e-10)
    np.testing.assert_allclose(found.covariance / np.outer(scale, scale), data[NAMES].corr(), rtol=1e-9)
    there = data[NAMES].notna().astype(float)
    assert (found.pairs == (there.T @ there).to_numpy()).all()
    assert found.n == there.any(axis=1).sum()
    assert found.n + found.n_missing == len(data)
    np.testing.assert_allclose(found.means, data[NAMES].mean(), rtol=1e-12)
    with pytest.raises(ArgumentError, match="Pairwise moments are each of other units"):
        found + found


@pytest.mark.parametrize("weight", [None, "weight"])
def test_parts_add_up_to_the_whole(frame: Frame, weight: str | None) -> None:
    data = table()
    whole, parts = moments(data, NAMES, weight=weight), moments_by(frame(data), NAMES, "wave", weight=weight)
    assert list(parts) == ["a", "b", "c"]
    total = parts["a"] + parts["b"] + parts["c"]
    assert (total.n, total.n_missing, total.names) == (whole.n, whole.n_missing, whole.names)
    np.testing.assert_allclose(total.means, whole.means, rtol=1e-12)
    np.testing.assert_allclose(total.covariance, whole.covariance, rtol=1e-10)
    assert total.effective_n == pytest.approx(whole.effective_n, rel=1e-12)


def test_every_cluster_has_its_moments() -> None:
    data = table().assign(branch=lambda each: each["branch"].where(each["branch"] > 0))
    found = moments_by(data, NAMES, "branch")
    assert list(found) == [*range(1, 20), "(missing)"]
    own = data[data["branch"] == 7].dropna(subset=NAMES)
    np.testing.assert_allclose(found[7].covariance, own[NAMES].cov(), rtol=1e-10)


def test_no_digits_are_lost_far_from_zero(frame: Frame) -> None:
    data = table(missing=0.0)[NAMES]
    far = moments(frame(data + 1e9), NAMES)
    np.testing.assert_allclose(far.covariance, data.cov(), rtol=1e-9)


def test_long_frames_in_memory_are_summed_by_another_engine(frame: Frame) -> None:
    data = pd.concat([table()] * 400, ignore_index=True)
    found, expected = moments(frame(data), NAMES, weight="weight"), by_hand(data, "weight")
    assert found.n == expected[0]
    np.testing.assert_allclose(found.covariance, expected[2], rtol=1e-9)


def test_models_of_moments_are_those_of_rows(frame: Frame) -> None:
    data = table().drop(columns=["branch", "times"])
    normal = DriverOptions(interval="normal")
    for weight in (None, "weight"):
        rows = models.key_drivers(data, "recommend", NAMES[1:], method=normal, weight=weight)
        short = models.key_drivers(moments(frame(data), NAMES, weight=weight), "recommend", NAMES[1:], method=normal)
        pd.testing.assert_frame_equal(short.terms, rows.terms, rtol=1e-9, check_exact=False)
        assert short.quality == pytest.approx(rows.quality, rel=1e-9)
    line, same = (
        models.linear("recommend ~ ease + speed", each, errors="observed")
        for each in (data, moments(frame(data), NAMES))
    )
    pd.testing.assert_frame_equal(line.terms, same.terms, rtol=1e-9, check_exact=False)


def test_what_moments_cannot_tell_is_refused() -> None:
    data = table()
    weighted, pairwise = moments(data, NAMES, weight="weight"), moments(data, NAMES, missing="pairwise")
    for each in (weighted, pairwise):
        with pytest.raises(ArgumentError, match="Least squares from moments wants complete rows without"):
            models.linear("recommend ~ ease", each)
    with pytest.raises(ArgumentError, match="Pairwise moments tell no errors"):
        models.key_drivers(pairwise, "recommend", NAMES[1:])
    shares = models.key_drivers(pairwise, "recommend", NAMES[1:], method=DriverOptions(interval="none"))
    rows = models.key_drivers(
        data[NAMES], "recommend", NAMES[1:], method=DriverOptions(interval="none", missing="pairwise")
    )
    np.testing.assert_allclose(shares.terms["value"], rows.terms["value"], rtol=1e-9)
    with pytest.raises(ArgumentError, match="Only one of these moments has weights"):
        weighted + moments(data, NAMES)


@pytest.mark.parametrize("unit", [None, "branch"])
def test_models_of_counts_are_those_of_rows(frame: Frame, unit: str | None) -> None:
    data = table()
    made = counts(frame(data), [*NAMES, "wave"], unit=unit, weight="weight")
    assert made["n"].sum() == len(data)
    assert not made.drop(columns="n").duplicated().any()
    formula = "recommend ~ ease + C(wave)"
    short = models.linear(formula, made, unit=unit, weight="weight", frequency="n")
    rows = models.linear(formula, data, unit=unit, weight="weight")
    pd.testing.assert_frame_equal(short.terms, rows.terms, rtol=1e-9, check_exact=False)
    for missing in ("complete", "pairwise"):
        options = DriverOptions(missing=missing, cluster=unit)  # type: ignore[arg-type]
        a, b = (
            models.key_drivers(each, "recommend", NAMES[1:], weight="weight", frequency=frequency, method=options)
            for each, frequency in ((made, "n"), (data.drop(columns="times"), None))
        )
        pd.testing.assert_frame_equal(a.terms, b.terms, rtol=1e-9, check_exact=False)


def test_counts_of_counts_and_engines_are_the_same(frame: Frame) -> None:
    data = table()
    once = counts(data, ["ease", "wave"], unit=None)
    pd.testing.assert_frame_equal(counts(frame(data), ["ease", "wave"], unit=None), once)
    again = counts(frame(once.rename(columns={"n": "times"})), ["ease", "wave"], frequency="times")
    pd.testing.assert_frame_equal(again, once)
    assert once["ease"].isna().any()


def test_counts_are_not_taken_for_rows() -> None:
    made = counts(table(), [*NAMES], unit=None)
    for call in (
        lambda: models.key_drivers(made, "recommend", NAMES[1:]),
        lambda: models.linear("recommend ~ ease", made),
        lambda: moments(made[made["ease"] > 1], NAMES),
        lambda: measure(made, cx.nps("recommend"), unit=None),
    ):
        with pytest.raises(ArgumentError, match=r"say frequency='n', or make rows of it with frames.expand"):
            call()
    assert moments(expand(made), NAMES).n == moments(made, NAMES, frequency="n").n == moments(table(), NAMES).n


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=30), st.integers(1, 29))
def test_any_split_adds_up(pairs: list[tuple[int, int]], at: int) -> None:
    data = pd.DataFrame(pairs, columns=["a", "b"])
    whole, at = moments(data, ["a", "b"]), min(at, len(data) - 2)
    if at < 2:
        return
    parts = moments(data[:at], ["a", "b"]) + moments(data[at:], ["a", "b"])
    np.testing.assert_allclose(parts.covariance, whole.covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "more", "error", "says"),
    [
        ({}, {"weight": "wieght"}, ColumnError, "no column 'wieght'"),
        ({"ease": "x"}, {}, AnswerError, "answers must be numbers"),
        ({"ease": np.inf}, {}, AnswerError, "infinite values"),
        ({"ease": np.nan}, {}, SampleError, "Only 0 complete rows of 600"),
        ({"weight": 0.0}, {"weight": "weight"}, SampleError, "All weights in 'weight' are 0"),
        ({"weight": -1.0}, {"weight": "weight"}, AnswerError, "600 rows have a missing, negative or infinite value"),
        ({"times": 0.5}, {"frequency": "times"}, AnswerError, "600 rows have a missing, negative or infinite value"),
        ({"user_id": 1}, {}, UnitError, "Rows repeat 'user_id'"),
        ({}, {"missing": "drop"}, ArgumentError, "missing is 'complete' or 'pairwise'; got 'drop'"),
    ],
)
def test_bad_frames_are_refused(
    change: dict[str, Any], more: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        moments(table().assign(**change), NAMES, **more)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="columns is a list of different names"):
        moments(table(), "ease")
    with pytest.raises(ArgumentError, match="A column is named 'n'"):
        counts(table().rename(columns={"ease": "n"}), ["n"])
    with pytest.raises(ArgumentError, match="columns is a list of names; got the text 'ease'"):
        counts(table(), "ease")
    with pytest.raises(UnitError, match="Rows repeat 'user_id'"):
        counts(table().assign(user_id=1), ["ease"])
    with pytest.raises(AnswerError, match="600 rows have a missing, negative, broken or infinite count"):
        counts(table().assign(times=-1), ["ease"], frequency="times")
    with pytest.raises(SampleError, match="Only 1 complete rows of 1 in group 'd'"):
        moments_by(pd.concat([table(missing=0), table(missing=0)[:1].assign(wave="d")]), NAMES, "wave")
    assert repr(moments(table(), NAMES, missing="pairwise")).endswith("pairwise, without any answer)")
    assert isinstance(moments(table(), ["ease"]), Moments)
