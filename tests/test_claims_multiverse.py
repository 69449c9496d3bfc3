"""What a ruling hangs on, and how large a study must be: `robustness` and `power`."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from cxuxlib import claims, datasets, plots, worlds
from cxuxlib.claims import Case, judge, power, robustness
from cxuxlib.claims.case import Way
from cxuxlib.claims.judging import ruled
from cxuxlib.errors import ArgumentError
from cxuxlib.study import Study


@lru_cache
def harbor(n: int = 800) -> Study:
    return worlds.make("harbor", n=n, waves=1, rng=1)


@lru_cache
def found() -> claims.Robustness:
    kept = tuple(each for each in harbor().columns if each.facet in ("", "UX", "service"))
    return robustness(claims.UX_IS_DISTINCT, replace(harbor(), columns=kept))


def test_the_first_specification_is_the_ruling() -> None:
    kept = tuple(each for each in harbor().columns if each.facet in ("", "UX", "service"))
    first, alone = found().table.iloc[0], judge(claims.UX_IS_DISTINCT, replace(harbor(), columns=kept))
    assert tuple(first[["without", "answers", "sheets", "straight"]]) == ("", "ordered", "all", "left out")
    assert alone.estimate is not None
    assert first["value"] == pytest.approx(alone.estimate.value, abs=1e-12)
    assert found().ruling.verdict == alone.verdict == "supported"
    assert found().share == 1.0


def test_every_choice_is_combined_with_every_other() -> None:
    table = found().table
    assert len(table) == 8 * (1 + 3 + 3)  # all items, or without one of UX's or service's three; CX keeps its three
    assert not table.duplicated(["without", "answers", "sheets", "straight"]).any()
    complete = table[(table["without"] == "") & (table["sheets"] == "complete")]
    assert complete["n"].max() < table["n"].max()
    numbers = table[table["answers"] == "numbers"]["value"].to_numpy()
    ordered = table[table["answers"] == "ordered"]["value"].to_numpy()
    assert np.abs(numbers - ordered).max() > 1e-4


def test_a_specification_is_the_ruling_on_the_changed_study() -> None:
    table = found().table
    row = table[(table["without"] == "seq") & (table["sheets"] == "complete") & (table["answers"] == "numbers")].iloc[0]
    kept = tuple(each for each in harbor().columns if each.facet in ("", "UX", "service") and each.name != "seq")
    again = ruled(claims.UX_IS_DISTINCT, Case(replace(harbor(), columns=kept), Way("numbers", "complete")))
    assert again.estimate is not None
    assert row["value"] == pytest.approx(again.estimate.value, abs=1e-12)


def test_claims_by_order_alone_have_no_numbers_to_choose() -> None:
    soured = robustness(claims.SERVICE_SOURS_GOOD_UX, replace(harbor(), tables={"answers": harbor().tables["answers"]}))
    assert set(soured.table["answers"]) == {"ordered"}
    assert "not answerable" not in set(soured.table["verdict"])


def test_moments_have_only_their_items_to_choose() -> None:
    mobi = robustness(claims.UX_IS_DISTINCT, datasets.aggregates("mobi"))
    assert set(mobi.table["verdict"]) == {"refuted", "undecided"}
    assert 0.5 < mobi.share < 1
    assert mobi.table["answers"].nunique() == 1


def test_the_curve_says_what_the_table_says() -> None:
    sentence = repr(plots.specification_curve(found(), title="Nothing moves it"))
    values = found().table["value"]
    assert sentence.startswith("Nothing moves it. Estimates with 90% intervals")
    assert f"{len(values)} supported {values.min():.3f} to {values.max():.3f}" in sentence
    silent = robustness(claims.SERVICE_MATTERS_TOO, datasets.aggregates("mobi"))
    assert "cannot be answered" in repr(plots.specification_curve(silent))


def test_power_grows_and_is_that_of_the_same_draws() -> None:
    table = power(claims.CX_IS_MORE_THAN_UX, "harbor", n=[120, 600], replications=20, rng=3)
    assert table["supported"].is_monotonic_increasing
    assert table["refuted"].max() == 0
    assert (table[["supported", "refuted", "undecided", "not_answerable"]].sum(axis=1) == 1).all()
    (own, _) = np.random.default_rng(3).spawn(2)
    again = [judge(claims.CX_IS_MORE_THAN_UX, worlds.make("harbor", n=120, waves=1, rng=own)) for _ in range(20)]
    assert table.loc[0, "supported"] == np.mean([each.verdict == "supported" for each in again])


def test_what_they_refuse() -> None:
    for wrong, says in (
        ({"n": 300}, "lists numbers"), ({"n": []}, "lists numbers"), ({"n": [300], "replications": 2}, "20 or more"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=says):
            power(claims.UX_IS_DISTINCT, "harbor", rng=1, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="There is no world"):
        power(claims.UX_IS_DISTINCT, "harbour", n=[300], rng=1)
    for call in (robustness, plots.specification_curve):
        with pytest.raises(ArgumentError, match="got"):
            call(*["A0"] * (2 if call is robustness else 1))  # type: ignore[operator]
