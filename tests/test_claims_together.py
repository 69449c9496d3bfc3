"""What rulings say together: composites, bounds that a study sets, and the correction for several claims."""

import json
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from cxuxlib import claims, datasets, worlds
from cxuxlib.claims import ALL, Region, Ruling, judge, judge_all
from cxuxlib.claims.composites import driver, proper_subset
from cxuxlib.claims.ruling import Verdict
from cxuxlib.errors import CxuxError, DataError
from cxuxlib.results import Estimate
from cxuxlib.study import Study

SUPPORTED, REFUTED, UNDECIDED, NOT = "supported", "refuted", "undecided", "not answerable"


def ruling(key: str, verdict: Verdict, p: float = 1e-6) -> Ruling:
    (claim,) = (each for each in ALL if each.id.startswith(key))
    return Ruling(claim, verdict, None, claim.region, "association", "", nan if verdict == NOT else p)


def subset(
    a0: Verdict = "supported", a1: Verdict = "supported", a2: Verdict = "supported", a3: Verdict = "supported",
    a5: Verdict = "supported", halo_out: bool = True, **p: float,
) -> tuple[str, str]:  # fmt: skip
    given = {"A0": a0, "A1": a1, "A2": a2, "A3": a3, "A5": a5}
    found = {each.claim.id: each for each in (ruling(key, verdict, p.get(key, 1e-6)) for key, verdict in given.items())}
    plain, strong = proper_subset(found, halo_out)
    return plain.verdict, strong.verdict


# --- composites ---------------------------------------------------------------------------------------


def test_all_parts_make_the_whole() -> None:
    assert subset() == (SUPPORTED, SUPPORTED)
    assert subset(a5="undecided") == (SUPPORTED, UNDECIDED)
    assert subset(a5="refuted") == (SUPPORTED, REFUTED)
    assert subset(a0="undecided", a3="not answerable", a5="not answerable") == (NOT, NOT)


@pytest.mark.parametrize("a1", [SUPPORTED, REFUTED, UNDECIDED, NOT])
def test_one_of_facet_and_part_is_enough(a1: Verdict) -> None:
    assert subset(a1=a1)[0] == SUPPORTED
    assert subset(a2=a1)[0] == SUPPORTED


def test_of_two_ways_one_must_hold_at_half_the_level() -> None:
    assert subset(a1="undecided", A2=0.03)[0] == UNDECIDED
    assert subset(a1="undecided", A2=0.02)[0] == SUPPORTED


def test_a_refuted_part_refutes_the_whole_at_its_share_of_the_level() -> None:
    assert subset(a3="refuted") == (REFUTED, REFUTED)
    assert subset(a3="refuted", A3=0.03) == (UNDECIDED, UNDECIDED)
    assert subset(a1="refuted", a2="refuted")[0] == REFUTED
    assert subset(a1="refuted", a2="undecided")[0] == UNDECIDED


def test_halo_leaves_nothing_supported() -> None:
    assert subset(halo_out=False) == (UNDECIDED, UNDECIDED)
    found = {each.claim.id: each for each in (ruling(key, "supported") for key in ("A0", "A1", "A2", "A3", "A5"))}
    assert "halo alone would do this" in proper_subset(found, halo_out=False)[0].reason


@pytest.mark.parametrize(
    ("verdict", "rung", "driven"),
    [(SUPPORTED, "association", UNDECIDED), (REFUTED, None, UNDECIDED), (UNDECIDED, None, UNDECIDED), (NOT, None, NOT)],
)
def test_the_ladder_ends_at_association(verdict: Verdict, rung: str | None, driven: str) -> None:
    found = driver({"B1 associated": ruling("B1", verdict)})
    assert (found.verdict, found.rung) == (driven, rung)


def test_conclusions_stand_below_the_rulings() -> None:
    found = judge_all(datasets.aggregates("mobi"))
    assert [each.id for each in found.conclusions] == ["proper subset", "strong subset", "driver"]
    assert repr(found).splitlines()[-3].startswith("  proper subset not answerable: UX is a part of CX")
    assert "<strong>driver not answerable</strong>" in found._repr_html_()


# --- bounds -------------------------------------------------------------------------------------------


def mobi(**settings: object) -> Study:
    return replace(datasets.aggregates("mobi"), claims=settings)


def test_a_study_sets_its_bound() -> None:
    found = judge(claims.UX_IS_DISTINCT, mobi(**{"A0 distinct": {"bound": 0.99}}))
    assert found.verdict == "undecided"  # refuted at the default of .90
    assert found.region == Region((-inf, 0.99), (0.99, inf))
    assert "holds below 0.99, fails above 0.99 (set by the study)" in repr(found)
    table = judge_all(mobi(**{"A0 distinct": {"bound": 0.99}})).table.set_index("claim")
    assert table.loc["A0 distinct", "bound"] == "set by the study"
    assert table.loc["A2 part", "bound"] == "default"
    assert table.loc["A0 distinct", "holds"] == "below 0.99"


def test_the_gate_obeys_the_bound() -> None:
    study = worlds.make("harbor", n=1000, waves=1, rng=1)
    strict = judge(claims.CX_IS_MORE_THAN_UX, replace(study, claims={"A0 distinct": {"bound": 0.5}}))
    assert strict.verdict == "not answerable"
    assert "must be supported first, and is refuted" in strict.reason


@pytest.mark.parametrize(
    ("claim", "bound", "rule"),
    [
        (claims.UX_IS_A_FACET, 0.4, "holds above 0.4, fails below 0.3"),
        (claims.UX_WORKS_THROUGH_CX, 0.15, "holds within -0.15 to 0.15, fails outside -0.15 to 0.15"),
        (claims.CX_IS_MORE_THAN_UX, 0.05, "holds above 0.05, fails below 0.05"),
        (claims.SERVICE_MATTERS_TOO, -0.1, "holds above -0.1, fails below -0.1"),
    ],
)
def test_a_bound_moves_the_rule(claim: claims.Claim, bound: float, rule: str) -> None:
    assert str(claim.region.at(bound)) == rule


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"A0": {"bound": 0.8}}, "There is no claim 'A0'"),
        ({"A0 distinct": {"bound": 1.2}}, "a number between 0 and 1"),
        ({"A0 distinct": {"bound": "much"}}, "'much' for 'A0 distinct'"),
        ({"A0 distinct": {"bound": True}}, "True for 'A0 distinct'"),
        ({"A0 distinct": {"bound": nan}}, "a number between 0 and 1"),
        ({"A0 distinct": {"limit": 0.8}}, 'what can be set is {"bound": number}'),
        ({"A1 facet": {"bound": 0.2}}, "a number between 0.3 and 1"),
    ],
)
def test_impossible_bounds_are_errors(settings: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as error:
        judge_all(mobi(**settings))
    assert said in str(error.value)


def test_bounds_come_with_the_dictionary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(__file__).resolve().parent.parent / "data" / "mobi"
    (tmp_path / "mobi").mkdir()
    for path in home.iterdir():
        (tmp_path / "mobi" / path.name).write_bytes(path.read_bytes())
    package = json.loads((home / "datapackage.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path,))
    for given in ({"A0 distinct": {"bound": 0.99}}, ["A0 distinct"], {"A0 distinct": 0.99}):
        text = json.dumps(package | {"claims": given})
        (tmp_path / "mobi" / "datapackage.json").write_text(text, encoding="utf-8")
        if given == {"A0 distinct": {"bound": 0.99}}:
            assert judge(claims.UX_IS_DISTINCT, datasets.aggregates("mobi")).verdict == "undecided"
        else:
            with pytest.raises(DataError, match='"claims" maps claims to what is set'):
                datasets.aggregates("mobi")


def test_without_bounds_there_are_none() -> None:
    assert datasets.load("harbor").claims == {}
    assert datasets.aggregates("sfo").claims == {}


# --- p and the correction -----------------------------------------------------------------------------


@pytest.mark.parametrize("border", [0.2, 0.5, 0.62, 0.9])
def test_p_of_a_normal_interval_is_the_normal_one(border: float) -> None:
    found = Estimate(0.6, 0.6 - 1.6448536 * 0.1, 0.6 + 1.6448536 * 0.1, 100, "t", 0.9)
    above, below = Region((border, inf), (-inf, border)).p_values(found)
    assert above == pytest.approx(norm.sf((0.6 - border) / 0.1), rel=1e-6)
    assert below == pytest.approx(norm.cdf((0.6 - border) / 0.1), rel=1e-6)


@pytest.mark.parametrize("value", [-0.3, -0.17, -0.02, 0.03, 0.08, 0.19, 0.4])
@pytest.mark.parametrize("region", [Region((0.1, inf), (-inf, 0.1)), Region((-0.1, 0.1), (0.1, -0.1))])
def test_p_is_below_5_percent_where_the_interval_decides(value: float, region: Region) -> None:
    found = Estimate(value, value - 0.05, value + 0.08, 100, "t", 0.9)
    supported, refuted = region.p_values(found)
    assert (supported < 0.05) == (region.verdict(found) == "supported")
    assert (refuted < 0.05) == (region.verdict(found) == "refuted")


def test_outside_is_on_either_side() -> None:
    region = Region((-0.1, 0.1), (0.1, -0.1))
    assert str(region) == "holds within -0.1 to 0.1, fails outside -0.1 to 0.1"
    for value, verdict in ((-0.3, "refuted"), (0.3, "refuted"), (0.0, "supported"), (-0.1, "undecided")):
        assert region.verdict(Estimate(value, value - 0.05, value + 0.05, 100, "t", 0.9)) == verdict


def test_the_correction_is_holms() -> None:
    table = judge_all(worlds.make("harbor", n=1000, waves=1, rng=1)).table
    table = table[table["claim"].isin([each.id for each in claims.SURVEY])]
    assert table.loc[table["p"].isna(), "claim"].tolist() == ["E1 precision"]  # which takes two waves
    table = table[table["p"].notna()]
    rejected, *_ = multipletests(table["p"], alpha=0.05, method="holm")
    decided = table["verdict"].isin(["supported", "refuted"])
    kept = table["corrected"].isin(["supported", "refuted"])
    assert (kept == (rejected & decided)).all()
    assert 0 < kept.sum() < decided.sum()  # this study shows the difference
    assert (table.loc[kept, "corrected"] == table.loc[kept, "verdict"]).all()


def test_claims_over_time_are_corrected_among_themselves() -> None:
    study = worlds.make("harbor", n=1000, waves=1, rng=1)
    bare = replace(study, tables={name: each for name, each in study.tables.items() if name != "churn"})
    some, every = judge_all(bare).table.set_index("claim"), judge_all(study).table.set_index("claim")
    assert some["p"].notna().sum() + 2 == every["p"].notna().sum()
    own = [each.id for each in claims.SURVEY]
    pd.testing.assert_frame_equal(some.loc[own], every.loc[own])
    own = [each.id for each in claims.OVER_TIME if every.loc[each.id, "p"] < 1]
    rejected, *_ = multipletests(every.loc[own, "p"], alpha=0.05, method="holm")
    assert (every.loc[own, "corrected"] == every.loc[own, "verdict"].where(rejected, "undecided")).all()


def test_what_is_not_answerable_is_not_counted() -> None:
    table = judge_all(datasets.aggregates("mobi")).table
    assert table["p"].notna().sum() == 1
    assert table.loc[0, "corrected"] == "refuted"
    assert (table.loc[1:, "corrected"] == "not answerable").all()


def test_a_verdict_that_does_not_stay_is_said() -> None:
    found = judge_all(worlds.make("harbor", n=1000, waves=1, rng=1))
    weak = [each for each in found.rulings if each.verdict != each.corrected]
    assert weak
    assert all("With the other claims of the study, undecided (Holm, p = " in repr(each) for each in weak)


def test_a_claim_that_cannot_be_supported_is_not_counted_as_such() -> None:
    found = judge_all(worlds.make("halo", n=1000, waves=1, rng=1))
    proper = found.rulings[3]
    assert proper.verdict == "undecided"
    assert proper.p > 0.5  # of "refuted", the one verdict that it can still get


@pytest.mark.slow
def test_errors_of_all_claims_together_stay_below_the_level() -> None:
    """Eight independent claims, each on its border: the chance that any stays wrongly supported is 5%."""
    rng = np.random.default_rng(1)
    region, wrong = Region((0, inf), (-inf, 0)), 0
    from cxuxlib.stats.multiplicity import holm

    for _ in range(2000):
        values = rng.normal(size=8)
        p = [region.p_values(Estimate(v, v - 1.6448536, v + 1.6448536, 10, "t", 0.9))[0] for v in values]
        wrong += bool((holm(p) < 0.05).any())
    assert wrong / 2000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_errors_are_ours() -> None:
    with pytest.raises(CxuxError):
        judge_all(mobi(nonsense={}))
