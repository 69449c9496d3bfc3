"""Pictures of key drivers: kinds, signs and ranks, and the sentences they say."""

import numpy as np
import pytest

from cxuxlib import plots
from cxuxlib.errors import ArgumentError
from cxuxlib.models import driver_ranks, key_drivers
from tests.drivers_reference import SWISS, swiss

FIT = key_drivers(swiss(), "Fertility", SWISS[1:], method="all")


@pytest.mark.parametrize(("kind", "named"), [("lmg", "LMG"), ("johnson", "Johnson"), ("pratt", "Pratt")])
def test_every_kind_can_be_drawn(kind: str, named: str) -> None:
    picture = plots.drivers(FIT, kind=kind)
    assert f"Share of the variance of Fertility ({named}, 95% interval): Education " in repr(picture)
    low = picture.figure.axes[0].get_xlim()[0]
    assert (low < -0.1) if kind == "pratt" else (low == 0)


def test_shares_without_an_interval_are_points() -> None:
    bare = FIT.terms.assign(low=np.nan, high=np.nan)
    fit = type(FIT)(FIT.model, FIT.formula, bare, FIT.quality, FIT.raw, FIT.level, FIT.method)
    assert "Education 0.260 [–, –]" in repr(plots.drivers(fit))


def test_ranks_are_drawn_and_said_with_signs() -> None:
    table = driver_ranks(FIT)
    sentence = repr(plots.driver_ranks(table, title="Education leads"))
    assert sentence.startswith("Education leads. Rank of the share (LMG, 95% interval): Education (negative) 1 [1 to ")
    for row in table.itertuples():
        assert f"{row.rank} [{row.rank_low} to {row.rank_high}]" in sentence
    assert "Infant.Mortality 3" in sentence


def test_the_sentence_of_ranks_follows_the_artists() -> None:
    table = driver_ranks(FIT)
    assert repr(plots.driver_ranks(table.assign(rank_high=5))) != repr(plots.driver_ranks(table.assign(rank_high=4)))


def test_ranks_of_what_is_none() -> None:
    with pytest.raises(ArgumentError, match=r"models\.driver_ranks\(\); it has no 'rank_low'"):
        plots.driver_ranks(driver_ranks(FIT).drop(columns="rank_low"))
