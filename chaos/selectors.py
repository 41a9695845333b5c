"""Which nodes a fault hits: a selector word, answered by looking; there is no default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from constat.errors import Unobservable, UserError
from constat.observe import replication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constat.stack import Postgres, Stack


def select(stack: Stack, word: str) -> tuple[str, ...]:
    """The nodes that the word means now; UserError for an unknown word, Unobservable when none is such."""
    if word not in SELECTORS:
        msg = f"selector {word!r} is unknown; expected one of {', '.join(sorted(SELECTORS))}"
        raise UserError(msg)
    if stack.postgres is None:
        msg = f"selector {word!r} needs a database, and stack {stack.name!r} has none; bring up one that has"
        raise UserError(msg)
    return SERVERS[word](stack.postgres) if word in SERVERS else PARTS[word](stack)


def _primary(postgres: Postgres) -> tuple[str, ...]:
    return (replication.primary(postgres).node,)


def _standby(postgres: Postgres) -> tuple[str, ...]:
    """The standby that guards the primary's commits, or any that streams when none does."""
    found = sorted(replication.standbys(postgres), key=lambda standby: not standby.guards_commits)
    if not found:
        msg = "the primary has no standby"
        raise Unobservable(msg)
    return (found[0].node,)


def _one(postgres: Postgres) -> tuple[str, ...]:
    """The first node by name that answers: the same one each time, so that a drill can be repeated."""
    return (min(member.node for member in replication.members(postgres)),)


def _all(postgres: Postgres) -> tuple[str, ...]:
    return tuple(node.name for node in postgres.nodes)


def _way(stack: Stack) -> tuple[str, ...]:
    """Everything between the application and the servers: pooler and proxy."""
    dsns = [] if stack.postgres is None else [stack.postgres.pooler_dsn, stack.postgres.app_dsn]
    return _at(stack, [int(str(conninfo_to_dict(dsn)["port"])) for dsn in dsns])


def _coordinators(stack: Stack) -> tuple[str, ...]:
    endpoints = stack.coordinator.endpoints if stack.coordinator else ()
    return _at(stack, [urlsplit(endpoint).port or 0 for endpoint in endpoints])


def _majority(stack: Stack) -> tuple[str, ...]:
    """As many members as the others cannot decide without."""
    members = _coordinators(stack)
    return members[: len(members) // 2 + 1]


def _store(stack: Stack) -> tuple[str, ...]:
    return _at(stack, [urlsplit(stack.objects.endpoint).port or 0] if stack.objects else [])


def _messengers(stack: Stack) -> tuple[str, ...]:
    urls = [part for part in (stack.broker and stack.broker.amqp_url, stack.cache and stack.cache.url) if part]
    return _at(stack, [urlsplit(url).port or 0 for url in urls])


def _at(stack: Stack, ports: Iterable[int]) -> tuple[str, ...]:
    """The nodes that listen at these ports, each once."""
    found = dict.fromkeys(listener.node for port in ports for listener in stack.listeners if listener.port == port)
    if not found:
        msg = f"stack {stack.name!r} has no node of that kind; bring up one that has"
        raise Unobservable(msg)
    return tuple(found)


SERVERS: Final[dict[str, Callable[[Postgres], tuple[str, ...]]]] = {"primary": _primary, "standby": _standby, "one": _one, "all": _all}
PARTS: Final[dict[str, Callable[[Stack], tuple[str, ...]]]] = {
    "way": _way,
    "coordinator": lambda stack: _coordinators(stack)[:1],
    "coordinator's majority": _majority,
    "object store": _store,
    "broker and cache": _messengers,
}
SELECTORS: Final = {**SERVERS, **PARTS}
