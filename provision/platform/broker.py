"""Message broker: RabbitMQ over TLS, a virtual host for each tenant, confined to its own names even there."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from constat.errors import NotReady, TargetError
from constat.stack import Broker, Login
from provision.platform import topology
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import render
from provision.platform.services.vhost import vhost_of
from provision.platform.topology import EXCHANGES, VHOST

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

NODE: Final = "broker"
RELEASES: Final = "/usr/lib/rabbitmq/lib/rabbitmq_server-*"
CONFIGURATION: Final = "rabbitmq.conf"
DEFINITIONS: Final = "definitions.json"
DISTRIBUTION: Final = "distribution.config"
PLUGINS: Final = "enabled_plugins"
COOKIE: Final = ".erlang.cookie"
START: Final = "start.sh"
DATA: Final = "data"
NODE_NAME: Final = "rabbit@localhost"
ADMIN: Final = "admin"
LOGINS: Final = (ADMIN, "service", "monitor")
MEMORY: Final = "512MB"
DISK_FREE: Final = "64MB"
ANSWER_SECONDS: Final = 10.0
# Its management plugin waits five seconds for statistics that nobody will read.
STOP_SECONDS: Final = 20
# The server, the two plugins, and what these need.
APPLICATIONS: Final = (
    *("accept", "amqp10_common", "amqp_client", "aten", "base64url", "cowboy", "cowlib", "credentials_obfuscation", "cuttlefish"),
    *("enough", "gen_batch_server", "getopt", "jsx", "observer_cli", "osiris", "prometheus", "quantile_estimator", "ra", "rabbit"),
    *("rabbit_common", "rabbitmq_management", "rabbitmq_management_agent", "rabbitmq_prelaunch", "rabbitmq_prometheus"),
    *("rabbitmq_web_dispatch", "ranch", "recon", "seshat", "stdout_formatter", "syslog", "sysmon_handler", "systemd"),
)
_SOCKETS: Final = (
    Socket(name="amqp", tls=True, protocol="amqp"),
    Socket(name="management", tls=True, protocol="https"),
    Socket(name="prometheus", tls=True, protocol="https"),
    Socket(name="distribution", tls=True, protocol="erlang"),
)


class BrokerComponent:
    """One server; nothing is shared with another Erlang node of the machine, not even a port mapper."""

    name = "broker"
    requires = ()
    tools = (Tool(path="/usr/lib/rabbitmq/bin/rabbitmq-server", package="rabbitmq-server"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="rabbitmq", sockets=_SOCKETS, durable=True),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, what it holds from its first moment on, and the server."""
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=_configuration(site)),
                File(node=NODE, path=DISTRIBUTION, content=render("broker/distribution.config.j2", certificate=site.certificate(NODE))),
                File(node=NODE, path=DEFINITIONS, content=json.dumps(_definitions(site), indent=1)),
                File(node=NODE, path=PLUGINS, content="[rabbitmq_management,rabbitmq_prometheus].\n"),
                File(node=NODE, path=COOKIE, content=site.secret("broker/cookie"), mode=0o400),
                File(node=NODE, path=START, content=_start(site)),
            ),
            processes=(_server(site),),
            directories=((NODE, DATA),),
        )

    def ready(self, site: Site) -> None:
        """Ask whether clients are let in, which comes last, and whether the virtual host runs."""
        checks = (f"port-listener/{site.address(NODE, 'amqp').port}", "virtual-hosts", "local-alarms")
        with _management(site) as client:
            for check in checks:
                answer = client.get(f"health/checks/{check}")
                if answer.status_code != httpx.codes.OK:
                    msg = f"broker answers {answer.status_code} on health check {check!r}, expected 200; its log says why"
                    raise NotReady(msg)

    def configure(self, site: Site) -> None:
        """Bring in what the platform holds once more, for a server that was started with other definitions."""
        with _management(site) as client:
            _import(client, _definitions(site))

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's virtual host with all that is in it, and its user, in one request."""
        with _management(site) as client:
            _import(client, topology.of_tenant(tenant, site.secret(f"tenant/{tenant}/broker"), vhost(site, tenant)))

    def offboard(self, site: Site, tenant: str) -> None:
        """Remove the user, which ends its connections, and the virtual host with every queue and message of the tenant."""
        with _management(site) as client:
            _remove(client, f"users/{quote(tenant)}")
            _remove(client, f"vhosts/{quote(vhost(site, tenant), safe='')}")

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its data, the cookie, the hashed passwords and its key."""
        del site  # the same everywhere
        return ((NODE, DATA, 0o700), (NODE, COOKIE, 0o400), (NODE, DEFINITIONS, 0o600), (NODE, "key.pem", 0o600))


def capability(site: Site) -> Broker:
    """The broker as suites see it, with its administrator."""
    return Broker(
        amqp_url=f"amqps://{site.address(NODE, 'amqp')}/{VHOST}",
        management_url=f"https://{site.address(NODE, 'management')}",
        admin=Login(user=ADMIN, password=site.secret(f"broker/{ADMIN}")),
        vhost=VHOST,
        exchanges=EXCHANGES,
        ca=site.ca_path,
        vhosts={tenant: vhost(site, tenant) for tenant in site.target.tenants},
        operators=LOGINS,
    )


def vhost(site: Site, tenant: str) -> str:
    """The name of a tenant's virtual host."""
    return vhost_of(tenant, vhosts_key(site))


def vhosts_key(site: Site) -> str:
    """What the names of all virtual hosts follow from; the services that publish have it."""
    return site.secret("broker/vhosts")


def _definitions(site: Site) -> topology.Definitions:
    return topology.platform({login: site.secret(f"broker/{login}") for login in LOGINS})


def _configuration(site: Site) -> str:
    return render(
        "broker/rabbitmq.conf.j2",
        bind=site.bind(NODE),
        amqp=site.address(NODE, "amqp"),
        management=site.address(NODE, "management"),
        prometheus=site.address(NODE, "prometheus"),
        certificate=site.certificate(NODE),
        definitions=site.path(NODE, DEFINITIONS),
        memory=MEMORY,
        disk_free=DISK_FREE,
    )


def _start(site: Site) -> str:
    return render(
        "broker/start.sh.j2",
        releases=RELEASES,
        names=APPLICATIONS,
        applications=site.path(NODE, "applications"),
        bind=site.bind(NODE),
        distribution=site.address(NODE, "distribution"),
        distribution_options=site.path(NODE, DISTRIBUTION),
        node_name=NODE_NAME,
        configuration=site.path(NODE, CONFIGURATION),
        enabled_plugins=site.path(NODE, PLUGINS),
        data=site.path(NODE, DATA),
    )


def _server(site: Site) -> Process:
    """The server; the cookie is found in its home directory."""
    return Process(
        name="rabbitmq",
        node=NODE,
        command=("/bin/sh", site.path(NODE, START)),
        environment={"HOME": site.path(NODE)},
        stop_seconds=STOP_SECONDS,
    )


def _management(site: Site) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://{site.address(NODE, 'management')}/api/",
        auth=(ADMIN, site.secret(f"broker/{ADMIN}")),
        verify=ssl.create_default_context(cafile=site.ca_path),
        timeout=ANSWER_SECONDS,
        trust_env=False,
    )


def _import(client: httpx.Client, definitions: topology.Definitions) -> None:
    _expect(client.post("definitions", json=definitions))


def _remove(client: httpx.Client, path: str) -> None:
    answer = client.delete(path)
    if answer.status_code != httpx.codes.NOT_FOUND:
        _expect(answer)


def _expect(answer: httpx.Response) -> Any:
    """What the server answers; TargetError with its complaint unless it succeeds."""
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url.path!r}"
        msg = f"broker refuses {asked}: {answer.status_code} {answer.text.strip()}; its log says why"
        raise TargetError(msg)
    return answer.json() if answer.content else None


COMPONENT: Final = BrokerComponent()
