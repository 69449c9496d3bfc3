"""How facets may hang together, as texts of the model language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

from cxuxlib.errors import ArgumentError, listed, unknown

__all__ = ["facet_syntax"]

Shape = Literal["one-factor", "correlated", "second-order", "bifactor", "orthogonal"]
SHAPES = ("one-factor", "correlated", "second-order", "bifactor", "orthogonal")
_PLAIN = re.compile(r"[^\W\d][\w.]*")


def facet_syntax(facets: Mapping[str, Sequence[str]], shape: Shape = "correlated", *, general: str = "general") -> str:
    """Write the model in which facets, each measured by its items, hang together in one of five ways.

    "one-factor": all items measure one thing; "correlated": each facet its own, all covary; "orthogonal": none covary;
    "second-order": one thing above the facets accounts for how they covary; "bifactor": every item measures one general
    thing and, besides, its own facet, all uncorrelated.

    Args:
        facets: name of each facet to its items.
        shape: one of the five.
        general: what the one thing is called.

    Returns:
        A text for `latent`.

    Raises:
        ArgumentError: facets that share items, too few of them, or a shape that does not exist.

    Source: Reise 2012, doi:10.1080/00273171.2012.715555 (the five side by side). Checked against: the degrees of
    freedom of each shape, and lavaan's fits of the same texts.

    >>> print(facet_syntax({"UX": ["easy", "fast"], "help": ["kind", "quick"]}, "second-order", general="CX"))
    UX =~ easy + fast
    help =~ kind + quick
    CX =~ UX + help
    """
    if shape not in SHAPES:
        raise ArgumentError(unknown("shape", shape, SHAPES))
    least = 1 if shape == "one-factor" else 2
    if not isinstance(facets, Mapping) or len(facets) < least:
        raise ArgumentError(f"Give {least} or more facets, as a dict of name to list of items.")
    for name, items in facets.items():
        if isinstance(items, str) or not isinstance(items, Sequence) or not items:
            raise ArgumentError(f"Facet {name!r} needs a list of items; got {items!r}.")
        if shape == "bifactor" and len(items) < 3:
            raise ArgumentError(f"Facet {name!r} has {len(items)} items; beside a general factor it needs three.")
    items = [item for each in facets.values() for item in each]
    shared = sorted({item for item in items if items.count(item) > 1})
    if shared:
        raise ArgumentError(f"{listed(shared)} stands in more than one place; facets must not share items.")
    names = [*facets, *([] if shape in ("correlated", "orthogonal") else [general])]
    clash = sorted(set(names) & set(items)) or sorted({each for each in names if names.count(each) > 1})
    if clash:
        raise ArgumentError(f"{listed(clash)} names a facet and something else; rename one.")
    own = [_measured(name, each) for name, each in facets.items()]
    if shape == "one-factor":
        return _measured(general, items)
    if shape == "second-order":
        own.append(_measured(general, list(facets)))
    if shape == "bifactor":
        own.insert(0, _measured(general, items))
    if shape in ("bifactor", "orthogonal"):
        factors = [*([general] if shape == "bifactor" else []), *facets]
        own += [f"{quoted(a)} ~~ 0*{quoted(b)}" for a, b in combinations(factors, 2)]
    return "\n".join(own)


def quoted(name: str) -> str:
    """A name as the language reads it."""
    if not isinstance(name, str) or "`" in name or "\n" in name or not name:
        raise ArgumentError(f"A name is a text without backquotes; got {name!r}.")
    return name if _PLAIN.fullmatch(name) else f"`{name}`"


def _measured(factor: str, items: Sequence[str]) -> str:
    return f"{quoted(factor)} =~ {' + '.join(quoted(each) for each in items)}"
