"""Answer sheets that nobody read: identical answers, and answers that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError
from cxuxlib.results import Estimate
from cxuxlib.scales.answers import read
from cxuxlib.scales.scale import Scale, answer_range
from cxuxlib.scales.scoring import keyed
from cxuxlib.stats import intervals

__all__ = ["inconsistent", "straight_line_share", "straight_lines"]


def _most_same(answers: np.ndarray) -> np.ndarray:
    """How often the commonest answer of each sheet occurs."""
    most = np.zeros(len(answers), dtype=int)
    for column in answers.T:
        most = np.maximum(most, (answers == column[:, None]).sum(axis=1))  # NaN equals nothing
    return most


def straight_lines(frame: Any, scale: Scale, *, items: Sequence[str]) -> pd.DataFrame:
    """Flag sheets with the same answer to every question of a questionnaire that has reversed questions.

    Such a sheet agrees and disagrees at once, and always scores near the middle: on SUS all 5 and all 1 both give 50.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire with reversed questions.
        items: columns of its questions, in its order.

    Returns:
        One row per sheet, in the frame's order and with its index: n_valid, most_same (how often the commonest answer
        occurs), straight (two or more answers, at least half of the questions, all the same), at_centre (straight on
        the middle answer, which contradicts nothing).

    Raises:
        ArgumentError: no question is reversed, so equal answers are no contradiction.
        ColumnError, AnswerError: what is wrong with the columns or answers.

    Source: Meade & Craig 2012, doi:10.1037/a0028085. Checked against: counts by hand.

    >>> from cxuxlib import scales
    >>> sheets = pd.DataFrame([[5] * 10, [3] * 10, [5, 1] * 5], columns=list("abcdefghij"))
    >>> straight_lines(sheets, scales.SUS, items=list("abcdefghij"))
       n_valid  most_same  straight  at_centre
    0       10         10      True      False
    1       10         10      True       True
    2       10          5     False      False
    """
    raw = read(frame, scale, items)
    if not scale.reversed:
        raise ArgumentError(f"{scale.name} has no reversed items, so the same answer to all of them may be meant.")
    answers = raw.to_numpy()
    n_valid = (~np.isnan(answers)).sum(axis=1)
    most = _most_same(answers)
    straight = (n_valid >= max(2, scale.items / 2)) & (most == n_valid)
    middle = [sum(answer_range(scale, position)[:2]) / 2 for position in range(1, scale.items + 1)]
    centred = ((answers == middle) | np.isnan(answers)).all(axis=1)
    return pd.DataFrame(
        {"n_valid": n_valid, "most_same": most, "straight": straight, "at_centre": straight & centred},
        index=raw.index,
    )


def straight_line_share(frame: Any, scale: Scale, *, items: Sequence[str], level: float = 0.95) -> Estimate:
    """Share of sheets with the same answer to every question of a questionnaire that has reversed questions.

    p = straight sheets / sheets with answers to at least half of the questions; interval: adjusted Wald.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire with reversed questions.
        items: columns of its questions, in its order.
        level: confidence level, 0 to 1.

    Returns:
        An `Estimate`, 0 to 1; ``n_missing`` counts sheets with too few answers to tell.

    Raises:
        ArgumentError, ColumnError, AnswerError: as `straight_lines`.
        SampleError: no sheet has enough answers.

    Source and checks: see `straight_lines`.

    >>> from cxuxlib import scales
    >>> sheets = pd.DataFrame([[5] * 10, [5, 1] * 5, [4, 2] * 5, [4, 1] * 5], columns=list("abcdefghij"))
    >>> straight_line_share(sheets, scales.SUS, items=list("abcdefghij"))
    straight-lined SUS = 0.25, 95% CI [0.03, 0.71], n = 4 (adjusted Wald)
    """
    flags = straight_lines(frame, scale, items=items)
    told = flags["n_valid"] >= max(2, scale.items / 2)
    n, lines = int(told.sum()), int(flags["straight"].sum())
    if not n:
        raise SampleError(f"No sheet answers half of the {scale.items} items of {scale.name}.")
    low, high = intervals.adjusted_wald(lines, n, level)
    name = f"straight-lined {scale.name}"
    return Estimate(lines / n, low, high, n, "adjusted Wald", level, name, len(flags) - n)


def inconsistent(
    frame: Any, scale: Scale, *, items: Sequence[str], spread: float = 3, at_least: int = 2, same: int | None = 15
) -> pd.DataFrame:
    """Flag sheets whose answers within a subscale contradict each other, or are nearly all the same (UEQ).

    A subscale is inconsistent when its best minus its worst keyed answer exceeds ``spread``.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire with subscales, such as ``scales.UEQ``.
        items: columns of its questions, in its order.
        spread: largest range of answers that is no contradiction, in steps of the answer format.
        at_least: inconsistent subscales that make a sheet suspicious; the handbook says 2 or 3.
        same: a sheet with more equal answers than this is suspicious; None leaves that rule out.

    Returns:
        One row per sheet, in the frame's order and with its index: n_valid, n_inconsistent (subscales), most_same,
        suspicious. Keep ``frame[~flags["suspicious"]]`` and report how many were left out.

    Raises:
        ArgumentError: the scale has no subscales, or a limit is out of range.
        ColumnError, AnswerError: what is wrong with the columns or answers.

    Source: Schrepp 2023, UEQ Handbook v11, doi:10.13140/RG.2.1.2815.0245. Checked against: its example.

    >>> from cxuxlib import scales
    >>> names = [f"u{i}" for i in range(1, 27)]
    >>> sheets = pd.DataFrame([[4] * 26, [1, 7] * 13], columns=names)
    >>> inconsistent(sheets, scales.UEQ, items=names)
       n_valid  n_inconsistent  most_same  suspicious
    0       26               0         26        True
    1       26               5         13        True
    """
    raw = read(frame, scale, items)
    if not scale.subscales:
        raise ArgumentError(f"{scale.name} has no subscales within which answers could contradict each other.")
    if not 0 <= spread < float("inf") or not 1 <= at_least <= len(scale.subscales) or (same is not None and same < 1):
        raise ArgumentError(
            f"spread is 0 or more, at_least 1 to {len(scale.subscales)}, same 1 or more or None; "
            f"got {spread}, {at_least}, {same}."
        )
    answers = raw.to_numpy()
    turned = pd.DataFrame(keyed(scale, answers))
    ranges = [
        turned[[position - 1 for position in at]].max(axis=1) - turned[[position - 1 for position in at]].min(axis=1)
        for at in scale.subscales.values()
    ]
    n_inconsistent = np.sum([(each > spread).to_numpy() for each in ranges], axis=0)
    most = _most_same(answers)
    suspicious = n_inconsistent >= at_least
    if same is not None:
        suspicious = suspicious | (most > same)
    return pd.DataFrame(
        {
            "n_valid": (~np.isnan(answers)).sum(axis=1), "n_inconsistent": n_inconsistent,
            "most_same": most, "suspicious": suspicious,
        },
        index=raw.index,
    )  # fmt: skip
