"""A PostgreSQL cluster of its own for a measurement: the reference schema and logins, no pooler, no standby, gone afterwards."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from constat.stack import AppRole, KeyPair, Login, Postgres, Stack, Tenant
from constat.target import Target, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = "/usr/lib/postgresql/15/bin"
DATABASE: Final = "viridial"
_TEMPLATES: Final = ROOT / "provision" / "platform" / "templates" / "postgres"
_MIGRATIONS: Final = ROOT / "provision" / "platform" / "migrations"


@contextlib.contextmanager
def cluster() -> Iterator[Stack]:
    """Start a server with the reference platform's roles and schema; its directory and process are removed afterwards."""
    directory, port, password = Path(tempfile.mkdtemp(prefix="constat-bench-")), _free_port(), secrets.token_hex(12)
    shutil.chown(directory, "postgres")
    try:
        _as_postgres("initdb", "-D", str(directory / "data"), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory} -c fsync=off -c shared_preload_libraries="
        )
        _as_postgres("pg_ctl", "-D", str(directory / "data"), "-w", "-l", str(directory / "log"), "-o", options, "start")
        admin = f"postgresql://postgres@127.0.0.1:{port}"
        _furnish(admin, password)
        yield _stack(port, password)
    finally:
        _as_postgres("pg_ctl", "-D", str(directory / "data"), "-m", "immediate", "stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def target() -> Target:
    """The reference platform's own target."""
    return load_target(ROOT / "targets" / "embedded.toml")


def connect(stack: Stack, *, login: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
    """Log in to the scratch cluster, without transactions that stay open."""
    assert stack.postgres is not None
    return psycopg.connect(stack.postgres.admin_dsn, autocommit=True, user=login)


def _furnish(admin: str, password: str) -> None:
    with psycopg.connect(f"{admin}/postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE rewinder LOGIN; CREATE ROLE replicator LOGIN REPLICATION")
        connection.execute(_text(_TEMPLATES / "roles.sql"))
        connection.execute(f"ALTER ROLE app PASSWORD '{password}'".encode())
        connection.execute(b"CREATE DATABASE viridial OWNER owner")
        connection.execute(_text(_TEMPLATES / "databases.sql"))
    with psycopg.connect(f"{admin}/{DATABASE}", autocommit=True) as connection:
        connection.execute(_text(_TEMPLATES / "lockdown.sql").replace(b"CREATE EXTENSION IF NOT EXISTS pgaudit;", b""))
        connection.execute(b"SET ROLE owner")
        for migration in sorted(_MIGRATIONS.glob("*.sql")):
            connection.execute(_text(migration).split(b"-- migrate:down")[0])
        connection.execute(b"RESET ROLE")
        for name, tenant in target().tenants.items():
            connection.execute("INSERT INTO organizations VALUES (%s, %s, %s)", [tenant.organization_id, name, tenant.plan])


def _stack(port: int, password: str) -> Stack:
    admin, app = f"postgresql://postgres@127.0.0.1:{port}/{DATABASE}", f"postgresql://app:{password}@127.0.0.1:{port}/{DATABASE}"
    isolation = target().isolation
    database = Postgres(
        admin_dsn=admin,
        app_dsn=app,
        migrator_dsn=admin,
        backup_dsn=admin,
        replica_dsn=app,
        replication_dsn=admin,
        pooler_dsn=app,
        pooler_admin_dsn=admin,
        database=DATABASE,
        context_setting=isolation.context_setting,
        tenant_column=isolation.tenant_column,
        nodes=(),
        ca="",
    )
    tenants = {name: _tenant(tenant.organization_id, tenant.plan) for name, tenant in target().tenants.items()}
    return Stack(
        name="bench", target="bench", provider="embedded", disposable=True, run_dir="", services={}, tenants=tenants, postgres=database
    )


def _tenant(organization_id: str, plan: str) -> Tenant:
    nobody, key = Login(user="", password=""), KeyPair(access_key="", secret_key="")
    role = AppRole(role_id="", secret_id="")
    return Tenant(organization_id=organization_id, plan=plan, api=nobody, objects=key, cache=nobody, broker=nobody, vault=role)


def _text(path: Path) -> bytes:
    return path.read_bytes()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_postgres(program: str, *words: str, check: bool = True) -> None:
    command = ["/usr/sbin/runuser", "-u", "postgres", "--", f"{PROGRAMS}/{program}", *words]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        msg = f"{program} ended with {done.returncode}: {done.stderr or done.stdout}"
        raise RuntimeError(msg)
