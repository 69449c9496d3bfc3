"""Hazards in discrete time: the chance to leave in a month of those who are still there."""

from __future__ import annotations

from math import inf

import numpy as np

from cxuxlib.errors import AnswerError, ModelError
from cxuxlib.models.churn.continuous import Hazard, runaway, sizes, with_ratios
from cxuxlib.models.churn.options import HazardOptions
from cxuxlib.models.churn.spells import Spells
from cxuxlib.models.regression import fitted
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.discrete_hazard import HazardLink, Periods, fit_periods, person_periods, spell_scores
from cxuxlib.stats.glm_errors import Scores


def fit_discrete(spells: Spells, formula: str, link: HazardLink, options: HazardOptions) -> Fit:
    """A regression of the hazard in each period, with its errors and figures."""
    sample, times = spells.sample, spells.times
    entry = np.where(np.isfinite(times.entry), times.entry, 0.0)
    _check_whole(entry, times.exit)
    scale = sample.n_units / float(sample.w.sum())
    each = options.baseline == "each"
    cells = person_periods(sample.row, entry, times.exit, times.seen, (sample.n, scale * sample.w), each=each)
    if not len(cells.numbers):
        raise ModelError(
            "In every period nobody leaves, or everybody: no predictor can tell who. Take longer periods, or look at "
            "the curve alone, models.survival."
        )
    x, labels, basis = spells.made.columns, *_basis(cells, options.baseline)
    names = (*labels, *spells.names)
    found = fit_periods(cells, x, basis, link)
    if found.flat is not None:
        raise runaway(names, found.flat)
    bread = scale * np.linalg.inv(found.information)
    back = _back(spells, np.ones(len(labels)) if each else np.eye(len(labels))[0])
    if spells.errors == "observed":
        covariance, df = bread, inf
    else:
        own = Scores(spell_scores(cells, x, basis, link, found.at) @ bread)
        covariance = fitted.spread(own, sample, spells.errors, _correction(spells, cells, len(names), options))
        df = sample.clusters.n - 1 if sample.clusters else inf
    at, covariance = back @ found.at, back @ covariance @ back.T
    kinds = ["baseline"] * len(labels) + ["slope"] * len(spells.names)
    block = fitted.block(names, kinds, at, np.sqrt(np.diag(covariance)), intervals.half_width(options.level, df), df)
    value = found.value / scale
    quality = sizes(spells) | {"n_periods": cells.n, "logLik": value}
    if not sample.weighted:
        quality |= {"AIC": 2 * len(names) - 2 * value}
    notes = []
    if len(cells.silent):
        notes.append(f"{len(cells.silent):,} periods in which nobody or everybody left tell nothing")
    if options.rows == "periods" and sample.clusters is None:
        notes.append("n counts rows, each a unit in a period")
    method = fitted.told(sample, "maximum likelihood by period", spells.errors, df, notes)
    ratio = "odds ratio" if link == "logit" else "hazard ratio"
    raw = Hazard(link, spells, at, covariance, names)
    return Fit(f"hazard by period ({link})", formula, with_ratios(block, ratio), quality, raw, options.level, method)


def _check_whole(entry: np.ndarray, exit: np.ndarray) -> None:
    broken = (np.rint(entry) != entry) | (np.rint(exit) != exit) | (exit < 1)
    if broken.any():
        i = int(np.flatnonzero(broken)[0])
        raise AnswerError(
            f"Discrete time counts periods, 1 for who left in the first; there is {exit[i]:g} (from {entry[i]:g}). "
            "Round up, such as numpy.ceil(days / 30), or take kind='cox'."
        )


def _basis(cells: Periods, baseline: str) -> tuple[list[str], np.ndarray]:
    """Names and columns of what the periods' intercepts are made of."""
    numbers = cells.numbers.astype(float)
    if baseline == "each":
        return [f"period {number:g}" for number in numbers], np.eye(len(numbers))
    if len(numbers) < 2:
        return ["Intercept"], np.ones((len(numbers), 1))
    name = "log(period)" if baseline == "log" else "period"
    return ["Intercept", name], np.column_stack([np.ones(len(numbers)), np.log(numbers) if name[0] == "l" else numbers])


def _back(spells: Spells, constant: np.ndarray) -> np.ndarray:
    """From parameters of the scaled design to those of the design itself; ``constant`` adds 1 to every period."""
    b, slope = len(constant), 1 / spells.made.scale
    back = np.zeros((b + len(slope),) * 2)
    back[:b, :b], back[b:, b:] = np.eye(b), np.diag(slope)
    back[:b, b:] = -np.outer(constant, spells.made.mean * slope)
    return back


def _correction(spells: Spells, cells: Periods, parameters: int, options: HazardOptions) -> float:
    """What sandwiches are multiplied by: as in models.logit on one row per unit and period, whatever the rows are."""
    groups = float(spells.n)
    if spells.sample.clusters is None and options.rows == "periods":
        return cells.n / (cells.n - parameters)
    return groups / (groups - 1) * (cells.n - 1) / (cells.n - parameters)
