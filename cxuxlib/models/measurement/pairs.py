"""Are the factors of a latent model different things? Every pair, by every criterion, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, CxuxError
from cxuxlib.models.measurement.entry import fit_of
from cxuxlib.models.measurement.holding import held_at, merged
from cxuxlib.models.measurement.marking import free_name
from cxuxlib.models.measurement.moving import Moving, indicators
from cxuxlib.models.measurement.summing import extracted
from cxuxlib.models.sample import sample
from cxuxlib.models.structural.duals import Dual
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.models.structural.options import Estimator
from cxuxlib.models.validity import htmt
from cxuxlib.results import Moments
from cxuxlib.stats import intervals

__all__ = ["discriminant_validity"]

BANDS = ((0.80, "none"), (0.90, "marginal"), (1.00, "moderate"))
_LEAST = 100  # resamples below which the ends of an interval are the extremes of a handful


def discriminant_validity(
    data: Any,
    facets: Mapping[str, Sequence[str]] | None = None,
    *,
    cutoff: float = 0.90,
    estimator: Estimator | None = None,
    frequency: str | None = None,
    replications: int = 0,
    rng: int | np.random.Generator = 0,
    level: float | None = None,
) -> pd.DataFrame:
    """Hold every pair of factors against the criteria of discriminant validity, each with its uncertainty.

    The ruling ones: the interval of the latent correlation (CI_CFA), whose upper end in absolute value says how severe
    the trouble is (below .80 none, below .90 marginal, below 1 moderate, else severe), and the χ² test of a correlation
    equal to the cutoff (χ²(cut)), in whatever way the model is scaled. Beside them what is often reported: the test of
    a model that merges the two (which a large sample rejects whatever they are), the margin of Fornell and Larcker,
    min(ave) - r², and HTMT and HTMT2. A point compared with a cutoff is a coin flip where the truth is near it: read
    the intervals. `factor_correlation` gives the correlation alone from a model of the two factors by themselves, with
    weights and ordered answers.

    Args:
        data: a fit of `latent` in one group; or one row per unit (any engine), counts (with ``frequency``), `Moments`.
        facets: with data, name of each factor to its items; factors are free to correlate.
        cutoff: correlation, above 0 to 1, from which on two factors count as one; say it before the data.
        estimator: with data, "ml" (the default), "mlr" or "mlm" (scaled tests, errors whatever the distribution).
        frequency: with data, column that says how many units a row stands for.
        replications: resamples of units for percentile intervals of HTMT and HTMT2; 0: those of `htmt`.
        rng: seed or generator of the resamples.
        level: confidence level, 0 to 1; None: the fit's, or 0.95.

    Returns:
        One row per pair: a, b, correlation, std_error, low, high, severity, cutoff, distinct ("yes": the whole interval
        of the absolute correlation is below the cutoff, "no": above it, else "undecided"), chi2_cut, p_cut,
        chi2_merged, df_merged, p_merged, ave_a and ave_b (of standardised items), margin with margin_low and
        margin_high, htmt and htmt2 with their _low and _high (of absolute correlations), n, n_missing, method, level.
        What does not exist is NaN, with its reason in ``method``, where improper solutions are named, too.

    Raises:
        ArgumentError: neither or both of a fit and facets, several groups, fewer than two factors with items of their
            own, a cutoff or a number of replications that makes no sense; moments, which cannot be resampled. Else
            what `latent` raises.

    Source: Rönkkö & Cho 2022, doi:10.1177/1094428120968614; Fornell & Larcker 1981, doi:10.1177/002224378101800104;
    Henseler, Ringle & Sarstedt 2015, doi:10.1007/s11747-014-0403-8; Roemer, Schuberth & Henseler 2021,
    doi:10.1108/IMDS-02-2021-0082. Checked against: semTools and lavaan (Holzinger; tests by "mlr").

    >>> shared = np.kron(np.eye(2) * 0.10 + 0.54, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> moments = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> found = discriminant_validity(moments, {"UX": ["u1", "u2", "u3"], "CX": ["c1", "c2", "c3"]})
    >>> found[["correlation", "low", "high", "severity", "distinct", "chi2_cut", "p_cut"]].round(3)
       correlation    low   high  severity   distinct  chi2_cut  p_cut
    0        0.844  0.786  0.902  moderate  undecided     4.485  0.034
    """
    if not 0 < cutoff <= 1:
        raise ArgumentError(f"cutoff is a correlation above 0, at most 1; got {cutoff!r}.")
    if not isinstance(replications, int) or (replications and replications < _LEAST):
        raise ArgumentError(f"replications is 0 or a whole number, {_LEAST} or more; got {replications!r}.")
    fit = fit_of(data, facets, estimator, frequency, level)
    found = raw_of(fit)
    z = intervals.normal_quantile(fit.level if level is None else level)
    if len(found.groups) > 1:
        raise ArgumentError("Discriminant validity is of one group: fit and ask each by itself.")
    factors = {name: [row.rhs for row in indicators(found, name)] for name in found.table.latent}
    factors = {name: items for name, items in factors.items() if not set(items) & set(found.table.latent)}
    if len(factors) < 2:
        raise ArgumentError(f"The model has {len(factors)} factors that are measured by items; two are needed.")
    ratios = _Ratios(found, factors, replications, np.random.default_rng(rng), fit.level if level is None else level)
    rows = []
    for a, b in combinations(factors, 2):
        row, why = _pair(found, a, b, tuple(factors), cutoff, z)
        row |= {"a": a, "b": b, "cutoff": cutoff, "n": found.n, "n_missing": int(fit.quality["n_missing"])}
        told, said = ratios.of(a, b)
        row |= told
        row["method"] = "; ".join(each for each in (fit.method, *why, said) if each)
        row["level"] = fit.level if level is None else level
        rows.append(row)
    return pd.DataFrame(rows)[[
        "a", "b", "correlation", "std_error", "low", "high", "severity", "cutoff", "distinct", "chi2_cut", "p_cut",
        "chi2_merged", "df_merged", "p_merged", "ave_a", "ave_b", "margin", "margin_low", "margin_high", "htmt",
        "htmt_low", "htmt_high", "htmt2", "htmt2_low", "htmt2_high", "n", "n_missing", "method", "level",
    ]]  # fmt: skip


def _pair(
    found: Latent, a: str, b: str, factors: Sequence[str], cutoff: float, z: float
) -> tuple[dict[str, Any], list[str]]:
    """What the model says of a pair, and what it cannot say."""
    first = len(found.table.observed)
    at = {name: first + place for place, name in enumerate(found.table.latent)}
    moving, i, j = Moving(found.fit), at[a], at[b]
    if not (moving.whole[i, i] > 0 and moving.whole[j, j] > 0):
        row: dict[str, Any] = dict.fromkeys(
            ("correlation", "std_error", "low", "high", "chi2_cut", "p_cut", "chi2_merged", "df_merged", "p_merged",
             "ave_a", "ave_b", "margin", "margin_low", "margin_high"), nan,
        )  # fmt: skip
        return row | {"severity": "unknown", "distinct": "undecided"}, [
            "a factor without variance correlates with none"
        ]
    r = moving.correlation(i, j)
    error, sign = _error(found, r), -1.0 if r.value < 0 else 1.0
    low, high = r.value - z * error, r.value + z * error
    upper, lower = max(-low, high), max(low, -high, 0.0)
    rest = [at[name] for name in factors if name not in (a, b)]
    alike = [moving.correlation(i, k) - sign * moving.correlation(j, k) for k in rest]
    tests = {"cut": held_at(found, a, b, sign * cutoff, [r]), "merged": merged(found, a, b, [r, *alike])}
    why = [f"no test ({name}): {each.why}" for name, each in tests.items() if each.why]
    ave = [extracted(found, name) for name in (a, b)]
    margin = min(ave, key=lambda each: each.value) - r * r
    half = z * _error(found, margin)
    return {
        "correlation": r.value, "std_error": error, "low": low, "high": high, "severity": _band(upper),
        "distinct": "yes" if upper < cutoff else "no" if lower > cutoff else "undecided",
        "chi2_cut": tests["cut"].chi2, "p_cut": tests["cut"].p, "chi2_merged": tests["merged"].chi2,
        "df_merged": tests["merged"].df, "p_merged": tests["merged"].p, "ave_a": ave[0].value, "ave_b": ave[1].value,
        "margin": margin.value, "margin_low": margin.value - half, "margin_high": margin.value + half,
    }, why  # fmt: skip


def _error(found: Latent, number: Dual) -> float:
    """Standard error by the delta method; NaN where the estimates have none."""
    variance = float(number.slope @ found.covariance @ number.slope)
    return float(np.sqrt(variance)) if variance >= 0 else nan


def _band(upper: float) -> str:
    """How severe the trouble is, by the upper end of the absolute correlation."""
    if np.isnan(upper):
        return "unknown"
    return next((name for end, name in BANDS if upper < end), "severe")


def _mean(r: np.ndarray, geometric: bool) -> np.ndarray:
    """Means over the last axis."""
    found: np.ndarray = np.exp(np.log(r).mean(axis=-1)) if geometric else r.mean(axis=-1)
    return found


class _Ratios:
    """HTMT and HTMT2 of all pairs, from the answers that were fitted."""

    def __init__(
        self, found: Latent, factors: Mapping[str, Sequence[str]], replications: int, rng: np.random.Generator,
        level: float,
    ) -> None:  # fmt: skip
        group, names = found.groups[0], found.table.observed
        self.table, self.why = pd.DataFrame(), ""
        data: Any
        frequency = None
        if group.x is not None:
            frequency = free_name("many", found)
            data = pd.DataFrame(group.x, columns=list(names)).assign(**{frequency: group.many})
        else:
            assert group.mean is not None
            assert group.covariance is not None
            spread = group.covariance * group.n / (group.n - 1)
            data = Moments(group.n, names, group.mean, spread, group.n_missing)
        if replications and frequency is None:
            raise ArgumentError("Moments cannot be resampled; leave replications out, or give rows or counts.")
        normal = found.estimator == "ml"
        try:
            self.table = htmt(
                data, factors, frequency=frequency, interval="normal" if normal else None, level=level
            ).set_index(["a", "b", "kind"])  # fmt: skip
        except CxuxError as error:
            self.why = f"no HTMT: {error}"
            return
        if int(self.table["n"].iloc[0]) < group.n:
            self.why = f"HTMT of the {int(self.table['n'].iloc[0]):,} complete rows"
        if replications:
            self._draw(data, frequency, factors, replications, rng, level)

    def _draw(
        self, data: Any, frequency: str | None, factors: Mapping[str, Sequence[str]], replications: int,
        rng: np.random.Generator, level: float,
    ) -> None:  # fmt: skip
        """Percentiles of the ratios over resamples of units."""
        read = sample(data, [item for items in factors.values() for item in items], frequency=frequency)
        pairs = {(a, b): (read.positions(factors[a]), read.positions(factors[b])) for a, b in combinations(factors, 2)}
        drawn: dict[tuple[str, str, str], list[np.ndarray]] = {}
        for corrs in read.resampled(replications, rng):
            for (a, b), (at_a, at_b) in pairs.items():
                blocks = [corrs[:, at_a][:, :, at_b].reshape(len(corrs), -1)]
                for at in (at_a, at_b):
                    i, j = np.triu_indices(len(at), 1)
                    blocks.append(corrs[:, np.array(at)[i], np.array(at)[j]])
                for kind in ("htmt", "htmt2"):
                    between, *within = (_mean(np.abs(block), kind == "htmt2") for block in blocks)
                    drawn.setdefault((a, b, kind), []).append(between / np.sqrt(within[0] * within[1]))
        tails = [(1 - level) / 2, (1 + level) / 2]
        for key, many in drawn.items():
            self.table.loc[key, ["low", "high"]] = np.nanquantile(np.concatenate(many), tails)
        self.table["method"] = f"percentiles of {replications:,} resamples of {read.resamples}"

    def of(self, a: str, b: str) -> tuple[dict[str, float], str]:
        """The ratios of a pair, and how they were made."""
        names = ("", "_low", "_high")
        if self.table.empty:
            return {f"{kind}{name}": nan for kind in ("htmt", "htmt2") for name in names}, self.why
        out: dict[str, float] = {}
        for kind in ("htmt", "htmt2"):
            row = self.table.loc[(a, b, kind)]
            out |= {f"{kind}{name}": float(row[of]) for name, of in zip(names, ("value", "low", "high"), strict=True)}
        how = f"HTMT: {self.table.loc[(a, b, 'htmt'), 'method']}"
        return out, f"{how}; {self.why}" if self.why else how
