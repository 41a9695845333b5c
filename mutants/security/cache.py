"""Defects of the cache's users."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import cache

if TYPE_CHECKING:
    from redis import Redis

    from constat.stack import Cache, Stack

_TENANT: Final = "t2"
_WEAK: Final = f"#{hashlib.sha256(_TENANT.encode()).hexdigest()}"


def _cache(stack: Stack) -> Cache:
    return needed(stack.cache, "cache")


def _command(stack: Stack, *words: str) -> Any:
    with closing(cache.connect(_cache(stack))) as redis:
        return redis.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's own gap


def _users(stack: Stack) -> str:
    return "\n".join(sorted(user.unordered for user in cache.users(_cache(stack))))


def _open_default(stack: Stack, state: State) -> None:
    del state  # its rules before are always the same: none
    _command(stack, "ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")


def _close_default(stack: Stack, state: State) -> None:
    del state  # likewise
    _command(stack, "ACL", "SETUSER", "default", "reset")


def _is_open(stack: Stack, state: State) -> bool:
    del state  # it is seen
    return _pings(cache.connect(_cache(stack), "", ""))


def _weaken_tenant(stack: Stack, state: State) -> None:
    del state  # a second password is taken away by its own word
    _command(stack, "ACL", "SETUSER", _TENANT, f">{_TENANT}")


def _strengthen_tenant(stack: Stack, state: State) -> None:
    del state  # likewise
    if _WEAK in _users(stack):
        _command(stack, "ACL", "SETUSER", _TENANT, f"<{_TENANT}")


def _is_weak(stack: Stack, state: State) -> bool:
    del state  # it is seen
    return _pings(cache.connect(_cache(stack), _TENANT, _TENANT))


def _pings(client: Redis) -> bool:
    with closing(client) as redis:
        try:
            return bool(redis.ping())
        except RedisError:
            return False


MUTANTS: Final = (
    Mutant(
        id="MUT-SEC-ANO-07",
        title="the cache's default user was opened for a debugging session",
        scope=Scope.STORE,
        controls=("SEC-ANO-01",),
        plant=_open_default,
        confirm=_is_open,
        revert=_close_default,
        fingerprint=_users,
    ),
    Mutant(
        id="MUT-SEC-DEF-04",
        title="a tenant was given its own name as a second password of the cache",
        scope=Scope.STORE,
        controls=("SEC-DEF-01",),
        plant=_weaken_tenant,
        confirm=_is_weak,
        revert=_strengthen_tenant,
        fingerprint=_users,
    ),
)
