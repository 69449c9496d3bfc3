"""Divide the explained variance of an outcome among facets, each freed of measurement error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models.drivers.cautions import cautions, signs
from cxuxlib.models.drivers.dividing import listed_groups, refuse
from cxuxlib.models.drivers.shares import Shares, fitted
from cxuxlib.models.sample import Interval, sample
from cxuxlib.results import Fit
from cxuxlib.stats import correlations, intervals
from cxuxlib.stats.shares import Division, r2_forms, r2_values, share_forms, share_values, to_gradients

__all__ = ["latent_drivers"]

_KINDS = ("lmg", "alone", "unique")
_APART = 0.02  # smallest eigenvalue of the constructs' correlations below which they are not told apart


def latent_drivers(
    data: Any,
    outcome: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    weight: str | None = None,
    frequency: str | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
) -> Fit:
    """Divide the explained variance of an outcome among facets, each freed of measurement error.

    The shares of `key_drivers`, computed from the correlations of the constructs: ρ_ab = mean(r between) /
    √(mean(r within a) · mean(r within b)). A facet is so not paid for having more items or better ones. A construct
    with one item is taken as it is.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        outcome: items of what is explained, one or more.
        groups: facet to its items.
        weight: column of sampling weights.
        frequency: column that says how many units a row stands for.
        interval: "robust", "normal" or None, as in `key_drivers`.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit` as that of `key_drivers`; first_eigenvalue is of the items.

    Raises:
        ModelError: a facet's items do not correlate, or the facets, freed of error, cannot be told apart.
        ArgumentError, ColumnError, AnswerError, SampleError: what is wrong with the data.

    Source: Spearman 1904, doi:10.2307/1412159 (correction for attenuation); `key_drivers` for the shares.
    Checked against: planted latent shares with unequal reliabilities, numerical derivatives.

    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> true = rng.normal(size=(9000, 2))
    >>> noisy = {f"u{i}": true[:, 0] + 1.5 * rng.normal(size=9000) for i in range(3)}
    >>> clear = {f"s{i}": true[:, 1] + 0.5 * rng.normal(size=9000) for i in range(3)}
    >>> frame = pd.DataFrame({"rating": true.sum(axis=1) + rng.normal(size=9000), **noisy, **clear})
    >>> fit = latent_drivers(frame, ["rating"], {"UX": list(noisy), "service": list(clear)})
    >>> fit.terms.set_index(["kind", "term"])["value"].loc["lmg"].round(2).tolist()
    [0.34, 0.33]
    """
    intervals.check_level(level)
    if isinstance(outcome, str):
        raise ArgumentError(f"outcome is a list of items; got the text {outcome!r}.")
    players = listed_groups(groups)
    named = [name for block in players.values() for name in block]
    refuse([*outcome, *named], players)
    if not outcome:
        raise ArgumentError("outcome names no item.")
    read = sample(data, [*outcome, *named], weight=weight, frequency=frequency)
    blocks = [read.positions(list(outcome)), *(read.positions(block) for block in players.values())]
    corr, slopes = correlations.latent(read.corr, blocks)
    if np.isnan(corr).any():
        raise ModelError("The items of a facet do not correlate positively, so nothing common can be freed of error.")
    if np.linalg.eigvalsh(corr[1:, 1:])[0] < _APART:
        raise ModelError("Freed of measurement error the facets cannot be told apart: they correlate about 1.")
    division = Division([[1 + i] for i in range(len(players))], [], [])
    values = np.concatenate([
        *(share_values(kind, corr[None], division)[0] for kind in _KINDS), r2_values(corr[None], division)
    ])  # fmt: skip
    forms = np.concatenate([*(share_forms(kind, corr, division) for kind in _KINDS), r2_forms(corr, division)])
    inner = to_gradients(forms)
    gradients = 0.5 * np.einsum("kab,abij->kij", inner, slopes)  # each pair of constructs stands twice
    covariance, how = read.covariance(gradients, interval)
    matrix = values[:-1].reshape(len(_KINDS), -1)
    said = cautions(corr, ["the outcome", *players], list(players), division, (matrix[1], matrix[2]))
    shares = Shares(tuple(players), matrix, covariance, float(values[-1]), _KINDS, signs(corr, division), said)
    items = read.corr[len(outcome) :, len(outcome) :]
    quality = {"n": read.n, "n_missing": read.n_missing, "R2": shares.r2,
               "first_eigenvalue": float(np.linalg.eigvalsh(items)[-1])}  # fmt: skip
    label = ("key drivers (LMG, freed of error)", f"{' & '.join(outcome)} ~ " + " + ".join(players))
    return fitted(label, shares, quality, level, how)
