"""Published figures: every row of the table of oracles, from the public functions, to the digits that were printed."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from math import floor, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import erf, ndtri

from cxuxlib import benchmark, compare, cx, errors, estimate, measure, planning, scales, ux
from cxuxlib.metrics import behaviour
from cxuxlib.stats import comparisons, contracts, paired, purchases, spend
from cxuxlib.study import Answer, Metric

FOLDER = Path(__file__).resolve().parent / "reference"
TABLE = pd.read_csv(FOLDER / "metrics_oracles.csv", dtype=str)
IDS = {  # of the collection of published figures; it has no others
    "A1", "A2", "A3", "A4", "A5", "A6", "A8", "B1", "B3", "C1", "C2", "C3", "D3", "D4", "D5", "D7", "D8", "D9", "E1",
    "E3", "E5", "G1", "G2", "G3", "G4", "G5", "G7", "G8", "G9", "I1", "K1",
}  # fmt: skip

Numbers = Mapping[str, Any]
Ask = Callable[[pytest.FixtureRequest, dict[str, Any]], Numbers]
ASK: dict[str, Ask] = {}


def answers(what: str) -> Callable[[Ask], Ask]:
    def keep(function: Ask) -> Ask:
        ASK[what] = function
        return function

    return keep


# --- shares, times, comparisons --------------------------------------------------------------------


@answers("proportion_interval")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    metric = ux.task_success(interval=given.get("interval", "adjusted"))
    found = estimate([1] * given["x"] + [0] * (given["n"] - given["x"]), metric)
    return {"low": found.low, "high": found.high, "centre": (found.low + found.high) / 2}


@answers("proportion_interval_cut")
def _(request: pytest.FixtureRequest, given: dict[str, Any]) -> Numbers:
    # This page cuts what is behind the fourth decimal: its centre of 0.66965 is printed as 0.6696.
    found = ASK["proportion_interval"](request, given)
    return {name: floor(each * 1e4) / 1e4 for name, each in found.items()}


@answers("proportion_interval_centre")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    # The upper end is cut at 1, so the centre is found from the lower one: low = c - z √(c (1 - c)/(n + z²)).
    x, n, z = given["x"], given["n"], given["z"]
    low = estimate([1] * x + [0] * (n - x), ux.task_success(), level=float(erf(z / sqrt(2)))).low
    return {"centre": brentq(lambda c: c - z * sqrt(c * (1 - c) / (n + z * z)) - low, low + 1e-9, 1, xtol=1e-15)}


@answers("two_proportions")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    x1, n1, x2, n2 = (given[name] for name in ("x1", "n1", "x2", "n2"))
    data = pd.DataFrame({"success": [1] * x1 + [0] * (n1 - x1) + [1] * x2 + [0] * (n2 - x2)})
    found = compare(data.assign(design=["a"] * n1 + ["b"] * n2), ux.task_success(), between="design").iloc[0]
    return found.to_dict() | {"z": comparisons.two_proportions(x1, n1, x2, n2).statistic}


@answers("proportion_below")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"success": [1] * given["x"] + [0] * (given["n"] - given["x"])})
    return {"p_below": 1 - benchmark(data, ux.task_success(), given["p0"])["p_exact"].item()}


@answers("two_means")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"design": ["a"] * len(given["a"]) + ["b"] * len(given["b"]), "x": given["a"] + given["b"]})
    found = compare(data, cx.csat_mean("x", scale=7), between="design").iloc[0]
    moments = [number for x in (given["a"], given["b"]) for number in (np.mean(x), np.var(x, ddof=1), len(x))]
    test = comparisons.welch(*moments)
    return found.to_dict() | {"t": test.statistic, "df": test.df}


@answers("two_means_of_summaries")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    (m1, s1, n1), (m2, s2, n2) = given["a"], given["b"]
    test = comparisons.welch(m1, s1**2, n1, m2, s2**2, n2)
    return {"t": test.statistic, "p": test.p}


@answers("paired_means")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    n, mean = given["n"], given["sum"] / given["n"]
    test = paired.paired_mean(mean, (given["squares"] - n * mean**2) / (n - 1), n)
    return test._asdict() | {"t": test.statistic}


@answers("geometric_mean")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    found = estimate(given["times"], ux.time_on_task(success=None, which="all"))
    return {"value": found.value, "low": found.low, "high": found.high}


@answers("mean_and_median")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    mean = Metric("mean time", (("t", Answer("t", 0, 1e9)),), "t", "mean", 0, 1e9)
    data = pd.DataFrame({"t": given["times"], "done": 1})
    return {
        "mean": estimate(given["times"], mean).value,
        "median": behaviour.median_time(data, "t", "done")["value"][0],
    }


@answers("core_efficiency")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    found = []
    for percent, minutes in zip(given["percent"], given["minutes"], strict=True):
        data = pd.DataFrame({"success": [1] * percent + [0] * (100 - percent), "duration_s": 60 * minutes})
        found.append(100 * measure(data, ux.core_efficiency())["value"].item())
    return {"percent_per_minute": found}


@answers("lostness")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"n_unique": [given["unique"]], "n_pages": given["total"], "n_optimal": given["optimal"]})
    return {"lostness": measure(data, ux.lostness())["value"].item()}


@answers("efficiencies")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"success": given["success"], "duration_s": given["times"]})
    found = measure(data, [ux.time_based_efficiency(), ux.overall_relative_efficiency()])["value"]
    return {"time_based": found[0], "overall_relative_percent": 100 * found[1]}


@answers("conversion")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"user_id": 1, "converted": given["converted"]})
    found = measure(data, [ux.conversion(), ux.conversion(per="visitor")], unit="user_id")["value"]
    return {"by session": 100 * found[0], "by visitor": 100 * found[1]}


@answers("relative_lift")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    (rows,) = given.values()
    table = pd.DataFrame(rows, columns=["variant", "sessions", "orders", "n"])
    data = table.loc[table.index.repeat(table["n"])].reset_index(names="same")
    per_session = Metric(
        "orders per session", (("orders", Answer("orders", 0, 99)), ("sessions", Answer("sessions", 1, 99))), "orders",
        "mean", 0, 99, per="sessions",
    )  # fmt: skip
    arms = measure(data, per_session, by="variant", unit=None)["value"]
    found = compare(data.assign(arm=1 - data["variant"]), per_session, between="arm", unit=None, relative=True).iloc[0]
    percents = {name: 100 * found[name] for name in ("relative", "relative_low", "relative_high")}
    return percents | {"control": arms[0], "treatment": arms[1], "p": found["p"]}


# --- questionnaires and attitudes ------------------------------------------------------------------


@answers("sus")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    items = [f"q{i}" for i in range(1, 11)]
    return {"SUS": scales.score(pd.DataFrame(given["sheets"], columns=items), scales.SUS, items=items)["SUS"].tolist()}


@answers("sus_item_targets")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    targets = scales.sus_item_targets(given["sus"])["target"].tolist()
    turned = [each - 1 if i % 2 else 5 - each for i, each in enumerate(targets, 1)]
    return {"targets": targets, "rebuilt": 2.5 * sum(turned)}


@answers("sus_percentile")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    return {"percentile": [scales.sus_percentile(mean) for mean in given["sus"]]}


@answers("tlx_weighted")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame([given["ratings"] + given["weights"]], columns=list("abcdefuvwxyz"))
    return {"load": scales.tlx_weighted(data, items=list("abcdef"), weights=list("uvwxyz")).iloc[0, 0]}


@answers("ueq_sample_items")
def _(request: pytest.FixtureRequest, _: dict[str, Any]) -> Numbers:
    file = request.getfixturevalue("raw_data") / "ueq" / "sample_items.csv"
    if not file.is_file():
        pytest.skip("the 255 sheets are binary data of R's ueqr: export them as ueq/sample_items.csv in the raw data")
    sheets = pd.read_csv(file).iloc[:, :26]
    return ueq_figures(sheets)


def ueq_figures(sheets: pd.DataFrame) -> Numbers:
    """What ueqr prints: sheets kept with fewer than 3 contradictory scales, means, sds, standardised alphas."""
    items = list(sheets.columns)
    flags = scales.inconsistent(sheets, scales.UEQ, items=items, at_least=3, same=None)
    kept = sheets[~flags["suspicious"]]
    scored = scales.score(kept, scales.UEQ, items=items)[list(scales.UEQ.subscales)]
    alpha = scales.alpha(kept, scales.UEQ, items=items).query("kind == 'standardised'")["value"]
    return {
        "kept": len(kept), "mean": scored.mean().tolist(), "sd": scored.std().tolist(), "std_alpha": alpha.tolist(),
    }  # fmt: skip


@answers("ueq_contradiction")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    items = [f"u{i}" for i in range(1, 27)]
    sheet = {f"u{i}": [4 + i % 2] for i in range(1, 27)}
    for position, tick in zip(scales.UEQ.subscales["perspicuity"], given["perspicuity"], strict=True):
        sheet[f"u{position}"] = [tick]
    found = {
        spread: scales.inconsistent(pd.DataFrame(sheet), scales.UEQ, items=items, spread=spread)["n_inconsistent"][0]
        for spread in range(7)
    }
    return {"range": max(spread for spread, many in found.items() if many) + 1, "flagged": found[3]}


@answers("nps")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    points = estimate(given["answers"], cx.nps()).value
    textbook = estimate(given["answers"], cx.nps(interval="wald"))
    shares = [np.mean([low <= each <= high for each in given["answers"]]) for low, high in ((9, 10), (0, 6))]
    return {
        "points": points, "share": points / 100, "variance": (planning.nps_sd(*shares) / 100) ** 2,
        "std_error": (textbook.high - textbook.low) / 2 / ndtri(0.975) / 100,
    }  # fmt: skip


@answers("nps_interval")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    answered = [0] * given["detractors"] + [7] * given["passives"] + [10] * given["promoters"]
    found = estimate(answered, cx.nps(interval=given.get("interval", "adjusted")))
    return {"points": found.value, "low": found.low, "high": found.high}


@answers("acsi")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    metric = cx.acsi(weights=tuple(given["weights"])) if "weights" in given else cx.acsi()
    data = pd.DataFrame([given["ratings"]], columns=["satisfaction", "expectations", "ideal"])
    return {"index": measure(data, metric)["value"].item()}


# --- what customers do -----------------------------------------------------------------------------


@cache
def histories(folder: Path) -> pd.DataFrame:
    """The CDNOW sample in its first 39 weeks, from its transactions: frequency, recency, T in weeks, monetary."""
    names = ["master", "customer", "at", "cds", "spent"]
    log = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names)
    log["at"] = pd.to_datetime(log["at"].astype(str))
    log = log[log["at"] <= "1997-09-30"]
    found = behaviour.rfm(log, unit="customer", at="at", value="spent", until=pd.Timestamp("1997-09-30"))
    return found.assign(recency=found["recency"] / 7, T=found["T"] / 7)


@cache
def cdnow_model(folder: Path, sample: str) -> purchases.BgNbd:
    data = histories(folder) if sample == "CDNOW" else pd.read_csv(folder / "cdnow_customers_summary.csv")
    return purchases.bgnbd_fit(data["frequency"], data["recency"], data["T"])


@answers("bgnbd_fit")
def _(request: pytest.FixtureRequest, given: dict[str, Any]) -> Numbers:
    found = cdnow_model(request.getfixturevalue("cdnow"), given["sample"])
    return found._asdict() | {"customers": found.n}


@answers("bgnbd_repeats")
def _(request: pytest.FixtureRequest, given: dict[str, Any]) -> Numbers:
    model = cdnow_model(request.getfixturevalue("cdnow"), "CDNOW summary")
    history = given["frequency"], given["recency"], given["T"]
    return {"repeats": float(purchases.expected_repeats(model, given["t"], *history))}


@answers("bgnbd_expected")
def _(request: pytest.FixtureRequest, given: dict[str, Any]) -> Numbers:
    model = cdnow_model(request.getfixturevalue("cdnow"), "CDNOW summary")
    return {"purchases": purchases.expected_purchases(model, given["t"]).tolist()}


@answers("gamma_gamma")
def _(request: pytest.FixtureRequest, _: dict[str, Any]) -> Numbers:
    data = histories(request.getfixturevalue("cdnow"))
    again = data[data["frequency"] > 0]
    found = spend.gamma_gamma_fit(again["frequency"], again["monetary"])
    ten = data.head(10).fillna(0)
    first = spend.expected_spend(found, ten["frequency"], ten["monetary"]).tolist()
    return found._asdict() | {"customers": found.n, "first ten": first}


@answers("sbg")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    return contracts.sbg_fit(given["survivors"])._asdict()


@answers("rfm")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    log = pd.DataFrame(given["purchases"], columns=["id", "at"])
    log["at"] = pd.to_datetime(log["at"])
    found = behaviour.rfm(log, unit="id", at="at", until=pd.Timestamp(given["until"])).set_index("id")
    return {str(name): row.tolist() for name, row in found[["frequency", "recency", "T"]].iterrows()}


@answers("churn")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    lost = given["start"] - given["remain"]
    data = pd.DataFrame({"at_start": 1, "lost": [1] * lost + [0] * given["remain"]})
    return {"percent": 100 * measure(data, behaviour.churn_rate(per="start"))["value"].item()}


@answers("survival")
def _(_: Any, given: dict[str, Any]) -> Numbers:
    data = pd.DataFrame({"time": given["times"], "event": given["events"]})
    found = behaviour.survival(data, "time", "event")
    return {f"{row.time:g}": row.value for row in found.itertuples()}


# --- the table -------------------------------------------------------------------------------------


def agrees(found: float, printed: float, digits: int) -> bool:
    """Whether a number may have been printed so: an exact half may have been rounded up, down or to even."""
    return bool(abs(found - printed) <= 0.5 * 10.0**-digits * (1 + 1e-9))


@pytest.mark.parametrize("position", TABLE.index, ids=[f"{row.id}-{row.what}" for row in TABLE.itertuples()])
def test_figure_as_published(request: pytest.FixtureRequest, position: int) -> None:
    row = TABLE.loc[position]
    given, expected, digits = (json.loads(row[name]) for name in ("input", "expected", "digits"))
    if "refused" in expected:
        with pytest.raises(getattr(errors, expected["refused"])):
            ASK[row["what"]](request, given)
        return
    found = ASK[row["what"]](request, given)
    for name, printed in expected.items():
        places = digits if isinstance(digits, int) else digits[name]
        pairs = list(zip(*(np.atleast_1d(each) for each in (found[name], printed)), strict=True))
        assert pairs
        assert [pair for pair in pairs if not agrees(*pair, places)] == [], name


def test_no_oracle_is_forgotten() -> None:
    published = TABLE[TABLE["tag"] != "C"]
    assert set(published["id"]) == IDS
    assert TABLE.notna().all(axis=None)
    assert set(TABLE["tag"]) == {"T", "R", "C"}


def test_every_question_to_the_library_is_asked() -> None:
    assert set(TABLE["what"]) == set(ASK)


@pytest.mark.parametrize(("found", "same"), [(0.125, True), (0.12501, True), (0.1249, False), (0.1351, False)])
def test_rounding_is_half_a_digit_and_no_more(found: float, same: bool) -> None:
    assert agrees(found, 0.13, 2) is same


def test_the_steps_of_ueqr_on_simulated_sheets() -> None:
    # Stands for D8 where its data are absent; by tests/reference/ueq.R, with psych.
    expected = json.loads((FOLDER / "ueq.json").read_text(encoding="utf-8"))
    found = ueq_figures(pd.read_csv(FOLDER / "ueq_answers.csv"))
    assert found["kept"] == expected["kept"] < 255
    for name in ("mean", "sd", "std_alpha"):
        assert found[name] == pytest.approx([expected[each][name] for each in scales.UEQ.subscales], abs=1e-10)
