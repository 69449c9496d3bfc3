"""What can be asked of a panel model beyond the plain question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cxuxlib.errors import ArgumentError

__all__ = ["PanelOptions"]


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """How a cross-lagged panel model is completed.

    Args:
        equal_lags: the four paths from a wave to the next are the same for all waves, which takes equal distances
            between waves; the test of it stands in the quality of the fit.
        items: "mean" takes the mean of several items as the variable; "latent" lets the items measure it, with equal
            loadings in all waves, and with something that each item keeps of its own from wave to wave.

    >>> PanelOptions(items="latent").equal_lags
    True
    """

    equal_lags: bool = True
    items: Literal["mean", "latent"] = "mean"

    def __post_init__(self) -> None:
        if not isinstance(self.equal_lags, bool):
            raise ArgumentError(f"equal_lags is True or False; got {self.equal_lags!r}.")
        if self.items not in ("mean", "latent"):
            raise ArgumentError(f"items is 'mean' or 'latent'; got {self.items!r}.")
