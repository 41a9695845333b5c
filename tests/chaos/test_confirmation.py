"""A node is called dead when nobody answers at its port, and not before."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from chaos.confirmation import Gone, _knock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def serving(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port at which each connection is treated so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                act(line)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def answers(line: socket.socket) -> None:
    """As a server that lives."""
    line.recv(8)
    line.sendall(b"S")


def hangs_up(line: socket.socket) -> None:
    """As a port that is mapped to nobody."""
    line.recv(8)


def test_a_server_that_answers_is_there() -> None:
    """It is asked for TLS and says yes."""
    with serving(answers) as port:
        assert _knock("127.0.0.1", port) == "open"


def test_a_mapped_port_with_nobody_behind_is_silent() -> None:
    """That the connection opens says nothing of the server."""
    with serving(hangs_up) as port:
        assert _knock("127.0.0.1", port) == "silent"


def test_a_closed_port_refuses() -> None:
    """The ordinary case on one machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert _knock("127.0.0.1", port) == "refused"


@pytest.mark.parametrize(
    ("port", "has_process", "confirmed"),
    [
        ("refused", False, True),
        ("silent", False, True),
        ("open", False, False),
        ("timed out", False, True),
        ("timed out", True, False),
        ("network is unreachable", False, False),
        ("refused", True, False),
        ("silent", True, False),
    ],
)
def test_both_witnesses_must_agree(port: str, has_process: bool, confirmed: bool) -> None:  # noqa: FBT001 - a table
    """A frozen server times out, and one that still runs is not dead, whatever its port says."""
    assert Gone(ports=(port,), has_process=has_process).is_confirmed is confirmed


@pytest.mark.parametrize(
    ("ports", "has_process", "still"),
    [
        (("timed out", "timed out"), True, True),
        (("timed out", "open"), True, False),
        (("timed out",), False, False),
        (("refused",), True, False),
        ((), True, False),
    ],
)
def test_a_frozen_node_is_there_and_says_nothing(ports: tuple[str, ...], has_process: bool, still: bool) -> None:  # noqa: FBT001 - a table
    """At none of its ports; one that is gone is not frozen, and one without a port cannot be told."""
    assert Gone(ports=ports, has_process=has_process).is_still is still
