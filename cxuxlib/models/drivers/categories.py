"""Ordered and yes-or-no outcomes of key drivers: one regression on all columns, and the latent answer behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError
from cxuxlib.models.drivers.options import DriverOptions
from cxuxlib.models.regression import cumulative, fitted, outcomes, samples
from cxuxlib.models.regression.cumulative import Fitted, Problem
from cxuxlib.models.regression.designs import of_columns
from cxuxlib.models.regression.samples import Sample
from cxuxlib.results import Moments
from cxuxlib.stats.correlations import influence_covariance
from cxuxlib.stats.glm_errors import Scores, cluster_meat
from cxuxlib.stats.latent_answer import Line, latent_correlations, latent_influence, resampled_latent
from cxuxlib.stats.ordinal import LINK_VARIANCE, Link

ADVICE = "Say DriverOptions(cluster={name!r}) for errors that know it, or drop that column if rows are units."
_CHUNK = 1 << 13  # distinct answers whose influence on all correlations is held at a time
_TOGETHER = 250  # resamples whose shares are computed at once


@dataclass(frozen=True, eq=False)
class Latent:
    """Correlations of the latent answer behind an outcome, which comes first, and its drivers.

    Args:
        names: columns, in the order of the arrays.
        found: the regression of the outcome on all of them.
        sample: the data.
        link: logit or probit.
    """

    names: tuple[str, ...]
    found: Fitted
    sample: Sample
    link: Link

    measure = "R2_McKelveyZavoina"
    pairs = None

    @property
    def model(self) -> str:
        """The regression, in words."""
        return self.link if len(self.found.raw.labels) == 2 else f"ordered {self.link}"

    @cached_property
    def by_chance(self) -> float:
        """What a driver that has nothing to do with the answer is expected to explain of it by chance.

        The mean over drivers of tr(Σ Cov(b)) / Var(y*), which is (1 - R²)/n of an answer without thresholds, and many
        times that where few say yes.
        """
        p = len(self.line.slopes)
        covariance = np.linalg.inv(self.found.top.information.astype(float))[-p:, -p:]
        spread = np.trace(self.corr[1:, 1:] @ covariance)
        noise = LINK_VARIANCE[self.link]
        return float(spread * (1 / np.linalg.inv(self.corr)[0, 0]) / (noise * p))

    @property
    def df(self) -> float:
        """Degrees of freedom of intervals: clusters - 1, infinite where units are independent."""
        return inf if self.sample.clusters is None else self.sample.clusters.n - 1.0

    @property
    def n(self) -> int:
        """Units."""
        return self.sample.n_units

    @property
    def n_missing(self) -> int:
        """Units left out as incomplete."""
        return self.sample.n_missing

    @cached_property
    def line(self) -> Line:
        """The regression on drivers of mean 0 and variance 1."""
        return Line(self.found.made.columns, self.sample.row, self.found.answers, self.found.top.at, self.link)

    @cached_property
    def corr(self) -> np.ndarray:
        """The correlations, shape (p, p)."""
        w, x = self.sample.row_weights(), self.line.x
        return latent_correlations((x * w[:, None]).T @ x / w.sum(), self.line.slopes, LINK_VARIANCE[self.link])

    def positions(self, names: Sequence[str]) -> list[int]:
        """Where these columns stand in the arrays."""
        return [self.names.index(name) for name in names]

    def covariance(self, gradients: np.ndarray, interval: str | None) -> tuple[np.ndarray, str]:
        """Covariance of functionals of the correlations, robust whatever ``interval``, and the method's name."""
        scores, scale = self.found.raw.influence, self.found.made.scale
        assert scores is not None, "the regression was fitted without robust errors"
        by_slopes = scores.base[:, -len(scale) :] * (scale * self.sample.w.sum())
        of_pairs = latent_influence(self.line, self.corr, by_slopes)
        rows, cols = np.triu_indices(len(self.names), 1)
        slopes = gradients[:, rows, cols].T
        return spread(self.sample, lambda part: of_pairs(part) @ slopes), told(self.sample)

    def resampled(self, replications: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Correlations of resamples of units or clusters, the regression fitted to each; NaN where it cannot be."""
        none = np.full(self.corr.shape, np.nan)
        drawn = resampled_latent(self.line, self.sample.n, self.sample.clusters, replications, rng)
        while some := list(islice(drawn, _TOGETHER)):
            yield np.array([none if each is None else each for each in some])

    @property
    def resamples(self) -> str:
        """What is drawn."""
        return "units" if self.sample.clusters is None else "clusters"


def read(
    data: Any, columns: Sequence[str], options: DriverOptions, weight: str | None, frequency: str | None
) -> Latent:
    """Read rows or counts and fit the regression of the first column on the others."""
    if isinstance(data, Moments):
        raise ArgumentError(
            f"Moments have no categories, which outcome_as={options.outcome_as!r} is about; give rows or counts."
        )
    outcome, *others = columns
    for what, name in {"cluster": options.cluster, "weight": weight, "frequency": frequency}.items():
        if name in columns:
            raise ArgumentError(f"{name!r} is the {what}, and stands among outcome and drivers.")
    made = of_columns(outcome, others)
    # A distinct answer per weight as well, so that each of its units weighs the same and can be drawn.
    apart = weight and options.interval == "bootstrap" and options.cluster is None
    plan = made._replace(answers=(outcome, weight)) if weight and apart else made
    unit = options.cluster or ...
    sample = samples.read(plan, data, unit=unit, weight=weight, frequency=frequency, advice=ADVICE)
    values = sample.answers[outcome]
    if isinstance(values.dtype, pd.CategoricalDtype) and not values.cat.ordered:
        raise AnswerError(
            f"The answers in {outcome!r} are texts whose order is not known. Give numbers or an ordered categorical."
        )
    answered = outcomes.ordered(made, sample.answers)
    x = sample.design.columns
    problem = Problem(made, sample, x, np.ones((len(x), 1)), answered.y, answered.labels, sample.design.names, ())
    return Latent(tuple(columns), cumulative.fit(problem, options.link, "robust"), sample, options.link)


def sizes(read: Latent) -> dict[str, float]:
    """Numbers of units, of what was left out, of distinct rows and of clusters, and of categories."""
    return fitted.sizes(read.sample) | {"n_categories": len(read.found.raw.labels)}


def spread(sample: Sample, influence: Any) -> np.ndarray:
    """Covariance of what has this influence function, of which every unit's part is summed over its cluster.

    Args:
        sample: the data.
        influence: from a slice of the distinct answers to the influence of a unit of each, times all weights.
    """
    total = sample.w.sum() ** 2
    if sample.clusters is None:
        independent: np.ndarray = influence_covariance(influence, sample.ww) * (sample.ww.sum() / total)
        return independent
    groups = sample.clusters.n
    parts = [influence(slice(start, start + _CHUNK)) for start in range(0, len(sample.w), _CHUNK)]
    sums = cluster_meat(Scores(np.concatenate(parts)), sample.clusters)
    covariance: np.ndarray = sums * groups / (groups - 1) / total
    return covariance


def told(sample: Sample) -> str:
    """How intervals were made, in words."""
    clusters = f", {sample.clusters.n:,} clusters" if sample.clusters else ""
    return f"delta method, distribution-free{clusters}"
