"""Models: rows, counts or moments in, a `Fit` or a tidy table out."""

from cxuxlib.models.drivers import key_drivers, share_difference
from cxuxlib.models.validity import htmt

__all__ = ["htmt", "key_drivers", "share_difference"]
