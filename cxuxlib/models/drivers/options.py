"""What can be asked of key drivers beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.stats.ordinal import LINK_VARIANCE, Link

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
_OUTCOMES = ("linear", "latent", "deviance")
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
            where it can be had, else normal. The delta method's 95% intervals cover 93.5 to 96.6% (LMG, shares from
            .01, n from 300), Johnson's of shares below .02 of few answers 92% (the bootstrap's 98%); see
            benchmarks/drivers_coverage.csv. They fall short where strong weights go with the outcome (effective n of
            91: 87 to 90%), and where a rare answer leaves little to tell (11 of 500 say yes: 86 to 93%).
        replications: resamples of the bootstrap.
        rng: seed or generator of the bootstrap.
        outcome_as: what of the outcome is divided. "linear": its variance. "latent": that of the latent answer behind
            an ordered or yes-or-no outcome, by one regression on all columns, so that R² is McKelvey and Zavoina's
            (`latent_drivers` is about something else: the measurement error of drivers).
            "deviance": McFadden's R², a regression on each subset of the players, up to 4,096 of them (12 drivers);
            LMG and Owen shares only. The last two take complete rows or counts, and robust intervals.
        link: of these regressions, "logit" or "probit".

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
    outcome_as: Literal["linear", "latent", "deviance"] = "linear"
    link: Link = "logit"

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
        if not isinstance(self.outcome_as, str) or self.outcome_as not in _OUTCOMES:
            raise ArgumentError(unknown("outcome_as", self.outcome_as, _OUTCOMES))
        if not isinstance(self.link, str) or self.link not in LINK_VARIANCE:
            raise ArgumentError(unknown("link", self.link, LINK_VARIANCE))
        self._refuse_together()

    def _refuse_together(self) -> None:
        """Refuse what does not go together."""
        if self.outcome_as == "linear":
            if self.link != "logit":
                raise ArgumentError(f"A linear outcome has no link; {self.link!r} goes with outcome_as='latent'.")
            return
        if self.missing == "pairwise":
            raise ArgumentError(
                f"outcome_as={self.outcome_as!r} fits a regression, which needs complete rows; pairwise goes with "
                "correlations, outcome_as='linear'."
            )
        if self.interval == "normal":
            raise ArgumentError(
                "Normal theory is of a linear outcome: categories are not normal. Leave interval out for robust ones."
            )
        if self.outcome_as == "deviance" and self.interval == "bootstrap":
            raise ArgumentError(
                "Every resample would fit every subset of the drivers again; leave interval out: the delta method "
                "needs no fit of its own. outcome_as='latent' can be bootstrapped."
            )
        if self.outcome_as == "deviance" and self.method not in ("lmg", "owen"):
            raise ArgumentError(
                "Johnson and Pratt shares are made of correlations with the outcome, which a deviance has not; take "
                f"'lmg' or 'owen', or outcome_as='latent', instead of {self.method!r}."
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of share that the method gives, its own first."""
        return METHODS[self.method]
