"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.drivers import (
    DriverOptions,
    driver_ranks,
    key_drivers,
    latent_drivers,
    share_difference,
    share_differences,
)
from cxuxlib.models.regression.binary import logit
from cxuxlib.models.regression.effects import margins
from cxuxlib.models.regression.least import linear
from cxuxlib.models.regression.ordered import ordered_logit, partial_odds
from cxuxlib.models.regression.parallel import brant
from cxuxlib.models.regression.predictions import predicted
from cxuxlib.models.validity import factor_correlation, htmt

__all__ = [
    "DriverOptions",
    "brant",
    "driver_ranks",
    "factor_correlation",
    "htmt",
    "key_drivers",
    "latent_drivers",
    "linear",
    "logit",
    "margins",
    "ordered_logit",
    "partial_odds",
    "predicted",
    "share_difference",
    "share_differences",
]
