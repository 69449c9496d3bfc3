"""Intervals that can be chosen: published figures, other packages, a score test inverted by brute force, coverage."""

from collections.abc import Callable
from itertools import product
from math import nan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import binom, multinomial
from scipy.stats import norm as normal
from statsmodels.stats.proportion import proportion_confint

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.stats.interval_options import exact, nps_null_variance, nps_score, nps_wald, wald
from cxuxlib.stats.intervals import nps_adjusted_wald, wilson

Interval = Callable[..., tuple[float, float]]


# Shares


@pytest.mark.parametrize(("x", "n", "low", "high"), [(9, 10, 0.555, 0.997), (0, 5, 0, 0.522)])
def test_exact_regression_values(x: int, n: int, low: float, high: float) -> None:
    # Computed once by another implementation (metrics.md section 3), not published.
    assert [round(end, 3) for end in exact(x, n)] == [low, high]


@pytest.mark.parametrize(("x", "n", "low", "high"), [(9, 10, 0.596, 0.982), (0, 5, 0, 0.434)])
def test_wilson_regression_values(x: int, n: int, low: float, high: float) -> None:
    assert [round(end, 3) for end in wilson(x, n)] == [low, high]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize(("ours", "theirs"), [(wald, "normal"), (exact, "beta")])
def test_agrees_with_statsmodels(ours: Interval, theirs: str, level: float) -> None:
    for n in (1, 2, 5, 13, 100, 5000):
        for x in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            expected = np.clip(proportion_confint(x, n, alpha=1 - level, method=theirs), 0, 1)
            assert ours(x, n, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("x", "n"), [(9, 10), (0, 5), (5, 5), (31, 45), (1, 300)])
def test_exact_ends_are_the_tails_of_the_binomial(x: int, n: int) -> None:
    low, high = exact(x, n, 0.9)
    assert x == 0 or binom.sf(x - 1, n, low) == pytest.approx(0.05)
    assert x == n or binom.cdf(x, n, high) == pytest.approx(0.05)


@pytest.mark.parametrize("n", [5, 20, 60])
def test_exact_never_covers_too_rarely_and_wald_does(n: int) -> None:
    x, rates = np.arange(n + 1), np.linspace(0.01, 0.99, 99)

    def covered(interval: Interval) -> np.ndarray:
        ends = np.array([interval(each, n) for each in x.tolist()])
        inside = (ends[:, 0] <= rates[:, None]) & (rates[:, None] <= ends[:, 1])
        return (binom.pmf(x, n, rates[:, None]) * inside).sum(axis=1)

    assert covered(exact).min() >= 0.95
    assert covered(wald).min() < 0.6


# Net Promoter Scores


@pytest.mark.parametrize(
    ("detractors", "passives", "promoters", "by_wald", "by_score"),
    [
        (7, 4, 6, (-47.4, 35.6), (-43.5, 33.6)),
        (2, 11, 18, (29.9, 73.3), (26.1, 69.9)),
        (2, 0, 9, (18.1, 100), None),  # before clipping 109.2
        (0, 0, 5, (100, 100), (13.1, 100)),
    ],
)
def test_nps_regression_values(
    detractors: int, passives: int, promoters: int, by_wald: tuple[float, float], by_score: tuple[float, float] | None
) -> None:
    # Computed once by another implementation (metrics.md section 3), not published.
    counts = (promoters, passives, detractors)
    assert tuple(round(end, 1) for end in nps_wald(*counts)) == by_wald
    assert by_score is None or tuple(round(end, 1) for end in nps_score(*counts)) == by_score


def test_score_interval_of_contingencytables() -> None:
    # R's contingencytables, test of chapter 8 (Cavo et al. 2012): 6 and 16 of 161, -.0621 (-.1240 to -.0054).
    assert [round(end, 2) for end in nps_score(6, 139, 16)] == [-12.40, -0.54]


def most_likely(promoters: float, passives: float, detractors: float, delta: float) -> tuple[float, float, float]:
    """Shares of promoters, passives and detractors that maximise the likelihood with P - D = delta, by search."""

    def minus_log_likelihood(d: float) -> float:
        p = d + delta
        return -float(xlogy(promoters, p) + xlogy(detractors, d) + xlogy(passives, max(0.0, 1 - p - d)))

    ends = (max(0.0, -delta), (1 - delta) / 2)
    found = minimize_scalar(minus_log_likelihood, bounds=ends, method="bounded", options={"xatol": 1e-12})
    d = min([found.x, *ends], key=minus_log_likelihood)
    return d + delta, max(0.0, 1 - 2 * d - delta), d


def pearson(counts: tuple[float, float, float], delta: float) -> float:
    """Pearson's chi-square against those shares, which is Rao's score statistic of a multinomial."""
    n, chi2 = sum(counts), 0.0
    for seen, share in zip(counts, most_likely(*counts, delta), strict=True):
        chi2 += (seen - n * share) ** 2 / (n * share) if n * share > 1e-9 else (np.inf if seen else 0.0)
    return chi2


@pytest.mark.parametrize("delta", [-0.7, -0.2, 0, 0.3, 0.65])
@pytest.mark.parametrize("counts", [(6, 4, 7), (18, 11, 2), (9, 0, 2), (5, 0, 0), (0, 9, 1), (0, 6, 0), (40, 0, 0)])
def test_null_variance_is_that_of_the_likeliest_shares(counts: tuple[int, int, int], delta: float) -> None:
    p, _, d = most_likely(*counts, delta)
    found = nps_null_variance(counts[0], counts[2], sum(counts), delta)
    assert found == pytest.approx(p + d - (p - d) ** 2, abs=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("counts", [(6, 4, 7), (18, 11, 2), (9, 0, 2), (5, 0, 0), (0, 9, 1), (0, 6, 0), (1, 1, 0)])
def test_score_interval_is_the_score_test_inverted(counts: tuple[int, int, int], level: float) -> None:
    # By brute force and another way: every NPS on a grid that Pearson's chi-square does not reject.
    step = 0.0025
    grid = np.arange(-1 + step / 2, 1, step)
    kept = grid[[pearson(counts, delta) <= normal.ppf((1 + level) / 2) ** 2 for delta in grid]]
    low, high = nps_score(*counts, level)
    assert (low, high) == pytest.approx((100 * kept[0], 100 * kept[-1]), abs=100 * step)
    assert np.diff(kept).max() < 1.01 * step  # without gaps


def test_score_intervals_of_small_samples_have_no_gaps() -> None:
    z2, grid = normal.ppf(0.975) ** 2, np.linspace(-1, 1, 1001)
    for a, b, c in product(range(6), repeat=3):
        if a + b + c == 0:
            continue
        n, found = a + b + c, (a - c) / (a + b + c)
        kept = grid[[(found - d) ** 2 * n <= z2 * nps_null_variance(a, c, n, d) + 1e-12 for d in grid]]
        assert np.diff(kept).max(initial=0) < 0.0021
        low, high = nps_score(a, b, c)
        assert (kept[0] * 100, kept[-1] * 100) == pytest.approx((low, high), abs=0.21)


def error(counts: tuple[int, int, int]) -> float:
    """Standard error in points that a two-sided 95% Wald interval is made of."""
    low, high = nps_wald(*counts)
    return (high - low) / 2 / 1.959964


def test_nps_variance_holds_the_covariance_of_both_shares() -> None:
    # Trap 1: 25% promoters, 7.5% detractors of 1000: 1.716 points, not the 1.603 of two independent shares.
    assert round(error((250, 675, 75)), 3) == 1.716
    assert round(100 * np.sqrt((0.25 * 0.75 + 0.075 * 0.925) / 1000), 3) == 1.603


@pytest.mark.parametrize(("mix", "points"), [((50, 50, 0), 5.0), ((60, 30, 10), 6.7), ((70, 10, 20), 8.1)])
def test_nps_interval_depends_on_the_mix(mix: tuple[int, int, int], points: float) -> None:
    # Trap 2: NPS 50 of 100 answers, three times.
    assert mix[0] - mix[2] == 50
    assert round(error(mix), 1) == points
    assert error(mix) == pytest.approx(np.repeat([100, 0, -100], mix).std() / 10, rel=1e-6)


def test_nps_variance_is_in_squared_points() -> None:
    # Trap 8: 5/9 per answer as shares, 10,000 times that in points (R's NPS multiplies by 100). Trap 9: z of two sides.
    low, high = nps_wald(300, 200, 100)
    assert ((high - low) / 2) ** 2 == pytest.approx(1.959964**2 * 1e4 * 5 / 9 / 600, rel=1e-6)


@pytest.mark.parametrize("interval", [nps_wald, nps_score, nps_adjusted_wald])
def test_a_two_sided_interval_of_nps_has_two_sides(interval: Interval) -> None:
    # Trap 9: 1.960 standard errors at 95%, not 1.645.
    low, high = interval(30_000, 20_000, 10_000)
    assert (high - low) / 2 == pytest.approx(1.959964 * 100 * np.sqrt(5 / 9 / 60_000), rel=1e-3)


counts = st.integers(0, 60)


@settings(max_examples=60)
@given(a=counts, b=counts, c=counts, level=st.floats(0.3, 0.999))
@pytest.mark.parametrize("interval", [nps_wald, nps_score])
def test_nps_intervals_hold_their_estimate_and_mirror(interval: Interval, a: int, b: int, c: int, level: float) -> None:
    assume(a + b + c > 0)
    low, high = interval(a, b, c, level)
    assert -100 <= low <= 100 * (a - c) / (a + b + c) + 1e-9
    assert 100 * (a - c) / (a + b + c) - 1e-9 <= high <= 100
    assert interval(c, b, a, level) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(("promoters", "detractors"), [(9, 2), (5, 0), (0, 3), (500, 480)])
def test_without_passives_the_score_interval_is_wilsons(promoters: int, detractors: int) -> None:
    # The likeliest shares have no passives either: P - D is 2P - 1 of a binomial.
    expected = tuple(100 * (2 * end - 1) for end in wilson(promoters, promoters + detractors))
    assert nps_score(promoters, 0, detractors) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("mix", [(0.5, 0.3, 0.2), (0.7, 0.1, 0.2), (0.25, 0.675, 0.075), (0.85, 0.1, 0.05)])
@pytest.mark.parametrize("n", [10, 50])
def test_coverage_of_nps_over_every_sample(mix: tuple[float, float, float], n: int) -> None:
    listed = np.array([(a, b, n - a - b) for a in range(n + 1) for b in range(n + 1 - a)])
    chance, truth = multinomial.pmf(listed, n, mix), 100 * (mix[0] - mix[2])

    def covered(interval: Interval) -> float:
        ends = np.array([interval(*row) for row in listed.tolist()])
        return float(chance[(ends[:, 0] <= truth) & (truth <= ends[:, 1])].sum())

    assert 0.93 < covered(nps_score) < 0.985
    assert covered(nps_wald) < covered(nps_adjusted_wald)


# Refused


@pytest.mark.parametrize("level", [0, 1, 95, nan, None])
@pytest.mark.parametrize(
    "call",
    [
        lambda level: wald(1, 2, level),
        lambda level: exact(1, 2, level),
        lambda level: nps_wald(1, 1, 1, level),
        lambda level: nps_score(1, 1, 1, level),
    ],
)
def test_level_must_be_a_probability(call: Callable[[object], object], level: object) -> None:
    with pytest.raises(ArgumentError, match="level is a probability"):
        call(level)


@pytest.mark.parametrize(
    "call",
    [lambda: wald(0, 0), lambda: exact(0, 0), lambda: nps_wald(0, 0, 0), lambda: nps_score(3, -1, 2)],
)
def test_too_few_answers_are_a_sample_error(call: Callable[[], object]) -> None:
    with pytest.raises(SampleError):
        call()


@pytest.mark.parametrize("call", [lambda: wald(6, 5), lambda: exact(-1, 5), lambda: nps_null_variance(1, 1, 3, 1.1)])
def test_what_is_not_possible_is_an_argument_error(call: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError):
        call()
