"""Latent models: bad data are refused by name, improper solutions are reported."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError, UnitError
from cxuxlib.frames import moments as summed
from cxuxlib.models import LatentOptions, invariance, latent, linear, mediation, modification, nested, residuals
from cxuxlib.results import Moments
from tests.structural_reference import DEMOCRACY, HOLZINGER, SCHOOLS, THREE

TWO = "f =~ a + b + c; g =~ d + e + h"
NAMES = ("a", "b", "c", "d", "e", "h")


def rows(n: int = 200, seed: int = 1) -> pd.DataFrame:
    """Two factors, r = .5, three items each."""
    rng = np.random.default_rng(seed)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=n)
    return pd.DataFrame(np.repeat(factors, 3, axis=1) + 0.7 * rng.normal(size=(n, 6)), columns=list(NAMES))


def moments(covariance: np.ndarray, n: int = 200) -> Moments:
    return Moments(n, NAMES[: len(covariance)], np.zeros(len(covariance)), covariance)


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ColumnError, match=r"There is no column 'x10'; there is 'x1'.*Did you mean 'x1'"):
        latent("f =~ x1 + x2 + x10", HOLZINGER)
    with pytest.raises(ColumnError, match="'zz'"):
        latent("f =~ a + b + zz", rows())


def test_a_covariance_matrix_that_is_none_is_refused() -> None:
    wrong = np.full((6, 6), 0.9) + 0.1 * np.eye(6)
    wrong[0, 1] = wrong[1, 0] = -0.9
    with pytest.raises(ModelError, match="not positive definite"):
        latent(TWO, moments(wrong))
    with pytest.raises(ModelError, match="not symmetric"):
        latent(TWO, moments(np.triu(np.full((6, 6), 0.5)) + 0.5 * np.eye(6)))
    with pytest.raises(ModelError, match="finite"):
        latent(TWO, moments(np.full((6, 6), np.nan)))


def test_columns_that_determine_each_other_are_named() -> None:
    frame = rows().assign(c=lambda d: d["a"] + d["b"])
    with pytest.raises(ModelError, match="'a', 'b', 'c' determine each other"):
        latent(TWO, frame)


def test_a_constant_column_is_named() -> None:
    with pytest.raises(ModelError, match="the same in 'b'"):
        latent(TWO, rows().assign(b=3.0))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(SampleError, match="6 complete rows for 6 columns"):
        latent(TWO, rows(6))
    with pytest.raises(SampleError, match="Only 1 complete rows of 3"):
        latent(TWO, rows(3).assign(a=[1.0, None, None]))


def test_an_item_that_nobody_answered_is_named() -> None:
    frame = rows().assign(e=np.nan)
    with pytest.raises(SampleError, match="Nobody answered 'e'"):
        latent(TWO, frame, options=LatentOptions(missing="fiml"))
    with pytest.raises(SampleError, match="Nobody answered 'e'; leave it out"):
        latent(TWO, frame)


def test_items_that_nobody_answered_together_are_named() -> None:
    frame = rows()
    frame.loc[:99, "a"] = np.nan
    frame.loc[100:, "d"] = np.nan
    with pytest.raises(SampleError, match="Only 0 units answered both 'a' and 'd'"):
        latent(TWO, frame, options=LatentOptions(missing="fiml"))


def test_texts_infinities_and_repeated_units_are_refused() -> None:
    with pytest.raises(AnswerError, match="'a' holds"):
        latent(TWO, rows().assign(a="good"))
    with pytest.raises(AnswerError, match="infinite"):
        latent(TWO, rows().assign(a=np.inf))
    with pytest.raises(UnitError, match="customer_id"):
        latent(TWO, rows().assign(customer_id=1))


def test_moments_of_weights_or_of_pairs_are_refused() -> None:
    frame = rows().assign(w=[1.0, 9.0] * 100)
    gaps = frame.assign(a=frame["a"].where(frame.index % 5 > 0))
    with pytest.raises(ArgumentError, match="without sampling weights"):
        latent(TWO, summed(frame, NAMES, weight="w"))
    with pytest.raises(ArgumentError, match="complete rows"):
        mediation(summed(gaps, NAMES, missing="pairwise"), ["a", "b"], ["c", "d"], ["e", "h"])


def test_robust_errors_need_rows() -> None:
    for estimator in ("mlr", "mlm"):
        with pytest.raises(ArgumentError, match="need rows or counts"):
            latent(THREE, HOLZINGER, estimator=estimator)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"estimator": "gls"}, "no estimator 'gls'"),
        ({"level": 1.5}, "level"),
        ({"options": {"missing": "fiml"}}, "LatentOptions"),
        ({"group": "school"}, "dict of group to Moments"),
        ({"frequency": "n"}, "frequency goes with rows"),
    ],
)
def test_arguments_out_of_their_range_are_refused(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        latent(THREE, HOLZINGER, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"missing": "em"}, "missing is"),
        ({"information": "none"}, "information is"),
        ({"equal": "loadings"}, "list of texts"),
        ({"equal": ["loading"]}, "Did you mean 'loadings'"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, object], what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        LatentOptions(**options)  # type: ignore[arg-type]


def test_mlm_takes_complete_answers() -> None:
    frame = rows()
    frame.loc[3, "a"] = np.nan
    with pytest.raises(ArgumentError, match="'mlm' takes complete answers"):
        latent(TWO, frame, estimator="mlm", options=LatentOptions(missing="fiml"))


def test_an_unknown_partial_term_is_named() -> None:
    with pytest.raises(ArgumentError, match="no term to leave free 'x99 ~ 1'"):
        latent(THREE, SCHOOLS, options=LatentOptions(equal=["intercepts"], partial=["x99 ~ 1"]))


def test_groups_are_checked() -> None:
    frame = rows().assign(shop="a")
    with pytest.raises(SampleError, match="Only 1 group"):
        latent(TWO, frame, group="shop")
    with pytest.raises(ArgumentError, match="'a' is the group and one of the answers"):
        latent(TWO, rows(), group="a")
    frame.loc[:4, "shop"] = "b"
    with pytest.raises(SampleError, match="5 complete rows in group 'b'"):
        latent(TWO, frame, group="shop")
    frame.loc[:99, "shop"] = "b"
    frame.loc[7, "shop"] = None
    assert latent(TWO, frame, group="shop").quality["n_missing"] == 1


def test_a_formula_of_unknown_labels_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"ab := a \* k \(line 2\).*no name 'k'"):
        latent("m =~ a + b + c; d ~ a1*m\nab := a * k".replace("a1*", "a*"), rows())


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(ModelError, match=r"5 free parameters for 3 moments.*not identified"):
        latent("f =~ NA*a + b", rows())
    with pytest.raises(ArgumentError, match="no free parameter"):
        latent("f =~ 1*a; f ~~ 1*f; a ~~ 1*a", rows())


def test_what_cannot_be_told_apart_is_named_and_has_no_errors() -> None:
    fit = latent("f =~ NA*a + b + c; g =~ d + e + h; f ~~ f", rows())
    assert fit.quality["n_cautions"] == 1
    said = fit.raw.cautions[0]
    assert said.startswith("Singular information: the data cannot tell apart")
    for name in ("'f =~ a'", "'f =~ b'", "'f ~~ f'", "'f ~~ g'"):
        assert name in said
    assert "'d ~~ d'" not in said
    assert fit.terms.loc[fit.terms["term"] == "f =~ b", "std_error"].isna().all()


def test_a_negative_variance_is_reported() -> None:
    r = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    fit = latent("f =~ a + b + c", moments(r))
    assert fit.estimate("a ~~ a", "std_all").value == pytest.approx(1 - 0.8 * 0.8 / 0.5)
    assert fit.raw.cautions == ("Negative variance: a ~~ a = -0.2786.",)
    assert "IMPROPER" in fit.method


def test_a_correlation_beyond_one_is_reported() -> None:
    r = np.full((6, 6), 0.6) + 0.4 * np.eye(6)
    r[:3, :3] -= 0.1 * (1 - np.eye(3))
    r[3:, 3:] -= 0.1 * (1 - np.eye(3))
    fit = latent(TWO, moments(r))
    assert fit.estimate("f ~~ g", "std_all").value == pytest.approx(1.2)
    assert "Correlation beyond 1: f with g = 1.2." in fit.raw.cautions


def test_three_facets_cannot_test_a_second_order_factor() -> None:
    second = latent(f"{THREE}\nability =~ visual + textual + speed", HOLZINGER)
    assert second.quality["chi2"] == pytest.approx(latent(THREE, HOLZINGER).quality["chi2"], abs=1e-7)
    assert "'ability' has 3 facets" in second.raw.cautions[0]
    tied = latent(f"{THREE}\nability =~ visual + textual + speed\nx1 ~ ability", HOLZINGER)
    assert not any("facets" in each for each in tied.raw.cautions)


def test_no_degrees_of_freedom_is_no_test() -> None:
    fit = latent("f =~ a + b + c", rows())
    assert fit.quality["df"] == 0
    assert fit.quality["chi2"] == 0
    assert np.isnan(fit.quality["p"])
    assert fit.quality["cfi"] == 1


def test_comparisons_of_what_cannot_be_compared_are_refused() -> None:
    big, small = latent(THREE, HOLZINGER), latent("g =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9", HOLZINGER)
    with pytest.raises(ArgumentError, match="first must have more"):
        nested(big, small)
    with pytest.raises(ArgumentError, match="other units or other columns"):
        nested(small, latent("f =~ x1 + x2 + x3 + y1", DEMOCRACY))
    with pytest.raises(ArgumentError, match="'mlm' or 'mlr'"):
        nested(small, big, method="satorra 2000")
    with pytest.raises(ArgumentError, match="by 'mlr', the other by 'ml'"):
        nested(latent("f =~ a + b + c + d + e + h", rows(), estimator="mlr"), latent(TWO, rows()))
    regression = linear("a ~ b", rows())
    for call in (modification, residuals):
        with pytest.raises(ArgumentError, match=r"takes a Fit of models\.latent"):
            call(regression)  # type: ignore[operator]


def test_invariance_and_mediation_say_what_is_missing() -> None:
    with pytest.raises(ArgumentError, match="between groups"):
        invariance(TWO, rows())
    with pytest.raises(ArgumentError, match=r"leave options\.equal empty"):
        invariance(THREE, SCHOOLS, options=LatentOptions(equal=["loadings"]))
    with pytest.raises(ArgumentError, match="options is a LatentOptions"):
        invariance(THREE, SCHOOLS, options={"equal": []})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="group is the name of a column"):
        invariance(TWO, rows(), group="")
    with pytest.raises(ArgumentError, match="cause is a list"):
        mediation(rows(), None, ["c"], ["d"])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="'a' stands in more than one place"):
        mediation(rows(), ["a", "b"], ["c", "a"], ["d"])
    with pytest.raises(ArgumentError, match="mediator is a list"):
        mediation(rows(), ["a", "b"], "c", ["d"])
    with pytest.raises(ArgumentError, match="bound is"):
        mediation(rows(), ["a", "b"], ["c"], ["d"], bound=0)


def test_small_samples_that_have_no_solution_say_so() -> None:
    """Twelve units of two weak factors: the likelihood rises for ever as one variance falls."""
    rng = np.random.default_rng(4)
    said = 0
    for _ in range(20):
        frame = pd.DataFrame(rng.normal(size=(12, 4)), columns=list("abcd"))
        fit = latent("f =~ a + b; g =~ c + d", frame)
        assert np.isfinite(list(fit.terms["value"])).all() or fit.raw.cautions
        if not fit.raw.fit.solution.converged:
            assert fit.raw.cautions[0].startswith("No convergence")
            said += 1
    assert said >= 3


def test_a_factor_without_variance_has_no_standardised_values() -> None:
    for estimator in ("ml", "mlr", "mlm"):
        fit = latent("f =~ a + b + c; f ~~ 0*f", rows(), estimator=estimator)  # type: ignore[arg-type]
        assert any(each.startswith("No variance: f varies by 0") for each in fit.raw.cautions)
        assert np.isnan(fit.estimate("f ~~ f", "std_all").value)
        assert fit.estimate("f =~ a", "std_all").value == 0
        assert modification(fit).shape[0] > 0
