"""Units of key drivers: missing answers by pair, clusters, controls of any engine, weights in the bootstrap."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, UnitError
from cxuxlib.frames import answers
from cxuxlib.models import DriverOptions, key_drivers, share_difference
from cxuxlib.models.sample import sample
from cxuxlib.results import Moments
from tests.drivers_reference import shapley_by_orders

Native = Callable[..., Any]
NAMES = ["rating", "ease", "help", "price"]
FIGURES = ["value", "std_error", "low", "high"]
PAIRWISE = DriverOptions(missing="pairwise")


def survey(n: int = 500, gone: float = 0.15, seed: int = 4) -> pd.DataFrame:
    """Correlated answers 1 to 5 of streets of 1 to 4, some missing at random, weights of three sizes."""
    rng = np.random.default_rng(seed)
    street = np.sort(rng.integers(0, n // 3, n))
    common = rng.normal(size=(n // 3, 1))[street]
    x = rng.multivariate_normal(np.zeros(4), 0.6 * np.eye(4) + 0.4, n) + 0.8 * common
    table = pd.DataFrame(np.clip(np.round(x + 3), 1, 5), columns=NAMES)
    table = table.mask(rng.random(table.shape) < gone)
    return table.assign(street=[f"h{each}" for each in street], w=rng.choice([0.5, 1.0, 2.0], n))


def figures(data: Any, **more: Any) -> np.ndarray:
    found: np.ndarray = key_drivers(data, "rating", NAMES[1:], **more).terms[FIGURES].to_numpy()
    return found


# --- pairwise -------------------------------------------------------------------------------------------------------


def test_pairwise_correlations_are_those_of_pandas() -> None:
    read = sample(survey(), NAMES, pairs=True)
    assert read.corr == pytest.approx(survey()[NAMES].corr().to_numpy(), abs=1e-12)
    there = survey()[NAMES].notna().astype(int)
    assert read.pairs is not None
    upper = np.triu_indices(4, 1)
    assert (read.pairs[upper] == (there.T @ there).to_numpy()[upper]).all()


def test_pairwise_shares_are_said_and_counted() -> None:
    fit = key_drivers(survey(), "rating", NAMES[1:], method=PAIRWISE)
    answered = survey()[NAMES].notna().sum(axis=1)
    least = int(fit.raw.pairs.min())
    assert (fit.quality["n"], fit.quality["n_missing"]) == ((answered >= 2).sum(), (answered < 2).sum())
    assert fit.quality["n_pair_least"] == least < fit.quality["n"]
    assert fit.method.startswith(f"delta method, distribution-free, pairwise complete: {least} to ")
    lmg = shapley_by_orders(survey()[NAMES].corr().to_numpy(), [[1], [2], [3]], [])
    assert fit.terms["value"][:3].to_numpy() == pytest.approx(lmg, abs=1e-12)


def test_pairwise_of_complete_answers_is_complete() -> None:
    complete = survey(gone=0)
    assert figures(complete, method=PAIRWISE) == pytest.approx(figures(complete), abs=1e-12)


def test_the_general_pairwise_way_gives_the_numbers_of_the_complete_one() -> None:
    one_gone = pd.concat([survey(gone=0), pd.DataFrame([[3.0, 3.0, 3.0, np.nan, "x", 1e-9]], columns=survey().columns)])
    found = figures(one_gone, method=PAIRWISE, weight="w")
    assert found == pytest.approx(figures(survey(gone=0), weight="w"), abs=1e-7)


def test_pairwise_errors_are_those_of_the_bootstrap() -> None:
    delta, drawn = (
        key_drivers(survey(1500), "rating", NAMES[1:], method=DriverOptions(missing="pairwise", interval=each))
        for each in ("robust", "bootstrap")
    )
    ratio = drawn.terms["std_error"] / delta.terms["std_error"]
    assert ratio.to_numpy() == pytest.approx(np.ones(9), abs=0.12)


def test_pairwise_on_engines_rows_and_counts(frame: Native) -> None:
    expected = figures(survey(), method=PAIRWISE)
    assert figures(frame(survey()), method=PAIRWISE) == pytest.approx(expected, abs=1e-9)
    counted = survey().groupby(NAMES, dropna=False).size().rename("n").reset_index()
    assert figures(counted, method=PAIRWISE, frequency="n") == pytest.approx(expected, abs=1e-9)


def test_pairs_that_contradict_each_other_are_refused() -> None:
    a, c = np.tile([1.0, 2, 3], 20), np.full(60, np.nan)
    noise = np.random.default_rng(1).normal(size=60) * 0.1
    table = pd.DataFrame({
        "y": np.r_[a + noise, a + noise, c], "x": np.r_[a, c, a], "z": np.r_[c, a, -a + noise],
        "v": np.random.default_rng(2).normal(size=180),
    })  # fmt: skip
    with pytest.raises(ModelError, match=r"contradict each other \(smallest eigenvalue -"):
        key_drivers(table, "y", ["x", "z"], method=PAIRWISE)


def test_two_columns_that_nobody_answered_both_are_refused() -> None:
    table = survey(gone=0).assign(
        ease=lambda t: t["ease"].where(t.index < 100), help=lambda t: t["help"].where(t.index > 100)
    )
    with pytest.raises(SampleError, match="Only 0 units answered both 'ease' and 'help'"):
        key_drivers(table, "rating", NAMES[1:], method=PAIRWISE)


# --- clusters -------------------------------------------------------------------------------------------------------


def test_units_that_are_given_twice_count_once_where_they_are_clusters() -> None:
    once = survey(gone=0).assign(id=range(500))
    twice = pd.concat([once, once], ignore_index=True)
    found = key_drivers(twice, "rating", NAMES[1:], method=DriverOptions(cluster="id"))
    expected = key_drivers(once, "rating", NAMES[1:]).terms["std_error"] * np.sqrt(500 / 499)
    assert found.terms["std_error"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    assert found.method == "delta method, distribution-free, 500 clusters"


def test_clusters_are_alike_so_errors_grow() -> None:
    plain, clustered = (
        key_drivers(survey(gone=0), "rating", NAMES[1:], method=DriverOptions(cluster=each)).terms["std_error"]
        for each in (None, "street")
    )
    assert clustered[0] > 1.02 * plain[0]


def test_clusters_on_engines_with_weights_and_missing_answers(frame: Native) -> None:
    options = DriverOptions("johnson", cluster="street", missing="pairwise", controls=["price"])
    expected, found = (
        key_drivers(data, "rating", ["ease", "help"], method=options, weight="w").terms[FIGURES].to_numpy()
        for data in (survey(), frame(survey()))
    )
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_clustered_errors_are_those_of_the_cluster_bootstrap(missing: Any) -> None:
    delta, drawn = (
        key_drivers(survey(1500), "rating", NAMES[1:], weight="w",
                    method=DriverOptions(missing=missing, interval=each, cluster="street"))
        for each in ("robust", "bootstrap")
    )  # fmt: skip
    assert drawn.method == "bootstrap of 1,000 resamples of clusters"
    ratio = drawn.terms["std_error"] / delta.terms["std_error"]
    assert ratio.to_numpy() == pytest.approx(np.ones(9), abs=0.12)
    ends = [share_difference(each, "ease", "price") for each in (delta, drawn)]
    assert (ends[1].high - ends[1].low) == pytest.approx(ends[0].high - ends[0].low, rel=0.12)


def test_clusters_that_are_missing_or_alone_are_refused() -> None:
    gone = survey(gone=0).assign(street=lambda t: t["street"].where(t.index > 2))
    with pytest.raises(UnitError, match="3 rows have no 'street'"):
        key_drivers(gone, "rating", NAMES[1:], method=DriverOptions(cluster="street"))
    with pytest.raises(SampleError, match="All rows are of one cluster of 'street'"):
        key_drivers(survey().assign(street="a"), "rating", NAMES[1:], method=DriverOptions(cluster="street"))


@pytest.mark.parametrize("options", [PAIRWISE, DriverOptions(cluster="street")])
def test_moments_know_neither_clusters_nor_pairs(options: DriverOptions) -> None:
    known = Moments(100, tuple(NAMES), np.zeros(4), 0.6 * np.eye(4) + 0.4)
    with pytest.raises(ArgumentError, match="Moments are of complete and independent units"):
        key_drivers(known, "rating", NAMES[1:], method=options)
    with pytest.raises(ArgumentError, match="Moments cannot be resampled"):
        key_drivers(known, "rating", NAMES[1:], method=DriverOptions(interval="bootstrap"))


@pytest.mark.parametrize("more", [{"missing": "pairwise"}, {"cluster": "street"}])
def test_normal_theory_needs_complete_and_independent_units(more: Any) -> None:
    with pytest.raises(ArgumentError, match="Normal theory knows complete, independent units only"):
        key_drivers(survey(), "rating", NAMES[1:], method=DriverOptions(interval="normal", **more))


# --- reading --------------------------------------------------------------------------------------------------------


def test_answers_of_every_engine(frame: Native) -> None:
    table = survey().assign(f=np.arange(500) % 3)
    found = answers(frame(table), NAMES, weight="w", frequency="f", least=3)
    enough = table[(table[NAMES].notna().sum(axis=1) >= 3) & (table["f"] > 0)]
    assert found.n.sum() == enough["f"].sum()
    assert found.n_missing == table["f"][table[NAMES].notna().sum(axis=1) < 3].sum()
    assert (found.n * found.w) @ np.nan_to_num(found.x) == pytest.approx(
        ((enough["f"] * enough["w"]) @ enough[NAMES].fillna(0)).to_numpy()
    )
    assert np.isnan(found.x).any()


def test_equal_rows_of_an_engine_are_counted_together() -> None:
    import polars as pl

    many = survey(4000, gone=0)[NAMES]
    assert len(answers(pl.from_pandas(many).lazy(), NAMES).n) == len(many.drop_duplicates()) < 400


def test_a_frequency_that_is_no_whole_number_is_refused(frame: Native) -> None:
    with pytest.raises(AnswerError, match="500 rows have a missing, negative or infinite value in 'f'"):
        answers(frame(survey().assign(f=0.5)), NAMES, frequency="f")
