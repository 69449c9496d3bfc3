"""How well a latent model fits: the figures of `Fit.quality`, on lavaan's scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log, nan, pi

import numpy as np

from cxuxlib.models.structural.errors import parts_of
from cxuxlib.models.structural.fitting import Latent, Normal, available, fit_normal, statistics
from cxuxlib.models.structural.reading import Group
from cxuxlib.stats.sem import indices
from cxuxlib.stats.sem.moments import bread, inverted, scaled_trace
from cxuxlib.stats.sem.paths import COVARIANCE, INTERCEPT, Cells

_ROUNDING = 1e-8  # of a discrepancy: what rounding leaves where the model has every moment


def quality(found: Latent) -> dict[str, float]:
    """Sizes, chi-square, indices, likelihood and information criteria."""
    n, k, groups = found.n, len(found.theta), len(found.groups)
    p, q = len(found.table.observed), len(found.causes)
    best, df = floor(found), found.df
    chi2 = max(n * (found.fit.solution.curve.value - best), 0.0)
    if df == 0 and chi2 < _ROUNDING * n:
        chi2 = 0.0
    out: dict[str, float] = {"n": n, "n_missing": sum(each.n_missing for each in found.groups)}
    p_value = indices.chi2_p(chi2, df) if found.fit.solution.converged else nan
    out |= {"n_parameters": k, "df": df, "chi2": chi2, "p": p_value}
    if groups == 1:
        out["chi2_n_minus_1"] = chi2 * (n - 1) / n
    base_df = statistics(p, q, found.table) - groups * (p - q) * (1 + found.table.means)
    base, base_value = baseline(found)
    base_chi2 = max(n * (base_value - best), 0.0)
    out |= {"chi2_baseline": base_chi2, "df_baseline": base_df}
    out |= {"cfi": indices.cfi(chi2, df, base_chi2, base_df), "tli": indices.tli(chi2, df, base_chi2, base_df)}
    low, high = indices.rmsea_bounds(chi2, df, n, groups)
    out |= {"rmsea": indices.rmsea(chi2, df, n, groups), "rmsea_low": low, "rmsea_high": high}
    out["p_close"] = indices.rmsea_close(chi2, df, n, groups)
    out["srmr"] = srmr(found)
    out["log_likelihood"] = log_likelihood(found)
    out["log_likelihood_saturated"] = out["log_likelihood"] + chi2 / 2
    out["aic"], out["bic"] = indices.information_criteria(out["log_likelihood"], k, n)
    if found.estimator != "ml":
        out |= scaled(found, chi2, df, base, base_chi2, base_df)
    out["n_cautions"] = len(found.cautions)
    return out


def floor(found: Latent) -> float:
    """The discrepancy of the saturated model."""
    if found.fiml:
        return found.best.solution.curve.value
    covariances = [each.covariance for each in found.groups if each.covariance is not None]
    p = len(found.table.observed)
    parts = [
        each.n / found.n * (np.linalg.slogdet(s)[1] + p) for each, s in zip(found.groups, covariances, strict=True)
    ]
    return float(sum(parts))


def baseline(found: Latent) -> tuple[Normal | None, float]:
    """The model in which nothing varies with anything, but causes among themselves; and its discrepancy."""
    if not found.fiml and found.estimator == "ml":
        value = 0.0
        for each in found.groups:
            s, q = each.covariance, found.causes
            assert s is not None
            rest = np.delete(np.diag(s), q)
            value += (
                each.n / found.n * (np.log(rest).sum() + len(s) + (np.linalg.slogdet(s[np.ix_(q, q)])[1] if q else 0))
            )
        return None, float(value)
    cells, parts, at = [], [], 0
    for each in found.groups:
        own, theta = unrelated(each, found.causes, found.table.means)
        cells.append(replace(own, at=own.at + at))
        parts.append(theta)
        at += len(theta)
    base = fit_normal(cells, found.groups, found.table.means, np.concatenate(parts), found.causes)
    assert base is not None
    return base, base.solution.curve.value


def unrelated(group: Group, causes: Sequence[int], means: bool) -> tuple[Cells, np.ndarray]:
    """Variances and means as parameters; causes keep their moments."""
    mean, covariance = available(group, causes) if group.covariance is None else (group.mean, group.covariance)
    assert mean is not None
    p = len(mean)
    own = np.array([k for k in range(p) if k not in causes], dtype=int)
    fixed = np.zeros((p, p))
    fixed[np.ix_(causes, causes)] = covariance[np.ix_(causes, causes)]
    first = own if means else own[:0]
    kind = np.concatenate([np.full(len(first), INTERCEPT), np.full(len(own), COVARIANCE)])
    place = np.concatenate([first, own])
    base = mean.copy() if means else np.zeros(p)
    theta = np.concatenate([mean[first], np.diag(covariance)[own]])
    return Cells(np.zeros((p, p)), fixed, base, p, kind, place, place, np.arange(len(kind)), means), theta


def srmr(found: Latent) -> float:
    """Mean of the groups' residuals, by their sizes."""
    total = 0.0
    for g, (each, state) in enumerate(zip(found.groups, found.fit.states, strict=True)):
        if each.covariance is None:
            best = found.best.states[g]
            mean, covariance = best.mu, best.sigma
        else:
            assert each.mean is not None
            mean, covariance = each.mean, each.covariance
        means = (mean, state.mu) if found.table.means else None
        total += each.n / found.n * indices.srmr(covariance, state.sigma, means)
    return total


def log_likelihood(found: Latent) -> float:
    """Normal log-likelihood, given the causes."""
    seen = sum(
        block.n * (len(found.table.observed) if block.at is None else len(block.at))
        for each in found.groups
        for block in each.blocks
    )
    value = -0.5 * (found.n * found.fit.solution.curve.value + seen * log(2 * pi))
    q = found.causes
    if q:
        for state, each in zip(found.fit.states, found.groups, strict=True):
            logdet = float(np.linalg.slogdet(state.sigma[np.ix_(q, q)])[1])
            value += 0.5 * each.n * (logdet + len(q) * (1 + log(2 * pi)))
    return value


def scaled(
    found: Latent, chi2: float, df: int, base: Normal | None, base_chi2: float, base_df: int
) -> dict[str, float]:
    """Chi-square divided by its scaling factor, and the indices that hold where answers are not normal.

    "mlr": (tr(A₁⁻¹B₁) - tr(A₀⁻¹B₀))/df (Yuan & Bentler 2000, as Mplus has it); "mlm": tr(UΓ)/df (Satorra & Bentler
    1994); the interval of the scaled RMSEA is of the plain chi-square with the factor times df. Robust CFI, TLI and
    RMSEA take the scaling factor off (Brosseau-Liard & Savalei 2014) and need complete answers.
    """
    assert base is not None
    n, groups = found.n, len(found.groups)
    if not df:
        return {"scaling": nan, "chi2_scaled": 0.0, "p_scaled": nan}
    factor = scaling(found.fit, df, found)
    base_factor = scaling(base, base_df, found)
    if not (factor > 0 and base_factor > 0):  # the scores spread as no distribution would have them: no scaled test
        return {"scaling": factor, "scaling_baseline": base_factor, "chi2_scaled": nan, "p_scaled": nan}
    out = {"scaling": factor, "chi2_scaled": chi2 / factor}
    out["p_scaled"] = indices.chi2_p(out["chi2_scaled"], df)
    base_scaled = base_chi2 / base_factor
    out |= {"chi2_baseline_scaled": base_scaled, "scaling_baseline": base_factor}
    out["cfi_scaled"] = indices.cfi(out["chi2_scaled"], df, base_scaled, base_df)
    out["tli_scaled"] = indices.tli(out["chi2_scaled"], df, base_scaled, base_df)
    out["rmsea_scaled"] = indices.rmsea(out["chi2_scaled"], df, n, groups)
    low, high = indices.rmsea_bounds(chi2, df * factor, n, groups)
    out |= {"rmsea_scaled_low": low, "rmsea_scaled_high": high}
    if found.fiml:
        return out
    rest = factor / base_factor
    out["cfi_robust"] = indices.cfi(out["chi2_scaled"] * rest, df * rest, base_scaled, base_df)
    out["tli_robust"] = 1 - rest * (out["chi2_scaled"] / df - 1) / (base_scaled / base_df - 1)
    out["rmsea_robust"] = indices.rmsea(chi2, df, n, groups, factor)
    low, high = indices.rmsea_bounds(out["chi2_scaled"], df, n, groups, factor)
    out |= {"rmsea_robust_low": low, "rmsea_robust_high": high}
    out["p_close_robust"] = indices.rmsea_close(out["chi2_scaled"], df, n, groups, factor)
    return out


def scaling(fit: Normal, df: int, found: Latent) -> float:
    """Scaling factor of a chi-square."""
    if found.estimator == "mlm":
        parts = parts_of(fit)
        return scaled_trace(parts, inverted(bread(parts))) / df
    return (found.best.robust_trace() - fit.robust_trace()) / df
