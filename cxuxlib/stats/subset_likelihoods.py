"""How much of an outcome's deviance each set of columns explains, and what units do to sums of these shares.

McFadden's R²(S) = 1 - log L(S) / log L(∅), each log L at its own maximum. There a small change of the parameters does
nothing to it, so that a unit's influence on log L(S) is its own log probability (the envelope theorem), and that on any
weighted sum of R²(S) is a sum of these: exact to first order, without a derivative of any fit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.elimination import Plan, owen_plan, shapley_plan
from cxuxlib.stats.ordinal import Answers, Link, fit_ordinal, log_chances, null_likelihood
from cxuxlib.stats.shares import Division

__all__ = ["MOST", "Sums", "deviance_sums", "subset_weights"]

MOST = 4096  # regressions: those of 12 players
_HELD = 16  # subsets whose log probabilities are held at a time

Weights = dict[int, np.ndarray]


class Sums(NamedTuple):
    """Weighted sums of McFadden's R² over subsets.

    Args:
        values: shape (f,).
        given: R² of the columns that stand in every subset.
        influence: of a unit of each distinct answer, in the caller's order, shape (m, f).
    """

    values: np.ndarray
    given: float
    influence: np.ndarray


def subset_weights(kinds: tuple[str, ...], division: Division) -> Weights:
    """How shares of each kind, and what is divided, weigh R² of each subset of columns.

    Args:
        kinds: lmg, owen, alone or unique.
        division: players, controls and groups; positions from 1.

    Returns:
        By subset, a number whose bits are its columns counted from 0, a weight for each of the kinds · k shares and,
        last, for R² of all less that of the controls.

    Raises:
        ArgumentError: more than `MOST` subsets.

    >>> found = subset_weights(("lmg",), Division([[1], [2]], [], []))
    >>> {each: found[each].tolist() for each in sorted(found)}
    {0: [-0.5, -0.5, -1.0], 1: [0.5, -0.5, 0.0], 2: [-0.5, 0.5, 0.0], 3: [0.5, 0.5, 1.0]}
    """
    players, k = [_bits(each) for each in division.players], len(division.players)
    base = _bits(division.controls)
    whole = base | sum(players)
    found: Weights = {}

    def add(subset: int, at: int, weight: float) -> None:
        if subset not in found:
            if len(found) == MOST:
                raise _too_many()
            found[subset] = np.zeros(len(kinds) * k + 1)
        found[subset][at] += weight

    add(base, -1, -1.0)
    add(whole, -1, 1.0)
    for number, kind in enumerate(kinds):
        own = number * k
        if kind == "lmg":
            _add_plan(add, shapley_plan(division.players), base, list(range(own, own + k)))
        elif kind == "owen":
            columns = [[column for i in group for column in division.players[i]] for group in division.groups]
            for which, group in enumerate(division.groups):
                _add_plan(add, owen_plan(columns, which), base, [own + i for i in group])
        else:
            for i, player in enumerate(players):
                add(base | player if kind == "alone" else whole, own + i, 1.0)
                add(base if kind == "alone" else whole & ~player, own + i, -1.0)
    return found


def _bits(columns: list[int] | tuple[int, ...]) -> int:
    return sum(1 << (each - 1) for each in columns)


def _too_many() -> ArgumentError:
    return ArgumentError(
        f"These shares of deviance need more than {MOST:,} regressions, one for each subset of the players, and up to "
        f"{MOST:,} are fitted (12 drivers). Put drivers into groups, or take outcome_as='latent', which fits one."
    )


def _add_plan(add: Callable[[int, int, float], None], plan: Plan, base: int, places: list[int]) -> None:
    """The weights of a plan's last players."""
    n = len(plan.players)
    if 1 << n > MOST:
        raise _too_many()
    bits = [_bits(each) for each in plan.players]
    last = np.arange(n - len(places), n)
    for code in range(1 << n):
        inside = [i for i in range(n) if code >> i & 1]
        step = sum(plan.steps[i] for i in inside)
        weight = np.full(len(places), plan.rests[step]) + np.isin(last, inside) * plan.gains[step]
        subset = base | sum(bits[i] for i in inside)
        for place, each in zip(places, weight.tolist(), strict=True):
            add(subset, place, each)


def deviance_sums(data: Answers, link: Link, n: float, weights: Weights) -> Sums:
    """Fit every subset, each climb from that of a subset of it, and add up.

    Args:
        data: answers on all columns.
        link: logit or probit.
        n: weight of all answers.
        weights: result of `subset_weights`.

    Source: McFadden 1974, Conditional logit analysis (R²); Azen & Traxel 2009, doi:10.3102/1076998609332754 (dominance
    in logistic regression). Checked against: R's glm, polr and clm on every subset, the bootstrap.
    """
    K, p = len(data.ends) - 1, data.x.shape[1]
    null = null_likelihood(data)
    functionals = len(next(iter(weights.values())))
    values, by_null, given = np.zeros(functionals), np.zeros(functionals), 0.0
    influence = np.zeros((len(data.w), functionals))
    codes = _coded(data)
    tops: dict[int, np.ndarray] = {}
    chances, held = np.empty((len(data.w), _HELD)), np.empty((_HELD, functionals))
    order = sorted(weights, key=int.bit_count)
    for number, subset in enumerate(order):
        columns = [i for i in range(p) if subset >> i & 1]
        part, place = _together(data, codes, columns)
        top = fit_ordinal(part, link, n, _start(subset, columns, tops, K - 1))
        tops[subset] = top.at
        r2 = 1 - top.value / null
        given = r2 if number == 0 else given
        values += weights[subset] * r2
        by_null += weights[subset] * (1 - r2)
        at = number % _HELD
        own = log_chances(part, top.at, link)
        chances[:, at], held[at] = own if place is None else own[place], weights[subset]
        if at == _HELD - 1 or number == len(order) - 1:
            influence -= chances[:, : at + 1] @ held[: at + 1]
    w = np.add.reduceat(data.w, data.ends[:-1])
    influence += np.repeat(np.log(w / w.sum()), np.diff(data.ends))[:, None] * by_null
    back = np.empty_like(influence)
    back[data.order] = influence * data.w.sum() / null
    return Sums(values, given, back)


def _coded(data: Answers) -> list[tuple[np.ndarray, int]]:
    """Of each column, which of its values each row has, and how many there are."""
    found = [np.unique(column, return_inverse=True) for column in data.x.T]
    return [(code, len(values)) for values, code in found]


def _together(
    data: Answers, codes: list[tuple[np.ndarray, int]], columns: list[int]
) -> tuple[Answers, np.ndarray | None]:
    """Answers on some columns, alike ones counted together where that leaves few, and where each of them went."""
    K, m = len(data.ends) - 1, len(data.w)
    size = prod(codes[i][1] for i in columns)
    if 2 * size * K > m:
        return data._replace(x=data.x[:, columns]), None
    code = np.repeat(np.arange(K), np.diff(data.ends))
    for i in columns:
        code = code * codes[i][1] + codes[i][0]
    w = np.bincount(code, weights=data.w, minlength=size * K).astype(float)
    first = np.empty(size * K, dtype=np.intp)
    first[code] = np.arange(m)
    kept = np.flatnonzero(w)
    x = data.x[first[kept]][:, columns]
    part = Answers(x, data.z[first[kept]], w[kept], np.searchsorted(kept, np.arange(K + 1) * size), kept)
    return part, (np.cumsum(w > 0) - 1)[code]


def _start(subset: int, columns: list[int], tops: dict[int, np.ndarray], thresholds: int) -> np.ndarray | None:
    """Where the climb of a subset without one of its columns ended, and 0 for that column."""
    for gone in reversed(columns):
        top = tops.get(subset & ~(1 << gone))
        if top is not None:
            return np.insert(top, thresholds + columns.index(gone), 0.0)
    return None
