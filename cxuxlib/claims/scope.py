"""The test behind the claim on scope: does UX weigh more where the brand is one product?"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t as student

from cxuxlib import text
from cxuxlib.claims.case import Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import UNEVEN, refuse, uneven
from cxuxlib.claims.repeating import held
from cxuxlib.claims.ruling import Evidence, Verdict
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.frames import columns
from cxuxlib.results import Estimate
from cxuxlib.study import names

Array = NDArray[np.float64]

_BRANDS = 10
_UNITS = 20  # of a brand; with fewer its correlation says next to nothing, and its error is not normal
STEADY = 0.3  # reliability below which dividing by it multiplies chance
BRAND, PRODUCTS = "brand_id", "products_of_brand"


class Meta(NamedTuple):
    """Intercept and slope of a random-effects meta-regression.

    Args:
        value: intercept and slope.
        error: their standard errors, by Knapp and Hartung, for Student's t with ``df`` degrees of freedom.
        df: studies less 2.
        tau2: variance between studies that the slope does not explain.
    """

    value: Array
    error: Array
    df: int
    tau2: float


def one_product(case: Case, level: float) -> Evidence:
    """D1: slope of a brand's r(UX, CX) on the doublings of its number of products."""
    refuse(case)
    ux, cx = case.facets.get("UX", []), overall_items(case)
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux) if ux else 'none'}.")
    x, brand, missing, sizes = _by_brand(case, [*ux, *cx])
    reliability = [alpha(x[:, : len(ux)]), alpha(x[:, len(ux) :])]
    if min(reliability) < STEADY:
        raise NotAnswerable(
            f"The items of UX and of CX must go together; their reliabilities are {text.number(reliability[0], 2)} and "
            f"{text.number(reliability[1], 2)}, below {STEADY}."
        )
    freed = 1 / sqrt(reliability[0] * reliability[1])
    scores = np.column_stack([x[:, : len(ux)].mean(axis=1), x[:, len(ux) :].mean(axis=1)])
    kept = [each for each in np.unique(brand) if (brand == each).sum() >= _UNITS and each in sizes]
    if len(kept) < _BRANDS:
        raise NotAnswerable(
            f"This needs at least {_BRANDS} brands with {_UNITS} complete answer sheets each; the study has "
            f"{len(kept)} of {len(np.unique(brand))}."
        )
    doublings = np.log2([sizes[each] for each in kept])
    if len(np.unique(doublings)) < 2:
        raise NotAnswerable("All brands have the same number of products.")
    r, variance = np.array([_correlation(scores[brand == each]) for each in kept]).T
    fit = meta_regression(r * freed, variance * freed**2, doublings)
    half = float(student.ppf(0.5 + level / 2, fit.df)) * fit.error[1]
    value, n = float(fit.value[1]), int(np.isin(brand, kept).sum())
    how = "random-effects meta-regression, Knapp-Hartung"
    found = Estimate(
        value, value - half, value + half, n, how, level, "r(UX, CX) per doubling", missing + len(brand) - n
    )
    said = [
        f"{len(kept)} brands with {min(sizes[each] for each in kept):g} to {max(sizes[each] for each in kept):g} "
        f"products; with one product r(UX, CX) is {text.number(fit.value[0], 2)}",
        f"correlations of mean answers times {freed:.2f}, by which the error of items (alpha) makes them too small; it "
        "is taken for the same in all brands",
    ]
    many = np.array([sizes.get(each, 0) for each in brand]) > np.median([sizes[each] for each in kept])
    mine = np.isin(brand, kept)
    apart = uneven(
        {"in brands of few products": x[mine & ~many], "in brands of many": x[mine & many]}, (len(ux), len(cx))
    )
    cannot: tuple[Verdict, ...] = ("supported", "refuted") if apart.startswith(UNEVEN) else ()
    return Evidence(found, "; ".join([*said, *([apart] if apart else [])]) + ".", cannot)


def meta_regression(y: Array, variance: Array, x: Array) -> Meta:
    """Regress the figures of studies on what these are like, with a variance of their own between studies.

    The variance τ² between studies solves Σ (y - fit)² / (v + τ²) = k - 2 (Paule and Mandel), 0 where no τ² does.
    Errors are those of weighted least squares times √max(1, Σ (y - fit)² / (v + τ²) / (k - 2)) (Knapp and Hartung).

    Args:
        y: figures of the studies, shape (k,) with k of 3 or more.
        variance: of their errors.
        x: what they are regressed on.

    Returns:
        `Meta`.

    Source: Paule & Mandel 1982, doi:10.6028/jres.087.022; Knapp & Hartung 2003, doi:10.1002/sim.1482. Checked against:
    weighted least squares where τ² is 0, and simulated studies.

    >>> fit = meta_regression(np.array([0.1, 0.2, 0.3, 0.4]), np.full(4, 0.01), np.arange(4.0))
    >>> fit.value.round(6).tolist(), fit.tau2
    ([0.1, 0.1], 0.0)
    """
    design, df = np.column_stack([np.ones(len(x)), x]), len(y) - 2

    def fitted(tau2: float) -> tuple[Array, Array, float]:
        weight = 1 / (variance + tau2)
        inverse = np.asarray(np.linalg.inv((design * weight[:, None]).T @ design), dtype=np.float64)
        value = inverse @ design.T @ (weight * y)
        return value, inverse, float(weight @ (y - design @ value) ** 2)

    tau2 = 0.0
    if fitted(0.0)[2] > df:
        most = 1.0 + float(((y - y.mean()) ** 2).sum())
        tau2 = float(brentq(lambda each: fitted(each)[2] - df, 0.0, most))
    value, inverse, q = fitted(tau2)
    return Meta(value, np.sqrt(np.diag(inverse) * max(1.0, q / df)), df, tau2)


def _by_brand(case: Case, items: list[str]) -> tuple[Array, NDArray[np.object_], int, dict[object, float]]:
    """Complete answers, the brand of each, the number of sheets left out, and the products of each brand."""
    tables = list(case.study.tables.values())
    unit = next(iter(names(case.study, role="unit")), "")

    def holding(*wanted: str) -> object:
        found = next((each for each in tables if set(wanted) <= held(each)), None)
        if found is None:
            raise NotAnswerable(
                f"This needs the brand of each unit and the number of products of each brand (columns {BRAND!r} and "
                f"{PRODUCTS!r}); no table has {listed(list(wanted))}."
            )
        return found

    if "answers" not in case.study.tables:
        raise NotAnswerable("This needs the answers of units by brand, and the study has moments.")
    products = columns(holding(BRAND, PRODUCTS), [BRAND, PRODUCTS]).dropna().drop_duplicates()
    if products[BRAND].duplicated().any() or not (products[PRODUCTS] >= 1).all():
        raise NotAnswerable(f"{PRODUCTS!r} must be one number of 1 or more for each brand.")
    sheets = case.study.tables["answers"]
    if BRAND in held(sheets):
        rows = columns(sheets, [BRAND, *items])
    else:
        of = columns(holding(unit, BRAND), [unit, BRAND]).drop_duplicates(unit)
        rows = columns(sheets, [unit, *items]).merge(of, on=unit, how="left")
    whole = rows[[BRAND, *items]].notna().all(axis=1)
    sizes = dict(zip(products[BRAND], products[PRODUCTS].astype(float), strict=True))
    return rows.loc[whole, items].to_numpy(dtype=float), rows.loc[whole, BRAND].to_numpy(), int((~whole).sum()), sizes


def alpha(x: Array) -> float:
    """Reliability of the mean of some items."""
    k, covariance = x.shape[1], np.cov(x.T)
    total = float(covariance.sum())
    return k / (k - 1) * (1 - float(np.trace(covariance)) / total) if total > 0 else 0.0


def _correlation(pair: Array) -> tuple[float, float]:
    """A correlation and the variance of its error, whatever the distribution."""
    spread = pair.std(axis=0)
    if not spread.min() > 0:
        raise NotAnswerable("In one brand all give the same answers; its correlation does not exist.")
    a, b = ((pair - pair.mean(axis=0)) / spread).T
    r = float(np.mean(a * b))
    return r, float(np.mean((a * b - r * (a**2 + b**2) / 2) ** 2)) / (len(pair) - 1)
