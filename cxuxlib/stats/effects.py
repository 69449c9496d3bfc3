"""Effects of units and waves taken out of columns, exactly, also where some units lack some waves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["Left", "group_means", "without_effects"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

_RANK = 1e-10  # of the largest eigenvalue, below which an effect of a wave is told by the others


class Left(NamedTuple):
    """What is left of columns without effects.

    Args:
        columns: shape (n, k).
        waves: how many effects of waves were taken out beside those of units (or beside the mean).
    """

    columns: Array
    waves: int


def group_means(columns: Array, code: Codes) -> Array:
    """Means of columns by group, for each row, shape (n, k).

    >>> group_means(np.array([[1.0], [3.0], [7.0]]), np.array([0, 0, 1])).ravel().tolist()
    [2.0, 2.0, 7.0]
    """
    groups = int(code.max()) + 1
    rows = csr_array((np.ones(len(code)), (code, np.arange(len(code)))), shape=(groups, len(code)))
    found: Array = ((rows @ columns) / np.bincount(code, minlength=groups)[:, None])[code]
    return found


def without_effects(columns: Array, unit: Codes | None, wave: Codes | None) -> Left:
    """Residuals of least squares of columns on dummies of unit and wave.

    Units go by their means; what waves explain of the rest is the solution of one equation per wave,
    (D'MD) a = D'Mx, with D the dummies of the waves and M what takes out the means of units, so that the cost is that
    of a few passes, and nothing is iterated.

    Args:
        columns: shape (n, k).
        unit: code of each row's unit, 0 or more; None: no effects of units, the mean alone.
        wave: code of each row's wave; None: no effects of waves.

    Source: Wansbeek & Kapteyn 1989, doi:10.1016/0304-4076(89)90054-3. Checked against: R's lm with dummies, and plm.

    >>> x = np.array([[1.0], [2.0], [4.0], [7.0], [9.0]])
    >>> left = without_effects(x, np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]))
    >>> left.columns.ravel().round(6).tolist(), left.waves
    ([0.5, -0.5, -0.5, 0.5, 0.0], 1)
    """
    own = np.zeros(len(columns), dtype=np.intp) if unit is None else unit
    left = columns - group_means(columns, own)
    if wave is None:
        return Left(left, 0)
    units, waves = int(own.max()) + 1, int(wave.max()) + 1
    seen = csr_array((np.ones(len(own)), (own, wave)), shape=(units, waves))
    apart = seen.multiply(1 / np.bincount(own, minlength=units)[:, None])
    gram = np.diag(np.bincount(wave, minlength=waves).astype(float)) - (seen.T @ apart).toarray()
    turn = csr_array((np.ones(len(own)), (wave, np.arange(len(own)))), shape=(waves, len(own)))
    values, vectors = np.linalg.eigh(gram)
    free = values > _RANK * values[-1]
    effect = (vectors[:, free] / values[free]) @ (vectors[:, free].T @ (turn @ left))
    explained = effect[wave]
    return Left(left - explained + group_means(explained, own), int(free.sum()))
