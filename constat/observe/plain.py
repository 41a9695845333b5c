"""What a listener does with clients that will, and that will not, use TLS; whatever its protocol.

The greetings of every protocol that the platform speaks are sent in clear text, so that a
listener is attacked whether or not somebody said what it speaks.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Listener

_STARTUP: Final = b"user\0nobody\0database\0postgres\0\0"
GREETINGS: Final[dict[str, bytes]] = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "postgres": struct.pack("!ii", len(_STARTUP) + 8, 196608) + _STARTUP,
    "amqp": b"AMQP\0\0\x09\x01",
    "memcached": b"version\r\n",
    "silence": b"",
}
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_ALERT: Final = 0x15
# A server that answers at all answers at once on a healthy machine; one that says nothing in this time is silent.
SILENCE_SECONDS: Final = 1.0
_LONGEST: Final = 400


def tls(listener: Listener, ca: str) -> Answer:
    """Shake hands by TLS, the certificate verified; `ok` with the protocol version.

    Raises Unobservable when nothing listens at all.
    """
    context = ssl.create_default_context(cafile=ca)
    with _connected(listener) as raw:
        try:
            if listener.protocol == "postgres":
                _ask_for_tls(raw)
            with context.wrap_socket(raw, server_hostname=listener.host) as secure:
                return Answer(kind="ok", shown=f"{secure.version()} {secure.cipher()}")
        except (ssl.SSLError, OSError) as problem:
            return Answer(kind="no tls", shown=str(problem))


def in_clear(listener: Listener, greeting: str) -> Answer:
    """Send a greeting in clear text; `ok` when the server talks back in clear.

    Refusals: `closed` (or reset, or a TLS alert), `silent`, `http 400` that says HTTPS is
    expected, `sqlstate …` for a database that ends the conversation.
    Raises Unobservable when nothing listens at all.
    """
    with _connected(listener) as raw:
        try:
            raw.sendall(GREETINGS[greeting])
            raw.settimeout(SILENCE_SECONDS)
            answer = raw.recv(4096)
        except TimeoutError:
            return Answer(kind="silent")
        except OSError:
            return Answer(kind="closed")
    return classify(answer)


def classify(answer: bytes) -> Answer:
    """Say what the first bytes of an answer in clear mean."""
    if not answer or answer[0] == _ALERT:
        return Answer(kind="closed")
    shown = answer[:_LONGEST].decode("latin-1")
    if answer.startswith(b"HTTP/1.") and b" 400 " in answer[:16] and b"HTTPS" in answer:
        return Answer(kind="http 400", shown=shown)
    if answer[:1] == b"E" and b"\0C" in answer:
        state = answer.split(b"\0C")[1][:5].decode("latin-1")
        return Answer(kind=f"sqlstate {state}", shown=shown)
    return Answer(kind="ok", shown=shown)


def _ask_for_tls(raw: socket.socket) -> None:
    raw.sendall(_SSL_REQUEST)
    if raw.recv(1) != b"S":
        msg = "the server declines TLS"
        raise OSError(msg)


@contextlib.contextmanager
def _connected(listener: Listener) -> Iterator[socket.socket]:
    try:
        raw = socket.create_connection((listener.host, listener.port), timeout=deadlines.PROBE_CONNECT)
    except OSError as problem:
        msg = f"nothing answers at {listener.host}:{listener.port}: {problem.strerror or problem}"
        raise Unobservable(msg) from None
    with raw:
        yield raw
