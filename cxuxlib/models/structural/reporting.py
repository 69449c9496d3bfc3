"""The tidy table of a latent model: every parameter, standardised values, explained variances, defined parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxuxlib.errors import ArgumentError, CxuxError
from cxuxlib.formulas import build
from cxuxlib.models.structural.binding import THRESHOLD, Bound, named
from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.table import Row, Table
from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, INTERCEPT, State
from cxuxlib.stats.sem.standardised import Standard, explained, roots, standard_values, standardise

_ROUNDING = 1e-10  # of a value: an error that rounding made
KINDS = {"=~": "loading", "~": "path", "~1": "intercept", "|": "threshold", "~*~": "scale"}


def kind_of(row: Row) -> str:
    """What a row is called in the table of terms."""
    return KINDS.get(row.op) or ("variance" if row.lhs == row.rhs else "covariance")


class Solved(Protocol):
    """What the table of terms is made of, however the estimates were found: as in `Latent`."""

    @property
    def table(self) -> Table:
        """Parameters."""

    @property
    def bound(self) -> Bound:
        """The same, numbered and placed."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the groups."""

    @property
    def theta(self) -> np.ndarray:
        """Estimates."""

    @property
    def covariance(self) -> np.ndarray:
        """Of the estimates."""

    @property
    def states(self) -> list[State]:
        """Implied moments by group."""


class Piece(NamedTuple):
    """Some rows of the table of terms: their names, kinds and groups, their values, and the derivatives of these."""

    names: list[str]
    kinds: list[str]
    groups: list[int]
    values: np.ndarray
    slopes: np.ndarray


def terms(found: Solved, z: float) -> pd.DataFrame:
    """The table of terms: term, kind, (group), value, std_error, low, high, p."""
    parts = pieces(found)
    value, slope = np.concatenate([each.values for each in parts]), np.concatenate([each.slopes for each in parts])
    error = _delta(slope, found.covariance, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(error > 0, 2 * ndtr(-np.abs(value / error)), np.nan)
    columns = {"value": value, "std_error": error, "low": value - z * error, "high": value + z * error, "p": p}
    return pd.DataFrame(named_rows(found, parts) | columns, copy=False)


def named_rows(found: Solved, parts: list[Piece]) -> dict[str, list[str]]:
    """The columns that name the rows of the table of terms."""
    table = {"term": [name for each in parts for name in each.names], "kind": [x for each in parts for x in each.kinds]}
    if len(found.labels) > 1:
        table["group"] = [found.labels[g] if g >= 0 else "" for each in parts for g in each.groups]
    return table


def pieces(found: Solved) -> list[Piece]:
    """All that the table of terms tells: estimates and fixed values, defined, standardised and explained."""
    made, bound, theta = found.table, found.bound, found.theta
    size = len(theta)
    names, groups = [named(row, found.labels) for row in made.rows], [row.group for row in made.rows]
    free = bound.at >= 0
    values, plain = np.zeros(len(names)), np.zeros((len(names), size))
    values[free] = theta[bound.at[free]]
    plain[free, bound.at[free]] = 1.0
    for k in np.flatnonzero(~free):
        cells, (kind, i, j) = bound.groups[groups[k]], bound.place[k]
        values[k] = (cells.effects, cells.covariances)[kind][i, j] if kind <= COVARIANCE else cells.intercepts[i]
    parts = [Piece(names, [kind_of(row) for row in made.rows], groups, values, plain)]
    parts += _defined_piece(found, "defined", values, plain)
    of_group = np.array(groups)
    scaled = [Standard(np.zeros(len(names)), np.zeros((len(names), size))) for _ in ("std_all", "std_lv")]
    for g, (cells, state) in enumerate(zip(bound.groups, found.states, strict=True)):
        own = of_group == g
        of = np.flatnonzero(own & (bound.place[:, 0] <= INTERCEPT))
        kind, i, j = bound.place[of].T
        for made_of, made_here in zip(scaled, standardise(cells, state, kind, i, j, bound.at[of], size), strict=True):
            made_of.value[of], made_of.slope[of] = made_here
        rest = np.flatnonzero(own & (bound.place[:, 0] > INTERCEPT))
        if len(rest):
            whole, latent_only = scaled
            latent_only.value[rest], latent_only.slope[rest] = values[rest], plain[rest]
            whole.value[rest] = 1.0  # the scale of what is standardised
            cut = rest[bound.place[rest, 0] == THRESHOLD]
            deviation, moved = roots(cells, state, bound.place[cut, 1], size)
            whole.value[cut] = values[cut] / deviation
            whole.slope[cut] = (plain[cut] - whole.value[cut, None] * moved) / deviation[:, None]
    for label, (value, slope) in zip(("std_all", "std_lv"), scaled, strict=True):
        parts.append(Piece(names, [label] * len(names), groups, value, slope))
        parts += _defined_piece(found, label, value, slope)
    for g, (cells, state) in enumerate(zip(bound.groups, found.states, strict=True)):
        ends, at = _ends(made, g)
        shown = [f"{name} [{found.labels[g]}]" if len(found.labels) > 1 else name for name in ends]
        parts.append(Piece(shown, ["r2"] * len(ends), [g] * len(ends), *explained(cells, state, at, size)))
    return parts


def _ends(made: Table, g: int) -> tuple[list[str], np.ndarray]:
    """What is explained in a group, and its places."""
    order = {name: place for place, name in enumerate((*made.observed, *made.latent))}
    ends = [row.rhs if row.op == "=~" else row.lhs for row in made.rows if row.group == g and row.op in ("=~", "~")]
    ends = list(dict.fromkeys(ends))
    return ends, np.array([order[name] for name in ends], dtype=int)


def values_of(found: Solved, states: Sequence[State]) -> np.ndarray:
    """The values of `pieces` at many states of each group, shape (states, rows)."""
    made, bound = found.table, found.bound
    groups, kind = np.array([row.group for row in made.rows]), bound.place[:, 0]
    shape = len(states[0].eta), len(made.rows)
    plain, all_, lv = (np.zeros(shape) for _ in range(3))
    rest = []
    for g, state in enumerate(states):
        of = np.flatnonzero(groups == g)
        own, (_, i, j) = kind[of], bound.place[of].T
        p = len(made.observed)
        means = state.eta - (state.effects @ state.eta[..., None])[..., 0]
        plain[:, of] = np.where(own == EFFECT, state.effects[:, i, j], state.covariances[:, i, j])
        plain[:, of] = np.where(own == INTERCEPT, means[:, i], plain[:, of])
        all_[:, of], _ = standard_values(state, p, own, i, j)
        lv[:, of], _ = standard_values(state, p, own, i, j, latent_only=True)
        at, t = _ends(made, g)[1], state.eta.shape[1]
        variance, residual = (np.diagonal(x, axis1=1, axis2=2)[:, at] for x in (state.z[:, :, t:], state.covariances))
        rest.append(1 - residual / variance)
    parts = []
    for values in (plain, all_, lv):
        parts.append(values)
        if made.defined:
            none = np.zeros((values.shape[1], 0))
            parts.append(np.array([[each.value for each in _defined(found, row, none).values()] for row in values]))
    return np.hstack([*parts, *rest])


def _delta(slopes: np.ndarray, covariance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Standard errors by the delta method; NaN where a variance does not exist."""
    with np.errstate(invalid="ignore"):
        variance = ((slopes @ covariance) * slopes).sum(axis=1)
        moved = np.where(slopes != 0, np.abs(slopes) * np.sqrt(np.abs(np.diag(covariance))), 0.0).sum(axis=1)
        variance[(moved == 0) | (moved < _ROUNDING * np.abs(values))] = 0.0  # what the parameters do not move
        found: np.ndarray = np.sqrt(np.where(variance >= 0, variance, np.nan))
    return found


def _defined_piece(found: Solved, kind: str, values: np.ndarray, slopes: np.ndarray) -> list[Piece]:
    """Defined parameters, which are of no group; nothing where the model has none."""
    if not found.table.defined:
        return []
    made = _defined(found, values, slopes)
    value, slope = (np.array([getattr(each, part) for each in made.values()]) for part in ("value", "slope"))
    return [Piece(list(made), [kind] * len(made), [-1] * len(made), value, slope)]


def _defined(found: Solved, values: np.ndarray, slopes: np.ndarray) -> dict[str, Dual]:
    """Defined parameters, made of the values of labelled rows."""
    known: dict[str, Dual] = {}
    for k, row in enumerate(found.table.rows):
        if row.label and not row.label.startswith(".") and row.label not in known:
            known[row.label] = Dual(float(values[k]), slopes[k])
    made: dict[str, Dual] = {}
    for each in found.table.defined:
        formula, names = each.formula, {}
        for name, value in (known | made).items():  # labels may have dots, which formulas read as attributes
            plain = name
            while "." in name and (plain == name or plain in known or plain in made or plain in names):
                plain = plain.replace(".", "_") + "_"
            formula = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", plain, formula)
            names[plain] = value
        try:
            made[each.name] = build(formula, names, float)
        except CxuxError as error:
            raise ArgumentError(f"{each.name} := {each.formula} (line {each.line}): {error}") from error
    return made
