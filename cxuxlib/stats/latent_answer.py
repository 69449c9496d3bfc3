"""The latent answer behind an ordered or binary one, and how it correlates with what explains it.

A cumulative link model says that y* = x'b + e was cut into categories, e of known variance c and independent of x. So
Cov(x, y*) = Σb and Var(y*) = b'Σb + c, with Σ the covariance of x: all that shares of R² are made of, from one fit. R²
of y* by all of x is that of McKelvey and Zavoina (1975, doi:10.1080/0022250X.1975.9989847).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cxuxlib.errors import ModelError
from cxuxlib.stats.correlations import Influence
from cxuxlib.stats.glm_errors import Grouping
from cxuxlib.stats.ordinal import LINK_VARIANCE, Answers, Link, fit_ordinal

__all__ = ["Line", "latent_correlations", "latent_influence", "resampled_latent"]


class Line(NamedTuple):
    """A fitted cumulative link model on drivers of mean 0 and variance 1.

    Args:
        x: distinct rows of the drivers, shape (r, p).
        row: of each distinct answer, its drivers, shape (m,).
        data: the answers.
        at: thresholds, then slopes.
        link: logit or probit.
    """

    x: np.ndarray
    row: np.ndarray
    data: Answers
    at: np.ndarray
    link: Link

    @property
    def slopes(self) -> np.ndarray:
        """Slopes of the latent answer, shape (p,)."""
        return self.at[len(self.at) - self.x.shape[1] :]


def latent_correlations(covariance: np.ndarray, slopes: np.ndarray, noise: float) -> np.ndarray:
    """Correlations of the latent answer, which comes first, and its drivers.

    Args:
        covariance: of the drivers, shape (p, p).
        slopes: of the latent answer, shape (p,).
        noise: variance of its error.

    >>> latent_correlations(np.eye(1), np.ones(1), 3.0)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    shared = covariance @ slopes
    whole = np.block([[np.atleast_2d(slopes @ shared + noise), shared], [shared[:, None], covariance]])
    scale = np.sqrt(np.diag(whole))
    found: np.ndarray = whole / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    return found


def latent_influence(line: Line, corr: np.ndarray, by_slopes: np.ndarray) -> Influence:
    """What each unit contributes to the error of each of these correlations, through slopes and drivers; of mean zero.

    Args:
        line: the model.
        corr: result of `latent_correlations`.
        by_slopes: influence of a unit of each distinct answer on the slopes, shape (m, p).

    Returns:
        A function from a slice of the distinct answers to their influences, pairs a < b in row order.
    """
    inner, slopes = corr[1:, 1:], line.slopes
    shared = inner @ slopes
    variance = float(slopes @ shared) + LINK_VARIANCE[line.link]
    rows, cols = np.triu_indices(len(inner), 1)

    def influence(part: slice) -> np.ndarray:
        z = line.x[line.row[part]]
        squares = z**2 - 1
        explained = (z @ slopes)[:, None]
        by_shared = z * explained - shared + by_slopes[part] @ inner
        by_variance = explained**2 - slopes @ shared + 2 * (by_slopes[part] @ shared)[:, None]
        by_outcome = by_shared - shared * (by_variance / (2 * variance) + squares / 2)
        among = z[:, rows] * z[:, cols] - inner[rows, cols] * (1 + (squares[:, rows] + squares[:, cols]) / 2)
        return np.concatenate([by_outcome / np.sqrt(variance), among], axis=1)

    return influence


def resampled_latent(
    line: Line, n: np.ndarray, clusters: Grouping | None, replications: int, rng: np.random.Generator
) -> Iterator[np.ndarray | None]:
    """Correlations of resamples of units or clusters, the model fitted to each; None where it cannot be.

    Args:
        line: the model, from which each climb begins.
        n: units of each distinct answer, all of one weight, shape (m,).
        clusters: which rows belong together; None where units are drawn.
        replications: resamples.
        rng: generator.
    """
    place = np.empty(len(n), dtype=np.intp)
    place[line.data.order] = np.arange(len(n))
    units = round(float(n.sum()))
    weight = np.divide(line.data.w[place], n, out=np.zeros(len(n)), where=n > 0)
    for _ in range(replications):
        if clusters is None:
            drawn = rng.multinomial(units, n / n.sum()) * weight
        else:
            size = int(clusters.code.max()) + 1
            code = np.flatnonzero(np.bincount(clusters.code, minlength=size))
            times = np.bincount(rng.choice(code, len(code)), minlength=size)[clusters.code].astype(float)
            w = times if clusters.w is None else times * clusters.w
            drawn = np.bincount(clusters.cell, weights=w, minlength=len(n))
        yield _fitted_again(line, drawn)


def _fitted_again(line: Line, w: np.ndarray) -> np.ndarray | None:
    """Correlations under other weights."""
    data, p = line.data, line.x.shape[1]
    weights = np.bincount(line.row, weights=w, minlength=len(line.x))
    mean = weights @ line.x / weights.sum()
    covariance = (line.x * weights[:, None]).T @ line.x / weights.sum() - np.outer(mean, mean)
    w = w[data.order]
    kept = w > 0
    ends = np.concatenate([[0], np.cumsum(kept)])[data.ends]
    there = np.flatnonzero(np.diff(ends))  # categories that were drawn
    if len(there) < 2 or not (np.diag(covariance) > 1e-12).all():
        return None
    start = np.concatenate([line.at[: len(line.at) - p][there[:-1]], line.slopes])
    part = Answers(data.x[kept], data.z[kept], w[kept], np.append(ends[there], ends[-1]), data.order[kept])
    try:
        found = fit_ordinal(part, line.link, float(w.sum()), start)
    except ModelError:
        return None
    if found.flat is not None:
        return None
    return latent_correlations(covariance, found.at[len(found.at) - p :], LINK_VARIANCE[line.link])
