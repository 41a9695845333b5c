"""Every declared listener is approached; one whose protocol nobody knows is named, not passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from constat.outcome import Outcome
from constat.stack import Cache, Listener
from suites.security.approach import Ground
from suites.security.test_strangers import attack, grounded
from tests.suites.security.servers import certificate, serving
from tests.suites.security.stacks import bare

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from constat.judgement import Judgement


def judged(ca: str, *listeners: Listener, **parts: object) -> dict[str, Judgement]:
    """How each subject of such a stack ends."""
    ground = Ground(stack=bare(listeners=listeners, **parts), ca=ca, canary="c1", tenant="t1", private=frozenset())
    return {judgement.subject: judgement for judgement in attack(ground)}


def redis(answer: bytes) -> Callable[[socket.socket], None]:
    """A cache that gives everybody the same answer."""

    def talk(line: socket.socket) -> None:
        while line.recv(4096):
            line.sendall(answer)

    return talk


def test_a_protocol_that_nobody_knows_is_not_reviewed(tmp_path: Path) -> None:
    """A listener that cannot be approached is NOT_REVIEWED by its name, and so is the coverage."""
    listener = Listener(node="mail", name="smtp", port=1, tls=False, protocol="smtp")
    found = judged(certificate(tmp_path, "ca").cert, listener)

    assert {name: judgement.outcome for name, judgement in found.items()} == {
        "mail/smtp": Outcome.NOT_REVIEWED,
        "coverage": Outcome.NOT_REVIEWED,
    }


def test_a_listener_without_its_capability_is_an_error(tmp_path: Path) -> None:
    """A declared cache that the stack has no way into was not looked at."""
    listener = Listener(node="cache", name="redis", port=1, tls=False, protocol="redis")

    assert judged(certificate(tmp_path, "ca").cert, listener)["cache/redis"].outcome is Outcome.ERROR


@pytest.mark.parametrize(("answer", "expected"), [(b"+PONG\r\n", Outcome.FAIL), (b"-NOAUTH Authentication required.\r\n", Outcome.ERROR)])
def test_a_cache_that_answers_strangers_fails(tmp_path: Path, answer: bytes, expected: Outcome) -> None:
    """One that answers a stranger is a FAIL; one that refuses its administrator too has proven nothing."""
    with serving(redis(answer), protocol="redis") as listener:
        cache = Cache(url=f"redis://127.0.0.1:{listener.port}/0", admin_password="x", ca="")
        found = judged(certificate(tmp_path, "ca").cert, listener, cache=cache)

    assert found["fake/fake"].outcome is expected


def test_a_stack_without_an_authority_cannot_be_approached() -> None:
    """No server could prove who it is."""
    with pytest.raises(Unobservable, match="certificate authority"):
        grounded(bare(), "c1")
