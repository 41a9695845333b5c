"""Impostors: a client of the platform talks to the server that it means, and to nobody in its place."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import httpx
import psycopg

from constat import deadlines, wait
from constat.clock import monotonic
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import host as hosts
from constat.observe import http, relays, replication
from constat.outcome import Impact, Occasion, Outcome, Severity
from suites.security.approach import named
from suites.security.wire.impostor import End, Visit, impostor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from testinfra.host import Host

    from constat.judgement import Findings
    from constat.machines import Machines
    from constat.observe.relays import Wire
    from constat.stack import Listener, Postgres, Stack

    Edge = tuple[str, str]

# How long a wave lasts, in seconds: so long that those who call now and then do, and then until everybody has who did before.
_LEAST, _MOST = 8.0, 32.0
_BREATH: Final = 0.5


@control(
    "SEC-IMP-01",
    severity=Severity.HIGH,
    impact=Impact.DISRUPT,
    needs=("machines", "listeners", "local_processes"),
    promises=("secrets.managed",),
    refs=("OWASP ASVS 9.2.1", "OWASP ASVS 9.2.3", "CWE-295", "CWE-297", "NIST SC-23", "ISO 27001 A.8.24"),
    remediation="Make the client verify the server's certificate against the platform's own authority (verify-full, `verify required`).",
    occasion=Occasion.DRILL,
)
def test_no_client_talks_to_a_server_that_nobody_vouches_for(stack: Stack, findings: Findings) -> None:
    """Every client of the platform refuses a server at the right address whose certificate nobody vouches for."""
    assert stack.machines is not None  # the control needs it
    findings.judge(_attack(stack, stack.machines, hosts.local()))


def _attack(stack: Stack, machines: Machines, machine: Host) -> Iterator[Judgement]:
    _stir(stack, [])
    known = edges(relays.connections(machine), _tls(stack), stack)
    if not known:
        msg = "no node of the platform is connected to another by TLS; run as root"
        raise Unobservable(msg)
    visits: list[Visit] = []
    for wave in waves(known, spared=_spared(stack)):
        expected = {edge for edge in known if _node(edge[1]) in wave}
        visits += _visited(stack, machines, wave, expected)
        _await_everybody(stack)
    yield from judge_visits(visits, {edge for edge in known if _node(edge[1]) not in _spared(stack)})


def _spared(stack: Stack) -> frozenset[str]:
    """Whom nobody takes the place of: members of a cluster, whose clients go to another; what they ask is in their settings."""
    members = {listener.node for listener in stack.listeners if listener.protocol.startswith("etcd")}
    return frozenset(node.name for node in (stack.postgres.nodes if stack.postgres else ())) | members


def waves(known: Collection[Edge], *, spared: frozenset[str]) -> list[list[str]]:
    """Servers by the wave in which an impostor stands for them, so that each of their clients is there meanwhile."""
    near: dict[str, set[str]] = defaultdict(set)
    for client, server in known:
        near[client].add(_node(server))
        near[_node(server)].add(client)
    found: list[list[str]] = []
    for node in sorted({_node(server) for _, server in known} - spared):
        wave = next((wave for wave in found if not near[node] & set(wave)), None)
        if wave is None:
            found.append([node])
        else:
            wave.append(node)
    return found


def _node(listener: str) -> str:
    return listener.partition("/")[0]


def _tls(stack: Stack, wave: Collection[str] | None = None) -> dict[str, Listener]:
    return {named(listener): listener for listener in stack.listeners if listener.tls and (wave is None or listener.node in wave)}


def edges(wires: Collection[Wire], taken: dict[str, Listener], stack: Stack) -> set[Edge]:
    """Which node is connected to which listener of another; whoever is not of the platform is left out."""
    places = {(listener.host, listener.port): name for name, listener in taken.items()}
    met = {(relays.node(wire.process, stack.run_dir), places[wire.there]) for wire in wires if wire.there in places}
    return {(client, server) for client, server in met if client and client != _node(server)}


def _visited(stack: Stack, machines: Machines, wave: list[str], expected: set[Edge]) -> list[Visit]:
    names = tuple(dict.fromkeys(("localhost", *sorted({listener.node for listener in stack.listeners}), *_hosts(stack))))
    with impostor(stack.run_dir, names) as standing, contextlib.ExitStack() as gone:
        for node in wave:
            gone.enter_context(machines.kill(node))
        for name, listener in _tls(stack, wave).items():
            standing.take(name, listener)
        begun = monotonic()
        while (lasted := monotonic() - begun) < _MOST and (lasted < _LEAST or expected - tried(standing.visits)):
            _stir(stack, wave)
            wait.pause(_BREATH)
        standing.close()  # before the servers come back, who want their places
        return list(standing.visits)


def _hosts(stack: Stack) -> list[str]:
    return sorted({listener.host for listener in stack.listeners})


def _stir(stack: Stack, wave: Collection[str]) -> None:
    """Make those who call only when they are called do so; that they fail is what is expected."""
    with http.client(http.authority(stack), seconds=_BREATH) as client:
        urls = [f"{url}/ready" for name, url in stack.services.items() if name not in wave]
        urls += [f"{stack.gateway.url}/health/{name}" for name in stack.services] if stack.gateway else []
        for url in urls:
            with contextlib.suppress(httpx.HTTPError):
                client.get(url)
    if stack.postgres:
        _stir_database(stack.postgres)


def _stir_database(postgres: Postgres) -> None:
    """The pooler asks for a session, and a file of the log goes to the archive."""
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(postgres.pooler_dsn, connect_timeout=1, prepare_threshold=None).close()
    for node in postgres.nodes:
        with contextlib.suppress(psycopg.Error), psycopg.connect(replication.node_dsn(postgres, node), autocommit=True) as operator:
            operator.execute("SELECT pg_switch_wal()")


def _await_everybody(stack: Stack) -> None:
    def look() -> None:
        for name, url in stack.services.items():
            with http.client(http.authority(stack), url) as client:
                if not (said := http.readiness(client)).ready:
                    msg = f"{name} waits for {', '.join(part for part, state in said.dependencies.items() if state != 'answers')}"
                    raise NotReady(msg)
        if stack.postgres:
            replication.primary(stack.postgres)

    wait.until(look, what="everybody is back", within=deadlines.STACK_HEALED, retry=(NotReady, Unobservable), every=0.5)


def tried(visits: Collection[Visit]) -> set[Edge]:
    """The ways on which a client got so far that it could be seen whether it looks at the certificate."""
    return {(visit.node, visit.listener) for visit in list(visits) if visit.node and visit.end is not End.SILENT}


def judge_visits(visits: Collection[Visit], expected: Collection[Edge]) -> Iterator[Judgement]:
    """FAIL for each client that talked to an impostor; a connection that was there before and did not come again was not tried."""
    ends: dict[Edge, set[End]] = defaultdict(set)
    for visit in visits:
        if visit.node:
            ends[(visit.node, visit.listener)].add(visit.end)
    went = tried(visits)
    for client, server in sorted(went):
        yield _judged(f"{client} to {server}", ends[(client, server)])
    missed = sorted(set(expected) - went)
    known = len(went | set(expected))
    yield coverage(len(went), known, what="ways from a client to a server", left_out=tuple(" to ".join(edge) for edge in missed))


def _judged(subject: str, ends: set[End]) -> Judgement:
    wrong = sorted(end.value for end in ends & {End.BELIEVED, End.CLEAR})
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if wrong else Outcome.PASS,
        reason=f"to a server that nobody vouches for it {' and '.join(wrong)}" if wrong else "refused the impostor",
        expected=[End.REFUSED.value],
        observed=sorted(end.value for end in ends - {End.SILENT}),
    )
