"""A drill: warm ledger, fault, service back, fault let go, redundancy back, rows read twice."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from chaos.alarm import Alarm, await_alarm
from chaos.fault import Promise, struck
from chaos.history import Mark
from chaos.instrument import writing
from chaos.service import restored
from chaos.steady import database
from chaos.warmth import await_warmth
from constat import deadlines, entries, wait
from constat.clock import monotonic
from constat.errors import NotReady, Unobservable
from constat.observe import replication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chaos.fault import Fault
    from chaos.history import History
    from chaos.instrument import Instrument
    from constat.entries import Entry
    from constat.observe.replication import Standby
    from constat.stack import Postgres, Stack
    from constat.target import Recovery

# Two reads that are closer than this could both see a row that is about to vanish; seconds.
BETWEEN_READS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Struck:
    """What was seen between the fault and the return of redundancy; moments are on the history's clock."""

    node: str
    restored: float | None  # service was back; None: not within the promise, or nothing of the kind is promised
    redundant: float | None  # every node follows again, and commits are guarded as before; None: not within the deadline
    read: tuple[Entry, ...]  # the rows that were there when service was back
    read_at: float
    promise: Promise = Promise.TAKES_OVER
    alarm: Alarm | None = None


@dataclass(frozen=True, kw_only=True)
class Drill:
    """Everything that a drill has measured."""

    struck: Struck
    history: History
    read: tuple[Entry, ...]  # the rows that were there at the end
    problems: tuple[str, ...]  # why the instrument may vouch for nothing


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a drill happens: on what, for whom, against which promise, and where its history goes."""

    stack: Stack
    tenants: tuple[str, ...]
    recovery: Recovery
    path: Path
    prefix: str  # what the names of the writers begin with


def conduct(
    ground: Ground,
    fault: Fault,
    *,
    beside: Callable[[Instrument], AbstractContextManager[None]] | None = None,
    during: Callable[[], object] = bool,
) -> Drill:
    """Strike under writing tenants and measure; raises Unobservable when nothing could be measured.

    `beside` is something more that goes on from before the fault to the end of the writing, `during` is done once it has struck.
    """
    postgres = database(ground.stack)
    with writing(ground.stack, ground.tenants, ground.path, prefix=ground.prefix) as instrument:
        await_warmth(instrument, ground.recovery.node_rpo_seconds or 0.0)
        with beside(instrument) if beside else contextlib.nullcontext():
            seen = _strike(ground, fault, instrument, during)
    wait.pause(BETWEEN_READS - (monotonic() - seen.read_at))
    history = instrument.recording.so_far()
    rows = read(postgres, history.organizations, prefix=ground.prefix)
    return Drill(struck=seen, history=history, read=rows, problems=instrument.problems())


def read(postgres: Postgres, organizations: Mapping[str, str], *, prefix: str) -> tuple[Entry, ...]:
    """Every row of the ledger by the application's path, tenant by tenant; raises Unobservable when they cannot be read."""

    def look() -> tuple[Entry, ...]:
        with entries.connect(postgres.pooler_dsn) as connection:
            return tuple(
                entry
                for organization in organizations.values()
                for entry in entries.read(connection, postgres, organization, prefix=prefix)
            )

    try:
        return wait.until(
            look, what="the ledger's rows are read", within=deadlines.LEDGER_READ, retry=(Unobservable, *entries.REFUSED), every=0.5
        )
    except NotReady as problem:
        raise Unobservable(str(problem)) from None


def _strike(ground: Ground, fault: Fault, instrument: Instrument, during: Callable[[], object]) -> Struck:
    recording, back, alarm = instrument.recording, None, None
    commanded = recording.mark(Mark.COMMANDED)
    with struck(ground.stack, fault):
        confirmed = recording.mark(Mark.CONFIRMED)
        during()
        if fault.promise is Promise.TAKES_OVER:
            back = _await_service(instrument, commanded, ground.recovery)
        rows, read_at = _read(ground, instrument, is_served=back is not None), monotonic()
        alarm = await_alarm(ground.stack, fault.alert, since=commanded)
        wait.pause(confirmed + fault.lasts - monotonic())
    let_go = recording.mark(Mark.LET_GO)
    if fault.promise is Promise.COMES_BACK:
        back = _await_service(instrument, let_go, ground.recovery)
        rows, read_at = _read(ground, instrument, is_served=back is not None), monotonic()
    redundant = recording.mark(Mark.REDUNDANT) if _is_redundant_again(ground) else None
    seen = Struck(node=fault.name, restored=back, redundant=redundant, read=rows, read_at=read_at, alarm=alarm)
    return replace(seen, promise=fault.promise)


def _read(ground: Ground, instrument: Instrument, *, is_served: bool) -> tuple[Entry, ...]:
    if not is_served:
        return ()
    return read(database(ground.stack), instrument.recording.so_far().organizations, prefix=instrument.prefix)


def _await_service(instrument: Instrument, since: float, recovery: Recovery) -> float | None:
    promised = recovery.node_rto_seconds or deadlines.NEW_PRIMARY
    try:
        return wait.until(
            lambda: restored(instrument.recording.so_far(), since=since, stable=recovery.stable_seconds, now=monotonic()),
            what="every tenant's writes succeed again",
            within=promised + recovery.stable_seconds,
            every=0.5,
            holds=lambda moment: moment is not None,
        )
    except NotReady:
        return None  # that is a measurement, and the verdict is made of it


def _is_redundant_again(ground: Ground) -> bool:
    postgres = database(ground.stack)

    def is_whole(standbys: tuple[Standby, ...]) -> bool:
        following = {standby.node for standby in standbys if standby.state == "streaming"}
        guarded = ground.recovery.node_rpo_seconds != 0 or any(standby.guards_commits for standby in standbys)
        return len(following) >= len(postgres.nodes) - 1 and guarded

    try:
        wait.until(
            lambda: replication.standbys(postgres),
            what="every node follows again and commits are guarded",
            within=deadlines.REDUNDANCY_BACK,
            retry=(Unobservable,),
            every=0.25,
            holds=is_whole,
        )
    except NotReady:
        return False  # likewise
    return True
