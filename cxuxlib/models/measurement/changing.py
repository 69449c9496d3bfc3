"""How much a latent path or correlation differs between two models of the same answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxuxlib.models.measurement.influence import Pull, covariance_of, pulled
from cxuxlib.models.measurement.marking import Marked, relations
from cxuxlib.models.structural.binding import bind
from cxuxlib.models.structural.fitting import Latent, blocks_of, completed, raw_of
from cxuxlib.models.structural.language import parse
from cxuxlib.models.structural.reporting import pieces
from cxuxlib.results import Fit
from cxuxlib.stats import intervals
from cxuxlib.stats.sem.moments import inverted
from cxuxlib.stats.sem.normal import curve

PAIRS = {"method": "substantive", "constrained": "baseline", "unconstrained": "baseline"}
_COLUMNS = ["model", "term", "without", "with_method", "change", "std_error", "low", "high", "p", "method"]


def changes(fits: Mapping[str, Fit | str], more: Marked | None, level: float) -> pd.DataFrame:
    """One row per model with a method factor and latent path or covariance."""
    z, rows = intervals.normal_quantile(level), []
    for model, base in PAIRS.items():
        there, here = fits.get(model), fits.get(base)
        if there is None or not isinstance(here, Fit):
            continue
        plain = raw_of(here)
        terms = [row.term for row in relations(plain, more.factor if more else "")]
        if not terms:
            continue
        without, slopes = _standard(plain, terms)
        if not isinstance(there, Fit):
            rows += [_row(model, term, value, nan, nan, z, f"not fitted: {there}")
                     for term, value in zip(terms, without, strict=True)]  # fmt: skip
            continue
        fuller = raw_of(there)
        values, turned = _standard(fuller, terms)
        how = "delta method on the moments, " + ("normal theory" if plain.estimator == "ml" else "distribution-free")
        errors = np.full(len(terms), nan)
        if not _certain(plain) or not _certain(fuller):
            how = "no error: the data cannot tell the parameters apart, or the search did not converge"
        else:
            first = fits.get("cfa")
            through = _through(fuller, turned, model, more, raw_of(first) if isinstance(first, Fit) else None)
            moved = pulled(plain.fit, slopes)[0]
            order = [fuller.table.observed.index(name) for name in plain.table.observed]
            gap = Pull(
                through.mean[:, order] - moved.mean,
                through.covariance[:, order][:, :, order] - moved.covariance,
            )
            errors = np.sqrt(np.diag(covariance_of(plain, [gap])))
        if fuller.cautions:
            how += f"; IMPROPER: {' '.join(fuller.cautions)}"
        rows += [
            _row(model, term, before, after, error, z, how)
            for term, before, after, error in zip(terms, without, values, errors, strict=True)
        ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(
    model: str, term: str, without: float, value: float, error: float, z: float, how: str
) -> tuple[str | float, ...]:
    change = value - without
    p = 2 * float(ndtr(-abs(change / error))) if error > 0 else nan
    return model, term, without, value, change, error, change - z * error, change + z * error, p, how


def _standard(found: Latent, terms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Standardised values of terms, and their derivatives."""
    part = next(each for each in pieces(found) if each.kinds and each.kinds[0] == "std_all")
    at = [part.names.index(term) for term in terms]
    return part.values[at], part.slopes[at]


def _certain(found: Latent) -> bool:
    return found.fit.solution.converged and bool(np.isfinite(found.covariance).all())


def _through(found: Latent, slopes: np.ndarray, model: str, more: Marked | None, first: Latent | None) -> Pull:
    """How the moments move quantities of a model: by its own parameters, and by those that "cfa" gave it."""
    (own,) = pulled(found.fit, slopes)
    if more is None or first is None or model not in more.texts:
        return own
    made = completed(parse(more.texts[model]), 1, found.options)
    bound = bind(made, found.groups)
    known = dict(zip(first.bound.names, first.theta, strict=True)) | dict(
        zip(found.bound.names, found.theta, strict=True)
    )
    theta = np.array([known[name] for name in bound.names])
    there = curve(bound.groups, blocks_of(found.groups, found.table.means), theta)
    assert there is not None
    assert there.observed is not None
    mine = [bound.names.index(name) for name in found.bound.names]
    given = [name for name in bound.names if name not in found.bound.names]
    across = there.observed[np.ix_(mine, [bound.names.index(name) for name in given])]
    back = np.zeros((len(slopes), len(first.theta)))
    back[:, [first.bound.names.index(name) for name in given]] = -slopes @ inverted(found.fit.observed) @ across
    (earlier,) = pulled(first.fit, back)
    order = [first.table.observed.index(name) for name in found.table.observed]
    return Pull(own.mean + earlier.mean[:, order], own.covariance + earlier.covariance[:, order][:, :, order])
