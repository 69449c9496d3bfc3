"""What the functions of this package are given: a fit of a latent model, or facets with their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxuxlib.errors import ArgumentError
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import raw_of
from cxuxlib.models.structural.options import Estimator
from cxuxlib.models.structural.shapes import facet_syntax, quoted
from cxuxlib.results import Fit


def fit_of(
    data: Any, facets: Mapping[str, Sequence[str]] | None, estimator: Estimator | None, frequency: str | None,
    level: float | None,
) -> Fit:  # fmt: skip
    """The fit that was given, or that of correlated facets; refused are both and neither."""
    if isinstance(data, Fit):
        if facets is not None or estimator is not None or frequency is not None:
            raise ArgumentError("A fit has its facets, estimator and data in it; leave these out.")
        raw_of(data)
        return data
    if facets is None:
        raise ArgumentError(
            "Give a fit of models.latent, or data with facets: a dict of each factor's name to its list of items."
        )
    if estimator == "wlsmv":
        raise ArgumentError("This takes 'ml', 'mlm' or 'mlr'; for ordered answers ('wlsmv') it is not offered yet.")
    if isinstance(facets, Mapping) and len(facets) == 1:
        ((name, items),) = facets.items()
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise ArgumentError(f"Facet {name!r} needs a list of items; got {items!r}.")
        syntax = f"{quoted(name)} =~ {' + '.join(quoted(each) for each in items)}"
    else:
        syntax = facet_syntax(facets)
    return latent(
        syntax, data, estimator=estimator or "ml", frequency=frequency, level=0.95 if level is None else level
    )
