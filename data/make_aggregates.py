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

import numpy as np
import pandas as pd

from cxuxlib import datasets
from cxuxlib.stats.correlations import pair_covariance
from cxuxlib.study import Study, names


def main(target: Path) -> None:
    """Write the aggregates of both studies, with their checksums, into a folder."""
    sfo, mobi = datasets.load("sfo"), datasets.load("mobi")
    sets = {key: [*names(sfo, role="item"), key] for key in ("overall", "recommend")}
    sets["overall+recommend"] = ["overall", "recommend"]
    write(
        target / "sfo",
        {
            "counts.csv": table(("year", "item", "answer", "n"), counts(sfo)),
            "weighted.csv": table(("year", "weight", "item", "answer", "n"), weighted(sfo)),
            "moments.json": document(sfo_moments(sfo, sets)),
            "fourth.json": document({f"fourth/{key}": fourth(sfo, columns) for key, columns in sets.items()}),
        },
    )
    answers = mobi.tables["answers"]
    every = [column.name for column in mobi.columns if column.role != "unit"]
    few = [*names(mobi, role="item", construct="UX"), *names(mobi, role="cx")]
    write(
        target / "mobi",
        {
            "moments.json": document({"moments/all": moments(answers, every), "moments/UX+CX": moments(answers, few)}),
            "fourth.json": document({"fourth/UX+CX": fourth(mobi, few)}),
        },
    )


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


def sfo_moments(study: Study, sets: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Moments by year of the items with each outcome, and of the two outcomes."""
    found = {}
    for key, columns in sets.items():
        for year, rows in study.tables["answers"].groupby("year"):
            if rows[columns].notna().any().all():
                found[f"moments/{key}/{year}"] = moments(rows, columns)
    return found


def fourth(study: Study, columns: list[str]) -> dict[str, Any]:
    """Covariance of the correlations of complete cases: what intervals need where answers are not normal."""
    complete = study.tables["answers"][columns].dropna().to_numpy()
    ones = np.ones(len(complete))
    found = pair_covariance(np.corrcoef(complete.T), complete, ones, ones)
    rows = [[float(f"{value:.8g}") for value in row[: i + 1]] for i, row in enumerate(found)]
    return {"n": len(complete), "names": columns, "covariance": rows}


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
