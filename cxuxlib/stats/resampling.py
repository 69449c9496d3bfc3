"""The bootstrap of correlations from counts: resamples are new counts of the same distinct rows, or of the clusters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cxuxlib.stats.pairwise import pair_correlation, pair_features, pair_sums

__all__ = ["resampled_correlations", "reweighted_moments"]

_DRAWN = 1 << 22  # counts held at a time
_CACHED = 1 << 18  # weights held at a time, so that they stay in the cache
_STEPS = (95, 187, 236, 251, 255)  # bytes from which on a weight is one more: mean 1, variance 1, near Poisson
_RARE = 30  # units a distinct row, from which on drawing counts is cheaper than drawing units


def resampled_correlations(
    x: np.ndarray,
    n: np.ndarray,
    w: np.ndarray,
    cluster: np.ndarray | None,
    replications: int,
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Correlations of resamples, a few hundred at a time, each from one product of counts and sums.

    Args:
        x: distinct answers, NaN where missing, shape (m, p).
        n: units that gave them, shape (m,).
        w: weight of each of these units, shape (m,).
        cluster: whole numbers from 0, shape (m,): clusters are drawn instead of units; None for units.
        replications: resamples.
        rng: generator.

    Yields:
        Shape (some, p, p).
    """
    p = x.shape[1]
    x = x - np.nanmean(x, axis=0)
    x = x / np.sqrt(np.nanmean(x**2, axis=0))
    features = (pair_features(x) if np.isnan(x).any() else _features(x)) * w[:, None]
    if cluster is not None:
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(cluster[order]) > 0])
        features = np.add.reduceat((features * n[:, None])[order], starts, axis=0)
        n = np.ones(len(features))
    for size in _sizes(replications, max(1, _DRAWN // len(n))):
        found = _draws(n, size, rng) @ features
        yield pair_correlation(pair_sums(found, p)) if found.shape[1] == 4 * p * p else _correlations(found, p)


def reweighted_moments(x: np.ndarray, n: np.ndarray, replications: int, rng: np.random.Generator) -> np.ndarray:
    """Covariances of resamples that weigh units instead of drawing them, shape (replications, p, p).

    A weight is whole, with mean 1 and variance 1: what a draw gives a unit, but for the fixed total. It is looked up by
    a random byte; rows of several units get Poisson weights.

    Args:
        x: answers, shape (m, p).
        n: units that gave them, shape (m,).
        replications: resamples.
        rng: generator.

    >>> x = np.random.default_rng(1).normal(size=(400, 1))
    >>> found = reweighted_moments(x, np.ones(400), 2000, np.random.default_rng(2))[:, 0, 0]
    >>> kurtosis = float((x**4).mean() / x.var() ** 2)
    >>> round(float(found.std() / x.var() / np.sqrt((kurtosis - 1) / 400)), 1)
    1.0
    """
    p, single = x.shape[1], bool((n == 1).all())
    center, scale = n @ x / n.sum(), x.std(axis=0)
    scale[scale == 0] = 1.0
    features = _features((x - center) / scale).astype(np.float32)
    rows, cols = np.triu_indices(p)
    found = np.empty((replications, p, p))
    at = 0
    for size in _sizes(replications, max(1, _CACHED // len(n))):
        weights = _weights(size, len(n), rng) if single else rng.poisson(n, size=(size, len(n))).astype(np.float32)
        sums = (weights @ features).astype(float)
        total, mean = sums[:, :1], sums[:, 1 : p + 1] / sums[:, :1]
        own = sums[:, p + 1 :] / total - mean[:, rows] * mean[:, cols]
        found[at : at + size, rows, cols] = own
        found[at : at + size, cols, rows] = own
        at += size
    return found * np.outer(scale, scale)


def _weights(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.integers(2**64, size=-(-rows * columns // 8), dtype=np.uint64).astype("<u8", copy=False)
    bytes_ = drawn.view(np.uint8)[: rows * columns]
    found = np.zeros(rows * columns, dtype=np.uint8)
    for step in _STEPS:
        found += bytes_ >= np.uint8(step)
    return found.reshape(rows, columns).astype(np.float32)


def _sizes(total: int, most: int) -> list[int]:
    return [most] * (total // most) + ([total % most] if total % most else [])


def _draws(n: np.ndarray, replications: int, rng: np.random.Generator) -> np.ndarray:
    """How often each row is drawn, shape (replications, m)."""
    m, units = len(n), round(float(n.sum()))
    if units > _RARE * m:
        return rng.multinomial(units, n / n.sum(), size=replications).astype(float)
    row = np.repeat(np.arange(m), n.astype(np.intp))
    drawn = row[rng.integers(len(row), size=(replications, units), dtype=np.int32)]
    drawn += np.arange(replications)[:, None] * m
    return np.bincount(drawn.ravel(), minlength=replications * m).reshape(replications, m).astype(float)


def _features(x: np.ndarray) -> np.ndarray:
    rows, cols = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, rows] * x[:, cols]], axis=1)


def _correlations(sums: np.ndarray, p: int) -> np.ndarray:
    total, mean = sums[:, :1], sums[:, 1 : p + 1] / sums[:, :1]
    rows, cols = np.triu_indices(p)
    covariance = np.empty((len(sums), p, p))
    covariance[:, rows, cols] = sums[:, p + 1 :] / total - mean[:, rows] * mean[:, cols]
    covariance[:, cols, rows] = covariance[:, rows, cols]
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = covariance / (deviation[:, :, None] * deviation[:, None, :])
    return found
