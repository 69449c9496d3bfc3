"""How much worse a model fits that holds a latent correlation at a value, or takes two factors for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import nan, sqrt
from typing import NamedTuple

import numpy as np

from cxuxlib.errors import ModelError
from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.errors import covariance
from cxuxlib.models.structural.fitting import Latent, solve
from cxuxlib.models.structural.table import Row, Table
from cxuxlib.stats.sem import indices


class Held(NamedTuple):
    """The test of a restriction: chi-square, degrees of freedom, p, and why there is none."""

    chi2: float
    df: int
    p: float
    why: str = ""


def held_at(found: Latent, a: str, b: str, value: float, slopes: Sequence[Dual]) -> Held:
    """Test that two factors correlate by ``value``, with both scaled to a variance of 1 before.

    The scale matters: a covariance held at .9 beside free variances is no correlation of .9.

    Args:
        found: a fitted model of one group.
        a, b: the factors.
        value: their correlation, -1 to 1.
        slopes: the correlation, as a number of the parameters of ``found``.
    """
    made = found.table
    why = next((said for said in (_scaled(made, name)[1] for name in (a, b)) if said), "")
    free = [row for row in made.rows if row.op == "~~" and {row.lhs, row.rhs} == {a, b}]
    if not free or not free[0].free or free[0].label:
        why = why or f"the covariance of {a!r} and {b!r} is no free parameter of the model"
    if why:
        return Held(nan, 1, nan, why)
    rows: list[Row] = list(made.rows)
    for name in (a, b):
        rows = _scaled(replace(made, rows=tuple(rows)), name)[0]
    size = {row.lhs: row.value for row in rows if row.op == "~~" and row.lhs == row.rhs and not row.free}
    held = value * sqrt(size[a] * size[b])
    rows = [
        replace(row, value=held, free=False) if row.op == "~~" and {row.lhs, row.rhs} == {a, b} else row for row in rows
    ]
    return _test(found, replace(made, rows=tuple(rows), defined=()), slopes)


def merged(found: Latent, a: str, b: str, slopes: Sequence[Dual]) -> Held:
    """Test that two factors are one: all items of both measure the first.

    Args:
        found: a fitted model of one group, of factors that all covary.
        a, b: the factors.
        slopes: what is 0 then (the distance of their correlation from ±1, and those of their correlations with other
            factors), as numbers of the parameters of ``found``.
    """
    made = found.table
    if any(row.op == "~" or (row.op == "=~" and row.rhs in made.latent) for row in made.rows):
        return Held(nan, len(slopes), nan, "the model is more than factors that covary")
    tied = [row for row in made.rows if row.op == "~~" and row.lhs != row.rhs and {row.lhs, row.rhs} <= {*made.latent}]
    if not all(row.free and not row.label for row in tied):
        return Held(nan, len(slopes), nan, "factors of this model are kept from covarying freely")
    own, others = ({row.rhs for row in made.rows if row.op == "=~" and row.lhs == name} for name in (a, b))
    if own & others:
        return Held(nan, len(slopes), nan, f"{a!r} and {b!r} share items")
    rows = []
    for row in made.rows:
        if row.op in ("~~", "~1") and b in (row.lhs, row.rhs):
            continue
        if row.op == "=~" and row.lhs == b:
            rows.append(replace(row, lhs=a, value=nan, free=True, label=""))
            continue
        rows.append(row)
    latent = tuple(name for name in made.latent if name != b)
    return _test(found, replace(made, rows=tuple(rows), latent=latent, defined=()), slopes)


def _scaled(made: Table, factor: str) -> tuple[list[Row], str]:
    """The rows with a factor's variance fixed and its loadings free, or why they cannot be."""
    rows = list(made.rows)
    own = [k for k, row in enumerate(rows) if row.op == "~~" and row.lhs == row.rhs == factor]
    loadings = [k for k, row in enumerate(rows) if row.op == "=~" and row.lhs == factor]
    if not own or any(row.op == "~" and row.lhs == factor for row in rows):
        return rows, f"{factor!r} is explained by others, so that its correlation is no parameter"
    if any(row.op == "=~" and row.rhs == factor for row in rows):
        return rows, f"{factor!r} is measured as part of another factor, so that its correlation is no parameter"
    variance = rows[own[0]]
    if not variance.free:
        return rows, "" if variance.value > 0 else f"{factor!r} has no variance"
    labels = {rows[k].label for k in loadings} - {""}
    if variance.label or any(row.label in labels for k, row in enumerate(rows) if k not in loadings):
        return rows, f"labels tie the scale of {factor!r} to other parameters"
    fixed = [k for k in loadings if not rows[k].free and rows[k].value != 0]
    if len({rows[k].value for k in fixed}) > 1:
        return rows, f"the loadings of {factor!r} are fixed to several values"
    rows[own[0]] = replace(variance, value=1.0, free=False)
    for k in fixed:
        rows[k] = replace(rows[k], value=nan, free=True, label=f".{factor}" if len(fixed) > 1 else "")
    return rows, ""


def _test(found: Latent, made: Table, slopes: Sequence[Dual]) -> Held:
    """The difference of chi-squares; by "mlm" and "mlr" divided by its scaling factor at the unrestricted fit.

    That is tr((JVJ')⁻¹JRJ')/m, with J the slopes of m restrictions, V and R the plain and the robust covariance of the
    estimates (Satorra 2000, doi:10.1007/978-1-4615-4603-0_17).
    """
    df = len(slopes)
    if not found.fit.solution.converged:
        return Held(nan, df, nan, "the search for the model itself did not converge")
    scale = 1.0
    if found.estimator != "ml":
        which = found.options.information or ("observed" if found.estimator == "mlr" or found.fiml else "expected")
        plain, _ = covariance(found.fit, "ml", replace(found.options, information=which), found.fiml)
        j = np.array([each.slope for each in slopes])
        spread = j @ plain @ j.T
        if not (np.isfinite(spread).all() and np.linalg.cond(spread) < 1e12):
            return Held(nan, df, nan, "the estimates have no errors")
        scale = float(np.trace(np.linalg.solve(spread, j @ found.covariance @ j.T))) / df
    try:
        bound, least = solve(made, found.groups)
    except ModelError as error:
        return Held(nan, df, nan, str(error))
    if len(found.theta) - len(bound.names) != df:
        return Held(nan, df, nan, "the restricted model is no special case of the model")
    if not least.solution.converged:
        return Held(nan, df, nan, "the search for the restricted model did not converge")
    chi2 = max(found.n * (least.solution.curve.value - found.fit.solution.curve.value), 0.0) / scale
    return Held(chi2, df, indices.chi2_p(chi2, df))
