"""The report is one whole page, escaped, and readable without a network."""

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cxuxlib import claims, datasets, plots, report
from cxuxlib.__main__ import main
from cxuxlib.errors import DataError
from cxuxlib.report.meaning import means


class Page(HTMLParser):
    """Collects images, links and unclosed tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str | None] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def rulings() -> claims.Rulings:
    return claims.judge_all(datasets.aggregates("mobi"))


def test_the_page_holds_every_ruling_with_its_reason(rulings: claims.Rulings, tmp_path: Path) -> None:
    picture = plots.verdicts(rulings)
    text = report.write(tmp_path / "deep" / "r.html", [rulings], pictures=[picture], links={"one": "a.html"}).read_text(
        "utf-8"
    )
    page = Page(text)
    assert page.open == []
    assert [image["alt"] for image in page.images] == [repr(picture)]
    assert page.links == ["a.html"]
    for ruling in rulings.rulings:
        assert ruling.claim.id in text
        assert escape(ruling.reason) in text
    assert "holds below 0.9, fails above 0.9" in text
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_hostile_names_are_escaped(rulings: claims.Rulings, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    ruling = replace(rulings.rulings[0], reason=evil)
    text = report.write(tmp_path / "r.html", [claims.Rulings(evil, (ruling,), evil)], links={evil: '"><b>'}).read_text(
        "utf-8"
    )
    assert "<script>" not in text
    assert '"><b>' not in text
    assert "&lt;script&gt;" in text


def test_nothing_is_left_where_it_cannot_be_written(rulings: claims.Rulings, tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(DataError, match=r"taken\.html"):
        report.write(tmp_path / "taken.html", [rulings])
    assert [path.name for path in tmp_path.iterdir()] == ["taken.html"]


def test_lines_for_the_terminal(rulings: claims.Rulings) -> None:
    assert report.lines([]) == "No rulings."
    wide = report.lines([rulings], width=60)
    assert "refuted" in wide
    assert max(len(line) for line in wide.splitlines()) <= 72


def test_the_command_judges_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00-start-here.html").write_text("x", encoding="utf-8")
    assert main(["study", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "A0 distinct" in said
    page = Page((tmp_path / "index.html").read_text("utf-8"))
    assert page.links == ["notebooks/00-start-here.html"]
    assert all(image["alt"] for image in page.images)
    assert len(page.images) == 4


def test_a_page_says_what_rulings_mean_together_and_alone(tmp_path: Path) -> None:
    found = claims.judge_all(datasets.load("harbor"))
    text = report.write(tmp_path / "harbor.html", found).read_text(encoding="utf-8")
    assert text.index("All together") < text.index("proper subset") < text.index("Claim by claim")
    assert "UX is a part of the customer experience, and not all of it." in text
    assert "The answers leave this open" in text  # A5
    assert text.count("That one thing causes the other") >= 6
    assert "Holm&#x27;s correction" in text
    for claim in claims.ALL:
        told = {
            verdict: means(claims.Ruling(claim, verdict, None, claim.region, None, ""))  # type: ignore[arg-type]
            for verdict in ("supported", "refuted", "undecided", "not answerable")
        }
        assert len(set(told.values())) == 4, claim.id
        assert not any(each.startswith("The claim is") for each in told.values()), claim.id
    for each in found.conclusions:
        told = {v: means(replace(each, verdict=v)) for v in ("supported", "refuted")}  # type: ignore[arg-type]
        assert not any(one.startswith("The claim is") for one in told.values()), each.id
