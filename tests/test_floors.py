"""The house keeps its floors: imports go down, engines stay behind one door, public functions are documented."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "cxuxlib"
FLOORS = {
    "errors": 0, "formulas": 0, "results": 0, "study": 0, "text": 0,
    "folders": 1, "frames": 1, "stats": 1, "surveys": 1,
    "events": 2, "scales": 2,
    "metrics": 3, "models": 3,
    "worlds": 4, "datasets": 4,
    "claims": 5,
    "plots": 6, "report": 6,
    "__main__": 7,  # the command line stands with the notebooks: it calls everything and computes nothing
}  # fmt: skip
ENGINES = {"narwhals", "polars", "pyarrow", "duckdb", "pyspark"}
HEAVY = {"matplotlib", "seaborn", "statsmodels", "sklearn", "pooch", "duckdb", "polars"}
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [
    ".".join(("cxuxlib", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__") for path in FILES
]
HAVE_ARGS = {
    "Bots", "Claim", "Column", "DriverOptions", "Estimate", "Fit", "Log", "Metric", "Moments", "Region", "Scale",
    "Shares", "Source", "Study", "Task",
}  # fmt: skip


def imported(source: str) -> list[str]:
    """Dotted names a source imports, wherever in it; ``from a import b`` gives ``a.b``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their floor"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def room(name: str) -> str | None:
    """The module or package of cxuxlib that a dotted name belongs to; None outside, or for the front door."""
    parts = name.split(".")
    return parts[1] if parts[0] == "cxuxlib" and len(parts) > 1 and parts[1] in FLOORS else None


def climbs(source: str, here: str) -> list[str]:
    """Imports of a source in the room ``here`` that go up or sideways."""
    wrong = []
    for name in imported(source):
        there = room(name)
        if there is None:
            down = name.split(".")[0] != "cxuxlib"  # the front door stands above the floors it opens
        else:
            down = there == here or FLOORS[there] < FLOORS[here] or FLOORS[there] == FLOORS[here] == 0
        if not down:
            wrong.append(name)
    return wrong


def functions() -> list[tuple[str, str]]:
    """Every public function once: the module that defines it, and its name."""
    offered = [getattr(load(module), name) for module in MODULES for name in getattr(load(module), "__all__", ())]
    return sorted({(each.__module__, each.__name__) for each in offered if inspect.isfunction(each)})


def load(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in FILES if path != PACKAGE / "__init__.py"],
)
def test_imports_only_go_down(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert here in FLOORS, f"{here} has no floor in design.md"
    assert climbs(path.read_text(encoding="utf-8"), here) == []


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("stats", "from cxuxlib.models import htmt"),
        ("stats", "from cxuxlib import frames"),
        ("frames", "import cxuxlib.stats.intervals as i"),
        ("metrics", "def f():\n    from cxuxlib.models import key_drivers"),
        ("results", "from cxuxlib.frames import sums"),
        ("models", "from cxuxlib import measure"),
        ("claims", "import cxuxlib.plots"),
        ("datasets", "from cxuxlib.worlds import make"),
    ],
)
def test_a_planted_upward_import_is_caught(here: str, source: str) -> None:
    assert climbs(source, here)


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("results", "from cxuxlib import text"),
        ("stats", "from cxuxlib.stats import intervals"),
        ("claims", "from cxuxlib.models import htmt\nimport numpy as np"),
    ],
)
def test_a_downward_import_is_let_pass(here: str, source: str) -> None:
    assert climbs(source, here) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_frames_knows_engines(path: Path) -> None:
    used = {name.split(".")[0] for name in imported(path.read_text(encoding="utf-8"))} & ENGINES
    # narwhals is the language of lazy plans, which events speak too; what opens, hands over or writes tables is frames'
    allowed = {"frames": ENGINES - {"polars", "pyspark"}, "events": {"narwhals"}}
    assert used <= allowed.get(path.parent.name, set())


def test_stats_sees_no_dataframe() -> None:
    for path in (PACKAGE / "stats").glob("*.py"):
        assert "pandas" not in {name.split(".")[0] for name in imported(path.read_text(encoding="utf-8"))}


def test_there_are_public_functions_to_check() -> None:
    assert {name for _, name in functions()} >= {"measure", "estimate", "nps", "key_drivers", "htmt", "judge", "load"}


@pytest.mark.parametrize(("module", "name"), functions())
def test_signature_is_small_and_typed(module: str, name: str) -> None:
    signature = inspect.signature(getattr(load(module), name))
    kinds = {each.kind for each in signature.parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    assert len(signature.parameters) <= 8
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values())


@pytest.mark.parametrize("module", MODULES)
def test_public_surface_exists_and_is_documented(module: str) -> None:
    for name in getattr(load(module), "__all__", ()):
        offered = getattr(load(module), name)
        if inspect.isfunction(offered) or inspect.isclass(offered) or inspect.ismodule(offered):
            assert offered.__doc__, f"{module}.{name} has no docstring"


@pytest.mark.parametrize("package", ["claims", "events", "metrics", "models", "plots", "report"])
def test_a_package_offers_the_functions_of_its_modules(package: str) -> None:
    home = load(f"cxuxlib.{package}")
    modules = [name for name in MODULES if name.startswith(f"cxuxlib.{package}.")]
    offered_whole = {value.__name__ for name in home.__all__ if inspect.ismodule(value := getattr(home, name))}
    held = {name for module, name in functions() if module in modules and not module.startswith(tuple(offered_whole))}
    assert held
    assert held <= set(home.__all__)


# What reads or computes from the user's data; helpers between floors are documented in a line.
FULL = [
    (m, n)
    for m, n in functions()
    if m.startswith(("cxuxlib.events", "cxuxlib.metrics", "cxuxlib.models", "cxuxlib.claims"))
]


@pytest.mark.parametrize(("module", "name"), FULL)
def test_docstring_has_arguments_source_check_and_example(module: str, name: str) -> None:
    text = inspect.getdoc(getattr(load(module), name)) or ""
    assert "Args:" in text
    assert "Returns:" in text
    assert re.search(r"Sources?( and checks)?:", text), "no Source"
    assert "Checked against" in text or "Source and checks: see" in text
    assert ">>>" in text


@pytest.mark.parametrize(("module", "name"), functions())
def test_docstring_names_every_argument(module: str, name: str) -> None:
    function = getattr(load(module), name)
    text = inspect.getdoc(function) or ""
    if "Args:" not in text:
        pytest.skip("documented in a line")
    after = text.split("Args:", 1)[1]
    assert [each for each in inspect.signature(function).parameters if not re.search(rf"\b{each}\b", after)] == []


@pytest.mark.parametrize("name", sorted(HAVE_ARGS))
def test_dataclass_names_every_field(name: str) -> None:
    homes = (
        "cxuxlib.results",
        "cxuxlib.study",
        "cxuxlib.claims.ruling",
        "cxuxlib.events",
        "cxuxlib.models.drivers",
        "cxuxlib.scales.scale",
    )
    kind = next(getattr(load(home), name) for home in homes if hasattr(load(home), name))
    after = (inspect.getdoc(kind) or "").split("Args:", 1)[1]
    assert [each for each in kind.__dataclass_fields__ if not re.search(rf"\b{each}\b", after)] == []


def test_import_is_light() -> None:
    code = "import sys, cxuxlib; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert "cxuxlib" in run.stdout.split()
    assert HEAVY & set(run.stdout.split()) == set()
