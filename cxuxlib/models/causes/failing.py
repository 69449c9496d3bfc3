"""A failure put right, not put right, or none: what it does to satisfaction and to behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, listed
from cxuxlib.models.causes.reading import names, read, refuse_missing
from cxuxlib.models.regression.fitted import p_values
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.rollouts import group_time

__all__ = ["incidents"]

_STATES = ("none", "not recovered", "recovered")
_EXACT = 1e-10  # of the outcome's standard deviation that is left by rounding
_BEYOND = 0.1  # share of the recovered beyond those they are compared with, from which a line is stretched


class Contrast(NamedTuple):
    """One group against another.

    Args:
        value: difference of changes, at the covariates of the first group.
        influence: of each row, shape (n,).
        df: Welch's, of the influence in either group.
        beyond: share of the first group with a covariate beyond the range of the second's.
        n: rows of both.
    """

    value: float
    influence: np.ndarray
    df: float
    beyond: float
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class Incidents:
    """The numbers behind incidents.

    Args:
        contrasts: of each outcome and kind (recovery, paradox, failure), one group against another.
        rows: what was compared.
    """

    contrasts: dict[tuple[str, str], Contrast]
    rows: pd.DataFrame


def incidents(
    data: Any,
    outcomes: Mapping[str, str | None],
    incident: str,
    *,
    severity: Sequence[str] = (),
    baseline: Sequence[str] = (),
    unit: str | EllipsisType | None = ...,
    states: Sequence[Any] = _STATES,
    level: float = 0.95,
) -> Fit:
    """Does a failure that is put right keep the customer, and is it even better than none (recovery paradox)?

    Outcomes after less before, of the recovered against the not recovered, with what a regression on severity and
    baseline among the not recovered says of the severity and baseline of the recovered (difference in differences with
    regression adjustment); against customers without an incident, who have no severity, with the baseline alone.
    Satisfaction and behaviour are told apart: customers may say that they are happier and leave all the same.

    Put into ``baseline`` what was known before the incident (the outcome before may stand there, too: then not changes
    but outcomes at equal outcomes before are compared). Who is put right is chosen by somebody: what they knew and is
    in no column still misleads (`sensitivity`). Differences against customers without an incident hold at the severity
    that the recovered had.

    Args:
        data: one row per customer, or per incident (any engine).
        outcomes: column after the incident to column before it, or to None where there is none, such as
            {"rating_after": "rating_before", "stayed": None}; numbers, or 0 and 1.
        incident: column of the three states.
        severity: columns of numbers that say how bad the incident was; missing without one.
        baseline: columns of numbers from before.
        unit: column that says whose the row is (errors by unit); None: rows are units; left out, frames that repeat an
            id are refused.
        states: what the column calls no incident, not recovered, recovered.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`. Terms are the outcomes after, each of kinds recovery (recovered less not recovered), paradox (recovered
        less none), failure (not recovered less none), the same in standard deviations ("recovery sd", of the outcome
        after among customers without an incident), and "unadjusted recovery" and "unadjusted paradox" (means after, as
        they stand); the last two are the naive ones, in which mild failures pass for good recoveries. Quality: n, n by
        state, n_missing (rows without any outcome after), by outcome no_before (incidents without the outcome before,
        which are left out of it), and by outcome and kind how many rows each comparison has and the share of the
        first group beyond the range of the second.

    Raises:
        SampleError: nobody has an incident, fewer than two rows of a state, or too few for the covariates.
        ModelError: covariates determine each other, or everybody's outcome changes alike.
        AnswerError: other states than the three.
        ArgumentError, ColumnError, UnitError: what is wrong with the arguments and the columns.

    Source: McCollough & Bharadwaj 1992 (paradox); de Matos, Henrique & Rossi 2007, doi:10.1177/1094670507303012
    (satisfaction, not behaviour); Heckman, Ichimura & Todd 1997, doi:10.2307/2971733 (difference in differences with
    adjustment). Checked against: `difference_in_differences` and so R; coverage by simulation.

    >>> rng = np.random.default_rng(1)
    >>> state = rng.choice(["none", "not recovered", "recovered"], 3000, p=[0.6, 0.2, 0.2])
    >>> before, bad = rng.normal(size=3000), np.where(state == "none", np.nan, rng.normal(size=3000))
    >>> step = pd.Series(state).map({"none": 0, "not recovered": -1, "recovered": -0.2}).to_numpy()
    >>> after = before + step - 0.3 * np.nan_to_num(bad) + rng.normal(size=3000)
    >>> rows = pd.DataFrame({"state": state, "severity": bad, "before": before, "after": after})
    >>> fit = incidents(rows, {"after": "before"}, "state", severity=["severity"])
    >>> fit.terms[["term", "kind", "value", "low", "high"]].round(1).head(3)
        term                 kind  value  low  high
    0  after             recovery    0.8  0.7   0.9
    1  after          recovery sd    0.5  0.5   0.6
    2  after  unadjusted recovery    0.8  0.7   1.0
    """
    intervals.check_level(level)
    pairs = _pairs(outcomes)
    known, before = names("severity", severity), names("baseline", baseline)
    if isinstance(states, str) or len(states) != 3 or len(set(states)) != 3:
        raise ArgumentError(f"states are three: none, not recovered, recovered; got {states!r:.80}.")
    numbers = dict.fromkeys([*pairs, *(each for each in pairs.values() if each)])
    rows = read(data, [*numbers, *known, *(name for name in before if name not in numbers)], [incident], unit=unit)
    refuse_missing(rows, incident, f"customers without an incident are {states[0]!r}.")
    strange = [each for each in rows[incident].unique() if each not in states]
    if strange:
        raise AnswerError(f"{incident!r} holds {listed(strange)}; its states are {listed(states)}.")
    state = rows[incident].map({each: i for i, each in enumerate(states)}).to_numpy(dtype=int)
    if not state.any():
        raise SampleError(f"Nobody has an incident: every row of {incident!r} is {states[0]!r}.")
    code = pd.factorize(rows[unit])[0] if isinstance(unit, str) else np.arange(len(rows))
    terms: list[dict[str, Any]] = []
    contrasts: dict[tuple[str, str], Contrast] = {}
    quality: dict[str, float] = {"n": float(len(np.unique(code)))}
    quality |= {f"n_{name}": float((state == i).sum()) for i, name in enumerate(states)}
    quality["n_missing"] = float(rows[list(pairs)].isna().all(axis=1).sum())
    said = [
        "changes, adjusted by regression among those compared with",
        "HC2 errors" + (" by unit" if isinstance(unit, str) else ""),
    ]
    for after, earlier in pairs.items():
        y = np.column_stack([rows[earlier].to_numpy() if earlier else np.zeros(len(rows)), rows[after].to_numpy()])
        early = int(((state > 0) & ~np.isnan(y[:, 1]) & np.isnan(y[:, 0])).sum())
        quality[f"{after}_no_before"] = float(early)
        if early:
            said.append(f"{early:,} incidents lack {earlier!r}, came before any baseline, and are left out of {after}")
        sd, spread = _scale(y[:, 1], state == 0, after, states[0])
        for kind, one, other, beside in (
            ("recovery", 2, 1, [*known, *before]), ("paradox", 2, 0, before), ("failure", 1, 0, before),
        ):  # fmt: skip
            x = rows[list(beside)].to_numpy(dtype=float).reshape(len(rows), len(beside))
            where = f"{after!r} of {states[one]!r} against {states[other]!r}"
            found = contrasts[after, kind] = _contrast(y, x, state == one, state == other, code, where, beside)
            terms.append(_row(after, kind, found.value, found.influence, code, found.df, level))
            scaled = (found.influence - found.value / sd * spread) / sd
            terms.append(_row(after, f"{kind} sd", found.value / sd, scaled, code, found.df, level))
            quality[f"{after}_{kind}_n"] = float(found.n)
            quality[f"{after}_{kind}_beyond"] = found.beyond
            if found.beyond > _BEYOND:
                said.append(
                    f"IMPROPER: {found.beyond:.0%} of {where} lie beyond the severity or baseline of those compared "
                    "with, where a straight line stands in for customers"
                )
            if kind != "failure":
                none = np.zeros((len(rows), 0))
                plain = _contrast(
                    np.column_stack([0 * y[:, 1], y[:, 1]]), none, state == one, state == other, code, where, ()
                )
                terms.append(_row(after, f"unadjusted {kind}", plain.value, plain.influence, code, plain.df, level))
    if not known:
        said.append("IMPROPER: severity is not known, and what is put right may have been less bad")
    said.append("who is put right was not chosen by chance; hidden reasons still mislead (models.sensitivity)")
    formula = f"{' + '.join(pairs)} ~ {incident}" + "".join(f" + {name}" for name in (*known, *before))
    return Fit("incidents", formula, pd.DataFrame(terms), quality, Incidents(contrasts, rows), level, "; ".join(said))


def _pairs(outcomes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Outcomes after and before."""
    if not isinstance(outcomes, Mapping) or not outcomes:
        raise ArgumentError(
            f"outcomes map a column after the incident to one before, or to None, such as "
            f"{{'rating_after': 'rating_before', 'stayed': None}}; got {outcomes!r:.60}."
        )
    for after, earlier in outcomes.items():
        if not isinstance(after, str) or not (earlier is None or isinstance(earlier, str)) or after == earlier:
            raise ArgumentError(f"outcomes map one column to another, or to None; got {after!r:.40}: {earlier!r:.40}.")
    return dict(outcomes)


def _contrast(
    y: np.ndarray,
    x: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    code: np.ndarray,
    where: str,
    beside: Sequence[str],
) -> Contrast:
    """Change of one group less that of another at the covariates of the first."""
    there = (one | other) & ~np.isnan(y).any(axis=1) & ~np.isnan(x).any(axis=1)
    m, k = int((one & there).sum()), int((other & there).sum())
    if m < 2 or k < 2 or k <= x.shape[1] + 1:
        lost = np.column_stack([np.isnan(y), np.isnan(x)])[one | other].sum(axis=0)
        what = ("the outcome before", "the outcome after", *map(repr, beside))
        lacks = ", ".join(f"{n:,} lack {name}" for n, name in zip(lost, what, strict=True) if n)
        raise SampleError(
            f"In {where}: {m:,} and {k:,} complete rows of {one.sum():,} and {other.sum():,}, for {x.shape[1] + 1} "
            f"parameters of the latter{f'; {lacks}' if lacks else ''}."
        )
    x, change = x[there], (y[:, 1] - y[:, 0])[there]
    scale = x.std(axis=0)
    if (scale == 0).any():
        flat = [name for name, each in zip(beside, scale, strict=True) if each == 0]
        raise ModelError(f"In {where}: {listed(flat)} has the same value in all rows; nothing can depend on it.")
    x = (x - x.mean(axis=0)) / scale
    first = np.where(one[there], 1, 2)
    cells, _ = group_time(np.column_stack([np.zeros(len(change)), change]), first, x, never=True)
    if not cells:
        raise ModelError(f"In {where}: {listed(beside)} determine each other, or do not vary among the latter.")
    value, own = cells[0].value, cells[0].influence
    if not np.sqrt((own**2).sum()) > _EXACT * max(float(change.std()), 1e-300):
        raise ModelError(f"In {where}: all outcomes change alike, so that there is no error to measure.")
    treated = first == 1
    parts = [float((np.bincount(code[there][each], weights=own[each]) ** 2).sum()) for each in (treated, ~treated)]
    free = [len(np.unique(code[there][each])) - 1 - extra for each, extra in ((treated, 0), (~treated, x.shape[1]))]
    df = sum(parts) ** 2 / sum(part**2 / max(each, 1) for part, each in zip(parts, free, strict=True))
    low, high = x[~treated].min(axis=0), x[~treated].max(axis=0)
    beyond = float(((x[treated] < low) | (x[treated] > high)).any(axis=1).mean())
    influence = np.zeros(len(y))
    influence[there] = own
    return Contrast(value, influence, df, beyond, m + k)


def _scale(y: np.ndarray, none: np.ndarray, after: str, state: Any) -> tuple[float, np.ndarray]:
    """Standard deviation of the outcome among customers without an incident, and the influence of each row on it."""
    there = none & ~np.isnan(y)
    if there.sum() < 2:
        raise SampleError(f"{int(there.sum())} rows with {after!r} are {state!r}; comparisons need two or more.")
    sd = float(y[there].std(ddof=1))
    if not sd > 0:
        raise ModelError(f"All rows that are {state!r} have the same {after!r}; there is no standard deviation.")
    influence = np.zeros(len(y))
    influence[there] = ((y[there] - y[there].mean()) ** 2 - sd**2) / (2 * sd * there.sum())
    return sd, influence


def _row(
    term: str, kind: str, value: float, influence: np.ndarray, code: np.ndarray, df: float, level: float
) -> dict[str, Any]:
    error = float(np.sqrt((np.bincount(code, weights=influence) ** 2).sum()))
    half = intervals.half_width(level, df) * error
    p = float(p_values(np.array([value / error]), df)[0])
    ends = {"low": value - half, "high": value + half, "p": p}
    return {"term": term, "kind": kind, "value": value, "std_error": error} | ends
