"""What shares do not tell, said where it matters: collinearity, shared items, halo, suppression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxuxlib.stats.shares import Division, share_values

_VIF = 5.0  # variance inflation from which on a share says more of a driver's neighbours than of itself
_SAME = 0.9  # correlation from which on two columns may hold the same answers
_HALO = 0.5  # mean correlation, as the first eigenvalue tells it: (λ - 1) / (p - 1), among three drivers or more
_FEW = 20  # clusters below which their sandwich is too small, and Student's t makes up for a part of it only
_CHANCE = 0.02  # of R² by chance alone that goes without saying
_MORE = 0.001  # of the outcome's variance: a smaller suppression is no more than noise


def extra(division: Division) -> np.ndarray:
    """How many columns each player has beyond one."""
    return np.array([len(player) - 1.0 for player in division.players])


def few(df: float, division: Division, by_chance: float) -> tuple[str, ...]:
    """What is to be said of few clusters, and of few answers for many columns.

    Args:
        df: clusters - 1, or infinite.
        division: who the players are.
        by_chance: what a column explains by chance.
    """
    columns = sum(len(player) for player in division.players)
    found = []
    if df + 1 < _FEW:
        found.append(
            f"Few clusters: with {df + 1:.0f} of them intervals and tests may be too sure, though Student's t is taken."
        )
    if columns * by_chance > _CHANCE:
        found.append(
            f"Few answers: by chance alone {columns} columns explain about {columns * by_chance:.2f}, which is in R² "
            "and in the shares."
        )
    return tuple(found)


def signs(corr: np.ndarray, division: Division) -> tuple[int, ...]:
    """Sign of each player's coefficients beside all others and the controls; 0 where its columns differ."""
    columns = [each for player in (*division.players, division.controls) for each in player]
    beta = np.linalg.solve(corr[np.ix_(columns, columns)], corr[columns, 0])
    sign = dict(zip(columns, np.sign(beta).astype(int).tolist(), strict=True))
    found = [{sign[each] for each in player} for player in division.players]
    return tuple(each.pop() if len(each) == 1 else 0 for each in found)


def cautions(
    corr: np.ndarray,
    names: Sequence[str],
    players: Sequence[str],
    division: Division,
    explained: tuple[np.ndarray, np.ndarray],
) -> tuple[str, ...]:
    """Sentences on what to beware of.

    Args:
        corr: correlations, the outcome first.
        names: columns, in the order of ``corr``.
        players: names of the players.
        division: who they are.
        explained: what each player explains alone, and beside the others.
    """
    drivers = [each for player in division.players for each in player]
    columns = [*drivers, *division.controls]
    said = []
    inverse = np.linalg.inv(corr[np.ix_(columns, columns)])
    inflation = inverse.diagonal()
    for column, vif in zip(drivers, inflation, strict=False):
        if vif > _VIF:
            said.append(
                f"Collinearity: the other columns explain {1 - 1 / vif:.0%} of {names[column]!r} (VIF {vif:.1f}), so "
                "that its share hangs on theirs."
            )
    pairs = [(a, b) for i, a in enumerate([0, *drivers]) for b in drivers[i:] if abs(corr[a, b]) > _SAME]
    said += [
        f"Shared items? {names[a]!r} and {names[b]!r} correlate {corr[a, b]:.2f}: they may hold the same answers, or "
        "ask the same."
        for a, b in pairs
    ]
    first = float(np.linalg.eigvalsh(corr[np.ix_(drivers, drivers)])[-1])
    if len(drivers) > 2 and (first - 1) / (len(drivers) - 1) > _HALO:
        said.append(
            f"Halo: the first eigenvalue is {first / len(drivers):.0%} of the drivers' variance; all ratings move "
            "together, and the shares divide little else than what they have in common."
        )
    if len(columns) == len(players):  # one column each, and no controls
        products = corr[columns, 0] * (inverse @ corr[columns, 0])
    else:
        products = share_values("pratt", corr[None], division)[0]
    for name, player, one, beside, product in zip(players, division.players, *explained, products, strict=True):
        if beside > one + _MORE:
            said.append(f"Suppression: {name!r} explains more beside the others ({beside:.3f}) than alone ({one:.3f}).")
        elif len(player) == 1 and product < -_MORE:
            said.append(
                f"Suppression: {name!r} changes its sign beside the others; its share is no sign of where to move it."
            )
    return tuple(said)
