"""Relays: what listens beside the platform and leads into it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from constat import deadlines
from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import host as hosts
from constat.observe import relays
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from testinfra.host import Host

    from constat.judgement import Findings
    from constat.observe.relays import Place, Wire
    from constat.stack import Stack


@control(
    "HOS-07",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("listeners", "local_processes"),
    promises=("hosts",),
    refs=("CIS Controls 4.4", "CIS Controls 13.4", "MITRE ATT&CK T1090", "ISO 27001 A.8.20", "ISO 27001 A.8.22"),
    remediation="Stop the process that passes connections on, and look at who used it; whoever needs the way in gets a declared one.",
)
def test_nothing_on_the_host_passes_connections_on_to_the_platform(stack: Stack, findings: Findings) -> None:
    """Whoever connects to a listener of the host that is not the platform's is not passed on to one that is."""
    machine = hosts.local()
    declared = frozenset((listener.host, listener.port) for listener in stack.listeners)
    _require_sight(machine, next(iter(sorted(declared))))
    listening, before = relays.listeners(machine), relays.connections(machine)
    known = relays.parents()
    own = stack_processes(stack) | relays.family(os.getpid(), known)
    foreign = frozenset(wire for wire in listening if wire.here not in declared and wire.process not in own)
    after = relays.called(machine, sorted({wire.here for wire in foreign}))
    families = {wire.process: relays.family(wire.process, known) for wire in foreign}
    findings.judge(judge_relays(foreign, families, (before, after), declared, own))


def stack_processes(stack: Stack) -> frozenset[int]:
    """Every process that the platform consists of; its listeners are the table of ports' business."""
    return hosts.processes_of(stack.run_dir, frozenset(guard.owner for guard in stack.guarded) - {"root"})


def _require_sight(machine: Host, place: Place) -> None:
    """The twin: a connection that is there, our own, is seen."""
    try:
        with socket.create_connection(place, timeout=deadlines.PROBE_CONNECT):
            seen = any(wire.there == place and wire.process == os.getpid() for wire in relays.connections(machine))
    except OSError as problem:
        msg = f"nothing answers at {place[0]}:{place[1]}: {problem.strerror or problem}"
        raise Unobservable(msg) from None
    if not seen:
        msg = "our own connection is not among the host's; run as root"
        raise Unobservable(msg)


def judge_relays(
    foreign: Collection[Wire],
    families: Mapping[int, frozenset[int]],
    seen: tuple[Collection[Wire], Collection[Wire]],
    declared: Collection[Place],
    own: Collection[int],
) -> Iterator[Judgement]:
    """FAIL for each listener whose process is connected to the platform, and for whoever connects to it as soon as somebody calls."""
    before, after = seen
    inward = {wire for wire in after if wire.there in declared and wire.process not in own}
    named: set[int] = set()
    for listener in sorted(foreign):
        family = families[listener.process]
        leads = sorted({wire.there for wire in (*inward, *before) if wire.process in family and wire.there in declared})
        named |= family if leads else set()
        yield _judged(f"{relays.name(listener.process)} {listener.here[0]}:{listener.here[1]}", leads)
    for wire in sorted(inward - set(before)):
        if wire.process not in named:
            yield _judged(f"{relays.name(wire.process)}, which connects when another is called", [wire.there])
    yield coverage(len(foreign), len(foreign), what="listeners that are not the platform's") if foreign else _alone()


def _judged(subject: str, leads: list[Place]) -> Judgement:
    shown = [f"{host}:{port}" for host, port in leads]
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if leads else Outcome.PASS,
        reason=f"leads into the platform, to {', '.join(shown)}" if leads else "leads nowhere in the platform",
        expected=[],
        observed=shown,
    )


def _alone() -> Judgement:
    return Judgement(subject="coverage", outcome=Outcome.PASS, reason="nothing else listens on this host", expected=0, observed=0)
