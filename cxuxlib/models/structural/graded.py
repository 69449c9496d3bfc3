"""Latent models of ordered answers: thresholds, polychoric correlations, diagonally weighted least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, listed, unknown
from cxuxlib.models.structural.binding import SCALE, THRESHOLD, Bound, bind, starts
from cxuxlib.models.structural.errors import improper
from cxuxlib.models.structural.fitting import completed
from cxuxlib.models.structural.language import Syntax
from cxuxlib.models.structural.options import LatentOptions
from cxuxlib.models.structural.reading import Group, read
from cxuxlib.models.structural.reporting import terms
from cxuxlib.models.structural.table import Row, Table
from cxuxlib.results import Fit, Moments
from cxuxlib.stats import intervals
from cxuxlib.stats.answer_tables import Coded, coded
from cxuxlib.stats.polychoric import Polychoric, polychoric, polychoric_covariance
from cxuxlib.stats.sem import indices
from cxuxlib.stats.sem.paths import COVARIANCE, State, implied
from cxuxlib.stats.sem.thresholds import Cut, expected, residuals_left
from cxuxlib.stats.weighted_fit import Statistics, WeightedFit, weighted_fit

HOW = "diagonally weighted least squares on polychoric correlations, robust errors, mean and variance adjusted test"
_SPREADS = (None, 0.5)  # shares of variance that are taken for the factors', one after the other; first the data's


@dataclass(frozen=True, eq=False, repr=False)
class Graded:
    """The numbers behind a latent model of ordered answers.

    Args:
        syntax: the model as it was written.
        table: its parameters, with thresholds, scales and residual variances.
        bound: the same, numbered and placed.
        groups: what was read of the data; means of 0 and polychoric correlations as moments.
        labels: names of the groups.
        answers: thresholds and polychoric correlations of each group.
        samples: the same as statistics, with their covariance.
        fit: the fit, whose parameters are all but residual variances.
        theta: all parameters.
        covariance: of all parameters.
        states: implied moments by group.
        options: how the model was completed.
        cautions: what is wrong with the solution, in sentences.
        estimator: "wlsmv".
    """

    syntax: Syntax
    table: Table
    bound: Bound
    groups: tuple[Group, ...]
    labels: tuple[str, ...]
    answers: tuple[Polychoric, ...]
    samples: tuple[Statistics, ...]
    fit: WeightedFit
    theta: np.ndarray
    covariance: np.ndarray
    states: list[State]
    options: LatentOptions
    cautions: tuple[str, ...]
    estimator: str = "wlsmv"

    @property
    def n(self) -> int:
        """Units of all groups."""
        return sum(each.n for each in self.groups)

    def __repr__(self) -> str:
        return (
            f"Latent model of {len(self.fit.theta)} parameters of ordered answers, {len(self.cautions)} cautions: "
            f"{' '.join(self.cautions)}"
        )


def latent_ordered(
    written: Syntax, data: Any, *, group: str | None, frequency: str | None, level: float, options: LatentOptions
) -> Fit:
    """Fit a model of ordered answers; `latent` says how."""
    _check(written, data, options)
    pairwise = options.missing == "pairwise"
    plain = replace(
        options,
        missing="listwise",
        meanstructure=True,
        equal=["intercepts" if each == "thresholds" else each for each in options.equal],
        partial=[each for each in options.partial if "|" not in each],
    )
    one = completed(written, written.groups, replace(plain, equal=(), partial=()))
    found = read(data, one.observed, (), group=group, frequency=frequency, fiml=pairwise)
    answered = _coded(found, one.observed)
    answers = tuple(polychoric(each) for each in answered)
    labels = tuple(each.label for each in found)
    made = _with_thresholds(completed(written, len(found), plain), answers, answered[0], options)
    p = len(made.observed)
    groups = tuple(
        replace(each, mean=np.zeros(p), covariance=own.corr) for each, own in zip(found, answers, strict=True)
    )
    samples = tuple(
        Statistics(own.statistics, polychoric_covariance(each, own), own.n)
        for each, own in zip(answered, answers, strict=True)
    )
    bound = bind(made, groups)
    cuts = [cut_of(made, bound, g) for g in range(len(groups))]
    left = np.unique(np.concatenate([each.residual for each in cuts]))
    kept = np.setdiff1d(np.arange(len(bound.names)), left)
    fit = _solved(made, bound, cuts, kept, samples)
    first = np.zeros(len(bound.names))
    first[kept] = fit.theta
    theta, turned = residuals_left(cuts, first)
    spread = turned[:, kept] @ fit.covariance @ turned[:, kept].T
    states = [state for each in cuts if (state := implied(each.cells, theta)) is not None]
    said = improper(made, bound, theta, states, labels)
    raw = Graded(written, made, bound, groups, labels, answers, samples, fit, theta, spread, states, options, said)
    rule = "answers missing pairwise" if pairwise else "complete answers"
    method = f"{HOW}, {rule}" + (f"; IMPROPER: {said[0]}" if said else "")
    z = intervals.normal_quantile(level)
    return Fit("latent (WLSMV)", written.text, terms(raw, z), _quality(raw), raw, level, method)


def _check(written: Syntax, data: Any, options: LatentOptions) -> None:
    """Refuse what ordered answers do not have."""
    if isinstance(data, Moments) or (isinstance(data, dict) and any(isinstance(x, Moments) for x in data.values())):
        raise ArgumentError("'wlsmv' reads ordered answers, which moments do not tell: give rows or counts.")
    if options.missing == "fiml":
        raise ArgumentError("'wlsmv' takes missing answers 'listwise' or 'pairwise'; 'fiml' goes with 'ml' and 'mlr'.")
    if options.information is not None:
        raise ArgumentError("'wlsmv' has one kind of errors, by the sandwich formula; leave information out.")
    if wrong := [each for each in ("intercepts", "residuals") if each in options.equal]:
        raise ArgumentError(
            f"Ordered answers have no free {listed(wrong)} that could be equal; 'thresholds' stand for the intercepts."
        )
    factors = {each.lhs for each in written.terms if each.op == "=~"}
    for each in options.partial:
        if each.replace(" ", "").endswith("~1") and each.split("~")[0].strip() not in factors:
            raise ArgumentError(f"Ordered answers have no intercept {each!r}; leave thresholds free, such as 'x1|t1'.")
    for term in written.terms:
        where = f"At line {term.line}, character {term.character}: "
        if term.op == "~" and term.rhs not in factors:
            raise ArgumentError(
                f"{where}{term.rhs!r} is a column that explains {term.lhs!r}. 'wlsmv' takes every column as an ordered "
                "answer, which explains nothing by itself, and knows no other causes yet: let a factor explain, or use "
                "'mlr'."
            )
        if term.op == "~~" and term.lhs == term.rhs and term.lhs not in factors:
            raise ArgumentError(
                f"{where}the residual variance of the ordered answers {term.lhs!r} is what the factors leave of 1; "
                "leave it out of the model."
            )
        if term.op == "~1" and term.lhs not in factors:
            raise ArgumentError(
                f"{where}the ordered answers {term.lhs!r} have thresholds and no intercept; leave it out."
            )


def _coded(groups: Sequence[Group], names: Sequence[str]) -> list[Coded]:
    """Answers of each group, in the categories of all groups."""
    whole = np.concatenate([each.x for each in groups if each.x is not None])
    broken = [name for name, column in zip(names, whole.T, strict=True) if (column % 1 > 0).any()]
    if broken:
        raise AnswerError(
            f"{listed(broken)} holds numbers that are not whole. 'wlsmv' takes ordered answers, numbered 1, 2, 3 or "
            "so, in every column; a mix of ordered and continuous columns is not offered: cut these, or use 'mlr'."
        )
    missing = int(np.nanmin(whole)) - 1
    every = coded(np.where(np.isnan(whole), missing, whole), names=names, missing=missing)
    found = []
    for each in groups:
        assert each.x is not None
        x = np.where(np.isnan(each.x), missing, each.x)
        where = f"group {each.label!r}" if each.label else ""
        found.append(coded(x, each.many, every.levels, names=names, missing=missing, where=where))
    return found


def _with_thresholds(made: Table, answers: Sequence[Polychoric], items: Coded, options: LatentOptions) -> Table:
    """The table with thresholds for intercepts, and scales that equal thresholds set free after the first group."""
    equal = "thresholds" in options.equal and made.n_groups > 1
    known = [f"{name}|t{k}" for name, size in zip(made.observed, items.sizes, strict=True) for k in range(1, size)]
    apart = {each.replace(" ", "") for each in options.partial if "|" in each}
    for each in apart.difference(known):
        raise ArgumentError(unknown("threshold to leave free", each, known))
    compared = any(row.op == "~1" and row.free and row.lhs in made.latent for row in made.rows)
    rows: list[Row] = []
    for g, own in enumerate(answers):
        for row in (each for each in made.rows if each.group == g):
            if row.op == "~~" and row.lhs == row.rhs and row.lhs in made.observed:
                rows.append(replace(row, value=nan, free=True))
            elif row.op != "~1" or (row.lhs in made.latent and (compared or row.value != 0)):
                rows.append(row)
        for name, start in zip(known, own.thresholds, strict=True):
            item, number = name.rsplit("|", 1)
            label = f".{name}" if equal and name not in apart else ""
            rows.append(Row("|", item, number, g, nan, True, label, float(start)))
        if equal and g:
            rows += [Row("~*~", name, name, g, nan, True, start=1.0) for name in made.observed]
    return replace(made, rows=tuple(rows), means=True)


def cut_of(made: Table, bound: Bound, g: int) -> Cut:
    """The index arrays of one group."""
    p = len(made.observed)
    own = np.array([row.group == g for row in made.rows])
    kind, i, j = bound.place.T
    of = np.flatnonzero(own & (kind == THRESHOLD))
    scale, residual = np.full(p, -1), np.full(p, -1)
    free = np.flatnonzero(own & (kind == SCALE))
    scale[i[free]] = bound.at[free]
    rest = np.flatnonzero(own & (kind == COVARIANCE) & (i == j) & (i < p))
    residual[i[rest]] = bound.at[rest]
    return Cut(bound.groups[g], i[of], bound.at[of], scale, residual)


def _solved(
    made: Table, bound: Bound, cuts: Sequence[Cut], kept: np.ndarray, samples: Sequence[Statistics]
) -> WeightedFit:
    """The fit, from a second start where the first leads nowhere."""
    whole = np.zeros(len(bound.names))

    def model(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole[kept] = at
        value, slope = expected(cuts, whole)
        return value, slope[:, kept]

    names = [bound.names[k] for k in kept]
    failed: ModelError | None = None
    for spread in _SPREADS:
        try:
            return weighted_fit(samples, model, starts(made, bound, spread)[kept], names=names)
        except ModelError as error:
            failed = failed or error
    assert failed is not None
    raise failed


def _quality(found: Graded) -> dict[str, float]:
    """Sizes, chi-square plain and adjusted, and indices, on lavaan's scale."""
    n, groups, fit = found.n, len(found.groups), found.fit
    df, chi2, adjusted = fit.df, fit.chi2 if fit.df else 0.0, fit.adjusted
    base = _baseline(found)
    base_df, base_chi2 = base.df, base.chi2
    out: dict[str, float] = {"n": n, "n_missing": sum(each.n_missing for each in found.groups)}
    out |= {"n_parameters": len(fit.theta), "df": df, "chi2": chi2, "p": indices.chi2_p(chi2, df)}
    out |= {"chi2_baseline": base_chi2, "df_baseline": base_df}
    out |= _indices(chi2, df, base_chi2, base_df, n - groups, groups, "")
    out["srmr"] = _srmr(found)
    scaled = 0.0
    if adjusted is None:
        out |= {"scaling": nan, "shift": nan, "chi2_scaled": scaled, "p_scaled": nan}
    else:
        scaled = adjusted.chi2
        out |= {"scaling": adjusted.scale, "shift": adjusted.shift, "chi2_scaled": scaled, "p_scaled": adjusted.p}
    if base.adjusted is not None:
        out |= {"chi2_baseline_scaled": base.adjusted.chi2, "scaling_baseline": base.adjusted.scale}
        out |= _indices(scaled, df, base.adjusted.chi2, base_df, n - groups, groups, "_scaled")
    out["n_empty_pairs"] = sum(len(each.empty) for each in found.answers)
    out["n_cautions"] = len(found.cautions)
    return out


def _indices(chi2: float, df: int, base: float, base_df: int, n: int, groups: int, kind: str) -> dict[str, float]:
    """CFI, TLI and RMSEA of a chi-square."""
    low, high = indices.rmsea_bounds(chi2, df, n, groups)
    return {
        f"cfi{kind}": indices.cfi(chi2, df, base, base_df), f"tli{kind}": indices.tli(chi2, df, base, base_df),
        f"rmsea{kind}": indices.rmsea(chi2, df, n, groups), f"rmsea{kind}_low": low, f"rmsea{kind}_high": high,
        f"p_close{kind}": indices.rmsea_close(chi2, df, n, groups),
    }  # fmt: skip


def _baseline(found: Graded) -> WeightedFit:
    """The model of thresholds alone, in which nothing correlates."""
    parts = [np.arange(len(s.value)) < len(a.thresholds) for s, a in zip(found.samples, found.answers, strict=True)]
    basis = np.eye(sum(len(each) for each in parts))[:, np.concatenate(parts)]
    return weighted_fit(found.samples, lambda at: (basis @ at, basis), np.zeros(basis.shape[1]))


def _srmr(found: Graded) -> float:
    """Root mean square of the residual correlations, over the diagonal too; of groups by their sizes."""
    total, end = 0.0, 0
    for sample, answers in zip(found.samples, found.answers, strict=True):
        t, p = len(answers.thresholds), len(answers.corr)
        gap = (sample.value - found.fit.implied[end : end + len(sample.value)])[t:]
        total += sample.n / found.n * float(np.sqrt((gap**2).sum() / (p * (p + 1) / 2)))
        end += len(sample.value)
    return total
