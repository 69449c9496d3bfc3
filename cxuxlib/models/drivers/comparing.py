"""Shares against each other: differences with tests, and how sure the ranks are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, unknown
from cxuxlib.models.drivers.shares import Shares
from cxuxlib.results import Estimate, Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.multiplicity import holm
from cxuxlib.stats.testing import two_sided

__all__ = ["driver_ranks", "share_difference", "share_differences"]

_ALL = 0.999  # of the explained variance: a difference of shares so large has no z


def _shares_of(fit: Fit, kind: str | None) -> tuple[Shares, str]:
    shares = getattr(fit, "raw", None)
    if not isinstance(shares, Shares):
        raise ArgumentError(f"A share difference needs a fit of key_drivers; got {getattr(fit, 'model', fit)!r}.")
    kind = kind or shares.kinds[0]
    if kind not in shares.kinds:
        raise ArgumentError(unknown("kind", kind, shares.kinds))
    if not shares.r2 > 0:
        raise ModelError("The drivers explain nothing (R² = 0), so there are no shares to compare.")
    if not np.isfinite(shares.covariance).all():
        raise ArgumentError("This fit was made without intervals; make it with another interval than 'none'.")
    return shares, kind


def _by_chance(shares: Shares, a: int, b: int) -> float:
    """How much larger share a is expected to be than share b by chance alone, as a part of R²."""
    k = len(shares.players)
    return float(shares.by_chance[a % k] - shares.by_chance[b % k]) / shares.r2


def _difference(shares: Shares, a: int, b: int) -> tuple[float, float]:
    """(share_a - share_b) / R² and its standard error, by the delta method."""
    values = shares.values.ravel()
    difference = values[a] - values[b]
    gradient = np.zeros(len(shares.covariance))
    gradient[a] += 1 / shares.r2
    gradient[b] -= 1 / shares.r2
    gradient[-1] = -difference / shares.r2**2
    return difference / shares.r2, float(np.sqrt(gradient @ shares.covariance @ gradient))


def _ends(value: float, error: float, level: float, df: float) -> tuple[float, float]:
    half = intervals.half_width(level, df) * error
    if abs(value) < _ALL:  # Fisher's z keeps a difference of shares within -1 and 1
        half /= 1 - value**2
        return float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))
    return value - half, value + half


def share_difference(fit: Fit, a: str, b: str, *, kind: str | None = None, level: float | None = None) -> Estimate:
    """How much larger the share of one player is than that of another, as a proportion of R².

    (share_a - share_b) / R², with the delta method on the joint covariance of both and of R², by Fisher's z; where
    the fit was bootstrapped, the percentiles of its resamples. Where the players have different numbers of columns,
    what the larger one explains by chance is taken off before the interval is made.

    Args:
        fit: result of `key_drivers`.
        a, b: two of its players.
        kind: which share; the method's own by default.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        An `Estimate`, from -1 to 1 for LMG shares.

    Raises:
        ArgumentError: no such player or kind, or a fit of another model, or one without intervals.

    Source: as `key_drivers`. Checked against: the bootstrap.

    >>> from cxuxlib.models import key_drivers
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=["ease", "help", "rating"])
    >>> frame["rating"] += frame["ease"]
    >>> share_difference(key_drivers(frame, "rating", ["ease", "help"]), "ease", "help").value > 0.9
    True
    """
    shares, kind = _shares_of(fit, kind)
    level = fit.level if level is None else level
    for name in (a, b):
        if name not in shares.players:
            raise ArgumentError(unknown("player", name, shares.players))
    at = [shares.kinds.index(kind) * len(shares.players) + shares.players.index(name) for name in (a, b)]
    value, error = _difference(shares, *at)
    if shares.draws is None:
        low, high = _ends(value - _by_chance(shares, *at), error, level, shares.df)
    else:
        drawn = (shares.draws[:, at[0]] - shares.draws[:, at[1]]) / shares.draws[:, -1]
        low, high = np.quantile(drawn, [(1 - intervals.check_level(level)) / 2, (1 + level) / 2])
        low, high = (each - 2 * _by_chance(shares, *at) for each in (low, high))
    return Estimate(
        value, low, high, int(fit.quality["n"]), fit.method, level,
        f"share of {a} minus {b} ({kind})", int(fit.quality["n_missing"]),
    )  # fmt: skip


def share_differences(fit: Fit, *, kind: str | None = None, level: float | None = None) -> pd.DataFrame:
    """Every two shares against each other, with tests: which drivers can be told apart?

    z = artanh(d) (1 - d²) / SE(d) with d = (share_a - share_b) / R², less what more columns explain by chance (between
    clusters held against Student's t), and Holm's adjustment over all pairs.

    Args:
        fit: result of `key_drivers`.
        kind: which share; the method's own by default.
        level: confidence level of the intervals (of each pair, not adjusted), 0 to 1; that of the fit by default.

    Returns:
        One row per pair, larger shares first: a, b, kind, difference (a proportion of R²), std_error, low, high, p,
        p_adjusted, level, method.

    Raises:
        ArgumentError: no such kind, or a fit of another model, or one without intervals.

    Source: as `key_drivers`; Holm 1979. Checked against: the bootstrap, error rates under equal shares.

    >>> from cxuxlib.models import key_drivers
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 4)), columns=["ease", "help", "price", "rating"])
    >>> frame["rating"] += frame["ease"] + 0.9 * frame["help"]
    >>> found = share_differences(key_drivers(frame, "rating", ["ease", "help", "price"]))
    >>> found[["a", "b", "difference", "p_adjusted"]].round(3)
          a      b  difference  p_adjusted
    0  help   ease       0.004       0.958
    1  help  price       0.494       0.000
    2  ease  price       0.490       0.000
    """
    shares, kind = _shares_of(fit, kind)
    level = fit.level if level is None else level
    own = shares.values[shares.kinds.index(kind)]
    start = shares.kinds.index(kind) * len(own)
    found = []
    for i, j in combinations(np.argsort(-own, kind="stable").tolist(), 2):
        value, error = _difference(shares, start + i, start + j)
        estimate = share_difference(fit, shares.players[i], shares.players[j], kind=kind, level=level)
        free = value - _by_chance(shares, start + i, start + j)
        z = (np.arctanh(free) * (1 - free**2) if abs(free) < _ALL else free) / error if error > 0 else 0.0
        found.append({
            "a": shares.players[i], "b": shares.players[j], "kind": kind, "difference": value, "std_error": error,
            "low": estimate.low, "high": estimate.high, "p": float(two_sided(z, shares.df)),
        })  # fmt: skip
    table = pd.DataFrame(found)
    return table.assign(p_adjusted=holm(table["p"].to_numpy()), level=level, method=fit.method)


def driver_ranks(fit: Fit, *, kind: str | None = None, level: float | None = None) -> pd.DataFrame:
    """Players in order, each with its sign, its part of R² and the ranks that it may have.

    A player's best rank is 1 + how many others have a share significantly above its own, its worst rank is k less how
    many have one significantly below, by z tests at (1 - level) / (k - 1) each: its true rank lies between with at
    least this confidence. The bootstrap of ranks itself is too sure where shares are close.

    Args:
        fit: result of `key_drivers`.
        kind: which share; the method's own by default.
        level: confidence level of each player's ranks, 0 to 1; that of the fit by default.

    Returns:
        One row per player, largest share first: term, kind, value, part (of R²), sign (1, -1, or 0 where a group has
        both), rank, rank_low, rank_high, level, method.

    Raises:
        ArgumentError: no such kind, or a fit of another model, or one without intervals.

    Source: Al Mohamad, Goeman & van Zwet 2022, Simultaneous confidence intervals for ranks, Biometrics 78.
    Checked against: simulated ranks.

    >>> from cxuxlib.models import key_drivers
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 4)), columns=["ease", "help", "price", "rating"])
    >>> frame["rating"] += frame["ease"] - 0.9 * frame["price"]
    >>> found = driver_ranks(key_drivers(frame, "rating", ["ease", "help", "price"]))
    >>> found[["term", "sign", "rank", "rank_low", "rank_high"]]
        term  sign  rank  rank_low  rank_high
    0  price    -1     1         1          2
    1   ease     1     2         1          2
    2   help     1     3         3          3
    """
    shares, kind = _shares_of(fit, kind)
    level = fit.level if level is None else level
    own = shares.values[shares.kinds.index(kind)]
    k = len(own)
    at = np.arange(k) + shares.kinds.index(kind) * k
    covariance = shares.covariance[np.ix_(at, at)]
    spread = np.diag(covariance)[:, None] + np.diag(covariance) - 2 * covariance
    free = own - shares.by_chance
    lead = free[:, None] - free
    each = 1 - (1 - intervals.check_level(level)) / (k - 1)
    limit = intervals.half_width(each, shares.df) * np.sqrt(spread.clip(0.0))
    order = np.argsort(-own, kind="stable")
    return pd.DataFrame({
        "term": [shares.players[i] for i in order],
        "kind": kind,
        "value": own[order],
        "part": own[order] / shares.r2,
        "sign": [shares.signs[i] for i in order],
        "rank": np.arange(1, k + 1),
        "rank_low": 1 + (lead < -limit).sum(axis=1)[order],
        "rank_high": k - (lead > limit).sum(axis=1)[order],
        "level": level,
        "method": fit.method,
    })  # fmt: skip
