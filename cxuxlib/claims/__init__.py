"""Claims about user and customer experience, and how they are judged."""

from math import inf

from cxuxlib.claims.evidence import distinct, service_minus_ux
from cxuxlib.claims.ruling import Claim, Region, Ruling, Rulings, judge
from cxuxlib.errors import ArgumentError
from cxuxlib.study import Study

__all__ = [
    "ALL",
    "SERVICE_MATTERS_TOO",
    "UX_IS_DISTINCT",
    "Claim",
    "Region",
    "Ruling",
    "Rulings",
    "judge",
    "judge_all",
]

UX_IS_DISTINCT = Claim(
    "A0 distinct",
    "UX and CX are often confused, and are not the same",
    "five practitioner articles on UX versus CX (S0 to S4)",
    "latent correlation of UX and CX",
    Region(holds=(-inf, 0.90), fails=(0.90, inf)),
    distinct,
    "association",
    true_where="UX and CX are two factors that correlate .7",
    false_where="UX and CX items measure one factor",
)

SERVICE_MATTERS_TOO = Claim(
    "B4 service too",
    "service quality drives CX at least as much as UX does",
    "practitioner articles S0, S2 and S4",
    "share of explained variance (Shapley) of service minus that of UX",
    Region(holds=(0.0, inf), fails=(-inf, 0.0)),
    service_minus_ux,
    "association",
    true_where="the overall rating follows service alone",
    false_where="the overall rating follows UX alone",
)

ALL = (UX_IS_DISTINCT, SERVICE_MATTERS_TOO)


def judge_all(study: Study) -> Rulings:
    """Put every claim to the test in one study.

    Each claim is judged at its own level; with several answerable claims the chance that one verdict of a study is
    wrong adds up, and the table does not correct for it.

    Args:
        study: from `datasets`, or one's own.

    Returns:
        `Rulings`, with one ruling per claim and all of them as ``table``.

    Raises:
        ArgumentError: this is no study. CxuxError: the study's data are at fault.

    Source and checks: see `judge`.

    >>> from cxuxlib import claims, datasets
    >>> claims.judge_all(datasets.aggregates("sfo")).table[["claim", "verdict"]].values.tolist()
    [['A0 distinct', 'not answerable'], ['B4 service too', 'undecided']]
    """
    if not isinstance(study, Study):
        raise ArgumentError(f"judge_all takes a study (see datasets); got {type(study).__name__}.")
    rulings = tuple(judge(claim, study) for claim in ALL)
    return Rulings(study.name, rulings, study.source)
