"""The notebooks notice when a definition is wrong: each fault is planted in a copy, and a cell must fail."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def plant(copy: Path) -> None:
        source = (copy / path).read_text(encoding="utf-8")
        assert source.count(old) == 1, f"{path} no longer says {old!r} once"
        (copy / path).write_text(source.replace(old, new), encoding="utf-8")

    return plant


def drop_weights_of_2017(copy: Path) -> None:
    folder = copy / "data" / "sfo"
    table = pd.read_csv(folder / "weighted.csv")
    table.loc[table["year"] == 2017, "weight"] = 1.0
    old = hashlib.sha256((folder / "weighted.csv").read_bytes()).hexdigest()
    table.to_csv(folder / "weighted.csv", index=False, lineterminator="\n")
    new = hashlib.sha256((folder / "weighted.csv").read_bytes()).hexdigest()
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8")
    (folder / "SHA256SUMS").write_text(sums.replace(old, new), encoding="utf-8")


def failures(copy: Path, notebook: str) -> str:
    """What strict nbval says of a notebook that runs on the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(copy)]
    command += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", f"notebooks/{notebook}.ipynb"]
    ran = subprocess.run(
        command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout if ran.returncode else ""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("cxuxlib", "data", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


AIRPORT, MOBILE = "01-what-moves-an-airports-nps", "02-are-quality-and-satisfaction-two-things"
PROMOTERS = replace("cxuxlib/metrics/cx.py", '"100 * (x >= 9) - 100', '"100 * (x >= 10) - 100')
SIGN = replace(
    "cxuxlib/stats/correlations.py", "scale, pull = scale / np.sqrt(within)", "scale, pull = scale * np.sqrt(within)"
)


@pytest.mark.parametrize("notebook", [AIRPORT, MOBILE])
def test_an_unchanged_copy_passes(copy: Path, notebook: str) -> None:
    assert failures(copy, notebook) == ""


@pytest.mark.parametrize(
    ("notebook", "plant"),
    [(AIRPORT, PROMOTERS), (MOBILE, SIGN), (AIRPORT, drop_weights_of_2017)],
    ids=["promoters from 10", "sign in HTMT", "weights of 2017 dropped"],
)
def test_a_planted_fault_fails_a_cell(copy: Path, notebook: str, plant: Callable[[Path], None]) -> None:
    plant(copy)
    assert " failed" in failures(copy, notebook)
