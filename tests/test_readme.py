"""What the README promises is true."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cxuxlib import claims, datasets, plots

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "B4 service too undecided" in ran.stdout
    assert (tmp_path / "drivers.png").is_file()


def test_the_picture_says_what_the_library_says() -> None:
    (alt,) = re.findall(r"!\[(.*)\]\(docs/ruling\.png\)", README)
    found = claims.judge_all(datasets.load("harbor"))
    title = "A simulated company, where UX is a part of CX"
    assert alt == repr(plots.verdicts(replace(found, rulings=found.rulings[:6]), title=title))
    assert (ROOT / "docs" / "ruling.png").read_bytes().startswith(b"\x89PNG")


def test_what_it_names_is_there() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`(\d\d-[a-z-]+)`", README):
        assert (ROOT / "notebooks" / f"{name}.ipynb").is_file(), name
    for command in re.findall(r"python3 run\.py (\w+)", README):
        assert f'"{command}"' in (ROOT / "run.py").read_text(encoding="utf-8"), command
