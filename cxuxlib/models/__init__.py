"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.drivers import key_drivers, latent_drivers, share_difference
from cxuxlib.models.validity import factor_correlation, htmt

__all__ = ["factor_correlation", "htmt", "key_drivers", "latent_drivers", "share_difference"]
