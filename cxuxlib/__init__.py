"""cxuxlib: is user experience a part of customer experience, does it drive it, and how sure are we?"""

from cxuxlib import claims, datasets, models, plots, report
from cxuxlib.metrics import cx, estimate, measure, ux

__all__ = ["claims", "cx", "datasets", "estimate", "measure", "models", "plots", "report", "ux"]
