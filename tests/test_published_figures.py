"""The airport survey gives the figures that claims.md and the notebooks quote."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxuxlib import cx, datasets, measure
from cxuxlib.frames import expand
from cxuxlib.models import key_drivers
from cxuxlib.results import Fit, Moments
from cxuxlib.study import Study, names, pooled


@cache
def sfo() -> Study:
    return datasets.aggregates("sfo")


def recommendations() -> pd.DataFrame:
    table = sfo().tables["weighted"]
    return expand(table[table["item"] == "recommend"]).rename(columns={"answer": "recommend"})


@cache
def drivers(outcome: str) -> Fit:
    blocks: dict[str, list[str]] = {}
    for column in sfo().columns:
        if column.role == "item":
            blocks.setdefault(column.facet, []).append(column.name)
    return key_drivers(pooled(sfo(), f"moments/{outcome}"), outcome, groups=blocks)


def test_nps() -> None:
    found = measure(recommendations(), cx.nps()).iloc[0]
    assert (round(found["value"], 1), found["n"]) == (35.5, 5396)


@pytest.mark.parametrize(("year", "points"), [(2017, 39.8), (2018, 31.0)])
def test_nps_by_year(year: int, points: float) -> None:
    found = measure(recommendations(), cx.nps(), by="year").set_index("segment")
    assert round(found.loc[year, "value"], 1) == points


def test_overall_and_recommendation_correlate() -> None:
    both = pooled(sfo(), "moments/overall+recommend").covariance
    assert round(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]), 2) == 0.58


def test_thirteen_items_are_asked_throughout() -> None:
    assert len(names(sfo(), role="item")) == 13


@pytest.mark.parametrize(("outcome", "n", "r2"), [("overall", 5095, 0.645), ("recommend", 1710, 0.462)])
def test_explained_share(outcome: str, n: int, r2: float) -> None:
    quality = drivers(outcome).quality
    assert (quality["n"], round(quality["R2"], 3)) == (n, r2)


@pytest.mark.parametrize(
    ("outcome", "facet", "kind", "share"),
    [
        ("overall", "digital UX", "alone", 0.446),
        ("overall", "digital UX", "unique", 0.012),
        ("overall", "facilities", "alone", 0.610),
        ("overall", "facilities", "unique", 0.106),
        ("recommend", "digital UX", "unique", 0.001),
    ],
)
def test_share_of_a_facet(outcome: str, facet: str, kind: str, share: float) -> None:
    assert round(drivers(outcome).estimate(facet, kind).value, 3) == share


def test_mobi_has_no_missing_answers() -> None:
    moments = datasets.aggregates("mobi").tables["moments/all"]
    assert isinstance(moments, Moments)
    assert (moments.n, moments.n_missing, len(moments.names)) == (250, 0, 24)
