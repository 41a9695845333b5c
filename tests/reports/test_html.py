"""report.html: one page for people, that obeys nobody and asks for nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from constat.outcome import Outcome, Severity
from reports.html import SECTIONS, TEMPLATES, render
from reports.messages import messages
from reports.run import load_run
from tests.reports.platform_run import FORGOTTEN, write_green, write_mixed
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></pre></details><h1>Proven</h1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egnp.exe\x00\x1b[2J",
]


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, content: bytes) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element; nothing is inside it."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Elements are closed in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All of the text."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(directory: Path, lang: str = "en") -> Page:
    """Render the report of a run and read it."""
    return Page(render(load_run(directory), lang))


def write_hostile(directory: Path) -> Path:
    """Write a run in which every string is hostile."""
    text = " ".join(HOSTILE)
    rule = Rule(id=text, title=text, promises=(text,), refs=(text,), remediation=text)
    seen = [
        Seen(
            control=text,
            subject=text + outcome,
            outcome=outcome,
            reason=text,
            expected=text,
            observed={text: [text]},
            positive_control=text,
        )
        for outcome in Outcome
    ]
    return write_run(directory, [rule], seen, promises={text: text})


@pytest.mark.parametrize("write", [write_green, write_mixed, write_hostile])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_is_well_formed_and_asks_for_nothing(tmp_path: Path, write: Callable[[Path], Path], lang: str) -> None:
    """No script, no image, no frame; every link leads into the page or to a file of evidence beside it."""
    seen = page(write(tmp_path), lang)
    tags = {tag for tag, _ in seen.elements}
    links = [str(attributes.get("href")) for _, attributes in seen.elements if "href" in attributes]

    assert seen.open == []
    assert tags & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "video", "audio"} == set()
    assert [link for link in links if not link.startswith(("#", "evidence/"))] == []
    assert [
        name for _, attributes in seen.elements for name in attributes if name.startswith("on") or name in {"src", "srcset", "action"}
    ] == []


def test_the_style_fetches_nothing() -> None:
    """No font, no image, no other sheet."""
    style = (TEMPLATES / "style.css.j2").read_text("utf-8")

    assert re.findall(r"url\(|@import|@font-face|https?:", style) == []


def test_hostile_strings_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Every hostile string is there to be read, with what cannot be seen spelled out."""
    seen = page(write_hostile(tmp_path))

    assert [text for text in HOSTILE[:-1] if text not in seen.text] == []
    assert "\\u202egnp.exe\\x00\\x1b[2J" in seen.text
    assert "\u202e" not in seen.text
    assert seen.text.count("Proven") >= 1
    assert len(seen.all("h1")) == 1


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "javascript:alert(1)", "a\0b", ""])
def test_evidence_outside_the_folder_is_not_linked(tmp_path: Path, path: str) -> None:
    """A path that leads out, or that no file has, is text and no link."""
    write_mixed(tmp_path)
    file = tmp_path / "findings.jsonl"
    encoded = path.replace("\0", "\\u0000")
    file.write_text(re.sub(r'"path": "SEC-CRED-01/[^"]*"', lambda _: f'"path": "{encoded}"', file.read_text("utf-8")), "utf-8")
    links = [str(attributes["href"]) for attributes in page(tmp_path).all("a")]

    assert [link for link in links if "passwd" in link or "javascript" in link] == []
    assert [link for link in links if link.startswith("evidence/SEC-CRED-01")] == []


def test_evidence_is_linked_with_its_hash(tmp_path: Path) -> None:
    """A red finding's file opens from the page, and its SHA-256 stands beside it."""
    write_mixed(tmp_path)
    run, seen = load_run(tmp_path), page(tmp_path)
    refs = [ref for finding in run.with_outcome(Outcome.FAIL) for ref in finding.evidence]

    assert refs
    assert [ref for ref in refs if not (tmp_path / f"evidence/{ref.path}").is_file()] == []
    assert [ref for ref in refs if ref.sha256 not in seen.text] == []
    assert {f"evidence/{ref.path}" for ref in refs} <= {str(attributes["href"]) for attributes in seen.all("a")}


def test_altered_evidence_is_said_first(tmp_path: Path) -> None:
    """A file that no longer has its hash is said at the top and where it is linked."""
    write_mixed(tmp_path)
    next(path for path in (tmp_path / "evidence").rglob("*query*")).write_text("nothing to see", "utf-8")
    seen = page(tmp_path)

    assert "1 file of evidence is missing or was altered after the run." in seen.text
    assert "altered since" in seen.text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [(Outcome.PASS, "Proven"), (Outcome.FAIL, "Failed"), (Outcome.ERROR, "Not proven")],
)
def test_the_verdict_is_said_in_words(tmp_path: Path, outcome: Outcome, words: str) -> None:
    """Heading and title say it."""
    content = render(
        load_run(write_run(tmp_path, [Rule(id="TEN-PG-01", title="First.")], [Seen(control="TEN-PG-01", subject="a", outcome=outcome)]))
    )

    assert f"<h1>{words}</h1>".encode() in content
    assert f"<title>{words}: embedded</title>".encode() in content


def test_a_run_without_controls_is_not_called_settled(tmp_path: Path) -> None:
    """Nothing selected: no section says that nothing is red or open."""
    text = page(write_run(tmp_path, [], [])).text

    assert "No control was selected, so nothing was proven." in text
    assert [words for words in ("Nothing is red.", "Everything that was selected is settled.") if words in text] == []


def test_the_most_severe_red_stands_first(tmp_path: Path) -> None:
    """Red controls are in the order of severity, whatever the order of the run."""
    rules = [Rule(id=f"TEN-PG-0{place}", title=severity.lower(), severity=severity) for place, severity in enumerate(Severity)]
    seen = [Seen(control=rule.id, subject="a", outcome=Outcome.FAIL) for rule in rules]
    content = render(load_run(write_run(tmp_path, rules, seen))).decode()
    cards = re.findall(r"<h3>(low|medium|high|critical)</h3>", content)

    assert cards == ["critical", "high", "medium", "low"]


def test_expected_observed_remedy_and_references_of_a_red_are_shown(tmp_path: Path) -> None:
    """A reader sees what was promised, what came back, and how to mend it."""
    text = page(write_mixed(tmp_path)).text

    assert "canary-t1-9d1f0c" in text
    assert "Enable and FORCE row level security on the table, with a policy on organization_id." in text
    assert "OWASP API1:2023 · ISO 27001 A.8.3" in text


def test_passes_that_differ_in_their_subject_alone_are_one_line(tmp_path: Path) -> None:
    """Every subject is named; one that was seen otherwise, or has evidence, has a line of its own."""
    rule = Rule(id="TEN-PG-01", title="First.")
    alike = [Seen(control=rule.id, subject=f"table {n}", observed=[]) for n in range(50)]
    other = [
        Seen(control=rule.id, subject="view", observed=["x"]),
        Seen(control=rule.id, subject="file", observed=[], evidence={"a.txt": "x"}),
    ]
    content = render(load_run(write_run(tmp_path, [rule], [*alike, *other]))).decode()

    assert content.count('<th scope="row" class="what">') == 3
    assert [row.subject for row in (*alike, *other) if row.subject not in content] == []


def test_a_waiver_is_shown_with_owner_and_expiry(tmp_path: Path) -> None:
    """Owner and day stand in columns of their own."""
    content = render(load_run(write_mixed(tmp_path))).decode()

    assert "<td>Awa Diallo, platform</td>" in content
    assert '<time datetime="2027-01-31">31 January 2027</time>' in content


def test_a_promise_without_a_control_is_named(tmp_path: Path) -> None:
    """It is in the table, and among what the run does not prove."""
    text = page(write_mixed(tmp_path)).text

    assert "no control" in text
    assert f"1 promise has no control: {FORGOTTEN}." in text


def test_every_section_and_anchor_is_there(tmp_path: Path) -> None:
    """Every link into the page finds its place, and no place has two."""
    seen = page(write_mixed(tmp_path))
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    inner = {str(attributes["href"])[1:] for _, attributes in seen.elements if str(attributes.get("href", "")).startswith("#")}

    assert len(ids) == len(set(ids))
    assert inner - set(ids) == set()
    assert set(SECTIONS) <= set(ids)


def test_the_page_is_in_the_language_that_was_asked_for(tmp_path: Path) -> None:
    """French is French, and an unknown language is refused."""
    write_mixed(tmp_path)
    content = render(load_run(tmp_path), "fr").decode()

    assert '<html lang="fr">' in content
    assert "<h1>Échec</h1>" in content
    assert messages("fr")("reason.NOT_REACHED") in content
    with pytest.raises(UserError, match="language 'xx' is unknown"):
        render(load_run(tmp_path), "xx")


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of today gets into the page."""
    write_mixed(tmp_path)

    assert render(load_run(tmp_path)) == render(load_run(tmp_path))


def test_tables_are_labelled_for_those_who_do_not_see_them(tmp_path: Path) -> None:
    """Every table has a caption, and every header cell says what it is the header of."""
    seen = page(write_mixed(tmp_path))

    assert len(seen.all("caption")) == len(seen.all("table"))
    assert [attributes for attributes in seen.all("th") if attributes.get("scope") not in {"col", "row"}] == []


OUTCOMES = [outcome.lower().replace("_", "-") for outcome in Outcome]
PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("page", "panel", "sunken")),
    *((name, f"{name}-soft") for name in OUTCOMES),
    *((name, ground) for name in OUTCOMES for ground in ("panel", "sunken")),
    *(("banner-ink", f"banner-{verdict}") for verdict in ("proven", "failed", "not-proven")),
    ("ink", "pass-soft"),
]


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme: light, dark or print."""
    style = (TEMPLATES / "style.css.j2").read_text("utf-8")
    blocks = dict(zip(["light", "dark", "print"], re.findall(r":root \{(.*?)\n *\}", style, re.DOTALL), strict=True))
    named = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks["light"]))
    return named | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[scheme]))


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    """Every pair of text and ground has a contrast of at least 4.5 (WCAG 2.2, 1.4.3)."""
    named = colours(scheme)
    levels = {(ink, ground): sorted([luminance(named[ink]), luminance(named[ground])]) for ink, ground in PAIRS}
    contrasts = {pair: (high + 0.05) / (low + 0.05) for pair, (low, high) in levels.items()}

    assert {pair: round(contrast, 2) for pair, contrast in contrasts.items() if contrast < 4.5} == {}
