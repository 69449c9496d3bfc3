"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.combining.comparing import Combination, combination
from cxuxlib.models.combining.contrasts import penalty_reward
from cxuxlib.models.combining.quadrants import importance_performance
from cxuxlib.models.combining.reading import Folds
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
    "Combination",
    "DriverOptions",
    "Folds",
    "brant",
    "combination",
    "driver_ranks",
    "factor_correlation",
    "htmt",
    "importance_performance",
    "key_drivers",
    "latent_drivers",
    "linear",
    "logit",
    "margins",
    "ordered_logit",
    "partial_odds",
    "penalty_reward",
    "predicted",
    "share_difference",
    "share_differences",
]
