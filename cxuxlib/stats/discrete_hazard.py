"""Hazards in discrete time: the chance to leave in a period of those who are still there, fitted on counts."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from cxuxlib.errors import ModelError
from cxuxlib.stats.glm_newton import Climb, Height, climb

__all__ = ["Periods", "fit_periods", "person_periods", "spell_scores"]

Array = NDArray[np.float64]
Whole = NDArray[np.integer]
Mask = NDArray[np.bool_]
HazardLink = Literal["logit", "cloglog"]

_MOST = 50_000_000  # periods that distinct rows are laid out into


class Periods(NamedTuple):
    """Distinct covariates in a period: how many are at risk, and how many leave.

    Args:
        row: of each cell, its covariates, shape (c,).
        period: of each cell, the place of its period, shape (c,).
        at_risk, left: sums of weights, shape (c,).
        spell: of each distinct spell and period it was at risk in, the spell; cell: the cell.
        last: of each distinct spell, the cell of its last period, -1 where that tells nothing.
        numbers: of the periods, shape (P,).
        silent: numbers of the periods left out, in which nobody left, or everybody.
        n: units times periods.
    """

    row: Whole
    period: Whole
    at_risk: Array
    left: Array
    spell: Whole
    cell: Whole
    last: Whole
    numbers: Whole
    silent: Whole
    n: float


def person_periods(
    row: Whole, entry: Array, exit: Array, seen: Mask, sizes: tuple[Array, Array], *, each: bool = True
) -> Periods:
    """Lay spells out into the periods entry + 1, ..., exit, and count equal ones together.

    A period in which nobody left, or everybody, has an infinite intercept of its own and tells of nothing else: where
    each period has one, leaving it out changes nothing.

    Args:
        row: of each distinct spell, its covariates.
        entry, exit: whole numbers.
        seen: whether it ends with the event.
        sizes: units of each distinct spell, and the sum of their weights.
        each: whether each period has an intercept of its own.

    Raises:
        ModelError: there are too many periods.

    >>> one = np.ones(2)
    >>> found = person_periods(np.zeros(2, int), np.zeros(2), np.array([1.0, 2.0]), one > 0, (one, one))
    >>> found.numbers.tolist(), found.at_risk.tolist(), found.left.tolist(), found.silent.tolist()
    ([1], [2.0], [1.0], [2])
    """
    n, w = sizes
    length = np.rint(exit - entry).astype(np.int64)
    if length.sum() > _MOST:
        raise ModelError(
            f"These are {int(length.sum()):,} periods of distinct rows; take longer periods, round predictors, or take "
            "kind='cox'."
        )
    spell = np.repeat(np.arange(len(length)), length)
    start = np.cumsum(length) - length
    number = np.rint(entry).astype(np.int64)[spell] + 1 + np.arange(len(spell)) - start[spell]
    ends = np.zeros(len(spell), dtype=bool)
    ends[start + length - 1] = seen
    most = int(number.max()) + 1
    there, gone = (np.bincount(number, w[spell] * part, most) for part in (1, ends))
    tells = (gone > 0) & (gone < there) if each else there > 0
    numbers = np.flatnonzero(tells)
    kept = tells[number]
    place = np.cumsum(tells) - 1
    key = row[spell].astype(np.int64) * most + place[number]
    distinct, cell = np.unique(key[kept], return_inverse=True)
    own = spell[kept]
    at_risk = np.bincount(cell, w[own], len(distinct)).astype(float)
    left = np.bincount(cell, w[own] * ends[kept], len(distinct)).astype(float)
    last = np.full(len(length), -1)
    last[own[ends[kept]]] = cell[ends[kept]]
    return Periods(
        distinct // most, distinct % most, at_risk, left, own, cell, last, numbers,
        np.flatnonzero((there > 0) & ~tells), float(n[own].sum()),
    )  # fmt: skip


def _pieces(line: Array, link: HazardLink) -> tuple[Array, Array, Array, Array]:
    """Of a line: ln chance to leave, ln chance to stay, and the slopes of both."""
    if link == "logit":
        h = expit(line)
        return -np.logaddexp(0, -line), -np.logaddexp(0, line), 1 - h, -h
    m = np.exp(line)
    h = -np.expm1(-m)
    return np.log(h), -m, m * np.exp(-m) / h, -m


def fit_periods(cells: Periods, x: Array, basis: Array, link: HazardLink) -> Climb:
    """Maximise Σ left ln h + (at risk - left) ln(1 - h), with h of the line basis[period] a + x[row] b.

    h = 1/(1 + exp(-line)) ("logit", proportional odds of leaving in a period), or 1 - exp(-exp(line)) ("cloglog",
    proportional hazards of times that were only recorded by period). The parameters are a, then b.

    Args:
        cells: as of `person_periods`.
        x: distinct covariates, scaled, shape (r, k).
        basis: of each period, what its intercept is made of, shape (P, b).
        link: "logit" or "cloglog".

    Source: Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Prentice & Gloeckler 1978, doi:10.2307/2529588 (cloglog);
    Allison 1982, doi:10.2307/270718. Checked against: R's glm on one row per person and period.
    """
    b, k = basis.shape[1], x.shape[1]
    stay = cells.at_risk - cells.left

    def height(at: Array) -> Height:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            line = (basis @ at[:b])[cells.period] + (x @ at[b:])[cells.row]
            ln_left, ln_stay, up, down = _pieces(line, link)
            value = float(cells.left @ ln_left + stay @ ln_stay)
            slope = cells.left * up + stay * down
            if link == "logit":
                weight = cells.at_risk * -down * up
            else:  # -up · d ln up: the observed, not the expected information
                weight = cells.left * up * (-down / np.exp(ln_left) - 1) - stay * down
        if not (np.isfinite(value) and np.isfinite(slope).all() and np.isfinite(weight).all()):
            return Height(-np.inf, np.zeros(b + k), np.eye(b + k))
        by_period, by_row = np.bincount(cells.period, slope, len(basis)), np.bincount(cells.row, slope, len(x))
        information = np.empty((b + k, b + k))
        information[:b, :b] = (basis * np.bincount(cells.period, weight, len(basis))[:, None]).T @ basis
        information[b:, b:] = (x * np.bincount(cells.row, weight, len(x))[:, None]).T @ x
        both = np.column_stack([
            np.bincount(cells.period, weight * column[cells.row], len(basis)) for column in x.T
        ])  # fmt: skip
        information[:b, b:] = basis.T @ both
        information[b:, :b] = information[:b, b:].T
        return Height(value, np.concatenate([basis.T @ by_period, x.T @ by_row]), information)

    share = cells.left.sum() / cells.at_risk.sum()
    start = np.log(share / (1 - share)) if link == "logit" else np.log(-np.log1p(-share))
    level = np.linalg.lstsq(basis, np.full(len(basis), start), rcond=None)[0]
    return climb(height, np.concatenate([level, np.zeros(k)]), float(cells.left.sum()))


def spell_scores(cells: Periods, x: Array, basis: Array, link: HazardLink, at: Array) -> Array:
    """Score of one unit of each distinct spell, all its periods together, shape (spells, b + k)."""
    b = basis.shape[1]
    line = (basis @ at[:b])[cells.period] + (x @ at[b:])[cells.row]
    up, down = _pieces(line, link)[2:]
    design = np.column_stack([basis[cells.period], x[cells.row]])
    shape = (len(cells.last), len(design))
    where = csr_array((down[cells.cell], (cells.spell, cells.cell)), shape=shape)
    scores: Array = where @ design
    ends = cells.last >= 0
    own = cells.last[ends]
    scores[ends] += design[own] * (up - down)[own][:, None]
    return scores
