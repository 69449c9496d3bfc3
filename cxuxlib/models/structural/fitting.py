"""A model and its data become numbers: estimates, their covariance, the likelihood, and what the tests are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cxuxlib.errors import ArgumentError, ModelError, listed
from cxuxlib.models.structural.binding import Bound, bind, starts
from cxuxlib.models.structural.language import Syntax
from cxuxlib.models.structural.options import Estimator, LatentOptions
from cxuxlib.models.structural.reading import Group
from cxuxlib.models.structural.table import Table, table
from cxuxlib.results import Fit
from cxuxlib.stats.sem.moments import inverted
from cxuxlib.stats.sem.normal import Block, curve, discrepancy
from cxuxlib.stats.sem.paths import Cells, State, implied
from cxuxlib.stats.sem.scores import Answered, meat, saturated
from cxuxlib.stats.sem.solving import Solution, minimise

_SPREADS = (None, 0.5, 0.1, 0.9, 0.0)  # shares of variance that are taken for the factors', one after the other
_EASY = 8  # steps after which a search that found its way at once has ended; a longer one is checked from elsewhere
_NO_INFORMATION = 1e-10  # eigenvalue of the scaled information below which a parameter is not identified


@dataclass(frozen=True, eq=False)
class Normal:
    """Cells with the data they were fitted to by normal likelihood: the model, its baseline, or the saturated model.

    Args:
        cells: matrices by group.
        blocks: units by what they answered, by group.
        groups: the data.
        solution: where the search ended.
        means: whether means are modelled.
        causes: positions of variables whose moments are taken as they are.
    """

    cells: Sequence[Cells]
    blocks: Sequence[Sequence[Block]]
    groups: Sequence[Group]
    solution: Solution
    means: bool
    causes: Sequence[int]

    @property
    def n(self) -> float:
        """Units of all groups."""
        return float(sum(each.n for each in self.groups))

    @cached_property
    def states(self) -> list[State]:
        """Implied moments by group."""
        found = [implied(each, self.solution.theta) for each in self.cells]
        return [each for each in found if each is not None]

    @property
    def rows(self) -> list[Answered]:
        """What was answered, by group."""
        found = [each.answered for each in self.groups if each.answered is not None]
        if len(found) < len(self.groups):
            raise ArgumentError("Moments do not tell how answers spread; robust errors and tests need rows or counts.")
        return found

    @cached_property
    def meat(self) -> np.ndarray:
        """Mean outer product of the scores of one unit."""
        centers = [None if self.means else each.mean for each in self.groups]
        return meat(self.cells, self.solution.theta, self.rows, centers)

    @cached_property
    def observed(self) -> np.ndarray:
        """Observed information of one unit."""
        found = self.solution.curve.observed
        assert found is not None
        return found

    def robust_trace(self) -> float:
        """Trace of the inverse observed information times the spread of the scores: the parameters, weighed."""
        return float((inverted(self.observed) * self.meat).sum())


@dataclass(frozen=True, eq=False, repr=False)
class Latent:
    """The numbers behind a latent model.

    Args:
        syntax: the model as it was written.
        table: its parameters.
        bound: the same, numbered and placed.
        groups: what was read of the data.
        labels: names of the groups.
        fit: estimates and informations.
        covariance: of the estimates; NaN where the information is singular.
        estimator: "ml", "mlm" or "mlr".
        options: how the model was completed.
        errors: how the covariance was made, in words.
        cautions: what is wrong with the solution, in sentences.
    """

    syntax: Syntax
    table: Table
    bound: Bound
    groups: tuple[Group, ...]
    labels: tuple[str, ...]
    fit: Normal
    covariance: np.ndarray
    estimator: Estimator
    options: LatentOptions
    errors: str
    cautions: tuple[str, ...]

    @property
    def theta(self) -> np.ndarray:
        """The estimates."""
        return self.fit.solution.theta

    @property
    def states(self) -> list[State]:
        """Implied moments by group."""
        return self.fit.states

    @property
    def n(self) -> int:
        """Units of all groups."""
        return sum(each.n for each in self.groups)

    @property
    def causes(self) -> list[int]:
        """Positions of observed variables whose moments are taken as they are."""
        return [self.table.observed.index(each) for each in self.table.causes]

    @property
    def fiml(self) -> bool:
        """Whether answers are missing in the likelihood."""
        return any(each.covariance is None for each in self.groups)

    @cached_property
    def best(self) -> Normal:
        """The saturated model of the same data."""
        return saturated_fit(self.groups, self.causes, self.table.means)

    @cached_property
    def df(self) -> int:
        """Degrees of freedom."""
        return statistics(len(self.table.observed), len(self.causes), self.table) - len(self.theta)

    def __repr__(self) -> str:
        return f"Latent model of {len(self.theta)} parameters, {len(self.cautions)} cautions: {' '.join(self.cautions)}"


def statistics(p: int, q: int, made: Table) -> int:
    """Moments that the model is to explain: those of all p variables without those of the q causes."""

    def own(k: int) -> int:
        return k * (k + 1) // 2 + k * made.means

    return made.n_groups * (own(p) - own(q))


def blocks_of(groups: Sequence[Group], means: bool) -> list[tuple[Block, ...]]:
    """Blocks by group; without means theirs are zero."""
    if means:
        return [each.blocks for each in groups]
    return [tuple(block._replace(mean=np.zeros_like(block.mean)) for block in each.blocks) for each in groups]


def fit_normal(
    cells: Sequence[Cells], groups: Sequence[Group], means: bool, first: np.ndarray, causes: Sequence[int],
    tolerance: float = 1e-13,
) -> Normal | None:  # fmt: skip
    """Maximise the normal likelihood from these starting values; None where it does not exist there."""
    blocks = blocks_of(groups, means)
    found = minimise(lambda at: curve(cells, blocks, at), lambda at: discrepancy(cells, blocks, at), first, tolerance)
    return None if found is None else Normal(cells, blocks, groups, found, means, causes)


def saturated_fit(groups: Sequence[Group], causes: Sequence[int], means: bool) -> Normal:
    """The model that every moment is a parameter of; with missing answers by maximum likelihood."""
    cells, parts, at = [], [], 0
    for each in groups:
        if each.mean is not None and each.covariance is not None:
            mean, covariance = each.mean, each.covariance
        else:
            mean, covariance = available(each, causes)
        own, theta = saturated(mean, covariance, causes, means)
        cells.append(replace(own, at=own.at + at))
        parts.append(theta)
        at += len(theta)
    found = fit_normal(cells, groups, means, np.concatenate(parts), causes)
    if found is None or not found.solution.converged:
        raise ModelError(
            "The means and covariances of these incomplete answers cannot be estimated: too few were given."
        )
    return found


def available(group: Group, causes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of what was answered, and the covariances of complete causes; a start that always exists."""
    x, n = group.x, group.many
    assert x is not None
    assert n is not None
    there = ~np.isnan(x)
    mean = np.array([n[of] @ x[of, k] / n[of].sum() for k, of in enumerate(there.T)])
    gap = np.where(there, x - mean, 0.0)
    variance = (n[:, None] * gap**2).sum(axis=0) / (n[:, None] * there).sum(axis=0)
    covariance = np.diag(variance)
    covariance[np.ix_(causes, causes)] = (gap[:, causes] * n[:, None]).T @ gap[:, causes] / n.sum()
    return mean, covariance


def solve(made: Table, groups: Sequence[Group]) -> tuple[Bound, Normal]:
    """Estimate the parameters, from other starting values too where the first lead nowhere or a long way."""
    bound = bind(made, groups)
    if not bound.names:
        raise ArgumentError("The model has no free parameter; leave at least one loading or variance free.")
    df = statistics(len(made.observed), len(made.causes), made) - len(bound.names)
    if df < 0:
        raise ModelError(
            f"The model has {len(bound.names)} free parameters for {df + len(bound.names)} moments: it is not "
            "identified. Fix or equate some, or measure more items."
        )
    causes = [made.observed.index(each) for each in made.causes]
    best: Normal | None = None
    for spread in _SPREADS:
        found = fit_normal(bound.groups, groups, made.means, starts(made, bound, spread), causes)
        if found is None:
            continue
        best = found if best is None or _rank(found) < _rank(best) else best
        if found.solution.converged and found.solution.steps <= _EASY:
            break
    if best is None:
        raise ModelError(
            "No starting values give positive definite covariances; give some of your own with start(...)*name, or "
            f"look at the fixed values of {listed(row.term for row in made.rows if not row.free and row.group == 0)}."
        )
    return bound, best


def _rank(found: Normal) -> tuple[bool, float]:
    """Converged searches first, the deepest of them first."""
    return not found.solution.converged, found.solution.curve.value


def unidentified(information: np.ndarray, names: Sequence[str]) -> list[str]:
    """Parameters that the moments cannot tell apart, by the null space of the expected information."""
    diagonal = np.diag(information)
    flat = [name for name, each in zip(names, diagonal, strict=True) if not each > 0]
    if flat:
        return flat
    scale = 1 / np.sqrt(diagonal)
    scaled = information * np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] >= _NO_INFORMATION:
        return []
    values, vectors = np.linalg.eigh(scaled)
    loose = np.abs(vectors[:, values < _NO_INFORMATION]).max(axis=1, initial=0.0)
    return [name for name, each in zip(names, loose, strict=True) if each > 1e-3]


def completed(syntax: Syntax, n_groups: int, options: LatentOptions) -> Table:
    """The table of a model for so many groups."""
    means = options.meanstructure or n_groups > 1 or options.missing == "fiml"
    return table(
        syntax, n_groups, means=means, std_lv=options.std_lv, orthogonal=options.orthogonal, equal=options.equal,
        partial=options.partial,
    )  # fmt: skip


def raw_of(fit: Fit) -> Latent:
    """The numbers behind a fit of a latent model by likelihood, which other fits do not have."""
    if isinstance(fit, Fit) and getattr(fit.raw, "estimator", "") == "wlsmv":
        raise ArgumentError(
            "This takes fits by maximum likelihood ('ml', 'mlm', 'mlr'); for ordered answers ('wlsmv') it is not "
            "offered yet."
        )
    if not isinstance(fit, Fit) or not isinstance(fit.raw, Latent):
        raise ArgumentError(f"This takes a Fit of models.latent; got {fit!r:.80}.")
    return fit.raw
