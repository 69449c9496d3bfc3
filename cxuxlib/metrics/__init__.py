"""Definitions of metrics, and what computes and compares them."""

from cxuxlib.metrics import behaviour, cx, planning, ux
from cxuxlib.metrics.compare import adjust, compare
from cxuxlib.metrics.measure import estimate, measure
from cxuxlib.metrics.scores import scale_mean
from cxuxlib.metrics.targets import benchmark
from cxuxlib.metrics.trends import trend

__all__ = [
    "adjust",
    "behaviour",
    "benchmark",
    "compare",
    "cx",
    "estimate",
    "measure",
    "planning",
    "scale_mean",
    "trend",
    "ux",
]
