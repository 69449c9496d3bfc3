"""A questionnaire as data, and which questions two questionnaires share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import Literal

import pandas as pd

from cxuxlib.errors import ArgumentError, listed, unknown

__all__ = ["Scale", "overlap", "score_range"]

Missing = Literal["refuse", "mean", "centre"]
OWN_COLUMNS = ("n_valid", "missing_rule")


@dataclass(frozen=True, slots=True, repr=False)
class Scale:
    """A questionnaire: what is asked, which answers are valid, and how answers become scores.

    A score is the (weighted) mean of its keyed items: score = Σ w·v / Σ w, with v = low + high - answer for reversed
    items and v = answer for others, mapped from low..high to ``to`` where that is given. The sum of k items is
    ``to=(k * low, k * high)``.

    Args:
        name: shown in results; also the column of the total score.
        items: number of questions, 1 or more.
        low, high: lowest and highest answer of the answer format.
        reversed: positions, counted from 1, of the questions that are keyed the other way round.
        subscales: name to positions of its questions.
        total: whether there is a score over all questions.
        to: the published range of the scores, such as (0, 100); None leaves answers as they are.
        weights: one positive number per question; empty where all count alike.
        own_ranges: position to (low, high, factor) of a question with an answer format of its own; its answer counts
            times factor.
        missing: "refuse" (a score needs all its questions), "mean" (the mean of those answered) or "centre" (a
            missing answer counts as the middle of its range). The last two need ``min_valid`` answers.
        min_valid: answers that a score needs, at most all of its questions; None: at least half of them.
        whole: whether answers are whole numbers.
        higher_is_better: the direction of the scores.
        labels: short neutral names of the questions, never their wording.
        concepts: position to what the question asks about, where another questionnaire asks the same.
        construct: what it measures.
        licence: who may use it, and how.
        source: who defined it.

    Raises:
        ArgumentError: a field contradicts another.

    >>> pride = Scale("pride", items=4, low=1, high=5, reversed=(2,), to=(0, 100))
    >>> pride
    pride: 4 items from 1 to 5, 1 reversed; score 0 to 100, higher is better; missing: mean of answered, at least half
    """

    name: str
    items: int
    low: float = 1
    high: float = 5
    reversed: tuple[int, ...] = ()
    subscales: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    total: bool = True
    to: tuple[float, float] | None = None
    weights: tuple[float, ...] = ()
    own_ranges: Mapping[int, tuple[float, float, float]] = field(default_factory=dict, hash=False)
    missing: Missing = "mean"
    min_valid: int | None = None
    whole: bool = True
    higher_is_better: bool = True
    labels: tuple[str, ...] = ()
    concepts: Mapping[int, str] = field(default_factory=dict, hash=False)
    construct: str = ""
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("reversed", "weights", "labels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "subscales", {name: tuple(at) for name, at in self.subscales.items()})
        object.__setattr__(self, "own_ranges", dict(self.own_ranges))
        object.__setattr__(self, "concepts", dict(self.concepts))
        _check(self)

    def __repr__(self) -> str:
        items = "1 item" if self.items == 1 else f"{self.items} items"
        keyed = f", {len(self.reversed)} reversed" if self.reversed else ""
        low, high = score_range(self, None if self.total else next(iter(self.subscales)))
        parts = f" and {len(self.subscales)} subscales" if self.total and self.subscales else ""
        what = f"score{parts}" if self.total else f"{len(self.subscales)} subscales, no total,"
        better = "higher" if self.higher_is_better else "lower"
        return (
            f"{self.name}: {items} from {self.low:g} to {self.high:g}{keyed}; "
            f"{what} {low:g} to {high:g}, {better} is better; missing: {rule_text(self)}"
        )


def _check(scale: Scale) -> None:
    """Refuse a questionnaire that contradicts itself."""

    def refuse(problem: str) -> None:
        raise ArgumentError(f"Scale {scale.name!r}: {problem}")

    def positions(what: str, at: Iterable[object]) -> None:
        found = list(at)
        wrong = [each for each in found if isinstance(each, bool) or each not in range(1, scale.items + 1)]
        if wrong or len(set(found)) < len(found):
            refuse(f"{what} names positions 1 to {scale.items}, each once; got {found}.")

    if not isinstance(scale.name, str) or not scale.name or scale.name in OWN_COLUMNS:
        refuse(f"a scale has a name, other than {listed(OWN_COLUMNS)}.")
    if isinstance(scale.items, bool) or not isinstance(scale.items, int) or scale.items < 1:
        refuse(f"items is the number of questions, 1 or more; got {scale.items!r}.")
    positions("reversed", scale.reversed)
    positions("own_ranges", scale.own_ranges)
    positions("concepts", scale.concepts)
    for name, at in scale.subscales.items():
        positions(f"subscale {name!r}", at)
        if not at or not isinstance(name, str) or name in (scale.name, *OWN_COLUMNS):
            refuse(f"subscale {name!r} needs questions, and a name other than {listed((scale.name, *OWN_COLUMNS))}.")
    if not scale.total and not scale.subscales:
        refuse("without a total there must be subscales.")
    ranges = [(scale.low, scale.high), *((low, high) for low, high, _ in scale.own_ranges.values())]
    for low, high in [*ranges, *([scale.to] if scale.to else [])]:
        if not (isfinite(low) and isfinite(high) and low < high):
            refuse(f"a range goes from a lower to a higher number; got {low:g} to {high:g}.")
    if any(not 0 < factor < float("inf") for _, _, factor in scale.own_ranges.values()):
        refuse("the factor of a question with a range of its own is above 0.")
    if scale.weights and (len(scale.weights) != scale.items or not all(0 < w < float("inf") for w in scale.weights)):
        refuse(f"weights are {scale.items} numbers above 0, one per question; got {scale.weights}.")
    if scale.labels and len(scale.labels) != scale.items:
        refuse(f"{len(scale.labels)} labels for {scale.items} questions.")
    if scale.missing not in ("refuse", "mean", "centre"):
        refuse(f"missing is 'refuse', 'mean' or 'centre'; got {scale.missing!r}.")
    if scale.min_valid is not None:
        if scale.missing == "refuse":
            refuse("min_valid goes with missing='mean' or 'centre'; 'refuse' needs every answer.")
        if scale.min_valid not in range(1, scale.items + 1):
            refuse(f"min_valid is 1 to {scale.items}; got {scale.min_valid!r}.")


def parts(scale: Scale) -> dict[str, tuple[int, ...]]:
    """Every score of a scale and the positions of its questions: the total first, then the subscales."""
    whole = {scale.name: tuple(range(1, scale.items + 1))} if scale.total else {}
    return whole | dict(scale.subscales)


def needed(scale: Scale, k: int) -> int:
    """Answers that a score over k questions needs."""
    if scale.missing == "refuse":
        return k
    return min(k, ceil(k / 2) if scale.min_valid is None else scale.min_valid)


def rule_text(scale: Scale) -> str:
    """The missing rule in words."""
    if scale.missing == "refuse":
        return "refuse"
    least = "half" if scale.min_valid is None else f"{scale.min_valid}"
    what = "mean of answered" if scale.missing == "mean" else "centre value"
    return f"{what}, at least {least}"


def label(scale: Scale, position: int) -> str:
    """Short name of a question."""
    return scale.labels[position - 1] if scale.labels else f"item {position}"


def answer_range(scale: Scale, position: int) -> tuple[float, float, float]:
    """Lowest and highest answer to a question, and what its answer is multiplied by."""
    return scale.own_ranges.get(position, (scale.low, scale.high, 1.0))


def value_range(scale: Scale, position: int) -> tuple[float, float]:
    """What the lowest and the highest keyed answer to a question are worth."""
    low, high, factor = answer_range(scale, position)
    return (low * factor, high * factor) if scale.to is None else scale.to


def score_range(scale: Scale, name: str | None = None) -> tuple[float, float]:
    """Lowest and highest value that a score can take.

    Σ w·low / Σ w and Σ w·high / Σ w over the questions of the score.

    Args:
        scale: a questionnaire.
        name: the scale's name or one of its subscales; None is the total.

    Returns:
        (lowest, highest), of complete sheets.

    Raises:
        ArgumentError: there is no such score.

    Source and checks: see `Scale`.

    >>> from cxuxlib import scales
    >>> scales.score_range(scales.SUPR_Q), scales.score_range(scales.UEQ, "novelty")
    ((0.875, 5.0), (-3.0, 3.0))
    """
    there = parts(scale)
    name = scale.name if name is None else name
    if name not in there:
        raise ArgumentError(unknown(f"score of {scale.name}", name, there))
    at = there[name]
    w = [scale.weights[position - 1] if scale.weights else 1.0 for position in at]
    ends = zip(*(value_range(scale, position) for position in at), strict=True)
    low, high = (sum(a * b for a, b in zip(w, end, strict=True)) / sum(w) for end in ends)
    return low, high


def overlap(a: Scale, b: Scale) -> pd.DataFrame:
    """List the questions that two questionnaires share.

    A relation between scores that hold the same question is partly a relation of that question with itself: SUPR-Q's
    loyalty holds the question behind NPS, so SUPR-Q "predicts" NPS by construction.

    Args:
        a: a questionnaire; its ``concepts`` say what its questions ask about.
        b: another one.

    Returns:
        One row per pair of questions with the same concept: concept, a, b (labels), a_position, b_position; no rows
        where none is known to be shared.

    Raises:
        ArgumentError: not a scale.

    Source: Podsakoff et al. 2003, doi:10.1037/0021-9010.88.5.879 (common method). Checked against: the published items.

    >>> from cxuxlib import scales
    >>> scales.overlap(scales.SUPR_Q, scales.LTR)[["concept", "a_position", "b_position"]]
              concept  a_position  b_position
    0  recommend 0-10           5           1
    """
    for each in (a, b):
        if not isinstance(each, Scale):
            raise ArgumentError(f"overlap compares two scales, such as scales.SUS; got {type(each).__name__}.")
    rows = [
        (concept, label(a, i), label(b, j), i, j)
        for i, concept in sorted(a.concepts.items())
        for j, other in sorted(b.concepts.items())
        if concept == other
    ]
    return pd.DataFrame(rows, columns=["concept", "a", "b", "a_position", "b_position"])
