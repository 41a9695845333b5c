"""Gateway: Traefik over TLS, which asks identity about every request and lets nobody name a tenant."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from constat.errors import NotReady
from constat.stack import Gateway
from provision.platform import identity, property, search  # noqa: A004 - the service's name
from provision.platform.component import File, Node, Plan, Process, Socket
from provision.platform.rendering import render
from provision.platform.services import placement

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Address, Site

NODE: Final = "gateway"
STATIC: Final = "static.yml"
DYNAMIC: Final = "dynamic.yml"
# What identity says of a verified token; a client's own is dropped or replaced.
TENANCY: Final = ("X-Tenant-ID", "X-Organization-ID", "X-Tenant-Plan")
# What proxies and frameworks are known to believe; no client has a reason to send it.
CLAIMS: Final = (
    *("Forwarded", "True-Client-IP", "X-Client-IP", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"),
    *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token"),
    *("X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Remote-User"),
)
# By client address.  Checking a password costs the database tens of milliseconds.
SIGN_IN_PER_SECOND: Final = 20
PUBLIC_PER_SECOND: Final = 50
_ANSWER_SECONDS: Final = 5.0
# Longer than the requests under way are given.
_STOP_SECONDS: Final = 6
_SOCKETS: Final = (
    Socket(name="https", tls=True, protocol="https"),
    Socket(name="http", tls=False, protocol="http"),
    Socket(name="verify", tls=True, protocol="https", own=True),
    Socket(name="metrics", tls=False, protocol="http"),
)
# Which paths belong to a service; identity's are named one by one in the template.
_PATHS: Final = {identity.NODE: "", property.NODE: "/api/properties", search.NODE: "/api/search"}


@dataclass(frozen=True, kw_only=True)
class Route:
    """A service behind the gateway, and the path that leads to it for those who are known."""

    name: str
    address: Address
    path: str


class GatewayComponent:
    """One server, configured by two files."""

    name = NODE
    # It is not ready before the other services are, but it need not wait for them to start.
    requires = ("identity",)
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node with an account of its own."""
        del target  # the same for every target
        return (Node(name=NODE, sockets=_SOCKETS),)

    def plan(self, site: Site) -> Plan:
        """What it listens on, where it leads, and the server."""
        command = (site.program("traefik"), f"--configFile={site.path(NODE, STATIC)}")
        return Plan(
            files=(File(node=NODE, path=STATIC, content=_static(site)), File(node=NODE, path=DYNAMIC, content=_dynamic(site))),
            processes=(Process(name="traefik", node=NODE, command=command, stop_seconds=_STOP_SECONDS),),
        )

    def ready(self, site: Site) -> None:
        """Reach every service through it."""
        context = ssl.create_default_context(cafile=site.ca_path)
        with httpx.Client(base_url=capability(site).url, verify=context, timeout=_ANSWER_SECONDS, trust_env=False) as client:
            for service in _PATHS:
                answer = client.get(f"/health/{service}")
                if answer.status_code != httpx.codes.OK:
                    msg = f"the gateway answers {answer.status_code} for {service!r}, expected 200; its log says why"
                    raise NotReady(msg)

    def configure(self, site: Site) -> None:
        """Nothing: its files say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its key, and the files that say who gets in."""
        del site  # the same everywhere
        return ((NODE, "key.pem", 0o600), (NODE, STATIC, 0o600), (NODE, DYNAMIC, 0o600))


def capability(site: Site) -> Gateway:
    """The gateway as clients see it."""
    return Gateway(url=f"https://{site.address(NODE, 'https')}", plain_url=f"http://{site.address(NODE, 'http')}", ca=site.ca_path)


def _static(site: Site) -> str:
    return render(
        "gateway/static.yml.j2",
        https=_bound(site, "https"),
        http=_bound(site, "http"),
        verify=_own(site),
        metrics=_bound(site, "metrics"),
        dynamic=site.path(NODE, DYNAMIC),
    )


def _dynamic(site: Site) -> str:
    return render(
        "gateway/dynamic.yml.j2",
        certificate=site.certificate(NODE),
        services=[Route(name=name, address=site.address(name, placement.SOCKET), path=path) for name, path in _PATHS.items()],
        verify=_own(site),
        tenancy=TENANCY,
        claims=CLAIMS,
        sign_in_per_second=SIGN_IN_PER_SECOND,
        public_per_second=PUBLIC_PER_SECOND,
    )


def _bound(site: Site, socket: str) -> str:
    return f"{site.bind(NODE)}:{site.address(NODE, socket).port}"


def _own(site: Site) -> str:
    """Where it reaches itself; nobody else does, whatever the node's other sockets are bound to."""
    return f"127.0.0.1:{site.address(NODE, 'verify').port}"


COMPONENT: Final = GatewayComponent()
