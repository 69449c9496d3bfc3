"""The bootstrap of counts: its correlations are those of resampled rows, however counts are drawn."""

import numpy as np
import pytest

from cxuxlib.stats import resampling
from cxuxlib.stats.resampling import resampled_correlations

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]


def table(seed: int = 1, m: int = 20) -> Counts:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 6, (m, 3)) + np.array([0.0, 100, 0])  # far from zero, where sums of squares lose digits
    return x, rng.integers(1, 9, m).astype(float), rng.choice([0.5, 2.0], m)


def weighted(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    covariance = np.cov(x.T, aweights=w)
    deviation = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviation, deviation)


@pytest.mark.parametrize("gone", [False, True])
def test_correlations_are_those_of_the_rows_that_were_drawn(monkeypatch: pytest.MonkeyPatch, gone: bool) -> None:
    x, n, w = table()
    if gone:
        x[-1, 0] = np.nan
    times = np.random.default_rng(2).integers(1, 5, (7, len(n))).astype(float)
    if gone:
        times[:, -1] = 0  # nobody who lacks an answer was drawn: pairwise is complete
    monkeypatch.setattr(resampling, "_draws", lambda *_: times)
    (found,) = resampled_correlations(x, n, w, None, 7, np.random.default_rng(0))
    keep = slice(None, -1) if gone else slice(None)
    for corr, drawn in zip(found, times, strict=True):
        assert corr == pytest.approx(weighted(x[keep], (drawn * w)[keep]), abs=1e-10)


def test_clusters_are_drawn_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x, n, w = table()
    cluster = np.arange(20) % 4
    monkeypatch.setattr(resampling, "_draws", lambda n, *_: np.array([[1.0, 0, 2, 1]]) if len(n) == 4 else None)
    (found,) = resampled_correlations(x, n, w, cluster, 1, np.random.default_rng(0))
    times = np.array([1, 0, 2, 1])[cluster]
    assert found[0] == pytest.approx(weighted(x, times * n * w), abs=1e-10)


@pytest.mark.parametrize("rare", [0, 10**9])
def test_counts_are_drawn_as_units_would_be(monkeypatch: pytest.MonkeyPatch, rare: int) -> None:
    monkeypatch.setattr(resampling, "_RARE", rare)
    n = np.array([1.0, 0, 5, 30, 2, 12])
    drawn = resampling._draws(n, 40_000, np.random.default_rng(1))
    assert (drawn.sum(axis=1) == 50).all()
    p = n / 50
    assert drawn.mean(axis=0) == pytest.approx(n, abs=0.1)
    assert np.cov(drawn.T) == pytest.approx(50 * (np.diag(p) - np.outer(p, p)), abs=0.25)


def test_units_of_their_own_rows_are_drawn_alike() -> None:
    drawn = resampling._draws(np.ones(30), 20_000, np.random.default_rng(1))
    assert (drawn.sum(axis=1) == 30).all()
    assert drawn.var(axis=0) == pytest.approx(np.full(30, 29 / 30), abs=0.05)


def test_batches_change_only_who_is_drawn_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "_DRAWN", 60)
    x, n, w = table()
    batches = list(resampled_correlations(x, n, w, None, 10, np.random.default_rng(0)))
    assert [len(each) for each in batches] == [3, 3, 3, 1]
