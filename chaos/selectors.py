"""Which nodes a fault hits: a selector word, answered by looking; there is no default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable, UserError
from constat.observe import replication

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Postgres, Stack


def select(stack: Stack, word: str) -> tuple[str, ...]:
    """The database nodes that the word means now; UserError for an unknown word, Unobservable when none is such."""
    if word not in SELECTORS:
        msg = f"selector {word!r} is unknown; expected one of {', '.join(sorted(SELECTORS))}"
        raise UserError(msg)
    if stack.postgres is None:
        msg = f"selector {word!r} needs a database, and stack {stack.name!r} has none; bring up one that has"
        raise UserError(msg)
    return SELECTORS[word](stack.postgres)


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


SELECTORS: Final[dict[str, Callable[[Postgres], tuple[str, ...]]]] = {"primary": _primary, "standby": _standby, "one": _one, "all": _all}
