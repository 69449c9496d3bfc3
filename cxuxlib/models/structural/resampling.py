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
from cxuxlib.models.structural.reporting import named_rows, pieces, values_of
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.sem.many import Sets, fit_many, implied_many
from cxuxlib.stats.sem.normal import Block
from cxuxlib.stats.sem.scores import Answered

__all__ = ["resampled"]

_TOLERANCE = 1e-8  # after which one more Newton step leaves eight right digits
_DRAWN, _FITTED = 1 << 22, 1 << 14  # counts, and cells of informations, held at a time
_STACKED = ("z", "sigma", "mu", "eta", "c", "effects", "covariances")  # of a state: what differs between resamples
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
    rows, generator = found.fit.rows, np.random.default_rng(rng)
    if found.fiml:
        again = [_again(found, groups) for groups in _resamples(found.groups, rows, replications, generator)]
        drawn = [each for each in again if each is not None]
    else:
        drawn = [row for some in _at_once(found, rows, replications, generator) for row in some]
    if not drawn:
        raise ModelError(f"None of {replications} resamples has a solution; the model asks too much of these data.")
    parts, values, failed = pieces(found), np.array(drawn), replications - len(drawn)
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
    state = [each._replace(**{name: getattr(each, name)[None] for name in _STACKED}) for each in fit.states]
    told: np.ndarray = values_of(replace(found, bound=bound), state)[0]
    return told


def _at_once(
    found: Latent, rows: Sequence[Answered], replications: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """What the model tells of resamples of complete answers, a few hundred at a time, where the search ends."""
    causes, cells = np.array(found.causes, dtype=int), found.bound.groups
    largest = max(len(each.x) for each in rows)
    most = max(1, min(_DRAWN // largest, _FITTED // len(found.theta) ** 2))
    for start in range(0, replications, most):
        size = min(most, replications - start)
        data = []
        for group, each in zip(found.groups, rows, strict=True):
            n = rng.multinomial(group.n, each.many / each.many.sum(), size=size).astype(float)
            data.append(Sets(group.n / found.n, *_moments(n, each.x, group.n), causes))
        theta, fine = fit_many(cells, data, found.theta, _TOLERANCE)
        if fine.any():
            kept = [each.of(fine) for each in data]
            states = [implied_many(own, sets, theta[fine]) for own, sets in zip(cells, kept, strict=True)]
            yield values_of(found, states)
        for lost in np.flatnonzero(~fine):
            again = _again(found, [
                replace(group, mean=sets.mean[lost], covariance=sets.covariance[lost],
                        blocks=(Block(None, group.n, sets.mean[lost], sets.covariance[lost]),))
                for group, sets in zip(found.groups, data, strict=True)
            ])  # fmt: skip
            if again is not None:
                yield again[None]


def _moments(n: np.ndarray, x: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances of resamples that drew each distinct row so many times."""
    center = x.mean(axis=0)
    gap, p = x - center, x.shape[1]
    row, col = np.triu_indices(p)
    mean, products = n @ gap / size, n @ (gap[:, row] * gap[:, col]) / size
    covariance = np.empty((len(n), p, p))
    covariance[:, row, col] = covariance[:, col, row] = products - mean[:, row] * mean[:, col]
    return mean + center, covariance


def _resamples(
    groups: Sequence[Group], rows: Sequence[Answered], replications: int, rng: np.random.Generator
) -> Iterator[list[Group]]:
    """Groups of as many units, drawn with replacement, of answers that are not all complete."""
    for _ in range(replications):
        found = []
        for group, each in zip(groups, rows, strict=True):
            n = rng.multinomial(group.n, each.many / each.many.sum()).astype(float)
            there = n > 0
            found.append(
                replace(group, mean=None, covariance=None, blocks=blocks_by_pattern(each.x[there], n[there]), many=n)
            )
        yield found
