"""How often rulings are wrong where the truth is known: the shipped table, and what a ruling says of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, worlds
from cxuxlib.claims import error_rates, judge, rates
from cxuxlib.datasets import shipped
from cxuxlib.errors import ArgumentError

VERDICTS = ["supported", "refuted", "undecided", "not_answerable"]


def test_the_table_has_every_claim_where_it_holds_where_it_fails_and_on_its_border() -> None:
    table = error_rates()
    assert set(table["n"]) == {300, 1000, 3000}
    for n in (300, 1000, 3000):
        for claim in claims.SURVEY:
            rows = table[(table["n"] == n) & (table["claim"] == claim.id)].set_index("world")
            assert {claim.true_where, claim.false_where} <= set(rows.index)
            assert "on the border" in set(rows["there"]) or claim.id == "D1 one product", claim.id  # 0 refutes it too
            assert {"halo", "ceiling", "one-and-the-same"} <= set(rows.index)
            assert rows.loc[claim.true_where, "there"] in ("holds", "on the border")


def test_shares_add_up_and_wrong_is_what_it_says() -> None:
    table = error_rates()
    assert table[VERDICTS].sum(axis=1).to_numpy() == pytest.approx(1.0, abs=3e-4)
    known = {
        "holds": table["refuted"], "fails": table["supported"],
        "on the border": table[["supported", "refuted"]].max(axis=1),
    }  # fmt: skip
    for where, want in known.items():
        here = table["there"] == where
        assert here.any()
        assert table.loc[here, "wrong"].to_numpy() == pytest.approx(want[here].to_numpy())
    assert table.loc[~table["there"].isin(list(known)), "wrong"].isna().all()
    size = np.sqrt(np.maximum(table["wrong"] * (1 - table["wrong"]), 0.05 * 0.95) / table["replications"])
    there = table["wrong"].notna()
    assert table.loc[there, "simulation_error"].to_numpy() == pytest.approx(size[there].to_numpy(), abs=1e-4)


def test_who_changes_the_table_changes_a_copy() -> None:
    table = error_rates()
    table["supported"] = 1.0
    assert error_rates()["supported"].min() < 1


FAKE = pd.DataFrame(
    [
        ("A1 facet", "border of A1", 1000, "on the border", 0.09, 0.02, 0.007),
        ("A1 facet", "border of A1", 3000, "on the border", 0.05, 0.02, 0.007),
        ("A1 facet", "side-by-side", 1000, "fails", 0.08, 0.90, 0.007),
        ("A1 facet", "harbor", 1000, "holds", 0.90, 0.00, 0.007),
    ],
    columns=["claim", "world", "n", "there", "supported", "refuted", "simulation_error"],
)


def test_a_ruling_carries_a_missed_goal_of_its_own_verdict_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_table", lambda: FAKE)
    said = rates.missed_goal("A1 facet", "supported", 900)
    assert said == (" Of simulated studies of 1,000 customers where its bound is the truth, 9% were supported wrongly.")
    assert rates.missed_goal("A1 facet", "supported", 3000) == ""
    assert rates.missed_goal("A1 facet", "refuted", 900) == ""
    assert rates.missed_goal("A1 facet", "undecided", 900) == ""
    assert rates.missed_goal("A2 part", "supported", 900) == ""
    monkeypatch.setattr(rates, "_table", lambda: FAKE[FAKE["world"] != "border of A1"])
    assert "in the world 'side-by-side', 8%" in rates.missed_goal("A1 facet", "supported", 900)
    ruling = judge(claims.UX_IS_A_FACET, worlds.make("harbor", n=2000, waves=1, rng=2))
    assert ruling.verdict == "supported"
    assert ruling.reason.endswith("8% were supported wrongly.")


def test_the_rates_of_one_claim() -> None:
    table = error_rates(claims.UX_IS_A_PART)
    assert set(table["claim"]) == {"A2 part"}
    assert list(table.index) == [*range(len(table))]
    with pytest.raises(ArgumentError, match="takes a claim"):
        error_rates("A2 part")  # type: ignore[arg-type]


def test_the_table_is_shipped_with_what_made_it() -> None:
    assert shipped("calibration/rulings.csv").stat().st_size < 200_000
    assert {"seed", "cxuxlib", "numpy"} <= set(error_rates().columns)
