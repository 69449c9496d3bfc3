"""The bootstrap of latent models: refitted to resampled units, from counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.structural.binding import bind
from cxuxlib.models.structural.fitting import Latent, fit_normal, raw_of
from cxuxlib.models.structural.reading import Group, blocks_by_pattern
from cxuxlib.models.structural.reporting import named_rows, pieces
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.sem.normal import Block
from cxuxlib.stats.sem.scores import Answered

__all__ = ["resampled"]

_TOLERANCE = 1e-8  # after which one more Newton step leaves eight right digits
_LEAST = 100  # resamples below which the ends of a 95% interval are the extremes of a handful


def resampled(
    fit: Fit, *, replications: int = 1000, level: float | None = None, rng: int | np.random.Generator = 0
) -> pd.DataFrame:
    """Bootstrap intervals of everything a latent model tells: estimates, indirect effects, standardised values, R².

    Units are drawn with replacement within each group, the model is fitted again from where it stood, and the ends are
    percentiles. Products such as indirect effects are skew in small samples, where these intervals hold their level and
    those of the delta method fall short on one side.

    Args:
        fit: a fit of `latent` to rows or counts.
        replications: resamples.
        level: confidence level; None: the fit's.
        rng: seed or generator.

    Returns:
        The rows of ``fit.terms``: term, kind, (group), value, std_error (of the resamples), low, high, replications
        (those that converged), n_failed (those that did not, left out).

    Raises:
        ArgumentError: a fit to moments, which cannot be resampled; too few replications.
        ModelError: no resample has a solution.

    Source: Efron & Tibshirani 1993 (percentiles); Shrout & Bolger 2002, doi:10.1037/1082-989X.7.4.422 (indirect
    effects).
    Checked against: the delta method in large samples, and resampling of rows one by one.

    >>> from cxuxlib.models.structural.estimating import latent
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(200, 1))
    >>> m = 0.5 * x + rng.normal(size=(200, 1))
    >>> rows = pd.DataFrame(np.hstack([x, m, 0.5 * m + rng.normal(size=(200, 1))]), columns=["x", "m", "y"])
    >>> found = resampled(latent("m ~ a*x; y ~ b*m; ab := a*b", rows), replications=200)
    >>> found.query("term == 'ab' and kind == 'defined'")[["value", "low", "high"]].round(1)
       value  low  high
    5    0.2  0.1   0.3
    """
    found = raw_of(fit)
    level = intervals.check_level(fit.level if level is None else level)
    if not isinstance(replications, int) or replications < _LEAST:
        raise ArgumentError(f"replications is a whole number, {_LEAST} or more; got {replications!r}.")
    rows = found.fit.rows
    drawn, failed = [], 0
    for groups in _resamples(found.groups, rows, replications, np.random.default_rng(rng)):
        again = _again(found, groups)
        if again is None:
            failed += 1
        else:
            drawn.append(again)
    if not drawn:
        raise ModelError(f"None of {replications} resamples has a solution; the model asks too much of these data.")
    parts, values = pieces(found), np.array(drawn)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return pd.DataFrame(
        named_rows(found, parts)
        | {"value": np.concatenate([each.values for each in parts]), "std_error": values.std(axis=0, ddof=1)}
        | {"low": low, "high": high, "replications": len(drawn), "n_failed": failed}
    )


def _again(found: Latent, groups: Sequence[Group]) -> np.ndarray | None:
    """What the model tells of a resample; None where the search finds nothing."""
    bound = bind(found.table, groups) if found.causes else found.bound
    fit = fit_normal(bound.groups, groups, found.table.means, found.theta, found.causes, _TOLERANCE)
    if fit is None or not fit.solution.converged:
        return None
    return np.concatenate(
        [each.values for each in pieces(replace(found, bound=bound, groups=tuple(groups), fit=fit), slopes=False)]
    )


def _resamples(
    groups: Sequence[Group], rows: Sequence[Answered], replications: int, rng: np.random.Generator
) -> Iterator[list[Group]]:
    """Groups of as many units, drawn with replacement."""
    for _ in range(replications):
        found = []
        for group, each in zip(groups, rows, strict=True):
            x, many = each.x, each.many
            n = rng.multinomial(group.n, many / many.sum()).astype(float)
            if group.covariance is None:
                there = n > 0
                blocks, mean, covariance = blocks_by_pattern(x[there], n[there]), None, None
            else:
                mean = n @ x / group.n
                covariance = (x * n[:, None]).T @ x / group.n - np.outer(mean, mean)
                blocks = (Block(None, group.n, mean, covariance),)
            found.append(replace(group, mean=mean, covariance=covariance, blocks=blocks, many=n))
        yield found
