"""Where a latent model misfits: what freeing a fixed parameter would gain, and what is left of each covariance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from cxuxlib.models.structural.binding import named, place
from cxuxlib.models.structural.errors import normal_weight
from cxuxlib.models.structural.fitting import Latent, blocks_of, raw_of
from cxuxlib.models.structural.table import Row, key
from cxuxlib.results import Fit
from cxuxlib.stats.sem.moments import inverted
from cxuxlib.stats.sem.normal import curve
from cxuxlib.stats.sem.paths import COVARIANCE, EFFECT, INTERCEPT, delta, implied, lower
from cxuxlib.stats.sem.scores import saturated

__all__ = ["modification", "residuals"]

_ROUNDING = 1e-10  # of a moment's variance: what rounding leaves of a residual that the model sets to 0


def modification(fit: Fit, *, least: float = 0.0) -> pd.DataFrame:
    """What χ² would fall by if one more parameter were free, and what its value would be.

    The score test: with d the slope of the log-likelihood of one unit in the new parameter and V its information given
    the free ones, MI = n d²/V and the expected change is d/V. A list to think about, not to pick from: parameters freed
    because an index is large fit the sample's accidents.

    Args:
        fit: a fit of `latent`.
        least: indices below it are left out; 3.84 is the 5% point of one test.

    Returns:
        One row per parameter that is not in the model, largest first: term, kind, (group), mi, p, change, change_std.

    Raises:
        ArgumentError: something that is no fit of `latent`.

    Source: Sörbom 1989, doi:10.1007/BF02294623. Checked against: lavaan's modindices.

    >>> from cxuxlib.models.structural.estimating import latent
    >>> from cxuxlib.results import Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> shared[0, 3] = shared[3, 0] = 0.6
    >>> moments = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> modification(latent("UX =~ u1 + u2 + u3; CX =~ c1 + c2 + c3", moments), least=3.84)["term"].tolist()[0]
    'u1 ~~ c1'
    """
    found = raw_of(fit)
    rows = list(_candidates(found))
    inverse = inverted(found.fit.solution.curve.expected)
    values = [_gain(found, row, inverse) for row in rows]
    several = len(found.labels) > 1
    table = pd.DataFrame({
        "term": [named(row, found.labels) for row in rows],
        "kind": [{"=~": "loading", "~": "path"}.get(row.op, "covariance") for row in rows],
        "group": [found.labels[row.group] for row in rows],
        "mi": [each[0] for each in values],
        "p": [float(chdtrc(1, each[0])) for each in values],
        "change": [each[1] for each in values],
        "change_std": [each[2] for each in values],
    })  # fmt: skip
    table = table if several else table.drop(columns="group")
    return table[table["mi"] >= least].sort_values("mi", ascending=False, ignore_index=True, kind="stable")


def _candidates(found: Latent) -> Iterator[Row]:
    """Cross-loadings, covariances of residuals, and paths among what has paths, where the model has none."""
    made = found.table
    items = [name for name in made.observed if any(row.op == "=~" and row.rhs == name for row in made.rows)]
    ends = dict.fromkeys(row.lhs for row in made.rows if row.op == "~")
    tied = [*ends, *(row.rhs for row in made.rows if row.op == "~" and row.rhs not in ends)]
    own = [name for name in made.observed if name not in made.causes]
    pairs = [*combinations(own, 2), *combinations(made.latent, 2)]
    for group in range(made.n_groups):
        there = {key(row.op, row.lhs, row.rhs) for row in made.rows if row.group == group and (row.free or row.value)}
        paths = {(row.lhs, row.rhs) for row in made.rows if row.op == "~"}
        wanted = [("=~", factor, item) for factor in made.latent for item in items]
        wanted += [("~~", a, b) for a, b in pairs if (a, b) not in paths and (b, a) not in paths]
        wanted += [("~", a, b) for a in ends for b in dict.fromkeys(tied) if a != b and (b, a) not in paths]
        for op, a, b in wanted:
            if key(op, a, b) not in there:
                yield Row(op, a, b, group, 0.0, True)


def _gain(found: Latent, row: Row, inverse: np.ndarray) -> tuple[float, float, float]:
    """Modification index, expected change, and the change on standardised variables."""
    order = {name: place for place, name in enumerate((*found.table.observed, *found.table.latent))}
    kind, i, j = place(row, order)
    k, cells = len(found.theta), list(found.fit.cells)
    own = cells[row.group]
    cells[row.group] = replace(
        own, kind=np.append(own.kind, kind), i=np.append(own.i, i), j=np.append(own.j, j), at=np.append(own.at, k)
    )
    there = curve(cells, blocks_of(found.groups, found.table.means), np.append(found.theta, 0.0), observed=False)
    if there is None:
        return 0.0, np.nan, np.nan
    information = there.expected
    spread = float(information[k, k] - information[k, :k] @ inverse @ information[:k, k])
    if not spread > 1e-8 * information[k, k]:  # the model already says all there is to say of it
        return 0.0, np.nan, np.nan
    slope = -float(there.slope[k]) / 2
    change = slope / spread
    state = found.fit.states[row.group]
    t = len(state.eta)
    variance, residual = np.diag(state.z[:, t:]), np.diag(state.covariances)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(variance[j] / variance[i]) if kind == EFFECT else 1 / np.sqrt(residual[i] * residual[j])
    standard = change * float(scale) if np.isfinite(scale) else np.nan
    return found.n * slope**2 / spread, change, standard


def residuals(fit: Fit) -> pd.DataFrame:
    """What a model leaves of each covariance, and of each mean where means are modelled.

    The residual is the observed less the implied moment; as correlation it is of the two correlation matrices; z
    divides it by its standard error under normality, from (I - Δ(Δ'VΔ)⁻¹Δ'V) Γ (I - Δ(Δ'VΔ)⁻¹Δ'V)'/n with V = Γ⁻¹ at
    the implied and Γ at the observed moments; with missing answers both from the information
    observed at the implied ones, which makes z of variances too small (its spread .6 in simulations).
    A residual that the model sets to 0, as those among observed causes are, has no error (NaN).

    Args:
        fit: a fit of `latent`.

    Returns:
        One row per moment: a, b (empty for a mean), (group), observed, implied, residual, correlation, std_error, z, p.

    Raises:
        ArgumentError: something that is no fit of `latent`.

    Source: Ogasawara 2001, doi:10.1207/S15328007SEM0803_02; Maydeu-Olivares 2017, doi:10.1007/s11336-016-9552-7.
    Checked against: lavaan's residuals (raw, cor.bentler, standardized).

    >>> from cxuxlib.models.structural.estimating import latent
    >>> from cxuxlib.results import Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> shared[0, 5] = shared[5, 0] = 0.6
    >>> moments = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> left = residuals(latent("UX =~ u1 + u2 + u3; CX =~ c1 + c2 + c3", moments))
    >>> left.loc[left["z"].abs().idxmax(), ["a", "b"]].tolist()
    ['u1', 'c3']
    """
    found = raw_of(fit)
    parts = [_left(found, g) for g in range(len(found.groups))]
    table = pd.concat(parts, ignore_index=True)
    return table if len(found.labels) > 1 else table.drop(columns="group")


def _left(found: Latent, g: int) -> pd.DataFrame:
    """Residuals of one group."""
    state, group = found.fit.states[g], found.groups[g]
    names, means = found.table.observed, found.table.means
    if group.mean is None or group.covariance is None:
        best = found.best.states[g]
        mean, covariance = best.mu, best.sigma
    else:
        mean, covariance = group.mean, group.covariance
    row, col = lower(len(names))
    seen, hoped = covariance[row, col], state.sigma[row, col]
    scale, implied_scale = np.sqrt(np.diag(covariance)), np.sqrt(np.diag(state.sigma))
    apart = seen / (scale[row] * scale[col]) - hoped / (implied_scale[row] * implied_scale[col])
    a, b = [names[k] for k in col], [names[k] for k in row]
    if means:
        seen, hoped = np.concatenate([mean, seen]), np.concatenate([state.mu, hoped])
        apart = np.concatenate([mean / scale - state.mu / implied_scale, apart])
        a, b = [*names, *a], [""] * len(names) + b
    error = _errors(found, g)
    with np.errstate(invalid="ignore"):
        z = (seen - hoped) / error
    return pd.DataFrame({
        "a": a, "b": b, "group": found.labels[g], "observed": seen, "implied": hoped, "residual": seen - hoped,
        "correlation": apart, "std_error": error, "z": z, "p": 2 * ndtr(-np.abs(z)),
    })  # fmt: skip


def _errors(found: Latent, g: int) -> np.ndarray:
    """Standard errors of a group's residuals: the spread of the moments, less what the parameters take up.

    Moments of causes, which a model takes as they are, take up their own: they are no residuals of it.
    """
    share, group = found.groups[g].n / found.n, found.groups[g]
    weight, slopes = _weight(found, g), _slopes(found, g)
    try:
        taken = slopes @ np.linalg.inv(_bread(found)) @ slopes.T
        if found.causes:
            own = _slopes(found, g, of_causes=True)
            taken += own @ np.linalg.inv(share * own.T @ weight @ own) @ own.T
        if group.mean is None or group.covariance is None:
            moments = np.linalg.inv(weight)
        else:
            moments = np.linalg.inv(normal_weight(group.mean, group.covariance, found.table.means))
        rest = np.eye(len(taken)) - share * taken @ weight
        spread = np.diag(rest @ moments @ rest.T) / group.n
    except np.linalg.LinAlgError:
        return np.full(len(slopes), np.nan)
    whole = np.diag(moments) / group.n
    found_errors: np.ndarray = np.sqrt(np.where(spread > _ROUNDING * whole, spread, np.nan))
    return found_errors


def _bread(found: Latent) -> np.ndarray:
    """Information of the parameters that goes with the weights of the moments."""
    if not found.fiml:
        return found.fit.solution.curve.expected
    parts = [(each.n / found.n, _slopes(found, g), _weight(found, g)) for g, each in enumerate(found.groups)]
    return np.array(sum(share * slopes.T @ weight @ slopes for share, slopes, weight in parts))


def _weight(found: Latent, g: int) -> np.ndarray:
    """Information of one unit about the moments of a group at the implied ones, given what was answered."""
    state = found.fit.states[g]
    if found.groups[g].covariance is not None:
        return normal_weight(state.mu, state.sigma, found.table.means)
    cells, theta = saturated(state.mu, state.sigma, (), found.table.means)
    seen = curve([cells], [found.groups[g].blocks], theta)
    assert seen is not None
    assert seen.observed is not None
    return seen.observed


def _slopes(found: Latent, g: int, *, of_causes: bool = False) -> np.ndarray:
    """Derivative of a group's moments in the parameters, or in the moments of its causes."""
    cells, state = found.fit.cells[g], found.fit.states[g]
    if not of_causes:
        return delta(cells, state, len(found.theta))
    causes = np.array(found.causes)
    row, col = lower(len(causes))
    first = causes if found.table.means else causes[:0]
    kind = np.concatenate([np.full(len(first), INTERCEPT), np.full(len(row), COVARIANCE)])
    i, j = np.concatenate([first, causes[row]]), np.concatenate([first, causes[col]])
    own = replace(cells, kind=kind, i=i, j=j, at=np.arange(len(kind)))
    theta = np.concatenate([cells.intercepts[first], cells.covariances[causes[row], causes[col]]])
    filled = implied(replace(own, effects=state.effects, covariances=state.covariances), theta)
    assert filled is not None
    return delta(own, filled, len(kind))
