"""Support module: runs to make reports of, written to disk as a verification writes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from constat.control import FAMILIES
from constat.finding import EvidenceRef, Finding
from constat.outcome import Outcome, Severity

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
RUN_ID = "20261121-100000-embedded-7f3a"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A control of the sample, and what it promises."""

    id: str
    title: str
    severity: Severity = Severity.HIGH
    promises: tuple[str, ...] = ()
    refs: tuple[str, ...] = ("ISO 27001 A.8.3",)
    remediation: str = "Mend it."
    selected: bool = True


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the sample found about one subject of a control."""

    control: str
    subject: str
    outcome: Outcome = Outcome.PASS
    reason: str = "as expected"
    expected: Any = None
    observed: Any = None
    positive_control: str | None = None
    seconds: float = 0.4
    evidence: dict[str, str] = field(default_factory=dict)


def write_run(
    directory: Path,
    rules: list[Rule],
    seen: list[Seen],
    *,
    promises: dict[str, str] | None = None,
) -> Path:
    """Write plan, findings and evidence as a run leaves them; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    plan = {
        "run_id": RUN_ID,
        "target": "embedded",
        "provider": "embedded",
        "environment": "staging",
        "impact": "disrupt",
        "started": "2026-11-21T10:00:00+00:00",
        "controls": [_planned(rule) for rule in rules],
        "command": "constat verify --target targets/embedded.toml",
        "constat_version": "0.1.0",
        "git_commit": "4f1c9f0c2a8e5f6d7b3a9c0e1d2f3a4b5c6d7e8f",
        "seed": 20261121,
        "promises": promises or {},
    }
    (directory / "plan.json").write_text(json.dumps(plan), "utf-8")
    (directory / "findings.jsonl").write_text("".join(line + "\n" for line in _lines(directory, rules, seen)), "utf-8")
    return directory


def _planned(rule: Rule) -> dict[str, Any]:
    family = FAMILIES.get(rule.id[:3], "contract")
    item = f"suites/{family}/test_{rule.id.lower().replace('-', '_')}.py::test_claim"
    return {**asdict(rule), "family": family, "impact": "probe", "needs": [], "item": item}


def _lines(directory: Path, rules: list[Rule], seen: list[Seen]) -> list[str]:
    by_id = {rule.id: rule for rule in rules}
    clock, lines = START, []
    for row in seen:
        rule = by_id.get(row.control, Rule(id=row.control, title="Nobody planned this."))
        lines.append(_finding(directory, rule, row, clock).to_json())
        clock += timedelta(seconds=row.seconds)
    return lines


def _finding(directory: Path, rule: Rule, row: Seen, clock: datetime) -> Finding:
    return Finding(
        run_id=RUN_ID,
        control=row.control,
        subject=row.subject,
        outcome=row.outcome,
        severity=rule.severity,
        title=rule.title,
        reason=row.reason,
        expected=row.expected,
        observed=row.observed,
        positive_control=row.positive_control,
        started=clock.isoformat().replace("+00:00", "Z"),
        duration_s=row.seconds,
        target="embedded",
        provider="embedded",
        refs=rule.refs,
        remediation=rule.remediation,
        evidence=tuple(_kept(directory, row.control, name, text) for name, text in row.evidence.items()),
    )


def _kept(directory: Path, control: str, name: str, text: str) -> EvidenceRef:
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = directory / "evidence" / control / f"{digest[:12]}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return EvidenceRef(path=f"{control}/{path.name}", sha256=digest, media_type="text/plain")
