"""Shares of variance against lme4, dense likelihoods and sums of squares, and what they refuse."""

import json
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, t

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError, UnitError
from cxuxlib.models import variance_components
from cxuxlib.results import Fit
from cxuxlib.stats.layers import layers, minus_two

CASE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "panels.json").read_text(encoding="utf-8"))[
    "layers"
]
ROWS = pd.DataFrame(CASE["rows"])
LEVELS = ["brand", "product"]


def fitted(data: Any = ROWS, outcomes: Any = ("ux", "cx"), levels: Any = LEVELS, **how: Any) -> Fit:
    return variance_components(data, outcomes, levels, **how)


def value(fit: Fit, term: str, kind: str) -> float:
    return float(fit.terms.loc[(fit.terms["term"] == term) & (fit.terms["kind"] == kind), "value"].iloc[0])


def row(fit: Fit, term: str, kind: str) -> pd.Series:
    return fit.terms[(fit.terms["term"] == term) & (fit.terms["kind"] == kind)].iloc[0]


def made(brands: int, rng: np.random.Generator, *, product: float = 0.7, noise: Any = None) -> pd.DataFrame:
    """Products of one brand differ in UX; CX is the brand's. Unequal numbers of products and ratings."""
    rows = []
    for j in range(brands):
        whole = rng.normal(size=2)
        for k in range(rng.integers(1, 7)):
            own, m = product * rng.normal(), int(rng.integers(4, 30))
            rows.append(pd.DataFrame({
                "brand": f"b{j}", "product": k, "ux": 0.5 * whole[0] + own + rng.normal(size=m),
                "cx": 0.6 * whole[0] + 0.4 * whole[1] + rng.normal(size=m),
            }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


TRUE = 0.49 / (0.25 + 0.49 + 1)


@pytest.mark.parametrize("case", ["ux_reml", "ux_ml", "cx_reml"])
def test_lme4(case: str) -> None:
    name, how = case.split("_")
    fit, expected = fitted(outcomes=name, estimator=how), CASE[case]
    for kind, level in (("brand", "brand"), ("product", "product"), ("rest", "within")):
        assert value(fit, name, f"variance {level}") == pytest.approx(expected[kind], rel=1e-6, abs=1e-9)
    assert fit.quality[f"{name}_logLik"] == pytest.approx(expected["logLik"], abs=1e-8)
    assert fit.raw.fits[name].mean == pytest.approx(expected["mean"], rel=1e-7)


def test_every_engine(frame: Callable[..., Any]) -> None:
    pd.testing.assert_frame_equal(fitted(frame(ROWS)).terms, fitted().terms)


@pytest.mark.parametrize("how", ["ml", "reml"])
def test_likelihood_is_that_of_one_large_normal_distribution(how: Any) -> None:
    """Three levels of groups and rows within them; REML by the likelihood of contrasts of the mean."""
    rng = np.random.default_rng(1)
    shop = rng.integers(0, 14, 40)
    product, brand = shop // 2, shop // 5
    codes = [np.unique(each, return_inverse=True)[1] for each in (brand, product + 10 * brand, shop + 100 * product)]
    y, ratios = rng.normal(3, 2, 40), np.array([0.7, 0.4, 1.1])
    made_of, ones = layers(y, codes), np.ones(int(codes[0].max()) + 1)
    found, slope, variance, mean = minus_two(ratios, made_of, ones, how)
    v = np.eye(40)
    for ratio, code in zip(ratios, codes, strict=True):
        v += ratio * (code[:, None] == code)
    inverse = np.linalg.inv(v)
    gls = inverse.sum(axis=0) @ y / inverse.sum()
    rest = (y - gls) @ inverse @ (y - gls) / (40 if how == "ml" else 39)
    assert (mean, variance) == pytest.approx((gls, rest), rel=1e-12)
    plain = -2 * multivariate_normal(np.full(40, gls), rest * v).logpdf(y)
    extra = np.log(inverse.sum() / rest) - np.log(2 * np.pi) if how == "reml" else 0.0
    assert found == pytest.approx(plain + extra, rel=1e-12)
    near = [[minus_two(ratios + way * h, made_of, ones, how).value for way in (1, -1)] for h in 1e-5 * np.eye(3)]
    assert slope == pytest.approx(np.array([up - down for up, down in near]) / 2e-5, rel=1e-7)


def test_balanced_rows_by_sums_of_squares() -> None:
    """With equal numbers and no negative variance, REML is the analysis of variance."""
    rng = np.random.default_rng(2)
    a, b, m = 8, 4, 6
    y = 2 * rng.normal(size=(a, 1, 1)) + rng.normal(size=(a, b, 1)) + rng.normal(size=(a, b, m))
    rows = pd.DataFrame({
        "brand": np.repeat(np.arange(a), b * m), "product": np.tile(np.repeat(np.arange(b), m), a), "y": y.ravel()
    })  # fmt: skip
    product, brand, whole = y.mean(axis=2), y.mean(axis=(1, 2)), y.mean()
    within = ((y - product[:, :, None]) ** 2).sum() / (a * b * (m - 1))
    middle = m * ((product - brand[:, None]) ** 2).sum() / (a * (b - 1))
    top = m * b * ((brand - whole) ** 2).sum() / (a - 1)
    fit = fitted(rows, "y")
    assert value(fit, "y", "variance within") == pytest.approx(within, rel=1e-6)
    assert value(fit, "y", "variance product") == pytest.approx((middle - within) / m, rel=1e-6)
    assert value(fit, "y", "variance brand") == pytest.approx((top - middle) / (m * b), rel=1e-6)


def test_planted_shares_where_means_of_products_mislead() -> None:
    data = made(150, np.random.default_rng(3))
    fit = fitted(data)
    found, gap = row(fit, "ux", "share product"), row(fit, "ux - cx", "share product")
    assert found["low"] < TRUE < found["high"]
    assert gap["low"] < TRUE < gap["high"]
    assert gap["p"] < 1e-6
    few = data.groupby(["brand", "product"]).head(3)
    means = few.groupby(["brand", "product"])["cx"].mean()
    naive = (means - means.groupby("brand").transform("mean")).var() / few["cx"].var()
    assert naive > 0.1  # noise of three ratings, taken for products
    assert row(fitted(few), "cx", "share product")["value"] < 0.05


def test_shares_add_up_and_do_not_know_their_units() -> None:
    fit, other = fitted(), fitted(ROWS.assign(ux=1e6 + 10 * ROWS["ux"]))
    kinds = ["share brand", "share product", "share within"]
    assert sum(value(fit, "ux", kind) for kind in kinds) == pytest.approx(1, rel=1e-12)
    for kind in kinds:
        assert value(other, "ux", kind) == pytest.approx(value(fit, "ux", kind), rel=1e-6)
        own = value(fit, "ux", kind) - value(fit, "cx", kind)
        assert value(fit, "ux - cx", kind) == pytest.approx(own, abs=1e-12)


def test_jackknife_by_hand() -> None:
    """Each brand taken out of the frame, and the model fitted again."""
    others, alone = [], []
    for brand in ROWS["brand"].unique():
        fit = fitted(ROWS[ROWS["brand"] != brand])
        others.append(value(fit, "ux - cx", "share brand"))
        alone.append(np.arcsin(np.sqrt(value(fit, "ux", "share product"))))
    m = len(others)
    error = np.sqrt((m - 1) / m * ((np.array(others) - np.mean(others)) ** 2).sum())
    assert row(fitted(), "ux - cx", "share brand")["std_error"] == pytest.approx(error, rel=1e-4)
    found = row(fitted(), "ux", "share product")
    half = t.ppf(0.975, m - 1) * np.sqrt((m - 1) / m * ((np.array(alone) - np.mean(alone)) ** 2).sum())
    ends = np.sin(np.arcsin(np.sqrt(found["value"])) + half * np.array([-1, 1])) ** 2
    assert (found["low"], found["high"]) == pytest.approx(tuple(ends), rel=1e-4)


def test_a_product_number_that_two_brands_use_is_two_products() -> None:
    data = made(12, np.random.default_rng(4))
    named = data.assign(product=data["brand"] + data["product"].astype(str))
    pd.testing.assert_frame_equal(fitted(data).terms, fitted(named).terms)
    assert fitted(data).quality["n_product"] == named["product"].nunique()


def test_no_variance_between_products_has_no_interval_and_says_so() -> None:
    fit = fitted()
    assert value(fit, "cx", "variance product") == 0
    assert np.isnan(row(fit, "cx", "share product")["high"])
    assert "no variance of cx between product" in fit.method


def test_missing_answers_are_counted_by_outcome() -> None:
    data = ROWS.copy()
    data.loc[:4, "ux"] = nan
    data.loc[[7, 8], "brand"] = nan
    fit = fitted(data)
    assert (fit.quality["ux_n_missing"], fit.quality["cx_n_missing"]) == (7, 2)
    assert fit.quality["n"] == len(data) - 2


def test_many_brands_are_left_out_in_parts() -> None:
    data = made(130, np.random.default_rng(5))
    fit = fitted(data, "ux")
    assert "without 100 parts of brand" in fit.method
    assert row(fit, "ux", "share product")["low"] < TRUE < row(fit, "ux", "share product")["high"]


@pytest.mark.slow
def test_intervals_cover() -> None:
    rng = np.random.default_rng(15)
    runs, cover = 600, np.zeros(2)  # of 300 runs, chance alone would leave the band in one of four
    for _ in range(runs):
        fit = fitted(made(25, rng))
        for i, (term, truth) in enumerate((("ux", TRUE), ("ux - cx", TRUE))):
            found = row(fit, term, "share product")
            cover[i] += found["low"] <= truth <= found["high"]
    assert (cover / runs >= 0.935).all()
    assert (cover / runs <= 0.965).all()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (ROWS[ROWS["brand"] < 3], SampleError, "2 groups in 'brand'"),
        (ROWS.drop_duplicates("brand"), SampleError, "several of 'product'"),
        (ROWS.drop_duplicates("product"), SampleError, "several of 'row'"),
        (ROWS.assign(ux=3), ModelError, "the same"),
        (ROWS.assign(ux=ROWS["product"]), ModelError, "number of 'product'"),
        (ROWS.assign(ux=nan), SampleError, "no answer in 'ux'"),
        (ROWS.assign(brand=None), SampleError, "no row"),
        (ROWS.assign(ux="high"), AnswerError, "'ux'"),
        (ROWS.assign(customer_id=1), UnitError, "customer_id"),
    ],
)
def test_refusals(data: pd.DataFrame, error: type[CxuxError], words: str) -> None:
    with pytest.raises(error, match=words):
        fitted(data)


def test_more_refusals() -> None:
    with pytest.raises(ArgumentError, match="reml"):
        fitted(estimator="anova")
    with pytest.raises(ArgumentError, match="at least one"):
        fitted(levels=[])
    with pytest.raises(ArgumentError, match="levels is a list"):
        fitted(levels="brand")
