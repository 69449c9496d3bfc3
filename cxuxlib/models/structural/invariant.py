"""Do groups answer the same questions in the same way? Measurement invariance, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import Estimator, LatentOptions, check_options
from cxuxlib.results import Fit, Moments

__all__ = ["invariance"]

STEPS = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
_PLAIN = LatentOptions()


def invariance(
    syntax: str,
    data: Any,
    *,
    group: str | None = None,
    estimator: Estimator = "ml",
    frequency: str | None = None,
    options: LatentOptions = _PLAIN,
) -> pd.DataFrame:
    """Fit a measurement model in several groups under ever more equalities, and test each step.

    Configural: the same items measure the same things. Metric: loadings are equal, so that relations compare. Scalar:
    intercepts too, so that latent means compare. Strict: residual variances too, so that scores compare. Beside the
    test of each step stand the fall in CFI (a fall beyond .01 speaks against the step; Cheung & Rensvold 2002) and the
    RMSEA of the difference with its interval.

    Args:
        syntax: a measurement model in the language of `latent`.
        data: one row per unit (any engine), counts (with ``frequency``), or a dict of group to `Moments`.
        group: column of the groups; a dict names them itself.
        estimator: "ml", "mlr" or "mlm"; the last two scale the tests.
        frequency: column that says how many units a row stands for.
        options: `LatentOptions`; ``partial`` names terms that stay free in all steps.

    Returns:
        One row per step: step, chi2, df, p, cfi, rmsea, srmr, difference_chi2, difference_df, difference_p, delta_cfi,
        rmsea_difference, rmsea_difference_low, rmsea_difference_high, n, n_missing, n_cautions, method. The first step
        has no difference (NaN). With "mlr" and "mlm" cfi and rmsea are the robust ones; with missing answers, which
        have none, the plain ones. A search that did not converge leaves the difference without a test.

    Raises:
        ArgumentError: no groups, or equalities among the options. Else what `latent` raises.

    Source: Meredith 1993, doi:10.1007/BF02294825; Cheung & Rensvold 2002, doi:10.1207/S15328007SEM0902_5.
    Checked against: lavaan (Holzinger, by school).

    >>> import numpy as np
    >>> from cxuxlib.results import Fit, Moments
    >>> shared = np.kron(np.eye(2) * 0.24 + 0.40, np.ones((3, 3))) + 0.36 * np.eye(6)
    >>> shop = Moments(300, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6), shared)
    >>> web = Moments(200, shop.names, np.array([0.3, 0.3, 0.9, 0.2, 0.2, 0.2]), shared)
    >>> found = invariance("UX =~ u1 + u2 + u3; CX =~ c1 + c2 + c3", {"shop": shop, "web": web})
    >>> dict(zip(found["step"], found["difference_p"] < 0.05))
    {'configural': False, 'metric': False, 'scalar': True, 'strict': False}
    """
    check_options(options)
    if options.equal:
        raise ArgumentError("The steps say what is equal; leave options.equal empty (partial says what stays free).")
    if group is None and (isinstance(data, Moments) or not isinstance(data, dict)):
        raise ArgumentError("Invariance is between groups: name their column in group, or give a dict of Moments.")
    if estimator == "wlsmv":
        raise ArgumentError(
            "The steps of ordered answers ('wlsmv') go by thresholds and are not offered yet; fit them by "
            "latent(..., LatentOptions(equal=['loadings', 'thresholds']))."
        )
    rows: list[dict[str, object]] = []
    before: Fit | None = None
    for step, equal in STEPS.items():
        known = set() if not equal else set(options.partial)
        own = replace(options, equal=equal, partial=tuple(sorted(known)))
        fit = latent(syntax, data, estimator=estimator, group=group, frequency=frequency, options=own)
        rows.append(step_row(step, fit, before))
        before = fit
    return pd.DataFrame(rows)


def step_row(step: str, fit: Fit, before: Fit | None) -> dict[str, object]:
    """One row of the table of steps: how a model fits, and how much worse than the step before."""
    q = fit.quality
    scaled = "chi2_scaled" in q
    row: dict[str, object] = {
        "step": step, "chi2": q["chi2_scaled" if scaled else "chi2"], "df": int(q["df"]),
        "p": q["p_scaled" if scaled else "p"], "cfi": q.get("cfi_robust", q["cfi"]),
        "rmsea": q.get("rmsea_robust", q["rmsea"]), "srmr": q["srmr"],
    }  # fmt: skip
    names = ("chi2", "df", "p")
    if before is None:
        row |= {f"difference_{name}": float("nan") for name in names} | {"delta_cfi": float("nan")}
        row |= {f"rmsea_difference{end}": float("nan") for end in ("", "_low", "_high")}
        told = "no step before it"
    else:
        test = nested(fit, before).iloc[0]
        row |= {f"difference_{name}": test[name] for name in names}
        row["delta_cfi"] = q.get("cfi_robust", q["cfi"]) - before.quality.get("cfi_robust", before.quality["cfi"])
        row |= {f"rmsea_difference{end}": test[f"rmsea{end}"] for end in ("", "_low", "_high")}
        told = str(test["method"])
    row |= {"n": int(q["n"]), "n_missing": int(q["n_missing"]), "n_cautions": int(q["n_cautions"]), "method": told}
    return row
