"""Impostors: how clients take one, and what is said of it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from suites.security.test_impostors import judge_visits, waves
from suites.security.wire.impostor import End, Visit, _foreign, met

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NODES = st.sampled_from(["a", "b", "c", "d", "e"])


def believing() -> ssl.SSLContext:
    """A client that takes whatever it is shown."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def talks(context: ssl.SSLContext, before: bytes = b"") -> Callable[[socket.socket], None]:
    """A client that speaks as soon as it may."""

    def act(line: socket.socket) -> None:
        if before:
            line.sendall(before)
            line.recv(1)
        with contextlib.suppress(OSError), context.wrap_socket(line, server_hostname="cache") as secure:
            secure.sendall(b"secret")

    return act


POSTGRES = b"\0\0\0\x08\x04\xd2\x16\x2f"
CLIENTS: dict[str, tuple[Callable[[socket.socket], None], bool, End]] = {
    "verifies": (talks(ssl.create_default_context()), False, End.REFUSED),
    "believes": (talks(believing()), False, End.BELIEVED),
    "speaks in clear": (lambda line: line.sendall(b"PING\r\n"), False, End.CLEAR),
    "says nothing": (lambda line: line.close(), False, End.SILENT),
    "database, verifies": (talks(ssl.create_default_context(), POSTGRES), True, End.REFUSED),
    "database, believes": (talks(believing(), POSTGRES), True, End.BELIEVED),
    "database, in clear": (lambda line: line.sendall(b"\0\0\0\x08\0\3\0\0"), True, End.CLEAR),
}


@pytest.mark.parametrize(("client", "is_postgres", "end"), CLIENTS.values(), ids=CLIENTS.keys())
def test_a_client_is_known_by_what_it_does_next(
    tmp_path: Path, client: Callable[[socket.socket], None], *, is_postgres: bool, end: End
) -> None:
    """Only one that goes on has believed; only one that breaks off has looked."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        thread = threading.Thread(target=client, args=(theirs,))
        thread.start()
        seen = met(ours, _foreign(tmp_path / "x.pem", ("cache", "127.0.0.1")), is_postgres=is_postgres)
        thread.join()

    assert seen is end


@given(st.sets(st.tuples(NODES, NODES.map(lambda node: f"{node}/tls")).filter(lambda edge: edge[0] != edge[1][0])))
def test_no_client_is_gone_while_its_server_is(known: set[tuple[str, str]]) -> None:
    """Every server has its wave, and each of its clients another."""
    found = waves(known, spared=frozenset({"a"}))

    assert sorted(node for wave in found for node in wave) == sorted({server[0] for _, server in known} - {"a"})
    assert not [edge for edge in known for wave in found if edge[0] in wave and edge[1][0] in wave]


REFUSED = Visit(node="property", listener="cache/redis", end=End.REFUSED)


@pytest.mark.parametrize(
    ("end", "outcome"), [(End.REFUSED, Outcome.PASS), (End.BELIEVED, Outcome.FAIL), (End.CLEAR, Outcome.FAIL), (End.SILENT, None)]
)
def test_each_way_is_judged_by_the_worst_of_its_visits(end: End, outcome: Outcome | None) -> None:
    """One connection that was refused does not make up for one that was not; who says nothing proves nothing."""
    visit = Visit(node="property", listener="broker/amqps", end=end)
    judged = {judgement.subject: judgement.outcome for judgement in judge_visits([REFUSED, visit], set())}

    assert judged.get("property to broker/amqps") is outcome
    assert judged["property to cache/redis"] is Outcome.PASS


def test_a_way_that_nobody_went_is_not_green() -> None:
    """It was there before, and it did not come again."""
    judged = list(judge_visits([REFUSED], {("gateway", "search/https")}))

    assert judged[-1].outcome is Outcome.NOT_REVIEWED
    assert "gateway to search/https" in judged[-1].reason
