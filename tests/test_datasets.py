"""Real data: what is loaded is what the dictionary says, and what is damaged is refused."""

import csv
import importlib.util
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import datasets
from cxuxlib.errors import ArgumentError, DataError
from cxuxlib.results import Moments
from cxuxlib.study import Study, names

DATA = Path(__file__).resolve().parent.parent / "data"
ROWS = {2013: 3535, 2014: 2818, 2015: 2958, 2016: 3087, 2017: 2831, 2018: 2809}
SHIPPED = ("sfo/counts.csv", "sfo/weighted.csv", "sfo/moments.json", "mobi/moments.json")


@cache
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_aggregates", DATA / "make_aggregates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- with the raw files ---------------------------------------------------------------------------


@cache
def loaded(name: str) -> Study:
    return datasets.load(name)


@pytest.fixture
def sfo(raw_data: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    if not (raw_data / "sfo").is_dir():
        pytest.skip("the raw data have no folder sfo")
    monkeypatch.setenv("CXUXLIB_DATA", str(raw_data))
    return loaded("sfo")


@pytest.fixture
def mobi(raw_data: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    if not (raw_data / "mobi").is_dir():
        pytest.skip("the raw data have no folder mobi")
    monkeypatch.setenv("CXUXLIB_DATA", str(raw_data))
    return loaded("mobi")


def raw_frame(folder: Path, year: int) -> pd.DataFrame:
    (path,) = (folder / "sfo").glob(f"{year}_*.csv")
    frame = pd.read_csv(path, dtype=str, encoding="latin-1", keep_default_na=False)
    frame.columns = [name.strip().lstrip("*").upper() for name in frame.columns]
    return frame


def test_sfo_has_every_respondent_once(sfo: Study) -> None:
    answers = sfo.tables["answers"]
    assert len(answers) == 18_038
    assert answers["year"].value_counts().to_dict() == ROWS
    assert answers["respondent_id"].is_unique
    assert answers["respondent_id"].iloc[0] == "2013-1"
    assert list(answers.columns) == [column.name for column in sfo.columns]


def test_sfo_means_known_from_elsewhere(sfo: Study) -> None:
    means = sfo.tables["answers"].groupby("year")[["overall", "wifi"]].mean().round(2)
    assert means.loc[2013].tolist() == [3.98, 3.65]
    assert means.loc[2016].tolist() == [4.04, 4.06]


def test_sfo_complete_cases(sfo: Study) -> None:
    answers, items = sfo.tables["answers"], names(sfo, role="item")
    assert len(items) == 13
    assert answers["recommend"].notna().sum() == 5_396
    assert len(answers[[*items, "overall"]].dropna()) == 5_095
    assert len(answers[[*items, "recommend"]].dropna()) == 1_710


def test_sfo_answers_are_in_range(sfo: Study) -> None:
    for column in sfo.columns:
        if column.low is not None and column.high is not None:
            given = sfo.tables["answers"][column.name].dropna()
            assert given.between(column.low, column.high).all(), column.name


def test_every_missing_answer_has_one_reason(sfo: Study) -> None:
    answers, missing = sfo.tables["answers"], sfo.tables["missing"]
    assert not missing.duplicated(["respondent_id", "item"]).any()
    per_item = answers.isna().sum()
    assert missing["item"].value_counts().to_dict() == per_item[per_item > 0].to_dict()
    gaps = answers.melt("respondent_id", list(per_item[per_item > 0].index), var_name="item").query("value.isna()")
    assert set(zip(gaps["respondent_id"], gaps["item"], strict=True)) == set(
        zip(missing["respondent_id"], missing["item"], strict=True)
    )


def test_reasons_are_kept_apart(sfo: Study) -> None:
    answers = sfo.tables["answers"]
    missing = sfo.tables["missing"].merge(answers[["respondent_id", "year"]])
    tally = missing.groupby(["year", "item", "reason"]).size()
    assert tally[2013, "wifi"].to_dict() == {"blank": 147, "never used": 1161}
    assert tally[2013, "met_problem"].to_dict() == {"blank": 119, "other answer": 32}
    assert tally[2013, "used_wifi"].to_dict() == {"blank": 361, "other answer": 74}
    assert tally[2017, "overall"].to_dict() == {"blank": 143}
    assert tally[2018, "recommend"].to_dict() == {"blank": 159}
    assert tally[2017, "recommend"].to_dict() == {"blank": 85}
    assert tally[2016, "recommend"].to_dict() == {"not asked": ROWS[2016]}


def test_events_are_yes_or_no(sfo: Study) -> None:
    year = sfo.tables["answers"].query("year == 2013")
    assert year["met_problem"].value_counts().to_dict() == {0.0: 2971, 1.0: 413}
    assert year["used_wifi"].value_counts().to_dict() == {0.0: 1687, 1.0: 1413}


def test_weights_are_those_of_the_raw_files(sfo: Study, raw_data: Path) -> None:
    for year, rows in sfo.tables["answers"].groupby("year"):
        assert rows["weight"].sum() == raw_frame(raw_data, int(year))["WEIGHT"].astype(float).sum()
        assert 6 <= rows["weight"].nunique() <= 13


def test_source_counts_the_files_that_are_the_same(sfo: Study) -> None:
    assert "6 of 6 raw files equal the known export to the byte" in sfo.source


def test_mobi_is_complete(mobi: Study) -> None:
    answers = mobi.tables["answers"]
    assert answers.shape == (250, 25)
    assert not answers.isna().any().any()
    assert len(mobi.tables["missing"]) == 0
    assert list(mobi.tables["missing"].columns) == ["respondent_id", "item", "reason"]


def test_rebuilding_gives_the_shipped_bytes(sfo: Study, mobi: Study, tmp_path: Path) -> None:
    script().main(tmp_path)
    for name in (*SHIPPED, "sfo/SHA256SUMS", "mobi/SHA256SUMS"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name
    assert not list(tmp_path.rglob("*.part"))


def test_aggregates_equal_the_rows(sfo: Study) -> None:
    shipped, answers = datasets.aggregates("sfo").tables, sfo.tables["answers"]
    for key, moments in shipped.items():
        if not isinstance(moments, Moments):
            continue
        rows = answers[answers["year"] == int(key[-4:])]
        complete = rows[list(moments.names)].dropna()
        assert moments.n == len(complete)
        assert moments.n + moments.n_missing == len(rows)
        np.testing.assert_allclose(moments.means, complete.mean(), rtol=1e-12)
        np.testing.assert_allclose(moments.covariance, complete.cov(), rtol=1e-9, atol=1e-12)
    given = shipped["counts"][shipped["counts"]["answer"].str.isdigit()]
    for (year, item), rows in given.groupby(["year", "item"]):
        again = answers.loc[answers["year"] == year, item].value_counts()
        assert dict(zip(rows["answer"].astype(float), rows["n"], strict=True)) == again.to_dict()
    weighted = shipped["weighted"]
    for item, rows in weighted.groupby("item"):
        valid = answers.dropna(subset=item).groupby(["year", "weight", item]).size()
        assert rows.set_index(["year", "weight", "answer"])["n"].to_dict() == valid.to_dict()


def test_mobi_moments_equal_the_rows(mobi: Study) -> None:
    moments = datasets.aggregates("mobi").tables["moments/all"]
    rows = mobi.tables["answers"][list(moments.names)]
    assert (moments.n, moments.n_missing) == (250, 0)
    np.testing.assert_allclose(moments.means, rows.mean(), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, rows.cov(), rtol=1e-9, atol=1e-12)


# --- shipped aggregates, offline ------------------------------------------------------------------


def test_aggregates_hold_every_promised_table() -> None:
    tables = datasets.aggregates("sfo").tables
    keys = {"counts", "weighted", *(f"moments/overall/{year}" for year in ROWS)}
    keys |= {f"moments/{pair}/{year}" for pair in ("recommend", "overall+recommend") for year in (2017, 2018)}
    assert set(tables) == keys | {f"fourth/{key}" for key in ("overall", "recommend", "overall+recommend")}
    assert [tables[f"moments/recommend/{year}"].n for year in (2017, 2018)] == [927, 783]
    assert sum(tables[f"moments/overall/{year}"].n for year in ROWS) == 5_095
    assert tables["moments/overall+recommend/2017"].names == ("overall", "recommend")


def test_counts_add_up_to_the_respondents_of_the_year() -> None:
    counts = datasets.aggregates("sfo").tables["counts"]
    totals = counts.groupby(["item", "year"])["n"].sum().unstack()
    assert totals.drop(index="recommend").eq(pd.Series(ROWS)).all(axis=None)
    assert totals.loc["recommend"].dropna().to_dict() == {2017: ROWS[2017], 2018: ROWS[2018]}
    assert counts["n"].min() > 0


def test_weighted_counts_agree_with_counts() -> None:
    tables = datasets.aggregates("sfo").tables
    plain = tables["counts"][tables["counts"]["answer"].str.isdigit()]
    plain = plain.assign(answer=plain["answer"].astype(float)).set_index(["year", "item", "answer"])["n"]
    summed = tables["weighted"].groupby(["year", "item", "answer"])["n"].sum()
    assert summed.to_dict() == plain[plain.index.isin(summed.index)].to_dict()
    assert set(tables["weighted"]["item"]) == {"overall", "recommend"}


def test_weights_read_back_to_the_same_double() -> None:
    with (DATA / "sfo" / "weighted.csv").open(newline="") as file:
        written = [float(row["weight"]) for row in csv.DictReader(file)]
    assert datasets.aggregates("sfo").tables["weighted"]["weight"].tolist() == written


def test_columns_of_aggregates_are_in_their_tables() -> None:
    study = datasets.aggregates("sfo")
    described = [column.name for column in study.columns]
    assert "respondent_id" not in described
    assert set(described) == {"year", "weight", *study.tables["counts"]["item"]}
    assert names(study, role="item") == list(study.tables["moments/overall/2013"].names[:-1])
    assert names(study, role="cx") == ["overall"]
    assert names(study, role="loyalty") == ["recommend"]
    mobi = datasets.aggregates("mobi")
    assert {column.name for column in mobi.columns} == set(mobi.tables["moments/all"].names)


def test_roles_and_constructs() -> None:
    study = datasets.aggregates("sfo")
    assert names(study, role="item", construct="UX") == ["wifi", "screens", "signs", "find_way"]
    assert names(study, construct="service") == ["info_booth_dep", "security", "info_booth_arr"]
    assert len(names(study, role="rating")) == 9
    assert names(study, role="event") == ["met_problem", "used_wifi"]
    mobi = datasets.aggregates("mobi")
    assert names(mobi, construct="UX") == [f"PERQ{number}" for number in range(1, 8)]
    assert names(mobi, role="cx") == ["CUSA1", "CUSA2", "CUSA3"]
    assert names(mobi, role="loyalty") == ["CUSL1", "CUSL2", "CUSL3"]
    assert len(mobi.columns) == 24


def test_covariances_are_symmetric_and_positive() -> None:
    for name in ("sfo", "mobi"):
        for key, moments in datasets.aggregates(name).tables.items():
            if isinstance(moments, Moments):
                assert (moments.covariance == moments.covariance.T).all(), key
                assert np.linalg.eigvalsh(moments.covariance).min() > 0, key


def test_moments_from_exact_sums() -> None:
    rng = np.random.default_rng(7)
    rows = pd.DataFrame(rng.integers(1, 6, (40, 3)).astype(float), columns=["a", "b", "c"])
    rows.loc[[3, 9], "b"] = np.nan
    made = script().moments(rows, ["a", "b"])
    assert (made["n"], made["n_missing"]) == (38, 2)
    expected = rows[["a", "b"]].dropna().cov().to_numpy()
    np.testing.assert_allclose(made["covariance"][1], expected[1], rtol=1e-12)
    assert json.loads(script().document({"moments/x": made})) == {"moments/x": made}


@pytest.mark.parametrize("name", ["sfo", "mobi"])
def test_dictionary_is_a_data_package(name: str) -> None:
    package = json.loads((DATA / name / "datapackage.json").read_text(encoding="utf-8"))
    assert package["name"] == name
    assert package["licenses"]
    assert package["sources"]
    assert len({resource["name"] for resource in package["resources"]}) == len(package["resources"])
    for field in package["tables"]["answers"]["schema"]["fields"]:
        assert {"name", "type", "description", "role"} <= set(field)
        assert set(field.get("raw", {})) <= {str(year) for year in ROWS}
    for resource in package["resources"]:
        if resource["shipped"]:
            assert (DATA / name / resource["path"]).is_file()
        else:
            assert resource["hash"].startswith("sha256:")
            assert not (DATA / name / resource["file"]).exists()


@pytest.mark.parametrize("function", [datasets.load, datasets.aggregates])
def test_unknown_study(function: Callable[[str], Study]) -> None:
    with pytest.raises(
        ArgumentError, match=r"no study 'sfoo'; there is 'harbor', 'mobi', 'sfo', 'shop'\. Did you mean 'sfo'\?"
    ):
        function("sfoo")


def test_files_are_sought_in_the_package_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert datasets._HOMES[0] == Path(datasets.__file__).parent / "data"
    assert datasets._HOMES[1] == Path(datasets.__file__).parent.parent / "data"
    inside = tmp_path / "inside"
    monkeypatch.setattr(datasets, "_HOMES", (inside, DATA))
    assert datasets.aggregates("mobi").tables["moments/all"].n == 250
    shutil.copytree(DATA / "mobi", inside / "mobi")
    package = json.loads((inside / "mobi" / "datapackage.json").read_text(encoding="utf-8"))
    package["sources"] = [{"title": "inside", "path": "the package"}]
    (inside / "mobi" / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    assert datasets.aggregates("mobi").source.startswith("inside, the package")


def test_no_dictionary_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(DataError, match=r"datapackage\.json is neither in"):
        datasets.aggregates("sfo")


@pytest.mark.parametrize("name", SHIPPED)
def test_changed_aggregate_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, file = name.split("/")
    shutil.copytree(DATA / study, tmp_path / study)
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path, tmp_path))
    path = tmp_path / study / file
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(DataError, match=r"not the one in SHA256SUMS"):
        datasets.aggregates(study)


@pytest.mark.parametrize("file", ["moments.json", "SHA256SUMS"])
def test_absent_aggregate_is_named(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DATA / "mobi", tmp_path / "mobi")
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path, tmp_path))
    (tmp_path / "mobi" / file).unlink()
    with pytest.raises(DataError, match=f"{file} cannot be read"):
        datasets.aggregates("mobi")


# --- small raw folders of our own -----------------------------------------------------------------


class Small:
    """A raw folder with three respondents a year, and a dictionary that expects them."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.home, self.cache = folder / "raw", folder / "home", folder / "cache"
        package = json.loads((DATA / "sfo" / "datapackage.json").read_text(encoding="utf-8"))
        self.fields = package["tables"]["answers"]["schema"]["fields"]
        for resource in package["resources"]:
            if not resource["shipped"]:
                resource["rows"] = 3
        (self.home / "sfo").mkdir(parents=True)
        (self.home / "sfo" / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
        (self.raw / "sfo").mkdir(parents=True)
        for year in ROWS:
            self.write(year)

    def path(self, year: int) -> Path:
        return self.raw / "sfo" / f"{year}_SFO_Customer_Survey_20250817.csv"

    def write(self, year: int, encoding: str = "latin-1", **cells: str) -> None:
        """Three rows; ``cells`` overwrites the named items in the second."""
        columns = {field["name"]: field["raw"][str(year)] for field in self.fields if str(year) in field.get("raw", {})}
        rows = []
        for number in (1, 2, 3):
            plain = {"respondent_id": str(number), "weight": "0.5", "met_problem": "2", "used_wifi": "1"}
            row = {item: plain.get(item, str(number + 2)) for item in columns}
            rows.append({**row, **(cells if number == 2 else {})})
        with self.path(year).open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*columns.values(), "COMMENT"])
            writer.writerows([*(row[item] for item in columns), "café, très bien"] for row in rows)

    def edit(self, year: int, change: Callable[[bytes], bytes]) -> None:
        self.path(year).write_bytes(change(self.path(year).read_bytes()))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    made = Small(tmp_path)
    monkeypatch.setattr(datasets, "_HOMES", (made.home, made.home))
    monkeypatch.setenv("CXUXLIB_DATA", str(made.raw))
    monkeypatch.setenv("CXUXLIB_CACHE", str(made.cache))
    return made


def test_small_folder_is_loaded(small: Small) -> None:
    small.write(2014, wifi="0", food="6", met_problem="4", overall="0")
    small.write(2017, overall="Blank", recommend="")
    small.write(2018, overall="BLANK", recommend="11")
    study = datasets.load("sfo")
    answers, missing = study.tables["answers"], study.tables["missing"]
    assert len(answers) == 18
    assert "0 of 6 raw files equal" in study.source
    assert answers.set_index("respondent_id").loc["2013-3", ["wifi", "used_wifi", "weight"]].tolist() == [
        5,
        1,
        0.5,
    ]
    reasons = missing[missing["reason"] != "not asked"]
    assert list(reasons.itertuples(index=False, name=None)) == [
        ("2014-2", "wifi", "blank"),
        ("2014-2", "food", "never used"),
        ("2014-2", "overall", "blank"),
        ("2014-2", "met_problem", "other answer"),
        ("2017-2", "overall", "blank"),
        ("2017-2", "recommend", "blank"),
        ("2018-2", "overall", "blank"),
        ("2018-2", "recommend", "blank"),
    ]
    assert answers.drop(columns="recommend").isna().sum().sum() == 6


def test_byte_order_mark_and_blank_lines_do_no_harm(small: Small) -> None:
    small.edit(2015, lambda content: b"\xef\xbb\xbf" + content + b"\n\n")
    assert len(datasets.load("sfo").tables["answers"]) == 18


@pytest.mark.parametrize(
    ("item", "code", "message"),
    [
        (
            "wifi",
            "7",
            r"2015_.*column 'Q7WIFI' holds '7' in 1 row; allowed are '1', .*'0' \(blank\), '6' \(never",
        ),
        ("signs", "x", r"column 'Q7SIGN' holds 'x' in 1 row"),
        ("signs", "3.5", r"column 'Q7SIGN' holds '3\.5'"),
        ("safe", "", r"column 'Q10SAFE' holds '' in 1 row"),
        ("used_wifi", "5", r"column 'Q4WIFI' holds '5' in 1 row; allowed are '1', '2', '0' \(blank\)"),
        ("weight", "-1", r"column 'WEIGHT' holds '-1' in 1 row; a weight is a positive number"),
        ("weight", "nan", r"column 'WEIGHT' holds 'nan'"),
        ("weight", "much", r"column 'WEIGHT' holds 'much'"),
        ("respondent_id", "", r"column 'RESPNUM' is empty in 1 rows"),
        ("respondent_id", "3", r"1 respondent ids occur twice: '2015-3'"),
    ],
)
def test_unknown_code_is_refused(small: Small, item: str, code: str, message: str) -> None:
    small.write(2015, **{item: code})
    with pytest.raises(DataError, match=message):
        datasets.load("sfo")


def test_recommendation_out_of_range_is_refused(small: Small) -> None:
    small.write(2018, recommend="12")
    with pytest.raises(DataError, match=r"2018_.*column 'NETPRO  ' holds '12' in 1 row"):
        datasets.load("sfo")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: content.rindex(b"\n", 0, -1)], r"has 2 rows and should have 3: it is cut"),
        (lambda content: content[: content.rindex(b',"')], r"data row 3 has \d+ values for \d+ columns"),
        (lambda content: content[:-5], r"is not a whole CSV file \(unexpected end of data\)"),
        (lambda content: content + content.splitlines(keepends=True)[-1], r"has 4 rows .* another edition"),
        (lambda content: b"", r"is empty"),
        (lambda content: content.splitlines(keepends=True)[0], r"has 0 rows"),
        (lambda content: content.replace(b"Q7WIFI", b"Q7WLAN"), r"lacks 'Q7WIFI'\. There is no column"),
        (lambda content: content.replace(b"COMMENT", b" q7wifi "), r"more than one column 'Q7WIFI'"),
        (lambda content: content.decode("latin-1").encode("utf-16"), r"not the expected CSV export"),
        (lambda content: bytes(range(256)) * 20, r"not the expected CSV export|not a whole CSV file"),
        (lambda content: b'a,"' + b"x" * 200_000, r"not a whole CSV file"),
        (lambda content: b"<!DOCTYPE html><title>Sorry</title>", r"it begins with '<!DOCTYPE html>"),
    ],
    ids=[
        "row lost", "row cut", "quote open", "row added", "empty", "header only", "column renamed",
        "column doubled", "utf-16", "garbage", "endless field", "web page",
    ],
)  # fmt: skip
def test_damaged_file_is_refused(small: Small, change: Callable[[bytes], bytes], message: str) -> None:
    small.edit(2015, change)
    with pytest.raises(DataError, match=message):
        datasets.load("sfo")


def test_absent_year_is_named(small: Small) -> None:
    small.path(2016).unlink()
    with pytest.raises(DataError, match=r"no file '2016_SFO_Customer_Survey\*\.csv' \(there: '2013_.*t3vr-buhp"):
        datasets.load("sfo")


def test_two_files_of_one_year_are_refused(small: Small) -> None:
    shutil.copy(small.path(2016), small.path(2016).with_name("2016_SFO_Customer_Survey_old.csv"))
    with pytest.raises(DataError, match="keep one of them"):
        datasets.load("sfo")


def test_absent_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXUXLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="no such folder"):
        datasets.load("sfo")


def test_unreadable_file_is_named(small: Small) -> None:
    small.path(2016).unlink()
    small.path(2016).mkdir()
    with pytest.raises(DataError, match=r"2016_.*cannot be read"):
        datasets.load("sfo")


def test_mobi_rows_come_from_a_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXUXLIB_DATA", raising=False)
    with pytest.raises(DataError, match=r'licence forbids it.*datasets\.aggregates\("mobi"\)'):
        datasets.load("mobi")
    monkeypatch.setenv("CXUXLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no file 'mobi\.csv'"):
        datasets.load("mobi")


def test_mobi_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [column.name for column in datasets.aggregates("mobi").columns]
    rows = ["10" + ",5" * 23] * 250
    path = tmp_path / "mobi" / "mobi.csv"
    path.parent.mkdir()
    path.write_text("\n".join([",".join(items), *rows]), encoding="ascii")
    monkeypatch.setenv("CXUXLIB_DATA", str(tmp_path))
    answers = datasets.load("mobi").tables["answers"]
    assert answers["respondent_id"].tolist() == [str(row) for row in range(1, 251)]
    assert answers[items[0]].eq(10).all()
    path.write_text("\n".join([",".join(items), *rows[1:], "0" + ",5" * 23]), encoding="ascii")
    with pytest.raises(DataError, match=r"holds '0' in 1 row; allowed are '1', .* '10'\.$"):
        datasets.load("mobi")


# --- the download, without a network --------------------------------------------------------------


class Portal:
    """Stands in for the downloader: serves a small raw folder, and counts."""

    def __init__(self, small: Small) -> None:
        package = json.loads((small.home / "sfo" / "datapackage.json").read_text(encoding="utf-8"))
        self.files = {
            resource["path"]: small.path(resource["year"])
            for resource in package["resources"]
            if not resource["shipped"]
        }
        self.asked: list[str] = []
        self.breaks_after: int | None = None

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        self.asked.append(url)
        content = self.files[url].read_bytes()
        Path(output_file).write_bytes(content[: self.breaks_after])
        if self.breaks_after is not None:
            raise ConnectionResetError("connection reset by peer")


@pytest.fixture
def portal(small: Small, monkeypatch: pytest.MonkeyPatch) -> Portal:
    import pooch

    made = Portal(small)
    monkeypatch.delenv("CXUXLIB_DATA")
    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **_settings: made)
    return made


def test_downloaded_once(small: Small, portal: Portal) -> None:
    first = datasets.load("sfo")
    assert len(portal.asked) == 6
    second = datasets.load("sfo")
    assert len(portal.asked) == 6
    pd.testing.assert_frame_equal(first.tables["answers"], second.tables["answers"])
    kept = sorted(path.name for path in (small.cache / "sfo").iterdir())
    assert kept == [f"{year}_SFO_Customer_Survey.csv" for year in ROWS]


def test_the_cache_serves_as_a_folder(small: Small, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.load("sfo")
    monkeypatch.setenv("CXUXLIB_DATA", str(small.cache))
    assert len(datasets.load("sfo").tables["answers"]) == 18


def test_broken_download_leaves_nothing(small: Small, portal: Portal) -> None:
    portal.breaks_after = 100
    with pytest.raises(DataError, match=r"mjr8-p6m5.*could not be downloaded into .*sfo .*reset.*CXUXLIB_DATA"):
        datasets.load("sfo")
    assert list((small.cache / "sfo").iterdir()) == []


def test_wrong_download_leaves_nothing(small: Small, portal: Portal) -> None:
    small.edit(2013, lambda _content: b"<html>The portal is being maintained</html>")
    with pytest.raises(DataError, match=r"^https://data\.sfgov\.org/.*mjr8-p6m5.*not the expected CSV export"):
        datasets.load("sfo")
    assert list((small.cache / "sfo").iterdir()) == []


def test_half_written_cache_is_fetched_again(small: Small, portal: Portal) -> None:
    datasets.load("sfo")
    cached = small.cache / "sfo" / "2014_SFO_Customer_Survey.csv"
    whole = cached.read_bytes()
    cached.write_bytes(whole[: len(whole) // 2])
    assert len(datasets.load("sfo").tables["answers"]) == 18
    assert len(portal.asked) == 7
    assert cached.read_bytes() == whole


def test_half_written_cache_without_a_network_is_an_error(small: Small, portal: Portal) -> None:
    datasets.load("sfo")
    cached = small.cache / "sfo" / "2014_SFO_Customer_Survey.csv"
    cached.write_bytes(cached.read_bytes()[:100])
    portal.breaks_after = 0
    with pytest.raises(DataError, match="could not be downloaded"):
        datasets.load("sfo")


def test_unreachable_portal(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real downloader against a port of this machine where nobody listens."""
    path = small.home / "sfo" / "datapackage.json"
    package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    package["resources"][0]["path"] = "http://127.0.0.1:9/rows.csv"
    path.write_text(json.dumps(package), encoding="utf-8")
    monkeypatch.delenv("CXUXLIB_DATA")
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:9/rows\.csv could not be downloaded"):
        datasets.load("sfo")
    assert list((small.cache / "sfo").iterdir()) == []


def test_cache_folder_that_cannot_be_made(small: Small, portal: Portal) -> None:
    small.cache.write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(DataError, match="could not be downloaded into"):
        datasets.load("sfo")
