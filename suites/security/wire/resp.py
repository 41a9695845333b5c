"""Redis' protocol, as far as strangers get in it: client libraries hang up after every refusal."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Cache


@contextlib.contextmanager
def connected(cache: Cache) -> Iterator[socket.socket]:
    """A connection on which nobody has logged in; Unobservable when there is none."""
    with contextlib.ExitStack() as opened:
        try:
            line = _connected(cache, opened)
        except OSError as problem:
            msg = f"the cache does not answer: {problem}"
            raise Unobservable(msg) from None
        yield line


def say(line: socket.socket, *words: str) -> str:
    """Say a command; the first line of the answer.  Raises Unobservable when the server hangs up."""
    try:
        line.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words))
        return _line(line)
    except OSError as problem:
        msg = f"the cache does not answer: {problem}"
        raise Unobservable(msg) from None


def log_in(line: socket.socket, user: str, password: str) -> Answer:
    """Say AUTH; `ok`, `wrong password`, or `refused` with what else was said."""
    said = say(line, "AUTH", user, password)
    if said == "+OK":
        return Answer(kind="ok", shown=user)
    return Answer(kind="wrong password" if said.startswith("-WRONGPASS") else "refused", shown=said)


def _connected(cache: Cache, opened: contextlib.ExitStack) -> socket.socket:
    parts = urlsplit(cache.url)
    address = (str(parts.hostname), int(parts.port or 0))
    line: socket.socket = opened.enter_context(socket.create_connection(address, timeout=deadlines.PROBE_CONNECT))
    if parts.scheme == "rediss":
        line = opened.enter_context(http.trusting(cache.ca).wrap_socket(line, server_hostname=parts.hostname))
    return line


def _line(line: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\r\n"):
        if not (more := line.recv(1024)):
            msg = "the server has hung up"
            raise OSError(msg)
        said += more
    return said.decode(errors="replace").strip()
