"""Do the same people answer the same questions in the same way later? Measurement invariance over waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, SampleError, listed
from cxuxlib.frames import panel
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.invariant import STEPS, step_row
from cxuxlib.models.structural.options import Estimator, LatentOptions, check_options
from cxuxlib.results import Fit

__all__ = ["wave_invariance"]

_LEAST = 2  # items of a facet
_PLAIN = LatentOptions(missing="fiml")


def wave_invariance(
    facets: Mapping[str, Sequence[str]],
    data: Any,
    *,
    unit: str,
    wave: str,
    estimator: Estimator = "ml",
    options: LatentOptions = _PLAIN,
) -> pd.DataFrame:
    """Fit the same facets at every wave under ever more equalities between the waves, and test each step.

    The same units answer at every wave, so the waves are no groups: one model holds all of them, in which every facet
    is a factor of its own at each wave, factors covary, and so do the errors of an item with its errors at other waves.
    Configural: the same items measure the same facets. Metric: loadings are equal over waves. Scalar: intercepts too,
    with the means of the facets free after the first wave. Strict: error variances too. Only from the scalar step on
    does a change of the mean answer speak of a change of the facet.

    Args:
        facets: name of each facet to its items, two or more.
        data: one row per unit and wave (any engine).
        unit: column that says whose the row is.
        wave: column of the number of the wave.
        estimator: "ml" or "mlr", which scales the tests.
        options: `LatentOptions`; ``missing`` "fiml" (here the default: units count with the waves they have) or
            "listwise".

    Returns:
        One row per step: step, chi2, df, p, cfi, rmsea, srmr, difference_chi2, difference_df, difference_p, delta_cfi,
        rmsea_difference, rmsea_difference_low, rmsea_difference_high, n, n_missing, n_cautions, method. The first step
        has no difference (NaN).

    Raises:
        ArgumentError: facets without items, an item in two of them, equalities among the options. SampleError: one
            wave. UnitError: a unit twice in a wave. Else what `latent` raises.

    Source: Vandenberg & Lance 2000, doi:10.1177/109442810031002; Widaman, Ferrer & Conger 2010,
    doi:10.1111/j.1750-8606.2009.00110.x (waves). Checked against: lavaan.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(300, 1))
    >>> waves = [0.6 * trait + 0.5 * rng.normal(size=(300, 1)) + 0.5 * rng.normal(size=(300, 3)) for _ in range(2)]
    >>> rows = pd.DataFrame(np.vstack(waves), columns=["u1", "u2", "u3"])
    >>> rows = rows.assign(who=[*range(300)] * 2, wave=[1] * 300 + [2] * 300)
    >>> rows.loc[rows["wave"] == 2, "u3"] += 0.4  # at the second wave this question is answered more kindly
    >>> found = wave_invariance({"UX": ["u1", "u2", "u3"]}, rows, unit="who", wave="wave")
    >>> dict(zip(found["step"], found["difference_p"] < 0.05))
    {'configural': False, 'metric': False, 'scalar': True, 'strict': False}
    """
    items = _items(facets)
    check_options(options)
    if options.equal or options.partial:
        raise ArgumentError("The steps say what is equal over waves; leave options.equal and options.partial empty.")
    if estimator not in ("ml", "mlr"):
        raise ArgumentError(f"estimator is 'ml' or 'mlr' here; got {estimator!r}.")
    plain = {item: f"i{k}_" for k, item in enumerate(items)}
    found = panel(data, {name: [item] for item, name in plain.items()}, unit=unit, wave=wave)
    if len(found.waves) < _LEAST:
        raise SampleError(f"Invariance over waves takes two or more; {wave!r} has {listed(found.waves)}.")
    blocks = [[plain[item] for item in each] for each in facets.values()]
    rows: list[dict[str, object]] = []
    before: Fit | None = None
    for step, equal in STEPS.items():
        syntax = _syntax(blocks, len(found.waves), equal)
        fit = latent(syntax, found.table, estimator=estimator, frequency="n", options=options)
        rows.append(step_row(step, fit, before))
        before = fit
    return pd.DataFrame(rows)


def _items(facets: Mapping[str, Sequence[str]]) -> list[str]:
    """The items of all facets, each in one of them."""
    if not isinstance(facets, Mapping) or not facets:
        raise ArgumentError('facets maps names to items, such as {"UX": ["easy", "fast", "clear"]}.')
    found: list[str] = []
    for name, each in facets.items():
        if isinstance(each, str) or len(each) < _LEAST:
            raise ArgumentError(f"Facet {name!r} needs a list of two or more items; got {each!r}.")
        found += each
    again = sorted({each for each in found if found.count(each) > 1})
    if again:
        raise ArgumentError(f"{listed(again)} stands in more than one place among the facets.")
    return found


def _syntax(blocks: Sequence[Sequence[str]], waves: int, equal: Sequence[str]) -> str:
    """All waves as one model; a label that waves share makes a parameter equal."""
    lines = []
    for f, items in enumerate(blocks):
        for t in range(1, waves + 1):
            loadings = [
                f"l_{item}*{item}{t}" if "loadings" in equal and k else f"{item}{t}" for k, item in enumerate(items)
            ]
            lines.append(f"f{f}_{t} =~ {' + '.join(loadings)}")
            for item in items:
                lines.append(f"{item}{t} ~ m_{item}*1" if "intercepts" in equal else f"{item}{t} ~ 1")
                if "residuals" in equal:
                    lines.append(f"{item}{t} ~~ e_{item}*{item}{t}")
                lines += [f"{item}{t} ~~ {item}{later}" for later in range(t + 1, waves + 1)]
            if "intercepts" in equal and t > 1:
                lines.append(f"f{f}_{t} ~ 1")
    return "\n".join(lines)
