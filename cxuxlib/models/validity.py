"""Discriminant validity: are two scales two things?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, listed
from cxuxlib.models.sample import Interval, sample
from cxuxlib.stats import correlations, intervals

__all__ = ["htmt"]


def htmt(
    data: Any,
    constructs: Mapping[str, Sequence[str]],
    *,
    signed: bool = False,
    weight: str | None = None,
    frequency: str | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Heterotrait-monotrait ratios (HTMT and HTMT2) of every pair of constructs, with intervals.

    HTMT = mean(r between) / √(mean(r within a) · mean(r within b)); HTMT2 takes geometric means and so needs no
    equal loadings. Both estimate the correlation of the constructs freed of measurement error. HTMT times the root
    of the scales' (standardised alpha) reliabilities is the correlation of the sum scores, so the interval is made
    by Fisher's z there and taken back: at n = 250 and a true .90 it misses .06 below and .04 above where 5% each
    is meant; on HTMT's own scale the same standard error misses .08 and .03.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        constructs: name to its items, two or more each.
        signed: keep the signs of correlations; by default their absolute values count, and ``n_negative`` says how
            many were below zero. With signs and a negative correlation HTMT2 is undefined (NaN, named in method).
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        interval: "robust" (distribution-free), "normal" (also from moments), None: robust where it can be had.
        level: confidence level, 0 to 1.

    Returns:
        One row per pair and kind: a, b, kind, value, std_error, low, high, n, n_missing, n_negative, method, level.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, ModelError: what is wrong with the data.

    Source: Henseler, Ringle & Sarstedt 2015, doi:10.1007/s11747-014-0403-8; Roemer, Schuberth & Henseler 2021,
    doi:10.1108/IMDS-02-2021-0082. Checked against: semTools and seminr (Holzinger, mobi; eight digits), bootstrap.

    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(400, 2)) @ np.linalg.cholesky([[1, 0.5], [0.5, 1]]).T
    >>> items = pd.DataFrame(np.repeat(trait, 3, axis=1) + rng.normal(size=(400, 6)), columns=list("abcdef"))
    >>> htmt(items, {"UX": ["a", "b", "c"], "CX": ["d", "e", "f"]})[["kind", "value", "low", "high"]].round(2)
        kind  value   low  high
    0   htmt   0.43  0.32  0.53
    1  htmt2   0.41  0.30  0.52
    """
    intervals.check_level(level)
    if not isinstance(constructs, Mapping) or len(constructs) < 2:
        raise ArgumentError("HTMT compares constructs: name two or more, as a dict of name to list of items.")
    for name, items in constructs.items():
        if isinstance(items, str) or len(items) < 2:
            raise ArgumentError(f"Construct {name!r} needs a list of at least two items; got {items!r}.")
    named = [item for items in constructs.values() for item in items]
    shared = sorted({item for item in named if named.count(item) > 1})
    if shared:
        raise ArgumentError(f"{listed(shared)} stands in more than one place; constructs must not share items.")
    read = sample(data, named, weight=weight, frequency=frequency)
    z = intervals.normal_quantile(level)
    rows = []
    for (a, a_items), (b, b_items) in combinations(constructs.items(), 2):
        at_a, at_b = read.positions(list(a_items)), read.positions(list(b_items))
        both = [*at_a, *at_b]
        n_negative = int((read.corr[np.ix_(both, both)] < 0).sum()) // 2
        for kind, geometric in (("htmt", False), ("htmt2", True)):
            value, gradient = correlations.htmt(read.corr, at_a, at_b, geometric=geometric, signed=signed)
            if np.isnan(value):
                if not geometric:
                    raise ModelError(
                        f"The items of {a!r} or {b!r} correlate negatively on average; reverse the items that are "
                        "keyed the other way round."
                    )
                error, how = np.nan, f"undefined: {n_negative} negative correlations"
            else:
                covariance, how = read.covariance(gradient[None], interval)
                error = float(np.sqrt(covariance[0, 0]))
            low, high = _bounds(value, error, z, _reliability(read.corr, at_a) * _reliability(read.corr, at_b))
            rows.append((
                a, b, kind, value, error, low, high, read.n, read.n_missing, n_negative, how, level,
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "a", "b", "kind", "value", "std_error", "low", "high", "n", "n_missing", "n_negative", "method", "level",
    ])  # fmt: skip


def _reliability(corr: np.ndarray, at: list[int]) -> float:
    """Standardised alpha, k r / (1 + (k - 1) r) with r the mean absolute correlation."""
    k = len(at)
    r = float(np.abs(corr[np.ix_(at, at)][np.triu_indices(k, 1)]).mean())
    return k * r / (1 + (k - 1) * r)


def _bounds(value: float, error: float, z: float, reliability: float) -> tuple[float, float]:
    """Interval by Fisher's z on the scale of the sum scores; on the ratio's own scale where that is improper."""
    scale = float(np.sqrt(reliability))
    if not abs(scale * value) < 0.999:
        return value - z * error, value + z * error
    half = z * error * scale / (1 - (scale * value) ** 2)
    center = np.arctanh(scale * value)
    return float(np.tanh(center - half)) / scale, float(np.tanh(center + half)) / scale
