"""Lavaan's stored models of ordered answers, their data, and how a `Fit` is held against them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.models import LatentOptions, latent
from cxuxlib.results import Fit
from tests.structural_reference import FIGURES, key, table

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "wlsmv.json").read_text(encoding="utf-8"))
KINDS = {"lv.variances": "latent_variances", "lv.covariances": "latent_covariances"}
RESCALED = {
    "rmsea.scaled": "rmsea_scaled", "rmsea.ci.lower.scaled": "rmsea_scaled_low",
    "rmsea.pvalue.scaled": "p_close_scaled", "rmsea.ci.upper.scaled": "rmsea_scaled_high",
}  # fmt: skip


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    """Rows, with -1 for no answer."""
    columns = zip(case["names"], case["rows"], strict=True)
    frame = pd.DataFrame({name: np.array(values, dtype=float) for name, values in columns})
    frame = frame.mask(frame == -1)
    return frame.assign(shop=case["shop"]) if case.get("shop") else frame


def options_of(case: dict[str, Any]) -> LatentOptions:
    equal = tuple(KINDS.get(each, each) for each in case["equal"])
    return LatentOptions(missing=case["missing"], std_lv=case["std_lv"], equal=equal, partial=tuple(case["partial"]))


def fitted(case: dict[str, Any]) -> Fit:
    """The stored model of the stored data, fitted here."""
    group = "shop" if case.get("shop") else None
    return latent(case["model"], frame_of(case), estimator="wlsmv", group=group, options=options_of(case))


def written(term: str) -> str:
    """A term as it is written here; the sides of a covariance in one order."""
    left, op, right = (*term.split(), "")[:3]
    return f"{left}|{right}" if op == "|" else term if op == "~*~" else key(term)


def held(own: dict[tuple[str, int], tuple[float, float]], stored: dict[str, Any], kind: str) -> int:
    """Values and errors to 1e-5; how many were there. What lavaan lists as 0 or 1 and is no parameter is left out."""
    names = ("terms", "group", "est", "se") if kind == "raw" else ("std_terms", "std_group", "std", "std_se")
    found = 0
    for term, group, value, error in zip(*(stored[name] for name in names), strict=True):
        at = (written(term), max(group, 1))
        if at not in own and error in (None, 0) and (" ~1 " in f"{term} " or "~*~" in term):
            assert value == (1 if "~*~" in term else 0)
            continue
        found += 1
        assert own[at][0] == pytest.approx(value, rel=1e-5, abs=1e-5), at
        left, op, right = (*term.split(), "")[:3]
        if not (
            kind == "raw" and op == "~~" and left == right and left in stored["names"]
        ):  # lavaan gives these no raw error
            assert own[at][1] == pytest.approx(error or 0.0, rel=1e-5, abs=1e-5), at
    return found


def check(fit: Fit, stored: dict[str, Any], labels: list[str]) -> None:
    """Estimates, errors, standardised solution and figures, to 1e-5."""
    for kind, kinds in (("raw", None), ("standard", {"std_all"})):
        own = table(fit, kinds, labels)
        assert held(own, stored, kind) == len(own)
    for name, value in stored["fit"].items():
        if isinstance(value, int | float):
            assert fit.quality[(FIGURES | RESCALED)[name]] == pytest.approx(value, rel=1e-5, abs=1e-5), name
    if isinstance(stored["shift"], float):
        assert fit.quality["shift"] == pytest.approx(stored["shift"], rel=1e-5)
