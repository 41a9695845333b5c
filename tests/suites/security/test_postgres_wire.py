"""PostgreSQL's opening conversation: what each answer of a server means."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from suites.security.wire.postgres import Place, _proof, enter
from tests.suites.security.servers import free_port, serving

if TYPE_CHECKING:
    import socket

    from constat.attempt import Answer


def message(kind: bytes, body: bytes) -> bytes:
    """A message as the server frames it."""
    return kind + struct.pack("!i", len(body) + 4) + body


def saying(*said: bytes) -> Answer:
    """How somebody fares who enters where the server says that, one message for each of theirs."""

    def talk(line: socket.socket) -> None:
        for reply in said:
            line.recv(4096)
            line.sendall(reply)

    with serving(talk) as listener:
        return enter(Place(host=listener.host, port=listener.port), "app", "viridial", None if len(said) == 1 else "guess")


LET_IN = message(b"R", struct.pack("!i", 0))
ERROR = message(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0")


def test_a_server_that_asks_for_nothing_has_let_somebody_in() -> None:
    """AuthenticationOk without a question is an open door, whatever comes after it."""
    assert saying(LET_IN).kind == "ok"


@pytest.mark.parametrize("method", [3, 5, 10])
def test_a_server_that_asks_for_a_password_has_not(method: int) -> None:
    """Clear text, MD5 and SASL are demands."""
    assert saying(message(b"R", struct.pack("!i", method) + b"SCRAM-SHA-256\0\0")).kind == "password asked"


def test_a_refusal_is_told_by_its_sqlstate() -> None:
    """The code is what counts, in whatever language the message is."""
    answer = saying(message(b"E", b"SFATAL\0C28000\0Mkein Eintrag\0\0"))

    assert (answer.kind, answer.shown) == ("sqlstate 28000", "kein Eintrag")


@pytest.mark.parametrize(("last", "kind"), [(LET_IN, "ok"), (ERROR, "sqlstate 28P01")])
def test_a_password_in_clear_text_is_right_or_wrong(last: bytes, kind: str) -> None:
    """The answer to the password decides."""
    assert saying(message(b"R", struct.pack("!i", 3)), last).kind == kind


def test_the_proof_is_the_one_of_the_standard() -> None:
    """SCRAM-SHA-256 with the example of RFC 7677, 3."""
    challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    fields = dict(part.split("=", 1) for part in challenge.split(","))

    proof = _proof("pencil", "n=user,r=rOprNGfwEbeRWgbNEkqO", challenge, fields)

    assert proof.endswith(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")


def test_a_closed_port_is_not_a_refusal() -> None:
    """Where nobody listens, nothing is known."""
    with pytest.raises(Unobservable, match="nobody answers"):
        enter(Place(host="127.0.0.1", port=free_port()), "app", "viridial")


def test_a_server_that_hangs_up_is_not_a_refusal() -> None:
    """A conversation that breaks off says nothing about who may enter."""
    with pytest.raises(Unobservable, match="hung up"):
        saying(b"")
