"""How R² divides among players: LMG (Shapley), Owen, Johnson, Pratt, alone and unique shares, and their derivatives.

A kind of share is a function of the correlations V of the outcome and its drivers, computed from many matrices at once,
and its derivative at one of them: a symmetric F for each player with df = tr(F dV). Controls stay in every model: the
shares are those of what outcome and drivers still covary given them, P = B V B' with B the map to residuals, so that
F_V = B' F_P B.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cxuxlib.stats.elimination import owen_plan, plan_forms, plan_values, shapley_plan

__all__ = ["KINDS", "Division", "r2_forms", "r2_values", "share_forms", "share_values", "to_gradients"]


class Division(NamedTuple):
    """What is divided among whom; positions in a correlation matrix whose first column is the outcome.

    Args:
        players: columns of each player.
        controls: columns that stay in every model.
        groups: numbers of the players of each group, for Owen values; there a player is one column.
    """

    players: list[list[int]]
    controls: list[int]
    groups: list[list[int]]


def _given(division: Division) -> tuple[list[int], Division]:
    """Positions of the outcome and the drivers, and the same division in what remains without controls."""
    kept = [0, *(each for player in division.players for each in player)]
    players = [[kept.index(each) for each in player] for player in division.players]
    return kept, Division(players, [], division.groups)


def _partial(matrices: np.ndarray, kept: list[int], controls: list[int]) -> np.ndarray:
    """Covariances of outcome and drivers given the controls, shape (n, kept, kept)."""
    part: np.ndarray = matrices[:, kept][:, :, kept]
    if controls:
        across = matrices[:, controls][:, :, kept]
        part = part - np.swapaxes(across, 1, 2) @ np.linalg.solve(matrices[:, controls][:, :, controls], across)
    return part


def share_values(kind: str, matrices: np.ndarray, division: Division) -> np.ndarray:
    """Shares of the outcome's variance.

    Args:
        kind: one of `KINDS`.
        matrices: correlations, shape (n, p, p).
        division: what is divided among whom.

    Returns:
        Shape (n, players).
    """
    kept, inner = _given(division)
    return KINDS[kind][0](_partial(matrices, kept, division.controls), inner)


def r2_values(matrices: np.ndarray, division: Division) -> np.ndarray:
    """R² of drivers and controls less R² of the controls: what is divided; shape (n,)."""
    kept, _ = _given(division)
    return _explained(_partial(matrices, kept, division.controls), list(range(1, len(kept))))


def share_forms(kind: str, matrix: np.ndarray, division: Division) -> np.ndarray:
    """Derivatives of the shares: F with df = tr(F dV), shape (players, p, p)."""
    kept, inner = _given(division)
    forms = KINDS[kind][1](_partial(matrix[None], kept, division.controls)[0], inner)
    return _lifted(forms, matrix, kept, division.controls)


def r2_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    """Derivative of `r2_values`, shape (1, p, p)."""
    kept, _ = _given(division)
    part = _partial(matrix[None], kept, division.controls)[0]
    return _lifted(_explained_form(part, list(range(1, len(kept))))[None], matrix, kept, division.controls)


def _lifted(forms: np.ndarray, matrix: np.ndarray, kept: list[int], controls: list[int]) -> np.ndarray:
    residual = np.zeros((len(kept), len(matrix)))
    residual[np.arange(len(kept)), kept] = 1.0
    if controls:
        residual[:, controls] = -np.linalg.solve(matrix[np.ix_(controls, controls)], matrix[np.ix_(controls, kept)]).T
    lifted: np.ndarray = residual.T @ forms @ residual
    return lifted


def to_gradients(forms: np.ndarray) -> np.ndarray:
    """Derivatives by pairs of columns, of which both entries move, with nothing on the diagonal of correlations."""
    gradients = 2.0 * forms
    at = np.arange(forms.shape[1])
    gradients[:, at, at] = 0.0
    return gradients


# --- R² of one set of columns -----------------------------------------------------------------------------------------


def _explained(matrices: np.ndarray, columns: list[int]) -> np.ndarray:
    r = matrices[:, columns, 0]
    if len(columns) == 1:
        one: np.ndarray = (r**2)[:, 0] / matrices[:, columns[0], columns[0]]
        return one
    found: np.ndarray = (r * np.linalg.solve(matrices[:, columns][:, :, columns], r[:, :, None])[:, :, 0]).sum(axis=1)
    return found


def _explained_form(matrix: np.ndarray, columns: list[int]) -> np.ndarray:
    """With b the residual of the outcome on the columns: d(V_00 - b'Vb) = dV_00 - b' dV b."""
    b = np.zeros(len(matrix))
    b[0] = 1.0
    b[columns] = -np.linalg.solve(matrix[np.ix_(columns, columns)], matrix[columns, 0])
    form = -np.outer(b, b)
    form[0, 0] += 1.0
    return form


def _without(division: Division, which: int) -> list[int]:
    return [each for i, player in enumerate(division.players) if i != which for each in player]


def _columns(division: Division) -> list[int] | None:
    """The column of each player, where each has one."""
    return [player[0] for player in division.players] if all(len(each) == 1 for each in division.players) else None


def _alone(matrices: np.ndarray, division: Division) -> np.ndarray:
    columns = _columns(division)
    if columns is not None:
        one: np.ndarray = matrices[:, columns, 0] ** 2 / matrices[:, columns, columns]
        return one
    return np.stack([_explained(matrices, player) for player in division.players], axis=1)


def _alone_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    return np.stack([_explained_form(matrix, player) for player in division.players])


def _unique(matrices: np.ndarray, division: Division) -> np.ndarray:
    """β_j'(K_jj)⁻¹β_j with K the inverse of the drivers' covariance: what is lost where the block j goes."""
    inverse = np.linalg.inv(matrices[:, 1:, 1:])
    blocks = np.zeros((len(matrices), *matrices.shape[1:]))
    blocks[:, 1:, 1:] = inverse
    blocks[:, 1:, 0] = (inverse @ matrices[:, 1:, :1])[:, :, 0]
    return _alone(blocks, division)


def _unique_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    whole = _explained_form(matrix, list(range(1, len(matrix))))
    return np.stack([whole - _explained_form(matrix, _without(division, i)) for i in range(len(division.players))])


# --- mean gains over orders -------------------------------------------------------------------------------------------


def _lmg(matrices: np.ndarray, division: Division) -> np.ndarray:
    return plan_values(matrices, shapley_plan(division.players))


def _lmg_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    return plan_forms(matrix, shapley_plan(division.players))


def _grouped(division: Division) -> list[list[int]]:
    return [[column for i in group for column in division.players[i]] for group in division.groups]


def _owen(matrices: np.ndarray, division: Division) -> np.ndarray:
    found = np.empty((len(matrices), len(division.players)))
    for which, group in enumerate(division.groups):
        found[:, group] = plan_values(matrices, owen_plan(_grouped(division), which))[:, -len(group) :]
    return found


def _owen_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    forms = np.empty((len(division.players), *matrix.shape))
    for which, group in enumerate(division.groups):
        forms[group] = plan_forms(matrix, owen_plan(_grouped(division), which))[-len(group) :]
    return forms


# --- weights of single columns, summed over a player's ----------------------------------------------------------------


def _summed(columns: np.ndarray, division: Division) -> np.ndarray:
    own = _columns(division)
    if own is not None:
        of_one: np.ndarray = columns[np.array(own) - 1]
        return of_one
    return np.stack([columns[[each - 1 for each in player]].sum(axis=0) for player in division.players])


def _pratt(matrices: np.ndarray, division: Division) -> np.ndarray:
    r = matrices[:, 1:, 0]
    beta = np.linalg.solve(matrices[:, 1:, 1:], r[:, :, None])[:, :, 0]
    return _summed((r * beta).T, division).T


def _pratt_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    r, inverse = matrix[1:, 0], np.linalg.inv(matrix[1:, 1:])
    beta = inverse @ r
    forms = np.zeros((len(r), *matrix.shape))
    pull = r[:, None] * inverse  # d(βr) = pull (dr - dR β) + β dr
    outer = pull[:, :, None] * beta
    forms[:, 1:, 1:] = -(outer + np.swapaxes(outer, 1, 2)) / 2
    forms[:, 0, 1:] = forms[:, 1:, 0] = (pull + np.diag(beta)) / 2
    return _summed(forms, division)


def _roots(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standard deviations of the drivers, eigenvalues and eigenvectors of their correlations, and the outcome's r."""
    scale = np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1)[..., 1:])
    corr = matrices[..., 1:, 1:] / (scale[..., :, None] * scale[..., None, :])
    values, vectors = np.linalg.eigh(corr)
    return scale, values, vectors, matrices[..., 1:, 0] / scale


def _johnson(matrices: np.ndarray, division: Division) -> np.ndarray:
    _, values, vectors, r = _roots(matrices)
    root = (vectors * np.sqrt(values)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    b = np.linalg.solve(root, r[:, :, None])[:, :, 0]
    return _summed((root**2 @ (b**2)[:, :, None])[:, :, 0].T, division).T


def _johnson_forms(matrix: np.ndarray, division: Division) -> np.ndarray:
    """ε_j = Σ_k X_jk² b_k² with X = R^½ and b = X⁻¹r; X dX + dX X = dR, solved in R's eigenvectors."""
    scale, values, vectors, r = _roots(matrix)
    sigma = np.sqrt(values)
    root = (vectors * sigma) @ vectors.T
    b = np.linalg.solve(root, r)
    u = np.linalg.solve(root, (2 * root**2 * b).T).T  # by r: row j is X⁻¹ of 2 X_jk² b_k
    k = len(r)
    by_root = -u[:, :, None] * b
    by_root[np.arange(k), np.arange(k)] += 2 * root * b**2
    turned = vectors.T @ ((by_root + np.swapaxes(by_root, 1, 2)) / 2) @ vectors
    by_corr = vectors @ (turned / (sigma[:, None] + sigma)) @ vectors.T
    corr = (vectors * values) @ vectors.T
    forms = np.zeros((k, *matrix.shape))
    forms[:, 1:, 1:] = by_corr / np.outer(scale, scale)
    forms[:, 0, 1:] = forms[:, 1:, 0] = u / (2 * scale)
    at = np.arange(1, k + 1)
    forms[:, at, at] -= ((by_corr * corr).sum(axis=2) + u * r / 2) / scale**2
    return _summed(forms, division)


_Values = Callable[[np.ndarray, Division], np.ndarray]
KINDS: dict[str, tuple[_Values, _Values]] = {
    "lmg": (_lmg, _lmg_forms),
    "owen": (_owen, _owen_forms),
    "johnson": (_johnson, _johnson_forms),
    "pratt": (_pratt, _pratt_forms),
    "alone": (_alone, _alone_forms),
    "unique": (_unique, _unique_forms),
}
