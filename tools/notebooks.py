"""Execute the notebooks: `refresh` stores their outputs, `study` writes them as pages.

Runs inside the project's environment: `python tools/notebooks.py refresh [NAME ...]` or
`python tools/notebooks.py study FOLDER`.
"""

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"

# The same everywhere a notebook runs, in the test suite too: what is stored can then be compared.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TZ": "UTC",
}
# A backend chosen for the shell would replace the one that shows figures in a notebook.
UNSET = ("MPLBACKEND", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS")

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}

STYLE = """
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
body { font: 1rem/1.55 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; } body * { box-sizing: border-box; max-width: 100%; }
img { max-width: 100%; height: auto; }
pre { overflow: auto hidden; font-size: .875rem; margin: 0; padding: .5rem 0; line-height: 1.45; }
.prompt { display: none; } p { overflow-wrap: anywhere; }
.input_area { background: #f6f6f6; padding: .1rem .8rem; border-left: 3px solid #0173b2; }
table { border-collapse: collapse; border: 0; font-size: .9rem; display: block; overflow-x: auto; margin: .6rem 0; }
th, td { padding: .25rem .6rem; text-align: right; border: 0; border-bottom: 1px solid #ddd; }
"""


class NotebookError(Exception):
    """A notebook could not be executed; the text names it, the cell and the cause."""


def settle_environment() -> None:
    """Give this process, and so every kernel it starts, the fixed environment."""
    os.environ.update(ENVIRONMENT)
    for name in UNSET:
        os.environ.pop(name, None)


def normalised(notebook: NotebookNode) -> NotebookNode:
    """Strip what differs between two runs or two machines; ids follow the order of cells."""
    kept = nbformat.from_dict({**notebook, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})
    for position, cell in enumerate(kept.cells, start=1):
        cell["id"] = f"cell-{position:02d}"
        cell["metadata"] = {"tags": list(cell.metadata["tags"])} if cell.metadata.get("tags") else {}
    return kept


def written(notebook: NotebookNode) -> str:
    """The text of a notebook file."""
    return nbformat.writes(normalised(notebook), version=4).rstrip("\n") + "\n"


def store(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def executed(path: Path) -> NotebookNode:
    """Run a notebook in its own folder; nothing is written."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    at = [0]
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: at.__setitem__(0, cell_index),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        first = notebook.cells[at[0]].source.strip().partition("\n")[0]
        cause = error if not isinstance(error, CellExecutionError) else f"{error.ename}: {error.evalue}"
        raise NotebookError(f"{path.name}, cell {at[0] + 1} ({first}): {cause}") from error
    return normalised(notebook)


def each_executed(paths: list[Path]) -> Iterator[tuple[Path, NotebookNode]]:
    """Run notebooks one after the other with a line of progress for each; all faults are told at the end."""
    faults = []
    for count, path in enumerate(paths, start=1):
        began = time.monotonic()
        print(f"[{count}/{len(paths)}] {path.stem} ", end="", flush=True)
        try:
            notebook = executed(path)
        except NotebookError as fault:
            print(f"FAILED after {time.monotonic() - began:.1f} s", flush=True)
            faults.append(str(fault))
            continue
        print(f"{time.monotonic() - began:.1f} s", flush=True)
        yield path, notebook
    if faults:
        raise NotebookError("\n".join(faults))


def chosen(names: list[str]) -> list[Path]:
    """The notebooks of these names (with or without folder and ending), or all."""
    existing = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    if not existing:
        raise NotebookError("There is no notebook in notebooks/.")
    stems = [Path(name).name.removesuffix(".ipynb") for name in names] or list(existing)
    absent = [stem for stem in stems if stem not in existing]
    if absent:
        raise NotebookError(f"There is no notebook {', '.join(absent)}; there are {', '.join(existing)}.")
    return [existing[stem] for stem in stems]


def page(notebook: NotebookNode, name: str) -> str:
    """One HTML page without scripts or network: formulas are MathML, figures carry their sentence."""
    from bs4 import BeautifulSoup
    from latex2mathml.converter import convert
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from pygments.formatters import HtmlFormatter

    class Renderer(IPythonRenderer):
        def inline_math(self, body: str) -> str:
            return convert(body)

        def block_math(self, body: str) -> str:
            return convert(body, display="block")

        def latex_environment(self, name: str, body: str) -> str:
            plain = name.startswith("equation")
            return self.block_math(body if plain else f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def markdown(source: str) -> str:
        return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)

    exporter = HTMLExporter(template_name="basic", filters={"markdown2html": markdown})
    body, _ = exporter.from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    for image, sentence in zip(soup.select(".output_png img"), alternatives(notebook), strict=True):
        image["alt"] = sentence
    for mark in soup.select("a.anchor-link"):
        mark.decompose()
    for link in soup.find_all("a", href=re.compile(r"^[^:/#]+\.ipynb(#|$)")):
        link["href"] = link["href"].replace(".ipynb", ".html")
    title = escape(soup.h1.get_text().strip() if soup.h1 else name)
    style = STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n<main>\n{soup}\n</main>\n</body>\n</html>\n"
    )


def alternatives(notebook: NotebookNode) -> Iterator[str]:
    """The sentence of every figure, in the order of the page."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}) and "text/html" not in output["data"]:
                stored = output["metadata"].get("image/png", {}).get("alt")
                yield stored or output["data"].get("text/plain", "")


def refresh(names: list[str]) -> None:
    """Re-execute notebooks in place; each file changes only if its whole notebook succeeded."""
    for path, notebook in each_executed(chosen(names)):
        store(path, written(notebook))


def study(folder: Path) -> None:
    """Execute every notebook and write ``folder/notebooks``, as a whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".notebooks-") as temporary:
        fresh = Path(temporary) / "notebooks"
        fresh.mkdir()
        for path, notebook in each_executed(chosen([])):
            store(fresh / path.name, written(notebook))
            store(fresh / f"{path.stem}.html", page(notebook, path.stem))
        shutil.rmtree(folder / "notebooks", ignore_errors=True)
        fresh.rename(folder / "notebooks")


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("refresh", help=refresh.__doc__).add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("study", help=study.__doc__).add_argument("folder", type=Path)
    given = parser.parse_args()
    settle_environment()
    try:
        refresh(given.names) if given.command == "refresh" else study(given.folder)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
