"""Proxy: HAProxy leads to the leader and to the standby, by what Patroni says of each server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from provision.platform import postgres
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import render

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

PROGRAM: Final = "/usr/sbin/haproxy"
NODE: Final = "proxy"
CONFIGURATION: Final = "haproxy.cfg"
_SOCKETS: Final = (
    # The servers behind them speak TLS; the proxy only passes it on.
    Socket(name="readwrite", tls=True, protocol="postgres"),
    Socket(name="readonly", tls=True, protocol="postgres"),
    Socket(name="metrics", tls=False, protocol="http"),
)


class Proxy:
    """One node; it starts before the servers do, and waits for them."""

    name = "proxy"
    requires = ()
    tools = (Tool(path=PROGRAM, package="haproxy"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="haproxy", sockets=_SOCKETS),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, and the process in the foreground."""
        return Plan(
            files=(File(node=NODE, path=CONFIGURATION, content=_configuration(site)),),
            processes=(Process(name="haproxy", node=NODE, command=(PROGRAM, "-db", "-f", site.path(NODE, CONFIGURATION))),),
        )

    def ready(self, site: Site) -> None:
        """Ask whether it leads to a server that takes writes, and to one that may succeed it."""
        for socket, wanted in (("readwrite", "read-write"), ("readonly", "standby")):
            address = site.address(NODE, socket)
            options = {"database": postgres.MAINTENANCE, "target_session_attrs": wanted, "connect_timeout": "3"}
            psycopg.connect(postgres.dsn(site, "postgres", address, **options)).close()
        postgres.require_successor(site)

    def configure(self, site: Site) -> None:
        """Nothing: its file says it all."""


def _configuration(site: Site) -> str:
    return render(
        "proxy/haproxy.cfg.j2",
        bind=site.bind(NODE),
        readwrite=site.address(NODE, "readwrite"),
        readonly=site.address(NODE, "readonly"),
        metrics=site.address(NODE, "metrics"),
        ca=site.certificate(NODE).ca,
        servers=[
            {"name": node, "address": site.address(node, "postgres"), "rest": site.address(node, "patroni")} for node in postgres.NODES
        ],
    )


COMPONENT: Final = Proxy()
