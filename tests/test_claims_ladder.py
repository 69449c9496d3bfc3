"""How high "UX drives" gets on the ladder of evidence, and what would lift it."""

from dataclasses import replace
from math import nan

import pytest

from cxuxlib import claims, worlds
from cxuxlib.claims import Conclusion, Ruling, judge
from cxuxlib.claims.composites import driver
from cxuxlib.claims.ruling import Rung, Verdict
from cxuxlib.report.meaning import does_not_show, means

SUPPORTED, REFUTED, UNDECIDED, NOT = "supported", "refuted", "undecided", "not answerable"
BY_KEY = {each.id.split()[0]: each for each in claims.ALL}


def ruling(key: str, verdict: Verdict, rung: Rung | None = None) -> Ruling:
    claim = BY_KEY[key]
    p = nan if verdict == NOT else 1e-6
    return Ruling(claim, verdict, None, claim.region, None if verdict == NOT else rung or claim.rung, "", p)


def ladder(*verdicts: Verdict, rung: Rung | None = None) -> Conclusion:
    """The conclusion from B1, B2 and B3, where B3 has reached this rung."""
    keys = ("B1", "B2", "B3")[: len(verdicts)]
    rulings = [
        ruling(key, each, rung if key == "B3" else None) for key, each in zip(keys, verdicts, strict=True)
    ]  # fmt: skip
    return driver({each.claim.id: each for each in rulings})


@pytest.mark.parametrize(
    ("verdicts", "verdict", "rung", "lift"),
    [
        ((SUPPORTED,), UNDECIDED, "association", "it: three waves or more of the same customers (B2), or a redesign"),
        ((SUPPORTED, UNDECIDED, NOT), UNDECIDED, "association", "it: more customers, for B2 is undecided, or a redes"),
        ((SUPPORTED, REFUTED, NOT), UNDECIDED, "association", "What would lift it: a redesign that is given by lot"),
        ((SUPPORTED, SUPPORTED, NOT), UNDECIDED, "temporal", "What would lift it: a redesign that is given by lot"),
        (
            (NOT, SUPPORTED, UNDECIDED),
            UNDECIDED,
            "temporal",
            "What would lift it: more customers, for B3 is undecided.",
        ),
        ((REFUTED, UNDECIDED, NOT), UNDECIDED, None, "lift it: more customers, for B2 is undecided, or a redesign"),
        ((NOT, NOT, NOT), NOT, None, "no rung is reached. What would lift it: UX, other facets and loyalty asked"),
        ((NOT, UNDECIDED, NOT), UNDECIDED, None, "so no rung is reached"),
    ],
)
def test_below_a_lot_nothing_drives(
    verdicts: tuple[Verdict, ...], verdict: Verdict, rung: Rung | None, lift: str
) -> None:
    found = ladder(*verdicts)
    assert (found.verdict, found.rung) == (verdict, rung)
    assert lift in found.reason


@pytest.mark.parametrize("b1", [SUPPORTED, REFUTED, UNDECIDED, NOT])
def test_a_lot_decides_whatever_the_lower_rungs_say(b1: Verdict) -> None:
    for verdict in (SUPPORTED, REFUTED):
        found = ladder(b1, UNDECIDED, verdict)
        assert (found.verdict, found.rung) == (verdict, "experiment")
        assert found.reason.endswith(f"B1 is {b1}, B2 is undecided, B3 is {verdict}.")
        assert "What would lift it" not in found.reason


def test_a_roll_out_without_a_lot_leaves_it_open() -> None:
    found = ladder(SUPPORTED, SUPPORTED, SUPPORTED, rung="quasi-experiment")
    assert (found.verdict, found.rung) == (UNDECIDED, "quasi-experiment")
    assert "Whether it was given by lot nobody knows" in found.reason
    assert found.reason.endswith(
        "What would lift it: a redesign that is given by lot, with CX asked before and after (B3)."
    )
    found = ladder(SUPPORTED, UNDECIDED, REFUTED, rung="quasi-experiment")
    assert (found.verdict, found.rung) == (UNDECIDED, "association")
    assert "B3 is refuted, which stands against it." in found.reason


def test_where_they_are_one_nothing_drives_the_other() -> None:
    rulings = {key: ruling(key, verdict) for key, verdict in (("A0", REFUTED), ("B1", SUPPORTED), ("B3", SUPPORTED))}
    found = driver(rulings)
    assert (found.verdict, found.rung) == (UNDECIDED, "association")
    assert "UX and CX are one thing here, so that what moves both shows no drive." in found.reason
    assert found.reason.endswith("What would lift it: questions that tell UX and CX apart (A0).")
    assert driver(rulings | {"A0": ruling("A0", SUPPORTED)}).rung == "experiment"


def test_what_stands_against_the_rung_is_said() -> None:
    assert "B2 is refuted, which stands against it." in ladder(SUPPORTED, REFUTED, NOT).reason


def test_a_conclusion_by_lot_means_what_it_says() -> None:
    assert means(ladder(SUPPORTED, SUPPORTED, SUPPORTED)).startswith("Making UX better makes")
    assert means(ladder(SUPPORTED, SUPPORTED, REFUTED)).startswith("Making UX better does not")
    assert "takes an experiment" in means(ladder(SUPPORTED, SUPPORTED, UNDECIDED))
    assert does_not_show(ladder(SUPPORTED, SUPPORTED, SUPPORTED)).startswith("That it holds for other customers")
    for each in claims.OVER_TIME:
        shown = [means(ruling(each.id.split()[0], verdict)) for verdict in (SUPPORTED, REFUTED)]
        assert len({*shown, "The claim is supported.", "The claim is refuted."}) == 4


@pytest.mark.parametrize(("world", "rung", "verdict"), [("harbor", "experiment", SUPPORTED), ("portfolio", None, "")])
def test_studies_climb_as_far_as_their_data_go(world: str, rung: str | None, verdict: str) -> None:
    study = worlds.make(world, n=3000, waves=4, rng=1)
    rulings = {each.id: judge(each, study) for each in (claims.UX_GOES_WITH_LOYALTY, claims.BETTER_UX_LIFTS_CX)}
    found = driver(rulings)
    if rung:
        assert (found.rung, found.verdict) == (rung, verdict)
    else:
        assert found.verdict == UNDECIDED
        assert found.rung in ("association", "quasi-experiment")
    alone = replace(study, tables={key: each for key, each in study.tables.items() if key != "customers"})
    rulings |= {B3.id: judge(B3, alone) for B3 in (claims.BETTER_UX_LIFTS_CX,)}
    assert driver(rulings).rung == "association"
