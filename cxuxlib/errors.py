"""Every error cxuxlib raises on purpose: what is wrong, where, what exists, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class CxuxError(ValueError):
    """Base of all errors of this library."""


class ArgumentError(CxuxError):
    """An argument is of the wrong kind or outside its range."""


class ColumnError(CxuxError):
    """A column is missing, doubled, or of a type that cannot be used."""


class AnswerError(CxuxError):
    """An answer lies outside the range that its definition allows."""


class UnitError(CxuxError):
    """It is not clear which rows belong to the same unit."""


class SampleError(CxuxError):
    """There are too few answers for what was asked."""


class ModelError(CxuxError):
    """A model cannot be computed from these data."""


class LeakageError(CxuxError):
    """Predictors and outcomes do not follow each other in time as a prediction needs."""


class DataError(CxuxError):
    """A data file is missing, damaged, or not what its dictionary says."""


class NotAnswerable(CxuxError):
    """A claim cannot be put to the test with this study; the text is the reason."""


def listed(names: Iterable[object], most: int = 12) -> str:
    """Name what exists, shortened: ``'a', 'b' and 3 more``."""
    quoted = [repr(name) for name in names]
    extra = len(quoted) - most
    return ", ".join(quoted[:most]) + (f" and {extra} more" if extra > 0 else "") or "nothing"


def unknown(kind: str, name: object, existing: Iterable[object]) -> str:
    """Say that a name is not there, what is there, and what may have been meant."""
    names = [str(each) for each in existing]
    lowered = {each.lower(): each for each in reversed(names)}
    close = get_close_matches(str(name).lower(), lowered, n=1)
    hint = f" Did you mean {lowered[close[0]]!r}?" if close else ""
    return f"There is no {kind} {name!r}; there is {listed(names)}.{hint}"
