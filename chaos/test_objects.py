"""The object store: it is down for a while, and what was written meanwhile is archived after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chaos import grounds, steady, verdict
from chaos.backlog import caught_up
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.selectors import select
from constat import deadlines, handover, wait
from constat.control import control
from constat.errors import HarnessError, NotReady, Unobservable
from constat.observe.archive import Repository
from constat.outcome import Impact, Occasion, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.judgement import Findings, Judgement
    from constat.stack import Stack
    from constat.target import Recovery, Target

# Long enough that the server has tried, failed, and waits to try again; seconds.
LASTS: Final = 35.0


@control(
    "CHA-06",
    severity=Severity.CRITICAL,
    impact=Impact.DISRUPT,
    needs=("postgres", "objects", "backups", "machines", "tenants"),
    promises=("dr.objectives", "backup.pitr"),
    refs=("ISO 27001 A.8.13", "ISO 27001 A.8.14", "SOC 2 A1.2", "NIST SP 800-34 CP-9", "DORA Art. 12"),
    remediation="Let the archive command fail when the store does not answer, keep WAL until it is archived, and alert meanwhile.",
    occasion=Occasion.DRILL,
)
def test_nothing_is_dropped_while_the_object_store_is_down(
    stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path
) -> None:
    """The object store is down for a while: tenants go on writing, monitoring knows, and every segment is archived once it is back."""
    findings.judge(_drilled(stack, attack_pair, target.objectives.recovery, tmp_path))


def _drilled(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    if stack.backups is None or stack.objects is None:
        msg = "the archive of a stack without backups or objects was asked for; its control must declare its needs"
        raise HarnessError(msg)
    repository, postgres = Repository(stack.backups, stack.objects), steady.database(stack)
    before = max(segment.place.number for segment in repository.segments())
    fault = Fault(nodes=select(stack, "object store"), blow=Blow.KILLED, promise=Promise.GOES_ON, lasts=LASTS, alert="ObjectStoreDown")
    written: list[str] = []
    with grounds.ground(stack, tenants, recovery, folder) as here:
        drill = conduct(here, fault, during=lambda: written.append(handover.switch(postgres)))
        _await_store(repository)
        last = handover.switch(postgres)
        handover.arrived(repository, last, within=deadlines.ARCHIVE_CAUGHT_UP)
        yield caught_up(repository.segments(), before=before, meanwhile=written, last=last)
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))


def _await_store(repository: Repository) -> None:
    """Wait until it answers again; raises Unobservable when it does not: what it holds cannot be said then."""
    try:
        wait.until(
            repository.segments, what="the object store answers again", within=deadlines.STACK_HEALED, retry=(Unobservable,), every=0.5
        )
    except NotReady as problem:
        raise Unobservable(str(problem)) from None
