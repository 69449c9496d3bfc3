"""Bounds on what latent models estimate: effects, increments of explained variance, misfit."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ncx2

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models import equivalence, increment, latent, linear, resampled
from cxuxlib.results import Moments
from tests.structural_reference import HOLZINGER, THREE

R = np.array([[1, 0.5, 0.3], [0.5, 1, 0.6], [0.3, 0.6, 1]])
PATHS = "m ~ x; y ~ m + x"


def path_model(n: int) -> Moments:
    return Moments(n, ("x", "m", "y"), np.zeros(3), R)


def test_two_one_sided_tests_are_the_interval() -> None:
    for n, verdict in ((100, "undecided"), (2000, "inside")):
        row = equivalence(latent(PATHS, path_model(n)), "y ~ x", low=-0.1, high=0.1).iloc[0]
        assert row["verdict"] == verdict
        assert (row["p"] < 0.05) == (verdict == "inside")
        assert (row["high"] - row["low"]) / 2 == pytest.approx(1.6448536 * row["std_error"])
    assert equivalence(latent(PATHS, path_model(2000)), "y ~ m", high=0.2).iloc[0]["verdict"] == "outside"
    edge = equivalence(latent(PATHS, path_model(500)), "y ~ x", high=0.05).iloc[0]
    again = equivalence(latent(PATHS, path_model(500)), "y ~ x", high=edge["high"]).iloc[0]
    assert again["p"] == pytest.approx(0.05, abs=1e-9)


def test_misfit_is_tested_by_the_noncentral_chi_square() -> None:
    fit = latent(THREE, HOLZINGER)
    row = equivalence(fit, "rmsea", high=0.08).iloc[0]
    assert row["p"] == pytest.approx(ncx2.cdf(fit.quality["chi2"], 24, 301 * 24 * 0.08**2), rel=1e-9)
    assert [row["low"], row["high"]] == pytest.approx([0.071418, 0.113678], abs=1e-6)  # lavaan's 90 % interval
    assert row["verdict"] == "undecided"
    assert equivalence(fit, "rmsea", high=0.12).iloc[0]["verdict"] == "inside"
    assert equivalence(fit, "rmsea", high=0.07).iloc[0]["verdict"] == "outside"


def test_increments_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(2)
    x = rng.multivariate_normal(np.zeros(4), np.full((4, 4), 0.4) + 0.6 * np.eye(4), 400)
    data = pd.DataFrame(x, columns=list("abcy"))
    fit = latent("y ~ a + b + c", data)
    whole = linear("y ~ a + b + c", data).quality["R2"]
    for causes, beyond in ((["a"], ["b", "c"]), (["a", "b"], ["c"]), (["a", "b", "c"], [])):
        row = increment(fit, "y", causes, beyond=beyond).iloc[0]
        rest = linear(f"y ~ {' + '.join(beyond)}", data).quality["R2"] if beyond else 0.0
        assert row["r2"] == pytest.approx(whole, abs=1e-9)
        assert row["value"] == pytest.approx(whole - rest, abs=1e-9)


def test_increments_of_observed_causes_vary_with_them() -> None:
    rng = np.random.default_rng(4)
    x = rng.multivariate_normal(np.zeros(2), [[1, 0.6], [0.6, 1]], 300)
    y = x @ [0.4, 0.5] + 0.5 * rng.normal(size=300)
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y, "g": np.repeat(["p", "q"], [120, 180])})
    columns = ["value", "std_error", "low", "high"]
    for causes, beyond in ((["b"], ["a"]), (["a", "b"], [])):
        for group in (None, "g"):  # a ~~ b makes the moments of both parameters
            given, drawn = (
                increment(latent(text, data, group=group), "y", causes, beyond=beyond)
                for text in ("y ~ a + b", "y ~ a + b; a ~~ b")
            )
            np.testing.assert_allclose(given[columns], drawn[columns], rtol=1e-6)
    robust = increment(latent("y ~ a + b", data, estimator="mlr"), "y", ["a", "b"]).iloc[0]
    centered = np.column_stack([x, y]) - np.column_stack([x, y]).mean(axis=0)
    gone = centered[:, 2] - x_on(centered)
    variance = (centered[:, 2] ** 2).mean()
    share = (gone**2).mean() / variance
    pull = -(gone**2 - share * centered[:, 2] ** 2) / variance  # how R-squared moves with each unit
    assert robust["std_error"] == pytest.approx(np.sqrt((pull**2).mean() / 300), rel=0.02)


def x_on(centered: np.ndarray) -> np.ndarray:
    """What the first two columns predict of the third."""
    found: np.ndarray = centered[:, :2] @ np.linalg.lstsq(centered[:, :2], centered[:, 2], rcond=None)[0]
    return found


def test_an_increment_between_latent_variables_has_the_error_of_the_bootstrap() -> None:
    rng = np.random.default_rng(3)
    f = rng.multivariate_normal(np.zeros(3), [[1, 0.4, 0.5], [0.4, 1, 0.6], [0.5, 0.6, 1]], 500)
    names = [f"{block}{k}" for block in "abc" for k in range(3)]
    data = pd.DataFrame(np.repeat(f, 3, axis=1) * 0.8 + 0.6 * rng.normal(size=(500, 9)), columns=names)
    measured = "; ".join(f"{block.upper()} =~ {' + '.join(f'{block}{k}' for k in range(3))}" for block in "abc")
    row = increment(latent(f"{measured}; C ~ A + B", data), "C", ["B"], beyond=["A"], bound=0.02).iloc[0]
    slopes = "; C ~ p*A + q*B; A ~~ v*A; B ~~ w*B; A ~~ k*B; C ~~ e*C"
    whole = "p*p*v + q*q*w + 2*p*q*k + e"
    drawn = resampled(latent(f"{measured}{slopes}; more := q*q*(w - k*k/v)/({whole})", data), replications=400)
    again = drawn.query("term == 'more' and kind == 'defined'").iloc[0]
    assert again["value"] == pytest.approx(row["value"], rel=1e-5)
    assert again["std_error"] == pytest.approx(row["std_error"], rel=0.15)
    assert row["verdict"] == "outside"
    assert row["low"] < row["value"] < row["high"]


def test_what_it_refuses() -> None:
    fit = latent(PATHS, path_model(300))
    for wrong, says in (
        ({"term": "y ~ z", "high": 0.1}, "There is no term"),
        ({"term": "y ~ x", "high": 0.1, "kind": "loading"}, "There is no kind"),
        ({"term": "y ~ x"}, "low and high"),
        ({"term": "rmsea", "low": 0.01}, "has one bound"),
    ):
        with pytest.raises(ArgumentError, match=says):
            equivalence(fit, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no degrees of freedom"):
        equivalence(fit, "rmsea", high=0.05)
    with pytest.raises(ModelError, match="no standard error"):
        equivalence(latent("m ~ 0*x; y ~ m + x", path_model(300)), "m ~ x", high=0.05)
    for causes, beyond, says in (
        (["x"], ["x"], "twice"),
        (["z"], [], "There is no variable"),
        ([], ["x"], "not empty"),
    ):
        with pytest.raises(ArgumentError, match=says):
            increment(fit, "y", causes, beyond=beyond)
    r = np.array([[1.0, 0.4, 0.4], [0.4, 1.0, 0.9], [0.4, 0.9, 1.0]])
    improper = latent("f =~ a + b + c; b ~~ -0.1*b", Moments(100, ("a", "b", "c"), np.zeros(3), r))
    with pytest.raises(ModelError, match="Negative variance"):
        equivalence(improper, "f =~ c", high=2)
