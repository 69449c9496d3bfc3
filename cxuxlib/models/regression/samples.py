"""Rows or counts become distinct answers on distinct covariates, with weights and clusters."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed
from cxuxlib.frames import cells
from cxuxlib.frames.distinct import ADVICE
from cxuxlib.frames.reading import check_roles
from cxuxlib.models.regression.designs import Design, Plan, design
from cxuxlib.results import Moments
from cxuxlib.stats.glm import Scaled, scaled, tied
from cxuxlib.stats.glm_errors import Grouping


class Sample(NamedTuple):
    """What a regression is fitted on.

    Args:
        table: distinct rows of the covariates, shape (r, ...).
        answers: outcome columns of the distinct answers, shape (m, ...).
        row: of each distinct answer, its covariates, shape (m,).
        n: units of each distinct answer; w: sum of their weights; ww: of the squares of their weights.
        n_units: units of positive weight.
        n_missing: units left out because a value is missing.
        n_weightless: complete units left out because their weight is 0.
        weighted: whether there are sampling weights.
        clusters: which rows belong together; None where rows are units.
        design: columns of the right side on the distinct covariates.
        counted: whether rows that are alike were counted; where a column hardly repeats, each stays as it is.
    """

    table: pd.DataFrame
    answers: pd.DataFrame
    row: np.ndarray
    n: np.ndarray
    w: np.ndarray
    ww: np.ndarray
    n_units: int
    n_missing: int
    n_weightless: int
    weighted: bool
    clusters: Grouping | None
    design: Design
    counted: bool

    def row_weights(self) -> np.ndarray:
        """Sum of weights of each distinct row of the covariates."""
        return np.bincount(self.row, weights=self.w, minlength=len(self.table))


def read(
    plan: Plan,
    data: Any,
    *,
    unit: str | EllipsisType | None,
    weight: str | None,
    frequency: str | None,
    advice: str = ADVICE,
) -> Sample:
    """Read a frame into a `Sample`, refusing covariates that no effect can be told of."""
    if isinstance(data, Moments):
        raise ArgumentError("Moments allow models.linear without robust errors only; this needs rows or counts.")
    check_roles(data, weight, frequency, unit)
    if unit is not ... and unit in (*plan.answers, *plan.covariates):
        raise ArgumentError(f"{unit!r} is the unit and stands in the formula.")
    columns = dict.fromkeys([*plan.covariates, *plan.answers])
    found = cells(data, list(columns), unit=unit, weight=weight, frequency=frequency, advice=advice)
    n_units = round(found.n.sum()) - found.n_weightless
    if not n_units:
        why = " of positive weight" if found.n_weightless else ""
        raise SampleError(f"There is no complete row{why} in {listed(columns)} ({found.n_missing:,} are incomplete).")
    table, n, w, ww, clusters = found.columns, found.n, found.w, found.ww, found.clusters
    group = None
    if clusters is not None:
        if clusters.n < 2:
            raise SampleError(f"All rows belong to one {unit!r}; errors by cluster need at least two.")
        group = Grouping(clusters.cell, clusters.code, clusters.w, clusters.n)
    weighs = w > 0
    if not weighs.all():
        table = {name: column[weighs] for name, column in table.items()}
        n, w, ww = n[weighs], w[weighs], ww[weighs]
        if group is not None:
            group = group._replace(cell=(np.cumsum(weighs) - 1).astype(np.int32).take(group.cell))
    codes = [_codes(table[name]) for name in plan.covariates]
    constant = [name for name, each in zip(plan.covariates, codes, strict=True) if (each == each[0]).all()]
    if constant:
        raise ModelError(f"Every complete row has the same value in {listed(constant)}; its effect cannot be told.")
    first, row = _runs(codes, len(n))
    distinct = {name: table[name].take(first) for name in plan.covariates}
    for name, column in distinct.items():
        if isinstance(column, pd.Categorical):
            distinct[name] = column.remove_unused_categories()
    covariates = pd.DataFrame(distinct) if distinct else pd.DataFrame(index=range(len(first)))
    answers = pd.DataFrame({name: table[name] for name in plan.answers})
    return Sample(
        covariates, answers, row, n, w, ww, n_units, found.n_missing, found.n_weightless, weight is not None, group,
        design(plan.right, covariates), found.counted,
    )  # fmt: skip


def _codes(column: Any) -> np.ndarray:
    codes: np.ndarray = column.codes if isinstance(column, pd.Categorical) else column
    return codes


def _runs(codes: list[np.ndarray], m: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a new row of covariates begins, and of each row the number of its run; distinct rows come in order."""
    new = np.zeros(m, dtype=bool)
    new[0] = True
    for each in codes:
        new[1:] |= each[1:] != each[:-1]
    return np.flatnonzero(new), np.cumsum(new) - 1


def scaled_design(names: tuple[str, ...], columns: np.ndarray, w: np.ndarray, *, center: bool) -> Scaled:
    """A design scaled for computing, refused where a column is constant or others determine it.

    Args:
        names: of the columns.
        columns: shape (r, k).
        w: weights, shape (r,).
        center: whether an intercept, among the columns or in thresholds, takes up the means.
    """
    own = names.index("Intercept") if "Intercept" in names else None
    made = scaled(columns, w, own, center)
    constant = [name for name, scale in zip(names, made.scale, strict=True) if not scale > 0]
    if constant:
        raise ModelError(f"{listed(constant)} has the same value in all rows; its effect cannot be told.")
    direction = tied(made.columns, w)
    if direction is not None:
        among = [name for name, each in zip(names, abs(direction), strict=True) if each > 1e-4]
        raise ModelError(f"The columns {listed(among)} determine each other exactly; leave at least one out.")
    return made


def enough(n: int, parameters: int) -> None:
    """Refuse no more units than parameters."""
    if n <= parameters:
        raise SampleError(f"{n:,} complete rows for {parameters} parameters; more rows than parameters are needed.")
