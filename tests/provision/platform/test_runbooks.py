"""Every alert has a page for the person on call and a test that makes it fire; no page is left over."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from cli.options import ROOT
from provision.platform.prometheus import RULES

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = ROOT / "docs" / "runbooks"
WORDS: Final = PAGES / "on-call.sh"
SECTIONS: Final = ["Look first", "Repair", "Escalate", "It is over when"]
# Programs of a Debian machine; everything else that a page says must be one of the words.
PROGRAMS: Final = {"constat", "openssl", "promtool", "curl", "grep", "head", "tail", "df", "du", "ls", "ss", "ps", "free", "uptime", "date"}
LINK: Final = re.compile(r"\]\((\w+)\.md\)")


def rules() -> dict[str, dict[str, Any]]:
    """Every alert rule, by its name."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def pages() -> dict[str, Path]:
    """Every runbook, by its alert."""
    return {path.stem: path for path in PAGES.glob("*.md") if path.stem != "README"}


def words() -> set[str]:
    """The words that pages are written in."""
    return set(re.findall(r"^(\w+)\(\)", WORDS.read_text("utf-8"), re.MULTILINE))


def sections(page: Path) -> dict[str, str]:
    """A page's sections by their heading."""
    parts = re.split(r"^## (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(text: str) -> list[str]:
    """The lines of every block of commands."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def raised() -> set[str]:
    """Every alert that a test of the rules expects to fire."""
    tests = yaml.safe_load(RULES.with_name("rules_test.yml").read_text("utf-8"))["tests"]
    samples = [sample["labels"] for test in tests for asked in test["promql_expr_test"] for sample in asked["exp_samples"]]
    return {name for labels in samples for name in re.findall(r'alertname="(\w+)"', labels)}


def test_every_rule_has_its_page_and_every_page_its_rule() -> None:
    """Alerts and runbooks are the same set."""
    assert set(pages()) == set(rules())


def test_every_rule_names_its_page() -> None:
    """The annotation leads to the page of that name."""
    assert {name: rule["annotations"]["runbook"] for name, rule in rules().items()} == {name: f"docs/runbooks/{name}.md" for name in rules()}


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
