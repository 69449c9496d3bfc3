"""Command line: judge the shipped studies, judge a folder of one's own, or write an example of such a folder."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from cxuxlib import claims, datasets, models, plots, report, worlds
from cxuxlib.errors import ArgumentError, CxuxError
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
    studies = [*(datasets.aggregates(name) for name in ("sfo", "mobi")), datasets.load("harbor")]
    rulings = [claims.judge_all(each) for each in studies]
    print(report.lines(rulings, shutil.get_terminal_size((100, 24)).columns))
    notebooks = sorted((folder / "notebooks").glob("*.html"))
    links = {_title(page): f"notebooks/{page.name}" for page in notebooks}
    return report.write(folder / "index.html", rulings, pictures=_figures(studies[0], rulings), links=links)


def judge(folder: Path, out: Path) -> Path:
    """Judge the study in a folder on every claim, print the rulings, write the report."""
    found = datasets.open_study(folder)
    rulings = claims.judge_all(found)
    print(report.lines([rulings], shutil.get_terminal_size((100, 24)).columns))
    title = f"{found.name}: is UX a part of CX, does it drive CX, and how sure are we?"
    return report.write(out, [rulings], pictures=[plots.verdicts(rulings)], title=title)


def example(folder: Path) -> Path:
    """Write a simulated study into a new or empty folder, as an example of what `judge` takes."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} is there and not empty; name a new folder, so that nothing is written over.")
    return worlds.write_study(worlds.make("harbor", n=2000, waves=4, rng=1), folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run it; the exit code is 1 where the library refused."""
    parser = argparse.ArgumentParser(prog="python -m cxuxlib", description="Is UX a part of CX, and does it drive it?")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("study", help="judge the shipped studies and write FOLDER/index.html")
    one.add_argument("folder", type=Path)
    own = commands.add_parser("judge", help="judge the study in FOLDER (tables and datapackage.json) on every claim")
    own.add_argument("folder", type=Path)
    own.add_argument("--out", type=Path, required=True, help="the report, one HTML file")
    start = commands.add_parser("example", help="write an example of such a folder")
    start.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "example":
            made = example(given.folder)
            print(f"An example: {made.resolve()}\nJudge it: python -m cxuxlib judge {made} --out {made}/report.html")
            return 0
        page = study(given.folder) if given.command == "study" else judge(given.folder, given.out)
    except CxuxError as error:
        print(f"cxuxlib: {error}", file=sys.stderr)
        return 1
    print(f"\nThe report: {page.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
