"""Shares of explained variance, their covariance and their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd

from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["Shares"]

_SIGNED = ("pratt",)  # kinds that can be negative
_SQUARES = ("alone", "unique")  # of one column the square of one normal figure, so that its root's interval holds


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """The numbers behind `key_drivers`: values and covariance of all shares.

    Args:
        players: drivers, or groups of drivers.
        values: shares of R² by kind and player, shape (kinds, k).
        covariance: of the flattened values and R², shape (kinds · k + 1, kinds · k + 1); NaN without intervals.
        r2: what is divided: the explained share of the outcome's variance (or what ``measure`` says), less that of the
            controls.
        kinds: kinds of share, in the order of ``values``.
        signs: of each player's coefficients beside all others: 1, -1, or 0 where a group has both.
        warnings: sentences on what these shares do not tell: collinearity, shared items, halo, suppression.
        draws: values and R² of each resample, shape (replications, kinds · k + 1), where intervals are bootstrapped.
        pairs: units that answered both of two columns (outcome, drivers, controls), where missing is pairwise.
        df: degrees of freedom of intervals and tests: clusters - 1, infinite where units are independent.
        chance: what each player's columns beyond its first are expected to explain by mere chance; shape (k,).
        measure: which R² is divided: R2, R2_McKelveyZavoina (of the latent answer) or R2_McFadden (deviance).
    """

    players: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    r2: float
    kinds: tuple[str, ...] = ("lmg", "alone", "unique")
    signs: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    draws: np.ndarray | None = None
    pairs: np.ndarray | None = None
    measure: str = "R2"
    df: float = inf
    chance: np.ndarray | None = None

    @property
    def by_chance(self) -> np.ndarray:
        """``chance``, 0 where there is none."""
        return np.zeros(len(self.players)) if self.chance is None else self.chance


def tidy(shares: Shares, level: float) -> pd.DataFrame:
    """One row per kind and player, with the interval.

    By the delta method the lower end is Wald's on the root of the share, squared back, since a share is never negative;
    so is the upper end of what is explained alone or uniquely. That of a mean over orders or subsets solves
    (u - v)² = z² s² u/v, the score interval of a share whose variance grows with itself, for its error is too small
    where it came out small. Pratt's can be negative and has the plain Wald interval. Between clusters z is Student's t.
    From draws both ends are their percentiles. What a player with several columns explains by chance is taken off
    before the lower end is found (from draws, which have it twice, off both).
    """
    values = shares.values.ravel()
    errors = np.sqrt(np.diag(shares.covariance))[:-1]
    k = len(shares.players)
    if np.isnan(errors).all():  # no interval was asked for
        low = high = errors
    elif shares.draws is None:
        root = np.sqrt(values.clip(0.0))
        z = intervals.half_width(level, shares.df)
        half = np.divide(z * errors, 2 * root, out=np.zeros_like(root), where=values > np.nan_to_num(errors) * 1e-6)
        free = (shares.values - shares.by_chance).clip(0.0).ravel()
        low = (np.sqrt(free) - half).clip(0.0) ** 2
        several = np.tile(shares.by_chance, len(shares.kinds)) > 0
        low = np.where(several, np.minimum(low, (free - z * errors).clip(0.0)), low)
        score = values + 2 * half * (half + np.hypot(half, root))  # half² = z² s² / 4v
        high = np.where(np.repeat([kind in _SQUARES for kind in shares.kinds], k), (root + half) ** 2, score).clip(
            None, 1.0
        )
        signed = np.repeat([kind in _SIGNED for kind in shares.kinds], k)
        low, high = np.where(signed, values - z * errors, low), np.where(signed, values + z * errors, high)
    else:
        twice = 2 * np.tile(shares.by_chance, len(shares.kinds))
        low, high = np.quantile(shares.draws[:, :-1], [(1 - level) / 2, (1 + level) / 2], axis=0) - twice
        low, high = np.where(twice > 0, low.clip(0.0), low), np.where(twice > 0, high.clip(0.0), high)
    names = {
        "term": list(shares.players) * len(shares.kinds),
        "kind": [kind for kind in shares.kinds for _ in shares.players],
    }
    columns = {"value": values, "std_error": errors, "low": low, "high": high, "p": np.full(len(values), np.nan)}
    return pd.DataFrame(names | columns, copy=False)


def fitted(label: tuple[str, str], shares: Shares, quality: dict[str, float], level: float, how: str) -> Fit:
    """The result of a division."""
    return Fit(*label, tidy(shares, level), quality, shares, level, how)
