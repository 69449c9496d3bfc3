"""Latent models: from syntax and data to a `Fit`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cxuxlib.errors import ArgumentError, unknown
from cxuxlib.models.structural.errors import cautions, covariance
from cxuxlib.models.structural.fitting import Latent, completed, solve, unidentified
from cxuxlib.models.structural.graded import latent_ordered
from cxuxlib.models.structural.judging import quality
from cxuxlib.models.structural.language import parse
from cxuxlib.models.structural.options import ESTIMATORS, Estimator, LatentOptions, check_options
from cxuxlib.models.structural.reading import read
from cxuxlib.models.structural.reporting import terms
from cxuxlib.results import Fit
from cxuxlib.stats import intervals

__all__ = ["latent"]

_PLAIN = LatentOptions()


def latent(
    syntax: str,
    data: Any,
    *,
    estimator: Estimator = "ml",
    group: str | None = None,
    frequency: str | None = None,
    level: float = 0.95,
    options: LatentOptions = _PLAIN,
) -> Fit:
    """Fit a confirmatory factor model or a structural equation model to numbers or to ordered answers.

    Maximum likelihood minimises F = ln|Σ(θ)| + tr(SΣ(θ)⁻¹) + (ȳ - μ)'Σ⁻¹(ȳ - μ) over the parameters; χ² = n (F - F of
    the saturated model), with S divided by n. A model is written as "UX =~ easy + fast" (is measured by), "CX ~ UX"
    (depends on), "a ~~ b" (vary together), "x ~ 1" (intercept), "ab := a * b" (is defined as); "0.5*x" fixes, "NA*x"
    frees, "a*x" labels (one label, one parameter), "start(0.5)*x" says where to begin, and "c(1, NA)*x" speaks of the
    first and the second group; names with blanks stand in backquotes. The first loading of a factor is 1, and latent
    causes covary, as in lavaan; moments of observed causes are taken as they are, and a latent cause covaries with an
    observed one only where "f ~~ x" says so, which makes x random.

    "wlsmv" takes every column as ordered answers, whole numbers of which only the order counts: normal variables of
    variance 1 ("delta" parametrisation), cut at thresholds, whose polychoric correlations are fitted by diagonally
    weighted least squares; residual variances are what the factors leave. With thresholds equal over groups, scales and
    latent means are free after the first group. Observed causes and a mix with continuous columns are refused.

    Args:
        syntax: the model, one statement a line or between semicolons; # begins a comment.
        data: one row per unit (any engine), counts (with ``frequency``), `Moments` (of complete rows, without weights),
            or a dict of group to `Moments`.
        estimator: "ml" (normal errors and test), "mlr" (sandwich errors, Yuan-Bentler test) or "mlm" (Satorra-Bentler
            test), which need rows or counts; "wlsmv" for ordered answers, from rows or counts too (sandwich errors,
            mean and variance adjusted test).
        group: column of groups that the model is fitted in together, in the order of their names; a dict has its own.
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.
        options: `LatentOptions`: missing answers, equality over groups, means, scaling.

    Returns:
        A `Fit`: terms of kind loading, path, variance, covariance, intercept and defined; std_all and std_lv for the
        same terms standardised, r2 for explained variables; with "wlsmv" threshold (such as easy|t1) and scale; with
        groups, their name stands behind each term. Quality has chi2 (n convention; chi2_n_minus_1 the other), df, p,
        cfi, tli, rmsea with its 90% interval, srmr, log_likelihood, aic, bic, their scaled and robust kin, and
        n_cautions; "wlsmv" has no likelihood, its test is p_scaled of chi2_scaled (chi2 alone follows no chi-square
        distribution), and n_empty_pairs counts the pairs of items with an empty cell. ``raw.cautions`` says what is
        improper: negative variances, correlations beyond 1, singular information, no convergence, a second-order
        factor of three facets. Without degrees of freedom there is no test (p is NaN).

    Raises:
        ArgumentError, ColumnError, AnswerError, UnitError, SampleError: what is wrong with the model or the data.
        ModelError: covariances that are not positive definite, constant or tied columns, too many parameters;
            with "wlsmv" also parameters that the answers do not tell apart, named, and polychoric correlations of ±1.

    Source: Jöreskog 1969, doi:10.1007/BF02289343; Satorra & Bentler 1994; Yuan & Bentler 2000,
    doi:10.1111/0081-1750.00078; Muthén 1984, doi:10.1007/BF02294210 ("wlsmv"); Rosseel 2012,
    doi:10.18637/jss.v048.i02. Checked against: lavaan 0.6-14.

    >>> from cxuxlib.results import Moments
    >>> names = ("easy", "fast", "clear", "helpful", "polite", "skilled")
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3)))
    >>> moments = Moments(300, names, np.zeros(6), shared + 0.36 * np.eye(6))
    >>> fit = latent("UX =~ easy + fast + clear; CX =~ helpful + polite + skilled", moments)
    >>> fit.terms.query("term == 'UX ~~ CX' and kind == 'std_all'")[["value", "low", "high"]].round(3)
        value    low   high
    29  0.625  0.533  0.717
    """
    z = intervals.normal_quantile(level)
    if estimator not in ESTIMATORS:
        raise ArgumentError(unknown("estimator", estimator, ESTIMATORS))
    check_options(options)
    written = parse(syntax)
    if estimator == "wlsmv":
        return latent_ordered(written, data, group=group, frequency=frequency, level=level, options=options)
    if options.missing == "pairwise" or "thresholds" in options.equal:
        what = "missing='pairwise'" if options.missing == "pairwise" else "'thresholds'"
        raise ArgumentError(f"{what} goes with 'wlsmv', which takes ordered answers; got {estimator!r}.")
    fiml = options.missing == "fiml"
    if fiml and estimator == "mlm":
        raise ArgumentError("'mlm' takes complete answers; use 'mlr' with missing ones.")
    one = completed(written, written.groups, options)
    groups = tuple(read(data, one.observed, one.causes, group=group, frequency=frequency, fiml=fiml))
    made = one if len(groups) == written.groups else completed(written, len(groups), options)
    labels = tuple(each.label for each in groups)
    bound, fit = solve(made, groups)
    spread, how = covariance(fit, estimator, options, fiml)
    loose = unidentified(fit.solution.curve.expected, bound.names)
    if loose:
        spread = np.full_like(spread, np.nan)
    said = cautions(made, bound, fit, spread, labels, loose)
    raw = Latent(written, made, bound, groups, labels, fit, spread, estimator, options, how, said)
    likelihood = "full information maximum likelihood" if raw.fiml else "maximum likelihood"
    method = f"{likelihood}, {how}" + (f"; IMPROPER: {said[0]}" if said else "")
    figures = quality(raw)
    if raw.df and np.isnan(figures.get("chi2_scaled", 0.0)):
        method += "; no scaled test, for its factor is not positive"
    return Fit(f"latent ({estimator.upper()})", written.text, terms(raw, z), figures, raw, level, method)
