"""What a bad experience costs and a good one brings: penalties and rewards."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, unknown
from cxuxlib.models.combining.spans import Columns, Span, named, spans
from cxuxlib.models.regression import cumulative, fitted, outcomes, samples
from cxuxlib.models.regression.cumulative import Problem
from cxuxlib.models.regression.designs import plan
from cxuxlib.models.regression.samples import Sample
from cxuxlib.stats import intervals
from cxuxlib.stats.glm import least_squares
from cxuxlib.stats.glm_errors import Scores

__all__ = ["penalty_reward"]

Per = Literal["point", "step"]

_TWICE = 2.0  # penalty and reward are alike where neither is shown to be less than half of the other
_EFFECTS = ("penalty", "reward", "asymmetry")


def penalty_reward(
    data: Any,
    outcome: str,
    drivers: Columns,
    *,
    per: Per = "point",
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tell what a driver costs below the middle of its scale from what it brings above, free of the outcome's ceiling.

    An ordered logit of the outcome on all drivers, each in two parts. Per point: min(x - m, 0) and max(x - m, 0), so
    that -penalty and reward are slopes below and above the middle m. Per step: everything below and everything above
    the middle against the middle (penalty-reward contrasts). Asymmetry = reward + penalty; 0 where a point down costs
    what a point up brings. In an outcome that piles up at its best answer a point up shows less than a point down, so
    that in a linear regression every driver looks like a must-be; the thresholds of the ordered logit take that up.
    They do not undo a ceiling in the answers to the driver itself.

    Args:
        data: one row per unit (any engine), or counts (with ``frequency``).
        outcome: column of numbers or an ordered categorical.
        drivers: columns of numbers; or column to the ends of its scale, {"ease": (1, 5)}, with the middle where that
            is not halfway, (0, 7, 10).
        per: "point" or "step". Steps compare groups whose answers lie unequally far from the middle: where most are
            satisfied their asymmetry is not 0 without a ceiling either (see tests/test_penalty_reward.py).
        unit: column that says which rows belong together (errors by cluster); None: rows are units; left out, frames
            that repeat an id are refused.
        weight: column of sampling weights; errors are robust then.
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.

    Returns:
        One row per scale ("latent", then "naive linear": least squares on the answer itself, for comparison), driver
        and effect (penalty, reward, asymmetry): scale, driver, effect, per, value, std_error, low, high, p, kind,
        middle, n_below, n_above, n, n_missing, method, level. Latent effects are log odds. kind: performance, where the
        intervals show that neither of penalty and reward is more than twice the other; must-be, where they show a
        penalty larger than the reward; attractive, where smaller; else undecided. p is of each row, not corrected for
        the number of drivers.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the data.
        ModelError: nobody answers below or above a middle, or a term that separates the answers.

    Source: Brandt 1988, Journal of Services Marketing 2(3), doi:10.1108/eb024732 (penalty-reward contrasts); Mittal,
    Ross & Baldasare 1998, Journal of Marketing 62(1) (asymmetry); Kano et al. 1984 (must-be, performance, attractive).
    Checked against: statsmodels' OrderedModel and OLS, coverage and size in simulation.

    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.integers(1, 6, (4000, 2)), columns=["works", "looks"])
    >>> latent = 1.5 * np.minimum(frame["works"], 3) + frame["looks"] + rng.logistic(size=4000)
    >>> frame["rating"] = np.clip(np.round(latent), 1, 5)
    >>> found = penalty_reward(frame, "rating", ["works", "looks"]).query("scale == 'latent' and effect != 'asymmetry'")
    >>> found[["driver", "effect", "value", "low", "kind"]].round(1)
      driver   effect  value  low         kind
    0  works  penalty   -1.4 -1.6      must-be
    1  works   reward   -0.0 -0.2      must-be
    3  looks  penalty   -1.0 -1.1  performance
    4  looks   reward    1.1  0.9  performance
    """
    intervals.check_level(level)
    if per not in ("point", "step"):
        raise ArgumentError(unknown("per", per, ("point", "step")))
    names = named(drivers, outcome, "drivers")
    made = plan(f"`{outcome}` ~ " + " + ".join(f"`{name}`" for name in names))
    sample = samples.read(made, data, unit=unit, weight=weight, frequency=frequency)
    scales = spans(drivers, sample.table, "drivers")
    answered = outcomes.ordered(made, sample.answers)
    terms = [f"{name} {side} {scales[name].middle:g}" for name in names for side in ("below", "above")]
    x, sides = _parts(sample, scales, per)
    z = np.ones((len(x), 1))
    problem = Problem(made, sample, x, z, answered.y, answered.labels, tuple(terms), ())
    how = fitted.which_errors(None, sample, "observed")
    raw = cumulative.fit(problem, "logit", how).raw
    tail = len(answered.labels) - 1
    number = isinstance(answered.labels[0], int | float)
    y = np.array(answered.labels, dtype=float)[answered.y] if number else answered.y.astype(float)
    latent = (raw.parameters[tail:], raw.covariance[tail:, tail:], raw.df)
    told = {
        "latent": fitted.told(sample, f"ordered logit, per {per}", how, raw.df),
        "naive linear": f"least squares on the answer{'' if number else ' as a rank'}, per {per}, robust errors",
    }
    found = []
    for scale, fit in (("latent", latent), ("naive linear", _linear(sample, x, y, tuple(terms)))):
        for i, name in enumerate(names):
            rows = _contrasts(fit, i, per, level)
            below, above = sides[i]
            own = {"scale": scale, "driver": name, "per": per, "middle": scales[name].middle, "method": told[scale]}
            found.append(rows.assign(**own, n_below=below, n_above=above))
    order = [
        "scale", "driver", "effect", "per", "value", "std_error", "low", "high", "p", "kind", "middle", "n_below",
        "n_above", "n", "n_missing", "method", "level",
    ]  # fmt: skip
    sizes = {"n": sample.n_units, "n_missing": sample.n_missing, "level": level}
    return pd.concat(found, ignore_index=True).assign(**sizes)[order]


def _parts(sample: Sample, scales: dict[str, Span], per: Per) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Each driver below and above its middle, side by side, and how many units answered there."""
    columns, sides = [], []
    units = np.bincount(sample.row, weights=sample.n, minlength=len(sample.table))
    for name, span in scales.items():
        away = sample.table[name].to_numpy(dtype=float) - span.middle
        # Of a scale with an even number of answers, two are in the middle.
        near = float(abs(away).min()) if per == "step" else 0.0
        near = near if near <= 0.5 else 0.0
        low, high = away < -near, away > near
        for side, which in (("below", low), ("above", high)):
            if not which.any():
                raise ModelError(
                    f"Nobody answers {name!r} {side} its middle, {span.middle:g}, so there is nothing to compare. If "
                    f"the middle is elsewhere, give it: drivers={{{name!r}: ({span.low:g}, middle, {span.high:g})}}."
                )
        if per == "step" and (low | high).all():
            raise ModelError(f"Nobody answers {name!r} at its middle, {span.middle:g}; take per='point'.")
        columns += [low, high] if per == "step" else [np.minimum(away, 0.0), np.maximum(away, 0.0)]
        sides.append((round(units[low].sum()), round(units[high].sum())))
    return np.column_stack(columns).astype(float), sides


def _linear(
    sample: Sample, x: np.ndarray, y: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Slopes of a linear regression of the answer, their robust covariance, and degrees of freedom."""
    made = samples.scaled_design(names, x, sample.row_weights(), center=True)
    columns = np.column_stack([np.ones(len(x)), made.columns])
    found = least_squares(columns, sample.row, y, sample.w, True)
    own = Scores(columns @ found.bread[:, 1:] / made.scale, sample.row, found.residual)
    groups, k = sample.clusters, columns.shape[1]
    how = "cluster" if groups else "robust"
    covariance = fitted.spread(own, sample, how, fitted.correction(sample, k))
    return found.at[1:] / made.scale, covariance, groups.n - 1 if groups else sample.n_units - k


def _contrasts(fit: tuple[np.ndarray, np.ndarray, float], i: int, per: Per, level: float) -> pd.DataFrame:
    """Penalty, reward and asymmetry of one driver, and what they show it to be."""
    at, covariance, df = fit
    own = slice(2 * i, 2 * i + 2)
    sign = -1.0 if per == "point" else 1.0  # a slope below the middle is what a point up brings there
    turn = np.array([[sign, 0.0], [0.0, 1.0], [sign, 1.0]])
    effects = turn @ at[own]
    spread = turn @ covariance[own, own] @ turn.T
    quantile = intervals.half_width(level, df)
    rows = fitted.table(fitted.block(_EFFECTS, "", effects, np.sqrt(np.diag(spread)), quantile, df))
    alike = np.array([[1.0, _TWICE, 0.0], [-_TWICE, -1.0, 0.0]])  # twice the one less the other, each above 0
    margins = alike @ effects - quantile * np.sqrt(np.diag(alike @ spread @ alike.T))
    penalty, reward, asymmetry = rows.to_dict("records")
    if (margins > 0).all() and penalty["high"] < 0 < reward["low"]:
        kind = "performance"
    elif penalty["high"] < 0 and asymmetry["high"] < 0:
        kind = "must-be"
    elif reward["low"] > 0 and asymmetry["low"] > 0:
        kind = "attractive"
    else:
        kind = "undecided"
    return rows.rename(columns={"term": "effect"}).assign(kind=kind)
