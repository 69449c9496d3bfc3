"""Pictures say what they show, and their sentence comes from what was drawn."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, cx, datasets, measure, models, plots
from cxuxlib.errors import ArgumentError
from cxuxlib.results import Moments


@pytest.fixture
def fit() -> object:
    corr = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.2], [0.3, 0.2, 1.0]])
    return models.key_drivers(Moments(500, ("overall", "a", "b"), np.zeros(3), corr), "overall", ["b", "a"])


def test_drivers_are_sorted_and_said(fit: object) -> None:
    sentence = repr(plots.drivers(fit, title="A leads"))
    assert sentence.startswith("A leads. Share of the variance of overall (LMG, 95% interval): a 0.3")
    assert "; b 0.0" in sentence


def test_the_sentence_follows_the_artists(fit: object) -> None:
    moved = fit.terms.copy()
    moved.loc[moved["kind"] == "lmg", "value"] += 0.1
    other = type(fit)(fit.model, fit.formula, moved, fit.quality, fit.raw, fit.level, fit.method)
    assert repr(plots.drivers(other)) != repr(plots.drivers(fit))


def test_a_kind_that_is_not_there_is_named(fit: object) -> None:
    with pytest.raises(ArgumentError, match="lmg"):
        plots.drivers(fit, kind="pratt")


def test_png_bytes_are_the_same_twice_and_carry_alt_text(fit: object) -> None:
    first, second = plots.drivers(fit), plots.drivers(fit)
    data, metadata = first._repr_png_()
    assert data == second.png()
    assert data.startswith(b"\x89PNG")
    assert metadata == {"alt": repr(first)}


def test_a_picture_is_saved(fit: object, tmp_path: object) -> None:
    plots.drivers(fit).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_estimates_wants_one_metric() -> None:
    answers = pd.DataFrame({"recommend": [10, 3], "satisfaction": [5, 1]})
    table = measure(answers, [cx.nps(), cx.csat()], unit=None)
    with pytest.raises(ArgumentError, match="one metric"):
        plots.estimates(table)
    with pytest.raises(ArgumentError, match="measure"):
        plots.estimates(pd.DataFrame({"metric": ["NPS"]}))


def test_a_segment_without_an_interval_is_drawn_as_a_point() -> None:
    answers = pd.DataFrame({"satisfaction": [5.0, 4.0, 3.0], "shop": ["a", "a", "b"]})
    table = measure(answers, cx.csat_mean(), by="shop", unit=None)
    assert "b 3.000 [–, –]" in repr(plots.estimates(table))


def test_verdicts_name_what_cannot_be_answered() -> None:
    sentence = repr(plots.verdicts(claims.judge_all(datasets.aggregates("sfo"))))
    assert "A0 distinct not answerable" in sentence
    assert "B4 service too undecided -0.082" in sentence
