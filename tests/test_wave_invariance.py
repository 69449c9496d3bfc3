"""Measurement invariance over waves of the same people: lavaan's numbers, every engine, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError, SampleError, UnitError
from cxuxlib.models import LatentOptions, wave_invariance
from cxuxlib.models.structural.options import Estimator

STORED = json.loads((Path(__file__).parent / "reference" / "wave_invariance.json").read_text(encoding="utf-8"))
ITEMS = ["i1", "i2", "i3", "i4"]


def long() -> pd.DataFrame:
    wide = np.array(STORED["rows"], dtype=float)
    waves = [
        pd.DataFrame(wide[:, 4 * t : 4 * t + 4], columns=ITEMS).assign(who=range(len(wide)), wave=t + 1) for t in (0, 1)
    ]
    return pd.concat(waves, ignore_index=True)


@pytest.mark.parametrize(("case", "missing", "estimator"), [
    ("fiml", "fiml", "ml"), ("listwise", "listwise", "ml"), ("robust", "listwise", "mlr"),
])  # fmt: skip
def test_steps_are_lavaans(case: str, missing: Any, estimator: Estimator) -> None:
    options = LatentOptions(missing=missing)
    found = wave_invariance({"UX": ITEMS}, long(), unit="who", wave="wave", estimator=estimator, options=options)
    assert found["step"].tolist() == ["configural", "metric", "scalar", "strict"]
    for name in ("chi2", "df", "difference_chi2", "difference_p"):
        theirs = [np.nan if each[name] is None else float(each[name]) for each in STORED[case]]
        assert found[name].to_numpy(float) == pytest.approx(theirs, rel=1e-5, abs=1e-5, nan_ok=True), name
    assert found["n"].iloc[0] == STORED[case][0]["n"]
    assert found.loc[1:2, "difference_p"].max() < 0.05  # a loading and an intercept were planted to differ


def test_every_engine_and_any_names_say_the_same(frame: Any) -> None:
    names = {"i1": "x", "i2": "x1", "i3": "x11", "i4": "is it easy?"}
    data = long().rename(columns=names)
    want = wave_invariance({"UX": ITEMS}, long(), unit="who", wave="wave")
    got = wave_invariance({"my facet": list(names.values())}, frame(data), unit="who", wave="wave")
    assert got["chi2"].to_numpy() == pytest.approx(want["chi2"].to_numpy(), rel=1e-6)


def test_invariant_answers_of_two_facets_pass_all_steps() -> None:
    rng = np.random.default_rng(1)
    trait = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 800)
    waves = []
    for t in range(3):
        state = 0.7 * trait + 0.5 * rng.normal(size=(800, 2)) + 0.3 * t
        answers = np.repeat(state, 3, axis=1) * np.tile([1, 0.8, 0.9], 2) + 0.5 * rng.normal(size=(800, 6))
        waves.append(pd.DataFrame(answers, columns=list("abcdef")).assign(who=range(800), wave=t))
    found = wave_invariance({"UX": list("abc"), "CX": list("def")}, pd.concat(waves), unit="who", wave="wave")
    assert (found["p"] > 0.01).all()
    assert (found.loc[1:, "difference_p"] > 0.01).all()
    assert found["difference_df"].tolist()[1:] == [8, 8, 12]


def test_what_it_refuses() -> None:
    rows = long()
    for facets, says in (
        ({}, "maps names"),
        ({"UX": ["i1"]}, "two or more"),
        ({"a": ["i1", "i2"], "b": ["i2", "i3"]}, "more than"),
    ):
        with pytest.raises(ArgumentError, match=says):
            wave_invariance(facets, rows, unit="who", wave="wave")
    with pytest.raises(SampleError, match="two or more"):
        wave_invariance({"UX": ITEMS}, rows[rows["wave"] == 1], unit="who", wave="wave")
    with pytest.raises(UnitError, match="several rows"):
        wave_invariance({"UX": ITEMS}, pd.concat([rows, rows.head(1)]), unit="who", wave="wave")
    with pytest.raises(ArgumentError, match="equal over waves"):
        wave_invariance({"UX": ITEMS}, rows, unit="who", wave="wave", options=LatentOptions(equal=["loadings"]))
    with pytest.raises(ArgumentError, match="'ml' or 'mlr'"):
        wave_invariance({"UX": ITEMS}, rows, unit="who", wave="wave", estimator="wlsmv")
