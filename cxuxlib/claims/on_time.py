"""The claims on what customers do over time: in panels, in experiments, and when they leave."""

from __future__ import annotations

from math import inf

from cxuxlib.claims.leaving import leaves_for_ux, stays_for_cx
from cxuxlib.claims.on_surveys import UX_IS_DISTINCT
from cxuxlib.claims.redesigning import lifts
from cxuxlib.claims.ruling import Claim, Region
from cxuxlib.claims.timing import goes_before

UX_GOES_BEFORE_CX = Claim(
    "B2 direction",
    "strong UX paves the way for CX",
    "practitioner article S0",
    "path of UX on CX a wave later, within customers",
    Region(holds=(0.05, inf), fails=(-0.05, 0.05)),
    goes_before,
    "temporal",
    true_where="harbor",
    false_where="reverse",
    gates=(UX_IS_DISTINCT,),
    bounds=(0.0, 1.0),
)

BETTER_UX_LIFTS_CX = Claim(
    "B3 cause",
    "improving UX can greatly improve CX",
    "practitioner article S3",
    "effect on CX of being given a redesign that makes UX better",
    Region(holds=(0.05, inf), fails=(-0.05, 0.05)),
    lifts,
    "experiment",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.0, 2.0),
)

BETTER_CX_KEEPS_CUSTOMERS = Claim(
    "B5 retention",
    "the better the CX the more customers stay",
    "practitioner article S4",
    "hazard ratio of leaving per standard deviation of CX",
    Region(holds=(-inf, 0.90), fails=(0.95, 1.05)),
    stays_for_cx,
    "temporal",
    true_where="harbor",
    false_where="null",
    bounds=(0.0, 0.95),
)

POOR_UX_LOSES_CUSTOMERS = Claim(
    "B6 breaking UX",
    "if it is hard to use, people leave",
    "practitioner articles S0 and S1",
    "hazard ratio of leaving per standard deviation of UX",
    Region(holds=(-inf, 0.95), fails=(0.95, 1.05)),
    leaves_for_ux,
    "temporal",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.0, 1.05),
)

OVER_TIME = (UX_GOES_BEFORE_CX, BETTER_UX_LIFTS_CX, BETTER_CX_KEEPS_CUSTOMERS, POOR_UX_LOSES_CUSTOMERS)
