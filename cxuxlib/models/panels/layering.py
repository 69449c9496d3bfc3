"""Does UX vary between products and CX between brands? Shares of variance of groups within groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed, unknown
from cxuxlib.models.causes.reading import names, read
from cxuxlib.models.regression.fitted import p_values
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.layers import Layered, fit_layers, layers

__all__ = ["variance_components"]

_BLOCKS = 100  # parts that the largest groups are left out in, one after the other


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The numbers behind shares of variance.

    Args:
        fits: of each outcome, variances by level (largest groups first, then within), in its units.
        left_out: of each outcome, shares by level without each part of the largest groups, shape (parts, levels + 1).
    """

    fits: dict[str, Layered]
    left_out: dict[str, np.ndarray]


def variance_components(
    data: Any,
    outcomes: str | Sequence[str],
    levels: Sequence[str],
    *,
    unit: str | EllipsisType | None = ...,
    estimator: Literal["reml", "ml"] = "reml",
    level: float = 0.95,
) -> Fit:
    """How much of an answer's variance lies between brands, between products of a brand, and between customers?

    y = mean + a_brand + b_product + e with independent normal effects, share = var(b) / (var(a) + var(b) + var(e)), by
    (restricted) maximum likelihood from sums by smallest group, so that rows cost nothing. Intervals are Tukey's
    jackknife: each of the largest groups left out in turn (parts of them where there are more than 100), t on their
    number less 1, whatever the effects' distribution, those of a share on the scale of arcsin √share; with two outcomes
    the same groups are left out of both. They take the largest groups as independent: customers who answer on several
    brands make them depend on each other.

    The variance of the products' mean ratings is not this: it holds what ratings of few customers vary by chance.

    Args:
        data: one row per answer (any engine); rows without the outcome are left out and counted, for each outcome.
        outcomes: a column of numbers, or several, such as ["ux", "cx"].
        levels: columns of groups, the largest first, such as ["brand_id", "product_id"]; the groups of the next lie
            within them, and a product number that two brands use is two products.
        unit: column that says whose the row is, where customers answer several times; they are not told apart from
            what varies within products unless they stand last in ``levels``. None: rows are units; left out, frames
            that repeat an id are refused.
        estimator: "reml" or "ml", whose variances between the largest groups are too small by about one group's.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`. Terms are the outcomes, of kind share and the level, such as "share product_id", and "share within",
        with variances of kind "variance product_id"; several outcomes make terms such as "ux - cx" for shares. Shares
        end at 0 and 1, and p is against 0, only for differences. Quality: n, n of each level, by outcome n_missing and
        logLik. The p of a share does not exist: it cannot be below 0.

    Raises:
        SampleError: fewer than three of the largest groups, or than two that have several groups or rows.
        ModelError: nothing varies, or nothing within the smallest groups.
        ArgumentError, ColumnError, AnswerError, UnitError: what is wrong with the arguments and the columns.

    Source: Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545; Searle, Casella & McCulloch 1992,
    doi:10.1002/9780470316856; Miller 1974, doi:10.1093/biomet/61.1.1 (jackknife). Checked against: R's lme4; coverage
    by simulation.

    >>> rng = np.random.default_rng(1)
    >>> brand, product = np.repeat(np.arange(40), 60), np.repeat(np.arange(160), 15)
    >>> whole = rng.normal(size=40)[brand]
    >>> ux = whole + rng.normal(size=160)[product] + rng.normal(size=2400)
    >>> rows = pd.DataFrame({"brand": brand, "product": product, "ux": ux, "cx": whole + rng.normal(size=2400)})
    >>> fit = variance_components(rows, ["ux", "cx"], ["brand", "product"])
    >>> shown = fit.terms["kind"].isin(["share brand", "share product"])
    >>> fit.terms.loc[shown, ["term", "kind", "value", "low", "high"]].round(2)
           term           kind  value   low  high
    0        ux    share brand   0.28  0.11  0.50
    1        ux  share product   0.35  0.24  0.47
    6        cx    share brand   0.46  0.31  0.62
    7        cx  share product   0.01  0.00  0.03
    12  ux - cx    share brand  -0.18 -0.27 -0.10
    13  ux - cx  share product   0.35  0.23  0.46
    """
    intervals.check_level(level)
    told = (outcomes,) if isinstance(outcomes, str) else names("outcomes", outcomes)
    groups = names("levels", levels)
    if not told or not groups:
        raise ArgumentError("outcomes and levels name at least one column each.")
    if estimator not in ("reml", "ml"):
        raise ArgumentError(unknown("estimator", estimator, ("reml", "ml")))
    rows = read(data, told, groups, unit=unit)
    there = rows[list(groups)].notna().all(axis=1)
    named = rows[there & rows[list(told)].notna().any(axis=1)]
    if named.empty:
        raise SampleError(f"There is no row with an answer and {listed(groups)}.")
    largest = pd.factorize(named[groups[0]])[0]
    n_largest = int(largest.max()) + 1
    if n_largest < 3:
        raise SampleError(f"{n_largest} groups in {groups[0]!r}; intervals of variances between groups need 3 or more.")
    block = np.random.default_rng(0).permutation(n_largest) % min(n_largest, _BLOCKS)
    fits: dict[str, Layered] = {}
    left_out: dict[str, np.ndarray] = {}
    quality: dict[str, float] = {"n": float(named[unit].nunique() if isinstance(unit, str) else len(named))}
    for i, name in enumerate(groups):
        quality[f"n_{name}"] = float(named.groupby(list(groups[: i + 1]), sort=False, observed=True).ngroups)
    for each in told:
        here = named[each].notna().to_numpy()
        fits[each], left_out[each] = _fitted(named[here], each, groups, (largest[here], block), estimator)
        quality |= {f"{each}_n_missing": float(len(rows) - here.sum()), f"{each}_logLik": fits[each].log_likelihood}
    terms: list[dict[str, Any]] = []
    parts = len(np.unique(block))
    kinds = (*groups, "within")
    for each in told:
        share = _shares(fits[each])
        for i, name in enumerate(kinds):
            terms.append(_row(each, f"share {name}", share[i], left_out[each][:, i], level))
            terms[-1] |= _ends(share[i], left_out[each][:, i], level) | {"p": np.nan}
        empty = dict.fromkeys(("std_error", "low", "high", "p"), np.nan)
        for i, name in enumerate(kinds):
            value = float(fits[each].variances[i])
            terms.append({"term": each, "kind": f"variance {name}", "value": value} | empty)
    for a, b in combinations(told, 2):
        gap, gaps = _shares(fits[a]) - _shares(fits[b]), left_out[a] - left_out[b]
        terms += [_row(f"{a} - {b}", f"share {name}", gap[i], gaps[:, i], level) for i, name in enumerate(kinds)]
    said = [f"{'restricted ' if estimator == 'reml' else ''}maximum likelihood"]
    parted = f"{parts} parts of {groups[0]}" if parts < n_largest else f"each {groups[0]}"
    said.append(f"jackknife without {parted} in turn, t with {parts - 1} df; variances without intervals")
    none = [
        f"{each} between {name}" for each in told for i, name in enumerate(groups) if not fits[each].variances[i] > 0
    ]
    if none:
        said.append(
            f"no variance of {', '.join(none)}: estimated as 0, which the jackknife gives too short an interval or none"
        )
    formula = f"{' + '.join(told)} ~ {' / '.join(groups)}"
    return Fit(
        "variance_components", formula, pd.DataFrame(terms), quality, Components(fits, left_out), level, "; ".join(said)
    )


def _fitted(
    rows: pd.DataFrame, outcome: str, groups: Sequence[str], largest: tuple[np.ndarray, np.ndarray], how: Any
) -> tuple[Layered, np.ndarray]:
    """A fit, and shares without each part of the largest groups."""
    y = rows[outcome].to_numpy(dtype=float)
    if not len(y):
        raise SampleError(f"There is no answer in {outcome!r} whose {listed(groups)} are known.")
    if not np.ptp(y) > 0:
        raise ModelError(f"All answers in {outcome!r} are the same; there is no variance to share.")
    codes = [
        rows.groupby(list(groups[: i + 1]), sort=False, observed=True).ngroup().to_numpy() for i in range(len(groups))
    ]
    _apart(codes, groups, outcome)
    centre, scale = y.mean(), y.std()
    made = layers((y - centre) / scale, codes)
    part = np.zeros(int(codes[0].max()) + 1, dtype=np.intp)  # of each largest group with this outcome
    part[codes[0]] = largest[1][largest[0]]
    try:
        found = fit_layers(made, None, how)
        start = found.variances[:-1] / found.variances[-1]
        others = [fit_layers(made, (part != k).astype(float), how, start) for k in np.unique(largest[1])]
    except ModelError as wrong:
        raise ModelError(
            f"Of {outcome!r} {wrong}: is it a number of {groups[-1]!r} rather than of each row?"
        ) from wrong
    own = Layered(
        found.variances * scale**2, found.mean * scale + centre, found.log_likelihood - len(y) * np.log(scale)
    )
    if how == "reml":
        own = own._replace(log_likelihood=own.log_likelihood + np.log(scale))
    return own, np.array([_shares(each) for each in others])


def _apart(codes: list[np.ndarray], groups: Sequence[str], outcome: str) -> None:
    """Refuse levels that cannot be told apart, also when one of the largest groups is left out."""
    inner = [*codes[1:], np.arange(len(codes[0]))]
    for name, own, below, what in zip(groups, codes, inner, [*groups[1:], "row"], strict=True):
        pairs = pd.DataFrame({"own": own, "below": below, "top": codes[0]}).drop_duplicates()
        several = pairs.groupby("own")["below"].transform("size") > 1
        tops = pairs.loc[several, "top"].nunique()
        if tops < 2:
            raise SampleError(
                f"With {outcome!r}, {tops} groups of {groups[0]!r} have a {name!r} with several of {what!r}; what "
                f"varies between these can be told from what varies between {name!r} by two or more."
            )


def _shares(found: Layered) -> np.ndarray:
    share: np.ndarray = found.variances / found.variances.sum()
    return share


def _ends(share: float, others: np.ndarray, level: float) -> dict[str, float]:
    """Ends of the interval of a share, between 0 and 1, where its error hardly depends on it."""
    at, each = (np.arcsin(np.sqrt(np.clip(value, 0, 1))) for value in (share, others))
    error = float(_row("", "", float(at), each, level)["std_error"])
    half = intervals.half_width(level, len(others) - 1) * error
    low, high = np.sin(np.clip([at - half, at + half], 0, np.pi / 2)) ** 2
    return {"low": float(low), "high": float(high)}


def _row(term: str, kind: str, value: float, others: np.ndarray, level: float) -> dict[str, Any]:
    """A share, or a difference of shares, with Tukey's jackknife."""
    m = len(others)
    error = float(np.sqrt((m - 1) / m * ((others - others.mean()) ** 2).sum()))
    if not error > 0:
        return {"term": term, "kind": kind, "value": float(value)} | dict.fromkeys(
            ("std_error", "low", "high", "p"), np.nan
        )
    half = intervals.half_width(level, m - 1) * error
    p = float(p_values(np.array([value / error]), m - 1)[0])
    ends = {"low": value - half, "high": value + half, "p": p}
    return {"term": term, "kind": kind, "value": float(value), "std_error": error} | ends
