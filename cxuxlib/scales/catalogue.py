"""The questionnaires of user and customer experience, as data. Wording is not held here; ask the licence holder."""

from collections.abc import Sequence
from dataclasses import replace

from cxuxlib.errors import ArgumentError
from cxuxlib.scales.scale import Scale

__all__ = [
    "ACSI",
    "ALL",
    "ASQ",
    "CES_1",
    "CES_2",
    "CSAT",
    "CSUQ_2",
    "CSUQ_3",
    "LTR",
    "NASA_TLX",
    "NASA_TLX_TICKS",
    "PSSUQ_2",
    "PSSUQ_3",
    "SEQ",
    "SERVPERF",
    "SERVQUAL",
    "SMEQ",
    "SUPR_Q",
    "SUS",
    "UEQ",
    "UEQ_S",
    "UMUX",
    "UMUX_LITE",
    "UX_LITE",
    "exq",
]

# What more than one questionnaire asks about; equal texts are the same question to `overlap`.
_EASE, _LEARN, _NEEDS, _AGAIN = "ease of use", "ease of learning", "meets needs or expectations", "use or come again"
_TASK, _EFFORT, _FRUSTRATION = "ease of a task", "effort", "frustration"
_SATISFIED, _RECOMMEND = "overall satisfaction", "recommend 0-10"

SUS = Scale(
    "SUS", 10, 1, 5, reversed=(2, 4, 6, 8, 10), to=(0, 100), missing="refuse",
    subscales={"usable": (1, 2, 3, 5, 6, 7, 8, 9), "learnable": (4, 10)},
    labels=("frequent use", "complexity", "ease", "need of help", "integration", "inconsistency", "quick to learn",
            "cumbersome", "confidence", "learning first"),
    concepts={1: _AGAIN, 3: _EASE, 7: _LEARN}, construct="UX",
    licence="free with credit to the source",
    source="Brooke 1996, doi:10.1201/9781498710411-35; subscales: Lewis & Sauro 2009, "
           "doi:10.1007/978-3-642-02806-9_12 (later work questions them)",
)  # fmt: skip

UMUX = Scale(
    "UMUX", 4, 1, 7, reversed=(2, 4), to=(0, 100), missing="refuse",
    labels=("capabilities", "frustration", "ease", "corrections"),
    concepts={1: _NEEDS, 2: _FRUSTRATION, 3: _EASE}, construct="UX",
    licence="free with credit to the source", source="Finstad 2010, doi:10.1016/j.intcom.2010.04.004",
)  # fmt: skip

UMUX_LITE = Scale(
    "UMUX-LITE", 2, 1, 7, to=(0, 100), missing="refuse",
    labels=("capabilities", "ease"), concepts={1: _NEEDS, 2: _EASE}, construct="UX",
    licence="free with credit to the source", source="Lewis, Utesch & Maher 2013, doi:10.1145/2470654.2481287",
)  # fmt: skip

UX_LITE = replace(
    UMUX_LITE, name="UX-Lite", high=5,
    source="Lewis & Sauro 2021, MeasuringU; from Lewis, Utesch & Maher 2013, doi:10.1145/2470654.2481287",
)  # fmt: skip

SEQ = Scale(
    "SEQ", 1, 1, 7, missing="refuse", labels=("ease of the task",), concepts={1: _TASK}, construct="UX",
    licence="free with credit to the source", source="Sauro & Dumas 2009, doi:10.1145/1518701.1518946",
)  # fmt: skip

SMEQ = Scale(
    "SMEQ", 1, 0, 150, missing="refuse", whole=False, higher_is_better=False,
    labels=("mental effort",), concepts={1: _EFFORT}, construct="UX", licence="free with credit to the source",
    source="Zijlstra & van Doorn 1985, Delft University of Technology; Sauro & Dumas 2009, doi:10.1145/1518701.1518946",
)  # fmt: skip

ASQ = Scale(
    "ASQ", 3, 1, 7, min_valid=1, higher_is_better=False,
    labels=("ease of the task", "time for the task", "support"), concepts={1: _TASK}, construct="UX",
    licence="free with credit to the source", source="Lewis 1991, doi:10.1145/122672.122692",
)  # fmt: skip

PSSUQ_2 = Scale(
    "PSSUQ v2", 19, 1, 7, min_valid=1, higher_is_better=False,
    subscales={"system usefulness": tuple(range(1, 9)), "information quality": tuple(range(9, 16)),
               "interface quality": (16, 17, 18)},
    concepts={1: _EASE, 2: _EASE, 7: _LEARN, 18: _NEEDS, 19: _SATISFIED}, construct="UX",
    licence="free with credit to the source", source="Lewis 1995, doi:10.1080/10447319509526110",
)  # fmt: skip

# Version 3 drops items 3, 5 and 13 of version 2; its item 16 belongs to the total only.
PSSUQ_3 = replace(
    PSSUQ_2, name="PSSUQ v3", items=16,
    subscales={"system usefulness": tuple(range(1, 7)), "information quality": tuple(range(7, 13)),
               "interface quality": (13, 14, 15)},
    concepts={1: _EASE, 2: _EASE, 5: _LEARN, 15: _NEEDS, 16: _SATISFIED},
    source="Lewis 2002, doi:10.1080/10447318.2002.9669130",
)  # fmt: skip

CSUQ_2 = replace(PSSUQ_2, name="CSUQ v2")
CSUQ_3 = replace(PSSUQ_3, name="CSUQ v3")

# Reversed: the questions whose positive term stands on the left. There is no total: the handbook advises against it.
UEQ = Scale(
    "UEQ", 26, 1, 7, reversed=(3, 4, 5, 9, 10, 12, 17, 18, 19, 21, 23, 24, 25), to=(-3, 3), total=False,
    subscales={"attractiveness": (1, 12, 14, 16, 24, 25), "perspicuity": (2, 4, 13, 21),
               "efficiency": (9, 20, 22, 23), "dependability": (8, 11, 17, 19),
               "stimulation": (5, 6, 7, 18), "novelty": (3, 10, 15, 26)},
    concepts={4: _LEARN, 13: _EASE} | {n: f"UEQ item {n}" for n in (6, 7, 10, 11, 15, 20, 21)}, construct="UX",
    licence="free (ueq-online.org)",
    source="Laugwitz, Held & Schrepp 2008, doi:10.1007/978-3-540-89350-9_6; Handbook v11 2023, "
           "doi:10.13140/RG.2.1.2815.0245",
)  # fmt: skip

# Its questions are UEQ 11, 13, 20, 21, 6, 7, 10, 15 with every positive term on the right: nothing is reversed.
UEQ_S = Scale(
    "UEQ-S", 8, 1, 7, to=(-3, 3), subscales={"pragmatic": (1, 2, 3, 4), "hedonic": (5, 6, 7, 8)},
    concepts={2: _EASE} | {at: f"UEQ item {n}" for at, n in enumerate((11, 13, 20, 21, 6, 7, 10, 15), 1) if n != 13},
    construct="UX", licence="free (ueq-online.org)",
    source="Schrepp, Hinderks & Thomaschewski 2017, doi:10.9781/ijimai.2017.09.001",
)  # fmt: skip

# Performance runs from perfect (0) to failure (100), as every source of load: nothing is reversed.
NASA_TLX = Scale(
    "NASA-TLX", 6, 0, 100, missing="refuse", whole=False, higher_is_better=False,
    labels=("mental demand", "physical demand", "temporal demand", "performance (perfect to failure)", "effort",
            "frustration"),
    concepts={5: _EFFORT, 6: _FRUSTRATION}, construct="workload", licence="public domain (NASA)",
    source="Hart & Staveland 1988, doi:10.1016/S0166-4115(08)62386-9; unweighted mean (raw TLX): Hart 2006, "
           "doi:10.1177/154193120605000909",
)  # fmt: skip

NASA_TLX_TICKS = replace(NASA_TLX, name="NASA-TLX (21 ticks)", low=1, high=21, to=(0, 100), whole=True)

SUPR_Q = Scale(
    "SUPR-Q", 8, 1, 5, missing="refuse", own_ranges={5: (0, 10, 0.5)},
    subscales={"usability": (1, 2), "trust": (3, 4), "loyalty": (5, 6), "appearance": (7, 8)},
    labels=("ease", "navigation", "trust", "credibility", "recommend", "return", "attractiveness", "simplicity"),
    concepts={1: _EASE, 5: _RECOMMEND, 6: _AGAIN}, construct="UX",
    licence="MeasuringU; percentile norms are licensed and not held here",
    source="Sauro 2015, Journal of Usability Studies 10(2), 68-86",
)  # fmt: skip

# Positions of the 1991 wording, in which every question is worded positively.
SERVPERF = Scale(
    "SERVPERF", 22, 1, 7,
    subscales={"tangibles": (1, 2, 3, 4), "reliability": (5, 6, 7, 8, 9), "responsiveness": (10, 11, 12, 13),
               "assurance": (14, 15, 16, 17), "empathy": (18, 19, 20, 21, 22)},
    construct="service", licence="published in the source",
    source="Cronin & Taylor 1992, doi:10.1177/002224299205600304",
)  # fmt: skip

SERVQUAL = replace(
    SERVPERF, name="SERVQUAL", source="Parasuraman, Zeithaml & Berry 1988, Journal of Retailing 64(1), 12-40",
)  # fmt: skip

# Equal weights are a stand-in: the published index uses weights of its own, estimated each time and not disclosed.
ACSI = Scale(
    "ACSI", 3, 1, 10, to=(0, 100), missing="refuse", labels=("satisfaction", "expectations", "ideal"),
    concepts={1: _SATISFIED, 2: _NEEDS}, construct="CX", licence="the index and its weights are proprietary",
    source="Fornell et al. 1996, doi:10.1177/002224299606000403",
)  # fmt: skip

CES_1 = Scale(
    "CES 1.0", 1, 1, 5, missing="refuse", higher_is_better=False, labels=("effort put in",), concepts={1: _EFFORT},
    construct="CX", licence="published in the source",
    source="Dixon, Freeman & Toman 2010, Harvard Business Review 88(7), 116-122",
)  # fmt: skip

CES_2 = Scale(
    "CES 2.0", 1, 1, 7, missing="refuse", labels=("made it easy",), concepts={1: _EFFORT}, construct="CX",
    licence="published in the source", source="Dixon, Toman & DeLisi 2013, The Effortless Experience, Penguin",
)  # fmt: skip

CSAT = Scale(
    "CSAT", 1, 1, 5, missing="refuse", labels=("satisfaction",), concepts={1: _SATISFIED}, construct="CX",
    licence="free", source="ISO 10004:2018",
)  # fmt: skip

LTR = Scale(
    "LTR", 1, 0, 10, missing="refuse", labels=("recommend",), concepts={1: _RECOMMEND}, construct="loyalty",
    licence="free; NPS is a registered mark", source="Reichheld 2003, Harvard Business Review 81(12), 46-54",
)  # fmt: skip

ALL = (
    SUS, UMUX, UMUX_LITE, UX_LITE, SEQ, SMEQ, ASQ, PSSUQ_2, PSSUQ_3, CSUQ_2, CSUQ_3, UEQ, UEQ_S, NASA_TLX,
    NASA_TLX_TICKS, SUPR_Q, SERVQUAL, SERVPERF, ACSI, CES_1, CES_2, CSAT, LTR,
)  # fmt: skip


def exq(
    *,
    product_experience: Sequence[int],
    outcome_focus: Sequence[int],
    moments_of_truth: Sequence[int],
    peace_of_mind: Sequence[int],
) -> Scale:
    """Customer experience quality (EXQ): 19 questions in four dimensions, with the positions that your form has.

    Each dimension is the mean of its answered questions, 1 to 7. The source says that there are 19 questions and these
    dimensions; which question stands where depends on the form, so you say it.

    Args:
        product_experience: positions, counted from 1, of the questions on choice and offers.
        outcome_focus: of those on getting things done.
        moments_of_truth: of those on service when it matters.
        peace_of_mind: of those on the emotional side and on expertise.

    Returns:
        A `Scale`; another answer format by ``dataclasses.replace(exq(...), high=5)``.

    Raises:
        ArgumentError: the four together are not the positions 1 to 19, each once.

    Source: Klaus & Maklan 2012, doi:10.1108/09564231211208952. Checked against: its number of questions and dimensions.

    >>> form = exq(product_experience=[1, 2, 3, 4], outcome_focus=[5, 6, 7, 8], moments_of_truth=[9, 10, 11, 12, 13],
    ...            peace_of_mind=[14, 15, 16, 17, 18, 19])
    >>> form.items, list(form.subscales)
    (19, ['product experience', 'outcome focus', 'moments of truth', 'peace of mind'])
    """
    parts = {
        "product experience": tuple(product_experience), "outcome focus": tuple(outcome_focus),
        "moments of truth": tuple(moments_of_truth), "peace of mind": tuple(peace_of_mind),
    }  # fmt: skip
    named = [position for at in parts.values() for position in at]
    if sorted(named) != list(range(1, 20)):
        raise ArgumentError(f"The four dimensions of EXQ hold the positions 1 to 19, each once; got {named}.")
    return Scale(
        "EXQ", 19, 1, 7, subscales=parts, construct="CX", licence="published in the source",
        source="Klaus & Maklan 2012, doi:10.1108/09564231211208952",
    )  # fmt: skip
