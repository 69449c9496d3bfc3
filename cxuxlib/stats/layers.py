"""Shares of variance between groups within groups, by (restricted) maximum likelihood from sums by smallest group."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cxuxlib.errors import ModelError

__all__ = ["Deviance", "Layered", "Layers", "fit_layers", "layers", "minus_two"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
How = Literal["reml", "ml"]

_MOST = 1e6  # ratio of a variance to that within the smallest groups, beyond which there is none within
_ZERO = 1e-9  # of -2 log likelihood, that a variance of 0 may cost


class Layers(NamedTuple):
    """Sums of groups within groups.

    Args:
        n, mean: size and mean of each smallest group, shape (m,).
        inside: sum of squares around its mean, shape (m,).
        parents: from the smallest groups up, the place of each level's groups among those of the level above.
    """

    n: Array
    mean: Array
    inside: Array
    parents: tuple[Codes, ...]


class Layered(NamedTuple):
    """A fit.

    Args:
        variances: of the levels from the largest groups down, and within the smallest, shape (levels + 1,).
        mean: generalised least squares.
        log_likelihood: at these.
    """

    variances: Array
    mean: float
    log_likelihood: float


class Deviance(NamedTuple):
    """-2 log likelihood.

    Args:
        value: with its constants.
        slope: on each ratio, shape (levels,).
        variance: within the smallest groups; mean: generalised least squares.
    """

    value: float
    slope: Array
    variance: float
    mean: float


def layers(y: Array, codes: list[Codes]) -> Layers:
    """Sums of rows by groups within groups.

    Args:
        y: shape (n,).
        codes: of each level from the largest groups down, each row's group, 0 or more; groups lie within those of
            the level above.

    >>> made = layers(np.array([1.0, 3.0, 4.0]), [np.array([0, 0, 0]), np.array([0, 0, 1])])
    >>> made.n.tolist(), made.mean.tolist(), [each.tolist() for each in made.parents]
    ([2.0, 1.0], [2.0, 4.0], [[0, 0]])
    """
    n = np.bincount(codes[-1]).astype(np.float64)
    mean = np.bincount(codes[-1], weights=y) / n
    inside = np.bincount(codes[-1], weights=(y - mean[codes[-1]]) ** 2)
    parents: list[Codes] = []
    for above, own in zip(codes[-2::-1], codes[:0:-1], strict=True):
        parent = np.zeros(int(own.max()) + 1, dtype=np.intp)
        parent[own] = above
        parents.append(parent)
    return Layers(n, mean, inside.astype(np.float64), tuple(parents))


def minus_two(ratios: Array, made: Layers, times: Array, how: How) -> Deviance:
    """-2 log likelihood at the best variance within and mean, these given ratios of the others to it.

    From the smallest groups up, a group of precision s, weighted sum t and weighted sum of squares q has with its own
    variance r, and u = 1 + rs, precision s/u, sum t/u, squares q - rt²/u, and log determinant ln(u); slopes go along.

    Args:
        ratios: of the levels from the largest groups down, shape (levels,).
        made: the sums.
        times: how often each of the largest groups counts.
        how: "reml" or "ml".

    >>> made = layers(np.array([1.0, 2.0, 5.0, 6.0]), [np.array([0, 0, 1, 1])])
    >>> round(minus_two(np.array([15.5]), made, np.ones(2), "reml").value, 6)
    11.28622
    """
    levels, m = len(ratios), len(made.n)
    n = np.bincount(_top(made), weights=made.n)
    # of s, t, q and ln(u): the value, then the slope on each ratio
    s, t, q, logs = (np.zeros((levels + 1, m)) for _ in range(4))
    s[0], t[0], q[0] = made.n, made.n * made.mean, made.n * made.mean**2 + made.inside
    for place, r in enumerate(ratios[::-1]):
        if place:
            parent = made.parents[place - 1]
            s, t, q, logs = (_added(each, parent) for each in (s, t, q, logs))
        own = np.eye(levels + 1)[levels - place][:, None]  # 1 for the slope on this ratio
        u = r * s + own * s[0]
        u[0] += 1
        logs = logs + np.vstack([np.log(u[:1]), u[1:] / u[0]])
        square = np.vstack([t[:1] ** 2, 2 * t[0] * t[1:]])
        q = q - _over(r * square + own * square[0], u)
        s, t = _over(s, u), _over(t, u)
    total, weighted, squares, bent = (each @ times for each in (s, t, q, logs))
    left = _over(np.concatenate([weighted[:1] ** 2, 2 * weighted[0] * weighted[1:]]), total)
    rest = squares - left
    rest[0] = max(rest[0], 1e-300)
    df = float(n @ times) - (how == "reml")
    variance = rest[0] / df
    value = df * (1 + np.log(2 * np.pi * variance)) + bent[0]
    slope = df * rest[1:] / rest[0] + bent[1:]
    if how == "reml":
        value, slope = value + np.log(total[0]), slope + total[1:] / total[0]
    return Deviance(float(value), slope, float(variance), float(weighted[0] / total[0]))


def _top(made: Layers) -> Codes:
    """The largest group of each smallest one."""
    found = np.arange(len(made.n), dtype=np.intp)
    for parent in made.parents:
        found = parent[found]
    return found


def _added(rows: Array, parent: Codes) -> Array:
    """Sums of each row by group."""
    return np.array([np.bincount(parent, weights=row) for row in rows])


def _over(above: Array, below: Array) -> Array:
    """A quotient of values (first) with slopes (the rest)."""
    found: Array = above / below[0]
    found[1:] -= found[0] * below[1:] / below[0]
    return found


def fit_layers(made: Layers, times: Array | None = None, how: How = "reml", start: Array | None = None) -> Layered:
    """Variances of groups within groups, none below 0.

    y = mean + a_g + b_gh + ... + e with independent normal effects. The likelihood takes sums by smallest group alone,
    so that a fit costs the same for any number of rows, and resamples of the largest groups are weights.

    Args:
        made: of `layers`.
        times: how often each of the largest groups counts, 0 for one that is left out; None: once.
        how: "reml" (restricted, which takes the mean's degree of freedom into account) or "ml".
        start: ratios to begin with, of the levels from the largest groups down.

    Raises:
        ModelError: nothing varies within the smallest groups.

    Source: Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545; Searle, Casella & McCulloch 1992, Variance
    Components, doi:10.1002/9780470316856, ch. 3 and 6. Checked against: R's lme4.

    >>> y = np.array([1.0, 2.0, 5.0, 6.0, 9.0, 10.0])
    >>> fit_layers(layers(y, [np.array([0, 0, 1, 1, 2, 2])])).variances.round(6).tolist()
    [15.75, 0.5]
    """
    levels = len(made.parents) + 1
    largest = len(made.n) if levels == 1 else int(made.parents[-1].max()) + 1
    weight = np.ones(largest) if times is None else times

    def loss(at: Array) -> tuple[float, Array]:
        found = minus_two(at**2, made, weight, how)
        return found.value, 2 * at * found.slope

    first = np.full(levels, 0.5) if start is None else np.sqrt(np.maximum(start, 1e-2))
    root = minimize(loss, first, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-7}).x
    for i in range(levels):  # a variance that is as good at 0 is 0: a search comes near it and no nearer
        edge = np.where(np.arange(levels) == i, 0.0, root)
        if loss(edge)[0] <= loss(root)[0] + _ZERO:
            root = edge
    ratios = root**2
    if (ratios > _MOST).any():
        raise ModelError("hardly anything varies within the smallest groups")
    found = minus_two(ratios, made, weight, how)
    return Layered(np.append(ratios, 1.0) * found.variance, found.mean, -found.value / 2)
