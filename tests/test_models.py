"""Key drivers and discriminant validity: published figures, and one answer from rows, counts and moments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib import datasets
from cxuxlib.models import DriverOptions, htmt, key_drivers, share_difference
from cxuxlib.results import Moments
from cxuxlib.stats.correlations import correlation, normal_covariance

Native = Callable[..., Any]
REFERENCE = json.loads((Path(__file__).parent / "reference" / "models.json").read_text(encoding="utf-8"))
HOLZINGER = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
CONSTRUCTS = {"UX": ["ease", "speed", "looks"], "CX": ["overall", "close", "ideal"]}
NAMES = [item for items in CONSTRUCTS.values() for item in items]
DRIVERS = ["ease", "speed", "looks", "close"]
FIGURES = ["value", "std_error", "low", "high"]


def swiss() -> Moments:
    return Moments(
        REFERENCE["swiss_n"], tuple(REFERENCE["swiss_names"]), np.zeros(6), np.array(REFERENCE["swiss_corr"])
    )


def holzinger() -> Moments:
    n = REFERENCE["holz_n"]
    covariance = np.array(REFERENCE["holz_cov_ml"]) * n / (n - 1)
    return Moments(n, tuple(f"x{i}" for i in range(1, 10)), np.zeros(9), covariance)


def survey(n: int = 800, seed: int = 2) -> pd.DataFrame:
    """Answers 1 to 5 to six items of two traits that correlate .6; 5% of two items are missing."""
    rng = np.random.default_rng(seed)
    traits = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n)
    latent = 0.8 * np.repeat(traits, 3, axis=1) + 0.6 * rng.normal(size=(n, 6))
    table = pd.DataFrame(np.clip(np.round(latent + 3), 1, 5), columns=NAMES)
    return table.mask(rng.random(table.shape) < [0.05, 0, 0.05, 0, 0, 0])


def counted(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby(NAMES, dropna=False).size().rename("n").reset_index()


def moments(table: pd.DataFrame) -> Moments:
    rows = table[NAMES].dropna()
    return Moments(len(rows), tuple(NAMES), rows.mean().to_numpy(), rows.cov().to_numpy(), len(table) - len(rows))


def terms(data: Any, **more: Any) -> pd.DataFrame:
    return key_drivers(data, "overall", DRIVERS, **more).terms


# --- published figures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "lmg"),
    [
        ("Agriculture", 0.0570912208), ("Examination", 0.1711730289), ("Education", 0.2601346786),
        ("Catholic", 0.1055701504), ("Infant.Mortality", 0.1127659229),
    ],
)  # fmt: skip
def test_lmg_of_relaimpo_and_domir(driver: str, lmg: float) -> None:
    fit = key_drivers(swiss(), "Fertility", list(swiss().names[1:]))
    assert fit.estimate(driver).value == pytest.approx(lmg, abs=1e-10)
    assert fit.quality["R2"] == pytest.approx(0.7067350016, abs=1e-10)


def test_unique_share_is_relaimpos_last() -> None:
    fit = key_drivers(swiss(), "Fertility", list(swiss().names[1:]))
    assert fit.estimate("Education", "unique").value == pytest.approx(0.16196269308, abs=1e-10)


def test_alone_share_is_the_squared_correlation() -> None:
    fit = key_drivers(swiss(), "Fertility", list(swiss().names[1:]))
    assert fit.estimate("Catholic", "alone").value == pytest.approx(swiss().covariance[0, 4] ** 2, abs=1e-12)


def test_grouped_lmg_of_relaimpo() -> None:
    groups = {
        "SES": ["Agriculture", "Examination", "Education"],
        "Catholic": ["Catholic"],
        "infants": ["Infant.Mortality"],
    }
    fit = key_drivers(swiss(), "Fertility", groups=groups)
    assert fit.estimate("SES").value == pytest.approx(0.461825933, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("htmt", [0.42432304, 0.46654974, 0.28956786]), ("htmt2", [0.38408856, 0.38677293, 0.27968355])],
)
def test_htmt_of_semtools(kind: str, values: list[float]) -> None:
    found = htmt(holzinger(), HOLZINGER)
    assert found[found["kind"] == kind]["value"].tolist() == pytest.approx(values, abs=1e-8)


def test_signed_htmt_of_semtools() -> None:
    found = htmt(holzinger(), HOLZINGER, signed=True).query("a == 'visual' and b == 'speed'").iloc[0]
    assert found["value"] == pytest.approx(0.42354187, abs=1e-7)
    assert found["n_negative"] == 1


def test_htmt_of_seminr() -> None:
    mobi = datasets.aggregates("mobi").tables["moments/all"]
    quality, satisfaction = [f"PERQ{i}" for i in range(1, 8)], ["CUSA1", "CUSA2", "CUSA3"]
    found = htmt(mobi, {"quality": quality, "satisfaction": satisfaction}).set_index("kind")["value"]
    assert found["htmt"] == pytest.approx(0.95363601, abs=1e-8)
    assert found["htmt2"] == pytest.approx(0.95059392, abs=1e-8)


# --- rows, counts and moments ----------------------------------------------------------------------


def test_counts_give_the_numbers_of_rows() -> None:
    rows, counts = terms(survey()), terms(counted(survey()), frequency="n")
    assert counts[FIGURES].to_numpy() == pytest.approx(rows[FIGURES].to_numpy(), abs=1e-9)


def test_moments_give_the_numbers_of_rows() -> None:
    complete = survey().dropna(subset=["overall", *DRIVERS])
    rows, known = (
        terms(complete, method=DriverOptions(interval="normal")),
        terms(moments(complete.assign(ideal=survey()["ideal"]))),
    )
    assert known[FIGURES].to_numpy() == pytest.approx(rows[FIGURES].to_numpy(), abs=1e-9)


def test_htmt_of_rows_counts_and_moments() -> None:
    rows = htmt(survey(), CONSTRUCTS)
    counts = htmt(counted(survey()), CONSTRUCTS, frequency="n")
    normal = htmt(survey(), CONSTRUCTS, interval="normal")
    known = htmt(moments(survey()), CONSTRUCTS)
    assert counts[FIGURES].to_numpy() == pytest.approx(rows[FIGURES].to_numpy(), abs=1e-9)
    assert known[FIGURES].to_numpy() == pytest.approx(normal[FIGURES].to_numpy(), abs=1e-9)
    assert len({tuple(each[["n", "n_missing"]].iloc[0]) for each in (rows, counts, known)}) == 1


def test_engines_agree(frame: Native) -> None:
    drivers, ratios = terms(frame(survey())), htmt(frame(survey()), CONSTRUCTS)
    assert drivers[FIGURES].to_numpy() == pytest.approx(terms(survey())[FIGURES].to_numpy(), abs=1e-9)
    assert ratios[FIGURES].to_numpy() == pytest.approx(htmt(survey(), CONSTRUCTS)[FIGURES].to_numpy(), abs=1e-9)


@pytest.mark.parametrize("missing", ["null", "nan"])
def test_incomplete_rows_are_left_out_and_counted(frame: Native, missing: Any) -> None:
    fit = key_drivers(frame(survey(), missing=missing), "overall", DRIVERS)
    complete = int(survey()[["overall", *DRIVERS]].notna().all(axis=1).sum())
    assert 0 < complete < 800
    assert (fit.quality["n"], fit.quality["n_missing"]) == (complete, 800 - complete)


def test_integer_weights_have_the_values_of_repeated_rows() -> None:
    table = survey().dropna()
    times = np.random.default_rng(1).integers(1, 4, len(table))
    weighted, repeated = terms(table.assign(w=times), weight="w"), terms(table.loc[table.index.repeat(times)])
    assert weighted["value"].to_numpy() == pytest.approx(repeated["value"].to_numpy(), abs=1e-9)
    assert (weighted["std_error"] > repeated["std_error"]).mean() > 0.5  # weights are no rows


def test_normal_theory_with_weights_counts_kishs_effective_n() -> None:
    table = survey().dropna().assign(w=lambda t: np.random.default_rng(1).gamma(1, size=len(t)))
    w = table["w"].to_numpy()
    effective = w.sum() ** 2 / (w**2).sum()
    known = Moments(1000, tuple(NAMES), np.zeros(6), np.cov(table[NAMES].T, aweights=w))
    found = terms(table, weight="w", method=DriverOptions(interval="normal"))["std_error"]
    assert effective < 0.7 * len(w)
    assert found.to_numpy() == pytest.approx(terms(known)["std_error"] * np.sqrt(1000 / effective), rel=1e-9)


def test_equal_weights_change_nothing() -> None:
    weighted, plain = terms(survey().assign(w=3.0), weight="w"), terms(survey())
    assert weighted[FIGURES].to_numpy() == pytest.approx(plain[FIGURES].to_numpy(), abs=1e-9)


def test_the_unit_of_measurement_changes_nothing() -> None:
    changed = survey().assign(ease=lambda t: 100 * t["ease"] - 7, overall=lambda t: t["overall"] / 9)
    assert terms(changed)[FIGURES].to_numpy() == pytest.approx(terms(survey())[FIGURES].to_numpy(), abs=1e-9)


# --- laws ------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(st.permutations(DRIVERS))
def test_order_of_drivers_changes_no_share(order: list[str]) -> None:
    data = moments(survey())
    found = key_drivers(data, "overall", order).terms.set_index(["term", "kind"])[FIGURES].sort_index()
    expected = key_drivers(data, "overall", DRIVERS).terms.set_index(["term", "kind"])[FIGURES].sort_index()
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)


def test_groups_of_one_are_drivers() -> None:
    grouped = key_drivers(survey(), "overall", groups={name: [name] for name in DRIVERS}).terms
    assert grouped[FIGURES].to_numpy() == pytest.approx(terms(survey())[FIGURES].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("kind", ["lmg", "alone", "unique"])
def test_share_difference_is_antisymmetric(kind: Any) -> None:
    fit = key_drivers(survey(), "overall", DRIVERS)
    ab, ba = share_difference(fit, "ease", "close", kind=kind), share_difference(fit, "close", "ease", kind=kind)
    assert (ba.value, ba.low, ba.high) == pytest.approx((-ab.value, -ab.high, -ab.low), abs=1e-12)
    expected = (fit.estimate("ease", kind).value - fit.estimate("close", kind).value) / fit.quality["R2"]
    assert ab.value == pytest.approx(expected, abs=1e-12)


def test_error_of_a_share_difference_is_that_of_its_gradient() -> None:
    data, step = moments(survey()), 1e-5

    def difference(corr: np.ndarray) -> float:
        known = Moments(data.n, data.names, data.means, corr)
        values = key_drivers(known, "overall", DRIVERS)
        return (values.estimate("ease").value - values.estimate("close").value) / values.quality["R2"]

    corr = correlation(data.covariance)
    gradient = np.zeros_like(corr)
    for a in range(len(corr)):
        for b in range(a):
            move = np.zeros_like(corr)
            move[a, b] = move[b, a] = step
            gradient[a, b] = gradient[b, a] = (difference(corr + move) - difference(corr - move)) / (2 * step)
    error = float(np.sqrt(normal_covariance(corr, gradient[None], data.n)[0, 0]))
    found = share_difference(key_drivers(data, "overall", DRIVERS), "ease", "close")
    half = (np.arctanh(found.high) - np.arctanh(found.low)) / 2  # the interval is made on the scale of Fisher's z
    assert half * (1 - found.value**2) == pytest.approx(1.959964 * error, rel=1e-5)


def test_htmt_interval_is_symmetric_on_fishers_scale() -> None:
    row = htmt(moments(survey()), CONSTRUCTS).iloc[0]
    corr = np.abs(correlation(moments(survey()).covariance))
    mean = np.array([corr[np.ix_(at, at)][np.triu_indices(3, 1)].mean() for at in ([0, 1, 2], [3, 4, 5])])
    scale = np.sqrt((3 * mean / (1 + 2 * mean)).prod())  # root of the reliabilities: back to the sum scores
    low, value, high = np.arctanh(scale * row[["low", "value", "high"]].to_numpy(float))
    slope = scale / (1 - (scale * row["value"]) ** 2)
    assert (high - value, value - low) == pytest.approx((1.959964 * row["std_error"] * slope,) * 2, rel=1e-5)


def test_a_share_differs_not_from_itself() -> None:
    found = share_difference(key_drivers(survey(), "overall", DRIVERS), "ease", "ease")
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_halo_is_the_first_eigenvalue_of_the_drivers() -> None:
    data = moments(survey())
    corr = pd.DataFrame(data.covariance, NAMES, NAMES).loc[DRIVERS, DRIVERS]
    scale = np.sqrt(np.diag(corr))
    first = np.linalg.eigvalsh(corr / np.outer(scale, scale))[-1]
    assert key_drivers(data, "overall", DRIVERS).quality["first_eigenvalue"] == pytest.approx(first, abs=1e-12)


def test_more_confidence_is_a_wider_interval() -> None:
    narrow, wide = (htmt(survey(), CONSTRUCTS, level=level) for level in (0.8, 0.99))
    assert (wide["low"] < narrow["low"]).all()
    assert (wide["high"] > narrow["high"]).all()
