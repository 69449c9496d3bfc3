"""A study on trial: its constructs, its answer sheets and its measurement model, each read once for all claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxuxlib.claims.measuring import Measured, Table, measured, measured_moments
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.frames import answers
from cxuxlib.results import Moments
from cxuxlib.study import Study, families, names, pooled

Found = TypeVar("Found")

UNITS = "units that gave these answers"
GLOBAL_ITEMS = 3  # fewer overall items cannot tell what is CX from what is error in one item
_TAKEN = ("UX", "service", "CX", "loyalty")  # names of constructs, which a facet may not have
_LONG = 10  # items on scales of one range, from which one and the same answer to all of them is no accident
_CARELESS = 0.05  # share of such sheets beyond which agreement and carelessness cannot be told apart


class Sheets(NamedTuple):
    """Distinct answer sheets.

    Args:
        items: columns.
        x: answers, NaN where missing, shape (m, p).
        n: units that gave them, shape (m,).
        n_missing: units without any answer.
        straight: units whose answers are all the same, and inside the scale.
        left_out: whether these are left out of ``x``.
    """

    items: tuple[str, ...]
    x: NDArray[np.float64]
    n: NDArray[np.float64]
    n_missing: int
    straight: int
    left_out: bool


class Way(NamedTuple):
    """Choices that an analyst may make otherwise.

    Args:
        answers: "ordered" where they are such, or "numbers" always.
        sheets: "all", each pair of items with what is there, or "complete" ones only.
        straight: sheets of one and the same answer: "left out" where they are few, or "kept".
    """

    answers: Literal["ordered", "numbers"] = "ordered"
    sheets: Literal["all", "complete"] = "all"
    straight: Literal["left out", "kept"] = "left out"


class Case:
    """What all claims ask of one study, computed when it is first asked for."""

    def __init__(self, study: Study, way: Way = Way()) -> None:  # noqa: B008  nothing changes it
        self.study = study
        self.way = way
        self._known: dict[str, Any] = {}

    def once(self, name: str, compute: Callable[[], Found]) -> Found:
        """What something computes, the first time it is asked for."""
        if name not in self._known:
            self._known[name] = compute()
        found: Found = self._known[name]
        return found

    @cached_property
    def facets(self) -> dict[str, list[str]]:
        """The facets with their items: UX and service by their construct, the others by their facet."""
        found: dict[str, list[str]] = {}
        for column in self.study.columns:
            if column.role == "item" and column.construct in ("UX", "service"):
                found.setdefault(column.construct, []).append(column.name)
            elif column.role == "item" and column.construct == "other facet":
                name = f"facet {column.facet}" if column.facet in _TAKEN else column.facet or "other"
                found.setdefault(name, []).append(column.name)
        order = ["UX", *(each for each in found if each != "UX")]
        return {name: found[name] for name in order if name in found}

    @cached_property
    def cx(self) -> list[str]:
        """Overall items."""
        return names(self.study, role="cx")

    @cached_property
    def loyalty(self) -> list[str]:
        """Items on loyalty."""
        return names(self.study, role="loyalty")

    @cached_property
    def blocks(self) -> dict[str, list[str]]:
        """Constructs that can be measured: facets of two items or more, CX of three, loyalty."""
        found = {name: items for name, items in self.facets.items() if len(items) > 1}
        if len(self.cx) >= GLOBAL_ITEMS:
            found["CX"] = self.cx
        if self.loyalty:
            found["loyalty"] = self.loyalty
        return found

    @cached_property
    def sheets(self) -> Sheets | None:
        """Answers to all items, by default without sheets of one answer; None where only moments are shipped."""
        if "answers" not in self.study.tables:
            return None
        items = [*(item for each in self.facets.values() for item in each), *self.cx, *self.loyalty]
        found = answers(self.study.tables["answers"], list(dict.fromkeys(items)), least=1)
        straight, left_out = self.straight(tuple(dict.fromkeys(items)), found.x, found.n)
        many = int(found.n[straight].sum())
        keep = ~straight if left_out else np.ones(len(straight), dtype=bool)
        lost = found.n_missing
        if self.way.sheets == "complete":
            part = np.isnan(found.x).any(axis=1)
            lost += int(found.n[keep & part].sum())
            keep &= ~part
        return Sheets(tuple(dict.fromkeys(items)), found.x[keep], found.n[keep], lost, many, left_out)

    def straight(
        self, items: tuple[str, ...], x: NDArray[np.float64], n: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], bool]:
        """Sheets of one answer to all of many items, and whether they are left out, for they are few."""
        found = _straight(x, n, self._ranges(items, x))
        few = 0 < n[found].sum() <= _CARELESS * n.sum()
        return found, bool(few and self.way.straight == "left out")

    def _ranges(self, items: tuple[str, ...], x: NDArray[np.float64]) -> list[tuple[float, float]]:
        """The range of each item: from the dictionary, else what was answered."""
        known = {column.name: (column.low, column.high) for column in self.study.columns}
        found = []
        for name, column in zip(items, x.T, strict=True):
            low, high = known[name]
            there = column[~np.isnan(column)]
            seen = (there.min(), there.max()) if len(there) else (0.0, 0.0)
            found.append((seen[0] if low is None else low, seen[1] if high is None else high))
        return found

    def rows(self, items: list[str]) -> Any:
        """These columns as a frame with frequencies (column `UNITS`), or moments that hold them."""
        if self.sheets is None:
            return self.moments(items)
        frame = pd.DataFrame(self.table(items).x, columns=items)
        frame[UNITS] = self.sheets.n
        return frame

    def moments(self, items: list[str]) -> Moments:
        """The pooled moments that hold these columns."""
        holding = {
            family: len(tables[0].names)
            for family, tables in families(self.study).items()
            if set(items) <= set(tables[0].names)
        }
        if not holding:
            raise NotAnswerable(f"The study has neither rows nor moments that hold all of {listed(items)}.")
        return pooled(self.study, min(holding, key=holding.__getitem__))

    @cached_property
    def measured(self) -> Measured:
        """The measurement model of all constructs together."""
        items = [item for block in self.blocks.values() for item in block]
        if self.sheets is None:
            return measured_moments(self.moments(items), self.blocks)
        found = measured(self.table(items), self.blocks)
        return replace(found, n_missing=found.n_missing + self.sheets.n_missing)

    def table(self, items: Sequence[str]) -> Table:
        """The answer sheets in these columns."""
        assert self.sheets is not None
        at = [self.sheets.items.index(item) for item in items]
        return Table(tuple(items), self.sheets.x[:, at], self.sheets.n, self.way.answers == "numbers")


def _straight(x: NDArray[np.float64], n: NDArray[np.float64], ranges: list[tuple[float, float]]) -> NDArray[np.bool_]:
    """Sheets with one answer to all of many items of one range.

    An end of the range counts only where no more give it than the commonest answer between: more may well mean it.
    """
    found = np.zeros(len(x), dtype=bool)
    for low, high in dict.fromkeys(ranges):
        part = x[:, [each == (low, high) for each in ranges]]
        if part.shape[1] < _LONG:
            continue
        least, most = np.fmin.reduce(part, axis=1), np.fmax.reduce(part, axis=1)
        same = ((~np.isnan(part)).sum(axis=1) >= _LONG) & (least == most)
        between = same & (least > low) & (most < high)
        _, of = np.unique(least[between], return_inverse=True)
        usual = np.bincount(of, n[between]).max(initial=0.0)
        for end in (low, high):
            at = same & (least == end)
            found |= at & (n[at].sum() <= usual)
        found |= between
    return found
