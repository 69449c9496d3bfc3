"""What comparisons and benchmarks share: levels, and what they refuse."""

from collections.abc import Callable
from itertools import pairwise
from math import inf, log, nan

import numpy as np
import pytest
from scipy import stats as scipy_stats

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.benchmarks import benchmark_geometric_mean, benchmark_proportion
from cxuxlib.stats.comparisons import ratio_of_geometric_means, two_nps, two_proportions, two_ratios, welch
from cxuxlib.stats.intervals import RatioSums
from cxuxlib.stats.paired import paired_mean, paired_nps, paired_proportions
from cxuxlib.stats.testing import Comparison

A, B = np.array([4.0, 2, 5, 3, 6, 2, 5]), np.array([5.0, 2, 1, 2, 1, 3, 2])


def sums_of(y: np.ndarray, x: np.ndarray) -> RatioSums:
    return RatioSums(len(y), y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), 0, 0)


EXAMPLES: dict[str, Callable[[float], Comparison]] = {
    "two_proportions": lambda level: two_proportions(10, 12, 4, 13, level),
    "paired_proportions": lambda level: paired_proportions(3, 6, 1, 2, level),
    "welch": lambda level: welch(5, 4, 9, 4, 9, 9, level),
    "ratio_of_geometric_means": lambda level: ratio_of_geometric_means(4, 0.3, 9, 3.7, 0.2, 9, level),
    "paired_mean": lambda level: paired_mean(1, 4, 9, level),
    "two_nps": lambda level: two_nps((6, 4, 7), (18, 11, 2), level),
    "paired_nps": lambda level: paired_nps(20, 4, 12, level),
    "two_ratios": lambda level: two_ratios(sums_of(A, B), sums_of(B, A), level),
    "benchmark_geometric_mean": lambda level: benchmark_geometric_mean(4.2, 0.3, 9, 80, level),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_interval_widens_with_the_level(name: str) -> None:
    ends = [(found.low, found.high) for found in map(EXAMPLES[name], (0.5, 0.8, 0.9, 0.95))]
    assert all(wide[0] < narrow[0] and narrow[1] < wide[1] for narrow, wide in pairwise(ends))


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_sides_at_95_percent(name: str) -> None:
    # Half-width 1.960 standard errors (or t's), never the one-sided 1.645 (metrics.md 1.9).
    found, at_half = EXAMPLES[name](0.95), EXAMPLES[name](0.5)
    width = [log(e.high / e.low) if "geometric" in name else e.high - e.low for e in (found, at_half)]
    ratio = scipy_stats.t.ppf(0.975, found.df) / scipy_stats.t.ppf(0.75, found.df)
    assert width[0] / width[1] == pytest.approx(ratio, rel=0.08 if name == "two_proportions" else 1e-6)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("level", [95, 0, 1, -0.1, nan, None])
def test_level_must_be_a_probability(name: str, level: float) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        EXAMPLES[name](level)


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_proportions(0, 0, 4, 13),
        lambda: two_proportions(4, 13, 0, 0),
        lambda: paired_proportions(0, 0, 0, 0),
        lambda: welch(1, 1, 1, 1, 1, 9),
        lambda: welch(1, 1, 9, 1, 1, 0),
        lambda: welch(5, 0, 9, 4, 0, 9),
        lambda: ratio_of_geometric_means(5, 0, 9, 4, 0, 9),
        lambda: paired_mean(1, 1, 1),
        lambda: paired_mean(1, 0, 9),
        lambda: two_nps((0, 0, 0), (1, 2, 3)),
        lambda: two_nps((1, 2, 3), (0, 0, 0)),
        lambda: paired_nps(0, 0, 0),
        lambda: two_ratios(sums_of(A, B), sums_of(A[:1], B[:1])),
        lambda: two_ratios(sums_of(A, B), sums_of(A, np.zeros(7))),
        lambda: two_ratios(sums_of(B, B), sums_of(A, A)),
        lambda: benchmark_proportion(0, 0, 0.5),
        lambda: benchmark_geometric_mean(4, 0.3, 1, 80),
    ],
)
def test_too_few_answers_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_proportions(14, 13, 4, 13),
        lambda: two_proportions(-1, 13, 4, 13),
        lambda: two_proportions(1.5, 13, 4, 13),
        lambda: two_proportions(nan, 13, 4, 13),
        lambda: two_proportions(1, inf, 4, 13),
        lambda: paired_proportions(1, -1, 1, 1),
        lambda: paired_proportions(1, 0.5, 1, 1),
        lambda: welch(1, -1, 9, 1, 1, 9),
        lambda: welch(nan, 1, 9, 1, 1, 9),
        lambda: welch(1, inf, 9, 1, 1, 9),
        lambda: paired_mean(1, -1, 9),
        lambda: two_nps((1, -1, 1), (1, 1, 1)),
        lambda: two_nps((1, nan, 1), (1, 1, 1)),
        lambda: paired_nps(5, 11, 20),
        lambda: paired_nps(5, 0, 21),
        lambda: paired_nps(5, 4, 3),
        lambda: benchmark_proportion(12, 11, 0.8),
        lambda: benchmark_proportion(9, 11, 80),
        lambda: benchmark_proportion(9, 11, 0),
        lambda: benchmark_geometric_mean(4, 0.3, 9, 0),
        lambda: benchmark_geometric_mean(4, -0.3, 9, 80),
    ],
)
def test_what_is_not_possible_is_an_argument_error(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError):
        call()
