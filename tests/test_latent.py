"""Correlations and shares freed of measurement error: lavaan's numbers, planted truth, and the same from every form."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, datasets
from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models import DriverOptions, factor_correlation, htmt, key_drivers, latent_drivers, share_difference
from cxuxlib.results import Moments
from cxuxlib.stats import correlations, factors
from cxuxlib.study import Column, Study, pooled

FOLDER = Path(__file__).parent / "reference"
LAVAAN = json.loads((FOLDER / "factor_correlation.json").read_text(encoding="utf-8"))
HOLZINGER = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))
SCHOOL = Moments(301, tuple(f"x{i}" for i in range(1, 10)), np.zeros(9), np.array(HOLZINGER["holz_cov_ml"]))
VISUAL, TEXTUAL, SPEED = (["x1", "x2", "x3"], ["x4", "x5", "x6"], ["x7", "x8", "x9"])


@pytest.mark.parametrize(("items", "name"), [(TEXTUAL, "visual_textual"), (SPEED, "visual_speed")])
def test_two_factors_are_lavaans(items: list[str], name: str) -> None:
    row = factor_correlation(SCHOOL, {"a": VISUAL, "b": items}, interval="normal").iloc[0]
    assert row["value"] == pytest.approx(LAVAAN[name], abs=1e-6)
    if name == "visual_textual":  # lavaan's error assumes that the model fits, which visual and speed do not
        assert row["std_error"] == pytest.approx(LAVAAN[f"{name}_se"], rel=0.1)


def test_mobi_is_lavaans() -> None:
    mobi = datasets.aggregates("mobi")
    ruling = claims.judge(claims.UX_IS_DISTINCT, mobi)
    assert ruling.estimate is not None
    assert ruling.estimate.value == pytest.approx(LAVAAN["mobi"], abs=1e-6)
    assert ruling.verdict == "refuted"


def test_gradient_of_the_factor_correlation_is_the_numerical_one() -> None:
    corr = correlations.correlation(np.array(HOLZINGER["holz_cov_ml"]))[:6, :6]
    _, gradient = factors.two_factor_correlation(corr, [0, 1, 2], [3, 4, 5])
    for i, j in [(0, 1), (0, 4), (3, 5)]:
        ends = []
        for step in (1e-5, -1e-5):
            moved = corr.copy()
            moved[i, j] += step
            moved[j, i] += step
            ends.append(factors.two_factor_correlation(moved, [0, 1, 2], [3, 4, 5])[0])
        assert gradient[i, j] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-6)


def test_four_items_are_too_few_for_two_factors() -> None:
    with pytest.raises(ArgumentError, match="need five"):
        factor_correlation(SCHOOL, {"a": ["x1", "x2"], "b": ["x4", "x5"]})


def world(rng: np.random.Generator, n: int, ux: float, service: float) -> pd.DataFrame:
    """UX and service matter alike (latent r .5); their items have these loadings."""
    true = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=n)
    frame = {"rating": true.sum(axis=1) + np.sqrt(3) * rng.normal(size=n)}
    for name, at, loading in (("u", 0, ux), ("s", 1, service)):
        for i in range(3):
            frame[f"{name}{i}"] = loading * true[:, at] + np.sqrt(1 - loading**2) * rng.normal(size=n)
    return pd.DataFrame(frame)


BLOCKS = {"UX": ["u0", "u1", "u2"], "service": ["s0", "s1", "s2"]}


def test_planted_shares_are_found_where_observed_shares_are_not() -> None:
    frame = world(np.random.default_rng(1), 20_000, ux=0.5, service=0.8)
    freed = latent_drivers(frame, ["rating"], BLOCKS)
    observed = share_difference(key_drivers(frame, "rating", groups=BLOCKS), "service", "UX")
    assert share_difference(freed, "service", "UX").value == pytest.approx(0, abs=0.05)
    assert freed.quality["R2"] == pytest.approx(0.5, abs=0.03)
    assert observed.low > 0.1  # the trap: the better questions take the larger share


def test_the_outcome_may_have_several_items() -> None:
    frame = world(np.random.default_rng(2), 5_000, ux=0.7, service=0.7)
    frame["rating2"] = frame["rating"] + np.random.default_rng(3).normal(size=len(frame))
    one, two = (latent_drivers(frame, outcome, BLOCKS) for outcome in (["rating"], ["rating", "rating2"]))
    assert two.quality["R2"] > one.quality["R2"]
    assert two.quality["n"] == 5_000


def test_gradients_of_latent_shares_are_numerical_ones() -> None:
    frame = world(np.random.default_rng(4), 400, ux=0.7, service=0.7)
    corr = frame.corr().to_numpy()
    blocks = [[0], [1, 2, 3], [4, 5, 6]]
    values, slopes = correlations.latent(corr, blocks)
    step = np.zeros_like(corr)
    step[1, 4] = step[4, 1] = 1e-6
    moved = (correlations.latent(corr + step, blocks)[0] - correlations.latent(corr - step, blocks)[0]) / 2e-6
    assert moved == pytest.approx(slopes[:, :, 1, 4], abs=1e-6)
    assert values[1, 2] == pytest.approx(htmt(frame, BLOCKS, signed=True)["value"][0], abs=1e-12)


def test_facets_that_are_one_are_refused() -> None:
    rng = np.random.default_rng(5)
    true = rng.normal(size=(2_000, 1))
    items = pd.DataFrame(true + rng.normal(size=(2_000, 7)), columns=["rating", *BLOCKS["UX"], *BLOCKS["service"]])
    with pytest.raises(ModelError, match="cannot be told apart"):
        latent_drivers(items, ["rating"], BLOCKS)


def test_items_that_do_not_belong_together_are_refused() -> None:
    frame = world(np.random.default_rng(6), 500, ux=0.7, service=0.7)
    frame["u1"], frame["u2"] = -frame["u1"], -3 * frame["u2"]
    with pytest.raises(ModelError, match="do not correlate positively"):
        latent_drivers(frame, ["rating"], BLOCKS)


@pytest.mark.parametrize("name", ["sfo", "mobi"])
def test_rulings_from_rows_and_from_shipped_moments_are_the_same(
    name: str, raw_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXUXLIB_DATA", str(raw_data))
    for rows, moments in zip(
        claims.judge_all(datasets.load(name)).rulings, claims.judge_all(datasets.aggregates(name)).rulings, strict=True
    ):
        assert rows.verdict == moments.verdict
        if rows.claim.id[0] in "AB":  # the others are about answers, and moments are refused as such
            assert rows.reason == moments.reason
        if rows.estimate and moments.estimate:
            assert (rows.estimate.low, rows.estimate.high) == pytest.approx(
                (moments.estimate.low, moments.estimate.high), abs=1e-6
            )


def test_moments_without_the_fourth_rest_on_normal_theory() -> None:
    sfo = datasets.aggregates("sfo")
    year = sfo.tables["moments/overall/2018"]
    assert key_drivers(year, "overall", ["wifi", "safe"]).method == "delta method, normal theory"
    with pytest.raises(ArgumentError, match="no fourth moments"):
        key_drivers(year, "overall", ["wifi", "safe"], method=DriverOptions(interval="robust"))
    both = pooled(sfo, "moments/overall")
    assert key_drivers(both, "overall", ["wifi", "safe"]).method == "delta method, distribution-free"


@pytest.mark.slow
@pytest.mark.parametrize(("ux", "service"), [(0.5, 0.8), (0.8, 0.5), (0.7, 0.7)])
def test_better_questions_do_not_decide_b4(ux: float, service: float) -> None:
    """UX and service matter alike: each verdict but undecided is wrong, and each end errs in about 5%."""
    rng = np.random.default_rng(7)
    columns = (Column("rating", "", "cx", "CX"),)
    columns += tuple(Column(item, "", "item", "UX") for item in BLOCKS["UX"])
    columns += tuple(Column(item, "", "item", "service") for item in BLOCKS["service"])
    repeats = 150
    verdicts = [
        claims.judge(
            claims.SERVICE_MATTERS_TOO, Study("w", {"answers": world(rng, 1_500, ux, service)}, columns, "")
        ).verdict
        for _ in range(repeats)
    ]
    limit = 0.06 + 3 * np.sqrt(0.05 * 0.95 / repeats)
    assert verdicts.count("supported") / repeats < limit
    assert verdicts.count("refuted") / repeats < limit
