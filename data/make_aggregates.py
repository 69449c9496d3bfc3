"""Make the shipped aggregates (counts and moments) from the raw files.

    CXUXLIB_DATA=<folder with sfo/ and mobi/> python data/make_aggregates.py [folder to write into]

The bytes are the same on every machine: answers are integers, so sums are exact, and each mean and covariance
is one correctly rounded division.
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from cxuxlib import datasets, models
from cxuxlib.study import Study, names


def main(target: Path) -> None:
    """Write the aggregates of both studies, with their checksums, into a folder."""
    sfo, mobi = datasets.load("sfo"), datasets.load("mobi")
    write(
        target / "sfo",
        {
            "counts.csv": table(("year", "item", "answer", "n"), counts(sfo)),
            "weighted.csv": table(("year", "weight", "item", "answer", "n"), weighted(sfo)),
            "moments.json": document(sfo_moments(sfo)),
        },
    )
    answers = mobi.tables["answers"]
    items = [column.name for column in mobi.columns if column.role != "unit"]
    files = {
        "moments.json": document({"moments/all": moments(answers, items)}),
        "htmt.csv": table(("a", "b", "kind", "value", "low", "high", "level", "n", "method"), robust_htmt(mobi)),
    }
    write(target / "mobi", files)


def counts(study: Study) -> Iterable[tuple[object, ...]]:
    """Rows per year, item asked that year, and answer or reason; what is not there has no row."""
    answers = study.tables["answers"]
    year_of = dict(zip(answers["respondent_id"], answers["year"], strict=True))
    missing = study.tables["missing"]
    reasons = missing.groupby([missing["respondent_id"].map(year_of), "item", "reason"]).size()
    for year, rows in answers.groupby("year"):
        for column in study.columns:
            if column.role in ("unit", "wave", "weight"):
                continue
            given = rows[column.name].value_counts().sort_index()
            yield from ((year, column.name, str(int(answer)), n) for answer, n in given.items())
            for why in ("blank", "never used", "other answer"):
                if (year, column.name, why) in reasons.index:
                    yield year, column.name, why, reasons[year, column.name, why]


def weighted(study: Study) -> Iterable[tuple[object, ...]]:
    """Rows per year, weight, outcome and valid answer."""
    for item in ("overall", "recommend"):
        tally = study.tables["answers"].dropna(subset=item).groupby(["year", "weight", item]).size()
        yield from ((year, weight, item, int(answer), n) for (year, weight, answer), n in tally.items())


def sfo_moments(study: Study) -> dict[str, dict[str, Any]]:
    """Moments by year of the items with each outcome, and of the two outcomes."""
    items = names(study, role="item")
    sets = {
        "overall": [*items, "overall"],
        "recommend": [*items, "recommend"],
        "overall+recommend": ["overall", "recommend"],
    }
    found = {}
    for key, columns in sets.items():
        for year, rows in study.tables["answers"].groupby("year"):
            if rows[columns].notna().any().all():
                found[f"moments/{key}/{year}"] = moments(rows, columns)
    return found


def robust_htmt(study: Study) -> Iterable[tuple[object, ...]]:
    """HTMT of UX and CX items with distribution-free intervals, which moments alone cannot give."""
    constructs = {"UX": names(study, role="item", construct="UX"), "CX": names(study, role="cx")}
    for row in models.htmt(study.tables["answers"], constructs, interval="robust", level=0.90).itertuples():
        figures = (round(row.value, 8), round(row.low, 6), round(row.high, 6))
        yield row.a, row.b, row.kind, *figures, row.level, row.n, row.method


def moments(rows: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    """Moments of the complete cases of integer answers, from exact sums."""
    complete = rows[columns].dropna().astype("int64")
    n = len(complete)
    sums = [int(each) for each in complete.sum()]
    products = complete.to_numpy().T @ complete.to_numpy()
    covariance = [
        [(n * int(products[i, j]) - sums[i] * sums[j]) / (n * (n - 1)) for j in range(i + 1)]
        for i in range(len(columns))
    ]
    means = [total / n for total in sums]
    return {
        "n": n, "n_missing": len(rows) - n, "names": columns, "means": means, "covariance": covariance
    }  # fmt: skip


def table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    """A CSV file; numbers are written so that they read back to the same double."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def document(entries: dict[str, dict[str, Any]]) -> bytes:
    """A JSON file with one row of a covariance matrix on a line."""
    blocks = []
    for key, entry in entries.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in entry.items()]
        lines[-1] = lines[-1].replace("[[", "[\n    [").replace("], [", "],\n    [").replace("]]", "]\n  ]")
        blocks.append(f"{json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n}")
    return ("{\n" + ",\n".join(blocks) + "\n}\n").encode()


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Replace files as a whole, the checksums last."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
