"""Which comes first? Random-intercept and classic cross-lagged panel models of two variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, SampleError, listed
from cxuxlib.frames import Panel, panel
from cxuxlib.models.panels.averaging import averaged, intercepts
from cxuxlib.models.panels.options import PanelOptions
from cxuxlib.models.panels.writing import classic, with_intercepts
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import raw_of
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import LatentOptions
from cxuxlib.results import Fit
from cxuxlib.stats.boundary import Mixture, no_covariance

__all__ = ["cross_lagged"]

_PLAIN = PanelOptions()
_FIGURES = (
    "chi2", "df", "p", "chi2_scaled", "p_scaled", "cfi", "rmsea", "rmsea_low", "rmsea_high", "srmr",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CrossLagged:
    """The fits behind a cross-lagged panel model.

    Args:
        random_intercept: the model with random intercepts.
        classic: the model without.
        other: the model with random intercepts and the other kind of lags, free where these are equal.
        table: distinct rows of the units, in ``n`` how many each stands for.
        waves: numbers of the waves.
        against_classic: the test of random intercepts; None where it does not exist.
        cautions: what is wrong with the solution with random intercepts, in sentences.
    """

    random_intercept: Fit
    classic: Fit
    other: Fit
    table: pd.DataFrame
    waves: tuple[float, ...]
    against_classic: Mixture | None
    cautions: tuple[str, ...]


def cross_lagged(
    data: Any,
    x: str | Sequence[str],
    y: str | Sequence[str],
    *,
    unit: str,
    wave: str,
    estimator: Literal["ml", "mlr"] = "ml",
    level: float = 0.95,
    options: PanelOptions = _PLAIN,
) -> Fit:
    """Does x in a wave go before y in the next, or y before x? Within units, and by the classic model beside it.

    x(t) = mean(t) + trait_x + within_x(t), y alike; within_y(t) = x_to_y within_x(t-1) + y_to_y within_y(t-1) + e, and
    within_x(t) = y_to_x within_y(t-1) + x_to_x within_x(t-1) + e, where the e of a wave covary. The classic model has
    no traits: there whoever is high in x and y for good looks as if one drove the other. A path is standardised by the
    standard deviations within units that the model implies, x_to_y sd(within_x(t-1)) / sd(within_y(t)), and averaged
    over waves; in the classic model by those of x and y.

    Means of items carry their error of measurement into what is within units, where it weighs more than between them:
    with a reliability within units of .70 a path of .19 comes out as .15, and autoregressions of .30 leave .02 to .03
    in cross-lags that are 0. ``PanelOptions(items="latent")`` gives .20 and .00 there.

    Args:
        data: one row per unit and wave (any engine). Missing waves and answers are taken as missing at random given the
            others (full information maximum likelihood).
        x: a column, or a list of items.
        y: a column, or a list of items.
        unit: column that says whose the row is.
        wave: column of the number of the wave, 3 waves or more.
        estimator: "ml", or "mlr" for errors and tests that hold where answers are not normal.
        level: confidence level, 0 to 1.
        options: `PanelOptions`: equal lags over waves or not, means of the items or latent variables.

    Returns:
        A `Fit` whose terms are x_to_y, y_to_x, difference (x_to_y less y_to_x, standardised), x_to_x, y_to_y,
        within_correlation (of x and y of the same wave, mean over waves), ri_correlation, and ri_x, ri_y: the variance
        of the trait, and its share of the variance, mean over waves. Kinds: std (first), raw (paths, covariances,
        variances), classic_std, classic_raw. Quality has n, n_missing (units without any answer), n_waves; chi2, df, p,
        cfi, rmsea, srmr of the model with random intercepts; the same of the classic; equal_lags_chi2, _df and _p: the
        test that lags are equal; ri_chi2 and ri_p: that of no traits, whose variances cannot be negative. A negative
        variance is improper, and ``method`` and ``raw.cautions`` say so: there is no such trait, or there are too few
        waves or units to tell. ``raw`` has the fits, with the paths of each wave.

    Raises:
        SampleError: fewer than three waves, or waves that no unit answered both of.
        UnitError: a unit has several rows in a wave, or rows have no unit.
        ModelError: all answers of a wave are the same.
        ArgumentError, ColumnError, AnswerError: what is wrong with the arguments and the columns.

    Source: Hamaker, Kuiper & Grasman 2015, doi:10.1037/a0038889; Mulder & Hamaker 2021,
    doi:10.1080/10705511.2020.1784738 (several items); Stoel, Garre, Dolan & van den Wittenboer 2006,
    doi:10.1037/1082-989X.11.4.439 (no traits). Checked against: lavaan 0.6-14, and the
    coverage of simulated panels (95% to 96% of 1,000 units, a fifth of the waves missing).

    >>> rng = np.random.default_rng(3)
    >>> trait, x, y = rng.normal(size=400), [rng.normal(size=400)], [rng.normal(size=400)]
    >>> for _ in range(3):
    ...     x, y = [*x, 0.3 * x[-1] + rng.normal(size=400)], [*y, 0.3 * x[-1] + 0.2 * y[-1] + rng.normal(size=400)]
    >>> rows = pd.DataFrame({
    ...     "who": np.tile(np.arange(400), 4), "wave": np.repeat([1, 2, 3, 4], 400),
    ...     "ux": np.concatenate(x) + np.tile(trait, 4), "cx": np.concatenate(y) + np.tile(trait, 4),
    ... })
    >>> fit = cross_lagged(rows, "ux", "cx", unit="who", wave="wave")
    >>> fit.terms.loc[fit.terms["kind"] == "std", ["term", "value", "low", "high"]].round(2).head(3)
             term  value   low  high
    0      x_to_y   0.25  0.17  0.33
    1      y_to_x   0.04 -0.04  0.12
    2  difference   0.21  0.13  0.29
    """
    names = {"x": _columns("x", x), "y": _columns("y", y)}
    _check(names, unit, wave, estimator, options)
    variables, items = _variables(names, options)
    found = panel(data, variables, unit=unit, wave=wave)
    n_waves = len(found.waves)
    if n_waves < 3:
        raise SampleError(
            f"{wave!r} has {n_waves} different values ({listed(f'{each:g}' for each in found.waves)}); what lasts in a "
            "unit can be told from what changes in it by three waves or more."
        )
    _complete(found, variables)
    if options.equal_lags and not np.allclose(np.diff(found.waves), found.waves[1] - found.waves[0]):
        raise ArgumentError(
            f"The waves {listed(f'{each:g}' for each in found.waves)} are not equally far apart, so that their lags "
            "cannot be equal; number them by their order if they are, or say PanelOptions(equal_lags=False)."
        )

    def fitted(text: str) -> Fit:
        full = LatentOptions(missing="fiml")
        return latent(text, found.table, estimator=estimator, frequency="n", level=level, options=full)

    equal, free = (fitted(with_intercepts(items, n_waves, equal=each)) for each in (True, False))
    chosen, other = (equal, free) if options.equal_lags else (free, equal)
    plain = fitted(classic(items, n_waves, equal=options.equal_lags))
    method = f"{chosen.method}; standardised within units, mean over waves"
    lags = nested(equal, free).iloc[0]
    if not all(raw_of(each).fit.solution.converged for each in (equal, free)):
        lags = lags.copy()
        lags[["chi2", "p"]] = nan
        method += "; no test of equal lags, for a search did not converge"
    elif not np.isfinite(lags["p"]):
        method += f"; no test of equal lags ({lags['method']})"
    traits = _traits(plain, chosen)
    if traits is None:
        method += "; no test of the traits, for their estimates have no covariance, or a search did not converge"
    q = {"n": chosen.quality["n"], "n_missing": chosen.quality["n_missing"], "n_waves": float(n_waves)}
    q |= {name: chosen.quality[name] for name in _FIGURES if name in chosen.quality}
    q |= {f"classic_{name}": plain.quality[name] for name in _FIGURES if name in plain.quality}
    q |= {f"equal_lags_{name}": float(lags[name]) for name in ("chi2", "df", "p")}
    q |= {"ri_chi2": traits.statistic if traits else nan, "ri_p": traits.p if traits else nan}
    said = raw_of(chosen).cautions
    q["n_cautions"] = float(len(said))
    rows = [*averaged(chosen, n_waves), *averaged(plain, n_waves, "classic_")]
    raw = CrossLagged(chosen, plain, other, found.table, found.waves, traits, said)
    formula = " ~ ".join(
        " + ".join(f"{each}(t{lag})" for each in names[name]) for name, lag in (("y", ""), ("x", "-1"))
    )
    model = f"random-intercept cross-lagged panel ({estimator.upper()})"
    return Fit(model, formula, pd.DataFrame(rows), q, raw, level, method)


def _columns(what: str, given: str | Sequence[str]) -> list[str]:
    """One or more columns."""
    found = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    if not found or not all(isinstance(each, str) for each in found):
        raise ArgumentError(f"{what} is a column or a list of items; got {given!r:.80}.")
    return found


def _check(names: Mapping[str, list[str]], unit: str, wave: str, estimator: str, options: PanelOptions) -> None:
    """Refuse arguments that contradict each other."""
    if not isinstance(options, PanelOptions):
        raise ArgumentError(f"options is a PanelOptions; got {options!r:.80}.")
    if estimator not in ("ml", "mlr"):
        raise ArgumentError(f"A panel is fitted by 'ml' or 'mlr', which take missing waves; got {estimator!r}.")
    every = [*names["x"], *names["y"], unit, wave]
    twice = sorted({str(each) for each in every if every.count(each) > 1})
    if twice:
        raise ArgumentError(f"{listed(twice)} stands in more than one place; x, y, unit and wave share no column.")
    if options.items == "latent" and all(len(each) == 1 for each in names.values()):
        raise ArgumentError("Latent variables take several items; give lists of them, or leave items='mean'.")


def _variables(
    names: Mapping[str, list[str]], options: PanelOptions
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What is read: name of each variable to its columns; and what x and y are measured by."""
    if options.items == "mean":
        return dict(names), {name: [name] for name in names}
    variables: dict[str, list[str]] = {}
    items: dict[str, list[str]] = {}
    for name, columns in names.items():
        items[name] = [f"{name}{k}_" for k in range(1, len(columns) + 1)] if len(columns) > 1 else [name]
        variables |= {item: [column] for item, column in zip(items[name], columns, strict=True)}
    return variables, items


def _complete(found: Panel, variables: Mapping[str, Sequence[str]]) -> None:
    """Refuse waves in which nothing varies, and pairs of waves that no two units answered both of."""
    n = found.table["n"].to_numpy(float)
    said = {
        f"{name}{t}": f"{' and '.join(map(repr, columns))} in wave {wave:g}"
        for name, columns in variables.items()
        for t, wave in enumerate(found.waves, start=1)
    }
    x = found.table[list(said)].to_numpy(float)
    there = ~np.isnan(x)
    words = list(said.values())
    for k, each in enumerate(there.T):
        if not each.any():
            raise SampleError(f"Nobody answered {words[k]}; leave the wave out.")
        if np.ptp(x[each, k]) == 0:
            raise ModelError(f"Every answer to {words[k]} is the same; a constant goes before nothing.")
    both = (there * n[:, None]).T @ there
    if both.min() < 2:
        a, b = np.unravel_index(both.argmin(), both.shape)
        raise SampleError(
            f"Only {both.min():.0f} units answered both {words[int(a)]} and {words[int(b)]}; a panel asks the same "
            "units again."
        )


def _traits(plain: Fit, chosen: Fit) -> Mixture | None:
    """The test that there are no traits; None where their estimates have no covariance, or a search did not end."""
    if not all(raw_of(each).fit.solution.converged for each in (plain, chosen)):
        return None
    estimate, spread = intercepts(raw_of(chosen))
    statistic = float(nested(plain, chosen)["chi2"].iloc[0])
    if not (np.isfinite(spread).all() and np.isfinite(statistic) and np.linalg.eigvalsh(spread)[0] > 0):
        return None
    return no_covariance(statistic, estimate, spread)
