"""Thresholds, polychoric correlations and their covariance: lavaan's figures, psych's, and a likelihood by scipy."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from cxuxlib.stats.answer_tables import Coded, coded, crossed
from cxuxlib.stats.binormal import cells
from cxuxlib.stats.correlations import clustered_covariance, influence_covariance
from cxuxlib.stats.polychoric import polychoric, polychoric_covariance, polychoric_influence
from tests.polychoric_reference import CASES, EVEN, HIGH, LAVAAN, answers_of, drawn, one_factor, whole


@pytest.mark.parametrize("name", CASES)
def test_thresholds_and_correlations_are_lavaans(name: str) -> None:
    case = LAVAAN[name]
    found = polychoric(answers_of(case))
    upper = found.corr[np.triu_indices(len(found.corr), 1)]
    assert found.thresholds == pytest.approx(np.array(case["thresholds"]), abs=1e-9)
    assert upper == pytest.approx(np.array(case["correlations"]), abs=1e-6)
    assert found.bound == ()


@pytest.mark.parametrize("name", [name for name in CASES if "gamma" in LAVAAN[name]])
def test_the_whole_covariance_is_lavaans(name: str) -> None:
    case, data = LAVAAN[name], answers_of(LAVAAN[name])
    assert polychoric_covariance(data, polychoric(data)) == pytest.approx(whole(case["gamma"]), abs=1e-6)


def test_published_correlation_of_holzingers_quartiles() -> None:
    assert polychoric(answers_of(LAVAAN["holzinger"])).corr[0, 1] == pytest.approx(0.30670544, abs=5e-8)


def test_psychs_correlations_within_its_search() -> None:
    found = polychoric(answers_of(LAVAAN["holzinger"])).corr[np.triu_indices(9, 1)]
    assert found == pytest.approx(np.array(LAVAAN["holzinger"]["psych"]), abs=2e-4)  # optimise() stops there


def test_correlation_is_where_scipys_likelihood_is_highest() -> None:
    rows = drawn(np.random.default_rng(2), 400, one_factor([0.9, 0.8]), [EVEN, HIGH])
    data = coded(rows)
    found, table = polychoric(data), crossed(data).pairs[0]
    a, b = (np.array([-9.0, *found.thresholds[found.item == i], 9.0]) for i in (0, 1))

    def misfit(rho: float) -> float:
        below = multivariate_normal.cdf(np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1), cov=[[1, rho], [rho, 1]])
        return -float((table * np.log(np.diff(np.diff(below, axis=0), axis=1))).sum())

    best = minimize_scalar(misfit, bounds=(0.3, 0.95), method="bounded", options={"xatol": 1e-9}).x
    assert found.corr[0, 1] == pytest.approx(best, abs=1e-6)


def test_thresholds_are_quantiles_of_the_margins() -> None:
    found = polychoric(coded([[1, 1], [2, 2], [3, 1], [4, 2]], [10, 20, 30, 40]))
    assert found.thresholds == pytest.approx(ndtri([0.1, 0.3, 0.6, 0.4]))
    assert found.item.tolist() == [0, 0, 0, 1]
    assert found.n == 100


def test_influences_are_what_a_little_more_weight_changes() -> None:
    # Muthén's mean of squared slopes is the curvature where the counts are those of the model
    shares = cells(np.array([EVEN]), np.array([[-0.5, 1.0]]), np.array([0.6])).share
    answers = np.argwhere(shares[0] > 0)
    data = coded(answers, 1_000 * shares.ravel())
    found = polychoric(data)
    influence = polychoric_influence(data, found)(slice(None))
    assert found.corr[0, 1] == pytest.approx(0.6, abs=1e-12)
    assert data.n @ influence == pytest.approx(np.zeros(7), abs=1e-8)
    step = 1e-3
    for row in range(len(answers)):
        ends = [polychoric(data._replace(n=data.n + sign * step * (np.arange(15) == row))) for sign in (1, -1)]
        change = (ends[0].statistics - ends[1].statistics) / (2 * step) * found.n
        assert influence[row] == pytest.approx(change, rel=1e-5, abs=1e-5)


def test_a_cluster_of_one_unit_each_is_no_cluster() -> None:
    data = coded(drawn(np.random.default_rng(4), 200, one_factor([0.8, 0.7]), [EVEN, EVEN]))
    influence, ones = polychoric_influence(data, polychoric(data)), np.ones(200)
    clustered = clustered_covariance(influence, ones, ones, np.arange(200))
    assert clustered == pytest.approx(influence_covariance(influence, ones) * 200 / 199)


def test_items_answered_alike_are_reported_at_the_bound() -> None:
    x = np.tile([1, 2, 3, 4, 5], 40)
    found = polychoric(coded(np.column_stack([x, x, 6 - x, (x + 1) // 2])))
    assert found.bound == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    assert found.corr[0, 1] == 0.999
    assert found.corr[0, 2] == -0.999


@pytest.mark.parametrize("table", [[[3, 24, 0], [0, 56, 61]], [[0, 0, 1], [6, 17, 16]], [[0, 9], [0, 8], [1, 9]]])
def test_a_table_without_a_cell_against_it_is_at_the_bound(table: list[list[int]]) -> None:
    # its likelihood rises to a flat top at ±1, on which a search may stop anywhere: lavaan's stops at .93 to .99
    rows = np.argwhere(np.array(table) > 0)
    data = coded(rows, np.array(table)[tuple(rows.T)])
    assert polychoric(data).bound == ((0, 1),)
    inside = polychoric(data, empty=0.5)
    assert inside.bound == ()
    assert abs(inside.corr[0, 1]) < 0.95
    assert np.isfinite(polychoric_covariance(data, inside)).all()


def test_a_share_in_empty_cells_is_lavaans() -> None:
    case = LAVAAN["skewed"]
    found = polychoric(answers_of(case), empty=0.5)
    assert found.corr[np.triu_indices(9, 1)] == pytest.approx(np.array(case["filled"]), abs=1e-6)


def test_empty_cells_are_named_and_stay_empty() -> None:
    found = polychoric(coded([[1, 1], [1, 2], [2, 2], [3, 3], [2, 1]], [30, 10, 30, 30, 10]))
    assert found.empty == ((0, 1),)
    assert (crossed(coded([[1, 2], [2, 1]], [3, 4])).pairs == [[[0, 3], [4, 0]]]).all()


@pytest.mark.parametrize(
    ("table", "half"), [([9, 0, 5, 6], [8.5, 0.5, 5.5, 5.5]), ([0, 9, 5, 6], [0.5, 8.5, 4.5, 6.5])]
)
def test_one_empty_cell_of_two_by_two_gets_half_a_unit(table: list[int], half: list[float]) -> None:
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert polychoric(coded(rows, table)).corr[0, 1] == pytest.approx(
        polychoric(coded(rows, half)).corr[0, 1], abs=1e-12
    )


def test_missing_answers_leave_the_other_pairs_alone() -> None:
    rows = drawn(np.random.default_rng(5), 400, one_factor([0.8, 0.7, 0.6]), [EVEN] * 3)
    holes = rows.copy()
    holes[:50, 2] = -1
    whole_data, part = polychoric(coded(rows)), polychoric(coded(holes))
    assert part.corr[0, 1] == whole_data.corr[0, 1]
    assert part.corr[0, 2] != whole_data.corr[0, 2]
    assert part.tables.pairs.sum(axis=(1, 2)).tolist() == [400, 350, 350]
    assert part.n == 400


def test_one_item_alone_has_thresholds_only() -> None:
    data = coded([[1], [2], [3]], [1, 2, 1])
    found = polychoric(data)
    assert found.statistics == pytest.approx(ndtri([0.25, 0.75]))
    assert polychoric_covariance(data, found).shape == (2, 2)


def test_an_outlier_among_a_million_is_no_trouble() -> None:
    rows = drawn(np.random.default_rng(6), 20_000, one_factor([0.985, 0.985]), [EVEN, EVEN])
    answers, n = np.unique(rows, axis=0, return_counts=True)
    assert not ((answers == [1, 5]).all(axis=1)).any()
    without, data = polychoric(coded(answers, n * 50)), coded(np.vstack([answers, [[1, 5]]]), np.append(n * 50, 1))
    found = polychoric(data)
    assert 0 < without.corr[0, 1] - found.corr[0, 1] < 1e-4
    assert np.isfinite(polychoric_covariance(data, found)).all()


def test_more_units_cost_no_more_once_counted() -> None:
    rows = drawn(np.random.default_rng(7), 2_000, one_factor([0.8, 0.7]), [EVEN, EVEN])
    answers, n = np.unique(rows, axis=0, return_counts=True)
    few, many = coded(answers, n), coded(answers, n * 1e6)
    assert isinstance(many, Coded)
    assert many.codes.shape == few.codes.shape
    assert polychoric(many).statistics == pytest.approx(polychoric(few).statistics, abs=1e-12)
    gammas = [polychoric_covariance(each, polychoric(each)) for each in (few, many)]
    assert gammas[1] == pytest.approx(gammas[0], rel=1e-9, abs=1e-12)
