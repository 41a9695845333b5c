"""Who may connect to whom: the architecture's flows, and nothing that merely happens to work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provision.platform.scrapes import PROBER, SCRAPES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from provision.platform.component import Node


@dataclass(frozen=True, order=True)
class Flow:
    """A node may open connections to a socket of another."""

    source: str
    node: str
    socket: str


_MEMBERS: Final = ("coordinator-1", "coordinator-2", "coordinator-3")
_DATABASES: Final = ("postgres-1", "postgres-2")
_SERVICES: Final = ("identity", "property", "search")


def _each(sources: Iterable[str], node: str, socket: str) -> tuple[Flow, ...]:
    return tuple(Flow(source, node, socket) for source in sources if source != node)


def _among(nodes: tuple[str, ...], socket: str) -> tuple[Flow, ...]:
    return tuple(flow for node in nodes for flow in _each(nodes, node, socket))


ARCHITECTURE: Final = (
    *_among(_MEMBERS, "peer"),
    *(flow for member in _MEMBERS for flow in _each(_DATABASES, member, "client")),
    # Replication and rewinding; and the question whether a leader that lost its coordinator may stay one.
    *_among(_DATABASES, "postgres"),
    *_among(_DATABASES, "patroni"),
    *(Flow("proxy", node, socket) for node in _DATABASES for socket in ("postgres", "patroni")),
    *_each(("pooler", "vault"), "proxy", "readwrite"),
    *_each(_SERVICES, "pooler", "pgbouncer"),
    *_each(("property", "search"), "identity", "http"),
    Flow("property", "objects", "s3"),
    Flow("property", "cache", "redis"),
    Flow("property", "broker", "amqp"),
    *(Flow("gateway", service, "http") for service in _SERVICES),
    Flow("prometheus", "alertmanager", "web"),
    Flow("prometheus", PROBER, "web"),
    Flow("redis-exporter", "cache", "redis"),
    *(Flow(f"postgres-exporter-{number}", f"postgres-{number}", "postgres") for number in (1, 2)),
)
# The archive is pushed by the servers themselves, and only where somebody keeps it.
KEEPER: Final = "scheduler"
ARCHIVING: Final = _each((*_DATABASES, KEEPER), "objects", "s3")
# Each follows from a line of the table of scrapes: it is asked by the server, or by the prober in its place.
OBSERVATION: Final = tuple(
    Flow(PROBER if scrape.module else "prometheus", ask.node, ask.socket)
    for scrape in SCRAPES
    for ask in scrape.asks
    if ask.node != (PROBER if scrape.module else "prometheus")
)
FLOWS: Final = tuple(sorted({*ARCHITECTURE, *ARCHIVING, *OBSERVATION}))


def flows(nodes: Collection[Node]) -> tuple[Flow, ...]:
    """The flows between nodes that are deployed."""
    sockets = {(node.name, socket.name) for node in nodes for socket in node.sockets}
    names = {node.name for node in nodes}
    idle = set() if KEEPER in names else set(ARCHIVING)
    return tuple(flow for flow in FLOWS if flow.source in names and (flow.node, flow.socket) in sockets and flow not in idle)
