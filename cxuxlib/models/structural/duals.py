"""Numbers that carry their derivatives: what formulas of parameters are computed with."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """A value and its gradient.

    Args:
        value: the value.
        slope: its derivative in the parameters.

    >>> a = Dual(3.0, np.array([1.0, 0.0]))
    >>> b = Dual(2.0, np.array([0.0, 1.0]))
    >>> (a * b / 2).value, (a * b / 2).slope
    (3.0, array([1. , 1.5]))
    """

    value: float
    slope: np.ndarray

    def __add__(self, other: Dual | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    __radd__ = __add__

    def __mul__(self, other: Dual | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.slope * other.value + other.slope * self.value)
        return Dual(self.value * other, self.slope * other)

    __rmul__ = __mul__

    def __sub__(self, other: Dual | float) -> Dual:
        return self + other * -1.0

    def __rsub__(self, other: float) -> Dual:
        return self * -1.0 + other

    def __truediv__(self, other: Dual | float) -> Dual:
        return self * (other**-1.0)

    def __rtruediv__(self, other: float) -> Dual:
        return self**-1.0 * other

    def __pow__(self, power: Dual | float) -> Dual:
        if isinstance(power, Dual):
            return (power * self.log()).exp()
        return Dual(self.value**power, power * self.value ** (power - 1) * self.slope)

    def __rpow__(self, base: float) -> Dual:
        return (self * log(base)).exp()

    def exp(self) -> Dual:
        """The exponential."""
        found = float(np.exp(self.value))
        return Dual(found, found * self.slope)

    def log(self) -> Dual:
        """The natural logarithm."""
        return Dual(log(self.value), self.slope / self.value)

    def sqrt(self) -> Dual:
        """The square root."""
        found = sqrt(self.value)
        return Dual(found, self.slope / (2 * found))
