"""How consistent the items of a questionnaire are: alpha, omega, and what each item adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import SampleError
from cxuxlib.scales.answers import read
from cxuxlib.scales.scale import Scale, answer_range, label, parts
from cxuxlib.scales.scoring import keyed
from cxuxlib.stats import correlations, intervals, reliability

__all__ = ["alpha", "check_keying", "item_statistics", "omega"]

_TABLE = ["score", "kind", "value", "low", "high", "k", "n", "n_missing", "method", "level"]


class _Block(NamedTuple):
    """Keyed answers of the sheets that answered every question of a score."""

    name: str
    positions: tuple[int, ...]
    answers: np.ndarray
    n_missing: int
    constant: list[str]


def _blocks(frame: Any, scale: Scale, items: Sequence[str], *, whole: bool) -> Iterator[_Block]:
    """Blocks of the total and the subscales; without ``whole`` of the total alone where there is one."""
    raw = read(frame, scale, items).to_numpy()
    answers = keyed(scale, raw) * [answer_range(scale, position)[2] for position in range(1, scale.items + 1)]
    there = parts(scale)
    for name, positions in there.items() if whole or not scale.total else [next(iter(there.items()))]:
        block = answers[:, np.array(positions) - 1]
        complete = block[~np.isnan(block).any(axis=1)]
        if len(complete) < 2:
            raise SampleError(
                f"{len(complete)} of {len(block)} sheets answer every item of {name!r}; reliability needs 2 or more."
            )
        constant = [
            items[at - 1] for at, spread in zip(positions, np.ptp(complete, axis=0), strict=True) if spread == 0
        ]
        yield _Block(name, positions, complete, len(block) - len(complete), constant)


def alpha(frame: Any, scale: Scale, *, items: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Coefficient alpha of the total and every subscale, raw and standardised, with intervals.

    raw: k/(k - 1) · (1 - Σ var(item) / var(sum)); standardised: k·r̄ / (1 + (k - 1)·r̄), r̄ the mean correlation.
    The raw interval is Feldt's (normal answers, equal covariances); the standardised one is the delta method without
    an assumption on the distribution, on ln(1 - α). Weights and ``to`` of the scale play no part.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire; for loose items ``Scale("my items", items=5, low=1, high=7)``.
        items: columns of its questions, in its order.
        level: confidence level, 0 to 1.

    Returns:
        One row per score and kind: score, kind, value, low, high, k (items), n (complete sheets), n_missing, method,
        level. Where there is none (one item, constant items) value is NaN and ``method`` says why.

    Raises:
        ArgumentError, ColumnError, AnswerError: what is wrong with the columns or answers.
        SampleError: fewer than two complete sheets.

    Source: Cronbach 1951, doi:10.1007/BF02310555; Feldt 1965, doi:10.1007/BF02289499. Checked against: R psych.

    >>> answers = pd.DataFrame({"a": [1, 2, 4, 5], "b": [2, 2, 5, 4], "c": [1, 3, 4, 4]})
    >>> alpha(answers, Scale("three", items=3), items=["a", "b", "c"])[["kind", "value", "low", "high"]].round(2)
               kind  value   low  high
    0           raw   0.94  0.59  1.00
    1  standardised   0.94  0.87  0.97
    """
    intervals.check_level(level)
    rows = []
    for block in _blocks(frame, scale, items, whole=True):
        n, k = block.answers.shape
        for kind in ("raw", "standardised"):
            if k < 2:
                found = nan, nan, nan, "no alpha: one item"
            elif kind == "raw":
                value = reliability.alpha(np.cov(block.answers, rowvar=False))
                ends = reliability.feldt(value, n, k, level)
                found = (value, *ends, "Feldt") if value == value else (nan, nan, nan, "no alpha: the sum is constant")
            else:
                found = _standardised(block, level)
            rows.append((block.name, kind, *found[:3], k, n, block.n_missing, found[3], level))
    return pd.DataFrame(rows, columns=_TABLE)


def _standardised(block: _Block, level: float) -> tuple[float, float, float, str]:
    if block.constant:
        return nan, nan, nan, f"no alpha: constant {', '.join(block.constant)}"
    corr = correlations.correlation(np.cov(block.answers, rowvar=False))
    value, gradient = reliability.standardised_alpha(corr)
    if value != value:
        return nan, nan, nan, "no alpha: items cancel out"
    error = reliability.correlation_error(block.answers, corr, gradient)
    low, high = reliability.log_interval(value, error, level)
    if low != low:
        return value, nan, nan, "no interval: no variance"
    return value, low, high, "delta method, distribution-free, on ln(1 - alpha)"


def omega(frame: Any, scale: Scale, *, items: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Omega of the total and every subscale: the reliability of the sum when items measure one factor unequally well.

    ω = (Σλ)² / ((Σλ)² + Σψ), loadings λ and error variances ψ of one factor by maximum likelihood, errors
    uncorrelated. The interval is the delta method without an assumption on the distribution, on ln(1 - ω).

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire; for loose items ``Scale("my items", items=5, low=1, high=7)``.
        items: columns of its questions, in its order.
        level: confidence level, 0 to 1.

    Returns:
        One row per score, with the columns of `alpha` and kind "omega". Where there is none (fewer than three items,
        constant items, no more sheets than items, no convergence) value is NaN and ``method`` says why.

    Raises:
        ArgumentError, ColumnError, AnswerError: what is wrong with the columns or answers.
        SampleError: fewer than two complete sheets.

    Source: McDonald 1999, Test Theory; Kelley & Pornprasertmanit 2016, doi:10.1037/a0040086. Checked against: R
    lavaan (estimate and robust standard error).

    >>> rng = np.random.default_rng(1)
    >>> ease = rng.normal(size=(300, 1)) * [0.9, 0.7, 0.5, 0.3] + rng.normal(size=(300, 4))
    >>> answers = pd.DataFrame(np.clip(np.round(ease + 3), 1, 5), columns=list("abcd"))
    >>> omega(answers, Scale("four", items=4), items=list("abcd"))[["value", "low", "high"]].round(2)
       value   low  high
    0   0.56  0.47  0.63
    """
    intervals.check_level(level)
    rows = []
    for block in _blocks(frame, scale, items, whole=True):
        n, k = block.answers.shape
        value, low, high, method = _omega(block, level)
        rows.append((block.name, "omega", value, low, high, k, n, block.n_missing, method, level))
    return pd.DataFrame(rows, columns=_TABLE)


def _omega(block: _Block, level: float) -> tuple[float, float, float, str]:
    n, k = block.answers.shape
    why = ""
    if k < 3:
        why = f"{k} item{'s' * (k > 1)}, one factor needs three"
    elif block.constant:
        why = f"constant {', '.join(block.constant)}"
    elif n <= k:
        why = f"{n} complete sheets for {k} items"
    elif np.linalg.eigvalsh(correlations.correlation(np.cov(block.answers, rowvar=False)))[0] < 1e-9:
        why = "items determine each other exactly"
    if why:
        return nan, nan, nan, f"no omega: {why}"
    value, error, proper = reliability.omega(block.answers)
    if value != value:
        return nan, nan, nan, "no omega: no convergence"
    if not proper:
        return value, nan, nan, "no interval: improper solution, an error variance is not above 0"
    low, high = reliability.log_interval(value, error, level)
    return value, low, high, "delta method, distribution-free, on ln(1 - omega)"


def item_statistics(frame: Any, scale: Scale, *, items: Sequence[str]) -> pd.DataFrame:
    """Describe every item: mean, spread, ends of the scale, and how it goes with the others.

    item_rest = r(item, mean of the other items of its score) after keying, on complete sheets; a mean of ordinal
    answers says little where floor or ceiling are high.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire.
        items: columns of its questions, in its order.

    Returns:
        One row per item (of the total, or of each subscale where there is no total): score, item, position, label,
        reversed, n, n_missing, mean and sd of the answers as given (divisor n - 1), floor and ceiling (shares of
        lowest and highest answers, 0 to 1), item_rest, alpha_without (raw alpha when the item is left out).

    Raises:
        ArgumentError, ColumnError, AnswerError: what is wrong with the columns or answers.
        SampleError: fewer than two complete sheets.

    Source: Nunnally & Bernstein 1994, Psychometric Theory, ch. 8. Checked against: R psych.

    >>> answers = pd.DataFrame({"a": [1, 2, 4, 5], "b": [2, 2, 5, 4], "c": [5, 3, 2, 2]})
    >>> table = item_statistics(answers, Scale("three", items=3, reversed=(3,)), items=["a", "b", "c"])
    >>> table[["item", "mean", "item_rest", "alpha_without"]].round(2)
      item  mean  item_rest  alpha_without
    0    a  3.00       0.93           0.88
    1    b  3.25       0.84           0.93
    2    c  3.00       0.88           0.91
    """
    raw = read(frame, scale, items)
    rows = []
    for block in _blocks(frame, scale, items, whole=False):
        covariance = np.cov(block.answers, rowvar=False).reshape(len(block.positions), -1)
        for at, position in enumerate(block.positions):
            low, high, _ = answer_range(scale, position)
            answers = raw[items[position - 1]].dropna()
            others = [i for i in range(len(block.positions)) if i != at]
            rows.append((
                block.name, items[position - 1], position, label(scale, position), position in scale.reversed,
                len(answers), len(raw) - len(answers), float(answers.mean()), float(answers.std()),
                float((answers == low).mean()), float((answers == high).mean()),
                _item_rest(covariance, at), reliability.alpha(covariance[np.ix_(others, others)]) if others else nan,
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "score", "item", "position", "label", "reversed", "n", "n_missing", "mean", "sd", "floor", "ceiling",
        "item_rest", "alpha_without",
    ])  # fmt: skip


def _item_rest(covariance: np.ndarray, at: int) -> float:
    """Correlation of an item with the sum of the others; NaN where one of them is constant."""
    own = covariance[at, at]
    with_rest = covariance[at].sum() - own
    rest = covariance.sum() - 2 * with_rest - own
    return float(with_rest / np.sqrt(own * rest)) if own > 1e-12 and rest > 1e-12 else nan


def check_keying(frame: Any, scale: Scale, *, items: Sequence[str]) -> pd.DataFrame:
    """Find items that run against the others after keying: columns in the wrong order, or reversed twice.

    An item is reported when it loads against the items that are not reversed on the first principal component of the
    keyed correlations; where none does, when it correlates negatively with the rest of its score.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire.
        items: columns of its questions, in its order.

    Returns:
        One row per suspicious item, none where all is well: score, item, position, reversed, item_rest, component
        (its loading, oriented by the items that are not reversed), advice.

    Raises:
        ArgumentError, ColumnError, AnswerError: what is wrong with the columns or answers.
        SampleError: fewer than two complete sheets.

    Source: Revelle 2023, R package psych (check.keys). Checked against: simulated sheets reversed twice.

    >>> answers = pd.DataFrame({"a": [1, 2, 4, 5], "b": [2, 2, 5, 4], "c": [1, 3, 4, 4]})
    >>> check_keying(answers, Scale("three", items=3, reversed=(3,)), items=["a", "b", "c"])[["item", "item_rest"]]
      item  item_rest
    0    c  -0.883452
    """
    rows = []
    for block in _blocks(frame, scale, items, whole=False):
        if len(block.positions) < 2:
            continue
        covariance = np.cov(block.answers, rowvar=False)
        varies = np.diag(covariance) > 1e-12
        component = np.full(len(varies), nan)
        if varies.sum() >= 2:
            corr = correlations.correlation(covariance[np.ix_(varies, varies)])
            size, vectors = np.linalg.eigh(corr)
            component[varies] = vectors[:, -1] * np.sqrt(max(0.0, size[-1]))
        turned = np.array([position in scale.reversed for position in block.positions])
        anchor = np.nansum(component[~turned] if (~turned).any() else component)
        component = -component if anchor < 0 else component
        rest = np.array([_item_rest(covariance, at) for at in range(len(varies))])
        against = component < 0
        found = against if against.any() else rest < 0
        advice = "look at the order of the columns and the direction of this answer format"
        if turned.any() and (component[turned] < 0).all():
            advice = "the reversed items seem to be reversed already: score with replace(scale, reversed=())"
        rows += [
            (block.name, items[block.positions[at] - 1], block.positions[at], bool(turned[at]), rest[at],
             component[at], advice)
            for at in np.flatnonzero(found)
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=["score", "item", "position", "reversed", "item_rest", "component", "advice"])
