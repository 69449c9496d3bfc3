"""What can be asked of key drivers beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cxuxlib.errors import ArgumentError, unknown

__all__ = ["DriverOptions", "Method"]

Method = Literal["lmg", "johnson", "owen", "pratt", "all"]
METHODS = {
    "lmg": ("lmg", "alone", "unique"),
    "johnson": ("johnson", "alone", "unique"),
    "owen": ("owen", "alone", "unique"),
    "pratt": ("pratt", "alone", "unique"),
    "all": ("lmg", "johnson", "pratt", "alone", "unique"),
}
_INTERVALS = ("robust", "normal", "bootstrap", "none")
_LEAST = 100  # resamples below which the ends of a 95% interval are the extremes of a handful


@dataclass(frozen=True, slots=True)
class DriverOptions:
    """How `key_drivers` divides, what it holds fixed, and how sure it says it is.

    Args:
        method: "lmg" (Shapley), "johnson" (relative weights), "owen" (needs groups), "pratt", or "all" side by side.
        controls: columns that stay in every model; what they explain is not divided.
        cluster: column that says which rows belong together (a store, a household); intervals are cluster-robust.
        missing: "complete" leaves out units with a missing answer; "pairwise" takes each correlation from the units
            that answered both, which is right where answers are missing completely at random.
        interval: "robust" (distribution-free, needs rows or counts), "normal" (normal theory, also from moments),
            "bootstrap" (resamples counts of distinct rows, or clusters), "none" (shares alone, fastest), None: robust
            where it can be had, else normal. The delta method's intervals hold their level but for shares below .02 of
            few answers (n = 300: 91%), where the bootstrap's hold it (98%); see benchmarks/drivers_coverage.csv.
        replications: resamples of the bootstrap.
        rng: seed or generator of the bootstrap.

    >>> DriverOptions(method="johnson", controls=["age"], interval="bootstrap", rng=1).replications
    1000
    """

    method: Method = "lmg"
    controls: Sequence[str] = ()
    cluster: str | None = None
    missing: Literal["complete", "pairwise"] = "complete"
    interval: Literal["robust", "normal", "bootstrap", "none"] | None = None
    replications: int = 1000
    rng: int | np.random.Generator = 0

    def __post_init__(self) -> None:
        if not isinstance(self.method, str) or self.method not in METHODS:
            raise ArgumentError(unknown("method", self.method, METHODS))
        if isinstance(self.controls, str) or not all(isinstance(each, str) for each in self.controls):
            raise ArgumentError(f"controls is a list of columns; got {self.controls!r}.")
        if self.missing not in ("complete", "pairwise"):
            raise ArgumentError(f"missing is 'complete' or 'pairwise'; got {self.missing!r}.")
        if self.interval is not None and self.interval not in _INTERVALS:
            raise ArgumentError(f"interval is 'robust', 'normal', 'bootstrap', 'none' or None; got {self.interval!r}.")
        if not isinstance(self.replications, int) or self.replications < _LEAST:
            raise ArgumentError(f"replications is a whole number, {_LEAST} or more; got {self.replications!r}.")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of share that the method gives, its own first."""
        return METHODS[self.method]
