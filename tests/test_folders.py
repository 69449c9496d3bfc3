"""A folder of one's own: what is read, and everything that is wrong with it in one message."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import claims, datasets, worlds
from cxuxlib.__main__ import main
from cxuxlib.errors import DataError

SCALE = {"minimum": 1, "maximum": 7}


def item(name: str, construct: str = "UX", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "integer", "role": "item", "construct": construct, "constraints": SCALE} | more


def fields() -> list[dict[str, Any]]:
    ux = [item(f"u{k}") for k in range(1, 4)]
    service = [item(f"s{k}", "service") for k in range(1, 4)]
    cx = [{"name": f"c{k}", "role": "cx", "constraints": SCALE} for k in range(1, 4)]
    return [{"name": "customer", "role": "unit"}, *ux, *service, *cx]


def frame(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    names = [each["name"] for each in fields()[1:]]
    answers = pd.DataFrame(rng.integers(1, 8, size=(n, len(names))), columns=names)
    answers.insert(0, "customer", [f"c{k}" for k in range(n)])
    return answers


def written(
    home: Path, table: pd.DataFrame | None = None, described: list[dict[str, Any]] | None = None, **more: Any
) -> Path:
    (frame() if table is None else table).to_csv(home / "answers.csv", index=False)
    resource = {"name": "answers", "path": "answers.csv", "schema": {"fields": described or fields()}}
    (home / "datapackage.json").write_text(json.dumps({"name": "mine", "resources": [resource]} | more), "utf-8")
    return home


def problems(home: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        datasets.open_study(home)
    first, *rest = str(caught.value).split("\n")
    assert "problem" in first
    return rest


def test_a_folder_becomes_a_study(tmp_path: Path) -> None:
    table = frame().rename(columns={"u1": "How easy?"}).astype(object)
    table.loc[3, "u2"] = "n/a"
    table.loc[4, "u2"] = ""
    described = fields()
    described[1]["column"] = "How easy?"
    study = datasets.open_study(written(tmp_path, table, described, missingValues=["", "n/a"], title="A test"))
    answers = study.tables["answers"]
    assert len(answers) == 200
    assert answers["u2"].isna().sum() == 2
    assert answers["u1"].dtype == float
    assert study.name == "mine"
    assert study.source == "A test"
    assert [each.name for each in study.columns] == [each["name"] for each in described]


def test_what_worlds_write_is_read_back(tmp_path: Path) -> None:
    made = worlds.make("harbor", n=300, waves=2, rng=3)
    found = datasets.open_study(worlds.write_study(made, tmp_path))
    assert set(found.tables) == set(made.tables)
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], table, check_dtype=False, check_categorical=False)
    assert found.truth == made.truth
    assert claims.judge_all(found).table["verdict"].tolist() == claims.judge_all(made).table["verdict"].tolist()


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    table = frame().astype(object)
    table.loc[0, "u1"] = "very good"
    table.loc[1, "u2"] = 9
    table.loc[2, "s1"] = 2.5
    table.loc[7, "customer"] = table.loc[6, "customer"]
    described = fields()
    described[3]["construct"] = "usability"
    described[5] = item("s2", "other facet")
    described[6] = item("s3", "service", constraints={"minimum": 0, "maximum": 10})
    described.append(item("u1"))
    described.append(item("again", column="u2"))
    described.append(item("gone", "service"))
    described.append({"name": "c1b", "column": "c9"})
    said = problems(written(tmp_path, table, described))
    for part in (
        "answers.u1: 1 value is no number; the first is 'very good', row 2",
        "answers.u2: 1 value is outside 1 to 7; the first is '9', row 3",
        "answers.s1: 1 value is no whole number; the first is '2.5', row 4",
        "answers.customer: 1 customer has several rows; the first is 'c6'",
        "answers.u3: There is no construct 'usability'; there is 'UX', 'service', 'other facet'",
        'answers.s2: an item of another facet names its "facet"',
        "answers.u1: two columns are mapped to this name",
        "answers.again: reads the column 'u2' that 'u2' reads already",
        "answers.gone: There is no column 'gone'",
        'answers.c1b: has no "role"',
        "facet 'service': its items are on different scales: 1 to 7 ('s1', 'gone') and 0 to 10 ('s3')",
    ):
        assert any(part in line for line in said), part


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "is no JSON"),
        ("[]", "must hold an object"),
        ("{}", '"resources" must list the tables'),
        ('{"resources": [{"name": "logs", "path": "answers.csv"}]}', 'there is neither "answers" nor "surveys"'),
        ('{"resources": [{"name": "answers", "path": "../x.csv", "schema": {"fields": [1]}}]}', "outside the folder"),
        ('{"resources": [{"name": "answers", "path": "no.csv", "schema": {}}]}', "cannot be read"),
        ('{"resources": [{"path": "a.csv"}]}', 'resource 1 needs a "name"'),
    ],
)
def test_a_dictionary_that_says_nothing_is_refused(tmp_path: Path, document: str, says: str) -> None:
    (tmp_path / "datapackage.json").write_text(document, "utf-8")
    frame().to_csv(tmp_path / "answers.csv", index=False)
    with pytest.raises(DataError, match=says):
        datasets.open_study(tmp_path)


def test_what_a_study_lacks_as_a_whole_is_said(tmp_path: Path) -> None:
    said = problems(written(tmp_path, described=[item("s1", "service")]))
    assert any('needs one column with the role "unit"' in line for line in said)
    assert any('no column is an item of the construct "UX"' in line for line in said)
    assert any("no column is an overall rating" in line for line in said)
    with pytest.raises(DataError, match="There is no folder"):
        datasets.open_study(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        datasets.open_study(tmp_path / "empty")


def test_surveys_need_waves_and_give_the_first_sheets(tmp_path: Path) -> None:
    table = pd.concat([frame().assign(when=2), frame().assign(when=1)])
    table.to_csv(tmp_path / "surveys.csv", index=False)
    wave = {"name": "when", "type": "integer", "role": "wave"}
    resource = {"name": "surveys", "path": "surveys.csv", "schema": {"fields": [*fields(), wave]}}
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": [resource]}), "utf-8")
    study = datasets.open_study(tmp_path)
    assert len(study.tables["surveys"]) == 400
    assert len(study.tables["answers"]) == 200
    resource["schema"] = {"fields": fields()}
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": [resource]}), "utf-8")
    assert any('role "wave"' in line for line in problems(tmp_path))


def test_an_example_is_judged_and_its_report_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, page = tmp_path / "mine", tmp_path / "out" / "report.html"
    assert main(["example", str(home)]) == 0
    assert main(["example", str(home)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert main(["judge", str(home), "--out", str(page)]) == 0
    assert "A0 distinct" in capsys.readouterr().out
    assert "harbor" in page.read_text("utf-8")


def test_hostile_names_are_escaped_and_a_bad_folder_leaves_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = '<script>alert("x")</script>=1+1; DROP TABLE'
    described = fields()
    for place in range(1, 4):
        described[place]["column"] = f"{bad}{place}"
    table = frame(400).rename(columns={f"u{k}": f"{bad}{k}" for k in range(1, 4)})
    home, page = written(tmp_path, table, described, name=bad, description=bad), tmp_path / "report.html"
    assert main(["judge", str(home), "--out", str(page)]) == 0
    assert "<script>" not in page.read_text("utf-8")
    page.unlink()
    table.iloc[0, 1] = 99
    written(tmp_path, table, described, name=bad)
    assert main(["judge", str(home), "--out", str(page)]) == 1
    assert "1 problem in" in capsys.readouterr().err
    assert not page.exists()
