"""Support module: a realistic run over every family, mixed or all green, to look at and to test with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from constat.outcome import Outcome, Severity
from tests.reports.sample import Rule, Seen, write_run

PLATFORM: dict[str, Any] = tomllib.loads(Path(__file__).with_name("platform.toml").read_text("utf-8"))
RULES = [Rule(**{**row, "severity": Severity(row["severity"])}) for row in PLATFORM["rules"]]
# The mixed run was killed before it reached these.
NEVER_REACHED = ("CHA-PG-02", "CHA-VLT-01")
# A promise that no control judges.
FORGOTTEN = "tracing"


def write_mixed(directory: Path) -> Path:
    """Write a run with every outcome; it ended before its last two controls."""
    reached = [rule.id for rule in RULES if rule.selected and rule.id not in NEVER_REACHED]
    seen = [row for name in reached for row in _found(name)]
    return write_run(directory, RULES, seen, promises=PLATFORM["promises"])


def write_green(directory: Path) -> Path:
    """Write the same run with nothing to complain of."""
    rules = [rule for rule in RULES if rule.selected]
    promises = {name: words for name, words in PLATFORM["promises"].items() if name != FORGOTTEN}
    return write_run(directory, rules, [row for rule in rules for row in _held(rule.id)], promises=promises)


def _found(control: str) -> list[Seen]:
    found = [Seen(**{**row, "outcome": Outcome(row["outcome"])}) for row in PLATFORM["mixed"] if row["control"] == control]
    if found and not control.startswith("TEN-PG"):
        return found
    named = {row.subject for row in found}
    return found + [row for row in _held(control) if row.subject not in named]


def _held(control: str) -> list[Seen]:
    if control == "CON-VER-01":
        return [Seen(control=control, subject=name, expected=version, observed=version) for name, version in PLATFORM["versions"].items()]
    if control.startswith("TEN-PG"):
        return [*(_refused(control, relation) for relation in PLATFORM["relations"]), _reach(control, len(PLATFORM["relations"]))]
    return [Seen(control=control, subject=subject, seconds=3.2) for subject in ("t1 → t10", "t10 → t1")]


def _refused(control: str, relation: str) -> Seen:
    twin = "t10 reads its own canary by the same path"
    return Seen(control=control, subject=relation, reason="refused: zero rows", expected=[], observed=[], positive_control=twin)


def _reach(control: str, known: int) -> Seen:
    reason = f"attacked {known} of {known} relations"
    return Seen(control=control, subject="coverage", reason=reason, expected=known, observed=known, seconds=0.0)
