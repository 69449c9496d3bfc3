"""Intervals: published examples, agreement with other packages, and what is refused."""

from collections.abc import Callable
from math import exp, floor, nan

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import (
    RatioSums,
    adjusted_ratio,
    adjusted_wald,
    log_t,
    nps_adjusted_wald,
    ratio_variance,
    student,
    wilson,
)

Z196 = float(2 * scipy_stats.norm.cdf(1.96) - 1)  # the level at which z is 1.96 exactly, as in printed tables


def test_adjusted_wald_of_tullis() -> None:
    # measuringux.com/adjustedwald.htm: 4 of 5; the printed figures are cut after four decimals, not rounded.
    low, high = adjusted_wald(4, 5, Z196)
    assert [floor(1e4 * each) for each in (low, high, (low + high) / 2)] == [3596, 9796, 6696]


@pytest.mark.parametrize(("x", "low", "high"), [(7, 39, 90), (3, 10, 61)])
def test_adjusted_wald_of_sauro_and_lewis(x: int, low: int, high: int) -> None:
    # UX Magazine 850: 7 of 10 and 3 of 10.
    assert [round(100 * end) for end in adjusted_wald(x, 10)] == [low, high]


def test_adjusted_wald_adds_two_successes_and_two_failures() -> None:
    # measuringusability.com/wald.htm: the centre of 9 of 10 is about 11 of 14. The upper end is cut at 1, so the
    # centre is read from the lower end.
    z = 1.96
    low, high = adjusted_wald(9, 10, Z196)
    centre = (9 + z * z / 2) / (10 + z * z)
    assert high == 1
    assert centre - low == pytest.approx(z * np.sqrt(centre * (1 - centre) / (10 + z * z)), abs=1e-12)
    assert centre == pytest.approx(11 / 14, abs=0.005)


def test_adjusted_wald_does_not_add_2z_for_z_squared() -> None:
    # 90%, 4 of 5: (.4218, .9676), not the (.4316, .9578) of a package that adds 2z (metrics.md 1.1).
    assert [round(end, 4) for end in adjusted_wald(4, 5, 0.90)] == [0.4218, 0.9676]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize(("ours", "theirs"), [(adjusted_wald, "agresti_coull"), (wilson, "wilson")])
def test_agrees_with_statsmodels(ours: Callable[..., tuple[float, float]], theirs: str, level: float) -> None:
    for n in (1, 2, 5, 13, 100, 5000):
        for x in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            expected = np.clip(proportion_confint(x, n, alpha=1 - level, method=theirs), 0, 1)
            assert ours(x, n, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", [adjusted_wald, wilson])
def test_proportion_interval_is_symmetric(function: Callable[..., tuple[float, float]]) -> None:
    low, high = function(3, 11)
    assert function(8, 11) == pytest.approx((1 - high, 1 - low), abs=1e-15)


def test_geometric_mean_of_task_times() -> None:
    # measuringusability.com/time_intervals: geometric mean 68, interval 46 to 101.
    times = [55.0, 65, 75, 62, 45, 135]
    low, high = log_t(times)
    assert round(exp(np.log(times).mean())) == 68
    assert (round(low), round(high)) == (46, 101)
    assert np.sqrt(low * high) == pytest.approx(exp(np.log(times).mean()), rel=1e-12)


@pytest.mark.parametrize(
    ("detractors", "passives", "promoters", "low", "high"),
    [(7, 4, 6, -42.3, 32.3), (2, 11, 18, 25.5, 68.6), (2, 0, 9, 8.0, 92.0), (0, 0, 5, 17.5, 100)],
)
def test_nps_regression_values(detractors: int, passives: int, promoters: int, low: float, high: float) -> None:
    # Computed once by another implementation (metrics.md section 3), not published.
    assert [round(end, 1) for end in nps_adjusted_wald(promoters, passives, detractors)] == [low, high]


def test_nps_variance_holds_the_covariance_of_both_shares() -> None:
    # 25% promoters, 7.5% detractors of 1000: standard error 1.716 points, not 1.603 (metrics.md 5.1).
    low, high = nps_adjusted_wald(250, 675, 75, Z196)
    assert (high - low) / 2 / 1.96 == pytest.approx(1.716, abs=0.01)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_nps_interval_holds_its_estimate(n: int, level: float) -> None:
    low, high = nps_adjusted_wald(n, 0, 0, level)
    assert low < 100 == high
    assert nps_adjusted_wald(0, 0, n, level) == (-high, -low)


def test_student_is_scipys_interval_of_a_mean() -> None:
    x = np.array([4.0, 2, 5, 3, 6, 2, 5])
    expected = scipy_stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert student(x.mean(), x.var(ddof=1) / len(x), len(x) - 1, 0.9) == pytest.approx(tuple(expected), abs=1e-12)


def sums_of(y: np.ndarray, x: np.ndarray, q: float = 0, ww: float = 0) -> RatioSums:
    return RatioSums(len(y), y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), q, ww)


def test_ratio_variance_is_that_of_the_linearised_residual() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(1, 9, 40).astype(float)
    y = rng.binomial(x.astype(int), 0.6).astype(float)
    residual = y - y.sum() / x.sum() * x
    assert ratio_variance(sums_of(y, x)) == pytest.approx(residual.var(ddof=1) / len(x) / x.mean() ** 2, rel=1e-12)


def test_ratio_variance_is_the_delta_method() -> None:
    # (s²_Y - 2R s_XY + R² s²_X) / (n x̄²), from the sample covariance matrix.
    rng = np.random.default_rng(4)
    x, y = rng.gamma(2, size=30), rng.gamma(3, size=30)
    s, r = np.cov(y, x), y.sum() / x.sum()
    expected = (s[0, 0] - 2 * r * s[0, 1] + r * r * s[1, 1]) / (30 * x.mean() ** 2)
    assert ratio_variance(sums_of(y, x)) == pytest.approx(expected, rel=1e-10)


def test_ratio_variance_with_one_answer_each_is_that_of_a_mean() -> None:
    y = np.array([4.0, 2, 5, 3])
    assert ratio_variance(sums_of(y, np.ones(4))) == pytest.approx(y.var(ddof=1) / 4)


@pytest.mark.parametrize(("x", "n"), [(4, 5), (0, 7), (9, 10), (50, 100)])
def test_adjusted_ratio_of_one_answer_each_is_adjusted_wald(x: int, n: int) -> None:
    z = float(scipy_stats.norm.ppf(0.975))
    found = adjusted_ratio(RatioSums(n, x, n, x, x, n, x, n), [(1, z * z / 2), (0, z * z / 2)])
    assert np.clip(found, 0, 1) == pytest.approx(adjusted_wald(x, n), abs=1e-12)


def test_adjusted_ratio_of_one_answer_each_is_that_of_nps() -> None:
    score = np.repeat([100.0, 0, -100], [18, 11, 2])
    sums = sums_of(score, np.ones(31), q=(score**2).sum(), ww=31)
    found = adjusted_ratio(sums, [(100, 0.75), (0, 1.5), (-100, 0.75)])
    assert found == pytest.approx(nps_adjusted_wald(18, 11, 2), abs=1e-9)


def test_adjusted_ratio_of_answers_that_repeat_alike_is_that_of_their_units() -> None:
    # Each of 20 units gives the same answer 5 times: there are 20 answers, not 100.
    y = np.repeat([5.0, 0], [14, 6])
    sums = sums_of(y, np.full(20, 5.0), q=70, ww=100)
    z = float(scipy_stats.norm.ppf(0.975))
    low, high = adjusted_ratio(sums, [(1, z * z / 2), (0, z * z / 2)])
    expected = adjusted_wald(14, 20)
    assert (low + high) / 2 == pytest.approx(sum(expected) / 2, abs=1e-9)
    assert 1 < (high - low) / (expected[1] - expected[0]) < 1.08  # t for z


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, nan, "a lot", None])
@pytest.mark.parametrize(
    "function",
    [
        lambda level: adjusted_wald(1, 2, level),
        lambda level: wilson(1, 2, level),
        lambda level: nps_adjusted_wald(1, 1, 1, level),
        lambda level: student(0, 1, 5, level),
        lambda level: log_t([1, 2], level),
    ],
    ids=["adjusted_wald", "wilson", "nps_adjusted_wald", "student", "log_t"],
)
def test_level_must_be_a_probability(function: Callable[..., object], level: float) -> None:
    with pytest.raises(ArgumentError, match=r"level is a probability between 0 and 1, such as 0.95"):
        function(level)


@pytest.mark.parametrize(
    "call",
    [
        lambda: adjusted_wald(0, 0),
        lambda: wilson(0, 0),
        lambda: nps_adjusted_wald(0, 0, 0),
        lambda: nps_adjusted_wald(3, -1, 2),
        lambda: student(0, 1, 0),
        lambda: log_t([5]),
        lambda: log_t([]),
        lambda: ratio_variance(RatioSums(1, 1, 1, 1, 1, 1, 1, 1)),
        lambda: adjusted_ratio(RatioSums(0, 0, 0, 0, 0, 0, 0, 0), [(1, 2), (0, 2)]),
    ],
)
def test_too_few_answers_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()


@pytest.mark.parametrize("call", [lambda: adjusted_wald(6, 5), lambda: adjusted_wald(-1, 5), lambda: wilson(6, 5)])
def test_impossible_counts_are_an_argument_error(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError, match="is not possible"):
        call()


@pytest.mark.parametrize("time", [0, -1, nan, float("inf")])
def test_a_time_without_logarithm_is_refused(time: float) -> None:
    with pytest.raises(ArgumentError, match="above 0"):
        log_t([10, time])
