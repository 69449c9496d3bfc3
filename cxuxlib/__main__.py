"""Command line: ``python -m cxuxlib study FOLDER`` judges the shipped studies and writes the report."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from cxuxlib import claims, datasets, models, plots, report
from cxuxlib.errors import CxuxError
from cxuxlib.study import Study, pooled


def _title(page: Path) -> str:
    """The heading of a notebook's page, or its file name."""
    found = re.search(r"<h1[^>]*>(.*?)(<a |</h1>)", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else page.stem


def _figures(sfo: Study, rulings: Sequence[claims.Rulings]) -> list[plots.Picture]:
    facets: dict[str, list[str]] = {}
    for column in sfo.columns:
        if column.role == "item":
            facets.setdefault(column.facet, []).append(column.name)
    fit = models.key_drivers(pooled(sfo, "moments/overall"), "overall", groups=facets)
    title = "What goes with the overall rating of an airport, by facet"
    return [*(plots.verdicts(each) for each in rulings), plots.drivers(fit, title=title)]


def study(folder: Path) -> Path:
    """Judge every shipped study, print the rulings, write the report into a folder."""
    studies = [datasets.aggregates(name) for name in ("sfo", "mobi")]
    rulings = [claims.judge_all(each) for each in studies]
    print(report.lines(rulings, shutil.get_terminal_size((100, 24)).columns))
    notebooks = sorted((folder / "notebooks").glob("*.html"))
    links = {_title(page): f"notebooks/{page.name}" for page in notebooks}
    return report.write(folder / "index.html", rulings, pictures=_figures(studies[0], rulings), links=links)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run it; the exit code is 1 where the library refused."""
    parser = argparse.ArgumentParser(prog="python -m cxuxlib", description="Is UX a part of CX, and does it drive it?")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("study", help="judge the shipped studies and write FOLDER/index.html")
    one.add_argument("folder", type=Path)
    try:
        page = study(parser.parse_args(arguments).folder)
    except CxuxError as error:
        print(f"cxuxlib: {error}", file=sys.stderr)
        return 1
    print(f"\nThe report: {page.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
