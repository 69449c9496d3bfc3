"""What a mean score of a study is worth beside published studies. Norms of means say nothing about one person."""

from __future__ import annotations

from math import floor
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.scales.catalogue import SUS, UEQ
from cxuxlib.scales.scale import score_range

__all__ = ["sus_adjective", "sus_grade", "sus_item_targets", "sus_percentile", "ueq_benchmark"]

# Lowest mean of each band, to one decimal.
_GRADES = (
    (84.1, "A+"), (80.8, "A"), (78.9, "A-"), (77.2, "B+"), (74.1, "B"), (72.6, "B-"), (71.1, "C+"), (65.0, "C"),
    (62.7, "C-"), (51.7, "D"), (0.0, "F"),
)  # fmt: skip
_ADJECTIVES = (
    (84.1, "best imaginable"), (80.8, "excellent"), (71.1, "good"), (51.7, "ok"), (25.1, "poor"),
    (0.0, "worst imaginable"),
)  # fmt: skip

# Percentage of studies with a lower mean, of whole means.
_PERCENTILES = {
    0: 0, 5: 0.3, 10: 0.4, 15: 0.7, 20: 1, 25: 1.5, 30: 2, 35: 4, 40: 6, 45: 8, 50: 13, 55: 19, 60: 29, 65: 41, 66: 44,
    67: 47, 68: 50, 69: 53, 70: 56, 71: 60, 72: 63, 73: 67, 74: 70, 75: 73, 76: 77, 77: 80, 78: 83, 79: 86, 80: 88,
    85: 97, 90: 99.8, 95: 99.999, 100: 100,
}  # fmt: skip

# Intercept and slope of each item's mean on the mean SUS.
_ITEM_LINES = (
    (1.073927, 0.034024), (5.834913, -0.04980485), (0.4421485, 0.04753406), (3.766087, -0.02816776),
    (1.18663, 0.03470129), (4.589912, -0.03519522), (0.9706981, 0.04027653), (5.575382, -0.04896754),
    (0.6992487, 0.04435754), (4.603949, -0.03692307),
)  # fmt: skip

# What a mean must exceed, in the order of the subscales of UEQ.
_LEVELS = ("excellent", "good", "above average", "below average")
_UEQ = {
    ("v11", "general"): (
        (1.84, 2.00, 1.88, 1.70, 1.70, 1.60), (1.58, 1.73, 1.50, 1.48, 1.35, 1.12),
        (1.18, 1.20, 1.05, 1.14, 1.00, 0.70), (0.69, 0.72, 0.60, 0.78, 0.50, 0.16),
    ),
    ("v11", "business"): (
        (1.72, 1.85, 1.70, 1.61, 1.53, 1.49), (1.50, 1.48, 1.38, 1.37, 1.34, 1.03),
        (1.11, 1.03, 0.89, 1.04, 1.04, 0.64), (0.70, 0.58, 0.51, 0.71, 0.71, 0.24),
    ),
    ("v11", "web"): (
        (1.75, 2.07, 1.70, 1.70, 1.56, 1.12), (1.41, 1.84, 1.43, 1.53, 1.10, 0.87),
        (0.96, 1.14, 0.98, 1.19, 0.69, 0.49), (0.44, 0.65, 0.50, 0.81, 0.07, -0.22),
    ),
}  # fmt: skip


def _mean(mean: Any, low: float, high: float, what: str) -> float:
    """The mean of a study as a float; scores of persons are refused."""
    if isinstance(mean, bool) or not isinstance(mean, Real):
        raise ArgumentError(
            f"{what} norms are study level: they place the mean of a study, not the scores of persons. Give one "
            f"number, such as scores.mean(); got {type(mean).__name__}."
        )
    if not low <= float(mean) <= high:
        raise ArgumentError(f"A mean of {what} lies between {low:g} and {high:g}; got {mean!r}.")
    return float(mean)


def _band(mean: Any, bands: tuple[tuple[float, str], ...]) -> str:
    """The band of a mean SUS, rounded half up to the one decimal that the tables have."""
    rounded = floor(_mean(mean, *score_range(SUS), "SUS") * 10 + 0.5 + 1e-9) / 10
    return next(name for lowest, name in bands if rounded >= lowest)


def sus_grade(mean: float) -> str:
    """Grade of the mean SUS of a study on the Sauro-Lewis curve, A+ to F.

    Args:
        mean: the mean SUS of a study, 0 to 100; rounded to one decimal, as the table is.

    Returns:
        The grade.

    Raises:
        ArgumentError: not one number from 0 to 100.

    Source: Sauro & Lewis 2016, Quantifying the User Experience, ch. 8; Lewis 2018,
    doi:10.1080/10447318.2018.1455307. Checked against: the published table.

    >>> sus_grade(68), sus_grade(84.1)
    ('C', 'A+')
    """
    return _band(mean, _GRADES)


def sus_adjective(mean: float) -> str:
    """Adjective for the mean SUS of a study, "worst imaginable" to "best imaginable".

    Args:
        mean: the mean SUS of a study, 0 to 100; rounded to one decimal, as the table is.

    Returns:
        The adjective.

    Raises:
        ArgumentError: not one number from 0 to 100.

    Source: Sauro 2018, MeasuringU; after Bangor, Kortum & Miller 2009, Journal of Usability Studies 4(3), 114-123.
    Checked against: the published thresholds.

    >>> sus_adjective(68)
    'ok'
    """
    return _band(mean, _ADJECTIVES)


def sus_percentile(mean: float) -> float:
    """Percentage of studies whose mean SUS is lower.

    The published percentiles, joined by straight lines. A SUS of 68 is no percentage: it is the 50th percentile, and
    the distribution is no normal one.

    Args:
        mean: the mean SUS of a study, 0 to 100.

    Returns:
        The percentile, 0 to 100.

    Raises:
        ArgumentError: not one number from 0 to 100.

    Source: Sauro & Lewis 2016, Quantifying the User Experience, ch. 8. Checked against: MeasuringU (52, 68 and 75 are
    the 15th, 50th and 73rd); the percentiles of the grades; within 1.7 points of the curve of Blattgerste, Behrends &
    Pfeiffer 2022, doi:10.1145/3529190.3529216.

    >>> [round(sus_percentile(mean)) for mean in (52, 68, 75)]
    [15, 50, 73]
    """
    x = _mean(mean, *score_range(SUS), "SUS")
    return float(np.interp(x, list(_PERCENTILES), list(_PERCENTILES.values())))


def sus_item_targets(mean: float) -> pd.DataFrame:
    """Means of the ten items that go with a mean SUS: what each item has to reach.

    target = a + b · SUS, by item.

    Args:
        mean: the mean SUS that a study aims at, 0 to 100.

    Returns:
        One row per item: position, label, reversed, target (mean answer, 1 to 5; lower is better where reversed).

    Raises:
        ArgumentError: not one number from 0 to 100.

    Source: Lewis & Sauro 2018, Journal of Usability Studies 13(3), 158-167. Checked against: at 68 the targets give
    a SUS of 67.998.

    >>> sus_item_targets(68)["target"].round(2).tolist()[:4]
    [3.39, 2.45, 3.67, 1.85]
    """
    x = _mean(mean, *score_range(SUS), "SUS")
    return pd.DataFrame(
        {
            "position": range(1, SUS.items + 1),
            "label": SUS.labels,
            "reversed": [position in SUS.reversed for position in range(1, SUS.items + 1)],
            "target": [min(SUS.high, max(SUS.low, a + b * x)) for a, b in _ITEM_LINES],
        }
    )


def ueq_benchmark(
    scale: str,
    mean: float,
    *,
    edition: Literal["v11"] = "v11",
    sector: Literal["general", "business", "web"] = "general",
) -> str:
    """Place the mean of a UEQ subscale among published evaluations.

    "excellent" (best tenth), "good" (next 15 %), "above average" (next 25 %), "below average" (next 25 %), "bad".

    Args:
        scale: a subscale of UEQ, such as "attractiveness".
        mean: its mean in a study, -3 to 3; it must exceed a limit to pass it.
        edition: of the benchmark; editions differ, so name it beside the result.
        sector: "general" (468 evaluations), "business" software or "web" sites.

    Returns:
        The category.

    Raises:
        ArgumentError: not a subscale, an edition or a sector; not one number from -3 to 3.

    Source: Schrepp 2023, UEQ Handbook v11, doi:10.13140/RG.2.1.2815.0245. Checked against: its tables.

    >>> ueq_benchmark("attractiveness", 1.80), ueq_benchmark("attractiveness", 1.80, sector="business")
    ('good', 'excellent')
    """
    names = list(UEQ.subscales)
    if scale not in names:
        raise ArgumentError(unknown("subscale of UEQ", scale, names))
    if (edition, sector) not in _UEQ:
        raise ArgumentError(unknown("UEQ benchmark", f"{edition} {sector}", [" ".join(key) for key in _UEQ]))
    x = _mean(mean, *score_range(UEQ, scale), "UEQ")
    at = names.index(scale)
    limits = [level[at] for level in _UEQ[edition, sector]]
    return next((name for name, limit in zip(_LEVELS, limits, strict=True) if x > limit), "bad")
