"""What the data are: a column's meaning, a metric's definition, a study as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Literal

from cxuxlib.errors import DataError, unknown
from cxuxlib.results import Moments


@dataclass(frozen=True, slots=True)
class Metric:
    """The definition of a metric: what a row says, which answers are valid, what is better.

    Args:
        name: shown in results.
        column: the column that holds the answers.
        kind: "proportion" (score 0 or 1), "nps" (score -100, 0 or 100) or "mean".
        low, high: the valid range; anything else in the data is an error, never a score.
        scores: (from, to, score) for answers that are recoded; empty where the answer is the score.
        higher_is_better: the direction.
        construct: what it measures.
        source: who defined it.
    """

    name: str
    column: str
    kind: Literal["proportion", "nps", "mean"]
    low: float
    high: float
    scores: tuple[tuple[float, float, float], ...] = ()
    higher_is_better: bool = True
    construct: str = ""
    source: str = ""


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
    """

    name: str
    tables: Mapping[str, Any]
    columns: tuple[Column, ...]
    source: str
    truth: Mapping[str, float] | None = field(default=None)

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
