"""Averages over the answers of what a regression predicts, and how sure we are of them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, listed, unknown
from cxuxlib.models.regression import fitted
from cxuxlib.models.regression.designs import design
from cxuxlib.models.regression.fitted import Regression
from cxuxlib.models.regression.samples import Sample
from cxuxlib.stats import ordinal, ordinal_margins
from cxuxlib.stats.glm_errors import Scores
from cxuxlib.stats.ordinal_margins import Averages

Of = Literal["probability", "nps", "mean"]
Over = Literal["population", "sample"]
_NPS_TOP = 8  # an answer of 0 to 10 that never goes above this is on another scale


class Wanted(NamedTuple):
    """Functions of the outcome.

    Args:
        of: probability, nps or mean.
        names: of the functions: a category, "NPS" or "mean".
        values: of each for each category, shape (f, K); empty for a number.
    """

    of: str
    names: tuple[Any, ...]
    values: np.ndarray


def wanted(raw: Regression, of: Of | None, outcome: str) -> Wanted:
    """The functions that are asked for, refused where the outcome has none."""
    if of not in (None, "probability", "nps", "mean"):
        raise ArgumentError(unknown("of", of, ("probability", "nps", "mean")))
    if raw.link == "identity":
        if of not in (None, "mean"):
            raise ArgumentError(f"A linear regression predicts a mean, not of={of!r}; see models.ordered_logit.")
        return Wanted("mean", ("mean",), np.zeros((1, 0)))
    if of in (None, "probability"):
        each = np.eye(len(raw.labels))
        if raw.labels == (0, 1) and not raw.z.shape[1]:
            return Wanted("probability", (1,), each[1:])
        return Wanted("probability", raw.labels, each)
    if not all(isinstance(label, int | float) for label in raw.labels):
        raise ArgumentError(f"of={of!r} needs answers that are numbers; those in {outcome!r} are texts.")
    labels = np.array(raw.labels, dtype=float)
    if of == "mean":
        return Wanted("mean", ("mean",), labels[None])
    if labels.min() < 0 or labels.max() > 10 or labels.max() <= _NPS_TOP or (labels != np.rint(labels)).any():
        raise ArgumentError(
            f"A Net Promoter Score is of answers 0 to 10; those in {outcome!r} run from {labels.min():g} to "
            f"{labels.max():g}."
        )
    return Wanted("nps", ("NPS",), 100.0 * ((labels >= 9).astype(float) - (labels <= 6))[None])


def sample_of(raw: Regression, what: str) -> Sample:
    """The data behind a fit."""
    if raw.sample is None:
        raise ArgumentError(f"{what} averages over the answers, which moments do not hold; fit rows or counts.")
    return raw.sample


def designs(raw: Regression, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Designs of slopes and thresholds on other rows of the covariates."""
    sample = sample_of(raw, "This")
    made = design(sample.design.spec, table).columns
    place = sample.design.names.index
    x = made[:, [place(name) for name in raw.names]]
    if not raw.z.shape[1]:
        return x, np.zeros((len(table), 0))
    return x, np.column_stack([np.ones(len(table)), made[:, [place(name) for name in raw.nominal]]])


def level_of(raw: Regression, table: pd.DataFrame, what: Wanted, w: np.ndarray) -> Averages:
    """The functions on some rows."""
    x, z = designs(raw, table)
    if raw.link == "identity":
        return Averages((x @ raw.parameters)[:, None], np.average(x, axis=0, weights=w)[None])
    if ordinal.crosses(raw.parameters, z, len(raw.labels) - 1):
        raise ModelError(
            f"The cumulative shares cross where {listed(raw.nominal)} is far from the answers: some answer would have "
            "a chance below 0. Predict nearer to the answers, or free fewer terms."
        )
    return ordinal_margins.levels(raw.parameters, x, z, what.values, raw.link, w)


def change_of(
    raw: Regression, table: pd.DataFrame, slopes: tuple[np.ndarray, np.ndarray], what: Wanted, w: np.ndarray
) -> Averages:
    """How the functions change where the designs do."""
    if raw.link == "identity":
        return Averages((slopes[0] @ raw.parameters)[:, None], np.average(slopes[0], axis=0, weights=w)[None])
    return ordinal_margins.changes(raw.parameters, designs(raw, table), slopes, what.values, raw.link, w)


class Effect(NamedTuple):
    """Averages with what their error is made of.

    Args:
        value: shape (f,).
        gradient: by the parameters, shape (f, q).
        own: what a unit of each row of the covariates does to the average, apart from the parameters, shape (r, f).
    """

    value: np.ndarray
    gradient: np.ndarray
    own: np.ndarray


def averaged(found: Averages, w: np.ndarray) -> Effect:
    """Weighted averages over the rows."""
    value = w @ found.rows / w.sum()
    return Effect(value, found.gradient, (found.rows - value) / w.sum())


def standard_errors(raw: Regression, effect: Effect, over: Over) -> np.ndarray:
    """Standard errors of averages, by the delta method.

    Over the sample the covariates are taken as they are; over the population they are a sample as well, and every unit
    brings its own effect: h = (m - m̄)/W + influence · gradient.
    """
    if over not in ("population", "sample"):
        raise ArgumentError(unknown("over", over, ("population", "sample")))
    sample = sample_of(raw, "This")
    variance = np.einsum("fi,ij,fj->f", effect.gradient, raw.covariance, effect.gradient)
    if over == "population" and raw.influence is None:
        n = np.bincount(sample.row, weights=sample.n, minlength=len(effect.own))
        variance = variance + n @ effect.own**2 * sample.n_units / (sample.n_units - 1)
    elif over == "population" and raw.influence is not None:
        total = effect.own[sample.row] + raw.influence.full() @ effect.gradient.T
        variance = np.diag(fitted.spread(Scores(total), sample, raw.errors, raw.correction))
    errors: np.ndarray = np.sqrt(variance)
    return errors


def bounded(of: str, value: np.ndarray, error: np.ndarray, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Intervals that stay in range: of a chance on the scale of its logit, of an NPS by Fisher's z."""
    if of == "mean":
        return value - quantile * error, value + quantile * error
    half = value if of == "probability" else (1 + value / 100) / 2  # an NPS is a share of the way from -100 to 100
    width = error if of == "probability" else error / 200
    inside = (half > 0) & (half < 1)
    safe = np.where(inside, half, 0.5)
    center, reach = np.log(safe / (1 - safe)), quantile * width / (safe * (1 - safe))
    low, high = (np.where(inside, 1 / (1 + np.exp(-(center + sign * reach))), half) for sign in (-1, 1))
    return (low, high) if of == "probability" else (200 * low - 100, 200 * high - 100)
