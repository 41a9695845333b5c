"""How a service is put on a node: its socket, its settings file, its process, its readiness."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx
import msgspec
from psycopg.conninfo import make_conninfo

from constat.errors import NotReady
from provision.platform import pooler, postgres
from provision.platform.component import File, Node, Plan, Process, Socket
from provision.platform.services.settings import Listen, Trust

if TYPE_CHECKING:
    from provision.platform.component import Site

SOCKET: Final = "http"
SETTINGS: Final = "settings.json"
ISSUER: Final = "https://identity.viridial"
AUDIENCE: Final = "viridial"
_ANSWER_SECONDS: Final = 5.0
# Longer than uvicorn gives requests that are under way.
_STOP_SECONDS: Final = 8


def node(name: str) -> Node:
    """A service's node, with an account of its own."""
    return Node(name=name, sockets=(Socket(name=SOCKET, tls=True, protocol="https"),))


def plan(site: Site, name: str, settings: msgspec.Struct) -> Plan:
    """A service's settings and its process."""
    told = msgspec.json.format(msgspec.json.encode(settings), indent=1)
    return Plan(files=(File(node=name, path=SETTINGS, content=told),), processes=(_process(site, name),))


def ready(site: Site, name: str) -> None:
    """Ask whether the service and what stands behind it answer; NotReady names what does not."""
    with httpx.Client(verify=ssl.create_default_context(cafile=site.ca_path), timeout=_ANSWER_SECONDS, trust_env=False) as client:
        answer = client.get(f"https://{site.address(name, SOCKET)}/ready")
    if answer.status_code != httpx.codes.OK:
        msg = f"{name} is not ready ({answer.status_code}): {answer.text}"
        raise NotReady(msg)


def guarded(name: str) -> tuple[tuple[str, str, int], ...]:
    """The settings, which hold secrets, and the key."""
    return ((name, SETTINGS, 0o600), (name, "key.pem", 0o600))


def listen(site: Site, name: str) -> Listen:
    """Where a service listens."""
    address, certificate = site.address(name, SOCKET), site.certificate(name)
    return Listen(host=site.bind(name), port=address.port, cert=certificate.cert, key=certificate.key)


def database(site: Site, name: str) -> str:
    """The application's own way to the database: through the pooler, which must prove who it is."""
    address = site.address(pooler.NODE, "pgbouncer")
    return make_conninfo(
        host=address.host,
        port=address.port,
        dbname=postgres.DATABASE,
        user="app",
        password=site.secret("postgres/app"),
        sslmode="verify-full",
        sslrootcert=site.certificate(name).ca,
    )


def trust(site: Site) -> Trust:
    """Whose tokens the services believe."""
    keys = f"https://{site.address('identity', SOCKET)}/api/identity/jwks.json"
    return Trust(issuer=ISSUER, audience=AUDIENCE, jwks_url=keys)


def _process(site: Site, name: str) -> Process:
    """The interpreter begins as root where there is one, so nothing of the node's directory may be loaded: -P, -s."""
    module = f"{__package__}.serve"
    return Process(
        name=name,
        node=name,
        command=(site.python.program, "-P", "-s", "-m", module, name, site.path(name, SETTINGS)),
        environment={"PYTHONPATH": site.python.packages},
        stop_seconds=_STOP_SECONDS,
        drops_privileges=True,
    )
