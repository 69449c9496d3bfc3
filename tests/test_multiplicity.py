"""Adjusted p-values: agreement with other packages, missing tests, and what is refused."""

from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.multiplicity import benjamini_hochberg, holm

BOTH = pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
Adjust = Callable[..., np.ndarray]
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@BOTH
@settings(max_examples=15)  # statsmodels collects garbage at every call
@given(p=p_values)
def test_agrees_with_statsmodels(ours: Adjust, theirs: str, p: list[float]) -> None:
    assert ours(p) == pytest.approx(multipletests(p, method=theirs)[1], abs=1e-12)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [(holm, [0.030, nan, 0.060, 0.060, 0.008]), (benjamini_hochberg, [0.020, nan, 0.040, 0.040, 0.008])],
)
def test_agrees_with_p_adjust_of_r(ours: Adjust, expected: list[float]) -> None:
    # R 4: p.adjust(c(.01, NA, .03, .04, .002), "holm") and "BH".
    assert ours([0.01, nan, 0.03, 0.04, 0.002]) == pytest.approx(expected, nan_ok=True)


@BOTH
@given(p=p_values, holes=st.integers(0, 3))
def test_a_missing_test_stays_missing_and_is_not_counted(ours: Adjust, theirs: str, p: list[float], holes: int) -> None:
    found = ours([nan] * holes + p + [nan] * holes)
    assert np.isnan(found).sum() == 2 * holes
    assert found[holes : holes + len(p)] == pytest.approx(ours(p), abs=0)


@BOTH
@given(p=p_values)
def test_adjusting_raises_and_keeps_the_order(ours: Adjust, theirs: str, p: list[float]) -> None:
    found = ours(p)
    assert (found >= np.array(p) - 1e-15).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


@given(p=p_values)
def test_holm_is_at_most_bonferroni_and_at_least_the_false_discovery_rate(p: list[float]) -> None:
    assert (holm(p) <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all()
    assert (holm(p) >= benjamini_hochberg(p) - 1e-15).all()


@BOTH
def test_nothing_or_all_missing_gives_the_same_back(ours: Adjust, theirs: str) -> None:
    assert ours([]).tolist() == []
    assert np.isnan(ours([nan, nan])).all()
    assert ours([0.03]).tolist() == [0.03]


@BOTH
def test_what_was_given_is_not_changed(ours: Adjust, theirs: str) -> None:
    p = np.array([0.01, 0.02])
    ours(p)
    assert p.tolist() == [0.01, 0.02]


@BOTH
@pytest.mark.parametrize("p", [[1.2], [-0.1], [inf], [[0.1, 0.2]], ["many"]])
def test_what_is_no_p_value_is_refused(ours: Adjust, theirs: str, p: list[float]) -> None:
    with pytest.raises(ArgumentError, match="p-values"):
        ours(p)


def test_error_rates_where_nothing_is_there() -> None:
    # 10 true null hypotheses: any finding in at most 5% of studies.
    p = np.random.default_rng(5).uniform(size=(4000, 10))
    for adjust in (holm, benjamini_hochberg):
        assert np.mean([(adjust(row) < 0.05).any() for row in p]) == pytest.approx(0.05, abs=0.012)
