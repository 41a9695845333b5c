"""A door of the platform: requests are brought to it as they are, byte for byte.

Thousands are, so it speaks by the standard library's client, which costs a quarter of httpx's time
and tidies nothing up that an attacker would not.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from constat import deadlines
from constat.errors import Unobservable
from constat.observe.http import Reply, trusting

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from suites.tenancy.gateway.request import Request

# A server that refuses before it has read the body may hang up; a connection that was kept may have been closed.
_HUNG_UP: Final = (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionError)


class Door:
    """A way to a service: directly, or through the gateway.  Several may use it at once."""

    def __init__(self, name: str, ca: str, url: str) -> None:
        """Take the address of a server that the authority vouches for."""
        self.name = name
        self._at = urlsplit(url)
        self._trust: ssl.SSLContext | None = trusting(ca) if self._at.scheme == "https" else None
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()

    def __enter__(self) -> Self:
        """Nothing is opened before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self.close()

    def close(self) -> None:
        """Close every connection that nobody uses at the moment; the next request opens another."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def ask(self, request: Request, token: str | None = None) -> Reply:
        """Bring a request; Unobservable when no HTTP answer comes back."""
        try:
            try:
                return self._sent(request, token)
            except _HUNG_UP:  # once more, on a connection of its own
                self.close()
                return self._sent(request, token)
        except (http.client.HTTPException, OSError, ValueError) as problem:
            msg = f"no answer to {request.method} {request.line!r} at {self.name}: {type(problem).__name__}: {problem}"
            raise Unobservable(msg) from None

    def _sent(self, request: Request, token: str | None) -> Reply:
        with self._connection() as line:
            says_host = any(name.lower() == "host" for name, _ in request.headers)
            line.putrequest(request.method, request.line, skip_host=says_host, skip_accept_encoding=True)
            for name, value in request.headers:
                line.putheader(name, value.encode())
            if token is not None:
                line.putheader("Authorization", f"Bearer {token}")
            payload = request.payload
            if payload is not None:
                line.putheader("Content-Type", request.media or "application/json")
                line.putheader("Content-Length", str(len(payload)))
            line.endheaders(payload)
            answer = line.getresponse()
            return Reply(status=answer.status, headers=_headers(answer), body=answer.read())

    @contextlib.contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """One that nobody else uses meanwhile; it is kept only when the answer was read to its end."""
        try:
            line = self._idle.get_nowait()
        except queue.Empty:
            line = self._opened()
        try:
            yield line
        except BaseException:
            line.close()
            raise
        self._idle.put(line)

    def _opened(self) -> http.client.HTTPConnection:
        host, port = self._at.hostname or "", self._at.port
        if self._trust is None:
            line = http.client.HTTPConnection(host, port, timeout=deadlines.PROBE_CONNECT)
        else:
            line = http.client.HTTPSConnection(host, port, timeout=deadlines.PROBE_CONNECT, context=self._trust)
        line.connect()
        line.sock.settimeout(deadlines.SERVICE_ANSWERS)
        return line


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found
