"""Numbers are written one way."""

from math import inf, nan

import pytest

from cxuxlib import text


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [(28.1, 40.3, 1), (0, 1, 2), (0.905, 1.004, 3), (-100, 100, 0), (0, 2000, 0), (0, 1e-9, 6), (3, 3, 3), (nan, 1, 3)],
)
def test_decimals_leave_two_digits_of_the_half_width(low: float, high: float, places: int) -> None:
    assert text.decimals(low, high) == places


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (1234567.891, 1, "1,234,567.9"), (-0.0004, 3, "0.000"), (-0.0, 0, "0"), (-5.88, 1, "-5.9"), (2, 0, "2"),
        (nan, 2, "–"), (inf, 2, "∞"), (-inf, 2, "-∞"),
    ],
)  # fmt: skip
def test_number(value: float, places: int, written: str) -> None:
    assert text.number(value, places) == written


def test_interval_with_its_own_and_with_given_places() -> None:
    assert text.interval(28.13, 40.27) == "[28.1, 40.3]"
    assert text.interval(28.13, 40.27, 0) == "[28, 40]"
    assert text.interval(nan, nan) == "[–, –]"


@pytest.mark.parametrize(("level", "written"), [(0.95, "95%"), (0.9, "90%"), (0.999, "99.9%"), (2 / 3, "66.6667%")])
def test_percent(level: float, written: str) -> None:
    assert text.percent(level) == written


@pytest.mark.parametrize(
    ("p", "written"), [(0.0321, "p = 0.032"), (0.001, "p = 0.001"), (0.00099, "p < 0.001"), (1, "p = 1.000")]
)
def test_p_value(p: float, written: str) -> None:
    assert text.p_value(p) == written
