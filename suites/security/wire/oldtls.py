"""Handshakes that a server must refuse: old versions of TLS, weak ciphers; and what its certificate says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe.http import trusting
from suites.security.wire.postgres import ask_for_tls
from suites.security.wire.tls import DIALECTS, Dialect

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from constat.observe.http import Certificate
    from constat.stack import Listener

REFUSED: Final = "refused"
# A certificate that ends sooner is nobody's to renew by hand any more, in days.
SHORTEST_DAYS: Final = 7
_OLD: Final = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
# Nobody proven, nothing encrypted, broken ciphers, and keys that open what was recorded before.
_WEAK: Final = "aNULL:eNULL:RC4:3DES:DES:MD5:EXPORT:LOW:kRSA:kPSK:kSRP:SEED:IDEA"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a client offers: one version at most, and its ciphers."""

    name: str
    newest: ssl.TLSVersion
    oldest: ssl.TLSVersion
    ciphers: str


OFFERS: Final = (
    *(Offer(name=f"only {version.name.replace('_', '.')}", newest=version, oldest=version, ciphers="ALL") for version in _OLD),
    Offer(name="only weak ciphers", newest=ssl.TLSVersion.TLSv1_2, oldest=ssl.TLSVersion.TLSv1, ciphers=_WEAK),
)


def accepts(listener: Listener, offer: Offer, certificate: Certificate | None) -> Answer:
    """`ok` when the server shakes hands on the offer, `refused` when it breaks off; Unobservable when nobody answers."""
    context = _context(offer)
    if certificate is not None:
        context.load_cert_chain(certificate.cert, certificate.key)
    with _connected(listener) as line:
        try:
            with _greeted(line, listener, context) as secure:
                return Answer(kind="ok", shown=f"{secure.version()} {secure.cipher()}")
        except OSError as problem:
            return Answer(kind=REFUSED, shown=str(problem))


def days_left(listener: Listener, ca: str, certificate: Certificate | None, now: datetime.datetime) -> float:
    """How long the server's certificate is good for, in days, its chain and name verified; Unobservable when they are not good."""
    with _connected(listener) as line:
        try:
            with _greeted(line, listener, trusting(ca, certificate)) as secure:
                until = str((secure.getpeercert() or {})["notAfter"])
        except OSError as problem:
            msg = f"{listener.node}/{listener.name} shows no certificate of the platform: {problem}"
            raise Unobservable(msg) from None
    return (ssl.cert_time_to_seconds(until) - now.timestamp()) / 86400


def can_offer(offer: Offer) -> bool:
    """Whether the harness's own library speaks it: a client that cannot ask is refused by nobody.

    A server in the same process, which needs no certificate because the client asks for none.
    """
    client, server = _context(offer), _context(offer, ssl.PROTOCOL_TLS_SERVER)
    for context in (client, server):
        context.set_ciphers("aNULL:@SECLEVEL=0")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True))
    try:
        for _ in range(4):
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        return ends[0].version() is not None and all(end.cipher() for end in ends)
    except ssl.SSLError:
        return False


def _context(offer: Offer, side: int = ssl.PROTOCOL_TLS_CLIENT) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(f"{offer.ciphers}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
        context.minimum_version, context.maximum_version = offer.oldest, offer.newest
    return context


@contextlib.contextmanager
def _greeted(line: socket.socket, listener: Listener, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    dialect = DIALECTS.get(listener.protocol, Dialect())
    if not dialect.known:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if dialect.alpn:
        context.set_alpn_protocols(list(dialect.alpn))
    if listener.protocol == "postgres":
        ask_for_tls(line)
    with context.wrap_socket(line, server_hostname=listener.host) as secure:
        yield secure


@contextlib.contextmanager
def _connected(listener: Listener) -> Iterator[socket.socket]:
    try:
        line = socket.create_connection((listener.host, listener.port), timeout=deadlines.PROBE_CONNECT)
    except OSError as problem:
        msg = f"nothing answers at {listener.host}:{listener.port}: {problem.strerror or problem}"
        raise Unobservable(msg) from None
    with line:
        yield line
