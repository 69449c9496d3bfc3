"""What UX and service are worth: from who leaves, and what a customer brings, to money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ColumnError, SampleError, listed, unknown
from cxuxlib.models.churn.continuous import Hazard
from cxuxlib.models.loyalty.options import check_money, check_whole
from cxuxlib.models.loyalty.staying import Base, Figures, averages, base_of
from cxuxlib.models.regression import fitted
from cxuxlib.models.regression.fitted import Regression
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["worth"]

_MOST = 10_000  # windows or periods of a horizon


class _Effect(NamedTuple):
    """Figures of one change, their slopes in the parameters, and what each row of covariates does to them."""

    value: np.ndarray
    own: np.ndarray
    again: Callable[[np.ndarray], np.ndarray]


def worth(
    fit: Fit,
    *,
    margin: float,
    horizon: int,
    discount: float = 0.0,
    columns: Sequence[str] | None = None,
    level: float | None = None,
) -> Fit:
    """What is one SD of UX or of service worth: in customers who stay, in time, and in money, with intervals?

    A customer with covariates x stays S(t | x) = Π_{s ≤ t} (1 - h_s(x)) and is worth
    V(x) = margin · Σ_{t < horizon} S(t | x)/(1 + d)^t, the first margin at once. Per SD: (SD/n) Σ_i ∂V(x_i)/∂x, the
    average over customers, whose sample and whose SD bring errors of their own; of a category: everybody in it, minus
    everybody in the first. V at average covariates, or at the average retention, is another number: who stays longest
    is worth most, and the mean of that is more than its value at the mean.

    It is what goes with UX or service in these data: worth earning only as far as changing them changes who leaves.

    Args:
        fit: result of `churn_logit`, whose chance to leave holds in each window up to the horizon, or of `churn_hazard`
            in discrete time ("cloglog" or "logit"), whose hazards go by period.
        margin: money a customer brings in a window (or period), above 0.
        horizon: windows (or periods) that are counted, 1 or more; with hazards of each period no more than were seen.
        discount: per window (or period), 0 or more.
        columns: covariates; all by default.
        level: confidence level, 0 to 1; that of the fit by default.

    Returns:
        A `Fit`: for "all" the share that stays to the horizon, tenure within it, and value as they are; per covariate
        "staying", "tenure" and "value" per point and per SD, or "b vs a". The customers are those of the fit; of a
        hazard, those watched from the start, as they were then.

    Raises:
        ArgumentError: another model, or a horizon beyond the periods that were seen.
        ColumnError: no such covariate. SampleError: of a hazard, nobody was watched from the start.

    Source: Bartus 2005, doi:10.1177/1536867X0500500303 (average marginal effects); Gupta & Lehmann 2003,
    doi:10.1002/dir.10045 (value of retention). Checked against: `margins` at a horizon of 1, differences of values by
    brute force, the bootstrap, planted worth.

    >>> from cxuxlib.models import churn_logit
    >>> rows = pd.DataFrame({"ease": [1, 1, 5, 5], "churned": [1, 0, 1, 0], "n": [300, 200, 150, 350]})
    >>> fit = churn_logit(rows, "churned ~ ease", frequency="n")
    >>> found = worth(fit, margin=100, horizon=12, discount=0.01)
    >>> found.terms.query("term == 'ease'")[["kind", "value", "low", "high"]].round(3)
                    kind   value     low     high
    3  staying per point   0.008   0.002    0.013
    4   tenure per point   0.439   0.315    0.562
    5    value per point  42.079  30.388   53.771
    6     staying per SD   0.016   0.004    0.027
    7      tenure per SD   0.878   0.631    1.125
    8       value per SD  84.201  60.806  107.596
    """
    raw = _raw(fit)
    margin = check_money(margin, what="margin", above=True)
    discount = check_money(discount, what="discount")
    periods = int(check_whole(horizon, what="horizon", least=1))
    if periods > _MOST:
        raise ArgumentError(f"horizon is at most {_MOST:,} windows or periods; got {horizon!r}.")
    level = intervals.check_level(fit.level if level is None else level)
    base = base_of(raw, fit, periods)
    names = list(base.table.columns) if columns is None else list(columns)
    if isinstance(columns, str) or not names:
        raise ArgumentError(f"columns is a list of covariates; there is {listed(base.table.columns)}.")
    money = Figures(margin, discount, periods)
    z = intervals.half_width(level, base.df)
    rows = [*_rows(base, "all", "", _level(base, money, base.table), z, tested=False)]
    for name in names:
        if name not in base.table.columns:
            raise ColumnError(unknown("covariate", name, base.table.columns))
        for kind, effect in _effects(base, money, name):
            rows += _rows(base, name, kind, effect, z, tested=True)
    terms = pd.DataFrame(rows, columns=["term", "kind", "value", "std_error", "low", "high", "p"])
    quality = {key: fit.quality[key] for key in ("n", "n_missing") if key in fit.quality}
    quality |= {"n_averaged": base.n, "horizon": float(periods), "margin": margin, "discount": discount}
    method = f"{fit.method}; delta method over the population; {base.said}; as associated, not as caused"
    return Fit("worth", fit.formula, terms, quality, fit.raw, level, method)


def _raw(fit: Fit) -> Regression | Hazard:
    """The model of who leaves."""
    raw = fit.raw if isinstance(fit, Fit) else None
    if isinstance(raw, Hazard) and raw.kind != "cox":
        return raw
    if isinstance(raw, Regression) and fit.model == "churn logit":
        return raw
    got = f"{fit.model!r}" if isinstance(fit, Fit) else f"{fit!r:.80}"
    raise ArgumentError(
        f"worth needs a fit of churn_logit, or of churn_hazard with kind='cloglog' or 'logit' (Cox leaves the baseline "
        f"open); got {got}."
    )


def _level(base: Base, money: Figures, table: pd.DataFrame) -> _Effect:
    """The figures of everybody with these covariates."""
    x = base.design(table)

    def rows(at: np.ndarray) -> np.ndarray:
        return averages(base, at, x, money)[0]

    found = rows(base.parameters)
    mean = base.w @ found
    return _Effect(mean, found - mean, lambda at: base.w @ rows(at))


def _effects(base: Base, money: Figures, name: str) -> list[tuple[str, _Effect]]:
    """What goes with one covariate, by kind."""
    values = base.table[name]
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool or name in base.plan.nominal:
        return _contrasts(base, money, name)
    if name in base.plan.stepped:
        raise ArgumentError(
            f"{name!r} stands in a comparison or is rounded, so a small change of it does nothing; make the comparison "
            "a column of true and false, or put the number into C(...)."
        )
    x = values.to_numpy(dtype=float)
    mean = float(base.w @ x)
    size = base.n
    sd = float(np.sqrt(base.w @ (x - mean) ** 2 * size / (size - 1)))
    if not sd > 0:
        raise SampleError(f"All who were watched from the start have the same {name!r}; it has no SD among them.")
    made, slopes = base.design(base.table), base.slopes(name, sd)

    def rows(at: np.ndarray) -> np.ndarray:
        return averages(base, at, made, money, slopes)[1]

    found = rows(base.parameters)
    point = base.w @ found
    own = found - point
    by_sd = sd * own + np.outer(((x - mean) ** 2 - sd**2) / (2 * sd), point)
    return [
        ("per point", _Effect(point, own, lambda at: base.w @ rows(at))),
        ("per SD", _Effect(sd * point, by_sd, lambda at: sd * (base.w @ rows(at)))),
    ]


def _contrasts(base: Base, money: Figures, name: str) -> list[tuple[str, _Effect]]:
    """Everybody in one category, compared with everybody in the first."""
    values = base.table[name]
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    found: list[Any] = list(values.cat.categories) if categorical else sorted(values.unique().tolist())
    everybody = []
    for each in found:
        same = pd.Categorical([each] * len(values), dtype=values.dtype) if categorical else np.full(len(values), each)
        everybody.append(_level(base, money, base.table.assign(**{name: same})))

    def less(one: _Effect, first: _Effect) -> _Effect:
        return _Effect(one.value - first.value, one.own - first.own, lambda at: one.again(at) - first.again(at))

    return [
        (f"{each} vs {found[0]}", less(one, everybody[0])) for each, one in zip(found[1:], everybody[1:], strict=True)
    ]


def _rows(base: Base, term: str, kind: str, effect: _Effect, z: float, *, tested: bool) -> list[tuple[Any, ...]]:
    """Staying, tenure and value, with their intervals."""
    error = base.errors(effect.own, effect.again)
    rows: list[tuple[Any, ...]] = []
    for i, what in enumerate(("staying", "tenure", "value")):
        value, spread = float(effect.value[i]), float(error[i])
        low, high = value - z * spread, value + z * spread
        if not tested:  # shares by their logit, sums by their logarithm
            scale = value * (1 - value) if what == "staying" else value
            factor = np.exp(z * spread / scale)
            low, high = value / factor, value * factor
            if what == "staying":
                low, high = (1 / (1 + (1 - value) / value * factor**sign) for sign in (1, -1))
        p = float(fitted.p_values(np.array([value / spread]), base.df)[0]) if tested and spread > 0 else nan
        rows.append((term, f"{what} {kind}".strip(), value, spread, float(low), float(high), p))
    return rows
