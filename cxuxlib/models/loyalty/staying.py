"""From chances to leave to who stays, how long, and what they bring: averages over customers, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.models.churn.continuous import Hazard
from cxuxlib.models.regression import averages as regression
from cxuxlib.models.regression.averages import Effect
from cxuxlib.models.regression.designs import Plan, design, plan
from cxuxlib.models.regression.fitted import Regression
from cxuxlib.models.regression.samples import Sample
from cxuxlib.results import Fit

_STEP = 1e-3  # of a standard deviation, for the derivative of a design
_NEAR = 1e-2  # of the number itself, at most: a step must not leave what a logarithm or a root is of
_SMALL = 1e-3  # of a standard error, for slopes in the parameters

Array = np.ndarray


class Figures(NamedTuple):
    """What is counted: money a period, its discount, and how many periods."""

    margin: float
    discount: float
    periods: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Base:
    """Customers whose staying is averaged, and the model of their leaving.

    Args:
        raw: the fit behind it.
        sample: its data; plan: its formula.
        table: distinct covariates; w: shares of the customers that have them, adding up to 1; n: customers.
        names: columns of the design that have slopes.
        baseline: what the intercept of each period is made of, shape (periods, b).
        starts: of each distinct answer, its share among those who are averaged over.
        df: degrees of freedom.
        said: how it goes on, in words.
    """

    raw: Regression | Hazard
    sample: Sample
    plan: Plan
    table: pd.DataFrame
    w: Array
    n: float
    names: tuple[str, ...]
    baseline: Array
    starts: Array
    df: float
    said: str

    @property
    def parameters(self) -> Array:
        """Baseline, then slopes."""
        return self.raw.parameters

    def design(self, table: pd.DataFrame) -> Array:
        """Columns of the slopes on other rows of the covariates."""
        made = self.sample.design
        columns: Array = design(made.spec, table).columns[:, [made.names.index(name) for name in self.names]]
        return columns

    def slopes(self, name: str, sd: float) -> Array:
        """Derivative of the design by a covariate: five-point differences."""
        x = self.table[name].to_numpy(dtype=float)
        step = np.where(x == 0, _STEP * sd, np.minimum(_STEP * sd, _NEAR * abs(x)))
        up, down, far_up, far_down = (
            self.design(self.table.assign(**{name: x + far * step})) for far in (1, -1, 2, -2)
        )  # fmt: skip
        found: Array = (8 * (up - down) - (far_up - far_down)) / (12 * step[:, None])
        return found

    def errors(self, own: Array, again: Callable[[Array], Array]) -> Array:
        """Standard errors of averages: of the parameters, and of the customers, who are a sample."""
        at, spread = self.parameters, np.sqrt(np.diag(self.raw.covariance))
        gradient = np.column_stack([
            (again(at + step) - again(at - step)) / (2 * step.sum()) for step in np.diag(_SMALL * spread)
        ])  # fmt: skip
        if isinstance(self.raw, Regression):
            effect = Effect(np.zeros(len(gradient)), gradient, own / self.sample.row_weights().sum())
            return regression.standard_errors(self.raw, effect, "population")
        variance = np.einsum("fi,ij,fj->f", gradient, self.raw.covariance, gradient)
        each = self.starts[:, None] * own[self.sample.row]  # of one unit of weight 1 in each distinct answer
        clusters = self.sample.clusters
        if clusters is None:
            variance = variance + self.sample.ww @ each**2 * self.n / (self.n - 1)
        else:
            weight = 1.0 if clusters.w is None else clusters.w[:, None]
            moved = weight * each[clusters.cell]
            sums = np.column_stack([np.bincount(clusters.code, column, clusters.n) for column in moved.T])
            variance = variance + (sums**2).sum(axis=0) * clusters.n / (clusters.n - 1)
        errors: Array = np.sqrt(variance)
        return errors


def base_of(raw: Regression | Hazard, fit: Fit, periods: int) -> Base:
    """The customers of a fit: all of a logit, those watched from the start of a hazard."""
    if isinstance(raw, Regression):
        sample = regression.sample_of(raw, "worth")
        w = sample.row_weights()
        said = "the chance to leave in a window holds in each up to the horizon"
        return Base(
            raw, sample, raw.plan, sample.table, w / w.sum(), float(sample.n_units), raw.names, np.zeros((periods, 0)),
            np.zeros(0), raw.df, said,
        )  # fmt: skip
    sample, times = raw.spells.sample, raw.spells.times
    first = ~(times.entry > 0)
    if not first.any():
        raise SampleError("Nobody was watched from the start (entry 0, or period 1); whose staying is it to be?")
    w = np.bincount(sample.row[first], sample.w[first], len(sample.table))
    names = raw.spells.names
    labels = raw.names[: len(raw.names) - len(names)]
    df = inf if raw.spells.errors != "cluster" or sample.clusters is None else float(sample.clusters.n - 1)
    said = "hazards go by period, with covariates as at the start"
    return Base(
        raw, sample, plan(f"`{raw.kind} of` ~ {fit.formula.rpartition('~')[2]}"), sample.table, w / w.sum(),
        float(sample.n[first].sum()), names, _baseline(labels, periods), first / w.sum(), df, said,
    )  # fmt: skip


def _baseline(labels: tuple[str, ...], periods: int) -> Array:
    """What the intercepts of periods 1, 2, ... are made of."""
    number = np.arange(1.0, periods + 1)
    if labels[0] == "Intercept":
        columns = [np.ones(periods), *(np.log(number) if each[0] == "l" else number for each in labels[1:])]
        return np.column_stack(columns)
    known = np.array([float(each.split()[1]) for each in labels])
    lacking = np.setdiff1d(number, known)
    if len(lacking):
        raise ArgumentError(
            f"Period {lacking[0]:g} has no hazard of its own: nobody was seen in it, nobody left, or everybody did "
            f"(there are {len(known):,} up to {known.max():g}). Take a shorter horizon, or a hazard with "
            "HazardOptions(baseline='log')."
        )
    found: Array = (number[:, None] == known).astype(float)
    return found


def averages(base: Base, at: Array, x: Array, money: Figures, slopes: Array | None = None) -> tuple[Array, Array]:
    """Of each row of covariates: stays to the horizon, periods, value; and how they change with the covariate."""
    b = base.baseline.shape[1]
    line = (x @ at[b:])[:, None] + (base.baseline @ at[:b])[None]
    logit = isinstance(base.raw, Regression) or base.raw.kind == "logit"
    with np.errstate(over="ignore"):
        stay, change = (-np.logaddexp(0, line), -expit(line)) if logit else (-np.exp(line), -np.exp(line))
    left = np.cumsum(stay, axis=1)
    before = np.column_stack([np.ones(len(x)), np.exp(left[:, :-1])])
    worth = money.margin * (1 + money.discount) ** -np.arange(money.periods)
    value = np.column_stack([np.exp(left[:, -1]), before.sum(axis=1), before @ worth])
    if slopes is None:
        return value, np.zeros((0, 3))
    so_far = np.cumsum(change, axis=1)
    moved = before * np.column_stack([np.zeros(len(x)), so_far[:, :-1]])
    each = np.column_stack([np.exp(left[:, -1]) * so_far[:, -1], moved.sum(axis=1), moved @ worth])
    return value, each * (slopes @ at[b:])[:, None]
