"""The promise of retention, schedule and exposure: kept by what is in force, not by what was written once."""

from __future__ import annotations

import datetime
import itertools
from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.control import control
from constat.errors import HarnessError, NotReady
from constat.judgement import Judgement
from constat.observe import keeping, orders, replication
from constat.observe.archive import Repository
from constat.outcome import Impact, Outcome, Severity
from suites.backups import orders as told
from suites.backups.keeping import judge_age, judge_bucket, judge_expiry, judge_exposure, judge_scheduler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings
    from constat.observe.keeping import Schedule
    from constat.observe.orders import Orders
    from constat.observe.replication import Archiving
    from constat.stack import Backups, Objects, Stack
    from constat.target import Recovery, Target


@control(
    "BAK-04",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("backups", "objects", "postgres"),
    promises=("backup.pitr", "dr.objectives"),
    refs=("ISO 27001 A.8.13", "NIST SP 800-34 CP-9", "SOC 2 A1.2", "DORA Art. 12"),
    remediation="Set the one that is named back to what was promised, and find out since when backups were expired, missed or late.",
)
def test_backups_are_kept_and_made_as_promised(stack: Stack, target: Target, findings: Findings) -> None:
    """Nothing is left out or expires before its time, the schedule is kept and alive, and WAL leaves every server within the RPO."""
    if stack.postgres is None or stack.backups is None or stack.objects is None:
        msg = "the keeping of backups was asked for on a stack without them; its control must declare its needs"
        raise HarnessError(msg)
    servers, scheduled = replication.archiving(stack.postgres), orders.scheduled(stack.backups, is_local=stack.local_processes)
    nodes = {node.name: node for node in stack.postgres.nodes}
    archiving = [orders.archiving(seen, nodes[seen.node], is_local=True) for seen in servers] if stack.local_processes else []
    ordered = itertools.chain(told.judge([scheduled, *archiving]), [] if stack.local_processes else [_elsewhere()])
    kept = _look(stack.backups, stack.objects, target.objectives.recovery, scheduled)
    findings.judge(itertools.chain(ordered, _exposed(servers, target.objectives.recovery), kept))


def _elsewhere() -> Judgement:
    """What servers on other machines are told lies there."""
    reason = "the servers' files are on other machines; what the scheduler is told is judged"
    return Judgement(subject="orders of the servers", outcome=Outcome.NOT_REVIEWED, reason=reason)


def _exposed(servers: tuple[Archiving, ...], promised: Recovery) -> Iterator[Judgement]:
    if promised.rpo_seconds is not None:
        yield from (judge_exposure(seen, promised.rpo_seconds) for seen in servers)


def _look(backups: Backups, store: Objects, promised: Recovery, scheduled: Orders) -> Iterator[Judgement]:
    if promised.retention_days is not None:
        yield judge_bucket(keeping.bucket(backups, store), promised.retention_days)
        yield judge_expiry(scheduled.options, promised.retention_days)
    before = keeping.schedule(backups)
    after = _moved(backups, before) if before else None
    now = datetime.datetime.now(datetime.UTC)
    yield judge_scheduler(before, after, now=now)
    yield judge_age(Repository(backups, store).backups(), now.timestamp())


def _moved(backups: Backups, before: Schedule) -> Schedule | None:
    """What the scheduler has written after that, once every run is planned; what it says in the end when it does not get there."""
    try:
        return wait.until(
            lambda: keeping.schedule(backups),
            what="the scheduler writes its state anew",
            within=deadlines.HEARTBEAT_SEEN,
            holds=lambda seen: seen is not None and seen.written != before.written and all(run.next_run for run in seen.runs),
        )
    except NotReady:
        return keeping.schedule(backups)  # the judgement says what is wrong with it
