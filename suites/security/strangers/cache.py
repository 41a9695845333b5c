"""Strangers at the cache: read, write, list and reconfigure without a login."""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from constat.attempt import Answer
from constat.observe import cache as caches
from suites.security.approach import OK, acts, named, required
from suites.security.wire import resp

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

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
    with resp.connected(cache) as line:
        tried = [(" ".join(command[:2]), functools.partial(unknown, line, command)) for command in commands]
        yield from acts(named(listener), known, tried, refusals=REFUSALS)


def unknown(line: socket.socket, command: tuple[str, ...]) -> Answer:
    """A command from nobody: `noauth`, or `ok` when it was heard at all, whatever became of it."""
    said = resp.say(line, *command)
    return Answer(kind=NOAUTH if said.startswith("-NOAUTH") else OK, shown=said[:200])


def _administrator(cache: Cache, command: tuple[str, ...]) -> Answer:
    try:
        with closing(caches.connect(cache)) as redis:
            return Answer(kind=OK, shown=str(redis.execute_command(*command)))  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (RedisError, OSError) as problem:
        return Answer(kind="refused", shown=str(problem))
