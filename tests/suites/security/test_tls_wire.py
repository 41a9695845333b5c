"""Handshakes: whether a stranger gets past one, and what is no handshake at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from constat.observe.http import Certificate
from constat.outcome import Outcome
from constat.stack import GuardedPath, Listener
from suites.security.test_transport import attack, speaks_tls
from suites.security.wire.tls import certificate_of, shake
from tests.suites.security.servers import Pair, certificate, free_port, serving
from tests.suites.security.stacks import bare

if TYPE_CHECKING:
    import socket
    from pathlib import Path


def answering(line: socket.socket) -> None:
    """A web server that answers whatever it is asked."""
    line.recv(4096)
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


@pytest.fixture
def server(tmp_path: Path) -> Pair:
    """The certificate of a server."""
    return certificate(tmp_path, "server")


def test_a_server_that_asks_for_no_certificate_lets_everybody_in(server: Pair) -> None:
    """A handshake and an answer are being let in."""
    with serving(answering, tls=server) as listener:
        assert shake(listener, server.cert).kind == "ok"


def test_a_server_that_asks_for_a_certificate_breaks_off(server: Pair, tmp_path: Path) -> None:
    """Without a certificate, and with one of nobody's, the demand is recognised; with the right one it is let in."""
    known, stranger = certificate(tmp_path, "known"), certificate(tmp_path, "stranger")
    with serving(answering, tls=server, clients=known) as listener:
        kinds = [
            shake(listener, server.cert, certificate=Certificate(cert=shown.cert, key=shown.key) if shown else None).kind
            for shown in (None, stranger, known)
        ]

    assert kinds == ["certificate demanded", "certificate demanded", "ok"]


def test_a_server_of_another_authority_is_not_believed(server: Pair, tmp_path: Path) -> None:
    """Who cannot prove who it is does not speak the platform's TLS."""
    other = certificate(tmp_path, "other")
    with serving(answering, tls=server) as listener:
        assert shake(listener, other.cert).kind == "no tls"


def test_a_plain_server_fails(server: Pair) -> None:
    """A listener that promises TLS and answers in clear is a FAIL."""
    with serving(answering) as listener:
        judged = next(iter(attack([listener], server.cert)))

    assert judged.outcome is Outcome.FAIL


def test_a_tls_server_passes(server: Pair, tmp_path: Path) -> None:
    """One that speaks TLS and closes on clear text is as promised, also when it wants a certificate."""
    known = certificate(tmp_path, "known")
    with serving(answering, tls=server, clients=known) as listener:
        judged = next(iter(attack([listener], server.cert)))

    assert judged.outcome is Outcome.PASS


def test_a_closed_port_is_an_error(server: Pair) -> None:
    """Where nobody listens, no plain text is refused."""
    listener = Listener(node="n", name="n", port=free_port(), tls=True, protocol="https")
    judged = next(iter(attack([listener], server.cert)))

    assert judged.outcome is Outcome.ERROR
    with pytest.raises(Unobservable):
        speaks_tls(listener, server.cert)


def test_no_listener_at_all_is_not_a_pass(server: Pair) -> None:
    """A platform that declares no TLS has proven nothing."""
    assert [judged.outcome for judged in attack([], server.cert)] == [Outcome.NOT_REVIEWED]


def test_a_nodes_certificate_is_beside_its_guarded_key() -> None:
    """The stack says where keys are; a node that it does not name is unknown."""
    stack = bare(guarded=(GuardedPath(path="/run/search/key.pem", owner="search", mode=0o600),))

    assert certificate_of(stack, "search") == Certificate(cert="/run/search/cert.pem", key="/run/search/key.pem")
    with pytest.raises(Unobservable, match="'cache'"):
        certificate_of(stack, "cache")
