"""Database: two PostgreSQL servers that Patroni keeps as one synchronous cluster, and its logins."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import httpx
import psycopg
from psycopg import sql

from constat.errors import NotReady
from constat.stack import Postgres, PostgresNode
from provision.platform import backups, coordinator
from provision.platform.component import Address, File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import TEMPLATES, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.target import Target
    from provision.platform.component import Site

PYTHON: Final = "/usr/bin/python3"  # Debian's, which has Patroni
PROGRAMS: Final = "/usr/lib/postgresql/15/bin"
NODES: Final = ("postgres-1", "postgres-2")
DATABASE: Final = "viridial"
MAINTENANCE: Final = "postgres"
# Logins that Patroni creates itself are not here.
LOGINS: Final = ("app", "backup", "migrator", "monitor", "pooler", "vault")
CONFIGURATION: Final = "patroni.yml"
LAUNCHER: Final = "launch.py"
BACKUP_CONFIGURATION: Final = "pgbackrest.conf"
COORDINATOR_CLIENT: Final = "coordinator.pem"
ANSWER_SECONDS: Final = 3.0
STOP_SECONDS: Final = 30
_SOCKETS: Final = (Socket(name="postgres", tls=True, protocol="postgres"), Socket(name="patroni", tls=True, protocol="https"))
_TOOLS: Final = (
    Tool(path="/usr/bin/patroni", package="patroni"),
    Tool(path=f"{PROGRAMS}/postgres", package="postgresql-15"),
    Tool(path="/usr/lib/postgresql/15/lib/pgaudit.so", package="postgresql-15-pgaudit"),
)


@dataclass(frozen=True)
class _Leader:
    """The leader's node, and the standbys that its commits wait for."""

    node: str
    successors: tuple[str, ...]


class PostgresComponent:
    """A leader and its synchronous standby."""

    name = "postgres"
    requires = ("coordinator",)
    tools = _TOOLS

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """A node for each server with its Patroni."""
        del target  # the same for every target
        return tuple(Node(name=node, user="postgres", sockets=_SOCKETS, durable=True, behind=("proxy",)) for node in NODES)

    def plan(self, site: Site) -> Plan:
        """Each node's configuration, and the Patroni that runs its server."""
        files = tuple(file for node in NODES for file in _files(site, node))
        processes = tuple(_process(site, node) for node in NODES)
        return Plan(files=files, processes=processes, directories=tuple((node, "socket") for node in NODES))

    def ready(self, site: Site) -> None:
        """Ask the leader for a synchronous standby that streams from it."""
        if not _leader(site).successors:
            msg = "the leader has no synchronous standby yet; the standby's log says what it waits for"
            raise NotReady(msg)

    def configure(self, site: Site) -> None:
        """Create the logins and the database, and take away what PostgreSQL grants to everybody."""
        with psycopg.connect(leader_dsn(site, MAINTENANCE), autocommit=True) as connection:
            connection.execute(_text("roles.sql"))
            for login in LOGINS:
                _set_password(connection, login, site.secret(f"postgres/{login}"))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER owner").format(sql.Identifier(DATABASE)))
            connection.execute(_text("databases.sql"))
        with psycopg.connect(leader_dsn(site, DATABASE)) as connection:
            connection.execute(_text("lockdown.sql"))

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """The data, and the files that hold passwords and keys."""
        secret = (CONFIGURATION, COORDINATOR_CLIENT, "key.pem", *([BACKUP_CONFIGURATION] if _is_archived(site) else []))
        return tuple(
            entry for node in NODES for entry in ((node, "data", 0o700), (node, "socket", 0o700), *((node, path, 0o600) for path in secret))
        )


def data_directory(site: Site, node: str) -> str:
    """Where the node's server keeps its data."""
    return site.path(node, "data")


def socket_directory(site: Site, node: str) -> str:
    """Where the node's server has its local socket; it asks for passwords there too."""
    return site.path(node, "socket")


def leader(site: Site) -> str:
    """The node whose server is the leader; NotReady while there is none."""
    return _leader(site).node


def require_successor(site: Site) -> None:
    """Raise NotReady until the coordinator names a standby that takes the leader's place at once."""
    answers = {node: answer.status_code for node, answer in _ask_patroni(site, "synchronous")}
    if httpx.codes.OK not in answers.values():
        msg = f"no standby may succeed the leader yet: '/synchronous' is answered {answers}, expected one 200"
        raise NotReady(msg)


def dsn(site: Site, login: str, address: Address, *, database: str = DATABASE, **options: str) -> str:
    """A login's way to the server behind an address, which must prove who it is."""
    return _uri(site, login, str(address), database=database, **options)


def leader_dsn(site: Site, database: str) -> str:
    """The superuser's way to whichever server is the leader, without the proxy."""
    addresses = ",".join(str(site.address(node, "postgres")) for node in NODES)
    return _uri(site, "postgres", addresses, database=database, target_session_attrs="read-write", connect_timeout="3")


def capability(site: Site) -> Postgres:
    """The cluster as suites see it, by each login and path."""
    leader, replica, pool = site.address("proxy", "readwrite"), site.address("proxy", "readonly"), site.address("pooler", "pgbouncer")
    return Postgres(
        admin_dsn=dsn(site, "postgres", leader),
        app_dsn=dsn(site, "app", leader),
        migrator_dsn=dsn(site, "migrator", leader),
        backup_dsn=dsn(site, "backup", leader),
        replica_dsn=dsn(site, "app", replica),
        replication_dsn=dsn(site, "replicator", leader, database="", replication="true"),
        pooler_dsn=dsn(site, "app", pool),
        pooler_admin_dsn=dsn(site, "pooler-admin", pool, database="pgbouncer"),
        database=DATABASE,
        context_setting=site.target.isolation.context_setting,
        tenant_column=site.target.isolation.tenant_column,
        nodes=tuple(_node(site, node) for node in NODES),
        ca=site.ca_path,
    )


def _node(site: Site, node: str) -> PostgresNode:
    address = site.address(node, "postgres")
    return PostgresNode(
        name=node,
        host=address.host,
        port=address.port,
        data_directory=data_directory(site, node),
        socket_directory=socket_directory(site, node),
    )


def _uri(site: Site, login: str, addresses: str, *, database: str, **options: str) -> str:
    password = quote(site.secret(f"postgres/{login}"), safe="")
    parameters = urlencode({"sslmode": "verify-full", "sslrootcert": site.ca_path, **options}, quote_via=quote)
    return f"postgresql://{login}:{password}@{addresses}/{database}?{parameters}"


def _files(site: Site, node: str) -> list[File]:
    files = [
        File(node=node, path=CONFIGURATION, content=_configuration(site, node)),
        File(node=node, path=LAUNCHER, content=_text(LAUNCHER)),
        File(node=node, path=COORDINATOR_CLIENT, content=coordinator.client_pem(site)),
    ]
    if _is_archived(site):
        files.append(File(node=node, path=BACKUP_CONFIGURATION, content=backups.configuration(site, node)))
    return files


def _archive(site: Site, node: str) -> str:
    """The command that WAL is archived and fetched with; empty where nobody keeps it."""
    return f"{backups.PROGRAM} --config={site.path(node, BACKUP_CONFIGURATION)} --stanza={backups.STANZA}" if _is_archived(site) else ""


def _is_archived(site: Site) -> bool:
    """Whether the target has a component that keeps the archive."""
    deployed = site.target.components
    return not deployed or backups.COMPONENT.name in deployed


def _process(site: Site, node: str) -> Process:
    # Isolated from the environment: what else is in the node's directory is not to be imported.
    command = (PYTHON, "-I", site.path(node, LAUNCHER), site.path(node, CONFIGURATION))
    return Process(name="patroni", node=node, command=command, stop_seconds=STOP_SECONDS)


def _configuration(site: Site, node: str) -> str:
    return render(
        "postgres/patroni.yml.j2",
        node=node,
        scope=coordinator.SCOPE,
        namespace=coordinator.NAMESPACE,
        coordinators=[str(site.address(member, "client")) for member in coordinator.MEMBERS],
        coordinator_client=site.path(node, COORDINATOR_CLIENT),
        coordinator_login=coordinator.DATABASE,
        bind=site.bind(node),
        address=site.address(node, "postgres"),
        rest=site.address(node, "patroni"),
        certificate=site.certificate(node),
        programs=PROGRAMS,
        data=data_directory(site, node),
        socket=socket_directory(site, node),
        passwords_file=site.path(node, "pgpass"),
        archive=_archive(site, node),
        database=DATABASE,
        secret=site.secret,
    )


def _leader(site: Site) -> _Leader:
    for node, answer in _ask_patroni(site, "patroni"):
        state = answer.json()
        if state["role"] in {"master", "primary"} and state["state"] == "running":
            streams = state.get("replication", [])
            return _Leader(node, tuple(s["application_name"] for s in streams if (s["state"], s["sync_state"]) == ("streaming", "sync")))
    msg = f"none of {', '.join(NODES)} is the leader yet; their logs say what they wait for"
    raise NotReady(msg)


def _ask_patroni(site: Site, path: str) -> Iterator[tuple[str, httpx.Response]]:
    """Ask every node; one that is down has no answer, and the others decide."""
    with httpx.Client(verify=ssl.create_default_context(cafile=site.ca_path), timeout=ANSWER_SECONDS, trust_env=False) as client:
        for node in NODES:
            with contextlib.suppress(httpx.TransportError):
                yield node, client.get(f"https://{site.address(node, 'patroni')}/{path}")


def _text(name: str) -> str:
    return (TEMPLATES / "postgres" / name).read_text("utf-8")


def _set_password(connection: psycopg.Connection, login: str, password: str) -> None:
    """Set a login's password, unless it is that: a new verifier of the same password would break pooled connections."""
    stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [login]).fetchone()
    if stored and stored[0] and _is_verifier_of(stored[0], password):
        return
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode("ascii")
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(verifier)))


def _is_verifier_of(verifier: str, password: str) -> bool:
    """Whether a SCRAM-SHA-256 verifier (RFC 5803, as PostgreSQL stores it) belongs to a password in ASCII."""
    _, work, keys = verifier.split("$")
    iterations, salt = work.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(base64.b64encode(stored_key).decode("ascii"), keys.split(":")[0])


COMPONENT: Final = PostgresComponent()
