"""A folder of one's own: tables with a dictionary, checked as a whole before anything is computed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import DataError, listed, unknown
from cxuxlib.study import Column, Study, first_sheets

__all__ = ["read_folder"]

DICTIONARY = "datapackage.json"
ROLES = ("unit", "wave", "weight", "item", "rating", "cx", "loyalty", "event", "about")
CONSTRUCTS = ("UX", "service", "other facet")
TYPES = ("string", "integer", "number", "boolean")
_ANSWERS = ("item", "cx", "loyalty")
_TRUTH_VALUES = {"1": True, "0": False, "true": True, "false": False}
_SHOWN = 40  # problems that a message lists


class _Problems(list[str]):
    """What is wrong with a folder, in sentences."""

    def add(self, where: str, what: str) -> None:
        self.append(f"{where}: {what}")


def read_folder(folder: Path) -> Study:
    """Read a study from a folder, or say all that is wrong with it in one error."""
    package = _dictionary(folder)
    said = _Problems()
    tables: dict[str, pd.DataFrame] = {}
    columns: dict[str, Column] = {}
    for resource in _resources(package, said):
        name = str(resource["name"])
        fields = _fields(name, resource, said)
        raw = _raw(folder, name, resource, package, said)
        for field in fields:
            column = _column(field)
            known = columns.setdefault(column.name, column)
            if known != column and "" not in (known.role, column.role):
                said.add(f"{name}.{column.name}", f"is described otherwise in another table ({known.role})")
        if raw is not None:
            tables[name] = _table(name, raw, fields, said)
    _whole(tables, columns, said)
    bounds = package.get("claims", {})
    if not isinstance(bounds, dict) or not all(isinstance(each, dict) for each in bounds.values()):
        said.add(DICTIONARY, '"claims" maps claims to what is set for them, such as {"A0 distinct": {"bound": 0.85}}')
    if said:
        more = f"\n- and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        count = "1 problem" if len(said) == 1 else f"{len(said)} problems"
        raise DataError(f"{count} in {folder}:\n- " + "\n- ".join(said[:_SHOWN]) + more)
    if "answers" not in tables:
        tables["answers"] = _first(tables["surveys"], columns)
    source = str(package.get("description") or package.get("title") or f"the folder {folder.name}")
    truth = package.get("truth")
    name = str(package.get("name") or folder.name)
    return Study(name, tables, tuple(columns.values()), source, truth if isinstance(truth, dict) else None, bounds)


def _dictionary(folder: Path) -> dict[str, Any]:
    path = folder / DICTIONARY
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; `python -m cxuxlib example FOLDER` writes one to start from.")
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): it is the dictionary that says what the columns mean. "
            "`python -m cxuxlib example FOLDER` writes one to start from."
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise DataError(f'{path} must hold an object with "resources"; it holds a {type(found).__name__}.')
    return found


def _resources(package: Mapping[str, Any], said: _Problems) -> list[dict[str, Any]]:
    found = package.get("resources")
    if not isinstance(found, list) or not found:
        said.add(DICTIONARY, '"resources" must list the tables: "answers" (a row per customer) or "surveys" (per wave)')
        return []
    kept: list[dict[str, Any]] = []
    for place, each in enumerate(found, 1):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str) or not each["name"]:
            said.add(DICTIONARY, f'resource {place} needs a "name" and a "path"')
        elif any(each["name"] == other["name"] for other in kept):
            said.add(DICTIONARY, f"two resources are called {each['name']!r}")
        else:
            kept.append(each)
    if kept and not {"answers", "surveys"} & {each["name"] for each in kept}:
        said.add(DICTIONARY, f'there is neither "answers" nor "surveys" among {listed(each["name"] for each in kept)}')
    return kept


def _fields(table: str, resource: Mapping[str, Any], said: _Problems) -> list[dict[str, Any]]:
    """The fields of a table that can be used."""
    schema = resource.get("schema")
    found = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(found, list) or not found:
        said.add(table, '"schema" must have "fields", one for each column that is used')
        return []
    kept: list[dict[str, Any]] = []
    for place, field in enumerate(found, 1):
        if not isinstance(field, dict) or not isinstance(field.get("name"), str) or not field["name"]:
            said.add(table, f'field {place} needs a "name"')
            continue
        where = f"{table}.{field['name']}"
        if any(field["name"] == other["name"] for other in kept):
            said.add(where, "two columns are mapped to this name; an item has one column")
            continue
        twin = next((other["name"] for other in kept if _raw_name(other) == _raw_name(field)), None)
        if twin is not None:
            said.add(where, f"reads the column {_raw_name(field)!r} that {twin!r} reads already")
            continue
        if _described(where, field, said):
            kept.append(field)
    return kept


def _described(where: str, field: Mapping[str, Any], said: _Problems) -> bool:
    """Whether a field says what the claims need; else what is missing is noted."""
    before = len(said)
    role = field.get("role")
    if role is None:
        said.add(where, f'has no "role"; there is {listed(ROLES)} ("about" for what is only kept)')
    elif role not in ROLES:
        said.add(where, unknown("role", role, ROLES))
    if field.get("type", "string") not in TYPES:
        said.add(where, unknown("type", field.get("type"), TYPES))
    if role == "item":
        construct = field.get("construct")
        if construct not in CONSTRUCTS:
            said.add(where, unknown("construct", construct, CONSTRUCTS))
        elif construct == "other facet" and not field.get("facet"):
            said.add(where, 'an item of another facet names its "facet", such as "delivery"')
    limits = field.get("constraints", {})
    ends = [limits.get(end) for end in ("minimum", "maximum")] if isinstance(limits, dict) else [None, None]
    if any(end is not None and (isinstance(end, bool) or not isinstance(end, int | float)) for end in ends):
        said.add(where, f'"minimum" and "maximum" are numbers; got {ends!r}')
    elif role in _ANSWERS and None in ends:
        said.add(where, 'a rating needs the ends of its scale: "constraints": {"minimum": 1, "maximum": 7}')
    elif ends[0] is not None and ends[1] is not None and not ends[0] < ends[1]:
        said.add(where, f"its scale ends ({ends[1]!r}) where it begins ({ends[0]!r}) or before")
    return len(said) == before


def _raw_name(field: Mapping[str, Any]) -> str:
    return str(field.get("column") or field["name"])


def _raw(
    folder: Path, table: str, resource: Mapping[str, Any], package: Mapping[str, Any], said: _Problems
) -> pd.DataFrame | None:
    """The texts of a CSV file, or a Parquet file as it is; missing answers are empty."""
    name = resource.get("path")
    if not isinstance(name, str) or not name:
        said.add(table, 'needs the "path" of its file')
        return None
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        said.add(table, f"{name!r} lies outside the folder")
        return None
    gone = [str(each) for each in resource.get("missingValues", package.get("missingValues", [""]))]
    try:
        if path.suffix == ".parquet":
            found = pd.read_parquet(path)
            return found.astype(object).where(found.notna(), "")
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        return found.mask(found.isin(gone), "")
    except OSError as error:
        said.add(table, f"{name} cannot be read ({error.strerror or error})")
    except (ValueError, ImportError) as error:  # no text in UTF-8, rows of other lengths, an empty file
        said.add(table, f"{name} is no table in UTF-8: {str(error).strip()}")
    return None


def _column(field: Mapping[str, Any]) -> Column:
    limits = field.get("constraints", {})
    low, high = (None if limits.get(end) is None else float(limits[end]) for end in ("minimum", "maximum"))
    return Column(
        field["name"], str(field.get("description", "")), field["role"], str(field.get("construct", "")),
        str(field.get("facet", "")), low, high, str(field.get("unit", "")),
    )  # fmt: skip


def _table(table: str, raw: pd.DataFrame, fields: Iterable[Mapping[str, Any]], said: _Problems) -> pd.DataFrame:
    """The columns that are described, as numbers where they are numbers."""
    found: dict[str, Any] = {}
    doubled = [name for name, times in Counter(map(str, raw.columns)).items() if times > 1]
    if doubled:
        said.add(table, f"the file has two columns {listed(doubled)}")
        return pd.DataFrame()
    for field in fields:
        name = _raw_name(field)
        if name not in raw.columns:
            said.add(f"{table}.{field['name']}", unknown("column", name, raw.columns))
            continue
        found[field["name"]] = _values(f"{table}.{field['name']}", raw[name], field, said)
    return pd.DataFrame(found)


def _values(where: str, texts: pd.Series, field: Mapping[str, Any], said: _Problems) -> pd.Series:
    empty = texts.astype(str).str.strip() == ""
    rating = field["role"] in _ANSWERS
    kind = "number" if rating or field["role"] in ("wave", "weight") else field.get("type", "string")
    if kind == "boolean":
        values = texts.astype(str).str.strip().str.lower().map(_TRUTH_VALUES)
        bad = values.isna() & ~empty
        _note(where, texts, bad, "no yes or no (1, 0, true, false)", said)
        return values if values.isna().any() else values.astype(bool)
    if kind not in ("integer", "number"):
        return texts.astype(str).where(~empty, None)
    values = pd.to_numeric(texts.where(~empty), errors="coerce")
    _note(where, texts, values.isna() & ~empty | np.isinf(values), "no number", said)
    limits = field.get("constraints", {})
    low, high = limits.get("minimum", -np.inf), limits.get("maximum", np.inf)
    if rating:
        _note(where, texts, values.notna() & (values != values.round()), "no whole number", said)
    _note(where, texts, (values < low) | (values > high), f"outside {low:g} to {high:g}", said)
    if rating and values.notna().sum() == 0:
        said.add(where, "nobody answered")
    whole = kind == "integer" and not rating and bool(values.notna().all()) and bool((values == values.round()).all())
    return values.astype("int64") if whole else values.astype(float)


def _note(where: str, texts: pd.Series, bad: pd.Series, what: str, said: _Problems) -> None:
    """Note values that are not what they should be, with the first of them and its row."""
    if bad.any():
        first, many = int(np.flatnonzero(bad.to_numpy())[0]), int(bad.sum())
        count = "1 value is" if many == 1 else f"{many} values are"
        said.add(where, f"{count} {what}; the first is {str(texts.iloc[first])!r:.60}, row {first + 2}")


def _whole(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, Column], said: _Problems) -> None:
    """What only the study as a whole can lack: units, constructs, scales."""
    units = [each.name for each in columns.values() if each.role == "unit"]
    waves = [each.name for each in columns.values() if each.role == "wave"]
    for name in ("answers", "surveys"):
        table = tables.get(name)
        if table is None or not len(table.columns):
            continue
        if not len(table):
            said.add(name, "has no rows")
            continue
        ids = [each for each in units if each in table.columns]
        if len(ids) != 1:
            said.add(name, f'needs one column with the role "unit", the customer; it has {listed(ids) or "none"}')
            continue
        own = [each for each in waves if each in table.columns]
        if name == "surveys" and len(own) != 1:
            said.add(name, f'needs one column with the role "wave"; it has {listed(own) or "none"}')
            continue
        absent = table[ids[0]].isna()
        if absent.any():
            said.add(f"{name}.{ids[0]}", f"{int(absent.sum())} rows name no customer")
        again = table.duplicated([*ids, *(own if name == "surveys" else [])]) & ~absent
        if again.any():
            who, many = table.loc[again, ids[0]].iloc[0], table.loc[again, ids[0]].nunique()
            what = "1 customer has" if many == 1 else f"{many} customers have"
            where = " in one wave" if name == "surveys" else ""
            said.add(f"{name}.{ids[0]}", f"{what} several rows{where}; the first is {str(who)!r:.60}")
    if columns:
        wanted = {("item", "UX"): 'an item of the construct "UX"', ("cx", ""): 'an overall rating, role "cx"'}
        for (role, construct), what in wanted.items():
            if not any(each.role == role and construct in (each.construct, "") for each in columns.values()):
                said.add(DICTIONARY, f"no column is {what}")
    _scales(columns.values(), said)


def _scales(columns: Iterable[Column], said: _Problems) -> None:
    """Items of one facet share a scale: their mean would weigh them by the length of theirs."""
    facets: dict[str, dict[tuple[float | None, float | None], list[str]]] = {}
    for each in columns:
        if each.role in ("item", "cx"):
            facet = "CX" if each.role == "cx" else each.facet if each.construct == "other facet" else each.construct
            facets.setdefault(facet, {}).setdefault((each.low, each.high), []).append(each.name)
    for facet, ranges in facets.items():
        if len(ranges) > 1:
            parts = [
                f"{low:g} to {high:g} ({listed(items)})" for (low, high), items in ranges.items() if low is not None
            ]
            said.add(
                f"facet {facet!r}", f"its items are on different scales: {' and '.join(parts)}; recode them to one"
            )


def _first(surveys: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    wave = next(each.name for each in columns.values() if each.role == "wave" and each.name in surveys.columns)
    found: pd.DataFrame = first_sheets(surveys.rename(columns={wave: "wave"}))
    return found
