"""Latent models of ordered answers: what they do not take is refused by name, with the reason."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, CxuxError, ModelError, SampleError
from cxuxlib.models import LatentOptions, invariance, latent, mediation, modification, nested, resampled, residuals
from cxuxlib.results import Fit
from tests.structural_reference import HOLZINGER, SCHOOLS, THREE
from tests.wlsmv_reference import STORED, fitted, frame_of

TWO = "f =~ x1 + x2 + x3; g =~ x4 + x5 + x6"
ROWS = frame_of(STORED["scalar"])


def graded(syntax: str = TWO, rows: pd.DataFrame = ROWS, group: str | None = None, **options: object) -> Fit:
    return latent(syntax, rows, estimator="wlsmv", group=group, options=LatentOptions(**options))  # type: ignore[arg-type]


def test_moments_are_refused() -> None:
    for data in (HOLZINGER, SCHOOLS):
        with pytest.raises(ArgumentError, match=r"moments do not tell: give rows or counts"):
            latent(THREE, data, estimator="wlsmv")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"missing": "fiml"}, "'listwise' or 'pairwise'; 'fiml' goes with 'ml' and 'mlr'"),
        ({"information": "observed"}, "one kind of errors"),
        ({"equal": ["loadings", "intercepts"]}, "no free 'intercepts'.*'thresholds' stand for"),
        ({"equal": ["thresholds"], "partial": ["x1 ~ 1"]}, r"no intercept 'x1 ~ 1'; leave thresholds free"),
        ({"equal": ["residuals"]}, "no free 'residuals'"),
    ],
)
def test_options_of_likelihood_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        graded(group="shop", **options)


def test_options_of_ordered_answers_are_refused_elsewhere() -> None:
    with pytest.raises(ArgumentError, match=r"'pairwise' goes with 'wlsmv'.*got 'ml'"):
        latent(TWO, ROWS, options=LatentOptions(missing="pairwise"))
    with pytest.raises(ArgumentError, match=r"'thresholds' goes with 'wlsmv'.*got 'mlr'"):
        latent(TWO, ROWS, estimator="mlr", group="shop", options=LatentOptions(equal=["thresholds"]))


@pytest.mark.parametrize(
    ("syntax", "said"),
    [
        ("f =~ x1 + x2 + x3; f ~ x4", "line 1, character 24: 'x4' is a column that explains 'f'.*or use 'mlr'"),
        (TWO + "; x1 ~~ 0.3*x1", "'x1' is what the factors leave of 1"),
        (TWO + "; x1 ~ 1", "'x1' have thresholds and no intercept"),
    ],
)
def test_what_ordered_answers_do_not_have_is_refused_in_its_place(syntax: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        graded(syntax)


def test_continuous_columns_are_refused() -> None:
    rows = ROWS.assign(x2=ROWS["x2"] + 0.25, x5=ROWS["x5"] / 2)
    with pytest.raises(
        AnswerError, match=r"'x2', 'x5' holds numbers that are not whole.*mix of ordered and continuous"
    ):
        graded(rows=rows)
    many = ROWS.assign(x2=np.arange(len(ROWS)))
    with pytest.raises(ArgumentError, match=r"'x2' has 700 different answers"):
        graded(rows=many)


def test_a_group_without_a_category_is_named() -> None:
    rows = ROWS.assign(x3=ROWS["x3"].mask((ROWS["shop"] == "b") & (ROWS["x3"] == 5), 4))
    with pytest.raises(SampleError, match=r"Nobody answered 5 to 'x3' in group 'b'.*Join it .* in every group alike"):
        graded(rows=rows, group="shop")
    assert graded(rows=rows).quality["n"] == 700  # all together they know it


def test_an_item_with_one_answer_is_named() -> None:
    with pytest.raises(ModelError, match=r"the same in 'x4'"):
        graded(rows=ROWS.assign(x4=3))
    gone = ROWS.assign(x4=np.nan)
    with pytest.raises(SampleError, match=r"Nobody answered 'x4'"):
        graded(rows=gone, missing="pairwise")


def test_items_that_are_one_are_named() -> None:
    rows = ROWS.assign(x2=ROWS["x1"].clip(upper=4))
    with pytest.raises(ModelError, match=r"'x1' and 'x2' fit a polychoric correlation of ±1"):
        graded(rows=rows)


def test_what_the_answers_do_not_tell_is_named() -> None:
    with pytest.raises(ModelError, match=r"'g ~~ g'"):
        graded("f =~ x1 + x2 + x3; g =~ x4")
    with pytest.raises(ModelError, match=r"'f ~ 1'"):
        graded(TWO + "; f ~ 1")
    assert graded("f =~ x1 + x2 + x3; g =~ x4; g ~~ 1*g").estimate("x4 ~~ x4").value == pytest.approx(0, abs=1e-12)


def test_more_parameters_than_statistics_are_refused() -> None:
    with pytest.raises(ModelError, match=r"16 parameters cannot be told from 15 statistics"):
        graded("f =~ x1 + x2 + x3; x1 ~~ x2")


def test_an_unknown_threshold_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"threshold to leave free 'x1\|t9'"):
        graded(group="shop", equal=["loadings", "thresholds"], partial=["x1|t9"])


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(SampleError, match=r"5 complete rows for 6 columns"):
        graded(rows=ROWS.iloc[:5])


@pytest.mark.parametrize(
    "of", [modification, residuals, lambda fit: nested(fit, fit), lambda fit: resampled(fit, rng=1)]
)
def test_what_is_not_offered_yet_is_refused(of: Callable[[Fit], object]) -> None:
    with pytest.raises(ArgumentError, match=r"for ordered answers .'wlsmv'. it is not offered yet"):
        of(fitted(STORED["holzinger"]))


def test_steps_and_splits_by_ordered_answers_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"not offered yet"):
        invariance(TWO, ROWS, group="shop", estimator="wlsmv")
    with pytest.raises(ArgumentError, match=r"not offered yet"):
        mediation(ROWS, ["x1", "x2"], ["x3", "x4"], ["x5", "x6"], estimator="wlsmv")


def test_every_refusal_is_one_of_the_librarys() -> None:
    """Random small data with few categories: a fit with finite estimates, or an error of ours."""
    rng, fits = np.random.default_rng(5), 0
    for _ in range(16):
        rows = pd.DataFrame(
            rng.integers(1, rng.integers(3, 6), size=(int(rng.integers(5, 60)), 4)), columns=list("abcd")
        )
        try:
            fit = latent("f =~ a + b + c + d", rows, estimator="wlsmv")
        except CxuxError:
            continue
        fits += 1
        assert np.isfinite(fit.raw.theta).all()
        assert fit.quality["chi2"] >= 0
    assert fits >= 3
