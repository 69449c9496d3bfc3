"""The model language: what is measured by what, what depends on what, what varies with what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from cxuxlib.errors import ArgumentError

Values = tuple[float | None, ...]
Names = tuple[str | None, ...]

OPERATORS = ("=~", "~~", "~", ":=")
_TOKEN = re.compile(
    r"(?P<number>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)(?![A-Za-z_.])"
    r"|`(?P<quoted>[^`\n]+)`"
    r"|(?P<name>[^\W\d][\w.]*|\.[^\W\d][\w.]*)"
    r"|(?P<sign>=~|~~|:=|\*\*|<~|~\*~|==|[-~+*/(),;^|<>=?])"
)


class Token(NamedTuple):
    """A piece of the text: its kind, what it says, its line and its character in the line, from 1."""

    kind: str
    text: str
    line: int
    character: int


@dataclass(frozen=True, slots=True)
class Term:
    """One parameter as it was written, for one group or all.

    Args:
        op: "=~", "~~", "~" or "~1".
        lhs, rhs: the names on its two sides; rhs is empty for an intercept.
        fixed: values it is fixed to, by group; NaN says it is free; None nothing was said.
        label: labels, by group.
        start: values the search begins with, by group.
        line, character: where it stands.
    """

    op: str
    lhs: str
    rhs: str
    fixed: Values | None
    label: Names | None
    start: Values | None
    line: int
    character: int


class Defined(NamedTuple):
    """A parameter made of others: its name and formula."""

    name: str
    formula: str
    line: int


class Syntax(NamedTuple):
    """A model as it was written."""

    terms: tuple[Term, ...]
    defined: tuple[Defined, ...]
    text: str

    @property
    def groups(self) -> int:
        """How many groups c(...) speaks of, 1 where it is not used."""
        return max(
            (len(each) for term in self.terms for each in (term.fixed, term.label, term.start) if each), default=1
        )


def _said(line: str) -> str:
    """A line without its comment; a name in backquotes may hold its marks."""
    found = re.match(r"(?:`[^`]*`|[^#!])*", line)
    return found[0] if found else ""


def parse(text: str) -> Syntax:
    """Read a model; an error points at its line and character."""
    if not isinstance(text, str):
        hint = " facet_syntax writes one of a dict of facets." if isinstance(text, Mapping) else ""
        raise ArgumentError(f"A model is a text, such as 'UX =~ easy + fast + clear'; got {text!r:.80}.{hint}")
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Syntax:
    lines = text.split("\n")
    terms: dict[tuple[str, str, str], Term] = {}
    defined: list[Defined] = []
    statements = _statements(_tokens(lines))
    for statement in statements:
        for found in _Reader(statement, lines).read():
            if isinstance(found, Defined):
                if any(each.name == found.name for each in defined):
                    raise _wrong(lines, statement[0], f"{found.name!r} is defined twice")
                defined.append(found)
                continue
            key = (found.op, found.lhs, found.rhs)
            back = (found.op, found.rhs, found.lhs) if found.op == "~~" else key
            before = terms.get(key) or terms.get(back)
            if before is None:
                terms[key] = found
            else:
                terms[before.op, before.lhs, before.rhs] = _merged(before, found, lines)
    if not terms:
        raise ArgumentError("The model has no terms; write, for example, 'UX =~ easy + fast + clear'.")
    shown = "; ".join(_written(each, lines) for each in statements)
    return Syntax(tuple(terms.values()), tuple(defined), shown)


def _merged(before: Term, after: Term, lines: list[str]) -> Term:
    """One parameter of two mentions, where they say different things about it."""
    here = Token("name", after.rhs or after.lhs, after.line, after.character)
    said = {}
    for what in ("fixed", "label", "start"):
        old, new = getattr(before, what), getattr(after, what)
        if old is not None and new is not None:
            raise _wrong(lines, here, f"{what} of {after.lhs} {after.op} {after.rhs} was given before")
        said[what] = new if old is None else old
    if all(getattr(after, what) is None for what in said):
        raise _wrong(lines, here, f"{after.lhs} {after.op} {after.rhs} stands here for the second time")
    return replace(before, **said)


def _wrong(lines: list[str], token: Token, what: str) -> ArgumentError:
    line = lines[token.line - 1] if token.line <= len(lines) else ""
    return ArgumentError(
        f"The model cannot be read at line {token.line}, character {token.character}: {what}.\n"
        f"    {line}\n    {' ' * (token.character - 1)}^"
    )


def _tokens(lines: list[str]) -> list[Token]:
    found = []
    for number, line in enumerate(lines, 1):
        at, whole = 0, _said(line)
        while at < len(whole):
            if whole[at].isspace():
                at += 1
                continue
            match = _TOKEN.match(whole, at)
            if match is None:
                raise _wrong(lines, Token("sign", whole[at], number, at + 1), f"{whole[at]!r} means nothing here")
            kind = match.lastgroup or "sign"
            kind = "name" if kind == "quoted" else kind if kind in ("name", "sign") else "number"
            found.append(Token(kind, match["quoted"] or match[0], number, at + 1))
            at = match.end()
        found.append(Token("end", "", number, len(whole) + 1))
    return found


def _statements(tokens: list[Token]) -> list[list[Token]]:
    """Tokens by statement; a line goes on where it ends with an operator, in brackets, or where the next begins so."""
    found: list[list[Token]] = []
    now: list[Token] = []
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
        if token.kind == "end":
            after = next((each for each in tokens[place + 1 :] if each.kind != "end"), None)
            open_end = bool(now) and now[-1].kind == "sign" and now[-1].text != ")"
            goes_on = after is not None and after.kind == "sign" and after.text in ("+", "*", "/")
            if not (open_end or goes_on or depth > 0):
                found.append(now)
                now = []
        elif token.kind == "sign" and token.text == ";" and depth <= 0:
            found.append(now)
            now = []
        else:
            now.append(token)
    found.append(now)
    return [each for each in found if each]


def _written(statement: list[Token], lines: list[str]) -> str:
    """A statement as it was written, on one line and without comments."""
    found = []
    for line in dict.fromkeys(each.line for each in statement):
        own = [each for each in statement if each.line == line]
        text, last = lines[line - 1], own[-1]
        quotes = 2 if text[last.character - 1] == "`" else 0
        found.append(text[own[0].character - 1 : last.character - 1 + len(last.text) + quotes])
    return " ".join(found)


class _Reader:
    """Reads one statement from left to right."""

    def __init__(self, tokens: list[Token], lines: list[str]) -> None:
        self.tokens, self.lines, self.at = tokens, lines, 0
        last = tokens[-1]
        self.end = Token("end", "the end of the statement", last.line, last.character + len(last.text))

    @property
    def now(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else self.end

    def next(self) -> Token:
        token = self.now
        self.at += 1
        return token

    def ahead(self, sign: str) -> bool:
        return self.now.kind == "sign" and self.now.text == sign

    def wrong(self, token: Token, what: str) -> ArgumentError:
        return _wrong(self.lines, token, what)

    def name(self, what: str) -> Token:
        token = self.next()
        if token.kind != "name":
            raise self.wrong(token, f"expected {what}, found {token.text!r}")
        return token

    def read(self) -> list[Term | Defined]:
        left = [self.name("a name")]
        while self.ahead("+"):
            self.next()
            left.append(self.name("a name"))
        op = self.next()
        if op.kind != "sign" or op.text not in OPERATORS:
            known = "=~ (is measured by), ~ (depends on), ~~ (varies with), ~ 1 (intercept), := (is defined as)"
            instead = "; parameters are equal where they carry one label" if op.text == "==" else ""
            raise self.wrong(op, f"expected an operator, found {op.text!r}; there is {known}{instead}")
        if op.text == ":=":
            if len(left) > 1:
                raise self.wrong(left[1], "one name at a time is defined")
            if self.now.kind == "end":
                raise self.wrong(self.now, "expected a formula of labels")
            formula = " ".join("**" if each.text == "^" else each.text for each in self.tokens[self.at :])
            return [Defined(left[0].text, formula, left[0].line)]
        found: list[Term | Defined] = []
        while True:
            found += self.term(op, left)
            if self.now.kind == "end":
                return found
            token = self.next()
            if token.kind != "sign" or token.text != "+":
                raise self.wrong(token, f"expected '+' or the end of the statement, found {token.text!r}")

    def term(self, op: Token, left: list[Token]) -> list[Term | Defined]:
        fixed: Values | None = None
        label: Names | None = None
        start: Values | None = None
        while True:
            token = self.now
            many = self.modifier()
            if self.ahead("*"):
                self.next()
                starting = bool(many) and many[0] == "start"
                number = all(isinstance(each, float) or each == "NA" for each in many)
                if (start if starting else fixed if number else label) is not None:
                    what = "starting value" if starting else "number" if number else "label"
                    raise self.wrong(token, f"one {what} for a term; products of them mean nothing here")
                if starting:
                    start = tuple(None if each == "NA" else float(each) for each in many[1:])
                    continue
                if number:
                    fixed = tuple(float("nan") if each == "NA" else float(each) for each in many)
                elif all(isinstance(each, str) for each in many):
                    label = tuple(None if each == "NA" else str(each) for each in many)
                else:
                    raise self.wrong(token, "numbers and labels cannot stand in one c(...)")
                continue
            return self.ended(op, left, token, many, (fixed, label, start))

    def ended(
        self, op: Token, left: list[Token], token: Token, many: tuple[float | str, ...],
        said: tuple[Values | None, Names | None, Values | None],
    ) -> list[Term | Defined]:  # fmt: skip
        """The term's own name, after what was said about it."""
        if many == (1.0,) and op.text == "~":
            return [Term("~1", each.text, "", *said, token.line, token.character) for each in left]
        if token.kind != "name" or len(many) != 1:
            raise self.wrong(token, f"expected a variable, found {token.text!r}")
        for each in left:
            if op.text != "~~" and each.text == token.text:
                raise self.wrong(token, f"{token.text!r} stands on both sides of {op.text}")
        return [Term(op.text, each.text, token.text, *said, token.line, token.character) for each in left]

    def modifier(self) -> tuple[float | str, ...]:
        """A number, a name, c(...) or start(...); start is named in the first place."""
        token = self.next()
        if token.kind == "number":
            return (float(token.text),)
        if token.kind == "sign" and token.text == "-":
            number = self.next()
            if number.kind != "number":
                raise self.wrong(number, f"expected a number after '-', found {number.text!r}")
            return (-float(number.text),)
        if token.kind != "name":
            raise self.wrong(token, f"expected a variable, a label or a number, found {token.text!r}")
        if not self.ahead("("):
            return (token.text,)
        if token.text not in ("c", "start"):
            raise self.wrong(token, f"{token.text!r} is no function here; there is c(...) and start(...)")
        self.next()
        many: list[float | str] = ["start"] if token.text == "start" else []
        while True:
            part = self.modifier()
            many += part[1:] if token.text == "start" and part[0] == "start" else part
            sign = self.next()
            if sign.kind == "sign" and sign.text == ")":
                return tuple(many)
            if sign.kind != "sign" or sign.text != ",":
                raise self.wrong(sign, f"expected ',' or ')', found {sign.text!r}")
