"""Latent models: cxuxlib beside lavaan, semopy and pingouin, as ratios of least seconds.

    .venv/bin/python benchmarks/latent.py [rounds]      writes benchmarks/latent.csv

Every peer runs in a process of its own, in turn, ``rounds`` times (3), on one thread; seconds are the least wall time
of a call without imports. lavaan is run by Rscript where that is on the path, semopy by the Python that CXUXLIB_PEERS
names, where it can be imported, and so is pingouin for the bootstrap of a mediation. All chi-squares must agree
(semopy's to a thousandth, for its search stops early), and indirect effects to six digits.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
THREE = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nh =~ x7 + x8 + x9"
SECOND = f"{THREE}\nt =~ f + g + h"
CHAIN = f"{THREE}\ng ~ f\nh ~ g + f"
LEAST = 1.0  # seconds for which calls are repeated, three times at least

RSCRIPT = """
suppressMessages({library(lavaan); library(jsonlite)})
a <- fromJSON(file("stdin")); d <- read.csv(a$rows); ordered <- if (a$estimator == "WLSMV") names(d) else NULL
one <- function() { f <- sem(a$syntax, d, estimator = a$estimator, missing = a$missing, ordered = ordered)
  if (a$resamples > 0) bootstrapLavaan(f, R = a$resamples, FUN = coef) else { standardizedSolution(f); fitMeasures(f) }
  f }
f <- one(); times <- c(); while (length(times) < 3 || sum(times) < 1) { t <- proc.time()[["elapsed"]]; one()
  times <- c(times, proc.time()[["elapsed"]] - t); if (tail(times, 1) > 1) break }
cat(toJSON(list(seconds = min(times), chi2 = fitMeasures(f, "chisq")[[1]]), auto_unbox = TRUE, digits = 10))
"""


class Run(NamedTuple):
    """What is fitted.

    Args:
        what: the task.
        n: units.
        syntax: the model.
        estimator: by which.
        missing: share of answers that are missing.
        resamples: of a bootstrap; 0 fits once, with the standardised solution and the fit measures.
    """

    what: str
    n: int
    syntax: str
    estimator: str = "ml"
    missing: float = 0.0
    resamples: int = 0


RUNS = [
    Run("three factors", 300, THREE),
    Run("three factors", 10_000, THREE),
    Run("second order", 300, SECOND),
    Run("mediation", 300, CHAIN),
    Run("mediation, robust", 300, CHAIN, "mlr"),
    Run("mediation, robust", 10_000, CHAIN, "mlr"),
    Run("three factors, 10% missing", 300, THREE, missing=0.1),
    Run("three factors of five-point items", 300, THREE, "wlsmv"),
    Run("three factors of five-point items", 10_000, THREE, "wlsmv"),
    Run("500 bootstraps of three factors", 300, THREE, resamples=500),
    Run("5,000 bootstraps of a mediation of scores", 500, "", resamples=5000),
    Run("5,000 bootstraps of a mediation of scores", 10_000, "", resamples=5000),
]


def data(run: Run) -> pd.DataFrame:
    """Answers of three factors that correlate by .5."""
    rng = np.random.default_rng(1)
    factors = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), size=run.n)
    answers = 0.8 * np.repeat(factors, 3, axis=1) + 0.6 * rng.normal(size=(run.n, 9))
    answers[rng.random(answers.shape) < run.missing] = np.nan
    if run.estimator == "wlsmv":
        answers = 1.0 + np.digitize(answers, [-1.5, -0.7, 0.2, 1.0])
    return pd.DataFrame(answers.round(6), columns=[f"x{k}" for k in range(1, 10)])


def cxuxlib(run: Run, frame: pd.DataFrame) -> float:
    """This library: the whole table, with standardised values and their errors."""
    from cxuxlib.models import LatentOptions, latent, mediation_bootstrap, resampled

    if not run.syntax:
        found = mediation_bootstrap(frame, ["x1"], ["x4"], ["x7"], replications=run.resamples)
        return float(found.set_index(["term", "kind"]).loc[("indirect", "raw"), "value"])
    options = LatentOptions(missing="fiml" if run.missing else "listwise")
    fit = latent(run.syntax, frame, estimator=run.estimator, options=options)  # type: ignore[arg-type]
    if run.resamples:
        resampled(fit, replications=run.resamples)
    return fit.quality["chi2"]


def pingouin(run: Run, frame: pd.DataFrame) -> float:
    """Pingouin: the bootstrap of a mediation of scores."""
    if run.syntax:
        raise RuntimeError("not offered")
    from pingouin import mediation_analysis

    found = mediation_analysis(data=frame, x="x1", m="x4", y="x7", n_boot=run.resamples, seed=1)
    return float(found.set_index("path").loc["Indirect", "coef"])


def semopy(run: Run, frame: pd.DataFrame) -> float:
    """Semopy: estimates with standardised values, and fit measures."""
    if run.missing or run.estimator != "ml":
        raise RuntimeError("not offered, or known to be wrong")
    from semopy import Model, calc_stats

    model = Model(run.syntax)
    model.fit(frame)
    chi2 = float(calc_stats(model)["chi2"].iloc[0])
    model.inspect(std_est=True)
    rng = np.random.default_rng(1)
    for _ in range(run.resamples):
        again = Model(run.syntax)
        again.fit(frame.iloc[rng.integers(len(frame), size=len(frame))])
    return chi2


def timed(do: Callable[[], float]) -> dict[str, float]:
    """Least seconds of a call, and what it found."""
    found, times = do(), []
    while len(times) < 3 or sum(times) < LEAST:
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
        if times[-1] > LEAST:
            break
    return {"seconds": min(times), "chi2": found}


def started(peer: str, number: int) -> dict[str, float]:
    """One run in a process of its own, on one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    run, given = RUNS[number], ""
    with tempfile.TemporaryDirectory() as folder:
        if peer == "lavaan":
            rows, script = Path(folder, "rows.csv"), Path(folder, "run.R")
            data(run).to_csv(rows, index=False)
            script.write_text(RSCRIPT, encoding="utf-8")
            missing = "ml" if run.missing else "listwise"
            given = json.dumps(
                run._asdict() | {"rows": str(rows), "missing": missing, "estimator": run.estimator.upper()}
            )
            command = [shutil.which("Rscript") or "Rscript", str(script)]
        else:
            python = sys.executable if peer == "cxuxlib" else os.environ.get("CXUXLIB_PEERS") or sys.executable
            command = [python, __file__, "--one", peer, str(number)]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, text=True, check=False, env=os.environ | threads
            )
        except OSError as reason:
            raise RuntimeError(str(reason)) from reason
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no words"])[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(rounds: int) -> None:
    """Run all in turn, several times, and write the table."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for _ in range(rounds):
        for number, run in enumerate(RUNS):
            for peer in ("cxuxlib", "lavaan", "semopy") if run.syntax else ("cxuxlib", "pingouin"):
                try:
                    each = started(peer, number)
                except RuntimeError as reason:
                    print(f"left out: {peer}, {run.what}: {reason}", file=sys.stderr)
                    continue
                before = found.setdefault((peer, number), each)
                before["seconds"] = min(before["seconds"], each["seconds"])
                ours = found["cxuxlib", number]["chi2"]
                assert abs(each["chi2"] - ours) < (1e-3 if peer == "semopy" else 1e-5) * ours, (peer, run, each, ours)
    rows = []
    for (peer, number), each in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        run, mine = RUNS[number], found["cxuxlib", number]["seconds"]
        rows.append({
            "what": run.what, "n": run.n, "peer": peer, "seconds": f"{each['seconds']:.4g}",
            "ratio_to_cxuxlib": f"{each['seconds'] / mine:.3g}",
        })  # fmt: skip
        print(rows[-1], flush=True)
    with (HERE / "latent.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        case, call = RUNS[int(sys.argv[3])], {"cxuxlib": cxuxlib, "semopy": semopy, "pingouin": pingouin}[sys.argv[2]]
        table = data(case)
        print(json.dumps(timed(lambda: call(case, table))))
    else:
        main(int((sys.argv[1:] or ["3"])[0]))
