"""Strangers at the database servers, their proxies, their pooler and their local sockets."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from constat import deadlines
from constat.attempt import Answer
from constat.observe import postgres
from suites.security.approach import acts, named, required
from suites.security.wire.postgres import ASKED, REFUSALS, REPLICATION, SCRAM, Place, enter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.attempt import Admission
    from constat.stack import Listener, Postgres, PostgresNode
    from suites.security.approach import Act, Ground

# Names that exist nowhere, or that a server may take from the operating system.
NAMES: Final = ("root", "nobody")
_CONSOLE: Final = "pgbouncer"
_WRONG: Final = "constat-wrong"


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Every login and two strangers, into every database and the replication stream, without a password."""
    database = required(ground.stack.postgres, "database")
    place = Place(host=listener.host, port=listener.port, ca=database.ca if listener.tls else "")
    if _is_pooler(database, listener):
        logins = (*_logins(database), str(conninfo_to_dict(database.pooler_admin_dsn)["user"]), _CONSOLE)
        tried, known = _entering(place, logins, (database.database, _CONSOLE)), session(database.pooler_dsn)
    else:
        # A proxy leads to servers that are attacked themselves: only what they make of its address is new.
        everywhere = postgres.databases(database) if _is_server(database, listener) else (database.database, "postgres")
        tried, known = _entering(place, _logins(database), everywhere), session(_by(database, listener.host, listener.port))
    return acts(named(listener), known, tried, refusals=REFUSALS)


def approach_in_clear(ground: Ground, node: PostgresNode) -> Iterable[Admission]:
    """The same without TLS, for which a server has rules of its own."""
    database = required(ground.stack.postgres, "database")
    tried = _entering(Place(host=node.host, port=node.port), _logins(database), postgres.databases(database))
    return acts(f"{node.name}/in clear", session(_by(database, node.host, node.port)), tried, refusals=REFUSALS)


def approach_locally(ground: Ground, node: PostgresNode) -> Iterable[Admission]:
    """The same through the socket in the file system, for somebody who got as far as the host."""
    database = required(ground.stack.postgres, "database")
    place = Place(host=node.socket_directory, port=node.port)
    known = session(make_conninfo(_by(database, node.socket_directory, node.port), sslmode="disable", sslrootcert=""))
    return acts(f"{node.name}/local socket", known, _entering(place, _logins(database), postgres.databases(database)), refusals=REFUSALS)


def session(dsn: str) -> Answer:
    """A whole session of somebody who may."""
    try:
        with psycopg.connect(make_conninfo(dsn, connect_timeout=int(deadlines.PROBE_CONNECT)), prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as problem:
        return Answer(kind="refused", shown=str(problem).strip())
    return Answer(kind="ok", shown="SELECT 1")


def _logins(database: Postgres) -> tuple[str, ...]:
    return (*postgres.logins(database), *NAMES)


def _entering(place: Place, logins: Iterable[str], databases: tuple[str, ...]) -> list[Act]:
    everywhere = (*databases, REPLICATION)
    return [(f"{user} into {name}", functools.partial(proving_nothing, place, user, name)) for user in logins for name in everywhere]


def proving_nothing(place: Place, user: str, database: str) -> Answer:
    """Without a password; and with a wrong one where the server would not have it proven by SCRAM, which believes no wrong one."""
    answer = enter(place, user, database)
    return enter(place, user, database, _WRONG) if answer.kind == ASKED and answer.shown != SCRAM else answer


def _by(database: Postgres, host: str, port: int) -> str:
    return make_conninfo(database.admin_dsn, host=host, port=port)


def _is_server(database: Postgres, listener: Listener) -> bool:
    return any(node.port == listener.port and node.host == listener.host for node in database.nodes)


def _is_pooler(database: Postgres, listener: Listener) -> bool:
    return str(listener.port) == conninfo_to_dict(database.pooler_dsn).get("port")
