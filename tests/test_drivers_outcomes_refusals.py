"""What key drivers of ordered and yes-or-no outcomes refuse, and what they say."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from cxuxlib import plots
from cxuxlib.errors import AnswerError, ArgumentError, ColumnError, ModelError, SampleError, UnitError
from cxuxlib.models import DriverOptions, driver_ranks, key_drivers
from cxuxlib.results import Fit, Moments
from cxuxlib.stats import ordinal
from cxuxlib.stats.shares import Division
from cxuxlib.stats.subset_likelihoods import MOST, subset_weights

As = Literal["latent", "deviance"]
BOTH = pytest.mark.parametrize("how", ["latent", "deviance"])
rng = np.random.default_rng(1)
TABLE = pd.DataFrame(rng.integers(1, 6, (200, 4)), columns=list("abcy")).assign(w=1.0)
TABLE["y"] = np.clip(np.round(TABLE["a"] + rng.logistic(size=200)), 1, 5)


def divided(data: Any = TABLE, how: As = "latent", **more: Any) -> Fit:
    own = {each: more.pop(each) for each in set(more) & {"controls", "cluster", "interval", "replications"}}
    drivers = None if "groups" in more else ["a", "b"]
    return key_drivers(data, "y", drivers, method=DriverOptions(outcome_as=how, **own), **more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"outcome_as": "ordinal"}, "no outcome_as 'ordinal'; there is 'linear', 'latent', 'deviance'"),
        ({"outcome_as": ["latent"]}, "There is no outcome_as"),
        ({"outcome_as": "latent", "link": "cloglog"}, "no link 'cloglog'; there is 'logit', 'probit'"),
        ({"link": "probit"}, "A linear outcome has no link; 'probit' goes with outcome_as='latent'"),
        ({"outcome_as": "latent", "missing": "pairwise"}, "needs complete rows; pairwise goes with correlations"),
        ({"outcome_as": "deviance", "missing": "pairwise"}, "'deviance' fits a regression, which needs complete rows"),
        ({"outcome_as": "latent", "interval": "normal"}, "Normal theory is of a linear outcome"),
        ({"outcome_as": "deviance", "interval": "bootstrap"}, "fit every subset of the drivers again"),
        ({"outcome_as": "deviance", "method": "johnson"}, "which a deviance has not; take 'lmg' or 'owen'"),
        ({"outcome_as": "deviance", "method": "pratt"}, "instead of 'pratt'"),
        ({"outcome_as": "deviance", "method": "all"}, "instead of 'all'"),
    ],
)
def test_options_that_do_not_go_together(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        DriverOptions(**more)


@BOTH
def test_moments_have_no_categories(how: As) -> None:
    with pytest.raises(ArgumentError, match=f"Moments have no categories, which outcome_as='{how}' is about"):
        divided(Moments(100, ("y", "a", "b"), np.zeros(3), np.eye(3)), how)


@BOTH
@pytest.mark.parametrize(
    ("table", "kind", "said"),
    [
        (TABLE.assign(y=3), ModelError, "All answers in 'y' are 3; there is nothing to explain"),
        (TABLE.assign(a=3), ModelError, "Every complete row has the same value in 'a'"),
        (TABLE.assign(b=6 - 2 * TABLE["a"]), ModelError, "'a', 'b' determine each other exactly"),
        (TABLE.assign(y=(TABLE["a"] > 2) + 0), ModelError, "'a' separates the answers in 'y'"),
        (TABLE.assign(a=TABLE["c"].map("{} stars".format)), AnswerError, "'a' holds texts; answers must be numbers"),
        (TABLE.assign(y=TABLE["y"].astype(str)), AnswerError, "'y' are texts whose order is not known"),
        (TABLE.assign(a=np.nan), SampleError, r"There is no complete row in .*\(200 are incomplete\)"),
        (TABLE.head(5), (SampleError, ModelError), "5 complete rows for|separate"),
        (TABLE.drop(columns="a"), ColumnError, "There is no column 'a'"),
        (TABLE.assign(customer_id=1), UnitError, r"Say DriverOptions\(cluster='customer_id'\)"),
    ],
)
def test_data_that_tell_no_shares(how: As, table: pd.DataFrame, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        divided(table, how)


@BOTH
def test_roles_that_clash(how: As) -> None:
    for more in ({"cluster": "a"}, {"weight": "y"}, {"frequency": "b"}):
        with pytest.raises(ArgumentError, match="stands among outcome and drivers"):
            divided(TABLE, how, **more)
    with pytest.raises(SampleError, match="All rows belong to one 'shop'"):
        divided(TABLE.assign(shop=1), how, cluster="shop")
    with pytest.raises(ColumnError, match="named 'Intercept'"):
        divided(TABLE.assign(Intercept=TABLE["b"]), how, groups={"one": ["a"], "two": ["Intercept"]})


def test_more_answers_than_an_ordered_outcome_has() -> None:
    table = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("yab"))
    with pytest.raises(ModelError, match=r"300 different answers; an ordered outcome has few.*outcome_as='linear'"):
        divided(table)


def test_too_many_regressions_are_refused_with_the_way_out() -> None:
    names = [f"x{i}" for i in range(13)]
    table = pd.DataFrame(rng.integers(1, 6, (300, 13)), columns=names).assign(y=rng.integers(0, 3, 300))
    said = r"more than 4,096 regressions.*\(12 drivers\).*outcome_as='latent'"
    with pytest.raises(ArgumentError, match=said):
        key_drivers(table, "y", names, method=DriverOptions(outcome_as="deviance"))
    groups = {"one": names[:11], "two": names[11:]}  # 4,096 subsets of eleven and a group, and 4 of the other two
    with pytest.raises(ArgumentError, match=said):
        key_drivers(table, "y", groups=groups, method=DriverOptions("owen", outcome_as="deviance"))
    assert key_drivers(table, "y", names, method=DriverOptions(outcome_as="latent")).quality["n"] == 300


def test_regressions_are_those_that_some_weight_needs() -> None:
    twelve = Division([[i] for i in range(1, 13)], [], [])
    assert len(subset_weights(("lmg", "alone", "unique"), twelve)) == MOST
    sixteen = Division([[i] for i in range(1, 17)], [17], [list(range(i, i + 4)) for i in range(0, 16, 4)])
    found = subset_weights(("owen", "alone", "unique"), sixteen)
    assert len(found) == 16 + 4 * 14 * 8  # whole groups, and part of one beside whole others, or none, or all
    assert np.sum(list(found.values()), axis=0) == pytest.approx(np.zeros(49), abs=1e-12)
    assert min(found) == 1 << 16  # the controls alone


@BOTH
def test_the_result_says_what_was_done(how: As) -> None:
    fit = divided(TABLE.assign(b=TABLE["b"].mask(TABLE.index < 9)), how, controls=["c"], weight="w")
    measure = "R2_McKelveyZavoina" if how == "latent" else "R2_McFadden"
    assert fit.model == f"key drivers (LMG, {how}, ordered logit)"
    assert fit.formula == "y ~ a + b | c"
    assert list(fit.quality) == [
        "n", "n_missing", "n_distinct", "n_weightless", "n_categories", measure, f"{measure}_controls",
        "first_eigenvalue",
    ]  # fmt: skip
    assert (fit.quality["n"], fit.quality["n_missing"]) == (191, 9)
    done = "one regression" if how == "latent" else "4 regressions"
    assert fit.method == f"delta method, distribution-free; {done} by maximum likelihood"
    what = "latent variance" if how == "latent" else "deviance"
    assert f"Share of the {what} of y (LMG, 95% interval)" in repr(plots.drivers(fit))


@BOTH
def test_no_interval_where_none_was_asked_for(how: As) -> None:
    fit = divided(TABLE, how, interval="none")
    assert fit.method.startswith("no interval was asked for")
    assert fit.terms["std_error"].isna().all()
    with pytest.raises(ArgumentError, match="made without intervals"):
        driver_ranks(fit)


def test_resamples_that_cannot_be_fitted_are_left_out_or_refused() -> None:
    table = TABLE.assign(y=(TABLE.index < 2) + 0)  # two of one kind: 13% of resamples have none of them
    with pytest.raises(SampleError, match=r"of 200 resamples are singular; there are too few units"):
        divided(table, interval="bootstrap", replications=200)
    table = TABLE.assign(y=(TABLE.index < 8) + 0)
    fit = divided(table, interval="bootstrap", replications=200)
    assert np.isfinite(fit.raw.draws).all()


def test_suppression_is_told_in_the_measure_that_is_divided() -> None:
    common = rng.normal(size=3000)
    x = pd.DataFrame({"a": common + 0.5 * rng.normal(size=3000), "b": common + 0.5 * rng.normal(size=3000)})
    table = x.assign(y=np.round((x["a"] - x["b"] + rng.logistic(size=3000)).clip(-3, 3)))
    for how in ("latent", "deviance"):
        fit = divided(table, how)  # type: ignore[arg-type]
        value = fit.terms.set_index(["kind", "term"])["value"]
        unique, alone = (f"{value[kind, 'a']:.3f}" for kind in ("unique", "alone"))
        said = f"'a' explains more beside the others ({unique}) than alone ({alone})"
        assert any(said in each for each in fit.raw.warnings)


def test_few_rows_and_many_go_two_ways_to_the_same_slopes() -> None:
    x, y = rng.normal(size=(90, 3)), np.arange(90) % 5
    few, many = (
        ordinal.answers(x, np.ones((90, 1)), np.tile(np.arange(90), times), np.tile(y, times), np.ones(90 * times), 5)
        for times in (1, 20)
    )
    assert len(few.w) < ordinal._FEW * 3 < len(many.w)
    at = np.array([-1.5, -0.5, 0.3, 1.2, 0.4, -0.2, 0.1])
    for link in ("logit", "probit"):
        one, other = (ordinal.height(each, at, link) for each in (few, many))  # type: ignore[arg-type]
        assert other.value == pytest.approx(20 * one.value, rel=1e-12)
        assert other.slope == pytest.approx(20 * one.slope, rel=1e-9)
        assert other.information == pytest.approx(20 * one.information, rel=1e-9)
