#!/usr/bin/env python3
"""Set up cxuxlib and run it; nothing but Python is needed beforehand.

python3 run.py study      run every notebook into build/, print the rulings, write the HTML report
python3 run.py test       the whole suite: unit tests, doctests, strict nbval; more words go to pytest; its first call
                          also installs Spark (430 MB) from requirements-spark.lock
python3 run.py lab        open JupyterLab on the notebooks; more words go to JupyterLab
python3 run.py refresh    re-execute the notebooks (all, or those named) and store their outputs
python3 run.py lock       remake both lock files; more words go to uv, such as --upgrade

The first call makes .venv from the hashed requirements.lock, with uv if it is on the PATH, else with
venv and pip. Later calls start at once, until the lock or pyproject.toml changes. The variable
CXUXLIB_VENV names another folder than .venv.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
SPARK_LOCK = ROOT / "requirements-spark.lock"  # 430 MB that only the tests want
VENV = ROOT / os.environ.get("CXUXLIB_VENV", ".venv")
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "cxuxlib-ready"

# Without bytecode every kernel would compile every library again.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT.setdefault("PYTHONUTF8", "1")

ADVICE = (
    "Above are the installer's own words. If they speak of the network, check it (and the proxy), "
    "then call the same command again."
)
LOCK_OPTIONS = (
    "--universal",
    "--python-version=3.11",  # the oldest we serve, whichever runs
    "--generate-hashes",
    "--quiet",
)
COMPILE = ("-m", "uv", "pip", "compile", *LOCK_OPTIONS)
COMMANDS = {
    "study": [["tools/notebooks.py", "study", "build"], ["-m", "cxuxlib", "study", "build"]],
    "test": [["-m", "pytest"]],
    "lab": [["-m", "jupyterlab", "--notebook-dir=notebooks"]],
    "refresh": [["tools/notebooks.py", "refresh"]],
    "lock": [
        [*COMPILE, "pyproject.toml", "--group=dev", "--output-file=requirements.lock"],
        [*COMPILE, "--group=spark", "--output-file=requirements-spark.lock"],
    ],
}
TAKES_MORE_WORDS = {"test", "lab", "refresh", "lock"}


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def digest(*parts):
    """One short name for all that these texts and files say."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        whole.update(b"\0")
    return whole.hexdigest()


def wanted_stamp():
    """What the environment was made from: the packages, and our own package among them."""
    # An environment knows where it stands, so a copied repository needs its own.
    packages = digest(LOCK, sys.implementation.name, platform.python_version(), str(ROOT))
    return [packages, digest(ROOT / "pyproject.toml")]


def present_stamp():
    """What the environment was made from, if it was ever finished."""
    if PYTHON.exists() and STAMP.exists():
        return STAMP.read_text(encoding="utf-8").split()
    return []


def step(what, *command):
    """Run one command of the set-up with a line of progress; its own words are shown if it fails."""
    began = time.monotonic()
    live = sys.stdout.isatty()
    print(what + " ...", end="" if live else "\n", flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        child = subprocess.Popen(
            [str(each) for each in command],
            cwd=str(ROOT),
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        while child.poll() is None:
            try:
                child.wait(1 if live else 20)
            except subprocess.TimeoutExpired:
                passed = f"{what} ... {time.monotonic() - began:.0f} s"
                print("\r" + passed if live else passed, end="" if live else "\n", flush=True)
        passed = f"{what}: {time.monotonic() - began:.0f} s"
        print("\r" + passed.ljust(len(what) + 12) if live else passed, flush=True)
        if child.returncode:
            words.seek(0)
            raise SetupError("".join(words.readlines()[-30:]) + f"\n{what} did not succeed. {ADVICE}")


def check_venv_module():
    """Some systems ship Python without the means to make environments."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = "python{}.{}-venv".format(*sys.version_info[:2])
        raise SetupError(
            "This Python cannot make virtual environments (ensurepip is missing).\n"
            f"Debian, Ubuntu:  sudo apt install python3-venv    (or {version})\n"
            "Elsewhere:  install a complete Python, or put uv on the PATH; then call the same command again."
        )


def clear():
    """Remove what is left of an earlier environment, and nothing else."""
    if VENV.exists():
        ours = VENV.name == ".venv" or (VENV / "pyvenv.cfg").exists() or not any(VENV.iterdir())
        if not ours:
            raise SetupError(f"{VENV} is no virtual environment; name another folder in CXUXLIB_VENV.")
        STAMP.unlink(missing_ok=True)
        shutil.rmtree(str(VENV))


def set_up(spark=False):
    """Make the environment, or bring it up to date; at once when there is nothing to do."""
    wanted, present = wanted_stamp(), present_stamp()
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", PYTHON] if uv else [PYTHON, "-m", "pip", "install"]
    if wanted != present[:2]:
        make_environment(uv, install, wanted, present)
        present = wanted
    if spark and present[2:] != [digest(SPARK_LOCK)]:
        step("Installing Spark for its tests", *install, "--no-deps", "--require-hashes", "-r", SPARK_LOCK)
        STAMP.write_text("\n".join([*wanted, digest(SPARK_LOCK)]) + "\n", encoding="utf-8")


def make_environment(uv, install, wanted, present):
    """Install the packages of the lock, where they are not those already there, and ours."""
    if present[:1] == wanted[:1]:
        STAMP.unlink()
    else:
        if not uv:
            check_venv_module()
        clear()
        print(f"Setting up {VENV.name} with {'uv' if uv else 'pip'}: once, and it takes a few minutes.")
        base = getattr(sys, "_base_executable", sys.executable)  # survives when run from the old environment
        make = [uv, "venv", "--python", base] if uv else [base, "-m", "venv"]
        step("Making the environment", *make, VENV)
        step(
            "Installing the packages of requirements.lock",
            *install,
            *(["--compile-bytecode"] if uv else ["--progress-bar=off"]),
            *["--require-hashes", "-r", LOCK],
        )
    step("Installing cxuxlib", *install, "--no-deps", "--no-build-isolation", "-e", ROOT)
    STAMP.write_text("\n".join(wanted) + "\n", encoding="utf-8")


def run(arguments):
    """Run Python of the environment and pass its exit code on."""
    child = subprocess.Popen([str(PYTHON), *arguments], cwd=str(ROOT), env=ENVIRONMENT)
    while True:
        try:
            code = child.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            continue  # the child has heard it too and ends in its own way


def main(arguments):
    """Carry out one command; give back the exit code."""
    command, more = (arguments or ["-h"])[0], arguments[1:]
    if command in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if command not in COMMANDS:
        print(f"There is no command {command!r}; there are {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    if more and command not in TAKES_MORE_WORDS:
        print(f"{command} takes no further words.", file=sys.stderr)
        return 2
    if command == "lock":
        ENVIRONMENT["UV_CUSTOM_COMPILE_COMMAND"] = "python3 run.py lock"
        for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
            ENVIRONMENT.pop(name, None)
    try:
        set_up(spark=command == "test")
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next call starts the set-up afresh.", file=sys.stderr)
        return 130
    for arguments_of_python in COMMANDS[command]:
        code = run([*arguments_of_python, *more])
        if code:
            return code
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("cxuxlib needs Python 3.11 or newer; this is " + platform.python_version() + ".")
    sys.exit(main(sys.argv[1:]))
