"""Instruments: what moves the treatment by chance tells what the treatment does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from cxuxlib import text
from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed
from cxuxlib.models.causes.reading import names, read
from cxuxlib.models.regression.fitted import block, table
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.instruments import (
    Region,
    anderson_rubin,
    effective_f,
    least,
    sandwich,
    two_stage,
    wald,
)

__all__ = ["instrument"]

_EXACT = 1e-20  # of a sum of squares that is left by rounding
_WEAK = 10.0  # first-stage F below which two-stage intervals are not to be believed (Staiger & Stock 1997)


@dataclass(frozen=True, slots=True, eq=False)
class Instrumented:
    """The numbers behind an instrument.

    Args:
        region: effects that Anderson and Rubin's test keeps: intervals, none, or all numbers.
        weak: whether the effective F of the first stage is below 10.
        first_stage, reduced_form: coefficients of the instruments for treatment and outcome.
        covariance: of these, the outcome's first.
    """

    region: Region
    weak: bool
    first_stage: np.ndarray
    reduced_form: np.ndarray
    covariance: np.ndarray


def instrument(
    data: Any,
    outcome: str,
    treatment: str,
    instruments: str | Sequence[str],
    *,
    controls: Sequence[str] = (),
    unit: str | EllipsisType | None = ...,
    level: float = 0.95,
) -> Fit:
    """What does the treatment do, told by what moved it by chance? Two-stage least squares.

    A randomised change of the design moves the experience of those who were given it; if it moves the outcome through
    that experience alone, effect = (outcome moved) / (experience moved). It is the effect in those whom the instrument
    moves. The experiment itself (kind reduced form) needs no such belief: report it first.

    Args:
        data: rows of any engine; incomplete ones are left out and counted.
        outcome: column of numbers.
        treatment: column of numbers or of 0 and 1.
        instruments: a column, or a list of them.
        controls: columns of numbers, in both stages.
        unit: column that says which rows belong together, or what was randomised (errors by cluster, CR1); None: rows
            are units (HC1); left out, frames that repeat an id are refused.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`. Terms: the treatment of kind effect, anderson_rubin (the same value with the ends of the region that
        holds whatever the strength of the instruments; infinite where it is unbounded, NaN where it is empty, as
        ``method`` says; p of no effect) and ols (the same regression without instruments, which a common cause
        misleads); each instrument of kinds first stage and reduced form. Quality has n, n_missing, n_clusters,
        F (robust), F_effective. ``raw.region`` has all parts of the region.

    Raises:
        ModelError: an instrument or the treatment does not vary, or columns determine each other.
        SampleError: too few complete rows or clusters.
        UnitError, ArgumentError, ColumnError, AnswerError: what is wrong with the arguments and the columns.

    Source: Angrist, Imbens & Rubin 1996, doi:10.1080/01621459.1996.10476902; Anderson & Rubin 1949,
    doi:10.1214/aoms/1177730090; Montiel Olea & Pflueger 2013, doi:10.1080/00401706.2013.806694; Andrews, Stock & Sun
    2019, doi:10.1146/annurev-economics-080218-025643. Checked against: R's AER (ivreg) and sandwich, coverage by
    simulation with strong and weak instruments.

    >>> rng = np.random.default_rng(3)
    >>> hidden, new = rng.normal(size=2000), rng.integers(0, 2, 2000)
    >>> ux = 0.5 * new + hidden + rng.normal(size=2000)
    >>> frame = pd.DataFrame({"new": new, "ux": ux, "cx": 0.4 * ux + hidden + rng.normal(size=2000)})
    >>> instrument(frame, "cx", "ux", "new").terms[["term", "kind", "value", "low", "high"]].round(2)
      term            kind  value   low  high
    0   ux          effect   0.43  0.20  0.66
    1   ux  anderson_rubin   0.43  0.16  0.64
    2   ux             ols   0.88  0.85  0.92
    3  new     first stage   0.54  0.42  0.66
    4  new    reduced form   0.23  0.07  0.39
    """
    intervals.check_level(level)
    movers = (instruments,) if isinstance(instruments, str) else names("instruments", instruments)
    beside = names("controls", controls)
    if not movers:
        raise ArgumentError("instruments names at least one column.")
    numbers = [outcome, treatment, *movers, *beside]
    rows = read(data, numbers, [], unit=unit)
    keep = rows[numbers].notna().all(axis=1).to_numpy()
    used = rows[keep].reset_index(drop=True)
    n, q, k = len(used), len(movers), len(beside) + 2
    groups = pd.factorize(used[unit])[0] if isinstance(unit, str) else None
    _enough(used, numbers, n, q + k - 1, groups)
    y, d = (_standard(used[name].to_numpy())[0] for name in (outcome, treatment))
    y_scale, d_scale = (float(used[name].std(ddof=0)) for name in (outcome, treatment))
    z, z_scale = _standard(used[list(movers)].to_numpy())
    x = np.column_stack([np.ones(n), _standard(used[list(beside)].to_numpy())[0]])
    both = np.column_stack([z, x])
    try:
        first = least(both, np.column_stack([y, d]))
        plain = least(np.column_stack([d, x]), y)
    except ModelError as wrong:
        raise ModelError(f"Among {listed([treatment, *movers, *beside])} {wrong}; leave at least one out.") from wrong
    if (plain.residual**2).sum() <= _EXACT * n:
        raise ModelError(
            f"{treatment!r} determines {outcome!r} exactly, so there is no error to measure: is it made of it?"
        )
    g = 1 if groups is None else int(groups.max()) + 1
    by_group = 1.0 if groups is None else g / (g - 1) * (n - 1) / n
    df = n - k if groups is None else g - 1
    df_first = n - q - k + 1 if groups is None else g - 1
    scores = np.hstack([both * first.residual[:, [i]] for i in (0, 1)])
    whole = sandwich(
        scores, np.asarray(np.kron(np.eye(2), first.bread), dtype=np.float64), groups, by_group * n / (n - q - k + 1)
    )
    own = [*range(q), *range(q + k - 1, 2 * q + k - 1)]
    covariance = whole[np.ix_(own, own)]
    gamma, pi = first.at[:q, 0], first.at[:q, 1]
    if not (abs(pi) > 1e-10).any():
        raise ModelError(f"{listed(movers)} moves {treatment!r} not at all; no effect can be told.")
    residual_z = z - x @ least(x, z).at
    strength = effective_f(pi, covariance[q:, q:], residual_z.T @ residual_z)
    f, p = wald(pi, covariance[q:, q:]), float(fdtrc(q, df_first, wald(gamma, covariance[:q, :q])))
    if exact := bool((first.residual[:, 1] ** 2).sum() <= _EXACT * n):
        f = strength = inf
    ratio = y_scale / d_scale
    region = tuple(
        (low * ratio, high * ratio) for low, high in anderson_rubin(first.at[:q], covariance, df_first, level)
    )
    back = np.concatenate([y_scale / z_scale, d_scale / z_scale])
    gamma, pi, covariance = gamma * back[:q], pi * back[q:], covariance * np.outer(back, back)
    found = two_stage(y, d, z, x, groups, by_group * n / (n - k))
    error = np.sqrt(found.covariance[:1, 0]) * ratio
    ols = sandwich(
        np.column_stack([d, x]) * plain.residual[:, None], plain.bread, groups, by_group * n / (n - k)
    )  # fmt: skip
    half, half_first = intervals.half_width(level, df), intervals.half_width(level, df_first)
    errors = np.sqrt(np.diag(covariance))
    low, high = (region[0][0], region[-1][1]) if region else (nan, nan)
    keeping = block([treatment], "anderson_rubin", found.at[:1] * ratio, error, half, df)._replace(
        low=np.array([low]), high=np.array([high]), p=np.array([p])
    )
    terms = table(
        block([treatment], "effect", found.at[:1] * ratio, error, half, df),
        keeping,
        block([treatment], "ols", plain.at[:1] * ratio, np.sqrt(ols[:1, 0]) * ratio, half, df),
        block(movers, "first stage", pi, errors[q:], half_first, df_first),
        block(movers, "reduced form", gamma, errors[:q], half_first, df_first),
    )
    quality = {"n": float(n), "n_missing": float((~keep).sum())} | ({} if groups is None else {"n_clusters": float(g)})
    quality |= {"F": f, "F_effective": strength}
    told = _told(outcome, treatment, movers, region, strength, df, groups is not None)
    if exact:
        told += f"; {listed(movers)} determines {treatment!r} exactly, so that F is infinite"
    raw = Instrumented(region, strength < _WEAK, pi, gamma, covariance)
    formula = f"{outcome} ~ {' + '.join([treatment, *beside])} | {' + '.join([*movers, *beside])}"
    return Fit("instrument", formula, terms, quality, raw, level, told)


def _standard(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns less their means over their standard deviations, and these."""
    scale = values.std(axis=0)
    return (values - values.mean(axis=0)) / scale, scale


def _enough(used: pd.DataFrame, numbers: Sequence[str], n: int, parameters: int, groups: Any) -> None:
    """Refuse too few rows or clusters, and columns that do not vary."""
    if n <= parameters + 1:
        raise SampleError(f"{n:,} complete rows for {parameters} parameters; more rows than parameters are needed.")
    if groups is not None and groups.max() < parameters:
        raise SampleError(f"{groups.max() + 1:,} clusters for {parameters} parameters; errors by cluster need more.")
    constant = [name for name in numbers if not used[name].max() > used[name].min()]
    if constant:
        raise ModelError(f"Every complete row has the same value in {listed(constant)}; nothing can be told from it.")


def _told(
    outcome: str, treatment: str, movers: Sequence[str], region: Region, strength: float, df: float, clustered: bool
) -> str:
    """What was done and what it rests on, in words."""
    said = [f"two-stage least squares, {'errors by cluster (CR1)' if clustered else 'robust errors (HC1)'}"]
    said.append(f"t with {df:,.0f} df")
    if strength < _WEAK:
        said.append(
            f"IMPROPER: {listed(movers)} moves {treatment!r} too little (effective F = {text.number(strength, 1)}, "
            f"below {_WEAK:g}), so that the two-stage interval is not to be believed; take Anderson and Rubin's"
        )
    if not region:
        said.append("Anderson and Rubin's region is empty: no effect fits all instruments, so one of them is none")
    elif region == ((-inf, inf),):
        said.append("Anderson and Rubin's region is unbounded: these data rule no effect out")
    elif len(region) > 1 or inf in (region[-1][1], -region[0][0]):
        parts = " and ".join(text.interval(low, high) for low, high in region)
        said.append(f"Anderson and Rubin's region is unbounded: {parts}")
    said.append(
        f"an effect in those whom {listed(movers)} moves, and only if it moves {outcome!r} through {treatment!r} alone "
        "(exclusion), moves nobody against the rest, and was given by chance: exclusion cannot be tested here; a "
        "redesign that also changes speed, content or price breaks it, and the reduced form does not need it"
    )
    return "; ".join(said)
