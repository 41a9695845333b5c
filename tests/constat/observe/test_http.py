"""Answers over HTTP: one as it came, and no answer is never one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from constat.observe import http
from constat.stack import Gateway
from tests.suites.security.servers import Pair, certificate, free_port, serving
from tests.suites.security.stacks import bare

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path


def answering(status: str, body: bytes) -> Callable[[socket.socket], None]:
    """A server that gives everybody this answer."""

    def talk(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body))

    return talk


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A server's certificate, which is its own authority."""
    return certificate(tmp_path, "server")


def routes_of(document: object, pair: Pair) -> tuple[http.Route, ...]:
    """What a service with that OpenAPI document describes."""
    with (
        serving(answering("200 OK", json.dumps(document).encode()), tls=pair) as listener,
        http.client(pair.cert, f"https://{listener.host}:{listener.port}") as client,
    ):
        return http.routes(client)


def test_an_answer_is_an_answer_whatever_its_status(pair: Pair) -> None:
    """A refusal is a reply, to be judged by whoever asked."""
    with (
        serving(answering("403 Forbidden", b"no"), tls=pair) as listener,
        http.client(pair.cert, f"https://{listener.host}:{listener.port}") as client,
    ):
        reply = http.ask(client, "GET", "/")

    assert (reply.status, reply.text) == (403, "no")
    with pytest.raises(Unobservable, match="answers 403"):
        http.expect(reply, what="/")


def test_no_answer_is_unobservable(pair: Pair, tmp_path: Path) -> None:
    """A closed port, and a server that is not the platform's, are not answers."""
    other = certificate(tmp_path, "other")
    with serving(answering("200 OK", b""), tls=other) as listener:
        for base in (f"https://127.0.0.1:{free_port()}", f"https://127.0.0.1:{listener.port}"):
            with http.client(pair.cert, base) as client, pytest.raises(Unobservable, match="no answer"):
                http.ask(client, "GET", "/")


def test_a_reply_that_is_no_json_is_unobservable() -> None:
    """A page where a document was expected says nothing."""
    with pytest.raises(Unobservable, match="expected JSON"):
        http.Reply(status=200, headers={}, body=b"<html>").json()


def test_an_operation_is_public_only_by_its_own_or_the_documents_word(pair: Pair) -> None:
    """An empty list of demands, or none anywhere, is everybody's; the document's demand holds unless an operation says otherwise."""
    paths = {"/a": {"get": {}, "post": {"security": []}}, "/b": {"get": {"security": [{"token": []}]}, "parameters": []}}
    demanding = routes_of({"paths": paths, "security": [{"token": []}]}, pair)
    silent = routes_of({"paths": paths}, pair)

    assert [[(r.method, r.path, r.public) for r in found] for found in (demanding, silent)] == [
        [("GET", "/a", False), ("POST", "/a", True), ("GET", "/b", False)],
        [("GET", "/a", True), ("POST", "/a", True), ("GET", "/b", False)],
    ]


def test_a_document_without_operations_is_unobservable(pair: Pair) -> None:
    """A service that describes nothing was not enumerated."""
    with pytest.raises(Unobservable, match="no operation"):
        routes_of({"paths": {}}, pair)


def test_readiness_without_dependencies_is_unobservable(pair: Pair) -> None:
    """A bare `ok` is not the agreed form."""
    with (
        serving(answering("200 OK", b'{"ready": true}'), tls=pair) as listener,
        http.client(pair.cert, f"https://{listener.host}:{listener.port}") as client,
        pytest.raises(Unobservable, match="lists no dependencies"),
    ):
        http.readiness(client)


def test_the_authority_is_that_of_any_capability() -> None:
    """The first that names one; a stack without any cannot be looked at."""
    assert http.authority(bare(gateway=Gateway(url="", plain_url="", ca="/ca.pem"))) == "/ca.pem"
    with pytest.raises(Unobservable, match="certificate authority"):
        http.authority(bare())


def test_an_authority_that_cannot_be_read_is_unobservable() -> None:
    """Without it no server could prove who it is."""
    with pytest.raises(Unobservable, match="cannot be read"):
        http.trusting("/nowhere/ca.pem")


def answers(*statuses: int) -> Callable[[], http.Reply]:
    """One status after the other, the last for ever."""
    left = list(statuses)
    return lambda: http.Reply(status=left.pop(0) if len(left) > 1 else left[0], headers={}, body=b"")


def test_too_many_requests_is_no_answer_yet() -> None:
    """Whoever is only asked to be slower asks again."""
    assert http.unhurried(answers(429, 429, 401)).status == 401


def test_a_server_that_is_always_too_busy_says_so_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the refusal itself is the answer."""
    monkeypatch.setattr("constat.deadlines.SERVICE_ANSWERS", 0.3)

    assert http.unhurried(answers(429)).status == 429
