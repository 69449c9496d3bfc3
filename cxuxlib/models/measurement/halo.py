"""What one questionnaire adds to everything it asks: models with a method factor beside those without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import nan
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxuxlib import text
from cxuxlib.errors import ArgumentError, CxuxError, ModelError, listed
from cxuxlib.models.measurement.changing import changes
from cxuxlib.models.measurement.marking import MARKED, Marked, free_name, marked
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import Estimator
from cxuxlib.models.structural.shapes import quoted
from cxuxlib.results import Fit
from cxuxlib.stats import correlations, intervals

__all__ = ["MethodFactors", "method_factors"]

METHOD, SUBSTANTIVE = "method", "substantive"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MethodFactors:
    """What method factors change in a latent model.

    Args:
        models: one row per model: model, chi2, df, p, cfi, rmsea, srmr, against (the model it is tested with, of which
            one is a special case of the other), difference_chi2, difference_df, difference_p, share (mean share of the
            items' variance that the method factor explains), n, n_missing, method. A model that cannot be fitted has
            NaN, and ``method`` says why.
        changes: one row per model with a method factor and path or covariance of latent variables (or loading of a
            factor on a factor): model, term, without and with_method (both standardised), change, std_error, low, high,
            p, method.
        first_share: share of the first eigenvalue in the correlations of the items. It tells how much hangs together,
            for whatever reason: Harman's test of one factor does not tell method from substance.
        fits: the fits, by model.
        level: confidence level, 0 to 1.
    """

    models: pd.DataFrame
    changes: pd.DataFrame
    first_share: float
    fits: Mapping[str, Fit]
    level: float

    def __repr__(self) -> str:
        said = f"The first eigenvalue holds {text.number(100 * self.first_share, 0)}% of the items' correlations"
        if self.changes.empty:
            return f"{said}; no latent path or correlation that a method factor could change"
        here = self.changes.loc[self.changes["change"].abs().fillna(-1.0).idxmax()]
        if np.isnan(here["change"]):
            return f"{said}; no model with a method factor could be fitted"
        places = text.decimals(here["low"], here["high"])
        return (
            f"{said}; the largest change is of {here['term']} under {here['model']!r}, from "
            f"{text.number(here['without'], places)} to {text.number(here['with_method'], places)}, by "
            f"{text.number(here['change'], places)} {text.interval(here['low'], here['high'], places)} "
            f"({text.percent(self.level)} CI; {here['method']})"
        )

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(repr(self))}</p>"]
        for table in (self.models, self.changes):
            shown = table.copy()
            for name in shown.select_dtypes("number").columns:
                shown[name] = [text.number(float(each), 4) for each in shown[name]]
            parts.append(shown.to_html(index=False, border=0))
        return "".join(parts)


def method_factors(
    syntax: str,
    data: Any,
    *,
    markers: Sequence[str] = (),
    loadings: Literal["equal", "free"] = "equal",
    estimator: Estimator = "ml",
    frequency: str | None = None,
    level: float = 0.95,
) -> MethodFactors:
    """Fit a latent model with and without a factor that all its items share, and tell what that changes.

    The model "method" has one more factor, on all items and uncorrelated with all others. Its loadings are equal by
    default: with free ones it is a bifactor model, in which what the traits share counts as method and which the data
    often cannot tell from others. Equal ones are on the items' own scale, so items should have one answer format,
    and be keyed one way where the method is a halo. Even then it is by unequal loadings on the traits that method is
    told from correlated traits: where these are alike the change has a large standard error, or the information is
    singular, which is said. Its variance may be estimated below 0, as it will be in half of all samples where there is
    no method; that is said, too. An outcome that is a column shares the method only where it is written as a factor of
    one item ("loyalty =~ recommend").

    With marker items, which share the method and nothing else with what the model is about, five models more (Williams,
    Hartman & Cavazotte 2010), latent variances 1: "cfa" (the marker is one more factor), "baseline" (it correlates with
    nothing; its loadings and errors stay as in "cfa", also below), "constrained" (it loads alike on all items),
    "unconstrained" (freely), "restricted" (latent paths and correlations held at those of "baseline", loadings free
    where those of "constrained" are worse at .05). A bad marker finds no method; none of the models proves that there
    is none.

    Args:
        syntax: a model in the language of `latent`, with factors that are measured by items.
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        markers: columns of two or more marker items, none of them in the model.
        loadings: of the factor "method": "equal" or "free".
        estimator: "ml", "mlr" or "mlm".
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.

    Returns:
        `MethodFactors`: models, changes, first_share, fits. The error of a change knows that both fits are of the same
        answers: it is by the delta method on the moments (normal theory by "ml", else whatever the distribution), holds
        where models do not fit, and has in it that a marker's loadings were estimated before.

    Raises:
        ArgumentError: groups, markers that are in the model or too few, loadings fixed in the model beside markers.
        ModelError: the model itself cannot be fitted. Else what `latent` raises.

    Source: Podsakoff, MacKenzie, Lee & Podsakoff 2003, doi:10.1037/0021-9010.88.5.879; Williams, Hartman & Cavazotte
    2010, doi:10.1177/1094428110366036; Baumgartner, Weijters & Pieters 2021, Journal of the Academy of Marketing
    Science 49 (what Harman's test is not). Checked against: lavaan (every model), numerical derivatives (errors of
    changes), planted halo.

    >>> from cxuxlib.results import Moments
    >>> by = np.kron(np.eye(2), np.array([[0.8, 0.7, 0.5, 0.3]]).T)
    >>> shared = by @ by.T + 0.2
    >>> np.fill_diagonal(shared, 1.0)
    >>> names = ("u1", "u2", "u3", "u4", "c1", "c2", "c3", "c4")
    >>> moments = Moments(600, names, np.zeros(8), shared)
    >>> found = method_factors("UX =~ u1 + u2 + u3 + u4; CX =~ c1 + c2 + c3 + c4", moments)
    >>> found.changes[["term", "without", "with_method", "change", "std_error"]].round(2)
           term  without  with_method  change  std_error
    0  UX ~~ CX     0.29          0.0   -0.29       0.06
    """
    intervals.check_level(level)
    if loadings not in ("equal", "free"):
        raise ArgumentError(f"loadings is 'equal' or 'free'; got {loadings!r}.")
    if estimator == "wlsmv":
        raise ArgumentError("Method factors take 'ml', 'mlm' or 'mlr'; for ordered answers they are not offered yet.")
    plain = latent(syntax, data, estimator=estimator, frequency=frequency, level=level)
    found = raw_of(plain)
    if len(found.groups) > 1:
        raise ArgumentError("Method factors are of one group; fit and compare each by itself.")
    items = _items(found)
    fits: dict[str, Fit | str] = {SUBSTANTIVE: plain}
    name = free_name("method", found)
    on = " + ".join(f"{'1*' if loadings == 'equal' else 'NA*'}{quoted(each)}" for each in items)
    scale = "" if loadings == "equal" else f"{name} ~~ 1*{name}\n"
    apart = "\n".join(f"{name} ~~ 0*{quoted(each)}" for each in found.table.latent)
    try:
        fits[METHOD] = latent(
            f"{syntax}\n{name} =~ {on}\n{scale}{apart}", data, estimator=estimator, frequency=frequency, level=level
        )
    except ModelError as error:
        fits[METHOD] = str(error)
    more = marked(syntax, data, found, items, markers, estimator, frequency, level) if len(markers) else None
    if more is not None:
        fits |= more.fits
    return MethodFactors(
        _models(fits, {METHOD: name} | dict.fromkeys(MARKED, more.factor if more else "")),
        changes(fits, more, level), _first(found, items),
        {key: each for key, each in fits.items() if isinstance(each, Fit)}, level,
    )  # fmt: skip


def _items(found: Latent) -> list[str]:
    """Items that measure the factors of the model."""
    seen = dict.fromkeys(row.rhs for row in found.table.rows if row.op == "=~" and row.rhs in found.table.observed)
    if len(seen) < 3:
        raise ArgumentError(f"A method factor is of the items of factors; the model has {listed(seen)}.")
    return list(seen)


def _first(found: Latent, items: Sequence[str]) -> float:
    """Share of the first eigenvalue of the items' correlations."""
    (group,) = found.groups
    assert group.covariance is not None
    at = [found.table.observed.index(each) for each in items]
    sizes = np.linalg.eigvalsh(correlations.correlation(group.covariance[np.ix_(at, at)]))
    return float(sizes[-1] / len(items))


AGAINST = {
    METHOD: SUBSTANTIVE, "baseline": "cfa", "constrained": "baseline", "unconstrained": "constrained",
}  # fmt: skip


def _models(fits: Mapping[str, Fit | str], names: Mapping[str, str]) -> pd.DataFrame:
    """One row per model, tested against another."""
    rows = []
    for model, fit in fits.items():
        row: dict[str, Any] = {"model": model}
        figures = fit.quality if isinstance(fit, Fit) else {}
        for kind in ("chi2", "df", "p"):
            scaled = f"{kind}_scaled" if f"{kind}_scaled" in figures else kind
            row[kind] = figures.get(scaled, nan)
        row |= {name: figures.get(f"{name}_robust", figures.get(name, nan)) for name in ("cfi", "rmsea", "srmr")}
        against = AGAINST.get(model, "")
        if model == "restricted":
            against = Marked.better(fits)
        row["against"] = against
        row |= {"difference_chi2": nan, "difference_df": nan, "difference_p": nan, "share": nan}
        method = fit.method if isinstance(fit, Fit) else f"not fitted: {fit}"
        other = fits.get(against)
        if isinstance(fit, Fit):
            row["share"] = _share(fit, names.get(model, ""))
            if isinstance(other, Fit):
                small, big = (fit, other) if fit.quality["df"] > other.quality["df"] else (other, fit)
                try:
                    test = nested(small, big).iloc[0]
                    row |= {f"difference_{kind}": test[kind] for kind in ("chi2", "df", "p")}
                    if np.isnan(test["p"]):
                        method += f"; {test['method']}"
                except CxuxError as error:
                    method += f"; no difference: {error}"
        row |= {"n": figures.get("n", nan), "n_missing": figures.get("n_missing", nan), "method": method}
        rows.append(row)
    return pd.DataFrame(rows)


def _share(fit: Fit, factor: str) -> float:
    """Mean share of the items' variance that a factor explains, of items that others measure; NaN without the factor.

    Below 0 where its variance is estimated so.
    """
    found = raw_of(fit)
    names, latents = found.table.observed, found.table.latent
    others = {row.rhs for row in found.table.rows if row.op == "=~" and row.lhs != factor}
    items = [row.rhs for row in found.table.rows if row.op == "=~" and row.lhs == factor and row.rhs in others]
    if factor not in latents or not items:
        return nan
    whole, at = np.diag(found.states[0].z[:, len(names) + len(latents) :]), len(names) + latents.index(factor)
    places = [names.index(each) for each in items]
    loadings = found.states[0].effects[places, at]
    return float((loadings**2 * whole[at] / whole[places]).mean())
