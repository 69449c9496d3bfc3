"""Cumulative link models on distinct rows: P(Y ≤ j) = F(z'θ_j - x'β), by maximum likelihood.

With z = 1 the θ_j are the thresholds of the proportional odds model; more columns of z have slopes of their own at
every threshold (partial proportional odds). Two categories without z are the ordinary binary regression, P(Y = 1) =
F(x'β). The log likelihood is concave in (θ, β) (Pratt 1981, doi:10.1080/01621459.1981.10477613), so Newton's climb
finds its maximum or that there is none.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri

from cxuxlib.stats.glm_errors import Scores
from cxuxlib.stats.glm_newton import Climb, Height, climb

__all__ = [
    "LINK_VARIANCE",
    "Answers",
    "Link",
    "answers",
    "crosses",
    "fit_ordinal",
    "height",
    "log_chances",
    "null_likelihood",
    "of_link",
    "scores",
    "thresholds_alone",
]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]
Link = Literal["logit", "probit"]

_FEW = 300  # rows a category
_BEYOND = 1e150  # an end of a cumulative logit that no answer lies beyond; its square is still a number
LINK_VARIANCE = {"logit": np.pi**2 / 3, "probit": 1.0}  # of the error of the latent answer


class Answers(NamedTuple):
    """Distinct rows of answers, in the order of their categories.

    Args:
        x: design, shape (m, p).
        z: design of the thresholds, shape (m, s).
        w: sum of weights, shape (m,).
        ends: where each of K categories begins, and the end, shape (K + 1,).
        order: of each of these rows, its place in the caller's order, shape (m,).
    """

    x: Array
    z: Array
    w: Array
    ends: Whole
    order: Whole


def of_link(link: Link, a: Array) -> tuple[Array, Array, Array]:
    """Distribution, density and its slope at some points; shapes as given."""
    if link == "probit":
        density = np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi)
        return ndtr(a), density, -a * density
    F = expit(a)
    density = F * (1 - F)
    return F, density, density * (1 - 2 * F)


def answers(x: Array, z: Array, row: Whole, y: Whole, w: Array, categories: int) -> Answers:
    """Distinct answers by category: design rows ``x[row]`` and ``z[row]``, category y (0, 1, ...), weight w."""
    order = np.argsort(y.astype(np.int16), kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(y, minlength=categories))])
    at = row[order]
    return Answers(x[at], z[at], w[order], ends, order)


class _Parts(NamedTuple):
    """Of each row: slopes of its log probability by the upper and the lower cumulative logit, and its curvatures."""

    value: float
    upper: Array
    lower: Array
    uu: Array
    ul: Array
    ll: Array


def _ends(data: Answers, at: Array) -> tuple[Array, Array, Array]:
    """Upper and lower cumulative logit of each row, beyond all in the outer categories, and where they are turned."""
    K, s = len(data.ends) - 1, data.z.shape[1]
    thresholds, line = at[: (K - 1) * s].reshape(K - 1, s), data.x @ at[(K - 1) * s :]
    a, b = -line, -line
    for k in range(K):
        part = slice(data.ends[k], data.ends[k + 1])
        if k < K - 1:
            a[part] += data.z[part] @ thresholds[k]
        else:
            a[part] = _BEYOND
        if k:
            b[part] += data.z[part] @ thresholds[k - 1]
        else:
            b[part] = -_BEYOND
    sign = np.where(a + b > 0, -1.0, 1.0)  # in the upper tail 1 - F is the exact one
    a *= sign
    b *= sign
    return a, b, sign


def log_chances(data: Answers, at: Array, link: Link) -> Array:
    """Log probability of one unit of each row, in the order of ``data``."""
    a, b, sign = _ends(data, at)
    found: Array = np.log(sign * (of_link(link, a)[0] - of_link(link, b)[0]))
    return found


def _parts(data: Answers, at: Array, link: Link) -> _Parts:
    """Of log [F(a) - F(b)]."""
    a, b, sign = _ends(data, at)
    Fa, fa, bend_a = of_link(link, a)
    Fb, fb, bend_b = of_link(link, b)
    share = sign * (Fa - Fb)
    if not share.min() > 0:
        return _Parts(-np.inf, a, a, a, a, a)
    each = 1 / share
    upper, lower = fa * each, -fb * each
    each *= sign
    return _Parts(
        float(data.w @ np.log(share)), upper, lower, bend_a * each - upper**2, -upper * lower, -bend_b * each - lower**2
    )  # fmt: skip


def height(data: Answers, at: Array, link: Link) -> Height:
    """Log likelihood, gradient and observed information."""
    K, s, q = len(data.ends) - 1, data.z.shape[1], len(at)
    tail = slice((K - 1) * s, q)
    slope, hessian = np.zeros(q), np.zeros((q, q))
    found = _parts(data, at, link)
    if not np.isfinite(found.value):
        return Height(-np.inf, slope, hessian)
    g, h, uu, ul, ll = (data.w * each for each in found[1:])
    slope[tail] = -(g + h) @ data.x
    hessian[tail, tail] = (data.x * (uu + 2 * ul + ll)[:, None]).T @ data.x
    by_upper, by_lower = uu + ul, ll + ul
    if s == 1 and len(data.w) < _FEW * (K - 2):  # all categories at once: a loop over small ones is mostly overhead
        z = data.z[:, 0]
        starts, each = data.ends[:-1], np.arange(K - 1)
        own = np.add.reduceat(np.stack([g, h, uu * z, ll * z, ul * z]) * z, starts, axis=1)
        slope[: K - 1] = own[0, :-1] + own[1, 1:]
        hessian[each, each] = own[2, :-1] + own[3, 1:]
        hessian[each[:-1], each[1:]] = hessian[each[1:], each[:-1]] = own[4, 1:-1]
        upper = np.add.reduceat(data.x * (by_upper * z)[:, None], starts)
        lower = np.add.reduceat(data.x * (by_lower * z)[:, None], starts)
        hessian[: K - 1, tail] = -upper[:-1] - lower[1:]
        hessian[tail, : K - 1] = hessian[: K - 1, tail].T
        return Height(found.value, slope, -hessian)
    for k in range(K):
        part = slice(data.ends[k], data.ends[k + 1])
        x, z = data.x[part], data.z[part]
        up, low = slice(k * s, (k + 1) * s), slice((k - 1) * s, k * s)
        if k < K - 1:
            slope[up] += g[part] @ z
            hessian[up, up] += (z * uu[part, None]).T @ z
            hessian[up, tail] -= (z * by_upper[part, None]).T @ x
        if k:
            slope[low] += h[part] @ z
            hessian[low, low] += (z * ll[part, None]).T @ z
            hessian[low, tail] -= (z * by_lower[part, None]).T @ x
        if k and k < K - 1:
            cross = (z * ul[part, None]).T @ z
            hessian[up, low] += cross
            hessian[low, up] += cross.T
    hessian[tail, : tail.start] = hessian[: tail.start, tail].T
    return Height(found.value, slope, -hessian)


def scores(data: Answers, at: Array, link: Link) -> Scores:
    """Score of one unit of each distinct row, in the caller's order."""
    K, s = len(data.ends) - 1, data.z.shape[1]
    found = _parts(data, at, link)
    base = np.zeros((len(data.w), len(at)))
    for k in range(K):
        part = slice(data.ends[k], data.ends[k + 1])
        rows, z = data.order[part], data.z[part]
        if k < K - 1:
            base[rows, k * s : (k + 1) * s] = z * found.upper[part, None]
        if k:
            base[rows, (k - 1) * s : k * s] = z * found.lower[part, None]
    base[data.order, (K - 1) * s :] = -data.x * (found.upper + found.lower)[:, None]
    return Scores(base)


def crosses(at: Array, z: Array, thresholds: int) -> bool:
    """Whether cumulative shares cross somewhere: with slopes by threshold, rows far out would have chances below 0.

    >>> crosses(np.array([0.0, 1.0, 1.0, 0.5]), np.array([[1.0, 0.0]]), 2)
    False
    >>> crosses(np.array([0.0, 1.0, 1.0, 0.5]), np.array([[1.0, 3.0]]), 2)
    True
    """
    s = z.shape[1]
    if s < 2:
        return False
    lines = z @ at[: thresholds * s].reshape(thresholds, s).T
    return not bool((np.diff(lines, axis=1) > 0).all())


def null_likelihood(data: Answers) -> float:
    """Log likelihood of thresholds alone, Σ w_k log(w_k / w)."""
    w = np.add.reduceat(data.w, data.ends[:-1])
    return float(w @ np.log(w / w.sum()))


def fit_ordinal(data: Answers, link: Link, n: float, start: Array | None = None) -> Climb:
    """Fit a cumulative link model by maximum likelihood: thresholds by threshold and column of z, then slopes.

    Args:
        data: answers, with at least one of each category.
        link: logit or probit.
        n: weight of all answers.
        start: parameters to begin from; by default thresholds alone.

    Source: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; Peterson & Harrell 1990, doi:10.2307/2347760 (slopes
    by threshold). Checked against: R's polr, clm and glm, statsmodels.

    >>> two = answers(np.zeros((2, 0)), np.ones((2, 1)), np.array([0, 1]), np.array([0, 1]), np.array([1.0, 3.0]), 2)
    >>> round(float(fit_ordinal(two, "logit", 4).at[0]), 6)
    -1.098612
    """
    if start is None:
        start = thresholds_alone(np.add.reduceat(data.w, data.ends[:-1]), data.z.shape[1], data.x.shape[1], link)
    return climb(lambda at: height(data, at, link), start, n)


def thresholds_alone(w: Array, s: int, p: int, link: Link) -> Array:
    """Parameters without slopes: the shares of the answers, of weights w, as thresholds.

    Args:
        w: weight of each answer, shape (K,).
        s: columns of the design of the thresholds; p: of the slopes.
        link: logit or probit.
    """
    below = np.cumsum(w)[:-1] / w.sum()
    start = np.zeros(len(below) * s + p)
    if s:
        start[: len(below) * s : s] = ndtri(below) if link == "probit" else np.log(below / (1 - below))
    return start
