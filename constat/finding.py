"""A finding: how one control ended on one subject, with its evidence; and the file of them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from constat.errors import UserError
from constat.outcome import Outcome, Severity
from constat.trial import Act, Trial

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS_FILE = "findings.jsonl"
PLAN_FILE = "plan.json"
END_FILE = "ended.json"

Json: TypeAlias = Any  # what json.dumps accepts; a recursive alias buys nothing at this seam


@dataclass(frozen=True, kw_only=True)
class EvidenceRef:
    """A file of the run's evidence folder, by content."""

    path: str
    sha256: str
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one control ended on one subject."""

    run_id: str
    control: str
    subject: str
    outcome: Outcome
    severity: Severity
    title: str
    reason: str
    expected: Json
    observed: Json
    positive_control: str | None
    started: str
    duration_s: float
    target: str
    provider: str
    refs: tuple[str, ...]
    remediation: str
    evidence: tuple[EvidenceRef, ...] = ()
    trials: tuple[Trial, ...] = ()

    def to_json(self) -> str:
        """One line of `findings.jsonl`."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(line: str | bytes) -> Finding:
        """Read a line back; raises ValueError, KeyError or TypeError when it is not a finding."""
        fields = json.loads(line)
        fields["outcome"] = Outcome(fields["outcome"])
        fields["severity"] = Severity(fields["severity"])
        fields["refs"] = tuple(fields["refs"])
        fields["evidence"] = tuple(EvidenceRef(**ref) for ref in fields["evidence"])
        fields["trials"] = tuple(_trial(trial) for trial in fields.get("trials", ()))
        return Finding(**fields)


def _trial(fields: dict[str, Any]) -> Trial:
    return Trial(**(fields | {"act": Act(fields["act"]), "outcome": Outcome(fields["outcome"])}))


def read_findings(path: Path) -> tuple[Finding, ...]:
    """Read the findings of a run; a torn last line (the run was killed) is left out.

    Raises UserError for a damaged line anywhere else: such a file proves nothing.
    """
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            found.append(Finding.from_json(line))
        except (ValueError, KeyError, TypeError) as problem:
            if number == len(lines):
                break
            msg = f"{str(path)!r} line {number} is not a finding ({problem}); the file was damaged, run again"
            raise UserError(msg) from None
    return tuple(found)


def digests(directory: Path) -> dict[str, str]:
    """SHA-256 of what a run's verdict rests on, by file name: its plan and its findings."""
    files = [directory / name for name in (PLAN_FILE, FINDINGS_FILE)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}


class FindingFile:
    """The run's findings, appended and flushed to disk as things happen."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def append(self, finding: Finding) -> None:
        """Write one line and make it durable before going on; OSError when the disk has no room for all of it."""
        # A lone surrogate (an odd file name) becomes the JSON escape that it is.
        rest = memoryview(finding.to_json().encode("utf-8", "backslashreplace") + b"\n")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
