"""Defects of the database's client authentication: the rules by which a server and its pooler let somebody in."""

from __future__ import annotations

import re
import signal
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from constat.needed import needed
from constat.observe import http
from constat.observe.replication import node_dsn
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from constat.stack import Postgres, PostgresNode, Stack

_STARTUP: Final = b"user\0nobody\0database\0postgres\0\0"


def _database(stack: Stack) -> Postgres:
    return needed(stack.postgres, "database")


def _first(stack: Stack) -> PostgresNode:
    return _database(stack).nodes[0]


def _rules(stack: Stack) -> Path:
    return Path(_first(stack).data_directory) / "pg_hba.conf"


def _reload(stack: Stack) -> None:
    with psycopg.connect(node_dsn(_database(stack), _first(stack)), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _enters(dsn: str) -> bool:
    """Whether somebody gets in who has no password at all."""
    try:
        psycopg.connect(make_conninfo(dsn, password="", passfile="/nonexistent", connect_timeout=3)).close()
    except psycopg.OperationalError:
        return False
    return True


def _app_enters(stack: Stack) -> bool:
    node = _first(stack)
    return _enters(make_conninfo(_database(stack).app_dsn, host=node.host, port=node.port))


def _backup_enters_locally(stack: Stack) -> bool:
    node = _first(stack)
    dsn = make_conninfo(_database(stack).backup_dsn, host=node.socket_directory, port=node.port, sslmode="disable", sslrootcert="")
    return _enters(dsn)


def _speaks_clear_text(stack: Stack) -> bool:
    """Whether a client without TLS is asked for its password instead of being sent away."""
    with socket.create_connection((_first(stack).host, _first(stack).port), timeout=3) as line:
        line.sendall(struct.pack("!ii", len(_STARTUP) + 8, 196608) + _STARTUP)
        return line.recv(1) == b"R"


def _standby_rules(stack: Stack) -> Path:
    return Path(_database(stack).nodes[-1].data_directory) / "pg_hba.conf"


def _reload_standby(stack: Stack) -> None:
    database = _database(stack)
    with psycopg.connect(node_dsn(database, database.nodes[-1]), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _anybody_replicates(stack: Stack) -> bool:
    database = _database(stack)
    node = database.nodes[-1]
    return _enters(make_conninfo(database.replication_dsn, host=node.host, port=node.port, replication="true"))


def _pooler_file(stack: Stack) -> Path:
    return directory(stack, "pooler") / "pgbouncer.ini"


def _reload_pooler(stack: Stack) -> None:
    with psycopg.connect(_database(stack).pooler_admin_dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("RELOAD")


def _anybody_enters_pooler(stack: Stack) -> bool:
    return _enters(make_conninfo(_database(stack).pooler_dsn))


def _cluster_file(stack: Stack) -> Path:
    return directory(stack, _first(stack).name) / "patroni.yml"


def _reload_cluster(stack: Stack) -> None:
    """As `systemctl reload patroni` does."""
    node = _cluster_file(stack).parent
    for process in psutil.process_iter():
        if _is_patroni(process, node):
            process.send_signal(signal.SIGHUP)


def _is_patroni(process: psutil.Process, node: Path) -> bool:
    try:
        return process.cwd() == str(node) and str(node / "patroni.yml") in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _cluster_is_open(stack: Stack) -> bool:
    """Whether a change without a login is answered by anything but the demand for one."""
    node, ca = _first(stack).name, _database(stack).ca
    listener = next(listener for listener in stack.listeners if listener.node == node and listener.name == "patroni")
    with http.client(ca, f"https://{listener.host}:{listener.port}") as client:
        return http.ask(client, "DELETE", "/switchover").status != 401  # noqa: PLR2004 - the demand for a login


MUTANTS: Final = (
    edited(
        "MUT-SEC-ANO-01",
        "a rule lets the application in from its own host without a password, because it was trusted anyway",
        controls=("SEC-ANO-01",),
        path=_rules,
        change=lambda text: f"hostssl viridial app 127.0.0.1/32 trust\n{text}",
        reload=_reload,
        holds=_app_enters,
    ),
    edited(
        "MUT-SEC-ANO-02",
        "the backup job was spared its password on the local socket",
        controls=("SEC-ANO-01",),
        path=_rules,
        change=lambda text: f"local all backup trust\n{text}",
        reload=_reload,
        holds=_backup_enters_locally,
    ),
    edited(
        "MUT-SEC-ANO-03",
        "the pooler's authentication was switched off to find out why a client was refused",
        controls=("SEC-ANO-01",),
        path=_pooler_file,
        change=lambda text: text.replace("auth_type = scram-sha-256", "auth_type = trust"),
        reload=_reload_pooler,
        holds=_anybody_enters_pooler,
    ),
    edited(
        "MUT-SEC-ANO-04",
        "the cluster manager's REST API lost its login when its configuration was merged",
        controls=("SEC-ANO-01",),
        path=_cluster_file,
        change=lambda text: re.sub(r"(?m)^  authentication:\n    username: patroni\n    password: .*\n", "", text, count=1),
        reload=_reload_cluster,
        holds=_cluster_is_open,
    ),
    edited(
        "MUT-SEC-TLS-01",
        "a rule for clients without TLS was added for an old report tool",
        controls=("SEC-TLS-01",),
        path=_rules,
        change=lambda text: f"{text}\nhost all all 127.0.0.1/32 scram-sha-256\n",
        reload=_reload,
        holds=_speaks_clear_text,
    ),
    edited(
        "MUT-SEC-ANO-12",
        "a rule of the last server lets whoever asks for the stream of changes have it, since a new standby would not start",
        controls=("SEC-ANO-01",),
        path=_standby_rules,
        change=lambda text: f"hostssl replication replicator 127.0.0.1/32 trust\n{text}",
        reload=_reload_standby,
        holds=_anybody_replicates,
    ),
)
