"""Stacked answers and predicted curves: what is drawn is what the tables hold, and the sentence says it."""

import re

import numpy as np
import pandas as pd
import pytest

from cxuxlib import datasets, models, plots
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError

TABLE = pd.DataFrame({
    "item": ["ease"] * 5 + ["help"] * 5, "answer": [1, 2, 3, 4, 5] * 2, "n": [1, 2, 4, 8, 5, 10, 0, 0, 0, 10],
})  # fmt: skip


def test_every_answer_has_its_length_and_its_side() -> None:
    picture = plots.answers(TABLE)
    axes = picture.figure.axes[0]
    drawn = {bar.get_label(): [(part.get_x(), part.get_width()) for part in bar] for bar in axes.containers}
    assert list(drawn) == ["3", "2", "1", "4", "5"]
    assert drawn["3"][0] == pytest.approx((-10, 20))
    assert drawn["2"][0] == pytest.approx((-10, -10))
    assert drawn["1"][0] == pytest.approx((-20, -5))
    assert drawn["5"][0] == pytest.approx((50, 25))
    assert drawn["1"][1] == pytest.approx((0, -50))
    for row in range(2):
        assert sum(abs(bar[row].get_width()) for bar in axes.containers) == pytest.approx(100)
    assert picture.sentence == (
        "What was answered. Share of answers below and above 3 (%): ease 15 below, 20 in the middle, 65 above "
        "(n = 20); help 50 below, 0 in the middle, 50 above (n = 20)."
    )


def test_counts_of_a_real_survey_can_be_drawn() -> None:
    counts = datasets.aggregates("sfo").tables["counts"]
    counts = counts[counts["answer"].isin(list("12345")) & counts["item"].isin(["wifi", "food"])]
    picture = plots.answers(counts)
    wifi = counts[counts["item"] == "wifi"]
    low = 100 * wifi.loc[wifi["answer"].isin(["1", "2"]), "n"].sum() / wifi["n"].sum()
    assert f"wifi {low:.0f} below" in picture.sentence
    assert f"(n = {wifi['n'].sum():,})" in picture.sentence


def test_the_middle_may_be_said() -> None:
    picture = plots.answers(TABLE, middle=3.5, title="Mostly good")
    assert "ease 35 below, 0 in the middle, 65 above" in picture.sentence
    assert picture.png()[:4] == b"\x89PNG"


def test_what_cannot_be_stacked() -> None:
    with pytest.raises(ColumnError, match="no column 'question'"):
        plots.answers(TABLE, item="question")
    for wrong in (TABLE.assign(n=-1), TABLE.assign(answer="good"), TABLE.assign(n=np.nan)):
        with pytest.raises(AnswerError, match="clean it first"):
            plots.answers(wrong)
    with pytest.raises(AnswerError, match="no answers to 'help'"):
        plots.answers(TABLE.assign(n=[1] * 5 + [0] * 5))


def test_a_predicted_nps_is_drawn_as_it_is() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"ease": rng.integers(1, 6, 800), "help": rng.integers(1, 6, 800)})
    frame["recommend"] = np.clip(np.round(frame["ease"] + frame["help"] + rng.logistic(size=800)), 0, 10).astype(int)
    fit = models.ordered_logit("recommend ~ ease + help", frame)
    table = models.predicted(fit, {"ease": [5, 1, 3]}, of="nps")
    picture = plots.predicted(table, title="Ease pays")
    assert picture.sentence.startswith("Ease pays. Predicted NPS (95% interval) by ease: 1 ")
    found = [float(each) for each in re.findall(r"[135] (-?\d+\.\d) \[", picture.sentence)]
    assert found == [round(each, 1) for each in table.sort_values("ease")["value"]]
    with pytest.raises(ArgumentError, match="along one column of numbers"):
        plots.predicted(models.predicted(fit, {"ease": [1], "help": [1, 2]}, of="nps"))
    with pytest.raises(ArgumentError, match="along one column of numbers"):
        plots.predicted(models.predicted(fit, {"ease": [1, 2]}))
    with pytest.raises(ArgumentError, match="no 'outcome'"):
        plots.predicted(frame)
