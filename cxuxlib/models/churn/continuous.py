"""Hazards in continuous time: Cox's regression."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd

from cxuxlib.errors import ModelError, listed
from cxuxlib.models.churn.spells import Spells
from cxuxlib.models.regression import fitted
from cxuxlib.models.regression.samples import Sample
from cxuxlib.results import Fit
from cxuxlib.stats import cox, cox_checks, intervals
from cxuxlib.stats.glm_errors import Scores


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hazard:
    """The numbers behind a hazard.

    Args:
        kind: cox, logit or cloglog.
        spells: the data.
        parameters: baseline (discrete time only), then slopes; covariance: of them.
        names: of the parameters.
        sets: risk sets, and steps: their sums at the slopes; None in discrete time.
    """

    kind: str
    spells: Spells
    parameters: np.ndarray
    covariance: np.ndarray
    names: tuple[str, ...]
    sets: cox.RiskSets | None = None
    steps: cox.Steps | None = None


def fit_continuous(spells: Spells, formula: str, level: float) -> Fit:
    """Cox's regression, with its errors and figures."""
    sample, times = spells.sample, spells.times
    scale = sample.n_units / float(sample.w.sum())
    sets = cox.risk_sets(
        spells.made.columns, sample.row, times.exit, times.seen, (sample.n, scale * sample.w), entry=times.entry,
        stratum=spells.stratum,
    )  # fmt: skip
    found = cox.fit_cox(sets)
    if found.flat is not None:
        raise runaway(spells.names, found.flat)
    at = cox.steps(sets, found.at)
    bread = scale * np.linalg.inv(found.information)
    if spells.errors == "observed":
        covariance = bread
    else:
        covariance = fitted.spread(Scores(cox.score_residuals(sets, at) @ bread), sample, spells.errors, 1.0)
    back = 1 / spells.made.scale
    slopes, covariance = found.at * back, covariance * np.outer(back, back)
    null = cox.likelihood(sets, np.zeros(len(slopes))).value
    unscaled = float(np.log(scale) * sample.w[times.seen].sum())  # of weights as they were given
    block = fitted.block(
        spells.names, "slope", slopes, np.sqrt(np.diag(covariance)), intervals.normal_quantile(level), inf
    )
    quality = sizes(spells) | {
        "logLik": found.value / scale + unscaled,
        "logLik_null": null / scale + unscaled,
    }
    quality["concordance"] = cox_checks.concordance(sets, sets.x @ found.at)
    raw = Hazard("cox", spells, slopes, covariance, spells.names, sets, at)
    notes = [f"{spells.n_strata:,} strata"] if spells.n_strata > 1 else []
    method = fitted.told(sample, "partial likelihood, Efron's ties", spells.errors, inf, notes)
    return Fit("proportional hazards (Cox)", formula, with_ratios(block, "hazard ratio"), quality, raw, level, method)


def sizes(spells: Spells) -> dict[str, float]:
    """Numbers of units, rows, events."""
    sample: Sample = spells.sample
    found = fitted.sizes(sample) | {"n": float(spells.n), "n_events": spells.n_events}
    if sample.clusters is not None:
        found["n_rows"] = float(sample.n_units)
    return found


def with_ratios(block: fitted.Block, kind: str) -> pd.DataFrame:
    """Terms, slopes first, followed by the ratios that the slopes are logarithms of."""
    ratios = fitted.ratios(block)
    found = fitted.table(block, ratios._replace(kind=[kind] * len(ratios.kind)))
    order = found["kind"].map({"slope": 0, "baseline": 1, kind: 2})
    return found.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def runaway(names: tuple[str, ...], direction: np.ndarray) -> ModelError:
    """The error where a slope would be infinite."""
    large = abs(direction) > 1e-3 * abs(direction).max()
    among = [name for name, each in zip(names, large, strict=True) if each]
    return ModelError(
        f"{listed(among)} orders all events by itself: whenever somebody leaves it is the one with the highest (or the "
        "lowest) value at risk, so a slope would be infinite. Join categories, or leave a term out."
    )
