"""How strong a hidden common cause would have to be: robustness values, bounds by benchmarks, E-values."""

from __future__ import annotations

from math import sqrt
from typing import Literal, NamedTuple

from cxuxlib.errors import ArgumentError
from cxuxlib.stats.intervals import half_width

__all__ = ["Bound", "Measure", "bound", "e_value", "risk_ratio", "robustness_value"]

Measure = Literal["risk", "odds", "hazard"]


def robustness_value(t: float, df: float, *, share: float = 1.0, level: float | None = None) -> float:
    """Share of what is left of treatment and outcome that a hidden cause must explain of both to change the answer.

    With f = share |t|/√df (less the critical t/√(df - 1) where there is a level): ½(√(f⁴ + 4f²) - f²). Where the
    outcome's share cannot bind, (f² - c²)/(1 + f²) with c that critical value.

    Args:
        t: the treatment's t in a linear regression with equal variances.
        df: residual degrees of freedom, above 1.
        share: share of the estimate that is to be taken away, above 0.
        level: None: until the estimate is gone; else until its interval of this level reaches what is left.

    Source: Cinelli & Hazlett 2020, doi:10.1111/rssb.12348. Checked against: sensemakr (darfur).

    >>> round(robustness_value(4.18445, 783), 5), round(robustness_value(4.18445, 783, level=0.95), 5)
    (0.13878, 0.07626)
    """
    if not (df > 1 and share > 0):
        raise ArgumentError(f"df is above 1 and share above 0; got {df!r} and {share!r}.")
    f = share * abs(t) / sqrt(df)
    critical = 0.0 if level is None else half_width(level, df - 1) / sqrt(df - 1)
    left = f - critical
    if left <= 0:
        return 0.0
    if f * critical > 1:
        return (f**2 - critical**2) / (1 + f**2)
    return (sqrt(left**4 + 4 * left**2) - left**2) / 2


class Bound(NamedTuple):
    """An estimate with a hidden cause of a given strength taken into account.

    Args:
        r2_treatment, r2_outcome: partial R² of the hidden cause with treatment and outcome.
        value, std_error, df: the estimate that would be left at worst.
    """

    r2_treatment: float
    r2_outcome: float
    value: float
    std_error: float
    df: float


def bound(value: float, std_error: float, df: float, of: tuple[float, float], times: float) -> Bound:
    """The estimate at worst, with a hidden cause ``times`` as strong as an observed one.

    Strength is that of treatment and outcome alike; the bias is se √df √(R²y R²d/(1 - R²d)), towards 0.

    Args:
        value, std_error, df: estimate, error by equal variances, residual degrees of freedom.
        of: partial R² of the observed cause with the treatment (given the other covariates) and with the outcome
            (given these and the treatment), each 0 to below 1.
        times: how many times as strong, above 0.

    Source: Cinelli & Hazlett 2020, doi:10.1111/rssb.12348. Checked against: sensemakr (darfur).

    >>> [round(each, 4) for each in bound(0.09731582, 0.02325654, 783, (0.00908, 0.109), 1)]
    [0.0092, 0.1246, 0.0752, 0.0219, 782]
    """
    d, y = of
    if not (0 <= d < 1 and 0 <= y < 1 and times > 0):
        raise ArgumentError(f"partial R² are 0 to below 1 and times above 0; got {of!r} and {times!r}.")
    r2_d = times * d / (1 - d)
    if r2_d >= 1:
        raise ArgumentError(
            f"A cause {times:g} times as strong would explain more than all of the treatment; at most "
            f"{(1 - d) / d:.3g} times is possible."
        )
    shared = times * d**2 / ((1 - times * d) * (1 - d))
    r2_y = min(1.0, ((sqrt(times) + sqrt(shared)) / sqrt(1 - shared)) ** 2 * y / (1 - y)) if shared < 1 else 1.0
    bias = std_error * sqrt(df) * sqrt(r2_y * r2_d / (1 - r2_d))
    left = abs(value) - bias
    error = std_error * sqrt((1 - r2_y) / (1 - r2_d) * df / (df - 1))
    return Bound(r2_d, r2_y, left if value >= 0 else -left, error, df - 1)


def risk_ratio(ratio: float, measure: Measure, *, rare: bool) -> float:
    """A ratio as a risk ratio: as it is where the outcome is rare, else √OR, or (1 - ½^√HR)/(1 - ½^√(1/HR)).

    >>> round(risk_ratio(4.0, "odds", rare=False), 6), risk_ratio(4.0, "odds", rare=True)
    (2.0, 4.0)
    """
    if measure not in ("risk", "odds", "hazard"):
        raise ArgumentError(f"measure is 'risk', 'odds' or 'hazard'; got {measure!r}.")
    if not ratio > 0:
        raise ArgumentError(f"A ratio is above 0; got {ratio!r}.")
    if rare or measure == "risk":
        return ratio
    if measure == "odds":
        return sqrt(ratio)
    root = sqrt(ratio)
    return float((1 - 0.5**root) / (1 - 0.5 ** (1 / root)))


def e_value(
    value: float, low: float, high: float, *, measure: Measure = "risk", rare: bool = False
) -> tuple[float, float]:
    """Risk ratio that a hidden cause must have with both treatment and outcome to explain an observed ratio away.

    E = RR + √(RR (RR - 1)), with 1/RR below 1; of the estimate, and of the end of the interval next to 1, which is 1
    where the interval has 1 in it.

    Args:
        value, low, high: a ratio and its interval, above 0.
        measure: risk, odds or hazard.
        rare: whether the outcome is rare (below about 15% at the end), so that odds and hazards are nearly risks.

    Source: VanderWeele & Ding 2017, doi:10.7326/M16-2607; VanderWeele 2017, doi:10.1111/biom.12765 (common outcomes).
    Checked against: EValue 4.1.4.

    >>> [round(each, 6) for each in e_value(3.9, 1.8, 8.7)]
    [7.263034, 3.0]
    """
    if not 0 < low <= value <= high:
        raise ArgumentError(f"A ratio lies in its interval, above 0; got {value!r} in {low!r} to {high!r}.")
    near = 1.0 if low <= 1 <= high else low if low > 1 else high
    found = [risk_ratio(each, measure, rare=rare) for each in (value, near)]
    over = [each if each >= 1 else 1 / each for each in found]
    of_value, of_near = (each + sqrt(each * (each - 1)) for each in over)
    return of_value, of_near
