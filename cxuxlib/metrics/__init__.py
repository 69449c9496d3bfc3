"""Definitions of metrics, and what computes them."""

from cxuxlib.metrics import cx, ux
from cxuxlib.metrics.measure import estimate, measure

__all__ = ["cx", "estimate", "measure", "ux"]
