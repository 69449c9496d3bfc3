"""Key drivers: how the explained variance of an outcome divides among its drivers."""

from cxuxlib.models.drivers.comparing import driver_ranks, share_difference, share_differences
from cxuxlib.models.drivers.dividing import key_drivers
from cxuxlib.models.drivers.latent import latent_drivers
from cxuxlib.models.drivers.options import DriverOptions
from cxuxlib.models.drivers.shares import Shares

__all__ = [
    "DriverOptions",
    "Shares",
    "driver_ranks",
    "key_drivers",
    "latent_drivers",
    "share_difference",
    "share_differences",
]
