"""The claims on leaving: what counts as known before, the error of items, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, datasets, models, worlds
from cxuxlib.claims import Claim, Ruling, judge
from cxuxlib.claims.leaving import calibrated
from cxuxlib.errors import NotAnswerable
from cxuxlib.results import Estimate
from cxuxlib.study import Study, names

B5, B6 = claims.BETTER_CX_KEEPS_CUSTOMERS, claims.POOR_UX_LOSES_CUSTOMERS


@lru_cache(maxsize=8)
def made(name: str, n: int = 3000, waves: int = 4, seed: int = 1) -> Study:
    return worlds.make(name, n=n, waves=waves, rng=seed)


@lru_cache(maxsize=8)
def judged(claim: Claim, name: str, n: int = 3000) -> Ruling:
    return judge(claim, made(name, n))


def estimate(found: Ruling) -> Estimate:
    assert found.estimate is not None, found
    return found.estimate


def test_answers_after_leaving_do_not_count() -> None:
    study = made("harbor")
    surveys, churn = study.tables["surveys"], study.tables["churn"]
    items = [*names(study, role="item"), *names(study, role="cx")]
    gone = churn[churn["churned"] & (churn["last_wave"] < 4)]
    late = surveys.drop_duplicates("customer_id").set_index("customer_id").loc[gone["customer_id"]].reset_index()
    late = late.assign(wave=4, **dict.fromkeys(items, 1.0))
    late[items[0]] = 2.0  # or it would be a sheet of one answer
    more = replace(study, tables={**study.tables, "surveys": pd.concat([surveys, late], ignore_index=True)})
    for claim in (B5, B6):
        assert estimate(judge(claim, more)).value == pytest.approx(estimate(judged(claim, "harbor")).value, abs=1e-9)


def test_the_error_of_items_would_bring_the_ratio_nearer_to_one() -> None:
    study = made("harbor", 30_000)
    table, churn = study.tables["surveys"], study.tables["churn"]
    z = table[names(study, role="item", construct="UX")].mean(axis=1, skipna=False)
    rows = table[["customer_id", "wave"]].assign(ux=(z - z.mean()) / z.std()).merge(churn, on="customer_id")
    rows["left"] = (rows["churned"] & (rows["wave"] == rows["last_wave"])).astype(int)
    naive = models.churn_hazard(
        rows, "ux", duration="wave", event="left", unit="customer_id", kind="cloglog",
        options=models.HazardOptions(rows="periods", level=0.9),
    ).estimate("ux", "hazard ratio")  # fmt: skip
    assert study.truth is not None
    truth, found = study.truth["hr_ux_total"], estimate(judged(B6, "harbor", 30_000))
    assert naive.low > truth
    assert abs(found.value - truth) < 0.5 * abs(naive.value - truth)


def test_calibration_is_the_regression_of_states_on_scores() -> None:
    rng, n = np.random.default_rng(3), 200_000
    state = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.6], [0.6, 2.0]], n)
    items = [state[:, [k]] + rng.normal(scale=1.0 + 0.2 * k, size=(n, 3)) for k in range(2)]
    found = calibrated(items, ["ux", "cx"])
    scores = np.column_stack([each.mean(axis=1) for each in items])
    slopes = np.linalg.lstsq(scores - scores.mean(axis=0), state / np.sqrt([1.0, 2.0]), rcond=None)[0]
    assert found.weights == pytest.approx(slopes, abs=0.01)
    assert found.reliability == pytest.approx([1 / (1 + 1 / 3), 2 / (2 + 1.44 / 3)], abs=0.01)


def test_states_that_are_one_and_items_that_are_noise_are_refused() -> None:
    rng = np.random.default_rng(4)
    state = rng.normal(size=(2000, 1))
    same = [state + rng.normal(size=(2000, 3)) for _ in range(2)]
    with pytest.raises(NotAnswerable, match="'UX', 'CX' cannot be told apart"):
        calibrated(same, ["ux", "cx"])
    with pytest.raises(NotAnswerable, match="The items of CX must go together"):
        calibrated([same[0], rng.normal(size=(2000, 3))], ["ux", "cx"])


def test_who_leaves_cannot_be_told_where_nobody_leaves_or_nobody_wrote_it_down() -> None:
    stay = worlds.make(worlds.changed(worlds.WORLDS["harbor"], {"loyalty.churn": 0.0}), n=600, waves=2, rng=1)
    study = made("harbor", 600, 1)
    without = replace(study, tables={key: each for key, each in study.tables.items() if key != "churn"})
    for claim in (B5, B6):
        found = judge(claim, stay)
        assert (found.verdict, found.reason[:22]) == ("not answerable", "Only 0 customers left ")
        assert "columns 'last_wave' and 'churned'" in judge(claim, without).reason
        assert judge(claim, datasets.aggregates("mobi")).verdict == "not answerable"


def test_where_ux_is_cx_the_ratio_is_that_of_both() -> None:
    found, known = judged(B5, "one-and-the-same"), made("one-and-the-same").truth
    assert known is not None
    assert found.verdict == "supported"
    assert "whatever UX is, for at equal UX there is no ratio: Freed of error, 'CX', 'UX' cannot" in found.reason
    assert estimate(found).low < known["hr_cx"] < estimate(found).high


def test_a_hidden_cause_that_would_explain_it_has_a_size() -> None:
    found = judged(B5, "harbor")
    one, other = (float(found.reason.split(part)[1].split(" ")[0]) for part in ("risk ratio of ", "and of "))
    for ratio, want in ((estimate(found).value, one), (estimate(found).high, other)):
        assert want == pytest.approx(1 / ratio + np.sqrt(1 / ratio * (1 / ratio - 1)), abs=0.02)
    assert "E-value" not in judged(B5, "null").reason


def test_every_engine_finds_the_same(frame: Callable[[pd.DataFrame], Any]) -> None:
    study = made("harbor", 1000, 3)
    kept = {name: study.tables[name] for name in ("customers", "surveys", "churn", "answers")}
    other = replace(study, tables={name: frame(each) for name, each in kept.items()})
    for claim in (B5, B6, claims.BETTER_UX_LIFTS_CX):
        found, want = estimate(judge(claim, other)), estimate(judge(claim, study))
        assert (found.value, found.low, found.n) == pytest.approx((want.value, want.low, want.n), rel=1e-9)


def test_one_wave_tells_who_leaves_after_it() -> None:
    assert estimate(judge(B5, made("harbor", 3000, 1))).value < 1
