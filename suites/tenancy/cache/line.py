"""A connection to the cache on which everything is said and heard as it is, many commands at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import cache as caches
from suites.tenancy.campaign import OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constat.stack import Cache, Login


# Nobody may, whoever it is: by the server's own configuration.
SWITCHED_OFF: Final = "switched off"


class Line:
    """One identity's connection."""

    def __init__(self, connection: Any, who: str) -> None:
        """Take a connection that has logged in."""
        self._connection = connection
        self.who = who

    def ask(self, *words: str) -> Answer:
        """One command."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[Sequence[str]]) -> list[Answer]:
        """Many commands in one go; Unobservable when the connection fails."""
        if not commands:
            return []
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._read() for _ in commands]
        except (RedisError, OSError) as problem:
            msg = f"the cache hangs up on {self.who!r}: {problem!r}"
            raise Unobservable(msg) from None

    def hear(self, word: str, *, within: float) -> str:
        """Everything that comes unasked until the word is in it, or nothing has come for so many seconds."""
        heard: list[str] = []
        try:
            while not (heard and word in heard[-1]) and self._connection.can_read(timeout=within):
                heard.append(self._read().shown)
        except (RedisError, OSError) as problem:
            msg = f"the cache hangs up on {self.who!r}: {problem!r}"
            raise Unobservable(msg) from None
        return "\n".join(heard)

    def _read(self) -> Answer:
        try:
            return Answer(kind=OK, shown=_text(self._connection.read_response()))
        except ResponseError as problem:
            return refusal(problem)


def refusal(problem: Exception) -> Answer:
    """An error by its first word; what has no right says so in one way or another."""
    text = str(problem)
    denied = type(problem).__name__ == "NoPermissionError" or text.startswith(("NOPERM", "this user has no permissions", "User "))
    if "command not allowed" in text:
        return Answer(kind=SWITCHED_OFF, shown=text)
    return Answer(kind="noperm" if denied else f"error {text.partition(' ')[0]}", shown=text)


@contextlib.contextmanager
def line(cache: Cache, login: Login | None = None) -> Iterator[Line]:
    """Log in, as the administrator unless somebody else is named; Unobservable when that is not possible."""
    who = login.user if login else caches.ADMIN
    redis = caches.connect(cache, who, login.password if login else None, decode=True)
    try:
        connection = redis.connection_pool.get_connection()
    except (AuthenticationError, RedisError, OSError) as problem:
        msg = f"{who!r} cannot log in to the cache: {problem}"
        raise Unobservable(msg) from None
    try:
        yield Line(connection, who)
    finally:
        connection.disconnect()  # type: ignore[no-untyped-call]  # redis-py's own gap
        redis.close()


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
