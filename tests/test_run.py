"""The front door, run.py, and the lock it installs from."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import run

COMMANDS = ("study", "test", "lab", "refresh", "lock")
SOURCE = Path(run.__file__).read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A repository with an environment that looks finished, and nothing behind it."""
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    venv = tmp_path / ".venv"
    python = venv / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "requirements-spark.lock").write_text("pyspark==4.3.0\n")
    locks = {"LOCK": tmp_path / "requirements.lock", "SPARK_LOCK": tmp_path / "requirements-spark.lock"}
    names = {"ROOT": tmp_path, **locks, "VENV": venv, "PYTHON": python}
    for name, value in {**names, "STAMP": venv / "stamp"}.items():
        monkeypatch.setattr(run, name, value)
    return tmp_path


@pytest.fixture
def steps(monkeypatch):
    """The steps of the set-up, written down instead of taken."""
    taken = []

    def step(what, *command):
        taken.append(what)
        if what == "Making the environment":
            run.PYTHON.parent.mkdir(parents=True)
            run.PYTHON.touch()

    monkeypatch.setattr(run, "step", step)
    return taken


WHOLE = ["Making the environment", "Installing the packages of requirements.lock", "Installing cxuxlib"]


def test_an_older_python_can_read_it_far_enough_to_be_told():
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
    assert "tomllib" not in imported


def test_help_names_every_command(capsys):
    assert run.main(["-h"]) == run.main([]) == 0
    told = capsys.readouterr().out
    assert tuple(run.COMMANDS) == COMMANDS
    assert all(f"run.py {command} " in told for command in COMMANDS)


@pytest.mark.parametrize("arguments", [["tset"], ["study", "more"]])
def test_a_wrong_call_is_told_without_setting_up(arguments, steps, capsys):
    assert run.main(arguments) == 2
    assert capsys.readouterr().err
    assert not steps


def test_it_works_from_any_folder(tmp_path):
    told = subprocess.run(
        [sys.executable, run.__file__, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "run.py study" in told.stdout


def test_the_second_call_does_nothing(folder, steps):
    run.set_up()
    assert steps == WHOLE
    run.set_up()
    assert steps == WHOLE


def test_spark_is_installed_for_the_tests_alone(folder, steps):
    run.set_up(spark=True)
    assert steps == [*WHOLE, "Installing Spark for its tests"]
    run.set_up(spark=True)
    run.set_up()
    assert len(steps) == len(WHOLE) + 1
    run.SPARK_LOCK.write_text("pyspark==4.3.1\n")
    run.set_up()
    assert len(steps) == len(WHOLE) + 1
    run.set_up(spark=True)
    assert len(steps) == len(WHOLE) + 2


@pytest.mark.parametrize("change", ["requirements.lock", "python", "moved"])
def test_other_packages_another_python_or_place_need_a_new_environment(change, folder, steps, monkeypatch):
    run.set_up()
    if change == "requirements.lock":
        run.LOCK.write_text("numpy==2.4.7\n")
    elif change == "python":
        monkeypatch.setattr(run.platform, "python_version", lambda: "3.99.0")
    else:
        (folder / "elsewhere").mkdir()
        (folder / "elsewhere" / "pyproject.toml").write_text("[project]\n")
        monkeypatch.setattr(run, "ROOT", folder / "elsewhere")
    left = run.VENV / "left-over"
    left.touch()
    run.set_up()
    assert steps == WHOLE * 2
    assert not left.exists()


def test_a_changed_pyproject_only_installs_the_package_anew(folder, steps):
    run.set_up()
    (folder / "pyproject.toml").write_text("[project]\nversion = '2'\n")
    run.set_up()
    assert steps == [*WHOLE, WHOLE[-1]]


def test_a_half_made_environment_is_made_anew(folder, steps, monkeypatch):
    whole_step = run.step

    def interrupted(what, *command):
        whole_step(what, *command)
        if what == WHOLE[1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "step", interrupted)
    assert run.main(["test"]) == 130
    assert not run.STAMP.exists()
    monkeypatch.setattr(run, "step", whole_step)
    run.set_up()
    assert steps == [*WHOLE[:2], *WHOLE]


def test_a_folder_that_is_no_environment_is_left_alone(folder, steps, monkeypatch):
    documents = folder / "documents"
    documents.mkdir()
    (documents / "thesis.txt").write_text("years of work")
    monkeypatch.setattr(run, "VENV", documents)
    monkeypatch.setattr(run, "STAMP", documents / "stamp")
    with pytest.raises(run.SetupError, match="no virtual environment"):
        run.set_up()
    assert (documents / "thesis.txt").exists()


def test_a_missing_ensurepip_is_told_with_the_package_to_install(folder, monkeypatch, capsys):
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    assert run.main(["test"]) == 1
    assert "sudo apt install python3-venv" in capsys.readouterr().err


def test_a_failing_step_shows_its_own_words_and_what_to_do(capsys):
    with pytest.raises(run.SetupError, match=r"(?s)no route to host.*call the same command again"):
        run.step("Installing", sys.executable, "-c", "raise SystemExit('no route to host')")
    assert capsys.readouterr().out.startswith("Installing ...")


def test_the_exit_code_is_passed_on_and_stops_what_follows(monkeypatch):
    monkeypatch.setattr(run, "PYTHON", sys.executable)
    assert run.run(["-c", "raise SystemExit(5)"]) == 5
    called = []
    monkeypatch.setattr(run, "set_up", lambda spark: None)
    monkeypatch.setattr(run, "run", lambda arguments: called.append(arguments) or 3)
    assert run.main(["study"]) == 3
    assert len(called) == 1
    assert run.main(["test", "-k", "nps"]) == 3
    assert called[-1] == ["-m", "pytest", "-k", "nps"]


def test_children_may_write_bytecode():
    assert "PYTHONDONTWRITEBYTECODE" not in run.ENVIRONMENT


@pytest.mark.parametrize(("path", "least"), [(run.LOCK, 100), (run.SPARK_LOCK, 2)])
def test_every_locked_package_has_a_hash_and_no_place(path, least):
    lock = path.read_text(encoding="utf-8")
    entries = re.split(r"(?m)^(?=[a-z0-9])", lock)[1:]
    assert len(entries) >= least
    assert all(re.match(r"[a-z0-9._-]+==[^\s]+ ", each) and "--hash=sha256:" in each for each in entries)
    assert "python3 run.py lock" in lock.partition("==")[0]
    assert not re.search(r"://|file:|find-links|index-url|(?m:^\s*-[ef] )|[ =]/|[A-Z]:\\", lock)


def test_the_lock_serves_the_oldest_python_and_all_groups():
    lock = run.LOCK.read_text(encoding="utf-8")
    oldest = tomllib.loads((run.ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert oldest.replace(">=", "--python-version=") in run.LOCK_OPTIONS
    for name in ("nbval", "nbclient", "ruff", "mypy", "uv", "hatchling", "editables", "polars", "duckdb"):
        assert re.search(rf"(?m)^{name}==", lock), name
