"""Strangers at the cache: read, write, list and reconfigure without a login."""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING, Final

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import cache as caches
from suites.security.approach import OK, acts, named, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

    from constat.attempt import Admission
    from constat.stack import Cache, Listener
    from suites.security.approach import Ground

NOAUTH: Final = "noauth"
REFUSALS: Final = frozenset({NOAUTH})


def approach(ground: Ground, listener: Listener) -> Iterator[Admission]:
    """Every kind of command on a connection on which nobody has logged in, or tried to."""
    cache = required(ground.stack.cache, "cache")
    key = f"{ground.tenant}:{ground.canary}"
    write = ("SET", key, ground.canary, "EX", "5")
    commands = (
        *(("PING",), ("GET", key), write, ("DEL", key), ("KEYS", "*"), ("SCAN", "0"), ("DBSIZE",), ("INFO",)),
        *(("ACL", "LIST"), ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("PUBLISH", key, "x"), ("EVAL", "return 1", "0")),
    )
    known = _administrator(cache, write)
    with closing(caches.connect(cache, "", "")) as redis:
        tried = [(" ".join(command[:2]), functools.partial(unknown, redis, command)) for command in commands]
        yield from acts(named(listener), known, tried, refusals=REFUSALS)


def unknown(redis: Redis, command: tuple[str, ...]) -> Answer:
    """A command from nobody; `noauth`, or `ok` when it was heard at all, whatever became of it."""
    try:
        return _said(redis, command)
    except AuthenticationError as problem:
        return Answer(kind=NOAUTH, shown=str(problem))
    except ResponseError as problem:
        return Answer(kind=OK, shown=str(problem))
    except (RedisError, OSError) as problem:
        msg = f"the cache does not answer: {problem}"
        raise Unobservable(msg) from None


def _administrator(cache: Cache, command: tuple[str, ...]) -> Answer:
    try:
        with closing(caches.connect(cache)) as redis:
            return _said(redis, command)
    except (RedisError, OSError) as problem:
        return Answer(kind="refused", shown=str(problem))


def _said(redis: Redis, command: tuple[str, ...]) -> Answer:
    return Answer(kind=OK, shown=str(redis.execute_command(*command))[:200])  # type: ignore[no-untyped-call]  # redis-py's own gap
