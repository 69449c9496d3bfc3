"""What fits by maximum likelihood share: their input, and the climb to the maximum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cxuxlib.errors import ArgumentError, ModelError, SampleError

__all__ = ["Array", "Maximum", "Numbers", "Table", "arrays", "check_model", "counted", "maximum"]

Array = NDArray[np.float64]
Numbers = float | Sequence[float] | Array
Slopes = tuple[float, Array]
Table = tuple[tuple[float, ...], ...]

_STEP = 1e-4  # of a logarithm, for the second derivatives
_FAR = 12.0  # a parameter 160,000 times away from where a climb begins is running away


class Maximum(NamedTuple):
    """Where a likelihood is highest.

    Args:
        at: the parameters; std_errors: of them.
        value: the log likelihood there.
        covariance: of the parameters, row by row.
    """

    at: tuple[float, ...]
    std_errors: tuple[float, ...]
    value: float
    covariance: Table


def check_model(model: Any, kind: Any, parameters: int) -> None:
    """Refuse what is not a model of this kind with its first parameters above 0."""
    if not isinstance(model, kind):
        raise ArgumentError(f"model is a {kind.__name__}, such as a fit gives; got {type(model).__name__}.")
    for name, each in zip(model._fields[:parameters], model, strict=False):
        if not 0 < each < inf:
            raise ArgumentError(f"{name} is a number above 0; got {each!r}.")


def arrays(columns: Mapping[str, Numbers]) -> list[Array]:
    """Numbers as arrays of one shape, refused where one is missing or infinite."""
    try:
        found = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in columns.values()))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{', '.join(columns)}: numbers, as many of each.") from error
    for name, each in zip(columns, found, strict=True):
        if not np.isfinite(each).all():
            raise ArgumentError(f"{name} holds a number that is missing or infinite.")
    return list(found)


def counted(counts: Numbers | None, like: Array) -> Array:
    """How many customers each row stands for."""
    if not like.size:
        raise SampleError("There are no customers.")
    n = np.ones(like.shape) if counts is None else arrays({"counts": counts})[0]
    if n.shape != like.shape or (n < 0).any() or not n.any():
        raise ArgumentError("counts says for each row how many customers it stands for: 0 or more, not all 0.")
    return n


def maximum(likelihood: Callable[[Array], Slopes], start: Sequence[float], what: str) -> Maximum:
    """Parameters above 0 that maximise a log likelihood, with their errors.

    Climbs on the logarithms of the parameters, BFGS and then Newton with central differences of the slopes; standard
    errors come from the observed information.

    Args:
        likelihood: from the parameters to the log likelihood and its slopes.
        start: where to begin, above 0.
        what: the model, for the message.

    Raises:
        ModelError: the climb ends nowhere, which says that these data do not tell the parameters.

    Source: Nocedal & Wright 2006, doi:10.1007/978-0-387-40065-5. Checked against: closed forms, lifetimes' tests.

    >>> def poisson(at: Array) -> Slopes:
    ...     return float(100 * np.log(at[0]) - 50 * at[0]), 100 / at - 50
    >>> found = maximum(poisson, [1.0], "a rate")
    >>> round(found.at[0], 6), round(found.std_errors[0], 6)
    (2.0, 0.2)
    """
    begin = np.log(np.asarray(start, dtype=float))

    def fall(logs: Array) -> Slopes:
        value, slopes = likelihood(np.exp(logs))
        return (-value, -slopes * np.exp(logs)) if np.isfinite(value) else (inf, np.zeros_like(logs))

    def curvature(logs: Array) -> Array:
        rows = [(fall(logs + step)[1] - fall(logs - step)[1]) / (2 * _STEP) for step in _STEP * np.eye(len(logs))]
        return (np.array(rows) + np.array(rows).T) / 2

    size = max(1.0, abs(fall(begin)[0]))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        logs = minimize(lambda at: tuple(each / size for each in fall(at)), begin, jac=True, method="BFGS").x
        for _ in range(20):
            if not np.isfinite(logs).all() or np.abs(logs - begin).max() > _FAR:
                break
            information = curvature(logs)
            if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 1e-9 * size:
                break
            step = np.linalg.solve(information, fall(logs)[1])
            if np.abs(step).max() < 1e-9:
                at = np.exp(logs)
                covariance = np.linalg.inv(information) * np.outer(at, at)
                errors, rows = np.sqrt(np.diag(covariance)), [tuple(map(float, row)) for row in covariance]
                return Maximum(tuple(map(float, at)), tuple(map(float, errors)), -fall(logs)[0], tuple(rows))
            logs = logs - step / max(1.0, np.abs(step).max())
    raise ModelError(f"The likelihood of {what} has no maximum here: these data do not tell its parameters.")
