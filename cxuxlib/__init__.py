"""cxuxlib: is user experience a part of customer experience, does it drive it, and how sure are we?"""

from cxuxlib import claims, datasets, models, plots, report, scales
from cxuxlib.metrics import (
    adjust,
    behaviour,
    benchmark,
    compare,
    cx,
    estimate,
    measure,
    planning,
    scale_mean,
    trend,
    ux,
)
from cxuxlib.scales import score

__all__ = [
    "adjust",
    "behaviour",
    "benchmark",
    "claims",
    "compare",
    "cx",
    "datasets",
    "estimate",
    "measure",
    "models",
    "planning",
    "plots",
    "report",
    "scale_mean",
    "scales",
    "score",
    "trend",
    "ux",
]
