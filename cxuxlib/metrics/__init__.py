"""Definitions of metrics, and what computes and compares them."""

from cxuxlib.metrics import cx, ux
from cxuxlib.metrics.compare import adjust, compare, trend
from cxuxlib.metrics.measure import estimate, measure

__all__ = ["adjust", "compare", "cx", "estimate", "measure", "trend", "ux"]
