"""Divide the explained variance of an outcome among drivers, or groups of drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.models.drivers import categories
from cxuxlib.models.drivers.categories import Latent
from cxuxlib.models.drivers.cautions import cautions, extra, few, signs
from cxuxlib.models.drivers.deviances import deviance_shares
from cxuxlib.models.drivers.options import DriverOptions, Method
from cxuxlib.models.drivers.shares import Shares, fitted
from cxuxlib.models.sample import SINGULAR, Sample, sample
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.shares import Division, r2_forms, r2_values, share_forms, share_values, to_gradients

__all__ = ["key_drivers"]

_MOST = 30  # players: 2^30 subsets take minutes
_TITLES = {
    "lmg": "LMG",
    "johnson": "Johnson",
    "owen": "Owen",
    "pratt": "Pratt",
    "all": "LMG, Johnson, Pratt",
}


def key_drivers(
    data: Any,
    outcome: str,
    drivers: Sequence[str] | None = None,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    method: Method | DriverOptions = "lmg",
    weight: str | None = None,
    frequency: str | None = None,
    level: float = 0.95,
) -> Fit:
    """Divide the explained variance (R²) of an outcome among drivers, each with its interval.

    What is divided is R² of the outcome as it stands, or (by `DriverOptions`) of the latent answer behind an ordered or
    yes-or-no outcome, or McFadden's, of its deviance. LMG (Shapley): LMG_j = Σ_S |S|!(k-|S|-1)!/k! · [R²(S ∪ j) -
    R²(S)] over all subsets S of the other k - 1 players, exact. Johnson (relative weights, Genizi): ε_j = Σ_i X_ji²
    b_i² with X = R^½ of the drivers and b = X⁻¹r. Owen: LMG where groups come whole, so that a group's members share
    what LMG gives their group. Pratt: β_j r_j. alone_j = R²(j), also called first; unique_j = R²(all) - R²(all but j),
    also called last or usefulness. LMG, Johnson, Owen and Pratt shares add up to R² (less that of controls). They
    describe association: a share says neither that a driver causes the outcome nor that another would not.

    Latent: y* = x'b + e of one ordered (or binary) logit or probit on all columns, so that Cov(x, y*) = Σb, Var(y*) =
    b'Σb + Var(e), and every share follows from these correlations; it rests on proportional odds (`brant`), and not on
    how far the categories stand apart. Deviance: R²(S) = 1 - log L(S) / log L(∅), a regression on each subset.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        outcome: column that is explained.
        drivers: columns that explain it; leave out where ``groups`` names them.
        groups: name to columns; each group is one player, so its share is that of the block. With Owen values the
            players are the columns.
        method: "lmg", "johnson", "owen", "pratt", "all" (LMG, Johnson and Pratt), or `DriverOptions`, which also has
            controls, clusters, missing answers, the kind of interval, the bootstrap and ordered outcomes.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`: terms with the method's kinds, alone and unique; quality with n, n_missing, R2, and first_eigenvalue
        of the drivers' correlations (a halo where it is large), R2_controls where there are controls; R2 is named
        R2_McKelveyZavoina or R2_McFadden where it is that of a latent answer or of deviance; raw is `Shares`, with
        signs and warnings. p is NaN: shares are never negative.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, UnitError, ModelError: what is wrong with the data.

    Source: Lindeman, Merenda & Gold 1980; Grömping 2007, doi:10.1198/000313007X188252; Shapley 1953; Owen 1977,
    doi:10.1007/978-3-642-45494-3_7; Johnson 2000, doi:10.1207/S15327906MBR3501_1; Genizi 1993; Pratt 1987;
    McKelvey & Zavoina 1975, doi:10.1080/0022250X.1975.9989847; Azen & Traxel 2009, doi:10.3102/1076998609332754.
    Checked against: relaimpo, domir and rwa (swiss data, ten digits), all orders of the players, the bootstrap; R's
    polr, clm and glm on every subset.

    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 2)), columns=["ease", "help"])
    >>> frame["rating"] = frame["ease"] + rng.normal(size=500)
    >>> key_drivers(frame, "rating", ["ease", "help"]).estimate("ease")
    ease (lmg) = 0.443, 95% CI [0.381, 0.512], n = 500 (delta method, distribution-free)
    >>> options = DriverOptions(method="johnson", interval="bootstrap", rng=1)
    >>> key_drivers(frame, "rating", ["ease", "help"], method=options).estimate("ease")
    ease (johnson) = 0.443, 95% CI [0.375, 0.505], n = 500 (bootstrap of 1,000 resamples of units)
    >>> frame["promoter"] = frame["rating"] > 1
    >>> fit = key_drivers(frame, "promoter", ["ease", "help"], method=DriverOptions(outcome_as="latent", link="probit"))
    >>> fit.model, round(fit.quality["R2_McKelveyZavoina"], 2)
    ('key drivers (LMG, latent, probit)', 0.41)
    """
    intervals.check_level(level)
    options = method if isinstance(method, DriverOptions) else DriverOptions(method)
    if (drivers is None) == (groups is None):
        raise ArgumentError("Give either drivers (a list of columns) or groups (name to list of columns).")
    if not isinstance(outcome, str):
        raise ArgumentError(f"outcome is one column; got {outcome!r:.60}.")
    if drivers is not None and (
        isinstance(drivers, str)
        or not hasattr(drivers, "__len__")
        or not all(isinstance(each, str) for each in drivers)
    ):
        raise ArgumentError(f"drivers is a list of columns; got {drivers!r:.60}.")
    blocks = {name: [name] for name in drivers} if drivers is not None else listed_groups(groups)
    named = list(drivers if drivers is not None else (name for block in blocks.values() for name in block))
    refuse([outcome, *named, *options.controls], blocks)
    members = []
    if options.method == "owen":
        if groups is None:
            raise ArgumentError("Owen values are of columns in groups; give groups instead of drivers.")
        members = [[named.index(each) for each in block] for block in blocks.values()]
        blocks = {name: [name] for name in named}
    columns = [outcome, *named, *options.controls]
    pairs = options.missing == "pairwise"
    read: Sample | Latent
    if options.outcome_as == "linear":
        read = sample(
            data,
            columns,
            weight=weight,
            frequency=frequency,
            cluster=options.cluster,
            pairs=pairs,
            advice=categories.ADVICE,
        )
    else:
        read = categories.read(data, columns, options, weight, frequency)
    controls = read.positions(options.controls)
    division = Division([read.positions(block) for block in blocks.values()], controls, members)
    if options.outcome_as == "deviance" and isinstance(read, Latent):
        shares, given, how = deviance_shares(read, division, tuple(blocks), options)
    else:
        shares, given, how = _shares(read, division, tuple(blocks), options)
    title = _TITLES[options.method] + (f", {options.outcome_as}, {read.model}" if isinstance(read, Latent) else "")
    return fitted(
        (f"key drivers ({title})", _formula(outcome, groups or blocks, options.controls)),
        shares, _quality(read, shares, given, division), level, how,
    )  # fmt: skip


def _formula(outcome: str, players: Mapping[str, Any], controls: Sequence[str]) -> str:
    return f"{outcome} ~ " + " + ".join(players) + (f" | {' + '.join(controls)}" if controls else "")


def _quality(read: Sample | Latent, shares: Shares, given: float, division: Division) -> dict[str, float]:
    drivers = [each for player in division.players for each in player]
    quality: dict[str, float] = {"n": read.n, "n_missing": read.n_missing}
    if isinstance(read, Latent):
        quality |= categories.sizes(read)
    quality[shares.measure] = shares.r2 + given
    if division.controls:
        quality[f"{shares.measure}_controls"] = given
    if isinstance(read, Sample) and read.df < inf:
        quality["n_clusters"] = int(read.df) + 1
    if read.pairs is not None:
        quality["n_pair_least"] = int(read.pairs.min())
    quality["first_eigenvalue"] = float(np.linalg.eigvalsh(read.corr[np.ix_(drivers, drivers)])[-1])
    return quality


def _shares(
    read: Sample | Latent, division: Division, players: tuple[str, ...], options: DriverOptions
) -> tuple[Shares, float, str]:
    """Shares with their covariance, R² of the controls, and how it was made."""
    kinds, corr = options.kinds, read.corr
    parts = [share_values(kind, corr[None], division)[0] for kind in kinds]
    values = np.concatenate([*parts, r2_values(corr[None], division)])
    draws = None
    if options.interval == "none":
        covariance, how = np.full((len(values), len(values)), np.nan), "no interval was asked for"
    elif options.interval == "bootstrap":
        draws, how = _bootstrap(read, division, options)
        covariance = np.cov(draws.T)
    else:
        forms = [*(share_forms(kind, corr, division) for kind in kinds), r2_forms(corr, division)]
        covariance, how = read.covariance(to_gradients(np.concatenate(forms)), options.interval)
    if isinstance(read, Latent):
        how += "; one regression by maximum likelihood"
    held = Division([division.controls], [], [])
    given = float(r2_values(corr[None], held)[0]) if division.controls else 0.0
    explained = parts[kinds.index("alone")], parts[kinds.index("unique")]
    by_chance = read.by_chance
    said = (*cautions(corr, read.names, players, division, explained), *few(read.df, division, by_chance))
    shares = Shares(
        players, values[:-1].reshape(len(kinds), -1), covariance, float(values[-1]), kinds, signs(corr, division), said,
        draws, read.pairs, read.measure, read.df, extra(division) * by_chance,
    )  # fmt: skip
    return shares, given, how


def _bootstrap(read: Sample | Latent, division: Division, options: DriverOptions) -> tuple[np.ndarray, str]:
    """Shares and R² of resamples, and how they were drawn."""
    draws = []
    rng = np.random.default_rng(options.rng)
    for batch in read.resampled(options.replications, rng):
        fine = np.isfinite(batch).all(axis=(1, 2))
        fine[fine] = np.linalg.eigvalsh(batch[fine])[:, 0] > SINGULAR
        corr = batch[fine]
        parts = [share_values(kind, corr, division) for kind in options.kinds]
        draws.append(np.concatenate([*parts, r2_values(corr, division)[:, None]], axis=1))
    found = np.concatenate(draws)
    lost = options.replications - len(found)
    if lost > options.replications / 10:
        raise SampleError(f"{lost} of {options.replications} resamples are singular; there are too few units.")
    said = f", {lost} singular left out" if lost else ""
    return found, f"bootstrap of {len(found):,} resamples of {read.resamples}{said}"


def listed_groups(groups: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """Groups by name, refused unless each is a list of columns."""
    proper = isinstance(groups, Mapping) and all(isinstance(each, list | tuple) for each in groups.values())
    if not proper or groups is None:
        raise ArgumentError("groups is a dict of name to list of columns, such as {'UX': ['ease'], 'price': ['cost']}.")
    return {name: list(block) for name, block in groups.items()}


def refuse(columns: Sequence[str], players: Mapping[str, Sequence[str]]) -> None:
    """Refuse too few players, too many, and a column in two places."""
    if len(players) < 2 or not all(players.values()):
        raise ArgumentError("Shares need at least two drivers, or two groups of at least one driver each.")
    twice = sorted({str(name) for name in columns if list(columns).count(name) > 1})
    if twice:
        raise ArgumentError(f"{listed(twice)} is named more than once among outcome and drivers.")
    if len(players) > _MOST:
        raise ArgumentError(f"{len(players)} players; up to {_MOST} are computed exactly. Put drivers into groups.")
