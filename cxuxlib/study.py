"""What the data are: a column's meaning, a metric's definition, a study as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from math import inf
from typing import Any, Literal

from cxuxlib.errors import ArgumentError, DataError, unknown
from cxuxlib.results import Moments


@dataclass(frozen=True, slots=True)
class Answer:
    """What a metric reads from one column, and what is valid there.

    Args:
        column: the column.
        low, high: the valid range; anything else in the data is an error, never a score.
        whole: only whole numbers are valid.
    """

    column: str
    low: float
    high: float
    whole: bool = True

    @property
    def span(self) -> str:
        """The valid range in words."""
        kind = "whole numbers" if self.whole else "numbers"
        if 0 < self.low < 1e-300:  # the least float stands for all that is above 0
            return f"{kind} above 0" + (f", up to {self.high:g}" if self.high < inf else "")
        return f"{kind} {self.low:g} " + (f"to {self.high:g}" if self.high < inf else "or more")


Interval = Literal["", "adjusted", "wald", "score", "wilson", "exact"]
INTERVALS = {"proportion": ("adjusted", "wilson", "exact", "wald"), "nps": ("adjusted", "score", "wald")}
SINGLE_ANSWERS = ("score", "wilson", "exact")  # intervals of one unweighted answer per unit


@dataclass(frozen=True, slots=True)
class Metric:
    """The definition of a metric: a ratio of sums, Σ score / Σ per, and which answers are valid.

    Args:
        name: shown in results.
        answers: name in the formulas, and the `Answer` it stands for.
        score: what a row adds to the numerator, a formula such as "100 * (x >= 9) - 100 * (x <= 6)". It may use
            + - * / **, comparisons (1 or 0), sqrt and log.
        kind: "proportion" (of 0 and 1), "nps" (of -100, 0 and 100) or "mean".
        low, high: range of the metric.
        per: what a row adds to the denominator, a formula; 1 for a mean over rows.
        where: rows that count, a formula; the others are left out by definition and are not missing.
        link: "exp" where scores are logarithms, so that the metric is a geometric mean.
        unit: unit of measurement.
        once: a unit counts once, with 1 if any of its rows scores (a visitor who converts in one of three sessions).
            A row whose answer is missing says nothing then: with a 0 beside it the unit counts as 0.
        interval: how `measure` makes the interval of a proportion ("adjusted", "wilson", "exact" or "wald") or of an
            NPS ("adjusted", "score" or "wald"); "" is adjusted Wald, and Student's t for a mean, which has no choice.
        higher_is_better: the direction; None where there is none.
        construct: what it measures.
        source: who defined it.
    """

    name: str
    answers: tuple[tuple[str, Answer], ...]
    score: str
    kind: Literal["proportion", "nps", "mean"]
    low: float
    high: float
    per: str = "1"
    where: str = ""
    link: Literal["identity", "exp"] = "identity"
    unit: str = ""
    once: bool = False
    interval: Interval = ""
    higher_is_better: bool | None = True
    construct: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.answers:
            raise ArgumentError(f"{self.name} reads no column: name at least one Answer.")
        ways = INTERVALS.get(self.kind)
        if self.interval != "" and ways is None:
            raise ArgumentError(f"{self.name} is a mean: it gets Student's t, so leave out interval={self.interval!r}.")
        if self.interval != "" and ways is not None and self.interval not in ways:
            raise ArgumentError(f"{self.name}: {unknown('interval', self.interval, ways)}")
        if self.interval in SINGLE_ANSWERS and self.per != "1":
            raise ArgumentError(
                f"{self.name}: the {self.interval!r} interval is of answers that count 1, not of sums per "
                f"{self.per!r}; take 'adjusted' or 'wald'."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the metric reads."""
        return tuple(answer.column for _, answer in self.answers)


@dataclass(frozen=True, slots=True)
class Column:
    """One line of the data dictionary.

    Args:
        name: column name in the tables.
        description: the question, or what is stored.
        role: "unit", "wave", "weight", "item" (a rating of one touchpoint), "rating" (one that is kept but
            not modelled), "cx" (a rating of the whole), "loyalty", "event" or "about".
        construct: "UX", "service", "other facet", "CX", "loyalty", or "" where none is meant.
        facet: the group of touchpoints an item belongs to.
        low, high: valid range of the answers.
        unit: unit of measurement.
    """

    name: str
    description: str
    role: str
    construct: str = ""
    facet: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The data of one analysis with its dictionary.

    Args:
        name: short name.
        tables: DataFrames and `Moments` by name. ``answers`` has one row per unit; ``moments`` has
            the moments of complete answers where the rows cannot be shipped.
        columns: the data dictionary.
        source: where the data come from.
        truth: what is true, when the study is simulated.
        claims: bounds that were set before the data were seen, such as ``{"A0 distinct": {"bound": 0.85}}``.
    """

    name: str
    tables: Mapping[str, Any]
    columns: tuple[Column, ...]
    source: str
    truth: Mapping[str, float] | None = field(default=None)
    claims: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        tables = [f"{name} ({len(each):,} rows)" for name, each in self.tables.items() if hasattr(each, "columns")]
        parts = {family: len(moments) for family, moments in families(self).items()}
        tables += [f"{family} ({many} parts)" if many > 1 else family for family, many in parts.items()]
        return f"Study {self.name!r}: {', '.join(tables)}; {len(self.columns)} columns described. Source: {self.source}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def names(study: Study, *, role: str | None = None, construct: str | None = None) -> list[str]:
    """Names of the columns of a study with this role and construct, in dictionary order."""
    return [
        column.name
        for column in study.columns
        if (role is None or column.role == role) and (construct is None or column.construct == construct)
    ]


def first_sheets(surveys: Any) -> Any:
    """The answer sheets of the first wave, one row per unit, from a pandas table with one row per unit and wave."""
    first = surveys[surveys["wave"] == surveys["wave"].min()]
    return first.drop(columns=["wave", "responded"], errors="ignore").reset_index(drop=True)


def families(study: Study) -> dict[str, list[Moments]]:
    """The tables of moments by family: "moments/WHAT" from "moments/WHAT/PART" (a year, say) or "moments/WHAT"."""
    found: dict[str, list[Moments]] = {}
    for key, table in study.tables.items():
        if isinstance(table, Moments):
            found.setdefault("/".join(key.split("/")[:2]), []).append(table)
    return found


def pooled(study: Study, family: str) -> Moments:
    """Add up the moments of a family, such as "moments/overall" over its years."""
    there = families(study)
    if family not in there:
        raise DataError(unknown("family of moments", family, there))
    first, *others = there[family]
    total: Moments = sum(others, first)
    fourth = study.tables.get(family.replace("moments/", "fourth/", 1))
    return total if fourth is None else replace(total, fourth=fourth)
