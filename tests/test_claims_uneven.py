"""Items that mean another thing in another group: found by equal loadings, said, and nothing is decided on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, worlds
from cxuxlib.claims.guards import UNEVEN, uneven
from cxuxlib.models import invariance
from cxuxlib.results import Moments
from cxuxlib.study import Study

LOADINGS = np.array([0.8, 0.8, 0.8, 0.7, 0.8, 0.8])


def answers(n: int, seed: int, loadings: np.ndarray = LOADINGS) -> np.ndarray:
    """Three items of UX and three of CX, which correlate by .6."""
    rng = np.random.default_rng(seed)
    ux, other = rng.standard_normal((2, n))
    states = np.column_stack([ux] * 3 + [0.6 * ux + 0.8 * other] * 3)
    return states * loadings + np.sqrt(1 - loadings**2) * rng.standard_normal((n, 6))


def test_equal_loadings_are_no_matter() -> None:
    assert uneven({"here": answers(400, 1), "there": answers(300, 2)}, (3, 3)) == ""


def test_alarms_are_rarer_than_one_in_a_hundred_or_so() -> None:
    found = [uneven({"here": answers(250, k), "there": answers(250, 1000 + k)}, (3, 3)) for k in range(150)]
    assert sum(each != "" for each in found) <= 5


def test_an_item_that_changes_is_found_as_by_the_steps_of_invariance() -> None:
    turned = LOADINGS * [1, 1, 0.2, 1, 1, 1]
    here, there = answers(400, 1), answers(400, 2, turned)
    said = uneven({"here": here, "there": there}, (3, 3))
    assert said.startswith(UNEVEN)
    names = tuple("abcdef")
    moments = {
        name: Moments(len(x), names, x.mean(axis=0), np.cov(x.T)) for name, x in (("h", here), ("t", there))
    }  # fmt: skip
    steps = invariance("UX =~ a + b + c; CX =~ d + e + f", moments).set_index("step")
    assert f"CFI falls by {-steps.loc['metric', 'delta_cfi']:.3f}" in said


def test_few_sheets_tell_nothing_and_it_is_said() -> None:
    assert "too few sheets there (99)" in uneven({"here": answers(400, 1), "there": answers(99, 2)}, (3, 3))


@pytest.mark.parametrize(("claim", "waves"), [("D1 one product", 1), ("E1 precision", 2)])
def test_rulings_that_compare_groups_decide_nothing_on_uneven_items(claim: str, waves: int) -> None:
    own = next(each for each in claims.ALL if each.id == claim)
    study = worlds.make("portfolio" if waves == 1 else "harbor", n=3000, waves=waves, rng=1)
    before = claims.judge(own, study)
    assert before.decided
    assert UNEVEN not in before.reason
    after = claims.judge(own, changed(study, waves))
    assert after.verdict == "undecided"
    assert UNEVEN in after.reason
    assert before.estimate is not None
    assert after.estimate is not None  # the figure is still there


def changed(study: Study, waves: int) -> Study:
    """The same with the first item of UX answered at random in brands of many products, or in the last wave."""
    rng = np.random.default_rng(1)
    tables = dict(study.tables)
    item = next(each.name for each in study.columns if each.role == "item" and each.construct == "UX")
    for name, table in tables.items():
        if not isinstance(table, pd.DataFrame) or item not in table:
            continue
        where = table[table["wave"] == table["wave"].max()].index if waves > 1 and "wave" in table else table.index
        if waves == 1:
            brands = next(each for each in tables.values() if "products_of_brand" in getattr(each, "columns", ()))
            many = set(brands.loc[brands["products_of_brand"] > 2, "brand_id"])
            unit = next(each.name for each in study.columns if each.role == "unit")
            of = next(
                each for each in tables.values() if {unit, "brand_id"} <= set(getattr(each, "columns", ()))
            ).drop_duplicates(unit).set_index(unit)["brand_id"]  # fmt: skip
            where = table.index[table[unit].map(of).isin(many)]
        own = table.copy()
        own.loc[where, item] = rng.permutation(own.loc[where, item].to_numpy())
        tables[name] = own
    return replace(study, tables=tables)
