"""Raw survey files: checked against their dictionary, and tidied."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import DataError, listed, unknown

__all__ = ["Part", "read_raw"]

_PANEL_ROLES = ("unit", "wave", "weight")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Part(NamedTuple):
    """The tidy rows of one raw file, and whether its bytes are the ones the dictionary was written from."""

    answers: pd.DataFrame
    missing: pd.DataFrame
    same_bytes: bool


def read_raw(path: Path, resource: dict[str, Any], fields: list[dict[str, Any]], origin: str | None = None) -> Part:
    """Check one raw file and tidy it; ``origin`` is what errors call it."""
    origin = origin or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{origin} cannot be read ({error.strerror}).") from error
    header, rows = _lines(content, resource, origin)
    year = resource.get("year")
    raw_names = {
        field["name"]: field["raw"].get(str(year)) if "raw" in field else field["name"]
        for field in fields
        if "raw" in field or field["role"] not in _PANEL_ROLES
    }
    places = _places(header, {item: raw for item, raw in raw_names.items() if raw is not None}, origin)
    _check_shape(header, rows, resource, origin)

    answers: dict[str, Any] = {}
    reasons: dict[str, list[str | None]] = {}
    for field in fields:
        item = field["name"]
        values = [row[places[item]].strip() for row in rows] if item in places else None
        where = f"{origin}: column {raw_names.get(item)!r}"
        if field["role"] == "unit":
            answers[item] = _identifiers(values, len(rows), year, where)
        elif field["role"] == "wave":
            answers[item] = np.full(len(rows), year, dtype="int64")
        elif field["role"] == "weight":
            answers[item] = _weights(values or [], where)
        elif values is None:
            answers[item], reasons[item] = np.full(len(rows), np.nan), ["not asked"] * len(rows)
        else:
            answers[item], reasons[item] = _decoded(values, field, where)
    gone = [
        (respondent, item, why)
        for item, column in reasons.items()
        for respondent, why in zip(answers["respondent_id"], column, strict=True)
        if why is not None
    ]
    missing = pd.DataFrame(gone, columns=["respondent_id", "item", "reason"], dtype=str)
    same = resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Part(pd.DataFrame(answers), missing, same)


def _lines(content: bytes, resource: dict[str, Any], origin: str) -> tuple[list[str], list[list[str]]]:
    decoded = content.removeprefix(_BYTE_ORDER_MARK).decode(resource["encoding"])
    try:
        lines = [line for line in csv.reader(io.StringIO(decoded, newline=""), strict=True) if line]
    except csv.Error as error:
        raise DataError(f"{origin} is not a whole CSV file ({error}); get it again.") from error
    if not lines:
        raise DataError(f"{origin} is empty; get it again.")
    return lines[0], lines[1:]


def _places(header: list[str], raw_names: dict[str, str], origin: str) -> dict[str, int]:
    """Where each item's column stands; exports differ in case, stray blanks and a leading asterisk."""
    plain = [_plain(name) for name in header]
    absent = [raw for raw in raw_names.values() if _plain(raw) not in plain]
    if len(absent) == len(raw_names):
        raise DataError(
            f"{origin} is not the expected CSV export, or not encoded as expected: it begins with "
            f"{','.join(header)[:60]!r}, without any of the columns {listed(raw_names.values(), 5)}."
        )
    if absent:
        raise DataError(f"{origin} lacks {listed(absent)}. {unknown('column', absent[0], header)}")
    doubled = [raw for raw in raw_names.values() if plain.count(_plain(raw)) > 1]
    if doubled:
        raise DataError(f"{origin} has more than one column {listed(doubled)}; keep the right one.")
    return {item: plain.index(_plain(raw)) for item, raw in raw_names.items()}


def _plain(name: str) -> str:
    return name.strip().lstrip("*").strip().casefold()


def _check_shape(header: list[str], rows: list[list[str]], resource: dict[str, Any], origin: str) -> None:
    if len(rows) != resource["rows"]:
        kind = "cut off or filtered" if len(rows) < resource["rows"] else "another edition, or has rows added"
        raise DataError(
            f"{origin} has {len(rows):,} rows and should have {resource['rows']:,}: it is {kind}. Get it again."
        )
    for line, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise DataError(f"{origin}: data row {line:,} has {len(row)} values for {len(header)} columns.")


def _identifiers(values: list[str] | None, n_rows: int, year: int | None, where: str) -> list[str]:
    if values is None:
        return [str(row) for row in range(1, n_rows + 1)]
    if not all(values):
        raise DataError(f"{where} is empty in {values.count(''):,} rows; each respondent needs one.")
    return [f"{year}-{value}" for value in values]


def _weights(values: list[str], where: str) -> np.ndarray:
    weights = np.array([_float(value) for value in values])
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        bad = [value for value, is_wrong in zip(values, wrong, strict=True) if is_wrong]
        raise DataError(f"{where} holds {_tally(bad)}; a weight is a positive number.")
    return weights


def _float(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _decoded(values: list[str], field: dict[str, Any], where: str) -> tuple[np.ndarray, list[str | None]]:
    """The valid answers as numbers, and for every other answer the reason why it is none."""
    limits = field["constraints"]
    valid = field.get("values") or {str(code): code for code in range(limits["minimum"], limits["maximum"] + 1)}
    reasons = field.get("missing", {})
    strange = [value for value in values if value not in valid and value not in reasons]
    if strange:
        allowed = ", ".join([*map(repr, valid), *(f"{code!r} ({why})" for code, why in reasons.items())])
        raise DataError(f"{where} holds {_tally(strange)}; allowed are {allowed}.")
    return np.array([valid.get(value, np.nan) for value in values], dtype=float), [
        None if value in valid else reasons[value] for value in values
    ]


def _tally(values: Iterable[str]) -> str:
    counts = Counter(values).most_common()
    shown = ", ".join(f"{value[:40]!r} in {n:,} row{'s' * (n > 1)}" for value, n in counts[:5])
    return shown + (f" and {len(counts) - 5} other values" if len(counts) > 5 else "")
