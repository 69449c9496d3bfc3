"""cxuxlib: is user experience a part of customer experience, does it drive it, and how sure are we?"""

from cxuxlib import claims, datasets, models, plots, report, scales
from cxuxlib.metrics import adjust, compare, cx, estimate, measure, trend, ux
from cxuxlib.scales import score

__all__ = [
    "adjust",
    "claims",
    "compare",
    "cx",
    "datasets",
    "estimate",
    "measure",
    "models",
    "plots",
    "report",
    "scales",
    "score",
    "trend",
    "ux",
]
