"""A simulated study as a folder: one CSV file per table, a dictionary with the truth, and checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError
from cxuxlib.study import Column, Study
from cxuxlib.worlds.items import ITEMS, TABLES
from cxuxlib.worlds.truths import TRUTHS

__all__ = ["write_study"]

_ANSWERS = {item.column.name for item in ITEMS}  # whole numbers, kept as floats since some are missing
_SAYS = {
    "customers": "One row per customer.",
    "products": "One row per product.",
    "attempts": "One row per session with an attempt at a task.",
    "orders": "One row per order.",
    "contacts": "One row per contact with the service; each was caused by a failed attempt or by a late order.",
    "surveys": "One row per customer and wave, until the customer leaves. An answer is missing where the customer did "
    "not respond, and for items on a facet that the customer never met.",
    "churn": "One row per customer.",
}


def write_study(study: Study, folder: str | Path) -> Path:
    """Write a simulated study into a folder, as CSV files with ``datapackage.json`` and ``SHA256SUMS``.

    Whole numbers are written without a point, and true and false as 1 and 0. The table ``answers`` is left out, since
    it is the first wave of ``surveys``.

    Args:
        study: from `make`.
        folder: where to; it is made if it is not there, and files of these names are replaced.

    Returns:
        The folder.

    Raises:
        ArgumentError: this is not a simulated study.

    Source: Frictionless Data Package, Table Schema. Checked against: what `cxuxlib.datasets.load` reads back.

    >>> import tempfile
    >>> from cxuxlib import worlds
    >>> with tempfile.TemporaryDirectory() as home:
    ...     sorted(path.name for path in write_study(worlds.make("null", n=20, waves=1, rng=1), home).iterdir())[:4]
    ['SHA256SUMS', 'attempts.csv', 'churn.csv', 'contacts.csv']
    """
    if not isinstance(study, Study) or study.truth is None or not set(TABLES) <= set(study.tables):
        raise ArgumentError("write_study takes a simulated study, as worlds.make gives it.")
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.csv": _csv(study.tables[name]) for name in TABLES}
    files["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    ).encode()
    files["datapackage.json"] = _document(study, files)
    for name, content in files.items():
        part = home / f".{name}.part"
        part.write_bytes(content)
        part.replace(home / name)
    return home


def _csv(table: pd.DataFrame) -> bytes:
    plain = {name: _plain(values) for name, values in table.items()}
    text: str = pd.DataFrame(plain).to_csv(index=False, lineterminator="\n")
    return text.encode()


def _plain(values: pd.Series) -> pd.Series:
    if values.dtype == bool:
        return values.astype("int8")
    return values.astype("Int64") if values.name in _ANSWERS else values


def _document(study: Study, files: dict[str, bytes]) -> bytes:
    known = dict(study.truth or {})
    document = {
        "name": study.name,
        "title": f"The simulated world {study.name}",
        "description": study.source,
        "simulated": True,
        "licenses": [{"name": "BSD-3-Clause", "title": "as the package"}],
        "sources": [{"title": study.source, "path": "cxuxlib/worlds"}],
        "truth": known,
        "truth_says": {name: says for name, says in TRUTHS.items() if name in known},
        "resources": [
            {
                "name": name, "description": _SAYS[name], "path": f"{name}.csv", "format": "csv",
                "mediatype": "text/csv", "encoding": "utf-8", "shipped": True, "rows": len(study.tables[name]),
                "bytes": len(files[f"{name}.csv"]),
                "schema": {"fields": [_field(each, study.tables[name][each.name]) for each in columns]},
            }
            for name, columns in TABLES.items()
        ],
    }  # fmt: skip
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _field(column: Column, values: pd.Series) -> dict[str, Any]:
    answer = column.name in _ANSWERS
    kind = "integer" if answer else {"b": "boolean", "i": "integer", "f": "number"}.get(values.dtype.kind, "string")
    constraints: dict[str, Any] = {} if answer else {"required": True}
    limits = {"minimum": column.low, "maximum": column.high}
    constraints |= {name: value for name, value in limits.items() if value is not None}
    about = {"construct": column.construct, "facet": column.facet, "unit": column.unit}
    return {
        "name": column.name, "type": kind, "description": column.description, "role": column.role,
        **{name: value for name, value in about.items() if value}, "constraints": constraints,
    }  # fmt: skip
