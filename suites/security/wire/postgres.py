"""PostgreSQL's opening conversation, word by word: what a client library hides is what a stranger gets to see."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Iterator

# PostgreSQL's documentation, 55.7: message formats.
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_PROTOCOL: Final = 196608
_OK, _CLEAR_TEXT, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_MECHANISM: Final = b"SCRAM-SHA-256"
_STATE: Final = b"C"
ASKED: Final = "password asked"
SCRAM: Final = "SCRAM"
REPLICATION: Final = "replication"
REFUSALS: Final = frozenset({ASKED, "sqlstate 28000", "sqlstate 28P01", "sqlstate 08P01"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server is spoken to: a port, by TLS unless `ca` is empty, or a local socket's path."""

    host: str
    port: int
    ca: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is a socket in the file system."""
        return self.host.startswith("/")


def enter(place: Place, user: str, database: str, password: str | None = None) -> Answer:
    """Begin a session and end it at once; the database `replication` stands for the stream of all databases.

    `ok` once the server says that it knows who we are, whatever it allows afterwards;
    `password asked` when none was given; else `sqlstate …`, or `no tls`.
    Raises Unobservable when nobody answers.
    """
    try:
        with _connected(place) as line:
            where = ("replication", "true") if database == REPLICATION else ("database", database)
            line.say(struct.pack("!i", _PROTOCOL) + _text("user", user, *where) + b"\0")
            return _admitted(line, user, password)
    except (OSError, struct.error) as problem:
        msg = f"nobody answers at {place.host}:{place.port}: {problem}"
        raise Unobservable(msg) from None


def ask_for_tls(line: socket.socket) -> None:
    """Say that TLS follows; OSError when the server declines."""
    line.sendall(_SSL_REQUEST)
    if line.recv(1) != b"S":
        msg = "the server declines TLS"
        raise OSError(msg)


class _Line:
    """Messages over a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, body: bytes, kind: bytes = b"") -> None:
        self._connection.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def hear(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack("!ci", self._read(5))
        return kind, self._read(length - 4)

    def _read(self, wanted: int) -> bytes:
        found = b""
        while len(found) < wanted:
            if not (more := self._connection.recv(wanted - len(found))):
                msg = "the server has hung up"
                raise OSError(msg)
            found += more
        return found


def _admitted(line: _Line, user: str, password: str | None) -> Answer:
    kind, body = line.hear()
    if kind == b"E":
        return _refused(body)
    if kind != b"R":
        return Answer(kind=f"message {kind!r}", shown=body.decode("latin-1"))
    (method,) = struct.unpack("!i", body[:4])
    if method == _OK:
        return Answer(kind="ok", shown=f"{user} was let in")
    if password is None:
        return Answer(kind=ASKED, shown=SCRAM if method == _SASL else f"method {method}")
    return _answered(line, method, body[4:], user=user, password=password)


def _answered(line: _Line, method: int, asked: bytes, *, user: str, password: str) -> Answer:
    if method == _CLEAR_TEXT:
        line.say(_text(password), b"p")
    elif method == _MD5:
        inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
        line.say(_text("md5" + hashlib.md5(inner.encode() + asked[:4], usedforsecurity=False).hexdigest()), b"p")
    elif method == _SASL and _MECHANISM in asked.split(b"\0"):
        if refused := _scram(line, password):
            return refused
    else:
        return Answer(kind=f"authentication method {method}")
    return _admitted(line, user, None)


def _scram(line: _Line, password: str) -> Answer | None:
    """Prove the password without sending it (RFC 5802); the refusal, or None when the server went along."""
    nonce = secrets.token_urlsafe(18)
    first = f"n=,r={nonce}"
    line.say(_MECHANISM + b"\0" + struct.pack("!i", len(first) + 3) + b"n,," + first.encode(), b"p")
    kind, body = line.hear()
    if kind == b"E":
        return _refused(body)
    challenge = body[4:].decode("ascii")
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    line.say(_proof(password, first, challenge, fields).encode(), b"p")
    kind, body = line.hear()
    return _refused(body) if kind == b"E" else None


def _proof(password: str, first: str, challenge: str, fields: dict[str, str]) -> str:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    last = f"c=biws,r={fields['r']}"
    signature = hmac.digest(hashlib.sha256(client_key).digest(), f"{first},{challenge},{last}".encode(), "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return f"{last},p={base64.b64encode(proof).decode()}"


def _refused(body: bytes) -> Answer:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return Answer(kind=f"sqlstate {fields.get(_STATE, '?')}", shown=fields.get(b"M", ""))


def _text(*words: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


@contextlib.contextmanager
def _connected(place: Place) -> Iterator[_Line]:
    with contextlib.ExitStack() as opened:
        if place.is_local:
            line = opened.enter_context(socket.socket(socket.AF_UNIX))
            line.settimeout(deadlines.PROBE_CONNECT)
            line.connect(f"{place.host}/.s.PGSQL.{place.port}")
        else:
            line = opened.enter_context(socket.create_connection((place.host, place.port), timeout=deadlines.PROBE_CONNECT))
        if place.ca:
            ask_for_tls(line)
            line = opened.enter_context(http.trusting(place.ca).wrap_socket(line, server_hostname=place.host))
        yield _Line(line)
