"""What the regressions share: covariances, the tidy table of terms, and what was done, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from cxuxlib.errors import ArgumentError
from cxuxlib.models.regression.designs import Plan
from cxuxlib.models.regression.samples import Sample
from cxuxlib.results import Fit
from cxuxlib.stats.glm_errors import Scores, cluster_meat, meat
from cxuxlib.stats.ordinal import LINK_VARIANCE, Link

Errors = Literal["observed", "robust"]
_WORDS = {"observed": "errors from the observed information", "robust": "robust errors", "cluster": "errors by cluster"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Regression:
    """The numbers behind a regression, for predictions, marginal effects and tests.

    Args:
        plan: the formula, taken apart.
        sample: distinct answers on distinct covariates; None where only moments are known.
        x: design of the slopes on the distinct covariates, shape (r, p).
        z: design of the thresholds, shape (r, s); without columns but in ordered models.
        y: outcome of each distinct answer: place of its category, 0 or 1, or a number, shape (m,).
        labels: categories of the outcome; none for a number.
        parameters: thresholds by threshold and column of z, then slopes.
        covariance: of the parameters.
        influence: of one unit of each distinct answer on the parameters; None with observed errors.
        names: of the columns of x; nominal: of those of z after the first.
        link: logit, probit, or identity.
        errors: observed, robust or cluster.
        correction: what robust covariances are multiplied by for the size of the sample.
        df: degrees of freedom of t; infinite for the normal distribution.
    """

    plan: Plan
    sample: Sample | None
    x: np.ndarray
    z: np.ndarray
    y: np.ndarray
    labels: tuple[Any, ...]
    parameters: np.ndarray
    covariance: np.ndarray
    influence: Scores | None
    names: tuple[str, ...]
    nominal: tuple[str, ...]
    link: Link | Literal["identity"]
    errors: str
    correction: float
    df: float


def which_errors(errors: Errors | None, sample: Sample, usual: Errors) -> str:
    """Observed, robust or by cluster; None takes what the data call for."""
    if errors not in (None, "observed", "robust"):
        raise ArgumentError(f"errors is 'observed', 'robust' or None; got {errors!r}.")
    if errors == "observed" and sample.clusters is not None:
        raise ArgumentError(
            "Rows of one unit depend on each other, so errors='observed' would be wrong; leave errors out."
        )
    if errors == "observed" and sample.weighted:
        raise ArgumentError(
            "Sampling weights are no numbers of units, so errors='observed' would be wrong; leave errors out."
        )
    if sample.clusters is not None:
        return "cluster"
    return "robust" if sample.weighted else errors or usual


def spread(influence: Scores, sample: Sample, errors: str, correction: float) -> np.ndarray:
    """Covariance of what has this influence function, robust or by cluster."""
    total = (
        cluster_meat(influence, sample.clusters)
        if errors == "cluster" and sample.clusters
        else meat(influence, sample.ww)
    )
    covariance: np.ndarray = correction * total
    return covariance


def correction(sample: Sample, parameters: int) -> float:
    """What sandwiches are multiplied by: HC1, n/(n - k); by cluster CR1, G/(G - 1) · (n - 1)/(n - k)."""
    n, groups = sample.n_units, sample.clusters
    by_group = groups.n / (groups.n - 1) * (n - 1) / n if groups else 1.0
    return by_group * n / (n - parameters)


def p_values(z: np.ndarray, df: float) -> np.ndarray:
    """Two-sided p-values of t, or of z where df is infinite."""
    p: np.ndarray = 2 * (ndtr(-abs(z)) if df == inf else stdtr(df, -abs(z)))
    return p


class Block(NamedTuple):
    """Some terms with their intervals: the columns of a tidy table."""

    term: list[str]
    kind: list[str]
    value: np.ndarray
    std_error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def block(
    names: Sequence[str], kind: str | Sequence[str], value: np.ndarray, error: np.ndarray, quantile: float, df: float
) -> Block:
    """Some terms with their intervals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = p_values(value / error, df)
    kinds = [kind] * len(names) if isinstance(kind, str) else list(kind)
    return Block(list(names), kinds, value, error, value - quantile * error, value + quantile * error, p)


def ratios(terms: Block) -> Block:
    """Odds ratios of slopes: exp of the slope and of the ends of its interval, errors by the delta method."""
    at = [i for i, kind in enumerate(terms.kind) if kind.startswith("slope")]
    value = np.exp(terms.value[at])
    kinds = [terms.kind[i].replace("slope", "odds ratio") for i in at]
    return Block(
        [terms.term[i] for i in at], kinds, value, value * terms.std_error[at], np.exp(terms.low[at]),
        np.exp(terms.high[at]), terms.p[at],
    )  # fmt: skip


def table(*blocks: Block) -> pd.DataFrame:
    """Blocks of terms, one below the other, as a tidy table."""
    columns = dict(zip(Block._fields, zip(*blocks, strict=True), strict=True))
    texts = {name: list(chain.from_iterable(columns.pop(name))) for name in ("term", "kind")}
    return pd.DataFrame(texts | {name: np.concatenate(parts) for name, parts in columns.items()})


def told(sample: Sample, how: str, errors: str, df: float, notes: Sequence[str] = ()) -> str:
    """What was done, in words."""
    said = [f"{how}, {_WORDS[errors]}", "z" if df == inf else f"t with {df:,.0f} df", *notes]
    if not sample.counted:
        said.append("fitted on rows, which hardly repeat")
    return "; ".join(said)


def sizes(sample: Sample) -> dict[str, float]:
    """Numbers of units, of what was left out, of distinct rows and of clusters."""
    found: dict[str, float] = {"n": sample.n_units, "n_missing": sample.n_missing, "n_distinct": len(sample.row)}
    if sample.weighted:
        found["n_weightless"] = sample.n_weightless
    if sample.clusters is not None:
        found["n_clusters"] = sample.clusters.n
    return found


def likelihoods(sample: Sample, value: float, null: float, parameters: int) -> dict[str, float]:
    """Log likelihood and what is made of it; information criteria only where it is one, without sampling weights."""
    found = {"logLik": value, "R2_McFadden": 1 - value / null}
    if not sample.weighted:
        found |= {"AIC": 2 * parameters - 2 * value, "BIC": parameters * float(np.log(sample.n_units)) - 2 * value}
    return found


def latent_r2(line: np.ndarray, w: np.ndarray, link: Link) -> float:
    """McKelvey and Zavoina's R²: the share of the latent answer's variance that its line explains."""
    explained = float(np.average((line - np.average(line, weights=w)) ** 2, weights=w))
    return explained / (explained + LINK_VARIANCE[link])


def regression_of(fit: Fit, what: str) -> Regression:
    """The regression behind a fit."""
    raw = getattr(fit, "raw", None)
    if not isinstance(raw, Regression):
        raise ArgumentError(
            f"{what} needs a fit of ordered_logit, logit or linear; got {getattr(fit, 'model', fit)!r}."
        )
    return raw
