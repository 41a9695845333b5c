"""The window: every moment of the promised retention that the platform has lived through can be restored to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.control import control
from constat.errors import HarnessError
from constat.judgement import Judgement
from constat.observe import keeping
from constat.observe.archive import Absent, Repository, Undecipherable
from constat.outcome import Impact, Outcome, Severity
from suites.backups.window import DAY, judge, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings
    from constat.stack import Backups, Objects, Stack
    from constat.target import Target


@control(
    "BAK-05",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("backups", "objects"),
    promises=("backup.pitr",),
    refs=("ISO 27001 A.8.13", "NIST SP 800-34 CP-9", "SOC 2 A1.2", "DORA Art. 12"),
    remediation="Take a full backup at once so that the gap does not grow, and bring the versions of what is missing back.",
)
def test_every_moment_of_the_retention_can_be_restored_to(stack: Stack, target: Target, findings: Findings) -> None:
    """Every moment of the promised retention that the platform has lived through is covered by a base backup and contiguous WAL."""
    if stack.backups is None or stack.objects is None:
        msg = "the window of a stack without backups or objects was asked for; its control must declare its needs"
        raise HarnessError(msg)
    days = target.objectives.recovery.retention_days
    findings.judge(_look(stack.backups, stack.objects, days) if days is not None else [_not_promised()])


def _look(backups: Backups, store: Objects, days: int) -> Iterator[Judgement]:
    repository = Repository(backups, store)
    try:
        segments, kept, first = repository.segments(), repository.backups(), keeping.first_backup(backups, store)
        found = window(segments, kept, repository.forks(), first=first, retention=days * DAY)
    except (Undecipherable, Absent, ValueError) as problem:
        yield Judgement(subject="window", outcome=Outcome.FAIL, reason=f"no moment can be restored to: {problem}")
        return
    yield judge(found, promised_days=days)


def _not_promised() -> Judgement:
    return Judgement(subject="window", outcome=Outcome.NOT_REVIEWED, reason="the target promises no retention (retention_days)")
