"""Two models of the same data, one a special case of the other: is the simpler one worse?"""

from __future__ import annotations

from math import nan
from typing import Literal

import numpy as np
import pandas as pd
from scipy.linalg import null_space

from cxuxlib.errors import ArgumentError
from cxuxlib.models.structural.binding import moments_of
from cxuxlib.models.structural.errors import parts_of
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.results import Fit
from cxuxlib.stats.sem import indices
from cxuxlib.stats.sem.moments import inverted, meat_of_moments
from cxuxlib.stats.sem.paths import delta

__all__ = ["nested"]

Method = Literal["plain", "satorra-bentler 2001", "satorra 2000"]
_ROUNDING = 1e-6  # of a difference of chi-squares that is 0
METHODS = ("plain", "satorra-bentler 2001", "satorra 2000")


def nested(restricted: Fit, full: Fit, *, method: Method | None = None) -> pd.DataFrame:
    """Test whether a restricted model fits worse than a fuller one of the same data.

    The difference of the two χ² on the difference of their df. With "mlm" and "mlr" it is divided by its own scaling
    factor: (df₀c₀ - df₁c₁)/(df₀ - df₁) ("satorra-bentler 2001"), or the trace at the fuller model ("satorra 2000"),
    which is never negative but takes complete answers. The RMSEA of the difference is √(c (Δχ² - Δdf)/(n Δdf) · groups)
    with the scaling factor c of the difference, 1 for "ml".

    Args:
        restricted: fit of the model with fewer parameters.
        full: fit of the model with more.
        method: "plain", "satorra-bentler 2001" or "satorra 2000"; None: plain for "ml", 2001 for the others.

    Returns:
        One row: chi2, df, p, scaling, rmsea, rmsea_low, rmsea_high (90%), delta_cfi (restricted minus full), delta_aic,
        delta_bic, n, method. Without a test p is NaN, without a difference of AIC and BIC so are these, and method
        says why: a scaling factor below zero, a search that did not converge, causes that only one model estimates.

    Raises:
        ArgumentError: fits of other data, or of models that are not nested by their degrees of freedom.

    Source: Satorra 2000, doi:10.1007/978-1-4615-4603-0_17; Satorra & Bentler 2001, doi:10.1007/BF02296192; Savalei,
    Brace & Fouladi 2024, doi:10.1037/met0000537 (RMSEA of the difference). Checked against: lavaan's lavTestLRT
    (with scaled.shifted=FALSE for "satorra 2000").

    >>> from cxuxlib.models.structural.estimating import latent
    >>> from cxuxlib.results import Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> moments = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> two = latent("UX =~ u1 + u2 + u3; CX =~ c1 + c2 + c3", moments)
    >>> one = latent("X =~ u1 + u2 + u3 + c1 + c2 + c3", moments)
    >>> nested(one, two)[["chi2", "df", "p"]].round(3)
          chi2  df    p
    0  175.125   1  0.0
    """
    small, big = raw_of(restricted), raw_of(full)
    if (small.n, small.table.observed and set(small.table.observed)) != (big.n, set(big.table.observed)):
        raise ArgumentError("The two fits are of other units or other columns; a test needs the same data.")
    if not _same_data(small, big):
        raise ArgumentError("The two fits are of other groups or other answers; a test needs the same data.")
    if small.estimator != big.estimator:
        raise ArgumentError(f"One fit is by {small.estimator!r}, the other by {big.estimator!r}; fit both alike.")
    df, chi2 = small.df - big.df, restricted.quality["chi2"] - full.quality["chi2"]
    if df <= 0:
        raise ArgumentError(
            f"The restricted model has {small.df} degrees of freedom, the full one {big.df}: the first must have more."
        )
    method = method or ("plain" if small.estimator == "ml" else "satorra-bentler 2001")
    if method not in METHODS:
        raise ArgumentError(f"method is one of {METHODS}; got {method!r}.")
    if method != "plain" and small.estimator == "ml":
        raise ArgumentError("A scaled difference needs fits by 'mlm' or 'mlr'.")
    scale, told = 1.0, f"difference of chi-squares, {method}"
    if method == "satorra-bentler 2001":
        weighed = big.df * full.quality["scaling"] if big.df else 0.0
        scale = (small.df * restricted.quality["scaling"] - weighed) / df
    elif method == "satorra 2000":
        scale = restriction_trace(small, big) / df
    if not scale > 0:
        scale, told = nan, f"{told}: the scaling factor is not positive, so there is no test; use 'satorra 2000'"
    chi2 = chi2 / scale
    stopped = [name for name, each in (("restricted", small), ("full", big)) if not each.fit.solution.converged]
    if stopped:
        scale, told = nan, f"{told}: no test, for the search for the {stopped[0]} model did not converge"
    elif chi2 < 0:
        if chi2 < -_ROUNDING:
            scale, told = nan, f"{told}: the restricted model fits better than the full one, whose search stopped early"
        chi2 = 0.0 if chi2 >= -_ROUNDING else chi2
    groups, alike = len(small.groups), set(small.table.causes) == set(big.table.causes)
    if not alike:
        told = f"{told}; no difference of AIC and BIC: one likelihood is given causes that the other models"
    low, high = indices.rmsea_bounds(chi2, df, small.n, groups, scale) if scale == scale else (nan, nan)
    return pd.DataFrame([{
        "chi2": chi2, "df": df, "p": indices.chi2_p(chi2, df) if scale == scale else nan, "scaling": scale,
        "rmsea": indices.rmsea(chi2 * scale, df, small.n, groups, scale) if scale == scale else nan, "rmsea_low": low,
        "rmsea_high": high, "delta_cfi": restricted.quality["cfi"] - full.quality["cfi"],
        "delta_aic": restricted.quality["aic"] - full.quality["aic"] if alike else nan,
        "delta_bic": restricted.quality["bic"] - full.quality["bic"] if alike else nan, "n": small.n, "method": told,
    }])  # fmt: skip


def _same_data(small: Latent, big: Latent) -> bool:
    """Whether two fits are of the same groups and of the same covariances, of answers that are there."""
    if len(small.groups) != len(big.groups):
        return False
    at = [small.table.observed.index(name) for name in big.table.observed]
    for a, b in zip(small.groups, big.groups, strict=True):
        (_, own), (_, other) = moments_of(a), moments_of(b)
        if not np.allclose(own[np.ix_(at, at)], other, rtol=1e-9, atol=1e-12 * float(np.abs(own).max())):
            return False
    return True


def restriction_trace(small: Latent, big: Latent) -> float:
    """tr(VΓVΔ P A'(APA')⁻¹AP Δ') at the fuller model, with A the restrictions that lead to the smaller one."""
    if big.fiml:
        raise ArgumentError("'satorra 2000' takes complete answers; use 'satorra-bentler 2001'.")
    order = [small.table.observed.index(name) for name in big.table.observed]
    if order != sorted(order):
        raise ArgumentError("Name the items in the same order in both models for 'satorra 2000'.")
    wide = _stacked(big)
    into = np.linalg.lstsq(wide, _stacked(small), rcond=None)[0]
    restrictions = null_space(into.T).T
    which = "observed" if big.estimator == "mlr" else "expected"
    information = big.fit.observed if which == "observed" else big.fit.solution.curve.expected
    inverse = inverted(information)
    through = restrictions @ inverse
    middle = through.T @ np.linalg.pinv(through @ restrictions.T) @ through
    return float(np.trace(meat_of_moments(parts_of(big.fit)) @ middle))


def _stacked(found: Latent) -> np.ndarray:
    """Derivative of the moments of all groups."""
    parts = [
        delta(cells, state, len(found.theta)) for cells, state in zip(found.fit.cells, found.fit.states, strict=True)
    ]
    return np.vstack(parts)
