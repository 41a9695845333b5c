"""Parts: one tenant's rows are deleted by mistake, and come back alone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from constat import entries, wait
from constat.clock import monotonic
from constat.control import control
from constat.handover import arrived, switch
from constat.judgement import Judgement
from constat.observe import archive
from constat.outcome import Impact, Occasion, Outcome, Severity
from suites.backups import parts, writing
from suites.backups.parts import Accident, Part
from suites.backups.sandbox import RestoreFailed, sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings
    from constat.stack import Stack
    from constat.target import Target
    from suites.backups.writing import Platform


@control(
    "BAK-07",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("backups", "objects", "postgres", "tenants"),
    promises=("backup.pitr", "dr.objectives"),
    refs=("ISO 27001 A.8.13", "SOC 2 A1.3", "NIST SP 800-34 CP-10", "DORA Art. 12"),
    remediation="Restore beside the platform to just before the accident, copy the one tenant's rows back, and practise it.",
    occasion=Occasion.DRILL,
)
def test_one_tenants_rows_come_back_alone(stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings) -> None:
    """One tenant's rows that were deleted come back from a restore to just before, and every other tenant's stay as they are."""
    findings.judge(_drilled(writing.platform_of(stack, attack_pair), attack_pair[0], target.objectives.recovery.rto_seconds))


def _drilled(platform: Platform, victim: str, promised: float | None) -> Iterator[Judgement]:
    prefix = f"{writing.FAMILY}{uuid.uuid4().hex[:12]}"
    with writing.cleaned(platform.postgres), entries.connect(platform.postgres.pooler_dsn) as connection:
        writing.write(connection, platform, f"{prefix}-before")
        before, gap = _parts(platform, prefix), max(writing.GAP, 3 * writing.skew(platform.postgres))
        wait.pause(gap)
        moment = writing.server_time(platform.postgres).isoformat(sep=" ")
        wait.pause(gap)
        struck = monotonic()
        parts.delete(platform.postgres, platform.tenants[victim], prefix=prefix)
        deleted = _parts(platform, prefix)
        try:
            _repair(platform, victim, moment, prefix)
        except RestoreFailed as problem:
            yield Judgement(subject="restore", outcome=Outcome.FAIL, reason=str(problem).split("\n")[0])
            return
        seen = Accident(victim=victim, before=before, deleted=deleted, after=_parts(platform, prefix), seconds=monotonic() - struck)
        yield from parts.judge(seen, promised=promised)


def _repair(platform: Platform, victim: str, moment: str, prefix: str) -> None:
    arrived(archive.Repository(platform.backups, platform.objects), switch(platform.postgres))
    with sandbox(platform.run_dir, backups=platform.backups, objects=platform.objects, database=platform.postgres.database) as scratch:
        scratch.restore("--type=time", f"--target={moment}", "--target-action=promote")
        scratch.start()
        parts.bring_over(scratch.dsn("postgres"), platform.postgres, platform.tenants[victim], prefix=prefix)


def _parts(platform: Platform, prefix: str) -> dict[str, Part]:
    return {name: parts.part(platform.postgres, organization, prefix=prefix) for name, organization in platform.tenants.items()}
