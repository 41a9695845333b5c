"""One server as the generator reaches it: kept connections, one attempt a request, no second one.

Locust's own client repeats a GET whose connection was dropped, and so hides an error.  This
uses the same sockets (gevent) and the same parser (geventhttpclient) without that.
Only for the child process: importing it imports gevent.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from gevent import socket as green
from geventhttpclient.response import HTTPParseError, HTTPResponse

_CHUNK: Final = 65536
# What the generator's own machine has run out of; the platform is not to blame.
_OWN: Final = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.ENOBUFS, errno.ENOMEM}


class Answer(HTTPResponse):
    """An answer while it comes in."""

    def __init__(self, method: str) -> None:
        """Begin with nothing read."""
        super().__init__(method)
        self.body = bytearray()

    def _on_body(self, buf: bytearray) -> None:
        self.body += buf


class Door:
    """Connections to one origin; a connection is used by one request at a time, the longest idle one first."""

    def __init__(self, url: str, *, context: ssl.SSLContext, timeout: float) -> None:
        """Take where it is, how it is verified, and the seconds of silence that end an attempt."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._context = context if parts.scheme == "https" else None
        self._timeout = timeout
        self._idle: deque[ssl.SSLSocket | socket.socket] = deque()
        self.host = parts.netloc

    def exchange(self, method: str, wire: bytes) -> Answer:
        """Send a request and read its whole answer; raises OSError or HTTPParseError."""
        connection = self._idle.popleft() if self._idle else self._connect()
        try:
            connection.sendall(wire)
            answer = _read(connection, method)
        except BaseException:
            connection.close()
            raise
        if answer.should_close():
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def _connect(self) -> ssl.SSLSocket | socket.socket:
        connection: socket.socket = green.create_connection((self._host, self._port), timeout=self._timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(connection, server_hostname=self._host) if self._context else connection


def _read(connection: ssl.SSLSocket | socket.socket, method: str) -> Answer:
    answer = Answer(method)
    while not answer.message_complete:
        data = connection.recv(_CHUNK)
        if not data:
            msg = "closed before the answer was complete"
            raise ConnectionResetError(msg)
        answer.feed(data)
    return answer


def word_for(problem: OSError | HTTPParseError) -> str:
    """Name how an attempt ended without an answer; what begins with `client:` is the generator's own fault."""
    if isinstance(problem, socket.gaierror):
        return f"client: {problem.args[1]}"
    if isinstance(problem, OSError) and problem.errno in _OWN:
        return f"client: {errno.errorcode[problem.errno]}"
    for kind, word in _WORDS.items():
        if isinstance(problem, kind):
            return word
    return f"{type(problem).__name__}"


_WORDS: Final[dict[type[Exception], str]] = {
    TimeoutError: "timeout",
    ConnectionRefusedError: "refused",
    ConnectionError: "closed",
    ssl.SSLError: "tls",
    HTTPParseError: "not http",
}
