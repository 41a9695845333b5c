"""Transport: what promises TLS speaks nothing else."""

from __future__ import annotations

import concurrent.futures
import functools
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http, plain
from constat.outcome import Impact, Severity
from suites.security.approach import OK, acts, approached, named
from suites.security.wire.tls import DEMANDED, shake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.attempt import Admission
    from constat.stack import Listener, Stack

# 28000: no entry for a connection without encryption; 08P01: the pooler's word for the same.
REFUSALS: Final = frozenset({"closed", "silent", "http 400", "sqlstate 28000", "sqlstate 08P01"})
_AT_ONCE: Final = 16


@control(
    "SEC-TLS-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("listeners",),
    refs=("OWASP ASVS 9.1.1", "ISO 27001 A.8.24", "CIS Controls 3.10"),
    remediation="Switch the server's plain-text listener off, or require TLS on it.",
)
def test_a_listener_that_promises_tls_refuses_plain_text(stack: Stack, findings: Findings) -> None:
    """Every listener that promises TLS shakes hands by it and answers no protocol in clear text."""
    findings.judge(attack([listener for listener in stack.listeners if listener.tls], http.authority(stack)))


def attack(listeners: list[Listener], ca: str) -> Iterator[Judgement]:
    """Every greeting at every listener, whatever it is said to speak."""
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="plain") as pool:
        yield from pool.map(lambda listener: approached(named(listener), functools.partial(approach, listener, ca)), listeners)
    yield coverage(len(listeners), len(listeners), what="listeners that promise TLS")


def approach(listener: Listener, ca: str) -> Iterable[Admission]:
    """A greeting of each protocol in clear text; the twin speaks TLS at the same port."""
    tried = [(f"{greeting} in clear", functools.partial(plain.in_clear, listener, greeting)) for greeting in plain.GREETINGS]
    return acts(named(listener), speaks_tls(listener, ca), tried, refusals=REFUSALS)


def speaks_tls(listener: Listener, ca: str) -> Answer:
    """`ok` when TLS stands, or breaks off only because the server wants a certificate from us; its own must be the platform's."""
    if listener.protocol == "postgres":
        return plain.tls(listener, ca)
    answer = shake(listener, ca)
    return Answer(kind=OK, shown=f"TLS, and the server asks for a certificate: {answer.shown}") if answer.kind == DEMANDED else answer
