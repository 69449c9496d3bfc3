"""Which rule of combination foretells answers best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import inf, isfinite
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ModelError
from cxuxlib.models.combining.ceiling import boosted
from cxuxlib.models.combining.reading import Folds, Read, read
from cxuxlib.models.combining.rules import ADDITIVE, RULES
from cxuxlib.models.combining.spans import Columns, named
from cxuxlib.models.regression import samples
from cxuxlib.stats import held_out, intervals

__all__ = ["Combination", "combination"]

_NULL, _TREES = "none", "boosted trees"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Combination:
    """How well rules of combination foretell the answers of those who were left out.

    Args:
        outcome: column that is foretold.
        experiences: columns that foretell it.
        table: one row per rule: rule, parameters, score (mean log chance given to the answer), difference (of the
            score to that of the additive rule), std_error, low, high, share (of what boosted trees gain over no
            experience at all), note.
        n: units; n_missing: units left out as incomplete.
        folds: how many parts were left out in turn.
        level: confidence level, 0 to 1.
        method: what was done, in words.
    """

    outcome: str
    experiences: tuple[str, ...]
    table: pd.DataFrame
    n: int
    n_missing: int
    folds: int
    level: float
    method: str

    def better(self) -> list[str]:
        """Rules, best first, whose score is above that of the additive rule by the whole interval."""
        rules = self.table[self.table["rule"].isin(RULES) & (self.table["low"] > 0)]
        found: list[str] = rules.sort_values("score", ascending=False)["rule"].tolist()
        return found

    def __repr__(self) -> str:
        rows = self.table.set_index("rule")
        better = self.better()
        if better:
            row = rows.loc[better[0]]
            places = text.decimals(row["low"], row["high"])
            shown = f"{text.number(row['difference'], places)} {text.interval(row['low'], row['high'], places)}"
            said = f"{better[0]} foretells better than additive, by {shown} per answer"
        else:
            said = "no rule foretells better than additive"
        share = rows.loc[ADDITIVE, "share"]
        below = rows.loc[_TREES, "difference"] >= 0
        reach = (
            f"; additive reaches {text.number(100 * share, 0)}% of what boosted trees gain"
            if below and isfinite(share)
            else ""
        )
        missing = f", {self.n_missing:,} missing" if self.n_missing else ""
        return (
            f"How {', '.join(self.experiences)} combine for {self.outcome}: {said} ({text.percent(self.level)} CI)"
            f"{reach}, n = {self.n:,}{missing} ({self.method})"
        )

    def _repr_html_(self) -> str:
        shown = self.table.copy()
        shown["parameters"] = [text.number(each, 0) for each in shown["parameters"]]
        for name in ("score", "difference", "std_error", "low", "high", "share"):
            shown[name] = [text.number(each, 4) for each in shown[name]]
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False, border=0)}"


def combination(
    data: Any,
    outcome: str,
    experiences: Columns,
    *,
    unit: str | EllipsisType | None = ...,
    weight: str | None = None,
    frequency: str | None = None,
    folds: Folds | int = 10,
    level: float = 0.95,
) -> Combination:
    """Compare rules by which experiences may combine, by how well they foretell an ordered answer out of sample.

    Each rule is an ordered logit, so that an outcome's ceiling does not pass for a rule: additive (the experiences);
    weakest link (these and their minimum); weakest only (the minimum alone); pairwise (these and their products);
    hinge (a slope below each scale's middle and one above); ordered-weighted (the answers from worst to best, whatever
    they are to: a weight for the worst, for the second worst, ...). The score is the mean log chance that a rule gave
    to the answers left out, higher is better; a difference of .01 is a chance 1 % higher. Gradient boosting, which
    knows no rule, shows what there is to explain.

    Args:
        data: one row per unit (any engine), or counts (with ``frequency``).
        outcome: column of numbers or an ordered categorical.
        experiences: two or more columns of numbers; or column to the ends of its scale, {"ease": (1, 5)}, with the
            middle where that is not halfway, (0, 7, 10). Each is brought to 0 to 1 before the least is taken.
        unit: column that says which rows belong together, and are left out together; None: rows are units; left out,
            frames that repeat an id are refused.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        folds: how many parts are left out in turn, or `Folds` with a seed; the same parts for every rule.
        level: confidence level of the differences, 0 to 1.

    Returns:
        A `Combination`; a rule that cannot be fitted has no score, and a note that says why. Intervals are not
        corrected for the number of rules, and somewhat short, since folds are fitted on much the same answers.

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the data.
        ModelError: the additive rule cannot be fitted: a constant or collinear experience, one that separates the
            answers, or one category only.

    Source: Gneiting & Raftery 2007, doi:10.1198/016214506000001437 (log score); Yager 1988, doi:10.1109/21.87068
    (ordered weights); Vehtari, Gelman & Gabry 2017, doi:10.1007/s11222-016-9696-4 (error of a difference); Bengio &
    Grandvalet 2004, Journal of Machine Learning Research 5 (why that is short).
    Checked against: statsmodels on the rows of each fold, planted rules.

    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.integers(1, 6, (2000, 2)), columns=["ease", "help"])
    >>> frame["rating"] = np.clip(np.round(2 * frame.min(axis=1) + rng.logistic(size=2000)), 1, 5)
    >>> combination(frame, "rating", ["ease", "help"], folds=5).better()
    ['weakest only', 'ordered-weighted', 'weakest link', 'pairwise', 'hinge']
    """
    intervals.check_level(level)
    names = named(experiences, outcome, "experiences", least=2)
    parts = folds if isinstance(folds, Folds) else Folds(folds)
    found = read(data, (outcome, experiences), unit=unit, weight=weight, frequency=frequency, folds=parts)
    samples.scaled_design(tuple(names), found.x, found.folds.w.sum(axis=0), center=True)  # names what is collinear
    scores, slopes, notes = _scores(found, outcome)
    clusters = found.folds.n if found.folds.cluster else 0
    quantile = intervals.half_width(level, clusters - 1 if clusters else inf)
    table = _table(found, scores, quantile)
    table.insert(1, "parameters", [slopes[rule] for rule in table["rule"]])
    table["note"] = [notes.get(rule, "") for rule in table["rule"]]
    each = f" of whole {unit!r}" if clusters else ""
    said = [f"ordered logit, {parts.k} folds{each}, log score per answer", *found.notes]
    if found.n_weightless:
        said.append(f"{found.n_weightless:,} of no weight left out")
    return Combination(outcome, tuple(names), table, found.n, found.n_missing, parts.k, level, "; ".join(said))


def _scores(found: Read, outcome: str) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, str]]:
    """Of each rule that can be fitted its scores, of every rule the number of slopes and what is to be said."""
    scores = {_NULL: held_out.null_scores(found.y, found.folds)}
    slopes, notes = {_NULL: 0.0}, {_NULL: "the shares of the answers alone"}
    for rule, columns in RULES.items():
        x = columns(found.x, found.middle)
        slopes[rule] = float(x.shape[1])
        try:
            scores[rule] = held_out.ordinal_scores(x, found.y, found.folds)
        except ModelError as error:
            if rule == ADDITIVE:
                raise ModelError(
                    f"The additive rule for {outcome!r} cannot be fitted without some fold: {error}. Take fewer "
                    "experiences, join answers, or compare shares."
                ) from error
            notes[rule] = f"cannot be fitted without some fold: {error}"
    trees = boosted(found.x, found.y, found.folds)
    scores[_TREES], slopes[_TREES] = trees.scores, float("nan")
    notes[_TREES] = f"{trees.rounds} rounds of trees instead of parameters"
    if held_out.gain(scores[_TREES] - scores[ADDITIVE], found.folds).value < 0:
        notes[_TREES] += "; they foretell worse than additive, so they are no ceiling: shares may be above 1"
    return scores, slopes, notes


def _table(found: Read, scores: dict[str, np.ndarray], quantile: float) -> pd.DataFrame:
    """Scores and differences to the additive rule."""
    base, nothing = scores[ADDITIVE], held_out.gain(scores[_NULL], found.folds).value
    reach = held_out.gain(scores[_TREES], found.folds).value - nothing
    rows: list[Sequence[Any]] = []
    for rule in (_NULL, *RULES, _TREES):
        if rule not in scores:
            rows.append((rule, *[float("nan")] * 6))
            continue
        score = held_out.gain(scores[rule], found.folds).value
        value, error = held_out.gain(scores[rule] - base, found.folds)
        share = (score - nothing) / reach if reach > 0 else float("nan")
        rows.append((rule, score, value, error, value - quantile * error, value + quantile * error, share))
    return pd.DataFrame(rows, columns=["rule", "score", "difference", "std_error", "low", "high", "share"])
