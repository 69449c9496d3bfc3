"""Key drivers: how the explained variance of an outcome divides among its drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, listed, unknown
from cxuxlib.models.sample import Interval, Sample, sample
from cxuxlib.results import Estimate, Fit
from cxuxlib.stats import correlations, intervals

__all__ = ["Shares", "key_drivers", "latent_drivers", "share_difference"]

_KINDS = ("lmg", "alone", "unique")
_ALL = 0.999  # of the explained variance: a difference of shares so large has no z
_APART = 0.02  # smallest eigenvalue of the constructs' correlations below which they are not told apart
_MOST = 20  # players; 2^20 subsets are about a million small systems


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """The numbers behind `key_drivers`: values and covariance of all shares.

    Args:
        players: drivers, or groups of drivers.
        values: shares of R² by kind (lmg, alone, unique) and player, shape (3, k); then R² itself.
        covariance: of the flattened values and R², shape (3k + 1, 3k + 1).
        r2: explained share of the outcome's variance.
    """

    players: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    r2: float


def key_drivers(
    data: Any,
    outcome: str,
    drivers: Sequence[str] | None = None,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    weight: str | None = None,
    frequency: str | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
) -> Fit:
    """Divide the explained variance (R²) of an outcome among drivers: LMG (Shapley), alone and unique shares.

    LMG_j = Σ_S |S|!(k-|S|-1)!/k! · [R²(S ∪ j) - R²(S)] over all subsets S of the other k - 1 players, exact.
    alone_j = R²(j); unique_j = R²(all) - R²(all but j). LMG shares add up to R². They describe association: a share
    says neither that a driver causes the outcome nor that another would not.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        outcome: column that is explained.
        drivers: columns that explain it; leave out where ``groups`` names them.
        groups: name to columns; each group is one player, so its share is that of the block.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        interval: "robust" (distribution-free, needs rows or counts), "normal" (normal theory, also from moments),
            None: robust where it can be had.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`: terms with kind lmg, alone, unique; quality with n, n_missing, R2, and first_eigenvalue of the
        drivers' correlations (a halo where it is large); raw is `Shares`. p is NaN: shares are never negative.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, ModelError: what is wrong with the data.

    Source: Lindeman, Merenda & Gold 1980; Grömping 2007, doi:10.1198/000313007X188252; Shapley 1953.
    Checked against: relaimpo and domir (swiss data, ten digits).

    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 2)), columns=["ease", "help"])
    >>> frame["rating"] = frame["ease"] + rng.normal(size=500)
    >>> key_drivers(frame, "rating", ["ease", "help"]).estimate("ease")
    ease (lmg) = 0.443, 95% CI [0.381, 0.510], n = 500 (delta method, distribution-free)
    """
    intervals.check_level(level)
    if (drivers is None) == (groups is None):
        raise ArgumentError("Give either drivers (a list of columns) or groups (name to list of columns).")
    if not isinstance(outcome, str):
        raise ArgumentError(f"outcome is one column; got {outcome!r}.")
    if drivers is not None and (isinstance(drivers, str) or not all(isinstance(each, str) for each in drivers)):
        raise ArgumentError(f"drivers is a list of columns; got {drivers!r}.")
    players = {name: [name] for name in drivers} if drivers is not None else _listed(groups)
    named = [name for block in players.values() for name in block]
    many = list(drivers if drivers is not None else named)
    _refuse(outcome, many, players)
    read = sample(data, [outcome, *named], weight=weight, frequency=frequency)
    blocks = [read.positions(block) for block in players.values()]
    shares = correlations.subset_r2(read.corr, blocks, _plan(len(players)))
    label = ("key drivers (LMG)", f"{outcome} ~ " + " + ".join(players))
    return _fit(label, read, 1, tuple(players), shares, interval, level)


def latent_drivers(
    data: Any,
    outcome: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    weight: str | None = None,
    frequency: str | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
) -> Fit:
    """Divide the explained variance of an outcome among facets, each freed of measurement error.

    The shares of `key_drivers`, computed from the correlations of the constructs: ρ_ab = mean(r between) /
    √(mean(r within a) · mean(r within b)). A facet is so not paid for having more items or better ones. A construct
    with one item is taken as it is.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        outcome: items of what is explained, one or more.
        groups: facet to its items.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        interval: "robust", "normal" or None, as in `key_drivers`.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit` as that of `key_drivers`; first_eigenvalue is of the items.

    Raises:
        ModelError: a facet's items do not correlate, or the facets, freed of error, cannot be told apart.
        ArgumentError, ColumnError, AnswerError, SampleError: what is wrong with the data.

    Source: Spearman 1904, doi:10.2307/1412159 (correction for attenuation); `key_drivers` for the shares.
    Checked against: planted latent shares with unequal reliabilities, numerical derivatives.

    >>> rng = np.random.default_rng(1)
    >>> true = rng.normal(size=(9000, 2))
    >>> noisy = {f"u{i}": true[:, 0] + 1.5 * rng.normal(size=9000) for i in range(3)}
    >>> clear = {f"s{i}": true[:, 1] + 0.5 * rng.normal(size=9000) for i in range(3)}
    >>> frame = pd.DataFrame({"rating": true.sum(axis=1) + rng.normal(size=9000), **noisy, **clear})
    >>> fit = latent_drivers(frame, ["rating"], {"UX": list(noisy), "service": list(clear)})
    >>> fit.terms.set_index(["kind", "term"])["value"].loc["lmg"].round(2).tolist()
    [0.34, 0.33]
    """
    intervals.check_level(level)
    if isinstance(outcome, str):
        raise ArgumentError(f"outcome is a list of items; got the text {outcome!r}.")
    players = _listed(groups)
    named = [name for block in players.values() for name in block]
    _refuse("", [*outcome, *named], players)
    if not outcome:
        raise ArgumentError("outcome names no item.")
    read = sample(data, [*outcome, *named], weight=weight, frequency=frequency)
    blocks = [read.positions(list(outcome)), *(read.positions(block) for block in players.values())]
    corr, slopes = correlations.latent(read.corr, blocks)
    if np.isnan(corr).any():
        raise ModelError("The items of a facet do not correlate positively, so nothing common can be freed of error.")
    if np.linalg.eigvalsh(corr[1:, 1:])[0] < _APART:
        raise ModelError("Freed of measurement error the facets cannot be told apart: they correlate about 1.")
    values, inner = correlations.subset_r2(corr, [[1 + i] for i in range(len(players))], _plan(len(players)))
    gradients = 0.5 * np.einsum("kab,abij->kij", inner, slopes)  # each pair of constructs stands twice
    label = ("key drivers (LMG, freed of error)", f"{' & '.join(outcome)} ~ " + " + ".join(players))
    return _fit(label, read, len(outcome), tuple(players), (values, gradients), interval, level)


def _listed(groups: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    proper = isinstance(groups, Mapping) and all(isinstance(each, list | tuple) for each in groups.values())
    if not proper or groups is None:
        raise ArgumentError("groups is a dict of name to list of columns, such as {'UX': ['ease'], 'price': ['cost']}.")
    return {name: list(block) for name, block in groups.items()}


def _refuse(outcome: str, named: Sequence[str], players: Mapping[str, Sequence[str]]) -> None:
    if len(players) < 2 or not all(players.values()):
        raise ArgumentError("Shares need at least two drivers, or two groups of at least one driver each.")
    everything = [*named, outcome] if outcome else list(named)
    twice = sorted({str(name) for name in everything if everything.count(name) > 1})
    if twice:
        raise ArgumentError(f"{listed(twice)} is named more than once among outcome and drivers.")
    if len(players) > _MOST:
        raise ArgumentError(f"{len(players)} players; up to {_MOST} are computed exactly. Put drivers into groups.")


def _fit(
    label: tuple[str, str],
    read: Sample,
    n_outcomes: int,
    players: tuple[str, ...],
    shares: tuple[np.ndarray, np.ndarray],
    interval: Interval | None,
    level: float,
) -> Fit:
    """Shares with their intervals: Wald on the root of the share, squared back, since a share is never negative."""
    values, gradients = shares
    k = len(players)
    covariance, how = read.covariance(gradients, interval)
    errors = np.sqrt(np.diag(covariance))
    root = np.sqrt(values.clip(0.0))
    half = np.divide(
        intervals.normal_quantile(level) * errors, 2 * root, out=np.zeros_like(root), where=values > errors * 1e-6
    )
    low, high = (root - half).clip(0.0) ** 2, ((root + half) ** 2).clip(None, 1.0)
    terms = pd.DataFrame({
        "term": list(players) * len(_KINDS),
        "kind": np.repeat(_KINDS, k),
        "value": values[:-1],
        "std_error": errors[:-1],
        "low": low[:-1],
        "high": high[:-1],
        "p": np.nan,
    })  # fmt: skip
    quality = {
        "n": read.n,
        "n_missing": read.n_missing,
        "R2": float(values[-1]),
        "first_eigenvalue": float(np.linalg.eigvalsh(read.corr[n_outcomes:, n_outcomes:])[-1]),
    }
    raw = Shares(players, values[:-1].reshape(len(_KINDS), k), covariance, float(values[-1]))
    return Fit(*label, terms, quality, raw, level, how)


def _plan(k: int) -> np.ndarray:
    """Weights of R²(S) over the subsets of k players for LMG, alone and unique of each player, and R²."""
    subsets = np.arange(1 << k)
    inside = ((subsets[None, :] >> np.arange(k)[:, None]) & 1).astype(bool)
    size = inside.sum(axis=0)
    joined = np.array([0.0, *(1 / (k * comb(k - 1, s - 1)) for s in range(1, k + 1))])
    left = np.array([*(-1 / (k * comb(k - 1, s)) for s in range(k)), 0.0])
    plan = np.zeros((3 * k + 1, 1 << k))
    plan[:k] = np.where(inside, joined[size], left[size])
    plan[np.arange(k, 2 * k), 1 << np.arange(k)] = 1.0
    plan[2 * k :, -1] = 1.0
    plan[np.arange(2 * k, 3 * k), (1 << k) - 1 - (1 << np.arange(k))] = -1.0
    return plan


def share_difference(
    fit: Fit, a: str, b: str, *, kind: Literal["lmg", "alone", "unique"] = "lmg", level: float = 0.95
) -> Estimate:
    """How much larger the share of one player is than that of another, as a proportion of R².

    (share_a - share_b) / R², with the delta method on the joint covariance of both and of R², by Fisher's z.

    Args:
        fit: result of `key_drivers`.
        a, b: two of its players.
        kind: which share.
        level: confidence level, 0 to 1.

    Returns:
        An `Estimate`, from -1 to 1 for LMG shares.

    Raises:
        ArgumentError: no such player or kind, or a fit of another model.

    Source: as `key_drivers`. Checked against: the bootstrap.

    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=["ease", "help", "rating"])
    >>> frame["rating"] += frame["ease"]
    >>> share_difference(key_drivers(frame, "rating", ["ease", "help"]), "ease", "help").value > 0.9
    True
    """
    shares = getattr(fit, "raw", None)
    if not isinstance(shares, Shares):
        raise ArgumentError(f"A share difference needs a fit of key_drivers; got {getattr(fit, 'model', fit)!r}.")
    if kind not in _KINDS:
        raise ArgumentError(unknown("kind", kind, _KINDS))
    for name in (a, b):
        if name not in shares.players:
            raise ArgumentError(unknown("player", name, shares.players))
    at = [_KINDS.index(kind) * len(shares.players) + shares.players.index(name) for name in (a, b)]
    if not shares.r2 > 0:
        raise ModelError("The drivers explain nothing (R² = 0), so there are no shares to compare.")
    difference = shares.values.ravel()[at[0]] - shares.values.ravel()[at[1]]
    gradient = np.zeros(len(shares.covariance))
    gradient[at[0]] += 1 / shares.r2
    gradient[at[1]] -= 1 / shares.r2
    gradient[-1] = -difference / shares.r2**2
    value = difference / shares.r2
    error = float(np.sqrt(gradient @ shares.covariance @ gradient))
    low, high = value - intervals.normal_quantile(level) * error, value + intervals.normal_quantile(level) * error
    if abs(value) < _ALL:  # Fisher's z keeps a difference of shares within -1 and 1
        half = intervals.normal_quantile(level) * error / (1 - value**2)
        low, high = (float(np.tanh(np.arctanh(value) + sign * half)) for sign in (-1, 1))
    return Estimate(
        value, low, high, int(fit.quality["n"]), fit.method, level,
        f"share of {a} minus {b} ({kind})", int(fit.quality["n_missing"]),
    )  # fmt: skip
