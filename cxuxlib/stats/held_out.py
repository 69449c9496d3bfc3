"""Cross-validation on distinct rows: who is left out when, and how well the answers left out were foretold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cxuxlib.errors import ModelError
from cxuxlib.stats.glm import scaled, tied
from cxuxlib.stats.ordinal import answers, fit_ordinal

__all__ = ["Folds", "Gain", "by_cluster", "by_unit", "gain", "log_chances", "null_scores", "ordinal_scores"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]

_BEYOND = 1e150  # no answer lies beyond


class Folds(NamedTuple):
    """Which answers are left out together.

    Args:
        w: sum of weights of each distinct row in each fold, shape (k, m); all are about 1 on average.
        unit: weight of one unit of each distinct row, shape (m,).
        cluster: of each row of the data, its fold, distinct row, cluster and weight; None where rows are units.
        n: independent units: clusters where there are any.
    """

    w: Array
    unit: Array
    cluster: tuple[Whole, Whole, Whole, Array] | None
    n: int

    def rest(self, k: int) -> Array:
        """Weights of the rows that are not in a fold."""
        left: Array = self.w.sum(axis=0) - self.w[k]
        return np.where(left > 1e-9 * self.w.max(), left, 0.0)  # nothing is left but rounding


def by_unit(n: Whole, unit: Array, k: int, rng: np.random.Generator) -> Folds:
    """Deal the units of distinct rows into k folds of equal size, at random.

    Args:
        n: units of each distinct row, shape (m,).
        unit: weight of one of its units, shape (m,).
        k: number of folds, at most as many as units.
        rng: the source of chance.

    >>> folds = by_unit(np.array([3, 1]), np.ones(2), 2, np.random.default_rng(1))
    >>> folds.w.sum(axis=0).tolist(), folds.w.sum(axis=1).tolist()
    ([3.0, 1.0], [2.0, 2.0])
    """
    left, dealt, total = n.astype(np.int64), [], int(n.sum())
    for i in range(k):
        size = (i + 1) * total // k - i * total // k
        taken = rng.multivariate_hypergeometric(left, size, method="marginals") if i < k - 1 else left
        dealt.append(taken)
        left = left - taken
    return Folds(np.array(dealt) * unit, unit, None, total)


def by_cluster(cell: Whole, code: Whole, w: Array, m: int, k: int, rng: np.random.Generator) -> Folds:
    """Deal whole clusters into k folds, at random.

    Args:
        cell: of each row of the data, its distinct row.
        code: its cluster, any whole numbers.
        w: its weight.
        m: distinct rows.
        k: number of folds, at most as many as clusters.
        rng: the source of chance.
    """
    seen, place = np.unique(code, return_inverse=True)
    fold = (rng.permutation(len(seen)) % k)[place]
    table = np.bincount(fold * m + cell, weights=w, minlength=k * m).reshape(k, m).astype(float)
    return Folds(table, np.ones(m), (fold, cell, place, w), len(seen))


def null_scores(y: Whole, folds: Folds) -> Array:
    """Log chance of each distinct answer by the shares of the answers outside its fold, shape (k, m)."""
    shares = np.array([np.bincount(y, weights=folds.rest(k)) for k in range(len(folds.w))])
    found: Array = np.log(shares / shares.sum(axis=1, keepdims=True))[:, y]
    return found


def ordinal_scores(x: Array, y: Whole, folds: Folds) -> Array:
    """Log chance of each distinct answer by the ordered logit of the answers outside its fold, shape (k, m).

    Args:
        x: design of the distinct rows, shape (m, p); columns that are constant outside a fold are left out there.
        y: place of each answer's category.
        folds: every category outside each of them.

    Raises:
        ModelError: outside a fold the columns determine each other, separate the answers, or are too many.

    Source: Gneiting & Raftery 2007, doi:10.1198/016214506000001437 (log score). Checked against: statsmodels, fitted
    on the rows of each fold.
    """
    categories = int(y.max()) + 1
    scores = np.empty_like(folds.w)
    for k in range(len(folds.w)):
        rest = folds.rest(k)
        inside = np.flatnonzero(rest)
        made = scaled(x[inside], rest[inside], None)
        varies = made.scale > 0
        columns, size = made.columns[:, varies], float(rest.sum())
        if tied(columns, rest[inside]) is not None:
            raise ModelError("its columns determine each other")
        if size <= columns.shape[1] + categories - 1:
            raise ModelError("it has more parameters than there are answers")
        ones, rows = np.ones((len(inside), 1)), np.arange(len(inside))
        found = fit_ordinal(answers(columns, ones, rows, y[inside], rest[inside], categories), "logit", size)
        if found.flat is not None:
            raise ModelError("it separates the answers")
        design = (x[:, varies] - made.mean[varies]) / made.scale[varies]
        scores[k] = log_chances(found.at, design, y)
    return scores


def log_chances(at: Array, x: Array, y: Whole) -> Array:
    """Log chance of answers by an ordered logit.

    Args:
        at: thresholds, then slopes.
        x: design, shape (m, p).
        y: place of each answer's category.

    >>> np.exp(log_chances(np.array([0.0, 2.0]), np.zeros((3, 0)), np.array([0, 1, 2]))).round(3).tolist()
    [0.5, 0.381, 0.119]
    """
    p = x.shape[1]
    ends = np.concatenate([[-_BEYOND], at[: len(at) - p], [_BEYOND]])
    line = x @ at[len(at) - p :]
    a, b = ends[y + 1] - line, ends[y] - line
    sign = np.where(a + b > 0, -1.0, 1.0)  # in the upper tail 1 - F is the exact one
    found: Array = np.log(sign * (expit(sign * a) - expit(sign * b)))
    return found


class Gain(NamedTuple):
    """A mean over the answers, and its standard error."""

    value: float
    error: float


def gain(each: Array, folds: Folds) -> Gain:
    """Weighted mean of what each answer brings, with its error over units or clusters.

    Args:
        each: of each distinct row in each fold, shape (k, m).
        folds: who is in which.

    The folds share most of what they were fitted on, so that the error is somewhat too small (Bengio & Grandvalet
    2004).

    >>> folds = Folds(np.array([[1.0, 1.0], [1.0, 1.0]]), np.ones(2), None, 4)
    >>> gain(np.array([[1.0, 2.0], [1.0, 2.0]]), folds)
    Gain(value=1.5, error=0.28867513459481287)
    """
    total = float(folds.w.sum())
    value = float((folds.w * np.where(folds.w > 0, each, 0.0)).sum()) / total
    if folds.cluster is None:
        squares = float((folds.w * folds.unit * np.where(folds.w > 0, each - value, 0.0) ** 2).sum())
    else:
        fold, cell, code, w = folds.cluster
        squares = float((np.bincount(code, weights=w * (each[fold, cell] - value)) ** 2).sum())
    return Gain(value, float(np.sqrt(squares * folds.n / (folds.n - 1)) / total))
