"""An ordered answer as a function of states of mind that are known through other answers only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cxuxlib.claims.states import Item, States
from cxuxlib.errors import ModelError

Array = NDArray[np.float64]
Columns = Callable[[Array], Array]  # of states, shape (..., k), to (..., q)

_CHUNK = 512  # rows at a time
_STEPS, _HALVES, _AGAIN = 40, 12, 8  # of scoring, halvings of a step, and steps with the same information
_CLOSE = 0.02  # last step, in standard errors; what is left after it is less than half of that
_EVERY = 4  # draws of which one is taken for the direction of steps, which need not be exact
_PULL = 0.5  # largest share of a row in its own fit that is corrected for
_OUT = 40.0  # a threshold beyond all answers
_ROOT = np.sqrt(2 * np.pi)


class Slopes(NamedTuple):
    """Slopes of what stands behind one answer.

    Args:
        value: on a scale where what the states leave open has variance 1, shape (q,).
        cuts: thresholds on that scale.
        influence: what each row's units add to their errors, per unit; slopes, then thresholds, shape (m, q + K - 1).
        n: units with an answer.
    """

    value: Array
    cuts: Array
    influence: Array
    n: float


def shape(states: States, columns: Columns) -> tuple[Array, Array]:
    """Means and covariance of functions of the states, over units and what their answers leave open."""
    many, q = float(states.n.sum()), columns(states.x[:1]).shape[-1]
    total, outer = np.zeros(q), np.zeros((q, q))
    for part in _parts(len(states.n)):
        h = columns(states.x[part])
        w = (states.w[part] * states.n[part, None] / many).ravel()
        h = h.reshape(-1, h.shape[-1])
        total, outer = total + w @ h, outer + (h * w[:, None]).T @ h
    return total, outer - np.outer(total, total)


def slopes(states: States, columns: Columns, answer: Item) -> Slopes:
    """Fit P(answer <= c) = Σ w Φ(cut - slopes · h(x)) over the draws x of each row, by maximum likelihood.

    The states are integrated out given the answers to their own items, so error in these neither flattens slopes nor
    bends, and an answer that cannot get better is a last category and not a number.

    Args:
        states: draws of the states.
        columns: functions of the states.
        answer: the answer, by rows.

    Returns:
        `Slopes`.

    Raises:
        ModelError: no maximum.

    Source: Carroll, Ruppert, Stefanski & Crainiceanu 2006, doi:10.1201/9781420010138, chapter 8 (likelihood with
    error in variables). Checked against: worlds with planted bends, and plain ordered probit where x is known.
    """
    there = np.flatnonzero(answer.codes >= 0)
    n, total = states.n[there], float(states.n[there].sum())
    mean = np.concatenate([
        _over(states.w[part], columns(states.x[part])) for part in _parts(len(states.n))
    ])[there]  # fmt: skip
    q, k = mean.shape[1], len(answer.cuts)
    start, r2 = _start(mean, n / total, answer, there)
    theta = np.concatenate([start, (answer.cuts + start @ (n @ mean / total) * np.sqrt(1 - r2)) / np.sqrt(1 - r2)])
    value, scores = _scored(states, columns, answer, there, theta, q)
    rough = _thinned(states)
    known = _information(rough, columns, answer, there, theta, q)
    for turn in range(_STEPS):
        step = _solved(known, scores.T @ n)
        done = float(step @ known @ step) < _CLOSE**2
        for _ in range(_HALVES):
            new, own = _scored(states, columns, answer, there, theta + step, q)
            if new >= value or done:
                break
            step = step / 2
        else:
            raise ModelError("No slopes of an outcome on the states fit best.")
        theta, value, scores = theta + step, new, own
        if done:
            break
        if turn % _AGAIN == _AGAIN - 1:
            known = _information(rough, columns, answer, there, theta, q)
    else:
        raise ModelError("The slopes of an outcome on the states do not settle.")
    influence = np.zeros((len(states.n), q + k))
    own = _solved(_information(states, columns, answer, there, theta, q), scores.T).T
    pull = (own * scores).sum(axis=1)  # as leverage in regression: who pulls the slopes leaves too little unexplained
    influence[there] = own / (1 - np.minimum(pull, _PULL))[:, None]
    return Slopes(theta[:q], theta[q:], influence, total)


def _thinned(states: States) -> States:
    """A few of the draws, with weights that add up to 1 again."""
    w = states.w[:, ::_EVERY]
    return states._replace(x=states.x[:, ::_EVERY], w=w / w.sum(axis=1, keepdims=True))


def _solved(known: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(known, right), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise ModelError("The answers do not tell the slopes of an outcome on the states apart.") from error


def _start(mean: Array, share: Array, answer: Item, there: NDArray[np.intp]) -> tuple[Array, float]:
    """Least squares of normal scores."""
    edges = np.concatenate([[-_OUT], answer.cuts, [_OUT]])
    chance, height = np.diff(ndtr(edges)), np.exp(-(edges**2) / 2) / _ROOT
    y = (-np.diff(height) / np.maximum(chance, 1e-12))[answer.codes[there]]
    centred = mean - share @ mean
    moments = (centred * share[:, None]).T @ centred
    slope = np.linalg.lstsq(moments, (centred * share[:, None]).T @ y, rcond=1e-10)[0]
    r2 = float(np.clip(slope @ moments @ slope, 0.0, 0.9))
    return np.asarray(slope / np.sqrt(1 - r2), dtype=np.float64), r2


def _scored(
    states: States, columns: Columns, answer: Item, there: NDArray[np.intp], theta: Array, q: int
) -> tuple[float, Array]:
    """Log likelihood, and scores by row."""
    cuts = theta[q:]
    if (np.diff(cuts) <= 0).any():
        return -np.inf, np.empty(0)
    edges = np.concatenate([[-_OUT], cuts, [_OUT]])
    scores, value = np.zeros((len(there), len(theta))), 0.0
    for part in _parts(len(there)):
        rows = there[part]
        h, w, code = columns(states.x[rows]), states.w[rows], answer.codes[rows]
        index = h @ theta[:q]
        high, low = edges[code + 1][:, None] - index, edges[code][:, None] - index
        flip = np.where(low > 0, -1.0, 1.0)
        chance = flip * (ndtr(flip * high) - ndtr(flip * low))
        up, down = w * np.exp(-(high**2) / 2) / _ROOT, w * np.exp(-(low**2) / 2) / _ROOT
        p = np.maximum((w * chance).sum(axis=1), 1e-300)
        value += float(states.n[rows] @ np.log(p))
        scores[part, :q] = -_over(up - down, h) / p[:, None]
        at = np.arange(part.start, part.start + len(rows))
        last, first = code < len(cuts), code > 0
        scores[at[last], q + code[last]] += up[last].sum(axis=1) / p[last]
        scores[at[first], q + code[first] - 1] -= down[first].sum(axis=1) / p[first]
    return value, scores


def _information(
    states: States, columns: Columns, answer: Item, there: NDArray[np.intp], theta: Array, q: int
) -> Array:
    """What the answers are expected to tell of slopes and thresholds, given the draws."""
    cuts = theta[q:]
    found = np.zeros((len(theta), len(theta)))
    for part in _parts(len(there)):
        rows = there[part]
        h, w = columns(states.x[rows]), states.w[rows]
        index = h @ theta[:q]
        below, slope = np.zeros(len(rows)), np.zeros((len(rows), len(theta)))
        for place in range(len(cuts) + 1):
            above, next_slope = np.ones(len(rows)), np.zeros((len(rows), len(theta)))
            if place < len(cuts):
                gap = cuts[place] - index
                height = w * np.exp(-(gap**2) / 2) / _ROOT
                above = (w * ndtr(gap)).sum(axis=1)
                next_slope[:, :q] = -_over(height, h)
                next_slope[:, q + place] = height.sum(axis=1)
            change = next_slope - slope
            size = states.n[rows] / np.maximum(above - below, 1e-12)
            found += (change * size[:, None]).T @ change
            below, slope = above, next_slope
    return found


def _over(w: Array, h: Array) -> Array:
    """Sums over the draws of each row."""
    found: Array = (w[:, None] @ h)[:, 0]
    return found


def _parts(m: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, m)) for start in range(0, m, _CHUNK)]
