"""Purchases without a contract: who is still a customer, how often they will buy, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, nan, tanh
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.loyalty.figures import Array, Rows, chance, errors, logged, slopes
from cxuxlib.models.loyalty.histories import Histories, histories_of
from cxuxlib.models.loyalty.options import PurchaseOptions
from cxuxlib.results import Fit
from cxuxlib.stats import purchases as bg
from cxuxlib.stats import spend as gg
from cxuxlib.stats.intervals import normal_quantile
from cxuxlib.text import number

__all__ = ["Buyers", "purchases"]

_PLAIN = PurchaseOptions()
_MOST = 7  # repeat purchases that are told apart in the check
_RELATED = 0.2  # correlation of spend and frequency from which on they do not go apart
_FEW = 10  # repeat buyers below which nothing is fitted


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Buyers:
    """The numbers behind purchases.

    Args:
        model: the BG/NBD model.
        spend: the Gamma-Gamma model; None where no spend was given.
        customers: per customer (or distinct history, n of them) repeats, recency, age, spend, n, p_alive, repeats to
            expect within the horizon and, with spend, the spend of a purchase and the discounted value to expect.
        check: how many customers made 0, 1, ..., 7 or more repeat purchases, and how many were expected to.
    """

    model: bg.BgNbd
    spend: gg.GammaGamma | None
    customers: pd.DataFrame
    check: pd.DataFrame


def purchases(
    data: Any,
    *,
    repeats: str = "frequency",
    recency: str = "recency",
    age: str = "T",
    spend: str | None = None,
    unit: str | EllipsisType | None = ...,
    options: PurchaseOptions = _PLAIN,
) -> Fit:
    """Who is still a customer, and what will they buy? BG/NBD, with Gamma-Gamma for spend, where nobody signs off.

    While they are customers, people buy at a rate of their own (gamma: r, α), and after each purchase leave with a
    chance of their own (beta: a, b). P(alive) = 1/(1 + [x > 0] a/(b + x - 1) ((α + T)/(α + t))^(r+x)). Value is
    margin · Σ_k (E[Y(kh/K)] - E[Y((k - 1)h/K)]) E[M]/(1 + d)^k over the K parts of the horizon h.

    Args:
        data: one row per customer (any engine), such as `metrics.behaviour.rfm` makes, or counts
            (``PurchaseOptions(frequency=...)``).
        repeats: column of purchases after the first: 0 for who bought once. All purchases, the first among them, would
            be one too many for everybody.
        recency: column of times from the first purchase to the last (not since the last).
        age: column of times from the first purchase to the end of observation.
        spend: column of the mean spend of repeat purchases; it may be missing, or anything, where there are none.
        unit: column of customers, each with one row, kept in ``raw.customers``; None: rows are customers; left out,
            repeated ids are refused.
        options: `PurchaseOptions`: frequency, horizon, parts, discount, margin, level.

    Returns:
        A `Fit`: the parameters; the mean purchase rate r/α and chance to leave after a purchase a/(a + b); P(alive) of
        all, of "repeat buyers" and of "one-time buyers", who have 1 by construction, however long ago they bought,
        because the model lets nobody leave before a repeat purchase; repeat purchases to expect within the horizon of a
        new customer and of a customer there is (mean); with spend the mean spend per purchase, and value per customer.
        Intervals know the error of the parameters, not the luck of single customers. Quality: n, n_once (one-time
        buyers), n_missing, logLik, and with spend n_spend (the repeat buyers whom Gamma-Gamma is fitted on) and the
        correlation of spend and repeats, which should be 0: where it is not, ``method`` says IMPROPER. ``raw`` is a
        `Buyers`, with a row per customer and the check of expected against observed repeats.

    Raises:
        AnswerError: repeats that are not whole, recency above age, spend of 0 or less.
        ModelError: nobody buys again, nobody seems to leave, or parameters that the data do not tell.
        SampleError, UnitError, ColumnError, ArgumentError: what else is wrong.

    Source: Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098 (BG/NBD), doi:10.1509/jmkr.2005.42.4.415 (value);
    Fader & Hardie 2013, The Gamma-Gamma model of monetary value. Checked against: their CDNOW figures (.243, 4.414,
    .793, 2.426; 6.25, 3.74, 15.44), R's optim on the likelihoods written anew, simulated customers.

    >>> rows = pd.DataFrame({"frequency": [0, 1, 1, 2, 2, 6, 4], "recency": [0, 1, 8, 3, 9, 9, 2], "T": 10})
    >>> rows["n"] = [50, 9, 6, 3, 5, 4, 2]
    >>> fit = purchases(rows, options=PurchaseOptions(frequency="n"))
    >>> fit.terms.loc[6:, ["term", "kind", "value", "low", "high"]].round(2)
                   term             kind  value   low  high
    6          P(alive)              all   0.81  0.74  0.87
    7          P(alive)    repeat buyers   0.49  0.32  0.66
    8          P(alive)  one-time buyers   1.00   NaN   NaN
    9   repeats within 10     new customer   0.85  0.53  1.36
    10  repeats within 10     per customer   0.45  0.28  0.71
    """
    if not isinstance(options, PurchaseOptions):
        raise ArgumentError(f"options is a PurchaseOptions; got {options!r:.80}.")
    columns = {"repeats": repeats, "recency": recency, "age": age} | ({} if spend is None else {"spend": spend})
    found = histories_of(data, columns, unit, options.frequency)
    table = found.table
    if found.n - found.n_once < _FEW:
        raise ModelError(f"{found.n - found.n_once:,.0f} customers bought again; a model needs {_FEW} or more.")
    history = [table[role].to_numpy() for role in ("repeats", "recency", "age")]
    n = table["n"].to_numpy()
    try:
        model = bg.bgnbd_fit(history[0], history[1], history[2], n)
    except ModelError as error:
        raise ModelError(_reason(history, n)) from error
    z = normal_quantile(options.level)
    paid = _spend(table, options) if spend is not None else None
    horizon = float(history[2].max()) if options.horizon is None else float(options.horizon)
    rows = _parameters(("r", "alpha", "a", "b"), model, "purchases", z)
    if paid is not None:
        rows += _parameters(("p", "q", "v"), paid, "spend", z)
    customers = _customers(table, model, paid, horizon, options)
    rows += _means(model, history, n, horizon, z)
    notes = ["maximum likelihood, delta method over the parameters"]
    if found.n_once:
        rows.insert(_place(rows), ("P(alive)", "one-time buyers", 1.0, nan, nan, nan, nan))
        notes.append(
            f"P(alive) of the {found.n_once:,.0f} who bought once is 1 by construction (nobody leaves before a repeat "
            "purchase), which has no error and is no sign of life"
        )
    quality = {
        "n": found.n, "n_once": found.n_once, "n_missing": float(found.n_missing), "horizon": horizon,
        "logLik": model.log_likelihood,
    }  # fmt: skip
    if paid is not None:
        rows += _money(model, paid, history, table, n, horizon, options, z)
        notes += _spend_notes(paid, found, quality, options.level)
    terms = pd.DataFrame(rows, columns=["term", "kind", "value", "std_error", "low", "high", "p"])
    raw = Buyers(model, paid, customers, _check(model, history, n))
    name = "BG/NBD" if paid is None else "BG/NBD, Gamma-Gamma"
    formula = f"{repeats}, {recency}, {age}" + (f", {spend}" if spend else "")
    return Fit(f"purchases ({name})", formula, terms, quality, raw, options.level, "; ".join(notes))


def _reason(history: list[Array], n: Array) -> str:
    """Why there is no maximum."""
    x, last, age = history
    again = x > 0
    seen = float(n[again] @ (last[again] / age[again]) / n[again].sum())
    if seen > 0.9:
        return (
            f"The likelihood has no maximum here: repeat buyers bought last at {seen:.2f} of their age on average, so "
            "nobody seems to have left yet, and the chance to leave runs to 0. Watch longer, or take shorter periods."
        )
    return (
        "The likelihood of BG/NBD has no maximum here: customers do not seem to differ in how often they buy, or in "
        "when they leave, so that these histories do not tell its parameters. Watch longer, or join more cohorts."
    )


def _spend(table: pd.DataFrame, options: PurchaseOptions) -> gg.GammaGamma:
    """Gamma-Gamma on repeat buyers."""
    again = table["repeats"] > 0
    try:
        paid = gg.gamma_gamma_fit(table.loc[again, "repeats"], table.loc[again, "spend"], table.loc[again, "n"])
    except ModelError as error:
        raise ModelError(
            f"{error} Customers do not seem to differ in what they spend; leave spend out, and multiply by its mean."
        ) from error
    if paid.q <= 1:
        raise ModelError(
            f"Spend differs so much between customers (q = {paid.q:.3g}, 1 or less) that it has no mean under "
            "Gamma-Gamma: a few spend nearly everything. Look at them apart."
        )
    return paid


def _parameters(names: tuple[str, ...], model: Any, kind: str, z: float) -> Rows:
    return [logged(name, kind, float(model[i]), model.std_errors[i], z) for i, name in enumerate(names)]


def _means(model: bg.BgNbd, history: list[Array], n: Array, horizon: float, z: float) -> Rows:
    """Means over the customers, with errors of the parameters."""
    again = history[0] > 0
    n_again, total = n * again, n.sum()

    def figures(at: Array) -> Array:
        each = bg.BgNbd(*at)
        alive, ahead = bg.p_alive(each, *history), bg.expected_repeats(each, horizon, *history)
        new = float(bg.expected_purchases(each, horizon))
        r, alpha, a, b = at
        return np.array([
            r / alpha, a / (a + b), n @ alive / total, n_again @ alive / n_again.sum(), new, n @ ahead / total,
        ])  # fmt: skip

    at = np.array(model[:4])
    value, error = figures(at), errors(slopes(at, figures), model.covariance)
    named = (
        ("purchase rate", "while customer", logged), ("chance to leave after a purchase", "mean", chance),
        ("P(alive)", "all", chance), ("P(alive)", "repeat buyers", chance),
        (f"repeats within {horizon:g}", "new customer", logged),
        (f"repeats within {horizon:g}", "per customer", logged),
    )  # fmt: skip
    return [row(term, kind, value[i], error[i], z) for i, (term, kind, row) in enumerate(named)]


def _place(rows: Rows) -> int:
    """Where the row of one-time buyers goes."""
    return next(i for i, row in enumerate(rows) if row[:2] == ("P(alive)", "repeat buyers")) + 1


def _ahead(model: bg.BgNbd, history: list[Array], horizon: float, options: PurchaseOptions) -> Array:
    """Purchases to expect of each history, discounted."""
    parts = options.parts if options.discount else 1  # without a discount only the end counts
    ends = np.linspace(0, horizon, parts + 1)[1:]
    found = np.array([bg.expected_repeats(model, end, *history) for end in ends])
    worth = (1 + options.discount) ** -np.arange(1.0, parts + 1)
    total: Array = worth @ np.diff(found, axis=0, prepend=0.0)
    return total


def _expected(paid: gg.GammaGamma, table: pd.DataFrame) -> Array:
    """Spend per purchase to expect of each history."""
    return gg.expected_spend(paid, table["repeats"].to_numpy(), table["spend"].fillna(0.0).to_numpy())


def _money(
    model: bg.BgNbd, paid: gg.GammaGamma, history: list[Array], table: pd.DataFrame, n: Array, horizon: float,
    options: PurchaseOptions, z: float,
) -> Rows:  # fmt: skip
    """Mean spend per purchase and mean value per customer: the two models are fitted apart, so their errors add up."""
    w = options.margin * n / n.sum()
    many, each = _ahead(model, history, horizon, options), _expected(paid, table)
    spends = np.array(paid[:3])

    def mean_spend(at: Array) -> Array:
        own = gg.GammaGamma(*at)
        return np.array([own.p * own.v / (own.q - 1), w @ (many * _expected(own, table))])

    value, by_spend = mean_spend(spends), slopes(spends, mean_spend)
    by_purchases = slopes(
        np.array(model[:4]), lambda at: np.array([w @ (each * _ahead(bg.BgNbd(*at), history, horizon, options))])
    )
    first = errors(by_spend, paid.covariance)
    second = np.array([0.0, float(errors(by_purchases, model.covariance)[0])])
    error = np.hypot(first, second)
    named = (("spend per purchase", "mean"), (f"value within {horizon:g}", "per customer"))
    return [logged(term, kind, value[i], error[i], z) for i, (term, kind) in enumerate(named)]


def _spend_notes(paid: gg.GammaGamma, found: Histories, quality: dict[str, float], level: float) -> list[str]:
    """What is said of spend and frequency, which Gamma-Gamma takes to go apart."""
    r, size = paid.correlation, paid.n
    quality |= {"n_spend": size, "logLik_spend": paid.log_likelihood, "spend_correlation": r}
    who = f"spend by Gamma-Gamma on the {size:,.0f} who bought again"
    if not (abs(r) < 1 and size > 3):
        return [f"{who}; whether spend goes with repeats cannot be told"]
    reach = normal_quantile(level) / (size - 3) ** 0.5
    low, high = (tanh(atanh(r) + sign * reach) for sign in (-1, 1))
    quality["spend_correlation_p"] = float(2 * ndtr(-abs(atanh(r)) * (size - 3) ** 0.5))
    told = f"its correlation with repeats is {number(r, 2)} [{number(low, 2)}, {number(high, 2)}]"
    if abs(r) >= _RELATED and low * high > 0:
        return [
            who,
            f"IMPROPER: spend goes with repeats ({told}), and Gamma-Gamma takes them to go apart: the value of those "
            "who buy often is told wrongly",
        ]
    return [f"{who}; {told}"]


def _customers(
    table: pd.DataFrame, model: bg.BgNbd, paid: gg.GammaGamma | None, horizon: float, options: PurchaseOptions
) -> pd.DataFrame:
    history = [table[role].to_numpy() for role in ("repeats", "recency", "age")]
    found = table.assign(
        p_alive=bg.p_alive(model, *history), expected=bg.expected_repeats(model, horizon, *history)
    )  # fmt: skip
    if paid is None:
        return found.drop(columns="spend")
    each = _expected(paid, table)
    return found.assign(expected_spend=each, value=options.margin * each * _ahead(model, history, horizon, options))


def _check(model: bg.BgNbd, history: list[Array], n: Array) -> pd.DataFrame:
    """Customers by repeat purchases, observed and expected."""
    ages, place = np.unique(history[2], return_inverse=True)
    chances = bg.repeat_chances(model, ages, _MOST - 1)
    chances = np.column_stack([chances, 1 - chances.sum(axis=1)])
    expected = np.bincount(place, n, len(ages)) @ chances
    observed = np.bincount(np.minimum(history[0], _MOST).astype(int), n, _MOST + 1)
    names = [*map(str, range(_MOST)), f"{_MOST}+"]
    return pd.DataFrame({"repeats": names, "observed": observed, "expected": expected})
