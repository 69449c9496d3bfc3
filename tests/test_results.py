"""Results say what they are, escape what users wrote, and add up."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.claims import Claim, Region, Ruling, Rulings
from cxuxlib.errors import ArgumentError, listed, unknown
from cxuxlib.results import Estimate, Fit, Moments
from cxuxlib.study import Column, Study, names

EVIL = "<script>alert('x')</script> & co"


def fit(term: str = "ease") -> Fit:
    columns = ["term", "kind", "value", "std_error", "low", "high", "p"]
    rows = [(term, "lmg", 0.25, 0.01, 0.23, 0.27, nan), (term, "alone", 0.5, 0.02, 0.46, 0.54, nan)]
    quality = {"n": 300, "n_missing": 12, "R2": 0.65432}
    return Fit("key drivers", f"y ~ {term}", pd.DataFrame(rows, columns=columns), quality, None, 0.95, "delta")


@pytest.mark.parametrize(
    ("estimate", "written"),
    [
        (
            Estimate(34.2, 28.1, 40.3, 412, "adjusted Wald", name="NPS"),
            "NPS = 34.2, 95% CI [28.1, 40.3], n = 412 (adjusted Wald)",
        ),
        (
            Estimate(0.5, 0.4567, 0.5432, 12345, "t", 0.9, "share", 1234),
            "share = 0.500, 90% CI [0.457, 0.543], n = 12,345, 1,234 missing (t)",
        ),
        (
            Estimate(0.5, nan, nan, 1, "no interval: one unit", name="share"),
            "share = 0.500, 95% CI [–, –], n = 1 (no interval: one unit)",
        ),
    ],
)
def test_estimate_is_one_sentence(estimate: Estimate, written: str) -> None:
    assert repr(estimate) == written


def test_estimate_holds_plain_numbers() -> None:
    found = Estimate(np.float64(1), np.float32(0), np.int64(2), np.int64(3), "t")  # type: ignore[arg-type]
    kinds = [type(getattr(found, name)) for name in ("value", "low", "high", "n", "level", "n_missing")]
    assert kinds == [float, float, float, int, float, int]


def test_estimate_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Estimate(1, 0, 2, 3, "t").value = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    "shown",
    [
        Estimate(1, 0, 2, 3, EVIL, name=EVIL),
        fit(EVIL),
        Ruling(
            Claim(EVIL, EVIL, EVIL, EVIL, Region((0, inf), (-inf, 0)), lambda *_: None, "association", EVIL, EVIL),  # type: ignore[arg-type,return-value]
            "undecided", Estimate(1, 0, 2, 3, EVIL, 0.9, EVIL), Region((0, inf), (-inf, 0)), "association", EVIL,
        ),
        Rulings(EVIL, ()),
    ],
    ids=lambda shown: type(shown).__name__,
)  # fmt: skip
def test_html_escapes_what_users_wrote(shown: object) -> None:
    html = shown._repr_html_()  # type: ignore[attr-defined]
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert " & co" not in html


def test_html_holds_the_sentence() -> None:
    assert Estimate(1, 0, 2, 3, "t")._repr_html_() == "<p>estimate = 1.0, 95% CI [0.0, 2.0], n = 3 (t)</p>"


def test_html_is_the_same_every_time() -> None:
    assert fit()._repr_html_() == fit()._repr_html_()


def test_fit_is_one_sentence() -> None:
    assert repr(fit()) == "key drivers: y ~ ease; n = 300, n_missing = 12, R2 = 0.6543"


def test_fit_gives_estimates() -> None:
    assert fit().estimate("ease") == Estimate(0.25, 0.23, 0.27, 300, "delta", 0.95, "ease (lmg)", 12)
    assert fit().estimate("ease", "alone").value == 0.5


def test_fit_without_the_term_says_what_there_is() -> None:
    with pytest.raises(ArgumentError, match=r"There is no term 'eas'; there is 'ease'. Did you mean 'ease'\?"):
        fit().estimate("eas")


def test_fit_without_the_kind_says_what_there_is() -> None:
    with pytest.raises(ArgumentError, match="there is 'lmg', 'alone'"):
        fit().estimate("ease", "beta")


@settings(max_examples=25)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 1000))
def test_moments_add_up_to_the_pooled_ones(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(3, 2, (n, 3)), rng.normal(-1, 5, (m, 3))
    both = np.vstack([x, y])
    a, b = (Moments(len(z), ("a", "b", "c"), z.mean(axis=0), np.cov(z.T), 1) for z in (x, y))
    total = a + b
    assert (total.n, total.n_missing) == (n + m, 2)
    assert total.means == pytest.approx(both.mean(axis=0), abs=1e-10)
    assert total.covariance == pytest.approx(np.cov(both.T), abs=1e-10)
    assert (b + a).covariance == pytest.approx(total.covariance, abs=1e-10)


def test_moments_of_other_columns_do_not_add_up() -> None:
    a, b = (Moments(5, (name,), np.zeros(1), np.eye(1)) for name in "ab")
    with pytest.raises(ArgumentError, match="different columns"):
        _ = a + b


def test_moments_say_their_size() -> None:
    moments = Moments(5095, ("a", "b"), np.zeros(2), np.eye(2), 12943)
    assert repr(moments) == "Moments of 2 columns, n = 5,095 (12,943 left out as incomplete)"


def test_study_says_what_it_holds() -> None:
    study = Study("x", {"answers": pd.DataFrame({"a": range(1200)})}, (Column("a", "", "item"),), "made up")
    assert repr(study) == "Study 'x': answers (1,200 rows); 1 columns described. Source: made up"


def test_names_are_found_by_role_and_construct() -> None:
    columns = (Column("a", "", "item", "UX"), Column("b", "", "item", "CX"), Column("c", "", "cx", "CX"))
    study = Study("x", {}, columns, "")
    assert names(study, role="item") == ["a", "b"]
    assert names(study, construct="CX") == ["b", "c"]
    assert names(study, role="item", construct="CX") == ["b"]


def test_what_exists_is_listed_briefly() -> None:
    assert listed([]) == "nothing"
    assert listed(range(14)).endswith("11 and 2 more")
    assert unknown("column", "x", []) == "There is no column 'x'; there is nothing."
