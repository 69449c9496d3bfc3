"""The fit that ordered and binary outcomes share: scaled, climbed, and brought back to the scale of the formula."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from cxuxlib.errors import ModelError, listed
from cxuxlib.models.regression import fitted, samples
from cxuxlib.models.regression.designs import Plan
from cxuxlib.models.regression.fitted import Regression
from cxuxlib.models.regression.samples import Sample
from cxuxlib.stats import ordinal, ordinal_grid
from cxuxlib.stats.glm import Scaled
from cxuxlib.stats.glm_errors import influence
from cxuxlib.stats.glm_newton import Climb
from cxuxlib.stats.ordinal import Link


class Problem(NamedTuple):
    """What is to be fitted.

    Args:
        plan, sample: formula and data.
        x: design of the slopes, shape (r, p); z: of the thresholds, its first column 1, or none, shape (r, s).
        y: place of each distinct answer's category.
        labels: of the categories.
        names: of the columns of x; nominal: of those of z after the first.
    """

    plan: Plan
    sample: Sample
    x: np.ndarray
    z: np.ndarray
    y: np.ndarray
    labels: tuple[object, ...]
    names: tuple[str, ...]
    nominal: tuple[str, ...]

    @property
    def steps(self) -> list[str]:
        """Names of the thresholds: what lies below and above each."""
        return [f"{a}|{b}" for a, b in zip(self.labels, self.labels[1:], strict=False)]


class Fitted(NamedTuple):
    """A regression, its log likelihood and that of the outcome's shares alone, and how it was climbed to.

    Args:
        raw: the regression.
        likelihood, null: log likelihoods.
        made: the scaled design; answers: those of the sample on it, with weights of mean 1; top: where the climb ended.
    """

    raw: Regression
    likelihood: float
    null: float
    made: Scaled
    answers: ordinal.Answers
    top: Climb


def fit(problem: Problem, link: Link, errors: str) -> Fitted:
    """Fit a cumulative link model and its covariance."""
    sample, x, z, K = problem.sample, problem.x, problem.z, len(problem.labels)
    p, s = x.shape[1], z.shape[1]
    intercepts = s > 0 or "Intercept" in problem.names
    parameters = (K - 1) * s + p
    samples.enough(sample.n_units, parameters)
    weights = sample.row_weights()
    made = samples.scaled_design(
        (*problem.names, *problem.nominal), np.column_stack([x, z[:, 1:]]), weights, center=intercepts
    )
    columns = made.columns
    # Weights of mean 1, for what is little gain must not depend on their unit.
    scale = sample.n_units / float(sample.w.sum())
    given = columns[:, :p], np.column_stack([z[:, :1], columns[:, p:]]), sample.row, problem.y, scale * sample.w, K
    data, grid = ordinal.answers(*given), ordinal_grid.gridded(*given)
    found = (
        ordinal.fit_ordinal(data, link, sample.n_units)
        if grid is None
        else ordinal_grid.fit_grid(grid, link, sample.n_units)
    )
    if found.flat is not None:
        raise _separated(problem, found.flat)
    back = _back(made, problem, K)
    at = back @ found.at
    if ordinal.crosses(at, z, K - 1):
        raise ModelError(
            f"The cumulative shares cross at some values of {listed(problem.nominal)}: some answer would have a chance "
            "below 0. Free fewer terms, or join categories."
        )
    bread = scale * np.linalg.inv(found.information)
    groups, correction = sample.clusters, fitted.correction(sample, parameters)
    own = None if errors == "observed" else influence(ordinal.scores(data, found.at, link), bread @ back.T)
    covariance = back @ bread @ back.T if own is None else fitted.spread(own, sample, errors, correction)
    raw = Regression(
        problem.plan, sample, x, z, problem.y, problem.labels, at, covariance, own, problem.names, problem.nominal,
        link, errors, correction, groups.n - 1 if groups else inf,
    )  # fmt: skip
    return Fitted(raw, found.value / scale, ordinal.null_likelihood(data) / scale, made, data, found)


def _separated(problem: Problem, direction: np.ndarray) -> ModelError:
    """The error where answers are separated: by columns that do it alone, else by those that do it together."""
    own, nominal = problem.sample.row, problem.nominal
    columns = dict(zip((*problem.names, *nominal), np.column_stack([problem.x, problem.z[:, 1:]]).T, strict=True))
    columns.pop("Intercept", None)
    alone: dict[str, None] = {}
    for k, step in enumerate(problem.steps):
        above = problem.y > k
        for name, column in columns.items():
            low, high = column[own[~above]], column[own[above]]
            if low.max() <= high.min() or high.max() <= low.min():
                alone[f"{name} at {step}" if name in nominal else name] = None
    of_steps = [f"{name} at {step}" for step in problem.steps for name in ("", *nominal)] if problem.z.size else []
    large = abs(direction) > 1e-3 * abs(direction).max()
    among = [name for name, each in zip([*of_steps, *problem.names], large, strict=True) if each]
    together = [name for name in among if name != "Intercept" and name[0] != " "] or ["the intercept"]
    who = f"{listed(alone)} separates" if alone else f"{listed(together)} together separate"
    return ModelError(
        f"{who} the answers in {problem.plan.outcome!r}: on one side there is only one kind of answer, so a slope "
        "would be infinite. Join categories, leave a term out, or compare shares."
    )


def _back(made: Scaled, problem: Problem, K: int) -> np.ndarray:
    """From parameters of the scaled design to those of the design itself."""
    p, s = problem.x.shape[1], problem.z.shape[1]
    parameters = (K - 1) * s + p
    back = np.zeros((parameters, parameters))
    tail = (K - 1) * s
    slope, shift = 1 / made.scale, made.mean / made.scale
    for k in range(K - 1 if s else 0):
        at = k * s
        back[at : at + s, at : at + s] = np.diag([1.0, *slope[p:]])
        back[at, at + 1 : at + s] = -shift[p:]
        back[at, tail:] = shift[:p]
    back[tail:, tail:] = np.diag(slope[:p])
    if "Intercept" in problem.names:
        back[tail + problem.names.index("Intercept"), tail:] -= shift[:p]
    return back
