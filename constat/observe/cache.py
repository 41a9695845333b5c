"""Facts of the cache, asked by its own protocol as its administrator."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from constat import deadlines
from constat.errors import Unobservable

if TYPE_CHECKING:
    from constat.stack import Cache

ADMIN: Final = "admin"


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of the access list."""

    name: str
    enabled: bool
    needs_password: bool
    rules: str  # the whole line, as the server keeps it

    @property
    def unordered(self) -> str:
        """The same line for comparing: the server lists what is forbidden below a command in another order each time."""
        return " ".join([*self.rules.split()[:2], *sorted(self.rules.split()[2:])])


def connect(cache: Cache, user: str = ADMIN, password: str | None = None, *, decode: bool = True) -> Redis:
    """Speak to the cache, as its administrator unless somebody else is named; nothing is retried."""
    parts = urlsplit(cache.url)
    tls = {"ssl": True, "ssl_ca_certs": cache.ca} if parts.scheme == "rediss" else {}
    return Redis(
        host=str(parts.hostname),
        port=int(parts.port or 0),
        username=user,
        password=cache.admin_password if password is None else password,
        socket_timeout=deadlines.PROBE_CONNECT,
        socket_connect_timeout=deadlines.PROBE_CONNECT,
        retry=Retry(NoBackoff(), 0),
        decode_responses=decode,
        protocol=2,
        **tls,  # type: ignore[arg-type]  # redis-py types each option by itself
    )


def version(cache: Cache) -> str:
    """The version that the server runs."""
    said = _ask(cache, "INFO", "server")
    return str(said["redis_version"])


def users(cache: Cache) -> tuple[User, ...]:
    """Every user of the access list."""
    return tuple(_user(str(line)) for line in _ask(cache, "ACL LIST"))


def holding(cache: Cache, prefix: str, word: str) -> tuple[str, ...]:
    """The names of plain values below a prefix that hold a word; values are bytes, whatever a service makes of them."""
    try:
        with closing(connect(cache, decode=False)) as redis:
            names = list(redis.scan_iter(match=f"{prefix}*", count=1000, _type="string"))
            return tuple(name.decode(errors="replace") for name in names if word.encode() in (redis.get(name) or b""))
    except (RedisError, OSError) as problem:
        msg = f"the cache does not show what is below {prefix!r}: {problem}"
        raise Unobservable(msg) from None


def _user(line: str) -> User:
    _, name, *rules = line.split()
    return User(name=name, enabled="on" in rules, needs_password="nopass" not in rules, rules=line)


def _ask(cache: Cache, *command: str) -> Any:
    try:
        with closing(connect(cache)) as redis:
            return redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (RedisError, OSError) as problem:
        msg = f"the cache does not answer {command[0]}: {problem}"
        raise Unobservable(msg) from None
