"""Studies: raw answers or events read, checked and tidied, or published aggregates, which need no network."""

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, DataError, listed, unknown
from cxuxlib.folders import read_folder
from cxuxlib.results import Moments
from cxuxlib.study import Column, Study, first_sheets
from cxuxlib.surveys import Part, read_raw

__all__ = ["aggregates", "load", "open_study", "shipped"]

_STUDIES = ("harbor", "mobi", "sfo", "shop")
# A wheel carries the files inside the package; a checkout has them beside it.
_HOMES = (Path(__file__).parent / "data", Path(__file__).parent.parent / "data")
_DTYPES = {"string": str, "integer": "int64", "number": "float64"}
_TRUTH_VALUES = {"1": True, "0": False}


def load(name: str) -> Study:
    """Load the rows of a study: answers, one row per respondent, or a log, one row per event.

    The log of ``shop`` and the tables of ``harbor`` come with the package, and their checksums must be right. The raw
    files of the other studies are read from the folder ``$CXUXLIB_DATA/<name>``. Where that variable is not set,
    ``sfo`` is downloaded once into a cache (``$CXUXLIB_CACHE``, or the user's cache folder). Rows, needed columns and
    every code are checked. A raw file whose bytes differ from the known export is still taken when these checks pass,
    for a portal may write the same rows differently; ``source`` says how many files are the same to the byte.

    Args:
        name: "sfo" (airport passengers, 2013-2018), "mobi" (mobile phone customers) or "shop" (clicks in a shop,
            synthetic, with faults planted in it) or "harbor" (2,000 customers and four waves of a simulated world).

    Returns:
        A study with the tables ``answers`` (an answer that is missing is NaN) and ``missing`` (respondent_id,
        item, reason: "blank", "never used", "other answer" or "not asked"), one row for every such NaN. For shop
        the table ``events`` (user_id, session_id, event, at, platform, acquisition_channel, user_cohort,
        user_lifecycle), and the planted ``truth``. For harbor the tables of `cxuxlib.worlds.make`, and the ``truth``.

    Raises:
        ArgumentError: there is no such study.
        DataError: a file is absent, cut off, or holds what its dictionary does not know, or the network
            fails.

    Source: City and County of San Francisco, open data, https://data.sfgov.org (sfo); Tenenhaus et al. 2005,
    doi:10.1016/j.csda.2004.03.005 (mobi); retentioneering 5.2.4, Apache-2.0,
    https://github.com/retentioneering/retentioneering-tools (shop). Checked against: rows, means and valid answers of
    each year's file; the file of that package.

    >>> load("shop").tables["events"][["user_id", "event", "at"]].head(2)
         user_id       event                  at
    0  user_0000        home 2024-03-13 10:21:14
    1  user_0000  promo_page 2024-03-13 10:21:28
    >>> load("sof")
    Traceback (most recent call last):
        ...
    cxuxlib.errors.ArgumentError: There is no study 'sof'; there is 'harbor', 'mobi', 'sfo', 'shop'. Did you mean 'sfo'?
    """
    home, package = _package(name)
    if "simulated" in package:
        return _simulated(home, package)
    fields = _fields(package)
    if "events" in package["tables"]:
        return _log(home, package, fields)
    raw = [each for each in package["resources"] if not each["shipped"]]
    parts = [_part(name, resource, fields) for resource in raw]
    same = sum(part.same_bytes for part in parts)
    tables = {
        "answers": pd.concat([part.answers for part in parts], ignore_index=True),
        "missing": pd.concat([part.missing for part in parts], ignore_index=True),
    }
    repeated = tables["answers"]["respondent_id"].duplicated()
    if repeated.any():
        ids = tables["answers"].loc[repeated, "respondent_id"]
        raise DataError(f"{name}: {len(ids)} respondent ids occur twice: {listed(ids, 5)}.")
    source = f"{_source(package)}; {same} of {len(parts)} raw files equal the known export to the byte"
    columns = tuple(_column(field) for field in fields)
    return Study(name, tables, columns, source, claims=_bounds(package))


def aggregates(name: str) -> Study:
    """Load the published counts and moments of a real study, without its rows and without a network.

    The files come with the package. They were made by ``data/make_aggregates.py``; here a wrong checksum is
    an error, since these bytes are ours and nothing else could tell a changed number.

    Args:
        name: "sfo" (airport passengers, 2013-2018) or "mobi" (mobile phone customers).

    Returns:
        A study with `Moments` of complete cases. For sfo: ``moments/overall/2013`` to ``2018`` (13 items and
        the overall rating), ``moments/recommend/2017`` and ``2018`` (13 items and the recommendation),
        ``moments/overall+recommend/2017`` and ``2018``; and the tables ``counts`` (year, item, answer as text
        or the reason why it is missing, n) and ``weighted`` (year, weight, item, answer, n; valid answers
        only). For mobi: ``moments/all`` (24 items) and ``moments/UX+CX``. ``fourth/...`` has the covariance of the
        correlations, which `pooled` attaches to the moments of a family.

    Raises:
        ArgumentError: there is no such study, or it has no aggregates.
        DataError: a file is absent or its checksum is wrong.

    Source: as for `load`. Checked against: the rows, from which a test rebuilds every file to the byte.

    >>> study = aggregates("sfo")
    >>> study.tables["moments/recommend/2017"]
    Moments of 14 columns, n = 927 (1,904 left out as incomplete)
    >>> study.tables["counts"].query("year == 2013 and item == 'overall'")[["answer", "n"]].values.tolist()
    [['1', 6], ['2', 69], ['3', 616], ['4', 1931], ['5', 712], ['blank', 131], ['never used', 70]]
    """
    home, package = _package(name)
    if "simulated" in package or "events" in package["tables"]:
        raise ArgumentError(f"The rows of {name!r} are shipped whole, without aggregates; use datasets.load({name!r}).")
    tables: dict[str, Any] = {}
    described: set[str] = set()
    for resource in package["resources"]:
        if not resource["shipped"]:
            continue
        content = _verified(home / resource["path"])
        if resource["format"] == "csv":
            table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
            dtypes = {field["name"]: _DTYPES[field["type"]] for field in resource["schema"]["fields"]}
            tables[resource["name"]] = table = table.astype(dtypes)
            described |= {*table.columns, *table.get("item", ())}
        else:
            for key, entry in json.loads(content).items():
                tables[key] = _moments(entry) if "means" in entry else _symmetric(entry["covariance"])
                described |= set(entry["names"])
    columns = tuple(_column(field) for field in _fields(package) if field["name"] in described)
    source = f"{_source(package)}; published aggregates, without the rows"
    return Study(name, tables, columns, source, claims=_bounds(package))


def open_study(folder: str | Path) -> Study:
    """Open a study of one's own: tables in a folder with ``datapackage.json``, which says what the columns mean.

    The dictionary is a Frictionless Data Package. ``resources`` lists the tables: ``answers`` (one row per customer) or
    ``surveys`` (one per customer and wave), CSV in UTF-8 or Parquet, and whatever else there is. Of each column that is
    used, ``schema.fields`` gives ``name``, ``role`` ("unit", "wave", "weight", "item", "cx" for an overall rating of
    the experience, "loyalty", "rating", "event", "about"), for an item its ``construct`` ("UX", "service", "other
    facet" with its ``facet``), for a rating the ends of its scale (``constraints``: minimum, maximum), and ``column``
    where the file calls it otherwise. ``missingValues`` lists what stands for no answer. ``claims`` sets bounds before
    the data are judged.

    Args:
        folder: the folder.

    Returns:
        A study; where there are ``surveys`` and no ``answers``, these are the sheets of the first wave.

    Raises:
        DataError: all that is wrong with the dictionary and the tables, in one message.

    Source: Frictionless Data Package 1.0, Table Schema. Checked against: what `worlds.write_study` writes.

    >>> import tempfile
    >>> from cxuxlib import worlds
    >>> with tempfile.TemporaryDirectory() as home:
    ...     study = open_study(worlds.write_study(worlds.make("null", n=60, waves=1, rng=1), home))
    >>> len(study.tables["answers"]), study.name
    (60, 'null')
    """
    return read_folder(Path(folder))


def shipped(path: str) -> Path:
    """Find a file that comes with the package.

    Args:
        path: below the folder of data, such as "calibration/rulings.csv".

    Returns:
        Where it is.

    Raises:
        DataError: it is absent.

    Source: made for cxuxlib. Checked against: a checkout and an installed package.

    >>> shipped("harbor/datapackage.json").name
    'datapackage.json'
    """
    for home in _HOMES:
        if (home / path).is_file():
            return home / path
    raise DataError(
        f"The file {path} is neither in {_HOMES[0]} nor in {_HOMES[1]}; install the package again, or work in a full "
        "checkout."
    )


def _package(name: str) -> tuple[Path, dict[str, Any]]:
    if name not in _STUDIES:
        raise ArgumentError(unknown("study", name, _STUDIES))
    path = shipped(f"{name}/datapackage.json")
    package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return path.parent, package


def _fields(package: dict[str, Any]) -> list[dict[str, Any]]:
    rows = package["tables"].get("answers") or package["tables"]["events"]
    fields: list[dict[str, Any]] = rows["schema"]["fields"]
    return fields


def _bounds(package: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Bounds of claims that the dictionary sets before the data are judged; which claims there are, `claims` knows."""
    found = package.get("claims", {})
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise DataError(
            f'{package["name"]}/datapackage.json: "claims" maps claims to what is set for them, such as '
            f'{{"A0 distinct": {{"bound": 0.85}}}}; got {found!r}.'
        )
    return found


def _source(package: dict[str, Any]) -> str:
    return "; ".join(f"{source['title']}, {source['path']}" for source in package["sources"])


def _column(field: dict[str, Any]) -> Column:
    limits = field.get("constraints", {})
    low, high = (None if limits.get(end) is None else float(limits[end]) for end in ("minimum", "maximum"))
    return Column(
        field["name"], field["description"], field["role"], field.get("construct", ""),
        field.get("facet", ""), low, high, field.get("unit", ""),
    )  # fmt: skip


def _verified(path: Path) -> bytes:
    """The bytes of a shipped file, if they are the ones its SHA256SUMS names."""
    sums = path.with_name("SHA256SUMS")
    try:
        content = path.read_bytes()
        known = sums.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}); restore it.") from error
    found = hashlib.sha256(content).hexdigest()
    if f"{found}  {path.name}" not in known:
        raise DataError(
            f"{path} has the SHA-256 {found}, which is not the one in {sums.name}: the file was changed. "
            "Restore it; aggregates can be made again from the raw files with data/make_aggregates.py."
        )
    return content


def _log(home: Path, package: dict[str, Any], fields: list[dict[str, Any]]) -> Study:
    """A log that is shipped, with its time stamps as such and its other columns as texts."""
    (resource,) = package["resources"]
    content = io.BytesIO(_verified(home / resource["path"]))
    events = pd.read_csv(content, compression="gzip", dtype=str, keep_default_na=False)
    events = events.rename(columns={field["raw"]: field["name"] for field in fields if "raw" in field})
    for field in fields:
        if field["type"] == "datetime":
            stamps = pd.to_datetime(events[field["name"]], format="%Y-%m-%d %H:%M:%S")
            events[field["name"]] = stamps.astype("datetime64[us]")
    columns = tuple(_column(field) for field in fields)
    return Study(package["name"], {"events": events}, columns, _source(package), package["truth"], _bounds(package))


def _simulated(home: Path, package: dict[str, Any]) -> Study:
    """A simulated study that is shipped, with all its tables and its truth."""
    tables: dict[str, pd.DataFrame] = {}
    columns: dict[str, Column] = {}
    for resource in package["resources"]:
        table = pd.read_csv(io.BytesIO(_verified(home / resource["path"])), dtype=str, keep_default_na=False)
        for field in resource["schema"]["fields"]:
            texts = table[field["name"]]
            if field["type"] == "boolean":
                table[field["name"]] = texts.map(_TRUTH_VALUES).astype(bool)
            elif field["type"] != "string":
                table[field["name"]] = pd.to_numeric(texts.where(texts != ""))
            columns.setdefault(field["name"], _column(field))
        tables[resource["name"]] = table
    tables["answers"] = first_sheets(tables["surveys"])
    described, bounds = tuple(columns.values()), _bounds(package)
    return Study(package["name"], tables, described, package["description"], package["truth"], bounds)


def _moments(entry: dict[str, Any]) -> Moments:
    means, covariance = np.array(entry["means"]), _symmetric(entry["covariance"])
    return Moments(entry["n"], tuple(entry["names"]), means, covariance, entry["n_missing"])


def _symmetric(triangle: list[list[float]]) -> np.ndarray:
    """A matrix from its lower triangle, row by row."""
    full = np.empty((len(triangle), len(triangle)))
    for row, values in enumerate(triangle):
        full[row, : row + 1] = full[: row + 1, row] = values
    return full


def _part(name: str, resource: dict[str, Any], fields: list[dict[str, Any]]) -> Part:
    """The tidy rows of one raw file, from the user's folder, the cache or the portal."""
    folder = os.environ.get("CXUXLIB_DATA")
    if folder:
        return read_raw(_local(Path(folder) / name, resource), resource, fields)
    if "://" not in resource["path"]:
        raise DataError(
            f"The rows of {name!r} are neither shipped nor downloaded, since their licence forbids it. Put "
            f"{resource['file']} into a folder {name!r} and set CXUXLIB_DATA to the folder above it, or use "
            f'datasets.aggregates("{name}").'
        )
    import pooch

    cache = Path(os.environ.get("CXUXLIB_CACHE") or pooch.os_cache("cxuxlib")) / name
    target = cache / resource["file"]
    if target.is_file():
        try:
            return read_raw(target, resource, fields)
        except DataError:
            pass  # A damaged file in the cache is replaced by a new download.
    return _download(pooch.HTTPDownloader(chunk_size=65536, timeout=60), target, resource, fields)


def _local(folder: Path, resource: dict[str, Any]) -> Path:
    found = sorted(folder.glob(resource["pattern"]))
    if len(found) == 1:
        return found[0]
    if found:
        names = listed(path.name for path in found)
        raise DataError(f"{folder} holds {names}, all matching {resource['pattern']!r}; keep one of them.")
    there = listed(sorted(path.name for path in folder.glob("*"))) if folder.is_dir() else "no such folder"
    raise DataError(
        f"CXUXLIB_DATA: {folder} has no file {resource['pattern']!r} (there: {there}). Put it there"
        + (f", from {resource['path']}, or unset CXUXLIB_DATA." if "://" in resource["path"] else ".")
    )


def _download(fetch: Callable[..., Any], target: Path, resource: dict[str, Any], fields: list[dict[str, Any]]) -> Part:
    """Fetch one raw file; it gets its place in the cache only after it has passed every check."""
    url = resource["path"]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".incoming-", dir=target.parent) as folder:
            arrived = Path(folder) / target.name
            fetch(url, str(arrived), None)
            part = read_raw(arrived, resource, fields, origin=url)
            arrived.replace(target)
            return part
    except OSError as error:  # the errors of requests are OSErrors as well
        raise DataError(
            f"{url} could not be downloaded into {target.parent} ({type(error).__name__}: {error}). "
            f"Without a network, put the file {resource['pattern']!r} into a folder {target.parent.name!r} "
            "and set CXUXLIB_DATA to the folder above it, or use datasets.aggregates(...)."
        ) from error
