"""The file of findings: durable line by line, honest about damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from constat.finding import EvidenceRef, Finding, FindingFile, read_findings
from constat.outcome import Outcome, Severity

if TYPE_CHECKING:
    from pathlib import Path


def finding(subject: str = "public.properties") -> Finding:
    """A finding about a subject."""
    return Finding(
        run_id="r",
        control="TEN-PG-01",
        subject=subject,
        outcome=Outcome.PASS,
        severity=Severity.HIGH,
        title="A claim.",
        reason="refused",
        expected=["zero rows"],
        observed=["zero rows"],
        positive_control="ok",
        started="2026-01-01T00:00:00.000Z",
        duration_s=0.1,
        target="embedded",
        provider="embedded",
        refs=("ref",),
        remediation="Mend it.",
        evidence=(EvidenceRef(path="a", sha256="b", media_type="text/plain"),),
    )


def written(path: Path, *subjects: str) -> Path:
    """A file with a finding for each subject."""
    file = FindingFile(path)
    for subject in subjects:
        file.append(finding(subject))
    file.close()
    return path


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    """What was appended is read back, with hostile text in it."""
    subjects = ("a", 'quote " and \\', "line\nbreak", "\u2028 separator", "\0 nul")

    assert read_findings(written(tmp_path / "f", *subjects)) == tuple(finding(subject) for subject in subjects)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A run that was killed while writing keeps every whole finding."""
    path = written(tmp_path / "f", "a", "b")
    path.write_bytes(path.read_bytes()[:-10])

    assert read_findings(path) == (finding("a"),)


def test_damage_elsewhere_is_refused(tmp_path: Path) -> None:
    """A broken line in the middle is damage, and damage is not skipped."""
    path = written(tmp_path / "f", "a", "b", "c")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + lines[2])

    with pytest.raises(UserError, match="line 2 is not a finding"):
        read_findings(path)


def test_no_file_is_no_finding(tmp_path: Path) -> None:
    """A run that was killed before its first finding has none."""
    assert read_findings(tmp_path / "f") == ()
