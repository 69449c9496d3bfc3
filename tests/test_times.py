"""Typical times: agreement with R, coverage, and what is refused."""

from collections.abc import Callable
from math import exp, inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.intervals import log_t
from cxuxlib.stats.survival import median_survival
from cxuxlib.stats.times import lognormal_censored, median_by_order

# Freireich et al. 1963, the 6-MP arm: weeks in remission.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
ENDED = [True] * 9 + [False] * 12
# Five who finish a task, and three who give up after 120 s.
TASK = [40.0, 55, 62, 70, 85, 120, 120, 120]
DONE = [True] * 5 + [False] * 3

some_times = st.lists(st.floats(1, 1e4), min_size=2, max_size=25)


@pytest.mark.parametrize(
    ("times", "observed", "mu", "sigma", "error"),
    [
        (TASK, DONE, 4.498705646, 0.5783762804, sqrt(0.05082307387)),
        (WEEKS, ENDED, 3.203067652, 0.9787247929, sqrt(0.08187154534)),
    ],
)
def test_lognormal_agrees_with_r(
    times: list[float], observed: list[bool], mu: float, sigma: float, error: float
) -> None:
    # R's survival, survreg(dist = "lognormal"); Python's lifelines has 4.498705, 0.578369, and 3.203068, 0.978734.
    found = lognormal_censored(times, observed)
    assert (found.mu, found.sigma) == pytest.approx((mu, sigma), abs=2e-8)
    assert found.std_error == pytest.approx(error, abs=1e-7)
    assert (found.n, found.n_observed) == (len(times), sum(observed))


def test_who_gives_up_is_neither_dropped_nor_taken_for_done() -> None:
    # metrics.md 5.25: successes only 60.5, quits as times 78.2, cut off 89.9.
    assert exp(np.log(TASK[:5]).mean()) == pytest.approx(60.5, abs=0.05)
    assert exp(np.log(TASK).mean()) == pytest.approx(78.2, abs=0.05)
    assert lognormal_censored(TASK, DONE).median == pytest.approx(89.9, abs=0.05)


@given(times=some_times.filter(lambda each: np.ptp(np.log(each)) > 1e-3), level=st.floats(0.1, 0.99))
def test_without_cut_off_times_the_lognormal_is_students_interval(times: list[float], level: float) -> None:
    found = lognormal_censored(times, [True] * len(times), level)
    assert (found.low, found.high) == pytest.approx(log_t(times, level), rel=1e-7)
    assert found.sigma == pytest.approx(np.log(times).std(), rel=1e-7)


@given(times=some_times, cut=st.floats(5, 5e3), factor=st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(times: list[float], cut: float, factor: float) -> None:
    observed = np.array(times) <= cut
    if observed.sum() < 2 or np.ptp(np.log(np.array(times)[observed])) < 1e-3:
        return
    seen = np.minimum(times, cut)
    here, there = lognormal_censored(seen, observed), lognormal_censored(seen * factor, observed)
    assert there.median == pytest.approx(here.median * factor, rel=1e-6)
    assert there.std_error == pytest.approx(here.std_error, rel=1e-5)


def test_the_fit_is_the_maximum_of_the_likelihood() -> None:
    rng = np.random.default_rng(6)
    for _ in range(20):
        full = rng.lognormal(rng.uniform(-3, 8), rng.uniform(0.05, 3), 15)
        cut = np.quantile(full, rng.uniform(0.3, 1))
        t, seen = np.minimum(full, cut), full <= cut
        found = lognormal_censored(t, seen)

        def likelihood(mu: float, sigma: float, t: np.ndarray = t, seen: np.ndarray = seen) -> float:
            z = (np.log(t) - mu) / sigma
            return float(
                (scipy_stats.norm.logpdf(z[seen]) - np.log(sigma)).sum() + scipy_stats.norm.logsf(z[~seen]).sum()
            )

        best = likelihood(found.mu, found.sigma)
        for a, b in [(1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)]:
            assert likelihood(found.mu + a * found.sigma, found.sigma * (1 + b)) < best


def test_times_cut_off_longer_push_the_fit_up() -> None:
    early = lognormal_censored([10, 20, 30, 40], [True, True, True, False])
    late = lognormal_censored([10, 20, 30, 4000], [True, True, True, False])
    assert 20 < early.median < late.median


def test_median_of_times_by_order() -> None:
    # 100..104 and 200: mean 118.33, median 102.5 (MeasuringU, average task times).
    found = median_by_order([100, 101, 102, 103, 104, 200])
    assert np.mean([100, 101, 102, 103, 104, 200]) == pytest.approx(118.33, abs=0.005)
    assert found == (102.5, 100, 200, pytest.approx(1 - 2 / 2**6))


@pytest.mark.parametrize("n", [6, 9, 20, 101])
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_order_interval_is_scipys(n: int, level: float) -> None:
    x = np.random.default_rng(n).lognormal(size=n)
    expected = scipy_stats.quantile_test(x, p=0.5).confidence_interval(level)
    found = median_by_order(x, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.level >= level


def test_order_interval_covers_as_it_says() -> None:
    x = np.sort(np.random.default_rng(7).lognormal(size=(20_000, 15)), axis=1)
    found = [median_by_order(np.arange(1.0, 16)).low, median_by_order(np.arange(1.0, 16)).high]
    inside = (x[:, int(found[0]) - 1] <= 1) & (x[:, int(found[1]) - 1] >= 1)
    assert inside.mean() == pytest.approx(median_by_order(x[0]).level, abs=0.006)


@pytest.mark.slow
def test_coverage_with_cut_off_times() -> None:
    # Median 60 s, a third cut off at 80 s: 95% intervals of the lognormal and of the Kaplan-Meier median.
    rng = np.random.default_rng(8)
    for n, least in ((10, 0.92), (30, 0.93)):
        lognormal, product_limit = [], []
        for full in rng.lognormal(np.log(60), 0.7, (1500, n)):
            t, seen = np.minimum(full, 80), full <= 80
            if seen.sum() < 2:
                continue
            fit, order = lognormal_censored(t, seen), median_survival(t, seen)
            lognormal.append(fit.low <= 60 <= fit.high)
            product_limit.append(order.low <= 60 <= order.high)
        assert least < np.mean(lognormal) < 0.985
        assert least < np.mean(product_limit) < 0.985


CALLS: dict[str, Callable[[object, object, object], object]] = {
    "order": lambda times, observed, level: median_by_order(times, level),
    "lognormal": lognormal_censored,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrong", [0, -1, nan, inf, "long"])
def test_what_is_no_time_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(ArgumentError, match="Times"):
        CALLS[name]([*range(10, 20), wrong], [True] * 11, 0.95)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("level", [95, 0, 1, nan, None])
def test_level_must_be_a_probability(name: str, level: object) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        CALLS[name](list(range(1, 11)), [True] * 10, level)


@pytest.mark.parametrize("name", CALLS)
def test_no_times_are_a_sample_error(name: str) -> None:
    with pytest.raises(SampleError):
        CALLS[name]([], [], 0.95)


@pytest.mark.parametrize("observed", [[True], [True, 2], [True, nan], ["yes", "no"], [[True, True]]])
def test_observed_goes_with_each_time(observed: list[bool]) -> None:
    with pytest.raises(ArgumentError):
        lognormal_censored([1, 2], observed)


@pytest.mark.parametrize(
    "call",
    [
        lambda: median_by_order([1, 2, 3, 4, 5]),
        lambda: lognormal_censored([1, 2, 3], [True, False, False]),
        lambda: lognormal_censored([5, 5, 9], [True, True, False]),
    ],
)
def test_too_few_times_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()
