"""The one scorer of questionnaires, and three published formulas that need more than one set of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, SampleError, listed
from cxuxlib.scales.answers import read
from cxuxlib.scales.catalogue import NASA_TLX, UMUX_LITE
from cxuxlib.scales.scale import OWN_COLUMNS, Scale, answer_range, needed, parts, rule_text, score_range, value_range

__all__ = ["gap", "score", "tally", "tlx_weighted", "umux_lite_as_sus"]

_PAIRS = 15  # comparisons of 6 sources of load, two at a time


def score(frame: Any, scale: Scale, *, items: Sequence[str]) -> pd.DataFrame:
    """Score answer sheets: the total and every subscale.

    score = Σ w·v / Σ w over the answered questions, v the keyed and mapped answer (see `Scale`).

    Args:
        frame: pandas, Polars (eager or lazy), Arrow or DuckDB; one row per answer sheet. Never changed.
        scale: a questionnaire, such as ``scales.SUS``; other options by ``dataclasses.replace``.
        items: columns of its questions, in its order; the order decides which are reversed.

    Returns:
        One row per sheet, in the frame's order and with its index: a column for the total, named as the scale, one
        per subscale (NaN where the missing rule refuses; `tally` counts them), n_valid (questions answered) and
        missing_rule.

    Raises:
        ArgumentError, ColumnError: the columns are not those of the questionnaire.
        AnswerError: an answer is a text, true/false or outside its range.

    Source: that of the scale. Checked against: published examples and the ranges of every scale of the catalogue.

    >>> from cxuxlib import scales
    >>> sheets = pd.DataFrame([[5, 1] * 5, [3] * 10], columns=list("abcdefghij"))
    >>> scales.score(sheets, scales.SUS, items=list("abcdefghij"))
         SUS  usable  learnable  n_valid missing_rule
    0  100.0   100.0      100.0       10       refuse
    1   50.0    50.0       50.0       10       refuse
    """
    answers = read(frame, scale, items)
    table = _scores(scale, answers.index, values(scale, keyed(scale, answers.to_numpy())))
    for name in parts(scale):
        table[name] = table[name].clip(*widest(scale, name))  # rounding may leave the range by a hair
    return table


def keyed(scale: Scale, answers: np.ndarray) -> np.ndarray:
    """Answers with reversed questions turned round; a new array."""
    turned = answers.astype(float).copy()
    for position in scale.reversed:
        low, high, _ = answer_range(scale, position)
        turned[:, position - 1] = low + high - turned[:, position - 1]
    return turned


def values(scale: Scale, keyed_answers: np.ndarray) -> np.ndarray:
    """What keyed answers count in the scores."""
    counted = np.empty_like(keyed_answers)
    for position in range(1, scale.items + 1):
        low, high, factor = answer_range(scale, position)
        x = keyed_answers[:, position - 1]
        counted[:, position - 1] = (
            x * factor if scale.to is None else scale.to[0] + (x - low) / (high - low) * (scale.to[1] - scale.to[0])
        )
    return counted


def _scores(scale: Scale, index: pd.Index, counted: np.ndarray) -> pd.DataFrame:
    """Scores from what each question counts, by the missing rule."""
    answered = ~np.isnan(counted)
    middle = [sum(value_range(scale, i)) / 2 for i in range(1, scale.items + 1)]
    filled = np.where(answered, counted, middle if scale.missing == "centre" else 0.0)
    used = np.ones_like(answered) if scale.missing == "centre" else answered
    weights = np.array(scale.weights or [1.0] * scale.items)
    found: dict[str, Any] = {}
    for name, positions in parts(scale).items():
        at = np.array(positions) - 1
        enough = answered[:, at].sum(axis=1) >= needed(scale, len(at))
        weight = (used[:, at] * weights[at]).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[name] = np.where(enough, (filled[:, at] * used[:, at] * weights[at]).sum(axis=1) / weight, np.nan)
    found["n_valid"] = answered.sum(axis=1)
    return pd.DataFrame(found, index=index).assign(missing_rule=rule_text(scale))


def widest(scale: Scale, name: str) -> tuple[float, float]:
    """Range of a score when some questions may be missing."""
    ends = [value_range(scale, position) for position in parts(scale)[name]]
    return min(low for low, _ in ends), max(high for _, high in ends)


def tally(scores: pd.DataFrame) -> pd.DataFrame:
    """Count for each score how many sheets have it and how many the missing rule refused.

    n = sheets with a score, n_refused = sheets without.

    Args:
        scores: a result of `score`, `gap` or `tlx_weighted`.

    Returns:
        One row per score: score, n, n_refused, missing_rule.

    Raises:
        ArgumentError: not a table of scores.

    Source: Enders 2010, Applied Missing Data Analysis (report what is missing). Checked against: counts by hand.

    >>> from cxuxlib import scales
    >>> scores = scales.score(pd.DataFrame({"ease": [7, None, 4]}), scales.SEQ, items=["ease"])
    >>> tally(scores)
      score  n  n_refused missing_rule
    0   SEQ  2          1       refuse
    """
    if not isinstance(scores, pd.DataFrame) or not set(OWN_COLUMNS) <= set(scores.columns):
        raise ArgumentError("tally takes a result of scales.score().")
    names = [name for name in scores.columns if name not in OWN_COLUMNS]
    rule = scores["missing_rule"].iloc[0] if len(scores) else ""
    rows = [(name, int(scores[name].notna().sum()), int(scores[name].isna().sum()), rule) for name in names]
    return pd.DataFrame(rows, columns=["score", "n", "n_refused", "missing_rule"])


def gap(frame: Any, scale: Scale, *, items: Sequence[str], expected: Sequence[str]) -> pd.DataFrame:
    """Score what was perceived minus what was expected, question by question (SERVQUAL).

    score = Σ w·(P - E) / Σ w over questions answered on both sides.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        scale: a questionnaire that is answered twice, such as ``scales.SERVQUAL``.
        items: columns of the perceptions, in the scale's order.
        expected: columns of the expectations, in the same order.

    Returns:
        As `score`; a score below 0 falls short of expectations. ``n_valid`` counts questions answered on both sides.

    Raises:
        ArgumentError, ColumnError, AnswerError: what is wrong with the columns or answers; the rule "centre" has no
        meaning for a gap.

    Source: Parasuraman, Zeithaml & Berry 1988, Journal of Retailing 64(1), 12-40. Checked against: by hand.

    >>> from cxuxlib import scales
    >>> two = scales.Scale("service", items=2, low=1, high=7)
    >>> sheets = pd.DataFrame({"p1": [5, 7], "p2": [4, 6], "e1": [7, 7], "e2": [6, 4]})
    >>> scales.gap(sheets, two, items=["p1", "p2"], expected=["e1", "e2"])["service"].tolist()
    [-2.0, 1.0]
    """
    if isinstance(scale, Scale) and scale.missing == "centre":
        raise ArgumentError("A gap has no centre value to stand for a missing answer; use missing='refuse' or 'mean'.")
    there, wanted = read(frame, scale, items), read(frame, scale, expected)
    both = sorted(set(items) & set(expected))
    if both:
        raise ArgumentError(f"{listed(both)} cannot be perception and expectation at once.")
    counted = [values(scale, keyed(scale, each.to_numpy())) for each in (there, wanted)]
    return _scores(scale, there.index, counted[0] - counted[1])


def tlx_weighted(frame: Any, *, items: Sequence[str], weights: Sequence[str], scale: Scale = NASA_TLX) -> pd.DataFrame:
    """Weighted workload of the NASA task load index.

    score = Σ w·r / 15, w how often a source of load was chosen in the 15 pairs; higher is more load.

    Args:
        frame: pandas, Polars, Arrow or DuckDB; one row per answer sheet.
        items: columns of the six ratings: mental, physical, temporal, performance (0 perfect to 100 failure),
            effort, frustration.
        weights: columns of the six weights in the same order: whole numbers 0 to 5 that add up to 15 on each sheet.
        scale: ``scales.NASA_TLX`` (0 to 100) or ``scales.NASA_TLX_TICKS`` (1 to 21).

    Returns:
        One row per sheet: "NASA-TLX weighted" (NaN where a rating or a weight is missing), n_valid, missing_rule.

    Raises:
        ArgumentError, ColumnError: the columns are not those of the questionnaire.
        AnswerError: a rating or a weight is out of range, or the weights of a sheet do not add up to 15.

    Source: Hart & Staveland 1988, doi:10.1016/S0166-4115(08)62386-9. Checked against: a published example (46).

    >>> sheet = pd.DataFrame([[50, 60, 40, 30, 20, 10, 5, 4, 3, 2, 1, 0]], columns=list("abcdefuvwxyz"))
    >>> tlx_weighted(sheet, items=list("abcdef"), weights=list("uvwxyz"))["NASA-TLX weighted"].tolist()
    [46.0]
    """
    ratings = read(frame, scale, items)
    if scale.items != len(NASA_TLX.labels):
        raise ArgumentError(f"scale is scales.NASA_TLX or scales.NASA_TLX_TICKS; got {scale.name!r}.")
    w = read(frame, Scale("NASA-TLX weights", scale.items, 0, 5, labels=scale.labels), weights).to_numpy()
    complete = ~np.isnan(w).any(axis=1)
    totals = w.sum(axis=1)
    wrong = complete & (totals != _PAIRS)
    if wrong.any():
        shown = ", ".join(f"{each:g}" for each in np.unique(totals[wrong])[:5])
        raise AnswerError(
            f"{int(wrong.sum()):,} sheets have weights that add up to {shown}; "
            f"the {_PAIRS} pairs of NASA-TLX add up to {_PAIRS}."
        )
    counted = values(scale, keyed(scale, ratings.to_numpy()))
    return pd.DataFrame(
        {
            "NASA-TLX weighted": np.where(complete, (counted * w).sum(axis=1) / _PAIRS, np.nan),
            "n_valid": (~np.isnan(counted)).sum(axis=1),
            "missing_rule": "refuse",
        },
        index=ratings.index,
    )


def umux_lite_as_sus(scores: pd.DataFrame) -> pd.Series:
    """SUS that corresponds to UMUX-LITE scores.

    SUS = 0.65 · UMUX-LITE + 22.9, so from 22.9 to 87.9: never compare it with very low or very high SUS scores.

    Args:
        scores: a result of `score` with ``scales.UMUX_LITE`` (7-point; the equation does not hold for UX-Lite).

    Returns:
        One value per sheet, 22.9 to 87.9.

    Raises:
        ColumnError: these are not scores of UMUX-LITE.
        SampleError: there are no sheets.

    Source: Lewis, Utesch & Maher 2013, doi:10.1145/2470654.2481287. Checked against: its ends, 22.9 and 87.9.

    >>> from cxuxlib import scales
    >>> sheets = pd.DataFrame({"needs": [1, 7], "ease": [1, 7]})
    >>> scales.umux_lite_as_sus(scales.score(sheets, scales.UMUX_LITE, items=["needs", "ease"])).tolist()
    [22.9, 87.9]
    """
    if not isinstance(scores, pd.DataFrame) or UMUX_LITE.name not in scores.columns:
        raise ColumnError(
            f"There is no column {UMUX_LITE.name!r}; give the result of score() with scales.UMUX_LITE. "
            "The equation was found on its 7-point form and does not hold for others."
        )
    if scores.empty:
        raise SampleError("There are no scores.")
    x = scores[UMUX_LITE.name]
    low, high = score_range(UMUX_LITE)
    if ((x < low) | (x > high)).any():
        raise AnswerError(f"{UMUX_LITE.name} goes from {low:g} to {high:g}; got {x.min():g} to {x.max():g}.")
    return (0.65 * x + 22.9).rename("SUS from UMUX-LITE")
