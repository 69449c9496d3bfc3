"""What a method factor changes: lavaan's models, numerical derivatives, planted halo, and what has no answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError
from cxuxlib.models import MethodFactors, method_factors, nested
from cxuxlib.results import Fit, Moments
from tests.measurement_reference import HALO, STORED, drawn
from tests.structural_reference import SCHOOLS, THREE, key

LAVAAN = STORED["halo"]
TRAITS, PATHS = LAVAAN["traits"], LAVAAN["paths"]
MARKERS, ITEMS = ["k1", "k2", "k3"], list(HALO.columns[:8])
UX, CX = np.array([0.8, 0.65, 0.5, 0.3]), np.array([0.8, 0.6, 0.45, 0.25])


def world(n: int, halo: float = 0.5, phi: float = 0.0, markers: bool = False) -> Moments:
    """Two traits that correlate by ``phi``, and a method on all items and on markers."""
    loadings = np.zeros((11 if markers else 8, 3))
    loadings[:4, 0], loadings[4:8, 1], loadings[:8, 2], loadings[8:, 2] = UX, CX, halo, [0.7, 0.6, 0.8][: 3 * markers]
    shared = loadings @ np.array([[1, phi, 0], [phi, 1, 0], [0, 0, 1]]) @ loadings.T
    np.fill_diagonal(shared, 1.0)
    return Moments(n, tuple(HALO.columns[: len(loadings)]), np.zeros(len(loadings)), shared)


def agrees(fit: Fit, stored: dict[str, Any], scaled: bool) -> int:
    """Hold all that lavaan tells against a fit; how many numbers that were."""
    name = {"M": "method"}
    own = {
        (kind, key(term)): (value, error)
        for term, kind, value, error in fit.terms[["term", "kind", "value", "std_error"]].itertuples(index=False)
        if kind != "r2"
    }
    assert fit.quality["chi2"] == pytest.approx(stored["chi2"], abs=1e-5)
    assert fit.quality["df"] == stored["df"]
    if scaled:
        assert fit.quality["chi2_scaled"] == pytest.approx(stored["chi2_scaled"], rel=1e-5)
    compared = 0
    for term, value, error, std, std_error in zip(
        stored["terms"], stored["est"], stored["se"], stored["std"], stored["std_se"], strict=True
    ):
        at = key(" ".join(name.get(word, word) for word in term.split()))
        kinds = [kind for kind, known in own if known == at and kind in ("loading", "path", "variance", "covariance")]
        for kind, (theirs, theirs_error) in ((kinds[0], (value, error)), ("std_all", (std, std_error))):
            assert own[kind, at][0] == pytest.approx(theirs, abs=1e-5), (term, kind)
            if theirs_error is not None:
                assert own[kind, at][1] == pytest.approx(theirs_error, rel=1e-4, abs=1e-5), (term, kind)
            compared += 1
    return compared


@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_every_model_is_lavaans(estimator: str) -> None:
    told, scaled = LAVAAN[estimator], estimator == "MLR"
    found = method_factors(TRAITS, HALO, markers=MARKERS, estimator=estimator.lower())  # type: ignore[arg-type]
    paths = method_factors(PATHS, HALO, estimator=estimator.lower())  # type: ignore[arg-type]
    pairs = {name: (found.fits[name], told[name]) for name in found.fits if name not in ("method", "restricted")}
    pairs |= {
        "method": (found.fits["method"], told["equal"]),
        "restricted": (found.fits["restricted"], told["restricted"]),
    }
    pairs |= {"path": (paths.fits["substantive"], told["paths"]), "both": (paths.fits["method"], told["paths_equal"])}
    assert sum(agrees(fit, stored, scaled) for fit, stored in pairs.values()) > 300
    free = method_factors(TRAITS, HALO, loadings="free", estimator=estimator.lower())  # type: ignore[arg-type]
    assert free.models.set_index("model").loc["method", "df"] == told["free"]["df"]
    assert free.fits["method"].quality["chi2"] == pytest.approx(told["free"]["chi2"], abs=1e-5)
    std = dict(zip(told["free"]["terms"], told["free"]["std"], strict=True))["a ~~ b"]
    assert free.changes["with_method"][0] == pytest.approx(std, abs=1e-4)


def test_models_are_tested_against_those_that_they_restrict() -> None:
    found = method_factors(TRAITS, HALO, markers=MARKERS)
    rows = found.models.set_index("model")
    against = ["", "substantive", "", "cfa", "baseline", "constrained", "constrained"]
    assert rows["against"].tolist() == against
    for model, other in zip(rows.index, against, strict=True):
        if other:
            small, big = sorted((found.fits[model], found.fits[other]), key=lambda each: -each.quality["df"])
            expected = nested(small, big).iloc[0]
            assert rows.loc[model, "difference_chi2"] == pytest.approx(expected["chi2"])
            assert rows.loc[model, "difference_p"] == expected["p"]
    assert rows["difference_df"].dropna().tolist() == [1, 8, 1, 7, 1]
    told = LAVAAN["ML"]
    gained = told["baseline"]["chi2"] - told["constrained"]["chi2"]
    assert rows.loc["constrained", "difference_chi2"] == pytest.approx(gained, abs=1e-4)
    assert rows.loc["method", "share"] == pytest.approx(0.206, abs=1e-3)  # .25 was planted
    assert np.isnan(rows.loc["baseline", "share"])


def test_paths_change_as_correlations_do() -> None:
    one, two = (method_factors(each, HALO, markers=MARKERS) for each in (TRAITS, PATHS))
    assert one.models["chi2"].to_numpy() == pytest.approx(two.models["chi2"].to_numpy(), rel=1e-7)
    assert two.changes["term"].tolist() == ["b ~ a"] * 3
    for name in ("without", "with_method", "std_error"):
        assert one.changes[name].to_numpy() == pytest.approx(two.changes[name].to_numpy(), rel=1e-6)


@pytest.mark.slow
def test_errors_of_changes_are_of_numerical_derivatives() -> None:
    """The whole sequence is fitted again to moved moments, so that the marker's loadings move, too."""
    rows = HALO[["a1", "a2", "a3", "b1", "b2", "b3", "k1", "k3"]]
    traits, markers, p = "a =~ a1 + a2 + a3\nb =~ b1 + b2 + b3", ["k1", "k3"], 8
    s, n, step = rows.cov(ddof=0).to_numpy(), len(rows), 1e-5

    def values(covariance: np.ndarray) -> np.ndarray:
        moments = Moments(n, tuple(rows.columns), np.zeros(p), covariance * n / (n - 1))
        return method_factors(traits, moments, markers=markers).changes["change"].to_numpy()

    form = np.zeros((3, p, p))
    for i in range(p):
        for j in range(i, p):
            move = np.zeros((p, p))
            move[i, j] = move[j, i] = step
            form[:, i, j] = form[:, j, i] = (values(s + move) - values(s - move)) / (2 * step) / (1 + (i != j))
    turned = form @ s
    normal = np.sqrt(2 * np.einsum("aij,aji->a", turned, turned) / n)
    found = method_factors(traits, rows, markers=markers).changes["std_error"].to_numpy()
    assert found == pytest.approx(normal, rel=1e-5)
    z = (rows - rows.mean()).to_numpy()
    each = np.einsum("ni,aij,nj->na", z, form, z)
    robust = np.sqrt(((each - each.mean(axis=0)) ** 2).mean(axis=0) / n)
    found = method_factors(traits, rows, markers=markers, estimator="mlr").changes["std_error"].to_numpy()
    assert found == pytest.approx(robust, rel=1e-5)


def test_planted_halo_is_taken_out() -> None:
    found = method_factors(TRAITS, world(2000, markers=True), markers=MARKERS)
    assert (found.changes["without"] > 0.3).all()
    assert found.changes["with_method"].to_numpy() == pytest.approx([0.0] * 3, abs=1e-5)
    assert (found.changes["high"] < 0).all()
    assert found.models.set_index("model").loc["restricted", "difference_p"] < 1e-6
    assert found.models.set_index("model").loc["method", "share"] == pytest.approx(0.25, abs=1e-5)


def test_a_true_correlation_without_halo_stays() -> None:
    found = method_factors(TRAITS, world(2000, halo=0.0, phi=0.5, markers=True), markers=MARKERS)
    assert found.changes["without"].to_numpy() == pytest.approx([0.5] * 3, abs=1e-5)
    assert found.changes["with_method"].to_numpy() == pytest.approx([0.5] * 3, abs=1e-5)
    rows = found.models.set_index("model")
    assert rows.loc["constrained", "difference_chi2"] == pytest.approx(0.0, abs=1e-6)
    assert rows.loc["method", "share"] == pytest.approx(0.0, abs=1e-6)


def test_paths_to_columns_and_loadings_of_factors_change_too() -> None:
    rng = np.random.default_rng(8)
    rows = HALO.assign(y=HALO["a1"] + HALO["b1"] + rng.normal(size=len(HALO)), age=rng.normal(size=len(HALO)))
    found = method_factors(f"{TRAITS}\nb ~ a + age\ny ~ b", rows, markers=MARKERS, estimator="mlr")
    own = found.changes[found.changes["model"] == "constrained"].set_index("term")
    assert set(own.index) == {"b ~ a", "b ~ age", "y ~ b"}
    assert (own["std_error"] > 0).all()
    assert found.models.set_index("model").loc["restricted", "difference_df"] == 3
    four = np.kron(np.eye(4), [[0.8], [0.7], [0.4]])
    items = pd.DataFrame(drawn(four, np.full((4, 4), 0.5) + 0.5 * np.eye(4), 800, rng)).rename(
        columns=lambda k: f"i{k}"
    )
    facets = "\n".join(f"f{k} =~ i{3 * k} + i{3 * k + 1} + i{3 * k + 2}" for k in range(4))
    second = method_factors(f"{facets}\ntop =~ f0 + f1 + f2 + f3", items).changes
    assert second["term"].tolist() == [f"top =~ f{k}" for k in range(4)]
    assert second["without"].to_numpy() == pytest.approx([0.7] * 4, abs=0.1)
    assert np.isfinite(second["std_error"]).all()


def test_harmans_share_is_the_first_eigenvalue_and_does_not_tell_halo_from_substance() -> None:
    halo = method_factors(TRAITS, world(1000, halo=0.5))
    real = method_factors(TRAITS, world(1000, halo=0.0, phi=0.95))
    corr = world(1000, halo=0.5).covariance
    assert halo.first_share == pytest.approx(np.linalg.eigvalsh(corr)[-1] / 8)
    assert abs(halo.first_share - real.first_share) < 0.08


def test_every_form_of_the_data_says_the_same(frame: Callable[..., Any]) -> None:
    rows = HALO.round(0)
    counts = rows.groupby(list(rows), as_index=False).size().rename(columns={"size": "many"})
    one = method_factors(TRAITS, rows, markers=MARKERS, estimator="mlr")
    for other in (
        method_factors(TRAITS, frame(rows), markers=MARKERS, estimator="mlr"),
        method_factors(TRAITS, counts, markers=MARKERS, estimator="mlr", frequency="many"),
    ):
        pd.testing.assert_frame_equal(one.models, other.models, rtol=1e-6)
        pd.testing.assert_frame_equal(one.changes, other.changes, rtol=1e-6)


def test_what_the_data_cannot_tell_apart_has_no_error() -> None:
    """Traits of equal loadings: a method on all items is the same as traits that correlate."""
    loadings = np.kron(np.eye(2), np.full((4, 1), 0.7))
    shared = loadings @ np.array([[1, 0.4], [0.4, 1]]) @ loadings.T
    np.fill_diagonal(shared, 1.0)
    found = method_factors(TRAITS, Moments(500, tuple(ITEMS), np.zeros(8), shared))
    row = found.changes.iloc[0]
    assert np.isnan(row["std_error"])
    assert row["method"].startswith("no error: the data cannot tell the parameters apart")
    assert "Singular information" in row["method"]


def test_improper_solutions_are_told() -> None:
    moments = world(800, halo=0.0, phi=0.4)
    found = method_factors(
        TRAITS, Moments(800, moments.names, moments.means, moments.covariance - 0.03 + 0.03 * np.eye(8))
    )
    row = found.changes.iloc[0]
    assert "IMPROPER: Negative variance: method ~~ method = -0.02996." in row["method"]
    assert np.isfinite(row["with_method"])
    assert "IMPROPER" in found.models["method"][1]


def test_a_model_that_cannot_be_fitted_says_why() -> None:
    four = Moments(
        300, ("a1", "a2", "b1", "b2"), np.zeros(4), np.eye(4) * 0.6 + 0.2 + 0.2 * np.kron(np.eye(2), np.ones((2, 2)))
    )
    found = method_factors("a =~ a1 + a2; b =~ b1 + b2", four, loadings="free")
    assert found.models["method"][1].startswith("not fitted: The model has 13 free parameters for 10 moments")
    assert np.isnan(found.changes["change"][0])
    assert "no model with a method factor could be fitted" in repr(found)
    assert list(found.fits) == ["substantive"]


def test_names_that_the_model_uses_are_left_to_it() -> None:
    own = HALO.rename(columns={"a1": "method", "b1": "marker", "k1": "m"})
    found = method_factors("a =~ method + a2 + a3 + a4; b =~ marker + b2 + b3 + b4", own, markers=["m", "k2", "k3"])
    same = method_factors(TRAITS, HALO, markers=MARKERS)
    assert found.changes["change"].to_numpy() == pytest.approx(same.changes["change"].to_numpy(), rel=1e-6)


def test_a_result_shows_itself() -> None:
    found = method_factors(TRAITS, HALO, markers=MARKERS)
    assert isinstance(found, MethodFactors)
    assert repr(found).startswith(
        "The first eigenvalue holds 44% of the items' correlations; the largest change is of a"
    )
    assert "from 0.385 to 0.108, by -0.277 [-0.339, -0.215] (95% CI" in repr(found)
    assert found._repr_html_().count("<table") == 2
    alone = method_factors("g =~ a1 + a2 + a3 + a4", HALO)
    assert "no latent path or correlation" in repr(alone)


def test_what_makes_no_sense_is_refused() -> None:
    for markers, said in ((["k1"], "two or more"), ("k1", "two or more"), (["a1", "k1"], "'a1' is part of the model")):
        with pytest.raises(ArgumentError, match=said):
            method_factors(TRAITS, HALO, markers=markers)
    with pytest.raises(ArgumentError, match="leave the scale to them"):
        method_factors(f"{TRAITS}\na =~ 1*a1".replace("a1 + ", "", 1), HALO, markers=MARKERS)
    with pytest.raises(ArgumentError, match="of one group"):
        method_factors(THREE, SCHOOLS)
    with pytest.raises(ArgumentError, match="loadings is 'equal' or 'free'"):
        method_factors(TRAITS, HALO, loadings="some")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="ordered answers"):
        method_factors(TRAITS, HALO, estimator="wlsmv")
    with pytest.raises(ArgumentError, match="items of factors"):
        method_factors("b1 ~ a1", HALO)


@pytest.mark.slow
def test_intervals_of_changes_hold_their_level() -> None:
    """Truth is the change in the population, where the model without a method factor is wrong."""
    population = world(100_000, markers=True)
    truth = method_factors(TRAITS, population, markers=MARKERS).changes["change"].to_numpy()
    rng, repeats, inside, root = np.random.default_rng(9), 120, np.zeros(3), np.linalg.cholesky(population.covariance)
    for _ in range(repeats):
        x = rng.normal(size=(500, 11)) @ root.T
        found = method_factors(
            TRAITS, Moments(500, population.names, x.mean(axis=0), np.cov(x.T)), markers=MARKERS
        ).changes  # fmt: skip
        inside += (found["low"].to_numpy() <= truth) & (truth <= found["high"].to_numpy())
    assert (np.abs(inside / repeats - 0.95) < 3 * np.sqrt(0.95 * 0.05 / repeats)).all(), inside / repeats
