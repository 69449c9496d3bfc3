"""Claims about user and customer experience, and how they are judged."""

from cxuxlib.claims.case import Case
from cxuxlib.claims.composites import Conclusion, driver, proper_subset
from cxuxlib.claims.guards import ruled_out
from cxuxlib.claims.judging import Rulings, judge, ruled_together
from cxuxlib.claims.multiverse import Robustness, power, robustness
from cxuxlib.claims.on_surveys import (
    CX_IS_MORE_THAN_UX,
    EXPERIENCES_ADD_UP,
    FACETS_EXPLAIN_CX,
    INNOVATION_DOES_NOT_RESCUE,
    SERVICE_MAKES_UP_FOR_UX,
    SERVICE_MATTERS_TOO,
    SERVICE_SOURS_GOOD_UX,
    SURVEY,
    THE_WEAKEST_LINK_COUNTS,
    UX_COUNTS_MORE_IN_ONE_PRODUCT,
    UX_GOES_WITH_LOYALTY,
    UX_IS_A_FACET,
    UX_IS_A_PART,
    UX_IS_DISTINCT,
    UX_IS_STEADIER_THAN_CX,
    UX_WORKS_THROUGH_CX,
)
from cxuxlib.claims.on_time import (
    BETTER_CX_KEEPS_CUSTOMERS,
    BETTER_UX_LIFTS_CX,
    OVER_TIME,
    POOR_UX_LOSES_CUSTOMERS,
    UX_GOES_BEFORE_CX,
)
from cxuxlib.claims.rates import error_rates
from cxuxlib.claims.ruling import Claim, Evidence, Region, Ruling
from cxuxlib.errors import ArgumentError
from cxuxlib.study import Study

__all__ = [
    "ALL",
    "BETTER_CX_KEEPS_CUSTOMERS",
    "BETTER_UX_LIFTS_CX",
    "CX_IS_MORE_THAN_UX",
    "EXPERIENCES_ADD_UP",
    "FACETS_EXPLAIN_CX",
    "INNOVATION_DOES_NOT_RESCUE",
    "OVER_TIME",
    "POOR_UX_LOSES_CUSTOMERS",
    "SERVICE_MAKES_UP_FOR_UX",
    "SERVICE_MATTERS_TOO",
    "SERVICE_SOURS_GOOD_UX",
    "SURVEY",
    "THE_WEAKEST_LINK_COUNTS",
    "UX_COUNTS_MORE_IN_ONE_PRODUCT",
    "UX_GOES_BEFORE_CX",
    "UX_GOES_WITH_LOYALTY",
    "UX_IS_A_FACET",
    "UX_IS_A_PART",
    "UX_IS_DISTINCT",
    "UX_IS_STEADIER_THAN_CX",
    "UX_WORKS_THROUGH_CX",
    "Case",
    "Claim",
    "Conclusion",
    "Evidence",
    "Region",
    "Robustness",
    "Ruling",
    "Rulings",
    "error_rates",
    "judge",
    "judge_all",
    "power",
    "robustness",
]

ALL = (*SURVEY, *OVER_TIME)


def judge_all(study: Study) -> Rulings:
    """Put every claim to the test in one study.

    Each claim is judged at its own level, which is its verdict; ``corrected`` in the table is the verdict that stays
    when all answerable claims on the survey (``SURVEY``) are judged together, so that the chance of any wrong one is 5%
    (Holm), and likewise those on what customers do over time (``OVER_TIME``). The measurement model is fitted once for
    all of them.

    Args:
        study: from `datasets`, or one's own.

    Returns:
        `Rulings`, with one ruling per claim, all of them as ``table``, and what follows from them together as
        ``conclusions``: whether UX is a proper subset of CX, and the rung that "UX drives" has reached.

    Raises:
        ArgumentError: this is no study. CxuxError: the study's data or bounds are at fault.

    Source: Holm 1979; Berger 1982, doi:10.1080/00401706.1982.10487790 (intersection-union tests). Checked against:
    worlds where each claim is true, false and on the border.

    >>> from cxuxlib import claims, datasets
    >>> claims.judge_all(datasets.aggregates("sfo")).table[["claim", "verdict"]].iloc[[0, 7]].values.tolist()
    [['A0 distinct', 'not answerable'], ['B4 service too', 'undecided']]
    """
    if not isinstance(study, Study):
        raise ArgumentError(f"judge_all takes a study (see datasets); got {type(study).__name__}.")
    case = Case(study)
    rulings = ruled_together((SURVEY, OVER_TIME), case)
    by_id = {each.claim.id: each for each in rulings}
    conclusions = (*proper_subset(by_id, ruled_out(case)), driver(by_id))
    return Rulings(study.name, rulings, study.source, conclusions)
