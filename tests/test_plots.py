"""Pictures say what they show, and their sentence comes from what was drawn."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, cx, datasets, events, measure, models, plots, text
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
    assert "Not answerable in this study: A0 distinct, A1 facet" in sentence
    assert "B4 service too undecided -0.082" in sentence


@pytest.fixture
def steps() -> pd.DataFrame:
    reached = {"app": (40, 30, 6), "web": (60, 48, 40)}
    rows = [
        (f"{device}{user}", device, event)
        for device, many in reached.items()
        for event, count in zip(("cart", "shipping", "paid"), many, strict=True)
        for user in range(count)
    ]
    log = pd.DataFrame(rows, columns=["user_id", "device", "event"]).assign(at=pd.Timestamp("2026-01-01"))
    return events.funnel(events.read(log), ["cart", "shipping", "paid"], window_s=60, by="device", until="2030-01-01")


@pytest.mark.parametrize(("of", "value", "low", "high"), [
    ("entries", "value", "low", "high"), ("previous", "from_previous", "previous_low", "previous_high"),
])  # fmt: skip
def test_a_funnel_says_each_segment_s_steps(steps: pd.DataFrame, of: str, value: str, low: str, high: str) -> None:
    sentence = repr(plots.funnel(steps, of=of, title="Payment fails in the app"))
    app, web = sentence.removeprefix("Payment fails in the app. ").split(" web: ")
    for segment, said in {"app": app, "web": web}.items():
        rows = steps[(steps["segment"] == segment) & steps[value].notna()].to_dict("records")
        places = [text.decimals(row[low], row[high]) for row in rows]
        expected = "; ".join(
            f"{row['event']} {text.number(row[value], digits)} {text.interval(row[low], row[high], digits)}"
            for row, digits in zip(rows, places, strict=True)
        )
        assert expected in said
    assert ("cart" in sentence) == (of == "entries")  # of the step before, the first has none


def test_the_sentence_of_a_funnel_follows_the_artists(steps: pd.DataFrame) -> None:
    moved = steps.assign(value=steps["value"] * 0.9)
    assert repr(plots.funnel(moved)) != repr(plots.funnel(steps))


def test_a_funnel_of_one_segment_needs_no_legend(steps: pd.DataFrame) -> None:
    both, one = plots.funnel(steps), plots.funnel(steps[steps["segment"] == "app"])
    assert [len(picture.figure.legends) for picture in (both, one)] == [1, 0]
    assert "app" not in repr(one)


def test_a_funnel_refuses_what_it_cannot_draw(steps: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="There is no kind of share 'next'"):
        plots.funnel(steps, of="next")
    with pytest.raises(ArgumentError, match=r"events\.funnel.*'previous_low'"):
        plots.funnel(steps.drop(columns="previous_low"), of="previous")
    many = pd.concat([steps.assign(segment=name) for name in "abcde"])
    with pytest.raises(ArgumentError, match="5 segments are too many"):
        plots.funnel(many)
