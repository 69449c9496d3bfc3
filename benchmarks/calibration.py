"""How often the rulings on simulated studies are right: every claim in every world, written to data/calibration.

    .venv/bin/python benchmarks/calibration.py [replications] [n ...]      1000 replications at n = 300, 1000, 3000
    .venv/bin/python benchmarks/calibration.py 0 [n ...]                   only the table, of what has been run

Each replication makes a study of one wave, or of two for E1, and judges the claims of a survey on it: in the worlds of
`WHOLE` all of them, in another the claims that are true or false there, and in a world that puts one claim on its
border, that one. Claims over time have blocks of their own, of studies of four waves, in the worlds of `OVER_TIME`.
What is true there is computed, not assumed: a claim holds or fails in a world as its truth lies in the regions of its
rule, or it is on the border. Blocks of replications are kept in build/calibration, so that a run that was stopped goes
on where it was; all cores are used, and all worlds and sizes advance together. The table has one row per world, n and
claim: shares of verdicts, how many were wrong, and the simulation error of that.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BLOCKS, TABLE = ROOT / "build" / "calibration", ROOT / "data" / "calibration" / "rulings.csv"
BLOCK, SEED, NEAR = 25, 20_261_122, 0.005  # replications at a time; the seed; how near to a border a truth is on it
TRUTH_OF = {
    "A0": "r_ux_cx", "A1": "loading_ux", "A2": "path_ux", "A3": "r2_beyond_ux", "A4": "r2_facets",
    "A5": "direct_ux_loyalty", "B1": "r2_loyalty_ux", "B4": "share_service_minus_ux", "C1": "r2_not_additive",
    "C2": "cx_ux_low_service_high", "C3": "weight_weakest", "C4": "promoters_ux_high_service_low",
    "C7": "loyalty_by_innovation_low_ux", "D1": "r_per_doubling", "E1": "score_retest_ux_minus_cx",
    "B2": "cross_lag_ux_cx", "B3": "itt_cx", "B5": "hr_cx", "B6": "hr_ux_total",
}  # fmt: skip
PLAIN = {
    "experience.innovation_by_ux": 0.0, "experience.failure": 0.0, "experience.turning": 0.0,
    "experience.recovery": 0.0, "experience.lagged": 0.0,
}  # fmt: skip
OTHERS = {"service": 0.18, "delivery": 0.08, "value": 0.10, "brand": 0.10, "innovation": 0.04}
BORDERS: dict[str, dict[str, Any]] = {
    "A0": {"experience.ux.weight": 0.8469, "experience.carry": 0.0}
    | {f"experience.{name}.weight": 0.03 for name in OTHERS},
    "A1": {"experience.ux.umbrella": 0.50},
    "A2": {"experience.ux.weight": 0.0749},
    "A3": {f"experience.{name}.weight": 0.3463 * weight for name, weight in OTHERS.items()},
    "A4": {"experience.ux.weight": 0.2527},
    "A5": {"loyalty.ux": 0.10},
    "B1": {"experience.ux.weight": 0.1325},
    "B4": {"experience.ux.weight": 0.1778},
    "C1": {"experience.weakest": 0.419, "experience.carry": 0.2}
    | {f"experience.{name}.weight": 0.0 for name in ("ux", "service")},
    "C2": {"experience.service.weight": 0.1816},
    "C3": {"experience.weakest": 0.0508},
    "C4": {"experience.service.weight": 0.1791},
    "C7": {"experience.innovation.weight": 0.0561},
    "E1": {"experience.carry": 0.3428},
    "B2": {"experience.lagged": 0.0572},
    "B3": {"experience.ux.weight": 0.0679},
    "B5": {"loyalty.log_hazard_cx": -0.1054},
    "B6": {"loyalty.log_hazard_cx": -0.0867},
}  # of harbor, so that the truth of the claim is its bound; the null world does it for D1
BORDER = "border of "
OVER_TIME = {
    "B2": ("harbor", "reverse", "confounded", "null"),
    "B3": ("harbor", "direct", "side-by-side", "null", "confounded"),
    "B5": ("harbor", "null"),
    "B6": ("harbor", "direct", "side-by-side", "null"),
}  # the worlds in which claims over time hold, or fail
WAVES = 4  # of studies over time
WHOLE = ("harbor", "one-and-the-same", "side-by-side", "halo", "ceiling", "weakest-link", "compensating")


class Cell(NamedTuple):
    """Replications of one world."""

    world: str
    n: int
    block: int
    over_time: bool = False

    @property
    def file(self) -> Path:
        """Where they are kept."""
        over_time = "-over-time" if self.over_time else ""
        return BLOCKS / f"{self.world.replace(' ', '-')}{over_time}-{self.n}-{self.block}.json"


def world_of(name: str) -> Any:
    """A named world, or harbor changed so that a claim's truth is its bound."""
    from cxuxlib import worlds

    border = BORDERS.get(name.removeprefix(BORDER))
    return worlds.WORLDS[name] if border is None else worlds.changed(worlds.WORLDS["harbor"], PLAIN | border)


def judged(world: str, over_time: bool = False) -> list[Any]:
    """Claims that are judged one by one in a world."""
    from cxuxlib import claims

    border = world.removeprefix(BORDER)
    if over_time:
        found = {each: each.id.split()[0] for each in claims.OVER_TIME}
        return [each for each, name in found.items() if name == border or world in OVER_TIME[name]]
    if world in WHOLE:
        return [claims.UX_IS_STEADIER_THAN_CX]
    return [
        each for each in claims.SURVEY if each.id.split()[0] == border or world in (each.true_where, each.false_where)
    ]


def run(cell: Cell) -> float:
    """One block of replications; the seconds it took."""
    import numpy as np

    from cxuxlib import claims, worlds

    began, counts = time.perf_counter(), Counter[str]()
    rng = np.random.default_rng([SEED, zlib.crc32(cell.world.encode()), cell.n, cell.block, *[WAVES] * cell.over_time])
    world, some = world_of(cell.world), judged(cell.world, cell.over_time)
    of_survey = {each.id for each in claims.SURVEY}
    for _ in range(BLOCK):
        rulings = {}
        if cell.over_time:
            study = worlds.make(world, n=cell.n, waves=WAVES, rng=rng)
            rulings = {claim.id: claims.judge(claim, study).verdict for claim in some}
        elif cell.world in WHOLE:
            found = claims.judge_all(worlds.make(world, n=cell.n, waves=1, rng=rng))
            rulings = {each.claim.id: each.verdict for each in found.rulings if each.claim.id in of_survey}
            rulings |= {each.id: each.verdict for each in found.conclusions}
        for claim in [] if cell.over_time else some:
            waves = 2 if claim is claims.UX_IS_STEADIER_THAN_CX else 1
            study = worlds.make(world, n=cell.n, waves=waves, rng=rng)
            rulings[claim.id] = claims.judge(claim, study).verdict
        counts.update(f"{name}|{verdict}" for name, verdict in rulings.items())
    draft = cell.file.with_suffix(".part")
    draft.write_text(json.dumps(counts), encoding="utf-8")
    draft.replace(cell.file)
    return time.perf_counter() - began


def within(truth: float, region: tuple[float, float], margin: float) -> bool:
    """Whether a truth lies in a region, which with ends turned round is all but what is between them."""
    low, high = region
    if low < high:
        return low + margin < truth < high - margin
    return truth > low + margin or truth < high - margin


def state(claim: Any, truth: float | None) -> str:
    """Whether a claim holds where this is true, by its rule; on the border where neither is clear."""
    if truth is None:
        return "no truth"
    for said, region in (("holds", claim.region.holds), ("fails", claim.region.fails)):
        if within(truth, region, NEAR):
            return said
    near = any(within(truth, region, -NEAR) for region in (claim.region.holds, claim.region.fails))
    return "on the border" if near else "between"


def rows(cells: list[Cell]) -> Iterator[dict[str, Any]]:
    """The table, of all blocks."""
    from cxuxlib import claims, worlds

    for world, n, over_time in dict.fromkeys((each.world, each.n, each.over_time) for each in cells):
        own = [each for each in cells if (each.world, each.n, each.over_time) == (world, n, over_time)]
        replications, counts = BLOCK * len(own), Counter[str]()
        for each in own:
            counts.update(json.loads(each.file.read_text(encoding="utf-8")))
        truth = worlds.truth(world_of(world), waves=WAVES if over_time else 1)
        names = dict.fromkeys(key.split("|")[0] for key in sorted(counts))
        for name in names:
            shares = {verdict: counts[f"{name}|{verdict}"] / replications for verdict in VERDICTS}
            claim = next((each for each in claims.ALL if each.id == name), None)
            known = truth.get(TRUTH_OF[name.split()[0]]) if claim is not None else None
            where = state(claim, known) if claim is not None else ""
            wrong = {"holds": shares["refuted"], "fails": shares["supported"]}.get(where)
            if where == "on the border":
                wrong = max(shares["supported"], shares["refuted"])
            error = "" if wrong is None else f"{(max(wrong * (1 - wrong), 0.05 * 0.95) / replications) ** 0.5:.4f}"
            yield {
                "world": world, "n": n, "claim": name, "truth": "" if known is None else f"{known:.4f}", "there": where,
                "replications": replications, **{key.replace(" ", "_"): f"{each:.4f}" for key, each in shares.items()},
                "wrong": "" if wrong is None else f"{wrong:.4f}", "simulation_error": error, "seed": SEED,
                "cxuxlib": version("cxuxlib"), "numpy": version("numpy"),
            }  # fmt: skip


VERDICTS = ("supported", "refuted", "undecided", "not answerable")


def main(replications: int, sizes: list[int]) -> None:
    """Run what is not there yet, and write the table."""
    from cxuxlib import worlds

    every = (*worlds.names(), *(BORDER + each for each in BORDERS))
    where = [(world, over_time) for over_time in (False, True) for world in every if judged(world, over_time)]
    BLOCKS.mkdir(parents=True, exist_ok=True)
    cells = [Cell(world, n, k, late) for k in range(-(-replications // BLOCK)) for n in sizes for world, late in where]
    left = [each for each in cells if not each.file.exists()]
    began = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(run, each): each for each in left}
        for done, job in enumerate(as_completed(jobs), 1):
            cell, took = jobs[job], job.result() / BLOCK
            rest = (time.perf_counter() - began) / done * (len(left) - done) / 60
            print(f"{done}/{len(left)} {cell.world}, n = {cell.n}: {took:.2f} s each; {rest:.0f} min left", flush=True)
    there = [Cell(world, n, k, over_time) for world, over_time in where for n in sizes for k in range(1000)]
    found = list(rows([each for each in there if each.file.exists()]))
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    bad = [row for row in found if row["wrong"] and float(row["wrong"]) > 0.05 + 3 * float(row["simulation_error"])]
    print(f"{len(found)} rows in {TABLE.relative_to(ROOT)}; {len(bad)} wrong more often than 5% and three errors:")
    for row in bad:
        print(f"  {row['claim']} in {row['world']}, n = {row['n']}: {row['wrong']} ({row['there']}, {row['truth']})")


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    given = [int(float(each)) for each in sys.argv[1:]]
    main((given or [1000])[0], given[1:] or [300, 1000, 3000])
