"""What a proportional-hazards model is checked by: slopes that drift over time, and how well it ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxuxlib.stats.cox import Mask, RiskSets, Steps, Whole, information

__all__ = ["concordance", "drift", "transformed"]

Array = NDArray[np.float64]
Ends = list[tuple[Whole, float]]

_TABLE = 4_000_000  # cells of a table of ranks by times
_EACH = 100  # rows a time from which on times are taken one by one


def transformed(time: Array, exit: Array, seen: Mask, n: Array, *, entry: Array, how: str) -> Array:
    """Time on the scale on which slopes may drift: as it is, its logarithm, its rank, or 1 - Kaplan-Meier before it.

    Args:
        time: of events.
        exit, entry: when each row ends, and comes under observation.
        seen: whether it ends with the event.
        n: how often it occurs.
        how: "identity", "log", "rank" or "km".

    >>> end = np.array([2.0, 5.0, 7.0])
    >>> transformed(end, end, end > 0, np.ones(3), entry=np.full(3, -np.inf), how="km").round(3).tolist()
    [0.0, 0.333, 0.667]
    """
    if how == "identity":
        return time
    if how == "log":
        return np.log(time)
    order = np.argsort(exit, kind="stable")
    ordered, size = exit[order], np.cumsum(np.r_[0.0, n[order]])
    if how == "rank":  # of ties the middle
        ends = (np.searchsorted(ordered, time, side=side) for side in ("left", "right"))
        below, up_to = (size[each] for each in ends)
        ranks: Array = (below + up_to + 1) / 2
        return ranks
    at, place = np.unique(exit[seen], return_inverse=True)
    came = np.sort(entry)
    coming = np.cumsum(np.r_[0.0, n[np.argsort(entry, kind="stable")]])
    r = coming[np.searchsorted(came, at)] - size[np.searchsorted(ordered, at)]
    survival = np.cumprod(1 - np.bincount(place, n[seen], len(at)) / r)
    left: Array = 1 - np.r_[1.0, survival][np.searchsorted(at, time)]
    return left


def drift(sets: RiskSets, at: Steps, g: Array, terms: Sequence[Sequence[int]]) -> list[float]:
    """Chi-squares that slopes do not drift with g(t): of each term, and of all together.

    Score test of the products of covariates and g(t), added to the model: u'(I_gg - I_xg' I_xx⁻¹ I_xg)⁻¹u with
    u = Σ g(t) (x - x̄), Schoenfeld's residuals. A term is tested with its own products alone in the model.

    Args:
        sets: the risk sets; at: their sums at the fitted slopes.
        g: transformed time of each event.
        terms: places of each term's columns.

    Source: Grambsch & Therneau 1994, doi:10.1093/biomet/81.3.515. Checked against: R's cox.zph (survival 3.5), which
    since 3.0 is this score test and no longer its approximation by averaged variances.
    """
    u = g @ (sets.dying @ sets.x - (at.a[:, None] * at.s1 - at.af[:, None] * at.d1))
    plain, once, twice = (information(sets, at, g**power) for power in (0, 1, 2))
    middle: Array = twice - once @ np.linalg.solve(plain, once)  # of all products at once
    found = []
    for term in terms:
        some = np.ix_(list(term), list(term))
        found.append(float(u[list(term)] @ np.linalg.solve(middle[some], u[list(term)])))
    return [*found, float(u @ np.linalg.solve(middle, u))]


def concordance(sets: RiskSets, line: Array) -> float:
    """Share of comparable pairs in which who has the event first has the higher risk; equal risks count half.

    A pair is comparable where one has the event while the other is at risk and goes on. NaN without such a pair.

    Args:
        sets: the risk sets.
        line: x'β of each distinct row of the covariates.

    Source: Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030. Checked against: R's coxph, pairs counted one by
    one.
    """
    rank = np.unique(line.round(12), return_inverse=True)[1][sets.row].astype(np.int64)
    own, seen = sets.stop[sets.seen] - 1, sets.seen
    lasts = sets.stop - seen  # a pair that has it at the same time is not compared
    ends = [(lasts, 1.0)] if sets.coming is None else [(lasts, 1.0), (sets.first, -1.0)]
    size = len(sets.time) + 1
    few = size * _EACH <= len(rank)
    count = _from_table if (int(rank.max()) + 1) * size <= _TABLE else _from_tree if few else _from_blocks
    below, equal, pairs = count(rank, sets.w, ends, rank[seen], own, size)
    weight = sets.w[seen]
    total = float(weight @ pairs)
    return float(weight @ (below + equal / 2)) / total if total > 0 else float("nan")


def _from_table(rank: Whole, w: Array, ends: Ends, mine: Whole, place: Whole, size: int) -> tuple[Array, Array, Array]:
    """Of each event, the weight of who goes on with a lower rank, with the same, and with any, by a table of both."""
    ranks = int(rank.max()) + 1
    table = np.zeros((ranks, size))
    for at, sign in ends:
        table += sign * np.bincount(rank * size + at, w, ranks * size).reshape(ranks, size)
    later = np.cumsum(table[:, ::-1], axis=1)[:, ::-1]
    equal = later[mine, place + 1]
    return np.cumsum(later, axis=0)[mine, place + 1] - equal, equal, later.sum(axis=0)[place + 1]


def _from_tree(rank: Whole, w: Array, ends: Ends, mine: Whole, place: Whole, size: int) -> tuple[Array, Array, Array]:
    """The same where times are few: from the last back, ranks come into a tree of sums, and events look them up."""
    most = int(rank.max()).bit_length()
    tree = [np.zeros((int(rank.max()) >> bits) + 2) for bits in range(most + 1)]
    comes = [(np.argsort(at, kind="stable"), at, sign) for at, sign in ends]
    bounds = [np.searchsorted(at[order], np.arange(size + 1)) for order, at, _ in comes]
    asked = np.argsort(place, kind="stable")
    where = np.searchsorted(place[asked], np.arange(size + 1))
    below, equal, pairs = (np.zeros(len(mine)) for _ in range(3))
    for time in range(size - 1, -1, -1):
        for (order, _, sign), bound in zip(comes, bounds, strict=True):
            new = order[bound[time + 1] : bound[time + 2]] if time + 2 <= size else order[:0]
            if len(new):
                r, weight = rank[new], sign * w[new]
                for bits, sums in enumerate(tree):
                    np.add.at(sums, r >> bits, weight)
        some = asked[where[time] : where[time + 1]]
        if len(some):
            r = mine[some]
            equal[some], pairs[some] = tree[0][r], tree[most][0]
            lower = np.zeros(len(some))
            for bits in range(most):
                at = r >> bits
                lower += np.where(at & 1, tree[bits][at - 1], 0.0)
            below[some] = lower
    return below, equal, pairs


def _from_blocks(rank: Whole, w: Array, ends: Ends, mine: Whole, place: Whole, size: int) -> tuple[Array, Array, Array]:
    """The same where that table were too large: the ranks below are made of one block for each of their bits."""
    every, most = np.ones(len(mine), dtype=bool), int(rank.max()).bit_length()
    ordered = [(np.arange(len(rank)), at, sign) for at, sign in ends]
    asked = np.lexsort((place, mine))  # neighbours are looked up one after the other
    mine, place = mine[asked], place[asked]

    def later(bits: int, block: Whole, ok: Mask) -> Array:
        found = np.zeros(len(block))
        for i, (order, at, sign) in enumerate(ordered):
            key = (rank[order] >> bits) * size + at[order]
            again = np.argsort(key, kind="stable")  # two sorted runs for each block: merged, not sorted anew
            order, key = order[again], key[again]
            ordered[i] = (order, at, sign)
            sums = np.r_[0.0, np.cumsum(w[order])]
            low = np.searchsorted(key, block[ok] * size + place[ok], side="right")
            found[ok] += sign * (sums[np.searchsorted(key, (block[ok] + 1) * size)] - sums[low])
        return found

    equal, below = later(0, mine, every), np.zeros(len(mine))
    for bits in range(most):
        below += later(bits, (mine >> bits) - 1, (mine >> bits) & 1 == 1)
    back = np.argsort(asked)
    return below[back], equal[back], later(most, np.zeros_like(mine), every)[back]
