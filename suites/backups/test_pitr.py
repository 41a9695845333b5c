"""Point-in-time recovery: what comes back is what was there at that moment."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from constat import artefact, entries, wait
from constat.attempt import clip
from constat.clock import monotonic
from constat.control import control
from constat.errors import Unobservable
from constat.evidence import Evidence
from constat.handover import arrived, switch
from constat.judgement import Judgement, compare
from constat.observe import archive, replication
from constat.outcome import Impact, Outcome, Severity
from suites.backups import everything, exactness, writing
from suites.backups.exactness import Written
from suites.backups.sandbox import RestoreFailed, sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.entries import Entry
    from constat.finding import Json
    from constat.judgement import Findings
    from constat.stack import Stack
    from suites.backups.everything import Everything
    from suites.backups.sandbox import Sandbox
    from suites.backups.writing import Platform

# What a server says that has read all there is and has not come to its target.
NOT_REACHED: Final = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What was seen of the restored server."""

    rows: dict[str, tuple[Entry, ...]]
    system: str
    timeline: int
    archive_mode: str
    seconds: float
    words: str


@control(
    "BAK-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("backups", "objects", "postgres", "tenants"),
    promises=("backup.pitr",),
    refs=("ISO 27001 A.8.13", "SOC 2 A1.3", "NIST SP 800-34 CP-9", "DORA Art. 12"),
    remediation="Archive every WAL segment to the repository, keep base backups and the escrow key with it, and restore regularly.",
)
def test_a_restore_to_a_moment_is_exact(stack: Stack, attack_pair: tuple[str, str], findings: Findings) -> None:
    """A restore to a chosen moment, with escrow keys only, has every acknowledged row before it and none after."""
    findings.judge(_judgements(writing.platform_of(stack, attack_pair)))


def _judgements(platform: Platform) -> Iterator[Judgement]:
    with writing.cleaned(platform.postgres):
        written, target, there = _write_around(platform)
        production = replication.primary(platform.postgres)
        segment = switch(platform.postgres)
        landed = arrived(archive.Repository(platform.backups, platform.objects), segment)
        with sandbox(platform.run_dir, backups=platform.backups, objects=platform.objects, database=platform.postgres.database) as scratch:
            try:
                recovered = _recover(scratch, platform, target)
            except RestoreFailed as problem:
                yield _not_restored(problem, target, landed.reason)
                return
            yield _restored(recovered, target, written)
            yield from (exactness.judge(of_tenant, recovered.rows[of_tenant.tenant]) for of_tenant in written)
            yield from _whole(there, scratch)
            yield _identity(recovered, production)
            yield _refusal(scratch)
        yield _untouched(platform, production.timeline)


def _whole(there: tuple[Everything, Everything], scratch: Sandbox) -> Iterator[Judgement]:
    """Every relation and every rule of the database, beside the few rows that were written for the purpose."""
    try:
        yield from everything.judge(*there, everything.everything(scratch.dsn("postgres")))
    except Unobservable as problem:
        yield Judgement(subject="every relation", outcome=Outcome.FAIL, reason=f"what was restored is not whole: {problem}")


def _write_around(platform: Platform) -> tuple[tuple[Written, ...], str, tuple[Everything, Everything]]:
    """Write on both sides of a moment by the application's path.

    What was acknowledged, the moment by the server's clock, and everything just before and just after it.
    """
    prefix = f"{writing.FAMILY}{uuid.uuid4().hex[:12]}"
    with entries.connect(platform.postgres.pooler_dsn) as connection:
        before = writing.write(connection, platform, f"{prefix}-before")
        gap = max(writing.GAP, 3 * writing.skew(platform.postgres))
        wait.pause(gap)
        just_before = everything.everything(platform.postgres.admin_dsn)
        target = writing.server_time(platform.postgres)
        just_after = everything.everything(platform.postgres.admin_dsn)
        wait.pause(gap)
        after = writing.write(connection, platform, f"{prefix}-after")
    written = (Written(tenant=tenant, before=before[tenant], after=after[tenant]) for tenant in platform.tenants)
    return tuple(written), target.isoformat(sep=" "), (just_before, just_after)


def _recover(scratch: Sandbox, platform: Platform, target: str) -> Recovered:
    start = monotonic()
    words = scratch.restore("--type=time", f"--target={target}", "--target-action=promote")
    scratch.start()
    seconds = monotonic() - start
    with entries.connect(scratch.dsn("app")) as connection:
        rows = {
            tenant: entries.read(connection, platform.postgres, organization, prefix=writing.FAMILY)
            for tenant, organization in platform.tenants.items()
        }
    seen = replication.member_at(scratch.dsn("postgres"), "the restored server")
    with psycopg.connect(scratch.dsn("postgres"), autocommit=True) as operator:
        mode = operator.execute("SHOW archive_mode").fetchone()
    return Recovered(
        rows=rows,
        system=seen.system,
        timeline=seen.timeline,
        archive_mode=str(mode[0]) if mode else "",
        seconds=seconds,
        words=f"{words}\n{scratch.log()}",
    )


def _restored(recovered: Recovered, target: str, written: tuple[Written, ...]) -> Judgement:
    lines = [exactness.reconciliation(of_tenant, recovered.rows[of_tenant.tenant]) for of_tenant in written]
    return Judgement(
        subject="restore",
        outcome=Outcome.PASS,
        reason=f"restored to {target} and taking writes after {recovered.seconds:.1f} s",
        expected="a server that takes writes",
        observed="a server that takes writes",
        evidence=(Evidence(name="restore.txt", content=recovered.words), _table(target, Outcome.PASS, recovered.seconds, lines)),
    )


def _not_restored(problem: RestoreFailed, target: str, circumstances: str) -> Judgement:
    first, _, words = str(problem).partition("\n")
    complaints = [line for line in words.splitlines() if "FATAL" in line or "ERROR" in line]
    return Judgement(
        subject="restore",
        outcome=Outcome.FAIL,
        reason=f"{first.rstrip(':')}: {clip(complaints[-1] if complaints else words)} ({circumstances}; target {target})",
        expected="a server that takes writes",
        observed="no server",
        evidence=(Evidence(name="restore.txt", content=words or first), _table(target, Outcome.FAIL, None, [])),
    )


def _table(target: str, outcome: Outcome, seconds: float | None, tenants: list[Json]) -> Evidence:
    """The restore as the report has it; seconds are those of the restore and the recovery."""
    took = None if seconds is None else round(seconds, 1)
    row = {"kind": "time", "target": target, "outcome": outcome, "seconds": took, "tenants": tenants}
    return artefact.artefact(artefact.PITR, {"targets": [row], "refused": []})


def _identity(recovered: Recovered, production: replication.Member) -> Judgement:
    """It is the same cluster, on a timeline of its own, and archives nothing."""
    expected = {"system": production.system, "timeline is its own": True, "archive_mode": "off"}
    observed = {
        "system": recovered.system,
        "timeline is its own": recovered.timeline > production.timeline,
        "archive_mode": recovered.archive_mode,
    }
    return compare("cluster", expected=expected, observed=observed, reason="what was restored is not this cluster, aside from it")


def _refusal(scratch: Sandbox) -> Judgement:
    """A moment that is not in the archive yet must not be answered with whatever there is."""
    scratch.stop()
    future = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    scratch.restore("--delta", "--type=time", f"--target={future.isoformat(sep=' ')}", "--target-action=promote")
    try:
        scratch.start()
        seen = "a server that takes writes"
    except RestoreFailed as problem:
        seen = "refused" if NOT_REACHED in scratch.log() else str(problem)
    outcome = Outcome.PASS if seen == "refused" else Outcome.FAIL if seen.startswith("a server") else Outcome.ERROR
    row = {"kind": "time", "target": future.isoformat(sep=" "), "outcome": outcome, "answer": seen.split("\n")[0]}
    table = artefact.artefact(artefact.PITR, {"targets": [], "refused": [row]})
    reason = {Outcome.PASS: "the server does not come up", Outcome.FAIL: "the server comes up with what there is"}.get(outcome, seen)
    return Judgement(
        subject="target in the future",
        outcome=outcome,
        reason=reason,
        expected="refused",
        observed=seen.split("\n")[0],
        evidence=(table, *((Evidence(name="future.txt", content=scratch.log()),) if outcome is not Outcome.PASS else ())),
    )


def _untouched(platform: Platform, timeline: int) -> Judgement:
    """Nothing of the scratch server's own timeline has got into the platform's archive."""
    repository = archive.Repository(platform.backups, platform.objects)
    seen = {segment.place.timeline for segment in repository.segments()} | {fork.timeline for fork in repository.forks()}
    strangers = sorted(found for found in seen if found > timeline)
    return compare("production's archive", expected=[], observed=strangers, reason="the restored server has archived into it")
