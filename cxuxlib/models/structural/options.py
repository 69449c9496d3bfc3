"""What can be asked of a latent model beyond the plain question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.models.structural.table import EQUAL

__all__ = ["LatentOptions"]

Estimator = Literal["ml", "mlm", "mlr", "wlsmv"]
ESTIMATORS = ("ml", "mlm", "mlr", "wlsmv")


@dataclass(frozen=True, slots=True)
class LatentOptions:
    """How a latent model is completed and fitted.

    Args:
        missing: "listwise" leaves out units with a missing answer; "fiml" takes all that was answered into the
            likelihood, which is right where answers are missing at random given the others; "pairwise", with "wlsmv",
            takes each unit into the tables of the items that it answered, which is right where answers are missing
            completely at random.
        std_lv: fix the variances of latent variables to 1 instead of each first loading.
        orthogonal: leave out the covariances of latent variables that nothing explains.
        meanstructure: model the means as well; groups and "fiml" always do.
        information: "expected" or "observed", of the errors (the scaled test of "mlr" always takes the observed one);
            None: expected, but observed with "mlr" and "fiml".
        equal: what is the same in all groups: "loadings", "intercepts", "means", "residuals", "residual_covariances",
            "latent_variances", "latent_covariances", "regressions"; with "wlsmv" "thresholds" in the place of
            "intercepts" and "residuals".
        partial: terms that are not, such as "x1 ~ 1" or "x1|t1".

    >>> LatentOptions(equal=["loadings", "intercepts"]).missing
    'listwise'
    """

    missing: Literal["listwise", "fiml", "pairwise"] = "listwise"
    std_lv: bool = False
    orthogonal: bool = False
    meanstructure: bool = False
    information: Literal["expected", "observed"] | None = None
    equal: Sequence[str] = ()
    partial: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.missing not in ("listwise", "fiml", "pairwise"):
            raise ArgumentError(f"missing is 'listwise', 'fiml' or 'pairwise'; got {self.missing!r}.")
        if self.information not in (None, "expected", "observed"):
            raise ArgumentError(f"information is 'expected', 'observed' or None; got {self.information!r}.")
        for name in ("equal", "partial"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(each, str) for each in value):
                raise ArgumentError(f"{name} is a list of texts; got {value!r}.")
        for each in self.equal:
            if each not in EQUAL:
                raise ArgumentError(unknown("kind of parameter to set equal", each, EQUAL))


def check_options(options: LatentOptions) -> None:
    """Refuse what is no `LatentOptions`."""
    if not isinstance(options, LatentOptions):
        raise ArgumentError(f"options is a LatentOptions; got {options!r:.80}.")
