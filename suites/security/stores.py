"""Strangers at the stores that speak a protocol of their own: database, cache, broker, consensus store."""

from __future__ import annotations

import base64
import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pika.spec
import psycopg
from psycopg.conninfo import make_conninfo
from redis.exceptions import RedisError, ResponseError

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import broker as brokers
from constat.observe import cache as caches
from constat.observe import coordinator, http, postgres
from suites.security import databases, handshakes
from suites.security.approach import LET_IN, acts, named
from suites.security.databases import Place, enter
from suites.security.handshakes import certificate_of, shake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constat.attempt import Admission
    from constat.stack import Broker, Cache, Coordinator, Listener, PostgresNode, Postgres, Stack
    from suites.security.approach import Ground

# Names that exist nowhere, or that a server may take from the operating system.
STRANGERS: Final = ("root", "nobody", "")
NOAUTH: Final = "noauth"
SASL_REFUSED: Final = "access refused"
LOGIN_WANTED: Final = "login wanted"
CACHE_REFUSALS: Final = frozenset({NOAUTH})
BROKER_REFUSALS: Final = frozenset({SASL_REFUSED, "closed"})
CONSENSUS_REFUSALS: Final = frozenset({LOGIN_WANTED, handshakes.DEMANDED})
_CONSOLE: Final = "pgbouncer"


def of_database(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Every login and two strangers, into every database, without a password."""
    database = _required(ground.stack.postgres, "database")
    logins = [role.name for role in postgres.roles(database) if role.can_login]
    place = Place(host=listener.host, port=listener.port, ca=database.ca)
    if _is_pooler(database, listener):
        wanted = [(user, name) for user in (*logins, *STRANGERS[:2], _console_login(database)) for name in (database.database, _CONSOLE)]
        twin = _session(database.pooler_dsn)
    else:
        wanted = [(user, name) for user in (*logins, *STRANGERS[:2]) for name in postgres.databases(database)]
        twin = _session(make_conninfo(database.admin_dsn, host=listener.host, port=listener.port))
    return acts(named(listener), twin, _entering(place, wanted), refusals=databases.REFUSALS)


def of_local_socket(ground: Ground, node: PostgresNode) -> Iterable[Admission]:
    """The same through the socket in the file system, for somebody who got as far as the host."""
    database = _required(ground.stack.postgres, "database")
    logins = [role.name for role in postgres.roles(database) if role.can_login]
    place = Place(host=node.socket_directory, port=node.port)
    wanted = [(user, name) for user in (*logins, *STRANGERS[:2]) for name in postgres.databases(database)]
    twin = _session(make_conninfo(database.admin_dsn, host=node.socket_directory, port=node.port, sslmode="disable", sslrootcert=""))
    return acts(f"{node.name}/local socket", twin, _entering(place, wanted), refusals=databases.REFUSALS)


def of_cache(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Read, write, list and reconfigure without a login."""
    cache = _required(ground.stack.cache, "cache")
    key = f"{next(iter(ground.stack.tenants), 'constat')}:{ground.canary}"
    commands = (
        *(("PING",), ("GET", key), ("SET", key, ground.canary, "EX", "5"), ("DEL", key), ("KEYS", "*"), ("SCAN", "0"), ("INFO",)),
        *(("ACL", "LIST"), ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("PUBLISH", key, "x"), ("EVAL", "return 1", "0"), ("DBSIZE",)),
    )
    twin = _command(cache, caches.ADMIN, cache.admin_password, ("SET", key, ground.canary, "EX", "5"))
    tried = [(" ".join(command[:2]), _commanding(cache, command)) for command in commands]
    return acts(named(listener), twin, tried, refusals=CACHE_REFUSALS)


def of_broker(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Every mechanism that lets somebody in who proves nothing."""
    broker = _required(ground.stack.broker, "broker")
    twin = sasl(broker, "PLAIN", plain(broker.admin.user, broker.admin.password))
    offered = brokers.greeting(broker).mechanisms
    asked = [("ANONYMOUS", b"stranger"), ("EXTERNAL", b""), ("PLAIN", plain("", "")), *((name, b"") for name in offered)]
    tried = [(f"{mechanism} {response!r}", _saying(broker, mechanism, response)) for mechanism, response in asked]
    return acts(named(listener), twin, tried, refusals=BROKER_REFUSALS)


def of_consensus(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Read, write and list: without a certificate, then with the clients' certificate and without a login."""
    store = _required(ground.stack.coordinator, "coordinator")
    endpoint = f"https://{listener.host}:{listener.port}"
    key = _encoded(f"constat-stranger/{ground.canary}")
    everything = {"key": _encoded("\0"), "range_end": _encoded("\0"), "limit": 1}
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("kv/range", everything),
        ("kv/put", {"key": key, "value": key}),
        ("kv/deleterange", {"key": key}),
        ("auth/user/list", {}),
        ("auth/role/list", {}),
        ("auth/user/add", {"name": "", "password": ""}),
    )
    twin = _called(store, endpoint, "kv/range", everything, token=coordinator.sign_in(store, endpoint))
    bare = dataclasses.replace(store, client="")
    tried = [(f"{method} without a certificate", _calling(bare, endpoint, listener, method, fields)) for method, fields in asked]
    tried += [(f"{method} without a login", _calling(store, endpoint, listener, method, fields)) for method, fields in asked]
    return acts(named(listener), twin, tried, refusals=CONSENSUS_REFUSALS)


def of_peers(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Servers that speak to each other: a handshake without a certificate."""
    twin = shake(listener, ground.ca, certificate=certificate_of(ground.stack, listener.node))
    return acts(named(listener), twin, [("TLS without a certificate", lambda: shake(listener, ground.ca))], refusals=handshakes.REFUSALS)


def sasl(broker: Broker, mechanism: str, response: bytes) -> Answer:
    """Log in by a mechanism; `ok` when the server goes on to negotiate, `access refused`, or `closed`.

    Raises Unobservable when there is no conversation at all.
    """
    try:
        with brokers.conversation(broker) as talk:
            talk.hear()
            return _opened(talk, mechanism, response)
    except OSError as problem:
        msg = f"the broker does not answer: {problem}"
        raise Unobservable(msg) from None


def plain(user: str, password: str) -> bytes:
    """The response of SASL's mechanism PLAIN (RFC 4616)."""
    return f"\0{user}\0{password}".encode()


def _opened(talk: brokers.Conversation, mechanism: str, response: bytes) -> Answer:
    # Without this capability the server would keep a refused client waiting instead of telling it.
    told = {"capabilities": {"authentication_failure_close": True}}
    talk.say(pika.spec.Connection.StartOk(client_properties=told, mechanism=mechanism, response=response, locale="en_US"))
    try:
        said = talk.hear()
    except OSError as problem:
        return Answer(kind="closed", shown=str(problem))
    if isinstance(said, pika.spec.Connection.Close):
        return Answer(kind=SASL_REFUSED, shown=str(said.reply_text))
    return Answer(kind="ok", shown=type(said).__name__)


def _saying(broker: Broker, mechanism: str, response: bytes) -> Callable[[], Answer]:
    return lambda: sasl(broker, mechanism, response)


def _entering(place: Place, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, Callable[[], Answer]]]:
    return [(f"{user} into {name}", lambda user=user, name=name: enter(place, user, name)) for user, name in wanted]  # type: ignore[misc]


def _session(dsn: str) -> Answer:
    try:
        with psycopg.connect(make_conninfo(dsn, connect_timeout=int(deadlines.PROBE_CONNECT)), prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as problem:
        return Answer(kind=f"sqlstate {problem.sqlstate or '?'}", shown=str(problem).strip())
    return Answer(kind="ok", shown="SELECT 1")


def _command(cache: Cache, user: str, password: str, command: tuple[str, ...]) -> Answer:
    try:
        with closing(caches.connect(cache, user, password)) as redis:
            return Answer(kind="ok", shown=str(redis.execute_command(*command))[:200])  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (RedisError, OSError) as problem:
        return _denied(problem)


def _commanding(cache: Cache, command: tuple[str, ...]) -> Callable[[], Answer]:
    return lambda: _unknown(cache, command)


def _unknown(cache: Cache, command: tuple[str, ...]) -> Answer:
    """A command as the first word of a connection: no login, not even a wrong one."""
    try:
        with closing(caches.connect(cache, "", "")) as redis:
            return Answer(kind="ok", shown=str(redis.execute_command(*command))[:200])  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (RedisError, OSError) as problem:
        return _denied(problem)


def _denied(problem: Exception) -> Answer:
    said = str(problem)
    if "Authentication required" in said or said.startswith("NOAUTH"):
        return Answer(kind=NOAUTH, shown=said)
    if isinstance(problem, ResponseError):
        return Answer(kind="ok", shown=said)  # it was heard and found wanting: the door was open
    msg = f"the cache does not answer: {said}"
    raise Unobservable(msg)


def _calling(
    store: Coordinator, endpoint: str, listener: Listener, method: str, fields: dict[str, Any]
) -> Callable[[], Answer]:
    def act() -> Answer:
        if not store.client and shake(listener, store.ca).kind == handshakes.DEMANDED:
            return Answer(kind=handshakes.DEMANDED)
        return _called(store, endpoint, method, fields)

    return act


def _called(store: Coordinator, endpoint: str, method: str, fields: dict[str, Any], *, token: str = "") -> Answer:
    with coordinator.connect(store, endpoint, token=token) as client:
        reply = http.ask(client, "POST", f"/v3/{method}", value=fields)
    if reply.status < 300:  # noqa: PLR2004 - every success
        return Answer(kind="ok", shown=reply.text[:200])
    return Answer(kind=LOGIN_WANTED if "user name is empty" in reply.text else LET_IN.kind, shown=reply.text[:200])


def _is_pooler(database: Postgres, listener: Listener) -> bool:
    return str(listener.port) == psycopg.conninfo.conninfo_to_dict(database.pooler_dsn).get("port")


def _console_login(database: Postgres) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(database.pooler_admin_dsn)["user"])


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _required(part: Any, what: str) -> Any:
    if part is None:
        msg = f"the stack has a listener of a {what} but not the {what} itself"
        raise Unobservable(msg)
    return part
