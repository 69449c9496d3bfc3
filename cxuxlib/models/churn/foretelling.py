"""How good are the chances that a model foretells: on the customers it was fitted on, and on others."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cxuxlib.errors import ArgumentError, ModelError, SampleError
from cxuxlib.frames import cells
from cxuxlib.models.regression import fitted, outcomes
from cxuxlib.models.regression.designs import design
from cxuxlib.models.regression.fitted import Regression, p_values
from cxuxlib.results import Fit
from cxuxlib.stats import forecasts, intervals
from cxuxlib.stats.glm_errors import Grouping, Scores, cluster_meat, meat

__all__ = ["Performance", "churn_performance"]

_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)


class Performance(NamedTuple):
    """Tables of a model's performance.

    Args:
        reliability: per bin of forecasts n, foretold, observed, low and high (Wilson's interval of the observed share),
            from and to (ends of the forecasts).
        net_benefit: per threshold that of the model with its error and interval, of acting on all, and on none.
    """

    reliability: pd.DataFrame
    net_benefit: pd.DataFrame


class _Judged(NamedTuple):
    """Forecasts with their answers, and what weighs them."""

    line: np.ndarray
    y: np.ndarray
    w: np.ndarray
    ww: np.ndarray
    clusters: Grouping | None
    weighted: bool
    n: int
    n_missing: int

    def error(self, influence: np.ndarray) -> np.ndarray:
        """Standard errors of what has this influence, shape (m,) or (m, f)."""
        moved = influence if influence.ndim == 2 else influence[:, None]
        if self.clusters is not None:
            g = self.clusters.n
            spread = cluster_meat(Scores(moved), self.clusters) * g / (g - 1)
        else:
            spread = meat(Scores(moved), self.ww) * self.n / (self.n - 1)
        found: np.ndarray = np.sqrt(np.diag(spread))
        return found


def churn_performance(
    fit: Fit,
    data: Any = None,
    *,
    bins: int = 10,
    thresholds: Sequence[float] = _THRESHOLDS,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    level: float | None = None,
) -> Fit:
    """How good are foretold chances of churn: do they rank, are they right, and is it worth to act on them?

    AUC with DeLong's error; the Brier score = reliability - resolution + uncertainty (+ what bins hide); intercept and
    slope of churn on the logit of the chances (0 and 1 where they are right); net benefit of acting where the chance is
    at least t, (true - false t/(1 - t))/n.

    Args:
        fit: result of `churn_logit` or `logit`.
        data: other customers than those of the fit, best those of a later window; None: the same, and then the figures
            flatter, and the calibration intercept and slope are 0 and 1 by construction.
        bins: of forecasts, of about equal size.
        thresholds: chances of churn from which on one would act.
        unit, weight, frequency: of ``data``, as of `churn_logit`.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        A `Fit`: terms AUC, Brier, reliability, resolution, uncertainty, within bins, calibration intercept and slope
        (kind "performance"), and net benefit by threshold (kind "at t"). ``raw`` is a `Performance`: the tables of the
        reliability curve and of net benefit. Errors take the forecasts as they are; parts of the Brier score have none.

    Raises:
        ArgumentError: not a logistic regression, or thresholds that are no chances.
        ModelError, SampleError: all or none of ``data`` churn, or no complete row.

    Source: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; Murphy 1973,
    doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; Vickers & Elkin 2006, doi:10.1177/0272989X06295361.
    Checked against: R's pROC and glm, and counts by hand.

    >>> from cxuxlib.models import churn_logit
    >>> rows = pd.DataFrame({"ease": [1, 1, 5, 5], "churned": [1, 0, 1, 0], "n": [30, 20, 15, 35]})
    >>> found = churn_performance(churn_logit(rows, "churned ~ ease", frequency="n"), thresholds=[0.4])
    >>> found.terms[["term", "kind", "value"]].head(5).round(3)
              term         kind  value
    0          AUC  performance  0.652
    1        Brier  performance  0.225
    2  reliability  performance  0.000
    3   resolution  performance  0.022
    4  uncertainty  performance  0.248
    >>> round(found.estimate("net benefit", "at 0.4").value, 3)
    0.167
    """
    raw = fitted.regression_of(fit, "churn_performance")
    if raw.link != "logit" or raw.labels != (0, 1):
        raise ArgumentError(f"churn_performance needs a fit of churn_logit or logit; got {fit.model!r}.")
    if not isinstance(bins, int) or not 2 <= bins <= 100:
        raise ArgumentError(f"bins is a whole number from 2 to 100; got {bins!r}.")
    if isinstance(thresholds, str) or not all(isinstance(t, int | float) and 0 < t < 1 for t in thresholds):
        raise ArgumentError(f"thresholds are chances between 0 and 1; got {thresholds!r:.60}.")
    level = intervals.check_level(fit.level if level is None else level)
    if data is None and (weight or frequency or unit is not ...):
        raise ArgumentError("unit, weight and frequency go with data; the fit knows those of its own customers.")
    judged = _own(raw) if data is None else _other(raw, data, unit, weight, frequency)
    p, z = expit(judged.line), intervals.normal_quantile(level)
    rows = [_area(judged, p, z)]
    made = forecasts.binned(p, judged.y, judged.w, bins)
    parts = forecasts.brier(p, judged.y, judged.w, made)
    off = ((p - judged.y) ** 2 - parts["Brier"]) / judged.w.sum()
    error = float(judged.error(off)[0])
    rows.append(("Brier", "performance", parts["Brier"], error, *_around(parts["Brier"], error, z), nan))
    rows += [(name, "performance", value, nan, nan, nan, nan) for name, value in list(parts.items())[1:]]
    at, moved = forecasts.recalibrated(judged.line, judged.y, judged.w)
    for name, value, spread, true in zip(("intercept", "slope"), at, judged.error(moved), (0, 1), strict=True):
        far = float(p_values(np.array([(value - true) / spread]), inf)[0]) if data is not None and spread > 0 else nan
        rows.append((f"calibration {name}", "performance", value, spread, *_around(value, spread, z), far))
    benefits = []
    for t in thresholds:
        value, everybody, own = forecasts.net_benefit(p, judged.y, judged.w, t)
        spread = float(judged.error(own)[0])
        rows.append(("net benefit", f"at {t:g}", value, spread, *_around(value, spread, z), nan))
        benefits.append((t, value, spread, *_around(value, spread, z), everybody, 0.0))
    terms = pd.DataFrame(rows, columns=["term", "kind", "value", "std_error", "low", "high", "p"])
    tables = Performance(
        _curve(made, judged, level),
        pd.DataFrame(benefits, columns=["threshold", "value", "std_error", "low", "high", "all", "none"]),
    )
    quality = {
        "n": float(judged.n),
        "n_missing": float(judged.n_missing),
        "share": float(judged.w @ judged.y / judged.w.sum()),
    }
    how = "apparent: on the customers of the fit" if data is None else "on other customers than those of the fit"
    by = "by cluster" if judged.clusters else "DeLong's for the AUC"
    return Fit(
        "churn performance",
        fit.formula,
        terms,
        quality,
        tables,
        level,
        f"{how}; errors {by}, forecasts taken as they are",
    )


def _around(value: float, error: float, z: float) -> tuple[float, float]:
    return float(value - z * error), float(value + z * error)


def _area(judged: _Judged, p: np.ndarray, z: float) -> tuple[Any, ...]:
    """The row of the AUC, whose interval is that of its logit, so that it stays in range."""
    found = forecasts.area_under_curve(p, judged.y, judged.w)
    plain = judged.clusters is None and not judged.weighted
    error = found.std_error if plain else float(judged.error(found.influence)[0])
    a = found.value
    low = high = nan
    if 0 < a < 1 and np.isfinite(error):
        center, reach = np.log(a / (1 - a)), z * error / (a * (1 - a))
        low, high = float(expit(center - reach)), float(expit(center + reach))
    tested = float(p_values(np.array([(a - 0.5) / error]), inf)[0]) if error > 0 else nan
    return "AUC", "performance", a, error, low, high, tested


def _curve(made: forecasts.Bins, judged: _Judged, level: float) -> pd.DataFrame:
    """The reliability curve; Wilson's interval counts the units that a bin's weights are worth."""
    worth = np.bincount(made.bin, judged.w) ** 2 / np.bincount(made.bin, judged.ww)
    ends = [intervals.wilson(o * m, m, level) for o, m in zip(made.observed, worth, strict=True)]
    return pd.DataFrame({
        "n": worth, "foretold": made.foretold, "observed": made.observed, "low": [low for low, _ in ends],
        "high": [high for _, high in ends], "from": made.low, "to": made.high,
    })  # fmt: skip


def _own(raw: Regression) -> _Judged:
    """The customers of the fit."""
    sample = raw.sample
    if sample is None:
        raise ArgumentError("churn_performance needs the answers, which moments do not hold.")
    line = (raw.x @ raw.parameters)[sample.row]
    return _Judged(
        line, raw.y, sample.w, sample.ww, sample.clusters, sample.weighted, sample.n_units, sample.n_missing
    )  # fmt: skip


def _other(
    raw: Regression, data: Any, unit: str | EllipsisType | None, weight: str | None, frequency: str | None
) -> _Judged:
    """Other customers."""
    plan = raw.plan
    names = list(dict.fromkeys([*plan.covariates, *plan.answers]))
    found = cells(data, names, unit=unit, weight=weight, frequency=frequency)
    keep = found.w > 0
    if not keep.all() and found.clusters is not None:
        raise SampleError("Some rows weigh nothing; leave them out.")
    table, w, ww = found.table[keep], found.w[keep], found.ww[keep]
    if not len(table):
        raise SampleError(f"There is no complete row in the data ({found.n_missing:,} are incomplete).")
    y = outcomes.yes_or_no(plan, table[list(plan.answers)])
    covariates = table[list(plan.covariates)]
    for name in covariates:
        known, new = raw.sample.table[name].dtype if raw.sample else None, covariates[name].dtype
        if isinstance(known, pd.CategoricalDtype) and isinstance(new, pd.CategoricalDtype):
            strange = sorted(set(covariates[name].unique()) - set(known.categories), key=str)
            if strange:
                raise ModelError(
                    f"{name!r} holds {strange[0]!r}, of which the fit knows nothing; leave those rows out."
                )
    spec = raw.sample.design.spec if raw.sample else None
    x = design(spec, covariates.reset_index(drop=True)).columns
    clusters = found.clusters
    group = None if clusters is None else Grouping(clusters.cell, clusters.code, clusters.w, clusters.n)
    n = round(found.n.sum()) - found.n_weightless
    return _Judged(x @ raw.parameters, y, w, ww, group, weight is not None, n, found.n_missing)
