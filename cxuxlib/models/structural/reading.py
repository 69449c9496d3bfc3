"""Rows, counts or moments become, group by group, what a model is fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, ColumnError, ModelError, SampleError, listed, unknown
from cxuxlib.frames import Answers, answers, answers_by
from cxuxlib.results import Moments
from cxuxlib.stats.sem.normal import Block
from cxuxlib.stats.sem.scores import Answered, products

SINGULAR = 1e-9  # eigenvalue of the correlations below which columns determine each other


@dataclass(frozen=True, eq=False)
class Group:
    """The units of one group.

    Args:
        label: what the group is called; empty where there is one.
        n: units; n_missing: units left out.
        mean, covariance: of complete answers, divisor n; with missing answers None.
        blocks: units by what they answered.
        x, many: distinct rows and how many units gave them; None where only moments are known.
    """

    label: str
    n: int
    n_missing: int
    mean: np.ndarray | None
    covariance: np.ndarray | None
    blocks: tuple[Block, ...]
    x: np.ndarray | None = None
    many: np.ndarray | None = None

    @cached_property
    def answered(self) -> Answered | None:
        """The rows as robust errors want them; None where only moments are known."""
        if self.x is None or self.many is None:
            return None
        if self.mean is None:
            return Answered(self.x, self.many)
        return Answered(self.x, self.many, self.mean, products(self.x, self.many, self.mean))


def read(
    data: Any, names: Sequence[str], causes: Sequence[str], *, group: str | None, frequency: str | None, fiml: bool
) -> list[Group]:
    """Read data into groups, refusing what no model can be fitted on.

    Args:
        data: one row per unit (any engine), counts, `Moments`, or a dict of group to `Moments`.
        names: columns of the model, in its order.
        causes: those whose moments are taken as they are; a unit must have answered them.
        group: column of the groups.
        frequency: column that says how many units a row stands for.
        fiml: whether units with missing answers stay.
    """
    if group is not None and not (isinstance(group, str) and group):
        raise ArgumentError(f"group is the name of a column; got {group!r:.80}.")
    if isinstance(data, Moments):
        if group is not None:
            raise ArgumentError("Moments of several groups come as a dict of group to Moments.")
        data = {"": data}
    if isinstance(data, Mapping) and all(isinstance(each, Moments) for each in data.values()):
        if frequency is not None:
            raise ArgumentError("Moments have their frequencies in them; frequency goes with rows.")
        if not data:
            raise ArgumentError("The dict of Moments is empty.")
        return [_of_moments(str(label), each, names) for label, each in data.items()]
    least = 1 if fiml else None
    if group is None:
        found = {"": answers(data, names, frequency=frequency, least=least)}
        n_none = 0
    else:
        found, n_none = answers_by(data, names, group, frequency=frequency, least=least)
        if len(found) < 2:
            raise SampleError(f"Only {len(found)} group is named in {group!r}; several groups are needed.")
    if not fiml and not any(each.n.sum() for each in found.values()):
        _answered(answers(data, names, frequency=frequency, least=1).x, names, "")
    at = [list(names).index(each) for each in causes]
    groups = [_of_rows(str(label), each, names, at, fiml) for label, each in found.items()]
    if n_none:
        first = groups[0]
        groups[0] = Group(
            first.label,
            first.n,
            first.n_missing + n_none,
            first.mean,
            first.covariance,
            first.blocks,
            first.x,
            first.many,
        )
    return groups


def _of_moments(label: str, data: Moments, names: Sequence[str]) -> Group:
    if data.sizes is not None or data.pairs is not None:
        raise ArgumentError(
            "A latent model from moments wants complete rows without sampling weights: with others its errors and "
            "tests would be wrong. Give rows or counts (LatentOptions(missing='fiml') keeps incomplete ones)."
        )
    for name in names:
        if name not in data.names:
            raise ColumnError(unknown("column", name, data.names))
    at = [data.names.index(name) for name in names]
    covariance = data.covariance[np.ix_(at, at)] * (data.n - 1) / data.n
    mean = data.means[at]
    _check(label, names, covariance, data.n)
    return Group(label, data.n, data.n_missing, mean, covariance, (Block(None, data.n, mean, covariance),))


def _of_rows(label: str, found: Answers, names: Sequence[str], causes: list[int], fiml: bool) -> Group:
    where = f" in group {label!r}" if label else ""
    x, n, n_missing = found.x, found.n, found.n_missing
    if fiml:
        whole = ~np.isnan(x[:, causes]).any(axis=1)
        n_missing += int(n[~whole].sum())
        x, n = x[whole], n[whole]
        _answered(x, names, where)
    size = round(float(n.sum()))
    if size < 2:
        raise SampleError(
            f"Only {size} complete rows of {size + n_missing:,}{where} in {listed(names)}; a model needs more."
        )
    if not fiml or not np.isnan(x).any():
        mean = n @ x / n.sum()
        centered = x - mean
        covariance = (centered if (n == 1).all() else centered * n[:, None]).T @ centered / n.sum()
        _check(label, names, covariance, size)
        return Group(label, size, n_missing, mean, covariance, (Block(None, size, mean, covariance),), x, n)
    _vary(label, names, np.nanmax(x, axis=0) > np.nanmin(x, axis=0))
    _together(label, names, x, n)
    return Group(label, size, n_missing, None, None, blocks_by_pattern(x, n), x, n)


def blocks_by_pattern(x: np.ndarray, n: np.ndarray) -> tuple[Block, ...]:
    """Units by what they answered, with the moments of that."""
    blocks = []
    patterns, of = np.unique(~np.isnan(x), axis=0, return_inverse=True)
    of = of.ravel()
    for place, pattern in enumerate(patterns):
        at = np.flatnonzero(pattern)
        part, many = x[of == place][:, at], n[of == place]
        mean = many @ part / many.sum()
        spread = (part - mean) * np.sqrt(many)[:, None]
        blocks.append(Block(at, float(many.sum()), mean, spread.T @ spread / many.sum()))
    return tuple(blocks)


def _answered(x: np.ndarray, names: Sequence[str], where: str) -> None:
    """Refuse items without any answer."""
    empty = [name for name, gone in zip(names, np.isnan(x).all(axis=0), strict=True) if gone]
    if empty:
        raise SampleError(f"Nobody{where} answered {listed(empty)}; leave it out of the model.")


def _vary(label: str, names: Sequence[str], varies: np.ndarray) -> None:
    constant = [name for name, each in zip(names, varies, strict=True) if not each]
    if constant:
        where = f" of group {label!r}" if label else ""
        raise ModelError(f"Every answer{where} is the same in {listed(constant)}; a constant varies with nothing.")


def _together(label: str, names: Sequence[str], x: np.ndarray, n: np.ndarray) -> None:
    """Refuse pairs that nobody answered both of: their covariance is anybody's guess."""
    there = (~np.isnan(x)).astype(float)
    both = (there * n[:, None]).T @ there
    if both.min() < 2:
        a, b = (names[int(each)] for each in np.unravel_index(both.argmin(), both.shape))
        where = f" in group {label!r}" if label else ""
        raise SampleError(f"Only {both.min():.0f} units{where} answered both {a!r} and {b!r}; a model needs more.")


def _check(label: str, names: Sequence[str], covariance: np.ndarray, n: int) -> None:
    where = f" in group {label!r}" if label else ""
    if not np.isfinite(covariance).all():
        raise ModelError(f"The covariances{where} are not all finite numbers.")
    if np.abs(covariance - covariance.T).max() > 1e-8 * np.abs(covariance).max():
        raise ModelError(f"The covariance matrix{where} is not symmetric.")
    diagonal = np.diag(covariance)
    _vary(label, names, diagonal > 1e-14)
    if n <= len(names):
        raise SampleError(f"{n} complete rows{where} for {len(names)} columns; more rows than columns are needed.")
    scale = np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    if values[0] < -SINGULAR:
        raise ModelError(
            f"The covariances{where} contradict each other: the matrix is not positive definite "
            f"(smallest eigenvalue {values[0]:.3g} as correlations). Were they made of different units?"
        )
    if values[0] < SINGULAR:
        tied = [name for name, share in zip(names, abs(vectors[:, 0]), strict=True) if share > 1e-4]
        raise ModelError(f"The columns {listed(tied)}{where} determine each other exactly; leave at least one out.")
