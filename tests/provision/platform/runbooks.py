"""The alert rules and their runbooks, as tests read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from cli.options import ROOT
from provision.platform.prometheus import RULES

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = ROOT / "docs" / "runbooks"
WORDS: Final = PAGES / "on-call.sh"


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
