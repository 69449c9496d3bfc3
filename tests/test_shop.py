"""The shop's log: shipped to the byte, and what was planted in it is found, with intervals that leave out no change."""

import gzip
import hashlib
import importlib.util
import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxuxlib import adjust, compare, datasets, events, measure, ux
from cxuxlib.errors import ArgumentError, DataError, UnitError
from cxuxlib.study import names

HOME = Path(__file__).resolve().parent.parent / "data" / "shop"
FILE = HOME / "events.csv.gz"
SHA256 = "110716838facbec8143c6c9af74500eb0252197da212fd75aa4c47bf3b692090"  # of the package's RECORD
PATH = ["add_to_cart", "cart", "shipping_details", "payment_details", "purchase"]
BOUGHT, CHATTED = ux.conversion("any_purchase"), ux.conversion("any_chat")
ABOUT = ("platform", "acquisition_channel", "user_lifecycle")


def log() -> pd.DataFrame:
    return datasets.load("shop").tables["events"].copy()


def by_visit() -> pd.DataFrame:
    """Every event at the beginning of its session: what happened is known, in which order is not."""
    return log().assign(at=lambda t: t.groupby("session_id")["at"].transform("min"))


def periods(at: pd.Series) -> np.ndarray:
    day = at.dt.strftime("%m-%d")
    return np.select([day.between("04-09", "05-09"), day.between("05-19", "06-07")], ["fault", "incident"], "usual")


@cache
def visits() -> pd.DataFrame:
    counts = {"any_purchase": "purchase", "any_chat": "support_chat"}
    found = events.sessions(events.read(log()), counts=counts, keep=["session_id", *ABOUT])
    return found.assign(period=periods(found["start_at"]))


def of(period: str, **which: str) -> pd.DataFrame:
    """Visits of a period and of the usual time; the other incident is left out."""
    found = visits()[visits()["period"].isin([period, "usual"])]
    for column, value in which.items():
        found = found[found[column] == value]
    return found


def rates(frame: pd.DataFrame, metric: object, by: str = "period") -> pd.DataFrame:
    return measure(frame, metric, by=by, unit="user_id").set_index("segment")


# --- what is shipped ------------------------------------------------------------------------------


def test_the_log_is_whole() -> None:
    frame = log()
    assert len(frame) == 31_106
    assert frame["user_id"].nunique() == 600
    assert frame["session_id"].nunique() == 3_605
    assert frame.duplicated().sum() == 30
    assert not frame.isna().any().any()
    assert [frame["at"].min(), frame["at"].max()] == [
        pd.Timestamp("2024-01-04 11:45:38"),
        pd.Timestamp("2024-06-29 22:02:40"),
    ]


def test_the_dictionary_says_what_is_there() -> None:
    study = datasets.load("shop")
    frame = study.tables["events"]
    assert [column.name for column in study.columns] == list(frame.columns)
    assert names(study, role="unit") == ["user_id"]
    package = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
    for field in package["tables"]["events"]["schema"]["fields"]:
        if "enum" in field["constraints"]:
            assert sorted(frame[field["name"]].unique()) == field["constraints"]["enum"]
    (resource,) = package["resources"]
    assert (resource["rows"], resource["bytes"]) == (len(frame), FILE.stat().st_size)
    assert resource["hash"] == f"sha256:{SHA256}"
    assert study.truth == package["truth"]


def test_the_file_is_the_package_s_own() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256
    spec = importlib.util.find_spec("retentioneering")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("retentioneering is not installed; its checksum is that of the shipped file")
    theirs = Path(spec.submodule_search_locations[0]) / "datasets" / "ecom.csv.gz"
    assert theirs.read_bytes() == FILE.read_bytes()


def test_its_licence_goes_with_it() -> None:
    assert "Apache License" in (HOME / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright 2026 Maxim Godzi" in (HOME / "NOTICE").read_text(encoding="utf-8")


def test_a_changed_log_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HOME, tmp_path / "shop")
    monkeypatch.setattr(datasets, "_HOMES", (tmp_path, tmp_path))
    text = gzip.decompress(FILE.read_bytes()).replace(b"mobile", b"tablet", 1)
    (tmp_path / "shop" / FILE.name).write_bytes(gzip.compress(text))
    with pytest.raises(DataError, match=r"not the one in SHA256SUMS: the file was changed"):
        datasets.load("shop")


def test_a_log_has_no_aggregates() -> None:
    with pytest.raises(ArgumentError, match=r"use datasets\.load\('shop'\)"):
        datasets.aggregates("shop")


# --- from events to visits ------------------------------------------------------------------------


def test_thirty_minutes_give_the_generator_s_sessions() -> None:
    assert len(visits()) == 3_605
    assert visits()["session_id"].notna().all()  # no visit mixes two of them
    assert visits()["session_id"].is_unique  # and none is cut


def test_stamps_within_a_session_are_out_of_order() -> None:
    first = log().groupby(["session_id", "event"])["at"].min().unstack()
    paid = first.dropna(subset="purchase")
    assert len(paid) == 470
    assert paid["payment_details"].notna().all()
    assert (paid["purchase"] < paid["payment_details"]).sum() == 205


def test_an_attempt_that_ends_before_it_starts_is_counted() -> None:
    task = events.Task("checkout", start="add_to_cart", success="purchase", error=("checkout_bug", "payment_error"))
    lost = {}
    for name, frame in {"stamped": log(), "by visit": by_visit()}.items():
        opened = events.read(frame)
        reasons = events.unplaced(opened, task, key="session_id").set_index("reason")["n"]
        outcomes = events.attempts(opened, task, key="session_id")["outcome"].value_counts()
        lost[name] = (reasons["keys that end before they start"], outcomes["success"])
    assert lost == {"stamped": (106, 346), "by visit": (0, 470)}


def test_what_is_open_at_the_end_of_the_log_is_no_failure() -> None:
    task = events.Task("again", start="payment_error", success="purchase", timeout_s=14 * 86_400)
    opened = events.read(by_visit(), duplicates="drop")
    early = events.attempts(opened, task, until="2024-06-07 23:59")
    assert early["outcome"].value_counts().to_dict() == {"censored": 47, "abandoned": 32, "success": 11}
    late = early.merge(events.attempts(opened, task), on=["user_id", "attempt"], suffixes=("", "_late"))
    assert late["success_late"].sum() == 13  # of 90: what is closed early says 11 of 43


# --- what was planted -----------------------------------------------------------------------------


def test_conversion_on_phones_falls_with_the_fault() -> None:
    phones = rates(of("fault", platform="mobile"), BOUGHT)
    assert phones["value"].round(3).to_dict() == {"fault": 0.057, "usual": 0.133}
    assert phones.loc["fault", "high"] < phones.loc["usual", "low"]
    change = compare(of("fault", platform="mobile"), BOUGHT, between="period", unit="user_id", paired=True).iloc[0]
    assert (change["a"], change["b"]) == ("fault", "usual")
    assert change["high"] < -0.02
    assert change["p"] < 0.001


def test_conversion_on_desktops_does_not_move() -> None:
    desktops = rates(of("fault", platform="desktop"), BOUGHT)
    assert desktops["value"].round(3).to_dict() == {"fault": 0.163, "usual": 0.152}
    change = compare(of("fault", platform="desktop"), BOUGHT, between="period", unit="user_id", paired=True).iloc[0]
    assert -0.03 < change["low"] < 0 < change["high"]  # a fall as on phones, .079, is left out


def test_chats_rise_in_the_incident() -> None:
    two = visits().assign(period=np.where(visits()["period"] == "incident", "incident", "other"))
    chats = rates(two, CHATTED)
    assert chats["value"].round(3).to_dict() == {"incident": 0.167, "other": 0.047}
    assert chats.loc["other", "high"] < chats.loc["incident", "low"]
    change = compare(two, CHATTED, between="period", unit="user_id", paired=True).iloc[0]
    assert change["low"] > 0.08


def test_the_paired_change_is_that_of_users_means() -> None:
    phones = of("fault", platform="mobile")
    change = compare(phones, BOUGHT, between="period", unit="user_id", paired=True).iloc[0]
    both = phones.groupby(["user_id", "period"])["any_purchase"].mean().unstack().dropna()
    reference = stats.ttest_rel(both["fault"], both["usual"])
    assert change["n_a"] == len(both) == 168
    assert change["p"] == pytest.approx(reference.pvalue, rel=1e-9)
    ends = reference.confidence_interval()
    assert [change["low"], change["high"]] == pytest.approx([ends.low, ends.high], abs=1e-12)


def test_of_eleven_segments_only_phones_stay() -> None:
    parts = [
        compare(part, BOUGHT, between="period", unit="user_id", paired=True).assign(segment=name)
        for column in ABOUT
        for name, part in of("fault").groupby(column)
    ]
    table = adjust(pd.concat(parts, ignore_index=True)).set_index("segment")
    assert len(table) == 11
    assert list(table.index[table["p_adjusted"] < 0.05]) == ["mobile"]
    assert table.loc["mobile", "p_adjusted"] == pytest.approx(11 * table.loc["mobile", "p"], rel=1e-12)


@pytest.mark.parametrize(
    ("platform", "period", "step", "reached", "before", "planted"),
    [
        ("mobile", "fault", "payment_details", 22, 60, True),
        ("mobile", "usual", "payment_details", 116, 150, False),
        ("desktop", "fault", "payment_details", 96, 118, False),
        ("mobile", "incident", "purchase", 9, 39, True),
        ("desktop", "incident", "purchase", 31, 76, True),
    ],
)
def test_the_funnel_names_the_step(
    platform: str, period: str, step: str, reached: int, before: int, planted: bool
) -> None:
    frame = by_visit()
    frame = frame[(frame["platform"] == platform) & (periods(frame["at"]) == period)]
    table = events.funnel(events.read(frame), PATH, window_s=3600, key="session_id", until="2024-07-01")
    table = table.set_index("event")
    assert table["reached"].iloc[PATH.index(step) - 1] == before
    assert table.loc[step, "reached"] == reached
    assert table.loc[step, "from_previous"] == pytest.approx(reached / before)
    others = table["previous_low"].drop([PATH[0], step])
    assert (table.loc[step, "previous_high"] < others.min()) == planted


def test_the_unit_must_be_said_and_users_in_both_periods_are_pairs() -> None:
    with pytest.raises(UnitError, match=r"3,605 rows, 600 different.*too narrow"):
        measure(visits(), BOUGHT)
    with pytest.raises(UnitError, match="paired=True"):
        compare(of("fault"), BOUGHT, between="period", unit="user_id")


def test_what_visits_taken_for_people_would_have_claimed() -> None:
    phone = visits().assign(phone=(visits()["platform"] == "mobile").astype(int))
    right, naive = (measure(phone, ux.conversion("phone"), unit=unit).iloc[0] for unit in ("user_id", None))
    assert right["design_effect"] == pytest.approx(5.55, abs=0.01)
    assert (right["high"] - right["low"]) / (naive["high"] - naive["low"]) > 2.3
    assert measure(visits(), BOUGHT, unit="user_id")["design_effect"].item() == pytest.approx(1.05, abs=0.01)


def test_the_solutions_of_notebook_06_hold() -> None:
    short = events.sessions(events.read(log()), gap_s=300, counts={"any_purchase": "purchase"}, keep="platform")
    short = short.assign(period=periods(short["start_at"]))
    assert len(short) == 6_725
    assert measure(short, BOUGHT, unit="user_id")["value"].item() == pytest.approx(0.070, abs=5e-4)
    phones = short[(short["platform"] == "mobile") & (short["period"] != "incident")]
    assert rates(phones, BOUGHT)["value"].round(3).tolist() == [0.029, 0.072]
    change = compare(phones, BOUGHT, between="period", unit="user_id", paired=True).iloc[0]
    assert change[["difference", "low", "high"]].astype(float).round(3).tolist() == [-0.049, -0.073, -0.024]

    lines = log().assign(phone=lambda t: (t["platform"] == "mobile") * 1)
    naive, right = (measure(lines, ux.conversion("phone"), unit=unit).iloc[0] for unit in (None, "user_id"))
    assert [round(each[end], 3) for each in (naive, right) for end in ("low", "high")] == [0.36, 0.37, 0.327, 0.404]
    assert round(right["design_effect"]) == 52
    assert (right["high"] - right["low"]) / (naive["high"] - naive["low"]) == pytest.approx(7, abs=0.5)

    before = of("fault", platform="mobile").query("start_at < '2024-05-10'")
    change = compare(before, BOUGHT, between="period", unit="user_id", paired=True).iloc[0]
    assert change[["difference", "low", "high"]].astype(float).round(3).tolist() == [-0.035, -0.091, 0.021]
    assert change["n_a"] == 112
