"""The sequence of models with marker items (Williams, Hartman & Cavazotte 2010)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cxuxlib.errors import ArgumentError, ModelError, listed
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import Estimator, LatentOptions
from cxuxlib.models.structural.shapes import quoted
from cxuxlib.models.structural.table import Row
from cxuxlib.results import Fit

MARKED = ("cfa", "baseline", "constrained", "unconstrained", "restricted")
_SCALED = LatentOptions(std_lv=True)


class Marked(NamedTuple):
    """The models with a marker.

    Args:
        fits: by model, or why there is none.
        factor: what the marker factor is called.
        texts: the models "constrained" and "unconstrained" with the marker's loadings and errors free.
    """

    fits: dict[str, Fit | str]
    factor: str
    texts: dict[str, str]

    @staticmethod
    def better(fits: Mapping[str, Fit | str]) -> str:
        """The model that "restricted" restricts: "unconstrained" where equal loadings are worse at .05."""
        equal, free = fits.get("constrained"), fits.get("unconstrained")
        if not isinstance(equal, Fit):
            return "unconstrained" if isinstance(free, Fit) else ""
        if not isinstance(free, Fit):
            return "constrained"
        return "unconstrained" if float(nested(equal, free)["p"].iloc[0]) < 0.05 else "constrained"


def marked(
    syntax: str, data: Any, found: Latent, items: Sequence[str], markers: Sequence[str], estimator: Estimator,
    frequency: str | None, level: float,
) -> Marked:  # fmt: skip
    """Fit the sequence; a model that cannot be fitted is told by its reason."""
    _check(found, markers)
    factor, label = free_name("marker", found), free_name("m", found)
    own = [quoted(each) for each in markers]
    loose = f"{syntax}\n{factor} =~ {' + '.join(own)}"
    apart = "\n".join(f"{factor} ~~ 0*{quoted(each)}" for each in found.table.latent)
    on = {"constrained": f"{label}*", "unconstrained": ""}
    added = {
        model: f"{factor} =~ {' + '.join(f'{mark}{quoted(each)}' for each in items)}" for model, mark in on.items()
    }
    fits: dict[str, Fit | str] = {}

    def fitted(model: str, written: str) -> None:
        try:
            fits[model] = latent(
                written, data, estimator=estimator, frequency=frequency, level=level, options=_SCALED
            )  # fmt: skip
        except ModelError as error:
            fits[model] = str(error)

    covary = "\n".join(f"{factor} ~~ {quoted(each)}" for each in found.table.latent)
    fitted("cfa", f"{loose}\n{covary}")
    first = fits["cfa"]
    texts = {model: f"{loose}\n{each}\n{apart}" for model, each in added.items()}
    if isinstance(first, str):
        fits |= dict.fromkeys(MARKED[1:], f"'cfa' has no solution: {first}")
        return Marked(fits, factor, texts)
    held = _values(first)
    measured = " + ".join(f"{held[f'{factor} =~ {name}']:.17g}*{quoted(name)}" for name in markers)
    errors = "\n".join(f"{quoted(name)} ~~ {held[f'{name} ~~ {name}']:.17g}*{quoted(name)}" for name in markers)
    fixed = f"{syntax}\n{factor} =~ {measured}\n{errors}\n{apart}"
    fitted("baseline", fixed)
    for model, each in added.items():
        fitted(model, f"{fixed}\n{each}")
    base, best = fits["baseline"], Marked.better(fits)
    if isinstance(base, str) or not best:
        fits["restricted"] = "there is no baseline, or no model with the marker on the items, to restrict"
    else:
        fitted("restricted", f"{fixed}\n{added[best]}\n{_held(base, factor)}")
    return Marked(fits, factor, texts)


def _check(found: Latent, markers: Sequence[str]) -> None:
    if isinstance(markers, str) or len(markers) < 2 or len(set(markers)) < len(markers):
        raise ArgumentError(f"markers is a list of two or more columns, each once; got {markers!r}.")
    both = [each for each in markers if each in found.table.observed or each in found.table.latent]
    if both:
        raise ArgumentError(f"{listed(both)} is part of the model; a marker is of nothing that the model is about.")
    scaled = [each for each in found.syntax.terms if each.op == "=~" and any(x == x and x for x in each.fixed or ())]
    if scaled:
        raise ArgumentError(
            f"The loading {scaled[0].lhs} =~ {scaled[0].rhs} is fixed; models with markers have latent variances of 1 "
            "and free loadings: leave the scale to them."
        )


def free_name(name: str, found: Latent) -> str:
    """A name that the model does not use."""
    taken = {*found.table.observed, *found.table.latent, *(row.label for row in found.table.rows)}
    taken |= {each.name for each in found.table.defined}
    while name in taken:
        name += "_"
    return name


def _values(fit: Fit) -> dict[str, float]:
    """Estimates and fixed values by term."""
    raw = raw_of(fit)
    table = fit.terms.iloc[: len(raw.table.rows)]
    return dict(zip(table["term"], table["value"], strict=True))


def relations(found: Latent, apart: str = "") -> list[Row]:
    """Paths and covariances that a latent variable has part in, and loadings of factors on factors.

    Args:
        found: a fitted model.
        apart: a factor whose relations are left out.
    """
    latents = set(found.table.latent)
    return [
        row
        for row in found.table.rows
        if row.lhs != row.rhs and apart not in (row.lhs, row.rhs)
        and ((row.op in ("~", "~~") and row.free and {row.lhs, row.rhs} & latents)
             or (row.op == "=~" and row.rhs in latents and (row.free or row.value)))
    ]  # fmt: skip


def _held(fit: Fit, factor: str) -> str:
    """Relations of all but the marker, held at what they are in a fit."""
    found, values = raw_of(fit), _values(fit)
    return "\n".join(
        f"{quoted(row.lhs)} {row.op} {values[row.term]:.17g}*{quoted(row.rhs)}"
        for row in relations(found, factor)
        if row.free
    )
