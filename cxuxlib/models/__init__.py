"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.drivers import (
    DriverOptions,
    driver_ranks,
    key_drivers,
    latent_drivers,
    share_difference,
    share_differences,
)
from cxuxlib.models.validity import factor_correlation, htmt

__all__ = [
    "DriverOptions",
    "driver_ranks",
    "factor_correlation",
    "htmt",
    "key_drivers",
    "latent_drivers",
    "share_difference",
    "share_differences",
]
