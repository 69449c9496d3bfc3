"""Key drivers: cxuxlib beside the packages an analyst has today, as ratios of least seconds.

    .venv/bin/python benchmarks/models.py [rounds] [drivers ...]      writes benchmarks/models.csv

Every peer runs in a process of its own, in turn, ``rounds`` times (3); seconds are the least wall time without imports,
of calls for about a second each; all run on one thread. pingouin and dominance-analysis are run by the Python that
CXUXLIB_PEERS names, where they can be imported. All that give LMG shares must give the same. Where a peer would take
minutes, it is run once (pingouin, 20 drivers), or its time is that of fewer resamples times their number (bootstraps),
which ``how`` says. Where numbers of drivers are given, only these are run, and the table keeps its other rows.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
N = 10_000
SLOW = 1.0  # seconds for which calls are repeated, three times at least; a longer one is not repeated in a round
Shares = np.ndarray | None


class Run(NamedTuple):
    """What a peer does with so many drivers.

    Args:
        what: the task, whose peers are compared.
        peer: who does it.
        p: drivers.
        times: resamples run of those asked for; the time is multiplied up.
        once: run in one round only.
    """

    what: str
    peer: str
    p: int
    times: tuple[int, int] = (1, 1)
    once: bool = False


def data(p: int, n: int = N) -> pd.DataFrame:
    """Ratings with a common factor, continuous, so that no two rows are alike and counting saves nothing."""
    rng = np.random.default_rng(p)
    x = 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, p))
    y = x @ rng.uniform(0, 1, p) + 2 * rng.normal(size=n)
    return pd.DataFrame(np.column_stack([x, y]), columns=[*(f"x{i}" for i in range(p)), "y"])


def ours(frame: pd.DataFrame, method: str, interval: str) -> Shares:
    """This library, from the frame to the table."""
    from cxuxlib.models import DriverOptions, key_drivers

    options = DriverOptions(method, interval=interval, rng=1)  # type: ignore[arg-type]
    fit = key_drivers(frame, "y", list(frame.columns[:-1]), method=options)  # with its table of terms
    return fit.raw.values[0] if method == "lmg" else None


def pingouin_lmg(frame: pd.DataFrame) -> Shares:
    """Relative importance by pingouin's linear_regression."""
    import pingouin

    found = pingouin.linear_regression(frame[frame.columns[:-1]], frame["y"], relimp=True)
    return found["relimp"].to_numpy()[1:]


def dominance(frame: pd.DataFrame) -> Shares:
    """dominance-analysis: the mean of its individual, partial and interactional dominance is LMG.

    It is of NumPy 1 and shows its progress in a notebook; both are lent to it here.
    """
    np.bool8 = np.bool_  # type: ignore[attr-defined]
    import bokeh.io.notebook

    bokeh.io.notebook.publish_display_data = lambda *_, **__: None
    from dominance_analysis import Dominance

    found = Dominance(frame, "y", top_k=frame.shape[1] - 1, objective=1)
    found.incremental_rsquare()
    table = found.dominance_stats()
    return table["Total Dominance"].loc[list(frame.columns[:-1])].to_numpy()


def resampled(lmg: Callable[[pd.DataFrame], Shares], frame: pd.DataFrame, times: int) -> Shares:
    """Draw rows and start again, which is the only bootstrap of either."""
    rng = np.random.default_rng(1)
    for _ in range(times):
        lmg(frame.iloc[rng.integers(len(frame), size=len(frame))].reset_index(drop=True))
    return None


RUNS = [
    *(Run("LMG", peer, p) for p in (6, 10, 15) for peer in ("cxuxlib", "cxuxlib, with intervals", "pingouin")),
    Run("LMG", "dominance-analysis", 6),
    Run("LMG", "dominance-analysis", 10),
    *(Run("LMG", peer, 20) for peer in ("cxuxlib", "cxuxlib, with intervals")),
    Run("LMG", "pingouin", 20, once=True),
    *(Run("LMG", peer, 25, once=True) for peer in ("cxuxlib", "cxuxlib, with intervals")),
    Run("LMG", "cxuxlib", 30, once=True),
    *(Run("1,000 bootstraps of LMG", peer, 10, times, once) for peer, times, once in (
        ("cxuxlib", (1, 1), False), ("pingouin", (20, 1000), True), ("dominance-analysis", (1, 1000), True))),
    *(Run("Johnson", peer, 10) for peer in ("cxuxlib", "cxuxlib, with intervals")),
]  # fmt: skip


def call(run: Run) -> Callable[[pd.DataFrame], Shares]:
    """What is timed."""
    if run.peer.startswith("cxuxlib"):
        method = "johnson" if run.what == "Johnson" else "lmg"
        interval = "bootstrap" if "bootstraps" in run.what else "robust" if "intervals" in run.peer else "none"
        return lambda frame: ours(frame, method, interval)
    lmg = pingouin_lmg if run.peer == "pingouin" else dominance
    return (lambda frame: resampled(lmg, frame, run.times[0])) if "bootstraps" in run.what else lmg


def one(number: int) -> None:
    """Do one run here and print what it took."""
    run = RUNS[number]
    frame, do = data(run.p), call(run)
    do(data(3, 200))  # imports, and what is made once
    times, shares = [], None
    with open(os.devnull, "w") as quiet:  # noqa: PTH123  progress bars and tables of dominance-analysis
        said, sys.stdout = sys.stdout, quiet
        while len(times) < 3 or sum(times) < SLOW:
            began = time.perf_counter()
            shares = do(frame)
            times.append(time.perf_counter() - began)
            if times[-1] > SLOW:
                break
        sys.stdout = said
    check = None if shares is None else [round(float(each), 9) for each in shares]
    print(json.dumps({"seconds": min(times) * run.times[1] / run.times[0], "shares": check}))


def started(number: int) -> dict[str, Any]:
    """Do one run in a process of its own, on one thread."""
    python = sys.executable if RUNS[number].peer.startswith("cxuxlib") else os.environ.get("CXUXLIB_PEERS", "")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python or sys.executable, __file__, "--one", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | threads)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no words"])[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(rounds: int, drivers: list[int]) -> None:
    """Run those of so many drivers in turn, several times, and write the table."""
    best: dict[int, float] = {}
    shares: dict[int, list[float]] = {}
    broken: set[int] = set()
    for number_of_round in range(rounds):
        for number, run in enumerate(RUNS):
            if run.p not in drivers or number in broken or (run.once and number_of_round):
                continue
            try:
                found = started(number)
            except RuntimeError as reason:
                print(f"left out: {run.peer}, {run.p} drivers: {reason}", file=sys.stderr)
                broken.add(number)
                continue
            best[number] = min(found["seconds"], best.get(number, np.inf))
            if found["shares"] is not None:
                same = shares.setdefault(run.p, found["shares"])
                assert np.allclose(same, found["shares"], atol=1e-7), (run, same, found["shares"])
    rows: list[dict[str, Any]] = []
    for number, run in enumerate(RUNS):
        if number in best:
            mine = next(best[i] for i, each in enumerate(RUNS) if (each.what, each.p) == (run.what, run.p))
            how = f"{run.times[0]} resamples times {run.times[1] // run.times[0]}" if run.times[1] > 1 else ""
            how = "; ".join(part for part in (how, "one run" if run.once else "") if part)
            rows.append({
                "what": run.what, "drivers": run.p, "rows": N, "peer": run.peer, "seconds": f"{best[number]:.4g}",
                "ratio_to_cxuxlib": f"{best[number] / mine:.3g}", "how": how,
            })  # fmt: skip
            print(rows[-1], flush=True)
    order = [(run.what, str(run.p), run.peer) for run in RUNS]
    if {run.p for run in RUNS} - set(drivers):
        with (HERE / "models.csv").open(newline="", encoding="utf-8") as before:
            rows += [row for row in csv.DictReader(before) if int(row["drivers"]) not in drivers]
        rows.sort(key=lambda row: order.index((row["what"], str(row["drivers"]), row["peer"])))
    with (HERE / "models.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]))
    else:
        main(int((sys.argv[1:] or ["3"])[0]), [int(each) for each in sys.argv[2:]] or [run.p for run in RUNS])
