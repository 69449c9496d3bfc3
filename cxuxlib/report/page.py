"""One page of rulings: everything in one file, no network, everything from the user escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Protocol

from cxuxlib import text
from cxuxlib.claims import Conclusion, Ruling, Rulings
from cxuxlib.errors import ArgumentError, DataError
from cxuxlib.report.meaning import does_not_show, means

__all__ = ["lines", "write"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; max-width: 56rem;
  padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
p.lead { font-size: 1.1rem; max-width: 42rem; }
article { border: 1px solid #d0d7de; border-left: .4rem solid #595959; border-radius: .4rem; padding: .8rem 1rem;
  margin: 0 0 1rem; }
article.supported { border-left-color: #009E73; } article.refuted { border-left-color: #D55E00; }
article h3 { margin: 0 0 .4rem; font-size: 1.05rem; } section > h3 { margin: 1.5rem 0 .6rem; font-size: 1.05rem; }
.verdict { display: inline-block; border-radius: 1rem; padding: .05rem .7rem; background: #595959; color: #fff;
  font-weight: 600; font-size: .9rem; }
.supported .verdict { background: #00664a; } .refuted .verdict { background: #a33b00; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; margin: .6rem 0 0; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; overflow-x: auto; } img { width: 100%; min-width: 30rem; height: auto; }
figcaption { color: #424a53; font-size: .9rem; }
footer { margin-top: 3rem; color: #57606a; font-size: .9rem; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
"""


class Picture(Protocol):
    """What the page needs of a picture: its sentence and its bytes."""

    sentence: str

    def png(self, dpi: int = 100) -> bytes:
        """PNG bytes."""
        ...


def _sentence(ruling: Ruling) -> str:
    return repr(ruling.estimate) if ruling.estimate else "none: the study cannot answer this"


def _card(ruling: Ruling) -> str:
    rows = {
        "It means": means(ruling),
        "Estimand": ruling.claim.estimand,
        "Estimate": _sentence(ruling),
        "Decision rule": f"{ruling.region}{'; the bound was set by the study' if ruling.bound_set else ''}",
        "Judged with the others": _together(ruling),
        "Evidence": ruling.rung or "none",
        "It does not show": does_not_show(ruling),
        "Why": ruling.reason,
        "Claimed by": ruling.claim.source,
    }
    return _article(ruling.verdict, f"{ruling.claim.id}: “{ruling.claim.sentence}”", rows)


def _together(ruling: Ruling) -> str:
    """The verdict that stays when all claims of a study are judged together."""
    if ruling.corrected is None or not ruling.estimate:
        return ""
    return f"{ruling.corrected} (Holm's correction for the claims of this kind)"


def _conclusion(found: Conclusion) -> str:
    rows = {
        "It means": means(found), "Evidence": found.rung or "none", "It does not show": does_not_show(found),
        "Why": found.reason,
    }  # fmt: skip
    return _article(found.verdict, f"{found.id}: “{found.sentence}”", rows)


def _article(verdict: str, title: str, rows: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    return (
        f'<article class="{escape(verdict)}"><h3>{escape(title)}</h3>'
        f'<span class="verdict">{escape(verdict)}</span><dl>{items}</dl></article>'
    )


def _figure(picture: Picture) -> str:
    image = b64encode(picture.png(150)).decode()
    said = escape(picture.sentence, quote=True)
    return f'<figure><img src="data:image/png;base64,{image}" alt="{said}"><figcaption>{said}</figcaption></figure>'


def write(
    path: str | Path,
    rulings: Rulings | Sequence[Rulings],
    *,
    pictures: Sequence[Picture] = (),
    links: Mapping[str, str] | None = None,
    title: str = "Is UX a part of CX, does it drive CX, and how sure are we?",
) -> Path:
    """Write rulings, pictures and links as one HTML file, whole or not at all.

    Args:
        path: where the page goes; missing folders are made.
        rulings: result of `claims.judge_all`, or one per study.
        pictures: shown below the rulings, each with its sentence as alt text and caption.
        links: text to address, such as the executed notebooks.
        title: heading of the page.

    Returns:
        The path of the page.

    Raises:
        DataError: the file cannot be written there.

    Source: WCAG 2.2 (text alternatives, contrast). Checked against: a headless browser at desk and phone width.

    >>> from tempfile import TemporaryDirectory
    >>> from cxuxlib import claims, datasets
    >>> with TemporaryDirectory() as folder:
    ...     page = write(Path(folder) / "index.html", [claims.judge_all(datasets.aggregates("mobi"))])
    ...     "A0 distinct" in page.read_text(encoding="utf-8")
    True
    """
    rulings = [rulings] if isinstance(rulings, Rulings) else list(rulings)
    if not all(isinstance(each, Rulings) for each in rulings):
        raise ArgumentError("A report is made of the Rulings of claims.judge_all, one per study.")
    parts = []
    if links:
        items = "".join(f'<li><a href="{escape(to, quote=True)}">{escape(name)}</a></li>' for name, to in links.items())
        parts.append(f"<section><h2>Read the notebooks</h2><ul>{items}</ul></section>")
    for study in rulings:
        whole = "".join(_conclusion(each) for each in study.conclusions)
        cards = "".join(_card(each) for each in study.rulings)
        head = f"<h2>Study: {escape(study.study)}</h2><p>{escape(study.source)}</p>"
        together = f"<h3>All together</h3>{whole}<h3>Claim by claim</h3>" if whole else ""
        parts.append(f"<section>{head}{together}{cards}</section>")
    if pictures:
        parts.append("<section><h2>Figures</h2>" + "".join(_figure(each) for each in pictures) + "</section>")
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        '<p class="lead">Each claim has an estimand and a decision rule that was written before the data. '
        "The verdict is <em>supported</em>, <em>refuted</em>, <em>undecided</em> or <em>not answerable</em>, and "
        "names how strong the kind of evidence is. Association is the weakest kind: it never shows that one thing "
        "drives another.</p>"
        f"{''.join(parts)}<footer>Made with cxuxlib.</footer></main></body></html>\n"
    )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent) as folder:
            draft = Path(folder) / target.name
            draft.write_text(page, encoding="utf-8")
            draft.replace(target)
    except OSError as error:
        raise DataError(f"Cannot write the report to {target}: {error.strerror}.") from error
    return target


def lines(rulings: Sequence[Rulings], width: int = 100) -> str:
    """Rulings as lines for a terminal: study, claim and verdict, then the estimate and the reason.

    Args:
        rulings: results of `claims.judge_all`, one per study.
        width: columns of the terminal, 40 or more.

    Returns:
        Text.

    Source: none. Checked against: the rulings' own reprs.

    >>> from cxuxlib import claims, datasets
    >>> print(lines([claims.judge_all(datasets.aggregates("mobi"))]).splitlines()[0])
    mobi   A0 distinct      refuted          0.959 [0.905, 1.004]
    """
    rows = [(study.study, each) for study in rulings for each in study.rulings]
    if not rows:
        return "No rulings."
    first, second = max(len(name) for name, _ in rows), max(len(each.claim.id) for _, each in rows)
    out = []
    for name, each in rows:
        e = each.estimate
        places = text.decimals(e.low, e.high) if e else 0
        found = f"{text.number(e.value, places)} {text.interval(e.low, e.high, places)}" if e else "–"
        out.append(f"{name:<{first}}   {each.claim.id:<{second}}   {each.verdict:<14}   {found}")
        detail = f"{_sentence(each)}; {each.region}. {each.reason}" if e else each.reason
        out.append(fill(detail, max(40, width), initial_indent="    ", subsequent_indent="    "))
    return "\n".join(out)
