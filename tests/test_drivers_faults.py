"""Faults planted in a copy of the code that divides R²: the published and the brute-force shares find each of them."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cxuxlib.stats import elimination, shares
from cxuxlib.stats.shares import Division
from tests.drivers_reference import owen_by_orders, random_correlations, shapley_by_orders, swiss

SINGLE = Division([[i] for i in range(1, 6)], [], [[0, 2], [1, 3], [4]])
JOHNSON = [0.04841689581, 0.15470824981, 0.27196410465, 0.11468002995, 0.11696572138]


def changed(module: ModuleType, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module made anew from its source, with something else in one place; `shares` on top of it."""
    found = {}
    for each in (elimination, shares):
        source = Path(str(each.__file__)).read_text(encoding="utf-8")
        if each is module:
            assert source.count(old) == 1, f"{each.__name__} no longer says {old!r} once"
            source = source.replace(old, new)
        found[each] = ModuleType(each.__name__)
        monkeypatch.setitem(sys.modules, each.__name__, found[each])
        exec(compile(source, each.__name__, "exec"), found[each].__dict__)
    return found[shares]


def right(module: ModuleType) -> bool:
    """Whether shares and their derivatives are those of definitions and publications."""
    corr = swiss().covariance
    mixed = random_correlations(1, 8)
    blocks = Division([[1, 4], [3], [6]], [2, 7], [])
    owen = owen_by_orders(corr, [[1, 3], [2, 4], [5]], [])
    pairs = [
        (module.share_values("lmg", corr[None], SINGLE)[0], shapley_by_orders(corr, SINGLE.players, [])),
        (module.share_values("lmg", mixed[None], blocks)[0], shapley_by_orders(mixed, blocks.players, [2, 7])),
        (module.share_values("owen", corr[None], SINGLE)[0], [owen[i] for i in range(1, 6)]),
        (module.share_values("johnson", corr[None], SINGLE)[0], JOHNSON),
    ]
    step = np.zeros_like(mixed)
    step[0, 3] = step[3, 0] = step[6, 1] = step[1, 6] = step[2, 4] = step[4, 2] = 1e-6
    for kind in ("lmg", "johnson", "pratt", "unique"):
        up, down = (shares.share_values(kind, (mixed + sign * step)[None], blocks)[0] for sign in (1, -1))
        slope = (module.to_gradients(module.share_forms(kind, mixed, blocks)) * step).sum(axis=(1, 2)) / 1e-6
        pairs.append((slope / 2, (up - down) / 2e-6))
    return all(np.allclose(found, expected, rtol=1e-5, atol=1e-6) for found, expected in pairs)


def test_the_code_as_it_is_passes() -> None:
    assert right(shares)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (elimination, "1 / (k * comb(k - 1, s - 1))", "1 / (k * comb(k, s))"),
        (elimination, "1 / (m * comb(m - 1, t))", "1 / m"),
        (elimination, "(m,) * len(members)", "(1,) * len(members)"),
        (elimination, "with_it = below[1, s:].sum(axis=0)", "with_it = below[1, :s].sum(axis=0)"),
        (elimination, "np.subtract(node[1:, 1:], given, out=given)", "np.add(node[1:, 1:], given, out=given)"),
        (elimination, "for slope in slopes[:0:-1]:", "for slope in slopes[1:][:0]:"),
        (elimination, "edge = -(forms", "edge = (forms"),
        (shares, "part = part - np.swapaxes(across, 1, 2)", "part = part + np.swapaxes(across, 1, 2)"),
        (shares, "residual[:, controls] = -np", "residual[:, controls] = np"),
        (shares, "root**2 @ (b**2)", "root @ (b**2)"),
        (shares, "by_root[np.arange(k), np.arange(k)] += 2", "by_root[np.arange(k), np.arange(k)] += 1"),
        (shares, "-(outer + np.swapaxes(outer, 1, 2)) / 2", "-outer / 2"),
        (shares, "b[columns] = -np", "b[columns] = np"),
    ],
)
def test_a_planted_fault_is_found(module: ModuleType, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = changed(module, old, new, monkeypatch)
    try:
        found = right(fault)
    except (ValueError, IndexError):  # shapes that no longer fit
        found = False
    assert not found
