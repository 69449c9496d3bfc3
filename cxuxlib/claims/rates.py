"""How often rulings were wrong where the truth is known, and what a ruling says of it."""

from __future__ import annotations

from functools import lru_cache
from math import log

import pandas as pd

from cxuxlib.claims.ruling import Claim, Verdict
from cxuxlib.datasets import shipped
from cxuxlib.errors import ArgumentError

__all__ = ["error_rates"]

_GOAL, _ERRORS = 0.05, 2.0  # share of wrong rulings that is accepted, and how many simulation errors above it tell
_AGAINST = {"supported": ("fails", "on the border"), "refuted": ("holds", "on the border")}


def error_rates(claim: Claim | None = None) -> pd.DataFrame:
    """How often each claim was supported and refuted in simulated studies whose truth is known.

    The table is made by ``benchmarks/calibration.py`` and comes with the package. A ruling is wrong where a claim that
    fails is supported or one that holds is refuted; on the border either is, and the more frequent one is counted.

    Args:
        claim: one of ``claims.ALL``; all of them, and the conclusions, where it is None.

    Returns:
        One row per world, number of customers n and claim (or conclusion): truth in units of the estimand; there
        ("holds", "fails", "on the border", "between", "no truth"); replications; shares supported, refuted, undecided
        and not_answerable, 0 to 1; wrong, a share too, NaN where nothing can be wrong; simulation_error, the standard
        error of wrong; seed and versions.

    Raises:
        ArgumentError: this is no claim. DataError: the table is absent.

    Source: made for cxuxlib; what is published of a decision rule is how often it errs, Morris, White & Crowther 2019,
    doi:10.1002/sim.8086. Checked against: a small run that a test makes again.

    >>> float(error_rates().query("world == 'one-and-the-same' and claim == 'A3 proper'")["supported"].max())
    0.0
    """
    table = _table()
    if claim is None:
        return table.copy()
    if not isinstance(claim, Claim):
        raise ArgumentError(f"error_rates takes a claim (see claims.ALL), or nothing; got {claim!r:.80}.")
    return table[table["claim"] == claim.id].reset_index(drop=True)


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    return pd.read_csv(shipped("calibration/rulings.csv"), keep_default_na=False, na_values=[""])  # a world is "null"


def missed_goal(claim: str, verdict: Verdict, n: int) -> str:
    """What a ruling must carry: that simulated studies of about this size got it wrong too often; else nothing."""
    if verdict not in _AGAINST or n < 1:
        return ""
    table = _table()
    rows = table[(table["claim"] == claim) & table["there"].isin(_AGAINST[verdict])]
    if rows.empty:
        return ""
    near = min(rows["n"], key=lambda size: abs(log(size / n)))
    rows = rows[rows["n"] == near]
    bad = rows[rows[verdict] > _GOAL + _ERRORS * rows["simulation_error"]].sort_values([verdict, "world"])
    if bad.empty:
        return ""
    worst = bad.iloc[-1]
    where = "where its bound is the truth" if worst["there"] == "on the border" else f"in the world {worst['world']!r}"
    return f" Of simulated studies of {near:,} customers {where}, {100 * worst[verdict]:.0f}% were {verdict} wrongly."
