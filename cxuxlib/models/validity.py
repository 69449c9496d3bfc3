"""Discriminant validity: are two scales two things?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, listed
from cxuxlib.frames import answers
from cxuxlib.models.sample import Interval, sample
from cxuxlib.results import Moments
from cxuxlib.stats import correlations, intervals
from cxuxlib.stats.answer_tables import coded
from cxuxlib.stats.factors import two_factor_correlation
from cxuxlib.stats.ordered_factors import ordered_factor_correlation

__all__ = ["factor_correlation", "htmt"]

_COLUMNS = ["a", "b", "kind", "value", "std_error", "low", "high", "n", "n_missing", "n_negative", "method", "level"]
_IDENTIFIED = 5  # items that leave two correlated factors a degree of freedom to spare


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
    equal loadings. Both estimate the correlation of the constructs freed of measurement error: HTMT where the items of
    a construct load alike, both where errors are uncorrelated across constructs and answers do not pile up at
    opposite ends. HTMT times the root of the scales' (standardised alpha) reliabilities is the correlation of the sum
    scores, so the interval is made by Fisher's z there and taken back. With normal items, n = 250 and a true .90,
    a 90% interval lies above the truth in .06 and below it in .04 of samples, where .05 is meant.

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

    def kinds(corr: np.ndarray, a: list[int], b: list[int]) -> list[tuple[str, float, np.ndarray]]:
        return [
            (kind, *correlations.htmt(corr, a, b, geometric=geometric, signed=signed))
            for kind, geometric in (("htmt", False), ("htmt2", True))
        ]

    return _pairs(data, constructs, kinds, weight, frequency, interval, level)


def factor_correlation(
    data: Any,
    constructs: Mapping[str, Sequence[str]],
    *,
    items: Literal["numbers", "ordered"] = "numbers",
    weight: str | None = None,
    frequency: str | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Correlation of every pair of constructs in a two-factor model, with its interval (CI_CFA).

    Σ = ΛΦΛ' + Ψ by maximum likelihood; each item loads on its own construct and errors are uncorrelated. The interval
    comes from the delta method on the correlations, so it also holds where the model does not fit exactly. Items taken
    as ordered answers enter by their polychoric correlations and diagonally weighted least squares: right too where the
    answers of the two constructs pile up at opposite ends, which pulls the correlations of numbers down (a true .80
    to .46 in a simulation), if what lies behind the answers is normal.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        constructs: name to its items, two or more each and five or more in a pair.
        items: "numbers", or "ordered" for whole-number answers of which only the order counts (needs rows or counts;
            the interval is distribution-free in the answers).
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        interval: "robust" (distribution-free), "normal" (also from moments), None: robust where it can be had.
        level: confidence level, 0 to 1.

    Returns:
        The columns of `htmt`, with kind "cfa" or "cfa, ordered". A value above 1 is an improper solution, reported as
        it is.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, ModelError: what is wrong with the data.

    Source: Jöreskog 1969, doi:10.1007/BF02289343; Rönkkö & Cho 2022, doi:10.1177/1094428120968614 (CI_CFA); Muthén
    1984, doi:10.1007/BF02294210 (ordered). Checked against: lavaan (mobi, ML and MLR; WLSMV), numerical derivatives.

    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(400, 2)) @ np.linalg.cholesky([[1, 0.5], [0.5, 1]]).T
    >>> items = pd.DataFrame(np.repeat(trait, 3, axis=1) + rng.normal(size=(400, 6)), columns=list("abcdef"))
    >>> factor_correlation(items, {"UX": ["a", "b", "c"], "CX": ["d", "e", "f"]})[["value", "low", "high"]].round(2)
       value   low  high
    0   0.44  0.33  0.54
    """
    for a, b in combinations(constructs if isinstance(constructs, Mapping) else {}, 2):
        if len(constructs[a]) + len(constructs[b]) < _IDENTIFIED:
            raise ArgumentError(f"{a!r} and {b!r} have four items together; two factors need five to leave a test.")
    if items not in ("numbers", "ordered"):
        raise ArgumentError(f"items is 'numbers' or 'ordered'; got {items!r}.")
    if items == "ordered":
        if isinstance(data, Moments) or interval == "normal":
            raise ArgumentError("Ordered answers need rows or counts, and have the robust interval; give these.")
        return _ordered_pairs(data, constructs, weight, frequency, level)

    def kinds(corr: np.ndarray, a: list[int], b: list[int]) -> list[tuple[str, float, np.ndarray]]:
        return [("cfa", *two_factor_correlation(corr, a, b))]

    return _pairs(data, constructs, kinds, weight, frequency, interval, level)


def _pairs(
    data: Any,
    constructs: Mapping[str, Sequence[str]],
    kinds: Callable[[np.ndarray, list[int], list[int]], list[tuple[str, float, np.ndarray]]],
    weight: str | None,
    frequency: str | None,
    interval: Interval | None,
    level: float,
) -> pd.DataFrame:
    """One row per pair of constructs and kind of correlation."""
    z, named = intervals.normal_quantile(level), _items(constructs)
    read = sample(data, named, weight=weight, frequency=frequency)
    rows = []
    for (a, a_items), (b, b_items) in combinations(constructs.items(), 2):
        at_a, at_b = read.positions(list(a_items)), read.positions(list(b_items))
        both = [*at_a, *at_b]
        n_negative = int((read.corr[np.ix_(both, both)] < 0).sum()) // 2
        reliability = _reliability(read.corr, at_a) * _reliability(read.corr, at_b)
        for kind, value, gradient in kinds(read.corr, at_a, at_b):
            if np.isnan(value) and kind == "htmt":
                raise ModelError(
                    f"The items of {a!r} or {b!r} correlate negatively on average; reverse the items that are "
                    "keyed the other way round."
                )
            if np.isnan(value):
                error, how = (
                    np.nan,
                    f"undefined: {n_negative} negative correlations" if n_negative else "no convergence",
                )
            else:
                covariance, how = read.covariance(gradient[None], interval)
                error = float(np.sqrt(covariance[0, 0]))
            low, high = _bounds(value, error, z, reliability)
            rows.append((a, b, kind, value, error, low, high, read.n, read.n_missing, n_negative, how, level))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _items(constructs: Mapping[str, Sequence[str]]) -> list[str]:
    """The items of all constructs, refused where they do not make two or more."""
    if not isinstance(constructs, Mapping) or len(constructs) < 2:
        raise ArgumentError("Give two or more constructs, as a dict of name to list of items.")
    for name, items in constructs.items():
        if isinstance(items, str) or not isinstance(items, Sequence) or len(items) < 2:
            raise ArgumentError(f"Construct {name!r} needs a list of at least two items; got {items!r}.")
    named = [item for items in constructs.values() for item in items]
    shared = sorted({item for item in named if named.count(item) > 1})
    if shared:
        raise ArgumentError(f"{listed(shared)} stands in more than one place; constructs must not share items.")
    return named


def _ordered_pairs(
    data: Any, constructs: Mapping[str, Sequence[str]], weight: str | None, frequency: str | None, level: float
) -> pd.DataFrame:
    """One row per pair of constructs, of ordered answers."""
    z, named = intervals.normal_quantile(level), _items(constructs)
    read = answers(data, named, weight=weight, frequency=frequency)
    there = read.w > 0
    x, many, w = read.x[there], read.n[there], read.w[there]
    if not len(x):
        raise SampleError(f"No complete rows of positive weight in {listed(named)}; {read.n_missing:,} are incomplete.")
    broken = [name for name, column in zip(named, x.T, strict=True) if (column != np.rint(column)).any()]
    if broken:
        raise AnswerError(f"{listed(broken)} holds numbers that are not whole; ordered answers are whole numbers.")
    w = w * many.sum() / (many @ w)
    codes, effective_n = coded(x, many * w, names=named), float(many.sum() ** 2 / (many @ w**2))
    how = "delta method on polychoric correlations, robust"
    rows = []
    for (a, a_items), (b, b_items) in combinations(constructs.items(), 2):
        at_a, at_b = ([named.index(each) for each in group] for group in (a_items, b_items))
        found = ordered_factor_correlation(codes, at_a, at_b)
        error = float(np.sqrt(correlations.influence_covariance(found.influence, many * w**2)[0, 0] / effective_n))
        corr, k = found.answers.corr, len(at_a)
        n_negative = int((corr < 0).sum()) // 2
        reliability = _reliability(corr, list(range(k))) * _reliability(corr, list(range(k, len(corr))))
        low, high = _bounds(found.value, error, z, reliability)
        n = round(float(read.n.sum()))
        rows.append((a, b, "cfa, ordered", found.value, error, low, high, n, read.n_missing, n_negative, how, level))
    return pd.DataFrame(rows, columns=_COLUMNS)


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
