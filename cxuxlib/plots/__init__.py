"""Pictures of results; they draw and compute nothing."""

from cxuxlib.plots.answered import answers, predicted
from cxuxlib.plots.charts import drivers, estimates, funnel, verdicts
from cxuxlib.plots.diagrams import path_diagram
from cxuxlib.plots.erring import error_rates
from cxuxlib.plots.lasting import reliability, survival_curves
from cxuxlib.plots.picture import Picture
from cxuxlib.plots.priorities import importance_performance, penalty_reward
from cxuxlib.plots.ranking import driver_ranks
from cxuxlib.plots.specifications import specification_curve

__all__ = [
    "Picture",
    "answers",
    "driver_ranks",
    "drivers",
    "error_rates",
    "estimates",
    "funnel",
    "importance_performance",
    "path_diagram",
    "penalty_reward",
    "predicted",
    "reliability",
    "specification_curve",
    "survival_curves",
    "verdicts",
]
