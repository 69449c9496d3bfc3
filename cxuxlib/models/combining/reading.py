"""Rows or counts as what cross-validation takes: distinct answers, dealt into folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed
from cxuxlib.frames import cells
from cxuxlib.frames.reading import check_roles
from cxuxlib.models.combining.spans import Columns, spans
from cxuxlib.models.regression import outcomes
from cxuxlib.models.regression.designs import plan
from cxuxlib.stats import held_out

__all__ = ["Folds"]


@dataclass(frozen=True, slots=True)
class Folds:
    """How `combination` leaves out answers.

    Args:
        k: number of parts, each of which is left out once.
        rng: seed or generator of who is in which part.

    >>> Folds(5, rng=1)
    Folds(k=5, rng=1)
    """

    k: int = 10
    rng: int | np.random.Generator = 0

    def __post_init__(self) -> None:
        if not isinstance(self.k, int) or isinstance(self.k, bool) or self.k < 2:
            raise ArgumentError(f"The number of folds is a whole number, 2 or more; got {self.k!r}.")
        if not isinstance(self.rng, int | np.integer | np.random.Generator):
            raise ArgumentError(f"rng is a whole number or a numpy Generator; got {self.rng!r}.")


class Read(NamedTuple):
    """Answers to be foretold.

    Args:
        x: distinct answers to the experiences, each from 0 to 1 on its scale, shape (m, p).
        middle: of the scales, from 0 to 1, shape (p,).
        y: place of the outcome's category, shape (m,).
        folds: who is left out when.
        n: units; n_missing: left out as incomplete; n_weightless: left out as of no weight.
        notes: what was done to the data.
    """

    x: np.ndarray
    middle: np.ndarray
    y: np.ndarray
    folds: held_out.Folds
    n: int
    n_missing: int
    n_weightless: int
    notes: list[str]


def read(
    data: Any,
    columns: tuple[str, Columns],
    *,
    unit: str | EllipsisType | None,
    weight: str | None,
    frequency: str | None,
    folds: Folds,
) -> Read:
    """Read outcome and experiences, in an order that does not hang on the engine."""
    outcome, experiences = columns
    names = [outcome, *experiences]
    check_roles(data, weight, frequency, unit)
    for what, name in {"unit": unit, "weight": weight, "frequency": frequency}.items():
        if name in names:
            raise ArgumentError(f"{name!r} is the {what}, and stands among outcome and experiences.")
    # A cell per weight as well, so that each of its units weighs the same and can be dealt.
    kept = [*names, weight] if weight else names
    found = cells(data, kept, unit=unit, weight=weight, frequency=frequency)
    n_units = round(found.n.sum()) - found.n_weightless
    if n_units < folds.k:
        raise SampleError(
            f"{n_units} complete rows in {listed(names)} for {folds.k} folds; there must be one for each."
        )
    weighs = np.flatnonzero(found.w > 0)
    table = found.table.iloc[weighs]
    scales = spans(experiences, table, "experiences")
    answered = outcomes.ordered(plan(f"`{outcome}` ~ 1"), table[[outcome]])
    low, middle, high = np.array(list(scales.values())).T
    x = (table[list(experiences)].to_numpy(dtype=float) - low) / (high - low)
    unit_weight = (found.w / np.where(found.n > 0, found.n, 1.0))[weighs]
    unit_weight = unit_weight * n_units / found.w.sum()
    order = np.lexsort((unit_weight, *x.T[::-1], answered.y))
    rng = np.random.default_rng(folds.rng)
    if found.clusters is None:
        dealt = held_out.by_unit(np.rint(found.n[weighs][order]), unit_weight[order], folds.k, rng)
    else:
        if found.clusters.n < folds.k:
            raise SampleError(f"{found.clusters.n} different {unit!r} for {folds.k} folds; there must be one for each.")
        place = np.zeros(len(found.w), dtype=np.int64)
        place[weighs[order]] = np.arange(len(order))
        w = np.ones(len(found.clusters.cell)) if found.clusters.w is None else found.clusters.w
        cell = place[found.clusters.cell]
        dealt = held_out.by_cluster(cell, found.clusters.code, w * n_units / found.w.sum(), len(order), folds.k, rng)
    y, notes = _joined(answered.y[order], answered.labels, dealt)
    scale = "given" if isinstance(experiences, Mapping) else "as answered"
    notes.insert(0, f"scales {scale}: " + ", ".join(f"{name} {span}" for name, span in scales.items()))
    return Read(x[order], (middle - low) / (high - low), y, dealt, n_units, found.n_missing, found.n_weightless, notes)


def _joined(y: np.ndarray, labels: tuple[Any, ...], folds: held_out.Folds) -> tuple[np.ndarray, list[str]]:
    """Categories that one fold alone holds, joined with a neighbour: nothing outside the fold could foretell them."""
    parts = [[label] for label in labels]
    while True:
        holds = np.array([np.bincount(y, weights=w, minlength=len(parts)) > 0 for w in folds.w]).sum(axis=0)
        if holds.min() > 1:
            break
        if len(parts) == 2:
            raise ModelError(f"Only one fold has answers {listed(parts[int(holds.argmin())])}; take fewer folds.")
        at = max(int(holds.argmin()), 1)
        parts[at - 1 : at + 1] = [parts[at - 1] + parts[at]]
        y = np.where(y >= at, y - 1, y)
    together = [" and ".join(map(str, each)) for each in parts if len(each) > 1]
    return y, [f"answers {each} taken as one, for too few gave one of them" for each in together]
