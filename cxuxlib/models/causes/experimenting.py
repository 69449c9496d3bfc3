"""Experiments: what an arm does to those who were given it, whether or not they used it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxuxlib import text
from cxuxlib.errors import AnswerError, ArgumentError, ModelError, SampleError, UnitError, listed, unknown
from cxuxlib.models.causes.options import ExperimentOptions
from cxuxlib.models.causes.reading import names, read, refuse_missing
from cxuxlib.models.regression.fitted import p_values
from cxuxlib.results import Fit
from cxuxlib.stats import arms as sides_of
from cxuxlib.stats import intervals
from cxuxlib.stats.anytime import anytime_half_width, anytime_p
from cxuxlib.stats.arms import Contrast, against, homogeneous, sample_ratio
from cxuxlib.stats.multiplicity import holm

__all__ = ["experiment"]

_PLAIN = ExperimentOptions()
_MISMATCH = 0.001  # p of the sample ratio below which the arms are not what was randomised
_LOST = 0.01  # p below which arms lose outcomes unalike


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """The numbers behind an experiment.

    Args:
        units: one row per unit with its arm, sums and covariates.
        contrasts: of each arm, and of each arm in a segment, its contrast with the control.
        cautions: what speaks against believing the effects, in sentences.
    """

    units: pd.DataFrame
    contrasts: dict[tuple[Any, ...], Contrast]
    cautions: tuple[str, ...]


def experiment(
    data: Any,
    outcome: str,
    arm: str,
    *,
    control: Any,
    unit: str | EllipsisType | None = ...,
    adjust: Sequence[str] = (),
    level: float = 0.95,
    options: ExperimentOptions = _PLAIN,
) -> Fit:
    """What does it do to be given the new design? Intention to treat, adjusted by what was known before.

    Each arm's outcome is regressed on the columns of ``adjust`` less their means (interactions of arm and covariates,
    CUPED with several covariates), with HC2 errors of units; where rows repeat a unit, or with a denominator, outcomes
    are linearised by the delta method and units are what is drawn. The effect is that in the population that the units
    come from: where covariates change the effect, their means are counted as drawn too.

    Args:
        data: rows of any engine, with all units that were randomised, also those who never used what they were given.
        outcome: column of numbers; units without an outcome are left out and counted, by arm.
        arm: column of the arm a unit was given (not what it used).
        control: the arm that the others are compared with.
        unit: column of what was randomised (customer, shop); None: rows are units; left out, frames that repeat an id
            are refused.
        adjust: columns measured before the experiment; missing ones take the mean and are counted.
        level: confidence level, 0 to 1.
        options: `ExperimentOptions`: ratio metrics, segments declared beforehand, shares of the arms, planned size.

    Returns:
        A `Fit`. Terms are the arms, each of kind effect (in units of the outcome, adjusted), sd (the same in standard
        deviations of the control's units), unadjusted; with ``planned`` also anytime (interval and p hold at every
        look); with segments, terms such as "new | phone=ios" of kind segment, whose p are Holm's over all segments.
        Quality has n, n_missing, n_rows, n_filled, n by arm, variance_left (of the adjusted effect's variance, of the
        first arm), sample_ratio_chi2 and sample_ratio_p, missing_p (whether arms lose outcomes alike), and by segment
        column unlike_chi2 and unlike_p (whether effects differ, Holm's over columns and arms). ``method`` carries the
        cautions.

    Raises:
        SampleError: one arm, or an arm or a segment of too few units.
        UnitError: a unit is in two arms or segments, or rows repeat an id.
        ModelError: covariates determine each other.
        ArgumentError, ColumnError, AnswerError: what is wrong with the arguments and the columns.

    Source: Lin 2013, doi:10.1214/12-AOAS583; Deng et al. 2013, doi:10.1145/2433396.2433413 (CUPED); Deng, Knoblich & Lu
    2018, doi:10.1145/3219819.3219919 (ratios); Waudby-Smith et al. 2024, doi:10.1214/24-AOS2408 (any time); Fabijan et
    al. 2019, doi:10.1145/3292500.3330722 (sample ratio). Checked against: R's lm and sandwich (HC2), coverage by
    simulation, also of all looks.

    >>> rng = np.random.default_rng(2)
    >>> before = rng.normal(size=2000)
    >>> frame = pd.DataFrame({"design": np.tile(["old", "new"], 1000), "before": before})
    >>> frame["rating"] = 5 + before + 0.3 * (frame["design"] == "new") + rng.normal(scale=0.5, size=2000)
    >>> fit = experiment(frame, "rating", "design", control="old", adjust=["before"])
    >>> fit.terms[["term", "kind", "value", "low", "high"]].round(2)
      term        kind  value   low  high
    0  new      effect   0.31  0.26  0.35
    1  new          sd   0.27  0.23  0.31
    2  new  unadjusted   0.32  0.22  0.42
    """
    intervals.check_level(level)
    if not isinstance(options, ExperimentOptions):
        raise ArgumentError(f"options are ExperimentOptions; got {type(options).__name__}.")
    covariates, segments = names("adjust", adjust), names("segments", options.segments)
    numbers = [outcome, *([options.denominator] if options.denominator else []), *covariates]
    rows = read(data, numbers, [arm, *segments], unit=unit)
    refuse_missing(rows, arm, "find out what they were given: an experiment is judged with all who were randomised.")
    units, lost = _units(rows, outcome, arm, unit, covariates, options)
    arms = list(dict.fromkeys(units["arm"]))
    if control not in arms:
        raise ArgumentError(unknown("arm", control, arms))
    if len(arms) < 2:
        raise SampleError(f"All units are in arm {control!r}; an experiment compares at least two.")
    arms = [control, *sorted((each for each in arms if each != control), key=str)]
    present = units[~lost].reset_index(drop=True)
    quality, cautions = _checks(units["arm"].to_numpy(), lost.to_numpy(), arms, options)
    quality = {"n": len(present), "n_missing": int(lost.sum()), "n_rows": len(rows)} | quality
    filled = present[[f"x{i}" for i in range(len(covariates))]].isna()
    if covariates:
        quality["n_filled"] = int(filled.any(axis=1).sum())
    for i, name in enumerate(covariates):
        if filled[f"x{i}"].all():
            raise SampleError(f"Column {name!r} is missing in all units, so it can adjust nothing.")
        present[f"x{i}"] = present[f"x{i}"].fillna(present[f"x{i}"].mean())
    contrasts: dict[tuple[Any, ...], Contrast] = {}
    parts = []
    for each in arms[1:]:
        found = contrasts[(each,)] = _contrast(present, each, control, len(covariates), f"arm {each!r}")
        plain = _contrast(present, each, control, 0, f"arm {each!r}")
        parts += [_row(each, "effect", found.effect, found.std_error, found.df, level)]
        parts += [_row(each, "sd", found.sd_effect, found.sd_error, found.df, level)]
        parts += [_row(each, "unadjusted", plain.effect, plain.std_error, plain.df, level)]
        if options.planned is not None:
            m = int(present["arm"].isin([each, control]).sum())
            half = anytime_half_width(m, options.planned, level) * found.std_error
            p = anytime_p(found.effect / found.std_error, m, options.planned, level)
            ends = {"low": found.effect - half, "high": found.effect + half, "p": p}
            parts.append(_row(each, "anytime", found.effect, found.std_error, inf, level) | ends)
        quality.setdefault("variance_left", (found.std_error / plain.std_error) ** 2)
    inside, unlike = _segments(present, arms, segments, len(covariates), contrasts, level)
    terms = pd.DataFrame([*parts, *inside])
    said = ["intention to treat", f"adjusted by {listed(covariates)} with interactions" if covariates else "unadjusted"]
    said.append("HC2 errors of units" if not (isinstance(unit, str) or options.denominator) else "delta method, HC2")
    if options.planned is not None:
        said.append(f"anytime: normal mixture, narrowest at {options.planned:,} units")
    if segments:
        said.append("p of segments by Holm, their intervals one by one")
    told = "; ".join([*said, *(f"IMPROPER: {each}" for each in cautions)])
    above = f"{outcome} / {options.denominator}" if options.denominator else outcome
    formula = f"{above} ~ {arm}" + "".join(f" + {name}" for name in covariates)
    raw = Experiment(present, contrasts, tuple(cautions))
    return Fit("experiment", formula, terms, quality | unlike, raw, level, told)


def _row(term: str, kind: str, value: float, error: float, df: float, level: float) -> dict[str, Any]:
    half = intervals.half_width(level, df) * error
    p = float(p_values(np.array([value / error]), df)[0])
    ends = {"low": value - half, "high": value + half, "p": p}
    return {"term": str(term), "kind": kind, "value": value, "std_error": error} | ends


def _units(
    rows: pd.DataFrame, outcome: str, arm: str, unit: Any, covariates: Sequence[str], options: ExperimentOptions
) -> tuple[pd.DataFrame, pd.Series]:
    """One row per unit: arm, sums y and d, means of covariates, segments; and which units have no outcome."""
    below = options.denominator
    d = rows[below] if below else pd.Series(1.0, rows.index)
    gone = rows[outcome].isna() | d.isna()
    if (d < 0).any():
        raise AnswerError(f"Column {below!r} is below a ratio and has negative values.")
    table = pd.DataFrame({"arm": rows[arm], "y": rows[outcome].mask(gone), "d": d.mask(gone)})
    for i, name in enumerate(covariates):
        table[f"x{i}"] = rows[name]
    for i, name in enumerate(options.segments):
        table[f"s{i}"] = rows[name]
    if not isinstance(unit, str):
        return table, gone
    groups = table.groupby(rows[unit].to_numpy(), sort=False)
    keys = ["arm", *(f"s{i}" for i in range(len(options.segments)))]
    several = groups[keys].nunique(dropna=False)
    for key, name in zip(keys, [arm, *options.segments], strict=True):
        if many := int((several[key] > 1).sum()):
            raise UnitError(f"{many:,} units have several values of {name!r}; each {unit!r} has one.")
    made = groups[keys].first() if len(keys) == 1 else groups[keys].nth(0).set_axis(several.index)
    made[["y", "d"]] = groups[["y", "d"]].sum(min_count=1)
    for i in range(len(covariates)):
        made[f"x{i}"] = groups[f"x{i}"].mean()
    return made.reset_index(drop=True), made["y"].isna().reset_index(drop=True)


def _checks(
    of: np.ndarray, lost: np.ndarray, arms: list[Any], options: ExperimentOptions
) -> tuple[dict[str, float], list[str]]:
    """Sizes of the arms, whether they are what was randomised, and whether outcomes are missing alike."""
    counts = np.array([(of == each).sum() for each in arms], dtype=float)
    shares = options.shares or dict.fromkeys(arms, 1.0)
    if set(shares) != set(arms):
        raise ArgumentError(f"shares tells of {listed(shares)}; the arms are {listed(arms)}.")
    planned = np.array([shares[each] for each in arms], dtype=float)
    chi2, p = sample_ratio(counts, planned)
    quality: dict[str, float] = {f"n_{each}": float(n) for each, n in zip(arms, counts, strict=True)}
    quality |= {"sample_ratio_chi2": chi2, "sample_ratio_p": p}
    cautions = []
    if p < _MISMATCH:
        whose = "planned" if options.shares else "equal"
        cautions.append(
            f"the arms have {', '.join(f'{n:,.0f}' for n in counts)} units, not their {whose} shares "
            f"({text.p_value(p)}): find out who is missing before the effect is believed"
        )
    if lost.any():
        away = np.array([lost[of == each].sum() for each in arms], dtype=float)
        expected = counts * away.sum() / counts.sum()
        part = ((away - expected) ** 2 / expected + (away - expected) ** 2 / (counts - expected + 1e-300)).sum()
        quality["missing_p"] = float(chdtrc(len(arms) - 1, part))
        if quality["missing_p"] < _LOST:
            cautions.append(
                f"outcomes are missing in {', '.join(f'{100 * a / n:.1f}%' for a, n in zip(away, counts, strict=True))}"
                " of the arms: who answers depends on the arm, and those compared are no longer alike"
            )
    return quality, cautions


def _contrast(units: pd.DataFrame, one: Any, control: Any, p: int, where: str) -> Contrast:
    """An arm against the control, with the first p covariates."""
    sides = [units[units["arm"] == each] for each in (one, control)]
    for side, name in zip(sides, (one, control), strict=True):
        if len(side) <= p + 1:
            raise SampleError(f"In {where}: {len(side)} units with an outcome in {name!r} for {p + 1} parameters.")
        if not side["d"].sum() > 0:
            raise SampleError(f"In {where}: the denominators of {name!r} are all 0.")
    x = [side[[f"x{i}" for i in range(p)]].to_numpy(dtype=float) for side in sides]
    mean = np.concatenate(x).mean(axis=0)
    x = [each - mean for each in x]
    try:
        made = [
            sides_of.arm(side["y"].to_numpy(), side["d"].to_numpy(), each) for side, each in zip(sides, x, strict=True)
        ]
        return against(made[0], made[1], x[0], x[1])
    except (ModelError, SampleError) as error:
        raise type(error)(f"In {where}: {error}.") from error


def _segments(
    units: pd.DataFrame, arms: list[Any], segments: Sequence[str], p: int,
    contrasts: dict[tuple[Any, ...], Contrast], level: float,
) -> tuple[list[dict[str, Any]], dict[str, float]]:  # fmt: skip
    """Effects in segments, whether they differ, and how many units name no segment."""
    found, unlike, without = [], {}, {}
    for i, name in enumerate(segments):
        key = units[f"s{i}"]
        if n := int(key.isna().sum()):
            without[f"n_without_{name}"] = float(n)
        values = sorted(key.dropna().unique(), key=str)
        if len(values) < 2:
            raise SampleError(f"All units are of one {name!r}; segments are two or more.")
        for each in arms[1:]:
            own = []
            for value in values:
                label = f"{each} | {name}={value}"
                made = contrasts[(each, name, value)] = _contrast(units[key == value], each, arms[0], p, label)
                found.append(_row(label, "segment", made.effect, made.std_error, made.df, level))
                own.append(made)
            suffix = name if len(arms) == 2 else f"{name}_{each}"
            unlike[suffix] = homogeneous(np.array([m.effect for m in own]), np.array([m.std_error for m in own]))
    for row, p_holm in zip(found, holm([row["p"] for row in found]), strict=True):
        row["p"] = float(p_holm)
    adjusted = holm([p_plain for _, p_plain in unlike.values()])
    figures = without
    for (suffix, (chi2, _)), p_holm in zip(unlike.items(), adjusted, strict=True):
        figures |= {f"unlike_chi2_{suffix}": chi2, f"unlike_p_{suffix}": float(p_holm)}
    return found, figures
