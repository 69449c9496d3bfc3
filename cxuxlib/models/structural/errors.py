"""How sure the estimates are, and what is wrong with a solution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxuxlib.errors import listed
from cxuxlib.models.structural.binding import Bound, named
from cxuxlib.models.structural.fitting import Normal
from cxuxlib.models.structural.options import Estimator, LatentOptions
from cxuxlib.models.structural.table import Table
from cxuxlib.stats.sem.moments import Part, meat_of_moments
from cxuxlib.stats.sem.normal import Block, curve
from cxuxlib.stats.sem.paths import State, delta
from cxuxlib.stats.sem.scores import gamma, moments_vector, saturated

_NO_VARIANCE = 1e-12  # share of an item's variance


def covariance(fit: Normal, estimator: Estimator, options: LatentOptions, fiml: bool) -> tuple[np.ndarray, str]:
    """Covariance of the estimates, and how it was made.

    From the information I of one unit: I⁻¹/n; "mlr" I⁻¹BI⁻¹/n with B the spread of the scores (Huber 1967, White 1982);
    "mlm" the same with the spread of the moments and the expected information (Satorra & Bentler 1994).
    """
    which = options.information or ("observed" if estimator == "mlr" or fiml else "expected")
    information = fit.observed if which == "observed" else fit.solution.curve.expected
    with np.errstate(all="ignore"):
        try:
            bread = np.linalg.inv(information) / fit.n
        except np.linalg.LinAlgError:
            bread = np.full_like(information, np.nan)
        if estimator == "mlr":
            return bread @ fit.meat @ bread * fit.n, f"robust errors from the {which} information"
        if estimator == "mlm":
            return bread @ meat_of_moments(parts_of(fit)) @ bread * fit.n, f"robust errors from the {which} information"
    return bread, f"errors from the {which} information"


def parts_of(fit: Normal) -> list[Part]:
    """By group: derivative of the moments, their normal-theory weight at the implied moments, and their spread."""
    found = []
    size = len(fit.solution.theta)
    for cells, state, group, rows in zip(fit.cells, fit.states, fit.groups, fit.rows, strict=True):
        weight = normal_weight(state.mu, state.sigma, fit.means)
        spread = gamma(rows.x, rows.many, fit.means, fit.causes)
        found.append(Part(group.n / fit.n, delta(cells, state, size), weight, spread))
    return found


def normal_weight(mean: np.ndarray, covariances: np.ndarray, means: bool) -> np.ndarray:
    """Inverse of the asymptotic covariance that moments have under normality."""
    cells, theta = saturated(mean, covariances, (), means)
    block = Block(None, 1.0, mean if means else np.zeros_like(mean), covariances)
    found = curve([cells], [[block]], theta, observed=False)
    assert found is not None
    assert np.array_equal(theta, moments_vector(mean, covariances, means))
    return found.expected


def cautions(
    made: Table, bound: Bound, fit: Normal, spread: np.ndarray, labels: Sequence[str], loose: Sequence[str]
) -> tuple[str, ...]:
    """What is wrong with a solution by likelihood, in sentences; nothing where it is proper."""
    said = []
    if not fit.solution.converged:
        said.append(f"No convergence after {fit.solution.steps} steps: the estimates are where the search stopped.")
    if loose:
        said.append(f"Singular information: the data cannot tell apart {listed(loose)}; these have no errors.")
    elif not (np.diag(spread) > 0).all():
        said.append("The information is not positive definite at the estimates, so that some have no errors.")
    return (*said, *improper(made, bound, fit.solution.theta, fit.states, labels))


def improper(
    made: Table, bound: Bound, theta: np.ndarray, states: Sequence[State], labels: Sequence[str]
) -> tuple[str, ...]:
    """Estimates that no population could have, and models that no data could test, in sentences."""
    said = []
    for k, row in enumerate(made.rows):
        if row.op == "~~" and row.lhs == row.rhs:
            size = theta[bound.at[k]] if bound.at[k] >= 0 else row.value
            if size < 0 and not row.exogenous:
                said.append(f"Negative variance: {named(row, labels)} = {size:.4g}.")
    p, t = len(made.observed), len(made.observed) + len(made.latent)
    for g, state in enumerate(states):
        where = f" [{labels[g]}]" if len(labels) > 1 else ""
        whole = state.z[:, t:]
        for a in map(int, np.flatnonzero(_still(state, p, t))):
            name, size = (*made.observed, *made.latent)[a], whole[a, a]
            said.append(f"No variance: {name}{where} varies by {size:.4g}, so that it has no standardised values.")
        names = (*made.observed, *made.latent)
        items = {row.rhs for row in made.rows if row.op == "=~"}
        beside = [k for k, name in enumerate(made.observed) if name not in items]
        for a in range(p, t):
            for b in (*beside, *range(a + 1, t)):
                size = whole[a, a] * whole[b, b]
                if size > 0 and abs(whole[a, b]) > (1 + 1e-9) * np.sqrt(size):
                    r = whole[a, b] / np.sqrt(size)
                    said.append(f"Correlation beyond 1: {names[a]} with {names[b]}{where} = {r:.4g}.")
        for what, part in (("latent", slice(p, t)), ("residual", slice(0, p))):
            block = state.covariances[part, part]
            if _indefinite(block) and (np.diag(block) >= 0).all():
                said.append(f"The {what} covariance matrix{where} is not positive definite.")
    return (*said, *_equivalent(made))


def _still(state: State, p: int, t: int) -> np.ndarray:
    """Which variables do not vary: on the scale of what they move among the observed ones, whatever their unit."""
    whole = np.diag(state.z[:, t:])
    moved = state.z[:p, :t] ** 2 * whole / np.diag(state.sigma)[:, None]
    most = np.abs(moved).max(axis=0)
    found: np.ndarray = (whole <= 0) | (most <= _NO_VARIANCE) & (most > 0)
    return found


def _indefinite(matrix: np.ndarray) -> bool:
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale[scale == 0] = 1.0
    return bool(len(matrix)) and float(np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0]) < -1e-9


def _equivalent(made: Table) -> list[str]:
    """Second-order factors of three facets, which nothing else is tied to: the same model as correlated factors."""
    rows = [row for row in made.rows if row.group == 0]
    said = []
    for factor in made.latent:
        facets = [row.rhs for row in rows if row.op == "=~" and row.lhs == factor]
        if not facets or len(facets) > 3 or any(each not in made.latent for each in facets):
            continue
        tied = {factor, *facets}
        outside = any(
            (row.op == "~" and tied & {row.lhs, row.rhs})
            or (row.op == "~~" and row.lhs != row.rhs and tied & {row.lhs, row.rhs} and (row.free or row.value != 0))
            or (row.op == "=~" and row.rhs in tied and row.lhs != factor)
            for row in rows
        )
        items = any(row.op == "=~" and row.lhs == factor and row.rhs in made.observed for row in rows)
        if not outside and not items:
            said.append(
                f"{factor!r} has {len(facets)} facets, so it fits exactly as the facets' correlations do: these data "
                "cannot test it. A second-order factor takes four or more."
            )
    return said
