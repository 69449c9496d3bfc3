"""How R² divides: against every order of the players, published figures, and derivatives by finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxuxlib.stats import elimination
from cxuxlib.stats.shares import KINDS, Division, r2_forms, r2_values, share_forms, share_values, to_gradients
from tests.drivers_reference import (
    johnson_from_answers,
    owen_by_orders,
    r2,
    random_correlations,
    shapley_by_orders,
    swiss,
)

ADDS_UP = ("lmg", "owen", "johnson", "pratt")
DIVISIONS = [
    Division([[1], [2], [3], [4], [5], [6]], [], [[0, 2], [1, 3, 4], [5]]),
    Division([[1], [3], [4], [6]], [2, 5], [[0, 3], [1, 2]]),
]
BLOCKS = [*DIVISIONS, Division([[1, 4], [3], [6, 5]], [2], [])]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_lmg_is_the_mean_gain_over_all_orders(seed: int, k: int) -> None:
    corr, players = random_correlations(seed, k + 1), [[i] for i in range(1, k + 1)]
    found = share_values("lmg", corr[None], Division(players, [], []))[0]
    assert found == pytest.approx(shapley_by_orders(corr, players, []), abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_lmg_of_groups_beside_controls(seed: int) -> None:
    corr, players, controls = random_correlations(seed, 9), [[1, 5], [3], [8, 2, 7]], [4, 6]
    found = share_values("lmg", corr[None], Division(players, controls, []))[0]
    assert found == pytest.approx(shapley_by_orders(corr, players, controls), abs=1e-10)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([[], [7]]))
def test_owen_is_the_mean_gain_over_orders_that_keep_groups_together(seed: int, controls: list[int]) -> None:
    corr, groups = random_correlations(seed, 8), [[1, 4], [2], [3, 5, 6]]
    columns = [each for group in groups for each in group]
    members = [[columns.index(each) for each in group] for group in groups]
    found = share_values("owen", corr[None], Division([[each] for each in columns], controls, members))[0]
    expected = owen_by_orders(corr, groups, controls)
    assert found == pytest.approx([expected[each] for each in columns], abs=1e-10)
    of_groups = share_values("lmg", corr[None], Division(groups, controls, []))[0]
    assert [found[each].sum() for each in members] == pytest.approx(of_groups, abs=1e-12)


def test_owen_of_single_columns_or_of_one_group_is_lmg() -> None:
    corr, players = random_correlations(3, 6), [[i] for i in range(1, 6)]
    lmg = share_values("lmg", corr[None], Division(players, [], []))
    for groups in ([[0], [1], [2], [3], [4]], [[0, 1, 2, 3, 4]]):
        assert share_values("owen", corr[None], Division(players, [], groups)) == pytest.approx(lmg, abs=1e-12)


def test_johnson_is_what_johnson_made_of_answers() -> None:
    x = np.random.default_rng(1).normal(size=(200, 6)) @ np.random.default_rng(2).normal(size=(6, 6))
    corr = np.corrcoef(x.T)
    found = share_values("johnson", corr[None], Division([[i] for i in range(1, 6)], [], []))[0]
    assert found == pytest.approx(johnson_from_answers(x[:, 1:], x[:, 0]), abs=1e-10)


@pytest.mark.parametrize(
    ("kind", "published"),
    [
        ("johnson", [0.04841689581, 0.15470824981, 0.27196410465, 0.11468002995, 0.11696572138]),
        ("lmg", [0.0570912208, 0.1711730289, 0.2601346786, 0.1055701504, 0.1127659229]),
    ],
)
def test_swiss_shares_of_relaimpo_rwa_and_domir(kind: str, published: list[float]) -> None:
    found = share_values(kind, swiss().covariance[None], Division([[i] for i in range(1, 6)], [], []))[0]
    assert found == pytest.approx(published, abs=1e-10)


@pytest.mark.parametrize("division", BLOCKS)
def test_shares_alone_unique_and_whole_are_regressions(division: Division) -> None:
    corr = random_correlations(5, 7)
    given = r2(corr, division.controls)
    everything = [*division.controls, *(each for player in division.players for each in player)]
    assert r2_values(corr[None], division)[0] == pytest.approx(r2(corr, everything) - given, abs=1e-12)
    alone = [r2(corr, [*division.controls, *player]) - given for player in division.players]
    unique = [r2(corr, everything) - r2(corr, [each for each in everything if each not in player])
              for player in division.players]  # fmt: skip
    assert share_values("alone", corr[None], division)[0] == pytest.approx(alone, abs=1e-12)
    assert share_values("unique", corr[None], division)[0] == pytest.approx(unique, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(ADDS_UP), st.sampled_from(DIVISIONS))
def test_shares_add_up_to_what_is_divided(seed: int, kind: str, division: Division) -> None:
    corr = random_correlations(seed, 7)[None]
    assert share_values(kind, corr, division).sum() == pytest.approx(r2_values(corr, division)[0], abs=1e-10)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(list(KINDS)))
def test_units_of_the_drivers_change_no_share(seed: int, kind: str) -> None:
    corr, scale = random_correlations(seed, 7), np.array([1, 10, 0.1, 3, 7, 0.01, 100])
    found = share_values(kind, (corr * np.outer(scale, scale))[None], DIVISIONS[0])
    assert found == pytest.approx(share_values(kind, corr[None], DIVISIONS[0]), abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "division"), [(kind, each) for kind in KINDS for each in BLOCKS if kind != "owen" or each.groups]
)
def test_derivatives(kind: str, division: Division) -> None:
    corr, step = random_correlations(6, 7), 1e-6
    gradients = to_gradients(share_forms(kind, corr, division))
    total = to_gradients(r2_forms(corr, division))[0]
    for a in range(7):
        assert not gradients[:, a, a].any()
        for b in range(a):
            move = np.zeros_like(corr)
            move[a, b] = move[b, a] = step
            up, down = (corr + move)[None], (corr - move)[None]
            numeric = (share_values(kind, up, division) - share_values(kind, down, division))[0] / (2 * step)
            assert gradients[:, a, b] == pytest.approx(numeric, rel=1e-5, abs=1e-6)
            whole = (r2_values(up, division) - r2_values(down, division))[0] / (2 * step)
            assert total[a, b] == pytest.approx(whole, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("kind", list(KINDS))
def test_many_matrices_at_once_are_each_alone(kind: str) -> None:
    many = np.stack([random_correlations(seed, 7) for seed in range(30)])
    apart = np.concatenate([share_values(kind, each[None], DIVISIONS[1]) for each in many])
    assert share_values(kind, many, DIVISIONS[1]) == pytest.approx(apart, abs=1e-13)


def test_blocks_of_the_tree_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    corr = random_correlations(8, 12)
    many, division = np.stack([corr, random_correlations(9, 12)]), Division([[i] for i in range(1, 12)], [], [])
    values, forms = share_values("lmg", many, division), share_forms("lmg", corr, division)
    monkeypatch.setattr(elimination, "_BLOCK", 100)
    assert share_values("lmg", many, division) == pytest.approx(values, abs=1e-13)
    assert share_forms("lmg", corr, division) == pytest.approx(forms, abs=1e-12)


@pytest.mark.slow
def test_twenty_equal_drivers_share_equally_and_need_little_memory() -> None:
    import tracemalloc

    corr = np.full((21, 21), 0.4)
    np.fill_diagonal(corr, 1.0)
    division = Division([[i] for i in range(1, 21)], [], [])
    tracemalloc.start()
    found = share_values("lmg", corr[None], division)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == pytest.approx(np.full(20, r2(corr, list(range(1, 21))) / 20), abs=1e-12)
    assert peak < 8e6  # 2^20 floats are 8.4 MB
