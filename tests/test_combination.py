"""Rules of combination: planted rules are told apart out of sample, and the scores are those of the rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib.models import Combination, Folds, combination
from cxuxlib.models.combining.ceiling import boosted
from cxuxlib.models.combining.reading import read
from cxuxlib.models.combining.rules import RULES
from cxuxlib.stats import held_out

Native = Callable[..., Any]
XS = ["a", "b", "c"]
FIGURES = ["score", "difference", "std_error", "low", "high", "share"]
ENDS = dict.fromkeys(XS, (1, 5))


def answers(n: int, seed: int = 1) -> tuple[pd.DataFrame, np.random.Generator]:
    """Correlated ratings of 1 to 5, most of them good."""
    rng = np.random.default_rng(seed)
    z = np.sqrt(0.4) * rng.normal(size=(n, 1)) + np.sqrt(0.6) * rng.normal(size=(n, 3))
    return pd.DataFrame(1 + np.digitize(z, [-1.8, -1.1, -0.3, 0.7]), columns=XS), rng


def world(rule: str, n: int = 1500, seed: int = 1) -> pd.DataFrame:
    """An outcome of 0 to 4 that piles up at the top."""
    frame, rng = answers(n, seed)
    latent = {
        "additive": 0.6 * frame["a"] + 0.4 * frame["b"] + 0.2 * frame["c"],
        "weakest": 1.2 * frame[XS].min(axis=1),
        "hinge": 1.2 * np.minimum(frame["a"], 3) + 0.3 * frame["b"],
        "exclusive": 2.0 * ((frame["a"] > 3) ^ (frame["b"] > 3)) + 2.0,
        "noise": 0.0 * frame["a"] + 2.0,
    }[rule]
    return frame.assign(y=np.digitize(latent + rng.logistic(size=n), [1, 2, 2.8, 3.4]))


def rows(found: Combination) -> pd.DataFrame:
    return found.table.set_index("rule")


# --- planted rules --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_experiences_add_up_no_rule_wins_despite_the_ceiling(seed: int) -> None:
    data = world("additive", seed=seed)
    assert (data["y"] == 4).mean() > 0.5
    found = combination(data, "y", ENDS, folds=5)
    assert found.better() == []
    assert "no rule foretells better than additive" in repr(found)
    assert rows(found).loc["weakest only", "high"] < 0  # and it loses
    assert rows(found).loc["ordered-weighted", "high"] < 0


def test_where_the_weakest_decides_it_wins() -> None:
    found = combination(world("weakest"), "y", ENDS, folds=5)
    assert {"weakest link", "weakest only", "ordered-weighted"} <= set(found.better())
    assert found.better()[0] in {"weakest link", "weakest only"}
    assert "hinge" not in found.better()
    assert f"{found.better()[0]} foretells better than additive, by " in repr(found)


def test_a_slope_that_ends_at_the_middle_is_told_from_a_minimum() -> None:
    assert combination(world("hinge", 3000), "y", ENDS, folds=5).better()[0] == "hinge"


def test_boosted_trees_see_what_no_slope_sees() -> None:
    table = rows(combination(world("exclusive", 3000), "y", ENDS, folds=5))
    assert table.loc["boosted trees", "low"] > 0
    assert table.loc["additive", "share"] < 0.5
    assert table.loc["boosted trees", "score"] > table.loc["pairwise", "score"]
    assert table.loc["boosted trees", "share"] == 1
    assert "no ceiling" not in table.loc["boosted trees", "note"]


def test_in_noise_nothing_is_explained_and_the_ceiling_says_so() -> None:
    table = rows(combination(world("noise"), "y", ENDS, folds=5))
    assert table.loc["additive", "difference"] == 0
    assert table.loc["additive", "score"] < table.loc["none", "score"] + 0.002
    assert table["share"].isna().all()
    assert "no ceiling" in table.loc["boosted trees", "note"]


@pytest.mark.slow
def test_rules_are_found_as_seldom_as_they_should_where_there_is_none() -> None:
    wins = []
    for seed in range(60):
        data = world("additive", 600, seed)
        found = read(data, ("y", ENDS), unit=None, weight=None, frequency=None, folds=Folds(5))
        base = held_out.ordinal_scores(found.x, found.y, found.folds)
        for rule in ("weakest link", "weakest only", "pairwise", "hinge", "ordered-weighted"):
            scores = held_out.ordinal_scores(RULES[rule](found.x, found.middle), found.y, found.folds)
            value, error = held_out.gain(scores - base, found.folds)
            wins.append(value - 1.96 * error > 0)
    assert np.mean(wins) < 0.025


# --- second derivations ---------------------------------------------------------------------------


def test_scores_are_those_of_statsmodels_on_the_rows_of_each_fold() -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    data = world("weakest", 240)
    found = read(data, ("y", ENDS), unit=None, weight=None, frequency=None, folds=Folds(3))
    x = RULES["weakest link"](found.x, found.middle)
    scores = held_out.ordinal_scores(x, found.y, found.folds)
    expected, each = 0.0, []
    for k in range(3):
        inside, outside = (np.repeat(np.arange(len(x)), part.astype(int)) for part in
                           (found.folds.rest(k), found.folds.w[k]))  # fmt: skip
        fit = OrderedModel(found.y[inside], x[inside], distr="logit").fit(method="bfgs", disp=0, gtol=1e-7)
        chances = np.asarray(fit.model.predict(fit.params, exog=x[outside]))
        own = np.log(chances[np.arange(len(outside)), found.y[outside]])
        assert scores[k, outside] == pytest.approx(own, abs=1e-5)
        each.append(own)
    every = np.concatenate(each)
    expected = every.mean()
    value, error = held_out.gain(scores, found.folds)
    assert value == pytest.approx(expected, abs=1e-6)
    assert error == pytest.approx(every.std(ddof=1) / np.sqrt(len(every)), abs=1e-6)


def test_errors_by_cluster_are_those_of_the_sums_of_clusters() -> None:
    rng = np.random.default_rng(4)
    cell, code, w = rng.integers(0, 6, 50), rng.integers(0, 9, 50) * 7, rng.uniform(0.5, 2, 50)
    folds = held_out.by_cluster(cell, code, w, 6, 3, rng)
    assert folds.n == len(set(code))
    assert folds.cluster is not None
    fold = folds.cluster[0]
    assert all(len(set(fold[code == each])) == 1 for each in set(code))  # whole clusters
    assert set(fold) == {0, 1, 2}
    each = rng.normal(size=(3, 6))
    own = each[fold, cell]
    mean = np.average(own, weights=w)
    sums = [(w * (own - mean))[code == g].sum() for g in set(code)]
    value, error = held_out.gain(each, folds)
    assert value == pytest.approx(mean)
    assert error == pytest.approx(np.sqrt(np.square(sums).sum() * folds.n / (folds.n - 1)) / w.sum())


def test_units_are_dealt_evenly_and_all_of_them() -> None:
    n = np.array([3, 0, 8, 6])
    folds = held_out.by_unit(n, np.array([1.0, 1.0, 2.0, 0.5]), 4, np.random.default_rng(1))
    dealt = folds.w / folds.unit
    assert dealt.sum(axis=0).tolist() == n.tolist()
    assert sorted(dealt.sum(axis=1)) == [4, 4, 4, 5]
    assert folds.rest(0) == pytest.approx(folds.w[1:].sum(axis=0))


def test_the_null_rule_gives_the_shares_outside_the_fold() -> None:
    folds = held_out.Folds(np.array([[2.0, 1.0], [3.0, 1.0]]), np.ones(2), None, 7)
    scores = held_out.null_scores(np.array([0, 1]), folds)
    assert np.exp(scores) == pytest.approx(np.array([[3 / 4, 1 / 4], [2 / 3, 1 / 3]]))


# --- one answer from rows, counts, weights and every engine ---------------------------------------


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    frame = world("weakest", 500)
    frame["w"] = np.random.default_rng(2).choice([0.5, 1.0, 3.0], 500)
    frame["shop"] = np.random.default_rng(3).integers(0, 60, 500)
    return frame


@pytest.fixture(scope="module")
def plain(data: pd.DataFrame) -> Combination:
    return combination(data[["y", *XS]], "y", ENDS, folds=4)


def test_engines_agree(data: pd.DataFrame, plain: Combination, frame: Native) -> None:
    found = combination(frame(data[["y", *XS]]), "y", ENDS, folds=4)
    assert found.table[FIGURES].to_numpy() == pytest.approx(plain.table[FIGURES].to_numpy(), rel=1e-12, nan_ok=True)
    assert repr(found) == repr(plain)


def test_engines_agree_with_weights_and_units(data: pd.DataFrame, frame: Native) -> None:
    expected, found = (
        combination(each, "y", ENDS, folds=4, weight="w", unit="shop").table for each in (data, frame(data))
    )
    assert found[FIGURES].to_numpy() == pytest.approx(expected[FIGURES].to_numpy(), rel=1e-9, nan_ok=True)


def test_counts_give_the_figures_of_rows_in_any_order(data: pd.DataFrame, plain: Combination) -> None:
    counted = data.groupby(["y", *XS]).size().rename("n").reset_index().sample(frac=1, random_state=1)
    found = combination(counted, "y", ENDS, frequency="n", folds=4)
    assert found.table[FIGURES].to_numpy() == pytest.approx(plain.table[FIGURES].to_numpy(), rel=1e-12, nan_ok=True)
    assert found.n == plain.n == 500


def test_the_order_of_rows_changes_nothing_where_numbers_hardly_repeat() -> None:
    rng = np.random.default_rng(6)
    exact = pd.DataFrame(rng.uniform(0, 1, (400, 2)), columns=["a", "b"])
    exact["y"] = np.digitize(3 * exact["a"] + rng.logistic(size=400), [0.5, 1.5, 2.5])
    found = [combination(each, "y", {"a": (0, 1), "b": (0, 1)}, folds=3).table[FIGURES].to_numpy()
             for each in (exact, exact.sample(frac=1, random_state=1))]  # fmt: skip
    assert found[1] == pytest.approx(found[0], rel=1e-9, nan_ok=True)


def test_intervals_are_of_z_and_by_units_of_t(data: pd.DataFrame, plain: Combination) -> None:
    clustered = combination(data, "y", ENDS, unit="shop", folds=4)
    for found, quantile in (
        (plain, stats.norm.ppf(0.975)),
        (clustered, stats.t.ppf(0.975, data["shop"].nunique() - 1)),
    ):
        row = rows(found).loc["hinge"]
        assert (row["high"] - row["difference"]) / row["std_error"] == pytest.approx(quantile, rel=1e-9)
        assert (row["difference"] - row["low"]) / row["std_error"] == pytest.approx(quantile, rel=1e-9)


def test_equal_weights_change_nothing_and_unequal_ones_do(data: pd.DataFrame, plain: Combination) -> None:
    same = combination(data.assign(w=2.5), "y", ENDS, weight="w", folds=4)
    assert same.table[FIGURES].to_numpy() == pytest.approx(plain.table[FIGURES].to_numpy(), rel=1e-9, nan_ok=True)
    other = combination(data, "y", ENDS, weight="w", folds=4)
    assert rows(other).loc["additive", "score"] != pytest.approx(rows(plain).loc["additive", "score"], abs=1e-3)


def test_a_unit_of_no_weight_is_as_if_absent(data: pd.DataFrame) -> None:
    # 20 of 500 with no weight, the others with 1: the same answers as the 480, dealt by the same seed
    kept = data.iloc[20:]
    weighted = combination(data.assign(w=(np.arange(500) >= 20).astype(float)), "y", ENDS, weight="w", folds=4)
    alone = combination(kept, "y", ENDS, folds=4, unit=None)
    assert weighted.table[FIGURES].to_numpy() == pytest.approx(alone.table[FIGURES].to_numpy(), rel=1e-9, nan_ok=True)
    assert weighted.n == 480
    assert "20 of no weight left out" in weighted.method


def test_boosting_is_the_same_twice(data: pd.DataFrame) -> None:
    found = read(data, ("y", ENDS), unit=None, weight=None, frequency=None, folds=Folds(3))
    one, two = (boosted(found.x, found.y, found.folds) for _ in range(2))
    assert one.rounds == two.rounds
    assert (one.scores == two.scores).all()


def test_another_seed_deals_others(data: pd.DataFrame, plain: Combination) -> None:
    other = combination(data[["y", *XS]], "y", ENDS, folds=Folds(4, rng=9))
    assert rows(other).loc["additive", "score"] != rows(plain).loc["additive", "score"]
    assert rows(other).loc["additive", "score"] == pytest.approx(rows(plain).loc["additive", "score"], abs=0.02)
