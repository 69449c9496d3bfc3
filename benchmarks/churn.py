"""Who leaves, and when: hazards of cxuxlib beside the ways an analyst has today.

    .venv/bin/python benchmarks/churn.py [rounds] [sizes ...] [jobs ...]      writes benchmarks/churn.csv

Each peer runs in a process of its own, in turn, ``rounds`` times (3); seconds are the least wall time of the call that
fits and gives the standard errors, of calls for about a second each, without imports, reading the data and making
designs for peers without formulas; cpu_seconds are those of all its threads; added_mb is what the process's peak memory
grew by during it. Where jobs are named ("cox"), or sizes given, only these are run, and the table keeps its other rows.

"months": sizes are customer-months, 1e5, 1e6 and 1e7: the chance to leave in a month, logit with the log of the month,
four answers 1 to 5 and a plan of three. cxuxlib reads the rows of months, or one row per customer, or their counts
("counts" is given the counts, "counting and fitting" makes them of the rows on an engine first); statsmodels and
scikit-learn are given a design of all rows. "cox": sizes are customers, 1e5 and 1e6, with days to leaving (ties), late
entries, three answers and a number.
R runs where Rscript finds it; lifelines by the Python that CXUXLIB_LIFELINES names (it needs an older pandas), or this
one. All peers must find the same slope of x0, and the same error of it where they give one.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
Found = tuple[float, float]  # slope of x0 and its standard error, NaN without one
Run = Callable[[], Found]
SLOW = 1.0  # seconds for which calls are repeated; a longer one is not repeated in a round
LIKERT = ["x0", "x1", "x2", "x3"]
FORMULA = "x0 + x1 + x2 + x3 + C(plan)"
COX = ["x0", "x1", "x2", "income"]
TOLD: dict[str, float] = {}  # what a peer measured by itself


def months(n: int) -> pd.DataFrame:
    """About n customer-months: one row per customer and month at risk."""
    rng = np.random.default_rng(7)
    size = n * 2 // 15
    frame = pd.DataFrame({name: rng.integers(1, 6, size).astype(np.int8) for name in LIKERT})
    frame["plan"] = rng.integers(0, 3, size).astype(np.int8)
    line = (-3.2 - 0.3 * (frame["x0"] - 3) + 0.2 * (frame["x1"] - 3) + 0.1 * frame["plan"]).to_numpy()
    full, cut = np.ceil(rng.exponential(size=size) / np.exp(line)), rng.integers(6, 13, size)
    many = np.minimum(full, cut).astype(int)
    rows = np.repeat(np.arange(size), many)
    long = frame.iloc[rows].reset_index(drop=True)
    long["month"] = (np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many) + 1).astype(np.int8)
    ends = np.cumsum(many) - 1
    left = np.zeros(len(rows), dtype=np.int8)
    left[ends] = full <= cut
    return long.assign(gone=left)


def customers(n: int) -> pd.DataFrame:
    """Customers with days to leaving, some of whom came under observation late."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({name: rng.integers(1, 6, n).astype(np.int8) for name in COX[:3]})
    frame["income"] = rng.normal(size=n).round(3)
    line = (-0.3 * (frame["x0"] - 3) + 0.2 * (frame["x1"] - 3) + 0.1 * frame["income"]).to_numpy()
    full, cut = np.ceil(300 * rng.exponential(size=n) / np.exp(line)), rng.integers(30, 730, n)
    frame["days"] = np.minimum(full, cut).astype(np.int16)
    frame["left"] = (full <= cut).astype(np.int8)
    late = np.floor(rng.random(n) * frame["days"])
    frame["entry"] = np.where(rng.random(n) < 0.3, late, 0).astype(np.int16)
    return frame


MAKE = {"months": months, "cox": customers}
SIZES = {"months": [100_000, 1_000_000, 10_000_000], "cox": [100_000, 1_000_000]}


def slope(fit: Any) -> Found:
    """The slope of x0 of a fit of cxuxlib."""
    row = fit.terms[(fit.terms["term"] == "x0") & (fit.terms["kind"] == "slope")].iloc[0]
    return float(row["value"]), float(row["std_error"])


def in_duckdb(frame: pd.DataFrame) -> Any:
    """A table of DuckDB."""
    import duckdb

    connection = duckdb.connect()
    connection.register("given", frame)
    connection.execute("CREATE TABLE kept AS SELECT * FROM given")
    return connection.table("kept")


def ours(source: str) -> Callable[[pd.DataFrame], Run]:
    """Hazards by month of cxuxlib: of rows, of one row per customer, of counts."""

    def ready(frame: pd.DataFrame) -> Run:
        from cxuxlib import frames, models

        rows = models.HazardOptions(rows="periods", baseline="log")
        counted = models.HazardOptions(rows="periods", baseline="log", frequency="n")
        columns = [*LIKERT, "plan", "month", "gone"]
        ways: dict[str, Any] = {"duration": "month", "event": "gone", "kind": "logit"}
        if source == "customers":
            last = frame[(frame["month"].shift(-1, fill_value=1) == 1)].reset_index(drop=True)
            spells = models.HazardOptions(baseline="log")
            return lambda: slope(models.churn_hazard(last, FORMULA, **ways, unit=None, options=spells))
        if source == "counts":
            made = frames.counts(frame, columns, unit=None)
            return lambda: slope(models.churn_hazard(made, FORMULA, **ways, options=counted))
        data = in_duckdb(frame) if source == "duckdb" else frame
        return lambda: slope(models.churn_hazard(data, FORMULA, **ways, unit=None, options=rows))

    return ready


def counted_by(engine: str) -> Callable[[pd.DataFrame], Run]:
    """A group-by of the rows on an engine, and the hazard of its counts."""

    def ready(frame: pd.DataFrame) -> Run:
        from cxuxlib import models

        options = models.HazardOptions(rows="periods", baseline="log", frequency="n")
        columns = [*LIKERT, "plan", "month", "gone"]
        ways: dict[str, Any] = {"duration": "month", "event": "gone", "kind": "logit", "options": options}
        if engine == "polars":
            import polars as pl

            table = pl.from_pandas(frame)
            return lambda: slope(models.churn_hazard(table.group_by(columns).len("n"), FORMULA, **ways))
        data = in_duckdb(frame)
        query = f"SELECT {', '.join(columns)}, count(*)::INT AS n FROM data GROUP BY ALL"
        return lambda: slope(models.churn_hazard(data.query("data", query), FORMULA, **ways))

    return ready


def design(frame: pd.DataFrame) -> np.ndarray:
    """The design that peers without formulas are given, ready made."""
    dummies = [frame["plan"] == each for each in (1, 2)]
    parts = [np.ones(len(frame)), *(frame[name] for name in LIKERT), *dummies, np.log(frame["month"])]
    found = np.empty((len(frame), len(parts)))
    for i, part in enumerate(parts):
        found[:, i] = part
    return found


def statsmodels_logit(frame: pd.DataFrame) -> Run:
    """Logit of statsmodels on all rows."""
    import statsmodels.api as sm

    x, y = design(frame), frame["gone"].to_numpy(float)

    def run() -> Found:
        fit = sm.Logit(y, x).fit(disp=False)
        return float(fit.params[1]), float(fit.bse[1])

    return run


def sklearn_logit(frame: pd.DataFrame) -> Run:
    """Logistic regression of scikit-learn on all rows, without a penalty."""
    from sklearn.linear_model import LogisticRegression

    x, y = design(frame)[:, 1:], frame["gone"].to_numpy()

    def run() -> Found:
        fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(x, y)
        return float(fit.coef_[0, 0]), np.nan

    return run


def rscript(libraries: str, call: str) -> Callable[[pd.DataFrame], Run]:
    """A model of R, timed by R itself."""

    def ready(frame: pd.DataFrame) -> Run:
        if shutil.which("Rscript") is None:
            raise ImportError("Rscript is not there")
        file = Path(tempfile.mkdtemp()) / "rows.csv"
        frame.to_csv(file, index=False)
        script = (
            f'{libraries} d <- read.csv("{file}");'
            f"t <- system.time({{f <- {call}; s <- sqrt(diag(vcov(f)))}});"
            "i <- match('x0', names(coef(f))); cat(t[[3]], t[[1]] + t[[2]], coef(f)[[i]], s[[i]], sum(gc()[, 6]))"
        )

        def run() -> Found:
            done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
            if done.returncode:
                raise ImportError(done.stderr.strip().splitlines()[-1])
            seconds, cpu, value, error, megabytes = map(float, done.stdout.split())
            TOLD.update(seconds=seconds, cpu=cpu, mb=megabytes)
            return value, error

        return run

    return ready


def our_cox(entry: bool, engine: str = "") -> Callable[[pd.DataFrame], Run]:
    """Cox's regression of cxuxlib."""

    def ready(frame: pd.DataFrame) -> Run:
        from cxuxlib import models

        data = in_duckdb(frame) if engine == "duckdb" else frame
        ways: dict[str, Any] = {"duration": "days", "event": "left", "unit": None, "entry": "entry" if entry else None}
        return lambda: slope(models.churn_hazard(data, " + ".join(COX), **ways))

    return ready


def lifelines(entry: bool) -> Callable[[pd.DataFrame], Run]:
    """Cox's regression of lifelines, Efron's ties."""

    def ready(frame: pd.DataFrame) -> Run:
        from lifelines import CoxPHFitter

        late = ["entry"] if entry else []
        table = frame[[*COX, "days", "left", *late]].astype(float)

        def run() -> Found:
            fit = CoxPHFitter().fit(table, "days", "left", entry_col="entry" if entry else None)
            return float(fit.params_["x0"]), float(fit.standard_errors_["x0"])

        return run

    return ready


def phreg(frame: pd.DataFrame) -> Run:
    """Cox's regression of statsmodels, Efron's ties."""
    import statsmodels.api as sm

    x, days, left = frame[COX].to_numpy(float), frame["days"].to_numpy(float), frame["left"].to_numpy(float)

    def run() -> Found:
        fit = sm.PHReg(days, x, status=left, ties="efron").fit(disp=False)
        return float(fit.params[0]), float(fit.bse[0])

    return run


SURVIVAL = "suppressMessages(library(survival));"
GLM = "glm(gone ~ x0 + x1 + x2 + x3 + factor(plan) + log(month), binomial, d)"

# What is fitted: on which data, and peer to how it is made ready and the most rows it is given; the first is what the
# others are measured by.
JOBS: dict[str, tuple[str, dict[str, tuple[Callable[[pd.DataFrame], Run], float]]]] = {
    "months": ("months", {
        "cxuxlib, counts": (ours("counts"), 1e8), "cxuxlib, rows of months": (ours("rows"), 1e8),
        "cxuxlib, a row per customer": (ours("customers"), 1e8), "cxuxlib, DuckDB table": (ours("duckdb"), 1e8),
        "counting (DuckDB) and fitting": (counted_by("duckdb"), 1e8),
        "counting (Polars) and fitting": (counted_by("polars"), 1e8),
        "statsmodels Logit": (statsmodels_logit, 1e7), "scikit-learn, no errors": (sklearn_logit, 1e7),
        "R glm": (rscript("", GLM), 1e6),
    }),
    "cox": ("cox", {
        "cxuxlib": (our_cox(False), 1e7), "cxuxlib, DuckDB table": (our_cox(False, "duckdb"), 1e7),
        "R coxph": (rscript(SURVIVAL, f"coxph(Surv(days, left) ~ {' + '.join(COX)}, data = d)"), 1e6),
        "lifelines": (lifelines(False), 1e6), "statsmodels PHReg": (phreg, 1e5),
    }),
    "cox, late entries": ("cox", {
        "cxuxlib": (our_cox(True), 1e7),
        "R coxph": (rscript(SURVIVAL, f"coxph(Surv(entry, days, left) ~ {' + '.join(COX)}, data = d)"), 1e6),
        "lifelines": (lifelines(True), 1e5),
    }),
}  # fmt: skip


def one(what: str, peer: str, file: str) -> None:
    """Run one peer here and print what it took."""
    data, peers = JOBS[what]
    frame = pd.read_parquet(file)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # where peers leave their files
        peers[peer][0](MAKE[data](3000))()  # imports and what is compiled once are not what is measured
        TOLD.clear()
        run = peers[peer][0](frame)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = cpu = float("inf")
        until = time.perf_counter() + SLOW
        while seconds == float("inf") or (time.perf_counter() < until and "seconds" not in TOLD):
            began, cpu_began = time.perf_counter(), time.process_time()
            found = run()
            seconds = min(seconds, TOLD.get("seconds", time.perf_counter() - began))
            cpu = min(cpu, TOLD.get("cpu", time.process_time() - cpu_began))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "added_mb": TOLD.get("mb", peak - before), "found": found}))


def side_by_side(what: str, file: str, n: int, rounds: int) -> list[dict[str, Any]]:
    """All peers in turn, several times; the least seconds of each."""
    best: dict[str, dict[str, Any]] = {}
    peers = [peer for peer, (_, most) in JOBS[what][1].items() if n <= most]
    first = peers[0]
    for _ in range(rounds):
        for peer in list(peers):
            python = os.environ.get("CXUXLIB_LIFELINES", sys.executable) if peer == "lifelines" else sys.executable
            done = subprocess.run(
                [python, __file__, "--one", what, peer, file], capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"left out: {peer}: {(done.stderr.strip() or '?').splitlines()[-1]}", file=sys.stderr)
                peers.remove(peer)
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            if peer not in best or found["seconds"] < best[peer]["seconds"]:
                best[peer] = found
    agree(what, {peer: found["found"] for peer, found in best.items()}, first)
    own, own_cpu = best[first]["seconds"], best[first]["cpu"]
    rows = [
        {"what": what, "rows": n, "peer": peer, "seconds": round(found["seconds"], 4),
         "cpu_seconds": round(found["cpu"], 4), "added_mb": round(found["added_mb"]),
         "ratio_to_cxuxlib": round(found["seconds"] / own, 2), "cpu_ratio": round(found["cpu"] / own_cpu, 2)}
        for peer, found in best.items()
    ]  # fmt: skip
    for row in rows:
        print(row, flush=True)
    return rows


def agree(what: str, found: dict[str, list[float]], first: str) -> None:
    """Refuse to compare what is not the same; peers that climb stop early, by up to 1e-3 of a standard error."""
    value, error = found[first]
    for peer, (theirs, its_error) in found.items():
        assert abs(theirs - value) < 5e-3 * error, (what, peer, theirs, value, error)
        assert np.isnan(its_error) or abs(its_error / error - 1) < 2e-3, (what, peer, its_error, error)


def main(rounds: int, sizes: list[int], jobs: list[str]) -> None:
    """These jobs at these sizes; the table is written, and keeps its other rows."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for what in jobs:
            data = JOBS[what][0]
            for n in sizes or SIZES[data]:
                file = str(Path(folder) / f"{data}_{n}.parquet")
                if not Path(file).exists():
                    MAKE[data](n).to_parquet(file, index=False)
                rows += side_by_side(what, file, n, rounds)
    table = HERE / "churn.csv"
    if table.exists():
        made = {(row["what"], str(row["rows"])) for row in rows}
        with table.open(newline="", encoding="utf-8") as before:
            rows += [row for row in csv.DictReader(before) if (row["what"], row["rows"]) not in made]
    rows.sort(key=lambda row: (list(JOBS).index(row["what"]), int(row["rows"])))
    with table.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:5])
    else:
        named = [each for each in sys.argv[1:] if each in JOBS]
        numbers = [int(float(each)) for each in sys.argv[1:] if each not in JOBS]
        main((numbers or [3])[0], numbers[1:], named or list(JOBS))
