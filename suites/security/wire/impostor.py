"""An impostor: it takes a server's address with a certificate that nobody vouches for, and sees who talks to it nevertheless."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import tempfile
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from constat import deadlines, wait
from constat.observe.relays import Callers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Listener

_ASKS_FOR_TLS: Final = (80877103, 80877104)  # SSLRequest and GSSENCRequest (PostgreSQL, 55.7)
_HANDSHAKE: Final = 0x16
# A client that believes the certificate speaks at once: in every protocol here it is the one who begins.
_PATIENCE_SECONDS: Final = 1.0
_AT_ONCE: Final = 16
_MOST: Final = 40


class End(StrEnum):
    """How a client took it."""

    REFUSED = "refused the certificate"
    BELIEVED = "talked on"
    CLEAR = "spoke in clear"
    SILENT = "said nothing"


@dataclass(frozen=True, order=True)
class Visit:
    """One connection: the node that made it, empty where nobody knows, to which listener, and how it ended."""

    node: str
    listener: str
    end: End


class Impostor:
    """Listens in the place of servers until it is closed; `visits` grows meanwhile."""

    def __init__(self, callers: Callers, context: ssl.SSLContext) -> None:
        """Take who says who calls, and the certificate to show."""
        self.visits: list[Visit] = []
        self._callers = callers
        self._context = context
        self._pool = concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="impostor")
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def take(self, name: str, listener: Listener) -> None:
        """Listen where a server listened that is gone; NotReady when its place does not become free."""
        server = wait.until(
            lambda: socket.create_server((listener.host, listener.port), backlog=64),
            what=f"the place of {name} is free",
            within=deadlines.COMPONENT_STOPPED,
            retry=(OSError,),
        )
        self._sockets.append(server)
        self._threads.append(threading.Thread(target=self._serve, args=(name, listener, server), daemon=True))
        self._threads[-1].start()

    def close(self) -> None:
        """Give every place back."""
        for server in self._sockets:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        for thread in self._threads:
            thread.join(deadlines.COMPONENT_STOPPED)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _serve(self, name: str, listener: Listener, server: socket.socket) -> None:
        for _ in range(_MOST):
            try:
                line, _ = server.accept()
            except OSError:
                return  # it was closed
            try:
                self._pool.submit(self._receive, name, listener, line)
            except RuntimeError:
                line.close()
                return  # everything is being closed

    def _receive(self, name: str, listener: Listener, line: socket.socket) -> None:
        with line:
            line.settimeout(_PATIENCE_SECONDS)
            node = self._callers.of(line.getpeername()[1], listener.port)
            end = met(line, self._context, is_postgres=listener.protocol == "postgres")
        self.visits.append(Visit(node=node, listener=name, end=end))


@contextlib.contextmanager
def impostor(run_dir: str, names: tuple[str, ...]) -> Iterator[Impostor]:
    """An impostor with a fresh certificate, right in every name and vouched for by nobody."""
    with tempfile.TemporaryDirectory() as folder:
        context = _foreign(Path(folder) / "impostor.pem", names)
    standing = Impostor(Callers(run_dir), context)
    try:
        yield standing
    finally:
        standing.close()


def met(line: socket.socket, context: ssl.SSLContext, *, is_postgres: bool) -> End:
    """Greet a client as its server would, up to the point where it says something that only its server should hear."""
    try:
        first = line.recv(1, socket.MSG_PEEK)
        if is_postgres and first and first[0] != _HANDSHAKE and not _granted(line):
            return End.CLEAR
        if not is_postgres and first and first[0] != _HANDSHAKE:
            return End.CLEAR
        if not first:
            return End.SILENT
        with context.wrap_socket(line, server_side=True) as secure:
            return End.BELIEVED if secure.recv(1) else End.REFUSED
    except TimeoutError:
        return End.SILENT
    except OSError:
        return End.REFUSED  # an alert, or the connection was reset


def _granted(line: socket.socket) -> bool:
    """Answer a database client that asks for TLS; False for one that goes on without."""
    while True:
        asked = line.recv(8, socket.MSG_WAITALL)
        if len(asked) < 8 or struct.unpack("!ii", asked)[1] not in _ASKS_FOR_TLS:  # noqa: PLR2004 - length and code
            return False
        is_tls = struct.unpack("!ii", asked)[1] == _ASKS_FOR_TLS[0]
        line.sendall(b"S" if is_tls else b"N")
        if is_tls:
            return True


def _foreign(path: Path, names: tuple[str, ...]) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    cert = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + cert.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
