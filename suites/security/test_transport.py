"""Transport: what promises TLS speaks nothing else."""

from __future__ import annotations

import concurrent.futures
import datetime
import functools
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http, plain
from constat.outcome import Impact, Severity
from suites.security.approach import OK, acts, approached, named
from suites.security.wire import oldtls
from suites.security.wire.tls import DEMANDED, DIALECTS, Dialect, certificate_of, shake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.attempt import Admission
    from constat.observe.http import Certificate
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


@control(
    "SEC-TLS-02",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("listeners",),
    refs=("OWASP ASVS 9.1.2", "OWASP ASVS 9.1.3", "RFC 8996", "RFC 9325", "ISO 27001 A.8.24", "CWE-327", "CWE-326"),
    remediation="Set the server's lowest version to TLS 1.2 and its ciphers to those with forward secrecy, and renew its certificate.",
)
def test_a_listener_that_promises_tls_speaks_no_old_one(stack: Stack, findings: Findings) -> None:
    """Every listener that promises TLS refuses versions before 1.2 and weak ciphers, and its certificate is good for another week."""
    findings.judge(attack_versions(stack, http.authority(stack)))


def attack_versions(stack: Stack, ca: str) -> Iterator[Judgement]:
    """Every offer at every listener, by a client that is shown to be able to make it."""
    listeners = [listener for listener in stack.listeners if listener.tls]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="old") as pool:
        yield from pool.map(lambda listener: approached(named(listener), functools.partial(approach_old, stack, listener, ca)), listeners)
    yield coverage(len(listeners), len(listeners), what="listeners that promise TLS")


def approach_old(stack: Stack, listener: Listener, ca: str) -> Iterable[Admission]:
    """Old versions and weak ciphers with the node's own certificate where there is one; the twin has TLS as it should be, and time left."""
    own = _own(stack, listener)
    left = (
        oldtls.days_left(listener, ca, own, datetime.datetime.now(datetime.UTC))
        if DIALECTS.get(listener.protocol, Dialect()).known
        else oldtls.SHORTEST_DAYS
    )
    known = Answer(kind=OK, shown=f"the certificate is good for {left:.0f} days")
    offers = [(offer.name, functools.partial(_accepts, listener, offer, own)) for offer in oldtls.OFFERS]
    lasting = ("a certificate that soon ends", functools.partial(judge_days, left))
    return acts(named(listener), known, [*offers, lasting], refusals=frozenset({oldtls.REFUSED}))


def judge_days(left: float) -> Answer:
    """As an act: let in when the certificate ends within days."""
    kind = oldtls.REFUSED if left >= oldtls.SHORTEST_DAYS else OK
    return Answer(kind=kind, shown=f"ends in {left:.1f} days")


def _accepts(listener: Listener, offer: oldtls.Offer, own: Certificate | None) -> Answer:
    if not oldtls.can_offer(offer):
        msg = f"this machine's own TLS cannot offer {offer.name}; nothing would be proven by a refusal"
        raise Unobservable(msg)
    return oldtls.accepts(listener, offer, own)


def _own(stack: Stack, listener: Listener) -> Certificate | None:
    """The certificate of the listener's node, so that a server which demands one refuses for no want of it."""
    try:
        return certificate_of(stack, listener.node)
    except Unobservable:
        return None  # this server is asked without; where it demands one, the twin says so


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
