"""The claims that the answers to one questionnaire can decide."""

from __future__ import annotations

from math import inf

from cxuxlib.claims.combining import MADE_UP, WEIGHS, additive, compensation, no_rescue, soured, weakest_link
from cxuxlib.claims.evidence import distinct, service_minus_ux
from cxuxlib.claims.repeating import precision
from cxuxlib.claims.ruling import Claim, Region
from cxuxlib.claims.scope import one_product
from cxuxlib.claims.structure import associated, complete, facet, part, proper, screened_off

UX_IS_DISTINCT = Claim(
    "A0 distinct",
    "UX and CX are often confused, and are not the same",
    "five practitioner articles on UX versus CX (S0 to S4)",
    "latent correlation of UX and CX",
    Region(holds=(-inf, 0.90), fails=(0.90, inf)),
    distinct,
    "association",
    true_where="harbor",
    false_where="one-and-the-same",
    bounds=(0.0, 1.0),
)

UX_IS_A_FACET = Claim(
    "A1 facet",
    "CX is an umbrella with UX under it",
    "practitioner articles S3 and S4",
    "loading of UX on one factor above the facets",
    Region(holds=(0.50, inf), fails=(-inf, 0.30)),
    facet,
    "association",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.30, 1.0),
)

UX_IS_A_PART = Claim(
    "A2 part",
    "UX is a component of overall experience",
    "practitioner articles S0 and S2",
    "latent path of UX on CX beside the other facets",
    Region(holds=(0.10, inf), fails=(-inf, 0.10)),
    part,
    "association",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.0, 1.0),
)

CX_IS_MORE_THAN_UX = Claim(
    "A3 proper",
    "CX is more than UX",
    "five practitioner articles on UX versus CX (S0 to S4)",
    "latent increment in R² of CX by the other facets, beyond UX",
    Region(holds=(0.02, inf), fails=(-inf, 0.02)),
    proper,
    "association",
    true_where="harbor",
    false_where="null",
    gates=(UX_IS_DISTINCT,),
    bounds=(0.0, 1.0),
)

FACETS_EXPLAIN_CX = Claim(
    "A4 complete",
    "add up what is known of each experience and you have explained CX",
    "practitioner articles S0 and S4",
    "latent R² of CX on all facets",
    Region(holds=(0.50, inf), fails=(-inf, 0.50)),
    complete,
    "association",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.0, 1.0),
)

UX_WORKS_THROUGH_CX = Claim(
    "A5 screening-off",
    "what UX does for loyalty it does through CX",
    "practitioner articles S0 and S3",
    "latent direct effect of UX on loyalty, given CX",
    Region(holds=(-0.10, 0.10), fails=(0.10, -0.10)),
    screened_off,
    "association",
    true_where="reverse",
    false_where="direct",
    gates=(UX_IS_DISTINCT,),
    bounds=(0.0, 1.0),
)

UX_GOES_WITH_LOYALTY = Claim(
    "B1 associated",
    "a clunky layout costs recommendations",
    "practitioner article S1",
    "latent increment in R² of loyalty by UX, beyond the other facets",
    Region(holds=(0.02, inf), fails=(-inf, 0.02)),
    associated,
    "association",
    true_where="harbor",
    false_where="side-by-side",
    bounds=(0.0, 1.0),
)

SERVICE_MATTERS_TOO = Claim(
    "B4 service too",
    "service quality drives CX at least as much as UX does",
    "practitioner articles S0, S2 and S4",
    "share of explained variance (Shapley) of service minus that of UX",
    Region(holds=(0.0, inf), fails=(-inf, 0.0)),
    service_minus_ux,
    "association",
    true_where="compensating",
    false_where="harbor",
    bounds=(-1.0, 1.0),
)

EXPERIENCES_ADD_UP = Claim(
    "C1 additive",
    "experiences add up",
    "practitioner articles S0 and S4",
    "gain in R² of CX by minimum, product and hinges of UX and service",
    Region(holds=(-inf, 0.02), fails=(0.02, inf)),
    additive,
    "association",
    true_where="harbor",
    false_where="weakest-link",
    gates=(UX_IS_DISTINCT,),
    bounds=(0.0, 1.0),
    ordinal=True,
)

SERVICE_MAKES_UP_FOR_UX = Claim(
    "C2 compensation",
    "helpful service makes up for a confusing product",
    "practitioner articles S2, S3 and S4",
    "CX at UX -1 SD and service +1 SD, minus average CX",
    Region(holds=(MADE_UP, inf), fails=(-inf, MADE_UP)),
    compensation,
    "association",
    true_where="compensating",
    false_where="weakest-link",
    bounds=(-2.0, 2.0),
    ordinal=True,
)

THE_WEAKEST_LINK_COUNTS = Claim(
    "C3 weakest link",
    "a failure of UX or of service sours the whole",
    "practitioner article S0",
    "weight of the lesser of UX and service beside all facets",
    Region(holds=(WEIGHS, inf), fails=(-WEIGHS, WEIGHS)),
    weakest_link,
    "association",
    true_where="weakest-link",
    false_where="side-by-side",
    bounds=(0.0, 1.0),
    ordinal=True,
)

SERVICE_SOURS_GOOD_UX = Claim(
    "C4 soured",
    "good UX and bad service make no recommendation",
    "practitioner article S0",
    "share of promoters at UX +1 SD and service -1 SD, minus the average",
    Region(holds=(-inf, 0.0), fails=(0.0, inf)),
    soured,
    "association",
    true_where="side-by-side",
    false_where="one-and-the-same",
    bounds=(-1.0, 1.0),
    ordinal=True,
)

INNOVATION_DOES_NOT_RESCUE = Claim(
    "C7 no rescue",
    "innovation does not save a clunky product",
    "practitioner article S1",
    "slope of loyalty on innovation at UX -1 SD",
    Region(holds=(-0.05, 0.05), fails=(0.05, inf)),
    no_rescue,
    "association",
    true_where="harbor",
    false_where="compensating",
    bounds=(0.0, 1.0),
    ordinal=True,
)

UX_COUNTS_MORE_IN_ONE_PRODUCT = Claim(
    "D1 one product",
    "UX weighs more where the brand is one product",
    "practitioner article S3",
    "slope of r(UX, CX) on doublings of the number of products",
    Region(holds=(-inf, 0.0), fails=(-0.05, 0.05)),
    one_product,
    "association",
    true_where="portfolio",
    false_where="null",
    bounds=(-1.0, 1.0),
)

UX_IS_STEADIER_THAN_CX = Claim(
    "E1 precision",
    "UX is easier to measure than CX",
    "practitioner article S2",
    "test-retest correlation over one wave of the mean of three items, UX minus CX",
    Region(holds=(0.0, inf), fails=(-inf, 0.0)),
    precision,
    "association",
    true_where="halo",
    false_where="harbor",
    bounds=(-2.0, 2.0),
)

SURVEY = (
    UX_IS_DISTINCT,
    UX_IS_A_FACET,
    UX_IS_A_PART,
    CX_IS_MORE_THAN_UX,
    FACETS_EXPLAIN_CX,
    UX_WORKS_THROUGH_CX,
    UX_GOES_WITH_LOYALTY,
    SERVICE_MATTERS_TOO,
    EXPERIENCES_ADD_UP,
    SERVICE_MAKES_UP_FOR_UX,
    THE_WEAKEST_LINK_COUNTS,
    SERVICE_SOURS_GOOD_UX,
    INNOVATION_DOES_NOT_RESCUE,
    UX_COUNTS_MORE_IN_ONE_PRODUCT,
    UX_IS_STEADIER_THAN_CX,
)
