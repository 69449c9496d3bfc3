"""Adjusted p-values for several tests at once; a p-value that is missing (NaN) stays missing and is not counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxuxlib.errors import ArgumentError

__all__ = ["benjamini_hochberg", "holm"]


def _present(p: Sequence[float] | NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The p-values as an array, and where the present ones stand, smallest first."""
    try:
        values = np.asarray(p, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError("p-values are numbers, or NaN where a test is missing.") from error
    if values.ndim != 1:
        raise ArgumentError(f"p-values come as one list; got {values.ndim} dimensions.")
    known = ~np.isnan(values)
    if not ((values[known] >= 0) & (values[known] <= 1)).all():
        raise ArgumentError("p-values lie between 0 and 1.")
    order = np.argsort(values, kind="stable")[: known.sum()]
    return values.copy(), order


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that the chance of any false finding stays below the level, whatever their dependence.

    With p sorted, smallest first, of m: p'(i) = min(1, max over j ≤ i of (m - j + 1) p(j)).

    Args:
        p: p-values, 0 to 1, or NaN where a test is missing.

    Returns:
        Adjusted p-values in the order given; NaN stays NaN.

    Raises:
        ArgumentError: a value is outside 0 to 1.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70. Checked against: statsmodels, R's p.adjust.

    >>> holm([0.01, float("nan"), 0.03, 0.04, 0.002]).round(3).tolist()
    [0.03, nan, 0.06, 0.06, 0.008]
    """
    values, order = _present(p)
    raised = np.arange(len(order), 0, -1) * values[order]
    values[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return values


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that the expected share of false findings among the findings stays below the level.

    With p sorted, smallest first, of m: p'(i) = min over j ≥ i of m p(j) / j. The tests are independent or
    positively dependent.

    Args:
        p: p-values, 0 to 1, or NaN where a test is missing.

    Returns:
        Adjusted p-values in the order given; NaN stays NaN.

    Raises:
        ArgumentError: a value is outside 0 to 1.

    Source: Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    Checked against: statsmodels, R's p.adjust.

    >>> benjamini_hochberg([0.01, float("nan"), 0.03, 0.04, 0.002]).round(3).tolist()
    [0.02, nan, 0.04, 0.04, 0.008]
    """
    values, order = _present(p)
    m = len(order)
    raised = values[order] * m / np.arange(1, m + 1)
    values[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return values
