"""Cross-lagged panel models as texts of the model language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

PATHS = {"x_to_y": ("y", "x"), "y_to_x": ("x", "y"), "x_to_x": ("x", "x"), "y_to_y": ("y", "y")}  # (effect, cause)


def classic(items: Mapping[str, Sequence[str]], waves: int, *, equal: bool) -> str:
    """The model without random intercepts, in which a unit's level is like any other deviation.

    Args:
        items: of "x" and "y" the names of the columns, without the number of the wave; one: the variable itself.
        waves: how many waves.
        equal: whether lags are equal over waves.
    """
    lines, state = [], {name: f"{name}" if len(each) == 1 else f"state_{name}" for name, each in items.items()}
    for name, each in items.items():
        if len(each) > 1:
            lines += [f"{state[name]}{t} =~ {' + '.join(_loaded(name, each, t))}" for t in range(1, waves + 1)]
            lines += _own(name, each, waves)
    return "\n".join([*lines, *_lagged(state, waves, equal=equal), f"{state['x']}1 ~~ {state['y']}1"])


def with_intercepts(items: Mapping[str, Sequence[str]], waves: int, *, equal: bool) -> str:
    """The model with random intercepts: what lasts in a unit stands apart from what varies around it.

    Args:
        items: of "x" and "y" the names of the columns, without the number of the wave; one: the variable itself.
        waves: how many waves.
        equal: whether lags are equal over waves.
    """
    lines, state = [], {name: f"within_{name}" for name in items}
    for name, each in items.items():
        everything = []
        for t in range(1, waves + 1):
            loaded = _loaded(name, each, t)
            everything += loaded
            lines.append(f"{state[name]}{t} =~ {' + '.join(loaded)}")
            if len(each) == 1:
                lines.append(f"{each[0]}{t} ~~ 0*{each[0]}{t}")
        lines.append(f"trait_{name} =~ {' + '.join(everything)}")
        lines += _own(name, each, waves) if len(each) > 1 else []
    lines += _lagged(state, waves, equal=equal)
    lines += [f"{state['x']}1 ~~ {state['y']}1", "trait_x ~~ trait_y"]
    return "\n".join([*lines, *(f"trait_{a} ~~ 0*{state[b]}1" for a in items for b in items)])


def _loaded(name: str, items: Sequence[str], t: int) -> list[str]:
    """The items of a wave; loadings are equal over waves, the first is 1."""
    return [f"{'1' if k == 0 else f'loading_{name}{k}'}*{item}{t}" for k, item in enumerate(items)]


def _own(name: str, items: Sequence[str], waves: int) -> list[str]:
    """What each item keeps of its own: its residuals covary alike between all waves."""
    return [
        f"{item}{s} ~~ own_{name}{k}*{item}{t}"
        for k, item in enumerate(items)
        for s, t in combinations(range(1, waves + 1), 2)
    ]


def _lagged(state: Mapping[str, str], waves: int, *, equal: bool) -> list[str]:
    """Paths from each wave to the next, and what is left covarying within a wave."""
    lines = []
    for t in range(2, waves + 1):
        for label, (effect, cause) in PATHS.items():
            lines.append(f"{state[effect]}{t} ~ {label}{'' if equal else t}*{state[cause]}{t - 1}")
        lines.append(f"{state['x']}{t} ~~ {state['y']}{t}")
    return lines
