"""Alertmanager: groups and keeps the alerts that Prometheus raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.metrics_web import ADMIN, WEB_CONFIG, ask, web_config
from provision.platform.rendering import render

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

NODE = "alertmanager"
PROGRAM = "/usr/bin/prometheus-alertmanager"
CONFIGURATION: Final = "alertmanager.yml"


class Alertmanager:
    """One server without peers."""

    name = "alertmanager"
    requires = ()
    tools = (Tool(path=PROGRAM, package="prometheus-alertmanager"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="prometheus", sockets=(Socket(name="web", tls=True, protocol="https"),), durable=True),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, its login and the server."""
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=render(f"alertmanager/{CONFIGURATION}.j2")),
                web_config(site, NODE, ADMIN),
            ),
            processes=(Process(name=self.name, node=NODE, command=_command(site)),),
            directories=((NODE, "data"),),
        )

    def ready(self, site: Site) -> None:
        """Ask its readiness endpoint."""
        ask(site, NODE, "/-/ready", login=ADMIN)

    def configure(self, site: Site) -> None:
        """Nothing: its files say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its alerts and silences, its key and its login."""
        del site  # the same everywhere
        return ((NODE, "data", 0o700), (NODE, "key.pem", 0o600), (NODE, WEB_CONFIG, 0o600))


def _command(site: Site) -> tuple[str, ...]:
    address = site.address(NODE, "web")
    return (
        PROGRAM,
        f"--config.file={site.path(NODE, CONFIGURATION)}",
        f"--web.config.file={site.path(NODE, WEB_CONFIG)}",
        f"--web.listen-address={site.bind(NODE)}:{address.port}",
        f"--web.external-url=https://{address}/",
        f"--storage.path={site.path(NODE, 'data')}",
        "--cluster.listen-address=",
    )


COMPONENT = Alertmanager()
