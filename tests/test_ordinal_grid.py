"""The table of covariates by answers gives the likelihood of the rows, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from cxuxlib.stats import ordinal, ordinal_grid
from cxuxlib.stats.ordinal import Link


def given(
    thresholds: int, slopes: int, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Answers on 40 rows of a design, some of which nobody gave."""
    rng = np.random.default_rng(seed)
    categories = thresholds + 1
    x = rng.normal(size=(40, slopes))
    code = np.flatnonzero(rng.random(40 * categories) < 0.7)
    row, y = np.divmod(code, categories)
    z = np.ones((40, 1)) if thresholds > 1 else np.zeros((40, 0))
    return x, z, row, y, rng.gamma(2, size=len(code)), categories


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize(("thresholds", "slopes"), [(1, 3), (2, 0), (4, 2), (10, 3)])
@pytest.mark.parametrize("far", [0.5, 3.0])
def test_a_table_has_the_likelihood_of_its_rows(link: Link, thresholds: int, slopes: int, far: float) -> None:
    parts = given(thresholds, slopes)
    data, grid = ordinal.answers(*parts), ordinal_grid.gridded(*parts)
    assert grid is not None
    first = np.linspace(-far, far, thresholds) if thresholds > 1 else np.zeros(0)
    at = np.concatenate([first, np.linspace(-far, far, slopes)])
    mine, rows = ordinal_grid.height(grid, at, link), ordinal.height(data, at, link)
    assert mine.value == pytest.approx(rows.value, rel=1e-12)
    assert mine.slope == pytest.approx(rows.slope, rel=1e-10, abs=1e-10)
    assert mine.information == pytest.approx(rows.information, rel=1e-10, abs=1e-10)
    top, other = ordinal_grid.fit_grid(grid, link, 40.0), ordinal.fit_ordinal(data, link, 40.0)
    assert top.at == pytest.approx(other.at, rel=1e-10, abs=1e-12)


def test_small_chances_are_exact_in_either_tail() -> None:
    one = np.ones((1, 1))
    for sign in (1.0, -1.0):
        at = np.array([30.0, 31.0]) * sign
        grid = ordinal_grid.Grid(np.zeros((1, 0)), one, np.array([[0.0], [1.0], [0.0]]))
        found = ordinal_grid.height(grid, np.sort(at), "logit").value
        assert found == pytest.approx(-30 + np.log1p(-np.exp(-1)), rel=1e-12)


def test_thresholds_out_of_order_are_impossible() -> None:
    grid = ordinal_grid.Grid(np.zeros((1, 0)), np.ones((1, 1)), np.ones((3, 1)))
    assert ordinal_grid.height(grid, np.array([1.0, 0.0]), "logit").value == -np.inf


def test_no_table_where_it_would_be_mostly_empty_or_slopes_differ_by_threshold() -> None:
    rows = np.arange(5000)
    x, y, w = rows[:, None] / 5000, rows % 11, np.ones(5000)
    assert ordinal_grid.gridded(x, np.ones((5000, 1)), rows, y, w, 11) is None
    assert ordinal_grid.gridded(x[:40], np.ones((40, 2)), rows[:40], y[:40], w[:40], 11) is None
