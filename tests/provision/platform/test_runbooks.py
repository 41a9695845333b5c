"""Every alert has a page for the person on call and a test that makes it fire; no page is left over."""

from __future__ import annotations

import re
import subprocess
from typing import Final

import pytest

from tests.provision.platform.runbooks import PAGES, WORDS, commands, pages, raised, rules, sections, words

SECTIONS: Final = ["Look first", "Repair", "Escalate", "It is over when"]
# Programs of a Debian machine; everything else that a page says must be one of the words.
PROGRAMS: Final = {"constat", "openssl", "promtool", "curl", "grep", "head", "tail", "df", "du", "ls", "ss", "ps", "free", "uptime", "date"}
LINK: Final = re.compile(r"\]\((\w+)\.md\)")


def test_every_rule_has_its_page_and_every_page_its_rule() -> None:
    """Alerts and runbooks are the same set."""
    assert set(pages()) == set(rules())


def test_every_rule_names_its_page() -> None:
    """The annotation leads to the page of that name."""
    wrong = [name for name, rule in rules().items() if rule["annotations"]["runbook"] != f"docs/runbooks/{name}.md"]

    assert wrong == []


def test_every_rule_is_made_to_fire() -> None:
    """The rules' own tests, which the integration part runs, raise every alert."""
    assert raised() == set(rules())


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_whole(name: str) -> None:
    """A page has its name, the rule's severity, all its sections in order, and proves its own end."""
    text, found = pages()[name].read_text("utf-8"), sections(pages()[name])

    assert text.startswith(f"# {name}\n\n**{rules()[name]['labels']['severity']}** · ")
    assert list(found) == SECTIONS
    assert commands(found["Look first"])
    assert name == "Watchdog" or f"over {name}" in commands(found["It is over when"])


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_uses_known_words_and_leads_somewhere(name: str) -> None:
    """Every command begins with a word of ours or a program that is there; every link has a page."""
    text = pages()[name].read_text("utf-8")
    begins = {line.split()[0] for line in commands(text)}

    assert begins - words() - PROGRAMS == set()
    assert set(LINK.findall(text)) - set(pages()) == set()


def test_the_words_are_shell() -> None:
    """The file of words, and every command of every page, can be read by bash."""
    script = "\n".join([WORDS.read_text("utf-8"), *(line for page in pages().values() for line in commands(page.read_text("utf-8")))])
    done = subprocess.run(["/bin/bash", "-n"], input=script, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_list_of_words_is_whole() -> None:
    """The words that begin with a letter are explained on the first page."""
    table = (PAGES / "README.md").read_text("utf-8")

    assert [word for word in sorted(words()) if not word.startswith("_") and not re.search(rf"`{word}[ `]", table)] == []
