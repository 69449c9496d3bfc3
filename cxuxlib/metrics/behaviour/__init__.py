"""What customers do: they come back, buy again, stay, and leave."""

from cxuxlib.metrics.behaviour.activity import ages, repeat_purchase, retention
from cxuxlib.metrics.behaviour.buying import rfm
from cxuxlib.metrics.behaviour.lasting import median_time, survival
from cxuxlib.metrics.behaviour.leaving import annual_churn, churn_rate

__all__ = [
    "ages",
    "annual_churn",
    "churn_rate",
    "median_time",
    "repeat_purchase",
    "retention",
    "rfm",
    "survival",
]
