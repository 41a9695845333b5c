"""Doors: what is said goes over the wire as it is, and no answer is never taken for one."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from suites.tenancy.gateway.door import Door
from suites.tenancy.gateway.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
HANGS_UP = b""


@contextmanager
def served(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives one answer a connection and closes it; where it is, and what it has heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                talking, _ = listening.accept()
                with talking:
                    heard.append(talking.recv(65536))
                    talking.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard


def test_a_request_goes_over_the_wire_as_it_is() -> None:
    """Neither dots nor encodings of a path are tidied up, and headers keep their spelling and number."""
    request = Request(
        method="GET", path="", target="/a/x/%2e%2e//b;c=1?d=%C3", headers=(("x-tenant-ID", "t1"), ("X-Tenant-ID", "t10"), ("x_t", "\uff54"))
    )
    with served(ANSWER) as (url, heard), Door("here", "", url) as door:
        reply = door.ask(request, "TOKEN")

    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET /a/x/%2e%2e//b;c=1?d=%C3 HTTP/1.1"
    assert lines[2:6] == ["x-tenant-ID: t1", "X-Tenant-ID: t10", "x_t: \uff54", "Authorization: Bearer TOKEN"]
    assert (reply.status, reply.body, reply.headers["set-cookie"]) == (200, b"ok", "a=1, b=2")


def test_a_server_that_hung_up_is_asked_once_more() -> None:
    """A connection that was kept may have been closed meanwhile."""
    with served(ANSWER, ANSWER) as (url, heard), Door("here", "", url) as door:
        assert door.ask(Request(method="GET", path="/1")).status == 200
        assert door.ask(Request(method="GET", path="/2")).status == 200

    assert [line.split()[1] for line in heard] == [b"/1", b"/2"]


@pytest.mark.parametrize("answer", [HANGS_UP, b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"])
def test_no_whole_answer_is_no_answer(answer: bytes) -> None:
    """Silence, another protocol and half an answer are what could not be observed."""
    with (
        served(answer, answer) as (url, _),
        Door("here", "", url) as door,
        pytest.raises(Unobservable, match="no answer to GET"),
    ):
        door.ask(Request(method="GET", path="/x"))
