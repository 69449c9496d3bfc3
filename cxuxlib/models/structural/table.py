"""From what was written to every parameter of the model: the defaults of the field, groups, equalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan, nan

from cxuxlib.errors import ArgumentError, listed, unknown
from cxuxlib.models.structural.language import Defined, Syntax, Term

EQUAL = (
    "loadings", "intercepts", "means", "residuals", "residual_covariances", "latent_variances", "latent_covariances",
    "regressions", "thresholds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the model in one group.

    Args:
        op, lhs, rhs: as in the language; of ordered answers also "|" (threshold) and "~*~" (scale).
        group: number of the group.
        value: what it is fixed to; NaN where it is free or taken from the data.
        free: whether it is estimated.
        label: rows of one label are one parameter; empty where it stands alone.
        start: where the search begins; NaN where nothing was said.
        exogenous: whether it is a moment of an observed cause, taken from the data as it is.
    """

    op: str
    lhs: str
    rhs: str
    group: int
    value: float
    free: bool
    label: str = ""
    start: float = nan
    exogenous: bool = False

    @property
    def term(self) -> str:
        """The row as it would be written."""
        if self.op == "|":
            return f"{self.lhs}|{self.rhs}"
        return f"{self.lhs} ~ 1" if self.op == "~1" else f"{self.lhs} {self.op} {self.rhs}"


@dataclass(frozen=True, slots=True)
class Table:
    """All parameters of a model.

    Args:
        observed: names of columns; latent: names of factors.
        causes: observed variables that nothing in the model explains; their moments are taken from the data.
        rows: the parameters, group by group.
        defined: parameters made of others.
        n_groups: how many groups.
        means: whether means are modelled.
    """

    observed: tuple[str, ...]
    latent: tuple[str, ...]
    causes: tuple[str, ...]
    rows: tuple[Row, ...]
    defined: tuple[Defined, ...]
    n_groups: int
    means: bool


def table(
    syntax: Syntax, n_groups: int = 1, *, means: bool = False, std_lv: bool = False, orthogonal: bool = False,
    equal: Sequence[str] = (), partial: Sequence[str] = (),
) -> Table:  # fmt: skip
    """Complete a model: first loadings fixed to 1 (or latent variances), variances, covariances of causes, intercepts.

    Args:
        syntax: the model as it was written.
        n_groups: how many groups.
        means: whether means are modelled; an intercept in the model says so too.
        std_lv: fix latent variances to 1 instead of first loadings.
        orthogonal: leave out the covariances of latent variables that nothing explains.
        equal: kinds of parameters that are the same in all groups.
        partial: terms that are not, such as "x1 ~ 1".
    """
    for each in equal:
        if each not in EQUAL:
            raise ArgumentError(unknown("kind of parameter to set equal", each, EQUAL))
    means = means or any(each.op == "~1" for each in syntax.terms)
    latent = tuple(dict.fromkeys(each.lhs for each in syntax.terms if each.op == "=~"))
    mentioned = dict.fromkeys(name for each in syntax.terms for name in (each.lhs, each.rhs) if name)
    observed = tuple(name for name in mentioned if name not in latent)
    roles = _roles(syntax, latent, observed)
    rows: list[Row] = []
    for group in range(n_groups):
        rows += _group(syntax, roles, group, n_groups, means, std_lv, orthogonal)
    if n_groups > 1 and equal:
        rows = _equal(rows, set(latent), equal, partial, std_lv)
    rows = _same_values(rows)
    twice = [each.name for each in syntax.defined if any(row.label == each.name for row in rows)]
    if twice:
        raise ArgumentError(f"{listed(twice)} is the label of a parameter and is defined as well.")
    return Table(observed, latent, roles.causes, tuple(rows), syntax.defined, n_groups, means)


@dataclass(frozen=True, slots=True)
class _Roles:
    latent: tuple[str, ...]
    observed: tuple[str, ...]
    causes: tuple[str, ...]  # observed, explain and are explained by nothing
    sources: tuple[str, ...]  # latent, explained by nothing
    random: tuple[str, ...]  # observed, as causes, where the model speaks of their moments
    ends: tuple[str, ...]  # explained by paths, explain nothing


def _roles(syntax: Syntax, latent: tuple[str, ...], observed: tuple[str, ...]) -> _Roles:
    terms = syntax.terms
    measures = {each.rhs for each in terms if each.op == "=~"}
    explained = {each.lhs for each in terms if each.op == "~"}
    explains = {each.rhs for each in terms if each.op == "~"}
    spoken = {name for each in terms if each.op in ("~~", "~1") for name in (each.lhs, each.rhs)}
    given = tuple(x for x in observed if x in explains and x not in explained | measures)
    causes = () if spoken & set(given) else given  # a model that speaks of their moments estimates them
    sources = tuple(f for f in latent if f not in explained | measures)
    ends = [f for f in latent if f in explained and f not in explains | measures]
    ends += [y for y in observed if y in explained and y not in explains | measures]
    return _Roles(latent, observed, causes, sources, given if not causes else (), tuple(ends))


def _at(values: Sequence[object] | None, group: int, n_groups: int, term: Term) -> object:
    """What was said for a group; one value is said for all."""
    if values is None:
        return None
    if len(values) not in (1, n_groups):
        raise ArgumentError(
            f"At line {term.line}, character {term.character}: c(...) has {len(values)} values for {n_groups} groups."
        )
    return values[group if len(values) > 1 else 0]


def _group(
    syntax: Syntax, roles: _Roles, group: int, n_groups: int, means: bool, std_lv: bool, orthogonal: bool
) -> list[Row]:
    """All rows of one group."""
    rows: list[Row] = []
    there: set[tuple[str, ...]] = set()
    first: set[str] = set()
    n_items: dict[str, int] = {}
    for term in syntax.terms:
        if term.op == "=~":
            n_items[term.lhs] = n_items.get(term.lhs, 0) + 1
    for term in syntax.terms:
        fixed = _at(term.fixed, group, n_groups, term)
        label, start = _at(term.label, group, n_groups, term), _at(term.start, group, n_groups, term)
        marker = term.op == "=~" and term.lhs not in first
        first |= {term.lhs} if marker else set()
        value = 1.0 if fixed is None and marker and not std_lv else nan if fixed is None else float(str(fixed))
        rows.append(
            Row(term.op, term.lhs, term.rhs, group, value, isnan(value), str(label or ""),
                nan if start is None else float(str(start)))
        )  # fmt: skip
        there.add(key(term.op, term.lhs, term.rhs))

    def add(op: str, lhs: str, rhs: str, value: float = nan, *, exogenous: bool = False) -> None:
        if key(op, lhs, rhs) not in there:
            there.add(key(op, lhs, rhs))
            rows.append(Row(op, lhs, rhs, group, value, isnan(value) and not exogenous, exogenous=exogenous))

    measures = [term.rhs for term in syntax.terms if term.op == "=~"]
    alone = {term.rhs for term in syntax.terms if term.op == "=~" and n_items[term.lhs] == 1} & set(roles.observed)
    single = {name for name in alone if measures.count(name) == 1}  # its factor is all that it measures
    for name in roles.observed:
        if name not in roles.causes:
            add("~~", name, name, 0.0 if name in single else nan)
    for name in roles.latent:
        add("~~", name, name, 1.0 if std_lv else nan)
    for a, b in combinations(roles.sources, 2):
        add("~~", a, b, 0.0 if orthogonal else nan)
    for a, b in [*combinations(roles.random, 2), *combinations(roles.ends, 2)]:
        add("~~", a, b)
    for a, b in [*((x, x) for x in roles.causes), *combinations(roles.causes, 2)]:
        add("~~", a, b, exogenous=True)
    if means:
        for name in roles.observed:
            add("~1", name, "", exogenous=name in roles.causes)
        for name in roles.latent:
            add("~1", name, "", 0.0)
    return rows


def key(op: str, lhs: str, rhs: str) -> tuple[str, ...]:
    """What a term is known by; a covariance has no sides."""
    return (op, *(sorted((lhs, rhs)) if op == "~~" else (lhs, rhs)))


def kind(row: Row, latent: set[str]) -> str:
    """The kind of parameter that a row is, among those that can be set equal."""
    if row.op == "=~":
        return "loadings"
    if row.op == "~":
        return "regressions"
    if row.op == "~1":
        return "means" if row.lhs in latent else "intercepts"
    own, factor = row.lhs == row.rhs, row.lhs in latent and row.rhs in latent
    if factor:
        return "latent_variances" if own else "latent_covariances"
    return "residuals" if own else "residual_covariances"


def _equal(rows: list[Row], latent: set[str], equal: Sequence[str], partial: Sequence[str], std_lv: bool) -> list[Row]:
    """Rows of the kinds in ``equal`` become one parameter; what that identifies is freed after the first group."""
    known = {each.term.replace(" ", "") for each in rows}
    for each in partial:
        if each.replace(" ", "") not in known:
            raise ArgumentError(unknown("term to leave free", each, dict.fromkeys(row.term for row in rows)))
    apart = {each.replace(" ", "") for each in partial}
    base = {key(row.op, row.lhs, row.rhs): row for row in rows if row.group == 0}
    # where factors measure factors, the means of both orders cannot be told apart: those of the first are freed
    first = {row.lhs for row in rows if row.op == "=~" and row.rhs not in latent}
    compared = {"intercepts", "means"} & set(equal) == {"intercepts"}
    scaled = std_lv and {"loadings", "latent_variances"} & set(equal) == {"loadings"}
    found = []
    for row in rows:
        what, twin = kind(row, latent), base.get(key(row.op, row.lhs, row.rhs))
        mean = compared and what == "means" and row.value == 0 and row.lhs in first
        if row.group and (mean or (scaled and what == "latent_variances")):
            row = replace(row, value=nan, free=True)
        elif what in equal and twin is not None and twin.free and row.free and row.term.replace(" ", "") not in apart:
            row = replace(row, label=row.label or twin.label or f".{row.term}")
        found.append(row)
    return found


def _same_values(rows: list[Row]) -> list[Row]:
    """A label that also stands at a fixed row fixes all rows that carry it."""
    fixed = {row.label: row.value for row in rows if row.label and not row.free and not row.exogenous}
    return [replace(row, free=False, value=fixed[row.label]) if row.label in fixed else row for row in rows]
