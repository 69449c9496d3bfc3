"""The tests behind the claims on leaving: do customers stay for better CX, and leave for worse UX?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxuxlib import text
from cxuxlib.claims.case import GLOBAL_ITEMS, Case
from cxuxlib.claims.evidence import overall_items
from cxuxlib.claims.guards import refuse
from cxuxlib.claims.repeating import careful, held
from cxuxlib.claims.ruling import Evidence
from cxuxlib.claims.scope import STEADY, alpha
from cxuxlib.errors import NotAnswerable, listed
from cxuxlib.frames import columns
from cxuxlib.models import HazardOptions, Landmarks, churn_hazard, landmark, sensitivity
from cxuxlib.results import Estimate, Fit
from cxuxlib.study import names

Array = NDArray[np.float64]

LAST, LEFT = "last_wave", "churned"
_EVENTS = 20  # with fewer the error of a slope is not normal
_RARE = 0.15  # share who left below which hazard ratios are nearly risk ratios
_APART = 0.02  # smallest eigenvalue of error-free correlations below which scores are not told apart


class Calibration(NamedTuple):
    """How the expected error-free states follow from scores: (scores - mean) @ weights, in SD of the states.

    Args:
        mean: of the scores, shape (k,).
        weights: shape (k, k).
        reliability: of each score, shape (k,).
    """

    mean: Array
    weights: Array
    reliability: Array


class AtRisk(NamedTuple):
    """Customers at each wave they answered in, and who left after it.

    Args:
        rows: columns "unit", "until", "left", "asked", and the scores by their names.
        calibration: of these scores, in the order of ``scores``.
        scores: names of the scores.
        silent: times at risk without an answer.
        notes: what to say of the sheets.
    """

    rows: pd.DataFrame
    calibration: Calibration
    scores: tuple[str, ...]
    silent: int
    notes: list[str]


def stays_for_cx(case: Case, level: float) -> Evidence:
    """B5: hazard ratio of leaving per SD of CX, at equal UX where that can be told apart from CX."""
    refuse(case)
    cx, ux = overall_items(case), case.facets.get("UX", [])
    risk, beside = None, "whatever UX is, which was not asked about by 2 items or more"
    if len(ux) > 1:
        try:
            risk, beside = _at_risk(case, {"cx": cx, "ux": ux}), "at equal UX"
        except NotAnswerable as why:
            beside = f"whatever UX is, for at equal UX there is no ratio: {str(why).rstrip('.')}"
    if risk is None:
        risk = _at_risk(case, {"cx": cx})
    return _evidence(
        case, risk, _fitted(risk, level), "cx", [f"Hazard of leaving after a wave on the CX of that wave, {beside}"]
    )


def leaves_for_ux(case: Case, level: float) -> Evidence:
    """B6: hazard ratio of leaving per SD of UX, whatever CX is; at equal CX it is told beside."""
    refuse(case)
    ux = case.facets.get("UX", [])
    if len(ux) < 2:
        raise NotAnswerable(f"UX needs at least 2 items; the study has {listed(ux) if ux else 'none'}.")
    risk = _at_risk(case, {"ux": ux})
    said = ["Hazard of leaving after a wave on the UX of that wave, whatever CX is"]
    if len(case.cx) >= GLOBAL_ITEMS:
        try:
            own = _fitted(_at_risk(case, {"ux": ux, "cx": case.cx}), level).estimate("ux", "hazard ratio")
            said.append(f"at equal CX the ratio is {text.number(own.value, 2)} {text.interval(own.low, own.high, 2)}")
        except NotAnswerable as why:
            said.append(f"at equal CX there is no ratio: {str(why).rstrip('.')}")
    return _evidence(case, risk, _fitted(risk, level), "ux", said)


def calibrated(items: Sequence[Array], called: Sequence[str]) -> Calibration:
    """Regression calibration: E[state | scores] from the items' own error.

    With the scores' covariance S and the states' T = S - diag((1 - reliability) S), E = T S⁻¹ (scores - mean), divided
    by the root of T's diagonal. The reliability of a mean of items is coefficient alpha, and errors of two scores are
    taken for unrelated.

    Args:
        items: of each score, complete answers of the same units, shape (n, items).
        called: names of the scores.

    Returns:
        `Calibration`.

    Raises:
        NotAnswerable: items that do not go together, or states that cannot be told apart.

    Source: Rosner, Spiegelman & Willett 1990, doi:10.1093/oxfordjournals.aje.a115715; Prentice 1982,
    doi:10.1093/biomet/69.2.331 (hazards: where leaving is rare). Checked against: a planted hazard ratio.

    >>> twice = np.repeat(np.array([[1.0], [2.0], [3.0], [4.0]]), 2, axis=1)
    >>> found = calibrated([twice], ["UX"])
    >>> found.reliability.tolist(), found.weights.round(4).tolist()
    ([1.0], [[0.7746]])
    """
    reliability = np.array([alpha(each) for each in items])
    if reliability.min() < STEADY:
        worst = int(reliability.argmin())
        raise NotAnswerable(
            f"The items of {called[worst].upper()} must go together; the reliability of their mean is "
            f"{text.number(float(reliability[worst]), 2)}, below {STEADY}."
        )
    scores = np.column_stack([each.mean(axis=1) for each in items])
    seen = np.atleast_2d(np.cov(scores.T))
    states = seen - np.diag((1 - reliability) * np.diag(seen))
    sd = np.sqrt(np.diag(states))
    least = float(np.linalg.eigvalsh(states / np.outer(sd, sd))[0])
    if least < _APART:
        raise NotAnswerable(
            f"Freed of error, {listed([each.upper() for each in called])} cannot be told apart (smallest eigenvalue of "
            f"their correlations {least:.3f})."
        )
    return Calibration(scores.mean(axis=0), np.linalg.solve(seen, states) / sd, reliability)


def _at_risk(case: Case, scores: Mapping[str, Sequence[str]]) -> AtRisk:
    """Customers with the answers of a wave, and whether they left after it; later answers are not there."""
    items = [item for each in scores.values() for item in each]
    customers = _customers(case)
    table, unit, wave, notes = careful(case, items, 1)
    asked = pd.DataFrame({"unit": table[unit], "asked": table[wave].astype(float)})
    for name, own in scores.items():
        asked[name] = table[list(own)].mean(axis=1, skipna=False)
    asked = asked[asked["unit"].isin(customers["unit"])]
    whole = table[items].notna().all(axis=1)
    first = table[whole & (table[wave] == table[wave].min())]
    if len(first) <= len(items):
        raise NotAnswerable(f"Only {len(first)} units answered all items of {listed(list(scores))} in the first wave.")
    calibration = calibrated([first[list(each)].to_numpy(dtype=float) for each in scores.values()], list(scores))
    at = [each for each in sorted(asked["asked"].unique()) if (customers["until"] > each).any()]
    if not at:
        raise NotAnswerable(f"Nobody answered before their last wave ({LAST!r}) was over.")
    rows = landmark(
        customers, asked, list(scores), unit="unit", duration="until", event="left", measured_at="asked",
        landmarks=Landmarks(at=at, horizon=1, oldest=0),
    )  # fmt: skip
    there = rows[list(scores)].notna().all(axis=1)
    states = (rows[list(scores)].to_numpy(dtype=float) - calibration.mean) @ calibration.weights
    rows = rows.assign(**dict(zip(scores, states.T, strict=True)))
    return AtRisk(rows[there], calibration, tuple(scores), int((~there).sum()), notes)


def _customers(case: Case) -> pd.DataFrame:
    """One row per customer: "unit", "until" (the wave that they are not seen in any more) and "left"."""
    units = names(case.study, role="unit")
    for table in case.study.tables.values():
        unit = next((name for name in units if name in held(table)), None)
        if unit and {LAST, LEFT} <= held(table):
            found = columns(table, [unit, LAST, LEFT])
            break
    else:
        raise NotAnswerable(
            f"This needs who left, and after which wave (columns {LAST!r} and {LEFT!r}, one row per unit); no table "
            "has both."
        )
    if found.isna().any(axis=None) or found[unit].duplicated().any():
        raise NotAnswerable(f"{LAST!r} and {LEFT!r} must be there once for each {unit!r}.")
    if not found[LEFT].isin((0, 1)).all():
        raise NotAnswerable(f"{LEFT!r} must be true or false; it holds {listed(found[LEFT].unique().tolist()[:3])}.")
    until = np.rint(found[LAST].to_numpy(dtype=float)).astype(np.int64) + 1
    return pd.DataFrame({"unit": found[unit], "until": until, "left": found[LEFT].astype(np.int64)})


def _fitted(risk: AtRisk, level: float) -> Fit:
    events = int(risk.rows["left"].sum())
    if events < _EVENTS:
        raise NotAnswerable(
            f"Only {events} customers left after a wave that they answered in; this needs {_EVENTS}, and about 160 to "
            "see a ratio of 1.25 in four of five studies."
        )
    return churn_hazard(
        risk.rows, " + ".join(risk.scores), duration="until", event="left", unit="unit", kind="cloglog",
        options=HazardOptions(level=level, rows="periods", measured_at=["asked"]),
    )  # fmt: skip


def _doubt(fit: Fit, score: str) -> str:
    """How strong a hidden cause would have to be; nothing where there is nothing to explain away."""
    few = fit.quality["n_events"] < _RARE * fit.quality["n"]
    found = sensitivity(fit, score, rare=bool(few)).quality
    if not found["e_value_interval"] > 1:
        return ""
    return (
        f", but it would need a risk ratio of {text.number(found['e_value'], 2)} with both to explain all of it, and "
        f"of {text.number(found['e_value_interval'], 2)} to bring the interval to 1 (E-value)"
    )


def _evidence(case: Case, risk: AtRisk, fit: Fit, score: str, said: Sequence[str]) -> Evidence:
    own = fit.estimate(score, "hazard ratio")
    found = Estimate(
        own.value, own.low, own.high, own.n, fit.method, fit.level, f"hazard ratio per SD of {score.upper()}",
        risk.silent,
    )  # fmt: skip
    reliability = risk.calibration.reliability[risk.scores.index(score)]
    times = len(risk.rows) + risk.silent
    parts = [
        *said,
        f"{fit.quality['n_events']:,.0f} of {own.n:,} customers left; answers that were given after leaving, or in "
        "another wave, do not count",
        f"freed of the error of the items (regression calibration, reliability {text.number(float(reliability), 2)}), "
        "by which the ratio would be nearer to 1",
        f"in {100 * risk.silent / times:.0f}% of the times at risk there is no answer",
        *risk.notes,
        f"nobody changed {score.upper()} here: what makes it may make customers leave, too{_doubt(fit, score)}",
    ]
    if names(case.study, role="weight"):
        parts.append("unweighted")
    return Evidence(found, "; ".join(parts) + ".", ratio=True)
