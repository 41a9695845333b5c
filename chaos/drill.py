"""A drill on one node: warm ledger, fault, service back, fault let go, redundancy back, rows read twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos.confirmation import await_death
from chaos.history import Mark
from chaos.instrument import writing
from chaos.service import restored
from chaos.steady import database
from chaos.warmth import await_warmth
from constat import deadlines, entries, wait
from constat.clock import monotonic
from constat.errors import HarnessError, NotReady, Unobservable
from constat.observe import replication

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos.history import History
    from chaos.instrument import Instrument
    from constat.entries import Entry
    from constat.machines import Machines
    from constat.observe.replication import Standby
    from constat.stack import Postgres, Stack
    from constat.target import Recovery

# Two reads that are closer than this could both see a row that is about to vanish; seconds.
BETWEEN_READS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Struck:
    """What was seen between the fault and the return of redundancy; moments are on the history's clock."""

    node: str
    restored: float | None  # service was back; None: not within the promise
    redundant: float | None  # the node follows again, and commits are guarded as before; None: not within the deadline
    read: tuple[Entry, ...]  # the rows that were there when service was back
    read_at: float


@dataclass(frozen=True, kw_only=True)
class Drill:
    """Everything that a drill has measured."""

    struck: Struck
    history: History
    read: tuple[Entry, ...]  # the rows that were there at the end
    problems: tuple[str, ...]  # why the instrument may vouch for nothing


def kill_node(stack: Stack, node: str, *, tenants: tuple[str, ...], recovery: Recovery, path: Path, prefix: str) -> Drill:
    """Kill a database node under writing tenants and measure; raises Unobservable when nothing could be measured.

    `path` is where the history goes, `prefix` is what the names of the writers begin with.
    """
    postgres = database(stack)
    with writing(stack, tenants, path, prefix=prefix) as instrument:
        await_warmth(instrument, recovery.node_rpo_seconds or 0.0)
        struck = _strike(stack, node, instrument, recovery)
    wait.pause(BETWEEN_READS - (monotonic() - struck.read_at))
    history = instrument.recording.so_far()
    return Drill(struck=struck, history=history, read=read(postgres, history.organizations, prefix=prefix), problems=instrument.problems())


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


def _strike(stack: Stack, node: str, instrument: Instrument, recovery: Recovery) -> Struck:
    machines, postgres, recording = _machines(stack), database(stack), instrument.recording
    server = next(server for server in postgres.nodes if server.name == node)
    commanded = recording.mark(Mark.COMMANDED)
    with machines.kill(node):
        await_death(machines, server)
        recording.mark(Mark.CONFIRMED)
        back = _await_service(instrument, commanded, recovery)
        rows = () if back is None else read(postgres, recording.so_far().organizations, prefix=instrument.prefix)
        read_at = monotonic()
    recording.mark(Mark.LET_GO)
    redundant = recording.mark(Mark.REDUNDANT) if _is_redundant_again(postgres, node, recovery) else None
    return Struck(node=node, restored=back, redundant=redundant, read=rows, read_at=read_at)


def _await_service(instrument: Instrument, commanded: float, recovery: Recovery) -> float | None:
    promised = recovery.node_rto_seconds or deadlines.NEW_PRIMARY
    try:
        return wait.until(
            lambda: restored(instrument.recording.so_far(), since=commanded, stable=recovery.stable_seconds, now=monotonic()),
            what="every tenant's writes succeed again",
            within=promised + recovery.stable_seconds,
            every=0.5,
            holds=lambda moment: moment is not None,
        )
    except NotReady:
        return None  # that is a measurement, and the verdict is made of it


def _is_redundant_again(postgres: Postgres, node: str, recovery: Recovery) -> bool:
    def is_whole(standbys: tuple[Standby, ...]) -> bool:
        follows = any(standby.node == node and standby.state == "streaming" for standby in standbys)
        return follows and (recovery.node_rpo_seconds != 0 or any(standby.guards_commits for standby in standbys))

    try:
        wait.until(
            lambda: replication.standbys(postgres),
            what=f"node {node!r} follows again and commits are guarded",
            within=deadlines.REDUNDANCY_BACK,
            retry=(Unobservable,),
            every=0.25,
            holds=is_whole,
        )
    except NotReady:
        return False  # likewise
    return True


def _machines(stack: Stack) -> Machines:
    if stack.machines is None:
        msg = "a drill was started on a stack without machines; its control must declare needs=('machines',)"
        raise HarnessError(msg)
    return stack.machines
