"""What a computation gives back: one number, a fitted model, the moments of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, unknown


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number and how sure we are of it.

    Args:
        value: the estimate, in the units of its metric.
        low, high: ends of the confidence interval, NaN where none exists (``method`` says why).
        n: number of units (customers, respondents), not rows.
        method: how the interval was made.
        level: confidence level, 0 to 1.
        name: what was estimated.
        n_missing: rows left out because the answer is missing.

    >>> Estimate(34.2, 28.1, 40.3, 412, "adjusted Wald", name="NPS")
    NPS = 34.2, 95% CI [28.1, 40.3], n = 412 (adjusted Wald)
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float = 0.95
    name: str = "estimate"
    n_missing: int = 0

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "level"):
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("n", "n_missing"):
            object.__setattr__(self, name, int(getattr(self, name)))

    def __repr__(self) -> str:
        places = text.decimals(self.low, self.high)
        missing = f", {self.n_missing:,} missing" if self.n_missing else ""
        return (
            f"{self.name} = {text.number(self.value, places)}, {text.percent(self.level)} CI "
            f"{text.interval(self.low, self.high, places)}, n = {self.n:,}{missing} ({self.method})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


@dataclass(frozen=True, slots=True, repr=False)
class Fit:
    """A fitted model.

    Args:
        model: the model's name.
        formula: what was modelled on what.
        terms: tidy table with columns term, kind, value, std_error, low, high, p.
        quality: named figures of the whole fit; ``n`` counts units.
        raw: the full numerical result, the way out to what the table leaves aside.
        level: confidence level of the intervals.
        method: how the intervals were made.
    """

    model: str
    formula: str
    terms: pd.DataFrame
    quality: Mapping[str, float]
    raw: Any = field(default=None)
    level: float = 0.95
    method: str = ""

    def estimate(self, term: str, kind: str | None = None) -> Estimate:
        """One term as an `Estimate`; ``kind`` is needed where a term has several."""
        found = self.terms[self.terms["term"] == term]
        if found.empty:
            raise ArgumentError(unknown("term", term, dict.fromkeys(self.terms["term"])))
        kinds = list(found["kind"])
        if kind is None:
            kind = kinds[0]
        elif kind not in kinds:
            raise ArgumentError(unknown(f"kind of {term!r}", kind, kinds))
        row = found[found["kind"] == kind].iloc[0]
        return Estimate(
            row["value"], row["low"], row["high"], int(self.quality["n"]), self.method, self.level,
            f"{term} ({kind})", int(self.quality.get("n_missing", 0)),
        )  # fmt: skip

    def __repr__(self) -> str:
        figures = ", ".join(
            f"{name} = {int(value):,}" if float(value).is_integer() else f"{name} = {value:.4g}"
            for name, value in self.quality.items()
        )
        _, fault, rest = self.method.partition("; IMPROPER")
        return f"{self.model}: {self.formula}; {figures}{fault}{rest}"

    def _repr_html_(self) -> str:
        shown = self.terms.copy()
        for name in shown.select_dtypes("number").columns:
            shown[name] = [text.number(float(each), 4) for each in shown[name]]
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False, border=0)}"


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Size, means and covariances of a table.

    Args:
        n: number of units.
        names: column names, in the order of the arrays.
        means: shape (p,).
        covariance: shape (p, p), divisor n - 1, with weights of mean 1.
        n_missing: units left out because an answer was missing.
        fourth: asymptotic covariance (times n) of the correlations, pairs in row order, shape (q, q) with
            q = p(p - 1)/2; with it intervals hold whatever the distribution, without it they need normality.
        sizes: sum of the sampling weights and of their squares; None without weights.
        pairs: units that answered both of a pair of columns, shape (p, p); None where rows are complete.

    Two disjoint samples of complete rows add up to the moments of both together, without ``fourth`` (Chan, Golub &
    LeVeque 1983, doi:10.1080/00031305.1983.10483115).

    >>> a = Moments(2, ("x",), np.array([1.5]), np.array([[0.5]]))
    >>> b = Moments(2, ("x",), np.array([3.5]), np.array([[0.5]]))
    >>> (a + b).means[0], round((a + b).covariance[0, 0], 6)
    (np.float64(2.5), np.float64(1.666667))
    """

    n: int
    names: tuple[str, ...]
    means: np.ndarray
    covariance: np.ndarray
    n_missing: int = 0
    fourth: np.ndarray | None = None
    sizes: tuple[float, float] | None = None
    pairs: np.ndarray | None = None

    @property
    def effective_n(self) -> float:
        """(Σw)²/Σw², equal to n without weights."""
        return float(self.n) if self.sizes is None else self.sizes[0] ** 2 / self.sizes[1]

    def __add__(self, other: Moments) -> Moments:
        if self.names != other.names:
            raise ArgumentError(f"These moments are of different columns: {self.names} and {other.names}.")
        if self.pairs is not None or other.pairs is not None:
            raise ArgumentError("Pairwise moments are each of other units and do not add up; take complete rows.")
        if (self.sizes is None) != (other.sizes is None):
            raise ArgumentError("Only one of these moments has weights; give the other weights of 1.")
        mine, theirs = (self.sizes or (self.n, 0.0)), (other.sizes or (other.n, 0.0))
        n, total = self.n + other.n, mine[0] + theirs[0]
        gap = other.means - self.means
        scatter = sum(w * (each.n - 1) / each.n * each.covariance for w, each in ((mine[0], self), (theirs[0], other)))
        scatter = scatter + np.outer(gap, gap) * mine[0] * theirs[0] / total
        means = self.means + gap * theirs[0] / total
        sizes = None if self.sizes is None else (total, mine[1] + theirs[1])
        missing = self.n_missing + other.n_missing
        return Moments(n, self.names, means, scatter / total * n / (n - 1), missing, sizes=sizes)

    def __repr__(self) -> str:
        left_out = "pairwise, without any answer" if self.pairs is not None else "left out as incomplete"
        return f"Moments of {len(self.names)} columns, n = {self.n:,} ({self.n_missing:,} {left_out})"
