"""Defects of the cache's access rules that people really make."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import cache

if TYPE_CHECKING:
    from constat.stack import Cache, Stack

KEYS, KEYLESS, CHANNELS, USERS = "TEN-CAC-01", "TEN-CAC-02", "TEN-CAC-03", "TEN-CAC-04"
_TENANT: Final = "t1"
_STRANGER: Final = "reports"
# Of nothing at all, which nobody has as a password.
_PASSWORD: Final = "#e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # noqa: S105


def rules(mutant_id: str, title: str, *added: str, controls: tuple[str, ...], user: str = _TENANT) -> Mutant:
    """Make a mutant of rules that a user is given besides its own; the user is new where there was none."""
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STORE,
        controls=controls,
        prepare=lambda stack: {"rules": _rules(stack, user)},
        plant=lambda stack, _state: _set(stack, user, *added),
        confirm=lambda stack, state: sorted(_rules(stack, user)) != sorted(state["rules"]),
        revert=lambda stack, state: _revert(stack, state, user),
        fingerprint=_users,
    )


def _cache(stack: Stack) -> Cache:
    return needed(stack.cache, "cache")


def _command(stack: Stack, *words: str) -> Any:
    with closing(cache.connect(_cache(stack))) as redis:
        return redis.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's own gap


def _set(stack: Stack, user: str, *words: str) -> None:
    _command(stack, "ACL", "SETUSER", user, *words)


def _rules(stack: Stack, user: str) -> list[str]:
    """What the server keeps of the user, in the words that make it; nothing where there is none."""
    return next((known.rules.split(" ", 2)[2].split(" ") for known in cache.users(_cache(stack)) if known.name == user), [])


def _users(stack: Stack) -> str:
    """Every user with its rules; the server keeps those on subcommands in no order."""
    return "\n".join(sorted(user.unordered for user in cache.users(_cache(stack))))


def _revert(stack: Stack, state: State, user: str) -> None:
    if not state["rules"]:
        _command(stack, "ACL", "DELUSER", user)
    elif _rules(stack, user) != state["rules"]:
        _set(stack, user, "reset", *state["rules"])


MUTANTS: Final = (
    rules("MUT-TEN-CAC-01", "the key pattern lost its separator, and t1 is how t10 begins", "~t1*", controls=(KEYS, USERS)),
    rules("MUT-TEN-CAC-02", "a tenant may read every key, for a dashboard across tenants", "%R~*", controls=(KEYS, USERS)),
    rules("MUT-TEN-CAC-03", "a tenant may list keys, to clear its own by pattern", "+scan", "+keys", controls=(KEYLESS,)),
    rules("MUT-TEN-CAC-04", "a tenant may empty the cache after a deployment", "+flushdb", controls=(KEYLESS,)),
    rules("MUT-TEN-CAC-05", "a tenant may run scripts, for an atomic counter", "+@scripting", controls=(KEYLESS,)),
    rules("MUT-TEN-CAC-06", "the channel pattern lost its separator", "&t1*", controls=(CHANNELS,)),
    rules("MUT-TEN-CAC-07", "a tenant may see who is connected, to debug its pool", "+client|list", controls=(KEYLESS,)),
    rules(
        "MUT-TEN-CAC-08",
        "a user for reports was made that reads two tenants",
        "on",
        _PASSWORD,
        "~t1:*",
        "~t10:*",
        "+@read",
        controls=(USERS,),
        user=_STRANGER,
    ),
    rules(
        "MUT-TEN-CAC-09",
        "a selector for one shared key was written for a neighbour's whole name",
        "(~t10:* +get +exists)",
        controls=(KEYS, USERS),
    ),
    rules("MUT-TEN-CAC-10", "a tenant hears the server's notices of every key", "&__key*", controls=(CHANNELS,)),
    rules("MUT-TEN-CAC-11", "a tenant may look at slow commands, which show everybody's keys", "+slowlog|get", controls=(KEYLESS,)),
)
