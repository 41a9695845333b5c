"""Facts of a database cluster: who is the primary, who follows it and how, and whether it would fail over by itself."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import limits

if TYPE_CHECKING:
    from constat.stack import Postgres, PostgresNode, Stack

# The states in which the primary waits for a standby before it acknowledges a commit.
SYNCHRONOUS: Final = frozenset({"sync", "quorum"})
# Values of synchronous_commit with which an acknowledged commit is on two nodes.
WAITS_FOR_STANDBY: Final = frozenset({"on", "remote_apply", "remote_write"})


@dataclass(frozen=True, kw_only=True)
class Member:
    """A database server that answers."""

    node: str
    is_primary: bool
    timeline: int
    system: str  # the cluster's own identifier


@dataclass(frozen=True, kw_only=True)
class Standby:
    """A standby as its primary sees it."""

    node: str
    state: str
    sync_state: str

    @property
    def guards_commits(self) -> bool:
        """Whether the primary waits for it before a commit is acknowledged."""
        return self.state == "streaming" and self.sync_state in SYNCHRONOUS


@dataclass(frozen=True, kw_only=True)
class Failover:
    """What would happen by itself when the primary goes away."""

    is_paused: bool
    candidates: tuple[str, ...]  # members that may be promoted

    @property
    def is_armed(self) -> bool:
        """Whether somebody would take over without being asked."""
        return bool(self.candidates) and not self.is_paused


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the application's own session, by its own path, asks of a commit."""

    synchronous_commit: str
    server_port: int


@dataclass(frozen=True, kw_only=True)
class Archiving:
    """What a server does with its WAL; `waiting_seconds` is how long its oldest file has waited to be archived."""

    node: str
    mode: str
    command: str
    timeout_seconds: float
    waiting_seconds: float


def node_dsn(postgres: Postgres, node: PostgresNode) -> str:
    """The operator's way to one server, past every proxy."""
    fields: dict[str, Any] = dict(conninfo_to_dict(postgres.admin_dsn))
    fields |= {"host": node.host, "port": node.port, "connect_timeout": int(deadlines.PROBE_CONNECT)}
    return make_conninfo("", **fields)


def member(postgres: Postgres, node: PostgresNode) -> Member:
    """Ask one server for its part; raises Unobservable when it does not answer."""
    return member_at(node_dsn(postgres, node), node.name)


def member_at(dsn: str, name: str) -> Member:
    """Ask the server behind a DSN for its part, as an operator; raises Unobservable when it does not answer."""
    asked = (
        "SELECT NOT pg_is_in_recovery(), control.timeline_id, system.system_identifier::text"
        " FROM pg_control_checkpoint() AS control, pg_control_system() AS system"
    )
    ((is_primary, timeline, system),) = _ask(dsn, asked, who=name)
    return Member(node=name, is_primary=bool(is_primary), timeline=int(timeline), system=str(system))


def members(postgres: Postgres) -> tuple[Member, ...]:
    """Every server that answers; raises Unobservable when none does."""
    found, silent = [], []
    for node in postgres.nodes:
        try:
            found.append(member(postgres, node))
        except Unobservable as problem:
            silent.append(str(problem))
    if not found:
        msg = f"no database server answers: {'; '.join(silent)}"
        raise Unobservable(msg)
    return tuple(found)


def primary(postgres: Postgres) -> Member:
    """The only primary; raises Unobservable when there is none, or more than one."""
    found = [seen for seen in members(postgres) if seen.is_primary]
    if len(found) != 1:
        names = [seen.node for seen in found]
        msg = f"expected one primary among {[node.name for node in postgres.nodes]!r}, found {names!r}"
        raise Unobservable(msg)
    return found[0]


def standbys(postgres: Postgres) -> tuple[Standby, ...]:
    """The standbys that are connected to the primary; raises Unobservable when it does not answer."""
    leader = primary(postgres).node
    node = next(node for node in postgres.nodes if node.name == leader)
    rows = _ask(node_dsn(postgres, node), "SELECT application_name, state, sync_state FROM pg_stat_replication ORDER BY 1", who=leader)
    return tuple(Standby(node=str(name), state=str(state), sync_state=str(sync)) for name, state, sync in rows)


def session(postgres: Postgres) -> Session:
    """Ask the application's own session, by its own path, what its commits wait for."""
    ((value, port),) = _ask(postgres.pooler_dsn, "SELECT current_setting('synchronous_commit'), inet_server_port()", who="the pooler")
    return Session(synchronous_commit=str(value), server_port=int(port))


def archiving(postgres: Postgres) -> tuple[Archiving, ...]:
    """What every server does with its WAL, for each of them may be the primary next; Unobservable when one does not answer."""
    return tuple(_archiving(postgres, node) for node in postgres.nodes)


def _archiving(postgres: Postgres, node: PostgresNode) -> Archiving:
    asked = (
        "SELECT current_setting('archive_mode'), current_setting('archive_command'),"
        " (SELECT setting::float8 FROM pg_settings WHERE name = 'archive_timeout'),"
        " (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - modification)), 0)::float8"
        " FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' AND NOT pg_is_in_recovery())"
    )
    ((mode, command, timeout, waiting),) = _ask(node_dsn(postgres, node), asked, who=node.name)
    return Archiving(node=node.name, mode=str(mode), command=str(command), timeout_seconds=float(timeout), waiting_seconds=float(waiting))


def unlogged(postgres: Postgres) -> tuple[str, ...]:
    """Every relation of any kind that is in no log, temporary ones aside; the operator's view of the application's database."""
    asked = (
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relpersistence = 'u'"
        " AND relkind IN ('r', 'p', 'm', 'S') AND relnamespace <> 'pg_catalog'::regnamespace ORDER BY 1"
    )
    return tuple(str(name) for (name,) in _ask(postgres.admin_dsn, asked, who="the primary"))


def dynamic(stack: Stack) -> dict[str, Any]:
    """Patroni's settings for the whole cluster; Unobservable when no member answers."""
    return _patroni(stack, "/config")


def is_failsafe(stack: Stack) -> bool:
    """Whether Patroni lets a primary go on that has lost the coordinator and reaches every member; Unobservable when none answers."""
    return dynamic(stack).get("failsafe_mode") is True


def failover(stack: Stack) -> Failover:
    """Ask Patroni whether it would promote another member by itself; raises Unobservable when none answers."""
    seen = _patroni(stack, "/cluster")
    able = [
        m["name"]
        for m in seen["members"]
        if m["role"] != "leader" and m["state"] in {"running", "streaming"} and not m.get("tags", {}).get("nofailover")
    ]
    return Failover(is_paused=bool(seen.get("pause", False)), candidates=tuple(able))


def _patroni(stack: Stack, path: str) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=stack.postgres.ca if stack.postgres else None)
    last = "no listener is named 'patroni'"
    with httpx.Client(verify=context, timeout=deadlines.PROBE_CONNECT, trust_env=False) as client:
        for listener in stack.listeners:
            if listener.name != "patroni":
                continue
            try:
                answer = client.get(f"https://{listener.host}:{listener.port}{path}").raise_for_status()
                return dict(answer.json())
            except (httpx.HTTPError, ValueError) as problem:
                last = f"{listener.node}: {problem}"
    msg = f"no Patroni answers {path!r}: {last}"
    raise Unobservable(msg)


def _ask(dsn: str, statement: str, *, who: str) -> list[tuple[Any, ...]]:
    bounded = make_conninfo(dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
    try:
        with psycopg.connect(bounded, autocommit=True, prepare_threshold=None) as connection, limits.broken_off(connection):
            connection.execute("SELECT 1")
            return connection.execute(statement).fetchall()
    except psycopg.Error as problem:
        msg = f"{who} does not answer: {str(problem).strip()}"
        raise Unobservable(msg) from None
