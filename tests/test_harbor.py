"""The shipped simulated study: it can be made again, is small, and loads as what it was."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from cxuxlib import claims, datasets, worlds
from cxuxlib.errors import ArgumentError, DataError

DATA = Path(__file__).resolve().parent.parent / "data"
HOME = DATA / "harbor"


def seed() -> int:
    spec = importlib.util.spec_from_file_location("make_harbor", DATA / "make_harbor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return int(module.SEED)


def test_the_files_can_be_made_again_to_the_byte(tmp_path: Path) -> None:
    made = worlds.write_study(worlds.make("harbor", n=2000, waves=4, rng=seed()), tmp_path / "new")
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in HOME.iterdir())
    for path in HOME.iterdir():
        assert (made / path.name).read_bytes() == path.read_bytes(), path.name


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in HOME.iterdir()) < 3_000_000


def test_what_loads_is_what_was_made() -> None:
    loaded, made = datasets.load("harbor"), worlds.make("harbor", n=2000, waves=4, rng=seed())
    assert list(loaded.tables) == list(made.tables)
    for name, table in made.tables.items():
        plain = table.astype({column: str for column in table if table[column].dtype == "category"})
        pd.testing.assert_frame_equal(loaded.tables[name], plain, check_dtype=False)
    assert loaded.columns == made.columns
    assert dict(loaded.truth or {}) == dict(made.truth or {})
    assert (loaded.name, loaded.source) == (made.name, made.source)
    assert loaded.tables["surveys"]["responded"].dtype == bool


def test_the_dictionary_describes_truth_and_tables() -> None:
    package = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
    assert set(package["truth"]) == set(package["truth_says"])
    for resource in package["resources"]:
        content = (HOME / resource["path"]).read_bytes()
        assert len(content) == resource["bytes"]
        assert content.count(b"\n") == resource["rows"] + 1
        header = content.split(b"\n", 1)[0].decode().split(",")
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        assert {field["type"] for field in resource["schema"]["fields"]} <= {"integer", "number", "boolean", "string"}
        assert all(field["description"] for field in resource["schema"]["fields"])


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "harbor"
    home.mkdir()
    for path in HOME.iterdir():
        (home / path.name).write_bytes(path.read_bytes())
    (home / "churn.csv").write_bytes((home / "churn.csv").read_bytes().replace(b"1,4,0", b"1,4,1", 1))
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path, DATA))
    with pytest.raises(DataError, match=r"churn\.csv has the SHA-256"):
        datasets.load("harbor")


def test_it_has_no_aggregates() -> None:
    with pytest.raises(ArgumentError, match="shipped whole"):
        datasets.aggregates("harbor")


def test_claims_can_be_judged() -> None:
    table = claims.judge_all(datasets.load("harbor")).table.set_index("claim")
    truth = datasets.load("harbor").truth or {}
    assert table["verdict"].to_dict() == {
        "A0 distinct": "supported", "A1 facet": "supported", "A2 part": "supported", "A3 proper": "supported",
        "A4 complete": "supported", "A5 screening-off": "undecided", "B1 associated": "supported",
        "B4 service too": "refuted", "C1 additive": "supported", "C2 compensation": "undecided",
        "C3 weakest link": "undecided", "C4 soured": "refuted", "C7 no rescue": "undecided",
        "D1 one product": "undecided", "E1 precision": "refuted", "B2 direction": "undecided",
        "B3 cause": "supported", "B5 retention": "supported", "B6 breaking UX": "supported",
    }  # fmt: skip
    assert table.loc["A0 distinct", "low"] < truth["r_ux_cx"] < table.loc["A0 distinct", "high"]
