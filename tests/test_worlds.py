"""Simulated studies: complete, in range, missing only where the world says so, the same from the same seed."""

from functools import cache
from math import isfinite
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxuxlib import worlds
from cxuxlib.errors import ArgumentError
from cxuxlib.study import Study, names

WAVES = 3
ITEMS_OF_SERVICE = ["service_reach", "service_kind", "service_solves"]
ITEMS_OF_DELIVERY = ["delivery_on_time", "delivery_intact", "delivery_informed"]
every_world = pytest.mark.parametrize("name", worlds.names())


@cache
def small(name: str) -> Study:
    return worlds.make(name, n=400, waves=WAVES, rng=5)


def items(study: Study) -> list[str]:
    return [each for role in ("item", "cx", "rating", "loyalty") for each in names(study, role=role)]


# --- what is there ---------------------------------------------------------------------------------


def test_the_worlds_are_those_that_were_asked_for() -> None:
    assert worlds.names() == [
        "harbor", "one-and-the-same", "side-by-side", "halo", "ceiling", "weakest-link", "compensating", "reverse",
        "confounded", "direct", "null", "single-product", "portfolio",
    ]  # fmt: skip
    assert all(world.name == name and world.says.endswith(".") for name, world in worlds.WORLDS.items())
    assert len({world.says for world in worlds.WORLDS.values()}) == 13


@every_world
def test_every_column_is_in_the_dictionary_and_every_table_has_its_columns(name: str) -> None:
    study = small(name)
    assert list(study.tables) == [
        "customers", "products", "attempts", "orders", "contacts", "surveys", "churn", "answers",
    ]  # fmt: skip
    described = [column.name for column in study.columns]
    assert len(set(described)) == len(described)
    assert {column for table in study.tables.values() for column in table.columns} == set(described)
    assert all(column.description for column in study.columns)


def test_there_are_the_items_that_the_claims_ask_for() -> None:
    study = small("harbor")
    assert names(study, role="item", construct="UX") == ["seq", "umux_needs", "umux_ease"]
    assert len(names(study, role="cx")) == 3
    assert names(study, role="rating") == ["satisfaction", "effort"]
    assert names(study, role="loyalty") == ["continue_using", "recommend"]
    facets = {column.facet for column in study.columns if column.role == "item"}
    assert facets == {"UX", "service", "delivery", "price/value", "brand", "innovation"}


# --- laws ------------------------------------------------------------------------------------------


@every_world
def test_answers_are_whole_and_in_range(name: str) -> None:
    study = small(name)
    for column in study.columns:
        if column.name in items(study):
            given = study.tables["surveys"][column.name].dropna()
            assert given.between(column.low, column.high).all()
            assert (given % 1 == 0).all()
            assert len(given) > 300


@every_world
def test_waves_are_complete_and_end_with_the_customer(name: str) -> None:
    tables = small(name).tables
    last = tables["churn"].set_index("customer_id")["last_wave"]
    assert tables["customers"]["customer_id"].tolist() == last.index.tolist() == list(range(1, 401))
    expected = [(customer, wave) for customer, end in last.items() for wave in range(1, end + 1)]
    assert list(zip(tables["surveys"]["customer_id"], tables["surveys"]["wave"], strict=True)) == expected
    for table in ("attempts", "orders", "contacts"):
        events = tables[table]
        assert (events["wave"] <= events["customer_id"].map(last)).all()
        assert (events["day"] // 91 + 1 == events["wave"]).all()
    stayed = tables["churn"].query("~churned")
    assert (stayed["last_wave"] == WAVES).all()
    assert 0 < len(stayed) < 400


@every_world
def test_answers_are_missing_only_where_the_world_says_so(name: str) -> None:
    study = small(name)
    surveys = study.tables["surveys"]
    silent, sheets = surveys[~surveys["responded"]], surveys[surveys["responded"]]
    assert len(silent) > 0
    assert silent[items(study)].isna().all(axis=None)
    facets = ITEMS_OF_SERVICE + ITEMS_OF_DELIVERY
    assert sheets[[each for each in items(study) if each not in facets]].notna().all(axis=None)
    for facet, events in ((ITEMS_OF_SERVICE, "contacts"), (ITEMS_OF_DELIVERY, "orders")):
        answered = sheets[facet].notna().sum(axis=1)
        assert set(answered) == {0, 3}
        first = study.tables[events].groupby("customer_id")["wave"].min()
        met = sheets["wave"] >= sheets["customer_id"].map(first)
        assert (answered[met] == 3).all()  # who met the facet can speak of it
        by_customer = answered.groupby(sheets["customer_id"])
        assert by_customer.apply(lambda counts: counts.is_monotonic_increasing).all()  # and never forgets


def test_a_world_without_reasons_to_be_missing_has_none() -> None:
    everything = {"questionnaire.response": 1.0, "experience.service.met": 1.0, "experience.delivery.met": 1.0}
    study = worlds.make(worlds.changed(worlds.WORLDS["harbor"], everything), n=300, waves=2, rng=1)
    assert study.tables["surveys"].notna().all(axis=None)


@every_world
def test_contacts_have_their_cause(name: str) -> None:
    tables = small(name).tables
    failed = tables["attempts"].query("~success")
    late = tables["orders"].query("late_d > 0")
    for cause, events in (("product", failed), ("delivery", late)):
        contacts = tables["contacts"][tables["contacts"]["cause"] == cause].groupby(["customer_id", "wave"]).size()
        behind = events.groupby(["customer_id", "wave"]).size()
        assert len(contacts) > 5
        assert (contacts <= behind.reindex(contacts.index).fillna(0)).all()
    assert not (tables["attempts"]["success"] & tables["attempts"]["abandoned"]).any()
    assert not (~tables["contacts"]["solved"] & tables["contacts"]["made_good"]).any()


@every_world
def test_events_are_in_the_ranges_of_the_dictionary(name: str) -> None:
    study = small(name)
    for table in study.tables.values():
        for column in study.columns:
            if column.name in table and pd.api.types.is_numeric_dtype(table[column.name]):
                assert column.low is None or table[column.name].min() >= column.low
                assert column.high is None or table[column.name].max() <= column.high


@every_world
def test_customers_use_products_of_their_brand(name: str) -> None:
    tables = small(name).tables
    products = tables["products"].set_index("product_id")
    of = products.loc[tables["customers"]["product_id"]].reset_index()
    assert of["brand_id"].tolist() == tables["customers"]["brand_id"].tolist()
    assert (tables["customers"]["products_used"].to_numpy() <= of["products_of_brand"].to_numpy()).all()
    counted = products.groupby("brand_id").size()
    assert (products["brand_id"].map(counted) == products["products_of_brand"]).all()


def test_answers_are_the_first_wave() -> None:
    tables = small("harbor").tables
    assert len(tables["answers"]) == 400
    assert "wave" not in tables["answers"]
    first = tables["surveys"].query("wave == 1")["recommend"]
    assert tables["answers"]["recommend"].equals(first.reset_index(drop=True))


@every_world
def test_truth_is_made_of_numbers_that_are_described(name: str) -> None:
    truth = small(name).truth
    assert truth is not None
    assert set(truth) <= set(worlds.TRUTHS)
    assert len(truth) > 20
    assert all(isfinite(value) for value in truth.values())


# --- chance ----------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_study() -> None:
    first, second = (worlds.make("portfolio", n=300, waves=2, rng=np.random.default_rng(9)) for _ in range(2))
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    other = worlds.make("portfolio", n=300, waves=2, rng=10)
    assert not first.tables["surveys"].equals(other.tables["surveys"])


def test_a_generator_goes_on() -> None:
    rng = np.random.default_rng(9)
    first, second = (worlds.make("null", n=50, waves=1, rng=rng).tables["answers"] for _ in range(2))
    assert not first.equals(second)


def test_sums_of_a_small_world_are_the_same_everywhere() -> None:
    tables = worlds.make("harbor", n=200, waves=2, rng=20).tables
    found = {
        "answers": int(tables["surveys"][items(small("harbor"))].sum(axis=None)),
        "seconds": round(float(tables["attempts"]["time_s"].sum()), 1),
        "days": int(tables["attempts"]["day"].sum()),
        "amount": round(float(tables["orders"]["amount"].sum()), 2),
        "churned": int(tables["churn"]["churned"].sum()),
    }
    assert found == {"answers": 33834, "seconds": 79139.5, "days": 104338, "amount": 19681.19, "churned": 20}


def test_many_customers_are_made_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxuxlib.worlds import studies

    monkeypatch.setattr(studies, "CHUNK", 150)
    study = worlds.make("harbor", n=400, waves=2, rng=3)
    assert study.tables["customers"]["customer_id"].tolist() == list(range(1, 401))
    assert study.tables["surveys"]["customer_id"].is_monotonic_increasing
    assert study.tables["attempts"]["session_id"].is_unique
    first = worlds.make("harbor", n=150, waves=2, rng=3).tables["surveys"]
    pd.testing.assert_frame_equal(study.tables["surveys"].head(len(first)), first)


# --- refusals --------------------------------------------------------------------------------------


def test_an_unknown_world_says_which_there_are() -> None:
    with pytest.raises(
        ArgumentError, match=r"no world 'harbour'; there is 'harbor', 'one-and-the-same'.*mean 'harbor'"
    ):
        worlds.make("harbour", rng=1)


@pytest.mark.parametrize("value", [0, -1, 2.5, "many", True])
@pytest.mark.parametrize("name", ["n", "waves"])
def test_counts_are_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name} is a whole number, 1 or more; got {value!r}"):
        worlds.make("harbor", rng=1, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"experience.ux.weight": 2.0}, "the weights explain .*% of CX"),
        ({"experience.carry": 1.0}, "states grow forever"),
        ({"loyalty.cx": 1.2}, "more than all of loyalty"),
        ({"market.products": ()}, "products has a whole number"),
        ({"market.products": (2, 0)}, "products has a whole number"),
        ({"market.products": (1,)}, "a single product has no product_share"),
        ({"market.products": (2,)}, "a single brand has no brand_share"),
        ({"market.product_share": 0.9}, "product_share is a part of"),
        ({"market.brand_share": 0.9}, "brand_share is a part of"),
        ({"experience.hidden_ux": 0.9}, "hidden_ux² is at most 1"),
        ({"experience.brand.umbrella": -1.1}, "umbrella loading is between"),
        ({"questionnaire.halo": 0.7}, "loading² \\+ halo² is at most 1"),
        ({"questionnaire.careless": 1.5}, "questionnaire.careless is between 0 and 1; got 1.5"),
        ({"touchpoints.attempts": -1.0}, "touchpoints.attempts is 0 or more; got -1.0"),
        ({"touchpoints.late": float("nan")}, "touchpoints.late is between 0 and 1; got nan"),
        ({"loyalty.churn": 1.0}, "churn is below 1"),
        ({"redesign.by": "chance"}, "redesign.by is"),
        ({"redesign.wave": 1}, "the first wave is the baseline"),
        ({"experience.price.weight": 0.1}, "no parameter 'price.weight'; there is 'ux', 'service'"),
        ({"loyalty.cx.weight": 0.1}, "no parameter 'cx.weight'"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        worlds.make(worlds.changed(worlds.WORLDS["harbor"], changes), n=10, rng=1)


def test_a_rollout_by_product_needs_products() -> None:
    with pytest.raises(ArgumentError, match="needs 2 products"):
        worlds.changed(worlds.WORLDS["single-product"], {"redesign.by": "product"})


def test_what_is_no_simulated_study_is_not_written(tmp_path: Path) -> None:
    for other in (Study("s", {}, (), ""), "harbor"):
        with pytest.raises(ArgumentError, match="takes a simulated study"):
            worlds.write_study(other, tmp_path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
