"""Pictures of results; they draw and compute nothing."""

from cxuxlib.plots.charts import drivers, estimates, funnel, verdicts
from cxuxlib.plots.picture import Picture

__all__ = ["Picture", "drivers", "estimates", "funnel", "verdicts"]
