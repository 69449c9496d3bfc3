"""The measurement model behind the claims: the figures of the latent models, and errors that hold."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cxuxlib import worlds
from cxuxlib.claims.case import Case
from cxuxlib.claims.estimands import contrast, explained, increment, known, semipartial, slope
from cxuxlib.claims.factors import correlated_factors, pairs, shared_factor
from cxuxlib.claims.measuring import Measured, Table, measured, measured_moments
from cxuxlib.errors import ModelError, SampleError
from cxuxlib.models import LatentOptions, facet_syntax, latent
from cxuxlib.models.sample import sample
from cxuxlib.results import Moments


@lru_cache(maxsize=2)
def case() -> Case:
    return Case(worlds.make("harbor", n=1500, waves=1, rng=1))


def ordered(found: Measured) -> bool:
    return bool(found.thresholds)


def test_it_is_the_latent_model_of_ordered_answers() -> None:
    own = case()
    items = [item for block in own.blocks.values() for item in block]
    sheets = own.table(items)
    sheets = sheets._replace(x=np.where(np.isnan(sheets.x), np.nan, np.clip(sheets.x, 3, 7)))  # no rare answers
    found = measured(sheets, own.blocks)
    assert ordered(found)
    names = {name: name.replace("/", "_") for name in own.blocks}
    fit = latent(
        facet_syntax({names[name]: items for name, items in own.blocks.items()}),
        pd.DataFrame(sheets.x, columns=items).assign(n=sheets.n), estimator="wlsmv", frequency="n",
        options=LatentOptions(missing="pairwise"),
    )  # fmt: skip
    rows, columns = pairs(len(found.constructs))
    small = found.n / (found.n - len(items))
    for a, b, variance in zip(rows, columns, np.diag(found.covariance), strict=True):
        term = f"{names[found.constructs[a]]} ~~ {names[found.constructs[b]]}"
        want = fit.estimate(term, "std_all")
        assert found.corr[a, b] == pytest.approx(want.value, abs=2e-5)
        error = (want.high - want.low) / 2 / norm.ppf(0.975)
        assert np.sqrt(variance / small) == pytest.approx(error, rel=2e-3)


def test_numbers_and_moments_are_the_same() -> None:
    own = case()
    items = [item for block in own.blocks.values() for item in block]
    assert own.sheets is not None
    table = own.table(items)
    whole = ~np.isnan(table.x).any(axis=1)
    x = table.x[whole] + np.linspace(0, 1e-3, whole.sum())[:, None]  # no whole numbers
    rows = measured(Table(table.items, x, table.n[whole]), own.blocks)
    read = sample(own.rows(items), items)
    assert not ordered(rows)
    known_fourth = Moments(
        len(x), tuple(items), x.mean(axis=0), np.cov(x.T), fourth=read.fourth,
    )  # fmt: skip
    same, plain = (
        measured_moments(each, own.blocks)
        for each in (known_fourth, Moments(len(x), tuple(items), x.mean(axis=0), np.cov(x.T)))
    )
    assert same.corr == pytest.approx(rows.corr, abs=1e-3)
    assert np.sqrt(np.diag(same.covariance)) == pytest.approx(np.sqrt(np.diag(rows.covariance)), rel=0.02)
    assert plain.method.endswith("normal theory")
    assert np.sqrt(np.diag(plain.covariance)) == pytest.approx(np.sqrt(np.diag(rows.covariance)), rel=0.25)


def test_a_single_item_is_itself() -> None:
    corr = np.array([[1, 0.64, 0.4], [0.64, 1, 0.4], [0.4, 0.4, 1]])
    found = correlated_factors(corr, np.eye(3), 100, [[0, 1], [2]])
    assert found.loadings == pytest.approx([0.8, 0.8, 1.0], abs=1e-6)
    assert found.corr[0, 1] == pytest.approx(0.5, abs=1e-6)


def test_unequal_loadings_and_misfit_are_found() -> None:
    loadings, phi = np.array([0.9, 0.6, 0.7, 0.8, 0.5]), np.array([[1, 0.3], [0.3, 1]])
    wide = np.zeros((5, 2))
    wide[:3, 0], wide[3:, 1] = loadings[:3], loadings[3:]
    corr = wide @ phi @ wide.T
    np.fill_diagonal(corr, 1)
    found = correlated_factors(corr, np.eye(10), 100, [[0, 1, 2], [3, 4]])
    assert found.loadings == pytest.approx(loadings, abs=1e-6)
    assert found.corr[0, 1] == pytest.approx(0.3, abs=1e-6)
    assert found.srmr < 1e-8
    corr[0, 3] = corr[3, 0] = 0.5
    assert correlated_factors(corr, np.eye(10), 100, [[0, 1, 2], [3, 4]]).srmr > 0.02


def test_one_factor_above_is_the_second_order_model() -> None:
    own = case().measured
    facets = list(own.constructs[:6])
    found = shared_factor(*own.among(facets))
    assert found is not None
    items = {name.replace("/", "_"): own.items[name] for name in facets}
    every = [item for block in items.values() for item in block]
    fit = latent(facet_syntax(items, "second-order"), case().rows(every), estimator="wlsmv",
                 frequency="units that gave these answers", options=LatentOptions(missing="pairwise"))  # fmt: skip
    for name, value, variance in zip(items, found.loadings, np.diag(found.covariance), strict=True):
        want = fit.estimate(f"general =~ {name}", "std_all")
        assert value == pytest.approx(want.value, abs=0.02)
        assert np.sqrt(variance) == pytest.approx((want.high - want.low) / 2 / norm.ppf(0.975), rel=0.15)
    assert found.df == 9
    assert 0 < found.p < 1


def test_the_test_of_one_factor_above_errs_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    loadings = np.array([0.6, 0.65, 0.55, 0.6, 0.65, 0.5])
    corr = np.outer(loadings, loadings)
    np.fill_diagonal(corr, 1)
    p, within = [], []
    for _ in range(200):
        x = rng.multivariate_normal(np.zeros(6), corr, 500)
        read = sample_of(x)
        found = shared_factor(*read)
        assert found is not None
        p.append(found.p)
        within.append(abs(found.loadings[0] - 0.6) < 1.645 * np.sqrt(found.covariance[0, 0]))
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.10
    assert 0.85 < np.mean(within) < 0.94


def sample_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moments = Moments(len(x), tuple("abcdef"), x.mean(axis=0), np.cov(x.T))
    found = measured_moments(moments, {name: [name] for name in "abcdef"})
    return found.corr, found.covariance


def test_facets_without_a_pattern_have_no_factor_above() -> None:
    found = shared_factor(np.eye(4), 0.001 * np.eye(6))
    assert found is None or np.sqrt(np.diag(found.covariance)).min() > 1  # nothing is known of its loadings


# --- functionals --------------------------------------------------------------------------------------


CORR = np.array([[1, 0.4, 0.3, 0.6], [0.4, 1, 0.5, 0.5], [0.3, 0.5, 1, 0.2], [0.6, 0.5, 0.2, 1]])


def least_squares(x: list[int]) -> tuple[np.ndarray, float]:
    slopes = np.linalg.inv(CORR[np.ix_(x, x)]) @ CORR[x, 3]
    return slopes, float(slopes @ CORR[x, 3])


def test_functionals_are_those_of_least_squares() -> None:
    whole, r2 = least_squares([0, 1, 2])
    stacked = CORR[None]
    assert slope(3, [0, 1, 2], 1)(stacked)[0] == pytest.approx(whole[1])
    assert explained(3, [0, 1, 2])(stacked)[0] == pytest.approx(r2)
    assert increment(3, [1, 2], [0])(stacked)[0] == pytest.approx(r2 - 0.36)
    part = semipartial(3, 0, [1, 2])(stacked)[0]
    assert part**2 == pytest.approx(r2 - least_squares([1, 2])[1])
    assert np.sign(part) == np.sign(whole[0])
    assert contrast(3, [0], [0, 1, 2])(stacked)[0] == pytest.approx(0.6 - 0.35)
    assert contrast(3, [0, 1, 2], [0, 1, 2])(stacked)[0] == pytest.approx((0.6 + 0.5 + 0.2) / 3 - 0.4)


def test_errors_and_bias_are_those_of_a_large_draw() -> None:
    root = np.random.default_rng(2).normal(size=(6, 6))
    covariance = 2e-4 * (root @ root.T / 6 + np.eye(6))
    found = known(increment(3, [1, 2], [0]), CORR, covariance)
    steps = np.random.default_rng(3).multivariate_normal(np.zeros(6), covariance, 200_000)
    stacked = np.repeat(CORR[None], len(steps), axis=0)
    rows, columns = pairs(4)
    stacked[:, rows, columns] += steps
    stacked[:, columns, rows] = stacked[:, rows, columns]
    drawn = increment(3, [1, 2], [0])(stacked)
    assert found.bias == pytest.approx(drawn.mean() - found.value, rel=0.05)
    assert np.hypot(found.error, found.bend) == pytest.approx(drawn.std(), rel=0.02)


def test_squares_keep_their_sign() -> None:
    found = known(lambda r: r[:, 0, 1], np.array([[1, 0.1], [0.1, 1]]), np.array([[0.01]]))
    value, low, high = found.squared(0.9)
    assert value == pytest.approx(0.01)
    assert low == pytest.approx(-((0.1 - 0.16448536) ** 2))
    assert high == pytest.approx(0.26448536**2)


# --- what is taken as ordered -------------------------------------------------------------------------


def table(*columns: list[float]) -> Table:
    x = np.array(columns, dtype=float).T
    return Table(tuple(f"q{i}" for i in range(len(columns))), x, np.ones(len(x)))


def test_few_answers_are_ordered_and_many_are_numbers() -> None:
    assert table([1, 2, 3, 4, 5], [1, 2, 3, 4, np.nan]).ordered
    assert not table(list(range(12)), list(range(12))).ordered
    assert not table([1.5, 2, 3], [1, 2, 3]).ordered


def test_long_scales_are_ordered_where_answers_pile_up() -> None:
    ten = [float(each) for each in range(1, 11)]
    assert not table(ten * 2, ten[::-1] * 2).ordered
    assert table([*ten, *[10.0] * 10], [*ten, *ten]).ordered
    assert table([*[1.0] * 10, *ten], [*ten, *ten]).ordered


def test_rare_answers_join_the_ones_beside() -> None:
    rng = np.random.default_rng(1)
    trait = rng.normal(size=300)
    x = np.digitize(trait[:, None] + rng.normal(size=(300, 4)), [-5, -1, 0, 1, 5]).astype(float)
    found = measured(Table(tuple("abcd"), x, np.ones(300)), {"one": ["a", "b"], "two": ["c", "d"]})
    assert all(len(each) <= 3 for each in found.thresholds.values())
    assert found.corr[0, 1] == pytest.approx(1, abs=0.25)


def test_a_constant_and_too_few_sheets_are_errors() -> None:
    with pytest.raises(ModelError, match="'q1'"):
        measured(table([1, 2, 3, 1, 2], [4, 4, 4, 4, 4]), {"one": ["q0"], "two": ["q1"]})
    with pytest.raises(SampleError, match="more sheets than items"):
        measured(table([1, 2], [2, 1]), {"one": ["q0"], "two": ["q1"]})
