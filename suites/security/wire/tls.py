"""TLS with servers that know their clients by certificate: whether a stranger gets past the handshake."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http
from constat.observe.http import Certificate

if TYPE_CHECKING:
    from constat.stack import Listener, Stack

DEMANDED: Final = "certificate demanded"
REFUSALS: Final = frozenset({DEMANDED})
# A server that wants a certificate says so at once, though only after the client believes that TLS stands;
# if it is spoken to before that, the word may be lost in the reset of the connection.  Then it is given longer.
PATIENCE_SECONDS: Final = (0.15, 1.5)
SILENCE_SECONDS: Final = 0.5
_HTTP: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_HTTP_2: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
_LONGEST: Final = 4096
_RESET: Final = "reset"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a protocol begins once TLS stands.

    `known` is false where servers vouch for themselves with an authority of their own,
    made when they start, so that nobody else can check who they are.
    """

    first: bytes = _HTTP
    alpn: tuple[str, ...] = ()
    known: bool = True


DIALECTS: Final = {
    "grpc": Dialect(first=_HTTP_2, alpn=("h2",)),
    "etcd-peer": Dialect(),
    # OTP's distribution over TLS: the client speaks first, and says its name (documentation of erts, 13.2).
    "erlang": Dialect(first=b"\0\x15n\0\x05\0\0\0\0stranger@none"),
    # The secret store's members; its request forwarding has a certificate of its own before there is a second member.
    "raft": Dialect(first=_HTTP_2, alpn=("req_fw_sb-act_v1",), known=False),
}


def shake(listener: Listener, ca: str, *, certificate: Certificate | None = None) -> Answer:
    """Shake hands and say the protocol's first words.

    `ok` with what came back, or with silence: the server listens.  `certificate demanded`
    when the server breaks off because of the certificate, shown or not; `no tls` for
    anything else that is not a handshake.  Raises Unobservable when nobody answers.
    """
    dialect = DIALECTS.get(listener.protocol, Dialect())
    for patience in PATIENCE_SECONDS:
        try:
            line = socket.create_connection((listener.host, listener.port), timeout=deadlines.PROBE_CONNECT)
        except OSError as problem:
            msg = f"nothing answers at {listener.host}:{listener.port}: {problem.strerror or problem}"
            raise Unobservable(msg) from None
        with line:
            answer = _shaken(line, listener, _context(dialect, ca, certificate), (dialect.first, patience))
        if answer.kind != _RESET:
            return answer
    return Answer(kind="no tls", shown=answer.shown)


def certificate_of(stack: Stack, node: str) -> Certificate:
    """The certificate that a node shows to its peers; Unobservable when the stack does not say where it is, or it is not ours to read."""
    for path in stack.guarded:
        key = Path(path.path)
        if key.parent.name == node and key.name == "key.pem":
            return Certificate(cert=str(key.with_name("cert.pem")), key=str(key))
    msg = f"the stack guards no key of node {node!r}, so nobody can speak to its peers as one of them"
    raise Unobservable(msg)


def _shaken(line: socket.socket, listener: Listener, context: ssl.SSLContext, words: tuple[bytes, float]) -> Answer:
    first, patience = words
    try:
        with context.wrap_socket(line, server_hostname=listener.host) as secure:
            version = secure.version()
            if not (heard := _heard(secure, patience)):
                secure.sendall(first)
                heard = _heard(secure, SILENCE_SECONDS) or "silence"
            return Answer(kind="ok", shown=f"{version}: {heard}")
    except ssl.SSLError as problem:
        return Answer(kind=DEMANDED if _is_about_certificate(problem) else "no tls", shown=str(problem))
    except ConnectionResetError as problem:
        return Answer(kind=_RESET, shown=str(problem))
    except OSError as problem:
        return Answer(kind="no tls", shown=str(problem))


def _heard(secure: ssl.SSLSocket, seconds: float) -> str:
    """What the server says in that time; nothing when it waits, or hangs up without a word."""
    secure.settimeout(seconds)
    try:
        return secure.recv(_LONGEST).decode("latin-1")
    except TimeoutError:
        return ""


def _is_about_certificate(problem: ssl.SSLError) -> bool:
    """The alerts of RFC 8446, 6.2, by which a server breaks off for want of a certificate that it trusts.

    Up to TLS 1.2 there is no alert of its own for a missing one: it is `handshake failure`.
    """
    return (problem.reason or "").removeprefix("SSLV3_").removeprefix("TLSV1_").removeprefix("TLSV13_") in {
        "ALERT_CERTIFICATE_REQUIRED",
        "ALERT_BAD_CERTIFICATE",
        "ALERT_HANDSHAKE_FAILURE",
        "ALERT_UNKNOWN_CA",
        "ALERT_CERTIFICATE_UNKNOWN",
        "UNRECOGNIZED_NAME",
    }


def _context(dialect: Dialect, ca: str, certificate: Certificate | None) -> ssl.SSLContext:
    context = http.trusting(ca, certificate)
    if not dialect.known:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if dialect.alpn:
        context.set_alpn_protocols(list(dialect.alpn))
    return context
