"""The mediation of composites, resampled thousands of times without a look at the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.structural.mediating import blocks_of, composing
from cxuxlib.models.structural.reading import read
from cxuxlib.stats import intervals
from cxuxlib.stats.resampling import reweighted_moments

__all__ = ["mediation_bootstrap"]

_TERMS = ("a", "b", "direct", "indirect", "total")
_LEAST = 100  # resamples below which the ends of a 95% interval are the extremes of a handful


def mediation_bootstrap(
    data: Any,
    cause: Sequence[str],
    mediator: Sequence[str],
    outcome: Sequence[str],
    *,
    replications: int = 5000,
    frequency: str | None = None,
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Bootstrap the direct and the indirect effect of composites, the means of the items.

    With covariances s of the means: a = s_xm/s_xx, (c', b) the slopes of y on x and m, indirect = ab, total = c' + ab.
    A resample gives every unit a weight of mean 1 and variance 1, nearly Poisson, instead of drawing units; ends are
    percentiles, which hold their level for products better than bias-corrected ones. Composites leave measurement error
    in, so that a direct effect shows where there is none: see `mediation`, and `resampled` for latent variables.

    Args:
        data: one row per unit (any engine), or counts (with ``frequency``).
        cause: items of the cause.
        mediator: items of the mediator.
        outcome: items of the outcome.
        replications: resamples.
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.
        rng: seed or generator.

    Returns:
        One row per term (a, b, direct, indirect, total) and kind (raw, std_all): value, std_error (of the resamples),
        low, high, p (twice the smaller share of resamples on one side of 0, counting one more so that it is never 0),
        replications, n, n_missing, method.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError: what is wrong with the data.
        ModelError: cause and mediator determine each other.

    Source: Shrout & Bolger 2002, doi:10.1037/1082-989X.7.4.422; weights: Praestgaard & Wellner 1993,
    doi:10.1214/aop/1176989011; percentiles: Fritz, Taylor & MacKinnon 2012, doi:10.1080/00273171.2012.640596; p:
    Phipson & Smyth 2010, doi:10.2202/1544-6115.1585.
    Checked against: least squares, the delta method in large samples, and draws of units one by one.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=300)
    >>> m = 0.5 * x + rng.normal(size=300)
    >>> rows = pd.DataFrame({"x": x, "m": m, "y": 0.5 * m + rng.normal(size=300)})
    >>> found = mediation_bootstrap(rows, ["x"], ["m"], ["y"], rng=1)
    >>> found.query("term == 'indirect' and kind == 'raw'")[["value", "low", "high"]].round(2)
       value  low  high
    3   0.28  0.2  0.37
    """
    blocks, items = blocks_of(cause, mediator, outcome)
    level = intervals.check_level(level)
    if not isinstance(replications, int) or replications < _LEAST:
        raise ArgumentError(f"replications is a whole number, {_LEAST} or more; got {replications!r}.")
    (group,) = read(data, items, (), group=None, frequency=frequency, fiml=False)
    if group.x is None or group.many is None:
        raise ArgumentError("Moments cannot be resampled; give rows or counts.")
    means = group.x @ composing(blocks, items).T
    whole = np.ones((1, len(means)), dtype=np.float32) * group.many
    value = _effects(_covariances(whole, means))[0]
    if not np.isfinite(value).all():
        raise ModelError("Cause and mediator determine each other, or one of them does not vary.")
    drawn = _effects(reweighted_moments(means, group.many, replications, np.random.default_rng(rng)))
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    below = (drawn < 0).sum(axis=0)
    fewer = (np.minimum(below, len(drawn) - below) + 1) / (len(drawn) + 1)
    return pd.DataFrame({
        "term": _TERMS * 2, "kind": ["raw"] * 5 + ["std_all"] * 5, "value": value,
        "std_error": drawn.std(axis=0, ddof=1), "low": low, "high": high,
        "p": np.minimum(2 * fewer, 1.0), "replications": len(drawn), "n": group.n,
        "n_missing": group.n_missing, "method": "composites, percentiles of reweighted samples",
    })  # fmt: skip


def _covariances(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Covariances of the columns under one or more rows of weights, shape (rows, p, p)."""
    found = []
    for each in weights:
        gap = x - each @ x / each.sum()
        found.append((gap * each[:, None]).T @ gap / each.sum())
    return np.array(found)


def _effects(s: np.ndarray) -> np.ndarray:
    """Effects by least squares, raw and then standardised, of many covariance matrices of x, m and y."""
    xx, mm, yy = s[:, 0, 0], s[:, 1, 1], s[:, 2, 2]
    xm, xy, my = s[:, 0, 1], s[:, 0, 2], s[:, 1, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = xx * mm - xm**2
        rest = np.where(rest > 1e-10 * xx * mm, rest, np.nan)
        a, b, direct = xm / xx, (xx * my - xm * xy) / rest, (mm * xy - xm * my) / rest
        raw = np.array([a, b, direct, a * b, xy / xx])
        x, m, y = np.sqrt(xx), np.sqrt(mm), np.sqrt(yy)
        scale = np.array([x / m, m / y, x / y, x / y, x / y])
    found: np.ndarray = np.vstack([raw, raw * scale]).T
    return found
