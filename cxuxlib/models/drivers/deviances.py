"""Shares of deviance: how McFadden's R² of an ordered or yes-or-no outcome divides among players."""

from __future__ import annotations

import numpy as np

from cxuxlib.models.drivers.categories import Latent, spread, told
from cxuxlib.models.drivers.cautions import cautions, extra, few, signs
from cxuxlib.models.drivers.options import DriverOptions
from cxuxlib.models.drivers.shares import Shares
from cxuxlib.stats.shares import Division
from cxuxlib.stats.subset_likelihoods import deviance_sums, subset_weights


def deviance_shares(
    read: Latent, division: Division, players: tuple[str, ...], options: DriverOptions
) -> tuple[Shares, float, str]:
    """Shares with their covariance, R² of the controls, and how it was made."""
    weights = subset_weights(options.kinds, division)
    found = deviance_sums(read.found.answers, read.link, read.n, weights)
    if options.interval == "none":
        covariance, how = np.full((len(found.values),) * 2, np.nan), "no interval was asked for"
    else:
        covariance, how = spread(read.sample, lambda part: found.influence[part]), told(read.sample)
    values = found.values[:-1].reshape(len(options.kinds), -1)
    explained = values[options.kinds.index("alone")], values[options.kinds.index("unique")]
    by_chance = 1 / (2 * abs(read.found.null))
    shares = Shares(
        players, values, covariance, float(found.values[-1]), options.kinds, signs(read.corr, division),
        (*cautions(read.corr, read.names, players, division, explained), *few(read.df, division, by_chance)),
        measure="R2_McFadden", df=read.df, chance=extra(division) * by_chance,
    )  # fmt: skip
    return shares, found.given, f"{how}; {len(weights):,} regressions by maximum likelihood"
