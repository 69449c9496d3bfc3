"""User-experience metrics: behaviour in the interaction with a product, website or app."""

from cxuxlib.metrics.ux.tasks import (
    abandonment,
    any_error,
    core_efficiency,
    error_rate,
    errors_per_attempt,
    excess_steps,
    lostness,
    overall_relative_efficiency,
    steps,
    task_success,
    time_based_efficiency,
    time_on_task,
)
from cxuxlib.metrics.ux.visits import bounce, conversion, engaged_bounce

__all__ = [
    "abandonment",
    "any_error",
    "bounce",
    "conversion",
    "core_efficiency",
    "engaged_bounce",
    "error_rate",
    "errors_per_attempt",
    "excess_steps",
    "lostness",
    "overall_relative_efficiency",
    "steps",
    "task_success",
    "time_based_efficiency",
    "time_on_task",
]
