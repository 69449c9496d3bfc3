"""Regressions of answers in memory: cxuxlib beside the ways an analyst has today.

    .venv/bin/python benchmarks/regressions.py [rounds] [rows ...] [jobs ...]   writes benchmarks/regressions.csv

Each peer runs in a process of its own, in turn, ``rounds`` times (3); seconds are the least wall time of the call that
fits and gives the standard errors, of calls for about a second each, without imports and reading the data; cpu_seconds
are those of all its threads, which a busy machine changes less; added_mb is what the process's peak memory grew by
during it. Sizes are 1e5, 1e6 and 1e7 answers by default; peers stop at the size where they take minutes. Where jobs are
named ("logit"), only these are run, and the table keeps its other rows. Data: an answer 0 to 10, five drivers 1 to 5, a
segment of four, 2,000 branches and as many customers as a fifth of the answers, as int8 and int32 columns of a pandas
frame. The bare group-bys count the distinct rows of the same columns.
R's polr and clm run where Rscript finds them, pyfixest and duckreg where they can be imported, by the Python that
CXUXLIB_PEERS names or this one. All peers that fit the same model must find the same slope and the same error of it.
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
Found = tuple[float, float] | None  # slope of x0 and its standard error
SLOW = 1.0  # seconds for which calls are repeated; a longer one is not repeated in a round
LIKERT = ["x0", "x1", "x2", "x3"]
ALL = [*LIKERT, "x4"]
FORMULA = " + ".join([*ALL, "C(segment)"])


def make(n: int) -> pd.DataFrame:
    """Answers with drivers, segments, branches and customers."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({name: rng.integers(1, 6, n).astype(np.int8) for name in ALL})
    frame["segment"] = rng.integers(0, 4, n).astype(np.int8)
    frame["branch"] = rng.integers(0, 2000, n).astype(np.int32)
    frame["customer"] = rng.integers(0, max(2, n // 5), n).astype(np.int32)
    latent = frame[ALL].to_numpy(np.float32) @ np.array([0.5, 0.3, 0.2, 0.1, 0.0], np.float32) + 0.1 * frame["segment"]
    latent = latent + 0.3 * rng.normal(size=2000)[frame["branch"]] + rng.logistic(size=n)
    frame["answer"] = np.digitize(latent, np.quantile(latent, np.arange(1, 11) / 11)).astype(np.int8)
    frame["good"] = (frame["answer"] >= 9).astype(np.int8)
    return frame


def design(frame: pd.DataFrame) -> np.ndarray:
    """The design that peers without formulas are given, ready made."""
    dummies = [frame["segment"] == each for each in (1, 2, 3)]
    return np.column_stack([np.ones(len(frame)), *(frame[name] for name in ALL), *dummies]).astype(float)


def ours(model: str, formula: str, source: str = "", **options: Any) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """A model of cxuxlib on a pandas frame, a Polars frame, a DuckDB table or a Parquet file."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        from cxuxlib import models

        data: Any = frame
        if source == "polars":
            import polars as pl

            data = pl.from_pandas(frame)
        elif source:
            import duckdb

            connection = duckdb.connect()
            if source == "parquet":
                file = Path(tempfile.mkdtemp()) / "answers.parquet"
                frame.to_parquet(file, index=False)
                data = connection.read_parquet(str(file))
            else:
                connection.register("answers", frame)
                connection.execute("CREATE TABLE kept AS SELECT * FROM answers")
                data = connection.table("kept")

        def run() -> Found:
            fit = getattr(models, model)(formula, data, **options)
            slope = fit.terms[(fit.terms["term"] == "x0") & (fit.terms["kind"] == "slope")].iloc[0]
            return float(slope["value"]), float(slope["std_error"])

        return run

    return ready


def group_by(engine: str, columns: list[str]) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """A bare count of distinct rows."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        if engine == "pandas":
            return lambda: nothing(frame.groupby(columns, sort=False).size())
        if engine == "polars":
            import polars as pl

            table = pl.from_pandas(frame)
            return lambda: nothing(table.group_by(columns).len())
        import duckdb

        connection = duckdb.connect()
        connection.register("answers", frame)
        connection.execute("CREATE TABLE kept AS SELECT * FROM answers")
        return lambda: nothing(connection.sql(f"SELECT {', '.join(columns)}, count(*) FROM kept GROUP BY ALL").df())

    return ready


def nothing(_: object) -> Found:
    """What has no slope."""
    return None


def ordered_model(frame: pd.DataFrame) -> Callable[[], Found]:
    """OrderedModel of statsmodels, as its documentation fits it."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    def run() -> Found:
        fit = OrderedModel(frame["answer"], frame[LIKERT].astype(float), distr="logit").fit(method="bfgs", disp=False)
        return float(fit.params.iloc[0]), float(fit.bse.iloc[0])

    return run


def ols(cluster: str) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """Least squares of statsmodels on a design that is ready made."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        import statsmodels.api as sm

        x, y, groups = design(frame), frame["answer"].to_numpy(float), frame[cluster].to_numpy() if cluster else None

        def run() -> Found:
            how = {"cov_type": "cluster", "cov_kwds": {"groups": groups}} if cluster else {"cov_type": "HC1"}
            fit = sm.OLS(y, x).fit(**how)
            return float(fit.params[1]), float(fit.bse[1])

        return run

    return ready


def pyfixest(vcov: Any) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """Least squares of pyfixest."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        import pyfixest as pf

        def run() -> Found:
            fit = pf.feols(f"answer ~ {FORMULA}", frame, vcov=vcov)
            return float(fit.coef()["x0"]), float(fit.se()["x0"])

        return run

    return ready


def duckreg(kind: str, outcome: str, **more: Any) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """Least squares or logit of duckreg on a DuckDB table."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        import duckdb
        from duckreg import estimators

        file = str(Path(tempfile.mkdtemp()) / "answers.duckdb")
        with duckdb.connect(file) as connection:
            connection.register("answers", frame.astype({outcome: float}))
            connection.execute("CREATE TABLE kept AS SELECT * FROM answers")

        def run() -> Found:
            formula = f"{outcome} ~ {' + '.join(ALL)} + segment"
            fit = getattr(estimators, kind)(
                db_name=file, table_name="kept", formula=formula, seed=1, n_bootstraps=0, **more
            )
            fit.fit()
            fit.fit_vcov()
            return None

        return run

    return ready


def statsmodels_logit(frame: pd.DataFrame) -> Callable[[], Found]:
    """Logit of statsmodels on a design that is ready made."""
    import statsmodels.api as sm

    x, y = design(frame), frame["good"].to_numpy(float)

    def run() -> Found:
        fit = sm.Logit(y, x).fit(disp=False)
        return float(fit.params[1]), float(fit.bse[1])

    return run


def sklearn_logit(frame: pd.DataFrame) -> Callable[[], Found]:
    """Logistic regression of scikit-learn without a penalty."""
    from sklearn.linear_model import LogisticRegression

    x, y = design(frame)[:, 1:], frame["good"].to_numpy()

    def run() -> Found:
        fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(x, y)
        return float(fit.coef_[0, 0]), np.nan

    return run


def rscript(call: str) -> Callable[[pd.DataFrame], Callable[[], Found]]:
    """A model of R, timed by R itself."""

    def ready(frame: pd.DataFrame) -> Callable[[], Found]:
        if shutil.which("Rscript") is None:
            raise ImportError("Rscript is not there")
        file = Path(tempfile.mkdtemp()) / "answers.csv"
        frame[["answer", *LIKERT]].to_csv(file, index=False)
        script = (
            f'suppressMessages({{library(MASS); library(ordinal)}}); d <- read.csv("{file}");'
            f"d$answer <- ordered(d$answer); t <- system.time({{f <- {call}; s <- summary(f)$coefficients}});"
            "cat(t[[3]], t[[1]] + t[[2]], s['x0', 1:2], sum(gc()[, 6]))"
        )

        def run() -> Found:
            done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
            if done.returncode:
                raise ImportError(done.stderr.strip().splitlines()[-1])
            seconds, cpu, slope, error, megabytes = map(float, done.stdout.split())
            TOLD.update(seconds=seconds, cpu=cpu, mb=megabytes)
            return slope, error

        return run

    return ready


TOLD: dict[str, float] = {}  # what a peer measured by itself
ORDERED = f"answer ~ {' + '.join(LIKERT)}"
BARE = {
    f"group by ({engine})": (group_by(engine, ["answer", *LIKERT]), 1e7) for engine in ("pandas", "polars", "duckdb")
}

# What is fitted: peer to how it is made ready, and the most rows it is given.
JOBS: dict[str, dict[str, tuple[Callable[[pd.DataFrame], Callable[[], Found]], float]]] = {
    "ordered logit, 11 answers, 4 drivers": {
        "cxuxlib": (ours("ordered_logit", ORDERED, unit=None), 1e8),
        "cxuxlib, Polars frame": (ours("ordered_logit", ORDERED, "polars", unit=None), 1e8),
        "cxuxlib, DuckDB table": (ours("ordered_logit", ORDERED, "duckdb", unit=None), 1e8),
        "cxuxlib, Parquet": (ours("ordered_logit", ORDERED, "parquet", unit=None), 1e8),
        **BARE,
        "statsmodels OrderedModel": (ordered_model, 1e5),
        "R ordinal::clm": (rscript(f"clm({ORDERED}, data = d)"), 1e6),
        "R MASS::polr": (rscript(f"polr({ORDERED}, data = d, Hess = TRUE)"), 1e6),
    },
    "least squares, HC1": {
        "cxuxlib": (ours("linear", f"answer ~ {FORMULA}", unit=None), 1e8),
        "statsmodels OLS": (ols(""), 1e7), "pyfixest": (pyfixest("HC1"), 1e7),
        "duckreg (no C(segment))": (duckreg("DuckRegression", "answer", cluster_col=""), 1e7),
    },
    "least squares, 2,000 clusters": {
        "cxuxlib": (ours("linear", f"answer ~ {FORMULA}", unit="branch"), 1e8),
        "cxuxlib, Parquet": (ours("linear", f"answer ~ {FORMULA}", "parquet", unit="branch"), 1e8),
        "statsmodels OLS": (ols("branch"), 1e7), "pyfixest": (pyfixest({"CRV1": "branch"}), 1e7),
    },
    "least squares, a fifth as many clusters as rows": {
        "cxuxlib": (ours("linear", f"answer ~ {FORMULA}", unit="customer"), 1e8),
        "statsmodels OLS": (ols("customer"), 1e7), "pyfixest": (pyfixest({"CRV1": "customer"}), 1e7),
    },
    "logit": {
        "cxuxlib": (ours("logit", f"good ~ {FORMULA}", unit=None), 1e8),
        "cxuxlib, Parquet": (ours("logit", f"good ~ {FORMULA}", "parquet", unit=None), 1e8),
        "statsmodels Logit": (statsmodels_logit, 1e7), "scikit-learn, no errors": (sklearn_logit, 1e7),
        "duckreg (no C(segment), one step)": (duckreg("DuckLogisticRegression", "good"), 1e7),
    },
}  # fmt: skip


def one(what: str, peer: str, file: str) -> None:
    """Run one peer here and print what it took."""
    frame = pd.read_parquet(file)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # where peers leave their files
        JOBS[what][peer][0](make(2000))()  # imports and what is compiled once are not what is measured
        TOLD.clear()
        run = JOBS[what][peer][0](frame)
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
    peers = [peer for peer, (_, most) in JOBS[what].items() if n <= most]
    for _ in range(rounds):
        for peer in list(peers):
            python = (
                os.environ.get("CXUXLIB_PEERS", sys.executable)
                if peer.startswith(("pyfixest", "duckreg"))
                else sys.executable
            )
            done = subprocess.run(
                [python, __file__, "--one", what, peer, file], capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"left out: {peer}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                peers.remove(peer)
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            if peer not in best or found["seconds"] < best[peer]["seconds"]:
                best[peer] = found
    agree(what, {peer: found["found"] for peer, found in best.items() if found["found"]})
    own, own_cpu = best["cxuxlib"]["seconds"], best["cxuxlib"]["cpu"]
    rows = [
        {"what": what, "rows": n, "peer": peer, "seconds": round(found["seconds"], 4),
         "cpu_seconds": round(found["cpu"], 4), "added_mb": round(found["added_mb"]),
         "ratio_to_cxuxlib": round(found["seconds"] / own, 2), "cpu_ratio": round(found["cpu"] / own_cpu, 2)}
        for peer, found in best.items()
    ]  # fmt: skip
    for row in rows:
        print(row, flush=True)
    return rows


def agree(what: str, found: dict[str, list[float]]) -> None:
    """Refuse to compare what is not the same; peers that climb stop early, by up to 1e-3 of a standard error.

    polr stops by a tolerance on the likelihood as a whole: at 1e6 answers by .08 standard errors (clm does not).
    """
    slope, error = found["cxuxlib"]
    for peer, (theirs, its_error) in found.items():
        near = 0.1 if peer == "R MASS::polr" else 5e-3
        assert abs(theirs - slope) < near * error, (what, peer, theirs, slope, error)
        assert np.isnan(its_error) or abs(its_error / error - 1) < 2e-3, (what, peer, its_error, error)


def main(rounds: int, sizes: list[int], jobs: list[str]) -> None:
    """These jobs at these sizes; the table is written."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            file = str(Path(folder) / f"{n}.parquet")
            make(n).to_parquet(file, index=False)
            for what in jobs:
                rows += side_by_side(what, file, n, rounds)
            Path(file).unlink()
    if len(jobs) < len(JOBS):
        made = {(row["what"], str(row["rows"])) for row in rows}
        with (HERE / "regressions.csv").open(newline="", encoding="utf-8") as before:
            rows += [row for row in csv.DictReader(before) if (row["what"], row["rows"]) not in made]
        rows.sort(key=lambda row: (int(row["rows"]), list(JOBS).index(row["what"])))
    with (HERE / "regressions.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:5])
    else:
        named = [each for each in sys.argv[1:] if each in JOBS]
        numbers = [int(float(each)) for each in sys.argv[1:] if each not in JOBS]
        main((numbers or [3])[0], numbers[1:] or [100_000, 1_000_000, 10_000_000], named or list(JOBS))
