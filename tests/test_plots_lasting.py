"""Curves of who stays and points of what was foretold: drawn where the tables say."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib import models, plots
from cxuxlib.errors import ArgumentError
from cxuxlib.results import Fit

ROWS = pd.DataFrame({
    "days": [20, 50, 50, 90, 90, 10, 30, 40, 80, 90],
    "left": [1, 1, 0, 0, 0, 1, 1, 1, 1, 0],
    "plan": ["a"] * 5 + ["b"] * 5,
})  # fmt: skip
CHANCES = pd.DataFrame({"ease": [1, 1, 3, 3, 5, 5], "churned": [1, 0] * 3, "n": [30, 20, 20, 25, 15, 35]})


@pytest.fixture(scope="module")
def kept() -> Fit:
    return models.survival(ROWS, duration="days", event="left", by="plan", unit=None)


@pytest.fixture(scope="module")
def foretold() -> Fit:
    return models.churn_performance(models.churn_logit(CHANCES, "churned ~ ease", frequency="n"))


def test_a_curve_begins_at_one_and_falls_where_somebody_leaves(kept: Fit) -> None:
    picture = plots.survival_curves(kept, unit="days")
    for line, (name, rows) in zip(picture.figure.axes[0].lines, kept.raw.groupby("group"), strict=True):
        assert line.get_label() == name
        assert line.get_ydata()[0] == 1.0
        for time, value in zip(rows["time"], rows["value"], strict=True):
            assert value in np.asarray(line.get_ydata())[np.asarray(line.get_xdata()) == time]


def test_the_sentence_tells_the_last_share_of_each_group(kept: Fit) -> None:
    said = plots.survival_curves(kept, title="Plan a keeps them", unit="days").sentence
    assert said.startswith("Plan a keeps them. Share at 90 days (bands: 95% intervals): a 0.60 [")
    assert "; b 0.20 [" in said


def test_a_point_stands_where_the_table_of_reliability_says(foretold: Fit) -> None:
    axes = plots.reliability(foretold).figure.axes[0]
    points = next(line for line in axes.lines if line.get_gid() == "estimate")
    assert np.array_equal(points.get_xydata(), foretold.raw.reliability[["foretold", "observed"]].to_numpy())
    assert sum(line.get_gid() == "interval" for line in axes.lines) == len(foretold.raw.reliability) == 3


@pytest.mark.parametrize("draw", [plots.survival_curves, plots.reliability])
def test_what_is_another_result_is_refused(draw: object) -> None:
    other = models.linear("n ~ ease", CHANCES, unit=None)
    with pytest.raises(ArgumentError, match=r"draws results of models\."):
        draw(other)  # type: ignore[operator]


def test_more_groups_than_colours_are_refused() -> None:
    rows = ROWS.assign(plan=list("abcdeabcde"), left=1)
    with pytest.raises(ArgumentError, match="up to 4 groups; there are 5"):
        plots.survival_curves(models.survival(rows, duration="days", event="left", by="plan", unit=None))
