"""Figures with intervals that stay in range, and the delta method."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, nan
from typing import Any

import numpy as np

from cxuxlib.stats.likelihood import Table

Array = np.ndarray
Rows = list[tuple[Any, ...]]

_STEP = 1e-4  # of a logarithm, for slopes in the parameters


def logged(term: str, kind: str, value: float, error: float, z: float, p: float = nan) -> tuple[Any, ...]:
    """A row above 0, whose interval is that of its logarithm."""
    reach = z * error / value
    return term, kind, value, error, value * exp(-reach), value * exp(reach), p


def chance(term: str, kind: str, value: float, error: float, z: float) -> tuple[Any, ...]:
    """A row between 0 and 1, whose interval is that of its logit."""
    reach = z * error / (value * (1 - value))
    low, high = (1 / (1 + (1 - value) / value * exp(-sign * reach)) for sign in (-1, 1))
    return term, kind, value, error, low, high, nan


def slopes(at: Array, of: Callable[[Array], Array]) -> Array:
    """Slopes of some figures in parameters above 0, shape (figures, parameters), by steps of their logarithms."""
    steps = np.exp(_STEP * np.eye(len(at)))
    found: Array = np.column_stack([
        (of(at * step) - of(at / step)) / (2 * _STEP * each) for step, each in zip(steps, at, strict=True)
    ])  # fmt: skip
    return found


def errors(slopes: Array, covariance: Table) -> Array:
    """Standard errors of what has these slopes."""
    found: Array = np.sqrt(np.einsum("fi,ij,fj->f", slopes, np.array(covariance), slopes))
    return found
