"""Do hazards stay in proportion?"""

from __future__ import annotations

from typing import Literal

import pandas as pd
from scipy.special import chdtrc

from cxuxlib.errors import ArgumentError
from cxuxlib.models.churn.continuous import Hazard
from cxuxlib.models.churn.options import check_choice
from cxuxlib.results import Fit
from cxuxlib.stats.cox_checks import drift, transformed

__all__ = ["proportional_hazards"]


def proportional_hazards(fit: Fit, *, transform: Literal["km", "identity", "log", "rank"] = "km") -> pd.DataFrame:
    """Does what goes with leaving stay the same over time? The test of proportional hazards, by term and of all.

    Score test of slopes that drift, β + θ g(t), with g(t) = 1 - S(t-) ("km"), t, ln t or the rank of t; the
    score is Σ g(t) times Schoenfeld's residual x - x̄(t). In large samples a drift of no consequence is found as well:
    look at slopes by time (rows cut at a time, with its interaction), or at restricted means (`survival`).

    Args:
        fit: result of `churn_hazard` with kind="cox".
        transform: the scale on which slopes may drift.

    Returns:
        One row per term and "GLOBAL": term, chi2, df, p, n_events. The test takes errors from the information, whatever
        the fit's are; sampling weights are taken to have mean 1.

    Raises:
        ArgumentError: not a Cox regression.

    Source: Grambsch & Therneau 1994, doi:10.1093/biomet/81.3.515. Checked against: R's cox.zph (survival 3.5).

    >>> from cxuxlib.models import churn_hazard
    >>> rows = pd.DataFrame({"ease": [1, 2, 3, 4, 5, 2], "days": [20, 50, 40, 90, 90, 10], "left": [1, 1, 1, 0, 0, 1]})
    >>> proportional_hazards(churn_hazard(rows, "ease", duration="days", event="left")).round(3)
         term   chi2  df      p  n_events
    0    ease  0.095   1  0.758         4
    1  GLOBAL  0.095   1  0.758         4
    """
    raw = getattr(fit, "raw", None)
    if not isinstance(raw, Hazard) or raw.sets is None or raw.steps is None:
        raise ArgumentError(
            f"proportional_hazards needs a fit of churn_hazard(kind='cox'); got {getattr(fit, 'model', fit)!r:.60}."
        )
    check_choice("transform", transform, ("km", "identity", "log", "rank"))
    spells, sets = raw.spells, raw.sets
    entry, end, seen = spells.times
    if transform == "log" and sets.time.min() <= 0:
        raise ArgumentError("There is an event at time 0, which has no logarithm; take another transform.")
    g = transformed(sets.time, end, seen, spells.sample.n, entry=entry, how=transform)
    found = drift(sets, raw.steps, g, list(spells.terms.values()))
    df = [*(len(each) for each in spells.terms.values()), len(spells.names)]
    return pd.DataFrame({
        "term": [*spells.terms, "GLOBAL"], "chi2": found, "df": df,
        "p": [float(chdtrc(each, chi2)) for each, chi2 in zip(df, found, strict=True)],
        "n_events": round(spells.n_events),
    })  # fmt: skip
