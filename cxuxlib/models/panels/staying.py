"""What goes with a change in the same customer: regressions with effects of units and waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import fdtrc

from cxuxlib import text
from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed, unknown
from cxuxlib.models.panels.keeping import Rows, panel_rows
from cxuxlib.models.regression.fitted import Block, block, table
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.effects import group_means, without_effects
from cxuxlib.stats.instruments import Line, least, sandwich, wald

__all__ = ["panel"]

Effects = Literal["unit and wave", "unit", "wave", "mundlak"]

_EFFECTS = ("unit and wave", "unit", "wave", "mundlak")
_NEVER = 1e-9  # of a column's standard deviation that is left by rounding
_EXACT = 1e-20  # of a sum of squares that is left by rounding
_DOUBT = 0.05  # p of the test of means below which slopes within and between units differ


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Panelled:
    """The numbers behind a panel regression.

    Args:
        names: of the coefficients; parameters: their values; covariance: of them.
        residual: of each row that was used; unit, wave: whose and when they are.
    """

    names: tuple[str, ...]
    parameters: np.ndarray
    covariance: np.ndarray
    residual: np.ndarray
    unit: np.ndarray
    wave: np.ndarray


def panel(
    formula: str,
    data: Any,
    *,
    unit: str,
    wave: str,
    effects: Effects = "unit and wave",
    level: float = 0.95,
) -> Fit:
    """What goes with what in the same customer over time, whatever lasts in customers and whatever befalls all at once?

    y_it = x_it β + a_i + b_t + e_it by least squares, with an effect a_i of each unit and b_t of each wave, exact
    also where waves are missing. "mundlak" has the means of the unit in the place of a_i,
    y_it = x_it β + mean_i(x) γ + z_i δ + b_t + e_it (and the unit's means of the waves where some are missing): β is
    the same, slopes δ of what never changes in a unit can be told, and γ = 0 says that those who differ do so as those
    who change. Errors are by unit, CR1: G/(G - 1) · (N - 1)/(N - K), where K counts waves but not units, which lie
    within clusters.

    A cause that changes with x in the same customer still misleads; so does y that moves x. Errors of measurement in x
    weigh more within customers than between them, and draw slopes towards 0. What runs with the waves in every unit,
    such as months since they came, cannot be told from them: "unit" tells its slope, with whatever befalls all at once.

    Args:
        formula: such as "cx ~ ux + service + C(plan)".
        data: one row per unit and wave (any engine); incomplete rows are left out and counted.
        unit: column that says whose the row is.
        wave: column of the wave.
        effects: "unit and wave", "unit", "wave" (between and within units in one), or "mundlak".
        level: confidence level, 0 to 1.

    Returns:
        A `Fit`. Terms of kind slope; with effects of units, of kind pooled: the same without them, the naive slope,
        which takes what lasts in customers for an effect; of "mundlak" kinds slope, mean (γ) and constant (δ). Slopes
        are in units of y by unit of x. Quality: n (units), n_rows, n_waves, n_missing (rows), n_single (rows left out,
        for their unit or wave has no other), n_absent (waves that units have no complete row in), outcome_sd (of all
        rows used), R2_within (of what is left without effects), residual_sd; of "mundlak" mundlak_F, mundlak_p.

    Raises:
        ModelError: a column that never changes within units or waves, columns that determine each other or the outcome.
        SampleError: one wave, or too few units.
        UnitError: a unit has several rows in a wave.
        ArgumentError, ColumnError, AnswerError: what is wrong with the arguments and the columns.

    Source: Mundlak 1978, doi:10.2307/1913646; Wooldridge 2019, doi:10.1016/j.jeconom.2018.12.010 (missing waves);
    Arellano 1987, doi:10.1111/j.1468-0084.1987.mp49004006.x (errors). Checked against: R's plm, and lm with dummies and
    sandwich; Grunfeld's investments.

    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> who, when = np.repeat(np.arange(300), 4), np.tile(np.arange(4), 300)
    >>> fond = np.repeat(rng.normal(size=300), 4)
    >>> ux = fond + rng.normal(size=1200)
    >>> cx = fond + 0.3 * ux + 0.2 * when + rng.normal(size=1200)
    >>> rows = pd.DataFrame({"who": who, "wave": when, "ux": ux, "cx": cx})
    >>> panel("cx ~ ux", rows, unit="who", wave="wave").terms[["term", "kind", "value", "low", "high"]].round(2)
      term    kind  value   low  high
    0   ux   slope   0.33  0.27  0.38
    1   ux  pooled   0.77  0.71  0.82
    """
    intervals.check_level(level)
    if effects not in _EFFECTS:
        raise ArgumentError(unknown("effects", effects, _EFFECTS))
    everything = panel_rows(formula, data, unit, wave)
    _enough(everything, unit, wave)
    rows = everything if effects == "mundlak" else _several(everything, effects)
    _enough(rows, unit, wave)
    units, waves = int(rows.unit.max()) + 1, int(rows.wave.max()) + 1
    if not np.ptp(rows.y) > 0:
        raise ModelError(f"All answers in {rows.plan.outcome!r} are the same; there is nothing to explain.")
    quality = {
        "n": float(units), "n_rows": float(len(rows.y)), "n_waves": float(waves),
        "n_missing": float(rows.n_missing), "n_single": float(len(everything.y) - len(rows.y)),
        "n_absent": float(units * waves - len(rows.y)), "outcome_sd": float(rows.y.std(ddof=1)),
    }  # fmt: skip
    half = intervals.half_width(level, units - 1)
    said = ["least squares", "errors by unit (CR1)", f"t with {units - 1:,} df"]
    if effects == "mundlak":
        blocks, found, more = _mundlak(rows, half)
        said.insert(1, "means of units beside what changes, effects of waves")
        if more.get("mundlak_p", 1.0) < _DOUBT:
            said.append(
                f"those who differ do not differ as those who change ({text.p_value(more['mundlak_p'])}): slopes "
                "without effects of units would mix both"
            )
    else:
        by_unit, by_wave = "unit" in effects, "wave" in effects
        found, r2 = _fitted(rows, by_unit, by_wave, effects)
        blocks = [_block(rows.names, "slope", found, half, units)]
        if by_unit:
            blocks.append(_block(rows.names, "pooled", _fitted(rows, False, by_wave, effects)[0], half, units))
        more = {"R2_within": r2}
        said.insert(1, f"effects of {effects.replace(' and ', 's and ')}s")
    n, k = len(rows.y), len(found.parameters)
    more["residual_sd"] = float(
        np.sqrt((found.residual**2).sum() / max(n - k - (units if "unit" in effects else 1), 1))
    )
    return Fit("panel", formula, table(*blocks), quality | more, found, level, "; ".join(said))


def _enough(rows: Rows, unit: str, wave: str) -> None:
    """Refuse one wave, and one unit."""
    if not rows.wave.max() > 0:
        raise SampleError(f"There is one wave of complete rows in {wave!r}; what changes takes two or more.")
    if not rows.unit.max() > 0:
        raise SampleError(f"There is one unit in {unit!r}; errors by unit need more.")


def _several(rows: Rows, effects: str) -> Rows:
    """Rows whose unit, and wave, has another row; one alone is its own effect and tells nothing."""
    while True:
        keep = np.ones(len(rows.y), dtype=bool)
        for name, code in (("unit", rows.unit), ("wave", rows.wave)):
            if name in effects:
                keep &= np.bincount(code)[code] > 1
        if keep.all():
            return rows
        if not keep.any():
            raise SampleError("No unit has two complete rows; effects of units take customers who are asked again.")
        rows = rows.take(keep)


def _fitted(rows: Rows, by_unit: bool, by_wave: bool, effects: str) -> tuple[Panelled, float]:
    """Least squares on what is left without effects, and the share of it that is explained."""
    unit, wave = rows.unit if by_unit else None, rows.wave if by_wave else None
    x, scale = _scaled(rows)
    left = without_effects(np.column_stack([rows.y - rows.y.mean(), x]), unit, wave)
    y, x = left.columns[:, 0], left.columns[:, 1:]
    lost = x.std(axis=0) <= _NEVER
    if lost.any():
        raise _lost(rows, lost, by_unit, effects)
    line = _least(x, y, rows)
    spread = _spread(x, line, rows, x.shape[1] + left.waves + 1)
    total = float((y**2).sum())
    if (line.residual**2).sum() <= _EXACT * max(total, 1e-300):
        raise ModelError(f"The columns determine {rows.plan.outcome!r} exactly: is it made of them?")
    found = Panelled(rows.names, line.at / scale, spread / np.outer(scale, scale), line.residual, rows.unit, rows.wave)
    return found, 1 - float((line.residual**2).sum()) / total


def _lost(rows: Rows, lost: np.ndarray, by_unit: bool, effects: str) -> ModelError:
    """What effects leave nothing of, and which others would."""
    names = [name for name, each in zip(rows.names, lost, strict=True) if each]
    x = _scaled(rows)[0][:, lost]
    lasts = (x - group_means(x, rows.unit)).std(axis=0) <= _NEVER
    said = f"Without effects of {effects}s nothing is left of {listed(names)}"
    if by_unit and lasts.any():
        said += "; effects='mundlak' tells the slope of what never changes in a unit"
    if effects == "unit and wave" and not lasts.all():
        said += "; effects='unit' tells the slope of what runs with the waves, with whatever befalls all at once"
    return ModelError(f"{said}.")


def _mundlak(rows: Rows, half: float) -> tuple[list[Block], Panelled, dict[str, float]]:
    """What changes, means of units, and what never changes, beside waves (and the unit's share of each wave)."""
    x, scale = _scaled(rows)
    means = group_means(x, rows.unit)
    changes = (x - means).std(axis=0) > _NEVER
    if not changes.any():
        raise ModelError(
            f"Nothing of {listed(rows.names)} changes in any unit; a panel tells nothing more than a year."
        )
    between = changes & (means.std(axis=0) > _NEVER)
    columns = [x[:, changes], means[:, between], x[:, ~changes]]
    shares = group_means(np.eye(int(rows.wave.max()) + 1)[rows.wave], rows.unit)
    left = without_effects(np.column_stack([rows.y - rows.y.mean(), *columns, shares]), None, rows.wave)
    p = sum(each.shape[1] for each in columns)
    own, lasting = left.columns[:, : p + 1], left.columns[:, p + 1 :]
    u, s, _ = np.linalg.svd(lasting, full_matrices=False)
    basis = u[:, s > _NEVER * np.sqrt(len(u))]
    own = own - basis @ (basis.T @ own)
    names = [name for name, each in zip(rows.names, changes, strict=True) if each]
    middle = [name for name, each in zip(rows.names, between, strict=True) if each]
    constant = [name for name, each in zip(rows.names, changes, strict=True) if not each]
    lost = own[:, 1:].std(axis=0) <= _NEVER
    if lost.any():
        gone = [name for name, each in zip([*names, *middle, *constant], lost, strict=True) if each]
        raise ModelError(f"Beside effects of waves nothing is left of {listed(gone)}.")
    line = _least(own[:, 1:], own[:, 0], rows)
    spread = _spread(own[:, 1:], line, rows, p + left.waves + 1 + basis.shape[1])
    back = 1 / np.concatenate([scale[changes], scale[between], scale[~changes]])
    every = (*names, *middle, *constant)
    found = Panelled(every, line.at * back, spread * np.outer(back, back), line.residual, rows.unit, rows.wave)
    kinds = ["slope"] * len(names) + ["mean"] * len(middle) + ["constant"] * len(constant)
    units = int(rows.unit.max()) + 1
    error = np.sqrt(np.diag(found.covariance))
    made = block(every, kinds, found.parameters, error, half, units - 1)
    if not middle:
        return [made], found, {}
    at = slice(len(names), len(names) + len(middle))
    f = wald(line.at[at], spread[at, at])
    return [made], found, {"mundlak_F": f, "mundlak_p": float(fdtrc(len(middle), units - 1, f))}


def _scaled(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Columns less their means over their standard deviations, and these."""
    scale = rows.x.std(axis=0)
    constant = [name for name, each in zip(rows.names, scale, strict=True) if not each > 0]
    if constant:
        raise ModelError(f"Every complete row has the same value in {listed(constant)}; its effect cannot be told.")
    return (rows.x - rows.x.mean(axis=0)) / scale, scale


def _least(x: np.ndarray, y: np.ndarray, rows: Rows) -> Line:
    if int(rows.unit.max()) + 1 <= x.shape[1]:
        raise SampleError(f"{int(rows.unit.max()) + 1} units for {x.shape[1]} slopes; errors by unit need more units.")
    try:
        return least(x, y)
    except ModelError as wrong:
        raise ModelError(f"Of {listed(rows.names)}, beside effects, {wrong}; leave at least one out.") from wrong


def _spread(x: np.ndarray, line: Line, rows: Rows, parameters: int) -> np.ndarray:
    """Covariance by unit, CR1."""
    n, g = len(rows.y), int(rows.unit.max()) + 1
    if n <= parameters:
        raise SampleError(f"{n:,} complete rows for {parameters} parameters; more rows than parameters are needed.")
    correction = g / (g - 1) * (n - 1) / (n - parameters)
    return sandwich(x * line.residual[:, None], line.bread, rows.unit, correction)


def _block(names: tuple[str, ...], kind: str, found: Panelled, half: float, units: int) -> Block:
    return block(names, kind, found.parameters, np.sqrt(np.diag(found.covariance)), half, units - 1)
