"""Lavaan's stored models, their data, and how a `Fit` is held against them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import LatentOptions, latent
from cxuxlib.results import Fit, Moments

STORED = json.loads((Path(__file__).parent / "reference" / "latent.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = STORED["cases"]
PUBLIC: dict[str, Any] = STORED["public"]
THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
FIGURES = {
    "npar": "n_parameters", "chisq": "chi2", "df": "df", "pvalue": "p", "baseline.chisq": "chi2_baseline",
    "baseline.df": "df_baseline", "cfi": "cfi", "tli": "tli", "rmsea": "rmsea", "rmsea.ci.lower": "rmsea_low",
    "rmsea.ci.upper": "rmsea_high", "rmsea.pvalue": "p_close", "srmr": "srmr", "logl": "log_likelihood",
    "unrestricted.logl": "log_likelihood_saturated", "aic": "aic", "bic": "bic",
    "chisq.scaled": "chi2_scaled", "pvalue.scaled": "p_scaled", "chisq.scaling.factor": "scaling",
    "baseline.chisq.scaled": "chi2_baseline_scaled", "baseline.chisq.scaling.factor": "scaling_baseline",
    "cfi.scaled": "cfi_scaled", "tli.scaled": "tli_scaled", "rmsea.scaled": "rmsea_scaled",
    "rmsea.ci.lower.scaled": "rmsea_scaled_low", "rmsea.ci.upper.scaled": "rmsea_scaled_high",
    "cfi.robust": "cfi_robust", "tli.robust": "tli_robust", "rmsea.robust": "rmsea_robust",
    "rmsea.ci.lower.robust": "rmsea_robust_low", "rmsea.ci.upper.robust": "rmsea_robust_high",
}  # fmt: skip


def moments(stored: dict[str, Any]) -> Moments:
    return Moments(
        stored["n"], tuple(stored["names"]), np.array(stored["means"], dtype=float), np.array(stored["covariance"])
    )


HOLZINGER, DEMOCRACY = moments(PUBLIC["holzinger"]), moments(PUBLIC["democracy"])
SCHOOLS = {name: moments(each) for name, each in PUBLIC["schools"].items()}


def frame_of(stored: dict[str, Any]) -> pd.DataFrame:
    """Rows were stored as thousandths."""
    columns = zip(stored["names"], stored["rows"], strict=True)
    frame = pd.DataFrame({name: np.array(values, dtype=float) / 1000 for name, values in columns})
    return frame.assign(shop=stored["shop"]) if stored.get("shop") else frame


def fitted(case: dict[str, Any]) -> Fit:
    """The stored model of the stored data, fitted here."""
    options = LatentOptions(
        missing="fiml" if case["missing"] else "listwise", meanstructure=case["means"], std_lv=case["bifactor"],
        orthogonal=case["bifactor"], information=case.get("information") or None, equal=tuple(case["equal"]),
    )  # fmt: skip
    group = "shop" if case.get("shop") else None
    return latent(case["model"], frame_of(case), estimator=case["estimator"], group=group, options=options)


def key(term: str) -> str:
    """A term as it is written here; the sides of a covariance in one order."""
    parts = term.split()
    if parts[1] == "~1":
        return f"{parts[0]} ~ 1"
    if parts[1] == "~~":
        return f"{min(parts[0], parts[2])} ~~ {max(parts[0], parts[2])}"
    return term if parts[1] != ":=" else parts[0]


def table(fit: Fit, kinds: set[str] | None, labels: list[str]) -> dict[tuple[str, int], tuple[float, float]]:
    """Value and error by term and group."""
    found = {}
    for row in fit.terms.itertuples():
        if (row.kind in ("std_all", "std_lv", "r2")) if kinds is None else (row.kind not in kinds):
            continue
        name = row.term.split(" [")[0]
        group = labels.index(row.group) + 1 if labels and row.group else 1
        found[key(name) if " " in name else name, group] = (row.value, row.std_error)
    return found


def check(fit: Fit, stored: dict[str, Any], labels: list[str], rel: float = 1e-5) -> None:
    """Estimates, errors, standardised solution and figures, to ``rel``."""
    own = table(fit, None, labels)
    for term, group, value, error in zip(stored["terms"], stored["group"], stored["est"], stored["se"], strict=True):
        at = (key(term), max(group, 1))
        assert own[at][0] == pytest.approx(value, rel=rel, abs=rel), at
        assert own[at][1] == pytest.approx(error or 0.0, rel=rel, abs=rel), at
    own = table(fit, {"std_all"}, labels)
    rows = zip(stored["std_terms"], stored["std_group"], stored["std"], stored["std_se"], strict=True)
    for term, group, value, error in rows:
        at = (key(term), max(group, 1))
        assert own[at][0] == pytest.approx(value, rel=rel, abs=rel), at
        assert own[at][1] == pytest.approx(error or 0.0, rel=rel, abs=rel), at
    for name, value in stored["fit"].items():
        if isinstance(value, int | float):
            assert fit.quality[FIGURES[name]] == pytest.approx(value, rel=rel, abs=rel), name
